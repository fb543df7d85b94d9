"""Scenario 11: the auditor. Whatever was played, he reads all of it as headers and facts (S0), proves the chain by making
the tree anew, and is given content only for a reason, which is written down.
"""
import time

import verify_log
import wici_client

UNIT, REASON = "audyt", "Kontrola doraźna, znak KO.1.2025"
REPLAY = 1


def signed(client, wici, last):
    """The newest checkpoint and the key it is signed with, once it covers the record `last`."""
    end = time.monotonic() + wici_client.TIMEOUT
    while time.monotonic() < end:
        found = client.query(checkpoint=wici.wire.CheckpointQuery())
        if found.size >= last:
            return verify_log.Checkpoint(found.keys[-1].vkey, found.note)
        client.receive(0.05)
    raise wici_client.Timeout("a checkpoint of all that was played")


def facts_only(town, deliveries, published):
    """Each event once and with its S0 alone, nothing missing, the numbers without a gap."""
    if [d.seq for d in deliveries] != list(range(1, len(deliveries) + 1)):
        yield "the auditor's replay has gaps"
    events = [event for events in published.values() for event in events if event.receipt]
    views, wrong = town.views("the auditor", deliveries, events)
    yield from wrong
    for event in events:
        facts = {i for i, part in enumerate(event.step.parts) if part.cls == 0}
        if views.get(event.id) != facts:
            yield f"{event.step}: the auditor was given {views.get(event.id)}, not {facts}"


def chain(town, client, last):
    """The root over the leaves that the auditor was given is the one that the log's key has signed."""
    checkpoint = signed(client, town.wici, last)
    client.subscribe(REPLAY, from_seq=1)
    deliveries = client.deliveries_to(REPLAY, checkpoint.size)
    client.unsubscribe(REPLAY)
    hashes = [town.wici.check_delivery(delivery) for delivery in deliveries if delivery.seq <= checkpoint.size]
    if len(hashes) != checkpoint.size or verify_log.tree_root(hashes) != checkpoint.root:
        yield "the chain that the auditor was given is not the one that was signed"
    hashes[len(hashes) // 2] = bytes(32)
    if verify_log.tree_root(hashes) == checkpoint.root:
        yield "a changed leaf is not noticed"


def content(town, client, published):
    """Content is given for a reason, and that it was is written down; without a reason it is not."""
    event = published[0]
    dossier = town.wici.header(event.event).dossier_id
    for reason, expected in (("", {i for i, part in enumerate(event.step.parts) if part.cls == 0}),
                             (REASON, event.all_places())):
        given, wrong = town.views("the auditor", client.read_all(dossier=dossier, reason=reason), published)
        yield from wrong
        if given.get(event.id) != expected:
            yield f"{event.step}: with the reason '{reason}' the auditor was given {given.get(event.id)}, not {expected}"
        records = client.read_all(from_seq=event.receipt.seq, type="SYS_ACCESS_RECORDED")
        reasons = [section.sys_access_recorded_s0.why for record in records
                   for sections in town.wici.sections(record).values() for section in sections]
        if (REASON in reasons) != (reason == REASON):
            yield f"{event.step}: read with the reason '{reason}', recorded are {reasons}"


def audit(town, published):
    """Everything that is not as scenario 11 says, a sentence each."""
    last = max(event.receipt.seq for events in published.values() for event in events if event.receipt)
    with town.world.session(UNIT, "audit") as client:
        client.subscribe(REPLAY, from_seq=1)
        deliveries = client.deliveries_to(REPLAY, last)
        client.unsubscribe(REPLAY)
        yield from facts_only(town, deliveries, published)
        yield from chain(town, client, last)
        yield from content(town, client, next(iter(published.values())))
