"""A client of the wici protocol, written from docs/PROTOCOL.md and the .proto files alone.

    wici = Protocol("proto")                             # messages made with protoc from proto/wici/v1
    with Client(wici, endpoint, server_key, keys) as client:
        client.hello()
        receipt = client.publish(event)[0].receipt       # or raises Refused
        wici.check_receipt(event, receipt)

One Client is one connection: after Disconnected it is closed and a new one is made (section 2 of the protocol). It is
synchronous; what arrives while it waits for something else is kept: deliveries in `batches`, the last Positions in
`positions`, the rest in `inbox`. One thread at a time.
"""
import collections
import contextlib
import glob
import hashlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
import uuid

import zmq
from google.protobuf import json_format
from zmq.utils import monitor

HEADER, NOTE = 8, 9  # section id modulo 10; 0 to 7 is a section of that class
DOCUMENT_CHUNK = 256 << 10  # bytes of each piece of a document but the last
TIMEOUT = 60  # seconds to wait for an answer, on a busy machine too


class Refused(Exception):
    """The broker refused a message; `message` is the Refused it sent."""

    def __init__(self, message):
        super().__init__(f"{message.refusal.code} {message.refusal.path}: {message.refusal.en}")
        self.message = message
        self.code, self.path = message.refusal.code, message.refusal.path


class Disconnected(Exception):
    """The connection broke: what was not answered has to be sent again on a new one."""


class KeyRefused(Exception):
    """The handshake failed: the broker does not let this key in."""


class Timeout(Exception):
    """Nothing that was waited for has come."""


class Damaged(Exception):
    """Bytes, salts and digests do not fit each other."""


def uuid7():
    """A UUID of version 7 for an event id: milliseconds since 1970, then random bits."""
    value = (int(time.time() * 1000) << 80) | int.from_bytes(os.urandom(10), "big")
    value = (value & ~(0xF << 76)) | (7 << 76)
    value = (value & ~(3 << 62)) | (2 << 62)
    return str(uuid.UUID(int=value))


class Protocol:
    """The messages, and what section 3.9 says of digests."""

    def __init__(self, proto_dir):
        self._dir = tempfile.TemporaryDirectory(prefix="wici-pb-")  # lives as long as this object
        subprocess.run(["protoc", f"-I{proto_dir}", f"--python_out={self._dir.name}"]
                       + sorted(glob.glob(f"{proto_dir}/wici/v1/*.proto")), check=True)
        sys.path.insert(0, self._dir.name)
        try:
            self.wire = importlib.import_module("wici.v1.wire_pb2")
            self.event = importlib.import_module("wici.v1.event_pb2")
            self.common = importlib.import_module("wici.v1.common_pb2")
            self.sys = importlib.import_module("wici.v1.sys_pb2")
        finally:
            sys.path.remove(self._dir.name)

    def make_event(self, header, *sections):
        """An event from dicts, with the names of the .proto files or of JSON; makes an event id if there is none."""
        header = {"event_id": uuid7(), **header} if "eventId" not in header else header
        return self.wire.Event(
            header=json_format.ParseDict(header, self.event.Header()).SerializeToString(),
            sections=[json_format.ParseDict(s, self.event.Section()).SerializeToString() for s in sections])

    def header(self, event_or_delivery):
        """The Header of an Event or of a Delivery."""
        if isinstance(event_or_delivery, self.wire.Event):
            return self.event.Header.FromString(event_or_delivery.header)
        for part in event_or_delivery.parts:
            if part.slot.section_id % 10 == HEADER:
                return self.event.Header.FromString(part.body)
        raise Damaged("a delivery without a header")

    def sections(self, delivery):
        """The sections of a delivery: section id -> list of Section."""
        found = collections.defaultdict(list)
        for part in delivery.parts:
            if part.slot.section_id % 10 not in (HEADER, NOTE):
                found[part.slot.section_id].append(self.event.Section.FromString(part.body))
        return found

    @staticmethod
    def digest(slot, body):
        """The digest of one part, as the leaf holds it."""
        return hashlib.sha256(b"wici-section-v1\0" + slot.slot.to_bytes(1, "big") + slot.section_id.to_bytes(2, "big")
                              + slot.salt + len(body).to_bytes(4, "big") + body).digest()

    @staticmethod
    def leaf_hash(record):
        """The leaf hash of a Receipt or a Delivery."""
        leaf = (b"wici-event-v1\0\x01" + record.leaf_class.to_bytes(1, "big") + record.seq.to_bytes(8, "big")
                + record.ts_ms.to_bytes(8, "big") + (len(record.digests) // 32).to_bytes(1, "big") + record.digests)
        return hashlib.sha256(b"\0" + leaf).digest()

    def check_parts(self, record, parts):
        """Damaged unless each (slot, bytes) is what the record's digests cover."""
        if not record.digests or len(record.digests) % 32:
            raise Damaged(f"record {record.seq}: {len(record.digests)} bytes of digests")
        for slot, body in parts:
            if record.digests[32 * slot.slot:32 * slot.slot + 32] != self.digest(slot, body):
                raise Damaged(f"record {record.seq}: slot {slot.slot}")

    def check_receipt(self, event, receipt):
        """Damaged unless the receipt is for exactly these bytes. Returns the leaf hash."""
        bodies = [event.header, *event.sections]
        if len(receipt.slots) != len(bodies):
            raise Damaged(f"record {receipt.seq}: {len(receipt.slots)} slots for {len(bodies)} parts")
        if len({slot.slot for slot in receipt.slots}) != len(bodies):
            raise Damaged(f"record {receipt.seq}: one slot twice")
        self.check_parts(receipt, zip(receipt.slots, bodies))
        return self.leaf_hash(receipt)

    def check_delivery(self, delivery):
        """Damaged unless every part fits its digest. Returns the leaf hash."""
        self.check_parts(delivery, ((part.slot, part.body) for part in delivery.parts))
        return self.leaf_hash(delivery)


class Client:
    """One connection of a unit: (public, secret) are its keys in Z85. trace(sent, message) sees every message."""

    RECONNECT_MS = -1  # a new connection is a new socket

    def __init__(self, wici, endpoint, server_key, keys, session="", trace=None):
        self.wici, self.session, self.trace = wici, session, trace
        self.welcome = None
        self.diverged = None  # the Refused of E_LOG_DIVERGED, if there was one
        self.next_number = 0
        self.inbox = collections.deque()
        self.batches = collections.defaultdict(collections.deque)  # subscription -> deliveries not taken yet
        self.positions = {}  # subscription -> seq
        self.head = None
        self.raw_bytes = None  # a bytearray here collects every byte that arrives
        self._requests = 0
        self._socket = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.sndhwm = 0  # what may be outstanding is the caller's choice
        self._socket.reconnect_ivl = self.RECONNECT_MS
        self._socket.heartbeat_ivl = 5000
        self._socket.heartbeat_timeout = 60000
        self._socket.handshake_ivl = 5000
        self._socket.curve_serverkey = server_key.encode()
        self._socket.curve_publickey, self._socket.curve_secretkey = (key.encode() for key in keys)
        self._monitor = self._socket.get_monitor_socket(
            zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_HANDSHAKE_FAILED_AUTH
            | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL)
        self._poller = zmq.Poller()
        self._poller.register(self._socket, zmq.POLLIN)
        self._poller.register(self._monitor, zmq.POLLIN)
        self._socket.connect(endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def close(self):
        """Ends the connection; what was not sent yet is dropped."""
        if self._socket is not None:
            self._socket.disable_monitor()
            self._monitor.close(0)
            self._socket.close(0)
            self._socket = None

    # ---- messages

    def send(self, **message):
        """Sends one ClientMessage: send(ack=wire.Ack(...))."""
        message = self.wici.wire.ClientMessage(**message)
        if self.trace:
            self.trace(True, message)
        self.send_raw(message.SerializeToString())

    def send_raw(self, *frames):
        """Sends bytes as they are, one message."""
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.Again:  # without a peer there is no queue
            raise self._gone() from None

    def _gone(self):
        """Why the connection broke, as far as the monitor has said so."""
        event = monitor.recv_monitor_message(self._monitor)["event"] if self._monitor.poll(0) else None
        return KeyRefused() if event == zmq.EVENT_HANDSHAKE_FAILED_AUTH else Disconnected()

    def receive(self, timeout=TIMEOUT):
        """Takes in one message and returns it; None when nothing has come in time."""
        end = time.monotonic() + timeout
        while True:
            ready = dict(self._poller.poll(max(0, end - time.monotonic()) * 1000))
            if self._socket in ready:  # first: what arrived before the connection broke counts
                return self._take(self._socket.recv_multipart())
            if self._monitor in ready:
                raise self._gone()
            if time.monotonic() >= end:
                return None

    def _take(self, frames):
        if len(frames) != 1:
            raise Damaged(f"a message of {len(frames)} frames")
        if self.raw_bytes is not None:
            self.raw_bytes += frames[0]
        message = self.wici.wire.BrokerMessage.FromString(frames[0])
        if self.trace:
            self.trace(False, message)
        kind = message.WhichOneof("message")
        if kind == "batch":
            self.batches[message.batch.subscription].extend(message.batch.deliveries)
        elif kind == "positions":
            self.head = message.positions.head
            for position in message.positions.positions:
                self.positions[position.subscription] = position.seq
        elif kind is not None:  # a kind of message we do not know is ignored
            self.inbox.append(message)
        return message

    def wait(self, kind, timeout=TIMEOUT, **fields):
        """The next message of that kind with these fields, out of the inbox. A Refused with them, or one that is
        about no single request, is raised."""
        end = time.monotonic() + timeout
        while True:
            for message in self.inbox:
                found = message.WhichOneof("message")
                body = getattr(message, found)
                if found == kind and all(getattr(body, name) == value for name, value in fields.items()):
                    self.inbox.remove(message)
                    return body
                if found == "refused":
                    about = {"number": body.number, "subscription": body.subscription, "request": body.request}
                    if not any(about.values()) or (fields and all(about[name] == fields[name] for name in fields)):
                        self.inbox.remove(message)
                        raise Refused(body)
            if self.receive(max(0, end - time.monotonic())) is None and time.monotonic() >= end:
                raise Timeout(f"{kind} {fields}")

    # ---- requests

    def hello(self, known=None, protocol=1, software="wici_client.py 1", timeout=TIMEOUT):
        """Says Hello and returns the Welcome."""
        self.send(hello=self.wici.wire.Hello(protocol=protocol, session=self.session, software=software, known=known))
        while True:
            try:
                self.welcome = self.wait("welcome", timeout)
                break
            except Refused as refused:
                if refused.code != "E_LOG_DIVERGED":
                    raise
                self.diverged = refused.message
        self.next_number = self.welcome.next_number
        self.head = self.welcome.head
        return self.welcome

    def publish_later(self, *events):
        """Sends a Publish and does not wait. Returns its number."""
        number = self.next_number
        self.send(publish=self.wici.wire.Publish(number=number, events=events))
        self.next_number += 1
        return number

    def publish(self, *events, timeout=TIMEOUT):
        """Publishes events in one message; returns the Answer of each. Refused: the message was not looked at."""
        number = self.publish_later(*events)
        try:
            answers = self.wait("answers", timeout, number=number).answers
        except Refused as refused:
            self.next_number = refused.message.next_number or self.next_number
            raise
        ids = [self.wici.header(event).event_id for event in events]
        if [answer.event_id for answer in answers] != ids:
            raise Damaged("answers to other events than those that were sent")
        return answers

    def subscribe(self, subscription, cursor="", dossiers=(), families=(), window=0, **start):
        """start: from_seq=, from_time= or live=True. Returns the Subscribed."""
        wire = self.wici.wire
        self.batches.pop(subscription, None)
        self.positions.pop(subscription, None)
        self.send(subscribe=wire.Subscribe(subscription=subscription, cursor=cursor, window_bytes=window,
                                           filter=wire.Filter(dossiers=dossiers, families=families), **start))
        return self.wait("subscribed", subscription=subscription)

    def ack(self, subscription, seq):
        """Everything up to seq took effect here."""
        self.send(ack=self.wici.wire.Ack(subscription=subscription, seq=seq))

    def unsubscribe(self, subscription):
        """Ends a subscription; its cursor stays."""
        self.send(unsubscribe=self.wici.wire.Unsubscribe(subscription=subscription))

    def next_delivery(self, subscription, timeout=TIMEOUT):
        """The next delivery of a subscription."""
        end = time.monotonic() + timeout
        while not self.batches[subscription]:
            if self.receive(max(0, end - time.monotonic())) is None:
                raise Timeout(f"no delivery for subscription {subscription}")
        return self.batches[subscription].popleft()

    def deliveries_to(self, subscription, seq, timeout=TIMEOUT):
        """Every delivery up to seq: waits until the subscription has come that far."""
        end = time.monotonic() + timeout
        taken = []
        while not (taken and taken[-1].seq >= seq):
            if self.batches[subscription]:
                taken.append(self.batches[subscription].popleft())
            elif self.positions.get(subscription, 0) >= seq:
                break
            elif self.receive(max(0, end - time.monotonic())) is None:
                raise Timeout(f"subscription {subscription} has not come to {seq}")
        return taken

    def read(self, **what):
        """One bounded read: the ReadResult."""
        self._requests += 1
        self.send(read=self.wici.wire.Read(request=self._requests, **what))
        return self.wait("read_result", request=self._requests)

    def read_all(self, from_seq=1, **what):
        """Reads on until there is no more; yields the deliveries."""
        while True:
            result = self.read(from_seq=from_seq, **what)
            yield from result.deliveries
            if not result.more:
                return
            if result.next_seq <= from_seq:
                raise Damaged("a read that does not go on")
            from_seq = result.next_seq

    def document_put(self, data, sha256=None, size=None, offset=0, begin=False):
        """Sends a piece of a document (all of it when it is short; none with begin=True); returns the DocumentState."""
        self._requests += 1
        self.send(document_put=self.wici.wire.DocumentPut(
            request=self._requests, sha256=sha256 or hashlib.sha256(data).digest(), size=size or len(data), offset=offset,
            data=b"" if begin else data[offset:offset + DOCUMENT_CHUNK]))
        return self.wait("document_state", request=self._requests)

    def upload(self, data):
        """Sends a document, from where the broker has it."""
        state = self.document_put(data, begin=True)
        while state.received < state.size:
            state = self.document_put(data, offset=state.received)

    def document(self, seq, sha256, **reason):
        """A document that the record names, whole."""
        data = b""
        while True:
            self._requests += 1
            self.send(document_get=self.wici.wire.DocumentGet(request=self._requests, seq=seq, sha256=sha256,
                                                              offset=len(data), **reason))
            part = self.wait("document_part", request=self._requests)
            data += part.data
            if len(data) >= part.size:
                if hashlib.sha256(data).digest() != sha256:
                    raise Damaged("a document with another digest")
                return data

    def query(self, **what):
        """One query: query(group=wire.GroupQuery(...)); returns the part of the QueryResult that answers it."""
        self._requests += 1
        self.send(query=self.wici.wire.Query(request=self._requests, **what))
        result = self.wait("query_result", request=self._requests)
        return getattr(result, result.WhichOneof("result"))


def read_key(path):
    """(public, secret) of a key file."""
    with open(path, encoding="utf-8") as f:
        lines = dict(line.split(" = ", 1) for line in f.read().splitlines() if " = " in line)
    return lines["public"].strip(), lines["secret"].strip()


def new_key():
    """A new CURVE key pair in Z85."""
    return tuple(key.decode() for key in zmq.curve_keypair())


@contextlib.contextmanager
def session(*args, known=None, **kwargs):
    """A Client that has said Hello."""
    with Client(*args, **kwargs) as client:
        client.hello(known)
        yield client
