/* settings.c - the environment, read by the table.
 *
 * First every variable finds its row (or is a fault), then every row takes its value: from NAME, from
 * the file that NAME_FILE names, or its default, and all three pass the same reading. */
#include "config/settings.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "config/nearest.h"
#include "config/settings_table.h"
#include "config/spec.h"
#include "config/units.h"

enum { SETTINGS_ARENA_SIZE = 8192 };

#define PREFIX "SLIPWAY_"
#define FILE_SUFFIX "_FILE"

struct loading {
	struct settings_memory *memory;
	struct arena *arena;
	const char *values[SETTING_COUNT]; /* of NAME; NULL: not given */
	const char *paths[SETTING_COUNT]; /* of NAME_FILE */
};

static void PRINTF_LIKE(2, 3) fault(struct loading *l, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	problems_add(&l->memory->settings.faults, 0, 0, "%s", text);
}

/* A Service named slipway (or slipway-edge) makes Kubernetes set variables of this prefix in every
 * pod beside it: SLIPWAY_SERVICE_HOST, SLIPWAY_PORT_80_TCP, SLIPWAY_PORT=tcp://... */
static bool
is_from_kubernetes(struct str name, const char *value)
{
	const char *port;

	if (memmem(name.p, name.n, "_SERVICE_HOST", 13) != NULL
	    || memmem(name.p, name.n, "_SERVICE_PORT", 13) != NULL)
		return true;
	port = memmem(name.p, name.n, "_PORT", 5);
	if (port == NULL)
		return false;
	if (port + 5 == name.p + name.n)
		return strncmp(value, "tcp://", 6) == 0 || strncmp(value, "udp://", 6) == 0;
	return port[5] == '_' && isdigit((unsigned char)port[6]);
}

/* A slipway that itself was deployed by one. */
static bool
is_told(struct str name)
{
	for (size_t i = 0; i < TOLD_COUNT; i++)
		if (str_is(name, told_names[i]))
			return true;
	return false;
}

static void
tell_unknown(struct loading *l, struct str name)
{
	struct nearest nearest;
	struct str stem = name;
	const char *suffix = "";

	if (name.n > 5 && memcmp(name.p + name.n - 5, FILE_SUFFIX, 5) == 0) {
		stem.n -= 5;
		suffix = FILE_SUFFIX;
	}
	nearest_begin(&nearest, stem);
	for (size_t i = 0; i < COUNT(settings_table); i++)
		nearest_offer(&nearest, settings_table[i].name);
	if (nearest.name != NULL)
		fault(l, "unknown setting %.*s: did you mean %s%s?", (int)name.n, name.p,
		    nearest.name, suffix);
	else
		fault(l, "unknown setting %.*s: no variable of that name is read; remove it",
		    (int)name.n, name.p);
}

static void
take_variable(struct loading *l, const char *variable)
{
	struct str name;
	struct str value = str_cut(str_of(variable), '=', &name);

	if (!str_starts(name, PREFIX) || value.n == 0)
		return;
	for (size_t i = 0; i < COUNT(settings_table); i++) {
		struct str known = str_of(settings_table[i].name);

		if (!str_starts(name, known.p))
			continue;
		if (name.n == known.n) {
			l->values[i] = value.p;
			return;
		}
		if (name.n == known.n + 5 && memcmp(name.p + known.n, FILE_SUFFIX, 5) == 0) {
			l->paths[i] = value.p;
			return;
		}
	}
	if (!is_from_kubernetes(name, value.p) && !is_told(name))
		tell_unknown(l, name);
}

/* "1.2.3.4:80" or "[::1]:80". */
static bool
read_address(struct arena *arena, struct str text, struct address *ret_address)
{
	struct str host;
	struct str port;
	struct in6_addr binary;
	uint64_t number;
	bool is_six = str_starts(text, "[");

	port = str_cut(text, is_six ? ']' : ':', &host);
	if (is_six) {
		host = (struct str){ host.p + 1, host.n - 1 };
		if (!str_starts(port, ":"))
			return false;
		port = (struct str){ port.p + 1, port.n - 1 };
	}
	if (!str_number(port, 65535, &number) || number == 0)
		return false;
	ret_address->text = arena_text(arena, text);
	ret_address->host = arena_text(arena, host);
	ret_address->port = (int)number;
	return inet_pton(is_six ? AF_INET6 : AF_INET, ret_address->host, &binary) == 1;
}

static bool
read_addresses(struct arena *arena, struct str text, struct addresses *ret_addresses)
{
	struct addresses list = { 0 };

	if (str_is(text, "none")) {
		*ret_addresses = list;
		return true;
	}
	if (text.p[text.n - 1] == ',')
		return false;
	list.items = arena_take_array(arena, SETTING_ADDRESSES_MAX, sizeof(*list.items));
	while (text.n > 0) {
		struct str one;

		text = str_cut(text, ',', &one);
		if (list.count == SETTING_ADDRESSES_MAX
		    || !read_address(arena, str_trim(one), &list.items[list.count++]))
			return false;
	}
	*ret_addresses = list;
	return true;
}

static bool
read_switch(const char *value, bool *ret_switch)
{
	static const char *const words[][2] = {
		{ "on", "off" },
		{ "1", "0" },
		{ "true", "false" },
		{ "yes", "no" },
	};

	for (size_t i = 0; i < COUNT(words); i++)
		for (size_t k = 0; k < 2; k++)
			if (strcmp(value, words[i][k]) == 0) {
				*ret_switch = k == 0;
				return true;
			}
	return false;
}

static bool
read_choice(const char *value, const char *const *choices, int *ret_choice)
{
	for (int i = 0; choices[i] != NULL; i++)
		if (strcmp(value, choices[i]) == 0) {
			*ret_choice = i;
			return true;
		}
	return false;
}

static void
tell_choices(struct loading *l, const struct setting *setting, const char *value)
{
	struct buf list;

	buf_init(&list, ERR_TEXT_SIZE);
	for (size_t i = 0; setting->choices[i] != NULL; i++)
		buf_format(&list, "%s%s", i == 0 ? "" : ", ", setting->choices[i]);
	fault(l, "%s: '%.60s' must be one of %s", setting->name, value, buf_cstr(&list));
	buf_free(&list);
}

static void
read_duration(
    struct loading *l, const struct setting *setting, const char *value, int64_t *ret_ms)
{
	char least[UNITS_TEXT_SIZE];
	char most[UNITS_TEXT_SIZE];
	int64_t ms;

	if (units_duration(str_of(value), &ms) && ms >= setting->least
	    && ms <= setting->most) {
		*ret_ms = ms;
		return;
	}
	units_duration_text(setting->least, least);
	units_duration_text(setting->most, most);
	fault(l, "%s: '%.60s' must be a duration from %s to %s with its unit: \"30s\", \"5m\"",
	    setting->name, value, least, most);
}

static void
read_number(
    struct loading *l, const struct setting *setting, const char *value, int64_t *ret_number)
{
	uint64_t number;

	if (str_number(str_of(value), (uint64_t)setting->most, &number)
	    && (int64_t)number >= setting->least)
		*ret_number = (int64_t)number;
	else
		fault(l, "%s: '%.60s' must be a whole number from %lld to %lld", setting->name,
		    value, (long long)setting->least, (long long)setting->most);
}

static void
take_text(
    struct loading *l, const struct setting *setting, const char *value, const char **ret_text)
{
	const char *trouble = value[0] == '\0' ? NULL : setting->rule(value);

	*ret_text = value;
	if (trouble != NULL && setting->kind == SETTING_SECRET)
		fault(l, "%s: the value %s", setting->name, trouble);
	else if (trouble != NULL)
		fault(l, "%s: '%.120s' %s", setting->name, value, trouble);
}

static void
take_value(struct loading *l, const struct setting *setting, const char *value)
{
	void *member = (char *)&l->memory->settings + setting->offset;

	switch (setting->kind) {
	case SETTING_TEXT:
	case SETTING_SECRET:
		take_text(l, setting, value, member);
		break;
	case SETTING_ADDRESS:
		if (!read_address(l->arena, str_of(value), member))
			fault(l,
			    "%s: '%.60s' must be an IP address and a port: 127.0.0.1:8080, "
			    "[::1]:8080, 0.0.0.0:8080 for all",
			    setting->name, value);
		break;
	case SETTING_ADDRESSES:
		if (!read_addresses(l->arena, str_of(value), member))
			fault(l,
			    "%s: '%.60s' must be up to %d IP addresses with ports and commas "
			    "in "
			    "between (0.0.0.0:80, [::]:80), or none",
			    setting->name, value, SETTING_ADDRESSES_MAX);
		break;
	case SETTING_SWITCH:
		if (!read_switch(value, member))
			fault(l, "%s: '%.60s' must be on or off", setting->name, value);
		break;
	case SETTING_CHOICE:
		if (!read_choice(value, setting->choices, member))
			tell_choices(l, setting, value);
		break;
	case SETTING_DURATION:
		read_duration(l, setting, value, member);
		break;
	case SETTING_NUMBER:
		read_number(l, setting, value, member);
		break;
	}
}

/* Contents of the file, without the newline that editors and `echo` put behind; NULL on a fault. */
static const char *
read_from_file(struct loading *l, const struct setting *setting, const char *path)
{
	struct buf text;
	struct err err;
	struct str value;
	const char *result = NULL;

	buf_init(&text, VALUE_SIZE);
	if (file_read(path, &text, &err) != 0) {
		fault(l, "%s" FILE_SUFFIX ": %s", setting->name, err.text);
	} else {
		value = buf_view(&text);
		if (value.n > 0 && value.p[value.n - 1] == '\n')
			value.n--;
		if (value.n > 0 && memchr(value.p, '\0', value.n) != NULL)
			fault(l,
			    "%s" FILE_SUFFIX
			    ": %.120s: holds a NUL character: this is no text",
			    setting->name, path);
		else if (value.n == 0)
			fault(l, "%s" FILE_SUFFIX ": %.120s: is empty", setting->name, path);
		else
			result = arena_text(l->arena, value);
	}
	buf_free(&text);
	return result;
}

static void
take_setting(struct loading *l, size_t i)
{
	const struct setting *setting = &settings_table[i];
	struct setting_source *source = &l->memory->sources[i];

	*source = (struct setting_source){ setting->initial, "default" };
	if (l->values[i] != NULL && l->paths[i] != NULL) {
		fault(l, "%s and %s" FILE_SUFFIX " are both set: keep one", setting->name,
		    setting->name);
	} else if (l->values[i] != NULL) {
		*source = (struct setting_source){ arena_text(l->arena, str_of(l->values[i])),
			"environment" };
	} else if (l->paths[i] != NULL) {
		const char *value = read_from_file(l, setting, l->paths[i]);

		if (value != NULL)
			*source = (struct setting_source){ value,
				arena_text(l->arena, str_of(l->paths[i])) };
	}
	take_value(l, setting, source->value);
}

/* The ports that are spoken for, for TCP routes; and no address twice. */
static void
take_ports(struct loading *l)
{
	struct settings *s = &l->memory->settings;
	size_t most = 1 + s->edge_http.count + s->edge_https.count;
	int *ports = arena_take_array(l->arena, most, sizeof(*ports));
	const char **texts = arena_take_array(l->arena, most, sizeof(*texts));
	const struct addresses *lists[] = { &s->edge_http, &s->edge_https };
	size_t count = 0;

	texts[count] = s->listen.text;
	ports[count++] = s->listen.port;
	for (size_t i = 0; s->is_edge_on && i < COUNT(lists); i++)
		for (size_t k = 0; k < lists[i]->count; k++) {
			texts[count] = lists[i]->items[k].text;
			ports[count++] = lists[i]->items[k].port;
		}
	for (size_t i = 1; i < count; i++)
		for (size_t k = 0; k < i; k++)
			if (texts[k] != NULL && strcmp(texts[i], texts[k]) == 0)
				fault(l,
				    "%s is given twice among SLIPWAY_LISTEN, "
				    "SLIPWAY_EDGE_HTTP and "
				    "SLIPWAY_EDGE_HTTPS",
				    texts[i]);
	s->rules = (struct config_rules){ .allows_docker_socket = s->allows_docker_socket,
		.volume_paths = s->volume_paths,
		.powers = s->powers,
		.secret_paths = s->secret_paths,
		.taken_ports = ports,
		.taken_port_count = count };
}

static void
check_together(struct loading *l)
{
	struct settings *s = &l->memory->settings;
	size_t length = strlen(s->url);

	if (s->is_edge_on && s->edge_https.count > 0 && s->edge_certificates[0] == '\0')
		fault(l, "SLIPWAY_EDGE_HTTPS needs SLIPWAY_EDGE_CERTIFICATES: a PEM file with "
			 "certificate and key, or a folder of such files");
	while (length > 0 && s->url[length - 1] == '/')
		length--;
	s->url = arena_text(l->arena, (struct str){ s->url, length });
	take_ports(l);
}

struct settings *
settings_load(char *const *environment)
{
	struct arena *arena = arena_new(SETTINGS_ARENA_SIZE);
	struct settings_memory *memory = arena_take(arena, sizeof(*memory));
	struct loading l = { .memory = memory, .arena = arena };

	memory->settings.memory = memory;
	memory->arena = arena;
	problems_init(&memory->settings.faults, arena);
	for (; *environment != NULL; environment++)
		take_variable(&l, *environment);
	for (size_t i = 0; i < COUNT(settings_table); i++)
		take_setting(&l, i);
	check_together(&l);
	return &memory->settings;
}

void
settings_free(struct settings *settings)
{
	const struct settings_memory *memory = settings == NULL ? NULL : settings->memory;

	if (memory != NULL)
		arena_free(memory->arena);
}

void
settings_write_summary(const struct settings *settings, struct buf *text)
{
	const struct settings_memory *memory = settings->memory;

	for (size_t i = 0; i < COUNT(settings_table); i++) {
		const struct setting_source *source = &memory->sources[i];
		bool is_secret = settings_table[i].kind == SETTING_SECRET;

		buf_format(text, "%-31s %s  (%s)\n", settings_table[i].name,
		    source->value[0] == '\0' ? "not set"
		    : is_secret              ? "set"
					     : source->value,
		    source->from);
	}
}
