#!/usr/bin/env python3
"""docs/LIMITS.md names each bound of the sources, and no other; docs/CONFIG.md and the sample broker/wicid.conf each
option of wicid with its default, and no other."""
import glob
import os
import re
import subprocess
import sys
import tempfile


def bounds(texts, everything):
    """The names of the bounds that these headers define: all of them, or those that end in _MAX."""
    names = set()
    for text in texts:
        for name in re.findall(r"^#define ([A-Z][A-Z0-9_]*)[ \t]+\S", text, re.M):
            if everything or re.search(r"_MAX(_MS)?$", name):
                names.add(name)
    return names


def rows(text):
    """The names in the first column of a document's tables."""
    return set(re.findall(r"^\| `([^`]+)` \|", text, re.M))


def differences(defined, documented, document):
    """What the two disagree in, a sentence each."""
    for name in sorted(defined - documented):
        yield f"{name} is not in {document}"
    for name in sorted(documented - defined):
        yield f"{name} is in {document}, but nowhere else"


def sample_differences(printed, sample):
    """What the options in comments of the sample have otherwise than the program, a sentence each."""
    here = dict(re.findall(r"^#(\S+) = (.*)$", sample, re.M))
    yield from differences(set(printed), set(here), "broker/wicid.conf")
    for option in sorted(set(printed) & set(here)):
        if here[option] != printed[option]:
            yield f"{option}: the default is {printed[option]}, broker/wicid.conf says {here[option]}"
    for line in sample.splitlines():
        if line and not line.startswith("#"):
            yield f"broker/wicid.conf sets something: {line}"


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    source, binaries = os.environ["WICI_SOURCE"], os.environ["WICI_BIN"]
    limits = bounds([read(f"{source}/proto/limits.h")], True)
    headers = glob.glob(f"{source}/broker/*.h") + [f"{source}/store/store.h"]
    limits |= bounds([read(path) for path in headers], False)
    limits_text, config_text = read(f"{source}/docs/LIMITS.md"), read(f"{source}/docs/CONFIG.md")

    with tempfile.NamedTemporaryFile("w", suffix=".conf") as empty:
        printed = subprocess.run([f"{binaries}/wicid", "-p", "-c", empty.name], check=True, capture_output=True,
                                 text=True).stdout
    options = set(re.findall(r"^(\S+) = ", printed, re.M))
    for defined, text, name in ((limits, limits_text, "docs/LIMITS.md"), (options, config_text, "docs/CONFIG.md")):
        row = sorted(rows(text))[0]
        if not list(differences(defined, rows(text.replace(f"| `{row}` |", "| `PLANTED` |", 1)), name)):
            sys.exit(f"the checker does not notice a planted difference in {name}")
    wrong = [*differences(limits, rows(limits_text), "docs/LIMITS.md"),
             *differences(options, rows(config_text), "docs/CONFIG.md")]
    defaults, sample = dict(re.findall(r"^(\S+) = (.*)$", printed, re.M)), read(f"{source}/broker/wicid.conf")
    if len(list(sample_differences(dict(defaults, planted="1", listen="x"), sample + "log.level = info\n"))) != 3:
        sys.exit("the checker does not notice planted differences in broker/wicid.conf")
    wrong += sample_differences(defaults, sample)
    for line in printed.splitlines():  # the defaults in the table are those of the program
        option, value = line.split(" = ", 1)
        documented = re.search(rf"^\| `{re.escape(option)}` \| `([^`]*)` \|", config_text, re.M)
        if documented and documented[1] != value and documented[1] != str(value).replace("68719476736", "64G"):
            wrong.append(f"{option}: the default is {value}, docs/CONFIG.md says {documented[1]}")
    if wrong:
        sys.exit("\n".join(wrong))


main()
