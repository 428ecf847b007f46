/* registry_site.c - one registry with one login: who may ask it, when, and in what order.
 *
 * The one idea: every question passes here twice, in line and at its start, so a gate that closes
 * stops those that wait as well. Nothing waits for a gate: a question that may not leave is turned
 * away with the time after which it may, and its actor comes back then. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/registry_parts.h"

enum {
	REST_MS = 10000, /* a thousand polls need not each learn that it is down */
	FAILURES_REST = 2, /* broken answers in a row that count as down */
	RESERVE_LEAST = 5, /* of a rate budget, for deploys: a tenth of it ... */
	RESERVE_MOST = 100, /* ... within these bounds */
	POLLS_PAUSE_MS = 60000,
	POLLS_PAUSE_MAX_MS = 900000,
};

static struct site *
site_new(
    struct registry *r, const struct registry_config *config, const struct image_ref *image)
{
	struct site *site = calloc(1, sizeof(*site));

	CHECK(site != NULL);
	site->registry = r;
	for (size_t i = 0; i < PRIORITY_COUNT; i++)
		site->lines[i].end = &site->lines[i].first;
	snprintf(site->server, sizeof(site->server), "%s", image_ref_server(image));
	snprintf(site->status.host, sizeof(site->status.host), "%s", image->host);
	memcpy(site->status.username, config->username, sizeof(site->status.username));
	site->status.limit = -1;
	site->status.remaining = -1;
	return site;
}

static int64_t
last_seen_ms(const struct site *site)
{
	const struct registry_status *s = &site->status;

	return s->ok_ms > s->trouble_ms ? s->ok_ms : s->trouble_ms;
}

/* Room for one more: the idle one that was of no use for longest goes. */
static bool
make_room(struct registry *r)
{
	struct site **oldest = NULL;
	struct site *gone;

	if (r->site_count < REGISTRY_SITES_MAX)
		return true;
	for (struct site **at = &r->sites; *at != NULL; at = &(*at)->next)
		if ((*at)->users == 0
		    && (oldest == NULL || last_seen_ms(*at) < last_seen_ms(*oldest)))
			oldest = at;
	if (oldest == NULL)
		return false;
	gone = *oldest;
	*oldest = gone->next;
	free(gone);
	r->site_count--;
	return true;
}

/* Settings that change how it is asked make what was learnt about that worthless. */
static void
configure(struct site *site, const struct registry_config *config)
{
	if (site->config.is_insecure != config->is_insecure
	    || strcmp(site->config.ca_file, config->ca_file) != 0) {
		site->rest_until_ms = 0;
		site->failures = 0;
		memset(&site->challenge, 0, sizeof(site->challenge));
	}
	site->config = *config;
}

struct site *
site_enter(struct registry *r, const struct image_ref *image)
{
	struct registry_config config = { .host = "" };
	struct site *site;

	catalog_registry(r->host.catalog, image->host, &config);
	for (site = r->sites; site != NULL; site = site->next)
		if (strcmp(site->status.host, image->host) == 0
		    && strcmp(site->status.username, config.username) == 0)
			break;
	if (site == NULL) {
		if (!make_room(r))
			return NULL;
		site = site_new(r, &config, image);
		site->next = r->sites;
		r->sites = site;
		r->site_count++;
	}
	configure(site, &config);
	site->users++;
	return site;
}

void
site_leave(struct site *site)
{
	CHECK(site->users > 0);
	site->users--;
}

void
sites_free(struct registry *r)
{
	while (r->sites != NULL) {
		struct site *gone = r->sites;

		CHECK(gone->users == 0);
		r->sites = gone->next;
		free(gone);
	}
}

/* The line. */

void
site_join_line(struct site *site, struct question *question)
{
	struct line *line = &site->lines[question->priority];

	question->next = NULL;
	question->link = line->end;
	*line->end = question;
	line->end = &question->next;
	line->count++;
	loop_timer_set(site->registry->soon, 0);
}

void
site_leave_line(struct site *site, struct question *question)
{
	struct line *line = &site->lines[question->priority];

	CHECK(line->count > 0);
	*question->link = question->next;
	if (question->next != NULL)
		question->next->link = question->link;
	else
		line->end = question->link;
	line->count--;
}

static bool
has_room(const struct site *site, enum priority priority)
{
	uint32_t polls = site->active[PRIORITY_POLL];

	if (polls + site->active[PRIORITY_DEPLOY] >= REGISTRY_QUESTIONS_MAX)
		return false;
	return priority == PRIORITY_DEPLOY || polls < REGISTRY_POLLS_MAX;
}

void
site_pump(struct site *site)
{
	static const enum priority order[] = { PRIORITY_DEPLOY, PRIORITY_POLL };

	site->users++; /* it stays while those who are turned away leave */
	for (size_t i = 0; i < COUNT(order); i++) {
		struct line *line = &site->lines[order[i]];

		while (line->first != NULL && has_room(site, order[i])) {
			struct question *question = line->first;
			char why[REASON_SIZE];
			int64_t after_ms;

			site_leave_line(site, question);
			if (site_admits(site, order[i], &after_ms, why))
				question_start(question);
			else
				question_turn_away(question, after_ms, why);
		}
	}
	site_leave(site);
}

/* Gates. */

static int64_t
reserve_of(const struct registry_status *s)
{
	if (s->limit < RESERVE_LEAST * 10)
		return RESERVE_LEAST;
	return s->limit / 10 < RESERVE_MOST ? s->limit / 10 : RESERVE_MOST;
}

bool
site_admits(
    struct site *site, enum priority priority, int64_t *ret_after_ms, char why[REASON_SIZE])
{
	struct registry_status *s = &site->status;
	int64_t now_ms = clock_now_ms();

	if (s->gate_until_ms > now_ms) {
		*ret_after_ms = s->gate_until_ms - now_ms;
		snprintf(why, REASON_SIZE, "%s asked to be left alone for another %lld s%s%s",
		    s->host, (long long)(*ret_after_ms + 999) / 1000,
		    s->why[0] == '\0' ? "" : ": ", s->why);
		return false;
	}
	s->gate_until_ms = 0;
	if (s->polls_until_ms <= now_ms)
		s->polls_until_ms = 0;
	if (priority == PRIORITY_DEPLOY)
		return true;
	if (s->polls_until_ms != 0) {
		*ret_after_ms = s->polls_until_ms - now_ms;
		snprintf(why, REASON_SIZE,
		    "%lld requests are left of the budget of %s: kept for deploys, polls wait",
		    (long long)s->remaining, s->host);
		return false;
	}
	if (site->rest_until_ms > now_ms) {
		*ret_after_ms = site->rest_until_ms - now_ms;
		snprintf(why, REASON_SIZE, "%s", s->why);
		return false;
	}
	return true;
}

/* Budgets are given back evenly over their window: the pause lets the reserve grow back. */
static int64_t
polls_pause_ms(const struct registry_status *s)
{
	int64_t pause_ms = POLLS_PAUSE_MS;

	if (s->window_s > 0 && s->limit > 0)
		pause_ms = s->window_s * 1000 / s->limit * reserve_of(s);
	if (pause_ms < POLLS_PAUSE_MS)
		return POLLS_PAUSE_MS;
	return pause_ms < POLLS_PAUSE_MAX_MS ? pause_ms : POLLS_PAUSE_MAX_MS;
}

void
site_note_budget(struct site *site, const struct fetch_transfer *transfer)
{
	struct rate limit = rate_parse(fetch_header(transfer, "RateLimit-Limit"));
	struct rate left = rate_parse(fetch_header(transfer, "RateLimit-Remaining"));
	struct registry_status *s = &site->status;

	if (left.count < 0)
		return;
	s->remaining = left.count;
	s->limit = limit.count;
	s->window_s = left.window_s > 0 ? left.window_s : limit.window_s;
	s->polls_until_ms =
	    s->remaining < reserve_of(s) ? clock_now_ms() + polls_pause_ms(s) : 0;
}

void
site_close_gate(struct site *site, int64_t after_ms)
{
	int64_t until_ms = clock_now_ms() + after_ms;

	if (until_ms > site->status.gate_until_ms)
		site->status.gate_until_ms = until_ms;
}

/* What happened. */

void
site_note_ok(struct site *site)
{
	if (site->is_troubled)
		log_info(NULL, "registry.recovered", "the registry %s answers again",
		    site->status.host);
	site->is_troubled = false;
	site->failures = 0;
	site->rest_until_ms = 0;
	site->status.why[0] = '\0';
	site->status.ok_ms = clock_now_ms();
}

void
site_note_trouble(struct site *site, const char *why, bool is_down)
{
	struct registry_status *s = &site->status;

	snprintf(s->why, sizeof(s->why), "%s", why);
	s->trouble_ms = clock_now_ms();
	site->failures++;
	if (is_down || site->failures >= FAILURES_REST)
		site->rest_until_ms = clock_now_ms() + REST_MS;
	if (!site->is_troubled)
		log_warn(NULL, "registry.troubled", "%s", why);
	site->is_troubled = true;
}
