"""What an enrolled unit can try that no client should: text that is no text, questions about what is not its own,
answers it does not read. The broker goes on, and tells nothing."""
import os
import shutil
import tempfile
import threading
import time
import unittest

from wici_client import Refused
from world import World, letter, new_id

MARK = "QQQQQQQQ"  # what is replaced by bytes that no protobuf library would let us send
HELD = ({"meeting_held_s0": {"meeting_id": new_id(), "held_on": "2026-03-02"}},
        {"meeting_held_s6": {"kind": "CONSULTATION", "attendance": [{"role": "SW"}]}})
BAD_TEXTS = (b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe", b"\xed\xa0\x80\xed\xa0\x80ab", b"a\0bcdefg", b"\xc0\xafabcdef")


class Attack(unittest.TestCase):
    """One broker; each test has dossiers and sessions of its own."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-attack-")
        cls.world = World(cls.root)
        cls.wici = cls.world.wici
        cls.wire = cls.wici.wire

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()  # it has to end cleanly
        shutil.rmtree(cls.root)

    def published(self, client, *events):
        """Publishes events that have to be taken; returns their receipts."""
        answers = client.publish(*events)
        for answer in answers:
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
        return [answer.receipt for answer in answers]

    def letter(self, client, unit="ops-sw", to="ops-sw2", dossier=None, text="x", **header):
        """Publishes an info.provided; returns dossier, event and seq."""
        dossier = dossier or new_id()
        event = self.world.event(unit, "INFO_PROVIDED", dossier, *letter(text), to=[to], **header)
        return dossier, event, self.published(client, event)[0].seq

    def refusal(self, client, **message):
        """The bytes that answer a message, which has to be refused."""
        client.raw_bytes = bytearray()
        client.send(**message)
        with self.assertRaises(Refused):
            client.wait("welcome")
        got = bytes(client.raw_bytes)
        client.raw_bytes = None
        return got


class Text(Attack):

    def messages(self):
        """One message for each text a client may send."""
        wire = self.wire
        return {
            "software": dict(hello=wire.Hello(protocol=1, session="main", software=MARK)),
            "session": dict(hello=wire.Hello(protocol=1, session=MARK)),
            "cursor": dict(subscribe=wire.Subscribe(subscription=1, cursor=MARK)),
            "family": dict(subscribe=wire.Subscribe(subscription=1, filter=wire.Filter(families=[MARK]))),
            "dossier": dict(subscribe=wire.Subscribe(subscription=1, filter=wire.Filter(dossiers=[MARK]))),
            "time": dict(subscribe=wire.Subscribe(subscription=1, from_time=MARK)),
            "reason": dict(read=wire.Read(request=0, reason=MARK)),
            "read family": dict(read=wire.Read(request=0, family=MARK)),
            "event id": dict(query=wire.Query(request=0, explain=wire.Explain(event_id=MARK))),
            "cursor drop": dict(query=wire.Query(request=0, cursor_drop=wire.CursorDrop(cursor=MARK))),
        }

    def test_text_that_is_no_text_is_refused_before_anything_is_done_with_it(self):
        for name, message in self.messages().items():
            for number, bad in enumerate(BAD_TEXTS):
                good = self.wire.ClientMessage(**message).SerializeToString()
                self.assertIn(MARK.encode(), good)
                with self.subTest(name, bad=bad), self.world.client("audyt", f"text{number}") as client:
                    if "hello" not in message:
                        client.hello()
                    client.send_raw(good.replace(MARK.encode(), bad))
                    with self.assertRaises(Refused) as caught:
                        client.wait("welcome")
                    self.assertEqual(caught.exception.code, "E_DECODE")
        with self.world.session("ops-sw", "alive") as client:
            self.letter(client)

    def test_a_reason_in_polish_is_written_down_as_it_was_given(self):
        with self.world.session("ops-sw", "polish") as client:
            seq = self.letter(client)[2]
        with self.world.session("audyt", "polish") as auditor:
            self.assertEqual(len(auditor.read(from_seq=seq, to_seq=seq, reason="skarga: łączność Żółć").deliveries), 1)
            records = list(auditor.read_all(type="SYS_ACCESS_RECORDED", from_seq=seq))
            whys = [section.sys_access_recorded_s0.why for record in records
                    for sections in self.wici.sections(record).values() for section in sections]
            self.assertIn("skarga: łączność Żółć", whys)


    def test_a_reason_commands_no_terminal(self):
        """It is written down, and shown to who asks who was shown what."""
        with self.world.session("ops-sw", "clean") as client:
            dossier, _, seq = self.letter(client)
        with self.world.session("audyt", "clean") as auditor:
            for reason in ("\x1b[2J", "\x7f", "\u0080", "\u009b2J", "a\nb", " ", ""):
                with self.subTest(reason=reason), self.assertRaises(Refused) as caught:
                    if reason:
                        auditor.read(from_seq=seq, to_seq=seq, reason=reason)
                    auditor.query(shown=self.wire.ShownQuery(dossier=dossier, reason=reason or "\u009f"))
                self.assertEqual(caught.exception.code, "E_REASON")


class Curiosity(Attack):

    def setUp(self):
        with self.world.session("ops-sw", "owner") as owner:
            self.dossier, event, self.seq = self.letter(owner)
            self.event_id = self.wici.header(event).event_id

    def test_not_yours_and_not_there_are_the_same_bytes(self):
        wire = self.wire
        there, absent = self.event_id, self.wici.header(
            self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("never sent"))).event_id
        with self.world.session("sp12-pedagog", "curious") as school:
            for name, yours, nobodys in (
                    ("explain", wire.Query(request=5, explain=wire.Explain(event_id=there)),
                     wire.Query(request=5, explain=wire.Explain(event_id=absent))),
                    ("explain seq", wire.Query(request=5, explain=wire.Explain(seq=self.seq)),
                     wire.Query(request=5, explain=wire.Explain(seq=1 << 40))),
                    ("fetched", wire.Query(request=5, fetched=wire.FetchedQuery(event_id=there)),
                     wire.Query(request=5, fetched=wire.FetchedQuery(event_id=absent))),
                    ("group", wire.Query(request=5, group=wire.GroupQuery(dossier=self.dossier)),
                     wire.Query(request=5, group=wire.GroupQuery(dossier=new_id())))):
                with self.subTest(name):
                    known = self.refusal_of_request(school, yours)
                    self.assertEqual(known, self.refusal_of_request(school, nobodys))
                    self.assertIn(b"E_UNKNOWN", known)

    def test_a_dossier_that_is_not_yours_is_refused_in_the_bytes_of_one_that_is_not_there(self):
        with self.world.session("sp12-pedagog", "owns") as school, self.world.session("ops-sw", "curious") as worker, \
                self.world.session("ops-sw2", "writes") as colleague:
            theirs = self.letter(school, "sp12-pedagog", "sad-rodzinny")[0]
            mine = self.letter(colleague, "ops-sw2", "ops-sw")[0]  # it is to answer it, so it may link it
            for name, event_type, dossier, sections in (
                    ("writing into it", "MEETING_HELD", lambda asked: asked, lambda asked: HELD),
                    ("linking with it", "CASE_LINKED", lambda asked: mine, lambda asked: (
                        {"case_linked_s0": {"other_dossier": asked, "kind": "SIBLING"}},))):
                answers = []
                for asked in (theirs, new_id()):
                    answer = worker.publish(self.world.event("ops-sw", event_type, dossier(asked), *sections(asked)))[0]
                    self.assertEqual(answer.refusal.code, "E_DOSSIER", (name, answer))
                    answer.event_id = ""
                    answers.append(answer.SerializeToString())
                with self.subTest(name):
                    self.assertEqual(*answers)

    def refusal_of_request(self, client, query):
        """The bytes of the Refused that answers this query."""
        client.raw_bytes = bytearray()
        client.send(query=query)
        with self.assertRaises(Refused):
            client.wait("query_result", request=query.request)
        got = bytes(client.raw_bytes)
        client.raw_bytes = None
        return got

    def test_reading_by_id_or_seq_gives_nothing_of_others(self):
        with self.world.session("sp12-pedagog", "reader") as school:
            for what in ({"event_id": self.event_id}, {"from_seq": self.seq, "to_seq": self.seq},
                         {"dossier": self.dossier}, {"event_id": self.event_id, "reason": "ciekawość"}):
                self.assertFalse(school.read(**what).deliveries, what)

    def test_the_author_is_explained_and_told_who_has_fetched(self):
        wire = self.wire
        with self.world.session("ops-sw", "asks") as owner, self.world.session("ops-sw2", "fetches") as reader:
            fetched = owner.query(fetched=wire.FetchedQuery(event_id=self.event_id))
            self.assertEqual([unit.unit for unit in fetched.units], ["ops-sw2"])
            reader.subscribe(1, "inbox-of-curiosity")
            reader.deliveries_to(1, self.seq)
            reader.ack(1, self.seq)
            reader.query(cursors=wire.CursorsQuery())
            fetched = owner.query(fetched=wire.FetchedQuery(event_id=self.event_id))
            self.assertEqual([(unit.unit, unit.fetched) for unit in fetched.units], [("ops-sw2", True)])
            explained = owner.query(explain=wire.Explain(event_id=self.event_id))
            self.assertEqual(explained.seq, self.seq)
            self.assertTrue(all(section.verdict == "GIVEN_AUTHOR" or section.verdict for section in explained.sections))
            self.assertEqual([member.dossier for member in owner.query(
                group=wire.GroupQuery(dossier=self.dossier)).members], [self.dossier])
            with self.assertRaises(Refused) as caught:  # an addressee is not its author
                reader.query(fetched=wire.FetchedQuery(event_id=self.event_id))
            self.assertEqual(caught.exception.code, "E_UNKNOWN")

    def test_cursors_of_others_are_neither_shown_nor_dropped(self):
        with self.world.session("ops-sw2", "owner") as reader, self.world.session("sp12-pedagog", "thief") as school:
            reader.subscribe(1, "mine")
            reader.unsubscribe(1)
            self.assertNotIn("mine", [cursor.cursor for cursor in reader.query(
                cursors=self.wire.CursorsQuery()).cursors if cursor.unit != "ops-sw2"])
            self.assertFalse([cursor for cursor in school.query(cursors=self.wire.CursorsQuery()).cursors
                              if cursor.unit != "sp12-pedagog"])
            self.assertFalse([cursor for cursor in school.query(status=self.wire.StatusQuery()).cursors
                              if cursor.unit != "sp12-pedagog"])
            with self.assertRaises(Refused):
                school.query(cursor_drop=self.wire.CursorDrop(cursor="mine"))

    def test_naming_an_event_of_another_dossier_widens_no_audience(self):
        with self.world.session("ops-sw", "cause") as owner, self.world.session("sp12-pedagog", "widen") as school:
            _, other, _ = self.letter(owner, to="sp12-pedagog", text="do szkoły")
            _, named, seq = self.letter(owner, text="nie dla szkoły", causation_id=self.wici.header(other).event_id)
            self.assertFalse(school.read(from_seq=seq, to_seq=seq).deliveries)
            self.assertFalse(school.read(event_id=self.wici.header(named).event_id).deliveries)
            corrected = self.world.event("ops-sw", "INFO_PROVIDED", self.dossier, *letter("poprawka"), to=["ops-sw2"],
                                         corrects_event_id=self.wici.header(other).event_id, correction="AMENDED")
            answer = owner.publish(corrected)[0]
            self.assertEqual(answer.refusal.code, "E_CORRECT", answer)

    def test_an_id_of_another_agency_tells_nothing_of_its_event(self):
        with self.world.session("ops-sw", "first") as owner, self.world.session("sp12-pedagog", "second") as school:
            _, event, _ = self.letter(owner)
            answer = school.publish(event)[0]  # the very same bytes
            self.assertEqual((answer.refusal.code, answer.refusal.path), ("E_ID_REUSE", "header.eventId"))
            self.assertFalse(answer.HasField("receipt"))


class Refusing(Attack):

    def all_rest(self):
        """Until all that was sent has been looked at: neither the broker nor our own sockets have anything to do."""
        def threads(pid):
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/stat", encoding="utf-8") as f:
                    yield int(task), f.read().rsplit(")", 1)[1].split()[0]

        calm, end = 0, time.monotonic() + 60
        while calm < 10:
            self.assertLess(time.monotonic(), end)
            busy = [task for pid in (os.getpid(), self.world.broker.process.pid) for task, state in threads(pid)
                    if state in "RD" and task != threading.get_native_id()]
            calm = 0 if busy else calm + 1
            time.sleep(0.02)

    def test_a_refused_subscribe_leaves_the_one_that_uses_the_cursor(self):
        with self.world.session("ops-sw2", "first") as first, self.world.session("ops-sw2", "second") as second, \
                self.world.session("ops-sw", "writes") as writer:
            first.subscribe(1, "steady", live=True)
            with self.assertRaises(Refused) as caught:
                second.subscribe(1, "steady", families=["case"])
            self.assertEqual(caught.exception.code, "E_CURSOR")
            seq = self.letter(writer)[2]
            types = [self.world.wici.header(delivery).type for delivery in first.deliveries_to(1, seq)]
            self.assertEqual(types, [self.world.wici.event.SYS_EVENT_REJECTED, self.world.wici.event.INFO_PROVIDED])

    def test_who_does_not_read_its_answers_is_given_no_more_of_them(self):
        """Else one unit could fill the broker's memory by asking for what is larger than its question."""
        query = self.wire.ClientMessage(query=self.wire.Query(request=9, policy=self.wire.PolicyQuery()))
        asked, raw = 8000, query.SerializeToString()
        with self.world.session("ops-sw2", "deaf") as deaf, self.world.session("ops-sw", "other") as other:
            for _ in range(asked // 100):
                for _ in range(100):
                    deaf.send_raw(raw)
                self.letter(other)  # others are answered all the while
            event = self.world.event("ops-sw2", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw"])
            deaf.publish_later(event)
            self.all_rest()
            deaf.raw_bytes = bytearray()
            refused, last = 0, None
            while last is None:
                message = deaf.receive()
                self.assertIsNotNone(message)
                deaf.inbox.clear()
                if message.WhichOneof("message") == "refused":
                    self.assertEqual(message.refused.refusal.code, "E_BUSY")
                    refused += 1
                    last = message.refused if message.refused.number else None
            # What it publishes is not taken either, and its number stays.
            self.assertEqual((last.number, last.next_number), (1, 1))
            self.assertGreater(last.retry_ms, 0)
            self.assertGreater(refused, asked // 10)
            self.assertLess(len(deaf.raw_bytes), 60 << 20)  # with what the system's own buffers hold
            deaf.next_number = 1
            self.published(deaf, event)  # it has read everything: all is well again

    def test_who_does_not_read_its_refusals_does_not_fill_the_operators_log(self):
        raw = self.wire.ClientMessage(ack=self.wire.Ack(subscription=1, seq=1)).SerializeToString()
        with self.world.client("ops-sw2", "deaf") as deaf, self.world.session("ops-sw", "other") as other:
            for _ in range(450):
                for _ in range(100):
                    deaf.send_raw(raw)
                self.letter(other)
        with open(self.world.broker.log.name, encoding="utf-8") as log:
            self.assertLessEqual(log.read().count("does not read its answers"), 1)


if __name__ == "__main__":
    unittest.main()
