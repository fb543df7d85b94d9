#!/usr/bin/env python3
"""Measures a broker of its own with `wici bench`, several rounds, each beside this machine's reference figures, and
prints docs/BENCHMARKS.md's table: the median of the rounds.

    cmake --preset release && cmake --build --preset release
    tests/bench/run.py [--bin build/release/bin] [--dir .] [--rounds 3] [--seconds 5] [--json]
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

TICKS = os.sysconf("SC_CLK_TCK")
# name -> options of `wici bench`
LOADS = {
    "one": ["-p", "1", "-w", "1", "-S", "1"],
    "steady": ["-p", "4", "-w", "4", "-S", "1"],
    "single": ["-p", "16", "-w", "64", "-b", "1"],
    "ten": ["-p", "16", "-w", "64", "-b", "10"],
    "watched": ["-p", "16", "-w", "64", "-b", "10", "-S", "1"],
}


class Broker:
    """A broker with one unit that publishes, in a directory of its own."""

    def __init__(self, bin_dir, root):
        self.bin, self.dir = bin_dir, tempfile.mkdtemp(prefix="bench-", dir=root)
        self.config, self.log = f"{self.dir}/wicid.conf", open(f"{self.dir}/log", "wb")
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(f"listen = tcp://127.0.0.1:*\ndata.dir = {self.dir}/data\nkey.dir = {self.dir}/keys\n"
                    f"kek.file = {self.dir}/kek\ncurve.key = {self.dir}/curve.key\ndata.size_max = 16G\n")
        self.call([f"{bin_dir}/wicid", "-c", self.config, "init", "--origin", "bench.example", "--agency", "ops",
                   "--agency-name", "OPS", "--unit", "admin", "--admin-key", f"{self.dir}/admin.key"])
        self.process = subprocess.Popen([f"{bin_dir}/wicid", "-c", self.config], stdout=subprocess.PIPE,
                                        stderr=self.log, text=True)
        self.endpoint = self.process.stdout.readline().split()[1]
        with open(f"{self.dir}/curve.key", encoding="utf-8") as f:
            self.key = next(line for line in f if line.startswith("public = "))[len("public = "):].strip("\n")
        self.wici("admin", "key", "generate", f"{self.dir}/sw.key")
        self.wici("admin", "unit", "add", "ops-sw", "--agency", "ops", "--name", "SW", "--role", "SW", "--key",
                  f"{self.dir}/sw.key")

    def call(self, words):
        """What a program prints; its failure is ours."""
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=600)
        if done.returncode != 0:
            sys.exit(f"{' '.join(words[:1] + words[4:])}: {done.stderr}{done.stdout}")
        return done.stdout

    def wici(self, key, *words):
        """A command of wici with this key."""
        return self.call([f"{self.bin}/wici", f"--endpoint={self.endpoint}", f"--server-key={self.key}",
                          f"--key-file={self.dir}/{key}.key", *words])

    def cpu_us(self):
        """CPU time of the broker's process so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1_000_000 // TICKS

    def disk(self):
        """Bytes that data and finding index take on disk."""
        return sum(os.stat(os.path.join(at, name)).st_blocks * 512
                   for at, _, names in os.walk(f"{self.dir}/data") for name in names)

    def bench(self, *options):
        """One run of `wici bench`, with the broker's CPU time and bytes on disk for each event."""
        cpu, disk = self.cpu_us(), self.disk()
        result = json.loads(self.wici("sw", "--json", "bench", *options))
        events = result["published"] or result["replayed"]
        result["brokerCpuUs"] = (self.cpu_us() - cpu) / events
        result["diskBytes"] = (self.disk() - disk) / events
        return result

    def close(self):
        """Ends the broker and removes what it wrote."""
        self.process.terminate()
        code = self.process.wait(60)
        self.log.close()
        shutil.rmtree(self.dir)
        if code != 0:
            sys.exit(f"wicid ended with {code}")


def round_run(options):
    """All loads once, on a fresh log, with the references before and after."""
    def reference():
        return json.loads(subprocess.run([f"{options.bin}/bench_reference", options.dir], capture_output=True,
                                         check=True).stdout)
    before = reference()
    broker = Broker(options.bin, options.dir)
    result = {name: broker.bench("-t", str(options.seconds), *words) for name, words in LOADS.items()}
    result["replay"] = broker.bench("-p", "0", "-r", "1")
    broker.close()
    after = reference()
    for name in ("commit", "roundTrip"):
        result[name] = (before[name]["p50"] + after[name]["p50"]) / 2
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".", help="on the disk that matters; should not be tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print each round as a line of JSON too")
    options = parser.parse_args()
    options.dir = os.path.abspath(options.dir)
    rounds = []
    for _ in range(options.rounds):
        rounds.append(round_run(options))
        if options.json:
            print(json.dumps(rounds[-1]), flush=True)

    def median(*path):
        values = []
        for value in rounds:
            for step in path:
                value = value[step]
            values.append(value)
        return statistics.median(values)

    base = statistics.median(r["commit"] + r["roundTrip"] for r in rounds)
    ratio = statistics.median(r["one"]["publishToAnswer"]["p50Us"] / (r["commit"] + r["roundTrip"]) for r in rounds)
    print(f"medians of {options.rounds} rounds\n\n| what | figure |\n|---|---|")
    print(f"| reference: the writes of one LMDB commit, p50 | {median('commit'):.0f} us |")
    print(f"| reference: CURVE round trip of 512 bytes, p50 | {median('roundTrip'):.0f} us |")
    print(f"| one publisher, one outstanding: publish -> answer p50 / p99 | {median('one', 'publishToAnswer', 'p50Us')} / "
          f"{median('one', 'publishToAnswer', 'p99Us')} us; {ratio:.2f} x the sum of the references ({base:.0f} us) |")
    for name, title in (("one", "the same: publish -> deliver"),
                        ("steady", "4 publishers, 4 outstanding: publish -> answer"),
                        ("steady", "the same: publish -> deliver"),
                        ("watched", "16 x 64 outstanding x 10 events, one live subscriber: publish -> answer"),
                        ("watched", "the same: publish -> deliver")):
        kind = "publishToDeliver" if "deliver" in title else "publishToAnswer"
        print(f"| {title} p50 / p99 | {median(name, kind, 'p50Us')} / {median(name, kind, 'p99Us')} us |")
    for name, title in (("steady", "4 publishers, 4 outstanding, 1 event a message, one live subscriber"),
                        ("single", "16 publishers, 64 outstanding, 1 event a message"),
                        ("ten", "16 publishers, 64 outstanding, 10 events a message"),
                        ("watched", "the same with one live subscriber")):
        print(f"| {title} | {median(name, 'publishedPerSecond'):,.0f} events/s; "
              f"{median(name, 'brokerCpuUs'):.1f} us of the broker's CPU, {median(name, 'diskBytes'):,.0f} bytes on disk an event |")
    print(f"| replay of the whole log, hot ({median('replay', 'replayed'):,.0f} records) | "
          f"{median('replay', 'replayedPerSecond'):,.0f}/s; {median('replay', 'brokerCpuUs'):.1f} us of the broker's CPU a record |")


if __name__ == "__main__":
    main()
