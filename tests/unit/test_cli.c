/* test_cli.c - the pure parts of the client: options, words, tables, event streams, progress. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/sse.h"
#include "cli/table.h"
#include "cli/words.h"

enum { TEXT_MAX = 1 << 20 };

/* Options. */

static const struct option_spec specs[] = {
	{ "wait", 'w', NULL, "" },
	{ "force", 0, NULL, "" },
	{ "limit", 'n', "N", "" },
	{ "state", 0, "STATE", "" },
	{ NULL, 0, NULL, NULL },
};

static int
parse(struct options *o, struct err *err, const char *const *words)
{
	int count = 0;

	while (words[count] != NULL)
		count++;
	return options_parse(o, specs, count, (char *const *)(uintptr_t)words, err);
}

#define PARSE(o, err, ...) parse(o, err, (const char *const[]){ __VA_ARGS__, NULL })

static void
options_stand_anywhere(void **state UNUSED)
{
	struct options o;
	struct err err;

	assert_int_equal(
	    PARSE(&o, &err, "--wait", "a", "--limit", "5", "b", "--state=live"), 0);
	assert_true(options_has(&o, "wait"));
	assert_false(options_has(&o, "force"));
	assert_string_equal(options_value(&o, "limit"), "5");
	assert_string_equal(options_value(&o, "state"), "live");
	assert_int_equal(o.argument_count, 2);
	assert_string_equal(o.arguments[0], "a");
	assert_string_equal(o.arguments[1], "b");
}

static void
letters_may_stand_together(void **state UNUSED)
{
	struct options o;
	struct err err;

	assert_int_equal(PARSE(&o, &err, "-wn5", "a"), 0);
	assert_true(options_has(&o, "wait"));
	assert_string_equal(options_value(&o, "limit"), "5");
	assert_int_equal(PARSE(&o, &err, "-n", "7"), 0);
	assert_string_equal(options_value(&o, "limit"), "7");
	assert_int_equal(o.argument_count, 0);
}

static void
two_dashes_end_the_options(void **state UNUSED)
{
	struct options o;
	struct err err;

	assert_int_equal(PARSE(&o, &err, "-", "--", "--wait", "--"), 0);
	assert_false(options_has(&o, "wait"));
	assert_int_equal(o.argument_count, 3);
	assert_string_equal(o.arguments[0], "-");
	assert_string_equal(o.arguments[1], "--wait");
	assert_string_equal(o.arguments[2], "--");
}

static void
wrong_options_say_how_to_mend_them(void **state UNUSED)
{
	static const struct {
		const char *words[6];
		const char *told;
	} cases[] = {
		{ { "--wiat" }, "unknown option --wiat; did you mean --wait?" },
		{ { "--stat=x" }, "unknown option --stat; did you mean --state?" },
		{ { "--zzzzzz" }, "unknown option --zzzzzz" },
		{ { "-z" }, "unknown option -z" },
		{ { "-wz" }, "unknown option -z" },
		{ { "--limit" }, "--limit needs a value: --limit N" },
		{ { "-n" }, "--limit needs a value: --limit N" },
		{ { "--limit", "--wait" }, "--limit needs a value: --limit N" },
		{ { "--limit=" }, "--limit has an empty value; give it one or leave it out" },
		{ { "--wait=yes" }, "--wait takes no value; leave 'yes' out" },
		{ { "--wait", "--wait" }, "--wait is given twice; keep one" },
		{ { "-ww" }, "--wait is given twice; keep one" },
		{ { "a", "b", "c", "d", "e" }, "too many arguments, from 'e' on" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *words[8] = { NULL };
		struct options o;
		struct err err;

		memcpy(words, cases[i].words, sizeof(cases[i].words));
		assert_int_equal(parse(&o, &err, words), -1);
		assert_string_equal(err.text, cases[i].told);
	}
}

static void
numbers_have_bounds(void **state UNUSED)
{
	static const char *const wrong[] = { "0", "11", "-1", "x", "5x",
		"99999999999999999999" };
	struct options o;
	struct err err;
	uint64_t number = 3;

	assert_int_equal(PARSE(&o, &err, "a"), 0);
	assert_int_equal(options_number(&o, "limit", 1, 10, &number, &err), 0);
	assert_int_equal(number, 3);
	assert_int_equal(PARSE(&o, &err, "--limit", "10"), 0);
	assert_int_equal(options_number(&o, "limit", 1, 10, &number, &err), 0);
	assert_int_equal(number, 10);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		assert_int_equal(PARSE(&o, &err, "--limit", wrong[i]), 0);
		assert_int_equal(options_number(&o, "limit", 1, 10, &number, &err), -1);
		assert_non_null(strstr(err.text, "must be a whole number from 1 to 10"));
	}
	assert_int_equal(number, 10);
}

/* Words. */

static void
ages_and_durations(void **state UNUSED)
{
	static const struct {
		int64_t ms;
		const char *age;
		const char *took;
	} cases[] = {
		{ -5, "0s", "0.0 s" },
		{ 0, "0s", "0.0 s" },
		{ 49, "0s", "0.0 s" },
		{ 50, "0s", "0.1 s" },
		{ 1840, "1s", "1.8 s" },
		{ 59999, "59s", "60.0 s" },
		{ 60000, "1m", "60.0 s" },
		{ 99949, "1m", "99.9 s" },
		{ 99950, "1m", "1m40s" },
		{ 125000, "2m", "2m05s" },
		{ 3600000, "1h", "1h00m" },
		{ 172799999, "47h", "48h00m" },
		{ 172800000, "2d", "48h00m" },
	};
	char text[WORDS_SIZE];

	for (size_t i = 0; i < COUNT(cases); i++) {
		words_age(cases[i].ms, text);
		assert_string_equal(text, cases[i].age);
		words_took(cases[i].ms, text);
		assert_string_equal(text, cases[i].took);
	}
}

static void
digests_and_states(void **state UNUSED)
{
	char text[WORDS_SIZE];

	words_digest("sha256:0123456789abcdef0123456789abcdef", text);
	assert_string_equal(text, "0123456789ab");
	words_digest("", text);
	assert_string_equal(text, "");
	words_state("ROLLED_BACK", text);
	assert_string_equal(text, "rolled back");
	assert_true(words_state_name("rolled-back", text));
	assert_string_equal(text, "ROLLED_BACK");
	assert_false(words_state_name("a-state-that-is-longer-than-any-is", text));
}

static void
expect_clean(const char *text, bool keep_colour, const char *wanted)
{
	struct buf to;

	buf_init(&to, TEXT_MAX);
	words_clean(&to, str_of(text), keep_colour);
	assert_string_equal(buf_cstr(&to), wanted);
	buf_free(&to);
}

static void
nobody_steers_the_terminal(void **state UNUSED)
{
	expect_clean("plain \xc3\xa4", false, "plain \xc3\xa4");
	expect_clean("a\tb\rc\nd\x7f", false, "a b?c?d?");
	expect_clean("\x1b[31mred\x1b[0m", false, "?[31mred?[0m");
	expect_clean("\x1b[31mred\x1b[0m", true, "\x1b[31mred\x1b[0m");
	expect_clean("\x1b[2J\x1b]0;t\x07\x1b[1;32m", true, "?[2J?]0;t?\x1b[1;32m");
	expect_clean("\x1b[31", true, "?[31");
	expect_clean("\xc2\x9b"
		     "2J\xc2\xa0",
	    true, "?2J\xc2\xa0");
}

static void
a_terminal_gets_what_it_may_obey(void **state UNUSED)
{
	struct str rest = STR("\r\x1b[1ma\tb\x1b[0m\x1b[K\n\x1b[2J\x07"
			      "c\xc2\x9b"
			      "d\x1b");
	struct str piece = words_harmless(&rest);

	assert_true(str_is(piece, "\r\x1b[1ma\tb\x1b[0m\x1b[K\n"));
	assert_true(str_is(words_harmless(&rest), "[2J"));
	assert_true(str_is(words_harmless(&rest), "c"));
	assert_true(str_is(words_harmless(&rest), "d"));
	assert_int_equal(words_harmless(&rest).n, 0);
}

static void
widths_count_characters(void **state UNUSED)
{
	struct str text = STR("a\xc3\xa4\xe2\x82\xac");

	assert_int_equal(words_width(text), 3);
	assert_int_equal(words_cut(text, 2).n, 3);
	assert_int_equal(words_cut(text, 3).n, 6);
	assert_int_equal(words_cut(text, 0).n, 0);
}

static void
targets(void **state UNUSED)
{
	static const char *const wrong[] = { "", "/", "a/", "/b", "a/b/c", "a//b",
		"a-name-that-is-longer-than-sixty-three-characters-is-no-dns-label/b" };
	struct target target;
	struct err err;

	assert_int_equal(words_target("shop/production", true, &target, &err), 0);
	assert_string_equal(target.project, "shop");
	assert_string_equal(target.stage, "production");
	assert_int_equal(words_target("shop", false, &target, &err), 0);
	assert_string_equal(target.stage, "");
	assert_int_equal(words_target("shop", true, &target, &err), -1);
	assert_non_null(strstr(err.text, "names no stage"));
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(words_target(wrong[i], false, &target, &err), -1);
}

/* Tables. */

static void
expect_table(const struct table *t, size_t width, const char *wanted)
{
	struct buf to;

	buf_init(&to, TEXT_MAX);
	table_write(t, width, &to);
	assert_string_equal(buf_cstr(&to), wanted);
	buf_free(&to);
}

static void
columns_are_aligned(void **state UNUSED)
{
	static const char *const heads[] = { "NAME", ">AGE", "NOTE", NULL };
	struct table t;

	table_init(&t, heads);
	expect_table(&t, 0, "NAME  AGE  NOTE\n");
	table_cell(&t, "m\xc3\xa4rz");
	table_cell_format(&t, "%dm", 3);
	table_cell(&t, "");
	table_cell(&t, "a-long-one");
	table_cell(&t, "1234h");
	table_cell(&t, "two\nlines");
	expect_table(&t, 0,
	    "NAME          AGE  NOTE\n"
	    "m\xc3\xa4rz           3m  -\n"
	    "a-long-one  1234h  two?lines\n");
	expect_table(&t, 20,
	    "NAME          AGE ..\n"
	    "m\xc3\xa4rz           3m  -\n"
	    "a-long-one  1234h ..\n");
	expect_table(&t, 23,
	    "NAME          AGE  NOTE\n"
	    "m\xc3\xa4rz           3m  -\n"
	    "a-long-one  1234h  tw..\n");
	table_free(&t);
}

static void
tables_may_have_no_heads(void **state UNUSED)
{
	static const char *const heads[] = { "", "", NULL };
	struct table t;

	table_init(&t, heads);
	table_cell(&t, "  image");
	table_cell(&t, "web");
	expect_table(&t, 0, "  image  web\n");
	table_free(&t);
}

/* Event streams. */

struct heard {
	struct buf text; /* "name=data;" */
	int most;
};

static bool
hear(void *context, const struct sse_event *event)
{
	struct heard *heard = context;

	buf_format(&heard->text, "%s=%.*s;", event->name, (int)event->data.n, event->data.p);
	return --heard->most != 0;
}

static const char stream[] = "retry: 2000\n\n:\n\nid: 5\nevent: step\ndata: one\n\n"
			     "data:two\r\ndata: lines\r\n\r\nid: 6\rdata:\r\revent: gone\n\n"
			     "id: 7\nevent: log\nda";

/* In pieces of every size the stream means the same. */
static void
streams_are_read_in_any_pieces(void **state UNUSED)
{
	for (size_t size = 1; size < sizeof(stream); size++) {
		struct heard heard = { .most = -1 };
		struct sse sse;

		buf_init(&heard.text, TEXT_MAX);
		sse_init(&sse);
		for (size_t i = 0; i < sizeof(stream) - 1; i += size) {
			size_t left = sizeof(stream) - 1 - i;
			struct str piece = { stream + i, left < size ? left : size };

			assert_true(sse_feed(&sse, piece, hear, &heard));
		}
		assert_string_equal(
		    buf_cstr(&heard.text), "step=one;message=two\nlines;message=;");
		assert_string_equal(sse.last_id, "6");
		sse_free(&sse);
		buf_free(&heard.text);
	}
}

static void
a_new_connection_forgets_the_half_event(void **state UNUSED)
{
	struct heard heard = { .most = -1 };
	struct sse sse;

	buf_init(&heard.text, TEXT_MAX);
	sse_init(&sse);
	assert_true(sse_feed(&sse, STR("id: 5\ndata: a\n\nid: 6\ndata: half"), hear, &heard));
	sse_restart(&sse);
	assert_string_equal(sse.last_id, "5");
	assert_true(sse_feed(&sse, STR("data: b\n\n"), hear, &heard));
	assert_string_equal(buf_cstr(&heard.text), "message=a;message=b;");
	assert_string_equal(sse.last_id, "5");
	sse_free(&sse);
	buf_free(&heard.text);
}

static void
a_receiver_ends_the_reading(void **state UNUSED)
{
	struct heard heard = { .most = 1 };
	struct sse sse;

	buf_init(&heard.text, TEXT_MAX);
	sse_init(&sse);
	assert_false(sse_feed(&sse, STR("data: a\n\ndata: b\n\n"), hear, &heard));
	assert_string_equal(buf_cstr(&heard.text), "message=a;");
	sse_free(&sse);
	buf_free(&heard.text);
}

static void
events_are_bounded(void **state UNUSED)
{
	static char bytes[4096];
	struct heard heard = { .most = -1 };
	struct sse sse;
	int fed = 0;

	memset(bytes, 'x', sizeof(bytes));
	buf_init(&heard.text, TEXT_MAX);
	sse_init(&sse);
	assert_true(sse_feed(&sse, STR("data: "), hear, &heard));
	while (sse_feed(&sse, (struct str){ bytes, sizeof(bytes) }, hear, &heard))
		fed++;
	assert_int_equal(fed, CLI_EVENT_MAX / (int)sizeof(bytes) - 1);
	sse_free(&sse);
	buf_free(&heard.text);
}

/* Progress. */

struct scene {
	struct progress progress;
	struct buf out;
	int64_t seq;
};

enum { SERVER_MS = 1000000000, OWN_MS = 500 }; /* two clocks that know nothing of each other */

static void
scene_open(struct scene *s, size_t width, bool has_colour)
{
	s->seq = 0;
	buf_init(&s->out, TEXT_MAX);
	progress_init(&s->progress, (struct progress_style){ width, has_colour },
	    "shop/production v3 (deploy 12)");
}

static void
scene_close(struct scene *s)
{
	progress_free(&s->progress);
	buf_free(&s->out);
}

static struct json *json_of(const char *format, ...) PRINTF_LIKE(1, 2);

static struct json *
json_of(const char *format, ...)
{
	char text[2048];
	struct json *json;
	struct err err;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json = json_parse(str_of(text), &err);
	if (json == NULL)
		fail_msg("%s", err.text);
	return json;
}

/* Something that happened `ms` after the beginning, and is told at once. */
static void
step(struct scene *s, int ms, const char *actor, const char *on, const char *to)
{
	struct json *json =
	    json_of("{\"seq\":%d,\"at_ms\":%d,\"actor\":\"%s\",\"on\":\"%s\",\"to\":\"%s\"}",
		(int)++s->seq, SERVER_MS + ms, actor, on, to);

	progress_step(&s->progress, json, OWN_MS + ms, &s->out);
	json_free(json);
}

static void
say(struct scene *s, int ms, const char *level, const char *text)
{
	struct json *json =
	    json_of("{\"seq\":%d,\"at_ms\":%d,\"level\":\"%s\",\"text\":\"%s\"}",
		(int)++s->seq, SERVER_MS + ms, level, text);

	progress_log(&s->progress, json, OWN_MS + ms, &s->out);
	json_free(json);
}

static void
end(struct scene *s, const char *state, const char *reason)
{
	struct json *json =
	    json_of("{\"id\":12,\"project\":\"shop\",\"stage\":\"production\",\"tag\":\"v3\","
		    "\"state\":\"%s\",\"reason\":\"%s\",\"created_ms\":5,\"ended_ms\":1845}",
		state, reason);

	progress_end(&s->progress, json, &s->out);
	json_free(json);
}

static void
expect_out(struct scene *s, const char *wanted)
{
	assert_string_equal(buf_cstr(&s->out), wanted);
	buf_clear(&s->out);
}

static void
plain_lines_tell_each_thing_once(void **state UNUSED)
{
	struct scene s;

	scene_open(&s, 0, false);
	step(&s, 0, "DEPLOY", "START", "RESOLVING");
	step(&s, 210, "DEPLOY", "RESOLVED", "QUEUED");
	step(&s, 210, "DEPLOY", "GRANTED", "PULLING");
	step(&s, 4000, "DEPLOY", "TROUBLED", "PULLING");
	step(&s, 4000, "DEPLOY", "RECOVERED", "PULLING");
	say(&s, 4500, "info", "pulled");
	say(&s, 4600, "warn", "slow");
	step(&s, 5000, "DEPLOY", "HEALTHY", "SWAPPING");
	step(&s, 5010, "SWAP", "SWITCHED", "CONFIRMING");
	step(&s, 5020, "SWAP", "TIMEOUT", "CONFIRMING");
	step(&s, 6000, "DEPLOY", "DRAINED", "LIVE");
	progress_refresh(&s.progress, 80, OWN_MS + 7000, &s.out);
	progress_note(&s.progress, "connection lost", OWN_MS + 65000, &s.out);
	end(&s, "LIVE", "");
	expect_out(&s, "    0.0 s  resolving\n"
		       "    0.2 s  queued\n"
		       "    0.2 s  pulling\n"
		       "    4.0 s  pulling: try 2\n"
		       "    4.5 s  pulled\n"
		       "    4.6 s  warn: slow\n"
		       "    5.0 s  swapping\n"
		       "    5.0 s  swapping: confirming\n"
		       "   65.0 s  connection lost\n"
		       "live: shop/production v3 (deploy 12) in 1.8 s\n");
	scene_close(&s);
}

static void
what_a_resumed_stream_repeats_is_not_told_again(void **state UNUSED)
{
	struct scene s;

	scene_open(&s, 0, false);
	step(&s, 0, "DEPLOY", "START", "RESOLVING");
	say(&s, 10, "info", "hello");
	buf_clear(&s.out);
	s.seq = 0;
	step(&s, 0, "DEPLOY", "START", "PULLING");
	say(&s, 10, "info", "hello");
	expect_out(&s, "");
	scene_close(&s);
}

static void
the_live_line_is_drawn_in_its_place(void **state UNUSED)
{
	struct scene s;

	scene_open(&s, 80, false);
	step(&s, 0, "DEPLOY", "START", "RESOLVING");
	expect_out(&s, "\rshop/production v3 (deploy 12): resolving 0.0 s\x1b[K");
	progress_refresh(&s.progress, 80, OWN_MS + 20, &s.out);
	expect_out(&s, ""); /* nothing new to see */
	progress_refresh(&s.progress, 80, OWN_MS + 1234, &s.out);
	expect_out(&s, "\rshop/production v3 (deploy 12): resolving 1.2 s\x1b[K");
	step(&s, 1300, "DEPLOY", "GRANTED", "PULLING");
	expect_out(
	    &s, "\rshop/production v3 (deploy 12): resolving 1.3 s, pulling 0.0 s\x1b[K");
	say(&s, 1400, "info", "a line");
	expect_out(&s,
	    "\r\x1b[K    1.4 s  a line\n"
	    "\rshop/production v3 (deploy 12): resolving 1.3 s, pulling 0.1 s\x1b[K");
	step(&s, 2300, "DEPLOY", "TROUBLED", "PULLING");
	expect_out(&s,
	    "\rshop/production v3 (deploy 12): resolving 1.3 s, pulling (try 2) 1.0 s\x1b[K");
	end(&s, "FAILED", "the registry is away");
	expect_out(&s,
	    "\r\x1b[Kfailed: shop/production v3 (deploy 12) in 1.8 s: the registry is away\n");
	scene_close(&s);
}

/* Events that come late (a resumed stream, a slow network) do not set the clock back. */
static void
late_events_keep_the_clock(void **state UNUSED)
{
	struct scene s;
	struct json *json = json_of(
	    "{\"seq\":9,\"at_ms\":%d,\"actor\":\"DEPLOY\",\"on\":\"\",\"to\":\"PULLING\"}",
	    SERVER_MS + 1000);

	scene_open(&s, 80, false);
	step(&s, 0, "DEPLOY", "START", "RESOLVING");
	buf_clear(&s.out);
	progress_step(&s.progress, json, OWN_MS + 4000, &s.out);
	expect_out(
	    &s, "\rshop/production v3 (deploy 12): resolving 1.0 s, pulling 3.0 s\x1b[K");
	json_free(json);
	scene_close(&s);
}

/* The visible text of the one live line in out. */
static const char *
live_text(const struct buf *out)
{
	static char text[1024];
	struct str line = buf_view(out);

	assert_true(line.n > 4 && line.p[0] == '\r');
	snprintf(text, sizeof(text), "%.*s", (int)(line.n - 4), line.p + 1);
	return text;
}

static void
the_live_line_fits_every_width(void **state UNUSED)
{
	static const struct {
		size_t width;
		const char *line;
	} cases[] = {
		{ 200, "shop/production v3 (deploy 12): resolving 0.1 s, pulling 0.9 s, "
		       "starting 0.2 s, "
		       "swapping (confirming) 1.0 s" },
		{ 107, "shop/production v3 (deploy 12): .. pulling 0.9 s, starting 0.2 s, "
		       "swapping (confirming) 1.0 s" },
		{ 80, "shop/production v3 (deploy 12): .. starting 0.2 s, swapping "
		      "(confirming) 1.0 s" },
		{ 77, "shop/production v3 (deploy 12): .. swapping (confirming) 1.0 s" },
		{ 63, "shop/production v3 (deploy 12): .. swapping (confirming) 1.0 s" },
		{ 62, "swapping (confirming) 1.0 s" },
		{ 28, "swapping (confirming) 1.0 s" },
		{ 20, "swapping (confirmin" },
		{ 2, "s" },
	};
	struct scene s;

	scene_open(&s, 80, false);
	step(&s, 0, "DEPLOY", "START", "RESOLVING");
	step(&s, 100, "DEPLOY", "GRANTED", "PULLING");
	step(&s, 1000, "DEPLOY", "PULLED", "STARTING");
	step(&s, 1200, "DEPLOY", "HEALTHY", "SWAPPING");
	step(&s, 1210, "SWAP", "SWITCHED", "CONFIRMING");
	for (size_t i = 0; i < COUNT(cases); i++) {
		progress_clear(&s.progress, &s.out);
		buf_clear(&s.out);
		progress_refresh(&s.progress, cases[i].width, OWN_MS + 2200, &s.out);
		assert_string_equal(live_text(&s.out), cases[i].line);
	}
	for (size_t width = 2; width < 200; width++) {
		progress_clear(&s.progress, &s.out);
		buf_clear(&s.out);
		progress_refresh(&s.progress, width, OWN_MS + 2200, &s.out);
		assert_true(strlen(live_text(&s.out)) < width);
	}
	scene_close(&s);
}

static void
more_states_than_are_kept(void **state UNUSED)
{
	static const char *const names[] = { "A", "B" };
	struct scene s;

	scene_open(&s, 200, false);
	for (int i = 0; i < 3 * PROGRESS_STATES_MAX; i++)
		step(&s, i * 100, "DEPLOY", "ON", names[i % 2]);
	buf_clear(&s.out);
	progress_clear(&s.progress, &s.out);
	buf_clear(&s.out);
	progress_refresh(&s.progress, 200, OWN_MS + 2300, &s.out);
	assert_string_equal(live_text(&s.out), "shop/production v3 (deploy 12): .. a 0.1 s, b "
					       "0.1 s, a 0.1 s, b 0.1 s, a 0.1 s, b 0.1 s, "
					       "a 0.1 s, b 0.0 s");
	scene_close(&s);
}

static void
a_failure_shows_the_end_of_the_containers_output(void **state UNUSED)
{
	struct scene s;
	struct buf wanted;

	scene_open(&s, 0, false);
	buf_init(&wanted, TEXT_MAX);
	buf_text(&wanted,
	    "rolled back: shop/production v3 (deploy 12) in 1.8 s: no\nlast lines of the "
	    "container:\n");
	for (int i = 0; i < CLI_TAIL_LINES + 5; i++) {
		char line[32];

		snprintf(line, sizeof(line), "line %d\\u001b[2J", i);
		say(&s, i, "out", line);
		if (i >= 5)
			buf_format(&wanted, "  | line %d?[2J\n", i);
	}
	end(&s, "ROLLED_BACK", "no");
	expect_out(&s, buf_cstr(&wanted));
	end(&s, "LIVE", "");
	expect_out(&s, "live: shop/production v3 (deploy 12) in 1.8 s\n");
	buf_free(&wanted);
	scene_close(&s);
}

static void
colours_are_only_added(void **state UNUSED)
{
	struct scene s;

	scene_open(&s, 80, true);
	step(&s, 0, "DEPLOY", "START", "PULLING");
	expect_out(&s, "\r\x1b[1mshop/production v3 (deploy 12): pulling 0.0 s\x1b[0m\x1b[K");
	end(&s, "LIVE", "");
	expect_out(
	    &s, "\r\x1b[K\x1b[32mlive\x1b[0m: shop/production v3 (deploy 12) in 1.8 s\n");
	end(&s, "SUPERSEDED", "superseded by deploy 13");
	expect_out(&s, "\x1b[31msuperseded\x1b[0m: shop/production v3 (deploy 12) in 1.8 s: "
		       "superseded by deploy 13\n");
	scene_close(&s);
}

/* Texts that are no use (a server of another version) are shown as far as they go. */
static void
strange_events_do_no_harm(void **state UNUSED)
{
	static const char *const events[] = { "{}", "[]", "null", "\"text\"",
		"{\"seq\":\"x\",\"actor\":7,\"to\":null}",
		("{\"seq\":5,\"actor\":\"DEPLOY\","
		 "\"to\":\"A_STATE_THAT_NO_SERVER_HAS_AT_ALL\"}"),
		"{\"seq\":6,\"actor\":\"OTHER\",\"to\":\"X\"}" };
	struct scene s;

	scene_open(&s, 0, false);
	for (size_t i = 0; i < COUNT(events); i++) {
		struct json *json = json_of("{\"it\":%s}", events[i]);

		progress_step(&s.progress, json_get(json, "it"), OWN_MS, &s.out);
		progress_log(&s.progress, json_get(json, "it"), OWN_MS, &s.out);
		json_free(json);
	}
	expect_out(
	    &s, "    0.0 s  a state that no server has at a\n    0.0 s  \n    0.0 s  \n");
	scene_close(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_anywhere),
		cmocka_unit_test(letters_may_stand_together),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(wrong_options_say_how_to_mend_them),
		cmocka_unit_test(numbers_have_bounds),
		cmocka_unit_test(ages_and_durations),
		cmocka_unit_test(digests_and_states),
		cmocka_unit_test(nobody_steers_the_terminal),
		cmocka_unit_test(a_terminal_gets_what_it_may_obey),
		cmocka_unit_test(widths_count_characters),
		cmocka_unit_test(targets),
		cmocka_unit_test(columns_are_aligned),
		cmocka_unit_test(tables_may_have_no_heads),
		cmocka_unit_test(streams_are_read_in_any_pieces),
		cmocka_unit_test(a_new_connection_forgets_the_half_event),
		cmocka_unit_test(a_receiver_ends_the_reading),
		cmocka_unit_test(events_are_bounded),
		cmocka_unit_test(plain_lines_tell_each_thing_once),
		cmocka_unit_test(what_a_resumed_stream_repeats_is_not_told_again),
		cmocka_unit_test(the_live_line_is_drawn_in_its_place),
		cmocka_unit_test(late_events_keep_the_clock),
		cmocka_unit_test(the_live_line_fits_every_width),
		cmocka_unit_test(more_states_than_are_kept),
		cmocka_unit_test(a_failure_shows_the_end_of_the_containers_output),
		cmocka_unit_test(colours_are_only_added),
		cmocka_unit_test(strange_events_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
