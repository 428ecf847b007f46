/* support.c - see fuzz.h; and what is set up once before the first input. */
#include "fuzz.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/log.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Every log line is made, whatever its level; it is shown when FUZZ_LOG is set, to follow one input. */
int
LLVMFuzzerInitialize(int *argc UNUSED, char ***argv UNUSED)
{
	bool is_shown = getenv("FUZZ_LOG") != NULL;
	int fd = is_shown ? 2 : open("/dev/null", O_WRONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	log_setup(LOG_DEBUG, !is_shown, fd);
	signal(SIGPIPE, SIG_IGN);
	setenv("TZ", "UTC", 1);
	tzset();
	return 0;
}

uint64_t
fuzz_seed(struct str input)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; i < input.n; i++)
		hash = (hash ^ (unsigned char)input.p[i]) * UINT64_C(1099511628211);
	return hash;
}

uint64_t
fuzz_random(uint64_t *seed)
{
	uint64_t z = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

char *
fuzz_piece(struct str *rest, uint64_t *seed, size_t most, struct str *ret_piece)
{
	size_t n = 1 + (size_t)(fuzz_random(seed) % most);
	char *copy;

	if (rest->n == 0)
		return NULL;
	if (n > rest->n)
		n = rest->n;
	copy = malloc(n);
	CHECK(copy != NULL);
	memcpy(copy, rest->p, n);
	*ret_piece = (struct str){ copy, n };
	rest->p += n;
	rest->n -= n;
	return copy;
}

bool
fuzz_next_part(struct str *rest, struct str *ret_part)
{
	const char *end;

	if (rest->n == 0)
		return false;
	if (str_starts(*rest, "%%\n")) {
		*ret_part = (struct str){ rest->p, 0 };
		*rest = (struct str){ rest->p + 3, rest->n - 3 };
		return true;
	}
	end = memmem(rest->p, rest->n, "\n%%\n", 4);
	if (end == NULL) {
		*ret_part = *rest;
		rest->n = 0;
		return true;
	}
	*ret_part = (struct str){ rest->p, (size_t)(end - rest->p) };
	*rest = (struct str){ end + 4, rest->n - ret_part->n - 4 };
	return true;
}

char *
fuzz_text(struct str s)
{
	char *text = strndup(s.n == 0 ? "" : s.p, s.n);

	CHECK(text != NULL);
	return text;
}

bool
fuzz_is_plain(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < 0x20 || text.p[i] == 0x7f)
			return false;
	return true;
}

/* The program ends itself when its store is broken. A harness that expects this arms a way back. */
jmp_buf fuzz_way_back;
bool fuzz_expects_exit;

_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);

_Noreturn void
__wrap__exit(int code)
{
	if (!fuzz_expects_exit)
		__real__exit(code);
	fuzz_expects_exit = false;
	longjmp(fuzz_way_back, code);
}

int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);

/* An input must not reach any machine. */
int
__wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	if (address->sa_family == AF_UNIX)
		return __real_connect(fd, address, size);
	errno = ECONNREFUSED;
	return -1;
}
