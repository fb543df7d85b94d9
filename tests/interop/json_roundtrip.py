"""Our JSON and Python's are the same, for every event type with every field of every class filled in.

    json_roundtrip.py JSON_TOOL PROTOC PROTO_DIR PROTOBUF_INCLUDE

Python's protobuf is an implementation of its own: what it writes we must read as the same message, and the other way
round. Each full event must also pass the broker's own check. Before all that, planted differences show that the comparison can fail.
tests/fuzz/seeds.py takes the same messages.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

TEXT = "Zażółć\tgęślą\njaźń „tak” \"i\" \\ ukośnik / \U0001f3e0"
UUID4 = "0f8fad5b-d9cb-469f-a165-70867728950e"
UUID7 = "019c9f6a-5e00-7abc-9def-0123456789ab"
PLAIN = "zażółć \U0001f3e0 /\\"

tool, protoc, proto_dir, include = sys.argv[1:5]


def load_modules(into):
    """The generated modules, and with them the options beside each field."""
    protos = [str(path) for path in sorted(pathlib.Path(proto_dir, "wici/v1").glob("*.proto"))]
    subprocess.run([protoc, f"-I{proto_dir}", f"-I{include}", f"--python_out={into}", *protos], check=True)
    sys.path.insert(0, into)
    from wici.v1 import event_pb2, options_pb2, wire_pb2
    return event_pb2, options_pb2, wire_pb2


scratch = tempfile.TemporaryDirectory()
event_pb2, options, wire_pb2 = load_modules(scratch.name)
from google.protobuf import json_format, message_factory  # noqa: E402

FORMATS = {
    options.ID: "a.B_c-9", options.UUID: UUID4, options.UUID7: UUID7, options.DATE: "2024-02-29",
    options.TIME: "2026-03-01T08:30:00.125+01:00", options.LINE: PLAIN, options.TEXT: TEXT,
    options.SHA256: "0123456789abcdef" * 4, options.GMINA: "1465011", options.MEDIA_TYPE: "application/pdf",
    options.KEY: "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7",
}


def run(*args, stdin):
    return subprocess.run([tool, *args], input=stdin, capture_output=True)


def option(field, name):
    return field.GetOptions().Extensions[getattr(options, name)]


def value(field, pick, registry):
    """One valid value of a field; pick chooses among the members of a oneof further down."""
    kind = field.type
    if kind == field.TYPE_MESSAGE:
        return fill(field.message_type, pick, registry)
    if kind == field.TYPE_ENUM:
        return field.enum_type.values[-1].number
    if kind == field.TYPE_BOOL:
        return True
    if kind == field.TYPE_UINT32:
        return option(field, "max") or 0xffffffff
    if kind == field.TYPE_UINT64:
        return 0xfffffffffffffffe
    if kind == field.TYPE_BYTES:
        return bytes([0xfb, 0xef, 0xbe, 0, 255] * 6)[:28 + pick % 3]  # all paddings of base64, and both odd digits
    assert kind == field.TYPE_STRING, field.full_name
    if not registry:
        return PLAIN
    fmt = option(field, "format")
    return option(field, "codes").split()[-1] if fmt == options.CODE else FORMATS[fmt]


def message_class(desc):
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(desc)
    return message_factory.MessageFactory().GetPrototype(desc)  # before protobuf 4.22


def fill(desc, pick, registry):
    """A message with every field set; of a oneof, member number `pick`."""
    message = message_class(desc)()
    chosen = set()
    for oneof in desc.oneofs:
        chosen.add(oneof.fields[pick % len(oneof.fields)].name)
        pick //= len(oneof.fields)
    for field in desc.fields:
        if field.containing_oneof and field.name not in chosen:
            continue
        if field.label == field.LABEL_REPEATED:
            count = min(2, option(field, "max_count") or 2)
            values = [value(field, pick + i, registry) for i in range(count)]
            getattr(message, field.name).extend(values)
        elif field.type == field.TYPE_MESSAGE:
            child = getattr(message, field.name)
            child.SetInParent()
            child.CopyFrom(value(field, pick, registry))
        else:
            setattr(message, field.name, value(field, pick, registry))
    return message


def full_event(kind):
    """An event of a type, with one full section of each class that is declared for it."""
    event = event_pb2.EventDocument()
    event.header.CopyFrom(fill(event_pb2.Header.DESCRIPTOR, 0, True))
    event.header.type = kind.number
    for to in event.header.to:  # a unit or an agency, not both
        to.agency = ""
    event.header.to[-1].unit, event.header.to[-1].agency = "", "ops-1"
    desc = event_pb2.Section.DESCRIPTOR
    for place, field in enumerate(desc.oneofs_by_name["body"].fields):
        if field.number // 10 == kind.number:
            event.sections.add().CopyFrom(fill(desc, place, True))
    return event


def differences(message, change=None):
    """What differs between Python's JSON and ours, in either direction; change spoils the JSON on its way to us."""
    name, found = message.DESCRIPTOR.name, []
    for spelling in ({}, {"preserving_proto_field_name": True}, {"use_integers_for_enums": True}):
        text = json_format.MessageToJson(message, **spelling)
        answer = run("to-bytes", name, stdin=(change(text) if change else text).encode())
        if answer.returncode != 0:
            found.append(f"{name} {spelling}: our reader refuses Python's JSON: {answer.stderr.decode().strip()}")
        elif type(message).FromString(answer.stdout) != message:
            found.append(f"{name} {spelling}: we read another message than Python wrote")
        if change:
            return found
    answer = run("to-json", name, stdin=message.SerializeToString())
    if answer.returncode != 0:
        return found + [f"{name}: our writer refuses: {answer.stderr.decode().strip()}"]
    try:
        if json_format.Parse(answer.stdout.decode(), type(message)()) != message:
            found.append(f"{name}: Python reads another message than we wrote")
    except json_format.ParseError as error:
        found.append(f"{name}: Python refuses our JSON: {error}")
    if answer.returncode == 0 and json_format.MessageToDict(message) != json.loads(answer.stdout):
        found.append(f"{name}: our JSON is spelt otherwise than Python's")
    return found


def refusal(event):
    answer = run("check", stdin=event.SerializeToString())
    return "" if answer.returncode == 0 else answer.stderr.decode().strip() or f"exit {answer.returncode}"


def plant(event):
    """Each difference planted here must be seen, or the checker is blind."""
    missed = []
    if not differences(event, lambda text: text.replace("2024-02-29", "2024-02-28", 1)):
        missed.append("a date that changed on its way")
    if not differences(event, lambda text: text.replace('"eventId"', '"eventsId"', 1)):
        missed.append("a misspelt name")
    spoilt = event_pb2.EventDocument.FromString(event.SerializeToString())
    spoilt.header.actor.received_on = "2023-02-29"
    if refusal(spoilt) != "E_FIELD header.actor.receivedOn":
        missed.append("an event with a day that never was")
    return [f"planted and not seen: {what}" for what in missed]


def wire_messages():
    """Every kind of message on the wire, every member of every oneof, full; then the empty and the zero ones."""
    seen = set()
    for cls in (wire_pb2.ClientMessage, wire_pb2.BrokerMessage):
        for pick in range(len(cls.DESCRIPTOR.oneofs[0].fields) * 8):
            message = fill(cls.DESCRIPTOR, pick, False)
            if message.SerializeToString() not in seen:
                seen.add(message.SerializeToString())
                yield message
        yield cls()
    for start in ({"from_seq": 0}, {"from_time": ""}, {"live": False}):
        yield wire_pb2.ClientMessage(subscribe=wire_pb2.Subscribe(subscription=1, **start))
    yield wire_pb2.ClientMessage(hello=wire_pb2.Hello())
    yield wire_pb2.Event(header=b"", sections=[b"", b"\xff"])
    yield wire_pb2.Welcome(roles=[1, 22])


def main():
    kinds = event_pb2.EventType.DESCRIPTOR.values[1:]
    events = {kind.name: full_event(kind) for kind in kinds}
    problems = plant(events["REFERRAL_SUBMITTED"])
    wire = list(wire_messages())
    for name, event in events.items():
        problems += [f"{name}: {what}" for what in differences(event)]
        if refusal(event):
            problems.append(f"{name}: a full, valid event is refused: {refusal(event)}")
    for message in wire:
        problems += differences(message)
    if problems:
        sys.exit("\n".join(problems))
    print(f"{len(events)} event types and {len(wire)} wire messages: the same JSON both ways")


if __name__ == "__main__":
    main()
