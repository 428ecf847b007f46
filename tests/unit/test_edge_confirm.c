/* test_edge_confirm.c - who answered: the probe is told, and nobody else is.
 *
 * The one idea: a confirmation is an answer of the new version itself. Nearly all the time goes by while
 * one waits for an answer that does not come. */
#include "edge_bench.h"

static void
test_first_deploy_and_headers(void **state UNUSED)
{
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	assert_int_equal(status_of("app1.test"), 404);
	swap_to(1, 1, 0);
	assert_served_by("app1.test", "one");
	assert_served_by("APP1.test:8080", "one");
	assert_served_by("app1.test.", "one");
	expect(perform(FX_CONFIRM, next_actor, 2, 1, 1, 0), EV_CONFIRMED);

	assert_int_equal(bed_get(http_address.port, "app1.test", "/echo",
			     "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: "
			     "https\r\nX-Forwarded-Host: evil\r\n"
			     "Forwarded: for=6.6.6.6\r\nslipway-probe: guess\r\n",
			     text, sizeof(text)),
	    200);
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-for: 127.0.0.1\r\n"));
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-proto: http\r\n"));
	assert_non_null(strcasestr(bed_body(text), "x-forwarded-host: app1.test\r\n"));
	assert_null(strstr(text, "6.6.6.6"));
	assert_null(strstr(text, "evil"));
	assert_null(strcasestr(text, "slipway-probe")); /* does not reach the backend */
	assert_null(strcasestr(text, "slipway-instance")); /* neither ours nor the backend's */
}

static void
test_the_probe_is_known_by_its_secret(void **state UNUSED)
{
	char secret[64];
	char header[128];
	char text[8192];

	world_deploy(1, 1, 1, one_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	read_file("probe.secret", secret, sizeof(secret));
	assert_int_equal(strlen(secret), 32);
	snprintf(header, sizeof(header), "slipway-probe: %s\r\n", secret);
	assert_int_equal(
	    bed_get(http_address.port, "app1.test", "/echo", header, text, sizeof(text)), 200);
	assert_non_null(strcasestr(text, "slipway-instance: d1r0\r\n"));
	assert_null(strstr(text, secret));
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/", header, text, sizeof(text)), 404);
	assert_non_null(strcasestr(text, "slipway-instance: edge\r\n"));
	assert_int_equal(
	    bed_get(http_address.port, "nobody.test", "/",
		"slipway-probe: 00000000000000000000000000000000\r\n", text, sizeof(text)),
	    404);
	assert_null(strcasestr(text, "slipway-instance"));
}

static void
test_confirm_does_not_take_the_elder_for_the_new(void **state UNUSED)
{
	struct event event;

	world_deploy(1, 1, 1, one_port, 1);
	world_deploy(2, 1, 1, two_port, 1);
	edge_start();
	swap_to(1, 1, 0);
	event = perform(FX_CONFIRM, next_actor, 2, 1, 2, 1);
	expect(event, EV_TROUBLED);
	assert_non_null(strstr(event.text, "d1r0"));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_first_deploy_and_headers, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_the_probe_is_known_by_its_secret, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    test_confirm_does_not_take_the_elder_for_the_new, setup, teardown),
	};

	if (is_keeper(argc, argv))
		return run_as_edge();
	bench_begin(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
