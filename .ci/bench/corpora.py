"""Writes the corpora and probes of the benchmark: corpora.py CACHE SIZE NAME... makes those that the cache lacks and prints, as JSON,
where each is and what it holds.

    main, main-snappy   documents of all sources, a third of them code, in an order drawn by a hash of their names
    tiny                one short document: what a run costs besides its corpus
    slice-N             the first N MB of main
    sample-NAME-N       the first N kB of another corpus: what the oracle is asked about
    first-N             the first N per cent of main, for growth
    cut-N               text of main in documents of N bytes
    hot                 main with pieces of the probes, 20 to 500 bytes and longer, so that 40 % of the seeds hit
    boilerplate         licence headers and navigation around short bodies
    ru hi zh ja fr en   text of one language: Debian's translated help, again and again under a running number
    probes-N            passages with N indexed grams in all, nine of ten from documents that are in no corpus; no templates
    probes-N-raw        the same as they come: half of the documents of main share something with them
    probes-phrases-N    N phrases of 13 words; half of them are in the first documents of main
    probes-boilerplate, probes-LANGUAGE, probes-synthetic-N (words that nobody wrote)

Every file is the same bytes for the same sources, size and scripts. Its folder is named for a digest of those.
"""
import hashlib
import json
import pathlib
import shutil
import sys

import pyarrow as pa
import pyarrow.parquet as pq

import mixtures
import sources

GROUP = 24 << 20  # bytes of text a row group
FILE = 240 << 20  # bytes of text a file
LANGUAGE = 200 << 20  # bytes of text, at most, of a language's corpus


class Writer:
    """Writes documents to a folder of Parquet files, with default pages and no dictionary, which text does not use."""

    schema = pa.schema([("id", pa.string()), ("text", pa.large_string())])

    def __init__(self, folder, codec, group=GROUP):
        self.folder, self.codec, self.group = folder, codec, group
        self.writer, self.ids, self.texts, self.pending, self.in_file = None, [], [], 0, 0
        self.documents = self.text = self.files = 0

    def add(self, name, text):
        size = len(text.encode())
        self.ids.append(name)
        self.texts.append(text)
        self.documents, self.text, self.pending = self.documents + 1, self.text + size, self.pending + size
        if self.pending >= self.group:
            self._flush()

    def _flush(self):
        if self.writer is None:
            path = self.folder / f"part-{self.files:05d}.parquet"
            self.writer = pq.ParquetWriter(path, self.schema, compression=self.codec, use_dictionary=False)
            self.files += 1
        self.writer.write_table(pa.table([self.ids, self.texts], schema=self.schema), row_group_size=max(len(self.ids), 1))
        self.in_file += self.pending
        self.ids, self.texts, self.pending = [], [], 0
        if self.in_file >= FILE:
            self.writer.close()
            self.writer, self.in_file = None, 0

    def close(self):
        if self.ids or not self.files:
            self._flush()
        if self.writer is not None:
            self.writer.close()
        return {"documents": self.documents, "text_bytes": self.text}


class Corpora:
    """The corpora of one size in one cache."""

    def __init__(self, cache, size):
        self.cache, self.size, self._mix = cache, size, None
        self.pool = sources.pool(cache)
        here = pathlib.Path(__file__).parent
        digest = hashlib.sha256(json.dumps([self.pool, size], sort_keys=True).encode())
        for script in ("corpora.py", "mixtures.py"):
            digest.update((here / script).read_bytes())
        label = f"{size // 1_000_000}MB-"
        self.folder = cache / "corpora" / (label + digest.hexdigest()[:12])
        for old in (cache / "corpora").glob(label + "*"):
            if old != self.folder:  # of other sources or scripts: nothing will read it again
                shutil.rmtree(old)

    @property
    def mix(self):
        if self._mix is None:
            self._mix = mixtures.Mixture(self.pool, self.size)
        return self._mix

    def make(self, name):
        """The folder of that corpus and what it holds."""
        folder = self.folder / name
        about = folder / "about.json"
        if not about.exists():
            print(f"writing {name}", file=sys.stderr, flush=True)
            partial = self.folder / f"{name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            (partial / "parquet").mkdir(parents=True)
            codec = "snappy" if name == "main-snappy" else "zstd"
            facts = {}
            writer = Writer(partial / "parquet", codec)
            for document, text in self.documents(name, facts):
                writer.add(document, text)
            facts |= writer.close()
            (partial / "about.json").write_text(json.dumps(facts))
            shutil.rmtree(folder, ignore_errors=True)
            partial.rename(folder)
        return {"folder": str(folder / "parquet")} | json.loads(about.read_text())

    def documents(self, name, facts):
        """Yields (id, text) of a corpus or probe set, and notes in facts what cannot be told from the rows."""
        head, _, rest = name.partition("-")
        if name in ("main", "main-snappy"):
            facts["bytes_not_ascii"] = self.mix.not_ascii
            return numbered(self.mix.corpus)
        if name == "tiny":
            return numbered(["A corpus of one sentence that holds nothing anyone would look for."])
        if head == "slice":
            return numbered(upto(self.mix.corpus, int(rest) * 1_000_000))
        if head == "sample":
            whole, _, kilobytes = rest.rpartition("-")
            return upto_rows(self.documents(whole, {}), int(kilobytes) * 1000)
        if head == "first":
            return numbered(upto(self.mix.corpus, self.size * int(rest) // 100))
        if head == "cut":
            return numbered(mixtures.cut(upto(self.mix.corpus, min(self.size, 200_000_000)), int(rest)))
        if name == "hot":
            probes = [text for _, text in self.mix.probes(1_000_000)]
            return numbered(mixtures.planted(self.mix.corpus, probes, facts))
        if name == "boilerplate":
            return numbered(mixtures.Boilerplate(self.mix).corpus(self.size, facts))
        if name == "probes-boilerplate":
            return numbered(mixtures.Boilerplate(self.mix).probes(500))
        if name.startswith("probes-phrases-"):
            return self.mix.phrases(int(name.rpartition("-")[2]), documents=3000)
        if name.startswith("probes-synthetic-"):
            return numbered(mixtures.synthetic(int(name.rpartition("-")[2])))
        if head == "probes" and rest.removesuffix("-raw").isdigit():
            return self.mix.probes(int(rest.removesuffix("-raw")), templates=rest.endswith("-raw"))
        if head == "probes":
            return self.mix.language_probes(rest)
        return numbered(self.mix.language(name, min(self.size, LANGUAGE), facts))


def numbered(texts):
    return ((f"d{i:08d}", text) for i, text in enumerate(texts))


def upto(texts, size):
    return (text for _, text in upto_rows(numbered(texts), size))


def upto_rows(rows, size):
    held = 0
    for name, text in rows:
        yield name, text
        held += len(text.encode())
        if held >= size:
            return


def main():
    cache, size, names = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    corpora = Corpora(cache, size)
    print(json.dumps({name: corpora.make(name) for name in names}))


if __name__ == "__main__":
    main()
