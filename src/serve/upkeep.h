/* upkeep.h - `slipway db`: what a person does to the store itself. */
#ifndef SLIPWAY_SERVE_UPKEEP_H
#define SLIPWAY_SERVE_UPKEEP_H

struct settings;

/* Where backups by rule are: SLIPWAY_BACKUPS, or a folder in SLIPWAY_DATA; at most BACKUP_PATH_SIZE. */
void upkeep_folder(const struct settings *settings, char *path);

/* words: those behind `slipway db`. The exit code; -1: it does not take these words. */
int upkeep_run(const struct settings *settings, int count, char *const *words);

#endif
