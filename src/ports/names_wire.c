/* names_wire.c - DNS packets: a question answered from the table, and an answer read.
 *
 * The one idea: a packet is a view with a place in it, and each reader says whether there was that
 * much. Nothing is kept between packets, names are never followed backwards more than once, and an
 * answer is built in a buffer that cannot grow beyond what may be sent. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ports/names_inside.h"

enum {
	HEADER_SIZE = 12,
	NAME_MAX_BYTES = 255,
	LABEL_MAX = 63,
	PLAIN_UDP_MAX = 512, /* without EDNS */

	TYPE_A = 1,
	TYPE_AAAA = 28,
	TYPE_SRV = 33,
	TYPE_OPT = 41,
	TYPE_ANY = 255,
	CLASS_IN = 1,

	FLAG_RESPONSE = 0x8000,
	FLAG_OPCODE = 0x7800,
	FLAG_AUTHORITATIVE = 0x0400,
	FLAG_TRUNCATED = 0x0200,
	FLAG_RECURSION_DESIRED = 0x0100,
	FLAG_CODE = 0x000f,

	CODE_OK = 0,
	CODE_FORMAT = 1,
	CODE_NO_NAME = 3,
	CODE_UNKNOWN = 4,
	CODE_REFUSED = 5,
	CODE_VERSION = 16, /* BADVERS; its upper bits stand in the OPT record */
};

struct packet {
	struct str bytes;
	size_t at;
};

struct question {
	struct str raw; /* name, type and class as they came */
	char name[NAME_MAX_BYTES + 1]; /* lower case, no dot behind it */
	unsigned type;
	unsigned class;
};

struct edns {
	bool is_there;
	unsigned version;
	unsigned size; /* the most bytes the asker takes */
};

static bool
take_16(struct packet *p, unsigned *ret)
{
	if (p->bytes.n - p->at < 2)
		return false;
	*ret = (unsigned)(unsigned char)p->bytes.p[p->at] << 8
	       | (unsigned char)p->bytes.p[p->at + 1];
	p->at += 2;
	return true;
}

static bool
skip(struct packet *p, size_t n)
{
	if (p->bytes.n - p->at < n)
		return false;
	p->at += n;
	return true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A name without pointers. Bytes that no name of ours has become '?'. */
static bool
take_name(struct packet *p, char name[NAME_MAX_BYTES + 1])
{
	size_t used = 0;

	for (;;) {
		size_t n;

		if (!skip(p, 1))
			return false;
		n = (unsigned char)p->bytes.p[p->at - 1];
		if (n == 0)
			break;
		if (n > LABEL_MAX || used + n + 1 > NAME_MAX_BYTES - 1 || !skip(p, n))
			return false;
		for (size_t i = 0; i < n; i++) {
			char c = lower(p->bytes.p[p->at - n + i]);

			name[used++] = c > ' ' && c < 127 && c != '.' ? c : '?';
		}
		name[used++] = '.';
	}
	name[used > 0 ? used - 1 : 0] = '\0';
	return true;
}

/* Of records that only are passed by: a pointer ends it. */
static bool
skip_name(struct packet *p)
{
	for (;;) {
		unsigned n;

		if (!skip(p, 1))
			return false;
		n = (unsigned char)p->bytes.p[p->at - 1];
		if (n == 0)
			return true;
		if (n >= 0xc0)
			return skip(p, 1);
		if (n > LABEL_MAX || !skip(p, n))
			return false;
	}
}

static bool
take_question(struct packet *p, struct question *ret)
{
	size_t from = p->at;

	if (!take_name(p, ret->name) || !take_16(p, &ret->type) || !take_16(p, &ret->class))
		return false;
	ret->raw = (struct str){ p->bytes.p + from, p->at - from };
	return true;
}

/* The next record behind its name; its content is passed by and left in *ret_data. */
static bool
take_record(struct packet *p, unsigned *ret_type, unsigned *ret_class, unsigned *ret_high,
    struct packet *ret_data)
{
	unsigned ignored;
	unsigned n;

	if (!skip_name(p) || !take_16(p, ret_type) || !take_16(p, ret_class)
	    || !take_16(p, ret_high) || !take_16(p, &ignored) || !take_16(p, &n))
		return false;
	*ret_data = (struct packet){ { p->bytes.p + p->at, n }, 0 };
	return skip(p, n);
}

/* What follows the question; only OPT matters. */
static bool
take_edns(struct packet *p, unsigned records, struct edns *edns)
{
	for (unsigned i = 0; i < records; i++) {
		struct packet data;
		unsigned type;
		unsigned class;
		unsigned high;

		if (!take_record(p, &type, &class, &high, &data))
			return false;
		if (type != TYPE_OPT)
			continue;
		if (edns->is_there)
			return false;
		*edns = (struct edns){ true, high & 0xff, class };
	}
	return true;
}

static void
put_16(struct buf *to, unsigned n)
{
	buf_char(to, (char)(n >> 8));
	buf_char(to, (char)(n & 0xff));
}

static void
put_name(struct buf *to, const char *name)
{
	struct str rest = str_of(name);

	while (rest.n > 0) {
		struct str label;

		rest = str_cut(rest, '.', &label);
		buf_char(to, (char)label.n);
		buf_str(to, label);
	}
	buf_char(to, '\0');
}

/* The asked name points at the question; nothing may be kept (TTL 0). */
static void
put_record_head(struct buf *to, unsigned type, size_t n)
{
	put_16(to, 0xc000 | HEADER_SIZE);
	put_16(to, type);
	put_16(to, CLASS_IN);
	put_16(to, 0);
	put_16(to, 0);
	put_16(to, (unsigned)n);
}

static void
put_service(struct buf *to, const char *mark, const struct name_target *t)
{
	char zone[NAMES_TEXT_SIZE];
	char name[2 * NAMES_TEXT_SIZE];
	char host[NAMES_ADDRESS_SIZE];
	uint16_t port = 0;

	CHECK(names_split(t->address, host, &port));
	names_of_stage(mark, t->stage, zone);
	snprintf(name, sizeof(name), "d%" PRIu64 "r%d.%s", t->deploy, t->replica, zone);
	put_record_head(to, TYPE_SRV, 6 + strlen(name) + 2);
	put_16(to, 0); /* priority and weight: they share the traffic */
	put_16(to, 1);
	put_16(to, port);
	put_name(to, name); /* RFC 2782 allows no pointer here */
}

/* False: the address is of the other family. */
static bool
put_address(struct buf *to, unsigned type, const struct name_target *t)
{
	int family = type == TYPE_A ? AF_INET : AF_INET6;
	unsigned char bytes[16];
	char host[NAMES_ADDRESS_SIZE];
	uint16_t port;
	size_t n = type == TYPE_A ? 4 : 16;

	if (!names_split(t->address, host, &port) || inet_pton(family, host, bytes) != 1)
		return false;
	put_record_head(to, type, n);
	buf_add(to, bytes, n);
	return true;
}

static const struct name_target *
find_target(const struct names *names, const struct name_target *named)
{
	for (size_t i = names_find(names, named->stage);
	     i < names->count && names->targets[i].stage == named->stage; i++)
		if (names->targets[i].deploy == named->deploy
		    && names->targets[i].replica == named->replica)
			return &names->targets[i];
	return NULL;
}

static unsigned
answer_stage(const struct names *names, uint64_t stage, const struct question *q,
    struct buf *records, unsigned *ret_count)
{
	bool is_known = false;

	for (size_t i = names_find(names, stage);
	     i < names->count && names->targets[i].stage == stage; i++) {
		if (!names->targets[i].is_live)
			continue;
		is_known = true;
		if (q->type != TYPE_SRV && q->type != TYPE_ANY)
			continue;
		put_service(records, names->mark, &names->targets[i]);
		*ret_count += 1;
	}
	return is_known ? CODE_OK : CODE_NO_NAME;
}

static unsigned
answer_target(const struct names *names, const struct name_target *named,
    const struct question *q, struct buf *records, unsigned *ret_count)
{
	const struct name_target *t = find_target(names, named);

	if (t == NULL)
		return CODE_NO_NAME;
	if (q->type == TYPE_A || q->type == TYPE_AAAA)
		*ret_count += put_address(records, q->type, t) ? 1 : 0;
	return CODE_OK;
}

/* The name below our zone: "s42", "d57r0.s42"; or the zone itself. */
static unsigned
answer_question(const struct names *names, const struct question *q, struct buf *records,
    unsigned *ret_count)
{
	char zone[NAMES_TEXT_SIZE];
	char whole[NAMES_TEXT_SIZE];
	size_t name_size = strlen(q->name);
	size_t zone_size;
	struct name_target named;
	uint64_t stage;

	names_of_stage(names->mark, 0, zone); /* "s0.mark.slipway.internal" */
	zone_size = strlen(zone) - 2; /* ".mark.slipway.internal" */
	if (names->mark[0] == '\0' || q->class != CLASS_IN || name_size < zone_size - 1
	    || strcmp(q->name + name_size - (zone_size - 1), zone + 3) != 0
	    || (name_size >= zone_size && q->name[name_size - zone_size] != '.'))
		return CODE_REFUSED; /* it is not for us to say */
	if (name_size == zone_size - 1)
		return CODE_OK;
	if (names_parse_target(names->mark, str_of(q->name), &named))
		return answer_target(names, &named, q, records, ret_count);
	if (q->name[0] != 's'
	    || !str_number(
		(struct str){ q->name + 1, strcspn(q->name, ".") - 1 }, INT64_MAX, &stage))
		return CODE_NO_NAME;
	names_of_stage(names->mark, stage, whole); /* also: no further label, no leading 0 */
	return strcmp(whole, q->name) == 0 ? answer_stage(names, stage, q, records, ret_count)
					   : CODE_NO_NAME;
}

struct reply {
	unsigned id;
	unsigned flags; /* of the question */
	unsigned code;
	const struct question *question; /* NULL: it could not be read */
	const struct edns *edns;
	size_t room;
};

static void
put_reply(const struct reply *r, struct str records, unsigned count, struct buf *to)
{
	size_t question_size = r->question == NULL ? 0 : r->question->raw.n;
	size_t edns_size = r->edns->is_there ? 11 : 0;
	bool is_cut = HEADER_SIZE + question_size + records.n + edns_size > r->room;

	put_16(to, r->id);
	put_16(
	    to, FLAG_RESPONSE | (r->flags & (FLAG_OPCODE | FLAG_RECURSION_DESIRED))
		    | (r->code == CODE_OK || r->code == CODE_NO_NAME ? FLAG_AUTHORITATIVE : 0u)
		    | (is_cut ? FLAG_TRUNCATED : 0u) | (r->code & FLAG_CODE));
	put_16(to, r->question == NULL ? 0 : 1);
	put_16(to, is_cut ? 0 : count);
	put_16(to, 0);
	put_16(to, r->edns->is_there ? 1 : 0);
	if (r->question != NULL)
		buf_str(to, r->question->raw);
	if (!is_cut)
		buf_str(to, records);
	if (r->edns->is_there) {
		buf_char(to, '\0'); /* the root's name */
		put_16(to, TYPE_OPT);
		put_16(to, NAMES_UDP_MAX);
		put_16(to, (r->code >> 4) << 8); /* and version 0 */
		put_16(to, 0);
		put_16(to, 0);
	}
}

static size_t
room_of(bool is_udp, const struct edns *edns)
{
	if (!is_udp)
		return NAMES_TCP_MAX;
	if (!edns->is_there || edns->size < PLAIN_UDP_MAX)
		return PLAIN_UDP_MAX;
	return edns->size < NAMES_UDP_MAX ? edns->size : NAMES_UDP_MAX;
}

bool
names_answer(const struct names *names, struct str query, bool is_udp, struct buf *answer)
{
	struct packet p = { query, 0 };
	struct edns edns = { .is_there = false };
	struct question question;
	struct reply reply = { .edns = &edns };
	struct buf records;
	unsigned counts[4];
	unsigned count = 0;

	if (!take_16(&p, &reply.id) || !take_16(&p, &reply.flags) || !take_16(&p, &counts[0])
	    || !take_16(&p, &counts[1]) || !take_16(&p, &counts[2])
	    || !take_16(&p, &counts[3]))
		return false;
	if ((reply.flags & FLAG_RESPONSE) != 0)
		return false; /* two servers that answer each other never end */
	buf_init(&records, NAMES_TCP_MAX);
	if ((reply.flags & FLAG_OPCODE) != 0)
		reply.code = CODE_UNKNOWN;
	else if (counts[0] != 1 || !take_question(&p, &question))
		reply.code = CODE_FORMAT;
	else {
		reply.question = &question;
		if (!take_edns(&p, counts[1] + counts[2] + counts[3], &edns))
			reply.code = CODE_FORMAT;
		else if (edns.version != 0)
			reply.code = CODE_VERSION;
		else
			reply.code = answer_question(names, &question, &records, &count);
	}
	reply.room = room_of(is_udp, &edns);
	put_reply(&reply, buf_view(&records), count, answer);
	buf_free(&records);
	return !answer->overflow;
}

/* The other side. */

void
names_ask(const char *mark, uint64_t stage, uint16_t id, struct buf *query)
{
	char name[NAMES_TEXT_SIZE];

	names_of_stage(mark, stage, name);
	put_16(query, id);
	put_16(query, 0);
	put_16(query, 1);
	put_16(query, 0);
	put_16(query, 0);
	put_16(query, 1);
	put_name(query, name);
	put_16(query, TYPE_SRV);
	put_16(query, CLASS_IN);
	buf_char(query, '\0');
	put_16(query, TYPE_OPT);
	put_16(query, NAMES_UDP_MAX);
	put_16(query, 0);
	put_16(query, 0);
	put_16(query, 0);
}

static bool
take_service(struct packet *data, const char *mark, struct name_target *ret)
{
	char name[NAME_MAX_BYTES + 1];
	unsigned port;

	if (!skip(data, 4) || !take_16(data, &port) || !take_name(data, name)
	    || !names_parse_target(mark, str_of(name), ret))
		return false;
	snprintf(ret->address, sizeof(ret->address), ":%u", port);
	return true;
}

int
names_read_answer(const char *mark, struct str query, struct str answer,
    struct name_target *to, size_t most, size_t *ret_count)
{
	struct packet asked = { query, HEADER_SIZE };
	struct packet p = { answer, 0 };
	struct question ours;
	struct question question;
	unsigned head[6];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(head); i++)
		if (!take_16(&p, &head[i]))
			return -1;
	if (answer.n < HEADER_SIZE || query.n < HEADER_SIZE
	    || memcmp(answer.p, query.p, 2) != 0 || (head[1] & FLAG_RESPONSE) == 0
	    || (head[1] & FLAG_TRUNCATED) != 0 || head[2] != 1 || !take_question(&asked, &ours)
	    || !take_question(&p, &question) || strcmp(ours.name, question.name) != 0)
		return -1;
	if ((head[1] & FLAG_CODE) != CODE_OK && (head[1] & FLAG_CODE) != CODE_NO_NAME)
		return -1;
	for (unsigned i = 0; i < head[3]; i++) {
		struct packet data;
		unsigned type;
		unsigned class;
		unsigned high;

		if (!take_record(&p, &type, &class, &high, &data))
			return -1;
		if (type != TYPE_SRV)
			continue;
		if (count == most || !take_service(&data, mark, &to[count]))
			return -1;
		count++;
	}
	*ret_count = count;
	return 0;
}
