"""DuckDB, as a data team would write it: words of both sides in SQL, the 13-grams hashed, and a join of the hashes.

The probes' hashes are a table made beforehand. A document is found when it shares a hash, a probe likewise.
"""
import os

import duckdb

import answer

FOLLOWING = ", ".join(f"lead(word, {i}) OVER document" for i in range(1, 13))
GRAMS = f"""
    WITH split AS (
        SELECT id, list_filter(string_split_regex(lower(text), '[^\\p{{L}}\\p{{M}}\\p{{N}}]+'), lambda x: x <> '') AS w
        FROM read_parquet('FOLDER/*.parquet')
    ), words AS (
        SELECT id, unnest(w) AS word, generate_subscripts(w, 1) AS i FROM split
    )
    SELECT id, hash(word, {FOLLOWING}) AS gram FROM words
    WINDOW document AS (PARTITION BY id ORDER BY i) QUALIFY lead(word, 12) OVER document IS NOT NULL
"""


def connect(work):
    db = duckdb.connect(str(work / "probes.duckdb"))
    db.execute(f"SET threads = {len(os.sched_getaffinity(0))}")
    db.execute("SET memory_limit = '8GB'")
    return db


def prepare(work, corpus, probes):
    (work / "probes.duckdb").unlink(missing_ok=True)
    with connect(work) as db:
        db.execute("CREATE TABLE grams AS SELECT DISTINCT * FROM (" + GRAMS.replace("FOLDER", probes) + ")")


def run(work, corpus, probes):
    with connect(work) as db:
        grams = GRAMS.replace("FOLDER", corpus)
        pairs = db.execute(f"SELECT DISTINCT c.id, p.id FROM ({grams}) c JOIN grams p USING (gram)").fetchall()
    return {"documents": {d for d, _ in pairs}, "probes": {p for _, p in pairs}}


if __name__ == "__main__":
    answer.main(prepare, run)
