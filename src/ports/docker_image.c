/* docker_image.c - PULL: have the image of a deploy on the engine, by its digest.
 *
 * The one idea: what counts is what the engine says it has, before and after. A pull that
 * reports success is believed only when the image can then be inspected under its digest
 * and is made for the engine's processor. Errors of a pull come inside a stream that began
 * with 200. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "ports/docker_images.h"

enum {
	LAYERS_MAX = 128, /* 127 is the most that storage drivers take */
	PROGRESS_MS = 1000, /* between two lines about progress */
	PULL_MS = 1800000,
	LIMITED_MS = 60000, /* a registry that counts pulls rarely forgives sooner */
	LINE_BYTES_MAX = 16384,
	AGAIN_MS = 50, /* while the image is removed */
};

struct layer {
	char id[16];
	int64_t loaded_bytes;
	int64_t unpacked_bytes;
	int64_t all_bytes;
};

struct pull_job {
	struct job job;
	bool has_pulled;
	size_t layer_count;
	struct layer layers[LAYERS_MAX];
	int64_t noted_ms;
	struct buf pending; /* of the stream */
	char complaint[REASON_SIZE]; /* the stream's last word, if it was an error */
	struct loop_timer *again;
};

/* Words by which registries and engines say that asking again will not help. */
static const char *const final_words[] = { "unauthorized", "authentication required", "denied",
	"no basic auth credentials", "not found", "manifest unknown", "name unknown",
	"no such image", "no matching manifest", "invalid reference", "not supported",
	"unsupported", "HTTP response to HTTPS client", "x509:", "no space left",
	"does not match", "verification failed", "incorrect username" };

static bool
has_word(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcasestr(text, words[i]) != NULL)
			return true;
	return false;
}

static const char *
advice(const char *complaint)
{
	if (strcasestr(complaint, "HTTPS client") != NULL)
		return "; the registry speaks plain HTTP: add it to insecure-registries in "
		       "the "
		       "engine's daemon.json";
	if (strcasestr(complaint, "x509:") != NULL)
		return "; the engine does not trust the registry's certificate: put its CA "
		       "into "
		       "/etc/docker/certs.d on the engine's host";
	if (strcasestr(complaint, "no space left") != NULL)
		return "; free some disk on the engine's host (docker system df)";
	if (strcasestr(complaint, "unauthorized") != NULL
	    || strcasestr(complaint, "denied") != NULL
	    || strcasestr(complaint, "authentication required") != NULL
	    || strcasestr(complaint, "no basic auth") != NULL)
		return "; check user and password under registries";
	if (strcasestr(complaint, "no matching manifest") != NULL)
		return "; build and push the image for the engine's platform";
	if (strcasestr(complaint, "verification failed") != NULL
	    || strcasestr(complaint, "does not match") != NULL)
		return "; push it again, or look at proxies";
	if (strcasestr(complaint, "manifest unknown") != NULL)
		return "; it is gone: push the image again";
	return "";
}

static void
pull_failed(struct pull_job *pull, const char *complaint)
{
	const struct stage_spec *spec = job_spec(&pull->job);
	bool is_limited = strcasestr(complaint, "toomanyrequests") != NULL
			  || strcasestr(complaint, "too many requests") != NULL;
	bool is_final = !is_limited && has_word(complaint, final_words, COUNT(final_words));

	if (is_limited)
		pull->job.retry_ms = LIMITED_MS;
	job_fail(&pull->job, is_final ? EV_REFUSED : EV_TROUBLED, "cannot pull %s: %s%s",
	    spec->image, complaint, advice(complaint));
}

/* Progress. */

static struct layer *
find_layer(struct pull_job *pull, const char *id)
{
	for (size_t i = 0; i < pull->layer_count; i++)
		if (strncmp(pull->layers[i].id, id, sizeof(pull->layers[i].id) - 1) == 0)
			return &pull->layers[i];
	if (pull->layer_count == LAYERS_MAX)
		return NULL;
	snprintf(pull->layers[pull->layer_count].id, sizeof(pull->layers[0].id), "%s", id);
	return &pull->layers[pull->layer_count++];
}

static void
note_progress(struct pull_job *pull)
{
	struct layer sum = { .all_bytes = 0 };

	if (clock_mono_us() / 1000 - pull->noted_ms < PROGRESS_MS)
		return;
	for (size_t i = 0; i < pull->layer_count; i++) {
		sum.loaded_bytes += pull->layers[i].loaded_bytes;
		sum.unpacked_bytes += pull->layers[i].unpacked_bytes;
		sum.all_bytes += pull->layers[i].all_bytes;
	}
	pull->noted_ms = clock_mono_us() / 1000;
	port_note(&pull->job.docker->host, &pull->job.effect, LOG_INFO,
	    "pulling: %.1f of %.1f MB loaded, %.1f MB unpacked",
	    (double)sum.loaded_bytes / 1e6, (double)sum.all_bytes / 1e6,
	    (double)sum.unpacked_bytes / 1e6);
}

/* The engine reports each layer: first how much is loaded, then how much is unpacked. */
static void
take_progress(struct pull_job *pull, const struct json *json)
{
	const char *status = json_text(json_get(json, "status"));
	const struct json *detail = json_get(json, "progressDetail");
	int64_t now_bytes = json_number(json_get(detail, "current"));
	bool is_loading = strcmp(status, "Downloading") == 0;
	struct layer *layer;

	if (!is_loading && strcmp(status, "Extracting") != 0)
		return;
	layer = find_layer(pull, json_text(json_get(json, "id")));
	if (layer == NULL)
		return;
	layer->all_bytes = json_number(json_get(detail, "total"));
	layer->loaded_bytes = is_loading ? now_bytes : layer->all_bytes;
	layer->unpacked_bytes = is_loading ? 0 : now_bytes;
	note_progress(pull);
}

static void
on_stream_line(void *context, struct str line)
{
	struct pull_job *pull = context;
	struct err err;
	struct json *json = json_parse(line, &err);
	const char *error = json_text(json_get(json_get(json, "errorDetail"), "message"));

	if (error[0] == '\0')
		error = json_text(json_get(json, "error"));
	if (error[0] != '\0')
		snprintf(pull->complaint, sizeof(pull->complaint), "%s", error);
	else
		take_progress(pull, json);
	json_free(json);
}

static bool
on_stream(void *context, struct str piece)
{
	struct pull_job *pull = context;

	lines_feed(&pull->pending, piece, on_stream_line, pull);
	return true;
}

/* Looking at the image. */

static bool
has_digest(const struct json *image, const char *digest)
{
	const struct json *names = json_get(image, "RepoDigests");

	for (size_t i = 0; i < json_count(names); i++) {
		const char *at = strchr(json_text(json_at(names, i)), '@');

		if (at != NULL && strcmp(at + 1, digest) == 0)
			return true;
	}
	return false;
}

/* A 64-bit processor also runs its 32-bit programs. An image that names no processor may
 * run. */
static bool
fits_processor(const char *engine, const char *image)
{
	return image[0] == '\0' || engine[0] == '\0' || strcmp(engine, image) == 0
	       || (strcmp(engine, "amd64") == 0 && strcmp(image, "386") == 0)
	       || (strcmp(engine, "arm64") == 0 && strcmp(image, "arm") == 0);
}

/* Only what Slipway pulled has a row; from now on it is younger. */
static void
note_use(const struct pull_job *pull)
{
	struct store *store = pull->job.docker->host.store;
	struct image row;

	if (!store_image_get(store, pull->job.engine->config.id, job_spec(&pull->job)->image,
		pull->job.row.digest, &row))
		return;
	row.used_ms = clock_now_ms();
	row.tries = 0;
	row.next_ms = 0;
	row.trouble[0] = '\0';
	store_image_put(store, &row);
}

/* Before it is on the engine: whatever happens then, it is known whose it is. */
static void
note_pull(const struct pull_job *pull)
{
	struct image row = { .engine = pull->job.engine->config.id,
		.pulled_ms = clock_now_ms(),
		.used_ms = clock_now_ms() };

	CHECK(str_copy(
	    row.repository, sizeof(row.repository), str_of(job_spec(&pull->job)->image)));
	CHECK(str_copy(row.digest, sizeof(row.digest), str_of(pull->job.row.digest)));
	store_image_put(pull->job.docker->host.store, &row);
}

static void
verify(struct pull_job *pull, const struct json *image)
{
	const struct engine *engine = pull->job.engine;
	const char *processor = json_text(json_get(image, "Architecture"));
	const char *os = json_text(json_get(image, "Os"));
	const char *digest = pull->job.row.digest;
	const struct stage_spec *spec = job_spec(&pull->job);

	if (!has_digest(image, digest)) {
		job_fail(&pull->job, EV_REFUSED,
		    "the engine's image for %s does not have the digest %s "
		    "that was asked for",
		    spec->image, digest);
	} else if (!fits_processor(engine->architecture, processor)
		   || (os[0] != '\0' && engine->os[0] != '\0'
		       && strcmp(os, engine->os) != 0)) {
		job_fail(&pull->job, EV_REFUSED,
		    "%s@%s is made for %s/%s, but the Docker engine '%s' "
		    "runs %s/%s: build and push the image for that "
		    "platform",
		    spec->image, digest, os, processor, engine->config.name, engine->os,
		    engine->architecture);
	} else {
		note_use(pull);
		port_note(&pull->job.docker->host, &pull->job.effect, LOG_INFO,
		    "image %s@%s is %s", spec->image, digest,
		    pull->has_pulled ? "pulled" : "on the engine already");
		job_answer(&pull->job, EV_PULLED);
	}
}

static void inspect(struct pull_job *pull);

static void
on_pulled(void *context, const struct answer *answer)
{
	struct pull_job *pull = context;

	lines_end(&pull->pending, on_stream_line, pull);
	if (answer->kind != ANSWER_DONE && answer->status == 0) {
		job_fail_answer(&pull->job, "pull", answer);
	} else if (answer->kind != ANSWER_DONE) {
		pull_failed(pull, answer->message);
	} else if (pull->complaint[0] != '\0') {
		pull_failed(pull, pull->complaint);
	} else {
		pull->has_pulled = true;
		inspect(pull);
	}
}

static void
pull_image(struct pull_job *pull)
{
	const struct stage_spec *spec = job_spec(&pull->job);
	struct call_request request = { .method = "POST",
		.lane = LANE_PULL,
		.total_ms = PULL_MS,
		.on_body = on_stream,
		.on_done = on_pulled,
		.context = pull };
	struct buf path;
	struct buf auth;
	enum event_kind outcome;
	struct err err;

	buf_init(&auth, 12000);
	outcome = registry_auth(pull->job.docker, spec->image, &auth, &err);
	if (outcome != EV_PULLED) {
		buf_free(&auth);
		job_fail(&pull->job, outcome, "%s", err.text);
		return;
	}
	buf_init(&path, 2048);
	buf_text(&path, "/images/create?fromImage=");
	url_escape(&path, spec->image);
	buf_text(&path, "&tag=");
	url_escape(&path, pull->job.row.digest);
	port_note(&pull->job.docker->host, &pull->job.effect, LOG_INFO, "pulling %s@%s",
	    spec->image, pull->job.row.digest);
	pull->noted_ms = clock_mono_us() / 1000;
	request.path = buf_cstr(&path);
	request.auth = auth.n > 0 ? buf_cstr(&auth) : NULL;
	call_start(pull->job.engine, &pull->job.calls, &request);
	if (auth.p != NULL)
		explicit_bzero(auth.p, auth.n);
	buf_free(&auth);
	buf_free(&path);
}

/* What is known of the disk decides; what is not known is said, once for each pull. */
static void
on_info(void *context, const struct answer *answer)
{
	struct pull_job *pull = context;
	struct docker_disk disk;
	struct err err;

	disk_read(pull->job.engine, answer, &disk);
	if (disk_check(pull->job.engine, &disk, &err) != 0) {
		image_sweep_want(pull->job.engine);
		job_fail(&pull->job, EV_REFUSED, "%s", err.text);
		return;
	}
	if (!disk.is_known)
		port_note(&pull->job.docker->host, &pull->job.effect, LOG_INFO,
		    "whether there is room for the image is not known: %s", disk.why);
	note_pull(pull);
	pull_image(pull);
}

static void
ask_for_room(struct pull_job *pull)
{
	if (pull->job.docker->settings.disk_floor_mb == 0) {
		note_pull(pull);
		pull_image(pull);
		return;
	}
	call_start(pull->job.engine, &pull->job.calls,
	    &(struct call_request){ .path = "/info", .on_done = on_info, .context = pull });
}

static void
on_inspected(void *context, const struct answer *answer)
{
	struct pull_job *pull = context;

	if (answer->kind == ANSWER_DONE)
		verify(pull, answer->json);
	else if (answer->status == 404 && !pull->has_pulled)
		ask_for_room(pull);
	else if (answer->status == 404)
		job_fail(&pull->job, EV_TROUBLED, "the image is not there after the pull");
	else
		job_fail_answer(&pull->job, "look for the image", answer);
}

void
image_path(const struct deploy_row *row, const struct stage_spec *spec, struct buf *path)
{
	buf_text(path, "/images/");
	url_escape(path, spec->image);
	buf_format(path, "@%s/json", row->digest);
}

static void
inspect(struct pull_job *pull)
{
	struct call_request request = { .on_done = on_inspected, .context = pull };
	struct buf path;

	if (image_is_removed_now(pull->job.engine, pull->job.row.digest)) {
		loop_timer_set(pull->again, AGAIN_MS);
		return;
	}
	buf_init(&path, 2048);
	image_path(&pull->job.row, job_spec(&pull->job), &path);
	request.path = buf_cstr(&path);
	call_start(pull->job.engine, &pull->job.calls, &request);
	buf_free(&path);
}

static void
on_again(void *context)
{
	inspect(context);
}

static void
pull_work(struct job *job)
{
	struct pull_job *pull = (struct pull_job *)job;
	struct err err;

	buf_init(&pull->pending, LINE_BYTES_MAX);
	pull->again = loop_timer_new(job->docker->host.loop, on_again, pull);
	if (job->row.digest[0] == '\0')
		job_fail(job, EV_REFUSED, "the deploy has no digest to pull");
	else if (job_admit(job, &err) != 0)
		job_fail(job, EV_REFUSED, "%s", err.text);
	else
		inspect(pull);
}

static void
pull_release(struct job *job)
{
	struct pull_job *pull = (struct pull_job *)job;

	loop_timer_free(pull->again);
	buf_free(&pull->pending);
}

const struct job_kind pull_kind = { sizeof(struct pull_job), pull_work, pull_release };
