/* api_notify.c - notifications: what was told and what became of it, who is told, and a try. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/inside.h"
#include "base/arena.h"
#include "ports/notify.h"
#include "store/catalog.h"
#include "store/notifications.h"

/* The list. */

static void
refuse_state(struct request *rq, const char *state)
{
	reply_error(rq, 400, "INVALID",
	    "'%.32s' is no state of a notification: there are PENDING, SENDING, DELIVERED, "
	    "GIVEN_UP",
	    state);
}

static bool
read_filter(
    struct request *rq, struct app *app, struct notification_filter *filter, uint64_t *limit)
{
	const char *stage = api_query(rq, "stage");
	const struct stage_entry *entry;

	*limit = PAGE_DEFAULT;
	*filter = (struct notification_filter){ .project = api_query(rq, "project"),
		.state = api_query(rq, "state") };
	if (!api_query_number(rq, "before", INT64_MAX, &filter->before)
	    || !api_query_number(rq, "limit", PAGE_MAX, limit))
		return false;
	if (*limit == 0)
		*limit = 1;
	if (filter->state[0] != '\0' && fsm_state_by_name(&notify_spec, filter->state) < 0) {
		refuse_state(rq, filter->state);
		return false;
	}
	if (stage[0] == '\0')
		return filter->project[0] == '\0'
		       || api_project(app, rq, filter->project) != NULL;
	entry = catalog_stage_by_name(app->catalog, filter->project, stage);
	if (entry == NULL) {
		reply_error(rq, 404, "NOT_FOUND",
		    "there is no stage '%.64s/%.64s'; name its project, too", filter->project,
		    stage);
		return false;
	}
	filter->stage = entry->id;
	return true;
}

static void
view_notification(struct json_writer *w, const struct notification *row)
{
	const struct notify *n = &row->of;

	json_object_open(w);
	json_pair_integer(w, "id", (int64_t)row->id);
	json_pair_text(w, "project", row->project);
	json_pair_text(w, "stage", row->stage_name);
	json_pair_text(w, "event", row->event);
	json_pair_text(w, "state", row->state);
	json_pair_text(w, "receiver", n->receiver);
	json_pair_text(w, "tier", n->tier);
	json_pair_text(w, "delivery_id", n->delivery);
	json_key(w, "deploy");
	if (n->deploy == 0)
		json_put_null(w);
	else
		json_put_integer(w, (int64_t)n->deploy);
	json_pair_text(w, "tag", n->tag);
	json_pair_text(w, "digest", n->digest);
	json_pair_text(w, "text", n->text);
	json_pair_integer(w, "failures", n->tries);
	json_pair_integer(w, "status_code", n->status);
	json_pair_text(w, "reason", n->reason);
	json_pair_integer(w, "created_ms", n->created_ms);
	json_pair_integer(w, "next_ms", strcmp(row->state, "PENDING") == 0 ? n->due_ms : 0);
	json_pair_integer(w, "ended_ms", n->ended_ms);
	json_object_close(w);
}

void
api_notifications_list(void *context, struct request *rq)
{
	struct app *app = context;
	struct notification_filter filter;
	struct notification *rows;
	struct json_writer w;
	uint64_t limit;
	size_t count;

	if (!read_filter(rq, app, &filter, &limit))
		return;
	rows = arena_take_array(rq->arena, limit + 1, sizeof(*rows));
	count = store_notifications(app->store, &filter, rows, limit + 1);
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < count && i < limit; i++)
		view_notification(&w, &rows[i]);
	json_array_close(&w);
	json_key(&w, "next");
	if (count > limit)
		json_put_integer(&w, (int64_t)rows[limit - 1].id);
	else
		json_put_null(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

/* Receivers: never what is secret, but where it comes from. */

static void
view_from(struct json_writer *w, const char *key, const char *file, const char *variable)
{
	json_pair_text(w, key, file[0] != '\0' ? "file" : variable[0] != '\0' ? "env" : "");
}

static void
view_words(struct json_writer *w, const char *key, const char *words)
{
	struct str rest = str_of(words);

	json_key(w, key);
	json_array_open(w);
	while (rest.n > 0) {
		struct str one;

		rest = str_cut(rest, ' ', &one);
		json_put_str(w, one);
	}
	json_array_close(w);
}

static void
view_receiver(struct json_writer *w, const struct receiver_config *r)
{
	json_object_open(w);
	json_pair_text(w, "name", r->name);
	json_pair_text(w, "kind", receiver_traits[r->kind].name);
	json_pair_text(w, "url", r->url);
	view_from(w, "url_from", r->url_file, r->url_env);
	if (r->secret_name[0] != '\0')
		json_pair_text(w, "secret_from", "secret");
	else
		view_from(w, "secret_from", r->secret_file, r->secret_env);
	json_pair_bool(w, "insecure", r->is_insecure);
	json_key(w, "events");
	json_array_open(w);
	for (int i = 0; i < NOTICE_COUNT; i++)
		if (r->events >> i & 1u)
			json_put_text(w, notice_names[i]);
	json_array_close(w);
	json_pair_text(w, "from", r->sender);
	view_words(w, "to", r->recipients);
	json_object_close(w);
}

void
api_receivers_list(void *context, struct request *rq)
{
	struct app *app = context;
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < catalog_receiver_count(app->catalog); i++)
		view_receiver(&w, catalog_receiver_at(app->catalog, i));
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

/* A try: each receiver is asked at once, and the answer is held until the last has said something. */

struct trial {
	struct request *rq;
	const char *tier;
	size_t count;
	size_t left;
	struct trial_one {
		struct trial *trial;
		char receiver[NAME_SIZE];
		const char *kind;
		struct notify_tested tested;
	} ones[NOTIFY_NAMES_MAX];
};

static void
view_tested(struct json_writer *w, const struct trial *trial, const struct trial_one *one)
{
	const struct notify_tested *t = &one->tested;

	json_object_open(w);
	json_pair_text(w, "receiver", one->receiver);
	json_pair_text(w, "kind", one->kind);
	json_pair_text(w, "tier", trial->tier);
	json_pair_bool(w, "delivered", t->is_delivered);
	json_pair_integer(w, "status_code", t->status);
	json_pair_integer(w, "latency_ms", t->latency_ms);
	json_pair_bool(w, "signature_sent", t->is_signed);
	json_pair_text(w, "delivery_id", t->delivery);
	json_pair_text(w, "response_snippet", t->snippet);
	json_pair_text(w, "reason", t->why);
	json_object_close(w);
}

static void
reply_trial(const struct trial *trial)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(trial->rq));
	json_object_open(&w);
	json_pair_text(&w, "tier", trial->tier);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < trial->count; i++)
		view_tested(&w, trial, &trial->ones[i]);
	json_array_close(&w);
	json_object_close(&w);
	reply_json(trial->rq, 200);
}

static void
on_tested(void *context, const struct notify_tested *tested)
{
	struct trial_one *one = context;
	struct trial *trial = one->trial;
	bool is_over = tested == NULL; /* the server goes: nobody hears the answer any more */

	if (!is_over)
		one->tested = *tested;
	if (--trial->left > 0)
		return;
	if (!is_over)
		reply_trial(trial);
	free(trial);
}

static bool
read_target(struct app *app, struct request *rq, const char **project, const char **stage)
{
	static const char *const known[] = { "project", "stage", NULL };
	struct json *body = api_body(rq, known);
	bool is_good;

	*project = "";
	*stage = "";
	if (body == NULL)
		return false;
	is_good = api_text(rq, body, "project", project) && api_text(rq, body, "stage", stage);
	*project = arena_text(rq->arena, str_of(*project));
	*stage = arena_text(rq->arena, str_of(*stage));
	json_free(body);
	if (!is_good)
		return false;
	if ((*project)[0] == '\0' && (*stage)[0] == '\0')
		return true;
	if (api_project(app, rq, *project) == NULL)
		return false;
	if ((*stage)[0] != '\0'
	    && catalog_stage_by_name(app->catalog, *project, *stage) == NULL) {
		reply_error(rq, 404, "NOT_FOUND", "project '%.64s' has no stage '%.64s'",
		    *project, *stage);
		return false;
	}
	return true;
}

static void
begin_trial(struct app *app, struct trial *trial, const char *project, const char *stage)
{
	trial->left = trial->count + 1; /* one of our own: answers may come at once */
	request_hold(trial->rq);
	for (size_t i = 0; i < trial->count; i++) {
		struct trial_one *one = &trial->ones[i];
		struct notify_test test = { one->receiver, trial->tier, project, stage };

		notifier_test(app->notifier, &test, on_tested, one);
	}
	if (--trial->left == 0) {
		reply_trial(trial);
		free(trial);
	}
}

void
api_notifications_test(void *context, struct request *rq)
{
	struct app *app = context;
	struct trial *trial;
	const char *project;
	const char *stage;
	const char *names;
	const struct receiver_config *receiver;

	if (!read_target(app, rq, &project, &stage))
		return;
	trial = calloc(1, sizeof(*trial));
	CHECK(trial != NULL);
	trial->rq = rq;
	names = catalog_notify(app->catalog, project, stage, &trial->tier);
	while (trial->count < NOTIFY_NAMES_MAX
	       && catalog_notify_next(&names, trial->ones[trial->count].receiver)) {
		struct trial_one *one = &trial->ones[trial->count++];

		receiver = catalog_receiver(app->catalog, one->receiver);
		one->trial = trial;
		one->kind = receiver == NULL ? "" : receiver_traits[receiver->kind].name;
	}
	if (trial->count == 0) {
		free(trial);
		reply_error(rq, 409, "CONFLICT",
		    "nobody is told: name receivers with 'notify' in slipway.yml, for the "
		    "stage, its project or all");
		return;
	}
	begin_trial(app, trial, project, stage);
}
