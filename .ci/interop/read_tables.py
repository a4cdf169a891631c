#!/usr/bin/env python3
"""read_tables.py RUN_DIR reads every table of a finished run with pyarrow, DuckDB and Polars.

It checks that the files are the ones the manifest lists, that each reader finds the rows the manifest counts, that the Arrow and
the Parquet file of a table hold the same, that only the types of the contract occur, and that the tables agree with one another.
It prints what it found and exits 1 at the first thing that is wrong.
"""

import collections
import hashlib
import json
import os
import sys

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

# Arrow's type, DuckDB's, Polars'.
TYPES = {
    pa.string(): ("VARCHAR", pl.String()),
    pa.int64(): ("BIGINT", pl.Int64()),
    pa.float64(): ("DOUBLE", pl.Float64()),
    pa.bool_(): ("BOOLEAN", pl.Boolean()),
    pa.timestamp("us", "UTC"): ("TIMESTAMP WITH TIME ZONE", pl.Datetime("us", "UTC")),
}


class Wrong(Exception):
    pass


def require(condition, message):
    if not condition:
        raise Wrong(message)


def digest(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


class Table:
    """One table of the run: its files, and what pyarrow reads in them."""

    def __init__(self, name):
        self.name = name
        self.files = {"arrow": [], "parquet": []}
        self.rows = {"arrow": 0, "parquet": 0}

    def read_arrow(self):
        return pa.concat_tables([pa.ipc.open_file(p).read_all() for p in self.files["arrow"]])

    def read_parquet(self):
        # ParquetFile, since read_table takes columns from directory names
        return pa.concat_tables([pq.ParquetFile(p).read() for p in self.files["parquet"]])

    def check(self, connection):
        """Reads the table in every way and returns the rows that each reader found."""
        arrow, parquet = self.read_arrow(), self.read_parquet()
        arrow.validate(full=True)
        parquet.validate(full=True)
        self.check_schema(arrow.schema, parquet.schema)
        require(
            arrow.replace_schema_metadata().equals(parquet.replace_schema_metadata()),
            f"{self.name}: the Arrow and the Parquet file differ",
        )

        connection.execute(f"CREATE VIEW {self.name} AS SELECT * FROM read_parquet({self.files['parquet']})")
        described = [(c, t) for c, t, *_ in connection.execute(f"DESCRIBE {self.name}").fetchall()]
        expected = [(f.name, TYPES[f.type][0]) for f in arrow.schema]
        require(described == expected, f"{self.name}: DuckDB sees {described}, not {expected}")
        in_duckdb = connection.execute(f"SELECT count(*) FROM {self.name}").fetchone()[0]

        frames = [
            pl.concat([pl.read_ipc(p) for p in self.files["arrow"]]),
            pl.concat([pl.read_parquet(p, hive_partitioning=False) for p in self.files["parquet"]]),
        ]
        require(frames[0].equals(frames[1]), f"{self.name}: Polars reads different things in Arrow and Parquet")
        seen = list(zip(frames[0].columns, frames[0].dtypes))
        expected = [(f.name, TYPES[f.type][1]) for f in arrow.schema]
        require(seen == expected, f"{self.name}: Polars sees {seen}, not {expected}")

        found = {"pyarrow": arrow.num_rows, "duckdb": in_duckdb, "polars": frames[0].height}
        for rows in (*found.values(), parquet.num_rows, self.rows["parquet"]):
            require(rows == self.rows["arrow"], f"{self.name}: the manifest counts {self.rows}, the readers {found}")
        return found

    def check_schema(self, arrow, parquet):
        require(arrow.names[0] == "run_id", f"{self.name}: the first column is {arrow.names[0]}, not run_id")
        require(arrow.names == parquet.names, f"{self.name}: the columns differ: {arrow.names}, {parquet.names}")
        for a, p in zip(arrow, parquet):
            require(a.type in TYPES, f"{self.name}.{a.name}: {a.type} is no type of the contract")
            require(a.type == p.type, f"{self.name}.{a.name}: {a.type} in Arrow, {p.type} in Parquet")
            require(a.nullable == p.nullable, f"{self.name}.{a.name}: nullable in one format only")
        require(arrow.metadata, f"{self.name}: the Arrow file has no metadata")


def open_run(run):
    """The run's manifest and tables, after a check that the files are whole."""
    path = os.path.join(run, "manifest.json")
    with open(path, "rb") as f:
        manifest = json.load(f)
    with open(os.path.join(run, "_SUCCESS"), encoding="ascii") as f:
        require(digest(path) in f.read(), "_SUCCESS does not hold the manifest's sha256")
    tables = {}
    for o in manifest["outputs"]:
        file = os.path.join(run, o["path"])
        require(os.path.getsize(file) == o["bytes"], f"{o['path']} has {os.path.getsize(file)} bytes, not {o['bytes']}")
        require(digest(file) == o["sha256"], f"{o['path']} is not the file that the manifest lists")
        t = tables.setdefault(o["table"], Table(o["table"]))
        t.files[o["format"]].append(file)
        t.rows[o["format"]] += o["rows"]
    require(tables, "the manifest lists no outputs")
    return manifest, tables


# What must be 0 in any run: name, the tables it needs, a query for the number of rows that break it.
INVARIANTS = [
    ("runs has one row", "runs", "SELECT count(*) - 1 FROM runs"),
    ("runs.probes counts the probes", "runs probes", "SELECT (SELECT probes FROM runs) - (SELECT count(*) FROM probes)"),
    ("probe ids are unique", "probes", "SELECT count(*) - count(DISTINCT probe_id) FROM probes"),
    (
        "every probe has one row of evidence",
        "probes evidence",
        "SELECT count(*) FROM probes FULL JOIN evidence USING (probe_id) WHERE probes.run_id IS NULL OR evidence.run_id IS NULL",
    ),
    (
        "evidence.spans counts the spans",
        "evidence spans",
        """SELECT count(*) FROM evidence e LEFT JOIN (SELECT probe_id, count(*) n FROM spans GROUP BY 1) s USING (probe_id)
           WHERE coalesce(e.spans, 0) <> coalesce(s.n, 0)""",
    ),
    (
        "evidence.longest_span_words is the longest span",
        "evidence spans",
        """SELECT count(*) FROM evidence e JOIN (SELECT probe_id, max(words) n FROM spans GROUP BY 1) s USING (probe_id)
           WHERE e.longest_span_words IS DISTINCT FROM s.n""",
    ),
    ("a span is as long as its offsets say", "spans", "SELECT count(*) FROM spans WHERE words <> word_end - word_start OR byte_end <= byte_start"),
    (
        "no span lies inside another",
        "spans",
        """SELECT count(*) FROM spans a JOIN spans b USING (probe_id)
           WHERE a.span_index <> b.span_index AND a.word_start >= b.word_start AND a.word_end <= b.word_end""",
    ),
    (
        "a span's text is as long as its bytes",
        "spans",
        "SELECT count(*) FROM spans WHERE text IS NOT NULL AND octet_length(encode(text)) <> byte_end - byte_start",
    ),
    ("a span stands at least once in each of its documents", "spans", "SELECT count(*) FROM spans WHERE documents < 1 OR occurrences < documents"),
    (
        "every span has sources, and no more than its documents",
        "spans span_sources",
        """SELECT count(*) FROM spans s LEFT JOIN (SELECT probe_id, span_index, count(*) n FROM span_sources GROUP BY ALL) l
           USING (probe_id, span_index) WHERE coalesce(l.n, 0) NOT BETWEEN 1 AND s.documents""",
    ),
    ("every source belongs to a span", "spans span_sources", "SELECT count(*) FROM span_sources ANTI JOIN spans USING (probe_id, span_index)"),
    (
        "every listed document stands in documents",
        "span_sources matches documents",
        """SELECT count(*) FROM (SELECT document_uri, document_row FROM span_sources UNION SELECT document_uri, document_row FROM matches)
           ANTI JOIN documents USING (document_uri, document_row)""",
    ),
    (
        "evidence.documents is at least the matches listed",
        "evidence matches",
        """SELECT count(*) FROM evidence e JOIN (SELECT probe_id, count(*) n FROM matches WHERE covered_words > 0 GROUP BY 1) m USING (probe_id)
           WHERE m.n > e.documents + coalesce(e.exact_words_documents, 0) + coalesce(e.near_documents, 0)""",
    ),
    (
        "overlap at the shortest n covers what evidence says",
        "evidence overlap",
        """SELECT count(*) FROM evidence e JOIN (SELECT * FROM overlap QUALIFY n = min(n) OVER (PARTITION BY probe_id)) o USING (probe_id)
           WHERE abs(coalesce(e.coverage, 0) - coalesce(o.coverage, 0)) > 1e-12""",
    ),
    (
        "overlap falls as n grows",
        "overlap",
        "SELECT count(*) FROM overlap a JOIN overlap b USING (probe_id) WHERE a.n < b.n AND a.covered_words < b.covered_words",
    ),
    (
        "every scored probe is a probe",
        "likelihood probes",
        "SELECT count(*) FROM likelihood l ANTI JOIN probes USING (probe_id) WHERE NOT l.control",
    ),
    (
        "every window belongs to a scored text",
        "likelihood windows",
        "SELECT count(*) FROM windows ANTI JOIN likelihood USING (probe_id, model)",
    ),
    (
        "evidence.max_p is the greatest of the windows",
        "evidence windows",
        """SELECT count(*) FROM evidence e JOIN (SELECT probe_id, max(exp(log_p)) p FROM windows GROUP BY 1) w USING (probe_id)
           WHERE w.p IS NOT NULL AND abs(coalesce(e.max_p, -1) - w.p) > 1e-9 * w.p""",
    ),
    (
        "generations have no p-value",
        "evidence",
        "SELECT count(*) FROM evidence WHERE kind = 'generation' AND (p_value IS NOT NULL OR q_value IS NOT NULL)",
    ),
    ("a q-value is at least its p-value", "evidence", "SELECT count(*) FROM evidence WHERE q_value < p_value - 1e-12"),
]

# p-values from the published controls, for scores of which a higher value is more member-like.
P_VALUES = """
    SELECT count(*) FILTER (abs(e.p_value - r.p) > 1e-12), count(*) FROM evidence e JOIN (
      SELECT e.probe_id, (1 + count(*) FILTER (c.{score} >= e.score)) / (1 + count(*)) p, count(*) n
      FROM evidence e JOIN likelihood c ON c.control AND c.role = 'target' AND c.control_group IS NOT DISTINCT FROM e.control_group
      WHERE e.score_name = '{score}' AND c.{score} IS NOT NULL GROUP BY 1) r USING (probe_id)
    WHERE e.p_value IS NOT NULL AND r.n = e.controls"""


def check_across(connection, tables):
    """The tables against one another. Tables that the run does not have are named."""
    for name, needs, query in INVARIANTS:
        absent = [t for t in needs.split() if t not in tables]
        if absent:
            print(f"not checked, no table {', '.join(absent)}: {name}")
            continue
        broken = connection.execute(query).fetchone()[0]
        require(broken == 0, f"{name}: {broken} rows break this")
        print(f"holds: {name}")
    if "evidence" in tables and "likelihood" in tables:
        checked = 0
        for score in ("reference_log_ratio", "min_k_pp", "min_k", "log_prob"):
            broken, of = connection.execute(P_VALUES.format(score=score)).fetchone()
            require(broken == 0, f"{broken} of {of} p-values of {score} do not follow from the controls in likelihood")
            checked += of
        claimed = connection.execute("SELECT count(*) FROM evidence WHERE p_value IS NOT NULL").fetchone()[0]
        print(f"holds: {checked} of {claimed} p-values follow from the controls in likelihood")
    if "probes" in tables and "spans" in tables:
        check_texts(connection)


def check_texts(connection):
    """Every span's text is the probe's text between its offsets."""
    rows = connection.execute(
        "SELECT p.probe_id, p.text, s.text, s.byte_start, s.byte_end FROM spans s JOIN probes p USING (probe_id)"
        " WHERE p.text IS NOT NULL AND s.text IS NOT NULL"
    ).fetchall()
    for probe, text, span, start, end in rows:
        require(text.encode()[start:end] == span.encode(), f"{probe}: bytes {start} to {end} are not the span's text")
    print(f"holds: {len(rows)} spans are the probe's text between their offsets")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: read_tables.py RUN_DIR")
    connection = duckdb.connect()
    try:
        manifest, tables = open_run(sys.argv[1])
        print("| table | rows | pyarrow | duckdb | polars |\n|---|---|---|---|---|")
        runs = collections.Counter()
        for t in tables.values():
            found = t.check(connection)
            print(f"| {t.name} | {t.rows['arrow']} | {found['pyarrow']} | {found['duckdb']} | {found['polars']} |")
            runs.update(r for (r,) in connection.execute(f"SELECT DISTINCT run_id FROM {t.name}").fetchall())
        require(len(runs) == 1, f"the tables name these runs: {sorted(runs)}")
        check_across(connection, tables)
    except (Wrong, pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError) as err:
        sys.exit(f"{sys.argv[1]}: {err}")


if __name__ == "__main__":
    main()
