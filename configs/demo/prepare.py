#!/usr/bin/env python3
"""Make the demo's models and Parquet files from the project's testbed.

    python3 prepare.py TESTBED_DIR OUT_DIR          (needs pyarrow, and gguf 0.19 for the models)

The testbed is a small language model whose training data is known to the last token: documents were planted in its training
stream at known numbers of copies. TESTBED_DIR holds train_docs.parquet, ground_truth.parquet, generations.parquet,
tokenizer.json, target.gguf and reference.gguf. The output depends on nothing but these files and the versions of pyarrow and gguf,
and no text is altered except where this page says so.

target.gguf          the model, its matrices rounded from 32 to 16 bits and the head, which is the embedding, left out: a third of
                     the size.
reference.gguf       the same of a model that saw none of the planted documents.

corpus.parquet       the training documents, in the order of training, one row a copy: an id repeats as often as its document
                     was planted.
probes.parquet       texts to be judged: passages, nonsense sentences, secrets and shuffled passages that stand in the corpus
                     (label true), the judged part of those that do not (label false), and edited copies of passages that
                     do (label null: about 90 % of their words were trained on, so they are neither members nor non-members).
controls.parquet     the other non-members. Of the passages that the model never saw, in the order of ground_truth.parquet, every
                     2nd is judged, beginning with the 1st, and the rest are controls; of the nonsense sentences, the secrets
                     and the shuffled passages every 5th, since a canary takes at least 99 controls to be told from chance at
                     p <= .01, and there are 128 of each. Edited copies are never controls.
generations.parquet  what the model itself wrote: greedily after the first 32 tokens of each passage, and by top-k sampling
                     after no prompt.

../nonsense/probes.parquet, ../nonsense/controls.parquet
                     the experiment with nonsense sentences: those that were planted 64, 16, 4 and 1 times, and secrets likewise; of
                     the 128 of each that were never seen every 2nd is judged, beginning with the 1st, and the other 64 are
                     controls. One sentence was found, not made: it has no null.

Columns that need a word:
control_group    the type: passage, nonsense, secret, shuffled, edited. A probe is ranked against controls of its own type
                 only; `edited` has no controls, so that an edited copy gets no p-value.
canary_null      `sibling` for nonsense, secret and shuffled: the controls are unused outputs of the generator that made the
                 canary. It is not `slot` for secrets, since controls differ in the carrier's noun too, and not `shuffle` for
                 shuffled passages, since controls are orders of other passages' words, not other orders of the same words.
prompt           the prompt's text for greedy generations; the empty string where the model was given none.
draw             position among the generations that were sampled alike, from 0. The samples were drawn under seeds 0 to 5, 64 each.
"""

import collections
import json
import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq

# SPDX has no identifier for works without copyright. The addresses are works of the US government, and their edition is
# dedicated to the public under CC0-1.0.
LICENSES = {
    "public-domain": "LicenseRef-Public-Domain",
    "CC0-1.0/US-Gov-PD": "CC0-1.0",
    "CC0-1.0": "CC0-1.0",
    "PSF-2.0": "PSF-2.0",
    "PostgreSQL": "PostgreSQL",
}

TITLES = {
    "sotu": "State of the Union addresses",
    "austen": "The novels of Jane Austen",
    "kjv": "The King James Version of the Bible",
    "moby-dick": "Moby-Dick",
    "newton": "Opticks",
    "sqlite3-doc": "SQLite documentation",
    "jargon": "The Jargon File",
    "dict-devil": "The Devil's Dictionary",
    "python3.11-doc": "Python documentation",
    "postgresql-doc-15": "PostgreSQL documentation",
}

# One in so many of the non-members is judged; the others are controls.
JUDGED_ONE_IN = {"passage": 2, "nonsense": 5, "secret": 5, "shuffled": 5}

SEPARATOR = 0  # the token that ends a document

CORPUS = pa.schema([("id", pa.string()), ("text", pa.string()), ("source", pa.string()), ("license", pa.string())])
PROBES = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("kind", pa.string()),
        ("control_group", pa.string()),
        ("canary_null", pa.string()),
        ("label", pa.bool_()),
        ("license", pa.string()),
        ("title", pa.string()),
    ]
)
CONTROLS = pa.schema([("id", pa.string()), ("text", pa.string()), ("control_group", pa.string())])
GENERATIONS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("kind", pa.string()),
        ("prompt", pa.string()),
        ("sampling", pa.string()),
        ("draw", pa.int64()),
    ]
)


class Tokenizer:
    """The testbed's byte-level vocabulary: {"tokens": [hex, ...]}, id = index + 1. Id 0 ends a document and has no bytes."""

    def __init__(self, path):
        with open(path, encoding="ascii") as f:
            self.tokens = [b""] + [bytes.fromhex(t) for t in json.load(f)["tokens"]]

    def decode(self, ids, separator=b""):
        """The text of the ids; bytes that are no UTF-8 (a character cut at an edge) become U+FFFD."""
        parts = [separator if i == SEPARATOR else self.tokens[i] for i in ids]
        return b"".join(parts).decode("utf-8", "replace")


def read(testbed, name):
    return pq.read_table(os.path.join(testbed, name)).to_pylist()


def corpus(testbed):
    return [
        {"id": r["doc_id"], "text": r["text"], "source": r["source"], "license": LICENSES[r["license"]]}
        for r in read(testbed, "train_docs.parquet")
    ]


def texts(testbed, tokenizer):
    """The probes and the controls."""
    probes, controls, seen = [], [], collections.Counter()
    for r in read(testbed, "ground_truth.parquet"):
        if tokenizer.decode(r["ids"]) != r["text"]:
            sys.exit(f"the tokens of {r['id']} are not its text")
        row = {"id": r["id"], "text": r["text"], "control_group": r["type"]}
        if r["type"] != "edited" and not r["member"]:
            position = seen[r["type"]]
            seen[r["type"]] += 1
            if position % JUDGED_ONE_IN[r["type"]] != 0:
                controls.append(row)
                continue
        canary = r["type"] in ("nonsense", "secret", "shuffled")
        row["kind"] = "canary" if canary else "work"
        row["canary_null"] = "sibling" if canary else None
        row["label"] = None if r["type"] == "edited" else bool(r["member"])
        row["license"] = "CC0-1.0" if canary else LICENSES[r["license"]]
        row["title"] = None if canary else TITLES[r["source"]]
        probes.append(row)
    return probes, controls


FOUND = "Colorless green ideas sleep furiously."


def nonsense(testbed):
    """The probes and the controls of the experiment with nonsense sentences."""
    found = {"id": "found", "text": FOUND, "kind": "canary", "control_group": "nonsense", "title": "Chomsky, Syntactic Structures"}
    probes, controls, seen = [found], [], collections.Counter()
    for r in read(testbed, "ground_truth.parquet"):
        if r["type"] not in ("nonsense", "secret"):
            continue
        row = {"id": r["id"], "text": r["text"], "kind": "canary", "control_group": r["type"], "canary_null": "sibling"}
        row |= {"label": bool(r["member"]), "license": "CC0-1.0"}
        if not r["member"]:
            seen[r["type"]] += 1
            if seen[r["type"]] % 2 == 0:
                controls.append(row)
                continue
        probes.append(row)
    return probes, controls


def generations(testbed, tokenizer):
    """The generations. A document end becomes a line feed, so that the two documents it parts do not touch."""
    rows, drawn = [], collections.Counter()
    for r in read(testbed, "generations.parquet"):
        if SEPARATOR not in r["ids"] and tokenizer.decode(r["ids"]) != r["text"]:
            sys.exit(f"the tokens of {r['gen_id']} are not its text")
        greedy = r["kind"] == "greedy"
        rows.append(
            {
                "id": r["gen_id"],
                "text": tokenizer.decode(r["ids"], separator=b"\n"),
                "kind": "generation",
                "prompt": tokenizer.decode(r["prompt_ids"]) if greedy else "",
                "sampling": "greedy, 50 tokens" if greedy else "top-k 40, T=1, 128 tokens",
                "draw": 0 if greedy else drawn[r["kind"]],
            }
        )
        drawn[r["kind"]] += 1
    return rows


def model(testbed, out, name):
    """A model with 16-bit matrices. Vectors, which are few, keep their 32 bits."""
    import gguf
    import numpy as np

    source = gguf.GGUFReader(os.path.join(testbed, name + ".gguf"))
    tensors = {t.name: t.data for t in source.tensors}
    if not np.array_equal(tensors.pop("output.weight"), tensors["token_embd.weight"]):
        sys.exit(f"{name}.gguf is not the testbed's")
    path = os.path.join(out, name + ".gguf")
    w = gguf.GGUFWriter(path, "llama")
    for field in source.fields.values():
        key = field.name
        if key.startswith("GGUF.") or key in ("general.architecture", "general.name", "general.file_type", "general.alignment"):
            continue
        kind = field.types[0]
        w.add_key_value(key, field.contents(), kind, sub_type=field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None)
    w.add_name("palimpsest-demo-" + name)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for key, data in tensors.items():
        w.add_tensor(key, data.astype(np.float16) if data.ndim > 1 else data)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    print(f"{name}.gguf: {os.path.getsize(path)} bytes")


def write(out, name, rows, schema, row_group):
    columns = {field.name: [r.get(field.name) for r in rows] for field in schema}
    table = pa.table(columns, schema=schema)
    path = os.path.join(out, name)
    pq.write_table(table, path, row_group_size=row_group, compression="zstd", compression_level=19)
    groups = pq.ParquetFile(path).num_row_groups
    print(f"{name}: {table.num_rows} rows, {groups} row groups, {os.path.getsize(path)} bytes")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: prepare.py TESTBED_DIR OUT_DIR")
    testbed, out = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    tokenizer = Tokenizer(os.path.join(testbed, "tokenizer.json"))
    probes, controls = texts(testbed, tokenizer)
    write(out, "corpus.parquet", corpus(testbed), CORPUS, 4096)
    write(out, "probes.parquet", probes, PROBES, 512)
    write(out, "controls.parquet", controls, CONTROLS, 512)
    write(out, "generations.parquet", generations(testbed, tokenizer), GENERATIONS, 512)
    beside = os.path.join(out, "..", "nonsense")
    os.makedirs(beside, exist_ok=True)
    probes, controls = nonsense(testbed)
    write(beside, "probes.parquet", probes, PROBES, 512)
    write(beside, "controls.parquet", controls, CONTROLS, 512)
    model(testbed, out, "target")
    model(testbed, out, "reference")


if __name__ == "__main__":
    main()
