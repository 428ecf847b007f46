/* options.c - see options.h. */
#include "cli/options.h"

#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "config/nearest.h"

static int
find_name(const struct options *o, struct str name)
{
	for (int i = 0; o->specs[i].name != NULL; i++)
		if (str_is(name, o->specs[i].name))
			return i;
	return -1;
}

static int
find_letter(const struct options *o, char letter)
{
	for (int i = 0; o->specs[i].name != NULL; i++)
		if (o->specs[i].letter == letter)
			return i;
	return -1;
}

static int
tell_unknown(const struct options *o, struct str name, struct err *err)
{
	struct nearest nearest;

	nearest_begin(&nearest, name);
	for (int i = 0; o->specs[i].name != NULL; i++)
		nearest_offer(&nearest, o->specs[i].name);
	if (nearest.name != NULL)
		return err_set(err, "unknown option --%.*s; did you mean --%s?", (int)name.n,
		    name.p, nearest.name);
	return err_set(err, "unknown option --%.*s", (int)name.n, name.p);
}

/* value: what stood in the same word, or NULL. *used_next: the next word was the value. */
static int
take(struct options *o, int index, const char *value, const char *next, bool *used_next,
    struct err *err)
{
	const struct option_spec *spec = &o->specs[index];

	if (o->values[index] != NULL)
		return err_set(err, "--%s is given twice; keep one", spec->name);
	if (spec->value == NULL) {
		if (value != NULL)
			return err_set(
			    err, "--%s takes no value; leave '%s' out", spec->name, value);
		o->values[index] = "";
		return 0;
	}
	if (value == NULL) {
		if (next == NULL || strncmp(next, "--", 2) == 0)
			return err_set(err, "--%s needs a value: --%s %s", spec->name,
			    spec->name, spec->value);
		value = next;
		*used_next = true;
	}
	if (value[0] == '\0')
		return err_set(
		    err, "--%s has an empty value; give it one or leave it out", spec->name);
	o->values[index] = value;
	return 0;
}

static int
take_long(
    struct options *o, const char *word, const char *next, bool *used_next, struct err *err)
{
	const char *equals = strchr(word, '=');
	struct str name = { word, equals == NULL ? strlen(word) : (size_t)(equals - word) };
	int index = find_name(o, name);

	if (index < 0)
		return tell_unknown(o, name, err);
	return take(o, index, equals == NULL ? NULL : equals + 1, next, used_next, err);
}

/* Letters may stand together ("-fn5"); the one with a value is the last. */
static int
take_letters(
    struct options *o, const char *word, const char *next, bool *used_next, struct err *err)
{
	for (; *word != '\0'; word++) {
		int index = find_letter(o, *word);
		bool has_rest = word[1] != '\0';

		if (index < 0)
			return err_set(err, "unknown option -%c", *word);
		if (o->specs[index].value != NULL)
			return take(
			    o, index, has_rest ? word + 1 : NULL, next, used_next, err);
		if (take(o, index, NULL, NULL, used_next, err) != 0)
			return -1;
	}
	return 0;
}

static int
take_argument(struct options *o, const char *word, struct err *err)
{
	if (o->argument_count == ARGUMENTS_MAX)
		return err_set(err, "too many arguments, from '%.80s' on", word);
	o->arguments[o->argument_count++] = word;
	return 0;
}

int
options_parse(struct options *o, const struct option_spec *specs, int count,
    char *const *words, struct err *err)
{
	bool has_ended = false;

	*o = (struct options){ .specs = specs };
	for (int i = 0; specs[i].name != NULL; i++)
		CHECK(i < OPTIONS_MAX);
	for (int i = 0; i < count; i++) {
		const char *word = words[i];
		const char *next = i + 1 < count ? words[i + 1] : NULL;
		bool used_next = false;
		int result;

		if (has_ended || word[0] != '-' || word[1] == '\0')
			result = take_argument(o, word, err);
		else if (strcmp(word, "--") == 0)
			has_ended = true, result = 0;
		else if (word[1] == '-')
			result = take_long(o, word + 2, next, &used_next, err);
		else
			result = take_letters(o, word + 1, next, &used_next, err);
		if (result != 0)
			return -1;
		i += used_next;
	}
	return 0;
}

const char *
options_value(const struct options *o, const char *name)
{
	int index = find_name(o, str_of(name));

	CHECK(index >= 0);
	return o->values[index];
}

bool
options_has(const struct options *o, const char *name)
{
	return options_value(o, name) != NULL;
}

int
options_number(const struct options *o, const char *name, uint64_t least, uint64_t most,
    uint64_t *ret_number, struct err *err)
{
	const char *value = options_value(o, name);
	uint64_t number;

	if (value == NULL)
		return 0;
	if (!str_number(str_of(value), most, &number) || number < least)
		return err_set(err,
		    "--%s: '%.40s' must be a whole number from %" PRIu64 " to %" PRIu64, name,
		    value, least, most);
	*ret_number = number;
	return 0;
}
