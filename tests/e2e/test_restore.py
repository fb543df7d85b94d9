#!/usr/bin/env python3
"""A broker is lost with all that it took since its last backup, and comes back from it: the offices notice nothing but a
word in their logs, and nothing is missing in any inbox.

Usage: test_restore.py [--again], with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
--again: only what lies beside what was sent again.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
sys.dont_write_bytecode = True
import play  # noqa: E402
import wici_client  # noqa: E402
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
    for name in ("a0.receipt", "b0.receipt-e2", "b1.receipt-e2", "b2.receipt-e2", "c0.receipt", "d0.receipt"):  # a proof beside each
        play.wait(name, lambda name=name: os.path.exists(f"{world.school.dir}/sent/{name}"))
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


class Proofs:
    """What lies in the school's folder sent, and whether it proves what it is to."""

    def __init__(self, world):
        self.world, self.sent, self.keys = world, f"{world.school.dir}/sent", {1: world.admin.run("log", "key").split()[-1]}

    def bytes(self, name):
        """Of a file there."""
        with open(f"{self.sent}/{name}", "rb") as f:
            return f.read()

    def wait(self, *names):
        """Until they are there."""
        for name in names:
            play.wait(name, lambda name=name: os.path.exists(f"{self.sent}/{name}"))

    def verify(self, name, epoch, code=0, checkpoint=None):
        """wici verify, with the key of that epoch."""
        done = subprocess.run([f"{BIN}/wici", "verify", "--vkey", self.keys[epoch],
                               *(["--checkpoint", checkpoint] if checkpoint else []), f"{self.sent}/{name}"],
                              capture_output=True, text=True, check=False)
        check(done.returncode == code, f"wici verify {name}, epoch {epoch}: {done.returncode} {done.stdout}{done.stderr}")

    def number(self, name):
        """The record that a proof is of."""
        return int(next(line for line in self.bytes(name).decode().splitlines() if line.startswith("index ")).split()[1]) + 1

    def parts(self, name):
        """Its parts but for the broker's note: section id and bytes, in order."""
        wici = wici_client.Protocol(os.path.join(SOURCE, "proto"))
        line = next(line for line in self.bytes(name).decode().splitlines() if line.startswith("extra "))
        delivery = wici.wire.Delivery.FromString(base64.b64decode(line[6:]))
        return sorted((part.slot.section_id, part.body) for part in delivery.parts if part.slot.slot != 1)

    def later(self):
        """Names of the later receipts."""
        return [name for name in sorted(os.listdir(self.sent)) if ".receipt-e" in name]


def put_back(world, epoch):
    """The older copy of the data, as a new epoch; the school's agent is killed as soon as it knows what to ask for."""
    broker = world.broker
    broker.kill()
    shutil.rmtree(f"{world.root}/data")
    shutil.copytree(f"{world.root}/older", f"{world.root}/data")
    broker.wicid(expect=1)
    said = broker.wicid("init", "--new-epoch")
    check(f"wici.example/demo-e{epoch}" in said, said)
    broker.start()
    play.wait("word of what is to be asked for", lambda: os.listdir(f"{world.school.dir}/state/receipts"))
    world.school.kill()
    world.school.start()
    play.wait("the new epoch", lambda: f"wici.example/demo-e{epoch}" in world.admin.run("log", "key"))
    play.wait("all has its receipt", lambda: not os.listdir(f"{world.school.dir}/state/receipts"))


def each_branch_keeps_its_receipt(world):
    """An older copy comes back, twice: what it lacks gets a receipt of its own beside the first, the rest none."""
    world.send("k0", "k1")
    proofs = Proofs(world)
    proofs.wait("k0.receipt", "k1.receipt")
    world.broker.stop()
    shutil.copytree(f"{world.root}/data", f"{world.root}/older")
    world.broker.start()
    # So many that what comes then has higher numbers than when it is sent again, whatever wicid records of its own there.
    for agency in ("nowa", *(f"inna-{i}" for i in range(20))):
        world.admin.run("agency", "add", agency, "--name", agency.title(), "--kind", "OPS")
    world.admin.run("unit", "add", "nowa-sw", "--agency", "nowa", "--name", "Nowa", "--role", "SW", "--key",
                    play.key_generate(world.broker, f"{world.root}/nowa.key"))
    world.send("l0", "l1")
    world.school.drop("l2", referral(to="nowa-sw"))  # to a unit that the older copy does not know
    proofs.wait("l0.receipt", "l1.receipt", "l2.receipt")
    held = {name: proofs.bytes(name) for name in sorted(os.listdir(proofs.sent)) if "receipt" in name}

    put_back(world, 2)
    proofs.keys[2] = world.admin.run("log", "key").split()[-1]
    check(proofs.later() == ["l0.receipt-e2", "l1.receipt-e2"], f"later receipts: {proofs.later()}")
    check(all(proofs.bytes(name) == text for name, text in held.items()), "a receipt was changed")
    checkpoint = f"{world.root}/checkpoint.e2"
    with open(checkpoint, "w", encoding="utf-8") as f:
        f.write(world.admin.run("checkpoint"))
    for name in ("l0", "l1"):
        proofs.verify(f"{name}.receipt", 1)
        proofs.verify(f"{name}.receipt", 2, code=3)
        proofs.verify(f"{name}.receipt-e2", 2, checkpoint=checkpoint)
        proofs.verify(f"{name}.receipt-e2", 1, code=3)
        check(proofs.number(f"{name}.receipt") > proofs.number(f"{name}.receipt-e2"), "not the other number")
        check(proofs.parts(f"{name}.receipt") == proofs.parts(f"{name}.receipt-e2"), "other bytes")
    text = world.school.text("sent/l2.lost-e2.txt")
    check("wrócił ze starszej kopii" in text, text)
    reason = text.split("\n\n", 2)[2].strip()  # none: the agent was killed between the answer and the writing down of it
    check("E_ADDRESS" in (reason or world.admin.run("audit", "refusals")), text)
    check("l2.json" in os.listdir(proofs.sent), "the file itself is gone")
    check("szkola" not in text and "nowa" not in text, text)

    world.send("m0")
    proofs.wait("m0.receipt")
    proofs.verify("m0.receipt", 2)
    held = {name: proofs.bytes(name) for name in sorted(os.listdir(proofs.sent)) if "receipt" in name}
    put_back(world, 3)
    proofs.keys[3] = world.admin.run("log", "key").split()[-1]
    check(proofs.later() == ["l0.receipt-e2", "l0.receipt-e3", "l1.receipt-e2", "l1.receipt-e3", "m0.receipt-e3"],
          f"later receipts: {proofs.later()}")
    check(all(proofs.bytes(name) == text for name, text in held.items()), "a receipt was changed")
    for name in ("l0", "l1", "m0"):
        proofs.verify(f"{name}.receipt-e3", 3)
    proofs.verify("l0.receipt-e2", 2)
    check("alarm.json" not in os.listdir(f"{world.school.dir}/state"), "an alarm")


def what_was_sent_again_is_put_away(world):
    """A notice of erasure in the third epoch: the number is that of the latest receipt."""
    proofs = Proofs(world)
    number = proofs.number("l0.receipt-e3")
    centre = play.Cli(world.broker, world.ops.key, world.ops.dir)
    lines = [json.loads(line) for line in centre.run("read", "--type", "referral.submitted", "--json").splitlines()]
    dossier = next(e["header"]["dossierId"] for e in lines if int(e["seq"]) == number)
    before = [name for name in os.listdir(proofs.sent) if name.startswith("l0.")]
    others = [name for name in os.listdir(proofs.sent) if not name.startswith("l0.")]
    check(len(before) == 6, str(before))
    with open(f"{world.root}/order.pdf", "w", encoding="utf-8") as f:
        f.write("Postanowienie")
    world.admin.run("erase", dossier, "--reason", "COURT_ORDER", "--order", f"{world.root}/order.pdf", "--yes")
    play.wait("it is put away", lambda: sorted(world.school.files("erased")) == sorted(before))
    check(sorted(os.listdir(proofs.sent)) == sorted(others), "another file went, or one was left")


def main():
    if "--again" not in sys.argv[1:]:
        play_one(nothing_is_missing, left_to_people)
    play_one(each_branch_keeps_its_receipt, what_was_sent_again_is_put_away)


def play_one(*tests):
    """In a world of their own."""
    root = tempfile.mkdtemp(prefix="wici-restore-")
    world = World(root)
    try:
        world.school.start()
        world.ops.start()
        for test in tests:
            test(world)
            print("ok", test.__name__, flush=True)
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
