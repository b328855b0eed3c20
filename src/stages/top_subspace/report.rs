//! Claims and figures about gradients in top spaces and projected training.

use crate::error::Result;
use crate::plot::{Axis, Caption, Dash, Figure, Marker, Panel, Style, Width};
use crate::problem::as_f64;
use crate::problem::experiment::Experiment;
use crate::problem::network::Layer;
use crate::simulation::task::Matrix;
use crate::stage::claim::{Claim, Kind as ClaimKind, chosen, declare, theory};
use crate::stage::estimate::Values;
use crate::stage::rows::{Of, Selection, Statistics, Subspace, at_end, at_start, average, mean};
use crate::stage::{Kind, Results, Stage};
use crate::stages::common::captions::{between, number};
use crate::stages::common::deep;
use crate::stages::common::grid::log_edges;
use crate::stages::common::judged::combined;
use crate::stages::common::judging::mapped;
use crate::stages::common::looks;
use crate::stages::common::panels::{heat, over_time};
use crate::stages::common::words::parameters;
use crate::stages::top_subspace::{
    BATCH, CLASSES, FROM, MAP, PROJECTED, RULES, SHARE, SHARES, SHARES_NUISANCE, plan, reduce,
};

/// The stage.
pub const STAGE: Stage = Stage {
    name: "top-subspace",
    kind: Kind::Theorem,
    on_request: false,
    title: "Gradients in the top spaces of H and G, and training that is projected on these or off them",
    source: "src/stages/top_subspace/mod.rs",
    report: file!(),
    claims: &[
        "C3.one-sample",
        "C3.batch",
        "C3.n-samples",
        "C3.one-sample-nuisance",
        "C3.n-samples-nuisance",
        "C3.spaces",
        "C3.whole-outliers",
        "C3.top",
        "C3.off",
        "C3.components",
        "C3.top-nuisance",
        "C3.off-nuisance",
        "C3.wide-nuisance",
    ],
    figures: &["top-subspace-gradient", "top-subspace-training", "top-subspace-map"],
    plan,
    reduce,
    judge,
    draw,
};

/// Least overlap of spaces that count as one, and least share of a loss that counts as all of it.
const SAME: f64 = 0.9;
/// Least ratio of the last outlier to the eigenvalue after it: beyond any spacing of a bulk, whose neighbours differ by some percent.
const GAP: f64 = 1.5;
/// Signal-to-noise ratio at which rules are judged: five times the threshold k of the closed form at φ = 1.
const JUDGED: f64 = 20.0;

/// The member of a family nearest to these places: grids may be replaced.
fn member<'a>(results: &'a Results, family: &str, places: &[f64]) -> Result<&'a Experiment> {
    let distance = |one: &Experiment| {
        let own = one.member.as_ref().map_or(&[][..], |member| &member.place);
        let off = own.iter().zip(places).map(|((_, value), place)| libm::log(value / place).abs());
        off.sum::<f64>()
    };
    let all = members(results, family);
    let nearest = all.into_iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map_or_else(|| results.experiment(family), Ok)
}

fn members<'a>(results: &'a Results, family: &str) -> Vec<&'a Experiment> {
    let of = |one: &&Experiment| one.member.as_ref().is_some_and(|member| member.family == family);
    results.all().into_iter().filter(of).collect()
}

/// The space of k(k-1) eigenvectors of the whole H.
fn whole() -> Of {
    Of { matrix: Some(Matrix::Hessian), ..Of::layer(Layer::DEEP[0]) }.rank(CLASSES * (CLASSES - 1))
}

fn of<'a>(table: &'a Statistics, name: &str, statistic: &str, of: Of) -> Selection<'a> {
    table.of(name, statistic).only(|row| row.of == of)
}

/// Logarithm of a ratio.
fn log_ratio(one: &Values, other: &Values) -> Values {
    combined(one, other, |one, other| libm::log(one / other))
}

/// Of what SGD gains after the start of projection, the share that a rule loses at the end.
fn lost(statistics: &Statistics, name: &str, rule: &str) -> Values {
    let end = |statistic: &str| at_end(&statistics.of(name, statistic).curves());
    let (start, sgd) = (end(RULES[0].1), end(RULES[1].1));
    let behind = combined(&end(rule), &sgd, |rule, sgd| rule - sgd);
    combined(&behind, &combined(&start, &sgd, |start, sgd| start - sgd), |behind, gain| behind / gain)
}

fn judge(results: &Results) -> Result<Vec<Claim>> {
    let (measured, predicted) = &Statistics::both(results)?;
    let mut claims = shares(results, measured, predicted)?;
    claims.extend(spectra(results, measured)?);
    claims.extend(rules(results, measured)?);
    Ok(claims)
}

/// The shares of gradients at the end against their prediction.
fn shares(results: &Results, measured: &Statistics, predicted: &Statistics) -> Result<Vec<Claim>> {
    let one = member(results, SHARES, &[100.0])?;
    let problem = &one.problem;
    let (k, phi) = (f64::from(CLASSES), problem.training.phi);
    let s = problem.lambda() / k;
    // Of a unit eigenvector, what is outside the span of the means: the closed form at constant weights.
    let outside = 1.0 - (1.0 - 1.0 / (phi * s * s)) / (1.0 + 1.0 / (phi * s));
    let share = |table: &Statistics, name: &str, statistic: &str, space: Of| {
        at_end(&of(table, name, statistic, space).curves())
    };
    let random = Of::layer(Layer::DEEP[0]).with(Subspace::Random);
    let mut claims = Vec::new();
    for (id, statistic, words, batch) in
        [("C3.one-sample", SHARE[0], "one sample", 1), ("C3.batch", SHARE[1], "a batch of 32", BATCH)]
    {
        let expected = share(predicted, &one.name, statistic, whole());
        let ratio = |found: Values| log_ratio(&found, &expected);
        let samples = phi * as_f64(problem.d()) * f64::from(one.replicates);
        let scatter = 7.0 * (2.0 / (k * (k - 1.0)) * f64::from(batch) / samples).sqrt();
        let claim = declare(id, ClaimKind::Prediction)
            .says(format!("after training the gradient of {words} has in the top space of the whole H the share that its moments give it in Span(mu)"))
            .statistic(format!("logarithm of the share of the gradient of {words} in the space of the k(k-1) leading eigenvectors of the whole H, over the predicted one, at the end; lambda = {}", problem.lambda()))
            .about([one.name.clone()])
            .near(
                0.0,
                outside + scatter,
                theory("eigenvectors have 1 - (1 - 1/(phi s^2))/(1 + 1/(phi s)) outside Span(mu), s = lambda/k, at constant weights; squared lengths in k(k-1) dimensions scatter by (2/(k(k-1)))^(1/2), 7 standard errors of all batches"),
            )
            .null("random-subspace", ratio(share(measured, &one.name, statistic, random)));
        let claim = if batch > 1 {
            claim.null("one-sample", ratio(share(measured, &one.name, SHARE[0], whole())))
        } else {
            claim
        };
        claims.push(claim.mean(ratio(share(measured, &one.name, statistic, whole())))?);
    }
    claims.push(
        declare("C3.n-samples", ClaimKind::Bound)
            .says("after training nearly all of the gradient of n samples lies in the top space of the whole H, unlike that of one")
            .statistic(format!("share of the gradient of n fresh samples in the space of the k(k-1) leading eigenvectors of the whole H, at the end; lambda = {}", problem.lambda()))
            .about([one.name.clone()])
            .at_least(SAME, chosen("a tenth is left for rows outside Span(mu) and for what n samples scatter (constant SAME)"))
            .null("one-sample", share(measured, &one.name, SHARE[0], whole()))
            .null("random-subspace", share(measured, &one.name, SHARE[2], random))
            .mean(share(measured, &one.name, SHARE[2], whole()))?,
    );
    let nuisance = results.experiment(SHARES_NUISANCE)?;
    // Trace of the noise: k directions of variance 1 and the rest.
    let variance = nuisance.problem.data.nuisance().map_or(0.0, |nuisance| nuisance.variance);
    let noise = k * variance + (as_f64(problem.d()) - 2.0 * k) / problem.lambda();
    let bound = k * variance / (1.0 + k / problem.lambda() + noise);
    claims.push(
        declare("C3.one-sample-nuisance", ClaimKind::Bound)
            .says("with label-free directions of large variance most of a sample's gradient lies in the top space of the whole H, though these directions say nothing of the label")
            .statistic("share of the gradient of one sample in the space of the k(k-1) leading eigenvectors of the whole H, at the end")
            .about([nuisance.name.clone(), one.name.clone()])
            .at_least(0.5, theory(format!("the label-free directions have the share {bound:.3} of the squared length of a sample; half of all is left for eigenvectors that lie elsewhere")))
            .null("isotropic-noise", share(measured, &one.name, SHARE[0], whole()))
            .null("random-subspace", share(measured, &nuisance.name, SHARE[0], random))
            .mean(share(measured, &nuisance.name, SHARE[0], whole()))?,
    );
    claims.push(
        declare("C3.n-samples-nuisance", ClaimKind::Bound)
            .says("with label-free directions of large variance hardly any of the gradient of n samples lies in the top space of the whole H: what one sample has there is noise")
            .statistic("share of the gradient of n fresh samples in the space of the k(k-1) leading eigenvectors of the whole H, at the end")
            .about([nuisance.name.clone(), one.name.clone()])
            .at_most(1.0 - SAME, chosen("the complement of nearly all (constant SAME)"))
            .null("isotropic-noise", share(measured, &one.name, SHARE[2], whole()))
            .null("one-sample", share(measured, &nuisance.name, SHARE[0], whole()))
            .mean(share(measured, &nuisance.name, SHARE[2], whole()))?,
    );
    Ok(claims)
}

/// The outliers of the whole H, and the top spaces of both matrices.
fn spectra(results: &Results, measured: &Statistics) -> Result<Vec<Claim>> {
    let (one, weak) = (member(results, SHARES, &[100.0])?, member(results, SHARES, &[10.0])?);
    let spaces = Of::layer(Layer::DEEP[0]).with(Subspace::Outliers(Matrix::Gradient));
    let overlap = |name: &str| of(measured, name, "overlap", spaces).curves();
    let gap = |name: &str| of(measured, name, "gap", whole()).curves();
    let chance = f64::from(CLASSES) / as_f64(one.problem.d() * one.problem.rows());
    Ok(vec![
        declare("C3.spaces", ClaimKind::Bound)
            .says("after training the k leading eigenvectors of the whole H and those of the whole G span the same space")
            .statistic(format!("|P_U P_V|_F^2/k of the k leading eigenvectors of the whole H and of G, at the end; lambda = {}", one.problem.lambda()))
            .about([one.name.clone()])
            .at_least(SAME, chosen("noise of size lambda^{-1/2} = 0.1 in each (constant SAME)"))
            .null("start", at_start(&overlap(&one.name)))
            .null("random-subspace", mapped(&at_end(&overlap(&one.name)), |_| chance))
            .mean(at_end(&overlap(&one.name)))?,
        declare("C3.whole-outliers", ClaimKind::Bound)
            .says(format!("after training the whole H has k(k-1) = {} outliers", CLASSES * (CLASSES - 1)))
            .statistic(format!("eigenvalue k(k-1) of the whole H over the next one, at the end; lambda = {}", one.problem.lambda()))
            .about([one.name.clone(), weak.name.clone()])
            .at_least(GAP, chosen("beyond any spacing of a bulk (constant GAP)"))
            .null("weaker-signal", at_end(&gap(&weak.name)))
            .mean(at_end(&gap(&one.name)))?,
    ])
}

/// Projected training, without and with label-free directions.
fn rules(results: &Results, measured: &Statistics) -> Result<Vec<Claim>> {
    let plain = member(results, PROJECTED, &[JUDGED])?;
    let nuisance = member(results, MAP, &[JUDGED, 1.0])?;
    let most = 1.0 - SAME;
    let statistic = |rule: &str| {
        format!(
            "loss of training {rule} at the end minus that of SGD, over what SGD gains from t = {FROM} on; the ridge is projected too; lambda = {JUDGED}"
        )
    };
    let both = [plain.name.clone(), nuisance.name.clone()];
    let [top, off, wide, random, components] = [2, 4, 6, 7, 8].map(|place| RULES[place].1);
    let of = |one: &Experiment, rule: &str| lost(measured, &one.name, rule);
    let nearly = || chosen("a tenth of what is gained (constant SAME)");
    let half = || chosen("half of what is gained: on neither side of the other rule");
    let standing = |one: &Experiment| mapped(&of(one, top), |_| 1.0);
    Ok(vec![
        declare("C3.top", ClaimKind::Bound)
            .says("above the threshold, with isotropic noise, training on the top space of H is SGD")
            .statistic(statistic("on the space of the k leading eigenvectors of each row's block of H"))
            .about(both.clone())
            .at_most(most, nearly())
            .null("random-subspace", of(plain, random))
            .null("standing-still", standing(plain))
            .null("nuisance", of(nuisance, top))
            .mean(of(plain, top))?,
        declare("C3.off", ClaimKind::Bound)
            .says("above the threshold, with isotropic noise, training off the top space of H learns little")
            .statistic(statistic("off the space of the k leading eigenvectors of each row's block of H"))
            .about(both.clone())
            .at_least(0.5, half())
            .null("on-top", of(plain, top))
            .null("nuisance", of(nuisance, off))
            .mean(of(plain, off))?,
        declare("C3.components", ClaimKind::Bound)
            .says("with isotropic noise training on the principal components of the data is SGD as well: nothing follows for H from it alone")
            .statistic(statistic("on the k leading principal components of the data"))
            .about(both.clone())
            .at_most(most, nearly())
            .null("random-subspace", of(plain, random))
            .null("nuisance", of(nuisance, components))
            .mean(of(plain, components))?,
        declare("C3.top-nuisance", ClaimKind::Bound)
            .says("with as many label-free directions of variance 1 training on the top space of H learns little")
            .statistic(statistic("on the space of the k leading eigenvectors of each row's block of H"))
            .about(both.clone())
            .at_least(0.5, half())
            .null("isotropic-noise", of(plain, top))
            .null("off-top", of(nuisance, off))
            .mean(of(nuisance, top))?,
        declare("C3.off-nuisance", ClaimKind::Bound)
            .says("with as many label-free directions of variance 1 training off the top space of H is SGD: alignment of the gradient with it is spurious")
            .statistic(statistic("off the space of the k leading eigenvectors of each row's block of H"))
            .about(both.clone())
            .at_most(most, nearly())
            .null("isotropic-noise", of(plain, off))
            .null("standing-still", standing(nuisance))
            .mean(of(nuisance, off))?,
        declare("C3.wide-nuisance", ClaimKind::Bound)
            .says("with label-free directions of variance 1 training on a top space that is wide enough for these and the means is SGD again")
            .statistic(statistic("on the space of the 2k leading eigenvectors of each row's block of H"))
            .about(both)
            .at_most(most, nearly())
            .null("k-dimensions", of(nuisance, top))
            .null("standing-still", standing(nuisance))
            .mean(of(nuisance, wide))?,
    ])
}

fn draw(results: &Results) -> Result<Vec<Figure>> {
    let (measured, predicted) = &Statistics::both(results)?;
    Ok(vec![gradient(results, measured, predicted)?, training(results, measured)?, map(results, measured)])
}

/// Shares of gradients over time.
fn gradient(results: &Results, measured: &Statistics, predicted: &Statistics) -> Result<Figure> {
    let mut shown = members(results, SHARES);
    shown.sort_by(|a, b| b.problem.lambda().total_cmp(&a.problem.lambda()));
    shown.push(results.experiment(SHARES_NUISANCE)?);
    let share = |one: &Experiment, statistic: &str| {
        let all = at_end(&of(measured, &one.name, statistic, whole()).curves());
        number(average(&all.into_values().collect::<Vec<_>>()), 2)
    };
    let ends = |one: &Experiment| format!("{} and {}", share(one, SHARE[2]), share(one, SHARE[0]));
    let nuisance = results.experiment(SHARES_NUISANCE)?;
    let caption = Caption::new(
        "The share of the gradient in the top space of the whole H along training",
        format!(
            "Softmax regression at two λ (a, b), and with label-free directions of large variance (c). Share, in the space of the k(k-1) \
             leading eigenvectors of the whole H, of the gradient of n samples, a batch and one sample; crosses, in a random space; means \
             over replicates. Lines, the share in Span(μ) by the moments of the gradient. At the end n samples and one have {} (a), {} (c)",
            ends(shown[0]),
            ends(nuisance),
        ),
        deep::parameters(&shown),
        "The top space has most of the mean gradient and little of a sample's, unless label-free noise fills it",
    );
    let mut figure = Figure::new("top-subspace-gradient", caption, Width::Full, 3).shared_y();
    for one in &shown {
        let title = match one.problem.data.nuisance() {
            Some(_) => format!(r"$\lambda = {}$, nuisance", one.problem.lambda()),
            None => format!(r"$\lambda = {}$", one.problem.lambda()),
        };
        let mut panel = Panel::new(
            Axis::log("training time $t$"),
            Axis::linear("share in the top space").range(-0.03, 1.04),
        )
        .title(title);
        let after =
            |points: Vec<(f64, f64)>| points.into_iter().filter(|point| point.0 > 0.0).collect::<Vec<_>>();
        for (statistic, words, look, dash) in [
            (SHARE[2], "$n$ samples", looks::data().marker(Marker::Ring), Dash::Dashed),
            (SHARE[1], "a batch", looks::data().marker(Marker::OpenSquare), Dash::DashDot),
            (SHARE[0], "one sample", looks::data().marker(Marker::OpenTriangle), Dash::Dotted),
        ] {
            let found = mean(&of(measured, &one.name, statistic, whole()).curves());
            panel = panel.points(words, look.size(4.0), after(found));
            let expected = mean(&of(predicted, &one.name, statistic, whole()).curves());
            if !expected.is_empty() {
                panel =
                    panel.line(format!("{words}, predicted"), looks::predicted().dash(dash), after(expected));
            }
        }
        let random = Of::layer(Layer::DEEP[0]).with(Subspace::Random);
        let found = mean(&of(measured, &one.name, SHARE[0], random).curves());
        panel = panel.points(
            "one sample, random space",
            Style::reference().marker(Marker::Cross).size(4.0),
            after(found),
        );
        figure = figure.panel(panel);
    }
    Ok(figure.axes_height(120.0))
}

/// Losses of the rules over time.
fn training(results: &Results, measured: &Statistics) -> Result<Figure> {
    let shown = [member(results, PROJECTED, &[JUDGED])?, member(results, MAP, &[JUDGED, 1.0])?];
    let lose = |one: &Experiment, rule: &str| {
        number(average(&lost(measured, &one.name, rule).into_values().collect::<Vec<_>>()), 3)
    };
    let caption = Caption::new(
        "Training that is projected on the top space of H, or off it",
        format!(
            "Softmax regression. Test loss, mean over replicates, of SGD and of training whose steps are soon projected: on the k leading \
             eigenvectors of each row's block of H, off these, on twice as many, on k principal components of the data, or on a random \
             space; (a) isotropic noise, (b) k label-free directions of large variance. Of what SGD gains, the top space loses {} in (a) \
             and {} in (b)",
            lose(shown[0], RULES[2].1),
            lose(shown[1], RULES[2].1),
        ),
        parameters(&shown),
        "With isotropic noise the network learns in the top space, with label-free directions off it",
    );
    let mut figure = Figure::new("top-subspace-training", caption, Width::Full, 2).shared_y();
    let hessian = looks::matrix(Matrix::Hessian);
    let rules = [
        (1, "SGD", looks::weights().dash(Dash::Solid)),
        (2, "on top", hessian.marker(Marker::OpenSquare).dash(Dash::Dashed)),
        (3, "on top, ridge everywhere", hessian.marker(Marker::Cross).dash(Dash::Dotted)),
        (6, "on wide top", hessian.marker(Marker::OpenDiamond).dash(Dash::DashDot)),
        (4, "off top", hessian.darker().marker(Marker::OpenTriangle).dash(Dash::Dashed)),
        (5, "off top, ridge everywhere", hessian.darker().marker(Marker::Plus).dash(Dash::DashDot)),
        (8, "on components", looks::data().marker(Marker::OpenSquare).dash(Dash::DashDot)),
        (7, "on a random space", looks::data().darker().marker(Marker::Triangle).dash(Dash::Dotted)),
    ];
    for one in shown {
        let title =
            if one.problem.data.nuisance().is_some() { "label-free directions" } else { "isotropic noise" };
        let mut panel = over_time(Axis::linear("test loss")).title(title);
        let start = mean(&measured.of(&one.name, RULES[0].1).curves());
        for (place, words, look) in rules {
            let mut curve = start.clone();
            curve.extend(mean(&measured.of(&one.name, RULES[place].1).curves()));
            panel = panel.marked_line(words, look.size(4.0), curve);
        }
        figure = figure.panel(panel);
    }
    Ok(figure.axes_height(150.0))
}

/// What rules lose, over λ and the variance of label-free directions.
fn map(results: &Results, measured: &Statistics) -> Figure {
    let (mut plain, all) = (members(results, PROJECTED), members(results, MAP));
    plain.sort_by(|a, b| a.problem.lambda().total_cmp(&b.problem.lambda()));
    let lambdas: Vec<f64> = plain.iter().map(|one| one.problem.lambda()).collect();
    let mut variances: Vec<f64> =
        all.iter().filter_map(|one| one.problem.data.nuisance()).map(|nuisance| nuisance.variance).collect();
    variances.sort_by(f64::total_cmp);
    variances.dedup();
    let lose = |one: &Experiment, rule: &str| {
        average(&lost(measured, &one.name, rule).into_values().collect::<Vec<_>>())
    };
    let rules = [(RULES[2].1, "on top"), (RULES[4].1, "off top"), (RULES[8].1, "on components")];
    let mut shown = plain.clone();
    shown.extend(&all);
    let top: Vec<f64> = all.iter().map(|one| lose(one, RULES[2].1)).collect();
    let (least, most) = (
        top.iter().copied().fold(f64::INFINITY, f64::min),
        top.iter().copied().fold(f64::NEG_INFINITY, f64::max),
    );
    let caption = Caption::new(
        "What projected training loses, over the signal-to-noise ratio and the variance of label-free directions",
        format!(
            "Softmax regression. Share of what SGD gains that training loses, mean over replicates, if its steps are projected on the k leading \
             eigenvectors of each row's block of H (a), off these (b), or on k principal components of the data (c), with k label-free \
             directions of the variance on the vertical axis: {} in (a). Line, the variance from which on these are the top space at the \
             start",
            between((least, most), 3),
        ),
        parameters(&shown),
        "Above the threshold the top space is all that SGD needs, and of no use where label-free directions fill it",
    );
    let (x_edges, y_edges) = (log_edges(&lambdas), log_edges(&variances));
    let critical: Vec<(f64, f64)> = (0..=60)
        .map(|index| {
            let (low, high) = (x_edges[0], x_edges[x_edges.len() - 1]);
            let lambda = low * libm::pow(high / low, f64::from(index) / 60.0);
            (lambda, 1.0 / lambda + 1.0 / f64::from(CLASSES))
        })
        .collect();
    let mut figure = Figure::new("top-subspace-map", caption, Width::Full, 3).shared_y();
    for (rule, title) in rules {
        let value = |lambda: f64, variance: f64| {
            let here = |one: &&&Experiment| {
                let own = one.problem.data.nuisance().map_or(f64::NAN, |nuisance| nuisance.variance);
                (one.problem.lambda() - lambda).abs() < 1e-9 && (own - variance).abs() < 1e-9
            };
            all.iter().find(here).map_or(f64::NAN, |one| lose(one, rule).clamp(0.0, 1.0))
        };
        let clipped = variances
            .iter()
            .map(|variance| lambdas.iter().map(|lambda| value(*lambda, *variance)).collect())
            .collect();
        let axes = [
            (Axis::log(r"signal-to-noise ratio $\lambda$").ticks(lambdas.clone()), &x_edges),
            (Axis::log("label-free variance").ticks(variances.clone()), &y_edges),
        ];
        let axes = axes.map(|(axis, edges)| (axis.range(edges[0], edges[edges.len() - 1]), edges.clone()));
        let panel = heat("share lost of what SGD gains", axes, clipped, (1.0, None), Vec::new()).title(title);
        figure = figure.panel(panel.line(r"$1/\lambda + 1/k$", looks::predicted(), critical.clone()));
    }
    figure.axes_height(110.0)
}
