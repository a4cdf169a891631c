"""Compares what a peer found with what Palimpsest found on the same files: answers.py CORPUS PROBES TABLES ANSWER.

Prints, as JSON, how many documents (and probes, where the peer names them) both found, and only one did, with the reason for each
that only one found. Reasons are told by the texts themselves, in the words of the oracle: the peer has an alphabet, a unit or a filter of
its own, and a document that only it found either holds 13 words of a probe in that sense or holds none in any.
"""
import collections
import json
import pathlib
import re
import sys

import oracle

N, SHORT = oracle.LEAST_WORDS, 8


class Reasons:
    """Tells why one side found a document and the other did not."""

    def __init__(self, probes):
        self.long, self.least, self.short, self.lines, self.plain = set(), set(), set(), set(), set()
        for text in probes.values():
            w = oracle.words(text)
            for i in range(len(w) - N + 1):
                gram = tuple(w[i : i + N])
                self.least.add(gram)
                if len(" ".join(gram).encode()) >= oracle.LEAST_BYTES:
                    self.long.add(gram)
            self.short.update(ngrams(w, SHORT))
            self.plain.update(ngrams(text.split(), N))
            for line in text.split("\n"):
                self.lines.update(ngrams(oracle.words(line), N))

    def of(self, text, ours):
        w = oracle.words(text)
        grams = set(ngrams(w, N))
        if ours:  # only Palimpsest found it
            lines = {g for line in text.split("\n") for g in ngrams(oracle.words(line), N)}
            if not self.lines & lines:
                return "the shared run of words crosses a line"
            if not self.plain & set(ngrams(text.split(), N)):
                return "the words are the same, case, punctuation or spacing is not"
            return "the peer's words are cut otherwise"
        if grams & self.long:
            return "13 words shared: Palimpsest should have found it"
        if grams & self.least:
            return "13 words shared, below 60 bytes"
        if self.short & set(ngrams(w, SHORT)):
            return "fewer than 13 words shared: the peer counts punctuation and parts of words, or joins over what it drops"
        return f"no {SHORT} words shared: punctuation alone, or a false positive of a hash or filter"


def ngrams(words, n):
    return (tuple(words[i : i + n]) for i in range(len(words) - n + 1))


def compare(ours, theirs, reason):
    out = {"both": len(ours & theirs), "only_palimpsest": len(ours - theirs), "only_peer": len(theirs - ours)}
    why = collections.Counter(reason(x, True) for x in ours - theirs)
    out["only_palimpsest_because"] = dict(why)
    out["only_peer_because"] = dict(collections.Counter(reason(x, False) for x in theirs - ours))
    return out


def phrase_reason(phrases, texts):
    """Why a phrase, a probe of its own, was found by one side only."""
    joined = "\n".join(texts)

    def reason(probe, ours):
        phrase = phrases[probe]
        if ours:
            if phrase in joined:
                return "it stands there as it is: another phrase that overlaps it came first"
            loose = r"\s+".join(re.escape(p) for p in phrase.split())
            return "broken over lines" if re.search(loose, joined) else "case or punctuation differs"
        return "only as part of longer words" if phrase in joined else "not there"

    return reason


def main():
    corpus, probes, tables, answer = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), json.loads(pathlib.Path(sys.argv[4]).read_text())
    texts, asked = dict(oracle.rows(corpus)), dict(oracle.rows(probes))
    found, documents = oracle.written(tables)
    out = {}
    if "probes" in answer and not any("\n" in p for p in asked.values()):
        out["phrases"] = compare({k[0] for k in found}, set(answer["probes"]), phrase_reason(asked, texts.values()))
    if "documents" in answer:
        reasons = Reasons(asked)
        out["documents"] = compare(documents, set(answer["documents"]), lambda d, ours: reasons.of(texts[d], ours))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
