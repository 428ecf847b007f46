/* followers.c - readers of event streams, who lose their connection and come back with
 * Last-Event-ID.
 *
 * The law: what one of them has read in all its connections together is the history in the store,
 * from its beginning, in order, with no gap and nothing twice. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "clients.h"
#include "net.h"
#include "sim.h"
#include "store/deploys.h"
#include "store/store.h"

enum { FOLLOWERS = 4, EVENTS_MAX = 16384, FINISH_TICKS = 2000 };

struct follower {
	bool is_used;
	bool has_ended; /* "end" came */
	int link;
	bool has_head;
	uint64_t deploy; /* 0: all */
	uint64_t last_id;
	int64_t leaves_ms;
	int64_t comes_ms;
	size_t step_count;
	size_t line_count;
	int64_t steps[EVENTS_MAX]; /* their seqs */
	int64_t lines[EVENTS_MAX];
};

static struct follower followers[FOLLOWERS];

void
followers_reset(void)
{
	for (size_t i = 0; i < FOLLOWERS; i++) {
		followers[i].is_used = false;
		followers[i].link = -1;
	}
}

void
followers_begin(uint64_t deploy)
{
	struct follower *f = NULL;

	for (size_t i = 0; i < FOLLOWERS; i++) {
		if (followers[i].is_used && followers[i].deploy == deploy)
			return;
		if (!followers[i].is_used)
			f = &followers[i];
	}
	if (f == NULL)
		return;
	f->is_used = true;
	f->has_ended = false;
	f->link = -1;
	f->deploy = deploy;
	f->last_id = 0;
	f->step_count = 0;
	f->line_count = 0;
	f->comes_ms = world.now_ms;
}

static void
leave(struct follower *f, int64_t away_ms)
{
	if (f->link >= 0)
		net_hang_up(f->link);
	f->link = -1;
	f->comes_ms = world.now_ms + away_ms;
}

static void
come(struct follower *f)
{
	char text[256];
	int n;

	f->link = net_dial(world_chance(20) ? 300 : 1 << 20);
	if (f->link < 0) {
		f->comes_ms = world.now_ms + 2000;
		return;
	}
	if (f->deploy == 0)
		n = snprintf(text, sizeof(text), "GET /api/v1/events HTTP/1.1\r\n");
	else
		n = snprintf(text, sizeof(text),
		    "GET /api/v1/deploys/%" PRIu64
		    "/log HTTP/1.1\r\nAccept: text/event-stream\r\n",
		    f->deploy);
	n += snprintf(text + n, sizeof(text) - (size_t)n,
	    "Host: s\r\nAuthorization: Bearer the-token-of-the-simulator\r\n"
	    "Last-Event-ID: %" PRIu64 "\r\n\r\n",
	    f->last_id);
	net_send(f->link, (struct str){ text, (size_t)n });
	f->has_head = false;
	f->leaves_ms = world.now_ms + (int64_t)(world_random() % 60000);
}

static void
note(int64_t *list, size_t *count, uint64_t seq)
{
	if (*count > 0 && list[*count - 1] >= (int64_t)seq)
		sim_fail("an event came twice, or too late", seq);
	CHECK(*count < EVENTS_MAX);
	list[(*count)++] = (int64_t)seq;
}

static void
take_event(struct follower *f, struct str event)
{
	uint64_t number;
	size_t at = 0;

	sim_hash(event.p, event.n);
	if (memmem(event.p, event.n, "event: gap", 10) != NULL && !sim.keeps_little)
		sim_fail("a stream has a gap", f->last_id);
	if (!find_number(event, "id: ", &at, &number))
		return; /* a comment, or "retry:" */
	f->last_id = number;
	at = 0;
	if (memmem(event.p, event.n, "event: end", 10) != NULL) {
		f->has_ended = true;
		return;
	}
	if (!find_number(event, "\"seq\":", &at, &number))
		sim_fail("an event without a seq", f->last_id);
	if (memmem(event.p, event.n, "event: step", 11) != NULL) {
		uint64_t deploy = 0;
		note(f->steps, &f->step_count, number);
		find_number(event, "\"deploy\":", &at, &deploy);
		promise_step((int64_t)number, deploy);
	} else {
		note(f->lines, &f->line_count, number);
	}
}

static void
read_events(struct follower *f)
{
	struct str bytes = net_received(f->link);
	size_t length;
	size_t head;
	int status;
	const char *end;

	if (!f->has_head && read_head(bytes, &status, &length, &head)) {
		if (status == 404 && f->deploy != 0) {
			f->is_used = false; /* no such deploy, or not any more after a crash */
			leave(f, 0);
			return;
		}
		if (status != 200)
			sim_fail("a stream was refused", (uint64_t)status);
		f->has_head = true;
		net_consume(f->link, head);
	}
	while (f->has_head) {
		bytes = net_received(f->link);
		end = bytes.n == 0 ? NULL : memmem(bytes.p, bytes.n, "\n\n", 2);
		if (end == NULL)
			break;
		take_event(f, (struct str){ bytes.p, (size_t)(end - bytes.p) });
		net_consume(f->link, (size_t)(end - bytes.p) + 2);
	}
	if (f->has_ended || net_is_over(f->link))
		leave(f, (int64_t)(world_random() % 10000));
}

/* After the storm they come at its end only: their heartbeats would be most of all ticks. */
static bool
may_come(void)
{
	return !sim.is_calm || sim.is_settled;
}

void
followers_act(void)
{
	for (size_t i = 0; i < FOLLOWERS; i++) {
		struct follower *f = &followers[i];
		if (!f->is_used || (f->has_ended && f->link < 0))
			continue;
		if (f->link >= 0)
			read_events(f);
		else if (world.now_ms >= f->comes_ms && sim.is_up && may_come())
			come(f);
		if (f->link >= 0 && world.now_ms >= f->leaves_ms)
			leave(f, (int64_t)(world_random() % 100000));
	}
}

int64_t
followers_next_ms(void)
{
	int64_t next_ms = INT64_MAX;

	for (size_t i = 0; i < FOLLOWERS; i++) {
		const struct follower *f = &followers[i];
		if (!f->is_used || (f->has_ended && f->link < 0))
			continue;
		int64_t at_ms = f->link < 0 ? f->comes_ms : f->leaves_ms;
		if (f->link < 0 && !may_come())
			continue;
		if (f->link >= 0 && (net_has_news(f->link) || net_is_over(f->link)))
			at_ms = world.now_ms;
		if (at_ms < next_ms)
			next_ms = at_ms;
	}
	return next_ms;
}

/* The end. */

static bool
has_read_all(const struct follower *f)
{
	struct journal_row rows[64];
	size_t count;

	if (f->deploy != 0)
		return f->has_ended;
	int64_t last = f->step_count == 0 ? 0 : f->steps[f->step_count - 1];
	do {
		count = store_journal(sim.store, 0, last, rows, COUNT(rows));
		for (size_t i = 0; i < count; i++) {
			if (rows[i].deploy != 0)
				return false;
			last = rows[i].seq;
		}
	} while (count == COUNT(rows));
	return true;
}

static void
compare_steps(const struct follower *f)
{
	struct journal_row rows[64];
	int64_t after = 0;
	size_t at = 0;
	size_t count;

	do {
		count = store_journal(sim.store, f->deploy, after, rows, COUNT(rows));
		for (size_t i = 0; i < count; i++) {
			after = rows[i].seq;
			if (rows[i].deploy == 0)
				continue;
			if (at >= f->step_count || f->steps[at] != rows[i].seq)
				sim_fail("a stream left out a step", (uint64_t)rows[i].seq);
			at++;
		}
	} while (count == COUNT(rows));
	if (at != f->step_count)
		sim_fail("a stream brought a step that never was", (uint64_t)f->steps[at]);
}

static void
compare_lines(const struct follower *f)
{
	static struct deploy_log_row rows[64];
	int64_t after = 0;
	size_t at = 0;
	size_t count;

	do {
		count = store_deploy_log(sim.store, f->deploy, after, rows, COUNT(rows));
		for (size_t i = 0; i < count; i++) {
			after = rows[i].seq;
			if (at < f->line_count && f->lines[at] == rows[i].seq)
				at++;
			else if (at < f->line_count)
				sim_fail("a stream left out a line", (uint64_t)rows[i].seq);
		}
	} while (count == COUNT(rows));
	if (at != f->line_count)
		sim_fail("a stream brought a line that never was", (uint64_t)f->lines[at]);
}

void
followers_finish(void)
{
	for (size_t i = 0; i < FOLLOWERS; i++) {
		struct follower *f = &followers[i];
		if (!f->is_used)
			continue;
		for (int tick = 0; f->is_used && !has_read_all(f); tick++) {
			if (tick > FINISH_TICKS)
				sim_fail("a stream does not come to its end", f->deploy);
			f->comes_ms = world.now_ms;
			server_tick();
		}
		if (!f->is_used || sim.keeps_little)
			continue; /* steps were removed since: that they came in order is known */
		compare_steps(f);
		if (f->deploy != 0)
			compare_lines(f);
	}
	for (size_t i = 0; i < FOLLOWERS; i++)
		if (followers[i].is_used)
			leave(&followers[i], 0);
}
