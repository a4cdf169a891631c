"""What every peer's script does alike: reads the Parquet files of a folder, and writes down which documents and probes it found.

    PEER.py prepare WORK CORPUS PROBES   what is made once, not timed: an index, another format of the files
    PEER.py run WORK CORPUS PROBES       what is timed; writes WORK/answer.json
"""
import json
import pathlib
import sys

import pyarrow.parquet as pq


def rows(folder):
    """Yields (id, text) a thousand rows at a time, so that memory does not grow with the folder."""
    for path in sorted(pathlib.Path(folder).glob("*.parquet")):
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000, columns=["id", "text"], use_threads=False):
                yield from zip(batch["id"].to_pylist(), batch["text"].to_pylist())


def main(prepare, run):
    verb, work, corpus, probes = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], sys.argv[4]
    if verb == "prepare":
        work.mkdir(parents=True, exist_ok=True)
        prepare(work, corpus, probes)
        return
    answer = run(work, corpus, probes)
    if answer is not None:
        (work / "answer.json").write_text(json.dumps({k: sorted(v) for k, v in answer.items()}))
