/* caddy.c - the driver of Caddy: jobs.
 *
 * The one idea: to the edge, the route is all there is. Straight to containers, the route only says "ask
 * Slipway's name server", is written once, and a switch is another file of names: Caddy loads
 * nothing, so nothing is torn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "ports/caddy_inside.h"
#include "ports/names_check.h"
#include "ports/names_server.h"

enum {
	AGAIN_MS = 50, /* then twice as long, and so on */
	AGAIN_MAX_MS = 1000,
	TRIES_MAX = 5, /* without an answer: 1 s when it is away; the core asks again, too */
	LOOK_TRIES_MAX = 3, /* of COMPARE, which comes again anyhow */
	REFUSALS_MAX = 3, /* somebody may have changed what the change was made for */
	JOB_US = 25000000, /* a job ends; the core waits 30 s */
	NAMES_WAIT_MS = 3000,
	NAMES_LOOK_MS = 500,
	PATH_SIZE = 4096,
};

struct caddy {
	struct front_host host;
	struct caddy_talk talk;
	char mark[NAMES_MARK_SIZE];
	char path[PATH_SIZE]; /* of the file of names */
	char entry[CADDY_ENTRY_SIZE]; /* where our server listens; "" not known yet */
	unsigned extras;

	struct front_job job; /* on_done NULL: none */
	struct loop_timer *timer; /* the next step */
	struct names_check *check;
	struct names_server
	    *standby; /* should the edge's keeper die alone; NULL: to the edge */
	int64_t until_us;
	int rounds;
	int tries;
	int refusals;
	bool has_changed;
	bool has_told; /* something that changes, whatever became of it */
	bool is_left; /* to somebody whose route answers instead of ours */
	struct front_route rest; /* the job's, without the domains that other stages lead */
	uint32_t left; /* those */
	char said[CADDY_TEXT_SIZE]; /* what the plan was for, and what was overwritten */
};

/* The end of a job. */

static bool
has_left_all(const struct caddy *caddy)
{
	return caddy->left != 0 && caddy->rest.domain_count == 0;
}

static void
finish(struct caddy *caddy, enum front_outcome outcome, const char *text)
{
	struct front_job job = caddy->job;
	bool is_restored = outcome == FRONT_DONE && job.work == FRONT_RESTORE;
	char told[CADDY_TEXT_SIZE];
	struct front_answer answer = { .outcome = outcome,
		.has_changed = caddy->has_changed,
		.is_untouched = !caddy->has_told,
		.is_left = caddy->is_left || (is_restored && has_left_all(caddy)),
		.left = is_restored ? caddy->left : 0,
		.text = told };

	snprintf(told, sizeof(told), "%s", text); /* the next job forgets it */
	caddy->job.on_done = NULL;
	loop_timer_stop(caddy->timer);
	job.on_done(job.context, &answer);
}

/* Names. */

static bool
needs_names(const struct caddy *caddy)
{
	const struct front_route *route = caddy->job.route;

	return !route->is_to_edge && route->target_count > 0
	       && caddy->job.work != FRONT_REMOVE;
}

static bool
write_names(struct caddy *caddy)
{
	struct name_target targets[REPLICAS_MAX];
	size_t count = 0;
	struct err err;
	bool is_new = false;

	if (needs_names(caddy))
		count = caddy_targets(caddy->host.config, caddy->job.route, targets);
	if (caddy_names_change(caddy->path, caddy->mark, caddy->job.route->stage, targets,
		count, &is_new, &err)
	    != 0) {
		finish(caddy, FRONT_TROUBLED, err.text);
		return false;
	}
	caddy->has_changed = caddy->has_changed || is_new;
	caddy->has_told = caddy->has_told || is_new;
	return true;
}

static void
on_checked(void *context, const char *trouble)
{
	struct caddy *caddy = context;
	char text[CADDY_TEXT_SIZE];

	caddy->check = NULL;
	if (trouble == NULL) {
		finish(caddy, FRONT_DONE, caddy->said);
		return;
	}
	snprintf(text, sizeof(text),
	    "%s: Slipway's edge must run here to do it, with nobody else on that address (see"
	    " edge.log, and 'names' of the proxy)",
	    trouble);
	finish(caddy, FRONT_TROUBLED, text);
}

static void
check_names(struct caddy *caddy, int64_t wait_ms)
{
	struct name_target targets[REPLICAS_MAX];
	size_t count = caddy_targets(caddy->host.config, caddy->job.route, targets);

	caddy->check = names_check_new(
	    caddy->host.loop, caddy->mark, targets, count, wait_ms, on_checked, caddy);
}

/* What serves is back once the names are, even when Caddy does not let its route be looked at; then
 * the core looks who answers. */
static void
give_up(struct caddy *caddy, enum front_outcome outcome, const char *text)
{
	if (caddy->job.work != FRONT_RESTORE || !needs_names(caddy)) {
		finish(caddy, outcome, text);
		return;
	}
	snprintf(caddy->said, sizeof(caddy->said), "%s", text);
	check_names(caddy, NAMES_WAIT_MS);
}

/* Once more, a little later each time; or the end, when it was too often. */
static void
again(struct caddy *caddy, const char *text)
{
	int most = caddy->job.work == FRONT_COMPARE ? LOOK_TRIES_MAX : TRIES_MAX;
	int64_t delay_ms = AGAIN_MS;

	if (++caddy->tries >= most || clock_mono_us() > caddy->until_us) {
		give_up(caddy, FRONT_TROUBLED, text);
		return;
	}
	for (int i = 1; i < caddy->tries && delay_ms < AGAIN_MAX_MS; i++)
		delay_ms *= 2;
	loop_timer_set(caddy->timer, delay_ms < AGAIN_MAX_MS ? delay_ms : AGAIN_MAX_MS);
}

/* The route is as it should be: what is left? */
static void
route_stands(struct caddy *caddy)
{
	bool is_looking = caddy->job.work == FRONT_COMPARE;
	struct name_target targets[REPLICAS_MAX];

	if (!needs_names(caddy)) {
		if (is_looking || write_names(caddy))
			finish(caddy, FRONT_DONE, caddy->said);
	} else if (is_looking
		   && !caddy_names_have(caddy->path, caddy->mark, targets,
		       caddy_targets(caddy->host.config, caddy->job.route, targets)))
		finish(
		    caddy, FRONT_DIFFERS, "the file of names does not lead to its containers");
	else if (is_looking || write_names(caddy))
		check_names(caddy, is_looking ? NAMES_LOOK_MS : NAMES_WAIT_MS);
}

/* The route. */

static struct caddy_wish
wish_of(const struct caddy *caddy)
{
	const struct front_job *job = &caddy->job;

	return (struct caddy_wish){ .config = caddy->host.config,
		.route = &caddy->rest,
		.mark = caddy->mark,
		.secret = caddy->host.secret,
		.extras = caddy->extras,
		.is_absent = job->work == FRONT_REMOVE || job->route->target_count == 0
			     || has_left_all(caddy),
		.may_overwrite = job->may_overwrite };
}

static void
carry_out(struct caddy *caddy, const struct caddy_plan *plan)
{
	if (caddy->job.work == FRONT_COMPARE) {
		finish(caddy, FRONT_DIFFERS, plan->text);
		return;
	}
	if (++caddy->rounds > CADDY_ROUNDS_MAX || clock_mono_us() > caddy->until_us) {
		give_up(caddy, FRONT_TROUBLED,
		    "Caddy's configuration changes faster than Slipway can");
		return;
	}
	if (plan->is_overwriting)
		snprintf(caddy->said, sizeof(caddy->said), "%s: it was put back", plan->text);
	caddy->has_told = true;
	caddy_change(&caddy->talk, plan->method, plan->path, buf_view(&plan->body));
}

/* False: it may not have what another stage has, and that was the end. */
static bool
share(struct caddy *caddy, const struct json *servers)
{
	const struct front_route *route = caddy->job.route;
	struct caddy_wish wish;
	char text[CADDY_TEXT_SIZE] = "";

	caddy->rest = *route;
	caddy->left = 0;
	wish = wish_of(caddy);
	if (wish.is_absent)
		return true;
	caddy->left = caddy_taken(&wish, servers);
	caddy->rest.domain_count = 0;
	for (size_t i = 0; i < route->domain_count; i++)
		if (!(caddy->left >> i & 1u))
			memcpy(caddy->rest.domains[caddy->rest.domain_count++],
			    route->domains[i], DOMAIN_SIZE);
	if (caddy->left == 0 || caddy->job.work != FRONT_ENSURE)
		return true;
	for (size_t i = 0; i < route->domain_count; i++)
		if (caddy->left >> i & 1u)
			snprintf(text, sizeof(text),
			    "another stage leads %s: take the domain away there first, and "
			    "deploy it",
			    route->domains[i]);
	finish(caddy, FRONT_REFUSED, text);
	return false;
}

static void
judge(struct caddy *caddy, const struct json *servers)
{
	struct caddy_wish wish;
	struct caddy_plan plan;

	if (!share(caddy, servers))
		return;
	wish = wish_of(caddy);
	caddy_plan_init(&plan);
	caddy_judge(&wish, servers, &plan);
	caddy_entry(caddy->host.config, json_get(servers, caddy->host.config->server),
	    caddy->entry, sizeof(caddy->entry));
	if (plan.verdict == CADDY_KEEP) {
		route_stands(caddy);
	} else if (plan.verdict == CADDY_CALL) {
		carry_out(caddy, &plan);
	} else if (caddy->job.work == FRONT_COMPARE) {
		finish(caddy, FRONT_DIFFERS, plan.text);
	} else if (caddy->job.work == FRONT_RESTORE) {
		snprintf(caddy->said, sizeof(caddy->said), "%s", plan.text);
		caddy->is_left = plan.is_blind;
		route_stands(caddy); /* restoring must come to an end */
	} else {
		finish(caddy, FRONT_REFUSED, plan.text);
	}
	caddy_plan_free(&plan);
}

static void
read_servers(struct caddy *caddy, struct str body)
{
	struct err err;
	struct json *servers = json_parse(body, &err);
	char text[CADDY_TEXT_SIZE];

	if (servers == NULL
	    || (json_kind(servers) != JSON_IS_OBJECT && json_kind(servers) != JSON_IS_NULL)) {
		snprintf(text, sizeof(text),
		    "%s does not answer as Caddy's admin endpoint does",
		    caddy->host.config->address);
		again(caddy, text);
	} else {
		caddy->tries = 0;
		judge(caddy, servers);
	}
	json_free(servers);
}

/* A field that this version does not know is left out from now on. False: that was not it. */
static bool
leave_out(struct caddy *caddy, const char *text)
{
	unsigned before = caddy->extras;

	if (strstr(text, "unknown field") == NULL)
		return false;
	if (strstr(text, "stream_close_delay") != NULL)
		caddy->extras = 0; /* the other one is younger */
	if (strstr(text, "grace_period") != NULL)
		caddy->extras &= ~(unsigned)CADDY_GRACE_PERIOD;
	return caddy->extras != before;
}

static void
on_refusal(struct caddy *caddy, const struct caddy_reply *reply)
{
	if (leave_out(caddy, reply->text))
		caddy_read(&caddy->talk, CADDY_SERVERS);
	else if (++caddy->refusals >= REFUSALS_MAX)
		give_up(caddy, FRONT_REFUSED, reply->text);
	else
		loop_timer_set(caddy->timer, AGAIN_MS);
}

static void
on_reply(void *context, const struct caddy_reply *reply)
{
	struct caddy *caddy = context;
	bool is_reading = caddy->talk.is_reading;

	switch (reply->kind) {
	case CADDY_SAID_OK:
		if (is_reading) {
			read_servers(caddy, reply->body);
			return;
		}
		caddy->has_changed = true;
		caddy_read(&caddy->talk, CADDY_SERVERS);
		return;
	case CADDY_SAID_STALE:
		caddy_read(&caddy->talk, CADDY_SERVERS);
		return;
	case CADDY_SAID_NO:
		if (!is_reading)
			on_refusal(caddy, reply);
		else if (strstr(reply->text, "invalid traversal path") != NULL)
			judge(caddy, NULL); /* it has no HTTP servers at all */
		else
			again(caddy, reply->text);
		return;
	case CADDY_SAID_KEEP_OUT:
		on_refusal(caddy, reply);
		return;
	case CADDY_SAID_NOTHING:
		again(caddy, reply->text);
		return;
	}
}

/* Names that lead back come first: they are ours, and need no Caddy that answers. */
static void
on_time(void *context)
{
	struct caddy *caddy = context;

	if (caddy->job.work == FRONT_RESTORE && caddy->tries == 0 && caddy->rounds == 0
	    && needs_names(caddy) && !write_names(caddy))
		return;
	caddy_read(&caddy->talk, CADDY_SERVERS);
}

/* The driver. */

static void
caddy_begin(void *self, const struct front_job *job)
{
	struct caddy *caddy = self;

	CHECK(caddy->job.on_done == NULL);
	caddy->job = *job;
	caddy->until_us = clock_mono_us() + JOB_US;
	caddy->rounds = 0;
	caddy->tries = 0;
	caddy->refusals = 0;
	caddy->has_changed = false;
	caddy->has_told = false;
	caddy->is_left = false;
	caddy->left = 0;
	caddy->said[0] = '\0';
	loop_timer_set(caddy->timer, 0);
}

static void
caddy_stop(void *self)
{
	struct caddy *caddy = self;

	caddy_hush(&caddy->talk);
	names_check_free(caddy->check);
	caddy->check = NULL;
	loop_timer_stop(caddy->timer);
	caddy->job.on_done = NULL;
}

static void *
caddy_open(const struct front_host *host)
{
	struct caddy *caddy = calloc(1, sizeof(*caddy));

	CHECK(caddy != NULL);
	caddy->host = *host;
	caddy->talk = (struct caddy_talk){ .fetch = host->fetch,
		.config = host->config,
		.on_reply = on_reply,
		.context = caddy };
	caddy->extras = CADDY_ALL_EXTRAS;
	snprintf(caddy->mark, sizeof(caddy->mark), "%.8s", host->store_uuid);
	snprintf(caddy->path, sizeof(caddy->path), "%s/" NAMES_FILE, host->directory);
	caddy->timer = loop_timer_new(host->loop, on_time, caddy);
	if (host->config->is_direct)
		caddy->standby = names_server_new(host->loop, host->directory, true);
	return caddy;
}

static void
caddy_close(void *self)
{
	struct caddy *caddy = self;

	caddy_stop(caddy);
	loop_timer_free(caddy->timer);
	names_server_free(caddy->standby);
	free(caddy);
}

static void
caddy_probe(void *self, const struct front_route *route, int count, struct front_request *to)
{
	const struct caddy *caddy = self;

	caddy_probe_fill(caddy->host.config, caddy->entry, route, count, to);
	snprintf(
	    to->secret, sizeof(to->secret), CADDY_PROBE_HEADER ": %s", caddy->host.secret);
}

static enum front_proof
caddy_proves(void *self, const struct front_route *route, const struct fetch_result *result,
    char said[128])
{
	const struct caddy *caddy = self;

	return caddy_probe_proves(caddy->mark, route,
	    fetch_header(result->transfer, CADDY_INSTANCE_HEADER),
	    fetch_status(result->transfer), said);
}

const struct front_driver caddy_driver = {
	.open = caddy_open,
	.close = caddy_close,
	.begin = caddy_begin,
	.stop = caddy_stop,
	.probe = caddy_probe,
	.proves = caddy_proves,
	.ensure_ms = 30000,
	.confirm_ms = 8000,
	.confirm_answers = 10,
	.confirm_pause_ms = 20,
	.confirm_least_ms = 300, /* three times Caddy's refresh */
	.drain_floor_ms = 1500,
};
