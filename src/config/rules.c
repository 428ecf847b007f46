/* rules.c - the rules, each a few lines over character classes. */
#include "config/rules.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "config/domain.h"
#include "config/spec.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define LETTERS LOWER UPPER

/* All of text, and at least one character of it, is in the set. */
static bool
consists_of(const char *text, const char *set)
{
	return text[0] != '\0' && text[strspn(text, set)] == '\0';
}

static bool
is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static char
last_of(const char *text)
{
	return text[0] == '\0' ? '\0' : text[strlen(text) - 1];
}

const char *
rule_name(const char *text)
{
	if (!consists_of(text, LOWER DIGITS "-") || text[0] == '-' || last_of(text) == '-')
		return "must be made of a-z, 0-9 and, in between, '-'";
	return strlen(text) > RULE_NAME_MAX ? "is longer than 40 characters" : NULL;
}

static bool
is_port(struct str text)
{
	uint64_t port;

	return str_number(text, 65535, &port) && port > 0;
}

/* Labels of letters, digits and '-' between dots; 63 each, 253 in all (RFC 1035, RFC 1123). */
static bool
is_host_name(struct str host)
{
	if (host.n == 0 || host.n >= DOMAIN_SIZE || host.p[host.n - 1] == '.')
		return false;
	while (host.n > 0) {
		struct str label;

		host = str_cut(host, '.', &label);
		if (label.n == 0 || label.n > 63 || label.p[0] == '-'
		    || label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_in(label.p[i], LETTERS DIGITS "-"))
				return false;
	}
	return true;
}

/* Takes "host:port", "host", "[::1]:port", "[::1]" apart; false when neither. */
static bool
is_host_and_port(struct str text)
{
	struct str host;
	struct str port;
	char address[INET6_ADDRSTRLEN];
	struct in6_addr binary;

	if (!str_starts(text, "[")) {
		port = str_cut(text, ':', &host);
		return is_host_name(host) && (host.n == text.n || is_port(port));
	}
	port = str_cut(text, ']', &host);
	host = (struct str){ host.p + 1, host.n - 1 };
	if (!str_copy(address, sizeof(address), host)
	    || inet_pton(AF_INET6, address, &binary) != 1)
		return false;
	if (port.n == 0)
		return text.p[text.n - 1] == ']';
	return port.p[0] == ':' && is_port((struct str){ port.p + 1, port.n - 1 });
}

static bool
has_upper(const char *text)
{
	return text[strcspn(text, UPPER)] != '\0';
}

const char *
rule_registry(const char *text)
{
	struct str host;

	if (strstr(text, "://") != NULL || strchr(text, '/') != NULL)
		return "must be a host, with a port or not, as images name it: "
		       "registry.example.org:5000";
	if (has_upper(text))
		return "must be written in lower case";
	if (!is_host_and_port(str_of(text)))
		return "is no host name with or without a port, such as "
		       "registry.example.org:5000";
	str_cut(str_of(text), ':', &host);
	if (text[0] != '[' && memchr(host.p, '.', host.n) == NULL && host.n == strlen(text)
	    && !str_is(host, "localhost"))
		return "needs a dot or a port, or Docker takes it for a folder of docker.io";
	return NULL;
}

/* One component of a repository's path (OCI distribution): runs of a-z0-9 joined by ".", "_",
 * "__" or any number of "-". */
static bool
is_path_component(struct str s)
{
	size_t i = 0;

	for (;;) {
		size_t run = i;
		size_t joint;

		while (i < s.n && is_in(s.p[i], LOWER DIGITS))
			i++;
		if (i == run)
			return false;
		if (i == s.n)
			return true;
		joint = i;
		while (i < s.n && s.p[i] == s.p[joint])
			i++;
		if (s.p[joint] != '-' && !(s.p[joint] == '.' && i - joint == 1)
		    && !(s.p[joint] == '_' && i - joint <= 2))
			return false;
	}
}

const char *
rule_image(const char *text)
{
	struct str host;
	struct str path = str_cut(str_of(text), '/', &host);
	char host_text[DOMAIN_SIZE + 8];

	if (strstr(text, "://") != NULL)
		return "must not begin with a scheme: write host/path";
	if (strchr(text, '@') != NULL)
		return "must not name a digest: each deploy finds its own";
	if (path.n > 0 && memchr(path.p, ':', path.n) != NULL)
		return "must not carry a tag: 'tags' says which ones are deployed";
	if (!str_copy(host_text, sizeof(host_text), host) || path.n == 0
	    || rule_registry(host_text) != NULL)
		return "must begin with its registry's host: docker.io/library/nginx, "
		       "ghcr.io/owner/app, 127.0.0.1:5000/app";
	while (path.n > 0) {
		struct str component;

		path = str_cut(path, '/', &component);
		if (has_upper(text))
			return "must be written in lower case";
		if (!is_path_component(component))
			return "is no image name: parts are a-z and 0-9, joined by '.', '_' "
			       "or '-'";
	}
	return last_of(text) == '/' ? "must not end with a slash" : NULL;
}

const char *
rule_glob(const char *text)
{
	if (!consists_of(text, LETTERS DIGITS "_.-*?"))
		return "must be a tag, with '*' for any run of characters and '?' for one: "
		       "\"v*\"";
	if (text[0] == '.' || text[0] == '-')
		return "must not begin with '.' or '-': no tag does";
	return NULL;
}

const char *
rule_domain(const char *text)
{
	static const struct domain_words example = { "project", "stage", "tag" };
	const char *rest = strncmp(text, "*.", 2) == 0 ? text + 2 : text;
	char name[DOMAIN_SIZE];

	if (strstr(text, "://") != NULL || strchr(text, '/') != NULL)
		return "must be a host name alone, without scheme and path";
	if (strchr(rest, '*') != NULL)
		return "may have a wildcard as its first label only: *.example.org";
	if (strchr(text, ':') != NULL)
		return "must be a host name without a port";
	if (has_upper(text))
		return "must be written in lower case";
	if (strchr(rest, '{') == NULL)
		snprintf(name, sizeof(name), "%s", rest);
	else if (!domain_expand(rest, &example, name) || strpbrk(name, "{}") != NULL)
		return "may hold {project}, {stage} and {tag}, and no other words in braces";
	if (!is_host_name(str_of(name)))
		return "is no host name: labels of a-z, 0-9 and '-' between dots "
		       "(other scripts as xn--...)";
	return NULL;
}

const char *
rule_host_header(const char *text)
{
	return is_host_and_port(str_of(text)) ? NULL
					      : "is no host name with or without a port";
}

/* What Docker calls networks and volumes, and Slipway secrets. */
static bool
is_docker_name(const char *text)
{
	return consists_of(text, LETTERS DIGITS "_.-") && is_in(text[0], LETTERS DIGITS)
	       && strlen(text) < NAME_SIZE;
}

const char *
rule_env_name(const char *text)
{
	if (!consists_of(text, LETTERS DIGITS "_") || is_in(text[0], DIGITS))
		return "must be made of A-Z, a-z, 0-9 and '_' and not begin with a digit";
	return strlen(text) > 255 ? "is longer than 255 characters" : NULL;
}

const char *
rule_env_key(const char *text)
{
	for (size_t i = 0; i < TOLD_COUNT; i++)
		if (strcmp(text, told_names[i]) == 0)
			return "is a reserved name: Slipway sets it itself in each container; "
			       "take another one";
	return rule_env_name(text);
}

const char *
rule_secret_name(const char *text)
{
	if (!is_docker_name(text))
		return "is no name of a secret: A-Z, a-z, 0-9 and, behind the first, '_', "
		       "'.', '-'; "
		       "up to 63";
	return NULL;
}

const char *
rule_label_name(const char *text)
{
	if (!consists_of(text, LETTERS DIGITS "._/-") || !is_in(text[0], LETTERS DIGITS)
	    || !is_in(last_of(text), LETTERS DIGITS))
		return "must be made of A-Z, a-z, 0-9 and, in between, '.', '_', '/' and '-'";
	if (strncmp(text, "slipway", 7) == 0)
		return "must not begin with 'slipway': those labels are Slipway's own";
	return strlen(text) > 255 ? "is longer than 255 characters" : NULL;
}

const char *
rule_network(const char *text)
{
	if (!is_docker_name(text))
		return "is no network name: A-Z, a-z, 0-9 and, behind the first, '_', '.', "
		       "'-'; "
		       "up to 63";
	if (strcmp(text, "host") == 0 || strcmp(text, "none") == 0)
		return "cannot be joined beside another network: two versions could not run "
		       "side by side";
	return NULL;
}

const char *
rule_volume_name(const char *text)
{
	if (!is_docker_name(text) || text[1] == '\0')
		return "is no volume name: two to 63 of A-Z, a-z, 0-9 and, behind the first, "
		       "'_', '.', '-'";
	return NULL;
}

const char *
rule_user(const char *text)
{
	struct str user;
	struct str group = str_cut(str_of(text), ':', &user);

	if (!consists_of(text, LETTERS DIGITS "_.:-") || user.n == 0
	    || (group.n == 0 && user.n != strlen(text))
	    || memchr(group.p, ':', group.n) != NULL)
		return "must be a user or user:group, by name or number";
	return NULL;
}

const char *
rule_restart(const char *text)
{
	static const char *const known[] = { "no", "always", "on-failure", "unless-stopped" };

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(text, known[i]) == 0)
			return NULL;
	return "must be one of no, always, on-failure, unless-stopped";
}

const char *
rule_strategy(const char *text)
{
	static const char *const known[] = { "auto", "blue-green", "stop-first", "recreate" };

	for (size_t i = 0; i < COUNT(known); i++)
		if (strcmp(text, known[i]) == 0)
			return NULL;
	return "must be one of auto, blue-green, stop-first, recreate";
}

const char *
rule_probe_path(const char *text)
{
	if (text[0] != '/')
		return "must begin with a slash: \"/health\"";
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || *p == '#')
			return "must be a path as it stands in a request: no blanks, no '#', "
			       "other characters as %XX";
	return NULL;
}

const char *
rule_line(const char *text)
{
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p < ' ' || *p == 0x7f)
			return "must be one line without control characters";
	return NULL;
}

const char *
rule_path(const char *text)
{
	struct str rest = str_of(text);

	if (text[0] != '/')
		return "must be an absolute path";
	if (rule_line(text) != NULL)
		return rule_line(text);
	if (text[1] == '\0')
		return NULL;
	rest = (struct str){ rest.p + 1, rest.n - 1 };
	if (last_of(text) == '/')
		return "must not end with a slash";
	while (rest.n > 0) {
		struct str part;

		rest = str_cut(rest, '/', &part);
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return "must be plain: no '//', no '.' and no '..' in between";
	}
	return NULL;
}

const char *
rule_ip(const char *text)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, text, &four) != 1 && inet_pton(AF_INET6, text, &six) != 1)
		return "is no IP address";
	if (strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0)
		return "must be one address of that machine: ports are published there and "
		       "reached there";
	return NULL;
}
