"""Palimpsest against tools that do something alike, and what each found on the same files.

A peer is measured on a slice of the main corpus, its first documents, that it gets through in about ten seconds; its time for the whole
corpus is then start-up + slice, scaled by bytes. Palimpsest is measured on the whole corpus and on the slice. An index or filter that a
peer builds of the probes beforehand is not in its time; Palimpsest's is in its own.
"""
import json
import pathlib
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass

import palimpsest
from measure import Command, Unavailable, alone, pair, rounds, run, summary
from row import Row

HERE = pathlib.Path(__file__).parent / "peers"


@dataclass
class Peer:
    name: str
    script: str
    slice: int  # MB of the main corpus
    probes: str
    least: float | None
    note: str  # why its answers differ, as far as somebody looked
    requirements: str = "requirements.txt"
    options: tuple = ()  # of pip


FOLDS = (
    "It makes every number a 0, so that tables of numbers are alike: of 10 documents that only it found in 4 MB, 9 were no longer found "
    "without that. It has no least number of bytes."
)
MARKS = (
    "Punctuation and spaces are words to it, so that ruled lines (====) and the markup of dictionaries are n-grams. It is not its Bloom "
    "filter: one of eight times the size found the same documents. It does not look across lines."
)
JOIN = "It has no least number of bytes, and no normalisation but lower case."
FIRST = "It reports the first of phrases that overlap, and no second one within it."
WRITTEN = "It compares bytes, so that case, punctuation and line breaks must agree; it also matches within longer words."
PEERS = [
    Peer("datatrove n-gram decontamination", "datatrove_ngrams.py", 4, "probes-1000000", 100, FOLDS, "peers/datatrove-requirements.txt"),
    Peer("dolma n-gram dedupe (Bloom)", "dolma_ngrams.py", 30, "probes-1000000", 5, MARKS, "peers/dolma-requirements.txt", ("--no-deps",)),
    Peer("DuckDB, 13-gram hash join in SQL", "duckdb_ngrams.py", 40, "probes-1000000", None, JOIN),
    Peer("ripgrep -F -f, 1e4 phrases", "ripgrep_phrases.py", 60, "probes-phrases-10000", 15, FIRST),
    Peer("Hyperscan literals, 1e4 phrases", "hyperscan_literals.py", 200, "probes-phrases-10000", 3, WRITTEN),
]
SIGNATURES = [("rensa", 60, 1), ("datasketch", 15, 20)]  # library, MB, times Palimpsest has to be as fast
TIMEOUT = 150


def corpora(bench):
    slices = [slice_of(bench, size) for size in [p.slice for p in PEERS] + [size for _, size, _ in SIGNATURES]]
    return ["main", "tiny", *slices, *(p.probes for p in PEERS)]


def slice_of(bench, megabytes):
    return f"slice-{min(megabytes, bench.size // 1_000_000)}"


def rows(bench):
    for peer in PEERS:
        yield Row(f"time of {peer.name}, by ours", Against(bench, peer).measure, peer.least)
    for library, size, least in SIGNATURES:
        yield Row(f"MinHash signatures: time of {library}, by ours", signatures(bench, library, size), least)


class Against:
    """One peer beside Palimpsest."""

    def __init__(self, bench, peer):
        self.bench, self.peer = bench, peer

    def measure(self):
        bench, peer = self.bench, self.peer
        self.slice = slice_of(bench, peer.slice)
        whole = bench.search("main", peer.probes)
        ours = bench.search(self.slice, peer.probes)
        bare = alone(self.command("tiny")[0], times=1, timeout=TIMEOUT)["wall"]
        command, prepared = self.command(self.slice)
        found = pair(whole.command(), command, times=bench.times, timeout=TIMEOUT)
        scale = bench.bytes("main") / bench.bytes(self.slice)
        value = statistics.median((bare + max(theirs - bare, 0) * scale) / own for own, theirs in found["walls"])
        if peer.script == "ripgrep_phrases.py":
            bench.pins.append(run(Command([ripgrep(bench), "--version"])).output.splitlines()[0])
        return {
            "value": value, "bytes": bench.bytes("main"), "slice_bytes": bench.bytes(self.slice),
            "peer_start": bare, "peer_prepare": prepared, "peer_whole": bare + (found["b"]["wall"] - bare) * scale,
            "ours_slice": alone(ours.command(), times=3),
            "answers": self.answers(ours), "note": peer.note, **found,
        }

    def command(self, corpus):
        """The peer's command over a corpus, and the seconds that preparing it took."""
        bench, peer = self.bench, self.peer
        self.python = bench.python_with(HERE.parent / peer.requirements, *peer.options)
        self.work = bench.work / "peers" / peer.script.removesuffix(".py")
        shutil.rmtree(self.work, ignore_errors=True)
        files = [bench.folder(corpus), bench.folder(peer.probes)]
        self.line = lambda verb: [self.python, HERE / peer.script, verb, self.work, *files]
        began = time.monotonic()
        run(Command(self.line("prepare")), timeout=4 * TIMEOUT)
        prepared = time.monotonic() - began
        if peer.script != "ripgrep_phrases.py":
            return Command(self.line("run")), prepared
        phrases = "-a -F -o -j1 --no-mmap --no-filename -f phrases.txt corpus.txt > output.txt"
        return Command(["bash", "-c", f'cd "$1" && "$2" --no-config {phrases}', "rg", self.work, ripgrep(bench)], good=(0, 1)), prepared

    def answers(self, ours):
        """What both found on the slice, what only one did, and what is true of that."""
        bench, peer = self.bench, self.peer
        if peer.script == "ripgrep_phrases.py":
            run(Command(self.line("run")), timeout=TIMEOUT)  # reads what it printed
        files = [bench.folder(self.slice), bench.folder(peer.probes), ours.tables, self.work / "answer.json"]
        line = [bench.python, HERE.parent / "answers.py", *files]
        done = subprocess.run(list(map(str, line)), capture_output=True, text=True)
        return json.loads(done.stdout) if done.returncode == 0 else {"missing": done.stderr.strip()[-300:]}


def ripgrep(bench):
    """The path of ripgrep: Debian's, unpacked into the cache, or the one that is installed."""
    folder = bench.cache / "ripgrep"
    if not (folder / "usr/bin/rg").exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetched = subprocess.run(["apt-get", "download", "ripgrep"], cwd=folder, capture_output=True)
        for deb in folder.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
        if fetched.returncode and not shutil.which("rg"):
            raise Unavailable("ripgrep cannot be had")
    return folder / "usr/bin/rg" if (folder / "usr/bin/rg").exists() else shutil.which("rg")


def signatures(bench, library, size):
    """Signatures of a slice by a library, and by Palimpsest: the table of signatures, its writing included."""

    def measure():
        corpus = slice_of(bench, size)
        script = [bench.python, HERE / "minhash_signatures.py", "run", bench.work]
        bare, peer = (Command([*script, bench.folder(c), library]) for c in ("tiny", corpus))
        started = alone(bare, times=1)["wall"]
        about = {"bytes": bench.bytes(corpus), "peer_start": started}
        try:
            own = [bench.search(c, "tiny", palimpsest.MINHASH).command() for c in ("tiny", corpus)]
            runs = rounds([*own, peer], times=bench.times, timeout=TIMEOUT)
        except Unavailable as why:
            return about | {"b": alone(peer, times=1, timeout=TIMEOUT), "missing": f"not in this version ({why})"}
        # Both start-ups are left out: a slice is small beside them.
        ratios = [(theirs.wall - started) / max(whole.wall - empty.wall, 1e-3) for empty, whole, theirs in zip(*runs)]
        empty, whole, theirs = map(summary, runs)
        return about | {"value": statistics.median(ratios), "ours_start": empty["wall"], "a": whole, "b": theirs, "slice": corpus}

    return measure
