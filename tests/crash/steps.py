#!/usr/bin/env python3
"""kill -9 between any two steps of a backup, a restoration, a new epoch, a new key of the log and a change of the key-encryption key.

The N-th call that makes something last or names it (sync, name, write, open) ends the process (libwici_fault.so, KILL), N = 1,
2, ... until a run passes without. Afterwards

    backup     the broker serves on; what has a backup's name verifies; the next backup is whole
    restore    nothing is served; the same command goes on, then a new epoch, then all that the backup holds is served
    epoch      either nothing happened yet, or it is complete, or the start names what to do; the same command ends it; the
               log is of epoch 2, never of a third one
    logkey     the log is served, with the old key or the new one, or the start names the command; it ends it; the new key is announced
               once, and the old one vouches for it
    kek        the log is served, or the start names the command; it ends it; the old key is gone, an old key store does not
               open, everything is read

Beside KILL a backup meets ENOSPC, EIO and half of a write: it fails, and nothing half has its name.

Usage: steps.py [--runs N] [--seed N] [--only "OPERATION KIND ERROR N"] [--all], with WICI_BIN, WICI_SOURCE and WICI_FAULT_LIB set.
"""
import argparse
import concurrent.futures
import json
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

from erasing_kit import DOCUMENTS, HALF, Place as Papers
from faults_kit import DOCUMENT_CHUNK, Books, Peer, Process, check, configure, configure_backups, verify
from papers import given

BIN = os.environ["WICI_BIN"]
KINDS = ("name", "sync", "write", "open")
NEVER = 1_000_000
WAIT = 60
CRASHED = 99
OPERATIONS = {  # what files are meant
    "backup": "*/backup*", "restore": "*", "epoch": "*", "logkey": "*", "kek": "*"}
ERRORS = {"backup": ("KILL", "ENOSPC", "EIO", "SHORT"), "restore": ("KILL", "EIO"), "epoch": ("KILL", "EIO"),
          "logkey": ("KILL", "EIO"), "kek": ("KILL", "EIO")}


def combinations():
    """(operation, kind, error) of all runs."""
    return [(operation, kind, error) for operation, errors in ERRORS.items() for error in errors for kind in KINDS
            if error != "SHORT" or kind == "write"]


def wicid(root, *words, fault=None):
    """Runs wicid to its end: (exit code, what it said)."""
    env = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    env["ASAN_OPTIONS"] = f"exitcode={CRASHED}"
    if fault:
        env |= {"LD_PRELOAD": os.environ["WICI_FAULT_LIB"], "WICI_FAULT": fault, "WICI_FAULT_ROOT": root,
                "WICI_FAULT_REPORT": f"{root}/report"}
        env["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
    done = subprocess.run([f"{BIN}/wicid", *words, "-c", f"{root}/wicid.conf"], env=env, capture_output=True, text=True,
                          check=False, timeout=WAIT)
    check(f"no sanitizer ended it: {done.stderr}", done.returncode != CRASHED)
    return done.returncode, done.stdout + done.stderr


def reached(root):
    """Has the fault happened?"""
    with open(f"{root}/report", "rb") as report:
        return struct.unpack("=QQQ", report.read(24))[1] != 0


def serves(template, root, epoch=None, keys=None):
    """A start, one more event, the end: all that the books hold is read, documents too, and an upload goes on where it was;
    keys: so many has the log announced, each vouched for by the one before."""
    process = Process(root, [])
    reader, sender = Peer(template, process, "sw2"), Peer(template, process, "sw")
    try:
        check(f"it starts: {process.said()}", process.listens())
        books = Books(template)
        sender.publish(books.lines, template.letter(template.dossier, "ostatni"))
        state = sender.ask(lambda client: client.document_put(HALF, begin=True))
        check(f"an upload goes on where it was, not at {state.received}", state.received == DOCUMENT_CHUNK)
        sender.ask(lambda client: client.upload(HALF))
        sender.close()
        read = reader.ask(lambda client: list(client.read_all()))
        seqs = {delivery.seq for delivery in read}
        check("all that was acknowledged is read", {line.seq for line in books.lines.values()} <= seqs)
        for seq, name in template.named.items():
            check(f"the document of {seq} is given whole", given(reader, seq, DOCUMENTS[name]))
        if epoch is not None:
            check("it is of that epoch", reader.client.welcome.head.epoch == epoch)
        if keys is not None:
            told = reader.ask(lambda client: client.query(checkpoint=template.wici.wire.CheckpointQuery())).keys
            check(f"it has that many keys: {told}", len(told) == keys and all(key.endorsed for key in told[1:]))
        reader.close()
        check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
    finally:
        reader.close()  # what a run that failed leaves open would keep the next ones from connecting
        sender.close()
        process.kill()


def ask(root, process, *words):
    """wici backup ... --json: (exit code, answer)."""
    with open(f"{root}/broker.key", encoding="utf-8") as key:
        server_key = re.search(r"public = (\S+)", key.read())[1]
    done = subprocess.run([f"{BIN}/wici", "--endpoint", process.endpoint, "--server-key", server_key, "--key-file",
                           f"{root}/admin.key", "backup", *words, "--json"], capture_output=True, text=True, check=False,
                          timeout=WAIT)
    check(f"wici backup answers: {done.stderr}", done.stdout.startswith("{"))
    return done.returncode, json.loads(done.stdout)


class Place:
    """Directories to run in: a log with units, dossiers and documents, and a backup of it."""

    def __init__(self, above):
        os.mkdir(f"{above}/template")
        self.above, self.template = above, Papers(f"{above}/template")
        self.origin = self.fresh("origin")
        process = Process(self.origin, [])
        try:
            check("it starts", process.listens())
            check("a backup is made", ask(self.origin, process, "one")[1]["state"] == "DONE")
            check("it ends", process.end(signal.SIGTERM) == 0)
        finally:
            process.kill()

    def fresh(self, name=None):
        """The template's log in a directory of its own."""
        root = f"{self.above}/{name}" if name else tempfile.mkdtemp(prefix="run-", dir=self.above)
        os.makedirs(root, exist_ok=True)
        self.template.copy(root)
        configure_backups(root)
        return root

    def lost(self):
        """A machine whose log and key store are lost; it has the keys, the guard and the backup."""
        root = tempfile.mkdtemp(prefix="run-", dir=self.above)
        for name in ("kek", "broker.key", "admin.key", "checkpoint.key", "guard"):
            shutil.copy(f"{self.origin}/{name}", f"{root}/{name}")
        for folder in ("backup", "backup-keys"):
            shutil.copytree(f"{self.origin}/{folder}", f"{root}/{folder}")
        configure(root)
        configure_backups(root)
        return root


def run_backup(place, fault):
    root = place.fresh()
    process = Process(root, [], fault)
    try:
        check(f"it starts: {process.said()}", process.listens())
        code, told = ask(root, process, "two")
        happened = reached(root)
        check(f"it ends one way or the other: {told}", told["state"] in ("DONE", "FAILED"))
        check("the exit code says which", (code == 0) == (told["state"] == "DONE"))
        check(f"without a fault it is made: {told}", happened or told["state"] == "DONE")
        if os.path.exists(f"{root}/backup/two"):
            check("what has the name is whole", verify(root, "two") == 0)
        check("what is told to be whole is there", told["state"] == "FAILED" or os.path.exists(f"{root}/backup/two"))
        label = "three"
        told = ask(root, process, label)[1]
        if told["state"] == "FAILED" and not happened and reached(root):  # the call is one of this one's
            happened, label = True, "four"
            told = ask(root, process, label)[1]
        check(f"the next one is made: {told}", told["state"] == "DONE" and verify(root, label) == 0)
        check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
    finally:
        process.kill()
    serves(place.template, root, 1)
    return root, happened


def restore(root, fault=None):
    """wicid restore of the backup."""
    return wicid(root, "restore", f"{root}/backup/one", "--keys", f"{root}/backup-keys/one", fault=fault)


def run_restore(place, fault):
    root = place.lost()
    code, said = restore(root, fault)
    happened = reached(root)
    check(f"without a fault it succeeds: {said}", happened or code == 0)
    code, said = wicid(root)
    check(f"nothing is served: {said}", code == 1)
    check(f"what to do is named: {said}", "restore" in said or not os.path.exists(f"{root}/data/restored"))
    code, said = restore(root)
    check(f"the same command goes on: {said}", code == 0 or os.path.exists(f"{root}/data/log"))
    code, said = wicid(root, "init", "--new-epoch")
    check(f"a new epoch begins: {said}", code == 0)
    serves(place.template, root, 2)
    return root, happened


def run_epoch(place, fault):
    root = place.lost()
    check("the backup is restored", restore(root)[0] == 0)
    code, said = wicid(root, "init", "--new-epoch", fault=fault)
    happened = reached(root)
    check(f"without a fault it succeeds: {said}", happened or code == 0)
    complete = not os.path.exists(f"{root}/data/restored") and not os.path.exists(f"{root}/checkpoint.key.next")
    if not complete:
        code, said = wicid(root)
        check(f"it is not served: {said}", code == 1)
        check(f"what to do is named: {said}", "wicid init --" in said)
        code, said = wicid(root, "init", "--new-epoch")
        check(f"the same command ends it: {said}", code == 0)
    serves(place.template, root, 2)
    return root, happened


def serves_or_names(root, command):
    """A start: the log is served, or the command that is to be repeated is named."""
    process = Process(root, [])
    try:
        if process.listens():
            check("it ends cleanly", process.end(signal.SIGTERM) == 0)
        else:
            check(f"what to do is named: {process.said()}", command in process.said())
            process.end()
    finally:
        process.kill()


def run_log_key(place, fault):
    root = place.fresh()
    with open(f"{root}/checkpoint.key", encoding="utf-8") as key:
        before = key.read()
    code, said = wicid(root, "init", "--log-key", fault=fault)
    happened = reached(root)
    check(f"without a fault it succeeds: {said}", happened or code == 0)
    serves_or_names(root, "wicid init --log-key")
    with open(f"{root}/checkpoint.key", encoding="utf-8") as key:
        if key.read() == before:
            code, said = wicid(root, "init", "--log-key")
            check(f"the same command ends it: {said}", code == 0)
    serves(place.template, root, 1, keys=2)
    check("nothing is left over", not os.path.exists(f"{root}/checkpoint.key.next"))
    return root, happened


def rotate(root, fault=None):
    """wicid kek rotate."""
    return wicid(root, "kek", "rotate", "--copy", f"{root}/away", "--kek-copy", f"{root}/kek.away", fault=fault)


def run_kek(place, fault):
    root = place.lost()
    for folder in ("data", "keys"):
        shutil.copytree(f"{place.origin}/{folder}", f"{root}/{folder}")
    shutil.copy(f"{root}/kek", f"{root}/before")
    code, said = rotate(root, fault)
    happened = reached(root)
    check(f"without a fault it succeeds: {said}", happened or code == 0)
    serves_or_names(root, "wicid kek rotate")
    left = [name for name in ("kek.next", "kek.old") if os.path.exists(f"{root}/{name}")]
    with open(f"{root}/kek", "rb") as kek, open(f"{root}/before", "rb") as before:
        rotated = kek.read() != before.read()
    if left or not rotated:
        code, said = rotate(root)
        check(f"the same command ends it: {said}", code == 0)
    check("nothing is left over", not [name for name in ("kek.next", "kek.old", "keys/keys.next")
                                       if os.path.exists(f"{root}/{name}")])
    check("the copies open the log of before", verify(root, "one", f"{root}/away", "kek.away") == 0)
    check("the old key store does not open", verify(root, "one") == 3)
    serves(place.template, root, 1)
    return root, happened


RUNS = {"backup": run_backup, "restore": run_restore, "epoch": run_epoch, "logkey": run_log_key, "kek": run_kek}


class Campaign:
    """Runs, counted."""

    def __init__(self, place):
        self.place, self.lock = place, threading.Lock()
        self.runs = self.happened = 0
        self.failed = []

    def run(self, operation, kind, error, number):
        """One run; did the fault happen?"""
        happened = True
        try:
            root, happened = RUNS[operation](self.place, f"{kind} {error} {number} {OPERATIONS[operation]}")
            shutil.rmtree(root, ignore_errors=True)
        except Exception as broken:  # pylint: disable=broad-exception-caught
            with self.lock:
                self.failed.append(f"{operation} {kind} {error} {number}: {type(broken).__name__}: {broken}")
                print(f"FAILED: {self.failed[-1]}", flush=True)
        with self.lock:
            self.runs += 1
            self.happened += happened
        return happened

    def every(self, operation, kind, error):
        """N = 1, 2, ... until it does not happen."""
        number = 1
        while len(self.failed) < 20 and self.run(operation, kind, error, number):
            number += 1


def main():
    """See the top of the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    arguments = parser.parse_args()
    above = tempfile.mkdtemp(prefix="wici-steps-")
    campaign = Campaign(Place(above))
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.only:
            operation, kind, error, number = arguments.only.split()
            campaign.run(operation, kind, error, int(number))
        elif arguments.all:
            for combination in combinations():
                pool.submit(campaign.every, *combination)
        else:
            print(f"seed {arguments.seed}")
            dice = random.Random(arguments.seed)
            some = [(*combination, dice.randint(1, 12)) for combination in combinations()]
            dice.shuffle(some)
            for one in some[:arguments.runs]:
                pool.submit(campaign.run, *one)
    print(f"{campaign.runs} runs, in {campaign.happened} a call failed or killed, {len(campaign.failed)} not as promised")
    if campaign.failed:
        print(f"kept: {above}")
    else:
        shutil.rmtree(above, ignore_errors=True)
    return 1 if campaign.failed or campaign.happened == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
