/* npm_certificate.c - which certificate a stage means.
 *
 * The one idea: Nginx Proxy Manager takes any number for a certificate, and serves a host whose
 * certificate is not there without TLS; so a number is sent only when its certificate was seen, and fits. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/domain.h"
#include "ports/npm_inside.h"

static bool
covers_one(const struct json *names, const char *domain)
{
	for (size_t i = 0; i < json_count(names); i++) {
		const char *name = json_text(json_at(names, i));

		if (strcasecmp(name, domain) == 0
		    || (domain[0] != '*' && domain_matches(name, domain)))
			return true;
	}
	return false;
}

/* An uploaded one without names says nothing of what it is for: the person knows. */
static const char *
not_covered(const struct json *certificate, const struct front_route *route)
{
	const struct json *names = json_get(certificate, "domain_names");

	for (size_t i = 0; json_count(names) > 0 && i < route->domain_count; i++)
		if (!covers_one(names, route->domains[i]))
			return route->domains[i];
	return NULL;
}

static bool
is_meant(const struct json *certificate, const char *word)
{
	uint64_t number;

	if (str_number(str_of(word), INT32_MAX, &number))
		return json_number(json_get(certificate, "id")) == (int64_t)number;
	return strcasecmp(json_text(json_get(certificate, "nice_name")), word) == 0;
}

static int
tell_unknown(const struct json *certificates, const char *word, struct err *err)
{
	char known[400] = "";
	size_t n = 0;

	for (size_t i = 0; i < json_count(certificates) && n < sizeof(known) - 64; i++) {
		const struct json *one = json_at(certificates, i);

		n += (size_t)snprintf(known + n, sizeof(known) - n, "%s%lld '%.40s'",
		    i == 0 ? "" : ", ", (long long)json_number(json_get(one, "id")),
		    json_text(json_get(one, "nice_name")));
	}
	return err_set(err,
	    "Nginx Proxy Manager has no certificate '%.80s': it has %s; correct "
	    "'certificate' of the stage",
	    word, known[0] == '\0' ? "none" : known);
}

int
npm_certificate_find(const struct json *certificates, const struct front_route *route,
    struct npm_certificate *ret, struct err *err)
{
	bool is_wished = strcmp(route->certificate, "letsencrypt") == 0;

	*ret = (struct npm_certificate){ .is_named = route->certificate[0] != '\0',
		.is_any = is_wished };
	for (size_t i = 0; ret->is_named && i < json_count(certificates); i++) {
		const struct json *one = json_at(certificates, i);
		const char *missing = not_covered(one, route);
		bool is_theirs =
		    is_wished
			? strcmp(json_text(json_get(one, "provider")), "letsencrypt") == 0
			      && missing == NULL
			: is_meant(one, route->certificate);

		if (!is_theirs)
			continue;
		if (missing != NULL)
			return err_set(err,
			    "the certificate '%.80s' is not for %s: choose another one in "
			    "'certificate' of the stage",
			    route->certificate, missing);
		ret->id = json_number(json_get(one, "id"));
		return 0;
	}
	ret->is_new = is_wished;
	return !ret->is_named || is_wished
		   ? 0
		   : tell_unknown(certificates, route->certificate, err);
}

bool
npm_certificate_covers(
    const struct json *certificates, int64_t id, const char *const *names, size_t count)
{
	const struct json *one = NULL;
	const struct json *of;

	for (size_t i = 0; i < json_count(certificates) && one == NULL; i++)
		if (json_number(json_get(json_at(certificates, i), "id")) == id)
			one = json_at(certificates, i);
	of = json_get(one, "domain_names");
	for (size_t i = 0; json_count(of) > 0 && i < count; i++)
		if (!covers_one(of, names[i]))
			return false;
	return one != NULL;
}

bool
npm_certificate_is_lacking(const struct npm_wish *wish, const struct json *host,
    const char *const *names, size_t count)
{
	const struct npm_certificate *certificate = &wish->certificate;
	int64_t is = json_number(json_get(host, "certificate_id"));

	if (!certificate->is_named || !certificate->is_any)
		return certificate->is_named && is != certificate->id;
	return !npm_certificate_covers(wish->certificates, is, names, count);
}

const struct json *
npm_certificate_before(const struct npm_wish *wish, const struct json *host)
{
	const struct json *before = json_get(npm_mark_of(wish, host), "before");

	return wish->route->certificate[0] == '\0'
		       && json_get(before, "certificate_id") != NULL
		   ? before
		   : NULL;
}
