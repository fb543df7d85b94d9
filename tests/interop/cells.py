"""Every cell of the permission matrix against a running broker: role x type x relation x class x mark, as it comes
live, on replay and by a bounded read; and role x type for publishing.

One unit for each role, in an agency of its own, gets each kind of relation to dossiers of its own (cells_plan.py). What
each unit is sent is held, byte by byte, against what the policy and the domain's rules give it (cells_oracle.py). Every
section holds a marker, which must not be found anywhere in what a unit was sent unless the section was given to it.
"""
import collections
import copy
import dataclasses
import itertools
import os
import re
import shutil
import tempfile
import time
import unittest

from cells_oracle import Given, Oracle, Policy
from cells_plan import ANSWERS, AUTHOR, AUTHOR_ROLES, AUTHORS, ENDS, HELPER, MARKER, Plan
from cells_publish import Publishing
from wici_client import NOTE, Refused, uuid7
from world import SOURCE, World, new_id

LIVE, REPLAY = 1, 2  # subscriptions
SHOWN = 20  # differences told of many
BATCH = 64
OF_THE_HOLDER = "referral.answered", "referral.forwarded", "case.linked"  # or of who is to answer
HOLDERS_WITHOUT_FORWARDING = "the author cannot be asked in again: the role may not forward"


class Markers:
    """Takes the place of the bytes that arrived: keeps the markers found in them."""

    def __init__(self):
        self.found = set()
        self.size = 0

    def __iadd__(self, message):
        self.found.update(re.findall(MARKER, message))
        self.size += len(message)
        return self


class Reader:
    """A unit, its connection, and the deliveries it was sent: seq -> Delivery, for each way of being sent."""

    def __init__(self, unit, client):
        self.unit, self.client = unit, client
        client.raw_bytes = Markers()
        self.live, self.replay, self.read = {}, {}, {}

    def take(self, subscription, into):
        """What has arrived of a subscription, acknowledged."""
        queue = self.client.batches[subscription]
        while queue:
            delivery = queue.popleft()
            if delivery.seq in into:
                raise AssertionError(f"{self.unit.id} was given {delivery.seq} twice")
            into[delivery.seq] = delivery
            if not queue:
                self.client.ack(subscription, delivery.seq)

    def drain(self):
        """Takes what is there, without waiting."""
        while self.client.receive(0) is not None:
            pass
        self.take(LIVE, self.live)

    def catch_up(self, subscription, into, seq):
        """Takes everything up to seq."""
        while max(into, default=0) < seq and self.client.positions.get(subscription, 0) < seq:
            self.client.receive(1)
            self.take(subscription, into)
        self.take(subscription, into)


class Run:
    """A broker, the plan played on it, and what everybody was sent. Made once; the tests look at it."""

    def __init__(self, root):
        with open(os.path.join(SOURCE, "broker", "policy", "default.policy"), encoding="utf-8") as f:
            self.policy_text = f.read()
        self.policy = Policy(self.policy_text)
        self.oracle = Oracle(self.policy)
        roles = self.policy.roles
        agencies = {f"a-{role.lower()}": (f"Instytucja {role}", ["OPS"]) for role in roles}
        units = {f"u-{role.lower()}": (f"a-{role.lower()}", [role]) for role in roles}
        units.update({f"b-{role.lower()}": (f"a-{role.lower()}", ["SW"]) for role in roles})
        self.world = World(root, {**agencies, AUTHORS: ("Autorzy", ["OPS"])},
                           {**units, AUTHOR: (AUTHORS, AUTHOR_ROLES), HELPER: (AUTHORS, ["SW"])})
        self.wici = self.world.wici
        self.clients, self.refusals, self.failures = {}, collections.defaultdict(list), []
        self.started, self.laps = time.monotonic(), []
        self.plan = Plan(self.wici, roles)
        self.fill()
        self.lap("planned")

    def lap(self, what):
        """Notes how long a step took."""
        now = time.monotonic()
        self.laps.append(f"{what} {now - self.started:.1f} s")
        self.started = now

    def close(self):
        """Ends everything."""
        for client in self.clients.values():
            client.close()
        self.world.stop()

    def client(self, unit_id):
        """The connection of a unit."""
        if unit_id not in self.clients:
            self.clients[unit_id] = self.world.client(unit_id)
            self.clients[unit_id].hello()
        return self.clients[unit_id]

    # ---- the plan

    def fill(self):
        """Every relation with every type; then publishing."""
        plan, units = self.plan, self.plan.units
        self.dossiers = dossiers = {}
        for make, kind in ((plan.none, ""), (plan.addressee, ""), (plan.answer, ""), (plan.correction, ""),
                           (plan.pending, "PENDING"), (plan.office, "OFFICE"), (plan.participant, "PARTICIPANT"),
                           (plan.assistant, "PARTICIPANT"), (plan.merged, "PARTICIPANT"), (plan.invitee, "INVITEE"),
                           (plan.provider, "PROVIDER"), (plan.party, "PARTY"),
                           (plan.party_obliged, "PARTY_OBLIGED")):
            dossiers[make.__name__] = plan.run(make.__name__, make, kind)
        ordinary = [name for name in plan.types.classes if not name.startswith("ipus.")]
        plan.run("office_of_no_ipus", plan.office_of_no_ipus, "OFFICE", ordinary)
        plan.unreachable["office_of_no_ipus", "an ipus.* event makes it a dossier with an IPUS"] = (
            len(units) * (len(plan.types.classes) - len(ordinary)))
        lasting = [name for name in plan.types.classes if name not in ENDS["REFERRER"]]
        dossiers["referrer"] = plan.run("referrer", plan.referrer, "REFERRER", lasting)
        for unit in units:
            plan.run("referrer, itself", lambda unit=unit: plan.referred(unit), "REFERRER",
                     ["referral.answered", "referral.completed"], [unit])
        with_address = [name for name, classes in plan.types.classes.items() if 7 in classes]
        for make, kind in ((plan.pending, "PENDING"), (plan.participant, "PARTICIPANT")):
            plan.run(f"{make.__name__}, address protected", lambda make=make: make(protected=True), kind, with_address,
                     classes=[7])
        asked = [*ANSWERS, "info.requested", "placement.changed"]
        for unit in units:
            if self.policy.cells["info.requested", unit.role].publish:
                plan.run("asker", lambda unit=unit: plan.asker(unit), "", asked, [unit])
        plan.unreachable["asker", "AUD may ask nothing"] = len(asked)
        self.fill_holders()
        plan.strays()
        for unit in plan.mates:  # an answer by a unit of the office's own agency
            if unit.agency in ("a-dir", "a-head", "a-ous", "a-sw"):
                plan.probe("referral.answered", dossiers["office"], plan.base("referral.answered"), unit)
        self.fill_pairs(dossiers)
        self.publishing = Publishing(plan, self.policy)
        for unit in units:
            self.publishing.unit(unit)
        for name, dossier in dossiers.items():
            may = [] if name == "none" else units
            if name == "office":
                may = [unit for unit in units if unit.role in ("DIR", "HEAD", "OUS")]
            dossier.header.clear()
            self.publishing.writers(dossier, may)

    def fill_holders(self):
        """The holder is one unit at a time."""
        plan = self.plan
        for unit in plan.units:
            if not self.policy.cells["info.provided", unit.role].publish:
                plan.unreachable["holder", f"{unit.role} may publish nothing that takes a dossier over"] = len(
                    plan.types.classes)
                continue
            # The author links while it is to answer: its answer ends that.
            names = ["case.linked", *(name for name in plan.types.classes if name != "case.linked")]
            if not self.policy.cells["referral.forwarded", unit.role].publish:
                names = [name for name in names if name not in OF_THE_HOLDER]
                key = "holder", HOLDERS_WITHOUT_FORWARDING
                plan.unreachable[key] = plan.unreachable.get(key, 0) + len(OF_THE_HOLDER)
            plan.run("holder", lambda unit=unit: plan.holder(unit, self.policy), "HOLDER", names, [unit])
        silent = sum(not cell.publish for cell in self.policy.cells.values())
        plan.unreachable["author", "the role may not publish the type"] = silent
        off = sum(len(names.split()) for names in ("ipus.agreed ipus.updated ipus.concluded", "ipus.approved"))
        plan.unreachable["author", "p is switched off (FA ipus.*, OUS ipus.approved)"] = off
        plan.reached["author"] = len(self.policy.cells) - silent - off

    def fill_pairs(self, dossiers):
        """Events to be compared by what is explained of them."""
        for name, kind in (("addressee", ""), ("answer", ""), ("pending", "PENDING"), ("office", "OFFICE"),
                           ("participant", "PARTICIPANT"), ("party_obliged", "PARTY"), ("provider", "PROVIDER"),
                           ("none", "")):
            for type_name in self.plan.types.classes:
                if type_name not in ENDS.get(kind, {}):
                    self.plan.pair(dossiers[name], type_name)

    # ---- playing it

    def command(self, item):
        """The wire form of an item of the setup."""
        if not isinstance(item, tuple):
            return item.wire
        name, dossier, fields = item
        body = name.replace(".", "_") + "_s0"
        return self.world.event(AUTHOR, name.replace(".", "_").upper(), dossier.id, {body: fields})

    def publish(self, steps, after=None):
        """Publishes (unit, event, refusal) in order, in batches of one unit's; checks the outcomes."""
        for unit_id, group in itertools.groupby(steps, lambda step: step[0].id):
            group = list(group)
            for at in range(0, len(group), BATCH):
                batch = group[at:at + BATCH]
                answers = self.client(unit_id).publish(*(self.command(event) for _, event, _ in batch))
                for (_, event, refusal), answer in zip(batch, answers):
                    self.outcome(event, refusal, answer)
                if after:
                    after()

    def outcome(self, event, refusal, answer):
        """Notes a difference between an answer and what it has to be."""
        got = None
        if answer.WhichOneof("outcome") == "refusal":
            got = answer.refusal.code, answer.refusal.path
        if got != refusal:
            what = event if isinstance(event, tuple) else (event.type, event.unit.role)
            self.failures.append(f"{what}: {got} instead of {refusal}")
        if isinstance(event, tuple):
            return
        if got is None:
            self.wici.check_receipt(event.wire, answer.receipt)
            event.receipt = answer.receipt
        elif got in (("E_DOSSIER", "header.dossierId"), ("E_ROLE", "header.actor.role")):
            answer.event_id = ""
            self.refusals[event.type, event.unit.role, got].append(answer.SerializeToString())

    def play(self):
        """The setup, then the probes with everybody listening, then replay and reads."""
        self.publish([(unit, event, None) for unit, event in self.plan.setup])
        if self.failures:
            raise AssertionError("the setup was refused:\n" + "\n".join(self.failures[:SHOWN]))
        self.lap(f"{len(self.plan.setup)} events of setup")
        self.readers = [Reader(unit, self.client(unit.id)) for unit in self.plan.units]
        for reader in self.readers:
            reader.client.subscribe(LIVE, live=True)
        # The broker writes records of its own meanwhile: from here on everybody listens.
        self.first = self.client(AUTHOR).query(status=self.wici.wire.StatusQuery()).head.seq + 1
        rounds = itertools.count(1)
        self.publish(self.plan.probes, lambda: next(rounds) % 4 == 0 and self.drain())
        self.events = {event.seq: event for _, event, _ in self.plan.probes if event.receipt is not None}
        self.last = max(self.events)
        for reader in self.readers:
            reader.catch_up(LIVE, reader.live, self.last)
        self.lap(f"{len(self.plan.probes)} probes, live")
        for reader in self.readers:
            reader.client.subscribe(REPLAY, cursor="again", from_seq=1)
            reader.catch_up(REPLAY, reader.replay, self.last)
        self.lap("replay")
        for reader in self.readers:
            reader.read = {delivery.seq: delivery for delivery in reader.client.read_all(to_seq=self.last)}
        self.lap("reads")

    def drain(self):
        """Lets everybody take what has come."""
        for reader in self.readers:
            reader.drain()

    # ---- comparing

    def parts(self, event, given):
        """The parts of a delivery as they have to be, by slot; the broker's note is not among them."""
        slots, bodies = event.receipt.slots, [event.wire.header, *(section.body for section in event.sections)]
        if not given.received:
            return None
        return {slots[i].slot: (slots[i].section_id, slots[i].salt, bodies[i])
                for i in (0, *(index + 1 for index in given.sections))}

    def difference(self, event, given, delivery):
        """What is wrong with a delivery; None: nothing."""
        expected = self.parts(event, given)
        if expected is None or delivery is None:
            return None if delivery is None and expected is None else "given" if expected is None else "not given"
        got, notes = {}, []
        for part in delivery.parts:
            if part.slot.section_id % 10 == NOTE:
                notes.append(part)
            else:
                got[part.slot.slot] = part.slot.section_id, part.slot.salt, part.body
        if got != expected:
            return f"sections of slots {sorted(got)} instead of {sorted(expected)}"
        if len(got) + len(notes) != len(delivery.parts) or len(notes) != given.note:
            return f"{len(notes)} notes instead of {given.note:d}"
        if delivery.digests != event.receipt.digests or delivery.ts_ms != event.receipt.ts_ms or delivery.leaf_class:
            return "another leaf"
        if notes:
            self.wici.check_parts(delivery, [(notes[0].slot, notes[0].body)])
            note = self.wici.sys.BrokerNote.FromString(notes[0].body)
            if (set(note.resolved_to), set(note.answer_to)) != (event.to, event.answer_to):
                return "another note"
        return None

    def receiving(self, oracle, role=None):
        """Every difference between what the units were sent and what the oracle says, and the number of sections that
        were looked at; all units, or that of one role."""
        found, looked = [], 0
        for reader in self.readers:
            sent = reader.live
            if role not in (None, reader.unit.role):
                continue
            for seq, event in self.events.items():
                given = oracle.given(reader.unit, event)
                looked += len(event.sections)
                wrong = self.difference(event, given, sent.get(seq))
                if wrong:
                    kinds, _ = oracle.ways(reader.unit, event)
                    found.append(f"{event.type} to {reader.unit.role} by {sorted(kinds) or 'nothing'}: {wrong}")
            for seq in sent.keys() - self.events.keys():
                if self.first <= seq <= self.last and not self.is_register(reader.unit, sent[seq]):
                    kind = self.wici.header(sent[seq]).type
                    found.append(f"{reader.unit.role} was given a {kind} that is none of ours")
        return found, looked

    def is_register(self, unit, delivery):
        """The broker's own record, of refusals of the unit's agency; of all refusals and reads for an auditor."""
        self.wici.check_delivery(delivery)
        kind = self.wici.header(delivery).type
        bodies = [section.sys_event_rejected_s0 for sections in self.wici.sections(delivery).values()
                  for section in sections]
        if unit.role == "AUD":
            return kind in (self.wici.event.SYS_EVENT_REJECTED, self.wici.event.SYS_ACCESS_RECORDED)
        return kind == self.wici.event.SYS_EVENT_REJECTED and [body.agency for body in bodies] == [unit.agency]

    def again(self, reader):
        """Every difference between what came live and what came on replay and by reads."""
        found = []
        live = {seq: delivery for seq, delivery in reader.live.items() if self.first <= seq <= self.last}
        for name, sent in (("replay", reader.replay), ("read", reader.read)):
            sent = {seq: delivery for seq, delivery in sent.items() if self.first <= seq <= self.last}
            found += [f"{name} to {reader.unit.role}: record {seq}" for seq in sent.keys() | live.keys()
                      if sent.get(seq) != live.get(seq)]
        if reader.read != {seq: delivery for seq, delivery in reader.replay.items() if seq <= self.last}:
            found.append(f"replay and read to {reader.unit.role} differ")
        return found

    def leaks(self, oracle, reader):
        """Markers that reached the unit though no section given to it holds them."""
        given = set()
        for event in self.events.values():
            given.update(event.sections[i].marker.encode() for i in oracle.given(reader.unit, event).sections)
        ours = {section.marker.encode() for _, event, _ in self.plan.probes for section in event.sections
                if event.unit.id != reader.unit.id}
        return (reader.client.raw_bytes.found & ours) - given


RUN = None


def setUpModule():  # pylint: disable=invalid-name
    """Plays everything once."""
    global RUN  # pylint: disable=global-statement
    root = tempfile.mkdtemp(prefix="wici-cells-")
    unittest.addModuleCleanup(shutil.rmtree, root)
    RUN = Run(root)
    unittest.addModuleCleanup(RUN.close)
    RUN.play()


class Told(unittest.TestCase):
    """Differences, told a few at a time."""

    def none_of(self, differences):
        """There must be none."""
        kinds = collections.Counter(differences)
        self.assertFalse(kinds, f"{len(differences)} differences, of {len(kinds)} kinds; the first:\n" + "\n".join(
            f"{count} x {text}" for text, count in list(kinds.items())[:SHOWN]))


class Receiving(Told):
    """What is given."""

    def test_live_is_what_the_matrix_the_relations_and_the_marks_give(self):
        found, looked = RUN.receiving(RUN.oracle)
        self.none_of(found)
        self.assertGreater(looked, 500000)

    def test_replay_and_bounded_reads_bring_exactly_what_came_live(self):
        self.none_of([difference for reader in RUN.readers for difference in RUN.again(reader)])

    def test_what_was_before_is_given_only_by_relations_that_say_so(self):
        for name, dossier in RUN.dossiers.items():
            opening = copy.copy(dossier.originals["case.opened"])
            if not dossier.history:
                opening.dossier = dataclasses.replace(dossier, relations={})
            for reader in RUN.readers:
                wrong = RUN.difference(opening, RUN.oracle.given(reader.unit, opening),
                                       reader.replay.get(opening.seq))
                self.assertIsNone(wrong, f"{name}, {reader.unit.role}")

    def test_what_is_withheld_occurs_in_nothing_a_unit_was_sent(self):
        self.assertTrue(all(section.marker.encode() in section.body for _, event, _ in RUN.plan.probes
                            for section in event.sections))
        for reader in RUN.readers:
            self.assertFalse(RUN.leaks(RUN.oracle, reader), reader.unit.role)


def explained(reader, asked):
    """The answers to explain, without the seq; a refusal without the number of the request."""
    client, wire, answers = reader.client, RUN.wici.wire, []
    for at in range(0, len(asked), BATCH):
        part = asked[at:at + BATCH]
        for number, what in enumerate(part):
            client.send(query=wire.Query(request=900000 + number, explain=wire.Explain(**what)))
        for number, _ in enumerate(part):
            try:
                answer = client.wait("query_result", request=900000 + number).explanation
                answer.seq = 0
            except Refused as refused:
                answer = refused.message
                answer.request = 0
            answers.append(answer.SerializeToString(deterministic=True))
    return answers


class Asking(Told):
    """What can be asked."""

    def test_explaining_does_not_tell_whether_there_is_a_withheld_section(self):
        found, compared = [], 0
        for reader in RUN.readers:
            pairs, asked = [], []
            for first, *others in RUN.plan.pairs:
                given = [RUN.oracle.given(reader.unit, event) for event in (first, *others)]
                for other, got in zip(others, given[1:]):
                    if got.received == given[0].received and len(got.sections) == len(given[0].sections):
                        pairs.append((first, other))
                        asked += [{"seq": first.seq}, {"seq": other.seq}]
            answers = explained(reader, asked)
            compared += len(pairs)
            found += [f"{first.type} to {reader.unit.role}" for (first, _), one, other in zip(
                pairs, answers[0::2], answers[1::2]) if one != other]
        self.none_of(found)
        self.assertGreater(compared, 4000)

    def test_unknown_and_not_received_are_one_answer(self):
        for reader in RUN.readers:
            hidden = [event for event in RUN.events.values() if not RUN.oracle.given(reader.unit, event).received]
            if not hidden:
                self.assertEqual(reader.unit.role, "AUD")
                continue
            hidden = hidden[::max(1, len(hidden) // 20)]
            by_seq = explained(reader, [{"seq": event.seq} for event in hidden] + [{"seq": 1 << 40}])
            self.assertEqual(len(set(by_seq)), 1, reader.unit.role)
            by_id = explained(reader, [{"event_id": event.id} for event in hidden] + [{"event_id": uuid7()}])
            self.assertEqual(len(set(by_id)), 1, f"{reader.unit.role}: {by_id[0]} {by_id[-1]}")
            for query in ("group", "fetched", "courses"):
                self.assertEqual(len(self.asked(reader, query)), 1, f"{query} {reader.unit.role}")
            self.assertEqual(len(self.asked(reader, "read")), 1, f"read {reader.unit.role}")

    def asked(self, reader, what):
        """The different answers about dossiers and events of other units, and about those that do not exist."""
        wire, answers = RUN.wici.wire, set()
        others = [event for event in RUN.events.values() if event.unit in RUN.plan.units and event.unit != reader.unit
                  and list(event.dossier.relations) == [event.unit.id]]
        for dossier, event_id in [(event.dossier.id, event.id) for event in others[::len(others) // 8]] + [
                (new_id(), uuid7())]:
            try:
                if what == "group":
                    answer = reader.client.query(group=wire.GroupQuery(dossier=dossier))
                elif what == "courses":
                    answer = reader.client.query(courses=wire.CoursesQuery(dossier=dossier))
                elif what == "fetched":
                    answer = reader.client.query(fetched=wire.FetchedQuery(event_id=event_id))
                else:
                    answer = reader.client.read(dossier=dossier, to_seq=RUN.last)
                    answer.as_of_seq = 0
            except Refused as refused:
                self.assertEqual(refused.code, "E_UNKNOWN")
                answer = refused.message
            if hasattr(answer, "request"):
                answer.request = 0
            answers.add(answer.SerializeToString(deterministic=True))
        return answers


class Publishers(Told):
    """What is taken."""

    def test_each_cell_is_taken_or_refused_as_the_matrix_and_its_conditions_say(self):
        self.none_of(RUN.failures)
        self.assertGreater(RUN.publishing.attempts, 1500)

    def test_a_dossier_of_others_is_refused_as_one_that_does_not_exist(self):
        for key, answers in RUN.refusals.items():
            self.assertEqual(len(set(answers)), 1, key)

    def test_no_policy_is_loaded_that_gives_a_role_more_than_its_ceiling(self):
        lines = RUN.policy_text.splitlines()
        row = next(i for i, line in enumerate(lines) if line.startswith("type    info.provided"))
        tried = 0
        events = []
        for (role, cls), ceiling in RUN.policy.ceilings.items():
            if ceiling == "Y":
                continue
            words = lines[row].split()
            at = 2 + RUN.policy.roles.index(role)
            cell = RUN.policy.cells["info.provided", role]
            full, half = cell.full - {cls}, cell.half - {cls}
            if ceiling == "h":
                full |= {cls}
            else:
                half |= {cls}
            words[at] = (cell.publish + "".join(map(str, sorted(full)))
                         + ("/" + "".join(map(str, sorted(half))) if half else ""))
            text = "\n".join([*lines[:row], " ".join(words), *lines[row + 1:]]) + "\n"
            events.append(RUN.world.event("admin", "SYS_POLICY_LOADED", None, {
                "sys_policy_loaded_s0": {"version": "2026-02", "text": text}}))
        for at in range(0, len(events), BATCH):
            for answer in RUN.client("admin").publish(*events[at:at + BATCH]):
                self.assertEqual(answer.refusal.code, "E_POLICY")
                tried += 1
        self.assertGreater(tried, 60)


class Planted(Told):
    """The checks notice a difference: each test plants one."""

    def test_each_cell_that_differs_is_noticed(self):
        for name, role, cls in (("referral.submitted", "SCH", 6), ("case.closed", "HLT", 0),
                                ("info.provided", "AUD", 0), ("ipus.agreed", "SVC", 7),
                                ("placement.changed", "CCF", 1)):
            policy = Policy(RUN.policy_text)
            cell = policy.cells[name, role]
            cell.full = cell.full ^ {cls}
            self.assertTrue(RUN.receiving(Oracle(policy), role)[0], (name, role, cls))

    def test_a_class_given_by_half_or_in_full_is_noticed(self):
        policy = Policy(RUN.policy_text)
        cell = policy.cells["case.opened", "KUR"]
        cell.half = cell.half - {6}
        self.assertTrue(RUN.receiving(Oracle(policy), "KUR")[0])

    def test_another_rule_of_relations_is_noticed(self):
        class Other(Oracle):
            """Participants read what is said at meetings."""

            def delivers(self, relation, unit, event):
                return super().delivers(relation, unit, event) or (
                    relation.kind == "PARTICIPANT" and event.type == "meeting.held")
        self.assertTrue(RUN.receiving(Other(RUN.policy), "FA")[0])

    def test_a_lost_an_invented_and_an_altered_delivery_are_noticed(self):
        reader = next(reader for reader in RUN.readers if reader.unit.role == "SCH")
        seq, delivery = next((seq, delivery) for seq, delivery in reader.live.items() if len(delivery.parts) > 1)
        event, given = RUN.events[seq], RUN.oracle.given(reader.unit, RUN.events[seq])
        self.assertIsNone(RUN.difference(event, given, delivery))
        self.assertEqual(RUN.difference(event, given, None), "not given")
        self.assertEqual(RUN.difference(event, Given(False), delivery), "given")
        altered = type(delivery)()
        altered.CopyFrom(delivery)
        altered.parts[1].body = delivery.parts[1].body[:-1] + b"!"
        self.assertTrue(RUN.difference(event, given, altered))
        fewer = type(delivery)()
        fewer.CopyFrom(delivery)
        del fewer.parts[1]
        self.assertTrue(RUN.difference(event, given, fewer))

    def test_a_replay_that_differs_is_noticed(self):
        reader = RUN.readers[0]
        seq = next(iter(reader.live))
        delivery = reader.replay.pop(seq)
        self.assertTrue(RUN.again(reader))
        reader.replay[seq] = type(delivery)(seq=seq, parts=delivery.parts[:1])
        self.assertTrue(RUN.again(reader))
        reader.replay[seq] = delivery
        self.assertFalse(RUN.again(reader))

    def test_an_event_that_was_taken_and_should_not_be_is_noticed(self):
        event = next(iter(RUN.events.values()))
        kept, RUN.failures = RUN.failures, []
        RUN.outcome(event, ("E_ROLE", "header.actor.role"),
                    RUN.wici.wire.Answer(event_id=event.id, receipt=event.receipt))
        noticed, RUN.failures = RUN.failures, kept
        self.assertTrue(noticed)

    def test_an_explanation_that_differs_is_noticed(self):
        reader = next(reader for reader in RUN.readers if reader.unit.role == "SW")
        less, more = next((first, others[1]) for first, *others in RUN.plan.pairs if len(others) == 2 and len(
            RUN.oracle.given(reader.unit, others[1]).sections) > len(RUN.oracle.given(reader.unit, first).sections) > 0)
        one, other = explained(reader, [{"seq": less.seq}, {"seq": more.seq}])
        self.assertNotEqual(one, other)

    def test_a_marker_that_leaked_is_noticed(self):
        reader = next(reader for reader in RUN.readers if reader.unit.role == "POL")
        event = next(event for event in RUN.events.values() if not RUN.oracle.given(reader.unit, event).received)
        markers = reader.client.raw_bytes
        kept = set(markers.found)
        markers += b"\x0a\x24...E_FIELD " + event.sections[0].marker.encode() + b" is not allowed"
        self.assertTrue(RUN.leaks(RUN.oracle, reader))
        markers.found = kept
        self.assertFalse(RUN.leaks(RUN.oracle, reader))


def tearDownModule():  # pylint: disable=invalid-name
    """Says what was covered, and what could not be."""
    print(f"\n{len(RUN.events)} records looked at by {len(RUN.readers)} units, "
          f"{sum(len(reader.live) for reader in RUN.readers)} deliveries live, "
          f"{sum(reader.client.raw_bytes.size for reader in RUN.readers) >> 20} MiB searched; "
          f"{RUN.publishing.attempts} attempts to publish; {', '.join(RUN.laps)}")
    for relation, count in RUN.plan.reached.items():
        print(f"{relation}: {count} cells (role x type)")
    for (relation, reason), count in RUN.plan.unreachable.items():
        print(f"{relation}: {count} cells not to be reached over the wire: {reason}")


if __name__ == "__main__":
    unittest.main()
