/* caddy_names.c - where a stage is, in the file of names.
 *
 * The one idea: the file is the memory. It belongs to all proxies of this store, so each change reads it,
 * changes one stage and writes it whole. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "ports/caddy_inside.h"

size_t
caddy_targets(const struct proxy_config *config, const struct front_route *route,
    struct name_target targets[REPLICAS_MAX])
{
	for (size_t i = 0; i < route->target_count; i++) {
		targets[i] = (struct name_target){ .stage = route->stage,
			.deploy = route->deploy,
			.replica = route->targets[i].replica,
			.is_live = true };
		snprintf(targets[i].address, sizeof(targets[i].address), "%s",
		    route->targets[i].address);
		snprintf(targets[i].listen, sizeof(targets[i].listen), "%s", config->names);
	}
	return route->target_count;
}

/* What cannot be read, or is another store's, is an empty table of ours. */
static void
read_ours(const char *path, const char *mark, struct names *names)
{
	struct err err;

	if (names_read(path, names, &err) != 0) {
		log_warn(NULL, "names.unreadable", "%s; it is written anew", err.text);
		names_free(names);
	}
	if (strcmp(names->mark, mark) != 0)
		names_free(names);
}

static int
write_changed(const char *path, const struct names *names, const struct buf *before,
    bool *ret_is_new, struct err *err)
{
	struct buf after;
	int result = 0;

	buf_init(&after, NAMES_FILE_MAX);
	names_write(names, &after);
	*ret_is_new =
	    before->n != after.n || memcmp(buf_cstr(before), buf_cstr(&after), after.n) != 0;
	if (after.overflow)
		result = err_set(err, "too many names for %s", path);
	else if (*ret_is_new)
		result = file_replace(path, buf_view(&after), err);
	buf_free(&after);
	return result;
}

int
caddy_names_change(const char *path, const char *mark, uint64_t stage,
    const struct name_target *targets, size_t count, bool *ret_is_new, struct err *err)
{
	struct names names = { .targets = NULL };
	struct buf before;
	int result = 0;

	*ret_is_new = false;
	for (size_t i = 0; i < count; i++)
		if (!names_is_address(targets[i].address)
		    || !names_is_address(targets[i].listen))
			return err_set(err,
			    "%s is no address with a port: 'names' of the proxy and the "
			    "containers' own need one",
			    names_is_address(targets[i].listen) ? targets[i].address
								: targets[i].listen);
	read_ours(path, mark, &names);
	buf_init(&before, NAMES_FILE_MAX);
	if (names.mark[0] != '\0')
		names_write(&names, &before);
	snprintf(names.mark, sizeof(names.mark), "%s", mark);
	if (count > 0)
		names_put(&names, targets, count);
	else
		names_drop(&names, stage);
	if (count > 0 || before.n > 0)
		result = write_changed(path, &names, &before, ret_is_new, err);
	buf_free(&before);
	names_free(&names);
	return result;
}

bool
caddy_names_have(
    const char *path, const char *mark, const struct name_target *targets, size_t count)
{
	struct names names = { .targets = NULL };
	struct err ignored;
	bool has = names_read(path, &names, &ignored) == 0 && strcmp(names.mark, mark) == 0
		   && names_has(&names, targets, count);

	names_free(&names);
	return has;
}
