/* notice.h - what people can be told of, and what each is called outside: in slipway.yml, in the
 * store, in the deliveries themselves. */
#ifndef SLIPWAY_BASE_NOTICE_H
#define SLIPWAY_BASE_NOTICE_H

#include <stdint.h>

/* clang-format off */
#define NOTICES(X)                                                                            \
	X(STARTED, "deploy_started")         /* a deploy has its turn */                      \
	X(SUCCEEDED, "deploy_success")       /* it is live */                                 \
	X(FAILED, "deploy_failure")          /* it ended before anything of it ran */         \
	X(ROLLED_BACK, "deploy_rolled_back") /* it ran, was not good, and is gone again */    \
	X(HELD, "deploy_held")               /* its digest is in quarantine */                \
	X(APPROVAL, "approval_wanted")       /* it waits for a person */                      \
	X(DRIFT, "drift")                    /* somebody else has changed a route */          \
	X(GONE, "instance_gone")             /* a container of what is live has ended */
/* clang-format on */

#define NOTICE_KIND(name, text) NOTICE_##name,
enum notice { NOTICES(NOTICE_KIND) NOTICE_COUNT };
#undef NOTICE_KIND

extern const char *const notice_names[NOTICE_COUNT];

/* NOTICE_COUNT: no such name. */
enum notice notice_by_name(const char *name);

/* Sets of them. */
#define NOTICE(name) (UINT32_C(1) << NOTICE_##name)
enum { NOTICES_ALL = (1 << NOTICE_COUNT) - 1 };
/* Without a word in slipway.yml: everything but that a deploy begins. */
enum { NOTICES_USUAL = NOTICES_ALL & ~(1 << NOTICE_STARTED) };

#endif
