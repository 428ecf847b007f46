/* deadlines.c - see deadlines.h. */
#include "serve/deadlines.h"

#include <stdlib.h>

#include "base/check.h"

static bool
is_before(const struct deadline *a, const struct deadline *b)
{
	return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->actor < b->actor;
}

static void
swap(struct deadline *a, struct deadline *b)
{
	struct deadline t = *a;

	*a = *b;
	*b = t;
}

void
deadlines_free(struct deadlines *d)
{
	free(d->heap);
	*d = (struct deadlines){ 0 };
}

/* The one at i goes up until its parent comes before it. */
static void
rise(struct deadlines *d, size_t i)
{
	while (i > 0 && is_before(&d->heap[i], &d->heap[(i - 1) / 2])) {
		swap(&d->heap[i], &d->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

void
deadlines_add(struct deadlines *d, struct deadline deadline)
{
	if (d->count == d->allocated) {
		d->allocated = d->allocated == 0 ? 64 : d->allocated * 2;
		d->heap = realloc(d->heap, d->allocated * sizeof(*d->heap));
		CHECK(d->heap != NULL);
	}
	d->heap[d->count] = deadline;
	rise(d, d->count++);
}

void
deadlines_keep(struct deadlines *d, deadline_fn *is_kept, void *context)
{
	size_t count = d->count;

	d->count = 0;
	for (size_t i = 0; i < count; i++) {
		if (!is_kept(context, &d->heap[i]))
			continue;
		d->heap[d->count] = d->heap[i];
		rise(d, d->count++);
	}
}

const struct deadline *
deadlines_first(const struct deadlines *d)
{
	return d->count == 0 ? NULL : &d->heap[0];
}

struct deadline
deadlines_take(struct deadlines *d)
{
	struct deadline first;
	size_t i = 0;

	CHECK(d->count > 0);
	first = d->heap[0];
	d->heap[0] = d->heap[--d->count];
	for (;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < d->count; child++)
			if (is_before(&d->heap[child], &d->heap[least]))
				least = child;
		if (least == i)
			return first;
		swap(&d->heap[i], &d->heap[least]);
		i = least;
	}
}
