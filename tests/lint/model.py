#!/usr/bin/env python3
"""docs/MODEL.md tells of every step of the model which function of which file it is, and the function is there."""
import glob
import os
import re
import sys

SOURCE = os.environ["WICI_SOURCE"]
NOT_CODE = {"drain", "gap_check"}  # helpers of the model itself


def read(path):
    """The text of a file of the sources; empty when there is none."""
    try:
        with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
            return f.read()
    except OSError:
        return ""


def steps(text):
    """The table: (step, function, file)."""
    return re.findall(r"^\| `(\w+)` \| `(\w+)` \| `([\w/.]+)` \|$", text, re.M)


def differences(model, document):
    """What model and document disagree in, a sentence each."""
    inlines = set(re.findall(r"^inline (\w+)\(", model, re.M)) - NOT_CODE
    rows = steps(document)
    for step in sorted(inlines ^ {step for step, _, _ in rows}):
        yield f"{step} is {'not ' if step in inlines else 'only '}in docs/MODEL.md"
    for step, function, path in rows:
        if not re.search(rf"^{function}\(", read(path), re.M):
            yield f"{step}: there is no function {function} in {path}"
    tick = document.replace("\n", " ")
    if "`broker_tick` in `broker/broker.c`" not in tick or not re.search(r"^broker_tick\(", read("broker/broker.c"), re.M):
        yield "broker_tick is not where docs/MODEL.md says"


def main():
    model = "".join(read(path) for path in sorted(glob.glob(f"{SOURCE}/tests/model/*.pml")))
    document = read("docs/MODEL.md")
    for planted in ((model + "\ninline planted()\n", document), (model, document.replace("| `ack_take` |", "| `planted` |")),
                    (model, document.replace("`broker/cursor.c`", "`broker/talk.c`"))):
        if len(list(differences(*planted))) <= len(list(differences(model, document))):
            sys.exit("the checker does not notice a planted difference")
    wrong = list(differences(model, document))
    if wrong:
        sys.exit("\n".join(wrong))


main()
