#!/usr/bin/env python3
"""A TCP proxy that treats connections badly, out of a seed: what networks do between an office and the broker.

Each connection gets a plan, drawn from the seed and its number: how its bytes are held up and cut into pieces, and what
becomes of it after so many bytes or milliseconds:

    pass      nothing: held up only
    fin       both ends are closed in order
    rst       both ends are reset
    cut       the client is reset in the middle of what it sent: the broker gets a part of it, then the end
    late      the client is reset; what it sent reaches the broker only later, then the end: the client's next connection
              has overtaken it
    orphan    the client is reset, the broker is not told: it keeps a connection that nobody uses
    swallow   both ends stay open, nothing passes any more; after a while the client is reset, the broker is not told

What the proxy still holds of a connection that ends is lost. Silent ends are read and forgotten, or not read at all.
heal() ends all this for the clients: bad connections end now, new ones pass. One thread of its own; the methods may be called from any.

    proxy.py LISTEN_PORT HOST:PORT SEED      by hand
"""
import collections
import heapq
import itertools
import random
import selectors
import socket
import struct
import sys
import threading
import time

FATES = ("pass",) + 2 * ("fin", "rst", "cut", "late", "orphan", "swallow")
CHUNK = 16384
HELD_MAX = 1 << 20  # bytes that wait in one direction; beyond it the sender has to wait
HANDSHAKE = 900     # bytes, about: CURVE's handshake in both directions


class Plan:
    """What is to become of one connection."""

    def __init__(self, seed, number, swallow_ms):
        r = random.Random(f"{seed}/{number}")
        self.fate = r.choice(FATES)
        low, high = r.choice(((0, HANDSHAKE), (HANDSHAKE, 4000), (4000, 60000)))
        self.bytes = r.randint(low, high)                # of both directions, before its fate
        self.seconds = r.uniform(0.1, 2.5)               # or so long after its beginning
        self.delay = r.choice((0, 0, 0.005, 0.04, 0.15))  # at most, of each piece
        self.piece = r.choice((CHUNK, CHUNK, 700, 64))   # bytes at most
        self.later = r.uniform(0.05, 1.5)                # late: until its bytes arrive
        self.swallow = r.uniform(*swallow_ms) / 1000
        self.drains = r.random() < 0.5                   # a silent end is read
        self.random = r


class End:
    """One end of a connection: the socket, and the bytes that wait to be written to it."""

    def __init__(self, sock):
        self.socket, self.waiting, self.held = sock, collections.deque(), 0
        self.ready = self.read_end = self.write_end = self.closed = False

    def close(self, reset):
        """Closes the socket; reset: what was not delivered is lost, and the peer is told by an RST."""
        if self.closed:
            return
        self.closed = True
        if reset:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


class Connection:
    """Two ends, and a plan."""

    def __init__(self, number, client, broker, plan):
        self.number, self.client, self.broker, self.plan = number, client, broker, plan
        self.bytes, self.met, self.silent = 0, False, False

    def other(self, end):
        return self.broker if end is self.client else self.client


class Proxy:
    """Listens on a port of 127.0.0.1 (0: a free one) and connects each client to the target."""

    def __init__(self, target, seed, port=0, swallow_ms=(300, 1500), say=None):
        self.target, self.seed, self.swallow_ms, self.say = target, seed, swallow_ms, say
        self.healed = self.stopping = False
        self.fates = collections.Counter()
        self.connections, self.timers, self.order = set(), [], itertools.count()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.listener.setblocking(False)
        self.port = self.listener.getsockname()[1]
        self.wake_in, self.wake_out = socket.socketpair()
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        self.selector.register(self.wake_in, selectors.EVENT_READ, None)
        self.thread = threading.Thread(target=self.loop, daemon=True)
        self.thread.start()

    def heal(self):
        """From now on everything passes."""
        self.healed = True
        self.wake_out.send(b"h")

    def stop(self):
        """Ends all connections and the thread."""
        self.stopping = True
        self.wake_out.send(b"s")
        self.thread.join()

    # ---- the thread

    def later(self, seconds, action):
        heapq.heappush(self.timers, (time.monotonic() + seconds, next(self.order), action))

    def loop(self):
        while not self.stopping:
            wait = max(0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, events in self.selector.select(wait):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.fileobj is self.wake_in:
                    self.wake_in.recv(64)
                    if self.healed:
                        self.end_bad()
                else:
                    self.serve(*key.data, events)
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[2]()
        for connection in list(self.connections):
            self.close(connection, True)
        self.listener.close()

    def accept(self):
        client, _ = self.listener.accept()
        broker = socket.socket()
        for sock in (client, broker):
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = sum(self.fates.values())
        plan = Plan(self.seed, number, self.swallow_ms)
        if self.healed:
            plan.fate, plan.delay = "pass", 0
        self.fates[plan.fate] += 1
        if self.say:
            self.say(f"{number}: {plan.fate} after {plan.bytes} bytes or {plan.seconds:.2f} s")
        connection = Connection(number, End(client), End(broker), plan)
        self.connections.add(connection)
        broker.connect_ex(self.target)
        connection.client.ready = True
        self.watch(connection, connection.client)
        self.watch(connection, connection.broker)
        if plan.fate != "pass":
            self.later(plan.seconds, lambda: self.meet(connection))

    def watch(self, connection, end):
        """Registers what this end waits for now."""
        if end.closed:
            return
        other, events = connection.other(end), 0
        listens = not connection.silent or connection.plan.drains or end.write_end
        if end.ready and not end.read_end and listens and other.held < HELD_MAX:
            events |= selectors.EVENT_READ
        if not end.ready or end.waiting and end.waiting[0][0] <= time.monotonic():
            events |= selectors.EVENT_WRITE
        known = end.socket.fileno() in self.selector.get_map()
        if known and events:
            self.selector.modify(end.socket, events, (connection, end))
        elif known:
            self.selector.unregister(end.socket)
        elif events:
            self.selector.register(end.socket, events, (connection, end))

    def close_end(self, end, reset):
        if not end.closed and end.socket.fileno() in self.selector.get_map():
            self.selector.unregister(end.socket)
        end.close(reset)

    def close(self, connection, reset):
        self.close_end(connection.client, reset)
        self.close_end(connection.broker, reset)
        self.connections.discard(connection)

    def serve(self, connection, end, events):
        if end.closed:
            return
        try:
            if not end.ready:
                if end.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0:
                    raise ConnectionError
                end.ready = True
            elif events & selectors.EVENT_WRITE:
                self.write(connection, end)
            if events & selectors.EVENT_READ and end.ready and not end.closed:
                self.read(connection, end)
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close(connection, True)
        self.watch(connection, connection.client)
        self.watch(connection, connection.broker)

    def read(self, connection, end):
        data, other, plan = end.socket.recv(CHUNK), connection.other(end), connection.plan
        if not data:
            end.read_end = True
            self.finish(connection, end)
            return
        if connection.silent or other.closed:
            return
        connection.bytes += len(data)
        while data:
            piece, data = data[:plan.piece], data[plan.piece:]
            at = max(time.monotonic() + plan.random.uniform(0, plan.delay), other.waiting[-1][0] if other.waiting else 0)
            other.waiting.append((at, piece))
            other.held += len(piece)
            if at > time.monotonic():
                self.later(at - time.monotonic(), lambda: self.watch(connection, other))
        if plan.fate != "pass" and connection.bytes >= plan.bytes:
            self.meet(connection)

    def write(self, connection, end):
        while end.waiting and end.waiting[0][0] <= time.monotonic():
            at, piece = end.waiting[0]
            sent = end.socket.send(piece)
            end.held -= sent
            if sent < len(piece):
                end.waiting[0] = (at, piece[sent:])
                return
            end.waiting.popleft()
        if not end.waiting:
            if end.write_end:
                self.close_end(end, False)
                if connection.other(end).closed:
                    self.connections.discard(connection)
            else:
                self.finish(connection, connection.other(end))

    def finish(self, connection, end):
        """This end has sent all it had: so does the other, once everything was passed on."""
        other = connection.other(end)
        if end.read_end and not other.closed and not other.waiting and not connection.silent:
            self.close(connection, False)

    # ---- fates

    def meet(self, connection):
        """The connection's fate."""
        if connection.met or self.healed or connection not in self.connections:
            return
        connection.met = True
        client, broker, plan = connection.client, connection.broker, connection.plan
        if plan.fate == "fin":
            self.close(connection, False)
        elif plan.fate == "rst":
            self.close(connection, True)
        elif plan.fate == "cut":
            total = b"".join(piece for _, piece in broker.waiting)
            self.close_end(client, True)
            self.give_broker(connection, total[:plan.random.randint(0, len(total))])
        elif plan.fate == "late":
            total = b"".join(piece for _, piece in broker.waiting) + self.rest(client)
            broker.waiting.clear()
            self.close_end(client, True)
            self.later(plan.later, lambda: self.give_broker(connection, total))
        elif plan.fate == "orphan":
            connection.silent = True
            self.close_end(client, True)
        else:
            connection.silent = True
            self.later(plan.swallow, lambda: self.close_end(client, True))
        self.watch(connection, client)
        self.watch(connection, broker)

    @staticmethod
    def rest(end):
        """What has come from this end and was not read yet."""
        try:
            return end.socket.recv(CHUNK) if end.ready and not end.closed else b""
        except OSError:
            return b""

    def give_broker(self, connection, data):
        """The last of what the client sent, then the end of it."""
        broker = connection.broker
        if broker.closed:
            return
        connection.silent = True  # what the broker answers goes nowhere
        broker.waiting = collections.deque([(0, data)])
        broker.held, broker.write_end = len(data), True
        self.watch(connection, broker)

    def end_bad(self):
        """Clients that wait for nothing are told; the others' connections pass from now on. What the broker was not
        told it is not told now."""
        for connection in self.connections:
            if connection.met and not connection.client.closed and not connection.client.waiting:
                self.close_end(connection.client, True)
            connection.plan.delay = 0


def main():
    port, target, seed = sys.argv[1:]
    host, target_port = target.rsplit(":", 1)
    proxy = Proxy((host, int(target_port)), seed, int(port), say=lambda text: print(text, flush=True))
    proxy.thread.join()


if __name__ == "__main__":
    main()
