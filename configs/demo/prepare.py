#!/usr/bin/env python3
"""Make the demo's four Parquet files from the project's testbed.

    python3 prepare.py TESTBED_DIR OUT_DIR          (needs pyarrow)

The testbed is a small language model whose training data is known to the last token: documents were planted in its training
stream at known numbers of copies. The demo needs only what is in these files, not the model. TESTBED_DIR holds
train_docs.parquet, ground_truth.parquet, token_logprobs.parquet, generations.parquet and tokenizer.json. The output depends on
nothing but these files and the version of pyarrow, and no text is altered except where this page says so.

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

Columns that need a word:
control_group    the type: passage, nonsense, secret, shuffled, edited. A probe is ranked against controls of its own type
                 only; `edited` has no controls, so that an edited copy gets no p-value.
canary_null      `sibling` for nonsense, secret and shuffled: the controls are unused outputs of the generator that made the
                 canary. It is not `slot` for secrets, since controls differ in the carrier's noun too, and not `shuffle` for
                 shuffled passages, since controls are orders of other passages' words, not other orders of the same words.
log_probs ...    per token, from the target model, each text scored by itself after a beginning-of-sequence token:
                 log-probability in nats, rank, mean and standard deviation of the log-probability over the vocabulary, and
                 the five likeliest tokens. ref_log_probs is the same text under a model that saw none of the documents.
byte_offsets     first byte of each token in the text; null for the edited copies whose tokens are not valid UTF-8, because
                 there the text has U+FFFD for the bytes that the offsets count.
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

# name in the demo, name in the testbed, type
SCORES = [
    ("token_ids", "token_ids", pa.list_(pa.int32())),
    ("byte_offsets", "byte_off", pa.list_(pa.int32())),
    ("log_probs", "logprob", pa.list_(pa.float32())),
    ("ranks", "rank", pa.list_(pa.int32())),
    ("means", "mu", pa.list_(pa.float32())),
    ("deviations", "sd", pa.list_(pa.float32())),
    ("top_ids", "top_ids", pa.list_(pa.list_(pa.int32()))),
    ("top_log_probs", "top_logprobs", pa.list_(pa.list_(pa.float32()))),
    ("ref_log_probs", "ref_logprob", pa.list_(pa.float32())),
]

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
    + [(name, kind) for name, _, kind in SCORES]
)
CONTROLS = pa.schema(
    [("id", pa.string()), ("text", pa.string()), ("control_group", pa.string())] + [(name, kind) for name, _, kind in SCORES]
)
# A generation is not scored as a text of its own: what the testbed has for it depends on the prompt. The columns of scores
# are there, and null, so that one mapping serves every file.
GENERATIONS = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.string()),
        ("kind", pa.string()),
        ("prompt", pa.string()),
        ("sampling", pa.string()),
        ("draw", pa.int64()),
    ]
    + [(name, kind) for name, _, kind in SCORES]
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

    def is_utf8(self, ids):
        try:
            b"".join(self.tokens[i] for i in ids).decode("utf-8")
        except UnicodeDecodeError:
            return False
        return True


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
    truth, scores = read(testbed, "ground_truth.parquet"), read(testbed, "token_logprobs.parquet")
    for r, s in zip(truth, scores, strict=True):
        if r["id"] != s["id"] or r["ids"] != s["token_ids"]:
            sys.exit(f"ground_truth and token_logprobs differ at {r['id']}")
        if tokenizer.decode(r["ids"]) != r["text"]:
            sys.exit(f"the tokens of {r['id']} are not its text")
        row = {"id": r["id"], "text": r["text"], "control_group": r["type"]}
        row |= {name: s[source] for name, source, _ in SCORES}
        if not tokenizer.is_utf8(r["ids"]):
            row["byte_offsets"] = None
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


if __name__ == "__main__":
    main()
