/* secrets.c - the file of the keys, who sets secrets, and the laws of them.
 *
 * What was answered is so after every crash, and whatever is sealed can be opened: at each start and at
 * the end. The file stands for src/ports/keyfile.c; it outlives crashes, and now and then cannot be
 * written, or the process dies as soon as it is. */
#include "ports/keyfile.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "clients.h"
#include "ports/vault.h"
#include "sabotage.h"
#include "sim.h"
#include "store/secrets.h"

enum { WISHES_MAX = 1024, FILE_MAX = 4096 };

/* A value that was sent, or "no value". */
struct wish {
	uint32_t name;
	bool is_removal;
	bool may_be; /* what is stored now */
	uint32_t sent;
	uint32_t answered; /* 0: not yet */
};

static char file[FILE_MAX];
static size_t file_size; /* 0: it is not there */
static struct wish wishes[WISHES_MAX];
static uint32_t wish_count;
static uint32_t moment; /* counts what was sent and answered */

enum keyfile_state
keyfile_read(const char *path UNUSED, struct buf *text, struct err *err UNUSED)
{
	buf_add(text, file, file_size);
	return file_size == 0 ? KEYFILE_ABSENT : KEYFILE_READ;
}

int
keyfile_replace(const char *path UNUSED, struct str text, struct err *err)
{
	if (sim.is_dead)
		return 0; /* as far as the dead can tell */
	if (file_size > 0 && !sim.is_calm && world_chance(5))
		return err_set(err, "the simulated disk is full");
	CHECK(text.n < FILE_MAX);
	memcpy(file, text.p, text.n);
	file_size = text.n;
	if (sabotage == SABOTAGE_FORGET_KEY && file_size > 65)
		file_size = 65; /* the first one */
	if (!sim.is_calm && sim.is_born && world_chance(sim.crash_percent))
		server_die(CRASH_IN_EFFECTS, "behind the file of the keys");
	return 0;
}

/* At first none of them is there. */
void
secrets_reset(void)
{
	file_size = 0;
	moment = 1;
	wish_count = SECRETS;
	for (uint32_t i = 0; i < SECRETS; i++)
		wishes[i] = (struct wish){
			.name = i, .is_removal = true, .may_be = true, .answered = 1
		};
}

uint32_t
secrets_wish(uint32_t name, bool is_removal)
{
	CHECK(wish_count < WISHES_MAX);
	wishes[wish_count] = (struct wish){
		.name = name, .is_removal = is_removal, .may_be = true, .sent = ++moment
	};
	return wish_count++;
}

/* Whatever was answered before this one was sent is no longer what counts. */
void
secrets_done(uint32_t wish)
{
	struct wish *w = &wishes[wish];

	for (uint32_t i = 0; i < wish_count; i++)
		if (wishes[i].name == w->name && wishes[i].answered != 0
		    && wishes[i].answered < w->sent)
			wishes[i].may_be = false;
	w->answered = ++moment;
}

void
secrets_refused(uint32_t wish)
{
	wishes[wish].may_be = false;
}

static bool
may_be(uint32_t name, bool is_there, uint64_t value)
{
	for (uint32_t i = 0; i < wish_count; i++)
		if (wishes[i].name == name && wishes[i].may_be
		    && wishes[i].is_removal == !is_there && (!is_there || i == value))
			return true;
	return false;
}

static void
check_one(uint32_t number)
{
	char name[16];
	struct buf value;
	uint64_t wish = 0;
	int64_t version;
	struct err err;
	bool is_there;

	snprintf(name, sizeof(name), "s%u", number);
	is_there = vault_has(sim.app.vault, name);
	buf_init(&value, VALUE_SIZE);
	if (is_there && vault_get(sim.app.vault, name, &value, &version, &err) != 0)
		sim_fail("a secret that no key opens", number);
	if (is_there && !str_number(buf_view(&value), WISHES_MAX, &wish))
		sim_fail("a secret with a value that nobody gave it", number);
	if (!may_be(number, is_there, wish))
		sim_fail("a secret is not what was answered", number);
	buf_wipe(&value);
}

void
check_secrets(void)
{
	for (uint32_t i = 0; i < SECRETS; i++)
		check_one(i);
}
