#!/usr/bin/env python3
"""verbatim.py judges near_verbatim_recall by difflib.

verbatim.py write FOLDER       writes corpus.parquet and probes.parquet: works and outputs, and documents edited from them
verbatim.py check FOLDER RUN   recomputes the recall of every row of table matches, from the texts

The blocks are SequenceMatcher's, autojunk off; the two passes are written here anew, after arXiv 2601.02671.
"""

import random
import sys
from difflib import SequenceMatcher

import pyarrow as pa
import pyarrow.parquet as pq

PASSES = ((2, 1, 20), (10, 3, 100))  # greatest gap, greatest difference of gaps, least equal words


def passages(blocks):
    """Merges (probe, document, words, end in probe, end in document), and leaves out what is short."""
    for gap, drift, least in PASSES:
        merged = []
        for a, b, words, a_end, b_end in blocks:
            if merged:
                x, y, before, x_end, y_end = merged[-1]
                if max(a - x_end, b - y_end) <= gap and abs((a - x_end) - (b - y_end)) <= drift:
                    merged[-1] = (x, y, before + words, a_end, b_end)
                    continue
            merged.append((a, b, words, a_end, b_end))
        blocks = [m for m in merged if m[2] >= least]
    return blocks


def recall(probe, document, kind):
    source = document if kind == "generation" else probe
    if not source:
        return None
    blocks = SequenceMatcher(None, probe, document, autojunk=False).get_matching_blocks()
    kept = passages([(m.a, m.b, m.size, m.a + m.size, m.b + m.size) for m in blocks if m.size])
    return sum(m[2] for m in kept) / len(source)


def keys(text):
    return text.lower().replace(",", " ").replace(".", " ").split()


def edited(r, words, vocabulary):
    rate = r.choice((0, 0.01, 0.03, 0.1, 0.3))
    out = []
    for word in words:
        x = r.random() / rate if rate else 1
        if x >= 1:
            out.append(word)
        elif x < 1 / 3:
            out.append(r.choice(vocabulary))
        elif x < 2 / 3:
            out += [word] + r.choices(vocabulary, k=r.randint(1, 14))
    return out


def write(folder):
    r = random.Random(1)
    # Few words, so that texts repeat themselves.
    rare, common = [f"word{i}" for i in range(400)], ["the", "of", "a", "and", "to"]
    word = lambda: r.choice(common) if r.random() < 0.4 else r.choice(rare)
    probes, corpus = [], []
    for i in range(200):
        text = [word() for _ in range(r.choice((20, 99, 101, 150, 400, 900)))]
        kind = ("work", "generation")[i % 2]
        probes.append((f"p{i}", kind, text))
        for _ in range(r.randint(15, 30)):
            at = r.randrange(len(text))
            part = text[at if r.random() < 0.4 else 0 :]
            if i % 4 == 1:  # no run is long enough to be verbatim
                part = [r.choice(rare) if k % 30 == 29 else w for k, w in enumerate(part, r.randrange(30))]
            else:
                part = edited(r, part, rare + common)
            around = [[word() for _ in range(r.choice((0, 5, 300)))] for _ in range(2)]
            document = around[0] + part + around[1]
            if r.random() < 0.2:
                document += part[: len(part) // 2]
            corpus.append(document)
    spell = lambda words: " ".join(w.upper() if i % 7 == 0 else w + "," if i % 5 == 0 else w for i, w in enumerate(words)) + "."
    pq.write_table(pa.table({"id": [p[0] for p in probes], "kind": [p[1] for p in probes], "text": [spell(p[2]) for p in probes],
                             "prompt": [""] * len(probes)}), f"{folder}/probes.parquet")
    pq.write_table(pa.table({"id": [f"d{i}" for i in range(len(corpus))], "text": [spell(d) for d in corpus]}),
                   f"{folder}/corpus.parquet", row_group_size=500)


def check(folder, run):
    probes = {p["id"]: p for p in pq.read_table(f"{folder}/probes.parquet").to_pylist()}
    corpus = {d["id"]: d["text"] for d in pq.read_table(f"{folder}/corpus.parquet").to_pylist()}
    grades = {e["probe_id"]: e["model_grade"] for e in pq.read_table(f"{run}/parquet/evidence/part-00000.parquet").to_pylist()}
    matches = pq.read_table(f"{run}/parquet/matches/part-00000.parquet").to_pylist()
    some, most = 0, {}
    for m in matches:
        probe = probes[m["probe_id"]]
        a, b = keys(probe["text"]), keys(corpus[m["document_id"]])
        want = recall(a, b, probe["kind"])
        if m["near_verbatim_recall"] != want:
            sys.exit(f"{m['probe_id']}, {m['document_id']}: {m['near_verbatim_recall']}, and by difflib {want}")
        some += want > 0
        most[m["probe_id"]] = max(most.get(m["probe_id"], 0), want)
    if len(matches) < 2000 or not len(matches) / 10 < some < len(matches) * 9 / 10:
        sys.exit(f"{some} of {len(matches)} pairs have a passage: they show little")
    # An unprompted output with such a passage has it for its grade, or a better one.
    for probe, grade in grades.items():
        if probes[probe]["kind"] == "generation" and (
            grade not in ("near_verbatim", "verbatim") if most.get(probe, 0) > 0 else grade == "near_verbatim"
        ):
            sys.exit(f"{probe}: {grade}, with {most.get(probe, 0)} of a document nearly word for word")
    near = sum(g == "near_verbatim" for g in grades.values())
    if not near:
        sys.exit("no output is graded near_verbatim")
    print(f"near_verbatim_recall of {len(matches)} pairs is difflib's, above 0 of {some}; {near} outputs are graded so")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1]](*sys.argv[2:])
