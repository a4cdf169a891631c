#!/usr/bin/env python3
"""Measures what an array costs beside run: measure.py PROGRAM DIR TASKS TIMES, of DIR/run.yaml, whose run is DIR/out/r.

In turn, TIMES times each: run; then plan, every task one after the other, and commit. It prints the medians of processor and wall
seconds, the requests of a task to the store by kind, and the bytes kept under way.
"""
import collections
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import time


def main():
    program, where, tasks, times = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    run, metrics, config = where / "out/r", where / "metrics", where / "run.yaml"
    took = collections.defaultdict(list)
    requests = collections.defaultdict(list)

    def measure(name, *args):
        before, began = os.times(), time.monotonic()
        subprocess.run([program, *args, "--metrics-file", metrics], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wall, after = time.monotonic() - began, os.times()
        cpu = after.children_user + after.children_system - before.children_user - before.children_system
        for kind, n in re.findall(r'^palimpsest_store_requests_total\{operation="([a-z_]+)".*\} (\S+)$', metrics.read_text(), re.M):
            requests[name, kind].append(float(n))
        return cpu, wall

    for _ in range(times):
        shutil.rmtree(run, ignore_errors=True)
        took["run"].append(measure("run", "run", "-c", config))
        shutil.rmtree(run)
        steps = [measure("plan", "plan", "-c", config, "--tasks", str(tasks))]
        took["plan"].append(steps[0])
        for task in range(tasks):
            steps.append(measure("shard", "shard", run, "--task", str(task)))
            took["shard"].append(steps[-1])
        kept = collections.Counter()
        for path in (run / "work").rglob("*"):
            if path.is_file():
                kept["results" if path.name.startswith("unit-") else "plan and indexes"] += path.stat().st_size
        steps.append(measure("commit", "commit", run))
        took["commit"].append(steps[-1])
        took["array"].append(tuple(sum(x) for x in zip(*steps)))
    print("| | processor s | wall s | requests |\n|---|---|---|---|")
    for name, all_times in took.items():
        asked = ", ".join(f"{statistics.median(n):.0f} {kind}" for (of, kind), n in sorted(requests.items()) if of == name and any(n))
        print(f"| {name} | {statistics.median(t[0] for t in all_times):.2f} | {statistics.median(t[1] for t in all_times):.2f} | {asked} |")
    ratios = [a[0] / r[0] for a, r in zip(took["array"], took["run"])]
    print(f"array / run, processor seconds: {statistics.median(ratios):.2f}, of {times} pairs")
    print("kept under way: " + ", ".join(f"{n / 1e6:.1f} MB of {what}" for what, n in kept.items()))


main()
