/* names_server.h - the name server that lives in `slipway edge`.
 *
 * The one idea: it knows only the file `names` of the edge's directory, looks at it before each answer,
 * and listens where the file says. So it needs no orders, and the server that writes the file may
 * come and go. That one has another, which stands by: it takes an address that nobody listens on
 * any more, and so long as it lives. */
#ifndef SLIPWAY_PORTS_NAMES_SERVER_H
#define SLIPWAY_PORTS_NAMES_SERVER_H

#include <stdbool.h>

struct loop;
struct names_server;

#define NAMES_FILE "names"

struct names_server *
names_server_new(struct loop *loop, const char *directory, bool is_standby);
void names_server_free(struct names_server *server); /* NULL allowed */

#endif
