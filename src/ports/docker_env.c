/* docker_env.c - what a deploy changes in the env.
 *
 * Names only: a value is never compared with another, but by the version that a secret has. */
#include <string.h>

#include "base/check.h"
#include "ports/docker_parts.h"
#include "store/secrets.h"

static const struct pair_spec *
find(const struct stage_spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->env_count; i++)
		if (strcmp(spec->env[i].name, name) == 0)
			return &spec->env[i];
	return NULL;
}

struct record {
	const struct job *job;
	struct store *store;
	struct buf words[3]; /* names that were added, changed, removed */
};

static const char *const changes[] = { "added", "changed", "removed" };

static void
put(struct record *r, int change, const char *name)
{
	store_deploy_env_put(r->store, r->job->row.id, name, changes[change]);
	buf_format(&r->words[change], "%s%s", r->words[change].n == 0 ? "" : ", ", name);
}

static bool
has_new_value(const struct record *r, const struct pair_spec *variable)
{
	return variable->source == VALUE_SECRET
	       && store_deploy_secret(r->store, r->job->row.id, variable->value)
		      != store_deploy_secret(r->store, r->job->row.elder, variable->value);
}

static void
compare(struct record *r, const struct stage_spec *old, const struct stage_spec *new)
{
	for (size_t i = 0; i < new->env_count; i++) {
		const struct pair_spec *before = find(old, new->env[i].name);

		if (before == NULL)
			put(r, 0, new->env[i].name);
		else if (!pair_spec_is(before, &new->env[i]) || has_new_value(r, &new->env[i]))
			put(r, 1, new->env[i].name);
	}
	for (size_t i = 0; i < old->env_count; i++)
		if (find(new, old->env[i].name) == NULL)
			put(r, 2, old->env[i].name);
}

/* Which secrets in which version, so that the next deploy can tell what is new in it. */
static void
record_secrets(const struct record *r, const struct stage_spec *spec)
{
	for (size_t i = 0; i < spec->env_count; i++) {
		struct sealed_secret secret;

		if (spec->env[i].source == VALUE_SECRET
		    && store_secret_get(r->store, spec->env[i].value, &secret))
			store_deploy_secret_put(
			    r->store, r->job->row.id, spec->env[i].value, secret.row.version);
	}
}

static void
tell_log(struct record *r)
{
	struct buf line;

	buf_init(&line, LOG_LINE_SIZE - 1);
	for (size_t i = 0; i < COUNT(changes); i++)
		if (r->words[i].n > 0)
			buf_format(&line, "%s%s %s", line.n == 0 ? "" : "; ", changes[i],
			    buf_cstr(&r->words[i]));
	if (line.n > 0)
		port_note(&r->job->docker->host, &r->job->effect, LOG_INFO,
		    "env, against deploy %llu: %s", (unsigned long long)r->job->row.elder,
		    buf_cstr(&line));
	buf_free(&line);
}

void
job_record_env(const struct job *job)
{
	struct record r = { .job = job, .store = job->docker->host.store };
	const struct stage_spec *spec = job_spec(job);
	const struct stage_spec *old = NULL;
	struct env_change known;
	struct deploy_row elder;

	record_secrets(&r, spec);
	if (store_deploy_env(r.store, job->row.id, &known, 1) > 0)
		return; /* asked again: what it was made with first counts */
	if (job->row.elder != 0 && store_deploy_get(r.store, job->row.elder, &elder))
		old = catalog_spec(job->docker->host.catalog, elder.spec);
	if (old == NULL)
		return;
	for (size_t i = 0; i < COUNT(r.words); i++)
		buf_init(&r.words[i], LOG_LINE_SIZE);
	compare(&r, old, spec);
	tell_log(&r);
	for (size_t i = 0; i < COUNT(r.words); i++)
		buf_free(&r.words[i]);
}
