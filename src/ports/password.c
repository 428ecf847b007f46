/* password.c - see password.h. */
#include "ports/password.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/file.h"
#include "base/str.h"

static int
read_file(const char *path, char password[PASSWORD_SIZE], struct err *err)
{
	struct buf text;
	struct str line;
	bool fits;

	buf_init(&text, PASSWORD_SIZE - 1);
	if (file_read(path, &text, err) != 0) {
		buf_free(&text);
		return -1;
	}
	str_cut(buf_view(&text), '\n', &line);
	fits = str_copy(password, PASSWORD_SIZE, str_trim(line));
	CHECK(fits);
	if (text.p != NULL)
		explicit_bzero(text.p, text.n);
	buf_free(&text);
	return password[0] == '\0' ? err_set(err, "the file %s is empty", path) : 0;
}

static int
read_variable(const char *name, char password[PASSWORD_SIZE], struct err *err)
{
	const char *value = getenv(name);

	if (value == NULL || value[0] == '\0')
		return err_set(err, "the environment variable %s is not set", name);
	if (!str_copy(password, PASSWORD_SIZE, str_of(value)))
		return err_set(err, "the environment variable %s is longer than %d bytes",
		    name, PASSWORD_SIZE - 1);
	return 0;
}

int
password_read(
    const char *file, const char *variable, char password[PASSWORD_SIZE], struct err *err)
{
	password[0] = '\0';
	if (file[0] != '\0')
		return read_file(file, password, err);
	if (variable[0] != '\0')
		return read_variable(variable, password, err);
	return err_set(err, "set password_file or password_env");
}

void
password_wipe(char password[PASSWORD_SIZE])
{
	explicit_bzero(password, PASSWORD_SIZE);
}
