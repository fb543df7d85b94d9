"""What kills.py runs: units that keep books while a broker is killed, and what has to hold of them afterwards.

An Author publishes in one session, with messages outstanding, and sends what has no answer again on a new connection. A
Follower takes a subscription with a durable cursor. What arrived before the broker died counts: drain() takes it.
"""
import base64
import collections
import time

from erasing_kit import Checked, check_verifies
from faults_kit import Books, Broken, Disconnected, Gone, Line, Refused, Timeout, check, check_log, letter, wici_client

TO_EVERY_UNIT = {901, 902, 903, 904, 905, 906, 907, 910, 928, 929}  # the registry, the policy and the log's keys
MESSAGE = 64  # events
WAIT = 20
REASON = "kontrola"
SERVED = 900  # the types from here on are no family's


class Connection(wici_client.Client):
    """A connection that keeps what arrived before it broke."""

    RECONNECT_MS = 3600000  # never: when ZeroMQ is told -1 it drops what was not taken yet


class Member:
    """One unit's session."""

    def __init__(self, books, process, unit, session="main"):
        self.books, self.process, self.unit, self.session = books, process, unit, session
        self.place, self.wici = books.place, books.place.wici
        self.client = None
        books.members.append(self)  # closed with the others, whatever comes
        self.connect()

    def connect(self):
        """A new connection."""
        world = self.place.world
        self.close()
        self.client = Connection(self.wici, self.process.endpoint, world.broker.server_key, world.keys[self.unit], self.session)
        self.client.hello(timeout=WAIT)

    def close(self):
        """Ends the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None

    def drain(self):
        """The broker is dead: takes what it had sent."""
        try:
            while self.client is not None and self.client.receive(1) is not None:
                pass
        except Disconnected:
            pass

    def ask(self, **what):
        """What a question is answered, once the broker is not busy."""
        until = time.monotonic() + WAIT
        while True:
            try:
                return self.client.query(**what)
            except Refused as refused:
                if refused.code != "E_BUSY" or time.monotonic() > until:
                    raise
                self.client.receive(0.02)


class Author(Member):
    """Publishes; lines: everything that the unit sent in this session, in order."""

    def __init__(self, books, process, unit, session="main"):
        self.lines = books.authors.setdefault((unit, session), [])
        self.outstanding = collections.deque()
        super().__init__(books, process, unit, session)

    def send(self, *events):
        """One message with new events; does not wait."""
        lines = [self.books.line(event) for event in events]
        self.lines += lines
        self.send_lines(lines)
        return lines

    def send_lines(self, lines):
        """One message, perhaps once more; nothing for no lines."""
        if not lines:
            return
        self.outstanding.append((self.client.publish_later(*(line.event for line in lines)), lines))

    def collect(self):
        """Waits for all answers."""
        while self.outstanding:
            number, lines = self.outstanding[0]
            self.enter(lines, self.client.wait("answers", WAIT, number=number))
            self.outstanding.popleft()

    def enter(self, lines, message):
        """The answers to one message."""
        check("there is one answer for each event", [answer.event_id for answer in message.answers] == [line.id for line in lines])
        for line, answer in zip(lines, message.answers):
            if line.bad:
                check("what is bad is refused", answer.WhichOneof("outcome") == "refusal")
                line.refused = True
            else:
                check(f"what is good is taken: {answer.refusal.code}", answer.WhichOneof("outcome") == "receipt")
                line.take(self.wici, answer.receipt)

    def publish(self, *events):
        """Sends and waits; the lines."""
        lines = self.send(*events)
        self.collect()
        return lines

    def reconnect(self):
        """Leaves answers behind, as a client that dies would, and sends everything from there on again, in order."""
        self.outstanding.clear()
        self.connect()
        self.again()

    def again(self):
        """Sends from the oldest line without an answer on."""
        first = next((i for i, line in enumerate(self.lines) if not line.answered()), len(self.lines))
        for at in range(first, len(self.lines), MESSAGE):
            self.send_lines(self.lines[at:at + MESSAGE])
        self.collect()

    def drain(self):
        super().drain()
        for message in self.client.inbox if self.client is not None else ():
            if message.WhichOneof("message") == "answers":
                for number, lines in self.outstanding:
                    if number == message.answers.number:
                        self.enter(lines, message.answers)


class KnownLine(Line):
    """A line that may be refused."""

    def __init__(self, wici, event, bad):
        super().__init__(wici, event)
        self.bad, self.refused = bad, False

    def answered(self):
        """Has it a receipt or a refusal?"""
        return self.seq is not None or self.refused


class Given:
    """What a unit's durable cursor brought it."""

    def __init__(self, cursor, first):
        self.cursor = cursor
        self.first = first  # begins here
        self.done = {}  # seq -> leaf, of all that was given
        self.acked = first - 1  # the last Ack that was sent
        self.durable = first - 1  # ... before an event of the same session that has its receipt
        self.again = 0


class Follower(Author):
    """Takes a subscription, and publishes in the same session."""

    def __init__(self, books, process, unit):
        self.given = books.given[unit]
        self.at = 0  # how far this subscription has come
        super().__init__(books, process, unit, "follows")
        self.subscribe()

    def subscribe(self):
        """From where the cursor stands."""
        start = self.client.subscribe(1, cursor=self.given.cursor).from_seq
        check(f"{self.unit}: a cursor never goes forward by itself: {start}, acknowledged {self.given.acked}",
              start <= self.given.acked + 1)
        check(f"{self.unit}: a durable cursor never goes back: {start}, durable {self.given.durable}", start > self.given.durable)
        self.at = start - 1

    def reconnect(self):
        super().reconnect()
        self.subscribe()

    def take(self, seq):
        """Everything up to seq."""
        until = time.monotonic() + WAIT
        while self.at < seq:
            self.note()
            if self.at < seq and self.client.receive(max(0, until - time.monotonic())) is None:
                raise Timeout(f"{self.unit} was given nothing beyond {self.at}, not {seq}")

    def note(self):
        """Enters what has come."""
        batches = self.client.batches[1]
        while batches:
            delivery = batches.popleft()
            check(f"{self.unit}: in order, once: {delivery.seq} behind {self.at}", delivery.seq > self.at)
            self.at = delivery.seq
            leaf = self.books.check_delivery(self.unit, delivery)
            self.given.again += delivery.seq in self.given.done
            check("it is the same record the second time", self.given.done.setdefault(delivery.seq, leaf) == leaf)
        self.at = max(self.at, self.client.positions.get(1, 0))

    def ack(self):
        """All that was taken took effect."""
        self.given.acked = self.at
        self.client.ack(1, self.at)

    def anchor(self, event):
        """Acknowledges and publishes: with the receipt the cursor is on disk."""
        self.ack()
        acked = self.given.acked
        self.publish(event)
        self.given.durable = acked

    def drain(self):
        super().drain()
        self.note()


class KillBooks(Books):
    """What one run did, and was told."""

    def __init__(self, place):
        super().__init__(place)
        self.place = place
        self.lines = {line.id: line for line in place.books.values()}
        self.authors = {}  # (unit, session) -> its lines, in order
        self.given = {"sw2": Given("inbox", place.cursor + 1), "audyt": Given("all", 1)}
        self.members = []
        self.notes = []  # checkpoints that were told
        self.shown = {}  # (unit, seq) of a family's event that others published -> its dossier
        self.read = {}  # reason -> seqs of which the content was given to the auditor

    def line(self, event, bad=False):
        """The line of an event."""
        line = KnownLine(self.place.wici, event, bad or self.is_bad(event))
        self.lines[line.id] = line
        return line

    @staticmethod
    def is_bad(event):
        """Bad ones have no sections."""
        return not event.sections

    def bad(self, unit, dossier):
        """An event that has to be refused."""
        return self.place.world.event(unit, "INFO_PROVIDED", dossier)

    def letter(self, unit, dossier, text, to):
        """An info.provided."""
        return self.place.world.event(unit, "INFO_PROVIDED", dossier, *letter(text), to=[to])

    def close(self, dead):
        """The run is over; dead: the broker was killed."""
        for member in self.members:
            if dead:
                member.drain()
            member.close()
        self.members = []

    def check_delivery(self, unit, delivery):
        """Each part is what its author sent; the leaf. Author and addressee are given all of it, an auditor facts."""
        wici = self.place.wici
        leaf, header = wici.check_delivery(delivery), wici.header(delivery)
        line = self.lines.get(header.event_id)
        if line is not None:
            bodies = [part.body for part in delivery.parts if part.slot.section_id % 10 != wici_client.NOTE]
            sent = [line.event.header, *line.event.sections]
            check(f"record {delivery.seq} is what was sent", all(body in sent for body in bodies))
            if unit != "audyt" and unit in [header.actor.unit, *(to.unit for to in header.to)]:
                check(f"record {delivery.seq} is whole", sorted(bodies) == sorted(sent))
        if header.type < SERVED and header.actor.unit != unit:
            self.shown[unit, delivery.seq] = header.dossier_id
        return leaf

    def read_all(self, member, **what):
        """Everything that the unit may see, or some: a bounded read, which is on record before its first byte leaves."""
        reason = {"reason": what["reason"]} if "reason" in what else {}
        found = list(member.client.read_all(**what))
        for delivery in found:
            self.check_delivery(member.unit, delivery)
        if reason:
            self.read.setdefault(reason["reason"], set()).update(delivery.seq for delivery in found)

    def wait_checkpoint(self, member, seq):
        """The newest checkpoint, once it has this record."""
        wire = member.wici.wire
        until = time.monotonic() + WAIT
        while True:
            told = member.ask(checkpoint=wire.CheckpointQuery())
            if told.size:
                self.notes.append(told.note)
            if told.size >= seq:
                return
            check("a checkpoint is signed", time.monotonic() < until)
            member.client.receive(0.05)

    # ---- afterwards

    def check_order(self, seen):
        """Of what one session sent a beginning is in the log, and nothing behind it; seen: event id -> seq."""
        for (unit, session), lines in self.authors.items():
            good = [line for line in lines if not line.bad]
            there = [line.id in seen for line in good]
            check(f"what {unit}/{session} sent is in the log up to some event: {there}", there == sorted(there, reverse=True))
            seqs = [seen[line.id] for line in good if line.id in seen]
            check(f"what {unit}/{session} sent keeps its order: {seqs}", seqs == sorted(seqs))
            check("what is bad is not in the log", not any(line.id in seen for line in lines if line.bad))

    def check_given(self, unit, records):
        """Of these records, from 1 on, a follower was given what is for it, all of it and nothing else."""
        wici, given = self.place.wici, self.given[unit]
        done = {seq: leaf for seq, leaf in given.done.items() if seq <= len(records)}

        def is_for(delivery):
            header = wici.header(delivery)
            refused = [section.sys_event_rejected_s0.agency for section in wici.sections(delivery)[9110]]
            return (unit == "audyt" or header.type in TO_EVERY_UNIT or header.actor.unit == unit
                    or unit in [to.unit for to in header.to] or self.place.world.units[unit][0] in refused)

        leaves = {delivery.seq: wici.check_delivery(delivery) for delivery in records}
        expected = {delivery.seq for delivery in records if delivery.seq >= given.first and is_for(delivery)}
        missing, more = sorted(expected - set(done)), sorted(set(done) - expected)
        check(f"{unit} was given all that is for it and nothing else: not {missing[:10]}, but {more[:10]}", not missing and not more)
        check(f"{unit} was given what is in the log", all(leaves[seq] == leaf for seq, leaf in done.items()))

    def check_shown(self, auditor):
        """Whoever was given an event of a dossier is named to the auditor."""
        wire, told = self.place.wici.wire, set()
        for dossier in set(self.shown.values()):
            page = None
            while page is None or page.next_record:
                page = auditor.ask(shown=wire.ShownQuery(dossier=dossier, from_record=page.next_record if page else 0, reason=REASON))
                told |= {(read.unit, event.seq) for read in page.reads for event in read.shown}
                for read in page.reads:
                    if read.why in self.read:
                        self.read[read.why] -= {event.seq for event in read.shown if 6 in event.classes}
        unnamed = sorted(set(self.shown) - told)
        check(f"who was given something is named: not {unnamed[:10]}", not unnamed)
        missing = {reason: sorted(seqs)[:10] for reason, seqs in self.read.items() if seqs}
        check(f"what was read is on record with its reason: not {missing}", not missing)

    def check_checkpoints(self, member):
        """What was signed is so."""
        wire = member.wici.wire
        for note in self.notes:
            _, size, root, *_ = note.split("\n")
            told = member.ask(consistency=wire.ConsistencyQuery(old_size=int(size)))
            check(f"the first {size} records are those of the checkpoint", told.old_root == base64.b64decode(root))


def killed(process):
    """Is this process dead, or will it be in a moment?"""
    until = time.monotonic() + 5
    while not process.ended() and time.monotonic() < until:
        time.sleep(0.005)
    return process.ended()


def work_until_killed(process, books, work):
    """work(process, books), then the end; False: the broker was killed meanwhile."""
    alive = False
    try:
        work(process, books)
        alive = True
    except (Gone, Disconnected, Timeout, wici_client.KeyRefused) as broken:
        if not killed(process):
            raise Broken(f"only a kill ends a connection: {type(broken).__name__} {broken}") from broken
    finally:
        books.close(dead=not alive)
    return alive


def records_of(auditor, books):
    """The log, as the auditor sees it, compared with the books; the records, and event id -> seq."""
    records = list(auditor.client.read_all())
    check_log(books.place.wici, books, records)
    return records, {books.place.wici.header(delivery).event_id: delivery.seq for delivery in records}


def started(root, books, ahead=0):
    """A broker without faults, on files that verify."""
    check_verifies(books.place, root)
    process = Checked(root, ahead=ahead)
    if not process.listens():
        process.kill()
        raise Broken(f"a broker without faults starts: {process.said()}")
    return process
