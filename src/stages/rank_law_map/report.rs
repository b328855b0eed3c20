//! Claims and figures of the map of the law of the final rank.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::problem::experiment::Experiment;
use crate::stage::claim::{Claim, Kind as ClaimKind, declare, interval, semilog_slope, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Statistics, at_end, average};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::number;
use crate::stages::common::judging::{folded, mean};
use crate::stages::common::looks;
use crate::stages::common::words::parameters;
use crate::stages::common::xor_runs::NARROW;
use crate::stages::rank_law_map::{place, plan, reduce};
use crate::theory::coupon_collector::{covered, mean_covered};
use std::collections::BTreeMap;

/// The stage.
pub const STAGE: Stage = Stage {
    name: "rank-law-map",
    kind: Kind::Theorem,
    on_request: true,
    title: "Where the coupon collector's law of the rank ends: late neurons, over the signal-to-noise ratio and the dimension",
    source: "src/stages/rank_law_map/mod.rs",
    report: file!(),
    claims: &["B5.map", "B5.grows-with-dimension", "B5.domain"],
    figures: &["rank-law-map"],
    plan,
    reduce,
    judge,
    draw,
};

/// Largest mean difference of rank and predicted rank over the points beyond the domain of the law.
///
/// Ranks differ from their predictions where step noise turns a neuron, in some 15 % of runs to either side, so the mean over
/// a dozen points and 300 runs has the standard error 0.006, of which 7.6 are 0.045; the leading order leaves out terms of relative
/// size `λ^{-1/2}`, at most a tenth of a gain of some 0.2.
const MAPPED: f64 = 0.06;
/// Signal-to-noise ratio at which the growth with dimension is judged.
const GROWING: f64 = 1000.0;
/// Largest [`place`] of the domain of the law: late neurons then raise the mean rank by less than 0.03.
const DOMAIN: f64 = 0.02;
/// Largest tilt of the law in its domain: 7.6 standard errors of 300 runs at each of some ten points, 0.22.
const TILT: f64 = 0.25;

/// The values of a statistic of an experiment, by replicate.
fn of(statistics: &Statistics, experiment: &Experiment, statistic: &str) -> Values {
    at_end(&statistics.of(&experiment.name, statistic).curves())
}

/// One set of ranks less another.
fn less(one: &Values, other: &Values) -> Vec<(u32, f64)> {
    one.iter().filter_map(|(replicate, rank)| Some((*replicate, rank - other.get(replicate)?))).collect()
}

/// Names of experiments.
fn names(experiments: &[&Experiment]) -> Vec<String> {
    experiments.iter().map(|experiment| experiment.name.clone()).collect()
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (statistics, predictions) = Statistics::both(results)?;
    let all = results.all();
    let beyond: Vec<&Experiment> = all.iter().copied().filter(|one| place(one) > DOMAIN).collect();
    let apart = |statistic: &str| {
        let differences = beyond
            .iter()
            .flat_map(|one| less(&of(&statistics, one, statistic), &of(&predictions, one, "rank")));
        folded(differences, mean)
    };
    let growing: Vec<&Experiment> =
        all.iter().copied().filter(|one| one.problem.lambda().total_cmp(&GROWING).is_eq()).collect();
    let slope = |gain: &dyn Fn(&Experiment) -> Vec<(u32, f64)>| -> Values {
        let mut points: BTreeMap<u32, Vec<(f64, f64)>> = BTreeMap::new();
        for one in &growing {
            for (replicate, gain) in gain(one) {
                points.entry(replicate).or_default().push((as_f64(one.problem.d()), gain));
            }
        }
        let whole =
            points.into_iter().filter(|(_, points)| points.len() == growing.len() && points.len() > 1);
        whole.map(|(replicate, points)| (replicate, semilog_slope(&points))).collect()
    };
    let law = mean_covered(NARROW, CLUSTERS);
    let variance: f64 = (0_u32..)
        .zip(covered(NARROW, CLUSTERS))
        .map(|(r, p)| p * (f64::from(r) - law) * (f64::from(r) - law))
        .sum();
    let domain: Vec<&Experiment> = all.iter().copied().filter(|one| place(one) <= DOMAIN).collect();
    let outside: Vec<&Experiment> = all.iter().copied().filter(|one| place(one) > 5.0 * DOMAIN).collect();
    let tilt = |points: &[&Experiment]| {
        let scores = points.iter().flat_map(|one| of(&statistics, one, "rank"));
        folded(scores.map(|(replicate, rank)| (replicate, (rank - law) / variance)), mean)
    };
    Ok(vec![
        declare("B5.map", ClaimKind::Prediction)
            .says("the final rank is that of the leading order of the effective dynamics from a run's own start, in which late neurons find uncovered clusters, beyond the domain of the law")
            .statistic("mean over the points of the grid beyond the domain of rank - predicted rank (rank: directions of alive neurons at the end)")
            .about(names(&beyond))
            .near(0.0, MAPPED, theory("step noise in 15 % of runs, 7.6 standard errors of a dozen points and 300 runs, and relative terms lambda^{-1/2} of the gain (constant MAPPED)"))
            .null("signs-at-start", apart("foretold rank"))
            .mean(apart("rank"))?,
        declare("B5.grows-with-dimension", ClaimKind::Rate)
            .says(format!("at fixed lambda = {GROWING} the rank grows with log d beyond what the signs at the start foretell: the law needs sqrt(lambda) >> log d"))
            .statistic("slope of rank - foretold rank in ln(d)")
            .about(names(&growing))
            .at_least(0.0, theory("the chance to be late grows like ln(d/lambda)/sqrt(lambda) (theory::leading::lateness)"))
            .null("signs-at-start", slope(&|one| less(&of(&statistics, one, "foretold rank"), &of(&statistics, one, "rank").into_keys().map(|replicate| (replicate, law)).collect())))
            .mean(slope(&|one| less(&of(&statistics, one, "rank"), &of(&statistics, one, "foretold rank"))))?,
        declare("B5.domain", ClaimKind::Law)
            .says(format!("the coupon collector's law holds (K = {NARROW}) where (ln(d/lambda) + 1.27)/sqrt(lambda) <= {DOMAIN}"))
            .statistic("mean over the points of the domain of the tilt theta of the law, (rank - mean)/variance")
            .about(names(&domain))
            .near(0.0, TILT, theory("late neurons raise the mean rank by less than 0.03, a tilt of 0.07, and 3.9 standard errors of ten points and 300 runs are 0.11 (constants DOMAIN, TILT)"))
            .null("outside-the-domain", tilt(&outside))
            .mean(tilt(&domain))?,
    ])
}

/// A mean with its 95 % interval at a place.
fn bar(place: f64, values: &Values) -> Result<(f64, f64, f64, f64)> {
    let (mean, half) = interval(&values.values().copied().collect::<Vec<_>>())?;
    Ok((place, mean, mean - half, mean + half))
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (statistics, predictions) = Statistics::both(results)?;
    let law = mean_covered(NARROW, CLUSTERS);
    let mut all = results.all();
    all.sort_by_key(|one| one.problem.d());
    let styles = [
        (100.0, looks::data().marker(Marker::Ring)),
        (1000.0, looks::data().marker(Marker::OpenSquare).size(4.0)),
        (10_000.0, looks::data().darker().marker(Marker::OpenTriangle).size(4.0)),
    ];
    let middle = |one: &Experiment| average(&of(&predictions, one, "rank").into_values().collect::<Vec<_>>());
    let mut over_d = Panel::new(Axis::log("dimension $d$"), Axis::linear("mean final rank"));
    for (lambda, style) in styles {
        let points: Vec<&&Experiment> =
            all.iter().filter(|one| one.problem.lambda().total_cmp(&lambda).is_eq()).collect();
        let bars = points
            .iter()
            .map(|one| bar(as_f64(one.problem.d()), &of(&statistics, one, "rank")))
            .collect::<Result<Vec<_>>>()?;
        if bars.is_empty() {
            continue;
        }
        over_d = over_d.series(Series::error_bars(format!(r"$\lambda = {lambda}$"), style, bars)).line(
            "leading order, own starts",
            looks::predicted(),
            points.iter().map(|one| (as_f64(one.problem.d()), middle(one))).collect(),
        );
    }
    let ends: Vec<(f64, f64)> =
        [all.first(), all.last()].into_iter().flatten().map(|one| (as_f64(one.problem.d()), law)).collect();
    over_d = over_d.line("coupon collector's law", looks::bound(), ends);
    let gains = all
        .iter()
        .map(|one| {
            let (place, mean, low, high) = bar(place(one), &of(&statistics, one, "rank"))?;
            Ok((place, mean - law, low - law, high - law))
        })
        .collect::<Result<Vec<_>>>()?;
    let expected = all.iter().map(|one| (place(one), middle(one) - law)).collect();
    let over_place = Panel::new(
        Axis::linear(r"$(\ln(d/\lambda) + 1.27)/\lambda^{1/2}$"),
        Axis::linear("mean rank above the law"),
    )
    .series(Series::error_bars("measured, 95 % interval", looks::data(), gains))
    .points("leading order, own starts", looks::predicted().marker(Marker::Cross).size(4.0), expected)
    .series(Series::rule_horizontal("coupon collector's law", looks::bound(), 0.0))
    .series(Series::rule_vertical("end of its domain", Style::reference(), DOMAIN));
    let apart = all.iter().map(|one| {
        let rank = average(&of(&statistics, one, "rank").into_values().collect::<Vec<_>>());
        (rank - middle(one)).abs()
    });
    let rise = |one: Option<&&Experiment>| {
        one.map_or(f64::NAN, |one| average(&of(&statistics, one, "rank").into_values().collect::<Vec<_>>()))
    };
    let weakest = all.iter().map(|one| one.problem.lambda()).fold(f64::INFINITY, f64::min);
    let mut of_weakest = all.iter().filter(|one| one.problem.lambda().total_cmp(&weakest).is_eq());
    let (first, last) = (rise(of_weakest.next()), rise(of_weakest.next_back()));
    let caption = Caption::new(
        "Where the coupon collector's law of the final rank ends",
        format!(
            "Mean final rank (directions of alive neurons) of exact reduced chains at K = {NARROW}, (a) over the dimension d at three λ, (b) less \
             the law's {law:.3} at all points over the combination of d and λ that decides how many neurons are late where d is far above λ. \
             Marks, means; bars, 95 % interval; dashed and crosses, leading order of the effective dynamics from the same starts; dotted, the \
             law; upright, the end {DOMAIN} of its domain"
        ),
        parameters(&results.all()),
        format!(
            "At λ = {weakest} the mean rank goes from {} to {} as d grows, since late neurons turn to clusters that are not covered; predictions are \
             within {}",
            number(first, 2),
            number(last, 2),
            number(apart.fold(0.0, f64::max), 2)
        ),
    );
    Ok(vec![Figure::new("rank-law-map", caption, Width::Full, 2).panel(over_d).panel(over_place)])
}
