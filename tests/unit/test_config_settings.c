/* test_config_settings.c - the environment: defaults, every type, NAME_FILE, faults, what is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/report.h"
#include "config/settings_table.h"

enum { TEXT_MAX = 1 << 20 };

#define TOKEN "0123456789abcdef0123"

/* Loads from the variables given; the list ends with NULL. */
#define LOAD(...) settings_load((char *const *)(uintptr_t)(const char *const[]){ __VA_ARGS__ })

static struct settings *
good(struct settings *settings)
{
	if (settings->faults.count > 0)
		fail_msg("%s", settings->faults.items[0].text);
	return settings;
}

/* Exactly this fault. Frees the settings. */
static void
expect_fault(struct settings *settings, const char *words)
{
	assert_int_equal(settings->faults.count, 1);
	if (strstr(settings->faults.items[0].text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, settings->faults.items[0].text);
	settings_free(settings);
}

static void
defaults_hold_in_an_empty_environment(void **state UNUSED)
{
	struct settings *s = good(LOAD("PATH=/bin", "SLIPWAY_TOKEN=", NULL));

	assert_string_equal(s->listen.text, "127.0.0.1:8080");
	assert_string_equal(s->listen.host, "127.0.0.1");
	assert_int_equal(s->listen.port, 8080);
	assert_string_equal(s->data, "/var/lib/slipway");
	assert_string_equal(s->config, "");
	assert_string_equal(s->token, "");
	assert_string_equal(s->url, "http://127.0.0.1:8080");
	assert_int_equal(s->log_level, LOG_INFO);
	assert_int_equal(s->log_format, LOG_FORMAT_AUTO);
	assert_true(s->is_edge_on);
	assert_true(s->starts_edge);
	assert_int_equal(s->edge_http.count, 1);
	assert_string_equal(s->edge_http.items[0].host, "0.0.0.0");
	assert_int_equal(s->edge_http.items[0].port, 80);
	assert_int_equal(s->edge_https.count, 0);
	assert_string_equal(s->edge_certificates, "");
	assert_string_equal(s->haproxy, "haproxy");
	assert_int_equal(s->shutdown_drain_timeout_ms, 300000);
	assert_int_equal(s->sweep_interval_ms, 30000);
	assert_false(s->allows_docker_socket);
	assert_int_equal(s->rules.taken_port_count, 2);
	settings_free(s);
	settings_free(NULL);
}

static void
every_setting_can_be_given(void **state UNUSED)
{
	struct settings *s = good(LOAD("SLIPWAY_LISTEN=[::1]:9000", "SLIPWAY_DATA=/d",
	    "SLIPWAY_CONFIG=/c.yml", "SLIPWAY_TOKEN=" TOKEN, "SLIPWAY_URL=https://x.y/z/",
	    "SLIPWAY_LOG_LEVEL=debug", "SLIPWAY_LOG_FORMAT=text", "SLIPWAY_EDGE=yes",
	    "SLIPWAY_EDGE_START=no", "SLIPWAY_EDGE_HTTP=127.0.0.1:80, [::]:81",
	    "SLIPWAY_EDGE_HTTPS=0.0.0.0:443", "SLIPWAY_EDGE_CERTIFICATES=/certs",
	    "SLIPWAY_HAPROXY=/usr/sbin/haproxy", "SLIPWAY_SHUTDOWN_DRAIN_TIMEOUT=1m30s",
	    "SLIPWAY_SWEEP_INTERVAL=5s", "SLIPWAY_KEEP_DEPLOYS=10", "SLIPWAY_KEEP_DAYS=0",
	    "SLIPWAY_KEEP_ROLLBACKS=100", "SLIPWAY_ALLOW_DOCKER_SOCKET=1", NULL));

	assert_string_equal(s->listen.host, "::1");
	assert_int_equal(s->listen.port, 9000);
	assert_string_equal(s->data, "/d");
	assert_string_equal(s->config, "/c.yml");
	assert_string_equal(s->token, TOKEN);
	assert_string_equal(s->url, "https://x.y/z");
	assert_int_equal(s->log_level, LOG_DEBUG);
	assert_int_equal(s->log_format, LOG_FORMAT_TEXT);
	assert_int_equal(s->edge_http.count, 2);
	assert_false(s->starts_edge);
	assert_string_equal(s->edge_http.items[1].text, "[::]:81");
	assert_int_equal(s->edge_https.items[0].port, 443);
	assert_string_equal(s->edge_certificates, "/certs");
	assert_string_equal(s->haproxy, "/usr/sbin/haproxy");
	assert_int_equal(s->shutdown_drain_timeout_ms, 90000);
	assert_int_equal(s->sweep_interval_ms, 5000);
	assert_int_equal(s->keep.deploys, 10);
	assert_int_equal(s->keep.days, 0);
	assert_int_equal(s->keep.rollbacks, 100);
	assert_true(s->rules.allows_docker_socket);
	assert_int_equal(s->rules.taken_port_count, 4);
	assert_int_equal(s->rules.taken_ports[3], 443);
	settings_free(s);
	s = good(LOAD("SLIPWAY_EDGE=off", "SLIPWAY_EDGE_HTTP=none", NULL));
	assert_false(s->is_edge_on);
	assert_int_equal(s->edge_http.count, 0);
	assert_int_equal(s->rules.taken_port_count, 1);
	settings_free(s);
}

static void
bad_values_are_refused_with_the_remedy(void **state UNUSED)
{
	expect_fault(LOAD("SLIPWAY_LISTEN=8080", NULL), "must be an IP address and a port");
	expect_fault(
	    LOAD("SLIPWAY_LISTEN=localhost:80", NULL), "must be an IP address and a port");
	expect_fault(
	    LOAD("SLIPWAY_LISTEN=1.2.3.4:0", NULL), "must be an IP address and a port");
	expect_fault(
	    LOAD("SLIPWAY_LISTEN=1.2.3.4:65536", NULL), "must be an IP address and a port");
	expect_fault(LOAD("SLIPWAY_LISTEN=[::1]", NULL), "must be an IP address and a port");
	expect_fault(
	    LOAD("SLIPWAY_LISTEN=[1.2.3.4]:80", NULL), "must be an IP address and a port");
	expect_fault(LOAD("SLIPWAY_EDGE_HTTP=0.0.0.0:80,", NULL), "with ports and commas");
	expect_fault(
	    LOAD("SLIPWAY_EDGE_HTTP=1.2.3.4:1,,1.2.3.4:2", NULL), "with ports and commas");
	expect_fault(LOAD("SLIPWAY_EDGE_HTTP=127.0.0.1:8080", NULL), "is given twice");
	expect_fault(
	    LOAD("SLIPWAY_EDGE_HTTPS=0.0.0.0:443", NULL), "needs SLIPWAY_EDGE_CERTIFICATES");
	expect_fault(LOAD("SLIPWAY_EDGE=maybe", NULL), "must be on or off");
	expect_fault(LOAD("SLIPWAY_LOG_LEVEL=loud", NULL), "one of debug, info, warn, error");
	expect_fault(LOAD("SLIPWAY_LOG_FORMAT=xml", NULL), "one of auto, json, text");
	expect_fault(LOAD("SLIPWAY_SWEEP_INTERVAL=30", NULL), "a duration from 1s to 1h");
	expect_fault(LOAD("SLIPWAY_SWEEP_INTERVAL=2h", NULL), "a duration from 1s to 1h");
	expect_fault(LOAD("SLIPWAY_KEEP_DEPLOYS=9", NULL), "a whole number from 10 to 10000");
	expect_fault(LOAD("SLIPWAY_KEEP_DAYS=30d", NULL), "a whole number from 0 to 36500");
	expect_fault(LOAD("SLIPWAY_KEEP_ROLLBACKS=101", NULL), "a whole number from 1 to 100");
	expect_fault(LOAD("SLIPWAY_URL=ftp://x", NULL), "must begin with http://");
	expect_fault(LOAD("SLIPWAY_URL=http://u:p@x", NULL), "must be a plain URL");
	expect_fault(LOAD("SLIPWAY_DATA=/a\nb", NULL), "one line without control characters");
}

static void
unknown_names_are_told_with_the_nearest(void **state UNUSED)
{
	expect_fault(
	    LOAD("SLIPWAY_LISTN=1", NULL), "SLIPWAY_LISTN: did you mean SLIPWAY_LISTEN?");
	expect_fault(LOAD("SLIPWAY_TOKN_FILE=/a", NULL), "did you mean SLIPWAY_TOKEN_FILE?");
	expect_fault(
	    LOAD("SLIPWAY_SHUTDOWN_TIMEOUT_DRAIN_X_FILE=/a", NULL), "unknown setting");
	expect_fault(LOAD("SLIPWAY_QQQQQQQQQQQQ=1", NULL), "no variable of that name is read");
	expect_fault(LOAD("SLIPWAY_PORT=80", NULL), "unknown setting SLIPWAY_PORT");
}

/* A Service named slipway or slipway-edge sets these in every pod of its namespace. */
static void
what_kubernetes_sets_is_passed_over(void **state UNUSED)
{
	settings_free(good(LOAD("SLIPWAY_SERVICE_HOST=10.0.0.1", "SLIPWAY_SERVICE_PORT=80",
	    "SLIPWAY_SERVICE_PORT_HTTP=80", "SLIPWAY_PORT=tcp://10.0.0.1:80",
	    "SLIPWAY_PORT_80_TCP=tcp://10.0.0.1:80", "SLIPWAY_PORT_80_TCP_ADDR=10.0.0.1",
	    "SLIPWAY_EDGE_PORT_443_TCP_PROTO=tcp", "SLIPWAY_EDGE_SERVICE_HOST=10.0.0.2",
	    NULL)));
}

static void
what_a_container_is_told_is_passed_over(void **state UNUSED)
{
	settings_free(good(LOAD("SLIPWAY_PROJECT=ops", "SLIPWAY_STAGE=production",
	    "SLIPWAY_TAG=v1", "SLIPWAY_DEPLOY=7", "SLIPWAY_INSTANCE=0", NULL)));
	expect_fault(LOAD("SLIPWAY_STAGES=1", NULL), "unknown setting SLIPWAY_STAGES");
}

static void
all_faults_come_at_once(void **state UNUSED)
{
	struct settings *s = LOAD("SLIPWAY_LISTEN=x", "SLIPWAY_EDGE=x", "SLIPWAY_TOKEN=short",
	    "SLIPWAY_SWEEP_INTERVAL=x", "SLIPWAY_NOTHING_LIKE_IT=1", NULL);

	assert_int_equal(s->faults.count, 5);
	settings_free(s);
}

/* Files. */

struct variable {
	char text[128];
	char path[64];
};

static void
variable_of_file(struct variable *variable, const char *name, const void *contents, size_t n)
{
	int fd;

	snprintf(variable->path, sizeof(variable->path), "/tmp/slipway-test-XXXXXX");
	fd = mkstemp(variable->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, contents, n), (ssize_t)n);
	close(fd);
	snprintf(variable->text, sizeof(variable->text), "%s_FILE=%s", name, variable->path);
}

static void
a_value_may_come_from_a_file(void **state UNUSED)
{
	struct variable token;
	struct settings *s;

	variable_of_file(&token, "SLIPWAY_TOKEN", TOKEN "\n", sizeof(TOKEN));
	s = good(LOAD(token.text, NULL));
	assert_string_equal(s->token, TOKEN);
	settings_free(s);
	expect_fault(LOAD(token.text, "SLIPWAY_TOKEN=" TOKEN, NULL),
	    "SLIPWAY_TOKEN and SLIPWAY_TOKEN_FILE are both set");
	unlink(token.path);
	expect_fault(LOAD(token.text, NULL), "cannot be opened: No such file");
	variable_of_file(&token, "SLIPWAY_SWEEP_INTERVAL", "7s", 2);
	s = good(LOAD(token.text, NULL));
	assert_int_equal(s->sweep_interval_ms, 7000);
	settings_free(s);
	unlink(token.path);
}

static void
only_one_newline_is_taken_off(void **state UNUSED)
{
	struct variable token;

	variable_of_file(&token, "SLIPWAY_TOKEN", TOKEN "\n\n", sizeof(TOKEN) + 1);
	expect_fault(LOAD(token.text, NULL), "visible ASCII characters");
	unlink(token.path);
}

static void
files_that_are_no_value_are_refused(void **state UNUSED)
{
	struct variable token;
	char *large = calloc(1, VALUE_SIZE + 1);

	assert_non_null(large);
	variable_of_file(&token, "SLIPWAY_TOKEN", "\n", 1);
	expect_fault(LOAD(token.text, NULL), "is empty");
	unlink(token.path);
	variable_of_file(&token, "SLIPWAY_TOKEN", "a\0b", 3);
	expect_fault(LOAD(token.text, NULL), "NUL character");
	unlink(token.path);
	memset(large, 'x', VALUE_SIZE + 1);
	variable_of_file(&token, "SLIPWAY_TOKEN", large, VALUE_SIZE + 1);
	expect_fault(LOAD(token.text, NULL), "larger than 8192 bytes");
	unlink(token.path);
	expect_fault(LOAD("SLIPWAY_TOKEN_FILE=/tmp", NULL), "is no plain file");
	free(large);
}

static void
secrets_are_never_shown(void **state UNUSED)
{
	static const char bad[] = "SLIPWAY_TOKEN=se cret-se cret-se cret";
	struct settings *s = good(LOAD("SLIPWAY_TOKEN=" TOKEN, "SLIPWAY_DATA=/d", NULL));
	struct buf text;

	buf_init(&text, TEXT_MAX);
	settings_write_summary(s, &text);
	assert_null(strstr(buf_cstr(&text), TOKEN));
	assert_non_null(
	    strstr(buf_cstr(&text), "SLIPWAY_TOKEN                   set  (environment)\n"));
	assert_non_null(
	    strstr(buf_cstr(&text), "SLIPWAY_DATA                    /d  (environment)\n"));
	assert_non_null(
	    strstr(buf_cstr(&text), "SLIPWAY_EDGE                    on  (default)\n"));
	settings_free(s);
	buf_free(&text);
	s = LOAD(bad, NULL);
	assert_int_equal(s->faults.count, 1);
	assert_null(strstr(s->faults.items[0].text, "cret"));
	settings_free(s);
}

static void
check_prints_faults_or_the_settings(void **state UNUSED)
{
	char told[4096] = "";
	FILE *out = fmemopen(told, sizeof(told), "w");
	struct settings *s = LOAD("SLIPWAY_EDGE=x", NULL);

	assert_int_equal(settings_check(s, out), 1);
	fclose(out);
	assert_string_equal(told, "environment: SLIPWAY_EDGE: 'x' must be on or off\n");
	settings_free(s);
	out = fmemopen(told, sizeof(told), "w");
	s = LOAD(NULL);
	assert_int_equal(settings_check(s, out), 0);
	fclose(out);
	assert_non_null(strstr(told, "SLIPWAY_LOG_LEVEL               info  (default)\n"));
	settings_free(s);
}

static void
the_reference_has_a_row_for_each_setting(void **state UNUSED)
{
	struct buf text;
	char row[128];

	buf_init(&text, TEXT_MAX);
	settings_write_reference(&text);
	for (size_t i = 0; i < COUNT(settings_table); i++) {
		snprintf(row, sizeof(row), "\n| `%s` | ", settings_table[i].name);
		assert_non_null(strstr(buf_cstr(&text), row));
	}
	assert_non_null(
	    strstr(buf_cstr(&text), "| `SLIPWAY_LOG_LEVEL` | `debug`, `info`, `warn`, "
				    "`error` | `info` | The least level that is logged. |\n"));
	assert_non_null(strstr(buf_cstr(&text), "| `SLIPWAY_TOKEN` | secret | not set | "));
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_hold_in_an_empty_environment),
		cmocka_unit_test(every_setting_can_be_given),
		cmocka_unit_test(bad_values_are_refused_with_the_remedy),
		cmocka_unit_test(unknown_names_are_told_with_the_nearest),
		cmocka_unit_test(what_kubernetes_sets_is_passed_over),
		cmocka_unit_test(what_a_container_is_told_is_passed_over),
		cmocka_unit_test(all_faults_come_at_once),
		cmocka_unit_test(a_value_may_come_from_a_file),
		cmocka_unit_test(only_one_newline_is_taken_off),
		cmocka_unit_test(files_that_are_no_value_are_refused),
		cmocka_unit_test(secrets_are_never_shown),
		cmocka_unit_test(check_prints_faults_or_the_settings),
		cmocka_unit_test(the_reference_has_a_row_for_each_setting),
	};

	return cmocka_run_group_tests_name("config_settings", tests, NULL, NULL);
}
