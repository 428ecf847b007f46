/* names.h - where each stage is, as Caddy asks for it: a table, its file, and DNS over it.
 *
 * The one idea: "s42.<zone>" has SRV records that name the containers of stage 42 ("d57r0.s42.<zone>"
 * is replica 0 of deploy 57), and a switch is another table. The server writes the file, the keeper
 * of the edge (`slipway edge`), which outlives it, answers from it; see names_server.h. */
#ifndef SLIPWAY_PORTS_NAMES_H
#define SLIPWAY_PORTS_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

enum {
	NAMES_MARK_SIZE = 9, /* the first 8 characters of the store's UUID */
	NAMES_ADDRESS_SIZE = 56, /* "[fd00::2]:8080" */
	NAMES_TEXT_SIZE = 96, /* of a whole name */
};

struct name_target {
	uint64_t stage;
	uint64_t deploy;
	int replica;
	bool is_live; /* else only its own name is told: requests on their way still ask */
	char address[NAMES_ADDRESS_SIZE]; /* "10.0.0.2:8080" */
	char listen[NAME_SIZE]; /* where Caddy asks for it: "127.0.0.1:8953" */
};

struct names {
	char mark[NAMES_MARK_SIZE]; /* "": an empty table */
	struct name_target *targets; /* by stage, deploy and replica */
	size_t count;
	size_t allocated;
};

void names_free(struct names *names); /* leaves an empty table */

/* The file. A missing one is an empty table; names is untouched on failure. */
int names_read(const char *path, struct names *names, struct err *err) MUST_USE;
int names_parse(struct str text, struct names *names, struct err *err) MUST_USE;
void names_write(const struct names *names, struct buf *text);

/* The stage is at these targets of one deploy from now on. What was live stays known as former;
 * older ones go. */
void names_put(struct names *names, const struct name_target *targets, size_t count);
void names_drop(struct names *names, uint64_t stage);
/* Has the stage just these live targets? */
bool names_has(const struct names *names, const struct name_target *targets, size_t count);

/* Splits "host:port" or "[host]:port"; false: no such thing, or no port. */
bool names_split(const char *address, char host[NAMES_ADDRESS_SIZE], uint16_t *ret_port);

bool names_is_address(const char *text); /* that, and the host is an IP address */

/* "s42.1a2b3c4d.slipway.internal", without a dot behind it. */
void names_of_stage(const char *mark, uint64_t stage, char text[NAMES_TEXT_SIZE]);
/* "d57r0.s42...", with or without a dot and more behind it; false: none of ours. */
bool names_parse_target(const char *mark, struct str name, struct name_target *ret);

/* DNS (RFC 1035, 2782, 6891): the answer to a packet that anybody may have sent. room: the most
 * bytes that may go back by this transport. False: nothing is to be said. */
enum { NAMES_UDP_MAX = 1232, NAMES_TCP_MAX = 65535, NAMES_QUERY_MAX = 512 };
bool
names_answer(const struct names *names, struct str query, bool is_udp, struct buf *answer);

/* The other side. A question for the SRV records of a stage. */
void names_ask(const char *mark, uint64_t stage, uint16_t id, struct buf *query);
/* What the answer to it says: deploys and replicas, ports in the addresses. -1: it is no answer to that
 * question, or it says that something went wrong. */
int names_read_answer(const char *mark, struct str query, struct str answer,
    struct name_target *to, size_t most, size_t *ret_count) MUST_USE;

#endif
