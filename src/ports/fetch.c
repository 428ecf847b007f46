/* fetch.c - libcurl's multi interface on the loop; no other file includes curl.
 *
 * The one idea: curl is entered from one place (enter), and nothing of ours changes its set of
 * handles while it is inside. What a callback wants changed meanwhile (a start, a cancel) is kept
 * in lists and done by settle() once curl has returned; only there are the answers given out. */
#include "ports/fetch.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/loop.h"

enum {
	CONNECT_MS = 5000,
	TOTAL_MS = 30000,
	REDIRECTS_MAX = 5,
	KEEPALIVE_IDLE_S = 30, /* a silent stream over TCP: a dead peer is noticed in a minute */
	KEEPALIVE_STEP_S = 10,
};

enum place {
	PLACE_LINE,   /* not yet given to curl */
	PLACE_CURL,
	PLACE_DOOMED, /* cancelled while curl was inside */
	PLACE_OVER,   /* its on_done is running */
};

struct fetch_transfer {
	struct fetch *fetch;
	struct fetch_transfer *next;
	struct fetch_transfer **link; /* what points at us */
	enum place place;
	bool is_refused; /* the line was full */
	bool is_too_large;
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct buf header; /* raw lines of the last answer */
	struct buf body;
	size_t received;
	size_t received_max; /* 0: no limit */
	char why[CURL_ERROR_SIZE];
	char unix_socket[128];
	fetch_body_fn *on_body;
	fetch_done_fn *on_done;
	void *context;
};

struct watch { /* a descriptor that curl wants watched */
	struct fetch *fetch;
	struct watch *next;
	struct watch **link;
	struct loop_io *io;
	curl_socket_t fd;
};

struct fetch {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer; /* curl's own */
	struct loop_timer *soon;  /* settle() in the next turn */
	struct watch *watches;
	struct fetch_transfer *in_curl;
	struct fetch_transfer *line;
	struct fetch_transfer **line_end;
	uint32_t in_curl_count;
	uint32_t line_count;
	bool is_entered;
};

static unsigned users; /* of libcurl's global state */

static void settle(struct fetch *fetch);

/* Lists. */

static void
list_put(struct fetch_transfer **at, struct fetch_transfer *t)
{
	t->next = *at;
	t->link = at;
	if (t->next != NULL)
		t->next->link = &t->next;
	*at = t;
}

static void
list_drop(struct fetch_transfer *t)
{
	if (t->fetch->line_end == &t->next)
		t->fetch->line_end = t->link;
	*t->link = t->next;
	if (t->next != NULL)
		t->next->link = t->link;
	t->next = NULL;
	t->link = NULL;
}

static void
line_join(struct fetch *fetch, struct fetch_transfer *t)
{
	list_put(fetch->line_end, t);
	fetch->line_end = &t->next;
	fetch->line_count++;
}

/* What curl asks of us. */

static void
enter(struct fetch *fetch, curl_socket_t fd, int ready)
{
	int running;

	fetch->is_entered = true;
	curl_multi_socket_action(fetch->multi, fd, ready, &running);
	fetch->is_entered = false;
	settle(fetch);
}

static void
on_ready(void *context, int ready)
{
	struct watch *watch = context;
	int mask = ((ready & LOOP_READ) ? CURL_CSELECT_IN : 0)
	    | ((ready & LOOP_WRITE) ? CURL_CSELECT_OUT : 0);

	enter(watch->fetch, watch->fd, mask); /* the watch may be gone afterwards */
}

static void
watch_free(struct watch *watch)
{
	*watch->link = watch->next;
	if (watch->next != NULL)
		watch->next->link = watch->link;
	loop_io_free(watch->io);
	free(watch);
}

static struct watch *
watch_new(struct fetch *fetch, curl_socket_t fd)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	CHECK(watch != NULL);
	*watch = (struct watch){ .fetch = fetch, .next = fetch->watches, .fd = fd,
		.link = &fetch->watches };
	if (watch->next != NULL)
		watch->next->link = &watch->next;
	fetch->watches = watch;
	watch->io = loop_io_new(fetch->loop, fd, 0, on_ready, watch);
	return watch;
}

/* May come at any time, from within any call of curl's, for handles that are none of ours. */
static int
on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *context, void *socket_context)
{
	struct fetch *fetch = context;
	struct watch *watch = socket_context;

	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL) {
			curl_multi_assign(fetch->multi, fd, NULL);
			watch_free(watch);
		}
		return 0;
	}
	if (watch == NULL) {
		watch = watch_new(fetch, fd);
		curl_multi_assign(fetch->multi, fd, watch);
	}
	loop_io_want(watch->io, ((what & CURL_POLL_IN) ? LOOP_READ : 0)
	    | ((what & CURL_POLL_OUT) ? LOOP_WRITE : 0));
	return 0;
}

/* Curl must not be called from here: only the timer is set. */
static int
on_timer_change(CURLM *multi UNUSED, long delay_ms, void *context)
{
	struct fetch *fetch = context;

	if (delay_ms < 0)
		loop_timer_stop(fetch->timer);
	else
		loop_timer_set(fetch->timer, delay_ms);
	return 0;
}

static void
on_timer(void *context)
{
	enter(context, CURL_SOCKET_TIMEOUT, 0);
}

static void
on_soon(void *context)
{
	settle(context);
}

static size_t
on_header(char *p, size_t size, size_t n, void *context)
{
	struct fetch_transfer *t = context;
	struct str piece = { p, size * n };

	if (str_starts(piece, "HTTP/"))
		buf_clear(&t->header); /* of a redirect, or of 100 Continue */
	buf_str(&t->header, piece);
	if (!t->header.overflow)
		return piece.n;
	t->is_too_large = true;
	return 0;
}

static size_t
on_piece(char *p, size_t size, size_t n, void *context)
{
	struct fetch_transfer *t = context;
	struct str piece = { p, size * n };

	if (t->place != PLACE_CURL)
		return 0;
	t->received += piece.n;
	if (t->received_max != 0 && t->received > t->received_max) {
		t->is_too_large = true;
		return 0;
	}
	if (t->on_body == NULL)
		buf_str(&t->body, piece);
	else if (!t->on_body(t->context, piece) || t->place != PLACE_CURL)
		return 0;
	return piece.n;
}

/* The making of a transfer. */

#define SET(t, option, value)                                                                 \
	CHECK(curl_easy_setopt((t)->easy, CURLOPT_##option, (value)) == CURLE_OK)

static void
add_header(struct fetch_transfer *t, const char *line)
{
	struct curl_slist *longer = curl_slist_append(t->headers, line);

	CHECK(longer != NULL);
	t->headers = longer;
}

static void
set_headers(struct fetch_transfer *t, const struct fetch_request *request)
{
	bool has_type = false;

	for (const char *const *h = request->headers; h != NULL && *h != NULL; h++) {
		has_type = has_type || strncasecmp(*h, "Content-Type:", 13) == 0;
		add_header(t, *h);
	}
	if (!has_type)
		add_header(t, "Content-Type:"); /* or curl invents a form's */
	add_header(t, "Expect:");               /* nobody here answers 100 in time */
	SET(t, HTTPHEADER, t->headers);
	SET(t, HEADERFUNCTION, on_header);
	SET(t, HEADERDATA, t);
}

static void
set_method(struct fetch_transfer *t, const struct fetch_request *request)
{
	const char *method = request->method == NULL ? "GET" : request->method;
	bool is_post = strcmp(method, "POST") == 0;

	if (strcmp(method, "HEAD") == 0) {
		SET(t, NOBODY, 1L);
		return;
	}
	if (is_post || request->body.n > 0) {
		SET(t, POST, 1L);
		SET(t, POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
		SET(t, COPYPOSTFIELDS, request->body.n > 0 ? request->body.p : "");
	}
	if (!is_post && strcmp(method, "GET") != 0)
		SET(t, CUSTOMREQUEST, method);
}

static void
set_security(struct fetch_transfer *t, const struct fetch_request *request)
{
	if (request->basic_user != NULL) {
		SET(t, HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(t, USERNAME, request->basic_user);
		SET(t, PASSWORD, request->basic_password == NULL ? "" : request->basic_password);
	}
	SET(t, CAPATH, NULL); /* a directory of certificates defeats the cache of the parsed ones */
	if (request->ca_file != NULL)
		SET(t, CAINFO, request->ca_file);
	if (request->cert_file != NULL)
		SET(t, SSLCERT, request->cert_file);
	if (request->key_file != NULL)
		SET(t, SSLKEY, request->key_file);
}

static void
set_times(struct fetch_transfer *t, const struct fetch_request *request)
{
	int64_t total_ms = request->total_ms == 0 ? TOTAL_MS : request->total_ms;

	SET(t, CONNECTTIMEOUT_MS, (long)(request->connect_ms == 0 ? CONNECT_MS : request->connect_ms));
	SET(t, TIMEOUT_MS, (long)(total_ms < 0 ? 0 : total_ms));
	if (request->stall_ms > 0) {
		SET(t, LOW_SPEED_LIMIT, 1L);
		SET(t, LOW_SPEED_TIME, (long)((request->stall_ms + 999) / 1000));
	}
	SET(t, TCP_KEEPALIVE, 1L);
	SET(t, TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(t, TCP_KEEPINTVL, (long)KEEPALIVE_STEP_S);
}

/* "host:port:address" becomes a detour of this transfer alone; curl's own way to override DNS
 * would change it for all transfers that share the pool. */
static void
set_detour(struct fetch_transfer *t, const char *resolve)
{
	const char *port = strchr(resolve, ':');
	const char *address = port == NULL ? NULL : strchr(port + 1, ':');
	char detour[512];
	bool is_six;

	CHECK(address != NULL);
	is_six = strchr(address + 1, ':') != NULL && address[1] != '[';
	snprintf(detour, sizeof(detour), "%.*s:%s%s%s%.*s", (int)(address - resolve), resolve,
	    is_six ? "[" : "", address + 1, is_six ? "]" : "", (int)(address - port), port);
	t->connect_to = curl_slist_append(NULL, detour);
	CHECK(t->connect_to != NULL);
	SET(t, CONNECT_TO, t->connect_to);
}

static void
set_route(struct fetch_transfer *t, const struct fetch_request *request)
{
	bool is_tls = strncmp(request->url, "https:", 6) == 0;

	SET(t, URL, request->url);
	SET(t, PROTOCOLS_STR, "http,https");
	SET(t, REDIR_PROTOCOLS_STR, is_tls ? "https" : "http,https");
	SET(t, FOLLOWLOCATION, request->follow ? 1L : 0L);
	SET(t, MAXREDIRS, (long)REDIRECTS_MAX);
	SET(t, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(t, PROXY, ""); /* what we talk to is near; a proxy from the environment is not meant */
	if (request->unix_socket != NULL) {
		SET(t, UNIX_SOCKET_PATH, request->unix_socket);
		snprintf(t->unix_socket, sizeof(t->unix_socket), "%s", request->unix_socket);
	}
	if (request->resolve != NULL)
		set_detour(t, request->resolve);
	if (request->fresh) {
		SET(t, FRESH_CONNECT, 1L);
		SET(t, FORBID_REUSE, 1L);
	}
}

static struct fetch_transfer *
transfer_new(struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_transfer *t = calloc(1, sizeof(*t));
	size_t body_max = request->body_max == 0 ? FETCH_BODY_MAX : request->body_max;

	CHECK(t != NULL);
	t->fetch = fetch;
	t->on_body = request->on_body;
	t->on_done = request->on_done;
	t->context = request->context;
	t->received_max = request->on_body == NULL ? body_max : request->body_max;
	buf_init(&t->header, FETCH_HEADER_MAX);
	buf_init(&t->body, body_max);
	t->easy = curl_easy_init();
	CHECK(t->easy != NULL);
	SET(t, PRIVATE, t);
	SET(t, ERRORBUFFER, t->why);
	SET(t, NOSIGNAL, 1L);
	SET(t, QUICK_EXIT, 1L); /* or ending a transfer waits for a resolver that hangs */
	SET(t, WRITEFUNCTION, on_piece);
	SET(t, WRITEDATA, t);
	set_route(t, request);
	set_method(t, request);
	set_headers(t, request);
	set_security(t, request);
	set_times(t, request);
	return t;
}

static void
transfer_free(struct fetch_transfer *t)
{
	curl_easy_cleanup(t->easy);
	curl_slist_free_all(t->headers);
	curl_slist_free_all(t->connect_to);
	buf_free(&t->header);
	buf_free(&t->body);
	free(t);
}

/* Takes it away from curl and out of its list. */
static void
transfer_withdraw(struct fetch_transfer *t)
{
	CHECK(!t->fetch->is_entered);
	list_drop(t);
	if (t->place == PLACE_LINE) {
		t->fetch->line_count--;
	} else {
		CHECK(curl_multi_remove_handle(t->fetch->multi, t->easy) == CURLM_OK);
		t->fetch->in_curl_count--;
	}
}

static void
transfer_begin(struct fetch_transfer *t)
{
	struct fetch *fetch = t->fetch;

	list_put(&fetch->in_curl, t);
	fetch->in_curl_count++;
	t->place = PLACE_CURL;
	CHECK(curl_multi_add_handle(fetch->multi, t->easy) == CURLM_OK);
}

/* The ending of a transfer. */

/* Certain that no byte of the request left, redirects and retries of curl's included. */
static bool
was_unsent(struct fetch_transfer *t)
{
	long sent = 0;

	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0;
}

static void
explain(struct fetch_transfer *t, CURLcode code)
{
	long number = 0;

	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &number);
	if (t->is_too_large)
		snprintf(t->why, sizeof(t->why), "the answer is larger than %zu bytes",
		    t->header.overflow ? (size_t)FETCH_HEADER_MAX : t->received_max);
	else if (code == CURLE_COULDNT_CONNECT && t->unix_socket[0] != '\0')
		snprintf(t->why, sizeof(t->why), "cannot connect to %s: %s", t->unix_socket,
		    number == 0 ? "no answer" : strerror((int)number));
	else if (code == CURLE_COULDNT_CONNECT && number != 0) {
		size_t n = strlen(t->why);
		snprintf(t->why + n, sizeof(t->why) - n, ": %s", strerror((int)number));
	} else if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why), "%s", curl_easy_strerror(code));
}

static void
finish(struct fetch_transfer *t, CURLcode code)
{
	struct fetch_result result = { .outcome = FETCH_ANSWERED, .body = buf_view(&t->body),
		.transfer = t };

	if (t->is_refused) {
		result.outcome = FETCH_UNREACHED;
		result.why = "too many requests wait in line; try again later";
	} else if (code != CURLE_OK) {
		explain(t, code);
		result.outcome = t->is_too_large ? FETCH_TOO_LARGE
		    : was_unsent(t)              ? FETCH_UNREACHED
						 : FETCH_BROKEN;
		result.why = t->why;
		result.body = str_of("");
	}
	result.status = result.outcome == FETCH_ANSWERED ? fetch_status(t) : 0;
	transfer_withdraw(t);
	t->place = PLACE_OVER;
	t->on_done(t->context, &result);
	transfer_free(t);
}

static void
bury_doomed(struct fetch *fetch)
{
	struct fetch_transfer *next;

	for (struct fetch_transfer *t = fetch->in_curl; t != NULL; t = next) {
		next = t->next;
		if (t->place == PLACE_DOOMED) {
			transfer_withdraw(t);
			transfer_free(t);
		}
	}
}

/* After curl has returned: forgets the cancelled, gives out answers, lets waiting ones begin. */
static void
settle(struct fetch *fetch)
{
	CURLMsg *message;
	int left;

	bury_doomed(fetch);
	while ((message = curl_multi_info_read(fetch->multi, &left)) != NULL) {
		struct fetch_transfer *t = NULL;
		CURLcode code = message->data.result;

		CHECK(message->msg == CURLMSG_DONE);
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		finish(t, code);
	}
	while (fetch->line != NULL) {
		struct fetch_transfer *t = fetch->line;

		if (t->is_refused) {
			finish(t, CURLE_OK);
		} else if (fetch->in_curl_count < FETCH_MAX) {
			list_drop(t);
			fetch->line_count--;
			transfer_begin(t);
		} else {
			break;
		}
	}
}

/* What callers see. */

struct fetch *
fetch_new(struct loop *loop)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	CHECK(fetch != NULL);
	if (users++ == 0)
		CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	signal(SIGPIPE, SIG_IGN); /* with NOSIGNAL, curl leaves that to the program */
	fetch->loop = loop;
	fetch->line_end = &fetch->line;
	fetch->timer = loop_timer_new(loop, on_timer, fetch);
	fetch->soon = loop_timer_new(loop, on_soon, fetch);
	fetch->multi = curl_multi_init();
	CHECK(fetch->multi != NULL);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(fetch->multi, CURLMOPT_SOCKETDATA, fetch);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	curl_multi_setopt(fetch->multi, CURLMOPT_TIMERDATA, fetch);
	curl_multi_setopt(fetch->multi, CURLMOPT_MAXCONNECTS, (long)FETCH_MAX);
	return fetch;
}

void
fetch_free(struct fetch *fetch)
{
	if (fetch == NULL)
		return;
	CHECK(!fetch->is_entered);
	while (fetch->in_curl != NULL)
		fetch_cancel(fetch->in_curl);
	while (fetch->line != NULL)
		fetch_cancel(fetch->line);
	curl_multi_cleanup(fetch->multi); /* still calls on_socket and on_timer_change */
	while (fetch->watches != NULL)
		watch_free(fetch->watches);
	loop_timer_free(fetch->timer);
	loop_timer_free(fetch->soon);
	free(fetch);
	if (--users == 0)
		curl_global_cleanup();
}

struct fetch_transfer *
fetch_start(struct fetch *fetch, const struct fetch_request *request)
{
	struct fetch_transfer *t;

	CHECK(request->on_done != NULL && request->url != NULL);
	t = transfer_new(fetch, request);
	if (!fetch->is_entered && fetch->line == NULL && fetch->in_curl_count < FETCH_MAX) {
		transfer_begin(t);
		return t;
	}
	t->is_refused = fetch->line_count >= FETCH_LINE_MAX;
	line_join(fetch, t);
	loop_timer_set(fetch->soon, 0);
	return t;
}

void
fetch_cancel(struct fetch_transfer *t)
{
	CHECK(t->place == PLACE_LINE || t->place == PLACE_CURL);
	if (t->fetch->is_entered && t->place == PLACE_CURL) {
		t->place = PLACE_DOOMED; /* settle() follows as soon as curl has returned */
		return;
	}
	transfer_withdraw(t);
	if (t->fetch->line != NULL)
		loop_timer_set(t->fetch->soon, 0);
	transfer_free(t);
}

struct str
fetch_header(const struct fetch_transfer *t, const char *name)
{
	struct str rest = buf_view(&t->header);
	size_t name_size = strlen(name);

	while (rest.n > 0) {
		struct str line;

		rest = str_cut(rest, '\n', &line);
		if (line.n > name_size && line.p[name_size] == ':'
		    && strncasecmp(line.p, name, name_size) == 0)
			return str_trim((struct str){ line.p + name_size + 1, line.n - name_size - 1 });
	}
	return str_of("");
}

int
fetch_status(const struct fetch_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

uint32_t
fetch_active(const struct fetch *fetch)
{
	return fetch->in_curl_count + fetch->line_count;
}
