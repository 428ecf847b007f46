/* only.c - linked to a unit test, this lets it run one of its tests: TEST_ONLY=name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void __attribute__((constructor)) run_only(void)
{
	cmocka_set_test_filter(getenv("TEST_ONLY"));
}
