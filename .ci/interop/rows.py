"""The rows that every writer is given, and the digests by which a reader shows that it got them back.

A digest is the sha256 of one column, row by row; every number is little-endian. A value, wherever it can be null, begins with one
byte, 0 for null and 1 for valid, and a null has nothing more.

    text       uint64 length, bytes
    log_probs  uint32 length, then the elements: a validity byte and, if valid, a float64
    ids        uint32 length, then the elements: a validity byte and, if valid, an int64
    nested     uint32 length, then the lists, which are never null: uint32 length, elements like those of log_probs
    label      int64, 0 or 1

Digests are taken of the rows as they are made here, never of a file that was read back.
"""

import hashlib
import random
import struct

COLUMNS = ("text", "log_probs", "ids", "nested", "label")

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "",
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness.",
    "Ἐν ἀρχῇ ἦν ὁ λόγος, καὶ ὁ λόγος ἦν πρὸς τὸν θεόν.",
    "吾輩は猫である。名前はまだ無い。",
    "naïve café: e\u0301 is not \u00e9, a soft\u00adhyphen, a zero\u200dwidth joiner, a byte order mark \ufeff",
    "line one\r\nline two\n\ttabbed\x00nul",
    "\U0001f9d1\u200d\U0001f680 \U0001d518\U0001d52b\U0001d526\U0001d520\U0001d52c\U0001d521\U0001d522 \ufb01ne \ufffd",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
]


def float32(x):
    return struct.unpack("<f", struct.pack("<f", x))[0]


def make(count, seed, *, double=False, long_texts=False, all_null=False, no_nulls=False, distinct=False):
    """count rows. Null and empty values are strewn among the others; with distinct no text repeats, so no dictionary helps."""
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        text = rng.choice(TEXTS)
        if distinct or i % 5 == 0:
            text = f"{i:06d} {text} {rng.getrandbits(64):x}"
        if long_texts and i % 7 == 3:
            text = " ".join(f"word{rng.randrange(5000)}" for _ in range(115_000))  # about 1 MB
        n = rng.randrange(1, 40)
        log_probs = [-rng.expovariate(0.5) for _ in range(n)]
        if not double:
            log_probs = [float32(x) for x in log_probs]
        log_probs[0] = None  # the first token of a text has no log-probability
        if i % 11 == 5:
            log_probs[-1] = float("-inf")
        ids = [rng.randrange(2**31) if rng.random() < 0.2 else rng.randrange(50_000) for _ in range(n)]
        nested = [[] if k == 0 else [float32(-rng.random() * k) for _ in range(rng.randrange(6))] for k in range(n)]
        if i % 9 == 4 and n > 2 and nested[2]:
            nested[2][0] = None
        label = rng.random() < 0.5
        row = {"id": f"r{i:06d}", "text": text, "log_probs": log_probs, "ids": ids, "nested": nested, "label": label}
        if no_nulls:
            row["log_probs"] = [0.0 if x is None else x for x in log_probs]
            row["nested"] = [[0.0 if x is None else x for x in inner] for inner in nested]
        elif all_null:
            row |= dict.fromkeys(COLUMNS)
        else:
            if i % 13 == 6:
                row["text"] = None
            if i % 17 == 2:
                row["log_probs"] = row["nested"] = None
            if i % 17 == 3:
                row["log_probs"], row["ids"], row["nested"] = [], [], []
            if i % 19 == 4:
                row["ids"] = None
            if i % 23 == 5:
                row["label"] = None
        rows.append(row)
    return rows


def elements(values, form):
    out = [struct.pack("<I", len(values))]
    for v in values:
        out.append(b"\x00" if v is None else b"\x01" + struct.pack(form, v))
    return b"".join(out)


def encode(column, v):
    if v is None:
        return b"\x00"
    if column == "text":
        raw = v.encode()
        return b"\x01" + struct.pack("<Q", len(raw)) + raw
    if column == "log_probs":
        return b"\x01" + elements(v, "<d")
    if column == "ids":
        return b"\x01" + elements(v, "<q")
    if column == "nested":
        return b"\x01" + struct.pack("<I", len(v)) + b"".join(elements(inner, "<d") for inner in v)
    return b"\x01" + struct.pack("<q", int(v))


def digests(rows, columns=COLUMNS):
    """What expected.json says of a file with these rows."""
    out = {"rows": len(rows)}
    for column in columns:
        h = hashlib.sha256()
        for row in rows:
            h.update(encode(column, row[column]))
        out[f"{column}_sha256"] = h.hexdigest()
    return out
