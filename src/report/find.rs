//! The form that searches, filters and orders claims; the script in the page shows it and does the work.

use crate::report::gather::Report;
use crate::stage::claim::{Kind, Verdict};
use maud::{Markup, html};

/// The script of the page.
pub(crate) const SCRIPT: &str = include_str!("find.js");

const ORDERS: [(&str, &str); 3] =
    [("", "of the page"), ("smallest", "smallest margin first"), ("largest", "largest margin first")];

const KINDS: [Kind; 6] = [Kind::Prediction, Kind::Bound, Kind::Rate, Kind::Share, Kind::Law, Kind::Identity];

/// The form, hidden until the script has begun.
pub(crate) fn find(report: &Report) -> Markup {
    let verdicts = Verdict::ALL.into_iter().filter(|verdict| report.count(*verdict) > 0);
    let stages = report.sections.iter().filter(|section| !section.claims.is_empty());
    let kinds = KINDS.into_iter().filter(|kind| report.claims().any(|claim| claim.kind == *kind));
    html! {
        form id="find" role="search" aria-label="Claims" hidden {
            label { "Search" input type="search" name="words" autocomplete="off" spellcheck="false"; }
            (choice("verdict", "Verdict", verdicts.map(Verdict::word)))
            (choice("stage", "Stage", stages.map(|section| section.stage.name)))
            (choice("kind", "Kind", kinds.map(Kind::word)))
            label {
                "Order"
                select name="order" { @for (value, words) in ORDERS { option value=(value) { (words) } } }
            }
            button type="reset" { "Reset" }
            output name="shown" {}
        }
        p.name id="said" role="status" {}
    }
}

/// A list to choose from, with everything first.
fn choice<'a>(name: &str, label: &str, values: impl Iterator<Item = &'a str>) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" { "all" }
                @for value in values { option value=(value) { (value) } }
            }
        }
    }
}
