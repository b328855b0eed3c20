"""Recomputes one exported checkpoint of task A in NumPy, from the definitions alone, and compares.

    pip install numpy polars
    spectral-alignment export EXPERIMENT --replicate 0 --checkpoint last --out DIR
    python scripts/recompute.py DIR

Exit status 1 if an eigenvalue is off by more than 1e-8 of its block's largest, or by more than 1e-6 an alignment or
an outlier eigenspace: every leading one that a gap above 1e-3 of the largest eigenvalue separates from the rest.
"""
import json, pathlib, sys
import numpy as np, polars as pl

folder = pathlib.Path(sys.argv[1])
meta = json.loads((folder / "meta.json").read_text())
d, k = meta["d"], meta["k"]
means, parameters, sample, spectrum, vectors, alignment = (pl.read_parquet(folder / f"{name}.parquet") for name in
    ("means", "parameters", "sample", "spectrum", "eigenvectors", "alignment"))
mu = means.sort("cluster", "col")["value"].to_numpy().reshape(k, d)
x = parameters.filter(layer="x").sort("row", "col")["value"].to_numpy().reshape(k, d)
sample = sample.sort("index")
Y, label = sample["features"].explode().to_numpy().reshape(-1, d), sample["label"].to_numpy()
logits = Y @ x.T
pi = np.exp(logits - logits.max(axis=1, keepdims=True))
pi /= pi.sum(axis=1, keepdims=True)
error = pi - np.eye(k)[label]
weight = {"hessian": lambda a, b: pi[:, a] * ((a == b) - pi[:, b]), "gradient": lambda a, b: error[:, a] * error[:, b]}

for table in (spectrum.filter(layer="x").filter(pl.col("row") == pl.col("col")), vectors.filter(layer="x")):
    assert table.select("matrix", "row").n_unique() == 2 * k, "not every diagonal block was exported"
sine = lambda U, V: max(np.linalg.norm(U - V @ (V.T @ U), 2), np.linalg.norm(U.T @ U - np.eye(U.shape[1]), 2))
bases, worst = {("means", c): np.linalg.qr(mu.T)[0] for c in range(k)}, {"eigenvalue": [], "eigenspace": [], "alignment": []}
for (matrix, a, b), block in spectrum.filter(layer="x").group_by("matrix", "row", "col", maintain_order=True):
    values, V = np.linalg.eigh(Y.T @ (weight[matrix](a, b)[:, None] * Y) / len(Y))
    order = np.argsort(-np.abs(values))
    values, V = values[order], V[:, order]
    off = np.abs(block["eigenvalue"].to_numpy() - values[block["rank"].to_numpy() - 1])
    worst["eigenvalue"].append(off.max() / abs(values[0]))
    if a == b:  # eigenvectors are exported for diagonal blocks
        stored = vectors.filter(matrix=matrix, layer="x", row=a).sort("rank", "col")["value"].to_numpy().reshape(-1, d).T
        leading = range(1, min(k, stored.shape[1]) + 1)
        separated = [r for r in leading if values[r - 1] - values[r] > 1e-3 * values[0]]
        worst["eigenspace"] += [sine(stored[:, :r], V[:, :r]) for r in separated]
        if k in separated:
            bases[matrix, a] = V[:, :k]
for row in alignment.filter(layer="x").iter_rows(named=True):
    if (B := bases.get((row["subspace"], row["row"]))) is not None:
        worst["alignment"].append(abs(row["value"] - np.linalg.norm(B.T @ x[row["row"]]) / np.linalg.norm(x[row["row"]])))
good = True
for (name, off), bound in zip(worst.items(), (1e-8, 1e-6, 1e-6)):
    print(f"{name}: {len(off)} compared, worst deviation {np.max(off, initial=0):.1e}, allowed {bound:.0e}")
    good &= len(off) > 0 and np.max(off) <= bound
sys.exit(0 if good else 1)
