/* test_edge_settings.c - what the edge is told to listen on and to start.
 *
 * The one idea: when it cannot be had, a fault names what is in the way, what runs goes on, and once the
 * way is free all is well without a person. Most of the time goes by before a taken address is tried
 * again. */
#include "edge_bench.h"

static void
test_the_configuration_is_valid(void **state UNUSED)
{
	char command[256];

	world_deploy(1, 1, 1, one_port, 3);
	specs[1].tcp_port = bed_free_port();
	world_deploy(2, 2, 2, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	swap_to(2, 2, 0);
	/* -dW: a warning is a failure too. */
	snprintf(command, sizeof(command), "/usr/sbin/haproxy -c -dW -q -f %s/haproxy.cfg",
	    directory);
	assert_int_equal(system(command), 0);
}

static void
test_a_taken_tcp_port_is_refused(void **state UNUSED)
{
	int port = bed_free_port();
	int taken = bed_listen(port);
	struct event event;
	char text[65536];

	specs[0].tcp_port = port;
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	event = perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0);
	expect(event, EV_REFUSED);
	assert_non_null(strstr(event.text, "in use"));
	read_file("haproxy.cfg", text, sizeof(text));
	assert_null(strstr(text, "tcp-"));
	close(taken);
	swap_to(2, 2, 0); /* nobody else suffers */
	assert_served_by("app2.test", "two");
}

static bool
fault_names_port(void)
{
	char text[32];

	snprintf(text, sizeof(text), ":%d]", http_address.port);
	return has_fault() && strstr(edge_fault(edge), text) != NULL;
}

static void
test_a_taken_address_is_named(void **state UNUSED)
{
	int taken = bed_listen(http_address.port);
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	edge_make();
	if (!wait_until(fault_names_port, WAIT_MS))
		fail_msg("the fault does not name the port: %s", edge_fault(edge));
	assert_non_null(strstr(edge_fault(edge), "another program"));
	event = perform(FX_SWITCH, ++next_actor, 1, 1, 1, 0);
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "cannot listen"));
	close(taken);
	assert_true(wait_until(edge_up, WAIT_MS)); /* mended by itself */
	assert_string_equal(edge_fault(edge), "");
	keep_child();
}

/* HAProxy takes 97 characters for a socket. */
static void
test_a_directory_may_be_as_long_as_haproxy_takes(void **state UNUSED)
{
	struct port_host host = { .loop = loop, .fetch = fetch, .answer = answer };
	char longer[sizeof(directory) + 1];
	struct err err;

	assert_int_equal(rmdir(directory), 0);
	for (size_t n = strlen(directory); n < sizeof(directory) - 1; n++)
		memcpy(directory + n, "0", 2);
	assert_int_equal(mkdir(directory, 0700), 0);
	setenv("SLIPWAY_EDGE_TEST_DIRECTORY", directory, 1);
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	assert_served_by("app1.test", "one");
	snprintf(longer, sizeof(longer), "%s0", directory);
	settings.directory = longer;
	assert_null(edge_new(&host, &settings, &err));
	assert_non_null(strstr(err.text, "too long by 1 characters"));
	rmdir(longer);
}

static void
test_a_missing_haproxy_is_named(void **state UNUSED)
{
	struct port_host host = { .loop = loop, .fetch = fetch, .answer = answer };
	struct err err;

	settings.haproxy = "no-such-haproxy";
	assert_null(edge_new(&host, &settings, &err));
	assert_non_null(strstr(err.text, "apt-get install haproxy"));
	settings.haproxy = "/no/such/haproxy";
	assert_null(edge_new(&host, &settings, &err));
	assert_non_null(strstr(err.text, "apt-get install haproxy"));
}

static void
make_certificate(char *certificate, size_t size)
{
	char command[1024];

	snprintf(certificate, size, "%s/test.pem", directory);
	snprintf(command, sizeof(command),
	    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
	    " -nodes -days 2 -subj /CN=app1.test -keyout %s/test.key -out %s/test.crt "
	    "2>/dev/null &&"
	    " cat %s/test.crt %s/test.key > %s",
	    directory, directory, directory, directory, certificate);
	assert_int_equal(system(command), 0);
}

static void
test_https_and_http2(void **state UNUSED)
{
	char command[1024];
	char certificate[128];
	char text[4096];
	FILE *output;
	size_t n;

	make_certificate(certificate, sizeof(certificate));
	settings.http.count = 0; /* the probe goes through the socket then */
	settings.https = (struct addresses){ .items = &https_address, .count = 1 };
	settings.certificates = certificate;
	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);
	for (int version = 1; version <= 2; version++) {
		snprintf(command, sizeof(command),
		    "curl -sk -i --http%s --resolve app1.test:%d:127.0.0.1"
		    " -m 10 https://app1.test:%d/echo",
		    version == 1 ? "1.1" : "2", https_address.port, https_address.port);
		output = popen(command, "r");
		assert_non_null(output);
		n = fread(text, 1, sizeof(text) - 1, output);
		text[n] = '\0';
		assert_int_equal(pclose(output), 0);
		assert_non_null(strstr(text, version == 1 ? "HTTP/1.1 200" : "HTTP/2 200"));
		assert_non_null(strcasestr(text, "x-forwarded-proto: https"));
	}
}

static void
test_other_settings_mend_an_edge_that_cannot_start(void **state UNUSED)
{
	int taken = bed_listen(http_address.port);

	stage_count = 1;
	world_deploy(1, 1, 1, one_port, 1);
	go_live(1, 1);
	edge_make();
	assert_true(wait_until(has_fault, WAIT_MS));
	keep_child();
	edge_free(edge);
	http_address.port = bed_free_port();
	edge_start();
	assert_served_by("app1.test", "one");
	close(taken);
}

static void
test_a_failed_reload_keeps_what_runs(void **state UNUSED)
{
	char certificate[128];
	char aside[128];
	char text[65536];
	struct event event;
	pid_t haproxy;

	make_certificate(certificate, sizeof(certificate));
	settings.https = (struct addresses){ .items = &https_address, .count = 1 };
	settings.certificates = certificate;
	specs[1].tcp_port = bed_free_port();
	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 2, 2, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	haproxy = haproxy_pid();
	snprintf(aside, sizeof(aside), "%s.aside", certificate);
	assert_int_equal(rename(certificate, aside), 0);
	event = perform(FX_SWITCH, ++next_actor, 1, 2, 2, 0); /* its TCP port needs a reload */
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "test.pem"));
	assert_int_equal(haproxy_pid(), haproxy);
	assert_served_by("app1.test", "one");
	read_file("haproxy.cfg", text, sizeof(text));
	assert_null(strstr(text, "tcp-"));
	assert_int_equal(rename(aside, certificate), 0);
	edge->reload_after_us = 0;
	swap_to(2, 2, 0);
	assert_served_by("app2.test", "two");
}

static void
test_changed_settings_reload_a_running_edge(void **state UNUSED)
{
	int before = http_address.port;
	char text[1024];

	world_deploy(1, 1, 1, one_port, 1);
	go_live(1, 1);
	edge_start();
	keep_child();
	edge_free(edge);
	http_address.port = bed_free_port();
	edge_start();
	assert_served_by("app1.test", "one");
	assert_int_equal(bed_get(before, "app1.test", "/", "", text, sizeof(text)), -1);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_the_configuration_is_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_taken_tcp_port_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_taken_address_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_missing_haproxy_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_directory_may_be_as_long_as_haproxy_takes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_https_and_http2, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_other_settings_mend_an_edge_that_cannot_start, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_a_failed_reload_keeps_what_runs, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_changed_settings_reload_a_running_edge, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
