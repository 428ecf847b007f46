/* edge_config.c - haproxy.cfg, hosts.map and the probe's secret.
 *
 * The one idea: the configuration has a structure (listeners, backends, limits) and contents (servers
 * and host names). Contents change over the runtime socket; only another structure needs a
 * reload; certificates count as structure. The structure's hash stands in the description that
 * HAProxy tells, so one sees at once whether a running HAProxy has what is wanted. Both files always
 * hold what HAProxy was told last: it can die at any time and comes back as it was, and so does a
 * machine whose power was cut: `slipway edge` may start from them before the server is there. */
#include "ports/edge_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"

uint64_t
edge_hash(uint64_t hash, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		hash =
		    (hash ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211); /* FNV-1a */
	return hash;
}

void
edge_path(const struct edge *edge, const char *name, char path[EDGE_PATH_SIZE])
{
	snprintf(path, EDGE_PATH_SIZE, "%s/%s", edge->directory, name);
}

/* Routed TCP ports are bound where HTTP is: on the interface the owner has chosen. */
const char *
edge_tcp_host(const struct edge *edge)
{
	if (edge->http.count > 0)
		return edge->http.items[0].host;
	return edge->https.count > 0 ? edge->https.items[0].host : "0.0.0.0";
}

static void
put_bind(struct buf *text, const char *host, int port, const char *options)
{
	bool is_v6 = strchr(host, ':') != NULL;

	buf_format(
	    text, is_v6 ? "\tbind [%s]:%d%s\n" : "\tbind %s:%d%s\n", host, port, options);
}

/* HAProxy needs two descriptors a client; it refuses to start when it cannot have them. */
static int
connections_max(void)
{
	struct rlimit limit = { .rlim_max = 1024 };
	rlim_t possible;

	getrlimit(RLIMIT_NOFILE, &limit);
	possible = limit.rlim_max < 400 ? 100 : (limit.rlim_max - 200) / 2;
	return possible > EDGE_CONNECTIONS_MAX ? EDGE_CONNECTIONS_MAX : (int)possible;
}

static void
put_global(const struct edge *edge, uint64_t structure, struct buf *text)
{
	char socket[EDGE_PATH_SIZE];

	buf_text(text,
	    "# Written by Slipway and kept current by it; changes made by hand are lost.\n");
	buf_format(text, "global\n\tdescription slipway-%016" PRIx64 "\n", structure);
	buf_format(text, "\tmaxconn %d\n\tnbthread 2\n", connections_max());
	edge_stats_path(edge, socket);
	buf_format(text, "\tstats socket %s mode 600 level admin\n", socket);
	buf_text(text, "\tstats timeout 1d\n");
	buf_text(text, "\tmworker-max-reloads 50\n");
	/* The worker gives up root once it listens. */
	if (edge->has_user)
		buf_text(text, "\tuser haproxy\n\tgroup haproxy\n");
	if (edge->https.count > 0)
		buf_text(text,
		    "\tssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets\n"
		    "\ttune.ssl.default-dh-param 2048\n");
}

/* A refused connection is tried again, at once on another replica and each second on the same one,
 * for half a minute: nothing was sent yet, so this is safe for a POST too, and clients of an app
 * that is just restarting wait instead of failing. */
static void
put_defaults(struct buf *text)
{
	buf_text(text, "defaults\n"
		       "\tmode http\n"
		       "\tbalance roundrobin\n"
		       "\tretries 30\n"
		       "\toption redispatch 1\n"
		       "\tretry-on conn-failure\n"
		       "\ttimeout connect 1s\n"
		       "\ttimeout queue 30s\n"
		       "\ttimeout client 5m\n"
		       "\ttimeout server 5m\n"
		       "\ttimeout http-request 10s\n"
		       "\ttimeout http-keep-alive 60s\n"
		       "\ttimeout client-fin 30s\n"
		       "\ttimeout tunnel 1h\n");
}

/* What a client says of itself is not believed; what a trusted proxy says of its client is. */
static void
put_forwarded(const struct edge *edge, struct buf *text)
{
	struct str rest = str_of(edge->trusted);
	const char *unless = rest.n > 0 ? " unless is_trusted" : "";
	static const char *const names[] = { "Forwarded", "X-Forwarded-For",
		"X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto" };

	if (rest.n > 0)
		buf_text(text, "\tacl is_trusted src");
	while (rest.n > 0) {
		struct str one;

		rest = str_cut(rest, ',', &one);
		one = str_trim(one);
		buf_format(text, " %.*s", (int)one.n, one.p);
	}
	buf_text(text, unless[0] == '\0' ? "" : "\n");
	for (size_t i = 0; i < COUNT(names); i++)
		buf_format(text, "\thttp-request del-header %s%s\n", names[i], unless);
	buf_text(text, "\thttp-request set-header X-Forwarded-For "
		       "\"%[req.fhdr(x-forwarded-for)], %[src]\""
		       " if { req.fhdr(x-forwarded-for) -m found }\n"
		       "\thttp-request set-header X-Forwarded-For %[src]"
		       " unless { req.fhdr(x-forwarded-for) -m found }\n"
		       "\thttp-request set-header X-Forwarded-Host %[req.hdr(host)]"
		       " unless { req.hdr(x-forwarded-host) -m found }\n"
		       "\thttp-request set-header X-Forwarded-Port %[dst_port]"
		       " unless { req.hdr(x-forwarded-port) -m found }\n"
		       "\thttp-request set-header X-Forwarded-Proto https"
		       " if { ssl_fc } !{ req.hdr(x-forwarded-proto) -m found }\n"
		       "\thttp-request set-header X-Forwarded-Proto http"
		       " unless { req.hdr(x-forwarded-proto) -m found }\n");
}

/* The probe's request is known by its secret header, which goes no further; only its answer says
 * which server gave it. http-response rules do not run for answers that HAProxy makes itself: these
 * are named behind them. */
static void
put_rules(const struct edge *edge, struct buf *text)
{
	buf_format(text,
	    "\thttp-request set-var(txn.slipway_probe) bool(true)"
	    " if { req.hdr(" EDGE_PROBE_HEADER ") -m str %s }\n",
	    edge->secret);
	buf_text(text, "\thttp-request del-header " EDGE_PROBE_HEADER "\n");
	put_forwarded(edge, text);
	buf_text(text, "\thttp-response del-header " EDGE_INSTANCE_HEADER "\n"
		       "\thttp-response set-header " EDGE_INSTANCE_HEADER
		       " %s if { var(txn.slipway_probe) -m bool }\n"
		       "\thttp-after-response set-header " EDGE_INSTANCE_HEADER " " EDGE_ITSELF
		       " if { var(txn.slipway_probe) -m bool }"
		       " !{ res.hdr(" EDGE_INSTANCE_HEADER ") -m found }\n");
	/* Its own name first, then a wildcard for all that differ from it in the first label. */
	buf_format(text,
	    "\thttp-request set-var(txn.host) req.hdr(host),field(1,:),lower,rtrim(.)\n"
	    "\thttp-request set-var(txn.to) var(txn.host),map_str(%s/hosts.map)\n"
	    "\thttp-request set-var(txn.to) var(txn.host),regsub(^[^.]*,*),"
	    "map_str(%s/hosts.map) unless { var(txn.to) -m found }\n"
	    "\tuse_backend %%[var(txn.to)] if { var(txn.to) -m found }\n",
	    edge->directory, edge->directory);
	buf_text(text, "\tdefault_backend unknown\n");
}

static void
put_http(const struct edge *edge, struct buf *text)
{
	char options[EDGE_PATH_SIZE + 64];

	/* A worker that a reload has replaced answers once more on a connection that is idle, and says
	 * that it was the last time: a request may be on its way there, and a POST is not sent again. */
	buf_text(text, "frontend http\n\toption idle-close-on-response\n");
	for (size_t i = 0; i < edge->http.count; i++)
		put_bind(text, edge->http.items[i].host, edge->http.items[i].port, "");
	snprintf(options, sizeof(options), " ssl crt %s alpn h2,http/1.1", edge->certificates);
	for (size_t i = 0; i < edge->https.count; i++)
		put_bind(text, edge->https.items[i].host, edge->https.items[i].port, options);
	/* For the probe when there is HTTPS only: from inside, no certificate can be checked. */
	buf_format(text, "\tbind unix@%s/probe.sock mode 600\n", edge->directory);
	put_rules(edge, text);
	buf_text(text,
	    "backend unknown\n\thttp-request return status 404 content-type text/plain"
	    " string \"404: no such host here\\n\"\n");
}

static void
put_servers(const struct edge_backend *b, bool with_contents, struct buf *text)
{
	if (!with_contents)
		return;
	if (b->stage != NULL)
		buf_format(text, "\t# stage %" PRIu64 "\n", b->stage->id);
	for (size_t i = 0; i < b->server_count; i++)
		if (b->servers[i].state == EDGE_SERVER_READY
		    || b->servers[i].replica == EDGE_NOBODY)
			buf_format(text, "\tserver %s %s " EDGE_SERVER_OPTIONS "%s\n",
			    b->servers[i].name, b->servers[i].address,
			    b->servers[i].state == EDGE_SERVER_READY ? "" : " disabled");
}

/* By rising port: the structure must not depend on who came first. */
static const struct edge_backend *
next_tcp(const struct edge *edge, int after_port)
{
	const struct edge_backend *next = NULL;

	for (const struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		if (stage->tcp != NULL && stage->tcp->tcp_port > after_port
		    && (next == NULL || stage->tcp->tcp_port < next->tcp_port))
			next = stage->tcp;
	return next;
}

static void
put_config(const struct edge *edge, uint64_t structure, bool with_contents, struct buf *text)
{
	const struct edge_backend *b = next_tcp(edge, 0);

	put_global(edge, structure, text);
	put_defaults(text);
	put_http(edge, text);
	for (; b != NULL; b = next_tcp(edge, b->tcp_port)) {
		buf_format(
		    text, "frontend tcp-%d\n\tmode tcp\n\ttimeout client 1h\n", b->tcp_port);
		put_bind(text, edge_tcp_host(edge), b->tcp_port, "");
		buf_format(text, "\tdefault_backend %s\n", b->name);
		buf_format(text,
		    "backend %s\n\tmode tcp\n\tbalance leastconn\n"
		    "\ttimeout server 1h\n",
		    b->name);
		put_servers(b, with_contents, text);
	}
	for (size_t i = 0; i < edge->pool_count; i++) {
		buf_format(text, "backend %s\n", edge->pool[i]->name);
		put_servers(edge->pool[i], with_contents, text);
	}
}

uint64_t
edge_structure(const struct edge *edge)
{
	struct buf text;
	uint64_t hash;

	buf_init(&text, EDGE_FILE_MAX);
	put_config(edge, 0, false, &text);
	hash = edge_hash(EDGE_HASH_START, buf_view(&text)) + edge->certificates_hash;
	buf_free(&text);
	return hash;
}

static void
put_map(const struct edge *edge, struct buf *text)
{
	for (const struct edge_stage *stage = edge->stages; stage != NULL; stage = stage->next)
		for (size_t i = 0; stage->http != NULL && i < stage->domain_count; i++)
			buf_format(text, "%s %s\n", stage->domains[i], stage->http->name);
}

/* A server and a `slipway edge` that is a service of its own may begin at the same moment: one at a time
 * looks what there is and writes. It takes as long as a sync. -1: there is no such directory, and
 * the writing will say so. */
static int
lock_files(const struct edge *edge)
{
	int fd = open(edge->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR) {
	}
	return fd;
}

static void
unlock_files(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Whole or not at all: HAProxy may start from it at any moment. */
static int
replace(const struct edge *edge, const char *name, struct str text, uint64_t *hash,
    struct err *err)
{
	uint64_t fresh = edge_hash(EDGE_HASH_START, text);
	char path[EDGE_PATH_SIZE];

	if (fresh == *hash)
		return 0;
	edge_path(edge, name, path);
	if (file_replace(path, text, err) != 0)
		return -1;
	*hash = fresh;
	return 0;
}

int
edge_files_write(struct edge *edge, struct err *err)
{
	struct buf config;
	struct buf map;
	int lock = lock_files(edge);
	int result;

	buf_init(&config, EDGE_FILE_MAX);
	buf_init(&map, EDGE_FILE_MAX);
	put_config(edge, edge_structure(edge), true, &config);
	put_map(edge, &map);
	if (config.overflow || map.overflow)
		result = err_set(
		    err, "the edge's configuration is larger than %d bytes", EDGE_FILE_MAX);
	else /* A name whose backend is not there yet is answered like an unknown one. */
		result = replace(edge, "hosts.map", buf_view(&map), &edge->map_hash, err);
	if (result == 0)
		result =
		    replace(edge, "haproxy.cfg", buf_view(&config), &edge->config_hash, err);
	unlock_files(lock);
	buf_free(&config);
	buf_free(&map);
	return result;
}

/* Kept over restarts: an adopted HAProxy knows it already. */
int
edge_secret_load(struct edge *edge, struct err *err)
{
	unsigned char bytes[(EDGE_SECRET_SIZE - 1) / 2];
	char path[EDGE_PATH_SIZE];
	struct err ignored;
	struct buf text;
	int lock = lock_files(edge);
	int result = 0;

	edge_path(edge, "probe.secret", path);
	buf_init(&text, EDGE_SECRET_SIZE);
	if (file_read(path, &text, &ignored) != 0 || text.n != EDGE_SECRET_SIZE - 1
	    || strspn(buf_cstr(&text), "0123456789abcdef") != text.n) {
		buf_clear(&text);
		random_bytes(bytes, sizeof(bytes));
		for (size_t i = 0; i < sizeof(bytes); i++)
			buf_format(&text, "%02x", bytes[i]);
		result = file_replace(path, buf_view(&text), err);
	}
	unlock_files(lock);
	CHECK(text.n == EDGE_SECRET_SIZE - 1);
	CHECK(str_copy(edge->secret, sizeof(edge->secret), buf_view(&text)));
	snprintf(edge->probe_header, sizeof(edge->probe_header), EDGE_PROBE_HEADER ": %s",
	    edge->secret);
	buf_free(&text);
	return result;
}

static int
make_directory(const char *path, struct err *err)
{
	struct stat info;

	if (mkdir(path, 0700) != 0) {
		if (errno != EEXIST)
			return err_errno(err, "cannot make the edge's directory %s", path);
	} else if (file_sync_parent(path, err) != 0) {
		return -1;
	}
	if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode))
		return err_set(err, "%s is no directory", path);
	if (chmod(path, 0700) != 0)
		return err_errno(
		    err, "cannot take the edge's directory %s for us alone", path);
	return 0;
}

/* What goes into the configuration as it stands must not be able to say more than its name. */
static bool
is_plain(const char *text)
{
	return strpbrk(text, " \t\r\n\"'\\#$%,") == NULL;
}

int
edge_settings_take(struct edge *edge, const struct edge_settings *settings, struct err *err)
{
	char absolute[EDGE_PATH_SIZE];

	if (make_directory(settings->directory, err) != 0)
		return -1;
	if (realpath(settings->directory, absolute) == NULL)
		return err_errno(err, "%s", settings->directory);
	if (!str_copy(edge->directory, sizeof(edge->directory), str_of(absolute)))
		return err_set(err,
		    "%s: too long by %zu characters for the sockets of HAProxy; choose"
		    " a shorter data directory",
		    absolute, strlen(absolute) + 1 - sizeof(edge->directory));
	edge->trusted = settings->trusted == NULL ? "" : settings->trusted;
	edge->certificates[0] = '\0';
	if (settings->https.count > 0
	    && realpath(settings->certificates, edge->certificates) == NULL)
		return err_errno(err, "certificates of the edge: %s", settings->certificates);
	if (!is_plain(edge->directory) || !is_plain(edge->certificates))
		return err_set(err,
		    "%s: the paths of the data directory and of the certificates must have"
		    " no blanks, quotes, commas or any of #$%%\\",
		    absolute);
	edge_certificates_look(edge);
	edge->http = settings->http;
	edge->https = settings->https;
	edge->has_user = geteuid() == 0 && getpwnam("haproxy") != NULL;
	if (edge_haproxy_find(settings->haproxy, edge->haproxy, err) != 0)
		return -1;
	return edge_secret_load(edge, err);
}
