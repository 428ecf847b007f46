/* notify.c - see notify.h: the line of deliveries, and whose turn it is.
 *
 * The one idea: a receiver that hangs holds up nobody but itself. Few transfers run at once, fewer to
 * one receiver, and a delivery whose receiver is busy lets others pass. */
#include "ports/notify_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/domain.h"
#include "store/deploys.h"
#include "store/notifications.h"
#include "store/store.h"

TAILQ_HEAD(delivery_line, delivery);

struct notifier {
	struct port_host host;
	struct vault *vault;
	bool is_https;
	struct delivery_line line; /* in the order of their asking; under way or waiting */
	size_t under_way;
};

/* What a letter's texts point to. */
struct source {
	struct notification row;
	char url[DOMAIN_SIZE + 16];
	struct letter letter;
};

struct notifier *
notifier_new(const struct port_host *host, struct vault *vault, bool is_https)
{
	struct notifier *n = calloc(1, sizeof(*n));

	CHECK(n != NULL);
	n->host = *host;
	n->vault = vault;
	n->is_https = is_https;
	TAILQ_INIT(&n->line);
	return n;
}

static struct delivery *
delivery_new(struct notifier *n, const char *receiver)
{
	struct delivery *d = calloc(1, sizeof(*d));

	CHECK(d != NULL);
	d->notifier = n;
	CHECK(str_copy(d->receiver, sizeof(d->receiver), str_of(receiver)));
	TAILQ_INSERT_TAIL(&n->line, d, entry);
	return d;
}

static void
delivery_drop(struct delivery *d)
{
	TAILQ_REMOVE(&d->notifier->line, d, entry);
	buf_free(&d->answer);
	explicit_bzero(d->secret, sizeof(d->secret));
	free(d);
}

static void
cancel(struct delivery *d)
{
	if (d->transfer != NULL) {
		fetch_cancel(d->transfer);
		d->notifier->under_way--;
	}
	delivery_drop(d);
}

void
notifier_free(struct notifier *n)
{
	struct delivery *d;

	if (n == NULL)
		return;
	while ((d = TAILQ_FIRST(&n->line)) != NULL) {
		if (d->on_tested != NULL)
			d->on_tested(d->context, NULL);
		cancel(d);
	}
	free(n);
}

bool
notifier_is_busy(const struct notifier *n)
{
	return !TAILQ_EMPTY(&n->line);
}

/* Answers. */

static void
answer_actor(struct delivery *d, const struct verdict *v)
{
	const struct port_host *host = &d->notifier->host;
	struct event answer = port_answer(&d->effect, v->kind);
	const struct stage_entry *entry = catalog_stage(host->catalog, d->effect.stage);
	struct log_context context = { .deploy_id = d->effect.deploy };

	answer.count = (uint32_t)v->status;
	answer.after_ms = v->after_ms;
	memcpy(answer.text, v->text, sizeof(answer.text));
	if (entry != NULL) {
		context.project = entry->spec->project;
		context.stage = entry->spec->stage;
	}
	if (v->kind == EV_NOTIFIED)
		log_info(&context, "notify.delivered", "receiver '%s' was told", d->receiver);
	else
		log_warn(&context, "notify.failed", "receiver '%s' was not told: %s",
		    d->receiver, v->text);
	port_send(host, &answer);
}

static void
answer_test(struct delivery *d, const struct verdict *v)
{
	struct notify_tested tested = { .is_delivered = v->kind == EV_NOTIFIED,
		.status = v->status,
		.is_signed = d->is_signed };

	if (d->started_us != 0)
		tested.latency_ms = (clock_mono_us() - d->started_us) / 1000;
	memcpy(tested.delivery, d->id, sizeof(tested.delivery));
	memcpy(tested.why, v->text, sizeof(tested.why));
	delivery_snippet(d, tested.snippet);
	d->on_tested(d->context, &tested);
}

static void
settle(struct delivery *d, const struct verdict *v)
{
	if (d->effect.actor != 0)
		answer_actor(d, v);
	else
		answer_test(d, v);
	delivery_drop(d);
}

/* Whose turn it is. */

static size_t
count_under_way(const struct notifier *n, const char *receiver)
{
	const struct delivery *d;
	size_t count = 0;

	TAILQ_FOREACH(d, &n->line, entry)
	count += d->transfer != NULL && strcmp(d->receiver, receiver) == 0;
	return count;
}

static void pump(struct notifier *n);

static void
on_done(void *context, const struct fetch_result *result)
{
	struct delivery *d = context;
	struct notifier *n = d->notifier;
	struct verdict verdict;

	delivery_judge(d, result, &verdict);
	d->transfer = NULL;
	n->under_way--;
	settle(d, &verdict);
	pump(n);
}

/* Where people reach the stage; "" when it has no name of its own. */
static void
write_link(const struct notifier *n, const struct stage_spec *spec, const char *tag, char *to,
    size_t size)
{
	const struct domain_words words = { .tag = tag };
	bool is_edge = strcmp(spec->proxy, "edge") == 0;
	bool is_https = is_edge ? n->is_https : spec->certificate[0] != '\0';
	char name[DOMAIN_SIZE];

	to[0] = '\0';
	if (spec->domains.count == 0 || strchr(spec->domains.items[0], '*') != NULL
	    || !domain_expand(spec->domains.items[0], &words, name))
		return;
	snprintf(to, size, "%s://%s/", is_https ? "https" : "http", name);
}

/* The words of the moment; the stage as it is configured now. */
static bool
read_letter(const struct notifier *n, uint64_t actor, struct source *s)
{
	const struct notify *of = &s->row.of;
	const struct stage_entry *entry;

	if (!store_notification_get(n->host.store, actor, &s->row))
		return false;
	entry = catalog_stage(n->host.catalog, of->stage);
	s->letter = (struct letter){ .notice = (int)notice_by_name(s->row.event),
		.delivery = of->delivery,
		.tier = of->tier,
		.project = s->row.project,
		.stage = s->row.stage_name,
		.image = entry == NULL ? "" : entry->spec->image,
		.tag = of->tag,
		.digest = of->digest,
		.text = of->text,
		.url = s->url,
		.deploy = of->deploy,
		.at_ms = of->created_ms };
	if (entry != NULL)
		write_link(n, entry->spec, of->tag, s->url, sizeof(s->url));
	return s->letter.notice != NOTICE_COUNT;
}

static bool
send_of_actor(struct delivery *d, struct verdict *v)
{
	struct notifier *n = d->notifier;
	const struct receiver_config *receiver =
	    catalog_receiver(n->host.catalog, d->receiver);
	struct source source = { .url = "" };

	*v = (struct verdict){ .kind = EV_REFUSED };
	if (receiver == NULL)
		snprintf(v->text, sizeof(v->text), "there is no receiver '%s' any more",
		    d->receiver);
	else if (read_letter(n, d->effect.actor, &source))
		return delivery_send(
		    d, &source.letter, receiver, n->vault, n->host.fetch, on_done, v);
	else
		snprintf(v->text, sizeof(v->text), "what it tells of is not known any more");
	return false;
}

static struct delivery *
find_next(const struct notifier *n)
{
	struct delivery *d;

	TAILQ_FOREACH(d, &n->line, entry)
	if (d->transfer == NULL && d->effect.actor != 0
	    && count_under_way(n, d->receiver) < NOTIFY_AT_ONCE_OF_ONE_MAX)
		return d;
	return NULL;
}

static void
pump(struct notifier *n)
{
	struct delivery *d;
	struct verdict verdict;

	while (n->under_way < NOTIFY_AT_ONCE_MAX && (d = find_next(n)) != NULL) {
		if (send_of_actor(d, &verdict))
			n->under_way++;
		else
			settle(d, &verdict);
	}
}

static struct delivery *
find(const struct notifier *n, uint64_t actor)
{
	struct delivery *d;

	TAILQ_FOREACH(d, &n->line, entry)
	if (d->effect.actor == actor)
		return d;
	return NULL;
}

void
notifier_forget(struct notifier *n, uint64_t actor)
{
	struct delivery *d = find(n, actor);

	if (d == NULL)
		return;
	cancel(d);
	pump(n);
}

void
notifier_perform(struct notifier *n, const struct effect *effect)
{
	struct delivery *older = find(n, effect->actor);
	struct notification row = { .id = 0 };
	struct delivery *d;

	if (older != NULL)
		cancel(older);
	/* A row that is gone names no receiver: it is refused in its turn. */
	if (!store_notification_get(n->host.store, effect->actor, &row))
		row.of.receiver[0] = '\0';
	d = delivery_new(n, row.of.receiver);
	d->effect = *effect;
	pump(n);
}

/* A person waits: it has no turn to wait for. */
void
notifier_test(struct notifier *n, const struct notify_test *test, notify_tested_fn *on_tested,
    void *context)
{
	const struct receiver_config *receiver =
	    catalog_receiver(n->host.catalog, test->receiver);
	struct delivery *d = delivery_new(n, test->receiver);
	struct verdict verdict = { .kind = EV_REFUSED };
	struct letter letter = { .notice = NOTICE_TEST,
		.delivery = d->id,
		.tier = test->tier,
		.project = test->project,
		.stage = test->stage,
		.image = "",
		.tag = "",
		.digest = "",
		.text = "",
		.url = "",
		.at_ms = clock_wall_ms() };

	d->on_tested = on_tested;
	d->context = context;
	store_make_uuid(d->id);
	snprintf(verdict.text, sizeof(verdict.text),
	    "no receiver is called '%s': add it under 'receivers'", test->receiver);
	if (receiver != NULL
	    && delivery_send(d, &letter, receiver, n->vault, n->host.fetch, on_done, &verdict))
		n->under_way++;
	else
		settle(d, &verdict);
}
