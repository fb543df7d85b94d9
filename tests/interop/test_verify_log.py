#!/usr/bin/env python3
"""verify_log.py as a program: what it says and how it ends, by itself. What it verifies, test_proofs.py shows.

The exit codes are those of the table in docs/AUDIT.md; a code of the program that the page does not have, or the other way
round, fails.
"""
import base64
import hashlib
import os
import re
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SOURCE = os.environ["WICI_SOURCE"]
PROGRAM = f"{SOURCE}/tests/interop/verify_log.py"
ORIGIN = "wici.example/test"


def check(condition, what):
    """Fails."""
    if not condition:
        sys.exit(f"FAILED: {what}")


class Signer:
    """A key of a log, which signs checkpoints."""

    def __init__(self, seed):
        self.key = Ed25519PrivateKey.from_private_bytes(seed * 32)
        public = b"\x01" + self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.id = hashlib.sha256(ORIGIN.encode() + b"\n" + public).digest()[:4]
        self.vkey = f"{ORIGIN}+{self.id.hex()}+{base64.b64encode(public).decode()}"

    def checkpoint(self, size, root):
        """A signed note."""
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(root * 32).decode()}\n"
        return f"{text}\n\u2014 {ORIGIN} {base64.b64encode(self.id + self.key.sign(text.encode())).decode()}\n"


def run(*words):
    """(code, stdout, stderr)"""
    done = subprocess.run([sys.executable, "-B", PROGRAM, *words], capture_output=True, text=True, check=False)
    check("Traceback" not in done.stderr, f"{words}: {done.stderr}")
    return done.returncode, done.stdout, done.stderr


def main():
    signer, other = Signer(b"\x01"), Signer(b"\x02")
    with tempfile.TemporaryDirectory() as folder:
        def file(name, text):
            with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
                f.write(text)
            return f"{folder}/{name}"

        good = file("good", signer.checkpoint(4, b"\x0a"))
        forked = file("forked", signer.checkpoint(4, b"\x0b"))
        flipped = file("flipped", signer.checkpoint(4, b"\x0a").replace("\n4\n", "\n5\n"))
        consistency = file("consistency", "old 4\n\n" + signer.checkpoint(9, b"\x0c"))
        expected = (
            ((), 2), (("-h",), 0), ((signer.vkey,), 2), ((signer.vkey, good, good, good), 2), (("--wrong", signer.vkey, good), 2),
            (("no key", good), 2), ((signer.vkey[:-4], good), 2), ((signer.vkey, good, flipped), 2), ((signer.vkey, good, f"{folder}/none"), 2),
            ((signer.vkey, consistency), 2), ((signer.vkey, consistency, good), 3), ((signer.vkey, good), 0), ((signer.vkey, good, good), 0),
            ((f"{other.vkey},{signer.vkey}", good), 0), ((other.vkey, good), 3), ((signer.vkey, flipped), 3),
            ((signer.vkey, f"{folder}/none"), 3), ((signer.vkey, folder), 3), ((signer.vkey, forked, good), 4))
        for words, code in expected:
            ended, out, err = run(*words)
            check(ended == code, f"{words}: {ended}, not {code}: {out}{err}")
            check(bool(out) == (code == 0) and bool(err) == (code != 0), f"{words}: what holds is told on stdout, the rest on stderr: {out}|{err}")
            check(code in (3, 4) or "VKEY" in out + err or "holds: 4 records" in out or "needs the older checkpoint" in err,
                  f"{words}: neither told how it is used, nor why: {out}{err}")
        with open(f"{SOURCE}/docs/AUDIT.md", encoding="utf-8") as page:
            table = page.read().split("| exit code | |")[1].split("\n\n")[0]
        listed = {int(n) for n in re.findall(r"^\| (\d) \|", table, re.M)} - {5}  # of a copy, which it does not look at
        told = {int(n) for n in re.findall(r"^  (\d)  ", run("--help")[1], re.M)}
        check(told == listed == {code for _, code in expected}, f"exit codes: told {told}, in docs/AUDIT.md {listed}")
    print("ok", len(expected))


if __name__ == "__main__":
    main()
