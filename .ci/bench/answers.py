"""Compares what a peer found with what Palimpsest found on the same files: answers.py CORPUS PROBES TABLES ANSWER.

Prints, as JSON, how many documents (and phrases, where the peer names them) both found and only one did, and what is true of those that
only one found. That is an observation, tested on the texts in the words of the oracle; it is not yet the cause. Causes stand in the
notes of peers.py, where somebody looked. What no test tells apart is called unexplained.
"""
import collections
import json
import pathlib
import re
import sys

import oracle

N, SHORT = oracle.LEAST_WORDS, 8


class Observations:
    """What documents share with the probes, in several senses."""

    def __init__(self, probes):
        self.long, self.least, self.short, self.folded, self.lines, self.plain = set(), set(), set(), set(), set(), set()
        for text in probes.values():
            w = oracle.words(text)
            for gram in ngrams(w, N):
                self.least.add(gram)
                if len(" ".join(gram).encode()) >= oracle.LEAST_BYTES:
                    self.long.add(gram)
            self.short.update(ngrams(w, SHORT))
            self.folded.update(ngrams(folded(w), N))
            self.plain.update(ngrams(text.split(), N))
            self.lines.update(g for line in text.split("\n") for g in ngrams(oracle.words(line), N))

    def of(self, text, ours):
        """Something that is true of a document that only Palimpsest (ours) or only the peer found."""
        w = oracle.words(text)
        if ours:
            if self.lines.isdisjoint(g for line in text.split("\n") for g in ngrams(oracle.words(line), N)):
                return "no 13 words shared within a line"
            if self.plain.isdisjoint(ngrams(text.split(), N)):
                return "no 13 words written alike: case, punctuation or spacing differs"
            return "unexplained: 13 words shared within a line, written alike"
        if not self.long.isdisjoint(ngrams(w, N)):
            return "unexplained: 13 words of 60 bytes shared, which Palimpsest should have found"
        if not self.least.isdisjoint(ngrams(w, N)):
            return "13 words shared, of fewer than 60 bytes"
        if not self.folded.isdisjoint(ngrams(folded(w), N)):
            return "13 words shared but for their numbers"
        if not self.short.isdisjoint(ngrams(w, SHORT)):
            return f"{SHORT} to {N - 1} words shared"
        return f"no {SHORT} words shared"


def folded(words):
    return [re.sub(r"\d+", "0", w) for w in words]


def ngrams(words, n):
    return (tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def compare(ours, theirs, observe):
    out = {"both": len(ours & theirs), "only_palimpsest": len(ours - theirs), "only_peer": len(theirs - ours)}
    out["of_palimpsest"] = dict(collections.Counter(observe(x, True) for x in ours - theirs))
    out["of_peer"] = dict(collections.Counter(observe(x, False) for x in theirs - ours))
    return out


def of_phrase(phrases, texts):
    """What is true of a phrase, a probe of its own, that one side only found."""
    joined = "\n".join(texts)

    def observe(probe, ours):
        phrase = phrases[probe]
        if ours:
            if phrase in joined:
                return "it stands there as it is"
            loose = r"\s+".join(re.escape(p) for p in phrase.split())
            return "it stands there, spaced otherwise" if re.search(loose, joined) else "there only with other case or punctuation"
        return "it stands there, perhaps within longer words" if phrase in joined else "unexplained: not there"

    return observe


def main():
    corpus, probes, tables, answer = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), json.loads(pathlib.Path(sys.argv[4]).read_text())
    texts, asked = dict(oracle.rows(corpus)), dict(oracle.rows(probes))
    found, documents = oracle.written(tables)
    out = {}
    if "probes" in answer and not any("\n" in p for p in asked.values()):
        out["phrases"] = compare({k[0] for k in found}, set(answer["probes"]), of_phrase(asked, texts.values()))
    if "documents" in answer:
        observed = Observations(asked)
        out["documents"] = compare(documents, set(answer["documents"]), lambda d, ours: observed.of(texts[d], ours))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
