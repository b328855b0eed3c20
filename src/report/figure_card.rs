//! A figure on the page: its drawing on a white card, which a button below it opens to the whole window, and its caption.

use crate::report::cards::FigureCard;
use crate::report::files::{Place, link};
use crate::report::words::formula;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

/// How much larger than on paper a figure is drawn.
const SCALE: f64 = 1.4;
/// Pixels in a point.
const PIXELS: f64 = 96.0 / 72.0;

/// The figure with its caption.
pub(crate) fn figure_card(card: &FigureCard, place: Place) -> Markup {
    let [width, height] = size(&card.svg).map(|points| (points * SCALE * PIXELS).round());
    let id = format!("card-{}", card.name);
    html! {
        figure id={ "figure-" (card.name) } {
            div.frame style={ "max-width:" (width) "px;aspect-ratio:" (width) "/" (height) } {
                div.card id=(id) popover {
                    button.close type="button" popovertarget=(id) popovertargetaction="hide" {
                        "Close" span.name { " figure " (card.name) }
                    }
                    img src={ "data:image/svg+xml;base64," (BASE64_STANDARD.encode(&card.svg)) }
                        width=(width) height=(height) decoding="async" alt=(description(card));
                }
            }
            figcaption {
                p { b { (formula(&card.title)) "." } " " (formula(&card.caption)) }
                p.files {
                    button type="button" popovertarget=(id) { "Enlarge" span.name { " figure " (card.name) } }
                    code { (card.name) }
                    @if place == Place::Bundle {
                        @for (format, file) in &card.files {
                            @let words = html! { (format.to_uppercase()) span.name { " of " (card.name) } };
                            " " (link(place, &file.bundled, &words))
                        }
                    }
                }
            }
        }
    }
}

/// Width and height of a document, in points.
fn size(svg: &str) -> [f64; 2] {
    ["width", "height"].map(|name| {
        between(svg, &format!(" {name}=\""), "\"")
            .and_then(|value| value.strip_suffix("pt"))
            .and_then(|value| value.parse().ok())
            .unwrap_or(396.0)
    })
}

/// What a document says about itself, without the caption, which stands below it.
fn description(card: &FigureCard) -> String {
    let words = between(&card.svg, "<desc", "</desc>").and_then(|text| text.split_once('>'));
    let words = words.map_or_else(String::new, |(_, text)| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    });
    let rest = words.strip_prefix(&card.caption).unwrap_or(&words).trim();
    if rest.is_empty() { format!("{}.", card.title) } else { format!("{}. {rest}", card.title) }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inner, _)| inner)
}
