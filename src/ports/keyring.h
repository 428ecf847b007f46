/* keyring.h - the keys that seal secrets, as text and in memory.
 *
 * The one idea: a ring of keys, one a line, each 64 hexadecimal digits. The first one seals; the
 * others only open what they once sealed, until that is sealed anew. A key's id is made from the
 * key, so that no two lists can disagree about which is which. Pure. */
#ifndef SLIPWAY_PORTS_KEYRING_H
#define SLIPWAY_PORTS_KEYRING_H

#include <stddef.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/str.h"

struct key {
	char id[KEY_ID_SIZE]; /* tells nothing of the key */
	unsigned char bytes[SEAL_KEY_SIZE];
};

struct keyring {
	struct key keys[SECRET_KEYS_MAX];
	size_t count;
};

/* Blanks, commas or newlines between the keys; '#' begins a line for people. */
int keyring_parse(struct str text, struct keyring *ret_ring, struct err *err) MUST_USE;

/* As a file; wipe the buffer after use. */
void keyring_write(const struct keyring *ring, struct buf *text);

/* A fresh key before the others, of which there are fewer than SECRET_KEYS_MAX. */
void keyring_add(struct keyring *ring);

/* NULL: not in the ring. */
const struct key *keyring_find(const struct keyring *ring, const char *id);

void keyring_wipe(struct keyring *ring);

#endif
