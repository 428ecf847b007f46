/* backups.c - see backups.h. */
#include "serve/backups.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/loop.h"
#include "config/settings.h"
#include "serve/upkeep.h"
#include "store/backup.h"

struct backups {
	const struct settings *settings;
	struct loop_timer *timer;
	pid_t child; /* 0: none is under way */
	int said; /* what it says, to be read when it has ended */
	int64_t born_ms;
	int64_t started_ms;
	int64_t newest_ms; /* at the last look */
	char why[BACKUPS_WHY_SIZE]; /* the last one was not made */
};

static int
spawn(int out, pid_t *ret_pid)
{
	char name[] = "slipway";
	char group[] = "db";
	char action[] = "backup";
	char *const words[] = { name, group, action, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t all;
	sigset_t none;
	int result;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_setflags(&attributes,
	    POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	posix_spawnattr_setsigdefault(&attributes, &all);
	posix_spawnattr_setsigmask(&attributes, &none);
	result = posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, words, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return result;
}

static void
tell_failure(struct backups *b, const char *why)
{
	CHECK(str_copy(b->why, sizeof(b->why), str_of(why)));
	log_warn(NULL, "backup.failed", "the store was not backed up: %s", why);
}

static void
start(struct backups *b)
{
	int ends[2];
	int result = pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0 ? 0 : errno;

	b->started_ms = clock_now_ms();
	if (result == 0) {
		result = spawn(ends[1], &b->child);
		close(ends[1]);
		b->said = ends[0];
	}
	if (result == 0)
		return;
	if (b->said >= 0)
		close(b->said);
	b->said = -1;
	b->child = 0;
	tell_failure(b, strerror(result));
}

/* At most what a pipe holds; one line is what it says. */
static void
tell_end(struct backups *b, int status)
{
	char said[BACKUPS_WHY_SIZE] = "";
	ssize_t n = read(b->said, said, sizeof(said) - 1);
	bool is_good = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	b->why[0] = '\0';
	if (is_good)
		log_info(NULL, "backup.made", "the store is %s", said);
	else
		tell_failure(b, said[0] == '\0' ? "it was cut off" : said);
	close(b->said);
	b->said = -1;
	b->child = 0;
}

static int64_t
next_ms(struct backups *b)
{
	char folder[BACKUP_PATH_SIZE];
	int64_t last_ms;

	upkeep_folder(b->settings, folder);
	b->newest_ms = store_backup_newest_ms(folder);
	/* One that failed is not tried again at once. */
	last_ms = b->newest_ms < b->started_ms ? b->started_ms : b->newest_ms;
	return last_ms + b->settings->backup_interval_ms;
}

static void
on_timer(void *context)
{
	struct backups *b = context;
	int64_t wait_ms = BACKUP_LOOK_MS;
	int status;

	if (b->child != 0 && clock_now_ms() - b->started_ms > BACKUP_MS)
		kill(b->child, SIGKILL);
	if (b->child != 0 && waitpid(b->child, &status, WNOHANG) == b->child)
		tell_end(b, status);
	if (b->child == 0) {
		wait_ms = next_ms(b) - clock_now_ms();
		if (wait_ms <= 0) {
			start(b);
			wait_ms = BACKUP_LOOK_MS;
		}
	}
	loop_timer_set(b->timer, wait_ms < BACKUP_IDLE_MS ? wait_ms : BACKUP_IDLE_MS);
}

struct backups *
backups_new(struct loop *loop, const struct settings *settings)
{
	struct backups *b;

	if (settings->backup_interval_ms == 0)
		return NULL;
	b = calloc(1, sizeof(*b));
	CHECK(b != NULL);
	b->settings = settings;
	b->said = -1;
	b->born_ms = clock_now_ms();
	b->timer = loop_timer_new(loop, on_timer, b);
	loop_timer_set(b->timer, 0);
	return b;
}

void
backups_status(const struct backups *b, struct backups_status *ret)
{
	int64_t interval_ms = b->settings->backup_interval_ms;
	int64_t due_ms = b->newest_ms == 0 ? b->born_ms : b->newest_ms + interval_ms;

	*ret = (struct backups_status){ .interval_ms = interval_ms,
		.newest_ms = b->newest_ms,
		.is_overdue = b->child == 0 && clock_now_ms() > due_ms + BACKUP_MS };
	memcpy(ret->why, b->why, sizeof(ret->why));
}

void
backups_free(struct backups *b)
{
	if (b == NULL)
		return;
	if (b->child != 0) {
		kill(b->child, SIGKILL);
		waitpid(b->child, NULL, 0);
		close(b->said);
	}
	loop_timer_free(b->timer);
	free(b);
}
