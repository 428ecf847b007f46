/* registry_login.c - what a registry is told about who asks: passwords and tokens.
 *
 * The one idea: a password is read at the moment it is sent and wiped after; what is kept is the
 * hash of a refused one, so that a wrong password costs one attempt a minute, not a lockout. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/json.h"
#include "ports/password.h"
#include "ports/registry_parts.h"
#include "ports/registry_url.h"

enum {
	REFUSED_MS = 60000,
	TOKEN_LIFE_S = 60, /* when the answer does not say; so the specification */
	TOKEN_LIFE_MAX_S = 86400,
	TOKEN_SIZE_MAX = 16 << 10, /* goes into one header line */
};

static void
hash_login(const struct site *site, struct login *login)
{
	struct buf both;

	buf_init(&both, sizeof(site->config.username) + sizeof(login->password));
	buf_add(&both, site->config.username, strlen(site->config.username) + 1);
	buf_text(&both, login->password);
	CHECK(!both.overflow);
	hash_sha256_hex(buf_view(&both), login->hash);
	explicit_bzero(both.p, both.n);
	buf_free(&both);
}

static int
read_password(const struct site *site, char password[PASSWORD_SIZE], struct err *err)
{
	const struct registry_config *config = &site->config;
	const char *given;

	if (config->kind != REGISTRY_ECR || site->registry->host.ecr == NULL)
		return password_read(
		    config->password_file, config->password_env, password, err);
	given = ecr_password(site->registry->host.ecr, config);
	if (given == NULL || !str_copy(password, PASSWORD_SIZE, str_of(given)))
		return err_set(err, "it has just ended");
	return 0;
}

int
login_read(const struct site *site, struct login *login, struct err *err)
{
	const struct registry_config *config = &site->config;
	char why[REASON_SIZE];
	int result;

	CHECK(config->username[0] != '\0');
	memset(login, 0, sizeof(*login));
	result = read_password(site, login->password, err);
	if (result != 0)
		return err_context(err, "no password for the user '%s' of %s",
		    config->username, site->status.host);
	hash_login(site, login);
	if (site->refused_until_ms > clock_now_ms()
	    && strcmp(site->refused, login->hash) == 0) {
		login_wipe(login);
		login_explain(site, why);
		return err_set(err, "%s", why);
	}
	return 0;
}

void
login_wipe(struct login *login)
{
	explicit_bzero(login, sizeof(*login));
}

void
login_refused(struct site *site, const char hash[HASH_HEX_SIZE])
{
	site->refused_until_ms = clock_now_ms() + REFUSED_MS;
	memcpy(site->refused, hash, sizeof(site->refused));
}

void
login_explain(const struct site *site, char why[REASON_SIZE])
{
	const struct registry_config *config = &site->config;
	const char *hint = registry_kind_login(config->kind);

	if (config->username[0] == '\0')
		snprintf(why, REASON_SIZE,
		    "%s asks for a login: give it a username and a password_file under "
		    "registries%s%s",
		    site->status.host, hint[0] == '\0' ? "" : "; ", hint);
	else
		snprintf(why, REASON_SIZE,
		    "%s refused the user '%.64s': check registries: %s: username, %s%s%s",
		    site->status.host, config->username, site->status.host,
		    config->password_file[0] != '\0' ? "password_file" : "password_env",
		    hint[0] == '\0' ? "" : "; ", hint);
}

int
login_token_url(const struct site *site, const char *scope, struct buf *text, struct err *err)
{
	const struct challenge *c = &site->challenge;
	struct url url;

	if (!url_split(str_of(c->realm), &url))
		return err_set(err,
		    "%s sends for a token to '%.100s', which is no http or https URL",
		    site->status.host, c->realm);
	if (!url.is_https && !site->config.is_insecure && !url_is_loopback(&url))
		return err_set(err,
		    "%s sends for a token to %.100s, which is not https: a login is not sent "
		    "there; mend the registry, or set insecure: true for it",
		    site->status.host, c->realm);
	buf_text(text, c->realm);
	buf_char(text, strchr(c->realm, '?') == NULL ? '?' : '&');
	if (c->service[0] != '\0') {
		buf_text(text, "service=");
		url_query_escape(text, c->service);
		buf_char(text, '&');
	}
	if (scope[0] != '\0') { /* none: of the registry as a whole */
		buf_text(text, "scope=");
		url_query_escape(text, scope);
	}
	return text->overflow
		   ? err_set(err, "%s asks for a login in too many words", site->status.host)
		   : 0;
}

/* It becomes part of a header: visible ASCII only. */
static bool
is_token(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	return n > 0 && n <= TOKEN_SIZE_MAX;
}

char *
login_take_token(struct str body, int64_t *ret_life_ms)
{
	struct err ignored;
	struct json *root = json_parse(body, &ignored);
	const char *text = json_text(json_get(root, "token"));
	int64_t life_s = json_number(json_get(root, "expires_in"));
	char *token = NULL;

	if (text[0] == '\0')
		text = json_text(json_get(root, "access_token"));
	if (is_token(text)) {
		token = strdup(text);
		CHECK(token != NULL);
		if (life_s <= 0)
			life_s = TOKEN_LIFE_S;
		*ret_life_ms = (life_s < TOKEN_LIFE_MAX_S ? life_s : TOKEN_LIFE_MAX_S) * 1000;
	}
	json_free(root);
	return token;
}

void
token_free(char *token)
{
	if (token != NULL)
		explicit_bzero(token, strlen(token));
	free(token);
}
