/* secrets.c - what people do with secrets; see commands.h. */
#include <inttypes.h>
#include <string.h>

#include "config/rules.h"
#include "ports/vault.h"
#include "serve/app.h"
#include "serve/commands.h"
#include "store/catalog.h"
#include "store/secrets.h"

static bool
needs(const struct stage_spec *spec, const char *secret)
{
	for (size_t i = 0; i < spec->env_count; i++)
		if (spec->env[i].source == VALUE_SECRET
		    && strcmp(spec->env[i].value, secret) == 0)
			return true;
	return false;
}

const struct stage_entry *
command_secret_user(const struct app *app, const char *name, size_t *index)
{
	while (*index < catalog_stage_count(app->catalog)) {
		const struct stage_entry *stage = catalog_stage_at(app->catalog, (*index)++);

		if (needs(stage->spec, name))
			return stage;
	}
	return NULL;
}

enum command_result
command_secret_set(
    struct app *app, const char *name, struct str value, int64_t *ret_version, struct err *err)
{
	const char *trouble = rule_secret_name(name);

	if (trouble != NULL)
		err_set(err, "'%.80s' %s", name, trouble);
	else if (value.n == 0)
		err_set(err, "the value is empty");
	else if (value.n >= VALUE_SIZE)
		err_set(err, "the value is longer than %d bytes", VALUE_SIZE - 1);
	else if (memchr(value.p, '\0', value.n) != NULL)
		err_set(err, "the value holds a NUL character: variables hold text");
	else if (!vault_has(app->vault, name) && store_secret_count(app->store) >= SECRETS_MAX)
		err_set(err, "there are %d secrets already: remove one first", SECRETS_MAX);
	else {
		*ret_version = vault_set(app->vault, name, value);
		return COMMAND_DONE;
	}
	return COMMAND_INVALID;
}

const struct receiver_config *
command_secret_receiver(const struct app *app, const char *name, size_t *index)
{
	while (*index < catalog_receiver_count(app->catalog)) {
		const struct receiver_config *r =
		    catalog_receiver_at(app->catalog, (*index)++);

		if (strcmp(r->secret_name, name) == 0)
			return r;
	}
	return NULL;
}

enum command_result
command_secret_remove(struct app *app, const char *name, struct err *err)
{
	size_t index = 0;
	const struct stage_entry *user = command_secret_user(app, name, &index);
	const struct receiver_config *receiver;

	if (!vault_has(app->vault, name)) {
		err_set(err, "there is no secret '%.80s'", name);
		return COMMAND_NOT_FOUND;
	}
	if (user != NULL) {
		err_set(err,
		    "%s/%s needs the secret '%s': take it out of its env first (slipway "
		    "apply)",
		    user->spec->project, user->spec->stage, name);
		return COMMAND_CONFLICT;
	}
	index = 0;
	receiver = command_secret_receiver(app, name, &index);
	if (receiver != NULL) {
		err_set(err,
		    "the receiver '%s' needs the secret '%s': take it out of 'receivers' "
		    "first "
		    "(slipway apply)",
		    receiver->name, name);
		return COMMAND_CONFLICT;
	}
	store_secret_remove(app->store, name);
	return COMMAND_DONE;
}

enum command_result
command_secrets_rotate(struct app *app, size_t *ret_count, struct err *err)
{
	return vault_rotate(app->vault, ret_count, err) == 0 ? COMMAND_DONE : COMMAND_CONFLICT;
}
