/* check.h - assertions that stay on in production, and a few compiler attributes.
 *
 * CHECK is for what cannot happen unless the program is wrong; never for input. */
#ifndef SLIPWAY_BASE_CHECK_H
#define SLIPWAY_BASE_CHECK_H

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))
#define UNUSED __attribute__((unused))

/* Prints where and what on standard error, then aborts. */
_Noreturn void
check_failed(const char *file, int line, const char *function, const char *what);

#define CHECK(condition) \
	((condition) ? (void)0 : check_failed(__FILE__, __LINE__, __func__, #condition))

#endif
