/* registry_url.c - see registry_url.h. */
#include "ports/registry_url.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

/* Visible ASCII only: what goes into a request line and cannot break out of it. */
static bool
is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~')
			return false;
	return true;
}

bool
url_split(struct str text, struct url *ret)
{
	struct url url = { .is_https = text.n > 8 && strncasecmp(text.p, "https://", 8) == 0 };
	size_t n = 0;

	if (!is_clean(text)
	    || (!url.is_https && (text.n <= 7 || strncasecmp(text.p, "http://", 7) != 0)))
		return false;
	text.p += url.is_https ? 8 : 7;
	text.n -= url.is_https ? 8 : 7;
	while (n < text.n && strchr("/?#", text.p[n]) == NULL)
		n++;
	url.authority = (struct str){ text.p, n };
	url.path = (struct str){ text.p + n, text.n - n };
	if (n == 0 || memchr(url.authority.p, '@', n) != NULL
	    || memchr(url.authority.p, '\\', n) != NULL)
		return false;
	*ret = url;
	return true;
}

/* Cuts the port off; the default one of the scheme when none is written. */
static struct str
host_and_port(const struct url *url, struct str *host)
{
	struct str whole = url->authority;
	size_t n = whole.n;

	while (n > 0 && whole.p[n - 1] != ':' && whole.p[n - 1] != ']')
		n--;
	*host = whole;
	if (n == 0 || whole.p[n - 1] == ']')
		return url->is_https ? STR("443") : STR("80");
	host->n = n - 1;
	return (struct str){ whole.p + n, whole.n - n };
}

bool
url_is_same_host(const struct url *a, const struct url *b)
{
	struct str a_host;
	struct str b_host;
	struct str a_port = host_and_port(a, &a_host);
	struct str b_port = host_and_port(b, &b_host);

	return a_host.n == b_host.n && strncasecmp(a_host.p, b_host.p, a_host.n) == 0
	       && a_port.n == b_port.n && memcmp(a_port.p, b_port.p, a_port.n) == 0;
}

bool
url_is_loopback(const struct url *url)
{
	struct in_addr address;
	struct str host;
	char text[64];

	host_and_port(url, &host);
	if (!str_copy(text, sizeof(text), host))
		return false;
	if (strcasecmp(text, "localhost") == 0 || strcmp(text, "[::1]") == 0)
		return true;
	return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* What of base's path a reference without a leading '/' is relative to. */
static struct str
stem(struct str path, bool is_query)
{
	struct str before;
	const char *slash;

	str_cut(path, '?', &before);
	if (is_query)
		return before;
	slash = before.n == 0 ? NULL : memrchr(before.p, '/', before.n);
	return (struct str){ before.p, slash == NULL ? 0 : (size_t)(slash - before.p) + 1 };
}

bool
url_join(struct str base, struct str reference, struct buf *to)
{
	struct url here;
	struct url there;

	if (!url_split(base, &here) || reference.n == 0 || !is_clean(reference))
		return false;
	if (url_split(reference, &there)) {
		/* Behind a proxy a registry often believes that it speaks http on its default port. */
		bool is_mere_scheme = there.is_https != here.is_https;
		there.is_https = is_mere_scheme ? here.is_https : there.is_https;
		if (!url_is_same_host(&here, &there))
			return false;
		reference = there.path;
	} else if (str_starts(reference, "//")
		   || memmem(reference.p, reference.n, "://", 3) != NULL) {
		return false;
	}
	buf_text(to, here.is_https ? "https://" : "http://");
	buf_str(to, here.authority);
	if (reference.n > 0 && reference.p[0] == '/')
		; /* a whole path */
	else if (here.path.n == 0
		 || here.path.p[0] != '/') /* or it would go on with the host */
		buf_char(to, '/');
	else
		buf_str(to, stem(here.path, reference.n > 0 && reference.p[0] == '?'));
	buf_str(to, reference);
	return !to->overflow;
}

void
url_query_escape(struct buf *to, const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			buf_char(to, *text);
		else
			buf_format(to, "%%%02X", (unsigned)(unsigned char)*text);
}
