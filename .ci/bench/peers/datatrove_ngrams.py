"""datatrove's n-gram decontamination: its own Parquet reader, normalisation, tokenizer (spaCy), hashes and filter; n is 13.

The indexer's step insists on the evaluation tasks of another package, so its hashes are computed here by its own method.
"""
import types

import numpy
from datatrove.pipeline.decont import NGramsDecontFilter
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontIndexer
from datatrove.pipeline.readers import ParquetReader
from datatrove.utils.hashing import create_hash_func
from datatrove.utils.word_tokenizers import load_word_tokenizer

import answer

CONFIG = NGramsDecontConfig(n_grams=13)
LANGUAGE = "eng"


def prepare(work, corpus, probes):
    indexer = types.SimpleNamespace(
        config=CONFIG, tokenizer=load_word_tokenizer(LANGUAGE), hash_func=create_hash_func(CONFIG.hash_config)
    )
    hashes = {h for _, text in answer.rows(probes) for h in NGramsDecontIndexer.compute_hashes(indexer, text)}
    (work / "index").mkdir(exist_ok=True)
    numpy.array(sorted(hashes), dtype=CONFIG.hash_config.np_descr).tofile(work / "index" / "probes.index.hashes")


def run(work, corpus, probes):
    found = set()
    keep = NGramsDecontFilter(str(work / "index"), config=CONFIG, language=LANGUAGE)
    original = keep.filter

    def noted(document):
        result = original(document)
        if result is not True:
            found.add(document.id)
        return result

    keep.filter = noted
    steps = [ParquetReader(corpus, text_key="text", id_key="id", read_metadata=False), keep]
    # A task of its own would be another process: this one runs the steps as the executor does.
    data = None
    for step in steps:
        data = step(data, 0, 1)
    for _ in data:
        pass
    return {"documents": found}


if __name__ == "__main__":
    answer.main(prepare, run)
