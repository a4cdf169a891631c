#!/usr/bin/env python3
"""compare.py DIR=BASE DIR=BASE... compares runs of the same data from different stores with the first one.

DIR is a finished run, BASE the URL under which its inputs lay. Tables that name no object must be the same files, byte for byte.
The others must be equal once BASE is cut off the names of objects and, in runs, the digest of the configuration is left out,
since the configuration names the stores.
"""

import filecmp
import json
import os
import sys

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

NAMES_OBJECTS = ("source_uri", "document_uri")
NAMES_CONFIG = ("config_sha256",)


def read(path):
    return pa.ipc.open_file(path).read_all() if path.endswith(".arrow") else pq.ParquetFile(path).read()


def without_base(table, base):
    for name in NAMES_OBJECTS:
        if name in table.column_names:
            column = table[name]
            if not pc.all(pc.starts_with(column, base)).as_py():
                sys.exit(f"{name} holds a name outside {base}")
            i = table.column_names.index(name)
            table = table.set_column(i, name, pc.utf8_slice_codeunits(column, len(base)))
    for name in NAMES_CONFIG:
        if name in table.column_names:
            table = table.drop_columns([name])
    return table.replace_schema_metadata()


def main():
    runs = [argument.split("=", 1) for argument in sys.argv[1:]]
    if len(runs) < 2:
        sys.exit("usage: compare.py DIR=BASE DIR=BASE...")
    (first, first_base), others = runs[0], runs[1:]

    def files(run):
        with open(os.path.join(run, "manifest.json"), "rb") as f:
            return {o["path"]: o for o in json.load(f)["outputs"]}

    listed = files(first)
    for run, base in others:
        same = equal = 0
        if files(run).keys() != listed.keys():
            sys.exit(f"{run} has other tables than {first}")
        for path, output in listed.items():
            a, b = os.path.join(first, path), os.path.join(run, path)
            if filecmp.cmp(a, b, shallow=False):
                same += 1
                continue
            left, right = read(a), read(b)
            if not set(left.column_names) & {*NAMES_OBJECTS, *NAMES_CONFIG}:
                sys.exit(f"{b} is not the same file as {a}")
            if not without_base(left, first_base).equals(without_base(right, base)):
                sys.exit(f"{b} holds other rows than {a}")
            equal += 1
        rows = sum(o["rows"] for o in listed.values() if o["format"] == "parquet")
        print(f"{base}: {same} files are the same, byte for byte, {equal} but for the names of objects; {rows} rows")


if __name__ == "__main__":
    main()
