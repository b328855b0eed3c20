use spectral_alignment::stage::claim::{
    Bound, Claim, Declared, EDITION, FEWEST_REPLICATES, Kind, Relation, Verdict, chosen, declare, interval,
    log_slope, theory,
};
use spectral_alignment::stage::estimate::{Estimate, Estimator, MISS, Values};

/// Twenty values of mean 10 and sample variance 20/19 (ten each of 9 and 11).
fn values() -> Vec<f64> {
    (0..20).map(|index| if index % 2 == 0 { 9.0 } else { 11.0 }).collect()
}

fn numbered(values: &[f64]) -> Values {
    (0..).zip(values.iter().copied()).collect()
}

/// `s/√n` of [`values`].
const ERROR: f64 = 0.229_415_733_870_561_77;
/// `t_{1 - MISS/2, 19} s/√n`; the quantile is `stats.t.ppf` of `SciPy`.
const HALF: f64 = 4.897_461_588_862_216 * ERROR;

fn claim() -> Declared {
    declare("A1.test", Kind::Bound).says("a statement").statistic("a statistic").no_null("a test")
}

fn why() -> spectral_alignment::stage::claim::Basis {
    chosen("a test")
}

fn near(found: Estimate, [middle, low, high]: [f64; 3]) {
    for (found, expected) in [(found.middle, middle), (found.low, low), (found.high, high)] {
        assert!((found - expected).abs() < 1e-9 * expected.abs().max(1e-3), "{found} is not {expected}");
    }
}

#[test]
fn the_interval_of_a_mean_is_students() {
    near(Estimator::Mean.interval(&values(), MISS).unwrap(), [10.0, 10.0 - HALF, 10.0 + HALF]);
    // Two values 0 and 2: s/√2 = 1, and t_{1 - 5e-5, 1} = tan(π (1/2 - 5e-5)).
    let t = 6_366.197_671_316_637;
    let found = Estimator::Mean.interval(&[0.0, 2.0], MISS).unwrap();
    assert!((found.high - 1.0 - t).abs() < 1e-5 * t, "{found:?}");
    // At 95 %, from a printed table: t_{0.975, 4} = 2.776445..., s = √2.5.
    let (mean, half) = interval(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    let expected = 2.776_445_105_197_8 * 0.5_f64.sqrt();
    assert!((mean - 3.0).abs() < 1e-15 && (half - expected).abs() < 1e-8, "{half}");
    assert_eq!(interval(&[7.0]).unwrap(), (7.0, 0.0));
    assert!(interval(&[]).is_err());
}

#[test]
fn the_interval_of_a_share_is_clopper_and_pearsons() {
    // `stats.beta.ppf` of `SciPy`.
    for (hits, n, low, high) in [
        (0, 20, 0.0, 0.390_535_378_964_663_6),
        (20, 20, 0.609_464_621_035_367, 1.0),
        (400, 400, 0.975_545_264_286_833_1, 1.0),
        (37, 40, 0.646_690_999_302_047_8, 0.998_255_221_219_123_9),
        (1, 100, 5.000_123_754_104_529e-7, 0.118_123_620_103_940_55),
        (3, 7, 0.011_391_958_715_818_684, 0.964_677_556_048_588),
    ] {
        let values: Vec<f64> = (0..n).map(|index| f64::from(u8::from(index < hits))).collect();
        let share = f64::from(hits) / f64::from(n);
        near(Estimator::Share.interval(&values, MISS).unwrap(), [share, low, high]);
        // A perfect score has the closed form (miss/2)^(1/n).
        if hits == n {
            assert!((low - (MISS / 2.0).powf(1.0 / f64::from(n))).abs() < 1e-12);
        }
    }
    assert!(Estimator::Share.interval(&[0.0, 0.5], MISS).is_err());
}

#[test]
fn the_interval_of_a_median_is_of_order_statistics() {
    // Ranks from `SciPy`: `stats.binom.cdf`.
    for (n, rank) in [(15, 1), (16, 1), (20, 2), (24, 3), (40, 8), (100, 31), (400, 161)] {
        // Values 1 to n in a scrambled order.
        let values: Vec<f64> = (0..n).map(|index| f64::from((index * 7) % n + 1)).collect();
        let values = if n % 7 == 0 { (1..=n).map(f64::from).collect() } else { values };
        let (n, rank) = (f64::from(n), f64::from(rank));
        near(
            Estimator::Median.interval(&values, MISS).unwrap(),
            [f64::midpoint(n, 1.0), rank, n + 1.0 - rank],
        );
    }
    assert!(Estimator::Median.interval(&values()[..14], MISS).is_err());
}

#[test]
fn intervals_miss_the_truth_as_often_as_they_say() {
    // At miss = 0.1 with a fixed stream: exact intervals miss in at most a tenth, and not in far fewer, of 4,000 samples.
    let mut state = 1_u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 9_007_199_254_740_992.0
    };
    let mut missed = [0_u32; 3];
    for _ in 0..4000 {
        let normal: Vec<f64> = (0..25).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect();
        let heavy: Vec<f64> = (0..25).map(|_| (uniform() - 0.5).powi(-3)).collect();
        let coins: Vec<f64> = (0..25).map(|_| f64::from(u8::from(uniform() < 0.3))).collect();
        let all =
            [(Estimator::Mean, normal, 0.0), (Estimator::Median, heavy, 0.0), (Estimator::Share, coins, 0.3)];
        for (missed, (estimator, values, truth)) in missed.iter_mut().zip(all) {
            let found = estimator.interval(&values, 0.1).unwrap();
            *missed += u32::from(found.low > truth || found.high < truth);
        }
    }
    // 400 expected of the mean with a standard error of 19; the others are discrete and so conservative.
    assert!((320..=480).contains(&missed[0]), "{missed:?}");
    assert!((100..=480).contains(&missed[1]) && (100..=480).contains(&missed[2]), "{missed:?}");
}

#[test]
fn a_claim_holds_if_its_interval_complies_and_fails_if_it_breaks_the_bound() {
    let (low, high) = (10.0 - HALF, 10.0 + HALF);
    let gap = 1e-6;
    let cases: Vec<(&str, Declared, Verdict)> = vec![
        ("at most, above", claim().at_most(high + gap, why()), Verdict::Holds),
        ("at most, inside", claim().at_most(high - gap, why()), Verdict::Undecided),
        ("at most, mean complies", claim().at_most(10.1, why()), Verdict::Undecided),
        ("at most, below", claim().at_most(low - gap, why()), Verdict::Fails),
        ("at least, below", claim().at_least(low - gap, why()), Verdict::Holds),
        ("at least, inside", claim().at_least(low + gap, why()), Verdict::Undecided),
        ("at least, above", claim().at_least(high + gap, why()), Verdict::Fails),
        ("in", claim().between(low - gap, high + gap, why()), Verdict::Holds),
        ("in, low end out", claim().between(low + gap, high + gap, why()), Verdict::Undecided),
        ("in, high end out", claim().between(low - gap, high - gap, why()), Verdict::Undecided),
        ("in, narrower", claim().near(10.0, HALF / 2.0, why()), Verdict::Undecided),
        ("in, elsewhere", claim().near(12.0, 0.5, why()), Verdict::Fails),
    ];
    for (what, declared, verdict) in cases {
        let found = declared.mean(numbered(&values())).unwrap();
        assert_eq!(found.verdict, verdict, "{what}: {found:?}");
        assert_eq!((found.measured, found.replicates, found.reason), (Some(10.0), 20, None), "{what}");
        assert!((found.low.unwrap() - low).abs() < 1e-8 && (found.high.unwrap() - high).abs() < 1e-8);
    }
    for declared in [claim().at_most(f64::NAN, why()), claim().near(f64::NAN, 1.0, why())] {
        assert!(declared.mean(numbered(&values())).is_err());
    }
}

#[test]
fn a_claim_that_a_null_would_pass_too_is_undecided() {
    let shifted = |by: f64| numbered(&values().iter().map(|value| value + by).collect::<Vec<_>>());
    let declared = || claim().at_least(8.0, theory("a test"));
    let found = declared().null("random-subspace", shifted(-9.0)).mean(shifted(0.0)).unwrap();
    assert_eq!(
        (found.verdict, found.nulls[0].would_hold, found.nulls[0].measured),
        (Verdict::Holds, false, 1.0)
    );
    let both = declared().null("random-subspace", shifted(-9.0)).null("principal-components", shifted(-0.1));
    let found = both.clone().mean(shifted(0.0)).unwrap();
    assert_eq!((found.verdict, found.nulls[1].would_hold), (Verdict::Undecided, true));
    assert!(found.reason.unwrap().contains("principal-components"));
    // A claim that breaks its bound fails, whatever its nulls do.
    assert_eq!(both.mean(shifted(-9.0)).unwrap().verdict, Verdict::Fails);
    let silent = declare("A1.test", Kind::Bound).at_least(8.0, why());
    assert!(silent.mean(shifted(0.0)).unwrap_err().to_string().contains("A1.test"));
}

#[test]
fn a_rejected_law_fails_and_an_unmet_premise_keeps_what_was_measured() {
    let law = |p: f64| claim().near(10.0, 5.0, why()).p_value(p).mean(numbered(&values())).unwrap();
    assert_eq!((law(0.5).verdict, law(MISS / 2.0).verdict), (Verdict::Holds, Verdict::Fails));
    let unmet = claim().at_most(20.0, why()).premise(true, "never").premise(false, "1 of 10 outliers");
    let found = unmet.mean(numbered(&values())).unwrap();
    assert_eq!((found.verdict, found.measured), (Verdict::PremiseNotMet, Some(10.0)));
    assert_eq!(found.reason.as_deref(), Some("1 of 10 outliers"));
}

#[test]
fn a_constant_statistic_on_its_bound_holds() {
    let ones = vec![1.0; 20];
    for declared in
        [claim().at_most(1.0, why()), claim().at_least(1.0, why()), claim().between(1.0, 1.0, why())]
    {
        assert_eq!(declared.mean(numbered(&ones)).unwrap().verdict, Verdict::Holds);
    }
}

#[test]
fn too_few_replicates_give_no_verdict() {
    assert_eq!(FEWEST_REPLICATES, 20);
    for count in [0, 1, 19] {
        let found = claim().at_most(1e9, why()).mean(numbered(&values()[..count])).unwrap();
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
        let found = claim().at_most(1e9, why()).mean(numbered(&values)).unwrap();
        assert_eq!((found.verdict, found.measured), (Verdict::NotRun, None));
        assert!(found.reason.unwrap().contains(&bad.to_string()));
    }
}

#[test]
fn a_claim_survives_json_and_has_the_promised_fields() {
    let declared =
        claim().about(["gmm"]).near(10.0, 5.0, theory("Theorem 1")).null("start", numbered(&values()));
    let found = declared.mean(numbered(&values())).unwrap();
    let json = serde_json::to_value(&found).unwrap();
    // The values of the replicates have a table of their own.
    assert_eq!(serde_json::from_value::<Claim>(json.clone()).unwrap(), found.without_values());
    assert_eq!(json["relation"], "in");
    assert_eq!(json["bound"], serde_json::json!([5.0, 15.0]));
    assert_eq!(json["verdict"], "undecided");
    assert_eq!(json["kind"], "bound");
    assert_eq!(json["estimator"], "mean");
    assert_eq!(json["predicted"], 10.0);
    assert_eq!((&json["bound_source"], &json["bound_reason"]), (&"theory".into(), &"Theorem 1".into()));
    assert_eq!((&json["level"], &json["edition"]), (&(1.0 - 1e-4).into(), &EDITION.into()));
    let null = &json["nulls"][0];
    assert_eq!(
        (&null["name"], &null["measured"], &null["would_hold"]),
        (&"start".into(), &10.0.into(), &true.into())
    );
    assert!(null["low"].is_f64() && null["high"].is_f64());
    let json = serde_json::to_value(claim().at_most(1.0, why()).not_run("why")).unwrap();
    assert_eq!((&json["relation"], &json["bound_source"]), (&"<=".into(), &"chosen".into()));
    assert_eq!(
        (&json["verdict"], &json["measured"], &json["reason"]),
        (&"not run".into(), &serde_json::Value::Null, &"why".into())
    );
    assert_eq!(serde_json::to_value(claim().at_least(1.0, why()).not_run("why")).unwrap()["relation"], ">=");
    assert_eq!(Bound::Number(2.0).allowed(Relation::AtLeast), [2.0, f64::INFINITY]);
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
        let mut found = claim().at_most(value, why()).not_run("why");
        found.measured = Some(value);
        let text = serde_json::to_vec(&found).unwrap();
        let back: Claim = serde_json::from_slice(&text).unwrap();
        assert_eq!(back.measured.unwrap().to_bits(), value.to_bits(), "{value:?}");
    }
}
