/* hash.h - SHA-256 and random bytes (libsodium behind them). */
#ifndef SLIPWAY_BASE_HASH_H
#define SLIPWAY_BASE_HASH_H

#include <stddef.h>

#include "base/str.h"

enum { HASH_SIZE = 32, HASH_HEX_SIZE = 2 * HASH_SIZE + 1 };

/* Hexadecimal, lower case, ended by NUL. */
void hash_sha256_hex(struct str bytes, char hex[HASH_HEX_SIZE]);

/* From the kernel; never fails. */
void random_bytes(void *to, size_t n);

#endif
