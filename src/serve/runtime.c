/* runtime.c - see runtime.h. */
#include "serve/runtime.h"

#include <stdlib.h>
#include <string.h>

#include "serve/deadlines.h"
#include "base/check.h"
#include "base/clock.h"
#include "store/store.h"

enum { INDEX_SIZE = 4 * ACTORS_MAX }; /* open addressing wants room */

struct runtime {
	struct store *store;
	struct runtime_host host;
	uint64_t next_id;
	int64_t now_ms;
	bool is_stepping;

	struct actor **actors; /* by rising id of birth or load; dead ones are removed */
	size_t actor_count;
	size_t actors_allocated;
	uint32_t *index; /* id -> place in actors + 1 */
	size_t counts[ACTOR_KIND_COUNT];

	struct event *mailbox; /* a ring */
	size_t mail_first;
	size_t mail_count;

	struct event *cascade; /* messages of the event being delivered */
	size_t cascade_count;

	struct effect *effects;
	size_t effect_count;
	size_t effects_allocated;
	struct moved *moves;
	size_t move_count;
	size_t moves_allocated;

	struct deadlines deadlines;
};

static void *
grow(void *array, size_t *allocated, size_t size)
{
	*allocated = *allocated == 0 ? 16 : *allocated * 2;
	array = realloc(array, *allocated * size);
	CHECK(array != NULL);
	return array;
}

static void *
allocate(size_t count, size_t size)
{
	void *p = calloc(count, size);

	CHECK(p != NULL);
	return p;
}

struct runtime *
runtime_new(struct store *store, const struct runtime_host *host)
{
	struct runtime *rt = allocate(1, sizeof(*rt));

	rt->store = store;
	rt->host = *host;
	rt->index = allocate(INDEX_SIZE, sizeof(*rt->index));
	rt->mailbox = allocate(MAILBOX_MAX, sizeof(*rt->mailbox));
	rt->cascade = allocate(CASCADE_MAX, sizeof(*rt->cascade));
	rt->next_id = store_id_max(store) + 1;
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++)
		fsm_verify(fsm_spec_of((enum actor_kind)kind));
	return rt;
}

void
runtime_free(struct runtime *rt)
{
	if (rt == NULL)
		return;
	for (size_t i = 0; i < rt->actor_count; i++)
		free(rt->actors[i]);
	free(rt->actors);
	free(rt->index);
	free(rt->mailbox);
	free(rt->cascade);
	free(rt->effects);
	free(rt->moves);
	deadlines_free(&rt->deadlines);
	free(rt);
}

/* The slot of the index that holds id, or the free one where it would go. */
static uint32_t *
slot_of(const struct runtime *rt, uint64_t id)
{
	size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 40) % INDEX_SIZE;

	while (rt->index[at] != 0 && rt->actors[rt->index[at] - 1]->id != id)
		at = (at + 1) % INDEX_SIZE;
	return &rt->index[at];
}

static struct actor *
find(const struct runtime *rt, uint64_t id)
{
	uint32_t place = *slot_of(rt, id);

	return place == 0 ? NULL : rt->actors[place - 1];
}

static struct actor *
append(struct runtime *rt, const struct actor *actor)
{
	struct actor *copy = malloc(sizeof(*copy));

	CHECK(copy != NULL && rt->actor_count < ACTORS_MAX);
	*copy = *actor;
	if (rt->actor_count == rt->actors_allocated)
		rt->actors = grow(rt->actors, &rt->actors_allocated, sizeof(struct actor *));
	rt->actors[rt->actor_count++] = copy;
	rt->counts[copy->kind]++;
	return copy;
}

static void
enter(struct runtime *rt, size_t place)
{
	uint32_t *slot = slot_of(rt, rt->actors[place]->id);

	CHECK(*slot == 0);
	*slot = (uint32_t)place + 1;
}

static struct actor *
add(struct runtime *rt, const struct actor *actor)
{
	struct actor *copy = append(rt, actor);

	enter(rt, rt->actor_count - 1);
	return copy;
}

/* Takes an actor that is over out of memory. The index is mended by putting the entries behind the
 * hole in again (Knuth 6.4, algorithm R). */
static void
drop(struct runtime *rt, struct actor *actor)
{
	uint32_t *slot = slot_of(rt, actor->id);
	size_t place = *slot - 1;
	size_t at = (size_t)(slot - rt->index);

	CHECK(rt->actors[place] == actor);
	rt->counts[actor->kind]--;
	*slot = 0;
	for (size_t next = (at + 1) % INDEX_SIZE; rt->index[next] != 0;
	     next = (next + 1) % INDEX_SIZE) {
		uint32_t moving = rt->index[next];
		rt->index[next] = 0;
		*slot_of(rt, rt->actors[moving - 1]->id) = moving;
	}
	if (place != rt->actor_count - 1) {
		struct actor *last = rt->actors[rt->actor_count - 1];
		uint32_t *last_slot = slot_of(rt, last->id);
		rt->actors[place] = last;
		*last_slot = (uint32_t)place + 1;
	}
	rt->actor_count--;
	free(actor);
}

static bool
is_current(void *context, const struct deadline *deadline)
{
	const struct actor *a = find(context, deadline->actor);

	return a != NULL && a->epoch == deadline->epoch;
}

static void
arm(struct runtime *rt, const struct actor *a)
{
	if (a->deadline_ms == 0)
		return;
	if (rt->deadlines.count >= 2 * rt->actor_count + DEADLINES_STALE_MAX)
		deadlines_keep(&rt->deadlines, is_current, rt);
	deadlines_add(&rt->deadlines, (struct deadline){ a->deadline_ms, a->id, a->epoch });
}

static void
load_one(void *context, const struct actor *actor)
{
	struct runtime *rt = context;

	arm(rt, append(rt, actor));
}

static int
by_id(const void *a, const void *b)
{
	uint64_t x = (*(struct actor *const *)a)->id;
	uint64_t y = (*(struct actor *const *)b)->id;

	return x < y ? -1 : x > y;
}

int
runtime_load(struct runtime *rt, struct err *err)
{
	CHECK(rt->actor_count == 0);
	if (store_actors_load(rt->store, load_one, rt, err) != 0)
		return -1;
	if (rt->actor_count == 0)
		return 0;
	qsort(rt->actors, rt->actor_count, sizeof(struct actor *), by_id);
	for (size_t i = 0; i < rt->actor_count; i++)
		enter(rt, i);
	return 0;
}

void
runtime_recover(struct runtime *rt, int64_t now_ms)
{
	size_t count = rt->actor_count;
	uint64_t *ids = allocate(count == 0 ? 1 : count, sizeof(*ids));

	rt->now_ms = now_ms;
	for (size_t i = 0; i < count; i++)
		ids[i] = rt->actors[i]->id;
	for (size_t i = 0; i < count; i++)
		runtime_deliver(
		    rt, &(struct event){ .kind = EV_RECOVERED, .to = ids[i] }, NULL);
	free(ids);
}

void
runtime_raise_id(struct runtime *rt, uint64_t next_id)
{
	if (rt->next_id < next_id)
		rt->next_id = next_id;
}

bool
runtime_post(struct runtime *rt, const struct event *event)
{
	if (rt->mail_count == MAILBOX_MAX || find(rt, event->to) == NULL)
		return false;
	rt->mailbox[(rt->mail_first + rt->mail_count++) % MAILBOX_MAX] = *event;
	return true;
}

static void
set_aside(struct runtime *rt, const struct out *out)
{
	for (uint32_t i = 0; i < out->effect_count; i++) {
		if (rt->effect_count == rt->effects_allocated)
			rt->effects =
			    grow(rt->effects, &rt->effects_allocated, sizeof(*rt->effects));
		rt->effects[rt->effect_count++] = out->effects[i];
	}
	for (uint32_t i = 0; i < out->message_count; i++) {
		CHECK(rt->cascade_count < CASCADE_MAX);
		rt->cascade[rt->cascade_count++] = out->messages[i];
	}
}

static void
keep(struct runtime *rt, const struct actor *after, int from, const struct event *e)
{
	struct moved *moved;

	if (rt->move_count == rt->moves_allocated)
		rt->moves = grow(rt->moves, &rt->moves_allocated, sizeof(*rt->moves));
	moved = &rt->moves[rt->move_count++];
	*moved = (struct moved){ .after = *after, .from = from, .on = e->kind };
	memcpy(moved->text, e->text, sizeof(moved->text));
	store_actor_put(rt->store, after);
	/* The wall clock, for people: the lines of the ports' log stand between the steps. */
	moved->seq = store_journal_add(rt->store, clock_wall_ms(), after, from, e->kind);
}

static enum step
step_one(struct runtime *rt, const struct event *event, uint64_t *first_spawn)
{
	struct actor *a = find(rt, event->to);
	struct event e = *event;
	struct out out;
	struct actor next;
	enum step result;

	if (a == NULL)
		return STEP_STALE;
	out_begin(&out, rt->next_id);
	e.now_ms = rt->now_ms;
	if ((e.kind == EV_READY || e.kind == EV_PASSING) && rt->host.inform != NULL)
		rt->host.inform(rt->host.context, &e);
	next = *a;
	result = fsm_step(fsm_spec_of(a->kind), &next, &e, &out);
	if (result != STEP_TAKEN)
		return result;
	rt->next_id = out.fresh_id;
	if (!out.row->is_quiet)
		keep(rt, &next, a->state, &e);
	set_aside(rt, &out);
	for (uint32_t i = 0; i < out.spawn_count; i++) {
		CHECK(rt->cascade_count < CASCADE_MAX);
		add(rt, &out.spawns[i]);
		rt->cascade[rt->cascade_count++] =
		    (struct event){ .kind = EV_START, .to = out.spawns[i].id };
		if (*first_spawn == 0)
			*first_spawn = out.spawns[i].id;
	}
	*a = next;
	arm(rt, a);
	if (fsm_is_final(fsm_spec_of(a->kind), a->state))
		drop(rt, a);
	return STEP_TAKEN;
}

enum step
runtime_deliver(struct runtime *rt, const struct event *event, uint64_t *ret_spawned)
{
	uint64_t spawned = 0;
	enum step result;

	CHECK(!rt->is_stepping);
	rt->is_stepping = true;
	rt->cascade_count = 0;
	result = step_one(rt, event, &spawned);
	for (size_t i = 0; i < rt->cascade_count; i++) {
		struct event message = rt->cascade[i];
		step_one(rt, &message, &spawned);
	}
	rt->is_stepping = false;
	if (ret_spawned != NULL)
		*ret_spawned = spawned;
	return result;
}

uint64_t
runtime_spawn(struct runtime *rt, struct actor actor)
{
	CHECK(fsm_spec_of(actor.kind)->initial >> actor.state & 1u);
	actor.id = rt->next_id++;
	add(rt, &actor);
	store_actor_put(rt->store, &actor);
	runtime_deliver(rt, &(struct event){ .kind = EV_START, .to = actor.id }, NULL);
	return actor.id;
}

static void
deliver_due(struct runtime *rt)
{
	const struct deadline *first;

	while (
	    (first = deadlines_first(&rt->deadlines)) != NULL && first->at_ms <= rt->now_ms) {
		struct deadline due = deadlines_take(&rt->deadlines);
		runtime_deliver(rt,
		    &(struct event){ .kind = EV_TIMEOUT, .to = due.actor, .epoch = due.epoch },
		    NULL);
	}
}

void
runtime_step(struct runtime *rt, int64_t now_ms)
{
	rt->now_ms = now_ms;
	deliver_due(rt);
	for (int i = 0; i < TICK_EVENTS_MAX && rt->mail_count > 0; i++) {
		struct event e = rt->mailbox[rt->mail_first];
		rt->mail_first = (rt->mail_first + 1) % MAILBOX_MAX;
		rt->mail_count--;
		runtime_deliver(rt, &e, NULL);
	}
}

/* perform() may answer at once through runtime_post(), never through runtime_deliver(). */
void
runtime_release(struct runtime *rt)
{
	CHECK(!store_is_dirty(rt->store));
	for (size_t i = 0; i < rt->move_count; i++)
		rt->host.moved(rt->host.context, &rt->moves[i]);
	rt->move_count = 0;
	for (size_t i = 0; i < rt->effect_count; i++)
		rt->host.perform(rt->host.context, &rt->effects[i]);
	rt->effect_count = 0;
}

size_t
runtime_moved_count(const struct runtime *rt)
{
	return rt->move_count;
}

const struct moved *
runtime_moved_at(const struct runtime *rt, size_t index)
{
	CHECK(index < rt->move_count);
	return &rt->moves[index];
}

int64_t
runtime_due_ms(const struct runtime *rt, int64_t now_ms)
{
	const struct deadline *first = deadlines_first(&rt->deadlines);

	if (rt->mail_count > 0)
		return now_ms;
	return first == NULL ? INT64_MAX : first->at_ms;
}

const struct actor *
runtime_actor(const struct runtime *rt, uint64_t id)
{
	return find(rt, id);
}

size_t
runtime_count(const struct runtime *rt, enum actor_kind kind)
{
	return rt->counts[kind];
}

bool
runtime_has_room(const struct runtime *rt)
{
	return rt->mail_count < MAILBOX_MAX / 2 && rt->counts[ACTOR_DEPLOY] < DEPLOYS_OPEN_MAX;
}

void
runtime_visit(const struct runtime *rt, runtime_visit_fn *visit, void *context)
{
	for (size_t i = 0; i < rt->actor_count; i++)
		visit(context, rt->actors[i]);
}
