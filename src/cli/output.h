/* output.h - what a command prints: standard output, and whether a person looks at it. */
#ifndef SLIPWAY_CLI_OUTPUT_H
#define SLIPWAY_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "cli/progress.h"

/* Writes at once; to a terminal without what would steer it, whoever said it. false: nobody reads
 * any more, or the disk is full; output_has_failed tells. */
bool output_str(struct str text);
bool output_buf(struct buf *text); /* and frees it */

/* JSON of the API as it came, one document ended by a newline. */
bool output_json(struct str json);

/* A disk that is full is a failure; a reader that has seen enough (`| head`) is not. */
bool output_has_failed(void);

/* Columns of the terminal; 0 when standard output is none. */
size_t output_width(void);

/* How to show progress there: live on a terminal that can, in plain lines otherwise. */
struct progress_style output_style(void);

/* Appends text of others for standard output: harmless on a terminal, as it is elsewhere. */
void output_foreign(struct buf *to, struct str text);

#endif
