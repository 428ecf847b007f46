/* test_proxies.c - which proxy an effect goes to, where none is there to take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/loop.h"
#include "ports/proxies.h"
#include "store/catalog.h"
#include "store/store.h"

static struct port_host host;
static struct proxies *proxies;
static struct event answers[8];
static size_t answer_count;

static void
keep(void *context UNUSED, const struct event *event)
{
	assert_true(answer_count < COUNT(answers));
	answers[answer_count++] = *event;
}

static int
open_all(void **state UNUSED)
{
	struct err err;
	struct front_settings settings = {
		.directory = "", .edge_address = "", .store_uuid = "", .edge_probe = ""
	};

	answer_count = 0;
	host = (struct port_host){
		.loop = loop_new(), .store = store_open(NULL, &err), .answer = keep
	};
	if (host.store == NULL)
		return -1;
	host.catalog = catalog_new(host.store);
	proxies = proxies_new(&host, &settings, NULL);
	return 0;
}

static int
close_all(void **state UNUSED)
{
	proxies_free(proxies);
	catalog_free(host.catalog);
	store_close(host.store);
	loop_free(host.loop);
	return 0;
}

/* Nobody leads traffic, so nothing has to be moved, and no deploy waits for it. */
static void
without_an_edge_each_route_is_as_it_is_wanted(void **state UNUSED)
{
	static const struct {
		enum effect_kind effect;
		enum event_kind answer;
	} cases[] = { { FX_SWITCH, EV_SWITCHED }, { FX_CONFIRM, EV_CONFIRMED },
		{ FX_RESTORE, EV_RESTORED }, { FX_DRAIN, EV_DRAINED } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		proxies_perform(proxies,
		    &(struct effect){ .kind = cases[i].effect, .actor = 7, .epoch = 3 });
		assert_int_equal(answer_count, i + 1);
		assert_int_equal(answers[i].kind, cases[i].answer);
		assert_int_equal(answers[i].to, 7);
		assert_int_equal(answers[i].epoch, 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(
	    without_an_edge_each_route_is_as_it_is_wanted, open_all, close_all) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
