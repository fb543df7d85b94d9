"""Plays the golden scenarios on a running broker: every unit of the town is a client over CURVE that listens from the
first event to the last, and reads everything anew at the end.

What each unit is given is compared with what the scenario says: the events, of each event the sections, of each
section the bytes as they were published. Nothing more may come, to anybody.
"""
import os
import sys
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path += [os.path.join(HERE, "..", "interop")]
import payload  # noqa: E402
import scenario  # noqa: E402
import watcher  # noqa: E402
import wici_client  # noqa: E402
import world  # noqa: E402

AGENCIES = {
    "starostwo": ("Starostwo Powiatowe", ["MUNICIPALITY"]),  # runs the broker
    "cus": ("Centrum Usług Społecznych", ["CUS", "OPS"]),
    "gops": ("Ośrodek Pomocy Społecznej w Pierwszej", ["OPS"]),
    "gopsb": ("Ośrodek Pomocy Społecznej w Drugiej", ["OPS"]),
    "sp1": ("Szkoła Podstawowa nr 1", ["SCHOOL"]),
    "sp2": ("Szkoła Podstawowa nr 2", ["SCHOOL"]),
    "sad": ("Sąd Rejonowy, Wydział Rodzinny", ["COURT"]),
    "kuratorzy": ("Zespół Kuratorskiej Służby Sądowej", ["PROBATION"]),
    "pcpr": ("Powiatowe Centrum Pomocy Rodzinie", ["FOSTER_ORG"]),
    "poradnia": ("Poradnia Psychologiczno-Pedagogiczna", ["PROVIDER"]),
    "swietlica": ("Stowarzyszenie Świetlica", ["PROVIDER"]),
    "gmina": ("Urząd Gminy", ["MUNICIPALITY"]),
    "szpital": ("Szpital Powiatowy", ["HEALTH"]),
    "zespol": ("Zespół Interdyscyplinarny", ["IDT"]),
    "nadzor": ("Wydział Nadzoru", ["AUDIT"]),
}
UNITS = {
    "REC": ("cus", ["INT"]), "SW": ("cus", ["SW"]), "FA": ("cus", ["FA"]), "DIR": ("cus", ["DIR"]), "IC": ("cus", ["IC"]),
    "OUS": ("cus", ["OUS"]), "OSL": ("cus", ["OSL"]),
    "OPS": ("gops", ["SW", "INT", "FA", "DIR"]), "OPSB": ("gopsb", ["SW", "INT", "FA", "DIR"]),
    "SCH": ("sp1", ["SCH"]), "SCHB": ("sp2", ["SCH"]), "CT": ("sad", ["CT"]), "KUR": ("kuratorzy", ["KUR"]),
    "FCC": ("pcpr", ["FCC"]), "SVC": ("poradnia", ["SVC"]), "SVCB": ("swietlica", ["SVC"]), "MUN": ("gmina", ["MUN"]),
    "HLT": ("szpital", ["HLT"]), "IDT": ("zespol", ["IDT"]),
}
EXTERNALS = {"SCHX": ("sp3", "OPS")}  # agencies without the system: their ids, and who serves them
LIVE, ANEW = 1, 2  # subscriptions


class Failure(Exception):
    """The broker did something else than the scenario says, so that it cannot go on."""


class Ids:
    """The ids that names stand for in one scenario; event ids are those of version 7."""

    def __init__(self, play):
        self.known = {step.name: wici_client.uuid7() for step in play.steps if step.name}
        self.seqs, self.days, self.dossiers, self.agencies = {}, {}, {}, {}  # of what was published, by its name

    def whose(self, notice):
        """The dossier, or the agency, whose clock a notice of the watcher tells of."""
        return (self.agencies if notice.clock in watcher.OF_AGENCIES else self.dossiers)[notice.start]

    def __call__(self, name):
        return self.known.setdefault(name, str(uuid.uuid4()))


class Published:
    """One event that was sent: what each part of it serialised to."""

    def __init__(self, step, event, event_id):
        self.step, self.event, self.id, self.receipt = step, event, event_id, None
        self.later = False  # its dossier was there before

    def all_places(self):
        """Every part."""
        return set(range(len(self.step.parts)))


class Stage:
    """A broker, and units that listen: units maps what scenarios call a unit to (its id, agency, roles), externals what
    they call an agency without the system to (its id, the unit that serves it)."""

    def __init__(self, place, units, externals=None, watched_by=None):
        self.world, self.units, self.externals, self.watcher = place, units, externals or {}, watched_by
        self.wici, self.clients, self.given = self.world.wici, {}, {}
        for unit in units:
            self.connect(unit)

    def wire(self, name):
        """What a unit, or AGENCY/cus, is called on the wire."""
        return name.split("/")[1] if name.startswith("AGENCY/") else self.units[name][0]

    def address(self, name):
        """An addressee: SW, AGENCY/cus or AGENCY/cus/rejon-1."""
        if not name.startswith("AGENCY/"):
            return {"unit": self.wire(name)}
        _, agency, *area = name.split("/")
        return {"agency": agency, "area": area[0]} if area else {"agency": agency}

    def connect(self, unit):
        """A unit takes up its subscription where it ended, or begins one."""
        client = self.world.client(self.wire(unit), f"live-{self.wire(unit)}")
        client.hello()
        client.subscribe(LIVE, cursor="live", **({} if unit in self.given else {"live": True}))
        self.clients[unit] = client
        self.given.setdefault(unit, [])

    def stop(self):
        """Ends everything."""
        for client in self.clients.values():
            client.close()
        self.world.stop()

    # ---- publishing

    def event(self, step, ids, bodies):
        """The event that a step publishes."""
        unit_id, agency, roles = self.units[step.unit]
        actor = {"agency": agency, "unit": unit_id, "role": step.role or roles[0]}
        header = {"eventId": ids(step.name) if step.name else wici_client.uuid7(), "type": bodies.types[step.type],
                  "schemaVersion": 1, "occurredAt": payload.date(step.day) + "T09:00:00+01:00"}
        if step.dossier != "-":
            header["dossierId"] = ids(step.dossier)
        if step.behalf:
            actor.update(onBehalfOf=step.behalf[0], channel=step.behalf[1], receivedOn=payload.date(step.day))
        if step.person:
            actor["personRef"] = step.person
        if step.to:
            header["to"] = [self.address(to) for to in step.to]
        for name, value in (("causationId", step.answers), ("consentRef", step.consent)):
            if value:
                header[name] = ids(value)
        if step.corrects:
            header.update(correctsEventId=ids(step.corrects[0]), correction=step.corrects[1])
        if step.late:
            header.update(lateEntry=True, enteredBecause="OTHER")
        header["actor"] = actor
        sections = [bodies.section(step, part, ids, self.wire) for part in step.parts]
        event = self.wici.make_event(header)
        event.sections.extend(section.SerializeToString() for section in sections)
        return Published(step, event, header["eventId"])

    def publish(self, published):
        """Sends it; yields what is wrong with the answer."""
        step = published.step
        client = self.clients[step.unit]
        answer = client.publish(published.event)[0]
        if step.refusal:
            code = answer.refusal.code if answer.WhichOneof("outcome") == "refusal" else "taken"
            if code != step.refusal:
                yield f"{step}: has to be refused with {step.refusal}, but was {code}"
            return
        if answer.WhichOneof("outcome") != "receipt":
            raise Failure(f"{step}: refused, {answer.refusal.code} {answer.refusal.path} {answer.refusal.en}")
        published.receipt = answer.receipt
        self.wici.check_receipt(published.event, answer.receipt)
        yield from self.compare_warnings(published)
        if step.twice:
            again = client.publish(published.event)[0].receipt
            if not again.repeated or (again.seq, again.digests) != (answer.receipt.seq, answer.receipt.digests):
                yield f"{step}: sent twice, the second receipt is another one"

    @staticmethod
    def compare_warnings(published):
        """The receipt's warnings are those that the scenario says; W_WITHHELD where the role of an addressee does not let it
        have a part that is not marked for others; and W_TIME where it comes to a dossier that is there already: the
        stories' days lie before the day they are played."""
        step = published.step
        expected = set(step.warnings) | ({"W_TIME"} if published.later else set())
        for unit in step.to if not step.consent else ():
            meant = {i for i, part in enumerate(step.parts) if not part.only or unit in part.only}
            if not meant <= step.given.get(unit, meant):
                expected.add("W_WITHHELD")
        told = {warning.code for warning in published.receipt.warnings}
        if told != expected:
            yield f"{step}: warnings {' '.join(sorted(told)) or 'none'} instead of {' '.join(sorted(expected)) or 'none'}"

    # ---- one scenario

    def play(self, play):
        """Publishes a scenario; returns the events, and what was wrong with the answers."""
        ids = Ids(play)
        strangers = {unit for step in play.steps for unit in [step.unit, *step.given]}
        strangers |= {unit for notice in play.notices for unit in notice.given}
        strangers -= {*self.units, *self.externals, "EVERYBODY"}
        if strangers:
            raise Failure(f"not in this town: {strangers}")
        bodies = payload.Bodies(self.wici, ids)
        published, wrong, known = [], [], set()
        for act in play.acts:
            if isinstance(act, scenario.Step):
                published.append(self.event(act, ids, bodies))
                published[-1].later = act.dossier in known - {"-"}
                wrong += self.publish(published[-1])
                if not act.refusal:
                    known.add(act.dossier)
                if act.name and not act.refusal:
                    ids.seqs[act.name] = published[-1].receipt.seq
                    ids.days[act.name], ids.dossiers[act.name] = act.day, ids(act.dossier)
                    ids.agencies[act.name] = self.units[act.unit][1]
            elif isinstance(act, scenario.Watch):
                wrong += self.watch(act, ids, published)
            elif act.verb == "away":
                self.collect(act.unit, published[-1].receipt.seq if published else 0)
                self.clients[act.unit].close()
                del self.clients[act.unit]
            elif act.verb == "back":
                self.connect(act.unit)
            else:
                wrong += self.compare_due(act, published)
        for unit in self.units:
            self.collect(unit, max(p.receipt.seq for p in published if p.receipt))
        return published, wrong

    def watch(self, act, ids, published):
        """The deadline watcher looks at a day. Yields what it told and should not have, and the other way round."""
        before = [p.step for p in published if isinstance(p, watcher.Noticed)]
        told = {entry[:5]: int(entry[5]) for entry in self.watcher.run(act.day, act.default)}
        for notice in act.notices:
            count = sum((n.clock, n.start, n.item, n.started) == (notice.clock, notice.start, notice.item, notice.started)
                        for n in before)
            before.append(notice)
            published.append(self.watcher.notice(notice, ids.whose(notice), count, ids))
            seq = told.pop((notice.what, notice.clock, ids.whose(notice), str(ids.seqs[notice.start]), str(notice.item)),
                           None)
            if seq is None:
                yield f"day {act.day}: {notice}: is not told"
                published.pop()
                continue
            published[-1].receipt = watcher.Told(seq)
        for what, clock, whose, start, item in told:
            names = [name for name, seq in ids.seqs.items() if str(seq) == start] or [whose]
            yield f"day {act.day}: {what} {clock}/{item} of {names[0]} is told"

    def outside(self, external, **more):
        """What is due on paper to an agency without the system, as the unit is told that serves it."""
        agency, server = self.externals[external]
        return self.clients[server].query(outside=self.wici.wire.OutsideQuery(agency=agency, **more)).items

    def compare_due(self, act, published):
        """Just the events that the scenario names are due."""
        expected = {event.id for event in published if event.step.name in act.events}
        due = {item.event_id for item in self.outside(act.unit) if not item.delivered}
        if due != expected:
            yield f"due to {act.unit} on paper: {due}, not {expected} ({' '.join(act.events)})"

    def unrecorded(self, published):
        """Refusals of which the agency of whoever was refused finds no record (sys.event_rejected)."""
        for event in published:
            if not event.step.refusal:
                continue
            records = self.clients[event.step.unit].read_all(type="SYS_EVENT_REJECTED")
            codes = {section.sys_event_rejected_s0.code for record in records
                     for sections in self.wici.sections(record).values() for section in sections}
            if event.step.refusal not in codes:
                yield f"{event.step}: that it was refused with {event.step.refusal} is not in the log"

    def papers(self, published):
        """What each agency without the system may be given on paper: {external: the deliveries}."""
        found = {}
        for external in self.externals:
            found[external] = []
            for event in published:
                try:
                    found[external] += [item.delivery for item in self.outside(external, event_id=event.id)]
                except wici_client.Refused as refused:
                    if refused.code != "E_UNKNOWN":
                        raise
        return found

    def collect(self, unit, seq):
        """Takes what the unit is given up to there, and acknowledges it."""
        client = self.clients[unit]
        self.given[unit] += client.deliveries_to(LIVE, seq)
        if self.given[unit]:
            client.ack(LIVE, seq)
            client.query(cursors=self.wici.wire.CursorsQuery())  # the acknowledgement has arrived

    def replays(self, unit, seq):
        """What the unit is given when it begins anew: by a subscription from the first record, and by bounded reads."""
        client = self.clients[unit]
        client.subscribe(ANEW, from_seq=1)
        yield "replay", client.deliveries_to(ANEW, seq)
        client.unsubscribe(ANEW)
        yield "read", [d for d in client.read_all() if d.seq <= seq]

    # ---- comparing

    def header_differs(self, event, delivery):
        """The names of the header's fields that are not as published, or as a notice has to have them."""
        right, told = self.wici.header(event), self.wici.header(delivery)
        return [field.name for field in right.DESCRIPTOR.fields
                if getattr(right, field.name) != getattr(told, field.name)]

    def views(self, unit, deliveries, published):
        """Of these events of a story, the places of the parts that the deliveries hold: {event id: places}; and what is
        wrong: other bytes, another header, something twice, notices of clocks that they started and that are not among them."""
        known, seqs = {p.id: p for p in published}, {p.receipt.seq for p in published if p.receipt}
        found, wrong = {}, []
        for delivery in deliveries:
            self.wici.check_delivery(delivery)
            event_id = self.wici.header(delivery).event_id
            if event_id not in known:
                if watcher.start_of(self.wici, delivery) in seqs:
                    wrong.append(f"{unit} was given a notice that the story does not have, in record {delivery.seq}")
                continue
            event = known[event_id]
            if event_id in found:
                wrong.append(f"{event.step}: {unit} was given it twice")
            for field in self.header_differs(event.event, delivery):
                wrong.append(f"{event.step}: {unit} was given it with another {field} in its header")
            bodies = [part.body for part in delivery.parts
                      if part.slot.section_id % 10 not in (wici_client.HEADER, wici_client.NOTE)]
            sections = list(event.event.sections)
            if len(set(sections)) != len(sections):
                raise Failure(f"{event.step}: two parts of it are alike")
            if not set(bodies) <= set(sections) or len(set(bodies)) != len(bodies):
                wrong.append(f"{event.step}: {unit} was given other bytes than were published")
            found[event_id] = {i for i, body in enumerate(sections) if body in bodies}
        return found, wrong


REGISTERS = [  # what the rules ask for: programmes, qualifications
    ("OUS", "SYS_PROGRAMME_REGISTERED", {"programmeId": "program-1", "gmina": "326101", "from": "2010-01-01"}),
    ("DIR", "SYS_QUALIFICATION_REGISTERED", {"personRef": "koordynator-1", "kind": "IPUS_COORDINATOR", "from": "2010-01-01"}),
    ("DIR", "SYS_QUALIFICATION_REGISTERED", {"personRef": "organizator-1", "kind": "IPUS_APPROVER", "from": "2010-01-01"}),
]


def golden_town(root):
    """The town of the golden scenarios, enrolled."""
    units = {name.lower(): agency for name, agency in UNITS.items()}
    place = world.World(root, AGENCIES, {**units, "audyt": ("nadzor", ["AUD"]), "straznik": ("starostwo", ["CLERK"])}, "starostwo")
    with place.session("admin") as admin:
        for agency, server in EXTERNALS.values():
            place.command(admin, "SYS_EXTERNAL_ENROLLED", sys_external_enrolled_s0={
                "agency_id": agency, "name": "Szkoła bez systemu", "kinds": ["SCHOOL"], "served_by": server.lower(),
                "channel": "PAPER"})
    town = Stage(place, {name: (name.lower(), *rest) for name, rest in UNITS.items()}, EXTERNALS,
                 watcher.Watcher(place, "straznik", root))
    for unit, kind, body in REGISTERS:
        place.command(town.clients[unit], kind, town.wire(unit), **{f"{kind.lower()}_s0": body})
    return town


def digits(places, step):
    """"016(2)": how a scenario writes these places."""
    if places is None:
        return "nothing"
    text = ""
    for cls in range(8):
        of_class = [i for i, part in enumerate(step.parts) if part.cls == cls]
        have = [n for n, i in enumerate(of_class, 1) if i in places]
        if have:
            text += str(cls) + ("" if len(have) == len(of_class) else f"({','.join(map(str, have))})")
    return text or "a header alone"


def differences(play, published, views, how, names):
    """Compares views {unit: {event id: places}} with the scenario, for every unit; a sentence for each difference."""
    for event in published:
        step = event.step
        for unit in views:
            everybody = step.given.get("EVERYBODY") if how != "on paper" else None
            expected = event.all_places() if unit == step.unit else step.given.get(unit, everybody)
            if how != "live":
                expected = play.replays.get(step.name, {}).get(unit, expected) if step.name in play.replays else expected
            if step.refusal:
                expected = None
            given = views[unit].get(event.id)
            if given != expected:
                yield f"{names}: {step}: {unit} was given {digits(given, step)} {how}, not {digits(expected, step)}"
