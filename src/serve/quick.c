/* quick.c - see quick.h. */
#include "serve/quick.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/domain.h"
#include "config/file.h"
#include "config/rules.h"
#include "ports/registry.h"
#include "serve/app.h"
#include "serve/commands_inside.h"
#include "serve/export.h"
#include "serve/plan.h"
#include "serve/promotion.h"
#include "store/catalog.h"

/* Of several ports the one that speaks HTTP, most likely. */
static const uint16_t usual_ports[] = { 80, 8080, 8000, 3000, 5000, 8888, 9000 };

static uint16_t
choose_port(const struct image_facts *facts)
{
	for (size_t i = 0; i < COUNT(usual_ports); i++)
		for (size_t k = 0; k < facts->port_count; k++)
			if (facts->ports[k] == usual_ports[i])
				return usual_ports[i];
	return facts->port_count == 0 ? 0 : facts->ports[0];
}

/* The repository's last part, as a name has to be. */
static void
suggest_project(const struct image_ref *image, char name[NAME_SIZE])
{
	const char *slash = strrchr(image->path, '/');
	size_t n = 0;

	for (const char *at = slash == NULL ? image->path : slash + 1;
	     *at != '\0' && n < RULE_NAME_MAX; at++) {
		bool is_good = islower((unsigned char)*at) || isdigit((unsigned char)*at);

		if (is_good || n > 0)
			name[n++] = is_good ? *at : '-';
	}
	while (n > 0 && name[n - 1] == '-')
		n--;
	name[n] = '\0';
}

static enum command_result
check(const char *what, const char *text, rule_fn *rule, struct err *err)
{
	const char *fault = rule(text);

	if (fault == NULL)
		return COMMAND_DONE;
	err_set(err, "%s '%.80s' %s", what, text, fault);
	return COMMAND_INVALID;
}

/* A name of its own for this project and stage; what is left of the words is the tag's. */
static enum command_result
plan_route(const char *domain, struct quick_plan *plan, struct err *err)
{
	const struct domain_words words = { plan->project, plan->stage, NULL };

	if (domain[0] == '\0')
		return COMMAND_DONE;
	if (plan->port == 0) {
		err_set(
		    err, "the image exposes no port: name the one that serves with 'port'");
		return COMMAND_INVALID;
	}
	if (check("the domain", domain, rule_domain, err) != COMMAND_DONE)
		return COMMAND_INVALID;
	if (domain_expand(domain, &words, plan->domain))
		return COMMAND_DONE;
	err_set(err, "the domain '%.80s' becomes too long a name", domain);
	return COMMAND_INVALID;
}

enum command_result
quick_plan(const struct app *app, const struct image_ref *image,
    const struct image_facts *facts, const struct quick_wish *wish, struct quick_plan *ret,
    struct err *err)
{
	const char *stage = wish->stage[0] != '\0' ? wish->stage : "dev";
	const char *domain = wish->domain;

	*ret = (struct quick_plan){ .port = choose_port(facts) };
	if (wish->port > UINT16_MAX) {
		err_set(err, "'port' is a number from 1 to 65535");
		return COMMAND_INVALID;
	}
	if (wish->port != 0)
		ret->port = (uint16_t)wish->port;
	suggest_project(image, ret->project);
	if (wish->project[0] != '\0')
		snprintf(ret->project, sizeof(ret->project), "%s", wish->project);
	snprintf(ret->stage, sizeof(ret->stage), "%s", stage);
	if (check("the project's name", ret->project, rule_name, err) != COMMAND_DONE
	    || check("the stage's name", ret->stage, rule_name, err) != COMMAND_DONE)
		return COMMAND_INVALID;
	if (domain[0] == '\0' && ret->port != 0)
		domain = app->settings->quick_domain;
	return plan_route(domain, ret, err);
}

/* That of the first file, or else the first there is. */
static const char *
choose_engine(const struct app *app)
{
	if (catalog_is_empty(app->catalog) || catalog_engine(app->catalog, "local") != NULL)
		return "local";
	return catalog_engine_at(app->catalog, 0)->name;
}

static const char *
health_of(const struct image_facts *facts, const struct quick_plan *plan)
{
	if (facts->has_healthcheck)
		return "{docker: true}";
	return plan->port != 0 ? "{tcp: true}" : "none";
}

void
quick_write(const struct app *app, const struct image_ref *image,
    const struct image_facts *facts, const struct quick_plan *plan, struct buf *to)
{
	buf_format(to, "projects:\n  %s:\n    image: \"%s/%s\"\n", plan->project, image->host,
	    image->path);
	if (strcmp(choose_engine(app), "local") != 0)
		buf_format(to, "    engine: %s\n", choose_engine(app));
	if (plan->port != 0)
		buf_format(to, "    port: %u\n", plan->port);
	buf_format(to, "    health: %s\n    stages:\n      %s: {", health_of(facts, plan),
	    plan->stage);
	if (plan->domain[0] != '\0')
		buf_format(to, "domains: [\"%s\"]", plan->domain);
	buf_text(to, "}\n");
}

/* Behind what is configured of engines and proxies, which its stage may name. */
static struct config_file *
read_project(struct app *app, const struct image_ref *image, const struct image_facts *facts,
    const struct quick_plan *plan)
{
	struct config_rules rules = command_rules(app);
	struct config_file *file;
	struct buf text;

	buf_init(&text, 2 * CONFIG_BYTES_MAX);
	export_write_hosts(app->catalog, &text);
	quick_write(app, image, facts, plan, &text);
	file = config_file_parse(buf_view(&text), &rules);
	buf_free(&text);
	return file;
}

static enum command_result
add(struct app *app, const struct config_file *file, struct err *err)
{
	struct plan plan;
	enum command_result result;

	if (file->faults.count > 0) {
		err_set(err, "%s", file->faults.items[0].text);
		return COMMAND_INVALID;
	}
	result = catalog_is_empty(app->catalog) ? command_apply(app, file, false, &plan, err)
						: command_add_projects(app, file, &plan, err);
	plan_free(&plan);
	return result;
}

enum command_result
command_quick(struct app *app, const struct image_ref *image, const struct image_facts *facts,
    const struct quick_wish *wish, struct quick_plan *ret_plan, uint64_t *ret_deploy,
    struct err *err)
{
	enum command_result result = command_is_ready(app, err);
	struct config_file *file;

	if (result == COMMAND_DONE && wish->by[0] != '\0')
		result = promotion_check_name(wish->by, err);
	if (result == COMMAND_DONE)
		result = quick_plan(app, image, facts, wish, ret_plan, err);
	if (result != COMMAND_DONE)
		return result;
	if (catalog_project_by_name(app->catalog, ret_plan->project) != NULL) {
		err_set(err,
		    "there is a project '%s' already: deploy to one of its stages, or give "
		    "this one another name",
		    ret_plan->project);
		return COMMAND_CONFLICT;
	}
	file = read_project(app, image, facts, ret_plan);
	result = add(app, file, err);
	config_file_free(file);
	if (result != COMMAND_DONE)
		return result;
	return command_deploy(app,
	    &(struct deploy_command){ .project = ret_plan->project,
		.stage = ret_plan->stage,
		.tag = image->tag,
		.digest = facts->digest,
		.by = wish->by,
		.override = "",
		.trigger = wish->trigger },
	    ret_deploy, err);
}

bool
quick_takes_webhook(const struct app *app, const struct image_ref *image, struct err *err)
{
	if (app->settings->quick_deploy != QUICK_WEBHOOK) {
		err_set(err, "no stage takes this image and tag");
		return false;
	}
	for (size_t i = 0; i < catalog_registry_count(app->catalog); i++)
		if (strcmp(catalog_registry_at(app->catalog, i)->host, image->host) == 0)
			return true;
	err_set(err,
	    "no stage takes this image, and it becomes no project: its registry is not one "
	    "of the configuration");
	return false;
}
