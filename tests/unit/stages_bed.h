/* stages_bed.h - a store in memory with two stages of one project, for tests of what is kept. */
#ifndef SLIPWAY_TESTS_STAGES_BED_H
#define SLIPWAY_TESTS_STAGES_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/check.h"
#include "store/db.h"
#include "store/store.h"

#define NOW_MS INT64_C(1800000000000)

/* Their revisions are 7 and 8. */
enum { STAGE = 1, OTHER_STAGE = 2 };

static struct store *store;

static int
open_store(void **state UNUSED)
{
	struct err err;

	store = store_open(NULL, &err);
	assert_non_null(store);
	db_script(store_db(store),
	    "INSERT INTO project(id, name, webhook) VALUES(1, 'shop', 'w');"
	    "INSERT INTO spec(id, stage, created_ms, json) VALUES(7, 1, 0, '{}'), (8, 2, 0, "
	    "'{}');"
	    "INSERT INTO stage(id, project, name, spec, poll) VALUES(1, 1, 'a', 7, 3),"
	    " (2, 1, 'b', 8, 4);");
	for (uint64_t id = STAGE; id <= OTHER_STAGE; id++)
		store_actor_put(store,
		    &(struct actor){ .id = id, .kind = ACTOR_STAGE, .state = STAGE_IDLE });
	store_commit(store);
	return 0;
}

static int
close_store(void **state UNUSED)
{
	store_close(store);
	return 0;
}

#endif
