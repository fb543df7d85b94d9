#!/usr/bin/env python3
"""What proofs and the record of reads cost in a log of a million events. Each part prints lines for docs/BENCHMARKS.md.

    cmake --preset release && cmake --build --preset release
    tests/bench/million.py --keep DIRECTORY fill               # a million events and who read them, once; two minutes
    tests/bench/million.py --keep DIRECTORY start reads beside proofs tree export verify

DIRECTORY gets 3 GB and stays, for the next time. The log: --dossiers cases held by one unit, what is said in each addressed
to one of --units others; then all of it read by the holder, by each of the others, and by an auditor.

    start    time until the broker listens, the file in memory
    reads    `wici audit reads`: what exactly was shown of a dossier, alone and narrowed; the records of reads as such
    beside   publishers alone, and beside one such question after the other
    proofs   `wici receipt` and `wici consistency`, each from connecting to its end
    tree     appending with the tree and without it, in turn (bench_store; a log of its own, removed)
    export   `wici export`
    verify   `wici verify` of a receipt, a consistency file, an export and a copy of the data directory: time and memory
"""
import argparse
import json
import os
import random
import shutil
import statistics
import sys
import threading
import time

import kit
import large

LOADS = (("1 publisher, 1 outstanding", ["-p", "1", "-w", "1"]), ("4 publishers, 4 outstanding", ["-p", "4", "-w", "4"]))


def wici(broker, key, *words):
    """The words of a command of wici."""
    return [f"{broker.bin}/wici", *broker.connection(key), *words]


def spread(seconds):
    """p50 and longest."""
    return f"{1000 * statistics.median(seconds):,.0f} / {1000 * max(seconds):,.0f} ms (of {len(seconds)})"


def filled(options):
    """The broker on the filled log."""
    return kit.Broker(options.bin, None, keep=options.keep)


def fill(options):
    """Makes the log and reads it, or says that it is there."""
    if os.path.exists(f"{options.keep}/filled.json"):
        print("filled already")
        return
    broker = kit.Broker(options.bin, None, keep=options.keep, size_max="16G")
    to = []
    for number in range(options.units):
        broker.unit_add(f"u{number:03}", f"u{number:03}")
        to += ["--to", f"u{number:03}"]
    result = broker.bench(*large.LOAD, "-n", str(options.events // 16), "-d", str(options.dossiers // 16), *to)
    events = int(broker.status()["head"]["seq"])
    kit.run([f"{options.bin}/bench_readers", "units", broker.endpoint, broker.key, options.keep, "u", str(options.units),
             str(events)])
    for key in (large.auditor(broker), "sw"):
        kit.run(wici(broker, key, "--json", "bench", "-p", "0", "-r", "1"))
    broker.stop()  # the last windows are recorded
    broker.start()
    records = int(broker.status()["head"]["seq"])
    broker.stop()
    with open(f"{options.keep}/filled.json", "w", encoding="utf-8") as f:
        json.dump({"records": records}, f)
    print(f"| filling | {records:,} records, {records - events:,} of them about reads; "
          f"{result['diskBytes']:,.0f} bytes on disk an event |", flush=True)


def start(options):
    """Time to start."""
    taken = []
    for _ in range(options.rounds):
        broker = filled(options)
        taken.append(broker.started_s)
        broker.stop()
    print(f"| start, the file in memory | {statistics.median(taken):.2f} s (of {len(taken)}: {min(taken):.2f} to "
          f"{max(taken):.2f}) |", flush=True)


def events_read(broker, *words):
    """The first thousand events of the holder that these words choose."""
    said = kit.run(wici(broker, "sw", "--json", "read", "--count", "1000", *words))
    return [json.loads(line) for line in said.splitlines()]


def some_dossiers(options, broker):
    """Ids of dossiers of the log, the same in each run."""
    ids = sorted({event["header"]["dossierId"] for event in events_read(broker, "--type", "case.opened")})
    return random.Random(19).sample(ids, min(options.questions, len(ids)))


def reads(options):
    """One question after the other, nobody else there."""
    broker = filled(options)
    large.auditor(broker)
    dossiers = some_dossiers(options, broker)
    for title, words in (("of a dossier", []), ("of a dossier, by one institution", ["--agency", "ops"]),
                         ("of a dossier, the last ten minutes", ["--since", "10m"])):
        taken, told = [], []
        cpu = broker.cpu_us()
        for dossier in dossiers:
            seconds, _, _, said = kit.timed(wici(broker, "aud", "--json", "audit", "reads", "--dossier", dossier, *words), (0, 5))
            taken.append(seconds)
            told.append(len(json.loads(said)["reads"]) if said else 0)
        print(f"| who was shown what {title}: p50 / longest | {spread(taken)}; {statistics.median(told):.0f} reads told; "
              f"{(broker.cpu_us() - cpu) / 1e6 / len(dossiers):.2f} s of the broker's CPU |", flush=True)
    for title, words in (("of an institution", ["--agency", "ops"]), ("of the last ten minutes", ["--since", "10m"]),
                         ("of an institution, the last ten minutes", ["--agency", "ops", "--since", "10m"])):
        taken = [kit.timed(wici(broker, "aud", "--json", "audit", "reads", *words), (0, 5))[0] for _ in range(options.rounds)]
        print(f"| the records of reads {title}: p50 / longest | {spread(taken)} |", flush=True)
    broker.stop()


class Questions(threading.Thread):
    """One question after the other, until told to end."""

    def __init__(self, broker, dossiers):
        super().__init__()
        self.broker, self.dossiers, self.over, self.taken = broker, dossiers, threading.Event(), []

    def run(self):
        while not self.over.is_set():
            dossier = self.dossiers[len(self.taken) % len(self.dossiers)]
            self.taken.append(kit.timed(wici(self.broker, "aud", "--json", "audit", "reads", "--dossier", dossier))[0])


def beside(options):
    """Publishers, in turn alone and while a question is being worked on."""
    broker = filled(options)
    large.auditor(broker)
    dossiers = some_dossiers(options, broker)
    for title, load in LOADS:
        rounds, taken = [], []
        for _ in range(options.rounds):
            alone = broker.bench(*load, "-t", str(options.seconds))
            questions = Questions(broker, dossiers)
            questions.start()
            asked = broker.bench(*load, "-t", str(options.seconds))
            questions.over.set()
            questions.join()
            taken += questions.taken
            rounds.append({"alone": alone, "asked": asked})
        for name, path in (("p50", "publishToAnswer.p50Us"), ("p99", "publishToAnswer.p99Us"), ("longest", "publishToAnswer.maxUs")):
            print(f"| {title}: publish -> answer {name}, alone and beside questions | "
                  f"{kit.median(rounds, 'alone.' + path) / 1000:.2f} and {kit.median(rounds, 'asked.' + path) / 1000:.2f} ms |")
        print(f"| {title}: events/s, alone and beside; the question meanwhile: p50 / longest | "
              f"{kit.median(rounds, 'alone.publishedPerSecond'):,.0f} and {kit.median(rounds, 'asked.publishedPerSecond'):,.0f}; "
              f"{spread(taken)} |", flush=True)
    broker.stop()


def proofs(options):
    """Receipts of the holder's events, and consistency with older checkpoints."""
    broker = filled(options)
    head = int(broker.status()["head"]["seq"])
    dice = random.Random(4)
    seqs = [int(event["seq"]) for event in events_read(broker, "--type", "info.provided", "--from-seq", str(head // 2))]
    taken = [kit.timed(wici(broker, "sw", "receipt", str(dice.choice(seqs))))[0] for _ in range(options.proofs)]
    print(f"| `wici receipt`: p50 / longest | {spread(taken)} |")
    taken = [kit.timed(wici(broker, "sw", "consistency", str(dice.randrange(1, head))))[0] for _ in range(options.proofs)]
    print(f"| `wici consistency`: p50 / longest | {spread(taken)} |")
    taken = [kit.timed(wici(broker, "sw", "checkpoint"))[0] for _ in range(options.proofs)]
    print(f"| `wici checkpoint`, which proves nothing: p50 / longest | {spread(taken)} |", flush=True)
    broker.stop()


def tree(options):
    """The store alone."""
    print(kit.run([f"{options.bin}/bench_store", "-t", "-n", str(options.events), os.path.dirname(options.keep)]).strip(), flush=True)


def export(options):
    """The export, which verify reads."""
    broker = filled(options)
    shutil.rmtree(f"{options.keep}/export", ignore_errors=True)
    cpu = broker.cpu_us()
    seconds, memory, _, _ = kit.timed(wici(broker, large.auditor(broker), "export", f"{options.keep}/export"))
    cpu = (broker.cpu_us() - cpu) / 1e6
    files = sum(len(names) for _, _, names in os.walk(f"{options.keep}/export"))
    broker.stop()
    print(f"| `wici export`: {files:,} files, {kit.file_bytes(options.keep + '/export') >> 20} MiB | {seconds:.1f} s, {cpu:.1f} s of "
          f"the broker's CPU; {memory:.0f} MiB |", flush=True)


def verify(options):
    """All that can be verified, each `rounds` times."""
    broker = filled(options)
    vkey = broker.wici(large.auditor(broker), "log", "key").split()[-1]
    head = int(broker.status()["head"]["seq"])
    files = {}
    for name, words in (("receipt", ["receipt", str(head // 2)]), ("older", ["checkpoint"])):
        files[name] = f"{options.keep}/{name}"
        with open(files[name], "w", encoding="utf-8") as f:
            f.write(broker.wici("aud", *words))
    broker.bench("-p", "1", "-w", "1", "-n", "10")
    files["consistency"] = f"{options.keep}/consistency"
    with open(files["consistency"], "w", encoding="utf-8") as f:
        f.write(broker.wici("aud", "consistency", files["older"]))
    broker.stop()
    shutil.rmtree(f"{options.keep}/copy", ignore_errors=True)
    shutil.copytree(f"{options.keep}/data", f"{options.keep}/copy")
    keys = ["--key-dir", f"{options.keep}/keys", "--kek", f"{options.keep}/kek"]
    size = kit.file_bytes(f"{options.keep}/copy")
    for title, words in (("a receipt", [files["receipt"]]),
                         ("a consistency file", ["--checkpoint", files["older"], files["consistency"]]),
                         ("the export", [f"{options.keep}/export"]),
                         (f"a copy of the data directory ({size >> 20} MiB), seals not opened", [f"{options.keep}/copy"]),
                         ("the same with the keys", [*keys, f"{options.keep}/copy"])):
        if words[-1].endswith("/export") and not os.path.isdir(words[-1]):
            continue
        kit.verified(title, [f"{options.bin}/wici", "verify", "--vkey", vkey, *words], options.rounds)
    shutil.rmtree(f"{options.keep}/copy")


PARTS = {f.__name__: f for f in (fill, start, reads, beside, proofs, tree, export, verify)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--keep", required=True, help="where the log is, or will be")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--dossiers", type=int, default=10_000)
    parser.add_argument("--units", type=int, default=100, help="units that are written to and read it all")
    parser.add_argument("--questions", type=int, default=10, help="dossiers that are asked about")
    parser.add_argument("--proofs", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of publishing in each round")
    options = parser.parse_args()
    options.keep = os.path.abspath(options.keep)
    for part in options.parts:
        PARTS[part](options)


if __name__ == "__main__":
    main()
