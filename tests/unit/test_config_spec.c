/* test_config_spec.c - canonical JSON of specs, both ways; the table of fields against the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "config/fields.h"
#include "config/file.h"
#include "config/units.h"

enum { TEXT_MAX = 4 << 20, ROUNDS = 3000 };

static struct stage_spec *
parse(const char *json)
{
	struct err err = { .text = "" };
	struct stage_spec *spec = stage_spec_parse(str_of(json), &err);

	if (spec == NULL)
		fail_msg("%s", err.text);
	return spec;
}

static void
expect_refused(const char *json, const char *words)
{
	struct err err = { .text = "" };

	assert_null(stage_spec_parse(str_of(json), &err));
	if (strstr(err.text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, err.text);
}

/* One spec, byte for byte: stored revisions depend on it. */
static void
canonical_json_has_every_key_in_order(void **state UNUSED)
{
	static const char wanted[] =
	    "{\"project\":\"shop\",\"stage\":\"production\",\"engine\":\"local\",\"image\":"
	    "\"r.io/a\","
	    "\"port\":80,\"replicas\":2,\"health\":{\"kind\":\"http\",\"path\":\"/"
	    "h\",\"host\":\"\","
	    "\"port\":0,\"status_min\":200,\"status_max\":299,\"successes\":3,\"interval_ms\":"
	    "1000,"
	    "\"timeout_ms\":5000,\"min_uptime_ms\":10000,\"deadline_ms\":60000},\"tags\":\"v*"
	    "\",\"tag_regex\":\"\",\"tag_semver\":\"\",\"tag_prereleases\":false,"
	    "\"tag_numeric\":false,\"tag_date\":\"\",\"tag_downgrade\":false,"
	    "\"tag_min_age_ms\":0,\"tag_immutable\":\"\","
	    "\"auto\":true,\"poll_ms\":30000,\"promote_from\":\"\",\"soak_ms\":0,"
	    "\"approvals\":0,\"approve_ms\":86400000,\"windows\":[],\"time_zone\":\"UTC\","
	    "\"keep_versions\":0,"
	    "\"domains\":[\"a.b\"],\"tcp_port\":0,\"proxy\":"
	    "\"edge\",\"certificate\":\"\","
	    "\"env\":{\"A\":\"1\",\"B\":\"\\\"\\n\",\"C\":{\"secret\":\"x\"}},\"labels\":{},"
	    "\"volumes\":[{\"source\":"
	    "\"data\","
	    "\"target\":\"/"
	    "d\",\"read_only\":true,\"isolated\":true,\"shared\":false}],\"command\":[\"a\","
	    "\"\"],\"networks\":"
	    "[],\"user\":\"\","
	    "\"restart\":\"unless-stopped\",\"memory_bytes\":268435456,\"cpu_milli\":500,"
	    "\"stop_ms\":10000,\"drain_ms\":30000,\"entrypoint\":[],\"stop_signal\":\"\","
	    "\"pids\":0,\"init\":true,\"root_read_only\":false,\"tmpfs\":[\"/tmp:64m\"],"
	    "\"ulimits\":[],\"log_driver\":\"json-file\",\"log_options\":{\"max-size\":\"1m\"}"
	    ","
	    "\"cap_drop\":[],\"cap_add\":[],\"devices\":[],\"privileged\":false,"
	    "\"host_network\":false,\"host_pid\":false,\"host_ipc\":false,\"warm_ms\":600000,"
	    "\"max_instances\":1,"
	    "\"strategy\":"
	    "\"auto\",\"migration\":{"
	    "\"command\":[],"
	    "\"timeout_ms\":600000,\"is_compatible\":true},\"hooks\":{"
	    "\"pre_switch\":{\"command\":[],\"timeout_ms\":600000},"
	    "\"post_switch\":{\"command\":[],\"timeout_ms\":600000,\"swaps_back\":false},"
	    "\"post_retire\":{\"command\":[],\"timeout_ms\":600000}},"
	    "\"verify\":{\"for_ms\":0,\"max_error_percent\":10,\"min_requests\":20}}";
	struct config_file *file = config_file_parse(
	    STR("version: 1\nprojects: {shop: {image: r.io/a, port: 80, "
		"health: {http: /h}, stages: "
		"{production: {replicas: 2, tags: \"v*\", poll: 30s, "
		"domains: [a.b], env: {B: \"\\\"\\n\", "
		"A: 1, C: {secret: x}}, volumes: [\"data:/d:ro,isolated\"], "
		"tmpfs: [\"/tmp:64m\"], log_options: {max-size: 1m},  command: [a, \"\"], "
		"memory: 256m, cpus: 0.5}}}}"),
	    NULL);
	struct stage_spec *spec;
	struct buf json;

	assert_int_equal(file->faults.count, 0);
	buf_init(&json, TEXT_MAX);
	stage_spec_write(&file->projects[0].stages[0], &json);
	assert_string_equal(buf_cstr(&json), wanted);
	spec = parse(wanted);
	assert_string_equal(spec->env[1].value, "\"\n");
	assert_true(spec->volumes[0].read_only);
	assert_int_equal(spec->health.kind, HEALTH_HTTP);
	stage_spec_free(spec);
	buf_free(&json);
	config_file_free(file);
}

/* Generated specs: every member drawn, texts from all of Unicode's lengths. */

static uint64_t random_state;

static uint64_t
draw(uint64_t below)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static int64_t
draw_from(const struct field *field)
{
	if (draw(4) == 0)
		return field->initial;
	return field->least + (int64_t)draw((uint64_t)(field->most - field->least) + 1);
}

/* Texts of one generated spec; big enough for all lists of it to be full. */
static char texts[2048][40];
static size_t text_count;

static const char *
draw_text(void)
{
	static const char *const pieces[] = { "a", "Z", "\"", "\\", "\n", "\t", "\x01", "\x7f",
		"/", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", " ", "${x}", "'", "<",
		"\xef\xbf\xbd" };
	char *text = texts[text_count++];

	CHECK(text_count <= COUNT(texts));
	text[0] = '\0';
	for (uint64_t left = draw(8); left > 0; left--) {
		const char *piece = pieces[draw(COUNT(pieces))];

		memcpy(text + strlen(text), piece, strlen(piece) + 1);
	}
	return text;
}

static const char *
draw_name(size_t i)
{
	char *text = texts[text_count++];

	CHECK(text_count <= COUNT(texts));
	snprintf(text, sizeof(texts[0]), "%c%zu", (int)('A' + draw(50)), i);
	return text;
}

static size_t
draw_count(int64_t most)
{
	return draw(8) == 0 ? (size_t)most : (size_t)draw(5);
}

static void
draw_pairs(struct pair_spec *pairs, size_t count, int sources)
{
	for (size_t i = 0; i < count; i++)
		pairs[i] = (struct pair_spec){ draw_name(i), draw_text(),
			(enum value_source)draw((uint64_t)sources) };
}

static void
draw_strings(struct strings *strings, const char **items, int64_t most)
{
	strings->items = items;
	strings->count = draw_count(most);
	for (size_t i = 0; i < strings->count; i++)
		items[i] = draw_text();
}

static void
draw_numbers(const struct field *fields, size_t count, void *record)
{
	for (size_t i = 0; i < count; i++) {
		void *member = (char *)record + fields[i].offset;

		if (fields[i].kind == FIELD_INTEGER)
			*(int *)member = (int)draw_from(&fields[i]);
		else if (fields[i].kind == FIELD_DURATION || fields[i].kind == FIELD_SIZE
			 || fields[i].kind == FIELD_CPUS)
			*(int64_t *)member = draw_from(&fields[i]);
		else if (fields[i].kind == FIELD_BOOL)
			*(bool *)member = draw(2) == 1;
		else if (fields[i].kind == FIELD_TEXT)
			*(const char **)member = draw_text();
	}
}

static void
draw_spec(struct stage_spec *spec)
{
	static struct pair_spec env[ENV_MAX];
	static struct pair_spec labels[LIST_MAX];
	static struct volume_spec volumes[LIST_MAX];
	static struct pair_spec options[LIST_MAX];
	static const char *lists[13][LIST_MAX];
	struct strings *more[] = { &spec->entrypoint, &spec->tmpfs, &spec->ulimits,
		&spec->cap_drop, &spec->cap_add, &spec->devices };

	text_count = 0;
	stage_spec_set_defaults(spec);
	draw_numbers(stage_fields, COUNT(stage_fields), spec);
	draw_numbers(health_fields, COUNT(health_fields), &spec->health);
	spec->health.kind = (enum health_kind)draw(HEALTH_KIND_COUNT);
	draw_strings(&spec->domains, lists[0], DOMAINS_MAX);
	draw_strings(&spec->command, lists[1], LIST_MAX);
	draw_strings(&spec->networks, lists[2], LIST_MAX);
	for (size_t i = 0; i < COUNT(more); i++)
		draw_strings(more[i], lists[3 + i], LIST_MAX);
	spec->log_options = options;
	spec->log_option_count = draw_count(LIST_MAX);
	draw_pairs(options, spec->log_option_count, 1);
	draw_numbers(migration_fields, COUNT(migration_fields), &spec->migration);
	draw_strings(&spec->migration.command, lists[9], LIST_MAX);
	draw_numbers(hook_fields, COUNT(hook_fields), &spec->hooks.pre_switch);
	draw_strings(&spec->hooks.pre_switch.command, lists[10], LIST_MAX);
	draw_numbers(post_switch_fields, COUNT(post_switch_fields), &spec->hooks.post_switch);
	draw_strings(&spec->hooks.post_switch.command, lists[11], LIST_MAX);
	draw_numbers(hook_fields, COUNT(hook_fields), &spec->hooks.post_retire);
	draw_strings(&spec->hooks.post_retire.command, lists[12], LIST_MAX);
	draw_numbers(verify_fields, COUNT(verify_fields), &spec->verify);
	spec->env = env;
	spec->env_count = draw_count(ENV_MAX);
	draw_pairs(env, spec->env_count, VALUE_SOURCE_COUNT);
	spec->labels = labels;
	spec->label_count = draw_count(LIST_MAX);
	draw_pairs(labels, spec->label_count, 1);
	spec->volumes = volumes;
	spec->volume_count = draw_count(LIST_MAX);
	for (size_t i = 0; i < spec->volume_count; i++)
		volumes[i] = (struct volume_spec){ draw_text(), draw_text(), draw(2) == 1,
			draw(2) == 1, draw(2) == 1 };
}

static void
swap_pairs(struct pair_spec *pairs, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		size_t other = (size_t)draw(i);
		struct pair_spec moved = pairs[i - 1];

		pairs[i - 1] = pairs[other];
		pairs[other] = moved;
	}
}

static void
what_is_written_reads_back_as_the_same_bytes(void **state UNUSED)
{
	struct buf first;
	struct buf second;

	buf_init(&first, TEXT_MAX);
	buf_init(&second, TEXT_MAX);
	for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
		struct stage_spec drawn;
		struct stage_spec *back;

		random_state = seed;
		draw_spec(&drawn);
		buf_clear(&first);
		stage_spec_write(&drawn, &first);
		back = parse(buf_cstr(&first));
		buf_clear(&second);
		stage_spec_write(back, &second);
		if (strcmp(buf_cstr(&first), buf_cstr(&second)) != 0)
			fail_msg("seed %d:\n%s\n%s", (int)seed, buf_cstr(&first),
			    buf_cstr(&second));
		assert_string_equal(back->image, drawn.image);
		assert_int_equal(back->env_count, drawn.env_count);
		assert_int_equal(back->memory_bytes, drawn.memory_bytes);
		assert_int_equal(back->health.deadline_ms, drawn.health.deadline_ms);
		assert_int_equal(back->migration.timeout_ms, drawn.migration.timeout_ms);
		assert_int_equal(back->migration.command.count, drawn.migration.command.count);
		assert_int_equal(back->migration.is_compatible, drawn.migration.is_compatible);
		assert_int_equal(
		    back->hooks.post_switch.swaps_back, drawn.hooks.post_switch.swaps_back);
		assert_int_equal(
		    back->hooks.post_retire.timeout_ms, drawn.hooks.post_retire.timeout_ms);
		assert_int_equal(back->verify.for_ms, drawn.verify.for_ms);
		assert_int_equal(back->verify.min_requests, drawn.verify.min_requests);
		assert_int_equal(back->is_auto, drawn.is_auto);
		assert_int_equal(back->volume_count, drawn.volume_count);
		stage_spec_free(back);

		/* Equal but for the order of env and labels: equal bytes. */
		swap_pairs(drawn.env, drawn.env_count);
		swap_pairs(drawn.labels, drawn.label_count);
		swap_pairs(drawn.log_options, drawn.log_option_count);
		buf_clear(&second);
		stage_spec_write(&drawn, &second);
		assert_string_equal(buf_cstr(&first), buf_cstr(&second));
	}
	buf_free(&first);
	buf_free(&second);
}

#define LEAST "\"project\":\"p\",\"stage\":\"s\",\"engine\":\"e\",\"image\":\"r.io/a\""

static void
older_json_gets_the_defaults(void **state UNUSED)
{
	struct stage_spec *spec = parse("{" LEAST ",\"health\":{\"kind\":\"tcp\"}}");

	assert_int_equal(spec->replicas, 1);
	assert_int_equal(spec->health.successes, 3);
	assert_int_equal(spec->stop_ms, 10000);
	assert_string_equal(spec->tags, "*");
	assert_true(spec->is_auto);
	assert_int_equal(spec->env_count, 0);
	stage_spec_free(spec);
	stage_spec_free(NULL);
}

static void
json_that_is_no_spec_is_refused(void **state UNUSED)
{
	struct buf json;

	expect_refused("", "line 1");
	expect_refused("[]", "a JSON object");
	expect_refused("{}", "\"project\" is missing");
	expect_refused("{" LEAST "}", "\"health\" is missing");
	expect_refused("{" LEAST ",\"health\":[]}", "\"health\" is not an object");
	expect_refused("{" LEAST ",\"health\":{},\"zebra\":1}", "\"zebra\" is not known");
	expect_refused("{" LEAST ",\"health\":{\"path2\":1}}", "\"path2\" is not known");
	expect_refused("{" LEAST ",\"health\":{\"kind\":\"icmp\"}}", "a known kind of check");
	expect_refused("{" LEAST ",\"health\":{},\"env\":{\"A\":{\"vault\":\"b\"}}}",
	    "\"env\" is not an object of texts");
	expect_refused("{" LEAST ",\"health\":{},\"env\":{\"A\":{\"secret\":1}}}",
	    "\"env\" is not an object of texts");
	expect_refused("{" LEAST ",\"health\":{},\"labels\":{\"A\":{\"secret\":\"b\"}}}",
	    "\"labels\" is not an object of texts");
	expect_refused(
	    "{" LEAST ",\"health\":{},\"port\":\"80\"}", "\"port\" is not an integer");
	expect_refused("{" LEAST ",\"health\":{},\"port\":70000}", "\"port\" is 70000");
	expect_refused("{" LEAST ",\"health\":{},\"port\":4294967296}", "not in its range");
	expect_refused("{" LEAST ",\"health\":{},\"replicas\":0}", "\"replicas\" is 0");
	expect_refused("{" LEAST ",\"health\":{},\"replicas\":1.5}", "is not an integer");
	expect_refused(
	    "{" LEAST ",\"health\":{},\"auto\":1}", "\"auto\" is not true or false");
	expect_refused("{" LEAST ",\"health\":{},\"tags\":null}", "\"tags\" is not a text");
	expect_refused("{" LEAST ",\"health\":{},\"env\":[]}", "\"env\" is not an object");
	expect_refused("{" LEAST ",\"health\":{},\"env\":{\"A\":1}}", "an object of texts");
	expect_refused(
	    "{" LEAST ",\"health\":{},\"domains\":{}}", "\"domains\" is not an array");
	expect_refused("{" LEAST ",\"health\":{},\"domains\":[1]}", "an array of texts");
	expect_refused(
	    "{" LEAST ",\"health\":{},\"volumes\":[\"a:/b\"]}", "with source and target");
	expect_refused(
	    "{" LEAST ",\"health\":{},\"volumes\":[{\"source\":\"a\"}]}", "with source");
	buf_init(&json, TEXT_MAX);
	buf_text(&json, "{" LEAST ",\"health\":{},\"env\":{");
	for (int i = 0; i <= ENV_MAX; i++)
		buf_format(&json, "%s\"A%d\":\"\"", i == 0 ? "" : ",", i);
	buf_text(&json, "}}");
	expect_refused(buf_cstr(&json), "\"env\" is not that long");
	buf_free(&json);
}

/* The schema for editors says the same as the table. */

static struct json *
read_schema(void)
{
	struct buf text;
	struct err err;
	struct json *schema;

	buf_init(&text, TEXT_MAX);
	if (file_read("spec/config.schema.json", &text, &err) != 0)
		fail_msg("%s (run me in the repository's root)", err.text);
	schema = json_parse(buf_view(&text), &err);
	assert_non_null(schema);
	buf_free(&text);
	return schema;
}

/* The member itself, or what its $ref names: "#/$defs/name". */
static const struct json *
follow(const struct json *defs, const struct json *member)
{
	const char *ref = json_text(json_get(member, "$ref"));

	return ref[0] == '\0' ? member : json_get(defs, strrchr(ref, '/') + 1);
}

static void
check_default(const struct field *field, const struct json *member)
{
	const struct json *given = json_get(member, "default");
	char text[UNITS_TEXT_SIZE];
	int64_t ms = 0;

	if ((field->kind == FIELD_TEXT || field->kind == FIELD_TAGS)
	    && field->initial_text != NULL)
		assert_string_equal(json_text(given), field->initial_text);
	else if (field->kind == FIELD_BOOL)
		assert_int_equal(json_bool(given), field->initial);
	else if (field->kind == FIELD_INTEGER && field->initial != 0)
		assert_int_equal(json_number(given), field->initial);
	else if (field->kind == FIELD_DURATION && field->initial != 0) {
		units_duration_text(field->initial, text);
		assert_true(units_duration(str_of(json_text(given)), &ms));
		assert_int_equal(ms, field->initial);
	} else
		assert_null(given);
}

static void
check_members(const struct json *defs, const struct json *owner, const struct field *fields,
    size_t count, enum field_place place, size_t extra)
{
	const struct json *members = json_get(owner, "properties");
	size_t known = 0;

	for (size_t i = 0; i < count; i++) {
		const struct field *field = &fields[i];
		bool is_here =
		    field->key != NULL && (field->place == IN_BOTH || field->place == place);
		const struct json *member =
		    field->key == NULL ? NULL : json_get(members, field->key);
		const struct json *target = follow(defs, member);

		assert_int_equal(member != NULL, is_here);
		if (!is_here)
			continue;
		known++;
		check_default(field, json_get(member, "default") != NULL ? member : target);
		if (field->kind == FIELD_INTEGER) {
			assert_int_equal(
			    json_number(json_get(target, "minimum")), field->least);
			assert_int_equal(
			    json_number(json_get(target, "maximum")), field->most);
		}
		if (field->kind == FIELD_STRINGS || field->kind == FIELD_VOLUMES)
			assert_int_equal(
			    json_number(json_get(target, "maxItems")), field->most);
		if (field->kind == FIELD_PAIRS)
			assert_int_equal(
			    json_number(json_get(target, "maxProperties")), field->most);
	}
	assert_int_equal(json_count(members), known + extra);
}

static void
the_schema_agrees_with_the_table(void **state UNUSED)
{
	struct json *schema = read_schema();
	const struct json *defs = json_get(schema, "$defs");
	const struct json *health = json_at(json_get(json_get(defs, "health"), "anyOf"), 1);

	check_members(defs, json_get(defs, "stage"), stage_fields, STAGE_FIELD_COUNT, IN_STAGE,
	    1); /* notify */
	check_members(defs, json_get(defs, "project"), stage_fields, STAGE_FIELD_COUNT,
	    IN_BOTH, 3); /* stages, notify, webhook */
	check_members(defs, health, health_fields, HEALTH_FIELD_COUNT, IN_BOTH,
	    4); /* tcp, docker, none, status */
	check_members(defs, json_at(json_get(json_get(defs, "migration"), "anyOf"), 1),
	    migration_fields, MIGRATION_FIELD_COUNT, IN_BOTH, 0);
	check_members(defs, json_at(json_get(json_get(defs, "hook"), "anyOf"), 1), hook_fields,
	    HOOK_FIELD_COUNT, IN_BOTH, 0);
	check_members(defs, json_at(json_get(json_get(defs, "hook_post_switch"), "anyOf"), 1),
	    post_switch_fields, POST_SWITCH_FIELD_COUNT, IN_BOTH, 0);
	check_members(defs, json_at(json_get(json_get(defs, "hooks"), "anyOf"), 1),
	    hooks_fields, HOOKS_FIELD_COUNT, IN_BOTH, 0);
	check_members(defs, json_at(json_get(json_get(defs, "verify"), "anyOf"), 1),
	    verify_fields, VERIFY_FIELD_COUNT, IN_BOTH, 0);
	json_free(schema);
}

/* Units. */

static void
durations_read_and_write(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
		const char *again;
	} rows[] = {
		{ "500ms", 500, "500ms" },
		{ "30s", 30000, "30s" },
		{ "5m", 300000, "5m" },
		{ "1h", 3600000, "1h" },
		{ "1m30s", 90000, "90s" },
		{ "1h1ms", 3600001, "3600001ms" },
		{ "0s", 0, "0s" },
		{ "60s", 60000, "1m" },
		{ "8784h", INT64_C(31622400000), "8784h" },
		{ "8785h", -1, "" },
		{ "", -1, "" },
		{ "30", -1, "" },
		{ "s", -1, "" },
		{ "1d", -1, "" },
		{ "1s1m", -1, "" },
		{ "1s1s", -1, "" },
		{ "-1s", -1, "" },
		{ "1.5s", -1, "" },
		{ " 1s", -1, "" },
		{ "1 s", -1, "" },
		{ "1S", -1, "" },
		{ "1s ", -1, "" },
		{ "99999999999999999999s", -1, "" },
		{ "8784h1ms", -1, "" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[UNITS_TEXT_SIZE];
		int64_t ms = -1;

		assert_int_equal(units_duration(str_of(rows[i].text), &ms), rows[i].ms >= 0);
		assert_int_equal(ms, rows[i].ms);
		if (ms < 0)
			continue;
		units_duration_text(ms, text);
		assert_string_equal(text, rows[i].again);
	}
}

static void
sizes_and_thousandths_read_and_write(void **state UNUSED)
{
	static const char *const bad_sizes[] = { "", "1", "m", "1x", "1mm", "1 m", "-1m",
		"1.5g", "1mib", "9999999999999t", "b" };
	static const char *const bad_milli[] = { "", ".", ".5", "1.", "1.0001", "-1", "1e3",
		"a", "1.2.3", "99999999999999999" };
	char text[UNITS_TEXT_SIZE];
	int64_t n = 0;

	assert_true(units_size(STR("256m"), &n) && n == 256 << 20);
	units_size_text(n, text);
	assert_string_equal(text, "256m");
	assert_true(units_size(STR("1GB"), &n) && n == 1 << 30);
	assert_true(units_size(STR("2t"), &n) && n == INT64_C(2) << 40);
	assert_true(units_size(STR("512kb"), &n) && n == 512 << 10);
	for (size_t i = 0; i < COUNT(bad_sizes); i++)
		assert_false(units_size(str_of(bad_sizes[i]), &n));
	assert_true(units_milli(STR("0.5"), &n) && n == 500);
	units_milli_text(n, text);
	assert_string_equal(text, "0.5");
	assert_true(units_milli(STR("2"), &n) && n == 2000);
	units_milli_text(n, text);
	assert_string_equal(text, "2");
	assert_true(units_milli(STR("1.250"), &n) && n == 1250);
	assert_true(units_milli(STR("0.001"), &n) && n == 1);
	for (size_t i = 0; i < COUNT(bad_milli); i++)
		assert_false(units_milli(str_of(bad_milli[i]), &n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_json_has_every_key_in_order),
		cmocka_unit_test(what_is_written_reads_back_as_the_same_bytes),
		cmocka_unit_test(older_json_gets_the_defaults),
		cmocka_unit_test(json_that_is_no_spec_is_refused),
		cmocka_unit_test(the_schema_agrees_with_the_table),
		cmocka_unit_test(durations_read_and_write),
		cmocka_unit_test(sizes_and_thousandths_read_and_write),
	};

	return cmocka_run_group_tests_name("config_spec", tests, NULL, NULL);
}
