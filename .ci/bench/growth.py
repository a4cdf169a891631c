"""Time and memory as the work grows: the corpus, the probes, the text of a document. One core; the rest is held fixed."""
import pathlib
import subprocess

from measure import alone
from row import Row

CORPUS = (1, 3, 10, 30, 100)  # per cent of main
SEEDS = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
REAL = 10_000_000  # more seeds than these are of words that nobody wrote
DOCUMENT = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)  # bytes
MEMORY = "14GiB"  # what 1e8 seeds need, and more


def corpora(bench):
    return ["tiny", *(f"first-{n}" for n in CORPUS), *(f"cut-{n}" for n in DOCUMENT), *map(probes, SEEDS)]


def probes(seeds):
    return f"probes-{seeds}" if seeds <= REAL else f"probes-synthetic-{seeds}"


def rows(bench):
    for percent in CORPUS:
        yield Row(f"corpus, {percent} %", point(bench, "corpus", f"first-{percent}", "probes-1000000"))
    for seeds in SEEDS:
        yield Row(f"probes, {seeds:.0e} seeds", point(bench, "probes", "first-30", probes(seeds), seeds))
    for size in DOCUMENT:
        yield Row(f"documents of {size} bytes", point(bench, "document", f"cut-{size}", "probes-1000000", size))


def point(bench, axis, corpus, probes, x=None):
    def measure():
        found = alone(bench.search(corpus, probes, memory=MEMORY).command(), times=min(bench.times, 3))
        size = bench.bytes(corpus)
        rate = size / found["wall"] / 1e6
        bare = alone(bench.search("tiny", probes, memory=MEMORY).command(), times=1)["wall"]
        return {"axis": axis, "x": x or size, "bytes": size, "a": found, "without_corpus": bare, "value": rate, "unit": "MB/s"}

    return measure


def plot(bench):
    """Draws the three tables into OUT/growth.svg."""
    line = [bench.python, pathlib.Path(__file__).with_name("plot.py"), bench.out / "bench.json", bench.out / "growth.svg"]
    subprocess.run(list(map(str, line)), check=True)
