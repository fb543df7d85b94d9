"""What the fuzzers start from, made anew from the registry: every event type full, every message, sequences of them.

    seeds.py JSON_TOOL PROTOC PROTO_DIR PROTOBUF_INCLUDE POLICY DIR

Writes DIR/event, json, policy, row, talk and client: a folder for each target, in the form that it reads.
"""
import hashlib
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "interop"))
import json_roundtrip as full  # noqa: E402

CLEAR_ENTRY = 0
ADMIN, SW, SW2, SCHOOL, AUDITOR, STRANGER, KEYLESS = range(7)
UNITS = {ADMIN: ("ops", "admin", "ADM"), SW: ("ops", "ops-sw", "SW"), SW2: ("ops", "ops-sw2", "SW"),
         SCHOOL: ("sp12", "sp12-ped", "SCH"), AUDITOR: ("nadzor", "audyt", "AUD")}
TICK, SECOND = 0x40, 0x08
DOSSIER = "11111111-2222-4333-8444-555555555555"
wire, pb = full.wire_pb2, full.event_pb2
MESSAGES = list(full.wire_messages())


def dose(data):
    return struct.pack(">H", len(data)) + data


def said(who, message, flags=0):
    return bytes([who | flags]) + dose(message.SerializeToString())


def client(**fields):
    return wire.ClientMessage(**fields)


HELLO = client(hello=wire.Hello(protocol=1))


def parts(event):
    """An Event, as it is published: the bytes of a header and of each section."""
    return wire.Event(header=event.header.SerializeToString(),
                      sections=[section.SerializeToString() for section in event.sections])


def event_of(kind, who, number, dossier=None):
    """A full event of this type, as this unit might send it."""
    event = full.full_event(kind)
    header, (agency, unit, role) = event.header, UNITS[who]
    header.event_id = f"{full.UUID7[:-6]}{kind.number:03x}{number:03x}"
    header.actor.agency, header.actor.unit, header.actor.role = agency, unit, full.event_pb2.Actor(role=role).role
    for field in ("on_behalf_of", "channel", "received_on"):
        header.actor.ClearField(field)
    for field in ("causation_id", "corrects_event_id", "correction"):
        header.ClearField(field)
    del header.to[:]
    header.to.add().unit = "ops-sw2" if who != SW2 else "ops-sw"
    if kind.number > 900:
        del header.to[:]
        header.dossier_id = DOSSIER if kind.number in (908, 909) else ""
    else:
        header.dossier_id = dossier or f"0f8fad5b-d9cb-469f-a165-{kind.number:06x}{number:06x}"
    return event


def published(who, number, *events):
    return said(who, client(publish=wire.Publish(number=number, events=[parts(event) for event in events])), TICK)


def documents(kinds):
    """A document with wrong pieces before it, named by an event and asked for by everybody. (A dose holds no whole piece.)"""
    kind = next(kind for kind in kinds if kind.name == "INFO_PROVIDED")
    data = b"skan" * 700
    digest, size = hashlib.sha256(data).digest(), len(data)
    event = event_of(kind, SW, 7)
    for section in event.sections:
        body = getattr(section, section.WhichOneof("body"))
        for document in getattr(body, "documents", []):
            document.sha256, document.size = digest.hex(), size

    def put(who, offset, piece, flags=TICK, **fields):
        return said(who, client(document_put=wire.DocumentPut(
            **{"request": 1, "sha256": digest, "size": size, "offset": offset, "data": piece, **fields})), flags)

    def get(who, offset, seq=12):
        return said(who, client(document_get=wire.DocumentGet(
            request=2, seq=seq, sha256=digest, offset=offset, reason="skarga" if who == AUDITOR else "")), TICK)

    yield "document", (
        said(SW, HELLO, TICK) + put(SW, 0, b"") + put(SW, 5, b"x") + put(SW, 0, data)
        + put(SW, 0, data) + published(SW, 1, event) + get(SW, 0) + get(SW, 1 << 18)
        + b"".join(said(who, HELLO, TICK) + get(who, 0) + get(who, 0, 13) for who in (SW2, SCHOOL, AUDITOR, ADMIN)))
    yield "document-wrong", said(SW, HELLO, TICK) + put(SW, 0, b"abc", size=3) + put(SW, 0, b"abcd", size=3) + put(
        SW, 0, b"", size=0) + put(SW, 0, b"", sha256=b"") + put(SW2, 0, b"") + get(SW, 7) + get(SW, 0, 0)


def talks(kinds):
    """Conversations: each event type by each unit, alone and in one dossier; each message after Hello."""
    for who in UNITS:
        talk = said(who, HELLO, TICK)
        for number, kind in enumerate(kinds, 1):
            talk += published(who, number, event_of(kind, who, who))
            if number % 12 == 0:
                yield f"types-{who}-{number:02}", talk
                talk = said(who, HELLO, TICK)
        yield f"dossier-{who}", said(who, HELLO) + b"".join(
            published(who, n, event_of(kind, who, 16 + n, DOSSIER)) for n, kind in enumerate(kinds[:20], 1))
    for number, message in enumerate(MESSAGES):
        if message.DESCRIPTOR.name == "ClientMessage":
            yield f"message-{number:03}", said(SW2, HELLO) + said(SW2, message, TICK) + said(SW2, message)
    follow = wire.Subscribe(subscription=1, cursor="inbox")
    for name, seqs in {"ahead": (1 << 40,), "next": (13,), "back": (9, 5), "again": (9, 9)}.items():
        yield f"ack-{name}", (said(SW2, HELLO) + said(SW2, client(subscribe=follow), TICK) + b"".join(
            said(SW2, client(ack=wire.Ack(subscription=1, seq=seq)), TICK) for seq in seqs)
            + said(SW2, client(unsubscribe=wire.Unsubscribe(subscription=1)), TICK))
    for who in (SW2, SCHOOL, AUDITOR):
        yield f"reading-{who}", (
            said(who, HELLO) + said(who, client(subscribe=follow), TICK)
            + said(SW, HELLO, TICK) + published(SW, 1, event_of(kinds[0], SW, 99))
            + said(who, client(ack=wire.Ack(subscription=1, seq=12)))
            + said(who, client(read=wire.Read(request=1, dossier=DOSSIER, reason="skarga")), TICK)
            + said(who, HELLO, SECOND) + said(who, client(subscribe=follow), SECOND | TICK)
            + said(who, client(unsubscribe=wire.Unsubscribe(subscription=1)), SECOND))
        for name, query in {"explain": wire.Query(request=1, explain=wire.Explain(seq=7)),
                            "group": wire.Query(request=2, group=wire.GroupQuery(dossier=DOSSIER)),
                            "fetched": wire.Query(request=3, fetched=wire.FetchedQuery(event_id=full.UUID7)),
                            "courses": wire.Query(request=9, courses=wire.CoursesQuery(from_seq=3, max=2)),
                            "outside": wire.Query(request=11, outside=wire.OutsideQuery(agency="sp3", dossier_seq=3,
                                                                                        after_seq=4, max=2)),
                            "clocks": wire.Query(request=12, clocks=wire.ClocksQuery(from_seq=3, from_mark=2, max=1)),
                            "work": wire.Query(request=13, work=wire.WorkQuery(from_seq=3, from_item=2, max=1)),
                            "erasures": wire.Query(request=14, erasures=wire.ErasuresQuery(max=1)),
                            "erasure": wire.Query(request=15, erasures=wire.ErasuresQuery(dossier=DOSSIER)),
                            "course": wire.Query(request=10, courses=wire.CoursesQuery(dossier=DOSSIER)),
                            "cursors": wire.Query(request=4, cursors=wire.CursorsQuery()),
                            "drop": wire.Query(request=5, cursor_drop=wire.CursorDrop(cursor="inbox")),
                            "directory": wire.Query(request=6, directory=wire.DirectoryQuery()),
                            "backup": wire.Query(request=11, backup=wire.BackupQuery(label="monday")),
                            "policy": wire.Query(request=7, policy=wire.PolicyQuery()),
                            "status": wire.Query(request=8, status=wire.StatusQuery())}.items():
            yield f"query-{name}-{who}", said(who, HELLO) + said(who, client(query=query), TICK)
    yield from documents(kinds)
    yield "nobody", said(STRANGER, HELLO) + said(KEYLESS, HELLO) + said(SW, client(ack=wire.Ack(subscription=1, seq=1)))


def delivery(event, seq):
    found = wire.Delivery(seq=seq, ts_ms=1796083200000, digests=bytes(32 * 32))
    kind = event.header.type
    rows = [(0, kind * 10 + 8, event.header.SerializeToString())]
    rows += [(2 + n, section.WhichOneof("body") and next(
        field.number for field, _ in section.ListFields() if field.containing_oneof), section.SerializeToString())
        for n, section in enumerate(event.sections)]
    for slot, section_id, body in rows:
        part = found.parts.add(body=body)
        part.slot.slot, part.slot.section_id, part.slot.salt = slot, section_id, bytes(32)
    return found


def clients(kinds):
    """What a broker might say to a client that has published one event and subscribed twice."""
    head = wire.Position(epoch=1, seq=40, leaf_hash=bytes(32))
    welcome = dose(wire.BrokerMessage(welcome=wire.Welcome(
        protocol=1, origin="x", agency="ops", unit="ops-sw", roles=[1], next_number=1, head=head)).SerializeToString())
    begun = welcome + b"".join(dose(wire.BrokerMessage(subscribed=wire.Subscribed(
        subscription=n, from_seq=1, window_bytes=1 << 20)).SerializeToString()) for n in (1, 2))
    for number, kind in enumerate(kinds):
        batch = wire.Batch(subscription=1 + number % 2, deliveries=[delivery(event_of(kind, SW, n), n) for n in (1, 2, 3)])
        if number < 2:
            again = dose(wire.BrokerMessage(batch=batch).SerializeToString()[:65535])
            yield f"twice-{number}", begun + again + again
        yield f"batch-{number:02}", begun + dose(wire.BrokerMessage(batch=batch).SerializeToString()[:65535])
    for number, message in enumerate(MESSAGES):
        if message.DESCRIPTOR.name == "BrokerMessage":
            yield f"message-{number:03}", begun + dose(message.SerializeToString()[:65535])
            yield f"opening-{number:03}", dose(message.SerializeToString()[:65535]) + welcome
    for code in ("E_GAP", "E_BUSY", "E_STATE", "E_KEY", "E_TAKEN_OVER", "E_LOG_DIVERGED", "E_CURSOR"):
        for place in ({"number": 1, "next_number": 1}, {"subscription": 1}, {"request": 1}, {}):
            refused = wire.Refused(refusal={"code": code, "pl": "x", "en": "x"}, **place)
            yield f"refused-{code}-{len(place)}-{'-'.join(place)}", begun + dose(
                wire.BrokerMessage(refused=refused).SerializeToString())


def policies(text):
    """The default policy; the same without what is only for the eye; and that with one mistake, which is refused."""
    yield "default", text
    small = re.sub(r" +", " ", re.sub(r"(?m)^(#.*)?\n", "", text.decode()))
    yield "small", small.encode()
    first = re.search(r"(?m)^type .*\n", small)[0]
    for name, old, new in (("both", r"(type referral.submitted .*) 0\n", r"above AUD referral.submitted\n\1 01/1\n"),
                           ("twice", r" ([Pp]?\d*)(\d) ", r" \1\2\2 "),
                           ("falling", r"123", "132"), ("without-s0", r" 06 ", " 6 "), ("half-s0", r" 06 ", " /06 "),
                           ("above-ceiling", r"(type referral.submitted .*) 0\n", r"\1 017\n"),
                           ("above-of-another", r"(type ipus.agreed .*) 0\n", r"\1 01\n"),
                           ("half-above-ceiling", r"(type referral.submitted .*) 0\n", r"\1 0/17\n"),
                           ("full-above-half", r" P0/167 ", " P01/67 "), ("nothing-by-half", r" 06 ", " 06/ "),
                           ("role-twice", r"roles SW INT", "roles SW SW"), ("role-missing", r"roles SW", "roles"),
                           ("cell-missing", r"(type referral.submitted .*) 0\n", r"\1\n"),
                           ("cell-more", r"(type referral.submitted .*) 0\n", r"\1 0 0\n"),
                           ("type-twice", re.escape(first), lambda found: found[0] * 2), ("type-missing", re.escape(first), ""),
                           ("type-unknown", r"type referral.submitted", "type referral.sent"),
                           ("ceiling-missing", r"ceiling S3 .*\n", ""), ("ceiling-twice", r"ceiling S3", "ceiling S2"),
                           ("version-missing", r"version .*\n", ""), ("above-nothing", r"above IC ipus", "above IC opus"),
                           ("above-less", r"above IC .*\n", ""), ("letter", r" P0", " Q0")):
        wrong = re.sub(old, new, small, count=1)
        assert wrong != small, name
        yield name, wrong.encode()


def row_sum(seq, entry, generation):
    """What check_of_row() of store/check.h gives."""
    mask = (1 << 64) - 1
    value = (entry << 32 | generation) * 0x9e3779b97f4a7c15 & mask
    value ^= (seq + 0x632be59bd9b4e019 & mask) * 0xff51afd7ed558ccd & mask
    value ^= value >> 32
    return (value * 0xc4ceb9fe1a85ec53 & mask) >> 32


def rows(kinds):
    """Records as their content, and a few as rows in clear."""
    for kind in kinds:
        event = event_of(kind, SW, 1)
        content = bytes([1, 31]) + b"".join(
            struct.pack(">BH", part.slot.slot, part.slot.section_id) + dose(part.body)
            for part in delivery(event, 1).parts)
        yield f"record-{kind.number}", content
    for n in (1, 2, 32):
        leaf = b"wici-event-v1\0" + struct.pack(">BBQQB", 1, 0, 1, 1796083200000, n) + bytes(32 * n)
        yield f"row-{n}", b"\0" + leaf + struct.pack(">III", CLEAR_ENTRY, 0, row_sum(1, CLEAR_ENTRY, 0)) + bytes(32) + struct.pack(">BHI", 0, 28, 4) + b"text"
        yield f"erased-{n}", b"\0" + leaf


def main():
    policy, into = pathlib.Path(sys.argv[5]), pathlib.Path(sys.argv[6])
    kinds = list(pb.EventType.DESCRIPTOR.values[1:])
    made = {"event": [], "json": [], "policy": list(policies(policy.read_bytes())),
            "row": list(rows(kinds)), "talk": list(talks(kinds)), "client": list(clients(kinds))}
    for kind in kinds:
        event = full.full_event(kind)
        made["event"].append((kind.name.lower(), event.SerializeToString()))
        made["json"].append((f"{kind.name.lower()}.json", full.json_format.MessageToJson(event, indent=None).encode()))
    for number, message in enumerate(MESSAGES):
        made["event"].append((f"message-{number:03}", message.SerializeToString()))
        if message.DESCRIPTOR.name == "ClientMessage":
            made["json"].append((f"message-{number:03}.json", full.json_format.MessageToJson(message, indent=None).encode()))
    for target, files in made.items():
        (into / target).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (into / target / name).write_bytes(data)
    print(", ".join(f"{target}: {len(files)}" for target, files in made.items()))


main()
