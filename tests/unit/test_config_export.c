/* test_config_export.c - a configuration written as a file and read again is the same one, and what differs
 * is told: over generated configurations, and for every key there is.
 *
 * Runs in the repository's root: it reads spec/config.schema.json and slipway.example.yml. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "config/diff.h"
#include "config/lines.h"
#include "config_generator.h"

enum { FILES = 300, KEYS_MAX = 256, KEY_SIZE = 96 };

static char seen[KEYS_MAX][KEY_SIZE];
static size_t seen_count;
static const char *section;

static bool
is_seen(const char *key)
{
	for (size_t i = 0; i < seen_count; i++)
		if (strcmp(seen[i], key) == 0)
			return true;
	return false;
}

/* Names of variables and labels are no keys. */
static void
note(void *context UNUSED, const struct config_line *line)
{
	char key[KEY_SIZE];
	bool is_map = line->depth > 1 && strcmp(line->path[0], "env") != 0
		      && strcmp(line->path[0], "labels") != 0
		      && strcmp(line->path[0], "log_options") != 0;

	bool is_deep = is_map && line->depth > 2;

	snprintf(key, sizeof(key), "%s.%s%s%s%s%s", section, line->path[0], is_map ? "." : "",
	    is_map ? line->path[1] : "", is_deep ? "." : "", is_deep ? line->path[2] : "");
	if (is_seen(key))
		return;
	assert_true(seen_count < KEYS_MAX);
	snprintf(seen[seen_count++], KEY_SIZE, "%s", key);
}

static void
note_all(const struct config_file *file, struct arena *arena)
{
	struct line_sink sink = { arena, note, NULL };

	section = "engine";
	for (size_t i = 0; i < file->engine_count; i++)
		lines_of_engine(&file->engines[i], &sink);
	section = "registry";
	for (size_t i = 0; i < file->registry_count; i++)
		lines_of_registry(&file->registries[i], &sink);
	section = "proxy";
	for (size_t i = 0; i < file->proxy_count; i++)
		lines_of_proxy(&file->proxies[i], &sink);
	section = "receiver";
	for (size_t i = 0; i < file->receiver_count; i++)
		lines_of_receiver(&file->receivers[i], &sink);
	section = "webhook";
	lines_of_webhook(&file->webhook, &sink);
	section = "stage";
	for (const struct config_notify *n = file->notify; n != NULL; n = n->next)
		lines_of_notify(&n->receivers, &sink);
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++)
			lines_of_stage(&file->projects[i].stages[k], NULL, &sink);
}

static void
write_spec(const struct stage_spec *spec, struct buf *json)
{
	buf_init(json, CONFIG_BYTES_MAX);
	stage_spec_write(spec, json);
	assert_false(json->overflow);
}

static const struct stage_spec *
find_stage(const struct config_file *file, const struct stage_spec *like)
{
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++)
			if (strcmp(file->projects[i].stages[k].project, like->project) == 0
			    && strcmp(file->projects[i].stages[k].stage, like->stage) == 0)
				return &file->projects[i].stages[k];
	fail_msg("%s/%s is lost", like->project, like->stage);
	return NULL;
}

static void
assert_same_stages(
    const struct config_file *a, const struct config_file *b, struct arena *arena)
{
	for (size_t i = 0; i < a->project_count; i++)
		for (size_t k = 0; k < a->projects[i].stage_count; k++) {
			const struct stage_spec *one = &a->projects[i].stages[k];
			const struct stage_spec *other = find_stage(b, one);
			struct buf x;
			struct buf y;

			write_spec(one, &x);
			write_spec(other, &y);
			assert_string_equal(buf_cstr(&x), buf_cstr(&y));
			assert_int_equal(diff_stages(one, other, arena).count, 0);
			buf_free(&x);
			buf_free(&y);
		}
}

/* Who tells whom: in number and, by name, one by one. */
static void
assert_same_lists(const struct config_file *a, const struct config_file *b)
{
	size_t more = 0;

	for (const struct config_notify *n = a->notify; n != NULL; n = n->next, more++) {
		const struct config_notify *other =
		    config_notify_find(b, n->project, n->stage);

		assert_non_null(other);
		assert_int_equal(other->receivers.count, n->receivers.count);
		for (size_t i = 0; i < n->receivers.count; i++)
			assert_string_equal(other->receivers.items[i], n->receivers.items[i]);
	}
	for (const struct config_notify *n = b->notify; n != NULL; n = n->next)
		more--;
	assert_int_equal(more, 0);
}

static struct config_file *
parse(const struct buf *text)
{
	struct config_file *file = config_file_parse(buf_view(text), NULL);

	if (file->faults.count > 0)
		fail_msg("line %d: %s\n%s", file->faults.items[0].line,
		    file->faults.items[0].text, buf_cstr(text));
	return file;
}

static void
written_and_read_again_it_is_the_same(void **state UNUSED)
{
	for (uint64_t seed = 1; seed <= FILES; seed++) {
		struct arena *arena = arena_new(1 << 16);
		struct config_file *file = generate_config(arena, seed);
		struct config_file *read;
		struct buf first;
		struct buf second;

		buf_init(&first, CONFIG_BYTES_MAX);
		buf_init(&second, CONFIG_BYTES_MAX);
		config_file_write(file, NULL, &first);
		assert_false(first.overflow);
		read = parse(&first);
		config_file_write(read, NULL, &second);
		assert_string_equal(buf_cstr(&second), buf_cstr(&first));
		assert_same_stages(file, read, arena);
		assert_int_equal(read->engine_count, file->engine_count);
		assert_int_equal(read->registry_count, file->registry_count);
		assert_int_equal(read->proxy_count, file->proxy_count);
		assert_int_equal(read->receiver_count, file->receiver_count);
		assert_same_lists(file, read);
		note_all(file, arena);
		config_file_free(read);
		buf_free(&first);
		buf_free(&second);
		arena_free(arena);
	}
}

/* Written in another way, with the same meaning: the writer has one way. */
static const char *const spoken_for[] = { "stage.tags.digest", "stage.health.none" };

/* What is in them is looked for by itself. */
static bool
is_map_of_tasks(const char *key)
{
	static const char *const keys[] = { "stage.hooks", "stage.hooks.pre_switch",
		"stage.hooks.post_switch", "stage.hooks.post_retire", "stage.verify" };

	for (size_t i = 0; i < COUNT(keys); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return false;
}

static bool
expect_key(void *context, const char *key, const struct json *value UNUSED)
{
	char full[KEY_SIZE];

	snprintf(full, sizeof(full), "%s.%s", (const char *)context, key);
	if (is_seen(full) || strcmp(full, "stage.health") == 0
	    || strcmp(full, "stage.tags") == 0 || strcmp(full, "stage.migration") == 0
	    || is_map_of_tasks(full) || strcmp(full, "engine.tls") == 0)
		return true;
	for (size_t i = 0; i < COUNT(spoken_for); i++)
		if (strcmp(full, spoken_for[i]) == 0)
			return true;
	fail_msg("%s can be read, but was never written in %d generated files", full, FILES);
	return false;
}

static void
expect_keys(const struct json *object, const char *name)
{
	assert_true(json_kind(json_get(object, "properties")) == JSON_IS_OBJECT);
	json_visit(json_get(object, "properties"), expect_key, (void *)(uintptr_t)name);
}

/* The map below a key, which may be written in other ways, too. */
static const struct json *
properties_of(const struct json *defs, const char *key)
{
	char name[KEY_SIZE];
	char *rest = name;
	const struct json *found;

	snprintf(name, sizeof(name), "%s", key);
	found = json_get(defs, strsep(&rest, "."));
	while (rest != NULL) {
		const char *next = strsep(&rest, ".");
		const struct json *below = json_get(json_get(found, "properties"), next);
		const char *elsewhere = json_text(json_get(below, "$ref"));

		if (rest != NULL && elsewhere[0] != '\0')
			below = json_at(
			    json_get(json_get(defs, strrchr(elsewhere, '/') + 1), "anyOf"), 1);
		found = below;
	}
	return found;
}

/* And editors know it. */
static void
every_key_that_is_written_is_in_the_schema(const struct json *defs)
{
	for (size_t i = 0; i < seen_count; i++)
		if (properties_of(defs, seen[i]) == NULL)
			fail_msg("spec/config.schema.json does not have %s", seen[i]);
}

/* Nobody can add a key that is read and forget that it has to be given out. */
static void
every_key_of_the_reader_is_written(void **state UNUSED)
{
	struct err err;
	struct buf text;
	struct json *schema;
	const struct json *defs;

	buf_init(&text, 1 << 20);
	if (file_read("spec/config.schema.json", &text, &err) != 0)
		fail_msg("%s (run me in the repository's root)", err.text);
	schema = json_parse(buf_view(&text), &err);
	defs = json_get(schema, "$defs");
	expect_keys(json_get(defs, "engine"), "engine");
	expect_keys(
	    json_get(json_get(json_get(defs, "engine"), "properties"), "tls"), "engine.tls");
	expect_keys(json_get(defs, "registry"), "registry");
	expect_keys(json_get(defs, "proxy"), "proxy");
	expect_keys(json_get(defs, "receiver"), "receiver");
	expect_keys(json_get(defs, "webhook"), "webhook");
	expect_keys(json_get(defs, "stage"), "stage");
	expect_keys(json_at(json_get(json_get(defs, "health"), "anyOf"), 1), "stage.health");
	expect_keys(json_at(json_get(json_get(defs, "tags"), "anyOf"), 1), "stage.tags");
	expect_keys(
	    json_at(json_get(json_get(defs, "migration"), "anyOf"), 1), "stage.migration");
	expect_keys(json_at(json_get(json_get(defs, "hooks"), "anyOf"), 1), "stage.hooks");
	expect_keys(
	    json_at(json_get(json_get(defs, "hook"), "anyOf"), 1), "stage.hooks.pre_switch");
	expect_keys(json_at(json_get(json_get(defs, "hook_post_switch"), "anyOf"), 1),
	    "stage.hooks.post_switch");
	expect_keys(
	    json_at(json_get(json_get(defs, "hook"), "anyOf"), 1), "stage.hooks.post_retire");
	expect_keys(json_at(json_get(json_get(defs, "verify"), "anyOf"), 1), "stage.verify");
	every_key_that_is_written_is_in_the_schema(defs);
	json_free(schema);
	buf_free(&text);
}

/* Of two stages the diff is empty just when their canonical JSON is the same. */
static void
a_difference_is_never_missed(void **state UNUSED)
{
	size_t same = 0;

	for (uint64_t seed = 1; seed <= FILES; seed++) {
		struct arena *arena = arena_new(1 << 16);
		struct config_file *file = generate_config(arena, seed);
		struct generator g = { .state = seed, .arena = arena, .file = file };
		struct stage_spec one;
		struct stage_spec other;
		struct buf x;
		struct buf y;

		draw_stage(&g, "p", "s", NULL, &one);
		draw_stage(&g, "p", "s", &one, &other);
		write_spec(&one, &x);
		write_spec(&other, &y);
		same += strcmp(buf_cstr(&x), buf_cstr(&y)) == 0;
		assert_int_equal(diff_stages(&one, &other, arena).count == 0,
		    strcmp(buf_cstr(&x), buf_cstr(&y)) == 0);
		buf_free(&x);
		buf_free(&y);
		arena_free(arena);
	}
	assert_in_range(same, 1, FILES - 1);
}

static const struct config_change *
find_change(const struct config_changes *changes, const char *key)
{
	for (size_t i = 0; i < changes->count; i++)
		if (strcmp(changes->items[i].key, key) == 0)
			return &changes->items[i];
	fail_msg("no change of %s is told", key);
	return NULL;
}

static void
a_difference_names_its_key_and_both_values(void **state UNUSED)
{
	static const char *const old_domains[] = { "a.example.org" };
	static const char *const new_domains[] = { "a.example.org", "*.example.org" };
	struct pair_spec old_env = { "LEVEL", "info", VALUE_PLAIN };
	struct pair_spec new_env = { "LEVEL", "1", VALUE_PLAIN };
	struct arena *arena = arena_new(1 << 12);
	struct stage_spec a;
	struct stage_spec b;
	struct config_changes changes;

	stage_spec_set_defaults(&a);
	b = a;
	a.replicas = 2;
	a.env = &old_env;
	a.env_count = 1;
	a.memory_bytes = 256 << 20;
	a.domains = (struct strings){ (const char **)(uintptr_t)old_domains, 1 };
	b.env = &new_env;
	b.env_count = 1;
	b.domains = (struct strings){ (const char **)(uintptr_t)new_domains, 2 };
	b.poll_ms = 90000;
	changes = diff_stages(&a, &b, arena);
	assert_int_equal(changes.count, 5);
	assert_string_equal(find_change(&changes, "replicas")->from, "2");
	assert_null(find_change(&changes, "replicas")->to);
	assert_string_equal(find_change(&changes, "env.LEVEL")->from, "\"info\"");
	assert_string_equal(find_change(&changes, "env.LEVEL")->to, "\"1\"");
	assert_string_equal(find_change(&changes, "memory")->from, "256m");
	assert_null(find_change(&changes, "poll")->from);
	assert_string_equal(find_change(&changes, "poll")->to, "90s");
	assert_string_equal(
	    find_change(&changes, "domains")->to, "[a.example.org, \"*.example.org\"]");
	arena_free(arena);
}

/* As people will read it: what all stages say stands once, what is the default nowhere. */
static void
a_file_reads_as_people_would_write_it(void **state UNUSED)
{
	static const char in[] =
	    "version: 1\n"
	    "projects:\n"
	    "  shop:\n"
	    "    image: 127.0.0.1:5000/shop/web\n"
	    "    port: 8080\n"
	    "    health: {http: /health, interval: 2s}\n"
	    "    env: {LOG: info, WORKERS: 4}\n"
	    "    stages:\n"
	    "      staging: {tags: \"*\", replicas: 1, domains: [\"{stage}.example.org\"]}\n"
	    "      production:\n"
	    "        tags: \"v*\"\n"
	    "        env: {LOG: warn}\n"
	    "        domains: [shop.example.org]\n";
	static const char out[] = "version: 1\n"
				  "engines:\n"
				  "  local:\n"
				  "    host: unix:///var/run/docker.sock\n"
				  "    reach: container\n"
				  "projects:\n"
				  "  shop:\n"
				  "    engine: local\n"
				  "    image: \"127.0.0.1:5000/shop/web\"\n"
				  "    port: 8080\n"
				  "    health:\n"
				  "      http: /health\n"
				  "      interval: 2s\n"
				  "    env:\n"
				  "      WORKERS: \"4\"\n"
				  "    stages:\n"
				  "      production:\n"
				  "        tags: \"v*\"\n"
				  "        domains:\n"
				  "          - shop.example.org\n"
				  "        env:\n"
				  "          LOG: \"warn\"\n"
				  "      staging:\n"
				  "        domains:\n"
				  "          - staging.example.org\n"
				  "        env:\n"
				  "          LOG: \"info\"\n";
	struct config_file *file = config_file_parse(STR(in), NULL);
	struct buf text;

	assert_int_equal(file->faults.count, 0);
	buf_init(&text, CONFIG_BYTES_MAX);
	config_file_write(file, NULL, &text);
	assert_string_equal(buf_cstr(&text), out);
	buf_free(&text);
	config_file_free(file);
}

/* One project with what it needs, for who must not read or change the others. */
static void
one_project_can_be_written_alone(void **state UNUSED)
{
	struct err err;
	struct buf example;
	struct buf text;
	struct config_file *file;
	struct config_file *part;

	buf_init(&example, CONFIG_BYTES_MAX);
	assert_int_equal(file_read("slipway.example.yml", &example, &err), 0);
	file = parse(&example);
	buf_init(&text, CONFIG_BYTES_MAX);
	config_file_write(file, "queue", &text);
	part = parse(&text);
	assert_int_equal(part->project_count, 1);
	assert_string_equal(part->projects[0].name, "queue");
	assert_int_equal(part->engine_count, file->engine_count);
	assert_int_equal(part->registry_count, file->registry_count);
	assert_int_equal(part->proxy_count, file->proxy_count);
	config_file_free(part);
	config_file_free(file);
	buf_free(&text);
	buf_free(&example);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_again_it_is_the_same),
		cmocka_unit_test(every_key_of_the_reader_is_written),
		cmocka_unit_test(a_difference_is_never_missed),
		cmocka_unit_test(a_difference_names_its_key_and_both_values),
		cmocka_unit_test(a_file_reads_as_people_would_write_it),
		cmocka_unit_test(one_project_can_be_written_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
