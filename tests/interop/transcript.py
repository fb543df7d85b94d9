"""Prints the conversation of section 7 of docs/PROTOCOL.md, as it happens with a real broker.

Messages are shown in protobuf text format with one liberty: the bytes of headers and sections are shown as what they
serialise, other bytes by their first four and their length, and of more than two slots or parts the first two.
"""
import shutil
import tempfile

from world import World, new_id, referral

WIDTH = 116
SHOWN = 2  # of a long list


class Printer:
    """Messages as text."""

    def __init__(self, wici):
        self.wici = wici

    def value(self, field, value):
        """The text of one value: a string, or a list of texts for a message."""
        if field.type == field.TYPE_MESSAGE:
            return self.fields(value)
        if field.type == field.TYPE_BYTES:
            return self.bytes(field.name, value)
        if field.type == field.TYPE_ENUM:
            return field.enum_type.values_by_number[value].name
        if field.type == field.TYPE_STRING:
            return f'"{value}"'
        return str(value).lower() if field.type == field.TYPE_BOOL else str(value)

    def bytes(self, name, value):
        """Bytes as what they serialise, or shortened."""
        if name == "header":
            return self.fields(self.wici.event.Header.FromString(value))
        if name == "sections":
            return self.fields(self.wici.event.Section.FromString(value))
        return f"<{value[:4].hex()}..., {len(value)} bytes>"

    def fields(self, message):
        """A message as a list of 'name: value' and (name, list)."""
        shown = []
        for field, value in message.ListFields():
            values = list(value) if field.label == field.LABEL_REPEATED else [value]
            limit = SHOWN if field.name in ("slots", "parts") else len(values)
            for one in values[:limit]:
                if field.name == "body" and field.type == field.TYPE_BYTES:
                    shown.append(("body", self.body(message, one)))
                    continue
                text = self.value(field, one)
                shown.append(f"{field.name}: {text}" if isinstance(text, str) else (field.name, text))
            if len(values) > limit:
                shown.append(f"# and {len(values) - limit} more {field.name}")
        return shown

    def body(self, disclosed, value):
        """The body of a part, by its section id."""
        kind = {8: self.wici.event.Header, 9: self.wici.sys.BrokerNote}.get(disclosed.slot.section_id % 10,
                                                                            self.wici.event.Section)
        return self.fields(kind.FromString(value))

    def lines(self, fields, indent):
        """On one line what fits there."""
        for field in fields:
            if isinstance(field, str):
                yield " " * indent + field
                continue
            line = " " * indent + self.flat(field)
            if len(line) <= WIDTH and "#" not in line:
                yield line
            else:
                yield " " * indent + field[0] + " {"
                yield from self.lines(field[1], indent + 2)
                yield " " * indent + "}"

    def flat(self, field):
        """A field on one line."""
        return field if isinstance(field, str) else f"{field[0]} {{ {' '.join(self.flat(f) for f in field[1])} }}"

    def trace(self, name):
        """A trace for Client that prints."""
        def show(sent, message):
            print(f"{name} -> broker" if sent else f"broker -> {name}")
            print("\n".join(self.lines(self.fields(message), 4)), end="\n\n")
        return show


def main():
    """A school tells of a family, a social worker receives it."""
    root = tempfile.mkdtemp(prefix="wici-transcript-")
    world = None
    try:
        world = World(root)
        printer = Printer(world.wici)
        dossier = new_id()
        good, bad = (world.event("sp12-pedagog", "REFERRAL_SUBMITTED", dossier, *referral(), to=["ops-sw"])
                     for _ in range(2))
        section = world.wici.event.Section.FromString(bad.sections[3])
        section.referral_submitted_s6.paper_kind = "POSTCARD"
        bad.sections[3] = section.SerializeToString()
        with world.client("sp12-pedagog", trace=printer.trace("school")) as school:
            school.hello()
            answers = school.publish(good, bad)
            head = answers[0].receipt.seq
        with world.client("ops-sw", trace=printer.trace("worker")) as worker:
            worker.hello()
            worker.subscribe(1, cursor="inbox", dossiers=[dossier])
            worker.deliveries_to(1, head)
            worker.ack(1, head)
            while worker.positions.get(1, 0) < head:
                worker.receive()
    finally:
        if world is not None:
            world.stop()
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
