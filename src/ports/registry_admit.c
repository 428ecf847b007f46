/* registry_admit.c - may a digest that a tag leads to be taken by itself now? Not while it is younger than
 * the policy's min_age, and not when an immutable tag has moved to it.
 *
 * The one idea: both are told from what this server itself has seen, since what an image says of its age
 * is written by whoever built it. A person is not asked, and what he deploys is right. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/units.h"
#include "ports/registry_parts.h"
#include "store/tags.h"

static bool
is_asked_for(const struct task *task)
{
	return task->policy != NULL
	       && (tag_policy_min_age_ms(task->policy) > 0
		   || tag_policy_is_immutable(task->policy, task->image.tag));
}

/* What the tag has been so far; what serves under it says so when it was never noted. */
static bool
find_record(struct task *task, char digest[DIGEST_SIZE])
{
	struct store *store = task->registry->host.store;

	if (store_tag_record(store, task->effect.stage, task->image.tag, digest))
		return true;
	if (strcmp(task->marks.live_tag, task->image.tag) != 0)
		return false;
	memcpy(digest, task->marks.live_digest, DIGEST_SIZE);
	return digest[0] != '\0';
}

static void
alarm_moved(const struct task *task, const char *digest, const char *words)
{
	struct log_context log = { .project = task->project,
		.stage = task->stage,
		.tag = task->image.tag,
		.digest = digest };

	log_event(LOG_ERROR, &log, "tag.moved", NULL, "%s/%s:%s %s", task->image.host,
	    task->image.path, task->image.tag, words);
}

/* is_noted: what is seen now is kept, and told once. */
static bool
has_moved(struct task *task, const char *digest, bool is_noted, char words[REASON_SIZE])
{
	struct store *store = task->registry->host.store;
	uint64_t stage = task->effect.stage;
	const char *tag = task->image.tag;
	char record[DIGEST_SIZE];
	int64_t first_ms;

	if (!tag_policy_is_immutable(task->policy, tag) || !find_record(task, record))
		return false;
	if (strcmp(record, digest) == 0) {
		struct moved_tag any;

		if (is_noted && store_tags_moved(store, stage, &any, 1) > 0)
			store_tag_settle(store, stage, tag, digest, clock_now_ms());
		return false;
	}
	snprintf(words, REASON_SIZE,
	    "is immutable and has moved from %.19s to %.19s: it is not deployed by itself; "
	    "deploy it by hand if that is right",
	    record, digest);
	first_ms = store_tag_first_ms(store, stage, tag, digest);
	if (is_noted && first_ms == 0) {
		store_tag_see(store, stage, tag, record, clock_now_ms(), false);
		store_tag_see(store, stage, tag, digest, clock_now_ms(), true);
		alarm_moved(task, digest, words);
	}
	return true;
}

static bool
is_too_young(struct task *task, const char *digest, char words[REASON_SIZE])
{
	int64_t wanted_ms = tag_policy_min_age_ms(task->policy);
	int64_t first_ms = store_tag_first_ms(
	    task->registry->host.store, task->effect.stage, task->image.tag, digest);
	int64_t age_ms = first_ms == 0 ? 0 : clock_now_ms() - first_ms;
	char wanted[UNITS_TEXT_SIZE];

	if (age_ms >= wanted_ms)
		return false;
	units_duration_text(wanted_ms, wanted);
	snprintf(words, REASON_SIZE,
	    "was first seen %" PRId64
	    " s ago and 'min_age' is %s: deploy it by hand to have it "
	    "sooner",
	    age_ms / 1000, wanted);
	return true;
}

enum tag_reason
admit(struct task *task, const char *digest, bool is_noted, char words[REASON_SIZE])
{
	struct store *store = task->registry->host.store;

	words[0] = '\0';
	if (!is_asked_for(task))
		return TAG_KEPT;
	choice_load_marks(task);
	if (has_moved(task, digest, is_noted, words))
		return TAG_MOVED;
	if (is_noted
	    && store_tag_first_ms(store, task->effect.stage, task->image.tag, digest) == 0)
		store_tag_see(
		    store, task->effect.stage, task->image.tag, digest, clock_now_ms(), false);
	return is_too_young(task, digest, words) ? TAG_TOO_YOUNG : TAG_KEPT;
}

void
admit_for_person(struct task *task, const char *digest)
{
	if (task->policy != NULL && tag_policy_is_immutable(task->policy, task->image.tag))
		store_tag_settle(task->registry->host.store, task->effect.stage,
		    task->image.tag, digest, clock_now_ms());
}
