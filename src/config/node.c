/* node.c - questions to a tree: members, duplicates, and what an unquoted scalar means (core schema
 * of YAML 1.2).
 *
 * `yes`, `no`, `on` and `off` are texts here, as in the core schema; a key that wants true or false
 * refuses them and says so. */
#include "config/yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

#define DIGITS "0123456789"

static bool
is_one_of(struct str text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_is(text, names[i]))
			return true;
	return false;
}

/* [-+]? digits, or 0x / 0o with their digits */
static bool
is_integer(const char *p)
{
	if (p[0] == '0' && p[1] == 'x' && p[2] != '\0')
		return p[2 + strspn(p + 2, DIGITS "abcdefABCDEF")] == '\0';
	if (p[0] == '0' && p[1] == 'o' && p[2] != '\0')
		return p[2 + strspn(p + 2, "01234567")] == '\0';
	if (*p == '-' || *p == '+')
		p++;
	return *p != '\0' && p[strspn(p, DIGITS)] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool
is_real(const char *p)
{
	size_t whole;
	size_t behind = 0;

	if (*p == '-' || *p == '+')
		p++;
	whole = strspn(p, DIGITS);
	p += whole;
	if (*p == '.') {
		behind = strspn(++p, DIGITS);
		p += behind;
	}
	if (whole + behind == 0)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		if (*p == '-' || *p == '+')
			p++;
		return *p != '\0' && p[strspn(p, DIGITS)] == '\0';
	}
	return *p == '\0';
}

enum scalar_type
node_scalar_type(const struct node *scalar)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL" };
	static const char *const bools[] = { "true", "True", "TRUE", "false", "False",
		"FALSE" };
	static const char *const reals[] = { ".inf", ".Inf", ".INF", "-.inf", "-.Inf", "-.INF",
		"+.inf", "+.Inf", "+.INF", ".nan", ".NaN", ".NAN" };

	CHECK(scalar->kind == NODE_SCALAR);
	if (!scalar->is_plain)
		return SCALAR_TEXT;
	if (is_one_of(scalar->text, nulls, COUNT(nulls)))
		return SCALAR_NULL;
	if (is_one_of(scalar->text, bools, COUNT(bools)))
		return SCALAR_BOOL;
	if (is_integer(scalar->text.p))
		return SCALAR_INTEGER;
	if (is_real(scalar->text.p) || is_one_of(scalar->text, reals, COUNT(reals)))
		return SCALAR_REAL;
	return SCALAR_TEXT;
}

static int
key_order(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a;
	const struct node *y = *(const struct node *const *)b;
	int order = strcmp(x->key.p, y->key.p);

	if (order != 0)
		return order;
	if (x->key_line != y->key_line)
		return x->key_line < y->key_line ? -1 : 1;
	return x->key_column < y->key_column ? -1 : 1;
}

/* Sorting finds them in n log n: a hostile file may hold one map of 100,000 keys. */
void
node_refuse_duplicates(
    struct arena *arena, const struct node *map, struct config_problems *faults)
{
	struct node **sorted = arena_take_array(arena, map->count, sizeof(struct node *));
	size_t count = 0;
	size_t original = 0;

	for (struct node *member = map->first; member != NULL; member = member->next)
		sorted[count++] = member;
	CHECK(count == map->count);
	if (count > 1)
		qsort(sorted, count, sizeof(struct node *), key_order);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(sorted[original]->key.p, sorted[i]->key.p) != 0) {
			original = i;
			continue;
		}
		problems_add(faults, sorted[i]->key_line, sorted[i]->key_column,
		    "key '%.60s' is here twice: it stands on line %d already",
		    sorted[i]->key.p, sorted[original]->key_line);
		sorted[i]->kind = NODE_REFUSED;
	}
}

const struct node *
node_get(const struct node *map, const char *key)
{
	for (const struct node *member = map->first; member != NULL; member = member->next)
		if (str_is(member->key, key))
			return member;
	return NULL;
}
