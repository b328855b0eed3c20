//! The part of the page about one stage.

use crate::report::details::{commands, made, parameters};
use crate::report::deviation::Deviation;
use crate::report::figure_card::figure_card;
use crate::report::files::Place;
use crate::report::gather::{Origin, Report, Section};
use crate::report::plain_table::{Column, NOTHING, plain_table};
use crate::report::verdicts::badge;
use crate::report::words::{formula, percent, significant};
use crate::stage::claim::Verdict;
use maud::{Markup, html};

/// The stage with its claims, figures, deviations, and what made them.
pub fn section(report: &Report, section: &Section, place: Place) -> Markup {
    let name = section.stage.name;
    let id = format!("stage-{name}");
    html! {
        section.stage aria-labelledby=(id) {
            h3 id=(id) { (formula(section.stage.title)) }
            p.kind { code { (name) } " · " (section.stage.kind.word()) " · " code { (section.stage.source) } @if let Some(words) = origin(section) { " · " (words) } }
            @if !section.claims.is_empty() { (claims(section)) }
            @for figure in &section.figures { (figure_card(figure, place)) }
            @for (figure, reason) in &section.missing {
                p.reason id={ "figure-" (figure) } { "Figure " code { (figure) } ": not drawn, " (reason) "." }
            }
            @if !section.deviations.is_empty() {
                (deviations(name, &section.deviations))
            } @else if section.origin != Origin::Nothing {
                p.aside { "Measurement and theory of this stage are compared by its claims and figures only." }
            }
            (parameters(section))
            (made(report, section, place))
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

/// What stands over the table of deviations.
const COMPARED: &str = "How far means over replicates are from their predictions, over all rows that have both. A prediction \
     made for one replicate is compared with that replicate. Shares are of the prediction, and leave out predictions below a \
     hundredth of the largest; t is training time";

const DEVIATION: [Column; 6] = [
    ("statistic", false),
    ("rows compared", true),
    ("mean share", true),
    ("largest share", true),
    ("largest at", false),
    ("largest difference", true),
];

/// The table of deviations.
fn deviations(name: &str, rows: &[Deviation]) -> Markup {
    let share = |value: Option<f64>| value.map_or_else(|| NOTHING.to_owned(), percent);
    let rows: Vec<(Markup, Vec<Markup>)> = rows
        .iter()
        .map(|row| {
            let at =
                |(experiment, time): &(String, f64)| format!("{experiment}, t = {}", significant(*time, 4));
            let cells = [
                row.places.to_string(),
                share(row.mean),
                share(row.largest),
                row.place.as_ref().map_or_else(|| NOTHING.to_owned(), at),
                significant(row.absolute, 3),
            ];
            (formula(&row.statistic), cells.map(|cell| html! { (cell) }).to_vec())
        })
        .collect();
    html! {
        h4 { "Measurement against theory" }
        (plain_table(&format!("deviations-{name}"), COMPARED, &DEVIATION, &rows))
    }
}
