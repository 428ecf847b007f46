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
	/* A UUID as text (RFC 9562). */
	UUID_SIZE = 37,
	/* What a notification is about, beside its stage: a digest and an id. */
	SUBJECT_SIZE = 96,

	/* Configuration. */
	CONFIG_BYTES_MAX = 1 << 20, /* 1,000 stages of 1 KB each; read at once on the loop */
	CONFIG_FAULTS_MAX = 100, /* nobody mends more in one sitting */
	CONFIG_DEPTH_MAX = 12, /* the deepest key of slipway.yml lies on level 7 */
	CONFIG_NODES_MAX =
	    100000, /* values of a file, 11 MB while it is read; 2,000 stages of 50 */
	CONFIG_SPEC_BYTES_MAX = 128
				<< 10, /* one stage as canonical JSON: a row, read at start */
	CONFIG_SPECS_BYTES_MAX = 16
				 << 20, /* all of them: each stage repeats its project's env */
	EXPORT_TAG_BYTES_MAX =
	    8 << 20, /* hashed: hosts as YAML, 42 bytes of each stage and whom it tells */
	PROJECTS_MAX = 1000,
	STAGES_MAX = 2000,
	ENGINES_MAX = 16,
	REGISTRIES_MAX = 64,
	PROXIES_MAX = 16,
	RECEIVERS_MAX = 64, /* of notifications: teams and rooms of one host */
	NOTIFY_NAMES_MAX = 16, /* receivers of one stage */
	RECIPIENTS_MAX = 16, /* of one mail */
	REPLICAS_MAX = 16,
	DOMAINS_MAX = 16, /* of one stage */
	ENV_MAX = 200, /* entries of one stage */
	LIST_MAX = 64, /* volumes, labels, command words, networks of one stage */
	VALUE_SIZE = 8192, /* one text in the configuration, an env value for example */

	/* Secrets. All of them are sealed anew in one tick: 1,000 of 8 KB take it 90 ms. */
	SECRETS_MAX = 1000,
	SECRET_NAME_SIZE = 64,
	SECRET_KEYS_MAX = 8, /* in the ring; two are there while one takes the other's place */
	KEY_ID_SIZE = 17, /* 64 bits of a hash */
	KEYS_BYTES_MAX = 4 << 10, /* of the key's file, with lines for people */

	/* Tag policies. A tag has 128 characters: what takes longer is a mistake, or meant to. */
	TAG_REGEX_SIZE = 256,
	TAG_REGEX_STEPS_MAX = 5000, /* of one match: 0.1 ms */
	TAG_REGEX_DEPTH_MAX = 500,
	TAG_REGEX_HEAP_KIB_MAX = 256,
	TAG_REGEX_GIVE_UP_MAX =
	    16, /* matches that reached a limit: then no more of that list */
	SEMVER_BOUNDS_MAX = 16, /* nobody writes more than a few */

	/* Runtime. */
	MAILBOX_MAX = 4096, /* events waiting; more outside work is refused with 503 */
	TICK_EVENTS_MAX = 256, /* bounds the length of a tick, and so everybody's latency */
	DEADLINES_STALE_MAX =
	    1024, /* that are over and not yet taken out; each has 24 bytes */
	CASCADE_MAX = 64, /* messages that one event may cause among actors */
	DEPLOYS_OPEN_MAX = 4096, /* further wishes from outside are told 503 */
	RESOLVING_MAX = 32, /* of one stage, waiting for their registry; the same */
	ACTORS_MAX =
	    16384, /* alive: each stage with its poll, two deploys that a poll began and a swap */
	TICK_SLOW_MS = 50, /* a longer tick is logged as a fault */

	/* The store. */
	RETENTION_ROWS_MAX = 500, /* removed in one tick: 0.6 ms */
	RETENTION_LOOKS_MAX = 16, /* stages looked at in one tick: 5 to 100 us each */
	RETENTION_BATCH =
	    128, /* old deploys of a stage read at once; ROLLBACKS_MAX may stay */
	RETENTION_SCAN_MAX = 1000, /* deploys read for the targets of a rollback: 0.5 ms */
	RETENTION_QUEUE_MAX = 256, /* stages whose deploy has just ended; more: all are due */
	RETENTION_FIRST_MS = 60000, /* from the start to the first round over all stages */
	RETENTION_ROUND_MS = 3600000, /* from the end of one to the next; rows age in days */
	IMAGES_FIRST_MS = 60000, /* from the start to the first look at an engine's images */
	IMAGES_ROUND_MS = 3600000, /* between two looks; images are large, not many */
	IMAGES_REST_MS = 60000, /* after a version has gone, and between looks that fail */
	IMAGES_RETRY_MS = 600000, /* after a removal that failed; twice as long each time */
	IMAGES_REMOVED_MAX = 64, /* by one sweep; the next look sees the rest */
	IMAGES_SHOWN_MAX = 500, /* in one answer: 20 ms of judging */
	DEPLOYS_SHOWN_MAX = 500, /* of those that would go, in one answer: 10 ms of judging */
	KEEP_DEPLOYS_MAX = 10000, /* of a stage, whatever their age */
	KEEP_DAYS_MAX = 36500, /* a century */
	PINS_MAX = 20, /* deploys of one stage that people keep by hand */
	ROLLBACKS_MAX = 100, /* versions of a stage that are kept to go back to */
	BACKUP_MS = 1800000, /* one by rule, then it is cut off; a gigabyte takes seconds */
	BACKUP_LOOK_MS = 200, /* between two looks whether it has ended */
	BACKUP_IDLE_MS = 600000, /* and at what is there, which others may have removed */
	STORE_WAL_PAGES = 1000, /* 4 MB: copied into the store's file then, 2 to 4 ms */
	STORE_WAL_KEPT = 16 << 20, /* of the log's file, once it was larger */
	STORE_WAL_WARN_PAGES = 16384, /* 64 MB: somebody reads the store for long */

	/* Outgoing HTTP. */
	FETCH_MAX = 256, /* transfers under way; more wait in line */
	FETCH_LINE_MAX = 4096, /* waiting ones; a sweep over every stage's registry fits */
	FETCH_BODY_MAX =
	    8 << 20, /* an answer held in memory; 100 containers inspect to 1 MB */
	FETCH_HEADER_MAX = 64 << 10,

	/* Webhooks. */
	WEBHOOK_IMAGES_MAX =
	    32, /* tags that one of them names; = RESOLVING_MAX, a stage takes no more */
	WEBHOOK_NAMED_MAX =
	    1000, /* that are read of one, those it names again counted again: 1 ms */
	WEBHOOK_DELIVERY_SIZE = 65, /* of its sender's: a UUID; longer ones by their hash */
	WEBHOOK_DELIVERIES_MAX =
	    10000, /* remembered to be known again: 1 MB; senders try again for a day */

	/* Registries. */
	REGISTRY_SITES_MAX =
	    REGISTRIES_MAX + 64, /* configured ones and others that images name */
	REGISTRY_QUESTIONS_MAX =
	    8, /* to one at once; measured: more only adds latency there */
	REGISTRY_POLLS_MAX = 7, /* of these: a deploy never waits behind polls that hang */
	REGISTRY_PAGES_MAX = 500, /* of one tag list; some registries give 100 tags a page */
	REGISTRY_TAGS_MAX = 100000, /* of one repository */
	REGISTRY_PAGE_BYTES_MAX = 1 << 20, /* reading it takes the loop 28 ms */
	REGISTRY_MANIFEST_MAX = 4 << 20, /* what the distribution project takes */
	TAGS_TRIED_MAX = 8, /* of the newest ones, by one look: min_age passes over some */
	TAGS_SEEN_MAX =
	    1000, /* digests of tags that one stage remembers for min_age, immutable */
	TAGS_MOVED_SHOWN = 8, /* alarms of one stage; nobody mends more at a time */
	TAGS_EXPLAINED_MAX = 10000, /* of one repository: sorted and written in 40 ms */
	REGISTRY_TAG_LATE_MS =
	    5000, /* a webhook may come before its tag; 20 ms were seen, caches take more */
	IMAGE_CONFIG_MAX = 1 << 20, /* of an image; some carry their build's whole history */
	IMAGE_PORTS_MAX = 32, /* told of an image; more are for nobody to choose from */
	IMAGE_VOLUMES_MAX = 16,
	LOOKS_MAX = 16, /* images inspected at once */
	REGISTRY_TOKENS_MAX = 1024, /* kept; 1 to 2 KB each, a repository needs one */
	REGISTRY_TOKEN_BYTES_MAX = 64 << 10, /* the answer that brings one */

	/* Notifications. */
	NOTIFICATIONS_OPEN_MAX = 1024, /* alive; beyond it the oldest is given up */
	NOTIFICATIONS_OPEN_OF_ONE_MAX =
	    128, /* receiver: one that is away pushes out no other's */
	NOTICES_WAITING_MAX = 256, /* told by ports within one turn */
	NOTICE_AGAIN_MS = 3600000, /* the same is told once in an hour */
	NOTIFY_AT_ONCE_MAX = 16, /* transfers: they leave FETCH_MAX to deploys */
	NOTIFY_AT_ONCE_OF_ONE_MAX = 2, /* receiver */
	NOTIFY_ANSWER_MAX = 64 << 10, /* of a receiver; only its beginning is shown */
	NOTIFY_BODY_MAX = 64 << 10, /* what is sent: a few texts of REASON_SIZE, escaped */

	/* The HTTP server (measured: an idle connection costs about 1 KB). */
	HTTP_LISTEN_MAX =
	    8, /* addresses to listen on: loopback, LAN, v4, v6 and a socket fit */
	HTTP_CONNECTIONS_MAX = 2000, /* event streams are counted apart */
	DESCRIPTORS_WANTED = 8192, /* for all of these, and DESCRIPTORS_OWN */
	DESCRIPTORS_OWN = 1024, /* that clients leave to deploys: FETCH_MAX, files, the edge */
	HTTP_ACCEPT_MAX =
	    64, /* connections accepted a turn, so that running ones get theirs */
	HTTP_ACCEPT_PAUSE_MS = 100, /* before trying again when descriptors have run out */
	HTTP_HEADERS_MAX = 64,
	HTTP_HEADER_BYTES_MAX = 16 << 10,
	HTTP_TARGET_MAX =
	    8 << 10, /* the request's path and query: what browsers and proxies take */
	HTTP_QUERY_MAX = 32, /* parameters in the query; the API's longest filter has ten */
	HTTP_PARAMETERS_MAX = 4, /* in a route's pattern */
	HTTP_BODY_MAX = 1 << 20, /* = CONFIG_BYTES_MAX, the largest thing one may send */
	HTTP_BODIES_MAX = 64 << 20, /* of all requests in memory; further ones are told 503 */
	HTTP_INPUT_MAX =
	    64 << 10, /* pipelined requests waiting in memory; more wait in the kernel */
	HTTP_REPLY_MAX = 16 << 20,
	HTTP_REPLY_HEADER_MAX = 8 << 10,
	HTTP_REQUEST_MS = 10000, /* from the first byte to the last */
	HTTP_IDLE_MS = 60000,
	HTTP_HOLD_MS = 30000, /* an answer that waits for something outside the tick */
	HTTP_WRITE_MS =
	    10000, /* in which a reader takes HTTP_WRITE_LEAST bytes or is cut off */
	HTTP_WRITE_LEAST = 16 << 10,
	HTTP_LINGER_MS =
	    2000, /* for a refused client to read why before the connection goes */
	HTTP_EXPIRE_MAX =
	    256, /* deadlines handled a turn; 5,000 heartbeats are 60 ms of sending */
	SSE_HEARTBEAT_MS = 15000,
	SSE_STREAMS_MAX = 5000,
	SSE_WAKE_MAX = 256, /* subscribers served a tick: 3 ms */
	SSE_TOPICS_MAX = 64, /* different topics woken a tick; beyond it everybody is asked */
	SSE_BUFFER_MAX =
	    64 << 10, /* not yet taken by one subscriber's socket; an event fits */
	SSE_RING_BYTES = 1 << 20,

	/* The edge. */
	EDGE_BACKENDS_MIN =
	    64, /* made ahead, so that a new stage needs no reload: 4 KB each */
	EDGE_BACKENDS_MAX = 4096, /* twice STAGES_MAX: it grows by doubling */
	EDGE_SERVERS_MAX = 256, /* of one backend: sixteen deploys that have not drained yet */
	EDGE_QUESTION_MAX = 64 << 10, /* commands sent at once: 256 servers, 32 domains */
	EDGE_ANSWER_MAX = 16 << 20, /* show stat: 400 bytes a server */
	EDGE_ANSWER_MS = 5000, /* HAProxy answers in 20 us; while it is stopped, never */
	EDGE_FILE_MAX = 8 << 20, /* haproxy.cfg with 2,000 stages of 16 replicas: 4 MB */
	EDGE_LOG_MAX = 4 << 20, /* of edge.log; the one before it is kept, too */
	EDGE_STAGES_WAYS = 1024, /* of the table that finds a stage: two in each at most */
	EDGE_SYNC_MAX = 64, /* stages compared with the store in one turn: 3 ms */
	EDGE_CERTIFICATES_MAX = 4096, /* looked at for renewal: 4 ms */
	EDGE_PARK_DRAIN_MS =
	    10000, /* for requests in flight, while new ones wait: a third of their time */
	EDGE_CONNECTIONS_MAX =
	    8000, /* of clients, at most; HAProxy reserves 100 bytes for each */

	/* The name server that Caddy asks. */
	NAMES_FILE_MAX = 8 << 20, /* 2,000 stages of 16 replicas, live and former: 5 MB */
	NAMES_LISTEN_MAX =
	    PROXIES_MAX, /* addresses to answer on: each proxy may have its own */
	NAMES_CONNECTIONS_MAX = 64, /* over TCP, which only a person's tool needs */
	NAMES_PACKETS_MAX = 64, /* answered in one turn */

	/* Caddy. */
	CADDY_CONFIG_MAX = 8 << 20, /* of all HTTP servers; 2,000 routes of ours are 2 MB */
	CADDY_ROUNDS_MAX = 24, /* changes of one job, its own and those that others overtook */

	/* Deploys. */
	KEPT_MAX = 7, /* versions that run beside the one that serves */
	QUARANTINE_MAX = 8, /* digests that one stage holds back; a ninth lets the oldest go */
	FREEZE_SIZE = 192, /* who froze a stage, and why: a part of REASON_SIZE */
	APPROVALS_MAX = 8, /* that one stage may ask for; nobody finds more people */
	WINDOWS_MAX = 16, /* of one stage: two a day, and some */
	WINDOW_SIZE = 64, /* one of them as text: "mon-fri 09:00-17:00" */
	AUDIT_MAX = 100000, /* entries that are kept: 20 MB, years of them */
	AUDIT_SPARE = 256, /* more than that before the oldest are taken out at once */
	LOG_TAIL_LINES = 50, /* of a container that failed, kept with its deploy */
	TASK_LOG_LINES = 200, /* of a task, its last ones, kept with its deploy */
	TASK_LOG_BYTES = 256 << 10, /* of the same: 200 lines of 1 KB */
	MIGRATIONS_KEPT = 1000, /* of one stage: digests that are never migrated again */
	LOG_LINE_SIZE = 1024,
	LOG_FOLLOWERS_MAX = 64, /* each costs the engine 0.25 ms of CPU a line */
	USAGES_MAX = 64, /* questions for what a container uses, at the same time */
	USAGE_MS = 5000, /* an engine that is well takes some milliseconds */
	NETWORK_TWINS_MAX = 8, /* networks of one name; each look leaves one */
	ORPHANS_MAX = 1024, /* removed by one sweep; the next one sees the rest */
	IDEMPOTENCY_KEYS_MAX = 10000, /* answers kept; one more lets the oldest go */
	IDEMPOTENCY_KEY_MAX = 128, /* characters: a UUID has 36, a digest 71 */
	IDEMPOTENCY_ANSWER_MAX = 16
				 << 10, /* bytes; all of them are 160 MB at the very worst */
	IDEMPOTENCY_MS = 86400000, /* nobody tries again for longer than a day */
	STATISTICS_DEPLOYS_MAX = 2000, /* read for one answer: some 10 ms */
	PAGE_DEFAULT = 50,
	PAGE_MAX = 500,

	/* The command line client. */
	FILE_PIPE_MS =
	    60000, /* until a pipe given as a file ends: something makes it meanwhile */
	CLI_CALL_MS = 60000, /* one call; applying 2,000 stages takes seconds */
	CLI_READ_MS =
	    10000, /* one that only reads: a server that is well takes milliseconds */
	CLI_PROBE_MS = 5000, /* health and completion: somebody waits at a prompt */
	CLI_RETRY_MS =
	    60000, /* a lost stream is sought again so long: a restart takes seconds */
	CLI_RETRY_STEP_MS = 4000, /* between two tries, at most; the first come sooner */
	CLI_STALL_MS = 40000, /* a stream that missed two heartbeats is dead */
	CLI_REFRESH_MS =
	    100, /* of the progress line: seconds have one digit behind the point */
	CLI_EVENT_MAX =
	    256 << 10, /* one event of a stream; the server sends at most SSE_BUFFER_MAX */
	CLI_TAIL_LINES = 20, /* of the failed container, shown below a failed deploy */
	CLI_TEXT_MAX =
	    32 << 20, /* what one command prints; an answer is at most HTTP_REPLY_MAX */
};

#endif
