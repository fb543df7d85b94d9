"""The files of the sources, for the checkers of this folder: those of a checkout as of an unpacked archive."""
import os

FOLDERS = (".", ".ci", "agents", "broker", "cmake", "docs", "po", "proto", "scripts", "store", "tests")


def files(source, *endings):
    """Their paths below `source`, of these endings or all; of the top folder only what lies in it itself."""
    found = []
    for folder in FOLDERS:
        for where, below, names in os.walk(os.path.join(source, folder)):
            below[:] = [] if folder == "." else [name for name in below if name not in ("__pycache__", "build")]
            found += [os.path.normpath(os.path.relpath(os.path.join(where, name), source)) for name in names]
    return sorted(name for name in found if not endings or name.endswith(endings))
