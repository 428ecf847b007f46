/* test_images.c - which images have to stay, and why; rows of what was pulled; pins. */
#include "stages_bed.h"

#include <stdio.h>
#include <string.h>

#include "store/deploys.h"
#include "store/images.h"
#include "store/retention.h"

#define HOUR_MS INT64_C(3600000)

enum { ENGINE = 5 };

static const struct retention_rules rules = {
	.deploys = 10, .days = 30, .rollbacks = 2, .images_ms = HOUR_MS, .removes_images = true
};

static void
put_deploy(uint64_t id, uint64_t stage, enum deploy_state state, const char *digest)
{
	struct actor a = { .id = id, .kind = ACTOR_DEPLOY, .state = (int)state };

	a.deploy.stage = stage;
	a.deploy.spec = stage == STAGE ? 7 : 8;
	a.deploy.ended_ms = fsm_is_final(&deploy_spec, (int)state) ? NOW_MS : 0;
	CHECK(str_copy(a.deploy.digest, sizeof(a.deploy.digest), str_of(digest)));
	store_actor_put(store, &a);
}

static void
set_live(uint64_t stage, uint64_t deploy)
{
	struct actor a = { .id = stage, .kind = ACTOR_STAGE, .state = STAGE_IDLE };

	a.stage.live = deploy;
	store_actor_put(store, &a);
}

/* Used so long before now. */
static struct image_verdict
judge(const char *digest, int64_t age_ms)
{
	struct image image = { .engine = ENGINE, .used_ms = NOW_MS - age_ms };
	struct image_verdict verdict;

	CHECK(str_copy(image.digest, sizeof(image.digest), str_of(digest)));
	store_image_judge(store, &rules, &image, NOW_MS, &verdict);
	return verdict;
}

static void
assert_need(const char *digest, enum image_need need, uint64_t deploy)
{
	struct image_verdict verdict = judge(digest, 2 * HOUR_MS);

	assert_int_equal(verdict.need, need);
	assert_int_equal(verdict.deploy, deploy);
}

static void
what_no_deploy_needs_is_free_when_it_is_old(void **state UNUSED)
{
	put_deploy(20, STAGE, DEPLOY_FAILED, "d");
	assert_need("d", IMAGE_FREE, 0);
	assert_need("unknown", IMAGE_FREE, 0);
	assert_int_equal(judge("d", HOUR_MS).need, IMAGE_FREE);
	assert_int_equal(judge("d", HOUR_MS - 1).need, IMAGE_YOUNG);
	assert_int_equal(judge("d", HOUR_MS - 1).until_ms, NOW_MS + 1);
}

static void
what_is_live_or_under_way_stays(void **state UNUSED)
{
	put_deploy(20, STAGE, DEPLOY_LIVE, "live");
	set_live(STAGE, 20);
	assert_need("live", IMAGE_LIVE, 20);
	put_deploy(21, STAGE, DEPLOY_PULLING, "new");
	assert_need("new", IMAGE_UNDER_WAY, 21);
	put_deploy(21, STAGE, DEPLOY_FAILED, "new");
	assert_need("new", IMAGE_FREE, 0);
}

/* Two versions before the live one, each with its newest deploy; the fourth goes. */
static void
what_one_can_go_back_to_stays(void **state UNUSED)
{
	put_deploy(20, STAGE, DEPLOY_LIVE, "v1");
	put_deploy(21, STAGE, DEPLOY_LIVE, "v2");
	put_deploy(22, STAGE, DEPLOY_LIVE, "v2");
	put_deploy(23, STAGE, DEPLOY_LIVE, "v3");
	put_deploy(24, STAGE, DEPLOY_LIVE, "v4");
	set_live(STAGE, 24);
	assert_need("v1", IMAGE_FREE, 0);
	assert_need("v2", IMAGE_ROLLBACK, 22);
	assert_need("v3", IMAGE_ROLLBACK, 23);
	assert_need("v4", IMAGE_LIVE, 24);
}

/* So many deploys of one version hide what was before: then nothing of that goes. */
static void
what_is_hidden_by_too_many_deploys_stays(void **state UNUSED)
{
	put_deploy(20, STAGE, DEPLOY_LIVE, "v1");
	for (uint64_t id = 21; id < 21 + RETENTION_SCAN_MAX; id++)
		put_deploy(id, STAGE, DEPLOY_LIVE, "v2");
	assert_need("v1", IMAGE_ROLLBACK, 20);
}

static void
each_stage_that_has_had_it_is_asked(void **state UNUSED)
{
	put_deploy(20, STAGE, DEPLOY_FAILED, "shared");
	put_deploy(21, OTHER_STAGE, DEPLOY_LIVE, "shared");
	assert_need("shared", IMAGE_ROLLBACK, 21);
	assert_int_equal(judge("shared", 0).stage, OTHER_STAGE);
}

static void
what_is_pinned_stays_with_its_deploy(void **state UNUSED)
{
	for (uint64_t id = 20; id < 24; id++) {
		char digest[8];

		snprintf(digest, sizeof(digest), "v%d", (int)id);
		put_deploy(id, STAGE, DEPLOY_LIVE, digest);
	}
	assert_need("v20", IMAGE_FREE, 0);
	store_pin(store, 20, NOW_MS);
	store_pin(store, 20, NOW_MS);
	assert_true(store_is_pinned(store, 20));
	assert_int_equal(store_pins_count(store, STAGE), 1);
	assert_int_equal(store_pins_count(store, OTHER_STAGE), 0);
	assert_need("v20", IMAGE_PINNED, 20);
	store_unpin(store, 20);
	assert_false(store_is_pinned(store, 20));
	assert_need("v20", IMAGE_FREE, 0);
}

static void
rows_are_found_in_order_and_forgotten(void **state UNUSED)
{
	struct image image = { .engine = ENGINE,
		.repository = "r.io/a",
		.digest = "d1",
		.pulled_ms = 3,
		.used_ms = 4,
		.tries = 5,
		.next_ms = 6,
		.trouble = "why" };
	struct image found[4];
	struct image got;

	store_image_put(store, &image);
	image.tries = 7;
	store_image_put(store, &image);
	memcpy(image.digest, "d2", 3);
	store_image_put(store, &image);
	image.engine = ENGINE + 1;
	store_image_put(store, &image);
	assert_int_equal(store_images(store, NULL, found, 4), 3);
	assert_string_equal(found[0].digest, "d1");
	assert_int_equal(store_images(store, &found[0], found, 4), 2);
	assert_int_equal(found[1].engine, ENGINE + 1);
	assert_true(store_image_get(store, ENGINE, "r.io/a", "d1", &got));
	assert_int_equal(got.tries, 7);
	assert_int_equal(got.pulled_ms, 3);
	assert_int_equal(got.used_ms, 4);
	assert_int_equal(got.next_ms, 6);
	assert_string_equal(got.trouble, "why");
	store_image_forget(store, &got);
	assert_false(store_image_get(store, ENGINE, "r.io/a", "d1", &got));
	assert_int_equal(store_images(store, NULL, found, 4), 2);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)
	const struct CMUnitTest tests[] = {
		TEST(what_no_deploy_needs_is_free_when_it_is_old),
		TEST(what_is_live_or_under_way_stays),
		TEST(what_one_can_go_back_to_stays),
		TEST(what_is_hidden_by_too_many_deploys_stays),
		TEST(each_stage_that_has_had_it_is_asked),
		TEST(what_is_pinned_stays_with_its_deploy),
		TEST(rows_are_found_in_order_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
