/* views.h - how deploys, stages and the rest look as JSON. */
#ifndef SLIPWAY_API_VIEWS_H
#define SLIPWAY_API_VIEWS_H

#include "base/json.h"

struct app;
struct deploy_row;
struct deploy_log_row;
struct instance;
struct journal_row;
struct project_entry;
struct stage_entry;
struct task_row;

/* Each writes the members of an object that the caller opens and closes, so that more can follow. */
void view_deploy(struct json_writer *w, const struct app *app, const struct deploy_row *row);
/* "env": the variables that it added, changed or removed, by name. */
void view_env_changes(struct json_writer *w, const struct app *app, uint64_t deploy);
void view_step(struct json_writer *w, const struct journal_row *row);
void view_log_line(struct json_writer *w, const struct deploy_log_row *row);
void view_instance(struct json_writer *w, const struct instance *instance);
void view_task(struct json_writer *w, const struct task_row *row);
void view_project(
    struct json_writer *w, const struct app *app, const struct project_entry *project);
void view_stage(struct json_writer *w, const struct app *app, const struct stage_entry *stage);
void view_health(struct json_writer *w, const struct app *app, bool in_detail);

#endif
