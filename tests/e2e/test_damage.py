#!/usr/bin/env python3
"""A damaged log, told in the reader's language: what wici-verify finds in a copy, and why wicid does not start.

Each way of damage is told twice, in English and in Polish. Code and place have to be the same, the sentence that of po/pl.po.
What may be told, in all ways, tests/install/texts.py holds; which damage is found, tests/crash/rot.py.

Usage: test_damage.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.dont_write_bytecode = True
import play  # noqa: E402

BIN = os.environ["WICI_BIN"]
LEAF = b"wici-event-v1\x00\x01"
PAGE = 4096
FAILED = []


def rewrite(path, change):
    """The file's bytes, changed in place."""
    with open(path, "rb") as f:
        data = bytearray(f.read())
    change(data)
    with open(path, "wb") as f:
        f.write(data)


def leaves(data, seq):
    """Where the leaf of that record lies, in all pages that LMDB has of it."""
    return [m.start() for m in re.finditer(re.escape(LEAF), data)
            if int.from_bytes(data[m.start() + 16:m.start() + 24], "big") == seq]


def flip(root, seq, place):
    """One bit of a record's row; place: where, by the leaf's start and its length."""
    def change(data):
        found = leaves(data, seq)
        if not found:
            raise play.Failure(f"record {seq} was not found in the file")
        for at in found:
            data[place(at, 33 + 32 * data[at + 32])] ^= 1
    rewrite(f"{root}/data/log/data.mdb", change)


def zero(path, start, length):
    """Zeros in place of what was there."""
    def change(data):
        data[start:start + length] = bytes(len(data[start:start + length]))
    rewrite(path, change)


def of_another_key(root):
    flip(root, 3, lambda at, leaf: at + leaf + 3)


def of_another_number(root):
    flip(root, 3, lambda at, leaf: at + 23)


def of_another_content(root):
    flip(root, 3, lambda at, leaf: at + leaf + 12 + 20)


def no_lmdb(root):
    zero(f"{root}/data/log/data.mdb", 0, 2 * PAGE)


def no_key_store(root):
    zero(f"{root}/keys/keys", 0, 16)


def no_list(root):
    with open(f"{root}/guard.erased", "wb") as f:
        f.write(bytes(64))


def open_kek(root):
    os.chmod(f"{root}/kek", 0o644)


# What is done; what wici-verify says with the keys, and wicid at its start, in English and in Polish. None: not looked at there.
WAYS = (
    (of_another_key, ("record 3: the row names another key than it was written with",
                      "zapis 3: wiersz wskazuje inny klucz niż ten, którym go zapisano"), True),
    (of_another_number, ("record 3: its leaf names another", "zapis 3: jego liść ma numer innego zapisu"), True),
    (of_another_content, ("record 3: the content does not fit the leaf", "zapis 3: jego treść nie zgadza się z liściem"), True),
    (no_lmdb, ("the log's file is not whole, or not LMDB's", "plik dziennika jest niekompletny albo nie jest plikiem LMDB"),
     ("log: data.mdb is not whole, or not LMDB's", "dziennik: plik data.mdb jest niekompletny albo nie jest plikiem LMDB")),
    (no_key_store, ("the key store is missing, or not a key store", "brakuje magazynu kluczy albo plik nim nie jest"),
     ("key store: missing, or not a key store", "magazyn kluczy: brakuje go albo plik nie jest magazynem kluczy")),
    (no_list, ("the list of destroyed keys is none, or belongs to another log",
               "to nie jest lista zniszczonych kluczy albo należy do innego dziennika"),
     ("list of destroyed keys: not one, or another log's",
      "lista zniszczonych kluczy: to nie jest taka lista albo należy do innego dziennika")),
    (open_kek, ("the copy or its keys cannot be read", "nie da się odczytać kopii albo jej kluczy"),
     ("can be read by others, or is not the key of this log", "mogą czytać inni albo nie jest to klucz tego dziennika")),
)


def told(language, *command):
    """(code, what was said) of a command in that language."""
    env = dict(os.environ, LC_ALL={"en": "en_GB.UTF-8", "pl": "pl_PL.UTF-8"}[language], LANGUAGE="")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env, timeout=60)
    return done.returncode, done.stdout + done.stderr


def check(way, who, said, code, sentences):
    """The same code in both languages, and in each its sentence."""
    for language, sentence in zip(("en", "pl"), sentences):
        ended, text = said[language]
        if ended != code or sentence not in text:
            FAILED.append(f"{way}: {who} in {language}: exit {ended}, {sentence!r} is not in\n{text}")
    print(f"{way}: {who}: {next((line for line in said['pl'][1].splitlines() if sentences[1] in line), '?')}", flush=True)


def main():
    root = tempfile.mkdtemp(prefix="wici-damage-")
    broker = play.Broker(BIN, root, "gmina", "Urząd Gminy")
    broker.start()
    admin = play.Cli(broker, f"{root}/admin.key", root)
    for n in range(4):
        admin.run("agency", "add", f"szkola-{n}", "--name", "Szkoła", "--kind", "SCHOOL")
    vkey = admin.run("log", "key").split()[-1]
    broker.stop()
    whole = f"{root}-whole"
    shutil.copytree(root, whole)
    for way, verified, started in WAYS:
        shutil.rmtree(root)
        shutil.copytree(whole, root)
        way(root)
        given = ("--key-dir", f"{root}/keys", "--kek", f"{root}/kek", "--erased", f"{root}/guard.erased")
        check(way.__name__, "wici-verify",
              {language: told(language, f"{BIN}/wici-verify", "--vkey", vkey, *given, f"{root}/data") for language in ("en", "pl")},
              3, verified)
        check(way.__name__, "wicid",
              {language: told(language, f"{BIN}/wicid", "-c", broker.config) for language in ("en", "pl")}, 1,
              verified if started is True else started)
    shutil.rmtree(root)
    shutil.rmtree(whole)
    if FAILED:
        sys.exit("FAILED: " + "\nFAILED: ".join(FAILED))


if __name__ == "__main__":
    main()
