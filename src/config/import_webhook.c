/* import_webhook.c - what a webhook must prove: of a project, or of the one that is for all. */
#include "config/import.h"

#include "config/hosts.h"

void
import_webhook(struct import *im, const struct node *map, struct config_webhook *webhook)
{
	const char *known[HOST_KEYS_MAX];
	const struct node *file;
	const struct node *variable;
	const struct node *require;
	bool is_required = true;

	*webhook = (struct config_webhook){ "", "", false };
	if (map == NULL || !value_is_map(im, map, "webhook"))
		return;
	host_known(HOST_WEBHOOK, NULL, PROXY_EDGE, known);
	keys_check(im, map, known);
	file = node_get(map, "secret_file");
	variable = node_get(map, "secret_env");
	require = node_get(map, "require_signature");
	if (file != NULL)
		(void)value_text(
		    im, file, "secret_file", 511, rule_path, &webhook->secret_file);
	if (variable != NULL)
		(void)value_text(
		    im, variable, "secret_env", 127, rule_env_name, &webhook->secret_env);
	if (file != NULL && variable != NULL)
		import_fault_key(im, variable, "'secret_env' beside 'secret_file': keep one");
	if (require == NULL || !value_bool(im, require, "require_signature", &is_required))
		return;
	if (file == NULL && variable == NULL && node_get(map, "secret") == NULL)
		import_fault_key(im, require,
		    "'require_signature' without a secret: add 'secret_file' or "
		    "'secret_env'");
	webhook->takes_unsigned = !is_required;
}
