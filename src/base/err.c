/* err.c - error texts. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *err, const char *format, ...)
{
	va_list args;

	CHECK(err != NULL);
	va_start(args, format);
	vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	return -1;
}

int
err_errno(struct err *err, const char *format, ...)
{
	int number = errno;
	char head[ERR_TEXT_SIZE / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(head, sizeof(head), format, args);
	va_end(args);
	return err_set(err, "%s: %s", head, strerror(number));
}

int
err_context(struct err *err, const char *format, ...)
{
	char head[ERR_TEXT_SIZE / 2];
	char tail[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(head, sizeof(head), format, args);
	va_end(args);
	memcpy(tail, err->text, sizeof(tail));
	snprintf(err->text, sizeof(err->text), "%s: %s", head, tail);
	return -1;
}
