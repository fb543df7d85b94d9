#!/usr/bin/env python3
"""docs/RULES.md and docs/DEADLINES.md are what wici_rules_markdown and wici_clocks_markdown print from the tables."""
import difflib
import os
import subprocess
import sys

# document, the program that prints it, a word in it to plant a difference in
PRINTED = [("docs/RULES.md", "wici_rules_markdown", "`E_ORDER`"), ("docs/DEADLINES.md", "wici_clocks_markdown", "| D13 |")]


def differences(printed, text, document):
    """The lines that differ, as a diff."""
    return list(difflib.unified_diff(text.splitlines(), printed.splitlines(), document, "printed", lineterm=""))


def main():
    found = []
    for document, program, word in PRINTED:
        printed = subprocess.run([f"{os.environ['WICI_BUILD']}/bin/{program}"], check=True, capture_output=True,
                                 text=True).stdout
        with open(f"{os.environ['WICI_SOURCE']}/{document}", encoding="utf-8") as f:
            text = f.read()
        if not differences(printed, text.replace(word, "planted", 1), document):
            sys.exit("the checker does not notice a planted difference")
        found += differences(printed, text, document)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
