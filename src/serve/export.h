/* export.h - the configuration that is applied, as a file would say it. */
#ifndef SLIPWAY_SERVE_EXPORT_H
#define SLIPWAY_SERVE_EXPORT_H

#include "base/arena.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/file.h"

struct catalog;

struct engine_config;
struct registry_config;
struct proxy_config;
struct receiver_config;
struct webhook_rules;

/* As a file has it; texts are those of the one given. */
struct config_engine export_engine(const struct engine_config *);
struct config_registry export_registry(const struct registry_config *);
struct config_proxy export_proxy(const struct proxy_config *);
struct config_receiver export_receiver(const struct receiver_config *, struct arena *arena);
/* Names with blanks between them, one by one. */
struct strings export_names(const char *names, struct arena *arena);
struct config_webhook export_webhook(const struct webhook_rules *);

/* A view of it: texts are the catalog's own, until the end of the tick; the rest is the arena's. An empty
 * catalog has the engine that a file without engines gets. */
struct config_file *export_view(const struct catalog *catalog, struct arena *arena);

/* slipway.yml of everything; with a project only that one, with all engines, registries and proxies.
 * Passwords are references already: neither the catalog nor a file holds one. */
void export_write(const struct catalog *catalog, const char *project, struct buf *to);

/* The same without any project, and without the key: what comes behind it begins with "projects:". */
void export_write_hosts(const struct catalog *catalog, struct buf *to);

/* Names this very configuration: another one has another tag. */
void export_tag(const struct catalog *catalog, char tag[HASH_HEX_SIZE]);

#endif
