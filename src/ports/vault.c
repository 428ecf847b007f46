/* vault.c - see vault.h. */
#include "ports/vault.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/keyfile.h"
#include "ports/keyring.h"
#include "store/secrets.h"

enum { PATH_SIZE = 4096 };

struct vault {
	struct store *store;
	struct loop_timer *tidying;
	char path[PATH_SIZE]; /* "": the keys came as a setting */
	struct keyring ring;
};

static int
write_ring(const struct vault *v, const struct keyring *ring, struct err *err)
{
	struct buf text;
	int result;

	buf_init(&text, KEYS_BYTES_MAX);
	keyring_write(ring, &text);
	CHECK(!text.overflow);
	result = keyfile_replace(v->path, buf_view(&text), err);
	buf_wipe(&text);
	return result;
}

/* The first start makes one; later a lost one must not be replaced unseen. */
static int
make_key(struct vault *v, struct err *err)
{
	size_t count = store_secret_count(v->store);

	if (count > 0)
		return err_set(err,
		    "the store holds %zu secret%s, and the file with their key is not there: "
		    "put %s"
		    " back, or, if it is lost, `slipway secrets generate %s` and set each of"
		    " them again",
		    count, count == 1 ? "" : "s", v->path, v->path);
	keyring_add(&v->ring);
	if (write_ring(v, &v->ring, err) != 0)
		return err_context(err, "the key of the secrets (SLIPWAY_KEY_FILE)");
	log_info(NULL, "secrets.key_made",
	    "made the key of the secrets, %s: keep a copy of %s apart from backups of the"
	    " store",
	    v->ring.keys[0].id, v->path);
	return 0;
}

static int
read_keys(struct vault *v, struct err *err)
{
	enum keyfile_state state;
	struct buf text;
	int result = -1;

	buf_init(&text, KEYS_BYTES_MAX);
	state = keyfile_read(v->path, &text, err);
	if (state == KEYFILE_ABSENT)
		result = make_key(v, err);
	else if (state == KEYFILE_READ)
		result = keyring_parse(buf_view(&text), &v->ring, err);
	if (state == KEYFILE_READ && result != 0)
		err_context(err, "%s", v->path);
	buf_wipe(&text);
	return result;
}

static void
seal(struct vault *v, struct sealed_secret *secret, struct str value)
{
	struct seal with = { v->ring.keys[0].bytes, secret->nonce, str_of(secret->row.name) };

	CHECK(value.n < VALUE_SIZE);
	random_bytes(secret->nonce, sizeof(secret->nonce));
	memcpy(secret->row.key, v->ring.keys[0].id, KEY_ID_SIZE);
	seal_close(&with, value, secret->bytes);
	secret->size = value.n + SEAL_EXTRA_SIZE;
	store_secret_put(v->store, secret);
}

/* plain: VALUE_SIZE bytes. -1: no key, or not what that key has sealed. */
static int
open_seal(const struct vault *v, const struct sealed_secret *secret, char *plain,
    struct str *ret_value, struct err *err)
{
	const struct key *key = keyring_find(&v->ring, secret->row.key);

	if (key == NULL)
		return err_set(err,
		    "the secret '%s' is sealed with the key %s, which is not among those of "
		    "this"
		    " server: add that key, or set the secret again",
		    secret->row.name, secret->row.key);
	if (!seal_open(&(struct seal){ key->bytes, secret->nonce, str_of(secret->row.name) },
		secret->bytes, secret->size, plain))
		return err_set(err,
		    "the secret '%s' was changed in the store since it was sealed: set it "
		    "again",
		    secret->row.name);
	*ret_value = (struct str){ plain, secret->size - SEAL_EXTRA_SIZE };
	return 0;
}

typedef int secret_fn(struct vault *v, struct sealed_secret *secret, struct err *err);

/* Ends with the first that answers -1. */
static int
each_secret(struct vault *v, secret_fn *fn, struct err *err)
{
	struct secret_row row = { .name = "" };
	struct sealed_secret secret;

	while (store_secrets(v->store, row.name, &row, 1) == 1)
		if (store_secret_get(v->store, row.name, &secret) && fn(v, &secret, err) != 0)
			return -1;
	return 0;
}

static int
check(struct vault *v, struct sealed_secret *secret, struct err *err)
{
	char plain[VALUE_SIZE];
	struct str value = { plain, 0 };
	int result = open_seal(v, secret, plain, &value, err);

	explicit_bzero(plain, sizeof(plain));
	return result;
}

static int
complain(struct vault *v, struct sealed_secret *secret, struct err *err UNUSED)
{
	struct err why;

	if (check(v, secret, &why) != 0)
		log_error(NULL, "secrets.unreadable", "%s", why.text);
	return 0;
}

static int
seal_anew(struct vault *v, struct sealed_secret *secret, struct err *err)
{
	char plain[VALUE_SIZE];
	struct str value = { plain, 0 };

	if (strcmp(secret->row.key, v->ring.keys[0].id) != 0
	    && open_seal(v, secret, plain, &value, err) == 0)
		seal(v, secret, value);
	explicit_bzero(plain, sizeof(plain));
	return 0;
}

/* What nothing was sealed with any more leaves the file; after the commit that made it so, because
 * timers come in a later turn. A file that cannot be written keeps it. */
static void
on_tidying(void *context)
{
	struct vault *v = context;
	struct keyring ring = { .count = 0 };
	struct err err;

	for (size_t i = 0; i < v->ring.count; i++)
		if (i == 0 || store_secret_key_is_used(v->store, v->ring.keys[i].id))
			ring.keys[ring.count++] = v->ring.keys[i];
	if (ring.count == v->ring.count) {
		keyring_wipe(&ring);
		return;
	}
	if (v->path[0] != '\0' && write_ring(v, &ring, &err) == 0)
		v->ring = ring;
	else
		log_info(NULL, "secrets.key_old",
		    "all secrets are sealed with the key %s: take the older keys out of %s",
		    ring.keys[0].id, v->path[0] == '\0' ? "SLIPWAY_KEY" : v->path);
	keyring_wipe(&ring);
}

struct vault *
vault_open(const struct vault_settings *settings, struct err *err)
{
	struct vault *v = calloc(1, sizeof(*v));
	int result;

	CHECK(v != NULL);
	v->store = settings->store;
	v->tidying = loop_timer_new(settings->loop, on_tidying, v);
	if (settings->keys[0] != '\0') {
		result = keyring_parse(str_of(settings->keys), &v->ring, err);
		if (result != 0)
			err_context(err, "SLIPWAY_KEY");
	} else if (!str_copy(v->path, sizeof(v->path), str_of(settings->path))) {
		result = err_set(err, "SLIPWAY_KEY_FILE: the path is too long");
	} else {
		result = read_keys(v, err);
	}
	if (result != 0) {
		vault_close(v);
		return NULL;
	}
	each_secret(v, complain, err);
	if (v->ring.count > 1) { /* a rotation that was cut short, or one by hand */
		each_secret(v, seal_anew, err);
		loop_timer_set(v->tidying, 0);
	}
	return v;
}

void
vault_close(struct vault *v)
{
	if (v == NULL)
		return;
	loop_timer_free(v->tidying);
	keyring_wipe(&v->ring);
	free(v);
}

int
vault_get(struct vault *v, const char *name, struct buf *value, int64_t *ret_version,
    struct err *err)
{
	struct sealed_secret secret;
	char plain[VALUE_SIZE];
	struct str text = { plain, 0 };
	int result;

	if (!store_secret_get(v->store, name, &secret))
		return err_set(err,
		    "there is no secret '%s': `slipway secrets set %s` takes its value from"
		    " standard input",
		    name, name);
	result = open_seal(v, &secret, plain, &text, err);
	if (result == 0) {
		buf_str(value, text);
		*ret_version = secret.row.version;
	}
	explicit_bzero(plain, sizeof(plain));
	return result;
}

bool
vault_has(struct vault *v, const char *name)
{
	struct sealed_secret secret;

	return store_secret_get(v->store, name, &secret);
}

bool
vault_opens(const struct vault *v, const char *key)
{
	return keyring_find(&v->ring, key) != NULL;
}

int64_t
vault_set(struct vault *v, const char *name, struct str value)
{
	struct sealed_secret secret = { .row = { .set_ms = clock_wall_ms() } };

	CHECK(str_copy(secret.row.name, sizeof(secret.row.name), str_of(name)));
	secret.row.version = store_secret_next_version(v->store);
	seal(v, &secret, value);
	return secret.row.version;
}

int
vault_rotate(struct vault *v, size_t *ret_count, struct err *err)
{
	struct keyring ring = v->ring;
	int result = -1;

	if (v->path[0] == '\0')
		err_set(err,
		    "the key comes from SLIPWAY_KEY, which Slipway cannot write: put a new one"
		    " (`slipway secrets generate`) before it, with a comma in between, and"
		    " restart");
	else if (ring.count == SECRET_KEYS_MAX)
		err_set(err, "%s holds %d keys already: take old ones out and restart",
		    v->path, SECRET_KEYS_MAX);
	else
		result = each_secret(v, check, err);
	if (result == 0) {
		keyring_add(&ring);
		result = write_ring(v, &ring, err);
	}
	if (result == 0) {
		v->ring = ring;
		*ret_count = store_secret_count(v->store);
		each_secret(v, seal_anew, err);
		loop_timer_set(v->tidying, 0);
	}
	keyring_wipe(&ring);
	return result;
}

const char *
vault_key(const struct vault *v)
{
	return v->ring.keys[0].id;
}
