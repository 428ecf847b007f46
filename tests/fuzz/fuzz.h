/* fuzz.h - what the harnesses share: cutting input into pieces and scripts, virtual time.
 *
 * The one idea: everything is decided by the input alone. Sizes of pieces come from a hash of it, and
 * time is a number that jumps to the next deadline, so an input that fails fails every time, and
 * corpora stay texts that a person can read. */
#ifndef SLIPWAY_TESTS_FUZZ_H
#define SLIPWAY_TESTS_FUZZ_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/str.h"

struct loop;

/* Begins with the hash of the input; a new number each time. */
uint64_t fuzz_seed(struct str input);
uint64_t fuzz_random(uint64_t *seed);

/* Cuts the next piece, 1..most bytes, into memory of its own, so that reading past its end is
 * noticed; to be freed. NULL: rest is empty. */
char *fuzz_piece(struct str *rest, uint64_t *seed, size_t most, struct str *ret_piece);

/* Scripts are parts with lines of "%%" between them; false: no more. */
bool fuzz_next_part(struct str *rest, struct str *ret_part);

/* A text with NUL at its end, to be freed. */
char *fuzz_text(struct str s);

/* One line, in printable characters, is what people and logs may be told. */
bool fuzz_is_plain(struct str text);

/* Set both before what may end the process by _exit(): setjmp() then returns the code once more. */
extern jmp_buf fuzz_way_back;
extern bool fuzz_expects_exit;

/* virtual_loop.c stands in for the loop and the clocks. */
extern int64_t fuzz_now_us;
extern bool fuzz_time_stands; /* no turn waits, whatever it may */
bool fuzz_loop_is_idle(const struct loop *loop); /* nothing is ready and no timer runs */

#endif
