/* api.h - the HTTP API: routes, who may come in, and what each answers (docs/api.md). */
#ifndef SLIPWAY_API_API_H
#define SLIPWAY_API_API_H

#include <stdint.h>

struct app;
struct buf;
struct request;

/* The handler of the HTTP server; context is the struct app. */
void api_handle(void *context, struct request *rq);

/* Its `answered`: one debug line for each request. */
void api_answered(void *context, const struct request *rq, int status);

/* After the tick's commit: there may be news for the streams of this deploy. */
void api_wake(struct app *app, uint64_t deploy);

/* The route table, a line each: "GET /health open". tools/openapi holds spec/openapi.yaml against it. */
void api_write_routes(struct buf *to);

#endif
