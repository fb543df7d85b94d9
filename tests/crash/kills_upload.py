"""The workloads of kills.py with documents.

upload: two sessions of a unit send pieces, with several outstanding; on a new connection they go on where the broker has
it; documents are named by events before and after they came, of one dossier and of another; one turns out to be other
bytes. sweep: a day later what no event named is destroyed, while something new is uploaded and named.

What holds afterwards: an acknowledged piece is there and is not sent again; an upload goes on to its end, so that all its
bytes were right; a document and the event that names it became of the dossier together, or neither; what waits counts
against the agency to the byte; of what was given up nothing is left.
"""
import hashlib
import os
import signal
import time

from erasing_kit import ENTRY, ERASED, HALF, Place, check_verifies
from faults_kit import DOCUMENT_CHUNK, Gone, Process, Refused, check, letter, new_id
from kills_kit import REASON, WAIT, Author, KillBooks, Member, records_of, started

DAY = 25 * 3600  # seconds
DATA = {"half": HALF, "new": b"%PDF nowy " * 80000, "short": b"%PDF krotki", "late": b"%PDF spozniony " * 20000,
        "other": b"%PDF inny " * 30000, "left": b"%PDF nie wskazany " * 40000, "last": b"%PDF ostatni " * 30000,
        "wrong": b"%PDF zly " * 40000}
SHA = {name: hashlib.sha256(data if name != "wrong" else b"others").digest() for name, data in DATA.items()}
WAITING_MAX = 256 << 20  # bytes of an agency: DOCUMENTS_WAITING_BYTES_MAX
SIZE_MAX = 10 << 20  # of a document


class Uploader(Author):
    """Publishes, and sends documents."""

    def begin(self, name):
        """Asks how far an upload has come, which begins it."""
        self.books.begun.add(name)
        state = self.client.document_put(DATA[name], sha256=SHA[name], begin=True)
        self.books.enter_state(name, state)
        return state.received

    def pieces(self, name, offset, up_to=None):
        """Sends pieces one behind the other; their requests."""
        data, requests = DATA[name], []
        for at in range(offset, up_to or len(data), DOCUMENT_CHUNK):
            self.books.piece_sent(name, at)
            requests.append(self.books.request(name))
            self.client.send(document_put=self.wici.wire.DocumentPut(
                request=requests[-1], sha256=SHA[name], size=len(data), offset=at, data=data[at:at + DOCUMENT_CHUNK]))
        return requests

    def states(self, requests):
        """Waits for the answers to pieces."""
        for request in requests:
            self.books.enter_state(self.books.asked[request], self.client.wait("document_state", request=request))

    def upload(self, name, up_to=None):
        """From where the broker has it."""
        self.states(self.pieces(name, self.begin(name), up_to))

    def fail(self, name):
        """The same with bytes that are not those announced."""
        try:
            self.upload(name)
        except Refused as refused:
            check(f"other bytes are refused: {refused}", refused.code == "E_DOCUMENT")
            self.books.received[name] = self.books.sent[name] = 0  # from the beginning again
        else:
            check("other bytes are refused", False)

    def naming(self, dossier, *names):
        """An event that names documents, and that it does."""
        what, text = letter("w załączeniu")
        text["info_provided_s6"]["documents"] = [
            {"sha256": SHA[name].hex(), "size": len(DATA[name]), "media_type": "application/pdf"} for name in names]
        event = self.place.world.event("sw", "INFO_PROVIDED", dossier, what, text, to=["sw2"])
        self.books.name(self.wici.header(event).event_id, names)
        return event

    def enter(self, lines, message):
        super().enter(lines, message)
        for line in lines:
            self.books.enter_named(line)

    def drain(self):
        super().drain()
        for message in self.client.inbox if self.client is not None else ():
            if message.WhichOneof("message") == "document_state" and message.document_state.request in self.books.asked:
                self.books.enter_state(self.books.asked[message.document_state.request], message.document_state)


class Books(KillBooks):
    """What a run did with documents, too."""

    def __init__(self, place):
        super().__init__(place)
        self.begun = {"half"}
        self.received = dict.fromkeys(DATA, 0)  # what was acknowledged of the upload that waits
        self.received["half"] = DOCUMENT_CHUNK
        self.sent = dict(self.received)
        self.asked = {}  # request -> name
        self.named = {}  # event id -> names
        self.whole = {}  # event id: were they all here when it was sent first?
        self.bound = set()  # (event id, name) that has to be given
        self.got = set()  # (unit, seq) whose document was given to somebody else than its author

    def request(self, name):
        """A number for a request about it."""
        self.asked[len(self.asked) + (1 << 20)] = name
        return len(self.asked) - 1 + (1 << 20)

    def piece_sent(self, name, at):
        """A piece was sent."""
        self.begun.add(name)
        self.sent[name] = max(self.sent[name], min(len(DATA[name]), at + DOCUMENT_CHUNK))

    def enter_state(self, name, state):
        """The broker said how far an upload is: what was acknowledged is there."""
        if state.received == 0 and self.may_be_dropped(name):
            self.received[name] = self.sent[name] = 0  # from the beginning again
        check(f"of {name} {self.received[name]} bytes were acknowledged, {state.received} are there", state.received >= self.received[name])
        check(f"of {name} {self.sent[name]} bytes were sent, {state.received} are there", state.received <= self.sent[name])
        self.received[name] = state.received

    def may_be_dropped(self, name):
        """Was the last piece of bytes that are not those announced sent? Whole, they go before anybody is told."""
        return name == "wrong" and self.sent[name] == len(DATA[name])

    def is_here(self, name):
        """Was it said to be whole?"""
        return self.received[name] == len(DATA[name])

    def name(self, event_id, names):
        """An event is made that names them; it is sent at once."""
        self.named[event_id] = names
        self.whole[event_id] = all(self.is_here(name) for name in names)

    def enter_named(self, line):
        """A receipt came: what is here is the dossier's now."""
        check(f"who names what is not here is warned, nobody else: {line.warnings}",
              ("W_DOCUMENT" in line.warnings) != self.whole.get(line.id, True))
        self.bind(line.id)

    def bind(self, event_id):
        """What is here became of the event's dossier."""
        for name in self.named.get(event_id, ()):
            if (event_id, name) not in self.bound and self.is_here(name):
                self.bound.add((event_id, name))
                self.begun.discard(name)
                self.received[name] = self.sent[name] = 0

    def get(self, member, seq, name, **reason):
        """The document that a record names, or None."""
        try:
            found = member.client.document(seq, SHA[name], **reason) == DATA[name]
            check(f"the document of {seq} is what was sent", found)
        except Refused as refused:
            check(f"it is refused for one reason only: {refused}", refused.code == "E_NO_DOCUMENT")
            return False
        self.got.add((member.unit, seq))
        return True


def upload(process, books):
    """The workload."""
    first, second = (Uploader(books, process, "sw", session) for session in ("main", "second"))
    reader, auditor = (Member(books, process, unit) for unit in ("sw2", "audyt"))
    other, mine = books.place.other, new_id()
    first.upload("half")
    waiting = second.pieces("new", second.begin("new"))
    line, = first.publish(first.naming(other, "half"))
    second.states(waiting)
    first.upload("short")
    first.send(books.letter("sw", mine, "obok", "sw2"), first.naming(mine, "new", "short"))
    first.collect()
    books.get(reader, line.seq, "half")
    line, = second.publish(second.naming(mine, "late"))  # before it came
    first.pieces("late", first.begin("late"))
    first.reconnect()
    first.upload("late")
    second.send_lines([line])
    second.collect()
    second.fail("wrong")
    first.upload("other")
    first.publish(first.naming(other, "other"))
    first.upload("other")  # for another dossier it is sent again
    last, = first.publish(first.naming(mine, "other"))
    books.get(auditor, last.seq, "other", reason=REASON)
    second.upload("left", 2 * DOCUMENT_CHUNK)
    process.end(signal.SIGTERM)


class Old(Place):
    """The same log, on which more was uploaded before a day went by."""

    UPLOADS = ("half", "left", "late")

    def __init__(self, place, root):  # pylint: disable=super-init-not-called
        self.__dict__.update(place.__dict__)
        place.copy(root)
        self.root = root
        books, process = Books(place), Process(root, [])
        try:
            check(f"it starts: {process.said()}", process.listens())
            author = Uploader(books, process, "sw")
            author.upload("left")
            author.upload("late", DOCUMENT_CHUNK)
        finally:
            books.close(dead=False)
            process.kill()

    def swept(self, root):
        """How many uploads' keys are destroyed?"""
        with open(f"{root}/keys/keys", "rb") as keys:
            entries = keys.read()
        return sum(entries[at + 4] == ERASED for at in range(ENTRY, len(entries) - ENTRY + 1, ENTRY)) - len(self.erased_before)

    def wait_swept(self, process):
        """Until they all are."""
        until = time.monotonic() + WAIT
        while self.swept(process.root) < len(self.UPLOADS):
            if process.ended():
                raise Gone
            check("what no event named is destroyed after a day", time.monotonic() < until)
            time.sleep(0.01)


class OldBooks(Books):
    """What was uploaded a day ago is going, or gone."""

    def __init__(self, place):
        super().__init__(place)
        self.begun.clear()
        self.received["half"] = self.sent["half"] = 0


def sweep(process, books):
    """The workload."""
    author = Uploader(books, process, "sw")
    author.upload("new")
    author.publish(author.naming(books.place.other, "new"))
    author.upload("short")
    books.place.wait_swept(process)
    author.publish(books.letter("sw", new_id(), "potem", "sw2"))
    process.end(signal.SIGTERM)


def afterwards(root, books, ahead):
    """A broker without faults, on what is left."""
    process = started(root, books, ahead)
    try:
        if ahead:
            books.place.wait_swept(process)
            books.begun |= set(Old.UPLOADS)  # from their beginnings
        check_town(process, books)
        check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
    finally:
        books.close(dead=False)
        process.kill()
    check("only what had its day is destroyed", not ahead or books.place.swept(root) == len(Old.UPLOADS))
    check_verifies(books.place, root)


def check_town(process, books):
    """What each is told, asked and given, on a broker that runs."""
    sessions = list(books.authors)
    author = Uploader(books, process, "sw", "afterwards")
    reader, auditor = (Member(books, process, unit) for unit in ("sw2", "audyt"))
    check_got(books, auditor)  # before anybody is given something again, which is recorded too
    _, seen = records_of(auditor, books)
    books.check_order(seen)
    for event_id, names in books.named.items():
        if event_id in seen and books.whole[event_id]:
            books.bind(event_id)
        for name in names if event_id in seen else ():
            given = books.get(reader, seen[event_id], name)
            check(f"{name} became of the dossier of {seen[event_id]} with it", given or (event_id, name) not in books.bound)
            if given:
                books.bind(event_id)
        if event_id not in seen:
            books.whole[event_id] = True  # by the time that it is sent again
        books.begun |= {name for name in names if (event_id, name) not in books.bound}
    for name in sorted(books.begun):
        author.fail(name) if name == "wrong" else author.upload(name)
    for unit, session in sessions:
        one = Uploader(books, process, unit, session)
        one.again()
        one.send_lines([line for line in one.lines if not books.whole.get(line.id, True)])
        one.collect()
    one_more, = author.publish(author.naming(books.place.other, "last"))
    author.upload("last")
    author.send_lines([one_more])
    author.collect()
    records, seen = records_of(auditor, books)
    books.check_order(seen)
    for event_id, names in books.named.items():
        for name in names:
            check(f"{name} is given with {seen[event_id]}", books.get(reader, seen[event_id], name))
    check_quota(author, sum(len(DATA[name]) for name in books.begun))
    check_got(books, auditor)


def check_got(books, auditor):
    """Who was given a document of others is on record."""
    records = auditor.client.read_all(type="SYS_ACCESS_RECORDED")
    told = [section.sys_access_recorded_s0 for delivery in records for section in books.place.wici.sections(delivery)[9120]]
    missing = {(unit, seq) for unit, seq in books.got
               if not any((one.unit, one.question, one.from_seq) == (unit, "document", seq) for one in told)}
    check(f"who was given a document is named: not {missing}", not missing)


def check_quota(author, waiting):
    """So many bytes wait: what may come beside them is taken, and no byte more."""
    room = WAITING_MAX - waiting
    sizes = [SIZE_MAX] * (room // SIZE_MAX)
    rest = room - sum(sizes)
    for size, fits in [*((size, True) for size in sizes), (rest + 1, False), (rest, True)]:
        try:
            if size > 0:
                author.client.document_put(b"", sha256=os.urandom(32), size=size, begin=True)
            taken = True
        except Refused as refused:
            check(f"{waiting} bytes wait: {refused}", refused.code == "E_DOCUMENT_QUOTA")
            taken = False
        check(f"{waiting} bytes wait: {size} more are taken, or not: {taken}", taken == fits)
