use ndarray::{Array1, Array2, array};
use spectral_alignment::spectrum::subspace::{alignment, overlap, sine, span};

/// Columns `cos θ_i e_i + sin θ_i e_{k+i}`: principal angles `θ_i` to the span of `e_1..e_k`.
fn rotated(d: usize, angles: &[f64]) -> Array2<f64> {
    let k = angles.len();
    Array2::from_shape_fn((d, k), |(row, col)| {
        if row == col {
            angles[col].cos()
        } else if row == k + col {
            angles[col].sin()
        } else {
            0.0
        }
    })
}

#[test]
fn a_vector_at_a_known_angle_has_its_cosine_and_sine() {
    let basis = rotated(9, &[0.0, 0.0, 0.0]);
    for angle in [0.0, 1e-9, 1e-5, 0.1, 0.7, 1.5, std::f64::consts::FRAC_PI_2] {
        for length in [1e-8, 1.0, 1e8] {
            let mut v = Array1::zeros(9);
            v[1] = length * angle.cos();
            v[7] = -length * angle.sin();
            assert!((alignment(v.view(), &basis) - angle.cos()).abs() < 1e-15);
            let found = sine(v.view(), &basis);
            assert!((found - angle.sin()).abs() <= 1e-14 * angle.sin(), "{angle}: {found}");
        }
    }
    let zero = Array1::zeros(9);
    assert_eq!((alignment(zero.view(), &basis), sine(zero.view(), &basis)), (0.0, 0.0));
}

#[test]
fn alignment_never_exceeds_one() {
    let basis = span(&Array2::from_shape_fn((30, 4), |(i, j)| ((i * i + 7 * j) as f64).sin()), 0.0).unwrap();
    for turn in 0..200 {
        let v = basis.dot(&Array1::from_shape_fn(4, |j| (f64::from(turn) + 3.0 * j as f64).cos()));
        let rho = alignment(v.view(), &basis);
        assert!(rho <= 1.0 && rho > 1.0 - 1e-14, "{rho}");
        assert!(sine(v.view(), &basis) < 1e-14);
    }
}

#[test]
fn spaces_at_known_angles_have_their_overlap() {
    let angles = [0.1, 0.5, 1.2];
    let (u, b) = (rotated(8, &angles), rotated(8, &[0.0; 3]));
    let squares: f64 = angles.iter().map(|angle| angle.cos().powi(2)).sum();
    assert!((overlap(&u, &b) - squares / 3.0).abs() < 1e-15);
    // A change of basis inside a space changes nothing.
    let turn = array![[0.6, -0.8, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, -1.0]];
    assert!((overlap(&u.dot(&turn), &b.dot(&turn.t())) - squares / 3.0).abs() < 1e-15);
    // A line in a plane: the overlap is normalised by the first space.
    let line = rotated(8, &[0.0; 3]).slice(ndarray::s![.., ..1]).to_owned();
    assert!((overlap(&line, &b) - 1.0).abs() < 1e-15 && (overlap(&b, &line) - 1.0 / 3.0).abs() < 1e-15);
}

#[test]
fn a_basis_is_orthonormal_and_spans_its_columns() {
    for (d, k) in [(3, 1), (3, 3), (40, 6)] {
        let columns = Array2::from_shape_fn((d, k), |(i, j)| ((3 * i * j + i + 2 * j * j) as f64).cos());
        let basis = span(&columns, 0.0).unwrap();
        assert_eq!(basis.dim(), (d, k));
        let gram = basis.t().dot(&basis) - Array2::<f64>::eye(k);
        assert!(gram.iter().all(|entry| entry.abs() < 1e-14));
        let left = &columns - &basis.dot(&basis.t().dot(&columns));
        assert!(left.iter().all(|entry| entry.abs() < 1e-13));
    }
}
