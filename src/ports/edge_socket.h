/* edge_socket.h - HAProxy's runtime API over its Unix socket.
 *
 * One connection in prompt mode: questions go out one after another, each answer ends with the
 * prompt. A question may be several commands, one a line: they cost one round trip together. A
 * connection that closes or keeps silent too long fails every question once. */
#ifndef SLIPWAY_PORTS_EDGE_SOCKET_H
#define SLIPWAY_PORTS_EDGE_SOCKET_H

#include <stdbool.h>

#include "base/check.h"
#include "base/str.h"

struct loop;
struct edge_socket;
struct edge_ask; /* a question under way */

/* answer: of all commands, to be taken apart by edge_next_answer. !is_answered: the connection broke,
 * it may have acted. */
typedef void edge_answer_fn(void *context, bool is_answered, struct str answer);
/* is_up: open and greeted. !is_up: lost (not after edge_socket_close). */
typedef void edge_state_fn(void *context, bool is_up);

/* prompt: what the prompt begins with: "" for a worker, "master" for the master. */
struct edge_socket *edge_socket_new(struct loop *loop, const char *path, const char *prompt,
    edge_state_fn *on_state, void *context);
void edge_socket_free(struct edge_socket *s); /* NULL allowed; fails no question */

/* False: nobody listens there. True: on_state follows. Nothing happens when it is open already. */
bool edge_socket_open(struct edge_socket *s);
void
edge_socket_close(struct edge_socket *s); /* open questions are told; on_state is not called */
bool edge_socket_is_up(const struct edge_socket *s);
bool edge_socket_is_silent(
    const struct edge_socket *s); /* the last connection ended for want of an answer */
void edge_socket_move(struct edge_socket *s, const char *path); /* while it is closed */

/* NULL when it is not up. The question is gone when its answer function runs. */
struct edge_ask *edge_ask(struct edge_socket *s, edge_answer_fn *on_answer, void *context,
    const char *format, ...) PRINTF_LIKE(4, 5);

/* The next command's answer, trimmed; false: there is no more. */
bool edge_next_answer(struct str *rest, struct str *ret_answer);

/* Its answer is not wanted any more; the command may still be carried out. NULL allowed. */
void edge_ask_drop(struct edge_ask *ask);

#endif
