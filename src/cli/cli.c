/* cli.c - from the words of the command line to a command and its exit code.
 *
 * Every command ends here, so that each error has one form: "slipway: what is wrong; how to mend it". */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/inside.h"
#include "cli/output.h"
#include "cli/words.h"

enum { WORDS_MAX = 64 };

/* What the server said may be in it. */
static void
complain(const struct err *err)
{
	struct buf text;

	if (err->text[0] == '\0')
		return;
	buf_init(&text, 2 * ERR_TEXT_SIZE);
	buf_text(&text, "slipway: ");
	words_clean(&text, str_of(err->text), false);
	fprintf(stderr, "%s\n", buf_cstr(&text));
	buf_free(&text);
}

static enum cli_exit
misuse(const struct command *command, const struct err *err)
{
	complain(err);
	fprintf(stderr, "usage: slipway %s%s%s [OPTIONS] (`slipway help %s` tells more)\n",
	    command->name, command->arguments[0] == '\0' ? "" : " ", command->arguments,
	    command->name);
	return CLI_USAGE;
}

static enum cli_exit
print_help(const struct command *command)
{
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	if (command == NULL)
		commands_write_overview(&text);
	else
		command_write_help(command, &text);
	output_buf(&text);
	return CLI_OK;
}

static enum cli_exit
tell_unknown(const char *name)
{
	const char *nearest = command_nearest(name);

	if (nearest != NULL)
		fprintf(stderr, "slipway: unknown command '%.80s'; did you mean '%s'?\n", name,
		    nearest);
	else
		fprintf(stderr,
		    "slipway: unknown command '%.80s'; `slipway help` lists them\n", name);
	return CLI_USAGE;
}

static enum cli_exit
print_manual(void)
{
	struct buf text;

	buf_init(&text, CLI_TEXT_MAX);
	commands_write_manual(&text);
	output_buf(&text);
	return CLI_OK;
}

enum cli_exit
cli_help(struct invocation *in)
{
	const struct command *command;

	if (options_has(&in->options, "man") && in->options.argument_count > 0) {
		err_set(in->err, "the manual page has every command; leave '%.80s' out",
		    in->options.arguments[0]);
		return CLI_USAGE;
	}
	if (options_has(&in->options, "man"))
		return print_manual();
	if (in->options.argument_count == 0)
		return print_help(NULL);
	command = command_find(in->options.arguments[0]);
	return command == NULL ? tell_unknown(in->options.arguments[0]) : print_help(command);
}

static int
check_count(const struct command *command, const struct options *options, struct err *err)
{
	if (options->argument_count < command->least)
		return err_set(err, "%s needs %s", command->name, command->arguments);
	if (options->argument_count > command->most)
		return err_set(err, "%s takes no '%.80s'; leave it out", command->name,
		    options->arguments[command->most]);
	return 0;
}

static enum cli_exit
run(const struct command *command, const struct options *options, struct err *err)
{
	struct invocation in = { .options = *options, .err = err };
	enum cli_exit code;

	if (command->needs != NEEDS_NOTHING) {
		in.client = client_new(environ, command->needs == NEEDS_TOKEN, err);
		if (in.client == NULL)
			return CLI_USAGE;
	}
	code = command->run(&in);
	client_free(in.client);
	if (code == CLI_OK && output_has_failed()) {
		err_set(err, "cannot write to standard output; is the disk full?");
		code = CLI_FAILED;
	}
	return code;
}

static enum cli_exit
run_words(const struct command *command, int count, char *const *words)
{
	struct err err = { "" };
	struct options options;
	enum cli_exit code;

	if (options_parse(&options, command->options, count, words, &err) != 0)
		return misuse(command, &err);
	if (options_has(&options, "help"))
		return print_help(command);
	if (check_count(command, &options, &err) != 0)
		return misuse(command, &err);
	if (command->run == NULL) { /* with right words it would not have come here */
		err_set(&err, "%s does not take these words together", command->name);
		return misuse(command, &err);
	}
	code = run(command, &options, &err);
	if (code != CLI_OK)
		complain(&err);
	return code;
}

/* The index of the command's name: the first word that is no option; 0: there is none. */
static int
find_name(int argc, char *const *argv)
{
	for (int i = 1; i < argc; i++)
		if (argv[i][0] != '-')
			return i;
	return 0;
}

static bool
is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static enum cli_exit
run_without_name(int argc, char *const *argv)
{
	struct buf text;

	if (argc == 2 && is_one_of(argv[1], "--help", "-h"))
		return print_help(NULL);
	if (argc == 2 && is_one_of(argv[1], "--version", "-V"))
		return cli_version(NULL);
	if (argc > 1) {
		fprintf(stderr,
		    "slipway: which command? '%.80s' alone is none; `slipway help` lists"
		    " them\n",
		    argv[1]);
		return CLI_USAGE;
	}
	buf_init(&text, CLI_TEXT_MAX);
	commands_write_overview(&text);
	fputs(buf_cstr(&text), stderr);
	buf_free(&text);
	return CLI_USAGE;
}

static enum cli_exit
run_all(int argc, char *const *argv)
{
	int at = find_name(argc, argv);
	const struct command *command = at == 0 ? NULL : command_find(argv[at]);
	char *words[WORDS_MAX];
	int count = 0;

	if (at == 0)
		return run_without_name(argc, argv);
	if (command == NULL)
		return tell_unknown(argv[at]);
	if (argc > WORDS_MAX) {
		fprintf(stderr,
		    "slipway: too many words; `slipway help %s` tells which it takes\n",
		    command->name);
		return CLI_USAGE;
	}
	for (int i = 1; i < argc; i++)
		if (i != at)
			words[count++] = argv[i];
	return run_words(command, count, words);
}

int
cli_main(int argc, char **argv)
{
	return (int)run_all(argc, argv);
}
