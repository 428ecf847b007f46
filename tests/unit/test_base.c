/* test_base.c - views, buffers, version order, JSON, log lines, the heap of deadlines, files. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "serve/deadlines.h"

static void
globs_match_whole_texts(void **state UNUSED)
{
	assert_true(str_glob("v*", "v1.2"));
	assert_true(str_glob("*", ""));
	assert_true(str_glob("v?.*-rc*", "v1.2-rc3"));
	assert_true(str_glob("*a*b*c", "xxaxxbxxc"));
	assert_false(str_glob("v*", "1.2"));
	assert_false(str_glob("v?", "v12"));
	assert_false(str_glob("latest", "latest2"));
	assert_false(str_glob("a*b", "a"));
	/* Not exponential. */
	assert_false(str_glob(
	    "*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void
versions_are_ordered_as_people_read_them(void **state UNUSED)
{
	static const char *const rising[] = { "v0.9", "v1", "v1.0-rc1", "v1.0-rc2",
		"v1.0-rc10", "v1.0", "v1.0.1", "v1.2", "v1.10", "v1.10.0", "v2-alpha", "v2",
		"v99999999999999999999999999999998", "v99999999999999999999999999999999" };

	for (size_t i = 0; i < COUNT(rising); i++)
		for (size_t k = 0; k < COUNT(rising); k++) {
			int order = str_version_order(rising[i], rising[k]);
			if (i == k)
				assert_int_equal(order, 0);
			else
				assert_true((order < 0) == (i < k));
		}
	/* Total: two names of one number are never equal, whichever is asked first. */
	assert_true(str_version_order("v1", "v01") != 0);
	assert_true(
	    (str_version_order("v1", "v01") < 0) == (str_version_order("v01", "v1") > 0));
}

static void
numbers_are_whole_and_bounded(void **state UNUSED)
{
	uint64_t n = 7;

	assert_true(str_number(STR("18446744073709551615"), UINT64_MAX, &n));
	assert_true(n == UINT64_MAX);
	assert_false(str_number(STR("18446744073709551616"), UINT64_MAX, &n));
	assert_false(str_number(STR("-1"), 10, &n));
	assert_false(str_number(STR("+1"), 10, &n));
	assert_false(str_number(STR(""), 10, &n));
	assert_false(str_number(STR("11"), 10, &n));
	assert_false(str_number(STR("1 "), 10, &n));
	assert_true(n == UINT64_MAX); /* untouched by what failed */
}

static void
a_buffer_that_overflowed_says_so_until_cleared(void **state UNUSED)
{
	struct buf b;

	buf_init(&b, 5);
	buf_text(&b, "abc");
	buf_text(&b, "def");
	assert_true(b.overflow);
	assert_string_equal(buf_cstr(&b), "abc");
	buf_text(&b, "d");
	assert_int_equal(b.n, 3);
	buf_clear(&b);
	buf_format(&b, "%d", 12345);
	assert_false(b.overflow);
	assert_string_equal(buf_cstr(&b), "12345");
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "345");
	buf_free(&b);
	assert_string_equal(buf_cstr(&b), "");
}

static void
cuts_and_copies(void **state UNUSED)
{
	struct str head;
	struct str rest = str_cut(STR("a:b:c"), ':', &head);
	char small[3];

	assert_true(str_is(head, "a"));
	assert_true(str_is(rest, "b:c"));
	rest = str_cut(STR("abc"), ':', &head);
	assert_true(str_is(head, "abc"));
	assert_int_equal(rest.n, 0);
	assert_false(str_copy(small, sizeof(small), STR("abc")));
	assert_string_equal(small, "");
	assert_true(str_is(str_trim(STR(" \t x y \r\n")), "x y"));
	assert_true(str_equal_secret(STR("same"), STR("same")));
	assert_false(str_equal_secret(STR("same"), STR("sama")));
	assert_false(str_equal_secret(STR("same"), STR("sam")));
}

static _Noreturn void
on_fault(int signal UNUSED)
{
	_exit(7);
}

/* Names that differ look different, and a line of a log is what it says. */
static void
what_nobody_sees_is_found(void **state UNUSED)
{
	static const char *const turning[] = { "a\nb", "\x1b[1m", "a\x7f", "a\xc2\x85",
		"\xd8\x9c\x61", "a\xe2\x80\xaez", "\xe2\x80\xa8", "\xe2\x81\xa6x",
		"\xef\xbf\xb9" };
	static const char *const hiding[] = { "ann\xc2\xa0", "an\xc2\xadn", "ann\xe2\x80\x8b",
		"ann\xe2\x80\x8d", "a\xe2\x81\xa0", "\xe3\x85\xa4", "a\xef\xb8\x8f",
		"\xef\xbb\xbf\x61", "a\xf3\xa0\x81\x81", "a\xe3\x80\x80" };
	static const char *const plain[] = { "", "ann b", "\xc3\xa4nn", "\xd0\x90",
		"\xe2\x80\x93", "\xe2\x82\xac", "\xe6\x97\xa5\xe6\x9c\xac", "\xf0\x9f\x98\x80",
		"\xff", "\xe2\x80", "\xf0" };

	for (size_t i = 0; i < COUNT(turning); i++)
		assert_true(str_turns(str_of(turning[i])) && str_hides(str_of(turning[i])));
	for (size_t i = 0; i < COUNT(hiding); i++)
		assert_true(!str_turns(str_of(hiding[i])) && str_hides(str_of(hiding[i])));
	for (size_t i = 0; i < COUNT(plain); i++)
		assert_true(!str_turns(str_of(plain[i])) && !str_hides(str_of(plain[i])));
	assert_true(str_turns((struct str){ "a\0b", 3 }));
}

/* How long it takes must not tell how many bytes are right: it goes on to the last, though the first
 * is wrong, and meets memory that is not there. */
static void
secrets_are_compared_to_their_ends(void **state UNUSED)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory =
	    mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char other[64];
	pid_t child;
	int status;

	assert_true(memory != MAP_FAILED);
	assert_int_equal(mprotect(memory + page, page, PROT_NONE), 0);
	memset(memory, 'a', page);
	memset(other, 'b', sizeof(other));
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct str cut = { memory + page - 32, sizeof(other) };

		signal(SIGSEGV, on_fault);
		_exit(str_equal_secret((struct str){ other, sizeof(other) }, cut));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 7);
	munmap(memory, 2 * page);
}

static void
json_out_can_be_read_back(void **state UNUSED)
{
	static const char nasty[] =
	    "a\"b\\c\n\t\x01\x7f \xc3\xa9 \xf0\x9f\x98\x80 \xff \xed\xa0\x80 \xc0\xaf";
	struct json_writer w;
	struct err err;
	struct json *root;
	struct buf b;

	buf_init(&b, 4096);
	json_writer_init(&w, &b);
	json_object_open(&w);
	json_pair_text(&w, "nasty", nasty);
	json_pair_integer(&w, "least", INT64_MIN);
	json_key(&w, "list");
	json_array_open(&w);
	json_put_bool(&w, true);
	json_put_null(&w);
	json_object_open(&w);
	json_object_close(&w);
	json_array_close(&w);
	json_object_close(&w);
	root = json_parse(buf_view(&b), &err);
	assert_non_null(root);
	assert_true(json_number(json_get(root, "least")) == INT64_MIN);
	assert_string_equal(json_text(json_get(root, "nasty")),
	    "a\"b\\c\n\t\x01\x7f \xc3\xa9 \xf0\x9f\x98\x80 \xef\xbf\xbd"
	    " \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd");
	assert_int_equal(json_count(json_get(root, "list")), 3);
	assert_int_equal(json_kind(json_at(json_get(root, "list"), 1)), JSON_IS_NULL);
	/* What is not there is harmless. */
	assert_string_equal(json_text(json_get(json_get(root, "no"), "nothing")), "");
	assert_null(json_at(root, 0));
	json_free(root);
	buf_free(&b);
}

static void
broken_json_is_told_with_its_place(void **state UNUSED)
{
	struct err err = { "" };

	assert_null(json_parse(STR("{\"a\": 1,\n \"a\": 2}"), &err));
	assert_non_null(strstr(err.text, "line 2"));
	assert_null(json_parse(STR(""), &err));
	assert_null(json_parse(STR("{} x"), &err));
	assert_null(json_parse(STR("{\"a\": nan}"), &err));
}

static void
a_log_line_is_one_json_object(void **state UNUSED)
{
	int ends[2];
	char line[4096];
	ssize_t n;
	struct err err;
	struct json *root;
	struct log_context context = {
		.project = "shop", .stage = "production", .deploy_id = 12
	};

	assert_int_equal(pipe(ends), 0);
	log_setup(LOG_INFO, true, ends[1]);
	log_debug(NULL, "test.quiet", "below the level");
	log_event(LOG_WARN, &context, "test.line",
	    (struct log_field[]){ LOG_NUMBER("ms", 7), LOG_TEXT("why", "a\nb"), LOG_END },
	    "it took %d", 7);
	log_setup(LOG_INFO, true, 1);
	n = read(ends[0], line, sizeof(line));
	assert_true(n > 0);
	assert_ptr_equal(
	    memchr(line, '\n', (size_t)n), line + n - 1); /* one line, whatever is in it */
	root = json_parse((struct str){ line, (size_t)n }, &err);
	assert_non_null(root);
	assert_string_equal(json_text(json_get(root, "level")), "warn");
	assert_string_equal(json_text(json_get(root, "event")), "test.line");
	assert_string_equal(json_text(json_get(root, "msg")), "it took 7");
	assert_string_equal(json_text(json_get(root, "project")), "shop");
	assert_int_equal(json_number(json_get(root, "deploy_id")), 12);
	assert_int_equal(json_number(json_get(root, "ms")), 7);
	assert_string_equal(json_text(json_get(root, "why")), "a\nb");
	assert_null(json_get(root, "tag")); /* not known: left out */
	assert_int_equal(strlen(json_text(json_get(root, "ts"))), 24);
	json_free(root);
	close(ends[0]);
	close(ends[1]);
}

/* Of a registry's answer, say. */
static void
a_log_line_for_people_steers_no_terminal(void **state UNUSED)
{
	int ends[2];
	char line[4096] = "";
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	log_setup(LOG_INFO, false, ends[1]);
	log_event(LOG_WARN, NULL, "test.line",
	    (struct log_field[]){ LOG_TEXT("why", "\x1b[2J\xc2\x9bJ"), LOG_END },
	    "it said \"no\r\n12:00:00 info  all is well\"");
	log_setup(LOG_INFO, true, 1);
	n = read(ends[0], line, sizeof(line) - 1);
	assert_true(n > 0);
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
	assert_non_null(strstr(
	    line, " it said \"no??12:00:00 info  all is well\" why=?[2J??J  (test.line)"));
	close(ends[0]);
	close(ends[1]);
}

static void
a_slow_log_reader_blocks_nobody(void **state UNUSED)
{
	int ends[2];
	char *all = malloc(1 << 20);
	ssize_t n;

	assert_int_equal(pipe(ends), 0);
	log_setup(LOG_INFO, true, ends[1]);
	for (int i = 0; i < 3000; i++) /* more than a pipe holds; nobody reads */
		log_info(NULL, "test.flood", "line %d of a flood that nobody reads", i);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while (read(ends[0], all, 1 << 20) > 0)
		;
	log_info(NULL, "test.after", "there is room again");
	log_setup(LOG_INFO, true, 1);
	n = read(ends[0], all, (1 << 20) - 1);
	assert_true(n > 0);
	all[n] = '\0';
	assert_non_null(strstr(all, "log.dropped"));
	assert_non_null(strstr(all, "test.after"));
	free(all);
	close(ends[0]);
	close(ends[1]);
}

static void
times_are_written_in_utc(void **state UNUSED)
{
	char text[CLOCK_TEXT_SIZE];

	clock_text(INT64_C(1795238728007), text);
	assert_string_equal(text, "2026-11-21T05:25:28.007Z");
}

static void
deadlines_come_in_order(void **state UNUSED)
{
	struct deadlines d = { 0 };
	uint64_t random = 1;
	int64_t last_ms = -1;
	uint64_t last_actor = 0;

	for (uint32_t i = 0; i < 5000; i++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
		deadlines_add(
		    &d, (struct deadline){ (int64_t)(random >> 54), random >> 40 & 0xff, i });
	}
	for (int i = 0; i < 5000; i++) {
		struct deadline first = deadlines_take(&d);
		assert_true(first.at_ms > last_ms
			    || (first.at_ms == last_ms && first.actor >= last_actor));
		last_ms = first.at_ms;
		last_actor = first.actor;
	}
	assert_null(deadlines_first(&d));
	deadlines_free(&d);
}

static void
hashes_are_sha256(void **state UNUSED)
{
	char hex[HASH_HEX_SIZE];

	hash_sha256_hex(STR("abc"), hex); /* FIPS 180-2, appendix B.1 */
	assert_string_equal(
	    hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* That the power may fail in between is tried by tests/power. */
static void
a_file_is_replaced_whole(void **state UNUSED)
{
	char directory[] = "/tmp/slipway-file-XXXXXX";
	char path[64];
	char fresh[64];
	struct stat info;
	struct buf text;
	struct err err;

	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/one", directory);
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	buf_init(&text, 64);
	assert_int_equal(file_replace(path, STR("a longer text"), &err), 0);
	assert_int_equal(file_replace(path, STR("short"), &err), 0);
	assert_int_equal(file_read(path, &text, &err), 0);
	assert_string_equal(buf_cstr(&text), "short");
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(access(fresh, F_OK), -1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	assert_int_equal(file_replace(path, STR("text"), &err), -1);
	assert_non_null(strstr(err.text, path));
	buf_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(globs_match_whole_texts),
		cmocka_unit_test(versions_are_ordered_as_people_read_them),
		cmocka_unit_test(numbers_are_whole_and_bounded),
		cmocka_unit_test(a_buffer_that_overflowed_says_so_until_cleared),
		cmocka_unit_test(cuts_and_copies),
		cmocka_unit_test(what_nobody_sees_is_found),
		cmocka_unit_test(secrets_are_compared_to_their_ends),
		cmocka_unit_test(json_out_can_be_read_back),
		cmocka_unit_test(broken_json_is_told_with_its_place),
		cmocka_unit_test(a_log_line_is_one_json_object),
		cmocka_unit_test(a_log_line_for_people_steers_no_terminal),
		cmocka_unit_test(a_slow_log_reader_blocks_nobody),
		cmocka_unit_test(times_are_written_in_utc),
		cmocka_unit_test(deadlines_come_in_order),
		cmocka_unit_test(hashes_are_sha256),
		cmocka_unit_test(a_file_is_replaced_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
