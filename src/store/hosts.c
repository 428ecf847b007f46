/* hosts.c - the engines and registries of the catalog. */
#include <stdlib.h>
#include <string.h>

#include "store/catalog_inside.h"
#include "store/db.h"
#include "store/store.h"

static void
copy(char *to, size_t size, struct query *q, int column)
{
	column_copy(q, column, to, size);
}

static void
read_engine(struct query *q, struct engine_config *e)
{
	*e = (struct engine_config){ .id = (uint64_t)column_integer(q, 0),
		.is_published = column_integer(q, 7) != 0 };
	copy(e->name, sizeof(e->name), q, 1);
	copy(e->host, sizeof(e->host), q, 2);
	copy(e->ca_file, sizeof(e->ca_file), q, 3);
	copy(e->cert_file, sizeof(e->cert_file), q, 4);
	copy(e->key_file, sizeof(e->key_file), q, 5);
	copy(e->network, sizeof(e->network), q, 6);
	copy(e->publish_address, sizeof(e->publish_address), q, 8);
}

static void
read_registry(struct query *q, struct registry_config *r)
{
	*r = (struct registry_config){ .is_insecure = column_integer(q, 1) != 0 };
	copy(r->host, sizeof(r->host), q, 0);
	copy(r->ca_file, sizeof(r->ca_file), q, 2);
	copy(r->username, sizeof(r->username), q, 3);
	copy(r->password_file, sizeof(r->password_file), q, 4);
	copy(r->password_env, sizeof(r->password_env), q, 5);
	/* Stored before kinds were: as the host tells. */
	r->kind = registry_kind_named(column_text(q, 6));
	if (r->kind == REGISTRY_KIND_COUNT)
		r->kind = registry_kind_of(r->host);
	copy(r->token_url, sizeof(r->token_url), q, 7);
}

int
hosts_load(struct catalog *c, struct err *err)
{
	struct query *q = db_read(store_db(c->store),
	    "SELECT id, name, host, ca_file, cert_file, key_file, network, is_published,"
	    " publish_address FROM engine ORDER BY id");

	while (db_next(q)) {
		if (c->engine_count == ENGINES_MAX) {
			db_done(q);
			return err_set(
			    err, "the store holds more than %d engines", ENGINES_MAX);
		}
		read_engine(q, &c->engines[c->engine_count++]);
	}
	c->registries = calloc(REGISTRIES_MAX, sizeof(*c->registries));
	CHECK(c->registries != NULL);
	q = db_read(store_db(c->store),
	    "SELECT host, is_insecure, ca_file, username, "
	    "password_file, password_env, kind, token_url FROM registry"
	    " ORDER BY host");
	while (db_next(q)) {
		if (c->registry_count == REGISTRIES_MAX) {
			db_done(q);
			return err_set(
			    err, "the store holds more than %d registries", REGISTRIES_MAX);
		}
		read_registry(q, &c->registries[c->registry_count++]);
	}
	return 0;
}

uint64_t
catalog_put_engine(struct catalog *c, const struct engine_config *engine, bool *ret_is_new)
{
	struct engine_config *place = NULL;
	struct query *q = db_write(store_db(c->store),
	    "INSERT INTO engine(name, host, ca_file, cert_file, key_file, network, "
	    "is_published,"
	    " publish_address) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET"
	    " host = excluded.host, ca_file = excluded.ca_file, cert_file = "
	    "excluded.cert_file,"
	    " key_file = excluded.key_file, network = excluded.network,"
	    " is_published = excluded.is_published, publish_address = excluded.publish_address"
	    " RETURNING id");
	uint64_t id;

	for (size_t i = 0; i < c->engine_count && place == NULL; i++)
		if (strcmp(c->engines[i].name, engine->name) == 0)
			place = &c->engines[i];
	*ret_is_new = place == NULL;
	if (place == NULL) {
		CHECK(c->engine_count < ENGINES_MAX);
		place = &c->engines[c->engine_count++];
	}
	query_text(q, engine->name);
	query_text(q, engine->host);
	query_text(q, engine->ca_file);
	query_text(q, engine->cert_file);
	query_text(q, engine->key_file);
	query_text(q, engine->network);
	query_integer(q, engine->is_published);
	query_text(q, engine->publish_address);
	CHECK(db_next(q));
	id = (uint64_t)column_integer(q, 0);
	db_run(q);
	*place = *engine;
	place->id = id;
	return id;
}

void
catalog_replace_registries(
    struct catalog *c, const struct registry_config *registries, size_t count)
{
	CHECK(count <= REGISTRIES_MAX);
	db_run(db_write(store_db(c->store), "DELETE FROM registry"));
	for (size_t i = 0; i < count; i++) {
		const struct registry_config *r = &registries[i];
		struct query *q = db_write(store_db(c->store),
		    "INSERT INTO registry(host, is_insecure, ca_file, username, password_file,"
		    " password_env, kind, token_url) VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
		query_text(q, r->host);
		query_integer(q, r->is_insecure);
		query_text(q, r->ca_file);
		query_text(q, r->username);
		query_text(q, r->password_file);
		query_text(q, r->password_env);
		query_text(q, registry_kind_names[r->kind]);
		query_text(q, r->token_url);
		db_run(q);
		c->registries[i] = *r;
	}
	c->registry_count = count;
}

const struct engine_config *
catalog_engine(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->engine_count; i++)
		if (strcmp(c->engines[i].name, name) == 0)
			return &c->engines[i];
	return NULL;
}

const struct engine_config *
catalog_engine_by_id(const struct catalog *c, uint64_t id)
{
	for (size_t i = 0; i < c->engine_count; i++)
		if (c->engines[i].id == id)
			return &c->engines[i];
	return NULL;
}

size_t
catalog_engine_count(const struct catalog *c)
{
	return c->engine_count;
}

const struct engine_config *
catalog_engine_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->engine_count);
	return &c->engines[index];
}

size_t
catalog_registry_count(const struct catalog *c)
{
	return c->registry_count;
}

const struct registry_config *
catalog_registry_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->registry_count);
	return &c->registries[index];
}

void
catalog_registry(const struct catalog *c, const char *host, struct registry_config *ret)
{
	for (size_t i = 0; i < c->registry_count; i++)
		if (strcmp(c->registries[i].host, host) == 0) {
			*ret = c->registries[i];
			return;
		}
	*ret = (struct registry_config){ .kind = registry_kind_of(host) };
	CHECK(str_copy(ret->host, sizeof(ret->host), str_of(host)));
}
