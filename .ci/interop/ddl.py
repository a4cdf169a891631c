#!/usr/bin/env python3
"""ddl.py PALIMPSEST RUN_DIR creates the tables by what `palimpsest schema` says, and loads a finished run into them.

DuckDB carries it out, and finds the columns of the Parquet files to have the types that it was told. The statements of the other dialects
are parsed, each as its own. Exits 1 at the first thing that is wrong.
"""

import pathlib
import subprocess
import sys

import duckdb
import sqlglot

PARSED = {"bigquery": "bigquery", "clickhouse": "clickhouse", "postgresql": "postgres", "snowflake": "snowflake"}


def ddl(palimpsest, dialect):
    return subprocess.run([palimpsest, "schema", "--format", dialect], check=True, capture_output=True, text=True).stdout


def main(palimpsest, run):
    db = duckdb.connect()
    db.execute(ddl(palimpsest, "duckdb"))
    loaded = 0
    for path in sorted(pathlib.Path(run, "parquet").glob("*/*.parquet")):
        table = path.parent.name
        created = db.execute(f"SELECT column_name, column_type FROM (DESCRIBE {table})").fetchall()
        found = db.execute(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_parquet('{path}'))").fetchall()
        if created != found:
            sys.exit(f"{table}: created with {created}, and the file has {found}")
        db.execute(f"INSERT INTO {table} SELECT * FROM read_parquet('{path}')")
        loaded += db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    tables, described = db.execute("SELECT count(*), count(comment) FROM duckdb_tables()").fetchone()
    columns, meant = db.execute("SELECT count(*), count(comment) FROM duckdb_columns() WHERE NOT internal").fetchone()
    if loaded == 0 or tables != described or columns != meant:
        sys.exit(f"{loaded} rows; {described} of {tables} tables and {meant} of {columns} columns have a comment")
    print(f"duckdb {duckdb.__version__}: {tables} tables and {columns} columns created, {loaded} rows loaded")
    for dialect, name in PARSED.items():
        statements = sqlglot.parse(ddl(palimpsest, dialect), dialect=name, error_level=sqlglot.ErrorLevel.RAISE)
        made = [s for s in statements if isinstance(s, sqlglot.exp.Create) and s.kind == "TABLE"]
        read = sum(len(s.this.expressions) for s in made)
        if len(made) != tables or read != columns:
            sys.exit(f"{dialect}: {len(made)} tables and {read} columns, of {tables} and {columns}")
        print(f"{dialect}: {len(statements)} statements parsed")


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
