/* power.c - the power fails, again and again, while the real store works.
 *
 *   power FROM COUNT              seeds FROM .. FROM + COUNT - 1; exit 1 at the first loss
 *   power FROM COUNT SABOTAGE     the same with a promise broken; exit 1 unless that is found
 *
 * A seed is a few lives: processes that open the store, look at what the one before left, and go
 * on until the disk (disk.h) cuts the power in the middle of an operation. What was promised in
 * one life (store_commit() came back, a file was replaced) is known in the next one by memory that
 * they share, as digests: every table must be as it was at the last commit that came back, or at
 * the one that was under way. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "disk.h"
#include "life.h"

enum { LIVES_MAX = 4, ROOT_SIZE = 64, FEW_OPERATIONS = 80, MANY_OPERATIONS = 1200 };

static const struct sabotage {
	const char *name;
	struct disk_faults disk;
	const char *synchronous;
} sabotages[] = {
	{ "synchronous=OFF", { false, NULL }, "OFF" },
	{ "synchronous=NORMAL", { false, NULL }, "NORMAL" },
	{ "wal-not-synced", { false, "-wal" }, NULL },
	{ "database-not-synced", { false, ".db" }, NULL },
	{ "directories-not-synced", { true, NULL }, NULL },
	{ "replaced-files-not-synced", { false, ".new" }, NULL },
};

static char root[ROOT_SIZE];
static uint64_t cuts;
static struct promise *promise;

/* Most cuts come in the middle of the work, some while the store is made or opened. */
static uint64_t
choose_cut(uint64_t *random, bool is_last)
{
	uint64_t most = disk_random(random) % 4 == 0 ? FEW_OPERATIONS : MANY_OPERATIONS;

	return is_last ? 0 : 1 + disk_random(random) % most;
}

/* Returns the exit code of one life. */
static int
live(uint64_t seed, uint64_t *random, bool is_last, const struct sabotage *sabotage)
{
	static const struct disk_faults none = { false, NULL };
	uint64_t cut_at = choose_cut(random, is_last);
	uint64_t life_seed = disk_random(random);
	pid_t child;
	int status;

	fflush(stdout);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		disk_begin(
		    root, life_seed, cut_at, sabotage == NULL ? &none : &sabotage->disk);
		life(root, life_seed, promise, is_last,
		    sabotage == NULL ? NULL : sabotage->synchronous);
		if (!is_last)
			disk_cut();
		exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == (is_last ? 0 : DISK_CUT)) {
		cuts += !is_last;
		return 0;
	}
	if (sabotage == NULL)
		printf("FAILED seed=%" PRIu64 ": a life ended with status %x\n"
		       "replay: make power SEED=%" PRIu64 "\n",
		    seed, (unsigned)status, seed);
	return -1;
}

static int
run_seed(uint64_t seed, const struct sabotage *sabotage)
{
	uint64_t random = seed;
	uint64_t lives = 1 + disk_random(&random) % LIVES_MAX;
	int result = 0;

	memset(promise, 0, sizeof(*promise));
	promise->now_ms = 1000000;
	promise->is_removing = disk_random(&random) % 2 == 0;
	CHECK(mkdir(root, 0700) == 0);
	for (uint64_t i = 0; i <= lives && result == 0; i++)
		result = live(seed, &random, i == lives, sabotage);
	disk_remove(root);
	return result;
}

static void
choose_root(void)
{
	const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(root, sizeof(root), "%s/slipway-power-%d", parent, (int)getpid());
}

int
main(int argc, char **argv)
{
	uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	const struct sabotage *sabotage = NULL;

	for (size_t i = 0; argc > 3 && i < COUNT(sabotages); i++)
		if (strcmp(argv[3], sabotages[i].name) == 0)
			sabotage = &sabotages[i];
	CHECK(argc <= 3 || sabotage != NULL);
	log_setup(LOG_ERROR, false, STDOUT_FILENO);
	choose_root();
	promise = mmap(
	    NULL, sizeof(*promise), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(promise != MAP_FAILED);
	for (uint64_t seed = from; seed < from + count; seed++) {
		if (run_seed(seed, sabotage) == 0)
			continue;
		if (sabotage == NULL)
			return 1;
		printf("%s: found after %" PRIu64 " seeds\n", sabotage->name, seed - from + 1);
		return 0;
	}
	if (sabotage != NULL) {
		printf(
		    "FAILED %s was not found in %" PRIu64 " seeds\n", sabotage->name, count);
		return 1;
	}
	printf("power: %" PRIu64 " seeds, %" PRIu64 " cuts: nothing lost\n", count, cuts);
	return 0;
}
