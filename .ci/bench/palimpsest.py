"""Palimpsest as a command of the benchmark: its builds, its configurations, and what it wrote."""
import json
import os
import pathlib
import shutil
import subprocess

from measure import Command, Unavailable

ALL = "hash: {}\nngram: {}\n"  # exact hashes and n-grams, at the defaults: 13 words, 60 bytes
NEAR = "hash: {near_duplicate: 0.8}\nngram: {}\n"
MINHASH = "hash: {minhash: datasketch-128}\n"


def build(folder, package, name, experiment=""):
    """Builds a Go program into a folder. The experiment "simd" gives the build with vector instructions."""
    go = os.environ.get("GO", "go")
    env = os.environ | {"CGO_ENABLED": "0", "GOEXPERIMENT": experiment}
    target = pathlib.Path(folder) / name
    done = subprocess.run([go, "build", "-o", target, package], env=env, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{name} does not build: {done.stderr.strip()[-400:]}")
    return target


def has_vector_code():
    return any("goexperiment.simd" in p.read_text() for p in pathlib.Path("stages").rglob("*.go"))


class Search:
    """One search: a corpus, probes and the stages that run. Its tables are written anew each time."""

    def __init__(self, program, work, name, corpus, probes, stages=ALL, memory="6GiB"):
        self.output = pathlib.Path(work) / "runs" / name
        self.output.mkdir(parents=True, exist_ok=True)
        self.config = self.output / "config.yaml"
        columns = "columns: {id: id, text: text}"
        self.config.write_text(
            f"output: {self.output}\nrun_id: run\n"
            f"corpus: {{urls: ['{corpus}/*.parquet'], {columns}}}\n"
            f"probes: {{urls: ['{probes}/*.parquet'], {columns}}}\n"
            f"{stages}evidence: {{texts: false}}\nresources: {{memory: {memory}}}\n"
        )
        self.line = [program, "run", "-c", self.config]

    def command(self):
        return Command(self.line, before=self._clear)

    def _clear(self):
        shutil.rmtree(self.output / "run", ignore_errors=True)

    @property
    def tables(self):
        return self.output / "run" / "parquet"

    def bytes_written(self):
        return sum(p.stat().st_size for p in (self.output / "run").rglob("*") if p.is_file())

    def totals(self):
        """What the manifest says was read."""
        return json.loads((self.output / "run" / "manifest.json").read_text())
