/* edge_inside.h - what the files of the edge share; nobody else includes it.
 *
 * The one idea: `stages` and `backends` mirror what HAProxy said last. An operation (struct edge_op)
 * works for one stage, a stage has one at most, and each is a chain of questions and answers. */
#ifndef SLIPWAY_PORTS_EDGE_INSIDE_H
#define SLIPWAY_PORTS_EDGE_INSIDE_H

#include "ports/edge.h"
#include "ports/edge_socket.h"

struct loop_timer;
struct loop_io;
struct fetch_transfer;

enum {
	EDGE_DIRECTORY_SIZE =
	    85, /* HAProxy takes 97 characters for a socket, "/stats-2.sock" with them */
	EDGE_PATH_SIZE = 4096,
	EDGE_SERVER_NAME_SIZE = 32,
	EDGE_BACKEND_NAME_SIZE = 16,
	EDGE_SECRET_SIZE = 33,
	EDGE_ENVIRONMENT_SIZE = 32,
	EDGE_DOMAINS_SEEN_MAX =
	    2 * DOMAINS_MAX, /* of the new deploy and left from the old one */
};

/* HAProxy 2.6 keeps idle connections to a server made at run time only when both are given: 24,000
 * requests/s against 11,000. */
#define EDGE_SERVER_OPTIONS "pool-max-conn 256 pool-purge-delay 5s"

enum edge_server_state { EDGE_SERVER_READY, EDGE_SERVER_DRAINING, EDGE_SERVER_OFF };

struct edge_server {
	char name
	    [EDGE_SERVER_NAME_SIZE]; /* "d42r0"; "d42v0" in the route of that version alone */
	uint64_t deploy; /* 0: none of ours */
	int replica;
	char address[64];
	enum edge_server_state state;
	uint32_t in_flight;
	uint64_t served;
	uint64_t failed; /* connections that did not come about */
	uint64_t requests;
	uint64_t failures;
	bool is_seen;
};

struct edge_backend {
	char name[EDGE_BACKEND_NAME_SIZE]; /* "b7"; "t5432" for the TCP port 5432 */
	int tcp_port; /* 0: HTTP */
	struct edge_stage *stage; /* NULL: free */
	struct edge_server *servers;
	size_t server_count;
	size_t allocated;
	bool is_running; /* HAProxy has it */
};

struct edge_stage {
	uint64_t id;
	uint64_t
	    version_of; /* of which stage: this is the route of one version, the deploy `id`, by its tag;
	                      * 0: a stage's own */
	int64_t
	    left_us; /* of a version: since when nobody is to be led there; 0: somebody is */
	struct edge_stage *next;
	struct edge_stage *next_by_id;
	struct edge_backend *http;
	struct edge_backend *tcp;
	struct edge_op *op;
	char (*domains)[DOMAIN_SIZE]; /* that the map leads here, or that an op has claimed */
	size_t domain_count;
	struct port_fence fence;
	bool has_garbage; /* servers that are off and could not be deleted yet */
	bool is_visited; /* by the comparison under way */
};

enum edge_link {
	EDGE_LINK_DOWN, /* not connected: try, and see to it that somebody starts it */
	EDGE_LINK_LOADING, /* connected: what does it have? */
	EDGE_LINK_UP,
	EDGE_LINK_RELOADING,
};

struct edge {
	struct port_host host;
	char directory[EDGE_DIRECTORY_SIZE];
	char haproxy[EDGE_PATH_SIZE];
	char certificates[EDGE_PATH_SIZE];
	uint64_t certificates_hash; /* of how the files looked last */
	struct addresses http;
	struct addresses https;
	const char *trusted;
	bool has_user; /* we are root, and HAProxy's own user exists */
	bool is_kept_elsewhere;
	uint64_t (*stage_live)(void *context, uint64_t stage);
	bool (*stage_is_busy)(void *context, uint64_t stage);
	bool (*stage_is_awaited)(void *context, uint64_t stage); /* or NULL */
	size_t (*stage_versions)(
	    void *context, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1]); /* or NULL */
	void (*version_left)(void *context);
	void *context;
	char secret[EDGE_SECRET_SIZE];
	char probe_header[sizeof(EDGE_PROBE_HEADER) + EDGE_SECRET_SIZE + 2];
	char fault[ERR_TEXT_SIZE];

	enum edge_link link;
	struct edge_socket *stats;
	int stats_name; /* which of two names its socket has */
	struct edge_socket *master;
	struct loop_timer *link_timer;
	int64_t link_delay_ms;
	int64_t spawn_after_us; /* not before */
	int64_t reload_until_us; /* 0: no reload is under way */
	int64_t reload_after_us; /* not before: the last one failed */
	bool is_reload_sent;
	bool has_files; /* this process has written or adopted them */
	bool has_old_workers; /* there may be some, with connections of before a reload */
	uint64_t structure; /* of the configuration that HAProxy runs */
	uint64_t config_hash; /* of what the files hold */
	uint64_t map_hash;
	int child; /* the `slipway edge` we started, to be reaped; 0: none */

	struct edge_backend **pool; /* b0, b1, ... */
	size_t pool_count;
	uint16_t *tcp_ports; /* that HAProxy listens on */
	size_t tcp_port_count;
	struct edge_stage *stages;
	struct edge_stage *stages_by_id[EDGE_STAGES_WAYS];

	struct loop_timer *sync_timer;
	struct loop_timer *tidy_timer;
	bool is_sync_wanted;
	bool is_syncing;
	bool
	    is_version_awaited; /* another one's route is made first: look again when that has ended */
	bool is_restart_awaited; /* a server is kept whose container may be back any moment */
	size_t sync_at; /* the next stage of the catalog */
	int64_t watched_until_us; /* somebody asks for edge_status */
};

enum edge_op_kind {
	EDGE_SWITCH,
	EDGE_CONFIRM,
	EDGE_RESTORE,
	EDGE_DRAIN,
	EDGE_PARK,
	EDGE_MEND
};

/* The server that nobody is behind: HAProxy tries it again each second for half a minute (put_defaults),
 * on another one as soon as there is one. No program listens on port 1. */
#define EDGE_NOBODY_ADDRESS "127.0.0.1:1"
enum {
	EDGE_NOBODY = -1
}; /* its replica; "d42h" while deploy 42 has parked the route, or has stopped the stage */

enum edge_domain_state { EDGE_DOMAIN_ABSENT, EDGE_DOMAIN_OURS, EDGE_DOMAIN_OTHER };

struct edge_domain {
	char name[DOMAIN_SIZE];
	bool is_wanted;
	enum edge_domain_state state;
};

struct edge_op {
	struct edge *edge;
	struct edge_stage *stage;
	enum edge_op_kind kind;
	struct effect effect; /* not for MEND */
	struct edge_ask *ask;
	struct loop_timer *timer; /* the next look */
	struct loop_timer *deadline;
	struct fetch_transfer *transfer;
	int64_t began_us;
	bool is_begun;

	/* What shall be: the route leads to the servers of this deploy. */
	uint64_t deploy; /* 0: no route at all */
	bool is_stopped; /* by that deploy: to nobody, which is answered with 503 */
	struct edge_server wanted[REPLICAS_MAX];
	size_t wanted_count;
	struct edge_domain domains[EDGE_DOMAINS_SEEN_MAX]; /* wanted ones first */
	size_t domain_count;
	char tag_names[DOMAINS_MAX]
		      [DOMAIN_SIZE]; /* that the route of this version alone will have */
	size_t tag_name_count;
	int tcp_port;
	int64_t drain_ms;
	char path[512]; /* for CONFIRM */

	/* Reading and sending. */
	int round;
	size_t sent_count; /* commands whose answers come before what is read */
	struct buf plan; /* commands and questions, one a line */
	char said[128]; /* the last thing HAProxy complained of */
	bool has_mended;

	/* Emptying. */
	int64_t empty_until_us;
	int64_t look_ms;
	int quiet_looks;
	uint32_t in_flight;
	uint32_t cut;
	bool has_cut; /* all have been told; further looks only wait for them to go */
	struct buf workers; /* ids of old workers still to be asked, one a line */

	/* Confirming. */
	int step;
	int confirmed;
	uint64_t served_before;
	int tcp_fd; /* -1: none */
	struct loop_io *tcp_io;
};

/* edge.c: operations. */
void edge_op_done(struct edge_op *op, enum event_kind kind); /* answers; op is gone */
void edge_op_fail(struct edge_op *op, enum event_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);
void edge_op_drop(struct edge_op *op); /* no answer */
void edge_op_begin(struct edge_op *op); /* from the start, HAProxy is there */
void edge_op_suspend(struct edge_op *op); /* whatever it waits for is forgotten */
void edge_op_again(struct edge_op *op, int64_t delay_ms); /* begins its next look then */
void edge_op_look(struct edge_op *op); /* what edge_op_again leads to */
/* Starts mending a stage that has no operation; deploy 0 takes its route away. */
void edge_mend(struct edge *edge, struct edge_stage *stage, uint64_t deploy);
void edge_fault_set(struct edge *edge, const char *format, ...) PRINTF_LIKE(2, 3);

/* edge_want.c: what the store says a stage's route shall be. */
int edge_want(struct edge_op *op, uint64_t deploy, struct err *err) MUST_USE;
/* Claims backends and domains. REFUSED or TROUBLED with err; EV_COUNT: done. */
enum event_kind edge_claim(struct edge_op *op, struct err *err);
/* PARK: requests wait there for the deploy instead, or are turned away. */
void edge_want_nobody(struct edge_op *op);
bool edge_wants_route(const struct edge_op *op); /* its revision has a domain or a port */
bool edge_wants_backend(const struct edge_op *op, const struct edge_backend *b);
bool edge_wants_server(
    const struct edge_op *op, const struct edge_backend *b, const struct edge_server *server);
bool edge_want_differs(const struct edge_op *op); /* from the mirror */
/* Puts the route of a live deploy into the mirror, as if HAProxy had it. */
void edge_want_assume(struct edge *edge, struct edge_stage *stage, uint64_t live);
/* Takes a TCP backend that HAProxy did not accept out of the mirror. */
void edge_tcp_drop_unborn(struct edge_stage *stage);

/* edge_mirror.c: the mirror. */
struct edge_stage *edge_stage_find(const struct edge *edge, uint64_t id);
struct edge_stage *edge_stage_get(struct edge *edge, uint64_t id); /* made when missing */
struct edge_stage *
edge_version_get(struct edge *edge, uint64_t deploy, uint64_t stage); /* made when missing */
struct edge_backend *edge_backend_find(const struct edge *edge, struct str name);
struct edge_backend *edge_backend_new(const char *name, int tcp_port);
void edge_backend_free(struct edge_backend *b);
struct edge_server *edge_server_find(const struct edge_backend *b, const char *name);
void edge_pool_grow(struct edge *edge, size_t count);
void edge_stage_set_domains(
    struct edge_stage *stage, const struct edge_domain *domains, size_t count);
void edge_stages_free(struct edge *edge);
void edge_domain_add(struct edge_stage *stage, struct str name);
bool edge_server_name_parse(const char *name, uint64_t *ret_deploy, int *ret_replica);
bool edge_server_is_of_version(const char *name); /* of a name that could be parsed */
struct edge_server *
edge_server_add(struct edge_backend *b, const char *name); /* NULL: too many */

/* edge_answers.c: HAProxy's answers taken apart, into the mirror.
 * Answers to show servers state, show stat, show map, show backend. NULL: of all backends. */
void edge_take_servers(struct edge *edge, struct edge_backend *only, struct str answer);
void edge_take_stat(struct edge *edge, struct str answer);
void edge_take_map(struct edge *edge, struct str answer);
bool edge_listens_on(const struct edge *edge, int tcp_port);
void edge_take_backends(struct edge *edge, struct str answer);
/* From show info: this worker was replaced by a reload and only ends what it has. */
bool edge_is_stopping(struct str info);
/* The next line of rest without its end; false: no more. Fields of a line likewise. */
bool edge_next_line(struct str *rest, struct str *ret_line);
struct str edge_field(struct str line, char separator, int index);

/* edge_config.c: the files. */
#define EDGE_HASH_START UINT64_C(14695981039346656037)
uint64_t edge_hash(uint64_t hash, struct str text);
uint64_t edge_structure(const struct edge *edge); /* of the configuration we want */
int edge_files_write(struct edge *edge, struct err *err) MUST_USE; /* when they differ */
int edge_secret_load(struct edge *edge, struct err *err) MUST_USE;
void edge_path(const struct edge *edge, const char *name, char path[EDGE_PATH_SIZE]);
int edge_settings_take(
    struct edge *edge, const struct edge_settings *settings, struct err *err) MUST_USE;
const char *edge_tcp_host(const struct edge *edge);

/* edge_certificates.c: cheap; a change makes another structure. */
void edge_certificates_look(struct edge *edge);

/* edge_process.c: the process. */
bool edge_process_lives(const struct edge *edge); /* somebody holds the lock */
int edge_process_spawn(struct edge *edge, struct err *err) MUST_USE;
void edge_environment(char *kept[EDGE_ENVIRONMENT_SIZE]); /* of both; ended by NULL */
void edge_process_reap(struct edge *edge);
bool
edge_fault_read(const struct edge *edge, char *text, size_t size); /* left by the process */
void edge_fault_forget(const struct edge *edge);

/* For the keeper: begins edge.log anew when it is large; the one before stays as edge.log.1. */
void edge_log_bound(const struct edge *edge);
int edge_haproxy_find(const char *name, char path[EDGE_PATH_SIZE], struct err *err) MUST_USE;

/* edge_link.c: the connection. */
void edge_link_new(struct edge *edge);
void edge_link_free(struct edge *edge);
void edge_load(struct edge *edge); /* reads what it has; the stats socket is up */
void edge_go_down(struct edge *edge); /* HAProxy is gone: look for it */
void edge_suspend_all(struct edge *edge); /* operations begin again when it is there */
void edge_fault_over(struct edge *edge);
void edge_fill_from_store(struct edge *edge); /* the files, unless they are ours already */

/* edge_reload.c */
void edge_reload(struct edge *edge);
bool edge_wants_reload(const struct edge *edge);
void edge_reload_look(struct edge *edge); /* is it over? */
void edge_reload_failed(struct edge *edge);
void edge_on_master_state(void *context, bool is_up);
void edge_follow_reload(struct edge *edge); /* of somebody else: to the new worker */
void edge_stats_path(const struct edge *edge, char path[EDGE_PATH_SIZE]);
/* HAProxy runs and its socket cannot be reached: true: another one is being made. */
bool edge_socket_revive(struct edge *edge);

/* edge_version.c: the routes of single versions. Those of a stage that shall be; returns how many. */
size_t
edge_versions(const struct edge *edge, uint64_t stage, uint64_t ret_deploys[KEPT_MAX + 1]);
/* Is somebody to be led there? */
bool edge_version_is_wanted(const struct edge *edge, const struct edge_stage *version);
/* Another route of the same stage's versions is being changed. */
bool edge_version_is_busy(const struct edge *edge, const struct edge_stage *version);
/* One route of the same stage takes names from another: a version from one that is not wanted any more and from its
 * stage, a stage from its versions. */
bool edge_version_is_akin(const struct edge_op *op, const struct edge_stage *other);
void edge_version_take_names(const struct edge_op *op);
void edge_version_log(const struct edge_op *op); /* its route was made or taken away */

/* edge_switch.c, edge_drain.c, edge_confirm.c, edge_sync.c. */
void edge_converge(struct edge_op *op);
void edge_empty(struct edge_op *op);
void edge_confirm(struct edge_op *op);
void edge_confirm_stop(struct edge_op *op);
void edge_sync_new(struct edge *edge);
void edge_sync_free(struct edge *edge);
void edge_sync_stop(struct edge *edge);
void edge_tidy_later(struct edge *edge); /* servers could not be deleted yet */

#endif
