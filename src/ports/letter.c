/* letter.c - see letter.h; mail is in letter_mail.c. */
#include "ports/letter.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"

/* status: one word for programs. what: the title behind "shop/production: v3". */
static const struct words {
	const char *status;
	const char *what;
	const char *sentence; /* %s: no text of its own */
	bool is_about_tag;
	bool is_bad; /* the text says what went wrong */
} words[NOTICE_COUNT + 1] = {
	[NOTICE_STARTED] = { "started", "is being deployed", "It has its turn.", true, false },
	[NOTICE_SUCCEEDED] = { "success", "is live", "It serves now.", true, false },
	[NOTICE_FAILED] = { "failure", "was not deployed",
	    "Nothing of it ran; what served before serves on.", true, true },
	[NOTICE_ROLLED_BACK] = { "rolled_back", "was rolled back", "It was taken away again.",
	    true, true },
	[NOTICE_HELD] = { "held", "is held back", "", true, true },
	[NOTICE_APPROVAL] = { "waiting", "waits for an approval", "", true, false },
	[NOTICE_DRIFT] = { "drift", "its route was changed by somebody else", "", false,
	    true },
	[NOTICE_GONE] = { "gone", "a container is gone", "", false, true },
	[NOTICE_TEST] = { "test", "a test", "Notifications arrive here.", false, false },
};

const char *
letter_event(const struct letter *letter)
{
	return letter->notice == NOTICE_TEST ? "test" : notice_names[letter->notice];
}

static void
write_where(const struct letter *letter, struct buf *to)
{
	if (letter->project[0] == '\0')
		buf_text(to, "Slipway");
	else if (letter->stage[0] == '\0')
		buf_text(to, letter->project);
	else
		buf_format(to, "%s/%s", letter->project, letter->stage);
}

void
letter_title(const struct letter *letter, struct buf *to)
{
	const struct words *w = &words[letter->notice];

	write_where(letter, to);
	buf_text(to, ": ");
	if (w->is_about_tag)
		buf_format(to, "%s ",
		    letter->tag[0] != '\0'      ? letter->tag
		    : letter->digest[0] != '\0' ? letter->digest
						: "a version");
	buf_text(to, w->what);
}

static void
write_line(struct buf *to, const char *text)
{
	if (text[0] != '\0')
		buf_format(to, "%s%s", to->n == 0 ? "" : "\n", text);
}

void
letter_body(const struct letter *letter, struct buf *to)
{
	const struct words *w = &words[letter->notice];

	write_line(to, letter->text);
	write_line(to, w->sentence);
	write_line(to, letter->url);
	if (letter->deploy != 0)
		buf_format(to, "%sDetails: slipway show %" PRIu64, to->n == 0 ? "" : "\n",
		    letter->deploy);
}

/* Title and body in one text, escaped by the receiver's language. */
struct parts {
	struct buf title;
	struct buf body;
};

static void
parts_begin(struct parts *p, const struct letter *letter)
{
	buf_init(&p->title, NOTIFY_BODY_MAX);
	buf_init(&p->body, NOTIFY_BODY_MAX);
	letter_title(letter, &p->title);
	letter_body(letter, &p->body);
}

static void
parts_end(struct parts *p)
{
	buf_free(&p->title);
	buf_free(&p->body);
}

static void
write_webhook(const struct letter *letter, const struct parts *p, struct json_writer *w)
{
	char timestamp[CLOCK_TEXT_SIZE];

	clock_text(letter->at_ms, timestamp);
	json_pair_text(w, "event", letter_event(letter));
	json_pair_text(w, "delivery", letter->delivery);
	json_pair_text(w, "timestamp", timestamp);
	json_pair_text(w, "tier", letter->tier);
	json_pair_text(w, "project", letter->project);
	json_pair_text(w, "stage", letter->stage);
	json_pair_text(w, "status", words[letter->notice].status);
	json_key(w, "deploy");
	if (letter->deploy == 0)
		json_put_null(w);
	else
		json_put_integer(w, (int64_t)letter->deploy);
	json_pair_text(w, "image", letter->image);
	json_pair_text(w, "tag", letter->tag);
	json_pair_text(w, "digest", letter->digest);
	json_pair_text(w, "url", letter->url);
	json_pair_text(w, "error", words[letter->notice].is_bad ? letter->text : "");
	json_pair_str(w, "title", buf_view(&p->title));
	json_pair_str(w, "text", buf_view(&p->body));
}

/* Slack: https://docs.slack.dev/messaging/formatting-message-text#escaping */
static void
add_slack(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '&')
			buf_text(to, "&amp;");
		else if (text.p[i] == '<')
			buf_text(to, "&lt;");
		else if (text.p[i] == '>')
			buf_text(to, "&gt;");
		else
			buf_char(to, text.p[i]);
}

static void
write_slack(const struct parts *p, struct json_writer *w)
{
	struct buf text;

	buf_init(&text, NOTIFY_BODY_MAX);
	buf_char(&text, '*');
	add_slack(&text, buf_view(&p->title));
	buf_text(&text, "*\n");
	add_slack(&text, buf_view(&p->body));
	json_pair_str(w, "text", buf_view(&text));
	buf_free(&text);
}

/* Markdown: a backslash makes each of its marks a character. */
static void
add_markdown(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\0' && strchr("\\`*_~|>#[]()<@", text.p[i]) != NULL)
			buf_char(to, '\\');
		buf_char(to, text.p[i]);
	}
}

/* Discord takes 2,000 characters; a whole letter has 700 before it is escaped. Nobody is called by
 * what stands in it. */
static void
write_discord(const struct parts *p, struct json_writer *w)
{
	struct buf text;

	buf_init(&text, NOTIFY_BODY_MAX);
	buf_text(&text, "**");
	add_markdown(&text, buf_view(&p->title));
	buf_text(&text, "**\n");
	add_markdown(&text, buf_view(&p->body));
	json_pair_text(w, "username", "Slipway");
	json_pair_str(w, "content", buf_view(&text));
	json_key(w, "allowed_mentions");
	json_object_open(w);
	json_key(w, "parse");
	json_array_open(w);
	json_array_close(w);
	json_object_close(w);
	buf_free(&text);
}

static void
write_ntfy(const struct letter *letter, const struct parts *p, const char *topic,
    struct json_writer *w)
{
	bool is_bad = words[letter->notice].is_bad;

	json_pair_text(w, "topic", topic);
	json_pair_str(w, "title", buf_view(&p->title));
	json_pair_str(w, "message", buf_view(&p->body));
	json_pair_integer(w, "priority", is_bad ? 4 : 3);
	json_key(w, "tags");
	json_array_open(w);
	json_put_text(w, is_bad ? "warning" : "package");
	json_array_close(w);
	if (letter->url[0] != '\0')
		json_pair_text(w, "click", letter->url);
}

static void
write_gotify(const struct letter *letter, const struct parts *p, struct json_writer *w)
{
	json_pair_str(w, "title", buf_view(&p->title));
	json_pair_str(w, "message", buf_view(&p->body));
	json_pair_integer(w, "priority", words[letter->notice].is_bad ? 8 : 4);
}

void
letter_write(
    const struct letter *letter, enum receiver_kind kind, const char *target, struct buf *json)
{
	struct json_writer w;
	struct parts p;

	CHECK(kind != RECEIVER_EMAIL && kind != RECEIVER_KIND_COUNT);
	parts_begin(&p, letter);
	json_writer_init(&w, json);
	json_object_open(&w);
	if (kind == RECEIVER_WEBHOOK)
		write_webhook(letter, &p, &w);
	else if (kind == RECEIVER_SLACK)
		write_slack(&p, &w);
	else if (kind == RECEIVER_DISCORD)
		write_discord(&p, &w);
	else if (kind == RECEIVER_NTFY)
		write_ntfy(letter, &p, target, &w);
	else
		write_gotify(letter, &p, &w);
	json_object_close(&w);
	parts_end(&p);
}
