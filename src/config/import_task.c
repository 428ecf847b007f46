/* import_task.c - what runs once in a container of its own: the word `none`, or a map with its command;
 * the hooks, a map of such; and the verification window behind the switch. */
#include "config/import.h"

#include <string.h>

static bool
read_member(
    struct import *im, const struct node *member, const struct field *field, void *record)
{
	void *to = (char *)record + field->offset;

	if (field->kind == FIELD_STRINGS)
		return value_strings(im, member, field, to);
	if (field->kind == FIELD_BOOL)
		return value_bool(im, member, field->key, to);
	if (field->kind == FIELD_INTEGER)
		return value_integer(im, member, field->key, field->least, field->most, to);
	if (field->kind == FIELD_TASK)
		return import_task(im, member, field, to);
	CHECK(field->kind == FIELD_DURATION);
	return value_quantity(im, member, field, to);
}

static bool
read_known(
    struct import *im, const struct node *member, const struct field *field, void *record)
{
	for (size_t i = 0; i < field->member_count; i++)
		if (str_is(member->key, field->members[i].key))
			return read_member(im, member, &field->members[i], record);
	return false;
}

bool
import_members(
    struct import *im, const struct node *map, const struct field *field, void *record)
{
	const char *known[MEMBER_COUNT_MAX + 1] = { NULL };
	bool is_good = true;

	CHECK(field->member_count < COUNT(known));
	for (size_t i = 0; i < field->member_count; i++)
		known[i] = field->members[i].key;
	for (const struct node *member = map->first; member != NULL; member = member->next)
		if (member->kind == NODE_REFUSED || !key_is_known(im, member, known)
		    || !read_known(im, member, field, record))
			is_good = false;
	return is_good;
}

static bool
is_none(const struct node *node)
{
	return node->kind == NODE_SCALAR && str_is(node->text, "none");
}

bool
import_task(struct import *im, const struct node *node, const struct field *field,
    struct task_spec *ret_task)
{
	struct task_spec task = { .timeout_ms = 0 };

	fields_set_defaults(field->members, field->member_count, &task);
	if (node->kind == NODE_REFUSED)
		return false;
	if (is_none(node)) {
		*ret_task = task;
		return true;
	}
	if (node->kind != NODE_MAP) {
		import_fault(im, node,
		    "'%s' must be a map with its command, or none: {command: [\"/app\", "
		    "\"migrate\"], timeout: 10m}",
		    field->key);
		return false;
	}
	if (!import_members(im, node, field, &task))
		return false;
	if (task.command.count == 0) {
		import_fault_key(im, node,
		    "'%s' has no 'command': what its container shall run, one entry for each "
		    "word",
		    field->key);
		return false;
	}
	*ret_task = task;
	return true;
}

bool
import_hooks(struct import *im, const struct node *node, const struct field *field,
    struct hooks_spec *ret_hooks)
{
	struct hooks_spec hooks;

	memset(&hooks, 0, sizeof(hooks));
	fields_set_defaults(field->members, field->member_count, &hooks);
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind != NODE_MAP && !is_none(node)) {
		import_fault(im, node,
		    "'%s' must be a map of pre_switch, post_switch and post_retire, or none: "
		    "{pre_switch: {command: [smoke-test]}}",
		    field->key);
		return false;
	}
	if (node->kind == NODE_MAP && !import_members(im, node, field, &hooks))
		return false;
	*ret_hooks = hooks;
	return true;
}

bool
import_verify(struct import *im, const struct node *node, const struct field *field,
    struct verify_spec *ret_verify)
{
	struct verify_spec verify;

	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind != NODE_MAP && !is_none(node)) {
		import_fault(im, node,
		    "'%s' must be a map that says for how long, or none: {for: 60s}",
		    field->key);
		return false;
	}
	fields_set_defaults(field->members, field->member_count, &verify);
	if (node->kind == NODE_MAP) {
		verify.for_ms = -1;
		if (!import_members(im, node, field, &verify))
			return false;
	}
	if (verify.for_ms < 0) {
		import_fault_key(im, node,
		    "'%s' has no 'for': how long a new version is watched behind its switch",
		    field->key);
		return false;
	}
	if (verify.for_ms == 0) /* what else was said of it says nothing */
		fields_set_defaults(field->members, field->member_count, &verify);
	*ret_verify = verify;
	return true;
}
