/* import_tags.c - the tag policy: a pattern alone, or a map that says which tags count and which of them
 * is the newest.
 *
 * The one idea: a policy replaces the one of the project as a whole, and keys that contradict each other
 * or do nothing are faults: somebody who writes `prereleases` beside `numeric` believes in it. */
#include "config/import.h"

#include <string.h>

#include "config/image.h"
#include "config/tag_policy.h"

static const char *const keys[] = { "exact", "digest", "glob", "regex", "semver",
	"prereleases", "numeric", "date", "downgrade", "min_age", "immutable", NULL };

static const char *
rule_tag(const char *text)
{
	return image_tag_is_valid(str_of(text))
		   ? NULL
		   : "is no tag: letters, digits, '_', '.' and '-', not beginning with '.' or "
		     "'-'";
}

static bool
is_there(const struct node *map, const char *key)
{
	return node_get(map, key) != NULL;
}

/* allow or refuse. */
static bool
read_downgrade(struct import *im, const struct node *node, bool *ret_is_allowed)
{
	if (node->kind == NODE_SCALAR
	    && (str_is(node->text, "allow") || str_is(node->text, "refuse"))) {
		*ret_is_allowed = str_is(node->text, "allow");
		return true;
	}
	if (node->kind != NODE_REFUSED)
		import_fault(im, node, "'downgrade' must be allow or refuse");
	return false;
}

/* true: every tag; or a pattern of those. */
static bool
read_immutable(struct import *im, const struct node *node, const char **ret_glob)
{
	bool is_all = false;

	if (node->kind != NODE_SCALAR || node_scalar_type(node) != SCALAR_BOOL)
		return value_text(im, node, "immutable", TAG_SIZE - 1, rule_glob, ret_glob);
	if (!value_bool(im, node, "immutable", &is_all))
		return false;
	*ret_glob = is_all ? "*" : "";
	return true;
}

static bool
read_member(struct import *im, const struct node *member, struct stage_spec *spec)
{
	const char *key = member->key.p;

	if (strcmp(key, "exact") == 0 || strcmp(key, "digest") == 0)
		return value_text(im, member, key, TAG_SIZE - 1, rule_tag, &spec->tags);
	if (strcmp(key, "glob") == 0)
		return value_text(im, member, key, TAG_SIZE - 1, rule_glob, &spec->tags);
	if (strcmp(key, "regex") == 0)
		return value_text(
		    im, member, key, TAG_REGEX_SIZE - 1, rule_line, &spec->tag_regex);
	if (strcmp(key, "semver") == 0)
		return value_text(im, member, key, TAG_SIZE - 1, rule_line, &spec->tag_semver);
	if (strcmp(key, "date") == 0)
		return value_text(im, member, key, TAG_SIZE - 1, rule_line, &spec->tag_date);
	if (strcmp(key, "prereleases") == 0)
		return value_bool(im, member, key, &spec->tag_prereleases);
	if (strcmp(key, "numeric") == 0)
		return value_bool(im, member, key, &spec->tag_numeric);
	if (strcmp(key, "downgrade") == 0)
		return read_downgrade(im, member, &spec->tag_downgrade);
	if (strcmp(key, "min_age") == 0)
		return value_quantity(
		    im, member, &stage_fields[STAGE_FIELD_TAG_MIN_AGE], &spec->tag_min_age_ms);
	CHECK(strcmp(key, "immutable") == 0);
	return read_immutable(im, member, &spec->tag_immutable);
}

/* Of one tag: nothing to choose or to order. */
static bool
check_single(struct import *im, const struct node *map)
{
	static const char *const many[] = { "glob", "regex", "semver", "prereleases",
		"numeric", "date", "downgrade" };
	const char *single = is_there(map, "exact") ? "exact" : "digest";
	bool is_good = true;

	if (!is_there(map, single))
		return true;
	if (is_there(map, "exact") && is_there(map, "digest")) {
		import_fault_key(im, node_get(map, "digest"),
		    "'digest' beside 'exact': follow what one tag leads to, or do not");
		return false;
	}
	for (size_t i = 0; i < COUNT(many); i++)
		if (is_there(map, many[i])) {
			import_fault_key(im, node_get(map, many[i]),
			    "'%s' beside '%s', which means one tag", many[i], single);
			is_good = false;
		}
	if (is_there(map, "immutable")) {
		import_fault_key(im, node_get(map, "immutable"),
		    strcmp(single, "digest") == 0
			? "'immutable' beside 'digest', which follows a tag that moves"
			: "'immutable' beside 'exact', which says so already");
		is_good = false;
	}
	return is_good;
}

static bool
check_members(struct import *im, const struct node *map, const struct stage_spec *spec)
{
	bool is_good = check_single(im, map);

	if (is_there(map, "prereleases") && spec->tag_semver[0] == '\0') {
		import_fault_key(im, node_get(map, "prereleases"),
		    "'prereleases' does nothing without 'semver'");
		is_good = false;
	}
	return is_good;
}

/* Can it be obeyed? The words name the key. */
static bool
check_policy(struct import *im, const struct node *map, const struct stage_spec *spec)
{
	struct tag_policy *policy;
	struct err err;

	policy = tag_policy_new(spec, &err);
	if (policy == NULL)
		import_fault(im, map, "'tags': %s", err.text);
	tag_policy_free(policy);
	return policy != NULL;
}

static void
take_policy(struct stage_spec *to, const struct stage_spec *from)
{
	to->tags = from->tags;
	to->tag_regex = from->tag_regex;
	to->tag_semver = from->tag_semver;
	to->tag_prereleases = from->tag_prereleases;
	to->tag_numeric = from->tag_numeric;
	to->tag_date = from->tag_date;
	to->tag_downgrade = from->tag_downgrade;
	to->tag_min_age_ms = from->tag_min_age_ms;
	to->tag_immutable = from->tag_immutable;
}

bool
import_tags(struct import *im, const struct node *node, struct stage_spec *spec)
{
	struct stage_spec policy;
	bool is_good = true;

	stage_spec_set_defaults(&policy);
	if (node->kind != NODE_MAP) {
		is_good = value_text(im, node, "tags", TAG_SIZE - 1, rule_glob, &policy.tags);
	} else if (node->count == 0) {
		import_fault(im, node,
		    "'tags' is an empty map: name a policy, {semver: \"^1.2\"} for example, "
		    "or "
		    "write a pattern");
		is_good = false;
	} else {
		for (const struct node *m = node->first; m != NULL; m = m->next)
			is_good = m->kind != NODE_REFUSED && key_is_known(im, m, keys)
				  && read_member(im, m, &policy) && is_good;
		if (is_there(node, "exact"))
			policy.tag_immutable = "*";
		is_good = is_good && check_members(im, node, &policy)
			  && check_policy(im, node, &policy);
	}
	if (is_good)
		take_policy(spec, &policy);
	return is_good;
}
