#!/usr/bin/env python3
"""The same work over a bad network as over a good one: the same files, each once, and a receipt for each that was sent.

Three agents send referrals to each other, first straight to a broker, then to another one through tests/support/proxy.py,
which delays, cuts, resets, swallows and lets new connections overtake old ones, as a seed says.

    test_network.py [SEED ...]           the seeds; without any, those of CI
    test_network.py --seconds N SEED     bad for N seconds, not 6
    test_network.py --heal N SEED        waits no longer than N seconds for what is missing
    test_network.py --half-open SEED     connections that fall silent stay open until the client finds out by itself
"""
import argparse
import concurrent.futures
import copy
import glob
import json
import os
import random
import shutil
import sys
import tempfile
import threading
import time
import uuid

SOURCE = os.environ["WICI_SOURCE"]
sys.dont_write_bytecode = True
sys.path[:0] = [f"{SOURCE}/tests/{folder}" for folder in ("golden", "support", "e2e")]
import play  # noqa: E402
import proxy  # noqa: E402
import test_agent_wire as wire  # noqa: E402

SEEDS = ("1", "2", "3")
UNITS = {"sp3": ("szkola-3", "SCHOOL", "SCH", "school"), "sp7": ("szkola-7", "SCHOOL", "SCH", "school"),
         "ops": ("mops", "OPS", "SW", "ops")}
FILES = 40          # of each agent
HEAL_SECONDS = 120  # to come to the end once the network is good: a client waits long after its session was taken over


class Via:
    """The broker as an agent sees it behind the proxy."""

    def __init__(self, broker, port):
        self.bin, self.server_key, self.endpoint = broker.bin, broker.server_key, f"tcp://127.0.0.1:{port}"


def work():
    """What each unit sends: unit -> name of the file -> the event, with its id and its dossier's."""
    files = {}
    for unit in UNITS:
        others = [u for u in UNITS if u != unit]
        files[unit] = {}
        for i in range(FILES):
            event = wire.referral(to=others[i % len(others)], eventId=play.uuid7())
            files[unit][f"{i:04d}"] = event
    return files


class World:
    """A broker and the agents, which speak to it directly or through the proxy."""

    def __init__(self, root, seed=None, say=None, heal=HEAL_SECONDS, **bad):
        self.heal = heal
        self.broker = play.Broker(wire.BIN, root, "gmina", "Urząd Gminy")
        self.broker.start()
        self.proxy = None
        via = self.broker
        if seed is not None:
            host, port = self.broker.endpoint.removeprefix("tcp://").rsplit(":", 1)
            self.proxy = proxy.Proxy((host, int(port)), seed, say=say, **bad)
            via = Via(self.broker, self.proxy.port)
        admin = play.Cli(self.broker, f"{root}/admin.key", root)
        self.agents = {}
        for unit, (agency, kind, role, file) in UNITS.items():
            self.agents[unit] = wire.Agent(via, root, unit, f"{SOURCE}/agents/roles/{file}.role")
            admin.run("agency", "add", agency, "--name", agency, "--kind", kind)
            admin.run("unit", "add", unit, "--agency", agency, "--name", unit, "--role", role,
                      "--key", self.agents[unit].public)

    def run(self, files, seconds, seed=0):
        """Drops the files in the course of so many seconds, ends the bad time, waits for the last."""
        drops = [(unit, name) for name in sorted(next(iter(files.values()))) for unit in files]
        order = random.Random(f"drops/{seed}")
        moments = sorted(order.uniform(0, seconds) for _ in drops)
        begin = time.monotonic()
        for agent in self.agents.values():
            agent.start()
        for (unit, name), at in zip(drops, moments):
            time.sleep(max(0, begin + at - time.monotonic()))
            self.agents[unit].drop(name, files[unit][name])
        if self.proxy:
            self.proxy.heal()
        for unit, agent in self.agents.items():
            for name in files[unit]:
                play.wait(f"receipt of {unit}/{name}", lambda a=agent, n=name: a.receipt(n), self.heal)
        expected = {unit: set() for unit in files}
        for sent in files.values():
            for event in sent.values():
                expected[event["header"]["to"][0]["unit"]].add(event["header"]["eventId"])
        for unit, agent in self.agents.items():
            play.wait(f"the inbox of {unit}", lambda a=agent, e=expected[unit]: e <= set(a.inbox()), self.heal)

    def stop(self):
        for agent in self.agents.values():
            agent.end()
        self.broker.stop()
        if self.proxy:
            self.proxy.stop()

    def kill(self):
        for thing in (*self.agents.values(), self.broker):
            if thing.process and thing.process.poll() is None:
                thing.process.kill()


def plain(event):
    """The event without what each log gives it: number, time, and when the agent encoded it."""
    event = copy.deepcopy(event)
    for name in ("seq", "tsMs"):
        event.pop(name)
    event["header"].pop("occurredAt", None)
    return event


def books(agents):
    """What stands in the folders, without numbers: what differs between two runs of one work is wrong."""
    return {unit: {"inbox": [plain(event) for _, event in sorted(agent.inbox().items())],
                   "pages": len(glob.glob(f"{agent.dir}/inbox/*.html")),
                   "sent": sorted(f for f in agent.files("sent") if f.count(".") == 1 and f.endswith(".json")),
                   "receipts": sorted(f for f in agent.files("sent") if f.endswith(".receipt.json")),
                   "left over": [f"{folder}/{f}" for folder in ("outbox", "rejected", "state/out", "state/in")
                                 for f in agent.files(folder)]}
            for unit, agent in agents.items()}


def differences(good, bad):
    """What the books of the second run have otherwise, a sentence each."""
    for unit, good_book in good.items():
        for page, wanted in good_book.items():
            found = bad[unit][page]
            if isinstance(wanted, list):
                lost, more = [x for x in wanted if x not in found], [x for x in found if x not in wanted]
                if lost or more or len(wanted) != len(found):
                    yield f"{unit}, {page}: {len(lost)} missing, {len(more)} too many, {len(found)} of {len(wanted)}"
            elif wanted != found:
                yield f"{unit}, {page}: {found} and not {wanted}"


def numbers_wrong(agents, files):
    """Receipts and inboxes against each other: one record for each event, one event for each record, and each sender's
    events in its order."""
    seqs = {}
    for unit, sent in files.items():
        before = 0
        for name in sorted(sent):
            receipt = agents[unit].receipt(name)
            seq = int(receipt["seq"])
            if receipt["eventId"] != sent[name]["header"]["eventId"]:
                yield f"{unit}/{name}: a receipt of another event"
            if seq in seqs:
                yield f"{unit}/{name}: has the number of {seqs[seq]}"
            if seq <= before:
                yield f"{unit}/{name}: is in the log before the one sent before it"
            seqs[seq], before = f"{unit}/{name}", seq
            reader = agents[sent[name]["header"]["to"][0]["unit"]]
            got = reader.inbox().get(receipt["eventId"])
            if got is None or int(got["seq"]) != seq:
                yield f"{unit}/{name}: the receipt says {seq}, the inbox {got and got['seq']}"


def planted(good):
    """Books that are wrong in one place each: the comparison has to see it."""
    unit = next(iter(good))
    for page, change in (("inbox", lambda b: b.pop()), ("inbox", lambda b: b.append(b[0])), ("sent", lambda b: b.pop()),
                         ("inbox", lambda b: b[0]["sections"].pop()), ("left over", lambda b: b.append("outbox/x"))):
        wrong = copy.deepcopy(good)
        change(wrong[unit][page])
        yield wrong


class Run:
    """One run in a folder of its own."""

    def __init__(self, files, seconds, seed=None, **bad):
        self.root = tempfile.mkdtemp(prefix="wici-network-")
        self.wrong, self.plans = [], []
        self.books, self.fates = None, {}
        began = time.monotonic()
        world = None
        try:
            world = World(self.root, seed, self.plans.append, **bad)
            world.run(files, seconds, seed or 0)
            self.wrong += numbers_wrong(world.agents, files)
            world.stop()
            self.books = books(world.agents)
            self.fates = dict(world.proxy.fates) if world.proxy else {}
        except (play.Failure, OSError, KeyError) as error:
            self.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            if world:
                world.kill()
        self.seconds = time.monotonic() - began
        if not self.wrong:
            shutil.rmtree(self.root)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("seeds", nargs="*", default=SEEDS)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--heal", type=float, default=HEAL_SECONDS)
    parser.add_argument("--half-open", action="store_true")
    args = parser.parse_args()
    bad = {"heal": args.heal} | ({"swallow_ms": (200000, 300000)} if args.half_open else {})
    files = work()
    good = Run(files, 1)
    if good.wrong:
        sys.exit("over a good network: " + "; ".join(good.wrong) + f"\nkept: {good.root}")
    if any(not list(differences(good.books, wrong)) for wrong in planted(good.books)):
        sys.exit("the comparison does not see a planted difference")
    failed = False
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        runs = {seed: pool.submit(Run, files, args.seconds, seed, **bad) for seed in args.seeds}
        for seed, future in runs.items():
            run = future.result()
            wrong = run.wrong or list(differences(good.books, run.books))
            print(f"seed {seed}: {sum(run.fates.values())} connections {run.fates} in {run.seconds:.0f} s", flush=True)
            if not wrong and sum(run.fates.values()) < 2 * len(UNITS):
                wrong = ["hardly any connection was broken"]
            if wrong:
                failed = True
                options = f" --seconds {args.seconds:g}" * (args.seconds != 6) + " --half-open" * args.half_open
                print("FAILED:", *wrong, *run.plans, f"kept: {run.root}",
                      f"again: WICI_BIN={wire.BIN} WICI_SOURCE={SOURCE} python3 {__file__}{options} {seed}", sep="\n")
    sys.exit(failed)


if __name__ == "__main__":
    main()
