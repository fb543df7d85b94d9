#!/usr/bin/env python3
"""kill -9 between any two steps of publishing and of uploading documents, and of the start that comes after it.

A real wicid runs with libwici_fault.so (fault.c), which ends it before its N-th step, for N = 1, 2, ...: any open, write, sync,
truncation, new name and removal of a file of its data, keys and guard, and anything it sends to a client. TORN ends it in the
middle of a write. Meanwhile units work and keep books (kills_publish.py, kills_upload.py); what arrived before the death counts. Then,
on what is left, with a broker without faults:

  - wici-verify passes the files as they are, and again at the end
  - every acknowledged event is there, once, at its number, with its leaf; of what one session sent a beginning is in the log, whole,
    byte for byte, in order; what was not answered, sent again, gets one number and keeps the order; what was refused is not there
  - a durable cursor is not before what was acknowledged for certain, nor beyond what was acknowledged; each follower is given all
    that is for it, once but for what lies behind its cursor, the same both times, and nothing else
  - whoever was given an event or a document of others is on record, an auditor with the reason; a checkpoint that was told stays true
  - what was acknowledged of an upload is there, its next piece is taken, and it goes on to its end; a document became of the dossier
    with its event or neither did; what waits counts against the agency to the byte; what was given up or had its day is gone, keys too
  - the state in use is the log's fold, and no chunk of a document is left over (wicid_checked)

After some kills the next start is killed as well: before one of its steps, or (chain) before each of them in turn, one start after
the other.

    kills.py --runs 40 [--seed N]           so many, chosen by the seed
    kills.py --all                          every N of every workload; second kills at each step after some of them (--second every: only these)
    kills.py --only "publish step KILL 7"   one again (or some: 7-20); with --second 12, or --second chain
"""
import argparse
import collections
import concurrent.futures
import copy
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

import kills_publish
import kills_upload
from erasing_kit import Checked, Place
from faults_kit import check
from kills_kit import KillBooks, work_until_killed

NEVER = 1 << 40
PASSES = 3  # runs without the fault, one after the other: how many calls there are varies a little
EVERY, CHAIN = "every", "chain"
SECONDS = 12  # first kills that are followed by second ones at every step, with --all


class Work:
    """A workload: what is done on a copy of what, and what has to hold then."""

    def __init__(self, place, work, afterwards, books, ahead=0):
        self.place, self.work, self.afterwards, self.books, self.ahead = place, work, afterwards, books, ahead

    def begin(self, root, fault):
        """The first life of the broker: (was it killed, calls until it listened, calls, where, its books)."""
        self.place.copy(root)
        books = self.books(self.place)
        process = Checked(root, fault, ahead=self.ahead)
        try:
            listens = process.listens()
            started = process.reported()[0]
            if listens and work_until_killed(process, books, self.work):
                code = process.end()
                check(f"it ends cleanly ({code}): {process.said()}", code in (0, -signal.SIGKILL))
            count, reached, _, where = process.reported()
            check(f"it starts: {process.said()}", listens or reached)
        finally:
            process.kill()
        return reached, started, count, where, books

    def again(self, root, number):
        """A start that is killed before its step of that number; False: it came to listen."""
        process = Checked(root, f"step KILL {number}", ahead=self.ahead)
        listens = process.listens()
        process.kill()
        return not listens

    def end(self, root, books):
        """What has to hold."""
        self.afterwards(root, books, self.ahead)


def works(above):
    """All workloads, on logs that brokers were killed on."""
    for name in ("place", "old"):
        os.mkdir(f"{above}/{name}")
    place = Place(f"{above}/place")
    old = kills_upload.Old(place, f"{above}/old")
    return {"publish": Work(place, kills_publish.publish, kills_publish.afterwards, KillBooks),
            "keys": Work(place, kills_publish.grow, kills_publish.afterwards, KillBooks),
            "upload": Work(place, kills_upload.upload, kills_upload.afterwards, kills_upload.Books),
            "sweep": Work(old, kills_upload.sweep, kills_upload.afterwards, kills_upload.OldBooks, kills_upload.DAY)}


FAULTS = {  # what is killed: kind, error, files; and how many of CI's runs
    ("publish", "step KILL", ""): 18, ("publish", "write TORN", ""): 2, ("publish", "meta TORN", ""): 2,
    ("upload", "step KILL", ""): 14, ("upload", "write TORN", ""): 2, ("upload", "meta TORN", ""): 1,
    ("keys", "step KILL", "*/keys/*"): 2, ("sweep", "step KILL", ""): 5}


class Campaign:
    """Runs, counted."""

    def __init__(self, above, keep):
        self.above, self.keep = above, keep
        self.works = works(above)
        self.lock = threading.Lock()
        self.runs = self.seconds = 0
        self.killed = collections.Counter()
        self.calls = {}  # of a fault: until it listens, and in all
        self.failed = []

    def directory(self):
        """For one run."""
        return tempfile.mkdtemp(prefix="run-", dir=self.above)

    def run(self, workload, kind, pattern, number, second=None):
        """One run; was it killed? second: EVERY, each on a copy; CHAIN; or a number."""
        root, where, reached = self.directory(), "", True
        try:
            work = self.works[workload]
            reached, started, count, where, books = work.begin(root, f"{kind} {number} {pattern}".strip())
            with self.lock:
                self.killed[workload, kind] += reached
                if not reached:
                    self.calls[workload, kind] = (started, count)
            if second == EVERY:
                self.every_second(work, root, books)
            elif second is not None:
                self.second(work, root, second)
            work.end(root, books)
        except Exception as broken:  # pylint: disable=broad-exception-caught
            with self.lock:
                self.failed.append(f"{workload} {kind} {number} ({where}; {root}): {type(broken).__name__}: {broken}")
                print(f"FAILED: {self.failed[-1]}\nagain: kills.py --keep --only \"{workload} {kind} {number}\"" +
                      (f" --second {second}" if second else ""), flush=True)
        else:
            if not self.keep:
                shutil.rmtree(root, ignore_errors=True)
        with self.lock:
            self.runs += 1
        return reached

    def second(self, work, root, second):
        """Starts that are killed on what the first kill left."""
        number = 1 if second == CHAIN else int(second)
        while work.again(root, number) and second == CHAIN:
            self.count_second()
            number += 1
        self.count_second()

    def every_second(self, work, root, books):
        """Each step of the start, on copies of what the first kill left."""
        number, going = 1, True
        while going:
            other = self.directory()
            shutil.copytree(root, other, dirs_exist_ok=True)
            self.relocate(root, other)
            going = work.again(other, number)
            try:
                work.end(other, copy.deepcopy(books, {id(books.place): books.place}))
            except Exception as broken:
                raise type(broken)(f"second kill {number} ({other}): {broken}") from broken
            shutil.rmtree(other, ignore_errors=True)
            self.count_second()
            number += 1

    @staticmethod
    def relocate(root, other):
        """The configuration names its directory."""
        with open(f"{root}/wicid.conf", encoding="utf-8") as conf:
            text = conf.read()
        with open(f"{other}/wicid.conf", "w", encoding="utf-8") as conf:
            conf.write(text.replace(root, other))

    def count_second(self):
        """One start more."""
        with self.lock:
            self.seconds += 1

    def every(self, pool, workload, kind, pattern):
        """N = 1, 2, ... until nothing is killed any more."""
        number = passes = 0
        while passes < PASSES and len(self.failed) < 20:
            some = list(pool.map(lambda n: self.run(workload, kind, pattern, n), range(number + 1, number + 5)))
            number += 4
            passes = 0 if any(some) else passes + 1

    def every_some(self, pool, workload, kind, pattern):
        """After some kills, second ones at every step."""
        if (workload, kind) not in self.calls:
            self.run(workload, kind, pattern, NEVER)
        count = self.calls.get((workload, kind), (0, 0))[1]
        for number in range(1, count + 1, max(1, count // SECONDS)):
            for second in (EVERY, CHAIN):
                pool.submit(self.run, workload, kind, pattern, number, second)

    def print(self):
        """What was done."""
        for (workload, kind), killed in sorted(self.killed.items()):
            started, count = self.calls.get((workload, kind), (0, 0))
            print(f"{workload:7} {kind}: {count:4} calls, {started:3} of them until it listens; killed {killed} times")


def chosen(campaign, pool, runs, dice):
    """The arguments of so many runs, drawn."""
    list(pool.map(lambda fault: campaign.run(*fault, NEVER), FAULTS))
    some = []
    for (workload, kind, pattern), share in FAULTS.items():
        count = campaign.calls.get((workload, kind), (0, 0))[1]
        if count == 0:
            continue  # it failed
        numbers = dice.sample(range(1, count + 1), min(count, -(-share * runs // sum(FAULTS.values()))))
        some += [(workload, kind, pattern, number) for number in numbers]
    dice.shuffle(some)
    seconds = [CHAIN] + [dice.randint(1, 50) for _ in range(len(some) // 8)]
    firsts = [one for one in some if one[0] in ("publish", "upload")]
    return some + [(*one, second) for one, second in zip(firsts, seconds)]


def main():
    """See the top of the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=46)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--second")
    parser.add_argument("--workload", help="with --all: of this only")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    began = time.monotonic()
    above = tempfile.mkdtemp(prefix="wici-kills-")
    campaign = Campaign(above, arguments.keep)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.only:
            workload, kind, error, numbers = arguments.only.split()
            first, _, last = numbers.partition("-")
            pattern = next(pattern for one, what, pattern in FAULTS if one == workload and (what == f"{kind} {error}" or not pattern))
            for number in range(int(first), int(last or first) + 1):
                pool.submit(campaign.run, workload, f"{kind} {error}", pattern, number, arguments.second)
        elif arguments.all:
            for fault in FAULTS:
                if fault[0] != (arguments.workload or fault[0]):
                    continue
                if not arguments.second:
                    campaign.every(pool, *fault)
                if fault[1] == "step KILL":
                    campaign.every_some(pool, *fault)
        else:
            print(f"seed {arguments.seed}")
            for one in chosen(campaign, pool, arguments.runs, random.Random(arguments.seed)):
                pool.submit(campaign.run, *one)
    campaign.print()
    print(f"{campaign.runs} runs, {campaign.seconds} starts after them were killed too, {len(campaign.failed)} not as promised, "
          f"in {time.monotonic() - began:.0f} s")
    if campaign.failed or arguments.keep:
        print(f"kept: {above}")
    else:
        shutil.rmtree(above, ignore_errors=True)
    return 1 if campaign.failed or not sum(campaign.killed.values()) + (arguments.only is not None) else 0


if __name__ == "__main__":
    sys.exit(main())
