/* import_finish.c - what depends on several keys of one stage: missing ones, contradictions, and
 * what is allowed but worth a warning. A key that was bad by itself causes nothing more here. */
#include "config/import.h"

#include <string.h>

#include "config/nearest.h"
#include "config/powers.h"

static bool
is_given(const struct draft *draft, enum stage_field field)
{
	return draft->at[field] != NULL;
}

static bool
is_good(const struct draft *draft, enum stage_field field)
{
	return draft->at[field] == NULL || draft->is_good[field];
}

static const struct config_engine *
engine_find(const struct config_file *file, const char *name)
{
	for (size_t i = 0; i < file->engine_count; i++)
		if (strcmp(file->engines[i].name, name) == 0)
			return &file->engines[i];
	return NULL;
}

static void
tell_unknown_engine(struct import *im, const struct node *at, const char *name)
{
	struct nearest nearest;

	nearest_begin(&nearest, str_of(name));
	for (size_t i = 0; i < im->file->engine_count; i++)
		nearest_offer(&nearest, im->file->engines[i].name);
	if (nearest.name != NULL)
		import_fault(im, at, "no engine is called '%.60s': did you mean '%s'?", name,
		    nearest.name);
	else
		import_fault(
		    im, at, "no engine is called '%.60s': add it under 'engines'", name);
}

/* Without a name: the only engine, or the one called local. */
static void
finish_engine(struct import *im, struct draft *draft, const struct node *at)
{
	struct config_file *file = im->file;
	const struct node *given = draft->at[STAGE_FIELD_ENGINE];

	if (im->has_bad_engines)
		return;
	if (given != NULL) {
		if (draft->is_good[STAGE_FIELD_ENGINE]
		    && engine_find(file, draft->spec.engine) == NULL)
			tell_unknown_engine(im, given, draft->spec.engine);
		return;
	}
	if (file->engine_count == 1)
		draft->spec.engine = file->engines[0].name;
	else if (engine_find(file, "local") != NULL)
		draft->spec.engine = "local";
	else if (file->engine_count > 1)
		import_fault_key(im, at,
		    "stage '%s' must say which 'engine' it runs on: there are %zu "
		    "and none is called local",
		    draft->spec.stage, file->engine_count);
}

static void
check_required(struct import *im, const struct draft *draft, const struct node *at)
{
	if (!is_given(draft, STAGE_FIELD_IMAGE))
		import_fault_key(im, at,
		    "stage '%s' has no 'image': name one here or in its project",
		    draft->spec.stage);
	if (!is_given(draft, STAGE_FIELD_HEALTH))
		import_fault_key(im, at,
		    "stage '%s': no health check configured: name one, or write "
		    "`health: none` to accept a container that merely runs",
		    draft->spec.stage);
}

static void
check_port(struct import *im, const struct draft *draft)
{
	const struct stage_spec *spec = &draft->spec;
	const struct node *route = draft->at[STAGE_FIELD_DOMAINS];
	enum health_kind kind = spec->health.kind;

	if (is_given(draft, STAGE_FIELD_PORT))
		return;
	if (spec->tcp_port != 0)
		route = draft->at[STAGE_FIELD_TCP];
	if (stage_spec_has_route(spec))
		import_fault_key(im, route,
		    "'%s' needs 'port': the port that the container listens "
		    "on",
		    route->key.p);
	else if (is_good(draft, STAGE_FIELD_HEALTH) && spec->health.port == 0
		 && (kind == HEALTH_HTTP || kind == HEALTH_TCP))
		import_fault(im, draft->at[STAGE_FIELD_HEALTH],
		    "this check needs a 'port', of the "
		    "stage or of the check itself");
}

static void
check_routes(struct import *im, const struct draft *draft)
{
	if (is_given(draft, STAGE_FIELD_DOMAINS) && draft->spec.domains.count > 0
	    && is_given(draft, STAGE_FIELD_TCP))
		import_fault_key(im, draft->at[STAGE_FIELD_TCP],
		    "'tcp' beside 'domains': a stage has "
		    "one kind of route");
}

static void
warn_health(struct import *im, const struct draft *draft, const struct node *at)
{
	const char *name = draft->spec.stage;

	if (!is_given(draft, STAGE_FIELD_HEALTH) || !is_good(draft, STAGE_FIELD_HEALTH)
	    || draft->spec.health.kind != HEALTH_NONE)
		return;
	if (stage_spec_has_route(&draft->spec))
		import_warn(im, at,
		    "stage '%s' has a route and 'health: none': a version that runs "
		    "without working gets the traffic",
		    name);
	else
		import_warn(im, at,
		    "stage '%s' has 'health: none': a version that merely runs replaces "
		    "the one before",
		    name);
}

static void
warn_tags(struct import *im, const struct draft *draft, const struct node *at)
{
	const struct stage_spec *spec = &draft->spec;

	if (!is_good(draft, STAGE_FIELD_TAGS) || !is_good(draft, STAGE_FIELD_AUTO)
	    || !spec->is_auto)
		return;
	if (spec->tag_regex[0] != '\0' || spec->tag_semver[0] != '\0' || spec->tag_numeric
	    || spec->tag_date[0] != '\0')
		return;
	if (spec->tags[strspn(spec->tags, "*")] == '\0')
		import_warn(im, at,
		    "stage '%s' deploys every tag that is pushed: narrow 'tags' (\"v*\"), "
		    "or set 'auto: false'",
		    spec->stage);
	else if (strcmp(spec->tags, "latest") == 0)
		import_warn(im, at,
		    "stage '%s' follows the tag 'latest', which does not say what runs: "
		    "tags that are never pushed twice tell versions apart",
		    spec->stage);
}

static void
warn_unused(struct import *im, const struct draft *draft, const struct node *at)
{
	const struct stage_spec *spec = &draft->spec;
	enum health_kind kind = spec->health.kind;

	if (spec->port != 0 && !stage_spec_has_route(spec)
	    && is_good(draft, STAGE_FIELD_DOMAINS) && is_good(draft, STAGE_FIELD_TCP)
	    && is_good(draft, STAGE_FIELD_HEALTH) && kind != HEALTH_HTTP && kind != HEALTH_TCP)
		import_warn(im, at,
		    "stage '%s' has a 'port' that nothing uses: without 'domains' or "
		    "'tcp' it is a worker, without traffic",
		    spec->stage);
}

/* Each stage repeats what its project says: a small file could make a store of gigabytes. Once the
 * whole is too large there is nothing more to measure, which bounds the work as well. */
static void
check_size(struct import *im, const struct draft *draft, const struct node *at)
{
	if (im->json_total > CONFIG_SPECS_BYTES_MAX)
		return;
	buf_clear(&im->json);
	stage_spec_write(&draft->spec, &im->json);
	im->json_total += im->json.n;
	if (im->json.overflow)
		import_fault_key(im, at,
		    "stage '%s' with what its project says is larger than %d "
		    "bytes: move large values into files",
		    draft->spec.stage, CONFIG_SPEC_BYTES_MAX);
	else if (im->json_total > CONFIG_SPECS_BYTES_MAX)
		import_fault_key(im, at,
		    "with stage '%s' the whole configuration is larger than %d "
		    "bytes",
		    draft->spec.stage, CONFIG_SPECS_BYTES_MAX);
}

/* Powers are told at the first key that asks for one. */
static void
check_powers(struct import *im, const struct draft *draft, const struct node *at)
{
	static const enum stage_field fields[] = { STAGE_FIELD_HOST_NETWORK,
		STAGE_FIELD_HOST_PID, STAGE_FIELD_HOST_IPC, STAGE_FIELD_PRIVILEGED,
		STAGE_FIELD_CAP_ADD, STAGE_FIELD_DEVICES };
	const char *allowed = im->rules->powers;
	char power[POWER_SIZE];

	for (size_t i = 0; i < COUNT(fields); i++)
		if (!is_good(draft, fields[i]))
			return;
	if (allowed != NULL && power_is_missing(&draft->spec, allowed, power))
		import_fault_key(im, at,
		    "stage '%s' wants '%.120s', with which a container can do what root of "
		    "the "
		    "host can: the server's owner allows that by name in SLIPWAY_ALLOW_POWERS "
		    "(%.120s)",
		    draft->spec.stage, power, allowed[0] == '\0' ? "none now" : allowed);
}

/* Two versions side by side cannot listen on one port of the host. */
static void
check_host_network(struct import *im, const struct draft *draft)
{
	const struct node *at = draft->at[STAGE_FIELD_HOST_NETWORK];

	if (!draft->spec.has_host_network)
		return;
	if (draft->spec.port != 0 || draft->spec.health.port != 0)
		import_fault_key(im, at,
		    "'host_network' beside 'port': two versions cannot listen on one port of "
		    "the host; it is for workers, with the image's own health check or none");
	if (draft->spec.networks.count > 0)
		import_fault_key(
		    im, at, "'host_network' beside 'networks': it has the host's alone");
}

/* One place in the container is one thing. */
static void
check_tmpfs(struct import *im, const struct draft *draft)
{
	const struct stage_spec *spec = &draft->spec;

	for (size_t i = 0; i < spec->tmpfs.count; i++)
		for (size_t k = 0; k < spec->volume_count; k++) {
			struct str path;
			struct str rest = str_cut(str_of(spec->tmpfs.items[i]), ':', &path);

			(void)rest;
			if (str_is(path, spec->volumes[k].target))
				import_fault_key(im, draft->at[STAGE_FIELD_TMPFS],
				    "'tmpfs': a volume is mounted on '%.120s' already",
				    spec->volumes[k].target);
		}
}

void
draft_finish(struct import *im, struct draft *draft, const struct node *at)
{
	finish_engine(im, draft, at);
	check_required(im, draft, at);
	check_routes(im, draft);
	check_port(im, draft);
	check_powers(im, draft, at);
	check_host_network(im, draft);
	check_tmpfs(im, draft);
	draft_finish_proxy(im, draft, at);
	check_size(im, draft, at);
	warn_health(im, draft, at);
	warn_tags(im, draft, at);
	warn_unused(im, draft, at);
}
