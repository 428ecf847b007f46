/* progress.c - see progress.h. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "actors/fsm.h"
#include "base/json.h"
#include "cli/words.h"

enum { LINE_MAX_BYTES = 4096, TAIL_BYTES_MAX = (CLI_TAIL_LINES + 1) * (LOG_LINE_SIZE * 2) };

#define CLEAR_LINE "\r\x1b[K"
#define DIM "\x1b[2m"
#define BOLD "\x1b[1m"
#define RED "\x1b[31m"
#define GREEN "\x1b[32m"
#define YELLOW "\x1b[33m"
#define PLAIN "\x1b[0m"

void
progress_init(struct progress *p, struct progress_style style, const char *title)
{
	*p = (struct progress){ .style = style };
	snprintf(p->title, sizeof(p->title), "%s", title);
	buf_init(&p->tail, TAIL_BYTES_MAX);
	buf_init(&p->shown, LINE_MAX_BYTES);
}

void
progress_free(struct progress *p)
{
	buf_free(&p->tail);
	buf_free(&p->shown);
}

static void
colour(const struct progress *p, const char *sequence, struct buf *to)
{
	if (p->style.has_colour)
		buf_text(to, sequence);
}

/* Time. */

/* The server's clock. An event arrives a little after it happened, never before: the largest
 * difference seen is the nearest to the truth. */
static void
learn_clock(struct progress *p, int64_t at_ms, int64_t now_ms)
{
	int64_t ahead_ms = at_ms - now_ms;

	if (!p->has_clock)
		p->first_ms = at_ms;
	if (!p->has_clock || ahead_ms > p->ahead_ms)
		p->ahead_ms = ahead_ms;
	p->has_clock = true;
}

static int64_t
state_ms(const struct progress *p, const struct progress_state *state, int64_t now_ms)
{
	int64_t end_ms = state->end_ms != 0 ? state->end_ms : now_ms + p->ahead_ms;

	return end_ms < state->begin_ms ? 0 : end_ms - state->begin_ms;
}

/* The live line. */

static void
write_state(const struct progress *p, size_t index, int64_t now_ms, struct buf *line)
{
	const struct progress_state *state = &p->states[index];
	bool is_current = index + 1 == p->state_count;
	char took[WORDS_SIZE];

	words_took(state_ms(p, state, now_ms), took);
	buf_format(line, "%s", state->name);
	if (is_current && p->swap[0] != '\0')
		buf_format(line, " (%s)", p->swap);
	if (state->tries > 1)
		buf_format(line, " (try %d)", state->tries);
	buf_format(line, " %s", took);
}

/* From state `from` on. */
static void
write_live(const struct progress *p, size_t from, int64_t now_ms, struct buf *line)
{
	buf_format(line, "%s: ", p->title);
	if (from > 0 || p->state_dropped > 0)
		buf_text(line, ".. ");
	for (size_t i = from; i < p->state_count; i++) {
		write_state(p, i, now_ms, line);
		if (i + 1 < p->state_count)
			buf_text(line, ", ");
	}
	if (p->state_count == 0)
		buf_text(line, "waiting for the first step");
}

/* What fits into one column less than there are (the last one makes some terminals wrap): fewer of
 * the older states, then the current state alone, then its beginning. */
static void
compose(const struct progress *p, int64_t now_ms, struct buf *line)
{
	size_t most = p->style.width - 1;

	for (size_t from = 0; from == 0 || from < p->state_count; from++) {
		buf_clear(line);
		write_live(p, from, now_ms, line);
		if (words_width(buf_view(line)) <= most)
			return;
	}
	if (p->state_count > 0) {
		buf_clear(line);
		write_state(p, p->state_count - 1, now_ms, line);
	}
	if (words_width(buf_view(line)) > most) {
		struct str fitting = words_cut(buf_view(line), most);

		line->n = fitting.n;
		line->p[line->n] = '\0';
	}
}

void
progress_refresh(struct progress *p, size_t width, int64_t now_ms, struct buf *out)
{
	struct buf line;

	if (p->style.width == 0 || width < 2)
		return;
	p->style.width = width;
	buf_init(&line, LINE_MAX_BYTES);
	compose(p, now_ms, &line);
	if (p->shown.n != line.n
	    || memcmp(buf_cstr(&p->shown), buf_cstr(&line), line.n) != 0) {
		/* The new text first, then what may be left of the old: nothing flickers. */
		buf_char(out, '\r');
		colour(p, BOLD, out);
		buf_str(out, buf_view(&line));
		colour(p, PLAIN, out);
		buf_text(out, "\x1b[K");
		buf_clear(&p->shown);
		buf_str(&p->shown, buf_view(&line));
	}
	buf_free(&line);
}

void
progress_clear(struct progress *p, struct buf *out)
{
	if (p->shown.n > 0)
		buf_text(out, CLEAR_LINE);
	buf_clear(&p->shown);
}

/* Lines that stay. */

static void
begin_line(struct progress *p, int64_t at_ms, struct buf *out)
{
	char at[WORDS_SIZE];

	progress_clear(p, out);
	words_took(p->has_clock ? at_ms - p->first_ms : 0, at);
	colour(p, DIM, out);
	buf_format(out, "%9s  ", at);
	colour(p, PLAIN, out);
}

static void
end_line(struct progress *p, int64_t now_ms, struct buf *out)
{
	buf_char(out, '\n');
	progress_refresh(p, p->style.width, now_ms, out);
}

/* A state or a try, where no live line shows it. */
static void
tell_state(struct progress *p, int64_t at_ms, struct buf *out)
{
	const struct progress_state *state = &p->states[p->state_count - 1];

	if (p->style.width > 0)
		return;
	begin_line(p, at_ms, out);
	buf_text(out, state->name);
	if (p->swap[0] != '\0')
		buf_format(out, ": %s", p->swap);
	if (state->tries > 1)
		buf_format(out, ": try %d", state->tries);
	buf_char(out, '\n');
}

static void
enter_state(struct progress *p, const char *name, int64_t at_ms)
{
	if (p->state_count > 0)
		p->states[p->state_count - 1].end_ms = at_ms;
	if (p->state_count == PROGRESS_STATES_MAX) {
		memmove(p->states, p->states + 1, sizeof(p->states) - sizeof(p->states[0]));
		p->state_count--;
		p->state_dropped++;
	}
	p->states[p->state_count] = (struct progress_state){ .begin_ms = at_ms, .tries = 1 };
	snprintf(p->states[p->state_count].name, PROGRESS_STATE_SIZE, "%s", name);
	p->state_count++;
	p->swap[0] = '\0';
}

static bool
is_another_try(const char *on)
{
	return strcmp(on, "TROUBLED") == 0 || strcmp(on, "TIMEOUT") == 0;
}

/* The last line tells the ending. A state that is not known here is one of a newer server's. */
static bool
is_over(const char *name)
{
	int state = fsm_state_by_name(&deploy_spec, name);

	return state >= 0 && fsm_is_final(&deploy_spec, state);
}

static void
take_deploy_step(struct progress *p, const struct json *step, int64_t at_ms, struct buf *out)
{
	const char *name = json_text(json_get(step, "to"));
	struct progress_state *current =
	    p->state_count > 0 ? &p->states[p->state_count - 1] : NULL;
	char state[WORDS_SIZE];

	words_state(name, state);
	if (is_over(name)) {
		if (current != NULL)
			current->end_ms = at_ms;
		return;
	}
	if (current == NULL || strcmp(current->name, state) != 0)
		enter_state(p, state, at_ms);
	else if (is_another_try(json_text(json_get(step, "on"))))
		current->tries++;
	else
		return;
	tell_state(p, at_ms, out);
}

static void
take_swap_step(struct progress *p, const struct json *step, int64_t at_ms, struct buf *out)
{
	char state[WORDS_SIZE];

	words_state(json_text(json_get(step, "to")), state);
	if (p->state_count == 0 || strcmp(p->swap, state) == 0)
		return;
	memcpy(p->swap, state, sizeof(state));
	tell_state(p, at_ms, out);
}

void
progress_step(struct progress *p, const struct json *step, int64_t now_ms, struct buf *out)
{
	int64_t at_ms = words_ms(step, "at_ms");
	int64_t seq = json_number(json_get(step, "seq"));
	const char *actor = json_text(json_get(step, "actor"));

	if (seq <= p->step_seq)
		return;
	p->step_seq = seq;
	learn_clock(p, at_ms, now_ms);
	if (strcmp(actor, "DEPLOY") == 0)
		take_deploy_step(p, step, at_ms, out);
	else if (strcmp(actor, "SWAP") == 0)
		take_swap_step(p, step, at_ms, out);
	progress_refresh(p, p->style.width, now_ms, out);
}

static void
keep_tail(struct progress *p, const char *text)
{
	struct str first;

	if (p->tail_count == CLI_TAIL_LINES) {
		str_cut(buf_view(&p->tail), '\n', &first);
		buf_consume(&p->tail, first.n + 1);
		p->tail_count--;
	}
	words_clean(&p->tail, str_of(text), false);
	buf_char(&p->tail, '\n');
	p->tail_count++;
}

void
progress_log(struct progress *p, const struct json *line, int64_t now_ms, struct buf *out)
{
	int64_t at_ms = words_ms(line, "at_ms");
	int64_t seq = json_number(json_get(line, "seq"));
	const char *level = json_text(json_get(line, "level"));
	const char *text = json_text(json_get(line, "text"));
	bool is_bad = strcmp(level, "warn") == 0 || strcmp(level, "error") == 0;

	if (seq <= p->log_seq)
		return;
	p->log_seq = seq;
	learn_clock(p, at_ms, now_ms);
	if (strcmp(level, "out") == 0) {
		keep_tail(p, text);
		return;
	}
	begin_line(p, at_ms, out);
	if (is_bad) {
		colour(p, YELLOW, out);
		buf_format(out, "%s: ", level);
		colour(p, PLAIN, out);
	}
	words_clean(out, str_of(text), false);
	end_line(p, now_ms, out);
}

void
progress_note(struct progress *p, const char *text, int64_t now_ms, struct buf *out)
{
	begin_line(p, now_ms + p->ahead_ms, out);
	words_clean(out, str_of(text), false);
	end_line(p, now_ms, out);
}

static void
write_tail(const struct progress *p, struct buf *out)
{
	struct str rest = buf_view(&p->tail);

	if (rest.n == 0)
		return;
	buf_text(out, "last lines of the container:\n");
	while (rest.n > 0) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		colour(p, DIM, out);
		buf_text(out, "  | ");
		colour(p, PLAIN, out);
		buf_str(out, line);
		buf_char(out, '\n');
	}
}

void
progress_end(struct progress *p, const struct json *deploy, struct buf *out)
{
	const char *state = json_text(json_get(deploy, "state"));
	const char *reason = json_text(json_get(deploy, "reason"));
	bool is_done = strcmp(state, "LIVE") == 0 || strcmp(state, "STOPPED") == 0;
	bool is_skipped = strcmp(state, "SKIPPED") == 0;
	char words[WORDS_SIZE];
	char took[WORDS_SIZE];

	progress_clear(p, out);
	words_state(state, words);
	words_took(words_ms(deploy, "ended_ms") - words_ms(deploy, "created_ms"), took);
	colour(p, is_done ? GREEN : is_skipped ? YELLOW : RED, out);
	buf_text(out, words);
	colour(p, PLAIN, out);
	buf_format(out, ": %s/%s %s (deploy %" PRId64 ") in %s",
	    json_text(json_get(deploy, "project")), json_text(json_get(deploy, "stage")),
	    json_text(json_get(deploy, "tag")), json_number(json_get(deploy, "id")), took);
	if (reason[0] != '\0' && strcmp(reason, words) != 0) { /* "canceled: canceled" */
		buf_text(out, ": ");
		words_clean(out, str_of(reason), false);
	}
	buf_char(out, '\n');
	if (!is_done && !is_skipped)
		write_tail(p, out);
}
