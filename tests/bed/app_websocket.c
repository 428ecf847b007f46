/* SPDX-License-Identifier: MIT */
/*
 * The WebSocket part of the test app (RFC 6455): accepts the upgrade and echoes every message.
 * Frames up to the input buffer's size; fragments are echoed as they come.
 */
#include "app.h"

#include <stdio.h>
#include <string.h>

struct sha1 {
	uint32_t h[5];
};

static uint32_t
rotate(uint32_t x, int n)
{
	return x << n | x >> (32 - n);
}

static void
sha1_block(struct sha1 *s, const unsigned char *p)
{
	uint32_t w[80];
	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16
		       | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
	for (int i = 16; i < 80; i++)
		w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
	uint32_t a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4];
	for (int i = 0; i < 80; i++) {
		uint32_t f = b ^ c ^ d, k = i < 40 ? 0x6ed9eba1 : 0xca62c1d6;
		if (i < 20)
			f = (b & c) | (~b & d), k = 0x5a827999;
		else if (i >= 40 && i < 60)
			f = (b & c) | (b & d) | (c & d), k = 0x8f1bbcdc;
		uint32_t t = rotate(a, 5) + f + e + k + w[i];
		e = d, d = c, c = rotate(b, 30), b = a, a = t;
	}
	s->h[0] += a, s->h[1] += b, s->h[2] += c, s->h[3] += d, s->h[4] += e;
}

/* The digest of a short text: up to 119 bytes, which is what an accept key needs. */
static void
sha1_short(const char *text, unsigned char digest[20])
{
	unsigned char block[128] = { 0 };
	size_t size = strlen(text), blocks = size < 56 ? 1 : 2;
	memcpy(block, text, size);
	block[size] = 0x80;
	for (size_t i = 0; i < 8; i++)
		block[blocks * 64 - 1 - i] = (unsigned char)((uint64_t)size * 8 >> (8 * i));
	struct sha1 s = { { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 } };
	for (size_t i = 0; i < blocks; i++)
		sha1_block(&s, block + 64 * i);
	for (int i = 0; i < 20; i++)
		digest[i] = (unsigned char)(s.h[i / 4] >> (24 - 8 * (i % 4)));
}

static void
base64(const unsigned char *in, size_t size, char *out)
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < size; i += 3) {
		uint32_t v = (uint32_t)in[i] << 16;
		v |= i + 1 < size ? (uint32_t)in[i + 1] << 8 : 0;
		v |= i + 2 < size ? in[i + 2] : 0;
		*out++ = digits[v >> 18];
		*out++ = digits[v >> 12 & 63];
		*out++ = i + 1 < size ? digits[v >> 6 & 63] : '=';
		*out++ = i + 2 < size ? digits[v & 63] : '=';
	}
	*out = '\0';
}

bool
websocket_accept(struct conn *c, const char *key)
{
	char text[128], accept[32], answer[512];
	unsigned char digest[20];
	if (strlen(key) > 64)
		return false;
	snprintf(text, sizeof text, "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	sha1_short(text, digest);
	base64(digest, sizeof digest, accept);
	int size = snprintf(answer, sizeof answer,
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"
	    "App-Version: %s\r\nApp-Instance: %s\r\n\r\n",
	    accept, app.version, app.instance);
	conn_write(c, answer, (size_t)size);
	c->phase = PHASE_WEBSOCKET;
	say("websocket opened");
	return true;
}

static void
send_frame(struct conn *c, unsigned char first, const unsigned char *data, size_t size)
{
	unsigned char head[4] = { first, (unsigned char)size };
	size_t head_size = 2;
	if (size >= 126) {
		head[1] = 126;
		head[2] = (unsigned char)(size >> 8);
		head[3] = (unsigned char)size;
		head_size = 4;
	}
	conn_write(c, head, head_size);
	conn_write(c, data, size);
}

/* Echoes one frame if it is complete. Returns the bytes it took, 0 when more must come. */
static size_t
take_frame(struct conn *c, unsigned char *in, size_t left)
{
	if (left < 2)
		return 0;
	size_t size = in[1] & 0x7f, at = 2;
	if (size == 126) {
		if (left < 4)
			return 0;
		size = (size_t)in[2] << 8 | in[3];
		at = 4;
	}
	bool is_masked = in[1] & 0x80;
	if (!is_masked || (in[1] & 0x7f) == 127 || at + 4 + size > INPUT_SIZE) {
		send_frame(c, 0x88, (const unsigned char *)"\x03\xea", 2);
		c->close_after = true;
		return left;
	}
	if (left < at + 4 + size)
		return 0;
	const unsigned char *mask = in + at;
	unsigned char *data = in + at + 4, opcode = in[0] & 0x0f;
	for (size_t i = 0; i < size; i++)
		data[i] ^= mask[i % 4];
	if (opcode == 0x8) {
		send_frame(c, 0x88, data, size < 2 ? 0 : 2);
		c->close_after = true;
	} else if (opcode == 0x9) {
		send_frame(c, 0x8a, data, size);
	} else if (opcode <= 0x2) {
		send_frame(c, in[0], data, size);
	}
	return at + 4 + size;
}

void
websocket_input(struct conn *c)
{
	size_t at = 0, took;
	while (
	    !c->close_after
	    && (took = take_frame(c, (unsigned char *)c->input + at, c->input_size - at)) > 0)
		at += took;
	memmove(c->input, c->input + at, c->input_size - at);
	c->input_size -= at;
}
