/* report.c - lines in the form that compilers use, so that editors can jump to them. */
#include "config/report.h"

#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "config/guarantee.h"
#include "config/strategy.h"

enum { SUMMARY_BYTES_MAX = 256 << 10 };

static void
print_problems(
    const char *path, const struct config_problems *problems, const char *label, FILE *out)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct config_problem *problem = &problems->items[i];

		if (problem->line > 0)
			fprintf(out, "%s:%d:%d: %s%s\n", path, problem->line, problem->column,
			    label, problem->text);
		else
			fprintf(out, "%s: %s%s\n", path, label, problem->text);
	}
	if (problems->unlisted > 0)
		fprintf(out, "%s: %sand %zu more\n", path, label, problems->unlisted);
}

void
config_report_write(const char *path, const struct config_file *file, FILE *out)
{
	print_problems(path, &file->faults, "", out);
	print_problems(path, &file->warnings, "warning: ", out);
}

static const char *
plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static bool
is_used(const struct config_file *file, const char *proxy)
{
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++) {
			const struct stage_spec *stage = &file->projects[i].stages[k];

			if (stage_spec_has_route(stage) && strcmp(stage->proxy, proxy) == 0)
				return true;
		}
	return false;
}

static void
print_guarantee(
    const char *path, const char *proxy, const struct guarantee *guarantee, FILE *out)
{
	fprintf(out, "%s: proxy %s (%s): %s: %s\n", path, proxy, guarantee->way,
	    guarantee->promise, guarantee->reason);
}

/* Whoever checks a file should know what a deploy will do to the requests. */
static void
print_guarantees(const char *path, const struct config_file *file, FILE *out)
{
	if (is_used(file, "edge"))
		print_guarantee(path, "edge", guarantee_of(PROXY_EDGE, false), out);
	for (size_t i = 0; i < file->proxy_count; i++) {
		const struct config_proxy *proxy = &file->proxies[i];

		if (is_used(file, proxy->name))
			print_guarantee(path, proxy->name,
			    guarantee_of(proxy->kind, proxy->is_direct), out);
	}
}

static bool
is_by_edge(const struct config_file *file, const char *proxy)
{
	for (size_t i = 0; i < file->proxy_count; i++)
		if (strcmp(file->proxies[i].name, proxy) == 0)
			return !file->proxies[i].is_direct;
	return strcmp(proxy, "none") != 0;
}

/* Stages whose old version does not serve until the new one does; and what is watched behind the switch. */
static void
print_strategies(const char *path, const struct config_file *file, FILE *out)
{
	struct buf text;

	buf_init(&text, SUMMARY_BYTES_MAX);
	for (size_t i = 0; i < file->project_count; i++)
		for (size_t k = 0; k < file->projects[i].stage_count; k++) {
			const struct stage_spec *stage = &file->projects[i].stages[k];
			struct strategy_plan plan;

			strategy_plan(stage, is_by_edge(file, stage->proxy), &plan);
			if (plan.strategy == STRATEGY_BLUE_GREEN && plan.window[0] == '\0')
				continue;
			buf_clear(&text);
			strategy_describe(&plan, &text);
			fprintf(out, "%s: stage %s/%s: %s\n", path, stage->project,
			    stage->stage, buf_cstr(&text));
		}
	buf_free(&text);
}

int
config_check(const char *path, const struct config_rules *rules, FILE *out)
{
	struct err err;
	struct config_file *file = NULL;
	struct buf text;
	size_t faults;
	size_t warnings;

	buf_init(&text, CONFIG_BYTES_MAX);
	if (file_read_any(path, &text, &err) == 0)
		file = config_file_parse(buf_view(&text), rules);
	buf_free(&text);
	if (file == NULL) {
		fprintf(out, "%s\n", err.text);
		return 1;
	}
	config_report_write(path, file, out);
	faults = file->faults.count + file->faults.unlisted;
	warnings = file->warnings.count + file->warnings.unlisted;
	if (faults > 0)
		fprintf(out, "%s: %zu fault%s, %zu warning%s\n", path, faults, plural(faults),
		    warnings, plural(warnings));
	else
		fprintf(out, "%s: good: %zu project%s, %zu stage%s, %zu warning%s\n", path,
		    file->project_count, plural(file->project_count), file->stage_count,
		    plural(file->stage_count), warnings, plural(warnings));
	print_guarantees(path, file, out);
	if (faults == 0)
		print_strategies(path, file, out);
	config_file_free(file);
	return faults > 0 ? 1 : 0;
}

int
settings_check(const struct settings *settings, FILE *out)
{
	struct buf text;

	if (settings->faults.count > 0) {
		print_problems("environment", &settings->faults, "", out);
		return 1;
	}
	buf_init(&text, SUMMARY_BYTES_MAX);
	settings_write_summary(settings, &text);
	fputs(buf_cstr(&text), out);
	buf_free(&text);
	return 0;
}
