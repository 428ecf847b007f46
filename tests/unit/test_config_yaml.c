/* test_config_yaml.c - the tree of nodes: places, scalar types, and hostile documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/clock.h"
#include "config/yaml.h"

enum { TEXT_MAX = 2 << 20 };

struct reading {
	struct arena *arena;
	struct config_problems problems;
	const struct node *root;
};

static void
reading_begin(struct reading *r, struct str text)
{
	r->arena = arena_new(1024);
	problems_init(&r->problems, r->arena);
	r->root = yaml_tree_parse(r->arena, text, &r->problems);
}

static void
reading_end(struct reading *r)
{
	arena_free(r->arena);
}

/* The first fault is at this place and holds these words. */
static void
expect_fault(struct str text, int line, int column, const char *words)
{
	struct reading r;

	reading_begin(&r, text);
	assert_true(r.problems.count > 0);
	if (strstr(r.problems.items[0].text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, r.problems.items[0].text);
	assert_int_equal(r.problems.items[0].line, line);
	assert_int_equal(r.problems.items[0].column, column);
	reading_end(&r);
}

static void
nodes_know_their_place(void **state UNUSED)
{
	struct reading r;
	const struct node *list;

	reading_begin(
	    &r, STR("# \xc3\xa9\na:  \xc3\xa9t\xc3\xa9\nb: {\xc3\xa9: [1,\n  \"x\"]}\n"));
	assert_int_equal(r.problems.count, 0);
	assert_int_equal(r.root->count, 2);
	assert_int_equal(r.root->first->key_line, 2);
	assert_int_equal(r.root->first->key_column, 1);
	assert_int_equal(r.root->first->column, 5);
	list = r.root->first->next->first;
	assert_int_equal(list->key_line, 3);
	assert_int_equal(list->key_column, 5);
	assert_int_equal(list->column, 8); /* in characters, not in bytes */
	assert_int_equal(list->first->next->line, 4);
	assert_int_equal(list->first->next->column, 3);
	assert_false(list->first->next->is_plain);
	assert_true(list->first->is_plain);
	assert_ptr_equal(node_get(r.root, "b")->first, list);
	assert_null(node_get(r.root, "c"));
	reading_end(&r);
}

static void
scalars_have_the_types_of_the_core_schema(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum scalar_type type;
	} rows[] = {
		{ "~", SCALAR_NULL },
		{ "null", SCALAR_NULL },
		{ "", SCALAR_NULL },
		{ "\"\"", SCALAR_TEXT },
		{ "'null'", SCALAR_TEXT },
		{ "nil", SCALAR_TEXT },
		{ "true", SCALAR_BOOL },
		{ "False", SCALAR_BOOL },
		{ "yes", SCALAR_TEXT },
		{ "no", SCALAR_TEXT },
		{ "on", SCALAR_TEXT },
		{ "\"true\"", SCALAR_TEXT },
		{ "0", SCALAR_INTEGER },
		{ "-12", SCALAR_INTEGER },
		{ "+7", SCALAR_INTEGER },
		{ "0x1f", SCALAR_INTEGER },
		{ "0o17", SCALAR_INTEGER },
		{ "0x", SCALAR_TEXT },
		{ "'1'", SCALAR_TEXT },
		{ "|\n  1\n", SCALAR_TEXT },
		{ ">-\n  1\n", SCALAR_TEXT },
		{ "1.5", SCALAR_REAL },
		{ ".5", SCALAR_REAL },
		{ "1.", SCALAR_REAL },
		{ "1e3", SCALAR_REAL },
		{ "-1.5E-3", SCALAR_REAL },
		{ ".inf", SCALAR_REAL },
		{ ".nan", SCALAR_REAL },
		{ "1e", SCALAR_TEXT },
		{ "1.2.3", SCALAR_TEXT },
		{ ".", SCALAR_TEXT },
		{ "30s", SCALAR_TEXT },
		{ "1:30", SCALAR_TEXT },
		{ "2024-01-01", SCALAR_TEXT },
		{ "1_000", SCALAR_TEXT },
		{ "+", SCALAR_TEXT },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char text[64];
		struct reading r;

		snprintf(text, sizeof(text), "a: %s\n", rows[i].text);
		reading_begin(&r, str_of(text));
		assert_int_equal(r.problems.count, 0);
		if (node_scalar_type(r.root->first) != rows[i].type)
			fail_msg(
			    "%s: type %d", rows[i].text, (int)node_scalar_type(r.root->first));
		reading_end(&r);
	}
}

static void
texts_keep_what_was_written(void **state UNUSED)
{
	struct reading r;

	reading_begin(&r, STR("a: |\n  one\n  two\nb: >-\n  one\n  two\nc: "
			      "\"\\t\\u00e9\\/\"\nd: 'it''s'\n"));
	assert_int_equal(r.problems.count, 0);
	assert_string_equal(node_get(r.root, "a")->text.p, "one\ntwo\n");
	assert_string_equal(node_get(r.root, "b")->text.p, "one two");
	assert_string_equal(node_get(r.root, "c")->text.p, "\t\xc3\xa9/");
	assert_string_equal(node_get(r.root, "d")->text.p, "it's");
	reading_end(&r);
}

static void
byte_order_mark_crlf_and_directive_are_harmless(void **state UNUSED)
{
	static const struct str texts[] = {
		{ "\xef\xbb\xbf"
		  "a: 1\n",
		    8 },
		{ "a: 1\r\nb: 2\r\n", 12 },
		{ "%YAML 1.1\n---\na: 1\n...\n", 23 },
		{ "{\n\t\"a\":\t1\n}", 11 },
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct reading r;

		reading_begin(&r, texts[i]);
		assert_int_equal(r.problems.count, 0);
		assert_string_equal(r.root->first->text.p, "1");
		reading_end(&r);
	}
}

static void
bytes_that_are_no_text_are_refused(void **state UNUSED)
{
	expect_fault(STR("a: b\nc: \xff\n"), 2, 4, "no plain UTF-8 text");
	expect_fault(STR("a: \xc3"), 1, 4, "no plain UTF-8 text");
	expect_fault(STR("a: \xc0\x80\n"), 1, 4, "no plain UTF-8 text");
	expect_fault(STR("a: \xed\xa0\x80\n"), 1, 4, "no plain UTF-8 text");
	expect_fault(STR("\xc3\xa9: \0\n"), 1, 4, "control characters");
	expect_fault(STR("a: \x1b[31m\n"), 1, 4, "control characters");
	expect_fault(STR("a: \"x\\0y\"\n"), 1, 4, "NUL character");
	expect_fault(STR("\"x\\0y\": 1\n"), 1, 1, "NUL character");
	expect_fault(STR("a\0: 1\n"), 1, 2, "control characters");
}

static void
broken_syntax_has_a_place(void **state UNUSED)
{
	expect_fault(STR("a:\n\tb: 1\n"), 2, 1, "indent with spaces");
	expect_fault(STR("a: b: c\n"), 1, 5, "mapping values are not allowed");
	expect_fault(STR("a: @x\n"), 1, 4, "cannot start any token");
	expect_fault(STR("a: 1\n  b: 2\n"), 2, 4, "mapping values are not allowed");
	expect_fault(STR("a: {b: 1,\nc: 2\n"), 3, 1, "that begins on line 1");
	expect_fault(STR("a: {b: 1\nc: 2\n"), 2, 2, "expected ',' or '}'");
	expect_fault(STR("a: [1, 2\n"), 2, 1, "expected ',' or ']'");
	expect_fault(STR("- a\nb: 1\n"), 2, 1, "broken YAML");
	expect_fault(STR("a: \"\\ud83d\\ude00\"\n"), 1, 7, "write the character itself");
	expect_fault(STR("%YAML 3.0\n---\na: 1\n"), 1, 1, "broken YAML");
	expect_fault(STR(""), 0, 0, "nothing in it");
	expect_fault(STR("# only a comment\n"), 0, 0, "nothing in it");
}

static void
what_could_surprise_is_refused(void **state UNUSED)
{
	expect_fault(STR("a: &x 1\nb: *x\n"), 1, 4, "anchor '&x'");
	expect_fault(STR("a: *x\n"), 1, 4, "alias '*x'");
	expect_fault(STR("*x : 1\n"), 1, 1, "alias '*x'");
	expect_fault(STR("a: {<<: {b: 1}}\n"), 1, 5, "merge key '<<'");
	expect_fault(STR("a: !!str 1\n"), 1, 4, "tag '!!str'");
	expect_fault(STR("a: !x [1]\n"), 1, 4, "tag '!x'");
	expect_fault(STR("a: 1\nb: 2\na: 3\n"), 3, 1, "it stands on line 1 already");
	expect_fault(STR("{a: 1, \"a\": 2}\n"), 1, 8, "it stands on line 1 already");
	expect_fault(STR("a: 1\n---\nb: 1\n"), 2, 1, "a second document");
	expect_fault(STR("? [a, b]\n: 1\n"), 1, 3, "a key must be a plain text");
	expect_fault(STR("{? {a: b} : 1}\n"), 1, 4, "a key must be a plain text");
}

static void
a_refused_key_hides_no_other_fault(void **state UNUSED)
{
	struct reading r;

	reading_begin(&r, STR("a: 1\na: {b: 1, b: 2}\n<<: *c\n\"<<\": 3\n? [d, &e f]\n: 5\n"));
	assert_int_equal(r.problems.count, 5);
	assert_non_null(strstr(r.problems.items[0].text, "'b' is here twice"));
	assert_non_null(strstr(r.problems.items[1].text, "merge key"));
	assert_non_null(strstr(r.problems.items[2].text, "a key must be"));
	assert_non_null(strstr(r.problems.items[3].text, "anchor '&e'"));
	assert_non_null(strstr(r.problems.items[4].text, "'a' is here twice"));
	assert_int_equal(r.root->count, 3); /* a, the second a (refused), "<<" */
	assert_int_equal(r.root->first->next->kind, NODE_REFUSED);
	assert_string_equal(node_get(r.root, "<<")->text.p, "3");
	reading_end(&r);
}

/* Nine lines that a naive reader makes a thousand million texts of. */
static void
billion_laughs_stay_nine_lines(void **state UNUSED)
{
	struct reading r;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_text(&text, "a0: &a0 [lol, lol]\n");
	for (int i = 1; i < 10; i++)
		buf_format(&text,
		    "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d, *a%d]\n", i, i,
		    i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
	reading_begin(&r, buf_view(&text));
	assert_int_equal(r.problems.count + r.problems.unlisted, 10 + 9 * 9);
	assert_int_equal(r.root->count, 10);
	reading_end(&r);
	buf_free(&text);
}

static void
fill(struct buf *text, const char *head, const char *again, int count)
{
	buf_clear(text);
	buf_text(text, head);
	for (int i = 0; i < count; i++)
		buf_text(text, again);
}

static void
bounds_hold_and_cost_little(void **state UNUSED)
{
	struct buf text;
	int64_t began_us = clock_mono_us();
	int column;

	buf_init(&text, TEXT_MAX);
	fill(&text, "", "[", 500000);
	expect_fault(buf_view(&text), 1, 13, "nested deeper than 12 levels");
	fill(&text, "", "{a: ", 200000);
	expect_fault(buf_view(&text), 1, 49, "nested deeper than 12 levels");
	fill(&text, "", "- ", 400000);
	expect_fault(buf_view(&text), 1, 25, "nested deeper than 12 levels");
	fill(&text, "[", "a,", 400000);
	expect_fault(buf_view(&text), 1, 2 * CONFIG_NODES_MAX, "more than 100000 values");
	fill(&text, "a: ", "x", VALUE_SIZE - 1);
	buf_text(&text, "\nb: &c d\n");
	expect_fault(buf_view(&text), 2, 4, "anchor"); /* 8,191 bytes are not too many */
	fill(&text, "a: ", "x", VALUE_SIZE);
	expect_fault(buf_view(&text), 1, 4, "longer than 8,191 bytes");
	fill(&text, "", "x", CONFIG_BYTES_MAX + 1);
	expect_fault(buf_view(&text), 0, 0, "larger than 1048576 bytes");
	fill(&text, "", "#\n", CONFIG_BYTES_MAX / 2);
	expect_fault(buf_view(&text), 0, 0, "nothing in it");
	buf_clear(&text);
	buf_char(&text, '{');
	for (int i = 0; i < 49000; i++)
		buf_format(&text, "k%d: 1, ", i);
	column = (int)text.n + 1;
	buf_text(&text, "k48999: 2}\n");
	expect_fault(buf_view(&text), 1, column, "it stands on line 1 already");
	assert_true(clock_mono_us() - began_us < 20 * 1000 * 1000);
	buf_free(&text);
}

/* Any bytes end in a tree or in a fault; the sanitizers see to the rest. Fixed seeds. */
static void
mutated_files_do_no_harm(void **state UNUSED)
{
	static const char seed_text[] =
	    "version: 1\nengines: {local: {host: 'unix:///s'}}\nprojects:\n  a: &x\n    "
	    "image: \"r.io/a\"\n"
	    "    env: {A: 'it', B: [1, 2]}\n    b: |\n      x\n    stages: {<<: *x, p: !!map "
	    "{}, ? [q] : 1}\n";
	static const char letters[] = "\t\n :-?,[]{}#&*!|>'\"%@`\\0a\xc3\xff\xe2\x80";
	uint64_t random = 20240131;
	size_t trees = 0;

	for (int round = 0; round < 20000; round++) {
		char text[sizeof(seed_text)];
		struct reading r;

		memcpy(text, seed_text, sizeof(text));
		for (int i = 0; i < 1 + round % 6; i++) {
			random = random * 6364136223846793005u + 1442695040888963407u;
			text[(random >> 33) % (sizeof(text) - 1)] =
			    letters[(random >> 20) % (sizeof(letters) - 1)];
		}
		reading_begin(&r, (struct str){ text, sizeof(text) - 1 });
		assert_true(r.root != NULL || r.problems.count > 0);
		trees += r.root != NULL;
		reading_end(&r);
	}
	print_message("20,000 mutations: %zu trees\n", trees);
	assert_true(trees > 100); /* the mutations reach the inside, too */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_know_their_place),
		cmocka_unit_test(scalars_have_the_types_of_the_core_schema),
		cmocka_unit_test(texts_keep_what_was_written),
		cmocka_unit_test(byte_order_mark_crlf_and_directive_are_harmless),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(broken_syntax_has_a_place),
		cmocka_unit_test(what_could_surprise_is_refused),
		cmocka_unit_test(a_refused_key_hides_no_other_fault),
		cmocka_unit_test(billion_laughs_stay_nine_lines),
		cmocka_unit_test(bounds_hold_and_cost_little),
		cmocka_unit_test(mutated_files_do_no_harm),
	};

	return cmocka_run_group_tests_name("config_yaml", tests, NULL, NULL);
}
