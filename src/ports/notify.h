/* notify.h - notifications go out: webhooks, chats, phones, mail.
 *
 * Answers NOTIFY with NOTIFIED, TROUBLED (asking again may help: the receiver is away, busy or its
 * secret is not there) or REFUSED; each with the receiver's status. Redirects are not followed, so a
 * receiver cannot send what it gets to somebody else, and a secret leaves by TLS alone unless the
 * configuration allows otherwise. */
#ifndef SLIPWAY_PORTS_NOTIFY_H
#define SLIPWAY_PORTS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/str.h"

struct effect;
struct notifier;
struct port_host;
struct vault;

/* vault: where secrets are that receivers name. is_https: the edge takes HTTPS, so links to stages are such. */
struct notifier *
notifier_new(const struct port_host *host, struct vault *vault, bool is_https);
void notifier_free(struct notifier *); /* NULL allowed */

void notifier_perform(struct notifier *, const struct effect *effect);
void notifier_forget(struct notifier *, uint64_t actor);

/* Something is in line or on its way. */
bool notifier_is_busy(const struct notifier *);

/* One try of one receiver, for a person who waits for what comes of it. */
struct notify_test {
	const char *receiver; /* a name of the catalog */
	const char *tier;
	const char *project; /* "" : all */
	const char *stage; /* "": all of the project */
};

struct notify_tested {
	bool is_delivered;
	int status; /* of HTTP or SMTP; 0: none came */
	int64_t latency_ms;
	bool is_signed;
	char delivery[UUID_SIZE];
	char snippet[REASON_SIZE]; /* the beginning of the answer */
	char why[REASON_SIZE]; /* not delivered: why */
};

/* Answered once, in a later turn or at once; with NULL when the notifier goes away before. */
typedef void notify_tested_fn(void *context, const struct notify_tested *tested);
void notifier_test(struct notifier *, const struct notify_test *test,
    notify_tested_fn *on_done, void *context);

#endif
