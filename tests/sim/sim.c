/* sim.c - the whole server in a world that fails in every way the seed likes.
 *
 *   sim FROM COUNT         runs seeds FROM .. FROM + COUNT - 1; exit 1 at the first broken law
 *   sim FROM COUNT cover   the same, and every row of every table must have been taken
 *   sim FROM COUNT FEW     the same, and says what was taken fewer times than that
 *   sim FROM 1             with a readable trace
 *   sim sabotage COUNT     breaks each law on purpose, and expects to be caught within COUNT seeds
 *   sim regressions FILE   the seeds of that file, `SEED what it found` a line
 *
 * The real runtime, actors, store, catalog, commands, tick, HTTP server and API run in virtual time
 * (sim.h says which file is what). Same seed, same journal and the same bytes of HTTP. */
#include "sim.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "base/check.h"
#include "base/log.h"
#include "sabotage.h"
#include "store/store.h"

enum { ROWS_MAX = 160, TWICE = 64, SEED_SECONDS = 10 };

struct sim sim;

static uint64_t hits[ACTOR_KIND_COUNT][ROWS_MAX][EV_COUNT];

_Noreturn void
sim_fail(const char *law, uint64_t about)
{
	printf("FAILED seed=%" PRIu64 " commit=%s at %" PRId64 " ms: %s (%" PRIu64 ")\n"
	       "replay with a trace: make sim SEED=%" PRIu64 "\n",
	    sim.seed, SIM_COMMIT, world.now_ms - 1000000, law, about, sim.seed);
	fflush(stdout);
	_Exit(1);
}

void
sim_trace(const char *format, ...)
{
	va_list args;

	if (!sim.is_verbose)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
}

/* FNV-1a. */
void
sim_hash(const void *p, size_t n)
{
	const unsigned char *bytes = p;

	for (size_t i = 0; i < n; i++)
		sim.journal_hash = (sim.journal_hash ^ bytes[i]) * UINT64_C(0x100000001b3);
}

static void
count_hit(const struct actor *a, const struct row *row, enum event_kind kind)
{
	hits[a->kind][row - fsm_spec_of(a->kind)->rows][kind]++;
}

static void
on_alarm(int number UNUSED)
{
	sim_fail("a seed does not end", 0);
}

/* Of the process's own time, so that a busy machine does not matter. */
static void
set_alarm(void)
{
	struct itimerval limit = { .it_value = { .tv_sec = SEED_SECONDS } };

	signal(SIGVTALRM, on_alarm);
	CHECK(setitimer(ITIMER_VIRTUAL, &limit, NULL) == 0);
}

/* Cheap births: SQLite without its mutexes and statistics, and the runtime's megabytes as fresh pages
 * of the kernel, which are zero already. */
static void
set_up(void)
{
	static bool is_done;

	if (is_done)
		return;
	is_done = true;
	CHECK(sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK);
	CHECK(sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK);
	memory_set_up();
	CHECK(mallopt(M_MMAP_THRESHOLD, 1 << 20) == 1);
	log_setup(LOG_ERROR, false, 2);
	fsm_on_taken = count_hit;
}

void
sim_run(uint64_t from, uint64_t count)
{
	struct err err;

	set_up();
	sim.store = store_open(NULL, &err);
	CHECK(sim.store != NULL);
	for (uint64_t s = from; s < from + count; s++) {
		set_alarm();
		uint64_t hash = storm_run(s);
		if (s % TWICE == 0 && storm_run(s) != hash)
			sim_fail("same seed, another journal", s);
	}
	store_close(sim.store);
}

#ifndef SIM_WITHOUT_MAIN
static int
report_cold(bool is_loud, uint64_t few)
{
	int cold = 0;

	for (int kind = 0; kind < ACTOR_KIND_COUNT; kind++) {
		const struct spec *s = fsm_spec_of((enum actor_kind)kind);
		for (int i = 0; i < s->row_count; i++)
			for (int ev = 0; ev < EV_COUNT; ev++) {
				uint64_t count = hits[kind][i][ev];

				if (!(s->rows[i].on >> ev & 1u) || count >= few)
					continue;
				if (kind == ACTOR_POLL && s->rows[i].in == POLL_SEEKING
				    && ev == EV_RECOVERED)
					continue; /* entered by quiet rows only: never stored */
				cold += count == 0;
				if (is_loud)
					printf("taken %" PRIu64 " times: %s %s on %s [%s]\n",
					    count, s->name, s->state_names[s->rows[i].in],
					    event_names[ev], s->rows[i].guard_name);
			}
	}
	return cold;
}

static void
report(uint64_t count, int cold)
{
	printf("sim: %" PRIu64 " seeds, %d transitions never taken; deploys:", count, cold);
	for (int i = 0; i < DEPLOY_COUNT; i++)
		if (final_counts[i] > 0)
			printf(" %s %" PRIu64, deploy_spec.state_names[i], final_counts[i]);
	printf("; requests: %" PRIu64 " begun, %" PRIu64 " ended well, %" PRIu64
	       " cut when their time was over, %" PRIu64 " lost with a container that died",
	    traffic_counts.begun, traffic_counts.ended, traffic_counts.cut,
	    traffic_counts.lost);
	printf("; crashes: %" PRIu64 " before a commit, %" PRIu64 " after one, %" PRIu64
	       " between effects, %" PRIu64 " between answers; %" PRIu64 " drains; %" PRIu64
	       " images removed\n",
	    sim.crashes[CRASH_BEFORE_COMMIT], sim.crashes[CRASH_AFTER_COMMIT],
	    sim.crashes[CRASH_IN_EFFECTS], sim.crashes[CRASH_IN_ANSWERS], sim.drains,
	    sim.images_removed);
}

static int
run_regressions(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[256];
	unsigned count = 0;

	CHECK(file != NULL);
	while (fgets(line, sizeof(line), file) != NULL)
		if (line[0] >= '0' && line[0] <= '9') {
			sim_run(strtoull(line, NULL, 10), 1);
			count++;
		}
	fclose(file);
	printf("sim: %u regressions\n", count);
	return 0;
}

int
main(int argc, char **argv)
{
	uint64_t count;
	bool must_cover;
	int cold;

	CHECK(argc >= 3);
	if (strcmp(argv[1], "sabotage") == 0)
		return sabotage_all(strtoul(argv[2], NULL, 10)) ? 0 : 1;
	if (strcmp(argv[1], "regressions") == 0)
		return run_regressions(argv[2]);
	count = strtoull(argv[2], NULL, 10);
	sim.is_verbose = count == 1;
	sim_run(strtoull(argv[1], NULL, 10), count);
	must_cover = argc > 3 && strcmp(argv[3], "cover") == 0;
	cold = argc > 3 ? report_cold(true, must_cover ? 1 : strtoull(argv[3], NULL, 10))
			: report_cold(false, 1);
	report(count, cold);
	if (must_cover && sim.images_removed == 0)
		puts("never taken: no image was removed");
	return must_cover && (cold > 0 || sim.images_removed == 0) ? 1 : 0;
}
#endif
