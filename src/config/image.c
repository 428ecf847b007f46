/* image.c - see image.h.
 *
 * The one idea: digest, tag and host are cut off from the outside in; each piece is then held
 * against its own rule, so the error can name the piece. */
#include "config/image.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { NAME_MAX_BYTES = IMAGE_SIZE - 1 }; /* of host and path together */

/* How many bytes at the head of s are among `allowed`. */
static size_t
span(struct str s, const char *allowed)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\0' && strchr(allowed, s.p[n]) != NULL)
		n++;
	return n;
}

static bool
is_only(struct str s, const char *allowed)
{
	return s.n > 0 && span(s, allowed) == s.n;
}

bool
image_tag_is_valid(struct str tag)
{
	return tag.n < TAG_SIZE && is_only(tag, LOWER UPPER DIGITS "_.-") && tag.p[0] != '.'
	       && tag.p[0] != '-';
}

bool
image_digest_is_valid(struct str digest)
{
	return digest.n == DIGEST_SIZE - 1 && str_starts(digest, "sha256:")
	       && is_only((struct str){ digest.p + 7, digest.n - 7 }, DIGITS "abcdef");
}

const char *
image_ref_server(const struct image_ref *ref)
{
	return strcmp(ref->host, "docker.io") == 0 ? "registry-1.docker.io" : ref->host;
}

/* Letters, digits and dashes, dashes inside only; parted by dots. */
static bool
is_domain(struct str domain)
{
	do {
		struct str label;

		domain = str_cut(domain, '.', &label);
		if (!is_only(label, LOWER UPPER DIGITS "-") || label.p[0] == '-'
		    || label.p[label.n - 1] == '-')
			return false;
	} while (domain.n > 0);
	return true;
}

/* A domain or an address, with a port or without. */
static bool
is_host(struct str host)
{
	struct str name = host;
	struct str port = { NULL, 0 };
	const char *colon = memrchr(host.p, ':', host.n);
	uint64_t number;

	if (colon != NULL && host.p[host.n - 1] != ']') {
		name.n = (size_t)(colon - host.p);
		port = (struct str){ colon + 1, host.n - name.n - 1 };
		if (!str_number(port, 65535, &number) || number == 0)
			return false;
	}
	if (name.n == 0 || name.p[name.n - 1] == '.')
		return false;
	if (name.p[0] == '[')
		return name.n > 3 && name.p[name.n - 1] == ']'
		       && is_only(
			   (struct str){ name.p + 1, name.n - 2 }, DIGITS "abcdefABCDEF:");
	return is_domain(name);
}

/* Words of lower case letters and digits, joined by '.', '_', "__" or dashes. */
static bool
is_path_part(struct str part)
{
	for (;;) {
		size_t word = span(part, LOWER DIGITS);
		size_t dashes;

		if (word == 0)
			return false;
		part = (struct str){ part.p + word, part.n - word };
		if (part.n == 0)
			return true;
		dashes = span(part, "-");
		if (dashes == 0)
			dashes = part.n > 1 && part.p[0] == '_' && part.p[1] == '_' ? 2 : 1;
		if (strchr("._-", part.p[0]) == NULL)
			return false;
		part = (struct str){ part.p + dashes, part.n - dashes };
	}
}

/* The first part is a host when it could not be a path's, as Docker decides it. */
static bool
names_host(struct str first)
{
	return memchr(first.p, '.', first.n) != NULL || memchr(first.p, ':', first.n) != NULL
	       || str_is(first, "localhost") || span(first, LOWER DIGITS "_-") < first.n;
}

static int
take_digest(struct str *rest, struct image_ref *ref, struct err *err)
{
	const char *at = memchr(rest->p, '@', rest->n);
	struct str digest;

	if (at == NULL)
		return 0;
	digest = (struct str){ at + 1, rest->n - (size_t)(at - rest->p) - 1 };
	rest->n = (size_t)(at - rest->p);
	if (!image_digest_is_valid(digest)
	    || !str_copy(ref->digest, sizeof(ref->digest), digest))
		return err_set(
		    err, "behind '@' stands a digest: sha256: and 64 hexadecimal digits");
	return 0;
}

static int
take_tag(struct str *rest, struct image_ref *ref, struct err *err)
{
	const char *slash = memrchr(rest->p, '/', rest->n);
	const char *last = slash == NULL ? rest->p : slash + 1;
	const char *colon = memchr(last, ':', (size_t)(rest->p + rest->n - last));
	struct str tag;

	if (colon == NULL)
		return 0;
	tag = (struct str){ colon + 1, (size_t)(rest->p + rest->n - colon) - 1 };
	rest->n = (size_t)(colon - rest->p);
	if (!image_tag_is_valid(tag) || !str_copy(ref->tag, sizeof(ref->tag), tag))
		return err_set(err,
		    "'%.*s' is no tag: letters, digits, '_', '.' and '-', at most %d, "
		    "and neither '.' nor '-' first",
		    (int)(tag.n < 80 ? tag.n : 80), tag.p, TAG_SIZE - 1);
	return 0;
}

static int
take_host(struct str *rest, struct image_ref *ref, struct err *err)
{
	struct str first;
	struct str behind = str_cut(*rest, '/', &first);

	CHECK(str_copy(ref->host, sizeof(ref->host), STR("docker.io")));
	if (first.n == rest->n || !names_host(first))
		return 0;
	if (first.n == 0 || !is_host(first) || !str_copy(ref->host, sizeof(ref->host), first))
		return err_set(err, "'%.*s' is no host: it looks like registry.example:5000",
		    (int)first.n, first.p);
	for (char *c = ref->host; *c != '\0' && strpbrk(ref->host, ".:") != NULL; c++)
		*c = (char)tolower(
		    (unsigned char)*c); /* a bare word is a host by its capitals alone */
	if (strcmp(ref->host, "index.docker.io") == 0) /* its name of old */
		CHECK(str_copy(ref->host, sizeof(ref->host), STR("docker.io")));
	*rest = behind;
	return 0;
}

static int
check_path(struct str path, struct err *err)
{
	bool is_more = true;

	if (path.n == 0)
		return err_set(err, "the name behind the host is missing");
	while (is_more) {
		struct str part;

		is_more = memchr(path.p, '/', path.n) != NULL;
		path = str_cut(path, '/', &part);
		if (part.n == 0)
			return err_set(err, "there is nothing between two '/' or at the end");
		if (span(part, UPPER LOWER DIGITS "._-") == part.n
		    && span(part, LOWER DIGITS "._-") < part.n)
			return err_set(err, "'%.*s': names of images are lower case",
			    (int)part.n, part.p);
		if (!is_path_part(part))
			return err_set(err,
			    "'%.*s': a name is a-z and 0-9, joined by '.', '_', '__' or '-'",
			    (int)part.n, part.p);
	}
	return 0;
}

static int
parse(struct str rest, struct image_ref *ref, struct err *err)
{
	const char *scheme = memmem(rest.p, rest.n, "://", 3);
	bool is_short;

	if (rest.n == 0)
		return err_set(err, "it is empty");
	if (scheme != NULL)
		return err_set(err, "leave out '%.*s'", (int)(scheme + 3 - rest.p), rest.p);
	if (take_digest(&rest, ref, err) != 0)
		return -1;
	if (rest.n > NAME_MAX_BYTES + TAG_SIZE)
		return err_set(err, "it is too long: at most %d characters before the tag",
		    NAME_MAX_BYTES);
	if (take_tag(&rest, ref, err) != 0)
		return -1;
	if (rest.n > NAME_MAX_BYTES)
		return err_set(err, "it is too long: at most %d characters before the tag",
		    NAME_MAX_BYTES);
	if (take_host(&rest, ref, err) != 0 || check_path(rest, err) != 0)
		return -1;
	if (rest.n == 64 && is_only(rest, DIGITS "abcdef"))
		return err_set(
		    err, "64 hexadecimal digits are an image's id, which no registry knows");
	is_short = strcmp(ref->host, "docker.io") == 0 && memchr(rest.p, '/', rest.n) == NULL;
	if (strlen(is_short ? "library/" : "") + rest.n >= sizeof(ref->path))
		return err_set(err, "it is too long");
	snprintf(ref->path, sizeof(ref->path), "%s%.*s", is_short ? "library/" : "",
	    (int)rest.n, rest.p);
	return 0;
}

int
image_ref_parse(const char *text, struct image_ref *ret, struct err *err)
{
	struct image_ref ref = { .tag = "" };

	if (parse(str_of(text), &ref, err) != 0)
		return err_context(err, "'%.120s' is no image like host/org/app:tag", text);
	*ret = ref;
	return 0;
}
