/* deploy_ask.c - see deploy_ask.h. Pure. */
#include "actors/deploy_ask.h"

#include <string.h>

#include "actors/ask.h"

/* What is borrowed is not removed. */
static struct effect
effect_of(const struct actor *a, enum effect_kind kind)
{
	bool is_borrowed = a->deploy.body != 0 && kind != FX_REMOVE;

	return (struct effect){ .kind = kind,
		.stage = a->deploy.stage,
		.deploy = is_borrowed ? a->deploy.body : a->id,
		.elder = a->deploy.elder };
}

void
deploy_ask(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	a->deadline_ms = e->now_ms + ms;
	emit(a, out, effect_of(a, kind));
}

void
deploy_ask_later(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	int64_t delay_ms = retry_delay_ms(a->deploy.tries, e->after_ms);
	struct effect effect = effect_of(a, kind);

	effect.delay_ms = delay_ms;
	a->deploy.tries++;
	keep_reason(a->deploy.reason, e);
	a->deadline_ms = e->now_ms + delay_ms + ms;
	emit(a, out, effect);
}

void
deploy_ask_first(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	a->deploy.tries = 0;
	a->deploy.reason[0] = '\0';
	deploy_ask(a, e, out, kind, ms);
}

static enum task_kind
hook_of(const struct actor *a)
{
	return a->state == DEPLOY_PRE_SWITCH    ? TASK_PRE_SWITCH
	       : a->state == DEPLOY_POST_SWITCH ? TASK_POST_SWITCH
						: TASK_POST_RETIRE;
}

static void
ask_hook(struct actor *a, const struct event *e, struct out *out, enum task_kind hook,
    int64_t delay_ms, int64_t ms)
{
	a->deadline_ms = e->now_ms + delay_ms + ms;
	emit(a, out,
	    (struct effect){ .kind = FX_HOOK,
		.stage = a->deploy.stage,
		.deploy = a->id,
		.elder = a->deploy.elder,
		.task = hook,
		.delay_ms = delay_ms });
}

void
deploy_ask_hook(
    struct actor *a, const struct event *e, struct out *out, int64_t ms, enum task_kind hook)
{
	a->deploy.tries = 0;
	a->deploy.reason[0] = '\0';
	ask_hook(a, e, out, hook, 0, ms);
}

void
deploy_ask_hook_again(struct actor *a, const struct event *e, struct out *out, int64_t ms)
{
	ask_hook(a, e, out, hook_of(a), 0, ms);
}

void
deploy_ask_hook_later(struct actor *a, const struct event *e, struct out *out, int64_t ms)
{
	int64_t delay_ms = retry_delay_ms(a->deploy.tries, e->after_ms);

	a->deploy.tries++;
	keep_reason(a->deploy.reason, e);
	ask_hook(a, e, out, hook_of(a), delay_ms, ms);
}

static struct event
message_of(const struct actor *a, enum event_kind kind)
{
	struct event message = { .kind = kind,
		.to = a->deploy.stage,
		.spec = a->deploy.spec,
		.trigger = a->deploy.trigger,
		.strategy = a->deploy.strategy,
		.flag = a->deploy.is_forced };

	memcpy(message.digest, a->deploy.digest, sizeof(message.digest));
	return message;
}

void
deploy_tell_stage(struct actor *a, struct out *out, enum event_kind kind)
{
	tell(a, out, message_of(a, kind));
}

void
deploy_tell_moved(struct actor *a, struct out *out)
{
	struct event message = message_of(a, EV_MOVED);

	message.spare = a->deploy.body;
	message.after_ms = a->deploy.keep_ms;
	memcpy(message.tag, a->deploy.tag, sizeof(message.tag));
	tell(a, out, message);
}

void
deploy_ask_stage(struct actor *a, const struct event *e, struct out *out, enum event_kind kind)
{
	struct event question = message_of(a, kind);

	question.count = a->deploy.approvals;
	question.after_ms = e->now_ms - a->deploy.created_ms;
	question.is_overriding = a->deploy.is_overriding;
	memcpy(question.tag, a->deploy.tag, sizeof(question.tag));
	tell(a, out, question);
}

void
deploy_tell_swap(struct actor *a, struct out *out, enum event_kind kind)
{
	tell(a, out, (struct event){ .kind = kind, .to = a->deploy.swap });
}
