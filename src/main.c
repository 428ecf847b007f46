/* main.c - `slipway`: one binary, its subcommands. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/log.h"
#include "cli/cli.h"
#include "cli/machines.h"
#include "config/report.h"
#include "config/settings.h"
#include "ports/edge.h"
#include "serve/serve.h"
#include "serve/upkeep.h"

extern char **environ;

enum { EXIT_USAGE = 2 };

static struct settings *
load_settings(void)
{
	struct settings *settings = settings_load(environ);
	bool as_json = settings->log_format == LOG_FORMAT_JSON
		       || (settings->log_format == LOG_FORMAT_AUTO && !isatty(STDOUT_FILENO));

	log_setup((enum log_level)settings->log_level, as_json, STDOUT_FILENO);
	if (settings->faults.count == 0)
		return settings;
	settings_check(settings, stderr);
	settings_free(settings);
	return NULL;
}

static int
run_serve(void)
{
	struct settings *settings = load_settings();
	int code = EXIT_USAGE;

	if (settings != NULL)
		code = serve(settings);
	settings_free(settings);
	return code;
}

static int
run_edge(void)
{
	struct settings *settings = load_settings();
	struct edge_settings edge = { 0 };
	struct err err = { "" };
	char directory[4096];
	int code = EXIT_USAGE;

	if (settings == NULL)
		return code;
	snprintf(directory, sizeof(directory), "%s/edge", settings->data);
	edge.directory = directory;
	edge.haproxy = settings->haproxy;
	edge.http = settings->edge_http;
	edge.https = settings->edge_https;
	edge.trusted = settings->edge_trusted;
	edge.certificates = settings->edge_certificates;
	code = edge_run(&edge, &err);
	if (code != 0 && err.text[0] != '\0')
		log_error(NULL, "edge.failed", "%s", err.text);
	settings_free(settings);
	return code;
}

/* slipway db ACTION: the store's files, without a server. -1: not these words. */
static int
run_db(int argc, char **argv)
{
	struct settings *settings = settings_load(environ);
	int code = EXIT_USAGE;

	if (settings->faults.count == 0)
		code = upkeep_run(settings, argc, argv);
	else
		settings_check(settings, stderr);
	settings_free(settings);
	return code;
}

/* slipway check --reference: every setting, as docs/settings.md has it. */
static int
run_reference(void)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	settings_write_reference(&text);
	fwrite(buf_cstr(&text), 1, text.n, stdout);
	buf_free(&text);
	return 0;
}

/* slipway check --routes: what the API answers to, as spec/generated/routes.txt has it. */
static int
run_routes(void)
{
	struct buf text;

	buf_init(&text, 1 << 20);
	api_write_routes(&text);
	fwrite(buf_cstr(&text), 1, text.n, stdout);
	buf_free(&text);
	return 0;
}

/* slipway check [FILE]: the environment and the configuration, every fault at once. */
static int
run_check(const char *path)
{
	struct settings *settings = settings_load(environ);
	int code = settings_check(settings, stdout);

	if (path == NULL && settings->config[0] != '\0')
		path = settings->config;
	if (path != NULL && config_check(path, &settings->rules, stdout) != 0)
		code = 1;
	settings_free(settings);
	return code;
}

/* slipway machines [--mermaid|--dot|--promela|--json] [NAME] */
static int
run_machines(int argc, char **argv)
{
	const char *format = "mermaid";
	const char *name = NULL;
	struct buf text;
	int code = 0;

	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "--", 2) == 0)
			format = argv[i] + 2;
		else
			name = argv[i];
	buf_init(&text, 4 << 20);
	if (!machines_write(format, name, &text)) {
		fprintf(stderr,
		    "slipway: no such format or machine: use --mermaid, --dot, --promela or"
		    " --json, and deploy, swap, poll, stage or sweep\n");
		code = EXIT_USAGE;
	} else {
		fwrite(text.p, 1, text.n, stdout);
	}
	buf_free(&text);
	return code;
}

int
main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";

	if (strcmp(command, "serve") == 0 && argc == 2)
		return run_serve();
	if (strcmp(command, "edge") == 0 && argc == 2)
		return run_edge();
	if (strcmp(command, "check") == 0 && argc == 3 && strcmp(argv[2], "--reference") == 0)
		return run_reference();
	if (strcmp(command, "check") == 0 && argc == 3 && strcmp(argv[2], "--routes") == 0)
		return run_routes();
	if (strcmp(command, "check") == 0 && argc <= 3 && (argc == 2 || argv[2][0] != '-'))
		return run_check(argc == 3 ? argv[2] : NULL);
	if (strcmp(command, "machines") == 0 && argc <= 4
	    && (argc < 3 || strcmp(argv[2], "--help") != 0))
		return run_machines(argc - 2, argv + 2);
	if (strcmp(command, "db") == 0) {
		int code = run_db(argc - 2, argv + 2);

		if (code >= 0)
			return code;
	}
	return cli_main(argc, argv);
}
