"""Prints the conversation of section 7 of docs/PROTOCOL.md, as it happens with a real broker.

Messages are shown in protobuf text format with two liberties: the bytes of headers and sections are shown as what they
serialise, and other bytes by their first four and their length.
"""
import shutil
import tempfile

from world import World, new_id

WIDTH = 116
SECTIONS = ({"referral_submitted_s0": {"referral_id": new_id(), "information_received_on": "2026-03-02"}},
            {"subjects": ["osoba-1"], "referral_submitted_s1": {"persons": [{"person_ref": "osoba-1"}]}},
            {"subjects": ["osoba-1"], "referral_submitted_s5": {"court_ref": "III Nsm 7/26"}},
            {"subjects": ["osoba-1"], "referral_submitted_s6": {
                "paper_kind": "INFORMATION", "service": "FAMILY_ASSISTANT", "source_kind": "COURT"}})


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
            for one in values:
                if field.name == "body" and field.type == field.TYPE_BYTES:
                    shown.append(("body", self.body(message, one)))
                    continue
                text = self.value(field, one)
                shown.append(f"{field.name}: {text}" if isinstance(text, str) else (field.name, text))
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
            if len(line) <= WIDTH:
                yield line
            else:
                yield " " * indent + field[0] + " {"
                yield from self.lines(field[1], indent + 2)
                yield " " * indent + "}"

    def flat(self, field):
        """A field on one line."""
        if isinstance(field, str):
            return field
        return f"{field[0]} {{ {' '.join(self.flat(f) for f in field[1])} }}" if field[1] else f"{field[0]} {{}}"

    def trace(self, name):
        """A trace for Client that prints."""
        def show(sent, message):
            print(f"{name} -> broker" if sent else f"broker -> {name}")
            print("\n".join(self.lines(self.fields(message), 4)), end="\n\n")
        return show


def main():
    """A social worker refers a family, and makes a mistake in another paper; the school receives what it may see."""
    root = tempfile.mkdtemp(prefix="wici-transcript-")
    world = None
    try:
        world = World(root)
        printer = Printer(world.wici)
        dossier = new_id()
        good = world.event("ops-sw", "REFERRAL_SUBMITTED", dossier, *SECTIONS, to=["sp12-pedagog"])
        bad = world.event("ops-sw", "INFO_PROVIDED", dossier, {"info_provided_s0": {"provided_on": "2026-02-30"}},
                          {"info_provided_s6": {"doc_kind": "REPORT", "text": "Załącznik."}}, to=["sp12-pedagog"])
        with world.client("ops-sw", trace=printer.trace("worker")) as worker:
            worker.hello()
            answers = worker.publish(good, bad)
            seq = answers[0].receipt.seq
        with world.client("sp12-pedagog", trace=printer.trace("school")) as school:
            school.hello()
            school.subscribe(1, cursor="inbox", dossiers=[dossier])
            school.deliveries_to(1, seq)
            while school.positions.get(1, 0) < seq:
                school.receive()
            school.ack(1, school.positions[1])
            school.query(cursors=world.wici.wire.CursorsQuery())
    finally:
        if world is not None:
            world.stop()
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
