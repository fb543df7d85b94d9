#!/usr/bin/env python3
"""Receipts, consistency, exports and copies from a real broker, checked by two verifiers that share no code.

verify_log.py and wici-verify must agree, on what is good and on what is not: bytes flipped, files cut, exchanged and
missing. Who may not know of a record is answered as if it did not exist.
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

import verify_log
import world
from play import Cli  # pylint: disable=wrong-import-order

BIN = os.environ["WICI_BIN"]
SEED = int(os.environ.get("WICI_SEED", "20261126"))
EVENTS = 300  # more than one tile


def check(condition, what):
    """Fails."""
    if not condition:
        sys.exit(f"FAILED: {what} (WICI_SEED={SEED})")


class Verifiers:
    """Both of them, with the log's keys: one, or those of its epochs with commas."""

    def __init__(self, vkey):
        self.vkey, self.count = vkey, 0

    def code(self, path, known=None, *options):
        """What wici-verify says; the other one must say the same, of what both know."""
        words = [f"{BIN}/wici", "verify", *(word for vkey in self.vkey.split(",") for word in ("--vkey", vkey)), *options]
        if known:
            words += ["--checkpoint", known]
        done = subprocess.run([*words, path], capture_output=True, text=True, check=False,
                              env={**os.environ, "LC_ALL": "C"})
        self.count += 1
        check(done.returncode in (0, 2, 3, 4, 5), f"wici verify {path}: {done.returncode}\n{done.stderr}")
        if not os.path.isdir(f"{path}/log") and done.returncode != 2:
            other = verify_log.code(self.vkey, path, self.known(known))
            check(other == done.returncode, f"{path}: wici-verify says {done.returncode}, verify_log.py {other}\n"
                  + done.stderr)
        self.said = done.stdout + done.stderr
        return done.returncode

    def known(self, path):
        """A checkpoint for the second verifier."""
        if path is None:
            return None
        with open(path, encoding="utf-8") as file:
            return verify_log.Checkpoint(self.vkey, file.read())


def write(path, data):
    """A file of these bytes."""
    with open(path, "wb" if isinstance(data, bytes) else "w", **({} if isinstance(data, bytes) else {"encoding": "utf-8"})) as f:
        f.write(data)
    return path


def damaged(path, good, count, dice):
    """The file with one bit flipped, or cut, so many times; put right in the end."""
    for i in range(count):
        data = bytearray(good)
        if i % 5 == 4:
            data = data[:dice.randrange(len(data))]
        else:
            data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        write(path, bytes(data))
        yield
    write(path, bytes(good))


def slurp(path):
    """The bytes of a file."""
    with open(path, "rb") as file:
        return file.read()


def publish(town, count):
    """Referrals from the social worker to the school, in one dossier each; the seqs."""
    seqs = []
    with town.session("ops-sw", "bulk") as client:
        for first in range(0, count, 50):
            events = [town.event("ops-sw", "REFERRAL_SUBMITTED", world.new_id(), *world.referral(first + i),
                                 to=["sp12-pedagog"]) for i in range(min(50, count - first))]
            for answer in client.publish(*events):
                check(answer.WhichOneof("outcome") == "receipt", str(answer))
                seqs.append(answer.receipt.seq)
    return seqs


def receipts(town, clis, verifiers, seq, root):
    """What each unit's receipt discloses is what it may see; strangers learn nothing."""
    parts = {}
    for unit in ("ops-sw", "sp12-pedagog", "audyt"):
        path = write(f"{root}/{unit}.receipt", clis[unit].run("receipt", str(seq)))
        check(verifiers.code(path) == 0, f"{unit}'s receipt: {verifiers.said}")
        parts[unit] = verify_log.receipt(verifiers.vkey, slurp(path).decode())[1]
        with town.session(unit, "reader") as client:
            delivered = client.read(from_seq=seq, to_seq=seq).deliveries
            check(len(delivered) == 1 and len(delivered[0].parts) == parts[unit],
                  f"{unit} is delivered {len(delivered[0].parts)} parts, its receipt has {parts[unit]}")
    check(parts["ops-sw"] > parts["sp12-pedagog"] > parts["audyt"], f"what the receipts disclose: {parts}")
    for unit in ("sad-rodzinny", "ops-sw2"):
        said = [subprocess.run([f"{BIN}/wici", "receipt", word, "-c", clis[unit].config], capture_output=True, check=False,
                               env={**os.environ, "LC_ALL": "C"}) for word in (str(seq), "99999999")]
        check(said[0].returncode == said[1].returncode == 5 and said[0].stderr == said[1].stderr,
              f"{unit} is told of record {seq}: {said}")
    with town.session("audyt", "accounts") as auditor:
        shown = [section.sys_access_recorded_s0 for delivery in auditor.read_all(seq, family="sys")
                 for section in town.wici.sections(delivery)[9120]]
    check(any(s.unit == "sp12-pedagog" and s.from_seq == s.to_seq == seq and s.events == 1 for s in shown),
          "that the school was shown its receipt is not on record")


def shapes(town, clis):
    """Whether a section that is not for a unit is there cannot be told from that unit's receipt, nor from an auditor's."""
    seen = {"sp12-pedagog": [], "audyt": []}
    for number in range(8):
        sections = world.referral(number)
        if number % 2 == 1:
            sections = [section for section in sections if "referral_submitted_s5" not in section]
        with town.session("ops-sw", "shapes") as client:
            answer = client.publish(town.event("ops-sw", "REFERRAL_SUBMITTED", world.new_id(), *sections,
                                               to=["sp12-pedagog"]))[0]
        for unit, shapes_seen in seen.items():
            text = clis[unit].run("receipt", str(answer.receipt.seq))
            packed = verify_log.unbase64(text.split("\n")[1][6:])
            delivery = town.wici.wire.Delivery.FromString(packed)
            shapes_seen.append((len(packed), len(delivery.digests),
                                [(part.slot.slot, part.slot.section_id, len(part.body)) for part in delivery.parts]))
            check(not any(part.slot.section_id == 1015 for part in delivery.parts), f"{unit} is given S5")
    for unit, shapes_seen in seen.items():
        check(all(shape == shapes_seen[0] for shape in shapes_seen), f"{unit}'s receipts with and without S5 differ: {shapes_seen}")


def flips(verifiers, dice, path, count, known=None):
    """A damaged file is refused, by both."""
    good = slurp(path)
    for _ in damaged(path, good, count, dice):
        check(verifiers.code(path, known) in (2, 3), f"a damaged {os.path.basename(path)} passes")
    check(verifiers.code(path, known) == 0, f"the good {os.path.basename(path)} no longer passes")


def exports(clis, verifiers, dice, root, old):
    """An export holds; with any file of it damaged, missing or exchanged it does not."""
    export = f"{root}/export"
    clis["audyt"].run("export", export)
    check(verifiers.code(export) == 0 and verifiers.code(export, old) == 0, f"the export: {verifiers.said}")
    clis["ops-sw"].run("export", f"{root}/forbidden", expect=5)
    clis["audyt"].run("export", export, expect=1)  # there is something in it
    files = [os.path.join(folder, name) for folder, _, names in os.walk(export) for name in names]
    check(len(files) >= 6, f"an export of {EVENTS} records has {len(files)} files")
    for path in files:
        good = slurp(path)
        for _ in damaged(path, good, 5, dice):
            check(verifiers.code(export) == 3, f"an export with a damaged {path} passes")
        os.rename(path, path + ".away")
        check(verifiers.code(export) == 3, f"an export without {path} passes")
        os.rename(path + ".away", path)
    check(verifiers.code(export) == 0, "the export that was put right no longer passes")
    # The records of another log, whole in itself, under this log's checkpoint; and one leaf put in another's place.
    bundle = next(path for path in files if path.endswith("entries/000"))
    good = slurp(bundle)
    size = good[0] << 8 | good[1]
    write(bundle, good[size + 2:2 * (size + 2)] + good[:size + 2] + good[2 * (size + 2):])
    check(verifiers.code(export) == 3 and "record 1:" in verifiers.said, f"exchanged records: {verifiers.said}")
    # Where nothing but its hash tells, the record is named all the same.
    write(bundle, good[:size + 1] + bytes([good[size + 1] ^ 1]) + good[size + 2:])
    check(verifiers.code(export) == 3 and "(at record 1)" in verifiers.said, f"a changed record: {verifiers.said}")
    write(bundle, good)


def copies(town, verifiers, dice, root, old, newer):
    """A copy of the data directory of the stopped broker, with and without the keys."""
    town.stop()
    copy = shutil.copytree(f"{town.broker.root}/data", f"{root}/copy")
    keys = ("--key-dir", f"{town.broker.root}/keys", "--kek", f"{town.broker.root}/kek")
    check(verifiers.code(copy) == 0 and "were not opened" in verifiers.said, f"the copy: {verifiers.said}")
    check(verifiers.code(copy, None, *keys) == 0 and "were not opened" not in verifiers.said, f"with keys: {verifiers.said}")
    check(verifiers.code(copy, old) == 0 and verifiers.code(copy, newer) == 0, f"against a checkpoint: {verifiers.said}")
    data = f"{copy}/log/data.mdb"
    good = slurp(data)
    write(data, good[:len(good) // 2])
    check(verifiers.code(copy) == 3, f"half of a file passes: {verifiers.said}")
    found = 0
    for _ in damaged(data, good, 20, dice):
        code = verifiers.code(copy, None, *keys)
        check(code in (0, 3), f"a damaged copy: {code} {verifiers.said}")
        found += code == 3
    check(found > 5, f"of 20 damages {found} were found")


def fork(root, verifiers, clis, town, old):
    """A log that was put back and went on differently contradicts what was known."""
    del clis
    town.broker.start()
    publish(town, 20)
    # The operator vouches for an older copy; it goes on with other records.
    town.stop()
    shutil.rmtree(f"{town.broker.root}/data")
    shutil.copytree(f"{root}/early", f"{town.broker.root}/data")
    write(f"{town.broker.root}/guard", b"")
    town.broker.start()
    publish(town, EVENTS)
    other = Cli(town.broker, f"{town.broker.root}/audyt.key", root)
    other.run("export", f"{root}/forked")
    write(f"{root}/forked.checkpoint", other.run("checkpoint"))
    other.run("consistency", old, expect=1)  # the broker's own log does not contain it
    check(verifiers.code(f"{root}/forked") == 0, "the forked log is whole in itself")
    check(verifiers.code(f"{root}/forked", old) == 4, f"the forked log does not contradict: {verifiers.said}")
    town.stop()
    check(verifiers.code(f"{town.broker.root}/data", old) == 4, f"nor does its data: {verifiers.said}")


def epochs(root, verifiers, town, old):
    """A log that was put back and goes on as another epoch: each epoch's papers hold with the keys of both."""
    before = {name: f"{root}/{name}" for name in ("ops-sw.receipt", "newer.checkpoint", "export") if os.path.exists(f"{root}/{name}")}
    check(len(before) >= 2, "there is nothing of the first epoch")
    shutil.rmtree(f"{town.broker.root}/data")
    shutil.copytree(f"{root}/early", f"{town.broker.root}/data")
    done = subprocess.run([f"{BIN}/wicid", "init", "--new-epoch", "-c", town.broker.config], capture_output=True, text=True, check=False)
    check(done.returncode == 0, f"no new epoch: {done.stderr}")
    fresh = done.stdout.split()[-1]
    town.broker.start()
    seqs = publish(town, 20)
    cli = Cli(town.broker, f"{town.broker.root}/audyt.key", root)
    after = {"receipt": write(f"{root}/e2.receipt", cli.run("receipt", str(seqs[-1]))),
             "checkpoint": write(f"{root}/e2.checkpoint", cli.run("checkpoint"))}
    cli.run("export", f"{root}/e2.export")
    after["export"] = f"{root}/e2.export"
    town.stop()
    both, late = Verifiers(f"{verifiers.vkey},{fresh}"), Verifiers(fresh)
    for path in before.values():
        check(both.code(path) == 0, f"{path}, of the first epoch: {both.said}")
        check(late.code(path) == 3, f"{path}, of the first epoch, with the second one's key alone")
    for path in after.values():
        check(both.code(path) == 0 and late.code(path) == 0, f"{path}, of the second epoch: {both.said}")
        check(verifiers.code(path) == 3, f"{path}, of the second epoch, with the first one's key alone")
        check(both.code(path, old) == 3, f"{path} is not of the epoch of the known checkpoint: {both.said}")
    check(both.code(f"{town.broker.root}/data") == 0, f"the data, of both epochs: {both.said}")
    verifiers.count += both.count + late.count


def between(town, cli, verifiers, root, old, newer):
    """Consistency of two checkpoints of which neither is the newest any more."""
    seqs = publish(town, 5)
    cli.run("receipt", str(seqs[-1]))  # waits until a newer one is signed
    proof = write(f"{root}/between", cli.run("consistency", old, newer))
    with open(newer, encoding="utf-8") as f:
        check(f.read() in cli.run("consistency", old, newer), "the proof is for the checkpoint that was named")
    check(verifiers.code(proof, old) == 0, verifiers.said)
    check(verifiers.code(proof, newer) == 3, "the other way round")
    size = cli.run("checkpoint").split("\n")[1]
    check(verifiers.code(write(f"{root}/sized", cli.run("consistency", old, size)), old) == 0, verifiers.said)
    cli.run("consistency", newer, old, expect=2)
    cli.run("consistency", old, str(seqs[1]), expect=5)  # within one message, and so within a commit: never signed


def main():
    dice = random.Random(SEED)
    with tempfile.TemporaryDirectory(prefix="wici-proofs-") as root:
        os.mkdir(f"{root}/broker")
        town = world.World(f"{root}/broker")
        clis = {}
        for unit, (public, secret) in town.keys.items():
            key = write(f"{root}/broker/{unit}.key", f"public = {public}\nsecret = {secret}\n")
            os.chmod(key, 0o600)
            os.mkdir(f"{root}/{unit}")
            clis[unit] = Cli(town.broker, key, f"{root}/{unit}")
        vkey = clis["audyt"].run("log", "key").split()[-1]
        verifiers = Verifiers(vkey)

        town.stop()
        shutil.copytree(f"{town.broker.root}/data", f"{root}/early")
        town.broker.start()
        seqs = publish(town, 20)
        first = clis["audyt"].run("receipt", str(seqs[-1]))  # waits until it is signed
        old = write(f"{root}/old.checkpoint", first.partition("\n\n")[2])
        seqs += publish(town, EVENTS)
        receipts(town, clis, verifiers, seqs[-1], root)
        shapes(town, clis)
        flips(verifiers, dice, f"{root}/sp12-pedagog.receipt", 25)
        newer = write(f"{root}/newer.checkpoint", clis["audyt"].run("checkpoint"))
        check(verifiers.code(newer) == 0 and verifiers.code(newer, old) == 0, verifiers.said)
        flips(verifiers, dice, newer, 10)
        proof = write(f"{root}/consistency", clis["sad-rodzinny"].run("consistency", old))
        check(verifiers.code(proof) == 2, "a consistency file without the older checkpoint")
        check(verifiers.code(proof, old) == 0, verifiers.said)
        check(verifiers.code(proof, newer) == 3, "a consistency file about another checkpoint")
        flips(verifiers, dice, proof, 20, old)
        between(town, clis["audyt"], verifiers, root, old, newer)
        stranger = Verifiers(vkey.split("+")[0] + "+00000000+" + vkey.split("+")[2])
        check(stranger_code(stranger, newer) == 2, "a key whose id is not its own")
        exports(clis, verifiers, dice, root, old)
        copies(town, verifiers, dice, root, old, newer)
        fork(root, verifiers, clis, town, old)
        epochs(root, verifiers, town, old)
        print(f"{verifiers.count} verifications, both verifiers agree")


def stranger_code(verifiers, path):
    """What wici-verify alone says."""
    return subprocess.run([f"{BIN}/wici-verify", "--vkey", verifiers.vkey, path], capture_output=True, check=False).returncode


main()
