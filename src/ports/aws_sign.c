/* aws_sign.c - see aws_sign.h: AWS General Reference, "Create a signed AWS API request". */
#include "ports/aws_sign.h"

#include <string.h>
#include <time.h>

#include "base/hash.h"

enum { CANONICAL_MAX = 8 << 10, SCOPE_MAX = 256 };

void
aws_date(int64_t wall_ms, char date[AWS_DATE_SIZE])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm utc;

	CHECK(gmtime_r(&seconds, &utc) != NULL);
	CHECK(strftime(date, AWS_DATE_SIZE, "%Y%m%dT%H%M%SZ", &utc) == AWS_DATE_SIZE - 1);
}

static void
add_names(const struct aws_request *rq, struct buf *to)
{
	for (size_t i = 0; i < rq->header_count; i++)
		buf_format(to, "%s%s", i == 0 ? "" : ";", rq->headers[i].name);
}

/* The hash of what is signed of the request itself. */
static void
hash_request(const struct aws_request *rq, char hex[HASH_HEX_SIZE])
{
	char body[HASH_HEX_SIZE];
	struct buf text;

	hash_sha256_hex(rq->body, body);
	buf_init(&text, CANONICAL_MAX);
	buf_format(&text, "%s\n%s\n\n", rq->method, rq->path);
	for (size_t i = 0; i < rq->header_count; i++)
		buf_format(&text, "%s:%s\n", rq->headers[i].name, rq->headers[i].value);
	buf_char(&text, '\n');
	add_names(rq, &text);
	buf_format(&text, "\n%s", body);
	CHECK(!text.overflow);
	hash_sha256_hex(buf_view(&text), hex);
	buf_free(&text);
}

static struct str
bytes_of(const unsigned char mac[HASH_SIZE])
{
	return (struct str){ (const char *)mac, HASH_SIZE };
}

/* From the secret a key of that day, region and service. */
static void
derive_key(const struct aws_request *rq, unsigned char key[HASH_SIZE])
{
	const char *parts[] = { rq->region, rq->service, "aws4_request" };
	unsigned char next[HASH_SIZE];
	struct buf secret;

	buf_init(&secret, CANONICAL_MAX);
	buf_format(&secret, "AWS4%s", rq->secret);
	CHECK(!secret.overflow && strlen(rq->date) == AWS_DATE_SIZE - 1);
	hash_hmac_sha256(buf_view(&secret), (struct str){ rq->date, 8 }, key);
	explicit_bzero(secret.p, secret.n);
	buf_free(&secret);
	for (size_t i = 0; i < COUNT(parts); i++) {
		hash_hmac_sha256(bytes_of(key), str_of(parts[i]), next);
		memcpy(key, next, HASH_SIZE);
	}
	explicit_bzero(next, sizeof(next));
}

void
aws_sign(const struct aws_request *rq, struct buf *to)
{
	unsigned char key[HASH_SIZE];
	unsigned char mac[HASH_SIZE];
	char hash[HASH_HEX_SIZE];
	struct buf scope;
	struct buf text;

	buf_init(&scope, SCOPE_MAX);
	buf_format(&scope, "%.8s/%s/%s/aws4_request", rq->date, rq->region, rq->service);
	CHECK(!scope.overflow);
	hash_request(rq, hash);
	buf_init(&text, CANONICAL_MAX);
	buf_format(&text, "AWS4-HMAC-SHA256\n%s\n%s\n%s", rq->date, buf_cstr(&scope), hash);
	derive_key(rq, key);
	hash_hmac_sha256(bytes_of(key), buf_view(&text), mac);
	hash_hex(bytes_of(mac), hash);
	buf_format(to, "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=", rq->key_id,
	    buf_cstr(&scope));
	add_names(rq, to);
	buf_format(to, ", Signature=%s", hash);
	explicit_bzero(key, sizeof(key));
	buf_free(&text);
	buf_free(&scope);
}
