/* talk.c - see talk.h. */
#include "talk.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "fuzz.h"
#include "http/inside.h"

enum { HEARD_MAX = 64 << 20 };

void
talk_begin(struct talk *talk, struct http_server *server)
{
	struct sockaddr_in6 peer = { .sin6_family = AF_UNIX };
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0);
	*talk = (struct talk){ .fd = fds[0] };
	buf_init(&talk->heard, HEARD_MAX);
	conn_new(server, fds[1], &peer);
}

void
talk_end(struct talk *talk)
{
	close(talk->fd);
	buf_free(&talk->heard);
}

void
talk_say(struct talk *talk, struct str bytes)
{
	if (bytes.n > 0)
		(void)!send(talk->fd, bytes.p, bytes.n, MSG_NOSIGNAL);
}

void
talk_say_no_more(struct talk *talk)
{
	shutdown(talk->fd, SHUT_WR);
}

bool
talk_hear(struct talk *talk)
{
	size_t before = talk->heard.n;
	char piece[65536];
	ssize_t n;

	while (!talk->is_over && (n = recv(talk->fd, piece, sizeof(piece), 0)) >= 0) {
		talk->is_over = n == 0;
		buf_add(&talk->heard, piece, (size_t)n);
	}
	CHECK(!talk->heard.overflow);
	return talk->heard.n > before;
}

static bool
is_good_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!(name.p[i] >= 'a' && name.p[i] <= 'z')
		    && !(name.p[i] >= 'A' && name.p[i] <= 'Z') && name.p[i] != '-')
			return false;
	return name.n > 0;
}

/* Whether there is a length. */
static bool
check_head(struct str head, uint64_t *length)
{
	bool has_length = false;
	struct str line;

	head = str_cut(head, '\n', &line); /* the status */
	while (head.n > 2) {
		struct str name;
		struct str value;

		head = str_cut(head, '\n', &line);
		CHECK(line.n > 1 && line.p[line.n - 1] == '\r');
		line.n--;
		CHECK(fuzz_is_plain(line));
		value = str_trim(str_cut(line, ':', &name));
		CHECK(is_good_name(name));
		if (str_is(name, "Content-Length")) {
			CHECK(!has_length && str_number(value, SIZE_MAX, length));
			has_length = true;
		}
		CHECK(!str_is(name, "Transfer-Encoding"));
	}
	CHECK(str_is(head, "\r\n"));
	return has_length;
}

bool
talk_next_answer(struct str *rest, bool has_body, struct said *ret)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	uint64_t status;
	uint64_t length = 0;
	const char *end;

	while (str_starts(*rest, go_on))
		*rest = (struct str){ rest->p + strlen(go_on), rest->n - strlen(go_on) };
	end = rest->n == 0 ? NULL : memmem(rest->p, rest->n, "\r\n\r\n", 4);
	if (end == NULL) {
		CHECK(rest->n == 0);
		return false;
	}
	CHECK(str_starts(*rest, "HTTP/1.1 ") && rest->n > 12 && rest->p[12] == ' ');
	CHECK(str_number((struct str){ rest->p + 9, 3 }, 599, &status) && status >= 200);
	ret->status = (int)status;
	ret->head = (struct str){ rest->p, (size_t)(end - rest->p) + 4 };
	*rest = (struct str){ end + 4, rest->n - ret->head.n };
	if (!check_head(ret->head, &length) && status != 204 && status != 304)
		length = rest->n;
	if (!has_body)
		length = 0;
	CHECK(length <= rest->n);
	ret->body = (struct str){ rest->p, length };
	*rest = (struct str){ rest->p + length, rest->n - length };
	return true;
}
