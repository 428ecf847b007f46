/* webhooks.c - the secrets of webhooks, as far as they are kept: their UUIDs and what they must prove. The
 * one that is for all projects is project 0, and its UUID a value of the table meta. */
#include <string.h>

#include "store/catalog_inside.h"
#include "store/db.h"
#include "store/store.h"

static struct project_entry *
find(struct catalog *c, uint64_t project)
{
	if (project == 0)
		return &c->everyone;
	for (size_t i = 0; i < c->project_count; i++)
		if (c->projects[i]->id == project)
			return c->projects[i];
	return NULL;
}

void
webhooks_load(struct catalog *c)
{
	struct project_entry *p;
	struct query *q;

	store_meta_get(c->store, "webhook", c->everyone.webhook, sizeof(c->everyone.webhook));
	if (c->everyone.webhook[0] == '\0')
		catalog_rotate_webhook(c, 0);
	q = db_read(store_db(c->store),
	    "SELECT project, secret_file, secret_env, takes_unsigned FROM webhook");
	while (db_next(q)) {
		p = find(c, (uint64_t)column_integer(q, 0));
		if (p == NULL)
			continue;
		column_copy(q, 1, p->rules.secret_file, sizeof(p->rules.secret_file));
		column_copy(q, 2, p->rules.secret_env, sizeof(p->rules.secret_env));
		p->rules.takes_unsigned = column_integer(q, 3) != 0;
	}
}

const struct project_entry *
catalog_everyone(const struct catalog *c)
{
	return &c->everyone;
}

void
catalog_rotate_webhook(struct catalog *c, uint64_t project)
{
	struct project_entry *p = find(c, project);
	struct query *q;

	CHECK(p != NULL);
	store_make_uuid(p->webhook);
	if (project == 0) {
		store_meta_put(c->store, "webhook", p->webhook);
		return;
	}
	q = db_write(store_db(c->store), "UPDATE project SET webhook = ? WHERE id = ?");
	query_text(q, p->webhook);
	query_integer(q, (int64_t)project);
	db_run(q);
}

bool
webhook_rules_are(const struct webhook_rules *a, const struct webhook_rules *b)
{
	return strcmp(a->secret_file, b->secret_file) == 0
	       && strcmp(a->secret_env, b->secret_env) == 0
	       && a->takes_unsigned == b->takes_unsigned;
}

void
catalog_set_webhook_rules(
    struct catalog *c, uint64_t project, const struct webhook_rules *rules)
{
	struct project_entry *p = find(c, project);
	struct query *q;

	CHECK(p != NULL);
	q = db_write(store_db(c->store),
	    "INSERT OR REPLACE INTO webhook(project, secret_file, secret_env, takes_unsigned)"
	    " VALUES(?, ?, ?, ?)");
	query_integer(q, (int64_t)project);
	query_text(q, rules->secret_file);
	query_text(q, rules->secret_env);
	query_integer(q, rules->takes_unsigned);
	db_run(q);
	p->rules = *rules;
}
