/* talk_promotion.c - what simulated people decide: they promote, approve, reject, freeze and thaw,
 * stop, start and restart. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clients.h"
#include "sim.h"
#include "talk_promotion.h"

/* Requests are told in pieces; see questions.c. */

static const char *
somebody(void)
{
	static const char *const people[] = { "ann", "bob", "cid", "Ann" };

	return people[world_random() % COUNT(people)];
}

static const char *
some_override(void)
{
	return world_chance(30) ? ",\"override\":\"outage\"" : "";
}

void
ask_promote(struct client *c)
{
	char body[160];

	c->place = world_chance(90) ? 0 : c->place;
	snprintf(body, sizeof(body), "{\"by\":\"%s\",\"force\":%s%s}", somebody(),
	    world_chance(20) ? "true" : "false", some_override());
	post_to_stage(c, "promote", body);
}

/* With its digest it overtakes those that ask the registry. */
void
ask_deploy_by(struct client *c)
{
	const char *override = some_override();
	uint32_t registry = (uint32_t)c->place % WORLD_REGISTRIES;
	uint32_t tag = (uint32_t)(world_random() % WORLD_TAGS);
	char digest[96] = "";
	char body[280];

	if (override[0] == '\0' && world_chance(50)) /* what pends is wished again */
		tag = 0;
	if (world_chance(50))
		snprintf(digest, sizeof(digest), ",\"digest\":\"sha256:%064u\"",
		    world.tag_digest[registry][tag]);
	snprintf(body, sizeof(body), "{\"tag\":\"v%u\"%s,\"by\":\"%s\"%s}", tag, digest,
	    somebody(), override);
	post_to_stage(c, "deploys", body);
}

bool
judge_promote(struct client *c, int status, struct str body)
{
	return status == 409 || judge_begun(c, status, body);
}

/* Mostly what pends; now and then any deploy. */
static void
ask_decision(struct client *c, const char *verb)
{
	const struct actor *stage =
	    sim.is_up ? runtime_actor(sim.app.runtime, world.stage_ids[c->place]) : NULL;
	char path[64];
	char body[64];

	if (stage != NULL && stage->stage.pending != 0 && world_chance(95))
		c->deploy = stage->stage.pending;
	snprintf(path, sizeof(path), "/api/v1/deploys/%" PRIu64 "/%s", c->deploy, verb);
	snprintf(body, sizeof(body), "{\"by\":\"%s\"}", somebody());
	post_json(c, path, body);
}

void
ask_approve(struct client *c)
{
	ask_decision(c, "approve");
}

void
ask_reject(struct client *c)
{
	ask_decision(c, "reject");
}

bool
judge_decision(struct client *c, int status, struct str body UNUSED)
{
	return status == 200 || status == 404 || status == 409
	       || (status == 503 && sim.drained_ms >= c->begun_ms);
}

static void
ask_about(struct client *c, const char *verb, const char *body)
{
	char path[96];

	if (world_chance(70)) {
		post_to_stage(c, verb, body);
		return;
	}
	snprintf(path, sizeof(path), "/api/v1/projects/%s/%s", stage_project(c->place), verb);
	post_json(c, path, body);
}

void
ask_freeze(struct client *c)
{
	char body[96];

	snprintf(body, sizeof(body),
	    "{\"by\":\"ann\",\"reason\":\"sale\",\"for_ms\":%" PRIu64 "}",
	    world_chance(50) ? 0 : 1 + world_random() % 7200000);
	ask_about(c, "freeze", body);
}

void
ask_unfreeze(struct client *c)
{
	ask_about(c, "unfreeze", "{\"by\":\"bob\"}");
}

bool
judge_freeze(struct client *c UNUSED, int status, struct str body UNUSED)
{
	return status == 200 || status == 409;
}

void
ask_stop(struct client *c)
{
	post_to_stage(c, "stop", "{\"by\":\"ann\"}");
}

void
ask_start(struct client *c)
{
	post_to_stage(c, "start", "{}");
}

void
ask_restart(struct client *c)
{
	post_to_stage(c, "restart", "{\"by\":\"bob\"}");
}
