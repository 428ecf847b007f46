/* edge_socket.c - see edge_socket.h. */
#include "ports/edge_socket.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h> /* vasprintf */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/loop.h"

struct edge_ask {
	struct edge_socket *socket;
	struct edge_ask *next;
	edge_answer_fn *on_answer; /* NULL: dropped */
	void *context;
	char *commands; /* lines, each with its end */
	size_t count;
};

struct edge_socket {
	struct loop *loop;
	struct loop_io *io;
	struct loop_timer *timer; /* until the answer */
	struct edge_ask *first;
	struct edge_ask **end;
	struct buf in;
	struct buf out;
	edge_state_fn *on_state;
	void *context;
	unsigned
	    opened; /* which connection this is, to see in a callback's wake that it changed */
	int fd; /* -1: closed */
	bool is_up;
	bool is_asked; /* the first question is on its way */
	bool is_silent;
	char prompt[16];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static void ask_first(struct edge_socket *s);

static void
disconnect(struct edge_socket *s)
{
	loop_io_free(s->io);
	s->io = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->is_up = false;
	s->is_asked = false;
	s->opened++;
	loop_timer_stop(s->timer);
	buf_free(&s->in);
	buf_free(&s->out);
}

static void
ask_free(struct edge_ask *ask)
{
	free(ask->commands);
	free(ask);
}

/* The list is taken off first: a function that is told may put questions again. */
void
edge_socket_close(struct edge_socket *s)
{
	struct edge_ask *ask = s->first;

	disconnect(s);
	s->first = NULL;
	s->end = &s->first;
	while (ask != NULL) {
		struct edge_ask *next = ask->next;
		edge_answer_fn *on_answer = ask->on_answer;
		void *context = ask->context;

		/* Those behind it may be dropped by what is called: they must be able to. */
		ask->socket = NULL;
		for (struct edge_ask *later = next; later != NULL; later = later->next)
			later->socket = NULL;
		if (on_answer != NULL)
			on_answer(context, false, (struct str){ "", 0 });
		next = ask->next;
		ask_free(ask);
		ask = next;
	}
}

static void
lose(struct edge_socket *s)
{
	bool was_open = s->fd >= 0;

	edge_socket_close(s);
	if (was_open)
		s->on_state(s->context, false);
}

/* The prompt is the last line: "> ", "master> ", or "master[ReloadFailed]> ". */
static bool
ends_with_prompt(const struct edge_socket *s)
{
	struct str text = buf_view(&s->in);
	size_t at = text.n;

	if (text.n < 2 || memcmp(text.p + text.n - 2, "> ", 2) != 0)
		return false;
	while (at > 0 && text.p[at - 1] != '\n')
		at--;
	if (s->prompt[0] == '\0')
		return text.n - at == 2;
	return str_starts((struct str){ text.p + at, text.n - at }, s->prompt);
}

/* No line of an answer begins like a prompt. */
static size_t
count_prompts(struct str text)
{
	size_t count = str_starts(text, "> ") ? 1 : 0;
	const char *at = text.p;

	while ((at = memmem(at, text.n - (size_t)(at - text.p), "\n> ", 3)) != NULL) {
		count++;
		at += 3;
	}
	return count;
}

static bool
is_whole(const struct edge_socket *s)
{
	return ends_with_prompt(s)
	       && (s->first->count == 1 || count_prompts(buf_view(&s->in)) >= s->first->count);
}

bool
edge_next_answer(struct str *rest, struct str *ret_answer)
{
	const char *end;

	if (rest->n == 0)
		return false;
	if (str_starts(*rest, "> ")) {
		*ret_answer = (struct str){ rest->p, 0 };
		*rest = (struct str){ rest->p + 2, rest->n - 2 };
		return true;
	}
	end = memmem(rest->p, rest->n, "\n> ", 3);
	if (end == NULL) { /* the only one */
		*ret_answer = str_trim(*rest);
		*rest = (struct str){ rest->p + rest->n, 0 };
		return true;
	}
	*ret_answer = str_trim((struct str){ rest->p, (size_t)(end - rest->p) });
	*rest = (struct str){ end + 3, rest->n - (size_t)(end - rest->p) - 3 };
	return true;
}

/* Without the last prompt; those in between part the answers of several commands. */
static struct str
answer_of(const struct edge_ask *ask, const struct buf *text)
{
	struct str answer = buf_view(text);

	if (ask->count > 1)
		return answer;
	while (answer.n > 0 && answer.p[answer.n - 1] != '\n')
		answer.n--;
	return str_trim(answer);
}

static void
take_answer(struct edge_socket *s)
{
	struct edge_ask *ask = s->first;
	struct buf text = s->in; /* taken: the callee may close the socket */
	unsigned opened = s->opened;

	CHECK(ask != NULL && s->is_asked);
	buf_init(&s->in, EDGE_ANSWER_MAX);
	s->first = ask->next;
	if (s->first == NULL)
		s->end = &s->first;
	s->is_asked = false;
	loop_timer_stop(s->timer);
	if (ask->on_answer != NULL)
		ask->on_answer(ask->context, true, answer_of(ask, &text));
	ask_free(ask);
	buf_free(&text);
	if (s->opened == opened)
		ask_first(s);
}

static void
on_readable(struct edge_socket *s)
{
	char piece[16384];
	ssize_t n = recv(s->fd, piece, sizeof(piece), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->is_silent = false;
	if (n <= 0) {
		lose(s);
		return;
	}
	buf_add(&s->in, piece, (size_t)n);
	if (s->in.overflow || !s->is_asked)
		lose(s);
	else if (is_whole(s))
		take_answer(s);
}

static bool
flush(struct edge_socket *s)
{
	while (s->out.n > 0) {
		ssize_t n = send(s->fd, s->out.p, s->out.n, MSG_NOSIGNAL);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			return false;
		buf_consume(&s->out, (size_t)n);
	}
	loop_io_want(s->io, s->out.n > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
	return true;
}

static void
on_ready(void *context, int ready)
{
	struct edge_socket *s = context;

	if ((ready & LOOP_WRITE) && !flush(s)) {
		lose(s);
		return;
	}
	if (ready & LOOP_READ)
		on_readable(s);
}

/* A failing send shows as a connection that ended, in the loop, where it may call back. */
static void
ask_first(struct edge_socket *s)
{
	if (s->first == NULL || s->is_asked)
		return;
	s->is_asked = true;
	buf_text(&s->out, s->first->commands);
	CHECK(!s->out.overflow);
	loop_timer_set(s->timer, flush(s) ? EDGE_ANSWER_MS : 0);
}

static void
on_time(void *context)
{
	struct edge_socket *s = context;

	s->is_silent = s->out.n == 0; /* otherwise it could not be sent */
	lose(s);
}

static void
on_greeted(void *context, bool is_answered, struct str answer UNUSED)
{
	struct edge_socket *s = context;

	if (!is_answered)
		return;
	s->is_up = true;
	s->on_state(s->context, true);
}

static struct edge_ask *put(struct edge_socket *s, edge_answer_fn *on_answer, void *context,
    const char *format, va_list args) PRINTF_LIKE(4, 0);

static struct edge_ask *
put(struct edge_socket *s, edge_answer_fn *on_answer, void *context, const char *format,
    va_list args)
{
	struct edge_ask *ask = calloc(1, sizeof(*ask));
	struct buf text;

	CHECK(ask != NULL);
	*ask = (struct edge_ask){ .socket = s, .on_answer = on_answer, .context = context };
	CHECK(vasprintf(&ask->commands, format, args) > 0);
	buf_init(&text, EDGE_QUESTION_MAX);
	buf_text(&text, ask->commands);
	if (text.n > 0 && text.p[text.n - 1] != '\n')
		buf_char(&text, '\n');
	CHECK(!text.overflow);
	for (size_t i = 0; i < text.n; i++)
		ask->count += text.p[i] == '\n';
	free(ask->commands);
	ask->commands = text.p;
	*s->end = ask;
	s->end = &ask->next;
	return ask;
}

struct edge_ask *
edge_ask(
    struct edge_socket *s, edge_answer_fn *on_answer, void *context, const char *format, ...)
{
	struct edge_ask *ask;
	va_list args;

	if (!s->is_up)
		return NULL;
	va_start(args, format);
	ask = put(s, on_answer, context, format, args);
	va_end(args);
	ask_first(s);
	return ask;
}

void
edge_ask_drop(struct edge_ask *ask)
{
	struct edge_socket *s;

	if (ask == NULL)
		return;
	ask->on_answer = NULL;
	s = ask->socket;
	if (s == NULL || (ask == s->first && s->is_asked))
		return; /* freed when its answer comes, or by the closing that runs */
	for (struct edge_ask **at = &s->first; *at != NULL; at = &(*at)->next) {
		if (*at != ask)
			continue;
		*at = ask->next;
		if (s->end == &ask->next)
			s->end = at;
		ask_free(ask);
		return;
	}
}

static void
greet(struct edge_socket *s)
{
	s->is_up = true; /* for this one question */
	edge_ask(s, on_greeted, s, "prompt");
	s->is_up = false;
}

struct edge_socket *
edge_socket_new(struct loop *loop, const char *path, const char *prompt,
    edge_state_fn *on_state, void *context)
{
	struct edge_socket *s = calloc(1, sizeof(*s));

	CHECK(s != NULL);
	*s = (struct edge_socket){
		.loop = loop, .on_state = on_state, .context = context, .fd = -1
	};
	s->end = &s->first;
	s->timer = loop_timer_new(loop, on_time, s);
	CHECK(str_copy(s->path, sizeof(s->path), str_of(path)));
	CHECK(str_copy(s->prompt, sizeof(s->prompt), str_of(prompt)));
	return s;
}

void
edge_socket_free(struct edge_socket *s)
{
	if (s == NULL)
		return;
	for (struct edge_ask *ask = s->first; ask != NULL; ask = ask->next)
		ask->on_answer = NULL;
	edge_socket_close(s);
	loop_timer_free(s->timer);
	free(s);
}

bool
edge_socket_open(struct edge_socket *s)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (s->fd >= 0)
		return true;
	memcpy(address.sun_path, s->path, sizeof(s->path));
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return false;
	if (connect(s->fd, (const struct sockaddr *)&address, sizeof(address)) != 0) {
		close(s->fd);
		s->fd = -1;
		return false;
	}
	buf_init(&s->in, EDGE_ANSWER_MAX);
	buf_init(&s->out, EDGE_QUESTION_MAX);
	s->io = loop_io_new(s->loop, s->fd, LOOP_READ, on_ready, s);
	greet(s);
	return true;
}

bool
edge_socket_is_up(const struct edge_socket *s)
{
	return s->is_up;
}

bool
edge_socket_is_silent(const struct edge_socket *s)
{
	return s->is_silent;
}

void
edge_socket_move(struct edge_socket *s, const char *path)
{
	CHECK(s->fd < 0);
	CHECK(str_copy(s->path, sizeof(s->path), str_of(path)));
}
