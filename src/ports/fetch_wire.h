/* fetch_wire.h - libcurl without its names: single transfers and the pool that moves them, for
 * fetch.c alone.
 *
 * The one rule: while the pool is entered (a piece of a body is being handed out), wires are
 * neither added, removed nor freed. */
#ifndef SLIPWAY_PORTS_FETCH_WIRE_H
#define SLIPWAY_PORTS_FETCH_WIRE_H

#include "ports/fetch.h"

struct wires;
struct wire;

/* on_return: curl was at work and has returned; see what has ended. */
struct wires *wires_new(struct loop *loop, void (*on_return)(void *context), void *context);
void wires_free(struct wires *wires); /* after all of its wires */
bool wires_is_entered(const struct wires *wires);
void wires_add(struct wires *wires, struct wire *wire);
void wires_remove(struct wires *wires, struct wire *wire);

/* The context of a wire that has ended, each once; NULL: no more. */
void *wires_next_ended(struct wires *wires);

/* Takes a piece of the body; false ends the wire. */
typedef bool wire_piece_fn(void *context, struct str piece);

/* Copies all of the request that it needs. */
struct wire *
wire_new(const struct fetch_request *request, wire_piece_fn *take_piece, void *context);
void wire_free(struct wire *wire);

int wire_status(const struct wire *wire); /* 0: none yet, or none that could be */
struct str wire_headers(const struct wire *wire); /* raw lines of the last answer */

/* Of one that has ended: */
bool wire_is_whole(const struct wire *wire); /* a whole HTTP answer came */
bool wire_has_too_many_headers(const struct wire *wire);
bool wire_was_unsent(const struct wire *wire); /* no byte of it left, retries included */
const char *wire_explain(struct wire *wire); /* why it is not whole; call it once */

#endif
