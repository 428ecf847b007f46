/* store.h - the one store: opening it (schema, migrations, lock), actors and the journal.
 *
 * Everything that a tick writes lands in one transaction (see db.h); the main loop ends it with
 * store_commit(). */
#ifndef SLIPWAY_STORE_STORE_H
#define SLIPWAY_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "actors/fsm.h"
#include "base/err.h"

struct db;
struct store;

/* directory: made if missing (0700), locked against a second process; holds slipway.db. NULL: a
 * store in memory, for the simulator and tests. */
struct store *store_open(const char *directory, struct err *err) MUST_USE;
/* What store_open() does first, for who only looks after the files: a descriptor that holds the lock until it is
 * closed; -1: another process has it. */
int store_lock(const char *directory, struct err *err) MUST_USE;
void store_close(struct store *store);
struct db *store_db(struct store *store); /* for the other files of this folder */

void store_commit(struct store *store);
void store_rollback(struct store *store);
bool store_is_dirty(const struct store *store);

/* Around many reads in a row, without a write in between: see db.h. */
void store_reads_begin(struct store *store);
void store_reads_end(struct store *store);

/* Identity of this store, on every container it makes: a UUID, made with the store. */
const char *store_uuid(const struct store *store);

/* A random UUID (RFC 9562, version 4). */
void store_make_uuid(char text[37]);

/* Before the actors are loaded. -1: rows contradict each other, or this Slipway cannot have
 * written them; err names the first one. */
int store_audit(struct store *store, struct err *err) MUST_USE;

/* Actors: one table for each kind, states by name. */
void store_actor_put(struct store *store, const struct actor *actor);

/* Every actor that is not over, by rising id. -1: a row has a state that this program does not
 * know (a newer version wrote it). */
typedef void store_actor_fn(void *context, const struct actor *actor);
int store_actors_load(
    struct store *store, store_actor_fn *each, void *context, struct err *err) MUST_USE;

/* How often engines are looked at is a setting of the process, not of what is stored. Before the
 * actors are loaded. */
void store_sweeps_set_interval(struct store *store, int64_t interval_ms);

/* The highest id given to an actor so far, of those whose rows were removed, too. */
/* Ids up to this one are in use outside, by containers that a store put back from a copy does not
 * know: none of them is given out. */
void store_id_raise(struct store *store, uint64_t least);
uint64_t store_id_max(struct store *store);

struct journal_row {
	int64_t seq;
	int64_t at_ms;
	uint64_t actor;
	uint64_t deploy; /* the deploy it is about; 0: none */
	uint64_t stage;
	char kind[16];
	char from[24];
	char on[24];
	char to[24];
};

/* Returns the row's seq. */
int64_t store_journal_add(struct store *store, int64_t at_ms, const struct actor *after,
    int from_state, enum event_kind on);

/* Rows after seq, oldest first; deploy 0: of all. Returns how many. */
size_t store_journal(struct store *store, uint64_t deploy, int64_t after_seq,
    struct journal_row *to, size_t most);
int64_t store_journal_last(struct store *store);

/* Called for each line added to a deploy's log, inside the tick: there will be news. */
typedef void store_log_fn(void *context, uint64_t deploy);
void store_watch_log(struct store *store, store_log_fn *added, void *context);
void store_log_added(struct store *store, uint64_t deploy); /* for this folder */

/* Small values by name: the token's hash and such. "" when absent. */
void store_meta_get(struct store *store, const char *key, char *value, size_t size);
void store_meta_put(struct store *store, const char *key, const char *value);

#endif
