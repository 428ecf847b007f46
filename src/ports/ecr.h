/* ecr.h - the passwords of Amazon's registries: they last twelve hours and are asked for with an access key
 * (GetAuthorizationToken).
 *
 * The one idea: a password is kept in memory only, and asked for anew a while before it ends, by the first
 * who needs it. The access key's secret is read for each asking. */
#ifndef SLIPWAY_PORTS_ECR_H
#define SLIPWAY_PORTS_ECR_H

#include "base/err.h"
#include "ports/port.h"

struct ecr;
struct ecr_wait;
struct registry_config;

struct ecr *ecr_new(const struct port_host *host);
void ecr_free(struct ecr *ecr); /* calls nobody; NULL allowed */

/* The password of the user "AWS", valid until the next turn. NULL: there is none yet. */
const char *ecr_password(struct ecr *ecr, const struct registry_config *config);

/* Asks for one, with all who ask for the same; calls on_done from a later turn: failure NULL: there is a
 * password now. A failure of a moment ago is told again without asking. */
typedef void ecr_done_fn(void *context, const char *failure);
struct ecr_wait *ecr_ask(struct ecr *ecr, const struct registry_config *config,
    ecr_done_fn *on_done, void *context);
void ecr_cancel(struct ecr_wait *wait); /* before its on_done; NULL allowed */

#endif
