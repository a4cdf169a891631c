#!/usr/bin/env python3
"""write.py OUT_DIR writes Parquet files with pyarrow, DuckDB, Polars and Spark, and expected.json, which says what a reader must
find in each: {"<file>": {"rows": N, "text_sha256": hex, ...}}, a column that the file lacks left out. rows.py defines the digests.

Every file has the columns id, text, log_probs, ids, nested and label, all nullable unless its name says `required`.
"""

import glob
import json
import os
import shutil
import sys
import tempfile

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

import rows

ROWS = 600


def schema(*, double=False, wide=False, large=False, required=False):
    """The Arrow schema of the rows: log_probs of float or double, ids of int32 or int64, plain or large strings and lists."""
    string, make_list = (pa.large_string(), pa.large_list) if large else (pa.string(), pa.list_)
    real = pa.float64() if double else pa.float32()
    integer = pa.int64() if wide else pa.int32()

    def lists(of):
        return make_list(pa.field("element", of, nullable=not required))

    columns = [
        ("id", string),
        ("text", string),
        ("log_probs", lists(real)),
        ("ids", lists(integer)),
        ("nested", lists(lists(pa.float32()))),
        ("label", pa.bool_()),
    ]
    return pa.schema([pa.field(name, kind, nullable=not required) for name, kind in columns])


def table(data, kind):
    return pa.table({f.name: [r[f.name] for r in data] for f in kind}, schema=kind)


class Sources:
    """The data sets, each made once: its rows and its Arrow table."""

    def __init__(self):
        self.made = {}

    def get(self, name):
        if name not in self.made:
            options, kind = {
                "plain": ({}, schema()),
                "double": ({"double": True}, schema(double=True, wide=True)),
                "distinct": ({"distinct": True}, schema()),
                "large": ({}, schema(large=True)),
                "required": ({"no_nulls": True}, schema(required=True)),
                "null": ({"all_null": True}, schema()),
                "long": ({"long_texts": True, "count": 30}, schema(double=True, wide=True)),
                "many": ({"count": 5000}, schema()),
                "empty": ({"count": 0}, schema()),
            }[name]
            count = options.pop("count", ROWS)
            data = rows.make(count, seed=f"palimpsest {name}", **options)
            self.made[name] = (data, table(data, kind))
        return self.made[name]


class Output:
    def __init__(self, directory, sources):
        self.directory, self.sources, self.expected = directory, sources, {}

    def path(self, name, source):
        """The path for a new file of these rows; it is expected to hold them."""
        if name in self.expected:
            sys.exit(f"{name} is written twice")
        self.expected[name] = rows.digests(self.sources.get(source)[0])
        return os.path.join(self.directory, name)


def write_pyarrow(out):
    def write(name, source, **options):
        options = {"compression": "snappy"} | options
        pq.write_table(out.sources.get(source)[1], out.path(f"pyarrow-{name}.parquet", source), **options)

    for page in ("1.0", "2.0"):
        v = f"v{page[0]}"
        for codec in ("none", "snappy", "gzip", "zstd", "lz4", "brotli"):
            write(f"{v}-{codec}", "plain", data_page_version=page, compression=codec)
        write(f"{v}-plain-encoding", "distinct", data_page_version=page, use_dictionary=False)
        for encoding in ("DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"):
            by_column = {"id": encoding, "text": encoding}
            name = f"{v}-{encoding.lower().replace('_', '-')}"
            write(name, "distinct", data_page_version=page, use_dictionary=False, column_encoding=by_column, compression="zstd")
        split = {
            "log_probs.list.element": "BYTE_STREAM_SPLIT",
            "nested.list.element.list.element": "BYTE_STREAM_SPLIT",
            "ids.list.element": "DELTA_BINARY_PACKED",
        }
        for source in ("plain", "double"):
            name = f"{v}-byte-stream-split-{source}"
            write(name, source, data_page_version=page, use_dictionary=False, column_encoding=split, compression="zstd")
        write(f"{v}-small-groups", "plain", data_page_version=page, row_group_size=37)
        write(f"{v}-small-pages", "plain", data_page_version=page, data_page_size=256, write_batch_size=16, compression="lz4")
        write(f"{v}-dictionary-overflow", "distinct", data_page_version=page, dictionary_pagesize_limit=4096, data_page_size=1024)
        write(f"{v}-checksums", "plain", data_page_version=page, write_page_checksum=True, write_page_index=True)
        write(f"{v}-all-null", "null", data_page_version=page)
        write(f"{v}-required", "required", data_page_version=page)
    for source in ("double", "large", "long", "empty"):
        write(source, source)
    write("long-zstd", "long", compression="zstd")
    write("list-item", "plain", use_compliant_nested_type=False)
    write("format-1.0", "plain", version="1.0")


def write_duckdb(out):
    connection = duckdb.connect()

    def write(name, source, **options):
        connection.register("source", out.sources.get(source)[1])
        path = out.path(f"duckdb-{name}.parquet", source)
        settings = ", ".join(f"{k} {v}" for k, v in options.items())
        connection.execute(f"COPY (SELECT * FROM source) TO '{path}' (FORMAT parquet, {settings})")
        connection.unregister("source")

    for version in ("v1", "v2"):
        for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4_raw", "brotli"):
            write(f"{version}-{codec}", "plain", PARQUET_VERSION=version, COMPRESSION=codec)
        for source in ("double", "distinct", "null", "long"):
            write(f"{version}-{source}", source, PARQUET_VERSION=version, COMPRESSION="zstd")
        write(f"{version}-row-groups", "many", PARQUET_VERSION=version, COMPRESSION="snappy", ROW_GROUP_SIZE=2048)


def write_polars(out):
    def write(name, source, **options):
        frame = pl.from_arrow(out.sources.get(source)[1])
        frame.write_parquet(out.path(f"polars-{name}.parquet", source), **options)

    for codec in ("uncompressed", "snappy", "gzip", "zstd", "lz4", "brotli"):
        write(codec, "plain", compression=codec)
    for source in ("double", "distinct", "large", "null", "long", "empty"):
        write(source, source)
    write("statistics", "plain", statistics="full")
    write("small-groups", "plain", row_group_size=50, data_page_size=512)


def write_spark(out):
    from pyspark.sql import SparkSession

    scratch = tempfile.mkdtemp(prefix="palimpsest-spark-")
    spark = (
        SparkSession.builder.master("local[1]")
        .appName("palimpsest-interop")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.memory", "1g")
        .config("spark.local.dir", scratch)
        .config("spark.sql.warehouse.dir", os.path.join(scratch, "warehouse"))
        .config("spark.sql.parquet.enableVectorizedReader", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")

    def write(name, source, **options):
        given = os.path.join(scratch, f"{source}.parquet")
        if not os.path.exists(given):
            pq.write_table(out.sources.get(source)[1], given)
        target = os.path.join(scratch, name)
        writer = spark.read.parquet(given).coalesce(1).write
        for k, v in options.items():
            writer = writer.option(k.replace("__", "."), v)
        writer.parquet(target)
        (part,) = glob.glob(os.path.join(target, "part-*.parquet"))
        shutil.move(part, out.path(f"spark-{name}.parquet", source))

    try:
        for version in ("v1", "v2"):
            format = {"parquet__writer__version": version}
            for codec in ("none", "snappy", "gzip", "zstd", "lz4", "lz4_raw"):
                write(f"{version}-{codec}", "plain", compression=codec, **format)
            write(f"{version}-no-dictionary", "distinct", parquet__enable__dictionary="false", **format)
            write(f"{version}-small-pages", "plain", parquet__page__size="1024", parquet__block__size="16384", **format)
            for source in ("double", "null", "long"):
                write(f"{version}-{source}", source, **format)
        spark.conf.set("spark.sql.parquet.writeLegacyFormat", "true")
        write("legacy-lists", "plain")
    finally:
        spark.stop()
        shutil.rmtree(scratch, ignore_errors=True)


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: write.py OUT_DIR")
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    out = Output(directory, Sources())
    for writer in (write_pyarrow, write_duckdb, write_polars, write_spark):
        before = len(out.expected)
        writer(out)
        print(f"{writer.__name__.removeprefix('write_')}: {len(out.expected) - before} files", flush=True)
    with open(os.path.join(directory, "expected.json"), "w", encoding="utf-8") as f:
        json.dump(out.expected, f, indent=1, sort_keys=True)
        f.write("\n")


if __name__ == "__main__":
    main()
