"""The workload of faults.py with documents: what is put in, named, given and left half there, and what has to hold of it.

What was acknowledged of an upload is there after the restart, and it goes on from there to its end; a document that a
record names is given whole, or, where the record was not acknowledged, both are not there; one that nobody named is
whole when it is named later.
"""
import hashlib

from erasing_kit import DOCUMENTS, HALF
from faults_kit import DOCUMENT_CHUNK, Books, Peer, check, new_id

DATA = {"half": HALF, "new": b"%PDF nowy " * 30000, "left": b"%PDF nie wskazany " * 30000}
REASON = "kontrola"


class PaperBooks(Books):
    """What one run did with documents, too."""

    def __init__(self, place):
        super().__init__(place)
        self.place = place
        self.received = {"half": DOCUMENT_CHUNK, "new": 0, "left": 0}  # bytes that were acknowledged
        self.named = {line.id: DOCUMENTS[place.named[line.seq]] for line in place.books.values()
                      if line.seq in place.named}  # event id -> the document that it names

    def naming(self, dossier, name):
        """A letter that names a document."""
        place = self.place
        event = place.world.event("sw", "INFO_PROVIDED", dossier, *place.with_document(DATA[name]), to=["sw2"])
        self.named[place.wici.header(event).event_id] = DATA[name]
        return event

    def upload(self, sender, name, up_to=None):
        """Sends a document from where the broker has it, to the end or a place; what was acknowledged is there."""
        data = DATA[name]

        def send(client):
            state = client.document_put(data, begin=True)
            check(f"of {name} {self.received[name]} bytes were acknowledged, {state.received} are there",
                  state.received >= self.received[name])
            while state.received < (up_to or len(data)):
                state = client.document_put(data, offset=state.received)
                self.received[name] = state.received

        sender.ask(send)

    def before(self, sender, seen):
        """Afterwards, before anything is sent again; seen: the ids in the log. Uploads go on."""
        bound = [self.named[event_id] for event_id in seen if event_id in self.named]
        for name, data in DATA.items():
            if data not in bound:
                self.upload(sender, name)

    def after(self, sender, reader):
        """Everything was sent again: each record's document is given, and one that nobody named can be."""
        sender.publish(self.lines, self.naming(self.place.other, "left"))
        for line in self.lines.values():
            if line.id in self.named:
                check(f"the document of {line.seq} was there when it was named", "W_DOCUMENT" not in line.warnings)
                check(f"the document of {line.seq} is given", given(reader, line.seq, self.named[line.id]))


def given(reader, seq, data, **reason):
    """Is the document that a record names given to this unit?"""
    return reader.ask(lambda client: client.document(seq, hashlib.sha256(data).digest(), **reason)) == data


def papers(place, process, books):
    """The workload."""
    sender, reader, auditor = (Peer(place, process, unit) for unit in ("sw", "sw2", "audyt"))
    before = next(seq for seq, name in place.named.items() if name == "first")
    try:
        books.upload(sender, "half")
        line, = sender.publish(books.lines, books.naming(place.other, "half"))
        sender.publish(books.lines, line.event)
        check("a document is given whole", given(reader, line.seq, HALF))
        books.upload(sender, "new")
        books.upload(sender, "left", DOCUMENT_CHUNK)
        event = books.naming(new_id(), "new")
        line, = sender.publish(books.lines, event, place.letter(place.dossier, "obok"))[:1]
        check("an auditor is given it for a reason", given(auditor, line.seq, DATA["new"], reason=REASON))
        check("one that was there before is given", given(reader, before, DOCUMENTS["first"]))
        sender.ask(lambda client: client.query(status=place.wici.wire.StatusQuery()))
    finally:
        for peer in (sender, reader, auditor):
            peer.close()
