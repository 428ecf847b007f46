/* commands_inside.h - what the files of commands share. */
#ifndef SLIPWAY_SERVE_COMMANDS_INSIDE_H
#define SLIPWAY_SERVE_COMMANDS_INSIDE_H

#include "serve/commands.h"

struct stage_entry;

/* NULL: there is none, said in words. */
const struct stage_entry *
command_stage(const struct app *app, const char *project, const char *stage, struct err *err);

/* May new work begin at all? COMMAND_DONE, or why not. */
enum command_result command_is_ready(const struct app *app, struct err *err);

/* Every replica of what is live runs, as far as the last look at its engine tells. */
bool stage_is_live_whole(const struct app *app, const struct stage_entry *stage);

/* One stage cannot fill the server with tags that a registry does not answer for. */
bool stage_is_resolving_too_much(const struct app *app, const struct stage_entry *stage);
enum command_result command_refuse_one_more(const struct stage_entry *stage, struct err *err);

/* Which deploy a trigger ended in: a new one, or the one that asks for the same tag already. */
uint64_t command_trigger(struct app *app, uint64_t stage, const struct event *event);

#endif
