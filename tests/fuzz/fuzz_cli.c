/* fuzz_cli.c - the client on a terminal against a server that says anything: every command ends with
 * one of its exit codes, and nothing that was said steers the terminal.
 *
 * The first line holds the words of the command line; the rest is the script of answers. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "fuzz.h"
#include "scripted_fetch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS = 12, OUT_MAX = 64 << 20, REQUESTS_MAX = 20000 };

static struct buf screen;
static FILE *errors;
static bool is_running;

/* The terminal. */

int __wrap_isatty(int fd);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

int
__wrap_isatty(int fd)
{
	return fd == STDOUT_FILENO;
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
	if (!is_running || fd != STDOUT_FILENO)
		return __real_write(fd, p, n);
	buf_add(&screen, p, n);
	return (ssize_t)n;
}

static ssize_t
write_error(void *context UNUSED, const char *p, size_t n)
{
	buf_add(&screen, p, n);
	return (ssize_t)n;
}

/* Colours, "to the begin of the line", "clear to its end": no more than the client's own. */
static void
check_screen(void)
{
	for (size_t i = 0; i < screen.n; i++) {
		unsigned char c = (unsigned char)screen.p[i];

		if (c == 0x1b) {
			CHECK(screen.p[++i] == '[');
			for (i++; strchr("0123456789;:", screen.p[i]) != NULL
				  && screen.p[i] != '\0';
			     i++)
				;
			CHECK(screen.p[i] == 'm' || screen.p[i] == 'K');
		} else {
			CHECK(c >= 0x20 || c == '\n' || c == '\r');
			CHECK(c != 0x7f);
		}
	}
}

/* A server in good health. */

#define STEP                                                                              \
	"{\"seq\":5,\"at_ms\":1769860801000,\"actor\":\"DEPLOY\",\"deploy\":12,\"from\":" \
	"\"QUEUED\",\"on\":\"GRANTED\",\"to\":\"PULLING\"}"
#define DEPLOY                                                                             \
	"{\"id\":12,\"project\":\"shop\",\"stage\":\"production\",\"state\":\"LIVE\","     \
	"\"tag\":\"v3\",\"digest\":\"sha256:aaaaaaaaaaaaaaaaaaaa\",\"trigger\":\"MANUAL\"" \
	",\"reason\":\"\",\"created_ms\":1769860800000,\"ended_ms\":1769860809000,"        \
	"\"is_live\":true,\"elder\":11,\"steps\":[" STEP "]}"
#define STAGE                                                                              \
	"{\"project\":\"shop\",\"stage\":\"production\",\"image\":\"r/shop/web\","         \
	"\"state\":\"DEPLOYING\",\"live\":{\"deploy\":12,\"tag\":\"v3\",\"digest\":"       \
	"\"sha256:aa\",\"since_ms\":1769860800000},\"running\":{\"deploy\":13,\"tag\":"    \
	"\"v4\",\"state\":\"PULLING\"},\"waiting\":null,\"tags\":\"v*\",\"auto\":true,"    \
	"\"poll\":{\"state\":\"WAITING\",\"interval_ms\":30000,\"tag\":\"v3\",\"digest\":" \
	"\"\",\"reason\":\"x\"},\"domains\":[\"shop.example\"],\"tcp_port\":0,"            \
	"\"replicas\":2,\"in_flight\":3,\"engine\":\"local\",\"is_outdated\":true}"
#define LINE "{\"seq\":7,\"at_ms\":1769860802000,\"level\":\"out\",\"text\":\"hello\"}"

static void
model_stream(const char *url, struct buf *part)
{
	if (strstr(url, "/instances/") != NULL)
		buf_text(part, "200\n\nevent: line\ndata: {\"text\":\"hello\"}\n\n");
	else
		buf_text(part,
		    "200\n\nid: 9\nevent: step\ndata: " STEP "\n\nevent: log\ndata: " LINE
		    "\n\nevent: end\ndata: " DEPLOY "\n\n");
}

static void
model(const char *method, const char *url, struct buf *part)
{
	if (strcmp(method, "POST") == 0 && strstr(url, "/apply") == NULL)
		buf_text(part, "202\n\n{\"id\":12}");
	else if (strstr(url, "/apply") != NULL)
		buf_text(part, "200\n\n{\"changes\":1,\"plan\":[{\"action\":\"add\",\"what\":"
			       "\"stage a/b\"}],\"warnings\":[{\"line\":1,\"column\":2,"
			       "\"message\":\"x\"}]}");
	else if (strstr(url, "follow=1") != NULL || strstr(url, "/log") != NULL)
		model_stream(url, part);
	else if (strstr(url, "/health") != NULL)
		buf_text(part, "200\n\n{\"status\":\"healthy\",\"version\":\"1\","
			       "\"uptime_seconds\":90,\"draining\":false}");
	else if (strstr(url, "/deploys/") != NULL)
		buf_text(part, "200\n\n" DEPLOY);
	else if (strstr(url, "/deploys") != NULL)
		buf_text(part, "200\n\n{\"items\":[" DEPLOY "],\"next\":3}");
	else if (strstr(url, "/instances") != NULL)
		buf_text(part, "200\n\n{\"items\":[{\"replica\":0,\"status\":\"running\"}]}");
	else if (strstr(url, "/stages/") != NULL)
		buf_text(part, "200\n\n" STAGE);
	else if (strstr(url, "/stages") != NULL)
		buf_text(part, "200\n\n{\"items\":[" STAGE "]}");
	else if (strstr(url, "/projects") != NULL)
		buf_text(part, "200\n\n{\"items\":[{\"name\":\"shop\",\"webhook_path\":"
			       "\"/api/webhook/x\",\"stages\":[\"production\"]}]}");
	else
		buf_text(
		    part, "404\n\n{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"no\"}}");
}

static void
watch(void *context UNUSED, const struct fetch_request *request UNUSED)
{
	CHECK(script_requests() < REQUESTS_MAX);
}

/* What the server says is the matter here, not files of this machine. */
static bool
is_allowed(const char *word)
{
	return word[0] != '/' && strstr(word, "..") == NULL && strcmp(word, "serve") != 0
	       && strcmp(word, "edge") != 0;
}

static int
split(struct str line, char *words[WORDS + 1], bool *is_json)
{
	int count = 0;

	words[count++] = fuzz_text(STR("slipway"));
	while (line.n > 0 && count < WORDS) {
		struct str word;

		line = str_cut(line, ' ', &word);
		words[count] = fuzz_text(word);
		if (!is_allowed(words[count]) || !fuzz_is_plain(str_of(words[count])))
			memset(words[count], 'x', strlen(words[count]));
		*is_json = *is_json || strcmp(words[count], "--json") == 0;
		count++;
	}
	words[count] = NULL;
	return count;
}

static void
set_up(void)
{
	cookie_io_functions_t functions = { .write = write_error };
	int nothing;

	if (screen.max != 0)
		return;
	nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(nothing >= 0 && dup2(nothing, STDIN_FILENO) == STDIN_FILENO);
	close(nothing);
	buf_init(&screen, OUT_MAX);
	setenv("SLIPWAY_URL", "http://127.0.0.1:8080", 1);
	setenv("SLIPWAY_TOKEN", "0123456789abcdef0123456789abcdef", 1);
	unsetenv("NO_COLOR");
	errors = fopencookie(NULL, "w", functions);
	CHECK(errors != NULL && setvbuf(errors, NULL, _IONBF, 0) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *theirs = stderr;
	char *words[WORDS + 1];
	bool is_json = false;
	struct str line;
	struct str rest = str_cut((struct str){ (const char *)data, size }, '\n', &line);
	int count = split(line, words, &is_json);
	int code;

	set_up();
	setenv("TERM", size % 4 == 0 ? "dumb" : "xterm", 1); /* dumb: plain lines */
	buf_clear(&screen);
	script_set(rest, watch, NULL);
	script_set_model(model);
	is_running = true;
	stderr = errors;
	code = cli_main(count, words);
	stderr = theirs;
	is_running = false;
	CHECK((code >= CLI_OK && code <= CLI_INVALID) || code == CLI_INTERRUPTED);
	CHECK(screen.n > 0 || code == CLI_OK || code == CLI_FAILED);
	if (!is_json)
		check_screen();
	for (int i = 0; i < count; i++)
		free(words[i]);
	return 0;
}
