#!/usr/bin/env python3
"""minhash.py judges MinHash signatures by the libraries that they claim the bits of: datasketch and datatrove.

minhash.py vectors [FILE]   prints what stages/minhash/testdata/vectors.json must hold; with FILE, exits 1 unless FILE holds that
minhash.py table CORPUS SIGNATURES...   recomputes the signatures of Parquet tables `signatures` from the texts of CORPUS

Words are made here anew, by the rules of package words, for the scripts that occur; the shingles go to the libraries.
"""

import hashlib
import json
import sys
import unicodedata

import numpy as np
import pyarrow.parquet as pq
import regex
from datasketch import MinHash
from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature

LONG = " ".join(f"{a} {b} {c}" for a in ("red", "green", "blue") for b in ("fox", "hen", "cat", "dog") for c in ("ran", "sat", "ate"))

TEXTS = {
    "empty": "",
    "no words": " ... !\n",
    "one word": "Palimpsest",
    "four words": "a cat sat down",
    "five words": "The cat sat on it.",
    "six words": "the cat sat on the mat",
    "accents": "Où est-ce que l'été Élève naïve CAFÉ straße?",
    "composed and not": "cafe\u0301 caf\u00e9 \ufb01ne FINE \uff26\uff35\uff2c\uff2c width words",
    "Chinese": "羊皮纸上的文字被刮去又重写，旧的字迹仍然可见。",
    "Japanese": "羊皮紙にパリンプセストと書く",
    "Russian": "Палимпсест — это рукопись на пергаменте поверх смытого текста",
    "digits": "In 1984 and 2024, 3.14 of 100 000 went by",
    "repeats": "ha " * 50,
    "repeated cycle": "one two three four five " * 30,
    "words of 60 letters": " ".join(c * 60 for c in "abcdefg"),
    "55 bytes, then 56": "a" * 47 + " b c d e" + " " + "f" * 48,
    "long": LONG,
}

WORD = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}&&\p{L}]\p{M}*|[[\p{L}\p{M}\p{N}]--[\p{Han}\p{Hiragana}\p{Katakana}&&\p{L}]]+", regex.V1)


def shingles(text):
    """The shingles of a text, in order, repeats among them."""
    keys = []
    for run in WORD.findall(regex.sub(r"\p{Cf}", "", text)):
        key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", run).casefold())
        key = regex.sub(r"[^\p{L}\p{M}\p{N}]", "", key)
        if key:
            keys.append(key)
    if 0 < len(keys) < 5:
        return [" ".join(keys)]
    return [" ".join(keys[i : i + 5]) for i in range(len(keys) - 4)]


def datasketch(scheme):
    def sign(shingles):
        m = MinHash(num_perm=128, scheme=scheme)
        m.update_batch([s.encode() for s in shingles])
        return m.hashvalues, 8

    return sign


def datatrove():
    # Without the constructor, which loads a tokeniser for words that are made here.
    step = object.__new__(MinhashDedupSignature)
    step.config = MinhashConfig()
    step.num_hashes = step.config.num_buckets * step.config.hashes_per_bucket
    step._parameters = None
    from datatrove.utils.hashing import create_hash_func

    hash_function = create_hash_func(step.config.hash_config)

    def sign(shingles):
        hashed = np.fromiter((hash_function(s) for s in shingles), dtype=np.uint64).reshape((-1, 1))
        return [v for bucket in step.get_signature(hashed) for v in bucket], 16

    return sign


PROFILES = {
    "datasketch-128": datasketch(None),  # the default of datasketch 2
    "datasketch-legacy-128": datasketch("legacy"),
    "datatrove": datatrove(),
}


def signature(profile, shingles):
    values, digits = PROFILES[profile](shingles)
    return "".join(f"{int(v):0{digits}x}" for v in values)


def vectors():
    out = []
    for name, text in TEXTS.items():
        all_shingles = shingles(text)
        vector = {"name": name, "text": text, "shingles": len(set(all_shingles))}
        if all_shingles:
            for profile in PROFILES:
                s = signature(profile, all_shingles)
                vector[profile] = {"starts": s[:32], "sha256": hashlib.sha256(s.encode()).hexdigest()}
        out.append(vector)
    return json.dumps(out, ensure_ascii=False, indent=1) + "\n"


def check_table(corpus, path, every=7):
    texts = pq.ParquetFile(corpus).read(columns=["text"]).column("text")
    rows = pq.ParquetFile(path).read()
    checked = 0
    for i in range(0, rows.num_rows, every):
        row = rows.slice(i, 1).to_pylist()[0]
        all_shingles = shingles(texts[row["document_row"]].as_py())
        want = signature(row["profile"], all_shingles)
        if row["signature"] != want or row["shingles"] != len(set(all_shingles)):
            sys.exit(f"{path}: {row['document_id']}: the signature is {row['signature'][:32]}... of {row['shingles']} shingles, "
                     f"the library's {want[:32]}... of {len(set(all_shingles))}")
        checked += 1
    if checked == 0:
        sys.exit(f"{path}: no rows")
    print(f"{rows.column('profile')[0]}: {checked} of {rows.num_rows} signatures recomputed, all equal")


def main(args):
    match args:
        case ["vectors"]:
            print(vectors(), end="")
        case ["vectors", path]:
            with open(path, encoding="utf-8") as f:
                if f.read() != vectors():
                    sys.exit(f"{path} is not what the libraries give now")
            print(f"{path}: the libraries give the same")
        case ["table", corpus, *paths] if paths:
            for path in paths:
                check_table(corpus, path)
        case _:
            sys.exit(__doc__)


main(sys.argv[1:])
