/* registry_bed.h - the registry port with a registry in this process, for test_registry*.c.
 *
 * The one idea: one loop runs the port and the false registry, so a test says in a few lines how the
 * registry behaves, waits for the answers, and then looks at the requests that came. The store and
 * the catalog are a few arrays behind their real functions. */
#ifndef SLIPWAY_TESTS_REGISTRY_BED_H
#define SLIPWAY_TESTS_REGISTRY_BED_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "ports/fetch.h"
#include "ports/port.h"
#include "config/fields.h"
#include "ports/registry.h"
#include "store/catalog.h"
#include "store/deploys.h"
#include "store/tags.h"

enum { BED_ITEMS = 1100, BED_REQUESTS = 4096, BED_CONNECTIONS = 512, BED_PATIENCE_MS = 10000 };

/* Store and catalog: the id of a stage and of its spec is the index; so is a deploy's. */

struct bed_item {
	char image[IMAGE_SIZE + 64];
	char tags[TAG_SIZE];
	struct stage_spec spec;
	struct stage_entry entry;
	struct deploy_row row;
	struct tag_marks marks;
	struct event event; /* the last answer */
	uint32_t answers;
};

struct catalog {
	struct bed_item
	    items[BED_ITEMS]; /* item n has stage n and deploy n, asked by actor n + 1 */
	struct registry_config registries[4];
	size_t registry_count;
};

struct bed_seen {
	char tag[TAG_SIZE];
	char digest[DIGEST_SIZE];
	int64_t first_ms;
	bool is_moved;
};

struct store {
	struct bed_seen seen[16]; /* of stage 1 */
	size_t seen_count;
	char log[16384]; /* of all deploys */
};

static struct catalog bed_catalog;
static struct store bed_store;

bool
store_deploy_get(struct store *store UNUSED, uint64_t id, struct deploy_row *ret_row)
{
	if (id == 0 || id >= BED_ITEMS)
		return false;
	*ret_row = bed_catalog.items[id].row;
	return ret_row->id == id;
}

void
store_deploy_log_add(
    struct store *store, uint64_t deploy UNUSED, const char *level, struct str text)
{
	size_t n = strlen(store->log);

	snprintf(
	    store->log + n, sizeof(store->log) - n, "%s: %.*s\n", level, (int)text.n, text.p);
}

void
store_tag_marks(struct store *store UNUSED, uint64_t stage, uint64_t poll UNUSED,
    struct tag_marks *ret_marks)
{
	*ret_marks = bed_catalog.items[stage].marks;
}

static struct bed_seen *
bed_find_seen(const char *tag, const char *digest)
{
	for (size_t i = 0; i < bed_store.seen_count; i++)
		if (strcmp(bed_store.seen[i].tag, tag) == 0
		    && strcmp(bed_store.seen[i].digest, digest) == 0)
			return &bed_store.seen[i];
	return NULL;
}

int64_t
store_tag_first_ms(
    struct store *store UNUSED, uint64_t stage UNUSED, const char *tag, const char *digest)
{
	const struct bed_seen *seen = bed_find_seen(tag, digest);

	return seen == NULL ? 0 : seen->first_ms;
}

bool
store_tag_record(
    struct store *store, uint64_t stage UNUSED, const char *tag, char ret_digest[DIGEST_SIZE])
{
	for (size_t i = store->seen_count; i-- > 0;)
		if (strcmp(store->seen[i].tag, tag) == 0 && !store->seen[i].is_moved) {
			memcpy(ret_digest, store->seen[i].digest, DIGEST_SIZE);
			return true;
		}
	return false;
}

void
store_tag_see(struct store *store, uint64_t stage UNUSED, const char *tag, const char *digest,
    int64_t now_ms, bool is_moved)
{
	struct bed_seen *seen = &store->seen[store->seen_count];

	if (bed_find_seen(tag, digest) != NULL)
		return;
	assert_true(++store->seen_count <= COUNT(store->seen));
	*seen = (struct bed_seen){ .first_ms = now_ms, .is_moved = is_moved };
	snprintf(seen->tag, sizeof(seen->tag), "%s", tag);
	snprintf(seen->digest, sizeof(seen->digest), "%s", digest);
}

void
store_tag_settle(
    struct store *store, uint64_t stage, const char *tag, const char *digest, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < store->seen_count; i++)
		if (strcmp(store->seen[i].tag, tag) != 0)
			store->seen[kept++] = store->seen[i];
	store->seen_count = kept;
	store_tag_see(store, stage, tag, digest, now_ms, false);
}

size_t
store_tags_moved(struct store *store, uint64_t stage UNUSED, struct moved_tag *to UNUSED,
    size_t most UNUSED)
{
	size_t count = 0;

	for (size_t i = 0; i < store->seen_count; i++)
		count += store->seen[i].is_moved;
	return count;
}

const struct stage_spec *
catalog_spec(struct catalog *catalog, uint64_t spec_id)
{
	return spec_id < BED_ITEMS ? &catalog->items[spec_id].spec : NULL;
}

const struct stage_entry *
catalog_stage(const struct catalog *catalog, uint64_t id)
{
	return id < BED_ITEMS && catalog->items[id].entry.id == id ? &catalog->items[id].entry
								   : NULL;
}

void
catalog_registry(const struct catalog *catalog, const char *host, struct registry_config *ret)
{
	*ret = (struct registry_config){ .host = "" };
	for (size_t i = 0; i < catalog->registry_count; i++)
		if (strcmp(catalog->registries[i].host, host) == 0)
			*ret = catalog->registries[i];
}

/* The false registry. */

struct fake;
struct fake_request {
	char method[8];
	char path[2048]; /* with its query */
	char authorization[4096];
	char accept[512];
};

/* Writes the whole answer. */
typedef void fake_fn(struct fake *fake, const struct fake_request *request, struct buf *reply);

struct fake_connection {
	struct fake *fake;
	struct loop_io *io;
	int fd;
	struct buf in;
	struct buf out;
	struct fake_request request;
	bool is_held;
	bool is_over; /* closed when all is sent */
};

struct fake {
	struct loop *loop;
	struct loop_io *io;
	int fd;
	uint16_t port;
	char host[32];
	fake_fn *handle;
	bool is_holding; /* requests wait for fake_release() */
	bool is_silent; /* does not note them */
	bool is_raw; /* answers whatever comes: a TLS greeting, too */
	bool is_closing; /* ends the connection with each answer */
	uint32_t held;
	uint32_t held_most;
	uint32_t count;
	struct fake_request *requests;
	struct fake_connection connections[BED_CONNECTIONS];
};

static void
fake_reply(struct buf *reply, const struct fake_request *request, int status,
    const char *headers, const char *body)
{
	buf_format(reply, "HTTP/1.1 %d Fake\r\nContent-Length: %zu\r\n%s\r\n", status,
	    strlen(body), headers);
	if (strcmp(request->method, "HEAD") != 0)
		buf_text(reply, body);
}

static void
fake_close(struct fake_connection *c)
{
	loop_io_free(c->io);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	c->io = NULL;
	c->fd = -1;
	c->is_held = false;
}

/* Sends what the connection takes now; the rest when it is ready again. */
static void
fake_flush(struct fake_connection *c)
{
	ssize_t n = c->out.n == 0 ? 0 : send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		fake_close(c);
		return;
	}
	if (n > 0)
		buf_consume(&c->out, (size_t)n);
	if (c->out.n == 0 && c->is_over)
		fake_close(c);
	else
		loop_io_want(c->io, LOOP_READ | (c->out.n > 0 ? LOOP_WRITE : 0));
}

static void
fake_answer(struct fake_connection *c)
{
	c->is_held = false;
	c->fake->handle(c->fake, &c->request, &c->out);
	assert_false(c->out.overflow);
	c->is_over = c->out.n == 0 || c->fake->is_closing;
	fake_flush(c);
}

static void
fake_header(struct str head, const char *name, char *to, size_t size)
{
	to[0] = '\0';
	while (head.n > 0) {
		struct str line;

		head = str_cut(head, '\n', &line);
		if (line.n > strlen(name) && strncasecmp(line.p, name, strlen(name)) == 0)
			snprintf(to, size, "%.*s", (int)(line.n - strlen(name) - 1),
			    line.p + strlen(name));
	}
}

static void
fake_take(struct fake_connection *c)
{
	struct str head = buf_view(&c->in);
	const char *end = head.n == 0 ? NULL : memmem(head.p, head.n, "\r\n\r\n", 4);
	struct fake *fake = c->fake;

	if (end == NULL)
		return;
	memset(&c->request, 0, sizeof(c->request));
	assert_int_equal(sscanf(head.p, "%7s %2047s", c->request.method, c->request.path), 2);
	head.n = (size_t)(end - head.p) + 2;
	fake_header(head, "Authorization: ", c->request.authorization,
	    sizeof(c->request.authorization));
	fake_header(head, "Accept: ", c->request.accept, sizeof(c->request.accept));
	buf_consume(&c->in, head.n + 2);
	if (!fake->is_silent) {
		assert_true(fake->count < BED_REQUESTS);
		fake->requests[fake->count] = c->request;
	}
	fake->count++;
	c->is_held = fake->is_holding;
	if (!c->is_held) {
		fake_answer(c);
		return;
	}
	fake->held++;
	if (fake->held > fake->held_most)
		fake->held_most = fake->held;
}

static void
fake_on_ready(void *context, int ready)
{
	struct fake_connection *c = context;
	char bytes[8192];
	ssize_t n;

	if (ready == LOOP_WRITE) {
		fake_flush(c);
		return;
	}
	n = recv(c->fd, bytes, sizeof(bytes), 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		if (c->is_held)
			c->fake->held--;
		fake_close(c);
		return;
	}
	buf_add(&c->in, bytes, (size_t)n);
	if (c->fake->is_raw)
		fake_answer(c);
	else
		fake_take(c);
}

static void
fake_on_accept(void *context, int ready UNUSED)
{
	struct fake *fake = context;
	int fd = accept4(fake->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (size_t i = 0; i < BED_CONNECTIONS; i++) {
		struct fake_connection *c = &fake->connections[i];
		if (c->io != NULL)
			continue;
		c->fake = fake;
		c->fd = fd;
		c->is_over = false;
		buf_init(&c->in, 65536);
		buf_init(&c->out, 16 << 20);
		c->io = loop_io_new(fake->loop, fd, LOOP_READ, fake_on_ready, c);
		return;
	}
	fail();
}

static struct fake *
fake_new(struct loop *loop, fake_fn *handle)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->requests = calloc(BED_REQUESTS, sizeof(*fake->requests));
	fake->loop = loop;
	fake->handle = handle;
	fake->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	assert_true(fake->fd >= 0);
	assert_int_equal(bind(fake->fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fake->fd, 512), 0);
	assert_int_equal(getsockname(fake->fd, (struct sockaddr *)&address, &size), 0);
	fake->port = ntohs(address.sin_port);
	snprintf(fake->host, sizeof(fake->host), "127.0.0.1:%u", fake->port);
	fake->io = loop_io_new(loop, fake->fd, LOOP_READ, fake_on_accept, fake);
	return fake;
}

static void
fake_free(struct fake *fake)
{
	if (fake == NULL)
		return;
	for (size_t i = 0; i < BED_CONNECTIONS; i++)
		if (fake->connections[i].io != NULL)
			fake_close(&fake->connections[i]);
	loop_io_free(fake->io);
	close(fake->fd);
	free(fake->requests);
	free(fake);
}

/* Answers up to `most` requests that wait; those that come later are answered at once when `most` is
 * 0. */
UNUSED static void
fake_release(struct fake *fake, uint32_t most)
{
	uint32_t done = 0;

	if (most == 0)
		fake->is_holding = false;
	for (size_t i = 0; i < BED_CONNECTIONS && (most == 0 || done < most); i++)
		if (fake->connections[i].io != NULL && fake->connections[i].is_held) {
			fake->held--;
			done++;
			fake_answer(&fake->connections[i]);
		}
}

/* How many requests had this method ("": any) and a path with that in it. */
UNUSED static uint32_t
fake_seen(const struct fake *fake, const char *method, const char *path)
{
	uint32_t seen = 0;

	for (uint32_t i = 0; i < fake->count; i++)
		if ((method[0] == '\0' || strcmp(fake->requests[i].method, method) == 0)
		    && strstr(fake->requests[i].path, path) != NULL)
			seen++;
	return seen;
}

/* The bed. */

struct bed {
	struct loop *loop;
	struct loop_timer *timer;
	struct port_host host;
	struct registry *registry;
	struct fake *fake;
	uint32_t answers;
	uint64_t order[BED_ITEMS * 2]; /* actors as they were answered */
};

static void
bed_on_timer(void *context UNUSED)
{
}

static void
bed_on_answer(void *context, const struct event *event)
{
	struct bed *bed = context;
	struct bed_item *item = &bed_catalog.items[event->to - 1];

	assert_true(event->to > 0 && event->to <= BED_ITEMS);
	item->event = *event;
	item->answers++;
	bed->order[bed->answers++ % COUNT(bed->order)] = event->to;
}

/* The stage and deploy `id`: image without a tag, the stage's pattern, the deploy's tag. */
UNUSED static void
bed_put(uint64_t id, const char *image, const char *tags, const char *tag)
{
	struct bed_item *item = &bed_catalog.items[id];

	memset(item, 0, sizeof(*item));
	snprintf(item->image, sizeof(item->image), "%s", image);
	snprintf(item->tags, sizeof(item->tags), "%s", tags);
	stage_spec_set_defaults(&item->spec);
	item->spec.project = "shop";
	item->spec.stage = "production";
	item->spec.image = item->image;
	item->spec.tags = item->tags;
	item->entry = (struct stage_entry){ .id = id, .spec_id = id, .spec = &item->spec };
	item->row.id = id;
	item->row.spec = id;
	snprintf(item->row.tag, sizeof(item->row.tag), "%s", tag);
}

static struct registry_config *
bed_registry(const char *host)
{
	struct registry_config *c = &bed_catalog.registries[bed_catalog.registry_count++];

	*c = (struct registry_config){ .is_insecure = true };
	snprintf(c->host, sizeof(c->host), "%s", host);
	return c;
}

static struct bed *
bed_new(fake_fn *handle)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	memset(&bed_catalog, 0, sizeof(bed_catalog));
	memset(&bed_store, 0, sizeof(bed_store));
	clock_tick();
	bed->loop = loop_new();
	bed->timer = loop_timer_new(bed->loop, bed_on_timer, NULL);
	bed->fake = handle == NULL ? NULL : fake_new(bed->loop, handle);
	if (bed->fake != NULL)
		bed_registry(bed->fake->host);
	bed->host = (struct port_host){ .loop = bed->loop,
		.fetch = fetch_new(bed->loop),
		.store = &bed_store,
		.catalog = &bed_catalog,
		.answer = bed_on_answer,
		.context = bed };
	bed->registry = registry_new(&bed->host);
	return bed;
}

static void
bed_free(struct bed *bed)
{
	registry_free(bed->registry);
	fetch_free(bed->host.fetch);
	fake_free(bed->fake);
	loop_timer_free(bed->timer);
	loop_free(bed->loop);
	free(bed);
}

static void
bed_turn(struct bed *bed)
{
	loop_timer_set(bed->timer, 2);
	loop_turn(bed->loop, true);
	clock_tick();
}

/* Turns until so many answers came in all. */
static void
bed_wait(struct bed *bed, uint32_t answers)
{
	int64_t until_us = clock_mono_us() + (int64_t)BED_PATIENCE_MS * 1000;

	while (bed->answers < answers && clock_mono_us() < until_us)
		bed_turn(bed);
	assert_int_equal(bed->answers, answers);
}

static void
bed_perform(struct bed *bed, enum effect_kind kind, uint64_t id)
{
	struct effect effect = { .kind = kind, .actor = id + 1, .epoch = 7, .stage = id };

	if (kind == FX_RESOLVE)
		effect.deploy = id;
	registry_perform(bed->registry, &effect);
}

/* Performs and waits for the answer. */
UNUSED static const struct event *
bed_ask(struct bed *bed, enum effect_kind kind, uint64_t id)
{
	bed_perform(bed, kind, id);
	bed_wait(bed, bed->answers + 1);
	assert_int_equal(bed_catalog.items[id].event.epoch, 7);
	return &bed_catalog.items[id].event;
}

UNUSED static void
assert_contains(const char *text, const char *part)
{
	if (strstr(text, part) == NULL)
		fail_msg("'%s' does not contain '%s'", text, part);
}

UNUSED static struct registry_status
bed_status(struct bed *bed)
{
	struct registry_status status;

	assert_true(registry_status(bed->registry, 0, &status));
	return status;
}

#endif
