/* api_page.c - pages of lists that lie in memory. The cursor is the last name that was given, so a page is
 * right whatever was added or removed in between. */
#include "api/inside.h"

bool
api_page(struct request *rq, uint64_t most, struct page *ret)
{
	*ret = (struct page){ .after = api_query(rq, "after"), .limit = most };
	if (!api_query_number(rq, "limit", most, &ret->limit))
		return false;
	if (ret->limit == 0)
		ret->limit = 1;
	return true;
}

void
api_page_next(struct json_writer *w, const char *name)
{
	json_key(w, "next");
	if (name[0] == '\0')
		json_put_null(w);
	else
		json_put_text(w, name);
}
