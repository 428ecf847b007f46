/* test_caddy_route.c - Caddy's configuration: our route written and recognised, what others have there
 * judged, and the request that tells who answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ports/caddy_inside.h"

static struct proxy_config config;
static struct front_route route;
static struct caddy_wish wish;

static int
reset(void **state)
{
	(void)state;
	config = (struct proxy_config){ .name = "caddy",
		.is_direct = true,
		.server = "edge",
		.listen = ":443",
		.names = "127.0.0.1:8953" };
	route = (struct front_route){ .stage = 42,
		.deploy = 57,
		.domains = { "app.test", "www.app.test" },
		.domain_count = 2,
		.targets = { { .replica = 0, .address = "10.0.0.2:8080" } },
		.target_count = 1,
		.path = "/health" };
	wish = (struct caddy_wish){ .config = &config,
		.route = &route,
		.mark = "1a2b3c4d",
		.secret = "s3cret",
		.may_overwrite = true };
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

/* Our route as Caddy gives it back: keys in another order. */
static const char *
ours(void)
{
	static char text[8192];
	struct buf json;
	struct buf sorted;
	struct json *tree;

	buf_init(&json, CADDY_ROUTE_MAX);
	buf_init(&sorted, CADDY_ROUTE_MAX);
	caddy_route_write(&wish, &json);
	tree = parse(buf_cstr(&json));
	json_dump_sorted(tree, &sorted);
	snprintf(text, sizeof(text), "%s", buf_cstr(&sorted));
	json_free(tree);
	buf_free(&json);
	buf_free(&sorted);
	return text;
}

/* ours() with every `from` as `to`. */
static const char *
edited(const char *from, const char *to)
{
	static char text[8192];
	const char *rest = ours();
	const char *at = strstr(rest, from);

	assert_non_null(at);
	text[0] = '\0';
	for (; at != NULL; at = strstr(rest, from)) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%.*s%s",
		    (int)(at - rest), rest, to);
		rest = at + strlen(from);
	}
	snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s", rest);
	return text;
}

static bool
is_ours(const char *text)
{
	struct json *tree = parse(text);
	bool is = caddy_route_is(&wish, tree);

	json_free(tree);
	return is;
}

static void
the_route_is_written(void **state)
{
	struct json *tree = parse(ours());
	const struct json *parts = json_get(json_at(json_get(tree, "handle"), 1), "routes");
	const struct json *proxy = json_at(json_get(json_at(parts, 1), "handle"), 0);
	const struct json *names = json_get(proxy, "dynamic_upstreams");

	(void)state;
	assert_string_equal(json_text(json_get(tree, "@id")), "slipway-1a2b3c4d-42");
	assert_true(json_bool(json_get(tree, "terminal")));
	assert_string_equal(
	    json_text(json_get(names, "name")), "s42.1a2b3c4d.slipway.internal.");
	assert_string_equal(json_text(json_get(names, "refresh")), "100ms");
	assert_string_equal(
	    json_text(json_at(json_get(json_get(names, "resolver"), "addresses"), 0)),
	    "udp/127.0.0.1:8953");
	assert_null(json_get(proxy, "upstreams"));
	assert_null(json_get(proxy, "stream_close_delay"));
	json_free(tree);
	route.is_to_edge = true;
	snprintf(route.targets[0].address, sizeof(route.targets[0].address), "127.0.0.1:80");
	wish.extras = CADDY_ALL_EXTRAS;
	tree = parse(ours());
	proxy = json_at(json_get(tree, "handle"), 1);
	assert_string_equal(
	    json_text(json_get(json_at(json_get(proxy, "upstreams"), 0), "dial")),
	    "127.0.0.1:80");
	assert_string_equal(json_text(json_get(proxy, "stream_close_delay")), "1h");
	assert_null(json_get(proxy, "dynamic_upstreams"));
	assert_null(strstr(ours(), "s3cret"));
	json_free(tree);
}

/* A deploy changes nothing of it; everything else does. */
static void
a_route_is_recognised(void **state)
{
	char text[8192];

	(void)state;
	snprintf(text, sizeof(text), "%s", ours());
	assert_true(is_ours(text));
	route.deploy = 58;
	route.targets[0].replica = 1;
	snprintf(route.targets[0].address, sizeof(route.targets[0].address), "10.0.0.3:80");
	wish.extras = CADDY_STREAM_CLOSE_DELAY;
	assert_true(is_ours(text)); /* an older Caddy's is as good */
	assert_true(is_ours(ours()));
	wish.extras = CADDY_ALL_EXTRAS;
	assert_true(is_ours(ours()));
	route.domain_count = 1;
	assert_false(is_ours(text));
	route.domain_count = 2;
	assert_true(is_ours(text));
	snprintf(config.names, sizeof(config.names), "127.0.0.1:9999");
	assert_false(is_ours(text));
	snprintf(config.names, sizeof(config.names), "127.0.0.1:8953");
	wish.secret = "other";
	assert_false(is_ours(text));
	wish.secret = "s3cret";
	route.stage = 43;
	assert_false(is_ours(text));
}

static void
an_edited_route_breaks_its_seal(void **state)
{
	static const char *const edits[][2] = { { "\"app.test\"", "\"app.example\"" },
		{ "100ms", "101ms" }, { "\"terminal\":true", "\"terminal\":false" },
		{ "\"terminal\":true", "\"group\":\"x\",\"terminal\":true" },
		{ "[{\"handler\":\"vars\"",
		    "[{\"handler\":\"encode\",\"encodings\":{}},{\"handler\":\"vars\"" },
		{ "s3cret", "s3crets" } };

	(void)state;
	for (size_t i = 0; i < COUNT(edits); i++) {
		struct json *tree = parse(edited(edits[i][0], edits[i][1]));
		char sum[CADDY_SEAL_SIZE];

		caddy_route_sum(tree, sum);
		if (strcmp(sum, caddy_route_seal(tree)) == 0)
			fail_msg("%s is not noticed", edits[i][1]);
		assert_false(caddy_route_is(&wish, tree));
		json_free(tree);
	}
}

/* What is to be done about a configuration. */

static struct caddy_plan plan;

static void __attribute__((format(printf, 1, 2))) judge(const char *format, ...)
{
	char text[32768];
	struct json *servers;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	servers = parse(text);
	caddy_plan_free(&plan);
	caddy_plan_init(&plan);
	caddy_judge(&wish, servers, &plan);
	json_free(servers);
}

static void
expect_call(const char *method, const char *path, const char *why)
{
	if (plan.verdict != CADDY_CALL)
		fail_msg("verdict %d: %s", (int)plan.verdict, plan.text);
	assert_string_equal(plan.method, method);
	assert_string_equal(plan.path, path);
	if (strstr(plan.text, why) == NULL)
		fail_msg("said: %s", plan.text);
}

static void
expect_refusal(enum caddy_verdict verdict, const char *why)
{
	assert_int_equal(plan.verdict, verdict);
	if (strstr(plan.text, why) == NULL)
		fail_msg("said: %s", plan.text);
}

#define SERVERS "/config/apps/http/servers"
#define EDGE(routes) "{\"edge\":{\"listen\":[\":80\"],\"routes\":[" routes "]}}"
#define ANSWERS "\"handle\":[{\"handler\":\"static_response\"}]"

static void
a_missing_route_is_inserted(void **state)
{
	(void)state;
	judge("null");
	expect_call("PUT", SERVERS "/edge", "no server 'edge'");
	assert_non_null(strstr(buf_cstr(&plan.body), "{\"listen\":[\":443\"],\"routes\":[{"));
	judge("{\"edge\":{\"listen\":[\":80\"]}}");
	expect_call("POST", SERVERS "/edge/routes", "is not in");
	assert_int_equal(plan.body.p[0], '[');
	judge(EDGE(""));
	expect_call("POST", SERVERS "/edge/routes", "is not in");
	assert_int_equal(plan.body.p[0], '{');
	judge(EDGE("{\"match\":[{\"host\":[\"blog.test\"]}]," ANSWERS ",\"terminal\":true}"));
	expect_call("POST", SERVERS "/edge/routes", "is not in");
	caddy_plan_free(&plan);
}

static void
it_stands_before_what_would_hide_it(void **state)
{
	static const char *const hiding[] = { "{" ANSWERS "}", "{\"terminal\":true}",
		"{\"match\":[{\"host\":[\"*.test\"]}]," ANSWERS "}",
		"{\"match\":[{}]," ANSWERS "}",
		"{\"match\":[{\"path\":[\"/"
		"x\"]},{\"host\":[\"x.test\",\"*.APP.test\"]}]," ANSWERS "}",
		"{\"handle\":[{\"handler\":\"encode\"},{\"handler\":\"file_server\"}]}",
		"{\"handle\":[{\"handler\":\"subroute\",\"routes\":[{" ANSWERS "}]}]}" };
	static const char *const passing[] = { "{\"handle\":[{\"handler\":\"encode\"}]}",
		"{\"handle\":[{\"handler\":\"authentication\"}]}",
		"{\"match\":[{\"path\":[\"/x\"]}]," ANSWERS "}",
		"{\"match\":[{\"host\":[\"app.test\"],\"path\":[\"/x\"]}]," ANSWERS "}",
		"{\"match\":[{\"host\":[\"*.other\",\"test\",\"a.b.app.test\"]}]," ANSWERS "}",
		("{\"handle\":[{\"handler\":\"subroute\",\"routes\":[{\"handle\":"
		 "[{\"handler\":\"headers\"}]}]}]}") };

	(void)state;
	for (size_t i = 0; i < COUNT(hiding); i++) {
		judge(EDGE("{\"handle\":[{\"handler\":\"encode\"}]},%s"), hiding[i]);
		expect_call("PUT", SERVERS "/edge/routes/1", "is not in");
		judge(EDGE("%s,%s"), hiding[i], ours());
		expect_call("DELETE", SERVERS "/edge/routes/1", "stands behind route 0");
		judge(EDGE("%s,%s"), ours(), hiding[i]);
		assert_int_equal(plan.verdict, CADDY_KEEP);
	}
	for (size_t i = 0; i < COUNT(passing); i++) {
		judge(EDGE("%s"), passing[i]);
		expect_call("POST", SERVERS "/edge/routes", "is not in");
		judge(EDGE("%s,%s"), passing[i], ours());
		assert_int_equal(plan.verdict, CADDY_KEEP);
	}
	caddy_plan_free(&plan);
}

static void
a_rival_is_named(void **state)
{
	static const char rival[] =
	    "{\"@id\":\"theirs\",\"match\":[{\"host\":[\"x\",\"WWW.app.test\"]"
	    "}]," ANSWERS "}";
	static const char sister[] = "{\"@id\":\"slipway-1a2b3c4d-7\",\"match\":[{\"host\":["
				     "\"app.test\"]}]," ANSWERS "}";

	(void)state;
	judge(EDGE("{\"handle\":[]},%s"), rival);
	expect_refusal(
	    CADDY_REFUSE, "route 1 of Caddy's server 'edge', @id theirs, which is not");
	expect_refusal(CADDY_REFUSE, "answers for www.app.test already");
	assert_true(plan.is_blind);
	judge(EDGE("%s,%s"), rival, ours());
	expect_refusal(CADDY_REFUSE, "@id theirs");
	judge(EDGE("%s,%s"), ours(), rival); /* it hides nothing */
	assert_int_equal(plan.verdict, CADDY_KEEP);
	/* Another stage of ours that still has the host loses it soon. */
	judge(EDGE("%s"), sister);
	expect_call("PUT", SERVERS "/edge/routes/0", "is not in");
	caddy_plan_free(&plan);
}

/* Each would have to stand before the other: nothing is moved, and a person is told. */
static void
wildcards_that_cross(void **state)
{
	static const char sister[] = "{\"@id\":\"slipway-1a2b3c4d-7\",\"match\":[{\"host\":["
				     "\"*.app.test\",\"a.b.test\"]}]," ANSWERS "}";

	(void)state;
	judge(EDGE("%s,%s"), sister, ours()); /* only theirs takes one of ours */
	expect_call("DELETE", SERVERS "/edge/routes/1", "stands behind route 0");
	snprintf(route.domains[0], sizeof(route.domains[0]), "*.b.test");
	judge(EDGE("%s"), sister);
	expect_refusal(CADDY_REFUSE, "takes a.b.test of Caddy's route slipway-1a2b3c4d-7");
	judge(EDGE("%s,%s"), sister, ours());
	expect_refusal(CADDY_REFUSE, "give a wildcard a stage of its own");
	judge(EDGE("%s,%s"), ours(), sister);
	expect_refusal(CADDY_REFUSE, "give a wildcard a stage of its own");
	assert_false(plan.is_blind);
	caddy_plan_free(&plan);
}

static void
what_another_stage_has_is_seen(void **state)
{
	static const char text[] = EDGE(
	    "{\"@id\":\"slipway-1a2b3c4d-7\",\"match\":[{\"host\":[\"x\",\"WWW.app.test\"]}]},"
	    "{\"@id\":\"slipway-1a2b3c4d-42\",\"match\":[{\"host\":[\"app.test\"]}]},"
	    "{\"@id\":\"theirs\",\"match\":[{\"host\":[\"app.test\"]}]}");
	struct json *servers = parse(text);

	(void)state;
	assert_int_equal(caddy_taken(&wish, servers), 2);
	assert_int_equal(caddy_taken(&wish, NULL), 0);
	json_free(servers);
}

static void
an_edited_route_is_put_back_or_kept(void **state)
{
	(void)state;
	judge(EDGE("%s"), edited("100ms", "10s"));
	expect_call("PATCH", SERVERS "/edge/routes/0",
	    "was edited in Caddy (app.test, www.app.test -> s42.1a2b3c4d.slipway.internal.)");
	assert_true(plan.is_overwriting);
	wish.may_overwrite = false;
	judge(EDGE("%s"), edited("100ms", "10s"));
	expect_refusal(CADDY_REFUSE, "was edited in Caddy (now: app.test");
	assert_false(plan.is_blind);
	judge(EDGE("{" ANSWERS "},%s"), edited("100ms", "10s"));
	expect_refusal(CADDY_REFUSE, "was edited");
	assert_true(plan.is_blind);
	judge(EDGE("%s"), edited("s3cret", "other"));
	expect_refusal(CADDY_REFUSE, "was edited");
	assert_true(plan.is_blind);
	judge(EDGE("%s"), edited("s42.", "s43."));
	assert_true(plan.is_blind);
	/* What we wrote ourselves for other domains is replaced without a word. */
	char text[8192];
	snprintf(text, sizeof(text), "%s", ours());
	route.domain_count = 1;
	judge(EDGE("%s"), text);
	expect_call("PATCH", SERVERS "/edge/routes/0", "is another one");
	assert_false(plan.is_overwriting);
	caddy_plan_free(&plan);
}

static void
what_is_too_much_goes(void **state)
{
	char text[8192];

	(void)state;
	snprintf(text, sizeof(text), "%s", ours());
	judge(EDGE("%s,{\"handle\":[]},%s"), text, text);
	expect_call("DELETE", SERVERS "/edge/routes/2", "once more");
	judge("{\"edge\":{\"routes\":[%s]},\"old\":{\"routes\":[{},%s]}}", text, text);
	expect_call("DELETE", SERVERS "/old/routes/1", "once more in Caddy's server 'old'");
	wish.is_absent = true;
	judge(EDGE("{},%s"), text);
	expect_call("DELETE", SERVERS "/edge/routes/1", "stands in");
	judge(EDGE("{}"));
	assert_int_equal(plan.verdict, CADDY_KEEP);
	judge("null");
	assert_int_equal(plan.verdict, CADDY_KEEP);
	caddy_plan_free(&plan);
}

static void
an_address_that_is_taken_is_named(void **state)
{
	static const char *const taken[] = { ":443", "0.0.0.0:443", "tcp/[::]:443",
		"10.0.0.1:443" };

	(void)state;
	for (size_t i = 0; i < COUNT(taken); i++) {
		judge("{\"srv0\":{\"listen\":[\":80\",\"%s\"],\"routes\":[]}}", taken[i]);
		expect_refusal(
		    CADDY_REFUSE, "'srv0' listens on :443 already: set 'server: srv0'");
	}
	judge("{\"srv0\":{\"listen\":[\":80\",\"127.0.0.1:4430\",\"udp\"]}}");
	expect_call("PUT", SERVERS "/edge", "no server");
	assert_false(caddy_listens_overlap("127.0.0.1:443", "127.0.0.2:443"));
	caddy_plan_free(&plan);
}

/* Odd shapes are somebody's configuration: they are passed by, or replaced if they are ours. */
static void
odd_configurations_do_no_harm(void **state)
{
	(void)state;
	judge("{\"edge\":{\"routes\":[null,1,\"x\",[],{\"@id\":7,\"match\":3,\"handle\":{}},"
	      "{\"match\":[null,[],{\"host\":\"app.test\"},{\"host\":[1,null]}]," ANSWERS
	      "}]}}");
	expect_call("PUT", SERVERS "/edge/routes/5", "is not in"); /* null takes all */
	judge("{\"edge\":[],\"other\":3}");
	expect_call("PUT", SERVERS "/edge", "no server");
	judge(EDGE("{\"@id\":\"slipway-1a2b3c4d-42\"}"));
	expect_call(
	    "PATCH", SERVERS "/edge/routes/0", "edited in Caddy (all hosts -> something");
	judge(EDGE("{\"@id\":\"slipway-1a2b3c4d-42\",\"handle\":[null]}"));
	expect_call("PATCH", SERVERS "/edge/routes/0", "edited");
	caddy_plan_free(&plan);
}

static void
hosts_cover_each_other(void **state)
{
	(void)state;
	assert_true(caddy_host_covers("App.test", "app.test"));
	assert_true(caddy_host_covers("*.test", "app.test"));
	assert_true(caddy_host_covers("*.test", "*.test"));
	assert_false(caddy_host_covers("app.test", "*.test"));
	assert_false(caddy_host_covers("*.test", "a.app.test"));
	assert_false(caddy_host_covers("*", "app.test"));
	assert_false(caddy_host_covers("test", "app.test"));
	assert_false(caddy_host_covers("app.test", "app.tes"));
	assert_true(caddy_host_covers("app.*", "app.test"));
}

/* Asking who answers. */

static void
expect_entry(const char *server, const char *entry)
{
	struct json *tree = parse(server);
	char url[CADDY_ENTRY_SIZE];

	caddy_entry(&config, tree, url, sizeof(url));
	assert_string_equal(url, entry);
	json_free(tree);
}

static void
the_entry_is_found(void **state)
{
	(void)state;
	expect_entry("null", "https://127.0.0.1:443");
	expect_entry("{\"listen\":[\":80\"]}", "http://127.0.0.1:80");
	expect_entry("{\"listen\":[\"tcp/0.0.0.0:8443\"]}", "https://127.0.0.1:8443");
	expect_entry("{\"listen\":[\"[::1]:8443\"]}", "https://[::1]:8443");
	expect_entry(
	    "{\"listen\":[\"127.0.0.2:8080\"],\"automatic_https\":{\"disable\":true}}",
	    "http://127.0.0.2:8080");
	expect_entry("{\"listen\":[\":8080\"],\"automatic_https\":{\"disable\":true},"
		     "\"tls_connection_policies\":[{}]}",
	    "https://127.0.0.1:8080");
}

static void
the_probe_takes_the_visitors_way(void **state)
{
	struct front_request to = { "", "", "", "" };

	(void)state;
	caddy_probe_fill(&config, "", &route, 0, &to);
	assert_string_equal(to.url, "https://app.test:443/health");
	assert_string_equal(to.resolve, "app.test:443:127.0.0.1");
	assert_string_equal(to.host, "Host: app.test");
	to = (struct front_request){ "", "", "", "" };
	caddy_probe_fill(&config, "http://127.0.0.1:8080", &route, 1, &to);
	assert_string_equal(to.url, "http://127.0.0.1:8080/health");
	assert_string_equal(to.resolve, "");
	assert_string_equal(to.host, "Host: www.app.test");
	snprintf(config.entry, sizeof(config.entry), "http://10.0.0.1:81");
	caddy_probe_fill(&config, "http://127.0.0.1:8080", &route, 0, &to);
	assert_string_equal(to.url, "http://10.0.0.1:81/health");
	snprintf(config.https_entry, sizeof(config.https_entry), "https://[::1]:8443");
	snprintf(route.domains[0], sizeof(route.domains[0]), "*.app.test");
	caddy_probe_fill(&config, "", &route, 0, &to);
	assert_string_equal(to.url, "https://slipway-probe.app.test:8443/health");
	assert_string_equal(to.resolve, "slipway-probe.app.test:8443:[::1]");
	snprintf(config.https_entry, sizeof(config.https_entry), "https://caddy.test");
	caddy_probe_fill(&config, "", &route, 1, &to);
	assert_string_equal(to.resolve, "www.app.test:443:caddy.test");
}

static void
expect_proof(const char *instance, int status, enum front_proof proof, const char *said)
{
	char text[128] = "";

	assert_int_equal(
	    caddy_probe_proves("1a2b3c4d", &route, str_of(instance), status, text), proof);
	if (strstr(text, said) == NULL)
		fail_msg("%s (%d): %s", instance, status, text);
}

static void
only_the_new_version_is_proof(void **state)
{
#define ZONE ".1a2b3c4d.slipway.internal.:8080"
	(void)state;
	expect_proof("d57r0.s42" ZONE, 200, FRONT_PROVEN, "");
	expect_proof("d57r0.s42" ZONE, 404, FRONT_PROVEN, "");
	expect_proof("d57r0.s42" ZONE, 503, FRONT_LEADS, "status 503 came through");
	expect_proof("d56r0.s42" ZONE, 200, FRONT_OTHER, "deploy 56 still answers");
	expect_proof("d57r1.s42" ZONE, 200, FRONT_OTHER, "deploy 57 still answers");
	expect_proof("d57r0.s43" ZONE, 200, FRONT_OTHER, "something else answers: d57r0.s43");
	expect_proof("10.0.0.2:80", 200, FRONT_OTHER, "something else answers");
	expect_proof("", 200, FRONT_UNPROVEN, "did not come by Slipway's route");
	expect_proof("", 502, FRONT_UNPROVEN, "Caddy answers with status 502");
	route.status_min = 200;
	route.status_max = 299;
	expect_proof("d57r0.s42" ZONE, 299, FRONT_PROVEN, "");
	expect_proof("d57r0.s42" ZONE, 404, FRONT_LEADS, "status 404");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_route_is_written, reset),
		cmocka_unit_test_setup(a_route_is_recognised, reset),
		cmocka_unit_test_setup(an_edited_route_breaks_its_seal, reset),
		cmocka_unit_test_setup(a_missing_route_is_inserted, reset),
		cmocka_unit_test_setup(it_stands_before_what_would_hide_it, reset),
		cmocka_unit_test_setup(a_rival_is_named, reset),
		cmocka_unit_test_setup(wildcards_that_cross, reset),
		cmocka_unit_test_setup(what_another_stage_has_is_seen, reset),
		cmocka_unit_test_setup(an_edited_route_is_put_back_or_kept, reset),
		cmocka_unit_test_setup(what_is_too_much_goes, reset),
		cmocka_unit_test_setup(an_address_that_is_taken_is_named, reset),
		cmocka_unit_test_setup(odd_configurations_do_no_harm, reset),
		cmocka_unit_test_setup(hosts_cover_each_other, reset),
		cmocka_unit_test_setup(the_entry_is_found, reset),
		cmocka_unit_test_setup(the_probe_takes_the_visitors_way, reset),
		cmocka_unit_test_setup(only_the_new_version_is_proof, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
