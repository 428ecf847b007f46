/* secrets.h - sealed values by name, and what deploys took of them, as rows.
 *
 * Nothing here can open a seal: that takes a key, which is not in the store (ports/vault.h). */
#ifndef SLIPWAY_STORE_SECRETS_H
#define SLIPWAY_STORE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/hash.h"
#include "base/limits.h"

struct store;

struct secret_row {
	char name[SECRET_NAME_SIZE];
	char key[KEY_ID_SIZE]; /* the one that opens it */
	int64_t version; /* rises with each new value, not with a new seal; never used twice */
	int64_t set_ms;
};

struct sealed_secret {
	struct secret_row row;
	unsigned char nonce[SEAL_NONCE_SIZE];
	unsigned char bytes[VALUE_SIZE + SEAL_EXTRA_SIZE];
	size_t size;
};

bool store_secret_get(struct store *store, const char *name, struct sealed_secret *ret);
void store_secret_put(struct store *store, const struct sealed_secret *secret);
bool store_secret_remove(struct store *store, const char *name); /* false: there was none */

/* By name, after that one ("": from the first); returns how many. */
size_t
store_secrets(struct store *store, const char *after, struct secret_row *to, size_t most);
size_t store_secret_count(struct store *store);
bool store_secret_key_is_used(struct store *store, const char *key);

/* A version that no secret has had, not even one that was removed. */
int64_t store_secret_next_version(struct store *store);

/* What the containers of a deploy were given; what was put first stays. */
void store_deploy_secret_put(
    struct store *store, uint64_t deploy, const char *secret, int64_t version);
/* 0: that deploy was given none of that name. */
int64_t store_deploy_secret(struct store *store, uint64_t deploy, const char *secret);
/* One that it was given has another value now, or is gone. */
bool store_deploy_secrets_are_old(struct store *store, uint64_t deploy);

/* How a variable differs from the deploy that served before: "added", "changed", "removed". */
struct env_change {
	char name[NAME_SIZE * 4];
	char change[8];
};
void store_deploy_env_put(
    struct store *store, uint64_t deploy, const char *name, const char *change);
size_t
store_deploy_env(struct store *store, uint64_t deploy, struct env_change *to, size_t most);

#endif
