#!/usr/bin/env python3
"""wici-agent on a full disk, with a wrong clock, and with very many files: what people see, and that nothing is lost or sent
twice.

Usage: test_agent_trouble.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set; for clocks
WICI_FAULT_LIB (libwici_fault.so), too. It mounts a small file system of its own, which takes root or user namespaces.
"""
import datetime
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ["WICI_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", folder) for folder in ("e2e", "golden")]
sys.dont_write_bytecode = True
import play  # noqa: E402
from test_agent_wire import BIN, FAST, Agent, World, check, referral  # noqa: E402

MANY = int(os.environ.get("WICI_FILES", "1000"))
YEAR_S = 365 * 86400


class Folder(Agent):
    """An agent whose environment can be set, with a folder in another place; settings and log are not in it."""

    all = []

    def __init__(self, of, directory, name):  # without a key: no __init__ of the base
        self.broker, self.unit, self.role_file, self.key, self.process = of.broker, of.unit, of.role_file, of.key, None
        self.dir, self.config, self.log_path = f"{directory}/{name}", f"{of.dir}/{name}.conf", f"{of.dir}/{name}.log"
        self.environment, self.settings = {}, FAST
        self.log_start = 0
        os.makedirs(f"{self.dir}/outbox", exist_ok=True)
        Folder.all.append(self)

    def configure(self):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.broker.endpoint}\nserver_key = {self.broker.server_key}\nkey_file = {self.key}\n"
                    f"dir = {self.dir}\nrole = {self.role_file}\n{self.settings}")

    def start(self):
        self.configure()
        with open(self.log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen([f"{BIN}/wici-agent", "-c", self.config], stderr=log,
                                            env={**os.environ, **self.environment})

    def end(self):
        play.wait(f"{self.unit} connected", lambda: self.said("connected:"))
        self.process.terminate()
        check(self.process.wait(play.DEADLINE) == 0, f"{self.unit}: ended badly")

    def said(self, text):
        with open(self.log_path, encoding="utf-8") as f:
            f.seek(self.log_start)
            return f.read().count(text)

    def status(self):
        return subprocess.run([f"{BIN}/wici-agent", "--status", "-c", self.config], capture_output=True, text=True, check=True).stdout


class Disk:
    """A file system of its own, in memory."""

    def __init__(self, root, name, size):
        self.dir = f"{root}/{name}"
        os.mkdir(self.dir)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", self.dir], check=True)

    def fill(self):
        with open(f"{self.dir}/filler", "ab", buffering=0) as f:
            for size in (1 << 20, 4096):
                try:
                    while f.write(bytes(size)) == size:
                        pass
                except OSError:
                    pass

    def free(self):
        os.remove(f"{self.dir}/filler")

    def close(self):
        subprocess.run(["umount", "-l", self.dir], check=True)


def events_of(folder):
    return [f for f in folder.files("inbox") if f.endswith(".json")]


def a_full_disk_is_told_and_waited_for(world, disk):
    """The receiver's disk is full, and later has room again: the agent goes on by itself and files each event once."""
    ops = Folder(world.ops, disk.dir, "small-ops")
    ops.start()
    play.wait("connected", lambda: ops.said("connected:"))
    disk.fill()
    names = [f"full{i}" for i in range(20)]
    for name in names:
        world.school.drop(name, referral())
    receipts = [play.wait(f"the receipt of {name}", lambda name=name: world.school.receipt(name)) for name in names]
    play.wait("told", lambda: ops.said("the disk with this folder is full"))
    check("DYSK" in ops.status(), ops.status())
    ops.kill()
    ops.start()
    play.wait("told again after a restart", lambda: ops.said("the disk with this folder is full"))
    check(ops.process.poll() is None, "it ended")
    disk.free()
    play.wait("all of them", lambda: {r["eventId"] for r in receipts} <= set(ops.inbox()))
    play.wait("told that it goes on", lambda: ops.said("has room again"))
    check(ops.said("the disk with this folder is full") == 1, "told more than once")
    check("DYSK" not in ops.status(), ops.status())
    check(len(events_of(ops)) == len(ops.inbox()), "an event was filed twice")
    ops.end()


def a_sender_with_a_full_disk_loses_nothing_and_repeats_nothing(world, disk):
    school = Folder(world.school, disk.dir, "small-school")
    names = [f"s{i:02d}" for i in range(30)]
    for name in names:
        school.drop(name, referral())
    disk.fill()
    for _ in range(3):
        school.start()
        play.wait("told", lambda: school.said("the disk with this folder is full"))
        school.kill()
    school.start()
    play.wait("told", lambda: school.said("the disk with this folder is full"))
    disk.free()
    receipts = [play.wait(f"the receipt of {name}", lambda name=name: school.receipt(name)) for name in names]
    check(len({r["seq"] for r in receipts}) == len(names), "two files share a record")
    ids = {r["eventId"] for r in receipts}
    play.wait("at the other", lambda: ids <= set(world.ops.inbox()))
    play.wait("nothing left over", lambda: school.files("outbox") == [] and school.files("state/out") == [])
    school.end()


def a_wrong_clock_is_told_and_not_believed(world, root):
    """Years ahead and years behind: what is sent bears the broker's time, and nothing is refused for it."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "")
    for name, ahead in (("ahead", 3 * YEAR_S), ("behind", -9 * YEAR_S)):
        folder = Folder(world.school, root, f"clock-{name}")
        folder.environment = {"LD_PRELOAD": os.environ["WICI_FAULT_LIB"], "WICI_FAULT_AHEAD": str(ahead),
                              "ASAN_OPTIONS": sanitizer + ":verify_asan_link_order=0"}
        folder.start()
        play.wait("told", lambda folder=folder: folder.said("clock is wrong"))
        check("zegar" in folder.status().lower(), folder.status())
        sent = time.time()
        folder.drop("a", referral())
        receipt = play.wait("the receipt", lambda folder=folder: folder.receipt("a"))
        event = play.wait("at the other", lambda receipt=receipt: world.ops.inbox().get(receipt["eventId"]))
        occurred = datetime.datetime.fromisoformat(event["header"]["occurredAt"].replace("Z", "+00:00")).timestamp()
        check(abs(occurred - sent) < 120, f"occurred at {event['header']['occurredAt']}")
        work = play.wait("the list", lambda folder=folder: os.path.exists(f"{folder.dir}/worklist.json") and
                         folder.text("worklist.json"))
        day = datetime.date.fromisoformat(json.loads(work)["asOf"])
        check(abs((day - datetime.date.today()).days) <= 1, f"the list is of {day}")
        play.wait("who has fetched it", lambda folder=folder: "a.delivery.json" in folder.files("sent") and
                  json.loads(folder.text("sent/a.delivery.json"))["fetchedByAll"])
        folder.end()
        check(folder.said("clock is wrong") == 1, "told more than once")


def very_many_files_are_sent_once_whoever_is_killed(world, disk):
    """An outbox of thousands of files, as a first import makes it."""
    random.seed(int(os.environ.get("WICI_SEED", "7")))
    school = Folder(world.school, disk.dir, "many")
    school.settings = "delivery_seconds = 3600\n"  # one question for each file; the rest as it is where nobody changed it
    text = json.dumps(referral(), ensure_ascii=False)
    first = json.loads(text)["header"]["dossierId"]
    for i in range(MANY):
        with open(f"{school.dir}/outbox/m{i:05d}.json", "w", encoding="utf-8") as f:
            f.write(text.replace(first, f"00000000-0000-4000-8000-{i:012x}"))
    begun = time.monotonic()
    for _ in range(4):
        school.start()
        time.sleep(random.uniform(0.3, 1.5))  # a moment nobody chose
        school.kill()
    school.start()
    play.wait("all sent", lambda: len([f for f in os.listdir(f"{school.dir}/sent") if f.endswith(".receipt.json")]) == MANY, 200)
    print(f"   {MANY} files in {time.monotonic() - begun:.1f} s", flush=True)
    school.end()
    check(school.files("outbox") == [] and school.files("rejected") == [], "something was left or refused")
    seqs = set()
    for i in range(MANY):
        seqs.add(school.receipt(f"m{i:05d}")["seq"])
    check(len(seqs) == MANY, "two files share a record")


def main():
    if "WICI_INNER" not in os.environ:  # a mount of our own, gone with us
        os.environ["WICI_INNER"] = "1"
        for words in (["unshare", "-m"], ["unshare", "-rm"]):
            if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
                os.execvp(words[0], [*words, sys.executable, "-B", __file__])
        print("neither root nor user namespaces: no small disk can be mounted")
        sys.exit(77)
    root = tempfile.mkdtemp(prefix="wici-agent-trouble-")
    disk, large = Disk(root, "small", "16m"), Disk(root, "large", "512m")
    world = World(root)
    world.school.start()
    world.ops.start()
    try:
        a_full_disk_is_told_and_waited_for(world, disk)
        print("ok full disk, receiving", flush=True)
        a_sender_with_a_full_disk_loses_nothing_and_repeats_nothing(world, disk)
        print("ok full disk, sending", flush=True)
        if "WICI_FAULT_LIB" in os.environ:
            a_wrong_clock_is_told_and_not_believed(world, root)
            print("ok wrong clock", flush=True)
        very_many_files_are_sent_once_whoever_is_killed(world, large)
        print("ok very many files", flush=True)
        world.stop()
    except BaseException:
        print("kept for a look:", root, flush=True)
        for agent in [*Folder.all, world.school, world.ops]:
            if agent.process and agent.process.poll() is None:
                agent.process.kill()
        world.broker.kill()
        raise
    finally:
        disk.close()
        large.close()
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
