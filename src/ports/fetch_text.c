/* fetch_text.c - see fetch_text.h. */
#include "ports/fetch_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"

bool
header_is(const char *line, const char *name)
{
	size_t n = strlen(name);

	return strncasecmp(line, name, n) == 0 && line[n] == ':';
}

struct str
header_find(struct str raw, const char *name, uint32_t index)
{
	size_t name_size = strlen(name);

	while (raw.n > 0) {
		struct str line;

		raw = str_cut(raw, '\n', &line);
		if (line.n > name_size && line.p[name_size] == ':'
		    && strncasecmp(line.p, name, name_size) == 0 && index-- == 0)
			return str_trim(
			    (struct str){ line.p + name_size + 1, line.n - name_size - 1 });
	}
	return str_of("");
}

bool
url_has_address(const char *url)
{
	const char *host = strstr(url, "://");
	size_t n;

	if (host == NULL)
		return false;
	host += 3;
	n = strspn(host, "0123456789.");
	return host[0] == '[' || (n > 0 && strchr(":/", host[n]) != NULL);
}

void
detour_write(const char *resolve, char *to, size_t size)
{
	const char *port = strchr(resolve, ':');
	const char *address;
	bool is_six;

	CHECK(port != NULL);
	address = strchr(port + 1, ':');
	CHECK(address != NULL);
	is_six = strchr(address + 1, ':') != NULL && address[1] != '[';
	snprintf(to, size, "%.*s:%s%s%s%.*s", (int)(address - resolve), resolve,
	    is_six ? "[" : "", address + 1, is_six ? "]" : "", (int)(address - port), port);
}
