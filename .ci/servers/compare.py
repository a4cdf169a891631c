#!/usr/bin/env python3
"""compare.py IN_PROCESS SERVED [AGAIN] compares finished runs of the same texts: by the engine in the process, by a server, and by the
server again, whose answers the second run found in the cache.

Tokens may be TOLERANCE nats apart, since llama.cpp rounds activations to the 16 bits of the demo's weights, and unless told otherwise
keeps attention in as many; and windows that much a token. llama-cpp-python's server gives no value of a text's first token. Windows
that a server could not be asked about have no values, and the manifest says how many.
"""

import json
import os
import sys

import pyarrow.parquet as pq

TOLERANCE = 0.02  # nats


def table(run, name):
    rows = pq.read_table(os.path.join(run, "parquet", name)).to_pylist()
    for row in rows:
        del row["run_id"]
    return rows


def read_manifest(run):
    with open(os.path.join(run, "manifest.json"), "rb") as f:
        return json.load(f)


def target(manifest):
    return next(m for m in manifest["models"] if m["role"] == "target")


def compare(own, served, keys, value, tokens):
    """Compares a column row by row. Returns how many rows have both values, how far apart a token, mean and most, and the rows without."""

    def key(row):
        return tuple(row[k] for k in keys)

    theirs = {key(r): r[value] for r in served}
    if theirs.keys() != {key(r) for r in own}:
        sys.exit("the runs have different rows")
    differences, without = [], []
    for row in own:
        a, b = row[value], theirs[key(row)]
        if b is None:
            without.append(row)
        else:
            differences.append(abs(a - b) / tokens(row))
            if not differences[-1] <= TOLERANCE:
                sys.exit(f"{key(row)}: {value} is {a} in the process and {b} behind the server")
    if not differences:
        sys.exit(f"the server has no {value}")
    return len(differences), sum(differences) / len(differences), max(differences), without


def main():
    own, served, *again = sys.argv[1:]
    manifest = read_manifest(served)
    facts = target(manifest)
    if target(read_manifest(own))["engine"] != "embedded" or facts["engine"] == "embedded":
        sys.exit("one run must be in the process and the other behind a server")
    if not facts["checks"] or not all(c["ok"] for c in facts["checks"]):
        sys.exit(f"the server did not pass its checks: {facts['checks']}")
    name = facts["engine"]

    n, mean, most, without = compare(
        table(own, "tokens"), table(served, "tokens"), ("probe_id", "model", "token_index"), "log_prob", lambda r: 1
    )
    print(f"{name}: {n} tokens, log_prob {mean:.2g} nats apart on average, {most:.2g} at most; {len(without)} first tokens have no value")
    if any(r["token_index"] for r in without):
        sys.exit("tokens other than the first have no value")
    n, mean, most, without = compare(
        table(own, "windows"), table(served, "windows"), ("probe_id", "model", "window_index"), "log_p", lambda r: r["suffix_tokens"]
    )
    print(f"{name}: {n} windows, log_p {mean:.2g} nats a token apart on average, {most:.2g} at most; {len(without)} could not be asked")
    noted = sum(n["count"] for n in manifest["notes"] if "could not be asked" in n["text"])
    if noted != len(without):
        sys.exit(f"the manifest says that {noted} windows could not be asked about")
    for run in again:
        for name in "likelihood", "tokens", "windows", "extraction":
            if table(served, name) != table(run, name):
                sys.exit(f"table {name} is another in the second run")
        print("the second run gave the same tables")


if __name__ == "__main__":
    main()
