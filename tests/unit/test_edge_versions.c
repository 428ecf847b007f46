/* test_edge_versions.c - versions of a stage that are reached by their tags, each by a route of its own. */
#include "edge_bench.h"

enum { V1 = 101, V2 = 102, DRAIN_MS = 20000, LOOK_MS = 10 /* of a drain, at first */ };

static uint64_t versions[KEPT_MAX + 1]; /* of stage 1 */
static size_t version_count;

static size_t
stage_versions(void *context UNUSED, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1])
{
	if (stage != 1)
		return 0;
	memcpy(ret_deploys, versions, sizeof(versions));
	return version_count;
}

static int left_count;

static void
version_left(void *context UNUSED)
{
	left_count++;
}

static void
version(uint64_t deploy, const char *tag, int port)
{
	world_deploy(deploy, 1, 1, port, 1);
	deploys[deploy].tag = tag;
}

/* What serves comes first. */
static void
are_reached(size_t count, const uint64_t *of)
{
	version_count = count;
	memcpy(versions, of, count * sizeof(*of));
	go_live(1, of[0]);
	edge_sync(edge);
}

static void
begin(void)
{
	static const char *names[] = { "app1.test", "{tag}.app1.test" };

	specs[0].domains = (struct strings){ .items = names, .count = 2 };
	specs[0].max_instances = 3;
	version(V1, "v1", one_port);
	version(V2, "v2", two_port);
	settings.stage_versions = stage_versions;
	settings.version_left = version_left;
	left_count = 0;
	version_count = 0;
	edge_start();
	swap_to(1, V1, 0);
}

static const char *waited_for;
static const char *by;

/* A request of v1's own name is in flight until bed->released. */
static int
hold_by_tag(void)
{
	static const char hold[] = "GET /hold HTTP/1.1\r\nHost: v1.app1.test\r\n\r\n";
	int fd = bed_connect(http_address.port);

	bed_say(fd, hold, sizeof(hold) - 1);
	assert_true(wait_until(has_hold, WAIT_MS));
	return fd;
}

static bool is_doubled; /* two routes had one name at some moment */

static void
look_for_doubles(void)
{
	const struct edge_stage *first = edge_stage_find(edge, V1);
	const struct edge_stage *second = edge_stage_find(edge, V2);

	if (first != NULL && second != NULL && first->domain_count > 0
	    && second->domain_count > 0 && strcmp(first->domains[0], second->domains[0]) == 0)
		is_doubled = true;
}

static bool
is_served_by(void)
{
	char text[4096];
	int status = bed_get(http_address.port, waited_for, "/", "", text, sizeof(text));

	look_for_doubles();
	return by[0] == '\0' ? status == 404
			     : status == 200 && strcmp(bed_body(text), by) == 0;
}

/* by "": the edge does not know that name. */
static void
becomes_served_by(const char *name, const char *who)
{
	waited_for = name;
	by = who;
	if (!wait_until(is_served_by, WAIT_MS))
		fail_msg("%s is not served by '%s': %d", name, who, status_of(name));
}

static void
each_has_a_route_beside_the_stages_own(void **state UNUSED)
{
	begin();
	assert_int_equal(status_of("v1.app1.test"), 404);
	are_reached(1, (uint64_t[]){ V1 });
	becomes_served_by("v1.app1.test", "one");
	swap_to(1, V2, V1);
	assert_served_by("app1.test", "two");
	assert_served_by("v1.app1.test", "one");
	are_reached(2, (uint64_t[]){ V2, V1 });
	becomes_served_by("v2.app1.test", "two");
	assert_served_by("v1.app1.test", "one");
	assert_true(edge_leads_to_version(edge, V1, DRAIN_MS));
}

static bool
is_settled(void)
{
	look_for_doubles();
	return edge_up_and_compared() && edge_stage_find(edge, V2) != NULL
	       && edge_stage_find(edge, V2)->op == NULL
	       && edge_stage_find(edge, V1)->op == NULL;
}

/* Whoever asks again and again for a tag that another deploy has now never finds nobody. */
static void
a_tag_goes_to_another_deploy_without_a_gap(void **state UNUSED)
{
	pid_t load;

	begin();
	is_doubled = false;
	are_reached(1, (uint64_t[]){ V1 });
	becomes_served_by("v1.app1.test", "one");
	load = bed_load(http_address.port, "v1.app1.test", false);
	for (int i = 0; i < 20; i++) {
		uint64_t now = i % 2 == 0 ? V2 : V1;

		deploys[now].tag = "v1";
		swap_to(1, now, now == V1 ? V2 : V1);
		are_reached(1, &now);
		becomes_served_by("v1.app1.test", now == V1 ? "one" : "two");
		assert_true(wait_until(is_settled, WAIT_MS));
	}
	assert_false(is_doubled);
	atomic_store(&bed->stop, 1);
	waitpid(load, NULL, 0);
	assert_true(atomic_load(&bed->requests) > 100);
	if (atomic_load(&bed->failed) != 0)
		fail_msg("%lu requests failed: %s", atomic_load(&bed->failed), bed->why);
}

static bool
is_left_alone(void)
{
	return edge_up_and_compared() && edge_stage_find(edge, V1)->http == NULL;
}

static bool
has_its_name(void)
{
	const struct edge_stage *its = edge_stage_find(edge, V2);

	return edge_up_and_compared() && its != NULL && its->op == NULL
	       && its->domain_count == 1 && edge_stage_find(edge, 1)->domain_count == 1;
}

static bool
is_left(void)
{
	return !edge_leads_to_version(edge, V1, DRAIN_MS);
}

/* Its containers are needed as long as that. */
static void
what_is_in_flight_ends_first(void **state UNUSED)
{
	char text[4096];
	bool is_any;
	int fd;

	begin();
	are_reached(1, (uint64_t[]){ V1 });
	becomes_served_by("v1.app1.test", "one");
	fd = hold_by_tag();
	swap_to(1, V2, V1);
	are_reached(1, (uint64_t[]){ V2 });
	becomes_served_by("v1.app1.test", "");
	assert_true(edge_leads_to_version(edge, V1, DRAIN_MS));
	assert_false(edge_leads_to_version(edge, V1, 0)); /* its time would be over */
	assert_int_equal(left_count, 0);
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &is_any), 200);
	assert_true(wait_until(is_left, WAIT_MS));
	assert_int_equal(left_count, 1);
	close(fd);
}

/* It is told before anything goes live under it. */
static void
nobody_takes_a_name_of_another_stage(void **state UNUSED)
{
	struct event refused;

	begin();
	world_deploy(3, 2, 2, two_port, 1);
	snprintf(domains[1], sizeof(domains[1]), "v2.app1.test");
	expect(perform(FX_SWITCH, ++next_actor, 1, 2, 3, 0), EV_SWITCHED);
	are_reached(2, (uint64_t[]){ V1, V2 });
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("v2.app1.test", "two");
	refused = perform(FX_SWITCH, ++next_actor, 1, 1, V2, V1);
	expect(refused, EV_REFUSED);
	assert_non_null(strstr(refused.text, "v2.app1.test is served by shop/"));
}

/* Its number was made smaller, and the same tag is deployed once more. */
static void
a_stage_takes_the_names_of_its_versions(void **state UNUSED)
{
	begin();
	are_reached(1, (uint64_t[]){ V1 });
	becomes_served_by("v1.app1.test", "one");
	specs[3] = specs[0];
	specs[3].max_instances = 1;
	version(V2, "v1", two_port);
	deploys[V2].spec = 4;
	busy[1] = true;
	swap_to(1, V2, V1);
	assert_served_by("v1.app1.test", "two");
	edge_sync(edge); /* in the middle of it: V1 still counts as live */
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	assert_served_by("v1.app1.test", "two");
	version_count = 0;
	go_live(1, V2);
	edge_sync(edge);
	assert_true(wait_until(is_left_alone, WAIT_MS));
	assert_served_by("v1.app1.test", "two");
}

/* And gives them to it when the number was made larger. */
static void
a_version_takes_its_name_from_the_stage(void **state UNUSED)
{
	pid_t load;

	begin();
	specs[3] = specs[0];
	specs[3].max_instances = 1;
	deploys[V1].spec = 4;
	deploys[V2].tag = "v1";
	swap_to(1, V1, 0);
	go_live(1, V1);
	assert_served_by("v1.app1.test", "one");
	load = bed_load(http_address.port, "v1.app1.test", false);
	swap_to(1, V2, V1);
	assert_served_by("v1.app1.test", "two");
	are_reached(1, (uint64_t[]){ V2 });
	assert_true(wait_until(has_its_name, WAIT_MS));
	assert_served_by("v1.app1.test", "two");
	atomic_store(&bed->stop, 1);
	waitpid(load, NULL, 0);
	if (atomic_load(&bed->failed) != 0)
		fail_msg("%lu requests failed: %s", atomic_load(&bed->failed), bed->why);
}

/* The containers that it lets go are reached by their tag, too. */
static void
a_drain_waits_for_who_comes_by_the_tag(void **state UNUSED)
{
	struct effect drain = { .kind = FX_DRAIN,
		.actor = 5000,
		.epoch = 1,
		.stage = 1,
		.deploy = V2,
		.elder = V1 };
	char text[4096];
	bool is_any;
	int fd;

	begin();
	are_reached(1, (uint64_t[]){ V1 });
	becomes_served_by("v1.app1.test", "one");
	fd = hold_by_tag();
	swap_to(1, V2, V1);
	deploys[V2].tag = "v1";
	are_reached(1, (uint64_t[]){ V2 });
	answer_count = 0;
	edge_perform(edge, &drain);
	becomes_served_by("v1.app1.test", "two");
	assert_false(wait_until(has_answer, 20 * LOOK_MS));
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &is_any), 200);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	close(fd);
}

/* By the names of its servers, and from the store when its files are gone. */
static void
another_process_finds_them(void **state UNUSED)
{
	char before[EDGE_BACKEND_NAME_SIZE];

	begin();
	swap_to(1, V2, V1);
	are_reached(2, (uint64_t[]){ V2, V1 });
	becomes_served_by("v1.app1.test", "one");
	becomes_served_by("v2.app1.test", "two");
	memcpy(before, edge_stage_find(edge, V1)->http->name, sizeof(before));
	edge_free(edge);
	edge_start();
	assert_string_equal(edge_stage_find(edge, V1)->http->name, before);
	assert_non_null(edge_stage_find(edge, V1));
	assert_int_equal(edge_stage_find(edge, V1)->version_of, 1);
	assert_served_by("v1.app1.test", "one");
	assert_served_by("app1.test", "two");
	are_reached(1, (uint64_t[]){ V2 });
	becomes_served_by("v1.app1.test", "");
	assert_served_by("v2.app1.test", "two");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    each_has_a_route_beside_the_stages_own, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_tag_goes_to_another_deploy_without_a_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_in_flight_ends_first, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nobody_takes_a_name_of_another_stage, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_stage_takes_the_names_of_its_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_version_takes_its_name_from_the_stage, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_drain_waits_for_who_comes_by_the_tag, setup, teardown),
		cmocka_unit_test_setup_teardown(another_process_finds_them, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
