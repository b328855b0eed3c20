#!/usr/bin/env python3
"""Uses every Parquet table below a folder as a peer would, with pyarrow, pandas and DuckDB, and fails loudly.

    python3 tests/peers/tables.py FOLDER

Each table is read, filtered by a string and by an integer, sorted, joined with its own groups and written again. The three
libraries must agree. Needs pyarrow, pandas and duckdb from PyPI.
"""

import sys
import tempfile
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

TYPES = {pa.int64(), pa.float64(), pa.string(), pa.bool_(), pa.list_(pa.float64())}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def first(column):
    """The first value that is not missing."""
    return next((value for value in column.to_pylist() if value is not None), None)


def same(what, *counts):
    assert len(set(counts)) == 1, f"{what}: {counts}"


def check(path, scratch):
    table = pq.read_table(path)
    file = str(path)
    same("rows", len(table), len(pd.read_parquet(path)), pq.read_metadata(path).num_rows)
    for field in table.schema:
        kind = pa.list_(field.type.value_type) if pa.types.is_list(field.type) else field.type
        assert kind in TYPES, f"column {field.name} has type {field.type}"
    views = [str(row[1]) for row in duckdb.execute("DESCRIBE SELECT * FROM read_parquet(?)", [file]).fetchall()]
    names = {"int64": "BIGINT", "double": "DOUBLE", "string": "VARCHAR", "bool": "BOOLEAN"}
    wanted = [names.get(str(field.type), "DOUBLE[]") for field in table.schema]
    assert views == wanted, f"types in DuckDB: {views}, not {wanted}"

    plain = [field.name for field in table.schema if not pa.types.is_list(field.type)]
    keys = [name for name in plain if table.schema.field(name).type in (pa.string(), pa.int64())]
    for key in keys:
        value = first(table[key])
        if value is None:
            continue
        # Filter.
        expected = sum(found == value for found in table[key].to_pylist())
        same(
            f"rows with {key} = {value!r}",
            expected,
            len(table.filter(pc.field(key) == value)),
            len(pq.read_table(path, filters=[(key, "==", value)])),
            ds.dataset(path).count_rows(filter=pc.field(key) == value),
            len(pd.read_parquet(path, filters=[(key, "==", value)])),
            len(pd.read_parquet(path, filters=[(key, "in", [value])])),
            duckdb.execute(f"SELECT count(*) FROM read_parquet(?) WHERE {quoted(key)} = ?", [file, value]).fetchone()[0],
        )
        # Sort. DuckDB compares the bytes of strings, as Arrow does.
        arrow = table.select(plain).sort_by([(key, "ascending")])[key].drop_null().to_pylist()
        pandas = pd.read_parquet(path, columns=plain).sort_values(key, kind="stable")[key].dropna().tolist()
        query = f"SELECT {quoted(key)} FROM read_parquet(?) WHERE {quoted(key)} IS NOT NULL ORDER BY 1"
        duck = [row[0] for row in duckdb.execute(query, [file]).fetchall()]
        assert arrow == pandas == duck == sorted(arrow), f"sorted by {key}"
        # Join with the number of rows of each value.
        groups = table.group_by(key).aggregate([([], "count_all")])
        groups = groups.filter(pc.is_valid(groups[key]))
        query = f"SELECT count(*) FROM read_parquet(?) t JOIN (SELECT DISTINCT {quoted(key)} k FROM read_parquet(?)) g ON t.{quoted(key)} = g.k"
        frame = pd.read_parquet(path).dropna(subset=[key])
        same(
            f"rows joined by {key}",
            len(arrow),
            len(table.select(plain).join(groups, keys=key, join_type="inner")),
            len(frame.merge(frame[[key]].drop_duplicates(), on=key)),
            duckdb.execute(query, [file, file]).fetchone()[0],
        )
        # A key that the peer made, of the usual type.
        made = pa.table({key: pa.array([value], type=table.schema.field(key).type)})
        same(f"rows joined with {value!r}", expected, len(table.select(plain).join(made, keys=key, join_type="inner")))

    # Write again.
    again = Path(scratch) / "again.parquet"
    pq.write_table(table, again)
    assert pq.read_table(again).equals(table), "written by pyarrow"
    pd.read_parquet(path).to_parquet(again)
    same("rows written by pandas", len(table), len(pq.read_table(again)))
    again.unlink()
    duckdb.execute(f"COPY (SELECT * FROM read_parquet('{file.replace(chr(39), chr(39) * 2)}')) TO '{again}' (FORMAT parquet)")
    copy = pq.read_table(again)
    for name in table.column_names:
        assert copy[name].to_pylist() == table[name].to_pylist(), f"column {name} written by DuckDB"
    if "string" in map(str, table.schema.types):
        import pyarrow.csv

        pyarrow.csv.write_csv(table.select(plain), Path(scratch) / "again.csv")


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    paths = sorted(Path(sys.argv[1]).rglob("*.parquet"))
    if not paths:
        sys.exit(f"no tables below {sys.argv[1]}")
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        for path in paths:
            try:
                check(path, scratch)
            except Exception as error:
                failed += 1
                print(f"{path}: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"{len(paths) - failed} of {len(paths)} tables are good (pyarrow {pa.__version__}, pandas {pd.__version__}, duckdb {duckdb.__version__})")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
