"""docs/EVENTS.md is what `wici types --markdown` prints; agents/words.def has a label for each code of the registry."""
import glob
import os
import re
import subprocess
import sys

# Words of the broker's answers, which are no codes of the registry: relations and kinds of dossiers.
ANSWERS = set("""author addressee holder pending office participant referrer invitee provider party successor
REFERRAL CASE MEETING LETTER""".split())


def codes(texts):
    """The words that fields of format CODE may hold."""
    return {word for text in texts for words in re.findall(r'\(codes\) = "([^"]*)"', text) for word in words.split()}


def labels(text):
    """The words that words.def has, in its order."""
    return re.findall(r'^WORD\("([^"]+)", "[^"]+", "[^"]+"\)$', text, re.M)


def differences(used, known):
    """What registry and words.def disagree in, a sentence each."""
    for word in sorted(used - set(known)):
        yield f"agents/words.def has no label for {word}"
    for word in sorted(set(known) - used - ANSWERS):
        yield f"agents/words.def has a label for {word}, which no field holds"
    for word in sorted({word for word in known if known.count(word) > 1}):
        yield f"agents/words.def has two labels for {word}"


def read(path):
    """The text of a file."""
    with open(path, encoding="utf-8") as f:
        return f.read()


def main():
    source, binaries = os.environ["WICI_SOURCE"], os.environ["WICI_BIN"]
    used = codes([read(path) for path in glob.glob(f"{source}/proto/wici/v1/*.proto")])
    known = labels(read(f"{source}/agents/words.def"))
    if len(list(differences(used | {"PLANTED"}, [*known, "LEFT_OVER"]))) < 2:
        sys.exit("the checker does not notice planted differences")
    wrong = list(differences(used, known))
    printed = [subprocess.run([f"{binaries}/wici", "types", "--markdown"], check=True, capture_output=True, text=True,
                              env=dict(os.environ, LC_ALL=locale, LANGUAGE="")).stdout for locale in ("C", "pl_PL.UTF-8")]
    if printed[0] != printed[1]:
        wrong.append("wici types --markdown depends on the locale")
    if "referralSubmittedS1" not in printed[0]:
        wrong.append("wici types --markdown does not list the sections")
    if printed[0] != read(f"{source}/docs/EVENTS.md"):
        wrong.append("docs/EVENTS.md is not what the program prints: wici types --markdown > docs/EVENTS.md")
    if wrong:
        sys.exit("\n".join(wrong))


main()
