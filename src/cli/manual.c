/* manual.c - slipway(1), in the language of man (groff's man macros), from the table of commands.
 *
 * The one idea: the page says what the help says, from the same table; only its head and its end are
 * written here. Texts of the table stand as they are, line by line, so their examples stay whole. */
#include <string.h>

#include "cli/inside.h"

static const char head[] =
    ".\\\" Generated from the table of commands by `slipway help --man`.\n"
    ".TH SLIPWAY 1 \"\" Slipway \"User Commands\"\n"
    ".SH NAME\n"
    "slipway \\- deploys containers on Docker hosts without losing a request\n"
    ".SH SYNOPSIS\n"
    ".B slipway\n"
    ".I COMMAND\n"
    ".RI [ ARGUMENTS ]\n"
    ".RI [ OPTIONS ]\n"
    ".SH DESCRIPTION\n"
    "One program: the server\n"
    ".RB ( \"slipway serve\" ),\n"
    "the edge that traffic goes through\n"
    ".RB ( \"slipway edge\" ),\n"
    "and the commands that ask a server.\n"
    "A new version of an image is started beside the old one, looked at until it is healthy, "
    "given the\n"
    "traffic, and the old one is drained and removed.\n"
    ".PP\n"
    "Options may stand anywhere behind the command:\n"
    ".BI \\-\\-name\\~ value\n"
    "or\n"
    ".BI \\-\\-name= value\\fR.\n"
    ".SH COMMANDS\n";

static const char tail[] = ".SH FILES\n"
			   ".TP\n"
			   ".I slipway.yml\n"
			   "What is deployed;\n"
			   ".B slipway check\n"
			   "finds its faults.\n"
			   ".SH SEE ALSO\n"
			   ".BR docker (1),\n"
			   ".BR haproxy (1)\n"
			   ".PP\n"
			   "A running server shows its interface at /docs.\n";

/* Each of these means something to groff, or would come out as another character. */
static void
put_character(struct buf *to, char c, bool is_first)
{
	static const char odd[] = "\\-'`^~";
	static const char *const names[] = { "\\e", "\\-", "\\(aq", "\\(ga", "\\(ha",
		"\\(ti" };
	const char *at = strchr(odd, c);

	if (is_first && c == '.')
		buf_text(to, "\\&");
	if (at != NULL)
		buf_text(to, names[at - odd]);
	else
		buf_char(to, c);
}

static void
put_text(struct buf *to, const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		put_character(to, *p, p == text || p[-1] == '\n');
}

/* Lines that stay as they are. */
static void
put_lines(struct buf *to, const char *lines)
{
	buf_text(to, ".nf\n");
	put_text(to, lines);
	buf_text(to, ".fi\n");
}

static void
put_option_of(struct buf *to, const struct option_spec *spec)
{
	buf_text(to, ".TP\n.B ");
	if (spec->letter != 0)
		buf_format(to, "\\-%c, ", spec->letter);
	buf_text(to, "\\-\\-");
	put_text(to, spec->name);
	if (spec->value != NULL)
		buf_format(to, " \\fI%s\\fR", spec->value);
	buf_char(to, '\n');
	put_text(to, spec->help);
	buf_char(to, '\n');
}

static void
put_command(struct buf *to, const struct command *command)
{
	buf_text(to, ".SS \"slipway ");
	put_text(to, command->name);
	if (command->arguments[0] != '\0')
		buf_char(to, ' ');
	put_text(to, command->arguments);
	buf_text(to, "\"\n");
	put_text(to, command->summary);
	buf_text(to, ".\n");
	if (command->details[0] != '\0') {
		buf_text(to, ".PP\n");
		put_lines(to, command->details);
	}
	for (const struct option_spec *spec = command->options; spec->name != NULL; spec++)
		put_option_of(to, spec);
}

void
commands_write_manual(struct buf *to)
{
	buf_text(to, head);
	for (const struct command *c = commands; c->name != NULL; c++)
		put_command(to, c);
	buf_text(to,
	    ".SH ENVIRONMENT\nOf the commands that ask a server; each also as NAME_FILE.\n"
	    ".PP\n");
	put_lines(to, commands_environment);
	buf_text(to, ".SH EXIT STATUS\n");
	put_lines(to, commands_exit_codes);
	buf_text(to, tail);
}
