/* haproxy_model.c - see haproxy_model.h. Answers look as those of HAProxy 2.6 do. */
#include "haproxy_model.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "base/err.h"
#include "base/file.h"
#include "base/loop.h"
#include "fuzz.h"

enum { SERVERS_MAX = 64, NAMES_MAX = 64, BACKENDS_MAX = 256, CLIENTS_MAX = 8, TEXT = 300 };
enum { OUT_MAX = 1 << 20, FILE_MAX = 8 << 20 };

struct server {
	char backend[TEXT];
	char name[TEXT];
	char host[TEXT];
	char port[TEXT];
	int admin; /* 0 ready, 1 maintenance, 8 draining */
};

struct name {
	char domain[TEXT];
	char backend[TEXT];
};

struct client {
	struct haproxy_model *model;
	struct loop_io *io;
	struct buf in;
	int fd;
	bool is_master;
	bool is_greeted;
};

struct door {
	struct haproxy_model *model;
	struct loop_io *io;
	int fd;
	bool is_master;
	char path[TEXT];
};

struct haproxy_model {
	struct loop *loop;
	char directory[TEXT];
	struct str script;
	struct door doors[2];
	struct client clients[CLIENTS_MAX];
	struct server servers[SERVERS_MAX];
	size_t server_count;
	struct name names[NAMES_MAX];
	size_t name_count;
	char backends[BACKENDS_MAX][32];
	size_t backend_count;
	char description[64];
};

/* What it has. */

static bool
take_word(struct str *line, char to[TEXT])
{
	struct str word;

	*line = str_trim(*line);
	if (line->n == 0)
		return false;
	*line = str_cut(*line, ' ', &word);
	return str_copy(to, TEXT, word);
}

/* "b0/d2r0" */
static struct server *
server_of(struct haproxy_model *m, const char *both)
{
	struct str backend;
	struct str name = str_cut(str_of(both), '/', &backend);

	for (size_t i = 0; i < m->server_count; i++)
		if (str_is(backend, m->servers[i].backend) && str_is(name, m->servers[i].name))
			return &m->servers[i];
	return NULL;
}

static void
set_address(struct server *s, const char *address)
{
	const char *colon = strrchr(address, ':');

	if (colon == NULL)
		return;
	snprintf(s->host, TEXT, "%.*s", (int)(colon - address), address);
	snprintf(s->port, TEXT, "%s", colon + 1);
}

static void
add_server(struct haproxy_model *m, struct str backend, const char *name, const char *address,
    int admin)
{
	struct server *s = &m->servers[m->server_count];

	if (m->server_count == SERVERS_MAX)
		return;
	*s = (struct server){ .admin = admin };
	snprintf(s->backend, TEXT, "%.*s", (int)backend.n, backend.p);
	snprintf(s->name, TEXT, "%s", name);
	set_address(s, address);
	m->server_count++;
}

/* A new worker knows what the files say. */
static void
load_config(struct haproxy_model *m, struct str text)
{
	struct str section = { "", 0 };

	m->backend_count = 0;
	m->server_count = 0;
	while (text.n > 0) {
		struct str line;
		char word[TEXT];
		char name[TEXT];
		char address[TEXT];

		text = str_cut(text, '\n', &line);
		if (!take_word(&line, word))
			continue;
		if (strcmp(word, "description") == 0)
			(void)!str_copy(
			    m->description, sizeof(m->description), str_trim(line));
		if (strcmp(word, "backend") == 0 && m->backend_count < BACKENDS_MAX) {
			section = str_trim(line);
			(void)!str_copy(
			    m->backends[m->backend_count++], sizeof(m->backends[0]), section);
		}
		if (strcmp(word, "server") == 0 && take_word(&line, name)
		    && take_word(&line, address))
			add_server(m, section, name, address, 0);
	}
}

static void
load_map(struct haproxy_model *m, struct str text)
{
	m->name_count = 0;
	while (text.n > 0 && m->name_count < NAMES_MAX) {
		struct name *name = &m->names[m->name_count];
		struct str line;

		text = str_cut(text, '\n', &line);
		if (take_word(&line, name->domain) && take_word(&line, name->backend))
			m->name_count++;
	}
}

static void
load_files(struct haproxy_model *m)
{
	char path[2 * TEXT];
	struct buf text;
	struct err ignored;

	buf_init(&text, FILE_MAX);
	snprintf(path, sizeof(path), "%s/haproxy.cfg", m->directory);
	if (file_read(path, &text, &ignored) == 0)
		load_config(m, buf_view(&text));
	buf_clear(&text);
	snprintf(path, sizeof(path), "%s/hosts.map", m->directory);
	if (file_read(path, &text, &ignored) == 0)
		load_map(m, buf_view(&text));
	buf_free(&text);
}

/* What it does. */

static void
set_server(struct server *s, struct str line)
{
	char word[TEXT];
	char value[TEXT];

	while (take_word(&line, word) && take_word(&line, value)) {
		if (strcmp(word, "state") == 0)
			s->admin = strcmp(value, "ready") == 0   ? 0
				   : strcmp(value, "drain") == 0 ? 8
								 : 1;
		else if (strcmp(word, "addr") == 0)
			memcpy(s->host, value, TEXT);
		else if (strcmp(word, "port") == 0)
			memcpy(s->port, value, TEXT);
	}
}

static void
change_servers(struct haproxy_model *m, const char *verb, struct str line)
{
	char both[TEXT];
	char address[TEXT];
	struct str backend;
	struct server *s;

	if (!take_word(&line, both))
		return;
	s = server_of(m, both);
	if (strcmp(verb, "add") == 0 && s == NULL && take_word(&line, address)) {
		struct str name = str_cut(str_of(both), '/', &backend);

		add_server(m, backend, name.p, address, 1);
	} else if (strcmp(verb, "set") == 0 && s != NULL) {
		set_server(s, line);
	} else if (strcmp(verb, "del") == 0 && s != NULL) {
		*s = m->servers[--m->server_count];
	}
}

static void
change_names(struct haproxy_model *m, const char *verb, struct str line)
{
	struct name name = { "", "" };
	char path[TEXT];
	size_t at = 0;

	if (!take_word(&line, path) || !take_word(&line, name.domain))
		return;
	(void)!take_word(&line, name.backend);
	while (at < m->name_count && strcmp(m->names[at].domain, name.domain) != 0)
		at++;
	if (strcmp(verb, "del") == 0 && at < m->name_count)
		m->names[at] = m->names[--m->name_count];
	else if (strcmp(verb, "set") == 0 && at < m->name_count)
		m->names[at] = name;
	else if (strcmp(verb, "add") == 0 && m->name_count < NAMES_MAX)
		m->names[m->name_count++] = name;
}

static void
carry_out(struct haproxy_model *m, struct str line)
{
	char verb[TEXT];
	char what[TEXT];

	if (!take_word(&line, verb) || !take_word(&line, what))
		return;
	if (strcmp(what, "server") == 0)
		change_servers(m, verb, line);
	else if (strcmp(what, "map") == 0)
		change_names(m, verb, line);
}

/* What it says. */

static void
tell_servers(const struct haproxy_model *m, const char *backend, struct buf *out)
{
	buf_text(out, "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state ...\n");
	for (size_t i = 0; i < m->server_count; i++) {
		const struct server *s = &m->servers[i];

		if (backend[0] == '\0' || strcmp(backend, s->backend) == 0)
			buf_format(out,
			    "4 %s %zu %s %s 2 %d 1 1 5 1 0 2 0 0 0 0 - %s - 0 0 - - 0\n",
			    s->backend, i + 1, s->name, s->host, s->admin, s->port);
	}
}

static void
tell_stat(const struct haproxy_model *m, const char *backend, struct buf *out)
{
	buf_text(out, "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,...\n");
	for (size_t i = 0; i < m->server_count; i++) {
		const struct server *s = &m->servers[i];

		if (strcmp(backend, "-1") == 0 || strcmp(backend, s->backend) == 0)
			buf_format(out, "%s,%s,0,0,0,1,,%zu,0,0,,0,,0,0,0,0,UP,1,1,0\n",
			    s->backend, s->name, i + 5);
	}
}

static void
tell_name(const struct haproxy_model *m, struct str line, struct buf *out)
{
	char path[TEXT];
	char domain[TEXT];

	if (!take_word(&line, path) || !take_word(&line, domain))
		return;
	for (size_t i = 0; i < m->name_count; i++)
		if (strcmp(m->names[i].domain, domain) == 0) {
			buf_format(out,
			    "type=str, case=sensitive, found=yes, idx=tree, key=\"%s\","
			    " value=\"%s\", type=\"str\"\n",
			    domain, m->names[i].backend);
			return;
		}
	buf_text(out, "type=str, case=sensitive, found=no\n");
}

static void
tell(const struct haproxy_model *m, struct str line, struct buf *out)
{
	char verb[TEXT];
	char what[TEXT];
	char more[TEXT] = "";

	if (!take_word(&line, verb))
		return;
	if (verb[0] == '@') { /* the master's, for one worker */
		tell(m, line, out);
		return;
	}
	if (!take_word(&line, what))
		return;
	if (strcmp(verb, "get") == 0)
		tell_name(m, line, out);
	if (strcmp(verb, "show") != 0)
		return;
	if (strcmp(what, "servers") == 0)
		(void)!take_word(&line, more); /* "state" */
	more[0] = '\0';
	(void)!take_word(&line, more);
	if (strcmp(what, "info") == 0)
		buf_format(
		    out, "Name: HAProxy\nVersion: 2.6.12\ndescription: %s\n", m->description);
	else if (strcmp(what, "stat") == 0)
		tell_stat(m, more, out);
	else if (strcmp(what, "servers") == 0)
		tell_servers(m, more, out);
	else if (strcmp(what, "proc") == 0)
		buf_text(out, "#<PID> <type> <reloads> <uptime> <version>\n"
			      "7 master 1 [failed: 0] 0d00h00m09s 2.6.12\n# workers\n"
			      "9 worker 0 0d00h00m01s 2.6.12\n# old workers\n"
			      "8 worker 1 0d00h00m05s 2.6.12\n# programs\n");
	if (strcmp(what, "backend") == 0) {
		buf_text(out, "# name\n");
		for (size_t i = 0; i < m->backend_count; i++)
			buf_format(out, "%s\n", m->backends[i]);
	}
	if (strcmp(what, "map") == 0)
		for (size_t i = 0; i < m->name_count; i++)
			buf_format(out, "0x%zx %s %s\n", i + 4096, m->names[i].domain,
			    m->names[i].backend);
}

/* Talking. */

static void
client_close(struct client *c)
{
	loop_io_free(c->io);
	close(c->fd);
	buf_free(&c->in);
	*c = (struct client){ .fd = -1 };
}

static void
reload(struct haproxy_model *m)
{
	load_files(m);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].io != NULL)
			client_close(&m->clients[i]);
}

/* False: the client is gone. */
static bool
answer(struct client *c, struct str line, struct buf *out)
{
	struct haproxy_model *m = c->model;
	struct str part = { "ok", 2 };

	line = str_trim(line);
	if (str_is(line, "prompt") && !c->is_greeted) {
		c->is_greeted = true;
	} else {
		fuzz_next_part(&m->script, &part);
	}
	if (str_is(part, "close")) {
		client_close(c);
		return false;
	}
	if (str_is(part, "silent"))
		return true;
	if (c->is_master && str_is(line, "reload") && !str_starts(part, "no")) {
		reload(m);
		return false;
	}
	if (!str_starts(part, "no"))
		carry_out(m, line);
	if (str_starts(part, "!")) {
		buf_add(out, part.p + 1, part.n - 1);
		return true;
	}
	if (str_is(part, "ok"))
		tell(m, line, out);
	else
		buf_str(out, part);
	buf_text(out, c->is_master ? "\nmaster> " : "\n> ");
	return true;
}

static void
on_readable(void *context, int ready UNUSED)
{
	struct client *c = context;
	struct buf out;
	char piece[16384];
	ssize_t n = recv(c->fd, piece, sizeof(piece), MSG_DONTWAIT);

	if (n <= 0) {
		client_close(c);
		return;
	}
	buf_add(&c->in, piece, (size_t)n);
	buf_init(&out, OUT_MAX);
	while (c->in.n > 0) {
		char *end = memchr(c->in.p, '\n', c->in.n);
		size_t size;

		if (end == NULL)
			break;
		size = (size_t)(end - c->in.p) + 1;
		if (!answer(c, (struct str){ c->in.p, size }, &out)) {
			buf_free(&out);
			return;
		}
		buf_consume(&c->in, size);
	}
	if (out.n > 0)
		(void)!send(c->fd, out.p, out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
	buf_free(&out);
}

static void
on_connect(void *context, int ready UNUSED)
{
	struct door *door = context;
	struct haproxy_model *m = door->model;
	int fd = accept4(door->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < CLIENTS_MAX; i++)
		if (m->clients[i].io == NULL) {
			struct client *c = &m->clients[i];

			*c = (struct client){
				.model = m, .fd = fd, .is_master = door->is_master
			};
			buf_init(&c->in, OUT_MAX);
			c->io = loop_io_new(m->loop, fd, LOOP_READ, on_readable, c);
			return;
		}
	CHECK(fd < 0);
}

static void
door_open(struct haproxy_model *m, struct door *door, const char *name, bool is_master)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*door = (struct door){ .model = m, .is_master = is_master };
	snprintf(door->path, sizeof(door->path), "%s/%s", m->directory, name);
	CHECK(str_copy(address.sun_path, sizeof(address.sun_path), str_of(door->path)));
	door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(door->path);
	CHECK(bind(door->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(listen(door->fd, CLIENTS_MAX) == 0);
	door->io = loop_io_new(m->loop, door->fd, LOOP_READ, on_connect, door);
}

struct haproxy_model *
haproxy_model_new(struct loop *loop, const char *directory, struct str script)
{
	struct haproxy_model *m = calloc(1, sizeof(*m));

	CHECK(m != NULL);
	m->loop = loop;
	m->script = script;
	snprintf(m->directory, sizeof(m->directory), "%s", directory);
	door_open(m, &m->doors[0], "stats.sock", false);
	door_open(m, &m->doors[1], "master.sock", true);
	return m;
}

void
haproxy_model_free(struct haproxy_model *m)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (m->clients[i].io != NULL)
			client_close(&m->clients[i]);
	for (size_t i = 0; i < COUNT(m->doors); i++) {
		loop_io_free(m->doors[i].io);
		close(m->doors[i].fd);
		unlink(m->doors[i].path);
	}
	free(m);
}
