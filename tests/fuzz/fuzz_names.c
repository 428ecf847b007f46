/* fuzz_names.c - what strangers send to the name server, what it could answer, and its file. The first
 * byte says which: 'f' a file, 'a' an answer, else a packet. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ports/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARK "1a2b3c4d"

static void
fill(struct names *names)
{
	struct err err;

	CHECK(names_parse(STR("slipway-names 1 " MARK "\n"
			      "7 56 0 former 10.0.0.1:8080 127.0.0.1:8953\n"
			      "7 57 0 live 10.0.0.2:8080 127.0.0.1:8953\n"
			      "7 57 1 live [fd00::2]:8080 127.0.0.1:8953\n"
			      "42 3 0 live 127.0.0.1:32771 127.0.0.1:8953\n"),
		  names, &err)
	      == 0);
}

/* What is understood is the same when it is written and read again. */
static void
take_file(struct str text)
{
	struct names first = { .targets = NULL };
	struct names second = { .targets = NULL };
	struct err err = { "" };
	struct buf written;
	struct buf again;

	if (names_parse(text, &first, &err) != 0) {
		CHECK(err.text[0] != '\0' && first.count == 0);
		return;
	}
	buf_init(&written, NAMES_FILE_MAX);
	buf_init(&again, NAMES_FILE_MAX);
	names_write(&first, &written);
	CHECK(names_parse(buf_view(&written), &second, &err) == 0);
	names_write(&second, &again);
	CHECK(written.n == again.n && memcmp(written.p, again.p, written.n) == 0);
	names_free(&first);
	names_free(&second);
	buf_free(&written);
	buf_free(&again);
}

static void
take_packet(const struct names *names, struct str packet, bool is_udp)
{
	struct buf answer;

	buf_init(&answer, NAMES_TCP_MAX);
	if (names_answer(names, packet, is_udp, &answer)) {
		struct buf none;

		CHECK(packet.n >= 12 && answer.n >= 12 && memcmp(answer.p, packet.p, 2) == 0);
		CHECK((answer.p[2] & 0x80) != 0 && (packet.p[2] & 0x80) == 0);
		CHECK(!is_udp || answer.n <= NAMES_UDP_MAX);
		buf_init(&none, NAMES_TCP_MAX); /* an answer is never answered */
		CHECK(!names_answer(names, buf_view(&answer), is_udp, &none) && none.n == 0);
		buf_free(&none);
	}
	buf_free(&answer);
}

static void
take_answer(struct str answer)
{
	struct name_target targets[REPLICAS_MAX];
	struct buf query;
	size_t count = 0;

	buf_init(&query, NAMES_QUERY_MAX);
	names_ask(MARK, 7, 0x3031, &query);
	if (names_read_answer(MARK, buf_view(&query), answer, targets, REPLICAS_MAX, &count)
	    == 0)
		for (size_t i = 0; i < count; i++)
			CHECK(
			    targets[i].replica < REPLICAS_MAX && targets[i].address[0] == ':');
	CHECK(count <= REPLICAS_MAX);
	buf_free(&query);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names names = { .targets = NULL };
	char *exact;
	struct str text;

	if (size == 0)
		return 0;
	exact = malloc(size);
	CHECK(exact != NULL);
	memcpy(exact, data + 1, size - 1);
	text = (struct str){ exact, size - 1 };
	fill(&names);
	if (data[0] == 'f')
		take_file(text);
	else if (data[0] == 'a')
		take_answer(text);
	else {
		take_packet(&names, text, true);
		take_packet(&names, text, false);
	}
	names_free(&names);
	free(exact);
	return 0;
}
