"""model.py [--quick | --sabotage | NAME...] - asks the model checker spin what spec/model/runs.txt says.

Each run is its own search: spin makes a C program of the tables (spec/generated/machines.pml) and their
adversary (spec/model/env.pml), which looks at every state there is. A counterexample is printed step by
step. --quick does the runs with a star; --sabotage changes the tables as spec/model/sabotage.txt says and
wants a counterexample for each. Without an argument: all runs and all sabotages.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys

MODEL = pathlib.Path("spec/model")
MACHINES = pathlib.Path("spec/generated/machines.pml")
BUILD = pathlib.Path("build/model")
SECONDS_MAX = 3600  # of processor: a busy machine cuts nothing off
MEGABYTES_MAX = 3500
DEPTH_MAX = 400000
# What a kind of run needs: definitions, flags of the compiler, arguments of the search.
KINDS = {
    "safety": ([], ["-DSAFETY"], []),
    "ends": ([], ["-DNP"], ["-l"]),
    "fair": (["-DFAIR"], ["-DNOREDUCE", "-DNFAIR=3"], ["-a", "-f", "-N"]),
}
ROW = re.compile(r"^\t\t:: ev == EV_(\w+)(.*) -> (\w+?)_DO_(\w+)\(me, ev\); \w+_TAKE\(me, \w+?_(\w+), FX_(\w+), (\w+)\)$")


class Failure(Exception):
    pass


def read_table(name, columns):
    rows = []
    for line in (MODEL / name).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            rows.append([cell.strip() for cell in line.split("|", columns - 1)])
    return rows


def rows_of(text):
    """Each line of the tables: number, machine, state, event, guard that it asks for ("" for none)."""
    state = None
    for number, line in enumerate(text.splitlines(), 1):
        inside = re.match(r"^\t:: (\w+)_state\[me\] == \w+?_(\w+) ->$", line)
        if inside:
            state = inside.group(2)
        row = ROW.match(line)
        if row:
            guard = re.search(r"_IS_(\w+)\(me, ev\)$", row.group(2))
            yield number, row.group(3), state, row.group(1), guard.group(1) if guard else ""


def change(text, wanted):
    """The tables with one row changed in the way sabotage.txt describes."""
    row, _, instead = (part.strip() for part in wanted.partition("="))
    machine, state, event, guard = (row.split() + [""])[:4]
    lines = text.splitlines()
    hits = [number for number, *found in rows_of(text)
            if found[:3] == [machine, state, event] and found[3] == guard]
    if len(hits) != 1:
        raise Failure(f"'{row}' is not one row of the tables, but {len(hits)}")
    line = lines[hits[0] - 1]
    head = line[:line.index(" -> ")]
    if instead == "never":
        name = f"{machine}_IS_{guard}(me, ev)"
        in_cell = re.compile(rf" && {machine}_NOT_{guard}\(me, ev\)")
        lines[hits[0] - 1] = line.replace(name, "false")
        for number, *found in rows_of(text):
            if found[:3] == [machine, state, event]:
                lines[number - 1] = in_cell.sub("", lines[number - 1])
    else:
        action, effect, then = instead.split()
        lines[hits[0] - 1] = (f"{head} -> {machine}_DO_{action}(me, ev); "
                              f"{machine}_TAKE(me, {machine}_{then}, FX_{effect}, KEPT)")
    return "\n".join(lines) + "\n"


def missing_names(tables, model):
    """What the tables say and the model gives no meaning to."""
    defined = set(re.findall(r"^(?:#define|inline) (\w+)\(", model, re.MULTILINE))
    wanted = set(re.findall(r"\b(\w+_(?:IS|NOT|DO)_\w+)\(me, ev\)", tables))
    effects = set(re.findall(r", (FX_\w+), (?:KEPT|QUIET)\)$", tables, re.MULTILINE)) - {"FX_NOTHING"}
    return sorted(wanted - defined) + sorted(fx for fx in effects if not re.search(rf"\b{fx}\b", model))


def run(command, where):
    """What it printed, and the seconds of processor it took, whoever else is busy on this machine."""
    with open(where / "output", "w+") as output:
        process = subprocess.Popen(["prlimit", f"--cpu={SECONDS_MAX}", *command], cwd=where, stdout=output,
                                   stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return process.returncode, output.read(), usage.ru_utime + usage.ru_stime


def prepare(name, tables):
    """A folder with the model as it is searched, so that a trail can be looked at later."""
    where = BUILD / name
    (where / "model").mkdir(parents=True, exist_ok=True)
    (where / "generated").mkdir(exist_ok=True)
    for source in MODEL.glob("*.pml"):
        (where / "model" / source.name).write_text(source.read_text())
    (where / "generated" / MACHINES.name).write_text(tables)
    for trail in (where / "model").glob("*.trail"):
        trail.unlink()
    return where / "model"


def search(name, how, definitions, tables):
    kind, *law = how.split()
    definitions = KINDS[kind][0] + definitions.split()
    where = prepare(name, tables)
    status, said, spent_s = run(["spin", "-a", *definitions, "env.pml"], where)
    if status != 0:
        raise Failure(f"{name}: spin does not take the model:\n{said}")
    # tcc: most searches take less time than gcc needs for these programs, even without -O.
    status, said, compiled_s = run(["tcc", "-w", "-DCOLLAPSE", "-DVECTORSZ=2048",
                                    f"-DMEMLIM={MEGABYTES_MAX}", *KINDS[kind][1], "-o", "pan", "pan.c"], where)
    if status != 0:
        raise Failure(f"{name}: {said}")
    _, found, searched_s = run(["./pan", f"-m{DEPTH_MAX}", *KINDS[kind][2], *law], where)
    (where / "pan.out").write_text(found)
    return where, definitions, found, spent_s + compiled_s + searched_s


def figure(what, text):
    hit = re.search({"states": r"(\d+) states, stored", "depth": r"depth reached (\d+)",
                     "errors": r"errors: (\d+)"}[what], text)
    return hit.group(1) if hit else "?"


def is_whole(out):
    """The search saw every state, and found nothing."""
    return ("errors: 0" in out and "max search depth too small" not in out
            and "out of memory" not in out and "Search not completed" not in out)


def names_of(tables):
    return {int(value): name for name, value in re.findall(r"#define EV_(\w+) (\d+)", tables)}


def trace(where, definitions, tables):
    """The counterexample, one line for each event that an actor hears."""
    events = names_of(tables)
    _, told, _ = run(["spin", "-t", "-T", *definitions, "env.pml"], where)
    lines = [f"    {kind.lower()} {actor} hears {events[int(event)]}"
             for kind, actor, event in re.findall(r"(\w+) (\d+) hears (\d+)", told)]
    broken = re.search(r"(\w+\.pml:\d+), Error: assertion violated\s.*failed assertion: (.*)", told)
    law = f"{broken.group(1)} {broken.group(2)}" if broken else "it goes on for ever"
    return "\n".join(lines + [f"    broken: {law}"])


def unreached(out, tables):
    """Rows that the search never took. spin lists the statements of the runtime that it never reached, with
    the line of the inline they come from; what a row sets next is one of them."""
    part = out[out.find("unreached in proctype runtime"):]
    part = part[:part.find("unreached in proctype", 1)] if "unreached in proctype" in part[1:] else part
    lines = {int(n) for n in re.findall(r"pml:(\d+), state \d+, \"then_state = [1-9]", part)}
    return {tuple(row) for number, *row in rows_of(tables) if number in lines}


def at_once(function, jobs):
    """The results in the order of the jobs; as many at a time as there are processors."""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(lambda job: function(*job), jobs)


def check(runs, is_all, tables):
    failed = 0
    cold = {tuple(row) for _, *row in rows_of(tables)}
    total = len(cold)
    jobs = [(name, how, definitions, tables) for name, how, definitions, _ in runs]
    print("run            states  depth  seconds  result  what")
    for (name, how, _, what), (where, definitions, out, took_s) in zip(runs, at_once(search, jobs)):
        is_good = is_whole(out)
        print(f"{name:10} {figure('states', out):>10} {figure('depth', out):>6} {took_s:8.1f}  "
              f"{'holds ' if is_good else 'FAILED'}  {what}", flush=True)
        if how == "safety":
            cold &= unreached(out, tables)
        if not is_good:
            failed += 1
            print(trace(where, definitions, tables) if re.search(r"errors: [1-9]", out) else out)
            print(f"  made by: cd {where} && spin -t -p {' '.join(definitions)} env.pml")
    print(f"model: {total - len(cold)} of {total} transitions taken")
    for row in sorted(cold if is_all else []):
        failed += 1
        print("  never taken:", *row)
    print(f"model: {len(runs) - failed} passed, {failed} failed")
    return failed


def sabotage(tables):
    runs = {name.lstrip("*"): (how, definitions) for name, how, definitions, _ in read_table("runs.txt", 4)}
    missed = 0
    changes = read_table("sabotage.txt", 4)
    jobs = []
    for name, base, more, wanted in changes:
        how, definitions = runs[base]
        changed = change(tables, wanted) if wanted else tables
        jobs.append(("sabotage-" + name, how, f"{definitions} {more}", changed))
    print("sabotage                 states  steps  broken law")
    for job, (where, definitions, out, _) in zip(jobs, at_once(search, jobs)):
        name = job[0].removeprefix("sabotage-")
        if not re.search(r"errors: [1-9]", out):
            missed += 1
            print(f"{name:22}  NOT NOTICED", flush=True)
            continue
        steps = trace(where, definitions, job[3]).splitlines()
        print(f"{name:22} {figure('states', out):>8} {len(steps) - 1:6}  "
              f"{steps[-1].strip().removeprefix('broken: ')[:90]}", flush=True)
    print(f"model: {len(changes) - missed} of {len(changes)} sabotages noticed")
    return missed


def main(arguments):
    tables = MACHINES.read_text()
    missing = missing_names(tables, "".join(p.read_text() for p in MODEL.glob("*.pml")))
    if missing:
        raise Failure("the tables have names that spec/model does not know: " + ", ".join(missing))
    if arguments == ["--sabotage"]:
        return sabotage(tables)
    runs = read_table("runs.txt", 4)
    if arguments == ["--quick"]:
        runs = [run for run in runs if run[0].startswith("*")]
    elif arguments:
        unknown = set(arguments) - {run[0].lstrip("*") for run in runs}
        if unknown:
            raise Failure("no such run in spec/model/runs.txt: " + ", ".join(sorted(unknown)))
        runs = [run for run in runs if run[0].lstrip("*") in arguments]
    failed = check([[run[0].lstrip("*"), *run[1:]] for run in runs], not arguments, tables)
    return failed + (0 if arguments else sabotage(tables))


if __name__ == "__main__":
    try:
        sys.exit(1 if main(sys.argv[1:]) else 0)
    except Failure as failure:
        sys.exit(f"model: {failure}")
