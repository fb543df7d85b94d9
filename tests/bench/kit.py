"""What the scripts of tests/bench share: a broker of their own, medians, percentiles and ratios."""
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time



def percentile(values, percent):
    """The smallest value that at least `percent` of 100 values do not exceed (the nearest rank)."""
    if not values or not 0 < percent <= 100:
        raise ValueError("no values, or not a percentage")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def ratios(rounds, above, below):
    """above / below of each round; both are functions of a round."""
    return [above(r) / below(r) for r in rounds]


def at(value, path):
    """at({"a": {"b": 1}}, "a.b") is 1."""
    for step in path.split("."):
        value = value[step]
    return value


def median(rounds, path):
    """The median over the rounds of what lies at that path."""
    return statistics.median(at(r, path) for r in rounds)


def run(words, timeout=3600):
    """What a program prints; its failure is ours."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=timeout)
    if done.returncode != 0:
        sys.exit(f"{' '.join(words[:8])}: {done.stderr}{done.stdout[-500:]}")
    return done.stdout


def amount(options):
    """How much `wici bench` is to publish: options.events of each client, or for options.seconds."""
    return ["-n", str(options.events)] if options.events else ["-t", str(options.seconds)]


def reference(options):
    """This machine's own figures, in microseconds: a one-record LMDB commit, a CURVE round trip."""
    return json.loads(run([f"{options.bin}/bench_reference", options.dir]))


def file_bytes(directory):
    """Bytes that the files below take on disk."""
    return sum(os.stat(os.path.join(where, name)).st_blocks * 512
               for where, _, names in os.walk(directory) for name in names)


def smaps_kib(text, without):
    """(resident KiB of all mappings but those of files that end in `without`, resident KiB of those), out of /proc/PID/smaps."""
    inside, rest, of_map = "", 0, 0
    for line in text.splitlines():
        fields = line.split(None, 5)
        if "-" in fields[0] and ":" not in fields[0]:
            inside = fields[5] if len(fields) > 5 else ""
        elif fields[0] == "Rss:":
            if inside.endswith(without):
                of_map += int(fields[1])
            else:
                rest += int(fields[1])
    return rest, of_map


def memory_cgroup(limit):
    """A control group with so many bytes of memory, the files' pages included; None where we may not make one."""
    for base, bound in (("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")):
        group = f"{base}/wici-bench-{os.getpid()}"
        try:
            os.mkdir(group)
        except OSError:
            continue
        try:
            with open(f"{group}/{bound}", "w", encoding="ascii") as f:
                f.write(str(limit))
            return group
        except OSError:
            os.rmdir(group)
    return None


def in_cgroup(words, cgroup):
    """The words of a program that is to run in that control group (None: in ours)."""
    return words if cgroup is None else ["/bin/sh", "-c", 'echo $$ > "$0/cgroup.procs"; exec "$@"', cgroup, *words]


class OwnMemory(threading.Thread):
    """The most memory that a program and those that it started had at once beside files' pages (RssAnon), looked at every 5 ms."""

    def __init__(self, pid):
        super().__init__()
        self.pid, self.over, self.kib = pid, threading.Event(), 0

    @staticmethod
    def anon_kib(pid):
        """Of one process and its children; 0 where there is none any more."""
        try:
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
                own = sum(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
                return own + sum(OwnMemory.anon_kib(child) for child in f.read().split())
        except OSError:
            return 0

    def run(self):
        while not self.over.wait(0.005):
            self.kib = max(self.kib, self.anon_kib(self.pid))


def timed(words, codes=(0,), cgroup=None):
    """Of one program and those that it started: seconds, MiB at most (of any of them, files' pages included), MiB of all of
    them at most beside such pages, what it printed."""
    begin = time.monotonic()
    with subprocess.Popen(in_cgroup(words, cgroup), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        own = OwnMemory(process.pid)
        own.start()
        said = process.stdout.read()
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - begin
        own.over.set()
        own.join()
    if process.returncode not in codes:
        sys.exit(f"{' '.join(words)}: {process.returncode} {errors}")
    return seconds, usage.ru_maxrss / 1024, own.kib / 1024, said


def verified(title, words, rounds, cgroup=None):
    """Prints a line of what `wici verify` took, `rounds` times."""
    runs = [timed(words, cgroup=cgroup) for _ in range(rounds)]
    print(f"| `wici verify` of {title} | {statistics.median(r[0] for r in runs):.2f} s | {max(r[1] for r in runs):,.0f} MiB, of them not "
          f"files' pages {max(r[2] for r in runs):.1f} |", flush=True)


def forget_pages(directory):
    """The system's memory of the files below; for files that nobody has mapped."""
    os.sync()
    for where, _, names in os.walk(directory):
        for name in names:
            fd = os.open(os.path.join(where, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


class Broker:
    """A broker in a directory of its own, with an administrator (admin.key) and a unit ops-sw that publishes (sw.key).
    `keep`: the directory, made and filled by an earlier one or made now, stays."""

    def __init__(self, bin_dir, root, keep=None, size_max="16G", cgroup=None):
        self.bin, self.keep, self.process, self.cgroup = bin_dir, keep is not None, None, cgroup
        self.dir = keep or tempfile.mkdtemp(prefix="bench-", dir=root)
        self.config = f"{self.dir}/wicid.conf"
        self.started_s = 0.0
        self.is_new = not os.path.exists(self.config)
        if self.is_new:
            os.makedirs(self.dir, exist_ok=True)
            with open(self.config, "w", encoding="utf-8") as f:
                f.write(f"listen = tcp://127.0.0.1:*\ndata.dir = {self.dir}/data\nkey.dir = {self.dir}/keys\n"
                        f"kek.file = {self.dir}/kek\ncurve.key = {self.dir}/curve.key\n"
                        f"checkpoint.key = {self.dir}/checkpoint.key\nguard.file = {self.dir}/guard\ndata.size_max = {size_max}\n")
            run([f"{bin_dir}/wicid", "-c", self.config, "init", "--origin", "bench.example", "--agency", "ops",
                 "--agency-name", "OPS", "--unit", "admin", "--admin-key", f"{self.dir}/admin.key"])
        with open(f"{self.dir}/curve.key", encoding="utf-8") as f:
            self.key = next(line for line in f if line.startswith("public = "))[len("public = "):].strip("\n")
        self.start()
        if self.is_new:
            self.unit_add("ops-sw", "sw")

    def start(self):
        """Starts the process and waits until it listens; started_s: how long that took."""
        begin = time.monotonic()
        with open(f"{self.dir}/log", "ab") as log:
            words = in_cgroup([f"{self.bin}/wicid", "-c", self.config], self.cgroup)
            self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True)
        line = self.process.stdout.readline().split()
        self.started_s = time.monotonic() - begin
        if len(line) < 2:
            sys.exit(f"wicid did not start: see {self.dir}/log")
        self.endpoint = line[1]

    def stop(self):
        """Ends the process as an operator would."""
        if self.process is None:
            return
        self.process.terminate()
        code = self.process.wait(120)
        self.process.stdout.close()
        self.process = None
        if code != 0:
            sys.exit(f"wicid ended with {code}: see {self.dir}/log")

    def connection(self, key):
        """The options that wici and the programs of tests/bench connect with."""
        return [f"--endpoint={self.endpoint}", f"--server-key={self.key}", f"--key-file={self.dir}/{key}.key"]

    def wici(self, key, *words):
        """A command of wici with this key."""
        return run([f"{self.bin}/wici", *self.connection(key), *words])

    def unit_add(self, unit, key):
        """A unit with the role SW and a key of its own."""
        self.wici("admin", "key", "generate", f"{self.dir}/{key}.key")
        self.wici("admin", "unit", "add", unit, "--agency", "ops", "--name", unit, "--role", "SW", "--key",
                  f"{self.dir}/{key}.key")

    def status(self):
        """What the broker says of itself."""
        return json.loads(self.wici("admin", "--json", "status"))["status"]

    def cpu_us(self):
        """CPU time of the broker's threads so far."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            with open(f"/proc/{self.process.pid}/task/{task}/schedstat", encoding="ascii") as f:
                total += int(f.read().split()[0])
        return total / 1000

    def memory_kib(self):
        """(resident KiB without LMDB's maps, resident KiB of these)"""
        with open(f"/proc/{self.process.pid}/smaps", encoding="utf-8") as f:
            return smaps_kib(f.read(), "/data.mdb")

    def disk(self):
        """Bytes that data and finding index take on disk."""
        return file_bytes(f"{self.dir}/data")

    def bench(self, *words):
        """One run of `wici bench`, with the broker's CPU time and bytes on disk for each event."""
        cpu, disk = self.cpu_us(), self.disk()
        result = json.loads(self.wici("sw", "--json", "bench", *words))
        events = result["published"] or result["replayed"]
        result["brokerCpuUs"] = (self.cpu_us() - cpu) / events
        result["diskBytes"] = (self.disk() - disk) / events
        return result

    def close(self):
        """Ends the broker, and removes what it wrote unless that is to be kept."""
        self.stop()
        if not self.keep:
            shutil.rmtree(self.dir)
