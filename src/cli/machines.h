/* machines.h - prints the state machines that this binary runs, in four languages. */
#ifndef SLIPWAY_CLI_MACHINES_H
#define SLIPWAY_CLI_MACHINES_H

#include <stdbool.h>

#include "base/str.h"

/* format: "mermaid", "dot", "promela" or "json"; name: one machine, or NULL for all. false: no such
 * format or machine. */
bool machines_write(const char *format, const char *name, struct buf *to);

#endif
