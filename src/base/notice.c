/* notice.c - see notice.h. */
#include "base/notice.h"

#include <string.h>

#define NOTICE_NAME(name, text) text,
const char *const notice_names[NOTICE_COUNT] = { NOTICES(NOTICE_NAME) };
#undef NOTICE_NAME

enum notice
notice_by_name(const char *name)
{
	int i = 0;

	while (i < NOTICE_COUNT && strcmp(notice_names[i], name) != 0)
		i++;
	return (enum notice)i;
}
