"""Installs into a temporary prefix, builds example.c against what is there with pkg-config, and runs it.

Also: only functions of wici.h are exported, nothing installed names the build folder, and the installed wici speaks
Polish. WICI_BUILD and WICI_SOURCE name the folders; WICI_CFLAGS what the build was sanitized with.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD, SOURCE = os.environ["WICI_BUILD"], os.environ["WICI_SOURCE"]
CC, CFLAGS = sys.argv[1], sys.argv[2:]
FAILED = []


def check(what, good, detail=""):
    print(("ok: " if good else "FAILED: ") + what + (f"\n{detail}" if detail and not good else ""))
    if not good:
        FAILED.append(what)


def run(*command, **kwargs):
    return subprocess.run(command, capture_output=True, text=True, check=False, **kwargs)


def exported(library):
    out = run("nm", "-D", "--defined-only", library).stdout
    return {line.split()[2].split("@")[0] for line in out.splitlines() if line.split()[1] in "TBDRVWi"}


def declared(header):
    with open(header, encoding="utf-8") as f:
        return set(re.findall(r"^WICI_EXPORT [^(]*?\b(wici_\w+)\(", f.read(), re.M))


def main():
    root = tempfile.mkdtemp(prefix="wici-install-")
    prefix = f"{root}/prefix"
    try:
        done = run("cmake", "--install", BUILD, "--prefix", prefix)
        check("cmake --install", done.returncode == 0, done.stderr)
        lib = next((d for d, _, files in os.walk(prefix) if "libwici.so.0" in files), None)
        check("libwici.so.0 is installed", lib is not None)
        if lib is None:
            return
        functions = declared(f"{prefix}/include/wici.h")
        symbols = exported(f"{lib}/libwici.so.0") - {"WICI_0"}
        check("exactly the functions of wici.h are exported", symbols == functions, f"{symbols ^ functions}")
        for file in ("share/wici/proto/wici/v1/wire.proto", "share/wici/proto/wici/v1/event.proto", "include/wici.h",
                     "share/man/man1/wici.1", "share/man/man1/wici-verify.1", "share/man/man8/wicid.8", "share/wici/wicid.conf",
                     "lib/systemd/system/wicid.service", "lib/systemd/system/wici-agent@.service", "sbin/wicid",
                     "lib/systemd/system/wici-clerk.service", "bin/wici-clerk", "share/man/man8/wici-clerk.8",
                     "share/wici/clerk.conf", "share/wici/clocks.conf", "share/wici/holidays.pl",
                     "share/locale/pl/LC_MESSAGES/wici.mo", "bin/wici"):
            check(f"{file} is installed", os.path.exists(f"{prefix}/{file}"))

        env = dict(os.environ, PKG_CONFIG_PATH=f"{lib}/pkgconfig", LD_LIBRARY_PATH=lib)
        # What was configured for another prefix is moved with it, as packagers do.
        flags = run("pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "--libs", "wici", env=env)
        check("pkg-config finds wici", flags.returncode == 0, flags.stderr)
        done = run(CC, "-std=c11", "-Wall", "-Wextra", "-Werror", *CFLAGS, "-o", f"{root}/example",
                   f"{SOURCE}/tests/install/example.c", *flags.stdout.split(), env=env)
        check("the example builds", done.returncode == 0, done.stderr)
        done = run(CC, "-std=c11", "-Wall", "-Wextra", "-Werror", "-xc", "-fsyntax-only", f"{prefix}/include/wici.h")
        check("wici.h stands by itself", done.returncode == 0, done.stderr)
        key = run(f"{prefix}/bin/wici", "key", "generate", f"{root}/k", env=env).stdout.strip()
        check("the installed wici makes a key", len(key) == 40)
        polish = dict(env, LANG="pl_PL.UTF-8", LC_ALL="pl_PL.UTF-8", LANGUAGE="")
        text = run(f"{prefix}/bin/wici", "--help", env=polish).stdout
        check("the installed wici speaks Polish", "Użycie" in text, text)
        wicid = next((f"{prefix}/{d}/wicid" for d in ("sbin", "bin") if os.path.exists(f"{prefix}/{d}/wicid")), None)
        check("wicid is installed", wicid is not None)
        if wicid is not None:
            with open(f"{root}/empty.conf", "w", encoding="utf-8") as f:
                f.write(f"data.dir = {root}/none\n")
            done = run(wicid, "-c", f"{root}/empty.conf", env=polish)
            check("the installed wicid logs in Polish", "nie ma dziennika" in done.stderr and "błąd" in done.stderr, done.stderr)
        if wicid is not None and not FAILED:
            talk(root, prefix, wicid, env)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def talk(root, prefix, wicid, env):
    """The example against the installed broker, which the installed wici set up."""
    with open(f"{root}/wicid.conf", "w", encoding="utf-8") as f:
        f.write(f"listen = tcp://127.0.0.1:*\ndata.dir = {root}/data\nkey.dir = {root}/keys\nkek.file = {root}/kek\n"
                f"curve.key = {root}/curve.key\ncheckpoint.key = {root}/checkpoint.key\nguard.file = {root}/guard\ndata.size_max = 256M\n")
    env = dict(env, PATH=os.path.dirname(wicid) + ":" + env["PATH"])
    done = run(f"{prefix}/bin/wici", "init", "-c", f"{root}/wicid.conf", "--origin", "wici.example/install", "--agency", "ops",
               "--agency-name", "OPS", "--unit", "admin", "--admin-key", f"{root}/admin.key", env=env)
    check("wici init", done.returncode == 0, done.stderr)
    server_key = run(f"{prefix}/bin/wici", "key", "show", f"{root}/curve.key", env=env).stdout.strip()
    with open(f"{root}/log", "w", encoding="utf-8") as log, \
         subprocess.Popen([wicid, "-c", f"{root}/wicid.conf"], stdout=subprocess.PIPE, stderr=log, text=True, env=env) as broker:
        try:
            endpoint = broker.stdout.readline().split()[1]
            done = run(f"{root}/example", endpoint, server_key, f"{root}/admin.key", env=env)
            check("the example talks to the broker", done.returncode == 0 and "wici.example/install" in done.stdout,
                  done.stdout + done.stderr)
        finally:
            broker.terminate()


main()
sys.exit(1 if FAILED else 0)
