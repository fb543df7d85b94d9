#!/usr/bin/env python3
"""Plays the story of family.py, shows the case as each unit saw it, and checks it. Called by scripts/demo."""
import argparse
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import family  # noqa: E402
import play  # noqa: E402

TEXTS = {
    "intro": ("Seven units of six institutions, each with a wici-agent and a key of its own, around one broker (wicid).\n"
              "Each step is a JSON file dropped into an outbox.\n",
              "Siedem jednostek sześciu instytucji, każda z własnym programem wici-agent i kluczem, i jeden broker (wicid).\n"
              "Każdy krok to plik JSON włożony do folderu outbox.\n"),
    "killed": ("           the broker was killed (SIGKILL) with this event on its way, and started again",
               "           broker został zabity (SIGKILL), gdy to zdarzenie było w drodze, i uruchomiony ponownie"),
    "table": ("The case as each unit saw it. A digit is a class of data it was given (0 facts, 1 identity, 2 living conditions,\n"
              "3 child's legal situation, 5 court, 6 notes, 7 address); [..] is its own event; - nothing at all.\n"
              "SCH school, SW social worker, DIR director, FA family assistant, CT court, KUR probation officer, FCC foster care.",
              "Sprawa oczami każdej jednostki. Cyfra to klasa danych, którą dostała (0 fakty, 1 tożsamość, 2 warunki życia,\n"
              "3 sytuacja prawna dziecka, 5 sąd, 6 notatki, 7 adres); [..] własne zdarzenie; - nic.\n"
              "SCH szkoła, SW pracownik socjalny, DIR dyrektor, FA asystent rodziny, CT sąd, KUR kurator, FCC piecza zastępcza."),
    "withheld": ("What was withheld, and why (wici explain, asked by the unit itself):",
                 "Co pominięto i dlaczego (wici explain, zapytanie samej jednostki):"),
    "audit": ("The auditor's replay: {n} records in order, headers and facts (S0) only, {content} content sections shown.",
              "Odtworzenie przez audytora: {n} zapisów po kolei, tylko nagłówki i fakty (S0), sekcji z treścią: {content}."),
    "day": ("day", "dzień"),
    "good": ("As it must be: {events} events, {units} units, {kills} power failure; every section where it belongs and nowhere else.",
             "Jak być powinno: {events} zdarzeń, {units} jednostek, {kills} awaria; każda sekcja tam, gdzie powinna, i nigdzie indziej."),
    "bad": ("NOT as it must be:", "NIE tak, jak być powinno:"),
    "kept": ("Kept for a look: {root} (outboxes, inboxes with readable pages, the broker's data).",
             "Do obejrzenia zostawiono: {root} (foldery outbox, inbox z czytelnymi stronami, dane brokera)."),
}
POLISH = any(os.environ.get(v, "").startswith("pl") for v in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")[:3]
             if os.environ.get(v)) or os.environ.get("LANGUAGE", "").startswith("pl")


def text(key, **values):
    return TEXTS[key][1 if POLISH else 0].format(**values)


def title(step):
    """referral.submitted"""
    family_name, _, rest = step["type"].lower().partition("_")
    return f"{family_name}.{rest}"


def print_step(step):
    print(f"  {text('day')} {step['day']:3}  {step['unit']:17} {title(step):26} seq {step['seq']}", flush=True)
    if step.get("kill"):
        print(text("killed"), flush=True)


def print_table(story):
    units = list(story.module.UNITS)
    names = [story.module.UNITS[u][2] for u in units]
    print(text("table"))
    print(f"\n  {text('day'):>5}  {'':26}" + "".join(f"{n:>8}" for n in names))
    for step in story.steps:
        row = []
        for unit in units:
            got = story.views.get(step["event"]["header"]["eventId"], {}).get(unit)
            digits = "-" if got is None else "".join(sorted(set(play.classes(got.get("sections", []))))) or "0"
            row.append(f"[{digits}]" if unit == step["unit"] else digits)
        print(f"  {step['day']:5}  {title(step):26}" + "".join(f"{cell:>8}" for cell in row))


def print_withheld(story):
    """Of the classes that were published and not given, one example for each reason the unit itself is told."""
    seen = set()
    print(text("withheld"))
    for step in story.steps:
        published = set(play.classes(step["event"]["sections"]))
        for unit, got in story.views.get(step["event"]["header"]["eventId"], {}).items():
            missing = published - set(play.classes(got.get("sections", [])))
            if not missing:
                continue
            answer = json.loads(story.agents[unit].cli.run("explain", str(step["seq"]), "--json"))["explanation"]
            for section in answer.get("sections", []):
                cls = str(section["sectionId"] % 10)
                if cls in missing and section["verdict"] not in seen:
                    seen.add(section["verdict"])
                    print(f"  {text('day')} {step['day']:3}  {title(step)} -> {unit}, S{cls}:\n"
                          f"           {section['pl' if POLISH else 'en']}")


def print_audit(story):
    """The auditor reads everything; returns what is wrong with it."""
    records = [json.loads(line) for line in story.auditor.run("read", "--json").splitlines()]
    content = sum(play.body_name(s)[-2:] != "S0" for r in records for s in r.get("sections", []))
    print(text("audit", n=len(records), content=content))
    seqs = [int(r["seq"]) for r in records]
    if content:
        yield f"the auditor saw {content} sections of content without stating a reason"
    if seqs != list(range(1, len(seqs) + 1)):
        yield "the auditor's replay has gaps"
    replayed = {r["header"]["eventId"]: int(r["seq"]) for r in records}
    for step in story.steps:
        if replayed.get(step["event"]["header"]["eventId"]) != step["seq"]:
            yield f"day {step['day']} {step['type']} is not in the log at the number that was acknowledged"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bin", required=True)
    arguments.add_argument("--keep", action="store_true", help="keep the folders for a look")
    options = arguments.parse_args()
    root = tempfile.mkdtemp(prefix="wici-demo-")
    roles = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agents/roles")
    story = play.Play(os.path.abspath(options.bin), os.path.abspath(roles), root, family, say=print_step)
    wrong = []
    try:
        print(text("intro"))
        story.run()
        print()
        print_table(story)
        print()
        print_withheld(story)
        print()
        wrong = list(story.check()) + list(print_audit(story))
    except play.Failure as failure:
        wrong.append(str(failure))
    finally:
        try:
            story.stop()
        except play.Failure as failure:
            wrong.append(str(failure))
    if options.keep or wrong:
        print(text("kept", root=root))
    else:
        shutil.rmtree(root)
    if wrong:
        print(text("bad"))
        print("\n".join("  " + line for line in wrong))
        return 1
    print(text("good", events=len(story.steps), units=len(family.UNITS), kills=story.kills))
    return 0


if __name__ == "__main__":
    sys.exit(main())
