"""Runs commands on given cores and says what each one took; compares two of them by alternating.

This process stays small and imports nothing large: a child's peak memory counts from what its parent held when it was started.
"""
import os
import re
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field


class Unavailable(Exception):
    """Something that a row needs cannot be had here; the message says what."""


@dataclass
class Command:
    """A command line, what is done before each run of it without being timed, and the environment it adds."""

    line: list
    before: object = None
    env: dict = field(default_factory=dict)
    good: tuple = (0,)


@dataclass
class Run:
    wall: float  # seconds
    cpu: float  # seconds, of all threads and children
    peak: int  # bytes resident
    output: str


def run(command, cores=1, timeout=600):
    """Runs a command once on the first cores of those that this process may use."""
    if command.before:
        command.before()
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    if len(chosen) < cores:
        raise Unavailable(f"{cores} cores are needed, {len(chosen)} are here")
    line = ["taskset", "--cpu-list", ",".join(map(str, chosen))] + [str(part) for part in command.line]
    env = os.environ | {"GOMAXPROCS": str(cores), "OMP_NUM_THREADS": str(cores), "RAYON_NUM_THREADS": str(cores)} | command.env
    began = time.monotonic()
    child = subprocess.Popen(
        line, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    late = threading.Event()

    def stop():
        late.set()
        os.killpg(child.pid, signal.SIGKILL)

    timer = threading.Timer(timeout, stop)
    timer.start()
    try:
        output = child.stdout.read().decode(errors="replace")
        _, status, usage = os.wait4(child.pid, 0)
    except BaseException:
        os.killpg(child.pid, signal.SIGKILL)
        raise
    finally:
        timer.cancel()
    wall = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if late.is_set():
        raise Unavailable(f"not done after {timeout} s")
    if child.returncode not in command.good:
        last = (output.strip().splitlines() or [""])[-1]
        raise Unavailable(f"exit {child.returncode}: " + re.sub(r"\S*/\S*: ", "", last)[:200])
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, output)


def summary(runs):
    """Medians of some runs of one command, and the least and greatest wall time."""
    walls = [r.wall for r in runs]
    return {
        "wall": statistics.median(walls),
        "wall_least": min(walls),
        "wall_most": max(walls),
        "cpu": statistics.median(r.cpu for r in runs),
        "peak": max(r.peak for r in runs),
        "runs": len(runs),
    }


def alone(command, cores=1, times=3, timeout=600):
    """Runs a command some times, after one run that is not counted."""
    run(command, cores, timeout)
    return summary([run(command, cores, timeout) for _ in range(times)])


def pair(a, b, cores=(1, 1), times=5, timeout=600):
    """Alternates a and b, after one run of each that is not counted; every second pair begins with b.

    The ratios are b's time by a's of the same pair, so that what slows the machine for a while slows both.
    """
    run(a, cores[0], timeout)
    run(b, cores[1], timeout)
    runs = {"a": [], "b": []}
    for i in range(times):
        for which in ("ab", "ba")[i % 2]:
            command, n = (a, cores[0]) if which == "a" else (b, cores[1])
            runs[which].append(run(command, n, timeout))
    ratios = [y.wall / x.wall for x, y in zip(runs["a"], runs["b"])]
    cpu = [y.cpu / x.cpu for x, y in zip(runs["a"], runs["b"])]
    return {
        "a": summary(runs["a"]),
        "b": summary(runs["b"]),
        "ratio": statistics.median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "walls": [[x.wall, y.wall] for x, y in zip(runs["a"], runs["b"])],
        "cpu_ratio": statistics.median(cpu),
    }
