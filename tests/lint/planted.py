#!/usr/bin/env python3
"""docs/TESTING.md says of each planted bug where it is planted and which test finds it, and so it is; the text that it
replaces stands in the source once; every test that the documents name exists."""
import glob
import json
import os
import re
import subprocess
import sys

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "plants"))
import plants  # pylint: disable=wrong-import-position

LAYERS = "unit|wire|e2e|crash|model|fuzz|interop|lint"
COLUMNS = ("sources", "simulation", "power cuts", "model")  # of the first table, behind the bug


def read(path):
    """The text of a file of the sources."""
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def tests_of_build():
    """The names of the tests that ctest knows."""
    done = subprocess.run(["ctest", "--show-only=json-v1"], cwd=os.environ["WICI_BUILD"], capture_output=True, text=True, check=True)
    return {test["name"] for test in json.loads(done.stdout)["tests"]}


def name_of(checker):
    """What ctest calls the checker of a plant of plants.py: test_NAME, or a script's path and arguments."""
    what = os.path.splitext(checker[0])[0].replace("/", ".").replace(".test_", ".") if isinstance(checker, list) else checker.removeprefix("test_")
    what = f"fuzz.{what[7:]}" if what.startswith("replay_") else what
    return what if "." in what else next((f"{layer}.{what}" for layer in ("unit", "wire", "crash") if f"{layer}.{what}" in TESTS), what)


def functions():
    """Every name of a test function in tests/."""
    names = set()
    for path in glob.glob(f"{SOURCE}/tests/*/*.c"):
        names |= set(re.findall(r"^(\w+)\(void \*\*state\)", read(path), re.M))
    return names


def planted():
    """What is planted, and what finds it: column of the first table -> {plant: those that find it}."""
    return {
        "sources": {plant.name: {name_of(plant.checker)} for plant in plants.PLANTS},
        "simulation": {name: {checker} for name, checker in re.findall(
            r'^    \{"(\w+)", "([^"]+)", "', read("tests/sim/plants.c"), re.M)},
        "power cuts": {name: set(checkers.split(", ")) for name, checkers in re.findall(
            r'\{"(\w+)", "\w+", "([^"]+)"\}', read("tests/crash/plant.c"))},
        "model": {name: {prop} for name, prop in re.findall(r"^\| `(PLANT_\w+)` \|.*\| `(\w+)` \|$", read("docs/MODEL.md"), re.M)}}


def cell_differences(cell, known):
    """What one cell says, `plant`: finder; and once more."""
    for entry in cell.split("; ") if cell else []:
        found = re.fullmatch(r"`(\w+)`: `?([^`]+)`?", entry)
        if not found or found[1] not in known:
            yield f"there is no such plant: {entry}"
        elif found[2] not in known[found[1]]:
            yield f"{found[1]} is found by {', '.join(sorted(known[found[1]]))}, not by {found[2]}"


def differences(text, known, tests, promises):
    """What docs/TESTING.md says otherwise than it is, a sentence each."""
    bugs = text.split("\n### Planted bugs\n")[1].split("\n### ")[0]
    first, second = (part.split("\n\n")[0].splitlines() for part in bugs.split("\n|---|")[1:3])
    if len(first) < 11:
        yield "the table of the bugs that have to be noticed is short"
    for line in first[1:]:
        bug, *cells = [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
        if not any(cells) or len(cells) != len(COLUMNS):
            yield f"{bug}: nothing says where it is planted"
        for column, cell in zip(COLUMNS, cells):
            yield from (f"{bug}: {said}" for said in cell_differences(cell, known[column]))
    listed = {}
    for line in second[1:]:
        names, _, found_by = line.strip("| ").split(" | ")
        for name in re.findall(r"`(\w+)`", names):
            listed[name] = re.findall(rf"`((?:{LAYERS})\.\w+)`", found_by)
    for name in sorted(set(listed) ^ set(known["sources"])):
        yield f"{name} is {'only' if name in listed else 'not'} in the table of docs/TESTING.md"
    for name in sorted(set(listed) & set(known["sources"])):
        if not known["sources"][name] & set(listed[name]):
            yield f"{name} is found by {', '.join(known['sources'][name])}, the table says {', '.join(listed[name])}"
    for name in sorted(set(re.findall(r"`([a-z]+(?:_[a-z0-9]+){4,})`", text)) - promises - set(known["sources"])):
        yield f"there is no test function {name}"
    yield from (f"docs/TESTING.md: {said}" for said in unknown(text, tests))


def unknown(text, tests):
    """The tests that a document names and ctest does not know."""
    for name in sorted(set(re.findall(rf"`((?:{LAYERS})\.\w+)`", text)) - tests):
        yield f"there is no test {name}"


def lost(planted_bugs):
    """The plants whose text does not stand in their source, once, a sentence each."""
    for plant in planted_bugs:
        for old, _ in plant.edits:
            times = read(plant.file).count(old)
            if times != 1:
                yield f"tests/plants/plants.py: {plant.name}: its text stands {times} times in {plant.file}: {old.strip()!r}"


def check_notices(text, known):
    """The checker notices a difference of each kind."""
    right = len(list(differences(text, known, TESTS, PROMISES)))
    for old, new in (("`crash.order`", "`crash.ordre`"), ("| `cursor_moves_on_send` |", "| `cursor_moves` |"),
                     ("`answer_early`: ", "`answer_later`: "), ("`keysync`: opens", "`keysync`: acknowledged"),
                     ("`no_id_table`: `unit.store`", "`no_id_table`: `unit.merkle`"),
                     ("`before_hello_everything_is_refused`", "`before_hello_everything_is_taken`"),
                     ("| `no_key_sync` | new key entries are not synced | `crash.order`", "| `no_key_sync` | x | `crash.ledger`")):
        if old not in text or len(list(differences(text.replace(old, new), known, TESTS, PROMISES))) <= right:
            sys.exit(f"the checker does not notice {new} in place of {old}")
    if not list(lost([plants.Plant("moved", "store/store.h", [("nowhere to be found", "")], "", "", [])])):
        sys.exit("the checker does not notice a plant whose text is gone")


TESTS, PROMISES = tests_of_build(), functions()


def main():
    text, known = read("docs/TESTING.md"), planted()
    if not all(len(plants_of) > 5 for plants_of in known.values()):
        sys.exit("the plants are not where this looks for them")
    check_notices(text, known)
    wrong = list(differences(text, known, TESTS, PROMISES)) + list(lost(plants.PLANTS))
    for path in sorted(glob.glob(f"{SOURCE}/docs/**/*.md", recursive=True) + [f"{SOURCE}/README.md", f"{SOURCE}/CONTRIBUTING.md"]):
        if not path.endswith("/TESTING.md"):
            wrong += [f"{os.path.relpath(path, SOURCE)}: {said}" for said in unknown(read(path), TESTS)]
    if wrong:
        sys.exit("\n".join(wrong))


main()
