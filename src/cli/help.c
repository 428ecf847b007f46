/* help.c - commands are found by their names, and explained. */
#include <stdio.h>
#include <string.h>

#include "cli/inside.h"
#include "config/nearest.h"

const struct command *
command_find(const char *name)
{
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

const char *
command_nearest(const char *name)
{
	struct nearest nearest;

	nearest_begin(&nearest, str_of(name));
	for (const struct command *c = commands; c->name != NULL; c++)
		nearest_offer(&nearest, c->name);
	return nearest.name;
}

const char commands_environment[] =
    "  SLIPWAY_URL      where the server is (http://127.0.0.1:8080)\n"
    "  SLIPWAY_TOKEN    the server's token\n"
    "  NO_COLOR         no colours on a terminal\n";

const char commands_exit_codes[] =
    "  0  success; with --wait: the version is live\n"
    "  1  failed: a deploy did not go live, faults were found, the server is unhealthy\n"
    "  2  the command line or the environment makes no sense\n"
    "  3  not found\n"
    "  4  no token, or a wrong one\n"
    "  5  not possible in this state\n"
    "  6  the server cannot be reached or is busy\n"
    "  7  the server refused the request as invalid\n";

static void
write_option(const struct option_spec *spec, struct buf *to)
{
	char left[64];
	char letter[8] = "    ";

	if (spec->letter != 0)
		snprintf(letter, sizeof(letter), "-%c, ", spec->letter);
	snprintf(left, sizeof(left), "%s--%s%s%s", letter, spec->name,
	    spec->value == NULL ? "" : " ", spec->value == NULL ? "" : spec->value);
	buf_format(to, "  %-24s%s\n", left, spec->help);
}

void
command_write_help(const struct command *command, struct buf *to)
{
	buf_format(to, "slipway %s - %s\n\nusage: slipway %s%s%s [OPTIONS]\n\n", command->name,
	    command->summary, command->name, command->arguments[0] == '\0' ? "" : " ",
	    command->arguments);
	if (command->details[0] != '\0')
		buf_format(to, "%s\n", command->details);
	buf_text(to, "options:\n");
	for (const struct option_spec *spec = command->options; spec->name != NULL; spec++)
		write_option(spec, to);
}

void
commands_write_overview(struct buf *to)
{
	buf_text(to, "usage: slipway COMMAND [ARGUMENTS] [OPTIONS]\n\ncommands:\n");
	for (const struct command *c = commands; c->name != NULL; c++) {
		char left[64];

		snprintf(left, sizeof(left), "%s %s", c->name, c->arguments);
		buf_format(to, "  %-31s%s\n", left, c->summary);
	}
	buf_format(to,
	    "\n`slipway help COMMAND` explains one with its options and examples.\n"
	    "\n"
	    "environment of the commands that ask a server (each also as NAME_FILE):\n%s"
	    "\n"
	    "exit codes:\n%s",
	    commands_environment, commands_exit_codes);
}
