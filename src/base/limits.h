/* limits.h - every bound of the program, in one place, each with its reason.
 *
 * Beyond a limit the answer is a clear error and nothing is lost. */
#ifndef SLIPWAY_BASE_LIMITS_H
#define SLIPWAY_BASE_LIMITS_H

enum {
	/* Names. A name becomes a DNS label and part of a container's name: RFC 1035 has 63. */
	NAME_SIZE = 64,
	/* OCI distribution: a tag has at most 128 characters. */
	TAG_SIZE = 129,
	/* "sha256:" and 64 hexadecimal digits. */
	DIGEST_SIZE = 72,
	/* A repository with its host; the distribution spec advises 255 for both together. */
	IMAGE_SIZE = 256,
	/* RFC 1035: a domain name has at most 253 characters as text. */
	DOMAIN_SIZE = 254,
	/* One line for a person; longer ones are cut. */
	REASON_SIZE = 256,

	/* Configuration. */
	CONFIG_BYTES_MAX = 1 << 20, /* 1,000 stages of 1 KB each; read at once on the loop */
	CONFIG_FAULTS_MAX = 100,    /* nobody mends more in one sitting */
	PROJECTS_MAX = 1000,
	STAGES_MAX = 2000,
	ENGINES_MAX = 16,
	REGISTRIES_MAX = 64,
	REPLICAS_MAX = 16,
	DOMAINS_MAX = 16,           /* of one stage */
	ENV_MAX = 200,              /* entries of one stage */
	LIST_MAX = 64,              /* volumes, labels, command words, networks of one stage */
	VALUE_SIZE = 8192,          /* one text in the configuration, an env value for example */

	/* Runtime. */
	MAILBOX_MAX = 4096,         /* events waiting; more outside work is refused with 503 */
	TICK_EVENTS_MAX = 256,      /* bounds the length of a tick, and so everybody's latency */
	CASCADE_MAX = 64,           /* messages that one event may cause among actors */
	ACTORS_MAX = 8192,          /* alive: two or three a stage and every deploy under way */
	TICK_SLOW_MS = 50,          /* a longer tick is logged as a fault */

	/* Outgoing HTTP. */
	FETCH_MAX = 256,            /* transfers under way; more wait in line */
	FETCH_LINE_MAX = 4096,      /* waiting ones; a sweep over every stage's registry fits */
	FETCH_BODY_MAX = 8 << 20,   /* an answer held in memory; 100 containers inspect to 1 MB */
	FETCH_HEADER_MAX = 64 << 10,

	/* The HTTP server (measured costs: a connection about 1 KB). */
	HTTP_CONNECTIONS_MAX = 2000,
	HTTP_HEADERS_MAX = 64,
	HTTP_HEADER_BYTES_MAX = 16 << 10,
	HTTP_BODY_MAX = 1 << 20,
	HTTP_REPLY_MAX = 16 << 20,
	HTTP_PIPELINE_MAX = 500,
	HTTP_REQUEST_MS = 10000,    /* from the first byte to the last */
	HTTP_IDLE_MS = 60000,
	SSE_HEARTBEAT_MS = 15000,
	SSE_STREAMS_MAX = 5000,
	SSE_WAKE_MAX = 256,         /* subscribers served a tick: 3 ms */
	SSE_RING_BYTES = 1 << 20,

	/* Deploys. */
	LOG_TAIL_LINES = 50,        /* of a container that failed, kept with its deploy */
	LOG_LINE_SIZE = 1024,
	PAGE_DEFAULT = 50,
	PAGE_MAX = 500,
};

#endif
