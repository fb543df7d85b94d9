#!/usr/bin/env python3
"""spin searches the models (wici.pml, erase.pml): nothing is violated under any set of bounds, every plant violates what
docs/MODEL.md says it does, and no line of a model is dead.

    check.py                the runs below, and the plants
    check.py --long [MiB]   all that can go wrong in one search, three events: as far as the memory goes (docs/MODEL.md)
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
DOC = os.path.join(HERE, "..", "..", "docs", "MODEL.md")
NOTHING = {"CRASHES": 0, "CUTS_P": 0, "CUTS_S": 0, "LATERS": 0, "REPEATS": 0, "FULLS": 0, "FORGETS": 0}

# What may go wrong in a run, beside the power cut: name -> bounds that differ from NOTHING.
RUNS = {
    "publisher": {"CRASHES": 1, "CUTS_P": 1, "LATERS": 1, "REPEATS": 1},
    "forgetful publisher": {"CRASHES": 1, "CUTS_P": 1, "LATERS": 1, "FORGETS": 1},
    "subscriber": {"CRASHES": 1, "CUTS_S": 1, "FULLS": 1},
    "both, two events": {"EVENTS": 2, "CRASHES": 1, "CUTS_P": 1, "CUTS_S": 1, "FORGETS": 1},
    "two power cuts, two events": {"EVENTS": 2, "CRASHES": 2, "CUTS_S": 1, "FORGETS": 1, "REPEATS": 1},
}
# Every execution ends: there is no cycle at all. A search for cycles visits each state twice.
CYCLES = {"EVENTS": 2, "CRASHES": 1, "CUTS_S": 1, "LATERS": 1, "FULLS": 1}
PLANTS = {"CRASHES": 1, "CUTS_P": 1, "LATERS": 1, "REPEATS": 1, "FORGETS": 1, "FULLS": 1}
PLANTS_OF_THEIR_OWN = {  # those that are found late in the search above
    "PLANT_POSITION_COUNTED_UNSENT": {"EVENTS": 2, "FULLS": 1},
}
# Of erase.pml, all at once: so small that no set of bounds has to leave anything out.
ERASE = {"CRASHES": 3, "RESTORES": 2, "COPIES": 2, "LOOKS": 2}
LONG = {"CRASHES": 1, "CUTS_P": 1, "CUTS_S": 1, "LATERS": 1, "REPEATS": 1, "FULLS": 1, "FORGETS": 1}
MEMORY = 3000  # MiB for one search


def tool(command, cwd):
    """Runs a program; its output. A failure ends the test."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: {done.stdout}{done.stderr}")
    return done.stdout


class Search:
    """One search of the state space of a model, in a directory of its own."""

    def __init__(self, bounds, plant=None, cycles=False, memory=MEMORY, model="wici.pml"):
        defines = [f"-D{k}={v}" for k, v in {**NOTHING, **bounds}.items()] + ([f"-D{plant}"] if plant else [])
        with tempfile.TemporaryDirectory(prefix="wici-model-") as where:
            tool(["spin", *defines, "-a", f"{HERE}/{model}"], where)
            tool(["gcc", "-O0" if plant else "-O2", "-w", "-DNP" if cycles else "-DSAFETY", "-DCOLLAPSE",
                  f"-DMEMLIM={memory}", "-o", "pan", "pan.c"], where)
            out = tool(["./pan", "-m100000", *(["-l"] if cycles else [])], where)
        violated = re.search(r"pan:\d+: (assertion violated \W*)?(.*)", out)
        self.property = re.match(r"\w+", violated[2])[0] if violated else None
        self.states = int(re.search(r"(\d+) states, stored", out)[1])
        self.complete = "errors: " in out and not re.search("Search not completed|max search depth|out of memory", out)
        self.unreached = set()
        for part in re.split(r"unreached in proctype ", out)[1:]:
            name = part.split()[0]
            self.unreached |= {(name, m[1], m[2]) for m in re.finditer(r"state (\d+), (.*)", part) if "-end-" not in m[2]}


def plants():
    """Each PLANT_ of the models: its name, the property that docs/MODEL.md says it violates, and its search's arguments."""
    used = {}
    for name in sorted(os.listdir(HERE)):
        if name.endswith(".pml"):
            with open(f"{HERE}/{name}", encoding="utf-8") as f:
                used |= {plant: name for plant in re.findall(r"\bPLANT_\w*[A-Z]\b", f.read())}
    with open(DOC, encoding="utf-8") as f:
        named = dict(re.findall(r"^\| `(PLANT_\w+)` \|.*\| `(\w+)` \|$", f.read(), re.M))
    if set(used) != set(named):
        sys.exit(f"docs/MODEL.md and the models differ in: {sorted(set(used) ^ set(named))}")
    for plant, violates in named.items():
        if used[plant] == "erase.pml":
            yield plant, violates, {"bounds": ERASE, "model": "erase.pml"}
        else:
            yield plant, violates, {"bounds": PLANTS_OF_THEIR_OWN.get(plant, PLANTS)}


def difference(name, search):
    """What a search in which nothing is planted says that is wrong, a sentence each."""
    print(f"{name}: {search.states} states", flush=True)
    if search.property:
        yield f"{name}: {search.property} is violated"
    if not search.complete:
        yield f"{name}: not the whole state space was searched"


def long(memory):
    """All at once, until the memory is full."""
    search = Search(LONG, memory=memory)
    print(f"{search.states} states, {'complete' if search.complete else 'not complete'}: {search.property or 'no violation'}")
    return 1 if search.property else 0


def main():
    if sys.argv[1:2] == ["--long"]:
        return long(int(sys.argv[2]) if len(sys.argv) > 2 else 16000)
    wrong, dead = [], None
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = {name: pool.submit(Search, bounds) for name, bounds in RUNS.items()}
        erasing = pool.submit(Search, ERASE, model="erase.pml")
        ends = {"every execution ends": pool.submit(Search, CYCLES, cycles=True),
                "every erasure's execution ends": pool.submit(Search, ERASE, cycles=True, model="erase.pml")}
        planted = {name: (violates, pool.submit(Search, plant=name, **how)) for name, violates, how in plants()}
        for name, future in runs.items():
            wrong += difference(name, future.result())
            dead = future.result().unreached if dead is None else dead & future.result().unreached
        for name, future in {"erasures": erasing, **ends}.items():
            wrong += difference(name, future.result())
        dead |= erasing.result().unreached
        wrong += [f"no run reaches {where} {what}" for where, _, what in sorted(dead)]
        for name, (violates, future) in planted.items():
            found = future.result().property
            print(f"{name}: violates {found}", flush=True)
            if found != violates:
                wrong.append(f"{name}: violates {found}, not {violates}")
    if wrong:
        print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
