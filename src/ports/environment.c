/* environment.c - see environment.h. */
#include "ports/environment.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/str.h"
#include "ports/host_path.h"
#include "ports/vault.h"

/* A container's variable ends at its first NUL, and goes to the engine as JSON. */
static int
check_text(struct str text, const char *what, const char *name, struct err *err)
{
	if (text.n == 0)
		return err_set(err, "%s %s is empty", what, name);
	if (memchr(text.p, '\0', text.n) != NULL || !json_takes(text))
		return err_set(err, "%s %s holds what is no text (UTF-8)", what, name);
	return 0;
}

/* Without the newline that editors put at the end. */
static int
read_path(const char *allowed, const char *path, struct buf *value, struct err *err)
{
	char real[HOST_PATH_SIZE];
	struct buf text;
	struct str view;
	int result;

	if (host_path_resolve(path, real, err) != 0)
		return -1;
	if (!host_path_is_in(allowed, real))
		return err_set(err,
		    "%s lies in none of the folders of SLIPWAY_SECRET_PATHS (%s)", real,
		    allowed);
	buf_init(&text, VALUE_SIZE);
	result = file_read(real, &text, err);
	view = buf_view(&text);
	if (view.n > 0 && view.p[view.n - 1] == '\n')
		view.n--;
	if (result == 0)
		result = check_text(view, "the file", path, err);
	if (result == 0)
		buf_str(value, view);
	buf_wipe(&text);
	return result;
}

static int
read_variable(const char *name, struct buf *value, struct err *err)
{
	const char *text = getenv(name);

	if (text == NULL || text[0] == '\0')
		return err_set(err, "the server has no environment variable %s", name);
	if (strlen(text) >= VALUE_SIZE)
		return err_set(err, "the environment variable %s is longer than %d bytes",
		    name, VALUE_SIZE - 1);
	if (check_text(str_of(text), "the environment variable", name, err) != 0)
		return -1;
	buf_text(value, text);
	return 0;
}

int
environment_value(const struct environment *from, const struct pair_spec *pair,
    struct buf *value, int64_t *ret_version, struct err *err)
{
	int result = 0;

	*ret_version = 0;
	switch (pair->source) {
	case VALUE_PLAIN:
		buf_text(value, pair->value);
		return 0;
	case VALUE_SECRET:
		result = vault_get(from->vault, pair->value, value, ret_version, err);
		break;
	case VALUE_FILE:
		result = read_path(from->paths, pair->value, value, err);
		break;
	case VALUE_VARIABLE:
		result = read_variable(pair->value, value, err);
		break;
	}
	if (result != 0)
		err_context(err, "env %.80s", pair->name);
	return result;
}

int
environment_check(
    const struct environment *from, const struct stage_spec *spec, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < spec->env_count && result == 0; i++) {
		struct buf value;
		int64_t version;

		if (spec->env[i].source == VALUE_PLAIN)
			continue;
		buf_init(&value, VALUE_SIZE);
		result = environment_value(from, &spec->env[i], &value, &version, err);
		buf_wipe(&value);
	}
	return result;
}
