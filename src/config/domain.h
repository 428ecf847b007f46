/* domain.h - templates of host names: "{stage}.{project}.example.org", "{tag}.preview.example.org".
 *
 * {project} and {stage} are known when a file is read and put in there; {tag} is put in for each
 * deploy. Pure functions. */
#ifndef SLIPWAY_CONFIG_DOMAIN_H
#define SLIPWAY_CONFIG_DOMAIN_H

#include <stdbool.h>

#include "base/limits.h"

struct domain_words { /* NULL: leave that word as it stands */
	const char *project;
	const char *stage;
	const char *tag;
};

/* Puts the words in. What they bring is made lower case, and other characters than a-z, 0-9 and '-'
 * become '-'. A label that then has more than 63 octets (RFC 1035) is cut and ends with '-' and
 * eight digits of its hash, so that two long ones stay different. false: longer than a name can
 * be, or a label would be empty. */
bool domain_expand(
    const char *text, const struct domain_words *words, char ret_domain[DOMAIN_SIZE]);

/* It still holds {tag}. */
bool domain_has_tag(const char *text);

/* "*.example.org" matches host: one label in place of the star. Exact names match themselves. */
bool domain_matches(const char *domain, const char *host);

#endif
