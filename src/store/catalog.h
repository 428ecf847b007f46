/* catalog.h - the applied configuration, in memory: engines, registries, projects, stages, specs.
 *
 * The store owns the truth; this is its image, loaded at start and changed by an apply in the same
 * transaction. Pointers stay valid until the end of the tick. */
#ifndef SLIPWAY_STORE_CATALOG_H
#define SLIPWAY_STORE_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "config/receiver.h"
#include "config/registry_kind.h"
#include "config/spec.h"

struct store;
struct catalog;

struct engine_config {
	uint64_t id; /* rises; stable over applies */
	char name[NAME_SIZE];
	char host[512]; /* unix:///path, tcp://host:port */
	char ca_file[512]; /* tcp with TLS: all three; else "" */
	char cert_file[512];
	char key_file[512];
	char network[NAME_SIZE]; /* the shared network ("slipway") */
	bool is_published; /* reach containers by a port published on publish_address */
	char publish_address[64]; /* "127.0.0.1" */
};

struct registry_config {
	char host[DOMAIN_SIZE + 8]; /* "registry.example:5000", as images name it */
	enum registry_kind kind;
	bool is_insecure; /* plain HTTP */
	char ca_file[512];
	char username[256];
	char password_file[512]; /* read when needed; the password is never stored */
	char password_env[128]; /* or this environment variable */
	char token_url[512]; /* ECR: where passwords are given; "": as the host tells */
};

/* The texts of a proxy beside its name, as columns of its row too. */
#define PROXY_TEXTS(X)  \
	X(address)      \
	X(entry)        \
	X(https_entry)  \
	X(edge_address) \
	X(username) X(password_file) X(password_env) X(ca_file) X(server) X(listen) X(names)

struct proxy_config {
	uint64_t id; /* rises; stable over applies */
	char name[NAME_SIZE];
	enum proxy_kind kind; /* PROXY_NPM or PROXY_CADDY */
	bool is_direct; /* straight to the containers; else it hands over to the edge */
	bool mends; /* what was changed there by others; else it only reports */
	char address[512]; /* http(s)://host:port; unix:///path */
	char entry[DOMAIN_SIZE + 16]; /* http://host:port where its visitors come in; or "" */
	char https_entry[DOMAIN_SIZE + 16]; /* https://host:port likewise */
	char edge_address[DOMAIN_SIZE + 8]; /* where it reaches the edge; "": the edge's own */
	char username[256];
	char password_file[512]; /* read when needed; the password is never stored */
	char password_env[128];
	char ca_file[512];
	char server[NAME_SIZE]; /* Caddy's HTTP server that gets the routes */
	char listen[NAME_SIZE]; /* where that one listens if it must be made */
	char names[NAME_SIZE]; /* host:port of the name server that Caddy asks */
};

/* Whom notifications go to: the texts beside its name, as columns of its row too. */
#define RECEIVER_TEXTS(X) \
	X(url)            \
	X(url_file)       \
	X(url_env)        \
	X(secret_file)    \
	X(secret_env) X(secret_name) X(ca_file) X(username) X(sender) X(recipients)

struct receiver_config {
	char name[NAME_SIZE];
	enum receiver_kind kind;
	uint32_t events; /* set of enum notice */
	bool is_insecure; /* what is secret may go there without TLS */
	char url[512]; /* or, where it is a secret itself, from one of these: */
	char url_file[512];
	char url_env[128];
	char secret_file[512]; /* key, token or password; read when needed, never stored */
	char secret_env[128];
	char secret_name[NAME_SIZE]; /* or a secret of this server */
	char ca_file[512];
	char username[256]; /* mail */
	char sender[256];
	char recipients[RECIPIENTS_MAX * 256]; /* with blanks between them */
};

struct stage_entry {
	uint64_t id; /* also the id of the stage's actor */
	uint64_t poll_id; /* its poll actor */
	uint64_t spec_id; /* current revision */
	const struct stage_spec *spec;
};

/* What a webhook has to prove. The secret itself is never stored. */
struct webhook_rules {
	char secret_file[512]; /* one of the two, or none: then its URL is all the proof */
	char secret_env[128];
	bool
	    takes_unsigned; /* of senders that prove nothing, too; a wrong proof never counts */
};

struct project_entry {
	uint64_t id; /* 0: not a project, but the webhook that is for all of them */
	char name[NAME_SIZE]; /* "" likewise */
	char webhook[37]; /* the UUID in its webhook's URL: a secret */
	struct webhook_rules rules;
};

struct catalog *catalog_new(struct store *store);
void catalog_free(struct catalog *); /* NULL allowed */
int catalog_load(struct catalog *, struct err *err) MUST_USE;
bool catalog_is_empty(const struct catalog *);

/* Frees what the tick may still have pointed to; at its end. */
void catalog_reap(struct catalog *);

/* Writers, for an apply; each keeps store and memory alike. Found again by name. */
uint64_t
catalog_put_engine(struct catalog *, const struct engine_config *engine, bool *ret_is_new);
void
catalog_replace_registries(struct catalog *, const struct registry_config *, size_t count);
/* The same for proxies; none is ever taken away, a stage that the file leaves out may use it. */
void catalog_put_proxy(struct catalog *, const struct proxy_config *proxy);
/* The file's alone, as registries are. */
void catalog_replace_receivers(struct catalog *, const struct receiver_config *, size_t count);
/* Whom a stage, all stages of a project (stage "") or of all projects ("" and "") tell: names with
 * blanks between them, "" for nobody; NULL: it is for the next larger one to say. */
void catalog_set_notify(
    struct catalog *, const char *project, const char *stage, const char *names);
uint64_t catalog_put_project(struct catalog *, const char *name, bool *ret_is_new);
/* A new stage with the ids of its actors, or a new revision of an old one. Takes a copy of json. */
void catalog_add_stage(
    struct catalog *, uint64_t project, uint64_t stage, uint64_t poll, struct str json);
void catalog_set_spec(struct catalog *, uint64_t stage, struct str json);

size_t catalog_project_count(const struct catalog *);
const struct project_entry *catalog_project_at(const struct catalog *, size_t index);
const struct project_entry *catalog_project_by_name(const struct catalog *, const char *name);
/* Compares in constant time; NULL: no such webhook. */
const struct project_entry *
catalog_project_by_webhook(const struct catalog *, struct str uuid);
/* The webhook for all projects. */
const struct project_entry *catalog_everyone(const struct catalog *);
/* project: an id, 0: everyone. The old UUID is worth nothing from now on. */
void catalog_rotate_webhook(struct catalog *, uint64_t project);
void catalog_set_webhook_rules(
    struct catalog *, uint64_t project, const struct webhook_rules *rules);
bool webhook_rules_are(const struct webhook_rules *a, const struct webhook_rules *b);

/* The spec of any revision, parsed; NULL when there is none of that id. */
const struct stage_spec *catalog_spec(struct catalog *, uint64_t spec_id);

const struct engine_config *catalog_engine(const struct catalog *, const char *name);
const struct engine_config *catalog_engine_by_id(const struct catalog *, uint64_t id);
size_t catalog_engine_count(const struct catalog *);
const struct engine_config *catalog_engine_at(const struct catalog *, size_t index);

/* Settings of the registry that an image's host names; a default entry when none is configured. */
void catalog_registry(const struct catalog *, const char *host, struct registry_config *ret);

size_t catalog_registry_count(const struct catalog *);
const struct registry_config *catalog_registry_at(const struct catalog *, size_t index);

/* NULL: none of that name, or one of the words "edge" and "none". */
const struct proxy_config *catalog_proxy(const struct catalog *, const char *name);
/* Everything but the id. */
bool proxy_config_is(const struct proxy_config *a, const struct proxy_config *b);
size_t catalog_proxy_count(const struct catalog *);
const struct proxy_config *catalog_proxy_at(const struct catalog *, size_t index);

const struct receiver_config *catalog_receiver(const struct catalog *, const char *name);
size_t catalog_receiver_count(const struct catalog *);
const struct receiver_config *catalog_receiver_at(const struct catalog *, size_t index);
bool receiver_config_is(const struct receiver_config *a, const struct receiver_config *b);

/* What was set for exactly this one; NULL: nothing. */
const char *
catalog_notify_rule(const struct catalog *, const char *project, const char *stage);
/* What holds for it: the most specific rule. *ret_tier: "stage", "project" or "global". */
const char *catalog_notify(
    const struct catalog *, const char *project, const char *stage, const char **ret_tier);
/* The next of the names; false: no more. Begins with what catalog_notify() gave. */
bool catalog_notify_next(const char **names, char name[NAME_SIZE]);

/* Stages are ordered by project and name, so that those of a project stand together; projects by
 * name. */
size_t catalog_stage_count(const struct catalog *);
const struct stage_entry *catalog_stage_at(const struct catalog *, size_t index);
const struct stage_entry *catalog_stage(const struct catalog *, uint64_t id);
const struct stage_entry *
catalog_stage_by_name(const struct catalog *, const char *project, const char *stage);
/* The index of the project's first stage, and how many follow each other there. */
size_t catalog_stages_of(const struct catalog *, const char *project, size_t *ret_count);

#endif
