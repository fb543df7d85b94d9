"""What faults.py runs: a wicid that one call fails in, a log to start from, peers that come back, their books."""
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import time

SOURCE = os.environ.get("WICI_SOURCE", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
sys.path.insert(0, os.path.join(SOURCE, "tests", "interop"))
import wici_client  # pylint: disable=wrong-import-position
from wici_client import DOCUMENT_CHUNK, Disconnected, KeyRefused, Refused, Timeout  # pylint: disable=wrong-import-position
from world import World, letter, new_id  # pylint: disable=wrong-import-position

UNITS = {"sw": ("ops", ["SW"]), "sw2": ("ops", ["SW"]), "audyt": ("nadzor", ["AUD"])}
AGENCIES = {"ops": ("OPS", ["OPS"]), "nadzor": ("Nadzór", ["AUDIT"])}
PATIENCE = 4  # seconds until a peer tries again on a new connection
ATTEMPTS = 4  # at least, until a peer gives up
ATTEMPTS_FOR = 30  # and for so many seconds: a broker that latched takes its time to end on a busy machine
WAIT = 60  # seconds for a start or an end
CRASHED = 99  # a sanitizer's exit code


class Broken(Exception):
    """A promise was broken."""


class Gone(Exception):
    """The broker has ended."""


def check(promise, holds):
    """Raises Broken unless the promise holds."""
    if not holds:
        raise Broken(promise)


class Probe(wici_client.Client):
    """A client that does not wait for long."""

    def wait(self, kind, timeout=PATIENCE, **fields):
        return super().wait(kind, min(timeout, PATIENCE), **fields)


class Process:
    """One wicid, with or without a fault; ahead: by how many seconds its clock is."""

    def __init__(self, root, arguments, fault=None, program=None, ahead=0):
        self.root, self.log = root, f"{root}/log"
        self.report = f"{root}/report"
        env = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        env["ASAN_OPTIONS"] = f"exitcode={CRASHED}"
        if fault or ahead:
            env |= {"LD_PRELOAD": os.environ["WICI_FAULT_LIB"], "WICI_FAULT_AHEAD": str(ahead)}
            env["ASAN_OPTIONS"] += ":verify_asan_link_order=0"
        if fault:
            if os.path.exists(self.report):
                os.unlink(self.report)
            env |= {"WICI_FAULT": fault, "WICI_FAULT_ROOT": root, "WICI_FAULT_REPORT": self.report}
        self.may_die = bool(fault) and "KILL" in fault
        self.from_byte = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen([program or f"{os.environ['WICI_BIN']}/wicid", *arguments, "-c", f"{root}/wicid.conf"], env=env,
                                          stdout=subprocess.PIPE, stderr=log, text=True)
        self.endpoint = None

    def listens(self):
        """Waits until it listens; False: it ended."""
        if not select.select([self.child.stdout], [], [], WAIT)[0]:
            raise Broken("it neither started nor ended")
        line = self.child.stdout.readline()
        if line.startswith("listening "):
            self.endpoint = line.split()[1]
        return self.endpoint is not None

    def ended(self):
        """Has it ended by itself?"""
        return self.child.poll() is not None

    def end(self, number=None):
        """Its exit code, after this signal."""
        try:
            if number and not self.ended():
                self.child.send_signal(number)
            code = self.child.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Broken("it did not end") from None
        finally:
            self.child.stdout.close()
        check(f"it ended by signal {-code}:\n{self.said()}", code >= 0 or (self.may_die and code == -signal.SIGKILL))
        check(f"a sanitizer ended it:\n{self.said()}", code != CRASHED)
        return code

    def kill(self):
        """Ends it, if it runs, whatever there is to say."""
        if not self.ended():
            self.child.kill()
            self.child.wait()
            self.child.stdout.close()

    def said(self):
        """What it wrote to its log."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            log.seek(self.from_byte)
            return log.read()

    def reported(self):
        """(calls of the kind, whether the fault happened, messages sent since, where)."""
        with open(self.report, "rb") as report:
            count, reached, said, where = struct.unpack("=QQQ200s", report.read(224))
        return count, reached != 0, said, where.rstrip(b"\0").decode()


def configure(root):
    """Writes the configuration of a broker in this directory."""
    with open(f"{root}/wicid.conf", "w", encoding="utf-8") as conf:
        conf.write(f"listen = tcp://127.0.0.1:*\ndata.dir = {root}/data\nkey.dir = {root}/keys\n"
                   f"kek.file = {root}/kek\ncurve.key = {root}/broker.key\ndata.size_max = 64M\n"
                   f"checkpoint.key = {root}/checkpoint.key\nguard.file = {root}/guard\n")


def verify(root, label, keys=None, kek="kek"):
    """The exit code of wici-verify for a backup."""
    with open(f"{root}/backup/{label}/BACKUP", encoding="utf-8") as what:
        vkeys = [word for vkey in re.findall(r"^vkey (.*)$", what.read(), re.M) for word in ("--vkey", vkey)]
    return subprocess.run([f"{os.environ['WICI_BIN']}/wici-verify", *vkeys, "--key-dir", keys or f"{root}/backup-keys/{label}", "--kek",
                           f"{root}/{kek}", f"{root}/backup/{label}"], capture_output=True, check=False).returncode


def configure_backups(root):
    """Adds a place for backups."""
    for folder in ("backup", "backup-keys"):
        os.makedirs(f"{root}/{folder}", exist_ok=True)
    with open(f"{root}/wicid.conf", "a", encoding="utf-8") as conf:
        conf.write(f"backup.dir = {root}/backup\nbackup.key_dir = {root}/backup-keys\n")


class Template:
    """A log with units, a dossier, a cursor and a subscription whose window is open: a broker was killed on it."""

    def __init__(self, root):
        self.root = root
        self.world = World(root, AGENCIES, UNITS)
        self.wici = self.world.wici
        self.dossier = new_id()
        self.books = {}  # event id -> Line
        with self.world.session("sw") as sender, self.world.session("sw2") as reader:
            reader.subscribe(1, cursor="inbox")
            for text in ("pierwszy", "drugi"):
                line = Line(self.wici, self.letter(self.dossier, text))
                line.take(self.wici, sender.publish(line.event)[0].receipt)
                self.books[line.id] = line
            seen = reader.deliveries_to(1, line.seq)[-1].seq
            reader.ack(1, seen)
            self.cursor = seen
            for text in ("trzeci", "czwarty"):  # the cursor rides in these commits
                line = Line(self.wici, self.letter(self.dossier, text))
                line.take(self.wici, sender.publish(line.event)[0].receipt)
                self.books[line.id] = line
            reader.deliveries_to(1, line.seq)
            self.world.broker.kill()

    def letter(self, dossier, text, to="sw2"):
        """An info.provided of sw."""
        return self.world.event("sw", "INFO_PROVIDED", dossier, *letter(text), to=[to])

    def copy(self, root):
        """The same in another directory."""
        for name in ("data", "keys"):
            shutil.copytree(f"{self.root}/{name}", f"{root}/{name}")
        for name in ("kek", "broker.key", "admin.key", "checkpoint.key", "guard"):
            shutil.copy(f"{self.root}/{name}", f"{root}/{name}")
        configure(root)


class Line:
    """A line in the books: an event, and what is known of it."""

    def __init__(self, wici, event):
        self.event, self.id = event, wici.header(event).event_id
        self.seq = self.leaf = None
        self.warnings = []

    def take(self, wici, receipt):
        """Enters a receipt: the first, or the same again."""
        leaf = wici.check_receipt(self.event, receipt)
        check("an event that is sent again gets the receipt it had",
              self.seq is None or (receipt.repeated and (self.seq, self.leaf) == (receipt.seq, leaf)))
        self.seq, self.leaf = receipt.seq, leaf
        self.warnings = [warning.code for warning in receipt.warnings]


class Peer:
    """One unit's session, opened again when it breaks; raises Gone when the broker has ended."""

    def __init__(self, template, process, unit, keys=None):
        self.template, self.process, self.unit = template, process, unit
        self.keys = keys or template.world.keys[unit]
        self.client = None
        self.cursor = False  # subscribed, once it is

    def close(self):
        """Ends the connection."""
        if self.client is not None:
            self.client.close()
            self.client = None

    def connected(self):
        """The connection, made when there is none."""
        if self.client is None:
            world = self.template.world
            self.client = Probe(self.template.wici, self.process.endpoint, world.broker.server_key, self.keys, "main")
            self.client.hello()
            if self.cursor:
                self.client.subscribe(1, cursor="inbox")
        return self.client

    def ask(self, what):
        """what(client), on new connections if need be."""
        last, attempts, until = None, 0, time.monotonic() + ATTEMPTS_FOR
        while attempts < ATTEMPTS or time.monotonic() < until:
            attempts += 1
            try:
                return what(self.connected())
            except (Disconnected, Timeout, Refused, KeyRefused) as broken:
                last = broken
                self.close()
                for _ in range(20):  # who latches ends within a moment
                    if self.process.ended():
                        raise Gone from None
                    time.sleep(0.01)
        raise Broken(f"{self.unit} is not served: {type(last).__name__} {last}")

    def publish(self, books, *events):
        """Publishes until each has a receipt."""
        lines = [books.setdefault(line.id, line) for line in (Line(self.template.wici, event) for event in events)]

        def publish_all(client):
            for line, answer in zip(lines, client.publish(*(line.event for line in lines))):
                if answer.WhichOneof("outcome") != "receipt":
                    raise Timeout(f"refused: {answer.refusal.code} {answer.refusal.path}")
                line.take(self.template.wici, answer.receipt)

        self.ask(publish_all)
        return lines


class Books:
    """What one run did."""

    def __init__(self, template):
        self.lines = dict(template.books)
        self.acked = template.cursor  # the last place that was told to be acknowledged
        self.new_keys = None  # of sw2, from the moment they are sent
        self.rotated = False  # ... and acknowledged

    def before(self, sender, seen):
        """Afterwards, before anything is sent again; seen: the ids in the log."""

    def after(self, sender, reader):
        """Afterwards, when everything was sent again."""


def check_log(wici, books, deliveries):
    """Every record: no gap, nothing strange, the books' lines at their numbers, once. Returns their ids."""
    seen = set()
    for seq, delivery in enumerate(deliveries, 1):
        check(f"numbers have no gap: {delivery.seq} stands where {seq} is due", delivery.seq == seq)
        leaf, header = wici.check_delivery(delivery), wici.header(delivery)
        check(f"record {seq} is there once", header.event_id not in seen)
        seen.add(header.event_id)
        line = books.lines.get(header.event_id)
        check(f"record {seq} was sent by somebody",
              line is not None or header.actor.unit in ("broker", "admin"))
        if line is not None and line.seq is not None:
            check(f"record {seq} is the one that was acknowledged", (line.seq, line.leaf) == (seq, leaf))
    missing = [line.seq for line in books.lines.values() if line.seq is not None and line.id not in seen]
    check(f"what was acknowledged is there: {missing} are missing", not missing)
    return seen
