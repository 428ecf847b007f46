/* permit.c - see permit.h. Pure. */
#include "actors/permit.h"

#include <stdio.h>
#include <string.h>

#include "actors/ask.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

/* What holds it, in one sentence, and how long that lasts at least. */
struct wait {
	bool holds;
	int64_t left_ms;
	char text[REASON_SIZE];
};

/* One more reason, behind those that are there. */
static void
hold(struct wait *wait, int64_t left_ms, const char *what, const char *name, const char *rest)
{
	size_t n = strlen(wait->text);

	wait->holds = true;
	if (left_ms > wait->left_ms)
		wait->left_ms = left_ms;
	snprintf(wait->text + n, sizeof(wait->text) - n, "%s%s%s%s", n == 0 ? "" : "; ", what,
	    name, rest);
}

static bool
lacks_approvals(const struct event *e)
{
	return e->count < e->terms.approvals;
}

static struct wait
look(const struct stage *stage, const struct event *e)
{
	const struct terms *terms = &e->terms;
	int64_t frozen_ms = stage->frozen_until_ms - e->now_ms;
	int64_t soak_ms = terms->soak_ms - (e->now_ms - terms->source_since_ms);
	struct wait wait = { .holds = false };
	char count[32];

	if (stage->stopped != 0 && permit_is_by_machine(e))
		hold(&wait, PENDING_LOOK_MS, "the stage is stopped", "", "");
	if (!e->is_overriding && frozen_ms > 0)
		hold(&wait, frozen_ms, "frozen: ", stage->freeze, "");
	if (!e->is_overriding && terms->closed_ms > 0)
		hold(&wait, terms->closed_ms, "outside of its deploy windows", "", "");
	if (terms->source[0] != '\0' && soak_ms > 0)
		hold(&wait, soak_ms, "not long enough in '", terms->source, "' yet");
	if (lacks_approvals(e)) {
		snprintf(count, sizeof(count), "%u of %u", e->count, terms->approvals);
		hold(&wait, 0, "has ", count, " approvals");
		/* Until people agree nothing else matters but that they do so in time. */
		wait.left_ms = terms->approve_ms - e->after_ms;
	}
	return wait;
}

static enum permit_verdict
deny(struct permit *ret, const char *what, const char *name, const char *rest)
{
	snprintf(ret->text, sizeof(ret->text), "%s%s%s", what, name, rest);
	return PERMIT_DENY;
}

static enum permit_verdict
judge_source(const struct event *e, struct permit *ret)
{
	const struct terms *terms = &e->terms;

	if (terms->source[0] == '\0')
		return PERMIT_GO;
	if (terms->source_digest[0] == '\0')
		return deny(
		    ret, "nothing that runs and is verified is live in '", terms->source, "'");
	if (strcmp(terms->source_digest, e->digest) != 0)
		return deny(ret, "this digest is not what is live in '", terms->source,
		    "': only that may come here");
	return PERMIT_GO;
}

/* It brings nothing that does not serve already. */
static enum permit_verdict
judge_restart(const struct stage *stage, const struct event *e, struct permit *ret)
{
	if (stage->live != 0 && strcmp(stage->live_digest, e->digest) == 0)
		return PERMIT_GO;
	return deny(ret, "the version to start anew is not live any more", "", "");
}

/* It never waits for its turn: what goes live until then would not be what somebody wanted to stop. */
static enum permit_verdict
judge_stop(const struct stage *stage, struct permit *ret)
{
	if (stage->running != 0)
		return deny(ret, "another deploy is under way", "", "");
	return stage->live != 0 ? PERMIT_GO : deny(ret, "nothing is live any more", "", "");
}

/* It brings nothing that did not serve before, unless something else has come since. */
static enum permit_verdict
judge_start(const struct stage *stage, struct permit *ret)
{
	return stage->live == 0 ? PERMIT_GO : deny(ret, "something is live already", "", "");
}

bool
permit_is_by_machine(const struct event *e)
{
	return e->trigger == TRIGGER_POLL || e->trigger == TRIGGER_WEBHOOK;
}

enum permit_verdict
permit_judge(const struct stage *stage, const struct event *e, struct permit *ret)
{
	struct permit ignored;
	struct wait wait;

	if (ret == NULL)
		ret = &ignored;
	*ret = (struct permit){ .after_ms = 0 };
	if (e->trigger == TRIGGER_ROLLBACK)
		return PERMIT_GO;
	if (e->trigger == TRIGGER_RESTART)
		return judge_restart(stage, e, ret);
	if (e->trigger == TRIGGER_STOP)
		return judge_stop(stage, ret);
	if (e->trigger == TRIGGER_START)
		return judge_start(stage, ret);
	if (judge_source(e, ret) == PERMIT_DENY)
		return PERMIT_DENY;
	wait = look(stage, e);
	if (!wait.holds)
		return PERMIT_GO;
	if (lacks_approvals(e) && e->after_ms >= e->terms.approve_ms)
		return deny(ret, "not approved in time: ", wait.text, "");
	if (e->after_ms >= PENDING_DAYS_MAX * DAY_MS)
		return deny(ret, "pending for too long: ", wait.text, "");
	memcpy(ret->text, wait.text, sizeof(ret->text));
	ret->after_ms = wait.left_ms < PENDING_LOOK_MS ? wait.left_ms : PENDING_LOOK_MS;
	if (ret->after_ms < 1)
		ret->after_ms = 1;
	return PERMIT_WAIT;
}

void
permit_answer(
    const struct actor *a, const struct event *e, struct out *out, enum event_kind kind)
{
	struct permit permit;
	struct event message = { .kind = kind, .to = e->from };

	permit_judge(&a->stage, e, &permit);
	message.after_ms = permit.after_ms;
	keep_text(message.text, permit.text);
	tell(a, out, message);
}

void
permit_thaw(struct stage *stage)
{
	stage->frozen_until_ms = 0;
	memset(stage->freeze, 0, FREEZE_SIZE);
}

void
permit_freeze(struct stage *stage, const struct event *frozen)
{
	permit_thaw(stage);
	stage->frozen_until_ms =
	    frozen->after_ms == 0 ? INT64_MAX : frozen->now_ms + frozen->after_ms;
	memcpy(stage->freeze, frozen->text, strnlen(frozen->text, FREEZE_SIZE - 1));
}
