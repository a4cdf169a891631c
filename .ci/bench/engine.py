"""Palimpsest against the bare decoding of the same column, and against itself on other cores, languages and kinds of corpus."""
import statistics

import palimpsest
from measure import alone, pair, rounds, summary
from row import Row

SEEDS = (10_000, 1_000_000, 10_000_000)
ALONE = {"hash alone": "hash: {}\n", "ngram alone": "ngram: {}\n", "near-duplicates alone": "hash: {near_duplicate: 0.8}\n"}
LANGUAGES = ("ru", "hi", "zh", "ja", "fr", "ar")


def corpora(bench):
    probes = [f"probes-{n}" for n in SEEDS]
    languages = [n for language in (*LANGUAGES, "en") for n in (language, f"probes-{language}")]
    return ["main", "main-snappy", "tiny", "hot", "boilerplate", "probes-boilerplate", f"probes-{SEEDS[1]}-raw", *probes, *languages]


def rows(bench):
    for build, least in (("simd", 0.70), ("portable", 0.50)):
        for seeds in SEEDS[:2]:
            yield Row(f"hash + ngram / decode, zstd, {seeds:.0e} seeds, {build}", of_decode(bench, "main", seeds, build), least)
    for build in ("simd", "portable"):
        yield Row(f"hash + ngram / decode, zstd, 1e+07 seeds, index apart, {build}", index_apart(bench, "main", build), 0.45)
    for build in ("simd", "portable"):
        near = of_decode(bench, "main", SEEDS[1], build, palimpsest.NEAR)
        yield Row(f"with near-duplicates / decode, zstd, 1e+06 seeds, {build}", near, 0.40)
    for build, least in (("simd", 0.70), ("portable", 0.50)):
        yield Row(f"hash + ngram / decode, snappy, 1e+06 seeds, {build}", of_decode(bench, "main-snappy", SEEDS[1], build), least)
    near = of_decode(bench, "main-snappy", SEEDS[1], "best", palimpsest.NEAR)
    yield Row("with near-duplicates / decode, snappy, 1e+06 seeds", near, 0.40)
    for what, stages in ALONE.items():
        yield Row(f"{what} / decode, zstd, 1e+06 seeds", of_decode(bench, "main", SEEDS[1], "best", stages))
    raw = of_decode(bench, "main", f"{SEEDS[1]}-raw", "best")
    yield Row("hash + ngram / decode, zstd, 1e+06 seeds, templates among the probes", raw)
    yield Row("2 cores against 1", cores(bench), 1.8)
    for language in LANGUAGES:
        yield Row(f"bytes/s of {language} against English", language_row(bench, language), 0.35 if language in ("ru", "hi", "zh") else None)
    yield Row("time a byte, 40 % of seeds hit, against plain", kind(bench, "hot", f"probes-{SEEDS[1]}"), most=6)
    yield Row("time a byte, boilerplate, against plain", kind(bench, "boilerplate", "probes-boilerplate"), most=6)


def of_decode(bench, corpus, seeds, build, stages=palimpsest.ALL):
    """The decoder's time by Palimpsest's: 1 is the speed at which the pages decompress."""

    def measure():
        search = bench.search(corpus, f"probes-{seeds}", stages, build)
        found = pair(search.command(), bench.decode(corpus), times=bench.times)
        return {"value": found["ratio"], "bytes": bench.bytes(corpus), **found}

    return measure


def index_apart(bench, corpus, build):
    """The same, less what the same probes take with a corpus of one sentence: reading and indexing them, and writing their rows."""

    def measure():
        probes = f"probes-{SEEDS[2]}"
        searches = [bench.search(c, probes, build=build).command() for c in ("tiny", corpus)]
        runs = rounds([*searches, bench.decode(corpus)], times=bench.times)
        ratios = [decode.wall / (whole.wall - bare.wall) for bare, whole, decode in zip(*runs)]
        bare, whole, decoded = map(summary, runs)
        return {
            "value": statistics.median(ratios), "ratio": statistics.median(ratios), "ratio_least": min(ratios), "ratio_most": max(ratios),
            "whole_value": decoded["wall"] / whole["wall"], "without_corpus": bare, "a": whole, "b": decoded, "bytes": bench.bytes(corpus),
        }

    return measure


def cores(bench):
    def measure():
        command = bench.search("main", f"probes-{SEEDS[1]}").command()
        found = pair(command, command, cores=(2, 1), times=bench.times)
        return {"value": found["ratio"], "bytes": bench.bytes("main"), **found}

    return measure


def language_row(bench, language):
    """Bytes a second in that language by those in English, each with its own probes."""

    def measure():
        other, english = (bench.search(n, f"probes-{n}").command() for n in (language, "en"))
        found = pair(other, english, times=bench.times)
        value = found["ratio"] * bench.bytes(language) / bench.bytes("en")
        return {"value": value, "bytes": bench.bytes(language), **found}

    return measure


def kind(bench, corpus, probes):
    """Time a byte of that corpus by time a byte of main, with probes of the same size."""

    def measure():
        plain = bench.search("main", f"probes-{SEEDS[1]}").command()
        search = bench.search(corpus, probes)
        limit = 30 + 25 * alone(plain, times=1)["wall"]
        found = pair(plain, search.command(), times=bench.times, timeout=limit)
        value = found["ratio"] * bench.bytes("main") / bench.bytes(corpus)
        return {"value": value, "bytes": bench.bytes(corpus), "bytes_written": search.bytes_written(), **found}

    return measure
