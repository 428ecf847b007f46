/* test_vault.c - secrets: the keys as text, sealing, a new key, and what a start finds of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "ports/environment.h"
#include "ports/keyring.h"
#include "ports/vault.h"
#include "store/secrets.h"
#include "store/store.h"

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

enum { TEXT_MAX = 64 << 10 };

static char directory[64];
static char key_path[96];
static struct store *store;
static struct loop *loop;

static int
set_up(void **state UNUSED)
{
	struct err err;

	log_setup(LOG_ERROR, true, open("/dev/null", O_WRONLY | O_CLOEXEC));
	strcpy(directory, "/tmp/slipway-vault-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(key_path, sizeof(key_path), "%s/key", directory);
	store = store_open(NULL, &err);
	loop = loop_new();
	return 0;
}

static int
tear_down(void **state UNUSED)
{
	loop_free(loop);
	store_close(store);
	unlink(key_path);
	return rmdir(directory);
}

static struct vault *
open_with(const char *keys)
{
	struct err err = { "" };
	struct vault *v = vault_open(
	    &(struct vault_settings){
		.store = store, .loop = loop, .path = key_path, .keys = keys },
	    &err);

	if (v == NULL)
		fail_msg("%s", err.text);
	return v;
}

static struct vault *
open_vault(void)
{
	return open_with("");
}

static void
expect_no_vault(const char *keys, const char *words)
{
	struct err err = { "" };

	assert_null(vault_open(
	    &(struct vault_settings){
		.store = store, .loop = loop, .path = key_path, .keys = keys },
	    &err));
	if (strstr(err.text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, err.text);
}

static void
expect_secret(struct vault *v, const char *name, const char *wanted)
{
	struct err err = { "" };
	struct buf value;
	int64_t version;

	buf_init(&value, VALUE_SIZE);
	if (vault_get(v, name, &value, &version, &err) != 0)
		fail_msg("%s", err.text);
	assert_string_equal(buf_cstr(&value), wanted);
	assert_true(version > 0);
	buf_wipe(&value);
	assert_null(value.p);
}

static void
expect_no_secret(struct vault *v, const char *name, const char *words)
{
	struct err err = { "" };
	struct buf value;
	int64_t version;

	buf_init(&value, VALUE_SIZE);
	assert_int_equal(vault_get(v, name, &value, &version, &err), -1);
	assert_int_equal(value.n, 0);
	if (strstr(err.text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, err.text);
	buf_free(&value);
}

static void
read_key_file(struct buf *text)
{
	struct err err = { "" };

	buf_init(text, TEXT_MAX);
	if (file_read(key_path, text, &err) != 0)
		fail_msg("%s", err.text);
}

static void
write_key_file(const char *text)
{
	struct err err = { "" };

	assert_int_equal(file_replace(key_path, str_of(text), &err), 0);
}

static size_t
count_keys(void)
{
	struct keyring ring;
	struct err err;
	struct buf text;
	size_t count;

	read_key_file(&text);
	assert_int_equal(keyring_parse(buf_view(&text), &ring, &err), 0);
	count = ring.count;
	buf_free(&text);
	return count;
}

static void
turn(void)
{
	store_commit(store);
	for (int i = 0; i < 3; i++)
		loop_turn(loop, false);
}

/* Keys. */

static void
keys_are_read_as_people_write_them(void **state UNUSED)
{
	struct keyring ring;
	struct err err = { "" };
	struct buf text;

	assert_int_equal(keyring_parse(STR("# of 2026\n" KEY_A "\r\n\n" KEY_B ", " KEY_A "\n"),
			     &ring, &err),
	    0);
	assert_int_equal(ring.count, 2); /* the same twice is one */
	assert_int_equal(strlen(ring.keys[0].id), KEY_ID_SIZE - 1);
	assert_null(strstr(KEY_A, ring.keys[0].id));
	assert_ptr_equal(keyring_find(&ring, ring.keys[1].id), &ring.keys[1]);
	assert_null(keyring_find(&ring, "0123456789abcdef"));
	buf_init(&text, TEXT_MAX);
	keyring_write(&ring, &text);
	assert_string_equal(buf_cstr(&text), KEY_A "\n" KEY_B "\n");
	buf_free(&text);
	keyring_add(&ring);
	assert_int_equal(ring.count, 3);
	assert_int_equal(ring.keys[1].bytes[0], 0xaa);
	assert_int_not_equal(memcmp(ring.keys[0].bytes, ring.keys[1].bytes, SEAL_KEY_SIZE), 0);
	keyring_wipe(&ring);
	assert_int_equal(ring.keys[1].bytes[0], 0);
}

static void
what_is_no_key_is_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", "\n\n", "# only words\n", "abc", KEY_A "a",
		KEY_A KEY_B, "g" KEY_A, KEY_A " x" };
	struct keyring ring = { .count = 7 };
	struct err err;
	struct buf many;

	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(keyring_parse(str_of(bad[i]), &ring, &err), -1);
		assert_non_null(strstr(err.text, "slipway secrets generate"));
		assert_null(strstr(err.text, "aaaa"));
	}
	assert_int_equal(ring.count, 7);
	buf_init(&many, TEXT_MAX);
	for (int i = 0; i <= SECRET_KEYS_MAX; i++)
		buf_format(&many, "%064d\n", i);
	assert_int_equal(keyring_parse(buf_view(&many), &ring, &err), -1);
	assert_non_null(strstr(err.text, "more than 8 keys"));
	buf_free(&many);
}

/* The first start makes a key that only its owner reads; the next one finds it. */
static void
the_first_start_makes_a_key(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct stat info;
	char id[KEY_ID_SIZE];

	assert_int_equal(stat(key_path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	memcpy(id, vault_key(v), sizeof(id));
	vault_set(v, "db", STR("hunter2"));
	vault_close(v);
	v = open_vault();
	assert_string_equal(vault_key(v), id);
	expect_secret(v, "db", "hunter2");
	vault_close(v);
}

/* Sealing. */

static void
only_the_sealed_value_is_stored(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct sealed_secret one;
	struct sealed_secret two;
	int64_t version = vault_set(v, "db", STR("hunter2"));

	vault_set(v, "other", STR("hunter2"));
	assert_true(store_secret_get(store, "db", &one));
	assert_true(store_secret_get(store, "other", &two));
	assert_int_equal(one.size, 7 + SEAL_EXTRA_SIZE);
	assert_null(memmem(one.bytes, one.size, "hunter2", 7));
	assert_memory_not_equal(one.nonce, two.nonce, SEAL_NONCE_SIZE);
	assert_memory_not_equal(one.bytes, two.bytes, 7);
	assert_string_equal(one.row.key, vault_key(v));
	assert_true(vault_set(v, "db", STR("hunter3")) > version);
	expect_secret(v, "db", "hunter3");
	assert_true(vault_has(v, "db") && !vault_has(v, "d"));
	expect_no_secret(v, "nothing", "there is no secret 'nothing': `slipway secrets set");
	vault_close(v);
}

/* Neither a changed byte nor another's seal opens. */
static void
what_was_changed_in_the_store_does_not_open(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct sealed_secret secret;

	vault_set(v, "db", STR("hunter2"));
	assert_true(store_secret_get(store, "db", &secret));
	secret.bytes[3] ^= 1;
	store_secret_put(store, &secret);
	expect_no_secret(v, "db", "was changed in the store");
	secret.bytes[3] ^= 1;
	strcpy(secret.row.name, "other");
	store_secret_put(store, &secret);
	expect_no_secret(v, "other", "was changed in the store");
	vault_close(v);
}

static void
values_may_be_as_long_as_they_may(void **state UNUSED)
{
	struct vault *v = open_vault();
	char longest[VALUE_SIZE];

	memset(longest, 'x', sizeof(longest));
	longest[VALUE_SIZE - 1] = '\0';
	vault_set(v, "long", str_of(longest));
	expect_secret(v, "long", longest);
	vault_close(v);
}

static void
versions_are_never_used_twice(void **state UNUSED)
{
	struct vault *v = open_vault();
	int64_t first = vault_set(v, "db", STR("a"));

	store_deploy_secret_put(store, 9, "db", first);
	assert_false(store_deploy_secrets_are_old(store, 9));
	assert_true(store_secret_remove(store, "db"));
	assert_false(store_secret_remove(store, "db"));
	assert_true(store_deploy_secrets_are_old(store, 9));
	assert_true(vault_set(v, "db", STR("a")) > first);
	assert_true(store_deploy_secrets_are_old(store, 9));
	assert_false(store_deploy_secrets_are_old(store, 8));
	vault_close(v);
}

/* A new key. */

static void
rotation_seals_everything_anew(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct sealed_secret before;
	struct sealed_secret after;
	struct err err;
	char old[KEY_ID_SIZE];
	size_t count;

	vault_set(v, "a", STR("one"));
	vault_set(v, "b", STR("two"));
	assert_true(store_secret_get(store, "a", &before));
	store_commit(store);
	memcpy(old, vault_key(v), sizeof(old));
	assert_int_equal(vault_rotate(v, &count, &err), 0);
	assert_int_equal(count, 2);
	assert_string_not_equal(vault_key(v), old);
	assert_int_equal(count_keys(), 2); /* until the commit */
	assert_true(vault_opens(v, old));
	turn();
	assert_int_equal(count_keys(), 1);
	assert_false(vault_opens(v, old));
	assert_true(store_secret_get(store, "a", &after));
	assert_string_equal(after.row.key, vault_key(v));
	assert_int_equal(after.row.version, before.row.version); /* the same value */
	assert_int_equal(after.row.set_ms, before.row.set_ms);
	assert_memory_not_equal(after.nonce, before.nonce, SEAL_NONCE_SIZE);
	expect_secret(v, "a", "one");
	expect_secret(v, "b", "two");
	vault_close(v);
}

/* Killed after the file and before the commit: both keys are there, and the next start does the rest. */
static void
a_rotation_that_was_killed_is_ended_by_the_next_start(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct sealed_secret secret;
	struct err err;
	size_t count;

	vault_set(v, "a", STR("one"));
	vault_set(v, "b", STR("two"));
	store_commit(store);
	assert_int_equal(vault_rotate(v, &count, &err), 0);
	store_rollback(store);
	vault_close(v);
	assert_int_equal(count_keys(), 2);
	v = open_vault();
	assert_true(store_secret_get(store, "b", &secret));
	assert_string_equal(secret.row.key, vault_key(v));
	store_rollback(store); /* killed once more */
	vault_close(v);
	v = open_vault();
	expect_secret(v, "a", "one");
	expect_secret(v, "b", "two");
	turn();
	assert_int_equal(count_keys(), 1);
	vault_close(v);
	v = open_vault();
	expect_secret(v, "a", "one");
	vault_close(v);
}

/* Killed between the commit and the end of the old key. */
static void
an_old_key_that_stayed_goes_with_the_next_start(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct err err;
	size_t count;

	vault_set(v, "a", STR("one"));
	assert_int_equal(vault_rotate(v, &count, &err), 0);
	store_commit(store);
	vault_close(v);
	assert_int_equal(count_keys(), 2);
	v = open_vault();
	turn();
	assert_int_equal(count_keys(), 1);
	expect_secret(v, "a", "one");
	vault_close(v);
}

static void
a_file_that_cannot_be_written_changes_nothing(void **state UNUSED)
{
	struct vault *v = open_vault();
	char aside[128];
	struct err err;
	size_t count = 99;
	char id[KEY_ID_SIZE];

	vault_set(v, "a", STR("one"));
	store_commit(store);
	memcpy(id, vault_key(v), sizeof(id));
	snprintf(aside, sizeof(aside), "%s.new", key_path); /* root writes anywhere but here */
	assert_int_equal(mkdir(aside, 0700), 0);
	assert_int_equal(vault_rotate(v, &count, &err), -1);
	assert_non_null(strstr(err.text, "cannot write"));
	assert_string_equal(vault_key(v), id);
	assert_int_equal(count, 99);
	assert_false(store_is_dirty(store));
	assert_int_equal(rmdir(aside), 0);
	assert_int_equal(count_keys(), 1);
	expect_secret(v, "a", "one");
	vault_close(v);
}

/* The owner puts a new key first and restarts. */
static void
keys_of_a_setting_are_changed_by_hand(void **state UNUSED)
{
	struct vault *v = open_with(KEY_A);
	struct sealed_secret secret;
	struct err err;
	size_t count;

	assert_int_not_equal(access(key_path, F_OK), 0);
	vault_set(v, "a", STR("one"));
	assert_int_equal(vault_rotate(v, &count, &err), -1);
	assert_non_null(strstr(err.text, "SLIPWAY_KEY"));
	vault_close(v);
	v = open_with(KEY_B "," KEY_A);
	turn();
	assert_true(store_secret_get(store, "a", &secret));
	assert_string_equal(secret.row.key, vault_key(v));
	vault_close(v);
	v = open_with(KEY_B);
	expect_secret(v, "a", "one");
	vault_close(v);
}

/* What is wrong with the key. */

static void
a_lost_key_is_not_replaced_unseen(void **state UNUSED)
{
	struct vault *v = open_vault();

	vault_set(v, "a", STR("one"));
	vault_close(v);
	assert_int_equal(unlink(key_path), 0);
	expect_no_vault(
	    "", "the store holds 1 secret, and the file with their key is not there");
	assert_int_not_equal(access(key_path, F_OK), 0);
	write_key_file("no key at all\n");
	expect_no_vault("", key_path);
	expect_no_vault("zz", "SLIPWAY_KEY: no key");
	write_key_file(KEY_B "\n");
}

/* The server starts and tells; a new value mends it. */
static void
another_key_opens_nothing(void **state UNUSED)
{
	struct vault *v = open_with(KEY_A);
	struct sealed_secret secret;
	struct err err;
	size_t count;

	vault_set(v, "a", STR("one"));
	vault_close(v);
	write_key_file(KEY_B "\n");
	v = open_vault();
	assert_true(store_secret_get(store, "a", &secret));
	assert_false(vault_opens(v, secret.row.key));
	expect_no_secret(v, "a", "which is not among those of this server");
	assert_int_equal(vault_rotate(v, &count, &err), -1);
	assert_non_null(strstr(err.text, "the secret 'a' is sealed with the key"));
	vault_set(v, "a", STR("two"));
	expect_secret(v, "a", "two");
	assert_int_equal(vault_rotate(v, &count, &err), 0);
	vault_close(v);
}

/* Values of variables. */

static void
expect_variable(const struct environment *from, struct pair_spec pair, const char *wanted)
{
	struct err err = { "" };
	struct buf value;
	int64_t version;
	int result;

	buf_init(&value, VALUE_SIZE);
	result = environment_value(from, &pair, &value, &version, &err);
	if (result == 0)
		assert_string_equal(buf_cstr(&value), wanted);
	else if (strstr(err.text, wanted) == NULL)
		fail_msg("wanted '%s', told '%s'", wanted, err.text);
	assert_int_equal(version > 0, result == 0 && pair.source == VALUE_SECRET);
	buf_wipe(&value);
}

static void
variables_come_from_where_they_are(void **state UNUSED)
{
	struct vault *v = open_vault();
	struct environment from = { v, directory };
	char path[128];
	char link[128];
	struct err err;

	vault_set(v, "db", STR("hunter2"));
	snprintf(path, sizeof(path), "%s/value", directory);
	snprintf(link, sizeof(link), "%s/link", directory);
	assert_int_equal(file_replace(path, STR("two\nlines\n\n"), &err), 0);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	setenv("VAULT_TEST", "of the server", 1);
	unsetenv("VAULT_TEST_2");
	expect_variable(&from, (struct pair_spec){ "A", "x", VALUE_PLAIN }, "x");
	expect_variable(&from, (struct pair_spec){ "A", "db", VALUE_SECRET }, "hunter2");
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "two\nlines\n");
	expect_variable(
	    &from, (struct pair_spec){ "A", "VAULT_TEST", VALUE_VARIABLE }, "of the server");
	expect_variable(&from, (struct pair_spec){ "A", "VAULT_TEST_2", VALUE_VARIABLE },
	    "env A: the server has no environment variable VAULT_TEST_2");
	expect_variable(&from, (struct pair_spec){ "A", "other", VALUE_SECRET },
	    "env A: there is no secret 'other'");
	expect_variable(&from, (struct pair_spec){ "A", link, VALUE_FILE },
	    "/etc/passwd lies in none of the folders of SLIPWAY_SECRET_PATHS");
	from.paths = "/run/secrets";
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "lies in none");
	from.paths = directory;
	assert_int_equal(file_replace(path, (struct str){ "a\0b", 3 }, &err), 0);
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "is no text");
	assert_int_equal(file_replace(path, STR("\xff\n"), &err), 0);
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "is no text");
	assert_int_equal(file_replace(path, STR("\n"), &err), 0);
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "is empty");
	assert_int_equal(unlink(path) | unlink(link), 0);
	expect_variable(&from, (struct pair_spec){ "A", path, VALUE_FILE }, "No such file");
	vault_close(v);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_read_as_people_write_them),
		cmocka_unit_test(what_is_no_key_is_refused),
		TEST(the_first_start_makes_a_key),
		TEST(only_the_sealed_value_is_stored),
		TEST(what_was_changed_in_the_store_does_not_open),
		TEST(values_may_be_as_long_as_they_may),
		TEST(versions_are_never_used_twice),
		TEST(rotation_seals_everything_anew),
		TEST(a_rotation_that_was_killed_is_ended_by_the_next_start),
		TEST(an_old_key_that_stayed_goes_with_the_next_start),
		TEST(a_file_that_cannot_be_written_changes_nothing),
		TEST(keys_of_a_setting_are_changed_by_hand),
		TEST(a_lost_key_is_not_replaced_unseen),
		TEST(another_key_opens_nothing),
		TEST(variables_come_from_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
