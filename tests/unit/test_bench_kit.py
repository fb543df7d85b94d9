#!/usr/bin/env python3
"""The statistics of tests/bench/kit.py: percentiles, medians and ratios of rounds, and what is read from smaps."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(os.environ["WICI_SOURCE"]) / "tests" / "bench"))
import kit  # noqa: E402

ROUNDS = [{"a": {"rate": 100}, "b": {"rate": 50}}, {"a": {"rate": 30}, "b": {"rate": 60}}, {"a": {"rate": 90}, "b": {"rate": 30}}]

SMAPS = """55d0-55d8 r-xp 00000000 fe:00 1       /usr/sbin/wicid
Size:               1000 kB
Rss:                 700 kB
Pss:                 700 kB
VmFlags: rd ex mr
7f00-7f80 r--s 00000000 fe:00 9       /srv/my data/log/data.mdb
Rss:                5000 kB
7f90-7f98 rw-p 00000000 00:00 0       [heap]
Rss:                  30 kB
7fa0-7fa8 rw-p 00000000 00:00 0
Rss:                   4 kB
"""


class Statistics(unittest.TestCase):
    def test_a_percentile_is_a_value_that_was_measured(self):
        values = list(range(200, 0, -1))
        self.assertEqual([kit.percentile(values, p) for p in (1, 50, 99, 100)], [2, 100, 198, 200])
        self.assertEqual([kit.percentile([3, 1, 2], p) for p in (33, 34, 50, 99)], [1, 2, 2, 3])
        for values, percent in (([], 50), ([1], 0), ([1], 101)):
            with self.assertRaises(ValueError):
                kit.percentile(values, percent)

    def test_the_median_ratio_is_not_the_ratio_of_the_medians(self):
        self.assertEqual(kit.median(ROUNDS, "a.rate"), 90)
        self.assertEqual(kit.median(ROUNDS, "b.rate"), 50)
        self.assertEqual(kit.ratios(ROUNDS, lambda r: r["a"]["rate"], lambda r: r["b"]["rate"]), [2, 0.5, 3])

    def test_the_maps_of_lmdb_are_told_from_other_memory(self):
        self.assertEqual(kit.smaps_kib(SMAPS, "/data.mdb"), (734, 5000))
        self.assertEqual(kit.smaps_kib(SMAPS, "/nothing"), (5734, 0))


if __name__ == "__main__":
    unittest.main()
