//! Claims and figures of deeper and wider networks.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Marker, Panel, Series, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, interval, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Curves, Of, Statistics, Subspace, at_end, at_start, average, mean};
use crate::stage::{Kind, Results, Stage};
use crate::stages::architectures::{
    CLUSTERS, CONTRAST, DEPTHS, MERGED, MIDDLE, NUISANCE, WIDTHS, XOR, expected_outliers, plan, reduce,
};
use crate::stages::common::captions::number;
use crate::stages::common::deep::parameters;
use crate::stages::common::judged::combined;
use crate::stages::common::judging::{folded, median};
use crate::stages::common::looks;
use crate::stages::common::panels::over_log_time;
use crate::stages::common::shared::{SYMBOLS, reaches};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "architectures",
    kind: Kind::Theorem,
    on_request: false,
    title: "Deeper and wider networks, layer by layer: weights and outlier spaces align with what the data induce",
    source: "src/stages/architectures/mod.rs",
    report: file!(),
    claims: &[
        "C2.weights",
        "C2.weights-widths",
        "C2.weights-xor",
        "C2.weights-nuisance",
        "C2.hessian",
        "C2.gradient",
        "C2.hessian-xor",
        "C2.gradient-xor",
        "C2.hessian-nuisance",
        "C2.gradient-nuisance",
        "C2.hessian-nuisance-deep",
        "C2.gradient-nuisance-deep",
        "C2.spaces",
        "C2.head-outliers",
        "C2.merged",
        "C2.rows-hessian",
        "C2.order",
        "C2.accuracy",
        "C2.accuracy-xor",
    ],
    figures: &["architectures-training", "architectures-layers"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least share in the induced space: what is outside has at most the size of the noise, `λ^{-1/2} = 0.1`, a share 0.01 of a vector,
/// in each of the up to four layers behind each other, and as much from what the ridge leaves of the start.
const ALIGNED: f64 = 0.9;
/// Largest share in the span of the means of what lies in the nuisance directions: the complement of [`ALIGNED`].
const ASIDE: f64 = 0.1;
/// Least ratio of the last outlier to the eigenvalue after it: beyond any spacing of a bulk, whose neighbours differ by some percent.
const GAP: f64 = 1.5;
/// Least share of test points classified correctly at the end: at λ = 100 the Bayes classifier errs in fewer than one in 10^10.
const ACCURATE: f64 = 0.99;

/// A statistic of a layer: measured over time.
fn curves(statistics: &Statistics, name: &str, statistic: &str, of: Of) -> Curves {
    let found = statistics.of(name, statistic).only(|row| row.of == of);
    found.curves()
}

/// For every replicate that all have the least of a statistic's values over experiments and layers.
fn least<'a>(all: impl IntoIterator<Item = &'a Values>) -> Values {
    let mut all = all.into_iter();
    let mut folded = all.next().cloned().unwrap_or_default();
    for values in all {
        folded = folded
            .into_iter()
            .filter_map(|(replicate, value)| Some((replicate, value.min(*values.get(&replicate)?))))
            .collect();
    }
    folded
}

/// Layers of an experiment that are wanted, with what each is compared with.
fn layers(experiments: &[&Experiment], wanted: impl Fn(Layer) -> bool) -> Vec<(String, Layer)> {
    let all = experiments
        .iter()
        .flat_map(|one| one.problem.network.layers().iter().map(|layer| (one.name.clone(), *layer)));
    all.filter(|(_, layer)| wanted(*layer)).collect()
}

/// What is compared: the statistic, of the weights or of the outlier space of a matrix.
#[derive(Clone, Copy)]
enum What {
    Weights,
    Space(Matrix),
}

impl What {
    fn statistic(self) -> &'static str {
        match self {
            Self::Weights => "weights share",
            Self::Space(_) => "share",
        }
    }

    fn of(self, layer: Layer, subspace: Subspace) -> Of {
        match self {
            Self::Weights => Of::layer(layer).with(subspace),
            Self::Space(matrix) => Of { matrix: Some(matrix), ..Of::layer(layer) }.with(subspace),
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Weights => "|P_U P_B|_F^2/dim U of the weights' leading right singular vectors U",
            Self::Space(Matrix::Hessian) => "mean share |V P_B|_F^2 of the leading four eigenvectors V of H",
            Self::Space(Matrix::Gradient) => "mean share |V P_B|_F^2 of the leading four eigenvectors V of G",
        }
    }
}

/// Shares at the end and their nulls, at the least layer of all.
struct Shares {
    end: Values,
    start: Values,
    random: Values,
    components: Values,
}

impl Shares {
    fn of(statistics: &Statistics, all: &[(String, Layer)], what: What) -> Self {
        let every = |pick: &dyn Fn(&Curves) -> Values, statistic: &str, of: &dyn Fn(Layer) -> Of| {
            let values: Vec<Values> = all
                .iter()
                .map(|(name, layer)| pick(&curves(statistics, name, statistic, of(*layer))))
                .collect();
            least(&values)
        };
        let (name, means) = (what.statistic(), |layer| what.of(layer, Subspace::Means));
        Self {
            end: every(&at_end, name, &means),
            start: every(&at_start, name, &means),
            random: every(&at_end, name, &|layer| what.of(layer, Subspace::Random)),
            components: every(&at_end, "share", &|layer| Of::layer(layer).with(Subspace::Components)),
        }
    }
}

fn names(experiments: &[&Experiment]) -> Vec<String> {
    experiments.iter().map(|one| one.name.clone()).collect()
}

/// The members of a family, and single experiments, by what their names begin with.
fn members<'a>(results: &'a Results, family: &str) -> Vec<&'a Experiment> {
    let of = |one: &&Experiment| one.member.as_ref().is_some_and(|member| member.family == family);
    results.all().into_iter().filter(of).collect()
}

/// The last layer of an experiment.
fn head(experiment: &Experiment) -> Layer {
    let layers = experiment.problem.network.layers();
    layers[layers.len() - 1]
}

const REASON: &str = "noise of size lambda^{-1/2} = 0.1 in up to four layers behind each other, and what the ridge leaves of the start (constant ALIGNED)";

/// That weights or eigenvectors are aligned in every layer of some experiments.
fn aligned(
    statistics: &Statistics,
    id: &str,
    says: &str,
    (experiments, all, what): (&[&Experiment], &[(String, Layer)], What),
    components: bool,
) -> Result<Claim> {
    let Shares { end, start, random, components: of_components } = Shares::of(statistics, all, what);
    let claim = declare(id, ClaimKind::Bound)
        .says(says)
        .statistic(format!("least, over the layers, of the {} at the end", what.words()))
        .about(names(experiments))
        .at_least(ALIGNED, chosen(REASON))
        .null("random-subspace", random)
        .null("start", start);
    let claim = if components { claim.null("principal-components", of_components) } else { claim };
    claim.mean(end)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let statistics = &Statistics::read(results, "statistics")?;
    let (depths, xor) = (members(results, DEPTHS), members(results, XOR));
    let widths: Vec<&Experiment> =
        [MIDDLE, WIDTHS[0].0, WIDTHS[1].0].iter().filter_map(|name| results.experiments.get(*name)).collect();
    let nuisance = [results.experiment(NUISANCE)?];
    let every = |_: Layer| true;
    let mut claims = vec![
        aligned(
            statistics,
            "C2.weights",
            "the weights of every layer align with the space that the data induce in it, at every depth from 1 to 4",
            (&depths, &layers(&depths, every), What::Weights),
            false,
        )?,
        aligned(
            statistics,
            "C2.weights-widths",
            "the weights of every layer align with the space that the data induce in it, at every width",
            (&widths, &layers(&widths, every), What::Weights),
            false,
        )?,
        aligned(
            statistics,
            "C2.weights-xor",
            "on the XOR mixture too the weights of every layer align with the space that the data induce in it, at every depth from 2 to 4",
            (&xor, &layers(&xor, every), What::Weights),
            false,
        )?,
        aligned(
            statistics,
            "C2.weights-nuisance",
            "the weights of every layer align with what the data induce even where label-free directions have a large variance, in which the principal components of the data lie",
            (&nuisance, &layers(&nuisance, every), What::Weights),
            true,
        )?,
    ];
    for (matrix, symbol) in SYMBOLS {
        for (suffix, experiments, on) in [
            ("", &depths, "on the mixture at every depth from 1 to 4"),
            ("-xor", &xor, "on the XOR mixture at every depth from 2 to 4"),
        ] {
            claims.push(aligned(
                statistics,
                &format!("C2.{}{suffix}", matrix.name()),
                &format!("the outlier space of every layer's {symbol} lies, on the side of its inputs, in the space that the data induce, {on}; with isotropic noise principal components of the inputs do so as well"),
                (experiments, &layers(experiments, every), What::Space(matrix)),
                true,
            )?);
        }
    }
    for (matrix, symbol) in SYMBOLS {
        claims.extend(control(results, statistics, (matrix, symbol))?);
    }
    claims.extend(spectra(statistics, &depths)?);
    claims.push(merged(results, statistics)?);
    claims.push(order(statistics, &depths)?);
    for (id, all, on) in [("C2.accuracy", &depths, "mixture"), ("C2.accuracy-xor", &xor, "XOR mixture")] {
        let of = |pick: &dyn Fn(&Curves) -> Values| {
            let values: Vec<Values> =
                all.iter().map(|one| pick(&statistics.of(&one.name, "accuracy").curves())).collect();
            least(&values)
        };
        claims.push(
            declare(id, ClaimKind::Bound)
                .says(format!("networks of every depth learn the {on}"))
                .statistic("least, over the depths, of the test accuracy at the end")
                .about(names(all))
                .at_least(ACCURATE, chosen("the Bayes classifier makes no error at this signal-to-noise ratio; one point in a hundred is left (constant ACCURATE)"))
                .null("start", of(&at_start))
                .mean(of(&at_end))?,
        );
    }
    Ok(claims)
}

/// The nuisance control of one matrix: the first layer's outlier space lies aside, later ones do not.
fn control(
    results: &Results,
    statistics: &Statistics,
    (matrix, symbol): (Matrix, &str),
) -> Result<[Claim; 2]> {
    let nuisance = [results.experiment(NUISANCE)?];
    let (what, first) = (What::Space(matrix), Layer::DEEP[0]);
    let share =
        |name: &str, subspace| at_end(&curves(statistics, name, what.statistic(), what.of(first, subspace)));
    Ok([
        declare(format!("C2.{}-nuisance", matrix.name()), ClaimKind::Bound)
            .says(format!("where label-free directions have a large variance, the outlier space of the first layer's {symbol} lies in these and not in the span of the means: its alignment without them is that of principal components"))
            .statistic(format!("{} of the first layer at the end", what.words()))
            .about([NUISANCE, MIDDLE])
            .at_most(ASIDE, chosen("the complement of what counts as aligned (constant ASIDE)"))
            .null("isotropic-noise", share(MIDDLE, Subspace::Means))
            .mean(share(NUISANCE, Subspace::Means))?,
        aligned(
            statistics,
            &format!("C2.{}-nuisance-deep", matrix.name()),
            &format!("the outlier spaces of {symbol} in the layers after the first lie in what the data induce there, with label-free directions of large variance too"),
            (&nuisance, &layers(&nuisance, |layer| layer.index > 0), what),
            true,
        )?,
    ])
}

/// Claims about eigenvalues, and about the spaces of H and G together.
fn spectra(statistics: &Statistics, depths: &[&Experiment]) -> Result<Vec<Claim>> {
    let deep: Vec<&Experiment> =
        depths.iter().copied().filter(|one| one.problem.network.layers().len() > 1).collect();
    let later = layers(&deep, |layer| layer.index > 0);
    let spaces = |pick: &dyn Fn(&Curves) -> Values| {
        let of = |layer| Of::layer(layer).with(Subspace::Outliers(Matrix::Gradient));
        let values: Vec<Values> = later
            .iter()
            .map(|(name, layer)| pick(&curves(statistics, name, "overlap", of(*layer))))
            .collect();
        least(&values)
    };
    let random: Values = {
        // The overlap of two random spaces of four among all parameters of the smallest of these layers.
        let fewest = deep.iter().map(|one| {
            let widths = one.problem.network.widths();
            widths[widths.len() - 1] * one.problem.data.labels()
        });
        let chance = f64::from(CLUSTERS) / as_f64(fewest.min().unwrap_or(1));
        spaces(&at_end).into_keys().map(|replicate| (replicate, chance)).collect()
    };
    let gap = |pick: &dyn Fn(&Curves) -> Values| {
        let values: Vec<Values> = deep
            .iter()
            .map(|one| {
                let layer = head(one);
                let of = Of { matrix: Some(Matrix::Hessian), ..Of::layer(layer) };
                let rank = expected_outliers(one, layer);
                pick(&curves(statistics, &one.name, "gap", of.rank(rank)))
            })
            .collect();
        least(&values)
    };
    let rows = |names: &[&str]| {
        let found = names.iter().flat_map(|name| {
            let found = statistics.of(name, "gap").matrix(Matrix::Hessian);
            let found = found.only(|row| row.of.row.is_some() && row.of.rank == Some(CLUSTERS));
            found.iter().filter_map(|row| Some((row.at.replicate?, row.value))).collect::<Vec<_>>()
        });
        folded(found, median)
    };
    let classes = CLUSTERS;
    Ok(vec![
        declare("C2.spaces", ClaimKind::Bound)
            .says("after training the outlier spaces of H and of G are the same in every layer after the first")
            .statistic("least, over the depths from 2 to 4 and the layers after the first, of |P_U P_V|_F^2/4 of the leading four eigenvectors of H and of G at the end")
            .about(names(&deep))
            .at_least(ALIGNED, chosen(REASON))
            .null("start", spaces(&at_start))
            .null("random-subspace", random)
            .mean(spaces(&at_end))?,
        declare("C2.head-outliers", ClaimKind::Bound)
            .says(format!("after training the last layer's H has k(k-1) = {} outliers at every depth from 2 to 4", classes * (classes - 1)))
            .statistic("least, over the depths, of eigenvalue k(k-1) over the next one, at the end")
            .about(names(&deep))
            .at_least(GAP, chosen("beyond any spacing of a bulk (constant GAP)"))
            .null("start", gap(&at_start))
            .median(gap(&at_end))?,
        declare("C2.rows-hessian", ClaimKind::Bound)
            .says(format!("the block of H of a row of the first layer has k = {classes} outliers (lambda = 100)"))
            .statistic("eigenvalue k over the next one, at the end, median over the first four rows at depths from 2 to 4")
            .about(names(&deep).into_iter().chain([CONTRAST.to_owned()]))
            .at_least(GAP, theory("a signal-to-noise ratio of 100 is above the threshold k/sqrt(phi) = 2 of the closed form at constant weights; beyond any spacing of a bulk (constant GAP)"))
            .null("weaker-signal", rows(&[CONTRAST]))
            .mean(rows(&deep.iter().map(|one| one.name.as_str()).collect::<Vec<_>>()))?,
    ])
}

/// Outliers of the last layer of networks that merge classes: k-1 for each dimension of what the data still induce in it.
fn merged(results: &Results, statistics: &Statistics) -> Result<Claim> {
    let one = results.experiment(MERGED)?;
    let (layer, directions) = (head(one), as_f64(one.problem.data.labels() - 1));
    let dimension = at_end(&curves(statistics, MERGED, "dimension", Of::layer(layer).with(Subspace::Means)));
    let of = Of { matrix: Some(Matrix::Hessian), ..Of::layer(layer) };
    let found = at_end(&curves(statistics, MERGED, "eigenvalues before the largest gap", of));
    let equal = |expected: &dyn Fn(f64) -> f64| -> Values {
        combined(&found, &dimension, |found, dimension| {
            f64::from(u8::from((found - expected(dimension)).abs() < 0.5))
        })
    };
    let classes = directions + 1.0;
    declare("C2.merged", ClaimKind::Share)
        .says("where a strong ridge merges classes, the last layer's H has k-1 outliers for each dimension that the data still induce in it")
        .statistic("whether the largest gap among the leading eigenvalues at the end is after (k-1) dim B_L of them; depth 4")
        .about([MERGED])
        .at_least(0.5, chosen("all of twenty replicates show 0.61"))
        .null("all-classes", equal(&|_| classes * directions))
        .share(equal(&|dimension| directions * dimension))
}

/// Time at which a layer's weights are half aligned; the horizon if they never are.
fn half(statistics: &Statistics, one: &Experiment, layer: Layer) -> Values {
    let found = curves(statistics, &one.name, "weights share", Of::layer(layer).with(Subspace::Means));
    let time = |curve: &[(f64, f64)]| reaches(curve, 0.5).unwrap_or(one.horizon);
    found.iter().map(|(replicate, curve)| (*replicate, time(curve))).collect()
}

/// Which layer aligns first.
fn order(statistics: &Statistics, depths: &[&Experiment]) -> Result<Claim> {
    let deep: Vec<&Experiment> =
        depths.iter().copied().filter(|one| one.problem.network.layers().len() > 1).collect();
    let ratios: Vec<Values> = deep
        .iter()
        .map(|one| {
            let (first, last) = (half(statistics, one, Layer::DEEP[0]), half(statistics, one, head(one)));
            let ratio = |(replicate, time): (u32, f64)| Some((replicate, time / last.get(&replicate)?));
            first.into_iter().filter_map(ratio).collect()
        })
        .collect();
    declare("C2.order", ClaimKind::Bound)
        .says("the last layer aligns before the first")
        .statistic("least, over the depths from 2 to 4, of the time at which the weights of the first layer are half aligned over that of the last layer")
        .about(names(&deep))
        .at_least(1.0, theory("the error of the last layer is felt first: the gradient of a layer is that of the next one times its weights, which are random at the start"))
        .no_null("two times of the same run; without an order their ratio is below 1 in half of the runs")
        .mean(least(&ratios))
}

/// The look of a layer in the colour of what is shown, by its place from the last.
fn look(what: What, index: usize, depth: usize) -> Style {
    let base = match what {
        What::Weights => looks::weights(),
        What::Space(matrix) => looks::matrix(matrix),
    };
    let (marker, dash) = match (depth - 1 - index, index) {
        (0, _) => (Marker::Ring, Dash::Solid),
        (_, 0) => (Marker::OpenSquare, Dash::Dashed),
        (_, 1) => (Marker::OpenTriangle, Dash::DashDot),
        _ => (Marker::OpenDiamond, Dash::Dotted),
    };
    let look = base.marker(marker).size(4.0).dash(dash);
    if index + 1 == depth { look.darker() } else { look }
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let statistics = &Statistics::read(results, "statistics")?;
    Ok(vec![training(results, statistics)?, per_layer(results, statistics)?])
}

const QUANTITIES: [(What, &str); 3] = [
    (What::Weights, "share of weights in $B_l$"),
    (What::Space(Matrix::Hessian), "share of outlier space\nof $H$ in $B_l$"),
    (What::Space(Matrix::Gradient), "share of outlier space\nof $G$ in $B_l$"),
];

/// Shares over time of the network of depth 3, without and with nuisance.
fn training(results: &Results, statistics: &Statistics) -> Result<Figure> {
    let shown = [results.experiment(MIDDLE)?, results.experiment(NUISANCE)?];
    let [plain, nuisance] = shown;
    let end = |one: &Experiment, what: What| {
        let found = curves(statistics, &one.name, what.statistic(), what.of(Layer::DEEP[0], Subspace::Means));
        average(&at_end(&found).into_values().collect::<Vec<_>>())
    };
    let times = |index: usize| {
        let layer = plain.problem.network.layers()[index];
        average(&half(statistics, plain, layer).into_values().collect::<Vec<_>>())
    };
    let depth = plain.problem.network.layers().len();
    let first = |one: &Experiment| {
        let [weights, hessian, gradient] = QUANTITIES.map(|(what, _)| number(end(one, what), 2));
        format!("{weights}, {hessian} and {gradient}")
    };
    let caption = Caption::new(
        "Alignment of every layer with what the data induce in it, along training",
        format!(
            "Perceptrons of depth {depth} on isotropic noise (a-c) and with label-free directions of large variance (d-f). Share in B_l of the leading right singular vectors of the weights of layer l (a, d), and of the leading {CLUSTERS} eigenvectors of H (b, e) and G (c, f), on the side of the inputs: means"
        ),
        parameters(&shown),
        format!(
            "On isotropic noise weights are half aligned at t = {} in the last layer and {} in the first, where shares (weights, H, G) end at {}, and at {} in d-f",
            number(times(depth - 1), 1),
            number(times(0), 1),
            first(plain),
            first(nuisance)
        ),
    );
    let mut figure = Figure::new("architectures-training", caption, Width::Full, 3);
    for one in shown {
        let depth = one.problem.network.layers().len();
        for (what, label) in QUANTITIES {
            let mut panel = over_log_time(one, Axis::linear(label).range(-0.03, 1.04));
            for (index, layer) in one.problem.network.layers().iter().enumerate() {
                let found = curves(statistics, &one.name, what.statistic(), what.of(*layer, Subspace::Means));
                let style = look(what, index, depth);
                panel = panel.marked_line(format!("layer $W_{}$", index + 1), style, mean(&found));
            }
            figure = figure.panel(panel);
        }
    }
    Ok(figure.axes_height(92.0))
}

/// A mean with its 95 % interval at a place.
fn bar(place: f64, values: &Values) -> Result<Option<(f64, f64, f64, f64)>> {
    if values.is_empty() {
        return Ok(None);
    }
    let (mean, half) = interval(&values.values().copied().collect::<Vec<_>>())?;
    Ok(Some((place, mean, mean - half, mean + half)))
}

/// Shares at the end, layer by layer, of networks of every depth.
fn per_layer(results: &Results, statistics: &Statistics) -> Result<Figure> {
    let (depths, xor) = (members(results, DEPTHS), members(results, XOR));
    let single: Vec<&Experiment> = [CONTRAST, NUISANCE, WIDTHS[0].0, WIDTHS[1].0, MERGED]
        .iter()
        .filter_map(|name| results.experiments.get(*name))
        .collect();
    let least = |found: &[&Experiment], subspace: Option<What>| {
        let shares =
            found.iter().flat_map(|one| one.problem.network.layers().iter().map(move |layer| (one, *layer)));
        let mean = |(one, layer): (&&Experiment, Layer)| {
            let curves = match subspace {
                Some(what) => {
                    curves(statistics, &one.name, what.statistic(), what.of(layer, Subspace::Means))
                }
                None => curves(statistics, &one.name, "share", Of::layer(layer).with(Subspace::Components)),
            };
            average(&at_end(&curves).into_values().collect::<Vec<_>>())
        };
        shares.map(mean).filter(|share| share.is_finite()).fold(f64::INFINITY, f64::min)
    };
    let isotropic: Vec<&Experiment> = depths.iter().chain(&xor).copied().collect();
    let all: Vec<&Experiment> = isotropic.iter().chain(&single).copied().collect();
    let nuisance: Vec<&Experiment> = results.experiments.get(NUISANCE).into_iter().collect();
    let caption = Caption::new(
        "Alignment of every layer at the end, by depth, data law, width and noise",
        "Share in B_l of the weights, of the leading four eigenvectors of H and G, and of principal components of the inputs, layer by layer: by depth on (a) the mixture and (b) XOR; (c) at smaller λ, with label-free directions of large variance, at other widths, and with a stronger ridge. Marks, mean; bars, \
         95 % interval; grey, chance",
        parameters(&results.all()),
        format!(
            "The least mean share of weights is {}, of principal components {} in a and b, and {} with the label-free directions, where that of H is {}",
            number(least(&all, Some(What::Weights)), 2),
            number(least(&isotropic, None), 2),
            number(least(&nuisance, None), 2),
            number(least(&nuisance, Some(What::Space(Matrix::Hessian))), 2)
        ),
    );
    let mut figure = Figure::new("architectures-layers", caption, Width::Full, 1);
    let numbered = (1_u32..).map(f64::from).zip(single.iter().copied()).collect();
    for (title, axis, shown) in [
        ("mixture", "depth of the network, its layers from left to right", by_depth(&depths)),
        ("XOR mixture", "depth of the network, its layers from left to right", by_depth(&xor)),
        (
            "other networks on the mixture",
            r"1: $\lambda = 20$; 2: nuisance; 3: width 10; 4: width 40; 5: stronger ridge; layers from left to right",
            numbered,
        ),
    ] {
        let marks = [
            (Some(What::Weights), "weights", looks::weights().size(4.0)),
            (
                Some(What::Space(Matrix::Hessian)),
                "outlier space of $H$",
                looks::matrix(Matrix::Hessian).size(4.5),
            ),
            (
                Some(What::Space(Matrix::Gradient)),
                "outlier space of $G$",
                looks::matrix(Matrix::Gradient).size(4.0),
            ),
            (None, "principal components", looks::data().marker(Marker::Cross).size(4.0)),
        ];
        let mut panel = Panel::new(
            Axis::linear(axis).ticks(shown.iter().map(|one| one.0).collect::<Vec<_>>()),
            Axis::linear("share in $B_l$").range(-0.04, 1.06),
        )
        .title(title);
        for (place, (what, label, style)) in marks.into_iter().enumerate() {
            let mut bars = Vec::new();
            for (x, (name, layer)) in slots(&shown) {
                let found = match what {
                    Some(what) => {
                        curves(statistics, &name, what.statistic(), what.of(layer, Subspace::Means))
                    }
                    None => curves(statistics, &name, "share", Of::layer(layer).with(Subspace::Components)),
                };
                bars.extend(bar(x + 0.2 * STEP * (as_f64(place) - 1.5), &at_end(&found))?);
            }
            panel = panel.error_bars(format!("{label}: mean, 95 % interval"), style, bars);
        }
        let mut chance = Vec::new();
        for (x, (name, layer)) in slots(&shown) {
            let found = at_end(&curves(
                statistics,
                &name,
                "weights share",
                What::Weights.of(layer, Subspace::Random),
            ));
            if let Some((_, mean, ..)) = bar(x, &found)? {
                chance.extend([(x - 0.4 * STEP, mean), (x + 0.4 * STEP, mean), (x, f64::NAN)]);
            }
        }
        panel = panel.series(Series::line("random space", Style::reference().dash(Dash::Solid), chance));
        figure = figure.panel(panel);
    }
    Ok(figure.axes_height(92.0))
}

/// Distance of the layers of a network on the axis.
const STEP: f64 = 0.22;

/// A place on the axis for every layer of every network, about the place of the network.
fn slots(shown: &[(f64, &Experiment)]) -> Vec<(f64, (String, Layer))> {
    let mut all = Vec::new();
    for (place, one) in shown {
        let layers = one.problem.network.layers();
        let first = place - STEP * as_f64(layers.len() - 1) / 2.0;
        let of = |(index, layer): (usize, &Layer)| (first + STEP * as_f64(index), (one.name.clone(), *layer));
        all.extend(layers.iter().enumerate().map(of));
    }
    all
}

/// Networks at their depths.
fn by_depth<'a>(experiments: &[&'a Experiment]) -> Vec<(f64, &'a Experiment)> {
    experiments.iter().map(|one| (as_f64(one.problem.network.layers().len()), *one)).collect()
}
