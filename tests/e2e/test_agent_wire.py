#!/usr/bin/env python3
"""wici-agent against a running wicid: what people put into outbox arrives in the other's inbox, once, whatever is killed.

Usage: test_agent_wire.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.dont_write_bytecode = True
import play  # noqa: E402

BIN = os.environ["WICI_BIN"]
NAME = "<script>alert(1)</script> Kowalska & syn"
FAST = "poll_ms = 50\nsettle_ms = 200\nhalf_written_ms = 1500\ndelivery_seconds = 1\n"


class Agent(play.Agent):
    """An agent that can be killed, and run once."""

    def configure(self):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.broker.endpoint}\nserver_key = {self.broker.server_key}\nkey_file = {self.key}\n"
                    f"dir = {self.dir}\nrole = {self.role_file}\n{FAST}")

    def start(self):
        self.configure()
        self.log_start = len(self.text("agent.log"))
        self.process = subprocess.Popen([f"{BIN}/wici-agent", "-c", self.config], stdin=subprocess.DEVNULL, stderr=self.log)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self):
        """Asks it to end, once it listens; it has to end well."""
        play.wait(f"{self.unit} connected",
                  lambda: "connected:" in self.text("agent.log")[self.log_start:])
        self.process.send_signal(signal.SIGHUP)  # ends nothing
        self.process.terminate()
        check(self.process.wait(play.DEADLINE) == 0, f"{self.unit}: ended badly")

    def once(self, expect=0, *more):
        self.configure()
        done = subprocess.run([f"{BIN}/wici-agent", "--once", "-c", self.config, *more], capture_output=True, text=True,
                              check=False)
        check(done.returncode == expect, f"--once: {done.returncode}: {done.stderr}")
        return done.stderr

    def files(self, folder):
        return sorted(f for f in os.listdir(f"{self.dir}/{folder}") if not f.startswith("."))

    def text(self, path):
        with open(f"{self.dir}/{path}", encoding="utf-8") as f:
            return f.read()


def check(condition, text):
    """Fails the test with a sentence."""
    if not condition:
        raise play.Failure(text)


def referral(to="ops", **header):
    """A referral of a family of its own."""
    return {"header": {"type": "REFERRAL_SUBMITTED", "dossierId": str(uuid.uuid4()), "to": [{"unit": to}], **header},
            "sections": [
                {"referralSubmittedS0": {"referralId": str(uuid.uuid4()), "informationReceivedOn": "2026-03-01"}},
                {"subjects": ["osoba-1"], "referralSubmittedS1": {"persons": [{"personRef": "osoba-1", "name": NAME}]}},
                {"referralSubmittedS6": {"paperKind": "INFORMATION", "service": "FAMILY_ASSISTANT", "sourceKind": "SCHOOL"}}]}


class World:
    def __init__(self, root):
        self.broker = play.Broker(BIN, root, "gmina", "Urząd Gminy")
        self.broker.start()
        self.admin = play.Cli(self.broker, f"{root}/admin.key", root)
        roles = f"{SOURCE}/agents/roles"
        self.school = Agent(self.broker, root, "sp3", f"{roles}/school.role")
        self.ops = Agent(self.broker, root, "ops", f"{roles}/ops.role")
        self.gops = Agent(self.broker, root, "gops", f"{roles}/ops.role")
        for agency, name, kind in (("szkola", "Szkoła nr 3", "SCHOOL"), ("mops", "Ośrodek", "OPS"), ("wies", "Inny ośrodek", "OPS")):
            self.admin.run("agency", "add", agency, "--name", name, "--kind", kind)
        for agent, agency, role in ((self.school, "szkola", "SCH"), (self.ops, "mops", "SW"), (self.gops, "wies", "SW")):
            self.admin.run("unit", "add", agent.unit, "--agency", agency, "--name", f"Jednostka {agent.unit}", "--role", role,
                           "--key", agent.public)

    def stop(self):
        for agent in (self.school, self.ops, self.gops):
            agent.stop()
        self.broker.stop()


def received(agent, receipts):
    """Waits until each of these events is in the agent's inbox."""
    ids = {r["eventId"] for r in receipts}
    play.wait(f"{len(ids)} events at {agent.unit}", lambda: ids <= set(agent.inbox()))


def sends_and_receives(world):
    world.school.start()
    world.ops.start()
    world.school.drop("a", referral())
    receipt = play.wait("receipt", lambda: world.school.receipt("a"))
    received(world.ops, [receipt])
    stem = f"inbox/{int(receipt['seq']):012d}-referral"
    page = world.ops.text(f"{stem}.html")
    check("<script>alert" not in page and "&lt;script&gt;" in page, "the name is not escaped")
    check("Jednostka sp3" in page, "the page does not name the sender")
    check(json.loads(world.ops.text(f"{stem}.json"))["seq"] in (receipt["seq"], int(receipt["seq"])), "another seq")


def explains_refusals(world):
    bad = referral()
    bad["sections"][2]["referralSubmittedS6"]["paperKind"] = "LETTER"
    world.school.drop("b1", bad)
    bad = referral()
    bad["sections"][0]["referralSubmittedS0"]["referalId"] = "x"
    world.school.drop("b2", bad)
    world.school.drop("b3", referral(to="nobody"))
    with open(f"{world.school.dir}/outbox/b4.json", "w", encoding="utf-8") as f:
        f.write('{"header": {"type":')  # and never more
    play.wait("four explanations", lambda: sum(f.endswith(".txt") for f in world.school.files("rejected")) == 4)
    text = world.school.text("rejected/b1.txt")
    check("sections[2].referralSubmittedS6.paperKind" in text and "INFORMATION APPLICATION NEED" in text, text)
    text = world.school.text("rejected/b2.txt")
    check("referalId" in text and "referralId" in text, text)
    text = world.school.text("rejected/b3.txt")
    check("E_ADDRESS" in text, text)
    play.wait("an empty outbox", lambda: world.school.files("outbox") == [])


def survives_kills(world):
    random.seed(int(os.environ.get("WICI_SEED", "7")))
    kills = int(os.environ.get("WICI_KILLS", "15"))
    names = [f"k{i:03d}" for i in range(2 * kills)]
    for i in range(kills):
        for name in names[2 * i:2 * i + 2]:
            world.school.drop(name, referral())
        victim = random.choice(["school", "ops", "broker"]) if i > 2 else ["school", "ops", "broker"][i]
        time.sleep(random.uniform(0.05, 0.6))  # a moment nobody chose
        if victim == "broker":
            world.broker.kill()
            world.broker.start()
        else:
            agent = getattr(world, victim)
            agent.kill()
            agent.start()
    receipts = [play.wait(f"receipt of {n}", lambda n=n: world.school.receipt(n)) for n in names]
    check(len({r["seq"] for r in receipts}) == len(names), "two files share a record")
    received(world.ops, receipts)
    names_in = [f for f in world.ops.files("inbox") if f.endswith(".json")]
    check(len(names_in) == len(set(world.ops.inbox())), "an event was filed twice")
    check(all(f[:-5] + ".html" in world.ops.files("inbox") for f in names_in), "a page is missing")
    play.wait("nothing is left over", lambda: world.school.files("outbox") == [] and world.school.files("state/out") == [])
    check(len([f for f in world.school.files("sent") if f.startswith("k") and f.count(".") == 1 and f.endswith(".json")]) == len(names),
          "not all were sent")
    play.wait("a proof beside each", lambda: all(f"{name}.receipt" in world.school.files("sent") for name in names))


def catches_up_and_repeats_nothing(world):
    world.ops.end()
    before = set(world.ops.inbox())
    for path in world.ops.files("inbox"):
        os.remove(f"{world.ops.dir}/inbox/{path}")  # the office has tidied up
    for i in range(3):
        world.school.drop(f"w{i}", referral())
    receipts = [play.wait("receipt", lambda i=i: world.school.receipt(f"w{i}")) for i in range(3)]
    play.wait("word that nobody fetched it", lambda: os.path.exists(f"{world.school.dir}/sent/w2.delivery.json"))
    status = subprocess.run([f"{BIN}/wici-agent", "--status", "-c", world.school.config], capture_output=True, text=True,
                            check=True).stdout
    check("NIE pobrano" in status and "w2.json" in status, status)
    world.ops.once()
    check(set(world.ops.inbox()) == {r["eventId"] for r in receipts}, "not exactly the three new ones")
    check(not before & set(world.ops.inbox()), "an old one came again")
    play.wait("word that it was fetched",
              lambda: json.loads(world.school.text("sent/w2.delivery.json"))["fetchedByAll"])


def once_sends_and_ends(world):
    world.school.end()
    world.school.drop("o", referral())
    log = world.school.once()
    check(world.school.receipt("o") is not None, "not sent")
    check("Kowalska" not in log and "o.json" not in log, "the log says too much")
    world.broker.stop()
    world.school.drop("p", referral())
    world.school.once(1, "--wait=1")
    world.broker.start()
    world.school.once()
    check(world.school.receipt("p") is not None, "not sent after the broker came back")


def documents_travel(world):
    """Scans of several pieces, while everybody is killed now and then: each arrives once, whole, and under no name."""
    random.seed(int(os.environ.get("WICI_SEED", "7")))
    world.school.start()
    world.ops.start()
    scans = {f"d{i}": random.randbytes(size) for i, size in enumerate((1, 300_000, 900_000, 262_144))}
    for i, (name, scan) in enumerate(scans.items()):
        event = referral()
        event["sections"][2]["referralSubmittedS6"]["documents"] = [{"name": "kowalska-skan.pdf"}]
        os.mkdir(f"{world.school.dir}/outbox/{name}.files")
        with open(f"{world.school.dir}/outbox/{name}.files/kowalska-skan.pdf", "wb") as f:
            f.write(scan)
        world.school.drop(name, event)
        time.sleep(random.uniform(0.05, 0.6))  # a moment nobody chose
        victim = (world.broker, world.school, world.ops, world.broker)[i]
        victim.kill()
        victim.start()
    receipts = {name: play.wait(f"receipt of {name}", lambda name=name: world.school.receipt(name)) for name in scans}
    received(world.ops, receipts.values())
    for name, scan in scans.items():
        path = f"{world.ops.dir}/inbox/{int(receipts[name]['seq']):012d}-referral-1.pdf"
        play.wait(f"the scan of {name}", lambda path=path: os.path.exists(path))
        with open(path, "rb") as f:
            check(f.read() == scan, f"{name}: other bytes")
        check(world.school.files(f"sent/{name}.files") == ["kowalska-skan.pdf"], f"{name}: the folder is not beside it")
        check(not receipts[name].get("warnings"), f"{name}: {receipts[name]}")
    play.wait("nothing left to fetch", lambda: world.ops.files("state/documents") == [])
    check(len([f for f in world.ops.files("inbox") if f.endswith(".pdf")]) == len(scans), "a scan came twice")
    check("kowalska" not in world.ops.text("agent.log") + world.school.text("agent.log"), "the log names a file")
    world.ops.end()
    world.school.end()


def history_comes_with_what_is_forwarded_and_handed_over(world):
    """Who carries a family on has in his inbox what was before, and not only what comes."""
    for agent in (world.school, world.ops, world.gops):
        agent.start()
    sent = referral()
    sent["sections"][2]["referralSubmittedS6"]["paperKind"] = "APPLICATION"
    world.school.drop("h1", sent)
    first = play.wait("the referral", lambda: world.school.receipt("h1"))
    dossier = sent["header"]["dossierId"]
    world.ops.drop("h2", {"header": {"type": "REFERRAL_FORWARDED", "dossierId": dossier, "to": [{"unit": "gops"}]},
                          "sections": [{"referralForwardedS0": {
                              "referralId": sent["sections"][0]["referralSubmittedS0"]["referralId"], "fromUnit": "ops", "toUnit": "gops",
                              "forwardedOn": "2026-03-02", "whole": "YES"}}, {"referralForwardedS6": {"applicantConsent": {"on": "2026-03-02"}}}]})
    second = play.wait("the forwarding", lambda: world.ops.receipt("h2"))
    received(world.gops, [first, second])

    case, other = str(uuid.uuid4()), referral(to="gops")
    world.ops.drop("h3", {"header": {"type": "CASE_OPENED", "dossierId": case},
                          "sections": [{"caseOpenedS0": {"openedOn": "2026-03-03", "proceedingStartedOn": "2026-03-03", "gmina": "3261011"}},
                                       {"subjects": ["osoba-1"], "caseOpenedS1": {"household": [{"personRef": "osoba-1"}]}},
                                       {"caseOpenedS6": {"path": "ORDINARY"}}]})
    third = play.wait("the case", lambda: world.ops.receipt("h3"))
    other["sections"][2]["referralSubmittedS6"] = {
        "paperKind": "APPLICATION", "service": "HAND_OVER", "sourceKind": "OPS", "ground": {"basis": "CONSENT"},
        "handOver": {"fromDossier": case, "historyFrom": third["seq"]}}
    world.ops.drop("h4", other)
    fourth = play.wait("the hand-over", lambda: world.ops.receipt("h4"))
    received(world.gops, [fourth])
    check(third["eventId"] not in world.gops.inbox(), "given before it was accepted")
    world.gops.drop("h5", {"header": {"type": "REFERRAL_ANSWERED", "dossierId": other["header"]["dossierId"]},
                           "sections": [{"referralAnsweredS0": {
                               "referralId": other["sections"][0]["referralSubmittedS0"]["referralId"], "answeredOn": "2026-03-04",
                               "outcome": "TAKEN_UP"}},
                                        {"referralAnsweredS6": {"status": "accepted"}}]})
    received(world.gops, [third])
    for agent in (world.school, world.ops, world.gops):
        agent.end()


def takes_back_what_another_program_took_over(world):
    """Somebody of the unit who reads with the agent's cursor does not leave the agent without its mail for ever."""
    world.ops.start()
    play.wait("the agent's subscription", lambda: "connected:" in world.ops.text("agent.log")[world.ops.log_start:])
    cli = play.Cli(world.broker, world.ops.key, world.ops.dir)
    cursor = play.wait("its cursor", lambda: [c for c in json.loads(cli.run("cursor", "list", "--json"))["cursors"]["cursors"]
                                              if c["cursor"].startswith("agent")])[0]["cursor"]
    other = subprocess.Popen([f"{BIN}/wici", "tail", "--cursor", cursor, "-c", cli.config],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        play.wait("told of it", lambda: "nothing is received: E_TAKEN_OVER" in world.ops.text("agent.log"))
        play.wait("in the status", lambda: "E_TAKEN_OVER" in world.ops.text("state/link.json"))
    finally:
        other.kill()
        other.wait()
    play.wait("taken back", lambda: "ready" in world.ops.text("state/link.json"))
    world.school.start()
    world.school.drop("t1", referral())
    received(world.ops, [play.wait("the receipt", lambda: world.school.receipt("t1"))])
    world.ops.end()
    world.school.end()


def one_agent_a_folder_and_the_key_is_private(world):
    world.school.start()
    play.wait("the first agent", lambda: "connected:" in world.school.text("agent.log")[world.school.log_start:])
    check("another agent" in world.school.once(1), "two agents in one folder")
    world.school.end()
    os.chmod(world.school.key, 0o644)
    check("chmod 600" in world.school.once(2), "a key others may read was accepted")
    os.chmod(world.school.key, 0o600)
    printed = subprocess.run([f"{BIN}/wici-agent", "--check", "-c", world.school.config], capture_output=True, text=True,
                             check=True).stdout
    manual = open(f"{SOURCE}/docs/man/wici-agent.1", encoding="utf-8").read()
    for option in re.findall(r"^(\w+) = ", printed, re.M):
        check(re.search(rf"\b{option}\b", manual), f"{option} is not in the manual")


def main():
    root = tempfile.mkdtemp(prefix="wici-agent-wire-")
    world = World(root)
    try:
        for test in (sends_and_receives, explains_refusals, survives_kills, catches_up_and_repeats_nothing,
                     once_sends_and_ends, documents_travel, history_comes_with_what_is_forwarded_and_handed_over,
                     takes_back_what_another_program_took_over, one_agent_a_folder_and_the_key_is_private):
            test(world)
            print("ok", test.__name__, flush=True)
        world.stop()
    except BaseException:
        print("kept for a look:", root, "wicid:", world.broker.process.poll(), "agents:",
              [a.process and a.process.poll() for a in (world.school, world.ops)], flush=True)
        for agent in (world.school, world.ops):
            if agent.process and agent.process.poll() is None:
                agent.process.kill()
        if world.broker.process and world.broker.process.poll() is None:
            world.broker.process.kill()
        raise
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
