#!/usr/bin/env python3
"""No program of ours leaves a core dump, which would be a file with all that it had in memory.

Each is started where the system would write one: no limit, and the present folder for the file. It is killed as a crash
would kill it, and there is no file; its own limit is nothing, the hard one too. A program that is not ours leaves a core
in the same place, where the system is set up so (kernel.core_pattern), so that it is not the place that forbids it.
Built without sanitizers the process cannot be traced by its user either, so that no program is handed a dump.

Usage: test_core.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
sys.dont_write_bytecode = True
import play  # noqa: E402
from test_agent_wire import check  # noqa: E402
from test_restore import World  # noqa: E402

BIN = os.environ["WICI_BIN"]
# The sanitizers do not stand in for what is tested: they leave signals and limits alone.
SANITIZERS = "disable_coredump=0:handle_segv=0:handle_abort=0"


def cores(*folders):
    """Files that may be a dump."""
    return [f"{folder}/{name}" for folder in folders for name in os.listdir(folder) if re.match(r"core(\.|$)", name)]


def limit_of(pid):
    """Soft and hard limit of a core file, as words."""
    with open(f"/proc/{pid}/limits", encoding="utf-8") as limits:
        return re.search(r"^Max core file size +(\S+) +(\S+)", limits.read(), re.M).groups()


def crash(process):
    """As a fault in its memory would end it; how it ended."""
    process.send_signal(signal.SIGSEGV)
    return process.wait(play.DEADLINE)


def the_place_takes_a_core():
    """What a program of the system leaves there; it is removed again."""
    child = subprocess.Popen(["sleep", "60"])
    check(crash(child) == -signal.SIGSEGV, "sleep ends by the signal")
    found = cores(".")
    for path in found:
        os.unlink(path)
    return bool(found)


def leaves_none(name, process, *folders):
    """The program runs; it is crashed."""
    check(limit_of(process.pid) == ("0", "0"), f"{name}: limits of a core file: {limit_of(process.pid)}")
    check(crash(process) == -signal.SIGSEGV, f"{name}: ended by {process.returncode}")
    check(not cores(".", *folders), f"{name}: left {cores('.', *folders)}")


def programs(world, root):
    """Each program that stays."""
    world.ops.start()
    play.wait("the agent is connected", lambda: "connected:" in world.ops.text("agent.log"))
    os.makedirs(f"{root}/straznik")
    public = play.key_generate(world.broker, f"{root}/straznik/unit.key")
    world.admin.run("unit", "add", "straznik", "--agency", "gmina", "--name", "s", "--role", "CLERK", "--key", public)
    clerk = f"{root}/straznik/clerk.conf"
    with open(clerk, "w", encoding="utf-8") as f:
        f.write(f"endpoint = {world.broker.endpoint}\nserver_key = {world.broker.server_key}\nkey_file = {root}/straznik/unit.key\n")
    with open(f"{root}/said", "wb") as said:
        watching = subprocess.Popen([f"{BIN}/wici-clerk", "-c", clerk, "-v"], stdout=said, stderr=said)
        tail = subprocess.Popen([f"{BIN}/wici", "tail", "-c", world.admin.config], stdout=said, stderr=said)
        try:
            for name, process in (("wici-clerk", watching), ("wici", tail)):
                play.wait(f"{name} has forbidden it", lambda process=process: limit_of(process.pid) == ("0", "0"))
                leaves_none(name, process)
        finally:
            for process in (watching, tail):
                process.kill()
    leaves_none("wici-agent", world.ops.process, world.ops.dir)
    leaves_none("wicid", world.broker.process, f"{root}/data", f"{root}/data/log")


def main():
    """Everything in a folder of its own."""
    root = tempfile.mkdtemp(prefix="wici-core-")
    os.chdir(root)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    os.environ["ASAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("ASAN_OPTIONS"), SANITIZERS)))
    os.environ["TSAN_OPTIONS"] = ":".join(filter(None, (os.environ.get("TSAN_OPTIONS"), SANITIZERS)))
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as pattern:
        plain = re.match(r"core\b", pattern.read()) and hard != 0
    if plain:
        check(the_place_takes_a_core(), "a program of the system leaves a core here")
    world = World(root)
    try:
        programs(world, root)
    finally:
        for process in (world.ops.process, world.broker.process):
            if process and process.poll() is None:
                process.kill()
                process.wait()
    print("no program left a core dump" + ("" if plain else "; the system writes none here"))
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
