"""Bodies for the events of the golden scenarios: what a scenario does not say is filled in, so that every field that
must be there is, and every text is one of its own, by which it is known again.
"""
import datetime
import sys

from google.protobuf import json_format

LATER_EPOCH = datetime.date(2025, 1, 7)  # day 0 of a story
EARLIER_EPOCH = datetime.date(2014, 1, 7)  # the same days of the week and the same Easter, for a story that would not be over yet
EPOCH = LATER_EPOCH
PERSONS = {  # invented
    "anna": {"personRef": "anna", "name": "Anna Przykładowa", "birthDate": "1989-04-02", "relation": "matka"},
    "jan": {"personRef": "jan", "name": "Jan Przykładowy", "birthDate": "2016-09-14", "relation": "syn"},
    "ola": {"personRef": "ola", "name": "Ola Przykładowa", "birthDate": "2014-05-30", "relation": "córka"},
}
USUAL = {  # where a scenario is silent: the code that an ordinary event has
    ("referral.submitted", 6): {"paperKind": "INFORMATION", "service": "FAMILY_ASSISTANT", "sourceKind": "SCHOOL"},
    ("referral.answered", 0): {"outcome": "TAKEN_UP"},
    ("referral.answered", 6): {"status": "accepted"},
    ("referral.completed", 0): {"outcome": "DONE"},
    ("referral.completed", 6): {"status": "completed"},
    ("case.opened", 6): {"path": "ORDINARY"},
    ("case.interview_completed", 6): {"conclusion": "ASSISTANT_NEEDED"},
    ("case.plan_updated", 6): {"planKind": "WORK_PLAN"},
    ("case.assessment_recorded", 6): {"kind": "PERIODIC", "resultCode": "PROGRESS"},
    ("case.closed", 6): {"reason": "GOALS_MET", "decidedWithFamily": True},
    ("case.safety_concern_answered", 0): {"outcome": "TAKEN_UP"},
    ("meeting.convened", 0): {"status": "booked", "revision": 1},
    ("ipus.agreed", 0): {"version": 1},
    ("ipus.agreed", 6): {"applicantAgreed": "YES"},
    ("ipus.updated", 6): {"applicantAgreed": "YES", "reason": "NEEDS_CHANGED"},
    ("ipus.approved", 6): {"decision": "APPROVED"},
    ("ipus.service_reported", 6): {"status": "in-progress"},
}
MEANT = ("protocol", "continue_reason")  # texts that change what an event means: one has to be signed, one meets a deadline


def lie_in_the_past(last_day):
    """Puts stories where that day has gone by: events of days to come are refused."""
    global EPOCH  # pylint: disable=global-statement
    over = datetime.date.today() > LATER_EPOCH + datetime.timedelta(days=last_day)
    EPOCH = LATER_EPOCH if over else EARLIER_EPOCH


def date(day):
    """The date of a day of a story."""
    return (EPOCH + datetime.timedelta(days=day)).isoformat()


class Bodies:
    """Makes sections. ids(name) is the id that a name stands for."""

    def __init__(self, wici, ids):
        self.ids = ids
        self.options = sys.modules["wici.v1.options_pb2"]
        self.section_class = wici.event.Section
        numbers = {field.number: field for field in wici.event.Section.DESCRIPTOR.fields}
        self.types, self.fields = {}, {}
        for value in wici.event.EventType.DESCRIPTOR.values:
            name = value.GetOptions().Extensions[self.options.info].name
            if name:
                self.types[name] = value.name
                self.fields.update({(name, cls): numbers[10 * value.number + cls] for cls in range(8)
                                    if 10 * value.number + cls in numbers})
        self.texts = 0

    def option(self, field, name):
        """An option of a field of ours."""
        return field.GetOptions().Extensions[getattr(self.options, name)]

    def replaced(self, value, ids):
        """A value out of a scenario with $NAME, @12 and #NAME replaced."""
        if isinstance(value, dict):
            return {key: self.replaced(inner, ids) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.replaced(inner, ids) for inner in value]
        if isinstance(value, str) and value.startswith("$"):
            return ids(value[1:])
        if isinstance(value, str) and value.startswith("#"):
            return ids.seqs[value[1:]]
        if isinstance(value, str) and value.startswith("@"):
            return date(int(value[1:]))
        return value

    def text(self, most):
        """A text that no other section has."""
        self.texts += 1
        return f"Zapis numer {self.texts:06}."[-(most or 100):]

    def scalar(self, field, step, ids):
        """A value for a field that must be there."""
        if field.type != field.TYPE_STRING:
            return 1
        kind = self.options.Format.Name(self.option(field, "format"))
        if kind == "UUID":
            return ids(f"{step.dossier}/{field.name}")
        if kind == "CODE":
            return self.option(field, "codes").split()[0]
        return {"DATE": date(step.day), "TIME": date(step.day) + "T09:00:00+01:00", "GMINA": "326101", "ID": "osoba-1"}[kind]

    def fill(self, message, step, ids, about):
        """Fills what must be there and is not, and every single text."""
        for field in message.DESCRIPTOR.fields:
            repeated = field.label == field.LABEL_REPEATED
            required = self.option(field, "required")
            if field.message_type is not None:
                self.fill_message(message, field, step, ids, about)
            elif repeated:
                if required and not getattr(message, field.name):
                    getattr(message, field.name).append(self.scalar(field, step, ids))
            elif not getattr(message, field.name):
                kind = self.options.Format.Name(self.option(field, "format"))
                if kind in ("LINE", "TEXT") and field.name not in MEANT:
                    setattr(message, field.name, self.text(self.option(field, "max")))
                elif required and field.type not in (field.TYPE_BOOL, field.TYPE_ENUM):
                    setattr(message, field.name, self.scalar(field, step, ids))

    def fill_message(self, message, field, step, ids, about):
        """Fills the messages in a message; makes one where there must be one."""
        repeated = field.label == field.LABEL_REPEATED
        have = list(getattr(message, field.name)) if repeated else \
            [getattr(message, field.name)] if message.HasField(field.name) else []
        if not have and self.option(field, "required"):
            for person in (about or ["anna"]) if field.message_type.name == "Person" else [None]:
                inner = getattr(message, field.name).add() if repeated else getattr(message, field.name)
                inner.SetInParent()
                if person:
                    json_format.ParseDict(PERSONS[person], inner)
                have.append(inner)
                if not repeated:
                    break
        for inner in have:
            if inner.DESCRIPTOR.name != "Person":
                self.fill(inner, step, ids, about)

    def section(self, step, part, ids, name_of):
        """One section of an event. name_of(unit) is how the units are called on the wire."""
        field = self.fields.get((step.type, part.cls))
        if field is None:
            raise KeyError(f"{step.type} has no class {part.cls}")
        section = self.section_class(subjects=part.about, only_for=map(name_of, part.only),
                                     not_to=map(name_of, part.excluded))
        body = getattr(section, field.name)
        body.SetInParent()
        given = self.replaced({**USUAL.get((step.type, part.cls), {}), **part.body}, ids)
        json_format.ParseDict(given, body)
        self.fill(body, step, ids, part.about)
        return section
