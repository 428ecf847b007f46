/* test_catalog.c - what is configured is the same for the next process: each member of an engine, of
 * a registry, of a project and of a stage comes back from the store, at first and once changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/spec.h"
#include "store/catalog.h"
#include "store/store.h"

static struct store *store;
static struct catalog *catalog;

/* As a new process does: what is in memory alone is gone. */
static void
load_again(void)
{
	struct err err = { "" };

	catalog_free(catalog);
	catalog = catalog_new(store);
	if (catalog_load(catalog, &err) != 0)
		fail_msg("%s", err.text);
}

static int
open_catalog(void **state UNUSED)
{
	struct err err;

	store = store_open(NULL, &err);
	if (store == NULL)
		return -1;
	load_again();
	return 0;
}

static int
close_catalog(void **state UNUSED)
{
	catalog_free(catalog);
	catalog = NULL;
	store_close(store);
	return 0;
}

/* No two members alike, nor alike in two engines. */
static struct engine_config
make_engine(const char *name, const char *word, bool is_published)
{
	struct engine_config e = { .is_published = is_published };

	snprintf(e.name, sizeof(e.name), "%s", name);
	snprintf(e.host, sizeof(e.host), "tcp://%s:2376", word);
	snprintf(e.ca_file, sizeof(e.ca_file), "/%s/ca", word);
	snprintf(e.cert_file, sizeof(e.cert_file), "/%s/cert", word);
	snprintf(e.key_file, sizeof(e.key_file), "/%s/key", word);
	snprintf(e.network, sizeof(e.network), "%s-net", word);
	snprintf(e.publish_address, sizeof(e.publish_address), "%s-address", word);
	return e;
}

static void
assert_engine(const struct engine_config *wanted)
{
	const struct engine_config *is = catalog_engine(catalog, wanted->name);

	assert_non_null(is);
	assert_int_equal(is->id, wanted->id);
	assert_ptr_equal(catalog_engine_by_id(catalog, wanted->id), is);
	assert_string_equal(is->host, wanted->host);
	assert_string_equal(is->ca_file, wanted->ca_file);
	assert_string_equal(is->cert_file, wanted->cert_file);
	assert_string_equal(is->key_file, wanted->key_file);
	assert_string_equal(is->network, wanted->network);
	assert_int_equal(is->is_published, wanted->is_published);
	assert_string_equal(is->publish_address, wanted->publish_address);
}

static void
put_engine(struct engine_config *e, bool is_new)
{
	bool was_new = !is_new;

	e->id = catalog_put_engine(catalog, e, &was_new);
	assert_int_equal(was_new, is_new);
	assert_engine(e);
}

static void
an_engine_comes_back_as_it_was(void **state UNUSED)
{
	struct engine_config near = make_engine("near", "a", false);
	struct engine_config far = make_engine("far", "b", true);
	struct engine_config changed = make_engine("near", "c", true);

	put_engine(&near, true);
	put_engine(&far, true);
	load_again();
	assert_engine(&near);
	assert_engine(&far);
	put_engine(&changed, false);
	assert_int_equal(changed.id, near.id);
	load_again();
	assert_engine(&changed);
	assert_engine(&far);
	assert_int_equal(catalog_engine_count(catalog), 2);
}

static struct registry_config
make_registry(const char *host, const char *word, bool is_insecure)
{
	struct registry_config r = { .is_insecure = is_insecure };

	snprintf(r.host, sizeof(r.host), "%s", host);
	snprintf(r.ca_file, sizeof(r.ca_file), "/%s/ca", word);
	snprintf(r.username, sizeof(r.username), "%s-user", word);
	snprintf(r.password_file, sizeof(r.password_file), "/%s/password", word);
	snprintf(r.password_env, sizeof(r.password_env), "%s_PASSWORD", word);
	return r;
}

static void
assert_registry(const struct registry_config *wanted)
{
	struct registry_config is;

	catalog_registry(catalog, wanted->host, &is);
	assert_string_equal(is.host, wanted->host);
	assert_int_equal(is.is_insecure, wanted->is_insecure);
	assert_string_equal(is.ca_file, wanted->ca_file);
	assert_string_equal(is.username, wanted->username);
	assert_string_equal(is.password_file, wanted->password_file);
	assert_string_equal(is.password_env, wanted->password_env);
}

/* Who is left out of a file loses its login, at once and for good. */
static void
registries_are_those_of_the_last_file(void **state UNUSED)
{
	struct registry_config both[] = { make_registry("a.example", "a", true),
		make_registry("b.example", "b", false) };
	struct registry_config one = make_registry("b.example", "c", true);
	struct registry_config none = { .host = "a.example" };

	catalog_replace_registries(catalog, both, 2);
	for (int i = 0; i < 2; i++, load_again()) {
		assert_registry(&both[0]);
		assert_registry(&both[1]);
	}
	catalog_replace_registries(catalog, &one, 1);
	for (int i = 0; i < 2; i++, load_again()) {
		assert_int_equal(catalog_registry_count(catalog), 1);
		assert_registry(&one);
		assert_registry(&none);
	}
}

static struct str
write_spec(struct buf *json, int port)
{
	struct stage_spec *spec;
	char text[512];
	struct err err = { "" };

	snprintf(text, sizeof(text),
	    "{\"project\":\"shop\",\"stage\":\"one\",\"engine\":\"local\",\"port\":%d,"
	    "\"image\":\"r.example/shop/web\",\"health\":{\"kind\":\"none\"}}",
	    port);
	spec = stage_spec_parse(str_of(text), &err);
	if (spec == NULL)
		fail_msg("%s", err.text);
	buf_clear(json);
	stage_spec_write(spec, json);
	stage_spec_free(spec);
	return buf_view(json);
}

static void
a_stage_comes_back_with_its_newest_revision(void **state UNUSED)
{
	const struct stage_entry *entry;
	uint64_t first;
	uint64_t project;
	struct buf json;
	bool is_new;

	buf_init(&json, 4096);
	project = catalog_put_project(catalog, "shop", &is_new);
	assert_true(is_new);
	catalog_add_stage(catalog, project, 11, 12, write_spec(&json, 8080));
	load_again();
	entry = catalog_stage_by_name(catalog, "shop", "one");
	assert_non_null(entry);
	assert_int_equal(entry->id, 11);
	assert_int_equal(entry->poll_id, 12);
	assert_int_equal(entry->spec->port, 8080);
	first = entry->spec_id;
	catalog_set_spec(catalog, 11, write_spec(&json, 9090));
	for (int i = 0; i < 2; i++, load_again()) {
		entry = catalog_stage(catalog, 11);
		assert_int_equal(entry->spec->port, 9090);
		assert_true(entry->spec_id > first);
		/* What was deployed with it is deployed under way with it, too. */
		assert_int_equal(catalog_spec(catalog, first)->port, 8080);
	}
	buf_free(&json);
}

static void
a_project_keeps_its_webhook(void **state UNUSED)
{
	const struct project_entry *found;
	uint64_t shop;
	char webhook[37];
	bool is_new;

	shop = catalog_put_project(catalog, "shop", &is_new);
	catalog_put_project(catalog, "blog", &is_new);
	memcpy(webhook, catalog_project_by_name(catalog, "shop")->webhook, sizeof(webhook));
	assert_int_equal(catalog_put_project(catalog, "shop", &is_new), shop);
	assert_false(is_new);
	for (int i = 0; i < 2; i++, load_again()) {
		found = catalog_project_by_webhook(catalog, str_of(webhook));
		assert_non_null(found);
		assert_string_equal(found->name, "shop");
		assert_int_equal(found->id, shop);
		webhook[35] ^= 1;
		assert_null(catalog_project_by_webhook(catalog, str_of(webhook)));
		webhook[35] ^= 1;
		assert_null(catalog_project_by_webhook(catalog, (struct str){ webhook, 35 }));
	}
}

/* The one before is worth nothing, and no other changes with it; 0 is the one for all projects. */
static void
a_webhook_is_made_anew(void **state UNUSED)
{
	char before[2][37];
	bool is_new;
	uint64_t shop = catalog_put_project(catalog, "shop", &is_new);
	const struct project_entry *project;

	load_again();
	for (int i = 0; i < 2; i++) {
		const struct project_entry *p = i == 0
						    ? catalog_everyone(catalog)
						    : catalog_project_by_name(catalog, "shop");

		assert_int_equal(strlen(p->webhook), 36);
		assert_int_equal(p->id, i == 0 ? 0 : shop);
		memcpy(before[i], p->webhook, sizeof(before[i]));
	}
	for (int i = 0; i < 2; i++) {
		catalog_rotate_webhook(catalog, i == 0 ? 0 : shop);
		load_again();
		assert_null(catalog_project_by_webhook(catalog, str_of(before[i])));
		project = catalog_project_by_webhook(catalog, str_of(before[1]));
		assert_int_equal(project != NULL, i == 0);
	}
}

static void
rules_of_webhooks_come_back(void **state UNUSED)
{
	struct webhook_rules file = { .secret_file = "/run/secrets/a",
		.takes_unsigned = true };
	struct webhook_rules variable = { .secret_env = "B" };
	struct webhook_rules none = { .secret_file = "" };
	bool is_new;
	uint64_t shop = catalog_put_project(catalog, "shop", &is_new);

	catalog_put_project(catalog, "blog", &is_new);
	catalog_set_webhook_rules(catalog, shop, &file);
	catalog_set_webhook_rules(catalog, 0, &file);
	catalog_set_webhook_rules(catalog, 0, &variable);
	load_again();
	assert_true(
	    webhook_rules_are(&catalog_project_by_name(catalog, "shop")->rules, &file));
	assert_true(
	    webhook_rules_are(&catalog_project_by_name(catalog, "blog")->rules, &none));
	assert_true(webhook_rules_are(&catalog_everyone(catalog)->rules, &variable));
	variable.takes_unsigned = true;
	assert_false(webhook_rules_are(&catalog_everyone(catalog)->rules, &variable));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_catalog, close_catalog)
	const struct CMUnitTest tests[] = {
		TEST(an_engine_comes_back_as_it_was),
		TEST(registries_are_those_of_the_last_file),
		TEST(a_stage_comes_back_with_its_newest_revision),
		TEST(a_project_keeps_its_webhook),
		TEST(a_webhook_is_made_anew),
		TEST(rules_of_webhooks_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
