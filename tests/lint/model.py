#!/usr/bin/env python3
"""docs/MODEL.md names for every step of each model the line of code that it stands for, and the line is there.

    model.py              compares; says of a line that is gone which one is nearest
    model.py --lines      the same table with the numbers that the lines have now

A line is named by its text, its function and its file: it stands once in that function. So what moves a line changes
nothing here, and what changes it has to look at the model.
"""
import difflib
import os
import re
import sys

SOURCE = os.environ.get("WICI_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
MODELS = ("wici.pml", "clients.pml", "world.pml", "erase.pml")
NOT_CODE = {"drain", "gap_check"}  # helpers of the model itself
ROW = re.compile(r"^\| `(\w+)` \| `` (.+) `` \| `(\w+)` \| `([\w/.]+)` \|$", re.M)


def read(path):
    """The text of a file of the sources; empty when there is none."""
    try:
        with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def steps_of(name, model):
    """The steps of one model: what it does at once; and of the broker's tick the parts between which the power may go."""
    phases = re.search(r"^mtype:phase = \{ (.+) \};$", model["world.pml"], re.M)[1].split(", ") if name == "wici.pml" else []
    return (set(re.findall(r"^inline (\w+)\(", model[name], re.M)) - NOT_CODE) | set(phases)


def tables(document):
    """The rows of each model's table: (step, line, function, file)."""
    parts = re.split(r"^### `(\w+\.pml)`$", document, flags=re.M)
    return {name: [(step, line.replace("\\|", "|"), function, path) for step, line, function, path in
                   ROW.findall(re.split(r"^##", text, maxsplit=1, flags=re.M)[0])]
            for name, text in zip(parts[1::2], parts[2::2])}


def code(line):
    """A line without what stands around it and the comment behind it."""
    return re.sub(r"\s*/\*.*\*/$", "", line.strip())


def body(function, path):
    """The lines of a function with their numbers; None when the file has no such function."""
    text = read(path)
    found = re.search(rf"^{function}\(.*?^\}}$", text, re.M | re.S)
    if not found:
        return None
    return [(i, code(line)) for i, line in enumerate(found[0].splitlines(), text.count("\n", 0, found.start()) + 1)]


def numbers(row):
    """Where the line of a row stands in its function."""
    _, line, function, path = row
    return [number for number, text in body(function, path) or [] if text == line]


def differences(model, document):
    """What models and document disagree in, a sentence each."""
    told = tables(document)
    for name in MODELS:
        rows = told.get(name, [])
        for step in sorted(steps_of(name, model) ^ {row[0] for row in rows}):
            yield f"{name}: {step} is {'not ' if step in steps_of(name, model) else 'only '}in docs/MODEL.md"
        for row in rows:
            step, line, function, path = row
            lines = body(function, path)
            if lines is None:
                yield f"{name}: {step}: there is no function {function} in {path}"
            elif len(numbers(row)) > 1:
                yield f"{name}: {step}: stands at {path}:{', '.join(map(str, numbers(row)))}, not once: {line}"
            elif not numbers(row):
                near = difflib.get_close_matches(line, [text for _, text in lines], 1, 0)[0]
                number = next(number for number, text in lines if text == near)
                yield f"{name}: {step}: {function} has no such line: {line}\n    nearest is {path}:{number}: {near}"


def check_notices(model, document):
    """The checker notices a difference of each kind."""
    right = len(list(differences(model, document)))
    for old, new in (("| `ack_take` |", "| `planted` |"),  # a step that is none
                     ("`broker/cursor.c`", "`broker/talk.c`"),  # a function of another file
                     ("`` session->next_number++; ``", "`` session->next_number--; ``"),  # a line that is not so any more
                     ("`` session->next_number++; `` | `publish_take`", "`` session->next_number++; `` | `talk_take`"),
                     ("`` session->next_number++; ``", "`` return 0; ``"),  # a line that stands there several times
                     ("### `clients.pml`", "### `client.pml`")):
        if old not in document or len(list(differences(model, document.replace(old, new)))) <= right:
            sys.exit(f"the checker does not notice {new} in place of {old}")
    for name in MODELS:
        if len(list(differences({**model, name: model[name] + "\ninline planted()\n"}, document))) <= right:
            sys.exit(f"the checker does not notice a step of {name} that nothing tells of")


def main():
    model = {name: read(f"tests/model/{name}") for name in MODELS}
    document = read("docs/MODEL.md")
    if sys.argv[1:] == ["--lines"]:
        for name, rows in tables(document).items():
            for row in rows:
                print(f"{name:12} {row[0]:22} {row[3]}:{', '.join(map(str, numbers(row))) or '?'} {row[2]}: {row[1]}")
        return
    check_notices(model, document)
    wrong = list(differences(model, document))
    if wrong:
        sys.exit("\n".join(wrong))


main()
