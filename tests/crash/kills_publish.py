"""The workloads of kills.py that publish.

publish: several sessions with messages outstanding, repeats on new connections, new dossiers, events that are refused,
followers with durable cursors, reads on record, a checkpoint, the registry. keys: so many new dossiers that key entries
have to be made.
"""
import signal

from erasing_kit import check_verifies
from faults_kit import check, new_id
from kills_kit import MESSAGE, REASON, Author, Follower, Member, records_of, started

KEY_ENTRIES = 1024  # made at a time: STORE_KEY_ENTRIES_STEP


def publish(process, books):
    """The workload."""
    place, letter = books.place, books.letter
    first, second, third = (Author(books, process, *who) for who in (("sw", "main"), ("sw", "second"), ("sw2", "third")))
    reader, auditor = (Follower(books, process, unit) for unit in ("sw2", "audyt"))
    admin = Author(books, process, "admin")
    mine = new_id()
    first.send(letter("sw", place.dossier, "a", "sw2"), books.bad("sw", place.dossier), letter("sw", mine, "b", "sw2"))
    second.send(letter("sw", new_id(), "c", "sw2"), letter("sw", place.other, "d" * 20000, "sw2"))
    third.send(letter("sw2", new_id(), "e", "sw"))
    first.send(*(letter("sw", mine, f"f{i}", "sw2") for i in range(4)))
    second.send(letter("sw", mine, "g", "sw2"))
    for author in (third, first, second):
        author.collect()
    reader.take(first.lines[-1].seq)
    reader.anchor(letter("sw2", new_id(), "h", "sw"))
    auditor.take(reader.lines[-1].seq)
    auditor.ack()
    first.send(letter("sw", mine, "i", "sw2"), letter("sw", new_id(), "j", "sw2"))
    first.send(letter("sw", place.other, "k", "sw2"))
    first.reconnect()
    first.send_lines(first.lines[:1] + first.lines[-2:])  # all of them have receipts
    second.send(letter("sw", new_id(), "l", "sw2"))
    first.collect()
    auditor.reconnect()
    books.read_all(reader, dossier=mine)
    books.read_all(auditor, dossier=mine, reason=REASON)
    admin.publish(place.world.event("admin", "SYS_AGENCY_ENROLLED", None, {"sys_agency_enrolled_s0": {
        "agency_id": "sp", "name": "SP", "kinds": ["SCHOOL"]}}))
    second.collect()
    books.wait_checkpoint(first, first.lines[-1].seq)
    reader.take(admin.lines[-1].seq)
    reader.ack()
    second.publish(letter("sw", mine, "m", "sw2"))
    auditor.take(second.lines[-1].seq)
    process.end(signal.SIGTERM)


def grow(process, books):
    """The workload in which key entries run out."""
    author = Author(books, process, "sw")
    for _ in range(KEY_ENTRIES // MESSAGE + 1):
        author.send(*(books.letter("sw", new_id(), "nowy", "audyt") for _ in range(MESSAGE)))
    author.collect()
    process.end(signal.SIGTERM)


def afterwards(root, books, ahead):
    """A broker without faults, on what is left."""
    process = started(root, books, ahead)
    try:
        admin, looks = (Member(books, process, unit, "asks") for unit in ("admin", "audyt"))
        if len(books.lines) < KEY_ENTRIES:  # of so many it takes long to ask
            books.check_shown(looks)  # before anybody is given something again, which is recorded too
        auditor, reader = (Follower(books, process, unit) for unit in ("audyt", "sw2"))
        books.check_order(records_of(auditor, books)[1])
        authors = [Author(books, process, *who) for who in list(books.authors) if who[1] != "follows"]
        for author in (*authors, reader):
            author.again()
        one_more, = reader.publish(books.letter("sw2", new_id(), "jeszcze jeden", "sw"))
        for follower in (reader, auditor):
            follower.take(one_more.seq)
        records, seen = records_of(auditor, books)
        books.check_order(seen)
        records = records[:one_more.seq]
        for unit in books.given:
            books.check_given(unit, records)
        for one in (*authors, reader):
            books.read_all(one)
        check("each is there", all(line.bad or line.id in seen for lines in books.authors.values() for line in lines))
        if len(books.lines) < KEY_ENTRIES:
            books.check_shown(looks)
        books.check_checkpoints(admin)
        books.close(dead=False)
        check(f"it ends cleanly: {process.said()}", process.end(signal.SIGTERM) == 0)
    finally:
        books.close(dead=False)
        process.kill()
    check_verifies(books.place, root)
