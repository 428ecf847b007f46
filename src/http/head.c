/* head.c - the checks. Where RFC 9110 and 9112 leave a choice, refusing is the one that a
 * proxy in front of us cannot be made to disagree with. */
#include "http/head.h"

#include <string.h>
#include <strings.h>

#include "http/inside.h"

bool
head_value_is(struct str s, const char *text)
{
	return s.n == strlen(text) && strncasecmp(s.p, text, s.n) == 0;
}

static size_t
header_count(const struct request_inside *rq, const char *name)
{
	size_t n = strlen(name);
	size_t count = 0;

	for (size_t i = 0; i < rq->header_count; i++)
		if (rq->headers[i].name.n == n
		    && strncasecmp(rq->headers[i].name.p, name, n) == 0)
			count++;
	return count;
}

/* RFC 9112 5.2 lets a server refuse them; a proxy in front may read them otherwise than we
 * do. */
static bool
has_folded_line(struct str head)
{
	struct str line;

	while (head.n > 0) {
		head = str_cut(head, '\n', &line);
		if (head.n > 0 && (head.p[0] == ' ' || head.p[0] == '\t'))
			return true;
	}
	return false;
}

/* llhttp ends the head at a lone LF behind a line, and takes control characters in values. */
static bool
has_odd_byte(struct str head)
{
	for (size_t i = 0; i < head.n; i++) {
		unsigned char c = (unsigned char)head.p[i];

		if (c >= 0x20 && c != 0x7f)
			continue;
		if (c == '\r' && i + 1 < head.n && head.p[i + 1] == '\n')
			i++;
		else if (c != '\t')
			return true;
	}
	return false;
}

/* llhttp skips any number of blanks between the words of the first line. */
static bool
has_odd_first_line(struct str head)
{
	size_t blanks = 0;
	struct str line;

	head = str_trim(head); /* blank lines before a request are allowed */
	str_cut(head, '\n', &line);
	for (size_t i = 0; i < line.n; i++)
		blanks += line.p[i] == ' ' || line.p[i] == '\t';
	return blanks != 2;
}

static bool
has_nameless_header(const struct request_inside *rq)
{
	for (size_t i = 0; i < rq->header_count; i++)
		if (rq->headers[i].name.n == 0)
			return true;
	return false;
}

const char *
head_fault(const struct request_inside *rq, bool is_1_0)
{
	size_t hosts = header_count(rq, "Host");
	size_t codings = header_count(rq, "Transfer-Encoding");

	if (has_odd_byte(buf_view(&rq->head)))
		return "its head has a control character, or a line that does not end in CR "
		       "LF";
	if (has_odd_first_line(buf_view(&rq->head)))
		return "its first line must be method, target and version, one blank between "
		       "them";
	if (has_folded_line(buf_view(&rq->head)))
		return "a header continues on the next line";
	if (has_nameless_header(rq))
		return "a header has no name";
	if (hosts > 1 || (hosts == 0 && !is_1_0))
		return "there must be exactly one Host header";
	if (header_count(rq, "Authorization") > 1)
		return "there is more than one Authorization header";
	if (codings > 0 && is_1_0)
		return "HTTP/1.0 has no Transfer-Encoding";
	if (codings > 1
	    || (codings == 1
		&& !head_value_is(
		    request_header(&rq->public, "Transfer-Encoding"), "chunked")))
		return "the only Transfer-Encoding understood is chunked";
	if (codings > 0 && header_count(rq, "Content-Length") > 0)
		return "Content-Length and Transfer-Encoding exclude each other";
	return NULL;
}

static bool
is_sane_id(struct str id)
{
	if (id.n == 0 || id.n >= REQUEST_ID_SIZE)
		return false;
	for (size_t i = 0; i < id.n; i++) {
		char c = id.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_digit = c >= '0' && c <= '9';

		if (!is_letter && !is_digit && memchr("-_.", c, 3) == NULL)
			return false;
	}
	return true;
}

void
head_take_id(struct request_inside *rq)
{
	struct str id = request_header(&rq->public, "X-Request-ID");

	if (is_sane_id(id))
		CHECK(str_copy(rq->public.id, sizeof(rq->public.id), id));
}
