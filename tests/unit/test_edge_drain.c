/* test_edge_drain.c - what is in flight while a route moves.
 *
 * The one idea: a request, a tunnel or a connection begins at one version, the route goes to another or
 * away, and it ends where it began: a drain waits for it until its time is over. */
#include "edge_bench.h"

/* The domain of a stage was taken away: its next version takes the route away as it would take it over,
 * so that the old one still ends only when nobody needs it. Then the domain is free for others. */
static void
test_a_revision_without_a_route_takes_it_away(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	char text[1024];
	bool any;
	int fd;

	specs[2].domains.count = 0;
	domain_lists[1][0] = domains[0];
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 3, two_port, 1);
	deploys[2].instances[0].address[0] = '\0'; /* nobody has to reach it */
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_CONFIRM, 2000, 2, 1, 2, 1), EV_CONFIRMED);
	assert_int_equal(status_of("app1.test"), 404);
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_false(wait_until(has_answer, 300)); /* not while it is in flight */
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 200);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	close(fd);
	swap_to(2, 3, 0);
	assert_served_by("app1.test", "two");
}

static bool
is_stopped(void)
{
	return status_of("app1.test") == 503;
}

/* Its name stays: visitors are told that nobody serves, and not that there is no such host. HAProxy has forgotten
 * nothing of that when it comes back, and a restore leads to what served. */
static void
test_a_stop_leads_to_nobody(void **state UNUSED)
{
	stage_count = 1;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, one_port, 0);
	deploys[2].is_stop = true;
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_SWITCH, 2000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_CONFIRM, 2000, 2, 1, 2, 1), EV_CONFIRMED);
	assert_int_equal(status_of("app1.test"), 503);
	expect(perform(FX_RESTORE, 2000, 3, 1, 2, 1), EV_RESTORED);
	assert_served_by("app1.test", "one");
	expect(perform(FX_SWITCH, 3000, 1, 1, 2, 1), EV_SWITCHED);
	expect(perform(FX_DRAIN, 2, 1, 1, 2, 1), EV_DRAINED);
	live[1] = 2;
	keep_child();
	edge_free(edge);
	assert_int_equal(status_of("app1.test"), 503); /* without us */
	edge_make();
	for (int i = 0; i < 200 || !edge_up_and_compared(); i++) {
		loop_turn(loop, false);
		assert_true(is_stopped()); /* all the time */
	}
	assert_int_equal(edge->child, 0);
	keep_child();
	kill(haproxy_pid(), SIGKILL);
	assert_true(wait_until(edge_down, WAIT_MS));
	assert_true(wait_until(edge_up, WAIT_MS));
	assert_true(is_stopped());
	assert_true(wait_until(edge_up_and_compared, WAIT_MS));
	world_deploy(3, 1, 1, two_port, 1);
	swap_to(1, 3, 0);
	assert_served_by("app1.test", "two");
}

static void
test_drain_waits_for_a_request_in_flight(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	char text[1024];
	bool any;
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_true(wait_until(drain_sees_it, WAIT_MS));
	assert_false(wait_until(has_answer, 300)); /* not while it is in flight */
	atomic_store(&bed->released, 1);
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 200);
	assert_string_equal(bed_body(text), "one");
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	assert_int_equal(answers[0].count, 0);
	close(fd);
	assert_tidied(2, 1);
}

static void
test_drain_cuts_when_the_time_is_over(void **state UNUSED)
{
	char text[1024];
	bool any;
	int fd;

	specs[0].drain_ms = 300;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	expect(perform(FX_DRAIN, 2, 1, 1, 2, 1), EV_DRAINED);
	assert_int_equal(answers[0].count, 1);
	assert_int_not_equal(bed_read(fd, text, sizeof(text), &any), 200);
	close(fd);
}

static int
tunnel(void)
{
	static const char request[] =
	    "GET /ws HTTP/1.1\r\nHost: app1.test\r\nConnection: Upgrade\r\n"
	    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
	int fd = bed_connect(http_address.port);
	char text[1024];
	bool any;

	assert_true(bed_say(fd, request, sizeof(request) - 1));
	assert_int_equal(bed_read(fd, text, sizeof(text), &any), 101);
	return fd;
}

static void
assert_echo(int fd, const char *wanted)
{
	char text[64];
	ssize_t n;

	assert_true(bed_say(fd, "hello", 5));
	n = recv(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_string_equal(text, wanted);
}

static void
test_a_websocket_survives_the_swap(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = tunnel();
	assert_echo(fd, "one:hello");
	swap_to(1, 2, 1);
	assert_echo(fd, "one:hello");
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_false(wait_until(has_answer, 200));
	assert_echo(fd, "one:hello");
	close(fd);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
}

static void
test_a_refused_connection_is_tried_again(void **state UNUSED)
{
	char text[4096];

	world_deploy(1, 1, 1, one_port, 2);
	snprintf(deploys[1].instances[1].address, sizeof(deploys[1].instances[1].address),
	    "127.0.0.1:%d", bed_free_port()); /* nobody listens */
	edge_start();
	swap_to(1, 1, 0);
	for (int i = 0; i < 20; i++)
		assert_served_by("app1.test", "one");
	/* The only one is away for a moment: the request waits. */
	world_deploy(2, 1, 1, one_port, 1);
	swap_to(1, 2, 1);
	bed_kill(one);
	one = bed_fork();
	if (one == 0) {
		int listener;

		usleep(700000);
		listener = bed_listen(one_port);
		bed_serve(listener, "one", false);
	}
	assert_int_equal(
	    bed_get(http_address.port, "app1.test", "/", "", text, sizeof(text)), 200);
}

static bool
is_mended(void)
{
	return edge_up_and_compared() && edge_stage_find(edge, 1)->op == NULL;
}

/* A request that waits for a container that is gone must not reach the next one at its address. */
static void
test_nobody_waits_for_a_container_that_is_gone(void **state UNUSED)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: app1.test\r\n\r\n";
	char text[4096];
	bool is_any;
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	bed_kill(one);
	fd = bed_connect(http_address.port);
	assert_true(fd >= 0 && bed_say(fd, request, sizeof(request) - 1));
	haproxy_say("show info", text, sizeof(text)); /* it has the request by now */
	snprintf(
	    deploys[1].instances[0].status, sizeof(deploys[1].instances[0].status), "exited");
	edge_sync(edge);
	assert_true(wait_until(is_mended, WAIT_MS));
	one = bed_backend(one_port, "other", false);
	assert_int_not_equal(bed_read(fd, text, sizeof(text), &is_any), 200);
	close(fd);
}

static void
tcp_assert(int port, const char *wanted)
{
	int fd = bed_connect(port);

	assert_true(fd >= 0);
	assert_echo(fd, wanted);
	close(fd);
}

static void
test_a_tcp_route(void **state UNUSED)
{
	int raw_one_port = bed_free_port();
	int raw_two_port = bed_free_port();
	pid_t raw_one = bed_backend(raw_one_port, "one", true);
	pid_t raw_two = bed_backend(raw_two_port, "two", true);
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int port = bed_free_port();
	int fd;

	specs[0].domains.count = 0;
	specs[0].tcp_port = port;
	world_deploy(1, 1, 1, raw_one_port, 1);
	world_deploy(2, 1, 1, raw_two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);
	tcp_assert(port, "one:hello");
	fd = bed_connect(port);
	assert_echo(fd, "one:hello");
	swap_to(1, 2, 1);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 2, 1), EV_CONFIRMED);
	tcp_assert(port, "two:hello");
	assert_echo(fd, "one:hello");
	/* A reload in between: the old worker still has the connection, and the drain knows. */
	specs[1].tcp_port = bed_free_port();
	world_deploy(3, 2, 2, raw_two_port, 1);
	swap_to(2, 3, 0);
	assert_echo(fd, "one:hello");
	answer_count = 0;
	edge_perform(edge, &effect);
	if (wait_until(has_answer, 300))
		fail_msg("%s: %s", event_names[answers[0].kind], answers[0].text);
	assert_echo(fd, "one:hello");
	close(fd);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_DRAINED);
	bed_kill(raw_one);
	bed_kill(raw_two);
}

static void
test_an_old_worker_is_cut_in_the_end(void **state UNUSED)
{
	int fd;

	specs[0].drain_ms = 400;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	specs[1].tcp_port = bed_free_port();
	world_deploy(3, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = tunnel();
	swap_to(1, 2, 1);
	swap_to(2, 3, 0); /* reloads */
	assert_echo(fd, "one:hello");
	expect(perform(FX_DRAIN, 2, 1, 1, 2, 1), EV_DRAINED);
	assert_int_equal(answers[0].count, 1);
	assert_int_equal(recv(fd, &(char){ 0 }, 1, 0), 0);
	close(fd);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_revision_without_a_route_takes_it_away, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_stop_leads_to_nobody, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_drain_waits_for_a_request_in_flight, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_drain_cuts_when_the_time_is_over, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_websocket_survives_the_swap, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_refused_connection_is_tried_again, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_nobody_waits_for_a_container_that_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_tcp_route, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_old_worker_is_cut_in_the_end, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
