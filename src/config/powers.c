/* powers.c - see powers.h. */
#include "config/powers.h"

#include <stdio.h>
#include <string.h>

enum { HOST_NETWORK, HOST_PID, HOST_IPC, PRIVILEGED, WORDS };

static const char *const words[WORDS] = {
	[HOST_NETWORK] = "host-network",
	[HOST_PID] = "host-pid",
	[HOST_IPC] = "host-ipc",
	[PRIVILEGED] = "privileged",
};

static bool
next(struct str *list, struct str *ret_power)
{
	if (list->n == 0)
		return false;
	*list = str_cut(*list, ',', ret_power);
	*ret_power = str_trim(*ret_power);
	return true;
}

static bool
is_power(const char *text)
{
	for (int i = 0; i < WORDS; i++)
		if (strcmp(text, words[i]) == 0)
			return true;
	if (strncmp(text, "cap:", 4) == 0)
		return text[4] != '\0' && rule_capability(text + 4) == NULL;
	return strncmp(text, "device:", 7) == 0 && rule_path(text + 7) == NULL;
}

const char *
rule_powers(const char *text)
{
	struct str list = str_of(text);
	struct str power;
	char copy[POWER_SIZE];

	while (next(&list, &power))
		if (!str_copy(copy, sizeof(copy), power) || !is_power(copy))
			return "must be, with commas in between: privileged, host-network, "
			       "host-pid, host-ipc, cap:NAME, device:/dev/name";
	return NULL;
}

static bool
is_allowed(const char *allowed, const char *power)
{
	struct str list = str_of(allowed);
	struct str one;

	while (next(&list, &one))
		if (str_is(one, power))
			return true;
	return false;
}

static bool
strings_are_missing(const struct strings *strings, const char *kind, const char *allowed,
    char power[POWER_SIZE])
{
	for (size_t i = 0; i < strings->count; i++) {
		struct str name;
		struct str rest = str_cut(str_of(strings->items[i]), ':', &name);

		(void)rest;
		snprintf(power, POWER_SIZE, "%s:%.*s", kind, (int)name.n, name.p);
		if (!is_allowed(allowed, power))
			return true;
	}
	return false;
}

bool
power_is_missing(const struct stage_spec *spec, const char *allowed, char power[POWER_SIZE])
{
	const bool wants[WORDS] = {
		[HOST_NETWORK] = spec->has_host_network,
		[HOST_PID] = spec->has_host_pid,
		[HOST_IPC] = spec->has_host_ipc,
		[PRIVILEGED] = spec->is_privileged,
	};

	for (int i = 0; i < WORDS; i++)
		if (wants[i] && !is_allowed(allowed, words[i])) {
			snprintf(power, POWER_SIZE, "%s", words[i]);
			return true;
		}
	return strings_are_missing(&spec->cap_add, "cap", allowed, power)
	       || strings_are_missing(&spec->devices, "device", allowed, power);
}
