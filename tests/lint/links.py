"""What texts point to is there: links and anchors of the documents, paths of the repository, and the files that comments name."""
import os
import re
import sys

import tree

SOURCE = os.environ["WICI_SOURCE"]
PATH = re.compile(r"(?<![\w./<-])((?:docs|broker|store|proto|agents|tests|scripts|po|cmake)/[\w./-]*[\w/])")
FILE = re.compile(r"(?<![\w./*-])([a-z][a-z0-9_]*\.(?:c|h|py|def|policy))\b(?!\.)")
# Named in comments and docs, and not ours, or made by the build; or the name of a test.
FOREIGN = {"zmq.h", "lmdb.h", "sodium.h", "time.h", "errno.h", "jansson.h", "argp.h", "default_policy.c", "fuzz.policy"}


def anchors(text):
    """What a link may name behind '#': GitHub's form of each title."""
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", text, re.M)}


def broken_links(name, text, read):
    """The links of a document that lead nowhere, a sentence each."""
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
        content = read(there)
        if content is None:
            yield f"{name}: the link {target} leads to no file"
        elif anchor and anchor not in anchors(content):
            yield f"{name}: the link {target} leads to no title"


def broken_names(name, text, files):
    """The files that a text names and that are not there, a sentence each."""
    folders = {os.path.dirname(f) for f in files}
    folders |= {os.path.dirname(f) for f in folders}
    bases = {os.path.basename(f) for f in files} | FOREIGN
    for path in sorted(set(PATH.findall(text))):
        if path not in files and path.rstrip("/") not in folders and not any(
                f.startswith(path) for f in files):
            yield f"{name} names {path}, which is not there"
    for base in sorted(set(FILE.findall(text)) - bases):
        yield f"{name} names {base}, which is not there"


def comments(text):
    """The comments of a source in C."""
    return "\n".join(re.findall(r"/\*.*?\*/", text, re.S))


def check_notices():
    """The checker notices a planted difference of each kind."""
    pages = {"docs/A.md": "# One title\n", "broker/broker.c": ""}
    planted = "[a](A.md#one-title) [b](B.md) [c](A.md#two) broker/broker.c broker/gone.c `gone.h` broker.c"
    found = list(broken_links("docs/B.md", planted, pages.get)) + list(broken_names("docs/B.md", planted, set(pages)))
    if len(found) != 4:
        sys.exit(f"the checker does not notice what is planted: {found}")


def main():
    check_notices()
    files = set(tree.files(SOURCE))

    def read(path):
        try:
            with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
                return f.read()
        except (OSError, UnicodeDecodeError):
            return "" if os.path.isdir(os.path.join(SOURCE, path)) else None

    wrong = []
    for name in sorted(files):
        if name.endswith(".md"):
            wrong += broken_links(name, read(name), read)
            wrong += broken_names(name, read(name), files)
        elif name.endswith((".c", ".h")):
            wrong += broken_names(name, comments(read(name)), files)
    if wrong:
        sys.exit("\n".join(wrong))


main()
