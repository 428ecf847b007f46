/* mutate.c - is everything that the tables say held by some test?
 *
 *   mutate run SEEDS EVERY PART PARTS   tries the mutants; of EVERY only one (1: all), and of those
 *                                       the share PART of PARTS; "killed NAME" or "survived NAME"
 *   mutate names                        their names
 *   mutate tests SEEDS                  the tests without any mutant: exit 0 when they pass
 *
 * A mutant is one thing about one row changed in memory: its events, guard, action, effects, next
 * state, quiet or place; or one state in a set of a machine. A child process runs the unit tests of
 * the machines and then SEEDS seeds of the simulator; when both pass, the mutant has survived:
 * nobody has said yet what that thing is for. The tables are const; this program is linked without
 * relro so that it, alone, may write to them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/fsm.h"
#include "base/check.h"
#include "world.h"

/* tests/unit/test_fsm*.c, whose main() is renamed. */
int test_fsm_main(void);
int test_fsm_deploy_main(void);
int test_fsm_notify_main(void);
int test_fsm_poll_main(void);
int test_fsm_promotion_main(void);
int test_fsm_quarantine_main(void);
int test_fsm_stage_main(void);
int test_fsm_swap_main(void);
int test_fsm_sweep_main(void);
int test_fsm_turns_main(void);
int test_fsm_stop_main(void);
int test_fsm_kept_main(void);

enum { MUTANT_SECONDS = 60, WORDS_SIZE = 256 };
enum mode { RUN, NAMES };

static enum mode mode;
static uint64_t seeds;
static uint64_t every = 1;
static uint64_t part;
static uint64_t parts = 1;
static uint64_t chosen;

/* The machine's own tests first: most mutants end there. */
static bool
are_units_passed(enum actor_kind first)
{
	static int (*const tests[])(void) = {
		[ACTOR_DEPLOY] = test_fsm_deploy_main,
		[ACTOR_SWAP] = test_fsm_swap_main,
		[ACTOR_POLL] = test_fsm_poll_main,
		[ACTOR_STAGE] = test_fsm_stage_main,
		[ACTOR_SWEEP] = test_fsm_sweep_main,
		[ACTOR_NOTIFY] = test_fsm_notify_main,
		[ACTOR_KIND_COUNT] = test_fsm_turns_main,
		[ACTOR_KIND_COUNT + 1] = test_fsm_main,
		[ACTOR_KIND_COUNT + 2] = test_fsm_quarantine_main,
		[ACTOR_KIND_COUNT + 3] = test_fsm_promotion_main,
		[ACTOR_KIND_COUNT + 4] = test_fsm_kept_main,
		[ACTOR_KIND_COUNT + 5] = test_fsm_stop_main,
	};

	if (tests[first]() != 0)
		return false;
	for (size_t i = 0; i < COUNT(tests); i++)
		if (i != first && tests[i]() != 0)
			return false;
	return true;
}

/* True when some test noticed. */
static bool
is_killed(enum actor_kind kind)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL
		    || freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		alarm(MUTANT_SECONDS); /* a mutant that never ends is noticed too */
		if (!are_units_passed(kind))
			_exit(1);
		if (seeds > 0)
			sim_run(1, seeds);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status != 0;
}

/* Chosen by its name, so that the sample stays the same when rows come and go elsewhere. */
static bool
is_chosen(const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (const char *c = name; *c != '\0'; c++)
		hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
	return (hash >> 20) % every == 0 && chosen++ % parts == part;
}

static void
try(const struct spec *s, const char *name)
{
	enum actor_kind kind = ACTOR_DEPLOY;

	if (!is_chosen(name))
		return;
	while (fsm_spec_of(kind) != s)
		kind++;
	if (mode == NAMES)
		printf("%s\n", name);
	else
		printf("%s %s\n", is_killed(kind) ? "killed" : "survived", name);
	fflush(stdout);
}

/* What stands for guards and actions of mutants; `kept` is the row as it was. */

static struct row kept;
static const struct spec *mutated;

static bool
never(const struct actor *a UNUSED, const struct event *e UNUSED)
{
	return false;
}

static bool
opposite(const struct actor *a, const struct event *e)
{
	return !kept.guard(a, e);
}

static void
does_nothing(struct actor *a, const struct event *e, struct out *out UNUSED)
{
	if (!((mutated->final | mutated->resting) >> kept.then & 1u))
		a->deadline_ms = e->now_ms + 60000;
}

static void
asks_nothing(struct actor *a, const struct event *e, struct out *out)
{
	kept.action(a, e, out);
	out->effect_count = 0;
	out->emitted = 0;
}

static uint64_t another_effect;

static void
asks_another(struct actor *a, const struct event *e, struct out *out)
{
	int kind = 0;

	kept.action(a, e, out);
	while (!(another_effect >> kind & 1u))
		kind++;
	out->effects[0].kind = (enum effect_kind)kind;
	out->emitted = another_effect;
}

static void
tells_nothing(struct actor *a, const struct event *e, struct out *out)
{
	kept.action(a, e, out);
	out->message_count = 0;
}

static void
tells_all_but_the_last(struct actor *a, const struct event *e, struct out *out)
{
	kept.action(a, e, out);
	if (out->message_count > 0)
		out->message_count--;
}

static void
tells_in_reverse(struct actor *a, const struct event *e, struct out *out)
{
	kept.action(a, e, out);
	if (out->message_count < 2)
		return;
	struct event first = out->messages[0];
	out->messages[0] = out->messages[1];
	out->messages[1] = first;
}

static void
bears_nothing(struct actor *a, const struct event *e, struct out *out)
{
	kept.action(a, e, out);
	out->spawn_count = 0;
}

struct measured {
	uint32_t told;
	uint32_t born;
	bool is_empty; /* changes nothing either */
};

/* What the action does: tried on an actor that has everything. */
static struct measured
measure(const struct spec *s)
{
	struct actor a = { .id = 1, .state = kept.in };
	struct actor before;
	struct event e = { .from = 1, .now_ms = 1 };
	struct out out = { .fresh_id = 1 };

	if (s == &deploy_spec)
		a.deploy = (struct deploy){ .stage = 1, .swap = 1 };
	else if (s == &swap_spec)
		a.swap = (struct swap){ .stage = 1, .deploy = 1 };
	else if (s == &stage_spec)
		a.stage = (struct stage){ .live = 1,
			.running = 1,
			.waiting = 1,
			.resolving = 1,
			.spec = 1,
			.running_digest = "1" };
	else if (s == &poll_spec)
		a.poll = (struct poll){ .stage = 1 };
	before = a;
	kept.action(&a, &e, &out);
	return (struct measured){ .told = out.message_count,
		.born = out.spawn_count,
		.is_empty = out.message_count + out.spawn_count + out.effect_count == 0
			    && memcmp(&a, &before, sizeof(a)) == 0 };
}

/* Rows. */

static void
name_row(const struct spec *s, const struct row *r, char *name)
{
	size_t n = (size_t)snprintf(name, WORDS_SIZE, "%s %s", s->name, s->state_names[r->in]);
	const char *between = " ";

	for (int ev = 0; ev < EV_COUNT; ev++)
		if (r->on >> ev & 1u) {
			n += (size_t)snprintf(
			    name + n, WORDS_SIZE - n, "%s%s", between, event_names[ev]);
			between = "|";
		}
	snprintf(name + n, WORDS_SIZE - n, " [%s] %s", r->guard_name, r->action_name);
}

static struct row *
row_at(const struct spec *s, int i)
{
	return (struct row *)(uintptr_t)&s->rows[i];
}

static void
try_row(const struct spec *s, int i, struct row mutant, const char *how, const char *what)
{
	char row[WORDS_SIZE];
	char name[2 * WORDS_SIZE];

	name_row(s, &kept, row);
	snprintf(name, sizeof(name), "%s: %s%s", row, how, what);
	*row_at(s, i) = mutant;
	try(s, name);
	*row_at(s, i) = kept;
}

static void
try_action(const struct spec *s, int i, action_fn *action, uint64_t emits, const char *what)
{
	struct row mutant = kept;

	mutant.action = action;
	mutant.emits = emits;
	try_row(s, i, mutant, what, "");
}

static void
mutate_events(const struct spec *s, int i)
{
	struct row mutant = kept;

	mutant.on = 0;
	try_row(s, i, mutant, "dropped", "");
	if ((kept.on & (kept.on - 1)) == 0)
		return; /* the only one */
	for (int ev = 0; ev < EV_COUNT; ev++)
		if (kept.on >> ev & 1u) {
			mutant.on = kept.on & ~(UINT64_C(1) << ev);
			try_row(s, i, mutant, "deaf to ", event_names[ev]);
		}
}

static bool
is_first_guard(const struct spec *s, int j)
{
	for (int i = 0; i < j; i++)
		if (s->rows[i].guard == s->rows[j].guard)
			return false;
	return s->rows[j].guard != always && s->rows[j].guard != kept.guard;
}

static void
mutate_guard(const struct spec *s, int i)
{
	struct row mutant = kept;

	mutant.guard = never;
	try_row(s, i, mutant, "guard ", "never");
	if (kept.guard != always) {
		mutant.guard = always;
		try_row(s, i, mutant, "guard ", "always");
		mutant.guard = opposite;
		try_row(s, i, mutant, "guard ", "opposite");
	}
	for (int j = 0; j < s->row_count; j++)
		if (is_first_guard(s, j)) {
			mutant.guard = s->rows[j].guard;
			try_row(s, i, mutant, "guard ", s->rows[j].guard_name);
		}
}

static bool
is_first_action(const struct spec *s, int j)
{
	for (int i = 0; i < j; i++)
		if (s->rows[i].action == s->rows[j].action)
			return false;
	return s->rows[j].action != kept.action;
}

static void
mutate_action(const struct spec *s, int i)
{
	struct measured does = measure(s);

	if (!does.is_empty)
		try_action(s, i, does_nothing, 0, "does nothing");
	for (int j = 0; j < s->row_count; j++)
		if (is_first_action(s, j))
			try_row(s, i,
			    (struct row){ kept.in, kept.then, kept.on, kept.guard,
				s->rows[j].action, s->rows[j].emits, kept.is_quiet,
				kept.guard_name, kept.action_name },
			    "does ", s->rows[j].action_name);
	if (does.told > 0)
		try_action(s, i, tells_nothing, kept.emits, "tells nothing");
	if (does.told > 1) {
		try_action(s, i, tells_all_but_the_last, kept.emits, "tells the last nothing");
		try_action(s, i, tells_in_reverse, kept.emits, "tells in reverse");
	}
	if (does.born > 0)
		try_action(s, i, bears_nothing, kept.emits, "bears nothing");
}

static bool
is_first_effect(const struct spec *s, int j)
{
	for (int i = 0; i < j; i++)
		if (s->rows[i].emits == s->rows[j].emits)
			return false;
	return s->rows[j].emits != 0 && s->rows[j].emits != kept.emits;
}

/* What it does ask and what it says that it asks: together, and the word alone. */
static void
mutate_effects(const struct spec *s, int i)
{
	struct row mutant = kept;

	if (kept.emits != 0) {
		try_action(s, i, asks_nothing, 0, "asks nothing");
		mutant.emits = 0;
		try_row(s, i, mutant, "says that it asks ", "nothing");
	}
	for (int j = 0; j < s->row_count; j++) {
		char what[WORDS_SIZE];
		int kind = 0;

		if (!is_first_effect(s, j))
			continue;
		another_effect = s->rows[j].emits;
		while (!(another_effect >> kind & 1u))
			kind++;
		snprintf(what, sizeof(what), "asks %s", effect_names[kind]);
		if (kept.emits != 0)
			try_action(s, i, asks_another, another_effect, what);
		mutant.emits = another_effect;
		try_row(s, i, mutant, "says that it ", what);
	}
}

static void
mutate_then(const struct spec *s, int i)
{
	struct row mutant = kept;

	for (int state = 0; state < s->state_count; state++)
		if (state != kept.then) {
			mutant.then = state;
			try_row(s, i, mutant, "then ", s->state_names[state]);
		}
}

static bool
is_first_outcome(const struct spec *s, int j)
{
	for (int i = 0; i < j; i++)
		if (s->rows[i].action == s->rows[j].action
		    && s->rows[i].then == s->rows[j].then)
			return false;
	return s->rows[j].action != kept.action && s->rows[j].then != kept.then;
}

/* All of another row: what would be a law-abiding step, but elsewhere. */
static void
mutate_outcome(const struct spec *s, int i)
{
	for (int j = 0; j < s->row_count; j++) {
		const struct row *other = &s->rows[j];
		struct row mutant = kept;
		char what[WORDS_SIZE];

		if (!is_first_outcome(s, j))
			continue;
		mutant.action = other->action;
		mutant.emits = other->emits;
		mutant.then = other->then;
		mutant.is_quiet = other->is_quiet;
		snprintf(what, sizeof(what), "%s, then %s", other->action_name,
		    s->state_names[other->then]);
		try_row(s, i, mutant, "does ", what);
	}
}

static void
mutate_order(const struct spec *s, int i)
{
	for (int j = i + 1; j < s->row_count; j++) {
		char first[WORDS_SIZE];
		char name[2 * WORDS_SIZE];
		struct row other = s->rows[j];

		if (other.in != kept.in || !(other.on & kept.on))
			continue;
		name_row(s, &kept, first);
		snprintf(name, sizeof(name), "%s: swapped with [%s] %s", first,
		    other.guard_name, other.action_name);
		*row_at(s, i) = other;
		*row_at(s, j) = kept;
		try(s, name);
		*row_at(s, i) = kept;
		*row_at(s, j) = other;
	}
}

static void
mutate_row(const struct spec *s, int i)
{
	struct row mutant;

	mutated = s;
	kept = s->rows[i];
	mutate_events(s, i);
	mutate_guard(s, i);
	mutate_action(s, i);
	mutate_effects(s, i);
	mutate_then(s, i);
	mutate_outcome(s, i);
	mutate_order(s, i);
	mutant = kept;
	mutant.is_quiet = !kept.is_quiet;
	try_row(s, i, mutant, kept.is_quiet ? "loud" : "quiet", "");
}

/* Where an actor may begin, is over, or rests. */
static void
mutate_sets(const struct spec *s)
{
	struct spec *open = (struct spec *)(uintptr_t)s;
	const struct {
		const char *name;
		uint64_t *set;
	} sets[] = { { "initial", &open->initial }, { "final", &open->final },
		{ "resting", &open->resting } };

	for (size_t i = 0; i < COUNT(sets); i++)
		for (int state = 0; state < s->state_count; state++) {
			char name[WORDS_SIZE];
			snprintf(name, sizeof(name), "%s %s: %s%s", s->name,
			    s->state_names[state], *sets[i].set >> state & 1u ? "not " : "",
			    sets[i].name);
			*sets[i].set ^= UINT64_C(1) << state;
			try(s, name);
			*sets[i].set ^= UINT64_C(1) << state;
		}
}

static int
usage(void)
{
	fprintf(stderr, "usage: mutate run SEEDS EVERY PART PARTS | names | tests SEEDS\n");
	return 2;
}

static uint64_t
number(const char *text)
{
	return strtoull(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "tests") == 0) {
		seeds = number(argv[2]);
		return is_killed(ACTOR_DEPLOY) ? 1 : 0;
	}
	if (argc == 6 && strcmp(argv[1], "run") == 0) {
		seeds = number(argv[2]);
		every = number(argv[3]);
		part = number(argv[4]);
		parts = number(argv[5]);
	} else if (argc == 2 && strcmp(argv[1], "names") == 0) {
		mode = NAMES;
	} else {
		return usage();
	}
	if (mode == RUN && is_killed(ACTOR_DEPLOY)) {
		printf("the tests fail without any mutant\n");
		return 1;
	}
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *s = fsm_spec_of((enum actor_kind)kind);
		for (int i = 0; i < s->row_count; i++)
			mutate_row(s, i);
		mutate_sets(s);
	}
	return 0;
}
