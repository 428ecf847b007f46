# Slipway. `make` lists the targets. Everything it makes is under build/.
#
#   MODE=dev|san|sim|cov|rel   which variant (default rel for build, san for unit tests, sim for the simulator)

SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
V ?= 0
Q := $(if $(filter 1,$(V)),,@)
MODE ?= rel
CC ?= gcc
PYTHON := /usr/bin/python3
JOBS := -j$(shell nproc)

OUT := build/$(MODE)
ifeq ($(MODE),san)
CC := clang-14 # whose library the fuzzers share
endif
LLHTTP := build/llhttp
VERSION := $(shell cat VERSION 2>/dev/null)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Wvla -Wformat=2 \
  -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wswitch-enum -Wimplicit-fallthrough \
  -Wno-unknown-warning-option -Wno-format-truncation # texts for people are cut on purpose
BASE_FLAGS := -std=c11 -D_GNU_SOURCE -DSLIPWAY_VERSION='"$(VERSION)"' -Isrc -isystem $(LLHTTP)/include \
  -fno-common -MMD -MP -pthread $(WARNINGS)
FLAGS_dev := -O1 -g -Werror
FLAGS_san := -O1 -g1 -Werror -fsanitize=fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all \
  -fno-omit-frame-pointer
FLAGS_sim := -O2 -g1 -Werror
FLAGS_cov := -O0 -g --coverage
FLAGS_rel := -O2 -g -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LINK_san := -fsanitize=address,undefined
LINK_cov := --coverage
LINK_rel := -pie -Wl,-z,relro,-z,now,-z,noexecstack
CFLAGS := $(BASE_FLAGS) $(FLAGS_$(MODE)) $(EXTRA_CFLAGS)
LIBS := -lev -lsqlite3 -lcurl -lyaml -lsodium -ljansson -lpcre2-8 -lm

SOURCES := $(filter-out src/main.c,$(wildcard src/*.c src/*/*.c))
EMBEDDED := spec/generated/openapi.json $(wildcard src/api/reference/page.*)
OBJECTS := $(SOURCES:src/%.c=$(OUT)/obj/%.o) $(OUT)/obj/api/reference.o $(OUT)/obj/llhttp/llhttp.o $(OUT)/obj/llhttp/api.o $(OUT)/obj/llhttp/http.o
UNITS := $(wildcard tests/unit/test_*.c)
UNIT_PROGRAMS := $(UNITS:tests/unit/%.c=$(OUT)/unit/%)

.PHONY: help deps build unit sim integration integration-san integration-valgrind soak test check demo run bench clean spec
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-21s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install what building and testing needs (Debian packages; sudo when not root)
	@tools/deps

build: build/slipway ## the release binary: build/slipway

build/slipway: | deps-once
	$(Q)$(MAKE) $(JOBS) MODE=rel build/rel/slipway
	$(Q)install -m 755 build/rel/slipway build/slipway.new && mv -f build/slipway.new $@
.PHONY: build/slipway deps-once
deps-once:
	@tools/deps --quiet

$(OUT)/slipway: $(OBJECTS) $(OUT)/obj/main.o
	@echo "  LD   $@"
	$(Q)$(CC) $(LINK_$(MODE)) -pthread -o $@ $^ $(LIBS)

$(OUT)/libslipway.a: $(OBJECTS)
	@echo "  AR   $@"
	$(Q)rm -f $@ && ar rcs $@ $^

$(OUT)/obj/%.o: src/%.c Makefile | $(LLHTTP)/include/llhttp.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

# Files that the program carries: the description of its API, and the page that shows it.
$(OUT)/obj/api/reference.o: src/api/reference/reference.S $(EMBEDDED) Makefile
	@mkdir -p $(@D)
	@echo "  AS   $<"
	$(Q)$(CC) -c -o $@ $<

# The parser's generated C is Debian's; compiled as it is, with its own warnings off.
$(OUT)/obj/llhttp/%.o: $(LLHTTP)/src/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) -std=c11 -w -DLLHTTP_STRICT_MODE=1 $(FLAGS_$(MODE)) -I$(LLHTTP)/include -c -o $@ $<

.SECONDARY: $(LLHTTP)/src/llhttp.c $(LLHTTP)/src/api.c $(LLHTTP)/src/http.c
$(LLHTTP)/src/%.c: $(LLHTTP)/include/llhttp.h ;
$(LLHTTP)/include/llhttp.h:
	@tools/llhttp $(LLHTTP)

$(OUT)/unit/%: tests/unit/%.c $(OUT)/libslipway.a
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -Itests/unit -o $@ $< $(OUT)/libslipway.a $(LINK_$(MODE)) $(LIBS) -lcmocka

-include $(wildcard $(OUT)/obj/*.d $(OUT)/obj/*/*.d $(OUT)/obj/tests/*.d $(OUT)/unit/*.d $(OUT)/sim/*.d $(OUT)/mutate/*.d $(OUT)/probe/*.d)

# SQLite's own calls of itself are most of the simulator's time: they go through no table of the linker.
SIM_LIBS := $(LIBS:-lsqlite3=-l:libsqlite3.a)
# The simulator stands in front of a few calls: src/http's sockets, and where a crash may happen.
SIM_FILES := loop memory net server ports ports_rows ports_asked fronts storm misfortunes config world world_edge world_front world_images world_tasks world_window traffic \
  clients questions followers secrets specs talk_promotion \
  check_deploys check_traffic check_settled check_journal check_answers check_kept check_notices check_terms check_window sabotage
SIM_WRAPS := socket bind listen setsockopt accept4 recv send sendmsg shutdown close ioctl getrandom \
  random_bytes store_commit runtime_new http_server_release fsm_step orphan_judge store_journal_add \
  store_actor_put store_journal store_delivery_find store_delivery_add str_equal_secret runtime_deliver fsm_verify retention_new store_image_judge log_event memory_host_is_short \
  stage_spec_parse stage_spec_free
SIM_LINK := $(SIM_WRAPS:%=-Wl,--wrap=%)
SIM_CFLAGS := -O2 -Itests/sim -Wno-missing-prototypes \
  -DSIM_COMMIT='"$(shell git rev-parse --short HEAD 2>/dev/null)"'
SIM_OBJECTS := $(SIM_FILES:%=$(OUT)/sim/%.o)

$(OUT)/sim/%.o: tests/sim/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) $(SIM_CFLAGS) -fPIE -c -o $@ $<

$(OUT)/sim/sim: $(OUT)/sim/sim.o $(SIM_OBJECTS) $(OUT)/libslipway.a
	@echo "  LD   $@"
	$(Q)$(CC) $(SIM_LINK) -o $@ $^ $(LINK_$(MODE)) $(SIM_LIBS)

# Scenarios on simulated ports and on real ones: tests/conformance/conformance.h.
CONFORMANCE := tests/conformance/scenario.c tests/conformance/inside.c
CONFORMANCE_WORLD := $(patsubst %,$(OUT)/sim/%.o,ports ports_rows ports_asked fronts world world_edge world_front world_images world_tasks world_window traffic)
$(OUT)/conformance/simulated: $(CONFORMANCE) tests/conformance/simulated.c tests/conformance/conformance.h tests/sim/sim.h tests/sim/world.h \
  $(CONFORMANCE_WORLD) $(OUT)/libslipway.a
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CFLAGS) -Itests/sim -Itests/conformance -o $@ $(filter %.c %.o %.a,$^) $(LINK_$(MODE)) $(LIBS)
$(OUT)/conformance/real: $(CONFORMANCE) tests/conformance/real.c tests/conformance/conformance.h $(OUT)/libslipway.a
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CFLAGS) -Itests/conformance -o $@ $(filter %.c %.a,$^) $(LINK_$(MODE)) $(LIBS)

conformance: build/slipway conformance-programs ## does the simulator follow the real ports? The same scenarios on both
	@tools/integration tests/integration/test_conformance.py
conformance-programs:
	$(Q)$(MAKE) $(JOBS) MODE=sim build/sim/conformance/simulated build/sim/conformance/real
.PHONY: conformance conformance-programs

# The release with a way to die between its parts: see tests/crash/crash.c.
CRASH_WRAPS := store_commit ports_perform runtime_post
build/crash/slipway: | deps-once
	$(Q)$(MAKE) $(JOBS) MODE=rel build/rel/crash/slipway
	@mkdir -p $(@D)
	$(Q)install -m 755 build/rel/crash/slipway $@
.PHONY: build/crash/slipway

$(OUT)/crash/slipway: tests/crash/crash.c $(OUT)/obj/main.o $(OUT)/libslipway.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	$(Q)$(CC) $(CFLAGS) $(CRASH_WRAPS:%=-Wl,--wrap=%) -rdynamic $(LINK_$(MODE)) -o $@ $^ $(LIBS)

crash: build/slipway build/crash/slipway ## kill -9 in every state of every machine, on real parts
	@tools/integration tests/integration/test_crash_matrix.py
.PHONY: crash

# Power cuts: the program's write, fsync, rename and so on go before libc's; see tests/power/disk.h.
$(OUT)/power/power: tests/power/power.c tests/power/disk.c tests/power/life.c tests/power/checks.c tests/power/checks.h tests/power/disk.h tests/power/life.h $(OUT)/libslipway.a
	@mkdir -p $(@D)
	@echo "  CC   $@"
	$(Q)$(CC) $(CFLAGS) -Itests/power -Wl,--wrap=clock_wall_ms -rdynamic -o $@ $(filter %.c %.a,$^) $(LINK_$(MODE)) $(LIBS)

power: ## power cuts under the store: SEEDS=2000 seeds, or SEED=n
	$(Q)$(MAKE) $(JOBS) MODE=sim build/sim/power/power
ifneq ($(SEED),)
	build/sim/power/power $(SEED) 1
else
	@tools/power build/sim/power/power $(if $(filter file,$(origin SEEDS)),2000,$(SEEDS))
endif
.PHONY: power

# Tests. `make test` is what CI runs: checks, units (also under sanitizers), simulator, integration.
SEEDS ?= 20000
SEED ?=
sim: sim-program ## the whole-server simulator: SEEDS=20000 seeds, or SEED=n with a trace
ifneq ($(SEED),)
	build/sim/sim/sim $(SEED) 1
else
	build/sim/sim/sim regressions tests/sim/regressions.txt
	@tools/sim build/sim/sim/sim $(SEEDS)
endif

MINUTES ?= 60
sim-long: sim-program ## fresh seeds of the simulator on every core for MINUTES=60
	@tools/sim build/sim/sim/sim minutes $(MINUTES)

sim-sabotage: sim-program ## break each law of the simulator on purpose: is it noticed?
	build/sim/sim/sim sabotage 8000

sim-program:
	$(Q)$(MAKE) $(JOBS) MODE=sim build/sim/sim/sim
.PHONY: sim-program sim-long sim-sabotage

unit: ## the unit tests under ASan and UBSan
	$(Q)$(MAKE) $(JOBS) MODE=san unit-programs
	@tools/unit build/san/unit
unit-programs: $(UNIT_PROGRAMS)
.PHONY: unit-programs mutate generated format valgrind faults faults-long

integration: build/slipway build/crash/slipway conformance-programs ## pytest against the real engine, registry and edge
	@tools/integration

integration-san: build/slipway conformance-programs ## the integration tests with the server under ASan, UBSan and leak checks
	$(Q)$(MAKE) $(JOBS) MODE=san build/san/slipway
	@tools/integration-checked san

integration-valgrind: build/slipway ## a selection of the integration tests with the server under valgrind
	@tools/integration-checked valgrind

DEPLOYS ?= 5000
soak: build/slipway ## DEPLOYS=5000 deploys by one server (simulated engine): does anything grow?
	@$(PYTHON) tests/bench/soak.py $(DEPLOYS)

mutate: mutate-program ## change everything that the tables say, and the code under them; name what no test notices
	@tools/mutate build/sim/mutate/mutate

mutate-quick: mutate-program ## a fixed sample of that; part of `make test`
	@tools/mutate build/sim/mutate/mutate quick

mutate-program:
	$(Q)$(MAKE) $(JOBS) MODE=sim build/sim/mutate/mutate

# Const tables are written to by the mutants: this program, alone, is linked without relro. The main()
# of each test is called by its file's name.
MUTATE_TESTS := $(patsubst tests/unit/%.c,$(OUT)/mutate/%.o,$(wildcard tests/unit/test_fsm*.c))
$(OUT)/mutate/test_%.o: tests/unit/test_%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -Wno-missing-prototypes -Dmain=test_$*_main -c -o $@ $<
$(OUT)/mutate/%.o: tests/sim/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) $(SIM_CFLAGS) -DSIM_WITHOUT_MAIN -c -o $@ $<
$(OUT)/mutate/mutate: $(OUT)/mutate/mutate.o $(OUT)/mutate/sim.o $(MUTATE_TESTS) $(SIM_OBJECTS) $(OUT)/libslipway.a
	@echo "  LD   $@"
	$(Q)$(CC) -pie -Wl,-z,norelro $(SIM_LINK) -o $@ $^ $(LIBS) -lcmocka

# For tools/mutate-source: unit tests as objects, and how to build with them.
PROBES ?=
$(OUT)/probe/%.o: tests/unit/%.c Makefile
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -Itests/unit -c -o $@ $<
mutate-probes: $(PROBES:%=$(OUT)/probe/%.o) $(OUT)/mutate/only.o $(OUT)/libslipway.a
mutate-commands:
	$(info compile: $(CC) $(filter-out -MMD -MP,$(CFLAGS)))
	$(info libraries: $(LIBS) -lcmocka)
	$(info sim: $(CC) $(SIM_LINK) $(OUT)/sim/sim.o $(SIM_OBJECTS) LIBRARY $(OUT)/libslipway.a $(LINK_$(MODE)) $(SIM_LIBS))
.PHONY: mutate-program mutate-quick mutate-probes mutate-commands

# Fuzzing: one program for each tests/fuzz/fuzz_*.c, by clang. Each takes its own stand-ins; they come
# before the library, so what they define is not taken from there.
FUZZ := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_PROGRAMS := $(FUZZ:%=build/fuzz/%)
FUZZ_PARTS := $(patsubst tests/fuzz/%.c,build/fuzz/obj/tests/%.o,$(filter-out tests/fuzz/fuzz_%,$(wildcard tests/fuzz/*.c)))
FUZZ_LINK = support $(if $(filter fetch,$(*F)),,virtual_loop) \
  $(if $(filter registry docker edge cli api webhook store,$(*F)),scripted_fetch) \
  $(if $(filter registry docker edge,$(*F)),port_bed) $(if $(filter edge,$(*F)),haproxy_model) \
  $(if $(filter http api webhook store,$(*F)),talk) $(if $(filter api webhook store,$(*F)),whole_server)
FUZZ_WRAPS := -Wl,--wrap=_exit,--wrap=connect
FUZZ_WRAP_cli := -Wl,--wrap=isatty,--wrap=write
FUZZ_WRAP_store := -Wl,--wrap=sqlite3_open_v2,--wrap=sqlite3_close,--wrap=ports_start,--wrap=ports_perform
SECONDS ?= 60
NAMES ?=
fuzz: ## run each fuzzer SECONDS=60 seconds, or NAMES='http api' alone; findings go to build/fuzz
	$(Q)$(MAKE) $(JOBS) MODE=san fuzz-programs
	@tools/fuzz run $(SECONDS) $(or $(NAMES),$(FUZZ))

fuzz-regress: ## every seed and every former finding once through its fuzzer
	$(Q)$(MAKE) $(JOBS) MODE=san fuzz-programs
	@tools/fuzz regress $(or $(NAMES),$(FUZZ))
fuzz-programs: $(FUZZ_PROGRAMS) | deps-once
.PHONY: fuzz fuzz-regress fuzz-programs
.SECONDARY: $(FUZZ_PARTS) $(FUZZ:%=build/fuzz/obj/tests/fuzz_%.o)

build/fuzz/obj/tests/%.o: tests/fuzz/%.c Makefile | $(LLHTTP)/include/llhttp.h
	@mkdir -p $(@D)
	@echo "  CC   $<"
	$(Q)$(CC) $(CFLAGS) -Itests/fuzz -c -o $@ $<

build/fuzz/%: build/fuzz/obj/tests/fuzz_%.o $(FUZZ_PARTS) build/san/libslipway.a
	@echo "  LD   $@"
	$(Q)$(CC) $(FUZZ_WRAPS) $(FUZZ_WRAP_$(*F)) -o $@ $< $(FUZZ_LINK:%=build/fuzz/obj/tests/%.o) build/san/libslipway.a $(LINK_san) -fsanitize=fuzzer $(LIBS)

RUNS ?=
model: deps-once ## the model checker: every state of a small world (RUNS=--quick or names of runs)
	@$(PYTHON) tools/model.py $(RUNS)

model-sabotage: deps-once ## breaks the tables on purpose; the model checker must notice each
	@$(PYTHON) tools/model.py --sabotage
.PHONY: model model-sabotage

PREFIX ?= /usr/local
install: build/slipway ## the program, its manual page and bash completion into PREFIX=/usr/local, below DESTDIR
	$(Q)install -D -m 755 build/slipway $(DESTDIR)$(PREFIX)/bin/slipway
	$(Q)install -D -m 644 spec/generated/slipway.1 $(DESTDIR)$(PREFIX)/share/man/man1/slipway.1
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	$(Q)build/slipway completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/slipway
.PHONY: install

check: build/slipway ## formatting, static analysis, layering, banned functions, generated files
	@tools/check

format: ## let clang-format write the sources
	clang-format-14 -i $$(git ls-files 'src/*.c' 'src/*.h' 'tests/*.c' 'tests/*.h')

spec: build/slipway ## make spec/generated and docs/settings.md anew
	@tools/generate

test: ## everything that CI runs
	@tools/test

faults: build/slipway ## real parts that fail in every way, under load
	@tools/modules faults

faults-long: build/slipway ## the same in full: an engine away for a minute, a minute of webhooks
	@FAULTS_ENGINE_STOPPED_S=60 FAULTS_STORM_S=60 tools/modules faults

demo: build/slipway ## the main job on a real engine, with every request counted; PROXY=npm or caddy; SCENARIO=name (tools/scenarios)
	@$(PYTHON) tools/demo.py $(if $(PROXY),--proxy $(PROXY)) $(if $(SCENARIO),--scenario $(SCENARIO))

run: build/slipway ## the demo's set-up, staying up for use by hand
	@$(PYTHON) tools/demo.py --stay

bench: build/slipway ## measure; writes docs/benchmarks.md
	@$(PYTHON) tests/bench/bench.py

clean: ## remove build/ (stops nothing: a demo that runs holds its files)
	rm -rf build
