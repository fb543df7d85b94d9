"""Files are short enough to be read, and functions fit a screen: those that are longer are named here, with how long they are.
The lists may only become shorter: what grows is refused, and what got shorter is to be taken down to what it is now."""
import os
import re
import subprocess
import sys

SOURCE = os.environ["WICI_SOURCE"]
FILE_MAX, FUNCTION_MAX = 600, 70  # lines; of a function with its opening line

# File: its lines.
FILES = {
}
# (file, function): its lines.
FUNCTIONS = {
}


def sources():
    """Every file in C of the repository."""
    done = subprocess.run(["git", "-C", SOURCE, "ls-files", "-co", "--exclude-standard", "*.c", "*.h"],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0 or not done.stdout:
        print("skipped: this is no checkout")
        sys.exit(77)
    return [name for name in sorted(set(done.stdout.split())) if os.path.exists(os.path.join(SOURCE, name))]


def functions(text):
    """(name, lines) of each function: its name begins a line, its braces stand alone at the left."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if line == "{":
            start = next(i for i in range(at - 1, -1, -1) if re.match(r"\w+\(", lines[i]) or not lines[i])
            end = next(i for i in range(at, len(lines)) if lines[i] == "}")
            name = re.match(r"(\w+)\(", lines[start])
            if name:
                yield name[1], end - start + 1


def differences(what, sizes, limit, listed):
    """What is too long and not on the list, or otherwise than the list says, a sentence each."""
    for name, size in sorted(sizes.items()):
        if size > listed.get(name, limit):
            yield f"{what} {name} has {size} lines, more than {listed.get(name, limit)}"
    for name, size in sorted(listed.items()):
        now = sizes.get(name, 0)
        if now < size:
            yield f"{what} {name} has {now} lines by now: " + (
                f"write {now} for {size} into the list" if now > limit else "take it off the list")


def check_notices():
    """The checker notices planted differences."""
    text = "static int\nlong_one(int a,\n         int b)\n{\n" + "    a++;\n" * 80 + "}\n\nint\nshort_one(void)\n{\n}\n"
    if dict(functions(text)) != {"long_one": 84, "short_one": 3}:
        sys.exit(f"the checker does not measure functions: {dict(functions(text))}")
    if len(list(differences("x", {"a": 700, "b": 700, "c": 500}, 600, {"b": 650, "c": 650}))) != 3:
        sys.exit("the checker does not notice what is too long, what grew and what shrank")


def main():
    check_notices()
    files, long = {}, {}
    for name in sources():
        with open(os.path.join(SOURCE, name), encoding="utf-8") as f:
            text = f.read()
        files[name] = text.count("\n")
        if name.endswith(".c"):
            for function, size in functions(text):
                long[name, function] = max(size, long.get((name, function), 0))
    wrong = list(differences("the file", files, FILE_MAX, FILES))
    wrong += list(differences("the function", long, FUNCTION_MAX, FUNCTIONS))
    if wrong:
        sys.exit("\n".join(wrong))


main()
