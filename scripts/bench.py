"""Measures speed in one run: medians of interleaved repetitions, as ratios to a reference and against declared bounds.

    just bench [--rounds N]

The Rust side is examples/bench.rs, NumPy runs in processes of its own on one thread and on two; each answers a name with
the seconds that one such thing took. Both form the same matrix, and their eigenvalues are compared.
"""
import argparse, json, os, pathlib, shutil, statistics, subprocess, sys, tempfile, time


def worker():
    """Answers names on standard input with seconds, in NumPy."""
    import numpy as np

    d, k, scale, delta, beta, steps = 1000, 10, 0.1, 1e-3, 0.05, 2000
    rng = np.random.default_rng(1)
    x, mu, loaded = rng.standard_normal((k, d)) / np.sqrt(d), np.eye(k, d), {}

    def step():
        nonlocal x
        for _ in range(steps):
            label = rng.integers(k)
            y = mu[label] + scale * rng.standard_normal(d)
            pi = x @ y
            pi = np.exp(pi - pi.max())
            pi /= pi.sum()
            pi[label] -= 1.0
            x *= 1.0 - delta * beta
            x -= np.outer(delta * pi, y)

    def normals():
        for _ in range(steps):
            rng.standard_normal(d)

    def form():
        Y, f = loaded["features"], loaded["weights"]
        return (Y * f[:, None]).T @ Y / len(Y)

    def load(folder):
        for name in ("features", "weights", "eigenvalues"):
            loaded[name] = np.fromfile(pathlib.Path(folder, name), dtype="<f8")
        loaded["features"] = loaded["features"].reshape(len(loaded["weights"]), -1)
        loaded["matrix"] = form()
        values, given = np.linalg.eigvalsh(loaded["matrix"]), loaded["eigenvalues"]
        assert np.abs(values[::-1][: len(given)] - given).max() <= 1e-8 * values[-1], "not the same eigenvalues"

    work = {
        "step": (step, steps), "normals": (normals, steps), "form": (form, 1),
        "eigh": (lambda: np.linalg.eigh(loaded["matrix"]), 1), "block": (lambda: np.linalg.eigh(form()), 1),
    }
    for line in sys.stdin:
        name, *rest = line.split()
        start = time.perf_counter()
        if name == "load":
            load(*rest)
            count = 1
        else:
            run, count = work[name]
            run()
        print((time.perf_counter() - start) / count, flush=True)


class Server:
    """A process that answers names with seconds."""

    def __init__(self, *command, threads=1):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(command, stdin=-1, stdout=-1, text=True, env=environment)

    def __call__(self, request):
        print(request, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"bench: {self.process.args[0]} stopped at `{request}`")
        return float(answer)


def interleaved(rounds, measurements):
    """Median seconds of each measurement over rounds that take them in turn, after one round to warm up."""
    times = {name: [] for name in measurements}
    for turn in range(rounds + 1):
        for name, measure in measurements.items():
            taken = measure()
            if turn:
                times[name].append(taken)
    return {name: statistics.median(values) for name, values in times.items()}


def shown(seconds):
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"


def main():
    parser = argparse.ArgumentParser(prog="just bench")
    parser.add_argument("programs", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=7, help="repetitions of each measurement [default: 7]")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    rust = Server(options.programs / "examples/bench")
    numpy, numpy2 = (Server(sys.executable, __file__, "worker", threads=threads) for threads in (1, 2))
    program, rows = str(options.programs / "spectral-alignment"), []

    def row(what, measured, reference=None, against="", most=None, ratio=None):
        """`most` bounds the seconds, `ratio` what they are of the reference."""
        bound, met = "", ""
        if most is not None:
            bound, met = f"≤ {shown(most)}", "yes" if measured <= most else "NO"
        if ratio is not None:
            bound, met = f"ratio ≤ {ratio}", "yes" if measured <= ratio * reference else "NO"
        quotient = f"{measured / reference:.3f}" if reference else ""
        rows.append((what, shown(measured), f"{shown(reference)} {against}" if reference else against, quotient, bound, met))

    with tempfile.TemporaryDirectory(prefix="spectral-alignment-bench-") as scratch:
        rust(f"write {scratch}")
        numpy(f"load {scratch}")
        numpy2(f"load {scratch}")
        t = interleaved(3 * options.rounds, {
            **{name: lambda name=name: rust(name) for name in (
                "step", "xor step", "chain", "chain-k3", "xor chain", "normals", "arithmetic")},
            "numpy step": lambda: numpy("step"), "numpy normals": lambda: numpy("normals"),
        })
        row("SGD step, d = 1000, k = 10", t["step"], t["numpy step"], "NumPy", most=4e-6)
        row("    against its normals alone", t["step"], t["normals"], "d normals")
        row("    without drawing the sample", t["arithmetic"], t["step"], "step")
        row("    d normals", t["normals"], t["numpy normals"], "NumPy")
        row("reduced chain step, k = 10, d = 10^6", t["chain"], t["step"], "SGD step, d = 1000", most=1e-6)
        row("    k = 3", t["chain-k3"], t["chain"], "k = 10", most=0.5e-6)
        row("    of the network, K = 4", t["xor chain"], t["chain"], "k = 10", most=0.5e-6)
        row("SGD step of the network, d = 1000, K = 20", t["xor step"], t["step"], "step", most=7e-6)
        t = interleaved(options.rounds, {
            **{name: lambda name=name: rust(name) for name in (
                "form", "top", "outliers", "prediction", "dynamics", "eigh", "dsyevd", "dsyevd-values", "dsyevr")},
            **{f"numpy {name}": lambda name=name: numpy(name) for name in ("form", "eigh", "block")},
            "numpy2 block": lambda: numpy2("block"),
        })
        row("block, d = 1000, n = 10000: top 12 pairs", t["top"], t["numpy block"], "NumPy, 1 thread", ratio=0.5)
        row("    on one thread, NumPy on two", t["top"], t["numpy2 block"], "NumPy, 2 threads")
        row("    5 outliers, warm start", t["outliers"], t["numpy block"], "NumPy, 1 thread")
        row("    forming the matrix", t["form"], t["numpy form"], "NumPy, 1 thread")
        row("effective spectrum of a block", t["prediction"], t["top"], "its top 12 pairs", most=0.050)
        row("effective dynamics, k = 10, to t = 60", t["dynamics"], most=5.0)
        for name, what in (("dsyevd", "dsyevd, d = 1000"), ("dsyevd-values", "    values only"), ("dsyevr", "dsyevr, top 12")):
            row(what, t[name], t["eigh"], "ndarray-linalg eigh")
        row("numpy.linalg.eigh, 1 thread", t["numpy eigh"], t["eigh"], "ndarray-linalg eigh")

        def run(profile, data):
            start = time.perf_counter()
            subprocess.run([program, "run", "--profile", profile, "--data", data, "--figures", f"{scratch}/figures"],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return time.perf_counter() - start

        shutil.copytree("figures", f"{scratch}/figures", ignore=shutil.ignore_patterns("variants"))
        cold = run("quick", f"{scratch}/data")
        warm = interleaved(options.rounds, {"quick": lambda: run("quick", f"{scratch}/data")})["quick"]
        row("warm run, quick profile", warm, cold, "from an empty cache", most=0.5)
        status = json.loads(subprocess.run([program, "status", "--json"], check=True, capture_output=True).stdout)
        if all(stage["status"] == "up to date" for stage in status):
            warm = interleaved(options.rounds, {"paper": lambda: run("paper", "data")})["paper"]
            row("warm run, paper profile", warm, most=0.5)
        else:
            rows.append(("warm run, paper profile", "", "not measured: data/ is not up to date", "", "≤ 500 ms", ""))

    rows.insert(0, ("what", "measured", "reference", "ratio", "declared", "met"))
    widths = [max(len(line[column]) for line in rows) for column in range(len(rows[0]))]
    for line in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
    print(f"Medians of {options.rounds} interleaved rounds or more on {os.cpu_count()} processors; load when it began: {load:.2f}.")


worker() if sys.argv[1:] == ["worker"] else main()
