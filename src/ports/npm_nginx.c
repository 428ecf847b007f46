/* npm_nginx.c - the location through which Slipway asks who answers for a host.
 *
 * The one idea: it passes to where the host's own variables lead, so it tells the truth of whatever nginx
 * has loaded, and it stands beside what protects the site (access lists, HTTPS by force), so it
 * can be asked always. Its name is a secret. Everything between our two marks is ours. */
#include <string.h>

#include "ports/npm_inside.h"

static const char begin_mark[] = "# slipway: begin";
static const char end_mark[] = "# slipway: end";

static bool
find(struct str text, const char *mark, size_t *ret_at)
{
	const char *found = memmem(text.p, text.n, mark, strlen(mark));

	*ret_at = found == NULL ? 0 : (size_t)(found - text.p);
	return found != NULL;
}

/* Where our block begins and ends, the line's end behind it included. */
static bool
find_block(struct str text, size_t *ret_from, size_t *ret_to)
{
	struct str rest;

	if (!find(text, begin_mark, ret_from))
		return false;
	rest = (struct str){ text.p + *ret_from, text.n - *ret_from };
	if (!find(rest, end_mark, ret_to))
		return false;
	*ret_to += *ret_from + strlen(end_mark);
	while (*ret_to < text.n && (text.p[*ret_to] == '\n' || text.p[*ret_to] == '\r'))
		(*ret_to)++;
	return true;
}

bool
npm_block_is_there(struct str text)
{
	size_t from;
	size_t to;

	return find_block(text, &from, &to);
}

void
npm_block_drop(struct buf *to, struct str text)
{
	size_t from;
	size_t until;

	if (!find_block(text, &from, &until)) {
		buf_str(to, text);
		return;
	}
	buf_add(to, text.p, from);
	buf_add(to, text.p + until, text.n - until);
}

const char *
npm_probe_path(const char *path)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789/._~?&=+,:@%-";

	return path[0] == '/' && path[strspn(path, safe)] == '\0' ? path : "/";
}

void
npm_block_put(struct buf *to, struct str text, const char *secret, const char *path)
{
	npm_block_drop(to, text);
	if (to->n > 0 && to->p[to->n - 1] != '\n')
		buf_char(to, '\n');
	buf_format(to,
	    "%s (Slipway asks here who answers; it is put back when it is removed)\n"
	    "location = /.well-known/slipway-%s {\n"
	    "  auth_basic off;\n"
	    "  allow all;\n"
	    "  access_log off;\n"
	    "  proxy_set_header Host $host;\n"
	    "  proxy_hide_header " NPM_INSTANCE_HEADER ";\n"
	    "  add_header " NPM_INSTANCE_HEADER " $server:$port always;\n"
	    "  proxy_pass $forward_scheme://$server:$port%s;\n"
	    "}\n"
	    "%s\n",
	    begin_mark, secret, npm_probe_path(path), end_mark);
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* As Nginx Proxy Manager looks for it: "location / {" at the beginning of a line or behind a ';'. */
bool
npm_has_own_root(struct str text)
{
	static const char word[] = "location";
	struct str rest = text;
	size_t at;

	while (find(rest, word, &at)) {
		size_t before = (size_t)(rest.p - text.p) + at;
		size_t i = at + sizeof(word) - 1;

		while (before > 0 && (text.p[before - 1] == ' ' || text.p[before - 1] == '\t'))
			before--;
		while (i < rest.n && is_blank(rest.p[i]))
			i++;
		if (i < rest.n && rest.p[i] == '/'
		    && (before == 0 || text.p[before - 1] == '\n' || text.p[before - 1] == ';'
			|| text.p[before - 1] == '}')) {
			for (i++; i < rest.n && is_blank(rest.p[i]); i++)
				;
			if (i < rest.n && rest.p[i] == '{')
				return true;
		}
		rest = (struct str){ rest.p + at + 1, rest.n - at - 1 };
	}
	return false;
}
