"""The folders know what docs/ARCHITECTURE.md says and no more, and no files of a folder call each other in a circle: what is
below does not know what is above it. The first is read from the includes, the second from the symbols of the objects."""
import collections
import os
import pathlib
import re
import subprocess
import sys

SOURCE, BUILD = pathlib.Path(os.environ["WICI_SOURCE"]), pathlib.Path(os.environ["WICI_BUILD"])

# Folder: those that it may include from, and the libraries that it may not.
MAY = {
    "proto": ((), ("lmdb", "zmq")),
    "store": (("proto",), ("zmq",)),
    "broker/core": (("proto",), ("lmdb", "zmq")),
    "broker": (("proto", "store", "broker/core"), ("lmdb",)),
    "agents": (("proto",), ("lmdb",)),
    "agents/cli": (("proto", "agents"), ("lmdb",)),
}

# Circles that there are. The list may only become shorter: one that is not there any more is a difference, too.
CIRCLES = (
    # libwici: a connection that is lost takes down what was sent on it, and who sends finds out that it is lost.
    {"agents/client_link", "agents/publish", "agents/subscribe"},
)


def upward(name, text):
    """What a file includes and may not know, a sentence each."""
    folder = os.path.dirname(name)
    folders, libraries = MAY[folder]
    for header in re.findall(r'^#include "([^"]+)"', text, re.M):
        there = os.path.dirname(header)
        if there in MAY and there != folder and there not in folders:
            yield f"{name} includes {header}: {folder} may not know {there}"
    for library in re.findall(r"^#include <(\w+)\.h>", text, re.M):
        if library in libraries:
            yield f"{name} includes <{library}.h>: {folder} may not know it"


def symbols():
    """Of each object of our own: what it defines and what it needs."""
    defines, needs = {}, collections.defaultdict(set)
    for folder in MAY:
        for path in (BUILD / folder).glob("CMakeFiles/*/**/*.c.o"):
            inside = re.sub(r"^CMakeFiles/[^/]+/", "", str(path.relative_to(BUILD / folder)))
            name = f"{folder}/{inside}".removesuffix(".c.o")
            if not (SOURCE / f"{name}.c").exists():
                continue  # generated, or left from an older build
            for kind, symbol in re.findall(r" ([A-Za-z]) (\S+)$", subprocess.run(
                    ["nm", path], capture_output=True, text=True, check=True).stdout, re.M):
                if kind == "U":
                    needs[name].add(symbol)
                elif kind in "TDBRC" and symbol not in ("main", "argp_program_version"):  # each program has these
                    defines[symbol] = name
    return defines, needs


def calls(defines, needs):
    """Who needs whom, and for what."""
    return {name: {other: sorted(s for s in wanted if defines.get(s) == other)
                   for other in {defines[s] for s in wanted if s in defines} - {name}} for name, wanted in needs.items()}


def circles(graph):
    """The sets of files each of which reaches each other (Tarjan's way, without recursion)."""
    number, low, stack, on, found = {}, {}, [], set(), []
    for root in sorted(graph):
        work = [(root, iter(sorted(graph[root])))] if root not in number else []
        while work:
            name, others = work[-1]
            if name not in number:
                number[name] = low[name] = len(number)
                stack.append(name)
                on.add(name)
            for other in others:
                if other not in number and other in graph:
                    work.append((other, iter(sorted(graph[other]))))
                    break
                if other in on:
                    low[name] = min(low[name], number[other])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == number[name]:
                    circle = set()
                    while name not in circle:
                        circle.add(stack.pop())
                    on -= circle
                    found += [circle] if len(circle) > 1 else []
    return found


def shortest(circle, graph):
    """A way round that is as short as any: its files, in order."""
    best = None
    for start in sorted(circle):
        ways = collections.deque([[start]])
        seen = set()
        while ways:
            way = ways.popleft()
            for other in sorted(set(graph[way[-1]]) & circle):
                if other == start and (best is None or len(way) < len(best)):
                    best = way
                elif other not in seen and other != start:
                    seen.add(other)
                    ways.append(way + [other])
    return best


def told(circle, graph):
    """A circle in words: the calls of its shortest way round."""
    way = shortest(circle, graph)
    return "\n".join(f"    {name} -> {other}: {', '.join(graph[name][other])}" for name, other in zip(way, way[1:] + way[:1]))


def check_notices():
    """The checker notices planted differences, and only these."""
    if len(list(upward("store/tail.c", '#include "broker/broker.h"\n#include <zmq.h>\n#include "proto/leaf.h"\n'))) != 2:
        sys.exit("the checker does not notice an include that points upward")
    planted = {"a": {"b": ["f"], "d": ["g"]}, "b": {"c": ["h"]}, "c": {"a": ["i"]}, "d": {"e": ["j"]}, "e": {}}
    if circles(planted) != [{"a", "b", "c"}] or shortest({"a", "b", "c"}, planted) != ["a", "b", "c"]:
        sys.exit("the checker does not notice a planted circle")


def main():
    check_notices()
    wrong = []
    for folder in MAY:
        for path in sorted((SOURCE / folder).glob("*.[ch]")):
            wrong += upward(f"{folder}/{path.name}", path.read_text(encoding="utf-8"))
    graph = calls(*symbols())
    if len(graph) < 100:
        sys.exit(f"only {len(graph)} objects in {BUILD}: the objects are not where this looks for them")
    found = circles(graph)
    wrong += [f"{len(c)} files call each other in a circle; the shortest way round:\n{told(c, graph)}" for c in found if c not in CIRCLES]
    wrong += [f"no circle any more, take it out of the list: {sorted(c)}" for c in CIRCLES if c not in found]
    if wrong:
        sys.exit("\n".join(wrong))


main()
