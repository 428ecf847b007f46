/* test_edge_routes.c - where the names of the stages lead.
 *
 * The one idea: a route follows what is asked, a swap or a restore, and between two of them what the
 * store says; a client that asks HAProxy for the name sees it, and many at once lose nothing. */
#include "edge_bench.h"

enum { SWAPS = 200 };

static pid_t load[16];
static size_t load_count;

static void
load_start(int keep_count, int fresh_count)
{
	bed_load_reset();
	load_count = 0;
	for (int i = 0; i < keep_count + fresh_count; i++)
		load[load_count++] = bed_load(http_address.port, "app1.test", i < keep_count);
}

static bool
load_runs(void)
{
	return atomic_load(&bed->requests) > 100;
}

static void
load_stop(const char *what)
{
	atomic_store(&bed->stop, 1);
	for (size_t i = 0; i < load_count; i++)
		waitpid(load[i], NULL, 0);
	load_count = 0;
	print_message(
	    "           %s: %lu requests, %lu failed, %lu asked again on a new connection\n",
	    what, atomic_load(&bed->requests), atomic_load(&bed->failed),
	    atomic_load(&bed->stale));
	if (atomic_load(&bed->failed) != 0)
		fail_msg("%lu requests failed: %s", atomic_load(&bed->failed), bed->why);
}

static void
test_comes_up_without_routes(void **state UNUSED)
{
	char text[4096];
	struct stat info;

	edge_start();
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/", "", text, sizeof(text)), 404);
	assert_null(strcasestr(text, "haproxy"));
	assert_null(strcasestr(text, "server:"));
	assert_null(strcasestr(text, "slipway"));
	assert_int_equal(stat(directory, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0700);
	assert_string_equal(edge_fault(edge), "");
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void
test_swaps_under_load_lose_nothing(void **state UNUSED)
{
	static double ms[SWAPS];
	static double whole[SWAPS];
	uint64_t elder = 1;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	load_start(6, 3);
	assert_true(wait_until(load_runs, WAIT_MS));
	for (size_t i = 0; i < SWAPS; i++) {
		uint64_t deploy = 2 + i;
		int64_t began_us = clock_mono_us();

		busy[1] = true;
		world_deploy(deploy, 1, 1, i % 2 == 0 ? two_port : one_port, 1 + i % 3);
		swap_to(1, deploy, elder);
		ms[i] = (double)(clock_mono_us() - began_us) / 1000.;
		expect(perform(FX_CONFIRM, next_actor, 2, 1, deploy, elder), EV_CONFIRMED);
		go_live(1, deploy);
		expect(perform(FX_DRAIN, deploy, 1, 1, deploy, elder), EV_DRAINED);
		assert_int_equal(answers[0].count, 0);
		whole[i] = (double)(clock_mono_us() - began_us) / 1000.;
		deploys[elder].count = 0;
		elder = deploy;
	}
	qsort(ms, SWAPS, sizeof(ms[0]), compare_doubles);
	qsort(whole, SWAPS, sizeof(whole[0]), compare_doubles);
	print_message(
	    "           %d swaps: switch %.2f ms median, %.2f p95, %.2f most; with confirm and"
	    " drain %.1f median, %.1f most\n",
	    SWAPS, ms[SWAPS / 2], ms[SWAPS * 95 / 100], ms[SWAPS - 1], whole[SWAPS / 2],
	    whole[SWAPS - 1]);
	load_stop("swaps");
	assert_tidied(elder, deploys[elder].count);
}

static void
test_restore_leads_back_and_forgets_the_new(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 1, 1, two_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, next_actor, 3, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	/* Asked again it is the same answer: what is done stays done. */
	expect(perform(FX_RESTORE, next_actor, 4, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	assert_tidied(1, 2);
}

static void
test_restore_of_a_first_deploy_takes_the_route_away(void **state UNUSED)
{
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	assert_served_by("app1.test", "one");
	expect(perform(FX_RESTORE, next_actor, 2, 1, 1, 0), EV_RESTORED);
	assert_int_equal(status_of("app1.test"), 404);
	read_file("hosts.map", text, sizeof(text));
	assert_string_equal(text, "");
	/* The backend is free again for another stage. */
	world_deploy(2, 2, 2, two_port, 1);
	swap_to(2, 2, 0);
	assert_served_by("app2.test", "two");
}

static void
test_switch_is_idempotent_and_fenced(void **state UNUSED)
{
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	expect(perform(FX_SWITCH, 50, 1, 1, 1, 0), EV_SWITCHED);
	expect(perform(FX_SWITCH, 50, 2, 1, 1, 0), EV_SWITCHED);
	expect(perform(FX_SWITCH, 60, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 60, 1, 1, 2, 1), EV_SWITCHED); /* the same once more */
	event = perform(FX_SWITCH, 50, 3, 1, 1, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "overtaken"));
	expect(perform(FX_RESTORE, 60, 0, 1, 2, 1), EV_REFUSED);
	assert_served_by("app1.test", "two");
}

static void
test_a_domain_of_another_stage_is_refused(void **state UNUSED)
{
	struct event event;

	domain_lists[1][0] = domains[0]; /* stage 2 wants the domain of stage 1 */
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	event = perform(FX_SWITCH, ++next_actor, 1, 2, 2, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "app1.test"));
	assert_non_null(strstr(event.text, "shop/app1.test"));
	assert_served_by("app1.test", "one");
}

/* Stage 1 gives its domain up, stage 2 takes it, and then stage 1's new version fails: whoever waits for
 * the restore waits for ever unless it ends. */
static void
test_a_restore_ends_when_the_domain_has_gone_to_another(void **state UNUSED)
{
	static const char *both[] = { "app1.test", "app9.test" };

	specs[0].domains = (struct strings){ .items = both, .count = 2 };
	domain_lists[1][0] = domains[0]; /* stage 2 wants a domain of stage 1 */
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1); /* revision 3 has app3.test only */
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 2001, 1, 2, 3, 0), EV_SWITCHED);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, 2000, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "two");
	assert_served_by("app9.test", "one");
	assert_int_equal(status_of("app3.test"), 404);
}

static void
test_domains_follow_the_revision(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1); /* revision 3 has app3.test only */
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	assert_served_by("app3.test", "two");
	assert_int_equal(status_of("app1.test"), 404);
	expect(perform(FX_RESTORE, next_actor, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	assert_int_equal(status_of("app3.test"), 404);
}

static void
test_nothing_to_lead_to_is_refused(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	snprintf(deploys[1].instances[0].address, sizeof(deploys[1].instances[0].address),
	    "127.0.0.1:80 state ready");
	edge_start();
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0), EV_REFUSED);
	deploys[1].count = 0;
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0), EV_REFUSED);
	expect(perform(FX_SWITCH, ++next_actor, 1, 1, 77, 0), EV_REFUSED);
}

static bool
leads_to_one_again(void)
{
	char text[4096];

	return bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)) == 200
	       && strcmp(bed_body(text), "one") == 0;
}

/* And when the other stage gives it up again, it goes back at once, not with the next sweep. */
static void
test_a_name_that_is_given_up_goes_back(void **state UNUSED)
{
	static const char *both[] = { "app1.test", "app9.test" };

	specs[0].domains = (struct strings){ .items = both, .count = 2 };
	domain_lists[1][0] = domains[0];
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_SWITCH, 2001, 1, 2, 3, 0), EV_SWITCHED);
	expect(perform(FX_RESTORE, 2000, 2, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "two");
	expect(perform(FX_RESTORE, 2001, 2, 2, 3, 0), EV_RESTORED);
	assert_true(wait_until(leads_to_one_again, WAIT_MS));
}

static bool
is_taken_away(void)
{
	return status_of("app1.test") == 404;
}

/* The same found by a comparison: a route that its stage has no use for. */
static void
test_a_route_that_nobody_wants_is_taken_away(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	specs[2].domains.count = 0;
	go_live(1, 2);
	edge_sync(edge);
	assert_true(wait_until(is_taken_away, WAIT_MS));
}

static void
test_growth_reloads_without_loss(void **state UNUSED)
{
	uint64_t last = EDGE_BACKENDS_MIN + 4;
	pid_t before;

	stage_count = last;
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	before = haproxy_pid();
	load_start(4, 3);
	assert_true(wait_until(load_runs, WAIT_MS));
	for (uint64_t stage = 2; stage <= last; stage++) {
		world_deploy(stage, stage, stage, two_port, 1);
		swap_to(stage, stage, 0);
		go_live(stage, stage);
	}
	load_stop("growth");
	assert_int_not_equal(haproxy_pid(), before);
	assert_served_by("app1.test", "one");
	assert_served_by(domains[last - 1], "two");
	assert_int_equal(edge->pool_count, EDGE_BACKENDS_MIN * 2);
}

static void
test_routes_come_from_the_store_when_the_files_are_gone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 2, 2, two_port, 1);
	go_live(1, 1);
	go_live(2, 2);
	edge_make();
	assert_true(wait_until(edge_up, WAIT_MS));
	keep_child();
	assert_served_by("app1.test", "one");
	assert_served_by("app2.test", "two");
}

static bool
first_is_back(void)
{
	return status_of("app1.test") == 200;
}

static bool
second_is_gone(void)
{
	return status_of("app2.test") == 404;
}

static void
test_drift_is_mended(void **state UNUSED)
{
	char command[256];
	char text[4096];

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(2, 2, 0);
	go_live(1, 1);
	go_live(2, 2);
	snprintf(command, sizeof(command),
	    "del map %s/hosts.map app1.test; set server b0/d1r0 state maint", directory);
	haproxy_say(command, text, sizeof(text));
	assert_int_equal(status_of("app1.test"), 404);
	busy[2] =
	    true; /* its route leads to the live deploy only: looked after all the same */
	edge_sync(edge);
	assert_true(wait_until(first_is_back, WAIT_MS));
	busy[2] = false;
	live[2] = 0; /* its deploy is not live any more */
	edge_sync(edge);
	assert_true(wait_until(second_is_gone, WAIT_MS));
	assert_served_by("app1.test", "one");
}

static void
test_a_name_that_is_none_is_not_taken(void **state UNUSED)
{
	const struct edge_stage *stage;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	edge_take_map(edge, STR("0x1 app1.test b0\n0x2 a\x01p1.test b0\n0x3 a;p1.test b0\n"
				"0x4 \xff\xfep1.test b0\n0x5 a\\p1.test b0\n"));
	stage = edge_stage_find(edge, 1);
	assert_int_equal(stage->domain_count, 1);
	assert_string_equal(stage->domains[0], "app1.test");
}

static bool
leads_to_two(void)
{
	char text[4096];

	return bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)) == 200
	       && strcmp(bed_body(text), "two") == 0;
}

static void
test_a_changed_address_is_followed(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	world_deploy(1, 1, 1, two_port, 1);
	edge_sync(edge);
	assert_true(wait_until(leads_to_two, WAIT_MS));
}

static bool
leads_nowhere(void)
{
	return status_of("app1.test") == 503;
}

static void
test_a_container_that_restarts_is_waited_for(void **state UNUSED)
{
	struct instance *instance = &deploys[1].instances[0];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	snprintf(instance->status, sizeof(instance->status), "restarting");
	instance->since_ms = clock_wall_ms();
	edge_sync(edge);
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("app1.test", "one");
	instance->since_ms -= 60000; /* nobody says so again, but its time is over */
	assert_true(wait_until(leads_nowhere, WAIT_MS));
	snprintf(instance->status, sizeof(instance->status), "running");
	edge_sync(edge);
	assert_true(wait_until(first_is_back, WAIT_MS));
}

static bool
first_serves_alone(void)
{
	return edge_up_and_compared() && edge_stage_find(edge, 1)->op == NULL
	       && strcmp(edge_stage_find(edge, 1)->http->servers[0].name, "d1r0") == 0
	       && edge_stage_find(edge, 1)->http->server_count == 1;
}

static void
say_status(int replica, const char *status)
{
	struct instance *instance = &deploys[1].instances[replica];

	snprintf(instance->status, sizeof(instance->status), "%s", status);
	edge_sync(edge);
}

/* It keeps its address, so nobody else can answer; but another replica answers sooner. */
static void
test_a_paused_container_keeps_its_route_when_alone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	say_status(1, "paused");
	assert_true(wait_until(first_serves_alone, WAIT_MS));
	say_status(0, "paused");
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("app1.test", "one");
	expect(perform(FX_RESTORE, next_actor, 3, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
}

static void
test_a_busy_stage_is_left_alone(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	busy[1] = true;
	swap_to(1, 2, 1); /* not live yet */
	edge_sync(edge);
	assert_false(wait_until(edge_down, 200));
	assert_served_by("app1.test", "two");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_comes_up_without_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_swaps_under_load_lose_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_restore_leads_back_and_forgets_the_new, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_restore_of_a_first_deploy_takes_the_route_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_switch_is_idempotent_and_fenced, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_domain_of_another_stage_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_restore_ends_when_the_domain_has_gone_to_another, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_name_that_is_given_up_goes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_route_that_nobody_wants_is_taken_away, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_domains_follow_the_revision, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nothing_to_lead_to_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_growth_reloads_without_loss, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_routes_come_from_the_store_when_the_files_are_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_drift_is_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_name_that_is_none_is_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_changed_address_is_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_container_that_restarts_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_paused_container_keeps_its_route_when_alone, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_busy_stage_is_left_alone, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
