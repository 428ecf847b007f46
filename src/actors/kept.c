/* kept.c - see kept.h. Pure. */
#include "actors/kept.h"

#include <string.h>

/* The first `count` stay. */
static void
cut(struct stage *stage, size_t count)
{
	memset(&stage->kept[count], 0, (KEPT_MAX - count) * sizeof(stage->kept[0]));
}

uint64_t
kept_find(const struct stage *stage, const char *tag, const char *digest, uint64_t spec)
{
	for (int i = 0; i < KEPT_MAX && stage->kept[i].deploy != 0; i++)
		if (stage->kept[i].spec == spec && strcmp(stage->kept[i].digest, digest) == 0
		    && strcmp(stage->kept[i].tag, tag) == 0)
			return stage->kept[i].deploy;
	return 0;
}

static char
host_character(char c)
{
	bool is_upper = c >= 'A' && c <= 'Z';
	bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\0';

	return is_upper ? (char)(c - 'A' + 'a') : is_plain ? c : '-';
}

bool
kept_is_one_name(const char *tag, const char *other)
{
	size_t i = 0;

	while (host_character(tag[i]) == host_character(other[i]))
		if (tag[i++] == '\0')
			return true;
	return false;
}

void
kept_drop(struct stage *stage, uint64_t deploy)
{
	size_t left = 0;

	for (int i = 0; i < KEPT_MAX && stage->kept[i].deploy != 0; i++)
		if (stage->kept[i].deploy != deploy)
			stage->kept[left++] = stage->kept[i];
	cut(stage, left);
}

void
kept_clear(struct stage *stage)
{
	cut(stage, 0);
}

void
kept_outdate(struct stage *stage, const char *tag)
{
	size_t left = 0;

	for (int i = 0; i < KEPT_MAX && stage->kept[i].deploy != 0; i++)
		if (stage->kept[i].until_ms == 0 && !kept_is_one_name(stage->kept[i].tag, tag))
			stage->kept[left++] = stage->kept[i];
	cut(stage, left);
}

void
kept_trim(struct stage *stage, uint32_t most)
{
	if (most < KEPT_MAX)
		cut(stage, most);
}

void
kept_put(struct stage *stage, const struct kept *kept)
{
	memmove(&stage->kept[1], &stage->kept[0], (KEPT_MAX - 1) * sizeof(stage->kept[0]));
	stage->kept[0] = *kept;
}
