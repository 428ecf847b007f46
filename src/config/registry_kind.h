/* registry_kind.h - the products behind the one protocol of registries: what a login is there. Pure. */
#ifndef SLIPWAY_CONFIG_REGISTRY_KIND_H
#define SLIPWAY_CONFIG_REGISTRY_KIND_H

#include <stdbool.h>

enum registry_kind {
	REGISTRY_GENERIC,
	REGISTRY_DOCKER_HUB,
	REGISTRY_GHCR,
	REGISTRY_GITEA, /* and Forgejo */
	REGISTRY_GITLAB,
	REGISTRY_HARBOR,
	REGISTRY_QUAY,
	REGISTRY_ECR, /* its passwords last 12 hours and are fetched with an access key */
	REGISTRY_KIND_COUNT
};

extern const char *const registry_kind_names[REGISTRY_KIND_COUNT];

/* By its name; REGISTRY_KIND_COUNT: there is none. */
enum registry_kind registry_kind_named(const char *name);

/* What the host tells; REGISTRY_GENERIC when it tells nothing. */
enum registry_kind registry_kind_of(const char *host);

/* A name, or "" for what the host tells. */
enum registry_kind registry_kind_said(const char *name, const char *host);

/* Which user and password it takes, for a person whose login was refused; "" when there is nothing
 * to say. */
const char *registry_kind_login(enum registry_kind kind);

#endif
