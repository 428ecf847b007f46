/* fuzz_config.c - slipway.yml: good as a whole or not at all, and every stage of a good one comes
 * back from its canonical JSON with equal bytes; as a whole it is written, read and written alike. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/file.h"
#include "config/image.h"
#include "config/report.h"
#include "config/yaml_write.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SPEC_MAX = 4 << 20, WRITTEN_BYTES_MAX = 16 << 20 };

static FILE *nowhere;
static char path[64];
static int fd = -1;

static void
set_up(void)
{
	if (nowhere != NULL)
		return;
	nowhere = fopen("/dev/null", "w");
	fd = memfd_create("slipway.yml", MFD_CLOEXEC);
	CHECK(nowhere != NULL && fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
}

static void
check_problems(const struct config_problems *problems)
{
	CHECK(problems->count <= CONFIG_FAULTS_MAX);
	for (size_t i = 0; i < problems->count; i++) {
		CHECK(problems->items[i].line >= 0 && problems->items[i].column >= 0);
		CHECK(problems->items[i].text[0] != '\0');
		CHECK(fuzz_is_plain(str_of(problems->items[i].text)));
	}
}

static size_t
check_stage(const struct stage_spec *stage)
{
	struct stage_spec *back;
	struct image_ref image;
	struct buf first;
	struct buf second;
	struct err err;
	size_t n;

	buf_init(&first, SPEC_MAX);
	buf_init(&second, SPEC_MAX);
	stage_spec_write(stage, &first);
	CHECK(!first.overflow && first.n <= CONFIG_SPEC_BYTES_MAX);
	back = stage_spec_parse(buf_view(&first), &err);
	CHECK(back != NULL);
	stage_spec_write(back, &second);
	CHECK(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
	CHECK(stage_spec_has_route(stage) == stage_spec_has_route(back));
	CHECK(strlen(stage->project) < NAME_SIZE && strlen(stage->stage) < NAME_SIZE);
	CHECK(image_ref_parse(stage->image, &image, &err) == 0);
	CHECK(stage->replicas >= 1 && stage->replicas <= REPLICAS_MAX);
	n = first.n;
	stage_spec_free(back);
	buf_free(&first);
	buf_free(&second);
	return n;
}

static void
check_file(const struct config_file *file)
{
	size_t bytes = 0;
	size_t stages = 0;

	check_problems(&file->faults);
	check_problems(&file->warnings);
	if (file->faults.count > 0) {
		CHECK(file->engine_count == 0 && file->registry_count == 0);
		CHECK(file->project_count == 0 && file->stage_count == 0);
		return;
	}
	CHECK(file->engine_count >= 1 && file->engine_count <= ENGINES_MAX);
	CHECK(file->registry_count <= REGISTRIES_MAX);
	for (size_t i = 0; i < file->project_count; i++) {
		CHECK(file->projects[i].stage_count >= 1);
		stages += file->projects[i].stage_count;
		for (size_t j = 0; j < file->projects[i].stage_count; j++)
			bytes += check_stage(&file->projects[i].stages[j]);
	}
	CHECK(stages == file->stage_count && stages <= STAGES_MAX);
	CHECK(bytes <= CONFIG_SPECS_BYTES_MAX);
}

/* What is good is written, and read again it is good and written alike. */
static void
check_written(const struct config_file *file, const struct config_rules *rules)
{
	struct config_file *again;
	struct buf first;
	struct buf second;

	buf_init(&first, WRITTEN_BYTES_MAX);
	buf_init(&second, WRITTEN_BYTES_MAX);
	config_file_write(file, NULL, &first);
	CHECK(!first.overflow);
	again = config_file_parse(buf_view(&first), rules);
	CHECK(again->faults.count == 0 && again->stage_count == file->stage_count);
	config_file_write(again, NULL, &second);
	CHECK(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
	config_file_free(again);
	buf_free(&first);
	buf_free(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int taken[] = { 80, 443 };
	struct config_rules rules = { .taken_ports = taken, .taken_port_count = 2 };
	struct config_file *file;
	struct err err;

	set_up();
	CHECK(ftruncate(fd, 0) == 0);
	CHECK(pwrite(fd, data, size, 0) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0);
	rules.allows_docker_socket = size % 2 == 1;
	file = config_file_load(path, &rules, &err);
	if (file == NULL) {
		CHECK(err.text[0] != '\0');
		return 0;
	}
	check_file(file);
	if (file->faults.count == 0)
		check_written(file, &rules);
	config_report_write("slipway.yml", file, nowhere);
	config_file_free(file);
	return 0;
}
