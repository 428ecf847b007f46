/* test_letter.c - what a notification says, and that nothing in it is more than text: not to a chat,
 * not in JSON, not in a mail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/notice.h"
#include "ports/letter.h"

#define DELIVERY "0d9c6d0c-2f50-4b7f-8f0c-5b0f7a3a6a52"

static struct buf out;

static struct letter
letter_of(int notice)
{
	return (struct letter){ .notice = notice,
		.delivery = DELIVERY,
		.tier = "stage",
		.project = "shop",
		.stage = "production",
		.image = "registry.example/shop",
		.tag = "v3",
		.digest = "sha256:abc",
		.text = "it is so",
		.url = "https://shop.example/",
		.deploy = 12,
		.at_ms = INT64_C(1769862896789) };
}

static const char *
title_of(struct letter letter)
{
	buf_clear(&out);
	letter_title(&letter, &out);
	return buf_cstr(&out);
}

static const char *
body_of(struct letter letter)
{
	buf_clear(&out);
	letter_body(&letter, &out);
	return buf_cstr(&out);
}

static struct json *
written(const struct letter *letter, enum receiver_kind kind, const char *target)
{
	struct err err = { "" };
	struct json *json;

	buf_clear(&out);
	letter_write(letter, kind, target, &out);
	json = json_parse(buf_view(&out), &err);
	if (json == NULL)
		fail_msg("%s: %s", err.text, buf_cstr(&out));
	return json;
}

static void
each_event_has_its_title(void **state UNUSED)
{
	static const char *const titles[] = {
		[NOTICE_STARTED] = "shop/production: v3 is being deployed",
		[NOTICE_SUCCEEDED] = "shop/production: v3 is live",
		[NOTICE_FAILED] = "shop/production: v3 was not deployed",
		[NOTICE_ROLLED_BACK] = "shop/production: v3 was rolled back",
		[NOTICE_HELD] = "shop/production: v3 is held back",
		[NOTICE_APPROVAL] = "shop/production: v3 waits for an approval",
		[NOTICE_DRIFT] = "shop/production: its route was changed by somebody else",
		[NOTICE_GONE] = "shop/production: a container is gone",
		[NOTICE_TEST] = "shop/production: a test",
	};
	struct letter letter;

	for (size_t i = 0; i < COUNT(titles); i++)
		assert_string_equal(title_of(letter_of((int)i)), titles[i]);
	letter = letter_of(NOTICE_SUCCEEDED);
	letter.tag = "";
	assert_string_equal(title_of(letter), "shop/production: sha256:abc is live");
	letter.digest = "";
	assert_string_equal(title_of(letter), "shop/production: a version is live");
	letter = letter_of(NOTICE_TEST);
	letter.stage = "";
	assert_string_equal(title_of(letter), "shop: a test");
	letter.project = "";
	assert_string_equal(title_of(letter), "Slipway: a test");
}

static void
a_body_says_why_and_where(void **state UNUSED)
{
	struct letter letter = letter_of(NOTICE_ROLLED_BACK);

	assert_string_equal(body_of(letter),
	    "it is so\nIt was taken away again.\n"
	    "https://shop.example/\nDetails: slipway show 12");
	letter.text = "";
	letter.url = "";
	letter.deploy = 0;
	assert_string_equal(body_of(letter), "It was taken away again.");
	letter.notice = NOTICE_DRIFT;
	assert_string_equal(body_of(letter), "");
}

static void
assert_member(const struct json *object, const char *key, const char *wanted)
{
	if (strcmp(json_text(json_get(object, key)), wanted) != 0)
		fail_msg(
		    "%s is '%s', not '%s'", key, json_text(json_get(object, key)), wanted);
}

static void
a_webhook_has_every_member(void **state UNUSED)
{
	struct letter letter = letter_of(NOTICE_ROLLED_BACK);
	struct json *json = written(&letter, RECEIVER_WEBHOOK, "");

	assert_int_equal(json_count(json), 15);
	assert_member(json, "event", "deploy_rolled_back");
	assert_member(json, "delivery", DELIVERY);
	assert_member(json, "timestamp", "2026-01-31T12:34:56.789Z");
	assert_member(json, "tier", "stage");
	assert_member(json, "project", "shop");
	assert_member(json, "stage", "production");
	assert_member(json, "status", "rolled_back");
	assert_member(json, "image", "registry.example/shop");
	assert_member(json, "tag", "v3");
	assert_member(json, "digest", "sha256:abc");
	assert_member(json, "url", "https://shop.example/");
	assert_member(json, "error", "it is so");
	assert_member(json, "title", "shop/production: v3 was rolled back");
	assert_int_equal(json_number(json_get(json, "deploy")), 12);
	json_free(json);
	letter = letter_of(NOTICE_SUCCEEDED); /* its text is no error */
	letter.deploy = 0;
	json = written(&letter, RECEIVER_WEBHOOK, "");
	assert_member(json, "error", "");
	assert_int_equal(json_kind(json_get(json, "deploy")), JSON_IS_NULL);
	json_free(json);
}

static void
a_phone_knows_what_is_bad(void **state UNUSED)
{
	struct letter letter = letter_of(NOTICE_FAILED);
	struct json *json = written(&letter, RECEIVER_NTFY, "deploys");

	assert_member(json, "topic", "deploys");
	assert_member(json, "click", "https://shop.example/");
	assert_int_equal(json_number(json_get(json, "priority")), 4);
	assert_string_equal(json_text(json_at(json_get(json, "tags"), 0)), "warning");
	json_free(json);
	json = written(&letter, RECEIVER_GOTIFY, "");
	assert_int_equal(json_number(json_get(json, "priority")), 8);
	json_free(json);
	letter = letter_of(NOTICE_SUCCEEDED);
	letter.url = "";
	json = written(&letter, RECEIVER_NTFY, "deploys");
	assert_null(json_get(json, "click"));
	assert_int_equal(json_number(json_get(json, "priority")), 3);
	assert_string_equal(json_text(json_at(json_get(json, "tags"), 0)), "package");
	json_free(json);
	json = written(&letter, RECEIVER_GOTIFY, "");
	assert_int_equal(json_number(json_get(json, "priority")), 4);
	json_free(json);
}

static void
what_is_told_is_text_everywhere(void **state UNUSED)
{
	struct letter letter = letter_of(NOTICE_FAILED);
	const char *text;
	struct json *json;

	letter.tag = "v_3";
	letter.text = "<!channel> @everyone **b** [a](http://x) & \"q\" \\ \x01\xff";
	json = written(&letter, RECEIVER_SLACK, "");
	text = json_text(json_get(json, "text"));
	assert_non_null(strstr(text, "*shop/production: v_3 was not deployed*\n"));
	assert_non_null(strstr(text, "&lt;!channel&gt; @everyone"));
	assert_non_null(strstr(text, "&amp; \"q\""));
	assert_null(strpbrk(text, "<>"));
	json_free(json);
	json = written(&letter, RECEIVER_DISCORD, "");
	text = json_text(json_get(json, "content"));
	assert_non_null(strstr(text, "**shop/production: v\\_3 was not deployed**\n"));
	assert_non_null(
	    strstr(text, "\\<!channel\\> \\@everyone \\*\\*b\\*\\* \\[a\\]\\(http://x\\)"));
	assert_int_equal(json_count(json_get(json_get(json, "allowed_mentions"), "parse")), 0);
	assert_int_equal(
	    json_kind(json_get(json_get(json, "allowed_mentions"), "parse")), JSON_IS_ARRAY);
	json_free(json);
	for (int kind = 0; kind < RECEIVER_EMAIL; kind++)
		json_free(written(&letter, (enum receiver_kind)kind, "topic"));
}

/* Mail. */

static unsigned
digit_of(char c)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? 64 : (unsigned)(at - digits);
}

static void
decode(struct str text, struct buf *to)
{
	unsigned bits = 0;
	int count = 0;

	for (size_t i = 0; i < text.n; i++) {
		unsigned digit = digit_of(text.p[i]);
		if (digit == 64)
			continue;
		bits = bits << 6 | digit;
		count += 6;
		if (count >= 8) {
			count -= 8;
			buf_char(to, (char)(bits >> count & 255));
		}
	}
}

/* The encoded words of the subject, read and joined. */
static void
read_subject(const char *mail, struct buf *to)
{
	const char *at = strstr(mail, "\r\nSubject: ");
	const char *end = strstr(at + 2, "\r\nDate: ");

	assert_non_null(end);
	while ((at = strstr(at, "=?utf-8?B?")) != NULL && at < end) {
		const char *word = at + strlen("=?utf-8?B?");
		const char *close = strstr(word, "?=");
		assert_true(close - at + 2 <= 75);
		decode((struct str){ word, (size_t)(close - word) }, to);
		at = close;
	}
}

static void
a_mail_has_no_header_of_others(void **state UNUSED)
{
	static const char *const to[] = { "a@example.org", "b@example.org", NULL };
	static const char *const heads[] = { "From: Slipway <slipway@example.org>",
		"To: <a@example.org>,", " <b@example.org>",
		"Subject: ", "Date: ", "Message-ID: ", "Auto-Submitted: ", "MIME-Version: 1.0",
		"X-Slipway-Event: deploy_failure", "X-Slipway-Delivery: " DELIVERY,
		"Content-Type: multipart/alternative;", " boundary=\"" DELIVERY "\"" };
	struct letter letter = letter_of(NOTICE_FAILED);
	struct buf subject;
	struct str rest;
	size_t i = 0;

	letter.tag = "v3\r\nBcc: x@example.org";
	letter.text = "first\r\n\r\n.\r\nMAIL FROM:<x>\r\n<script>";
	letter.project = "bücher-bücher-bücher-bücher-bücher";
	buf_clear(&out);
	letter_mail(&letter, "slipway@example.org", to, &out);
	assert_false(out.overflow);
	buf_init(&subject, 1024);
	read_subject(buf_cstr(&out), &subject);
	assert_string_equal(buf_cstr(&subject),
	    "bücher-bücher-bücher-bücher-bücher/production: v3\r\nBcc: x@example.org was not"
	    " deployed");
	buf_free(&subject);
	rest = buf_view(&out);
	while (rest.n > 0) {
		struct str line;
		rest = str_cut(rest, '\n', &line);
		assert_true(line.n > 0 && line.n <= 78 && line.p[line.n - 1] == '\r');
		for (size_t k = 0; k < line.n; k++)
			assert_true((unsigned char)line.p[k] < 0x7f);
		if (line.n == 1)
			break;
		if (str_starts(line, " =?utf-8?B?"))
			continue; /* the subject goes on */
		assert_true(i < COUNT(heads) && str_starts(line, heads[i]));
		i++;
	}
	assert_int_equal(i, COUNT(heads));
	assert_non_null(strstr(buf_cstr(&out), "<" DELIVERY "@example.org>"));
	assert_non_null(strstr(buf_cstr(&out), "\r\n--" DELIVERY "--\r\n"));
	assert_null(strstr(buf_cstr(&out), "script"));
}

/* What stands behind the blank line of a part, read. */
static void
read_part(const char *type, struct buf *to)
{
	const char *at = strstr(buf_cstr(&out), type);
	const char *body = at == NULL ? NULL : strstr(at, "\r\n\r\n");
	const char *end = body == NULL ? NULL : strstr(body, "\r\n--");

	assert_non_null(end);
	decode((struct str){ body, (size_t)(end - body) }, to);
}

static void
both_parts_say_the_same(void **state UNUSED)
{
	static const char *const to[] = { "a@example.org", NULL };
	struct letter letter = letter_of(NOTICE_HELD);
	struct buf text;

	letter.text = "a & b <c> \"d\"";
	letter.url = "https://shop.example/?a=\"b\"";
	buf_clear(&out);
	letter_mail(&letter, "slipway@example.org", to, &out);
	buf_init(&text, 8192);
	read_part("Content-Type: text/plain; charset=utf-8", &text);
	assert_string_equal(buf_cstr(&text),
	    "a & b <c> \"d\"\nhttps://shop.example/?a=\"b\"\nDetails: slipway show 12");
	buf_clear(&text);
	read_part("Content-Type: text/html; charset=utf-8", &text);
	assert_non_null(
	    strstr(buf_cstr(&text), "<strong>shop/production: v3 is held back</strong>"));
	assert_non_null(strstr(buf_cstr(&text), "a &amp; b &lt;c&gt; &quot;d&quot;<br>\n"));
	assert_non_null(
	    strstr(buf_cstr(&text), "<a href=\"https://shop.example/?a=&quot;b&quot;\">"));
	buf_free(&text);
}

static int
make_room(void **state UNUSED)
{
	buf_init(&out, 4 * NOTIFY_BODY_MAX);
	return 0;
}

static int
free_room(void **state UNUSED)
{
	buf_free(&out);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_event_has_its_title),
		cmocka_unit_test(a_body_says_why_and_where),
		cmocka_unit_test(a_webhook_has_every_member),
		cmocka_unit_test(a_phone_knows_what_is_bad),
		cmocka_unit_test(what_is_told_is_text_everywhere),
		cmocka_unit_test(a_mail_has_no_header_of_others),
		cmocka_unit_test(both_parts_say_the_same),
	};

	return cmocka_run_group_tests(tests, make_room, free_room);
}
