#!/usr/bin/env python3
"""kill -9, or a call that fails, between any two steps of an erasure, and the start that finishes it.

Two dossiers with documents are erased by one order, beside a third one that stays; a durable cursor names one of them in its
filter. The N-th call of the erasure that makes something last or names it (libwici_fault.so) ends the process, or
fails. Whatever it is, afterwards

  - before the intent was committed nothing is erased: all is read, the documents too, and the same order is carried out
  - from then on the next start finishes it without anybody asking: the order is answered as done before
  - one sys.erasure_intended, one sys.erasure_done, and to each unit that was given records one notice, with its numbers
  - keys: those of the dossiers and of each of their documents are destroyed, zeroed to the last byte, entered beside the guard;
    the others open
  - no row of a record or document is left, nothing in the index, and the live state is the log's fold (wicid_checked looks)
  - of the dossiers nothing is given any more, to nobody; of the third all, its document too; the cursor goes on
  - wici-verify, on the files with the keys that are left: each record without content is named by an intent
  - a start from the files, once more, gives the same

After some of the runs `wicid compact` comes first: it refuses, naming the erasure that is not done, or it succeeds.

The same is done to `wicid compact` after the erasure. Whatever it met, the log is served as it was, nothing of an attempt is
left then, and the same command succeeds.

Usage: erasing.py [--runs N] [--seed N] [--only "[compact ]KIND ERROR N"] [--all], with WICI_BIN, WICI_SOURCE, WICI_FAULT_LIB and WICI_CHECKED set.
--runs: so many of each beside kill at each sync, name and meta page, which are the ends of steps.
"""
import argparse
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

from faults_kit import Broken, Gone, Peer, Process, Refused, Template, check, letter, new_id

BIN = os.environ["WICI_BIN"]
ERRORS = {"sync": ("KILL", "EIO"), "meta": ("KILL", "EIO", "ENOSPC"), "write": ("KILL", "EIO", "ENOSPC", "SHORT"), "name": ("KILL", "EIO"),
          "open": ("KILL", "EIO"), "read": ("EIO",), "malloc": ("ENOMEM",)}
STEPS = ("sync", "name", "meta")  # what ends a step
NEVER = 1_000_000
WAIT = 20
ENTRY = 80  # bytes of an entry of the key store
ERASED = 2
LISTED = 32  # bytes of a key in the list beside the guard, with its sum
ORDER = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DOCUMENTS = {"first": b"%PDF pierwszy " * 30000, "second": b"%PDF drugi", "stays": b"%PDF zostaje"}  # the first has two chunks


class Checked(Process):
    """wicid_checked: ends with another code when what it holds is not as promised."""

    def __init__(self, root, fault=None, words=()):
        super().__init__(root, words, fault, program=os.environ["WICI_CHECKED"])

    def end(self, number=None):
        try:
            return super().end(number)
        except Broken:
            if self.child.returncode == -signal.SIGKILL:
                return -signal.SIGKILL
            raise


class Place(Template):
    """A log in which there is something to erase: the broker was killed on it."""

    def __init__(self, root):
        super().__init__(root)
        self.second, self.other = new_id(), new_id()
        self.given = {}  # unit: seqs of what goes that it was given
        self.stays = []
        process = Process(root, [])
        try:
            check(f"it starts: {process.said()}", process.listens())
            self.fill(process)
            process.kill()
        finally:
            process.kill()
        with open(f"{root}/keys/keys", "rb") as keys:
            self.erased_before = erased_entries(keys.read())

    def copy(self, root):
        super().copy(root)
        if os.path.exists(f"{self.root}/guard.erased"):
            shutil.copy(f"{self.root}/guard.erased", f"{root}/guard.erased")

    def fill(self, process):
        """Documents, a second dossier, one that stays, a cursor with a filter."""
        sender, reader = Peer(self, process, "sw"), Peer(self, process, "sw2")
        goes, self.named = [line.seq for line in self.books.values()], {}
        for name, dossier in (("first", self.dossier), ("second", self.dossier), ("second", self.second), ("stays", self.other)):
            data = DOCUMENTS[name]
            sender.ask(lambda client, data=data: client.upload(data))
            line, = sender.publish({}, self.world.event("sw", "INFO_PROVIDED", dossier, *self.with_document(data), to=["sw2"]))
            (self.stays if dossier == self.other else goes).append(line.seq)
            self.named[line.seq] = name
        reader.ask(lambda client: client.subscribe(1, cursor="filtered", dossiers=[self.dossier, self.other]))
        reader.ask(lambda client: client.ack(1, [d.seq for d in client.deliveries_to(1, self.stays[0])][-1]))
        self.goes = sorted(goes)
        found = ask(self, process, erase_preview=self.wici.wire.ErasePreviewQuery(dossiers=[self.dossier, self.second]))
        check("what goes is what was published", (found.records, found.documents) == (len(goes), 3))
        self.given = {to.unit: (to.records, to.from_seq, to.to_seq) for to in found.recipients}
        with open(f"{self.root}/wici.conf", "w", encoding="utf-8") as conf:
            conf.write(f"endpoint = {process.endpoint}\nserver_key = {self.world.broker.server_key}\nkey_file = {self.root}/admin.key\n")
        said = subprocess.run([f"{BIN}/wici", "log", "key", "-c", f"{self.root}/wici.conf"], capture_output=True, text=True, check=True).stdout
        self.vkeys = re.findall(r"\S+\+[0-9a-f]{8}\+\S+", said)
        check(f"the log's key is told: {said}", self.vkeys)
        for peer in (sender, reader):
            peer.close()

    @staticmethod
    def with_document(data):
        """Sections of an info.provided that names a document."""
        what, text = letter("w załączeniu")
        text["info_provided_s6"]["documents"] = [{"sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
                                                  "media_type": "application/pdf"}]
        return what, text


def erased_entries(keys):
    """The key entries that are erased, of the file's bytes. Each is zeroed."""
    entries = []
    for entry in range(1, len(keys) // ENTRY):
        at = keys[entry * ENTRY:(entry + 1) * ENTRY]
        if at[4] == ERASED:
            check(f"key entry {entry} is zeroed", at[5:] == bytes(ENTRY - 5))
            entries.append(entry)
    return entries


def ask(place, process, **what):
    """What the administrator is answered."""
    admin = Peer(place, process, "admin")
    try:
        return admin.ask(lambda client: client.query(**what))
    finally:
        admin.close()


def order(place, process):
    """The order, from an administrator who gives up when the broker is gone."""
    return ask(place, process, erase=place.wici.wire.EraseQuery(
        dossiers=[place.dossier, place.second], reason="COURT_ORDER", order_sha256=ORDER, backups_clear_by="2027-01-31"))


# ---- afterwards

class Town:
    """Everyone, on a broker without faults."""

    def __init__(self, place, process):
        self.place, self.process = place, process
        self.peers = {unit: Peer(place, process, unit) for unit in ("sw", "sw2", "audyt", "admin")}

    def close(self):
        """Ends the connections."""
        for peer in self.peers.values():
            peer.close()

    def seqs(self, unit, dossier):
        """The records of the dossier that the unit is given; None: to it there is no such dossier."""
        try:
            return [delivery.seq for delivery in self.peers[unit].connected().read_all(dossier=dossier, reason="kontrola")]
        except Refused as refusal:
            check(f"it is unknown: {refusal}", refusal.code == "E_UNKNOWN")
            return None

    def told(self, unit, name):
        """What records of this type say that the unit is given: (seq, S0)."""
        number = self.place.wici.event.EventType.Value(name)
        found = self.peers[unit].ask(lambda client: list(client.read_all(type=number)))
        return [(delivery.seq, getattr(section, f"{name.lower()}_s0")) for delivery in found
                for sections in self.place.wici.sections(delivery).values() for section in sections]

    def document(self, seq, name):
        """Is the document given?"""
        data = DOCUMENTS[name]
        try:
            return self.peers["sw2"].connected().document(seq, hashlib.sha256(data).digest()) == data
        except Refused:
            return False

    def check_kept(self):
        """Nothing was erased."""
        for unit, (records, first, last) in self.place.given.items():
            seqs = sorted((self.seqs(unit, self.place.dossier) or []) + (self.seqs(unit, self.place.second) or []))
            check(f"{unit} is given all of it: {seqs}", (len(seqs), seqs[0], seqs[-1]) == (records, first, last))
        for seq, name in self.place.named.items():
            check(f"the document of {seq} is given", self.document(seq, name))

    def check_gone(self):
        """All was erased, once, and told once."""
        place = self.place
        intended, done = self.told("audyt", "SYS_ERASURE_INTENDED"), self.told("audyt", "SYS_ERASURE_DONE")
        check(f"it is intended once and done once: {intended} {done}", len(intended) == len(done) == 1)
        seq, intent = intended[0]
        check("the one is the other's", (done[0][1].intended_seq, done[0][1].records) == (seq, len(place.goes)))
        check("the intent names what goes", numbers(intent.ranges) == place.goes and intent.recipients == len(place.given))
        told = [notice.unit for _, notice in self.told("audyt", "SYS_ERASURE_NOTIFIED")]
        check(f"each is told once: {told}", sorted(told) == sorted(place.given))
        for unit, (count, first, last) in place.given.items():
            notices = [notice for notice in self.told(unit, "SYS_ERASURE_NOTIFIED") if notice[1].unit == unit]
            check(f"{unit} is told once: {notices}", len(notices) == 1)
            seqs = numbers(notices[0][1].ranges)
            check(f"{unit} is told its numbers: {seqs}", (len(seqs), seqs[0], seqs[-1]) == (count, first, last))
            for dossier in (place.dossier, place.second):
                check(f"nothing of it is given to {unit}", not self.seqs(unit, dossier))
        for seq, name in place.named.items():
            check(f"only the document that stays is given: {seq}", self.document(seq, name) == (seq in place.stays))
        check("the other dossier is read", (self.seqs("sw2", place.other) or [])[:1] == place.stays)
        again = order(place, self.process)
        check(f"ordered again it was done before: {again}", again.before and again.done and again.intended_seq == intended[0][0])

    def check_goes_on(self):
        """One more letter into the other dossier: the cursor whose filter named both gets it."""
        peer, sender = self.peers["sw2"], self.peers["sw"]
        line, = sender.publish({}, self.place.letter(self.place.other, "dalej"))
        peer.ask(lambda client: client.subscribe(1, cursor="filtered", dossiers=[self.place.dossier, self.place.other]))
        given = peer.ask(lambda client: [d.seq for d in client.deliveries_to(1, line.seq)])
        check(f"the cursor goes on: {given}", line.seq in given and not set(given) & set(self.place.goes))

    def wait_done(self):
        """Waits until what was intended is done; False: nothing is intended."""
        until = time.monotonic() + WAIT
        while self.told("audyt", "SYS_ERASURE_INTENDED"):
            if self.told("audyt", "SYS_ERASURE_DONE"):
                return True
            check("the next start finishes it", time.monotonic() < until)
        return False


def numbers(ranges):
    """The numbers of ranges."""
    return [seq for r in ranges for seq in range(r.from_seq, r.to_seq + 1)]


def check_files(place, root):
    """Keys, and the verifier, on the files of a stopped broker."""
    with open(f"{root}/keys/keys", "rb") as keys:
        erased = [entry for entry in erased_entries(keys.read()) if entry not in place.erased_before]
    check(f"two dossiers' and three documents' keys are destroyed: {erased}", len(erased) == 5)
    with open(f"{root}/guard.erased", "rb") as gone:
        gone.seek(32)  # its header
        entered = {struct.unpack(">I", record[:4])[0] for record in iter(lambda: gone.read(LISTED), b"")}
    check(f"they are entered beside the guard: {entered}", set(erased) <= entered)
    vkeys = [word for vkey in place.vkeys for word in ("--vkey", vkey)]
    done = subprocess.run([f"{BIN}/wici-verify", *vkeys, "--key-dir", f"{root}/keys", "--kek", f"{root}/kek", f"{root}/data"],
                          capture_output=True, text=True, check=False)
    check(f"the log holds: {done.stdout}{done.stderr}", done.returncode == 0)


def run(place, root, fault, first=None):
    """One run; did the fault happen, and the calls until it listened and until it was done. first: done before a start."""
    place.copy(root)
    process = Checked(root, fault)
    answered, started = None, 0
    try:
        check(f"it starts: {process.said()}", process.listens())
        started = process.reported()[0]
        try:
            answered = order(place, process)
        except (Gone, Broken):
            check(f"only a fault ends it: {process.said()}", process.reported()[1])
        count, happened = process.reported()[:2]
        code = process.end(signal.SIGTERM)
        check(f"it ends as it should ({code}): {process.said()}",
              code == 0 or (happened and (code == -signal.SIGKILL if "KILL" in fault else code in (1, 2))))
    finally:
        process.kill()
    check("without a fault it is done", happened or answered is not None)
    check(f"what was answered is done: {answered}",  # before: the first answer was lost, and it was asked again
          answered is None or (answered.done and (happened or not answered.before)))
    if first is not None:
        first(root)
    for start in range(2):
        process = Checked(root)
        town = Town(place, process)
        try:
            check(f"a broker without faults starts: {process.said()}", process.listens())
            if not town.wait_done():
                check("what was answered is there", answered is None and start == 0)
                town.check_kept()
                answered = order(place, process)
                check(f"the same order is carried out: {answered}", answered.done and not answered.before)
            town.check_gone()
            if start == 0:
                town.check_goes_on()
            town.close()
            code = process.end(signal.SIGTERM)
            check(f"it ends cleanly: {process.said()}", code == 0)
        finally:
            town.close()
            process.kill()
        check_files(place, root)
    return happened, started, count


class Erased(Place):
    """The same after the erasure, which is done."""

    def __init__(self, place, root):  # pylint: disable=super-init-not-called
        self.__dict__.update(place.__dict__)
        place.copy(root)
        self.root = root
        process = Process(root, [])
        try:
            check(f"it starts: {process.said()}", process.listens())
            check("it is done", order(place, process).done)
            check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
        finally:
            process.kill()


def compact(root, fault=None):
    """wicid compact: its exit code (negative: killed), and whether the fault happened, and its calls."""
    process = Checked(root, fault, ["compact"])
    code = process.end()
    count, happened = process.reported()[:2] if fault else (0, False)
    check(f"it says why it ended ({code}): {process.said()}", code == 0 or happened)
    check(f"it fails with a code and a sentence ({code}): {process.said()}",
          code in (0, -signal.SIGKILL) or (code == 1 and "error: " in process.said()))
    return code, happened, count


def run_compact(place, root, fault):
    """One compaction with a fault; returns as run() does."""
    place.copy(root)
    _, happened, count = compact(root, fault)
    for again in (True, False):
        process = Checked(root)
        town = Town(place, process)
        try:
            check(f"the log is served: {process.said()}", process.listens())
            check("nothing of the attempt is left", not os.path.exists(f"{root}/data/compact"))
            town.check_gone()
            if again:
                town.check_goes_on()
            town.close()
            check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
        finally:
            town.close()
            process.kill()
        check_files(place, root)
        check("the same command succeeds", not again or compact(root)[0] == 0)
    return happened, 0, count


class Campaign:
    """Runs, counted."""

    def __init__(self, place, above, keep):
        self.place, self.above, self.keep = place, above, keep
        os.mkdir(f"{above}/erased")
        self.erased = Erased(place, f"{above}/erased")
        self.lock = threading.Lock()
        self.runs = self.happened = self.refused = 0
        self.failed = []

    def compact_first(self, root):
        """wicid compact on what an erasure left."""
        process = Checked(root, None, ["compact"])
        code = process.end()
        check(f"it refuses only what is not done: {process.said()}", code == 0 or (code == 1 and "is not done" in process.said()))
        with self.lock:
            self.refused += code != 0

    def run(self, work, kind, error, number):
        """One run; did the fault happen, and how many calls were there?"""
        happened, started, count = True, 0, 0
        root = tempfile.mkdtemp(prefix="run-", dir=self.above)
        try:
            fault = f"{kind} {error} {number}"
            if work == "compact":
                happened, started, count = run_compact(self.erased, root, fault)
            else:
                happened, started, count = run(self.place, root, fault, self.compact_first if number % 3 == 0 else None)
            if not self.keep:
                shutil.rmtree(root, ignore_errors=True)
        except Exception as broken:  # pylint: disable=broad-exception-caught
            with self.lock:
                self.failed.append(f"{'compact ' * (work == 'compact')}{kind} {error} {number}: {type(broken).__name__}: {broken} ({root})")
                print(f"FAILED: {self.failed[-1]}", flush=True)
        with self.lock:
            self.runs += 1
            self.happened += happened
        return happened, started, count


def chosen(campaign, runs, dice, every):
    """(work, kind, error, N) to run: the calls, counted in a run without a fault."""
    steps, rest = [], {"erase": [], "compact": []}
    for work, others in rest.items():
        for kind, errors in ERRORS.items():
            happened, started, count = campaign.run(work, kind, "EIO", NEVER)
            check("nothing happened in a run without a fault", not happened)
            print(f"{work}: {kind}: {started} calls until it listens, then {count - started}")
            steps += [(work, kind, "KILL", number) for number in range(started + 1, count + 1) if kind in STEPS]
            others += [(work, kind, error, number) for error in errors for number in range(started + 1, count + 1)
                       if kind not in STEPS or error != "KILL"]
        dice.shuffle(others)
    return steps + [one for others in rest.values() for one in (others if every else others[:runs])]


def main():
    """See the top of the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    above = tempfile.mkdtemp(prefix="wici-erasing-")
    os.mkdir(f"{above}/template")
    campaign = Campaign(Place(f"{above}/template"), above, arguments.keep)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.only:
            *work, kind, error, number = arguments.only.split()
            campaign.run(*(work or ["erase"]), kind, error, int(number))
        else:
            print(f"seed {arguments.seed}")
            for one in chosen(campaign, arguments.runs, random.Random(arguments.seed), arguments.all):
                pool.submit(campaign.run, *one)
    print(f"{campaign.runs} runs, in {campaign.happened} a call failed or killed, {len(campaign.failed)} not as promised; "
          f"{campaign.refused} times an erasure was not done yet")
    if campaign.failed:
        print(f"kept: {above}")
    elif not arguments.keep:
        shutil.rmtree(above, ignore_errors=True)
    return 1 if campaign.failed or campaign.happened == 0 or (campaign.refused == 0 and not arguments.only) else 0


if __name__ == "__main__":
    sys.exit(main())
