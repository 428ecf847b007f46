/* secrets.c - see secrets.h. Bytes are kept as hexadecimal text: a dump of the store shows them whole. */
#include "store/secrets.h"

#include <stdio.h>

#include "store/db.h"
#include "store/store.h"

static size_t
read_bytes(struct db *db, struct query *q, int column, unsigned char *to, size_t most)
{
	struct str hex = column_str(q, column);
	size_t n = hex.n / 2;

	if (n > most || !hash_from_hex(hex, to, n))
		db_damaged(db, "a secret is not sealed as this Slipway seals");
	return n;
}

static void
read_row(struct query *q, struct secret_row *row)
{
	column_copy(q, 0, row->name, sizeof(row->name));
	column_copy(q, 1, row->key, sizeof(row->key));
	row->version = column_integer(q, 2);
	row->set_ms = column_integer(q, 3);
}

bool
store_secret_get(struct store *store, const char *name, struct sealed_secret *ret)
{
	struct db *db = store_db(store);
	struct query *q = db_read(
	    db, "SELECT name, key, version, set_ms, nonce, sealed FROM secret WHERE name = ?");
	bool found;

	query_text(q, name);
	found = db_next(q);
	if (found) {
		read_row(q, &ret->row);
		if (read_bytes(db, q, 4, ret->nonce, sizeof(ret->nonce)) != SEAL_NONCE_SIZE)
			db_damaged(db, "a secret has no whole nonce");
		ret->size = read_bytes(db, q, 5, ret->bytes, sizeof(ret->bytes));
	}
	db_done(q);
	return found;
}

void
store_secret_put(struct store *store, const struct sealed_secret *secret)
{
	char nonce[2 * SEAL_NONCE_SIZE + 1];
	char hex[2 * sizeof(secret->bytes) + 1];
	struct query *q = db_write(store_db(store),
	    "INSERT INTO secret(name, key, version, set_ms, nonce, sealed)"
	    " VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(name) DO UPDATE SET key = excluded.key,"
	    " version = excluded.version, set_ms = excluded.set_ms, nonce = excluded.nonce,"
	    " sealed = excluded.sealed");

	CHECK(secret->size <= sizeof(secret->bytes));
	hash_hex((struct str){ (const char *)secret->nonce, sizeof(secret->nonce) }, nonce);
	hash_hex((struct str){ (const char *)secret->bytes, secret->size }, hex);
	query_text(q, secret->row.name);
	query_text(q, secret->row.key);
	query_integer(q, secret->row.version);
	query_integer(q, secret->row.set_ms);
	query_text(q, nonce);
	query_text(q, hex);
	db_run(q);
}

bool
store_secret_remove(struct store *store, const char *name)
{
	struct query *q =
	    db_write(store_db(store), "DELETE FROM secret WHERE name = ? RETURNING 1");
	bool found;

	query_text(q, name);
	found = db_next(q);
	db_run(q);
	return found;
}

size_t
store_secrets(struct store *store, const char *after, struct secret_row *to, size_t most)
{
	struct query *q = db_read(store_db(store),
	    "SELECT name, key, version, set_ms FROM secret WHERE name > ? ORDER BY name LIMIT "
	    "?");
	size_t count = 0;

	query_text(q, after);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q))
		read_row(q, &to[count++]);
	db_done(q);
	return count;
}

static int64_t
ask_number(struct query *q)
{
	int64_t number = 0;

	if (db_next(q))
		number = column_integer(q, 0);
	db_done(q);
	return number;
}

size_t
store_secret_count(struct store *store)
{
	return (size_t)ask_number(db_read(store_db(store), "SELECT count(*) FROM secret"));
}

bool
store_secret_key_is_used(struct store *store, const char *key)
{
	struct query *q =
	    db_read(store_db(store), "SELECT 1 FROM secret WHERE key = ? LIMIT 1");

	query_text(q, key);
	return ask_number(q) != 0;
}

int64_t
store_secret_next_version(struct store *store)
{
	char text[24];
	uint64_t last = 0;
	int64_t next;

	store_meta_get(store, "secret_version", text, sizeof(text));
	if (text[0] != '\0' && !str_number(str_of(text), INT64_MAX - 1, &last))
		db_damaged(store_db(store), "the number of the last secret is none");
	next = (int64_t)last + 1;
	snprintf(text, sizeof(text), "%lld", (long long)next);
	store_meta_put(store, "secret_version", text);
	return next;
}

void
store_deploy_secret_put(
    struct store *store, uint64_t deploy, const char *secret, int64_t version)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR IGNORE INTO deploy_secret(deploy, secret, version) VALUES(?, ?, ?)");

	query_integer(q, (int64_t)deploy);
	query_text(q, secret);
	query_integer(q, version);
	db_run(q);
}

int64_t
store_deploy_secret(struct store *store, uint64_t deploy, const char *secret)
{
	struct query *q = db_read(store_db(store),
	    "SELECT version FROM deploy_secret WHERE deploy = ? AND secret = ?");

	query_integer(q, (int64_t)deploy);
	query_text(q, secret);
	return ask_number(q);
}

bool
store_deploy_secrets_are_old(struct store *store, uint64_t deploy)
{
	struct query *q = db_read(store_db(store),
	    "SELECT 1 FROM deploy_secret d LEFT JOIN secret s ON s.name = d.secret"
	    " WHERE d.deploy = ? AND s.version IS NOT d.version LIMIT 1");

	query_integer(q, (int64_t)deploy);
	return ask_number(q) != 0;
}

void
store_deploy_env_put(
    struct store *store, uint64_t deploy, const char *name, const char *change)
{
	struct query *q = db_write(store_db(store),
	    "INSERT OR REPLACE INTO deploy_env(deploy, name, change) VALUES(?, ?, ?)");

	query_integer(q, (int64_t)deploy);
	query_text(q, name);
	query_text(q, change);
	db_run(q);
}

size_t
store_deploy_env(struct store *store, uint64_t deploy, struct env_change *to, size_t most)
{
	struct query *q = db_read(store_db(store),
	    "SELECT name, change FROM deploy_env WHERE deploy = ? ORDER BY name LIMIT ?");
	size_t count = 0;

	query_integer(q, (int64_t)deploy);
	query_integer(q, (int64_t)most);
	while (count < most && db_next(q)) {
		column_copy(q, 0, to[count].name, sizeof(to[count].name));
		column_copy(q, 1, to[count].change, sizeof(to[count].change));
		count++;
	}
	db_done(q);
	return count;
}
