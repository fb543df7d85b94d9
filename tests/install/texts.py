"""po/pl.po holds a Polish text for every text of the programs: none missing, none fuzzy, none left over, none that is not found.

A text with a number of 64 bits is another one on each machine (its source says PRIu64). It is found only where its entry is marked
as a format, and msgfmt compares what a text and its translation take only there: so every text that is a format has to be.
"""
import ast
import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
LC_ALL = 6  # of Linux's locale.h
# What says damage of the log, and which of its arguments is a text (store_speak).
DAMAGE = ("-kdamage_set:2", "-kdamage_word", "-kfound:2", "-kstore_damaged:3", "-kverify_free_row:2")
NUMBERS = {"%<PRIu64>": "%lu", "%<PRIu32>": "%u", "%<PRIi64>": "%li", "%<PRId64>": "%ld", "%<PRIx64>": "%lx"}


def entries(path):
    """Of a catalogue: whether it is a format, the text, its translation. The heading is none."""
    is_format, which, strings = False, None, {}
    with open(path, encoding="utf-8") as file:
        for line in [*file.read().split("\n"), ""]:
            word, _, rest = line.partition(" ")
            if word == "#,":
                is_format = "c-format" in rest.split(", ")
            elif word in ("msgid", "msgstr"):
                which = word
                strings[word] = ast.literal_eval(rest)
            elif line.startswith('"'):
                strings[which] += ast.literal_eval(line)
            elif not line:
                if strings.get("msgid"):
                    yield is_format, strings["msgid"], strings["msgstr"]
                is_format, strings = False, {}


def read(path):
    """A source."""
    with open(path, encoding="utf-8") as file:
        return file.read()


def here(text):
    """The text as this machine's programs have it."""
    for name, conversion in NUMBERS.items():
        text = text.replace(name, conversion)
    return text


def not_found(directory, catalogue):
    """The texts whose translation a program would not find."""
    libc = ctypes.CDLL(None)
    for function in (libc.setlocale, libc.gettext):
        function.restype = ctypes.c_char_p
    os.environ["LANGUAGE"] = "pl"
    if libc.setlocale(LC_ALL, b"C.UTF-8") is None:
        sys.exit("no locale C.UTF-8")
    libc.bindtextdomain(b"wici", directory.encode())
    libc.bind_textdomain_codeset(b"wici", b"UTF-8")
    libc.textdomain(b"wici")
    return [text for _, text, translation in catalogue if libc.gettext(here(text).encode()) != here(translation).encode()]


def extract(pot, *sources):
    """All texts that a person may see."""
    subprocess.run(["xgettext", "--from-code=UTF-8", "-k_", "-kN_", "-klog_error", "-klog_warn", "-klog_info", "-kagent_log:2",
                    *DAMAGE, "-o", pot, *sources], check=True)


def past_the_words(text):
    """Where damage is noted in English alone: its text is not given to what puts it into the reader's language."""
    for call in re.findall(r"v?snprintf\([^;]*?->(?:damage|what)\b[^;]*;", text):
        if re.search(r'"[^"]*[a-z]{3}[^"]*"', call) and "damage_word(" not in call:
            yield call


def notices_damage(tmp):
    """A text of damage that nobody has translated is found, however it is said."""
    said = ['damage_set(st, "new %u", 1);', 'damage_word("new word");', 'found(v, "new in a copy");',
            'store_damaged(st, 1, "new of a record");', 'verify_free_row(v, "new table", val);']
    with open(f"{tmp}/new.c", "w", encoding="utf-8") as file:
        file.write("int f(void) {" + "".join(said) + "}")
    extract(f"{tmp}/new.pot", f"{tmp}/new.c")
    past = list(past_the_words('snprintf(st->damage, sizeof st->damage, "the new is wrong");'))
    return sum(text.startswith("new") for _, text, _ in entries(f"{tmp}/new.pot")) == len(said) and len(past) == 1


def main():
    """All of it; ends the process with what is wrong."""
    for tool in ("xgettext", "msgcmp", "msgfmt"):
        if shutil.which(tool) is None:
            print(f"skipped: {tool} is not installed")
            sys.exit(77)
    with tempfile.TemporaryDirectory() as tmp:
        po, pot, mo = f"{SOURCE}/po/pl.po", f"{tmp}/wici.pot", f"{tmp}/pl/LC_MESSAGES/wici.mo"
        sources = [path for where in ("agents", "agents/cli", "broker", "proto", "store")
                   for path in glob.glob(f"{SOURCE}/{where}/*.c")]
        extract(pot, *sorted(sources))
        if not notices_damage(tmp):
            sys.exit("a new text of damage would not be found")
        past = [call for path in glob.glob(f"{SOURCE}/store/*.c") for call in past_the_words(read(path))]
        if past:
            sys.exit("damage that is told in English only:\n" + "\n".join(past))
        done = subprocess.run(["msgcmp", po, pot], check=False)
        if done.returncode != 0:
            sys.exit("po/pl.po lacks texts (see above)")
        done = subprocess.run(["msgcmp", "--use-untranslated", pot, po], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit("po/pl.po has texts that no program uses:\n" + done.stderr)
        formats = {text for is_format, text, _ in entries(pot) if is_format}
        catalogue = list(entries(po))
        unmarked = [text for is_format, text, _ in catalogue if text in formats and not is_format]
        if unmarked:
            sys.exit('po/pl.po: "#, c-format" is missing before\n' + "\n".join(f"  {text!r}" for text in unmarked))
        os.makedirs(os.path.dirname(mo))
        subprocess.run(["msgfmt", "--check", "-o", mo, po], check=True)
        missed = not_found(tmp, catalogue)
        if len(catalogue) < 500 or missed:
            sys.exit("a program would not find the Polish of\n" + "\n".join(f"  {text!r}" for text in missed))


if __name__ == "__main__":
    main()
