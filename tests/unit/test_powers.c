/* test_powers.c - what stages may have of their host: powers, folders, where paths lead. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/file.h"
#include "config/paths.h"
#include "config/powers.h"
#include "ports/host_path.h"

static char directory[64];

static void
powers_are_allowed_by_name(void **state UNUSED)
{
	const char *caps[] = { "NET_ADMIN", "SYS_PTRACE" };
	const char *devices[] = { "/dev/fuse:/dev/fuse:rw" };
	struct stage_spec spec = { .cap_add = { caps, 2 }, .devices = { devices, 1 } };
	char power[POWER_SIZE];

	assert_true(power_is_missing(&spec, "", power));
	assert_string_equal(power, "cap:NET_ADMIN");
	assert_true(power_is_missing(&spec, "cap:NET_ADMIN", power));
	assert_string_equal(power, "cap:SYS_PTRACE");
	assert_true(
	    power_is_missing(&spec, "cap:NET_ADMIN, cap:SYS_PTRACE,device:/dev/fuse2", power));
	assert_string_equal(power, "device:/dev/fuse");
	assert_false(
	    power_is_missing(&spec, "device:/dev/fuse,cap:SYS_PTRACE,cap:NET_ADMIN", power));
	spec = (struct stage_spec){ .has_host_pid = true };
	assert_true(power_is_missing(&spec, "privileged,host-network,host-ipc", power));
	assert_string_equal(power, "host-pid");
	assert_false(power_is_missing(&spec, "host-pid", power));
	spec = (struct stage_spec){ .is_privileged = true };
	assert_true(power_is_missing(&spec, "privilege", power));
	spec = (struct stage_spec){ .has_host_network = true };
	assert_true(power_is_missing(&spec, "host-pid", power));
	spec = (struct stage_spec){ .has_host_ipc = true };
	assert_true(power_is_missing(&spec, "host-pid", power));
	spec = (struct stage_spec){ .cap_drop = { caps, 2 } }; /* takes nothing */
	assert_false(power_is_missing(&spec, "", power));
}

static void
lists_in_settings_are_looked_at(void **state UNUSED)
{
	static const char *const good[] = { "privileged", "cap:ALL, device:/dev/fuse",
		"host-network,host-pid,host-ipc" };
	static const char *const bad[] = { "all", "cap:", "cap:net", "device:fuse",
		"privileged,,", "host_pid" };

	for (size_t i = 0; i < COUNT(good); i++)
		assert_null(rule_powers(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_non_null(rule_powers(bad[i]));
	assert_null(rule_paths("/srv, /mnt/disk"));
	assert_non_null(rule_paths("/"));
	assert_non_null(rule_paths("/srv/"));
	assert_non_null(rule_paths("/srv/../etc"));
	assert_non_null(rule_paths("srv"));
	assert_true(paths_hold("/srv,/mnt", "/mnt/a"));
	assert_true(paths_hold("/srv,/mnt", "/srv"));
	assert_false(paths_hold("/srv,/mnt", "/srv2"));
	assert_false(paths_hold("", "/srv"));
}

static void
expect(const struct config_rules *rules, const char *keys, const char *words)
{
	char text[512];
	struct config_file *file;

	snprintf(text, sizeof(text),
	    "version: 1\nprojects: {a: {image: r.io/a, health: none, "
	    "stages: {x: {tags: v, %s}}}}\n",
	    keys);
	file = config_file_parse(str_of(text), rules);
	if (words == NULL && file->faults.count > 0)
		fail_msg("%s", file->faults.items[0].text);
	if (words != NULL && file->faults.count != 1)
		fail_msg("%s: %zu faults", keys, file->faults.count);
	if (words != NULL && strstr(file->faults.items[0].text, words) == NULL)
		fail_msg("wanted '%s', told '%s'", words, file->faults.items[0].text);
	config_file_free(file);
}

static void
a_file_asks_for_no_more_than_the_owner_allows(void **state UNUSED)
{
	struct config_rules none = { .powers = "", .volume_paths = "" };
	struct config_rules some = { .powers = "cap:NET_ADMIN,privileged",
		.volume_paths = "/srv/data,/mnt" };
	struct config_rules sockets = { .allows_docker_socket = true, .volume_paths = "" };

	expect(&none, "privileged: true", "wants 'privileged'");
	expect(&none, "privileged: false", NULL);
	expect(&none, "cap_add: [NET_ADMIN]", "SLIPWAY_ALLOW_POWERS (none now)");
	expect(&none, "cap_drop: [ALL]", NULL);
	expect(&some, "privileged: true, cap_add: [NET_ADMIN]", NULL);
	expect(&some, "devices: [/dev/fuse]", "wants 'device:/dev/fuse'");
	expect(&some, "cap_add: [ALL]", "wants 'cap:ALL'");
	expect(&none, "volumes: ['data:/d']", NULL);
	expect(&none, "volumes: ['data:/d:isolated,ro']", NULL);
	expect(&none, "volumes: ['/srv:/d']", "SLIPWAY_ALLOW_VOLUME_PATHS (none now)");
	expect(&some, "volumes: ['/srv/data/x:/d', '/mnt:/e:isolated']", NULL);
	expect(&some, "volumes: ['/srv/database:/d']", "(/srv/data,/mnt)");
	expect(&some, "volumes: ['/srv:/d']", "lies in no folder");
	expect(
	    &some, "volumes: ['/var/run/docker.sock:/s']", "SLIPWAY_ALLOW_DOCKER_SOCKET=on");
	expect(&sockets, "volumes: ['/var/run/docker.sock:/s']", NULL);
	expect(&sockets, "volumes: ['/srv:/d']", "lies in no folder");
}

static void
isolated_volumes_are_called_by_their_stage(void **state UNUSED)
{
	struct stage_spec spec = { .project = "shop", .stage = "production" };
	char name[VOLUME_NAME_SIZE];

	volume_name(&spec, &(struct volume_spec){ "data", "/d", false, false, false }, name);
	assert_string_equal(name, "data");
	volume_name(&spec, &(struct volume_spec){ "data", "/d", false, true, false }, name);
	assert_string_equal(name, "shop-production-data");
	volume_name(&spec, &(struct volume_spec){ "/srv/x", "/d", true, true, false }, name);
	assert_string_equal(name, "/srv/x/shop/production");
}

/* Where paths lead. */

static int
make_places(void **state UNUSED)
{
	char path[128];

	strcpy(directory, "/tmp/slipway-paths-XXXXXX");
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/in", directory);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/in/out", directory);
	if (symlink("/etc", path) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/in/nowhere", directory);
	if (symlink("/no/such/place", path) != 0)
		return -1;
	snprintf(path, sizeof(path), "%s/alias", directory);
	return symlink("in", path);
}

static int
remove_places(void **state UNUSED)
{
	static const char *const names[] = { "in/out", "in/nowhere", "alias" };
	char path[128];

	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/in", directory);
	rmdir(path);
	return rmdir(directory);
}

static void
expect_in(const char *folder, const char *tail, bool is_in)
{
	char allowed[128];
	char path[192];
	char real[HOST_PATH_SIZE];
	struct err err;

	snprintf(allowed, sizeof(allowed), "/nothing/here,%s%s", directory, folder);
	snprintf(path, sizeof(path), "%s%s", directory, tail);
	assert_int_equal(host_path_resolve_as_far(path, real, &err), 0);
	if (host_path_is_in(allowed, real) != is_in)
		fail_msg("%s leads to %s, allowed %s", path, real, allowed);
}

static void
links_are_followed_as_far_as_they_are_there(void **state UNUSED)
{
	char path[192];
	char real[HOST_PATH_SIZE];
	struct err err;

	expect_in("/in", "/in", true);
	expect_in("/in", "/in/new/folder", true); /* the engine makes it */
	expect_in("/in", "/alias/x", true);
	expect_in("/alias", "/in/x", true);
	expect_in("/in", "/in/out", false);
	expect_in("/in", "/in/out/new", false);
	expect_in("/in", "/in2", false);
	snprintf(path, sizeof(path), "%s/in/nowhere/x", directory);
	assert_int_equal(host_path_resolve_as_far(path, real, &err), -1);
	assert_non_null(strstr(err.text, "is a link that leads nowhere here"));
	assert_int_equal(host_path_resolve_as_far("/no/such/place", real, &err), 0);
	assert_string_equal(real, "/no/such/place");
	assert_true(
	    host_path_is_in("/no/such", real)); /* of a host that this process does not see */
	assert_int_equal(host_path_resolve_as_far("/", real, &err), 0);
	assert_string_equal(real, "/");
	assert_int_equal(host_path_resolve(path, real, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(powers_are_allowed_by_name),
		cmocka_unit_test(lists_in_settings_are_looked_at),
		cmocka_unit_test(a_file_asks_for_no_more_than_the_owner_allows),
		cmocka_unit_test(isolated_volumes_are_called_by_their_stage),
		cmocka_unit_test_setup_teardown(
		    links_are_followed_as_far_as_they_are_there, make_places, remove_places),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
