/* fuzz_streams.c - streams come in pieces of any size: Docker's log frames, lines, and server-sent
 * events say the same however they are cut. */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/sse.h"
#include "cli/words.h"
#include "fuzz.h"
#include "ports/docker_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEARD_MAX = 64 << 20, WAYS = 3 };

static void
hear_frame_line(void *context, bool is_error_stream, struct str line)
{
	CHECK(line.n < LOG_LINE_SIZE && memchr(line.p, '\n', line.n) == NULL);
	buf_char(context, is_error_stream ? '2' : '1');
	buf_str(context, line);
	buf_char(context, '\n');
}

static void
hear_line(void *context, struct str line)
{
	CHECK(memchr(line.p, '\n', line.n) == NULL);
	buf_str(context, line);
	buf_char(context, '\n');
}

static bool
hear_event(void *context, const struct sse_event *event)
{
	CHECK(strlen(event->name) < SSE_NAME_SIZE);
	buf_format(context, "%s %zu ", event->name, event->data.n);
	buf_str(context, event->data);
	buf_char(context, '\n');
	return !str_is(event->data, "enough");
}

/* way 0: at once; 1: byte by byte; else in pieces. */
static char *
cut(struct str *rest, int way, uint64_t *seed, struct str *ret_piece)
{
	return fuzz_piece(rest, seed, way == 1 ? 1 : 40, ret_piece);
}

static void
hear_frames(struct str input, int way, struct buf *heard)
{
	uint64_t seed = fuzz_seed(input);
	struct frames frames;
	struct str piece;
	char *memory;

	frames_init(&frames);
	if (way == 0)
		frames_feed(&frames, input, hear_frame_line, heard);
	while (way != 0 && (memory = cut(&input, way, &seed, &piece)) != NULL) {
		frames_feed(&frames, piece, hear_frame_line, heard);
		free(memory);
	}
	frames_end(&frames, hear_frame_line, heard);
}

static void
hear_lines(struct str input, int way, struct buf *heard)
{
	uint64_t seed = fuzz_seed(input);
	struct str piece;
	struct buf pending;
	char *memory;

	buf_init(&pending, 64);
	if (way == 0)
		lines_feed(&pending, input, hear_line, heard);
	while (way != 0 && (memory = cut(&input, way, &seed, &piece)) != NULL) {
		lines_feed(&pending, piece, hear_line, heard);
		free(memory);
	}
	lines_end(&pending, hear_line, heard);
	buf_free(&pending);
}

static void
hear_events(struct str input, int way, struct buf *heard)
{
	uint64_t seed = fuzz_seed(input);
	bool goes_on = true;
	struct str piece;
	struct sse sse;
	char *memory;

	sse_init(&sse);
	if (way == 0)
		goes_on = sse_feed(&sse, input, hear_event, heard);
	while (way != 0 && goes_on && (memory = cut(&input, way, &seed, &piece)) != NULL) {
		goes_on = sse_feed(&sse, piece, hear_event, heard);
		free(memory);
	}
	buf_format(heard, "%d %s\n", goes_on, sse.last_id);
	CHECK(strpbrk(sse.last_id, "\r\n") == NULL); /* it goes back in a header */
	sse_restart(&sse);
	sse_free(&sse);
}

static void
compare(struct str input, void (*hear)(struct str input, int way, struct buf *heard))
{
	struct buf heard[WAYS];

	for (int way = 0; way < WAYS; way++) {
		buf_init(&heard[way], HEARD_MAX);
		hear(input, way, &heard[way]);
		CHECK(!heard[way].overflow);
		CHECK(heard[way].n == heard[0].n);
		CHECK(heard[0].n == 0 || memcmp(heard[way].p, heard[0].p, heard[0].n) == 0);
	}
	for (int way = 0; way < WAYS; way++)
		buf_free(&heard[way]);
}

/* What others wrote does not steer the terminal: at most it sets colours. */
static void
check_words(struct str input)
{
	struct buf out;

	buf_init(&out, HEARD_MAX);
	words_clean(&out, input, false);
	CHECK(fuzz_is_plain(buf_view(&out)));
	CHECK(words_cut(buf_view(&out), 7).n <= out.n);
	CHECK(words_width(words_cut(buf_view(&out), 7)) <= 7);
	buf_clear(&out);
	words_clean(&out, input, true);
	for (size_t i = 0; i < out.n; i++) {
		size_t end = i + 1;

		if ((unsigned char)out.p[i] != 0x1b) {
			CHECK((unsigned char)out.p[i] >= 0x20 && out.p[i] != 0x7f);
			continue;
		}
		CHECK(end < out.n && out.p[end] == '[');
		for (end++; end < out.n && strchr("0123456789;:", out.p[end]) != NULL; end++)
			;
		CHECK(end < out.n && out.p[end] == 'm');
		i = end;
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = { (const char *)data, size };

	compare(input, hear_frames);
	compare(input, hear_lines);
	compare(input, hear_events);
	check_words(input);
	return 0;
}
