/* file.h - a whole small file at once: configuration and secrets, at start or on a command. */
#ifndef SLIPWAY_BASE_FILE_H
#define SLIPWAY_BASE_FILE_H

#include "base/err.h"
#include "base/str.h"

/* Appends the file to text, up to its maximum; a larger file is an error, as is what is no plain
 * file (a pipe could keep the program waiting). The error names the path. */
int file_read(const char *path, struct buf *text, struct err *err) MUST_USE;

#endif
