"""The dossiers and events of cells.py: each relation to a dossier, and for each type of event sections of every class
with every mark.

Everything is made before anything is published: ids are the client's to choose. Bodies are made from the .proto files;
each holds a marker of its own, so that what is withheld can be looked for in whatever a unit was sent.
"""
import dataclasses
import itertools
import sys
import uuid

from cells_oracle import Relation
from wici_client import uuid7
from world import now

MARKER = b"feedc0de-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"
OURS, OTHERS = "osoba-1", "osoba-2"  # a person the relation is about, one it is not about
AUTHOR, HELPER, AUTHORS = "autor", "autor-2", "aut"  # units that write, and their agency
AUTHOR_ROLES = ["SW", "FA", "DIR", "IC", "CT", "INT"]
AUTHOR_ROLE = {"case.assistant_assigned": "DIR", "case.plan_updated": "FA", "case.assessment_recorded": "FA",
               "case.worker_set": "DIR", "court.opinion_requested": "CT", "court.opinion_delivered": "FA",
               "court.order_issued": "CT", "ipus.agreed": "IC", "ipus.updated": "IC", "ipus.approved": "DIR",
               "ipus.service_reported": "IC", "ipus.concluded": "IC"}
# Better by a social worker, who is told (the concerns here are Blue Cards).
BY_SOCIAL_WORKER = [("court.insight_requested", "FA"), ("court.insight_requested", "IC"),
                    ("case.safety_concern_raised", "FA")]
VALUES = {  # fields in which a value has a meaning to the broker
    ("referral.answered", 6): {"status": "received"},
    ("referral.forwarded", 0): {"to_unit": HELPER, "whole": "NO"},
    ("case.opened", 6): {"path": "ORDINARY"},
    ("case.assistant_assigned", 0): {"unit": HELPER},
    ("case.worker_set", 0): {"unit": AUTHOR},
    ("case.linked", 0): {"kind": "SIBLING"},
    ("case.safety_concern_answered", 0): {"outcome": "NOT_TAKEN_UP"},
    ("court.order_issued", 5): {"order_kind": "SUPERVISION"},
    ("meeting.convened", 6): {"invited": [{"unit": HELPER}]},
    ("ipus.agreed", 0): {"period_to": "2026-09-01"},
    ("ipus.updated", 0): {"period_to": "2026-09-01"},
    ("ipus.agreed", 6): {"row": {"service_ref": "usluga", "programme_id": "program", "provider": "nikt", "place": "tu",
                                 "schedule": "co dzień"}},
}
# Types that end a relation: each event of one is in a dossier of its own, with a second event after it.
ENDS = {"PENDING": {"referral.completed": "consent.granted"}, "OFFICE": {"referral.completed": "consent.granted"},
        "PARTICIPANT": {"case.closed": "consent.granted"},
        "INVITEE": {"meeting.agreements_issued": "meeting.held"},
        "PROVIDER": {"ipus.concluded": "ipus.service_reported"},
        "REFERRER": {"referral.completed": "referral.completed"}}
ANSWERS = "info.provided court.opinion_delivered case.safety_concern_answered referral.answered".split()  # to the asker
SECTIONS_MAX = 30
PAPER = {"on_behalf_of": "wnioskodawca", "channel": "PAPER", "received_on": "2026-03-02"}


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit with one role that counts."""
    id: str
    agency: str
    role: str


@dataclasses.dataclass
class Section:
    """One section as published, and what the oracle has to know of it."""
    cls: int
    subjects: frozenset
    only_for: frozenset
    not_to: frozenset
    body: bytes
    marker: str


@dataclasses.dataclass(eq=False)
class Dossier:
    """A dossier opened by the author, and who has which relation to it."""
    id: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))
    ref: str = dataclasses.field(default_factory=lambda: str(uuid.uuid4()))  # of its meeting and its IPUS
    relations: dict = dataclasses.field(default_factory=dict)
    ipus: bool = False
    protected: bool = False
    history: bool = False  # its relations begin with its first event
    header: dict = dataclasses.field(default_factory=dict)  # of every event in it: addressees, the event answered
    originals: dict = dataclasses.field(default_factory=dict)  # by type, the event that corrections correct
    versions: dict = dataclasses.field(default_factory=dict)  # the last version of each IPUS
    new: bool = True  # nothing was written in it yet


@dataclasses.dataclass(eq=False)
class Event:
    """An event as published."""
    type: str
    unit: Unit
    dossier: Dossier
    wire: object
    id: str
    sections: list
    to: frozenset
    answer_to: frozenset
    answer_about: frozenset
    ref: str
    named: frozenset  # providers of its rows, or its probation units
    corrects: bool = False
    version: tuple = ()  # of which IPUS it is which version
    receipt: object = None

    @property
    def seq(self):
        """Its place in the log."""
        return self.receipt.seq

    @property
    def has_note(self):
        """Whether the broker has anything to note."""
        return bool(self.to or self.answer_to or self.answer_about or self.corrects or self.receipt.warnings)

    @property
    def persons(self):
        """Every person it is about."""
        return frozenset().union({OURS}, *(section.subjects for section in self.sections))


@dataclasses.dataclass(frozen=True)
class Mark:
    """How a section is marked."""
    subjects: tuple = ()
    only_for: tuple = ()
    not_to: tuple = ()


NO_MARK = Mark()


def marks_for(units):
    """Each way of marking a section, so that every unit is once named and once not, by itself and by its agency."""
    halves = units[0::2], units[1::2]
    ids = [tuple(unit.id for unit in half) for half in halves]
    agencies = [tuple(unit.agency for unit in half) for half in halves]
    named = [names for names in ids + agencies if names]
    return [NO_MARK, Mark((OURS,)), Mark((OTHERS,)), Mark((OURS,), only_for=(AUTHORS,)),
            *(Mark(only_for=names) for names in named), *(Mark((OURS,), not_to=names) for names in named)]


class Types:
    """The event types, their classes, and bodies of them with a marker inside."""

    def __init__(self, wici):
        self.options = sys.modules["wici.v1.options_pb2"]
        self.section_class = wici.event.Section
        self.header_class = wici.event.Header
        self.event_class = wici.wire.Event
        self.wire_name, self.slots, self.opens, self.classes, self.required, self.template = {}, {}, {}, {}, {}, {}
        fields = {field.number: field for field in wici.event.Section.DESCRIPTOR.fields}
        for value in wici.event.EventType.DESCRIPTOR.values:
            info = value.GetOptions().Extensions[self.options.info]
            if not info.name or info.name.startswith("sys."):
                continue
            self.wire_name[info.name], self.slots[info.name] = value.number, info.slots
            self.opens[info.name] = info.opens
            self.classes[info.name] = [cls for cls in range(8) if 10 * value.number + cls in fields]
            for cls in self.classes[info.name]:
                self.template[info.name, cls] = self.make_template(info.name, cls, fields[10 * value.number + cls])
            self.required[info.name] = [cls for cls in self.classes[info.name] if any(
                self.option(field, "required") for field in fields[10 * value.number + cls].message_type.fields)]

    def option(self, field, name):
        """An option of a field of ours."""
        return field.GetOptions().Extensions[getattr(self.options, name)]

    def value(self, field):
        """A value that a scalar field may have."""
        if field.type != field.TYPE_STRING:
            return 1
        kind = self.options.Format.Name(self.option(field, "format"))
        if kind == "CODE":
            return self.option(field, "codes").split()[0]
        return {"UUID": str(uuid.uuid4()), "DATE": "2026-03-02", "TIME": "2026-03-02T08:00:00Z", "GMINA": "326101",
                "ID": OURS}.get(kind, "tekst")

    def fill(self, message):
        """Fills what is mandatory in a message."""
        for field in message.DESCRIPTOR.fields:
            if not self.option(field, "required"):
                continue
            repeated = field.label == field.LABEL_REPEATED
            if field.message_type is not None:
                target = getattr(message, field.name)
                target = target.add() if repeated else target
                target.SetInParent()
                self.fill(target)
            elif repeated:
                getattr(message, field.name).append(self.value(field))
            else:
                setattr(message, field.name, self.value(field))

    def marker_path(self, message):
        """Where the marker can stand: a text, that of a person, or an id that nobody looks at. None: nowhere."""
        for formats in (("LINE", "TEXT"), ("UUID", "ID")):
            for field in message.DESCRIPTOR.fields:
                if field.name in ("meeting_id", "ipus_id", "unit", "to_unit", "other_dossier", "probation_unit",
                                  "person_ref"):
                    continue
                max_size = self.option(field, "max")
                if (field.type == field.TYPE_STRING and field.label != field.LABEL_REPEATED
                        and self.options.Format.Name(self.option(field, "format")) in formats
                        and (max_size == 0 or max_size >= 36)):
                    return (field.name,)
        for field, value in message.ListFields():
            if field.message_type is not None:
                inner = self.marker_path(value[0] if field.label == field.LABEL_REPEATED else value)
                if inner:
                    return (field.name, *inner)
        return None

    def make_template(self, name, cls, field):
        """The body of one class of one type, its name in Section, and where the marker goes."""
        section = self.section_class()
        body = getattr(section, field.name)
        body.SetInParent()
        self.fill(body)
        for key, value in VALUES.get((name, cls), {}).items():
            put(body, key, value)
        return field.name, body, self.marker_path(body)

    def section(self, name, cls, mark=NO_MARK, ref="", **values):
        """One section, serialised."""
        marker = str(uuid.uuid4())
        marker = f"feedc0de-{marker[9:19]}8{marker[20:]}"
        field, template, path = self.template[name, cls]
        section = self.section_class(subjects=mark.subjects, only_for=mark.only_for, not_to=mark.not_to)
        body = getattr(section, field)
        body.CopyFrom(template)
        for key in ("meeting_id", "ipus_id"):
            if cls == 0 and key in body.DESCRIPTOR.fields_by_name:
                setattr(body, key, ref)
        if path is None:
            section.not_to.append(marker)  # the name of no unit
        else:
            target = body
            for step in path[:-1]:
                target = getattr(target, step)
                target = target[0] if hasattr(target, "add") else target
            setattr(target, path[-1], marker)
        for key, value in values.items():
            put(body, key, value)
        return Section(cls, frozenset(mark.subjects), frozenset(mark.only_for), frozenset(mark.not_to),
                       section.SerializeToString(), marker)


def put(message, key, value):
    """Sets a field from a value, a dict, or a list of dicts or values."""
    if isinstance(value, dict):
        getattr(message, key).SetInParent()
        for name, inner in value.items():
            put(getattr(message, key), name, inner)
    elif isinstance(value, list):
        del getattr(message, key)[:]
        for item in value:
            if isinstance(item, dict):
                target = getattr(message, key).add()
                for name, inner in item.items():
                    put(target, name, inner)
            else:
                getattr(message, key).append(item)
    else:
        setattr(message, key, value)


class Plan:
    """Makes events; `setup` are those to be published before the units listen, `probes` those after."""

    def __init__(self, wici, roles):
        self.types = Types(wici)
        self.roles = wici.common.Role
        self.author = Unit(AUTHOR, AUTHORS, "SW")
        self.units = [Unit(f"u-{role.lower()}", f"a-{role.lower()}", role) for role in roles]
        self.mates = [Unit(f"b-{role.lower()}", f"a-{role.lower()}", "SW") for role in roles]
        self.setup, self.probes, self.pairs = [], [], []
        self.unreachable = {}  # (relation, reason) -> number of cells
        self.reached = {}  # relation -> number of cells
        self.elsewhere = self.open_case()

    # ---- events

    def event(self, unit, name, dossier, sections, role=None, paper=None, linked=None, **header):
        """An event with these sections, each (class, mark, values)."""
        types = self.types
        made = []
        ref = header.pop("ref", dossier.ref)
        corrected = header.get("corrects", dossier.originals.get(name)) is not None
        ipus, version = self.version(name, dossier, ref, corrected)
        for cls, mark, values in sections:
            if version and cls == 0:
                values = {"version": version, **values}
            if name == "case.linked" and cls == 0:
                values = {"other_dossier": (linked or self.elsewhere).id, **values}
            made.append(types.section(name, cls, mark, ipus, **values))
        role = role or (AUTHOR_ROLE.get(name, "SW") if unit.id == AUTHOR else unit.role)
        to = list(header.pop("to", dossier.header.get("to", ())))
        if name == "referral.forwarded":
            to_units = to + [values.get("to_unit", HELPER) for cls, _, values in sections if cls == 0][:1]
        else:
            to_units = to
            if not to and dossier.new and types.opens[name] in ("REFERRAL", "LETTER"):
                to_units = [unit.id]  # who opens one for nobody has to answer it
        # The social workers of its agency are told, where none leads the dossier: the author does, whose case it is.
        if (name, role) in BY_SOCIAL_WORKER and unit.id != AUTHOR and "case.opened" not in dossier.originals:
            to_units = to_units + [unit.id.replace("u-", "b-")]
        dossier.new = False
        cause = header.pop("cause", dossier.header.get("cause"))
        corrects = header.pop("corrects", dossier.originals.get(name))
        answer_to, answer_about = frozenset(), frozenset()
        if cause is not None or corrects is not None:
            answer_to = frozenset().union(*(e.to | e.answer_to for e in (cause, corrects) if e is not None))
            if cause is not None and name in ANSWERS and (name, cause.type) != ("referral.answered", "referral.submitted"):
                answer_to |= {cause.unit.id}
            answer_about = frozenset({OURS})  # all that is answered or corrected here is about that one person
        message = types.header_class(
            event_id=uuid7(), type=types.wire_name[name], schema_version=1, dossier_id=dossier.id, occurred_at=now(),
            late_entry=True, causation_id=cause.id if cause else "", corrects_event_id=corrects.id if corrects else "",
            correction="AMENDED" if corrects else "",
            actor={"agency": unit.agency, "unit": unit.id, "role": self.roles.Value(role), **(paper or {})},
            to=[{"unit": unit_id} for unit_id in to])
        assert not header, header
        named = frozenset(value for _, _, values in sections for value in
                          (values.get("probation_unit"), values.get("row", {}).get("provider")) if value)
        return Event(name, unit, dossier, types.event_class(header=message.SerializeToString(),
                                                            sections=[section.body for section in made]),
                     message.event_id, made, frozenset(to_units), answer_to, answer_about, ref, named,
                     corrected, (ipus, version) if version and not corrected else ())

    def version(self, name, dossier, ref, corrected):
        """The id of the IPUS that an event is about, and its version; 0: the event has none. What is agreed twice is a
        plan of its own, whose rows are all that counts."""
        if name not in ("ipus.agreed", "ipus.updated"):
            return ref, 0
        last = dossier.versions.get(ref, 0)
        if corrected:
            return ref, last or 1
        if name == "ipus.agreed" and last:
            return str(uuid.uuid4()), 1
        return ref, last + 1

    def count(self, event):
        """Notes that an event will be taken."""
        if event.version:
            event.dossier.versions[event.version[0]] = event.version[1]

    def base(self, name, **values):
        """The classes that an event of this type must have; values are those of its first class that has the field."""
        sections = []
        for cls in self.types.required[name]:
            fields = self.types.template[name, cls][1].DESCRIPTOR.fields_by_name
            sections.append((cls, NO_MARK, {key: values.pop(key) for key in list(values) if key in fields}))
        assert not values, values
        return sections

    def about_ours(self, name):
        """The same, about one person."""
        return [(cls, Mark((OURS,)), values) for cls, _, values in self.base(name)]

    def chunks(self, name, marks, extra=(), classes=None, **values):
        """Lists of sections that fit into one event each, which together hold every class with every mark."""
        base = self.base(name, **values) + list(extra)
        wanted = [(cls, mark, {}) for cls in classes or self.types.classes[name] for mark in marks
                  if mark != NO_MARK or cls not in self.types.required[name]]
        free = self.types.slots[name] - 2 - len(self.types.classes[name])
        while wanted:
            sections, present, repeated = list(base), {cls for cls, _, _ in base}, len(base)
            repeated -= len(present)
            while wanted and len(sections) < SECTIONS_MAX:
                cls = wanted[0][0]
                if cls in present and repeated == free:
                    break
                repeated += cls in present
                present.add(cls)
                sections.append(wanted.pop(0))
            assert len(sections) > len(base), f"no room in {name}"
            yield sections

    def write(self, name, dossier, sections=None, unit=None, **header):
        """Adds an event to the setup."""
        event = self.event(unit or self.author, name, dossier, sections or self.base(name), **header)
        self.count(event)
        self.setup.append((event.unit, event))
        return event

    def participants(self, dossier, type_name, **fields):
        """Adds a sys.* event about each unit to the setup."""
        for unit in self.units:
            self.setup.append((self.author, (type_name, dossier, {"unit": unit.id, **fields})))

    # ---- dossiers

    def relate(self, dossier, kind, about=(), ref="", units=None):
        """Notes the relation of units to the dossier."""
        for unit in units or self.units:
            dossier.relations.setdefault(unit.id, []).append(Relation(kind, frozenset(about), ref))
        return dossier

    def open_case(self, path="ORDINARY", protected=False, to=()):
        """A CASE that the author holds."""
        dossier = Dossier(ipus=path != "ORDINARY", protected=protected)
        sections = self.base("case.opened", path=path)
        if protected:
            sections.append((7, NO_MARK, {"address_protected": True}))
        dossier.originals["case.opened"] = self.write("case.opened", dossier, sections, to=to)
        return dossier

    def none(self):
        """Nobody but the author."""
        return self.open_case()

    def addressee(self):
        """Every event is addressed to all units."""
        dossier = self.open_case()
        dossier.header["to"] = [unit.id for unit in self.units]
        return dossier

    def answer(self):
        """Every event answers one that was addressed to all units."""
        dossier = self.open_case()
        dossier.header["cause"] = self.write("info.requested", dossier, self.about_ours("info.requested"),
                                             to=[unit.id for unit in self.units])
        return dossier

    def asker(self, unit):
        """Every event answers a question of the unit."""
        dossier = self.open_case(to=[unit.id])
        self.write("court.opinion_requested", dossier)  # else none could be delivered
        dossier.header["cause"] = self.write("info.requested", dossier, self.about_ours("info.requested"), unit,
                                             paper=PAPER if unit.role == "INT" else None, to=[AUTHOR])
        return dossier

    def correction(self):
        """Every event corrects one that was addressed to all units."""
        to = [unit.id for unit in self.units]
        dossier = self.open_case(to=to)
        for name in self.types.classes:
            if name != "case.opened":
                dossier.originals[name] = self.write(name, dossier, self.about_ours(name), to=to)
        return dossier

    def pending(self, units=None, **case):
        """Forwarded whole to each unit."""
        dossier = self.open_case(**case)
        for unit in units or self.units:
            self.write("referral.forwarded", dossier, self.base("referral.forwarded", to_unit=unit.id, whole="YES"))
        dossier.history = True
        return self.relate(dossier, "PENDING", units=units)

    def office(self, path="BOTH"):
        """Forwarded whole to another unit of each agency."""
        dossier = self.pending(units=self.mates, path=path)
        dossier.relations.clear()
        return self.relate(dossier, "OFFICE")

    def office_of_no_ipus(self):
        """The same where there is no IPUS."""
        return self.office("ORDINARY")

    def holder(self, unit, policy):
        """Taken over from the author by one unit, which asks the author in again if its role may."""
        dossier = self.pending(units=[unit])
        dossier.relations.clear()
        if policy.cells["referral.answered", unit.role].publish:
            self.write("referral.answered", dossier, self.base("referral.answered", status="accepted"), unit)
        else:
            self.write("info.provided", dossier, unit=unit, paper=PAPER if unit.role == "INT" else None)
        if policy.cells["referral.forwarded", unit.role].publish:
            self.write("referral.forwarded", dossier,
                       self.base("referral.forwarded", to_unit=AUTHOR, whole="YES"), unit)
        return self.relate(dossier, "HOLDER", units=[unit])

    def participant(self, **case):
        """Added by the holder, about one person."""
        dossier = self.open_case(**case)
        self.participants(dossier, "sys.participant_added", about=[OURS])
        return self.relate(dossier, "PARTICIPANT", {OURS})

    def assistant(self):
        """Assigned: a participant about nobody in particular."""
        dossier = self.open_case()
        for unit in self.units:
            self.write("case.assistant_assigned", dossier, self.base("case.assistant_assigned", unit=unit.id))
        dossier.history = True
        return self.relate(dossier, "PARTICIPANT")

    def merged(self):
        """Participants of a dossier that was merged with this one."""
        other, dossier = self.participant(), self.open_case()
        self.write("case.linked", dossier, self.base("case.linked", kind="MERGED_INTO"), linked=other)
        return self.relate(dossier, "PARTICIPANT", {OURS})

    def referred(self, unit):
        """A REFERRAL that the author holds, on behalf of the unit's agency."""
        dossier = Dossier()
        paper = {**PAPER, "on_behalf_of": unit.agency}
        self.write("referral.submitted", dossier, paper=paper, to=[AUTHOR], role="INT")
        self.write("referral.answered", dossier, self.base("referral.answered", status="accepted"))
        return self.relate(dossier, "REFERRER", units=[unit])

    def referrer(self):
        """A CASE merged with a referral of each unit."""
        dossier = self.open_case()
        for unit in self.units:
            self.write("case.linked", dossier, self.base("case.linked", kind="MERGED_INTO"),
                       linked=self.referred(unit))
        return self.relate(dossier, "REFERRER")

    def invitations(self):
        """Everybody is invited, about one person."""
        return [{"unit": unit.id, "about": [OURS]} for unit in self.units]

    def invitee(self):
        """Invited to a meeting in a case."""
        dossier = self.open_case()
        self.write("meeting.convened", dossier, self.base("meeting.convened", invited=self.invitations()))
        return self.relate(dossier, "INVITEE", {OURS}, dossier.ref)

    def rows(self, removed=False):
        """A row of an IPUS for each unit."""
        return [(6, Mark((OURS,)), {"row": {
            "service_ref": "usluga", "programme_id": "program", "provider": unit.id, "place": "tu",
            "schedule": "co dzień", "removed": removed}}) for unit in self.units]

    def provider(self):
        """Named by a row of an IPUS."""
        dossier = self.open_case()
        self.write("ipus.agreed", dossier, self.base("ipus.agreed") + self.rows())
        dossier.ipus = True
        return self.relate(dossier, "PROVIDER", {OURS}, dossier.ref)

    def order(self, dossier, units, kind):
        """A court order that names units as probation units."""
        self.write("court.order_issued", dossier, self.base("court.order_issued") + [
            (5, Mark((OURS,)), {"order_kind": kind, "probation_unit": unit.id}) for unit in units])

    def party(self, kind="SUPERVISION"):
        """Named by an order."""
        dossier = self.open_case()
        self.order(dossier, self.units[:9], kind)
        self.order(dossier, self.units[9:18], kind)
        self.order(dossier, self.units[18:], kind)
        return self.relate(dossier, "PARTY_OBLIGED" if kind == "OBLIGE_COOPERATION" else "PARTY", {OURS})

    def party_obliged(self):
        """Named by an order that obliges the family."""
        return self.party("OBLIGE_COOPERATION")

    # ---- probes

    def probe(self, name, dossier, sections, unit=None, **header):
        """Adds an event to the probes."""
        event = self.event(unit or self.author, name, dossier, sections, **header)
        self.count(event)
        self.probes.append((event.unit, event, None))
        return event

    def extras(self, relation, name):
        """What an event of this type needs so that units of this relation receive it: (sections, values), several
        times if they do not fit into one event."""
        if relation == "PROVIDER" and name in ("ipus.agreed", "ipus.updated"):
            return [(self.rows(), {})]
        if relation == "INVITEE" and name == "meeting.convened":
            return [([], {"invited": self.invitations()})]
        if relation.startswith("PARTY") and name == "court.order_issued":
            return [([(5, NO_MARK, {"order_kind": "SUPERVISION", "probation_unit": unit.id})
                      for unit in self.units[at:at + 5]], {}) for at in range(0, len(self.units), 5)]
        return [([], {})]

    def run(self, label, make, relation, names=None, units=None, classes=None):
        """Every type of event, with every class and mark, in a dossier to which units have the relation."""
        units = units or self.units
        marks = marks_for(units)
        dossier = make()
        names = list(names or self.types.classes)
        self.reached[label] = self.reached.get(label, 0) + len(names) * len(units)
        names.sort(key=lambda name: name == "court.order_issued")  # it makes parties anew, about others too
        for name in names:
            after = ENDS.get(relation, {}).get(name)
            for extra, values in self.extras(relation, name):
                for sections in self.chunks(name, marks, extra, classes, **values):
                    own = make() if after else dossier
                    event = self.probe(name, own, sections)
                    if after:
                        for relation_of in itertools.chain(*own.relations.values()):
                            relation_of.until = event
                        self.probe(after, own, self.base(after))
        return dossier

    def pair(self, dossier, name):
        """Three events that differ in what is withheld from most: nothing, a part of each class for one agency, a part
        of each class that need not be there."""
        base, types = self.base(name), self.types
        hidden = [(cls, Mark((OURS,), only_for=(AUTHORS,)), {}) for cls in types.classes[name]]
        more = [(cls, NO_MARK, {}) for cls in types.classes[name] if cls not in types.required[name]]
        events = [self.probe(name, dossier, base), self.probe(name, dossier, base + hidden)]
        if more:
            events.append(self.probe(name, dossier, base + more))
        self.pairs.append(events)

    def strays(self):
        """Events of another meeting, another IPUS, without the unit's row, or after the relation was ended before."""
        invitee, provider, other = self.invitee(), self.provider(), str(uuid.uuid4())
        for name in self.types.classes:
            if name.startswith("meeting."):
                self.probe(name, invitee, self.base(name), ref=str(uuid.uuid4()))
            if name.startswith("ipus."):
                self.probe(name, provider, self.base(name), ref=other)
                if name in ("ipus.agreed", "ipus.updated"):
                    self.probe(name, provider, self.base(name))
        ended = [(self.participant(), "sys.participant_removed", "consent.granted"),
                 (self.invitee(), "meeting.convened", "meeting.held"),
                 (self.provider(), "ipus.updated", "ipus.approved"),
                 (self.party_obliged(), "court.order_issued", "placement.changed")]
        for dossier, how, name in ended:
            if how.startswith("sys."):
                self.participants(dossier, how)
            elif how == "ipus.updated":
                self.write(how, dossier, self.base(how) + self.rows(True))
            elif how == "court.order_issued":
                self.write(how, dossier, self.base(how, order_kind="REVOKED"))
            else:
                self.write(how, dossier)
            dossier.relations.clear()
            self.probe(name, dossier, self.base(name))
