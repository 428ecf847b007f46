/* cli_completion.c - completion for bash: a script made from the table of commands.
 *
 * Names of stages and projects are asked from the server while somebody waits at a prompt: quickly,
 * quietly, and with nothing offered when it does not answer. */
#include <string.h>
#include <unistd.h>

#include "actors/fsm.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

static const char script_head[] =
    "# bash completion for slipway; in ~/.bashrc: source <(slipway completion bash)\n"
    "_slipway()\n"
    "{\n"
    "	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
    "	local command='' options='' valued='' kind='' words='' count=0 i\n"
    "	COMPREPLY=()\n";

static const char script_search[] =
    "	for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "		[[ ${COMP_WORDS[i]} == -* ]] || { command=${COMP_WORDS[i]}; break; }\n"
    "	done\n"
    "	case $command in\n";

/* A value behind an option is offered nothing, except states; the first argument gets names, and that of a
 * webhook's second one. */
static const char script_tail[] =
    "	esac\n"
    "	for ((i = i + 1; i < COMP_CWORD; i++)); do\n"
    "		[[ ${COMP_WORDS[i]} == -* || \" $valued \" == *\" ${COMP_WORDS[i-1]} \"* ]] "
    "|| ((count++))\n"
    "	done\n"
    "	if [[ $before == --state ]]; then\n"
    "		words=$states\n"
    "	elif [[ \" $valued \" == *\" $before \"* ]]; then\n"
    "		return\n"
    "	elif [[ $word == -* ]]; then\n"
    "		words=$options\n"
    "	elif ((count == 0)); then\n"
    "		case $kind in\n"
    "		stages | projects) words=$(\"${COMP_WORDS[0]}\" completion \"$kind\" "
    "2>/dev/null) "
    ";;\n"
    "		files) mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
    "			compopt -o filenames 2>/dev/null; return ;;\n"
    "		*) words=$kind ;;\n"
    "		esac\n"
    "	elif ((count == 1)) && [[ $command == webhook ]]; then\n"
    "		words=$(\"${COMP_WORDS[0]}\" completion projects 2>/dev/null)\n"
    "	fi\n"
    "	mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
    "}\n"
    "complete -F _slipway slipway\n";

static void
write_names(struct buf *to)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		buf_format(to, "%s%s", c == commands ? "" : " ", c->name);
}

/* As people write them: "rolled-back". */
static void
write_states(struct buf *to)
{
	for (int state = 0; state < deploy_spec.state_count; state++) {
		char name[WORDS_SIZE];

		words_state(deploy_spec.state_names[state], name);
		for (char *p = strchr(name, ' '); p != NULL; p = strchr(p, ' '))
			*p = '-';
		buf_format(to, "%s%s", state > 0 ? " " : "", name);
	}
}

static void
write_options(const struct command *command, bool only_valued, struct buf *to)
{
	for (const struct option_spec *s = command->options; s->name != NULL; s++) {
		if (only_valued && s->value == NULL)
			continue;
		buf_format(to, " --%s", s->name);
		if (only_valued && s->letter != 0)
			buf_format(to, " -%c", s->letter);
	}
}

static void
write_kind(const struct command *command, struct buf *to)
{
	switch (command->completes) {
	case COMPLETES_NOTHING:
		break;
	case COMPLETES_STAGES:
		buf_text(to, "stages");
		break;
	case COMPLETES_PROJECTS:
		buf_text(to, "projects");
		break;
	case COMPLETES_REGISTRIES:
		buf_text(to, "list test tags");
		break;
	case COMPLETES_WEBHOOKS:
		buf_text(to, "show rotate test");
		break;
	case COMPLETES_FILES:
		buf_text(to, "files");
		break;
	case COMPLETES_COMMANDS:
		write_names(to);
		break;
	case COMPLETES_SHELLS:
		buf_text(to, "bash");
		break;
	case COMPLETES_ACTIONS:
		buf_text(to, "status backup restore migrate rollback");
		break;
	case COMPLETES_SECRET_ACTIONS:
		buf_text(to, "generate list remove rotate set");
		break;
	case COMPLETES_NOTIFY:
		buf_text(to, "list test receivers");
		break;
	}
}

static void
write_case(const struct command *command, struct buf *to)
{
	buf_format(to, "	%s) options='", command->name);
	write_options(command, false, to);
	buf_text(to, "' valued='");
	write_options(command, true, to);
	buf_text(to, "' kind='");
	write_kind(command, to);
	buf_text(to, "' ;;\n");
}

static void
write_script(struct buf *to)
{
	buf_text(to, script_head);
	buf_text(to, "	local states='");
	write_states(to);
	buf_text(to, "'\n");
	buf_text(to, script_search);
	buf_text(to, "	'') options='--help --version' kind='");
	write_names(to);
	buf_text(to, "' ;;\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		write_case(c, to);
	buf_text(to, script_tail);
}

static void
write_found(const struct json *items, bool stages, struct buf *to)
{
	for (size_t i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		const char *name = json_text(json_get(item, stages ? "project" : "name"));

		words_clean(to, str_of(name), false);
		if (stages)
			buf_char(to, '/');
		if (stages)
			words_clean(to, str_of(json_text(json_get(item, "stage"))), false);
		buf_char(to, '\n');
	}
}

static void
write_from_server(bool stages, struct buf *to)
{
	struct call call = { .path = stages ? "/api/v1/stages" : "/api/v1/projects",
		.total_ms = CLI_PROBE_MS };
	struct answer answer;
	struct err ignored;
	struct client *client = client_new(environ, true, &ignored);

	if (client == NULL)
		return;
	if (client_ask(client, &call, &answer, &ignored) == CLI_OK)
		write_found(json_get(answer.json, "items"), stages, to);
	answer_free(&answer);
	client_free(client);
}

enum cli_exit
cli_completion(struct invocation *in)
{
	const char *what = in->options.arguments[0];
	struct buf out;

	buf_init(&out, CLI_TEXT_MAX);
	if (strcmp(what, "bash") == 0) {
		write_script(&out);
	} else if (strcmp(what, "stages") == 0 || strcmp(what, "projects") == 0) {
		write_from_server(strcmp(what, "stages") == 0, &out);
	} else {
		err_set(
		    in->err, "there is no completion for '%.80s'; there is for bash", what);
		return CLI_USAGE;
	}
	output_buf(&out);
	return CLI_OK;
}
