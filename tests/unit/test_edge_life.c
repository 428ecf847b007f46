/* test_edge_life.c - the life of HAProxy and of its keeper.
 *
 * The one idea: whoever starts, ends or is killed, in whatever order, there is one HAProxy in the end,
 * with its routes. */
#include "edge_bench.h"

/* Exits by 0 when the files are written and the secret that this process knows is the one in them. */
static void
begin_as_one_of_several(int start_fd)
{
	struct edge *own = calloc(1, sizeof(*own));
	char secret[64];
	struct err err;
	char byte;

	assert_non_null(own);
	while (read(start_fd, &byte, 1) > 0) {
	}
	if (edge_settings_take(own, &settings, &err) != 0)
		_exit(1);
	edge_pool_grow(own, EDGE_BACKENDS_MIN);
	if (edge_files_write(own, &err) != 0)
		_exit(2);
	read_file("probe.secret", secret, sizeof(secret));
	_exit(strcmp(secret, own->secret) == 0 ? 0 : 3);
}

/* Two services, `slipway serve` and `slipway edge`, on a machine that starts for the first time. */
static void
test_a_server_and_its_edge_may_begin_together(void **state UNUSED)
{
	for (int round = 0; round < 40; round++) {
		pid_t children[4];
		int start[2];
		int status;

		remove_directory();
		assert_int_equal(pipe(start), 0);
		for (size_t i = 0; i < COUNT(children); i++) {
			children[i] = fork();
			if (children[i] == 0) {
				close(start[1]);
				begin_as_one_of_several(start[0]);
			}
		}
		close(start[0]);
		close(start[1]); /* now, all of them */
		for (size_t i = 0; i < COUNT(children); i++) {
			assert_int_equal(waitpid(children[i], &status, 0), children[i]);
			assert_int_equal(status, 0);
		}
	}
}

static void
test_killed_haproxy_comes_back_with_its_routes(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 2);
	world_deploy(2, 1, 1, two_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(1, 2, 1);
	go_live(1, 2);
	for (int i = 0; i < 3; i++) {
		int64_t began_us = clock_mono_us();

		kill(haproxy_pid(), SIGKILL);
		assert_true(wait_until(edge_down, WAIT_MS));
		assert_true(wait_until(edge_up, WAIT_MS));
		print_message("           killed: back after %.0f ms\n",
		    (double)(clock_mono_us() - began_us) / 1000.);
		assert_served_by("app1.test", "two");
	}
}

static void
test_an_effect_under_way_is_troubled_when_haproxy_dies(void **state UNUSED)
{
	struct effect effect = {
		.kind = FX_DRAIN, .actor = 2, .epoch = 1, .stage = 1, .deploy = 2, .elder = 1
	};
	int fd;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	fd = hold();
	swap_to(1, 2, 1);
	answer_count = 0;
	edge_perform(edge, &effect);
	assert_true(wait_until(drain_sees_it, WAIT_MS));
	kill(haproxy_pid(), SIGKILL);
	assert_true(wait_until(has_answer, WAIT_MS));
	expect(answers[0], EV_TROUBLED);
	close(fd);
	/* Asked while it is away, it waits until HAProxy is back. */
	expect(perform(FX_DRAIN, 2, 2, 1, 2, 1), EV_DRAINED);
	assert_served_by("app1.test", "two");
}

static void
test_a_running_edge_is_adopted(void **state UNUSED)
{
	pid_t haproxy;

	stage_count = 1;
	world_deploy(1, 1, 1, one_port, 2);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	haproxy = haproxy_pid();
	keep_child();
	edge_free(edge);
	assert_served_by("app1.test", "one"); /* without us */
	edge_start();
	assert_int_equal(edge->child, 0);
	assert_int_equal(haproxy_pid(), haproxy);
	assert_served_by("app1.test", "one");
	world_deploy(2, 1, 1, two_port, 1);
	swap_to(1, 2, 1);
	assert_served_by("app1.test", "two");
	assert_int_equal(haproxy_pid(), haproxy);
}

static void
test_an_edge_kept_elsewhere_is_waited_for(void **state UNUSED)
{
	struct err err;

	settings.is_kept_elsewhere = true;
	edge_make();
	assert_true(wait_until(has_fault, WAIT_MS));
	assert_non_null(strstr(edge_fault(edge), "slipway edge"));
	assert_int_equal(edge->child, 0);
	assert_false(edge_process_lives(edge));
	assert_int_equal(edge_process_spawn(edge, &err), 0); /* as the other service does */
	keep_child();
	assert_true(wait_until(edge_up, WAIT_MS));
	assert_string_equal(edge_fault(edge), "");
}

static void
test_haproxy_outlives_its_keeper(void **state UNUSED)
{
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	go_live(1, 1);
	kill(edge->child, SIGKILL);
	waitpid(edge->child, NULL, 0);
	keeper_count = 0;
	edge->child = 0;
	assert_true(edge_process_lives(edge));
	assert_served_by("app1.test", "one");
	/* When it dies in the end, the server starts another keeper. */
	kill(haproxy_pid(), SIGKILL);
	assert_true(wait_until(edge_down, WAIT_MS));
	assert_true(wait_until(edge_up, WAIT_MS));
	assert_int_not_equal(edge->child, 0);
	assert_served_by("app1.test", "one");
}

static bool
process_knows(pid_t pid, const char *word)
{
	char path[64];
	char text[65536];
	FILE *file;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	file = fopen(path, "r");
	assert_non_null(file);
	n = fread(text, 1, sizeof(text), file);
	fclose(file);
	return memmem(text, n, word, strlen(word)) != NULL;
}

static void
test_the_environment_holds_no_secret(void **state UNUSED)
{
	setenv("SLIPWAY_TOKEN", "secret-of-the-api", 1);
	setenv("REGISTRY_PASSWORD", "secret-of-a-registry", 1);
	edge_start();
	unsetenv("SLIPWAY_TOKEN");
	unsetenv("REGISTRY_PASSWORD");
	assert_true(process_knows(haproxy_pid(), "PATH="));
	assert_false(process_knows(haproxy_pid(), "secret"));
	assert_true(process_knows(keepers[0], "SLIPWAY_EDGE_TEST_DIRECTORY="));
	assert_false(process_knows(keepers[0], "secret"));
}

static off_t
log_size(const char *name)
{
	char path[128];
	struct stat file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return stat(path, &file) == 0 ? file.st_size : -1;
}

static bool
log_begins_anew(void)
{
	return log_size("edge.log.1") >= EDGE_LOG_MAX && log_size("edge.log") > 0
	       && log_size("edge.log") < EDGE_LOG_MAX;
}

static void
test_its_log_is_bounded(void **state UNUSED)
{
	char path[128];

	edge_start();
	assert_int_equal(log_size("edge.log.1"), -1);
	snprintf(path, sizeof(path), "%s/edge.log", directory);
	for (int turn = 0; turn < 2; turn++) { /* the second takes the place of the first */
		assert_int_equal(truncate(path, EDGE_LOG_MAX + turn), 0);
		kill(haproxy_pid(), SIGKILL);
		assert_true(wait_until(edge_down, WAIT_MS));
		assert_true(wait_until(edge_up, WAIT_MS));
		assert_true(wait_until(log_begins_anew, WAIT_MS));
	}
	assert_true(log_size("edge.log.1") > EDGE_LOG_MAX);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_a_server_and_its_edge_may_begin_together, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_killed_haproxy_comes_back_with_its_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_effect_under_way_is_troubled_when_haproxy_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_running_edge_is_adopted, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_an_edge_kept_elsewhere_is_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_haproxy_outlives_its_keeper, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_environment_holds_no_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(test_its_log_is_bounded, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
