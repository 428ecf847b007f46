/* docker_container.c - what Docker says of a container, as a struct: JSON stops here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "ports/docker_parts.h"

void
container_read(const struct json *inspect, struct container *ret)
{
	const struct json *state = json_get(inspect, "State");
	const char *name = json_text(json_get(inspect, "Name"));

	*ret = (struct container){
		.is_running = json_bool(json_get(state, "Running")),
		.is_oom_killed = json_bool(json_get(state, "OOMKilled")),
		.exit_code = (int)json_number(json_get(state, "ExitCode")),
		.restart_count = json_number(json_get(inspect, "RestartCount")),
	};
	snprintf(ret->id, sizeof(ret->id), "%s", json_text(json_get(inspect, "Id")));
	snprintf(ret->name, sizeof(ret->name), "%s", name[0] == '/' ? name + 1 : name);
	snprintf(
	    ret->image_id, sizeof(ret->image_id), "%s", json_text(json_get(inspect, "Image")));
	snprintf(ret->status, sizeof(ret->status), "%s", json_text(json_get(state, "Status")));
	snprintf(ret->started_at, sizeof(ret->started_at), "%s",
	    json_text(json_get(state, "StartedAt")));
	snprintf(ret->finished_at, sizeof(ret->finished_at), "%s",
	    json_text(json_get(state, "FinishedAt")));
	snprintf(ret->health, sizeof(ret->health), "%s",
	    json_text(json_get(json_get(state, "Health"), "Status")));
	snprintf(ret->error, sizeof(ret->error), "%s", json_text(json_get(state, "Error")));
	if (strcmp(ret->status, "restarting") == 0)
		ret->is_running = false; /* Docker says true between two tries */
}

const char *
container_label(const struct json *inspect, const char *name)
{
	return json_text(json_get(json_get(json_get(inspect, "Config"), "Labels"), name));
}

void
container_address(const struct engine_config *config, const struct json *inspect, int port,
    char *to, size_t size)
{
	const struct json *settings = json_get(inspect, "NetworkSettings");
	const struct json *network = json_get(json_get(settings, "Networks"), config->network);
	const char *address = json_text(json_get(network, "IPAddress"));
	const struct json *binding;
	char key[16];

	to[0] = '\0';
	if (port == 0)
		return;
	if (!config->is_published) {
		if (address[0] != '\0')
			snprintf(to, size, "%s:%d", address, port);
		return;
	}
	snprintf(key, sizeof(key), "%d/tcp", port);
	binding = json_at(json_get(json_get(settings, "Ports"), key), 0);
	address = json_text(json_get(binding, "HostPort"));
	if (address[0] != '\0')
		snprintf(to, size, "%s:%s", config->publish_address, address);
}

void
container_ending(const struct container *c, char text[REASON_SIZE])
{
	if (c->is_oom_killed)
		snprintf(text, REASON_SIZE,
		    "was killed because it used more than its memory limit "
		    "(exit code %d)",
		    c->exit_code);
	else if (c->error[0] != '\0')
		snprintf(text, REASON_SIZE, "could not run: %.200s", c->error);
	else if (c->restart_count > 0)
		snprintf(text, REASON_SIZE, "was restarted %lld time%s (last exit code %d)",
		    (long long)c->restart_count, c->restart_count == 1 ? "" : "s",
		    c->exit_code);
	else
		snprintf(text, REASON_SIZE, "exited with code %d", c->exit_code);
}

int64_t
container_time_ms(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	int64_t milliseconds = 0;
	int64_t unit = 100;

	if (rest == NULL || tm.tm_year < 70)
		return 0;
	if (*rest == '.')
		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			milliseconds += (*rest - '0') * unit;
	return *rest == 'Z' ? (int64_t)timegm(&tm) * 1000 + milliseconds : 0;
}

void
container_name(const struct deploy_row *row, int replica, char *to, size_t size)
{
	/* Cut so that the deploy's id, which makes it unique, always fits. */
	snprintf(to, size, "%.48s-%.48s-%llu-%d", row->project, row->stage_name,
	    (unsigned long long)row->id, replica);
}
