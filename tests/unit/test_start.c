/* test_start.c - what a whole server takes up at its start, and what it leaves: the token, the file with
 * the configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serve_bed.h"

enum { MADE_LENGTH = 48 };

/* The token that the server made and showed; false: it showed none. */
static bool
read_made_token(char *to)
{
	char path[128];
	char line[256];
	bool is_found = false;
	FILE *file;

	snprintf(path, sizeof(path), "%s/stderr", directory);
	file = fopen(path, "r");
	assert_non_null(file);
	while (!is_found && fgets(line, sizeof(line), file) != NULL) {
		const char *word = line + strspn(line, " ");

		is_found = strspn(word, "0123456789abcdef") == MADE_LENGTH;
		if (is_found)
			snprintf(to, MADE_LENGTH + 1, "%s", word);
	}
	fclose(file);
	return is_found;
}

/* It is shown this once: who has read it must be able to use it for good. */
static void
a_made_token_counts_after_a_crash(void **state UNUSED)
{
	char again[MADE_LENGTH + 1];

	is_token_given = false;
	start();
	assert_true(is_answered("GET", "/api/v1/projects", "", "401"));
	assert_true(read_made_token(token));
	stop(SIGKILL);
	start();
	assert_true(is_answered("GET", "/api/v1/projects", "", "200"));
	assert_false(read_made_token(again));
	token[MADE_LENGTH - 1] = token[MADE_LENGTH - 1] == '0' ? '1' : '0';
	assert_true(is_answered("GET", "/api/v1/projects", "", "401"));
}

/* Once a token was given, the one before counts no more, though the setting is gone. */
static void
a_given_token_takes_the_place_of_a_made_one(void **state UNUSED)
{
	char made[MADE_LENGTH + 1];

	is_token_given = false;
	start();
	assert_true(read_made_token(made));
	stop(SIGKILL);
	is_token_given = true;
	start();
	stop(SIGKILL);
	is_token_given = false;
	start();
	assert_true(is_answered("GET", "/api/v1/projects", "", "200"));
	snprintf(token, sizeof(token), "%s", made);
	assert_true(is_answered("GET", "/api/v1/projects", "", "401"));
}

static void
write_file(const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/config", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Later changes come by `slipway apply`, and the file may be older than those. */
static void
the_file_counts_for_an_empty_store_only(void **state UNUSED)
{
	char *tags;

	write_file(config);
	is_config_given = true;
	start();
	assert_true(is_answered("GET", STAGE, "", "200"));
	tags = strstr(config, "\"v*\"");
	assert_non_null(tags);
	tags[1] = 'w';
	assert_true(is_answered("POST", "/api/v1/apply", config, "200"));
	stop(SIGKILL);
	start();
	assert_true(is_answered("GET", STAGE, "", "200"));
	assert_non_null(strstr(answer, "\"tags\":\"w*\""));
}

/* Of a file with a fault nothing is taken, and the server does not run without it. */
static void
a_faulty_file_starts_nothing(void **state UNUSED)
{
	char text[8192];

	snprintf(text, sizeof(text), "%s  broken: {stages: 7}\n", config);
	write_file(text);
	is_config_given = true;
	server = fork();
	if (server == 0)
		be_server();
	assert_int_equal(end_of_server(PATIENCE_MS), EXIT_SERVE_FAILED);
	is_config_given = false;
	start();
	assert_true(is_answered("GET", STAGE, "", "404"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		TEST(a_made_token_counts_after_a_crash),
		TEST(a_given_token_takes_the_place_of_a_made_one),
		TEST(the_file_counts_for_an_empty_store_only),
		TEST(a_faulty_file_starts_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
