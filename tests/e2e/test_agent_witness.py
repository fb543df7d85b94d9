#!/usr/bin/env python3
"""wici-agent behind a broker that lies: receipts of what it sent, and what it notices of what it is given.

Between agent and wicid stands a liar: a ROUTER with a key of its own, which the agent takes for the broker's, and behind it a
connection with the agent's key to the real one. It hands everything on, and changes what the test says.

Usage: test_agent_witness.py, with WICI_BIN (folder of the programs) and WICI_SOURCE (folder of the sources) set.
"""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import uuid

import zmq

SOURCE = os.environ["WICI_SOURCE"]
for folder in ("golden", "interop"):
    sys.path.insert(0, os.path.join(SOURCE, "tests", folder))
sys.dont_write_bytecode = True
import play  # noqa: E402
import wici_client  # noqa: E402

BIN = os.environ["WICI_BIN"]
FAST = "poll_ms = 50\nsettle_ms = 200\nhalf_written_ms = 1500\ndelivery_seconds = 3600\n"
ROLES = f"{SOURCE}/agents/roles"


def check(condition, text):
    """Fails the test with a sentence."""
    if not condition:
        raise play.Failure(text)


class Liar(threading.Thread):
    """Hands messages on; lie(message) may change a BrokerMessage, mute(message) a ClientMessage."""

    def __init__(self, wici, broker, keys):
        super().__init__(daemon=True)
        self.wici, self.broker, self.keys = wici, broker, keys
        self.lie = self.mute = lambda message: None
        self.context = zmq.Context()
        self.public, self.secret = zmq.curve_keypair()
        self.endpoint = "tcp://127.0.0.1:*"
        self.front = None
        self.open()
        self.behind = {}
        self.ended = False
        self.restored = None  # the broker that takes the other's place when a proof of consistency is asked for

    def open(self):
        self.front = self.context.socket(zmq.ROUTER)
        self.front.linger = 0
        self.front.curve_server = True
        self.front.curve_publickey, self.front.curve_secretkey = self.public, self.secret
        play.wait("an address to listen at", self.bound)
        self.endpoint = self.front.last_endpoint.decode().rstrip("\0")

    def bound(self):
        try:
            self.front.bind(self.endpoint)
            return True
        except zmq.ZMQError:  # the socket that had it is still being closed
            return False

    def replace(self):
        """The broker is gone, and another is there at the same address with the same key; what was asked has no answer."""
        for socket in [self.front, *self.behind.values()]:
            socket.close()
        self.broker, self.restored, self.behind = self.restored, None, {}
        self.open()

    def connect(self):
        """One connection to the real broker."""
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 0
        socket.curve_serverkey = self.broker.server_key.encode()
        socket.curve_publickey, socket.curve_secretkey = (key.encode() for key in self.keys)
        socket.connect(self.broker.endpoint)
        return socket

    def forward(self, route, payload):
        message = self.wici.wire.ClientMessage.FromString(payload)
        self.mute(message)
        if self.restored and message.query.WhichOneof("what") == "consistency":
            self.replace()
            return
        if route not in self.behind:
            for socket in self.behind.values():
                socket.close()
            self.behind = {route: self.connect()}
        self.behind[route].send(message.SerializeToString())

    def back(self, route, payload):
        message = self.wici.wire.BrokerMessage.FromString(payload)
        self.lie(message)
        self.front.send_multipart([route, message.SerializeToString()])

    def run(self):
        while not self.ended:
            poller = zmq.Poller()
            poller.register(self.front, zmq.POLLIN)
            for socket in self.behind.values():
                poller.register(socket, zmq.POLLIN)
            ready = dict(poller.poll(100))
            for route, socket in list(self.behind.items()):
                if socket in ready:
                    self.back(route, socket.recv())
            if self.front in ready:
                self.forward(*self.front.recv_multipart())
        for socket in [self.front, *self.behind.values()]:
            socket.close()

    def end(self):
        self.ended = True
        self.join()
        self.context.term()


class Agent(play.Agent):
    """An agent behind a liar."""

    def __init__(self, wici, *args):
        super().__init__(*args)
        self.wici, self.liar, self.more = wici, None, ""

    def start(self, lie=None, mute=None):
        self.liar = Liar(self.wici, self.broker, wici_client.read_key(self.key))
        self.liar.lie = lie or self.liar.lie
        self.liar.mute = mute or self.liar.mute
        self.liar.start()
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"endpoint = {self.liar.endpoint}\nserver_key = {self.liar.public.decode()}\nkey_file = {self.key}\n"
                    f"dir = {self.dir}\nrole = {self.role_file}\n{FAST}{self.more}")
        self.process = subprocess.Popen([f"{BIN}/wici-agent", "-c", self.config], stderr=self.log)

    def end(self):
        """Asks it to end, which it must do well."""
        self.process.terminate()
        check(self.process.wait(play.DEADLINE) == 0, f"{self.unit}: ended badly")
        self.liar.end()

    def caught(self, what):
        """It has to end by itself, and to say what it caught; then a person settles that."""
        check(self.process.wait(play.DEADLINE) == 1, f"{self.unit}: did not stop")
        self.liar.end()
        alarm = json.loads(self.text("state/alarm.json"))
        check(alarm["what"] == what, f"{what} was planted, caught was {alarm}")
        check(what in self.text("agent.log"), "the operator was not told")
        again = subprocess.run([f"{BIN}/wici-agent", "--once", "-c", self.config], capture_output=True, check=False)
        check(again.returncode == 1, "it went on before anybody had looked")
        status = subprocess.run([f"{BIN}/wici-agent", "--status", "-c", self.config], capture_output=True, text=True,
                                check=False)
        check("alarm.json" in status.stdout, status.stdout)
        os.remove(f"{self.dir}/state/alarm.json")
        return alarm

    def text(self, path):
        with open(f"{self.dir}/{path}", encoding="utf-8") as f:
            return f.read()

    def known(self):
        """Records in the checkpoint that it knows."""
        try:
            return int(self.text("state/checkpoint").split("\n")[1])
        except FileNotFoundError:
            return 0

    def has(self, path):
        return os.path.exists(f"{self.dir}/{path}")

    def settled(self):
        """It has asked for all that it will ask for, so that the next lie meets what it is meant for."""
        runs = self.process is not None and self.process.poll() is None
        return not runs or not self.has("state/receipts") or not os.listdir(f"{self.dir}/state/receipts")


def referral():
    """A referral of a family of its own."""
    return {"header": {"type": "REFERRAL_SUBMITTED", "dossierId": str(uuid.uuid4()), "to": [{"unit": "ops"}]},
            "sections": [
                {"referralSubmittedS0": {"referralId": str(uuid.uuid4()), "informationReceivedOn": "2026-03-01"}},
                {"subjects": ["osoba-1"], "referralSubmittedS1": {"persons": [{"personRef": "osoba-1", "name": "Jan"}]}},
                {"referralSubmittedS6": {"paperKind": "INFORMATION", "service": "FAMILY_ASSISTANT", "sourceKind": "SCHOOL"}}]}


class World:
    def __init__(self, root):
        self.root = root
        self.wici = wici_client.Protocol(os.path.join(SOURCE, "proto"))
        self.broker = play.Broker(BIN, root, "gmina", "Urząd Gminy")
        self.broker.start()
        self.admin = play.Cli(self.broker, f"{root}/admin.key", root)
        self.school = Agent(self.wici, self.broker, root, "sp3", f"{ROLES}/school.role")
        self.ops = Agent(self.wici, self.broker, root, "ops", f"{ROLES}/ops.role")
        for agency, name, kind in (("szkola", "Szkoła nr 3", "SCHOOL"), ("mops", "Ośrodek", "OPS")):
            self.admin.run("agency", "add", agency, "--name", name, "--kind", kind)
        for agent, agency, role in ((self.school, "szkola", "SCH"), (self.ops, "mops", "SW")):
            self.admin.run("unit", "add", agent.unit, "--agency", agency, "--name", f"Jednostka {agent.unit}", "--role", role,
                           "--key", agent.public)
        self.vkey = self.admin.run("log", "key").split()[-1]
        self.sent = 0

    def send(self):
        """The school sends a referral; its name, and the seq it got."""
        self.sent += 1
        name = f"r{self.sent:03d}"
        self.school.drop(name, referral())
        return name, int(play.wait(f"receipt of {name}", lambda: self.school.receipt(name))["seq"])

    def verifies(self, path, code=0):
        done = subprocess.run([f"{BIN}/wici-verify", "--vkey", self.vkey, path], capture_output=True, text=True, check=False)
        check(done.returncode == code, f"wici-verify {path}: {done.returncode} {done.stderr}")


def each_sent_event_gets_its_receipt(world):
    world.school.start()
    names = [world.send()[0] for _ in range(3)]
    for name in names:
        play.wait(f"{name}.receipt", lambda name=name: world.school.has(f"sent/{name}.receipt"))
        world.verifies(f"{world.school.dir}/sent/{name}.receipt")
    play.wait("no receipt to be waited for", lambda: not os.listdir(f"{world.school.dir}/state/receipts"))
    check("compare it with what the administrator" in world.school.text("agent.log"), "the key was not told")
    check(world.vkey in world.school.text("state/log.keys"), "another key was kept")


def what_is_received_is_proven(world):
    world.ops.more = f"log_key = {world.vkey}\n"
    world.ops.start()
    _, seq = world.send()
    play.wait("the event", lambda: len(world.ops.inbox()) == 4)
    play.wait("its proof", lambda: world.ops.known() >= seq and world.ops.has("state/unproven")
              and os.path.getsize(f"{world.ops.dir}/state/unproven") == 0)
    check(not world.ops.has("state/log.keys"), "a key was taken from the broker though one is configured")
    world.verifies(f"{world.ops.dir}/state/checkpoint")


def parts_of(message):
    """The parts of deliveries that hold sections."""
    for delivery in message.batch.deliveries:
        for part in delivery.parts:
            if part.slot.section_id % 10 < 8 and part.slot.section_id < 9000:
                yield delivery, part


def a_changed_byte_is_never_filed(world):
    before = set(world.ops.inbox())

    def lie(message):
        for _, part in parts_of(message):
            part.body = part.body[:-1] + bytes([part.body[-1] ^ 1])
    world.ops.liar.lie = lie
    _, seq = world.send()
    alarm = world.ops.caught("content")
    check(alarm["record"] == seq, f"{alarm}, not {seq}")
    check(set(world.ops.inbox()) == before, "what was changed was filed")
    world.ops.start()
    play.wait("the event as it is", lambda: len(world.ops.inbox()) == len(before) + 1)


def a_change_with_digests_to_match_is_caught(world):
    """The liar makes the digest anew, so that the event is whole in itself: it is in no tree that was signed."""
    def lie(message):
        for delivery, part in parts_of(message):
            part.body = part.body[:-1] + bytes([part.body[-1] ^ 1])
            slot = part.slot
            at = 32 * slot.slot
            delivery.digests = delivery.digests[:at] + world.wici.digest(slot, part.body) + delivery.digests[at + 32:]
    world.ops.liar.lie = lie
    _, seq = world.send()
    check(world.ops.caught("inclusion")["record"] == seq, "another record")


def what_was_not_proven_before_a_kill_is_proven_after_it(world):
    """Nothing is signed in time for it, it seems; the agent is killed; its next run still asks."""
    world.ops.start()
    play.wait("connected", lambda: len(world.ops.inbox()) == 6)

    def lie(message):
        if message.query_result.WhichOneof("result") == "inclusion":
            message.query_result.inclusion.note = ""
        for delivery, _ in parts_of(message):  # its time is one second later
            delivery.ts_ms += 1000
    world.ops.liar.lie = lie
    _, seq = world.send()
    play.wait("the event", lambda: len(world.ops.inbox()) == 7)
    world.ops.process.kill()
    world.ops.process.wait()
    world.ops.liar.end()
    world.ops.start()
    check(world.ops.caught("inclusion")["record"] == seq, "another record")


def older_statements_are_caught(world):
    """The liar answers with a checkpoint that it gave earlier."""
    given = []

    def listen(message):
        if message.query_result.WhichOneof("result") == "inclusion":
            given.append(message.query_result.inclusion)

    def lie(message):
        if message.query_result.WhichOneof("result") == "inclusion":
            answer = message.query_result.inclusion
            answer.note, answer.size = given[0].note, given[0].size
            del answer.proofs[:]
    world.ops.start()
    world.ops.liar.lie = listen
    play.wait("a first statement", lambda: given and given[0].size > 0)
    _, seq = world.send()
    play.wait("a later one", lambda: world.ops.known() >= seq)
    world.ops.liar.lie = lie
    world.send()
    check(world.ops.caught("rollback")["record"] == given[0].size, "another checkpoint")


def an_epoch_that_nobody_signed_excuses_nothing(world):
    """A false event; then the liar says that the log was restored since. The statements are those of the old one."""
    world.ops.start()
    play.wait("connected", lambda: world.ops.process.poll() is None and world.ops.liar.behind)
    filed = len(world.ops.inbox())

    def lie(message):
        if message.query_result.WhichOneof("result") == "inclusion":
            message.query_result.inclusion.note = ""
        for delivery, _ in parts_of(message):
            delivery.ts_ms += 1000
    world.ops.liar.lie = lie
    _, seq = world.send()
    play.wait("the event", lambda: len(world.ops.inbox()) > filed)
    world.ops.end()

    def restored(message):
        if message.WhichOneof("message") == "welcome":
            message.welcome.head.epoch += 1
    world.ops.start(restored)
    check(world.ops.caught("inclusion")["record"] == seq, "another record")


def an_epoch_that_nobody_signed_excuses_no_other_receipt(world):
    """A receipt is held back; then the liar says that the log was restored since, and gives the proof of another event."""
    def hold(message):
        if message.query_result.WhichOneof("result") == "receipt":
            message.query_result.receipt.text = ""

    def lie(message):
        if message.WhichOneof("message") == "welcome":
            message.welcome.head.epoch += 1

    def mute(message):
        if message.query.WhichOneof("what") == "receipt":
            message.query.receipt.event_id = other
    world.school.start()
    first, seq = world.send()
    play.wait(f"{first}.receipt", lambda: world.school.has(f"sent/{first}.receipt"))
    other = world.school.receipt(first)["eventId"]
    world.school.liar.lie = hold
    name, _ = world.send()
    world.school.end()
    held = world.school.text(f"sent/{first}.receipt")
    world.school.start(lie, mute)
    check(world.school.caught("receipt")["record"] == seq, "another record")
    check(not any(file.startswith(f"{name}.receipt") and not file.endswith(".json") for file in os.listdir(f"{world.school.dir}/sent")),
          "it was kept")
    check(world.school.text(f"sent/{first}.receipt") == held, "a receipt was replaced")
    world.school.start()
    play.wait(f"{name}.receipt", lambda: world.school.has(f"sent/{name}.receipt"))
    world.verifies(f"{world.school.dir}/sent/{name}.receipt")
    check(world.school.text(f"sent/{first}.receipt") == held, "a receipt was replaced")
    world.school.end()


def what_is_known_and_cannot_be_read_stops_it(world):
    """Without it an older log would pass: it is not begun anew by itself."""
    known = world.school.text("state/checkpoint")
    world.school.end()
    with open(f"{world.school.dir}/state/checkpoint", "w", encoding="utf-8") as f:
        f.write(known[:40])
    again = subprocess.run([f"{BIN}/wici-agent", "--once", "-c", world.school.config], capture_output=True, text=True,
                           check=False)
    check(again.returncode == 1 and "state/checkpoint" in again.stderr, f"it went on: {again.returncode} {again.stderr}")
    check(world.school.text("state/checkpoint") == known[:40], "it was changed")
    with open(f"{world.school.dir}/state/checkpoint", "w", encoding="utf-8") as f:
        f.write(known)
    world.school.start()


def a_receipt_of_something_else_is_caught(world):
    def lie(message):
        if message.query_result.WhichOneof("result") == "receipt":
            lines = message.query_result.receipt.text.split("\n")
            extra = bytearray(base64.b64decode(lines[1][6:]))
            extra[-1] ^= 1
            lines[1] = "extra " + base64.b64encode(bytes(extra)).decode()
            message.query_result.receipt.text = "\n".join(lines)
    world.school.liar.lie = lie
    name, seq = world.send()
    check(world.school.caught("receipt")["record"] == seq, "another record")
    check(not world.school.has(f"sent/{name}.receipt"), "it was kept")
    world.school.start()
    play.wait("the receipt as it is", lambda: world.school.has(f"sent/{name}.receipt"))


def a_record_of_something_else_than_was_sent_is_caught(world):
    """The broker says it recorded the event, with digests of another one."""
    def lie(message):
        for answer in message.answers.answers:
            digests = bytearray(answer.receipt.digests)
            at = 32 * answer.receipt.slots[0].slot
            digests[at] ^= 1
            answer.receipt.digests = bytes(digests)
    world.school.liar.lie = lie
    world.sent += 1
    name = f"r{world.sent:03d}"
    world.school.drop(name, referral())
    world.school.caught("receipt")
    check(not world.school.has(f"sent/{name}.receipt"), "it was kept")
    world.school.start()


def a_forked_log_is_caught(world):
    """A copy of the data from before is served by the same key, and has gone on otherwise."""
    known = world.school.known()
    world.send()
    play.wait("what is known has grown", lambda: world.school.known() > known)
    world.school.end()
    world.broker.stop()
    shutil.rmtree(f"{world.root}/data")
    shutil.copytree(f"{world.root}/early", f"{world.root}/data")
    with open(f"{world.root}/guard", "wb"):
        pass
    world.broker.start()
    for n in range(40):
        world.admin.run("agency", "add", f"inna-{n}", "--name", "Inna", "--kind", "SCHOOL")
    play.wait("what contradicts is signed", lambda: int(world.admin.run("checkpoint").split("\n")[1]) > world.school.known())

    def mute(message):
        if message.WhichOneof("message") == "hello":
            message.hello.ClearField("known")  # a liar does not ask what his client has seen
    world.school.start()
    world.school.liar.mute = mute
    world.school.caught("fork")
    check("wici.example/demo" in world.school.text("state/alarm.note"), "the contradicting statement is not kept")
    world.verifies(f"{world.school.dir}/state/alarm.note")
    world.verifies(f"{world.school.dir}/state/checkpoint")


def rotate(world):
    """Another key of the log, on the stopped broker; its vkey."""
    world.broker.stop()
    done = subprocess.run([f"{BIN}/wicid", "init", "--log-key", "-c", world.broker.config], capture_output=True, text=True, check=False)
    check(done.returncode == 0, done.stderr)
    world.broker.start()
    return world.admin.run("log", "key").split()[-1]


def a_change_of_the_logs_key_is_followed_with_proof(world):
    world.school.more = f"log_key = {world.vkey}\n"
    world.school.start()
    world.send()
    play.wait("a first proof", lambda: world.school.known() > 0)
    world.school.end()
    rotate(world)
    world.vkey = rotate(world)  # twice: the first new one vouches for the second
    before = world.school.known()
    world.school.start()
    name, seq = world.send()
    play.wait("a proof by the new key", lambda: world.school.known() >= seq > before)
    play.wait(f"{name}.receipt", lambda: world.school.has(f"sent/{name}.receipt"))
    world.verifies(f"{world.school.dir}/sent/{name}.receipt")
    check(f"add it to log_key: {world.vkey}" in world.school.text("agent.log"), "the new key was not told")
    check(not world.school.has("state/alarm.json"), "a proven change was an alarm")
    world.school.end()


def endorsed_keys(message):
    """The keys that a message tells."""
    if message.WhichOneof("message") != "query_result" or message.query_result.WhichOneof("result") != "checkpoint":
        return []
    return message.query_result.checkpoint.keys


def a_change_that_nobody_vouches_for_is_refused(world):
    """The log is signed by a new key; that the old one vouches for it is taken away, changed, or said of another."""
    def nothing(message):
        for key in endorsed_keys(message):
            key.endorsed = ""

    def changed(message):
        for key in endorsed_keys(message):
            key.endorsed = key.endorsed.replace("\n", "\n\n", 1)

    def of_another(message):
        keys = endorsed_keys(message)
        for key in keys[2:]:
            key.endorsed = keys[1].endorsed

    for lie in (nothing, changed, of_another):
        old = world.vkey
        world.vkey = rotate(world)
        world.school.more = f"log_key = {old}\n"
        world.school.start(lie)
        world.school.drop(f"key-{lie.__name__}", referral())
        world.school.caught("key")
        world.school.start()  # the same broker, without the lie
        world.send()
        play.wait("a new proof", lambda: world.vkey in world.school.text("agent.log"))
        world.school.end()


class Restored(play.Broker):
    """An older copy of a stopped broker, beside it, that goes on as a new epoch; with more records than that one had."""

    def __init__(self, world):  # no call of the other's: that makes a new log
        self.bin, self.root, self.process, self.endpoint = BIN, f"{world.root}/restored", None, "tcp://127.0.0.1:*"
        os.mkdir(self.root)
        self.config = f"{self.root}/wicid.conf"
        self.log = open(f"{self.root}/wicid.log", "ab")
        shutil.copytree(f"{world.root}/early", f"{self.root}/data")
        shutil.copytree(f"{world.root}/keys", f"{self.root}/keys")
        for name in ("kek", "broker.key", "checkpoint.key", "guard"):
            shutil.copy(f"{world.root}/{name}", f"{self.root}/{name}")
        self.server_key = world.broker.server_key
        self.configure()
        done = subprocess.run([f"{BIN}/wicid", "init", "--new-epoch", "-c", self.config], capture_output=True, text=True, check=False)
        check(done.returncode == 0, done.stderr)
        self.start()
        admin = play.Cli(self, f"{world.root}/admin.key", self.root)
        for n in range(20):
            admin.run("agency", "add", f"inna-{n}", "--name", "Inna", "--kind", "SCHOOL")


def an_answer_from_the_copy_that_came_back_is_no_fork(world):
    """A statement of the log that is lost, and a question about it that the copy answers, with which it cannot agree."""
    world.school.start()
    world.send()
    play.wait("a first proof", lambda: world.school.known() > 0)
    world.school.end()
    world.broker.stop()
    restored = Restored(world)
    world.broker.start()
    try:
        world.school.start()
        world.school.liar.restored = restored
        world.school.drop("lost", referral())
        play.wait("the copy in its place", lambda: world.school.liar.broker is restored)
        play.wait("the new epoch", lambda: "E_LOG_DIVERGED" in world.school.text("agent.log"))
        play.wait("the receipt there", lambda: world.school.has("sent/lost.receipt"))
        check(not world.school.has("state/alarm.json"), "a fork was told where there is none")
        world.school.end()
    finally:
        restored.stop()


LIES = (each_sent_event_gets_its_receipt, what_is_received_is_proven, a_changed_byte_is_never_filed,
        a_change_with_digests_to_match_is_caught, what_was_not_proven_before_a_kill_is_proven_after_it,
        older_statements_are_caught, an_epoch_that_nobody_signed_excuses_nothing,
        what_is_known_and_cannot_be_read_stops_it, a_receipt_of_something_else_is_caught,
        a_record_of_something_else_than_was_sent_is_caught, a_forked_log_is_caught)
EPOCH = (an_epoch_that_nobody_signed_excuses_no_other_receipt,)
BACK = (an_answer_from_the_copy_that_came_back_is_no_fork,)
KEYS = (a_change_of_the_logs_key_is_followed_with_proof, a_change_that_nobody_vouches_for_is_refused)


def main():
    run(LIES)
    run(KEYS)
    run(EPOCH)
    run(BACK)


def run(tests):
    """In a world of their own."""
    root = tempfile.mkdtemp(prefix="wici-agent-witness-")
    world = World(root)
    world.broker.stop()
    shutil.copytree(f"{root}/data", f"{root}/early")
    world.broker.start()
    try:
        for test in tests:
            play.wait("receipts of what was sent before", world.school.settled)
            test(world)
            print("ok", test.__name__, flush=True)
        world.broker.stop()
    except BaseException:
        print("kept for a look:", root, flush=True)
        for agent in (world.school, world.ops):
            if agent.process and agent.process.poll() is None:
                agent.process.kill()
        if world.broker.process and world.broker.process.poll() is None:
            world.broker.process.kill()
        raise
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
