/* sockets.h - which paths of a host give away the socket of a container engine.
 *
 * Whoever may write to such a socket is root on that host, so no stage mounts one, or a folder that
 * holds one, unless the settings say so. */
#ifndef SLIPWAY_CONFIG_SOCKETS_H
#define SLIPWAY_CONFIG_SOCKETS_H

#include <stdbool.h>

/* True when a mount of this path brings one of the usual sockets into a container. The path is
 * absolute and plain (rule_path). */
bool sockets_are_exposed_by(const char *path);

/* The same for the socket of one engine, from its host ("unix:///srv/docker.sock"). */
bool socket_is_exposed_by(const char *path, const char *engine_host);

#endif
