"""The core stays pure: what libwici_core.a needs from outside is on a short list, with no clock, randomness or I/O on it."""
import os
import pathlib
import re
import subprocess
import sys

ALLOWED = set("""
abort calloc free malloc bsearch qsort realloc reallocarray strdup
memchr memcmp memcpy memmove memset strchr strcmp strlen strncmp strstr
__assert_fail __stack_chk_fail __memcpy_chk __memset_chk _GLOBAL_OFFSET_TABLE_
""".split())
OWN = re.compile(r"protobuf_c_|__asan_|__ubsan_|__tsan_|__sanitizer_|__gcov|llvm_gcov")
# Of proto/: the registry, decoding, ids, digits, marks of erased dossiers, days of the calendar; arenas are the caller's memory.
PROTO = re.compile(r"(wici__v1__|type_|role_|clock_(info|by_name|event_at)$|uuid_parse$|hex_parse$|erased_mark_(of|text)$|date_|time_(parse|format)$|arena_(alloc|text)$|section_id|event_body$|message_info$|error_|rule_)")


def symbols(archive, kinds):
    out = subprocess.run(["nm", archive], capture_output=True, text=True, check=True).stdout
    return {m[2] for m in re.finditer(r"^(?:[0-9a-f]+)?\s+([A-Za-z]) (\S+)$", out, re.M) if m[1] in kinds}


def foreign(needed, defined):
    return sorted(s for s in needed - defined - ALLOWED if not OWN.match(s) and not PROTO.match(s))


def main():
    archive = sys.argv[1] if len(sys.argv) > 1 else os.environ["WICI_BUILD"] + "/broker/core/libwici_core.a"
    if not pathlib.Path(archive).exists():
        print(f"skipped: {archive} is not built")
        return 77
    needed, defined = symbols(archive, "U"), symbols(archive, "TDBRVWtdbr")
    # A planted difference must be seen.
    for planted in ("time", "rand", "fopen", "printf", "clock_gettime", "getrandom", "mdb_get", "zmq_send"):
        assert foreign({planted}, set()) == [planted], planted
    assert "core_view" in defined and len(needed) > 10
    found = foreign(needed, defined)
    for symbol in found:
        print(f"libwici_core.a needs {symbol}, which is not on the list of tests/lint/pure_core.py")
    return 1 if found else 0


sys.exit(main())
