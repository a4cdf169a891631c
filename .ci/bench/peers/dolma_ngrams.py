"""dolma's deduper by n-grams of paragraphs: a Bloom filter filled from the probes, then held against the corpus, read only.

dolma reads compressed JSON lines; the files are written beforehand. Its package wants, besides the deduper, dozens of others at versions
that clash with Python's current ones, so the extension module is loaded by itself: the deduper is all of it Rust. Paragraphs end at
newlines; one of fewer than 13 words has no n-gram. A document is found when a paragraph shares any n-gram with the filter.
"""
import gzip
import importlib.util
import json
import os
import pathlib
import shutil

import answer

WORDS = 13
FALSE_POSITIVES = 1e-6


def deduper():
    found = importlib.util.find_spec("dolma")
    library = next(pathlib.Path(found.submodule_search_locations[0]).glob("dolma.*.so"))
    spec = importlib.util.spec_from_file_location("dolma.dolma", library)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.deduper_entrypoint


def write(folder, name, rows):
    documents = folder / "documents"
    documents.mkdir(parents=True, exist_ok=True)
    grams = 0
    with gzip.open(documents / f"{name}.jsonl.gz", "wt", compresslevel=1) as out:
        for key, text in rows:
            grams += len(text) // 5
            out.write(json.dumps({"id": key, "text": text, "source": name}) + "\n")
    return grams


def dedupe(work, folder, fill, grams):
    deduper()(json.dumps({
        "documents": [str(folder / "documents" / "*.gz")],
        "dedupe": {
            "name": "overlap", "skip_empty": True, "min_length": 0, "min_words": 0, "num_partitions": 1, "partition_index": 0,
            "file_partition": False, "document_dir": "documents",
            "paragraphs": {
                "attribute_name": "overlap", "paragraph_separator": "\n",
                "by_ngram": {"ngram_length": WORDS, "stride": 0, "overlap_threshold": 0.0, "skip_short_paragraphs": True},
            },
        },
        "bloom_filter": {
            "file": str(work / "filter.bin"), "read_only": not fill, "size_in_bytes": 0, "estimated_doc_count": grams,
            "desired_false_positive_rate": FALSE_POSITIVES,
        },
        "work_dir": {"input": str(work / "in"), "output": str(work / "out")},
        "compression": {"input": None, "output": None},
        "processes": 1, "dryrun": False, "is_s3_volume": False,
    }))


def prepare(work, corpus, probes):
    for part in ("in", "out", "probes", "corpus"):
        shutil.rmtree(work / part, ignore_errors=True)
    (work / "filter.bin").unlink(missing_ok=True)
    grams = write(work / "probes", "probes", answer.rows(probes))
    write(work / "corpus", "corpus", answer.rows(corpus))
    (work / "grams").write_text(str(grams))
    dedupe(work, work / "probes", True, grams)


def run(work, corpus, probes):
    shutil.rmtree(work / "corpus" / "attributes", ignore_errors=True)
    dedupe(work, work / "corpus", False, int((work / "grams").read_text()))
    found = set()
    for path in (work / "corpus" / "attributes").rglob("*.gz"):
        with gzip.open(path, "rt") as lines:
            for line in lines:
                row = json.loads(line)
                if any(score > 0 for spans in row["attributes"].values() for _, _, score in spans):
                    found.add(row["id"])
    return {"documents": found}


if __name__ == "__main__":
    os.environ.setdefault("RAYON_NUM_THREADS", "1")
    answer.main(prepare, run)
