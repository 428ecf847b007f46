/* test_deadlines.c - the heap of deadlines: its order, and that what is stale can be taken out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "serve/deadlines.h"

enum { MANY = 500 };

static uint64_t random_state;

static uint64_t
draw(uint64_t below)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15u; /* splitmix64 */

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % below;
}

static bool
is_even(void *context UNUSED, const struct deadline *deadline)
{
	return deadline->actor % 2 == 0;
}

/* Takes all; each comes before the next one, by time and then by id. */
static size_t
take_all(struct deadlines *d, uint64_t step)
{
	struct deadline last = { 0 };
	size_t count = 0;

	while (deadlines_first(d) != NULL) {
		struct deadline next = deadlines_take(d);

		assert_true(next.at_ms > last.at_ms
			    || (next.at_ms == last.at_ms && next.actor > last.actor)
			    || count == 0);
		assert_int_equal(next.actor % step, 0);
		last = next;
		count++;
	}
	return count;
}

static void
the_soonest_comes_first_and_equal_ones_by_id(void **state UNUSED)
{
	struct deadlines d = { 0 };

	for (random_state = 1; random_state < 20 * 0x10000; random_state += 0x10000) {
		for (uint64_t i = 0; i < MANY; i++)
			deadlines_add(&d, (struct deadline){ (int64_t)draw(60), i, 1 });
		assert_int_equal(take_all(&d, 1), MANY);
	}
	deadlines_free(&d);
}

static void
what_is_not_kept_is_gone_and_the_order_stays(void **state UNUSED)
{
	struct deadlines d = { 0 };

	for (random_state = 1; random_state < 20 * 0x10000; random_state += 0x10000) {
		for (uint64_t i = 0; i < MANY; i++)
			deadlines_add(&d, (struct deadline){ (int64_t)draw(60), i, 1 });
		deadlines_keep(&d, is_even, NULL);
		assert_int_equal(d.count, MANY / 2);
		assert_int_equal(take_all(&d, 2), MANY / 2);
	}
	deadlines_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_soonest_comes_first_and_equal_ones_by_id),
		cmocka_unit_test(what_is_not_kept_is_gone_and_the_order_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
