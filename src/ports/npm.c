/* npm.c - the driver of Nginx Proxy Manager: jobs.
 *
 * The one idea: read all hosts, work out what has to change (npm_plan.c), tell it one by one, and believe
 * only "nginx_online": a change that nginx does not take is answered with 200, and the site is gone
 * from then on; so it is given back at once. What has an unclear end leaves a row that is not online, and
 * is told again. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/loop.h"
#include "ports/npm_inside.h"

enum {
	LIST_US = 2000000, /* so old a list may be to compare with, and for what is ours */
};

struct npm {
	struct front_host host;
	struct npm_talk talk;
	struct front_job job; /* on_done NULL: none */
	struct loop_timer *timer;
	struct json *hosts; /* as they were listed last; NULL: never */
	int64_t listed_us;
	struct json *certificates; /* of this job; NULL: not asked for */
	struct npm_certificate certificate;
	int version_minor;
	struct npm_plan plan;
	size_t at; /* the action under way */
	bool has_told; /* something that changes, and that it may have done */
	int rounds; /* beyond the first */
	char failure[NPM_TEXT_SIZE]; /* of an action that is being undone */
	struct npm_sights sights;
};

static void next_action(struct npm *npm);
static void list(struct npm *npm);
static void on_list(void *context, const struct npm_answer *a);

/* The end of a job. */

static bool
has_left_all(const struct npm *npm)
{
	size_t count = npm->job.route->domain_count;

	return count > 0 && npm->plan.left == (1u << count) - 1;
}

static void
drop_job(struct npm *npm)
{
	npm_plan_free(&npm->plan);
	json_free(npm->certificates); /* the keys of some are among them */
	npm->certificates = NULL;
	npm->job.on_done = NULL;
}

static void
finish(struct npm *npm, enum front_outcome outcome, const char *format, ...) PRINTF_LIKE(3, 4);

static void
finish(struct npm *npm, enum front_outcome outcome, const char *format, ...)
{
	struct front_job job = npm->job;
	bool is_restored = outcome == FRONT_DONE && job.work == FRONT_RESTORE;
	char text[NPM_TEXT_SIZE];
	struct front_answer answer = { .outcome = outcome,
		.has_changed = npm->has_told,
		.is_untouched = !npm->has_told,
		.is_left = npm->plan.is_left || (is_restored && has_left_all(npm)),
		.left = is_restored ? npm->plan.left : 0,
		.text = text };
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (npm->has_told)
		npm->listed_us = 0;
	drop_job(npm);
	job.on_done(job.context, &answer);
}

static void
give_up(struct npm *npm, const struct npm_answer *a)
{
	finish(npm, a->said == NPM_NO ? FRONT_REFUSED : FRONT_TROUBLED, "%s", a->text);
}

static void
keep(struct json **to, const struct npm_answer *a)
{
	json_free(*to);
	*to = *a->owned;
	*a->owned = NULL;
}

/* Actions. */

static void
on_undone(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;

	if (a->said == NPM_OK
	    && (npm->plan.actions[npm->at].verb == NPM_POST || npm_is_online(a->json)))
		finish(npm, FRONT_REFUSED, "%s; what was before is back", npm->failure);
	else if (a->said == NPM_OK)
		finish(npm, FRONT_REFUSED, "%s; it does not take what was before either",
		    npm->failure);
	else
		finish(npm, FRONT_TROUBLED, "%s; giving back what was before: %s",
		    npm->failure, a->text);
}

static void
undo(struct npm *npm, const struct json *host)
{
	const struct npm_action *action = &npm->plan.actions[npm->at];
	char path[64];

	snprintf(path, sizeof(path), "/nginx/proxy-hosts/%" PRId64,
	    json_number(json_get(host, "id")));
	if (action->verb == NPM_POST)
		npm_call(&npm->talk, "DELETE", path, STR(""), on_undone, npm);
	else
		npm_call(&npm->talk, "PUT", path, buf_view(&action->undo), on_undone, npm);
}

/* Its site is down this moment. What gives a host back is not given back itself: nginx serves it to
 * nobody, so nobody is led to what goes, and whoever waits must come to an end. */
static void
on_offline(struct npm *npm, const struct json *host)
{
	const struct npm_action *action = &npm->plan.actions[npm->at];

	npm_fault_of(host, npm->failure);
	if (npm->job.work == FRONT_RESTORE
	    || (action->verb == NPM_PUT && action->undo.n == 0)) {
		npm->plan.left |= action->domains;
		snprintf(npm->plan.text, sizeof(npm->plan.text), "%s", npm->failure);
		npm->at++;
		next_action(npm);
	} else if (action->verb == NPM_PUT && !action->was_online)
		finish(npm, FRONT_REFUSED, "%s", npm->failure); /* as it was before */
	else
		undo(npm, host);
}

static void
on_host(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;

	if (a->said != NPM_OK) {
		give_up(npm, a);
		return;
	}
	if (!npm_is_online(a->json) && npm_is_true(json_get(a->json, "enabled"))) {
		on_offline(npm, a->json);
		return;
	}
	npm->at++;
	next_action(npm);
}

/* What a POST answers was written before nginx was asked: look again. */
static void
on_made(struct npm *npm, const struct json *host)
{
	char path[64];

	snprintf(path, sizeof(path), "/nginx/proxy-hosts/%" PRId64,
	    json_number(json_get(host, "id")));
	npm_call(&npm->talk, "GET", path, STR(""), on_host, npm);
}

/* A clear no comes before anything is done, but while a certificate is asked for. */
static bool
may_have_changed(const struct npm *npm, const struct npm_answer *a)
{
	if (a->said == NPM_NO || a->said == NPM_GONE)
		return npm->certificate.is_new;
	return !a->is_unreached;
}

static void
on_told(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;
	const struct npm_action *action = &npm->plan.actions[npm->at];

	npm->has_told |= may_have_changed(npm, a);
	if (action->verb == NPM_DELETE && (a->said == NPM_OK || a->said == NPM_GONE)) {
		npm->at++;
		next_action(npm);
	} else if (a->said != NPM_OK && strstr(a->text, "already in use") != NULL)
		finish(npm, FRONT_REFUSED,
		    "%s: a redirection or a 404 host has it, or a proxy host that the account "
		    "does not see; take it away there",
		    a->text);
	else if (a->said != NPM_OK)
		give_up(npm, a);
	else if (action->verb == NPM_POST)
		on_made(npm, a->json);
	else
		on_host(npm, a);
}

static void
next_action(struct npm *npm)
{
	static const char *const methods[] = { "PUT", "POST", "DELETE" };
	const struct npm_action *action;
	char path[64] = "/nginx/proxy-hosts";

	if (npm->at == npm->plan.count && npm->certificate.is_new && npm->rounds++ == 0) {
		npm_plan_free(&npm->plan);
		npm_call(&npm->talk, "GET", "/nginx/proxy-hosts", STR(""), on_list, npm);
		return; /* what it forgot while it asked for the certificate */
	}
	if (npm->at == npm->plan.count) {
		if (npm->plan.is_keeping)
			npm_sights_note(&npm->sights, npm->job.route->stage, &npm->plan);
		finish(npm, FRONT_DONE, "%s", npm->plan.text);
		return;
	}
	action = &npm->plan.actions[npm->at];
	if (action->verb != NPM_POST)
		snprintf(path, sizeof(path), "/nginx/proxy-hosts/%" PRId64, action->id);
	npm_call(
	    &npm->talk, methods[action->verb], path, buf_view(&action->body), on_told, npm);
}

/* What has to change. */

static void
decide(struct npm *npm)
{
	const struct front_job *job = &npm->job;
	struct npm_wish wish = { .work = job->work,
		.route = job->route,
		.may_overwrite = job->may_overwrite,
		.is_forced = job->work != FRONT_COMPARE && !job->route->is_to_edge,
		.store_uuid = npm->host.store_uuid,
		.secret = npm->host.secret,
		.mail = npm->host.config->username,
		.version_minor = npm->version_minor,
		.certificate = npm->certificate,
		.certificates = npm->certificates };

	npm_plan_make(&wish, npm->hosts, &npm->plan);
	npm->at = 0;
	if (npm->plan.is_refused && job->work == FRONT_COMPARE)
		finish(npm, FRONT_DIFFERS, "%s", npm->plan.text);
	else if (npm->plan.is_refused && job->work == FRONT_RESTORE) {
		npm->plan.is_left = true; /* restoring must come to an end */
		finish(npm, FRONT_DONE, "%s", npm->plan.text);
	} else if (npm->plan.is_refused)
		finish(npm, FRONT_REFUSED, "%s", npm->plan.text);
	else if (npm->plan.count > 0 && job->work == FRONT_COMPARE)
		finish(npm, FRONT_DIFFERS, "%s", npm->plan.actions[0].what);
	else
		next_action(npm);
}

static void
on_version(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;

	if (a->said != NPM_OK) {
		give_up(npm, a);
		return;
	}
	npm->version_minor = (int)json_number(json_get(json_get(a->json, "version"), "minor"));
	decide(npm);
}

static void
on_certificates(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;
	struct err err;
	bool is_unknown;

	if (a->said != NPM_OK) {
		give_up(npm, a);
		return;
	}
	keep(&npm->certificates, a);
	is_unknown =
	    npm_certificate_find(npm->certificates, npm->job.route, &npm->certificate, &err)
	    != 0;
	if (npm->job.work == FRONT_RESTORE && (is_unknown || npm->certificate.is_new)) {
		npm->certificate = (struct npm_certificate){ 0 }; /* no time for it now */
		decide(npm);
	} else if (is_unknown)
		finish(npm, npm->job.work == FRONT_COMPARE ? FRONT_DIFFERS : FRONT_REFUSED,
		    "%s", err.text);
	else if (npm->certificate.is_new)
		npm_call(&npm->talk, "GET", "/", STR(""), on_version, npm);
	else
		decide(npm);
}

static void
look_further(struct npm *npm)
{
	bool is_keeping = npm->job.work != FRONT_REMOVE && npm->job.route->target_count > 0;

	npm->certificate = (struct npm_certificate){ 0 };
	if (is_keeping && npm->job.route->certificate[0] != '\0')
		npm_call(
		    &npm->talk, "GET", "/nginx/certificates", STR(""), on_certificates, npm);
	else
		decide(npm);
}

static void
on_list(void *context, const struct npm_answer *a)
{
	struct npm *npm = context;

	if (a->said != NPM_OK) {
		give_up(npm, a);
		return;
	}
	if (json_kind(a->json) != JSON_IS_ARRAY) {
		finish(npm, FRONT_REFUSED,
		    "%s does not answer as Nginx Proxy Manager's API does: is the address "
		    "that of its admin site?",
		    npm->host.config->address);
		return;
	}
	keep(&npm->hosts, a);
	npm->listed_us = clock_mono_us();
	look_further(npm);
}

static void
list(struct npm *npm)
{
	bool may_be_old = npm->job.work == FRONT_COMPARE || npm->job.work == FRONT_REMOVE;

	if (may_be_old && npm->listed_us != 0 && clock_mono_us() - npm->listed_us < LIST_US)
		look_further(npm);
	else
		npm_call(&npm->talk, "GET", "/nginx/proxy-hosts", STR(""), on_list, npm);
}

/* The driver. */

static void
on_time(void *context)
{
	list(context);
}

static void
npm_begin(void *self, const struct front_job *job)
{
	struct npm *npm = self;

	CHECK(npm->job.on_done == NULL);
	npm->job = *job;
	npm->plan = (struct npm_plan){ 0 };
	npm->has_told = false;
	npm->rounds = 0;
	loop_timer_set(npm->timer, 0);
}

static void
npm_stop(void *self)
{
	struct npm *npm = self;

	npm_hush(&npm->talk);
	loop_timer_stop(npm->timer);
	drop_job(npm);
}

static void *
npm_open(const struct front_host *host)
{
	struct npm *npm = calloc(1, sizeof(*npm));

	CHECK(npm != NULL);
	npm->host = *host;
	npm->talk.host = &npm->host;
	npm->timer = loop_timer_new(host->loop, on_time, npm);
	return npm;
}

static void
npm_close(void *self)
{
	struct npm *npm = self;

	npm_stop(npm);
	loop_timer_free(npm->timer);
	json_free(npm->hosts);
	explicit_bzero(npm->talk.token, sizeof(npm->talk.token));
	free(npm);
}

/* Probes. */

static void
npm_probe(void *self, const struct front_route *route, int count, struct front_request *to)
{
	const struct npm *npm = self;

	npm_probe_write(&npm->sights, &npm->host, route, count, to);
}

static enum front_proof
npm_proves(void *self UNUSED, const struct front_route *route,
    const struct fetch_result *result, char said[128])
{
	return npm_probe_proves(route, result, said);
}

const struct front_driver npm_driver = {
	.open = npm_open,
	.close = npm_close,
	.begin = npm_begin,
	.stop = npm_stop,
	.probe = npm_probe,
	.proves = npm_proves,
	.ensure_ms = 60000,
	.confirm_ms = 8000,
	.confirm_answers = 10,
	.confirm_pause_ms = 20,
	.confirm_least_ms = 500, /* nginx loads for up to 364 ms after it said that it has */
	.drain_floor_ms = 1000,
};
