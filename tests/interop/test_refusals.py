"""Every code of proto/errors.def, provoked from outside.

The table CODES has one case for each code: what is done, and the path that comes with the answer. A code without a case
fails, as does a case whose answer has another code, another path, or other sentences than errors.def, or one that is not
in the log afterwards, by the agency of who was refused. The codes of the
rules of procedure have theirs in tests/unit/test_core_invariants.c, which fails when one has none.
"""
import hashlib
import os
import re
import shutil
import tempfile
import unittest
import uuid

import wici_client
from wici_client import Refused
from world import SOURCE, World, letter, new_id, referral
from play import Broker  # pylint: disable=wrong-import-order


def definitions():
    """code: (Polish, English) of proto/errors.def."""
    with open(f"{SOURCE}/proto/errors.def", encoding="utf-8") as f:
        return {name: (pl, en) for name, pl, en in re.findall(
            r'^WICI_ERROR\((\w+), \w+, "((?:[^"\\]|\\.)*)",\s*"((?:[^"\\]|\\.)*)"\)', f.read(), re.M)}


class SmallBroker(Broker):
    """A broker whose log is soon full."""

    def configure(self):
        super().configure()
        with open(self.config, "a", encoding="utf-8") as f:
            f.write("data.size_max = 16M\n")


class Case(World):
    """A world in which every refusal can be provoked. A method of CODES returns the Refusal, or a Warning."""

    def answer(self, unit, event_type, dossier, *sections, session="", **header):
        """The Answer to an event."""
        with self.session(unit, session) as client:
            return client.publish(self.event(unit, event_type, dossier, *sections, **header))[0]

    def refusal(self, *args, **kwargs):
        """The Refusal of an event."""
        return self.answer(*args, **kwargs).refusal

    def letter(self, dossier=None, unit="ops-sw", to="ops-sw2", text="x", **header):
        """An info.provided that has to be taken: its dossier, event and seq."""
        dossier = dossier or new_id()
        with self.session(unit, "letters") as client:
            event = self.event(unit, "INFO_PROVIDED", dossier, *letter(text), to=[to], **header)
            return dossier, event, client.publish(event)[0].receipt.seq

    def refused(self, unit, hello=True, **message):
        """The Refusal of a message."""
        with self.client(unit, "refused") as client:
            if hello:
                client.hello()
            client.send(**message)
            return self.next_refused(client)

    @staticmethod
    def next_refused(client):
        """The next Refused that a client is sent."""
        while True:
            message = client.receive()
            if message is None:
                raise AssertionError("nothing came")
            if message.WhichOneof("message") == "refused":
                return message.refused.refusal

    # ---- the message

    def e_decode(self):
        with self.session("ops-sw") as client:
            client.send_raw(b"\xff")
            return self.next_refused(client)

    def e_size(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x" * (128 << 10)), to=["ops-sw2"])

    def e_protocol(self):
        with self.client("ops-sw") as client:
            client.send(hello=self.wici.wire.Hello(protocol=2))
            return self.next_refused(client)

    def e_state(self):
        return self.refused("ops-sw", hello=False, ack=self.wici.wire.Ack(subscription=1, seq=1))

    def e_key(self):
        with self.session("admin") as admin:
            self.enrol(admin, "ops-gone", "ops", ["SW"])
            with self.session("ops-gone") as gone:
                self.command(admin, "SYS_UNIT_SUSPENDED", sys_unit_suspended_s0={"unit_id": "ops-gone"})
                gone.send(ack=self.wici.wire.Ack(subscription=1, seq=1))
                return self.next_refused(gone)

    def e_limit(self):
        with self.session("ops-sw") as client:
            for number in range(1, 17):
                client.subscribe(number, live=True)
            client.send(subscribe=self.wici.wire.Subscribe(subscription=17, live=True))
            return self.next_refused(client)

    def e_busy(self):
        return self.busy(query=self.wici.wire.Query(request=2, policy=self.wici.wire.PolicyQuery()))

    def busy(self, **message):
        """What answers a message of a unit that has not read 32 MiB of answers: one session asks and never reads, another
        is told that it is so."""
        query = self.wici.wire.Query(request=1, policy=self.wici.wire.PolicyQuery())
        question = self.wici.wire.ClientMessage(query=query).SerializeToString()
        with self.session("ops-sw2", "deaf") as deaf, self.session("ops-sw2", "witness") as witness:
            for _ in range(400):
                for _ in range(100):
                    deaf.send_raw(question)
                witness.send(query=query)
                if self.answer_to(witness, 1).WhichOneof("message") == "refused":
                    break
            else:
                raise AssertionError("the unit is never full")
            witness.send(**message)
            return self.answer_to(witness, None if "publish" in message else 2).refused.refusal

    @staticmethod
    def answer_to(client, request):
        """What answers this request; None: the first Publish."""
        while True:
            message = client.receive()
            client.inbox.clear()
            kind = message.WhichOneof("message")
            body = getattr(message, kind)
            if kind == "answers" or (request is None and kind == "refused" and body.number == 1):
                return message
            if request is not None and getattr(body, "request", None) == request:
                return message

    def e_full(self):
        with tempfile.TemporaryDirectory(prefix="wici-full-") as root:
            small = World.__new__(World)
            small.wici, small.broker = self.wici, SmallBroker(os.environ["WICI_BIN"], root, "ops", "OPS")
            small.units, small.keys = {"admin": ("ops", ["ADM"])}, {"admin": wici_client.read_key(f"{root}/admin.key")}
            small.broker.start()
            try:
                with small.session("admin") as admin:
                    small.enrol(admin, "ops-sw", "ops", ["SW"])
                with small.session("ops-sw") as client:
                    for _ in range(1000):
                        client.publish(small.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x" * 30000)))
            except Refused as refused:
                return refused.message.refusal
            finally:
                small.broker.stop()
        raise AssertionError("16 MiB are never full")

    def e_gap(self):
        return self.refused("ops-sw", publish=self.wici.wire.Publish(number=9))

    def e_taken_over(self):
        with self.session("ops-sw", "twice") as first, self.session("ops-sw", "twice"):
            return self.next_refused(first)

    def e_log_diverged(self):
        known = self.wici.wire.Position(epoch=1, seq=1 << 40, leaf_hash=bytes(32))
        with self.client("ops-sw") as client:
            client.hello(known)
            return client.diverged.refusal

    def e_request(self):
        return self.refused("ops-sw", unsubscribe=self.wici.wire.Unsubscribe(subscription=5))

    def e_list_changed(self):
        return self.refused("ops-sw", query=self.wici.wire.Query(
            request=1, work=self.wici.wire.WorkQuery(from_seq=1, from_item=1, from_made=1)))

    def e_cursor(self):
        with self.session("ops-sw2", "filters") as client:
            client.subscribe(1, "filtered", families=["case"])
            client.unsubscribe(1)
            client.send(subscribe=self.wici.wire.Subscribe(subscription=2, cursor="filtered"))
            return self.next_refused(client)

    # ---- the event by itself

    def e_type(self):
        return self.refusal("ops-sw", 999, new_id(), to=["ops-sw2"])

    def e_id(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"], event_id=str(uuid.uuid4()))

    def e_id_reuse(self):
        dossier, event, _ = self.letter()
        return self.refusal("ops-sw", "INFO_PROVIDED", dossier, *letter("other"), to=["ops-sw2"],
                            event_id=self.wici.header(event).event_id)

    def e_field(self):
        first, second = letter("x")
        first["info_provided_s0"]["provided_on"] = "2026-02-30"
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), first, second, to=["ops-sw2"])

    def e_section(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), letter("x")[1], to=["ops-sw2"])

    def e_personal_data(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["unit-90010112345"])

    def e_time(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"],
                            occurred_at="2099-01-01T00:00:00Z")

    # ---- the event among others

    def e_actor(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"], actor={"unit": "ops-sw2"})

    def e_role(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"], actor={"role": "HEAD"})

    def e_dossier(self):
        return self.refusal("ops-sw", "MEETING_HELD", new_id(),
                            {"meeting_held_s0": {"meeting_id": new_id(), "held_on": "2026-03-02"}},
                            {"meeting_held_s6": {"kind": "CONSULTATION", "attendance": [{"role": "SW"}]}})

    def e_address(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["nobody"])

    def e_ground(self):
        s0, s1, s5, s6 = referral()
        held = new_id()
        with self.session("ops-sw") as client:
            client.publish(self.event("ops-sw", "MEETING_CONVENED", held, {"meeting_convened_s0": {
                "meeting_id": new_id(), "starts_at": "2026-03-02T08:00:00Z", "status": "booked", "revision": 1}},
                {"meeting_convened_s6": {"kind": "CONSULTATION", "invited": [{"unit": "ops-sw2"}]}}))
        s6["referral_submitted_s6"]["hand_over"] = {"from_dossier": held, "history_from": 3}
        return self.refusal("ops-sw", "REFERRAL_SUBMITTED", new_id(), s0, s1, s5, s6, to=["ops-sw2"])

    def e_order(self):
        dossier = new_id()
        with self.session("ops-sw") as client:
            client.publish(self.event("ops-sw", "REFERRAL_SUBMITTED", dossier, *referral(), to=["ops-sw2"]))
        return self.refusal("ops-sw", "REFERRAL_SUBMITTED", dossier, *referral(), to=["ops-sw2"])

    def e_correct(self):
        dossier, _, _ = self.letter()
        _, other, _ = self.letter()
        return self.refusal("ops-sw", "INFO_PROVIDED", dossier, *letter("x"), to=["ops-sw2"], correction="AMENDED",
                            corrects_event_id=self.wici.header(other).event_id)

    def e_behalf(self):
        return self.refusal("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"],
                            actor={"on_behalf_of": "przychodnia"})

    # ---- questions and commands

    def e_unknown(self):
        return self.refused("sp12-pedagog", query=self.wici.wire.Query(
            request=1, explain=self.wici.wire.Explain(event_id=wici_client.uuid7())))

    def e_reason(self):
        return self.refused("audyt", read=self.wici.wire.Read(request=1, reason="  "))

    def e_exists(self):
        return self.refusal("admin", "SYS_AGENCY_ENROLLED", None, {"sys_agency_enrolled_s0": {
            "agency_id": "sp12", "name": "x", "kinds": ["SCHOOL"]}})

    def e_policy(self):
        return self.refusal("admin", "SYS_POLICY_LOADED", None, {"sys_policy_loaded_s0": {
            "version": "2026-02", "text": "wici-policy 1\nnonsense\n"}})

    # ---- documents

    def put(self, unit, **fields):
        """The Refusal of a DocumentPut."""
        fields = {"request": 1, "sha256": bytes(32), "size": 3, "data": b"abc", **fields}
        return self.refused(unit, document_put=self.wici.wire.DocumentPut(**fields))

    def e_document(self):
        return self.put("ops-sw")

    def e_document_quota(self):
        with self.session("sad-rodzinny") as client:
            for number in range(1, 27):
                client.send(document_put=self.wici.wire.DocumentPut(request=number, sha256=bytes([number] * 32),
                                                                    size=10 << 20))
            return self.next_refused(client)

    def naming(self, data):
        """The sections of a letter that names a document."""
        first, second = letter("x")
        second["info_provided_s6"]["documents"] = [
            {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "media_type": "text/plain"}]
        return first, second

    def e_no_document(self):
        with self.session("ops-sw") as client:
            event = self.event("ops-sw", "INFO_PROVIDED", new_id(), *self.naming(b"nobody sent it"), to=["ops-sw2"])
            seq = client.publish(event)[0].receipt.seq
            client.send(document_get=self.wici.wire.DocumentGet(
                request=1, seq=seq, sha256=hashlib.sha256(b"nobody sent it").digest()))
            return self.next_refused(client)

    # ---- warnings

    def w_document(self):
        return self.answer("ops-sw", "INFO_PROVIDED", new_id(), *self.naming(b"nor this"),
                           to=["ops-sw2"]).receipt.warnings[0]

    def w_time(self):
        dossier, _, _ = self.letter()
        return self.answer("ops-sw", "INFO_PROVIDED", dossier, *letter("x"), to=["ops-sw2"],
                           occurred_at="2026-01-01T00:00:00Z").receipt.warnings[0]

    def w_withheld(self):
        return self.answer("ops-sw", "REFERRAL_SUBMITTED", new_id(), *referral(),
                           to=["sp12-pedagog"]).receipt.warnings[0]

    def w_no_addressee(self):
        return self.answer("ops-sw", "INFO_PROVIDED", new_id(), *letter("x")).receipt.warnings[0]


# code: the path that comes with it
CODES = {
    "E_DECODE": "", "E_SIZE": "", "E_PROTOCOL": "hello.protocol", "E_STATE": "", "E_KEY": "",
    "E_LIMIT": "subscribe.subscription", "E_BUSY": "", "E_FULL": "", "E_GAP": "publish.number", "E_TAKEN_OVER": "",
    "E_LOG_DIVERGED": "hello.known", "E_REQUEST": "unsubscribe.subscription", "E_CURSOR": "subscribe.cursor",
    "E_LIST_CHANGED": "query.work.fromMade",
    "E_TYPE": "header.type", "E_ID": "header.eventId", "E_ID_REUSE": "header.eventId",
    "E_FIELD": "sections[0].infoProvidedS0.providedOn", "E_SECTION": "sections.infoProvidedS0", "E_PERSONAL_DATA": "header.to[0].unit",
    "E_TIME": "header.occurredAt", "E_ACTOR": "header.actor.unit", "E_ROLE": "header.actor.role",
    "E_DOSSIER": "header.dossierId", "E_ADDRESS": "header.to[0]",
    "E_GROUND": "sections[3].referralSubmittedS6.handOver.historyFrom", "E_ORDER": "header.dossierId",
    "E_CORRECT": "header.correctsEventId", "E_BEHALF": "header.actor.channel", "E_UNKNOWN": "query.explain.eventId", "E_REASON": "read.reason",
    "E_EXISTS": "sections[0].sysAgencyEnrolledS0.agencyId", "E_POLICY": "line 2",
    "E_DOCUMENT": "documentPut.sha256", "E_DOCUMENT_QUOTA": "documentPut.size", "E_NO_DOCUMENT": "documentGet.sha256",
    "W_DOCUMENT": "sections[1].infoProvidedS6.documents[0]",
    "W_TIME": "header.occurredAt", "W_WITHHELD": "header.to[0]", "W_NO_ADDRESSEE": "header.to",
}
# What an auditor does not find afterwards, and why.
UNRECORDED = {"E_STATE": "said before Hello", "E_TAKEN_OVER": "nothing is refused", "E_KEY": "said to no unit any more",
              "E_FULL": "by a broker of its own"}
# What cannot be provoked from here: the test that does it.
ELSEWHERE = {
    "E_ERASED": ("tests/wire/test_erased.c", "an_event_that_was_erased_is_not_taken_again"),
    "E_INTERNAL": ("tests/e2e/test_said.c", "a_refusal_that_gives_no_reason_is_the_brokers_fault"),
    "E_ROLE_INSIGHT": ("tests/unit/test_core_settings.c",
                       "a_request_for_insight_is_marked_or_where_the_agency_has_it_so_refused"),
    "E_JSON": ("tests/e2e/test_cli.c", "E_JSON sections[0].nonsense"),
}


def of_rules():
    """The codes of the rules that have a row in the core's table of invariants."""
    with open(f"{SOURCE}/proto/errors.def", encoding="utf-8") as f:
        rules = re.findall(r'^WICI_RULE\((\w+), "[^"]*", (\w+),', f.read(), re.M)
    with open(f"{SOURCE}/tests/unit/test_core_invariants.c", encoding="utf-8") as f:
        rows = set(re.findall(r"\{RULE_(\w+),", f.read()))
    return {code for rule, code in rules if rule in rows}


def missing(codes, cases, elsewhere):
    """What is wrong with the tables of cases, a sentence each."""
    for code in sorted(codes - cases - elsewhere):
        yield f"{code} of proto/errors.def is provoked by no test"
    for code in sorted((cases | elsewhere) - codes):
        yield f"{code} has a case here, and is not in proto/errors.def"
    for code in sorted(cases & elsewhere):
        yield f"{code} has two cases"


class Refusals(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-refusals-")
        cls.world = Case(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        shutil.rmtree(cls.root)

    def test_every_code_has_a_case(self):
        codes = set(definitions())
        codes -= of_rules() - set(CODES) - set(ELSEWHERE)
        self.assertTrue(list(missing(codes | {"E_PLANTED"}, set(CODES), set(ELSEWHERE))))
        self.assertEqual(list(missing(codes, set(CODES), set(ELSEWHERE))), [])
        for code, (path, name) in ELSEWHERE.items():
            with open(f"{SOURCE}/{path}", encoding="utf-8") as f:
                self.assertIn(name, f.read(), code)

    def test_every_code_is_given_for_what_it_says(self):
        texts = definitions()
        for code, path in CODES.items():
            with self.subTest(code):
                said = getattr(self.world, code.lower())()
                self.assertEqual((said.code, said.path), (code, path), said)
                if code.startswith("E_"):
                    if not said.rule:  # a rule has sentences of its own
                        self.assertEqual((said.pl, said.en), texts[code])
                    self.assertTrue(said.pl and said.en and said.pl != said.en)
        with self.world.session("audyt") as auditor:
            records = [section.sys_event_rejected_s0 for delivery in auditor.read_all(type="SYS_EVENT_REJECTED")
                       for sections in self.world.wici.sections(delivery).values() for section in sections]
        self.assertEqual({record.code for record in records},
                         {code for code in CODES if code.startswith("E_")} - set(UNRECORDED))
        self.assertEqual({record.agency for record in records if record.code == "E_UNKNOWN"}, {"sp12"})
        self.assertEqual({record.agency for record in records if record.code == "E_DOCUMENT_QUOTA"}, {"sad"})


if __name__ == "__main__":
    unittest.main()
