/* tag_policy.h - which tags a stage may deploy, and which of two is the newer one.
 *
 * The one idea: one pure judge for polls, webhooks and `slipway explain`, so that what is explained is
 * what is done. A tag is kept or refused with a code for programs and words for people; kept ones have
 * a total order, in which no two tags are equal, so that a list gives the same result in any order. */
#ifndef SLIPWAY_CONFIG_TAG_POLICY_H
#define SLIPWAY_CONFIG_TAG_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/semver.h"

struct stage_spec;

/* Codes are part of the API: never changed, only added to. */
#define TAG_REASONS(X)                                                       \
	X(TAG_KEPT, "kept") /* the policy allows it */                       \
	X(TAG_NOT_VALID, "not-valid") /* no tag can be called so */          \
	X(TAG_ATTACHMENT, "attachment") /* a signature or the like */        \
	X(TAG_GLOB, "glob") /* does not fit the pattern */                   \
	X(TAG_REGEX, "regex") /* does not fit the regular expression */      \
	X(TAG_REGEX_LIMIT, "regex-limit") /* which takes too long with it */ \
	X(TAG_NO_VERSION, "no-version") /* no semantic version */            \
	X(TAG_RANGE, "range") /* outside the range */                        \
	X(TAG_PRERELEASE, "prerelease") /* inside, but not asked for */      \
	X(TAG_NO_NUMBER, "no-number")                                        \
	X(TAG_NO_DATE, "no-date")                                            \
	/* of kept ones, by what else is known */                            \
	X(TAG_OLDER, "older") /* than what is live or was seen last */       \
	X(TAG_TOO_YOUNG, "too-young") /* min_age */                          \
	X(TAG_MOVED, "moved") /* immutable, and has another digest now */    \
	X(TAG_QUARANTINED, "quarantined") /* its digest was rolled back */   \
	X(TAG_LIVE, "live") /* its digest serves already */                  \
	X(TAG_SEEN, "seen") /* a poll has had it: it is no news */           \
	X(TAG_NOT_FOUND, "not-found") /* listed, but has no image */

#define TAG_REASON_NAME(name, code) name,
enum tag_reason { TAG_REASONS(TAG_REASON_NAME) TAG_REASON_COUNT };
#undef TAG_REASON_NAME

extern const char *const tag_reason_codes[TAG_REASON_COUNT];

struct tag_judged {
	const char *tag; /* not owned */
	enum tag_reason reason;
	struct str part; /* of it: what is ordered by */
	struct semver version; /* semver */
	int64_t seconds; /* date */
};

struct tag_policy;

/* Signatures, attestations and the like are stored as tags, named after the digest they are about. */
bool tag_is_attachment(struct str tag);

/* What the policy is made of, checked: NULL and err says which key is wrong and why. */
struct tag_policy *tag_policy_new(const struct stage_spec *spec, struct err *err) MUST_USE;
void tag_policy_free(struct tag_policy *policy); /* NULL allowed */

/* tag must stay where it is as long as *ret_judged is used. KEPT, or refused by the policy alone. */
void
tag_policy_judge(struct tag_policy *policy, const char *tag, struct tag_judged *ret_judged);

/* Of two kept ones: <0: a is older. 0 only for the same tag. */
int tag_policy_order(
    const struct tag_policy *policy, const struct tag_judged *a, const struct tag_judged *b);

/* Kept ones first, the newest at the top; then the others by name. */
void tag_policy_sort(const struct tag_policy *policy, struct tag_judged *tags, size_t count);

/* The one tag that the policy can mean, so that no list is needed; NULL: there are many. */
const char *tag_policy_only(const struct tag_policy *policy);

bool tag_policy_is_immutable(const struct tag_policy *policy, const char *tag);
bool tag_policy_allows_downgrade(const struct tag_policy *policy);
int64_t tag_policy_min_age_ms(const struct tag_policy *policy); /* 0: none */

/* Why the policy itself refused it, for a person; "" when it was kept. */
void tag_policy_explain(
    const struct tag_policy *policy, const struct tag_judged *judged, char words[REASON_SIZE]);

/* The policy in a few words: "v*", "semver ^1.2 of v*". */
void tag_policy_name(const struct stage_spec *spec, char name[REASON_SIZE]);

/* Do both choose and order tags in the same way? Then what was seen under one holds under the other. */
bool tag_policy_chooses_alike(const struct stage_spec *a, const struct stage_spec *b);

#endif
