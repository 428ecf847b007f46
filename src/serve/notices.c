/* notices.c - see notices.h. */
#include "serve/notices.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ports/port.h"
#include "serve/app.h"
#include "serve/runtime.h"
#include "store/catalog.h"
#include "store/notifications.h"
#include "store/promotions.h"
#include "store/store.h"

struct notices {
	struct noticed waiting[NOTICES_WAITING_MAX];
	size_t count;
};

struct notices *
notices_new(void)
{
	struct notices *n = malloc(sizeof(*n));

	CHECK(n != NULL);
	n->count = 0;
	return n;
}

void
notices_free(struct notices *n)
{
	free(n);
}

void
notices_add(struct app *app, const struct noticed *what)
{
	struct notices *n = app->notices;

	if (n->count == NOTICES_WAITING_MAX) {
		log_warn(NULL, "notify.overflow",
		    "more than %d things to tell in one turn: the rest is only here",
		    NOTICES_WAITING_MAX);
		return;
	}
	n->waiting[n->count++] = *what;
}

/* Room for one more. */

struct oldest {
	const char *receiver; /* NULL: of all */
	uint64_t id;
	size_t count;
};

static void
find_oldest(void *context, const struct actor *a)
{
	struct oldest *o = context;

	if (a->kind != ACTOR_NOTIFY
	    || (o->receiver != NULL && strcmp(a->notify.receiver, o->receiver) != 0))
		return;
	o->count++;
	if (o->id == 0 || a->id < o->id)
		o->id = a->id;
}

static void
make_room(struct app *app, const char *receiver, size_t most)
{
	struct oldest o = { .receiver = receiver };
	struct event cancel = { .kind = EV_CANCEL };

	runtime_visit(app->runtime, find_oldest, &o);
	if (o.count < most)
		return;
	cancel.to = o.id;
	snprintf(cancel.text, sizeof(cancel.text),
	    "given up for newer ones: %zu wait already%s", o.count,
	    receiver == NULL ? "" : " for this receiver");
	log_warn(NULL, "notify.dropped", "notification %" PRIu64 " is %s", o.id, cancel.text);
	runtime_deliver(app->runtime, &cancel, NULL);
}

/* One thing, for each of its receivers. */

static void
tell_one(struct app *app, const struct notify *what)
{
	struct actor a = { .kind = ACTOR_NOTIFY, .state = NOTIFY_PENDING, .notify = *what };
	/* What pends asks for its turn again and again, for weeks; people are asked once. */
	int64_t since_ms =
	    what->notice == NOTICE_APPROVAL ? 0 : what->created_ms - NOTICE_AGAIN_MS;

	if (store_notification_is_told(app->store, what, since_ms))
		return;
	make_room(app, what->receiver, NOTIFICATIONS_OPEN_OF_ONE_MAX);
	make_room(app, NULL, NOTIFICATIONS_OPEN_MAX);
	store_make_uuid(a.notify.delivery);
	runtime_spawn(app->runtime, a);
}

static void
tell_receivers(struct app *app, struct notify *what)
{
	const struct stage_entry *entry = catalog_stage(app->catalog, what->stage);
	const char *tier;
	const char *names;

	if (entry == NULL)
		return;
	names = catalog_notify(app->catalog, entry->spec->project, entry->spec->stage, &tier);
	CHECK(str_copy(what->tier, sizeof(what->tier), str_of(tier)));
	what->created_ms = clock_now_ms();
	while (catalog_notify_next(&names, what->receiver)) {
		const struct receiver_config *r =
		    catalog_receiver(app->catalog, what->receiver);

		if (r != NULL && (r->events >> what->notice & 1u))
			tell_one(app, what);
	}
}

/* Steps. */

static const struct told {
	enum actor_kind kind;
	int to; /* the state that was entered */
	uint64_t on; /* by one of these events */
	enum notice notice;
} table[] = {
	{ ACTOR_DEPLOY, DEPLOY_PULLING, ON(GRANTED), NOTICE_STARTED },
	{ ACTOR_DEPLOY, DEPLOY_LIVE, UINT64_MAX, NOTICE_SUCCEEDED },
	{ ACTOR_DEPLOY, DEPLOY_FAILED, UINT64_MAX, NOTICE_FAILED },
	{ ACTOR_DEPLOY, DEPLOY_ROLLED_BACK, UINT64_MAX, NOTICE_ROLLED_BACK },
	{ ACTOR_DEPLOY, DEPLOY_SKIPPED, ON(HELD), NOTICE_HELD },
	{ ACTOR_DEPLOY, DEPLOY_PENDING, ON(DEFERRED), NOTICE_APPROVAL },
};

static const struct told *
find_told(const struct moved *m)
{
	for (size_t i = 0; i < COUNT(table); i++)
		if (table[i].kind == m->after.kind && table[i].to == m->after.state
		    && (table[i].on >> m->on & 1u))
			return &table[i];
	return NULL;
}

/* What pends may also wait for time alone. They may have come in the same tick, behind the step that made it pend: a
 * start takes those of before along. */
static bool
lacks_approvals(const struct app *app, const struct actor *deploy)
{
	const struct stage_entry *entry = catalog_stage(app->catalog, deploy->deploy.stage);
	struct approval approvals[APPROVALS_MAX + 1];

	return entry != NULL
	       && (int64_t)store_approvals(app->store, deploy->id, approvals, COUNT(approvals))
		      < entry->spec->approvals;
}

/* A digest that is held is told once, however many hooks bring it. */
static void
tell_deploy(struct app *app, const struct actor *a, enum notice notice)
{
	struct notify what = { .stage = a->deploy.stage, .deploy = a->id, .notice = notice };

	if (notice == NOTICE_APPROVAL && !lacks_approvals(app, a))
		return;
	if (notice == NOTICE_HELD)
		memcpy(what.subject, a->deploy.digest, sizeof(a->deploy.digest));
	else
		snprintf(what.subject, sizeof(what.subject), "%" PRIu64, a->id);
	memcpy(what.tag, a->deploy.tag, sizeof(what.tag));
	memcpy(what.digest, a->deploy.digest, sizeof(what.digest));
	memcpy(what.text, a->deploy.reason, sizeof(what.text));
	tell_receivers(app, &what);
}

static void
tell_noticed(struct app *app, const struct noticed *n)
{
	struct notify what = { .stage = n->stage, .deploy = n->deploy, .notice = n->notice };

	memcpy(what.subject, n->subject, sizeof(what.subject));
	memcpy(what.tag, n->tag, sizeof(what.tag));
	memcpy(what.digest, n->digest, sizeof(what.digest));
	memcpy(what.text, n->text, sizeof(what.text));
	tell_receivers(app, &what);
}

/* Births are steps, too: they come behind, and tell of nothing. */
void
notices_step(struct app *app)
{
	struct notices *n = app->notices;

	for (size_t i = 0; i < runtime_moved_count(app->runtime); i++) {
		const struct told *told = find_told(runtime_moved_at(app->runtime, i));
		struct actor after;

		if (told == NULL)
			continue;
		after = runtime_moved_at(app->runtime, i)->after;
		tell_deploy(app, &after, told->notice);
	}
	for (size_t i = 0; i < n->count; i++)
		tell_noticed(app, &n->waiting[i]);
	n->count = 0;
}
