/* cli_server.c - healthcheck and version. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { SENTENCE_SIZE = 256 };

/* Docker knows 0 and 1 only: whatever is wrong is 1. */
enum cli_exit
cli_healthcheck(struct invocation *in)
{
	struct call call = { .path = "/health", .total_ms = CLI_PROBE_MS };
	struct answer answer;
	enum cli_exit code = client_ask(in->client, &call, &answer, in->err);
	const char *status = json_text(json_get(answer.json, "status"));
	char sentence[SENTENCE_SIZE];
	char uptime[WORDS_SIZE];

	if (code == CLI_OK && strcmp(status, "healthy") == 0) {
		words_age(words_ms(answer.json, "uptime_seconds") * 1000, uptime);
		snprintf(sentence, sizeof(sentence), "healthy: slipway %.40s, up %s\n",
		    json_text(json_get(answer.json, "version")), uptime);
		output_str(str_of(sentence));
	} else if (code == CLI_OK) {
		err_set(in->err, "the server at %.200s says that it is '%.40s'",
		    client_url(in->client), status);
		code = CLI_FAILED;
	}
	answer_free(&answer);
	return code == CLI_OK ? CLI_OK : CLI_FAILED;
}

enum cli_exit
cli_version(struct invocation *in UNUSED)
{
	output_str(STR("slipway " SLIPWAY_VERSION "\n"));
	return CLI_OK;
}
