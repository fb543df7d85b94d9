"""Plays a story of tests/golden on running processes: wicid, and a wici-agent for each unit.

Events are dropped as JSON files into outboxes; what each unit received is read from its inbox, and compared, section by
section and value by value, with what the story says. Used by scripts/demo and by the end-to-end tests.
"""
import datetime
import glob
import json
import os
import re
import signal
import subprocess
import time
import uuid

DEADLINE = 30  # seconds to wait for anything
EPOCH = datetime.date(2025, 1, 7)  # day 0 of a story


class Failure(Exception):
    """The story did not go as it says."""


def wait(what, condition, seconds=DEADLINE):
    """Waits until condition() is true and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


def write_whole(path, text):
    """The way an office's own system drops a file: under another name first."""
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        f.write(text)
    os.rename(path + ".tmp", path)


def uuid7():
    """A UUID of version 7, as an event id must be."""
    value = (int(time.time() * 1000) << 80) | (int.from_bytes(os.urandom(10), "big"))
    value = (value & ~(0xF << 76)) | (7 << 76)
    value = (value & ~(3 << 62)) | (2 << 62)
    return str(uuid.UUID(int=value))


class Names:
    """UUIDs by name: of version 7 for the events of the story, else random."""

    def __init__(self, events):
        self.known = {}
        self.events = events

    def __call__(self, name):
        if name not in self.known:
            self.known[name] = uuid7() if name in self.events else str(uuid.uuid4())
        return self.known[name]


def day(n):
    """The date of day n of a story."""
    return (EPOCH + datetime.timedelta(days=n)).isoformat()


class Broker:
    """wicid in a directory of its own."""

    def __init__(self, bin_dir, root, agency, name, kind=None):
        self.bin, self.root = bin_dir, root
        self.config = f"{root}/wicid.conf"
        self.process = None
        self.log = open(f"{root}/wicid.log", "ab")
        self.endpoint = "tcp://127.0.0.1:*"
        self.configure()
        subprocess.run([f"{bin_dir}/wicid", "init", "-c", self.config, "--origin", "wici.example/demo", "--agency", agency,
                        "--agency-name", name, *(["--agency-kind", kind] if kind else []), "--unit", "admin", "--admin-key", f"{root}/admin.key"],
                       check=True, capture_output=True, text=True)
        with open(f"{root}/broker.key", encoding="utf-8") as f:
            self.server_key = re.search(r"public = (\S+)", f.read()).group(1)

    def configure(self):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"listen = {self.endpoint}\ndata.dir = {self.root}/data\nkey.dir = {self.root}/keys\n"
                    f"kek.file = {self.root}/kek\ncurve.key = {self.root}/broker.key\n"
                    f"checkpoint.key = {self.root}/checkpoint.key\nguard.file = {self.root}/guard\n")

    def start(self):
        self.process = subprocess.Popen([f"{self.bin}/wicid", "-c", self.config], stdout=subprocess.PIPE, stderr=self.log,
                                        text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening "):
            raise Failure("wicid did not start: see " + self.log.name)
        self.endpoint = line.split()[1]
        self.configure()  # the same port after a restart

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            if self.process.wait(DEADLINE) != 0:
                raise Failure("wicid did not end cleanly")


class Cli:
    """The wici command line with one unit's key."""

    def __init__(self, broker, key, directory):
        self.broker, self.key = broker, key
        self.config = f"{directory}/wici.conf"
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {broker.endpoint}\nserver_key = {broker.server_key}\nkey_file = {key}\n")

    def run(self, *args, expect=0):
        done = subprocess.run([f"{self.broker.bin}/wici", *args, "-c", self.config], capture_output=True, text=True, check=False)
        if done.returncode != expect:
            raise Failure(f"wici {' '.join(args)}: exit {done.returncode}\n{done.stderr}")
        return done.stdout


def key_generate(broker, path):
    """Makes a key pair; returns the public key."""
    subprocess.run([f"{broker.bin}/wici", "key", "generate", path], check=True, capture_output=True)
    with open(path, encoding="utf-8") as f:
        return re.search(r"public = (\S+)", f.read()).group(1)


class Agent:
    """One unit's wici-agent."""

    def __init__(self, broker, root, unit, role_file):
        self.broker, self.unit = broker, unit
        self.dir = f"{root}/{unit}"
        os.makedirs(self.dir)
        self.key = f"{self.dir}/unit.key"
        self.public = key_generate(broker, self.key)
        self.cli = Cli(broker, self.key, self.dir)
        self.config = f"{self.dir}/agent.conf"
        self.role_file = role_file
        self.process = None
        self.log = open(f"{self.dir}/agent.log", "ab")

    def start(self):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.broker.endpoint}\nserver_key = {self.broker.server_key}\nkey_file = {self.key}\n"
                    f"dir = {self.dir}\nrole = {self.role_file}\n")
        self.process = subprocess.Popen([f"{self.broker.bin}/wici-agent", "-c", self.config], stderr=self.log)

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(DEADLINE)

    def drop(self, name, event):
        os.makedirs(f"{self.dir}/outbox", exist_ok=True)
        write_whole(f"{self.dir}/outbox/{name}.json", json.dumps(event, ensure_ascii=False, indent=1))

    def rejection(self, name):
        """What is said of a dropped file that was rejected; None while it is not."""
        try:
            with open(f"{self.dir}/rejected/{name}.txt", encoding="utf-8") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def receipt(self, name):
        """The receipt of a dropped file, or None while there is no answer; a rejection is a Failure."""
        if self.rejection(name):
            raise Failure(f"{self.unit}: {name} was rejected:\n{self.rejection(name)}")
        try:
            with open(f"{self.dir}/sent/{name}.receipt.json", encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return None

    def inbox(self):
        """What the unit received: event id -> the event as JSON."""
        got = {}
        for path in sorted(glob.glob(f"{self.dir}/inbox/*.json")):
            with open(path, encoding="utf-8") as f:
                event = json.load(f)
            key = event["header"]["eventId"]
            if key in got:
                raise Failure(f"{self.unit} has event {key} twice")
            got[key] = event
        return got


def body_name(section):
    """The name of the body among the marks."""
    return next(k for k in section if k not in ("subjects", "onlyFor", "notTo"))


def classes(sections):
    """The classes of some sections as sorted digits, with repeats."""
    return sorted(body_name(s)[-1] for s in sections)


def canonical(sections):
    """The sections in an order of their own, for comparing."""
    return sorted(json.dumps(section, sort_keys=True) for section in sections)


class Play:
    """Stories on running processes. After run(), views[event id][unit] is what each unit received."""

    def __init__(self, bin_dir, roles_dir, root, town, stories, say=lambda step: None):
        self.bin, self.roles_dir, self.root, self.town, self.say = bin_dir, roles_dir, root, town, say
        self.steps, self.ids = [], {}
        for story in stories:
            probe = story.story(lambda name: name, day)
            self.ids[story] = Names({step["name"] for step in probe if "name" in step})
            self.steps += [{**step, "story": story} for step in story.story(self.ids[story], day)]
        self.agents, self.views, self.kills = {}, {}, 0

    def set_up(self):
        agencies = dict(self.town.AGENCIES)
        first = next(iter(agencies))
        self.broker = Broker(self.bin, self.root, first, agencies.pop(first)[0])
        self.broker.start()
        self.admin = Cli(self.broker, f"{self.root}/admin.key", self.root)
        for agency, (name, kinds) in agencies.items():
            self.admin.run("agency", "add", agency, "--name", name, *[a for k in kinds for a in ("--kind", k)])
        for unit, (agency, role, _, role_file) in self.town.UNITS.items():
            agent = Agent(self.broker, self.root, unit, f"{self.roles_dir}/{role_file}.role")
            self.admin.run("unit", "add", unit, "--agency", agency, "--name", unit, "--role", role, "--key", agent.public)
            self.agents[unit] = agent
        os.makedirs(f"{self.root}/audit")
        public = key_generate(self.broker, f"{self.root}/audit/unit.key")
        self.admin.run("unit", "add", "audyt", "--agency", "nadzor", "--name", "audyt", "--role", "AUD", "--key", public)
        self.auditor = Cli(self.broker, f"{self.root}/audit/unit.key", f"{self.root}/audit")
        for agent in self.agents.values():
            agent.start()
        for number, (unit, kind, body) in enumerate(self.town.REGISTERS):
            words = kind.lower().split("_")
            section = words[0] + "".join(word.capitalize() for word in words[1:]) + "S0"
            agency, role, _, _ = self.town.UNITS[unit]
            self.agents[unit].drop(f"register-{number}", {
                "header": {"type": kind, "actor": {"agency": agency, "unit": unit, "role": role}}, "sections": [{section: body}]})
            wait(kind, lambda unit=unit, number=number: self.agents[unit].receipt(f"register-{number}"))

    def event(self, step):
        agency, role, _, _ = self.town.UNITS[step["unit"]]
        ids = self.ids[step["story"]]
        header = {"eventId": ids(step["name"]) if "name" in step else uuid7(), "type": step["type"],
                  "dossierId": ids(step["dossier"]),
                  "actor": {"agency": agency, "unit": step["unit"], "role": role, **step.get("actor", {})}}
        if "to" in step:
            header["to"] = [{"unit": unit} for unit in step["to"]]
        if "cause" in step:
            header["causationId"] = ids(step["cause"])
        return {"header": header, "sections": step["sections"]}

    def run_step(self, index, step):
        agent = self.agents[step["unit"]]
        name = f"{index:02d}-{step['type'].lower().replace('_', '-')}"
        event = self.event(step)
        step["event"] = event
        agent.drop(name, event)
        if step.get("kill"):
            self.broker.kill()
            self.kills += 1
            self.broker.start()
        if "refused" in step:
            step["rejection"] = wait(f"rejection of {name}", lambda: agent.rejection(name))
            return
        receipt = wait(f"receipt of {name}", lambda: agent.receipt(name))
        step["seq"], step["warnings"] = int(receipt["seq"]), receipt.get("warnings", [])
        for unit in step["expect"]:
            if step["expect"][unit]:
                wait(f"{name} in the inbox of {unit}",
                     lambda unit=unit: event["header"]["eventId"] in self.agents[unit].inbox())

    def run(self):
        self.set_up()
        for index, step in enumerate(self.steps, 1):
            self.run_step(index, step)
            self.say(step)
        self.settle()
        for unit, agent in self.agents.items():
            for event_id, event in agent.inbox().items():
                self.views.setdefault(event_id, {})[unit] = event

    def settle(self):
        """Waits until every unit has passed the last event, so that what must not arrive has had its chance."""
        last = self.steps[-1]["seq"]

        def all_passed():
            cursors = json.loads(self.admin.run("cursor", "list", "--json"))["cursors"]["cursors"]
            passed = {c["unit"] for c in cursors if int(c.get("seq", 0)) >= last}
            return passed >= set(self.agents)
        wait("all cursors at the head", all_passed)

    def history(self):
        """What units were given of the time before they came: (event id, unit) -> classes."""
        found = {}
        for place, step in enumerate(self.steps):
            for unit, lines in step.get("history", {}).items():
                before = [s for s in self.steps[:place]
                          if (s["story"], s["dossier"]) == (step["story"], step["dossier"]) and "refused" not in s]
                for old, digits in zip(before, lines, strict=True):
                    found[(old["event"]["header"]["eventId"], unit)] = digits
        return found

    def check(self):
        """Every difference between what the stories say and what the units have, a sentence each."""
        history = self.history()
        published = {step["event"]["header"]["eventId"]: step for step in self.steps}
        for event_id, step in published.items():
            yield from self.differ_answer(step)
            for unit in self.agents:
                if "refused" in step:
                    expected = ""
                elif unit == step["unit"]:
                    expected = "".join(classes(step["event"]["sections"]))
                else:
                    expected = step["expect"].get(unit, history.get((event_id, unit), ""))
                yield from self.differ(step, unit, expected, self.views.get(event_id, {}).get(unit))
        for event_id, units in self.views.items():
            if event_id in published:
                continue
            for unit, event in units.items():
                if not event["header"]["type"].startswith("SYS_"):
                    yield f"{unit} received an event nobody published: {event_id}"

    @staticmethod
    def differ_answer(step):
        """The broker refused what it had to, and marked what it had to."""
        if "refused" in step:
            if step["refused"] not in step["rejection"]:
                yield f"day {step['day']} {step['type']} was refused with other words than {step['refused']}: {step['rejection']}"
            return
        marks = {warning["code"] for warning in step["warnings"]} - {"W_WITHHELD"}
        if marks != set(step.get("marks", [])):
            yield f"day {step['day']} {step['type']} was marked {marks or 'with nothing'}"

    def differ(self, step, unit, expected, got):
        where = f"day {step['day']} {step['type']} at {unit}"
        if got is None:
            if expected:
                yield f"{where}: expected {expected}, received nothing"
            return
        given = got.get("sections", [])
        if not expected:
            yield f"{where}: expected nothing, received {''.join(sorted(set(classes(given))))}"
        elif "".join(sorted(set(classes(given)))) != "".join(sorted(set(expected))):
            yield f"{where}: expected {expected}, received {''.join(sorted(set(classes(given))))}"
        for section in given:
            plain = {k: v for k, v in section.items() if k not in ("slot",)}
            if plain not in step["event"]["sections"]:
                yield f"{where}: section {body_name(section)} is not as it was published"
        if unit in step.get("exactly", {}):
            wanted = [step["event"]["sections"][i] for i in step["exactly"][unit]]
            plain = [{k: v for k, v in section.items() if k not in ("slot",)} for section in given]
            if canonical(wanted) != canonical(plain):
                yield f"{where}: received other rows than its own"

    def stop(self):
        for agent in self.agents.values():
            agent.stop()
        if hasattr(self, "broker"):
            self.broker.stop()
