#!/usr/bin/env python3
"""A year of the country: every family that had an assistant in 2020, in a broker for all municipalities, by the three ways into a case:
the ordinary one, "Za życiem", and a plan of social services (IPUS) beside it.

    cmake --preset release && cmake --build --preset release
    tests/bench/country.py --keep DIRECTORY fill start deadlines lists report

DIRECTORY gets some 2 GB and stays, for the next time; `fill` is done once. --scale 0.01 does the same with a hundredth of the families
and municipalities.

    fill       enrols an office and a school for each municipality, and for a centre of social services its coordinators and a provider, each
               with a key of its own, and publishes the year through the broker
    start      time until the broker listens, and its memory then
    deadlines  wici-clerk: a round that tells all that there is to tell of the year, then one that finds nothing
    lists      `wici deadlines` and `wici worklist` of --offices offices, the largest among them, and of the largest's coordinators
    report     `wici report` of the year, of the largest office and of one of the middle

Counted (2020): families with an assistant, of these under "Za życiem", municipalities. All else is assumed, and stands in RATES: nobody
counts it. A municipality is one office with one unit for all of its roles, and one school; some of the offices are centres of social services, with a
unit of coordinators and organiser and one provider. Families are shared out as people live, a few
in most of the municipalities and hundreds in the largest; they begin on any day of the year, the last day of which is yesterday, and what would
lie behind it has not happened yet.
"""
import argparse
import datetime
import json
import multiprocessing
import os
import random
import re
import statistics
import subprocess
import sys
import time

import kit

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", folder) for folder in ("golden", "interop")]
import payload  # noqa: E402
import scenario  # noqa: E402
import stage  # noqa: E402
import wici_client  # noqa: E402

FAMILIES, UNDER_ZZ, MUNICIPALITIES = 41_096, 809, 2_477
CENTRES = 10  # assumed: of a hundred municipalities, how many have a centre of social services; the largest has one
PLANS, UPDATED = 30, 40  # assumed: of a hundred ordinary families of a centre have an IPUS beside; of a hundred plans are updated once
RATES = {  # assumed: of a hundred ordinary families
    "school": 45,    # are told of by a school, the others come to the office themselves
    "late": 15,      # have the interview after the fourteenth day
    "no_contact": 8,  # have no first contact with a social worker in the year
    "meeting": 30,   # have a meeting of several professions, with agreements
    "assessed": 80,  # have their half-yearly assessment in time, the others three weeks later
    "closed": 25,    # end within the year, after 120 to 330 days
}
QUESTION_EVERY, ANSWERED = 60, 80  # days between the office's questions to the school; of a hundred, how many it answers
PAGE, UNDER_WAY = 64, 8  # events of a message, messages that wait for their answer

# What happens, written as the golden scenarios are (tests/golden/scenario.py). R: the referral, C: the case.
TOLD_BY_SCHOOL = """# told
0 referral.submitted SCH 016 > OPS 016
    in R to OPS as told
    S1 about jan
"""
CAME_THEMSELVES = """# came
0 referral.submitted OPS:INT 016 >
    in R as told for anna IN_PERSON
    S1 about jan
    S6 about jan {"sourceKind": "FAMILY"}
"""
TAKEN_UP = """# taken up
1 referral.answered OPS 06 >
    in R answers told
3 case.opened OPS 016 >
    in C
    S1 about jan anna
3 case.linked OPS 06 >
    S0 {"kind": "REFERRAL_OF", "otherDossier": "$R"}
"""
INTERVIEW = """# interview
12 case.interview_completed OPS 06 >
    in C as interview
"""
LATE_INTERVIEW = INTERVIEW.replace("12 case", "17 case")
ASSIGNED = """# assigned
18 case.assistant_requested OPS 06 >
    in C as request
    S0 {"interviewEventId": "$interview"}
20 case.assistant_assigned OPS:DIR 06 >
    S0 {"unit": "ops-0000", "assistantRef": "asystent-1", "requestEventId": "$request"}
"""
CONTACT = """# first contact
25 consent.granted OPS:FA 016 >
    in C
    S6 {"kind": "COOPERATION_DWR_01_01"}
25 meeting.held OPS:FA 016 >
    S6 {"kind": "FIRST_CONTACT", "chairRole": "FA", "attendance": [{"role": "FA", "unit": "ops-0000", "signed": true}, {"role": "SW", "unit": "ops-0000", "signed": true}]}
"""
PLAN = """# plan
40 case.plan_updated OPS:FA 06 >
    in C
    S0 {"version": 1, "consultedWith": [{"role": "SW", "unit": "ops-0000", "on": "@39"}]}
    S6 {"goals": [{"text": "Jan wraca do szkoły.", "due": "@90"}]}
"""
MEETING = """# meeting
70 meeting.convened OPS 016 >
    in C
    S0 {"meetingId": "$meeting"}
    S6 {"kind": "MULTI_PROFESSIONAL_FIRST", "chairRole": "SW", "invited": [{"unit": "sch-0000", "role": "SCH", "about": ["jan"]}]}
75 meeting.held OPS 016 >
    S0 {"meetingId": "$meeting"}
    S6 {"kind": "MULTI_PROFESSIONAL_FIRST", "chairRole": "SW", "attendance": [{"role": "SW", "unit": "ops-0000", "signed": true}, {"role": "FA", "unit": "ops-0000", "signed": true}]}
77 meeting.agreements_issued OPS 016 >
    S0 {"meetingId": "$meeting"}
    S6 about jan {"row": {"no": 1, "action": "Zajęcia wyrównawcze.", "responsible": "szkoła", "dueOn": "@105"}}
"""
QUESTION = """# question
0 info.requested OPS 016 >
    in C to SCH as question
    S0 {"answerBy": "@14"}
    S1 about jan
    S6 about jan
"""
ANSWER = """# answer
9 info.provided SCH 016 >
    in C answers question
    S1 about jan
"""
ASSESSED = """# assessed
175 case.assessment_recorded OPS:FA 06 >
    in C
    S0 {"periodFrom": "@20", "periodTo": "@175"}
"""
LATE_ASSESSED = ASSESSED.replace("175", "222")
CLOSED = """# closed
0 case.closed OPS 06 >
    in C
    S6 {"monitoringPlan": {"dates": ["@180"]}}
0 referral.completed OPS 06 >
    in R answers told
"""
ZA_ZYCIEM = """# "Za życiem"
0 referral.submitted OPS:INT 0146 >
    in R as told for anna IN_PERSON
    S0 {"appliedOn": "@0"}
    S1 about anna
    S4 about anna {"entitlement": "PREGNANCY"}
    S6 {"paperKind": "APPLICATION", "sourceKind": "FAMILY"}
1 referral.answered OPS 06 >
    answers told
3 case.opened OPS 0146 >
    in C
    S4 about anna {"entitlement": "PREGNANCY"}
4 case.assistant_assigned OPS:DIR 06 >
    S0 {"unit": "ops-0000", "requestEventId": "$told"}
6 meeting.held OPS:FA 016 >
    S6 {"kind": "FIRST_CONTACT", "chairRole": "FA", "attendance": [{"role": "FA", "unit": "ops-0000", "signed": true}]}
6 consent.granted OPS:FA 014 >
    S4 {"zzAuthorisation": {"scopeAgencies": ["a-sch-0000"]}}
20 case.plan_updated OPS:FA 046 >
    S0 {"version": 1, "consultedWith": [{"role": "SW"}]}
    S4 {"catalogue": "Katalog możliwego wsparcia."}
"""

# I: the application, P: its case. A plan begins 20 to 150 days after the family, for half a year.
IPUS = """# plan of services
0 referral.submitted OPS:INT 016 >
    in I to IC as applied for anna IN_PERSON
    S0 {"appliedOn": "@0"}
    S1 about anna
    S6 about anna {"paperKind": "APPLICATION", "service": "IPUS", "sourceKind": "FAMILY"}
2 referral.answered IC 06 >
    answers applied
4 case.opened IC 016 >
    in P
    S1 about anna
    S6 {"path": "IPUS"}
4 case.linked IC 06 >
    S0 {"kind": "REFERRAL_OF", "otherDossier": "$I"}
20 ipus.agreed IC 016 >
    by koordynator-1
    S0 {"ipusId": "$ipus", "applicationEventId": "$applied", "periodFrom": "@30", "periodTo": "@211"}
    S6 about anna only SVC OPS IC {"row": {"serviceRef": "a", "programmeId": "cus-0000", "provider": "svc-0000"}}
24 ipus.approved OPS:DIR 06 >
    S0 {"ipusId": "$ipus"}
60 ipus.service_reported SVC 06 >
    S0 {"ipusId": "$ipus", "serviceRef": "a"}
120 ipus.service_reported SVC 06 >
    S0 {"ipusId": "$ipus", "serviceRef": "a"}
"""
IPUS_UPDATED = """# plan of services updated
130 ipus.updated IC 016 >
    in P by koordynator-1
    S0 {"ipusId": "$ipus", "version": 2, "periodFrom": "@30", "periodTo": "@211"}
    S6 about anna only SVC OPS IC {"row": {"serviceRef": "a", "programmeId": "cus-0000", "provider": "svc-0000"}}
135 ipus.approved OPS:DIR 06 >
    S0 {"ipusId": "$ipus", "version": 2}
"""
IPUS_ENDED = """# plan of services ended
205 ipus.service_reported SVC 06 >
    in P
    S0 {"ipusId": "$ipus", "serviceRef": "a"}
211 ipus.concluded IC 06 >
    by koordynator-1
    S0 {"ipusId": "$ipus"}
215 case.closed IC 06 >
215 referral.completed IC 06 >
    in I answers applied
"""
# What a centre registers, and owes as a whole (CUS art. 46): two summaries and four meetings of its coordinators a year.
CENTRE = """# centre
0 sys.programme_registered IC:OUS 0 >
    in -
    S0 {"programmeId": "cus-0000", "gmina": "326101", "from": "2010-01-01"}
0 sys.qualification_registered OPS:DIR 0 >
    in -
    S0 {"personRef": "koordynator-1", "kind": "IPUS_COORDINATOR", "from": "2010-01-01"}
"""
SUMMARY = """# summary
0 sys.report_presented IC:OUS 0 >
    in -
    S0 {"kind": "ART_46", "presentedTo": ["ops-0000"], "presentedOn": "@0"}
"""
COORDINATORS = """# coordinators
0 meeting.convened IC:OUS 016 >
    in M
    S0 {"meetingId": "$coordinators"}
    S6 {"kind": "IPUS_COORDINATORS", "chairRole": "OUS", "invited": [{"unit": "cus-0000", "role": "IC"}]}
7 meeting.held IC:OUS 06 >
    S0 {"meetingId": "$coordinators"}
    S6 {"kind": "IPUS_COORDINATORS", "chairRole": "OUS", "attendance": [{"role": "OUS", "unit": "cus-0000", "signed": true}]}
8 meeting.agreements_issued IC:OUS 06 >
    S0 {"meetingId": "$coordinators"}
"""
SUMMARIES, MEETINGS = (20, 200), (10, 95, 190, 280)  # days of a centre's year

SPOT = re.compile(rb"00000000-0000-4000-8000-(\d{12})|(\d{4}-\d\d-\d\d)|(?<=ops|sch|cus|svc)-0000")


class Names:
    """Ids that stand for names in a story, and are put in for each family."""

    def __init__(self):
        self.known, self.seqs = {}, {}

    def __call__(self, name):
        return self.known.setdefault(name, f"00000000-0000-4000-8000-{len(self.known):012}")


class Story:
    """Events of a story as bytes, with spots for what differs: ids, days, the number of the municipality."""

    def __init__(self, wici, names, text):
        maker = stage.Stage.__new__(stage.Stage)
        maker.wici, maker.externals = wici, {}
        maker.units = {"OPS": ("ops-0000", "a-ops-0000", ["SW", "INT", "FA", "DIR"]), "SCH": ("sch-0000", "a-sch-0000", ["SCH"]),
                       "IC": ("cus-0000", "a-ops-0000", ["IC", "OUS"]), "SVC": ("svc-0000", "a-svc-0000", ["SVC"])}
        bodies = payload.Bodies(wici, names)
        self.events = []  # (day, unit, event with spots)
        for number, step in enumerate(scenario.Reader("a story").read(text).steps):
            step.name = step.name or f"{text.splitlines()[0]} {number}"
            event = maker.event(step, names, bodies).event
            self.events.append((step.day, step.unit, event.SerializeToString()))

    def told(self, family, begin):
        """(day, unit, bytes) of each event, of a story that begins so many days after the family's."""
        for day, unit, event in self.events:
            yield begin + day, unit, family.fill(event, begin)


class Family:
    """What is put into the spots."""

    def __init__(self, number, start, municipality):
        self.number, self.start, self.municipality, self.ids = number, start, b"-%04d" % municipality, {}
        self.random = random.Random(number)

    def id_of(self, place):
        """The family's own id for a name of the stories."""
        if place not in self.ids:
            self.ids[place] = wici_client.uuid7().encode()
        return self.ids[place]

    def fill(self, event, begin):
        """The event of this family."""
        first = self.start + datetime.timedelta(days=begin)

        def put(match):
            if match[1]:
                return self.id_of(match[1])
            if match[2]:
                day = datetime.date.fromisoformat(match[2].decode()) - payload.EPOCH
                return (first + day).isoformat().encode() if abs(day.days) < 1000 else match[2]
            return self.municipality

        return SPOT.sub(put, event)

    def forget(self, *places):
        """The next event of these names is another one."""
        for place in places:
            self.ids.pop(place, None)


class Stories:
    """A family's year."""

    def __init__(self, wici):
        self.names = Names()
        for name in ("TOLD_BY_SCHOOL", "CAME_THEMSELVES", "TAKEN_UP", "INTERVIEW", "LATE_INTERVIEW", "ASSIGNED", "CONTACT", "PLAN",
                     "MEETING", "QUESTION", "ANSWER", "ASSESSED", "LATE_ASSESSED", "CLOSED", "ZA_ZYCIEM", "IPUS", "IPUS_UPDATED",
                     "IPUS_ENDED", "CENTRE", "SUMMARY", "COORDINATORS"):
            setattr(self, name.lower(), Story(wici, self.names, globals()[name]))
        self.again = self.places("question", "# answer 0")
        self.once = self.places("M", "coordinators", *(f"# coordinators {n}" for n in range(3)), "# summary 0")

    def places(self, *names):
        """Where ids of these names stand."""
        return [self.names(name).rsplit("-", 1)[1].encode() for name in names]

    def centre_year(self, centre):
        """What a centre as a whole says in a year."""
        events = list(self.centre.told(centre, 0))
        for story, days in ((self.summary, SUMMARIES), (self.coordinators, MEETINGS)):
            for day in days:
                centre.forget(*self.once)
                events += story.told(centre, day)
        return sorted(events, key=lambda event: event[0])

    def plan_of(self, family):
        """A plan of services beside the family's case, or none: (day, unit, bytes)."""
        dice = random.Random(family.number + 1_000_000)
        if dice.randrange(100) >= PLANS:
            return []
        begin, parts = dice.randrange(20, 151), [self.ipus, self.ipus_ended]
        parts[1:1] = [self.ipus_updated] if dice.randrange(100) < UPDATED else []
        return [event for part in parts for event in part.told(family, begin)]

    def year(self, family, zz, centre=False):
        """What happens in a family, in the order of days: (day, unit, bytes)."""
        if zz:
            return list(self.za_zyciem.told(family, 0))
        dice = family.random
        happens = {what: dice.randrange(100) < rate for what, rate in RATES.items()}
        closed = dice.randrange(120, 331) if happens["closed"] else 10_000
        parts = [self.told_by_school if happens["school"] else self.came_themselves, self.taken_up,
                 self.late_interview if happens["late"] else self.interview, self.assigned, self.plan,
                 self.assessed if happens["assessed"] else self.late_assessed]
        parts += [] if happens["no_contact"] else [self.contact]
        parts += [self.meeting] if happens["meeting"] else []
        events = [event for part in parts for event in part.told(family, 0)]
        for day in range(QUESTION_EVERY, 366, QUESTION_EVERY):
            family.forget(*self.again)
            events += self.question.told(family, day)
            if dice.randrange(100) < ANSWERED:
                events += self.answer.told(family, day)
        events = [event for event in events if event[0] < closed] + list(self.closed.told(family, closed))
        return sorted(events + (self.plan_of(family) if centre else []), key=lambda event: event[0])


def shares(families, municipalities):
    """How many families each municipality has, the largest first: as a few towns are large and most communes small."""
    weights = [1 / (rank + 12) ** 0.9 for rank in range(municipalities)]
    exact = [families * weight / sum(weights) for weight in weights]
    counts = [int(share) for share in exact]
    for rank in sorted(range(municipalities), key=lambda r: counts[r] - exact[r])[:families - sum(counts)]:
        counts[rank] += 1
    return counts


def sizes(options):
    """(families of each municipality, how many in all, how many of them under "Za życiem")"""
    count, zz = max(8, round(FAMILIES * options.scale)), max(1, round(UNDER_ZZ * options.scale))
    return shares(count + zz, max(2, round(MUNICIPALITIES * options.scale))), count + zz, zz


def is_centre(number):
    """The municipality has a centre of social services: so many of a hundred, large ones and small ones."""
    return number * CENTRES % 100 < CENTRES


# ---- filling

def protocol():
    """The messages."""
    return wici_client.Protocol(os.path.join(HERE, "..", "..", "proto"))


class Line:
    """A unit's connection, with some messages under way."""

    def __init__(self, wici, broker, unit):
        keys = wici_client.read_key(f"{broker['dir']}/keys.d/{unit}.key")
        self.client = wici_client.Client(wici, broker["endpoint"], broker["key"], keys, "country")
        self.client.hello()
        self.wire, self.waiting, self.count = wici.wire, [], 0

    def publish(self, events):
        """Sends them, a page a message."""
        for at in range(0, len(events), PAGE):
            if len(self.waiting) == UNDER_WAY:
                self.settle(1)
            self.waiting.append(self.client.publish_later(*map(self.wire.Event.FromString, events[at:at + PAGE])))

    def settle(self, count=None):
        """Takes the answers to so many messages, or to all; each event has to be taken."""
        for _ in range(len(self.waiting) if count is None else count):
            for answer in self.client.wait("answers", number=self.waiting.pop(0)).answers:
                if answer.WhichOneof("outcome") != "receipt":
                    sys.exit(f"refused: {answer}")
                self.count += 1

    def close(self):
        """All answers are in."""
        self.settle()
        self.client.close()


def municipality(work):
    """Publishes the year of one municipality: first what the school says before the office knows of it. Returns how many events."""
    wici, stories, broker, number, families = municipality.state, municipality.stories, *work
    last = datetime.date.today() - datetime.timedelta(days=1)  # whatever hour it is, it happened already
    centre = is_centre(number)
    names = {"SCH": "sch", "OPS": "ops", **({"IC": "cus", "SVC": "svc"} if centre else {})}
    lines = {unit: Line(wici, broker, f"{name}-{number:04}") for unit, name in names.items()}
    rounds = []  # of events that may be sent in any order between the units

    def tell(family, year):
        turn, before = 0, None
        for day, unit, event in year:
            if family.start + datetime.timedelta(days=day) > last:
                break
            turn += before is not None and unit != before
            before = unit
            while len(rounds) <= turn:
                rounds.append({unit: [] for unit in names})
            rounds[turn][unit].append(event)

    if centre:
        office = Family(-1 - number, last - datetime.timedelta(days=365), number)
        tell(office, stories.centre_year(office))
    for index, zz in families:
        dice = random.Random(index)
        family = Family(index, last - datetime.timedelta(days=dice.randrange(1, 366)), number)
        tell(family, stories.year(family, zz, centre))
    for events in rounds:
        for unit, line in lines.items():
            line.publish(events[unit])
        for line in lines.values():
            line.settle()
    for line in lines.values():
        line.close()
    return sum(line.count for line in lines.values())


def prepare(stories):
    """Of each process that publishes."""
    municipality.state, municipality.stories = protocol(), stories


def enrol(broker, wici, count):
    """An office and a school for each municipality, and the deadline watcher."""
    os.makedirs(f"{broker.dir}/keys.d", exist_ok=True)
    keys = wici_client.read_key(f"{broker.dir}/admin.key")
    client = wici_client.Client(wici, broker.endpoint, broker.key, keys)
    client.hello()

    def say(*records):
        events = [wici.make_event({"type": kind, "schema_version": 1, "occurred_at": stage.world.now(), "actor": {
            "agency": "ops", "unit": "admin", "role": "ADM"}}, {f"{kind.lower()}_s0": body}) for kind, body in records]
        for answer in client.publish(*events):
            if answer.WhichOneof("outcome") != "receipt":
                sys.exit(f"refused: {answer}")

    def unit(name, agency, roles):
        public, secret = wici_client.new_key()
        with open(f"{broker.dir}/keys.d/{name}.key", "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="utf-8") as f:
            f.write(f"public = {public}\nsecret = {secret}\n")
        return "SYS_UNIT_ENROLLED", {"unit_id": name, "agency_id": agency, "name": name, "roles": roles, "key": public}

    say(unit("straznik", "ops", ["CLERK"]))
    for number in range(count):
        kinds = ["CUS", "OPS"] if is_centre(number) else ["OPS"]
        say(("SYS_AGENCY_ENROLLED", {"agency_id": f"a-ops-{number:04}", "name": f"Ośrodek {number:04}", "kinds": kinds}),
            ("SYS_AGENCY_ENROLLED", {"agency_id": f"a-sch-{number:04}", "name": f"Szkoła {number:04}", "kinds": ["SCHOOL"]}),
            unit(f"ops-{number:04}", f"a-ops-{number:04}", ["SW", "INT", "FA", "DIR"]),
            unit(f"sch-{number:04}", f"a-sch-{number:04}", ["SCH"]))
        if is_centre(number):
            say(("SYS_AGENCY_ENROLLED", {"agency_id": f"a-svc-{number:04}", "name": f"Poradnia {number:04}", "kinds": ["PROVIDER"]}),
                unit(f"cus-{number:04}", f"a-ops-{number:04}", ["IC", "OUS"]), unit(f"svc-{number:04}", f"a-svc-{number:04}", ["SVC"]))
    client.close()


def fill(options):
    """Makes the log, or says that it is there."""
    if os.path.exists(f"{options.keep}/filled.json"):
        print("filled already")
        return
    counts, total, zz = sizes(options)
    broker = kit.Broker(options.bin, None, keep=options.keep, size_max="64G")
    begin = time.monotonic()
    wici = protocol()
    stories = Stories(wici)
    enrol(broker, wici, len(counts))
    centres = sum(map(is_centre, range(len(counts))))
    print(f"| enrolling {len(counts):,} offices, {centres:,} of them centres of social services, and as many schools | {time.monotonic() - begin:.0f} s |", flush=True)
    families, work = iter([(index, index < zz) for index in random.Random(1).sample(range(total), total)]), []
    known = {"dir": broker.dir, "endpoint": broker.endpoint, "key": broker.key}
    for number, count in enumerate(counts):
        work.append((known, number, [next(families) for _ in range(count)]))
    begin, cpu, disk = time.monotonic(), broker.cpu_us(), broker.disk()
    with multiprocessing.get_context("spawn").Pool(options.jobs, prepare, (stories,)) as pool:
        events = sum(pool.imap_unordered(municipality, work, chunksize=4))
    seconds = time.monotonic() - begin
    result = {"events": events, "families": total, "offices": len(counts), "largest": counts[0], "middle": counts[len(counts) // 2],
              "seconds": seconds}
    print(f"| filling: {total:,} families of {len(counts):,} offices ({counts[0]:,} in the largest, {counts[len(counts) // 2]:,} in the "
          f"middle one) | {events:,} events in {seconds:.0f} s, {events / seconds:,.0f}/s; {(broker.cpu_us() - cpu) / events:.1f} us "
          f"of the broker's CPU and {(broker.disk() - disk) / events:,.0f} bytes on disk an event |", flush=True)
    broker.stop()
    with open(f"{options.keep}/filled.json", "w", encoding="utf-8") as f:
        json.dump(result, f)


# ---- measuring

def opened(options):
    """The broker on the filled log."""
    return kit.Broker(options.bin, None, keep=options.keep)


def filled(options):
    """What fill made."""
    with open(f"{options.keep}/filled.json", encoding="utf-8") as f:
        return json.load(f)


def start(options):
    """Time to start, memory."""
    taken, memory = [], []
    for _ in range(options.rounds):
        broker = opened(options)
        taken.append(broker.started_s)
        memory.append(broker.memory_kib()[0])
        records = int(broker.status()["head"]["seq"])
        broker.stop()
    print(f"| start ({records:,} records) | {statistics.median(taken):.1f} s (of {len(taken)}: {min(taken):.1f} to {max(taken):.1f}); "
          f"{statistics.median(memory) / 1024:.0f} MiB without LMDB's maps |", flush=True)


def clerk(options, broker):
    """One round of the deadline watcher: (seconds, what it told)."""
    config = f"{broker.dir}/clerk.conf"
    with open(config, "w", encoding="utf-8") as f:
        f.write(f"endpoint = {broker.endpoint}\nserver_key = {broker.key}\nkey_file = keys.d/straznik.key\n"
                f"holidays = {HERE}/../../agents/holidays.pl\n")
    begin = time.monotonic()
    done = subprocess.run([f"{options.bin}/wici-clerk", "-c", config, "--once"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return time.monotonic() - begin, {what: int(count) for what, count in re.findall(r"(\w+)=(\d+)", done.stderr)}


def deadlines(options):
    """The first round, and one with nothing to tell."""
    broker = opened(options)
    cpu = broker.cpu_us()
    seconds, told = clerk(options, broker)
    count = sum(told.values())
    if count:
        words = ", ".join(f"{number:,} {what}" for what, number in told.items())
        print(f"| wici-clerk tells all of the year: {words} | {seconds:.0f} s, {count / seconds:,.0f}/s; "
              f"{(broker.cpu_us() - cpu) / count:.0f} us of the broker's CPU a notice |", flush=True)
    rounds = []
    for _ in range(options.rounds):
        cpu = broker.cpu_us()
        seconds, told = clerk(options, broker)
        if told:
            sys.exit(f"told twice: {told}")
        rounds.append((seconds, (broker.cpu_us() - cpu) / 1e6))
    print(f"| a round with nothing to tell | {statistics.median(r[0] for r in rounds):.2f} s; "
          f"{statistics.median(r[1] for r in rounds):.2f} s of the broker's CPU |", flush=True)
    broker.stop()


def asked(broker, unit, *words):
    """(seconds, lines) of a command of that unit; a list without an entry is one, too."""
    begin = time.monotonic()
    done = subprocess.run([f"{broker.bin}/wici", f"--endpoint={broker.endpoint}", f"--server-key={broker.key}",
                           f"--key-file={broker.dir}/keys.d/{unit}.key", *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 5):
        sys.exit(f"{unit} {words}: {done.stderr}")
    return time.monotonic() - begin, len(done.stdout.splitlines())


def offices(options):
    """Numbers of the offices that are asked: from the largest down."""
    count = filled(options)["offices"]
    return sorted({round(i * (count - 1) / max(1, options.offices - 1)) for i in range(min(options.offices, count))})


def lists(options):
    """Deadlines and work lists."""
    broker, numbers = opened(options), offices(options)
    for command in ("deadlines", "worklist"):
        taken = [asked(broker, f"ops-{number:04}", command) for number in numbers]
        seconds = [t[0] for t in taken]
        coordinators = asked(broker, "cus-0000", command)
        print(f"| `wici {command}` of its coordinators | {coordinators[0] * 1000:.0f} ms ({coordinators[1]:,} lines) |")
        print(f"| `wici {command}`: the largest office; p50 and longest of {len(numbers)} | {seconds[0] * 1000:.0f} ms ({taken[0][1]:,} "
              f"lines); {statistics.median(seconds) * 1000:.0f} and {max(seconds) * 1000:.0f} ms |", flush=True)
    broker.stop()


def report(options):
    """The year's statistics."""
    broker, today = opened(options), datetime.date.today()
    for title, number in (("the largest office", 0), ("the middle one", filled(options)["offices"] // 2)):
        taken = [asked(broker, f"ops-{number:04}", "report", "--since", (today - datetime.timedelta(days=365)).isoformat(), "--until",
                       today.isoformat())[0] for _ in range(options.rounds)]
        print(f"| `wici report` of a year, {title} | {statistics.median(taken) * 1000:.0f} ms |", flush=True)
    broker.stop()


PARTS = {f.__name__: f for f in (fill, start, deadlines, lists, report)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--keep", required=True, help="where the log is, or will be")
    parser.add_argument("--scale", type=float, default=1.0, help="of the families and municipalities")
    parser.add_argument("--jobs", type=int, default=2, help="processes that publish")
    parser.add_argument("--offices", type=int, default=20, help="offices that are asked for lists")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.keep, options.bin = os.path.abspath(options.keep), os.path.abspath(options.bin)
    for part in options.parts:
        PARTS[part](options)


if __name__ == "__main__":
    main()
