#!/usr/bin/env python3
"""A second verifier for what a log hands out: receipts, consistency files, exports (standard library and Ed25519 only).

Written from docs/AUDIT.md, RFC 6962, RFC 9162 and the C2SP texts; it shares no code with wici-verify. A function
returns what was verified, or raises Invalid (something does not fit), Diverged (all fits, but it contradicts the known
checkpoint) or Words (something is missing to verify it with). As a program: verify_log.py -h.

A log that was restored from an older copy goes on as a new epoch, under a name and a key of its own (docs/AUDIT.md): vkeys are
those of all its epochs, and a checkpoint is of the epoch whose key signed it.
"""
import argparse
import base64
import hashlib
import os
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Invalid(Exception):
    """Something does not fit."""


class Diverged(Exception):
    """It contradicts the known checkpoint."""


class Words(Exception):
    """Something is missing, or wrong, to verify it with."""


def require(condition, why):
    """Raises Invalid."""
    if not condition:
        raise Invalid(why)


def sha256(*parts):
    """The digest of the parts, one behind the other."""
    return hashlib.sha256(b"".join(parts)).digest()


def unbase64(text):
    """Strict base64: one spelling for each value."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise Invalid(str(error)) from error
    require(base64.b64encode(data).decode() == text, "base64 that is spelt another way")
    return data


def decimal(text):
    """Strict decimal."""
    require(text.isascii() and text.isdigit() and (text == "0" or text[0] != "0") and int(text) < 1 << 64,
            f"not a number: {text!r}")
    return int(text)


# ---- checkpoints

def public_key(vkey):
    """Name, id and bytes of a verifier key."""
    words = vkey.split("+", 2)
    require(len(words) == 3, f"not a verifier key: {vkey!r}")
    name, key_id, data = words
    key = unbase64(data)
    require(len(key) == 33 and key[0] == 1, "not an Ed25519 key")
    require(sha256(name.encode(), b"\n", key)[:4].hex() == key_id, "the key's id is not its own")
    return name, key_id, key[1:]


class Checkpoint:
    """Origin, size and root of a checkpoint that was signed with one of these keys, which is named after the origin."""

    def __init__(self, vkeys, note):
        keys = {public_key(vkey)[:2]: public_key(vkey)[2] for vkey in vkeys.split(",")}
        require(note.endswith("\n"), "the note has no last newline")
        text, found, rest = note.rpartition("\n\n")
        require(found != "", "the note has no signatures")
        text += "\n"
        signers = []
        for line in rest[:-1].split("\n"):
            words = line.split(" ")
            require(len(words) == 3 and words[0] == "\u2014", "not a signature line")
            raw = unbase64(words[2])
            require(len(raw) > 4, "a signature without bytes")
            signer = words[1], raw[:4].hex()
            if signer not in keys:
                continue  # a stranger's
            try:
                Ed25519PublicKey.from_public_bytes(keys[signer]).verify(raw[4:], text.encode())
            except InvalidSignature as error:
                raise Invalid("a signature is wrong") from error
            signers.append(signer)
        require(signers and len(signers) == len(set(signers)), "not signed by the log, or twice by one key")
        lines = text.split("\n")
        require(len(lines) == 4 and lines[3] == "", "not the three lines of a checkpoint")
        self.origin, self.size, self.root = lines[0], decimal(lines[1]), unbase64(lines[2])
        require(self.origin in {name for name, _ in signers}, "the checkpoint of another log")
        require(len(self.root) == 32, "a root is 32 bytes")


# ---- the tree

def node(left, right):
    """The hash of an inner node."""
    return sha256(b"\x01", left, right)


def root_from_inclusion(index, size, leaf, path):
    """RFC 9162, 2.1.3.2."""
    require(index < size, "the index lies outside of the tree")
    at, last, result = index, size - 1, leaf
    for sibling in path:
        require(len(sibling) == 32 and last > 0, "the proof is too long")
        if at & 1 or at == last:
            result = node(sibling, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = node(result, sibling)
        at, last = at >> 1, last >> 1
    require(last == 0, "the proof is too short")
    return result


def check_consistency(size1, root1, size2, root2, path):
    """RFC 9162, 2.1.4.2."""
    require(size1 <= size2, "the older log is larger")
    if size1 == size2:
        if root1 != root2:
            raise Diverged("one size and two roots")
        require(not path, "a proof where there is nothing to prove")
        return
    if size1 == 0:
        require(not path, "a proof where there is nothing to prove")
        return
    require(path and all(len(hash_) == 32 for hash_ in path), "not a proof")
    path = ([root1] if size1 & (size1 - 1) == 0 else []) + path
    at, last = size1 - 1, size2 - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for hash_ in path[1:]:
        require(last > 0, "the proof is too long")
        if at & 1 or at == last:
            old, new = node(hash_, old), node(hash_, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node(new, hash_)
        at, last = at >> 1, last >> 1
    require(last == 0 and old == root1 and new == root2, "the proof does not hold")


# ---- leaves and disclosures

DELIVERY, DISCLOSED, SLOT = {1: 0, 2: 0, 3: 0, 4: 2, 5: 2}, {1: 2, 2: 2}, {1: 0, 2: 0, 3: 2}  # field: wire type


def fields(data, kinds, repeated=0):
    """The fields of a protobuf message: (number, value). One spelling: ascending, once, none at its default."""
    at = last = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            require(at < len(data) and shift < 64, "protobuf that is cut short")
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                require((byte or shift == 7) and value < 1 << 64, "a number that is spelt another way")
                return value
    while at < len(data):
        tag = varint()
        number = tag >> 3
        require(number > last or number == last == repeated, "fields out of order")
        require(kinds.get(number) == tag & 7, "an unknown field")
        last = number
        if tag & 7 == 0:
            value = varint()
        else:
            length = varint()
            require(length <= len(data) - at, "protobuf that is cut short")
            value = data[at:at + length]
            at += length
        require(value or number == repeated or (kinds is DISCLOSED and number == 1), "a field at its default")
        yield number, value


def one(message, number, default):
    """The value of a field."""
    return ([value for at, value in message if at == number] or [default])[0]


def leaf_of(delivery):
    """The leaf input that a Delivery speaks of, every part checked against its digest; and its seq and parts."""
    message = list(fields(delivery, DELIVERY, repeated=5))
    digests = one(message, 4, b"")
    require(0 < len(digests) <= 32 * 32 and len(digests) % 32 == 0, "not a list of digests")
    digests = [digests[i:i + 32] for i in range(0, len(digests), 32)]
    seen = set()
    for part in (value for number, value in message if number == 5):
        part = list(fields(part, DISCLOSED))
        require(one(part, 1, None) is not None, "a part without a slot")
        slot = list(fields(one(part, 1, b""), SLOT))
        number, section, salt, body = one(slot, 1, 0), one(slot, 2, 0), one(slot, 3, b""), one(part, 2, b"")
        require(number < len(digests) and number not in seen and section < 1 << 16 and len(salt) == 32, "not a slot")
        seen.add(number)
        preimage = (b"wici-section-v1\0", struct.pack(">BH", number, section), salt, struct.pack(">I", len(body)), body)
        require(sha256(*preimage) == digests[number], f"the part in slot {number} does not give its digest")
    seq, time, cls = one(message, 1, 0), one(message, 2, 0), one(message, 3, 0)
    require(cls < 4, "a leaf of an unknown class")
    head = struct.pack(">BBQQB", 1, cls, seq, time, len(digests))
    return b"wici-event-v1\0" + head + b"".join(digests), seq, len(seen)


def leaf_fields(leaf):
    """seq and time of a leaf input."""
    require(len(leaf) >= 33 and leaf[:14] == b"wici-event-v1\0", "not a leaf")
    version, cls, seq, time, n = struct.unpack(">BBQQB", leaf[14:33])
    require(version == 1 and cls < 4 and n <= 32 and len(leaf) == 33 + 32 * n, "not a leaf")
    return seq, time


# ---- files

def compare(checkpoint, known):
    """Two checkpoints of one size must be one."""
    if known is None:
        return
    require(known.origin == checkpoint.origin, "another log's")
    if known.size == checkpoint.size and known.root != checkpoint.root:
        raise Diverged("one size and two roots")


def receipt(vkey, text, known=None):
    """A tlog-proof whose extra bytes are a Delivery."""
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    require(found and lines[0] == "c2sp.org/tlog-proof@v1" and len(lines) > 2, "not a receipt")
    require(lines[1].startswith("extra ") and lines[2].startswith("index "), "not a receipt of this kind")
    leaf, seq, parts = leaf_of(unbase64(lines[1][6:]))
    index = decimal(lines[2][6:])
    require(seq == index + 1, "the record is another one")
    checkpoint = Checkpoint(vkey, note)
    path = [unbase64(line) for line in lines[3:]]
    require(root_from_inclusion(index, checkpoint.size, sha256(b"\0", leaf), path) == checkpoint.root,
            "the record is not in the log")
    compare(checkpoint, known)
    return seq, parts, checkpoint


def consistency(vkey, text, known):
    """The body of a witness's add-checkpoint request."""
    head, found, note = text.partition("\n\n")
    lines = head.split("\n")
    require(found and lines[0].startswith("old "), "not a consistency file")
    if known is None:
        raise Words("a consistency file needs the older checkpoint")
    checkpoint = Checkpoint(vkey, note)
    require(decimal(lines[0][4:]) == known.size and checkpoint.origin == known.origin, "about another checkpoint")
    check_consistency(known.size, known.root, checkpoint.size, checkpoint.root, [unbase64(line) for line in lines[1:]])
    return checkpoint


def tile_name(level, index, width):
    """The name of a tile in an export."""
    groups = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        groups.insert(0, f"x{index % 1000:03d}")
    return f"tile/{level}/" + "/".join(groups) + (f".p/{width}" if width < 256 else "")


def read(path):
    """The bytes of a file; one that is missing does not fit."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Invalid(str(error)) from error


def leaves_of(directory, size):
    """All leaf inputs of an export."""
    for first in range(0, size, 256):
        width = min(256, size - first)
        bundle, at = read(f"{directory}/{tile_name('entries', first // 256, width)}"), 0
        for _ in range(width):
            require(len(bundle) - at >= 2, "a bundle that is cut short")
            length = bundle[at] << 8 | bundle[at + 1]
            at += 2
            require(length <= len(bundle) - at, "a bundle that is cut short")
            yield bundle[at:at + length]
            at += length
        require(at == len(bundle), "more in a bundle than its leaves")


def tree_root(hashes):
    """MTH as RFC 6962 writes it down."""
    if not hashes:
        return sha256()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return node(tree_root(hashes[:k]), tree_root(hashes[k:]))


def export(vkey, directory, known=None):
    """A tlog-tiles directory."""
    checkpoint = Checkpoint(vkey, read(f"{directory}/checkpoint").decode("utf-8", "strict"))
    compare(checkpoint, known)
    if known is not None and known.size > checkpoint.size:
        raise Diverged("shorter than the known checkpoint")
    hashes, last = [], 0
    for index, leaf in enumerate(leaves_of(directory, checkpoint.size)):
        seq, time = leaf_fields(leaf)
        require(seq == index + 1, f"record {index + 1}: says that it is another one")
        require(time >= last, f"record {index + 1}: its time is before the last one's")
        last = time
        hashes.append(sha256(b"\0", leaf))
    require(tree_root(hashes) == checkpoint.root, "not the records that were signed")
    if known is not None and tree_root(hashes[:known.size]) != known.root:
        raise Diverged("does not begin with the known checkpoint")
    level, nodes = 0, hashes
    while nodes:
        for first in range(0, len(nodes), 256):
            tile = nodes[first:first + 256]
            require(read(f"{directory}/{tile_name(level, first // 256, len(tile))}") == b"".join(tile), "a tile")
        nodes = [tree_root(nodes[i:i + 256]) for i in range(0, len(nodes) - len(nodes) % 256, 256)]
        level += 1
    return checkpoint


def verify(vkey, path, known=None):
    """Whatever lies there."""
    if os.path.isdir(path):
        return export(vkey, path, known)
    try:
        text = read(path).decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise Invalid(str(error)) from error
    if text.startswith("c2sp.org/"):
        return receipt(vkey, text, known)
    if text.startswith("old "):
        return consistency(vkey, text, known)
    checkpoint = Checkpoint(vkey, text)
    compare(checkpoint, known)
    return checkpoint


def code(vkey, path, known=None, say=None):
    """The exit code that wici-verify should give; say() is told why, or what was verified."""
    try:
        held = verify(vkey, path, known)
    except Invalid as why:
        result, said = 3, why
    except Diverged as why:
        result, said = 4, f"contradicts the known checkpoint: {why}"
    except Words as why:
        result, said = 2, why
    else:
        checkpoint = held[-1] if isinstance(held, tuple) else held
        of = f"record {held[0]}, {held[1]} of its parts, in " if isinstance(held, tuple) else ""
        result, said = 0, f"holds: {of}{checkpoint.size} records of {checkpoint.origin}"
    if say is not None:
        say(f"{path}: {said}")
    return result


USAGE = """exit codes, those of wici-verify:
  0  it holds
  2  wrong words: no verifier key, a known checkpoint that is none; a consistency file without the older checkpoint
  3  invalid: a signature, a digest, a proof, a tile, a number, a time that goes back, a file that cannot be read
  4  diverged: valid in itself, but it contradicts the known checkpoint

It does not look at a copy of the data directory: wici-verify does."""


def main():
    """The words of the command line."""
    parser = argparse.ArgumentParser(description="Checks a receipt, a consistency file, a checkpoint or an export of a log without its "
                                     "broker, and without any code of wici-verify.", epilog=USAGE,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vkey", metavar="VKEY[,VKEY...]", help="the log's verifier keys, of all its epochs (wici log key)")
    parser.add_argument("what", metavar="FILE|DIR", help="what was handed out; DIR: an export")
    parser.add_argument("known", metavar="CHECKPOINT", nargs="?", help="a checkpoint that is known to be right: the log must contain it")
    words = parser.parse_args()
    try:
        for vkey in words.vkey.split(","):
            public_key(vkey)
        known = Checkpoint(words.vkey, read(words.known).decode()) if words.known is not None else None
    except (Invalid, ValueError) as why:
        parser.error(str(why))  # ends with 2
    lines = []
    result = code(words.vkey, words.what, known, lines.append)
    print(*lines, file=sys.stderr if result else sys.stdout)
    sys.exit(result)


if __name__ == "__main__":
    main()
