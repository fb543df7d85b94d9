#!/usr/bin/env python3
"""Does it take a broker as long to refuse what names a dossier that is not there as what names one that is not yours?

    tests/bench/unknown.py [--bin build/release/bin] [--dir .] [--messages 2000] [--events 64]

A stranger sends messages full of events into dossiers that are not there, into some that are another unit's, and again
into some that are not there: in random order, one message at a time. Told apart are times from sending to answer: the
medians, and how often a message of one kind took longer than one of the other (0.5: nothing is to be learnt). The third
kind is the control: what shows between it and the first is chance.
"""
import argparse
import os
import pathlib
import random
import statistics
import sys
import time
import uuid

import kit

SOURCE = pathlib.Path(__file__).resolve().parents[2]
OPENED = 256  # dossiers of the other unit
RESAMPLES = 500
KINDS = ("not there", "not yours", "not there, again")


def wici_client():
    """The client by hand of tests/interop."""
    sys.path.insert(0, str(SOURCE / "tests" / "interop"))
    import wici_client as module  # pylint: disable=import-outside-toplevel
    return module


def held(wici, unit, dossier):
    """An event that every social worker may write, into one's own dossiers."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return wici.make_event({"type": "MEETING_HELD", "schema_version": 1, "occurred_at": now, "dossier_id": dossier,
                            "actor": {"agency": "ops", "unit": unit, "role": "SW"}},
                           {"meeting_held_s0": {"meeting_id": str(uuid.uuid4()), "held_on": "2026-03-02"}},
                           {"meeting_held_s6": {"kind": "CONSULTATION", "attendance": [{"role": "SW"}]}})


def opened(wici, client):
    """The ids of dossiers that this unit opens now."""
    ids = [str(uuid.uuid4()) for _ in range(OPENED)]
    for at in range(0, OPENED, 64):
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        answers = client.publish(*[wici.make_event(
            {"type": "INFO_PROVIDED", "schema_version": 1, "occurred_at": now, "dossier_id": dossier,
             "actor": {"agency": "ops", "unit": "ops-sw", "role": "SW"}, "to": [{"unit": "admin"}]},
            {"info_provided_s0": {"provided_on": "2026-03-02"}},
            {"info_provided_s6": {"doc_kind": "INFORMATION", "text": "x"}}) for dossier in ids[at:at + 64]])
        if any(answer.WhichOneof("outcome") != "receipt" for answer in answers):
            sys.exit(f"a dossier cannot be opened: {answers[0]}")
    return ids


def measure(options, wici, client, dossiers):
    """kind -> microseconds of each message."""
    times = {kind: [] for kind in KINDS}
    order = [kind for kind in KINDS for _ in range(options.messages)]
    random.shuffle(order)
    for i, kind in enumerate(order):
        names = random.choices(dossiers, k=options.events) if kind == "not yours" else [
            str(uuid.uuid4()) for _ in range(options.events)]
        events = [held(wici, "ops-curious", dossier) for dossier in names]
        begin = time.perf_counter_ns()
        number = client.publish_later(*events)
        answers = client.wait("answers", number=number).answers
        took = (time.perf_counter_ns() - begin) / 1000
        if any(answer.refusal.code != "E_DOSSIER" for answer in answers):
            sys.exit(f"{kind}: {answers[0]}")
        if i >= len(order) // 20:  # at first all is cold
            times[kind].append(took)
    return times


def longer(a, b):
    """How often one of a is longer than one of b."""
    ranked = sorted([(value, 0) for value in a] + [(value, 1) for value in b])
    ranks = sum(rank for rank, (_, which) in enumerate(ranked, 1) if which == 0)
    return (ranks - len(a) * (len(a) + 1) / 2) / (len(a) * len(b))


def interval(a, b):
    """95 of 100 differences of medians, of samples drawn again from these."""
    draws = sorted(statistics.median(random.choices(a, k=len(a))) - statistics.median(random.choices(b, k=len(b)))
                   for _ in range(RESAMPLES))
    return draws[len(draws) // 40], draws[-len(draws) // 40 - 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--dir", default=".")
    parser.add_argument("--messages", type=int, default=2000, help="of each kind")
    parser.add_argument("--events", type=int, default=64, help="in a message: what one takes longer shows that many times")
    options = parser.parse_args()
    options.dir = os.path.abspath(options.dir)
    module = wici_client()
    broker = kit.Broker(options.bin, options.dir)
    broker.unit_add("ops-curious", "curious")
    wici = module.Protocol(str(SOURCE / "proto"))
    with module.session(wici, broker.endpoint, broker.key, module.read_key(f"{broker.dir}/sw.key")) as owner:
        dossiers = opened(wici, owner)
    with module.session(wici, broker.endpoint, broker.key, module.read_key(f"{broker.dir}/curious.key")) as stranger:
        times = measure(options, wici, stranger, dossiers)
    broker.close()
    unknown, theirs, again = (times[kind] for kind in KINDS)
    spread = 1.96 * ((2 * len(unknown) + 1) / (12 * len(unknown) ** 2)) ** 0.5
    print(f"| {options.messages:,} messages of {options.events} events of each kind | median | took longer than one into what is "
          f"not there (chance: 0.500 +- {spread:.3f}) | median less that of the first (95 %) |\n|---|---|---|---|")
    print(f"| {KINDS[0]} | {statistics.median(unknown):.1f} us | | |")
    for kind, values in ((KINDS[1], theirs), (KINDS[2], again)):
        low, high = interval(values, unknown)
        print(f"| {kind} | {statistics.median(values):.1f} us | {longer(values, unknown):.3f} | {low:+.1f} to {high:+.1f} us |")


if __name__ == "__main__":
    main()
