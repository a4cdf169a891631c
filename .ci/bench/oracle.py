"""The slow, obvious answer: which spans the probes share with a corpus, and in how many documents each stands.

    oracle.py CORPUS PROBES TABLES

compares it with the tables of a run over the same files and the default thresholds, and prints what differs. It follows the definitions
and nothing else: a word is a maximal run of letters, marks and numbers, or one ideograph; its key is NFKC, case folded, NFKC; a match is
a pair of equal runs of words that cannot grow on either side, of at least 13 words and 60 bytes; a span is an interval of a probe that
is matched somewhere and lies in no longer one. Python's Unicode tables are older than Go's: words with characters that it does not know
are the one difference that is not a mistake.
"""
import json
import pathlib
import sys
import unicodedata

import pyarrow.parquet as pq

LEAST_WORDS, LEAST_BYTES = 13, 60
ALONE = ("CJK UNIFIED", "CJK COMPATIBILITY IDEOGRAPH", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR")

_kinds = {}


def kind(c):
    """'w' for a part of a word, 'm' for a mark, 'a' for a letter that is a word of its own, '-' for one that is skipped, else ' '."""
    k = _kinds.get(c)
    if k is None:
        category = unicodedata.category(c)
        k = " "
        if category == "Cf":
            k = "-"
        elif category[0] == "M":
            k = "m"
        elif category[0] in "LN":
            alone = category[0] == "L" and unicodedata.name(c, "").replace("HALFWIDTH ", "").startswith(ALONE)
            k = "a" if alone or c in "々〆〇〻" else "w"
        _kinds[c] = k
    return k


def key(run):
    if run.isascii():
        return run.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", run).casefold())
    return "".join(c for c in folded if unicodedata.category(c)[0] in "LMN")


def words(text):
    """The keys of the words of a text."""
    out, run, alone = [], [], False
    for c in text + " ":
        k = kind(c)
        if k == "-":
            continue
        if run and (k in " a" or (alone and k != "m")):
            word = key("".join(run))
            if word:
                out.append(word)
            run = []
        if k != " ":
            if not run:
                alone = k == "a"
            run.append(c)
    return out


def matches(probe, document, starts):
    """Yields (start, end) in the probe of every match, once for each place in the document."""
    for j in range(len(document) - LEAST_WORDS + 1):
        for i in starts.get(tuple(document[j : j + LEAST_WORDS]), ()):
            if i and j and probe[i - 1] == document[j - 1]:
                continue  # it grows to the left
            n = LEAST_WORDS
            while i + n < len(probe) and j + n < len(document) and probe[i + n] == document[j + n]:
                n += 1
            if len(" ".join(probe[i : i + n]).encode()) >= LEAST_BYTES:
                yield i, i + n


def spans(corpus, probes):
    """{(probe, start, end): (documents, occurrences)} and the ids of the documents in which anything was found."""
    probes = {name: words(text) for name, text in probes}
    grams = {}
    for name, w in probes.items():
        for i in range(len(w) - LEAST_WORDS + 1):
            grams.setdefault(tuple(w[i : i + LEAST_WORDS]), {}).setdefault(name, []).append(i)
    counts, documents = {}, set()
    for document, text in corpus:
        w = words(text)
        shared = {}  # probe -> its grams that the document holds
        for j in range(len(w) - LEAST_WORDS + 1):
            gram = tuple(w[j : j + LEAST_WORDS])
            for name, starts in grams.get(gram, {}).items():
                shared.setdefault(name, {})[gram] = starts
        for name, starts in shared.items():
            here = {}
            for interval in matches(probes[name], w, starts):
                here[interval] = here.get(interval, 0) + 1
            if here:
                documents.add(document)
            for interval, n in here.items():
                held = counts.setdefault(name, {}).setdefault(interval, [0, 0])
                held[0] += 1
                held[1] += n
    out = {}
    for name, intervals in counts.items():
        for (start, end), (docs, occurrences) in intervals.items():
            if not any(a <= start and end <= b and (a, b) != (start, end) for a, b in intervals):
                out[name, start, end] = (docs, occurrences)
    return out, documents


def rows(folder):
    for path in sorted(pathlib.Path(folder).glob("*.parquet")):
        table = pq.read_table(path, columns=["id", "text"])
        yield from zip(table["id"].to_pylist(), table["text"].to_pylist())


def written(tables):
    """The same two answers out of a run's tables."""
    table = pq.read_table(tables / "spans").to_pylist()
    found = {(r["probe_id"], r["word_start"], r["word_end"]): (r["documents"], r["occurrences"]) for r in table}
    return found, set(pq.read_table(tables / "documents", columns=["document_id"])["document_id"].to_pylist())


def main():
    corpus, probes, tables = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    expected, expected_documents = spans(rows(corpus), rows(probes))
    got, got_documents = written(tables)
    differ = [k for k in sorted(expected.keys() | got.keys()) if expected.get(k) != got.get(k)]
    wrong = [f"{k}: {expected.get(k)} expected, {got.get(k)} found" for k in differ]
    # The documents of the tables are also those that equal a probe as a whole, which a short one may.
    wrong += [f"document {d} is missing" for d in sorted(expected_documents - got_documents)]
    wrong += [f"document {d} is too many" for d in sorted(got_documents - expected_documents)]
    print(json.dumps({"spans": len(expected), "documents": len(expected_documents), "wrong": len(wrong), "first": wrong[:5]}))


if __name__ == "__main__":
    main()
