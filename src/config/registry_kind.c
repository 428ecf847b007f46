/* registry_kind.c - see registry_kind.h. */
#include "config/registry_kind.h"

#include <string.h>

#include "base/str.h"

const char *const registry_kind_names[REGISTRY_KIND_COUNT] = {
	[REGISTRY_GENERIC] = "generic",
	[REGISTRY_DOCKER_HUB] = "docker-hub",
	[REGISTRY_GHCR] = "ghcr",
	[REGISTRY_GITEA] = "gitea",
	[REGISTRY_GITLAB] = "gitlab",
	[REGISTRY_HARBOR] = "harbor",
	[REGISTRY_QUAY] = "quay",
	[REGISTRY_ECR] = "ecr",
};

enum registry_kind
registry_kind_named(const char *name)
{
	int kind = 0;

	while (kind < REGISTRY_KIND_COUNT && strcmp(registry_kind_names[kind], name) != 0)
		kind++;
	return (enum registry_kind)kind;
}

enum registry_kind
registry_kind_of(const char *host)
{
	static const struct {
		const char *glob;
		enum registry_kind kind;
	} hosts[] = {
		{ "docker.io", REGISTRY_DOCKER_HUB },
		{ "ghcr.io", REGISTRY_GHCR },
		{ "registry.gitlab.com", REGISTRY_GITLAB },
		{ "quay.io", REGISTRY_QUAY },
		{ "codeberg.org", REGISTRY_GITEA },
		{ "*.dkr.ecr.*.amazonaws.com", REGISTRY_ECR },
		{ "*.dkr.ecr.*.amazonaws.com.cn", REGISTRY_ECR },
	};

	for (size_t i = 0; i < COUNT(hosts); i++)
		if (str_glob(hosts[i].glob, host))
			return hosts[i].kind;
	return REGISTRY_GENERIC;
}

enum registry_kind
registry_kind_said(const char *name, const char *host)
{
	return name[0] == '\0' ? registry_kind_of(host) : registry_kind_named(name);
}

const char *
registry_kind_login(enum registry_kind kind)
{
	static const char *const logins[REGISTRY_KIND_COUNT] = {
		[REGISTRY_GENERIC] = "",
		[REGISTRY_DOCKER_HUB] =
		    "the password is an access token (read) of that account",
		[REGISTRY_GHCR] = "the password is a classic token with read:packages",
		[REGISTRY_GITEA] = "the password is an access token with read:package",
		[REGISTRY_GITLAB] = "user and token of a deploy token with read_registry",
		[REGISTRY_HARBOR] = "a robot account: robot$project+name and its secret",
		[REGISTRY_QUAY] = "a robot account: namespace+name and its token",
		[REGISTRY_ECR] = "the access key's id, and its secret as the password",
	};

	return logins[kind];
}
