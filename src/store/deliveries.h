/* deliveries.h - which webhooks were acted on, so that one that is sent again is known again.
 *
 * The newest WEBHOOK_DELIVERIES_MAX are kept. */
#ifndef SLIPWAY_STORE_DELIVERIES_H
#define SLIPWAY_STORE_DELIVERIES_H

#include <stdbool.h>
#include <stdint.h>

struct store;

/* project: 0 for the webhook of all. *ret_deploy: the first of those that it began. */
bool store_delivery_find(
    struct store *store, uint64_t project, const char *key, uint64_t *ret_deploy);

/* It is none that can be found. */
void
store_delivery_add(struct store *store, uint64_t project, const char *key, uint64_t deploy);

#endif
