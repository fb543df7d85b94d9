#!/usr/bin/env python3
"""docs/RULES.md is what wici_rules_markdown prints from the tables."""
import difflib
import os
import subprocess
import sys


def differences(printed, text):
    """The lines that differ, as a diff."""
    return list(difflib.unified_diff(text.splitlines(), printed.splitlines(), "docs/RULES.md", "printed", lineterm=""))


def main():
    printed = subprocess.run([os.environ["WICI_BUILD"] + "/bin/wici_rules_markdown"], check=True, capture_output=True,
                             text=True).stdout
    with open(os.environ["WICI_SOURCE"] + "/docs/RULES.md", encoding="utf-8") as f:
        text = f.read()
    if not differences(printed, text.replace("`E_ORDER`", "`E_ODER`", 1)):
        sys.exit("the checker does not notice a planted difference")
    found = differences(printed, text)
    if found:
        sys.exit("\n".join(found))


if __name__ == "__main__":
    main()
