#!/usr/bin/env python3
"""A disk that changes what was written: flipped bits, lost and misplaced sectors, lost ends, in any file of a log.

A log with documents, an erasure, cursors and reads is made and closed. Each seed damages a copy of its files: before the
broker starts (and wici-verify looks at the damaged copy first), or under a broker that runs. Then everyone asks for all
that they were told before the damage. Whatever was damaged,

  - nothing is told that is not what was written: deliveries, reads, documents and receipts are the same bytes
  - nothing is left out without a word: where something is missing, the broker has ended, or did not start
  - an event that is sent again is no new event, and a cursor goes on where it stood
  - a broker that ends, or does not start, says where: record, entry, table or file, and nothing of content
  - no memory is damaged (the sanitizers), and nobody waits for ever
  - what wici-verify lets pass is told rightly; what it finds, it gives code 3, 4 or 5 and a place, in Polish too
  - wici-verify finds all damage in the log's file that a broker stopped for

LMDB trusts what its pages say of themselves, so that a signal may end the broker; it says so on stderr then.

Usage: rot.py [--seeds N] [--from SEED] [--only SEED] [--jobs N] [--index] [--tables N] [--keep DIR], with WICI_BIN and WICI_SOURCE set.
--index: only numbers of records in the finding index are changed, before the start.
--tables: so many seeds more in which one bit of a row of a small table is changed, in all the places where the row lies in
the file: event ids, cursors, values, documents, uploads and pieces of both, each in turn. wici-verify has to find every one
of them, with the log's keys and without.
"""
import argparse
import array
import collections
import concurrent.futures
import hashlib
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

from faults_kit import Broken, Process, Template, check, configure, letter, new_id
from wici_client import Client, Damaged, Disconnected, KeyRefused, Refused, Timeout

BIN = os.environ["WICI_BIN"]  # of a planted wicid nothing but that
VERIFY = next(path for path in (f"{BIN}/wici-verify", f"{BIN}/../../bin/wici-verify") if os.path.exists(path))
LOOK = 20  # seconds for all questions
SECTOR, PAGE = 512, 4096
ORDER = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
MARKERS = ("Kowalska", "opinia-o-rodzinie", "%PDF")  # in what is written: in no message
DOCUMENTS = (b"%PDF skan " * 40000, b"%PDF krotki")  # two pieces, one piece
WAITING = b"%PDF bez zdarzenia"  # no event names it
# How a row of a small table lies in a page of LMDB: length of the key, key; and of the value how long it is at least (None:
# as the row says). What stands in brackets is not part of what wici-verify calls it.
TABLES = {
    "id table": (rb"\x10\x00[\x00-\xff]{6}[\x70-\x7f][\x00-\xff][\x80-\xbf][\x00-\xff]{7}(?=\x00{5})", 8),
    "cursors": (rb"\x0a\x00sw2\x00middle", 24),
    "values": (rb"\x0c\x00access\.entry", 12),
    "documents": (rb"\x15\x00d\x00\x00[\x00-\xff]{18}", 16),
    "document (head)": (rb"\x05\x00u\x00\x00[\x00-\xff]{2}", 193),
    "document (piece)": (rb"\x09\x00c\x00\x00[\x00-\xff]{2}\x00\x00\x00[\x00-\x27]", None)}
FILES = {  # what is damaged, and how often
    "data/log/data.mdb": 12, "data/find/data.mdb": 3, "keys/keys": 3, "guard": 1, "guard.erased": 1, "kek": 1, "checkpoint.key": 1}
HOT = ("data/log/data.mdb", "data/find/data.mdb", "keys/keys", "guard")  # those that a running broker reads
# Where it was: what a person goes and looks at.
PLACE = re.compile(r"record \d+|first \d+ records|the records are not|key entry \d+|key store|key-encryption key|tile \d|tree:|checkpoint|guard|meta: |the log|log: |id table|"
                   r"document \d+|documents: |cursors: |values: |finding index|list of destroyed keys|a page of a file|"
                   r"its keys|the tree: |mdb\.c|policy|data\.mdb|broker: .*(cannot|not)|not a key")
NATURAL = re.compile(r"AddressSanitizer: (SEGV|BUS|stack-overflow)|a page of a file|mdb\.c|MDB_|mdb_")


class Place(Template):
    """The log, closed; and what everyone was told of it."""

    def __init__(self, root):
        super().__init__(root)
        configure(root)
        self.gone, self.other = new_id(), new_id()
        process = Process(root, [])
        try:
            check(f"it starts: {process.said()}", process.listens())
            self.fill(process)
            check(f"it ends: {process.said()}", process.end(signal.SIGTERM) == 0)
        finally:
            process.kill()
        self.vkey = None
        self.truth = None
        copy = tempfile.mkdtemp(prefix="wici-rot-truth-")
        try:
            self.copy(copy)
            process = Process(copy, [])
            check(f"it starts: {process.said()}", process.listens())
            self.truth = look(self, process, {})
            with self.session(process, "sw") as sw:
                self.vkey = sw.query(checkpoint=self.wici.wire.CheckpointQuery()).keys[0].vkey
            check("it ends", process.end(signal.SIGTERM) == 0)
            for name in ("%s replay" % unit for unit in ("sw", "sw2", "audyt")):
                check(f"{name} tells something", self.truth[name])
            check("documents are told", sum(key.startswith("document") for key in self.truth) == 2 * len(DOCUMENTS))
        finally:
            process.kill()
            shutil.rmtree(copy)

    def fill(self, process):
        """More than one page of everything; a dossier that is erased; a cursor that stands in the middle; an upload."""
        world = self.world
        with self.session(process, "sw") as sw, self.session(process, "sw2") as sw2, self.session(process, "admin") as admin:
            for data in DOCUMENTS:
                sw.upload(data)
                what, text = letter("Kowalska, z załącznikiem")
                text["info_provided_s6"]["documents"] = [
                    {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "media_type": "application/pdf"}]
                self.sent = sw.publish(world.event("sw", "INFO_PROVIDED", self.dossier, what, text, to=["sw2"]))[0].receipt.seq
            sw.upload(WAITING)
            for dossier in (self.dossier, self.other, self.gone) * 40:
                sw.publish(world.event("sw", "INFO_PROVIDED", dossier, *letter("opinia-o-rodzinie " * 20), to=["sw2"]))
            for _ in range(40):  # dossiers of their own
                sw.publish(world.event("sw", "INFO_PROVIDED", new_id(), *letter("Kowalska"), to=["sw2"]))
            self.repeated = world.event("sw", "INFO_PROVIDED", self.dossier, *letter("dwa razy"), to=["sw2"])
            self.receipt = sw.publish(self.repeated)[0].receipt
            sw2.subscribe(2, cursor="middle")
            first = sw2.deliveries_to(2, self.sent)[-1].seq
            sw2.ack(2, first)
            admin.query(erase=self.wici.wire.EraseQuery(dossiers=[self.gone], reason="COURT_ORDER", order_sha256=ORDER))

    def session(self, process, unit, patience=LOOK):
        """A connection that has said Hello."""
        client = Patient(self.wici, process.endpoint, self.world.broker.server_key, self.world.keys[unit], f"rot-{new_id()[:8]}")
        client.patience = patience
        client.hello()
        return client

    def copy(self, root):
        super().copy(root)
        shutil.copy(f"{self.root}/guard.erased", f"{root}/guard.erased")


class Patient(Client):
    """A client that waits for so long and no longer."""
    patience = LOOK

    def wait(self, kind, timeout=LOOK, **fields):
        return super().wait(kind, min(timeout, self.patience), **fields)


# ---- asking

def same(delivery):
    """What is told of a record, without what varies: the bytes of the Delivery."""
    return delivery.SerializeToString()


def ask(found, name, question):
    """Enters what is answered under a name; what is refused, with its code. False: the connection broke."""
    try:
        found[name] = question()
    except Refused as refusal:
        found[name] = f"refused: {refusal.code}"
    except (Disconnected, Timeout, KeyRefused) as broken:
        found[name] = broken
        return False
    return True


def look(place, process, truth):
    """All that everyone is told; truth: what there should be, where it is known. Ends where the broker ended."""
    found = {}
    head = truth.get("head", 0)

    def replay(client, subscription, **start):
        client.subscribe(subscription, **start)
        upto = head or client.head.seq
        return [same(d) for d in client.deliveries_to(subscription, upto) if d.seq <= upto]

    for unit in ("sw", "sw2", "audyt"):
        try:
            client = place.session(process, unit)
        except (Disconnected, Timeout, KeyRefused, Refused) as broken:
            found[f"{unit} connects"] = broken
            continue
        with client:
            found[f"{unit} connects"] = True
            if not head:
                head = found["head"] = client.head.seq
            if not (ask(found, f"{unit} replay", lambda c=client: replay(c, 1)) and
                    ask(found, f"{unit} dossier", lambda c=client: [same(d) for d in c.read_all(dossier=place.dossier, to_seq=head, reason="kontrola")]) and
                    ask(found, f"{unit} other", lambda c=client: [same(d) for d in c.read_all(dossier=place.other, to_seq=head, reason="kontrola")]) and
                    ask(found, f"{unit} gone", lambda c=client: [same(d) for d in c.read_all(dossier=place.gone, to_seq=head, reason="kontrola")])):
                continue
            if unit == "sw2" and not ask(found, "cursor goes on", lambda c=client: replay(c, 2, cursor="middle")):
                continue
            if unit == "sw":
                if not ask(found, "repeat", lambda c=client: (lambda r: (r.seq, r.ts_ms, r.digests))(c.publish(place.repeated)[0].receipt)):
                    continue
                if not ask(found, "new event", lambda c=client: c.publish(
                        place.world.event("sw", "INFO_PROVIDED", place.dossier, *letter("nowe"), to=["sw2"]))[0].receipt.seq > head):
                    continue
            if unit != "audyt":
                for i, data in enumerate(DOCUMENTS):
                    seq = place.sent - len(DOCUMENTS) + 1 + i
                    if not ask(found, f"document {i} {unit}", lambda c=client, s=seq, d=data: c.document(s, hashlib.sha256(d).digest()) == d):
                        break
            ask(found, f"{unit} receipt", lambda c=client: disclosed(c.query(receipt=place.wici.wire.ReceiptQuery(seq=place.receipt.seq)).text))
    return found


def disclosed(receipt):
    """Record and parts of a receipt: what it proves."""
    return receipt.split("\n\n")[0].split("\n")[1:3]


# ---- damaging

class Damage:
    """What a seed does to a file: file, kind, where."""

    def __init__(self, seed, root, index=False, table=None):
        pick = random.Random(seed)
        self.table, self.also = table, []
        self.hot = pick.random() < 0.35
        names = [name for name in FILES if not self.hot or name in HOT]
        self.name = pick.choices(names, [FILES[name] for name in names])[0]
        self.path = f"{root}/{self.name}"
        self.size = os.path.getsize(self.path)
        self.kind = pick.choices(("bit", "byte", "zero", "noise", "moved", "cut"), (8, 3, 2, 1, 2, 2))[0]
        if self.kind == "cut" and self.hot and self.name.endswith(".mdb"):
            self.kind = "bit"  # that is a SIGBUS, which faults.py has
        unit = PAGE if self.kind == "moved" else SECTOR if self.kind in ("zero", "noise") else 1
        self.at = pick.randrange(max(1, self.size // unit)) * unit
        self.length = min(unit, self.size - self.at)
        self.source = pick.randrange(max(1, self.size // PAGE)) * PAGE
        self.mask, self.noise = 1 << pick.randrange(8), pick.randbytes(SECTOR)
        self.other = pick.randrange(1, 256)
        if index:
            self.hot, self.name, self.kind, self.length, self.mask = False, "data/find/data.mdb", "bit", 1, 1
            self.path = f"{root}/{self.name}"
            self.size, self.at = os.path.getsize(self.path), pick.choice(numbers_of(self.path)) + 7

        if table:
            self.hot, self.name, self.kind, self.length = False, "data/log/data.mdb", "bit", 1
            self.path = f"{root}/{self.name}"
            self.size, (self.at, *self.also) = os.path.getsize(self.path), row_of(self.path, pick, *TABLES[table])

    def __str__(self):
        return f"{'hot' if self.hot else 'cold'} {self.kind} {self.table + ' in ' if self.table else ''}{self.name} at {self.at} of {self.size}"

    def do(self):
        """False: it left the file as it was."""
        with open(self.path, "r+b") as file:
            file.seek(self.at)
            before = file.read(self.length)
            if self.kind == "cut":
                file.truncate(self.at)
                return self.at != self.size
            if self.kind == "moved":
                file.seek(self.source)
                after = file.read(self.length)
            else:
                flipped = {"bit": self.mask, "byte": self.other}.get(self.kind, 0)
                after = {"zero": bytes(len(before)), "noise": self.noise[:len(before)]}.get(self.kind, bytes(b ^ flipped for b in before))
            file.seek(self.at)
            file.write(after)
            for at in self.also:
                file.seek(at)
                other = file.read(1)[0] ^ self.mask
                file.seek(at)
                file.write(bytes([other]))
            return after != before


def row_of(path, pick, pattern, length):
    """A byte of the value of one row: all the places where it lies, as LMDB keeps older pages beside those in use."""
    with open(path, "rb") as file:
        data = file.read()
    rows = collections.defaultdict(list)
    for found in re.finditer(pattern, data):
        start, low, high, flags = found.end(), *struct.unpack("<HHH", data[found.start() - 6:found.start()])
        if flags & 1:  # a value with pages of its own
            start = int.from_bytes(data[start:start + 8], "little") * PAGE + 16
        rows[found[0], length or high << 16 | low].append(start)
    check("there are rows of that table", rows)
    # Of uploads only the last is one still: the others lie in pages that were given up.
    name = pick.choice(sorted(rows)[-1 if pattern == TABLES["document (head)"][0] else 0:])
    at = pick.randrange(name[1])
    return sorted({place + at for place in rows[name]})


def numbers_of(path):
    """Where numbers of records stand in the finding index: between two others of one ascending list."""
    with open(path, "rb") as file:
        words = array.array("Q", file.read())
    words.byteswap()
    return [8 * i for i in range(1, len(words) - 1) if 0 < words[i - 1] < words[i] < words[i + 1] < 1 << 20]


# ---- judging

def verify(place, root, keys=True, language="C"):
    """(code, what it said) of wici-verify on the damaged copy, with its keys or without."""
    given = ["--key-dir", f"{root}/keys", "--kek", f"{root}/kek"] if keys else []
    done = subprocess.run([VERIFY, "--vkey", place.vkey, *given, f"{root}/data"], capture_output=True, text=True, errors="replace",
                          timeout=60, check=False, env=dict(os.environ, LC_ALL=language, LANGUAGE=""))
    return done.returncode, done.stdout + done.stderr


def judge(place, process, found, code):
    """Raises Broken unless all that was told is right, and what was not told has a reason that was said."""
    said, missing = process.said(), []
    for name, right in place.truth.items():
        told = found.get(name)
        if told == right or name == "head":
            continue
        if isinstance(right, list) and isinstance(told, list) and told and isinstance(told[0], bytes):
            check(f"{name}: what is told is what was written (record {[a == b for a, b in zip(told, right)].index(False) + 1 if told[:len(right)] != right[:len(told)] else 0})",
                  told == right[:len(told)])
        check(f"{name}: told wrongly: {told!r:.80} for {right!r:.80}",
              told is None or isinstance(told, (Exception, str, list)))
        missing.append(f"{name} ({told!r:.60})")
    for marker in (*MARKERS, place.dossier, place.other, place.gone):
        check(f"no content in what it said: {marker}", marker not in said)
    if code == 0:
        check(f"it left out, and ended as if all were well: {missing}:\n{said}", not missing)
        return "all told"
    check(f"it ended by {code}, and named no place:\n{said}", PLACE.search(said) or NATURAL.search(said))
    return "stopped"


def code_of(process, number):
    """How it ended; a signal that LMDB's pages brought is an end too."""
    try:
        return process.end(number)
    except Broken as broken:
        code = process.child.returncode
        check(str(broken), code is not None and code != 0 and NATURAL.search(process.said()))
        return code


def run(place, seed, keep, index, table=None):
    """One seed: (verdict, what was done)."""
    root = tempfile.mkdtemp(prefix=f"wici-rot-{seed}-")
    process = damage = None
    try:
        place.copy(root)
        damage, verdict = Damage(seed, root, index, table), (None, "")
        if not damage.hot:
            if not damage.do():
                return "same bytes", str(damage)
            verdict = verify(place, root)
            check(f"wici-verify ends with {verdict[0]}: {verdict[1]}", verdict[0] in (0, 3, 4, 5))
            keyless = verify(place, root, keys=False)
            check(f"wici-verify ends without keys with {keyless[0]}: {keyless[1]}", keyless[0] in (0, 3, 4, 5))
            if verdict[0] != 0:
                polish = verify(place, root, language="pl_PL.UTF-8")
                check(f"the same in Polish: {polish}, {verdict}",
                      polish[0] == verdict[0] and (polish[1] != verdict[1] or ": LMDB: " in polish[1]))
            check(f"without keys it finds no more than with them: {keyless}, {verdict}", keyless[0] == 0 or verdict[0] != 0)
        process = Process(root, [])
        if process.listens():
            if damage.hot:
                damage.do()
            found = look(place, process, place.truth)
            code = code_of(process, signal.SIGTERM)
            outcome = judge(place, process, found, code)
        else:
            code = code_of(process, None)
            check("a broker that does not start says so by its code", code != 0)
            outcome = judge(place, process, {}, code).replace("stopped", "not started")
        if table:
            for ended, said in (verdict, keyless):
                check(f"wici-verify finds it, with keys and without, and names the table: {verdict}, {keyless}",
                      ended in (3, 5) and f": {table.split(' (')[0]}" in said)
        if damage.name == "data/log/data.mdb":
            check(f"what the broker stopped for, wici-verify finds: {process.said()}", verdict[0] != 0 or outcome == "all told")
        if verdict[0] not in (None, 0):
            check(f"wici-verify names a place: {verdict[1]}", PLACE.search(verdict[1]) or "tombstone" in verdict[1])
            outcome += ", found by wici-verify"
        elif verdict[0] == 0 and outcome != "all told":
            outcome += ", let pass by wici-verify: " + (PLACE.search(process.said()) or NATURAL.search(process.said()))[0]
        return outcome, str(damage)
    except (Broken, Damaged, subprocess.TimeoutExpired) as broken:
        if keep:
            shutil.copytree(root, f"{keep}/{seed}", dirs_exist_ok=True)
        raise Broken(f"seed {seed}: {damage}: {broken}\n{process.said() if process else ''}") from None
    finally:
        if process:
            process.kill()
        shutil.rmtree(root, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--from", type=int, default=1, dest="first")
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--keep", help="a folder for the files of what was broken")
    parser.add_argument("--index", action="store_true")
    parser.add_argument("--tables", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    began, root = time.monotonic(), tempfile.mkdtemp(prefix="wici-rot-")
    broken, verdicts, lock = [], collections.Counter(), threading.Lock()
    try:
        place = Place(root)
        seeds = [(args.only, None)] if args.only is not None else [(args.first + i, None) for i in range(args.seeds)]
        seeds += [(args.first + i, list(TABLES)[i % len(TABLES)]) for i in range(args.tables)]

        def one(seed_and_table):
            seed, table = seed_and_table
            try:
                verdict, what = run(place, seed, args.keep, args.index, table)
            except Broken as failure:
                with lock:
                    broken.append(str(failure))
                    print(f"BROKEN {failure}", flush=True)
                return
            with lock:
                verdicts[verdict] += 1
                if args.verbose or args.only is not None:
                    print(f"{seed}: {what}: {verdict}", flush=True)

        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            list(pool.map(one, seeds))
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for verdict, count in sorted(verdicts.items(), key=lambda item: -item[1]):
        print(f"{count:4}  {verdict}")
    print(f"{sum(verdicts.values())} of {len(seeds)} seeds in {time.monotonic() - began:.0f} s, {len(broken)} broken")
    sys.exit(1 if broken else 0)


main()
