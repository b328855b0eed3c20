use crate::support::ran;
use spectral_alignment::plot::lint;
use spectral_alignment::scaffold::template::report::STAGE;
use spectral_alignment::stage::claim::Verdict;

#[test]
fn it_computes_judges_and_draws() {
    let ran = ran(&STAGE);
    for claim in &ran.claims {
        // At this size no verdict is given, but the numbers are there and comply.
        assert_eq!(claim.verdict, Verdict::TooSmall, "{claim:?}");
        let [least, most] = claim.bound.allowed(claim.relation);
        assert!(claim.low.unwrap() >= least && claim.high.unwrap() <= most, "{claim:?}");
        assert!(claim.nulls.iter().all(|null| !null.would_hold), "{claim:?}");
    }
    for figure in &ran.figures {
        assert_eq!(lint(figure), Vec::<String>::new(), "{}", figure.name());
    }
    assert_eq!((ran.claims.len(), ran.figures.len()), (STAGE.claims.len(), STAGE.figures.len()));
}

#[test]
fn an_untrained_network_knows_nothing() {
    // Every class is equally likely to it: its loss is the logarithm of their number, but for a start of order d^{-1/2}.
    let table = &ran(&STAGE).results.tables["statistics"];
    let (step, loss) = (table.u64s("step").unwrap(), table.f64s("value").unwrap());
    let name = table.strs("statistic").unwrap();
    let first = |row: &usize| step[*row] == Some(0) && name[*row] == Some("loss");
    for row in (0..table.rows()).filter(first) {
        let loss = loss[row].unwrap();
        assert!((0.3..3.0).contains(&loss), "row {row}: {loss}");
    }
}
