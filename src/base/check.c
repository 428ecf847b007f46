/* check.c - the one way out for a broken invariant. */
#include "base/check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void
check_failed(const char *file, int line, const char *function, const char *what)
{
	/* An allocation that failed is no fault of the program; the next start goes on all the same. */
	fprintf(stderr, "%s:%d: %s: CHECK failed: %s%s\n", file, line, function, what,
	    errno == ENOMEM
		? " (out of memory: raise its limit, or add some; then start again,"
		  " nothing is lost)"
		: "");
	abort();
}
