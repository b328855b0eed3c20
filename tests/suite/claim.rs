use spectral_alignment::stage::claim::{
    Claim, Declared, FEWEST_REPLICATES, Undeclared, Verdict, declare, interval, log_slope,
};

/// Twenty values of mean 10 and sample variance 20/19 (ten each of 9 and 11).
fn values() -> Vec<f64> {
    (0..20).map(|index| if index % 2 == 0 { 9.0 } else { 11.0 }).collect()
}

/// `t_{0.975, 19} s/√n` from a printed table of Student's t.
const HALF: f64 = 2.093_024_054_408_263 * 0.229_415_733_870_561_77;

fn claim() -> Undeclared {
    declare("A1.test").says("a statement").statistic("a statistic")
}

#[test]
fn an_interval_is_students() {
    let (mean, half) = interval(&values()).unwrap();
    assert!((mean - 10.0).abs() < 1e-14 && (half - HALF).abs() < 1e-9, "{mean} ± {half}");
    // Two values: t_{0.975, 1} = 12.7062..., s/√2 = 1 for 0 and 2.
    let (mean, half) = interval(&[0.0, 2.0]).unwrap();
    assert!((mean - 1.0).abs() < 1e-15 && (half - 12.706_204_736_432_1).abs() < 1e-6, "{half}");
    // Five values 1..5: t_{0.975, 4} = 2.776445..., s = √2.5.
    let (mean, half) = interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    assert!(
        (mean - 3.0).abs() < 1e-15 && (half - 2.776_445_105_197_8 * 0.5_f64.sqrt()).abs() < 1e-8,
        "{half}"
    );
    assert_eq!(interval(&[7.0]).unwrap(), (7.0, 0.0));
    assert!(interval(&[]).is_err());
}

#[test]
fn a_claim_holds_only_if_the_whole_interval_complies() {
    let (low, high) = (10.0 - HALF, 10.0 + HALF);
    let gap = 1e-6;
    let cases: Vec<(&str, Declared, Verdict)> = vec![
        ("at most, above", claim().at_most(high + gap), Verdict::Holds),
        ("at most, inside", claim().at_most(high - gap), Verdict::Fails),
        ("at most, mean complies", claim().at_most(10.1), Verdict::Fails),
        ("at least, below", claim().at_least(low - gap), Verdict::Holds),
        ("at least, inside", claim().at_least(low + gap), Verdict::Fails),
        ("in", claim().between(low - gap, high + gap), Verdict::Holds),
        ("in, low end out", claim().between(low + gap, high + gap), Verdict::Fails),
        ("in, high end out", claim().between(low - gap, high - gap), Verdict::Fails),
        ("in, reversed", claim().between(high + gap, low - gap), Verdict::Fails),
        ("contains, low end", claim().contains(low + gap), Verdict::Holds),
        ("contains, high end", claim().contains(high - gap), Verdict::Holds),
        ("contains, below", claim().contains(low - gap), Verdict::Fails),
        ("contains, above", claim().contains(high + gap), Verdict::Fails),
        ("a bound that is no number", claim().at_most(f64::NAN), Verdict::Fails),
        ("a bound that is no number", claim().at_least(f64::NAN), Verdict::Fails),
        ("a bound that is no number", claim().contains(f64::NAN), Verdict::Fails),
        ("a bound that is no number", claim().between(f64::NAN, high + gap), Verdict::Fails),
    ];
    for (what, declared, verdict) in cases {
        let found = declared.measure(&values()).unwrap();
        assert_eq!(found.verdict, verdict, "{what}: {found:?}");
        assert_eq!((found.measured, found.replicates, found.reason), (Some(10.0), 20, None), "{what}");
        assert!((found.low.unwrap() - low).abs() < 1e-8 && (found.high.unwrap() - high).abs() < 1e-8);
    }
}

#[test]
fn a_constant_statistic_on_its_bound_holds() {
    let ones = vec![1.0; 20];
    for declared in
        [claim().at_most(1.0), claim().at_least(1.0), claim().between(1.0, 1.0), claim().contains(1.0)]
    {
        assert_eq!(declared.measure(&ones).unwrap().verdict, Verdict::Holds);
    }
}

#[test]
fn too_few_replicates_give_no_verdict() {
    assert_eq!(FEWEST_REPLICATES, 20);
    for count in [0, 1, 19] {
        let found = claim().at_most(1e9).measure(&values()[..count]).unwrap();
        assert_eq!(
            (found.verdict, found.measured, found.low, found.high),
            (Verdict::NotRun, None, None, None)
        );
        assert_eq!(found.replicates, count);
        let reason = found.reason.unwrap();
        assert!(reason.contains(&count.to_string()) && reason.contains("20"), "{reason}");
    }
}

#[test]
fn a_statistic_that_is_not_finite_gives_no_verdict() {
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let mut values = values();
        values[3] = bad;
        let found = claim().at_most(1e9).measure(&values).unwrap();
        assert_eq!((found.verdict, found.measured), (Verdict::NotRun, None));
        assert!(found.reason.unwrap().contains(&bad.to_string()));
    }
}

#[test]
fn a_claim_survives_json_and_has_the_promised_fields() {
    let found = claim().between(1.0, 2.0).measure(&values()).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(serde_json::from_value::<Claim>(json.clone()).unwrap(), found);
    assert_eq!(json["relation"], "in");
    assert_eq!(json["bound"], serde_json::json!([1.0, 2.0]));
    assert_eq!(json["verdict"], "fails");
    let relations = [claim().at_most(1.0), claim().at_least(1.0), claim().contains(1.0)]
        .map(|declared| serde_json::to_value(declared.not_run(0, "why")).unwrap());
    assert_eq!(
        [&relations[0]["relation"], &relations[1]["relation"], &relations[2]["relation"]],
        ["<=", ">=", "contains"]
    );
    assert_eq!(
        (&relations[0]["verdict"], &relations[0]["measured"], &relations[0]["reason"]),
        (&"not run".into(), &serde_json::Value::Null, &"why".into())
    );
}

#[test]
fn the_slope_of_a_power_law_is_its_exponent() {
    for exponent in [-1.0, -0.5, 0.0, 2.0] {
        let points: Vec<(f64, f64)> =
            [1.0_f64, 3.0, 10.0, 300.0, 3e4].map(|x| (x, 7.0 * x.powf(exponent))).to_vec();
        assert!((log_slope(&points) - exponent).abs() < 1e-13);
    }
    // Least squares: residuals (1, -2, 1) are orthogonal to a line through three equidistant points.
    let points = [(1.0, 1.0_f64.exp()), (10.0, (-2.0_f64).exp() * 10.0), (100.0, 1.0_f64.exp() * 100.0)];
    assert!((log_slope(&points) - 1.0).abs() < 1e-13);
}

#[test]
fn numbers_survive_json_to_the_last_bit() {
    let mut state = 1_u64;
    for _ in 0..20_000 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let value =
            ((state >> 11) as f64 / 9_007_199_254_740_992.0 - 0.5) * 10.0_f64.powi((state >> 3) as i32 % 20);
        let mut found = claim().at_most(value).not_run(0, "why");
        found.measured = Some(value);
        let text = serde_json::to_vec(&found).unwrap();
        let back: Claim = serde_json::from_slice(&text).unwrap();
        assert_eq!(back.measured.unwrap().to_bits(), value.to_bits(), "{value:?}");
    }
}
