/* api_reference.c - the description of the API (OpenAPI 3.1), and the page that draws it for people.
 *
 * All of it is constant and part of the program (reference.S): nothing is read from the disk, and the
 * page loads nothing from elsewhere. It needs no token, for a browser sends none; SLIPWAY_API_DOCS=off
 * takes it away. */
#include "api/inside.h"
#include "config/settings.h"

/* reference.S */
extern const char reference_openapi[];
extern const uint64_t reference_openapi_size;
extern const char reference_page[];
extern const uint64_t reference_page_size;
extern const char reference_style[];
extern const uint64_t reference_style_size;
extern const char reference_script[];
extern const uint64_t reference_script_size;

/* What the page needs: its own style, its own script, and the description. */
#define POLICY                                                                          \
	"default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

static void
serve(const struct app *app, struct request *rq, const char *type, struct str bytes)
{
	if (!app->settings->serves_docs) {
		reply_error(rq, 404, "NOT_FOUND", "not served here: SLIPWAY_API_DOCS is off");
		return;
	}
	reply_header(rq, "Content-Security-Policy", STR(POLICY));
	reply_bytes(rq, 200, type, bytes);
}

void
api_openapi(void *context, struct request *rq)
{
	serve(context, rq, "application/json",
	    (struct str){ reference_openapi, reference_openapi_size });
}

void
api_docs(void *context, struct request *rq)
{
	serve(context, rq, "text/html; charset=utf-8",
	    (struct str){ reference_page, reference_page_size });
}

void
api_docs_style(void *context, struct request *rq)
{
	serve(context, rq, "text/css; charset=utf-8",
	    (struct str){ reference_style, reference_style_size });
}

void
api_docs_script(void *context, struct request *rq)
{
	serve(context, rq, "text/javascript; charset=utf-8",
	    (struct str){ reference_script, reference_script_size });
}
