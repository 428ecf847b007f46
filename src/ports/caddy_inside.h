/* caddy_inside.h - what the files of the Caddy driver share; nobody else includes it.
 *
 * The one idea: Caddy's HTTP servers are read as a whole, judged, and changed by one call that holds
 * only for what was read (If-Match); then they are read again, until there is nothing to change. */
#ifndef SLIPWAY_PORTS_CADDY_INSIDE_H
#define SLIPWAY_PORTS_CADDY_INSIDE_H

#include "base/json.h"
#include "ports/front_driver.h"
#include "ports/names.h"

enum {
	CADDY_ID_SIZE = 48, /* "slipway-1a2b3c4d-42" */
	CADDY_PATH_SIZE = 256,
	CADDY_SEAL_SIZE = 17,
	CADDY_ROUTE_MAX = 64 << 10, /* 16 domains and as many words around them */
	CADDY_TAG_SIZE = 512,
	CADDY_ENTRY_SIZE = DOMAIN_SIZE + 16,
	CADDY_TEXT_SIZE = 384, /* room for the core's words around it in ERR_TEXT_SIZE */
};

#define CADDY_SERVERS "/config/apps/http/servers"
#define CADDY_PROBE_HEADER "Slipway-Probe"
#define CADDY_INSTANCE_HEADER "Slipway-Instance"

/* Fields that older versions of Caddy refuse. */
enum {
	CADDY_STREAM_CLOSE_DELAY = 1, /* 2.7: streams outlive a changed configuration */
	CADDY_GRACE_PERIOD = 2, /* 2.8: names outlive the name server */
	CADDY_ALL_EXTRAS = 3,
};

/* What Caddy shall have for a stage. */
struct caddy_wish {
	const struct proxy_config *config;
	const struct front_route *route;
	const char *mark; /* of the store: its UUID's first 8 characters */
	const char *secret;
	unsigned extras; /* that this Caddy has, as far as known */
	bool is_absent; /* no route shall be there */
	bool may_overwrite;
};

/* caddy_route.c: one route as JSON. */
void caddy_route_id(const char *mark, uint64_t stage, char id[CADDY_ID_SIZE]);
void caddy_route_write(const struct caddy_wish *wish, struct buf *json);
/* A sum over all of a route but its id and its seal, and the seal that was written with it: they differ
 * when somebody has edited the route. */
void caddy_route_sum(const struct json *route, char sum[CADDY_SEAL_SIZE]);
const char *caddy_route_seal(const struct json *route);
/* Does it still tell us who answers? */
bool caddy_route_sees(const struct caddy_wish *wish, const struct json *route);
/* As caddy_route_write() would have it, with or without what only newer versions know? */
bool caddy_route_is(const struct caddy_wish *wish, const struct json *route);
/* "a.example, b.example -> 10.0.0.2:80", for a person. */
void caddy_route_tell(const struct json *route, char *text, size_t size);

/* caddy_match.c: what a route takes. */
bool caddy_host_covers(const char *pattern, const char *host);
/* It answers every request for one of the hosts itself, so that nothing behind it is reached.
 * ret_host: the one that it names exactly, or NULL. */
bool caddy_route_swallows(
    const struct json *route, const struct front_route *hosts, const char **ret_host);
bool caddy_listens_overlap(const char *a, const char *b);

/* caddy_judge.c: what to do about what is there. */
enum caddy_verdict {
	CADDY_KEEP, /* all is as it should be */
	CADDY_CALL, /* this change, then read again */
	CADDY_REFUSE, /* a person has to act, or has acted and it is to be kept */
};

struct caddy_plan {
	enum caddy_verdict verdict;
	const char *method;
	char path[CADDY_PATH_SIZE];
	struct buf body;
	char text[CADDY_TEXT_SIZE]; /* why, for a person; "" with KEEP */
	bool is_overwriting; /* what somebody edited */
	bool is_blind; /* REFUSE: who answers for the stage cannot be asked any more */
};

void caddy_plan_init(struct caddy_plan *plan);
void caddy_plan_free(struct caddy_plan *plan);
/* servers: NULL or null when there are none. */
void caddy_judge(
    const struct caddy_wish *wish, const struct json *servers, struct caddy_plan *plan);
/* The domains of the route that other stages of ours lead, as a set of places in it. */
uint32_t caddy_taken(const struct caddy_wish *wish, const struct json *servers);
/* http://host:port or https://... where the visitors of our server come in, as its configuration
 * says; server NULL: as it would be made. */
void caddy_entry(
    const struct proxy_config *config, const struct json *server, char *url, size_t size);

/* caddy_names.c: where a stage is, in the file of names. */
size_t caddy_targets(const struct proxy_config *config, const struct front_route *route,
    struct name_target targets[REPLICAS_MAX]);
/* count 0: the stage has no names. */
int caddy_names_change(const char *path, const char *mark, uint64_t stage,
    const struct name_target *targets, size_t count, bool *ret_is_new,
    struct err *err) MUST_USE;
bool caddy_names_have(
    const char *path, const char *mark, const struct name_target *targets, size_t count);

/* caddy_probe.c: the request that tells who answers. entry: as caddy_entry() found it, or "". */
void caddy_probe_fill(const struct proxy_config *config, const char *entry,
    const struct front_route *route, int count, struct front_request *to);
enum front_proof caddy_probe_proves(const char *mark, const struct front_route *route,
    struct str instance, int status, char said[128]);

/* caddy_talk.c: calls of the admin endpoint, one at a time. */
enum caddy_reply_kind {
	CADDY_SAID_OK,
	CADDY_SAID_STALE, /* 412: somebody was faster */
	CADDY_SAID_NO, /* it understood and did nothing; text says why */
	CADDY_SAID_KEEP_OUT, /* it does not let us in */
	CADDY_SAID_NOTHING, /* away, too slow, torn, or no Caddy: it may have acted */
};

struct caddy_reply {
	enum caddy_reply_kind kind;
	struct str body; /* during the callback */
	char text[CADDY_TEXT_SIZE]; /* not OK: for a person */
};

struct caddy_talk {
	struct fetch *fetch;
	const struct proxy_config *config;
	struct fetch_transfer *transfer; /* NULL: none */
	char tag[CADDY_TAG_SIZE]; /* of what was read last; "" none */
	bool has_host; /* a Unix socket wants "localhost", not an empty Host */
	bool is_reading;
	void (*on_reply)(void *context, const struct caddy_reply *reply);
	void *context;
};

/* on_reply comes from a later turn. */
void caddy_read(struct caddy_talk *talk, const char *path);
/* Holds only for what was read last. */
void
caddy_change(struct caddy_talk *talk, const char *method, const char *path, struct str body);
void caddy_hush(struct caddy_talk *talk); /* forgets what is under way */

#endif
