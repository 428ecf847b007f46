/* clients.c - connections of the simulated users: sending in pieces, reading answers whole. */
#include "clients.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "net.h"
#include "sim.h"

enum { CLIENTS = 6, ANSWER_MS = 35000 };

static struct client clients[CLIENTS];
static int to_deploy; /* of the first two stages */
static int burst_place; /* where many want something at once */
static int burst;
static int favorite; /* the stage that most wishes of this seed are about */
static int place_back; /* one that goes back to what it has kept; -1: none */

bool
find_number(struct str body, const char *key, size_t *at, uint64_t *ret_number)
{
	size_t n = strlen(key);
	const char *found = *at >= body.n ? NULL : memmem(body.p + *at, body.n - *at, key, n);

	if (found == NULL)
		return false;
	*ret_number = 0;
	*at = (size_t)(found - body.p) + n;
	for (; *at < body.n && body.p[*at] >= '0' && body.p[*at] <= '9'; (*at)++)
		*ret_number = *ret_number * 10 + (uint64_t)(body.p[*at] - '0');
	return true;
}

bool
read_head(struct str bytes, int *ret_status, size_t *ret_length, size_t *ret_head)
{
	const char *end = memmem(bytes.p, bytes.n, "\r\n\r\n", 4);
	uint64_t number = 0;
	size_t at = 0;

	if (end == NULL)
		return false;
	*ret_head = (size_t)(end - bytes.p) + 4;
	bytes.n = *ret_head;
	if (!find_number(bytes, "HTTP/1.1 ", &at, &number))
		sim_fail("an answer that is no HTTP", 0);
	*ret_status = (int)number;
	*ret_length = 0;
	at = 0;
	if (find_number(bytes, "Content-Length: ", &at, &number))
		*ret_length = (size_t)number;
	return true;
}

static void
hang_up(struct client *c)
{
	if (c->link >= 0)
		net_hang_up(c->link);
	c->link = -1;
	c->question = NULL;
}

void
clients_reset(void)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		buf_free(&clients[i].request);
		clients[i] = (struct client){ .link = -1 };
		buf_init(&clients[i].request, 1 << 20);
	}
	to_deploy = 0;
	burst = 0;
	place_back = -1;
	favorite = (int)(world_random() % WORLD_STAGES);
	questions_reset();
	followers_reset();
}

static bool
dial(struct client *c)
{
	if (c->link >= 0 && net_is_over(c->link))
		hang_up(c);
	if (c->link < 0)
		c->link =
		    net_dial(world_chance(20) ? 64 + (size_t)(world_random() % 512) : 1 << 20);
	c->must_close = false;
	return c->link >= 0;
}

static void
begin(struct client *c, const struct question *question, int place)
{
	if (!dial(c))
		return; /* the server is down */
	c->question = question;
	/* Or else the two that may take each other's names. */
	if (place < 0 && world_chance(55))
		place = favorite;
	else if (place < 0)
		place = (int)(world_random() % (world_chance(50) ? 2 : WORLD_STAGES));
	c->place = place;
	c->deploy = 1 + world_random() % (world.newest_deploy + 3);
	c->answers_due = 1;
	c->sent = 0;
	buf_clear(&c->request);
	question->ask(c);
	CHECK(!c->request.overflow);
	c->piece = world_chance(70) ? c->request.n : 20 + (size_t)(world_random() % 200);
	c->begun_ms = world.now_ms;
	c->next_ms = world.now_ms;
}

/* Who moves a name from one stage to another deploys both, in any order of their ends. */
void
clients_deploy_both(void)
{
	to_deploy = 2;
}

/* While one is under way in a guarded stage, several others are wished. */
void
clients_burst(int place)
{
	burst_place = place;
	burst = 6;
}

bool
clients_are_many(void)
{
	return burst > 0 || place_back >= 0;
}

void
clients_go_back(int place)
{
	place_back = place;
}

/* Somebody who has time asks something, or begins to follow. */
void
clients_begin(void)
{
	struct client *c = &clients[world_random() % CLIENTS];
	uint64_t sum = 0;
	uint64_t pick;

	if (to_deploy > 0 && c->question == NULL) {
		begin(c, &deploy_question, --to_deploy);
		return;
	}
	if (place_back >= 0 && c->question == NULL) {
		begin(c, &back_question, place_back);
		place_back = -1;
		return;
	}
	if (burst > 0 && c->question == NULL) {
		burst--;
		begin(c, &burst_question, burst_place);
		return;
	}
	if (world_chance(8)) {
		followers_begin(
		    world_chance(50) ? 0 : 1 + world_random() % (world.newest_deploy + 1));
		return;
	}
	for (size_t i = 0; i < questions_known(); i++)
		sum += questions[i].weight;
	pick = world_random() % sum;
	for (size_t i = 0; i < questions_known(); i++) {
		if (pick < questions[i].weight) {
			if (c->question == NULL)
				begin(c, &questions[i], -1);
			return;
		}
		pick -= questions[i].weight;
	}
}

static void
judge(struct client *c, int status, struct str body)
{
	sim_trace("           http   %s -> %d\n", c->question->name, status);
	if (!c->question->judge(c, status, body)) {
		printf(
		    "%s answered %d: %.*s\n", c->question->name, status, (int)body.n, body.p);
		sim_fail("an answer that must not be", (uint64_t)status);
	}
}

static void
read_answers(struct client *c)
{
	int status;
	size_t length;
	size_t head;
	struct str bytes = net_received(c->link);

	while (c->answers_due > 0 && read_head(bytes, &status, &length, &head)
	       && bytes.n >= head + length) {
		sim_hash(bytes.p, head + length);
		judge(c, status, (struct str){ bytes.p + head, length });
		c->must_close = memmem(bytes.p, head, "Connection: close", 17) != NULL;
		net_consume(c->link, head + length);
		bytes = net_received(c->link);
		c->answers_due--;
		if (c->must_close)
			break;
	}
	if (c->answers_due == 0) {
		c->question = NULL;
		if (c->must_close || world_chance(30))
			hang_up(c);
	} else if (c->must_close) {
		hang_up(c);
	}
}

/* The server may close without an answer when it dies or has ended, and not otherwise. */
static void
read_on(struct client *c)
{
	bool is_over = net_is_over(c->link);

	read_answers(c);
	if (c->question == NULL || c->link < 0)
		return;
	if (is_over) {
		if (sim.is_up && c->begun_ms > sim.drained_ms
		    && c->begun_ms > sim.app.started_ms)
			sim_fail("a connection was closed without an answer", 0);
		hang_up(c);
	} else if (world.now_ms - c->begun_ms > ANSWER_MS && sim.is_up) {
		sim_fail("a request was not answered", (uint64_t)c->link);
	}
}

static void
send_on(struct client *c)
{
	size_t left = c->request.n - c->sent;
	size_t n = left < c->piece ? left : c->piece;

	if (left == 0 || world.now_ms < c->next_ms)
		return;
	net_send(c->link, (struct str){ c->request.p + c->sent, n });
	c->sent += n;
	c->next_ms = world.now_ms + (int64_t)(world_random() % 20);
}

void
clients_act(void)
{
	for (size_t i = 0; i < CLIENTS; i++) {
		struct client *c = &clients[i];
		if (c->question == NULL)
			continue;
		send_on(c);
		read_on(c);
		if (c->question != NULL && world_chance(1) && !sim.is_calm)
			hang_up(c); /* lost patience */
	}
	followers_act();
}

int64_t
clients_next_ms(void)
{
	int64_t next_ms = followers_next_ms();

	for (size_t i = 0; i < CLIENTS; i++) {
		const struct client *c = &clients[i];
		if (c->question == NULL)
			continue;
		int64_t at_ms = c->sent < c->request.n ? c->next_ms : INT64_MAX;
		if (net_has_news(c->link) || net_is_over(c->link))
			at_ms = world.now_ms;
		if (at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

bool
clients_are_idle(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		if (clients[i].question != NULL)
			return false;
	return true;
}

static void
ask_and_wait(const struct question *question, int place)
{
	begin(&clients[0], question, place);
	for (int i = 0; i < 1000 && clients[0].question != NULL; i++)
		server_tick();
	if (clients[0].question != NULL)
		sim_fail("what comes first was not answered", 0);
}

void
clients_apply(void)
{
	ask_and_wait(&apply_question, 0);
}

void
clients_deploy_first(void)
{
	ask_and_wait(&first_question, favorite);
}

void
clients_learn(void)
{
	questions_learn();
}

void
clients_follow_all(void)
{
	for (size_t i = 0; i < CLIENTS; i++)
		hang_up(&clients[i]);
	followers_finish();
}
