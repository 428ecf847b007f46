/* stage.c - one stage of one project: who may deploy next, and what serves now.
 *
 * Pure (see fsm.h). One deploy at a time; while it runs the newest other one waits and older ones
 * are superseded. A deploy that would bring what is live, running or waiting already is merged into
 * that. What was wished last is what serves in the end, however long each took to learn its digest. A
 * digest that was rolled back, or that a person has left, is in quarantine: no hook and no poll brings
 * it again, a person may. Whether a version may go now is judged by the stage's terms (permit.h), each
 * time that a deploy asks for its turn and once more before its traffic: what may not go yet is pending,
 * the newest of them only, and asks again. A stage asks nothing of the outside, so it rests in every state: each deploy
 * it waits for has deadlines of its own and tells when it ends. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/ask.h"
#include "actors/fsm.h"
#include "actors/permit.h"
#include "actors/quarantine.h"

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
/* Nobody but a machine wanted it. */
static bool
is_auto(const struct event *e)
{
	return e->trigger == TRIGGER_POLL || e->trigger == TRIGGER_WEBHOOK;
}

GUARD(is_held) { return is_auto(e) && stage_holds(&a->stage, e->digest, NULL); }
GUARD(is_back) { return e->trigger == TRIGGER_ROLLBACK; }

/* A person's wish may bring what a hook's may not, so then it is not the same one. */
GUARD(is_asked_already)
{
	return (is_auto(e) || a->stage.quarantine[0].deploy == 0) && !e->flag
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

static void
grant(struct actor *a, struct out *out, uint64_t deploy, uint64_t spec, const char *digest)
{
	a->stage.running = deploy;
	a->stage.running_spec = spec;
	memmove(a->stage.running_digest, digest, DIGEST_SIZE);
	tell(a, out,
	    (struct event){ .kind = EV_GRANTED, .to = deploy, .elder = a->stage.live });
}

static void
clear_waiting(struct actor *a)
{
	a->stage.waiting = 0;
	a->stage.waiting_spec = 0;
	memset(a->stage.waiting_digest, 0, DIGEST_SIZE);
}

static void
clear_pending(struct actor *a)
{
	a->stage.pending = 0;
	a->stage.pending_spec = 0;
	memset(a->stage.pending_digest, 0, DIGEST_SIZE);
}

/* A wish is taken: what pends and is older will not be wanted any more. */
static void
outdate_pending(struct actor *a, struct out *out, uint64_t by)
{
	if (a->stage.pending == 0 || a->stage.pending > by)
		return;
	settle(a, out, a->stage.pending, EV_SUPERSEDED, "superseded by deploy ", by);
	clear_pending(a);
}

static void
recall(struct actor *a, struct out *out, uint64_t deploy)
{
	if (deploy != 0)
		tell(a, out, (struct event){ .kind = EV_RECALLED, .to = deploy });
}

static void
clear_running(struct actor *a)
{
	a->stage.running = 0;
	a->stage.running_spec = 0;
	memset(a->stage.running_digest, 0, DIGEST_SIZE);
}

static void
clear_resolving(struct actor *a)
{
	a->stage.resolving = 0;
	memset(a->stage.resolving_tag, 0, TAG_SIZE);
}

/* Whatever is said to a deploy that asks for its turn: it asks for no digest and pends no more. */
static void
leave_line(struct actor *a, uint64_t deploy)
{
	if (a->stage.resolving == deploy)
		clear_resolving(a);
	if (a->stage.pending == deploy)
		clear_pending(a);
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
	clear_resolving(a);
	a->stage.spec = e->spec;
	a->stage.strategy = e->strategy;
	a->stage.tasks = e->count;
	a->stage.has_route = a->stage.has_route || e->flag;
	recall(a, out, a->stage.pending); /* the terms may be others now */
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
	uint64_t id = spawn(out, child);
	clear_resolving(a); /* an older one will come too late: the same tag is a new wish */
	if (!is_resolved) {
		a->stage.resolving = id;
		memcpy(a->stage.resolving_tag, e->tag, TAG_SIZE);
	}
}

/* A person leaves what is live: it stays away until a person wants it. */
ACTION(begin_back)
{
	if (strcmp(a->stage.live_digest, e->digest) != 0)
		quarantine_put(&a->stage, a->stage.live_digest, a->stage.live);
	begin(a, e, out);
}

ACTION(start)
{
	leave_line(a, e->from);
	outdate_pending(a, out, e->from);
	grant(a, out, e->from, e->spec, e->digest);
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
	clear_waiting(a);
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

ACTION(pass)
{
	tell(a, out,
	    (struct event){ .kind = EV_GRANTED, .to = e->from, .elder = a->stage.live });
}

ACTION(bar) { permit_answer(a, e, out, EV_DENIED); }

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

ACTION(move)
{
	quarantine_release(&a->stage, e->digest[0] == '\0' ? "-" : e->digest);
	if (a->stage.live == 0 || strcmp(a->stage.live_digest, e->digest) != 0)
		a->stage.live_since_ms = e->now_ms;
	a->stage.live = e->from;
	a->stage.live_spec = e->spec;
	memcpy(a->stage.live_digest, e->digest, DIGEST_SIZE);
}

/* Another version may have gone live since the rollback was asked for. */
ACTION(move_back)
{
	if (strcmp(a->stage.live_digest, e->digest) != 0)
		quarantine_put(&a->stage, a->stage.live_digest, a->stage.live);
	move(a, e, out);
}

/* It will not go live: who wants the same has its own turn. */
ACTION(disown) { memset(a->stage.running_digest, 0, DIGEST_SIZE); }

ACTION(rest) { clear_running(a); }

/* The turn is free. What waits asks anew: its digest may be live or held by now, or the terms changed. */
ACTION(recall_waiting)
{
	recall(a, out, a->stage.waiting);
	clear_waiting(a);
	clear_running(a);
}

ACTION(drop_waiting) { clear_waiting(a); }

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

/* clang-format off */
#define ROW(in, on, guard, action, then) \
	{ STAGE_##in, STAGE_##then, on, guard, action, 0, false, #guard, #action }
#define QUIET(in, on, guard, action, then) \
	{ STAGE_##in, STAGE_##then, on, guard, action, 0, true, #guard, #action }
#define TRIGGERED(in)                                            \
	QUIET(in, ON(TRIGGER), is_asked_already,   ignore, in),  \
	QUIET(in, ON(TRIGGER), is_no_news,         ignore, in),  \
	QUIET(in, ON(TRIGGER), is_held,            ignore, in),  \
	ROW(  in, ON(TRIGGER), is_back,            begin_back, in), \
	ROW(  in, ON(TRIGGER), always,             begin,  in)
#define ANYTIME(in)                                              \
	QUIET(in, ON(RECOVERED), always, ignore, in),            \
	ROW(  in, ON(LIFTED),    always, lift,   in),            \
	ROW(  in, ON(FROZEN),    always, freeze, in),            \
	ROW(  in, ON(THAWED),    always, thaw,   in),            \
	ROW(  in, ON(CONFIGURED), always, configure, in)

/* Behind the rows of those that may go. */
#define PENDING(in)                                                      \
	ROW(  in, ON(READY), is_denied,             deny,          in),  \
	ROW(  in, ON(READY), is_pending_already,    merge_pending, in),  \
	ROW(  in, ON(READY), is_older_than_pending, supersede_by_pending, in), \
	ROW(  in, ON(READY), always,                defer,         in)

static const struct row rows[] = {
	/*    in         on          if                     do                          then      */
	ANYTIME(IDLE),
	TRIGGERED(IDLE),
	QUIET(IDLE,      ON(START),  always,                ignore,                     IDLE),
	QUIET(IDLE,      ON(CANCEL), always,                ignore,                     IDLE),
	ROW(  IDLE,      ON(READY),  is_held,               hold_back,                  IDLE),
	ROW(  IDLE,      ON(READY),  is_live_already,       merge_live,                 IDLE),
	ROW(  IDLE,      ON(READY),  is_older_than_live,    supersede_by_live,          IDLE),
	ROW(  IDLE,      ON(READY),  is_older_than_merged,  supersede_by_merged,        IDLE),
	ROW(  IDLE,      ON(READY),  may_go,                start,                      DEPLOYING),
	PENDING(IDLE),
	ROW(  IDLE,      ON(ENDED),  always,                forget,                     IDLE),

	ANYTIME(DEPLOYING),
	TRIGGERED(DEPLOYING),
	ROW(  DEPLOYING, ON(CANCEL), always,                cancel_running,             DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_held,               hold_back,                  DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_running_already,    merge_running,              DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_older_than_running, supersede_by_running,       DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  is_older_than_merged,  supersede_by_merged,        DEPLOYING),
	ROW(  DEPLOYING, ON(READY),  may_go,                enqueue,                    QUEUEING),
	PENDING(DEPLOYING),
	ROW(  DEPLOYING, ON(PASSING), may_go,               pass,                       DEPLOYING),
	ROW(  DEPLOYING, ON(PASSING), always,               bar,                        DEPLOYING),
	ROW(  DEPLOYING, ON(MOVED),  is_back,               move_back,                  DEPLOYING),
	ROW(  DEPLOYING, ON(MOVED),  always,                move,                       DEPLOYING),
	ROW(  DEPLOYING, ON(GIVEN_UP), always,              disown,                     DEPLOYING),
	ROW(  DEPLOYING, ON(CONDEMNED), always,             condemn,                    DEPLOYING),
	ROW(  DEPLOYING, ON(ENDED),  is_from_running,       rest,                       IDLE),
	ROW(  DEPLOYING, ON(ENDED),  always,                forget,                     DEPLOYING),

	ANYTIME(QUEUEING),
	TRIGGERED(QUEUEING),
	ROW(  QUEUEING,  ON(CANCEL), always,                cancel_both,                QUEUEING),
	QUIET(QUEUEING,  ON(READY),  is_from_waiting,       ignore,                     QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_held,               hold_back,                  QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_running, supersede_by_running,       QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_waiting, supersede_by_waiting,       QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_older_than_merged,  supersede_by_merged,        QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_waiting_already,    merge_waiting,              QUEUEING),
	ROW(  QUEUEING,  ON(READY),  is_running_already,    merge_running_drop_waiting, DEPLOYING),
	ROW(  QUEUEING,  ON(READY),  may_go,                replace_waiting,            QUEUEING),
	PENDING(QUEUEING),
	ROW(  QUEUEING,  ON(PASSING), may_go,               pass,                       QUEUEING),
	ROW(  QUEUEING,  ON(PASSING), always,               bar,                        QUEUEING),
	ROW(  QUEUEING,  ON(MOVED),  is_back,               move_back,                  QUEUEING),
	ROW(  QUEUEING,  ON(MOVED),  always,                move,                       QUEUEING),
	ROW(  QUEUEING,  ON(GIVEN_UP), always,              disown,                     QUEUEING),
	ROW(  QUEUEING,  ON(CONDEMNED), always,             condemn,                    QUEUEING),
	ROW(  QUEUEING,  ON(ENDED),  is_from_running,       recall_waiting,             IDLE),
	ROW(  QUEUEING,  ON(ENDED),  is_from_waiting,       drop_waiting,               DEPLOYING),
	ROW(  QUEUEING,  ON(ENDED),  always,                forget,                     QUEUEING),
};
/* clang-format on */

SPEC(stage, STAGE, STAGE_STATES, STATE(STAGE_IDLE), 0,
    STATE(STAGE_IDLE) | STATE(STAGE_DEPLOYING) | STATE(STAGE_QUEUEING));
