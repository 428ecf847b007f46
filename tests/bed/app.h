/* SPDX-License-Identifier: MIT */
/*
 * The app of the test bed: a small HTTP server that misbehaves on request. What the parts
 * share.
 */
#ifndef SLIPWAY_BED_APP_H
#define SLIPWAY_BED_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	INPUT_SIZE = 16 * 1024,
	BODY_KEPT_MAX = 64 * 1024,
};

enum phase {
	PHASE_HEAD, /* waiting for a request, or reading its head */
	PHASE_BODY, /* reading a body whose length is known */
	PHASE_CHUNKS, /* reading a chunked body */
	PHASE_SLOW, /* the answer is due later */
	PHASE_STREAM, /* ticks are being sent */
	PHASE_WEBSOCKET, /* frames are echoed */
	PHASE_LINES, /* plain TCP: bytes are echoed */
};

struct conn {
	int fd;
	enum phase phase;
	bool close_after; /* this answer is the last one on the connection */
	bool is_writing; /* the socket is full; EPOLLOUT is armed */
	bool is_dead; /* to be freed at the end of this turn */
	bool is_chunked;

	char input[INPUT_SIZE + 1];
	size_t input_size;
	char *output;
	size_t output_size, output_sent, output_capacity;

	char method[16], target[2048];
	char head[INPUT_SIZE + 1]; /* the request's head as it came */
	uint64_t body_left;
	uint64_t body_size;
	uint32_t body_sum; /* FNV-1a over the whole body */
	char *body; /* its first BODY_KEPT_MAX bytes, for /echo */
	size_t body_kept;

	int64_t due_ms; /* PHASE_SLOW, PHASE_STREAM */
	int ticks_left, tick_ms;
};

struct app {
	const char *name, *version, *mode, *health;
	char instance[256];
	int port;
	int64_t start_ms;
	int64_t bad_from_ms; /* what the *_AFTER_MS count from */
	int64_t health_fail_after_ms, health_fail_until_ms, health_slow_ms;
	int64_t fail_after_ms; /* then every answer is 500; -1: never */
	int64_t error_after_ms; /* then every one but those of /health */
	uint64_t requests, health_asked;
	bool is_draining;
};

extern struct app app;

/* app.c */
int64_t now_ms(void);
long env_number(const char *name, long fallback);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void conn_write(struct conn *c, const void *bytes, size_t size);

/* app_http.c: consumes c->input and answers; called again whenever there is more input */
void http_input(struct conn *c);
void http_due(struct conn *c);

/* app_websocket.c */
bool websocket_accept(struct conn *c, const char *key);
void websocket_input(struct conn *c);

#endif
