"""The commands of docs/TOUR.md that make a broker of one's own, run as they stand, in a folder of its own and on a free port.
WICI_BUILD and WICI_SOURCE name the folders."""
import os
import re
import socket
import subprocess
import sys
import tempfile

BUILD, SOURCE = os.environ["WICI_BUILD"], os.environ["WICI_SOURCE"]
# What must have been said: the school reads all that it wrote, the coordinator less of it, and why.
SAID = ("recorded as number 7", "S6 Professional notes", "service asked for: family assistant", "there is no such section here")


def commands(page):
    """The indented lines from the broker's making on, as one script."""
    part = page.split("\nThen a broker of your own.")[1].split("\n## ")[0]
    return "\n".join(line[4:] for line in part.split("\n") if line.startswith("    "))


def main():
    with open(f"{SOURCE}/docs/TOUR.md", encoding="utf-8") as page:
        script = commands(page.read())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = re.sub(r"^export PATH=.*$", f"export PATH={BUILD}/bin:$PATH", script.replace("5678", str(port)), flags=re.M)
    with tempfile.TemporaryDirectory(prefix="wici-tour-") as folder:
        done = subprocess.run(["bash", "-e"], input=f"trap 'kill $!; wait' EXIT\n{script}\n", cwd=folder, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**os.environ, "LC_ALL": "C.UTF-8"}, timeout=120, check=False)
    missing = [said for said in SAID if said not in done.stdout]
    if done.returncode != 0 or missing:
        sys.exit(f"docs/TOUR.md: ended with {done.returncode}, does not say {missing}:\n{done.stdout}")


main()
