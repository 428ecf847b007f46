/* stage.c - one stage of one project: who may deploy next, and what serves now.
 *
 * Pure (see fsm.h). One deploy at a time; while it runs the newest other one waits and older ones
 * are superseded. A deploy that would bring what is live, running or waiting already is merged into
 * that. What was wished last is what serves in the end, however long each took to learn its digest. A
 * digest that was rolled back, or that a person has left, is in quarantine: no hook and no poll brings
 * it again, a person may. What has served before may be kept running: whoever brings the same again is told
 * so, and one who needs the host for himself has it stopped.
 *
 * Whether a version may go now is judged by the stage's terms (permit.h), each time that a deploy asks for
 * its turn and once more before its traffic: what may not go yet is pending, the newest of them only, and
 * asks again. A stage asks nothing of the outside, so it rests in every state: each deploy it waits for has
 * deadlines of its own and tells when it ends. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/ask.h"
#include "actors/fsm.h"
#include "actors/kept.h"
#include "actors/permit.h"
#include "actors/quarantine.h"
#include "actors/stage_places.h"

/* Guards. READY: digest and spec of the deploy that asks for its turn. */

static bool
is_same(const struct event *e, uint64_t deploy, const char *digest, uint64_t spec)
{
	return !e->flag && deploy != 0 && e->from != deploy && e->digest[0] != '\0'
	       && strcmp(e->digest, digest) == 0 && e->spec == spec;
}

GUARD(is_live_already)
{
	return is_same(e, a->stage.live, a->stage.live_digest, a->stage.live_spec);
}
/* What overrides may go when the others may not. */
GUARD(is_running_already)
{
	return !e->is_overriding
	       && is_same(e, a->stage.running, a->stage.running_digest, a->stage.running_spec);
}
GUARD(is_waiting_already)
{
	return !e->is_overriding
	       && is_same(e, a->stage.waiting, a->stage.waiting_digest, a->stage.waiting_spec);
}
GUARD(is_pending_already)
{
	return !e->is_overriding
	       && is_same(e, a->stage.pending, a->stage.pending_digest, a->stage.pending_spec);
}
GUARD(is_older_than_live) { return e->from < a->stage.live; }
GUARD(is_older_than_running) { return e->from < a->stage.running; }
GUARD(is_older_than_waiting) { return e->from < a->stage.waiting; }
/* But not what that one was left to. */
GUARD(is_older_than_merged)
{
	return e->from < a->stage.merged && e->from != a->stage.merged_into;
}
GUARD(is_older_than_pending) { return e->from < a->stage.pending; }
GUARD(may_go) { return permit_judge(&a->stage, e, NULL) == PERMIT_GO; }
GUARD(is_denied) { return permit_judge(&a->stage, e, NULL) == PERMIT_DENY; }
GUARD(is_from_running) { return e->from == a->stage.running; }
GUARD(is_from_waiting) { return e->from == a->stage.waiting; }
/* For now only, and nobody wants anything newer. A person hears of it, and decides. */
GUARD(is_put_off)
{
	return permit_is_by_machine(e) && a->stage.waiting == 0 && a->stage.pending == 0
	       && a->stage.resolving == 0 && permit_judge(&a->stage, e, NULL) == PERMIT_WAIT;
}
GUARD(is_held) { return permit_is_by_machine(e) && stage_holds(&a->stage, e->digest, NULL); }
GUARD(is_back) { return e->trigger == TRIGGER_ROLLBACK; }
GUARD(is_stop) { return e->trigger == TRIGGER_STOP; }

/* A person's wish may bring what a hook's may not, so then it is not the same one. */
GUARD(is_asked_already)
{
	return (permit_is_by_machine(e) || a->stage.quarantine[0].deploy == 0) && !e->flag
	       && !e->is_overriding && e->digest[0] == '\0' && a->stage.resolving != 0
	       && strcmp(e->tag, a->stage.resolving_tag) == 0;
}
/* A poll finds what a webhook brought a moment ago. What is live is news when something else is on its
 * way: the tag has moved back. */
GUARD(is_no_news)
{
	const char *last = a->stage.waiting != 0   ? a->stage.waiting_digest
			   : a->stage.running != 0 ? a->stage.running_digest
						   : a->stage.live_digest;

	return e->trigger == TRIGGER_POLL && e->digest[0] != '\0'
	       && strcmp(e->digest, last) == 0;
}

/* Actions. */

static void
settle(const struct actor *a, struct out *out, uint64_t deploy, enum event_kind kind,
    const char *format, uint64_t other)
{
	struct event message = { .kind = kind, .to = deploy };

	snprintf(message.text, sizeof(message.text), "%s%" PRIu64, format, other);
	tell(a, out, message);
}

/* Whose containers can serve at once; 0: some have to be started. */
static uint64_t
spare_for(const struct actor *a, const struct event *e)
{
	if (e->flag || e->strategy != STRATEGY_BLUE_GREEN)
		return 0;
	return kept_find(&a->stage, e->tag, e->digest, e->spec);
}

static void
grant(struct actor *a, const struct event *e, struct out *out)
{
	uint64_t spare = spare_for(a, e);

	a->stage.running = e->from;
	a->stage.running_spec = e->spec;
	if (is_stop(a, e)) /* who wants that version is not served by this */
		memset(a->stage.running_digest, 0, DIGEST_SIZE);
	else
		memcpy(a->stage.running_digest, e->digest, DIGEST_SIZE);
	if (e->strategy != STRATEGY_BLUE_GREEN)
		kept_clear(&a->stage); /* it stops whatever else runs */
	tell(a, out,
	    (struct event){
		.kind = EV_GRANTED, .to = e->from, .elder = a->stage.live, .spare = spare });
}

/* A wish is taken: what pends and is older will not be wanted any more. */
static void
outdate_pending(struct actor *a, struct out *out, uint64_t by)
{
	if (a->stage.pending == 0 || a->stage.pending > by)
		return;
	settle(a, out, a->stage.pending, EV_SUPERSEDED, "superseded by deploy ", by);
	stage_clear_pending(&a->stage);
}

static void
recall(struct actor *a, struct out *out, uint64_t deploy)
{
	if (deploy != 0)
		tell(a, out, (struct event){ .kind = EV_RECALLED, .to = deploy });
}

/* Whatever is said to a deploy that asks for its turn: it asks for no digest and pends no more. */
static void
leave_line(struct actor *a, uint64_t deploy)
{
	if (a->stage.resolving == deploy)
		stage_clear_resolving(&a->stage);
	if (a->stage.pending == deploy)
		stage_clear_pending(&a->stage);
}

/* Who asks for its digest still, and is older, comes too late. */
static void
note_merged(struct actor *a, uint64_t deploy, uint64_t into)
{
	if (deploy < a->stage.merged)
		return;
	a->stage.merged = deploy;
	a->stage.merged_into = into;
}

static void
merge(struct actor *a, const struct event *e, struct out *out, const char *format,
    uint64_t other)
{
	leave_line(a, e->from);
	note_merged(a, e->from, other);
	if (other != a->stage.pending)
		outdate_pending(a, out, e->from);
	settle(a, out, e->from, EV_MERGED, format, other);
}

static void
supersede(struct actor *a, const struct event *e, struct out *out, uint64_t by)
{
	leave_line(a, e->from);
	settle(a, out, e->from, EV_SUPERSEDED, "superseded by deploy ", by);
}

ACTION(ignore) {}

/* A route that was is not forgotten: the deploy that takes it away swaps and drains like any other. Who
 * asks for a tag now wants it under this configuration: what asks already is not the same. */
ACTION(configure)
{
	stage_clear_resolving(&a->stage);
	a->stage.spec = e->spec;
	a->stage.strategy = e->strategy;
	a->stage.tasks = e->count;
	a->stage.has_route = a->stage.has_route || e->flag;
	recall(a, out, a->stage.pending); /* the terms may be others now */
}

/* It starts nothing, so nothing of what is configured since counts for it. */
static void
begin_to_stop(const struct actor *a, struct deploy *stop)
{
	stop->spec = a->stage.live_spec;
	stop->strategy = STRATEGY_BLUE_GREEN;
	stop->tasks = 0;
}

ACTION(begin)
{
	bool is_resolved = e->digest[0] != '\0';
	struct actor child = { .kind = ACTOR_DEPLOY,
		.state = is_resolved ? DEPLOY_QUEUED : DEPLOY_RESOLVING };

	child.deploy.stage = a->id;
	child.deploy.spec = a->stage.spec;
	child.deploy.trigger = e->trigger;
	child.deploy.tasks = a->stage.tasks;
	child.deploy.has_route = a->stage.has_route;
	child.deploy.strategy = a->stage.strategy;
	child.deploy.is_forced = e->flag;
	child.deploy.is_overriding = e->is_overriding;
	child.deploy.created_ms = e->now_ms;
	memcpy(child.deploy.tag, e->tag, TAG_SIZE);
	memcpy(child.deploy.digest, e->digest, DIGEST_SIZE);
	if (is_stop(a, e))
		begin_to_stop(a, &child.deploy);
	uint64_t id = spawn(out, child);
	/* An older one will come too late: the same tag is a new wish. */
	stage_clear_resolving(&a->stage);
	if (!is_resolved) {
		a->stage.resolving = id;
		memcpy(a->stage.resolving_tag, e->tag, TAG_SIZE);
	}
}

/* What serves, or did until the stage was stopped. */
static void
leave_behind(struct actor *a, const struct event *e)
{
	if (strcmp(a->stage.live_digest, e->digest) != 0)
		quarantine_put(&a->stage, a->stage.live_digest,
		    a->stage.live != 0 ? a->stage.live : a->stage.stopped);
}

/* A person leaves what is live: it stays away until a person wants it. */
ACTION(begin_back)
{
	leave_behind(a, e);
	begin(a, e, out);
}

ACTION(start)
{
	leave_line(a, e->from);
	outdate_pending(a, out, e->from);
	grant(a, e, out);
}

ACTION(enqueue)
{
	leave_line(a, e->from);
	a->stage.waiting = e->from;
	a->stage.waiting_spec = e->spec;
	outdate_pending(a, out, e->from);
	memcpy(a->stage.waiting_digest, e->digest, DIGEST_SIZE);
}

ACTION(replace_waiting)
{
	settle(a, out, a->stage.waiting, EV_SUPERSEDED, "superseded by deploy ", e->from);
	enqueue(a, e, out);
}

ACTION(merge_live)
{
	merge(a, e, out, "this digest is live already, by deploy ", a->stage.live);
}

ACTION(merge_running)
{
	merge(
	    a, e, out, "this digest is being deployed already, by deploy ", a->stage.running);
}

ACTION(merge_waiting)
{
	merge(
	    a, e, out, "this digest waits for its turn already, as deploy ", a->stage.waiting);
}

ACTION(merge_pending)
{
	merge(a, e, out, "this digest may not go yet and is pending as deploy ",
	    a->stage.pending);
}

/* The newest wish is what runs now: nothing needs to come after it. */
ACTION(merge_running_drop_waiting)
{
	settle(a, out, a->stage.waiting, EV_SUPERSEDED, "superseded by deploy ", e->from);
	stage_clear_waiting(&a->stage);
	merge_running(a, e, out);
}

/* It asked for its digest for so long that a newer one has come and gone live. */
ACTION(supersede_by_live) { supersede(a, e, out, a->stage.live); }
ACTION(supersede_by_running) { supersede(a, e, out, a->stage.running); }
ACTION(supersede_by_waiting) { supersede(a, e, out, a->stage.waiting); }
ACTION(supersede_by_merged) { supersede(a, e, out, a->stage.merged); }
ACTION(supersede_by_pending) { supersede(a, e, out, a->stage.pending); }

ACTION(defer)
{
	leave_line(a, e->from);
	outdate_pending(a, out, e->from);
	a->stage.pending = e->from;
	a->stage.pending_spec = e->spec;
	memcpy(a->stage.pending_digest, e->digest, DIGEST_SIZE);
	permit_answer(a, e, out, EV_DEFERRED);
}

ACTION(deny)
{
	leave_line(a, e->from);
	permit_answer(a, e, out, EV_DENIED);
}

/* The same version is nothing to go back to, and one tag leads to one version. */
ACTION(pass)
{
	bool is_same = e->terms.keep_ms == KEEP_ON
			   ? kept_is_one_name(e->tag, a->stage.live_tag)
			   : strcmp(e->digest, a->stage.live_digest) == 0;

	a->stage.keep_most = e->terms.keep_most;
	tell(a, out,
	    (struct event){ .kind = EV_GRANTED,
		.to = e->from,
		.elder = a->stage.live,
		.after_ms = is_same ? 0 : e->terms.keep_ms });
}

/* It will not go live: who wants the same has its own turn. */
ACTION(disown) { memset(a->stage.running_digest, 0, DIGEST_SIZE); }

/* Its containers go, the wish stays: a new deploy pends for it. Who found the version, a poll say, will not tell of
 * it again. */
ACTION(put_off)
{
	struct event *denied;
	size_t n;

	deny(a, e, out);
	disown(a, e, out);
	begin(a, e, out);
	denied = &out->messages[out->message_count - 1];
	n = strlen(denied->text);
	snprintf(denied->text + n, sizeof(denied->text) - n,
	    "; deploy %" PRIu64 " waits in its place", out->spawns[0].id);
}

ACTION(freeze) { permit_freeze(&a->stage, e); }

ACTION(thaw)
{
	permit_thaw(&a->stage);
	recall(a, out, a->stage.pending);
}

static void
hold(struct actor *a, struct out *out, uint64_t deploy, const char *digest)
{
	struct event message = { .kind = EV_HELD, .to = deploy };
	uint64_t by = 0;

	stage_holds(&a->stage, digest, &by);
	snprintf(message.text, sizeof(message.text),
	    "in quarantine: this digest was rolled back or left, see deploy %" PRIu64
	    "; deploy it by hand, or lift the quarantine",
	    by);
	tell(a, out, message);
}

ACTION(hold_back)
{
	leave_line(a, e->from);
	hold(a, out, e->from, e->digest);
}

ACTION(condemn)
{
	memset(a->stage.running_digest, 0, DIGEST_SIZE);
	if (strcmp(e->digest, a->stage.live_digest) != 0) /* what serves was good once more */
		quarantine_put(&a->stage, e->digest, e->from);
}

ACTION(lift) { quarantine_release(&a->stage, e->digest); }

/* Its time is over, it does not run any more, its memory is needed, or nobody wants it: the sweep removes it. */
ACTION(cool) { kept_drop(&a->stage, e->spare); }

/* What serves until now, beside those that did before. */
static void
keep(struct actor *a, const struct event *e)
{
	struct kept left = { .deploy = a->stage.live,
		.spec = a->stage.live_spec,
		.until_ms = e->after_ms == KEEP_ON ? 0 : e->now_ms + e->after_ms };

	memcpy(left.tag, a->stage.live_tag, TAG_SIZE);
	memcpy(left.digest, a->stage.live_digest, DIGEST_SIZE);
	kept_drop(&a->stage, e->spare);
	kept_outdate(&a->stage, e->tag);
	if (left.deploy != 0 && left.deploy != e->spare && e->after_ms != 0)
		kept_put(&a->stage, &left);
	kept_trim(&a->stage, a->stage.keep_most);
}

ACTION(move)
{
	keep(a, e);
	quarantine_release(&a->stage, e->digest[0] == '\0' ? "-" : e->digest);
	if (a->stage.live == 0 || strcmp(a->stage.live_digest, e->digest) != 0)
		a->stage.live_since_ms = e->now_ms;
	a->stage.live = e->spare != 0 ? e->spare : e->from;
	if (e->spare != 0) /* older than wishes that come too late now */
		note_merged(a, e->from, e->spare);
	a->stage.live_spec = e->spec;
	memcpy(a->stage.live_tag, e->tag, TAG_SIZE);
	memcpy(a->stage.live_digest, e->digest, DIGEST_SIZE);
	if (a->stage.stopped != 0)
		recall(a, out, a->stage.pending); /* what came meanwhile waited for that */
	a->stage.stopped = 0;
}

/* Nothing serves, until a person wants something. Wishes older than that come too late. Its digest is still what
 * would come back. */
ACTION(leave)
{
	kept_clear(&a->stage);
	note_merged(a, e->from, 0);
	a->stage.live = 0;
	a->stage.live_spec = 0;
	a->stage.live_since_ms = 0;
	a->stage.stopped = e->from;
}

/* Another version may have gone live since the rollback was asked for. */
ACTION(move_back)
{
	leave_behind(a, e);
	move(a, e, out);
}

/* The turn is free. What waits, if anything does, asks anew: its digest may be live or held by now, or the terms changed. */
ACTION(recall_waiting)
{
	recall(a, out, a->stage.waiting);
	stage_clear_waiting(&a->stage);
	stage_clear_running(&a->stage);
}

ACTION(drop_waiting) { stage_clear_waiting(&a->stage); }

ACTION(forget) { leave_line(a, e->from); }

ACTION(cancel_running)
{
	tell(a, out, (struct event){ .kind = EV_CANCEL, .to = a->stage.running });
}

ACTION(cancel_both)
{
	tell(a, out, (struct event){ .kind = EV_CANCEL, .to = a->stage.waiting });
	tell(a, out, (struct event){ .kind = EV_CANCEL, .to = a->stage.running });
}

#include "actors/stage_rows.h" /* names what is above */

SPEC(stage, STAGE, STAGE_STATES, STATE(STAGE_IDLE), 0,
    STATE(STAGE_IDLE) | STATE(STAGE_DEPLOYING) | STATE(STAGE_QUEUEING));
