"""Every limit of docs/LIMITS.md that answers with a code, one beyond it; every cell of the table of states in
docs/PROTOCOL.md. A row or a cell without a case fails.
"""
import glob
import os
import re
import shutil
import tempfile
import time
import unittest

import test_refusals
from wici_client import Refused
from world import SOURCE, letter, new_id


def read(name):
    """The text of a file of the sources."""
    with open(f"{SOURCE}/{name}", encoding="utf-8") as f:
        return f.read()


def limits():
    """name: the codes of its row, of those rows that answer with a code."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", read("docs/LIMITS.md"), re.M)
    return {name: set(re.findall(r"`(E_\w+)`", seen)) for name, seen in rows if "`E_" in seen or name in TESTED}


def cells():
    """(message, state, code) of the table of states."""
    found = set()
    section = read("docs/PROTOCOL.md").split("\n## 6 States\n")[1].split("\n## ")[0]
    for message, *columns in re.findall(r"^\| ([\w ]+) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", section, re.M):
        for state, cell in zip(("new", "ready", "barred"), columns):
            found |= {(message, state, code) for code in re.findall(r"`(E_\w+)`", cell)}
    return found


# What is not driven from here, and why that is enough.
# Only an administrator comes there, by enrolling.
ADMINISTRATORS = {"AGENCIES_MAX", "UNITS_MAX", "REGISTERS_MAX"}
UNREACHABLE = {"STORE_VALUE_MAX"}  # WIRE_FILTER_MAX and FEED_FAMILIES_MAX come before
TESTED = {  # (limit or cell): the test that goes there
    "WIRE_MESSAGE_MAX": ("tests/wire/test_door.c", "what_is_too_large_is_never_taken_in"),
    "SESSIONS_MAX": ("tests/unit/test_session.c", "when_all_places_are_taken_each_unit_still_gets_one"),
    "SESSION_SILENCE_MS_MAX": ("tests/wire/test_sessions.c",
                               "a_silent_session_without_subscriptions_is_dropped_and_one_that_reads_is_not"),
    ("Hello", "new", "E_LIMIT"): ("tests/wire/test_sessions.c", "places_that_all_read_are_kept_until_their_peers_are_gone"),
    ("DocumentPut", "ready", "E_FULL"): ("tests/wire/test_documents.c", "a_full_log_takes_no_document_and_shows_none_unrecorded"),
    ("DocumentGet", "ready", "E_FULL"): ("tests/wire/test_documents.c", "a_full_log_takes_no_document_and_shows_none_unrecorded"),
    "GROUP_SAYS_MAX": ("tests/unit/test_core_limits.c", "merged_dossiers_have_a_bound_together"),
    "LEFT_PER_UNIT_MAX": ("tests/unit/test_core_limits.c", "one_unit_cannot_stop_the_others_writing"),
    "DOCUMENT_SIZE_MAX": ("tests/wire/test_documents.c", "what_has_no_sense_is_refused"),
    "DOCUMENT_CHUNK_SIZE": ("tests/wire/test_documents.c", "what_has_no_sense_is_refused"),
    "ERASE_DOSSIERS_MAX": ("tests/wire/test_erase_limits.c", "an_order_reaches_so_many_dossiers"),
    "ERASE_GIVEN_MAX": ("tests/wire/test_erase_limits.c", "so_many_numbers_are_kept_of_what_was_given"),
    "ERASE_PASSES_MAX": ("tests/wire/test_erase_limits.c", "a_dossier_that_does_not_come_to_rest_is_given_up"),
    "ERASE_RECORDS_MAX": ("tests/wire/test_erase_limits.c", "one_commit_says_what_is_intended_in_so_many_records"),
    ("Read", "ready", "E_FULL"): ("tests/wire/test_fault.c", "reading_a_full_log_again_and_again_does_not_stop_the_broker"),
}


class Bounds(test_refusals.Case):
    """What is done for each limit (named as it is, in lower case) and each cell; each returns the codes it was given."""

    def codes(self, *answers):
        return {answer.refusal.code for answer in answers}

    def send(self, unit, **message):
        """The code that answers one message of a session."""
        return {self.refused(unit, **message).code}

    def filtered(self, **filters):
        return self.send("ops-sw", subscribe=self.wici.wire.Subscribe(
            subscription=1, filter=self.wici.wire.Filter(**filters)))

    # ---- limits

    def event_sections_max(self):
        return self.codes(self.answer("ops-sw", "INFO_PROVIDED", new_id(), letter("x")[0], *[letter("x")[1]] * 30))

    def event_size_max(self):
        return {self.e_size().code}

    def event_header_max(self):
        event = self.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"])
        event.header += b"\xfa\x7f\x80\x20" + bytes(4096)  # a field that nobody knows
        with self.session("ops-sw") as client:
            client.send(publish=self.wici.wire.Publish(number=1, events=[event]))
            return self.codes(*client.wait("answers", number=1).answers)

    def event_depth_max(self):
        """The deepest message of ours has fewer levels: fields of one that is none."""
        deep = b""
        for _ in range(9):
            deep = b"\x0a" + bytes([len(deep)]) + deep  # field 1 of whatever is there
        with self.session("ops-sw") as client:
            client.send_raw(deep)
            return {self.next_refused(client).code}

    def event_ahead_ms_max(self):
        ahead = int(time.time() * 1000) + 300000 + 60000
        early = f"{ahead:012x}"
        return self.codes(self.answer("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"],
                                      event_id=f"{early[:8]}-{early[8:]}-7000-8000-{os.urandom(6).hex()}"),
                          self.answer("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"],
                                      occurred_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ahead / 1000))))

    def id_len_max(self):
        with self.client("ops-sw") as client:
            client.send(hello=self.wici.wire.Hello(protocol=1, session="s" * 65))
            code = self.next_refused(client).code
        return {code} | self.codes(self.answer("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["u" * 65]))

    def decode_arena_size(self):
        with self.session("ops-sw") as client:  # half a million empty texts: a megabyte, and much more as structures
            client.send_raw(self.wici.wire.ClientMessage(subscribe=self.wici.wire.Subscribe(
                subscription=1, filter=self.wici.wire.Filter(dossiers=[""] * 500000))).SerializeToString())
            return {self.next_refused(client).code}

    def wire_publish_max(self):
        event = self.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"), to=["ops-sw2"])
        return self.send("ops-sw", publish=self.wici.wire.Publish(number=1, events=[event] * 65))

    def wire_filter_max(self):
        return self.filtered(dossiers=[new_id() for _ in range(257)])

    def reason_max(self):
        long = "x" * 201
        return self.send("audyt", read=self.wici.wire.Read(request=1, reason=long)) | self.send(
            "audyt", query=self.wici.wire.Query(request=1, shown=self.wici.wire.ShownQuery(
                dossier=self.letters(1), reason=long)))

    def letters(self, count):
        """A dossier with so many events."""
        dossier = new_id()
        with self.session("ops-sw") as client:
            for first in range(0, count, 64):
                client.publish(*(self.event("ops-sw", "INFO_PROVIDED", dossier, *letter("x"), to=["ops-sw2"])
                                 for _ in range(first, min(first + 64, count))))
        return dossier

    def backup_label_max(self):
        return self.send("admin", query=self.wici.wire.Query(request=1, backup=self.wici.wire.BackupQuery(
            label="x" * 65)))

    def shown_events_max(self):
        return self.send("audyt", query=self.wici.wire.Query(request=1, shown=self.wici.wire.ShownQuery(
            dossier=self.letters(8193))))

    def inclusions_max(self):
        return self.send("ops-sw", query=self.wici.wire.Query(request=1, inclusion=self.wici.wire.InclusionQuery(
            seqs=[1] * 65)))

    def feed_families_max(self):
        return self.filtered(families=["case"] * 17)

    def subscriptions_per_session_max(self):
        return {self.e_limit().code}

    def cursors_per_unit_max(self):
        with self.session("sad-rodzinny") as client:
            for number in range(64):
                client.subscribe(1, f"cursor-{number}", live=True)
                client.unsubscribe(1)
            client.send(subscribe=self.wici.wire.Subscribe(subscription=1, cursor="one-more", live=True))
            return {self.next_refused(client).code}

    def reads_per_session_max(self):
        with self.session("ops-sw") as client:
            for attempt in range(100):  # nine of them have to meet in one tick
                for number in range(40):
                    client.send(read=self.wici.wire.Read(request=1 + number))
                for _ in range(40):
                    message = client.receive()
                    while message.WhichOneof("message") == "positions":
                        message = client.receive()
                    if message.WhichOneof("message") == "refused":
                        self.assert_path(message.refused.refusal, "read.request")
                        return {message.refused.refusal.code}
                client.inbox.clear()
        raise AssertionError("eight reads never met a ninth")

    @staticmethod
    def assert_path(refusal, path):
        if refusal.path != path:
            raise AssertionError(refusal)

    def replies_unit_max(self):
        return {self.e_busy().code}

    # ---- cells

    def any_message(self, message):
        """A message of that kind, as a dict for send()."""
        wire = self.wici.wire
        return {
            "Hello": dict(hello=wire.Hello(protocol=1)),
            "Publish": dict(publish=wire.Publish(number=1, events=[
                self.event("ops-sw", "INFO_PROVIDED", new_id(), *letter("x"))])),
            "Subscribe": dict(subscribe=wire.Subscribe(subscription=1, live=True)),
            "Ack": dict(ack=wire.Ack(subscription=1, seq=1)),
            "Unsubscribe": dict(unsubscribe=wire.Unsubscribe(subscription=1)),
            "Read": dict(read=wire.Read(request=1)),
            "Query": dict(query=wire.Query(request=1, status=wire.StatusQuery())),
            "DocumentPut": dict(document_put=wire.DocumentPut(request=1, sha256=bytes(32), size=1, data=b"x")),
            "DocumentGet": dict(document_get=wire.DocumentGet(request=2, sha256=bytes(32), seq=1)),
            "anything else": {},
        }[message]

    def cell_new(self, message, code):
        if message == "Hello":
            return self.say_hello({"E_PROTOCOL": {"protocol": 2}, "E_REQUEST": {"protocol": 1, "session": "ł"}}[code])
        return self.refused("ops-sw", hello=False, **self.any_message(message)).code

    def say_hello(self, fields):
        with self.client("ops-sw") as client:
            client.send(hello=self.wici.wire.Hello(**fields))
            return self.next_refused(client).code

    def cell_barred(self, message, _):
        with self.session("admin") as admin:
            unit = f"barred-{len(self.units)}"  # none by chance: eleven digits in a row would be personal data
            self.enrol(admin, unit, "ops", ["SW"])
            with self.session(unit) as client:
                self.command(admin, "SYS_UNIT_SUSPENDED", sys_unit_suspended_s0={"unit_id": unit})
                client.send(**self.any_message(message))
                return self.next_refused(client).code

    def cell_ready(self, message, code):
        wire = self.wici.wire
        case = {
            ("Hello", "E_STATE"): self.hello_twice,
            ("Publish", "E_GAP"): self.e_gap,
            ("Publish", "E_BUSY"): self.busy_publish,
            ("Publish", "E_FULL"): self.e_full,
            ("Publish", "E_REQUEST"): lambda: self.refused("ops-sw", publish=wire.Publish(number=1)),
            ("Subscribe", "E_REQUEST"): lambda: self.refused("ops-sw", subscribe=wire.Subscribe()),
            ("Subscribe", "E_CURSOR"): self.e_cursor,
            ("Subscribe", "E_LIMIT"): self.e_limit,
            ("Ack", "E_REQUEST"): lambda: self.refused("ops-sw", ack=wire.Ack(subscription=1)),
            ("Unsubscribe", "E_REQUEST"): self.e_request,
            ("Read", "E_REQUEST"): lambda: self.refused("ops-sw", read=wire.Read(request=1, event_id="x")),
            ("Read", "E_LIMIT"): self.reads_per_session_max,
            ("Read", "E_REASON"): self.e_reason,
            ("Read", "E_BUSY"): lambda: self.busy(read=wire.Read(request=2)),
            ("Query", "E_REQUEST"): lambda: self.refused("ops-sw", query=wire.Query(request=1)),
            ("Query", "E_UNKNOWN"): self.e_unknown,
            ("Query", "E_CURSOR"): self.drop_of_nothing,
            ("Query", "E_LIST_CHANGED"): lambda: self.refused("ops-sw", query=wire.Query(
                request=1, work=wire.WorkQuery(from_seq=1, from_item=1, from_made=1))),
            ("Query", "E_LIMIT"): self.cursors_beyond_one_answer,
            ("Query", "E_BUSY"): self.e_busy,
            ("Query", "E_STATE"): self.drop_in_use,
            ("DocumentPut", "E_REQUEST"): lambda: self.put("ops-sw", sha256=b""),
            ("DocumentPut", "E_SIZE"): lambda: self.put("ops-sw", size=11 << 20),
            ("DocumentPut", "E_DOCUMENT"): self.e_document,
            ("DocumentPut", "E_DOCUMENT_QUOTA"): self.e_document_quota,
            ("DocumentGet", "E_REQUEST"): lambda: self.get(sha256=b""),
            ("DocumentGet", "E_UNKNOWN"): lambda: self.get(seq=1),
            ("DocumentGet", "E_NO_DOCUMENT"): self.e_no_document,
            ("DocumentGet", "E_REASON"): lambda: self.get(reason="  "),
            ("DocumentGet", "E_BUSY"): lambda: self.busy(**self.any_message("DocumentGet")),
            ("anything else", "E_DECODE"): lambda: self.refused("ops-sw"),
        }[message, code]()
        return case if isinstance(case, str) else next(iter(case)) if isinstance(case, set) else case.code

    def get(self, **fields):
        fields = {"request": 1, "sha256": bytes(32), **fields}
        return self.refused("ops-sw", document_get=self.wici.wire.DocumentGet(**fields))

    def hello_twice(self):
        with self.session("ops-sw", "twice") as client:
            client.send(hello=self.wici.wire.Hello(protocol=1))
            return self.next_refused(client)

    def busy_publish(self):
        return self.busy(**self.any_message("Publish"))

    def drop_of_nothing(self):
        """A cursor that is not there; and another unit's, which is there and not the asker's to drop, or a unit's that is
        not there: the same code, at the field that names the unit."""
        with self.session("ops-sw2", "drop") as client:
            client.subscribe(1, "kept", live=True)
            client.unsubscribe(1)
        codes = set()
        for cursor, unit, path in (("none", "", "cursor"), ("none", "ops-sw", "cursor"), ("kept", "ops-sw2", "unit"),
                                   ("kept", "nobody", "unit")):
            refusal = self.refused("ops-sw", query=self.wici.wire.Query(
                request=1, cursor_drop=self.wici.wire.CursorDrop(cursor=cursor, unit=unit)))
            self.assert_path(refusal, f"query.cursorDrop.{path}")
            codes.add(refusal.code)
        with self.session("ops-sw2", "drop") as client:  # it was not taken
            client.query(cursor_drop=self.wici.wire.CursorDrop(cursor="kept"))
        return codes

    def drop_in_use(self):
        with self.session("ops-sw2", "drop") as client:
            client.subscribe(1, "in-use", live=True)
            client.send(query=self.wici.wire.Query(request=1, cursor_drop=self.wici.wire.CursorDrop(cursor="in-use")))
            return self.next_refused(client)

    def cursors_beyond_one_answer(self):
        """An administrator is shown the cursors of all, with their filters: of so many, no answer holds them."""
        many = [new_id() for _ in range(256)]
        for unit in ("ops-sw", "ops-sw2", "sp12-pedagog", "audyt"):
            with self.session(unit, "many") as client:
                for number in range(60):
                    try:
                        client.subscribe(1, f"many-{number}", dossiers=many, live=True)
                    except Refused:
                        break  # its cursors are used up by other cases
                    client.unsubscribe(1)
        with self.session("admin") as admin:
            admin.send(query=self.wici.wire.Query(request=1, cursors=self.wici.wire.CursorsQuery()))
            return self.next_refused(admin)


class Limits(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.root = tempfile.mkdtemp(prefix="wici-limits-")
        cls.world = Bounds(cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.world.stop()
        shutil.rmtree(cls.root)

    def is_tested(self, key):
        """Another test goes there: does it exist?"""
        if key not in TESTED:
            return False
        path, name = TESTED[key]
        self.assertIn(name, read(path), key)
        return True

    def test_one_beyond_each_limit_is_refused_as_its_row_says(self):
        units = "".join(read(os.path.relpath(path, SOURCE)) for where in ("unit", "wire")
                        for path in glob.glob(f"{SOURCE}/tests/{where}/*.c"))
        rows = limits()
        self.assertGreater(len(rows), 20)
        for name, codes in rows.items():
            with self.subTest(name):
                if hasattr(self.world, name.lower()):
                    self.assertEqual(getattr(self.world, name.lower())(), codes)
                elif not self.is_tested(name) and name not in ADMINISTRATORS | UNREACHABLE:
                    self.assertTrue(re.search(rf"\b{name}\b", units), "no test goes to this limit")

    def test_windows_are_cut_and_raised(self):
        with self.world.session("ops-sw", "windows") as client:
            self.assertEqual(client.subscribe(1, window=2 << 20).window_bytes, 1 << 20)
            self.assertEqual(client.subscribe(2, window=1).window_bytes, 4 << 10)

    def test_a_read_gives_what_one_message_holds_and_goes_on(self):
        dossier = new_id()
        with self.world.session("ops-sw", "large") as client:
            for _ in range(12):
                event = self.world.event("ops-sw", "INFO_PROVIDED", dossier, *letter("x" * 30000), to=["ops-sw2"])
                self.assertTrue(client.publish(event)[0].HasField("receipt"))
            result = client.read(dossier=dossier, max_events=5000)
            self.assertTrue(result.more)
            self.assertLessEqual(result.ByteSize(), (256 << 10) + 4096)
            self.assertEqual(len(list(client.read_all(dossier=dossier))), 12)

    def test_every_cell_of_the_table_of_states_is_what_it_says(self):
        table = cells()
        self.assertGreater(len(table), 30)
        for message, state, code in sorted(table):
            with self.subTest(message=message, state=state, code=code):
                if not self.is_tested((message, state, code)):
                    self.assertEqual(getattr(self.world, f"cell_{state}")(message, code), code)


if __name__ == "__main__":
    unittest.main()
