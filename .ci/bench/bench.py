"""The benchmark: bench.py [--size BYTES] [--times N] [--out FOLDER] [PART...], from the root of the repository.

    engine   Palimpsest against the bare decoding of the same column, and against itself: cores, languages, hot grams, boilerplate
    peers    against tools that do something alike, and what each found
    exact    against a slow oracle
    growth   time and memory as corpus, probes and documents grow, and a plot

Every row compares commands that are run alternately, pinned to the same cores, on the same files. What cannot be had here, or is not done
in time, is said in its row, and the rest goes on. Tables go to standard output and to OUT/bench.md, all figures to OUT/bench.json.
"""
import argparse
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import time

import engine
import exact
import growth
import palimpsest
import peers
import report
from measure import Command, Unavailable, rounds, summary

HERE = pathlib.Path(__file__).parent
PARTS = {"engine": engine, "peers": peers, "exact": exact, "growth": growth}
FEEDS = ("-feed file -buffer 1048576", "-feed file -buffer 8388608", "-feed chunk", "-feed map")
DEFAULT = ["engine", "peers", "exact"]


class Bench:
    """What the parts share: the corpora, the builds, and where to write."""

    def __init__(self, cache, size, times, out):
        self.cache, self.size, self.times, self.out = cache, size, times, out
        self.work = cache / "work"
        self.work.mkdir(parents=True, exist_ok=True)
        self.python = self.python_with(HERE / "requirements.txt")
        self.held, self.programs, self.figures, self.pins = {}, {}, {}, pins()

    def python_with(self, requirements, *options):
        """The python of an environment with these packages."""
        words = ["bash", "-c", '. .ci/cache.sh; python_with "$@"', "bash", str(requirements), *options]
        done = subprocess.run(words, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"{requirements.name} cannot be installed: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def corpora(self, *names):
        """Makes the corpora that are not there yet, in another process, which may grow: measure.py says why."""
        missing = [n for n in names if n not in self.held]
        if missing:
            line = [self.python, HERE / "corpora.py", self.cache, str(self.size), *missing]
            done = subprocess.run(list(map(str, line)), stdout=subprocess.PIPE, text=True)
            if done.returncode:
                raise Unavailable("the corpora cannot be made: " + ", ".join(missing))
            self.held |= json.loads(done.stdout.splitlines()[-1])

    def folder(self, name):
        self.corpora(name)
        return self.held[name]["folder"]

    def bytes(self, name):
        self.corpora(name)
        return self.held[name]["text_bytes"]

    def program(self, build="best"):
        """A build: simd, portable, or the better of those that there are."""
        if build == "best":
            build = "simd" if palimpsest.has_vector_code() else "portable"
        if build == "simd" and not palimpsest.has_vector_code():
            raise Unavailable("this version has no vector code")
        if build not in self.programs:
            experiment = "simd" if build == "simd" else ""
            self.programs[build] = palimpsest.build(self.work, "./cmd/palimpsest", f"palimpsest-{build}", experiment)
        return self.programs[build]

    def search(self, corpus, probes, stages=palimpsest.ALL, build="best", memory="6GiB"):
        """A run of Palimpsest over a corpus and probes by their names."""
        self.corpora(corpus, probes)
        name = f"{build}-{corpus}-{probes}-" + re.sub(r"[^a-z0-9.]+", "-", stages).strip("-")
        return palimpsest.Search(self.program(build), self.work, name, self.folder(corpus), self.folder(probes), stages, memory)

    def decode(self, corpus):
        """The bare decoder over a corpus, fed in the way that was the fastest here."""
        if "decoder" not in self.programs:
            self.programs["decoder"] = palimpsest.build(self.work, ".ci/bench/decode.go", "decode")
        files = sorted(pathlib.Path(self.folder(corpus)).glob("*.parquet"))
        if "feeds" not in self.figures:
            commands = [Command([self.programs["decoder"], *feed.split(), *files]) for feed in FEEDS]
            self.figures["feeds"] = {feed: summary(runs)["wall"] for feed, runs in zip(FEEDS, rounds(commands, times=3))}
        feed = min(self.figures["feeds"], key=self.figures["feeds"].get)
        return Command([self.programs["decoder"], *feed.split(), *files])


def machine():
    """What the figures depend on."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    go = subprocess.run([os.environ.get("GO", "go"), "env", "GOVERSION"], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    return {
        "date": time.strftime("%Y-%m-%d"), "cpu": model, "cores": len(os.sched_getaffinity(0)), "go": go,
        "python": platform.python_version(), "kernel": platform.release(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "commit": commit, "load_before": round(os.getloadavg()[0], 2),
    }


def pins():
    """What the requirement files pin of the peers."""
    named = {"datatrove", "dolma", "duckdb", "hyperscan", "rensa", "datasketch", "pyarrow"}
    words = {word for path in HERE.rglob("*requirements.txt") for word in path.read_text().split()}
    return sorted(word.replace("==", " ") for word in words if "==" in word and word.partition("==")[0] in named)


def size_of(text):
    units = {"KB": 10**3, "MB": 10**6, "GB": 10**9}
    return int(float(text[:-2]) * units[text[-2:].upper()]) if text[-2:].upper() in units else int(text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=size_of, default=10**9, help="text of the main corpus, as in 50MB (1GB)")
    parser.add_argument("--times", type=int, default=5, help="pairs of runs a row (5)")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("out/bench"))
    parser.add_argument("--only", default="", help="rows whose name holds this text")
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}, all ({', '.join(DEFAULT)})")
    args = parser.parse_args()
    parts = list(PARTS) if args.parts == ["all"] else args.parts or DEFAULT
    if unknown := set(parts) - PARTS.keys():
        parser.error(f"no part is called {', '.join(unknown)}")
    args.out.mkdir(parents=True, exist_ok=True)
    bench = Bench(args.cache, args.size, args.times, args.out)
    results = {"machine": machine(), "size": args.size, "times": args.times, "pins": bench.pins, "parts": {}}
    for part in parts:
        began = time.monotonic()
        bench.corpora(*PARTS[part].corpora(bench))
        made, rows = time.monotonic(), []
        for row in PARTS[part].rows(bench):
            if args.only in row.name:
                rows.append(row.measured())
                print(report.line(rows[-1]), file=sys.stderr, flush=True)
        results["parts"][part] = {
            "rows": rows, "minutes_of_corpora": round((made - began) / 60, 1), "minutes": round((time.monotonic() - made) / 60, 1),
        }
    results |= {"corpora": {n: {k: v for k, v in about.items() if k != "folder"} for n, about in bench.held.items()}, **bench.figures}
    (args.out / "bench.json").write_text(json.dumps(results, indent=1) + "\n")
    if "growth" in parts:
        growth.plot(bench)
    text = report.markdown(results)
    (args.out / "bench.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
