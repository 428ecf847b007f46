/* cli_status.c - status: what is live where, and what is under way. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048, CELL_BYTES_MAX = 1024 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

/* "probing v4 (13)", and what waits behind it. */
static void
write_now(const struct json *stage, struct buf *to)
{
	static const char *const places[] = { "running", "waiting", "pending" };

	for (size_t i = 0; i < COUNT(places); i++) {
		const struct json *deploy = json_get(stage, places[i]);
		char state[WORDS_SIZE];

		if (json_kind(deploy) != JSON_IS_OBJECT)
			continue;
		words_state(text_of(deploy, "state"), state);
		buf_format(to, "%s%s %s (%" PRId64 ")", to->n > 0 ? ", then " : "", state,
		    text_of(deploy, "tag"), json_number(json_get(deploy, "deploy")));
	}
}

static void
write_routes(const struct json *stage, struct buf *to)
{
	const struct json *domains = json_get(stage, "domains");
	int64_t port = json_number(json_get(stage, "tcp_port"));

	for (size_t i = 0; i < json_count(domains); i++)
		buf_format(to, "%s%s", i > 0 ? " " : "", json_text(json_at(domains, i)));
	if (port != 0)
		buf_format(to, "%stcp:%" PRId64, to->n > 0 ? " " : "", port);
}

static void
write_note(const struct json *stage, struct buf *to)
{
	const char *trouble = json_text(json_get(json_get(stage, "poll"), "reason"));

	int64_t wanted = json_number(json_get(stage, "replicas"));
	int64_t paused = json_number(json_get(stage, "replicas_paused"));
	const struct json *running = json_get(stage, "replicas_running");
	const struct json *moved = json_get(stage, "moved");
	const struct json *frozen = json_get(stage, "frozen");
	bool is_outdated = json_bool(json_get(stage, "is_outdated"));

	if (paused > 0)
		buf_format(to,
		    "%" PRId64 " of %" PRId64 " replicas paused; `docker unpause` it", paused,
		    wanted);
	else if (is_outdated)
		buf_text(to, "configuration changed since");
	else if (running != NULL && json_kind(json_get(stage, "live")) == JSON_IS_OBJECT
		 && json_number(running) < wanted)
		buf_format(to, "%" PRId64 " of %" PRId64 " replicas run; deploy it again",
		    json_number(running), wanted);
	if (json_kind(frozen) == JSON_IS_OBJECT)
		buf_format(
		    to, "%sfrozen: %s", to->n > 0 ? "; " : "", text_of(frozen, "reason"));
	for (size_t i = 0; i < json_count(moved); i++)
		buf_format(to, "%stag %s has moved and must not", to->n > 0 ? "; " : "",
		    text_of(json_at(moved, i), "tag"));
	if (trouble[0] != '\0')
		buf_format(to, "%spoll: %s", to->n > 0 ? "; " : "", trouble);
}

typedef void write_fn(const struct json *stage, struct buf *to);

static void
put_cell(struct table *t, write_fn *write, const struct json *stage)
{
	struct buf text;

	buf_init(&text, CELL_BYTES_MAX);
	write(stage, &text);
	table_cell(t, buf_cstr(&text));
	buf_free(&text);
}

static void
put_live(struct table *t, const struct json *stage)
{
	const struct json *stopped = json_get(stage, "stopped");
	const struct json *live = json_get(stage, "live");
	char digest[WORDS_SIZE];
	char age[WORDS_SIZE];
	bool is_stopped = json_kind(stopped) == JSON_IS_OBJECT;
	int64_t since_ms = words_ms(is_stopped ? stopped : live, "since_ms");

	words_digest(text_of(live, "digest"), digest);
	words_age(clock_wall_ms() - since_ms, age);
	table_cell(t, is_stopped ? "(stopped)" : text_of(live, "tag"));
	table_cell(t, digest);
	table_cell(t, since_ms == 0 ? "" : age);
}

static bool
has_notes(const struct json *items)
{
	struct buf text;
	bool has = false;

	buf_init(&text, CELL_BYTES_MAX);
	for (size_t i = 0; i < json_count(items) && !has; i++) {
		write_note(json_at(items, i), &text);
		has = text.n > 0;
	}
	buf_free(&text);
	return has;
}

static void
print_stages(const struct json *items)
{
	const char *heads[] = { "STAGE", "LIVE", "DIGEST", ">AGE", ">REPLICAS", "NOW", "ROUTE",
		has_notes(items) ? "NOTE" : NULL, NULL };
	struct table t;
	struct buf out;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *stage = json_at(items, i);

		table_cell_format(
		    &t, "%s/%s", text_of(stage, "project"), text_of(stage, "stage"));
		put_live(&t, stage);
		table_cell_format(&t, "%" PRId64, json_number(json_get(stage, "replicas")));
		put_cell(&t, write_now, stage);
		put_cell(&t, write_routes, stage);
		if (heads[7] != NULL)
			put_cell(&t, write_note, stage);
	}
	buf_init(&out, CLI_TEXT_MAX);
	table_write(&t, output_width(), &out);
	table_free(&t);
	output_buf(&out);
}

static void
pair(struct table *t, const char *name, const char *value)
{
	table_cell_format(t, "  %s", name);
	table_cell(t, value);
}

/* Nothing to tell: no row. */
static void
pair_cell(struct table *t, const char *name, write_fn *write, const struct json *stage)
{
	struct buf text;

	buf_init(&text, CELL_BYTES_MAX);
	write(stage, &text);
	if (text.n > 0)
		pair(t, name, buf_cstr(&text));
	buf_free(&text);
}

static void
write_live(const struct json *stage, struct buf *to)
{
	const struct json *live = json_get(stage, "live");
	const struct json *stopped = json_get(stage, "stopped");
	char digest[WORDS_SIZE];
	char age[WORDS_SIZE];

	if (json_kind(stopped) == JSON_IS_OBJECT) {
		words_age(clock_wall_ms() - words_ms(stopped, "since_ms"), age);
		buf_format(to,
		    "stopped by deploy %" PRId64 ", %s ago; `slipway start` brings %s back",
		    json_number(json_get(stopped, "deploy")), age,
		    text_of(json_get(stage, "was_live"), "tag"));
		return;
	}
	if (json_kind(live) != JSON_IS_OBJECT) {
		buf_text(to, "nothing yet");
		return;
	}
	words_digest(text_of(live, "digest"), digest);
	words_age(clock_wall_ms() - words_ms(live, "since_ms"), age);
	buf_format(to, "%s %s (deploy %" PRId64 ", %s)", text_of(live, "tag"), digest,
	    json_number(json_get(live, "deploy")), age);
}

/* "v2 (deploy 9) for 8 min more: ...", or "v2 (deploy 9) at v2.example.org, v1 (deploy 4) at v1.example.org" */
static void
write_kept(const struct json *stage, struct buf *to)
{
	const struct json *kept = json_get(stage, "kept");

	for (size_t i = 0; i < json_count(kept); i++) {
		const struct json *one = json_at(kept, i);
		const struct json *domains = json_get(one, "domains");
		char left[WORDS_SIZE];

		buf_format(to, "%s%s (deploy %" PRId64 ")", i > 0 ? ", " : "",
		    text_of(one, "tag"), json_number(json_get(one, "deploy")));
		if (words_ms(one, "until_ms") != 0) {
			words_age(words_ms(one, "until_ms") - clock_wall_ms(), left);
			buf_format(to, " for %s more", left);
		} else if (json_count(domains) > 0)
			buf_format(to, " at %s", json_text(json_at(domains, 0)));
	}
	buf_format(
	    to, ": going back to %s starts nothing", json_count(kept) == 1 ? "it" : "one");
}

static void
write_poll(const struct json *stage, struct buf *to)
{
	const struct json *poll = json_get(stage, "poll");
	char interval[WORDS_SIZE];

	if (words_ms(poll, "interval_ms") == 0) {
		buf_text(to, "off");
		return;
	}
	words_age(words_ms(poll, "interval_ms"), interval);
	buf_format(to, "every %s", interval);
	if (text_of(poll, "tag")[0] != '\0')
		buf_format(to, ", newest is %s", text_of(poll, "tag"));
}

/* "v5 sha256:0123 (deploy 12, rolled back)", each on its own after a comma. */
static void
write_quarantine(const struct json *stage, struct buf *to)
{
	const struct json *held = json_get(stage, "quarantine");

	for (size_t i = 0; i < json_count(held); i++) {
		const struct json *one = json_at(held, i);
		char digest[WORDS_SIZE];
		char state[WORDS_SIZE];

		words_digest(text_of(one, "digest"), digest);
		words_state(text_of(one, "state"), state);
		buf_format(to, "%s%s %s (deploy %" PRId64 ", %s)", i > 0 ? ", " : "",
		    text_of(one, "tag"), digest, json_number(json_get(one, "deploy")), state);
	}
}

static void
write_proxy(const struct json *stage, struct buf *to)
{
	const struct json *proxy = json_get(stage, "proxy");

	buf_format(to, "%s (%s): %s", text_of(proxy, "name"), text_of(proxy, "way"),
	    text_of(proxy, "promise"));
	if (text_of(proxy, "why")[0] != '\0')
		buf_format(to, "; now: %s", text_of(proxy, "why"));
}

static void
write_size(const struct json *stage, struct buf *to)
{
	int64_t in_flight = json_number(json_get(stage, "in_flight"));

	buf_format(to, "%" PRId64 ", with %" PRId64 " request%s in flight",
	    json_number(json_get(stage, "replicas")), in_flight, in_flight == 1 ? "" : "s");
}

static void
write_facts(const struct json *stage, struct buf *out)
{
	static const char *const none[] = { "", "", NULL };
	struct table t;

	table_init(&t, none);
	pair(&t, "image", text_of(stage, "image"));
	pair_cell(&t, "live", write_live, stage);
	if (json_count(json_get(stage, "kept")) > 0)
		pair_cell(&t, "kept", write_kept, stage);
	pair_cell(&t, "now", write_now, stage);
	pair_cell(&t, "note", write_note, stage);
	pair(&t, "tags", text_of(stage, "tags"));
	if (text_of(stage, "promote_from")[0] != '\0')
		pair(&t, "promoted from", text_of(stage, "promote_from"));
	pair(&t, "deploys by itself", json_bool(json_get(stage, "auto")) ? "yes" : "no");
	pair_cell(&t, "poll", write_poll, stage);
	pair_cell(&t, "quarantine", write_quarantine, stage);
	pair_cell(&t, "route", write_routes, stage);
	pair_cell(&t, "proxy", write_proxy, stage);
	pair_cell(&t, "replicas", write_size, stage);
	table_write(&t, output_width(), out);
	table_free(&t);
}

static void
write_instances(const struct json *instances, struct buf *out)
{
	static const char *const heads[] = { "REPLICA", "STATUS", ">SINCE", "ADDRESS",
		"CONTAINER", NULL };
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < json_count(instances); i++) {
		const struct json *one = json_at(instances, i);
		char age[WORDS_SIZE];

		words_age(clock_wall_ms() - words_ms(one, "since_ms"), age);
		table_cell_format(&t, "%" PRId64, json_number(json_get(one, "replica")));
		table_cell(&t, text_of(one, "status"));
		table_cell(&t, age);
		table_cell(&t, text_of(one, "address"));
		table_cell(&t, text_of(one, "name"));
	}
	buf_char(out, '\n');
	table_write(&t, output_width(), out);
	table_free(&t);
}

static void
print_one(const struct json *stage, const struct json *instances)
{
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	buf_format(&out, "%s/%s\n", text_of(stage, "project"), text_of(stage, "stage"));
	write_facts(stage, &out);
	if (json_count(instances) > 0)
		write_instances(instances, &out);
	output_buf(&out);
}

static enum cli_exit
show_one(struct invocation *in, const struct target *target)
{
	struct answer stage;
	struct answer instances;
	struct buf path;
	enum cli_exit code;

	stage_path(&path, target->project, target->stage, "");
	code = ask_or_print(in, buf_cstr(&path), &stage);
	if (code == CLI_OK && stage.json != NULL) {
		buf_text(&path, "/instances");
		code = client_ask(in->client, &(struct call){ .path = buf_cstr(&path) },
		    &instances, in->err);
		if (code == CLI_OK)
			print_one(stage.json, json_get(instances.json, "items"));
		answer_free(&instances);
	}
	answer_free(&stage);
	buf_free(&path);
	return code;
}

static enum cli_exit
show_all(struct invocation *in, const char *project)
{
	struct answer answer;
	struct buf path;
	enum cli_exit code;
	size_t count;

	buf_init(&path, PATH_BYTES_MAX);
	buf_text(&path, "/api/v1/stages");
	if (project[0] != '\0') {
		buf_text(&path, "?project=");
		client_path_part(&path, project);
	}
	code = client_ask(
	    in->client, &(struct call){ .path = buf_cstr(&path) }, &answer, in->err);
	count = json_count(json_get(answer.json, "items"));
	if (code == CLI_OK && count == 0 && project[0] != '\0')
		code = find_project(in, project);
	if (code == CLI_OK && options_has(&in->options, "json"))
		output_json(buf_view(&answer.text));
	else if (code == CLI_OK && count == 0)
		output_str(STR("no stage is configured; `slipway apply FILE` brings some\n"));
	else if (code == CLI_OK)
		print_stages(json_get(answer.json, "items"));
	answer_free(&answer);
	buf_free(&path);
	return code;
}

enum cli_exit
cli_status(struct invocation *in)
{
	struct target target = { "", "" };
	enum cli_exit code;

	if (in->options.argument_count == 1
	    && words_target(in->options.arguments[0], false, &target, in->err) != 0)
		return CLI_USAGE;
	code = target.stage[0] != '\0' ? show_one(in, &target) : show_all(in, target.project);
	if (code == CLI_OK && !options_has(&in->options, "json"))
		tell_troubles(in);
	return code;
}
