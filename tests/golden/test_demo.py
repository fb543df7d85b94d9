#!/usr/bin/env python3
"""Plays the demo's three cases, which must come out as they say; then plants differences, each of which must be noticed."""
import copy
import os
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ipus  # noqa: E402
import ordinary  # noqa: E402
import play  # noqa: E402
import town  # noqa: E402
import za_zyciem  # noqa: E402


def planted(story):
    """Ways in which the units' views could be wrong: a name, and what it does to the views."""
    step = next(s for s in story.steps if s["type"] == "COURT_OPINION_DELIVERED")
    event = step["event"]["header"]["eventId"]
    opinion = step["event"]["sections"][3]
    rows = next(s for s in story.steps if s["type"] == "MEETING_AGREEMENTS_ISSUED")["event"]

    def lost(views):
        del views[event]["sad-rodzinny"]

    def leaked(views):
        views[event]["cus-dir"]["sections"].append(opinion)

    def to_a_stranger(views):
        views[event]["sp12-pedagog"] = {"header": step["event"]["header"], "sections": []}

    def altered(views):
        views[event]["kurator-1"]["sections"][0] = {"courtOpinionDeliveredS0": {"deliveredOn": "2020-01-01"}}

    def another_row(views):
        views[rows["header"]["eventId"]]["sp12-pedagog"]["sections"][-1] = rows["sections"][3]

    def invented(views):
        views["00000000-0000-7000-8000-000000000000"] = {"cus-sw": {"header": {"type": "CASE_CLOSED"}}}

    return [lost, leaked, to_a_stranger, altered, another_row, invented]


def main():
    with tempfile.TemporaryDirectory(prefix="wici-story-") as root:
        story = play.Play(os.environ["WICI_BIN"], os.environ["WICI_SOURCE"] + "/agents/roles", root, town, [ordinary, za_zyciem, ipus])
        try:
            story.run()
        finally:
            story.stop()
        wrong = list(story.check())
        if wrong:
            sys.exit("\n".join(wrong))
        views = story.views
        for plant in planted(story):
            story.views = copy.deepcopy(views)
            plant(story.views)
            if not list(story.check()):
                sys.exit(f"the checker does not notice: {plant.__name__}")


if __name__ == "__main__":
    main()
