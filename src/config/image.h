/* image.h - image references: "host:port/path/name:tag@sha256:...".
 *
 * The grammar is that of the distribution project, strictly; what Docker leaves unsaid is filled in
 * (docker.io, library/), so two references to one repository compare equal by host and path. */
#ifndef SLIPWAY_CONFIG_IMAGE_H
#define SLIPWAY_CONFIG_IMAGE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

struct image_ref {
	char host[DOMAIN_SIZE
		  + 8]; /* in lower case, with its port; "docker.io" when none is written */
	char path[IMAGE_SIZE]; /* "shop/web"; on docker.io "library/nginx" for "nginx" */
	char tag[TAG_SIZE]; /* "" when absent */
	char digest[DIGEST_SIZE]; /* "" when absent */
};

/* -1: err says what is wrong with the text, and how it should look. */
int image_ref_parse(const char *text, struct image_ref *ret, struct err *err) MUST_USE;

/* The host (and port) whose API serves the image: Docker Hub's is not docker.io. */
const char *image_ref_server(const struct image_ref *ref);

/* A tag that a reference can name. */
bool image_tag_is_valid(struct str tag);

/* "sha256:" and 64 hexadecimal digits in lower case. */
bool image_digest_is_valid(struct str digest);

#endif
