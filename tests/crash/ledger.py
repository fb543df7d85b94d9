"""The ledger: what the broker acknowledged is in the log, once, whatever kills it.

Publishers send events with several messages outstanding, subscribers follow with durable cursors, and the broker is
killed (SIGKILL) again and again: at any time, at the moment an answer arrives, and while it starts. Everyone keeps
books of his own. At the end the auditor reads the whole log, and the books have to agree with it:

  - numbers have no gap, every part fits its digest, the head is the leaf of the last record
  - every acknowledged event is in the log once, at the number and with the leaf that the receipt said; none that was
    refused is
  - each session's events are in the order in which it sent them, over all its connections
  - every event in the log was sent by one of the publishers, or is the broker's own or the administrator's
  - each subscriber was given all that is for it and nothing else, in order within a connection; what it was given again
    lay above its durable cursor, and no cursor ever went forward by itself

--seed repeats the choices of a run: the events, the kills, the breaks of connections (not the scheduling of threads).
"""
import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

SOURCE = os.environ.get("WICI_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
from wici_client import Damaged, Disconnected, KeyRefused, Refused, Timeout  # pylint: disable=wrong-import-position
from world import World, letter, new_id  # pylint: disable=wrong-import-position

AGENCIES = {"nadzor": ("Wydział Nadzoru", ["AUDIT"]), **{f"ops-{i}": (f"Ośrodek {i}", ["OPS"]) for i in range(5)}}
UNITS = {**{f"sw-{i}": (f"ops-{i}", ["SW"]) for i in range(5)}, "audyt": ("nadzor", ["AUD"])}
PUBLISHERS = [("sw-0", "main"), ("sw-0", "second"), ("sw-1", "main"), ("sw-1", "second"), ("sw-2", "main"),
              ("sw-3", "main")]
SUBSCRIBERS = [("sw-3", "all", ()), ("sw-4", "all", ()), ("sw-4", "info", ("info",)), ("sw-1", "own", ("info",)),
               ("audyt", "whole", ())]
TO_EVERY_UNIT = {901, 902, 903, 904, 905, 906, 907, 910, 928, 929}  # the registry, the policy and the log's keys
WINDOW = 6  # messages outstanding
PAUSE = 0.05  # seconds between two messages, at most: the log has to stay readable in a moment
WAIT = 60  # seconds for an answer, a start, the end


class Fault(Exception):
    """A promise was broken."""


def check(promise, holds):
    """Raises Fault unless the promise holds."""
    if not holds:
        raise Fault(promise)


class Actor(threading.Thread):
    """A thread with one session, which it opens again whenever it breaks."""

    def __init__(self, ledger, unit, session_name, seed):
        super().__init__(name=f"{unit}/{session_name}", daemon=True)
        self.ledger, self.unit, self.session_name = ledger, unit, session_name
        self.random = random.Random(f"{seed}/{self.name}")
        self.failure = None
        self.connections = 0

    def run(self):
        try:
            while not self.finished():
                try:
                    self.connect()
                except Disconnected:
                    time.sleep(0.02)  # the broker is down
        except Exception as failure:  # pylint: disable=broad-exception-caught
            self.failure = failure
            self.ledger.stopping.set()

    def connect(self):
        """One connection, from Hello until it breaks."""
        world = self.ledger.world
        with world.client(self.unit, self.session_name) as client:
            try:
                client.hello(timeout=2)
            except Timeout:
                raise Disconnected from None  # killed between accept and handshake
            self.connections += 1
            check("the log holds what clients have seen", client.diverged is None)
            self.work(client)


class Sent:
    """A line in a publisher's book."""

    def __init__(self, wici, event, good):
        self.event, self.good = event, good
        self.event_id = wici.header(event).event_id
        self.seq = self.leaf = None  # from the receipt
        self.refused = False

    def answered(self):
        """Has the broker decided on it?"""
        return self.seq is not None or self.refused

    def take(self, wici, receipt):
        """Enters a receipt; says whether there was one before."""
        leaf = wici.check_receipt(self.event, receipt)
        if self.seq is not None:
            check("an event that is sent again gets the receipt it had",
                  receipt.repeated and (self.seq, self.leaf) == (receipt.seq, leaf))
            return True
        self.seq, self.leaf = receipt.seq, leaf
        return False


class Publisher(Actor):
    """Sends events until told to stop, then until all are answered."""

    def __init__(self, ledger, unit, session_name, seed):
        super().__init__(ledger, unit, session_name, seed)
        self.book = []  # Sent, in the order of sending
        self.open = 0  # where the oldest without an answer stands
        self.dossiers = []
        self.repeats = 0

    def finished(self):
        return self.ledger.failed() or (self.ledger.stopping.is_set() and self.open == len(self.book))

    def next_event(self):
        """A new line of the book: mostly a letter in a dossier of its own, now and then one that has to be refused."""
        world, dice = self.ledger.world, self.random.random()
        to = [self.random.choice(["sw-3", "sw-4"])]
        if not self.dossiers or dice < 0.1:
            self.dossiers.append((new_id(), to))
        dossier, to = self.random.choice(self.dossiers)
        if dice > 0.97:
            text, good = "", False
        elif dice > 0.94:
            text, good, to = "treść", False, ["nobody"]
        else:
            text, good = "treść " * self.random.randint(1, 100), True
        event = world.event(self.unit, "INFO_PROVIDED", dossier, *letter(text), to=to)
        self.book.append(Sent(world.wici, event, good))

    def work(self, client):
        outstanding = collections.deque()  # (number, lines of the book)
        sending = self.open  # from the oldest unanswered, in the old order
        reconnect_after = self.random.randint(20, 400)
        while not self.ledger.failed():
            while len(outstanding) < WINDOW:
                count = self.random.randint(1, 8)
                if not self.ledger.stopping.is_set():
                    while len(self.book) < sending + count:
                        self.next_event()
                lines = self.book[sending:sending + count]
                if not lines:
                    break
                if self.random.random() < 0.05 and self.open > 0:  # something old once more
                    lines = [self.random.choice(self.book[:self.open]), *lines]
                    sending -= 1
                sending += len(lines)
                time.sleep(self.random.uniform(0, PAUSE))
                outstanding.append((client.publish_later(*(line.event for line in lines)), lines))
            if not outstanding:
                return
            number, lines = outstanding.popleft()
            try:
                answers = client.wait("answers", WAIT, number=number).answers
                self.ledger.answer_arrived()
            except Refused as refused:
                if refused.code not in ("E_BUSY", "E_FULL"):
                    raise
                time.sleep(refused.message.retry_ms / 1000)
                return  # a new connection sends again from the oldest unanswered
            check("one answer for each event", len(answers) == len(lines))
            for line, answer in zip(lines, answers):
                self.enter(line, answer)
            while self.open < len(self.book) and self.book[self.open].answered():
                self.open += 1
            reconnect_after -= 1
            if reconnect_after == 0:
                return  # leaves answers behind, as a client that dies would

    def enter(self, line, answer):
        """Puts an answer into the book."""
        wici = self.ledger.world.wici
        check("answers are to the events of the message", answer.event_id == line.event_id)
        if answer.WhichOneof("outcome") == "refusal":
            check(f"{self.name}: what is good is taken: {answer.refusal}", not line.good)
            line.refused = True
        else:
            check(f"{self.name}: what is bad is refused", line.good)
            self.repeats += line.take(wici, answer.receipt)


class Subscriber(Actor):
    """Follows the log under a durable cursor until it has reached the end."""

    def __init__(self, ledger, unit, cursor, families, seed):
        super().__init__(ledger, unit, f"sub-{cursor}", seed)
        self.cursor, self.families = cursor, families
        self.done = {}  # seq -> leaf hash, of everything that was delivered
        self.last = 0  # the highest seq that was acknowledged
        self.durable = 0  # acknowledged before something that was then committed
        self.again = 0
        self.reached = 0

    def finished(self):
        end = self.ledger.end
        return self.ledger.failed() or (end is not None and self.reached >= end)

    def work(self, client):
        wici = self.ledger.world.wici
        start = client.subscribe(1, cursor=self.cursor, families=self.families).from_seq
        check(f"{self.name}: a cursor never goes forward by itself", start <= self.last + 1)
        check(f"{self.name}: a durable cursor never goes back", start > self.durable)
        before, breaks = start - 1, self.random.randint(50, 2000)
        acked = start - 1
        while not self.finished():
            try:
                delivery = client.next_delivery(1, timeout=0.2)
            except Timeout:
                delivery = None
            if delivery is not None:
                check(f"{self.name}: in order, no repeat within a subscription", delivery.seq > before)
                before = delivery.seq
                leaf = wici.check_delivery(delivery)
                self.again += delivery.seq in self.done
                check(f"{self.name}: the same record the second time", self.done.setdefault(delivery.seq, leaf) == leaf)
                breaks -= 1
            position = client.positions.get(1, 0)
            if not client.batches[1] and position > before:
                before = position
            self.reached = max(self.reached, before if not client.batches[1] else 0)
            if before > acked and (delivery is None or self.random.random() < 0.1):
                acked = before
                self.last = max(self.last, acked)
                client.ack(1, acked)
                if self.random.random() < 0.1:
                    self.anchor(client, acked)
            if breaks == 0:
                return

    def anchor(self, client, acked):
        """An Ack rides in the next commit: when an event sent after it has a receipt, the cursor is on disk."""
        if self.unit == "audyt":
            return
        world = self.ledger.world
        event = world.event(self.unit, "INFO_PROVIDED", new_id(), *letter("kotwica"), to=["sw-3"])
        line = Sent(world.wici, event, True)
        self.ledger.anchors.append(line)
        answer = client.publish(event)[0]
        check(f"an anchor is taken: {answer}", answer.WhichOneof("outcome") == "receipt")
        line.take(world.wici, answer.receipt)
        self.durable = max(self.durable, acked)


class Ledger:
    """The run."""

    def __init__(self, root, seed, cycles):
        self.random = random.Random(f"{seed}/kills")
        self.cycles = cycles
        self.world = World(root, AGENCIES, UNITS)
        self.stopping = threading.Event()
        self.end = None
        self.anchors = []
        self.kills = self.kills_at_start = self.kills_at_answer = 0
        self.lock = threading.Lock()
        self.due = False  # a kill waits for the next answer; under the lock
        self.killed = threading.Event()
        self.publishers = [Publisher(self, unit, name, seed) for unit, name in PUBLISHERS]
        self.subscribers = [Subscriber(self, unit, cursor, families, seed) for unit, cursor, families in SUBSCRIBERS]

    def failed(self):
        """Has one of the threads found a fault?"""
        return any(actor.failure for actor in self.publishers + self.subscribers)

    def run(self):
        """Kills, then lets everybody finish, then compares."""
        broker = self.world.broker
        for actor in self.publishers + self.subscribers:
            actor.start()
        for _ in range(self.cycles):
            time.sleep(self.random.uniform(0.05, 1.2))
            self.check_alive()
            if self.random.random() < 0.6:
                self.kills_at_answer += self.kill_at_answer()
            broker.kill()
            self.kills += 1
            while self.random.random() < 0.2:
                self.kill_while_starting()
            broker.start()
            if self.failed():
                break
        self.stopping.set()
        self.join(self.publishers)
        with self.world.session("audyt", "end") as auditor:
            self.end = auditor.welcome.head.seq
        self.join(self.subscribers)
        self.compare()

    def answer_arrived(self):
        """Called by a publisher in the moment that answers came: what is not on disk now is lost if the kill is due."""
        with self.lock:
            if self.due:
                self.due = False
                self.world.broker.process.send_signal(signal.SIGKILL)
                self.killed.set()

    def kill_at_answer(self):
        """Lets a publisher kill the broker; says whether one did before long."""
        self.killed.clear()
        with self.lock:
            self.due = True
        self.killed.wait(2)
        with self.lock:
            self.due = False
        return self.killed.is_set()

    def check_alive(self):
        """Only we end the broker."""
        code = self.world.broker.process.poll()
        check(f"the broker does not end by itself: exit code {code}", code is None)

    def kill_while_starting(self):
        """A broker that is killed before, or just after, it could listen."""
        process = subprocess.Popen([f"{self.world.broker.bin}/wicid", "-c", self.world.broker.config],
                                   stdout=subprocess.DEVNULL, stderr=self.world.broker.log)
        time.sleep(self.random.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.kills_at_start += 1

    def join(self, actors):
        """Waits for threads; a fault in any of them ends the run."""
        until = time.monotonic() + WAIT
        for actor in actors:
            while actor.is_alive() and time.monotonic() < until and not self.failed():
                actor.join(0.2)
                self.check_alive()
        for actor in self.publishers + self.subscribers:
            if actor.failure:
                raise actor.failure
        for actor in actors:
            check(f"{actor.name} comes to an end", not actor.is_alive())

    def compare(self):
        """The books against the log."""
        world, wici = self.world, self.world.wici
        with world.session("audyt", "compare") as auditor:
            head = auditor.welcome.head
            records = list(auditor.read_all(to_seq=head.seq))
        check("numbers have no gap", [record.seq for record in records] == list(range(1, head.seq + 1)))
        leaves = {record.seq: wici.check_delivery(record) for record in records}
        check("the head is the leaf of the last record", leaves[head.seq] == head.leaf_hash)
        headers = {record.seq: wici.header(record) for record in records}
        at = collections.defaultdict(list)
        for seq, header in headers.items():
            at[header.event_id].append(seq)

        known = set()
        for book in [publisher.book for publisher in self.publishers] + [self.anchors]:
            seqs = []
            for line in book:
                known.add(line.event_id)
                if line.seq is not None:
                    check("an acknowledged event is in the log once, where its receipt says",
                          at[line.event_id] == [line.seq])
                    check("its leaf is the receipt's", leaves[line.seq] == line.leaf)
                    seqs.append(line.seq)
                elif line.refused:
                    check("a refused event is not in the log", line.event_id not in at)
                else:
                    check("an event without an answer is in the log once or not at all",
                          len(at.get(line.event_id, ())) <= 1)
            if book is not self.anchors:
                check("every event was answered", all(line.answered() for line in book))
                check("a session's events keep their order", seqs == sorted(seqs))
        strangers = [header for header in headers.values() if header.event_id not in known and header.type < 900]
        check("nothing is in the log that nobody sent", not strangers)
        refusals = {record.seq: section.sys_event_rejected_s0.agency for record in records
                    for section in wici.sections(record)[9110]}
        for subscriber in self.subscribers:
            self.compare_subscriber(subscriber, headers, refusals, leaves)

    def compare_subscriber(self, subscriber, headers, refusals, leaves):
        """A subscriber has to have been given what is for it, and nothing else."""
        agency = UNITS[subscriber.unit][0]

        def is_for(seq, header):
            if subscriber.families and header.type >= 900:
                return False
            return (subscriber.unit == "audyt" or header.type in TO_EVERY_UNIT or refusals.get(seq) == agency
                    or header.actor.unit == subscriber.unit
                    or subscriber.unit in [address.unit for address in header.to])
        expected = {seq for seq, header in headers.items() if seq <= self.end and is_for(seq, header)}
        given = {seq for seq in subscriber.done if seq <= self.end}
        check(f"{subscriber.name} was given all that is for it: {sorted(expected - given)[:10]}", expected <= given)
        check(f"{subscriber.name} was given nothing else: {sorted(given - expected)[:10]}", given <= expected)
        check(f"{subscriber.name} was given what is in the log",
              all(leaves[seq] == leaf for seq, leaf in subscriber.done.items() if seq in leaves))

    def summary(self):
        """What the run has seen, for the reader."""
        lines = [line for publisher in self.publishers for line in publisher.book]
        seen = {
            "kills at work": self.kills, "of them at an answer": self.kills_at_answer,
            "kills at start": self.kills_at_start,
            "publishers' connections": sum(p.connections for p in self.publishers),
            "subscribers' connections": sum(s.connections for s in self.subscribers),
            "events taken": sum(line.seq is not None for line in lines),
            "refused": sum(line.refused for line in lines),
            "sent again after their receipt": sum(p.repeats for p in self.publishers),
            "anchors": len(self.anchors), "head": self.end,
            "deliveries": sum(len(s.done) for s in self.subscribers),
            "given again": sum(s.again for s in self.subscribers),
        }
        return ", ".join(f"{count} {what}" for what, count in seen.items())


def main():
    """Runs the ledger once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cycles", type=int, default=40, help="how often the broker is killed")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats the choices of a run")
    parser.add_argument("--keep", action="store_true", help="keep the directory")
    options = parser.parse_args()
    root = tempfile.mkdtemp(prefix="wici-ledger-")
    print(f"seed {options.seed}, {options.cycles} cycles", flush=True)
    ledger = Ledger(root, options.seed, options.cycles)
    try:
        ledger.run()
        ledger.world.stop()
    except (Fault, Damaged, KeyRefused, Refused, Timeout) as fault:
        print(f"FAULT {type(fault).__name__} {fault}\n{ledger.summary()}\n"
              f"see {root}; again with --cycles {options.cycles} --seed {options.seed}")
        return 1
    finally:
        if ledger.world.broker.process.poll() is None:
            ledger.world.broker.kill()
    print("the books agree:", ledger.summary())
    if not options.keep:
        shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
