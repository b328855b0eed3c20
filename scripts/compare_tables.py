#!/usr/bin/env python3
"""Compares two folders of tables, `<stage>/[quick/]<table>.parquet`, row by row and bit by bit.

    compare_tables.py OLD NEW

Integers of any width count as the same type: tables of before commit "Int64 everywhere" had UInt32 and UInt64. Prints what
differs and how many numbers were compared; exit status 1 if anything differs or is missing. Needs pyarrow and numpy.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def column(values):
    """Values as comparable NumPy arrays: where they are null, and what they are (floats by their bits)."""
    values = values.combine_chunks()
    kind = values.type
    null = np.asarray(values.is_null())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = np.asarray(values.value_lengths().fill_null(0))
        return [null, lengths, *column(pa.chunked_array([values.flatten()]))]
    if pa.types.is_integer(kind):
        return [null, np.asarray(values.fill_null(0)).astype(np.int64)]
    if pa.types.is_floating(kind):
        return [null, np.asarray(values.fill_null(0.0)).astype(np.float64).view(np.uint64)]
    return [null, np.array(["" if value is None else str(value) for value in values.to_pylist()], dtype=object)]


def main(old, new):
    old, new = Path(old), Path(new)
    names = {path.relative_to(folder) for folder in (old, new) for path in folder.rglob("*.parquet")}
    numbers = bad = 0
    for name in sorted(names):
        if not ((old / name).exists() and (new / name).exists()):
            print(f"{name}: only in {old if (old / name).exists() else new}")
            bad += 1
            continue
        before, after = pq.read_table(old / name), pq.read_table(new / name)
        if before.column_names != after.column_names or before.num_rows != after.num_rows:
            print(f"{name}: {before.column_names} x {before.num_rows} against {after.column_names} x {after.num_rows}")
            bad += 1
            continue
        for label in before.column_names:
            ours, theirs = column(before[label]), column(after[label])
            numbers += sum(part.size for part in ours[1:])
            same = len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs))
            if not same:
                print(f"{name}: column {label} differs")
                bad += 1
    print(f"{len(names)} tables, {numbers} values compared, {bad} differences")
    return 1 if bad or not names else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
