/* lines.c - see lines.h: a stage by the tables of fields. Engines, registries and proxies are in
 * lines_hosts.c, what stages share in lines_shared.c. */
#include "config/lines.h"

#include <stdio.h>
#include <string.h>

#include "config/lines_inside.h"
#include "config/units.h"
#include "config/yaml_write.h"

enum { SCALAR_BYTES_MAX = 8 * VALUE_SIZE }; /* quoted: at most six bytes for one */

void
walk_begin(struct walk *w, const struct line_sink *sink)
{
	*w = (struct walk){ .sink = sink };
	buf_init(&w->scalar, SCALAR_BYTES_MAX);
}

void
walk_end(struct walk *w)
{
	CHECK(w->line.depth == 0);
	buf_free(&w->scalar);
}

void
walk_enter(struct walk *w, const char *key)
{
	CHECK(w->line.depth < LINE_DEPTH_MAX - 1);
	w->line.path[w->line.depth++] = key;
}

void
walk_leave(struct walk *w)
{
	CHECK(w->line.depth > 0);
	w->line.depth--;
}

static void
put(struct walk *w, const char *key, struct str value, const struct strings *items)
{
	struct config_line line = w->line;

	CHECK(line.depth < LINE_DEPTH_MAX);
	line.path[line.depth++] = key;
	line.value.p = arena_text(w->sink->arena, value);
	line.value.n = value.n;
	line.items = items;
	w->sink->each(w->sink->context, &line);
}

void
walk_put_plain(struct walk *w, const char *key, const char *value)
{
	put(w, key, str_of(value), NULL);
}

void
walk_put_text(struct walk *w, const char *key, const char *value)
{
	buf_clear(&w->scalar);
	yaml_write_scalar(&w->scalar, str_of(value));
	CHECK(!w->scalar.overflow);
	put(w, key, buf_view(&w->scalar), NULL);
}

void
walk_put_list(struct walk *w, const char *key, const struct strings *items)
{
	put(w, key, STR(""), items);
}

static void
put_integer(struct walk *w, const char *key, int value)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", value);
	walk_put_plain(w, key, text);
}

static void
put_quantity(struct walk *w, const struct field *field, int64_t value)
{
	char text[UNITS_TEXT_SIZE];

	if (field->kind == FIELD_DURATION)
		units_duration_text(value, text);
	else if (field->kind == FIELD_SIZE)
		units_size_text(value, text);
	else
		units_milli_text(value, text);
	walk_put_plain(w, field->key, text);
}

/* Values of a container are always in quotes: nobody has to know what YAML takes for a number. A value
 * that is elsewhere is the map that names it. */
static void
put_pairs(struct walk *w, const char *key, const struct pair_spec *pairs, size_t count)
{
	walk_enter(w, key);
	for (size_t i = 0; i < count; i++) {
		buf_clear(&w->scalar);
		yaml_write_quoted(&w->scalar, str_of(pairs[i].value));
		CHECK(!w->scalar.overflow);
		if (pairs[i].source != VALUE_PLAIN)
			walk_enter(w, pairs[i].name);
		put(w,
		    pairs[i].source == VALUE_PLAIN ? pairs[i].name
						   : value_source_names[pairs[i].source],
		    buf_view(&w->scalar), NULL);
		if (pairs[i].source != VALUE_PLAIN)
			walk_leave(w);
	}
	walk_leave(w);
}

static void
put_volumes(struct walk *w, const char *key, const struct volume_spec *volumes, size_t count)
{
	static const char *const modes[2][2][2] = {
		{ { "", ":ro" }, { ":isolated", ":ro,isolated" } },
		{ { ":shared", ":ro,shared" }, { ":isolated,shared", ":ro,isolated,shared" } },
	};
	struct arena *arena = w->sink->arena;
	struct strings *items = arena_take(arena, sizeof(*items));

	items->items = arena_take_array(arena, count, sizeof(*items->items));
	items->count = count;
	for (size_t i = 0; i < count; i++) {
		buf_clear(&w->scalar);
		buf_format(&w->scalar, "%s:%s%s", volumes[i].source, volumes[i].target,
		    modes[volumes[i].is_shared][volumes[i].is_isolated][volumes[i].read_only]);
		items->items[i] = arena_text(arena, buf_view(&w->scalar));
	}
	walk_put_list(w, key, items);
}

/* The policy as one key. Where several ways of writing mean the same, it is always this one. */
static void
put_tags(struct walk *w, const struct stage_spec *spec)
{
	bool is_ordered = spec->tag_regex[0] != '\0' || spec->tag_semver[0] != '\0'
			  || spec->tag_prereleases || spec->tag_numeric
			  || spec->tag_date[0] != '\0' || spec->tag_downgrade;
	bool is_one = spec->tags[strcspn(spec->tags, "*?")] == '\0';
	bool is_all = strcmp(spec->tag_immutable, "*") == 0;

	if (!is_ordered && spec->tag_min_age_ms == 0 && spec->tag_immutable[0] == '\0') {
		walk_put_text(w, "tags", spec->tags);
		return;
	}
	walk_enter(w, "tags");
	if (is_one && is_all && !is_ordered)
		walk_put_text(w, "exact", spec->tags);
	else if (strcmp(spec->tags, "*") != 0)
		walk_put_text(w, "glob", spec->tags);
	if (spec->tag_regex[0] != '\0')
		walk_put_text(w, "regex", spec->tag_regex);
	if (spec->tag_semver[0] != '\0')
		walk_put_text(w, "semver", spec->tag_semver);
	if (spec->tag_prereleases)
		walk_put_plain(w, "prereleases", "true");
	if (spec->tag_numeric)
		walk_put_plain(w, "numeric", "true");
	if (spec->tag_date[0] != '\0')
		walk_put_text(w, "date", spec->tag_date);
	if (spec->tag_downgrade)
		walk_put_plain(w, "downgrade", "allow");
	if (spec->tag_min_age_ms != 0)
		put_quantity(w, &stage_fields[STAGE_FIELD_TAG_MIN_AGE], spec->tag_min_age_ms);
	if (is_all && (!is_one || is_ordered))
		walk_put_plain(w, "immutable", "true");
	else if (spec->tag_immutable[0] != '\0' && !is_all)
		walk_put_text(w, "immutable", spec->tag_immutable);
	walk_leave(w);
}

static void
put_status(struct walk *w, const struct health_spec *health)
{
	char text[16];

	if (health->status_min == health_fields[HEALTH_FIELD_STATUS_MIN].initial
	    && health->status_max == health_fields[HEALTH_FIELD_STATUS_MAX].initial)
		return;
	if (health->status_min == health->status_max)
		snprintf(text, sizeof(text), "%d", health->status_min);
	else
		snprintf(text, sizeof(text), "%d-%d", health->status_min, health->status_max);
	walk_put_plain(w, "status", text);
}

static void put_field(struct walk *w, const struct field *field, const void *record);

static void
put_health(struct walk *w, const struct health_spec *health)
{
	struct health_spec initial = { 0 };
	bool is_plain = health->kind == HEALTH_NONE;

	fields_set_defaults(health_fields, COUNT(health_fields), &initial);
	for (size_t i = 0; i < COUNT(health_fields); i++)
		is_plain = is_plain && field_is_same(&health_fields[i], health, &initial);
	if (is_plain) {
		walk_put_plain(w, "health", health_kind_names[HEALTH_NONE]);
		return;
	}
	walk_enter(w, "health");
	if (health->kind != HEALTH_HTTP)
		walk_put_plain(w, health_kind_names[health->kind], "true");
	for (size_t i = 0; i < COUNT(health_fields); i++) {
		if (i == HEALTH_FIELD_STATUS_MIN)
			put_status(w, health);
		if (health_fields[i].key != NULL
		    && !field_is_same(&health_fields[i], health, &initial))
			put_field(w, &health_fields[i], health);
	}
	walk_leave(w);
}

/* What is not as it is by default. */
static void
put_members(struct walk *w, const struct field *field, const void *record)
{
	union {
		struct task_spec task;
		struct hooks_spec hooks;
		struct verify_spec verify;
	} initial;

	memset(&initial, 0, sizeof(initial));
	fields_set_defaults(field->members, field->member_count, &initial);
	walk_enter(w, field->key);
	for (size_t i = 0; i < field->member_count; i++)
		if (!field_is_same(&field->members[i], record, &initial))
			put_field(w, &field->members[i], record);
	walk_leave(w);
}

static void
put_field(struct walk *w, const struct field *field, const void *record)
{
	const void *member = (const char *)record + field->offset;
	const void *count = (const char *)record + field->count_offset;

	switch (field->kind) {
	case FIELD_TEXT:
		walk_put_text(w, field->key, *(const char *const *)member);
		break;
	case FIELD_TAGS:
		put_tags(w, record);
		break;
	case FIELD_INTEGER:
		put_integer(w, field->key, *(const int *)member);
		break;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		put_quantity(w, field, *(const int64_t *)member);
		break;
	case FIELD_BOOL:
		walk_put_plain(w, field->key, *(const bool *)member ? "true" : "false");
		break;
	case FIELD_STRINGS:
		walk_put_list(w, field->key, member);
		break;
	case FIELD_PAIRS:
		put_pairs(w, field->key, *(const struct pair_spec *const *)member,
		    *(const size_t *)count);
		break;
	case FIELD_VOLUMES:
		put_volumes(w, field->key, *(const struct volume_spec *const *)member,
		    *(const size_t *)count);
		break;
	case FIELD_HEALTH:
		put_health(w, member);
		break;
	case FIELD_TASK:
	case FIELD_HOOKS:
	case FIELD_VERIFY:
		put_members(w, field, member);
		break;
	case FIELD_CHECK:
		break; /* put_health */
	}
}

/* A check has to be named, so health is there even when it is the default. */
static bool
is_left_out(
    const struct field *field, const struct stage_spec *spec, const struct stage_spec *initial)
{
	return field->key == NULL || field->place == IN_NEITHER
	       || (field->kind != FIELD_HEALTH && field_is_same(field, spec, initial));
}

void
lines_of_stage(const struct stage_spec *spec, const struct shared_spec *shared,
    const struct line_sink *sink)
{
	struct stage_spec own = *spec;
	struct stage_spec initial;
	struct walk w;

	stage_spec_set_defaults(&initial);
	walk_begin(&w, sink);
	if (shared != NULL)
		pairs_subtract(&own, &shared->spec, sink->arena);
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++)
		if (!is_left_out(&stage_fields[i], &own, &initial)
		    && (shared == NULL || !shared->has[i]))
			put_field(&w, &stage_fields[i], &own);
	walk_end(&w);
}

void
lines_of_shared(const struct shared_spec *shared, const struct line_sink *sink)
{
	struct walk w;

	walk_begin(&w, sink);
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++)
		if (shared->has[i]
		    || (stage_fields[i].kind == FIELD_PAIRS
			&& stage_fields[i].place == IN_BOTH))
			put_field(&w, &stage_fields[i], &shared->spec);
	walk_end(&w);
}
