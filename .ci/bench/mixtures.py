"""What the corpora and probe sets of the benchmark are made of. All draws come from generators with fixed seeds."""
import hashlib
import random
import re

import pyarrow.parquet as pq

CODE = 0.34  # share of source code in the main corpus
HELD_OUT = 24  # one document in so many is in no corpus: probes come from those
FROM_CORPUS = 10  # one probe in so many is taken from the corpus
FIRST = 400  # documents of the corpus that such probes are taken from

# How the names of documents tell their language: packages of one language, and folders of packages of many.
LANGUAGES = {
    "ar": r"/ar(-MA|)/",
    "en": r"^libreoffice-help-en-us|^debian-handbook.*/en-US/|^gnome-user-docs.*/help/C/",
    "fr": r"^libreoffice-help-fr|^debian-handbook.*/fr-FR/|^gnome-user-docs.*/help/fr/|^manpages-fr",
    "hi": r"^libreoffice-help-hi|^gnome-user-docs.*/help/hi/",
    "ja": r"^libreoffice-help-ja|^debian-handbook.*/ja-JP/|^gnome-user-docs.*/help/ja/|^manpages-ja",
    "ru": r"^libreoffice-help-ru|^debian-handbook.*/ru-RU/|^gnome-user-docs.*/help/ru/|^manpages-ru",
    "zh": r"^libreoffice-help-zh-cn|^debian-handbook.*/zh-CN/|^gnome-user-docs.*/help/zh_CN/|^manpages-zh.*/zh_CN/",
}
_WORD = re.compile(r"[^\W_]+")
_PHRASE = re.compile(r"(?<!\S)[\w,.;'()-]+(?: [\w,.;'()-]+){12}(?!\S)")


def order(name):
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def stream_bytes(text):
    """About the length of the normalised stream of a text: its words, each with one space."""
    return sum(len(w.encode()) + 1 for w in _WORD.findall(text)) + 1


def rows(paths):
    for path in paths:
        table = pq.read_table(path)
        yield from zip(table["name"].to_pylist(), table["text"].to_pylist())


class Mixture:
    """Documents of the pool, mixed: a third code, the rest documentation and books, held-out documents apart."""

    def __init__(self, pool, size):
        self.pool = pool
        taken, self.held_out, seen = {}, {}, set()
        for part, share in (("code", CODE), ("documents", 1 - CODE)):
            taken[part], self.held_out[part], held = [], [], 0
            for name, text in sorted(rows(pool[part].values()), key=lambda row: order(row[0])):
                digest = hash(text)
                if digest in seen:
                    continue
                seen.add(digest)
                if order("held out " + name)[0] % HELD_OUT == 0:
                    self.held_out[part].append(text)
                elif held < size * share:
                    taken[part].append((name, text))
                    held += len(text.encode())
        both = sorted(taken["code"] + taken["documents"], key=lambda row: order("mix " + row[0]))
        self.corpus = [text for _, text in both]
        self.not_ascii = sum(len(t.encode()) - len(t.encode("ascii", "ignore")) for t in self.corpus if not t.isascii())

    def probes(self, seeds, templates=False):
        """Passages of 300 to 2,500 characters with that many indexed grams in all: (id, text).

        Files of one project share much: what a generator wrote, what every page says. Passages of that kind are left to the corpus of
        boilerplate, unless templates is set.
        """
        passages = self._passages(seeds if templates else 3 * seeds)
        common = set() if templates else self._common(passages)
        out, have = [], 0
        for passage in passages:
            if common.isdisjoint(grams(passage)):
                out.append((f"p{len(out):07d}", passage))
                have += stream_bytes(passage)
                if have >= seeds:
                    break
        return out

    def _passages(self, seeds):
        """Nine of ten from held-out documents, the tenth from the first documents of the corpus, so that slices of it have some."""
        rng, out, have = random.Random(seeds), [], 0
        held_out = [t for pair in alternating(self.held_out["documents"], self.held_out["code"]) for t in pair]
        for turn in range(40):
            for text in held_out:
                source = rng.choice(self.corpus[:FIRST]) if len(out) % FROM_CORPUS == FROM_CORPUS - 1 else text
                size = rng.randint(300, 2500)
                # The beginnings of files are headers that many files share.
                start = min(len(source) // 4, 3000) + turn * 2500
                passage = source[start : start + size]
                if len(passage) >= 300:
                    out.append(passage)
                    have += stream_bytes(passage)
                if have >= seeds:
                    return out
        return out

    def _common(self, passages):
        """Runs of 13 words of the passages that at least two documents of the corpus hold, as far as its first 30 MB tell."""
        asked = {gram for passage in passages for gram in grams(passage)}
        once, common, read = set(), set(), 0
        for text in self.corpus:
            here = asked.intersection(grams(text))
            common |= here & once
            once |= here
            read += len(text)
            if read > 30_000_000:
                break
        return common

    def phrases(self, count, documents):
        """Phrases of 13 words within a line, as they stand: (id, text). Every second one is from the first documents of the corpus."""
        rng, seen = random.Random(count), set()
        sides = [self.corpus[:documents], self.held_out["documents"] + self.held_out["code"]]
        for tries in range(40 * count):
            text = rng.choice(sides[len(seen) % 2])
            found = _PHRASE.search(text, rng.randrange(len(text)))
            if found and found[0] not in seen and stream_bytes(found[0]) > 62 and len(_WORD.findall(found[0])) >= 13:
                seen.add(found[0])
                yield f"p{len(seen) - 1:05d}", found[0]
                if len(seen) == count:
                    return

    def language(self, code, size, facts):
        texts = [t for n, t in self._of_language(code) if order(n)[0] % 8]
        facts["bytes_distinct"] = sum(len(t.encode()) for t in texts)
        held = turn = 0
        while texts and held < size:
            for i, text in enumerate(texts):
                if turn:
                    text = f"{turn}.{i}\n{text}"
                yield text
                held += len(text.encode())
                if held >= size:
                    return
            turn += 1

    def language_probes(self, code):
        """Passages of held-out documents of the language, 100 kB or what there is."""
        held = 0
        for name, text in self._of_language(code):
            if order(name)[0] % 8 == 0 and held < 100_000:
                passage = text[len(text) // 4 :][:1500]
                held += len(passage.encode())
                yield name, passage

    def _of_language(self, code):
        pattern = re.compile(LANGUAGES[code])
        paths = list(self.pool["languages"].values()) + [p for n, p in self.pool["documents"].items() if n == "debian-handbook"]
        return sorted(((n, t) for n, t in rows(paths) if pattern.search(n)), key=lambda row: order(row[0]))


def grams(text):
    """Digests of the runs of 13 words of a text. Equal runs have equal digests; that is all they are for."""
    words = _WORD.findall(text.lower())
    return {hash(tuple(words[i : i + 13])) for i in range(len(words) - 12)}


def alternating(a, b):
    """Pairs of a and b; the shorter starts again when it ends."""
    if a and b:
        for i in range(max(len(a), len(b))):
            yield a[i % len(a)], b[i % len(b)]


def cut(texts, size):
    """The texts joined and cut into documents of about that many bytes."""
    part, held = [], 0
    for text in texts:
        data = text.encode()
        for at in range(0, len(data), size):
            piece = data[at : at + size - held]
            part.append(piece)
            held += len(piece)
            rest = data[at + len(piece) : at + size]
            if held >= size:
                yield b"".join(part).decode(errors="ignore")
                part, held = ([rest], len(rest)) if rest else ([], 0)
    if part:
        yield b"".join(part).decode(errors="ignore")


GRAM = 32  # bytes of a seed, for the share that hits
HIT = 0.40


def planted(texts, probes, facts):
    """The documents with pieces of the probes written over their own text, as many as make HIT of all places hit."""
    rng = random.Random(12345)
    total = hits = 0
    for text in texts:
        out, at = [], 0
        while at < len(text):
            # A stretch of its own, then pieces until the share is right: the share holds from the first document on.
            own = rng.randint(20, 700)
            out.append(text[at : at + own])
            total += min(own, len(text) - at)
            at += own
            while at < len(text) and hits < HIT * total:
                length = rng.randint(20, 500) if rng.random() < 0.98 else rng.randint(500, 2500)
                probe = probes[rng.randrange(len(probes))]
                start = rng.randrange(len(probe))
                piece = probe[start : start + length]
                out.append(piece)
                total += len(piece)
                hits += max(0, len(piece) - GRAM + 1)
                at += len(piece)
        yield "".join(out)
    facts["share_of_seeds"] = round(hits / total, 3)


class Boilerplate:
    """Documents that are mostly the licence headers and page chrome of real files, and probes with the same."""

    def __init__(self, mix):
        counts = {}
        for text in mix.corpus:
            header = text[: text.find("\npackage ")] if text.startswith("//") and "\npackage " in text[:3000] else ""
            if 300 < len(header):
                counts[header] = counts.get(header, 0) + 1
        headers = sorted(counts, key=lambda h: (-counts[h], h))[:40]
        licences = [t for t in mix.corpus if "Permission is hereby granted" in t[:2000] or "Apache License" in t[:300]]
        licences = sorted((t for t in licences if 800 < len(t) < 12_000), key=lambda t: (len(t), t))[:40]
        pages = [t for t in mix.corpus if 3000 < len(t) and not t.startswith(("//", "package ", "/*"))]
        self.tops = [t[:600] for t in pages[:200]]
        self.ends = [t[-500:] for t in pages[:200]]
        self.headers = headers or [t[:800] for t in licences]
        self.licences = licences or self.headers
        self.bodies = [t for t in mix.corpus if len(t) > 2000]
        self.held_out = [t for t in mix.held_out["documents"] if len(t) > 2000]

    def corpus(self, size, facts):
        rng, held, chrome = random.Random(7), 0, 0
        while held < size:
            text, own = self._page(rng, rng.choice(self.bodies), rng.randint(100, 400))
            yield text
            n = len(text.encode())
            held, chrome = held + n, chrome + n - own
        facts["boilerplate_share"] = round(chrome / held, 3)
        facts["headers"], facts["licences"], facts["pages"] = len(self.headers), len(self.licences), len(self.tops)

    def probes(self, count):
        rng = random.Random(8)
        for _ in range(count):
            yield self._page(rng, rng.choice(self.held_out), rng.randint(300, 600), whole=False)[0]

    def _page(self, rng, source, length, whole=True):
        start = rng.randrange(max(1, len(source) - length))
        body = source[start : start + length]
        parts = [rng.choice(self.headers), rng.choice(self.tops), body, rng.choice(self.ends)]
        if whole and rng.random() < 0.1:
            parts.append(rng.choice(self.licences))
        return "\n".join(parts), len(body.encode())


def synthetic(seeds):
    """Texts of words that nobody wrote, of two to eleven letters, with about that many indexed grams in all."""
    import numpy

    rng = numpy.random.default_rng(9)
    letters = numpy.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz", numpy.uint8)
    for held in range(0, seeds, 2000):
        size = min(2000, seeds - held)
        text = letters[rng.integers(0, len(letters), size)].copy()
        ends = numpy.cumsum(rng.integers(3, 13, size // 3))
        text[ends[ends < size - 1]] = ord(" ")
        yield text.tobytes().decode()
