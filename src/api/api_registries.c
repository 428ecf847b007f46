/* api_registries.c - registries: which there are, what is left of their budgets, whether they
 * let us in, and which tags they have.
 *
 * A registry is asked at that moment, so the answer is held until it has said something. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/inside.h"
#include "config/image.h"
#include "ports/registry.h"
#include "store/catalog.h"

enum { TAGS_DEFAULT = 100, TAGS_MOST = 1000 };

struct question {
	struct app *app;
	struct request *rq;
	struct image_ref image;
	bool wants_tags;
};

/* Its budget and its troubles, as far as it was asked since the start. */
static void
write_status(struct json_writer *w, const struct registry_status *s)
{
	json_pair_integer(w, "ok_ms", s->ok_ms);
	json_pair_integer(w, "trouble_ms", s->trouble_ms);
	json_pair_text(w, "why", s->why);
	json_pair_integer(w, "active", s->active);
	json_pair_integer(w, "waiting", s->waiting);
	json_key(w, "budget");
	json_object_open(w);
	json_pair_integer(w, "limit", s->limit);
	json_pair_integer(w, "remaining", s->remaining);
	json_pair_integer(w, "window_s", s->window_s);
	json_pair_integer(w, "closed_until_ms", s->gate_until_ms);
	json_pair_integer(w, "polls_wait_until_ms", s->polls_until_ms);
	json_object_close(w);
}

static void
write_registry(struct json_writer *w, const struct app *app, const char *host,
    const char *username, const struct registry_status *status)
{
	struct registry_config config;

	catalog_registry(app->catalog, host, &config);
	json_object_open(w);
	json_pair_text(w, "host", host);
	json_pair_text(w, "kind", registry_kind_names[config.kind]);
	json_pair_text(w, "username", username);
	json_pair_bool(w, "insecure", config.is_insecure);
	write_status(w, status);
	json_object_close(w);
}

static bool
was_asked(const struct app *app, const struct registry_config *config)
{
	struct registry_status status;

	for (uint32_t i = 0; registry_status(app->registry, i, &status); i++)
		if (strcmp(status.host, config->host) == 0
		    && strcmp(status.username, config->username) == 0)
			return true;
	return false;
}

/* Those that were asked, by host and login, and those that are configured and were not. */
void
api_registries_list(void *context, struct request *rq)
{
	static const struct registry_status never = { .limit = -1, .remaining = -1 };
	struct app *app = context;
	struct registry_status status;
	struct json_writer w;

	json_writer_init(&w, reply_body(rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (uint32_t i = 0; registry_status(app->registry, i, &status); i++)
		write_registry(&w, app, status.host, status.username, &status);
	for (size_t i = 0; i < catalog_registry_count(app->catalog); i++) {
		const struct registry_config *config = catalog_registry_at(app->catalog, i);

		if (!was_asked(app, config))
			write_registry(&w, app, config->host, config->username, &never);
	}
	json_array_close(&w);
	json_object_close(&w);
	reply_json(rq, 200);
}

static void
reply_test(const struct question *q, const struct registry_told *told)
{
	struct registry_config config;
	struct json_writer w;

	catalog_registry(q->app->catalog, q->image.host, &config);
	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	json_pair_text(&w, "host", q->image.host);
	json_pair_text(&w, "kind", registry_kind_names[config.kind]);
	json_pair_text(&w, "username", config.username);
	json_pair_text(&w, "repository", q->image.path);
	json_pair_bool(&w, "ok", told->failure == NULL);
	json_pair_text(&w, "message", told->failure == NULL ? told->note : told->failure);
	json_pair_integer(&w, "ms", told->took_ms);
	json_object_close(&w);
	reply_json(q->rq, 200);
}

static void
reply_tags(const struct question *q, const struct registry_told *told)
{
	struct json_writer w;

	json_writer_init(&w, reply_body(q->rq));
	json_object_open(&w);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < told->count; i++)
		json_put_str(&w, told->tags[i]);
	json_array_close(&w);
	json_key(&w, "next");
	if (told->has_more && told->count > 0)
		json_put_str(&w, told->tags[told->count - 1]);
	else
		json_put_null(&w);
	json_object_close(&w);
	reply_json(q->rq, 200);
}

static void
on_told(void *context, const struct registry_told *told)
{
	struct question *q = context;

	if (told != NULL && !q->wants_tags)
		reply_test(q, told);
	else if (told != NULL && told->failure != NULL)
		reply_error(q->rq, 502, "REGISTRY", "the registry did not tell its tags: %s",
		    told->failure);
	else if (told != NULL)
		reply_tags(q, told);
	free(q);
}

/* {host} and ?repository=; false: answered already. */
static bool
take_image(struct request *rq, const char *repository, struct image_ref *image)
{
	char text[2 * IMAGE_SIZE];
	const char *host = api_parameter(rq, "host");
	struct err err;

	/* A host alone is none of an image: any path will do. */
	snprintf(text, sizeof(text), "%.255s/%.255s", host,
	    repository[0] == '\0' ? "any/thing" : repository);
	if (image_ref_parse(text, image, &err) != 0) {
		reply_error(rq, 400, "INVALID", "%s", err.text);
		return false;
	}
	if (strcasecmp(image->host, host) != 0) {
		reply_error(rq, 400, "INVALID",
		    "'%.120s' is no registry's host as images name it: registry.example.org, "
		    "127.0.0.1:5000",
		    host);
		return false;
	}
	if (image->tag[0] != '\0' || image->digest[0] != '\0') {
		reply_error(rq, 400, "INVALID", "name the repository without tag and digest");
		return false;
	}
	if (repository[0] == '\0')
		image->path[0] = '\0';
	return true;
}

static void
inquire(struct app *app, struct request *rq, const struct image_ref *image, uint32_t limit)
{
	struct question *q = calloc(1, sizeof(*q));

	CHECK(q != NULL);
	*q = (struct question){ app, rq, *image, limit > 0 };
	request_hold(rq);
	registry_inquire(app->registry, &(struct registry_inquiry){ .image = image,
					    .after = api_query(rq, "after"),
					    .limit = limit,
					    .on_told = on_told,
					    .context = q });
}

void
api_registry_test(void *context, struct request *rq)
{
	struct image_ref image;

	if (take_image(rq, api_query(rq, "repository"), &image))
		inquire(context, rq, &image, 0);
}

void
api_registry_tags(void *context, struct request *rq)
{
	const char *repository = api_query(rq, "repository");
	uint64_t limit = TAGS_DEFAULT;
	struct image_ref image;

	if (!api_query_number(rq, "limit", TAGS_MOST, &limit))
		return;
	if (repository[0] == '\0') {
		reply_error(
		    rq, 400, "INVALID", "'repository' is missing: ?repository=org/app");
		return;
	}
	if (take_image(rq, repository, &image))
		inquire(context, rq, &image, limit == 0 ? 1 : (uint32_t)limit);
}
