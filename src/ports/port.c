/* port.c - answers and notes, the same for every port. */
#include "ports/port.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "store/deploys.h"

struct event
port_answer(const struct effect *effect, enum event_kind kind)
{
	return (struct event){ .kind = kind, .to = effect->actor, .epoch = effect->epoch };
}

void
port_send(const struct port_host *host, const struct event *event)
{
	CHECK(event->to != 0);
	host->answer(host->context, event);
}

/* The line goes to the deploy's own log, which people read, and to the log of the server. */
static void
note(const struct port_host *host, const struct effect *effect, const char *container_id,
    enum log_level level, const char *event, const char *text)
{
	static const char *const levels[] = { "info", "info", "warn", "error" };
	struct log_context context = { .deploy_id = effect->deploy,
		.instance_id = container_id };
	struct deploy_row row;

	if (effect->deploy != 0 && store_deploy_get(host->store, effect->deploy, &row)) {
		context.project = row.project;
		context.stage = row.stage_name;
		context.tag = row.tag;
		context.digest = row.digest;
		if (level != LOG_DEBUG)
			store_deploy_log_add(
			    host->store, effect->deploy, levels[level], str_of(text));
	}
	log_event(level, &context, event, NULL, "%s", text);
}

void
port_note_failure(const struct port_host *host, const struct effect *effect,
    enum event_kind kind, const char *text)
{
	if (kind == EV_REFUSED)
		note(host, effect, NULL, LOG_ERROR, "port.refused", text);
	else
		note(host, effect, NULL, LOG_WARN, "port.troubled", text);
}

void
port_fail(const struct port_host *host, const struct effect *effect, enum event_kind kind,
    const char *format, ...)
{
	struct event answer = port_answer(effect, kind);
	char text[LOG_LINE_SIZE];
	va_list args;

	CHECK(kind == EV_REFUSED || kind == EV_TROUBLED);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	snprintf(answer.text, sizeof(answer.text), "%s", text);
	port_note_failure(host, effect, kind, text);
	port_send(host, &answer);
}

void
port_note(const struct port_host *host, const struct effect *effect, int level,
    const char *format, ...)
{
	char text[LOG_LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	note(host, effect, NULL, (enum log_level)level, "port.note", text);
}

void
port_note_instance(const struct port_host *host, const struct effect *effect,
    const char *container_id, int level, const char *format, ...)
{
	char text[LOG_LINE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	note(host, effect, container_id, (enum log_level)level, "port.note", text);
}

bool
port_is_overtaken(const struct port_fence *fence, const struct effect *effect)
{
	return effect->actor < fence->actor
	       || (effect->actor == fence->actor && effect->epoch < fence->epoch);
}

bool
port_passes_fence(
    const struct port_host *host, struct port_fence *fence, const struct effect *effect)
{
	if (effect->kind == FX_DRAIN)
		return true;
	if (port_is_overtaken(fence, effect)) {
		port_fail(
		    host, effect, EV_REFUSED, "overtaken by a newer change of this route");
		return false;
	}
	fence->actor = effect->actor;
	fence->epoch = effect->epoch;
	return true;
}

void
port_notice(const struct port_host *host, enum notice notice, uint64_t deploy,
    const char *subject, const char *format, ...)
{
	struct noticed what = { .notice = notice, .deploy = deploy };
	struct deploy_row row;
	va_list args;

	if (host->noticed == NULL || !store_deploy_get(host->store, deploy, &row))
		return;
	what.stage = row.stage;
	memcpy(what.tag, row.tag, sizeof(what.tag));
	memcpy(what.digest, row.digest, sizeof(what.digest));
	CHECK(str_copy(what.subject, sizeof(what.subject), str_of(subject)));
	va_start(args, format);
	vsnprintf(what.text, sizeof(what.text), format, args);
	va_end(args);
	host->noticed(host->context, &what);
}
