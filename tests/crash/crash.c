/* crash.c - a slipway that kills itself at a named point; the server is the one of the release,
 * and these functions stand between its parts (ld --wrap). tests/integration/test_crash_matrix.py
 * drives it.
 *
 *   CRASH_AT="deploy PROBING after-commit"   where: machine, state that is entered, and when
 *   CRASH_NOTE=FILE                          what happened is written there right before the end
 *   CRASH_SENT="POST /images/create"         after-effect: when these bytes have left
 *   CRASH_AFTER="deploy PULLING"             count only from the moment when this was entered
 *
 * before-commit: the step into the state is taken and not stored. after-commit: stored, nothing
 * has left. after-effect: the request of the state's effect is in the kernel's hands.
 * after-answer: its answer waits in the mailbox, not stepped. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "actors/fsm.h"
#include "base/check.h"

struct runtime;
struct store;

enum moment { BEFORE_COMMIT, AFTER_COMMIT, AFTER_EFFECT, AFTER_ANSWER, NEVER };

struct place { /* a state of a machine */
	const struct spec *spec; /* NULL: none was asked for */
	int state;
};

static const char *const moment_names[] = { "before-commit", "after-commit", "after-effect",
	"after-answer" };
static struct place wanted;
static struct place first;
static enum moment moment = NEVER;
static const char *sent_text;
static uint64_t actor; /* that entered the state; 0: none yet */
static bool is_inside; /* it has not left the state since */
static bool is_leaving; /* its effect was handed to a port */

void __real_store_commit(struct store *store);
void __wrap_store_commit(struct store *store);
void __real_ports_perform(void *context, const struct effect *effect);
void __wrap_ports_perform(void *context, const struct effect *effect);
bool __real_runtime_post(struct runtime *rt, const struct event *event);
bool __wrap_runtime_post(struct runtime *rt, const struct event *event);

static _Noreturn void
die(const char *detail)
{
	const char *path = getenv("CRASH_NOTE");
	int fd = open(path == NULL ? "" : path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd >= 0)
		dprintf(fd, "%s %s %s %s\n", wanted.spec->name,
		    wanted.spec->state_names[wanted.state], moment_names[moment], detail);
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static bool
is_at(const struct place *place, enum actor_kind kind, int state)
{
	return place->spec == fsm_spec_of(kind) && place->state == state;
}

/* A state is entered by a row that leads there from another one, or by the actor's birth. */
static void
on_taken(const struct actor *before, const struct row *row, enum event_kind kind)
{
	if (row->in == row->then && kind != EV_START)
		return;
	if (is_at(&first, before->kind, row->then))
		first.spec = NULL;
	if (first.spec != NULL)
		return;
	if (is_at(&wanted, before->kind, row->then)) {
		actor = before->id;
		is_inside = true;
		is_leaving = false;
	} else if (actor == before->id) {
		is_inside = false;
	}
}

void
__wrap_store_commit(struct store *store)
{
	if (actor != 0 && moment == BEFORE_COMMIT)
		die("");
	__real_store_commit(store);
	if (actor != 0 && moment == AFTER_COMMIT)
		die("");
}

void
__wrap_ports_perform(void *context, const struct effect *effect)
{
	if (effect->actor == actor && is_inside)
		is_leaving = true;
	__real_ports_perform(context, effect);
}

bool
__wrap_runtime_post(struct runtime *rt, const struct event *event)
{
	bool is_kept = __real_runtime_post(rt, event);

	if (is_kept && moment == AFTER_ANSWER && event->to == actor && is_inside && is_leaving
	    && event->kind != EV_NUDGED)
		die(event_names[event->kind]);
	return is_kept;
}

/* The libraries' requests leave by this too: the program's own symbol goes before libc's. */
ssize_t
send(int fd, const void *bytes, size_t size, int flags)
{
	ssize_t n = syscall(SYS_sendto, fd, bytes, size, flags, NULL, 0);

	if (moment == AFTER_EFFECT && is_leaving && is_inside && n > 0
	    && memmem(bytes, (size_t)n, sent_text, strlen(sent_text)) != NULL)
		die(sent_text);
	return n;
}

static struct place
parse_place(char **words)
{
	const char *machine = strsep(words, " ");
	const char *state = strsep(words, " ");

	for (int kind = 0; machine != NULL && state != NULL && kind < ACTOR_KIND_COUNT;
	     kind++) {
		const struct spec *spec = fsm_spec_of((enum actor_kind)kind);
		struct place place = { spec, fsm_state_by_name(spec, state) };
		if (strcmp(spec->name, machine) == 0 && place.state >= 0)
			return place;
	}
	fprintf(stderr, "crash: no such machine or state: %s %s\n", machine, state);
	exit(1);
}

static void __attribute__((constructor)) set_up(void)
{
	char *at = getenv("CRASH_AT");
	char *after = getenv("CRASH_AFTER");

	if (at == NULL)
		return;
	at = strdup(at);
	CHECK(at != NULL);
	wanted = parse_place(&at);
	for (moment = BEFORE_COMMIT; moment < NEVER; moment++)
		if (at != NULL && strcmp(at, moment_names[moment]) == 0)
			break;
	sent_text = getenv("CRASH_SENT");
	if (moment == NEVER || (moment == AFTER_EFFECT && sent_text == NULL)) {
		fprintf(stderr, "crash: no such moment, or no CRASH_SENT: %s\n", at);
		exit(1);
	}
	if (after != NULL) {
		after = strdup(after);
		CHECK(after != NULL);
		first = parse_place(&after);
	}
	fsm_on_taken = on_taken;
}
