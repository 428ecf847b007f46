/* fuzz_edge.c - the edge against an HAProxy that says anything at times: each effect is answered once
 * and within its time, and what is sent to HAProxy is one command a line.
 *
 * The first line names the effects with the place of their stage (SYNC compares with the store, LOOK
 * asks for the servers' numbers); the rest is what HAProxy says: see haproxy_model.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "fuzz.h"
#include "haproxy_model.h"
#include "port_bed.h"
#include "ports/edge_inside.h"
#include "scripted_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { EFFECTS_MAX = 8, WAIT_MS = 2 * 3600000, TURNS_MAX = 60000, IDLE_TURNS = 40 };

static struct port_bed *bed;
static struct edge *edge;
static char directory[64];

static uint64_t
stage_live(void *context UNUSED, uint64_t stage)
{
	for (size_t place = 0; place < BED_STAGES; place++)
		if (port_bed_stage(place) == stage)
			return port_bed_live(place);
	return 0;
}

static bool
stage_is_busy(void *context UNUSED, uint64_t stage)
{
	return stage == port_bed_stage(0);
}

/* The probe is answered by the deploy that is under way. */
static void
model(const char *method UNUSED, const char *url UNUSED, struct buf *part)
{
	static unsigned replica;

	buf_format(part, "200\n" EDGE_INSTANCE_HEADER ": d2r%u\n\n", replica++ % 2);
}

static void
set_up(void)
{
	if (directory[0] != '\0')
		return;
	snprintf(directory, sizeof(directory), "%s/slipway-fuzz-edge.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	CHECK(mkdtemp(directory) != NULL);
}

static void
forget_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
}

static void
tear_down(void)
{
	forget_file("haproxy.cfg");
	forget_file("hosts.map");
	forget_file("fault");
	forget_file("probe.secret");
	rmdir(directory);
	directory[0] = '\0';
}

static void
turn(int count)
{
	for (int i = 0; i < count; i++) {
		loop_turn(bed->host.loop, true);
		clock_tick();
	}
}

static void
perform(enum effect_kind kind, enum event_kind good, size_t place)
{
	struct effect effect = port_bed_effect(kind, place);
	uint32_t before = bed->answers;

	edge_perform(edge, &effect);
	CHECK(bed->answers > before || port_bed_wait(bed, WAIT_MS, TURNS_MAX));
	CHECK(bed->answers == before + 1);
	CHECK(bed->last.to == effect.actor && bed->last.epoch == effect.epoch);
	CHECK(bed->last.kind == good || bed->last.kind == EV_REFUSED
	      || bed->last.kind == EV_TROUBLED);
}

static void
look(size_t place)
{
	struct edge_server_status status[8];
	size_t count;

	edge_status(edge, port_bed_stage(place), status, COUNT(status));
	turn(IDLE_TURNS);
	count = edge_status(edge, port_bed_stage(place), status, COUNT(status));
	for (size_t i = 0; i < count && i < COUNT(status); i++)
		CHECK(status[i].state != NULL && strlen(status[i].address) < 64);
}

static void
check_mirror(void)
{
	CHECK(edge->pool_count <= EDGE_BACKENDS_MAX);
	for (size_t i = 0; i < edge->pool_count; i++) {
		CHECK(edge->pool[i]->server_count <= EDGE_SERVERS_MAX);
		CHECK(edge->pool[i]->tcp_port == 0);
		CHECK(edge->pool[i]->stage == NULL
		      || edge->pool[i]->stage->http == edge->pool[i]);
	}
	for (struct edge_stage *s = edge->stages; s != NULL; s = s->next) {
		CHECK(s->tcp == NULL || s->tcp->tcp_port != 0);
		for (size_t i = 0; i < s->domain_count; i++)
			CHECK(
			    s->domains[i][0] != '\0' && fuzz_is_plain(str_of(s->domains[i])));
	}
}

static void
take_word(struct str word, size_t place)
{
	if (str_is(word, "SWITCH"))
		perform(FX_SWITCH, EV_SWITCHED, place);
	else if (str_is(word, "CONFIRM"))
		perform(FX_CONFIRM, EV_CONFIRMED, place);
	else if (str_is(word, "RESTORE"))
		perform(FX_RESTORE, EV_RESTORED, place);
	else if (str_is(word, "DRAIN"))
		perform(FX_DRAIN, EV_DRAINED, place);
	else if (str_is(word, "LOOK"))
		look(place);
	else if (str_is(word, "SYNC"))
		edge_sync(edge);
	turn(IDLE_TURNS);
	check_mirror();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct address http = { "127.0.0.1:8080", "127.0.0.1", 8080 };
	struct edge_settings settings = { .haproxy = "/bin/true",
		.http = { &http, 1 },
		.is_kept_elsewhere = true,
		.stage_live = stage_live,
		.stage_is_busy = stage_is_busy };
	struct haproxy_model *haproxy;
	struct str words;
	struct str rest = str_cut((struct str){ (const char *)data, size }, '\n', &words);
	struct err err;

	bed = port_bed();
	set_up();
	settings.directory = directory;
	script_set(STR(""), NULL, NULL);
	script_set_model(model);
	script_repeat_model();
	haproxy = haproxy_model_new(bed->host.loop, directory, rest);
	edge = edge_new(&bed->host, &settings, &err);
	CHECK(edge != NULL);
	turn(IDLE_TURNS);
	for (int i = 0; words.n > 0 && i < EFFECTS_MAX; i++) {
		struct str word;
		struct str place;
		uint64_t number = 0;

		words = str_cut(words, ' ', &word);
		words = str_cut(words, ' ', &place);
		(void)!str_number(place, BED_STAGES - 1, &number);
		take_word(word, (size_t)number);
	}
	edge_free(edge);
	haproxy_model_free(haproxy);
	port_bed_end(bed);
	tear_down();
	return 0;
}
