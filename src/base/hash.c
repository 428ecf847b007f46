/* hash.c - see hash.h. */
#include "base/hash.h"

#include <sodium.h>

static void
set_up(void)
{
	CHECK(sodium_init() >= 0); /* 1: was done before */
}

void
hash_sha256_hex(struct str bytes, char hex[HASH_HEX_SIZE])
{
	unsigned char hash[HASH_SIZE];

	set_up();
	crypto_hash_sha256(hash, (const unsigned char *)bytes.p, bytes.n);
	sodium_bin2hex(hex, HASH_HEX_SIZE, hash, sizeof(hash));
}

void
hash_hmac_sha256(struct str key, struct str bytes, unsigned char mac[HASH_SIZE])
{
	crypto_auth_hmacsha256_state state;

	set_up();
	crypto_auth_hmacsha256_init(&state, (const unsigned char *)key.p, key.n);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)bytes.p, bytes.n);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof(state));
}

void
hash_hmac_hex(struct str key, struct str bytes, char hex[HASH_HEX_SIZE])
{
	unsigned char mac[HASH_SIZE];

	hash_hmac_sha256(key, bytes, mac);
	sodium_bin2hex(hex, HASH_HEX_SIZE, mac, sizeof(mac));
}

void
random_bytes(void *to, size_t n)
{
	set_up();
	randombytes_buf(to, n);
}

void
seal_close(const struct seal *seal, struct str plain, unsigned char *sealed)
{
	set_up();
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, NULL,
	    (const unsigned char *)plain.p, plain.n, (const unsigned char *)seal->label.p,
	    seal->label.n, NULL, seal->nonce, seal->key);
}

bool
seal_open(const struct seal *seal, const unsigned char *sealed, size_t n, char *plain)
{
	set_up();
	return n >= SEAL_EXTRA_SIZE
	       && crypto_aead_xchacha20poly1305_ietf_decrypt((unsigned char *)plain, NULL,
		      NULL, sealed, n, (const unsigned char *)seal->label.p, seal->label.n,
		      seal->nonce, seal->key)
		      == 0;
}

void
hash_hex(struct str bytes, char *hex)
{
	sodium_bin2hex(hex, 2 * bytes.n + 1, (const unsigned char *)bytes.p, bytes.n);
}

bool
hash_from_hex(struct str hex, void *bytes, size_t n)
{
	size_t length;

	return hex.n == 2 * n
	       && sodium_hex2bin(bytes, n, hex.p, hex.n, NULL, &length, NULL) == 0
	       && length == n;
}
