/* net.h - a network inside the simulator: the HTTP server's sockets are ours.
 *
 * The one idea: the program is linked with --wrap for the few socket calls that src/http makes, so
 * its real code runs on pipes in memory that deliver in pieces, fill up and break when we like, and
 * every byte is the same in every run of a seed. */
#ifndef SLIPWAY_TESTS_SIM_NET_H
#define SLIPWAY_TESTS_SIM_NET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

enum { LINKS_MAX = 64 };

void net_reset(void);

/* The client's side. room: bytes the client takes before it reads (a slow reader has little). */
int net_dial(size_t room); /* -1: refused, nobody listens */
void net_send(int link, struct str bytes);
struct str net_received(int link); /* what has come and was not consumed */
bool net_has_news(int link); /* something came that was not looked at */
void net_consume(int link, size_t n);
bool net_is_over(int link); /* nothing more will come: the server closed it, or died */
void net_hang_up(int link); /* gives the link back */

/* The process is gone: what it listened on and every connection with it. */
void net_die(void);

/* For the loop: which of LOOP_READ and LOOP_WRITE the server's descriptor is ready for. */
int net_ready(int fd);

/* Called for each piece that leaves the server; false: the process is dead, it does not leave. */
extern bool (*net_on_leaving)(void);

#endif
