/* SPDX-License-Identifier: MIT */
/*
 * The traffic checker: an independent client that counts what a user would have seen go wrong.
 * What its parts share: checker.c (workers and commands), checker_http.c (one request,
 * honestly judged) and checker_report.c (what was seen, and its JSON).
 */
#ifndef SLIPWAY_BED_CHECKER_H
#define SLIPWAY_BED_CHECKER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TARGETS_MAX = 64, VERSIONS_MAX = 256, FAILURES_KEPT_MAX = 50, ANSWER_MAX = 256 * 1024 };

enum reason {
	REASON_NONE,
	REASON_CONNECT, /* the connection was refused or not made in time */
	REASON_STALE, /* reset or closed without an answer, on a reused connection */
	REASON_RESET, /* the same on a fresh connection */
	REASON_TIMEOUT, /* no complete answer in time */
	REASON_SHORT_BODY, /* the answer ended before its body was complete */
	REASON_STATUS_5XX,
	REASON_STATUS, /* another status than 200 */
	REASON_WRONG_APP, /* the answer came from an app that this host does not name */
	REASON_NO_VERSION, /* no App-Version: not the app answered */
	REASON_BODY, /* the app did not receive the body that was sent */
	REASON_MALFORMED,
	REASON_COUNT,
};

struct target {
	char host[128], app[128], path[256];
	struct sockaddr_in address;
	char address_text[64];
};

/* One request and its judgement. */
struct outcome {
	enum reason reason;
	int status;
	bool is_fresh, is_post;
	int64_t begin_us, end_us;
	char version[64], instance[64], app[128];
	char detail[128];
};

/* A connection that one worker holds to one target. */
struct link {
	int fd; /* -1: none */
	unsigned uses;
};

int64_t now_us(void);
const char *reason_name(enum reason reason);

/* checker_http.c: one request; afterwards link->fd is open only if the connection may be used
 * again */
void http_ask(const struct target *target, struct link *link, bool is_post, bool keep_alive,
    int timeout_ms, struct outcome *outcome);

/* checker_report.c; the caller holds no lock */
void report_begin(void);
void report_target(int target, const char *host);
void report_add(int target, const struct outcome *outcome);
bool report_expect(const char *host, const char *version);
void report_print(bool is_final, int targets_count, double rate);

#endif
