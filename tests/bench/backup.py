#!/usr/bin/env python3
"""What a backup costs who publishes: `wici bench` on a filled log, in turn without one and with one backup after another.

    cmake --preset release && cmake --build --preset release
    tests/bench/backup.py [--bin build/release/bin] [--dir .] [--fill 300000] [--rounds 3] [--seconds 5]
"""
import argparse
import json
import os
import statistics
import subprocess
import threading
import time

import kit

LOAD = ["-p", "4", "-w", "4"]


class Backups(threading.Thread):
    """One backup after another, until told to end; seconds: how long each took."""

    def __init__(self, broker):
        super().__init__()
        self.broker, self.over, self.seconds = broker, threading.Event(), []

    def run(self):
        while not self.over.is_set():
            begin = time.monotonic()
            label = f"b{time.time_ns()}"
            told = json.loads(self.broker.wici("admin", "--json", "backup", label))
            if told["state"] != "DONE":
                raise SystemExit(f"a backup failed: {told}")
            self.seconds.append(time.monotonic() - begin)
            subprocess.run(["rm", "-r", f"{self.broker.dir}/backup/{label}", f"{self.broker.dir}/backup-keys/{label}"],
                           check=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".", help="on the disk that matters; should not be tmpfs")
    parser.add_argument("--fill", type=int, default=300000, help="events in the log before")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    broker = kit.Broker(options.bin, os.path.abspath(options.dir))
    broker.stop()
    with open(broker.config, "a", encoding="utf-8") as f:
        f.write(f"backup.dir = {broker.dir}/backup\nbackup.key_dir = {broker.dir}/backup-keys\n")
    for folder in ("backup", "backup-keys"):
        os.mkdir(f"{broker.dir}/{folder}")
    broker.start()
    broker.bench("-p", "16", "-w", "64", "-b", "10", "-n", str(options.fill // 16))
    rounds, seconds = [], []
    for _ in range(options.rounds):
        alone = broker.bench(*LOAD, "-t", str(options.seconds))
        backups = Backups(broker)
        backups.start()
        beside = broker.bench(*LOAD, "-t", str(options.seconds))
        backups.over.set()
        backups.join()
        seconds += backups.seconds
        rounds.append({"alone": alone, "beside": beside})
    records, size = broker.status()["head"]["seq"], os.path.getsize(f"{broker.dir}/data/log/data.mdb")
    broker.close()
    print(f"log of {int(records):,} records, {size >> 20} MiB; a backup, verified: {statistics.median(seconds):.1f} s ({len(seconds)} of them)")
    print("\n| 4 publishers, 4 outstanding, 1 event a message | alone | beside a backup |\n|---|---|---|")
    for title, path in (("events/s", "publishedPerSecond"), ("publish -> answer p50, us", "publishToAnswer.p50Us"),
                        ("publish -> answer p99, us", "publishToAnswer.p99Us")):
        print(f"| {title} | {kit.median(rounds, f'alone.{path}'):,.0f} | {kit.median(rounds, f'beside.{path}'):,.0f} |")


if __name__ == "__main__":
    main()
