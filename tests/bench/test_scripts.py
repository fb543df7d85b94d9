#!/usr/bin/env python3
"""Each script and program of tests/bench does what it says, on very little: so that they do not rot. The figures mean nothing."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN = os.environ["WICI_BIN"]
HERE = pathlib.Path(os.environ["WICI_SOURCE"]) / "tests" / "bench"


class Scripts(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="bench-test-")
        self.addCleanup(shutil.rmtree, self.dir)

    def run_script(self, name, *words):
        """What it prints."""
        done = subprocess.run([sys.executable, "-B", HERE / name, "--bin", BIN, *words], capture_output=True, text=True,
                              check=False, timeout=300, cwd=self.dir)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def rows(self, printed):
        """The lines of tables: what -> figures."""
        return dict(line.strip("| ").split(" | ", 1) for line in printed.splitlines() if line.startswith("| "))

    def left(self):
        """What lies in the directory afterwards."""
        return sorted(os.listdir(self.dir))

    def test_run_measures_each_load_and_the_references(self):
        rows = self.rows(self.run_script("run.py", "--dir", self.dir, "--rounds", "2", "--events", "40"))
        for start in ("reference: an LMDB commit", "reference: CURVE round trip", "one publisher, one outstanding", "replay"):
            self.assertTrue(any(row.startswith(start) for row in rows), (start, rows))
        self.assertIn("x the sum of the references", next(v for k, v in rows.items() if k.startswith("one publisher")))
        self.assertEqual(self.left(), [])

    def test_redis_is_given_the_same_work_in_turn(self):
        printed = self.run_script("redis.py", "--dir", self.dir, "--rounds", "2", "--seconds", "5", "--events", "40")
        rows = self.rows(printed)
        self.assertEqual(sum(line.startswith("round ") for line in printed.splitlines()), 6, printed)
        self.assertTrue(all(" x" in row for title, row in rows.items() if "publisher" in title), rows)
        self.assertEqual(self.left(), [])

    def test_others_looks_at_the_memory_while_some_are_idle_and_some_stuck(self):
        rows = self.rows(self.run_script("others.py", "--dir", self.dir, "--agents", "20", "--stuck", "2", "--minutes", "0.05",
                                         "--every", "1", "memory"))
        self.assertIn("MiB", rows["with traffic: highest; mean of the second and of the last quarter"])
        self.assertGreaterEqual(int(rows["positions told to the agents; sessions at the end"].rsplit("; ", 1)[1]), 22)
        self.assertEqual(self.left(), [])

    def test_unknown_compares_what_is_not_there_with_what_is_not_yours(self):
        rows = self.rows(self.run_script("unknown.py", "--dir", self.dir, "--messages", "20", "--events", "4"))
        for kind in ("not there", "not yours", "not there, again"):
            self.assertIn(" us", rows[kind])
        self.assertEqual(self.left(), [])

    def test_large_fills_once_and_measures_each_part(self):
        size = ["--keep", f"{self.dir}/log", "--events", "1600", "--dossiers", "32", "--each", "8", "--units", "4", "--behind",
                "400", "--cursors", "8", "--small", "160", "--published", "1600", "--rounds", "2"]
        rows = self.rows(self.run_script("large.py", *size, "fill"))
        self.assertIn("records in", rows["filling"])
        self.assertIn("filled already", self.run_script("large.py", *size, "fill"))
        rows = self.rows(self.run_script("large.py", *size, "start", "dossier", "units", "append", "replay"))
        # 50 events of each dossier, and its opening
        self.assertTrue(any(row.startswith("one dossier of 51 events") for row in rows), rows)
        # 4 units, 8 dossiers each, at least a quarter of the last 400 records
        caught = next(v for k, v in rows.items() if k.startswith("4 units, 400 records behind"))
        self.assertGreaterEqual(int(caught.split("; ")[1].split(" ")[0]), 300, caught)
        for start in ("state of a dossier", "append into the large log", "replay of the whole log for an auditor"):
            self.assertTrue(any(row.startswith(start) for row in rows), (start, rows))
        self.assertEqual(self.left(), ["log"])

    def test_the_million_is_filled_and_read_once_and_measured(self):
        size = ["--keep", f"{self.dir}/log", "--events", "1600", "--dossiers", "32", "--units", "2", "--questions", "2", "--proofs",
                "2", "--rounds", "1", "--seconds", "1"]
        rows = self.rows(self.run_script("million.py", *size, "fill"))
        self.assertIn("of them about reads", rows["filling"])
        self.assertIn("filled already", self.run_script("million.py", *size, "fill"))
        printed = self.run_script("million.py", *size, "start", "reads", "beside", "proofs", "tree", "export", "verify")
        rows = self.rows(printed)
        for start in ("start, the file in memory", "who was shown what of a dossier, by one institution",
                      "the records of reads of an institution", "4 publishers, 4 outstanding: publish -> answer p99", "`wici receipt`",
                      "`wici consistency`", "`wici export`", "`wici verify` of the export", "`wici verify` of the same with the keys"):
            self.assertTrue(any(row.startswith(start) for row in rows), (start, rows))
        self.assertIn("without tree:", printed)
        self.assertEqual(self.left(), ["log"])

    def test_the_year_of_the_country_is_lived_once_and_measured(self):
        size = ["--keep", f"{self.dir}/log", "--scale", "0.0008", "--rounds", "1", "--offices", "2", "--jobs", "1"]
        rows = self.rows(self.run_script("country.py", *size, "fill"))
        filled = next(k for k in rows if k.startswith("filling: "))
        self.assertIn("34 families of 2 offices", filled)  # 33 and one under "Za zyciem"
        self.assertIn("filled already", self.run_script("country.py", *size, "fill"))
        rows = self.rows(self.run_script("country.py", *size, "start", "deadlines", "lists", "report"))
        self.assertTrue(any(k.startswith("wici-clerk tells all of the year") for k in rows), rows)
        for start in ("start (", "a round with nothing to tell", "`wici deadlines`", "`wici worklist`", "`wici report`"):
            self.assertTrue(any(row.startswith(start) for row in rows), (start, rows))
        self.assertEqual(self.left(), ["log"])

    def test_the_parts_of_the_broker_are_measured_alone(self):
        for words in (["bench_proto", "0.01"], ["bench_store", "-n", "2500", "-d", "10", self.dir],
                      ["bench_store", "-g", "-n", "10000", "-d", "10", self.dir]):
            done = subprocess.run([f"{BIN}/{words[0]}", *words[1:]], capture_output=True, text=True, check=False, timeout=300)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("/s", done.stdout)
        done = subprocess.run([f"{BIN}/bench_witness", self.dir], capture_output=True, text=True, check=False, timeout=300)
        self.assertEqual((done.returncode, done.stdout.count("processor")), (0, 3), done.stderr)
        self.assertEqual(self.left(), [])


if __name__ == "__main__":
    unittest.main()
