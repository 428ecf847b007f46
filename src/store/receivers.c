/* receivers.c - receivers of the catalog, and who tells whom: rules of stages, of projects, of all. */
#include <stdlib.h>
#include <string.h>

#include "base/notice.h"
#include "store/catalog_inside.h"
#include "store/db.h"
#include "store/store.h"

#define COLUMN(name) ", " #name
#define PLACE(name) ", ?"
#define COLUMNS "name, kind, events, is_insecure" RECEIVER_TEXTS(COLUMN)

/* Events are kept by name, as all that may be reordered. */
static uint32_t
read_events(struct str names)
{
	uint32_t events = 0;
	char name[NAME_SIZE];

	while (names.n > 0) {
		struct str one;
		enum notice notice = NOTICE_COUNT;

		names = str_cut(names, ' ', &one);
		if (str_copy(name, sizeof(name), one))
			notice = notice_by_name(name);
		if (notice != NOTICE_COUNT)
			events |= UINT32_C(1) << notice;
	}
	return events;
}

static void
write_events(uint32_t events, struct buf *names)
{
	for (int i = 0; i < NOTICE_COUNT; i++)
		if (events >> i & 1u)
			buf_format(names, "%s%s", names->n == 0 ? "" : " ", notice_names[i]);
}

static int
read_receiver(struct query *q, struct receiver_config *r, struct err *err)
{
	int column = 4;

	*r = (struct receiver_config){ .kind = receiver_kind_by_name(column_text(q, 1)),
		.events = read_events(column_str(q, 2)),
		.is_insecure = column_integer(q, 3) != 0 };
	column_copy(q, 0, r->name, sizeof(r->name));
#define READ(text) column_copy(q, column++, r->text, sizeof(r->text));
	RECEIVER_TEXTS(READ)
#undef READ
	if (r->kind == RECEIVER_KIND_COUNT)
		return err_set(err,
		    "the receiver %s is of a kind that this slipway does not know: a newer "
		    "one "
		    "wrote it; start that one",
		    r->name);
	return 0;
}

static struct notify_rule *
find_rule(const struct catalog *c, const char *project, const char *stage)
{
	for (size_t i = 0; i < c->rule_count; i++)
		if (strcmp(c->rules[i].project, project) == 0
		    && strcmp(c->rules[i].stage, stage) == 0)
			return &c->rules[i];
	return NULL;
}

static void
remember_rule(struct catalog *c, const char *project, const char *stage, const char *names)
{
	struct notify_rule *rule = find_rule(c, project, stage);

	if (rule == NULL) {
		if ((c->rule_count & (c->rule_count - 1)) == 0) {
			size_t room = c->rule_count == 0 ? 1 : 2 * c->rule_count;

			c->rules = realloc(c->rules, room * sizeof(*c->rules));
			CHECK(c->rules != NULL);
		}
		rule = &c->rules[c->rule_count++];
		*rule = (struct notify_rule){ .names = NULL };
		CHECK(str_copy(rule->project, NAME_SIZE, str_of(project)));
		CHECK(str_copy(rule->stage, NAME_SIZE, str_of(stage)));
	}
	free(rule->names);
	rule->names = strdup(names);
	CHECK(rule->names != NULL);
}

static void
make_room(struct catalog *c, size_t count)
{
	c->receivers = realloc(c->receivers, (count == 0 ? 1 : count) * sizeof(*c->receivers));
	CHECK(c->receivers != NULL);
}

static int
load_receivers(struct catalog *c, struct err *err)
{
	struct query *q =
	    db_read(store_db(c->store), "SELECT " COLUMNS " FROM receiver ORDER BY name");

	while (db_next(q)) {
		if (c->receiver_count == RECEIVERS_MAX) {
			db_done(q);
			return err_set(
			    err, "the store holds more than %d receivers", RECEIVERS_MAX);
		}
		make_room(c, c->receiver_count + 1);
		if (read_receiver(q, &c->receivers[c->receiver_count++], err) != 0) {
			db_done(q);
			return -1;
		}
	}
	return 0;
}

int
receivers_load(struct catalog *c, struct err *err)
{
	struct query *q;

	if (load_receivers(c, err) != 0)
		return -1;
	q = db_read(store_db(c->store), "SELECT project, stage, receivers FROM notify_rule");
	while (db_next(q)) {
		char project[NAME_SIZE];
		char stage[NAME_SIZE];

		column_copy(q, 0, project, sizeof(project));
		column_copy(q, 1, stage, sizeof(stage));
		remember_rule(c, project, stage, column_text(q, 2));
	}
	return 0;
}

void
receivers_free(struct catalog *c)
{
	for (size_t i = 0; i < c->rule_count; i++)
		free(c->rules[i].names);
	free(c->rules);
	free(c->receivers);
}

static void
write_receiver(struct catalog *c, const struct receiver_config *r)
{
	struct query *q = db_write(store_db(c->store),
	    "INSERT INTO receiver(" COLUMNS ") VALUES(?, ?, ?, ?" RECEIVER_TEXTS(PLACE) ")");
	struct buf events;

	buf_init(&events, NOTICE_COUNT * NAME_SIZE);
	write_events(r->events, &events);
	query_text(q, r->name);
	query_text(q, receiver_traits[r->kind].name);
	query_text(q, buf_cstr(&events));
	query_integer(q, r->is_insecure);
#define WRITE(text) query_text(q, r->text);
	RECEIVER_TEXTS(WRITE)
#undef WRITE
	db_run(q);
	buf_free(&events);
}

void
catalog_replace_receivers(
    struct catalog *c, const struct receiver_config *receivers, size_t count)
{
	CHECK(count <= RECEIVERS_MAX);
	make_room(c, count);
	db_run(db_write(store_db(c->store), "DELETE FROM receiver"));
	for (size_t i = 0; i < count; i++) {
		write_receiver(c, &receivers[i]);
		c->receivers[i] = receivers[i];
	}
	c->receiver_count = count;
}

bool
receiver_config_is(const struct receiver_config *a, const struct receiver_config *b)
{
	bool is_same = a->kind == b->kind && a->events == b->events
		       && a->is_insecure == b->is_insecure && strcmp(a->name, b->name) == 0;

#define SAME(text) is_same = is_same && strcmp(a->text, b->text) == 0;
	RECEIVER_TEXTS(SAME)
#undef SAME
	return is_same;
}

const struct receiver_config *
catalog_receiver(const struct catalog *c, const char *name)
{
	for (size_t i = 0; i < c->receiver_count; i++)
		if (strcmp(c->receivers[i].name, name) == 0)
			return &c->receivers[i];
	return NULL;
}

size_t
catalog_receiver_count(const struct catalog *c)
{
	return c->receiver_count;
}

const struct receiver_config *
catalog_receiver_at(const struct catalog *c, size_t index)
{
	CHECK(index < c->receiver_count);
	return &c->receivers[index];
}

/* Who tells whom. */

static void
forget_rule(struct catalog *c, const char *project, const char *stage)
{
	struct notify_rule *rule = find_rule(c, project, stage);
	struct query *q;

	if (rule == NULL)
		return;
	q = db_write(
	    store_db(c->store), "DELETE FROM notify_rule WHERE project = ? AND stage = ?");
	query_text(q, project);
	query_text(q, stage);
	db_run(q);
	free(rule->names);
	*rule = c->rules[c->rule_count - 1];
	c->rule_count--;
}

void
catalog_set_notify(
    struct catalog *c, const char *project, const char *stage, const char *names)
{
	struct query *q;

	if (names == NULL) {
		forget_rule(c, project, stage);
		return;
	}
	q = db_write(store_db(c->store),
	    "INSERT OR REPLACE INTO notify_rule(project, stage, receivers) VALUES(?, ?, ?)");
	query_text(q, project);
	query_text(q, stage);
	query_text(q, names);
	db_run(q);
	remember_rule(c, project, stage, names);
}

const char *
catalog_notify_rule(const struct catalog *c, const char *project, const char *stage)
{
	const struct notify_rule *rule = find_rule(c, project, stage);

	return rule == NULL ? NULL : rule->names;
}

const char *
catalog_notify(
    const struct catalog *c, const char *project, const char *stage, const char **ret_tier)
{
	const char *of_stage =
	    stage[0] == '\0' ? NULL : catalog_notify_rule(c, project, stage);
	const char *of_project =
	    project[0] == '\0' ? NULL : catalog_notify_rule(c, project, "");
	const char *of_all = catalog_notify_rule(c, "", "");

	*ret_tier = of_stage != NULL ? "stage" : of_project != NULL ? "project" : "global";
	if (of_stage != NULL)
		return of_stage;
	if (of_project != NULL)
		return of_project;
	return of_all == NULL ? "" : of_all;
}

bool
catalog_notify_next(const char **names, char name[NAME_SIZE])
{
	struct str one;
	struct str rest = str_cut(str_of(*names), ' ', &one);

	if (!str_copy(name, NAME_SIZE, one) || name[0] == '\0')
		return false;
	*names += one.n + (rest.n > 0 ? 1 : 0);
	return true;
}
