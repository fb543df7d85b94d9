#!/usr/bin/env python3
"""Measures a broker of its own with `wici bench`, several rounds, each beside this machine's reference figures, and
prints docs/BENCHMARKS.md's table: the median of the rounds.

    cmake --preset release && cmake --build --preset release
    tests/bench/run.py [--bin build/release/bin] [--dir .] [--rounds 3] [--seconds 5] [--json]
"""
import argparse
import json
import os
import statistics

import kit

# name -> options of `wici bench`
LOADS = {
    "one": ["-p", "1", "-w", "1", "-S", "1"],
    "steady": ["-p", "4", "-w", "4", "-S", "1"],
    "single": ["-p", "16", "-w", "64", "-b", "1"],
    "ten": ["-p", "16", "-w", "64", "-b", "10"],
    "watched": ["-p", "16", "-w", "64", "-b", "10", "-S", "1"],
}


def round_run(options):
    """All loads once, on a fresh log, with the references before and after."""
    before = kit.reference(options)
    broker = kit.Broker(options.bin, options.dir)
    result = {name: broker.bench(*kit.amount(options), *words) for name, words in LOADS.items()}
    result["replay"] = broker.bench("-p", "0", "-r", "1")
    broker.close()
    after = kit.reference(options)
    for name in ("commit", "writes", "roundTrip"):
        result[name] = (before[name]["p50"] + after[name]["p50"]) / 2
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".", help="on the disk that matters; should not be tmpfs")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--events", type=int, default=0, help="that many of each publisher, instead of a time")
    parser.add_argument("--json", action="store_true", help="print each round as a line of JSON too")
    options = parser.parse_args()
    options.dir = os.path.abspath(options.dir)
    rounds = []
    for _ in range(options.rounds):
        rounds.append(round_run(options))
        if options.json:
            print(json.dumps(rounds[-1]), flush=True)

    def figure(path):
        return kit.median(rounds, path)

    base = statistics.median(r["commit"] + r["roundTrip"] for r in rounds)
    ratio = statistics.median(kit.ratios(rounds, lambda r: r["one"]["publishToAnswer"]["p50Us"],
                                         lambda r: r["commit"] + r["roundTrip"]))
    behind = statistics.median(r["one"]["publishToDeliver"]["p50Us"] - r["one"]["publishToAnswer"]["p50Us"] for r in rounds)
    print(f"medians of {options.rounds} rounds\n\n| what | figure |\n|---|---|")
    print(f"| reference: an LMDB commit of one record, p50 | {figure('commit'):.0f} us (its writes alone: {figure('writes'):.0f} us) |")
    print(f"| reference: CURVE round trip of 512 bytes, p50 | {figure('roundTrip'):.0f} us |")
    print(f"| one publisher, one outstanding: publish -> answer p50 / p99 | {figure('one.publishToAnswer.p50Us')} / "
          f"{figure('one.publishToAnswer.p99Us')} us; {ratio:.2f} x the sum of the references ({base:.0f} us) |")
    print(f"| the same: deliver p50 less answer p50 | {behind:.0f} us |")
    for name, title in (("one", "the same: publish -> deliver"),
                        ("steady", "4 publishers, 4 outstanding: publish -> answer"),
                        ("steady", "the same: publish -> deliver"),
                        ("watched", "16 x 64 outstanding x 10 events, one live subscriber: publish -> answer"),
                        ("watched", "the same: publish -> deliver")):
        kind = "publishToDeliver" if "deliver" in title else "publishToAnswer"
        print(f"| {title} p50 / p99 | {figure(f'{name}.{kind}.p50Us')} / {figure(f'{name}.{kind}.p99Us')} us |")
    for name, title in (("steady", "4 publishers, 4 outstanding, 1 event a message, one live subscriber"),
                        ("single", "16 publishers, 64 outstanding, 1 event a message"),
                        ("ten", "16 publishers, 64 outstanding, 10 events a message"),
                        ("watched", "the same with one live subscriber")):
        print(f"| {title} | {figure(f'{name}.publishedPerSecond'):,.0f} events/s; "
              f"{figure(f'{name}.brokerCpuUs'):.1f} us of the broker's CPU, {figure(f'{name}.diskBytes'):,.0f} bytes on disk an event |")
    print(f"| replay of the whole log, hot ({figure('replay.replayed'):,.0f} records) | "
          f"{figure('replay.replayedPerSecond'):,.0f}/s; {figure('replay.brokerCpuUs'):.1f} us of the broker's CPU a record |")


if __name__ == "__main__":
    main()
