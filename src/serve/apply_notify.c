/* apply_notify.c - receivers of notifications, and who tells whom, become what the file says. */
#include <stdlib.h>
#include <string.h>

#include "config/diff.h"
#include "config/file.h"
#include "serve/app.h"
#include "serve/apply_inside.h"
#include "serve/export.h"
#include "serve/plan.h"
#include "store/catalog.h"

static void
copy(char *to, size_t size, const char *from)
{
	CHECK(str_copy(to, size, str_of(from)));
}

static void
join(const struct strings *names, struct buf *to)
{
	for (size_t i = 0; i < names->count; i++)
		buf_format(to, "%s%s", i == 0 ? "" : " ", names->items[i]);
	CHECK(!to->overflow);
}

static void
take_receiver(const struct config_receiver *wanted, struct receiver_config *r)
{
	struct buf recipients;

	r->kind = wanted->kind;
	r->events = wanted->events;
	r->is_insecure = wanted->is_insecure;
	copy(r->name, sizeof(r->name), wanted->name);
	copy(r->url, sizeof(r->url), wanted->url);
	copy(r->url_file, sizeof(r->url_file), wanted->url_file);
	copy(r->url_env, sizeof(r->url_env), wanted->url_env);
	copy(r->secret_name, sizeof(r->secret_name), wanted->secret_name);
	copy(r->secret_file, sizeof(r->secret_file), wanted->secret_file);
	copy(r->secret_env, sizeof(r->secret_env), wanted->secret_env);
	copy(r->ca_file, sizeof(r->ca_file), wanted->ca_file);
	copy(r->username, sizeof(r->username), wanted->username);
	copy(r->sender, sizeof(r->sender), wanted->from);
	buf_init(&recipients, sizeof(r->recipients) - 1);
	join(&wanted->to, &recipients);
	copy(r->recipients, sizeof(r->recipients), buf_cstr(&recipients));
	buf_free(&recipients);
}

static bool
names_receiver(const struct config_file *file, const char *name)
{
	for (size_t i = 0; i < file->receiver_count; i++)
		if (strcmp(file->receivers[i].name, name) == 0)
			return true;
	return false;
}

static void
plan_receiver(
    const struct catalog *catalog, const struct config_receiver *wanted, struct plan *plan)
{
	const struct receiver_config *old = catalog_receiver(catalog, wanted->name);
	struct config_receiver was;
	struct config_changes changes;
	const char *action = PLAN_ADD;

	if (old != NULL)
		was = export_receiver(old, plan->arena);
	changes = diff_receivers(old == NULL ? NULL : &was, wanted, plan->arena);
	if (old != NULL)
		action = changes.count == 0 ? PLAN_KEEP : PLAN_CHANGE;
	plan_add(plan, action, "receiver %s", wanted->name)->changes = changes;
}

/* No container depends on a receiver: the file's are all there are. */
static void
apply_receivers(struct app *app, const struct config_file *file, bool dry, struct plan *plan)
{
	struct receiver_config *all = calloc(file->receiver_count + 1, sizeof(*all));

	CHECK(all != NULL && file->receiver_count <= RECEIVERS_MAX);
	for (size_t i = 0; i < file->receiver_count; i++) {
		take_receiver(&file->receivers[i], &all[i]);
		plan_receiver(app->catalog, &file->receivers[i], plan);
	}
	for (size_t i = 0; i < catalog_receiver_count(app->catalog); i++) {
		const char *name = catalog_receiver_at(app->catalog, i)->name;

		if (!names_receiver(file, name))
			plan_add(plan, PLAN_REMOVE, "receiver %s", name);
	}
	if (!dry)
		catalog_replace_receivers(app->catalog, all, file->receiver_count);
	free(all);
}

static void
apply_rule(struct app *app, const struct config_file *file, const char *project,
    const char *stage, bool dry, struct plan *plan)
{
	const struct config_notify *wanted = config_notify_find(file, project, stage);
	const char *old = catalog_notify_rule(app->catalog, project, stage);
	struct strings was = export_names(old == NULL ? "" : old, plan->arena);
	struct config_changes changes;
	const char *action = PLAN_CHANGE;
	struct buf names;

	if (wanted == NULL && old == NULL)
		return;
	changes = diff_notify(old == NULL ? NULL : &was,
	    wanted == NULL ? NULL : &wanted->receivers, plan->arena);
	if (old == NULL)
		action = PLAN_ADD;
	else if (wanted == NULL)
		action = PLAN_REMOVE;
	else if (changes.count == 0)
		action = PLAN_KEEP;
	plan_add(plan, action, "notify of %s%s%s", project[0] == '\0' ? "all" : project,
	    stage[0] == '\0' ? "" : "/", stage)
	    ->changes = changes;
	if (dry)
		return;
	buf_init(&names, NOTIFY_NAMES_MAX * NAME_SIZE);
	if (wanted != NULL)
		join(&wanted->receivers, &names);
	catalog_set_notify(
	    app->catalog, project, stage, wanted == NULL ? NULL : buf_cstr(&names));
	buf_free(&names);
}

/* What the file leaves out keeps what was said of it. */
void
apply_notifications(
    struct app *app, const struct config_file *file, bool dry, struct plan *plan)
{
	apply_receivers(app, file, dry, plan);
	apply_rule(app, file, "", "", dry, plan);
	for (size_t i = 0; i < file->project_count; i++) {
		const struct config_project *project = &file->projects[i];

		apply_rule(app, file, project->name, "", dry, plan);
		for (size_t k = 0; k < project->stage_count; k++)
			apply_rule(
			    app, file, project->name, project->stages[k].stage, dry, plan);
	}
}
