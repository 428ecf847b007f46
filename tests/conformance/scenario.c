/* scenario.c - plays a scenario and writes it down with what really came back.
 *
 * A scenario is text: `STATEMENT` or `STATEMENT -> ANSWER` a line. Effects have the names of
 * src/actors/kinds.h and wait for their answer; `begin EFFECT` does not, and `answer` takes it
 * later, or `pause` sees that there is none yet. An answer that nobody took is told at the end.
 *
 *   push v1 [sick|broken]     an image: healthy, never healthy, or one that cannot be started
 *   retag v1 v2               the tag v1 now names the image of v2
 *   delete v1                 the image is removed from the registry, with its tags
 *   stage shop OPTIONS        a stage with these options, or its next revision
 *   deploy d1 shop v1         a deploy of that tag; its stage is busy with it
 *   end d1 live|failed        ... until its end, and calls it live then, or not
 *   SWITCH d1 s1              an effect for the swap s1 of a deploy; s2 is newer
 *   halt d1 0, remove d1 0    somebody stops, or removes, the container of its replica 0
 *   open a.example, close     a request that goes on until it is closed
 *   engine|registry|edge|receiver stops|starts   it is away; of the edge: it hangs
 *   restart                   Slipway is killed, and starts again
 *   runs d1                   the containers that the engine has
 *   rows d1                   what the store says of them
 *   images                    the next survey looks at images, too
 *   has v1                    whether the engine has that image
 *   heard                     what the receiver took so far: how often, and how many notifications
 *   tasks d1                  what it says of what its deploy runs once
 *   ask a.example             whose image answers there
 *   soon a.example v1         the same, when time is given until v1 does
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "conformance.h"
#include "ports/docker.h"

enum { LINE_SIZE = 200, WORDS_MAX = 4 };

struct statement {
	char text[LINE_SIZE]; /* as the transcript has it */
	char copy[LINE_SIZE];
	const char *words[WORDS_MAX];
	const char *rest; /* behind the second word */
	const char *expected;
};

/* Reading. */

static void
take_words(struct statement *s)
{
	char *at = s->copy;
	size_t count = 0;

	snprintf(s->copy, sizeof(s->copy), "%s", s->text);
	for (size_t i = 0; i < WORDS_MAX; i++)
		s->words[i] = "";
	s->rest = "";
	while (*at != '\0' && count < WORDS_MAX) {
		s->words[count++] = at;
		at += strcspn(at, " ");
		if (*at == ' ')
			*at++ = '\0';
		if (count == 2)
			s->rest = s->text + (at - s->copy);
	}
}

/* false: a comment, or nothing. */
static bool
read_statement(char *line, struct statement *s)
{
	char *arrow;
	struct str text;

	line[strcspn(line, "\n")] = '\0';
	arrow = strstr(line, "->");
	s->expected = NULL;
	if (arrow != NULL) {
		*arrow = '\0';
		s->expected = arrow + 2 + strspn(arrow + 2, " ");
	}
	text = str_trim(str_of(line));
	if (text.n == 0 || text.p[0] == '#')
		return false;
	CHECK(str_copy(s->text, sizeof(s->text), text));
	take_words(s);
	return true;
}

/* Answers. */

static char last_text[REASON_SIZE]; /* of an answer: why */

static void
write_answer(const struct event *e, struct buf *said)
{
	memcpy(last_text, e->text, sizeof(last_text));
	buf_text(said, event_names[e->kind]);
	if (e->kind == EV_RESOLVED || e->kind == EV_SOUGHT)
		buf_format(said, " %s image %s", e->tag, inside_image(e->digest));
	else if (e->kind == EV_SURVEYED)
		buf_format(said, " orphans %u", e->count);
	else if (e->kind == EV_DRAINED || e->kind == EV_RESTORED)
		buf_format(said, " cut %u", e->count);
}

static void
wait_answer(struct buf *said)
{
	struct event event;

	for (bool is_first = true; !inside_take(&event); is_first = false)
		if (!outside_turn(is_first)) {
			buf_text(said, "nothing");
			return;
		}
	write_answer(&event, said);
}

static void
pause_a_moment(struct buf *said)
{
	struct event event;

	outside_pause();
	if (inside_take(&event))
		write_answer(&event, said);
	else
		buf_text(said, "nothing");
}

/* Statements. */

static enum effect_kind
effect_of(const char *name)
{
	for (int kind = 0; kind < FX_COUNT; kind++)
		if (strcmp(effect_names[kind], name) == 0)
			return (enum effect_kind)kind;
	return FX_COUNT;
}

/* "SWITCH d1 s1": the words of an effect begin at `first`. */
static bool
ask(const struct statement *s, size_t first)
{
	enum effect_kind kind = effect_of(s->words[first]);

	if (kind == FX_COUNT)
		return false;
	inside_ask(kind, s->words[first + 1], s->words[first + 2]);
	return true;
}

static void
tell_outside(const struct statement *s, struct buf *said)
{
	char text[LINE_SIZE * 2];

	snprintf(text, sizeof(text), "%s", s->text);
	if (s->words[1][0] == 'd' && strchr("0123456789", s->words[1][1]) != NULL)
		snprintf(text, sizeof(text), "%s %llu %s", s->words[0],
		    (unsigned long long)inside_id(s->words[1]), s->rest);
	outside_do(text, said);
	if (strcmp(s->words[0], "push") == 0) {
		inside_learn(s->words[1], buf_cstr(said));
		buf_clear(said);
	}
}

static void
perform(const struct statement *s, struct buf *said)
{
	const char *verb = s->words[0];

	if (ask(s, 0) || strcmp(verb, "answer") == 0)
		wait_answer(said);
	else if (strcmp(verb, "pause") == 0)
		pause_a_moment(said);
	else if (strcmp(verb, "begin") == 0)
		CHECK(ask(s, 1));
	else if (strcmp(verb, "stage") == 0)
		inside_stage(s->words[1], s->rest);
	else if (strcmp(verb, "deploy") == 0)
		inside_deploy(s->words[1], s->words[2], s->words[3]);
	else if (strcmp(verb, "stop") == 0)
		inside_stop(s->words[1], s->words[2]);
	else if (strcmp(verb, "end") == 0)
		inside_end(s->words[1], strcmp(s->words[2], "live") == 0);
	else if (strcmp(verb, "rows") == 0)
		inside_rows(s->words[1], said);
	else if (strcmp(verb, "tasks") == 0)
		inside_tasks(s->words[1], said);
	else if (strcmp(verb, "restart") == 0)
		outside_restart();
	else if (strcmp(verb, "images") == 0)
		docker_images_due(app.docker);
	else
		tell_outside(s, said);
}

/* Writes a line of the transcript; true: it is what the scenario says. */
static bool
write_down(const struct statement *s, int number, const struct buf *said)
{
	bool is_same = strcmp(buf_cstr(said), s->expected == NULL ? "" : s->expected) == 0;

	if (said->n == 0)
		printf("%s\n", s->text);
	else
		printf("%-24s -> %s\n", s->text, buf_cstr(said));
	if (!is_same)
		fprintf(stderr, "line %d: %s -> %s; the scenario says %s%s%s\n", number,
		    s->text, said->n == 0 ? "(nothing is told)" : buf_cstr(said),
		    s->expected == NULL ? "(nothing)" : s->expected,
		    last_text[0] == '\0' ? "" : "; why: ", last_text);
	fflush(stdout);
	return is_same;
}

static int
play(FILE *file)
{
	char line[LINE_SIZE];
	struct statement s;
	struct event stray;
	struct buf said;
	int faults = 0;

	buf_init(&said, SAID_SIZE);
	for (int number = 1; fgets(line, sizeof(line), file) != NULL; number++) {
		if (!read_statement(line, &s))
			continue;
		buf_clear(&said);
		perform(&s, &said);
		faults += !write_down(&s, number, &said);
	}
	while (inside_take(&stray)) {
		printf("nobody asked for %s\n", event_names[stray.kind]);
		fprintf(stderr, "at the end: nobody asked for %s\n", event_names[stray.kind]);
		faults++;
	}
	buf_free(&said);
	return faults;
}

/* The scenario's name is part of the names of what it makes. */
static void
name_of(const char *path, char name[64])
{
	const char *slash = strrchr(path, '/');

	snprintf(name, 64, "%s", slash == NULL ? path : slash + 1);
	name[strcspn(name, ".")] = '\0';
}

int
main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
	struct outside_parts parts;
	char name[64];
	int faults;

	if (file == NULL) {
		fprintf(stderr, "usage: %s SCENARIO\n", argv[0]);
		return 2;
	}
	name_of(argv[1], name);
	log_setup(LOG_DEBUG, true, STDERR_FILENO);
	outside_open(&parts);
	inside_open(name, &parts);
	outside_ready();
	faults = play(file);
	outside_close();
	inside_close();
	fclose(file);
	return faults == 0 ? 0 : 1;
}
