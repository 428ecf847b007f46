/* mutate.c - is every row of every table held by some test?
 *
 *   mutate SEEDS [PART PARTS]
 *
 * Each mutant changes one row: taken out, its guard replaced by always or never, or its action,
 * effects and next state replaced by those of another row of the machine. A child process runs the
 * unit tests of the machines and then SEEDS seeds of the simulator; a mutant that fails nothing has
 * survived and is named: nobody has said yet what that row is for. The tables are const; this
 * program is linked without relro so that it, alone, may write to them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/fsm.h"
#include "base/check.h"
#include "world.h"

int test_fsm_main(void);

enum { MUTANT_SECONDS = 30 };

static uint64_t seeds;
static unsigned tried;
static unsigned killed;
static unsigned part;
static unsigned parts = 1;

static bool
never(const struct actor *a UNUSED, const struct event *e UNUSED)
{
	return false;
}

/* True when some test noticed. */
static bool
is_killed(void)
{
	int status;
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL
		    || freopen("/dev/null", "w", stderr) == NULL)
			_exit(9);
		alarm(MUTANT_SECONDS); /* a mutant that never ends is noticed too */
		if (test_fsm_main() != 0)
			_exit(1);
		sim_run(1, seeds);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	return status != 0;
}

static void
try_row(const struct spec *s, int i, struct row mutant, const char *how, const char *what)
{
	struct row *row = (struct row *)(uintptr_t)&s->rows[i];
	struct row kept = *row;
	uint64_t on = kept.on;

	if (tried++ % parts != part)
		return;
	*row = mutant;
	if (is_killed()) {
		killed++;
	} else {
		printf("survived: %s %s [%s] %s on", s->name, s->state_names[kept.in],
		    kept.guard_name, kept.action_name);
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (on >> ev & 1u)
				printf(" %s", event_names[ev]);
		printf(": %s %s\n", how, what);
		fflush(stdout);
	}
	*row = kept;
}

static bool
is_first_of_its_kind(const struct spec *s, int j)
{
	for (int i = 0; i < j; i++)
		if (s->rows[i].action == s->rows[j].action
		    && s->rows[i].then == s->rows[j].then)
			return false;
	return true;
}

static void
mutate_row(const struct spec *s, int i)
{
	struct row mutant = s->rows[i];
	char what[96];

	mutant.on = 0;
	try_row(s, i, mutant, "dropped", "");
	if (s->rows[i].guard != always) {
		mutant = s->rows[i];
		mutant.guard = always;
		try_row(s, i, mutant, "guard", "always");
		mutant.guard = never;
		try_row(s, i, mutant, "guard", "never");
	}
	for (int j = 0; j < s->row_count; j++) {
		const struct row *other = &s->rows[j];
		if (!is_first_of_its_kind(s, j)
		    || (other->action == s->rows[i].action && other->then == s->rows[i].then))
			continue;
		mutant = s->rows[i];
		mutant.action = other->action;
		mutant.emits = other->emits;
		mutant.then = other->then;
		snprintf(what, sizeof(what), "%s -> %s", other->action_name,
		    s->state_names[other->then]);
		try_row(s, i, mutant, "does", what);
	}
}

int
main(int argc, char **argv)
{
	CHECK(argc == 2 || argc == 4);
	seeds = strtoull(argv[1], NULL, 10);
	if (argc == 4) {
		part = (unsigned)strtoul(argv[2], NULL, 10);
		parts = (unsigned)strtoul(argv[3], NULL, 10);
	}
	if (is_killed()) {
		printf("mutate: the tests fail without any mutant\n");
		return 1;
	}
	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *s = fsm_spec_of((enum actor_kind)kind);
		for (int i = 0; i < s->row_count; i++)
			mutate_row(s, i);
	}
	tried = parts == 1 ? tried : (tried + parts - 1 - part) / parts;
	printf(
	    "mutate: %u of %u mutants killed (%u %%)\n", killed, tried, killed * 100 / tried);
	return killed * 100 >= tried * 80 ? 0 : 1;
}
