"""The deadline watcher of a played scenario: wici-clerk itself, as of the days that the scenario names. What it has to tell is made
here anew, from the scenario alone: the notice's bytes, and the id that follows from what it says.
"""
import datetime
import hashlib
import os
import subprocess
import uuid

import payload
import world

TYPES = {what: f"SYS_DEADLINE_{what.upper()}" for what in ("approaching", "missed", "met", "cancelled")}
OF_AGENCIES = ("D8", "D9")  # clocks of an agency as a whole
TIMEOUT = 60
WRONG_HEADERS = {  # what has to be noticed in a notice
    "another dossier": {"dossier_id": "00000000-0000-4000-8000-000000000000"},
    "another unit": {"actor": {"unit": "sw"}},
    "another agency": {"actor": {"agency": "gmina"}},
    "another role": {"actor": {"role": "SW"}},
    "a person": {"actor": {"person_ref": "anna"}},
    "another kind of notice": {"type": "SYS_PERSON_REGISTERED"},
    "another day on which it was told": {"occurred_at": "2026-01-01T00:00:00.000Z"},
    "an addressee": {"to": [{"unit": "sw"}]},
    "another urgency": {"priority": "urgent"},
    "an event that it answers": {"causation_id": "00000000-0000-7000-8000-000000000000"},
    "a late entry": {"late_entry": True},
}


def first_moment(day):
    """When that date begins in Poland, as headers have it."""
    def last_sunday(month):
        end = datetime.date(day.year, month, 31)
        return end - datetime.timedelta(days=(end.weekday() + 1) % 7)

    summer = last_sunday(3) < day <= last_sunday(10)  # the clocks change at two and three in the morning
    begins = datetime.datetime.combine(day, datetime.time()) - datetime.timedelta(hours=2 if summer else 1)
    return begins.isoformat(timespec="milliseconds") + "Z"


class Told:
    """In the place of a receipt: where the log has the notice."""

    def __init__(self, seq):
        self.seq, self.warnings = seq, []


class Noticed:
    """A notice as it has to be: in the place of stage.Published."""

    def __init__(self, step, event, event_id):
        self.step, self.event, self.id, self.receipt = step, event, event_id, None
        self.later = False

    def all_places(self):
        """Its one part."""
        return {0}


def notice_id(whose, clock, seq, item, started, count, what):
    """The same notice has the same id, whoever tells it: a UUID of version 8."""
    day = (datetime.date.fromisoformat(started) - datetime.date(1970, 1, 1)).days
    said = f"wici deadline {whose} {clock} {seq} {item} {day} {count} {what}"
    value = bytearray(hashlib.sha256(said.encode()).digest()[:16])
    value[6] = 0x80 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return str(uuid.UUID(bytes=bytes(value)))


def start_of(wici, delivery):
    """The number of the record that started the clock of which a notice tells; None: it is no notice."""
    if wici.event.EventType.Name(wici.header(delivery).type) not in TYPES.values():
        return None
    (section,), = wici.sections(delivery).values()
    return getattr(section, section.WhichOneof("body")).deadline.start_seq


class Watcher:
    """wici-clerk with the key of that unit, in a directory of its own."""

    def __init__(self, place, unit, root, clocks=""):
        self.wici, self.root, self.clocks = place.wici, root, clocks
        self.unit, self.agency = unit, place.units[unit][0]
        self.config = f"{root}/clerk.conf"
        public, secret = place.keys[unit]
        with open(f"{root}/clerk.key", "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="utf-8") as f:
            f.write(f"public = {public}\nsecret = {secret}\n")
        self.text = (f"endpoint = {place.broker.endpoint}\nserver_key = {place.broker.server_key}\nkey_file = clerk.key\n"
                     f"holidays = {world.SOURCE}/agents/holidays.pl\n")
        self.settings(clocks)

    def settings(self, clocks):
        """An office's own lengths and switches, as lines; "": none."""
        with open(f"{self.root}/clocks.conf", "w", encoding="utf-8") as f:
            f.write(clocks)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(self.text + "clocks = clocks.conf\n")

    def run(self, day, default=False):
        """What it tells as of that day of the story, by the office's settings or by the table alone: [(what, clock, dossier or agency, start, item, seq)]."""
        if default:
            self.settings("")
        process = subprocess.run([f"{os.environ['WICI_BIN']}/wici-clerk", "-c", self.config, "-v", "--as-of", payload.date(day)],
                                 text=True, capture_output=True, timeout=TIMEOUT, check=False)
        if default:
            self.settings(self.clocks)
        if process.returncode != 0:
            raise OSError(process.stderr)
        lines = [line.split() for line in process.stdout.splitlines()]
        return [(what, clock, *(field.partition("=")[2] for field in rest)) for what, clock, *rest in lines]

    def wrong(self, event):
        """The same notice with something else in it: (what, event)."""
        section = self.wici.event.Section.FromString(event.sections[0])
        deadline = getattr(section, section.WhichOneof("body")).deadline
        deadline.due = (datetime.date.fromisoformat(deadline.due) + datetime.timedelta(days=1)).isoformat()
        yield "another day", self.wici.wire.Event(header=event.header, sections=[section.SerializeToString()])
        for what, field in WRONG_HEADERS.items():
            header = self.wici.header(event)
            header.MergeFrom(self.wici.event.Header(**field))
            yield what, self.wici.wire.Event(header=header.SerializeToString(), sections=event.sections)

    def notice(self, step, whose, count, ids):
        """The event that the watcher has to publish of the clock of that dossier or agency; `count` notices of it went before."""
        start = ids.days[step.start] if step.started is None else step.started
        deadline = {"clock": step.clock, "startSeq": ids.seqs[step.start], "item": step.item, "startedOn": payload.date(start),
                    "due": payload.date(step.due), "notice": count, "holderOnly": step.alone, "last": step.last}
        if step.end:
            deadline["endSeq"] = ids.seqs[step.end]
        if step.ended is not None:
            deadline["endedOn"] = payload.date(step.ended)
        event_id = notice_id(whose, step.clock, ids.seqs[step.start], step.item, payload.date(start), count, step.what)
        header = {"eventId": event_id, "type": TYPES[step.what],
                  "occurredAt": first_moment(datetime.date.fromisoformat(payload.date(step.day))),
                  "actor": {"agency": self.agency, "unit": self.unit, "role": "CLERK"}}
        if step.clock in OF_AGENCIES:
            deadline["agency"] = whose
        else:
            header["dossierId"] = whose
        field = f"sysDeadline{step.what.capitalize()}S0"
        return Noticed(step, self.wici.make_event(header, {field: {"deadline": deadline}}), event_id)
