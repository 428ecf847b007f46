/* deploy_ask.c - see deploy_ask.h. Pure. */
#include "actors/deploy_ask.h"

#include <string.h>

#include "actors/ask.h"

void
deploy_ask(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	a->deadline_ms = e->now_ms + ms;
	emit(a, out,
	    (struct effect){ .kind = kind,
		.stage = a->deploy.stage,
		.deploy = a->id,
		.elder = a->deploy.elder });
}

void
deploy_ask_later(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	int64_t delay_ms = retry_delay_ms(a->deploy.tries, e->after_ms);

	a->deploy.tries++;
	keep_reason(a->deploy.reason, e);
	a->deadline_ms = e->now_ms + delay_ms + ms;
	emit(a, out,
	    (struct effect){ .kind = kind,
		.stage = a->deploy.stage,
		.deploy = a->id,
		.elder = a->deploy.elder,
		.delay_ms = delay_ms });
}

void
deploy_ask_first(
    struct actor *a, const struct event *e, struct out *out, enum effect_kind kind, int64_t ms)
{
	a->deploy.tries = 0;
	a->deploy.reason[0] = '\0';
	deploy_ask(a, e, out, kind, ms);
}

static struct event
message_of(const struct actor *a, enum event_kind kind)
{
	struct event message = { .kind = kind,
		.to = a->deploy.stage,
		.spec = a->deploy.spec,
		.trigger = a->deploy.trigger,
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
deploy_ask_stage(struct actor *a, const struct event *e, struct out *out, enum event_kind kind)
{
	struct event question = message_of(a, kind);

	question.count = a->deploy.approvals;
	question.after_ms = e->now_ms - a->deploy.created_ms;
	question.is_overriding = a->deploy.is_overriding;
	tell(a, out, question);
}

void
deploy_tell_swap(struct actor *a, struct out *out, enum event_kind kind)
{
	tell(a, out, (struct event){ .kind = kind, .to = a->deploy.swap });
}
