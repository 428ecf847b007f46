/* test_notify.c - the port of notifications: whose turn it is, what is sent to whom, and what an
 * answer means. What goes out is a list of requests; the test answers them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "config/file.h"
#include "ports/fetch.h"
#include "ports/notify.h"
#include "ports/port.h"
#include "store/catalog.h"
#include "store/store.h"

enum { SENT_MAX = 64, TEXT_SIZE = 4096 };

struct fetch_transfer { /* one that was begun */
	struct fetch_request request;
	char url[512];
	char headers[TEXT_SIZE];
	char body[TEXT_SIZE];
	char login[256];
	char envelope[512];
	bool is_over;
};

static struct fetch_transfer sent[SENT_MAX];
static size_t sent_count;
static const char *retry_after = "";
static struct event answers[SENT_MAX];
static size_t answer_count;
static struct notify_tested tested;
static int tested_count;
static struct store *store;
static struct catalog *catalog;
static struct notifier *notifier;

/* In place of src/ports/fetch.c. */

static void
take_lines(char *to, const char *const *lines)
{
	to[0] = '\0';
	for (; lines != NULL && *lines != NULL; lines++)
		snprintf(to + strlen(to), TEXT_SIZE - strlen(to), "%s\n", *lines);
}

struct fetch_transfer *
fetch_start(struct fetch *fetch UNUSED, const struct fetch_request *request)
{
	struct fetch_transfer *t = &sent[sent_count++];

	assert_true(sent_count < SENT_MAX);
	assert_false(request->follow); /* what it gets is for nobody else */
	*t = (struct fetch_transfer){ .request = *request };
	snprintf(t->url, sizeof(t->url), "%s", request->url);
	snprintf(t->body, sizeof(t->body), "%.*s", (int)request->body.n, request->body.p);
	take_lines(t->headers, request->headers);
	if (request->basic_user != NULL)
		snprintf(t->login, sizeof(t->login), "%s:%s", request->basic_user,
		    request->basic_password);
	if (request->mail != NULL) {
		snprintf(t->envelope, sizeof(t->envelope), "%s%s", request->mail->from,
		    request->mail->may_be_plain ? " plain" : "");
		for (const char *const *to = request->mail->to; *to != NULL; to++)
			snprintf(t->envelope + strlen(t->envelope),
			    sizeof(t->envelope) - strlen(t->envelope), " %s", *to);
	}
	return t;
}

void
fetch_cancel(struct fetch_transfer *t)
{
	assert_false(t->is_over);
	t->is_over = true;
}

struct str
fetch_header(const struct fetch_transfer *t UNUSED, const char *name)
{
	return str_of(strcmp(name, "Retry-After") == 0 ? retry_after : "");
}

static void
finish(size_t index, struct fetch_result result, const char *body)
{
	struct fetch_transfer *t = &sent[index];

	assert_false(t->is_over);
	t->is_over = true;
	result.transfer = t;
	if (t->request.on_body != NULL)
		assert_true(t->request.on_body(t->request.context, str_of(body)));
	t->request.on_done(t->request.context, &result);
}

static void
say(size_t index, int status, const char *body)
{
	finish(
	    index, (struct fetch_result){ .outcome = FETCH_ANSWERED, .status = status }, body);
}

/* What the port says. */

static void
on_answer(void *context UNUSED, const struct event *event)
{
	assert_true(answer_count < SENT_MAX);
	answers[answer_count++] = *event;
}

static void
on_tested(void *context, const struct notify_tested *t)
{
	assert_ptr_equal(context, &tested);
	tested_count++;
	if (t != NULL)
		tested = *t;
}

static const struct event *
last(void)
{
	assert_true(answer_count > 0);
	return &answers[answer_count - 1];
}

/* A stage, and receivers of every kind. */

static struct receiver_config
receiver(const char *name, enum receiver_kind kind, const char *url)
{
	struct receiver_config r = { .kind = kind, .events = NOTICES_ALL };

	snprintf(r.name, sizeof(r.name), "%s", name);
	if (strncmp(url, "env:", 4) == 0)
		snprintf(r.url_env, sizeof(r.url_env), "%s", url + 4);
	else
		snprintf(r.url, sizeof(r.url), "%s", url);
	return r;
}

static void
set_receivers(void)
{
	struct receiver_config all[] = {
		receiver("signed", RECEIVER_WEBHOOK, "https://ops.example/hook?a=b"),
		receiver("plain", RECEIVER_WEBHOOK, "http://ops.example/"),
		receiver("slack", RECEIVER_SLACK, "env:SLACK"),
		receiver("discord", RECEIVER_DISCORD, "env:DISCORD"),
		receiver("ntfy", RECEIVER_NTFY, "https://ntfy.example/sub/deploys"),
		receiver("gotify", RECEIVER_GOTIFY, "https://gotify.example/sub"),
		receiver("mail", RECEIVER_EMAIL, "smtp://mail.example:587"),
	};
	const size_t with_secret[] = { 0, 4, 5, 6 };

	for (size_t i = 0; i < COUNT(with_secret); i++)
		snprintf(all[with_secret[i]].secret_env, sizeof(all[0].secret_env), "SECRET");
	snprintf(all[6].username, sizeof(all[6].username), "me");
	snprintf(all[6].sender, sizeof(all[6].sender), "slipway@example.org");
	snprintf(all[6].recipients, sizeof(all[6].recipients), "a@example.org b@example.org");
	snprintf(all[6].ca_file, sizeof(all[6].ca_file), "/ca.pem");
	catalog_replace_receivers(catalog, all, COUNT(all));
}

static void
set_stage(void)
{
	struct config_file *file = config_file_parse(
	    STR("version: 1\nprojects: {shop: {image: r.io/a, port: 80, health: {http: /h},"
		" stages: {production: {domains: [\"{tag}.shop.example\"]}}}}"),
	    NULL);
	struct buf json;
	bool is_new;
	uint64_t project;

	assert_int_equal(file->faults.count, 0);
	buf_init(&json, 64 << 10);
	stage_spec_write(&file->projects[0].stages[0], &json);
	project = catalog_put_project(catalog, "shop", &is_new);
	catalog_add_stage(catalog, project, 1, 2, buf_view(&json));
	buf_free(&json);
	config_file_free(file);
}

static int
begin(void **state UNUSED)
{
	struct port_host host = { .answer = on_answer };
	struct err err = { "" };

	log_setup(LOG_ERROR, false, 2);
	clock_tick();
	setenv("SECRET", "the secret", 1);
	setenv("SLACK", "https://hooks.slack.example/services/T/B/xyz", 1);
	setenv("DISCORD", "https://discord.example/api/webhooks/1/token", 1);
	memset(sent, 0, sizeof(sent));
	sent_count = 0;
	answer_count = 0;
	tested_count = 0;
	retry_after = "";
	store = store_open(NULL, &err);
	assert_non_null(store);
	catalog = catalog_new(store);
	assert_int_equal(catalog_load(catalog, &err), 0);
	set_receivers();
	set_stage();
	host.store = store;
	host.catalog = catalog;
	notifier = notifier_new(&host, NULL, true);
	return 0;
}

static int
end(void **state UNUSED)
{
	notifier_free(notifier);
	catalog_free(catalog);
	store_close(store);
	return 0;
}

static void
put(uint64_t id, const char *receiver_name)
{
	struct actor a = { .id = id, .kind = ACTOR_NOTIFY, .state = NOTIFY_SENDING };

	a.notify.stage = 1;
	a.notify.deploy = 9;
	a.notify.notice = NOTICE_ROLLED_BACK;
	a.notify.created_ms = INT64_C(1769862896789);
	snprintf(a.notify.receiver, sizeof(a.notify.receiver), "%s", receiver_name);
	snprintf(a.notify.tier, sizeof(a.notify.tier), "stage");
	snprintf(a.notify.delivery, sizeof(a.notify.delivery), "delivery-%d", (int)id);
	snprintf(a.notify.tag, sizeof(a.notify.tag), "v3");
	snprintf(a.notify.text, sizeof(a.notify.text), "it was bad");
	store_actor_put(store, &a);
}

static void
perform(uint64_t id, uint32_t epoch)
{
	notifier_perform(notifier,
	    &(struct effect){ .kind = FX_NOTIFY, .actor = id, .epoch = epoch, .stage = 1 });
}

static void
notify(uint64_t id, const char *receiver_name)
{
	put(id, receiver_name);
	perform(id, 3);
}

/* Turns. */

static void
one_that_hangs_holds_up_nobody_else(void **state UNUSED)
{
	for (uint64_t id = 10; id < 15; id++)
		notify(id, "signed");
	notify(20, "plain");
	assert_int_equal(sent_count, 3); /* two of the five, and the other */
	assert_string_equal(sent[2].url, "http://ops.example/");
	say(2, 200, "");
	assert_int_equal(answer_count, 1);
	assert_int_equal(last()->to, 20);
	say(0, 200, "");
	assert_int_equal(sent_count, 4); /* the next one has its turn */
	notifier_forget(notifier, 11); /* under way: its place is free */
	assert_true(sent[1].is_over);
	assert_int_equal(sent_count, 5);
	notifier_forget(notifier, 14); /* in line */
	say(3, 200, "");
	say(4, 200, "");
	assert_int_equal(sent_count, 5);
	assert_int_equal(answer_count, 4);
	assert_false(notifier_is_busy(notifier));
}

static void
few_are_under_way_at_once(void **state UNUSED)
{
	struct receiver_config many[NOTIFY_AT_ONCE_MAX];

	for (int i = 0; i < NOTIFY_AT_ONCE_MAX; i++) {
		char name[NAME_SIZE];
		snprintf(name, sizeof(name), "r%d", i);
		many[i] = receiver(name, RECEIVER_WEBHOOK, "https://ops.example/");
	}
	catalog_replace_receivers(catalog, many, COUNT(many));
	for (uint64_t i = 0; i < NOTIFY_AT_ONCE_MAX + 4; i++)
		notify(10 + i, many[i % NOTIFY_AT_ONCE_MAX].name);
	assert_int_equal(sent_count, NOTIFY_AT_ONCE_MAX);
	assert_true(notifier_is_busy(notifier));
	say(5, 500, "");
	assert_int_equal(sent_count, NOTIFY_AT_ONCE_MAX + 1);
}

static void
a_newer_effect_takes_the_place_of_the_older(void **state UNUSED)
{
	notify(10, "signed");
	perform(10, 4);
	assert_true(sent[0].is_over);
	assert_int_equal(sent_count, 2);
	assert_string_equal(sent[0].body, sent[1].body); /* delivery id and all */
	say(1, 204, "");
	assert_int_equal(answer_count, 1);
	assert_int_equal(last()->epoch, 4);
}

/* What is sent. */

static void
a_webhook_is_signed(void **state UNUSED)
{
	char hex[HASH_HEX_SIZE];
	char line[128];

	notify(10, "signed");
	assert_string_equal(sent[0].url, "https://ops.example/hook?a=b");
	assert_string_equal(sent[0].request.method, "POST");
	hash_hmac_hex(str_of("the secret"), str_of(sent[0].body), hex);
	snprintf(line, sizeof(line), "X-Hub-Signature-256: sha256=%s\n", hex);
	assert_non_null(strstr(sent[0].headers, line));
	assert_non_null(strstr(sent[0].headers, "X-Slipway-Event: deploy_rolled_back\n"));
	assert_non_null(strstr(sent[0].headers, "X-Slipway-Delivery: delivery-10\n"));
	assert_non_null(
	    strstr(sent[0].headers, "X-Slipway-Timestamp: 2026-01-31T12:34:56.789Z\n"));
	assert_non_null(strstr(sent[0].headers, "X-Slipway-Tier: stage\n"));
	assert_non_null(strstr(sent[0].headers, "User-Agent: Slipway/"));
	assert_non_null(strstr(sent[0].headers, "Content-Type: application/json\n"));
	assert_non_null(strstr(sent[0].body, "\"url\":\"https://v3.shop.example/\""));
	assert_non_null(strstr(sent[0].body, "\"image\":\"r.io/a\""));
	notify(11, "plain");
	assert_null(strstr(sent[1].headers, "Signature"));
}

/* RFC 4231, test cases 1 and 6 (a key longer than a block). */
static void
the_hmac_is_that_of_the_rfc(void **state UNUSED)
{
	char key[131];
	char hex[HASH_HEX_SIZE];

	memset(key, 0x0b, sizeof(key));
	hash_hmac_hex((struct str){ key, 20 }, STR("Hi There"), hex);
	assert_string_equal(
	    hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	memset(key, 0xaa, sizeof(key));
	hash_hmac_hex((struct str){ key, sizeof(key) },
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"), hex);
	assert_string_equal(
	    hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
each_kind_is_spoken_to_as_it_wants(void **state UNUSED)
{
	notify(10, "slack");
	notify(11, "discord");
	notify(12, "ntfy");
	notify(13, "gotify");
	notify(14, "mail");
	assert_int_equal(sent_count, 5);
	assert_string_equal(sent[0].url, "https://hooks.slack.example/services/T/B/xyz");
	assert_string_equal(sent[1].url, "https://discord.example/api/webhooks/1/token");
	assert_string_equal(sent[2].url, "https://ntfy.example/sub/");
	assert_non_null(strstr(sent[2].headers, "Authorization: Bearer the secret\n"));
	assert_non_null(strstr(sent[2].body, "\"topic\":\"deploys\""));
	assert_string_equal(sent[3].url, "https://gotify.example/sub/message");
	assert_non_null(strstr(sent[3].headers, "X-Gotify-Key: the secret\n"));
	assert_string_equal(sent[4].url, "smtp://mail.example:587");
	assert_string_equal(sent[4].login, "me:the secret");
	assert_string_equal(
	    sent[4].envelope, "slipway@example.org a@example.org b@example.org");
	assert_string_equal(sent[4].request.ca_file, "/ca.pem");
	assert_non_null(strstr(sent[4].body, "X-Slipway-Delivery: delivery-14\r\n"));
	for (size_t i = 0; i < 4; i++)
		assert_null(sent[i].request.mail);
}

static void
expect_failure(enum event_kind kind, const char *words)
{
	if (last()->kind != kind || strstr(last()->text, words) == NULL)
		fail_msg("%s: %s", event_names[last()->kind], last()->text);
}

static void
secrets_do_not_go_in_the_clear(void **state UNUSED)
{
	struct receiver_config all[] = {
		receiver("slack", RECEIVER_SLACK, "env:SLACK"),
		receiver("ntfy", RECEIVER_NTFY, "http://ntfy.example/deploys"),
		receiver("allowed", RECEIVER_NTFY, "http://ntfy.example/deploys"),
		receiver("near", RECEIVER_NTFY, "http://127.0.0.1:80/deploys"),
		receiver("open", RECEIVER_NTFY, "http://ntfy.example/deploys"),
	};

	for (size_t i = 1; i < 4; i++)
		snprintf(all[i].secret_env, sizeof(all[i].secret_env), "SECRET");
	all[2].is_insecure = true;
	catalog_replace_receivers(catalog, all, COUNT(all));
	setenv("SLACK", "http://hooks.slack.example/services/T/B/xyz", 1);
	notify(10, "slack");
	expect_failure(EV_TROUBLED, "in the clear");
	assert_null(strstr(last()->text, "xyz"));
	notify(11, "ntfy");
	expect_failure(EV_TROUBLED, "in the clear");
	assert_int_equal(sent_count, 0);
	notify(12, "allowed");
	notify(13, "near");
	notify(14, "open");
	assert_int_equal(sent_count, 3);
}

static void
what_is_missing_is_told(void **state UNUSED)
{
	unsetenv("SECRET");
	notify(10, "signed");
	expect_failure(EV_TROUBLED, "the secret of receiver 'signed'");
	setenv("SECRET", "two\nlines", 1);
	notify(11, "ntfy");
	expect_failure(EV_TROUBLED, "not one line");
	unsetenv("SLACK");
	notify(12, "slack");
	expect_failure(EV_TROUBLED, "the URL of receiver 'slack'");
	setenv("SLACK", "ftp://hooks.slack.example/abc", 1);
	notify(13, "slack");
	expect_failure(EV_TROUBLED, "must begin with http://");
	assert_null(strstr(last()->text, "abc"));
	notify(14, "nobody");
	expect_failure(EV_REFUSED, "no receiver 'nobody' any more");
	perform(15, 3);
	expect_failure(EV_REFUSED, "any more");
	assert_int_equal(sent_count, 0);
	assert_false(notifier_is_busy(notifier));
}

/* What an answer means. */

static void
each_answer_has_its_meaning(void **state UNUSED)
{
	static const struct {
		int status;
		enum event_kind kind;
		const char *words;
	} rows[] = {
		{ 200, EV_NOTIFIED, "" },
		{ 204, EV_NOTIFIED, "" },
		{ 299, EV_NOTIFIED, "" },
		{ 301, EV_REFUSED, "redirect" },
		{ 400, EV_REFUSED, "it answered 400: no good" },
		{ 401, EV_REFUSED, "401" },
		{ 404, EV_TROUBLED, "404" },
		{ 408, EV_TROUBLED, "408" },
		{ 410, EV_REFUSED, "410" },
		{ 425, EV_TROUBLED, "425" },
		{ 429, EV_TROUBLED, "429" },
		{ 500, EV_TROUBLED, "500" },
		{ 503, EV_TROUBLED, "503" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		notify(10 + i, "signed");
		say(i, rows[i].status, "no\ngood");
		expect_failure(rows[i].kind, rows[i].words);
		assert_int_equal(last()->count, rows[i].status);
		assert_int_equal(last()->after_ms, 0);
	}
	retry_after = "120";
	notify(30, "signed");
	say(COUNT(rows), 429, "");
	assert_int_equal(last()->after_ms, 120000);
	notify(31, "signed");
	finish(COUNT(rows) + 1,
	    (struct fetch_result){ .outcome = FETCH_UNREACHED, .why = "nobody listens" }, "");
	expect_failure(EV_TROUBLED, "it cannot be reached: nobody listens");
	assert_int_equal(last()->count, 0);
}

static void
mail_is_refused_for_now_or_for_good(void **state UNUSED)
{
	notify(10, "mail");
	say(0, 250, "");
	assert_int_equal(last()->kind, EV_NOTIFIED);
	notify(11, "mail");
	finish(1,
	    (struct fetch_result){
		.outcome = FETCH_BROKEN, .status = 451, .why = "RCPT failed" },
	    "");
	expect_failure(EV_TROUBLED, "the mail server answered 451: RCPT failed");
	notify(12, "mail");
	finish(2,
	    (struct fetch_result){
		.outcome = FETCH_BROKEN, .status = 550, .why = "RCPT failed" },
	    "");
	expect_failure(EV_REFUSED, "550");
	notify(13, "mail");
	finish(3,
	    (struct fetch_result){ .outcome = FETCH_BROKEN, .status = 250, .why = "no TLS" },
	    "");
	expect_failure(EV_TROUBLED, "the mail was not sent: no TLS");
}

static void
an_answer_that_repeats_the_secret_is_not_shown(void **state UNUSED)
{
	notify(10, "ntfy");
	say(0, 403, "your token 'the secret' is wrong");
	expect_failure(EV_REFUSED, "403");
	assert_null(strstr(last()->text, "the secret'"));
	notify(11, "slack");
	say(1, 403, "no /xyz here");
	assert_null(strstr(last()->text, "xyz"));
}

/* A person tries. */

static void
test_of(const char *receiver_name)
{
	notifier_test(notifier, &(struct notify_test){ receiver_name, "project", "shop", "" },
	    on_tested, &tested);
}

static void
a_try_tells_everything(void **state UNUSED)
{
	test_of("signed");
	assert_non_null(strstr(sent[0].body, "\"event\":\"test\""));
	assert_non_null(strstr(sent[0].body, "\"title\":\"shop: a test\""));
	say(0, 201, " thank\nyou ");
	assert_int_equal(tested_count, 1);
	assert_true(tested.is_delivered && tested.is_signed);
	assert_int_equal(tested.status, 201);
	assert_string_equal(tested.snippet, "thank you");
	assert_string_equal(tested.why, "");
	assert_non_null(strstr(sent[0].body, tested.delivery));
	assert_int_equal(strlen(tested.delivery), 36);
	test_of("plain");
	say(1, 500, "");
	assert_false(tested.is_delivered || tested.is_signed);
	assert_non_null(strstr(tested.why, "500"));
	test_of("nobody");
	assert_int_equal(tested_count, 3);
	assert_non_null(strstr(tested.why, "no receiver is called 'nobody'"));
	assert_int_equal(answer_count, 0);
}

static void
a_try_waits_for_no_turn_and_hears_of_the_end(void **state UNUSED)
{
	for (uint64_t id = 10; id < 15; id++)
		notify(id, "signed");
	test_of("signed");
	assert_int_equal(sent_count, 3);
	notifier_free(notifier);
	notifier = NULL;
	assert_int_equal(tested_count, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_hangs_holds_up_nobody_else),
		TEST(few_are_under_way_at_once),
		TEST(a_newer_effect_takes_the_place_of_the_older),
		TEST(a_webhook_is_signed),
		TEST(the_hmac_is_that_of_the_rfc),
		TEST(each_kind_is_spoken_to_as_it_wants),
		TEST(secrets_do_not_go_in_the_clear),
		TEST(what_is_missing_is_told),
		TEST(each_answer_has_its_meaning),
		TEST(mail_is_refused_for_now_or_for_good),
		TEST(an_answer_that_repeats_the_secret_is_not_shown),
		TEST(a_try_tells_everything),
		TEST(a_try_waits_for_no_turn_and_hears_of_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
