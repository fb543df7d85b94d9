"""Sources in C are laid out as .clang-format says; `clang-format -i FILE` mends one."""
import os
import re
import shutil
import subprocess
import sys

import tree

SOURCE = os.environ["WICI_SOURCE"]
VERSION = "14"  # Debian 12's: others lay out some lines otherwise


def differing(arguments, text=None):
    """The places that clang-format would lay out otherwise: file and line."""
    done = subprocess.run(["clang-format", "--dry-run", *arguments], cwd=SOURCE, input=text, capture_output=True, text=True,
                          check=False)
    return re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): code should be clang-formatted", done.stderr, re.M)


def main():
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
