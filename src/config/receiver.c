/* receiver.c - see receiver.h. */
#include "config/receiver.h"

#include <string.h>

#include "config/rules.h"

const struct receiver_traits receiver_traits[RECEIVER_KIND_COUNT] = {
	[RECEIVER_WEBHOOK] = { "webhook", MAYBE, false, false },
	[RECEIVER_SLACK] = { "slack", NEVER, true, false },
	[RECEIVER_DISCORD] = { "discord", NEVER, true, false },
	[RECEIVER_NTFY] = { "ntfy", MAYBE, false, true },
	[RECEIVER_GOTIFY] = { "gotify", ALWAYS, false, true },
	[RECEIVER_EMAIL] = { "email", MAYBE, false, true },
};

enum receiver_kind
receiver_kind_by_name(const char *name)
{
	int i = 0;

	while (i < RECEIVER_KIND_COUNT && strcmp(receiver_traits[i].name, name) != 0)
		i++;
	return (enum receiver_kind)i;
}

static bool
begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool
is_tls(const char *url)
{
	return begins(url, "https://") || begins(url, "smtps://");
}

/* What stands between "://" and the first slash. */
static bool
cut_host(const char *url, char host[DOMAIN_SIZE + 8], const char **ret_rest)
{
	const char *from = strstr(url, "://");
	size_t n;

	if (from == NULL)
		return false;
	from += 3;
	n = strcspn(from, "/?#");
	*ret_rest = from + n;
	return str_copy(host, DOMAIN_SIZE + 8, (struct str){ from, n });
}

/* As it stands in a request: no blanks, no control characters, no fragment. */
static bool
is_plain(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#' || *p == '"' || *p == '\\')
			return false;
	return true;
}

/* The topic is the last part of the path. */
static bool
has_topic(const char *path)
{
	const char *last = strrchr(path, '/');

	return last != NULL && last[1] != '\0' && strpbrk(path, "?") == NULL;
}

const char *
receiver_url_fault(enum receiver_kind kind, const char *url)
{
	char host[DOMAIN_SIZE + 8];
	const char *path;

	if (kind == RECEIVER_EMAIL && !begins(url, "smtp://") && !begins(url, "smtps://"))
		return "must begin with smtp:// (STARTTLS) or smtps:// (TLS from the first "
		       "byte)";
	if (kind != RECEIVER_EMAIL && !begins(url, "http://") && !begins(url, "https://"))
		return "must begin with http:// or https://";
	if (!is_plain(url))
		return "holds blanks or characters that stand in no URL: write them as %XX";
	if (!cut_host(url, host, &path) || rule_host_header(host) != NULL)
		return "must name a host, with a port or not, and no user or password";
	if (kind == RECEIVER_EMAIL && path[0] != '\0')
		return "must end with the host or the port";
	if (kind == RECEIVER_NTFY && !has_topic(path))
		return "must end with the topic: https://ntfy.sh/my-topic";
	if (kind == RECEIVER_GOTIFY && strpbrk(path, "?") != NULL)
		return "must be the server's address, without a query: the token is the "
		       "secret";
	return NULL;
}

static bool
is_loopback(const char *url)
{
	const char *host = strstr(url, "://");

	return host != NULL
	       && (begins(host + 3, "127.") || begins(host + 3, "localhost")
		   || begins(host + 3, "[::1]"));
}

bool
receiver_tells_secret(enum receiver_kind kind, const char *url, bool has_secret)
{
	const struct receiver_traits *traits = &receiver_traits[kind];
	bool is_secret = traits->is_url_secret || (traits->sends_secret && has_secret);

	/* smtp:// is refused by the port until STARTTLS was done. */
	return is_secret && kind != RECEIVER_EMAIL && !is_tls(url) && !is_loopback(url);
}
