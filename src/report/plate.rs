//! A figure on the page: its drawing on a white card, which opens to the whole window, and its caption.

use crate::report::gather::Plate;
use crate::report::words::formula;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use maud::{Markup, html};

/// How much larger than on paper a figure is drawn.
const SCALE: f64 = 1.4;
/// Pixels in a point.
const PIXELS: f64 = 96.0 / 72.0;

/// The figure with its caption.
pub fn plate(plate: &Plate) -> Markup {
    let [width, height] = size(&plate.svg).map(|points| (points * SCALE * PIXELS).round());
    let id = format!("plate-{}", plate.name);
    html! {
        figure id={ "figure-" (plate.name) } {
            div.frame style={ "max-width:" (width) "px;aspect-ratio:" (width) "/" (height) } {
                div.plate id=(id) popover {
                    img src={ "data:image/svg+xml;base64," (BASE64_STANDARD.encode(&plate.svg)) }
                        width=(width) height=(height) decoding="async" alt=(description(plate));
                    button type="button" popovertarget=(id) {
                        span.open { "Enlarge" }
                        span.close { "Close" }
                        span.name { " figure " (plate.name) }
                    }
                }
            }
            figcaption {
                p { b { (formula(&plate.title)) "." } " " (formula(&plate.caption)) }
                p.files {
                    code { (plate.name) }
                    @for (format, address, _) in &plate.files {
                        @if let Some(address) = address {
                            " " a href=(address) { (format.to_uppercase()) span.name { " of " (plate.name) } }
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
fn description(plate: &Plate) -> String {
    let words = between(&plate.svg, "<desc", "</desc>").and_then(|text| text.split_once('>'));
    let words = words.map_or_else(String::new, |(_, text)| {
        text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
    });
    let rest = words.strip_prefix(&plate.caption).unwrap_or(&words).trim();
    if rest.is_empty() { format!("{}.", plate.title) } else { format!("{}. {rest}", plate.title) }
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> Option<&'a str> {
    text.split_once(from)?.1.split_once(to).map(|(inner, _)| inner)
}
