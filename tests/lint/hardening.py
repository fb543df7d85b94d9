"""The programs are hardened: position independent, relocations and symbols read-only after the start, a stack that is
guarded and not executable."""
import os
import subprocess
import sys

PROGRAMS = ("wicid", "wici", "wici-agent", "wici-clerk")


def readelf(*arguments):
    """What readelf prints."""
    return subprocess.run(["readelf", "-W", *arguments], check=True, capture_output=True, text=True,
                          env=dict(os.environ, LC_ALL="C")).stdout


def faults(header, segments, dynamic, symbols):
    """What is missing in a program, a sentence each."""
    if "DYN (" not in header:
        yield "not position independent"
    if "GNU_RELRO" not in segments:
        yield "no RELRO"
    if "BIND_NOW" not in dynamic and "NOW" not in dynamic.partition("FLAGS_1")[2].partition("\n")[0]:
        yield "symbols are bound lazily"
    stack = next((line for line in segments.splitlines() if "GNU_STACK" in line), "")
    if "RW " not in stack or "RWE" in stack:
        yield "the stack is executable"
    if "__stack_chk_fail" not in symbols:
        yield "no stack protector"


def main():
    planted = list(faults("EXEC (", "GNU_STACK 0x0 0x0 0x0 RWE 0x10", "", ""))
    if len(planted) != 5:
        sys.exit(f"the checker does not notice planted faults: {planted}")
    wrong = []
    for name in PROGRAMS:
        path = f"{os.environ['WICI_BIN']}/{name}"
        found = faults(readelf("-h", path), readelf("-l", path), readelf("-d", path), readelf("--dyn-syms", path))
        wrong += [f"{name}: {fault}" for fault in found]
    if wrong:
        sys.exit("\n".join(wrong))


main()
