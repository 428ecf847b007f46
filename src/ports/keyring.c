/* keyring.c - see keyring.h. */
#include "ports/keyring.h"

#include <string.h>

/* From a hash, so that what is shown does not help to find the key. */
static void
name_key(struct key *key)
{
	char hash[HASH_HEX_SIZE];
	char text[sizeof("slipway key ") + 2 * SEAL_KEY_SIZE] = "slipway key ";

	hash_hex(
	    (struct str){ (const char *)key->bytes, sizeof(key->bytes) }, text + strlen(text));
	hash_sha256_hex(str_of(text), hash);
	memcpy(key->id, hash, KEY_ID_SIZE - 1);
	key->id[KEY_ID_SIZE - 1] = '\0';
	explicit_bzero(text, sizeof(text));
}

static int
take_word(struct str word, struct keyring *ring, struct err *err)
{
	struct key *key = &ring->keys[ring->count];

	if (ring->count == SECRET_KEYS_MAX)
		return err_set(err, "more than %d keys; take the oldest out", SECRET_KEYS_MAX);
	if (!hash_from_hex(word, key->bytes, sizeof(key->bytes)))
		return err_set(err,
		    "no key: each is %d hexadecimal digits, on a line of its own "
		    "(`slipway secrets generate` makes one)",
		    2 * SEAL_KEY_SIZE);
	name_key(key);
	if (keyring_find(ring, key->id) == NULL)
		ring->count++;
	return 0;
}

static int
take_line(struct str line, struct keyring *ring, struct err *err)
{
	while (line.n > 0) {
		size_t n = 0;

		while (n < line.n && strchr(" \t\r,", line.p[n]) == NULL)
			n++;
		if (n > 0 && take_word((struct str){ line.p, n }, ring, err) != 0)
			return -1;
		n += n < line.n;
		line = (struct str){ line.p + n, line.n - n };
	}
	return 0;
}

int
keyring_parse(struct str text, struct keyring *ret_ring, struct err *err)
{
	struct keyring ring = { .count = 0 };
	int result = 0;

	while (text.n > 0 && result == 0) {
		struct str line;

		text = str_cut(text, '\n', &line);
		if (!str_starts(str_trim(line), "#"))
			result = take_line(line, &ring, err);
	}
	if (result == 0 && ring.count == 0)
		result = err_set(err, "holds no key; `slipway secrets generate` makes one");
	if (result == 0)
		*ret_ring = ring;
	keyring_wipe(&ring);
	return result;
}

void
keyring_write(const struct keyring *ring, struct buf *text)
{
	char hex[2 * SEAL_KEY_SIZE + 1];

	for (size_t i = 0; i < ring->count; i++) {
		hash_hex(
		    (struct str){ (const char *)ring->keys[i].bytes, SEAL_KEY_SIZE }, hex);
		buf_text(text, hex);
		buf_char(text, '\n');
	}
	explicit_bzero(hex, sizeof(hex));
}

void
keyring_add(struct keyring *ring)
{
	CHECK(ring->count < SECRET_KEYS_MAX);
	memmove(&ring->keys[1], &ring->keys[0], ring->count * sizeof(ring->keys[0]));
	random_bytes(ring->keys[0].bytes, SEAL_KEY_SIZE);
	name_key(&ring->keys[0]);
	ring->count++;
}

const struct key *
keyring_find(const struct keyring *ring, const char *id)
{
	for (size_t i = 0; i < ring->count; i++)
		if (strcmp(ring->keys[i].id, id) == 0)
			return &ring->keys[i];
	return NULL;
}

void
keyring_wipe(struct keyring *ring)
{
	explicit_bzero(ring, sizeof(*ring));
}
