/* troubles.c - what keeps the server from its work, told below the stages: an engine or the edge that
 * does not answer, a backup that was not made. A table that looks well does not say so by itself.
 *
 * To standard error, so that a script which reads the table is not disturbed; and a server that
 * cannot tell has shown its stages all the same. */
#include <stdio.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/words.h"

static void
tell(const char *what, const char *name, const char *why)
{
	struct buf line;

	buf_init(&line, CLI_TEXT_MAX);
	buf_format(&line, "slipway: %s", what);
	if (name[0] != '\0') {
		buf_char(&line, ' ');
		words_clean(&line, str_of(name), false);
	}
	buf_text(&line, ": ");
	words_clean(&line, str_of(why[0] != '\0' ? why : "is not ready yet"), false);
	buf_char(&line, '\n');
	fwrite(buf_cstr(&line), 1, line.n, stderr);
	buf_free(&line);
}

void
tell_troubles(struct invocation *in)
{
	struct call call = { .path = "/health", .total_ms = CLI_PROBE_MS };
	struct err ignored;
	struct answer answer;
	const struct json *engines;
	const struct json *edge;
	const struct json *backups;

	if (client_ask(in->client, &call, &answer, &ignored) == CLI_OK) {
		engines = json_get(answer.json, "engines");
		for (size_t i = 0; i < json_count(engines); i++) {
			const struct json *engine = json_at(engines, i);

			if (!json_bool(json_get(engine, "reachable")))
				tell("engine", json_text(json_get(engine, "name")),
				    json_text(json_get(engine, "why")));
		}
		edge = json_get(answer.json, "edge");
		if (edge != NULL
		    && (!json_bool(json_get(edge, "ready"))
			|| json_text(json_get(edge, "why"))[0] != '\0'))
			tell("edge", "", json_text(json_get(edge, "why")));
		backups = json_get(answer.json, "backups");
		if (json_text(json_get(backups, "why"))[0] != '\0')
			tell("backup", "", json_text(json_get(backups, "why")));
		else if (json_bool(json_get(backups, "overdue")))
			tell("backup", "", "the newest one is older than it may be");
	}
	answer_free(&answer);
}
