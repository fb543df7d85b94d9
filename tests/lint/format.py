"""Sources in C are laid out as .clang-format says; `clang-format -i FILE` mends one. It leaves comments alone: that they are no
wider than the code, and that each error a header names stands on a line of its own, is looked at here."""
import os
import re
import shutil
import subprocess
import sys

import tree

SOURCE = os.environ["WICI_SOURCE"]
VERSION = "14"  # Debian 12's: others lay out some lines otherwise
WIDTH = 120


def differing(arguments, text=None):
    """The places that clang-format would lay out otherwise: file and line."""
    done = subprocess.run(["clang-format", "--dry-run", *arguments], cwd=SOURCE, input=text, capture_output=True, text=True,
                          check=False)
    return re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", done.stderr, re.M)


def comments(name, text):
    """The lines of comments that are too wide, or name a further error behind other text, as a sentence each."""
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > WIDTH and re.match(r"\s*(/\*|\* )", line):
            yield f"{name}:{number}: a comment is wider than {WIDTH} columns"
        elif name.endswith(".h") and re.match(r" \* ", line) and re.search(r"[^\s,] -E[A-Z0-9]{3,}  +\w", line):
            yield f"{name}:{number}: an error stands behind other text: give it a line of its own"


def all_comments():
    """The same of all sources."""
    planted = "/* " + "x" * 120 + " */\n * taken. -EINVAL  it is not\n *   -EINVAL  it is not\n * as -EINVAL says\n"
    if len(list(comments("planted.h", planted))) != 2:
        sys.exit("the checker of comments does not notice what is planted")
    wrong = []
    for name in tree.files(SOURCE, ".c", ".h"):
        with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
            wrong += comments(name, f.read())
    return wrong


def main():
    wrong = all_comments()
    if wrong:
        sys.exit("\n".join(wrong))
    if shutil.which("clang-format") is None:
        print("skipped: clang-format is not installed")
        return 77
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True, check=True).stdout
    if f"version {VERSION}." not in version:
        print(f"skipped: {version.strip()}, not {VERSION}")
        return 77
    if not differing(["--assume-filename=planted.c"], "int  main (void) {return 0;}\n"):
        sys.exit("the checker does not notice a planted difference")
    lines = {}
    for name, line in differing(tree.files(SOURCE, ".c", ".h")):
        lines.setdefault(name, line)
    for name, line in sorted(lines.items()):
        print(f"{name}:{line}: not as .clang-format says; mend it with: clang-format -i {name}")
    return 1 if lines else 0


sys.exit(main())
