"""What a unit has to be given of an event: the policy's text and the domain's table of relations, written out anew.

Shares nothing with the broker but the text of the policy. Units, dossiers and events are those of cells_plan.py.
"""
import dataclasses
import re

OFFICE_ROLES = "DIR HEAD".split()
SAFETY_ROLES = "SW FA DIR HEAD FCC CCF KUR".split()  # participants that safety concerns go to
ADDRESS_ROLES = "SW FCC CT KUR".split()  # who still counts when the family's address is protected
SAFETY = "case.safety_concern_raised case.safety_concern_answered".split()
OBLIGED = "case.opened case.assistant_assigned case.linked case.worker_set case.closed".split()
PROBATION = "case.plan_updated case.assessment_recorded".split() + SAFETY


@dataclasses.dataclass
class Cell:
    """One cell of the matrix: "P", "p" or "" for publishing, and the classes given in full and by half."""
    publish: str
    full: frozenset
    half: frozenset


class Policy:
    """The matrix and the ceilings, from the text of a policy."""

    def __init__(self, text):
        self.roles, self.cells, self.ceilings = [], {}, {}
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["roles"]:
                self.roles = words[1:]
            elif words[:1] == ["ceiling"]:
                for role, ceiling in zip(self.roles, words[2:], strict=True):
                    self.ceilings[role, int(words[1][1:])] = ceiling
            elif words[:1] == ["type"]:
                for role, cell in zip(self.roles, words[2:], strict=True):
                    self.cells[words[1], role] = self.cell(cell)

    @staticmethod
    def cell(text):
        """P0134/56 and the like."""
        publish, full, half = re.fullmatch(r"([Pp]?)-?([0-7]*)(?:/([0-7]+))?", text).groups()
        return Cell(publish, frozenset(map(int, full)), frozenset(map(int, half or "")))


@dataclasses.dataclass
class Relation:
    """A unit's relation to a dossier. It holds for all that is published while the units listen, up to `until`."""
    kind: str
    about: frozenset = frozenset()
    ref: str = ""  # the meeting or the IPUS
    until: object = None  # the event that ends it, which it still covers


@dataclasses.dataclass
class Given:
    """What a unit is given of an event: nothing at all, or the header, the broker's note if there is one (there is when
    somebody is addressed or answered), and sections."""
    received: bool
    note: bool = False
    sections: tuple = ()


class Oracle:
    """Answers for one policy. `rules` may be changed by those who want to see that a difference is noticed."""

    def __init__(self, policy):
        self.policy = policy

    def delivers(self, relation, unit, event):
        """The column "delivers" of the table of relations."""
        kind, family = event.type, event.type.split(".")[0]
        if relation.until is not None and event.seq > relation.until.seq:
            return False
        if relation.kind in ("HOLDER", "PENDING"):
            return True
        if relation.kind == "OFFICE":
            if unit.role not in OFFICE_ROLES and not (unit.role == "OUS" and event.dossier.ipus):
                return False
            return family != "info" and (kind != "referral.answered" or event.unit.agency == unit.agency)
        if relation.kind == "PARTICIPANT":
            if family in ("meeting", "info", "court"):
                return False
            return kind not in SAFETY or unit.role in SAFETY_ROLES
        if relation.kind == "REFERRER":
            return kind in ("referral.answered", "referral.completed")
        if relation.kind == "INVITEE":
            return family == "meeting" and event.ref == relation.ref
        if relation.kind == "PROVIDER":
            if family != "ipus" or event.ref != relation.ref:
                return False
            return kind not in ("ipus.agreed", "ipus.updated") or unit.id in event.named
        if relation.kind in ("PARTY", "PARTY_OBLIGED"):
            if kind in OBLIGED:
                return relation.kind == "PARTY_OBLIGED"
            if kind in PROBATION:
                return unit.role == "KUR"
            return kind == "placement.changed" or (kind == "court.order_issued" and unit.id in event.named)
        raise ValueError(relation.kind)

    def ways(self, unit, event):
        """Kinds of relation that deliver the event to the unit, and the persons they are about."""
        kinds, about = set(), set()
        if unit.id in event.to:
            kinds.add("ADDRESSEE")
            about |= event.persons
        if unit.id in event.answer_to:
            kinds.add("ANSWER")
            about |= event.answer_about
        for relation in event.dossier.relations.get(unit.id, ()):
            if self.delivers(relation, unit, event):
                kinds.add(relation.kind)
                about |= relation.about
                if event.type == "court.order_issued" and relation.kind.startswith("PARTY"):
                    about |= event.persons  # this order makes the unit a party again
        return kinds, about

    def gives(self, unit, event, section, kinds, about):
        """The rules on sections, in their order."""
        ours = {unit.id, unit.agency}
        cell = self.policy.cells[event.type, unit.role]
        if ours & section.not_to or (section.only_for and not ours & section.only_for):
            return False
        if kinds == {"REFERRER"} and section.cls != 0:
            return False
        if section.cls == 7 and event.dossier.protected and unit.role not in ADDRESS_ROLES:
            return False
        if section.cls in cell.full:
            return True
        return section.cls in cell.half and bool(section.only_for or section.subjects & about)

    def given(self, unit, event):
        """What the unit has to be given."""
        kinds, about = self.ways(unit, event)
        if event.unit.id == unit.id:
            # The note may name units that the event reached through the one it answers.
            note = event.has_note and ("HOLDER" in kinds or not event.answer_to)
            return Given(True, note, tuple(range(len(event.sections))))
        if not kinds and unit.role != "AUD":
            return Given(False)
        sections = tuple(i for i, section in enumerate(event.sections)
                         if self.gives(unit, event, section, kinds, about))
        if not sections and unit.role != "AUD":
            return Given(False)
        return Given(True, "HOLDER" in kinds and event.has_note, sections)
