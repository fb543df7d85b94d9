#!/usr/bin/env python3
"""Plays every golden scenario on one running broker, with the views of all units compared, and what the deadline watcher tells
as of the stories' days; then plants differences in scenarios, views and notices, each of which must be noticed. With names of files as arguments: only these."""
import glob
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import payload  # noqa: E402
import scenario  # noqa: E402
import stage  # noqa: E402
import watcher  # noqa: E402
import auditor  # noqa: E402  (stage knows where the client is)

WRONG_SETTINGS = ("D1 term 13 DAYS", "D1 remind 11 AFTER", "D1 off")
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios")


def played(town, plays, with_auditor=True):
    """Plays all; returns {title: (published, views by way and unit)} and what was wrong."""
    events, wrong = {}, []
    for play in plays:
        try:
            events[play.title], found = town.play(play)
        except stage.Failure as failure:
            raise stage.Failure(f"{play.title}: {failure}") from failure
        wrong += [f"{play.title}: {line}" for line in found]
    last = max(event.receipt.seq for published in events.values() for event in published if event.receipt)
    views = {title: {} for title in events}
    for unit in town.units:
        for how, deliveries in [("live", town.given[unit]), *town.replays(unit, last)]:
            for title, published in events.items():
                views[title].setdefault(how, {})[unit], found = town.views(unit, deliveries, published)
                wrong += [f"{title}: {line}" for line in found]
    for title, published in events.items():
        wrong += [f"{title}: {line}" for line in town.unrecorded(published)]
        for external, deliveries in town.papers(published).items():
            views[title].setdefault("on paper", {})[external], found = town.views(external, deliveries, published)
            wrong += [f"{title}: {line}" for line in found]
    if with_auditor:
        wrong += auditor.audit(town, events)
    return events, views, wrong


def compare(plays, events, views):
    """Every difference, by every way of being given an event."""
    for play in plays:
        for how, by_unit in views[play.title].items():
            yield from stage.differences(play, events[play.title], by_unit, how, play.title)


def planted(plays, events, views):
    """Wrong scenarios, each of which has to be noticed: a name, the scenario's title, which event, what is given then."""
    for play in plays:
        for number, event in enumerate(events[play.title]):
            step = event.step
            for unit, places in step.given.items():
                for place in places or ():  # one class too few in the scenario: that is one too many given
                    yield f"{play.title} {step} {unit}", play.title, number, {**step.given, unit: places - {place}}
            if "EVERYBODY" in step.given:
                continue
            stranger = next(unit for unit in views[play.title]["live"] if unit != step.unit and unit not in step.given)
            yield f"{play.title} {step} {stranger}", play.title, number, {**step.given, stranger: {0}}


def wrong_notices(town, plays, events):
    """A notice too many, one that says something else in its section or in its header, and a watcher that counts otherwise than the law: all are noticed."""
    for play in plays:
        published = events[play.title]
        for notice in (event for event in published if isinstance(event, watcher.Noticed) and event.step.given):
            unit = next(iter(notice.step.given))
            deliveries = town.given[unit]
            if not town.views(unit, deliveries, [event for event in published if event is not notice])[1]:
                yield f"{play.title} {notice.step}: that {unit} was given a notice too many is not noticed"
            right = notice.event
            for what, notice.event in town.watcher.wrong(right):
                if not town.views(unit, deliveries, published)[1]:
                    yield f"{play.title} {notice.step}: {what} in it is not noticed"
            notice.event = right
    late = [play for play in plays if play.title.startswith("2 ")]
    for settings in WRONG_SETTINGS if late else ():
        town.watcher.settings(settings)
        if not town.play(late[0])[1]:
            yield f"a deadline watcher with the settings '{settings}' is not noticed"
    town.watcher.settings("")


SUMMARY = [
    # Of the plans of 7 and 18: detail, provider, how many. What the other provider of 7 did nobody reported.
    ("NOT_REPORTED", "svc", "1"), ("NOT_REPORTED", "svcb", "1"), ("in-progress", "svc", "2"),
]


def summary(town):
    """What is wrong in the half-yearly summary of the organiser of services: services by provider and status."""
    place, key = town.world, f"{town.watcher.root}/ous.key"
    with open(key, "w", opener=lambda p, f: os.open(p, f, 0o600), encoding="utf-8") as f:
        f.write("public = {}\nsecret = {}\n".format(*place.keys["ous"]))
    done = subprocess.run([f"{os.environ['WICI_BIN']}/wici", f"--endpoint={place.broker.endpoint}",
                           f"--server-key={place.broker.server_key}", f"--key-file={key}", "report", "--art46", "--csv",
                           "--since", payload.date(0), "--until", payload.date(400)],
                          text=True, capture_output=True, check=False, timeout=60)
    rows = [line.split(",") for line in done.stdout.splitlines() if line.startswith("ipus_services,")]
    found = sorted((row[-4], row[-3], row[-1]) for row in rows)
    if done.returncode != 0 or found != sorted(SUMMARY):
        yield f"the half-yearly summary has {found} {done.stderr}"


def check_the_checker(plays, events, views):
    """The comparisons notice each wrong class of each line, a stranger on each line, and a wrong warning."""
    count = 0
    for name, title, number, given in planted(plays, events, views):
        event = events[title][number]
        step = event.step
        if step.refusal:
            continue
        right, step.given = step.given, given
        noticed = list(compare([p for p in plays if p.title == title], events, views))
        step.given = right
        count += 1
        step.warnings.append("W_PLANTED")
        noticed = noticed and list(stage.Stage.compare_warnings(event))
        step.warnings.remove("W_PLANTED")
        if not noticed:
            yield f"the comparison does not notice what is planted in {name}"
    if count < len(plays):
        yield "nothing was planted"


def main():
    names = sys.argv[1:] or sorted(glob.glob(f"{FOLDER}/*.txt"))
    # Of a story that was watched longer there is nothing new to tell while another is watched.
    plays = sorted((scenario.load(name) for name in names), key=lambda play: -play.watched)
    payload.lie_in_the_past(max(play.last_day for play in plays))
    with tempfile.TemporaryDirectory(prefix="wici-golden-") as root:
        town = stage.golden_town(root)
        try:
            events, views, wrong = played(town, plays)
            wrong += compare(plays, events, views)
            if not sys.argv[1:]:
                wrong += summary(town)
            if not wrong:
                wrong += wrong_notices(town, plays, events)
        finally:
            town.stop()
    if not wrong:
        wrong += check_the_checker(plays, events, views)
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
