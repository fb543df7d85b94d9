"""Who was shown what of a dossier (Query.shown, docs/PROTOCOL.md 3.6), over the wire.

What has to be told is worked out from what the readers were sent and from the records of reads (912) themselves.
"""
import datetime
import hashlib
import shutil
import tempfile
import threading
import time
import unittest

from wici_client import Refused
from world import World, letter, new_id, referral

S0, S6 = 0, 6  # classes
PAGES_MAX = 60  # of one answer; more means that it does not end


def text(ms):
    """A time as the query takes it."""
    when = datetime.datetime.fromtimestamp(ms // 1000, datetime.timezone.utc)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{ms % 1000:03}Z"


def stamp(seconds):
    """The time so many seconds from now."""
    return text(int((time.time() + seconds) * 1000))


class Shown(unittest.TestCase):
    """One broker; each test has dossiers and sessions of its own."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-shown-")
        cls.world = World(cls.root)
        cls.wire = cls.world.wici.wire

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()  # it has to end cleanly
        shutil.rmtree(cls.root)

    # ---- doing

    def letters(self, dossier, count, text="x", unit="ops-sw", to="ops-sw2"):
        """Publishes so many letters into a dossier; their seqs."""
        seqs = []
        with self.world.session(unit, "letters") as client:
            while len(seqs) < count:
                answers = client.publish(*(self.world.event(unit, "INFO_PROVIDED", dossier, *letter(text), to=[to])
                                           for _ in range(min(count - len(seqs), 64))))
                for answer in answers:
                    self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
                seqs += [answer.receipt.seq for answer in answers]
        return seqs

    def publish(self, unit, *event, **more):
        """Publishes one event; its seq."""
        with self.world.session(unit, "publishes") as client:
            answer, = client.publish(self.world.event(unit, *event, **more))
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
            return answer.receipt.seq

    def read(self, unit, dossier, **what):
        """A bounded read of a dossier; the seqs that were given, of events."""
        with self.world.session(unit, "reads") as client:
            return [delivery.seq for delivery in client.read(dossier=dossier, **what).deliveries]

    def ask(self, client, dossier, **narrow):
        """One page, asked for until the broker is free."""
        while True:
            try:
                return client.query(shown=self.wire.ShownQuery(dossier=dossier, **narrow))
            except Refused as refused:
                if refused.code != "E_BUSY":
                    raise
                client.receive(0.05)

    def pages(self, dossier, unit="audyt", between=lambda: None, **narrow):
        """All pages of an answer; between() is done between two."""
        pages = []
        with self.world.session(unit, "asks") as client:
            while not pages or pages[-1].next_record:
                if pages:
                    self.assertLess(len(pages), PAGES_MAX, "the answer does not end")
                    between()
                    narrow["from_record"] = pages[-1].next_record
                pages.append(self.ask(client, dossier, **narrow))
                self.assert_page(pages[-1])
        return pages

    def reads(self, dossier, **narrow):
        """The reads of all pages."""
        return [read for page in self.pages(dossier, **narrow) for read in page.reads]

    def accounts(self):
        """The records of reads: {seq: body}."""
        with self.world.session("audyt", "accounts") as client:
            return {delivery.seq: section.sys_access_recorded_s0
                    for delivery in client.read_all(type="SYS_ACCESS_RECORDED")
                    for section in self.world.wici.sections(delivery)[9120]}

    @staticmethod
    def told(reads):
        """What an answer says of reads that are recorded: everything but questions, which asking itself adds to."""
        return [(read.record, read.ts_ms, read.unit, read.cursor, read.why, read.possibly, read.narrowed,
                 [(one.seq, list(one.classes), one.at_most) for one in read.shown])
                for read in reads if read.record and not read.question]

    @staticmethod
    def seqs(read):
        """The events that a read is told to have been given."""
        return [one.seq for one in read.shown]

    def assert_page(self, page):
        """What holds of each page: ascending records, then what goes on; each event described once."""
        records = [read.record for read in page.reads]
        recorded = [record for record in records if record]
        self.assertEqual(recorded, sorted(set(recorded)))
        self.assertEqual(records, recorded + [0] * (len(records) - len(recorded)))
        self.assertLessEqual(len(records), 1024)
        events = [event.seq for event in page.events]
        self.assertEqual(events, sorted(set(events)))
        self.assertEqual(set(events), {one.seq for read in page.reads for one in read.shown})
        self.assertLessEqual(sum(len(read.shown) for read in page.reads), 12288)

    def follow(self, client, dossier, subscription, seqs, cursor="", window=0):
        """Subscribes from the first of these seqs, and takes and acknowledges all of them."""
        client.subscribe(subscription, cursor, dossiers=[dossier] if dossier else (), window=window, from_seq=seqs[0])
        taken = []
        while not taken or taken[-1] < seqs[-1]:
            taken.append(client.next_delivery(subscription).seq)
            client.ack(subscription, taken[-1])
        self.assertEqual(taken, seqs)

    # ---- who was only told

    def written(self, client, event):
        """Publishes one event; its seq."""
        answer, = client.publish(event)
        self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
        return answer.receipt.seq

    def told_of_a_withdrawal(self):
        """A dossier in which a unit never had a part, and the record that tells it that a consent was withdrawn."""
        kept, taken, consent = new_id(), new_id(), new_id()
        if "pcpr-fcc" not in self.world.units:
            with self.world.session("admin", "enrols") as admin:
                self.world.command(admin, "SYS_AGENCY_ENROLLED", sys_agency_enrolled_s0={
                    "agency_id": "pcpr", "name": "Powiatowe Centrum", "kinds": ["FOSTER_ORG"]})
                self.world.enrol(admin, "pcpr-fcc", "pcpr", ["FCC"])

        def event(event_type, dossier, *sections, **header):
            return self.world.event("ops-sw", event_type, dossier, *sections, **header)

        def unit(name):
            return {name: {"unit": "pcpr-fcc"}}

        with self.world.session("ops-sw", "consent") as client:
            for dossier in (kept, taken):
                self.written(client, event("CASE_OPENED", dossier, {"case_opened_s0": {
                    "opened_on": "2026-03-01", "proceeding_started_on": "2026-03-01", "gmina": "3261011"}}, {
                        "subjects": ["osoba-1"], "case_opened_s1": {"household": [{"person_ref": "osoba-1"}]}}, {
                            "case_opened_s6": {"path": "ORDINARY"}}))
            self.written(client, event("CONSENT_GRANTED", taken, {
                "consent_granted_s0": {"consent_id": consent, "given_on": "2026-03-01"}}, {"subjects": ["osoba-1"], "consent_granted_s1": {
                    "given_by": {"person_ref": "osoba-1"}}}, {"consent_granted_s6": {"kind": "DATA_SHARING"}}))
            self.written(client, event("SYS_PARTICIPANT_ADDED", taken, unit("sys_participant_added_s0")))
            self.written(client, event("PLACEMENT_CHANGED", taken, {"placement_changed_s0": {"effective_on": "2026-03-02"}}, {
                "subjects": ["osoba-1"], "placement_changed_s1": {"child": {"person_ref": "osoba-1"}}}, {
                    "subjects": ["osoba-1"], "placement_changed_s3": {"kind": "PLACED"}}, consent_ref=consent))
            self.written(client, event("SYS_PARTICIPANT_REMOVED", taken, unit("sys_participant_removed_s0")))
            self.written(client, event("CASE_LINKED", taken, {"case_linked_s0": {
                "kind": "MERGED_INTO", "other_dossier": kept}}))
            return kept, self.written(client, event("CONSENT_WITHDRAWN", kept, {
                "consent_withdrawn_s0": {"consent_id": consent, "withdrawn_on": "2026-03-05"}}, {
                    "subjects": ["osoba-1"], "consent_withdrawn_s1": {"by": {"person_ref": "osoba-1"}}}, {
                        "consent_withdrawn_s6": {"effect": "STOP_SHARING"}}))

    def test_who_was_only_told_finds_it_by_its_dossier_and_is_in_the_account(self):
        dossier, seq = self.told_of_a_withdrawal()
        self.assertEqual(self.read("pcpr-fcc", dossier), [seq])
        with self.world.session("pcpr-fcc", "follows") as client:
            client.subscribe(1, dossiers=[dossier])
            self.assertEqual([delivery.seq for delivery in client.deliveries_to(1, seq)], [seq])
        shown = [read for read in self.reads(dossier) if read.unit == "pcpr-fcc"]
        self.assertEqual([self.seqs(read) for read in shown], [[seq], [seq]])
        self.assertEqual(self.read("sad-rodzinny", dossier), [])

    # ---- pages

    def test_pages_go_on_exactly_while_publishing_and_reading_go_on(self):
        """Full of events: of each read some hundred, so that a page ends long before 1,024 reads."""
        dossier, more = new_id(), threading.Event()
        seqs = self.letters(dossier, 500, text="x" * 20)
        with self.world.session("ops-sw2", "reads") as client:
            for _ in range(130):
                self.assertTrue(client.read(dossier=dossier).deliveries)

        def publish():
            while not more.is_set():
                seqs.extend(self.letters(dossier, 8, text="y"))

        publisher = threading.Thread(target=publish)
        publisher.start()
        try:
            pages = self.pages(dossier, between=lambda: self.read("ops-sw2", dossier, from_seq=seqs[100]))
        finally:
            more.set()
            publisher.join()
        self.assertGreater(len(pages), 1)
        self.assert_all_told(pages, dossier, seqs)

    def test_pages_go_on_exactly_where_there_are_many_reads(self):
        """Full of reads: questions of an auditor, each of which is recorded."""
        dossier = new_id()
        seqs = self.letters(dossier, 2)
        with self.world.session("audyt", "questions") as client:
            for _ in range(21):
                for number in range(100):
                    client.send(query=self.wire.Query(request=1 + number, group=self.wire.GroupQuery(dossier=dossier)))
                for number in range(100):
                    client.wait("query_result", request=1 + number)
        pages = self.pages(dossier, between=lambda: self.read("ops-sw2", dossier))
        self.assertEqual([len(page.reads) for page in pages[:2]], [1024, 1024])
        self.assertEqual(len(pages), 3)
        self.assert_all_told(pages, dossier, seqs)
        questions = [read for page in pages for read in page.reads if read.question == "group"]
        self.assertEqual(len(questions), 2100)
        self.assertEqual({len(read.shown) for read in questions}, {0})

    def assert_all_told(self, pages, dossier, seqs):
        """Each record of a read of the dossier is told once, with exactly the events in its stretch."""
        reads = [read for page in pages for read in page.reads]
        self.assertEqual({read.record == 0 for read in reads}, {False})
        accounts = self.accounts()
        entry = next(accounts[read.record].dossier_entry for read in reads if accounts[read.record].dossier_entry)
        want = [record for record, body in accounts.items()
                if body.dossier_entry == entry and record <= pages[-1].as_of_seq]
        self.assertEqual([read.record for read in reads], want)
        for read in reads:
            body = accounts[read.record]
            self.assertEqual((read.unit, read.question), (body.unit, body.question))
            if not body.question:
                self.assertEqual(self.seqs(read), [seq for seq in seqs if body.from_seq <= seq <= body.to_seq])
                self.assertEqual(len(read.shown), body.events)

    def test_reads_under_way_that_fill_more_than_a_page_are_each_told_once(self):
        dossier = new_id()
        seqs = self.letters(dossier, 980)
        with self.world.session("ops-sw2", "under-way") as client:
            for number in range(1, 15):
                self.follow(client, dossier, number, seqs)
            reads = self.reads(dossier)
        given = [read for read in reads if read.unit == "ops-sw2"]
        self.assertEqual([self.seqs(read) for read in given], [seqs] * 14)
        self.assertEqual(len({read.record for read in given if read.record}),
                         len([read for read in given if read.record]))

    # ---- bounds of time

    def test_since_and_until_bound_the_time_of_the_records(self):
        dossier = new_id()
        seqs = self.letters(dossier, 3)
        for _ in range(6):
            self.read("ops-sw2", dossier)
        whole = [read for read in self.reads(dossier) if not read.question]
        self.assertEqual([self.seqs(read) for read in whole], [seqs] * 6)

        def within(since=0, until=1 << 60, record=0):
            return [read for read in whole if since <= read.ts_ms < until and read.record >= record]

        early, late, end = (whole[index].ts_ms for index in (1, 3, 5))
        for bounds, want in (({"since": text(early)}, within(early)), ({"since": text(end + 1)}, []),
                             ({"until": text(late)}, within(until=late)), ({"until": text(end + 1)}, whole),
                             ({"until": text(whole[0].ts_ms)}, []),
                             ({"since": text(early), "until": text(end)}, within(early, end)),
                             ({"since": text(end), "until": text(early)}, []),
                             ({"since": stamp(3600)}, []), ({"until": stamp(3600)}, whole),
                             ({"from_record": whole[2].record}, whole[2:]),
                             ({"from_record": whole[1].record + 1, "until": text(end)},
                              within(until=end, record=whole[2].record)),
                             ({"from_record": whole[0].record, "since": text(late)}, within(late))):
            with self.subTest(bounds):
                self.assertEqual(self.told(self.reads(dossier, **bounds)), self.told(want))
        with self.world.session("audyt", "asks") as client:
            for name in ("since", "until"):
                with self.assertRaises(Refused) as caught:
                    self.ask(client, dossier, **{name: "yesterday"})
                self.assertEqual((caught.exception.code, caught.exception.path), ("E_REQUEST", f"query.shown.{name}"))

    def test_a_read_under_way_has_no_end_yet_and_so_is_within_an_until_that_is_to_come(self):
        dossier = new_id()
        seqs = self.letters(dossier, 2)
        with self.world.session("ops-sw2", "until") as client:
            self.follow(client, dossier, 1, seqs)
            self.assertEqual([(read.record, self.seqs(read)) for read in self.reads(dossier, until=stamp(3600))],
                             [(0, seqs)])
            self.assertEqual(self.reads(dossier, until=stamp(-1)), [])

    # ---- windows, crashes, restarts

    def test_a_replay_is_listed_once_for_each_window(self):
        dossier = new_id()
        seqs = self.letters(dossier, 2300)
        for cursor in ("first", "again"):
            with self.world.session("ops-sw2", cursor) as client:
                self.follow(client, dossier, 1, seqs, cursor)
                client.unsubscribe(1)
                client.query(directory=self.wire.DirectoryQuery())  # so that has taken effect
        reads = [read for read in self.reads(dossier) if not read.question]
        self.assertEqual([(read.cursor, self.seqs(read)) for read in reads],
                         [(cursor, seqs[first:first + 1000]) for cursor in ("first", "again")
                          for first in (0, 1000, 2000)])
        self.assertEqual({tuple(one.classes) for read in reads for one in read.shown}, {(S0, S6)})
        before = self.told(reads)
        self.world.stop()
        self.world.broker.start()
        self.assertEqual(self.told(self.reads(dossier)), before)

    def test_the_answer_is_the_same_after_a_restart_and_what_went_on_has_its_record(self):
        dossier, other = new_id(), new_id()
        seqs = self.letters(dossier, 5)
        aside = self.letters(other, 1)
        self.read("ops-sw2", dossier)
        self.read("audyt", dossier, reason="skarga 7")
        with self.world.session("ops-sw2", "goes-on") as client:
            self.follow(client, dossier, 1, seqs)
            client.subscribe(2, dossiers=[dossier, other], from_seq=seqs[0])
            while client.next_delivery(2).seq < aside[-1]:
                pass
            before = self.reads(dossier)
            self.world.stop()
        self.world.broker.start()
        after = self.reads(dossier)
        recorded = self.told(before)
        self.assertEqual([[one[2], one[4]] for one in recorded], [["ops-sw2", ""], ["audyt", "skarga 7"]])
        self.assertEqual(self.told(after)[:2], recorded)
        going = [(read.unit, read.cursor, read.narrowed, self.seqs(read)) for read in before if not read.record]
        self.assertEqual(sorted(going), [("ops-sw2", "goes-on", False, seqs), ("ops-sw2", "goes-on", True, seqs)])
        self.assertEqual(sorted((read.unit, read.cursor, read.narrowed, self.seqs(read)) for read in after
                                if read.record and read.cursor == "goes-on"), sorted(going))

    def test_after_a_crash_it_is_possibly_and_no_more_than_a_stream_could_have_given(self):
        dossier, mine = new_id(), new_id()
        seqs = self.letters(dossier, 6)
        self.letters(mine, 1, unit="ops-sw2", to="ops-sw")
        self.read("ops-sw2", dossier)
        with self.world.session("ops-sw2", "dies") as client, self.world.session("audyt", "dies") as auditor:
            client.subscribe(1, "dying", dossiers=[dossier], from_seq=seqs[1])
            self.assertEqual(client.next_delivery(1).seq, seqs[1])
            auditor.subscribe(1, dossiers=[dossier], from_seq=seqs[3])
            self.assertEqual(auditor.next_delivery(1).seq, seqs[3])
            before = self.reads(dossier)
            self.world.broker.kill()
        self.world.broker.start()
        after = self.reads(dossier)
        self.assertEqual(self.told(after)[:1], self.told(before)[:1])
        possibly = {read.unit: read for read in after if read.possibly}
        self.assertEqual(sorted(possibly), ["audyt", "ops-sw2"])
        self.assertEqual(possibly["ops-sw2"].cursor, "dying")
        self.assertEqual(self.seqs(possibly["ops-sw2"]), seqs[1:])
        self.assertEqual({tuple(one.classes) for one in possibly["ops-sw2"].shown}, {(S0, S6)})
        self.assertEqual(self.seqs(possibly["audyt"]), seqs[3:])
        self.assertEqual({tuple(one.classes) for one in possibly["audyt"].shown}, {(S0,)})  # a stream has no content
        for read in before:  # nothing that was told is lost
            if not read.record:
                self.assertLessEqual({one.seq for one in read.shown}, set(self.seqs(possibly[read.unit])))
        with self.world.session("ops-sw2", "dies") as client:  # it comes back, and is given again what it did not keep
            client.subscribe(1, "dying", dossiers=[dossier], from_seq=seqs[1])
            self.assertEqual(client.next_delivery(1).seq, seqs[1])
            self.world.stop()
        self.world.broker.start()
        last = self.reads(dossier)
        self.assertEqual(self.told(last)[:len(self.told(after))], self.told(after))  # once: the marks are gone
        again = [read for read in last if read.cursor == "dying"]
        self.assertEqual([read.possibly for read in again], [True, False])
        self.assertEqual(self.seqs(again[1]), seqs[1:])

    # ---- erasure

    def erase(self, dossier):
        """Orders an erasure and waits for its end."""
        with self.world.session("admin", "erases") as admin:
            done = admin.query(erase=self.wire.EraseQuery(
                dossiers=[dossier], reason="COURT_ORDER", order_sha256=hashlib.sha256(b"order").hexdigest()))
            self.assertTrue(done.done)

    def test_of_an_erased_dossier_nothing_is_told_and_of_the_others_the_same(self):
        gone, stays = new_id(), new_id()
        self.letters(gone, 3)
        seqs = self.letters(stays, 3)
        for dossier in (gone, stays):
            self.read("ops-sw2", dossier)
        with self.world.session("ops-sw2", "both") as client:
            client.subscribe(1, dossiers=[gone, stays], from_seq=seqs[0] - 3)
            while client.next_delivery(1).seq < seqs[-1]:
                pass
            client.unsubscribe(1)
            client.query(directory=self.wire.DirectoryQuery())
        before = self.told(self.reads(stays))
        self.assertEqual([one[6] for one in before], [False, True])
        self.assertEqual(len(self.told(self.reads(gone))), 2)
        self.erase(gone)
        for _ in range(2):
            with self.world.session("audyt", "asks") as client, self.assertRaises(Refused) as caught:
                self.ask(client, gone)
            self.assertEqual((caught.exception.code, caught.exception.path), ("E_UNKNOWN", "query.shown.dossier"))
            self.assertEqual(self.told(self.reads(stays)), before)
            self.world.stop()
            self.world.broker.start()

    def test_what_a_link_with_an_erased_dossier_gave_cannot_be_told_and_the_answer_says_so(self):
        ordered, case = new_id(), new_id()
        self.publish("sad-rodzinny", "COURT_ORDER_ISSUED", ordered, {"court_order_issued_s0": {"issued_on": "2026-03-02"}},
                     {"subjects": ["osoba-1"], "court_order_issued_s1": {"obliged_persons": [
                         {"person_ref": "osoba-1"}]}},
                     {"subjects": ["osoba-1"], "court_order_issued_s5": {
                         "court_ref": "III Nsm 7/26", "order_kind": "OBLIGE_COOPERATION"}}, to=["ops-sw"])
        self.publish("ops-sw", "CASE_OPENED", case, {"case_opened_s0": {
            "opened_on": "2026-03-03", "proceeding_started_on": "2026-03-03", "gmina": "3261011"}},
                     {"subjects": ["osoba-1"], "case_opened_s1": {"household": [
                         {"person_ref": "osoba-1", "relation": "syn"}]}}, {"case_opened_s6": {"path": "ORDINARY"}})
        linked = self.publish("ops-sw", "CASE_LINKED", case, {"case_linked_s0": {
            "kind": "CONTINUED_FROM", "other_dossier": ordered}}, {"case_linked_s6": {"reason": "x"}})
        self.assertEqual(self.read("sad-rodzinny", case), [linked])
        pages = self.pages(case)
        self.assertEqual([self.seqs(read) for page in pages for read in page.reads if not read.question], [[linked]])
        self.erase(ordered)
        pages = self.pages(case)
        self.assertEqual([self.seqs(read) for page in pages for read in page.reads if not read.question], [])
        self.assertEqual({page.after_erasure for page in pages}, {True})

    # ---- who asked is gone

    def test_of_a_document_that_was_read_it_is_told_which_to_who_is_given_it(self):
        """As who asks counts them; a document of a part that is not for the asker is no more than "a document"."""
        dossier, files = new_id(), [b"pismo do sadu", b"pismo do wszystkich"]
        digests = [hashlib.sha256(file).hexdigest() for file in files]
        first, second = ({"info_provided_s6": {
            "doc_kind": "INFORMATION", "text": "w załączeniu",
            "documents": [{"sha256": digest, "size": len(file), "media_type": "text/plain"}]}}
            for digest, file in zip(digests, files))
        with self.world.session("ops-sw", "opens") as client:
            client.publish(self.world.event(
                "ops-sw", "CASE_OPENED", dossier,
                {"case_opened_s0": {"opened_on": "2026-03-02", "proceeding_started_on": "2026-03-02", "gmina": "3261011"}},
                {"case_opened_s1": {"household": [{"person_ref": "osoba-1"}]}}, {"case_opened_s6": {"path": "ORDINARY"}}))
        self.letters(dossier, 1, to="sp12-pedagog")
        with self.world.session("sp12-pedagog", "writes") as client:
            for file in files:
                client.upload(file)
            answer = client.publish(self.world.event(
                "sp12-pedagog", "INFO_PROVIDED", dossier, letter("x")[0], {"only_for": ["ops-sw2"], **first}, second,
                to=["ops-sw", "ops-sw2"]))[0]
            seq = answer.receipt.seq
            self.assertGreater(seq, 0, answer)
        with self.world.session("ops-sw2", "fetches") as client:
            for digest in reversed(digests):
                client.document(seq, bytes.fromhex(digest))
        with self.world.session("ops-sw", "fetches") as client:
            self.assertRaises(Refused, client.document, seq, bytes.fromhex(digests[0]))
            client.document(seq, bytes.fromhex(digests[1]))
        self.assertEqual([(body.unit, body.from_seq, body.document) for _, body in sorted(self.accounts().items())
                          if body.question == "document"],
                         [("ops-sw2", seq, 2), ("ops-sw2", seq, 1), ("ops-sw", seq, 2)])
        for unit, told in (("audyt", [(seq, 2), (seq, 1), (seq, 2)]), ("ops-sw", [(seq, 1), (0, 0), (seq, 1)])):
            reads = [read for read in self.reads(dossier, unit=unit) if read.question == "document"]
            self.assertEqual([(read.seq, read.document) for read in reads], told, unit)

    def test_who_comes_back_under_the_same_name_is_not_kept_waiting_by_its_own_question(self):
        dossier = new_id()
        self.letters(new_id(), 3000)
        seqs = self.letters(dossier, 1)
        self.read("ops-sw2", dossier)
        with self.world.session("audyt", "again") as first, self.world.session("audyt", "later") as other:
            first.send(query=self.wire.Query(request=900, shown=self.wire.ShownQuery(dossier=dossier)))
            with self.world.session("audyt", "again") as second:
                answer = second.query(shown=self.wire.ShownQuery(dossier=dossier))
                self.assertEqual([self.seqs(read) for read in answer.reads if not read.question], [seqs])
            self.ask(other, dossier)


if __name__ == "__main__":
    unittest.main()
