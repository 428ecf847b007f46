/* yaml_write.h - slipway.yml from what was read of one: the way back of config_file_parse().
 *
 * The one idea: there is one way to write a configuration. Names are in order, what is the default is left
 * out, what all stages of a project say stands at the project, and a text is in quotes when any reader of
 * YAML could take it for something else. So equal configurations are equal bytes. */
#ifndef SLIPWAY_CONFIG_YAML_WRITE_H
#define SLIPWAY_CONFIG_YAML_WRITE_H

#include "base/str.h"

struct config_file;

/* A text as one scalar: plain where everybody reads a text, else in double quotes. */
void yaml_write_scalar(struct buf *to, struct str text);
void yaml_write_quoted(struct buf *to, struct str text);

/* The whole file, or one project of it with the engines, registries and proxies (project NULL: all). */
void config_file_write(const struct config_file *file, const char *project, struct buf *to);

#endif
