/* file.h - a whole small file at once: read (configuration, secrets), or replaced so that neither a
 * crash nor a power cut leaves a part of it. */
#ifndef SLIPWAY_BASE_FILE_H
#define SLIPWAY_BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

/* Appends the file to text, up to its maximum; a larger file is an error, as is what is no plain
 * file (a pipe could keep the program waiting). The error names the path. */
int file_read(const char *path, struct buf *text, struct err *err) MUST_USE;

/* The same for a command that somebody waits for: a pipe is read too, to its end, which has to come
 * within FILE_PIPE_MS. */
int file_read_any(const char *path, struct buf *text, struct err *err) MUST_USE;

/* The file is text from now on, or stays as it was: path.new is written and synced, takes the name,
 * and the name is synced. Others cannot read it. */
int file_replace(const char *path, struct str text, struct err *err) MUST_USE;

/* What is in `fresh` is `path` from now on, whatever was there before; both lie on one file system. */
int file_take_name(const char *fresh, const char *path, struct err *err) MUST_USE;

/* Syncs the directory that holds path: a name made in it survives a power cut only then. */
int file_sync_parent(const char *path, struct err *err) MUST_USE;

#endif
