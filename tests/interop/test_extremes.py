"""Numbers, dates and texts at and behind their ends, in every field of every query, read, subscription and document request,
from a unit of each kind: each gets a clean answer or a stable code, the broker lives on, and does not grow.

The fields come from wire.proto itself: one that is added is asked too.
"""
import itertools
import os
import random
import re
import shutil
import tempfile
import unittest

from google.protobuf.descriptor import FieldDescriptor

from wici_client import Refused
from world import SOURCE, World, letter, new_id, referral

U32 = (0, 1, 2, 1000, 2 ** 16, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1)
U64 = (0, 1, 2, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 36 - 1, 2 ** 36, 2 ** 36 + 1, 2 ** 60 - 1, 2 ** 60, 2 ** 60 + 2 ** 36,
       2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1)  # with the borders of the pages of lists (broker/core/clocks_list.c)
TEXTS = ("", "x", "0", "-1", "ą" * 32, "x" * 65, "x" * 5000, "../../etc/passwd", "%s%n", "x\ny", "\u202e", "\ufeff",
         "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-7fff-bfff-ffffffffffff",
         "0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z", "10000-01-01T00:00:00Z",
         "2026-02-29T00:00:00Z", "2026-06-30T23:59:60Z", "2026-03-29T02:30:00+01:00", "2026-01-01T00:00:00+99:99",
         "2100-02-29", "2024-02-29", "1800-01-01", "9999-12-31")
BYTES = (b"", b"\0", b"\xff" * 31, b"\xff" * 32, b"\0" * 32, b"x" * 33)
UNITS = {"ops-sw": ("ops", ["SW"]), "sp12-pedagog": ("sp12", ["SCH"]), "audyt": ("nadzor", ["AUD"]),
         "straznik": ("nadzor", ["CLERK"]), "ops-dyr": ("ops", ["DIR"])}
LEFT_OUT = {"erase"}  # asked with nothing that there is: what it takes is destroyed
GROWTH_MAX_KB = 48 << 10  # what the sanitizers keep of freed memory, little here, is in it
EACH_MAX = 120  # of one message's extremes: all pairs are many more than tell something


def values(field, known):
    """The extremes of a field; known: texts and numbers that there are."""
    kind = field.type
    if kind == FieldDescriptor.TYPE_UINT32:
        found = U32
    elif kind == FieldDescriptor.TYPE_UINT64:
        found = (*U64, known["head"], known["head"] + 1)
    elif kind == FieldDescriptor.TYPE_STRING:
        found = (*TEXTS, known["dossier"], known["event"], known["agency"])
    elif kind == FieldDescriptor.TYPE_BYTES:
        found = BYTES
    elif kind == FieldDescriptor.TYPE_BOOL:
        found = (False, True)
    elif kind == FieldDescriptor.TYPE_ENUM:
        found = (0, 1, 999, 2 ** 31 - 1, -1)
    else:
        assert kind == FieldDescriptor.TYPE_MESSAGE, field.name
        return [{name: value} for inner in field.message_type.fields for name, value in pairs(inner, known)]
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return [[value] for value in found] + [[found[-1]] * count for count in (2, 64, 65, 300)]
    return list(found)


def pairs(field, known):
    """(name, value) of one field."""
    return [(field.name, value) for value in values(field, known)]


def extremes(message, known, seed):
    """Fields of the message, each extreme alone and then with others: the same every time."""
    fields = [field for field in message.fields if field.name not in ("request", "subscription")]
    each = [dict([pair]) for field in fields for pair in pairs(field, known)]
    more = []
    for one, other in itertools.combinations(fields, 2):
        if one.containing_oneof is None or one.containing_oneof != other.containing_oneof:
            more += [dict(both) for both in itertools.product(pairs(one, known), pairs(other, known))]
    chance = random.Random(seed)
    chance.shuffle(more)
    return [{}, *each, *more[:EACH_MAX]]


class Extremes(unittest.TestCase):
    """One broker with a little in it."""

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-extremes-")
        os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=8"  # of the daemon: memory is measured
        cls.world = World(cls.root, units=UNITS)
        cls.wici, cls.wire = cls.world.wici, cls.world.wici.wire
        with open(f"{SOURCE}/proto/errors.def", encoding="utf-8") as f:
            cls.codes = set(re.findall(r"\bE_[A-Z_]+\b", f.read()))
        dossier = new_id()
        with cls.world.session("sp12-pedagog") as client:
            event = cls.world.event("sp12-pedagog", "REFERRAL_SUBMITTED", dossier, *referral(), to=["ops-sw"])
            assert client.publish(event)[0].WhichOneof("outcome") == "receipt"
        with cls.world.session("ops-sw") as client:
            for number in range(20):
                answer = client.publish(cls.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter(f"list {number}"),
                                                        to=["sp12-pedagog"]))[0]
                assert answer.WhichOneof("outcome") == "receipt", answer
        cls.known = {"dossier": dossier, "event": answer.event_id, "head": answer.receipt.seq, "agency": "sp12"}

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()  # it has to end cleanly
        shutil.rmtree(cls.root)

    def rss_kb(self):
        """Memory of the broker."""
        with open(f"/proc/{self.world.broker.process.pid}/status", encoding="utf-8") as f:
            return int(re.search(r"^VmRSS:\s+(\d+) kB", f.read(), re.M)[1])

    def asked(self, client, what, kind, **fields):
        """Asks; there has to be an answer of that kind, or a code that the protocol knows and both sentences."""
        client._requests += 1  # pylint: disable=protected-access
        request = client._requests  # pylint: disable=protected-access
        client.send(**what(request))
        try:
            client.wait(kind, **(fields or {"request": request}))
            return True
        except Refused as refused:
            refusal = refused.message.refusal
            self.assertIn(refusal.code, self.codes)
            self.assertTrue(refusal.pl and refusal.en, refusal)
            return False

    def units(self):
        """Each kind of unit, and how a session of it is called in messages."""
        return ("admin", *UNITS)

    def test_queries(self):
        what = self.wire.Query.DESCRIPTOR.oneofs_by_name["what"]
        before, taken = None, 0
        for unit in self.units():
            for field in what.fields:
                known = {"dossier": new_id(), "event": new_id(), "head": 2 ** 40, "agency": "nikt"} \
                    if field.name in LEFT_OUT else self.known
                cls = field.message_type._concrete_class  # pylint: disable=protected-access
                with self.world.session(unit) as client:
                    for extreme in extremes(field.message_type, known, f"{unit} {field.name}"):
                        body = cls(**extreme)
                        with self.subTest(unit=unit, query=field.name, **{"extreme": str(extreme)[:200]}):
                            taken += self.asked(client, lambda request, name=field.name, body=body: {
                                "query": self.wire.Query(request=request, **{name: body})}, "query_result")
            before = before or self.rss_kb()
        self.assertGreater(taken, 200)  # not everything was refused at the door
        self.assertLess(self.rss_kb() - before, GROWTH_MAX_KB)

    def test_reads(self):
        before = None
        for unit in self.units():
            with self.world.session(unit) as client:
                for extreme in extremes(self.wire.Read.DESCRIPTOR, self.known, unit):
                    with self.subTest(unit=unit, extreme=str(extreme)[:200]):
                        self.asked(client, lambda request, extreme=extreme: {
                            "read": self.wire.Read(request=request, **extreme)}, "read_result")
            before = before or self.rss_kb()
        self.assertLess(self.rss_kb() - before, GROWTH_MAX_KB)

    def test_subscriptions(self):
        for unit in ("ops-sw", "audyt"):
            for number, extreme in enumerate(extremes(self.wire.Subscribe.DESCRIPTOR, self.known, unit)):
                with self.world.session(unit) as client, self.subTest(unit=unit, extreme=str(extreme)[:200]):
                    subscription = U32[1 + number % (len(U32) - 1)]
                    filters = extreme.pop("filter", None)
                    body = self.wire.Subscribe(subscription=subscription, **extreme,
                                               filter=self.wire.Filter(**filters) if filters else None)
                    if self.asked(client, lambda request, body=body: {"subscribe": body}, "subscribed",
                                  subscription=subscription):
                        for seq in (0, 2 ** 64 - 1, 2 ** 63, self.known["head"] + 1000):
                            client.ack(subscription, seq)  # of what never came: moves nothing, or is refused
                        client.unsubscribe(subscription)
                        client.unsubscribe(subscription ^ 1)
                    try:
                        client.query(status=self.wire.StatusQuery())
                    except Refused as refused:
                        self.assertIn(refused.code, self.codes)

    def test_documents(self):
        for unit in ("ops-sw", "audyt", "admin"):
            with self.world.session(unit) as client:
                for extreme in extremes(self.wire.DocumentPut.DESCRIPTOR, self.known, unit):
                    with self.subTest(unit=unit, put=str(extreme)[:200]):
                        self.asked(client, lambda request, extreme=extreme: {
                            "document_put": self.wire.DocumentPut(request=request, **extreme)}, "document_state")
                for extreme in extremes(self.wire.DocumentGet.DESCRIPTOR, self.known, unit):
                    with self.subTest(unit=unit, get=str(extreme)[:200]):
                        self.asked(client, lambda request, extreme=extreme: {
                            "document_get": self.wire.DocumentGet(request=request, **extreme)}, "document_part")


if __name__ == "__main__":
    unittest.main()
