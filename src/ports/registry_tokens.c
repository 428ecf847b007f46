/* registry_tokens.c - see registry_tokens.h.
 *
 * A plain array with the hash of each key beside it: looking through a thousand takes a
 * microsecond, against twenty for the request that follows. */
#include "ports/registry_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { MARGIN_MS = 10000 }; /* the request that uses it must still arrive in time */

struct token {
	uint64_t hash;
	int64_t until_ms;
	char *key;
	char *value;
};

struct tokens {
	struct token items[REGISTRY_TOKENS_MAX];
	size_t count;
};

/* FNV-1a, 64 bits. */
static uint64_t
hash_of(const char *key)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *key != '\0'; key++)
		hash = (hash ^ (unsigned char)*key) * UINT64_C(1099511628211);
	return hash;
}

struct tokens *
tokens_new(void)
{
	struct tokens *t = calloc(1, sizeof(*t));

	CHECK(t != NULL);
	return t;
}

static void
clear(struct token *token)
{
	explicit_bzero(token->value, strlen(token->value));
	free(token->key);
	free(token->value);
}

static void
forget(struct tokens *t, size_t index)
{
	clear(&t->items[index]);
	t->items[index] = t->items[--t->count];
}

void
tokens_free(struct tokens *t)
{
	if (t == NULL)
		return;
	while (t->count > 0)
		forget(t, t->count - 1);
	free(t);
}

static size_t
find(const struct tokens *t, const char *key)
{
	uint64_t hash = hash_of(key);

	for (size_t i = 0; i < t->count; i++)
		if (t->items[i].hash == hash && strcmp(t->items[i].key, key) == 0)
			return i;
	return t->count;
}

const char *
tokens_find(const struct tokens *t, const char *key, int64_t now_ms)
{
	size_t i = find(t, key);

	return i == t->count || t->items[i].until_ms <= now_ms ? NULL : t->items[i].value;
}

void
tokens_drop(struct tokens *t, const char *key)
{
	size_t i = find(t, key);

	if (i < t->count)
		forget(t, i);
}

static void
make_room(struct tokens *t, int64_t now_ms)
{
	size_t first = 0;

	for (size_t i = t->count; i-- > 0;)
		if (t->items[i].until_ms <= now_ms)
			forget(t, i);
	if (t->count < REGISTRY_TOKENS_MAX)
		return;
	for (size_t i = 1; i < t->count; i++)
		if (t->items[i].until_ms < t->items[first].until_ms)
			first = i;
	forget(t, first);
}

void
tokens_put(
    struct tokens *t, const char *key, struct str token, int64_t now_ms, int64_t life_ms)
{
	int64_t margin_ms = life_ms / 4 < MARGIN_MS ? life_ms / 4 : MARGIN_MS;

	tokens_drop(t, key);
	if (t->count == REGISTRY_TOKENS_MAX)
		make_room(t, now_ms);
	t->items[t->count] = (struct token){ .hash = hash_of(key),
		.until_ms = now_ms + life_ms - margin_ms,
		.key = strdup(key),
		.value = strndup(token.p, token.n) };
	CHECK(t->items[t->count].key != NULL && t->items[t->count].value != NULL);
	t->count++;
}
