/* settings_table.h - the table of settings; for settings*.c alone. */
#ifndef SLIPWAY_CONFIG_SETTINGS_TABLE_H
#define SLIPWAY_CONFIG_SETTINGS_TABLE_H

#include "config/rules.h"
#include "config/settings.h"

enum setting_kind { /* member of struct settings */
	SETTING_TEXT, /* const char *, looked at by the rule */
	SETTING_SECRET, /* the same, never shown */
	SETTING_ADDRESS, /* struct address */
	SETTING_ADDRESSES, /* struct addresses; "none" for none */
	SETTING_SWITCH, /* bool; on, off and their likes */
	SETTING_CHOICE, /* int, index into choices */
	SETTING_DURATION, /* int64_t, milliseconds */
	SETTING_NUMBER, /* int64_t */
};

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t offset;
	const char *initial; /* "" = none */
	const char *help; /* one sentence, Markdown */
	rule_fn *rule;
	const char *const *choices; /* ended by NULL */
	int64_t least; /* of a duration in milliseconds, of a number */
	int64_t most;
};

enum { SETTING_COUNT = 34, SETTING_ADDRESSES_MAX = 16 };
extern const struct setting settings_table[SETTING_COUNT];

/* Where a value came from, kept beside the settings for the summary. */
struct setting_source {
	const char *value; /* as read; the default when not given */
	const char *from; /* "default", "environment" or the file's path */
};

/* What settings_load really takes: the settings lie at the beginning. */
struct settings_memory {
	struct settings settings;
	struct arena *arena;
	struct setting_source sources[SETTING_COUNT];
};

#endif
