#!/usr/bin/env python3
"""Measures a commit: measure.py PROGRAM CONFIG RUN TASKS, of the run that CONFIG makes in the directory RUN.

It plans an array, has run do all its tasks in one process and kills that as soon as they are done; then it commits, and prints what that
took: seconds, the peak of memory, of the local disk, and the bytes of the results that were merged.
"""
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import threading
import time


def size(folder):
    total = 0
    for path in pathlib.Path(folder).rglob("*"):
        try:
            total += path.lstat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return total


def main():
    program, config, run, tasks = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), sys.argv[4]
    began = time.monotonic()
    subprocess.run([program, "plan", "-c", config, "--tasks", tasks], check=True, stdout=subprocess.DEVNULL)
    print(f"plan: {time.monotonic() - began:.0f} s, {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10} MiB", flush=True)
    began = time.monotonic()
    worker = subprocess.Popen([program, "run", "-c", config], stdout=subprocess.DEVNULL)
    while subprocess.run([program, "status", run, "--missing"], capture_output=True, text=True, check=False).stdout.strip():
        if worker.poll() is not None:
            sys.exit("run ended before it was killed")
        time.sleep(5)
    worker.kill()
    worker.wait()
    results = [f for f in (run / "work").rglob("unit-*")]
    stored = sum(f.stat().st_size for f in results)
    print(f"tasks: {time.monotonic() - began:.0f} s; {len(results)} results of {stored / 1e6:.0f} MB", flush=True)

    local = tempfile.mkdtemp()
    peak = {"disk": 0, "memory": 0}
    over = threading.Event()

    def watch():
        while not over.wait(0.5):
            peak["disk"] = max(peak["disk"], size(local))
            try:
                status = pathlib.Path(f"/proc/{commit.pid}/status").read_text(encoding="utf-8")
                peak["memory"] = max(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
            except (OSError, ValueError):
                pass

    began = time.monotonic()
    commit = subprocess.Popen([program, "commit", run, *sys.argv[5:]], stdout=subprocess.DEVNULL, env={**os.environ, "TMPDIR": local})
    watcher = threading.Thread(target=watch)
    watcher.start()
    code = commit.wait()
    over.set()
    watcher.join()
    if code != 0:
        sys.exit(f"commit ended with {code}")
    print(f"commit: {time.monotonic() - began:.0f} s, {peak['memory'] >> 10} MiB at most, {peak['disk'] / 1e6:.0f} MB of local disk; "
          f"the run has {size(run) / 1e6:.0f} MB")


main()
