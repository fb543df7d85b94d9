#!/usr/bin/env python3
"""Plays three cases, shows them as each unit saw them, and checks them. Called by scripts/demo."""
import argparse
import json
import os
import shutil
import sys
import tempfile
import textwrap

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ipus  # noqa: E402
import ordinary  # noqa: E402
import play  # noqa: E402
import town  # noqa: E402
import za_zyciem  # noqa: E402

STORIES = [ordinary, za_zyciem, ipus]

TEXTS = {
    "intro": ("{units} units of {agencies} institutions, each with a wici-agent and a key of its own, around one broker (wicid).\n"
              "Each step is a JSON file dropped into an outbox. Three families; they and all others are invented.\n"
              "Each has its number in the log; the numbers between are the broker's own records: who was shown what, what was refused.",
              "{units} jednostek {agencies} instytucji, każda z własnym programem wici-agent i kluczem, i jeden broker (wicid).\n"
              "Każdy krok to plik JSON włożony do folderu outbox. Trzy rodziny; wszystkie osoby są zmyślone.\n"
              "Każdy ma swój numer w dzienniku; numery pomiędzy to zapisy samego brokera: komu co pokazano, czego odmówiono."),
    "killed": ("the broker was killed (SIGKILL) with this event on its way, and started again",
               "broker został zabity (SIGKILL), gdy to zdarzenie było w drodze, i uruchomiony ponownie"),
    "refused": ("refused:", "nie przyjęto:"),
    "marked": ("marked:", "z uwagą:"),
    "record": ("no.", "nr"),
    "table": ("The cases as each unit saw them. A digit is a class of data it was given (0 facts, 1 identity, 2 living conditions,\n"
              "3 child's legal situation, 4 health, 5 court, 6 notes, 7 address); [..] is its own event; - nothing at all.",
              "Sprawy oczami każdej jednostki. Cyfra to klasa danych, którą dostała (0 fakty, 1 tożsamość, 2 warunki życia,\n"
              "3 sytuacja prawna dziecka, 4 zdrowie, 5 sąd, 6 notatki, 7 adres); [..] własne zdarzenie; - nic."),
    "names": ("REC reception, SW social worker, FA family assistant, DIR director, IC coordinator of individual plans, OUS organiser of\n"
              "services; SCH school, CT court, KUR probation officer, FCC foster care, SVC and SVCB those who do the services.",
              "REC kancelaria, SW pracownik socjalny, FA asystent rodziny, DIR dyrektor, IC koordynator IPUS, OUS organizator usług;\n"
              "SCH szkoła, CT sąd, KUR kurator, FCC piecza zastępcza, SVC i SVCB wykonawcy usług."),
    "withheld": ("What was withheld, and why (wici explain, asked by the unit itself):",
                 "Co pominięto i dlaczego (wici explain, zapytanie samej jednostki):"),
    "audit": ("The auditor's replay: {n} records in order, headers and facts (S0) only, {content} content sections shown.",
              "Odtworzenie przez audytora: {n} zapisów po kolei, tylko nagłówki i fakty (S0), sekcji z treścią: {content}."),
    "day": ("day", "dzień"),
    "good": ("As it must be: {cases} cases, {events} events, {units} units, {kills} power failure; every section where it belongs and\n"
             "nowhere else.",
             "Jak być powinno: {cases} sprawy, {events} zdarzeń, {units} jednostek, {kills} awaria; każda sekcja tam, gdzie powinna,\n"
             "i nigdzie indziej."),
    "bad": ("NOT as it must be:", "NIE tak, jak być powinno:"),
    "kept": ("Kept for a look: {root} (outboxes, inboxes with readable pages, the broker's data).",
             "Do obejrzenia zostawiono: {root} (foldery outbox, inbox z czytelnymi stronami, dane brokera)."),
}
POLISH = any(os.environ.get(v, "").startswith("pl") for v in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE")[:3]
             if os.environ.get(v)) or os.environ.get("LANGUAGE", "").startswith("pl")


def text(key, **values):
    return TEXTS[key][1 if POLISH else 0].format(**values)


def in_words(pair):
    """Of (English, Polish) the one that is wanted."""
    return pair[1 if POLISH else 0]


def title(step):
    """referral.submitted"""
    family_name, _, rest = step["type"].lower().partition("_")
    return f"{family_name}.{rest}"


def aside(what):
    """What is to be said below a step."""
    print(textwrap.fill(what, 120, initial_indent=" " * 13, subsequent_indent=" " * 13), flush=True)


def refusal(rejection):
    """The code and the sentence, out of what the agent wrote beside the file."""
    label = ("What is wrong: ", "Co jest źle: ")[POLISH]
    return next(line[len(label):] for line in rejection.splitlines() if line.startswith(label))


class Teller:
    """Tells each step as it happens."""

    def __init__(self):
        self.story = None

    def __call__(self, step):
        if step["story"] is not self.story:
            self.story = step["story"]
            print(f"\n{STORIES.index(self.story) + 1}. {in_words(self.story.TITLE)}\n")
        number = f"{text('record')} {step['seq']}" if "seq" in step else ""
        print(f"  {text('day'):>5} {step['day']:3}  {in_words(step['say']):50} {step['unit']:17} {title(step):26} {number}", flush=True)
        if step.get("kill"):
            aside(text("killed"))
        if "refused" in step:
            aside(f"{text('refused')} {refusal(step['rejection'])}")
        for warning in step.get("warnings", []):
            if warning["code"] != "W_WITHHELD":
                aside(f"{text('marked')} {warning['textPl' if POLISH else 'textEn']}")


def print_table(story, told):
    """One case: a row for each event, a column for each unit that was given something."""
    steps = [step for step in story.steps if step["story"] is told]
    seen = {step["event"]["header"]["eventId"]: story.views.get(step["event"]["header"]["eventId"], {}) for step in steps}
    units = [unit for unit in town.UNITS if any(unit in by_unit for by_unit in seen.values())]
    print(f"\n  {text('day'):>5}  {in_words(told.TITLE)[:50]:50}" + "".join(f"{town.UNITS[unit][2]:>8}" for unit in units))
    for step in steps:
        row = []
        for unit in units:
            got = seen[step["event"]["header"]["eventId"]].get(unit)
            digits = "-" if got is None else "".join(sorted(set(play.classes(got.get("sections", []))))) or "0"
            row.append(f"[{digits}]" if unit == step["unit"] and got is not None else digits)
        print(f"  {step['day']:5}  {in_words(step['say']):50}" + "".join(f"{cell:>8}" for cell in row))


def print_withheld(story):
    """Of the classes that were published and not given, one example for each reason the unit itself is told."""
    seen = set()
    print(text("withheld"))
    for step in story.steps:
        if "refused" in step:
            continue
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
                    print(f"  {text('day')} {step['day']:3}  {in_words(step['say'])} -> {unit}, S{cls}")
                    aside(section["pl" if POLISH else "en"])


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
        if "refused" not in step and replayed.get(step["event"]["header"]["eventId"]) != step["seq"]:
            yield f"day {step['day']} {step['type']} is not in the log at the number that was acknowledged"


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--bin", required=True)
    arguments.add_argument("--keep", action="store_true", help="keep the folders for a look")
    options = arguments.parse_args()
    root = tempfile.mkdtemp(prefix="wici-demo-")
    roles = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../agents/roles")
    story = play.Play(os.path.abspath(options.bin), os.path.abspath(roles), root, town, STORIES, say=Teller())
    wrong = []
    try:
        print(text("intro", units=len(town.UNITS), agencies=len({agency for agency, *_ in town.UNITS.values()})))
        story.run()
        print(f"\n{text('table')}\n{text('names')}")
        for told in STORIES:
            print_table(story, told)
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
    print(text("good", cases=len(STORIES), events=sum("refused" not in step for step in story.steps), units=len(town.UNITS),
               kills=story.kills))
    return 0


if __name__ == "__main__":
    sys.exit(main())
