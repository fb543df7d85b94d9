#!/usr/bin/env python3
"""wici-clerk against a running wicid: each thing is told once, whatever is killed and however often it runs.

Usage: test_clerk.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import collections
import datetime
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

SOURCE = os.environ["WICI_SOURCE"]
BIN = os.environ["WICI_BIN"]
sys.path[:0] = [os.path.join(SOURCE, "tests", folder) for folder in ("interop", "golden")]
import play  # noqa: E402
from wici_client import new_key  # noqa: E402
from world import UNITS, World, new_id  # noqa: E402


def last_sunday(year, month):
    """Of March or October, at the hour at which the time changes in all of Europe."""
    day = datetime.datetime(year, month, 31, 1, tzinfo=datetime.timezone.utc)
    return day - datetime.timedelta(days=(day.weekday() + 1) % 7)


def today():
    """The day in Warsaw, as deadlines count it; needs no table of time zones."""
    now = datetime.datetime.now(datetime.timezone.utc)
    summer = last_sunday(now.year, 3) <= now < last_sunday(now.year, 10)
    return (now + datetime.timedelta(hours=2 if summer else 1)).date()


TODAY = today()
CLOCKS = ("SYS_DEADLINE_APPROACHING", "SYS_DEADLINE_MISSED", "SYS_DEADLINE_MET", "SYS_DEADLINE_CANCELLED")
DEADLINE = 60


def day(offset):
    """A date that many days from a Monday 70 days ago or a little more: terms of these tests end on working days."""
    monday = TODAY - datetime.timedelta(days=70 + TODAY.weekday())
    return (monday + datetime.timedelta(days=offset)).isoformat()


class Clerk(unittest.TestCase):
    """Every test has a broker of its own."""

    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)
        self.world = World(self.dir.name, units={**UNITS, "straznik": ("ops", ["CLERK"]), "ops-dyr": ("ops", ["DIR"])})
        self.addCleanup(self.world.stop)
        self.key_file("straznik", "clerk.key")
        self.configure()

    def path(self, name):
        """A file of this test."""
        return f"{self.dir.name}/{name}"

    def key_file(self, unit, name):
        """Writes the key pair of a unit; returns the file."""
        public, secret = self.world.keys[unit]
        with open(self.path(name), "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="utf-8") as f:
            f.write(f"public = {public}\nsecret = {secret}\n")
        return self.path(name)

    def configure(self, config="clerk.conf", **more):
        """Writes a clerk's configuration."""
        with open(self.path(config), "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.world.broker.endpoint}\nserver_key = {self.world.broker.server_key}\n")
            f.writelines(f"{name} = {value}\n" for name, value in {"key_file": "clerk.key", **more}.items())

    def start(self, *more, config="clerk.conf", pipesize=-1):
        """A clerk that is running; pipesize: bytes that it can print while nobody reads."""
        return subprocess.Popen([f"{BIN}/wici-clerk", "-c", self.path(config), "-v", *more], text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=pipesize)

    def run_clerk(self, *more, expect=0, config="clerk.conf"):
        """One run to its end: what it told, as lists of words."""
        process = self.start(*more, config=config)
        out, err = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, expect, err)
        self.said = err
        return [line.split() for line in out.splitlines()]

    def as_of(self, offset):
        """A run as of that day; what was told of which clock, in the order of the clocks."""
        return sorted((words[0], words[1]) for words in self.run_clerk("--as-of", day(offset)))

    def publish(self, unit, event_type, dossier, *sections, **header):
        """Publishes an event; it has to be taken."""
        with self.world.session(unit) as client:
            answer, = client.publish(self.world.event(unit, event_type, dossier, *sections, **header))
            self.assertEqual(answer.WhichOneof("outcome"), "receipt", answer)
            return answer

    def referral(self, dossier, client=None):
        """A referral for an assistant, of day 0."""
        sections = ({"referral_submitted_s0": {"referral_id": new_id(), "information_received_on": day(0)}},
                    {"subjects": ["osoba-1"], "referral_submitted_s1": {"persons": [{"person_ref": "osoba-1"}]}},
                    {"referral_submitted_s6": {"paper_kind": "INFORMATION", "service": "FAMILY_ASSISTANT",
                                               "source_kind": "SCHOOL"}})
        if client is None:
            return self.publish("sp12-pedagog", "REFERRAL_SUBMITTED", dossier, *sections, to=["ops-sw"])
        return client.publish(self.world.event("sp12-pedagog", "REFERRAL_SUBMITTED", dossier, *sections, to=["ops-sw"]))

    def told(self, unit="audyt"):
        """What the log holds of deadlines and the unit is given: (type, clock, dossier, deadline)."""
        proto = self.world.wici
        found = []
        with self.world.session(unit) as client:
            for delivery in client.read_all():
                header = proto.header(delivery)
                name = proto.event.EventType.Name(header.type)
                if name in CLOCKS:
                    (section,), = proto.sections(delivery).values()
                    body = getattr(section, section.WhichOneof("body"))
                    found.append((name, body.deadline.clock, header.dossier_id, body.deadline))
        return found

    def test_a_day_is_missed_once_and_met_late(self):
        """Scenario 2."""
        referral, case = new_id(), new_id()
        self.referral(referral)
        self.publish("ops-sw", "CASE_OPENED", case,
                     {"case_opened_s0": {"opened_on": day(1), "proceeding_started_on": day(1), "gmina": "3261011"}},
                     {"subjects": ["osoba-1"], "case_opened_s1": {"household": [{"person_ref": "osoba-1"}]}},
                     {"case_opened_s6": {"path": "ORDINARY"}})
        self.publish("ops-sw", "CASE_LINKED", case, {"case_linked_s0": {"kind": "REFERRAL_OF", "other_dossier": referral}})
        self.assertEqual(self.as_of(6), [])
        self.assertEqual(self.as_of(7), [("approaching", "D1")])
        self.assertEqual(self.as_of(7), [])
        self.assertEqual(self.as_of(12), [("approaching", "D1")])
        self.assertEqual(self.as_of(14), [])
        self.assertEqual(self.as_of(15), [("missed", "D1")])
        self.assertEqual(self.as_of(16), [])
        interview = self.publish("ops-sw", "CASE_INTERVIEW_COMPLETED", case,
                                 {"case_interview_completed_s0": {"interview_on": day(16)}},
                                 {"case_interview_completed_s6": {"conclusion": "ASSISTANT_NEEDED", "findings": "x"}})
        self.assertEqual(self.as_of(16), [("met", "D1")])
        self.assertEqual(self.as_of(17), [])
        self.publish("ops-sw", "CASE_INTERVIEW_COMPLETED", case, {"case_interview_completed_s0": {"interview_on": day(16)}},
                     corrects_event_id=interview.event_id, correction="ENTERED_IN_ERROR")
        self.assertEqual(self.as_of(17), [("cancelled", "D1")])  # what met it was no interview
        self.assertEqual(self.as_of(17), [])

        deadlines = [d for name, clock, dossier, d in self.told() if clock == "D1"]
        self.assertEqual([d.due for d in deadlines], [day(14)] * 5)
        self.assertEqual([d.notice for d in deadlines], [0, 1, 2, 3, 4])
        self.assertEqual((deadlines[3].ended_on, deadlines[1].last), (day(16), True))
        for unit, count in (("ops-sw", 5), ("ops-dyr", 5), ("sp12-pedagog", 0), ("ops-sw2", 0)):
            self.assertEqual(len([x for x in self.told(unit) if x[1] == "D1"]), count, unit)

    def test_nothing_is_told_twice_whoever_is_killed(self):
        """Killed in the middle of many notices, then run to the end, two at once."""
        with self.world.session("sp12-pedagog") as client:
            dossiers = {new_id() for _ in range(300)}
            for dossier in dossiers:
                self.referral(dossier, client)
        for _ in range(2):
            clerk = self.start("--as-of", day(15))
            self.assertIn("missed D1", clerk.stdout.readline())
            clerk.send_signal(signal.SIGKILL)
            clerk.communicate()
        self.assertLess(len(self.told()), 300)  # it was in the middle
        self.world.broker.kill()
        self.world.broker.start()
        both = [self.start("--as-of", day(15)) for _ in range(2)]
        for clerk in both:
            _, err = clerk.communicate(timeout=DEADLINE)
            self.assertIn(clerk.returncode, (0, 1), err)
        self.run_clerk("--as-of", day(15))
        self.assertEqual(self.run_clerk("--as-of", day(15)), [])
        count = collections.Counter((name, dossier) for name, clock, dossier, _ in self.told())
        self.assertEqual(count, {("SYS_DEADLINE_MISSED", dossier): 1 for dossier in dossiers})

    def test_two_watchers_tell_everything_once(self):
        """Two units with the role CLERK, of two agencies, both told to do all of it, one of them killed on the way."""
        with self.world.session("admin") as admin:
            self.world.enrol(admin, "straznik2", "nadzor", ["CLERK"])
        with self.world.session("sp12-pedagog") as client:
            dossiers = {new_id() for _ in range(200)}
            for dossier in dossiers:
                self.referral(dossier, client)
        self.key_file("straznik2", "clerk2.key")
        self.configure("clerk2.conf", key_file="clerk2.key")
        killed = self.start("--as-of", day(15), config="clerk2.conf")
        self.assertIn("missed D1", killed.stdout.readline())
        killed.send_signal(signal.SIGKILL)
        killed.communicate()
        self.assertLess(len(self.told()), 200)  # it was in the middle
        both = [self.start("--as-of", day(15), config=config) for config in ("clerk.conf", "clerk2.conf")]
        for clerk in both:
            _, err = clerk.communicate(timeout=DEADLINE)
            self.assertEqual(clerk.returncode, 0, err)
        self.assertEqual(self.run_clerk("--as-of", day(15)), [])
        self.assertEqual(self.run_clerk("--as-of", day(15), config="clerk2.conf"), [])
        count = collections.Counter((name, dossier) for name, clock, dossier, _ in self.told())
        self.assertEqual(count, {("SYS_DEADLINE_MISSED", dossier): 1 for dossier in dossiers})

    def test_a_watcher_that_is_suspended_or_has_an_old_key_tells_nothing_and_its_successor_all(self):
        """The broker's state says what is still to be told: neither a pause nor another key loses or repeats anything."""
        self.referral(new_id())
        self.assertEqual(self.as_of(7), [("approaching", "D1")])
        with self.world.session("admin") as admin:
            self.world.command(admin, "SYS_UNIT_SUSPENDED", sys_unit_suspended_s0={"unit_id": "straznik", "reason": "przerwa"})
        self.assertEqual(self.run_clerk("--as-of", day(12), expect=1), [])
        with self.world.session("admin") as admin:
            self.world.command(admin, "SYS_UNIT_RESUMED", sys_unit_resumed_s0={"unit_id": "straznik"})
        self.assertEqual(self.as_of(12), [("approaching", "D1")])
        new = self.world.keys["straznik"] = new_key()
        with self.world.session("admin") as admin:
            self.world.command(admin, "SYS_UNIT_KEY_ROTATED", sys_unit_key_rotated_s0={"unit_id": "straznik", "key": new[0]})
        self.assertEqual(self.run_clerk("--as-of", day(15), expect=1), [])
        self.key_file("straznik", "clerk.key")
        self.assertEqual(self.as_of(15), [("missed", "D1")])
        self.assertEqual(self.as_of(15), [])

    def orders(self, count):
        """As many orders of a court, each in a dossier of its own with 64 dates for reports, all gone by."""
        dossiers = [new_id() for _ in range(count)]
        for dossier in dossiers:
            self.publish("sad-rodzinny", "COURT_ORDER_ISSUED", dossier,
                         {"court_order_issued_s0": {"issued_on": day(-70), "report_dates": [day(i - 64) for i in range(64)]}},
                         {"subjects": ["osoba-1"], "court_order_issued_s1": {"obliged_persons": [{"person_ref": "osoba-1"}]}},
                         {"subjects": ["osoba-1"], "court_order_issued_s5": {"court_ref": "III Nsm 1/26", "order_kind": "OTHER"}},
                         to=["ops-sw"])
        return dossiers

    def test_a_round_begins_anew_when_its_list_changes_between_two_pages(self):
        """An erasure while the first page of 500 is told: nobody reads what the watcher prints, so it stands still there."""
        erased = new_id()
        self.referral(erased)
        dossiers = self.orders(8)
        clerk = self.start("--as-of", day(1), pipesize=4096)
        first = clerk.stdout.readline()
        self.assertIn("missed D19", first)
        self.world.erase(erased)
        lines = (first + clerk.stdout.read()).splitlines()
        _, err = clerk.communicate(timeout=DEADLINE)
        self.assertEqual(clerk.returncode, 0, err)
        self.assertEqual(len([line for line in lines if "missed D19" in line]), 8 * 64)
        self.assertEqual(len(set(lines)), len(lines))
        count = collections.Counter((name, dossier) for name, clock, dossier, _ in self.told() if clock == "D19")
        self.assertEqual(count, {("SYS_DEADLINE_MISSED", dossier): 64 for dossier in dossiers})
        self.assertEqual(self.run_clerk("--as-of", day(1)), [])

    def test_who_asks_about_a_dossier_is_told_its_deadlines_however_many_there_are(self):
        """wici subject: a page of 1,000 ends in the middle of a dossier."""
        dossier, case = self.orders(16)[-1], new_id()
        self.publish("ops-sw", "CASE_OPENED", case,
                     {"case_opened_s0": {"opened_on": day(0), "proceeding_started_on": day(0), "gmina": "3261011"}},
                     {"subjects": ["osoba-1"], "case_opened_s1": {"household": [{"person_ref": "osoba-1"}]}},
                     {"case_opened_s6": {"path": "ORDINARY"}})
        self.publish("ops-sw", "CASE_LINKED", case, {"case_linked_s0": {"kind": "REFERRAL_OF", "other_dossier": dossier}})
        account = json.loads(self.wici("ops-sw", "subject", dossier, "--request", "wniosek 1").stdout)
        self.assertEqual([deadline["clock"] for deadline in account["deadlines"]], ["D19"] * 64)

    def test_it_runs_on_and_ends_when_asked(self):
        """The daemon: what is recalled is told at the next round; the broker may go and come."""
        dossier = new_id()
        submitted = self.referral(dossier)
        self.configure(interval_seconds=1)
        clerk = self.start()
        self.assertIn("missed D1", clerk.stdout.readline())
        clerk.send_signal(signal.SIGHUP)  # it reads its settings at its start, and goes on
        self.world.broker.kill()
        self.world.broker.start()
        self.publish("sp12-pedagog", "REFERRAL_SUBMITTED", dossier, {"referral_submitted_s0": {
            "referral_id": new_id(), "information_received_on": day(0)}}, corrects_event_id=submitted.event_id,
                     correction="ENTERED_IN_ERROR")
        self.assertEqual(sorted(clerk.stdout.readline().split()[1] for _ in range(2)), ["D1", "D15"])
        clerk.terminate()
        _, err = clerk.communicate(timeout=DEADLINE)
        self.assertEqual(clerk.returncode, 0, err)
        self.assertEqual([name for name, *_ in self.told()], ["SYS_DEADLINE_MISSED"] + ["SYS_DEADLINE_CANCELLED"] * 2)

    def test_what_an_agency_owes_as_a_whole_is_on_its_organisers_list(self):
        """D8: from a summary that was presented to the next; told to organiser and director, in no dossier."""
        with self.world.session("admin") as admin:
            self.world.enrol(admin, "ops-ous", "ops", ["OUS"])
        summary = {"sys_report_presented_s0": {"kind": "ART_46", "period_from": "2025-01-01", "period_to": "2025-06-30",
                                               "presented_to": ["ops-dyr"], "presented_on": "2025-07-10"}}
        self.publish("ops-ous", "SYS_REPORT_PRESENTED", None, summary)
        self.assertEqual([words[:3] for words in self.run_clerk("--as-of", "2026-01-11")], [["missed", "D8", "agency=ops"]])
        self.assertEqual(self.run_clerk("--as-of", "2026-01-12"), [])
        for unit, more, expect in (("ops-ous", (), 1), ("ops-dyr", ("--agency",), 1), ("ops-sw", ("--agency",), 0)):
            listed = [task for task in self.deadlines(unit, *more) if task["rule"] == "D8"]
            self.assertEqual([(task["dossier"], task["agency"], task["due"]) for task in listed],
                             [("", "ops", "2026-01-10")] * expect, unit)
        summary["sys_report_presented_s0"]["presented_on"] = "2026-01-12"
        self.publish("ops-ous", "SYS_REPORT_PRESENTED", None, summary)
        self.assertEqual([words[:2] for words in self.run_clerk("--as-of", "2026-01-12")], [["met", "D8"]])
        told = [(name, deadline.agency, dossier) for name, clock, dossier, deadline in self.told("ops-ous") if clock == "D8"]
        self.assertEqual(told, [("SYS_DEADLINE_MISSED", "ops", ""), ("SYS_DEADLINE_MET", "ops", "")])
        self.assertEqual(self.told("ops-sw"), [])

    def test_an_agency_owes_its_first_summary_and_meeting_from_the_day_its_organiser_is_enrolled(self):
        """D8 and D9 of an agency that has done neither: listed, and told."""
        with self.world.session("admin") as admin:
            self.world.enrol(admin, "ops-ous", "ops", ["OUS"])
        with open(self.path("clocks.conf"), "w", encoding="utf-8") as f:
            f.write("agency ops D9 term 10 DAYS remind 10 BEFORE\n")  # so that the first reminder is due at once
        self.configure(clocks="clocks.conf")
        told = self.run_clerk("--as-of", today().isoformat())  # not before the day on which she was enrolled
        self.assertEqual([words[:3] for words in told], [["approaching", "D9", "agency=ops"]])
        for unit, more in (("ops-ous", ()), ("ops-dyr", ("--agency",))):
            listed = [(task["rule"], task["dossier"], task["agency"]) for task in self.deadlines(unit, *more)]
            self.assertEqual(sorted(listed), [("D8", "", "ops"), ("D9", "", "ops")], unit)

    def wici(self, unit, *words, json_wanted=True, stdout=subprocess.PIPE):
        """Runs `wici`, with --json, as that unit; it may find nothing."""
        done = subprocess.run([f"{BIN}/wici", f"--endpoint={self.world.broker.endpoint}",
                               f"--server-key={self.world.broker.server_key}",
                               f"--key-file={self.key_file(unit, f'{unit}.key')}", *["--json"] * json_wanted, *words],
                              text=True, stdout=stdout, stderr=subprocess.PIPE, check=False, timeout=DEADLINE,
                              env={**os.environ, "LC_ALL": "C"})
        self.assertIn(done.returncode, (0, 5), done.stderr)
        return done

    def deadlines(self, unit, *more):
        """What `wici deadlines` lists for that unit."""
        return json.loads(self.wici(unit, "deadlines", *more).stdout or "[]")

    def terminal(self, columns, unit, *words):
        """What `wici` prints of that unit on a terminal so wide: its lines."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        done = self.wici(unit, *words, json_wanted=False, stdout=theirs)
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # all was read, and nobody else has it open
                break
            text += piece
        os.close(ours)
        self.assertEqual(done.returncode, 0)
        return text.decode().replace("\r\n", "\n").splitlines()

    def test_what_a_terminal_has_no_room_for_is_read_row_by_row(self):
        """Two deadlines of a referral: beside each other on a wide terminal, on 80 columns one below the other."""
        dossier = new_id()
        self.referral(dossier)
        wide = self.terminal(200, "ops-sw", "deadlines")
        self.assertEqual(len(wide), 3)
        self.assertEqual([dossier in line for line in wide], [False, True, True])
        narrow = self.terminal(80, "ops-sw", "deadlines")
        self.assertEqual([line for line in narrow if len(line) > 80], [])
        rows = [dict(line.split(maxsplit=1) for line in row.splitlines()) for row in "\n".join(narrow).split("\n\n")]
        self.assertEqual([row["deadline"] for row in rows], ["D1 community interview", "D15 answer to who asked"])
        self.assertEqual([row["dossier"] for row in rows], [dossier, dossier])

    def test_a_narrow_terminal_breaks_lines_between_words_under_each_other(self):
        """On 34 columns no line of a work list is wider but for an identifier, no word is cut, and what goes on is below."""
        self.referral(new_id())
        wide = "\n".join(self.terminal(400, "ops-sw", "worklist"))
        narrow = self.terminal(34, "ops-sw", "worklist")
        for line in narrow:
            self.assertTrue(len(line) <= 34 or len(line.split()[-1]) == 36, line)
        going_on = [line for line in narrow if line.startswith("  ")]
        self.assertTrue(going_on, narrow)
        column = len(going_on[0]) - len(going_on[0].lstrip())
        self.assertEqual([line for line in going_on if len(line) - len(line.lstrip()) != column], [])
        words = set(wide.split())
        self.assertEqual([word for line in narrow for word in line.split() if word not in words], [])

    def test_settings_count_and_mistakes_are_named(self):
        """An office's own lengths and switches; what is wrong is said, with exit code 2."""
        self.referral(new_id())
        with open(self.path("clocks.conf"), "w", encoding="utf-8") as f:
            f.write("agency ops D1 term 5 DAYS\n")
        self.configure(clocks="clocks.conf")
        self.assertEqual(self.as_of(8), [("missed", "D1")])  # 5 days after a Monday is a Saturday, then the Monday
        with open(self.path("clocks.conf"), "w", encoding="utf-8") as f:
            f.write("D1 off\nD1 term many\n")
        self.run_clerk("--once", expect=2)
        self.assertIn("clocks.conf:2:", self.said)
        self.configure(interval_seconds=0)
        self.run_clerk("--once", expect=2)
        self.configure()
        self.run_clerk("--as-of", (TODAY + datetime.timedelta(days=2)).isoformat(), expect=2)
        os.chmod(self.path("clerk.key"), 0o644)
        self.run_clerk("--once", expect=2)
        self.assertIn("chmod 600", self.said)

    def test_a_key_of_another_unit_watches_nothing(self):
        """Only the role CLERK."""
        self.key_file("ops-sw", "clerk.key")
        self.run_clerk("--once", expect=1)
        self.assertIn("CLERK", self.said)


if __name__ == "__main__":
    unittest.main()
