/* cli_retention.c - retention: what is kept and why, what would go; removing it now; pins. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/table.h"
#include "cli/words.h"

enum { PATH_BYTES_MAX = 2048, LOOK_EVERY_MS = 200, RUN_MS = 120000 };

static const char *
text_of(const struct json *object, const char *key)
{
	return json_text(json_get(object, key));
}

static int64_t
number_of(const struct json *object, const char *key)
{
	return json_number(json_get(object, key));
}

/* What goes, and what stays, of one engine. */
struct sum {
	int64_t go;
	int64_t go_bytes;
	int64_t stay;
	int64_t stay_bytes;
};

static void
write_image(struct table *t, const struct json *engine, const struct json *image, bool goes)
{
	char digest[WORDS_SIZE];
	char age[WORDS_SIZE];

	words_digest(text_of(image, "digest"), digest);
	words_age(clock_wall_ms() - words_ms(image, "used_ms"), age);
	table_cell(t, text_of(engine, "name"));
	table_cell(t, text_of(image, "image"));
	table_cell(t, digest);
	table_cell_format(t, "%.1f MB", (double)number_of(image, "bytes") / 1e6);
	table_cell(t, age);
	table_cell(t, goes ? "goes" : "stays");
	table_cell(t, text_of(image, "reason"));
}

/* The images that go, or those that stay. */
static struct sum
write_images(struct table *t, const struct json *engine, bool those_that_go)
{
	const struct json *images = json_get(engine, "images");
	struct sum sum = { 0 };

	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *image = json_at(images, i);
		bool goes = json_bool(json_get(image, "goes"));

		if (goes == those_that_go)
			write_image(t, engine, image, goes);
		*(goes ? &sum.go : &sum.stay) += 1;
		*(goes ? &sum.go_bytes : &sum.stay_bytes) += number_of(image, "bytes");
	}
	return sum;
}

static void
write_engine(const struct json *engine, const struct sum *sum, struct buf *out)
{
	const struct json *disk = json_get(engine, "disk");

	if (text_of(engine, "failure")[0] != '\0') {
		buf_format(out, "engine %s: %s\n", text_of(engine, "name"),
		    text_of(engine, "failure"));
		return;
	}
	buf_format(out,
	    "engine %s: %" PRId64 " of the images that Slipway pulled stay (%.1f MB), %" PRId64
	    " go (%.1f MB); ",
	    text_of(engine, "name"), sum->stay, (double)sum->stay_bytes / 1e6, sum->go,
	    (double)sum->go_bytes / 1e6);
	if (json_bool(json_get(disk, "is_known")))
		buf_format(out, "%.1f of %.1f GB are free in %s\n",
		    (double)number_of(disk, "free_bytes") / 1e9,
		    (double)number_of(disk, "all_bytes") / 1e9, text_of(disk, "folder"));
	else
		buf_format(out, "its free disk is not known: %s\n", text_of(disk, "why"));
}

static void
write_rules(const struct json *rules, struct buf *out)
{
	char images[WORDS_SIZE];

	words_age(words_ms(rules, "images_ms"), images);
	buf_format(out,
	    "of each stage %" PRId64
	    " versions before the live one are kept, and its newest %" PRId64
	    " deploys; older deploys for %" PRId64
	    " days, other images for %s after their last "
	    "use%s\n",
	    number_of(rules, "versions"), number_of(rules, "deploys"),
	    number_of(rules, "days"), images,
	    json_bool(json_get(rules, "removes_images"))
		? ""
		: "; images are not removed (SLIPWAY_REMOVE_IMAGES is off)");
}

/* Often none: they go by themselves within the hour. */
static void
write_deploys(const struct json *deploys, struct buf *out)
{
	static const char *const heads[] = { "STAGE", ">DEPLOY", "TAG", "STATE", ">ENDED",
		NULL };
	const struct json *items = json_get(deploys, "items");
	size_t count = json_count(items);
	struct table t;

	table_init(&t, heads);
	for (size_t i = 0; i < count; i++) {
		const struct json *one = json_at(items, i);
		char state[WORDS_SIZE];
		char age[WORDS_SIZE];

		words_state(text_of(one, "state"), state);
		words_age(clock_wall_ms() - words_ms(one, "ended_ms"), age);
		table_cell_format(&t, "%s/%s", text_of(one, "project"), text_of(one, "stage"));
		table_cell_format(&t, "%" PRId64, number_of(one, "id"));
		table_cell(&t, text_of(one, "tag"));
		table_cell(&t, state);
		table_cell(&t, age);
	}
	buf_format(out,
	    "\nof each stage the newest %" PRId64 " deploys, and all of %" PRId64
	    " days: %s%zu would go%s\n",
	    number_of(deploys, "keep_deploys"), number_of(deploys, "keep_days"),
	    json_bool(json_get(deploys, "is_whole")) ? "" : "more than ", count,
	    count > 0 ? ", with their steps and logs" : "");
	if (count > 0)
		table_write(&t, output_width(), out);
	table_free(&t);
}

static void
show(const struct json *answer, bool has_own_rules)
{
	static const char *const heads[] = { "ENGINE", "IMAGE", "DIGEST", ">SIZE", ">USED",
		"FATE", "WHY", NULL };
	const struct json *engines = json_get(answer, "engines");
	struct sum sums[ENGINES_MAX] = { { 0 } };
	size_t count = json_count(engines) < ENGINES_MAX ? json_count(engines) : ENGINES_MAX;
	struct table t;
	struct buf out;
	int64_t rows = 0;

	buf_init(&out, CLI_TEXT_MAX);
	table_init(&t, heads);
	for (size_t i = 0; i < count; i++)
		write_images(&t, json_at(engines, i), true);
	for (size_t i = 0; i < count; i++) {
		sums[i] = write_images(&t, json_at(engines, i), false);
		rows += sums[i].go + sums[i].stay;
	}
	if (rows > 0) {
		table_write(&t, output_width(), &out);
		buf_char(&out, '\n');
	}
	for (size_t i = 0; i < count; i++)
		write_engine(json_at(engines, i), &sums[i], &out);
	if (!json_bool(json_get(answer, "is_whole")))
		buf_text(&out, "there are more images: name a project or a stage\n");
	write_rules(json_get(answer, "rules"), &out);
	if (has_own_rules || json_count(json_get(json_get(answer, "deploys"), "items")) > 0)
		write_deploys(json_get(answer, "deploys"), &out);
	table_free(&t);
	output_buf(&out);
}

static void
add_query(struct buf *path, bool *has_query, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	buf_format(path, "%c%s=", *has_query ? '&' : '?', name);
	client_path_part(path, value);
	*has_query = true;
}

static void
retention_path(const struct invocation *in, const struct target *target, struct buf *path)
{
	bool has_query = false;

	buf_init(path, PATH_BYTES_MAX);
	buf_text(path, "/api/v1/retention");
	add_query(path, &has_query, "project", target->project);
	add_query(path, &has_query, "stage", target->stage);
	add_query(
	    path, &has_query, "keep_deploys", options_value(&in->options, "keep-deploys"));
	add_query(path, &has_query, "keep_days", options_value(&in->options, "keep-days"));
}

static enum cli_exit
preview(struct invocation *in, const char *argument)
{
	struct target target = { "", "" };
	struct answer answer;
	struct buf path;
	enum cli_exit code;

	if (argument != NULL && words_target(argument, false, &target, in->err) != 0)
		return CLI_USAGE;
	retention_path(in, &target, &path);
	code = ask_or_print(in, buf_cstr(&path), &answer);
	if (code == CLI_OK && answer.json != NULL)
		show(answer.json, options_has(&in->options, "keep-deploys")
				      || options_has(&in->options, "keep-days"));
	answer_free(&answer);
	buf_free(&path);
	return code;
}

/* run: every engine has looked since, and nothing that it found is left. */

static enum cli_exit
look(struct invocation *in, struct answer *answer)
{
	return client_ask(
	    in->client, &(struct call){ .path = "/api/v1/retention" }, answer, in->err);
}

static const struct json *
engine_named(const struct json *engines, const char *name)
{
	for (size_t i = 0; i < json_count(engines); i++)
		if (strcmp(text_of(json_at(engines, i), "name"), name) == 0)
			return json_at(engines, i);
	return NULL;
}

static bool
has_some_that_go(const struct json *engine)
{
	const struct json *images = json_get(engine, "images");

	for (size_t i = 0; i < json_count(images); i++)
		if (json_bool(json_get(json_at(images, i), "goes")))
			return true;
	return false;
}

static bool
is_done(const struct json *before, const struct json *now)
{
	const struct json *engines = json_get(now, "engines");
	bool removes = json_bool(json_get(json_get(now, "rules"), "removes_images"));

	for (size_t i = 0; i < json_count(engines) && removes; i++) {
		const struct json *engine = json_at(engines, i);
		const struct json *old =
		    engine_named(json_get(before, "engines"), text_of(engine, "name"));

		if (text_of(engine, "failure")[0] == '\0'
		    && (number_of(engine, "looked_ms") <= number_of(old, "looked_ms")
			|| has_some_that_go(engine)))
			return false;
	}
	return true;
}

static bool
is_there(const struct json *engine, const struct json *image)
{
	const struct json *images = json_get(engine, "images");

	for (size_t i = 0; i < json_count(images); i++) {
		const struct json *other = json_at(images, i);

		if (strcmp(text_of(other, "image"), text_of(image, "image")) == 0
		    && strcmp(text_of(other, "digest"), text_of(image, "digest")) == 0)
			return true;
	}
	return false;
}

static void
tell_removed(const struct json *before, const struct json *now)
{
	const struct json *engines = json_get(before, "engines");
	int64_t bytes = 0;
	int64_t count = 0;
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	for (size_t i = 0; i < json_count(engines); i++) {
		const struct json *old = json_at(engines, i);
		const struct json *engine =
		    engine_named(json_get(now, "engines"), text_of(old, "name"));
		const struct json *images = json_get(old, "images");

		for (size_t k = 0; k < json_count(images); k++) {
			const struct json *image = json_at(images, k);

			if (is_there(engine, image))
				continue;
			buf_format(&out, "removed %s@%s from engine %s\n",
			    text_of(image, "image"), text_of(image, "digest"),
			    text_of(old, "name"));
			bytes += number_of(image, "bytes");
			count++;
		}
	}
	buf_format(&out,
	    "%" PRId64 " images removed (%.1f MB with what they share with others)\n", count,
	    (double)bytes / 1e6);
	output_buf(&out);
}

static enum cli_exit
wait_for_run(struct invocation *in, const struct json *before)
{
	const struct timespec pause = { .tv_nsec = LOOK_EVERY_MS * 1000000L };
	int64_t until_us = clock_mono_us() + RUN_MS * INT64_C(1000);
	struct answer now;
	enum cli_exit code = look(in, &now);

	while (code == CLI_OK && !is_done(before, now.json) && clock_mono_us() < until_us) {
		answer_free(&now);
		nanosleep(&pause, NULL);
		code = look(in, &now);
	}
	if (code == CLI_OK && !is_done(before, now.json)) {
		err_set(in->err,
		    "it is not over after %d s: `slipway retention` shows what is left, "
		    "the server's log why",
		    RUN_MS / 1000);
		code = CLI_FAILED;
	} else if (code == CLI_OK && options_has(&in->options, "json")) {
		output_json(buf_view(&now.text));
	} else if (code == CLI_OK) {
		tell_removed(before, now.json);
	}
	answer_free(&now);
	return code;
}

static enum cli_exit
run(struct invocation *in)
{
	struct call call = { .method = "POST", .path = "/api/v1/retention/run" };
	struct answer before;
	struct answer begun;
	enum cli_exit code = look(in, &before);

	if (code == CLI_OK) {
		code = client_ask(in->client, &call, &begun, in->err);
		answer_free(&begun);
	}
	if (code == CLI_OK)
		code = wait_for_run(in, before.json);
	answer_free(&before);
	return code;
}

/* pin, unpin */

static enum cli_exit
pin(struct invocation *in, const char *method, const char *said)
{
	struct answer answer;
	enum cli_exit code;
	char path[64];
	uint64_t id;
	struct buf out;

	if (in->options.argument_count < 2) {
		err_set(in->err, "which deploy? `slipway history` lists them");
		return CLI_USAGE;
	}
	if (take_id(in->options.arguments[1], &id, in->err) != 0)
		return CLI_USAGE;
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/pin", id);
	code = client_ask(
	    in->client, &(struct call){ .method = method, .path = path }, &answer, in->err);
	if (code == CLI_OK && options_has(&in->options, "json")) {
		output_json(buf_view(&answer.text));
	} else if (code == CLI_OK) {
		buf_init(&out, PATH_BYTES_MAX);
		buf_format(&out, "deploy %" PRIu64 " %s\n", id, said);
		output_buf(&out);
	}
	answer_free(&answer);
	return code;
}

enum cli_exit
cli_retention(struct invocation *in)
{
	size_t count = in->options.argument_count;
	const char *first = count == 0 ? NULL : in->options.arguments[0];
	bool is_pin = count > 0 && strcmp(first, "pin") == 0;

	if (is_pin || (count > 0 && strcmp(first, "unpin") == 0))
		return pin(in, is_pin ? "PUT" : "DELETE",
		    is_pin ? "is kept, with its image, until it is unpinned"
			   : "is kept by rule again");
	if (count > 1) {
		err_set(in->err, "'%.80s' takes nothing behind it here", first);
		return CLI_USAGE;
	}
	return count == 1 && strcmp(first, "run") == 0 ? run(in) : preview(in, first);
}
