/* output.c - see output.h. */
#include "cli/output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/words.h"

enum { WIDTH_DEFAULT = 80 };

static int trouble; /* errno of the first write that failed */

static bool
write_all(struct str text)
{
	while (text.n > 0 && trouble == 0) {
		ssize_t n = write(STDOUT_FILENO, text.p, text.n);

		if (n >= 0) {
			text.p += n;
			text.n -= (size_t)n;
		} else if (errno == EAGAIN) {
			/* Somebody made a descriptor that we share non-blocking. */
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, -1);
		} else if (errno != EINTR) {
			trouble = errno;
		}
	}
	return trouble == 0;
}

bool
output_str(struct str text)
{
	struct str piece;

	if (!isatty(STDOUT_FILENO))
		return write_all(text);
	while ((piece = words_harmless(&text)).n > 0 && write_all(piece))
		;
	return trouble == 0;
}

bool
output_buf(struct buf *text)
{
	bool is_written = output_str(buf_view(text));

	buf_free(text);
	return is_written;
}

bool
output_json(struct str json)
{
	bool has_newline = json.n > 0 && json.p[json.n - 1] == '\n';

	return write_all(json) && (has_newline || write_all(STR("\n")));
}

bool
output_has_failed(void)
{
	return trouble != 0 && trouble != EPIPE;
}

size_t
output_width(void)
{
	struct winsize size;

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

struct progress_style
output_style(void)
{
	const char *terminal = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	bool is_dumb = terminal == NULL || strcmp(terminal, "dumb") == 0;
	struct progress_style style = { .width = is_dumb ? 0 : output_width() };

	style.has_colour = style.width > 0 && (no_color == NULL || no_color[0] == '\0');
	return style;
}

void
output_foreign(struct buf *to, struct str text)
{
	if (isatty(STDOUT_FILENO))
		words_clean(to, text, output_style().has_colour);
	else
		buf_str(to, text);
}
