/* test_npm_host.c - proxy hosts of Nginx Proxy Manager: what is changed of one and what stays, whose it is,
 * what is refused, and how everything is given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ports/npm_inside.h"

#define OURS(set, more) \
	"\"slipway\":{\"store\":\"s-1\",\"stage\":7,\"set\":\"" set "\"," more "}"
#define LEADS(port) \
	"\"forward_scheme\":\"http\",\"forward_host\":\"10.0.0.2\",\"forward_port\":" port
#define ONLINE "\"nginx_online\":true,\"nginx_err\":null"
#define BEFORE                                                     \
	"\"made\":false,\"before\":{\"forward_scheme\":\"https\"," \
	"\"forward_host\":\"nas\",\"forward_port\":443}"

enum { TEXT_SIZE = 4096 };

static struct front_route route;
static struct npm_wish wish;
static struct npm_plan plan;
static struct json *hosts;
static struct json *body; /* of the first action */

static int
reset(void **state)
{
	(void)state;
	route = (struct front_route){ .stage = 7,
		.deploy = 57,
		.domains = { "app.test" },
		.domain_count = 1,
		.targets = { { .replica = 0, .address = "10.0.0.2:8080" } },
		.target_count = 1,
		.path = "/health" };
	wish = (struct npm_wish){ .work = FRONT_ENSURE,
		.route = &route,
		.store_uuid = "s-1",
		.secret = "5ec7e7",
		.mail = "me@example.com",
		.version_minor = 15 };
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	npm_plan_free(&plan);
	json_free(hosts);
	json_free(body);
	hosts = NULL;
	body = NULL;
	return 0;
}

static struct json *
parse(const char *text)
{
	struct err err;
	struct json *tree = json_parse(str_of(text), &err);

	if (tree == NULL)
		fail_msg("%s: %s", err.text, text);
	return tree;
}

static char *
fresh_text(void)
{
	static char texts[8][TEXT_SIZE];
	static int at;

	return texts[at++ % 8];
}

/* The text with `from` as `to`. */
static const char *
edited(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *with = fresh_text();

	assert_non_null(at);
	snprintf(with, TEXT_SIZE, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
	return with;
}

/* A host as the API lists it. */
static const char *
host(int id, const char *domain, const char *target, const char *meta)
{
	char *text = fresh_text();

	snprintf(text, TEXT_SIZE,
	    "{\"id\":%d,\"created_on\":\"2026-01-01 10:00:00\",\"owner_user_id\":1,"
	    "\"domain_names\":[\"%s\"],%s,\"access_list_id\":3,\"certificate_id\":0,"
	    "\"ssl_forced\":false,\"http2_support\":false,\"allow_websocket_upgrade\":true,"
	    "\"locations\":null,\"advanced_config\":\"\",\"enabled\":true,\"meta\":{%s%s%s}}",
	    id, domain, target, meta, meta[0] != '\0' ? "," : "", ONLINE);
	return text;
}

/* Works out what has to change, with these hosts there. */
static void
work_out(const char *one, const char *two)
{
	char text[9000];

	(void)finish(NULL);
	snprintf(text, sizeof(text), "[%s%s%s]", one, two[0] != '\0' ? "," : "", two);
	hosts = parse(text);
	npm_plan_make(&wish, hosts, &plan);
	if (plan.count > 0 && plan.actions[0].body.n > 0)
		body = parse(buf_cstr(&plan.actions[0].body));
}

static const struct json *
of_meta(const char *key)
{
	return json_get(json_get(json_get(body, "meta"), "slipway"), key);
}

static void
assert_refused(const char *words)
{
	assert_true(plan.is_refused);
	if (strstr(plan.text, words) == NULL)
		fail_msg("not '%s' in: %s", words, plan.text);
}

static void
assert_leads(const struct json *of, const char *address, int port)
{
	assert_string_equal(json_text(json_get(of, "forward_host")), address);
	assert_int_equal(json_number(json_get(of, "forward_port")), port);
}

/* A host of others: found whatever its case, led elsewhere, and nothing else of it is sent. */
static void
only_what_changes_is_sent(void **state)
{
	const char *keys[] = { "forward_scheme", "forward_host", "forward_port",
		"advanced_config", "meta" };

	(void)state;
	work_out(host(4, "App.TEST", LEADS("80"), "\"theirs\":{\"a\":[1]}"), "");
	assert_false(plan.is_refused);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.actions[0].verb, NPM_PUT);
	assert_int_equal(plan.actions[0].id, 4);
	assert_int_equal(json_count(body), sizeof(keys) / sizeof(keys[0]));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_non_null(json_get(body, keys[i]));
	assert_leads(body, "10.0.0.2", 8080);
	assert_int_equal(
	    json_number(json_at(json_get(json_get(json_get(body, "meta"), "theirs"), "a"), 0)),
	    1);
	assert_null(json_get(json_get(body, "meta"), "nginx_online"));
	assert_string_equal(json_text(of_meta("set")), "http://10.0.0.2:8080");
	assert_false(json_bool(of_meta("made")));
	assert_leads(of_meta("before"), "10.0.0.2", 80);
	assert_string_equal(plan.actions[0].what,
	    "proxy host 4 (App.TEST) leads to http://10.0.0.2:80 and should lead to "
	    "http://10.0.0.2:8080");
}

/* What was before the first deploy stays known over later ones. */
static void
before_is_kept(void **state)
{
	(void)state;
	work_out(host(4, "app.test", LEADS("9000"), OURS("http://10.0.0.2:9000", BEFORE)), "");
	assert_leads(of_meta("before"), "nas", 443);
	assert_leads(body, "10.0.0.2", 8080);
}

/* A host as it was told comes back with an id and what nginx said: nothing is to be told again. */
static void
what_is_right_stays(void **state)
{
	const char *row;

	(void)state;
	work_out("", "");
	assert_int_equal(plan.actions[0].verb, NPM_POST);
	row = edited(buf_cstr(&plan.actions[0].body), "{", "{\"id\":9,\"enabled\":1,");
	row = edited(row, "\"meta\":{", "\"meta\":{" ONLINE ",");
	wish.work = FRONT_COMPARE;
	work_out(row, "");
	assert_int_equal(plan.count, 0);
	assert_false(plan.is_refused);
}

/* Told even what seems right, because nginx may serve another file. */
static void
straight_switches_are_always_told(void **state)
{
	const char *right =
	    host(4, "app.test", LEADS("8080"), OURS("http://10.0.0.2:8080", BEFORE));

	(void)state;
	route.is_to_edge = true;
	work_out(right, "");
	assert_int_equal(plan.count, 0);
	wish.is_forced = true;
	work_out(right, "");
	assert_int_equal(plan.count, 1);
}

/* A row that nginx has not taken is no row that is right. */
static void
offline_is_a_difference(void **state)
{
	const char *right =
	    host(4, "app.test", LEADS("8080"), OURS("http://10.0.0.2:8080", BEFORE));

	(void)state;
	route.is_to_edge = true;
	wish.work = FRONT_COMPARE;
	work_out(
	    edited(right, ONLINE,
		"\"nginx_online\":false,\"nginx_err\":\"11:28 [emerg] 12#12: no such\\nb\""),
	    "");
	assert_int_equal(plan.count, 1);
	assert_false(plan.actions[0].was_online);
	assert_string_equal(
	    plan.actions[0].what, "nginx does not take proxy host 4 (app.test): no such");
	/* Written, and then its nginx was not asked. */
	work_out(edited(right, ONLINE, "\"theirs\":1"), "");
	assert_int_equal(plan.count, 1);
	assert_non_null(strstr(plan.actions[0].what, "not asked to the end"));
}

static void
a_host_is_made(void **state)
{
	const struct json *names;

	(void)state;
	route.domain_count = 2;
	snprintf(route.domains[1], sizeof(route.domains[1]), "*.app.test");
	work_out(host(1, "other.test", LEADS("80"), ""), "");
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.actions[0].verb, NPM_POST);
	names = json_get(body, "domain_names");
	assert_int_equal(json_count(names), 2);
	assert_string_equal(json_text(json_at(names, 1)), "*.app.test");
	assert_true(json_bool(json_get(body, "allow_websocket_upgrade")));
	assert_true(json_bool(of_meta("made")));
	assert_null(of_meta("before"));
	assert_null(json_get(body, "certificate_id"));
	assert_string_equal(plan.domain, "app.test");
}

/* Some domains stand in a host of others, wildcards spelled the same too: one is made for the rest. */
static void
some_domains_have_a_host(void **state)
{
	const struct json *names;

	(void)state;
	route.domain_count = 2;
	snprintf(route.domains[0], sizeof(route.domains[0]), "*.app.test");
	snprintf(route.domains[1], sizeof(route.domains[1]), "new.test");
	work_out(host(4, "*.App.test", LEADS("80"), ""), "");
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.actions[0].verb, NPM_PUT);
	assert_int_equal(plan.actions[1].verb, NPM_POST);
	json_free(body);
	body = parse(buf_cstr(&plan.actions[1].body));
	names = json_get(body, "domain_names");
	assert_int_equal(json_count(names), 1);
	assert_string_equal(json_text(json_at(names, 0)), "new.test");
	assert_string_equal(plan.domain, "slipway.app.test");
}

/* A probe asks for the first domain, so its host decides between HTTP and HTTPS. */
static void
the_way_of_probes(void **state)
{
	const char *plain = host(4, "app.test", LEADS("80"), "");
	const char *forced = edited(
	    host(5, "b.test", LEADS("80"), ""), "\"ssl_forced\":false", "\"ssl_forced\":1");

	(void)state;
	route.domain_count = 2;
	snprintf(route.domains[1], sizeof(route.domains[1]), "b.test");
	work_out(plain, forced);
	assert_false(plan.is_https);
	work_out(forced, plain);
	assert_false(plan.is_https);
	snprintf(route.domains[0], sizeof(route.domains[0]), "b.test");
	snprintf(route.domains[1], sizeof(route.domains[1]), "app.test");
	work_out(plain, forced);
	assert_true(plan.is_https);
}

static void
a_change_by_hand(void **state)
{
	const char *changed = host(4, "app.test",
	    "\"forward_scheme\":\"http\","
	    "\"forward_host\":\"10.0.0.9\","
	    "\"forward_port\":80",
	    OURS("http://127.0.0.1:2001", BEFORE));

	(void)state;
	work_out(changed, "");
	assert_refused("proxy host 4 (app.test) leads to http://10.0.0.9:80, and Slipway had "
		       "set http://127.0.0.1:2001");
	assert_int_equal(plan.count, 0);
	wish.may_overwrite = true;
	work_out(changed, "");
	assert_false(plan.is_refused);
	assert_int_equal(plan.count, 1);
	assert_non_null(strstr(plan.text, "http://10.0.0.9:80 by somebody's hand"));
	/* Whoever gives a route back comes to an end, and leaves it. */
	wish.may_overwrite = false;
	wish.work = FRONT_RESTORE;
	work_out(changed, "");
	assert_false(plan.is_refused);
	assert_int_equal(plan.left, 1);
	assert_int_equal(plan.count, 0);
	assert_non_null(strstr(plan.text, "somebody changed it"));
}

/* One host that may not be touched does not leave the others with a version that goes. */
static void
restoring_does_what_it_may(void **state)
{
	const char *changed = host(4, "b.test", LEADS("9"), OURS("http://10.0.0.2:5", BEFORE));
	const char *ours = host(5, "app.test", LEADS("5"), OURS("http://10.0.0.2:5", BEFORE));

	(void)state;
	route.domain_count = 2;
	snprintf(route.domains[1], sizeof(route.domains[1]), "b.test");
	wish.work = FRONT_RESTORE;
	work_out(changed, ours);
	assert_false(plan.is_refused);
	assert_int_equal(plan.left, 2);
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.actions[0].id, 5);
	wish.work = FRONT_ENSURE;
	work_out(changed, ours);
	assert_refused("somebody changed it");
}

static void
what_a_person_decided_is_refused(void **state)
{
	static const struct {
		const char *from;
		const char *to;
		const char *words;
	} cases[] = {
		{ "\"advanced_config\":\"\"",
		    "\"advanced_config\":\"a;\\n location  /\\n{ return 204; }\"",
		    "take it out" },
		{ "\"enabled\":true", "\"enabled\":0", "enable it in Nginx Proxy Manager" },
		{ "\"meta\":{",
		    "\"meta\":{\"slipway\":{\"store\":\"s-1\",\"stage\":8,\"set\":\"x\"},",
		    "serves another stage" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		work_out(
		    edited(host(4, "app.test", LEADS("80"), ""), cases[i].from, cases[i].to),
		    "");
		assert_refused(cases[i].words);
		assert_non_null(strstr(plan.text, "proxy host 4 (app.test)"));
	}
}

/* Led back even where nobody comes through: nothing is led to what goes. */
static void
restoring_leads_what_is_closed(void **state)
{
	const char *disabled =
	    edited(host(4, "app.test", LEADS("5"), OURS("http://10.0.0.2:5", BEFORE)),
		"\"enabled\":true", "\"enabled\":false");

	(void)state;
	wish.work = FRONT_RESTORE;
	wish.is_forced = true;
	work_out(disabled, "");
	assert_int_equal(plan.count, 1);
	assert_int_equal(plan.left, 1);
	assert_leads(body, "10.0.0.2", 8080);
	assert_non_null(strstr(plan.text, "enable it"));
	snprintf(route.targets[0].address, sizeof(route.targets[0].address), "10.0.0.2:5");
	route.is_to_edge = true;
	work_out(disabled, ""); /* not told each time somebody looks */
	assert_int_equal(plan.count, 0);
	assert_int_equal(plan.left, 1);
}

/* Refused is who wants the name, not who has lost it. */
static void
names_that_other_stages_got(void **state)
{
	const char *theirs = host(4, "app.test", LEADS("9"),
	    "\"slipway\":{\"store\":\"s-1\",\"stage\":8,\"set\":\"http://10.0.0.2:9\"}");
	enum front_work works[] = { FRONT_RESTORE, FRONT_COMPARE };

	(void)state;
	route.domain_count = 2;
	snprintf(route.domains[1], sizeof(route.domains[1]), "b.test");
	for (size_t i = 0; i < 2; i++) {
		wish.work = works[i];
		work_out(theirs, "");
		assert_false(plan.is_refused);
		assert_int_equal(plan.left, 1);
		assert_string_equal(plan.text, "");
		assert_int_equal(plan.count, 1);
		assert_int_equal(plan.actions[0].verb, NPM_POST);
		assert_int_equal(plan.actions[0].domains, 2);
		assert_string_equal(plan.domain, "b.test");
	}
	wish.work = FRONT_ENSURE;
	work_out(theirs, "");
	assert_refused("serves another stage");
}

/* Two servers at one Nginx Proxy Manager do not take a host from each other, until a person has led it
 * elsewhere. */
static void
hosts_of_another_slipway(void **state)
{
	const char *theirs = host(4, "app.test", LEADS("9"),
	    "\"slipway\":{\"store\":\"s-2\",\"stage\":7,\"set\":\"http://10.0.0.2:9\"}");
	enum front_work works[] = { FRONT_ENSURE, FRONT_MEND, FRONT_COMPARE };

	(void)state;
	wish.may_overwrite = true;
	for (size_t i = 0; i < 3; i++) {
		wish.work = works[i];
		work_out(theirs, "");
		assert_refused("serves a stage of another Slipway");
		assert_int_equal(plan.count, 0);
	}
	wish.work = FRONT_RESTORE;
	work_out(theirs, "");
	assert_false(plan.is_refused);
	assert_int_equal(plan.left, 1);
	assert_int_equal(plan.count, 0);
	wish.work = FRONT_ENSURE;
	work_out(edited(theirs, LEADS("9"), LEADS("10")), "");
	assert_false(plan.is_refused);
	assert_leads(of_meta("before"), "10.0.0.2", 10);
	assert_string_equal(json_text(of_meta("store")), "s-1");
}

static const char *
with_root(const char *meta, const char *own, const char *root)
{
	char locations[512];

	snprintf(locations, sizeof(locations),
	    "\"locations\":[{\"path\":\"/api\",\"forward_scheme\":\"http\",\"forward_host\":"
	    "\"api\",\"forward_port\":1,\"advanced_config\":\"x;\"},{\"path\":\"/\",%s}]",
	    root);
	return edited(host(4, "app.test", own, meta), "\"locations\":null", locations);
}

/* A location for "/" leads instead of the host: both are set, compared, and given back. */
static void
a_location_for_everything(void **state)
{
	const struct json *locations;
	char meta[1024];

	(void)state;
	work_out(with_root("", LEADS("1"), LEADS("2")), "");
	locations = json_get(body, "locations");
	assert_int_equal(json_count(locations), 2);
	assert_leads(json_at(locations, 0), "api", 1);
	assert_string_equal(
	    json_text(json_get(json_at(locations, 0), "advanced_config")), "x;");
	assert_leads(json_at(locations, 1), "10.0.0.2", 8080);
	assert_leads(body, "10.0.0.2", 8080);
	assert_leads(of_meta("before"), "10.0.0.2", 1);
	assert_leads(json_get(of_meta("before"), "root"), "10.0.0.2", 2);
	json_free(body);
	body = parse(buf_cstr(&plan.actions[0].undo));
	assert_leads(body, "10.0.0.2", 1);
	assert_leads(json_at(json_get(body, "locations"), 1), "10.0.0.2", 2);

	snprintf(meta, sizeof(meta), "%s",
	    OURS("http://10.0.0.2:8080",
		"\"made\":false,\"before\":{" LEADS("1") ",\"root\":{" LEADS("2") "}}"));
	wish.work = FRONT_REMOVE;
	work_out(with_root(meta, LEADS("8080"), LEADS("8080")), "");
	assert_leads(body, "10.0.0.2", 1);
	assert_leads(json_at(json_get(body, "locations"), 1), "10.0.0.2", 2);
	assert_leads(json_at(json_get(body, "locations"), 0), "api", 1);
	assert_null(json_get(json_get(body, "meta"), "slipway"));

	wish.work = FRONT_ENSURE; /* somebody changed what leads visitors */
	work_out(with_root(meta, LEADS("8080"), LEADS("3")), "");
	assert_refused("leads to http://10.0.0.2:3");
}

/* Deleted is what we made and what still leads where we set it. */
static void
hosts_are_given_back(void **state)
{
	const char *made =
	    host(4, "app.test", LEADS("8080"), OURS("http://10.0.0.2:8080", "\"made\":true"));
	const char *found = host(
	    5, "b.test", LEADS("8080"), OURS("http://10.0.0.2:8080", BEFORE) ",\"theirs\":1");

	(void)state;
	wish.work = FRONT_REMOVE;
	work_out(made, found);
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.actions[0].verb, NPM_DELETE);
	assert_int_equal(plan.actions[1].verb, NPM_PUT);
	body = parse(buf_cstr(&plan.actions[1].body));
	assert_leads(body, "nas", 443);
	assert_null(json_get(json_get(body, "meta"), "slipway"));
	assert_int_equal(json_number(json_get(json_get(body, "meta"), "theirs")), 1);

	wish.work = FRONT_RESTORE; /* a first deploy */
	route.target_count = 0;
	work_out(made, found);
	assert_int_equal(plan.count, 2);

	work_out(
	    host(4, "app.test", LEADS("9"), OURS("http://10.0.0.2:8080", "\"made\":true")),
	    "");
	assert_int_equal(plan.actions[0].verb, NPM_PUT);
	assert_null(json_get(body, "forward_port"));
	assert_null(json_get(json_get(body, "meta"), "slipway"));
	assert_non_null(strstr(plan.text, "http://10.0.0.2:9 by somebody's hand"));

	work_out(host(4, "app.test", LEADS("80"),
		     "\"slipway\":{\"store\":\"s-1\",\"stage\":8,\"made\":true}"),
	    host(5, "b.test", LEADS("80"),
		"\"slipway\":{\"store\":\"s-2\",\"stage\":7,\"made\":true}"));
	assert_int_equal(plan.count, 0);
}

/* Domains that a stage gave up: hosts of others are given back, ours keeps those that are left. */
static void
domains_that_went(void **state)
{
	const char *ours = host(4, "app.test\",\"old.test", LEADS("8080"),
	    OURS("http://10.0.0.2:8080", "\"made\":true"));

	(void)state;
	work_out(ours, host(5, "b.test", LEADS("8080"), OURS("http://10.0.0.2:8080", BEFORE)));
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.actions[0].id, 5);
	assert_leads(body, "nas", 443);
	json_free(body);
	body = parse(buf_cstr(&plan.actions[1].body));
	assert_int_equal(json_count(json_get(body, "domain_names")), 1);
	json_free(body);
	body = parse(buf_cstr(&plan.actions[1].undo));
	assert_int_equal(json_count(json_get(body, "domain_names")), 2);
	/* All that is left stands in a host of others: ours goes. */
	work_out(edited(ours, "app.test", "one.test"), host(5, "app.test", LEADS("80"), ""));
	assert_int_equal(plan.count, 2);
	assert_int_equal(plan.actions[1].verb, NPM_DELETE);
	assert_int_equal(plan.actions[1].id, 4);
}

/* Our location is put in, kept, replaced and taken out; the text around it stays. */
static void
our_location(void **state)
{
	struct buf once;
	struct buf twice;
	struct buf back;
	struct str own = STR("add_header X y;\n# slipway: end of mine\n");

	(void)state;
	buf_init(&once, 4096);
	buf_init(&twice, 4096);
	buf_init(&back, 4096);
	npm_block_put(&once, own, "abc", "/health");
	assert_true(str_starts(buf_view(&once), "add_header X y;\n"));
	assert_non_null(strstr(buf_cstr(&once), "location = /.well-known/slipway-abc {"));
	assert_non_null(strstr(buf_cstr(&once), "$server:$port/health;"));
	assert_true(npm_block_is_there(buf_view(&once)));
	assert_false(npm_has_own_root(buf_view(&once)));
	buf_text(&once, "more;\n");
	npm_block_put(&twice, buf_view(&once), "abc", "/; return 200; #");
	assert_null(strstr(buf_cstr(&twice), "return 200"));
	assert_non_null(strstr(buf_cstr(&twice), "$server:$port/;"));
	assert_ptr_equal(
	    strstr(strstr(buf_cstr(&twice), "location =") + 1, "location ="), NULL);
	npm_block_drop(&back, buf_view(&twice));
	assert_string_equal(
	    buf_cstr(&back), "add_header X y;\n# slipway: end of mine\nmore;\n");
	buf_free(&once);
	buf_free(&twice);
	buf_free(&back);
}

static void
locations_for_everything_are_found(void **state)
{
	static const char *const are[] = { "location / {", " location /{", "a;location / {",
		"a;\n\tlocation /\n{" };
	static const char *const are_not[] = { "location /x {", "location = / {",
		"# location / {", "location ~ / {", "location /api/ {", "" };

	(void)state;
	for (size_t i = 0; i < sizeof(are) / sizeof(are[0]); i++)
		assert_true(npm_has_own_root(str_of(are[i])));
	for (size_t i = 0; i < sizeof(are_not) / sizeof(are_not[0]); i++)
		assert_false(npm_has_own_root(str_of(are_not[i])));
}

static const char list[] =
    "[{\"id\":3,\"provider\":\"other\",\"nice_name\":\"Lab\",\"domain_names\":[]},"
    "{\"id\":5,\"provider\":\"other\",\"nice_name\":\"wild\",\"domain_names\":[\"*.test\"]},"
    "{\"id\":8,\"provider\":\"letsencrypt\",\"nice_name\":\"b.org\",\"domain_names\":"
    "[\"b.org\"]}]";

static void
certificates_are_found(void **state)
{
	static const struct {
		const char *word;
		const char *domain;
		int id; /* -1: refused */
		const char *words;
	} cases[] = {
		{ "", "app.test", 0, "" },
		{ "lab", "app.test", 3, "" },
		{ "5", "app.test", 5, "" },
		{ "wild", "a.app.test", -1, "is not for a.app.test" },
		{ "wild", "*.test", 5, "" },
		{ "5", "*.app.test", -1, "is not for *.app.test" },
		{ "9", "app.test", -1, "it has 3 'Lab', 5 'wild', 8 'b.org'" },
		{ "letsencrypt", "b.org", 8, "" },
		{ "letsencrypt", "app.test", 0, "" },
	};
	struct json *certificates = parse(list);
	struct npm_certificate found;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int done;

		snprintf(route.certificate, sizeof(route.certificate), "%s", cases[i].word);
		snprintf(route.domains[0], sizeof(route.domains[0]), "%s", cases[i].domain);
		done = npm_certificate_find(certificates, &route, &found, &err);
		assert_int_equal(done, cases[i].id < 0 ? -1 : 0);
		if (done != 0)
			assert_non_null(strstr(err.text, cases[i].words));
		else
			assert_int_equal(found.id, cases[i].id);
	}
	assert_true(found.is_new);
	json_free(certificates);
}

/* "letsencrypt" means any that fits; a name means that one. */
static void
certificates_that_hosts_have(void **state)
{
	struct json *certificates = parse(list);
	const char *none = host(4, "app.test", LEADS("80"), "");
	const char *id = "\"certificate_id\":0";
	const char *has = edited(none, id, "\"certificate_id\":5");

	(void)state;
	wish.certificates = certificates;
	wish.certificate = (struct npm_certificate){ .is_named = true, .id = 3 };
	work_out(has, "");
	assert_int_equal(json_number(json_get(body, "certificate_id")), 3);
	assert_true(json_bool(json_get(body, "ssl_forced")));
	json_free(body);
	body = parse(buf_cstr(&plan.actions[0].undo));
	assert_int_equal(json_number(json_get(body, "certificate_id")), 5);
	assert_false(json_bool(json_get(body, "ssl_forced")));
	assert_true(plan.is_https);
	wish.certificate.is_any = true; /* the host's own fits as well */
	work_out(has, "");
	assert_null(json_get(body, "certificate_id"));
	/* It is for other domains; it is not there any more. */
	work_out(edited(none, id, "\"certificate_id\":8"), "");
	assert_int_equal(json_number(json_get(body, "certificate_id")), 3);
	work_out(edited(none, id, "\"certificate_id\":7"), "");
	assert_int_equal(json_number(json_get(body, "certificate_id")), 3);
	wish.certificate =
	    (struct npm_certificate){ .is_named = true, .is_any = true, .is_new = true };
	work_out(none, ""); /* its site would be away while it is got */
	assert_refused("has no certificate for its domains yet");
	/* Ours was made without TLS by force, while its certificate was asked for. */
	wish.certificate =
	    (struct npm_certificate){ .is_named = true, .is_any = true, .id = 5 };
	wish.work = FRONT_COMPARE;
	has = edited(
	    host(4, "app.test", LEADS("8080"), OURS("http://10.0.0.2:8080", "\"made\":true")),
	    id, "\"certificate_id\":5");
	work_out(has, "");
	assert_true(json_bool(json_get(body, "ssl_forced")));
	assert_int_equal(json_number(json_get(body, "certificate_id")), 5);
	wish.work = FRONT_ENSURE;
	wish.certificate.is_new = true;
	wish.version_minor = 12;
	work_out("", "");
	assert_string_equal(json_text(json_get(body, "certificate_id")), "new");
	assert_string_equal(json_text(json_get(json_get(body, "meta"), "letsencrypt_email")),
	    "me@example.com");
	wish.version_minor = 13;
	work_out("", "");
	assert_null(json_get(json_get(body, "meta"), "letsencrypt_email"));
	json_free(certificates);
}

/* What a host had of a certificate comes back with the rest. */
static void
certificates_are_given_back(void **state)
{
	struct json *certificates = parse(list);
	const char *plain = host(4, "app.test", LEADS("80"), "");
	char meta[1024];
	const struct json *mark;
	struct buf text;

	(void)state;
	wish.certificates = certificates;
	wish.certificate = (struct npm_certificate){ .is_named = true, .id = 3 };
	work_out(plain, "");
	assert_int_equal(json_number(json_get(body, "certificate_id")), 3);
	buf_init(&text, sizeof(meta));
	mark = json_get(json_get(body, "meta"), "slipway");
	json_dump(mark, &text);
	snprintf(meta, sizeof(meta), "\"slipway\":%s", buf_cstr(&text));
	buf_free(&text);
	wish.certificate = (struct npm_certificate){ 0 };
	wish.work = FRONT_RESTORE; /* the version before names none */
	plain = edited(host(4, "app.test", LEADS("8080"), meta), "\"certificate_id\":0",
	    "\"certificate_id\":3");
	work_out(edited(plain, "\"ssl_forced\":false", "\"ssl_forced\":true"), "");
	assert_false(plan.is_https);
	assert_non_null(json_get(body, "certificate_id"));
	assert_int_equal(json_number(json_get(body, "certificate_id")), 0);
	assert_null(json_get(of_meta("before"), "certificate_id"));
	assert_leads(of_meta("before"), "10.0.0.2", 80);
	/* a first deploy */
	route.target_count = 0;
	plain = host(4, "app.test", LEADS("8080"), meta);
	plain = edited(plain, "\"certificate_id\":0", "\"certificate_id\":3");
	work_out(edited(plain, "\"ssl_forced\":false", "\"ssl_forced\":true"), "");
	assert_leads(body, "10.0.0.2", 80);
	assert_non_null(json_get(body, "certificate_id"));
	assert_int_equal(json_number(json_get(body, "certificate_id")), 0);
	assert_int_equal(json_kind(json_get(body, "ssl_forced")), JSON_IS_BOOL);
	assert_false(json_bool(json_get(body, "ssl_forced")));
	assert_int_equal(json_kind(json_get(body, "http2_support")), JSON_IS_BOOL);
	json_free(certificates);
}

/* What a person should know is told once, when the host is first used. */
static void
websockets_are_told_of(void **state)
{
	const char *with = "\"allow_websocket_upgrade\":true";
	const char *without = "\"allow_websocket_upgrade\":0";

	(void)state;
	work_out(host(4, "app.test", LEADS("80"), ""), "");
	assert_string_equal(plan.text, "");
	work_out(edited(host(4, "app.test", LEADS("80"), ""), with, without), "");
	assert_non_null(strstr(plan.text, "lets no WebSockets through"));
	assert_null(json_get(body, "allow_websocket_upgrade"));
	work_out(
	    edited(host(4, "app.test", LEADS("9000"), OURS("http://10.0.0.2:9000", BEFORE)),
		with, without),
	    "");
	assert_string_equal(plan.text, "");
}

/* A route to the edge needs no location of ours: what an earlier way left is taken out. */
static void
to_the_edge(void **state)
{
	char more[1200] = "\"advanced_config\":\"";
	struct buf text;

	(void)state;
	buf_init(&text, 1024);
	npm_block_put(&text, STR("mine;"), "5ec7e7", "/health");
	for (size_t i = 0; i < text.n; i++) {
		size_t n = strlen(more);

		if (text.p[i] == '\n')
			snprintf(more + n, sizeof(more) - n, "\\n");
		else
			snprintf(more + n, sizeof(more) - n, "%c", text.p[i]);
	}
	buf_free(&text);
	strncat(more, "\"", sizeof(more) - strlen(more) - 1);
	route.is_to_edge = true;
	work_out(
	    edited(host(4, "app.test", LEADS("80"), ""), "\"advanced_config\":\"\"", more),
	    "");
	assert_string_equal(json_text(json_get(body, "advanced_config")), "mine;\n");
	route.is_to_edge = false; /* as it was put in: not sent again */
	work_out(
	    edited(host(4, "app.test", LEADS("80"), ""), "\"advanced_config\":\"\"", more),
	    "");
	assert_null(json_get(body, "advanced_config"));
}

/* A server that was set up anew adopts what an older one left: nobody else drives it. */
static void
another_store_is_another(void **state)
{
	(void)state;
	work_out(host(4, "app.test", LEADS("80"),
		     "\"slipway\":{\"store\":\"s-2\",\"stage\":8,\"set\":\"x\"}"),
	    "");
	assert_false(plan.is_refused);
	assert_string_equal(json_text(of_meta("store")), "s-1");
	assert_leads(of_meta("before"), "10.0.0.2", 80);
}

static void
a_path_is_no_directive(void **state)
{
	(void)state;
	assert_string_equal(npm_probe_path("/health?x=1&y=%20"), "/health?x=1&y=%20");
	assert_string_equal(npm_probe_path("/a;return 200"), "/");
	assert_string_equal(npm_probe_path("/$host"), "/");
	assert_string_equal(npm_probe_path("/a{b}"), "/");
	assert_string_equal(npm_probe_path("/a\"b"), "/");
	assert_string_equal(npm_probe_path("health"), "/");
}

/* IPv6, and what is too long to be sent back as it was. */
static void
odd_hosts(void **state)
{
	struct buf row;

	(void)state;
	snprintf(route.targets[0].address, sizeof(route.targets[0].address), "[fd00::2]:8080");
	work_out("", "");
	assert_leads(body, "[fd00::2]", 8080);
	(void)finish(NULL);
	buf_init(&row, 2 * NPM_BODY_MAX);
	buf_text(&row, "[{\"id\":4,\"domain_names\":[\"app.test\"],\"enabled\":true,"
		       "\"forward_host\":\"x\",\"advanced_config\":\"");
	for (int i = 0; i < NPM_BODY_MAX; i++)
		buf_char(&row, 'x');
	buf_text(&row, "\"}]");
	hosts = parse(buf_cstr(&row));
	buf_free(&row);
	npm_plan_make(&wish, hosts, &plan);
	assert_refused("shorten its advanced configuration");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, reset, finish)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_what_changes_is_sent),
		TEST(before_is_kept),
		TEST(what_is_right_stays),
		TEST(straight_switches_are_always_told),
		TEST(offline_is_a_difference),
		TEST(a_host_is_made),
		TEST(some_domains_have_a_host),
		TEST(the_way_of_probes),
		TEST(a_change_by_hand),
		TEST(restoring_does_what_it_may),
		TEST(restoring_leads_what_is_closed),
		TEST(names_that_other_stages_got),
		TEST(what_a_person_decided_is_refused),
		TEST(hosts_of_another_slipway),
		TEST(a_location_for_everything),
		TEST(hosts_are_given_back),
		TEST(domains_that_went),
		TEST(our_location),
		TEST(locations_for_everything_are_found),
		TEST(certificates_are_found),
		TEST(certificates_that_hosts_have),
		TEST(certificates_are_given_back),
		TEST(websockets_are_told_of),
		TEST(to_the_edge),
		TEST(another_store_is_another),
		TEST(a_path_is_no_directive),
		TEST(odd_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
