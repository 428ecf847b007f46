/* port_bed.h - what a port needs around it: a store in memory with a configuration and a few deploys,
 * made once; each input leaves it as it was. */
#ifndef SLIPWAY_TESTS_PORT_BED_H
#define SLIPWAY_TESTS_PORT_BED_H

#include <stddef.h>

#include "ports/port.h"

struct stage_entry;

/* Stages of port_bed.yml, in the order of the catalog; deploy n + 1 of each is LIVE, n + 2 under way,
 * with n ten times its place. */
enum { BED_STAGES = 5, BED_DEPLOYS_APART = 10 };

struct port_bed {
	struct port_host host;
	uint32_t answers;
	struct event last;
};

struct port_bed *port_bed(void); /* the same one each time, with no answers yet */

uint64_t port_bed_stage(size_t place); /* ids */
bool port_bed_is_insecure(size_t place); /* its registry is configured so */
uint64_t port_bed_live(size_t place);
uint64_t port_bed_next(size_t place);

/* An effect of the deploy under way at that stage; each call has a newer epoch. */
struct effect port_bed_effect(enum effect_kind kind, size_t place);

/* Turns until another answer has come; at most that long in virtual time, and that often. */
bool port_bed_wait(struct port_bed *bed, int64_t most_ms, uint32_t turns);

/* Whatever was written is taken back. */
void port_bed_end(struct port_bed *bed);

#endif
