#!/usr/bin/env python3
"""Runs `wici bench` beside Redis Streams with `appendfsync always` on the same work, in turn (A B A B ...), and prints the
rates, the p50 and their ratio, round by round and as the median of the rounds.

    cmake --preset release && cmake --build --preset release
    tests/bench/redis.py [--bin build/release/bin] [--dir .] [--rounds 3] [--seconds 5]

The same: connections, messages each has under way, events a message, bytes an event, disk, loopback, a sync before each
answer. Not the same: Redis keeps no index by event id, checks no event, encrypts nothing and needs no proof. Ten events a
message are ten XADD in one write (a pipeline). Redis gets a load generator of one thread in C (bench_redis), which takes less
from the two processors than the sixteen clients of wici bench do.

Needs the Debian package redis-server, or redis-tools alone: there is one program in both, which is the server when it is
called so, and no service is installed with the second. Each server has a directory, a port and a configuration of its own and
is removed afterwards.
"""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import kit

# name, title, publishers, window, batch
LOADS = [
    ("single", "16 publishers, 64 outstanding, 1 event a message", 16, 64, 1),
    ("ten", "16 publishers, 64 outstanding, 10 events a message", 16, 64, 10),
    ("one", "1 publisher, 1 outstanding, 1 event a message", 1, 1, 1),
]


PROGRAM = shutil.which("redis-server") or shutil.which("redis-check-rdb")


class Redis:
    """A Redis server of our own."""

    def __init__(self, root):
        self.dir = tempfile.mkdtemp(prefix="bench-redis-", dir=root)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        config = f"{self.dir}/redis.conf"
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"bind 127.0.0.1\nport {self.port}\ndir {self.dir}\ndaemonize no\nlogfile {self.dir}/log\n"
                    "save \"\"\nappendonly yes\nappendfsync always\nauto-aof-rewrite-percentage 0\n")
        self.process = subprocess.Popen(["redis-server", config], executable=PROGRAM, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit(f"redis-server did not start: see {self.dir}/log")
                time.sleep(0.02)

    def bench(self, options, *load):
        """One run of bench_redis."""
        load = (self.port, *load, options.seconds, options.events)
        return json.loads(kit.run([f"{options.bin}/bench_redis", *map(str, load)]))

    def close(self):
        """Ends the server and removes what it wrote."""
        self.process.terminate()
        self.process.wait(60)
        shutil.rmtree(self.dir)


def round_run(options):
    """Both on each load, one after the other, on empty logs."""
    result = {}
    for name, _, publishers, window, batch in LOADS:
        broker = kit.Broker(options.bin, options.dir)
        wici = broker.bench("-p", str(publishers), "-w", str(window), "-b", str(batch), *kit.amount(options))
        broker.close()
        server = Redis(options.dir)
        redis = server.bench(options, publishers, window, batch, wici["eventBytes"])
        server.close()
        result[name] = {"wici": wici, "redis": redis}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".", help="on the disk that matters; should not be tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--events", type=int, default=0, help="that many of each publisher, instead of a time")
    options = parser.parse_args()
    options.dir = os.path.abspath(options.dir)
    if PROGRAM is None:
        sys.exit("not measured: Redis is missing (Debian package redis-tools)")
    print(subprocess.run(["redis-server", "--version"], executable=PROGRAM, capture_output=True, text=True, check=True).stdout.strip())
    rounds = []
    for number in range(options.rounds):
        rounds.append(round_run(options))
        for name, _, *_ in LOADS:
            wici, redis = rounds[-1][name]["wici"], rounds[-1][name]["redis"]
            print(f"round {number + 1}, {name}: wici {wici['publishedPerSecond']:,.0f}/s p50 {wici['publishToAnswer']['p50Us']} us, "
                  f"redis {redis['publishedPerSecond']:,.0f}/s p50 {redis['publishToAnswer']['p50Us']} us, "
                  f"rate {wici['publishedPerSecond'] / redis['publishedPerSecond']:.2f} x", flush=True)
    print("\n| work | Wici: events/s, p50 | Redis: events/s, p50 | rate, median of the rounds' ratios | p50, the same |\n|---|---|---|---|---|")
    for name, title, *_ in LOADS:
        def figure(which, path, name=name):
            return kit.median(rounds, f"{name}.{which}.{path}")

        def ratio(path, name=name):
            return statistics.median(kit.ratios(rounds, lambda r: kit.at(r, f"{name}.wici.{path}"),
                                                lambda r: kit.at(r, f"{name}.redis.{path}")))
        p50 = "publishToAnswer.p50Us"
        print(f"| {title} | {figure('wici', 'publishedPerSecond'):,.0f}, {figure('wici', p50):,.0f} us | "
              f"{figure('redis', 'publishedPerSecond'):,.0f}, {figure('redis', p50):,.0f} us | {ratio('publishedPerSecond'):.2f} x | "
              f"{ratio(p50):.2f} x |")


if __name__ == "__main__":
    main()
