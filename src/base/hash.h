/* hash.h - SHA-256, HMAC, random bytes and sealing (libsodium behind them). */
#ifndef SLIPWAY_BASE_HASH_H
#define SLIPWAY_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { HASH_SIZE = 32, HASH_HEX_SIZE = 2 * HASH_SIZE + 1 };

/* Hexadecimal, lower case, ended by NUL. */
void hash_sha256_hex(struct str bytes, char hex[HASH_HEX_SIZE]);

/* HMAC-SHA256 (RFC 2104) with a key of any length. */
void hash_hmac_sha256(struct str key, struct str bytes, unsigned char mac[HASH_SIZE]);

/* The same, hexadecimal. */
void hash_hmac_hex(struct str key, struct str bytes, char hex[HASH_HEX_SIZE]);

/* From the kernel; never fails. */
void random_bytes(void *to, size_t n);

/* Sealing (XChaCha20-Poly1305): who has not the key can neither read nor change what is sealed, nor
 * put it in the place of another. The nonce is random and never used twice; the label is not kept,
 * and opening needs the same again. */
enum { SEAL_KEY_SIZE = 32, SEAL_NONCE_SIZE = 24, SEAL_EXTRA_SIZE = 16 };

struct seal {
	const unsigned char *key;
	const unsigned char *nonce;
	struct str label;
};

/* sealed: plain.n + SEAL_EXTRA_SIZE bytes. */
void seal_close(const struct seal *seal, struct str plain, unsigned char *sealed);
/* plain: n - SEAL_EXTRA_SIZE bytes. false: another key, another label, or bytes that changed. */
bool seal_open(
    const struct seal *seal, const unsigned char *sealed, size_t n, char *plain) MUST_USE;

/* Hexadecimal, lower case, ended by NUL: 2 * bytes.n + 1 at `hex`. */
void hash_hex(struct str bytes, char *hex);
/* Exactly n bytes, or false. */
bool hash_from_hex(struct str hex, void *bytes, size_t n) MUST_USE;

#endif
