#!/usr/bin/env python3
"""The checkers of kills.py notice: books that are wrong in one thing are told apart from what is on disk.

Each workload runs once, without a kill; then its books are changed, and what has to hold afterwards must not, by the
promise named for the change. What the books cannot say is planted in the broker (tests/plants).
"""
# pylint: disable=missing-function-docstring
import base64
import copy
import os
import shutil
import sys
import tempfile

from faults_kit import DOCUMENT_CHUNK, Broken
from kills import NEVER, Campaign, works
from kills_kit import REASON


def receipt(books):
    next(line for line in books.authors["sw", "main"] if line.seq).seq += 1


def order(books):
    books.authors["sw", "main"].append(books.authors["sw", "main"].pop(0))


def hole(books):
    lines = books.authors["sw", "main"]
    lines.insert(0, books.line(books.letter("sw", books.place.other, "nie ma", "sw2")))


def refused(books):
    next(line for line in books.authors["sw", "main"] if line.seq).bad = True


def stranger(books):
    del books.lines[books.authors["sw", "main"].pop(0).id]


def content(books):
    line = books.authors["sw", "main"][0]
    line.event.sections[1] += b"."


def ahead(books):
    books.given["sw2"].acked = 1


def back(books):
    books.given["sw2"].durable = 1 << 20


def missing(books):
    given = books.given["sw2"]
    given.done.pop(min(given.done))


def more(books):
    given = books.given["sw2"]
    given.done[next(seq for seq in range(given.first, given.acked) if seq not in given.done)] = bytes(32)


def leaf(books):
    given = books.given["sw2"]
    given.done[min(given.done)] = bytes(32)


def unnamed(books):
    (_, seq), dossier = min(books.shown.items())
    books.shown["admin", seq] = dossier


def reason(books):
    books.read[REASON].add(1)


def checkpoint(books):
    origin, size, root, *rest = books.notes[-1].split("\n")
    books.notes.append("\n".join([origin, size, base64.b64encode(bytes(32)).decode(), *rest]))


def received(books):
    books.received["left"] += DOCUMENT_CHUNK


def sent(books):
    books.sent["left"] -= DOCUMENT_CHUNK


def waiting(books):
    books.begun.discard("left")


def got(books):
    books.got.add(("audyt", 1))


TAMPERED = {  # workload: what is changed, and the promise that must be broken then
    "publish": [(receipt, "is the one that was acknowledged"), (order, "keeps its order"), (hole, "is in the log up to some event"),
                (refused, "what is bad is not in the log"), (stranger, "was sent by somebody"), (content, "is what was sent"),
                (ahead, "a cursor never goes forward by itself"), (back, "a durable cursor never goes back"),
                (missing, "all that is for it and nothing else"), (more, "all that is for it and nothing else"),
                (leaf, "was given what is in the log"), (unnamed, "who was given something is named"),
                (reason, "on record with its reason"), (checkpoint, "are those of the checkpoint")],
    "upload": [(received, "bytes were acknowledged"), (sent, "bytes were sent"), (waiting, "bytes wait"),
               (got, "who was given a document is named")]}


def found(campaign, workload, above):
    """Runs a workload once, and what has to hold after each change; how many were not noticed."""
    work, root = campaign[workload], f"{above}/{workload}"
    os.mkdir(root)
    books = work.begin(root, f"step KILL {NEVER}")[-1]
    unseen = 0
    for tamper, promise in TAMPERED[workload]:
        other = f"{above}/{workload}-{tamper.__name__}"
        shutil.copytree(root, other)
        Campaign.relocate(root, other)
        changed = copy.deepcopy(books, {id(books.place): books.place})
        tamper(changed)
        try:
            work.end(other, changed)
            said = "nothing was noticed"
        except Broken as broken:
            said = str(broken)
        print(f"{workload}: {tamper.__name__}: {said[:150]}")
        unseen += promise not in said
        shutil.rmtree(other)
    return unseen


def main():
    """See the top of the file."""
    with tempfile.TemporaryDirectory(prefix="wici-kills-") as above:
        campaign = works(above)
        unseen = sum(found(campaign, workload, above) for workload in TAMPERED)
    print(f"{unseen} not noticed, or by another promise")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
