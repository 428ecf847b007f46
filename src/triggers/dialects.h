/* dialects.h - what the dialects of webhooks share; for src/triggers alone.
 *
 * The one idea: a dialect is a row. It is known by the header that names its event, or by the shape of
 * its body, and one function takes from it what struct webhook wants. */
#ifndef SLIPWAY_TRIGGERS_DIALECTS_H
#define SLIPWAY_TRIGGERS_DIALECTS_H

#include "base/json.h"
#include "triggers/webhook.h"

struct dialect {
	const char *sender;
	const char *event_header; /* says which event; NULL: known by shape alone */
	const char *delivery_header;
	bool (*is_shape)(const struct json *body);
	/* hook->event holds the event header's value. Leaves WEBHOOK_OTHER when there is nothing to take. */
	int (*read)(const struct json *body, struct webhook *hook, struct err *err);
};

extern const struct dialect
    dialects[]; /* in the order in which they are tried; ended by sender NULL */

/* Forges and clouds: dialects_forges.c. Registries: dialects_registries.c. */
int read_github(const struct json *body, struct webhook *hook, struct err *err);
int read_gitea(const struct json *body, struct webhook *hook, struct err *err);
int read_nothing(const struct json *body, struct webhook *hook, struct err *err);
int read_distribution(const struct json *body, struct webhook *hook, struct err *err);
int read_harbor(const struct json *body, struct webhook *hook, struct err *err);
int read_docker_hub(const struct json *body, struct webhook *hook, struct err *err);
int read_quay(const struct json *body, struct webhook *hook, struct err *err);
int read_acr(const struct json *body, struct webhook *hook, struct err *err);
int read_jfrog(const struct json *body, struct webhook *hook, struct err *err);
int read_generic(const struct json *body, struct webhook *hook, struct err *err);

bool is_distribution(const struct json *body);
bool is_harbor(const struct json *body);
bool is_docker_hub(const struct json *body);
bool is_quay(const struct json *body);
bool is_acr(const struct json *body);
bool is_jfrog(const struct json *body);
bool is_anything(const struct json *body);

/* One more image, unless it is there already: host and path in any letters, and a tag. What is no image
 * or no tag is left out. Empty host: the sender does not know it; empty tag: it does not name it. -1:
 * more than WEBHOOK_IMAGES_MAX, or WEBHOOK_NAMED_MAX in all. */
int webhook_add(struct webhook *hook, struct str host, struct str path, struct str tag,
    struct err *err) MUST_USE;

/* "host/path:tag" cut in three; a tag that is missing or empty is empty. */
void webhook_cut(struct str text, struct str *host, struct str *path, struct str *tag);

/* A text of the sender's, for hook->event: cut and without what is no plain ASCII. */
void webhook_name_event(struct webhook *hook, struct str text);
void webhook_name_delivery(struct webhook *hook, struct str id);

#endif
