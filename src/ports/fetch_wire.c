/* fetch_wire.c - see fetch_wire.h; no other file includes curl.
 *
 * The one idea: curl is entered from one place (enter). Its callbacks may come at any time,
 * from within any call of curl's; they set watches and timers and take bytes, nothing else. */
#include "ports/fetch_wire.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/limits.h"
#include "base/loop.h"
#include "ports/fetch_text.h"
#include "ports/fetch_watch.h"

enum {
	CONNECT_MS = 5000,
	TOTAL_MS = 30000,
	REDIRECTS_MAX = 5,
	KEEPALIVE_IDLE_S = 30, /* a dead peer of a silent stream is noticed in a minute */
	KEEPALIVE_STEP_S = 10,
};

struct wires {
	CURLM *multi;
	struct loop_timer *timer; /* curl's own */
	struct watches watches;
	bool is_entered;
	void (*on_return)(void *context);
	void *context;
};

struct wire {
	CURL *easy;
	struct curl_slist *headers;
	struct curl_slist *connect_to;
	struct curl_slist *mail_to;
	struct buf mail; /* the message, and how much of it has gone */
	size_t mail_sent;
	struct buf header; /* raw lines of the last answer */
	CURLcode code; /* once ended */
	char why[CURL_ERROR_SIZE];
	char unix_socket[128];
	wire_piece_fn *on_piece;
	void *context;
};

static unsigned users; /* of libcurl's global state */

/* The pool. */

static void
enter(struct wires *wires, curl_socket_t fd, int ready)
{
	int running;

	wires->is_entered = true;
	curl_multi_socket_action(wires->multi, fd, ready, &running);
	wires->is_entered = false;
	wires->on_return(wires->context);
}

static void
on_ready(void *context, int fd, int ready)
{
	int mask = ((ready & LOOP_READ) ? CURL_CSELECT_IN : 0)
		   | ((ready & LOOP_WRITE) ? CURL_CSELECT_OUT : 0);

	enter(context, fd, mask);
}

static void
on_timer(void *context)
{
	enter(context, CURL_SOCKET_TIMEOUT, 0);
}

/* Also for handles that are none of ours, and during the cleanup. */
static int
on_socket(CURL *easy UNUSED, curl_socket_t fd, int what, void *context, void *known)
{
	struct wires *wires = context;
	int wanted = ((what & CURL_POLL_IN) ? LOOP_READ : 0)
		     | ((what & CURL_POLL_OUT) ? LOOP_WRITE : 0);

	if (what == CURL_POLL_REMOVE) {
		curl_multi_assign(wires->multi, fd, NULL);
		watch_free(known);
	} else {
		known = watch_set(&wires->watches, known, fd, wanted);
		curl_multi_assign(wires->multi, fd, known);
	}
	return 0;
}

/* Curl must not be called from here: only the timer is set. */
static int
on_timer_change(CURLM *multi UNUSED, long delay_ms, void *context)
{
	struct wires *wires = context;

	if (delay_ms < 0)
		loop_timer_stop(wires->timer);
	else
		loop_timer_set(wires->timer, delay_ms);
	return 0;
}

struct wires *
wires_new(struct loop *loop, void (*on_return)(void *context), void *context)
{
	struct wires *wires = calloc(1, sizeof(*wires));

	CHECK(wires != NULL);
	if (users++ == 0)
		CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
	signal(SIGPIPE, SIG_IGN); /* with NOSIGNAL, curl leaves that to the program */
	wires->on_return = on_return;
	wires->context = context;
	wires->watches =
	    (struct watches){ .loop = loop, .on_ready = on_ready, .context = wires };
	wires->timer = loop_timer_new(loop, on_timer, wires);
	wires->multi = curl_multi_init();
	CHECK(wires->multi != NULL);
	curl_multi_setopt(wires->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(wires->multi, CURLMOPT_SOCKETDATA, wires);
	curl_multi_setopt(wires->multi, CURLMOPT_TIMERFUNCTION, on_timer_change);
	curl_multi_setopt(wires->multi, CURLMOPT_TIMERDATA, wires);
	curl_multi_setopt(wires->multi, CURLMOPT_MAXCONNECTS, (long)FETCH_MAX);
	return wires;
}

void
wires_free(struct wires *wires)
{
	CHECK(!wires->is_entered);
	curl_multi_cleanup(wires->multi); /* still calls on_socket and on_timer_change */
	watches_free_all(&wires->watches);
	loop_timer_free(wires->timer);
	free(wires);
	if (--users == 0)
		curl_global_cleanup();
}

bool
wires_is_entered(const struct wires *wires)
{
	return wires->is_entered;
}

void
wires_add(struct wires *wires, struct wire *w)
{
	CHECK(!wires->is_entered);
	CHECK(curl_multi_add_handle(wires->multi, w->easy) == CURLM_OK);
}

void
wires_remove(struct wires *wires, struct wire *w)
{
	CHECK(!wires->is_entered);
	CHECK(curl_multi_remove_handle(wires->multi, w->easy) == CURLM_OK);
}

void *
wires_next_ended(struct wires *wires)
{
	struct wire *w = NULL;
	int left;
	CURLMsg *message = curl_multi_info_read(wires->multi, &left);

	if (message == NULL)
		return NULL;
	CHECK(message->msg == CURLMSG_DONE);
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&w);
	w->code = message->data.result;
	if (w->code == CURLE_OK && wire_status(w) < 100)
		w->code = CURLE_WEIRD_SERVER_REPLY;
	return w->context;
}

/* The making of a wire. */

static size_t
on_header(char *p, size_t size, size_t n, void *context)
{
	struct wire *w = context;
	struct str piece = { p, size * n };

	if (str_starts(piece, "HTTP/"))
		buf_clear(&w->header); /* of a redirect, or of 100 Continue */
	buf_str(&w->header, piece);
	return w->header.overflow ? 0 : piece.n;
}

static size_t
on_piece(char *p, size_t size, size_t n, void *context)
{
	struct wire *w = context;
	struct str piece = { p, size * n };

	return w->on_piece(w->context, piece) ? piece.n : 0;
}

#define SET(w, option, value) \
	CHECK(curl_easy_setopt((w)->easy, CURLOPT_##option, (value)) == CURLE_OK)

static void
add_header(struct wire *w, const char *line)
{
	struct curl_slist *longer = curl_slist_append(w->headers, line);

	CHECK(longer != NULL);
	w->headers = longer;
}

static void
set_headers(struct wire *w, const struct fetch_request *request)
{
	bool has_type = false;

	for (const char *const *h = request->headers; h != NULL && *h != NULL; h++) {
		has_type = has_type || header_is(*h, "Content-Type");
		add_header(w, *h);
	}
	if (!has_type)
		add_header(w, "Content-Type:"); /* or curl invents a form's */
	add_header(w, "Expect:"); /* nobody here answers 100 in time */
	SET(w, HTTPHEADER, w->headers);
	SET(w, HEADERFUNCTION, on_header);
	SET(w, HEADERDATA, w);
}

static void
set_method(struct wire *w, const struct fetch_request *request)
{
	const char *method = request->method == NULL ? "GET" : request->method;
	bool is_post = strcmp(method, "POST") == 0;

	if (strcmp(method, "HEAD") == 0) {
		SET(w, NOBODY, 1L);
		return;
	}
	if (is_post || request->body.n > 0) {
		SET(w, POST, 1L);
		SET(w, POSTFIELDSIZE_LARGE, (curl_off_t)request->body.n);
		SET(w, COPYPOSTFIELDS, request->body.n > 0 ? request->body.p : "");
	}
	if (!is_post && strcmp(method, "GET") != 0)
		SET(w, CUSTOMREQUEST, method);
}

static size_t
on_mail(char *to, size_t size, size_t n, void *context)
{
	struct wire *w = context;
	size_t most = w->mail.n - w->mail_sent;

	if (most > size * n)
		most = size * n;
	if (most > 0)
		memcpy(to, w->mail.p + w->mail_sent, most);
	w->mail_sent += most;
	return most;
}

/* Curl begins anew when a kept connection turns out to be dead. */
static int
on_mail_again(void *context, curl_off_t offset, int origin)
{
	struct wire *w = context;

	if (origin != SEEK_SET || offset < 0 || (size_t)offset > w->mail.n)
		return CURL_SEEKFUNC_CANTSEEK;
	w->mail_sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void
set_mail(struct wire *w, const struct fetch_request *request)
{
	const struct fetch_mail *mail = request->mail;

	for (const char *const *to = mail->to; *to != NULL; to++) {
		w->mail_to = curl_slist_append(w->mail_to, *to);
		CHECK(w->mail_to != NULL);
	}
	buf_init(&w->mail, request->body.n);
	buf_str(&w->mail, request->body);
	SET(w, MAIL_FROM, mail->from);
	SET(w, MAIL_RCPT, w->mail_to);
	SET(w, USE_SSL, (long)(mail->may_be_plain ? CURLUSESSL_TRY : CURLUSESSL_ALL));
	SET(w, UPLOAD, 1L);
	SET(w, INFILESIZE_LARGE, (curl_off_t)request->body.n);
	SET(w, READFUNCTION, on_mail);
	SET(w, READDATA, w);
	SET(w, SEEKFUNCTION, on_mail_again);
	SET(w, SEEKDATA, w);
	SET(w, HEADERFUNCTION, on_header);
	SET(w, HEADERDATA, w);
}

static void
set_security(struct wire *w, const struct fetch_request *request)
{
	if (request->basic_user != NULL) {
		if (request->mail == NULL) /* SMTP has its own ways, which the server offers */
			SET(w, HTTPAUTH, (long)CURLAUTH_BASIC);
		SET(w, USERNAME, request->basic_user);
		SET(w, PASSWORD,
		    request->basic_password == NULL ? "" : request->basic_password);
	}
	/* A directory of certificates would defeat the cache of the parsed ones. */
	SET(w, CAPATH, NULL);
	if (request->is_unverified) {
		SET(w, SSL_VERIFYPEER, 0L);
		SET(w, SSL_VERIFYHOST, 0L);
	}
	if (request->ca_file != NULL)
		SET(w, CAINFO, request->ca_file);
	if (request->cert_file != NULL)
		SET(w, SSLCERT, request->cert_file);
	if (request->key_file != NULL)
		SET(w, SSLKEY, request->key_file);
}

static void
set_times(struct wire *w, const struct fetch_request *request)
{
	int64_t total_ms = request->total_ms == 0 ? TOTAL_MS : request->total_ms;

	SET(w, CONNECTTIMEOUT_MS,
	    (long)(request->connect_ms == 0 ? CONNECT_MS : request->connect_ms));
	SET(w, TIMEOUT_MS, (long)(total_ms < 0 ? 0 : total_ms));
	if (request->stall_ms > 0) {
		SET(w, LOW_SPEED_LIMIT, 1L);
		SET(w, LOW_SPEED_TIME, (long)((request->stall_ms + 999) / 1000));
	}
	SET(w, TCP_KEEPALIVE, 1L);
	SET(w, TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	SET(w, TCP_KEEPINTVL, (long)KEEPALIVE_STEP_S);
}

/* "host:port:address" becomes a detour of this transfer alone; curl's own way to override DNS
 * would change it for all transfers that share the pool. */
static void
set_detour(struct wire *w, const char *resolve)
{
	char detour[512];

	detour_write(resolve, detour, sizeof(detour));
	w->connect_to = curl_slist_append(NULL, detour);
	CHECK(w->connect_to != NULL);
	SET(w, CONNECT_TO, w->connect_to);
}

static void
set_route(struct wire *w, const struct fetch_request *request)
{
	bool is_tls = strncmp(request->url, "https:", 6) == 0;

	SET(w, URL, request->url);
	/* Curl would remember each container's address for a minute, and walk over all that it
	 * remembers after each transfer. */
	if (url_has_address(request->url))
		SET(w, DNS_CACHE_TIMEOUT, 0L);
	SET(w, PROTOCOLS_STR, request->mail != NULL ? "smtp,smtps" : "http,https");
	SET(w, REDIR_PROTOCOLS_STR, is_tls ? "https" : "http,https");
	SET(w, FOLLOWLOCATION, request->follow ? 1L : 0L);
	SET(w, MAXREDIRS, (long)REDIRECTS_MAX);
	SET(w, HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(w, PROXY, ""); /* what we talk to is near: the environment's is not meant */
	if (request->unix_socket != NULL) {
		SET(w, UNIX_SOCKET_PATH, request->unix_socket);
		snprintf(w->unix_socket, sizeof(w->unix_socket), "%s", request->unix_socket);
	}
	if (request->resolve != NULL)
		set_detour(w, request->resolve);
	if (request->fresh) {
		SET(w, FRESH_CONNECT, 1L);
		SET(w, FORBID_REUSE, 1L);
	}
}

struct wire *
wire_new(const struct fetch_request *request, wire_piece_fn *take_piece, void *context)
{
	struct wire *w = calloc(1, sizeof(*w));

	CHECK(w != NULL);
	w->on_piece = take_piece;
	w->context = context;
	buf_init(&w->header, FETCH_HEADER_MAX);
	w->easy = curl_easy_init();
	CHECK(w->easy != NULL);
	SET(w, PRIVATE, w);
	SET(w, ERRORBUFFER, w->why);
	SET(w, NOSIGNAL, 1L);
	SET(w, QUICK_EXIT, 1L); /* or ending a transfer waits for a resolver that hangs */
	SET(w, WRITEFUNCTION, on_piece);
	SET(w, WRITEDATA, w);
	set_route(w, request);
	if (request->mail != NULL) {
		set_mail(w, request);
	} else {
		set_method(w, request);
		set_headers(w, request);
	}
	set_security(w, request);
	set_times(w, request);
	return w;
}

void
wire_free(struct wire *w)
{
	curl_easy_cleanup(w->easy);
	curl_slist_free_all(w->headers);
	curl_slist_free_all(w->connect_to);
	curl_slist_free_all(w->mail_to);
	buf_free(&w->mail);
	buf_free(&w->header);
	free(w);
}

/* What became of it. */

int
wire_status(const struct wire *w)
{
	long status = 0;

	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	/* "HTTP/2111111111111" is a status to curl, and one below 0 if it is long enough. */
	return status < 0 || status > 999 ? 0 : (int)status;
}

struct str
wire_headers(const struct wire *w)
{
	return buf_view(&w->header);
}

bool
wire_is_whole(const struct wire *w)
{
	return w->code == CURLE_OK;
}

bool
wire_has_too_many_headers(const struct wire *w)
{
	return w->header.overflow;
}

bool
wire_was_unsent(const struct wire *w)
{
	long sent = 0;

	curl_easy_getinfo(w->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0;
}

const char *
wire_explain(struct wire *w)
{
	bool is_unconnected = w->code == CURLE_COULDNT_CONNECT;
	long number = 0;
	size_t n = strlen(w->why);

	curl_easy_getinfo(w->easy, CURLINFO_OS_ERRNO, &number);
	if (is_unconnected && w->unix_socket[0] != '\0')
		snprintf(w->why, sizeof(w->why), "cannot connect to %s: %s", w->unix_socket,
		    number == 0 ? "no answer" : strerror((int)number));
	else if (is_unconnected && number != 0)
		snprintf(w->why + n, sizeof(w->why) - n, ": %s", strerror((int)number));
	else if (n == 0)
		snprintf(w->why, sizeof(w->why), "%s", curl_easy_strerror(w->code));
	return w->why;
}
