#!/usr/bin/env python3
"""Marked personal data and the ids of dossiers, searched for wherever a program of ours leaves bytes: nothing is found where
docs/AUDIT.md ("Where something of a dossier can be found") promises that nothing is.

A school refers two families, each with a scan; one is erased later. What is marked: names, an address, texts, the bytes and the
name of the scan, an auditor's stated reason, and the dossier's id. Each is searched raw, in hexadecimal digits of both cases and
in base64 at all three alignments. The table in docs/AUDIT.md is read: a row is a place, a column a moment

    before      both families are there, a backup was made
    erased      the one is erased; the agents had the notice
    compacted   wicid compact, wicid kek rotate, wicid started again, a new backup
    old back    the log is lost, and the backup of before takes its place, with the key store and the key of now

and a cell "0" is a promise. Where the table says "yes" it has to be found: a search that finds nothing finds nothing out.

Usage: test_search.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import base64
import glob
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import uuid

SOURCE = os.environ["WICI_SOURCE"]
sys.path.insert(0, os.path.join(SOURCE, "tests", "golden"))
sys.path.insert(0, os.path.join(SOURCE, "tests", "e2e"))
sys.dont_write_bytecode = True
import play  # noqa: E402
from test_agent_wire import Agent as WireAgent, check  # noqa: E402
from test_restore import Broker  # noqa: E402

BIN = os.environ["WICI_BIN"]
MOMENTS = ("before", "erased", "compacted", "old back")
REGION_MAX = 1 << 28  # of memory: a sanitizer's shadow is larger, and holds no bytes of ours


# ---- searching

def forms(mark):
    """The bytes that a mark may be written as."""
    found = {mark, mark.hex().encode(), mark.hex().upper().encode()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + mark)
        text = text[(0, 2, 3)[before]:(before + len(mark)) * 8 // 6]  # without what its neighbours have a part in
        found |= {text, text.translate(bytes.maketrans(b"+/", b"-_"))}
    return found


def id_forms(dossier):
    """The same of a dossier's id: its text, and its 16 bytes."""
    return forms(dossier.encode()) | {dossier.upper().encode(), dossier.replace("-", "").encode()} | \
        forms(uuid.UUID(dossier).bytes)


def hits(data, needles):
    """Those that are in there."""
    return sorted(needle for needle in needles if needle in data)


def files_below(*paths):
    """Regular files, with their names: a name is bytes too."""
    for path in paths:
        for found in glob.glob(path):
            if os.path.isfile(found):
                yield found
            for folder, _, names in os.walk(found):
                yield from (os.path.join(folder, name) for name in names if os.path.isfile(os.path.join(folder, name)))


def search(needles, *paths):
    """What is found in files and their names: [(file, form)]."""
    found = []
    for path in files_below(*paths):
        with open(path, "rb") as f:
            found += [(path, needle) for needle in hits(f.read() + b"\0" + os.path.basename(path).encode(), needles)]
    return found


def memory_of(pid):
    """What a core dump of the process would hold of its own: memory that is no file's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, rights, _, _, inode = line.split()[:5]
            begin, end = (int(part, 16) for part in span.split("-"))
            if rights[:2] != "rw" or inode != "0" or end - begin > REGION_MAX:
                continue
            try:
                memory.seek(begin)
                yield memory.read(end - begin)
            except (OSError, OverflowError, ValueError):
                continue  # guard pages; a region that is gone


def search_memory(needles, pid):
    """The same in a process's memory."""
    return [("memory", needle) for data in memory_of(pid) for needle in hits(data, needles)]


def check_the_search(root):
    """A mark that is planted is found, in each form and at each place within a group of base64."""
    mark, dossier = b"Zaznaczona-Planta", str(uuid.uuid4())
    planted = [mark, mark.hex().encode(), mark.hex().upper().encode()]
    planted += [base64.b64encode(b"abcdef"[:n] + mark + b"xyz"[:k]) for n in range(6) for k in range(3)]
    planted += [base64.urlsafe_b64encode(b"\xff\xfe\xfd"[:n] + mark) for n in range(3)]
    for n, data in enumerate(planted):
        with open(f"{root}/planted", "wb") as f:
            f.write(b"\0" * n + data + b"\0")
        check(search(forms(mark), f"{root}/planted"), f"a planted mark is not found: {data}")
    for data in (dossier.encode(), dossier.upper().encode(), uuid.UUID(dossier).bytes, uuid.UUID(dossier).hex.encode(),
                 base64.b64encode(b"z" + uuid.UUID(dossier).bytes)):
        with open(f"{root}/planted", "wb") as f:
            f.write(data)
        check(search(id_forms(dossier), f"{root}/planted"), f"a planted id is not found: {data}")
    os.rename(f"{root}/planted", f"{root}/{mark.decode()}")
    check(search(forms(mark), f"{root}/{mark.decode()}"), "a planted file name is not found")
    os.unlink(f"{root}/{mark.decode()}")
    check(not search(forms(b"Zaznaczona-inna"), root), "something is found that is not there")
    kept = mark + b"-w-pamieci"
    check(search_memory(forms(kept), os.getpid()), "what is in memory is not found")


# ---- the promise

def promises():
    """The table of docs/AUDIT.md: place -> moment -> word."""
    with open(f"{SOURCE}/docs/AUDIT.md", encoding="utf-8") as docs:
        text = docs.read()
    text = text[text.index("## Where something of a dossier can be found"):].split("\n## ", 2)[0]
    rows = re.findall(r"^\| (.+?) \|(.*)\|$", text, re.M)[1:]
    check(len(rows) > 10, "the table is there")
    return {place: dict(zip(MOMENTS, (cell.strip() for cell in cells.split("|")))) for place, cells in rows}


# ---- the town

class Agent(WireAgent):
    """An agent with a choice of what becomes of erased copies."""

    erased = "aside"

    def configure(self):
        super().configure()
        with open(self.config, "a", encoding="utf-8") as f:
            f.write(f"erased = {self.erased}\n")


class Town:
    """A broker with a place for backups, a school that sends, a centre that receives, another one that has no part in it."""

    def __init__(self, root):
        self.root = root
        for folder in ("backup", "backup-keys", "media", "said"):
            os.makedirs(f"{root}/{folder}")
        self.broker = Broker(BIN, root, "gmina", "Urząd Gminy")
        self.broker.start()
        self.admin = play.Cli(self.broker, f"{root}/admin.key", root)
        roles = f"{SOURCE}/agents/roles"
        self.school = Agent(self.broker, root, "sp3", f"{roles}/school.role")
        self.centre = Agent(self.broker, root, "ops", f"{roles}/ops.role")
        self.centre.erased = "remove"
        self.other = Agent(self.broker, root, "inny", f"{roles}/ops.role")
        self.agents = (self.school, self.centre, self.other)
        for agency, name, kind in (("szkola", "Szkoła", "SCHOOL"), ("mops", "Ośrodek", "OPS"), ("gops", "Inny ośrodek", "OPS"),
                                   ("nadzor", "Nadzór", "AUDIT")):
            self.admin.run("agency", "add", agency, "--name", name, "--kind", kind)
        for agent, agency, role in ((self.school, "szkola", "SCH"), (self.centre, "mops", "SW"), (self.other, "gops", "SW")):
            self.admin.run("unit", "add", agent.unit, "--agency", agency, "--name", f"Jednostka {agent.unit}", "--role", role,
                           "--key", agent.public)
        for unit, agency, role in (("audyt", "nadzor", "AUD"), ("straznik", "gmina", "CLERK")):
            os.makedirs(f"{root}/{unit}")
            public = play.key_generate(self.broker, f"{root}/{unit}/unit.key")
            self.admin.run("unit", "add", unit, "--agency", agency, "--name", unit, "--role", role, "--key", public)
        for agent in self.agents:
            agent.start()

    def mark(self, what):
        """Bytes that stand nowhere else."""
        return f"Zaznaczona{what}{secrets.token_hex(6)}"

    def say(self, unit, *words, key=None):
        """Runs wici as a unit; what it says to stderr is kept beside the logs, what it prints is for who asked."""
        cli = play.Cli(self.broker, key or f"{self.root}/{unit}/unit.key", f"{self.root}/said")
        done = subprocess.run([f"{BIN}/wici", *words, "-c", cli.config], capture_output=True, text=True, check=False)
        with open(f"{self.root}/said/wici.log", "a", encoding="utf-8") as log:
            log.write(done.stderr)
        return done

    def refer(self, name, dossier, marks):
        """A referral with everything marked, sent and received, with its scan."""
        os.makedirs(f"{self.school.dir}/outbox/{name}.files")
        with open(f"{self.school.dir}/outbox/{name}.files/{marks['file']}.pdf", "wb") as scan:
            scan.write(b"%PDF-1.7\n" + (marks["scan"].encode() + b" ") * 20000)
        self.school.drop(name, {
            "header": {"type": "REFERRAL_SUBMITTED", "dossierId": dossier, "to": [{"unit": "ops"}]},
            "sections": [
                {"referralSubmittedS0": {"referralId": str(uuid.uuid4()), "informationReceivedOn": "2026-03-01"}},
                {"subjects": ["osoba-1"], "referralSubmittedS1": {"persons": [{"personRef": "osoba-1", "name": marks["name"]}]}},
                {"referralSubmittedS6": {"paperKind": "INFORMATION", "service": "FAMILY_ASSISTANT", "sourceKind": "SCHOOL",
                                         "reasonText": marks["text"], "documents": [{"name": f"{marks['file']}.pdf"}]}}]})
        receipt = play.wait(f"receipt of {name}", lambda: self.school.receipt(name))
        number = f"{int(receipt['seq']):012}"
        for ending in (".json", "-1.pdf"):
            play.wait(f"{name} in the inbox", lambda ending=ending: glob.glob(f"{self.centre.dir}/inbox/{number}-*{ending}"))
        play.wait(f"proof of {name}", lambda: os.path.exists(f"{self.school.dir}/sent/{name}.receipt"))
        return number

    def fill(self):
        """Two families; everything that is asked of the one that goes."""
        self.gone, self.stays = str(uuid.uuid4()), str(uuid.uuid4())
        kinds = ("name", "text", "scan", "file")
        self.marks = {kind: self.mark(kind) for kind in kinds}
        self.kept = {kind: self.mark(kind) for kind in kinds}
        self.reason = self.mark("reason")
        self.number = self.refer("odchodzi", self.gone, self.marks)
        self.refer("zostaje", self.stays, self.kept)
        for unit, *words in (("ops", "read", "--dossier", self.gone, "--json"), ("ops", "tail", "--cursor", "okno", "--dossier", self.gone,
                                                                            "--dossier", self.stays, "-n", "2"),
                             ("audyt", "read", "--dossier", self.gone, "--reason", self.reason), ("inny", "read", "--dossier", self.gone),
                             ("ops", "audit", "reads", "--dossier", self.gone), ("ops", "worklist"), ("ops", "deadlines")):
            self.say(unit, *words)
        clerk = f"{self.root}/straznik/clerk.conf"
        with open(clerk, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.broker.endpoint}\nserver_key = {self.broker.server_key}\nkey_file = unit.key\n")
        with open(f"{self.root}/straznik/clerk.log", "ab") as log:
            subprocess.run([f"{BIN}/wici-clerk", "-c", clerk, "-v", "--once"], stdout=subprocess.DEVNULL, stderr=log, check=False)

    def backup(self, label):
        """A backup; it has to be made."""
        told = json.loads(self.admin.run("backup", label, "--json"))
        check(told["state"] == "DONE", str(told))

    def export(self, label):
        """What an auditor carries away."""
        done = self.say("audyt", "export", f"{self.root}/said/export-{label}")
        check(done.returncode == 0, done.stderr)

    # ---- where is what

    def places(self, moment, backup):
        """Place of the table -> what is found there now."""
        root, data = self.root, f"{self.root}/data"
        content = set().union(*(forms(mark.encode()) for mark in self.marks.values()))
        sealed, ids = content | forms(self.reason.encode()), id_forms(self.gone)
        both, pid = sealed | ids, self.broker.process.pid
        away = content | ids  # what an office has
        return {
            "the log's file: content": search(sealed, f"{data}/log/data.mdb"),
            "the log's file: ids, in filters of durable cursors": search(ids, f"{data}/log/data.mdb"),
            "the finding index": search(both, f"{data}/find"),
            "lock files": search(both, f"{data}/lock", f"{data}/*/lock.mdb"),
            "key store, key files, guard and its list": search(both, f"{root}/keys", f"{root}/kek*", f"{root}/guard*", f"{root}/*.key",
                                                               f"{root}/media"),
            "a backup made then: content": search(sealed, f"{root}/backup/{backup}", f"{root}/backup-keys/{backup}"),
            "a backup made then: ids, in filters": search(ids, f"{root}/backup/{backup}", f"{root}/backup-keys/{backup}"),
            "logs of all programs": search(both, f"{root}/wicid.log", f"{root}/*/agent.log", f"{root}/straznik/clerk.log",
                                           f"{root}/said/wici.log"),
            "memory of the broker: content": search_memory(content, pid),
            "memory of the broker: ids": search_memory(ids, pid),
            "folders of an agency that was given nothing": search(both, self.other.dir),
            "an export": search(both, f"{root}/said/export-{moment.replace(' ', '-')}"),
            "folders of an office with `erased = remove`": search(away, self.centre.dir),
            "folders of an office, but for `erased`": [hit for hit in search(away, self.school.dir)
                                                       if not hit[0].startswith(f"{self.school.dir}/erased/")],
            "its folder `erased`": search(away, f"{self.school.dir}/erased"),
        }

    def check(self, moment, backup):
        """Each place keeps its promise of this moment; what stays is found all the time."""
        self.export(moment.replace(" ", "-"))
        found = self.places(moment, backup)
        check(set(found) == set(PROMISES), f"places of the table and of the test: {set(found) ^ set(PROMISES)}")
        for place, what in found.items():
            word = PROMISES[place][moment]
            print(f"{moment:10} {place:55} {word:4} {len(what)}", flush=True)
            check(word in ("0", "yes", "may"), f"{place}: {word}")
            check(word != "0" or not what, f"{moment}: {place}: {what[:5]}")
            check(word != "yes" or what, f"{moment}: {place}: nothing is found")
        kept = set().union(*(forms(mark.encode()) for mark in self.kept.values())) | id_forms(self.stays)
        check(search(kept, f"{self.centre.dir}/inbox"), "the other family is in the inbox")
        check(not search(kept - id_forms(self.stays), f"{self.root}/data", f"{self.root}/keys", f"{self.other.dir}"),
              "the other family's content is sealed too")


PROMISES = promises()


def erase(town):
    """The order, carried out here and by the agents."""
    order = f"{town.root}/order.pdf"
    with open(order, "w", encoding="utf-8") as f:
        f.write(f"Postanowienie w sprawie {town.marks['name']}")
    done = town.say("admin", "erase", town.gone, "--reason", "GDPR_17", "--order", order, "--yes", key=f"{town.root}/admin.key")
    check(done.returncode == 0, done.stderr)
    os.unlink(order)  # it stays with the administrator
    for agent in (town.school, town.centre):
        play.wait(f"{agent.unit} has carried out the notice",
                  lambda agent=agent: re.search(r"(were erased by order|na polecenie)", agent.text("agent.log")))
        play.wait(f"the work list of {agent.unit} is made anew",
                  lambda agent=agent: not search(id_forms(town.gone), f"{agent.dir}/worklist.*"))


def compact_and_rotate(town):
    """On the stopped broker."""
    town.broker.stop()
    town.broker.wicid("compact")
    town.broker.wicid("kek", "rotate", "--copy", f"{town.root}/media/keys", "--kek-copy", f"{town.root}/media/kek")
    town.broker.start()


def put_the_old_backup_back(town):
    """The log is lost; the key store, the key and the guard are there."""
    vkeys = re.findall(r"^vkey (.*)$", open(f"{town.root}/backup/old/BACKUP", encoding="utf-8").read(), re.M)
    words = [word for vkey in vkeys for word in ("--vkey", vkey)]
    done = subprocess.run([f"{BIN}/wici-verify", *words, "--key-dir", f"{town.root}/backup-keys/old", "--kek", f"{town.root}/kek",
                           f"{town.root}/backup/old"], capture_output=True, text=True, check=False)
    check(done.returncode == 3, f"the old key store is useless with the key of now: {done.returncode} {done.stdout}{done.stderr}")
    town.broker.stop()
    shutil.rmtree(f"{town.root}/data")
    town.broker.wicid("restore", f"{town.root}/backup/old")
    town.broker.wicid("init", "--new-epoch")
    said = town.broker.wicid("compact", expect=1)  # what was erased would come along
    check("start wicid" in said, said)
    town.broker.start()
    town.say("ops", "read", "--dossier", town.stays, "--json")
    done = town.say("ops", "read", "--dossier", town.gone)
    check(done.returncode == 5, f"what was erased is given to nobody: {done.returncode} {done.stdout}")


def the_whole_story(town):
    """Four moments."""
    town.fill()
    town.backup("old")
    town.check("before", "old")
    erase(town)
    town.backup("after")
    town.check("erased", "after")
    compact_and_rotate(town)
    town.backup("fresh")
    town.check("compacted", "fresh")
    put_the_old_backup_back(town)
    town.backup("again")
    town.check("old back", "again")


def main():
    root = tempfile.mkdtemp(prefix="wici-search-")
    check_the_search(root)
    town = Town(root)
    try:
        the_whole_story(town)
        print("ok", flush=True)
        for agent in town.agents:
            agent.stop()
        town.broker.stop()
    except BaseException:
        print("kept for a look:", root, flush=True)
        for process in [agent.process for agent in town.agents] + [town.broker.process]:
            if process and process.poll() is None:
                process.kill()
        raise
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
