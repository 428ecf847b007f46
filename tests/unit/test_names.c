/* test_names.c - the names that Caddy asks for: the table, its file, DNS both ways and from strangers, and
 * the server of the keeper over real sockets. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/loop.h"
#include "ports/names.h"
#include "ports/names_check.h"
#include "ports/names_server.h"

enum { SRV = 33, A = 1, AAAA = 28, TXT = 16, WAIT_MS = 10000 };

static struct name_target
target(uint64_t stage, uint64_t deploy, int replica, const char *address)
{
	struct name_target t = {
		.stage = stage, .deploy = deploy, .replica = replica, .is_live = true
	};

	snprintf(t.address, sizeof(t.address), "%s", address);
	snprintf(t.listen, sizeof(t.listen), "127.0.0.1:8953");
	return t;
}

static void
put(struct names *names, uint64_t stage, uint64_t deploy, const char *address)
{
	struct name_target t = target(stage, deploy, 0, address);

	snprintf(names->mark, sizeof(names->mark), "1a2b3c4d");
	names_put(names, &t, 1);
}

/* Questions and answers, taken apart by hand: the other half of what is tested. */

static size_t
question(unsigned char packet[512], const char *name, unsigned type, bool has_edns)
{
	struct str rest = str_of(name);
	size_t n = 12;

	memset(packet, 0, 512);
	packet[0] = 0x12;
	packet[1] = 0x34;
	packet[2] = 1; /* recursion is desired */
	packet[5] = 1;
	packet[11] = has_edns ? 1 : 0;
	while (rest.n > 0) {
		struct str label;

		rest = str_cut(rest, '.', &label);
		packet[n++] = (unsigned char)label.n;
		memcpy(packet + n, label.p, label.n);
		n += label.n;
	}
	n++;
	packet[n + 1] = (unsigned char)type;
	packet[n + 3] = 1;
	n += 4;
	if (has_edns) {
		packet[n + 2] = 41;
		packet[n + 3] = 1232 >> 8;
		packet[n + 4] = 1232 & 0xff;
		n += 11;
	}
	return n;
}

struct said {
	unsigned flags;
	unsigned code;
	unsigned count;
	unsigned more; /* records behind the answers */
	size_t size;
	char text[4096]; /* "33 0 1 8080 d57r0.s42... | 1 10.0.0.2" */
};

static unsigned
at_16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static size_t
read_name(const unsigned char *p, size_t at, char *to)
{
	size_t used = 0;

	if (p[at] == 0xc0)
		return at + 2;
	while (p[at] != 0) {
		memcpy(to + used, p + at + 1, p[at]);
		used += p[at];
		to[used++] = '.';
		at += p[at] + 1u;
	}
	to[used] = '\0';
	return at + 1;
}

static void
read_records(const unsigned char *p, size_t at, struct said *said)
{
	for (unsigned i = 0; i < said->count; i++) {
		char name[300] = "";
		char one[400] = "";
		unsigned type;
		unsigned n;

		at = read_name(p, at, name);
		type = at_16(p + at);
		assert_int_equal(at_16(p + at + 2), 1);
		assert_int_equal(at_16(p + at + 4) + at_16(p + at + 6), 0); /* TTL */
		n = at_16(p + at + 8);
		at += 10;
		if (type == SRV) {
			read_name(p, at + 6, name);
			snprintf(one, sizeof(one), "%u %u %u %s", at_16(p + at),
			    at_16(p + at + 2), at_16(p + at + 4), name);
		} else
			assert_non_null(
			    inet_ntop(type == A ? AF_INET : AF_INET6, p + at, one, 60));
		at += n;
		assert_true(at <= said->size);
		snprintf(said->text + strlen(said->text),
		    sizeof(said->text) - strlen(said->text), "%s%s", i > 0 ? " | " : "", one);
	}
}

static bool
exchange(
    const struct names *names, const void *packet, size_t n, bool is_udp, struct said *ret)
{
	struct buf answer;
	const unsigned char *p;
	char ignored[300];
	bool is_answered;

	*ret = (struct said){ .flags = 0 };
	buf_init(&answer, NAMES_TCP_MAX);
	is_answered = names_answer(names, (struct str){ packet, n }, is_udp, &answer);
	if (is_answered) {
		p = (const unsigned char *)answer.p;
		ret->size = answer.n;
		assert_true(answer.n >= 12 && answer.n <= (is_udp ? 1232 : 65535));
		assert_memory_equal(p, packet, 2);
		ret->flags = at_16(p + 2);
		ret->code = ret->flags & 15;
		ret->count = at_16(p + 6);
		ret->more = at_16(p + 10);
		assert_true((ret->flags & 0x8000) != 0);
		if (ret->count > 0)
			read_records(p, read_name(p, 12, ignored) + 4, ret);
	}
	buf_free(&answer);
	return is_answered;
}

static struct said
ask(const struct names *names, const char *name, unsigned type)
{
	unsigned char packet[512];
	struct said said;

	assert_true(exchange(names, packet, question(packet, name, type, true), true, &said));
	return said;
}

static void
expect(const struct names *names, const char *name, unsigned type, unsigned code,
    const char *text)
{
	struct said said = ask(names, name, type);

	if (said.code != code || strcmp(said.text, text) != 0)
		fail_msg("%s (%u): code %u, '%s'", name, type, said.code, said.text);
}

#define ZONE ".1a2b3c4d.slipway.internal"

static void
a_stage_is_told(void **state)
{
	struct names names = { .targets = NULL };
	struct name_target two[2] = { target(7, 57, 0, "10.0.0.2:8080"),
		target(7, 57, 1, "[fd00::2]:81") };

	(void)state;
	put(&names, 42, 3, "127.0.0.1:32771");
	names_put(&names, two, 2);
	expect(&names, "s42" ZONE, SRV, 0, "0 1 32771 d3r0.s42" ZONE ".");
	expect(&names, "s7" ZONE, SRV, 0,
	    "0 1 8080 d57r0.s7" ZONE ". | 0 1 81 d57r1.s7" ZONE ".");
	expect(&names, "S7.1A2B3c4d.SlipWay.Internal", SRV, 0,
	    "0 1 8080 d57r0.s7" ZONE ". | 0 1 81 d57r1.s7" ZONE ".");
	expect(&names, "d57r0.s7" ZONE, A, 0, "10.0.0.2");
	expect(&names, "d57r0.s7" ZONE, AAAA, 0, "");
	expect(&names, "d57r1.s7" ZONE, AAAA, 0, "fd00::2");
	expect(&names, "d57r1.s7" ZONE, A, 0, "");
	expect(&names, "s7" ZONE, A, 0, "");
	expect(&names, "s7" ZONE, TXT, 0, "");
	expect(&names, "1a2b3c4d.slipway.internal", SRV, 0, "");
	assert_int_equal(ask(&names, "s7" ZONE, SRV).flags, 0x8500);
	names_drop(&names, 7);
	expect(&names, "s7" ZONE, SRV, 3, "");
	expect(&names, "s42" ZONE, SRV, 0, "0 1 32771 d3r0.s42" ZONE ".");
	names_free(&names);
}

static void
nothing_else_is_told(void **state)
{
	static const char *const unknown[] = { "s8" ZONE, "s07" ZONE, "x.s7" ZONE, "s7x" ZONE,
		"d3r1.s7" ZONE, "d4r0.s7" ZONE, "d3r0.s8" ZONE, "x" ZONE, "d3r0" ZONE,
		"s" ZONE, "s7.s7" ZONE, "a.b.c.d.e" ZONE, "d3r0.s7.x" ZONE };
	static const char *const foreign[] = { "example.org", "internal", "slipway.internal",
		"s7.ffffffff.slipway.internal", "x1a2b3c4d.slipway.internal", "",
		"s7" ZONE ".org" };
	struct names names = { .targets = NULL };

	(void)state;
	expect(&names, "s7" ZONE, SRV, 5, ""); /* an empty table has no zone */
	put(&names, 7, 3, "127.0.0.1:1");
	for (size_t i = 0; i < COUNT(unknown); i++)
		expect(&names, unknown[i], SRV, 3, "");
	for (size_t i = 0; i < COUNT(foreign); i++)
		expect(&names, foreign[i], SRV, 5, "");
	names_free(&names);
}

static void
a_switch_keeps_the_former_known(void **state)
{
	struct names names = { .targets = NULL };

	(void)state;
	put(&names, 7, 3, "127.0.0.1:1001");
	put(&names, 7, 4, "127.0.0.2:1002");
	expect(&names, "s7" ZONE, SRV, 0, "0 1 1002 d4r0.s7" ZONE ".");
	expect(&names, "d3r0.s7" ZONE, A, 0, "127.0.0.1"); /* for requests on their way */
	put(&names, 7, 4, "127.0.0.3:1002"); /* again: still the same two */
	expect(&names, "d4r0.s7" ZONE, A, 0, "127.0.0.3");
	expect(&names, "d3r0.s7" ZONE, A, 0, "127.0.0.1");
	put(&names, 7, 3, "127.0.0.1:1001"); /* back */
	expect(&names, "s7" ZONE, SRV, 0, "0 1 1001 d3r0.s7" ZONE ".");
	expect(&names, "d4r0.s7" ZONE, A, 0, "127.0.0.3");
	put(&names, 7, 5, "127.0.0.5:1005");
	expect(&names, "d4r0.s7" ZONE, A, 3, "");
	assert_int_equal(names.count, 2);
	names_free(&names);
}

static void
targets_are_compared(void **state)
{
	struct names names = { .targets = NULL };
	struct name_target two[2] = { target(7, 57, 0, "10.0.0.2:80"),
		target(7, 57, 1, "10.0.0.3:80") };
	struct name_target other[2] = { two[1], two[0] };

	(void)state;
	assert_false(names_has(&names, two, 2));
	put(&names, 7, 56, "10.0.0.1:80");
	names_put(&names, two, 2);
	assert_true(names_has(&names, two, 2));
	assert_true(names_has(&names, other, 2));
	assert_false(names_has(&names, two, 1));
	other[0] = target(7, 57, 1, "10.0.0.4:80");
	assert_false(names_has(&names, other, 2));
	other[0] = target(7, 58, 1, "10.0.0.3:80");
	assert_false(names_has(&names, other, 2));
	other[0] = two[1];
	snprintf(other[0].listen, sizeof(other[0].listen), "127.0.0.1:9999");
	assert_false(names_has(&names, other, 2));
	names_free(&names);
}

static void
the_file_is_read_as_written(void **state)
{
	struct names names = { .targets = NULL };
	struct names other = { .targets = NULL };
	struct buf text;
	struct buf again;
	struct err err;

	(void)state;
	put(&names, 7, 3, "127.0.0.1:1001");
	put(&names, 7, 4, "[::1]:1002");
	put(&names, 2, 9, "10.0.0.9:80");
	buf_init(&text, NAMES_FILE_MAX);
	buf_init(&again, NAMES_FILE_MAX);
	names_write(&names, &text);
	assert_string_equal(buf_cstr(&text), "slipway-names 1 1a2b3c4d\n"
					     "2 9 0 live 10.0.0.9:80 127.0.0.1:8953\n"
					     "7 3 0 former 127.0.0.1:1001 127.0.0.1:8953\n"
					     "7 4 0 live [::1]:1002 127.0.0.1:8953\n");
	assert_int_equal(names_parse(buf_view(&text), &other, &err), 0);
	names_write(&other, &again);
	assert_string_equal(buf_cstr(&again), buf_cstr(&text));
	names_free(&names);
	names_free(&other);
	buf_free(&text);
	buf_free(&again);
}

static void
a_broken_file_is_refused_whole(void **state)
{
	static const char *const broken[] = { "", "slipway-names 2 1a2b3c4d\n",
		"slipway-names 1 \n", "slipway-names 1 1A2B\n", "slipway-names 1 a.b\n",
		"slipway-names 1 123456789\n",
		"slipway-names 1 x\n7 3 0 live 127.0.0.1:1001\n",
		"slipway-names 1 x\n7 3 0 live 127.0.0.1:1001 127.0.0.1:53 more\n",
		"slipway-names 1 x\n7 3 0 dead 127.0.0.1:1001 127.0.0.1:53\n",
		"slipway-names 1 x\n7 3 16 live 127.0.0.1:1001 127.0.0.1:53\n",
		"slipway-names 1 x\n-7 3 0 live 127.0.0.1:1001 127.0.0.1:53\n",
		"slipway-names 1 x\n7 3 0 live host:1001 127.0.0.1:53\n",
		"slipway-names 1 x\n7 3 0 live 127.0.0.1:0 127.0.0.1:53\n",
		"slipway-names 1 x\n7 3 0 live 127.0.0.1:1 localhost:53\n",
		"slipway-names 1 x\n7 3 0 live 127.0.0.1:1 127.0.0.1:53\n\n" };
	struct names names = { .targets = NULL };
	struct err err;

	(void)state;
	put(&names, 7, 3, "127.0.0.1:1001");
	for (size_t i = 0; i < COUNT(broken); i++)
		if (names_parse(str_of(broken[i]), &names, &err) == 0)
			fail_msg("accepted: %s", broken[i]);
	assert_int_equal(names.count, 1);
	names_free(&names);
}

static void
sixteen_replicas_fit_into_a_packet(void **state)
{
	struct names names = { .targets = NULL };
	struct name_target many[REPLICAS_MAX];
	unsigned char packet[512];
	struct said said;
	size_t n;

	(void)state;
	put(&names, 1, 1, "127.0.0.1:1");
	for (int i = 0; i < REPLICAS_MAX; i++)
		many[i] = target(1234567, 12345678, i, "[fd00:1111:2222::3333]:65535");
	names_put(&names, many, REPLICAS_MAX);
	assert_int_equal(ask(&names, "s1234567" ZONE, SRV).count, REPLICAS_MAX);
	/* Who says nothing of its size gets 512 bytes and may come again by TCP. */
	n = question(packet, "s1234567" ZONE, SRV, false);
	assert_true(exchange(&names, packet, n, true, &said));
	assert_true((said.flags & 0x0200) != 0 && said.count == 0 && said.size <= 512);
	assert_int_equal(said.more, 0);
	assert_true(exchange(&names, packet, n, false, &said));
	assert_true((said.flags & 0x0200) == 0 && said.count == REPLICAS_MAX);
	names_free(&names);
}

static void
odd_questions_get_their_codes(void **state)
{
	struct names names = { .targets = NULL };
	unsigned char packet[512];
	struct said said;
	size_t n;

	(void)state;
	put(&names, 7, 3, "127.0.0.1:1001");
	n = question(packet, "s7" ZONE, SRV, true);
	packet[2] |= 0x80; /* an answer is never answered */
	assert_false(exchange(&names, packet, n, true, &said));
	packet[2] = 0x29; /* an update */
	assert_true(exchange(&names, packet, n, true, &said));
	assert_int_equal(said.code, 4);
	n = question(packet, "s7" ZONE, SRV, true);
	packet[5] = 2;
	assert_true(exchange(&names, packet, n, true, &said));
	assert_int_equal(said.code, 1);
	n = question(packet, "s7" ZONE, SRV, true);
	packet[n - 5] = 1; /* a later version of EDNS */
	assert_true(exchange(&names, packet, n, true, &said));
	assert_int_equal(said.code, 0);
	assert_int_equal(said.more, 1);
	assert_int_equal(said.count, 0);
	n = question(packet, "s7" ZONE, SRV, false);
	packet[n - 1] = 3; /* class CHAOS */
	assert_true(exchange(&names, packet, n, true, &said));
	assert_int_equal(said.code, 5);
	names_free(&names);
}

/* Whatever comes, nothing is read behind its end (the sanitizer looks) and no answer is too large. */
static void
hostile_packets_do_no_harm(void **state)
{
	struct names names = { .targets = NULL };
	unsigned char packet[512];
	struct said said;
	size_t n;

	(void)state;
	put(&names, 7, 3, "127.0.0.1:1001");
	n = question(packet, "s7" ZONE, SRV, true);
	for (size_t cut = 0; cut <= n; cut++) {
		unsigned char *exact = malloc(cut == 0 ? 1 : cut);

		memcpy(exact, packet, cut);
		assert_true(exchange(&names, exact, cut, true, &said) == (cut >= 12));
		if (cut < n)
			assert_true(cut < 12 || said.code == 1);
		free(exact);
	}
	for (size_t i = 0; i < n; i++)
		for (unsigned value = 0; value < 256; value += 3) {
			unsigned char *exact = malloc(n);

			memcpy(exact, packet, n);
			exact[i] = (unsigned char)value;
			(void)exchange(&names, exact, n, value % 2 == 0, &said);
			free(exact);
		}
	srand(7);
	for (int round = 0; round < 20000; round++) {
		size_t size = (size_t)rand() % 64;
		unsigned char *exact = malloc(size + 1);

		for (size_t i = 0; i < size; i++)
			exact[i] = (unsigned char)(rand() % (round % 2 == 0 ? 256 : 5));
		(void)exchange(&names, exact, size, true, &said);
		free(exact);
	}
	names_free(&names);
}

static void
feed(struct str query, const char *answer, size_t n)
{
	struct name_target read[REPLICAS_MAX];
	size_t count = 0;

	if (names_read_answer(
		"1a2b3c4d", query, (struct str){ answer, n }, read, REPLICAS_MAX, &count)
	    == 0)
		assert_true(count <= 2);
}

static void
an_answer_is_read(void **state)
{
	struct names names = { .targets = NULL };
	struct name_target two[2] = { target(7, 57, 0, "10.0.0.2:8080"),
		target(7, 57, 1, "[fd00::2]:81") };
	struct name_target read[REPLICAS_MAX];
	struct buf query;
	struct buf answer;
	size_t count = 99;

	(void)state;
	put(&names, 1, 1, "127.0.0.1:1");
	names_put(&names, two, 2);
	buf_init(&query, NAMES_QUERY_MAX);
	buf_init(&answer, NAMES_TCP_MAX);
	names_ask("1a2b3c4d", 7, 0xabcd, &query);
	assert_true(names_answer(&names, buf_view(&query), true, &answer));
	assert_int_equal(names_read_answer("1a2b3c4d", buf_view(&query), buf_view(&answer),
			     read, REPLICAS_MAX, &count),
	    0);
	assert_int_equal(count, 2);
	assert_int_equal(read[1].deploy, 57);
	assert_int_equal(read[1].replica, 1);
	assert_string_equal(read[1].address, ":81");
	assert_int_equal(names_read_answer(
			     "1a2b3c4d", buf_view(&query), buf_view(&answer), read, 1, &count),
	    -1);
	for (size_t i = 0; i < answer.n; i++) { /* hostile: each byte, each length */
		char *exact = malloc(answer.n);

		memcpy(exact, answer.p, answer.n);
		exact[i] = (char)(exact[i] ^ 0x55);
		feed(buf_view(&query), exact, answer.n);
		exact = realloc(exact, i + 1);
		memcpy(exact, answer.p, i + 1);
		feed(buf_view(&query), exact, i + 1);
		free(exact);
	}
	answer.p[1] ^= 1; /* of another question */
	assert_int_equal(names_read_answer("1a2b3c4d", buf_view(&query), buf_view(&answer),
			     read, REPLICAS_MAX, &count),
	    -1);
	buf_free(&query);
	buf_free(&answer);
	names_free(&names);
}

static void
target_names_are_parsed(void **state)
{
	struct name_target t;

	(void)state;
	assert_true(names_parse_target("ab", str_of("d57r3.s42.ab.slipway.internal.:80"), &t));
	assert_true(t.deploy == 57 && t.replica == 3 && t.stage == 42);
	assert_true(names_parse_target("ab", str_of("d57r3.s42.ab.slipway.internal:80"), &t));
	assert_true(names_parse_target("ab", str_of("d57r3.s42.ab.slipway.internal"), &t));
	assert_false(names_parse_target("ab", str_of("d57r3.s42.abc.slipway.internal"), &t));
	assert_false(names_parse_target("ab", str_of("d57r3.s42.ab.slipway.internals"), &t));
	assert_false(names_parse_target("ab", str_of("d57r16.s42.ab.slipway.internal"), &t));
	assert_false(names_parse_target("ab", str_of("d57.s42.ab.slipway.internal"), &t));
	assert_false(names_parse_target("ab", str_of("10.0.0.1:80"), &t));
	assert_false(names_parse_target("ab", str_of(""), &t));
}

/* The server of the keeper, over sockets. */

static struct loop *loop;
static char directory[64];
static char file[96];
static char listen_at[2][32];

static int
bed(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	loop = loop_new();
	snprintf(directory, sizeof(directory), "/tmp/slipway-names-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(file, sizeof(file), "%s/names", directory);
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		socklen_t size = sizeof(address);
		int probe = socket(AF_INET, SOCK_STREAM, 0);

		assert_int_equal(bind(probe, (struct sockaddr *)&address, size), 0);
		assert_int_equal(getsockname(probe, (struct sockaddr *)&address, &size), 0);
		snprintf(listen_at[i], sizeof(listen_at[i]), "127.0.0.1:%d",
		    ntohs(address.sin_port));
		close(probe);
	}
	close(fd);
	return 0;
}

static int
bed_end(void **state)
{
	(void)state;
	unlink(file);
	rmdir(directory);
	loop_free(loop);
	return 0;
}

static void
write_file(uint64_t deploy, int where)
{
	struct name_target t = target(7, deploy, 0, "127.0.0.1:80");
	struct names names = { .mark = "1a2b3c4d" };
	struct buf text;
	struct err err;

	snprintf(t.listen, sizeof(t.listen), "%s", listen_at[where]);
	names_put(&names, &t, 1);
	buf_init(&text, NAMES_FILE_MAX);
	names_write(&names, &text);
	assert_int_equal(file_replace(file, buf_view(&text), &err), 0);
	buf_free(&text);
	names_free(&names);
}

static char trouble[256];
static bool is_over;

static void
on_checked(void *context, const char *why)
{
	(void)context;
	is_over = true;
	snprintf(trouble, sizeof(trouble), "%s", why == NULL ? "" : why);
}

/* Returns "" when the server tells just this deploy. */
static const char *
check(uint64_t deploy, int where, int64_t wait_ms)
{
	struct name_target t = target(7, deploy, 0, "127.0.0.1:80");

	snprintf(t.listen, sizeof(t.listen), "%s", listen_at[where]);
	is_over = false;
	names_check_new(loop, "1a2b3c4d", &t, 1, wait_ms, on_checked, NULL);
	while (!is_over)
		loop_turn(loop, true);
	return trouble;
}

static void
the_server_follows_the_file(void **state)
{
	struct names_server *server = names_server_new(loop, directory, false);
	struct err err;

	(void)state;
	assert_non_null(strstr(check(3, 0, 200), "nobody tells names on 127.0.0.1:"));
	write_file(3, 0);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	write_file(4, 0);
	assert_string_equal(check(4, 0, WAIT_MS), "");
	assert_non_null(strstr(check(5, 0, 200), "does not follow"));
	/* What cannot be read changes nothing. */
	assert_int_equal(file_replace(file, STR("slipway-names 1 1a2b3c4d\n7 7\n"), &err), 0);
	assert_string_equal(check(4, 0, WAIT_MS), "");
	write_file(5, 1); /* on another address, and no more on the first */
	assert_string_equal(check(5, 1, WAIT_MS), "");
	assert_non_null(strstr(check(5, 0, 200), "nobody"));
	names_server_free(server);
}

static void
another_server_is_noticed(void **state)
{
	struct names_server *server;
	char text[128];
	struct err err;

	(void)state;
	write_file(3, 0);
	server = names_server_new(loop, directory, false);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	/* With the file of another store it refuses what is not its own. */
	snprintf(text, sizeof(text), "slipway-names 1 ffffffff\n7 3 0 live 127.0.0.1:80 %s\n",
	    listen_at[0]);
	assert_int_equal(file_replace(file, str_of(text), &err), 0);
	assert_non_null(strstr(check(3, 0, 200), "another name server answers on"));
	names_server_free(server);
}

/* The one that stands by leaves the address to its owner, and takes it when that one has gone. */
static void
a_standby_takes_over(void **state)
{
	struct names_server *standby = names_server_new(loop, directory, true);
	struct names_server *owner;

	(void)state;
	write_file(3, 0);
	owner = names_server_new(loop, directory, false);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	names_server_free(owner);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	owner = names_server_new(loop, directory, false);
	names_server_free(standby);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	names_server_free(owner);
}

static int
call(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	address.sin_port = htons((uint16_t)strtoul(strchr(listen_at[0], ':') + 1, NULL, 10));
	(void)connect(fd, (struct sockaddr *)&address, sizeof(address));
	return fd;
}

static size_t
receive(int fd, unsigned char *to, size_t size)
{
	int64_t until_us = clock_mono_us() + WAIT_MS * 1000LL;
	size_t got = 0;

	while (got < size && clock_mono_us() < until_us) {
		ssize_t n = recv(fd, to + got, size - got, 0);

		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
		loop_turn(loop, false);
	}
	return got;
}

static void
it_answers_over_tcp_in_pieces(void **state)
{
	struct names_server *server;
	unsigned char packet[514];
	unsigned char answer[1024];
	unsigned char head[2];
	int fd;
	size_t n;

	(void)state;
	write_file(3, 0);
	server = names_server_new(loop, directory, false);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	fd = call();
	n = question(packet + 2, "s7" ZONE, SRV, false);
	packet[1] = (unsigned char)n;
	packet[0] = 0;
	for (int twice = 0; twice < 2; twice++) {
		for (size_t i = 0; i < n + 2; i++) { /* byte by byte */
			while (send(fd, packet + i, 1, MSG_NOSIGNAL) != 1)
				loop_turn(loop, false);
			loop_turn(loop, false);
		}
		assert_int_equal(receive(fd, head, 2), 2);
		assert_int_equal(receive(fd, answer, at_16(head)), at_16(head));
		assert_int_equal(at_16(answer + 6), 1);
	}
	packet[0] = 0xff; /* who announces too much is hung up on */
	assert_int_equal(send(fd, packet, 20, MSG_NOSIGNAL), 20);
	assert_int_equal(receive(fd, answer, 1), 0);
	close(fd);
	names_server_free(server);
}

static void
callers_are_bounded(void **state)
{
	struct names_server *server;
	int fds[NAMES_CONNECTIONS_MAX + 1];
	unsigned char byte;

	(void)state;
	write_file(3, 0);
	server = names_server_new(loop, directory, false);
	assert_string_equal(check(3, 0, WAIT_MS), "");
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = call();
		for (int turn = 0; turn < 20; turn++)
			loop_turn(loop, false);
	}
	assert_int_equal(receive(fds[NAMES_CONNECTIONS_MAX], &byte, 1), 0); /* hung up */
	assert_int_equal(recv(fds[0], &byte, 1, 0), -1); /* kept */
	assert_string_equal(check(3, 0, WAIT_MS), "");
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	names_server_free(server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stage_is_told),
		cmocka_unit_test(nothing_else_is_told),
		cmocka_unit_test(a_switch_keeps_the_former_known),
		cmocka_unit_test(targets_are_compared),
		cmocka_unit_test(the_file_is_read_as_written),
		cmocka_unit_test(a_broken_file_is_refused_whole),
		cmocka_unit_test(sixteen_replicas_fit_into_a_packet),
		cmocka_unit_test(odd_questions_get_their_codes),
		cmocka_unit_test(hostile_packets_do_no_harm),
		cmocka_unit_test(an_answer_is_read),
		cmocka_unit_test(target_names_are_parsed),
		cmocka_unit_test_setup_teardown(the_server_follows_the_file, bed, bed_end),
		cmocka_unit_test_setup_teardown(another_server_is_noticed, bed, bed_end),
		cmocka_unit_test_setup_teardown(a_standby_takes_over, bed, bed_end),
		cmocka_unit_test_setup_teardown(it_answers_over_tcp_in_pieces, bed, bed_end),
		cmocka_unit_test_setup_teardown(callers_are_bounded, bed, bed_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
