/* catalog.c - see catalog.h: projects, stages and their specs. Engines and registries are in
 * hosts.c. */
#include "store/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/catalog_inside.h"
#include "store/db.h"
#include "store/store.h"

enum { OLD_SPECS_KEPT = 64 };

static void *
grow(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) != 0) /* room for the next power of two is there */
		return array;
	array = realloc(array, (count == 0 ? 1 : count * 2) * size);
	CHECK(array != NULL);
	return array;
}

struct catalog *
catalog_new(struct store *store)
{
	struct catalog *c = calloc(1, sizeof(*c));

	CHECK(c != NULL);
	c->store = store;
	return c;
}

void
catalog_free(struct catalog *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->stage_count; i++)
		stage_spec_free(c->stage_specs[i]);
	for (size_t i = 0; i < c->old_count; i++)
		stage_spec_free(c->old[i].spec);
	for (size_t i = 0; i < c->project_count; i++)
		free(c->projects[i]);
	free(c->projects);
	free(c->stages);
	free(c->stage_specs);
	free(c->old);
	free(c->registries);
	free(c->proxies);
	receivers_free(c);
	free(c);
}

void
catalog_reap(struct catalog *c)
{
	size_t drop = c->old_count > OLD_SPECS_KEPT ? c->old_count - OLD_SPECS_KEPT : 0;

	for (size_t i = 0; i < drop; i++)
		stage_spec_free(c->old[i].spec);
	if (drop == 0)
		return;
	c->old_count -= drop;
	memmove(c->old, c->old + drop, c->old_count * sizeof(*c->old));
}

bool
catalog_is_empty(const struct catalog *c)
{
	return c->project_count == 0;
}

static struct stage_spec *
parse(const struct catalog *c, uint64_t spec_id, struct str json)
{
	struct err err;
	struct stage_spec *spec = stage_spec_parse(json, &err);

	/* The store holds only what stage_spec_write wrote. */
	if (spec == NULL) {
		err_context(&err, "spec %llu", (unsigned long long)spec_id);
		db_damaged(store_db(c->store), err.text);
	}
	return spec;
}

/* Where the project stands, or would stand, among the projects. */
static size_t
place_of_project(const struct catalog *c, const char *name)
{
	size_t low = 0;
	size_t high = c->project_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(c->projects[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The same among the stages. stage NULL: the project's first. */
static size_t
place_of_stage(const struct catalog *c, const char *project, const char *stage)
{
	size_t low = 0;
	size_t high = c->stage_count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct stage_spec *spec = c->stages[middle].spec;
		int order = strcmp(spec->project, project);

		if (order == 0 && stage != NULL)
			order = strcmp(spec->stage, stage);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Opens a gap of one at the place. */
static void
shift(void *array, size_t place, size_t count, size_t size)
{
	char *at = (char *)array + place * size;

	memmove(at + size, at, (count - place) * size);
}

static void
remember_stage(struct catalog *c, const struct stage_entry *entry, struct stage_spec *spec)
{
	size_t place = place_of_stage(c, spec->project, spec->stage);

	c->stages = grow(c->stages, c->stage_count, sizeof(*c->stages));
	c->stage_specs = grow(c->stage_specs, c->stage_count, sizeof(struct stage_spec *));
	shift(c->stages, place, c->stage_count, sizeof(*c->stages));
	shift(c->stage_specs, place, c->stage_count, sizeof(struct stage_spec *));
	c->stages[place] = *entry;
	c->stages[place].spec = spec;
	c->stage_specs[place] = spec;
	c->stage_count++;
}

static void
remember_project(struct catalog *c, const struct project_entry *entry)
{
	struct project_entry *p = calloc(1, sizeof(*p));
	size_t place;

	CHECK(p != NULL);
	*p = *entry;
	place = place_of_project(c, p->name);
	c->projects = grow(c->projects, c->project_count, sizeof(struct project_entry *));
	shift(c->projects, place, c->project_count, sizeof(struct project_entry *));
	c->projects[place] = p;
	c->project_count++;
}

int
catalog_load(struct catalog *c, struct err *err)
{
	struct query *q;

	CHECK(c->project_count == 0 && c->stage_count == 0);
	if (hosts_load(c, err) != 0 || proxies_load(c, err) != 0
	    || receivers_load(c, err) != 0)
		return -1;
	q = db_read(store_db(c->store), "SELECT id, name, webhook FROM project ORDER BY name");
	while (db_next(q)) {
		struct project_entry project = { .id = (uint64_t)column_integer(q, 0) };

		column_copy(q, 1, project.name, sizeof(project.name));
		column_copy(q, 2, project.webhook, sizeof(project.webhook));
		remember_project(c, &project);
	}
	webhooks_load(c);
	q = db_read(store_db(c->store),
	    "SELECT s.id, s.poll, s.spec, r.json FROM stage s "
	    "JOIN project p ON p.id = s.project"
	    " JOIN spec r ON r.id = s.spec ORDER BY p.name, s.name");
	while (db_next(q)) {
		struct stage_entry entry = { .id = (uint64_t)column_integer(q, 0),
			.poll_id = (uint64_t)column_integer(q, 1),
			.spec_id = (uint64_t)column_integer(q, 2) };
		remember_stage(c, &entry, parse(c, entry.spec_id, column_str(q, 3)));
	}
	return 0;
}

size_t
catalog_project_count(const struct catalog *c)
{
	return c->project_count;
}

const struct project_entry *
catalog_project_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->project_count);
	return c->projects[index];
}

const struct project_entry *
catalog_project_by_name(const struct catalog *c, const char *name)
{
	size_t place = place_of_project(c, name);

	if (place == c->project_count || strcmp(c->projects[place]->name, name) != 0)
		return NULL;
	return c->projects[place];
}

const struct project_entry *
catalog_project_by_webhook(const struct catalog *c, struct str uuid)
{
	const struct project_entry *found = NULL;

	if (str_equal_secret(str_of(c->everyone.webhook), uuid))
		found = &c->everyone;
	for (size_t i = 0; i < c->project_count; i++) /* all of them, whichever matches */
		if (str_equal_secret(str_of(c->projects[i]->webhook), uuid))
			found = c->projects[i];
	return found;
}

uint64_t
catalog_put_project(struct catalog *c, const char *name, bool *ret_is_new)
{
	const struct project_entry *old = catalog_project_by_name(c, name);
	struct project_entry fresh = { 0 };
	struct query *q;

	*ret_is_new = old == NULL;
	if (old != NULL)
		return old->id;
	CHECK(str_copy(fresh.name, sizeof(fresh.name), str_of(name)));
	store_make_uuid(fresh.webhook);
	q = db_write(store_db(c->store),
	    "INSERT INTO project(name, webhook) VALUES(?, ?) RETURNING id");
	query_text(q, fresh.name);
	query_text(q, fresh.webhook);
	CHECK(db_next(q));
	fresh.id = (uint64_t)column_integer(q, 0);
	db_run(q);
	remember_project(c, &fresh);
	return fresh.id;
}

static uint64_t
insert_spec(struct catalog *c, uint64_t stage, struct str json)
{
	uint64_t id;
	struct query *q = db_write(store_db(c->store),
	    "INSERT INTO spec(stage, created_ms, json) VALUES(?, ?, ?) RETURNING id");

	query_integer(q, (int64_t)stage);
	query_integer(q, clock_now_ms());
	query_str(q, json);
	CHECK(db_next(q));
	id = (uint64_t)column_integer(q, 0);
	db_run(q);
	return id;
}

void
catalog_add_stage(
    struct catalog *c, uint64_t project, uint64_t stage, uint64_t poll, struct str json)
{
	struct stage_entry entry = { .id = stage, .poll_id = poll };
	struct stage_spec *spec;
	struct query *q;

	entry.spec_id = insert_spec(c, stage, json);
	spec = parse(c, entry.spec_id, json);
	q = db_write(store_db(c->store),
	    "INSERT INTO stage(id, project, name, spec, poll) VALUES(?, ?, ?, ?, ?)");
	query_integer(q, (int64_t)stage);
	query_integer(q, (int64_t)project);
	query_text(q, spec->stage);
	query_integer(q, (int64_t)entry.spec_id);
	query_integer(q, (int64_t)poll);
	db_run(q);
	remember_stage(c, &entry, spec);
}

static void
keep_old(struct catalog *c, uint64_t id, struct stage_spec *spec)
{
	c->old = grow(c->old, c->old_count, sizeof(*c->old));
	c->old[c->old_count++] = (struct old_spec){ id, spec };
}

void
catalog_set_spec(struct catalog *c, uint64_t stage, struct str json)
{
	struct stage_entry *entry = NULL;
	struct query *q;
	size_t place;

	for (place = 0; place < c->stage_count && entry == NULL; place++)
		if (c->stages[place].id == stage)
			entry = &c->stages[place];
	CHECK(entry != NULL);
	place--;
	keep_old(c, entry->spec_id, c->stage_specs[place]);
	entry->spec_id = insert_spec(c, stage, json);
	c->stage_specs[place] = parse(c, entry->spec_id, json);
	entry->spec = c->stage_specs[place];
	q = db_write(store_db(c->store), "UPDATE stage SET spec = ? WHERE id = ?");
	query_integer(q, (int64_t)entry->spec_id);
	query_integer(q, (int64_t)stage);
	db_run(q);
}

const struct stage_spec *
catalog_spec(struct catalog *c, uint64_t spec_id)
{
	struct query *q;
	struct stage_spec *spec = NULL;

	for (size_t i = 0; i < c->stage_count; i++)
		if (c->stages[i].spec_id == spec_id)
			return c->stages[i].spec;
	for (size_t i = 0; i < c->old_count; i++)
		if (c->old[i].id == spec_id)
			return c->old[i].spec;
	q = db_read(store_db(c->store), "SELECT json FROM spec WHERE id = ?");
	query_integer(q, (int64_t)spec_id);
	if (db_next(q)) {
		spec = parse(c, spec_id, column_str(q, 0));
		keep_old(c, spec_id, spec);
	}
	db_done(q);
	return spec;
}

size_t
catalog_stage_count(const struct catalog *c)
{
	return c->stage_count;
}

const struct stage_entry *
catalog_stage_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->stage_count);
	return &c->stages[index];
}

const struct stage_entry *
catalog_stage(const struct catalog *c, uint64_t id)
{
	for (size_t i = 0; i < c->stage_count; i++)
		if (c->stages[i].id == id)
			return &c->stages[i];
	return NULL;
}

const struct stage_entry *
catalog_stage_by_name(const struct catalog *c, const char *project, const char *stage)
{
	size_t place = place_of_stage(c, project, stage);

	if (place == c->stage_count || strcmp(c->stages[place].spec->project, project) != 0
	    || strcmp(c->stages[place].spec->stage, stage) != 0)
		return NULL;
	return &c->stages[place];
}

size_t
catalog_stages_of(const struct catalog *c, const char *project, size_t *ret_count)
{
	size_t first = place_of_stage(c, project, NULL);
	size_t end = first;

	while (end < c->stage_count && strcmp(c->stages[end].spec->project, project) == 0)
		end++;
	*ret_count = end - first;
	return first;
}
