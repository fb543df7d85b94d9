"""What erasing.py and faults.py run: a log in which there is something to erase, the order, and what has to hold after it."""
import hashlib
import os
import re
import shutil
import signal
import struct
import subprocess
import time

from faults_kit import Broken, Peer, Process, Refused, Template, check, letter, new_id

BIN = os.environ["WICI_BIN"]
WAIT = 20
ENTRY = 80  # bytes of an entry of the key store
ERASED = 2
LISTED = 32  # bytes of a key in the list beside the guard, with its sum
ORDER = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
HALF = b"%PDF w kawalkach " * 40000  # three chunks; one of them is there when the broker is killed
DOCUMENTS = {"first": b"%PDF pierwszy " * 30000, "second": b"%PDF drugi", "stays": b"%PDF zostaje"}  # the first has two chunks


class Checked(Process):
    """wicid_checked: ends with another code when what it holds is not as promised."""

    def __init__(self, root, fault=None, words=(), ahead=0):
        super().__init__(root, words, fault, os.environ["WICI_CHECKED"], ahead)

    def end(self, number=None):
        try:
            return super().end(number)
        except Broken:
            if self.child.returncode == -signal.SIGKILL:
                return -signal.SIGKILL
            raise


class Place(Template):
    """A log in which there is something to erase: the broker was killed on it."""

    def __init__(self, root):
        super().__init__(root)
        self.second, self.other = new_id(), new_id()
        self.given = {}  # unit: seqs of what goes that it was given
        self.stays = []
        process = Process(root, [])
        try:
            check(f"it starts: {process.said()}", process.listens())
            self.fill(process)
            process.kill()
        finally:
            process.kill()
        with open(f"{root}/keys/keys", "rb") as keys:
            self.erased_before = erased_entries(keys.read())

    def copy(self, root):
        super().copy(root)
        if os.path.exists(f"{self.root}/guard.erased"):
            shutil.copy(f"{self.root}/guard.erased", f"{root}/guard.erased")

    def fill(self, process):
        """Documents, a second dossier, one that stays, a cursor with a filter."""
        sender, reader = Peer(self, process, "sw"), Peer(self, process, "sw2")
        goes, self.named = [line.seq for line in self.books.values()], {}
        for name, dossier in (("first", self.dossier), ("second", self.dossier), ("second", self.second), ("stays", self.other)):
            data = DOCUMENTS[name]
            sender.ask(lambda client, data=data: client.upload(data))
            line, = sender.publish(self.books, self.world.event("sw", "INFO_PROVIDED", dossier, *self.with_document(data), to=["sw2"]))
            (self.stays if dossier == self.other else goes).append(line.seq)
            self.named[line.seq] = name
        sender.ask(lambda client: client.document_put(HALF))
        reader.ask(lambda client: client.subscribe(1, cursor="filtered", dossiers=[self.dossier, self.other]))
        reader.ask(lambda client: client.ack(1, [d.seq for d in client.deliveries_to(1, self.stays[0])][-1]))
        self.goes = sorted(goes)
        found = ask(self, process, erase_preview=self.wici.wire.ErasePreviewQuery(dossiers=[self.dossier, self.second]))
        check("what goes is what was published", (found.records, found.documents) == (len(goes), 3))
        self.given = {to.unit: (to.records, to.from_seq, to.to_seq) for to in found.recipients}
        with open(f"{self.root}/wici.conf", "w", encoding="utf-8") as conf:
            conf.write(f"endpoint = {process.endpoint}\nserver_key = {self.world.broker.server_key}\nkey_file = {self.root}/admin.key\n")
        said = subprocess.run([f"{BIN}/wici", "log", "key", "-c", f"{self.root}/wici.conf"], capture_output=True, text=True, check=True).stdout
        self.vkeys = re.findall(r"\S+\+[0-9a-f]{8}\+\S+", said)
        check(f"the log's key is told: {said}", self.vkeys)
        for peer in (sender, reader):
            peer.close()

    @staticmethod
    def with_document(data):
        """Sections of an info.provided that names a document."""
        what, text = letter("w załączeniu")
        text["info_provided_s6"]["documents"] = [{"sha256": hashlib.sha256(data).hexdigest(), "size": len(data),
                                                  "media_type": "application/pdf"}]
        return what, text


def erased_entries(keys):
    """The key entries that are erased, of the file's bytes. Each is zeroed."""
    entries = []
    for entry in range(1, len(keys) // ENTRY):
        at = keys[entry * ENTRY:(entry + 1) * ENTRY]
        if at[4] == ERASED:
            check(f"key entry {entry} is zeroed", at[5:] == bytes(ENTRY - 5))
            entries.append(entry)
    return entries


def ask(place, process, **what):
    """What the administrator is answered."""
    admin = Peer(place, process, "admin")
    try:
        return admin.ask(lambda client: client.query(**what))
    finally:
        admin.close()


def order(place, process):
    """The order, from an administrator who gives up when the broker is gone."""
    return ask(place, process, erase=place.wici.wire.EraseQuery(
        dossiers=[place.dossier, place.second], reason="COURT_ORDER", order_sha256=ORDER, backups_clear_by="2027-01-31"))


# ---- afterwards

class Town:
    """Everyone, on a broker without faults."""

    def __init__(self, place, process):
        self.place, self.process = place, process
        self.peers = {unit: Peer(place, process, unit) for unit in ("sw", "sw2", "audyt", "admin")}

    def close(self):
        """Ends the connections."""
        for peer in self.peers.values():
            peer.close()

    def seqs(self, unit, dossier):
        """The records of the dossier that the unit is given; None: to it there is no such dossier."""
        try:
            return [delivery.seq for delivery in self.peers[unit].connected().read_all(dossier=dossier, reason="kontrola")]
        except Refused as refusal:
            check(f"it is unknown: {refusal}", refusal.code == "E_UNKNOWN")
            return None

    def told(self, unit, name):
        """What records of this type say that the unit is given: (seq, S0)."""
        number = self.place.wici.event.EventType.Value(name)
        found = self.peers[unit].ask(lambda client: list(client.read_all(type=number)))
        return [(delivery.seq, getattr(section, f"{name.lower()}_s0")) for delivery in found
                for sections in self.place.wici.sections(delivery).values() for section in sections]

    def document(self, seq, name):
        """Is the document given?"""
        data = DOCUMENTS[name]
        try:
            return self.peers["sw2"].connected().document(seq, hashlib.sha256(data).digest()) == data
        except Refused:
            return False

    def check_kept(self):
        """Nothing was erased."""
        for unit, (records, first, last) in self.place.given.items():
            seqs = sorted((self.seqs(unit, self.place.dossier) or []) + (self.seqs(unit, self.place.second) or []))
            check(f"{unit} is given all of it: {seqs}", (len(seqs), seqs[0], seqs[-1]) == (records, first, last))
        for seq, name in self.place.named.items():
            check(f"the document of {seq} is given", self.document(seq, name))

    def check_gone(self):
        """All was erased, once, and told once."""
        place = self.place
        intended, done = self.told("audyt", "SYS_ERASURE_INTENDED"), self.told("audyt", "SYS_ERASURE_DONE")
        check(f"it is intended once and done once: {intended} {done}", len(intended) == len(done) == 1)
        seq, intent = intended[0]
        check("the one is the other's", (done[0][1].intended_seq, done[0][1].records) == (seq, len(place.goes)))
        check("the intent names what goes", numbers(intent.ranges) == place.goes and intent.recipients == len(place.given))
        told = [notice.unit for _, notice in self.told("audyt", "SYS_ERASURE_NOTIFIED")]
        check(f"each is told once: {told}", sorted(told) == sorted(place.given))
        for unit, (count, first, last) in place.given.items():
            notices = [notice for notice in self.told(unit, "SYS_ERASURE_NOTIFIED") if notice[1].unit == unit]
            check(f"{unit} is told once: {notices}", len(notices) == 1)
            seqs = numbers(notices[0][1].ranges)
            check(f"{unit} is told its numbers: {seqs}", (len(seqs), seqs[0], seqs[-1]) == (count, first, last))
            for dossier in (place.dossier, place.second):
                check(f"nothing of it is given to {unit}", not self.seqs(unit, dossier))
        for seq, name in place.named.items():
            check(f"only the document that stays is given: {seq}", self.document(seq, name) == (seq in place.stays))
        check("the other dossier is read", (self.seqs("sw2", place.other) or [])[:1] == place.stays)
        again = order(place, self.process)
        check(f"ordered again it was done before: {again}", again.before and again.done and again.intended_seq == intended[0][0])

    def check_goes_on(self):
        """One more letter into the other dossier: the cursor whose filter named both gets it."""
        peer, sender = self.peers["sw2"], self.peers["sw"]
        line, = sender.publish({}, self.place.letter(self.place.other, "dalej"))
        peer.ask(lambda client: client.subscribe(1, cursor="filtered", dossiers=[self.place.dossier, self.place.other]))
        given = peer.ask(lambda client: [d.seq for d in client.deliveries_to(1, line.seq)])
        check(f"the cursor goes on: {given}", line.seq in given and not set(given) & set(self.place.goes))

    def wait_done(self):
        """Waits until what was intended is done; False: nothing is intended."""
        until = time.monotonic() + WAIT
        while self.told("audyt", "SYS_ERASURE_INTENDED"):
            if self.told("audyt", "SYS_ERASURE_DONE"):
                return True
            check("the next start finishes it", time.monotonic() < until)
        return False


def numbers(ranges):
    """The numbers of ranges."""
    return [seq for r in ranges for seq in range(r.from_seq, r.to_seq + 1)]


def check_files(place, root):
    """Keys, and the verifier, on the files of a stopped broker."""
    with open(f"{root}/keys/keys", "rb") as keys:
        erased = [entry for entry in erased_entries(keys.read()) if entry not in place.erased_before]
    check(f"two dossiers' and three documents' keys are destroyed: {erased}", len(erased) == 5)
    with open(f"{root}/guard.erased", "rb") as gone:
        gone.seek(32)  # its header
        entered = {struct.unpack(">I", record[:4])[0] for record in iter(lambda: gone.read(LISTED), b"")}
    check(f"they are entered beside the guard: {entered}", set(erased) <= entered)
    check_verifies(place, root)


def check_verifies(place, root):
    """The verifier, on the files of a broker that does not run."""
    vkeys = [word for vkey in place.vkeys for word in ("--vkey", vkey)]
    done = subprocess.run([f"{BIN}/wici-verify", *vkeys, "--key-dir", f"{root}/keys", "--kek", f"{root}/kek", f"{root}/data"],
                          capture_output=True, text=True, check=False)
    check(f"the log holds: {done.stdout}{done.stderr}", done.returncode == 0)


def check_finished(place, root, answered, starts=2):
    """The next starts, without a fault, from what an erasure left; answered: what the order was told, None: nothing."""
    for start in range(starts):
        process = Checked(root)
        town = Town(place, process)
        try:
            check(f"a broker without faults starts: {process.said()}", process.listens())
            if not town.wait_done():
                check("what was answered is there", answered is None and start == 0)
                town.check_kept()
                answered = order(place, process)
                check(f"the same order is carried out: {answered}", answered.done and not answered.before)
            town.check_gone()
            if start == 0:
                town.check_goes_on()
            town.close()
            code = process.end(signal.SIGTERM)
            check(f"it ends cleanly: {process.said()}", code == 0)
        finally:
            town.close()
            process.kill()
        check_files(place, root)
