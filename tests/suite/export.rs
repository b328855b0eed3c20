use crate::support::{Place, quick};
use ndarray::{Array1, Array2};
use ndarray_linalg::{Eigh, UPLO};
use spectral_alignment::pipeline::table::Table;
use spectral_alignment::spectrum::lapack::use_one_thread;
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

/// `‖P_B v‖/‖v‖` for orthonormal columns.
fn rho(v: &Array1<f64>, basis: &Array2<f64>) -> f64 {
    let inside = basis.t().dot(v);
    (inside.dot(&inside) / v.dot(v)).sqrt()
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

/// Eigenvalues with their ranks by matrix and block, eigenvectors by rank, and alignments by subspace and row.
type Stated = (
    BTreeMap<(String, usize), Vec<(usize, f64)>>,
    BTreeMap<(String, usize, usize), Array1<f64>>,
    BTreeMap<(String, usize), f64>,
);

fn stated(out: &Path, sample_name: &str, d: usize) -> Stated {
    let spectrum = read(out, "spectrum");
    assert!(names(&spectrum, "sample").iter().all(|name| name == sample_name));
    assert!(numbers(&spectrum, "residual").iter().all(|residual| *residual <= 1e-12));
    let mut stored: BTreeMap<(String, usize), Vec<(usize, f64)>> = BTreeMap::new();
    let (of, row, col) = (names(&spectrum, "matrix"), indices(&spectrum, "row"), indices(&spectrum, "col"));
    for (index, (rank, value)) in
        indices(&spectrum, "rank").into_iter().zip(numbers(&spectrum, "eigenvalue")).enumerate()
    {
        assert_eq!(row[index], col[index]);
        stored.entry((of[index].clone(), row[index])).or_default().push((rank, value));
    }
    let vectors = read(out, "eigenvectors");
    let mut columns: BTreeMap<(String, usize, usize), Array1<f64>> = BTreeMap::new();
    let (of, row, rank) = (names(&vectors, "matrix"), indices(&vectors, "row"), indices(&vectors, "rank"));
    for (index, (col, value)) in
        indices(&vectors, "col").into_iter().zip(numbers(&vectors, "value")).enumerate()
    {
        columns.entry((of[index].clone(), row[index], rank[index])).or_insert_with(|| Array1::zeros(d))
            [col] = value;
    }
    let alignment = read(out, "alignment");
    let mut rhos: BTreeMap<(String, usize), f64> = BTreeMap::new();
    for ((subspace, row), value) in names(&alignment, "subspace")
        .into_iter()
        .zip(indices(&alignment, "row"))
        .zip(numbers(&alignment, "value"))
    {
        rhos.insert((subspace, row), value);
    }
    (stored, columns, rhos)
}

fn recompute(out: &Path, sample_name: &str) {
    let meta: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("meta.json")).unwrap()).unwrap();
    for key in
        ["task", "d", "k", "lambda", "beta", "c", "phi", "step", "time", "seed", "replicate", "checkpoint"]
    {
        assert!(!meta[key].is_null(), "meta.json has no {key}");
    }
    let (d, k) = (meta["d"].as_u64().unwrap() as usize, meta["k"].as_u64().unwrap() as usize);
    let means = array(&read(out, "means"), k, d, "cluster");
    let x = array(&read(out, "parameters"), k, d, "row");
    let sample = read(out, "sample");
    let features = sample.present("features", sample.f64_lists("features").unwrap()).unwrap();
    let labels = indices(&sample, "label");
    let n = features.len();
    assert_eq!(n, (meta["phi"].as_f64().unwrap() * d as f64).round() as usize);

    let (stored, columns, rhos) = stated(out, sample_name, d);
    let softmax: Vec<Vec<f64>> = features
        .iter()
        .map(|y| {
            let weights: Vec<f64> = x
                .rows()
                .into_iter()
                .map(|row| row.iter().zip(y).map(|(a, b)| a * b).sum::<f64>().exp())
                .collect();
            let total: f64 = weights.iter().sum();
            weights.iter().map(|weight| weight / total).collect()
        })
        .collect();
    assert_eq!(stored.len(), 2 * k, "every diagonal block of both matrices");
    // The means are orthonormal.
    assert!((means.dot(&means.t()) - Array2::<f64>::eye(k)).iter().all(|entry| entry.abs() < 1e-14));
    for c in 0..k {
        assert!(
            (rhos[&("means".to_owned(), c)] - rho(&x.row(c).to_owned(), &means.t().to_owned())).abs() < 1e-12
        );
        for matrix in ["hessian", "gradient"] {
            let mut a = Array2::<f64>::zeros((d, d));
            for ((y, pi), &label) in features.iter().zip(&softmax).zip(&labels) {
                let residual = pi[c] - if label == c { 1.0 } else { 0.0 };
                let weight =
                    if matrix == "hessian" { pi[c] * (1.0 - pi[c]) } else { residual * residual } / n as f64;
                for i in 0..d {
                    for j in 0..d {
                        a[[i, j]] += weight * y[i] * y[j];
                    }
                }
            }
            let (values, found) = a.eigh(UPLO::Lower).unwrap();
            let pairs = &stored[&(matrix.to_owned(), c)];
            assert!(pairs.len() >= 12.min(d));
            for &(rank, value) in pairs {
                assert!(
                    (value - values[d - rank]).abs() <= 1e-8 * values[d - 1],
                    "{matrix} {c} {rank}: {value} {}",
                    values[d - rank]
                );
                let vector = &columns[&(matrix.to_owned(), c, rank)];
                let left = a.dot(vector) - vector * value;
                assert!(
                    left.dot(&left).sqrt() < 1e-10 * values[d - 1],
                    "{matrix} {c} {rank}: an eigenvector"
                );
            }
            let gap = (values[d - k] - values[d - k - 1]) / values[d - 1];
            let top = Array2::from_shape_fn((d, k), |(i, j)| found[[i, d - 1 - j]]);
            let expected = rho(&x.row(c).to_owned(), &top);
            let stated = rhos[&(matrix.to_owned(), c)];
            assert!(
                (stated - expected).abs() < 1e-6_f64.max(1e-12 / gap),
                "{matrix} {c}: {stated} {expected}"
            );
            let total: f64 =
                (1..=k).map(|rank| rho(&columns[&(matrix.to_owned(), c, rank)], &top).powi(2)).sum();
            assert!((total / k as f64 - 1.0).abs() < 1e-6, "{matrix} {c}: the outlier space");
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
