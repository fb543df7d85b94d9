"""Files are short enough to be read, and functions fit a screen. Those that are longer are named here, with what they may have
at most; the lists may only become shorter, and their numbers smaller."""
import os
import re
import sys

import tree

SOURCE = os.environ["WICI_SOURCE"]
FILE_MAX = 600  # lines
FUNCTION_MAX, FUNCTION_TEST_MAX = 64, 70  # of a function with its opening line

# File: at most so many lines.
FILES = {
    "tests/crash/script.c": 800,
    "tests/e2e/test_agent_kit.c": 660,
    "tests/sim/check_documents.c": 680,
    "tests/sim/ledger.c": 660,
    "tests/sim/sim.c": 620,
    "tests/unit/test_core_invariants.c": 720,
    "tests/unit/test_core_kit.c": 760,
    "tests/unit/test_core_meetings.c": 620,
    "tests/unit/test_core_rules.c": 680,
    "tests/unit/test_event.c": 820,
    "tests/unit/test_worklist.c": 640,
    "tests/wire/test_checkpoint.c": 640,
    "tests/wire/test_documents.c": 720,
    "tests/wire/test_strangers.c": 720,
}
# (file, function): at most so many lines.
FUNCTIONS = {
    ("tests/unit/test_calendar.c", "terms_end_when_the_law_says"): 83,
    ("tests/unit/test_event.c", "each_wrong_field_is_named"): 104,
    ("tests/unit/test_tlogproof.c", "what_is_no_proof_is_refused"): 82,
    ("tests/wire/test_erase.c", "recipients_are_told_their_numbers_and_nobody_else_hears_of_it"): 83,
}


def functions(text):
    """(name, lines) of each function: its name begins a line, its braces stand alone at the left."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if line == "{":
            start = next(i for i in range(at - 1, -1, -1) if re.match(r"\w+\(", lines[i]) or not lines[i])
            end = next(i for i in range(at, len(lines)) if lines[i] == "}")
            name = re.match(r"(\w+)\(", lines[start])
            if name:
                yield name[1], end - start + 1


def differences(what, sizes, limit, listed):
    """What is too long and not on the list, or otherwise than the list says, a sentence each."""
    for name, size in sorted(sizes.items()):
        if size > listed.get(name, limit):
            yield f"{what} {name} has {size} lines, more than {listed.get(name, limit)}"
    for name in sorted(listed):
        if sizes.get(name, 0) <= limit:
            yield f"{what} {name} has {sizes.get(name, 0)} lines by now: take it off the list"


def check_notices():
    """The checker notices planted differences."""
    text = "static int\nlong_one(int a,\n         int b)\n{\n" + "    a++;\n" * 80 + "}\n\nint\nshort_one(void)\n{\n}\n"
    if dict(functions(text)) != {"long_one": 84, "short_one": 3}:
        sys.exit(f"the checker does not measure functions: {dict(functions(text))}")
    if len(list(differences("x", {"a": 700, "b": 700, "c": 500, "d": 900}, 600, {"b": 650, "c": 650, "d": 900}))) != 3:
        sys.exit("the checker does not notice what is too long, what grew and what shrank")


def main():
    check_notices()
    files, long = {}, {}
    for name in tree.files(SOURCE, ".c", ".h"):
        with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
            text = f.read()
        files[name] = text.count("\n")
        if name.endswith(".c"):
            for function, size in functions(text):
                long[name, function] = max(size, long.get((name, function), 0))
    wrong = list(differences("the file", files, FILE_MAX, FILES))
    tests = {name: size for name, size in long.items() if name[0].startswith("tests/")}
    wrong += list(differences("the function", {name: size for name, size in long.items() if name not in tests}, FUNCTION_MAX, {}))
    wrong += list(differences("the function", tests, FUNCTION_TEST_MAX, FUNCTIONS))
    if wrong:
        sys.exit("\n".join(wrong))


main()
