"""Recomputes one exported checkpoint in NumPy, from the definitions alone, and compares.

    pip install numpy polars
    spectral-alignment export EXPERIMENT --replicate 0 --checkpoint last --out DIR
    python scripts/recompute.py DIR

Exit status 1 if an eigenvalue is off by more than 1e-8 of its block's largest, by more than 1e-6 an alignment or an
outlier eigenspace (every leading one that a gap above 1e-3 of the largest eigenvalue separates from the rest), or in
task B a rectangular block W_i v by more than 1e-8 of its norm; or if there was nothing to compare.
"""
import json, pathlib, sys
import numpy as np, polars as pl

folder = pathlib.Path(sys.argv[1])
meta = json.loads((folder / "meta.json").read_text())
d, xor, mlp = meta["d"], meta["task"] == "xor", meta["task"] == "mlp"
read = lambda name: pl.read_parquet(folder / f"{name}.parquet")
means, parameters, sample, spectrum, vectors, alignment = map(read,
    ("means", "parameters", "sample", "spectrum", "eigenvectors", "alignment"))
rows = lambda table, *keys: table.sort(*keys)["value"].to_numpy().reshape(-1, d)
sample = sample.sort("index")
Y, label, mu = sample["features"].explode().to_numpy().reshape(-1, d), sample["label"].to_numpy(), rows(means, "cluster", "col")
norm = np.linalg.norm

def span(columns, cut):
    U, s, _ = np.linalg.svd(columns, full_matrices=False)
    return U[:, s > cut * s[0]]

# By layer: features F, per-sample weights of block (a, b), the vectors that align, the space they align with. A block is
# the mean of weight · F Fᵀ.
if xor:
    W, v = rows(parameters.filter(layer="W"), "row", "col"), parameters.filter(layer="v").sort("row")["value"].to_numpy()
    relu, gate = np.maximum(Y @ W.T, 0), Y @ W.T > 0
    f = relu @ v
    with np.errstate(over="ignore"):
        q, r = 1 / (2 + np.exp(f) + np.exp(-f)), np.where(label == 1, -1 / (1 + np.exp(f)), 1 / (1 + np.exp(-f)))
    square = {"hessian": q, "gradient": r * r}
    layers = {"W": (Y, lambda of, a, b: square[of] * v[a] * gate[:, a] * v[b] * gate[:, b], W, span(mu.T, 1e-6)),
              "v": (relu, lambda of, a, b: square[of], v[None], span(np.maximum(W @ mu.T, 0), 0.1))}
elif mlp:
    weights = {}
    for layer in sorted(set(parameters["layer"])):
        of = parameters.filter(layer=layer).sort("row", "col")
        weights[layer] = of["value"].to_numpy().reshape(of["row"].max() + 1, -1)
    inputs, pushed, gates = [Y], [mu.T], []
    for W in weights.values():
        z = inputs[-1] @ W.T
        gates.append(z > 0), inputs.append(np.maximum(z, 0)), pushed.append(np.maximum(W @ pushed[-1], 0))
    if len(weights["W%d" % len(weights)]) == 1:
        s = 1 / (1 + np.exp(-z[:, 0]))
        S, error = (s * (1 - s))[:, None, None], (s - label)[:, None]
    else:
        pi = np.exp(z - z.max(axis=1, keepdims=True))
        pi /= pi.sum(axis=1, keepdims=True)
        S, error = pi[:, :, None] * (np.eye(pi.shape[1]) - pi[:, None, :]), pi - np.eye(pi.shape[1])[label]
    J, layers = np.broadcast_to(np.eye(z.shape[1]), S.shape if z.shape[1] > 1 else (len(Y), 1, 1)), {}
    for index, (layer, W) in reversed(list(enumerate(weights.items()))):
        def weight_of(of, a, b, J=J):
            left, right = J[:, :, a], J[:, :, b]
            if of == "gradient":
                return (error * left).sum(1) * (error * right).sum(1)
            return np.einsum("nq,nqr,nr->n", left, S, right)
        layers[layer] = (inputs[index], weight_of, W, span(pushed[index], 0.1 if index else 1e-6))
        J = J @ W * gates[index - 1][:, None, :] if index else J
else:
    x = rows(parameters.filter(layer="x"), "row", "col")
    logits = Y @ x.T
    pi = np.exp(logits - logits.max(axis=1, keepdims=True))
    pi /= pi.sum(axis=1, keepdims=True)
    error = pi - np.eye(len(x))[label]
    weight = {"hessian": lambda a, b: pi[:, a] * ((a == b) - pi[:, b]), "gradient": lambda a, b: error[:, a] * error[:, b]}
    layers = {"x": (Y, lambda of, a, b: weight[of](a, b), x, span(mu.T, 1e-6))}

sine = lambda U, V: max(norm(U - V @ (V.T @ U), 2), norm(U.T @ U - np.eye(U.shape[1]), 2))
worst = {"eigenvalue": [], "eigenspace": [], "alignment": []} | ({"cross": []} if xor else {})
for layer, (F, weight_of, aligned, space) in layers.items():
    dim, size = space.shape[1], range(len(aligned))
    blocks = {(of, a, b) for of in ("hessian", "gradient") for a in size for b in size if a == b or (a < b and not mlp)}
    stated = spectrum.filter(layer=layer).partition_by("matrix", "row", "col", as_dict=True)
    assert blocks <= stated.keys(), f"not every block of layer {layer} was exported"
    bases = {("means", a): space for a in size}
    for (of, a, b), block in stated.items():
        values, V = np.linalg.eigh(F.T @ (weight_of(of, a, b)[:, None] * F) / len(F))
        order = np.argsort(-np.abs(values))
        values, V = values[order], V[:, order]
        off = np.abs(block["eigenvalue"].to_numpy() - values[block["rank"].to_numpy() - 1])
        worst["eigenvalue"].append(off.max() / (abs(values[0]) or 1))
        if a == b:  # eigenvectors are exported for diagonal blocks
            stored = vectors.filter(matrix=of, layer=layer, row=a).sort("rank", "col")["value"].to_numpy().reshape(-1, len(V)).T
            gaps = values - np.append(values[1:], -np.inf)
            separated = [top for top in range(1, dim + 1) if gaps[top - 1] > 1e-3 * values[0]]
            worst["eigenspace"] += [sine(stored[:, :top], V[:, :top]) for top in separated]
            if dim in separated:
                bases[of, a] = V[:, :dim]
    rhos = alignment.filter(layer=layer)
    assert len(rhos) == 3 * len(size), f"not every alignment of layer {layer} was exported"
    for row in rhos.iter_rows(named=True):
        if (B := bases.get((row["subspace"], row["row"]))) is not None:
            vector = aligned[row["row"]]
            worst["alignment"].append(abs(row["value"] - norm(B.T @ vector) / (norm(vector) or 1)))
if xor:
    stated = read("cross").partition_by("matrix", "row", as_dict=True)
    assert len(stated) == 2 * len(v), "not every block W_i v was exported"
    for (of, i), block in stated.items():
        coefficients = (square[of] * v[i])[:, None] * relu
        coefficients[:, i] += r if of == "hessian" else 0
        expected = Y.T @ (gate[:, i, None] * coefficients) / len(Y)
        found = block.sort("col", "neuron")["value"].to_numpy().reshape(expected.shape)
        worst["cross"].append(norm(found - expected) / (norm(expected) or 1))
good = True
for (name, off), bound in zip(worst.items(), (1e-8, 1e-6, 1e-6, 1e-8)):
    print(f"{name}: {len(off)} compared, worst deviation {np.max(off, initial=0):.1e}, allowed {bound:.0e}")
    good &= len(off) > 0 and np.max(off) <= bound
sys.exit(0 if good else 1)
