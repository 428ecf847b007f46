/* registry_tokens.h - the tokens that registries gave, until they run out. */
#ifndef SLIPWAY_PORTS_REGISTRY_TOKENS_H
#define SLIPWAY_PORTS_REGISTRY_TOKENS_H

#include <stdint.h>

#include "base/str.h"

struct tokens;

struct tokens *tokens_new(void);
void tokens_free(struct tokens *tokens); /* wipes them; NULL allowed */

/* NULL: none, or it is nearly over. key: registry, user and scope. Valid until the next put. */
const char *tokens_find(const struct tokens *tokens, const char *key, int64_t now_ms);

/* Takes the place of the same key's, else of one that is over, else of the one that ends first. */
void tokens_put(
    struct tokens *tokens, const char *key, struct str token, int64_t now_ms, int64_t life_ms);
void tokens_drop(struct tokens *tokens, const char *key);

#endif
