#!/usr/bin/env python3
"""Writes a corpus of real text for measuring: corpus.py OUT.parquet BYTES ROOT...

The documents are the text files below the ROOTs (source code and documentation), in order of path, again and again with a line of
their own until BYTES bytes of text are there. Row groups hold 16 MiB of text, whatever the size of the corpus.
"""
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

GROUP = 16 << 20
SUFFIXES = {".go", ".md", ".txt", ".html", ".c", ".h", ".py", ".json", ".yaml"}


def texts(roots):
    for root in roots:
        for path in sorted(pathlib.Path(root).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and 200 < path.stat().st_size < 200_000:
                try:
                    yield str(path), path.read_text(encoding="utf-8")
                except UnicodeDecodeError:
                    pass


def main():
    out, size, roots = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    source = []
    held = 0
    for name, text in texts(roots):
        source.append(text)
        held += len(text.encode())
        if held >= size:
            break
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    written = 0
    with pq.ParquetWriter(out, schema, compression="zstd", use_dictionary=False) as writer:
        ids, rows, pending, i = [], [], 0, 0
        while written < size:
            text = source[i % len(source)]
            if i >= len(source):
                text = f"round {i // len(source)}\n{text}"
            ids.append(f"d{i:08d}")
            rows.append(text)
            n = len(text.encode())
            written, pending, i = written + n, pending + n, i + 1
            if pending >= GROUP or written >= size:
                writer.write_table(pa.table([ids, rows], schema=schema), row_group_size=len(rows))
                ids, rows, pending = [], [], 0
    print(f"{out}: {i} documents, {written / 1e6:.0f} MB of text, {len(source)} distinct")


main()
