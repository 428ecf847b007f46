/* guarantee.c - the table of promises. */
#include "config/guarantee.h"

static const char no_request_fails[] = "no request fails";

static const struct guarantee edge = { true, "the edge", no_request_fails,
	"a switch changes servers in a HAProxy that goes on running" };
static const struct guarantee none = { false, "no proxy", "nothing is promised",
	"Slipway leads no traffic to this stage" };
static const struct guarantee npm_to_edge = { true, "Nginx Proxy Manager before the edge",
	no_request_fails, "a deploy switches the edge and leaves nginx alone" };
static const struct guarantee npm_direct = { false,
	"Nginx Proxy Manager, straight to the container",
	"idle keep-alive connections may be reset",
	"nginx reloads for a switch and closes connections that are idle at that moment" };
static const struct guarantee caddy_to_edge = { true, "Caddy before the edge",
	no_request_fails, "a deploy switches the edge and leaves Caddy alone" };
static const struct guarantee caddy_direct = {
	true, "Caddy, straight to the containers", no_request_fails,
	"Caddy asks Slipway's name server where the stage is, so that a switch reloads nothing"
};

const struct guarantee *
guarantee_of(enum proxy_kind kind, bool is_direct)
{
	switch (kind) {
	case PROXY_NPM:
		return is_direct ? &npm_direct : &npm_to_edge;
	case PROXY_CADDY:
		return is_direct ? &caddy_direct : &caddy_to_edge;
	case PROXY_NONE:
		return &none;
	case PROXY_EDGE:
		break;
	}
	return &edge;
}
