/* real.c - the outside of the program that plays on real ports.
 *
 * The one idea: src/serve/ports.c does what it does in the server, and whoever runs this
 * program owns the engine, the registry and the edge. What others do to them is asked of him, a
 * line on standard output that begins with "! ", and what he saw is a line on standard input. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/loop.h"
#include "conformance.h"
#include "serve/ports.h"

enum { PATIENCE_US = 45000000, PAUSE_US = 300000, LOOK_MS = 100 };

static struct settings *settings;
static struct loop_timer *timer;
static int64_t until_us;

static void
on_timer(void *context UNUSED)
{
	loop_timer_set(timer, LOOK_MS);
}

static const char *
environment(const char *name)
{
	const char *value = getenv(name);

	if (value == NULL) {
		fprintf(stderr, "%s is not set: tests/integration/test_conformance.py does\n",
		    name);
		exit(2);
	}
	return value;
}

void
outside_open(struct outside_parts *ret_parts)
{
	*ret_parts = (struct outside_parts){ .registry = environment("CONFORMANCE_REGISTRY"),
		.engine = environment("CONFORMANCE_ENGINE"),
		.receiver = environment("CONFORMANCE_RECEIVER") };
	settings = settings_load(environ);
	if (settings->faults.count > 0) {
		fprintf(stderr, "%s\n", settings->faults.items[0].text);
		exit(2);
	}
	app.settings = settings;
	app.loop = loop_new();
	timer = loop_timer_new(app.loop, on_timer, NULL);
	loop_timer_set(timer, LOOK_MS);
	clock_tick();
}

void
outside_ready(void)
{
	struct err err;

	if (ports_open(&app, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(2);
	}
	ports_start(&app);
}

void
outside_know(uint64_t deploy UNUSED, uint64_t stage UNUSED, int place UNUSED)
{
}

bool
outside_turn(bool is_first)
{
	if (is_first)
		until_us = clock_mono_us() + PATIENCE_US;
	clock_tick();
	loop_turn(app.loop, true);
	return clock_mono_us() < until_us;
}

void
outside_pause(void)
{
	int64_t end_us = clock_mono_us() + PAUSE_US;

	while (clock_mono_us() < end_us)
		outside_turn(true);
}

struct line {
	struct buf bytes;
	bool is_whole;
};

static void
on_input(void *context, int ready UNUSED)
{
	struct line *line = context;
	char c;

	if (read(STDIN_FILENO, &c, 1) != 1)
		exit(2); /* nobody is there any more */
	if (c == '\n')
		line->is_whole = true;
	else
		buf_char(&line->bytes, c);
}

/* The ports go on meanwhile, as they do in the server while something happens outside. */
void
outside_do(const char *statement, struct buf *said)
{
	struct line line = { .is_whole = false };
	struct loop_io *io;

	buf_init(&line.bytes, SAID_SIZE);
	printf("! %s\n", statement);
	fflush(stdout);
	io = loop_io_new(app.loop, STDIN_FILENO, LOOP_READ, on_input, &line);
	while (!line.is_whole) {
		clock_tick();
		loop_turn(app.loop, true);
	}
	loop_io_free(io);
	buf_str(said, buf_view(&line.bytes));
	buf_free(&line.bytes);
}

void
outside_restart(void)
{
	ports_close(&app);
	outside_ready();
}

void
outside_close(void)
{
	ports_close(&app);
	loop_timer_free(timer);
	loop_free(app.loop);
	settings_free(settings);
}
