/* SPDX-License-Identifier: MIT */
/*
 * What the checker saw: counts, latencies, failures, and for each target the sequence of
 * versions.
 *
 * Versions form a sequence because a deploy may bring an earlier one back. A version takes the
 * next place in the sequence when it first answers; when an earlier one is to come back (a
 * rollback), report_expect() announces it. An answer by an earlier place to a request that was
 * begun after a newer place had answered is counted: stale_version on a fresh connection,
 * stale_version_reused on another. It is not a failure by itself; stale_version_max_ms is how
 * long after the newer one it still happened.
 */
#define _GNU_SOURCE
#include "checker.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { BUCKETS = 400 };

struct place {
	char version[64];
	uint64_t requests;
	int64_t first_us, last_us; /* when answers ended; first_us orders what is stale */
	bool is_expected; /* announced and not seen yet */
};

struct target_report {
	char host[128];
	uint64_t requests, failed, stale_version, stale_version_reused;
	int64_t stale_max_us;
	struct place places[VERSIONS_MAX];
	int places_count;
	int64_t last_good_us, gap_max_us;
};

struct failure {
	int target;
	struct outcome outcome;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct target_report targets[TARGETS_MAX];
static struct failure failures[FAILURES_KEPT_MAX];
static int failures_count;
static uint64_t requests, failed, reasons[REASON_COUNT], fresh, reused, posts;
static uint64_t latency[BUCKETS];
static int64_t begin_us, latency_max_us;

static const char *const reason_names[REASON_COUNT] = {
	[REASON_NONE] = "none",
	[REASON_CONNECT] = "connect",
	[REASON_STALE] = "stale",
	[REASON_RESET] = "reset",
	[REASON_TIMEOUT] = "timeout",
	[REASON_SHORT_BODY] = "short_body",
	[REASON_STATUS_5XX] = "status_5xx",
	[REASON_STATUS] = "status",
	[REASON_WRONG_APP] = "wrong_app",
	[REASON_NO_VERSION] = "no_version",
	[REASON_BODY] = "body",
	[REASON_MALFORMED] = "malformed",
};

const char *
reason_name(enum reason reason)
{
	return reason_names[reason];
}

void
report_begin(void)
{
	begin_us = now_us();
}

void
report_target(int target, const char *host)
{
	pthread_mutex_lock(&lock);
	snprintf(targets[target].host, sizeof targets[target].host, "%s", host);
	pthread_mutex_unlock(&lock);
}

/* Buckets grow by 5 %: bucket i ends at 20 us * 1.05^i. */
static double
bucket_end_us(int bucket)
{
	double end = 20;
	for (int i = 0; i < bucket; i++)
		end *= 1.05;
	return end;
}

static void
latency_add(int64_t us)
{
	double end = 20;
	int bucket = 0;
	while (bucket < BUCKETS - 1 && (double)us > end) {
		end *= 1.05;
		bucket++;
	}
	latency[bucket]++;
	if (us > latency_max_us)
		latency_max_us = us;
}

static double
latency_ms(double share)
{
	uint64_t total = 0, seen = 0;
	for (int i = 0; i < BUCKETS; i++)
		total += latency[i];
	for (int i = 0; i < BUCKETS; i++) {
		seen += latency[i];
		if (total > 0 && (double)seen >= share * (double)total)
			return bucket_end_us(i) / 1000;
	}
	return 0;
}

static int
place_add(struct target_report *t, const char *version)
{
	if (t->places_count == VERSIONS_MAX)
		return VERSIONS_MAX - 1;
	struct place *p = &t->places[t->places_count];
	memset(p, 0, sizeof *p);
	snprintf(p->version, sizeof p->version, "%s", version);
	return t->places_count++;
}

/* The newest place of this version; -1 when it has none yet. */
static int
place_find(const struct target_report *t, const char *version)
{
	for (int i = t->places_count - 1; i >= 0; i--)
		if (strcmp(t->places[i].version, version) == 0)
			return i;
	return -1;
}

/* An answer that began before its expected place was announced belongs to the place before. */
static int
place_of(struct target_report *t, const struct outcome *o)
{
	int place = place_find(t, o->version);
	if (place < 0)
		return place_add(t, o->version);
	struct place *p = &t->places[place];
	if (p->is_expected && o->begin_us >= p->last_us) {
		p->is_expected = false;
	} else if (p->is_expected) {
		for (int i = place - 1; i >= 0; i--)
			if (strcmp(t->places[i].version, o->version) == 0)
				return i;
	}
	return place;
}

static void
version_seen(struct target_report *t, const struct outcome *o)
{
	int place = place_of(t, o);
	struct place *p = &t->places[place];
	if (p->requests++ == 0)
		p->first_us = o->end_us;
	if (o->end_us > p->last_us)
		p->last_us = o->end_us;
	for (int i = t->places_count - 1; i > place; i--) {
		const struct place *newer = &t->places[i];
		if (newer->requests == 0 || o->begin_us <= newer->first_us)
			continue;
		if (o->is_fresh)
			t->stale_version++;
		else
			t->stale_version_reused++;
		if (o->begin_us - newer->first_us > t->stale_max_us)
			t->stale_max_us = o->begin_us - newer->first_us;
		break;
	}
}

void
report_add(int target, const struct outcome *o)
{
	pthread_mutex_lock(&lock);
	struct target_report *t = &targets[target];
	requests++;
	t->requests++;
	posts += o->is_post;
	fresh += o->is_fresh;
	reused += !o->is_fresh;
	if (o->reason != REASON_NONE) {
		failed++;
		t->failed++;
		reasons[o->reason]++;
		if (failures_count < FAILURES_KEPT_MAX) {
			failures[failures_count].target = target;
			failures[failures_count++].outcome = *o;
		}
	} else {
		version_seen(t, o);
		latency_add(o->end_us - o->begin_us);
		if (t->last_good_us && o->end_us - t->last_good_us > t->gap_max_us)
			t->gap_max_us = o->end_us - t->last_good_us;
		if (o->end_us > t->last_good_us)
			t->last_good_us = o->end_us;
	}
	pthread_mutex_unlock(&lock);
}

bool
report_expect(const char *host, const char *version)
{
	bool is_known = false;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < TARGETS_MAX; i++) {
		struct target_report *t = &targets[i];
		if (strcmp(t->host, host) != 0)
			continue;
		is_known = true;
		if (place_find(t, version) < 0)
			continue; /* a version that is new needs no announcement */
		struct place *p = &t->places[place_add(t, version)];
		p->is_expected = true;
		p->last_us = now_us();
	}
	pthread_mutex_unlock(&lock);
	return is_known;
}

/* ---- printing ---- */

static void
print_text(const char *name, const char *text)
{
	printf("\"%s\":\"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar((unsigned char)*text < 0x20 ? ' ' : *text);
	}
	putchar('"');
}

static double
since_begin_ms(int64_t us)
{
	return us ? (double)(us - begin_us) / 1000 : 0;
}

static void
print_target(const struct target_report *t)
{
	putchar('{');
	print_text("host", t->host);
	printf(",\"requests\":%llu,\"failed\":%llu,\"stale_version\":%llu,"
	       "\"stale_version_reused\":%llu,\"stale_version_max_ms\":%.3f,"
	       "\"gap_max_ms\":%.3f,\"versions\":[",
	    (unsigned long long)t->requests, (unsigned long long)t->failed,
	    (unsigned long long)t->stale_version, (unsigned long long)t->stale_version_reused,
	    (double)t->stale_max_us / 1000, (double)t->gap_max_us / 1000);
	bool is_first = true;
	for (int i = 0; i < t->places_count; i++) {
		const struct place *p = &t->places[i];
		if (p->requests == 0)
			continue;
		printf("%s{", is_first ? "" : ",");
		print_text("version", p->version);
		printf(",\"requests\":%llu,\"first_ms\":%.3f,\"last_ms\":%.3f}",
		    (unsigned long long)p->requests, since_begin_ms(p->first_us),
		    since_begin_ms(p->last_us));
		is_first = false;
	}
	printf("]}");
}

static void
print_failure(const struct failure *f)
{
	const struct outcome *o = &f->outcome;
	printf("{\"at_ms\":%.3f,\"took_ms\":%.3f,", since_begin_ms(o->end_us),
	    (double)(o->end_us - o->begin_us) / 1000);
	print_text("host", targets[f->target].host);
	printf(",\"method\":\"%s\",\"connection\":\"%s\",\"reason\":\"%s\",\"status\":%d,",
	    o->is_post ? "POST" : "GET", o->is_fresh ? "fresh" : "reused",
	    reason_name(o->reason), o->status);
	print_text("version", o->version);
	putchar(',');
	print_text("instance", o->instance);
	putchar(',');
	print_text("detail", o->detail);
	putchar('}');
}

void
report_print(bool is_final, int targets_count, double rate)
{
	pthread_mutex_lock(&lock);
	uint64_t stale_version = 0, stale_reused = 0;
	for (int i = 0; i < targets_count; i++) {
		stale_version += targets[i].stale_version;
		stale_reused += targets[i].stale_version_reused;
	}
	printf("{\"final\":%s,\"ms\":%.3f,\"rate\":%.0f,\"requests\":%llu,\"failed\":%llu,"
	       "\"fresh\":%llu,\"reused\":%llu,\"posts\":%llu,\"stale_version\":%llu,"
	       "\"stale_version_reused\":%llu,\"reasons\":{",
	    is_final ? "true" : "false", since_begin_ms(now_us()), rate,
	    (unsigned long long)requests, (unsigned long long)failed,
	    (unsigned long long)fresh, (unsigned long long)reused, (unsigned long long)posts,
	    (unsigned long long)stale_version, (unsigned long long)stale_reused);
	for (int i = 1; i < REASON_COUNT; i++)
		printf("%s\"%s\":%llu", i > 1 ? "," : "", reason_names[i],
		    (unsigned long long)reasons[i]);
	printf("},\"latency_ms\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f},\"targets\":[",
	    latency_ms(0.5), latency_ms(0.99), (double)latency_max_us / 1000);
	for (int i = 0; i < targets_count; i++) {
		printf("%s", i ? "," : "");
		print_target(&targets[i]);
	}
	printf("],\"failures\":[");
	for (int i = 0; i < failures_count; i++) {
		printf("%s", i ? "," : "");
		print_failure(&failures[i]);
	}
	printf("]}\n");
	fflush(stdout);
	pthread_mutex_unlock(&lock);
}
