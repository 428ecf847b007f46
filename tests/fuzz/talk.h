/* talk.h - a client of the real HTTP server over a pair of sockets, in the same thread. */
#ifndef SLIPWAY_TESTS_TALK_H
#define SLIPWAY_TESTS_TALK_H

#include <stdbool.h>

#include "base/str.h"

struct http_server;

struct talk {
	int fd;
	struct buf heard; /* everything that came */
	bool is_over; /* the server has closed */
};

void talk_begin(struct talk *talk, struct http_server *server);
void talk_end(struct talk *talk); /* closes */

/* What the server does not take is dropped: it has closed, or has stopped reading. */
void talk_say(struct talk *talk, struct str bytes);
void talk_say_no_more(struct talk *talk); /* the end of what the client sends */
bool talk_hear(struct talk *talk); /* true: something came */

struct said { /* one answer of the server */
	int status;
	struct str head; /* with its empty line */
	struct str body;
};

/* The next whole answer in *rest; false: there is none. CHECKs its form. A body without a length goes to
 * the end, so does one of a HEAD when has_body is false. 100 Continue is passed over. */
bool talk_next_answer(struct str *rest, bool has_body, struct said *ret_said);

#endif
