//! The part of the page about one stage.

use crate::report::details::{commands, made, parameters};
use crate::report::deviation::Deviation;
use crate::report::figure_card::figure_card;
use crate::report::gather::{Origin, Report, Section};
use crate::report::verdicts::badge;
use crate::report::words::{formula, percent, significant};
use crate::stage::claim::Verdict;
use maud::{Markup, html};

/// The stage with its claims, figures, deviations, and what made them.
pub fn section(report: &Report, section: &Section) -> Markup {
    let name = section.stage.name;
    let id = format!("stage-{name}");
    html! {
        section.stage aria-labelledby=(id) {
            h3 id=(id) { (formula(section.stage.title)) }
            p.kind { code { (name) } " · " (section.stage.kind.word()) " · " code { (section.stage.source) } @if let Some(words) = origin(section) { " · " (words) } }
            @if !section.claims.is_empty() { (claims(section)) }
            @for figure in &section.figures { (figure_card(figure)) }
            @for (figure, reason) in &section.missing {
                p.reason id={ "figure-" (figure) } { "Figure " code { (figure) } ": not drawn, " (reason) "." }
            }
            @if !section.deviations.is_empty() {
                (deviations(name, &section.deviations))
            } @else if section.origin != Origin::Nothing {
                p.aside { "Measurement and theory of this stage are compared by its claims and figures only." }
            }
            (parameters(section))
            (made(report, section))
            (commands(report, section))
        }
    }
}

fn origin(section: &Section) -> Option<&'static str> {
    match section.origin {
        Origin::Computed => None,
        Origin::Committed { stale: false } => Some("from the committed values"),
        Origin::Committed { stale: true } => Some("from committed values that are stale"),
        Origin::Nothing => Some("not computed"),
    }
}

/// One line per claim, the worst first.
fn claims(section: &Section) -> Markup {
    html! {
        ul.brief aria-label={ "Claims of " (section.stage.name) } {
            @for verdict in Verdict::ALL {
                @for claim in section.claims.iter().filter(|claim| claim.verdict == verdict) {
                    li { (badge(verdict)) " " a href={ "#claim-" (claim.id) } { (claim.id) } }
                }
            }
        }
    }
}

/// The table of deviations.
fn deviations(name: &str, rows: &[Deviation]) -> Markup {
    let share = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), percent);
    let id = format!("deviations-{name}");
    html! {
        h4 id=(id) { "Measurement against theory" }
        div.wide role="group" tabindex="0" aria-labelledby=(id) {
            table.plain {
                caption {
                    "How far means over replicates are from their predictions, over all rows that have both. A prediction made "
                    "for one replicate is compared with that replicate. Shares are of the prediction, and leave out predictions "
                    "below a hundredth of the largest"
                }
                thead {
                    tr {
                        th scope="col" { "statistic" }
                        @for name in ["places", "mean", "largest"] { th.number scope="col" { (name) } }
                        th scope="col" { "largest at" }
                        th.number scope="col" { "largest, absolute" }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            th scope="row" { (formula(&row.statistic)) }
                            td.number { (row.places) }
                            td.number { (share(row.mean)) }
                            td.number { (share(row.largest)) }
                            td { @if let Some((experiment, time)) = &row.place { (experiment) ", t = " (significant(*time, 4)) } }
                            td.number { (significant(row.absolute, 3)) }
                        }
                    }
                }
            }
        }
    }
}
