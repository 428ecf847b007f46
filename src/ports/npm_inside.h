/* npm_inside.h - what the files of the driver of Nginx Proxy Manager share; nobody else includes it. */
#ifndef SLIPWAY_PORTS_NPM_INSIDE_H
#define SLIPWAY_PORTS_NPM_INSIDE_H

#include "base/err.h"
#include "base/json.h"
#include "ports/front_driver.h"

enum {
	NPM_ACTIONS_MAX = 32, /* hosts that one stage's domains stand in, and ours that go */
	NPM_SEEN_MAX =
	    256, /* stages whose host is remembered for probes; the oldest gives way */
	NPM_TEXT_SIZE = ERR_TEXT_SIZE,
	NPM_TOKEN_SIZE = 8192,
	NPM_BODY_MAX = 1 << 20, /* of a change: the advanced configuration is the long part */
	NPM_TARGET_SIZE = DOMAIN_SIZE + 24, /* "http://10.0.0.2:8080" */
};

#define NPM_INSTANCE_HEADER "slipway-instance"

/* npm_talk.c: one call at a time. */

enum npm_said {
	NPM_OK, /* json is the answer */
	NPM_NO, /* it will not, and why */
	NPM_GONE, /* what the path names is not there (any more) */
	NPM_UNCLEAR, /* it may have done it, or asking again may help */
};

struct npm_answer { /* valid during on_answer only */
	enum npm_said said;
	int status; /* 0: none came */
	bool is_unreached; /* certain that nothing was told */
	const struct json *json;
	struct json **owned; /* the same; who sets *owned to NULL keeps it and frees it */
	char text[NPM_TEXT_SIZE]; /* not OK: for a person */
};

typedef void npm_answer_fn(void *context, const struct npm_answer *answer);

struct npm_talk {
	const struct front_host *host;
	char token[NPM_TOKEN_SIZE];
	int64_t token_until_us;
	struct fetch_transfer *transfer;
	const char *method; /* of the call under way */
	char path[96];
	struct buf body;
	bool has_logged_in; /* for this call: it is not done twice */
	char why[128]; /* a login was refused */
	npm_answer_fn *on_answer;
	void *context;
};

/* Asks /api<path>, logged in; answers once, from a loop turn. A call under way must have ended. */
void npm_call(struct npm_talk *talk, const char *method, const char *path, struct str body,
    npm_answer_fn *on_answer, void *context);
void npm_hush(struct npm_talk *talk); /* forgets the call under way */

/* npm_nginx.c: our location in a host's advanced configuration. */

/* Adds the text with our block put in, or replaced. The path is asked of the app; one that could mean
 * something to nginx is taken as "/". */
void npm_block_put(struct buf *to, struct str text, const char *secret, const char *path);
/* Adds the text without it. */
void npm_block_drop(struct buf *to, struct str text);
bool npm_block_is_there(struct str text);
/* The person's own part decides where "/" leads, so the host's target says nothing. */
bool npm_has_own_root(struct str text);
/* What is asked of the app for this path: itself, or "/". */
const char *npm_probe_path(const char *path);

/* npm_certificate.c */

struct npm_certificate {
	bool is_named; /* the stage names one */
	bool is_any; /* "letsencrypt": one that a host has already is good enough */
	bool is_new; /* none such is there: Let's Encrypt shall be asked for one */
	int64_t id; /* 0: leave what is there */
};

/* Which one a stage's word means, of GET /nginx/certificates. -1: none such, or not for these domains; err
 * names those that are. */
int npm_certificate_find(const struct json *certificates, const struct front_route *route,
    struct npm_certificate *ret, struct err *err) MUST_USE;

/* Is there one with this id, for all of these names? */
bool npm_certificate_covers(
    const struct json *certificates, int64_t id, const char *const *names, size_t count);

/* npm_plan.c: what has to change, worked out without asking anybody. */

enum npm_verb { NPM_PUT, NPM_POST, NPM_DELETE };

struct npm_action {
	enum npm_verb verb;
	int64_t id; /* of the host; POST: 0 */
	struct buf body;
	struct buf
	    undo; /* the body that gives back what was there; empty: it is not given back */
	bool was_online; /* nginx had taken it as it was */
	uint32_t domains; /* of the route, that it has: a set of their places */
	char what[NPM_TEXT_SIZE]; /* for a person: what is not as it should be */
};

struct npm_plan {
	struct npm_action actions[NPM_ACTIONS_MAX];
	size_t count;
	bool is_refused; /* text says why, and nothing is done */
	char text[NPM_TEXT_SIZE]; /* refused; or what a person should know of */
	uint32_t left; /* places of the domains that others decide on; see front_driver.h */
	bool is_left; /* all of them, for certain */
	bool is_keeping; /* there is a route: the rest tells how a probe asks for it */
	bool is_https;
	char domain[DOMAIN_SIZE];
};

struct npm_wish {
	enum front_work work;
	const struct front_route *route;
	bool may_overwrite;
	bool is_forced; /* tell it even what it seems to know: its nginx may not */
	const char *store_uuid;
	const char *secret;
	const char *mail; /* for Let's Encrypt */
	int version_minor; /* 2.x; 0: not known, and not needed */
	struct npm_certificate certificate;
	const struct json *certificates; /* as they were listed; NULL: nothing names any */
};

/* npm_certificate.c. Has the host, with these domains, another than the stage names? Where the stage
 * wants any, the one that it has is good enough. */
bool npm_certificate_is_lacking(const struct npm_wish *wish, const struct json *host,
    const char *const *names, size_t count);
/* Holds the one that it had, when the stage names none any more; else NULL. */
const struct json *
npm_certificate_before(const struct npm_wish *wish, const struct json *host);

void npm_plan_make(
    const struct npm_wish *wish, const struct json *hosts, struct npm_plan *ret_plan);
void npm_plan_free(struct npm_plan *plan);

/* npm_host.c: a host as it is listed, and the bodies that change it. */

struct npm_target {
	char scheme[8];
	char host[DOMAIN_SIZE + 2];
	int port;
	char text[NPM_TARGET_SIZE];
};

/* False: the route leads nowhere. */
bool npm_target_read(const struct front_route *route, struct npm_target *ret);
/* Where visitors of "/" are led. */
void npm_target_of(const struct json *host, char text[NPM_TARGET_SIZE]);
/* Visitors and our location alike. */
bool npm_leads_to(const struct json *host, const struct npm_target *target);
/* Ours, of any stage; NULL: it is none of our hosts. */
const struct json *npm_mark_of(const struct npm_wish *wish, const struct json *host);
bool npm_is_of_stage(const struct npm_wish *wish, const struct json *host);
bool npm_has_domain(const struct json *host, const char *domain);
const char *npm_first_domain(const struct json *host);
bool npm_is_true(const struct json *value); /* versions before 2.12 say 1 */
/* Its nginx has taken the host as its row is. */
bool npm_is_online(const struct json *host);
void npm_fault_of(const struct json *host, char text[NPM_TEXT_SIZE]); /* the first line */

struct npm_change {
	const struct npm_target *target;
	const char *const *names; /* of the domains; name_count 0: they stay */
	size_t name_count;
	const struct buf *advanced; /* the advanced configuration, if it changes */
	bool has_advanced;
	bool has_certificate;
	const struct json
	    *back; /* has the certificate that it had before the stage named one */
	bool is_made; /* by us */
};

void npm_write_lead(struct buf *to, const struct npm_wish *wish, const struct json *host,
    const struct npm_change *change);
/* What gives it back. */
void npm_write_undo(struct buf *to, const struct json *host, const struct npm_change *change);
void
npm_write_new(struct buf *to, const struct npm_wish *wish, const struct npm_change *change);
/* Without our mark, and unless it keeps its target as it was before us. */
void npm_write_back(struct buf *to, const struct npm_wish *wish, const struct json *host,
    const struct buf *advanced, bool keeps_target);

/* npm_probe.c: who answers for a stage? */

struct npm_seen {
	uint64_t stage;
	bool is_https;
	char domain[DOMAIN_SIZE];
};

struct npm_sights { /* what probes need to know of a stage's host */
	struct npm_seen seen[NPM_SEEN_MAX];
	size_t count;
};

void npm_sights_note(struct npm_sights *sights, uint64_t stage, const struct npm_plan *plan);
void npm_probe_domain(const char *domain, char to[DOMAIN_SIZE]); /* one below a wildcard */
void npm_probe_write(const struct npm_sights *sights, const struct front_host *host,
    const struct front_route *route, int count, struct front_request *to);
enum front_proof npm_probe_proves(
    const struct front_route *route, const struct fetch_result *result, char said[128]);

#endif
