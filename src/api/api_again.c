/* api_again.c - a POST with an Idempotency-Key is done once: who sends it again is given the same answer.
 *
 * Only what was done is kept. A request that was refused changed nothing, and may come again with the same
 * key; so may one whose answer waits for something outside. */
#include <string.h>

#include "api/inside.h"
#include "base/clock.h"
#include "store/answers.h"

static bool
is_valid_key(struct str key)
{
	for (size_t i = 0; i < key.n; i++)
		if (key.p[i] <= ' ' || key.p[i] >= 0x7f)
			return false;
	return key.n <= IDEMPOTENCY_KEY_MAX;
}

static struct str
key_of(const struct request *rq)
{
	return rq->method == METHOD_POST ? request_header(rq, "Idempotency-Key") : STR("");
}

static void
hash_request(const struct request *rq, char hash[HASH_HEX_SIZE])
{
	struct buf text;

	buf_init(&text, HTTP_TARGET_MAX * 4 + HASH_HEX_SIZE);
	request_write_target(rq, &text);
	hash_sha256_hex(rq->body, hash);
	buf_text(&text, hash);
	CHECK(!text.overflow);
	hash_sha256_hex(buf_view(&text), hash);
	buf_free(&text);
}

static void
give_again(struct request *rq, const struct kept_answer *kept, struct str body)
{
	char hash[HASH_HEX_SIZE];

	hash_request(rq, hash);
	if (strcmp(hash, kept->request) != 0) {
		reply_error(rq, 409, "CONFLICT",
		    "this Idempotency-Key was sent with another request: take a new one for "
		    "each "
		    "thing to be done");
		return;
	}
	if (!kept->is_whole) {
		reply_error(rq, 409, "CONFLICT",
		    "the request with this Idempotency-Key was done; its answer was over %d "
		    "bytes "
		    "and is not kept",
		    IDEMPOTENCY_ANSWER_MAX);
		return;
	}
	reply_header(rq, "Idempotency-Replayed", STR("true"));
	buf_str(reply_body(rq), body);
	reply_json(rq, kept->status);
}

bool
api_answer_again(struct app *app, struct request *rq)
{
	struct str key = key_of(rq);
	struct kept_answer kept;
	struct buf body;
	bool found;

	if (key.n == 0)
		return false;
	if (!is_valid_key(key)) {
		reply_error(rq, 400, "INVALID",
		    "an Idempotency-Key has at most %d visible ASCII characters",
		    IDEMPOTENCY_KEY_MAX);
		return true;
	}
	buf_init(&body, IDEMPOTENCY_ANSWER_MAX + 1);
	found = store_answer_get(app->store, key, clock_wall_ms(), &kept, &body);
	if (found)
		give_again(rq, &kept, buf_view(&body));
	buf_free(&body);
	return found;
}

void
api_keep_answer(struct app *app, struct request *rq)
{
	struct str key = key_of(rq);
	struct kept_answer kept = { .status = 0 };
	struct str body;

	if (key.n == 0 || !reply_is_json(rq, &kept.status, &body) || kept.status >= 300)
		return;
	kept.is_whole = body.n <= IDEMPOTENCY_ANSWER_MAX;
	hash_request(rq, kept.request);
	store_answer_put(app->store, key, clock_wall_ms(), &kept, body);
}
