/* value.c - single values: is the type right, is the value in range, and how to mend it if not. */
#include "config/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/units.h"

static void __attribute__((__format__(__printf__, 4, 0)))
tell(struct config_problems *to, int line, int column, const char *format, va_list args)
{
	char text[ERR_TEXT_SIZE];

	vsnprintf(text, sizeof(text), format, args);
	problems_add(to, line, column, "%s", text);
}

void
import_fault(struct import *im, const struct node *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(&im->file->faults, at->line, at->column, format, args);
	va_end(args);
}

void
import_fault_key(struct import *im, const struct node *at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tell(&im->file->faults, at->key_line, at->key_column, format, args);
	va_end(args);
}

void
import_warn(struct import *im, const struct node *at, const char *format, ...)
{
	bool has_key = at->key_line > 0;
	va_list args;

	va_start(args, format);
	tell(&im->file->warnings, has_key ? at->key_line : at->line,
	    has_key ? at->key_column : at->column, format, args);
	va_end(args);
}

static const char *
describe(const struct node *node)
{
	static const char *const scalars[] = {
		[SCALAR_TEXT] = "a text",
		[SCALAR_NULL] = "nothing",
		[SCALAR_BOOL] = "true or false",
		[SCALAR_INTEGER] = "a number",
		[SCALAR_REAL] = "a number",
	};

	if (node->kind == NODE_SCALAR)
		return scalars[node_scalar_type(node)];
	return node->kind == NODE_LIST ? "a list" : "a map";
}

/* What every scalar must be: there, and no list or map. Told already: false without a word. */
static bool
is_scalar(struct import *im, const struct node *node, const char *what, const char *wanted)
{
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind != NODE_SCALAR) {
		import_fault(
		    im, node, "'%s' must be %s, not %s", what, wanted, describe(node));
		return false;
	}
	if (node_scalar_type(node) == SCALAR_NULL) {
		import_fault(
		    im, node, "'%s' has no value: give it one or remove the key", what);
		return false;
	}
	return true;
}

bool
value_text(struct import *im, const struct node *node, const char *what, int64_t most,
    rule_fn *rule, const char **ret_text)
{
	const char *trouble;

	if (!is_scalar(im, node, what, "a text"))
		return false;
	if (node_scalar_type(node) != SCALAR_TEXT) {
		import_fault(im, node,
		    "'%s' must be a text, not %s: put it in quotes: \"%.60s\"", what,
		    describe(node), node->text.p);
		return false;
	}
	if (node->text.n > (size_t)most) {
		import_fault(
		    im, node, "'%s' is longer than %" PRId64 " characters", what, most);
		return false;
	}
	if (rule != NULL && node->text.n == 0) {
		import_fault(im, node, "'%s' is empty: give it a value or remove it", what);
		return false;
	}
	trouble = rule == NULL ? NULL : rule(node->text.p);
	if (trouble != NULL) {
		import_fault(im, node, "'%s': '%.120s' %s", what, node->text.p, trouble);
		return false;
	}
	*ret_text = node->text.p;
	return true;
}

bool
value_bool(struct import *im, const struct node *node, const char *what, bool *ret_bool)
{
	if (!is_scalar(im, node, what, "true or false"))
		return false;
	if (node_scalar_type(node) != SCALAR_BOOL) {
		import_fault(im, node,
		    "'%s' must be true or false, without quotes, not '%.60s'", what,
		    node->text.p);
		return false;
	}
	*ret_bool = node->text.p[0] == 't' || node->text.p[0] == 'T';
	return true;
}

/* Not 0x50, 0o17, +1 or 010, which not every reader of YAML takes for the same number. */
static bool
is_decimal(struct str text)
{
	if (str_starts(text, "-"))
		text = (struct str){ text.p + 1, text.n - 1 };
	return strspn(text.p, "0123456789") == text.n && (text.n == 1 || text.p[0] != '0');
}

bool
value_integer(struct import *im, const struct node *node, const char *what, int64_t least,
    int64_t most, int *ret_integer)
{
	uint64_t number = 0;

	if (!is_scalar(im, node, what, "a number"))
		return false;
	if (node_scalar_type(node) != SCALAR_INTEGER) {
		import_fault(im, node, "'%s' must be a whole number%s, not '%.60s'", what,
		    node->is_plain ? "" : " without quotes", node->text.p);
		return false;
	}
	if (!is_decimal(node->text)) {
		import_fault(im, node, "'%s' must be a plain decimal number, not '%.60s'",
		    what, node->text.p);
		return false;
	}
	if (!str_number(node->text, (uint64_t)most, &number) || (int64_t)number < least) {
		import_fault(im, node,
		    "'%s' is %.60s: it must be from %" PRId64 " to %" PRId64, what,
		    node->text.p, least, most);
		return false;
	}
	*ret_integer = (int)number;
	return true;
}

typedef bool read_fn(struct str text, int64_t *ret_value);
typedef void write_fn(int64_t value, char text[UNITS_TEXT_SIZE]);

struct quantity {
	read_fn *read;
	write_fn *write;
	const char *wanted;
};

static const struct quantity *
quantity_of(enum field_kind kind)
{
	static const struct quantity duration = { units_duration, units_duration_text,
		"a duration with its unit: \"500ms\", \"30s\", \"5m\", \"1h\"" };
	static const struct quantity size = { units_size, units_size_text,
		"a size with its unit: \"512k\", \"256m\", \"1g\"" };
	static const struct quantity cpus = { units_milli, units_milli_text,
		"a number of cores without quotes: 0.5, 2 (three digits behind the point at "
		"most)" };

	if (kind == FIELD_DURATION)
		return &duration;
	return kind == FIELD_SIZE ? &size : &cpus;
}

/* Cores are numbers; the others, having a unit, are texts, quoted or not. */
static bool
has_type_of(const struct node *node, enum field_kind kind)
{
	enum scalar_type type = node_scalar_type(node);

	if (kind == FIELD_CPUS)
		return type == SCALAR_INTEGER || type == SCALAR_REAL;
	return type == SCALAR_TEXT;
}

bool
value_quantity(
    struct import *im, const struct node *node, const struct field *field, int64_t *ret_value)
{
	const struct quantity *quantity = quantity_of(field->kind);
	bool may_be_zero = field->kind == FIELD_DURATION && field->initial == 0;
	char least[UNITS_TEXT_SIZE];
	char most[UNITS_TEXT_SIZE];
	int64_t value = 0;

	if (!is_scalar(im, node, field->key, quantity->wanted))
		return false;
	if (!has_type_of(node, field->kind) || !quantity->read(node->text, &value)) {
		import_fault(im, node, "'%s' must be %s; not '%.60s'", field->key,
		    quantity->wanted, node->text.p);
		return false;
	}
	if ((value < field->least && !(may_be_zero && value == 0)) || value > field->most) {
		quantity->write(field->least, least);
		quantity->write(field->most, most);
		import_fault(im, node, "'%s' is %.60s: it must be from %s to %s%s", field->key,
		    node->text.p, least, most, may_be_zero ? ", or 0s for never" : "");
		return false;
	}
	*ret_value = value;
	return true;
}

bool
value_is_map(struct import *im, const struct node *node, const char *what)
{
	if (node->kind == NODE_MAP)
		return true;
	if (node->kind == NODE_REFUSED)
		return false;
	if (node->kind == NODE_SCALAR && node_scalar_type(node) == SCALAR_NULL)
		return true;
	import_fault(im, node, "'%s' must be a map (key: value lines, indented), not %s", what,
	    describe(node));
	return false;
}
