/* report.h - a configuration file checked for a person at a terminal or an editor. */
#ifndef SLIPWAY_CONFIG_REPORT_H
#define SLIPWAY_CONFIG_REPORT_H

#include <stdio.h>

#include "config/file.h"
#include "config/settings.h"

/* Prints every fault and warning of the file, each on a line of its own as
 * "slipway.yml:12:5: unknown key 'stage': did you mean 'stages'?" (warnings say "warning: " in front
 * of the text), and a closing line. Returns 0 when there is no fault, else 1. rules may be NULL. */
int config_check(const char *path, const struct config_rules *rules, FILE *out);

/* The same lines for a file that is parsed already; no closing line. */
void config_report_write(const char *path, const struct config_file *file, FILE *out);

/* Every fault of the settings, one a line as "environment: SLIPWAY_LISTEN: ...", or, when there is
 * none, the settings in effect. Returns 0 when there is no fault, else 1. */
int settings_check(const struct settings *settings, FILE *out);

#endif
