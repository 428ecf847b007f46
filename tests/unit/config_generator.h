/* config_generator.h - random configurations that are good: every key that slipway.yml has, in every
 * combination that the reader takes.
 *
 * The one idea: values come from the tables of fields, by their kind, range and rule, so a new key is
 * generated without a word here; one with a rule of its own needs texts that fit it in `pools`. What depends on
 * several keys is not known here: a stage that the reader refuses loses one key after the other until it is
 * taken. */
#ifndef SLIPWAY_TESTS_CONFIG_GENERATOR_H
#define SLIPWAY_TESTS_CONFIG_GENERATOR_H

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "config/fields.h"
#include "config/file.h"
#include "config/window.h"
#include "config/yaml_write.h"

struct generator {
	uint64_t state; /* of the random numbers: splitmix64 */
	struct arena *arena;
	struct config_file *file; /* being made: engines and proxies that stages may name */
	unsigned next; /* makes names and ports that no other stage has */
};

static uint64_t
draw(struct generator *g, uint64_t below)
{
	uint64_t z = (g->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % below;
}

static bool
toss(struct generator *g)
{
	return draw(g, 2) == 0;
}

static const char *PRINTF_LIKE(2, 3) make(struct generator *g, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return arena_text(g->arena, str_of(text));
}

/* Texts that fit a rule; ended by NULL. */
enum { POOL_MAX = 8 };
static const struct {
	rule_fn *rule;
	const char *texts[POOL_MAX];
} pools[] = {
	{ rule_window, { "mon-fri 09:00-17:00", "daily 22:00-04:00", "sat,sun 00:00-24:00" } },
	{ rule_time_zone, { "UTC", "+02:00", "-05:30" } },
	{ rule_strategy,
	    { "auto", "recreate" } }, /* the others depend on more than themselves */
	{ rule_image,
	    { "127.0.0.1:5000/shop/web", "registry.example.org/a/b-c", "[::1]:5000/x" } },
	{ rule_glob, { "*", "v*", "v?.?", "v1", "1.10", "true" } },
	{ rule_host_header, { "shop.example.org", "10.0.0.1:80", "[::1]:80" } },
	{ rule_env_name, { "LOG_LEVEL", "NO", "y", "_", "null", "A1", "TOKEN" } },
	{ rule_env_key,
	    { "LOG_LEVEL", "NO", "y", "_", "null", "A1", "SLIPWAY_TOKEN", "SLIPWAY_TAGS" } },
	{ rule_label_name, { "team", "org.example/x", "1", "true", "a.b-c" } },
	{ rule_network, { "backend", "1a", "no", "front_2" } },
	{ rule_user, { "1000", "1000:1000", "app", "www-data:app" } },
	{ rule_restart, { "no", "always", "on-failure", "unless-stopped" } },
	{ rule_probe_path, { "/", "/health", "/a?b=c&d='#'" } },
	{ rule_path, { "/", "/etc/slipway/a b", "/run/secrets/x" } },
	{ rule_ip, { "127.0.0.1", "10.0.0.5", "::1" } },
	{ rule_signal, { "SIGTERM", "SIGINT", "SIGRTMIN+3" } },
	{ rule_tmpfs, { "/tmp", "/run:64m", "/a b:4k" } },
	{ rule_ulimit, { "nofile=1024:2048", "core=0", "nproc=7" } },
	{ rule_log_driver, { "json-file", "local", "none" } },
	{ rule_log_option, { "max-size", "tag", "null" } },
	{ rule_capability, { "ALL", "NET_ADMIN", "SYS_PTRACE" } },
	{ rule_device, { "/dev/fuse", "/dev/a:/dev/b", "/dev/a:/dev/b:rw" } },
	{ rule_secret_name, { "db", "NO", "1.a" } },
	{ rule_line, { "letsencrypt", "7", "a certificate: of # mine", "-" } },
	{ NULL, { "sh", "-c", "echo \"$1\" > /tmp/\\x", "", "# no", "a: b", "[x]",
		    "\xc3\xa9\n" } },
};

static const char *
any_of(struct generator *g, rule_fn *rule)
{
	for (size_t i = 0; i < COUNT(pools); i++) {
		size_t count = 0;

		if (pools[i].rule != rule)
			continue;
		while (count < POOL_MAX && pools[i].texts[count] != NULL)
			count++;
		return pools[i].texts[draw(g, count)];
	}
	fail_msg(
	    "a key has a rule that config_generator.h has no texts for: add some to pools");
	return "";
}

/* Whatever YAML could take for something else, and all that it may not hold as it is. */
static const char *
any_value(struct generator *g)
{
	static const char *const pieces[] = { "a", " ", "\"", "\\", "\n", "\t", ":", "#", "-",
		"{", "}", "'", "1", "true", "~", "\x01", "\x7f", "\xc2\x85", "\xe2\x80\xa8",
		"\xef\xbb\xbf", "\xef\xbf\xbf", "\xf0\x9f\x9a\xa2", "${X}", "%", "@", "\r" };
	char text[256] = "";
	size_t n = 0;

	for (uint64_t left = draw(g, 12); left > 0; left--)
		n += (size_t)snprintf(
		    text + n, sizeof(text) - n, "%s", pieces[draw(g, COUNT(pieces))]);
	return arena_text(g->arena, str_of(text));
}

static struct strings
any_strings(struct generator *g, const struct field *field)
{
	struct strings strings = { arena_take_array(g->arena, POOL_MAX, sizeof(char *)), 0 };

	for (uint64_t left = draw(g, 4); left > 0; left--) {
		const char *text =
		    field->rule == rule_domain
			? make(g, "%sd%u.{tag}.example.org", toss(g) ? "*." : "", g->next++)
			: any_of(g, field->rule);
		bool is_there = false;

		for (size_t i = 0; i < strings.count; i++)
			is_there = is_there || strcmp(strings.items[i], text) == 0;
		if (!is_there || field->rule == NULL)
			strings.items[strings.count++] = text;
	}
	return strings;
}

static struct pair_spec
any_pair(struct generator *g, const struct field *field, const char *name)
{
	static rule_fn *const rules[VALUE_SOURCE_COUNT] = { [VALUE_SECRET] = rule_secret_name,
		[VALUE_FILE] = rule_path,
		[VALUE_VARIABLE] = rule_env_name };
	enum value_source source = VALUE_PLAIN;

	if (field->has_sources && toss(g))
		source = (enum value_source)draw(g, VALUE_SOURCE_COUNT);
	return (struct pair_spec){ name,
		source == VALUE_PLAIN ? any_value(g) : any_of(g, rules[source]), source };
}

static struct pair_spec *
any_pairs(struct generator *g, const struct field *field, size_t *ret_count)
{
	struct pair_spec *pairs = arena_take_array(g->arena, POOL_MAX, sizeof(*pairs));

	*ret_count = 0;
	for (uint64_t left = draw(g, 5); left > 0; left--) {
		const char *name = any_of(g, field->rule);
		bool is_there = false;

		for (size_t i = 0; i < *ret_count; i++)
			is_there = is_there || strcmp(pairs[i].name, name) == 0;
		if (!is_there)
			pairs[(*ret_count)++] = any_pair(g, field, name);
	}
	pairs_sort(pairs, *ret_count);
	return pairs;
}

static struct volume_spec *
any_volumes(struct generator *g, size_t *ret_count)
{
	struct volume_spec *volumes = arena_take_array(g->arena, 3, sizeof(*volumes));

	*ret_count = draw(g, 3);
	for (size_t i = 0; i < *ret_count; i++)
		volumes[i] = (struct volume_spec){
			.source = toss(g) ? "data" : "/srv/with blank",
			.target = make(g, "/mnt/%zu", i),
			.read_only = toss(g),
			.is_isolated = toss(g),
		};
	for (size_t i = 0; i < *ret_count; i++)
		volumes[i].is_shared = !volumes[i].read_only && toss(g);
	return volumes;
}

static int64_t
any_number(struct generator *g, const struct field *field)
{
	int64_t step = field->kind == FIELD_SIZE ? 1024 : 1;
	uint64_t width = (uint64_t)(field->most - field->least) + 1;
	int64_t number =
	    field->least + (int64_t)draw(g, toss(g) ? 20 * (uint64_t)step : width);

	if (number > field->most)
		number = field->most;
	number = (number + step - 1) / step * step;
	return field->kind == FIELD_DURATION && toss(g) ? (number + 999) / 1000 * 1000
							: number;
}

static const char *
any_text(struct generator *g, const struct field *field)
{
	if (field->key != NULL && strcmp(field->key, "engine") == 0)
		return g->file->engines[draw(g, g->file->engine_count)].name;
	if (field->key != NULL && strcmp(field->key, "proxy") == 0) {
		size_t i = draw(g, g->file->proxy_count + 2);

		return i >= g->file->proxy_count ? (i % 2 == 0 ? "edge" : "none")
						 : g->file->proxies[i].name;
	}
	return any_of(g, field->rule);
}

static void
draw_tags(struct generator *g, struct stage_spec *spec)
{
	static const char *const dates[] = { "%Y%m%d", "%s" };

	spec->tags = any_of(g, rule_glob);
	if (toss(g))
		return;
	if (draw(g, 4) == 0) {
		spec->tags = "v1";
		spec->tag_immutable = "*";
		return;
	}
	spec->tag_regex = draw(g, 4) == 0 ? "^v(?<version>.*)$" : "";
	switch (draw(g, 4)) {
	case 0:
		spec->tag_semver = toss(g) ? ">=1.2 <3 || 4.x" : "*";
		spec->tag_prereleases = toss(g);
		break;
	case 1:
		spec->tag_numeric = true;
		break;
	case 2:
		spec->tag_date = dates[draw(g, 2)];
		break;
	default:
		break;
	}
	spec->tag_downgrade = draw(g, 3) == 0;
	spec->tag_min_age_ms = draw(g, 3) == 0 ? (int64_t)(1 + draw(g, 90)) * 1000 : 0;
	spec->tag_immutable = toss(g) ? "" : toss(g) ? "*" : "v*";
}

static void draw_field(struct generator *g, const struct field *field, void *record);

static void
draw_health(struct generator *g, struct health_spec *health)
{
	fields_set_defaults(health_fields, HEALTH_FIELD_COUNT, health);
	health->kind = (enum health_kind)draw(g, HEALTH_KIND_COUNT);
	if (health->kind == HEALTH_HTTP) {
		health->path = any_of(g, rule_probe_path);
		health->status_min = (int)(100 + draw(g, 500));
		health->status_max = toss(g) ? health->status_min : 599;
	}
	for (size_t i = 0; i < HEALTH_FIELD_COUNT; i++) {
		bool is_of_http = i == HEALTH_FIELD_HOST;
		bool is_of_probe =
		    is_of_http || i == HEALTH_FIELD_PORT || i == HEALTH_FIELD_TIMEOUT;
		bool is_of_all = i == HEALTH_FIELD_MIN_UPTIME || i == HEALTH_FIELD_DEADLINE;
		bool may = is_of_all || health->kind == HEALTH_HTTP
			   || (is_of_probe ? health->kind == HEALTH_TCP && !is_of_http
					   : health->kind != HEALTH_NONE);

		if (health_fields[i].key != NULL && i != HEALTH_FIELD_PATH && may
		    && draw(g, 3) == 0)
			draw_field(g, &health_fields[i], health);
	}
}

static void
draw_task(struct generator *g, const struct field *field, struct task_spec *task)
{
	fields_set_defaults(field->members, field->member_count, task);
	for (size_t i = 0; i < field->member_count; i++)
		draw_field(g, &field->members[i], task);
	if (task->command.count == 0) /* there is none then */
		fields_set_defaults(field->members, field->member_count, task);
}

static void
draw_field(struct generator *g, const struct field *field, void *record)
{
	void *member = (char *)record + field->offset;
	size_t *count = (size_t *)(void *)((char *)record + field->count_offset);

	switch (field->kind) {
	case FIELD_TEXT:
		*(const char **)member = any_text(g, field);
		break;
	case FIELD_TAGS:
		draw_tags(g, record);
		break;
	case FIELD_INTEGER:
		*(int *)member = field->key != NULL && strcmp(field->key, "tcp") == 0
				     ? (int)(20000 + g->next++)
				     : (int)any_number(g, field);
		break;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		*(int64_t *)member = any_number(g, field);
		break;
	case FIELD_BOOL:
		*(bool *)member = toss(g);
		break;
	case FIELD_STRINGS:
		*(struct strings *)member = any_strings(g, field);
		break;
	case FIELD_PAIRS:
		*(struct pair_spec **)member = any_pairs(g, field, count);
		break;
	case FIELD_VOLUMES:
		*(struct volume_spec **)member = any_volumes(g, count);
		break;
	case FIELD_HEALTH:
		draw_health(g, member);
		break;
	case FIELD_TASK:
		draw_task(g, field, member);
		break;
	case FIELD_VERIFY:
		for (size_t i = 0; i < field->member_count; i++)
			draw_field(g, &field->members[i], member);
		if (((struct verify_spec *)member)->for_ms == 0) /* there is none then */
			fields_set_defaults(field->members, field->member_count, member);
		break;
	case FIELD_HOOKS:
		for (size_t i = 0; i < field->member_count; i++)
			draw_field(g, &field->members[i], member);
		break;
	case FIELD_CHECK:
		break; /* draw_health */
	}
}

/* Back to what a stage has that says nothing under this key. */
static void
reset_field(struct stage_spec *spec, size_t i)
{
	struct stage_spec initial;
	const struct field *field = &stage_fields[i];

	stage_spec_set_defaults(&initial);
	if (field->kind == FIELD_TAGS) {
		for (size_t k = i + 1; k <= STAGE_FIELD_TAG_IMMUTABLE; k++)
			reset_field(spec, k);
		spec->tags = initial.tags;
		return;
	}
	if (field->kind == FIELD_PAIRS || field->kind == FIELD_VOLUMES)
		memset((char *)spec + field->count_offset, 0, sizeof(size_t));
	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)(void *)((char *)spec + field->offset) = field->initial != 0;
		break;
	case FIELD_INTEGER:
		*(int *)(void *)((char *)spec + field->offset) = (int)field->initial;
		break;
	case FIELD_TEXT:
	case FIELD_TAGS:
		*(const char **)(void *)((char *)spec + field->offset) =
		    field->initial_text == NULL ? "" : field->initial_text;
		break;
	case FIELD_DURATION:
	case FIELD_SIZE:
	case FIELD_CPUS:
		*(int64_t *)(void *)((char *)spec + field->offset) = field->initial;
		break;
	case FIELD_STRINGS:
		*(struct strings *)(void *)((char *)spec + field->offset) =
		    (struct strings){ NULL, 0 };
		break;
	case FIELD_HEALTH:
		spec->health = initial.health;
		break;
	case FIELD_TASK:
		spec->migration = initial.migration;
		break;
	case FIELD_HOOKS:
		spec->hooks = initial.hooks;
		break;
	case FIELD_VERIFY:
		spec->verify = initial.verify;
		break;
	case FIELD_PAIRS:
	case FIELD_VOLUMES:
	case FIELD_CHECK:
		break;
	}
}

static size_t
count_faults(struct generator *g, struct stage_spec *spec)
{
	struct config_file file = *g->file;
	struct config_project project = { .name = spec->project,
		.webhook = { "", "", false },
		.stages = spec,
		.stage_count = 1 };
	struct config_file *read;
	struct buf text;
	size_t count;

	file.projects = &project;
	file.project_count = 1;
	buf_init(&text, CONFIG_BYTES_MAX);
	config_file_write(&file, NULL, &text);
	read = config_file_parse(buf_view(&text), NULL);
	count = read->faults.count;
	config_file_free(read);
	buf_free(&text);
	return count;
}

/* Takes keys away whose absence the reader has less against. */
static void
mend_stage(struct generator *g, struct stage_spec *spec)
{
	size_t faults = count_faults(g, spec);

	for (int tries = 0; faults > 0; tries++) {
		struct stage_spec other = *spec;
		size_t i = draw(g, STAGE_FIELD_COUNT);
		size_t left;

		if (tries > 2000)
			fail_msg("a stage is refused whatever is left out");
		if (i == STAGE_FIELD_HEALTH)
			draw_health(g, &other.health);
		else if (stage_fields[i].place != IN_NEITHER && i != STAGE_FIELD_IMAGE
			 && i != STAGE_FIELD_ENGINE)
			reset_field(&other, i);
		if (memcmp(&other, spec, sizeof(other)) == 0)
			continue; /* nothing was there */
		left = count_faults(g, &other);
		if (left < faults || (left == faults && tries > 50)) {
			*spec = other;
			faults = left;
		}
	}
}

/* like: a stage of the same project that it has much in common with, or NULL. */
static void
draw_stage(struct generator *g, const char *project, const char *name,
    const struct stage_spec *like, struct stage_spec *ret)
{
	if (like != NULL)
		*ret = *like;
	else
		stage_spec_set_defaults(ret);
	ret->project = project;
	ret->stage = name;
	for (size_t i = 0; i < STAGE_FIELD_COUNT; i++) {
		bool is_needed = i == STAGE_FIELD_IMAGE || i == STAGE_FIELD_HEALTH
				 || i == STAGE_FIELD_ENGINE;
		bool is_own = i == STAGE_FIELD_DOMAINS || i == STAGE_FIELD_TCP;
		bool is_way = i == STAGE_FIELD_PROMOTE_FROM || i == STAGE_FIELD_SOAK;

		if (is_own || is_way)
			reset_field(ret, i);
		if (!is_way && stage_fields[i].key != NULL
		    && stage_fields[i].place != IN_NEITHER
		    && (like == NULL ? is_needed || draw(g, 3) == 0
				     : draw(g, is_own ? 3 : 24) == 0))
			draw_field(g, &stage_fields[i], ret);
	}
	mend_stage(g, ret);
	if (like != NULL && draw(g, 3) == 0) { /* which alone nobody could come from */
		ret->promote_from = like->stage;
		draw_field(g, &stage_fields[STAGE_FIELD_SOAK], ret);
	}
}

static void
draw_engine(struct generator *g, size_t i, struct config_engine *engine)
{
	*engine = config_engine_local;
	engine->name = i == 0 ? "local" : make(g, "%c%zu", "yn1"[draw(g, 3)], i);
	engine->network = toss(g) ? "slipway" : any_of(g, rule_network);
	engine->is_published = toss(g);
	if (toss(g)) {
		engine->host = toss(g) ? "tcp://10.0.0.5:2376" : "tcp://[::1]:2375";
		if (toss(g)) {
			engine->ca_file = "/etc/ca";
			engine->cert_file = any_of(g, rule_path);
			engine->key_file = "/etc/key";
		}
	}
	if (engine->is_published)
		engine->publish_address = any_of(g, rule_ip);
}

static void
draw_registry(struct generator *g, size_t i, struct config_registry *registry)
{
	static const char *const kinds[] = { "", "", "docker-hub", "ghcr", "gitea", "gitlab",
		"harbor", "quay", "ecr" };

	*registry = (struct config_registry){
		make(g, i % 2 == 0 ? "10.0.0.%zu:5000" : "r%zu.example.org", i),
		kinds[draw(g, COUNT(kinds))], toss(g), "", "", "", "", ""
	};
	if (strcmp(registry->kind, "ecr") == 0 && toss(g))
		registry->token_url = "https://api.ecr.eu-west-1.amazonaws.com/";
	if (!registry->is_insecure && toss(g))
		registry->ca_file = any_of(g, rule_path);
	if (toss(g)) {
		registry->username = "a # name";
		if (toss(g))
			registry->password_file = "/run/secrets/password";
		else
			registry->password_env = any_of(g, rule_env_name);
	}
}

static void
draw_webhook(struct generator *g, struct config_webhook *webhook)
{
	*webhook = (struct config_webhook){ "", "", false };
	if (toss(g))
		return;
	if (toss(g))
		webhook->secret_file = any_of(g, rule_path);
	else
		webhook->secret_env = any_of(g, rule_env_name);
	webhook->takes_unsigned = toss(g);
}

static void
draw_proxy(struct generator *g, size_t i, struct config_proxy *proxy)
{
	bool is_https = toss(g);

	*proxy = (struct config_proxy){ .name = make(g, "front%zu", i),
		.kind = toss(g) ? PROXY_NPM : PROXY_CADDY,
		.is_direct = toss(g),
		.mends = toss(g),
		.address = is_https ? "https://10.0.0.1:81" : "http://127.0.0.1:81",
		.entry = toss(g) ? "" : "http://10.0.0.1",
		.https_entry = toss(g) ? "" : "https://10.0.0.1:444",
		.edge_address = "",
		.username = "",
		.password_file = "",
		.password_env = "",
		.ca_file = is_https && toss(g) ? "/etc/ca" : "",
		.server = "slipway",
		.listen = ":443",
		.names = "127.0.0.1:8953" };
	if (!proxy->is_direct && toss(g))
		proxy->edge_address = "172.17.0.1:80";
	if (proxy->kind == PROXY_NPM) {
		proxy->username = "slipway@example.org";
		if (toss(g))
			proxy->password_env = "PASSWORD";
		else
			proxy->password_file = "/run/secrets/password";
	} else if (toss(g)) {
		proxy->server = "srv0";
		proxy->listen = "127.0.0.1:8443";
		proxy->names = "127.0.0.1:53";
	}
}

static void
draw_receiver(struct generator *g, size_t i, struct config_receiver *r)
{
	static const char *const to[] = { "a@example.org", "b@example.org" };

	*r = (struct config_receiver){ .name = make(g, "%c%zu", "rn0"[draw(g, 3)], i),
		.kind = (enum receiver_kind)draw(g, RECEIVER_KIND_COUNT),
		.events = toss(g) ? NOTICES_USUAL : 1 + (uint32_t)draw(g, NOTICES_ALL),
		.is_insecure = toss(g),
		.url = "https://10.0.0.9:80/a",
		.url_file = "",
		.url_env = "",
		.secret_name = "",
		.secret_file = "",
		.secret_env = "",
		.ca_file = toss(g) ? "" : any_of(g, rule_path),
		.from = "",
		.username = "" };
	if (receiver_traits[r->kind].is_url_secret || draw(g, 4) == 0) {
		r->url = "";
		if (toss(g))
			r->url_file = "/run/secrets/url";
		else
			r->url_env = any_of(g, rule_env_name);
	}
	if (r->kind == RECEIVER_EMAIL) {
		r->url = r->url[0] == '\0' ? "" : "smtp://mail.example.org:587";
		r->from = "slipway@example.org";
		r->to = (struct strings){ (const char **)(uintptr_t)to, 1 + draw(g, 2) };
	}
	if (receiver_traits[r->kind].secret == ALWAYS
	    || (receiver_traits[r->kind].secret == MAYBE && toss(g))) {
		if (toss(g))
			r->secret_file = "/run/secrets/key";
		else if (toss(g))
			r->secret_name = any_of(g, rule_secret_name);
		else
			r->secret_env = any_of(g, rule_env_name);
		r->username = r->kind == RECEIVER_EMAIL ? "on # name" : "";
	}
}

/* Of the file, of a project, or of a stage; in one case of three nothing is said. */
static void
draw_notify(struct generator *g, const char *project, const char *stage)
{
	struct config_file *file = g->file;
	struct config_notify *n;

	if (draw(g, 3) == 0)
		return;
	n = arena_take(g->arena, sizeof(*n));
	*n = (struct config_notify){ project, stage, { NULL, 0 }, file->notify };
	n->receivers.items = arena_take_array(g->arena, 4, sizeof(*n->receivers.items));
	for (size_t i = 0; i < file->receiver_count; i++)
		if (toss(g))
			n->receivers.items[n->receivers.count++] = file->receivers[i].name;
	file->notify = n;
}

static void
draw_notifications(struct generator *g)
{
	struct config_file *file = g->file;

	file->receiver_count = draw(g, 4);
	file->receivers = arena_take_array(g->arena, 4, sizeof(*file->receivers));
	for (size_t i = 0; i < file->receiver_count; i++)
		draw_receiver(g, i, &file->receivers[i]);
	draw_notify(g, "", "");
	for (size_t i = 0; i < file->project_count; i++) {
		const struct config_project *project = &file->projects[i];

		draw_notify(g, project->name, "");
		for (size_t k = 0; k < project->stage_count; k++)
			draw_notify(g, project->name, project->stages[k].stage);
	}
}

/* Everything lives in the arena. */
static struct config_file *
generate_config(struct arena *arena, uint64_t seed)
{
	struct generator generator = { .state = seed, .arena = arena };
	struct generator *g = &generator;
	struct config_file *file = arena_take(arena, sizeof(*file));

	g->file = file;
	file->engine_count = 1 + draw(g, 3);
	file->engines = arena_take_array(arena, 3, sizeof(*file->engines));
	file->registry_count = draw(g, 3);
	file->registries = arena_take_array(arena, 3, sizeof(*file->registries));
	file->proxy_count = draw(g, 3);
	file->proxies = arena_take_array(arena, 3, sizeof(*file->proxies));
	for (size_t i = 0; i < file->engine_count; i++)
		draw_engine(g, i, &file->engines[i]);
	for (size_t i = 0; i < file->registry_count; i++)
		draw_registry(g, i, &file->registries[i]);
	for (size_t i = 0; i < file->proxy_count; i++)
		draw_proxy(g, i, &file->proxies[i]);
	draw_webhook(g, &file->webhook);
	file->project_count = draw(g, 4);
	file->projects = arena_take_array(arena, 4, sizeof(*file->projects));
	for (size_t i = 0; i < file->project_count; i++) {
		struct config_project *project = &file->projects[i];
		static const char *const names[] = { "zoo", "on", "null", "shop" };

		project->name = names[i];
		draw_webhook(g, &project->webhook);

		project->stage_count = 1 + draw(g, 3);
		project->stages = arena_take_array(arena, 3, sizeof(*project->stages));
		for (size_t k = 0; k < project->stage_count; k++)
			draw_stage(g, project->name, make(g, "%c%zu", "sn0"[k], k),
			    k == 0 || toss(g) ? NULL : &project->stages[0],
			    &project->stages[k]);
	}
	draw_notifications(g);
	return file;
}

#endif
