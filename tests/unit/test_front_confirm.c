/* test_front_confirm.c - which answer of a proxy in front counts as good, for what is confirmed through it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ports/front_inside.h"

static bool
is_good(
    bool is_leaving, enum front_kind kind, enum fetch_outcome outcome, enum front_proof proof)
{
	struct front_op op = { .is_leaving = is_leaving, .kind = kind };
	struct fetch_result result = { .outcome = outcome, .status = 200 };

	return front_confirm_is_good(&op, &result, proof);
}

static void
a_version_that_comes_has_to_answer_well(void **state)
{
	(void)state;
	assert_true(is_good(false, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_PROVEN));
	assert_false(is_good(false, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_LEADS));
	assert_false(is_good(false, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_OTHER));
	assert_false(is_good(false, FRONT_CONFIRM, FETCH_UNREACHED, FRONT_UNPROVEN));
	/* One that stays after a restore only has to be led to. */
	assert_true(is_good(false, FRONT_GIVE_BACK, FETCH_ANSWERED, FRONT_LEADS));
	assert_false(is_good(false, FRONT_GIVE_BACK, FETCH_ANSWERED, FRONT_OTHER));
}

/* Who answers nothing may be back in a moment, with the route that should be gone. */
static void
who_cannot_be_reached_proves_nothing(void **state)
{
	(void)state;
	assert_true(is_good(true, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_OTHER));
	assert_true(is_good(true, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_UNPROVEN));
	assert_true(is_good(true, FRONT_CONFIRM, FETCH_TOO_LARGE, FRONT_UNPROVEN));
	assert_false(is_good(true, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_PROVEN));
	assert_false(is_good(true, FRONT_CONFIRM, FETCH_ANSWERED, FRONT_LEADS));
	assert_false(is_good(true, FRONT_CONFIRM, FETCH_UNREACHED, FRONT_UNPROVEN));
	assert_false(is_good(true, FRONT_CONFIRM, FETCH_BROKEN, FRONT_UNPROVEN));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_that_comes_has_to_answer_well),
		cmocka_unit_test(who_cannot_be_reached_proves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
