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
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from erasing_kit import Checked, Place, Town, check_files, check_finished, order
from faults_kit import Broken, Gone, Process, check

ERRORS = {"sync": ("KILL", "EIO"), "meta": ("KILL", "EIO", "ENOSPC"), "write": ("KILL", "EIO", "ENOSPC", "SHORT"), "name": ("KILL", "EIO"),
          "open": ("KILL", "EIO"), "read": ("EIO",), "malloc": ("ENOMEM",)}
STEPS = ("sync", "name", "meta")  # what ends a step
NEVER = 1_000_000


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
    check_finished(place, root, answered)
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
