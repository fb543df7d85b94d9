"""The units of systemd, as installed: they start what was installed, and leave little open.

`systemd-analyze security` must give at most 1.5. What libzmq would abort without stays allowed: it sets the scheduling policy
of its threads, and lists the interfaces when an address is named.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

EXPOSURE_MAX = 1.5
NEEDED = (("SystemCallFilter", "sched_setscheduler"), ("RestrictAddressFamilies", "AF_NETLINK"),
          ("RestrictAddressFamilies", "AF_INET6"), ("RestartPreventExitStatus", "2"), ("LimitCORE", "0"))


def settings(text):
    """The words of each setting, of all its lines."""
    found = {}
    for name, value in re.findall(r"^([A-Z]\w+)=(.*)$", text, re.M):
        found.setdefault(name, []).extend(value.split())
    return found


def faults(text, root):
    """What is wrong with a unit, a sentence each."""
    found = settings(text)
    for name, word in NEEDED:
        if word not in found.get(name, []):
            yield f"{name}= lacks {word}"
    program = found.get("ExecStart", [""])[0]
    if not program.startswith(root) or not os.access(program, os.X_OK):
        yield f"ExecStart= is not what was installed: {program}"


def exposure(path):
    """The number that systemd-analyze gives."""
    out = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", path], capture_output=True,
                         text=True, check=False)
    number = re.search(r"exposure level for \S+: ([0-9.]+)", out.stdout)
    return float(number[1]) if number else None


def main():
    root = tempfile.mkdtemp(prefix="wici-service-")
    wrong, measured = [], []
    try:
        subprocess.run(["cmake", "--install", os.environ["WICI_BUILD"], "--prefix", root], check=True, capture_output=True)
        for name in ("wicid.service", "wici-agent@.service", "wici-clerk.service"):
            path = f"{root}/lib/systemd/system/{name}"
            with open(path, encoding="utf-8") as f:
                text = f.read()
            if len(list(faults(text.replace("sched_setscheduler", "").replace(root, "/elsewhere"), root))) != 2:
                sys.exit("the checker does not notice planted faults")
            wrong += [f"{name}: {fault}" for fault in faults(text, root)]
            if shutil.which("systemd-analyze"):
                measured.append(exposure(path))
                if measured[-1] is None or measured[-1] > EXPOSURE_MAX:
                    wrong.append(f"{name}: exposure {measured[-1]}, at most {EXPOSURE_MAX}")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"exposure {measured}" if measured else "systemd-analyze is not installed: exposure not measured")


main()
