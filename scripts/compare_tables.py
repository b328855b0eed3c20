#!/usr/bin/env python3
"""Compares two folders of tables, `<stage>/[quick/]<table>.parquet`, number by number and bit by bit.

    compare_tables.py OLD NEW

Tables of the same columns are compared row by row. Tables from before matrix, layer, row, col, rank and subspace were columns
are renamed by docs/columns.csv first, and their rows matched by everything but floats. There, `=col` takes an old column,
`=first` the layer x of task A or W of task B, `=magnitude` the rank by magnitude; a statistic without a line keeps its name;
`statistic` is the old column of that name, or `vector`. Integers of any width count as the same type.

Prints what differs and how many numbers were compared; exit status 1 if anything differs or is missing. Needs pyarrow, numpy.
"""

import csv
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

COLUMNS = Path(__file__).parent.parent / "docs" / "columns.csv"
PLACES = ["matrix", "layer", "row", "col", "rank", "subspace", "cluster", "outliers"]


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


def renamed(stage, name, rows, lines):
    """Rows of an old table under new names: (table, statistic, place, column) → values, in sets of floats' bits."""
    lines = {line["statistic"]: line for line in lines if (line["stage"], line["table"]) == (stage, name)}
    sizes = defaultdict(list)
    for row in rows:
        sizes[row.get("experiment"), row.get("replicate"), row["step"], row.get("statistic")].append(row["value"])
    for row in rows:
        statistic = row.get("statistic", row.get("vector", ""))
        line = lines.get(statistic)
        new = {"experiment": row.get("experiment"), "replicate": row.get("replicate"), "step": row["step"]}
        new |= {"statistic": statistic} if line is None else {"statistic": line["new_statistic"] or None}

        def meant(place, row=row, line=line, statistic=statistic):
            word = line[place] if line else ""
            if word == "=first":
                return "x" if row["experiment"].startswith("gmm") else "W"
            if word == "=magnitude":
                key = row["experiment"], row["replicate"], row["step"], statistic
                return 1 + sorted(sizes[key], key=abs, reverse=True).index(row["value"])
            if word.startswith("="):
                return row[word[1:]]
            return (int(word) if word.isdigit() else word) if word else None

        new |= {place: meant(place) for place in PLACES}
        table, value = (line["new_table"], line["value"]) if line else (name, "value")
        yield table, value, new, row


def key(row, known):
    return tuple(row.get(name) for name in known)


def mapped(stage, old, new, lines):
    """Compares the tables of a stage of which some have other columns; returns the number of numbers and the differences."""
    known = ["experiment", "replicate", "step", "statistic", *PLACES]
    expected, numbers, problems = defaultdict(dict), 0, []
    for name, table in old.items():
        rows = table.to_pylist()
        for target, value, place, row in renamed(stage, name, rows, lines):
            expected[target, value][key(place, known)] = row
    count = sum(len(rows) for rows in expected.values())
    if count != sum(table.num_rows for table in old.values()):
        problems.append("two old rows become one")
    seen = 0
    for (target, value), wanted in expected.items():
        if target not in new:
            problems.append(f"{target}: missing")
            continue
        table = new[target].to_pylist()
        # Places that only one of the tables has cannot be compared: entries had no experiment, the law of ranks has no step.
        said = [
            i
            for i, name in enumerate(known)
            if name in new[target].column_names and (i > 2 or any(place[i] is not None for place in wanted))
        ]
        have = {tuple(key(row, known)[i] for i in said): row for row in table}
        if len(have) != len(table):
            problems.append(f"{target}: two rows of the same place")
        for place, row in wanted.items():
            found = have.get(tuple(place[i] for i in said))
            if found is None:
                problems.append(f"{target}: no row {place}")
                continue
            seen += 1
            numbers += 1 + len(said)
            pairs = [(row["value"], found[value])]
            pairs += [(row[name], found[name]) for name in ("time",) if name in row and name in found]
            if any(np.float64(a).tobytes() != np.float64(b).tobytes() for a, b in pairs):
                problems.append(f"{target}: {place} was {row['value']!r}, is {found[value]!r}")
    values = {target: len({value for other, value in expected if other == target}) for target, _ in expected}
    total = sum(table.num_rows * values.get(name, 1) for name, table in new.items())
    if seen != total:
        problems.append(f"{total} new numbers, {seen} of them matched")
    return numbers, problems


def same(before, after):
    """The number of values in tables of the same columns, and the columns that differ."""
    numbers, problems = 0, []
    for label in before.column_names:
        ours, theirs = column(before[label]), column(after[label])
        numbers += sum(part.size for part in ours[1:])
        if not (len(ours) == len(theirs) and all(np.array_equal(a, b) for a, b in zip(ours, theirs))):
            problems.append(f"column {label} differs")
    return numbers, problems


def main(old, new):
    lines = list(csv.DictReader(COLUMNS.open()))
    folders = {path.parent.relative_to(folder) for folder in map(Path, (old, new)) for path in folder.rglob("*.parquet")}
    tables = numbers = bad = renames = 0
    for folder in sorted(folders):
        before, after = (
            {path.stem: pq.read_table(path) for path in sorted((Path(root) / folder).glob("*.parquet"))}
            for root in (old, new)
        )
        tables += len(after)
        like = [
            name
            for name in before
            if name in after
            and before[name].column_names == after[name].column_names
            and before[name].num_rows == after[name].num_rows
        ]
        problems = []
        for name in like:
            count, found = same(before.pop(name), after.pop(name))
            numbers += count
            problems += [f"{name}: {problem}" for problem in found]
        if before or after:
            renames += len(after)
            stage = folder.parts[0] if folder.parts else ""
            count, found = mapped(stage, before, after, lines)
            numbers += count
            problems += found
        for problem in problems:
            print(f"{folder}: {problem}")
        bad += len(problems)
    print(f"{tables} tables, {renames} of them with new columns, {numbers} values compared, {bad} differences")
    return 1 if bad or not tables else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
