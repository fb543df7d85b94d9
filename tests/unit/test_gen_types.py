#!/usr/bin/env python3
"""Plants one fault at a time in a copy of the .proto files; gen_types.py must refuse each and name the place."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

PROTOC, PROTOBUF_INCLUDE = sys.argv[1:3]
PROTO = pathlib.Path(os.environ["WICI_SOURCE"]) / "proto"

FAULTS = [  # file, from, to, what the generator must say
    ("common", '(format) = LINE, (max) = 80, (pl) = "obywatelstwo"', '(pl) = "obywatelstwo"',
     "Person.citizenship: a string without a format"),
    ("meeting", '(codes) = "CONTINUE END_COOPERATION", ', "", "MeetingHeldS6.decision: a CODE without codes"),
    ("meeting", "CONTINUE END_COOPERATION", "CONTINUE  END_COOPERATION", "MeetingHeldS6.decision: codes must differ"),
    ("case", ', (pl) = "znak sprawy"', "", "CaseOpenedS6.case_number: a label is missing"),
    ("case", "repeated Goal goals = 3 [(max_count) = 32, ", "repeated Goal goals = 3 [",
     "CasePlanUpdatedS6.goals: a repeated field without max_count"),
    ("case", "message Goal {", 'message Goal {\n  Goal part = 9 [(pl) = "a", (en) = "a"];', "Goal: a message that contains"),
    ("event", 'name: "referral.forwarded", slots: 16', 'name: "referral.forwarded", slots: 8',
     "REFERRAL_FORWARDED: 8 slots are too few for 6 classes"),
    ("event", 'name: "case.linked", slots: 8', 'name: "case.linked", slots: 12', "CASE_LINKED: 12 slots"),
    ("event", 'name: "case.linked"', 'name: "case.joined"', "CASE_LINKED: its name must spell the same"),
    ("event", 'either: "46"', 'either: "45"', 'CONSENT_GRANTED: either "45"'),
    ("event", 'opens: "CASE"', 'opens: "FAMILY"', 'CASE_OPENED: opens "FAMILY"'),
    ("event", "case_closed_s0 = 2060;", "case_closed_s0 = 2068;", "CASE_CLOSED: no body of class S0"),
    ("event", "CaseClosedS6 case_closed_s6 = 2066;", "CaseClosedS6 case_closed_s6 = 2065;",
     "Section.case_closed_s6: number 2065"),
    ("event", "    CaseClosedS6 case_closed_s6 = 2066;\n", "", "CaseClosedS6: named like a body"),
]


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


def generate(tree):
    """gen_types.py over the .proto files in tree; protoc itself must be content with them."""
    paths = [f"-I{tree}", f"-I{PROTOBUF_INCLUDE}"]
    files = sorted(tree.glob("wici/v1/*.proto"))
    made = run(PROTOC, *paths, "--include_imports", f"--descriptor_set_out={tree}/set", f"--python_out={tree}", *files)
    assert made.returncode == 0, made.stderr
    return run(sys.executable, "-B", PROTO / "gen_types.py", tree / "set", tree, tree / "table.c")


def copy(tree):
    shutil.copytree(PROTO / "wici", tree / "wici")
    return tree


def main():
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        sound = copy(pathlib.Path(name))
        made = generate(sound)
        assert made.returncode == 0 and (sound / "table.c").exists(), made.stderr
    for file, old, new, says in FAULTS:
        with tempfile.TemporaryDirectory() as name:
            tree = copy(pathlib.Path(name))
            path = tree / "wici/v1" / f"{file}.proto"
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{file}.proto: {old} is there {text.count(old)} times"
            path.write_text(text.replace(old, new), encoding="utf-8")
            made = generate(tree)
            refused = made.returncode == 1 and says in made.stderr and not (tree / "table.c").exists()
            print("ok  " if refused else "FAIL", says)
            if not refused:
                print(made.stderr)
                failures += 1
    return failures != 0


sys.exit(main())
