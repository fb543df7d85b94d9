#!/usr/bin/env python3
"""Every profile of docs/profiles: its registry is checked, applied and applied again, and then a case is played by the
units that it enrolled, with the views of all of them compared. The deadline watcher counts by the profile's own settings
(clocks.conf), and where these differ from the table, what it would tell without them is shown, too. What a profile switches on or
off must make a difference: in its own story, and in another's. With names of profiles as arguments: only these."""
import os
import re
import shlex
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import payload  # noqa: E402
import play  # noqa: E402
import scenario  # noqa: E402
import stage  # noqa: E402
import test_scenarios  # noqa: E402
import watcher  # noqa: E402
import wici_client  # noqa: E402
import world  # noqa: E402

PROFILES = os.path.join(world.SOURCE, "docs", "profiles")


def options_of(text):
    """What the registry says of `wicid init`: {"agency": ..., "agency-kind": ..., "agency-name": ...}."""
    line = re.search(r"^#\s+wicid init (.*) \.\.\.$", text, re.M)
    words = shlex.split(line[1])
    return {name[2:]: value for name, value in zip(words[::2], words[1::2])}


def units_of(text, operator):
    """The units that a registry enrols: {id: (agency, roles)}; which of them register something themselves; and the agencies
    without the system, with the units that serve them."""
    units, says, externals = {"admin": (operator, ["ADM"])}, set(), {}
    for kind, unit, body in re.findall(r"^\[(\w+) ([^\]]+)\]\n((?:[^\[\n].*\n|#.*\n|\n(?!\[))*)", text, re.M):
        fields = dict(re.findall(r"^(\w+)\s*= (.*)$", body, re.M))
        if kind == "unit":
            units[unit] = fields["agencyId"], fields["roles"].split(", ")
        if kind == "external":
            externals[unit] = fields["servedBy"]
        if "by" in fields:
            says.add(fields["by"])
    return units, says, externals


class Office:
    """A broker and the units of one profile; in the place of world.World."""

    def __init__(self, name, root):
        with open(f"{PROFILES}/{name}/office.registry", encoding="utf-8") as f:
            self.text = f.read()
        self.wici = wici_client.Protocol(os.path.join(world.SOURCE, "proto"))
        init = options_of(self.text)
        self.broker = play.Broker(os.environ["WICI_BIN"], root, init["agency"], init["agency-name"], init["agency-kind"])
        self.broker.start()
        self.units, self.says, self.externals = units_of(self.text, init["agency"])
        self.root, self.keys, self.clis = root, {"admin": wici_client.read_key(f"{root}/admin.key")}, {}
        self.file = f"{root}/office.registry"
        self.write(self.text)
        for unit in self.units:
            if unit != "admin":
                play.key_generate(self.broker, f"{root}/{unit}.key")
                self.keys[unit] = wici_client.read_key(f"{root}/{unit}.key")
            os.makedirs(f"{root}/cli/{unit}")
            self.clis[unit] = play.Cli(self.broker, f"{root}/{unit}.key", f"{root}/cli/{unit}")

    client, event = world.World.client, world.World.event

    def write(self, text):
        """Puts a registry where it is applied from."""
        with open(self.file, "w", encoding="utf-8") as f:
            f.write(text)

    def apply(self):
        """As the administrator, and as each unit that registers something. Yields what is not as it has to be."""
        entries = self.text.count("\n[")
        self.clis["admin"].run("registry", "check", self.file)
        for unit in ["admin", *sorted(self.says)]:
            said = self.clis[unit].run("registry", "apply", self.file)
            total = rf"^[1-9]\d* recorded, 0 enrolled otherwise, \d+ for others, {entries} in all$"
            if f"{unit} to apply" in said or not re.search(total, said, re.M):
                yield f"applied by {unit}: {said}"
        for unit in ["admin", *sorted(self.says)]:
            said = self.clis[unit].run("registry", "apply", self.file)
            if not re.search(r"^0 recorded, 0 enrolled otherwise", said, re.M):
                yield f"applied by {unit} a second time: {said}"
        self.write(re.sub(r"(\[unit .*\nagencyId = .*\nname     = )", r"\1Inna ", self.text, count=1))
        if "1 enrolled otherwise" not in self.clis["admin"].run("registry", "apply", self.file, expect=1):
            yield "a unit that is enrolled under another name is not noticed"

    def stop(self):
        """Ends the broker."""
        self.broker.stop()


def check(name, root):
    """Everything that is not as the profile says, a sentence each."""
    story = scenario.load(f"{HERE}/profiles/{name}.txt")
    payload.lie_in_the_past(story.last_day)
    office = Office(name, root)
    try:
        yield from office.apply()
        missing = {*office.units, *office.externals} - {"admin"} - set(story.units.values())
        if missing:
            yield f"no part in the story: {missing}"
        with open(f"{PROFILES}/{name}/clocks.conf", encoding="utf-8") as f:
            clerk = watcher.Watcher(office, story.units["CLERK"], root, f.read())
        called = {unit: token for token, unit in story.units.items()}
        town = stage.Stage(office, {token: (unit, *office.units[unit]) for token, unit in story.units.items()
                                    if token != "CLERK" and unit in office.units},
                           {called[agency]: (agency, called[server]) for agency, server in office.externals.items()}, clerk)
        events, views, wrong = test_scenarios.played(town, [story], with_auditor=False)
        yield from wrong
        yield from test_scenarios.compare([story], events, views)
    finally:
        office.stop()


SETTINGS = {"INSIGHT_NOT_BY_FA": "court.insight_requested", "FA_AS_IC": "ipus.agreed"}  # what an assistant may do, or not


def stories():
    """{profile: (its story, the clocks that it switches off, the settings that it switches on)}"""
    found = {}
    for name in sorted(entry.name for entry in os.scandir(PROFILES) if entry.is_dir()):
        with open(f"{PROFILES}/{name}/clocks.conf", encoding="utf-8") as f:
            off = set(re.findall(r"^agency \S+ (D\d+) off$", f.read(), re.M))
        with open(f"{PROFILES}/{name}/office.registry", encoding="utf-8") as f:
            on = set(re.findall(r"^setting\s*= (\w+)\non\s*= tak$", f.read(), re.M))
        found[name] = scenario.load(f"{HERE}/profiles/{name}.txt"), off, on
    return found


def told(story, clock, default):
    """The story has a notice of that clock, by the office's settings, or by the table alone."""
    return any(notice.clock == clock for act in story.acts if isinstance(act, scenario.Watch) and act.default == default
               for notice in act.notices)


def came_of_it(story, kind):
    """What comes of an assistant's events of that type."""
    return {step.refusal or " ".join(step.warnings) or "taken" for step in story.steps if (step.type, step.unit) == (kind, "FA")}


def contrasts(found):
    """What a profile sets otherwise, and no story shows: in this one, by what does not happen, and in another, by what does."""
    for name, (story, off, on) in found.items():
        others = [other for other in found if other != name]
        for clock in off:
            if told(story, clock, False) or not told(story, clock, True):
                yield f"{name}: that {clock} is off does not show"
            if not any(told(found[other][0], clock, False) for other in others if clock not in found[other][1]):
                yield f"{name}: {clock} is off, and no other office has a notice of it"
        for setting in on:
            here, kind = came_of_it(story, SETTINGS[setting]), SETTINGS[setting]
            elsewhere = set().union(*(came_of_it(found[other][0], kind) for other in others if setting not in found[other][2]))
            if not here or not elsewhere or here & elsewhere:
                yield f"{name}: {setting} makes no difference: {here} here, {elsewhere} elsewhere"


def check_the_contrasts():
    """... and a switch without its contrast is noticed: each that there is, taken out of the stories."""
    found = stories()
    yield from contrasts(found)
    for name, (story, off, on) in found.items():
        for clock in ("D1", "D2", "D11"):
            if clock not in off and not list(contrasts({**found, name: (story, off | {clock}, on)})):
                yield f"that {name} had {clock} off would not be noticed"
        for setting in SETTINGS:
            if setting in on and not list(contrasts({**found, name: (story, off, on - {setting}), "planted": (story, set(), on)})):
                yield f"that {name} has {setting} in vain would not be noticed"


def main():
    names = sys.argv[1:] or sorted(entry.name for entry in os.scandir(PROFILES) if entry.is_dir())
    wrong = list(check_the_contrasts())
    for name in names:
        with tempfile.TemporaryDirectory(prefix="wici-profile-") as root:
            wrong += [f"{name}: {line}" for line in check(name, root)]
    if wrong or not names:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
