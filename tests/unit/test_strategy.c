/* test_strategy.c - the planner: which strategy a stage gets, why, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config/fields.h"
#include "config/strategy.h"

static struct stage_spec
stage_with(struct volume_spec *volume, const char *strategy)
{
	static const char *domains[] = { "a.example" };
	struct stage_spec spec;

	stage_spec_set_defaults(&spec);
	spec.project = "shop";
	spec.stage = "production";
	spec.strategy = strategy;
	spec.domains = (struct strings){ domains, 1 };
	spec.volumes = volume;
	spec.volume_count = volume == NULL ? 0 : 1;
	return spec;
}

static void
gives(const struct stage_spec *spec, bool is_by_edge, const char *name, const char *reason)
{
	struct strategy_plan plan;

	strategy_plan(spec, is_by_edge, &plan);
	assert_string_equal(plan.name, name);
	assert_string_equal(plan.refusal, "");
	if (strstr(plan.reason, reason) == NULL)
		fail_msg("'%s' does not say '%s'", plan.reason, reason);
}

static void
what_two_versions_may_have_stays_blue_green(void **state UNUSED)
{
	struct volume_spec volumes[] = { { "data", "/data", true, false, false },
		{ "data", "/data", false, false, true },
		{ "/srv/x", "/x", true, false, false },
		{ "/srv/x", "/x", false, false, true } };
	struct stage_spec spec = stage_with(NULL, "auto");

	gives(&spec, true, "blue-green", "nothing that only one");
	gives(&spec, false, "blue-green", "nothing that only one");
	for (size_t i = 0; i < COUNT(volumes); i++) {
		spec = stage_with(&volumes[i], "auto");
		gives(&spec, true, "blue-green", "nothing that only one");
	}
}

static void
a_volume_of_one_version_stops_the_old_one_first(void **state UNUSED)
{
	struct volume_spec named = { "data", "/var/lib/data", false, false, false };
	struct volume_spec bind = { "/srv/x", "/x", false, false, false };
	struct stage_spec spec = stage_with(&named, "auto");

	gives(&spec, true, "stop-first", "'data' at /var/lib/data");
	/* Nobody can wait where no request comes by. */
	gives(&spec, false, "recreate", "'data' at /var/lib/data");
	spec.domains.count = 0;
	gives(&spec, true, "recreate", "'data' at /var/lib/data");
	spec.tcp_port = 5432;
	gives(&spec, true, "stop-first", "'data' at /var/lib/data");
	spec = stage_with(&bind, "auto");
	gives(&spec, true, "stop-first", "'/srv/x' at /x");
}

static void
what_the_host_has_once_stops_the_old_one_first(void **state UNUSED)
{
	static const char *devices[] = { "/dev/ttyUSB0" };
	struct stage_spec spec = stage_with(NULL, "auto");

	spec.has_host_network = true;
	spec.domains.count = 0;
	gives(&spec, true, "recreate", "'host_network'");
	spec = stage_with(NULL, "auto");
	spec.devices = (struct strings){ devices, 1 };
	gives(&spec, true, "stop-first", "the device '/dev/ttyUSB0'");
}

static void
a_stage_may_insist(void **state UNUSED)
{
	struct volume_spec shared = { "data", "/data", false, false, true };
	struct stage_spec spec = stage_with(&shared, "stop-first");

	gives(&spec, true, "stop-first", "the stage asks for it");
	spec.strategy = "recreate";
	gives(&spec, true, "recreate", "the stage asks for it");
	gives(&spec, false, "recreate", "the stage asks for it");
	spec.strategy = "blue-green";
	gives(&spec, false, "blue-green", "the stage asks for it");
}

static void
refuses(const struct stage_spec *spec, bool is_by_edge, const char *words)
{
	struct strategy_plan plan;

	strategy_plan(spec, is_by_edge, &plan);
	if (strstr(plan.refusal, words) == NULL)
		fail_msg("'%s' does not say '%s'", plan.refusal, words);
}

static void
what_cannot_work_is_refused(void **state UNUSED)
{
	struct volume_spec named = { "data", "/data", false, false, false };
	struct stage_spec spec = stage_with(&named, "blue-green");

	refuses(&spec, true, "blue-green cannot work: 'data' at /data");
	spec.strategy = "stop-first";
	refuses(&spec, false, "use 'recreate'");
	spec.domains.count = 0;
	refuses(&spec, true, "use 'recreate'");
}

/* An app that stops and starts at once has its gate to pass; at most it takes all that it is given. */
static void
the_gap_is_known_before(void **state UNUSED)
{
	struct volume_spec named = { "data", "/data", false, false, false };
	struct stage_spec spec = stage_with(&named, "auto");
	struct strategy_plan plan;

	spec.stop_ms = 7000;
	spec.health.kind = HEALTH_HTTP;
	spec.health.min_uptime_ms = 2500;
	spec.health.deadline_ms = 40000;
	strategy_plan(&spec, true, &plan);
	assert_int_equal(plan.expected_ms, 2500);
	assert_int_equal(plan.most_ms, 47000);
	spec.health.successes = 5;
	spec.health.interval_ms = 1000;
	strategy_plan(&spec, true, &plan);
	assert_int_equal(plan.expected_ms, 4000);
	spec.health.kind = HEALTH_NONE;
	strategy_plan(&spec, true, &plan);
	assert_int_equal(plan.expected_ms, 2500);
	spec.volume_count = 0;
	strategy_plan(&spec, true, &plan);
	assert_int_equal(plan.expected_ms, 0);
	assert_int_equal(plan.most_ms, 0);
}

static void
it_is_told_in_one_line(void **state UNUSED)
{
	struct volume_spec named = { "data", "/data", false, false, false };
	struct stage_spec spec = stage_with(&named, "auto");
	struct strategy_plan plan;
	struct buf text;

	buf_init(&text, 1024);
	strategy_plan(&spec, true, &plan);
	strategy_describe(&plan, &text);
	assert_string_equal(buf_cstr(&text), "stop-first: the old version is stopped before "
					     "the new one starts; requests wait at "
					     "the edge, each for up to 30 s; about 10.0 s, at "
					     "most 70 s; because 'data' at /data "
					     "would be written by two versions at once (if "
					     "both may, say so: ':shared' behind it)");
	buf_free(&text);
}

/* Known before anything is deployed: what is watched, and why nothing is. */
static void
the_window_is_told_before(void **state UNUSED)
{
	struct volume_spec volume = { "data", "/data", false, false, false };
	struct stage_spec spec = stage_with(NULL, "auto");
	struct strategy_plan plan;

	strategy_plan(&spec, true, &plan);
	assert_string_equal(plan.window, "");
	spec.verify.for_ms = 60000;
	strategy_plan(&spec, true, &plan);
	assert_string_equal(
	    plan.window, "1m, by its containers, their health check and its error responses");
	strategy_plan(&spec, false, &plan);
	assert_string_equal(plan.window, "1m, by its containers and their health check; error "
					 "responses are not counted: no "
					 "HTTP requests come by the edge");
	spec.domains.count = 0;
	spec.tcp_port = 5432;
	strategy_plan(&spec, true, &plan);
	assert_non_null(strstr(plan.window, "no HTTP requests come by the edge"));
	spec.tcp_port = 0;
	strategy_plan(&spec, true, &plan);
	assert_non_null(strstr(plan.window, "not counted: it has no route"));
	spec = stage_with(&volume, "auto");
	spec.verify.for_ms = 60000;
	strategy_plan(&spec, true, &plan);
	assert_non_null(strstr(plan.window, "none, in spite of 'verify'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_two_versions_may_have_stays_blue_green),
		cmocka_unit_test(a_volume_of_one_version_stops_the_old_one_first),
		cmocka_unit_test(what_the_host_has_once_stops_the_old_one_first),
		cmocka_unit_test(a_stage_may_insist),
		cmocka_unit_test(what_cannot_work_is_refused),
		cmocka_unit_test(the_gap_is_known_before),
		cmocka_unit_test(it_is_told_in_one_line),
		cmocka_unit_test(the_window_is_told_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
