/* waits.h - the one deadline of each connection.
 *
 * The one idea: all deadlines of a kind last equally long, so a list for each kind is sorted
 * by itself: setting and clearing cost O(1), and one timer serves ten thousand connections. */
#ifndef SLIPWAY_HTTP_WAITS_H
#define SLIPWAY_HTTP_WAITS_H

#include "http/inside.h"

void waits_init(struct http_server *server);
void waits_free(struct http_server *server);

/* Replaces the deadline that conn had. */
void wait_set(struct conn *conn, enum wait_kind kind);
void wait_clear(struct conn *conn);
bool wait_is(const struct conn *conn, enum wait_kind kind);

#endif
