/* letter_mail.c - a letter as a mail (RFC 5322, 2045 to 2047).
 *
 * The one idea: what comes from outside is in base64, the subject as well as both parts; so nothing
 * in it can end a line, begin a header or be too long for one. */
#include "ports/letter.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

enum {
	LINE_MAX_BYTES = 57, /* 76 characters of base64, as RFC 2045 has it */
	WORD_MAX_BYTES = 42, /* an encoded word has 75 characters: RFC 2047 */
};

static void
add_base64(struct buf *to, struct str s)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < s.n; i += 3) {
		const unsigned char *p = (const unsigned char *)s.p + i;
		size_t left = s.n - i;
		uint32_t bits = (uint32_t)p[0] << 16 | (left > 1 ? (uint32_t)p[1] << 8 : 0)
				| (left > 2 ? (uint32_t)p[2] : 0);

		buf_char(to, digits[bits >> 18]);
		buf_char(to, digits[bits >> 12 & 63]);
		buf_char(to, left > 1 ? digits[bits >> 6 & 63] : '=');
		buf_char(to, left > 2 ? digits[bits & 63] : '=');
	}
}

/* A character of several bytes stays in one word. */
static void
add_words(struct buf *to, struct str text)
{
	while (text.n > 0) {
		size_t n = text.n < WORD_MAX_BYTES ? text.n : WORD_MAX_BYTES;

		while (n > 1 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
			n--;
		buf_text(to, "=?utf-8?B?");
		add_base64(to, (struct str){ text.p, n });
		buf_text(to, text.n > n ? "?=\r\n " : "?=");
		text = (struct str){ text.p + n, text.n - n };
	}
}

static void
add_part(struct buf *to, const char *boundary, const char *type, struct str text)
{
	buf_format(to,
	    "--%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: "
	    "base64\r\n\r\n",
	    boundary, type);
	while (text.n > 0) {
		size_t n = text.n < LINE_MAX_BYTES ? text.n : LINE_MAX_BYTES;

		add_base64(to, (struct str){ text.p, n });
		buf_text(to, "\r\n");
		text = (struct str){ text.p + n, text.n - n };
	}
}

static void
add_html(struct buf *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] == '&')
			buf_text(to, "&amp;");
		else if (text.p[i] == '<')
			buf_text(to, "&lt;");
		else if (text.p[i] == '>')
			buf_text(to, "&gt;");
		else if (text.p[i] == '"')
			buf_text(to, "&quot;");
		else if (text.p[i] == '\n')
			buf_text(to, "<br>\n");
		else
			buf_char(to, text.p[i]);
}

static void
write_html(const struct letter *letter, struct str title, struct str body, struct buf *to)
{
	buf_text(to, "<!doctype html>\n<html><body><p><strong>");
	add_html(to, title);
	buf_text(to, "</strong></p>\n<p>");
	add_html(to, body);
	buf_text(to, "</p>\n");
	if (letter->url[0] != '\0') {
		buf_text(to, "<p><a href=\"");
		add_html(to, str_of(letter->url));
		buf_text(to, "\">");
		add_html(to, str_of(letter->url));
		buf_text(to, "</a></p>\n");
	}
	buf_text(to, "</body></html>\n");
}

static void
add_date(struct buf *to, int64_t at_ms)
{
	time_t seconds = (time_t)(at_ms / 1000);
	char text[64];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	CHECK(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S +0000", &tm) > 0);
	buf_format(to, "Date: %s\r\n", text);
}

static void
add_head(const struct letter *letter, const char *from, const char *const *to,
    struct str title, struct buf *mail)
{
	const char *at = strrchr(from, '@');

	buf_format(mail, "From: Slipway <%s>\r\nTo: ", from);
	for (size_t i = 0; to[i] != NULL; i++)
		buf_format(mail, "%s<%s>", i == 0 ? "" : ",\r\n ", to[i]);
	buf_text(mail, "\r\nSubject: ");
	add_words(mail, title);
	buf_text(mail, "\r\n");
	add_date(mail, letter->at_ms);
	buf_format(mail,
	    "Message-ID: <%s@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
	    "X-Slipway-Event: %s\r\nX-Slipway-Delivery: %s\r\n",
	    letter->delivery, at == NULL ? "slipway.invalid" : at + 1, letter_event(letter),
	    letter->delivery);
}

void
letter_mail(
    const struct letter *letter, const char *from, const char *const *to, struct buf *mail)
{
	struct buf title;
	struct buf body;
	struct buf html;
	char boundary[UUID_SIZE + 8];

	buf_init(&title, NOTIFY_BODY_MAX);
	buf_init(&body, NOTIFY_BODY_MAX);
	buf_init(&html, NOTIFY_BODY_MAX);
	letter_title(letter, &title);
	letter_body(letter, &body);
	write_html(letter, buf_view(&title), buf_view(&body), &html);
	CHECK(str_copy(boundary, sizeof(boundary), str_of(letter->delivery)));
	add_head(letter, from, to, buf_view(&title), mail);
	buf_format(mail, "Content-Type: multipart/alternative;\r\n boundary=\"%s\"\r\n\r\n",
	    boundary);
	add_part(mail, boundary, "text/plain", buf_view(&body));
	add_part(mail, boundary, "text/html", buf_view(&html));
	buf_format(mail, "--%s--\r\n", boundary);
	buf_free(&html);
	buf_free(&body);
	buf_free(&title);
}
