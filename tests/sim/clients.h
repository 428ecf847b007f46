/* clients.h - who speaks HTTP in the simulator, for clients.c, questions.c and followers.c.
 *
 * A client asks one question at a time on its connection, whole or in pieces, reads fast or slowly,
 * and keeps what it was promised. A follower reads an event stream and comes back where it was. */
#ifndef SLIPWAY_TESTS_SIM_CLIENTS_H
#define SLIPWAY_TESTS_SIM_CLIENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct client;

struct question {
	const char *name;
	uint32_t weight;
	void (*ask)(struct client *c); /* writes the request */
	/* false: such an answer must not be. */
	bool (*judge)(struct client *c, int status, struct str body);
};

struct client {
	int link; /* -1: not connected */
	const struct question *question; /* NULL: idle */
	struct buf request;
	size_t sent;
	size_t piece; /* bytes sent at once */
	uint32_t answers_due;
	int64_t next_ms; /* of the next piece */
	int64_t begun_ms;
	bool must_close; /* the server says or will say so */
	int place; /* of the stage asked about */
	uint64_t deploy;
	uint32_t delivery; /* of a webhook; 0: it has no number */
	uint32_t revision;
};

extern const struct question questions[];
size_t questions_known(void); /* of a seed like this one */
extern const struct question apply_question;
extern const struct question deploy_question;
extern const struct question burst_question;
extern const struct question back_question;
extern const struct question first_question;

void clients_deploy_both(void);

void questions_reset(void);
void questions_learn(void);

void followers_reset(void);
void followers_act(void);
int64_t followers_next_ms(void);
void followers_begin(uint64_t deploy); /* 0: the events of all */
void followers_finish(void); /* to the end of what there is, then compared with the store */

/* "...\"key\":123..." behind *at, which moves; false: there is none. */
bool find_number(struct str body, const char *key, size_t *at, uint64_t *ret_number);
/* The head of an answer: false while it is not whole. */
bool read_head(struct str bytes, int *ret_status, size_t *ret_length, size_t *ret_head);

#endif
