/* import_task.c - what runs once in a container of its own: the word `none`, or a map with its command. */
#include "config/import.h"

#include <string.h>

static bool
read_member(struct import *im, const struct node *member, struct task_spec *task)
{
	for (size_t i = 0; i < COUNT(task_fields); i++) {
		const struct field *field = &task_fields[i];
		void *to = (char *)task + field->offset;

		if (!str_is(member->key, field->key))
			continue;
		if (field->kind == FIELD_STRINGS)
			return value_strings(im, member, field, to);
		if (field->kind == FIELD_BOOL)
			return value_bool(im, member, field->key, to);
		CHECK(field->kind == FIELD_DURATION);
		return value_quantity(im, member, field, to);
	}
	return false;
}

static bool
read_members(struct import *im, const struct node *map, struct task_spec *task)
{
	const char *known[TASK_FIELD_COUNT + 1] = { NULL };
	bool is_good = true;

	for (size_t i = 0; i < COUNT(task_fields); i++)
		known[i] = task_fields[i].key;
	for (const struct node *member = map->first; member != NULL; member = member->next)
		if (member->kind == NODE_REFUSED || !key_is_known(im, member, known)
		    || !read_member(im, member, task))
			is_good = false;
	return is_good;
}

bool
import_task(
    struct import *im, const struct node *node, const char *key, struct task_spec *ret_task)
{
	struct task_spec task = { .timeout_ms = 0 };

	fields_set_defaults(task_fields, COUNT(task_fields), &task);
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind == NODE_SCALAR && str_is(node->text, "none")) {
		*ret_task = task;
		return true;
	}
	if (node->kind != NODE_MAP) {
		import_fault(im, node,
		    "'%s' must be a map with its command, or none: {command: [\"/app\", "
		    "\"migrate\"], timeout: 10m}",
		    key);
		return false;
	}
	if (!read_members(im, node, &task))
		return false;
	if (task.command.count == 0) {
		import_fault_key(im, node,
		    "'%s' has no 'command': what its container shall run, one entry for each "
		    "word",
		    key);
		return false;
	}
	*ret_task = task;
	return true;
}
