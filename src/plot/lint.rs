//! What a strict reviewer would mark, found on the composed page.

use crate::plot::description::error::PlotError;
use crate::plot::description::figure::Figure;
use crate::plot::description::ink::{Item, Part};
use crate::plot::description::look::apart_without_colour;
use crate::plot::description::page_style::PageStyle;
use crate::plot::description::panel::Panel;
use crate::plot::description::series::{Series, Shape};
use crate::plot::description::sight::{APART, Sight};
use crate::plot::description::surface::{Place, UNITS};
use crate::plot::elements::path::clip_segment;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::{PlacedText, Rect, SMALLEST};
use crate::plot::render::files::scene;

/// Thinnest stroke in pt.
const THINNEST: f64 = 0.3;
/// Lowest contrast of a curve on white.
const CONTRAST: f64 = 3.0;
/// How much higher axes may become in another style, where labels need it.
const STRETCHES: [f64; 2] = [1.0, 1.4];

/// What a strict reviewer would mark: empty for a good figure. What keeps it from being drawn is a finding too.
#[must_use]
pub fn lint(figure: &Figure) -> Vec<String> {
    judge(figure).unwrap_or_else(|error| vec![error.to_string()])
}

/// The figure in another style, with as many columns of panels, and axes as high, as leave the fewest findings; and these findings.
#[must_use]
pub fn restyled(figure: &Figure, style: &PageStyle) -> (Figure, Vec<String>) {
    let figure = figure.clone().in_style(style);
    let columns = (1..=figure.columns.min(figure.panels.len()).max(1)).rev();
    let arrangements = columns.flat_map(|columns| STRETCHES.map(|stretch| (columns, stretch)));
    let tried = arrangements.map(|(columns, stretch)| figure.clone().arranged(columns, stretch));
    let judged = tried.filter_map(|tried| judge(&tried).ok().map(|findings| (tried, findings)));
    let best = judged.reduce(|best, next| if next.1.len() < best.1.len() { next } else { best });
    best.unwrap_or_else(|| {
        let findings = lint(&figure);
        (figure, findings)
    })
}

fn judge(figure: &Figure) -> Result<Vec<String>, PlotError> {
    let (scene, frames) = scene(figure)?;
    let (font, scale) = (Font::of(figure)?, figure.style.scale());
    let letters = scene.items.iter().filter_map(|item| match item {
        Item::Text(text) => Some(PlacedText::new(&font, text)),
        _ => None,
    });
    let texts = letters.collect::<Result<Vec<PlacedText>, PlotError>>()?;
    let mut findings = Vec::new();
    if (scene.width - figure.page()).abs() > 0.0 {
        findings.push(format!("is {} pt wide", scene.width));
    }
    for (index, text) in texts.iter().enumerate() {
        let (name, ink) = (&text.text.source, text.ink());
        if ink.left < 0.0 || ink.top < 0.0 || ink.right > scene.width || ink.bottom > scene.height {
            findings.push(format!("`{name}` leaves the page"));
        }
        let smallest = text.text.smallest() * scale;
        if smallest < SMALLEST - 1e-9 {
            findings.push(format!("`{name}` has a script of {smallest:.2} pt"));
        }
        for other in &texts[index + 1..] {
            if ink.overlaps(&other.ink()) {
                findings.push(format!("`{name}` overlaps `{}`", other.text.source));
            }
        }
    }
    for item in &scene.items {
        match item {
            Item::Stroke(parts, stroke) => {
                let width = stroke.width * scale;
                if width < THINNEST {
                    findings.push(format!("a stroke of {width:.2} pt"));
                }
                for text in &texts {
                    if parts.iter().any(|part| touches(part, &text.ink(), stroke.width / 2.0)) {
                        let what = if stroke.data { "data" } else { "a line" };
                        findings.push(format!("`{}` lies on {what}", text.text.source));
                    }
                }
            }
            Item::Fill(parts, ..) => {
                // What stands in a cell is black or white, whichever shows on it.
                for text in texts.iter().filter(|text| !text.in_cell) {
                    let ink = text.ink();
                    if parts
                        .iter()
                        .any(|part| touches(part, &ink, 0.0) || contains(part, (ink.left, ink.top)))
                    {
                        findings.push(format!("`{}` lies on a mark or an area", text.text.source));
                    }
                }
            }
            Item::Text(_) => {}
        }
    }
    findings.extend(figure.panels.iter().flat_map(looks));
    for (panel, frame) in figure.panels.iter().zip(&frames) {
        for series in &panel.series {
            let finite = |point: &(f64, f64)| point.0.is_finite() && point.1.is_finite();
            for (what, points) in [("points", series.marked()), ("ends of bars", series.bar_ends())] {
                // The end of a bar at or below zero is nowhere on a logarithmic axis: its bar goes down to the axis.
                let somewhere = |point: &&(f64, f64)| {
                    let share = frame.share(**point);
                    finite(point) && share.0.is_finite() && (what == "points" || share.1.is_finite())
                };
                let hidden = points.iter().filter(somewhere).filter(|point| !frame.shows(**point)).count();
                if hidden > 0 {
                    findings.push(format!("{hidden} {what} of `{}` lie outside the axes", series.label));
                }
            }
        }
        for element in &panel.elements {
            let hidden = element.points.iter().filter(|point| !frame.shows(**point)).count();
            if hidden > 0 {
                findings.push(format!("{hidden} points of {} lie outside the axes", element.words));
            }
        }
    }
    findings.extend(unexplained(figure));
    findings.dedup();
    Ok(findings)
}

/// Curves that are hard to see on white, or to tell from each other.
fn looks(panel: &Panel) -> Vec<String> {
    let mut findings = Vec::new();
    let keyed: Vec<&Series> = panel.series.iter().filter(|series| !series.has_bar()).collect();
    for (index, series) in keyed.iter().enumerate() {
        let colour = series.style.rgb();
        let contrast = colour.contrast_on_white();
        if contrast < CONTRAST {
            findings.push(format!("`{}` has contrast {contrast:.2} on white", series.label));
        }
        // Bands and histograms lie at the curves and numbers that they belong to.
        let curves = keyed[index + 1..].iter().filter(|other| !(series.is_area() || other.is_area()));
        for other in
            curves.filter(|other| other.style.rgb() != colour && !apart_without_colour(series, other))
        {
            for sight in Sight::ALL {
                let distance = sight.distance(colour, other.style.rgb());
                if distance < APART {
                    findings.push(format!(
                        "`{}` and `{}` differ in colour only, by {distance:.0} for {sight:?}",
                        series.label, other.label
                    ));
                }
            }
        }
    }
    findings
}

/// Bands and bars whose meaning the caption does not give.
fn unexplained(figure: &Figure) -> Vec<String> {
    let caption = figure.caption.body();
    let series = || figure.panels.iter().flat_map(|panel| &panel.series);
    let kinds = [
        ("band", series().any(|one| matches!(one.shape, Shape::Band(_)))),
        ("bars", series().any(|one| matches!(one.shape, Shape::ErrorBars(_)))),
    ];
    let missing = kinds.iter().filter(|(word, drawn)| *drawn && !caption.contains(word));
    missing.map(|(word, _)| format!("the caption does not say what {word} mean")).collect()
}

/// Whether a point in pt is inside a closed part, by the number of edges to its right.
fn contains(part: &Part, (x, y): (f64, f64)) -> bool {
    let Part::Closed(places) = part else { return false };
    let pt = |place: &Place| (f64::from(place.0) / UNITS, f64::from(place.1) / UNITS);
    let next = places.iter().cycle().skip(1);
    let edges = places.iter().zip(next).map(|(from, to)| (pt(from), pt(to)));
    let right = edges.filter(|(from, to)| {
        (from.1 > y) != (to.1 > y) && x < from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0)
    });
    right.count() % 2 == 1
}

/// Whether the outline of a part comes within `reach` pt of a box.
fn touches(part: &Part, ink: &Rect, reach: f64) -> bool {
    let (left, top) = (ink.left - reach, ink.top - reach);
    let (width, height) = (ink.right + reach - left, ink.bottom + reach - top);
    if width <= 0.0 || height <= 0.0 {
        return false;
    }
    let share =
        |(x, y): Place| ((f64::from(x) / UNITS - left) / width, (f64::from(y) / UNITS - top) / height);
    let crosses = |from: Place, to: Place| clip_segment(share(from), share(to)).is_some();
    match part {
        Part::Open(places) => places.windows(2).any(|pair| crosses(pair[0], pair[1])),
        Part::Closed(places) => {
            places.windows(2).any(|pair| crosses(pair[0], pair[1]))
                || places.first().zip(places.last()).is_some_and(|(first, last)| crosses(*first, *last))
        }
        Part::Circle((x, y), radius) => {
            crosses((x - radius, *y), (x + radius, *y)) || crosses((*x, y - radius), (*x, y + radius))
        }
    }
}
