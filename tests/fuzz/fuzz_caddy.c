/* fuzz_caddy.c - Caddy's HTTP servers as anybody may have configured them, judged for a stage of ours.
 *
 * Whatever is there: the judge asks for one change of one route in our server, or refuses in plain
 * words, or there is nothing to do and the route is ours. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "ports/caddy_inside.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct proxy_config config = { .name = "caddy",
	.is_direct = true,
	.server = "edge",
	.listen = ":443",
	.names = "127.0.0.1:8953" };
static const struct front_route route = { .stage = 42,
	.deploy = 57,
	.domains = { "app.test", "*.app.test" },
	.domain_count = 2,
	.targets = { { .replica = 0, .address = "10.0.0.2:8080" } },
	.target_count = 1,
	.path = "/" };

static void
check_body(const struct caddy_plan *plan)
{
	struct json *tree;
	struct err err;

	if (strcmp(plan->method, "DELETE") == 0) {
		CHECK(plan->body.n == 0);
		return;
	}
	CHECK(!plan->body.overflow);
	tree = json_parse(buf_view(&plan->body), &err);
	CHECK(tree != NULL);
	json_free(tree);
}

static void
check_plan(const struct caddy_wish *wish, const struct json *servers)
{
	struct caddy_plan plan;

	caddy_plan_init(&plan);
	caddy_judge(wish, servers, &plan);
	switch (plan.verdict) {
	case CADDY_KEEP:
		break;
	case CADDY_CALL:
		CHECK(strncmp(plan.path, CADDY_SERVERS "/", strlen(CADDY_SERVERS) + 1) == 0);
		CHECK(plan.text[0] != '\0');
		CHECK(!wish->is_absent || strcmp(plan.method, "DELETE") == 0);
		CHECK(!plan.is_overwriting || wish->may_overwrite);
		check_body(&plan);
		break;
	case CADDY_REFUSE:
		CHECK(plan.text[0] != '\0' && !wish->is_absent);
		break;
	}
	caddy_plan_free(&plan);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct caddy_wish wish = {
		.config = &config, .route = &route, .mark = "1a2b3c4d", .secret = "s3cret"
	};
	struct err err;
	struct json *servers = json_parse((struct str){ (const char *)data, size }, &err);
	char url[CADDY_ENTRY_SIZE];

	if (servers == NULL)
		return 0;
	check_plan(&wish, servers);
	wish.may_overwrite = true;
	check_plan(&wish, servers);
	wish.is_absent = true;
	check_plan(&wish, servers);
	caddy_entry(&config, json_get(servers, config.server), url, sizeof(url));
	CHECK(strncmp(url, "http", 4) == 0);
	json_free(servers);
	return 0;
}
