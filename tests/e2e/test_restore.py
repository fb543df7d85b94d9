#!/usr/bin/env python3
"""A broker is lost with all that it took since its last backup, and comes back from it: the offices notice nothing but a
word in their logs, and nothing is missing in any inbox.

Usage: test_restore.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
sys.dont_write_bytecode = True
import play  # noqa: E402
from test_agent_wire import Agent, check, received, referral  # noqa: E402

BIN = os.environ["WICI_BIN"]


class Broker(play.Broker):
    """A broker with a place for backups."""

    def configure(self):
        super().configure()
        with open(self.config, "a", encoding="utf-8") as f:
            f.write(f"backup.dir = {self.root}/backup\nbackup.key_dir = {self.root}/backup-keys\n")

    def wicid(self, *words, expect=0):
        """Runs wicid on the stopped log; what it says."""
        done = subprocess.run([f"{BIN}/wicid", *words, "-c", self.config], capture_output=True, text=True, check=False, timeout=60)
        check(done.returncode == expect, f"wicid {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr


class World:
    """A broker, an administrator, a school and a centre with their agents."""

    def __init__(self, root):
        self.root = root
        os.makedirs(f"{root}/backup")
        os.makedirs(f"{root}/backup-keys")
        self.broker = Broker(BIN, root, "gmina", "Urząd Gminy")
        self.broker.start()
        self.admin = play.Cli(self.broker, f"{root}/admin.key", root)
        roles = f"{SOURCE}/agents/roles"
        self.school = Agent(self.broker, root, "sp3", f"{roles}/school.role")
        self.ops = Agent(self.broker, root, "ops", f"{roles}/ops.role")
        for agency, name, kind in (("szkola", "Szkoła nr 3", "SCHOOL"), ("mops", "Ośrodek", "OPS")):
            self.admin.run("agency", "add", agency, "--name", name, "--kind", kind)
        for agent, agency, role in ((self.school, "szkola", "SCH"), (self.ops, "mops", "SW")):
            self.admin.run("unit", "add", agent.unit, "--agency", agency, "--name", f"Jednostka {agent.unit}", "--role", role,
                           "--key", agent.public)

    def send(self, *names):
        """Drops referrals and waits until they are taken and in the other's inbox; their receipts."""
        for name in names:
            self.school.drop(name, referral())
        receipts = [play.wait(f"receipt of {name}", lambda name=name: self.school.receipt(name)) for name in names]
        received(self.ops, receipts)
        return receipts

    def kept(self):
        """Events that the school's agent keeps, to send them again."""
        return [name for _, _, names in os.walk(f"{self.school.dir}/state") for name in names if ".at" in name]

    def in_log(self):
        """Ids of the referrals in the log, in order, as the centre reads them."""
        centre = play.Cli(self.broker, self.ops.key, self.ops.dir)
        lines = centre.run("read", "--type", "referral.submitted", "--json").splitlines()
        return [json.loads(line)["header"]["eventId"] for line in lines]


def nothing_is_missing(world):
    """The whole story."""
    before = world.send("a0", "a1", "a2")
    check(len(world.kept()) == 3, f"not kept: {world.kept()}")
    told = json.loads(world.admin.run("backup", "noc", "--json"))
    check(told["state"] == "DONE" and int(told["safeUpTo"]) >= int(before[-1]["seq"]), str(told))
    play.wait("what is in the backup is let go", lambda: not world.kept())

    lost = world.send("b0", "b1", "b2")
    world.broker.kill()
    for folder in ("data", "keys"):
        shutil.rmtree(f"{world.root}/{folder}")
    world.school.drop("c0", referral())  # the office works on

    said = world.broker.wicid("restore", f"{world.root}/backup/noc", expect=1)
    check("--keys" in said, said)
    said = world.broker.wicid("restore", f"{world.root}/backup/noc", "--keys", f"{world.root}/backup-keys/noc")
    check("--new-epoch" in said, said)
    said = world.broker.wicid(expect=1)
    check("--new-epoch" in said, said)
    said = world.broker.wicid("init", "--new-epoch")
    check("wici.example/demo-e2" in said, said)
    world.broker.start()

    play.wait("the lost events are in the log again", lambda: {r["eventId"] for r in lost} <= set(world.in_log()))
    last = play.wait("receipt of c0", lambda: world.school.receipt("c0"))
    received(world.ops, [last])
    ids = [r["eventId"] for r in before + lost + [last]]
    check(sorted(world.in_log()) == sorted(ids), "not each event once in the log")
    for agent in (world.school, world.ops):
        play.wait(f"{agent.unit} notices", lambda agent=agent: "E_LOG_DIVERGED" in agent.text("agent.log"))
    names = [name for name in world.ops.files("inbox") if name.endswith(".json")]  # the new epoch's are ...-e2.json
    check(len(names) == len(ids), f"an inbox file too many or too few: {names}")
    check(sorted(world.ops.inbox()) == sorted(ids), "not each event once in the inbox")

    world.send("d0")  # and it goes on
    for name in ("a0", "b0", "b1", "b2", "c0", "d0"):  # with a proof beside each, of what was lost and sent again, too
        play.wait(f"{name}.receipt", lambda name=name: os.path.exists(f"{world.school.dir}/sent/{name}.receipt"))
    told = json.loads(world.admin.run("backup", "noc2", "--json"))
    check(told["state"] == "DONE", str(told))
    play.wait("what is in the second backup is let go", lambda: not world.kept())


def left_to_people(world):
    """An erasure in the new epoch: what the agents wrote in the first one they leave, and say how many files that is."""
    receipt = world.school.receipt("a0")
    centre = play.Cli(world.broker, world.ops.key, world.ops.dir)
    lines = [json.loads(line) for line in centre.run("read", "--type", "referral.submitted", "--json").splitlines()]
    dossier = next(e["header"]["dossierId"] for e in lines if e["header"]["eventId"] == receipt["eventId"])
    stem = f"{int(receipt['seq']):012}-referral."
    def copies(agent):
        return [f"{folder}/{name}" for folder, start in (("inbox", stem), ("sent", "a0.")) for name in agent.files(folder)
                if name.startswith(start)]

    before = {agent: copies(agent) for agent in (world.ops, world.school)}
    check(len(before[world.ops]) >= 2 and len(before[world.school]) >= 4, str(before.values()))
    with open(f"{world.root}/order.pdf", "w", encoding="utf-8") as f:
        f.write("Postanowienie")
    world.admin.run("erase", dossier, "--reason", "COURT_ORDER", "--order", f"{world.root}/order.pdf", "--yes")
    for agent, names in before.items():
        said = play.wait(f"{agent.unit} carries out the notice", lambda agent=agent: [
            line for line in agent.text("agent.log").splitlines() if "of an earlier time of the log" in line])
        check(len(said) == 1 and f": {len(names)}. They were left" in said[0], f"{names}: {said}")
        check(copies(agent) == names, f"not left: {names}")
        check(not agent.files("erased"), f"put away: {agent.files('erased')}")
        check(dossier not in agent.text("agent.log"), "the log names the dossier")


def main():
    root = tempfile.mkdtemp(prefix="wici-restore-")
    world = World(root)
    try:
        world.school.start()
        world.ops.start()
        nothing_is_missing(world)
        left_to_people(world)
        print("ok", flush=True)
        for agent in (world.school, world.ops):
            agent.stop()
        world.broker.stop()
    except BaseException:
        print("kept for a look:", root, flush=True)
        for process in (world.school.process, world.ops.process, world.broker.process):
            if process and process.poll() is None:
                process.kill()
        raise
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
