"""Reads the golden scenarios of tests/golden/scenarios: one story a file, one event a line.

    0 referral.submitted SCH 0167 > SW 0167, DIR 0167 ; what follows is a remark
        in R to SW as told
        S6 about jan {"service": "FAMILY_ASSISTANT", "reasonText": "..."}

The line: day, type, publishing unit (OPS:FA when it has several roles), classes published, and after > each unit that
is given something of it, with the classes it is given (EVERYBODY: each unit). Every unit that is not named must be
given nothing. A digit stands for all sections of its class; 6(1,3) only for the first and the third of them. After ~
come the codes of the warnings that the broker has to say, all of them but W_WITHHELD, which follows from the rest of the
line. An event that has to be refused has ! and the code in the place of > and the receivers; that it was refused must
then stand in the log.

What the line does not say stands below it, indented:

    in R                the dossier, by a letter, or - for none; else that of the event before
    to SW AGENCY/gops   addressees: units, agencies, AGENCY/gops/AREA
    as NAME             a name for this event
    answers NAME        the event it answers; corrects NAME HOW; consent NAME
    for anna PAPER      on behalf of whom and by which way, received on the day of the event
    by PERSON           the person of the unit; late: a late entry; twice: it is sent twice and counts once
    S6 about jan only SVC OUS not SCH {...}   one section of class 6: persons, readers, and fields of its body

A class without a line of its own has one section. In a body "$NAME" is the id of that name ("$R" of the dossier R,
"$told" of the event told), "@12" the date of day 12, "#told" its number in the log; fields that are not given are filled by
payload.py. A line that begins with # says nothing.

    replay told > FA 0167, SCH -    what these units are given of an event when they read it anew at the end, where
                                    that is not what they were given live
    unit SW cus-zespol              which unit of the office the story calls SW (stories of docs/profiles)
    due SCHX answer                 just these events are due on paper to an agency without the system
    away SW / back SW               the unit's connection ends, and is taken up again where it ended
    clerk 16                        the deadline watcher looks at day 16, and tells just what stands below it
    clerk 16 default                the same without the office's own settings (stories of docs/profiles)
        approaching D1 of told due 14 > SW, DIR
        missed D16/2 of agreed due 14 as late > SW
        met D1 of told due 14 by interview on 16 > SW, DIR
        cancelled D1 of told due 14 by closed > SW

A notice names the event that started the clock, which of its dates (/2), the day it is due, what ended it and on which day, and
who is given it; all else of it follows from these. "last": a reminder after which no other comes; "alone": for nobody but the
holder. A run tells nothing that its lines do not say.
"""
import dataclasses
import json
import re

LINE = re.compile(r"(?P<day>\d+) (?P<type>[a-z_.]+) (?P<unit>[A-Z]+)(?::(?P<role>[A-Z]+))? (?P<classes>\d+)"
                  r"(?: (?P<sign>[>!])(?P<rest>[^~]*))?(?:~(?P<warnings>.*))?")
NOTICE = re.compile(r"(?P<what>approaching|missed|met|cancelled) (?P<clock>D\d+)(?:/(?P<item>\d+))? of (?P<start>\S+)"
                    r"(?: from (?P<started>\d+))? due (?P<due>\d+)(?: by (?P<end>\S+))?(?: on (?P<ended>\d+))?(?P<last> last)?"
                    r"(?P<alone> alone)?(?: as (?P<name>\S+))? >(?P<given>[A-Z, ]*)")
GIVEN = re.compile(r"(?P<unit>[A-Z]+) (?P<what>-|(?:\d(?:\(\d+(?:,\d+)*\))?)+)")


class Malformed(Exception):
    """The file does not say what a scenario can say."""


@dataclasses.dataclass
class Part:
    """One section, as the scenario marks it."""
    cls: int
    about: list = dataclasses.field(default_factory=list)
    only: list = dataclasses.field(default_factory=list)
    excluded: list = dataclasses.field(default_factory=list)
    body: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Step:
    """One event: who publishes what, and who is given which of its parts (by their place in `parts`)."""
    line: int
    day: int
    type: str
    unit: str
    role: str
    parts: list
    given: dict
    warnings: list
    refusal: str = ""
    dossier: str = ""
    to: list = dataclasses.field(default_factory=list)
    name: str = ""
    answers: str = ""
    corrects: tuple = ()
    consent: str = ""
    behalf: tuple = ()
    person: str = ""
    late: bool = False
    twice: bool = False
    text: str = ""

    def __str__(self):
        return f"line {self.line}, day {self.day} {self.type} {self.unit}"


@dataclasses.dataclass
class Move:
    """A unit that goes away, or comes back; what is due to an agency without the system."""
    verb: str
    unit: str
    events: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Notice:
    """What the deadline watcher has to tell of one clock; a step that nobody of the story publishes."""
    line: int
    day: int
    what: str
    clock: str
    item: int
    start: str
    started: int  # the day it runs from; None: that of the event
    due: int
    end: str
    ended: int  # None: no day
    last: bool
    alone: bool
    name: str
    given: dict
    text: str
    unit: str = "CLERK"
    consent: str = ""
    refusal: str = ""
    to: list = dataclasses.field(default_factory=list)
    warnings: list = dataclasses.field(default_factory=list)
    parts: list = dataclasses.field(default_factory=lambda: [Part(0)])

    def __str__(self):
        return f"line {self.line}, {self.text}"


@dataclasses.dataclass
class Watch:
    """The deadline watcher's look at one day; default: by the table alone."""
    day: int
    default: bool = False
    notices: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Scenario:
    """One file."""
    title: str
    acts: list = dataclasses.field(default_factory=list)  # Step, Move and Watch, in order
    units: dict = dataclasses.field(default_factory=dict)  # what the story calls a unit -> its id, where it says so
    replays: dict = dataclasses.field(default_factory=dict)  # name of an event -> {unit: places, or None for nothing}

    @property
    def steps(self):
        """The events, in order."""
        return [act for act in self.acts if isinstance(act, Step)]

    @property
    def notices(self):
        """What the deadline watcher tells, in order."""
        return [notice for act in self.acts if isinstance(act, Watch) for notice in act.notices]

    @property
    def watched(self):
        """The last day that the deadline watcher looks at; -1: it looks at none."""
        return max((act.day for act in self.acts if isinstance(act, Watch)), default=-1)

    @property
    def last_day(self):
        """The last day on which something is said or told."""
        return max(act.day for act in self.acts if not isinstance(act, Move))

    def named(self, name):
        """The step or notice with that name."""
        found = [step for step in self.steps + self.notices if step.name == name]
        if len(found) != 1:
            raise Malformed(f"{len(found)} events have the name {name}")
        return found[0]


def places(what, parts):
    """The places in `parts` that "016(2)" stands for; None for "-"."""
    if what == "-":
        return None
    found = set()
    for digit, chosen in re.findall(r"(\d)(?:\(([\d,]+)\))?", what):
        of_class = [i for i, part in enumerate(parts) if part.cls == int(digit)]
        if not of_class:
            raise Malformed(f"class {digit} is not published")
        numbers = [int(n) for n in chosen.split(",")] if chosen else range(1, len(of_class) + 1)
        found.update(of_class[n - 1] for n in numbers)
    return found


def receivers(text):
    """{unit: "016"} of "SW 016, DIR 0"."""
    found = {}
    for item in filter(None, map(str.strip, re.split(r",(?![^(]*\))", text))):  # commas that are not in brackets
        match = GIVEN.fullmatch(item)
        if match is None or match["unit"] in found:
            raise Malformed(f"not a receiver, or twice: {item}")
        found[match["unit"]] = match["what"]
    return found


class Reader:
    """Takes a file in, line by line."""

    def __init__(self, title):
        self.scenario = Scenario(title)
        self.step, self.watch, self.pending, self.number = None, None, None, 0

    def read(self, text):
        """The scenario that the text describes."""
        for self.number, line in enumerate(text.splitlines(), 1):
            line = "" if line.startswith("#") else line.rstrip()
            try:
                if line.startswith(" ") and self.watch:
                    self.watch.notices.append(self.notice(line.partition(" ;")[0].strip()))
                elif line.startswith(" "):
                    self.detail(line.strip())
                elif line:
                    self.finish()
                    self.act(line.partition(" ;")[0].strip())
            except (Malformed, ValueError, IndexError) as error:
                raise Malformed(f"{self.scenario.title}:{self.number}: {error}") from error
        self.finish()
        return self.scenario

    def act(self, line):
        """A line that is not indented."""
        verb, _, rest = line.partition(" ")
        self.watch = None
        if verb == "clerk":
            day, _, how = rest.partition(" ")
            if how not in ("", "default"):
                raise Malformed(f"unknown: {how}")
            self.watch = Watch(int(day), default=how == "default")
            self.scenario.acts.append(self.watch)
        elif verb == "due":
            name, *events = rest.split()
            self.scenario.acts.append(Move(verb, name, events))
        elif verb == "unit":
            name, unit_id = rest.split()
            self.scenario.units[name] = unit_id
        elif verb in ("away", "back"):
            self.scenario.acts.append(Move(verb, rest))
        elif verb == "replay":
            name, _, given = rest.partition(" > ")
            parts = self.scenario.named(name).parts
            self.scenario.replays[name] = {u: places(what, parts) for u, what in receivers(given).items()}
        else:
            match = LINE.fullmatch(line)
            if match is None:
                raise Malformed("not a line of a scenario")
            refused = match["rest"].strip() if match["sign"] == "!" else ""
            self.pending = match["classes"], receivers(match["rest"] or "") if not refused else {}
            before = self.scenario.steps[-1].dossier if self.scenario.steps else ""
            self.step = Step(line=self.number, day=int(match["day"]), type=match["type"], unit=match["unit"],
                             role=match["role"] or "", parts=[], given={}, warnings=(match["warnings"] or "").split(),
                             refusal=refused, dossier=before, text=line)

    def notice(self, line):
        """An indented line below the deadline watcher's."""
        match = NOTICE.fullmatch(line)
        if match is None:
            raise Malformed("not a notice")
        self.scenario.named(match["start"])
        number = {key: int(match[key]) if match[key] else None for key in ("item", "started", "due", "ended")}
        units = [unit.strip() for unit in match["given"].split(",") if unit.strip()]
        return Notice(line=self.number, day=self.watch.day, what=match["what"], clock=match["clock"], start=match["start"],
                      end=match["end"] or "", last=bool(match["last"]), alone=bool(match["alone"]), name=match["name"] or "",
                      given={unit: {0} for unit in units}, text=line, **{**number, "item": number["item"] or 0})

    def detail(self, line):
        """An indented line: about the event above."""
        if re.match(r"S\d", line):
            self.step.parts.append(self.part(line))
            return
        words = line.split()
        while words:
            verb = words.pop(0)
            if verb == "in":
                self.step.dossier = words.pop(0)
            elif verb == "to":
                while words and re.fullmatch(r"[A-Z]+|AGENCY/\S+", words[0]):
                    self.step.to.append(words.pop(0))
            elif verb == "as":
                self.step.name = words.pop(0)
            elif verb == "answers":
                self.step.answers = words.pop(0)
            elif verb == "corrects":
                self.step.corrects = words.pop(0), words.pop(0)
            elif verb == "consent":
                self.step.consent = words.pop(0)
            elif verb == "for":
                self.step.behalf = words.pop(0), words.pop(0)
            elif verb == "by":
                self.step.person = words.pop(0)
            elif verb in ("late", "twice"):
                setattr(self.step, verb, True)
            else:
                raise Malformed(f"unknown: {verb}")

    @staticmethod
    def part(line):
        """One section."""
        marks, brace, body = line.partition("{")
        words = marks.split()
        part = Part(int(words.pop(0)[1:]), body=json.loads(brace + body) if brace else {})
        lists = {"about": part.about, "only": part.only, "not": part.excluded}
        into = None
        for word in words:
            if word in lists:
                into = lists[word]
            elif into is None:
                raise Malformed(f"unknown: {word}")
            else:
                into.append(word)
        return part

    def finish(self):
        """The event above is complete."""
        if self.step is None:
            return
        (classes, given), step = self.pending, self.step
        described = {part.cls for part in step.parts}
        if not described <= {int(digit) for digit in classes}:
            raise Malformed(f"line {step.line}: a section of a class that the line does not publish")
        step.parts += [Part(int(digit)) for digit in classes if int(digit) not in described]
        step.parts.sort(key=lambda part: part.cls)
        step.given = {unit: places(what, step.parts) for unit, what in given.items()}
        self.scenario.acts.append(step)
        self.step = None


def load(path):
    """The scenario in a file; its first line is # and the title."""
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return Reader(text.partition("\n")[0].lstrip("# ")).read(text)
