//! The verdicts: what fails and what was not run first, then all that holds.

use crate::published::NOT_COMPUTED;
use crate::report::claim_figure::claim_figure;
use crate::report::find::find;
use crate::report::gallery::picture;
use crate::report::gather::{self, Report, Section};
use crate::report::interval_plot::interval_plot;
use crate::report::margin::margin;
use crate::report::words::{
    by_number, condition, count, estimate, formula, greek, percent, prose, significant,
};
use crate::stage::claim::{Claim, Origin, Verdict};
use crate::stage::estimate::MISS;
use maud::{Markup, html};
use std::collections::{BTreeMap, BTreeSet};

/// What the first letters of claims stand for.
const GROUPS: [(&str, &str); 4] = [
    ("A", "softmax regression on the mixture of Gaussians (task A)"),
    ("B", "the two-layer network on the XOR mixture (task B)"),
    ("C", "training data, deeper and wider networks, gradients in top spaces"),
    ("D", "measurement against theory"),
];

/// What the paper claims, by the part of a claim's id before the dot.
pub const PAPER: [(&str, &str); 15] = [
    ("A1", "every row x^c aligns with Span(mu)"),
    ("A2", "the outlier eigenspaces of all blocks of H and G lie in Span(mu)"),
    ("A3", "SGD aligns with the outlier eigenspaces of H and G, and they with each other"),
    ("A4", "orthogonal means: one leading outlier along mu_c, then k-1 smaller ones, then the bulk"),
    ("A5", "outliers leave the bulk at thresholds of lambda that depend on matrix, block and time"),
    ("B1", "every neuron W_i, and the top two eigenvectors of its block, align with Span(mu, nu)"),
    ("B2", "v and the outlier eigenspaces of the second layer align with a subspace that moves"),
    ("B3", "the second layer's outlier eigenspace grows from one dimension to four"),
    ("B4", "as many outliers are left as clusters are classified"),
    ("B5", "how often rank is lost follows the coupon collector's law"),
    ("C1", "the same holds with matrices from training data"),
    ("C2", "the same picture in deeper and wider networks, layer by layer"),
    (
        "C3",
        "what a decade of numerics reported: bulk plus outliers, as many as classes, gradients mostly in the top space",
    ),
    ("D1", "effective dynamics predict the summary statistics of SGD"),
    ("D2", "effective spectral theory predicts bulk, edges, outliers and eigenvectors"),
];

fn group(claim: &Claim) -> &str {
    claim.id.split(|letter: char| !letter.is_ascii_uppercase()).next().unwrap_or_default()
}

/// The paper's claim that a claim belongs to.
pub(crate) fn of_paper(id: &str) -> &str {
    id.split('.').next().unwrap_or_default()
}

/// Claims by the paper's claim that they belong to.
fn by_paper<'a>(claims: &[&'a Claim]) -> BTreeMap<&'a str, Vec<&'a Claim>> {
    let mut all: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    for &claim in claims {
        all.entry(of_paper(&claim.id)).or_default().push(claim);
    }
    all
}

/// The claims that hold, by group.
pub(crate) fn holding(report: &Report) -> BTreeMap<&str, Vec<&Claim>> {
    let mut groups: BTreeMap<&str, Vec<&Claim>> = BTreeMap::new();
    for claim in report.claims().filter(|claim| claim.verdict == Verdict::Holds) {
        groups.entry(group(claim)).or_default().push(claim);
    }
    groups
}

/// A verdict as a word with a mark.
pub(crate) fn badge(verdict: Verdict) -> Markup {
    let (class, mark) = match verdict {
        Verdict::Holds => ("holds", "✓"),
        Verdict::Fails => ("fails", "✗"),
        Verdict::Undecided => ("not-run", "?"),
        Verdict::PremiseNotMet | Verdict::TooSmall | Verdict::NotRun => ("not-run", "–"),
    };
    html! { span class={ "verdict " (class) } { span aria-hidden="true" { (mark) " " } (verdict.word()) } }
}

/// The verdicts that come before what holds, with the address and the title of each.
pub(crate) const UNSETTLED: [(&str, &str, Verdict); 5] = [
    ("failing", "Failing", Verdict::Fails),
    ("undecided", "Undecided", Verdict::Undecided),
    ("premise", "Premise not met", Verdict::PremiseNotMet),
    ("too-small", "Too small to judge", Verdict::TooSmall),
    ("not-run", "Not run", Verdict::NotRun),
];

/// The level of every interval, in per cent.
fn level() -> String {
    format!("{} %", 100.0 * (1.0 - MISS))
}

/// The part of the page with all claims.
pub fn verdicts(report: &Report) -> Markup {
    let of = |verdict: Verdict| report.claims().filter(|claim| claim.verdict == verdict).collect::<Vec<_>>();
    let shown = figures(report);
    html! {
        section aria-labelledby="verdicts" {
            h2 id="verdicts" { "Verdicts" }
            p {
                "A claim holds if and only if the whole " (level()) " interval of its statistic over replicates (of the mean by "
                "Student’s t, of a median by order statistics, of a share by Clopper and Pearson) complies with the bound that "
                "was declared beforehand, and none of its nulls does; it fails if the whole interval breaks the bound, and is "
                "undecided otherwise. A null is the same statistic on the same data with something that knows nothing of the "
                "theory. The margin is the distance of the interval’s worst end from the bound, relative to the bound (to half "
                "the width of a range). In the drawings the bound is a vertical line with the side that complies shaded, the "
                "bar with the dot is the interval with its estimate, and open squares are nulls."
            }
            (find(report))
            @for (id, title, verdict) in UNSETTLED {
                @let claims = of(verdict);
                @if !claims.is_empty() || verdict == Verdict::Fails {
                    div.group {
                        h3 id=(id) { (title) span.count { (claims.len()) } }
                        @if claims.is_empty() {
                            p { "No claim fails." }
                        } @else if claims.iter().all(|claim| claim.measured.is_none()) {
                            (reasons(id, &claims, &shown))
                        } @else {
                            (table(id, &claims, &shown))
                        }
                    }
                }
            }
            (left_out(report))
            @for (letter, claims) in &holding(report) {
                @let title = GROUPS.iter().find(|(known, _)| known == letter).map_or("", |(_, title)| title);
                @let id = format!("group-{letter}");
                div.group {
                    h3 id=(id) {
                        (letter) @if !title.is_empty() { ": " (title) } span.count { (claims.len()) " hold" }
                    }
                    @for (paper, claims) in &by_paper(claims) {
                        @let words = PAPER.iter().find(|(known, _)| known == paper).map_or("", |(_, words)| words);
                        @let id = format!("claims-{paper}");
                        div.group {
                            h4 id=(id) { (paper) @if !words.is_empty() { ": " (formula(words)) } }
                            (table(&id, claims, &shown))
                        }
                    }
                }
            }
        }
    }
}

/// The figures of claims, as far as they are on the page.
type Shown<'a> = BTreeMap<&'a str, &'static str>;

fn figures(report: &Report) -> Shown<'_> {
    let drawn: BTreeSet<&str> = report.figures().map(|card| card.name.as_str()).collect();
    let of = |section: &'_ Section, id: &str| {
        claim_figure(section.stage, id).filter(|figure| drawn.contains(figure))
    };
    let claims =
        report.sections.iter().flat_map(|section| section.claims.iter().map(move |claim| (section, claim)));
    claims.filter_map(|(section, claim)| Some((claim.id.as_str(), of(section, &claim.id)?))).collect()
}

const COLUMNS: [&str; 6] = ["Claim", "Measured", "Must be", "Margin", "Verdict", "Figure"];

fn table(heading: &str, claims: &[&Claim], shown: &Shown) -> Markup {
    html! {
        table.claims.measured role="table" aria-labelledby=(heading) {
            thead role="rowgroup" {
                tr role="row" {
                    @for name in COLUMNS { th role="columnheader" scope="col" { (name) } }
                }
            }
            tbody role="rowgroup" {
                @for claim in claims {
                    (row(claim, &html! {
                        td.number role="cell" data-name="measured" { (measured(claim)) }
                        td.number role="cell" data-name="must be" {
                            @let words = condition(claim.relation, claim.bound);
                            @if let Some((low, high)) = words.split_once(", ") {
                                span.end { (low) "," } " " span.end { (high) }
                            } @else { (words) }
                        }
                        td.number.margin role="cell" data-name="margin" {
                            @if let Some(margin) = margin(claim) { (interval_plot(claim)) span { (percent(margin)) } } @else { "–" }
                        }
                    }, shown))
                }
            }
        }
    }
}

/// Claims without a measurement, with the reason for each.
fn reasons(heading: &str, claims: &[&Claim], shown: &Shown) -> Markup {
    html! {
        table.claims role="table" aria-labelledby=(heading) {
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Claim" }
                    // As wide as measurement, bound and margin, among which the script may put these rows.
                    th role="columnheader" scope="col" colspan="3" { "Reason" }
                    th role="columnheader" scope="col" { "Verdict" }
                    th role="columnheader" scope="col" { "Figure" }
                }
            }
            tbody role="rowgroup" {
                @for claim in claims {
                    (row(claim, &html! {
                        td.reason role="cell" colspan="3" { (prose(claim.reason.as_deref().unwrap_or_default())) }
                    }, shown))
                }
            }
        }
    }
}

/// A claim, with the cells between what is claimed and the verdict.
fn row(claim: &Claim, cells: &Markup, shown: &Shown) -> Markup {
    let margin = margin(claim).map(|margin| margin.to_string());
    html! {
        tr role="row" id={ "claim-" (claim.id) } data-verdict=(claim.verdict.word()) data-stage=(claim.stage)
            data-kind=(claim.kind.word()) data-margin=[margin] {
            td.what role="cell" { (what(claim)) }
            (cells)
            td role="cell" data-name="verdict" { (badge(claim.verdict)) }
            td.shown role="cell" data-name="figure" {
                @if let Some(figure) = shown.get(claim.id.as_str()) { (picture(figure)) } @else { "–" }
            }
        }
    }
}

/// What is claimed, how it is measured, where the bound comes from, and what it is held against.
fn what(claim: &Claim) -> Markup {
    html! {
        p.id {
            a href={ "#claim-" (claim.id) } { (claim.id) }
            " " a.of href={ "#stage-" (claim.stage) } { (claim.stage) }
            " " button.copy type="button" hidden data-copy=(copied(claim)) { "Copy" span.name { " " (claim.id) } }
        }
        // Of a claim of which nothing was computed, only the id is known.
        @if claim.replicates > 0 || claim.statistic != NOT_COMPUTED {
            p.statement { (formula(&claim.statement)) }
            p.statistic { (formula(&claim.statistic)) }
            @if claim.measured.is_some() {
                p.reason { span.kind-of { (claim.kind.word()) } "; bound " (basis(claim)) (formula(&claim.bound_reason)) }
                @for null in &claim.nulls {
                    @let [middle, low, high] = estimate(null.measured, null.low, null.high);
                    p.reason.null {
                        "null " (null.name) ": " (middle) " [" (low) ", " (high) "]"
                        @if null.would_hold { ", would hold" }
                    }
                }
                @if let Some(reason) = &claim.nulls_reason { p.reason { "no null: " (formula(reason)) } }
                @if let Some(reason) = &claim.reason { p.reason { (prose(reason)) } }
            } @else {
                p.reason { span.kind-of { (claim.kind.word()) } }
            }
        }
    }
}

/// A claim as plain text, to be quoted.
fn copied(claim: &Claim) -> String {
    let found = match (claim.measured, claim.low, claim.high) {
        (Some(measured), Some(low), Some(high)) => {
            let [measured, low, high] = estimate(measured, low, high);
            let of = count(claim.replicates, "replicate");
            let must = condition(claim.relation, claim.bound);
            format!(
                " {}: {measured} [{low}, {high}], {} of {of}; must be {must}.",
                greek(&claim.statistic),
                claim.estimator.word()
            )
        }
        _ => String::new(),
    };
    let (id, stage, statement) = (&claim.id, &claim.stage, greek(&claim.statement));
    format!("{id} ({stage}, {}): {statement}.{found} Verdict: {}.", claim.kind.word(), claim.verdict.word())
}

/// Where the bound of a claim comes from, before the reason.
fn basis(claim: &Claim) -> &'static str {
    match claim.bound_source {
        Origin::Theory => "from theory: ",
        Origin::Chosen => "chosen: ",
    }
}

fn measured(claim: &Claim) -> Markup {
    let (Some(measured), Some(low), Some(high)) = (claim.measured, claim.low, claim.high) else {
        return html! { "–" };
    };
    let [measured, low, high] = estimate(measured, low, high);
    html! {
        (measured) br;
        span.aside { "[" (low) ", " (high) "]" } br;
        @if let Some(predicted) = claim.predicted {
            span.aside { "predicted " (significant(predicted, 4)) } br;
        }
        @if let Some(p) = claim.p_value { span.aside { "p = " (significant(p, 2)) } br; }
        span.aside { (claim.estimator.word()) " of " (count(claim.replicates, "replicate")) }
    }
}

/// What else did not run or is not as it should be: stages, figures, replicates.
fn left_out(report: &Report) -> Markup {
    let names = |of: gather::Origin| {
        let sections = report.sections.iter().filter(|section| section.origin == of);
        sections.map(|section| section.stage.name).collect::<Vec<_>>()
    };
    let mut notes = Vec::new();
    for (origin, words) in [
        (gather::Origin::Nothing, "Nothing was computed of "),
        (
            gather::Origin::Committed { stale: true },
            "Parameters or code have changed since these results were committed: ",
        ),
    ] {
        let names = names(origin);
        if !names.is_empty() {
            notes.push(html! {
                (words)
                @for (index, name) in names.iter().enumerate() {
                    @if index > 0 { ", " } a href={ "#stage-" (name) } { (name) }
                }
                "."
            });
        }
    }
    notes.extend(report.sections.iter().flat_map(noted));
    html! {
        @if !notes.is_empty() { ul.notes { @for note in &notes { li { (note) } } } }
    }
}

fn noted(section: &Section) -> Vec<Markup> {
    let name = section.stage.name;
    let link = html! { a href={ "#stage-" (name) } { (name) } };
    let mut notes = Vec::new();
    if section.origin != gather::Origin::Nothing {
        for (figure, reason) in &section.missing {
            notes.push(html! { "Figure " code { (figure) } " of " (link) " is missing: " (reason) "." });
        }
    }
    let mut replicates: Vec<_> = section.replicates.iter().collect();
    replicates.sort_by(|a, b| by_number(a.0, b.0));
    for (experiment, (all, diverged)) in replicates {
        if *diverged > 0 {
            notes.push(html! {
                "In " (link) ", SGD diverged in " (diverged) " of " (all) " replicates of " code { (experiment) } "."
            });
        }
    }
    notes
}
