#!/usr/bin/env python3
"""Writes the inputs of a commit of many results: inputs.py DIR PROBES UNITS.

The probes are 14 random words each. The corpus has a row group for each unit, with documents of five probes drawn at random, so that
every probe is in ten documents or so, and every unit knows something of thousands of probes.
"""
import pathlib
import random
import sys

import pyarrow as pa
import pyarrow.parquet as pq

PLACES = 10  # where a probe stands, on average
JOINED = 5  # probes in a document
SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


def main():
    where, probes, units = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(4, 9))) for _ in range(60_000)]
    texts = [" ".join(draw.choices(words, k=14)) for _ in range(probes)]
    ids = [f"p{i:07d}" for i in range(probes)]
    pq.write_table(pa.table([ids, texts], schema=SCHEMA), where / "probes.parquet", row_group_size=100_000, compression="zstd")
    documents = probes * PLACES // JOINED // units
    with pq.ParquetWriter(where / "corpus.parquet", SCHEMA, compression="zstd", use_dictionary=False) as out:
        for unit in range(units):
            rows = [". ".join(draw.choices(texts, k=JOINED)) for _ in range(documents)]
            names = [f"d{unit:05d}-{i:05d}" for i in range(documents)]
            out.write_table(pa.table([names, rows], schema=SCHEMA), row_group_size=documents)


main()
