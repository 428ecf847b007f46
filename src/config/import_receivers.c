/* import_receivers.c - receivers of notifications, and whom stages, projects and all of them tell. */
#include "config/import.h"

#include <string.h>

#include "config/nearest.h"

enum { PATH_SIZE = 512, ADDRESS_SIZE = 255 }; /* as the catalog keeps them, with their NUL */

static const char *
rule_kind(const char *text)
{
	return receiver_kind_by_name(text) == RECEIVER_KIND_COUNT
		   ? "must be one of webhook, slack, discord, ntfy, gotify, email"
		   : NULL;
}

static const char *
rule_event(const char *text)
{
	return notice_by_name(text) == NOTICE_COUNT
		   ? "is no event: there are deploy_started, deploy_success, deploy_failure, "
		     "deploy_rolled_back, deploy_held, approval_wanted, drift, instance_gone"
		   : NULL;
}

/* What stands between angle brackets in a header, and behind RCPT TO: nothing in it may end either. */
static const char *
rule_mail_address(const char *text)
{
	const char *at = strrchr(text, '@');

	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 0x7f || strchr("<>()[]\\,;:\"", *p) != NULL)
			return "must be a plain mail address: name@example.org";
	if (at == NULL || at == text || rule_host_header(at + 1) != NULL
	    || memchr(text, '@', (size_t)(at - text)) != NULL)
		return "must be a plain mail address: name@example.org";
	return strlen(text) > ADDRESS_SIZE ? "is longer than 255 characters" : NULL;
}

static bool
has(const struct node *map, const char *key)
{
	return node_get(map, key) != NULL;
}

/* How many ways there are to its secret: of the server's own, of a file, of a variable. */
static int
count_secrets(const struct node *map)
{
	return has(map, "secret_name") + has(map, "secret_file") + has(map, "secret_env");
}

/* One of the three, and of Slack and Discord not the first: that URL is a secret. */
static void
check_url(struct import *im, const struct node *map, const struct config_receiver *r)
{
	int count = has(map, "url") + has(map, "url_file") + has(map, "url_env");
	const char *fault = r->url[0] == '\0' ? NULL : receiver_url_fault(r->kind, r->url);

	if (count != 1)
		import_fault_key(im, map,
		    "receiver '%s' needs one of 'url', 'url_file' and 'url_env'", r->name);
	else if (has(map, "url") && receiver_traits[r->kind].is_url_secret)
		import_fault_key(im, node_get(map, "url"),
		    "who knows this URL may write there: put it into 'url_file' or 'url_env'");
	else if (fault != NULL)
		import_fault(im, node_get(map, "url"), "'url': '%.120s' %s", r->url, fault);
	else if (r->url[0] != '\0' && !r->is_insecure
		 && receiver_tells_secret(r->kind, r->url, count_secrets(map) > 0))
		import_fault(im, node_get(map, "url"),
		    "the secret would go to '%.120s' in the clear: use https://, or allow it "
		    "by 'insecure: true'",
		    r->url);
}

static void
check_secret(struct import *im, const struct node *map, const struct config_receiver *r)
{
	const struct receiver_traits *traits = &receiver_traits[r->kind];
	const struct config_rules *rules = im->rules;
	int count = count_secrets(map);

	if (count > 1)
		import_fault_key(im, map,
		    "receiver '%s': of 'secret_name', 'secret_file' and 'secret_env' keep one",
		    r->name);
	else if (count > 0 && traits->secret == NEVER)
		import_fault_key(im, map,
		    "receiver '%s': %s knows no secret but the URL itself", r->name,
		    traits->name);
	else if (count == 0 && traits->secret == ALWAYS)
		import_fault_key(im, map,
		    "receiver '%s': %s needs a token: add 'secret_name', 'secret_file' or "
		    "'secret_env'",
		    r->name, traits->name);
	else if (r->secret_name[0] != '\0' && rules->has_secret != NULL
		 && !rules->has_secret(rules->context, r->secret_name))
		import_warn(im, node_get(map, "secret_name"),
		    "there is no secret of that name yet: `slipway secrets set`; until then "
		    "nobody is told");
}

static void
check_mail(struct import *im, const struct node *map, const struct config_receiver *r)
{
	static const char *const keys[] = { "from", "to", "username" };
	bool has_secret = count_secrets(map) > 0;

	for (size_t i = 0; i < COUNT(keys) && r->kind != RECEIVER_EMAIL; i++)
		if (has(map, keys[i]))
			import_fault_key(im, node_get(map, keys[i]),
			    "'%s' belongs to a receiver of the kind email", keys[i]);
	if (r->kind != RECEIVER_EMAIL)
		return;
	if (!has(map, "from") || !has(map, "to"))
		import_fault_key(
		    im, map, "receiver '%s': mail needs 'from' and 'to'", r->name);
	if (has(map, "username") != has_secret)
		import_fault_key(im, map,
		    "receiver '%s': 'username' and its password ('secret_name', "
		    "'secret_file' or 'secret_env') belong together",
		    r->name);
}

static void
read_kind(struct import *im, const struct node *map, struct config_receiver *r)
{
	const struct node *node = node_get(map, "kind");
	const char *name;

	r->kind = RECEIVER_KIND_COUNT;
	if (node == NULL)
		import_fault_key(im, map,
		    "receiver '%s' has no 'kind': webhook, slack, discord, ntfy, gotify or "
		    "email",
		    r->name);
	else if (value_text(im, node, "kind", NAME_SIZE, rule_kind, &name))
		r->kind = receiver_kind_by_name(name);
}

static void
read_events(struct import *im, const struct node *map, struct config_receiver *r)
{
	static const struct field field = {
		.key = "events", .most = NOTICE_COUNT, .rule = rule_event
	};
	const struct node *node = node_get(map, "events");
	struct strings names;

	r->events = NOTICES_USUAL;
	if (node == NULL || !value_strings(im, node, &field, &names))
		return;
	r->events = 0;
	for (size_t i = 0; i < names.count; i++)
		r->events |= UINT32_C(1) << notice_by_name(names.items[i]);
	if (names.count == 0)
		import_fault(im, node, "'events' is empty: leave it out for the usual ones");
}

static void
read_receiver(struct import *im, const struct node *map, struct config_receiver *r)
{
	static const char *const known[] = { "kind", "url", "url_file", "url_env",
		"secret_name", "secret_file", "secret_env", "events", "ca_file", "insecure",
		"from", "to", "username", NULL };
	static const struct field to = {
		.key = "to", .most = RECIPIENTS_MAX, .rule = rule_mail_address
	};
	const struct {
		const char *key;
		rule_fn *rule;
		int64_t most;
		const char **to;
	} texts[] = {
		{ "url", rule_line, PATH_SIZE - 1, &r->url },
		{ "url_file", rule_path, PATH_SIZE - 1, &r->url_file },
		{ "url_env", rule_env_name, 127, &r->url_env },
		{ "secret_name", rule_secret_name, NAME_SIZE - 1, &r->secret_name },
		{ "secret_file", rule_path, PATH_SIZE - 1, &r->secret_file },
		{ "secret_env", rule_env_name, 127, &r->secret_env },
		{ "ca_file", rule_path, PATH_SIZE - 1, &r->ca_file },
		{ "from", rule_mail_address, ADDRESS_SIZE, &r->from },
		{ "username", rule_line, 255, &r->username },
	};

	if (!value_is_map(im, map, r->name))
		return;
	keys_check(im, map, known);
	read_kind(im, map, r);
	read_events(im, map, r);
	if (has(map, "insecure"))
		(void)value_bool(im, node_get(map, "insecure"), "insecure", &r->is_insecure);
	for (size_t i = 0; i < COUNT(texts); i++)
		if (has(map, texts[i].key))
			(void)value_text(im, node_get(map, texts[i].key), texts[i].key,
			    texts[i].most, texts[i].rule, texts[i].to);
	if (has(map, "to"))
		(void)value_strings(im, node_get(map, "to"), &to, &r->to);
	if (r->kind == RECEIVER_KIND_COUNT)
		return;
	check_url(im, map, r);
	check_secret(im, map, r);
	check_mail(im, map, r);
}

void
import_receivers(struct import *im, const struct node *map)
{
	struct config_file *file = im->file;

	if (map == NULL)
		return;
	im->has_bad_receivers = true;
	if (!value_is_map(im, map, "receivers"))
		return;
	if (map->count > RECEIVERS_MAX) {
		import_fault(im, map, "%zu receivers: at most %d are allowed", map->count,
		    RECEIVERS_MAX);
		return;
	}
	im->has_bad_receivers = false;
	file->receivers = arena_take_array(im->arena, map->count, sizeof(*file->receivers));
	for (const struct node *m = map->first; m != NULL; m = m->next) {
		const char *trouble = rule_name(m->key.p);
		struct config_receiver *r;

		if (m->kind == NODE_REFUSED)
			continue;
		if (trouble != NULL)
			import_fault_key(im, m, "receiver '%.60s' %s", m->key.p, trouble);
		r = &file->receivers[file->receiver_count++];
		*r = (struct config_receiver){ .name = m->key.p,
			.url = "",
			.url_file = "",
			.url_env = "",
			.secret_name = "",
			.secret_file = "",
			.secret_env = "",
			.ca_file = "",
			.from = "",
			.username = "" };
		read_receiver(im, m, r);
	}
}

static void
check_receiver(struct import *im, const struct node *at, const char *name)
{
	const struct config_file *file = im->file;
	struct nearest nearest;

	nearest_begin(&nearest, str_of(name));
	for (size_t i = 0; i < file->receiver_count; i++) {
		if (strcmp(file->receivers[i].name, name) == 0)
			return;
		nearest_offer(&nearest, file->receivers[i].name);
	}
	if (nearest.name != NULL)
		import_fault(im, at, "no receiver is called '%.60s': did you mean '%s'?", name,
		    nearest.name);
	else
		import_fault(
		    im, at, "no receiver is called '%.60s': add it under 'receivers'", name);
}

void
import_notify(
    struct import *im, const struct node *node, const char *project, const char *stage)
{
	static const struct field field = {
		.key = "notify", .most = NOTIFY_NAMES_MAX, .rule = rule_name
	};
	struct config_notify *notify;
	const struct node *item;

	if (node == NULL)
		return;
	notify = arena_take(im->arena, sizeof(*notify));
	if (!value_strings(im, node, &field, &notify->receivers))
		return;
	item = node->first;
	for (size_t i = 0; i < notify->receivers.count && !im->has_bad_receivers; i++) {
		check_receiver(im, item, notify->receivers.items[i]);
		item = item->next;
	}
	notify->project = project;
	notify->stage = stage;
	notify->next = im->file->notify;
	im->file->notify = notify;
}

const struct config_notify *
config_notify_find(const struct config_file *file, const char *project, const char *stage)
{
	for (const struct config_notify *n = file->notify; n != NULL; n = n->next)
		if (strcmp(n->project, project) == 0 && strcmp(n->stage, stage) == 0)
			return n;
	return NULL;
}
