/* names_check.h - does the name server tell what the file says?
 *
 * The one idea: a file that was written is no switch yet. Whoever answers on the address may be
 * another program, or nobody; so the question is asked that Caddy will ask. */
#ifndef SLIPWAY_PORTS_NAMES_CHECK_H
#define SLIPWAY_PORTS_NAMES_CHECK_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct name_target;
struct names_check;

/* trouble: NULL when it tells just these; else what it does instead, for a person. */
typedef void names_check_fn(void *context, const char *trouble);

/* Asks until the answer is right or wait_ms are over. targets (of one stage, on one address) are copied.
 * done comes once, from a loop turn; the check is freed before. */
struct names_check *
names_check_new(struct loop *loop, const char *mark, const struct name_target *targets,
    size_t count, int64_t wait_ms, names_check_fn *done, void *context);
void names_check_free(struct names_check *check); /* without done; NULL allowed */

#endif
