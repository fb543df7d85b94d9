#!/usr/bin/env python3
"""Fills a log of many events once and measures on it what depends on size. Each part prints lines for docs/BENCHMARKS.md.

    cmake --preset release && cmake --build --preset release
    tests/bench/large.py --keep DIRECTORY fill                    # 10 million events, once; a quarter of an hour at most
    tests/bench/large.py --keep DIRECTORY start dossier units     # and append, replay, cold, store

DIRECTORY gets 16 GB and stays, for the next time. The log: --dossiers cases held by one unit; what is said in each is
addressed to one other unit, so many of them that each has --each dossiers; info.provided events of about 500 bytes, in all
dossiers in turn, so that those of one dossier lie far apart.

    start    time until the broker listens; memory then; the fold and the state of a dossier (bench_state)
    dossier  one dossier's events, without a durable cursor, for 1,000 dossiers; the file in memory
    units    --units units, --behind records behind, all at once
    append   publishing into this log and into one of --small events, in turn
    store    the same in the store alone (bench_store), which fills a log of its own
    replay   the whole log for an auditor (all headers), and for the holder; the file in memory
    verify   `wici verify` of the data directory, without and with the keys; with root also with no more memory than --verify-memory,
             the files' pages included
    cold     start and the same, the files out of memory and no more than --cold-memory bytes of it for the broker and the pages
             it reads (a control group; root only)
"""
import argparse
import json
import os
import statistics
import sys
import time

import kit

LOAD = ["-p", "16", "-w", "64", "-b", "10"]


def unit_names(options):
    """The units that are written to, each about `each` dossiers."""
    return [f"u{i:03}" for i in range(max(options.units, options.dossiers // options.each))]


def fill(options):
    """Makes the log, or says that it is there."""
    if os.path.exists(f"{options.keep}/filled.json"):
        print("filled already")
        return
    broker = kit.Broker(options.bin, None, keep=options.keep, size_max="64G")
    to = []
    for name in unit_names(options):
        broker.unit_add(name, name)
        to += ["--to", name]
    result = broker.bench(*LOAD, "-n", str(options.events // 16), "-d", str(options.dossiers // 16), *to)
    result["head"] = int(broker.status()["head"]["seq"])
    broker.stop()
    with open(f"{options.keep}/filled.json", "w", encoding="utf-8") as f:
        json.dump(result, f)
    print(f"| filling | {result['head']:,} records in {result['seconds']:.0f} s, {result['publishedPerSecond']:,.0f}/s; "
          f"{result['diskBytes']:,.0f} bytes on disk an event |", flush=True)


def opened(options):
    """The broker on the filled log; asked for only once what needs it stopped is done."""
    return kit.Broker(options.bin, None, keep=options.keep)


def start(options):
    """Time to start, memory, state of a dossier."""
    taken, memory = [], []
    for _ in range(options.rounds):
        broker = opened(options)
        taken.append(broker.started_s)
        memory.append(broker.memory_kib())
        records = int(broker.status()["head"]["seq"])
        broker.stop()
    state = json.loads(kit.run([f"{options.bin}/bench_state", f"{options.keep}/data", f"{options.keep}/keys", f"{options.keep}/kek"]))
    print(f"| start, the file in memory ({records:,} records) | {statistics.median(taken):.1f} s (of {len(taken)}: "
          f"{min(taken):.1f} to {max(taken):.1f}) |")
    print(f"| memory after it without LMDB's maps | {statistics.median(m[0] for m in memory) / 1024:.0f} MiB |")
    print(f"| the fold | {state['foldPerSecond']:,.0f} records/s, {state['foldSeconds']:.1f} s; before it the store's recovery "
          f"{state['openSeconds']:.2f} s |")
    print(f"| state of a dossier (of {state['dossiers']:,}) | {state['stateBytesPerDossier']:.0f} bytes |", flush=True)


def dossier(options):
    """1,000 cold cursors."""
    broker = opened(options)
    rounds = [json.loads(kit.run([f"{options.bin}/bench_readers", "dossiers", broker.endpoint, broker.key,
                                  f"{options.keep}/sw.key", str(options.cursors)])) for _ in range(options.rounds)]
    broker.stop()
    print(f"| one dossier of {rounds[0]['eventsEach']:.0f} events, cold cursor, p50 / p99 / max of {options.cursors} | "
          f"{kit.median(rounds, 'read.p50Us') / 1000:.2f} / {kit.median(rounds, 'read.p99Us') / 1000:.2f} / "
          f"{kit.median(rounds, 'read.maxUs') / 1000:.2f} ms |", flush=True)


def units(options):
    """A week behind, all at once."""
    broker = opened(options)
    rounds = []
    for _ in range(options.rounds):
        cpu = broker.cpu_us()
        rounds.append(json.loads(kit.run([f"{options.bin}/bench_readers", "units", broker.endpoint, broker.key, options.keep, "u",
                                          str(options.units), str(options.behind)])))
        rounds[-1]["cpuMs"] = (broker.cpu_us() - cpu) / 1000
    memory = broker.memory_kib()
    broker.stop()
    print(f"| {options.units} units, {options.behind:,} records behind: all current after | "
          f"{kit.median(rounds, 'allCurrentMs') / 1000:.2f} s; {kit.median(rounds, 'events'):,.0f} events delivered; "
          f"{kit.median(rounds, 'cpuMs') / 1000:.2f} s of the broker's CPU; its memory after that {memory[0] / 1024:.0f} MiB |",
          flush=True)


def append(options):
    """This log and a small one in turn."""
    large, rounds = opened(options), []
    for _ in range(options.rounds):
        small = kit.Broker(options.bin, os.path.dirname(options.keep))
        small.bench(*LOAD, "-n", str(options.small // 16), "-d", str(max(1, options.small // 1600)))
        one = {}
        for name, broker in (("small", small), ("large", large)):
            one[name] = broker.bench(*LOAD, "-n", str(options.published // 16), "-d", "10")
        small.close()
        rounds.append(one)
    large.stop()
    for title, path, unit in (("broker CPU an event", "brokerCpuUs", "us"), ("bytes on disk an event", "diskBytes", "bytes"),
                              ("events/s", "publishedPerSecond", "")):
        ratio = statistics.median(kit.ratios(rounds, lambda r, p=path: r["large"][p], lambda r, p=path: r["small"][p]))
        print(f"| append into the large log over one of {options.small:,}: {title} | {ratio:.2f} x "
              f"({kit.median(rounds, 'large.' + path):,.1f} over {kit.median(rounds, 'small.' + path):,.1f} {unit}) |", flush=True)


def store(options):
    """The store alone: a log of its own grows to the size, and tells what the first and the last records cost."""
    print(kit.run([f"{options.bin}/bench_store", "-g", "-n", str(options.events), "-d", str(options.dossiers),
                   os.path.dirname(options.keep)]).strip(), flush=True)


def auditor(broker):
    """The key of a unit that sees every record's header."""
    if not os.path.exists(f"{broker.dir}/aud.key"):
        broker.wici("admin", "key", "generate", f"{broker.dir}/aud.key")
        broker.wici("admin", "unit", "add", "ops-aud", "--agency", "ops", "--name", "AUD", "--role", "AUD", "--key",
                    f"{broker.dir}/aud.key")
    return "aud"


def replay_run(broker, key, title):
    """One client reads all that its unit may see."""
    cpu, begin = broker.cpu_us(), time.monotonic()
    result = json.loads(broker.wici(key, "--json", "bench", "-p", "0", "-r", "1"))
    print(f"| {title}: {result['replayed']:,} records | {result['replayedPerSecond']:,.0f}/s, {time.monotonic() - begin:.0f} s; "
          f"{(broker.cpu_us() - cpu) / result['replayed']:.2f} us of the broker's CPU a record |", flush=True)


def replay(options):
    """The whole log, the file in memory."""
    broker = opened(options)
    replay_run(broker, auditor(broker), "replay of the whole log for an auditor, hot")
    replay_run(broker, "sw", "replay of the whole log for its holder, hot")
    broker.stop()


def verify(options):
    """The log as it lies there: nobody has it open."""
    broker = opened(options)
    vkey = broker.wici(auditor(broker), "log", "key").split()[-1]
    broker.stop()
    words = [f"{options.bin}/wici", "verify", "--vkey", vkey]
    keys = ["--key-dir", f"{options.keep}/keys", "--kek", f"{options.keep}/kek"]
    size = kit.file_bytes(f"{options.keep}/data") >> 20
    kit.verified(f"the data directory ({size:,} MiB), seals not opened", [*words, f"{options.keep}/data"], options.rounds)
    kit.verified("the same with the keys", [*words, *keys, f"{options.keep}/data"], 1)
    group = kit.memory_cgroup(options.verify_memory)
    if group is not None:
        kit.forget_pages(options.keep)
        title = f"the same, in {options.verify_memory >> 20} MiB of memory, the files not in it"
        kit.verified(f"{title}, seals not opened", [*words, f"{options.keep}/data"], 1, group)
        kit.verified(f"{title}, with the keys", [*words, *keys, f"{options.keep}/data"], 1, group)
        os.rmdir(group)


def cold(options):
    """Start and replay with less memory than the log has bytes."""
    group = kit.memory_cgroup(options.cold_memory)
    if group is None:
        sys.exit("cold: a control group for memory cannot be made here")
    kit.forget_pages(options.keep)
    broker = kit.Broker(options.bin, None, keep=options.keep, cgroup=group)
    print(f"| start, the file not in memory, {options.cold_memory >> 20} MiB of it | {broker.started_s:.1f} s |", flush=True)
    replay_run(broker, auditor(broker), "replay of the whole log for an auditor, cold")
    replay_run(broker, "sw", "replay of the whole log for its holder, cold")
    broker.stop()
    os.rmdir(group)


PARTS = {f.__name__: f for f in (fill, start, dossier, units, append, store, replay, verify, cold)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=PARTS)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--keep", required=True, help="where the large log is, or will be")
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--dossiers", type=int, default=100_000)
    parser.add_argument("--each", type=int, default=200, help="dossiers a participating unit has")
    parser.add_argument("--units", type=int, default=200, help="units that catch up")
    parser.add_argument("--behind", type=int, default=10_000_000 // 52, help="a week of a year's records")
    parser.add_argument("--cursors", type=int, default=1000)
    parser.add_argument("--small", type=int, default=100_000)
    parser.add_argument("--published", type=int, default=100_000, help="events that append publishes into each log")
    parser.add_argument("--cold-memory", type=int, default=2 << 30)
    parser.add_argument("--verify-memory", type=int, default=512 << 20)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    options.keep = os.path.abspath(options.keep)
    for part in options.parts:
        PARTS[part](options)


if __name__ == "__main__":
    main()
