"""The N-th call of a kind fails, for N = 1, 2, ...: the broker latches, refuses or goes on, and nothing is lost.

A real wicid runs with libwici_fault.so (fault.c), which lets one call fail: a file's read, write, meta page write,
sync, open, rename; an allocation or mapping; a message, send, socket or thread of ZeroMQ; libzmq's own send. It is
driven through a short workload: start on a log that a killed broker left, publish, publish the same again, subscribe,
acknowledge, rotate a key, read, ask, stop; another in which key entries run out; one with documents (papers.py); one in which
uploads have had their day; an erasure; a backup; and `wicid init`, with --recover too, which also meet kill -9 at every step. Afterwards

  - it never ended by a signal, an assertion or a finding of a sanitizer, and it never hung
  - it ended with 0 after its SIGTERM (it went on), or with an error code and a message (it did not start, it latched);
    after a write or sync of the log or the key store that failed it did not go on
  - when it latched, libzmq was given nothing to send after the fault
  - who lost the connection was served on a new one, if the broker went on
  - a broker without faults starts on what is left; every acknowledged event is there once, at its number, with its
    leaf; an event sent again gets that receipt; numbers have no gap; nothing is there that was not sent; a durable
    cursor is not before the place it had nor beyond what was acknowledged; a rotated key that was acknowledged serves;
    one more publish is taken, and SIGTERM ends it cleanly
  - who went on, and who started on what was left, held the state that a fold of the log gives (wicid_checked)
  - what was acknowledged of a document is there; each record's document is given whole; none is half there
  - an erasure is finished by the next start, or it has not begun (erasing_kit.py)

    faults.py --runs 400 [--seed N]    so many, of all combinations, chosen by the seed
    faults.py --all                    every N of every combination, until a run passes without the fault
    faults.py --only "sync EIO 7"      one again, or some ("sync EIO 6-16"); with --keep their directories are left

The files of an erasure, and memory, are the matter of erasing.py, those of a backup of steps.py; here they meet all else.
"""
import argparse
import collections
import concurrent.futures
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

from erasing_kit import DOCUMENTS, Place, check_finished, order
from faults_kit import (PATIENCE, Books, Gone, Peer, Probe, Process, Template, check, check_log, configure,
                        configure_backups, new_id, verify, wici_client)
from kills_upload import DAY, Old
from papers import PaperBooks, given, papers

ERRORS = {
    "read": ["EIO"], "write": ["EIO", "ENOSPC", "SHORT"], "meta": ["EIO", "ENOSPC", "SHORT"],
    "sync": ["EIO", "ENOSPC"], "open": ["EIO", "EMFILE"], "name": ["EIO", "ENOSPC"], "truncate": ["EIO", "ENOSPC"],
    "malloc": ["ENOMEM"], "mmap": ["ENOMEM"], "message": ["ENOMEM"], "payload": ["EINTR", "EAGAIN"],
    "receive": ["EINTR"],
    "route": ["EAGAIN", "EHOSTUNREACH"], "socket": ["EMFILE"], "send": ["ECONNRESET", "EAGAIN"],
    "thread": ["EAGAIN"]}
LATCHES = {"write", "meta", "sync", "truncate", "payload EAGAIN"}  # of log and key store; of what cannot be unsent
WORKLOADS = ("serve", "grow", "papers", "sweep", "erase", "copy", "init", "recover")
OF_SOME = {"grow": {"write", "sync"},  # what is done with the key store while entries are made
           "sweep": {"read", "write", "meta", "sync", "malloc"},
           "erase": {"truncate", "mmap", "message", "payload", "receive", "route", "socket", "send", "thread"},
           "copy": {"read", "truncate", "malloc", "mmap", "thread"}}
COMBINATIONS = [(workload, kind, error) for workload in WORKLOADS for kind, errors in ERRORS.items() for error in errors
                if kind in OF_SOME.get(workload, ERRORS)] + [(workload, "step", "KILL") for workload in ("init", "recover")]
NEVER = 1 << 40
KEY_ENTRIES = 1024  # made at a time: STORE_KEY_ENTRIES_STEP
CHECKED = os.environ["WICI_CHECKED"]
MESSAGE = 64  # events; the broker's own records take one entry at start, so that the last of a message is without


def serve(template, process, books):
    """The workload. Gone: the broker ended before its end."""
    world = template.world
    sw, sw2, admin = (Peer(template, process, unit) for unit in ("sw", "sw2", "admin"))
    dossier = new_id()
    try:
        sw2.cursor = True
        first, = sw.publish(books.lines, template.letter(dossier, "nowy"))
        sw.publish(books.lines, first.event)
        place = received(sw2, first.seq)
        books.acked = max(books.acked, place)
        sw2.ask(lambda client: client.ack(1, place))
        books.new_keys = wici_client.new_key()
        admin.publish(books.lines, world.event("admin", "SYS_UNIT_KEY_ROTATED", None, {"sys_unit_key_rotated_s0": {
            "unit_id": "sw2", "key": books.new_keys[0], "old_until": "2099-01-01T00:00:00.000Z"}}))
        books.rotated = True
        sw2.close()
        sw2.keys = books.new_keys
        *_, last = sw.publish(books.lines, *(template.letter(template.dossier, f"list {i}" * 100) for i in range(3)))
        received(sw2, last.seq)
        check("a read gives what is there",
              len(sw2.ask(lambda client: list(client.read_all(dossier=dossier)))) == 1)
        sw2.ask(lambda client: client.query(status=template.wici.wire.StatusQuery()))
        sw.publish(books.lines, template.letter(new_id(), "osobny"))
    finally:
        for peer in (sw, sw2, admin):
            peer.close()


def grow(template, process, books):
    """The workload in which key entries run out within a message."""
    sender = Peer(template, process, "sw")
    try:
        for _ in range(KEY_ENTRIES // MESSAGE + 1):
            sender.publish(books.lines, *(template.letter(new_id(), "nowy", "audyt") for _ in range(MESSAGE)))
    finally:
        sender.close()


def erase(place, process, books):
    """The workload in which something is erased, beside what stays."""
    sender, reader = Peer(place, process, "sw"), Peer(place, process, "sw2")
    try:
        books.answered = order(place, process)
        sender.publish(books.lines, place.letter(place.other, "dalej"))
        check("a document that stays is given", given(reader, place.stays[0], DOCUMENTS["stays"]))
    finally:
        for peer in (sender, reader):
            peer.close()


class CopyBooks(Books):
    """What one run did with backups, too."""

    def __init__(self, place):
        super().__init__(place)
        self.state = None  # of the backup, as the administrator was told

    def after(self, sender, reader):
        """Afterwards: what has a backup's name is whole, and the next one is made."""
        root = sender.process.root
        check("what was told to be whole is there", self.state != "DONE" or os.path.exists(f"{root}/backup/two"))
        check("what has the name is whole", not os.path.exists(f"{root}/backup/two") or verify(root, "two") == 0)
        admin = Peer(sender.template, sender.process, "admin")
        try:
            check("the next one is made", backup(admin, "three") == "DONE" and verify(root, "three") == 0)
        finally:
            admin.close()


def copy(place, process, books):
    """The workload with a backup, which is made by a process of its own."""
    admin, sender = Peer(place, process, "admin"), Peer(place, process, "sw")
    try:
        books.state = backup(admin, "two")
        sender.publish(books.lines, place.letter(place.other, "dalej"))
    finally:
        for peer in (admin, sender):
            peer.close()


def backup(admin, label):
    """Has a backup made: how that ended."""
    query = admin.template.wici.wire.BackupQuery

    def begin(client):
        told = client.query(backup=query())
        return told if told.label == label else client.query(backup=query(label=label))

    told = admin.ask(begin)
    while told.state in ("WAITING", "COPYING", "VERIFYING"):
        time.sleep(0.02)
        told = admin.ask(lambda client: client.query(backup=query()))
    return told.state


def received(peer, seq):
    """Waits until everything up to seq was given; the last place."""
    return peer.ask(lambda client: ([d.seq for d in client.deliveries_to(1, seq, PATIENCE)] or [seq])[-1])


def sweep(old, process, books):
    """The workload in which uploads have had their day."""
    sender = Peer(old, process, "sw")
    try:
        sender.publish(books.lines, old.letter(old.other, "dalej"))
        old.wait_swept(process)
        sender.publish(books.lines, old.letter(old.other, "potem"))
    finally:
        sender.close()


class OldBooks(Books):
    """What one run did a day later."""

    def __init__(self, old):
        super().__init__(old)
        self.old = old

    def after(self, sender, reader):
        """Afterwards: what had its day is gone."""
        self.old.wait_swept(sender.process)


def check_afterwards(template, root, books, admin_keys=None, ahead=0):
    """A broker without faults, on what is left."""
    world, wici = template.world, template.wici
    process, peers = Process(root, [], program=CHECKED, ahead=ahead), []
    check(f"a broker without faults starts:\n{process.said()}", process.listens())
    try:
        sender, auditor = (Peer(template, process, unit) for unit in ("sw", "audyt"))
        admin = Peer(template, process, "admin", admin_keys)
        reader = Peer(template, process, "sw2", books.new_keys if books.rotated else world.keys["sw2"])
        peers += [admin, sender, auditor, reader]
        books.before(sender, auditor.ask(lambda client: check_log(wici, books, client.read_all())))
        start = reader.ask(lambda client: client.subscribe(1, cursor="inbox")).from_seq
        check(f"the cursor stands within its bounds, not at {start - 1}", template.cursor < start <= books.acked + 1)
        for unit, author in (("sw", sender), ("admin", admin)):  # known or not: each gets its receipt, and is there once
            events = [line.event for line in books.lines.values() if wici.header(line.event).actor.unit == unit]
            for at in range(0, len(events), MESSAGE):
                author.publish(books.lines, *events[at:at + MESSAGE])
        books.after(sender, reader)
        admin.ask(lambda client: client.query(status=wici.wire.StatusQuery()))
        one_more, = sender.publish(books.lines, template.letter(template.dossier, "jeszcze jeden"))
        letters = [line.seq for line in books.lines.values() if line.seq >= start and
                   "sw2" in [to.unit for to in wici.header(line.event).to]]
        given = reader.ask(lambda client: [d.seq for d in client.deliveries_to(1, one_more.seq)
                                           if wici.header(d).type // 100 != 9])
        check("what lies behind the cursor is given once, in order", given == sorted(letters))
        auditor.ask(lambda client: check_log(wici, books, client.read_all()))
        check(f"SIGTERM ends it cleanly:\n{process.said()}", process.end(signal.SIGTERM) == 0)
    finally:
        for peer in peers:
            peer.close()
        process.kill()


def run_broker(template, root, fault, work, books, ahead=0):
    """One run of the broker, with that work. Returns (reached, outcome, calls)."""
    kind, error, _ = fault.split()
    process = Process(root, [], f"{fault} */keys/keys" if work is grow else fault, CHECKED, ahead)
    try:
        started = process.listens()
        if started:
            try:
                work(template, process, books)
            except Gone:
                pass
        ended = process.ended()
        code = process.end(signal.SIGTERM)
    finally:
        process.kill()
    count, reached, said, where = process.reported()
    outcome = "went on" if code == 0 else "latched" if started else "did not start"
    check(f"it says why it ended ({code}):\n{process.said()}",
          code == 0 or (code in (1, 2) and "error: " in process.said()))
    check("it ends by itself with an error only", not (ended and code == 0))
    check(f"without a fault it goes on:\n{process.said()}", reached or code == 0)
    matters = "/data/log/" in where or "/keys/" in where or f"{kind} {error}" in LATCHES  # not what is made anew
    check(f"after a failed {kind} of {where} it did not go on", code != 0 or not reached or not matters or
          not LATCHES & {kind, f"{kind} {error}"} or error == "SHORT")
    check(f"when it latched nothing was sent after the fault, not {said} messages", outcome != "latched" or said == 0)
    return reached, outcome, count


def run_serve(template, root, fault, work=serve, books_of=Books, ahead=0):
    """A run of the broker, and one on what it left. Returns (reached, outcome, calls)."""
    template.copy(root)
    books = books_of(template)
    found = run_broker(template, root, fault, work, books, ahead)
    check_afterwards(template, root, books, ahead=ahead)
    return found


def run_copy(place, root, fault):
    """The same with a backup."""
    place.copy(root)
    configure_backups(root)
    books = CopyBooks(place)
    reached, outcome, count = run_broker(place, root, fault, copy, books)
    with open(f"{root}/log", encoding="utf-8") as log:
        check(f"without a fault a backup is made: {books.state}\n{log.read()}", reached or books.state == "DONE")
    check_afterwards(place, root, books)
    return reached, f"{outcome}, no backup" if outcome == "went on" and books.state != "DONE" else outcome, count


def run_erase(place, root, fault):
    """The same with an erasure."""
    place.copy(root)
    books = Books(place)
    books.answered = None
    found = run_broker(place, root, fault, erase, books)
    check_finished(place, root, books.answered, starts=1)
    return found


def run_init(template, root, fault):
    """wicid init with a fault; then again without one, until there is a log; then it serves."""
    arguments = ["init", "--origin", "faults.example", "--agency", "ops", "--agency-name", "OPS", "--unit", "admin",
                 "--admin-key", f"{root}/admin.key"]
    configure(root)
    process = Process(root, arguments, fault)
    code = process.end()
    count, reached, _, _ = process.reported()
    outcome = "went on" if code == 0 else "refused"
    check(f"it says why it ended ({code}):\n{process.said()}", code in (0, -signal.SIGKILL) or (code in (1, 2) and process.said()))
    check(f"without a fault it succeeds:\n{process.said()}", reached or code == 0)
    if code != 0:
        again = Process(root, arguments)
        if again.end() != 0:
            check(f"init can be done again:\n{again.said()}",
                  "has records already" in again.said() or not os.path.exists(f"{root}/data/log"))
            if not os.path.exists(f"{root}/data/log"):  # an orphaned key store is the operator's to remove
                outcome = "refused, key store left over"
                os.unlink(f"{root}/keys/keys")
                third = Process(root, arguments)
                check(f"init can be done again without the key store:\n{third.said()}", third.end() == 0)
    check_made(template, root)
    return reached, outcome, count


def run_recover(template, root, fault):
    """wicid init --recover with a fault: the administrator gets in, with the new key or the old one."""
    template.copy(root)
    process = Process(root, ["init", "--recover", "--unit", "admin", "--admin-key", f"{root}/new.key"], fault)
    code = process.end()
    count, reached, _, _ = process.reported()
    check(f"it says why it ended ({code}):\n{process.said()}", code in (0, -signal.SIGKILL) or (code in (1, 2) and process.said()))
    check(f"without a fault it succeeds:\n{process.said()}", reached or code == 0)
    check("it leaves the new key", code != 0 or os.path.exists(f"{root}/new.key"))
    keys = wici_client.read_key(f"{root}/{'new' if code == 0 else 'admin'}.key")
    check_afterwards(template, root, Books(template), keys)
    return reached, "went on" if code == 0 else "refused", count


def check_made(template, root):
    """The log that init made serves its administrator."""
    process = Process(root, [])
    try:
        check(f"a broker starts on it:\n{process.said()}", process.listens())
        server_key = wici_client.read_key(f"{root}/broker.key")[0]
        with Probe(template.wici, process.endpoint, server_key, wici_client.read_key(f"{root}/admin.key")) as client:
            client.hello()
            template.world.command(client, "SYS_AGENCY_ENROLLED", sys_agency_enrolled_s0={
                "agency_id": "sp", "name": "SP", "kinds": ["SCHOOL"]})
        check("SIGTERM ends it cleanly", process.end(signal.SIGTERM) == 0)
    finally:
        process.kill()


class Campaign:
    """Runs, counted and printed."""

    def __init__(self, above, keep):
        self.above, self.keep = above, keep
        for name in ("template", "place", "old"):
            os.mkdir(f"{above}/{name}")
        template, place = Template(f"{above}/template"), Place(f"{above}/place")
        old = Old(place, f"{above}/old")
        self.works = {  # workload: what is run, on a copy of what
            "serve": (run_serve, template), "init": (run_init, template), "recover": (run_recover, template),
            "grow": (lambda *args: run_serve(*args, work=grow), template), "erase": (run_erase, place), "copy": (run_copy, place),
            "papers": (lambda *args: run_serve(*args, work=papers, books_of=PaperBooks), place),
            "sweep": (lambda *args: run_serve(*args, work=sweep, books_of=OldBooks, ahead=DAY), old)}
        self.lock = threading.Lock()
        self.counts = collections.defaultdict(collections.Counter)
        self.calls = {}  # of a workload, of a kind
        self.failed = []
        self.runs = 0

    def run(self, workload, kind, error, number):
        """One run; says whether the fault happened."""
        root = tempfile.mkdtemp(prefix="run-", dir=self.above)
        fault = f"{kind} {error} {number}"
        reached = True
        try:
            one, template = self.works[workload]
            reached, outcome, count = one(template, root, fault)
            with self.lock:
                if reached:
                    self.counts[workload, kind, error][outcome] += 1
                else:  # how many there are when nothing fails
                    self.calls[workload, kind] = count
        except Exception as broken:  # pylint: disable=broad-exception-caught
            where = Process.reported(argparse.Namespace(report=f"{root}/report"))[3] \
                if os.path.exists(f"{root}/report") else "?"
            with self.lock:
                self.failed.append(f"{workload}: {fault} ({where}): {type(broken).__name__}: {broken}")
                print(f"FAILED: {self.failed[-1]}\nagain: faults.py --only \"{fault}\" --workload {workload} --keep", flush=True)
        with self.lock:
            self.runs += 1
        if self.keep:
            print(f"kept: {root}")
        else:
            shutil.rmtree(root, ignore_errors=True)
        return reached

    def every(self, workload, kind, error, stop):
        """N = 1, 2, ... until a run passes without the fault."""
        number = 1
        while not stop() and self.run(workload, kind, error, number):
            number += 1

    def print(self):
        """Each combination, in a line."""
        for (workload, kind, error), outcomes in sorted(self.counts.items()):
            print(f"{workload:7} {kind:8} {error:12} of {self.calls.get((workload, kind), 0):5} calls, failed one by "
                  f"one in {sum(outcomes.values()):5} runs: " +
                  ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))


def chosen(campaign, runs, seed, jobs):
    """(workload, kind, error, N): of each combination a few, the rest by how many calls there are."""
    dice = random.Random(seed)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:  # how many calls there are: a run without a fault
        for (workload, kind), error in {(workload, kind): error for workload, kind, error in COMBINATIONS}.items():
            pool.submit(campaign.run, workload, kind, error, NEVER)
    some, rest = [], []
    for workload, kind, error in COMBINATIONS:
        numbers = list(range(1, campaign.calls.get((workload, kind), 0) + 1))
        dice.shuffle(numbers)
        some += [(workload, kind, error, number) for number in numbers[:2]]
        rest += [(workload, kind, error, number) for number in numbers[2:]]
    dice.shuffle(rest)
    return some + rest[:max(0, runs - len(some))]


def main():
    """See the top of the file."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--workload", choices=WORKLOADS, help="of this only, with --all; with --only serve")
    parser.add_argument("--kinds", help="of these only, with --all")
    arguments = parser.parse_args()
    started = time.monotonic()
    above = tempfile.mkdtemp(prefix="wici-faults-")
    campaign = Campaign(above, arguments.keep)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        if arguments.only:
            kind, error, numbers = arguments.only.split()
            first, _, last = numbers.partition("-")
            for number in range(int(first), int(last or first) + 1):
                pool.submit(campaign.run, arguments.workload or "serve", kind, error, number)
        elif arguments.all:
            for combination in COMBINATIONS:
                if combination[0] == (arguments.workload or combination[0]) and (
                        not arguments.kinds or combination[1] in arguments.kinds.split(",")):
                    pool.submit(campaign.every, *combination, lambda: len(campaign.failed) > 50)
        else:
            print(f"seed {arguments.seed}")
            for combination in chosen(campaign, arguments.runs, arguments.seed, arguments.jobs):
                pool.submit(campaign.run, *combination)
    campaign.print()
    print(f"{campaign.runs} runs, {len(campaign.failed)} failed, in {time.monotonic() - started:.0f} s")
    if not arguments.keep:
        shutil.rmtree(above, ignore_errors=True)
    return 1 if campaign.failed or campaign.runs == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
