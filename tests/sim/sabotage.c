/* sabotage.c - the laws broken one by one, by functions that stand in front of the real ones
 * (--wrap): each has to be noticed within a few seeds, by the checker that is meant for it. */
#include "sabotage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/orphan.h"
#include "base/check.h"
#include "base/str.h"
#include "http/server.h"
#include "serve/ports.h"
#include "serve/runtime.h"
#include "sim.h"
#include "store/deliveries.h"
#include "store/images.h"
#include "store/retention.h"
#include "store/store.h"

enum sabotage sabotage;

static const char *const names[SABOTAGE_COUNT] = {
	[SABOTAGE_NONE] = "nothing",
	[SABOTAGE_ANSWER_FIRST] = "answers leave before the commit",
	[SABOTAGE_EFFECT_FIRST] = "effects leave before the commit",
	[SABOTAGE_LAST_WORDS] = "answers of a tick that died leave",
	[SABOTAGE_LOSE_COMMIT] = "a commit in fifty does not happen",
	[SABOTAGE_RETIRE_BEFORE_DRAIN] = "the old version is stopped while it drains",
	[SABOTAGE_REMOVE_BEFORE_RESTORE] = "a swap that is unclear counts as restored",
	[SABOTAGE_LIVE_WITHOUT_SWAP] = "healthy counts as live",
	[SABOTAGE_TWO_AT_ONCE] = "who waits is granted a turn, too",
	[SABOTAGE_KEEP_EPOCH] = "the epoch stays",
	[SABOTAGE_NO_DEADLINE] = "nothing has a deadline",
	[SABOTAGE_SKIP_GATE] = "what is refused by the gate counts as healthy",
	[SABOTAGE_COLLECT_LIVE] = "the sweep removes what is live",
	[SABOTAGE_NEVER_COLLECT] = "the sweep finds no orphan",
	[SABOTAGE_FORGET_ROW] = "a journal row in fifty is not written",
	[SABOTAGE_FORGET_STATE] = "an actor's row in fifty is not written",
	[SABOTAGE_SKIP_EVENT] = "a stream skips a step",
	[SABOTAGE_REPEAT_EVENT] = "a stream repeats a step",
	[SABOTAGE_OPEN_DOOR] = "every token is right",
	[SABOTAGE_IGNORE_CANCEL] = "a cancellation is accepted and dropped",
	[SABOTAGE_ROLL_BACK_TO_ANYTHING] = "a rollback takes another digest",
	[SABOTAGE_FORGET_TARGETS] = "retention knows of one version less",
	[SABOTAGE_CHANCE] = "something depends on chance",
	[SABOTAGE_ONE_ANSWER] = "one good answer confirms a switch",
	[SABOTAGE_NO_FLOOR] = "a drain ends at the first quiet look",
	[SABOTAGE_FORGET_KEY] = "the old key leaves its file before the commit",
	[SABOTAGE_FORGET_DELIVERY] = "a webhook that comes again is not known",
	[SABOTAGE_FREE_IMAGES] = "no image is needed but by containers",
};

enum step
__wrap_fsm_step(const struct spec *s, struct actor *a, const struct event *e, struct out *out);
enum step
__real_fsm_step(const struct spec *s, struct actor *a, const struct event *e, struct out *out);
enum orphan_verdict __wrap_orphan_judge(const struct orphan_facts *facts);
enum orphan_verdict __real_orphan_judge(const struct orphan_facts *facts);
int64_t __wrap_store_journal_add(struct store *store, int64_t at_ms, const struct actor *after,
    int from_state, enum event_kind on);
int64_t __real_store_journal_add(struct store *store, int64_t at_ms, const struct actor *after,
    int from_state, enum event_kind on);
void __wrap_store_actor_put(struct store *store, const struct actor *actor);
void __real_store_actor_put(struct store *store, const struct actor *actor);
size_t __wrap_store_journal(struct store *store, uint64_t deploy, int64_t after_seq,
    struct journal_row *to, size_t most);
size_t __real_store_journal(struct store *store, uint64_t deploy, int64_t after_seq,
    struct journal_row *to, size_t most);
bool __wrap_str_equal_secret(struct str a, struct str b);
bool __real_str_equal_secret(struct str a, struct str b);
bool __wrap_store_delivery_find(
    struct store *store, uint64_t project, const char *key, uint64_t *ret_deploy);
bool __real_store_delivery_find(
    struct store *store, uint64_t project, const char *key, uint64_t *ret_deploy);
void __wrap_store_delivery_add(
    struct store *store, uint64_t project, const char *key, uint64_t deploy);
void __real_store_delivery_add(
    struct store *store, uint64_t project, const char *key, uint64_t deploy);
enum step
__wrap_runtime_deliver(struct runtime *rt, const struct event *event, uint64_t *ret_spawned);
enum step
__real_runtime_deliver(struct runtime *rt, const struct event *event, uint64_t *ret_spawned);

void __wrap_store_image_judge(struct store *store, const struct retention_rules *rules,
    const struct image *image, int64_t now_ms, struct image_verdict *ret);
void __real_store_image_judge(struct store *store, const struct retention_rules *rules,
    const struct image *image, int64_t now_ms, struct image_verdict *ret);
struct retention *
__wrap_retention_new(struct store *store, const struct retention_rules *rules, int64_t now_ms);
struct retention *
__real_retention_new(struct store *store, const struct retention_rules *rules, int64_t now_ms);

static bool
is_now(enum sabotage which)
{
	return sabotage == which && sim.is_born;
}

/* Steps. */

static void
step_deploy(struct actor *a, const struct event *e, struct out *out)
{
	if (is_now(SABOTAGE_RETIRE_BEFORE_DRAIN) && a->state == DEPLOY_DRAINING
	    && out->effect_count == 1) {
		out->effects[1] = out->effects[0];
		out->effects[1].kind = FX_RETIRE;
		out->effect_count = 2;
	}
	if (is_now(SABOTAGE_LIVE_WITHOUT_SWAP) && e->kind == EV_GRANTED
	    && out->spawn_count > 0) {
		out->spawn_count = 0;
		a->state = DEPLOY_LIVE;
		a->deploy.ended_ms = e->now_ms;
	}
}

static void
step_stage(const struct actor *a, const struct event *e, struct out *out)
{
	if (is_now(SABOTAGE_TWO_AT_ONCE) && a->state == STAGE_QUEUEING && e->kind == EV_READY
	    && out->message_count < OUT_MAX)
		out->messages[out->message_count++] =
		    (struct event){ .kind = EV_GRANTED, .to = e->from, .from = a->id };
	if (is_now(SABOTAGE_ROLL_BACK_TO_ANYTHING) && e->kind == EV_TRIGGER
	    && e->trigger == TRIGGER_ROLLBACK && out->spawn_count > 0)
		memset(out->spawns[0].deploy.digest + 7, 'f', 64);
}

static void
step_swap(struct actor *a, const struct event *e, struct out *out)
{
	if (is_now(SABOTAGE_REMOVE_BEFORE_RESTORE) && a->state == SWAP_RESTORING
	    && e->kind == EV_TROUBLED) {
		a->state = SWAP_RESTORED;
		a->deadline_ms = 0;
		out->effect_count = 0;
		out->messages[out->message_count++] = (struct event){
			.kind = EV_UNSWAPPED, .to = a->swap.deploy, .from = a->id
		};
	}
}

enum step
__wrap_fsm_step(const struct spec *s, struct actor *a, const struct event *e, struct out *out)
{
	struct event changed = *e;

	if (is_now(SABOTAGE_SKIP_GATE) && a->kind == ACTOR_DEPLOY && a->state == DEPLOY_PROBING
	    && e->kind == EV_REFUSED)
		changed.kind = EV_HEALTHY;
	enum step result = __real_fsm_step(s, a, &changed, out);
	if (result != STEP_TAKEN || sabotage == SABOTAGE_NONE)
		return result;
	if (a->kind == ACTOR_DEPLOY)
		step_deploy(a, e, out);
	else if (a->kind == ACTOR_STAGE)
		step_stage(a, e, out);
	else if (a->kind == ACTOR_SWAP)
		step_swap(a, e, out);
	if (is_now(SABOTAGE_EFFECT_FIRST) && out->effect_count > 0)
		ports_perform(&sim.app, &out->effects[0]);
	if (is_now(SABOTAGE_KEEP_EPOCH))
		a->epoch--;
	if (is_now(SABOTAGE_NO_DEADLINE))
		a->deadline_ms = 0;
	return result;
}

/* The sweep. */

enum orphan_verdict
__wrap_orphan_judge(const struct orphan_facts *facts)
{
	struct orphan_facts changed = *facts;

	if (is_now(SABOTAGE_NEVER_COLLECT))
		return sim.is_settled ? __real_orphan_judge(facts) : ORPHAN_KEEP;
	if (is_now(SABOTAGE_COLLECT_LIVE))
		changed.is_live = false;
	return __real_orphan_judge(&changed);
}

/* The store. */

int64_t
__wrap_store_journal_add(struct store *store, int64_t at_ms, const struct actor *after,
    int from_state, enum event_kind on)
{
	if (is_now(SABOTAGE_FORGET_ROW) && world_chance(2))
		return store_journal_last(store) + 1;
	return __real_store_journal_add(store, at_ms, after, from_state, on);
}

void
__wrap_store_actor_put(struct store *store, const struct actor *actor)
{
	kept_note_put(actor);
	notices_put(actor);
	if (!is_now(SABOTAGE_FORGET_STATE) || !world_chance(2))
		__real_store_actor_put(store, actor);
}

/* As streams read it. */
size_t
__wrap_store_journal(struct store *store, uint64_t deploy, int64_t after_seq,
    struct journal_row *to, size_t most)
{
	size_t count = __real_store_journal(store, deploy, after_seq, to, most);

	if (!sim.is_releasing || count < 2 || count == most)
		return count;
	if (is_now(SABOTAGE_SKIP_EVENT))
		to[count - 2] = to[count - 1];
	if (is_now(SABOTAGE_REPEAT_EVENT))
		to[count - 1] = to[count - 2];
	return is_now(SABOTAGE_SKIP_EVENT) ? count - 1 : count;
}

struct retention *
__wrap_retention_new(struct store *store, const struct retention_rules *rules, int64_t now_ms)
{
	struct retention_rules changed = *rules;

	if (sabotage == SABOTAGE_FORGET_TARGETS)
		changed.rollbacks--;
	return __real_retention_new(store, &changed, now_ms);
}

void
__wrap_store_image_judge(struct store *store, const struct retention_rules *rules,
    const struct image *image, int64_t now_ms, struct image_verdict *ret)
{
	__real_store_image_judge(store, rules, image, now_ms, ret);
	if (is_now(SABOTAGE_FREE_IMAGES))
		ret->need = IMAGE_FREE;
}

/* Commands. */

bool
__wrap_str_equal_secret(struct str a, struct str b)
{
	return is_now(SABOTAGE_OPEN_DOOR) || __real_str_equal_secret(a, b);
}

enum step
__wrap_runtime_deliver(struct runtime *rt, const struct event *event, uint64_t *ret_spawned)
{
	const struct actor *a = runtime_actor(rt, event->to);

	if (is_now(SABOTAGE_IGNORE_CANCEL) && event->kind == EV_CANCEL && a != NULL
	    && a->kind == ACTOR_DEPLOY)
		return STEP_REFUSED;
	return __real_runtime_deliver(rt, event, ret_spawned);
}

bool
__wrap_store_delivery_find(
    struct store *store, uint64_t project, const char *key, uint64_t *ret_deploy)
{
	return __real_store_delivery_find(store, project, key, ret_deploy)
	       && !is_now(SABOTAGE_FORGET_DELIVERY);
}

void
__wrap_store_delivery_add(
    struct store *store, uint64_t project, const char *key, uint64_t deploy)
{
	uint64_t known;

	if (!__real_store_delivery_find(store, project, key, &known))
		__real_store_delivery_add(store, project, key, deploy);
}

/* The trial. */

static bool
is_noticed(enum sabotage which, unsigned long seeds)
{
	char text[512] = "";
	int pipes[2];
	int status;
	size_t n = 0;
	ssize_t got;

	CHECK(pipe(pipes) == 0);
	fflush(stdout);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		sabotage = which;
		sim_run(1, seeds);
		_exit(0);
	}
	close(pipes[1]);
	while (
	    n < sizeof(text) - 1 && (got = read(pipes[0], text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)got;
	close(pipes[0]);
	CHECK(waitpid(child, &status, 0) == child);
	text[strcspn(text, "\n")] = '\0';
	printf("%-46s %s\n", names[which], status == 0 ? "NOT NOTICED" : text);
	return status != 0;
}

bool
sabotage_all(unsigned long seeds)
{
	bool are_noticed = true;

	for (int i = SABOTAGE_NONE + 1; i < SABOTAGE_COUNT; i++)
		are_noticed = is_noticed((enum sabotage)i, seeds) && are_noticed;
	return are_noticed;
}
