use crate::problems::{Flat, Kind};
use crate::support::{Place, quick, quick_settings};
use ndarray::{Array1, Array2, s};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::cli::{Checkpoints, SampleSize, Selection};
use spectral_alignment::commands::export::export;
use spectral_alignment::pipeline::context::RunContext;
use spectral_alignment::problem::experiment::{Experiment, Simulator, Spacing};
use spectral_alignment::problem::network::{Head, Network};
use spectral_alignment::problem::training::Start;
use spectral_alignment::spectrum::lapack::use_one_thread;
use spectral_alignment::spectrum::query::SampleKind;
use spectral_alignment::table::Table;
use std::collections::BTreeMap;
use std::path::Path;

fn read(folder: &Path, name: &str) -> Table {
    Table::from_parquet(name, &folder.join(format!("{name}.parquet"))).unwrap()
}

fn numbers(table: &Table, column: &str) -> Vec<f64> {
    table.present(column, table.f64s(column).unwrap()).unwrap()
}

fn indices(table: &Table, column: &str) -> Vec<usize> {
    table
        .present(column, table.u32s(column).unwrap())
        .unwrap()
        .into_iter()
        .map(|index| index as usize)
        .collect()
}

fn names(table: &Table, column: &str) -> Vec<String> {
    table.present(column, table.strs(column).unwrap()).unwrap().into_iter().map(str::to_owned).collect()
}

fn array(table: &Table, rows: usize, cols: usize, row: &str) -> Array2<f64> {
    let mut array = Array2::from_elem((rows, cols), f64::NAN);
    for ((row, col), value) in
        indices(table, row).into_iter().zip(indices(table, "col")).zip(numbers(table, "value"))
    {
        array[[row, col]] = value;
    }
    assert!(array.iter().all(|value| value.is_finite()), "every entry is given");
    array
}

/// `‖P_B v‖/‖v‖` for orthonormal columns, 0 for v = 0.
fn rho(v: &Array1<f64>, basis: &Array2<f64>) -> f64 {
    let inside = basis.t().dot(v);
    if v.dot(v) > 0.0 { (inside.dot(&inside) / v.dot(v)).sqrt() } else { 0.0 }
}

/// Everything again from the sample and the parameters alone, in plain loops.
#[test]
fn an_exported_checkpoint_can_be_recomputed() {
    use_one_thread();
    let place = Place::copy_of(quick());
    for (experiment, checkpoint, sample) in [
        ("gmm", "last", "test"),
        ("gmm", "0", "test"),
        ("gmm", "6", "train"),
        ("gmm-k10", "last", "train"),
        ("gmm-snr-lambda-30", "2", "test"),
    ] {
        let out = place.path().join(format!("{experiment}-{checkpoint}-{sample}"));
        place
            .call(&[
                "export",
                experiment,
                "--replicate",
                "1",
                "--checkpoint",
                checkpoint,
                "--sample",
                sample,
                "--out",
                out.to_str().unwrap(),
            ])
            .good();
        recompute(&out, sample);
    }
}

/// Matrix, layer, row and column of a block.
type Name = (String, String, usize, usize);

/// What an export says of spectra and alignments.
struct Stated {
    /// Eigenvalues with their ranks.
    values: BTreeMap<Name, Vec<(usize, f64)>>,
    /// Eigenvectors of diagonal blocks, with the rank in place of the column.
    vectors: BTreeMap<Name, Vec<f64>>,
    /// By subspace, layer and row.
    alignments: BTreeMap<(String, String, usize), f64>,
}

impl Stated {
    fn read(out: &Path, sample_name: &str) -> Self {
        let (mut values, mut vectors) =
            (BTreeMap::<Name, Vec<(usize, f64)>>::new(), BTreeMap::<Name, Vec<f64>>::new());
        let table = read(out, "spectrum");
        assert!(names(&table, "sample").iter().all(|name| name == sample_name));
        assert!(numbers(&table, "residual").iter().all(|residual| *residual <= 1e-12));
        let (rank, value) = (indices(&table, "rank"), numbers(&table, "eigenvalue"));
        for (index, name) in named(&table, "col").into_iter().enumerate() {
            values.entry(name).or_default().push((rank[index], value[index]));
        }
        let table = read(out, "eigenvectors");
        let (col, value) = (indices(&table, "col"), numbers(&table, "value"));
        for (index, name) in named(&table, "rank").into_iter().enumerate() {
            let vector = vectors.entry(name).or_default();
            assert_eq!(vector.len(), col[index], "coordinates in their order");
            vector.push(value[index]);
        }
        let table = read(out, "alignment");
        let keys =
            names(&table, "subspace").into_iter().zip(names(&table, "layer")).zip(indices(&table, "row"));
        let alignments = keys
            .map(|((subspace, layer), row)| (subspace, layer, row))
            .zip(numbers(&table, "value"))
            .collect();
        Self { values, vectors, alignments }
    }

    /// The export against a block computed anew; of a diagonal block also its vectors, their leading space of this
    /// dimension, and how the parameter vector aligns with that.
    fn compare(&self, name: (&str, &str, usize, usize), a: &Array2<f64>, of: (&[f64], usize)) {
        let (matrix, layer, row, col) = name;
        let p = a.nrows();
        let name = |last: usize| (matrix.to_owned(), layer.to_owned(), row, last);
        let (values, found) = a.eigh(UPLO::Lower).unwrap();
        let mut order: Vec<usize> = (0..p).collect();
        order.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        let largest = values[order[0]].abs();
        let pairs = &self.values[&name(col)];
        assert_eq!(pairs.len(), 12.min(p), "{:?}", name(col));
        for (index, &(rank, value)) in pairs.iter().enumerate() {
            let expected = values[order[index]];
            assert_eq!(rank, index + 1);
            assert!(
                (value - expected).abs() <= 1e-8 * largest,
                "{:?}, {rank}: {value} {expected}",
                name(col)
            );
        }
        if row != col {
            return;
        }
        let vectors = Array2::from_shape_fn((p, pairs.len()), |(i, index)| self.vectors[&name(index + 1)][i]);
        for (&(rank, value), vector) in pairs.iter().zip(vectors.columns()) {
            let left = a.dot(&vector) - &vector * value;
            assert!(left.dot(&left).sqrt() <= 1e-10 * largest, "{:?}: an eigenvector", name(rank));
            assert!((vector.dot(&vector) - 1.0).abs() < 1e-12 && self.vectors[&name(rank)].len() == p);
        }
        let (parameters, dimension) = of;
        let top = Array2::from_shape_fn((p, dimension), |(i, j)| found[[i, order[j]]]);
        let after = |rank: usize| order.get(rank).map_or(f64::NEG_INFINITY, |&index| values[index]);
        let gap = if dimension == 0 { 1.0 } else { (after(dimension - 1) - after(dimension)) / largest };
        let tolerance = 1e-6_f64.max(1e-12 / gap);
        let expected = rho(&Array1::from(parameters.to_vec()), &top);
        let stated = self.alignments[&(matrix.to_owned(), layer.to_owned(), row)];
        assert!((stated - expected).abs() < tolerance, "{:?}: {stated} {expected}", name(col));
        let inside = top.t().dot(&vectors.slice(s![.., ..dimension]));
        let total: f64 = inside.iter().map(|entry| entry * entry).sum();
        assert!((total - dimension as f64).abs() < tolerance, "{:?}: the outlier space", name(col));
    }
}

/// The blocks that the rows of a table belong to, with this column last.
fn named(table: &Table, last: &str) -> Vec<Name> {
    let (row, last) = (indices(table, "row"), indices(table, last));
    let names = names(table, "matrix").into_iter().zip(names(table, "layer")).enumerate();
    names.map(|(index, (matrix, layer))| (matrix, layer, row[index], last[index])).collect()
}

fn dot(u: &[f64], v: &[f64]) -> f64 {
    u.iter().zip(v).map(|(a, b)| a * b).sum()
}

/// `(1/n) Σ weight · y yᵀ`.
fn weighted(features: &[Vec<f64>], weight: impl Fn(usize) -> f64) -> Array2<f64> {
    let p = features[0].len();
    let mut a = Array2::<f64>::zeros((p, p));
    for (index, y) in features.iter().enumerate() {
        let weight = weight(index) / features.len() as f64;
        for i in 0..p {
            for j in 0..p {
                a[[i, j]] += weight * y[i] * y[j];
            }
        }
    }
    a
}

/// `meta.json` with all its keys, the sample and its labels.
fn meta_and_sample(out: &Path, rows: &str) -> (serde_json::Value, Vec<Vec<f64>>, Vec<usize>) {
    let meta: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("meta.json")).unwrap()).unwrap();
    for key in ["d", rows, "lambda", "beta", "step", "time", "seed", "replicate", "checkpoint"] {
        assert!(!meta[key].is_null(), "meta.json has no {key}");
    }
    let number = |key: &str| meta[key].as_f64().unwrap();
    assert_eq!(number("delta"), number("c") / number("d"));
    assert_eq!(number("time"), number("step") * number("delta"));
    assert_eq!(meta["task"], if rows == "k" { "gmm" } else { "xor" });
    let sample = read(out, "sample");
    let features = sample.present("features", sample.f64_lists("features").unwrap()).unwrap();
    assert_eq!(features.len() as f64, number("n"));
    (meta, features, indices(&sample, "label"))
}

fn recompute(out: &Path, sample_name: &str) -> serde_json::Value {
    let (meta, features, labels) = meta_and_sample(out, "k");
    let (d, k) = (meta["d"].as_u64().unwrap() as usize, meta["k"].as_u64().unwrap() as usize);
    let means = array(&read(out, "means"), k, d, "cluster");
    let x = array(&read(out, "parameters"), k, d, "row");
    let stated = Stated::read(out, sample_name);
    let softmax: Vec<Vec<f64>> = features
        .iter()
        .map(|y| {
            let weights: Vec<f64> = x.rows().into_iter().map(|row| dot(&row.to_vec(), y).exp()).collect();
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        })
        .collect();
    assert_eq!(stated.values.len(), k * (k + 1), "all blocks (a, b) with a ≤ b, of both matrices");
    // The means are orthonormal.
    assert!((means.dot(&means.t()) - Array2::<f64>::eye(k)).iter().all(|entry| entry.abs() < 1e-14));
    for (c, row) in x.rows().into_iter().enumerate() {
        let row = row.to_owned();
        let expected = rho(&row, &means.t().to_owned());
        assert!((stated.alignments[&("means".to_owned(), "x".to_owned(), c)] - expected).abs() < 1e-12);
        let residual = |n: usize| softmax[n][c] - if labels[n] == c { 1.0 } else { 0.0 };
        let h = weighted(&features, |n| softmax[n][c] * (1.0 - softmax[n][c]));
        let g = weighted(&features, |n| residual(n) * residual(n));
        for (matrix, a) in [("hessian", h), ("gradient", g)] {
            stated.compare((matrix, "x", c, c), &a, (&row.to_vec(), k));
        }
        for other in c + 1..k {
            let error = |n: usize, c: usize| softmax[n][c] - if labels[n] == c { 1.0 } else { 0.0 };
            let h = weighted(&features, |n| -softmax[n][c] * softmax[n][other]);
            let g = weighted(&features, |n| error(n, c) * error(n, other));
            stated.compare(("hessian", "x", c, other), &h, (&[], k));
            stated.compare(("gradient", "x", c, other), &g, (&[], k));
        }
    }
    meta
}

fn xor_experiment(kind: Kind, d: usize, beta: f64) -> Experiment {
    let flat = Flat { task: kind, d, lambda: 20.0, beta, c: 1.0, phi: 8.0, start: Start::default() };
    let problem = flat.problem();
    Experiment {
        name: format!("xor-{}-{d}-{beta}", problem.rows()),
        problem,
        horizon: 60.0,
        checkpoints: 5,
        spacing: Spacing::Linear,
        replicates: 2,
        simulator: Simulator::Sgd,
        member: None,
    }
}

/// Through the library, whatever experiments the stages have.
#[test]
fn an_exported_checkpoint_of_task_b_can_be_recomputed() {
    use_one_thread();
    let place = Place::new();
    let (store, settings) = (place.store(), quick_settings());
    let context = RunContext::new(&store, &settings).unwrap();
    let turned = Kind::turned(5, &[0.6, 0.8], &[-0.8, 0.6]);
    for experiment in [
        xor_experiment(Kind::xor(3), 40, 0.02),
        xor_experiment(turned, 40, 0.02),
        xor_experiment(Kind::xor(9), 15, 0.0),
        xor_experiment(Kind::xor(1), 7, 0.05),
        // 1 - δβ = 0: every neuron dies, and no direction is left.
        xor_experiment(Kind::xor(3), 8, 8.0),
    ] {
        let d = experiment.problem.d();
        for checkpoint in [Checkpoints::One(0), Checkpoints::Last] {
            for sample in [SampleKind::Test, SampleKind::Train] {
                let out = place.path().join(format!("{}-{checkpoint:?}-{}", experiment.name, sample.name()));
                let wanted = Selection { replicate: 1, checkpoint, sample, sample_size: None };
                export(&context, &experiment, wanted, &out).unwrap();
                let meta = recompute_xor(&out, sample.name());
                assert_eq!(meta["step"], if checkpoint == Checkpoints::Last { 60 * d } else { 0 });
                assert_eq!(meta["n"], 8 * d);
            }
        }
        let out = place.path().join(format!("{}-run", experiment.name));
        let (sample, sample_size) = (SampleKind::Train, Some(SampleSize::Run));
        export(
            &context,
            &experiment,
            Selection { replicate: 0, checkpoint: Checkpoints::All, sample, sample_size },
            &out,
        )
        .unwrap();
        for checkpoint in 0..5 {
            let meta = recompute_xor(&out.join(format!("checkpoint-{checkpoint}")), "train");
            assert_eq!((&meta["checkpoint"], &meta["n"]), (&checkpoint.into(), &(60 * d).into()));
        }
    }
}

/// The same for task B: `f = v·relu(WY)`, `r = σ(f) - y`, `q = σ(f)(1 - σ(f))`.
fn recompute_xor(out: &Path, sample_name: &str) -> serde_json::Value {
    let (meta, features, labels) = meta_and_sample(out, "width");
    let (d, width) = (meta["d"].as_u64().unwrap() as usize, meta["width"].as_u64().unwrap() as usize);
    assert_eq!(meta["probabilities"], serde_json::json!([0.25, 0.25, 0.25, 0.25]));
    let means = array(&read(out, "means"), 4, d, "cluster");
    let of_means = indices(&read(out, "means"), "label");
    assert_eq!(of_means.iter().step_by(d).collect::<Vec<_>>(), [&1, &1, &0, &0]);
    let (w, v) = layers(&read(out, "parameters"), width, d);
    let stated = Stated::read(out, sample_name);

    let n = features.len();
    let relu: Vec<Vec<f64>> =
        features.iter().map(|y| w.iter().map(|row| dot(row, y).max(0.0)).collect()).collect();
    let sigma: Vec<f64> = relu.iter().map(|relu| 1.0 / (1.0 + (-dot(relu, &v)).exp())).collect();
    let r: Vec<f64> = sigma.iter().zip(&labels).map(|(sigma, label)| sigma - *label as f64).collect();
    let gated = |n: usize, i: usize| if relu[n][i] > 0.0 { v[i] } else { 0.0 };

    // Columns relu(±Wμ), relu(±Wν), cut by squared singular values.
    let columns = Array2::from_shape_fn((width, 4), |(i, b)| dot(&w[i], &means.row(b).to_vec()).max(0.0));
    let (values, vectors) = columns.dot(&columns.t()).eigh(UPLO::Lower).unwrap();
    let kept = values.iter().filter(|value| **value > 0.01 * values[width - 1]).count();
    let second = vectors.slice(s![.., width - kept..]).to_owned();
    let first = Array2::from_shape_fn((d, 2), |(i, j)| means[[2 * j, i]]);
    assert_eq!(stated.alignments.len(), 3 * (width + 1));
    for (layer, row, vector, basis) in
        (0..width).map(|i| ("W", i, &w[i], &first)).chain([("v", 0, &v, &second)])
    {
        let expected = rho(&Array1::from(vector.clone()), basis);
        let found = stated.alignments[&("means".to_owned(), layer.to_owned(), row)];
        assert!((found - expected).abs() < 1e-10, "{layer} {row}: {found} {expected}");
    }

    let table = read(out, "cross");
    let (of, row, neuron) = (names(&table, "matrix"), indices(&table, "row"), indices(&table, "neuron"));
    let keys = indices(&table, "col").into_iter().enumerate();
    let cross: BTreeMap<_, f64> = keys
        .map(|(index, col)| (of[index].as_str(), row[index], neuron[index], col))
        .zip(numbers(&table, "value"))
        .collect();
    assert_eq!((cross.len(), table.rows()), (2 * width * width * d, 2 * width * width * d));
    assert_eq!(
        stated.values.len(),
        width * (width + 1) + 2,
        "all W_i W_j with i ≤ j, and v, of both matrices"
    );
    for matrix in ["hessian", "gradient"] {
        let square = |n: usize| if matrix == "hessian" { sigma[n] * (1.0 - sigma[n]) } else { r[n] * r[n] };
        for i in 0..width {
            for j in i..width {
                let a = weighted(&features, |n| square(n) * gated(n, i) * gated(n, j));
                stated.compare((matrix, "W", i, j), &a, (&w[i], 2));
            }
            for j in 0..width {
                let direct =
                    |n: usize| if matrix == "hessian" && i == j && relu[n][i] > 0.0 { r[n] } else { 0.0 };
                for col in 0..d {
                    let terms =
                        (0..n).map(|n| (square(n) * gated(n, i) * relu[n][j] + direct(n)) * features[n][col]);
                    let (found, expected) = (cross[&(matrix, i, j, col)], terms.sum::<f64>() / n as f64);
                    assert!((found - expected).abs() < 1e-13, "{matrix} (W {i}, v {j}): {found} {expected}");
                }
            }
        }
        stated.compare((matrix, "v", 0, 0), &weighted(&relu, square), (&v, kept));
    }
    meta
}

/// A multilayer perceptron, `z = W2 relu(W1 Y)` under softmax: the derivative of `z_a` in `(W1 Y)_i` is `W2_ai` where the gate is open.
#[test]
fn an_exported_checkpoint_of_a_multilayer_perceptron_can_be_recomputed() {
    use_one_thread();
    let (d, k, width) = (15, 3, 4);
    let place = Place::new();
    let (store, settings) = (place.store(), quick_settings());
    let context = RunContext::new(&store, &settings).unwrap();
    let kind = Kind { network: Network::mlp(vec![width], Head::Softmax), ..Kind::mixture(k) };
    let mut experiment = xor_experiment(kind, d, 0.02);
    experiment.name = "mlp-gmm-export".to_owned();
    let out = place.path().join("mlp");
    let (sample, sample_size) = (SampleKind::Test, None);
    let wanted = Selection { replicate: 0, checkpoint: Checkpoints::Last, sample, sample_size };
    export(&context, &experiment, wanted, &out).unwrap();
    let meta: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("meta.json")).unwrap()).unwrap();
    assert_eq!((&meta["task"], &meta["widths"]), (&"mlp".into(), &serde_json::json!([width])));
    let table = read(&out, "sample");
    let features = table.present("features", table.f64_lists("features").unwrap()).unwrap();
    let labels = indices(&table, "label");
    let table = read(&out, "parameters");
    let mut weights = [Array2::zeros((width, d)), Array2::zeros((k, width))];
    let places = indices(&table, "row").into_iter().zip(indices(&table, "col"));
    for ((layer, place), value) in names(&table, "layer").iter().zip(places).zip(numbers(&table, "value")) {
        weights[usize::from(layer == "W2")][place] = value;
    }
    let [first, second] = &weights;
    let (mut open, mut softmax) = (Vec::new(), Vec::new());
    for y in &features {
        let relu: Vec<f64> = first.rows().into_iter().map(|row| dot(&row.to_vec(), y).max(0.0)).collect();
        let powers: Vec<f64> = second.rows().into_iter().map(|row| dot(&row.to_vec(), &relu).exp()).collect();
        let total: f64 = powers.iter().sum();
        softmax.push(powers.into_iter().map(|power| power / total).collect::<Vec<f64>>());
        open.push(relu);
    }
    let stated = Stated::read(&out, "test");
    assert_eq!(stated.values.len(), 2 * (width + k), "the diagonal blocks of both matrices");
    let error = |n: usize, a: usize| softmax[n][a] - if labels[n] == a { 1.0 } else { 0.0 };
    let slope = |n: usize, a: usize, i: usize| if open[n][i] > 0.0 { second[[a, i]] } else { 0.0 };
    for i in 0..width {
        let h = weighted(&features, |n| {
            let mean: f64 = (0..k).map(|a| softmax[n][a] * slope(n, a, i)).sum();
            (0..k).map(|a| softmax[n][a] * (slope(n, a, i) - mean).powi(2)).sum()
        });
        let g = weighted(&features, |n| (0..k).map(|a| error(n, a) * slope(n, a, i)).sum::<f64>().powi(2));
        for (matrix, block) in [("hessian", h), ("gradient", g)] {
            stated.compare((matrix, "W1", i, i), &block, (&first.row(i).to_vec(), k));
        }
    }
    // The means pushed forward, cut by squared singular values.
    let means = array(&read(&out, "means"), k, d, "cluster");
    let pushed = first.dot(&means.t()).mapv(|z| z.max(0.0));
    let squares = pushed.dot(&pushed.t()).eigh(UPLO::Lower).unwrap().0;
    let kept = squares.iter().filter(|square| **square > 0.01 * squares[width - 1]).count();
    for (a, row) in second.rows().into_iter().enumerate() {
        let h = weighted(&open, |n| softmax[n][a] * (1.0 - softmax[n][a]));
        let g = weighted(&open, |n| error(n, a).powi(2));
        for (matrix, block) in [("hessian", h), ("gradient", g)] {
            stated.compare((matrix, "W2", a, a), &block, (&row.to_vec(), kept));
        }
    }
}

/// W and v; v has one row per neuron, and column 0.
fn layers(table: &Table, width: usize, d: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
    let (mut w, mut v) = (vec![vec![f64::NAN; d]; width], vec![f64::NAN; width]);
    let (row, col, value) = (indices(table, "row"), indices(table, "col"), numbers(table, "value"));
    for (index, layer) in names(table, "layer").into_iter().enumerate() {
        if layer == "W" {
            w[row[index]][col[index]] = value[index];
        } else {
            assert_eq!((layer.as_str(), col[index]), ("v", 0));
            v[row[index]] = value[index];
        }
    }
    assert!(value.len() == width * (d + 1) && w.iter().flatten().chain(&v).all(|value| value.is_finite()));
    (w, v)
}

#[test]
fn a_training_sample_can_be_as_long_as_the_run() {
    use_one_thread();
    let place = Place::copy_of(quick());
    let call = |checkpoint: &str, size: &str, out: &Path| {
        let out = out.to_str().unwrap();
        let arguments = ["export", "gmm-snr-lambda-30", "--replicate", "2", "--checkpoint", checkpoint];
        place.call(&[&arguments[..], &["--sample", "train", "--sample-size", size, "--out", out]].concat())
    };
    let out = place.path().join("run");
    call("last", "run", &out).good();
    let meta = recompute(&out, "train");
    assert_eq!(meta["n"], meta["step"], "every sample that SGD saw until the end, and no other");
    // A shorter sample is the beginning of a longer one.
    let part = place.path().join("part");
    call("0", "7", &part).good();
    let features = |out: &Path| read(out, "sample").f64_lists("features").unwrap();
    assert_eq!(features(&part), features(&out)[..7]);
    let steps = meta["step"].as_u64().unwrap();
    for wrong in [&(steps + 1).to_string(), "0", "1.5", "all", ""] {
        call("last", wrong, &out).refused(2, &["--sample-size"]);
    }
    call("lasst", "run", &out).refused(2, &["--checkpoint", "lasst", "all"]);
    call("99", "run", &out).refused(2, &["--checkpoint", "99"]);
}

#[test]
fn all_checkpoints_are_those_that_are_exported_alone() {
    let place = Place::copy_of(quick());
    let call = |checkpoint: &str, out: &Path| {
        let out = out.to_str().unwrap();
        let experiment = ["export", "gmm-snr-lambda-30", "--replicate", "1"];
        place.call(&[&experiment[..], &["--checkpoint", checkpoint, "--out", out]].concat()).good();
    };
    let (all, alone) = (place.path().join("all"), place.path().join("alone"));
    call("all", &all);
    let mut folders: Vec<_> = std::fs::read_dir(&all)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, (0..5).map(|checkpoint| format!("checkpoint-{checkpoint}")).collect::<Vec<_>>());
    for checkpoint in ["0", "3", "last"] {
        call(checkpoint, &alone);
        let folder = all.join(format!("checkpoint-{}", checkpoint.replace("last", "4")));
        for file in std::fs::read_dir(&alone).unwrap().map(|file| file.unwrap().file_name()) {
            assert_eq!(
                std::fs::read(folder.join(&file)).unwrap(),
                std::fs::read(alone.join(&file)).unwrap(),
                "{file:?} of checkpoint {checkpoint}"
            );
        }
    }
}

#[test]
fn an_export_computes_what_is_missing() {
    let place = Place::new();
    let out = place.path().join("out");
    let arguments =
        ["export", "gmm", "--replicate", "1", "--checkpoint", "0", "--out", out.to_str().unwrap()];
    place.call(&arguments).good();
    let from_quick = Place::copy_of(quick());
    let other = from_quick.path().join("out");
    from_quick
        .call(&["export", "gmm", "--replicate", "1", "--checkpoint", "0", "--out", other.to_str().unwrap()])
        .good();
    for table in ["means", "parameters", "sample", "spectrum", "eigenvectors", "alignment"] {
        assert_eq!(
            read(&out, table).values_digest().unwrap(),
            read(&other, table).values_digest().unwrap(),
            "{table}"
        );
    }
    let file = place.path().join("file");
    std::fs::write(&file, "x").unwrap();
    place
        .call(&["export", "gmm", "--replicate", "1", "--checkpoint", "0", "--out", file.to_str().unwrap()])
        .refused(3, &[file.to_str().unwrap()]);
}
