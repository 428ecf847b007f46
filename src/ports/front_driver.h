/* front_driver.h - what a kind of proxy must be able to do; npm.c and caddy.c are drivers.
 *
 * The one idea: a driver is asked for one thing at a time (front.c holds the line), answers once,
 * and keeps nothing that it could not read again from the proxy: after a crash the same question
 * comes again. "Ours" is what carries our mark; what others made is found and kept. */
#ifndef SLIPWAY_PORTS_FRONT_DRIVER_H
#define SLIPWAY_PORTS_FRONT_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "ports/fetch.h"
#include "ports/front.h"

/* What the proxy shall have for one stage. Whole and its own: it outlives the tick. */
struct front_route {
	uint64_t stage;
	uint64_t deploy; /* 0: no route */
	char project[NAME_SIZE];
	char stage_name[NAME_SIZE];
	char domains[DOMAINS_MAX][DOMAIN_SIZE]; /* lower case; "*.example.org" too */
	size_t domain_count;
	struct front_target {
		int replica;
		char address[DOMAIN_SIZE
			     + 8]; /* "10.0.0.2:8080", "[fd00::2]:8080"; a name for the edge */
	} targets[REPLICAS_MAX];
	size_t target_count;
	bool is_to_edge; /* one target, the edge, which serves all stages */
	char certificate
	    [DOMAIN_SIZE]; /* as in the stage: "", "letsencrypt", a name or number */
	char path[512]; /* what a probe asks for */
	int status_min; /* of a good answer to it; 0: any but 502, 503, 504 */
	int status_max;
};

enum front_work {
	/* Exactly this route; hosts are looked for by domain before one is made. What others set
	 * (certificate, access, own directives, other domains) stays. A target that others have
	 * changed since we set it: see may_overwrite. */
	FRONT_ENSURE,
	/* As ENSURE, for a route that stands. A domain that another stage of this store has got
	 * meanwhile stays there (ENSURE: REFUSED); so it does for the two below. */
	FRONT_MEND,
	/* As MEND; without a target: what was there before us, and if there was nothing, none. It
	 * must come to an end: what a person decides on now is left too, and the rest is done. */
	FRONT_RESTORE,
	/* What is ours of this stage goes; a host that others made gets back what it had. */
	FRONT_REMOVE,
	/* Only look: DONE when all is as MEND would have it, else DIFFERS. */
	FRONT_COMPARE,
};

enum front_outcome {
	FRONT_DONE,
	FRONT_DIFFERS, /* COMPARE only */
	FRONT_REFUSED, /* certain, and asking again will not help before a person acts */
	FRONT_TROUBLED, /* it may have happened, or asking again may help */
};

struct front_answer {
	enum front_outcome outcome;
	bool has_changed; /* DONE: the proxy had to be told something */
	bool is_untouched; /* certain: nothing was told that changes anything */
	bool
	    is_left; /* RESTORE, DONE: others decide where it leads now; there is nothing to confirm */
	uint32_t
	    left; /* RESTORE, DONE: set of places in domains, of those that others decide on */
	const char
	    *text; /* not DONE: for a person, with the remedy. DONE: what was done, or "" */
};

struct front_job {
	enum front_work work;
	const struct front_route *route; /* valid until on_done or stop */
	bool
	    may_overwrite; /* a target that others have changed; what it was is told in text */
	/* Once, from a loop turn, never from inside begin(). The text is copied there. */
	void (*on_done)(void *context, const struct front_answer *answer);
	void *context;
};

/* What a driver gets from front.c. */
struct front_host {
	struct loop *loop;
	struct fetch *fetch;
	const struct proxy_config *config; /* lives as long as the driver */
	const char *directory;
	const char *store_uuid;
	const char
	    *secret; /* 32 hex digits: names what only we may ask the proxy; never logged */
};

struct
    front_request { /* one request through the proxy; front.c sends it on a new connection */
	char url[DOMAIN_SIZE + 1024];
	char host[DOMAIN_SIZE + 16]; /* "Host: app.example.org" */
	char secret[256]; /* a further header, or "" */
	char resolve[2 * DOMAIN_SIZE
		     + 32]; /* "host:port:address", so that TLS names the host; or "" */
};

enum front_proof {
	FRONT_PROVEN, /* a target, with a good status */
	FRONT_LEADS, /* to a target, which gives no good answer */
	FRONT_OTHER, /* another version, or something else of ours */
	FRONT_UNPROVEN, /* nobody says who he is */
};

struct front_driver {
	void *(*open)(const struct front_host *host);
	void (*close)(void *self); /* also stops */
	void (*begin)(void *self, const struct front_job *job);
	void (*stop)(
	    void *self); /* forgets the job under way: no on_done; nothing: harmless */
	/* Straight to containers: the request whose answer tells who answered. */
	void (*probe)(
	    void *self, const struct front_route *route, int count, struct front_request *to);
	/* Did a target of the route answer it? said: what it was instead, for a person. */
	enum front_proof (*proves)(void *self, const struct front_route *route,
	    const struct fetch_result *result, char said[128]);
	int64_t ensure_ms; /* a job has at most so long */
	int64_t confirm_ms; /* all confirming */
	int confirm_answers; /* good ones in a row */
	int64_t confirm_pause_ms; /* between two */
	int64_t confirm_least_ms; /* from the first to the last */
	int64_t drain_floor_ms; /* the old version stays at least so long */
};

extern const struct front_driver npm_driver;
extern const struct front_driver caddy_driver;

#endif
