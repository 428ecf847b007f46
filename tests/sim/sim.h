/* sim.h - what the files of the simulator share.
 *
 * sim.c runs seeds; storm.c is one seed, misfortunes.c its worst; server.c lets the real server live, die and live again;
 * ports*.c stand for src/serve/ports.c; fronts.c lets the real proxies in front speak to simulated
 * ones; net.c and loop.c stand for the kernel; world*.c and traffic.c are the outside; clients.c
 * and the talk_*.c files are who speaks HTTP; check_*.c hold
 * the laws; sabotage.c breaks them on purpose. */
#ifndef SLIPWAY_TESTS_SIM_SIM_H
#define SLIPWAY_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/app.h"
#include "serve/runtime.h"
#include "world.h"

enum {
	POLL_MS = 600000,
	SWEEP_MS = 600000,
	WORKER = WORLD_STAGES - 1,
};

enum crash_point {
	CRASH_BEFORE_COMMIT,
	CRASH_AFTER_COMMIT,
	CRASH_IN_EFFECTS, /* between two of them */
	CRASH_IN_ANSWERS, /* between two pieces of HTTP */
	CRASH_POINT_COUNT
};

struct sim {
	uint64_t seed;
	bool is_verbose;
	bool is_calm; /* the storm is over */
	bool is_dead; /* the process died within this tick: what it still does is for nobody */
	bool is_up;
	bool is_born; /* and not in its birth any more */
	bool is_releasing; /* HTTP answers */
	bool has_port_written; /* since the last commit, while it was asked */
	bool is_settled; /* the checks of the end are under way */
	uint64_t journal_hash;
	uint32_t crash_percent;
	uint32_t traffic_percent;
	bool is_guarded; /* stages have terms, and people promote, approve and freeze */
	bool is_stopping; /* and stop and start them, too */
	int64_t pace; /* of polls and sweeps: slow ones leave room for long waits */
	uint64_t crashes[CRASH_POINT_COUNT];
	uint64_t drains;
	uint64_t images_removed;
	uint64_t
	    commits; /* that changed something; between two the store says the same; 0: nobody counts */
	uint64_t happened; /* steps, effects, answers: what counts as something */
	int64_t drained_ms; /* the last moment in which new work was refused */
	bool one_answer_is_enough; /* sabotage */
	bool drains_have_no_floor;
	struct keep_settings keep; /* retention */
	bool keeps_little; /* rows go while somebody looks */
	struct app app;
	struct store *store;
};

extern struct sim sim;

_Noreturn void sim_fail(const char *law, uint64_t about);
void sim_trace(const char *format, ...) __attribute__((__format__(__printf__, 1, 2)));
void sim_hash(const void *p, size_t n);

/* loop.c asks: when something comes by itself; and lets it come. */
int64_t sim_next_ms(void);
void sim_arrive(void);

/* storm.c: one seed, from an empty store to calm. Returns the hash of all that happened. */
uint64_t storm_run(uint64_t seed);

/* misfortunes.c: what goes wrong right after a step. */
void misfortunes_reset(void);
void storm_moved(const struct moved *moved);
bool storm_is_silent(void); /* nobody does anything, so that long waits come to their end */
void break_for(int64_t length_ms, uint64_t part, uint64_t modes);
uint32_t receiver_of(uint64_t actor); /* of a notification: its place */

/* server.c */
void server_reset(void); /* an empty store, no process */
void server_start(void); /* born; may die in its birth, then sim.is_dead */
void server_bury(void); /* after a death, or its end */
void server_die(enum crash_point point, const char *when);
void server_tick(void);
void server_stop_in_peace(void); /* SIGTERM, and the ticks until it has ended or died */

/* memory.c */
void memory_set_up(void); /* before SQLite begins */

/* ports.c, ports_rows.c and ports_asked.c */
void ports_reset(void);
void ports_answer(const struct event *answer);
bool ports_facts(uint64_t deploy, uint64_t stage, struct facts *ret_facts);
bool ports_is_orphan(uint64_t deploy);
bool ports_is_task_orphan(uint64_t deploy);
bool ports_are_tasks_kept(uint64_t deploy);
void ports_keep_tasks(uint64_t deploy);
bool ports_is_migrated(uint64_t deploy);
bool ports_is_image_free(uint32_t engine, uint32_t registry, uint32_t image);
bool ports_are_images_due(uint32_t engine);
int64_t ports_next_ms(void); /* logs of containers that are asked for */
void ports_pass(void);
const char *image_host(uint32_t registry);
/* What a notification tells, as the port has read it when it was asked. */
struct notice_facts {
	uint64_t deploy;
	enum notice notice;
	uint32_t receiver; /* place */
};
bool ports_notice(uint64_t actor, struct notice_facts *ret_facts);

uint32_t lead_of(const char *domain); /* as a set */

/* fronts.c: what src/ports/front*.c asks of others. */
void fronts_reset(void);
int64_t fronts_next_ms(void);
void fronts_pass(void);
void fronts_cut(uint64_t deploy, int64_t ms); /* when so long, or its drain time, is over */

/* config.c: slipway.yml as this seed has it, changed a little now and then. */
struct buf;
void config_reset(void);
void config_change(void);
void config_write(struct buf *text);
uint32_t config_revision(void);
enum {
	CONFIG_INSTANCES_MAX = 3
}; /* versions at once that a stage may be configured to have */
const char *stage_project(int place);
const char *stage_name(int place);
int64_t stage_keeps(int place); /* versions before the live one */
extern const char *const receiver_names[WORLD_RECEIVERS];
const char *stage_image(int place);

/* clients.c */
void clients_reset(void);
void clients_act(void); /* what came is read, what is due is sent */
int64_t clients_next_ms(void);
void clients_begin(void); /* somebody asks something */
void clients_apply(void); /* the configuration, waited for */
void clients_deploy_first(void); /* of the stage that the rest is mostly about */
void clients_burst(int place);
bool clients_are_many(void); /* and each has something to ask now */
void clients_go_back(int place); /* to what ran before */
bool clients_are_idle(void);
void clients_follow_all(void); /* streams that read the history to its end */
void clients_learn(void); /* names of webhooks */

/* The laws. Each exits by sim_fail(). */
void check_reset(void);
void answers_reset(void);
void check_effect(const struct effect *effect); /* as it leaves */
void check_moved(const struct moved *moved); /* a step, as it is released */
void check_leaving(void); /* bytes of an answer */
void check_world(void); /* after every tick: routes and actors */
void check_traffic(void);
/* A deploy that stops the stage has its turn. */
bool is_being_stopped(const struct actor *stage);
void check_settled(void); /* at the end */
void check_journal(void); /* histories, and that they give what is stored */
void check_answers(void); /* what was answered is kept */
void check_kept(void); /* what serves, and what a rollback may go to */
void kept_reset(void);
void kept_image_removed(uint32_t engine, uint32_t registry, uint32_t image);
void kept_note_put(const struct actor *actor); /* within a transaction */
void kept_end(bool is_committed);

/* secrets.c: s0, s1, s2; the worker's stage needs the first. A wish has a number, which is the value. */
enum { SECRETS = 3 };
void secrets_reset(void);
uint32_t secrets_wish(uint32_t name, bool is_removal); /* is sent */
void secrets_done(uint32_t wish); /* is answered */
void secrets_refused(uint32_t wish);
void check_secrets(void); /* at each start and at the end */

/* check_notices.c: who has to be told of what, and who was. */
void notices_reset(void);
void notices_put(const struct actor *actor); /* within a transaction */
void notices_end(bool is_committed);
void notices_heard(uint64_t actor);
void check_notices(void);

/* check_window.c: the verification window. */
void check_window_moved(const struct moved *moved); /* of a deploy */
void check_window_effect(const struct effect *effect);
void check_window_actor(const struct actor *actor); /* a deploy */

/* check_terms.c: promotion. */
void terms_begin(void); /* before each birth */
void terms_moved(const struct moved *moved);
void terms_actor(const struct actor *actor);

/* check_answers.c: what answers promised. */
enum { DELIVERIES = 24 }; /* numbers of webhooks to one stage, used again and again */
void promise_deploy(uint64_t deploy, uint32_t place, bool is_rollback);
bool promise_delivery(uint32_t place, uint32_t delivery, int status, uint64_t deploy);
void promise_cancel(uint64_t deploy);
void promise_sent(uint32_t revision); /* from now on it may be applied */
void promise_applied(uint32_t revision);
void promise_refused(uint32_t revision);
void promise_step(int64_t seq, uint64_t deploy); /* a step that somebody saw */

extern uint64_t final_counts[DEPLOY_COUNT];

#endif
