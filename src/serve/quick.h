/* quick.h - quick deploy: an image that no project has yet becomes one, with what it says of itself.
 *
 * The one idea: a project is suggested as a piece of slipway.yml, and it is that text which is read and
 * applied, by the rules of every other file. Nothing that is there already is changed. */
#ifndef SLIPWAY_SERVE_QUICK_H
#define SLIPWAY_SERVE_QUICK_H

#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "config/image.h"
#include "config/spec.h"
#include "serve/commands.h"

struct app;
struct image_facts;

/* What a person wants otherwise; "" and 0: as is suggested. */
struct quick_wish {
	const char *project;
	const char *stage;
	const char *domain;
	uint64_t port;
	const char *by; /* who asks, for the audit log; "": nobody says */
	enum trigger trigger;
};

struct quick_plan {
	char project[NAME_SIZE];
	char stage[NAME_SIZE];
	char domain[DOMAIN_SIZE]; /* "": it gets no route */
	uint16_t port; /* 0: a worker */
};

/* COMMAND_INVALID: no such name, domain or port can be. */
enum command_result quick_plan(const struct app *app, const struct image_ref *image,
    const struct image_facts *facts, const struct quick_wish *wish, struct quick_plan *ret,
    struct err *err);

/* The project as a file has it, from "projects:" on. */
void quick_write(const struct app *app, const struct image_ref *image,
    const struct image_facts *facts, const struct quick_plan *plan, struct buf *to);

/* Adds the project and begins a deploy of the image's tag. COMMAND_CONFLICT: there is one of that name,
 * or the domain belongs to another stage. */
enum command_result command_quick(struct app *app, const struct image_ref *image,
    const struct image_facts *facts, const struct quick_wish *wish,
    struct quick_plan *ret_plan, uint64_t *ret_deploy, struct err *err);

/* May a webhook's image become a project? Only from a registry that the configuration names; err: why not. */
bool
quick_takes_webhook(const struct app *app, const struct image_ref *image, struct err *err);

#endif
