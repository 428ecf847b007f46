/* docker_parts.h - what the files of the Docker port share. No other file includes it.
 *
 * Three things: an engine (its connection, version, lanes), a call (one request to an
 * engine, in line until the version is known and its lane has room), and a job (one effect
 * under way). Every call is in the list of its owner, so dropping the owner cancels all
 * that it asked for. */
#ifndef SLIPWAY_PORTS_DOCKER_PARTS_H
#define SLIPWAY_PORTS_DOCKER_PARTS_H

#include <sys/queue.h>

#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/docker.h"
#include "ports/fetch.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/tasks.h"

struct engine;
struct call;
struct job;

LIST_HEAD(call_list, call);
TAILQ_HEAD(call_line, call);

/* Calls. */

enum lane { /* what waits for what */
	LANE_NONE, /* reads: at once */
	LANE_WORK, /* create, start, remove: a few at a time, more only adds latency */
	LANE_PULL, /* long; must not hold up the work */
	LANE_STOP, /* mostly waiting for the application */
	LANE_COUNT,
};

enum answer_kind {
	ANSWER_DONE, /* 2xx, 304 */
	ANSWER_REFUSED, /* 4xx: asking again will not help */
	ANSWER_TROUBLED, /* 5xx, 408, 429, no connection, no whole answer */
};

struct answer { /* valid during on_done only */
	enum answer_kind kind;
	int status; /* 0: no answer */
	bool is_unreached; /* certain that the engine did not get the request */
	const struct json *json; /* NULL: the body is none */
	struct json **owned; /* the same; who sets *owned to NULL keeps it and frees it */
	struct str body;
	const char *message; /* not DONE: for a person */
};

typedef void call_done_fn(void *context, const struct answer *answer);

struct call_request {
	const char *method; /* NULL: GET */
	const char *path; /* behind the version: "/containers/create?name=x"; copied */
	struct str body; /* JSON; copied */
	const char *auth; /* value of X-Registry-Auth, or NULL; copied, and the copy wiped */
	enum lane lane;
	bool is_fresh; /* on a new connection: sees whether the engine still listens */
	bool must_end; /* half done it would disturb what follows: see call_list_drop */
	int64_t total_ms; /* 0: 60 s; -1: a stream */
	fetch_body_fn *on_body; /* of a 200 only */
	call_done_fn *on_done;
	void *context;
};

void
call_start(struct engine *engine, struct call_list *owner, const struct call_request *request);

/* The same with a name, or an id, escaped in place of the star: "/containers/(star)/start". */
void call_named(struct engine *engine, struct call_list *owner,
    const struct call_request *request, const char *format, const char *name);

void call_list_cancel(struct call_list *list);

/* Cancels all but what is on the wire and must end; that will be told to on_done instead.
 * Returns whether anything is left. */
bool call_list_drop(struct call_list *list, call_done_fn *on_done, void *context) MUST_USE;

/* Lines of a stream: cuts piece (after what is pending) into lines; those beyond the
 * maximum of pending are dropped. */
typedef void line_fn(void *context, struct str line);
void lines_feed(struct buf *pending, struct str piece, line_fn *each, void *context);

/* The stream is over: what is pending was a line too. */
void lines_end(struct buf *pending, line_fn *each, void *context);

/* Adds text as a URL's path or query part. */
void url_escape(struct buf *to, const char *text);

/* "label=..." filters as a query value: {"label":["a=b",...]} escaped. Labels end with
 * NULL. */
void url_label_filter(struct buf *to, const char *const *labels);

/* Engines. */

enum link {
	LINK_UNKNOWN, /* ask before the next call */
	LINK_ASKING,
	LINK_READY,
};

struct lane_state {
	uint32_t used;
	uint32_t limit;
	struct call_line line;
};

struct network_waiter {
	TAILQ_ENTRY(network_waiter) entry;
	bool is_waiting;
	void (*on_done)(void *context, const struct answer *answer); /* DONE: it exists */
	void *context;
};

TAILQ_HEAD(network_line, network_waiter);

struct network_twin { /* one of several networks of the same name */
	char id[65];
	char created[40];
	bool is_foreign; /* not made by a Slipway */
};

struct survey_memory; /* docker_survey.c */
struct image_memory; /* docker_image_sweep.c */
struct event_stream; /* docker_events.c */

struct engine {
	LIST_ENTRY(engine) entry;
	struct docker *docker;
	struct engine_config config;
	enum link link;
	uint32_t losses; /* times that a working engine went away */
	int64_t lost_ms; /* wall clock, the last time; 0: never */
	int64_t back_ms; /* and when it was there again */
	uint32_t round; /* of negotiation */
	struct call_list calls; /* of the engine itself */
	struct fetch_transfer *asking;
	struct call_line line; /* waits for the version */
	struct lane_state lanes[LANE_COUNT];
	struct docker_status status;
	char greeting[96]; /* of /_ping: the same means that the rest is the same */
	char os[16];
	char architecture[16];
	bool
	    is_one_away; /* a container that serves has ended, or did not run at the last look */
	bool has_network;
	bool is_making_network;
	struct network_line network_line;
	struct network_twin twins[NETWORK_TWINS_MAX];
	size_t twin_count;
	bool is_twin_swapped;
	struct survey_memory *survey;
	struct image_memory *images;
	struct event_stream *events;
};

/* The engine of a configuration, made when first asked for; follows changes of it. */
struct engine *engine_of(struct docker *docker, const struct engine_config *config);
void engine_free(struct engine *engine);
bool engine_config_is(const struct engine_config *a, const struct engine_config *b);
void engine_negotiate(struct engine *engine); /* then its line goes on, or fails */
void engine_lost(struct engine *engine, const char *why); /* why: explained for a person */

/* Fills in the peer of a request: socket, URL before the path, certificates. */
void
engine_address(const struct engine *engine, struct fetch_request *request, struct buf *url);

/* The sentence for an engine that cannot be reached, with the remedy. */
void engine_explain(const struct engine *engine, const char *why, char text[REASON_SIZE]);

/* Links calls back in; docker_link.c tells docker_client.c. */
void calls_go_on(struct engine *engine);
void calls_fail(struct engine *engine, const struct answer *answer);

/* The shared network exists, made if missing; one question at a time for all who wait. */
void network_ensure(struct engine *engine, struct network_waiter *waiter);
void network_forget(struct engine *engine, struct network_waiter *waiter); /* waits no more */

/* The engine has two networks of one name; network_ensure() mends that. */
bool network_is_ambiguous(const struct answer *answer);

/* Jobs. */

struct job {
	LIST_ENTRY(job) entry;
	struct docker *docker;
	struct engine *engine;
	struct effect effect;
	struct deploy_row row; /* of effect.deploy; for the sweep empty */
	struct call_list calls;
	const struct job_kind *kind;
	int64_t retry_ms; /* TROUBLED: asking sooner is of no use */
	bool is_over; /* answered or replaced; lingers for calls that must end */
	bool has_successor;
	struct effect successor; /* begins when this one has ended */
};

LIST_HEAD(engine_list, engine);
LIST_HEAD(job_list, job);
LIST_HEAD(logs_list, docker_logs);
LIST_HEAD(usage_list, usage_question);
LIST_HEAD(image_look_list, image_look);

struct docker {
	struct port_host host;
	struct docker_settings settings;
	char store_uuid[64];
	struct engine_list engines;
	struct job_list jobs;
	struct logs_list logs;
	struct usage_list usages;
	struct image_look_list image_looks;
};

/* The spec of the job's deploy; valid until the end of the tick, so ask again each time. NULL
 * cannot be: a deploy's spec lives as long as its deploy. */
const struct stage_spec *job_spec(const struct job *job);

/* All answer and end the job, which may be gone afterwards. */
void job_answer(struct job *job, enum event_kind kind);
void job_send(struct job *job, const struct event *event);
void
job_fail(struct job *job, enum event_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
void job_fail_answer(struct job *job, const char *what, const struct answer *answer);

/* What has its traffic on trial; 0: nothing. */
uint64_t stage_trial_of(const struct docker *docker, uint64_t stage_id);

/* One kind of job: the struct begins with a struct job, is zeroed, and its work begins at
 * once. */
struct job_kind {
	size_t size;
	void (*work)(struct job *job);
	void (*release)(
	    struct job *job); /* frees what the job holds, itself not; NULL: nothing */
};

extern const struct job_kind pull_kind;
extern const struct job_kind run_kind;
extern const struct job_kind gate_kind;
extern const struct job_kind remove_kind;
extern const struct job_kind retire_kind;
extern const struct job_kind halt_kind;
extern const struct job_kind revive_kind;
extern const struct job_kind survey_kind;
extern const struct job_kind collect_kind;
extern const struct job_kind task_job_kind;

/* Events of containers, told to the gates of that engine. */
void gate_wake(struct docker *docker, const struct engine *engine, const char *container_id);
void task_wake(struct docker *docker, const struct engine *engine, const char *container_id);

void events_start(struct engine *engine); /* already started: nothing; new address: again */
void events_stop(struct engine *engine);
bool survey_is_under_way(const struct engine *engine);
void survey_memory_free(struct survey_memory *memory);
void logs_free_all(struct docker *docker);
bool logs_use(const struct docker *docker, const struct engine *engine);
void image_memory_free(struct image_memory *memory);
void image_looks_free(struct docker *docker);
bool image_looks_use(const struct docker *docker, const struct engine *engine);
void usage_free_all(struct docker *docker);
bool usage_uses(const struct docker *docker, const struct engine *engine);

/* The engine's answer as figures; what it does not say is 0. */
void usage_read(const struct json *answer, struct docker_usage *ret);

/* NULL: the deploy is not known, or its engine is not configured any more. */
struct engine *engine_of_deploy(struct docker *docker, uint64_t deploy_id);

/* Containers. */

struct container {
	char id[65];
	char name[128];
	char image_id[DIGEST_SIZE];
	char status[16]; /* created running restarting paused exited dead removing */
	char started_at[40];
	char finished_at[40];
	char health[16]; /* starting healthy unhealthy; "" no HEALTHCHECK */
	char error[REASON_SIZE];
	bool is_running;
	bool is_oom_killed;
	int exit_code;
	int64_t restart_count;
};

void container_read(const struct json *inspect, struct container *ret);
const char *container_label(const struct json *inspect, const char *name); /* "" absent */

/* "/images/<image>@<digest>/json" */
void image_path(const struct deploy_row *row, const struct stage_spec *spec, struct buf *path);

/* Where a port of it is reached: "10.0.0.2:8080", or the published address. "" unknown. */
void container_address(const struct engine_config *config, const struct json *inspect,
    int port, char *to, size_t size);

/* "exited with code 1", "was killed for lack of memory (exit code 137)": what ended it. */
void container_ending(const struct container *container, char text[REASON_SIZE]);

/* Unix milliseconds of "2026-01-31T12:34:56.789012345Z"; 0 when it is none. */
int64_t container_time_ms(const char *text);

/* "<project>-<stage>-<deploy>-<replica>", its container's name. */
void container_name(const struct deploy_row *row, int replica, char *to, size_t size);

/* The body of POST /containers/create, with the values of secrets: wipe it after use. -1: one of them
 * is not to be had. */
int container_write(const struct docker *docker, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec, int replica, struct buf *json,
    struct err *err) MUST_USE;

/* Members of its HostConfig: what it may use, and what it may do. */
void container_write_limits(struct json_writer *w, const struct stage_spec *spec);

/* What the host must have and allow for a container of this job, looked at before anything is done for
 * it: powers, folders, values. -1: err says what is missing. */
int job_admit(const struct job *job, struct err *err) MUST_USE;

/* What this deploy's env changes, by name alone, into its rows and its log. */
void job_record_env(const struct job *job);

/* Docker's words for a start that failed, and will again. */
bool start_fails_for_good(const char *message);

/* Tasks: see docker_task.c. */

/* What the configuration says of one; and what people call it: "the migration". */
const struct task_spec *task_spec_of(const struct stage_spec *spec, enum task_kind task);
const char *task_word(enum task_kind task);

/* Whose task a container is, by its labels; TASK_COUNT: it is none. */
enum task_kind task_of_labels(const struct json *labels);

/* The body of POST /containers/create, of a task's container: of the same environment, volumes and
 * networks as the deploy's own, but nobody is led to it. As container_write() else. */
int task_write(const struct docker *docker, const struct engine_config *config,
    const struct deploy_row *row, const struct stage_spec *spec, enum task_kind task,
    const char *name, struct buf *json, struct err *err) MUST_USE;

/* The frames of Docker's log streams (8 bytes of head, then text), cut into lines. */
typedef void frame_line_fn(void *context, bool is_error_stream, struct str line);
struct frames {
	struct buf pending[2]; /* unfinished lines of the two streams */
	unsigned char head[8];
	size_t head_count;
	size_t left; /* of the frame under way */
	int stream; /* 0: standard output, 1: standard error */
};
void frames_init(struct frames *frames);
void frames_feed(struct frames *frames, struct str piece, frame_line_fn *each, void *context);
void frames_end(struct frames *frames, frame_line_fn *each, void *context); /* frees too */

/* The last lines of a container's output into the log of the job's deploy, asked over a
 * fresh connection, so that an engine about to stop is noticed. on_done: DONE also when
 * there is no such container any more. */
struct tail {
	struct job *job;
	struct frames frames;
	bool is_open;
	int count;
	call_done_fn *on_done;
	void *context;
};
void tail_take(struct tail *tail, struct job *job, const char *container_id);
void tail_drop(struct tail *tail); /* when its job is dropped */

/* A path of the output of a container: its last lines, or (tail -1) all of them. */
void
logs_path(struct buf *path, const char *container_id, int tail, bool follow, bool timestamps);

/* Follows a task's container to its end, stops it when its time is over (or at once), and keeps what
 * came of it: its last lines in the log of its deploy and the outcome in its row, in one transaction. */
struct task_watch {
	struct job *job; /* whose calls these are; set by the caller, like the next five */
	struct task_row row; /* container_id, name and status are right */
	bool must_stop; /* at once */
	int64_t timeout_ms; /* else when it has run so long */
	int64_t stop_ms; /* from SIGTERM to SIGKILL */
	void (*on_end)(void *context); /* the row tells; it is not committed yet */
	void (*on_trouble)(void *context, const char *what, const struct answer *answer);
	void *context;
	struct container seen;
	struct loop_timer *timer;
	void (*then)(struct task_watch *watch);
	int64_t pause_ms;
	int stops;
	bool is_reading;
	struct frames frames;
	struct buf lines;
};
void task_watch_begin(struct task_watch *watch);
void task_watch_wake(struct task_watch *watch); /* something happened to it */
void
task_watch_end(struct task_watch *watch); /* when its job ends; also one that never began */

/* Adds the value of X-Registry-Auth for an image; nothing when no user is configured. PULLED: go on;
 * REFUSED, TROUBLED: there is no password, or not yet, and err says why. */
enum event_kind registry_auth(
    const struct docker *docker, const char *image, struct buf *header, struct err *err);

#endif
