"""A stranger's client against the real broker: what docs/PROTOCOL.md promises, seen from outside.

wici_client.py was written from the protocol text alone, so a difference found here is a fault of the text or of the
broker.
"""
import shutil
import tempfile
import unittest

import wici_client
from wici_client import Disconnected, KeyRefused, Refused, Timeout, uuid7
from world import World, letter, new_id, referral


class Scenario(unittest.TestCase):
    """One broker for the whole file; each test opens dossiers and sessions of its own."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-interop-")
        cls.world = World(cls.root)
        cls.wici = cls.world.wici

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        shutil.rmtree(cls.root)

    # ---- in the tests' own words

    def published(self, client, *events):
        """Publishes events that have to be taken; returns their receipts, checked."""
        answers = client.publish(*events)
        for event, answer in zip(events, answers):
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
            self.wici.check_receipt(event, answer.receipt)
        return [answer.receipt for answer in answers]

    def refused_event(self, client, event, code, path=None):
        """Publishes an event that has to be refused with this code and path."""
        answer = client.publish(event)[0]
        self.assertEqual(answer.WhichOneof("outcome"), "refusal", answer)
        self.assertEqual(answer.refusal.code, code, answer)
        if path is not None:
            self.assertEqual(answer.refusal.path, path)
        self.assertTrue(answer.refusal.pl and answer.refusal.en)
        with self.world.session("audyt", "absent") as auditor:
            self.assertFalse(auditor.read(event_id=answer.event_id).deliveries, "a refused event is in the log")

    def refused(self, code, act, *args, **kwargs):
        """What act does has to be answered Refused with this code; returns the message."""
        with self.assertRaises(Refused) as caught:
            act(*args, **kwargs)
        self.assertEqual(caught.exception.code, code)
        return caught.exception.message

    def open_dossier(self, client, *texts, unit="ops-sw", to="ops-sw2"):
        """A dossier with one info.provided per text; returns its id, the events and the receipts."""
        dossier = new_id()
        events = [self.world.event(unit, "INFO_PROVIDED", dossier, *letter(text), to=[to]) for text in texts]
        return dossier, events, self.published(client, *events)


class Connecting(Scenario):

    def test_an_unknown_key_does_not_get_through_the_handshake(self):
        with self.world.client(None, keys=wici_client.new_key()) as stranger:
            with self.assertRaises(KeyRefused):
                stranger.hello()

    def test_a_wrong_broker_key_ends_the_connection(self):
        with wici_client.Client(self.wici, self.world.broker.endpoint, wici_client.new_key()[0],
                                self.world.keys["ops-sw"]) as client:
            with self.assertRaises((Disconnected, KeyRefused, Timeout)):
                client.hello(timeout=2)

    def test_welcome_names_the_log_the_unit_and_the_next_number(self):
        with self.world.session("sp12-pedagog") as client:
            welcome = client.welcome
            self.assertEqual((welcome.protocol, welcome.agency, welcome.unit), (1, "sp12", "sp12-pedagog"))
            self.assertEqual(list(welcome.roles), [self.wici.common.SCH])
            self.assertEqual(welcome.next_number, 1)
            self.assertEqual(len(welcome.head.leaf_hash), 32)
            self.assertGreater(welcome.head.seq, 0)
            self.assertTrue(welcome.origin and welcome.policy_version and welcome.time)
            self.assertEqual((welcome.message_size_max, welcome.window_bytes_max), (1 << 20, 1 << 20))

    def test_before_hello_everything_is_refused_and_not_recorded(self):
        wire = self.wici.wire
        event = self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("przed Hello"), to=["ops-sw2"])
        with self.world.client("ops-sw", "early") as client:
            client.next_number = 1
            self.refused("E_STATE", client.publish, event)
            self.refused("E_STATE", client.subscribe, 1)
            self.refused("E_STATE", client.read, dossier=new_id())
            self.refused("E_STATE", client.query, status=wire.StatusQuery())
            client.hello()
            self.assertEqual(client.next_number, 1)
        with self.world.session("audyt", "early") as auditor:
            self.assertFalse(auditor.read(event_id=self.wici.header(event).event_id).deliveries)

    def test_another_protocol_version_is_refused(self):
        with self.world.client("ops-sw", "version") as client:
            self.refused("E_PROTOCOL", client.hello, protocol=2)
            client.hello()

    def test_a_second_hello_is_refused(self):
        with self.world.session("ops-sw", "twice") as client:
            self.refused("E_STATE", client.hello)

    def test_a_bad_session_name_is_refused(self):
        with self.world.client("ops-sw", "a name with blanks") as client:
            self.refused("E_REQUEST", client.hello)

    def test_another_connection_takes_a_session_over(self):
        with self.world.session("ops-sw", "shared") as old, self.world.session("ops-sw", "shared") as new:
            self.refused("E_TAKEN_OVER", old.wait, "welcome")
            self.refused("E_STATE", old.publish, self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x")))
            self.open_dossier(new, "the new one goes on")

    def test_a_position_of_another_log_is_noticed(self):
        with self.world.session("ops-sw", "diverged") as client:
            self.assertIsNone(client.diverged)
            known = client.head
        with self.world.session("ops-sw", "diverged", known) as client:
            self.assertIsNone(client.diverged)
        other = self.wici.wire.Position(epoch=known.epoch, seq=known.seq, leaf_hash=bytes(32))
        with self.world.session("ops-sw", "diverged", other) as client:
            self.assertEqual(client.diverged.refusal.code, "E_LOG_DIVERGED")
        ahead = self.wici.wire.Position(epoch=known.epoch, seq=known.seq + 1000, leaf_hash=known.leaf_hash)
        with self.world.session("ops-sw", "diverged", ahead) as client:
            self.assertEqual(client.diverged.refusal.code, "E_LOG_DIVERGED")

    def test_what_cannot_be_read_is_refused_and_the_connection_goes_on(self):
        with self.world.session("ops-sw", "garbage") as client:
            client.send_raw(b"\xff\xff\xff\xff garbage")
            self.refused("E_DECODE", client.wait, "welcome")
            client.send_raw(b"")
            self.refused("E_DECODE", client.wait, "welcome")
            client.send_raw(b"two", b"frames")
            self.refused("E_DECODE", client.wait, "welcome")
            self.open_dossier(client, "after garbage")

    def test_a_message_that_is_too_large_closes_the_connection(self):
        with self.world.session("ops-sw", "large") as client:
            client.send_raw(bytes((1 << 20) + 1))
            with self.assertRaises(Disconnected):
                client.wait("welcome")

    def test_a_suspended_unit_is_answered_e_key_and_gets_nothing_more(self):
        world = self.world
        with world.session("admin", "suspending") as admin:
            world.enrol(admin, "ops-sw9", "ops", ["SW"])
            with world.session("ops-sw9") as client, world.session("ops-sw") as other:
                client.subscribe(1, live=True)
                dossier, _, receipts = self.open_dossier(other, "vor", to="ops-sw9")
                self.assertEqual(client.next_delivery(1).seq, receipts[0].seq)
                world.command(admin, "SYS_UNIT_SUSPENDED", sys_unit_suspended_s0={"unit_id": "ops-sw9"})
                self.published(other, world.event("ops-sw", "INFO_PROVIDED", dossier, *letter("po"), to=["ops-sw9"]))
                self.refused("E_KEY", client.publish, world.event("ops-sw9", "INFO_PROVIDED", dossier, *letter("x")))
                self.assertFalse(client.batches[1], "something was delivered to a suspended unit")
            with world.client("ops-sw9") as client:
                with self.assertRaises(KeyRefused):
                    client.hello()
            world.command(admin, "SYS_UNIT_RESUMED", sys_unit_resumed_s0={"unit_id": "ops-sw9"})
            with world.session("ops-sw9") as client:
                self.assertEqual(client.welcome.unit, "ops-sw9")

    def test_a_rotated_key_works_and_the_old_one_ends(self):
        world = self.world
        with world.session("admin", "rotating") as admin:
            world.enrol(admin, "ops-sw8", "ops", ["SW"])
            new = wici_client.new_key()
            world.command(admin, "SYS_UNIT_KEY_ROTATED", sys_unit_key_rotated_s0={"unit_id": "ops-sw8", "key": new[0]})
        with world.client("ops-sw8", keys=new) as client:
            self.assertEqual(client.hello().unit, "ops-sw8")
        with world.client("ops-sw8") as client:
            with self.assertRaises(KeyRefused):
                client.hello()


class Publishing(Scenario):

    def test_a_receipt_proves_what_the_log_holds(self):
        with self.world.session("ops-sw", "proof") as client:
            _, events, receipts = self.open_dossier(client, "raz", "dwa", "trzy")
            self.assertEqual([r.seq for r in receipts], sorted({r.seq for r in receipts}))
            read = client.read(event_id=self.wici.header(events[2]).event_id).deliveries
            self.assertEqual(len(read), 1)
            self.assertEqual(self.wici.check_delivery(read[0]), self.wici.leaf_hash(receipts[2]))
            self.assertEqual([p.body for p in read[0].parts if p.slot.section_id % 10 != 9],
                             [events[2].header, *events[2].sections], "not the bytes that were published")
            with self.assertRaises(wici_client.Damaged):
                self.wici.check_receipt(events[1], receipts[2])

    def test_the_head_is_the_leaf_of_the_last_record(self):
        with self.world.session("admin", "head") as admin:
            agency = "agency-" + uuid7()[:8]
            event = self.world.event("admin", "SYS_AGENCY_ENROLLED", None, {"sys_agency_enrolled_s0": {
                "agency_id": agency, "name": "Świetlica", "kinds": ["DAY_SUPPORT"]}})
            receipt = self.published(admin, event)[0]
        with self.world.session("audyt", "head") as auditor:
            head = auditor.welcome.head
            self.assertGreaterEqual(head.seq, receipt.seq)
            records = {d.seq: d for d in auditor.read_all(receipt.seq)}
            self.assertEqual(self.wici.check_delivery(records[receipt.seq]), self.wici.leaf_hash(receipt))
            self.assertEqual(self.wici.leaf_hash(records[head.seq]), head.leaf_hash)

    def test_the_same_event_gets_the_same_receipt(self):
        with self.world.session("ops-sw", "again") as client:
            _, events, receipts = self.open_dossier(client, "jeden raz")
            again = self.published(client, events[0])[0]
            self.assertTrue(again.repeated)
            again.repeated = False
            self.assertEqual(again, receipts[0])
        with self.world.session("ops-sw", "again-2") as client:
            same, twice = self.published(client, events[0], events[0])
            self.assertEqual((same.seq, twice.seq), (receipts[0].seq, receipts[0].seq))
        new = self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("dwa razy w jednej"), to=["ops-sw2"])
        with self.world.session("ops-sw", "again-3") as client:
            first, second = self.published(client, new, new)
            self.assertEqual((first.seq, first.repeated, second.repeated), (second.seq, False, True))

    def test_an_id_is_not_taken_for_other_bytes(self):
        with self.world.session("ops-sw", "reuse") as client:
            dossier, events, _ = self.open_dossier(client, "treść")
            event_id = self.wici.header(events[0]).event_id
            other = self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter("inna treść"), to=["ops-sw2"],
                                     event_id=event_id)
            answer = client.publish(other)[0]
            self.assertEqual(answer.refusal.code, "E_ID_REUSE")
        with self.world.session("sp12-pedagog", "reuse") as client:
            answer = client.publish(events[0])[0]
            self.assertIn(answer.refusal.code, ("E_ID_REUSE", "E_ACTOR"))

    def test_numbers_that_are_not_next_are_not_looked_at(self):
        with self.world.session("ops-sw", "gap") as client:
            event = self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("luka"), to=["ops-sw2"])
            client.next_number = 5
            message = self.refused("E_GAP", client.publish, event)
            self.assertEqual((message.number, message.next_number), (5, 1))
            self.assertEqual(client.next_number, 1)
            self.refused_event(client, self.world.event("ops-sw", "CASE_CLOSED", new_id()), "E_SECTION")
            self.assertEqual(client.next_number, 2)  # a Publish whose events were all refused uses its number up
            self.published(client, event)

    def test_answers_come_in_order_with_many_outstanding(self):
        with self.world.session("ops-sw", "window") as client:
            dossier = new_id()
            sent = [[self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter(f"{i}.{j}"), to=["ops-sw2"])
                     for j in range(4)] for i in range(32)]
            numbers = [client.publish_later(*events) for events in sent]
            seqs = []
            for number, events in zip(numbers, sent):
                answers = client.wait("answers", number=number).answers
                for event, answer in zip(events, answers):
                    self.wici.check_receipt(event, answer.receipt)
                    seqs.append(answer.receipt.seq)
            self.assertEqual(seqs, sorted(set(seqs)))

    def test_a_refused_event_does_not_touch_the_others_of_its_message(self):
        with self.world.session("ops-sw", "mixed") as client:
            dossier = new_id()
            good, bad, also = (self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter(text), to=["ops-sw2"])
                               for text in ("dobre", "", "też dobre"))
            answers = client.publish(good, bad, also)
            self.assertEqual([a.WhichOneof("outcome") for a in answers], ["receipt", "refusal", "receipt"])
            self.assertEqual((answers[1].refusal.code, answers[1].refusal.path),
                             ("E_FIELD", "sections[1].infoProvidedS6.text"))
            self.assertLess(answers[0].receipt.seq, answers[2].receipt.seq)

    def test_the_path_of_a_refusal_names_the_field(self):
        event = self.world.event
        s0, s1, s5, s6 = referral()
        with self.world.session("ops-sw", "paths") as client:
            def refer(*sections, **header):
                return event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *sections, **{"to": ["ops-sw2"], **header})
            body = s6["referral_submitted_s6"]
            self.refused_event(client, refer(s0, {"referral_submitted_s6": {**body, "paper_kind": "POSTCARD"}}),
                               "E_FIELD", "sections[1].referralSubmittedS6.paperKind")
            self.refused_event(client, refer({"referral_submitted_s0": {
                "referral_id": new_id(), "information_received_on": "2026-02-30"}}, s1, s6),
                               "E_FIELD", "sections[0].referralSubmittedS0.informationReceivedOn")
            self.refused_event(client, refer(s0, {"referral_submitted_s1": {"persons": [
                {"person_ref": "osoba-1", "birth_date": "wczoraj"}]}}, s6),
                               "E_FIELD", "sections[1].referralSubmittedS1.persons[0].birthDate")
            self.refused_event(client, refer(s0, s1, s5, s6, occurred_at="wczoraj"), "E_FIELD", "header.occurredAt")
            self.refused_event(client, refer(s0, s1, s5, s6, priority="soon"), "E_FIELD", "header.priority")
            self.refused_event(client, refer({**s0, "subjects": ["85010112345"]}, s1, s6), "E_PERSONAL_DATA",
                               "sections[0].subjects[0]")
            self.refused_event(client, refer(s0, s1, s6, occurred_at="2100-01-01T00:00:00Z"),
                               "E_TIME", "header.occurredAt")
            self.refused_event(client, refer(s0, s1, s6, to=["nobody"]), "E_ADDRESS", "header.to[0]")
            self.refused_event(client, refer(s0, s1, s6, event_id=new_id()), "E_ID", "header.eventId")
            self.refused_event(client, refer(s0, s1, s6, actor={"unit": "sp12-pedagog", "agency": "sp12"}), "E_ACTOR")

    def test_sections_have_to_fit_the_type(self):
        s0, s1, s5, s6 = referral()
        with self.world.session("ops-sw", "fit") as client:
            for sections in ((s1, s5), (s0, s1, s6, letter("x")[1]), (s0, s1, {"subjects": ["osoba-1"]}, s6), ()):
                event = self.world.event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *sections, to=["ops-sw2"])
                self.refused_event(client, event, "E_SECTION")

    def test_roles_and_dossiers_are_checked(self):
        event = self.world.event
        with self.world.session("ops-sw", "mine") as client:
            mine, _, _ = self.open_dossier(client, "moja")
        with self.world.session("sp12-pedagog", "roles") as school:
            answer = {"referral_answered_s0": {
                "referral_id": new_id(), "outcome": "RECEIVED", "answered_on": "2026-03-02"}}
            status = {"referral_answered_s6": {"status": "received"}}
            self.refused_event(school, event("sp12-pedagog", "COURT_ORDER_ISSUED", new_id(), *self.court_order(),
                                             to=["ops-sw"]), "E_ROLE")
            self.refused_event(school, event("sp12-pedagog", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw"],
                                             actor={"role": "SW"}), "E_ROLE", "header.actor.role")
            self.refused_event(school, event("sp12-pedagog", "REFERRAL_ANSWERED", new_id(), answer, status),
                               "E_DOSSIER", "header.dossierId")
            self.refused_event(school, event("sp12-pedagog", "REFERRAL_ANSWERED", mine, answer, status),
                               "E_DOSSIER", "header.dossierId")
            self.refused_event(school, event("sp12-pedagog", "SYS_UNIT_SUSPENDED", None, {"sys_unit_suspended_s0": {
                "unit_id": "ops-sw"}}), "E_ROLE")
        with self.world.session("admin", "brk") as admin:
            self.refused_event(admin, event("admin", "SYS_EVENT_REJECTED", None, {"sys_event_rejected_s0": {
                "agency": "ops", "code": "E_ROLE", "count": 1}}), "E_ROLE")

    @staticmethod
    def court_order():
        """Sections of a court.order_issued."""
        return ({"court_order_issued_s0": {"issued_on": "2026-03-02"}},
                {"subjects": ["osoba-1"], "court_order_issued_s1": {"obliged_persons": [{"person_ref": "osoba-1"}]}},
                {"subjects": ["osoba-1"], "court_order_issued_s5": {
                    "court_ref": "III Nsm 7/26", "order_kind": "SUPERVISION"}})

    def test_what_is_enrolled_cannot_be_enrolled_again(self):
        with self.world.session("admin", "exists") as admin:
            for unit, key in (("ops-sw", wici_client.new_key()[0]), ("ops-sw77", self.world.keys["ops-sw"][0])):
                event = self.world.event("admin", "SYS_UNIT_ENROLLED", None, {"sys_unit_enrolled_s0": {
                    "unit_id": unit, "agency_id": "ops", "name": "x", "roles": ["SW"], "key": key}})
                self.refused_event(admin, event, "E_EXISTS")

    def test_an_empty_and_an_overfull_publish_are_refused(self):
        with self.world.session("ops-sw", "counts") as client:
            message = self.refused("E_REQUEST", client.publish)
            self.assertEqual((message.number, message.next_number, message.refusal.path), (1, 1, "publish.events"))
            event = self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"])
            self.refused("E_REQUEST", client.publish, *[event] * 65)
            self.published(client, *[event] * 64)

    def test_bytes_that_are_no_event_are_refused_one_by_one(self):
        with self.world.session("ops-sw", "bytes") as client:
            good = self.world.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"])
            event = self.wici.wire.Event
            number = client.publish_later(event(header=b"\xff\xff"), event(header=good.header, sections=[b"\xff"]),
                                          event(), good)
            answers = client.wait("answers", number=number).answers
            self.assertEqual([(a.refusal.code, a.refusal.path) for a in answers],
                             [("E_DECODE", "header"), ("E_DECODE", "sections[0]"), ("E_TYPE", "header.type"), ("", "")])
            self.assertEqual(answers[0].event_id, "")
            self.wici.check_receipt(good, answers[3].receipt)


class Subscribing(Scenario):

    def test_old_records_flow_into_new_ones_without_gap_or_repeat(self):
        with self.world.session("ops-sw", "flow") as author, self.world.session("ops-sw2", "flow") as reader:
            dossier, _, receipts = self.open_dossier(author, "1", "2", "3")
            reader.subscribe(1, dossiers=[dossier])
            old = reader.deliveries_to(1, receipts[-1].seq)
            self.assertEqual([d.seq for d in old], [r.seq for r in receipts])
            new = self.published(author, *(self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter(f"n{i}"))
                                           for i in range(5)))
            live = reader.deliveries_to(1, new[-1].seq)
            self.assertEqual([d.seq for d in live], [r.seq for r in new])
            for delivery, receipt in zip(old + live, receipts + new):
                self.assertEqual(self.wici.check_delivery(delivery), self.wici.leaf_hash(receipt))

    def test_live_begins_with_what_is_committed_from_now_on(self):
        with self.world.session("ops-sw", "live") as author, self.world.session("ops-sw2", "live") as reader:
            dossier, _, receipts = self.open_dossier(author, "stare")
            subscribed = reader.subscribe(1, dossiers=[dossier], live=True)
            self.assertGreater(subscribed.from_seq, receipts[0].seq)
            new = self.published(author, self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter("nowe")))
            self.assertEqual([d.seq for d in reader.deliveries_to(1, new[0].seq)], [new[0].seq])

    def test_a_start_in_seq_or_in_time_is_kept(self):
        with self.world.session("ops-sw", "start") as author, self.world.session("ops-sw2", "start") as reader:
            dossier, _, receipts = self.open_dossier(author, "1", "2", "3")
            subscribed = reader.subscribe(1, dossiers=[dossier], from_seq=receipts[1].seq)
            self.assertEqual(subscribed.from_seq, receipts[1].seq)
            self.assertEqual([d.seq for d in reader.deliveries_to(1, receipts[2].seq)], [r.seq for r in receipts[1:]])
            reader.subscribe(2, dossiers=[dossier], from_time="2020-01-01T00:00:00Z")
            self.assertEqual([d.seq for d in reader.deliveries_to(2, receipts[2].seq)], [r.seq for r in receipts])
            self.refused("E_REQUEST", reader.subscribe, 3, from_seq=receipts[2].seq + 1_000_000)
            self.refused("E_REQUEST", reader.subscribe, 3, from_time="rok temu")

    def test_a_cursor_goes_on_after_what_was_acknowledged(self):
        with self.world.session("ops-sw", "resume") as author:
            dossier, _, receipts = self.open_dossier(author, *"abcdef")
        with self.world.session("ops-sw2", "resume") as reader:
            reader.subscribe(1, cursor="resume", dossiers=[dossier])
            self.assertEqual([d.seq for d in reader.deliveries_to(1, receipts[5].seq)], [r.seq for r in receipts])
            reader.ack(1, receipts[2].seq)
            cursors = reader.query(cursors=self.wici.wire.CursorsQuery()).cursors
            self.assertEqual([c.seq for c in cursors if c.cursor == "resume"], [receipts[2].seq])
        with self.world.session("ops-sw2", "resume") as reader:
            subscribed = reader.subscribe(7, cursor="resume", dossiers=[dossier], from_seq=1)  # the start is ignored
            self.assertEqual(subscribed.from_seq, receipts[2].seq + 1)
            self.assertEqual([d.seq for d in reader.deliveries_to(7, receipts[5].seq)], [r.seq for r in receipts[3:]])

    def test_cursors_and_receipts_outlive_the_broker(self):
        with self.world.session("ops-sw", "outlive") as author:
            dossier, events, receipts = self.open_dossier(author, *"abcd")
        with self.world.session("ops-sw2", "outlive") as reader:
            reader.subscribe(1, cursor="outlive", dossiers=[dossier])
            reader.deliveries_to(1, receipts[3].seq)
            reader.ack(1, receipts[1].seq)
            reader.query(status=self.wici.wire.StatusQuery())  # so the Ack has been taken
            head = reader.welcome.head
            self.world.broker.stop()
            with self.assertRaises(Disconnected):
                reader.wait("welcome")
        self.world.broker.start()
        with self.world.session("ops-sw2", "outlive", head) as reader:
            self.assertIsNone(reader.diverged)
            self.assertEqual(reader.subscribe(1, cursor="outlive", dossiers=[dossier]).from_seq, receipts[1].seq + 1)
            self.assertEqual([d.seq for d in reader.deliveries_to(1, receipts[3].seq)], [r.seq for r in receipts[2:]])
        with self.world.session("ops-sw", "outlive") as author:
            for again, receipt in zip(self.published(author, *events), receipts):
                self.assertTrue(again.repeated)
                again.repeated = False
                self.assertEqual(again, receipt)

    def test_a_cursor_with_another_filter_is_refused(self):
        with self.world.session("ops-sw2", "filter") as reader:
            reader.subscribe(1, cursor="filter", families=["info"])
            reader.unsubscribe(1)
            message = self.refused("E_CURSOR", reader.subscribe, 2, cursor="filter", families=["case"])
            self.assertEqual(message.subscription, 2)
            reader.subscribe(2, cursor="filter", families=["info"])

    def test_a_cursor_in_use_is_taken_over(self):
        with self.world.session("ops-sw2", "one") as one, self.world.session("ops-sw2", "two") as two:
            one.subscribe(4, cursor="over")
            two.subscribe(9, cursor="over")
            self.assertEqual(self.refused("E_TAKEN_OVER", one.wait, "subscribed", subscription=4).subscription, 4)
            one.query(status=self.wici.wire.StatusQuery())  # the session itself goes on

    def test_a_family_filter_holds_for_old_and_new(self):
        with self.world.session("ops-sw", "family") as author, self.world.session("ops-sw2", "family") as reader:
            _, _, info = self.open_dossier(author, "info")
            event = self.world.event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *referral(), to=["ops-sw2"])
            old = self.published(author, event)[0]
            reader.subscribe(1, families=["referral"], from_seq=info[0].seq)
            self.assertEqual([d.seq for d in reader.deliveries_to(1, old.seq)], [old.seq])
            self.open_dossier(author, "info znowu")
            event = self.world.event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *referral(), to=["ops-sw2"])
            new = self.published(author, event)[0]
            self.assertEqual([d.seq for d in reader.deliveries_to(1, new.seq)], [new.seq])
            self.refused("E_REQUEST", reader.subscribe, 2, families=["weather"])
            self.refused("E_REQUEST", reader.subscribe, 2, dossiers=["teczka"])
            self.refused("E_LIMIT", reader.subscribe, 2, dossiers=[new_id() for _ in range(257)])

    def test_positions_tell_of_progress_where_nothing_is_for_a_subscription(self):
        with self.world.session("ops-sw", "pos") as author, self.world.session("sad-rodzinny", "pos") as court:
            court.subscribe(1, families=["court"])
            _, _, receipts = self.open_dossier(author, "nie dla sądu")
            self.assertEqual(court.deliveries_to(1, receipts[0].seq), [])
            self.assertGreaterEqual(court.head.seq, receipts[0].seq)
            self.assertEqual(len(court.head.leaf_hash), 32)
            court.ack(1, court.positions[1])  # may be acknowledged

    def test_no_more_is_sent_than_there_is_credit_for(self):
        window = 8 << 10
        with self.world.session("ops-sw", "credit") as author, self.world.session("ops-sw2", "credit") as reader:
            dossier, _, receipts = self.open_dossier(author, *(str(i) * 3000 for i in range(8)))
            subscribed = reader.subscribe(1, dossiers=[dossier], window=window, from_seq=receipts[0].seq)
            self.assertEqual(subscribed.window_bytes, window)
            got, outstanding = [], {}
            while len(got) < len(receipts):
                delivery = reader.next_delivery(1)
                got.append(delivery.seq)
                outstanding[delivery.seq] = delivery.ByteSize()
                self.assertTrue(sum(outstanding.values()) <= window or len(outstanding) == 1)
                if not reader.batches[1]:
                    reader.query(status=self.wici.wire.StatusQuery())  # what may be sent is here before this answer
                if not reader.batches[1]:
                    reader.ack(1, delivery.seq)
                    outstanding.clear()
            self.assertEqual(got, [r.seq for r in receipts])

    def test_a_larger_delivery_is_sent_when_nothing_is_outstanding(self):
        with self.world.session("ops-sw", "big") as author, self.world.session("ops-sw2", "big") as reader:
            dossier, _, receipts = self.open_dossier(author, "x" * 20000, "y" * 20000)
            reader.subscribe(1, dossiers=[dossier], window=4096, from_seq=receipts[0].seq)
            for receipt in receipts:
                self.assertEqual(reader.next_delivery(1).seq, receipt.seq)
                self.assertFalse(reader.batches[1])
                reader.ack(1, receipt.seq)

    def test_wrong_acks_and_subscriptions_are_refused(self):
        with self.world.session("ops-sw", "wrong") as author, self.world.session("ops-sw2", "wrong") as reader:
            dossier, _, receipts = self.open_dossier(author, "1", "2")
            self.refused("E_REQUEST", reader.subscribe, 0)
            reader.subscribe(1, dossiers=[dossier])
            self.refused("E_REQUEST", reader.subscribe, 1)
            reader.deliveries_to(1, receipts[1].seq)
            reader.ack(1, receipts[1].seq + 1_000_000)
            self.refused("E_REQUEST", reader.wait, "subscribed", subscription=1)
            reader.ack(1, receipts[1].seq)
            reader.ack(1, receipts[0].seq)
            self.refused("E_REQUEST", reader.wait, "subscribed", subscription=1)
            reader.unsubscribe(1)
            reader.unsubscribe(1)
            self.refused("E_REQUEST", reader.wait, "subscribed", subscription=1)
            for number in range(2, 18):
                reader.subscribe(number)
            self.refused("E_LIMIT", reader.subscribe, 18)


class Reading(Scenario):

    def test_withheld_sections_are_really_absent(self):
        with self.world.session("ops-sw", "absent") as author, self.world.session("sp12-pedagog", "absent") as school, \
                self.world.session("sad-rodzinny", "absent") as court:
            for client in (school, court):
                client.raw_bytes = bytearray()
                client.subscribe(1, live=True)
            dossier = new_id()
            mark = uuid7()
            event = self.world.event("ops-sw", "REFERRAL_SUBMITTED", dossier, *referral(mark), to=["sp12-pedagog"])
            hidden = self.world.event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *referral(mark, not_to=["sp12"]),
                                      to=["sp12-pedagog"])
            receipt, marked = self.published(author, event, hidden)
            self.assertIn("W_WITHHELD", [w.code for w in receipt.warnings])

            first, second = school.deliveries_to(1, marked.seq)
            self.assertEqual(self.wici.check_delivery(first), self.wici.leaf_hash(receipt))
            self.assertEqual(sorted(self.wici.sections(first)), [1010, 1011, 1016])  # a school is given no S5
            self.assertEqual(sorted(self.wici.sections(second)), [1010, 1011])  # and this S6 is not for it
            self.assertEqual(len(first.digests), 32 * 32)
            school.read(dossier=dossier)
            self.assertIn(f"OPIS-S6{mark}".encode(), school.raw_bytes)
            self.assertNotIn(b"POWODY-S5", school.raw_bytes)
            for receipt, section_id in ((receipt, 1015), (marked, 1015), (marked, 1016)):
                salt = next(slot.salt for slot in receipt.slots if slot.section_id == section_id)
                self.assertNotIn(salt, school.raw_bytes, "the salt of a withheld section was told")

            self.assertEqual(court.deliveries_to(1, marked.seq), [])
            self.assertFalse(court.read(dossier=dossier).deliveries)
            self.assertFalse(court.read(dossier=new_id()).deliveries)
            event_id = self.wici.header(event).event_id
            self.assertFalse(court.read(event_id=event_id).deliveries)
            for secret in (mark, dossier, event_id, "sp12-pedagog"):
                self.assertNotIn(secret.encode(), court.raw_bytes)

    def test_a_bounded_read_combines_its_conditions(self):
        with self.world.session("ops-sw", "read") as client:
            dossier, events, receipts = self.open_dossier(client, *"abcdefg")
            seqs = [r.seq for r in receipts]

            def read(**what):
                return [d.seq for d in client.read_all(dossier=dossier, **what)]
            self.assertEqual(read(), seqs)
            self.assertEqual(read(max_events=2), seqs)
            self.assertEqual(read(from_seq=seqs[2], to_seq=seqs[4]), seqs[2:5])
            self.assertEqual(read(family="info"), seqs)
            self.assertEqual(read(family="case"), [])
            self.assertEqual(read(type=self.wici.event.INFO_PROVIDED, to_seq=seqs[0]), seqs[:1])
            self.assertEqual(read(type=self.wici.event.INFO_REQUESTED), [])
            self.assertEqual(read(since="2020-01-01T00:00:00Z", until="2020-02-01T00:00:00Z"), [])
            self.assertEqual(read(since="2020-01-01T00:00:00Z"), seqs)
            page = client.read(dossier=dossier, max_events=2)
            self.assertEqual(([d.seq for d in page.deliveries], page.more), (seqs[:2], True))
            self.assertGreater(page.next_seq, seqs[1])
            self.assertGreaterEqual(page.as_of_seq, seqs[-1])
            event_id = self.wici.header(events[3]).event_id
            self.assertEqual([d.seq for d in client.read(event_id=event_id).deliveries], [seqs[3]])
            self.refused("E_REQUEST", client.read, since="wczoraj")
            self.refused("E_REQUEST", client.read, dossier="teczka")

    def test_an_auditor_sees_headers_and_s0_and_content_only_with_a_reason(self):
        with self.world.session("ops-sw", "audit") as author, self.world.session("audyt", "audit") as auditor:
            event = self.world.event("ops-sw", "REFERRAL_SUBMITTED", new_id(), *referral(), to=["ops-sw2"])
            receipt = self.published(author, event)[0]
            plain = auditor.read(from_seq=receipt.seq, to_seq=receipt.seq).deliveries[0]
            self.assertEqual(list(self.wici.sections(plain)), [1010])
            why = "skarga 7/2026"
            content = auditor.read(from_seq=receipt.seq, to_seq=receipt.seq, reason=why).deliveries[0]
            self.assertEqual(sorted(self.wici.sections(content)), [1010, 1011, 1015, 1016])
            self.assertEqual(self.wici.check_delivery(content), self.wici.leaf_hash(receipt))
            recorded = [section.sys_access_recorded_s0 for delivery in auditor.read_all(receipt.seq, family="sys")
                        for section in self.wici.sections(delivery)[9120]]
            self.assertIn(("audyt", why), [(access.unit, access.why) for access in recorded])

    def test_the_auditor_reads_a_log_without_gaps_up_to_the_head(self):
        with self.world.session("audyt", "whole") as auditor:
            records = list(auditor.read_all(max_events=50))
            self.assertEqual([r.seq for r in records], list(range(1, len(records) + 1)))
            self.assertGreaterEqual(len(records), auditor.welcome.head.seq)
            head = auditor.welcome.head
            self.assertEqual(self.wici.check_delivery(records[head.seq - 1]), head.leaf_hash)
            times = [r.ts_ms for r in records]
            self.assertEqual(times, sorted(times))

    def test_queries_are_answered(self):
        wire = self.wici.wire
        with self.world.session("ops-sw", "query") as client, self.world.session("ops-sw2", "query") as reader, \
                self.world.session("sad-rodzinny", "query") as court:
            dossier, events, receipts = self.open_dossier(client, "pytanie")
            event_id = self.wici.header(events[0]).event_id
            directory = client.query(directory=wire.DirectoryQuery())
            self.assertIn(("sp12-pedagog", "sp12", [self.wici.common.SCH]),
                          [(u.id, u.agency, list(u.roles)) for u in directory.units])
            self.assertIn("nadzor", [a.id for a in directory.agencies])
            policy = client.query(policy=wire.PolicyQuery())
            self.assertEqual(policy.version, client.welcome.policy_version)
            self.assertIn("referral.submitted", policy.text)
            status = client.query(status=wire.StatusQuery())
            self.assertEqual(status.origin, client.welcome.origin)
            self.assertGreaterEqual(status.head.seq, receipts[0].seq)
            self.assertGreater(status.commits, 0)

            explained = client.query(explain=wire.Explain(seq=receipts[0].seq))
            self.assertEqual(explained.seq, receipts[0].seq)
            self.assertEqual(client.query(explain=wire.Explain(event_id=event_id)).seq, receipts[0].seq)
            for what in ({"seq": receipts[0].seq}, {"seq": receipts[0].seq + 1_000_000}, {"event_id": event_id},
                         {"event_id": uuid7()}):
                self.refused("E_UNKNOWN", court.query, explain=wire.Explain(**what))
            group = client.query(group=wire.GroupQuery(dossier=dossier))
            self.assertEqual([(m.dossier, m.kind) for m in group.members], [(dossier, "LETTER")])
            self.refused("E_UNKNOWN", court.query, group=wire.GroupQuery(dossier=dossier))
            self.refused("E_UNKNOWN", court.query, group=wire.GroupQuery(dossier=new_id()))

            course, = reader.query(courses=wire.CoursesQuery(dossier=dossier)).courses
            self.assertEqual((course.dossier, course.received, course.sent, course.outcome), (dossier, True, False, ""))
            for other in (dossier, new_id()):
                self.refused("E_UNKNOWN", court.query, courses=wire.CoursesQuery(dossier=other))
            self.refused("E_REQUEST", court.query, courses=wire.CoursesQuery(dossier="x"))
            self.assertEqual(len(court.query(courses=wire.CoursesQuery()).courses), 0)

            clock, = reader.query(clocks=wire.ClocksQuery()).clocks
            self.assertEqual((clock.clock, clock.state, clock.named, clock.due, clock.holder, clock.agency),
                             ("D15", "runs", False, "", "ops-sw2", "ops"))
            self.assertEqual(len(reader.query(clocks=wire.ClocksQuery(from_seq=clock.start_seq + 1)).clocks), 0)
            self.assertEqual(len(court.query(clocks=wire.ClocksQuery(from_seq=1 << 40)).clocks), 0)

            self.assertEqual(clock.unit, clock.holder)
            for unit in (reader, court):  # the deadline is no task besides
                self.assertEqual(len(unit.query(work=wire.WorkQuery()).items), 0)

            fetched = client.query(fetched=wire.FetchedQuery(event_id=event_id))
            self.assertEqual([u.unit for u in fetched.units], ["ops-sw2"])
            self.assertFalse(fetched.units[0].fetched)
            self.refused("E_UNKNOWN", reader.query, fetched=wire.FetchedQuery(event_id=event_id))
            reader.subscribe(1, cursor="fetch")
            reader.deliveries_to(1, receipts[0].seq)
            reader.ack(1, receipts[0].seq)
            reader.query(status=wire.StatusQuery())
            self.assertTrue(client.query(fetched=wire.FetchedQuery(event_id=event_id)).units[0].fetched)

            self.refused("E_STATE", reader.query, cursor_drop=wire.CursorDrop(cursor="fetch"))
            reader.unsubscribe(1)
            self.assertEqual(reader.query(cursor_drop=wire.CursorDrop(cursor="fetch")).cursor, "fetch")
            self.refused("E_CURSOR", reader.query, cursor_drop=wire.CursorDrop(cursor="fetch"))
            self.refused("E_REQUEST", reader.query)


if __name__ == "__main__":
    unittest.main(verbosity=2)
