//! Claims and figures of sub-optimal classifiers and their outliers.

use crate::error::Result;
use crate::plot::{Axis, Caption, Figure, Width};
use crate::problem::as_f64;
use crate::problem::data::CLUSTERS;
use crate::stage::claim::Claim;
use crate::stage::legacy::declare;
use crate::stage::rows::Statistics;
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{Symbol, setting};
use crate::stages::common::panels::{eigenvalues, heat};
use crate::stages::common::shared::indicators;
use crate::stages::common::words::listed;
use crate::stages::common::xor::{CLASSIFIED, DIRECTIONS, width};
use crate::stages::common::xor_runs::{Run, runs_rows};
use crate::stages::xor_rank_deficiency::{RUNS, WIDER, matched, plan, reduce};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "xor-rank-deficiency",
    kind: Kind::Theorem,
    title: "A sub-optimal classifier leaves fewer than four outliers in the second layer, one for each classified cluster",
    source: "src/stages/xor_rank_deficiency/mod.rs",
    report: file!(),
    claims: &["B4.equal", "B4.equal-k8", "B4.deficient", "B4.directions"],
    figures: &["xor-rank-deficiency", "xor-rank-runs"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share of runs with as many outliers as classified clusters (749 of 750 were seen elsewhere).
const EQUAL: f64 = 0.98;

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let all = runs_rows(results)?;
    let of = |name: &str| all.iter().filter(|run| run.at.experiment == name).cloned().collect::<Vec<Run>>();
    let (narrow, wider) = (of(RUNS), of(WIDER));
    let equal = "share of runs in which the number of eigenvalues of H_vv above |W|^2/(4 lambda) is the number of clusters with accuracy above 0.9";
    let suboptimal: Vec<&Run> = narrow.iter().filter(|run| (run.classified as usize) < CLUSTERS).collect();
    Ok(vec![
        declare("B4.equal")
            .says("as many outliers as classified clusters (K = 4)")
            .statistic(equal)
            .at_least(EQUAL)
            .measure(&indicators(&narrow, |run| run.outliers == run.classified))?,
        declare("B4.equal-k8")
            .says("as many outliers as classified clusters (K = 8)")
            .statistic(equal)
            .at_least(EQUAL)
            .measure(&indicators(&wider, |run| run.outliers == run.classified))?,
        declare("B4.deficient")
            .says("fewer than four outliers remain when SGD converges to a sub-optimal classifier")
            .statistic("share of the runs that miss a cluster with fewer than four outliers")
            .at_least(EQUAL)
            .measure(&indicators(&suboptimal, |run| (run.outliers as usize) < CLUSTERS))?,
        declare("B4.directions")
            .says("the rank is the number of directions that neurons chose")
            .statistic("share of runs with as many outliers as directions of alive neurons")
            .at_least(EQUAL)
            .measure(&indicators(&narrow, |run| run.outliers == run.rank()))?,
    ])
}

/// The directions in a run, as mathematics.
fn directions(run: &Run) -> String {
    let names: Vec<&str> = (0..CLUSTERS)
        .filter(|direction| run.covered & (1 << direction) != 0)
        .filter_map(|direction| DIRECTIONS.get(direction).copied())
        .collect();
    names.join(", ")
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let all = runs_rows(results)?;
    let spectrum = Statistics::eigenvalues(results)?;
    let theory = Statistics::read(results, "theory")?;
    let experiment = results.experiment(RUNS)?;
    let wider = results.experiment(WIDER)?;
    let shown: Vec<String> = matched(&all)
        .iter()
        .filter_map(|run| run.at.replicate)
        .map(|replicate| replicate.to_string())
        .collect();
    let caption = Caption::new(
        "Matched runs that end with four, three, two and one outlier",
        format!(
            "All eigenvalues of H_vv over training time t in replicates {} of one experiment, the first that ended with each \
             number of outliers, which differ in their random numbers only; colour is the rank. Crosses are the eigenvalues \
             that theory predicts, and the dashed line is the level above which an eigenvalue counts as an outlier. Titles give \
             the number of outliers at the end (rank), the test accuracy and the directions that neurons ended on",
            listed(&shown)
        ),
        setting(&[experiment], &[Symbol::SecondBlock]),
        "Each direction that no neuron chose costs one outlier and one cluster, a quarter of the accuracy, and training never \
         recovers it",
    );
    let mut figure = Figure::new("xor-rank-deficiency", caption, Width::Full, 2).shared_x().shared_y();
    for run in matched(&all) {
        let replicate = run.at.replicate.unwrap_or(0);
        let ranked = spectrum.in_experiment(RUNS).replicate(replicate).ranked(width(experiment));
        let theory = |statistic: &str| theory.of(RUNS, statistic).replicate(replicate).points();
        figure = figure.panel(
            eigenvalues(
                Axis::log("eigenvalue of $H_{vv}$").range(1e-6, 0.4),
                ("rank (measured)", ranked),
                ("predicted", 3.0, theory("eigenvalue")),
                ("level of outliers", theory("level")),
            )
            .title(format!(
                "rank {}, accuracy {:.2}: ${}$",
                run.outliers,
                run.accuracy,
                directions(run)
            )),
        );
    }
    let caption = Caption::new(
        "Outliers and classified clusters of all runs",
        format!(
            "Share of runs with each number of outliers of H_vv and of classified clusters at the end of training, for widths \
             K = {} (a) and K = {} (b), with the number of runs in each cell that has any; a cluster is classified if more \
             than {CLASSIFIED} of its test points are",
            width(experiment),
            width(wider)
        ),
        setting(&[experiment, wider], &[Symbol::SecondBlock]),
        "Runs lie on the diagonal: as many outliers as classified clusters; wider networks lose fewer of them",
    );
    let mut table = Figure::new("xor-rank-runs", caption, Width::Full, 2).shared_y();
    for name in [RUNS, WIDER] {
        let experiment = results.experiment(name)?;
        let runs: Vec<&Run> = all.iter().filter(|run| run.at.experiment == name).collect();
        let count = |outliers: u32, classified: u32| {
            runs.iter().filter(|run| run.outliers == outliers && run.classified == classified).count()
        };
        // Cells without a run are white, so that the darkest cell still has some.
        let share = |count: usize| {
            if count == 0 { f64::NAN } else { as_f64(count) / as_f64(runs.len().max(1)) }
        };
        let counts: Vec<Vec<usize>> =
            (0..5).map(|outliers| (0..5).map(|classified| count(outliers, classified)).collect()).collect();
        let text = |count: &usize| if *count == 0 { String::new() } else { count.to_string() };
        let texts = counts.iter().map(|row| row.iter().map(text).collect()).collect();
        let edges: Vec<f64> = (0..=5).map(|edge| f64::from(edge) - 0.5).collect();
        let values = counts.iter().map(|row| row.iter().map(|count| share(*count)).collect()).collect();
        let exceptions = runs.iter().filter(|run| run.exception().is_some()).count();
        let axes = ["classified clusters", "outliers of $H_{vv}$"]
            .map(|label| (Axis::linear(label).whole(), edges.clone()));
        let title = format!(r"$K = {}$: {exceptions} exceptions in {} runs", width(experiment), runs.len());
        table = table.panel(heat("share of runs", axes, values, 1.0, texts).title(title));
    }
    Ok(vec![figure, table])
}
