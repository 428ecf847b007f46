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
random_bytes(void *to, size_t n)
{
	set_up();
	randombytes_buf(to, n);
}
