/* names_file.c - the table of names as a file: a head and one line a container.
 *
 * The one idea: all or nothing. A line that does not read as it was written makes the whole file
 * unreadable, and whoever answers from it goes on with what he has. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "ports/names_inside.h"

#define HEAD "slipway-names 1 "

enum { WORDS = 6 };

bool
names_is_mark(struct str text)
{
	if (text.n == 0 || text.n >= NAMES_MARK_SIZE)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if ((text.p[i] < '0' || text.p[i] > '9')
		    && (text.p[i] < 'a' || text.p[i] > 'z'))
			return false;
	return true;
}

bool
names_is_address(const char *text)
{
	char host[NAMES_ADDRESS_SIZE];
	unsigned char bytes[16];
	uint16_t port;

	return names_split(text, host, &port)
	       && (inet_pton(AF_INET, host, bytes) == 1
		   || inet_pton(AF_INET6, host, bytes) == 1);
}

/* "<stage> <deploy> <replica> live|former <address> <listen>" */
static bool
parse_line(struct str line, struct name_target *ret)
{
	struct str words[WORDS];
	uint64_t replica;

	for (size_t i = 0; i < WORDS; i++)
		line = str_cut(line, ' ', &words[i]);
	if (line.n > 0 || !str_number(words[0], INT64_MAX, &ret->stage)
	    || !str_number(words[1], INT64_MAX, &ret->deploy)
	    || !str_number(words[2], REPLICAS_MAX - 1, &replica)
	    || !str_copy(ret->address, sizeof(ret->address), words[4])
	    || !str_copy(ret->listen, sizeof(ret->listen), words[5]))
		return false;
	ret->replica = (int)replica;
	ret->is_live = str_is(words[3], "live");
	return (ret->is_live || str_is(words[3], "former")) && names_is_address(ret->address)
	       && names_is_address(ret->listen);
}

int
names_parse(struct str text, struct names *names, struct err *err)
{
	struct names fresh = { .targets = NULL };
	struct str line;

	text = str_cut(text, '\n', &line);
	if (!str_starts(line, HEAD))
		return err_set(err, "it does not begin with '" HEAD "'");
	line = (struct str){ line.p + strlen(HEAD), line.n - strlen(HEAD) };
	if (!names_is_mark(line) || !str_copy(fresh.mark, sizeof(fresh.mark), line))
		return err_set(err, "line 1 has no mark of a store");
	for (int number = 2; text.n > 0; number++) {
		struct name_target target = { .stage = 0 };

		text = str_cut(text, '\n', &line);
		if (!parse_line(line, &target)) {
			names_free(&fresh);
			return err_set(err, "line %d cannot be understood", number);
		}
		names_add(&fresh, &target);
	}
	names_sort(&fresh);
	names_free(names);
	*names = fresh;
	return 0;
}

int
names_read(const char *path, struct names *names, struct err *err)
{
	struct buf text;
	struct stat info;
	int result;

	if (stat(path, &info) != 0 && errno == ENOENT) {
		names_free(names);
		return 0;
	}
	buf_init(&text, NAMES_FILE_MAX);
	result = file_read(path, &text, err);
	if (result == 0) {
		result = names_parse(buf_view(&text), names, err);
		if (result != 0)
			err_context(err, "%s", path);
	}
	buf_free(&text);
	return result;
}

void
names_write(const struct names *names, struct buf *text)
{
	CHECK(names->mark[0] != '\0');
	buf_format(text, HEAD "%s\n", names->mark);
	for (size_t i = 0; i < names->count; i++) {
		const struct name_target *t = &names->targets[i];

		buf_format(text, "%" PRIu64 " %" PRIu64 " %d %s %s %s\n", t->stage, t->deploy,
		    t->replica, t->is_live ? "live" : "former", t->address, t->listen);
	}
}
