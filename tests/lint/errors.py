#!/usr/bin/env python3
"""docs/PROTOCOL.md lists each code of proto/errors.def, with what a client does, and no other."""
import os
import re
import sys

DOES = {"CLIENT_FIX": "fix", "CLIENT_WAIT": "wait", "CLIENT_HELLO": "hello", "CLIENT_ASK": "ask", "CLIENT_NOTE": None}


def differences(definitions, text):
    """What the two disagree in, a sentence each."""
    defined = {}
    for name, client in re.findall(r"^WICI_ERROR\((\w+), (\w+),", definitions, re.M):
        defined[name] = DOES[client]
    found = {}
    for name, does in re.findall(r"^\| `([EW]_\w+)` \| (.*?) \|", text, re.M):
        found[name] = None if name.startswith("W_") else does
    for name in sorted(defined.keys() | found.keys()):
        if name not in found:
            yield f"{name} is not in docs/PROTOCOL.md"
        elif name not in defined:
            yield f"{name} is in docs/PROTOCOL.md but not in proto/errors.def"
        elif defined[name] != found[name]:
            yield f"{name}: proto/errors.def says {defined[name]}, docs/PROTOCOL.md says {found[name]}"


def main():
    source = os.environ["WICI_SOURCE"]
    with open(f"{source}/proto/errors.def", encoding="utf-8") as f:
        definitions = f.read()
    with open(f"{source}/docs/PROTOCOL.md", encoding="utf-8") as f:
        text = f.read()
    planted = list(differences(definitions, text.replace("| `E_GAP` | wait |", "| `E_GAP` | fix |", 1)))
    if not planted:
        sys.exit("the checker does not notice a planted difference")
    wrong = list(differences(definitions, text))
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
