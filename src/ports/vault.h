/* vault.h - secrets: sealed in the store, opened with keys that are kept beside it.
 *
 * The one idea: a new key comes before the old ones in the file, then everything is sealed anew in one
 * transaction, then the old keys leave the file. Killed anywhere between, the next start finds both
 * keys and does the rest. Neither a value nor a key is ever logged or told. */
#ifndef SLIPWAY_PORTS_VAULT_H
#define SLIPWAY_PORTS_VAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct loop;
struct store;
struct vault;

struct vault_settings {
	struct store *store;
	struct loop *loop;
	const char *path; /* of the key's file; copied */
	const char *keys; /* the keys themselves; "": from the file */
};

/* Makes a key when there is none and nothing was sealed yet. NULL: keys that cannot be read, or that
 * are missing while the store holds secrets. A secret that none of the keys opens is no reason not to
 * start: it is logged, told by `slipway secrets list`, and what needs it is refused. */
struct vault *vault_open(const struct vault_settings *settings, struct err *err) MUST_USE;
void vault_close(struct vault *vault); /* NULL allowed */

/* The value, which the caller wipes (buf_wipe); *ret_version is the one that it is. -1: there is none,
 * or no key for it; err names the remedy. */
int vault_get(struct vault *vault, const char *name, struct buf *value, int64_t *ret_version,
    struct err *err) MUST_USE;
bool vault_has(struct vault *vault, const char *name);
bool vault_opens(const struct vault *vault, const char *key); /* what that key has sealed */

/* Its version. value: less than VALUE_SIZE bytes. */
int64_t vault_set(struct vault *vault, const char *name, struct str value);

/* Everything sealed with a new key. The file has it before anything else happens; -1: nothing has
 * changed. */
int vault_rotate(struct vault *vault, size_t *ret_count, struct err *err) MUST_USE;

const char *vault_key(const struct vault *vault); /* id of the one that seals */

#endif
