/* letter.h - what a notification says, and how each kind of receiver wants it said. Pure.
 *
 * The one idea: a letter holds everything that may be told, as plain text; each form escapes it for
 * its own language, so that nothing in a tag or a reason can be more than text there. */
#ifndef SLIPWAY_PORTS_LETTER_H
#define SLIPWAY_PORTS_LETTER_H

#include <stdint.h>

#include "base/limits.h"
#include "base/notice.h"
#include "base/str.h"
#include "config/receiver.h"

enum { NOTICE_TEST = NOTICE_COUNT }; /* a person tries a receiver */

struct letter { /* texts: "" when there is none */
	int notice; /* enum notice, or NOTICE_TEST */
	const char *delivery;
	const char *tier;
	const char *project;
	const char *stage;
	const char *image;
	const char *tag;
	const char *digest;
	const char *text; /* why, or what exactly */
	const char *url; /* where the stage is reached */
	uint64_t deploy; /* 0: none */
	int64_t at_ms; /* when it happened */
};

const char *letter_event(const struct letter *letter);

/* One line: "shop/production: v3 is live". */
void letter_title(const struct letter *letter, struct buf *to);

/* Whole sentences, with a newline between them. */
void letter_body(const struct letter *letter, struct buf *to);

/* What is posted to a receiver of that kind; not for mail. target: an ntfy topic. */
void letter_write(const struct letter *letter, enum receiver_kind kind, const char *target,
    struct buf *json);

/* A whole message (RFC 5322) with a plain and an HTML part. Addresses hold no control characters. */
void letter_mail(
    const struct letter *letter, const char *from, const char *const *to, struct buf *mail);

#endif
