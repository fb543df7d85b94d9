#!/usr/bin/env python3
"""What the others pay for those who replay, are idle, or are stuck, on a broker of its own (docs/BENCHMARKS.md).

    tests/bench/others.py [--bin build/release/bin] [--dir .] PART...

    replays  answers to publishers, without and with 10 clients that replay a log which is not in memory, in turn
    memory   1,000 idle agents and 10 stuck subscribers: the broker's memory over minutes of traffic
"""
import argparse
import ctypes
import json
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import threading
import time

import kit

SOURCE = pathlib.Path(__file__).resolve().parents[2]
LOADS = {"1 publisher, 1 outstanding": ["-p", "1", "-w", "1"], "4 publishers, 4 outstanding": ["-p", "4", "-w", "4"]}
MADV_PAGEOUT, PROCESS_MADVISE = 21, 440


def cool(broker):
    """Takes the log out of the memory of the machine and of the process. Returns what of its map is left, in MiB."""
    os.sync()
    ranges = []
    with open(f"/proc/{broker.process.pid}/maps", encoding="utf-8") as f:
        for line in f:
            if line.rstrip().endswith("/data.mdb"):
                start, end = (int(x, 16) for x in line.split()[0].split("-"))
                ranges.append((start, end - start))
    libc = ctypes.CDLL(None, use_errno=True)
    pidfd = os.pidfd_open(broker.process.pid)
    for start, size in ranges:
        while size > 0:  # it may do less than it was asked for
            vector = struct.pack("QQ", start, min(size, 1 << 30))
            done = libc.syscall(PROCESS_MADVISE, pidfd, vector, ctypes.c_ulong(1), MADV_PAGEOUT, 0)
            if done <= 0:
                break
            start, size = start + done, size - done
    os.close(pidfd)
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("1\n")
    return broker.memory_kib()[1] / 1024


def beside(options, broker, words, nice):
    """One load beside the replays, which are ended after it."""
    command = ["nice", "-n", str(nice), f"{options.bin}/wici", *broker.connection("sw"), "--json", "bench", "-p", "0", "-r",
               str(options.replays)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as others:
        time.sleep(options.lead)  # until they have connected
        result = broker.bench(*words)
        if others.poll() is not None:
            print("the replays ended before the load: the log is too small", flush=True)
        others.kill()
    return result


def replays(options):
    """Answers to publishers, without and with replays whose clients have the same priority as the rest, and the lowest:
    then they take no processor from the broker, as if they ran on machines of their own."""
    if os.geteuid() != 0:
        sys.exit("replays: only root can take the log out of memory")
    broker = kit.Broker(options.bin, options.dir)
    broker.bench("-p", "16", "-w", "64", "-b", "10", "-n", str(options.events // 16), "-d", "64")
    rounds = []
    for _ in range(options.rounds):
        rounds.append({})
        for name, words in LOADS.items():
            words = ["-t", str(options.seconds), *words]
            of = rounds[-1][name] = {"alone": broker.bench(*words)}
            for kind, nice in (("beside", 0), ("low", 19)):
                left = cool(broker)
                of[kind] = beside(options, broker, words, nice)
                of[kind]["left"] = left
            print(f"{name}: " + ", ".join(
                f"{kind} {x['publishToAnswer']['p50Us']} / {x['publishToAnswer']['p99Us']} us" for kind, x in of.items())
                  + f"; {of['beside']['left']:.0f} and {of['low']['left']:.0f} MiB of the log were left in memory", flush=True)
    broker.close()
    print(f"\nmedians of {options.rounds} rounds; a log of {options.events:,} records and more\n\n| what | alone | beside "
          f"{options.replays} cold replays | the same at low priority |\n|---|---|---|---|")
    for name in LOADS:
        for path, unit, scale in (("publishToAnswer.p50Us", "ms", 1000), ("publishToAnswer.p99Us", "ms", 1000),
                                  ("publishedPerSecond", "/s", 1)):
            values = {kind: kit.median(rounds, f"{name}.{kind}.{path}") / scale for kind in ("alone", "beside", "low")}
            ratio = {kind: statistics.median(kit.ratios(rounds, lambda r, k=kind: kit.at(r[name][k], path),
                                                        lambda r: kit.at(r[name]["alone"], path)))
                     for kind in ("beside", "low")}
            title = {"publishToAnswer.p50Us": "answer p50", "publishToAnswer.p99Us": "answer p99"}.get(path, "events/s")
            print(f"| {name}: {title} | {values['alone']:,.2f} {unit} | {values['beside']:,.2f} {unit} ({ratio['beside']:.2f} x) | "
                  f"{values['low']:,.2f} {unit} ({ratio['low']:.2f} x) |")


class Crowd:
    """Many units with a connection each, in this process: agents that acknowledge what they are told, and some that
    read nothing."""

    def __init__(self, broker, agents, stuck):
        sys.path.insert(0, str(SOURCE / "tests" / "interop"))
        import wici_client  # pylint: disable=import-outside-toplevel
        import zmq  # pylint: disable=import-outside-toplevel
        self.zmq, self.wici = zmq, wici_client.Protocol(str(SOURCE / "proto"))
        self.broker = broker
        self.context = zmq.Context(1)
        self.context.max_sockets = 2 * (agents + stuck) + 16
        self.stuck = [f"stuck-{i}" for i in range(stuck)]
        names = [f"agent-{i}" for i in range(agents)] + self.stuck
        keys = {name: wici_client.new_key() for name in names}
        with wici_client.session(self.wici, broker.endpoint, broker.key,
                                 wici_client.read_key(f"{broker.dir}/admin.key")) as admin:
            for i in range(0, len(names), 64):
                now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                answers = admin.publish(*[self.wici.make_event(
                    {"type": "SYS_UNIT_ENROLLED", "schema_version": 1, "occurred_at": now,
                     "actor": {"agency": "ops", "unit": "admin", "role": "ADM"}},
                    {"sys_unit_enrolled_s0": {"unit_id": name, "agency_id": "ops", "name": name, "roles": ["SW"],
                                              "key": keys[name][0]}}) for name in names[i:i + 64]])
                if any(answer.WhichOneof("outcome") != "receipt" for answer in answers):
                    sys.exit(f"units cannot be enrolled: {answers[0]}")
        self.poller = zmq.Poller()
        self.silent = []
        for name in names:
            sock = self.connect(keys[name], name in self.stuck)
            if name in self.stuck:
                self.silent.append(sock)
            else:
                self.poller.register(sock, zmq.POLLIN)
        self.told, self.ending = 0, False
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def connect(self, keys, silent):
        """Hello, and a durable subscription from the beginning."""
        sock = self.context.socket(self.zmq.DEALER)
        sock.linger, sock.reconnect_ivl, sock.heartbeat_ivl, sock.heartbeat_timeout = 0, -1, 5000, 60000
        sock.curve_serverkey = self.broker.key.encode()
        sock.curve_publickey, sock.curve_secretkey = (key.encode() for key in keys)
        if silent:
            sock.rcvhwm, sock.rcvbuf = 1, 4096
        sock.connect(self.broker.endpoint)
        wire = self.wici.wire
        for message in (wire.ClientMessage(hello=wire.Hello(protocol=1)),
                        wire.ClientMessage(subscribe=wire.Subscribe(subscription=1, cursor="inbox"))):
            sock.send(message.SerializeToString())
        return sock

    def listen(self):
        """The agents' part."""
        wire = self.wici.wire
        while not self.ending:
            for sock, _ in self.poller.poll(200):
                message = wire.BrokerMessage.FromString(sock.recv())
                kind = message.WhichOneof("message")
                if kind == "refused":
                    print("refused:", message.refused.refusal.code, flush=True)
                seqs = ([p.seq for p in message.positions.positions] if kind == "positions" else
                        [d.seq for d in message.batch.deliveries][-1:] if kind == "batch" else [])
                self.told += len(seqs)
                for seq in seqs:
                    sock.send(wire.ClientMessage(ack=wire.Ack(subscription=1, seq=seq)).SerializeToString())

    def end(self):
        """Leaves."""
        self.ending = True
        self.thread.join()
        self.context.destroy(0)


def memory(options):
    """Resident memory without the maps, sampled while events are published that the stuck would be given."""
    broker = kit.Broker(options.bin, options.dir)
    empty = broker.memory_kib()[0] / 1024
    crowd = Crowd(broker, options.agents, options.stuck)
    deadline = time.monotonic() + 60
    while broker.status().get("sessions", 0) < options.agents + options.stuck:
        if time.monotonic() > deadline:
            sys.exit(f"not all have connected: {broker.status()}")
        time.sleep(0.5)
    connected = broker.memory_kib()[0] / 1024
    addressees = [word for name in crowd.stuck for word in ("-a", name)]
    samples = []
    command = [f"{options.bin}/wici", *broker.connection("sw"), "--json", "bench", "-p", "2", "-w", "2", "-d",
               str(max(1, options.stuck // 2)), "-t", str(round(options.minutes * 60)), *addressees]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        while load.poll() is None:
            samples.append(broker.memory_kib()[0] / 1024)
            try:
                load.wait(options.every)
            except subprocess.TimeoutExpired:
                pass
        result = json.loads(load.stdout.read())
    sessions = broker.status()["sessions"]
    crowd.end()
    broker.close()
    quarter = max(1, len(samples) // 4)
    second, last = (statistics.mean(part) for part in (samples[quarter:2 * quarter] or samples, samples[-quarter:]))
    print("samples, MiB:", " ".join(f"{sample:.1f}" for sample in samples))
    print(f"\n| {options.agents:,} idle agents, {options.stuck} stuck subscribers, {options.minutes:g} minutes, "
          f"{result['published']:,} events | figure |\n|---|---|")
    print(f"| the broker's memory without LMDB's maps: started; all connected | {empty:.1f}; {connected:.1f} MiB |")
    print(f"| with traffic: highest; mean of the second and of the last quarter | {max(samples):.1f}; {second:.1f}, {last:.1f} MiB |")
    print(f"| positions told to the agents; sessions at the end | {crowd.told:,}; {sessions:,} |")
    print(f"| publish -> answer p50 / p99, 2 publishers, 2 outstanding | {result['publishToAnswer']['p50Us'] / 1000:.2f} / "
          f"{result['publishToAnswer']['p99Us'] / 1000:.2f} ms |")


PARTS = {f.__name__: f for f in (replays, memory)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".", help="on the disk that matters; should not be tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--lead", type=float, default=1, help="seconds that the replays have before the load begins")
    parser.add_argument("--events", type=int, default=640_000, help="in the log that is replayed")
    parser.add_argument("--replays", type=int, default=10)
    parser.add_argument("--agents", type=int, default=1000)
    parser.add_argument("--stuck", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks at the memory")
    parser.add_argument("parts", nargs="+", choices=PARTS)
    options = parser.parse_args()
    options.dir = os.path.abspath(options.dir)
    for part in options.parts:
        PARTS[part](options)


if __name__ == "__main__":
    main()
