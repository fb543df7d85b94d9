#!/usr/bin/env python3
"""What rules, deadlines and tasks cite is in docs/SOURCES.md, and the words quoted there and in docs/profiles/ are the documents' own.

The documents lie beside the source folder, where they are not part of it: without them their words are not compared, which is said.
"""
import glob
import os
import re
import sys

SOURCE = os.environ["WICI_SOURCE"]
SEEDS = os.path.join(SOURCE, "..", "shared", "seeds")
# The name of each document in docs/SOURCES.md; its file; the profile that is made from it.
DOCUMENTS = {"DWR-01": ("000", "koszalin"), "GOPS Wejherowo": ("001", "wejherowo"),
             "OPS Czechowice-Dziedzice": ("002", "czechowice-dziedzice"), "MOPS Zielona Góra": ("003", "zielona-gora"),
             "broszura KPRP": ("004", "cus")}
# A source in brackets: "(A2)", "(E1-E3)", "(F2; inaczej F1)".
CITED = re.compile(r"\(((?:MD|[A-G])\d*(?:(?:, |-|; inaczej )(?:MD|[A-G])\d+)*)\)")
ENTRY = re.compile(r"^\| ((?:MD|[A-G])\d*) \| [^|]*\| [^|]*\| ([^|]*)\| ([^|]*)\|$", re.M)
ENGLISH = re.compile(r'"([^"\n]*[ąćęłńóśźż][^"\n]*)"')  # a quotation in a comment of a registry
# In quotation marks and no quotation: the name of an act, and of documents.
NAMES = {"Za życiem", "Asystent rodziny", "Asystentura rodziny w centrum usług społecznych",
         "Kim jest asystent rodziny, z kim i jak współpracuje?", "Dział Wsparcia Rodziny"}


def read(path):
    """A text below the sources."""
    with open(os.path.join(SOURCE, path), encoding="utf-8") as f:
        return f.read()


def entries_cited(text):
    """The entries that a text names in brackets."""
    found = set()
    for group in CITED.findall(text):
        for part in re.split(r", |; inaczej ", group):
            first, _, last = part.partition("-")
            kind = first.rstrip("0123456789")
            number = first[len(kind):]
            if last:
                found |= {f"{kind}{n}" for n in range(int(number), int(last[len(kind):]) + 1)}
            else:
                found.add(first)
    return found


def differences(cited, page):
    """Entries that are cited and not there, or there and not cited."""
    there = {entry for entry, _, _ in ENTRY.findall(page)}
    for entry in sorted(cited - there):
        yield f"{entry} is cited and not in docs/SOURCES.md"
    for entry in sorted(there - cited):
        yield f"{entry} is in docs/SOURCES.md and cited nowhere"


def letters(text):
    """Without what a line break or a typesetter changes: spaces, hyphens, marks of lists."""
    return re.sub(r"[\s\-–—•]+", "", text).lower()


def quotations(text):
    """The words in Polish quotation marks, whole or around "..."."""
    for words in re.findall(r"„([^„”]*)”", text):
        yield from (part for part in re.split(r"\.\.\.|…", words) if part.strip() and part.strip() not in NAMES)


def not_theirs(where, text, words_of):
    """The quotations that are not the document's."""
    return [f"{where}: „{words}” is not in the document" for words in text if letters(words) not in words_of]


def document(short):
    """The letters of a document; None: it is not there."""
    found = glob.glob(os.path.join(SEEDS, DOCUMENTS[short][0] + "_*.txt"))
    if len(found) != 1:
        return None
    with open(found[0], encoding="utf-8") as f:
        return letters(f.read())


def unlike(page):
    """What is quoted otherwise than the documents have it; None: they are not there."""
    wrong, compared = [], 0
    for short, (_, profile) in DOCUMENTS.items():
        words_of = document(short)
        if words_of is None:
            return None
        for entry, where, words in ENTRY.findall(page):
            if where.startswith(short):
                quoted = list(quotations(words))
                compared += len(quoted)
                wrong += not_theirs(f"docs/SOURCES.md, {entry}", quoted, words_of)
        for name in ("README.md", "clocks.conf", "office.registry"):
            text = read(f"docs/profiles/{profile}/{name}")
            quoted = list(quotations(text))
            if name == "office.registry":
                quoted += [q for line in text.splitlines() if line.startswith("#") and "wicid init" not in line
                           for q in ENGLISH.findall(line) if q not in NAMES]
            compared += len(quoted)
            wrong += not_theirs(f"docs/profiles/{profile}/{name}", quoted, words_of)
    if compared < 80:
        wrong.append(f"only {compared} quotations were found")
    return wrong


def check_notices(cited, page):
    """A planted difference of each kind is noticed."""
    planted = page.replace("| C8 |", "| C9 |", 1)
    if len(list(differences(cited, planted))) != 2:
        sys.exit("the checker does not notice an entry that is renamed")
    if entries_cited("(E1-E3) (A3) (F2; inaczej F1) (MD7, MD8) (art. 5)") != set("E1 E2 E3 A3 F1 F2 MD7 MD8".split()):
        sys.exit("the checker does not read sources")
    wrong = unlike(page.replace("do 14 dni od uzyskania", "do 15 dni od uzyskania", 1))
    if wrong is not None and len(wrong) != len(unlike(page)) + 1:
        sys.exit("the checker does not notice a quotation that is changed")


def main():
    page = read("docs/SOURCES.md")
    cited = set()
    for path in ("proto/errors.def", "proto/clocks.def", "agents/worklist.c"):
        cited |= entries_cited(" ".join(re.findall(r'"((?:[^"\\]|\\.)*)"', read(path))))
    check_notices(cited, page)
    wrong = list(differences(cited, page))
    compared = unlike(page)
    if compared is None:
        print("not compared: the documents are not beside the sources")
    if wrong or compared:
        sys.exit("\n".join(wrong + (compared or [])))


if __name__ == "__main__":
    main()
