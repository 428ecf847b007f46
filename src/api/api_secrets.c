/* api_secrets.c - secrets by name. A value comes in and never goes out. */
#include <stdio.h>

#include "api/inside.h"
#include "base/log.h"
#include "ports/vault.h"
#include "store/catalog.h"
#include "store/secrets.h"

static void
write_users(struct json_writer *w, const struct app *app, const char *name)
{
	const struct receiver_config *receiver;
	const struct stage_entry *stage;
	char text[2 * NAME_SIZE];
	size_t index = 0;

	json_key(w, "used_by");
	json_array_open(w);
	while ((stage = command_secret_user(app, name, &index)) != NULL) {
		snprintf(
		    text, sizeof(text), "%s/%s", stage->spec->project, stage->spec->stage);
		json_put_text(w, text);
	}
	index = 0;
	while ((receiver = command_secret_receiver(app, name, &index)) != NULL) {
		snprintf(text, sizeof(text), "receiver %s", receiver->name);
		json_put_text(w, text);
	}
	json_array_close(w);
}

void
api_secrets_list(void *context, struct request *rq)
{
	struct app *app = context;
	struct secret_row row = { .name = "" };
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_text(&w, "key", vault_key(app->vault));
	json_key(&w, "items");
	json_array_open(&w);
	while (store_secrets(app->store, row.name, &row, 1) == 1) {
		json_object_open(&w);
		json_pair_text(&w, "name", row.name);
		json_pair_integer(&w, "version", row.version);
		json_pair_integer(&w, "set_ms", row.set_ms);
		json_pair_text(&w, "key", row.key);
		json_pair_bool(&w, "is_readable", vault_opens(app->vault, row.key));
		write_users(&w, app, row.name);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_secret_set(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { "value", NULL };
	const char *name = api_parameter(rq, "name");
	struct json *body = api_body(rq, known);
	const struct json *value = json_get(body, "value");
	struct log_context log = { .request_id = rq->id };
	char peer[REQUEST_PEER_SIZE];
	int64_t version = 0;
	struct json_writer w;
	struct err err;
	enum command_result result;

	if (body == NULL)
		return;
	if (json_kind(value) != JSON_IS_TEXT) {
		reply_error_detail(rq, 400, "INVALID", STR("\"value\""),
		    value == NULL ? "'value' is missing: send {\"value\":\"...\"}"
				  : "'value' must be a text");
		json_free(body);
		return;
	}
	result = command_secret_set(app, name, json_str(value), &version, &err);
	json_free(body);
	if (result != COMMAND_DONE) {
		api_refuse(rq, result, &err);
		return;
	}
	request_peer(rq, peer);
	log_event(LOG_INFO, &log, "secret.set",
	    (struct log_field[]){ LOG_TEXT("peer", peer), LOG_TEXT("secret", name), LOG_END },
	    "a secret got a new value");
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_text(&w, "name", name);
	json_pair_integer(&w, "version", version);
	json_object_close(&w);
	reply_json(rq, 200);
}

void
api_secret_remove(void *context, struct request *rq)
{
	struct app *app = context;
	const char *name = api_parameter(rq, "name");
	struct log_context log = { .request_id = rq->id };
	char peer[REQUEST_PEER_SIZE];
	struct err err;
	enum command_result result = command_secret_remove(app, name, &err);

	if (result != COMMAND_DONE) {
		api_refuse(rq, result, &err);
		return;
	}
	request_peer(rq, peer);
	log_event(LOG_INFO, &log, "secret.removed",
	    (struct log_field[]){ LOG_TEXT("peer", peer), LOG_TEXT("secret", name), LOG_END },
	    "a secret was removed");
	reply_empty(rq, 204);
}

void
api_secrets_rotate(void *context, struct request *rq)
{
	struct app *app = context;
	static const char *const known[] = { NULL };
	struct json *body = api_body(rq, known);
	struct log_context log = { .request_id = rq->id };
	struct json_writer w;
	struct err err;
	size_t count = 0;
	enum command_result result;

	if (body == NULL)
		return;
	json_free(body);
	result = command_secrets_rotate(app, &count, &err);
	if (result != COMMAND_DONE) {
		api_refuse(rq, result, &err);
		return;
	}
	log_info(&log, "secrets.rotated", "%zu secret%s sealed anew, with the key %s", count,
	    count == 1 ? "" : "s", vault_key(app->vault));
	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_pair_text(&w, "key", vault_key(app->vault));
	json_pair_integer(&w, "count", (int64_t)count);
	json_object_close(&w);
	reply_json(rq, 200);
}
