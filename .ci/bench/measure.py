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


def rounds(commands, cores=1, times=5, timeout=600):
    """Runs the commands in turn, after one run of each that is not counted; every second round goes backwards. One list a command.

    cores is a number, or one for each command.
    """
    each = [cores] * len(commands) if isinstance(cores, int) else cores
    turns = list(zip(range(len(commands)), commands, each))
    for _, command, n in turns:
        run(command, n, timeout)
    runs = [[] for _ in commands]
    for i in range(times):
        for which, command, n in turns[:: (1, -1)[i % 2]]:
            runs[which].append(run(command, n, timeout))
    return runs


def pair(a, b, cores=1, times=5, timeout=600):
    """Compares two commands by rounds. The ratios are b's time by a's of the same round, so that what slows the machine slows both."""
    runs = rounds([a, b], cores, times, timeout)
    ratios = [y.wall / x.wall for x, y in zip(*runs)]
    return {
        "a": summary(runs[0]),
        "b": summary(runs[1]),
        "ratio": statistics.median(ratios),
        "ratio_least": min(ratios),
        "ratio_most": max(ratios),
        "walls": [[x.wall, y.wall] for x, y in zip(*runs)],
        "cpu_ratio": statistics.median(y.cpu / x.cpu for x, y in zip(*runs)),
    }
