/* SPDX-License-Identifier: MIT */
/*
 * fake_registry PORT: every repository lists the tags v1, v2 and v3, and has every tag that is asked for; none ever
 * moves, and each has a digest of its own. One thread, one epoll, short answers: it costs so little that a sweep over
 * it measures the asking side. GET /stats on any connection answers how many requests came so far, as a number.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNS_MAX = 1024, REQUEST_MAX = 8192, EVENTS_MAX = 64 };

static struct {
	size_t n;
	char in[REQUEST_MAX + 1];
} conns[CONNS_MAX];
static unsigned long requests;

static const char manifest_head[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.oci.image.manifest.v1+json\r\n"
    "Docker-Distribution-Api-Version: registry/2.0\r\nContent-Length: 2\r\n"
    "Docker-Content-Digest: sha256:%064llx\r\n\r\n%s";

static bool
say(int fd, const char *text, size_t n)
{
	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static bool
say_json(int fd, const char *body)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    strlen(body), body);

	return say(fd, text, (size_t)n);
}

/* FNV-1a of the reference, up to the blank behind it. */
static bool
say_manifest(int fd, const char *reference, bool is_head)
{
	unsigned long long hash = 0xcbf29ce484222325u;
	char text[512];
	int n;

	for (; *reference != ' ' && *reference != '\r' && *reference != '\0'; reference++)
		hash = (hash ^ (unsigned char)*reference) * 0x100000001b3u;
	n = snprintf(text, sizeof(text), manifest_head, hash, is_head ? "" : "{}");
	return say(fd, text, (size_t)n);
}

/* A repository called "large" has 10,000 tags on ten pages: 1.0.0, 1.0.1, ..., 1.9.999. */
static bool
say_page(int fd, const char *request)
{
	const char *asked = strstr(request, "page=");
	int page = asked == NULL || asked[5] < '0' || asked[5] > '9' ? 0 : asked[5] - '0';
	static char text[32 << 10];
	static char body[24 << 10];
	char link[128] = "";
	int n = snprintf(body, sizeof(body), "{\"name\":\"large\",\"tags\":[");

	for (int i = 0; i < 1000; i++)
		n += snprintf(body + n, sizeof(body) - (size_t)n, "%s\"1.%d.%d\"",
		    i == 0 ? "" : ",", page, i);
	n += snprintf(body + n, sizeof(body) - (size_t)n, "]}");
	if (page < 9)
		snprintf(link, sizeof(link),
		    "Link: </v2/large/app/tags/list?page=%d>; rel=\"next\"\r\n", page + 1);
	n = snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n%sContent-Length: "
	    "%d\r\n\r\n%s",
	    link, n, body);
	return say(fd, text, (size_t)n);
}

static bool
answer(int fd, const char *request)
{
	const char *end = strchr(request, '\r');
	const char *manifest;
	char body[512];

	if (strncmp(request, "GET /stats ", 11) == 0) {
		snprintf(body, sizeof(body), "%lu", requests);
		return say_json(fd, body);
	}
	requests++;
	manifest = memmem(request, (size_t)(end - request), "/manifests/", 11);
	if (manifest != NULL)
		return say_manifest(fd, manifest + 11, strncmp(request, "HEAD ", 5) == 0);
	if (memmem(request, (size_t)(end - request), "/large/app/tags/list", 20) != NULL)
		return say_page(fd, request);
	if (memmem(request, (size_t)(end - request), "/tags/list", 10) != NULL)
		return say_json(fd, "{\"name\":\"any\",\"tags\":[\"v1\",\"v2\",\"v3\"]}");
	return say_json(fd, "{}");
}

static bool
serve(int fd)
{
	ssize_t got = recv(fd, conns[fd].in + conns[fd].n, REQUEST_MAX - conns[fd].n, 0);

	if (got <= 0)
		return false;
	conns[fd].n += (size_t)got;
	for (;;) {
		char *end;
		size_t n;

		conns[fd].in[conns[fd].n] = '\0';
		end = strstr(conns[fd].in, "\r\n\r\n");
		if (end == NULL)
			return conns[fd].n < REQUEST_MAX;
		if (!answer(fd, conns[fd].in))
			return false;
		n = (size_t)(end - conns[fd].in) + 4;
		conns[fd].n -= n;
		memmove(conns[fd].in, conns[fd].in + n, conns[fd].n);
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event events[EVENTS_MAX];
	int on = 1;
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int poller = epoll_create1(EPOLL_CLOEXEC);

	address.sin_port = htons((uint16_t)(argc == 2 ? strtol(argv[1], NULL, 10) : 0));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (argc != 2 || bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0
	    || listen(listener, 512) != 0) {
		fprintf(stderr, "fake_registry: cannot listen on the port given\n");
		return 1;
	}
	epoll_ctl(poller, EPOLL_CTL_ADD, listener,
	    &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
	for (;;) {
		int count = epoll_wait(poller, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd != listener) {
				if (!serve(fd))
					close(fd);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			if (fd >= CONNS_MAX) {
				close(fd);
				continue;
			}
			conns[fd].n = 0;
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			epoll_ctl(poller, EPOLL_CTL_ADD, fd,
			    &(struct epoll_event){ .events = EPOLLIN, .data.fd = fd });
		}
	}
}
