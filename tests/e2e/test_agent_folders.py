#!/usr/bin/env python3
"""Several folders of one unit: each is given everything, whichever was copied, put back, or used before it had a name.

Usage: test_agent_folders.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
sys.path[:0] = [os.path.join(SOURCE, "tests", folder) for folder in ("e2e", "golden", "interop")]
sys.dont_write_bytecode = True
import play  # noqa: E402
import wici_client  # noqa: E402
from test_agent_wire import BIN, FAST, Agent, World, check, referral  # noqa: E402

CURSORS_MAX = 64  # CURSORS_PER_UNIT_MAX


class Folder(Agent):
    """An agent of a unit that has a key already, with a folder of its own."""

    all = []

    def __init__(self, of, name):  # without a key: no __init__ of the base
        self.broker, self.unit, self.role_file, self.key, self.process = of.broker, of.unit, of.role_file, of.key, None
        self.dir, self.config = f"{of.dir}-{name}", f"{of.dir}-{name}.conf"
        os.makedirs(self.dir, exist_ok=True)
        self.log = open(f"{self.dir}/agent.log", "ab")
        self.log_start = 0
        Folder.all.append(self)

    def configure(self):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.broker.endpoint}\nserver_key = {self.broker.server_key}\nkey_file = {self.key}\n"
                    f"dir = {self.dir}\nrole = {self.role_file}\n{FAST}")

    def mark(self):
        return json.loads(self.text("state/mark"))["mark"]

    def said(self, text):
        return text in self.text("agent.log")[self.log_start:]


def send(world, *names):
    """Events from the school to ops; their ids."""
    for name in names:
        world.school.drop(name, referral())
    return {play.wait(f"the receipt of {name}", lambda name=name: world.school.receipt(name))["eventId"] for name in names}


def has(folder, ids):
    play.wait(f"{len(ids)} events in {folder.dir}", lambda: ids <= set(folder.inbox()))


def listed(world):
    """What the broker says of the cursors of ops."""
    return json.loads(world.cli.run("cursor", "list", "--json"))["cursors"]["cursors"]


def cursors(world):
    """The cursors of ops, by name."""
    return {cursor["cursor"]: int(cursor.get("seq", 0)) for cursor in listed(world)}


def drop(world, folder):
    """Drops the cursor of a folder that is not used any more, once its connection is noticed to be gone."""
    return subprocess.run([f"{BIN}/wici", "cursor", "drop", f"agent-{folder.mark()}", "-c", world.cli.config],
                          capture_output=True, check=False).returncode == 0


def reads(world, name):
    """Does somebody read with that cursor now?"""
    return any(cursor["cursor"] == name and cursor.get("connected") for cursor in listed(world))


def people_remove_and_replace_folders_while_it_runs(world):
    """What is sent and received meanwhile is there, once; a new outbox is looked at."""
    school, ops = world.school, Folder(world.ops, "tidy")
    ops.start()
    has(ops, send(world, "p0"))
    shutil.rmtree(f"{school.dir}/sent")
    send(world, "p1")
    shutil.rmtree(f"{ops.dir}/inbox")
    has(ops, send(world, "p2"))
    os.rename(f"{school.dir}/outbox", f"{school.dir}/outbox-before")
    os.mkdir(f"{school.dir}/outbox")
    has(ops, send(world, "p3"))
    play.wait("that nothing is under way", lambda: os.listdir(f"{school.dir}/state/out") == [])
    check(os.listdir(f"{school.dir}/outbox-before") == [], "left in the old outbox")
    check(os.listdir(f"{school.dir}/rejected") == [], "sent again, and refused")
    os.rename(f"{ops.dir}/state", f"{ops.dir}/elsewhere")
    play.wait("that it ends", lambda: ops.process.poll() is not None)
    check(ops.process.poll() != 0 and (ops.said("put it back") or ops.said("przywrócić")), ops.text("agent.log"))
    os.rename(f"{ops.dir}/elsewhere", f"{ops.dir}/state")
    ops.start()
    has(ops, send(world, "p4"))
    ops.end()
    play.wait("that its cursor is free", lambda: drop(world, ops))


def two_folders_of_a_unit_are_each_given_everything(world):
    a, b = Folder(world.ops, "a"), Folder(world.ops, "b")
    a.start()
    sent = send(world, "a1")
    has(a, sent)
    b.start()
    sent |= send(world, "a2", "a3", "a4")
    for folder in (a, b):
        has(folder, sent)
        check(not folder.said("E_TAKEN_OVER"), "they take something from each other")
    a.kill()
    sent |= send(world, "a5")
    has(b, sent)
    a.start()
    has(a, sent)
    check(a.mark() != b.mark(), "one name for two folders")
    check(set(cursors(world)) == {f"agent-{a.mark()}", f"agent-{b.mark()}"}, f"other cursors: {cursors(world)}")
    status = subprocess.run([f"{BIN}/wici-agent", "--status", "-c", a.config], capture_output=True, text=True, check=True).stdout
    check(f"agent-{a.mark()}" in status, "the status does not name the cursor")
    listed = subprocess.run([f"{BIN}/wici", "cursor", "list", "-c", a.config], capture_output=True, text=True, check=True).stdout
    check(f"agent-{b.mark()}" in listed, "wici does not take the agent's settings")
    a.end()
    b.end()
    return sent


def a_folder_put_back_from_a_copy_asks_for_what_came_since(world):
    a = Folder(world.ops, "a")
    shutil.copytree(a.dir, f"{a.dir}.copy")
    before = set(a.inbox())
    a.start()
    since = send(world, "r1", "r2")
    has(a, since)
    a.end()
    shutil.rmtree(a.dir)
    shutil.copytree(f"{a.dir}.copy", a.dir)
    a = Folder(world.ops, "a")
    a.start()
    has(a, since | before)
    check(a.said("is an older copy"), "not told")
    a.end()
    files = [f for f in a.files("inbox") if f.endswith(".json")]
    check(len(files) == len(set(a.inbox())) == len(since | before), "an event came twice")
    a.start()
    has(a, send(world, "r3"))
    check(a.text("agent.log")[a.log_start:].count("is an older copy") == 0, "told again")
    a.end()
    shutil.rmtree(f"{a.dir}.copy")


def two_copies_of_a_folder_part(world):
    a, c = Folder(world.ops, "a"), Folder(world.ops, "c")
    shutil.rmtree(c.dir)
    shutil.copytree(a.dir, c.dir)
    c = Folder(world.ops, "c")
    a.start()
    c.start()
    play.wait("other names", lambda: a.mark() != c.mark())
    sent = send(world, "c1", "c2")
    has(a, sent)
    has(c, sent)
    check(a.said("a copy of this folder") != c.said("a copy of this folder"), "not exactly one has another name")
    a.end()
    c.end()


def what_another_program_takes_with_the_cursor_comes_all_the_same(world):
    a = Folder(world.ops, "a")
    a.start()
    play.wait("it reads", lambda: a.said("connected:") and reads(world, f"agent-{a.mark()}"))
    other = subprocess.Popen([f"{BIN}/wici", "tail", "--cursor", f"agent-{a.mark()}", "-c", world.cli.config], text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        play.wait("told of it", lambda: a.said("nothing is received: E_TAKEN_OVER"))
        sent = send(world, "t1")
        check(other.stdout.readline(), "the other program was given nothing")
    finally:
        other.terminate()
        other.wait()
    has(a, sent)
    a.end()


def a_folder_from_before_goes_on_where_the_common_cursor_stood(world):
    """What an agent of an earlier version left behind: no mark, and a cursor whose name all folders had in common."""
    d = Folder(world.ops, "d")
    d.start()
    has(d, send(world, "u1"))
    d.end()
    for name in ("mark", "place"):
        os.remove(f"{d.dir}/state/{name}")
    seen = set(d.inbox())
    for path in d.files("inbox"):
        os.remove(f"{d.dir}/inbox/{path}")
    with open(f"{d.dir}/state/taken", "wb"):
        pass  # so that what came again would be seen
    world.cli.run("tail", "--cursor", "agent", "--count", str(len(seen)))  # where it stood
    stood = cursors(world)["agent"]
    sent = send(world, "u2")
    d.start()
    has(d, sent)
    d.end()
    for event in d.inbox().values():
        check(int(event["seq"]) > stood, "it did not begin where the common cursor stood")
    check(cursors(world)["agent"] == stood, "the common cursor was moved")


def a_unit_with_all_its_cursors_is_told_what_to_do(world):
    wici = wici_client.Protocol(os.path.join(SOURCE, "proto"))
    with open(world.ops.key, encoding="utf-8") as f:
        keys = re.search(r"public = (\S+)\s+secret = (\S+)", f.read()).groups()
    with wici_client.Client(wici, world.broker.endpoint, world.broker.server_key, keys, "many") as client:
        client.hello()
        for number in range(CURSORS_MAX - len(cursors(world))):
            client.subscribe(1, f"left-{number}", live=True)
            client.unsubscribe(1)
        client.query(status=wici.wire.StatusQuery())
    check(len(cursors(world)) == CURSORS_MAX, "not full")
    e = Folder(world.ops, "e")
    e.start()
    play.wait("what to do", lambda: e.said("wici cursor drop"))
    check(e.said("E_LIMIT"), e.text("agent.log"))
    status = subprocess.run([f"{BIN}/wici-agent", "--status", "-c", e.config], capture_output=True, text=True, check=True).stdout
    check("NICZEGO NIE ODBIERA" in status and "E_LIMIT" in status, status)
    school = play.Cli(world.broker, world.school.key, world.school.dir)
    school.run("cursor", "drop", "left-0", "--unit", "ops", expect=5)
    world.admin.run("cursor", "drop", "left-0", "--unit", "ops")
    has(e, send(world, "l1"))
    refused = subprocess.run([f"{BIN}/wici", "cursor", "drop", f"agent-{e.mark()}", "-c", world.cli.config], capture_output=True,
                             text=True, check=False)
    check(refused.returncode == 3 and "in use" in refused.stderr, refused.stderr)
    e.end()


def main():
    root = tempfile.mkdtemp(prefix="wici-agent-folders-")
    world = World(root)
    world.cli = play.Cli(world.broker, world.ops.key, world.ops.dir)
    world.school.start()
    try:
        for test in (people_remove_and_replace_folders_while_it_runs, two_folders_of_a_unit_are_each_given_everything,
                     a_folder_put_back_from_a_copy_asks_for_what_came_since, two_copies_of_a_folder_part,
                     what_another_program_takes_with_the_cursor_comes_all_the_same,
                     a_folder_from_before_goes_on_where_the_common_cursor_stood, a_unit_with_all_its_cursors_is_told_what_to_do):
            test(world)
            print("ok", test.__name__, flush=True)
        world.stop()
    except BaseException:
        print("kept for a look:", root, flush=True)
        subprocess.run(["tail", "-n", "30", *[f"{d}/agent.log" for d in
                                              (f"{root}/{n}" for n in os.listdir(root)) if os.path.exists(f"{d}/agent.log")]],
                       check=False)
        for agent in [*Folder.all, world.school]:
            agent.stop()
        world.broker.kill()
        raise
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
