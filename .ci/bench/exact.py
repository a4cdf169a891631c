"""Whether Palimpsest finds what is there: its tables against a slow oracle, over samples of every corpus of the benchmark; and the scan
that looks up a sample of the grams against the one that looks up all of them, over the same samples.
"""
import json
import os
import pathlib
import subprocess

from measure import Unavailable, run
from row import Row

HERE = pathlib.Path(__file__).parent

# corpus, kB of it, and the probes that are asked about
SAMPLES = [
    ("main", 4000, "probes-1000000-raw"),
    ("hot", 500, "probes-1000000"),
    ("boilerplate", 150, "probes-boilerplate"),
    *((language, 1500, f"probes-{language}") for language in ("en", "ru", "hi", "zh", "ja", "fr", "ar")),
    ("cut-1000", 500, "probes-1000000"),
]


def corpora(bench):
    return [n for corpus, kilobytes, probes in SAMPLES for n in (f"sample-{corpus}-{kilobytes}", probes)]


def rows(bench):
    for corpus, kilobytes, probes in SAMPLES:
        measure = oracle(bench, f"sample-{corpus}-{kilobytes}", probes)
        yield Row(f"spans and documents that differ from the oracle's: {corpus}", measure, most=0)
    yield Row("tables that differ between the sampled and the dense scan", dense(bench), most=0)


def oracle(bench, corpus, probes):
    def measure():
        search = bench.search(corpus, probes)
        run(search.command(), timeout=300)
        line = [bench.python, HERE / "oracle.py", bench.folder(corpus), bench.folder(probes), search.tables]
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True, timeout=600)
        if done.returncode:
            raise Unavailable(f"the oracle failed: {done.stderr.strip()[-300:]}")
        answer = json.loads(done.stdout)
        return {"value": answer["wrong"], "bytes": bench.bytes(corpus), **answer}

    return measure


def dense(bench):
    """The test that runs both scans over Parquet files reads their folders, corpus and probes in turn, from PALIMPSEST_BENCH_CORPORA."""

    def measure():
        go = os.environ.get("GO", "go")
        listed = subprocess.run([go, "test", "-list", "SampledEqualsDense", "./stages/ngram"], capture_output=True, text=True).stdout
        if "SampledEqualsDense" not in listed:
            raise Unavailable("this version has no such test")
        folders = [bench.folder(n) for n in corpora(bench)]
        env = os.environ | {"PALIMPSEST_BENCH_CORPORA": os.pathsep.join(folders)}
        line = [go, "test", "-count=1", "-v", "-run", "SampledEqualsDense", "./stages/ngram"]
        done = subprocess.run(line, env=env, capture_output=True, text=True)
        return {"value": done.stdout.count("--- FAIL"), "output": done.stdout[-500:] if done.returncode else ""}

    return measure
