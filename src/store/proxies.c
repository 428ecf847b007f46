/* proxies.c - the proxies of the catalog. */
#include <stdlib.h>
#include <string.h>

#include "store/catalog_inside.h"
#include "store/db.h"
#include "store/store.h"

#define COLUMN(name) ", " #name
#define PLACE(name) ", ?"
#define NEW_VALUE(name) ", " #name " = excluded." #name
#define COLUMNS "name, kind, is_direct, mends" PROXY_TEXTS(COLUMN)

static void
read_proxy(struct query *q, struct proxy_config *p)
{
	int column = 4;

	*p =
	    (struct proxy_config){ .kind = strcmp(column_text(q, 1), "npm") == 0 ? PROXY_NPM
										 : PROXY_CADDY,
		    .is_direct = column_integer(q, 2) != 0,
		    .mends = column_integer(q, 3) != 0 };
	CHECK(str_copy(p->name, sizeof(p->name), column_str(q, 0)));
#define READ(text) CHECK(str_copy(p->text, sizeof(p->text), column_str(q, column++)));
	PROXY_TEXTS(READ)
#undef READ
	p->id = (uint64_t)column_integer(q, column);
}

int
proxies_load(struct catalog *c, struct err *err)
{
	struct query *q =
	    db_read(store_db(c->store), "SELECT " COLUMNS ", id FROM proxy ORDER BY id");

	c->proxies = calloc(PROXIES_MAX, sizeof(*c->proxies));
	CHECK(c->proxies != NULL);
	while (db_next(q)) {
		if (c->proxy_count == PROXIES_MAX) {
			db_done(q);
			return err_set(
			    err, "the store holds more than %d proxies", PROXIES_MAX);
		}
		read_proxy(q, &c->proxies[c->proxy_count++]);
	}
	return 0;
}

static uint64_t
write_proxy(struct catalog *c, const struct proxy_config *p)
{
	struct query *q = db_write(store_db(c->store),
	    "INSERT INTO proxy(" COLUMNS ") VALUES(?, ?, ?, ?" PROXY_TEXTS(
		PLACE) ")"
		       " ON CONFLICT(name) DO UPDATE SET kind = excluded.kind,"
		       " is_direct = excluded.is_direct, mends = excluded.mends" PROXY_TEXTS(
			   NEW_VALUE) " RETURNING id");
	uint64_t id;

	query_text(q, p->name);
	query_text(q, p->kind == PROXY_NPM ? "npm" : "caddy");
	query_integer(q, p->is_direct);
	query_integer(q, p->mends);
#define WRITE(text) query_text(q, p->text);
	PROXY_TEXTS(WRITE)
#undef WRITE
	CHECK(db_next(q));
	id = (uint64_t)column_integer(q, 0);
	db_run(q);
	return id;
}

bool
proxy_config_is(const struct proxy_config *a, const struct proxy_config *b)
{
	bool is_same = a->kind == b->kind && a->is_direct == b->is_direct
		       && a->mends == b->mends && strcmp(a->name, b->name) == 0;

#define SAME(text) is_same = is_same && strcmp(a->text, b->text) == 0;
	PROXY_TEXTS(SAME)
#undef SAME
	return is_same;
}

static struct proxy_config *
find(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->proxy_count; i++)
		if (strcmp(c->proxies[i].name, name) == 0)
			return &c->proxies[i];
	return NULL;
}

void
catalog_put_proxy(struct catalog *c, const struct proxy_config *proxy)
{
	struct proxy_config *place = find(c, proxy->name);

	if (place == NULL) {
		CHECK(c->proxy_count < PROXIES_MAX);
		place = &c->proxies[c->proxy_count++];
	}
	*place = *proxy;
	place->id = write_proxy(c, proxy);
}

const struct proxy_config *
catalog_proxy(const struct catalog *c, const char *name)
{
	return find(c, name);
}

size_t
catalog_proxy_count(const struct catalog *c)
{
	return c->proxy_count;
}

const struct proxy_config *
catalog_proxy_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->proxy_count);
	return &c->proxies[index];
}
