//! All figures as small pictures that lead to the large ones.

use crate::report::gather::Report;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};
use std::fmt::Write;

/// The pictures, each once, for [`picture`] to show anywhere on the page.
pub(crate) fn pictures(report: &Report) -> String {
    let mut style = String::new();
    for card in report.figures() {
        let data = BASE64_STANDARD.encode(&card.thumbnail);
        let _ = writeln!(
            style,
            ".picture-{} {{ background-image: url(data:image/png;base64,{data}) }}",
            card.name
        );
    }
    style
}

/// A small picture of a figure that leads to it.
pub(crate) fn picture(name: &str) -> Markup {
    html! {
        a href={ "#figure-" (name) } {
            span.picture.{ "picture-" (name) } {}
            span.label { span.name { "figure " } (name) }
        }
    }
}

/// The part of the page with all pictures.
pub(crate) fn gallery(report: &Report) -> Markup {
    html! {
        section.overview aria-labelledby="figures" {
            h2 id="figures" { "Figures" }
            ul.gallery { @for card in report.figures() { li { (picture(&card.name)) } } }
        }
    }
}
