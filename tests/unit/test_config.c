/* test_config.c - slipway.yml from text to structs: every fault with its place, the merge of project
 * and stage, defaults, warnings, limits, and what `slipway check` prints.
 *
 * Runs in the repository's root: it reads slipway.example.yml and tests/unit/config_cases.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "config/report.h"

enum { TEXT_MAX = 4 << 20 };

static void
read_text(const char *path, struct buf *text)
{
	struct err err;

	buf_init(text, TEXT_MAX);
	if (file_read(path, text, &err) != 0)
		fail_msg("%s (run me in the repository's root)", err.text);
}

static struct config_file *
parse(const char *text)
{
	return config_file_parse(str_of(text), NULL);
}

/* Parses what must be good. */
static struct config_file *
parse_good(const char *text)
{
	struct config_file *file = parse(text);

	if (file->faults.count > 0)
		fail_msg("%d:%d: %s", file->faults.items[0].line, file->faults.items[0].column,
		    file->faults.items[0].text);
	return file;
}

static void
write_problems(const struct config_problems *problems, struct buf *to)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct config_problem *one = &problems->items[i];

		if (one->line > 0)
			buf_format(to, "%d:%d: ", one->line, one->column);
		buf_format(to, "%s\n", one->text);
	}
}

/* The table of bad files. */

struct a_case {
	struct str name;
	struct buf wanted;
	struct buf body;
};

/* The text in front of the first case has no name. A blank line stands between two cases. */
static int
check_case(struct a_case *one)
{
	struct str body = buf_view(&one->body);
	struct config_file *file;
	struct buf told;

	if (one->name.n == 0) {
		buf_clear(&one->body);
		return 0;
	}
	if (body.n > 1 && body.p[body.n - 2] == '\n')
		body.n--;
	file = config_file_parse(body, NULL);
	buf_init(&told, TEXT_MAX);
	write_problems(&file->faults, &told);
	if (strcmp(buf_cstr(&told), buf_cstr(&one->wanted)) != 0)
		fail_msg("case '%.*s'\nwanted:\n%stold:\n%s", (int)one->name.n, one->name.p,
		    buf_cstr(&one->wanted), buf_cstr(&told));
	assert_true(file->faults.count > 0);
	assert_int_equal(file->project_count, 0);
	assert_int_equal(file->stage_count, 0);
	assert_int_equal(file->engine_count, 0);
	buf_free(&told);
	config_file_free(file);
	buf_clear(&one->wanted);
	buf_clear(&one->body);
	return 1;
}

static void
every_fault_has_its_place_and_words(void **state UNUSED)
{
	struct buf text;
	struct str rest;
	struct a_case one = { .name = { "", 0 } };
	int count = 0;

	read_text("tests/unit/config_cases.txt", &text);
	rest = buf_view(&text);
	buf_init(&one.wanted, TEXT_MAX);
	buf_init(&one.body, TEXT_MAX);
	while (rest.n > 0) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		if (str_starts(line, "== ")) {
			count += check_case(&one);
			one.name = line;
		} else {
			bool is_wanted = str_starts(line, "! ");
			struct buf *to = is_wanted ? &one.wanted : &one.body;

			buf_add(to, line.p + 2 * is_wanted, line.n - (size_t)(2 * is_wanted));
			buf_char(to, '\n');
		}
	}
	count += check_case(&one);
	assert_true(count > 190);
	buf_free(&one.wanted);
	buf_free(&one.body);
	buf_free(&text);
}

static void
all_faults_come_at_once_in_order(void **state UNUSED)
{
	struct config_file *file =
	    parse("version: 3\nzebra: 1\nprojects:\n"
		  "  A: {image: x, stages: {s: {port: 0, replicas: 99}}}\n"
		  "  b: {health: {http: x}, stages: {t: {tags: 1}}}\n");
	int before = 0;

	assert_int_equal(file->faults.count, 10);
	for (size_t i = 0; i < file->faults.count; i++) {
		int place = file->faults.items[i].line * 1000 + file->faults.items[i].column;

		assert_true(place >= before);
		before = place;
	}
	config_file_free(file);
}

static void
a_fault_of_the_project_is_told_once(void **state UNUSED)
{
	struct config_file *file = parse(
	    "version: 1\nprojects: {a: {image: r.io/a, health: none, engine: zz, port: x, "
	    "stages: {x: {tags: v}, y: {tags: v}, z: {tags: v}}}}");

	assert_int_equal(file->faults.count, 2);
	config_file_free(file);
}

/* What a good file becomes. */

static const struct stage_spec *
stage_of(const struct config_file *file, const char *project, const char *stage)
{
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++)
			if (strcmp(file->projects[i].name, project) == 0
			    && strcmp(file->projects[i].stages[k].stage, stage) == 0)
				return &file->projects[i].stages[k];
	fail_msg("no stage %s/%s", project, stage);
	return NULL;
}

static const char *
value_of(const struct pair_spec *pairs, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(pairs[i].name, name) == 0)
			return pairs[i].value;
	return NULL;
}

static void
the_smallest_file_gets_the_defaults(void **state UNUSED)
{
	struct config_file *file = parse_good(
	    "version: 1\nprojects: {a: {image: r.io/a, health: none, stages: {x: }}}");
	const struct stage_spec *s = stage_of(file, "a", "x");
	const struct config_engine *engine = &file->engines[0];

	assert_int_equal(file->engine_count, 1);
	assert_string_equal(engine->name, "local");
	assert_string_equal(engine->host, "unix:///var/run/docker.sock");
	assert_string_equal(engine->network, "slipway");
	assert_string_equal(engine->publish_address, "127.0.0.1");
	assert_false(engine->is_published);
	assert_string_equal(s->project, "a");
	assert_string_equal(s->engine, "local");
	assert_string_equal(s->tags, "*");
	assert_string_equal(s->restart, "unless-stopped");
	assert_string_equal(s->user, "");
	assert_true(s->is_auto);
	assert_int_equal(s->replicas, 1);
	assert_int_equal(s->port, 0);
	assert_int_equal(s->poll_ms, 0);
	assert_int_equal(s->memory_bytes, 0);
	assert_int_equal(s->cpu_milli, 0);
	assert_int_equal(s->stop_ms, 10000);
	assert_int_equal(s->drain_ms, 30000);
	assert_int_equal(s->health.kind, HEALTH_NONE);
	assert_int_equal(s->health.min_uptime_ms, 10000);
	assert_int_equal(s->health.deadline_ms, 60000);
	assert_false(stage_spec_has_route(s));
	config_file_free(file);
}

static void
check_production(const struct stage_spec *s)
{
	assert_string_equal(s->image, "127.0.0.1:5000/shop/web");
	assert_string_equal(s->engine, "local");
	assert_string_equal(s->tags, "v*");
	assert_int_equal(s->port, 8080);
	assert_int_equal(s->replicas, 2);
	assert_int_equal(s->poll_ms, 30000);
	assert_int_equal(s->memory_bytes, 256 << 20);
	assert_int_equal(s->cpu_milli, 500);
	assert_int_equal(s->domains.count, 4);
	assert_string_equal(s->domains.items[1], "www.shop.example.org");
	assert_string_equal(s->domains.items[3], "production-shop.example.org");
	assert_string_equal(s->proxy, "edge");
	assert_int_equal(s->health.kind, HEALTH_HTTP);
	assert_string_equal(s->health.path, "/health");
	assert_string_equal(s->health.host, "shop.example.org");
	assert_int_equal(s->health.status_min, 200);
	assert_int_equal(s->health.status_max, 299);
	assert_int_equal(s->volume_count, 3);
	assert_string_equal(s->volumes[2].source, "/srv/shop/assets");
	assert_string_equal(s->volumes[2].target, "/assets");
	assert_true(s->volumes[2].read_only);
	assert_false(s->volumes[0].read_only);
	assert_false(s->volumes[0].is_isolated);
	assert_true(s->volumes[1].is_isolated);
	assert_string_equal(s->entrypoint.items[0], "/app");
	assert_int_equal(s->pids, 512);
	assert_true(s->has_init && s->is_root_read_only);
	assert_int_equal(s->tmpfs.count, 2);
	assert_string_equal(value_of(s->log_options, s->log_option_count, "max-size"), "20m");
	assert_int_equal(s->command.count, 2);
	assert_string_equal(value_of(s->env, s->env_count, "LOG_LEVEL"), "warn");
	assert_string_equal(value_of(s->env, s->env_count, "WORKERS"), "4");
	assert_string_equal(value_of(s->env, s->env_count, "GREETING"), "costs ${PRICE}");
}

/* A stage's policy replaces that of its project as a whole. */
static void
tag_policies_mean_what_they_say(void **state UNUSED)
{
	struct config_file *file = parse_good(
	    "version: 1\n"
	    "projects:\n"
	    "  a:\n"
	    "    image: r.io/a\n"
	    "    health: none\n"
	    "    tags: {glob: \"v*\", semver: \"^1.2\", prereleases: true, downgrade: allow,\n"
	    "      min_age: 24h, immutable: true}\n"
	    "    stages:\n"
	    "      a:\n"
	    "      b: {tags: {regex: \"(\\\\d+)$\", date: \"%s\", immutable: \"x*\"}}\n"
	    "      c: {tags: {exact: v5}}\n"
	    "      d: {tags: {digest: main}}\n"
	    "      e: {tags: {numeric: true}}\n"
	    "      f: {tags: \"w*\"}\n");
	const struct stage_spec *s = file->projects[0].stages;

	assert_string_equal(s[0].tags, "v*");
	assert_string_equal(s[0].tag_semver, "^1.2");
	assert_true(s[0].tag_prereleases);
	assert_true(s[0].tag_downgrade);
	assert_int_equal(s[0].tag_min_age_ms, 86400000);
	assert_string_equal(s[0].tag_immutable, "*");
	assert_string_equal(s[1].tags, "*");
	assert_string_equal(s[1].tag_regex, "(\\d+)$");
	assert_string_equal(s[1].tag_semver, "");
	assert_string_equal(s[1].tag_date, "%s");
	assert_false(s[1].tag_prereleases);
	assert_false(s[1].tag_downgrade);
	assert_int_equal(s[1].tag_min_age_ms, 0);
	assert_string_equal(s[1].tag_immutable, "x*");
	assert_string_equal(s[2].tags, "v5");
	assert_string_equal(s[2].tag_immutable, "*");
	assert_string_equal(s[3].tags, "main");
	assert_string_equal(s[3].tag_immutable, "");
	assert_true(s[4].tag_numeric);
	assert_string_equal(s[5].tags, "w*");
	assert_string_equal(s[5].tag_immutable, "");
	config_file_free(file);
}

static void
check_preview(const struct stage_spec *spec)
{
	assert_false(spec->is_auto);
	assert_string_equal(spec->promote_from, "production");
	assert_int_equal(spec->soak_ms, 3600000);
	assert_int_equal(spec->approvals, 2);
	assert_int_equal(spec->approve_ms, 8 * 3600000);
	assert_int_equal(spec->windows.count, 2);
	assert_string_equal(spec->windows.items[1], "sat,sun 10:00-12:30");
	assert_string_equal(spec->time_zone, "+02:00");
	assert_int_equal(spec->keep_versions, 3);
}

static void
the_example_is_good_and_means_what_it_says(void **state UNUSED)
{
	struct err err;
	struct config_file *file = config_file_load("slipway.example.yml", NULL, &err);

	assert_non_null(file);
	assert_int_equal(file->faults.count, 0);
	assert_int_equal(file->warnings.count, 1); /* the ${ that it shows */
	assert_int_equal(file->engine_count, 2);
	assert_true(file->engines[1].is_published);
	assert_string_equal(file->engines[1].publish_address, "10.0.0.5");
	assert_string_equal(file->engines[1].key_file, "/etc/slipway/far/key.pem");
	assert_int_equal(file->registry_count, 2);
	assert_true(file->registries[0].is_insecure);
	assert_string_equal(file->registries[1].username, "ci");
	assert_string_equal(
	    file->registries[1].password_file, "/run/secrets/registry_password");
	assert_string_equal(file->registries[1].password_env, "");
	assert_int_equal(file->proxy_count, 2);
	assert_int_equal(file->proxies[0].kind, PROXY_NPM);
	assert_false(file->proxies[0].is_direct);
	assert_true(file->proxies[0].mends);
	assert_string_equal(file->proxies[0].username, "slipway@example.org");
	assert_string_equal(file->proxies[0].edge_address, "172.17.0.1:80");
	assert_int_equal(file->proxies[1].kind, PROXY_CADDY);
	assert_true(file->proxies[1].is_direct);
	assert_string_equal(file->proxies[1].listen, ":443");
	assert_int_equal(file->project_count, 3);
	assert_int_equal(file->stage_count, 5);
	assert_string_equal(stage_of(file, "shop", "staging")->proxy, "npm");
	assert_string_equal(stage_of(file, "shop", "staging")->certificate, "letsencrypt");
	check_production(stage_of(file, "shop", "production"));
	check_preview(stage_of(file, "shop", "preview"));
	assert_string_equal(stage_of(file, "worker", "production")->engine, "far");
	assert_int_equal(stage_of(file, "worker", "production")->health.deadline_ms, 120000);
	assert_int_equal(stage_of(file, "queue", "production")->tcp_port, 5672);
	config_file_free(file);
}

static void
a_stage_overrides_its_project(void **state UNUSED)
{
	struct config_file *file = parse_good("version: 1\n"
					      "projects:\n"
					      "  a:\n"
					      "    image: r.io/a\n"
					      "    health: {http: /h, successes: 9}\n"
					      "    port: 80\n"
					      "    poll: 1m\n"
					      "    env: {Z: z, A: project, B: project}\n"
					      "    labels: {l: project, m: project}\n"
					      "    command: [one, two]\n"
					      "    volumes: [\"data:/d\"]\n"
					      "    stages:\n"
					      "      plain: {}\n"
					      "      other:\n"
					      "        image: r.io/b\n"
					      "        health: {tcp: true}\n"
					      "        poll: 0s\n"
					      "        env: {B: stage, C: stage}\n"
					      "        labels: {m: stage}\n"
					      "        command: [three]\n"
					      "        volumes: []\n");
	const struct stage_spec *plain = stage_of(file, "a", "plain");
	const struct stage_spec *other = stage_of(file, "a", "other");

	assert_string_equal(other->image, "r.io/b");
	assert_string_equal(plain->image, "r.io/a");
	assert_int_equal(other->health.kind, HEALTH_TCP);
	assert_int_equal(other->health.successes, 3); /* health is replaced as a whole */
	assert_string_equal(other->health.path, "");
	assert_int_equal(plain->health.successes, 9);
	assert_int_equal(other->poll_ms, 0);
	assert_int_equal(plain->poll_ms, 60000);
	assert_int_equal(other->env_count, 4);
	assert_string_equal(other->env[0].name, "A"); /* sorted */
	assert_string_equal(other->env[3].name, "Z");
	assert_string_equal(value_of(other->env, 4, "A"), "project");
	assert_string_equal(value_of(other->env, 4, "B"), "stage");
	assert_string_equal(value_of(other->env, 4, "C"), "stage");
	assert_int_equal(plain->env_count, 3);
	assert_string_equal(value_of(plain->env, 3, "B"), "project");
	assert_string_equal(value_of(other->labels, other->label_count, "l"), "project");
	assert_string_equal(value_of(other->labels, other->label_count, "m"), "stage");
	assert_int_equal(other->command.count, 1);
	assert_int_equal(plain->command.count, 2);
	assert_int_equal(other->volume_count, 0);
	assert_int_equal(plain->volume_count, 1);
	config_file_free(file);
}

static void
a_good_stage_may_mend_nothing_of_a_bad_project(void **state UNUSED)
{
	struct config_file *file = parse("version: 1\nprojects: {a: {image: Bad, health: "
					 "none, stages: {x: {image: r.io/a}}}}");

	assert_int_equal(file->faults.count, 1);
	config_file_free(file);
}

static void
values_are_read_in_all_their_forms(void **state UNUSED)
{
	struct config_file *file = parse_good(
	    "version: 1\n"
	    "engines: {e: {host: 'tcp://[::1]:2375'}, f: {host: 'tcp://127.0.0.1:1', reach: "
	    "container}}\n"
	    "projects:\n"
	    "  a:\n"
	    "    image: '[::1]:5000/a_b/c__d---e.f'\n"
	    "    engine: e\n"
	    "    health: {http: '/a?b=1', status: 204, min_uptime: 0s, deadline: 1h30m}\n"
	    "    port: 1\n"
	    "    stages:\n"
	    "      x: {cpus: 2, memory: 1GB, stop_timeout: 1m30s500ms, user: 'www:33', "
	    "restart: no,\n"
	    "          env: {A: 1.10, B: '', C: yes, D: 0x1F, E: \"two\\nlines\"}, auto: "
	    "FALSE}\n"
	    "      y: {cpus: 0.125, memory: 8192K, volumes: ['/srv:/h:rw'], domains: "
	    "[xn--bcher-kva.example]}\n"
	    "      z: {health: {none: true, min_uptime: 1s}, memory: 1t, cpus: 1.50}\n");
	const struct stage_spec *x = stage_of(file, "a", "x");
	const struct stage_spec *y = stage_of(file, "a", "y");
	const struct stage_spec *z = stage_of(file, "a", "z");

	assert_true(file->engines[0].is_published); /* tcp: by default */
	assert_false(file->engines[1].is_published);
	assert_int_equal(x->cpu_milli, 2000);
	assert_int_equal(x->memory_bytes, 1 << 30);
	assert_int_equal(x->stop_ms, 90500);
	assert_string_equal(x->restart, "no");
	assert_false(x->is_auto);
	assert_int_equal(x->health.status_min, 204);
	assert_int_equal(x->health.status_max, 204);
	assert_int_equal(x->health.min_uptime_ms, 0);
	assert_int_equal(x->health.deadline_ms, 5400000);
	assert_string_equal(value_of(x->env, x->env_count, "A"), "1.10"); /* as written */
	assert_string_equal(value_of(x->env, x->env_count, "B"), "");
	assert_string_equal(value_of(x->env, x->env_count, "C"), "yes");
	assert_string_equal(value_of(x->env, x->env_count, "D"), "0x1F");
	assert_string_equal(value_of(x->env, x->env_count, "E"), "two\nlines");
	assert_int_equal(y->cpu_milli, 125);
	assert_int_equal(y->memory_bytes, 8 << 20);
	assert_int_equal(z->health.kind, HEALTH_NONE);
	assert_int_equal(z->health.min_uptime_ms, 1000);
	assert_int_equal(z->cpu_milli, 1500);
	config_file_free(file);
}

static void
json_is_read_as_well(void **state UNUSED)
{
	struct config_file *file = parse_good(
	    "{\n\t\"version\": 1,\n\t\"projects\": {\"a\":{\"image\":\"r.io\\/a\",\"port\":80,"
	    "\"health\":{\"http\":\"/\"},\n\t\t\"stages\":{\"x\":{\"env\":{\"A\":\"\\u00e9\"},"
	    "\"auto\":false,\"cpus\":0.5}}}}\n}\n");
	const struct stage_spec *x = stage_of(file, "a", "x");

	assert_string_equal(x->image, "r.io/a");
	assert_string_equal(value_of(x->env, x->env_count, "A"), "\xc3\xa9");
	assert_int_equal(x->cpu_milli, 500);
	config_file_free(file);
}

static void
settings_decide_about_sockets_and_ports(void **state UNUSED)
{
	static const char text[] =
	    "version: 1\nprojects: {a: {image: r.io/a, health: none, port: 1, volumes: "
	    "[\"/var/run/docker.sock:/s\"], stages: {x: {tcp: 443}}}}";
	static const int taken[] = { 80, 443 };
	struct config_rules rules = { .allows_docker_socket = true };
	struct config_file *file = config_file_parse(str_of(text), &rules);

	assert_int_equal(file->faults.count, 0);
	config_file_free(file);
	rules = (struct config_rules){ .allows_docker_socket = true,
		.taken_ports = taken,
		.taken_port_count = COUNT(taken) };
	file = config_file_parse(str_of(text), &rules);
	assert_int_equal(file->faults.count, 1);
	assert_non_null(
	    strstr(file->faults.items[0].text, "TCP port 443 is one that Slipway"));
	config_file_free(file);
}

/* What is beside a socket, or only looks like a folder of one, may be mounted. */
static void
sockets_are_no_reason_to_refuse_others(void **state UNUSED)
{
	static const char text[] =
	    "version: 1\nengines: {local: {host: 'unix:///srv/a/one.sock'}}\nprojects: {a: "
	    "{image: r.io/a, health: none, volumes: [\"/srv/a/one.sockets:/a\", "
	    "\"/srv/a/one:/b\", \"/srv/b:/c\", \"/run/user/1000/app:/d\", "
	    "\"/var/lib:/e\", \"/run/lock:/f\"], stages: {x: {tags: v}}}}";
	static const char *const hosts[] = { "tcp://10.0.0.1:2376", "unix:///srv/b/two.sock" };
	struct config_rules rules = { 0 };
	struct config_file *file = config_file_parse(str_of(text), &rules);

	assert_int_equal(file->faults.count, 0);
	config_file_free(file);
	rules.engine_hosts = hosts; /* of an engine that the file leaves out */
	rules.engine_count = COUNT(hosts);
	file = config_file_parse(str_of(text), &rules);
	assert_int_equal(file->faults.count, 1);
	assert_non_null(strstr(file->faults.items[0].text, "'/srv/b:/c' gives the container"));
	config_file_free(file);
}

static void
warnings_are_told_and_stop_nothing(void **state UNUSED)
{
	static const char wanted[] =
	    "3:3: engine 'far' is reached without TLS: whoever can reach that port is root "
	    "there\n"
	    "5:3: registry 'r.io' gets the password without encryption\n"
	    "6:3: no image comes from registry 'q.io': names must agree to the letter, with "
	    "the port\n"
	    "9:11: 'A' holds '${': Slipway expands nothing, the container gets it as it "
	    "stands\n"
	    "11:7: stage 'x' has a route and 'health: none': a version that runs without "
	    "working "
	    "gets the traffic\n"
	    "11:7: stage 'x' deploys every tag that is pushed: narrow 'tags' (\"v*\"), or set "
	    "'auto: false'\n"
	    "12:7: stage 'y' has 'health: none': a version that merely runs replaces the one "
	    "before\n"
	    "12:7: stage 'y' follows the tag 'latest', which does not say what runs: tags "
	    "that are "
	    "never pushed twice tell versions apart\n"
	    "12:7: stage 'y' has a 'port' that nothing uses: without 'domains' or 'tcp' it is "
	    "a "
	    "worker, without traffic\n";
	struct config_file *file =
	    parse_good("version: 1\n"
		       "engines:\n"
		       "  far: {host: 'tcp://10.0.0.5:2375', publish_address: 10.0.0.5}\n"
		       "registries:\n"
		       "  r.io: {insecure: true, username: u, password_env: P}\n"
		       "  q.io:\n"
		       "projects:\n"
		       "  a: {image: r.io/a, port: 80, health: none,\n"
		       "    env: {A: \"${B}\"},\n"
		       "    stages: {\n"
		       "      x: {domains: [a.b]},\n"
		       "      y: {tags: latest},\n"
		       "      z: {auto: false, health: {tcp: true}}}}\n");
	struct buf told;

	buf_init(&told, TEXT_MAX);
	write_problems(&file->warnings, &told);
	assert_string_equal(buf_cstr(&told), wanted);
	buf_free(&told);
	config_file_free(file);
}

/* Limits. */

static void
put_stages(struct buf *text, int projects, int stages)
{
	buf_text(text, "version: 1\nprojects:\n");
	for (int i = 0; i < projects; i++) {
		buf_format(text,
		    "  p%d:\n    image: r.io/p%d/web\n    port: 8080\n"
		    "    health: {http: /health, successes: 3, interval: 1s, timeout: 5s}\n"
		    "    env: {A: one, B: two, C: three, D: four}\n    volumes: "
		    "[\"data:/d\"]\n"
		    "    stages:\n",
		    i, i);
		for (int k = 0; k < stages; k++)
			buf_format(text,
			    "      s%d:\n        tags: \"v*\"\n        poll: 30s\n        "
			    "replicas: 2\n"
			    "        domains: [a%d.p%d.example.org, b%d.p%d.example.org]\n"
			    "        env: {A: other, E: five}\n",
			    k, k, i, k, i);
	}
}

static void
a_thousand_stages_are_read_quickly(void **state UNUSED)
{
	struct buf text;
	struct config_file *file;
	int64_t began_us;
	int64_t took_us;

	buf_init(&text, TEXT_MAX);
	put_stages(&text, 100, 10);
	began_us = clock_mono_us();
	file = config_file_parse(buf_view(&text), NULL);
	took_us = clock_mono_us() - began_us;
	print_message("1,000 stages, %zu bytes: %.1f ms\n", text.n, (double)took_us / 1000.0);
	assert_int_equal(file->faults.count, 0);
	assert_int_equal(file->warnings.count, 0);
	assert_int_equal(file->stage_count, 1000);
	assert_true(took_us < 5 * 1000 * 1000); /* sanitizers and a busy machine included */
	config_file_free(file);
	buf_free(&text);
}

static void
expect_fault(const struct buf *text, const char *words)
{
	struct config_file *file = config_file_parse(buf_view(text), NULL);
	bool is_told = false;

	for (size_t i = 0; i < file->faults.count; i++)
		is_told = is_told || strstr(file->faults.items[i].text, words) != NULL;
	if (!is_told)
		fail_msg("not told: %s (but: %s)", words,
		    file->faults.count > 0 ? file->faults.items[0].text : "nothing");
	config_file_free(file);
}

static void
counts_are_bounded(void **state UNUSED)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_text(&text, "version: 1\nprojects:\n");
	for (int i = 0; i <= PROJECTS_MAX; i++)
		buf_format(
		    &text, "  p%d: {image: r.io/a, health: none, stages: {x: {}}}\n", i);
	expect_fault(&text, "1001 projects: at most 1000");
	buf_clear(&text);
	buf_text(&text, "version: 1\nprojects: {a: {image: r.io/a, health: none, stages: {\n");
	for (int i = 0; i <= STAGES_MAX; i++)
		buf_format(&text, "s%d: {},\n", i);
	buf_text(&text, "}}}\n");
	expect_fault(&text, "more than 2000 stages");
	buf_free(&text);
}

/* A project of 100 KB in 2,000 stages would be 200 MB of revisions. */
static void
a_small_file_cannot_make_a_large_store(void **state UNUSED)
{
	struct buf text;

	buf_init(&text, TEXT_MAX);
	for (int words = 12; words <= 20; words += 8) {
		buf_clear(&text);
		buf_text(
		    &text, "version: 1\nprojects: {a: {image: r.io/a, health: none, env: {\n");
		for (int i = 0; i < words; i++)
			buf_format(&text, "V%d: %08000d,\n", i, 1);
		buf_text(&text, "}, stages: {\n");
		for (int i = 0; i < STAGES_MAX; i++)
			buf_format(&text, "s%d: {},\n", i);
		buf_text(&text, "}}}\n");
		expect_fault(&text, words == 12
					? "the whole configuration is larger than 16777216"
					: "what its project says is larger than 131072");
	}
	buf_free(&text);
}

static void
faults_beyond_the_list_are_counted(void **state UNUSED)
{
	struct config_file *file;
	struct buf text;

	buf_init(&text, TEXT_MAX);
	buf_text(&text, "version: 1\nprojects:\n");
	for (int i = 0; i < 150; i++)
		buf_format(&text, "  p%d: {image: r.io/a, health: none}\n", i);
	file = config_file_parse(buf_view(&text), NULL);
	assert_int_equal(file->faults.count, CONFIG_FAULTS_MAX);
	assert_int_equal(file->faults.unlisted, 50);
	config_file_free(file);
	buf_free(&text);
}

/* Every value of the example in turn becomes every kind of wrong value: each ends in faults or in a
 * good file, and the sanitizers see to the rest. */
static void
wrong_values_everywhere_do_no_harm(void **state UNUSED)
{
	static const char *const wrongs[] = { "{}", "[]", "", "~", "\"\"", "-1", "true",
		"&x y", "*x", "!!str z", "[{a: b}]", "{http: {}}", "[[[]]]",
		"99999999999999999999", "\"\\0\"", "{a: {b: {c: d}}}", "none", "[none, none]",
		"'a:b:c:d'", "/", "{tcp: [], none: 1}" };
	struct buf example;
	struct buf changed;
	size_t refused = 0;
	size_t files = 0;

	read_text("slipway.example.yml", &example);
	buf_init(&changed, TEXT_MAX);
	for (size_t at = 0; at < example.n; at++) {
		const char *value = example.p + at;
		size_t length = strcspn(value, "\n#");

		if (at == 0 || value[-1] != ':' || (*value != ' ' && *value != '\n'))
			continue;
		for (size_t i = 0; i < COUNT(wrongs); i++) {
			struct config_file *file;

			buf_clear(&changed);
			buf_add(&changed, example.p, at);
			buf_format(&changed, " %s ", wrongs[i]);
			buf_text(&changed, value + length);
			file = config_file_parse(buf_view(&changed), NULL);
			refused += file->faults.count > 0;
			assert_true(file->faults.count > 0 || file->engine_count > 0);
			files++;
			config_file_free(file);
		}
	}
	print_message("%zu files, %zu refused\n", files, refused);
	assert_true(files > 1000 && refused > files / 2 && refused < files);
	buf_free(&changed);
	buf_free(&example);
}

/* Where values come from. */

static bool
knows_secret(void *context, const char *name)
{
	return strcmp(context, name) == 0;
}

static const struct pair_spec *
variable_of(const struct stage_spec *s, const char *name)
{
	for (size_t i = 0; i < s->env_count; i++)
		if (strcmp(s->env[i].name, name) == 0)
			return &s->env[i];
	return NULL;
}

static void
expect_source(const struct pair_spec *pair, enum value_source source, const char *value)
{
	assert_non_null(pair);
	assert_int_equal(pair->source, source);
	assert_string_equal(pair->value, value);
}

static const char with_sources[] =
    "version: 1\nprojects:\n  a:\n    image: r.io/a\n    health: none\n"
    "    env: {A: {secret: one}, B: {secret: two}, C: plain, D: gone, E: {env: HOME}}\n"
    "    labels: {team: x, room: y}\n"
    "    stages:\n"
    "      x: {tags: v, env: {A: plain, B: {file: /run/secrets/b}, C: {secret: one}, D: ~},"
    " labels: {room: null}}\n"
    "      y: {tags: v}\n";

static void
values_come_from_elsewhere_and_stages_win(void **state UNUSED)
{
	struct config_rules rules = { .secret_paths = "/srv, /run/secrets" };
	struct config_file *file = config_file_parse(STR(with_sources), &rules);
	const struct stage_spec *x = stage_of(file, "a", "x");
	const struct stage_spec *y = stage_of(file, "a", "y");

	assert_int_equal(file->faults.count, 0);
	assert_int_equal(x->env_count, 4);
	expect_source(variable_of(x, "A"), VALUE_PLAIN, "plain");
	expect_source(variable_of(x, "B"), VALUE_FILE, "/run/secrets/b");
	expect_source(variable_of(x, "C"), VALUE_SECRET, "one");
	expect_source(variable_of(x, "E"), VALUE_VARIABLE, "HOME");
	assert_int_equal(x->label_count, 1);
	assert_int_equal(y->env_count, 5);
	expect_source(variable_of(y, "B"), VALUE_SECRET, "two");
	expect_source(variable_of(y, "D"), VALUE_PLAIN, "gone");
	assert_int_equal(y->label_count, 2);
	config_file_free(file);
}

static void
secrets_that_are_not_there_are_told(void **state UNUSED)
{
	char known[] = "one";
	struct config_rules rules = {
		.secret_paths = "/run/secrets", .has_secret = knows_secret, .context = known
	};
	struct config_file *file = config_file_parse(STR(with_sources), &rules);
	struct buf told;

	buf_init(&told, TEXT_MAX);
	write_problems(&file->warnings, &told);
	assert_non_null(strstr(buf_cstr(&told),
	    "6:29: there is no secret 'two' yet: before the next deploy, "
	    "`slipway secrets set two`\n"));
	assert_null(strstr(buf_cstr(&told), "'one'"));
	buf_free(&told);
	config_file_free(file);
}

static void
files_of_values_lie_where_they_may(void **state UNUSED)
{
	struct config_rules rules = { .secret_paths = "/run/secret" };
	struct config_file *file = config_file_parse(STR(with_sources), &rules);

	assert_int_equal(file->faults.count, 1);
	assert_string_equal(file->faults.items[0].text,
	    "'B': '/run/secrets/b' must lie in a folder of SLIPWAY_SECRET_PATHS "
	    "(/run/secret)");
	config_file_free(file);
}

static void
plain_secrets_are_warned_of(void **state UNUSED)
{
	static const char *const names[] = { "DB_PASSWORD", "GITHUB_TOKEN", "app_secret",
		"DB_PASSWORD_FILE", "PASS" };
	struct config_file *file;
	struct buf text;

	for (size_t i = 0; i < COUNT(names); i++) {
		buf_init(&text, TEXT_MAX);
		buf_format(&text,
		    "version: 1\nprojects: {a: {image: r.io/a, health: none, stages: "
		    "{x: {tags: v, env: {%s: hunter2}}}}}\n",
		    names[i]);
		file = config_file_parse(buf_view(&text), NULL);
		buf_clear(&text);
		write_problems(&file->warnings, &text);
		assert_int_equal(
		    strstr(buf_cstr(&text), "looks like a secret") != NULL, i < 3);
		assert_null(strstr(buf_cstr(&text), "hunter2"));
		buf_free(&text);
		config_file_free(file);
	}
}

/* `slipway check`. */

static int
check_output(const char *path, char *to, size_t to_size)
{
	FILE *out = fmemopen(to, to_size, "w");
	int result;

	assert_non_null(out);
	result = config_check(path, NULL, out);
	fclose(out);
	return result;
}

static void
write_temporary(char path[32], const void *text, size_t n)
{
	int fd;

	snprintf(path, 32, "/tmp/slipway-test-XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), (ssize_t)n);
	close(fd);
}

static void
check_prints_places_and_a_summary(void **state UNUSED)
{
	static const char bad[] =
	    "version: 1\nprojects:\n  a:\n    image: r.io/a\n    health: none\n"
	    "    stage: {}\n    stages: {x: {}}\n";
	char path[32];
	char told[2048] = "";
	char wanted[2048];

	write_temporary(path, bad, strlen(bad));
	assert_int_equal(check_output(path, told, sizeof(told)), 1);
	snprintf(wanted, sizeof(wanted),
	    "%s:6:5: unknown key 'stage': did you mean 'stages'?\n"
	    "%s:7:14: warning: stage 'x' has 'health: none': a version that merely runs "
	    "replaces the "
	    "one before\n"
	    "%s:7:14: warning: stage 'x' deploys every tag that is pushed: narrow 'tags' "
	    "(\"v*\"), or "
	    "set 'auto: false'\n"
	    "%s: 1 fault, 2 warnings\n",
	    path, path, path, path);
	assert_string_equal(told, wanted);
	unlink(path);
	assert_int_equal(check_output("slipway.example.yml", told, sizeof(told)), 0);
	assert_non_null(
	    strstr(told, "slipway.example.yml: good: 3 projects, 5 stages, 1 warning\n"));
}

static void
files_that_cannot_be_read_say_why(void **state UNUSED)
{
	char path[32];
	char told[2048] = "";
	char *large = calloc(1, CONFIG_BYTES_MAX + 1);

	assert_int_equal(check_output("/nonexistent/slipway.yml", told, sizeof(told)), 1);
	assert_string_equal(
	    told, "/nonexistent/slipway.yml: cannot be opened: No such file or directory\n");
	assert_int_equal(check_output("/tmp", told, sizeof(told)), 1);
	assert_string_equal(told, "/tmp: is no plain file\n");
	assert_non_null(large);
	write_temporary(path, large, CONFIG_BYTES_MAX + 1);
	assert_int_equal(check_output(path, told, sizeof(told)), 1);
	assert_non_null(strstr(told, ": larger than 1048576 bytes\n"));
	unlink(path);
	free(large);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tag_policies_mean_what_they_say),
		cmocka_unit_test(every_fault_has_its_place_and_words),
		cmocka_unit_test(all_faults_come_at_once_in_order),
		cmocka_unit_test(a_fault_of_the_project_is_told_once),
		cmocka_unit_test(the_smallest_file_gets_the_defaults),
		cmocka_unit_test(the_example_is_good_and_means_what_it_says),
		cmocka_unit_test(a_stage_overrides_its_project),
		cmocka_unit_test(a_good_stage_may_mend_nothing_of_a_bad_project),
		cmocka_unit_test(values_are_read_in_all_their_forms),
		cmocka_unit_test(json_is_read_as_well),
		cmocka_unit_test(settings_decide_about_sockets_and_ports),
		cmocka_unit_test(sockets_are_no_reason_to_refuse_others),
		cmocka_unit_test(warnings_are_told_and_stop_nothing),
		cmocka_unit_test(values_come_from_elsewhere_and_stages_win),
		cmocka_unit_test(secrets_that_are_not_there_are_told),
		cmocka_unit_test(files_of_values_lie_where_they_may),
		cmocka_unit_test(plain_secrets_are_warned_of),
		cmocka_unit_test(a_thousand_stages_are_read_quickly),
		cmocka_unit_test(counts_are_bounded),
		cmocka_unit_test(a_small_file_cannot_make_a_large_store),
		cmocka_unit_test(faults_beyond_the_list_are_counted),
		cmocka_unit_test(wrong_values_everywhere_do_no_harm),
		cmocka_unit_test(check_prints_places_and_a_summary),
		cmocka_unit_test(files_that_cannot_be_read_say_why),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
