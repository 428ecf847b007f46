/* powers.h - what makes a container more than one: it could do what root of the host can.
 *
 * The one idea: each has a name, and the server's owner says by name which of them stages may have
 * (SLIPWAY_ALLOW_POWERS); slipway.yml alone cannot. */
#ifndef SLIPWAY_CONFIG_POWERS_H
#define SLIPWAY_CONFIG_POWERS_H

#include "base/limits.h"
#include "config/rules.h"
#include "config/spec.h"

rule_fn rule_powers; /* of a list: "privileged,cap:NET_ADMIN,device:/dev/fuse" */

enum { POWER_SIZE = 512 + NAME_SIZE };

/* The first power that the stage has and the list does not name. false: it has none such. */
bool
power_is_missing(const struct stage_spec *spec, const char *allowed, char power[POWER_SIZE]);

#endif
