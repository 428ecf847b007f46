/* api_metrics.c - GET /metrics. */
#include "api/inside.h"
#include "serve/metrics.h"

void
api_metrics(void *context, struct request *rq)
{
	metrics_write(context, reply_body(rq));
	reply_built(rq, 200, "text/plain; version=0.0.4; charset=utf-8");
}
