"""Hyperscan's literal matcher: every probe is a phrase; documents are scanned one by one as pyarrow decodes them."""
import hyperscan

import answer


def prepare(work, corpus, probes):
    pass


def run(work, corpus, probes):
    phrases = list(answer.rows(probes))
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[text.encode() for _, text in phrases],
        ids=list(range(len(phrases))),
        elements=len(phrases),
        flags=[hyperscan.HS_FLAG_SINGLEMATCH] * len(phrases),
        literal=True,
    )
    documents, found = set(), set()

    def hit(phrase, start, end, flags, document):
        documents.add(document)
        found.add(phrases[phrase][0])

    for key, text in answer.rows(corpus):
        database.scan(text.encode(), match_event_handler=hit, context=key)
    return {"documents": documents, "probes": found}


if __name__ == "__main__":
    answer.main(prepare, run)
