"""The commands of docs/INSTALL.md, run in their order in a folder of its own: they end with the first event delivered.

Paths lead into the folder, the port is a free one; accounts, apt and the build are left out, and systemctl starts and stops
the ExecStart= of the installed units by itself. WICI_BUILD and WICI_SOURCE name the folders.
"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

BUILD, SOURCE = os.environ["WICI_BUILD"], os.environ["WICI_SOURCE"]
# What needs root or an empty machine; each must occur, or the page has changed.
LEFT_OUT = ("./scripts/prepare", "cmake --preset", "cmake --build", "ldconfig", "adduser", "chown", "journalctl")
SYSTEMCTL = r"""#!/usr/bin/env python3
import os, re, signal, subprocess, sys, time
root = os.environ["WALK_ROOT"]
verb, names = sys.argv[1], [word for word in sys.argv[2:] if not word.startswith("--")]
for name in names:
    if name.endswith(".timer"):
        open(f"{root}/usr/local/lib/systemd/system/{name}").close() # nothing to wait for
        continue
    file, instance = re.sub("@.*", "@", name), name.partition("@")[2]
    note = f"{root}/{name}.pid"
    if verb in ("stop", "restart"):
        pid = int(open(note).read())
        os.kill(pid, signal.SIGTERM)
        while os.path.exists(f"/proc/{pid}") and open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z":
            time.sleep(0.02)
    if verb in ("enable", "start", "restart"):
        text = open(f"{root}/usr/local/lib/systemd/system/{file}.service").read()
        command = re.search("^ExecStart=(.*)$", text, re.M)[1].replace("%i", instance)
        command = command.replace("/etc/wici", f"{root}/etc/wici").split()
        log = open(f"{root}/{name}.log", "a")
        os.makedirs(f"{root}/var/lib/wici-agent", exist_ok=True)
        pid = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True).pid
        open(note, "w").write(str(pid))
        time.sleep(1)
"""


def blocks():
    """The commands of the page, up to what needs systemd's own credentials."""
    with open(f"{SOURCE}/docs/INSTALL.md", encoding="utf-8") as f:
        return [block for block in re.findall(r"^```sh\n(.*?)^```$", f.read(), re.M | re.S) if "/run/credentials" not in block]


def here(text, root, port):
    """The same commands for a folder instead of a machine."""
    text = re.sub(r"^( *)cmake --install build/release$", rf"\1cmake --install {BUILD} --prefix {root}/usr/local >{root}/installed",
                  text, flags=re.M)
    text = re.sub(r"(?<![\w.])/(etc/wici|var/lib|var/backups|usr/local|root/\.config)", rf"{root}/\1", text)
    lines = [f"{re.match(' *', line)[0]}:" if line.strip().startswith(LEFT_OUT) else line for line in text.splitlines()]
    return "\n".join(lines).replace(":5599", f":{port}") + "\n"


def free_port():
    """A port nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def prepare(root, port):
    """What the machine brings: systemctl, folders, and settings that name the folder."""
    for folder in ("bin", "etc/wici", "var/backups", "var/lib"):
        os.makedirs(f"{root}/{folder}")
    with open(f"{root}/bin/systemctl", "w", encoding="utf-8") as f:
        f.write(SYSTEMCTL)
    os.chmod(f"{root}/bin/systemctl", 0o755)
    settings = [f"listen = tcp://127.0.0.1:{port}", f"data.dir = {root}/var/lib/wici/data",
                f"key.dir = {root}/var/lib/wici/keys", f"kek.file = {root}/etc/wici/kek",
                f"curve.key = {root}/etc/wici/curve.key",
                f"backup.dir = {root}/var/backups/wici/log", f"backup.key_dir = {root}/var/backups/wici/keys",
                f"checkpoint.key = {root}/etc/wici/checkpoint.key", f"guard.file = {root}/var/lib/wici/guard", "data.size_max = 64M"]
    return "\n".join(settings)


def walk(root):
    """Runs the page; returns what is wrong."""
    port = free_port()
    settings = prepare(root, port)
    script = "".join(here(block, root, port) for block in blocks())
    missing = [word for word in LEFT_OUT if word not in "".join(blocks())]
    if missing:
        return f"docs/INSTALL.md has no {missing}"
    init = f"{root}/usr/local/sbin/wicid init"
    if init not in script:
        return "docs/INSTALL.md does not make a log"
    script = script.replace(init, f"cat >> {root}/etc/wici/wicid.conf <<END\n{settings}\nEND\n{init} -c {root}/etc/wici/wicid.conf")
    environment = dict(os.environ, PATH=f"{root}/bin:{root}/usr/local/bin:{os.environ['PATH']}", WALK_ROOT=root,
                       WICI_CONFIG=f"{root}/root/.config/wici/wici.conf", LC_ALL="pl_PL.UTF-8")
    done = subprocess.run(["sh", "-eu"], input=script, text=True, capture_output=True, env=environment, timeout=150)
    if done.returncode != 0:
        return f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    pages = glob.glob(f"{root}/var/lib/wici-agent/ops/inbox/*-referral.html")
    receipts = glob.glob(f"{root}/var/lib/wici-agent/sp12/sent/zgloszenie.receipt.json")
    if len(pages) != 1 or len(receipts) != 1:
        return f"the first event did not arrive\n{done.stdout}\n{done.stderr}"
    with open(pages[0], encoding="utf-8") as f:
        if "Jan Przykładowy" not in f.read():
            return "the page does not tell the child's name"
    for backup in ("log/*/BACKUP", "log/*/log/data.mdb", "keys/*/BACKUP", "keys/*/keys"):
        if len(glob.glob(f"{root}/var/backups/wici/{backup}")) != 1:
            return f"there is no backup {backup}"
    after = subprocess.run(["wici", "status", "--json"], capture_output=True, text=True, env=environment, check=False)
    if after.returncode != 0 or int(json.loads(after.stdout)["status"]["safeUpTo"]) <= 7:
        return f"the backup is not known to the broker\n{after.stdout}{after.stderr}"
    return None


def main():
    root = tempfile.mkdtemp(prefix="wici-walk-")
    try:
        wrong = walk(root)
        if wrong:
            for log in glob.glob(f"{root}/*.log"):
                with open(log, encoding="utf-8") as f:
                    print(f"-- {os.path.basename(log)}\n{f.read()}")
    finally:
        for note in glob.glob(f"{root}/*.pid"):
            with open(note, encoding="utf-8") as f:
                subprocess.run(["kill", f.read()], check=False, stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        shutil.rmtree(root, ignore_errors=True)
    if wrong:
        sys.exit(wrong)


main()
