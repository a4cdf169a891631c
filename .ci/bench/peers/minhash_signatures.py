"""MinHash signatures by datasketch or rensa: PEER.py run WORK CORPUS {datasketch|rensa}. 128 permutations over shingles of five words.

The shingles are those of Palimpsest: words in lower case with one space between them. Making them is part of the time on both sides.
"""
import re

import answer

PERMUTATIONS, WORDS = 128, 5
_WORD = re.compile(r"[^\W_]+")


def shingles(text):
    words = _WORD.findall(text.lower())
    return {" ".join(words[i : i + WORDS]) for i in range(max(1, len(words) - WORDS + 1))} if words else set()


def with_datasketch(rows):
    from datasketch import MinHash

    for _, text in rows:
        signature = MinHash(num_perm=PERMUTATIONS)
        signature.update_batch([s.encode() for s in shingles(text)])
        yield signature.hashvalues


def with_rensa(rows):
    from rensa import RMinHash

    for _, text in rows:
        signature = RMinHash(num_perm=PERMUTATIONS, seed=42)
        signature.update(list(shingles(text)))
        yield signature.digest()


def run(work, corpus, library):
    signatures = {"datasketch": with_datasketch, "rensa": with_rensa}[library](answer.rows(corpus))
    print(sum(1 for _ in signatures), "signatures")


if __name__ == "__main__":
    answer.main(lambda *_: None, run)
