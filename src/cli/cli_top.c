/* cli_top.c - top: what the containers of a stage use. Two looks, a second apart, give the share of the
 * processors in between. */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 4096, BETWEEN_MS = 1000 };

struct look {
	bool is_there;
	int64_t at_ms;
	int64_t cpu_ns;
	int64_t memory_bytes;
	int64_t limit_bytes;
	int64_t processes;
};

/* One that is gone meanwhile is none. */
static enum cli_exit
look_at(struct invocation *in, const struct target *target, size_t replica, struct look *ret)
{
	struct answer answer;
	enum cli_exit code;
	struct buf path;
	char tail[64];

	snprintf(tail, sizeof(tail), "/instances/%zu/usage", replica);
	buf_init(&path, PATH_BYTES_MAX);
	stage_path(&path, target->project, target->stage, tail);
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	buf_free(&path);
	*ret = (struct look){ .is_there = code == CLI_OK };
	if (code == CLI_OK) {
		ret->at_ms = words_ms(answer.json, "at_ms");
		ret->cpu_ns = json_number(json_get(answer.json, "cpu_ns"));
		ret->memory_bytes = json_number(json_get(answer.json, "memory_bytes"));
		ret->limit_bytes = json_number(json_get(answer.json, "memory_limit_bytes"));
		ret->processes = json_number(json_get(answer.json, "processes"));
	}
	answer_free(&answer);
	return code == CLI_NOT_FOUND ? CLI_OK : code;
}

static enum cli_exit
look_at_all(
    struct invocation *in, const struct target *target, size_t count, struct look *looks)
{
	enum cli_exit code = CLI_OK;

	for (size_t i = 0; i < count && code == CLI_OK; i++)
		code = look_at(in, target, i, &looks[i]);
	return code;
}

static bool
is_measured(const struct look *first, const struct look *second)
{
	return first->is_there && second->is_there && second->at_ms > first->at_ms;
}

static void
put_look(struct table *t, const struct look *first, const struct look *second)
{
	int64_t ms = second->at_ms - first->at_ms;

	if (!is_measured(first, second)) {
		for (int i = 0; i < 4; i++)
			table_cell(t, "");
		return;
	}
	table_cell_format(
	    t, "%.1f%%", (double)(second->cpu_ns - first->cpu_ns) / (double)ms / 10000.0);
	table_cell_format(t, "%" PRId64 " MB", second->memory_bytes >> 20);
	table_cell_format(t, "%" PRId64 " MB", second->limit_bytes >> 20);
	table_cell_format(t, "%" PRId64, second->processes);
}

struct usage {
	const struct target *target;
	const struct json *items; /* the containers */
	size_t count;
	struct look first[REPLICAS_MAX];
	struct look second[REPLICAS_MAX];
};

static void
print_table(const struct usage *u)
{
	static const char *const heads[] = { ">REPLICA", "CONTAINER", "STATUS", ">CPU",
		">MEMORY", ">OF", ">PROCESSES", NULL };
	struct table t;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < u->count; i++) {
		const struct json *item = json_at(u->items, i);

		table_cell_format(&t, "%zu", i);
		table_cell(&t, json_text(json_get(item, "name")));
		table_cell(&t, json_text(json_get(item, "status")));
		put_look(&t, &u->first[i], &u->second[i]);
	}
	if (u->count > 0)
		table_write(&t, output_width(), &out);
	else
		buf_text(&out, "nothing is live\n");
	table_free(&t);
	output_buf(&out);
}

static void
write_look(struct json_writer *w, const struct look *first, const struct look *second)
{
	int64_t ms = second->at_ms - first->at_ms;

	json_key(w, "usage");
	if (!is_measured(first, second)) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_pair_integer(w, "cpu_milli", (second->cpu_ns - first->cpu_ns) / ms / 1000);
	json_pair_integer(w, "memory_bytes", second->memory_bytes);
	json_pair_integer(w, "memory_limit_bytes", second->limit_bytes);
	json_pair_integer(w, "processes", second->processes);
	json_object_close(w);
}

static void
print_json(const struct usage *u)
{
	struct json_writer w;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	json_writer_init(&w, &out);
	json_object_open(&w);
	json_pair_text(&w, "project", u->target->project);
	json_pair_text(&w, "stage", u->target->stage);
	json_key(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < u->count; i++) {
		const struct json *item = json_at(u->items, i);

		json_object_open(&w);
		json_pair_integer(&w, "replica", (int64_t)i);
		json_pair_text(&w, "name", json_text(json_get(item, "name")));
		json_pair_text(&w, "status", json_text(json_get(item, "status")));
		write_look(&w, &u->first[i], &u->second[i]);
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	output_json(buf_view(&out));
	buf_free(&out);
}

static enum cli_exit
print_usage(struct invocation *in, const struct target *target, const struct json *items)
{
	const struct timespec between = { .tv_sec = BETWEEN_MS / 1000 };
	struct usage u = { .target = target, .items = items, .count = json_count(items) };
	enum cli_exit code;

	if (u.count > REPLICAS_MAX)
		u.count = REPLICAS_MAX;
	code = look_at_all(in, target, u.count, u.first);
	if (code == CLI_OK && u.count > 0)
		nanosleep(&between, NULL);
	if (code == CLI_OK)
		code = look_at_all(in, target, u.count, u.second);
	if (code != CLI_OK)
		return code;
	in->err->text[0] = '\0'; /* of one that is gone */
	if (options_has(&in->options, "json"))
		print_json(&u);
	else
		print_table(&u);
	return CLI_OK;
}

enum cli_exit
cli_top(struct invocation *in)
{
	struct target target;
	struct answer answer;
	enum cli_exit code;
	struct buf path;

	if (words_target(in->options.arguments[0], true, &target, in->err) != 0)
		return CLI_USAGE;
	buf_init(&path, PATH_BYTES_MAX);
	stage_path(&path, target.project, target.stage, "/instances");
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	buf_free(&path);
	if (code == CLI_OK)
		code = print_usage(in, &target, json_get(answer.json, "items"));
	answer_free(&answer);
	return code;
}
