//! Series on the page: curves, marks, bands, steps, bars, stems and cells, clipped against their axes.

use crate::plot::colour::{Rgb, rank_colour};
use crate::plot::colourbar::cell_colour;
use crate::plot::frame::Frame;
use crate::plot::path::{Share, clip_line, clip_polygon, clip_segment, thin};
use crate::plot::scene::{Item, Part, Scene, Stroke, place, units};
use crate::plot::series::{HeatMap, Series, Shape};
use crate::plot::style::{Dash, Marker, Style};

/// Curves are thinned to what this many pt can show.
pub const TOLERANCE: f64 = 0.05;
/// Width of the lines of error bars, of half their caps, and width of histogram outlines, in pt.
const BAR: f64 = 0.8;
const CAP: f64 = 1.5;
const OUTLINE: f64 = 0.8;
/// Width of the lines along both sides of a band, which tell overlapping bands apart, in pt.
pub(crate) const SIDE: f64 = 0.5;
/// Width of the rim of a curve on cells, in pt.
const RIM: f64 = 0.7;
/// Least distance of the marks on a curve, in diameters.
const APART: f64 = 2.0;
/// How far a heat map's cell reaches under its neighbours, in pt: more than a pixel of a screen.
const OVERLAP: f64 = 0.8;

/// Colour and opacity of the area of a band.
pub(crate) fn band_fill(style: &Style) -> (Rgb, f64) {
    (style.colour.rgb(), 0.25)
}

/// The marks of a style at points in pt: a fill, or strokes for crosses and open marks.
pub(crate) fn marker_item(points: &[(f64, f64)], style: &Style) -> Option<Item> {
    let radius = style.size / 2.0;
    let polygon = |(x, y): (f64, f64), corners: &[(f64, f64)]| {
        Part::Closed(corners.iter().map(|(dx, dy)| place((x + dx * radius, y + dy * radius))).collect())
    };
    let arms = |(x, y): (f64, f64), corners: [(f64, f64); 2]| {
        corners.map(|(dx, dy)| {
            Part::Open(vec![
                place((x - dx * radius, y - dy * radius)),
                place((x + dx * radius, y + dy * radius)),
            ])
        })
    };
    // A disc too small to tell from a square is drawn as one, at half the bytes.
    let marker =
        if style.marker == Marker::Circle && style.size <= 1.2 { Marker::Square } else { style.marker };
    let parts: Vec<Part> = points
        .iter()
        .flat_map(|&point| match marker {
            Marker::None | Marker::Circle | Marker::Ring => vec![Part::Circle(place(point), units(radius))],
            Marker::Square | Marker::OpenSquare => {
                vec![polygon(point, &[(-0.89, -0.89), (0.89, -0.89), (0.89, 0.89), (-0.89, 0.89)])]
            }
            Marker::Triangle => vec![polygon(point, &[(0.0, -1.2), (1.1, 0.75), (-1.1, 0.75)])],
            Marker::Diamond => vec![polygon(point, &[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)])],
            Marker::Cross => arms(point, [(0.9, 0.9), (0.9, -0.9)]).to_vec(),
            Marker::Plus => arms(point, [(1.15, 0.0), (0.0, 1.15)]).to_vec(),
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    Some(match marker {
        Marker::Cross | Marker::Plus | Marker::Ring | Marker::OpenSquare => {
            let width = style.width.clamp(0.6, 1.0);
            Item::Stroke(parts, Stroke { colour: style.rgb(), width, dash: Dash::Solid, data: true })
        }
        _ => Item::Fill(parts, style.rgb(), 1.0),
    })
}

/// Draws one series inside its axes.
pub(crate) fn draw(series: &Series, frame: &Frame, scene: &mut Scene) {
    let style = &series.style;
    let stroke = Stroke { colour: style.rgb(), width: style.width.max(0.4), dash: style.dash, data: true };
    let inside = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
        points.iter().map(|point| frame.share(*point)).filter(within).map(|share| frame.at(share)).collect()
    };
    match &series.shape {
        Shape::Line { points, marks } => {
            scene.stroke(curve(points, frame), stroke);
            if *marks {
                scene.items.extend(marker_item(&apart(&inside(points), APART * style.size), style));
            }
        }
        Shape::Points(points) => scene.items.extend(marker_item(&inside(points), style)),
        Shape::Band(ends) => {
            let (colour, opacity) = band_fill(style);
            scene.fill(band(ends, frame), colour, opacity);
            let side = |of: fn(&(f64, f64, f64)) -> f64| {
                curve(&ends.iter().map(|end| (end.0, of(end))).collect::<Vec<_>>(), frame)
            };
            let sides = [side(|end| end.1), side(|end| end.2)].concat();
            scene.stroke(sides, Stroke { width: SIDE, ..stroke });
        }
        Shape::Histogram { edges, heights } => histogram(edges, heights, style, frame, scene),
        Shape::Rule { value, horizontal } => {
            let ends = if *horizontal {
                let y = frame.y.share(*value);
                [(0.0, y), (1.0, y)]
            } else {
                let x = frame.x.share(*value);
                [(x, 0.0), (x, 1.0)]
            };
            scene.stroke(pieces(&[ends], frame), stroke);
        }
        Shape::ErrorBars(points) => {
            let thin = Stroke { width: BAR, dash: Dash::Solid, ..stroke };
            scene.stroke(error_bars(points, style.size / 2.0, frame), thin);
            let middles: Vec<(f64, f64)> = points.iter().map(|point| (point.0, point.1)).collect();
            scene.items.extend(marker_item(&inside(&middles), style));
        }
        Shape::Stems(points) => {
            let stems: Vec<[Share; 2]> = points
                .iter()
                .map(|&(x, y)| {
                    let x = frame.x.share(x);
                    [(x, frame.y.share_or_below(0.0)), (x, frame.y.share(y))]
                })
                .collect();
            scene.stroke(pieces(&stems, frame), stroke);
        }
        Shape::HeatMap(map) => heat_map(map, frame, scene),
        Shape::Ranked(curves) => {
            let count = u32::try_from(curves.len()).unwrap_or(u32::MAX);
            for (rank, points) in (0..count).zip(curves).rev() {
                scene.stroke(curve(points, frame), Stroke { colour: rank_colour(rank, count), ..stroke });
            }
        }
    }
}

/// Draws a white rim for a curve, so that it shows on cells of any colour.
pub(crate) fn draw_rim(series: &Series, frame: &Frame, scene: &mut Scene) {
    if let Shape::Line { points, .. } = &series.shape {
        let width = series.style.width + 2.0 * RIM;
        let rim = Stroke { colour: Rgb::WHITE, width, dash: Dash::Solid, data: true };
        scene.stroke(curve(points, frame), rim);
    }
}

/// Whether a point is inside the axes or on them.
pub(crate) fn within(share: &Share) -> bool {
    let open = -1e-9..=1.0 + 1e-9;
    open.contains(&share.0) && open.contains(&share.1)
}

/// The points that are at least `least` pt from the one kept before.
fn apart(points: &[(f64, f64)], least: f64) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for &(x, y) in points {
        if kept.last().is_none_or(|last| libm::hypot(x - last.0, y - last.1) >= least) {
            kept.push((x, y));
        }
    }
    kept
}

/// A clipped and thinned curve.
fn curve(points: &[(f64, f64)], frame: &Frame) -> Vec<Part> {
    let shares: Vec<Share> = points.iter().map(|point| frame.share(*point)).collect();
    clip_line(&shares)
        .into_iter()
        .map(|piece| {
            let on_page: Vec<(f64, f64)> = piece.into_iter().map(|share| frame.at(share)).collect();
            Part::Open(thin(&on_page, TOLERANCE).into_iter().map(place).collect())
        })
        .collect()
}

/// Clipped segments.
fn pieces(segments: &[[Share; 2]], frame: &Frame) -> Vec<Part> {
    segments
        .iter()
        .filter(|[from, to]| [from.0, from.1, to.0, to.1].iter().all(|share| share.is_finite()))
        .filter_map(|[from, to]| clip_segment(*from, *to))
        .map(|(from, to)| Part::Open(vec![place(frame.at(from)), place(frame.at(to))]))
        .collect()
}

/// A polygon in shares, clipped; nothing if it is outside.
fn area(shares: &[Share], frame: &Frame) -> Option<Part> {
    let inside = clip_polygon(shares);
    let places = inside.into_iter().map(|share| place(frame.at(share))).collect::<Vec<_>>();
    (places.len() > 2).then_some(Part::Closed(places))
}

fn band(ends: &[(f64, f64, f64)], frame: &Frame) -> Vec<Part> {
    let shares: Vec<(f64, f64, f64)> = ends
        .iter()
        .map(|&(x, lo, hi)| (frame.x.share(x), frame.y.share_or_below(lo), frame.y.share_or_below(hi)))
        .collect();
    shares
        .split(|(x, lo, hi)| !(x.is_finite() && lo.is_finite() && hi.is_finite()))
        .filter(|run| run.len() > 1)
        .filter_map(|run| {
            let edge = |upper: bool| -> Vec<(f64, f64)> {
                let points: Vec<(f64, f64)> =
                    run.iter().map(|&(x, lo, hi)| frame.at((x, if upper { hi } else { lo }))).collect();
                thin(&points, TOLERANCE / 2.0)
            };
            let (mut outline, lower) = (edge(true), edge(false));
            outline.extend(lower.into_iter().rev());
            let shares: Vec<Share> = outline.into_iter().map(|point| frame.share_of_place(point)).collect();
            area(&shares, frame)
        })
        .collect()
}

fn histogram(edges: &[f64], heights: &[f64], style: &Style, frame: &Frame, scene: &mut Scene) {
    let base = frame.y.share_or_below(0.0);
    let mut outline: Vec<Share> = Vec::new();
    let mut fills = Vec::new();
    for (pair, &height) in edges.windows(2).zip(heights) {
        let top = if height.is_nan() { f64::NAN } else { frame.y.share_or_below(height) };
        let (left, right) = (frame.x.share(pair[0]), frame.x.share(pair[1]));
        if outline.is_empty() {
            outline.push((left, base));
        }
        outline.extend([(left, top), (right, top)]);
    }
    if let Some(&(right, _)) = outline.last() {
        outline.push((right, base));
    }
    for run in outline.split(|share| !share.1.is_finite()).filter(|run| run.len() > 1) {
        let mut closed = run.to_vec();
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            closed.extend([(last.0, base), (first.0, base)]);
        }
        fills.extend(area(&closed, frame));
    }
    let (colour, opacity) = band_fill(style);
    scene.fill(fills, colour, opacity);
    let lines = clip_line(&outline)
        .into_iter()
        .map(|piece| Part::Open(piece.into_iter().map(|share| place(frame.at(share))).collect()))
        .collect();
    let width = style.width.min(OUTLINE);
    scene.stroke(lines, Stroke { colour: style.rgb(), width, dash: style.dash, data: true });
}

/// Bars with caps; what would lie inside a mark of this radius is left out, as it would fill an open one.
fn error_bars(points: &[(f64, f64, f64, f64)], radius: f64, frame: &Frame) -> Vec<Part> {
    let cap = CAP / frame.width;
    let mut segments = Vec::new();
    for &(x, y, lo, hi) in points {
        let (x, lo, hi) = (frame.x.share(x), frame.y.share_or_below(lo), frame.y.share_or_below(hi));
        let middle = frame.y.share(y);
        let seen = |end: f64| (end - middle).abs() * frame.height >= radius;
        if seen(lo) || seen(hi) {
            segments.push([(x, lo), (x, hi)]);
        }
        for end in [lo, hi] {
            if within(&(x, end)) && seen(end) {
                let y = frame.at((x, end)).1;
                let middle = frame.at((x, end)).0;
                let half = cap * frame.width;
                segments.push([
                    frame.share_of_place((middle - half, y)),
                    frame.share_of_place((middle + half, y)),
                ]);
            }
        }
    }
    pieces(&segments, frame)
}

/// The colour of a cell of this value.
pub(crate) fn ground(map: &HeatMap, value: f64) -> Rgb {
    if value.is_nan() { Rgb::WHITE } else { cell_colour(map.map, map.range, value) }
}

/// Cells from the upper left; each reaches a little under its right and lower neighbours, which are drawn later, so that
/// no seam shows at any resolution. An empty cell is white.
fn heat_map(map: &HeatMap, frame: &Frame, scene: &mut Scene) {
    let clamp = |share: f64| share.clamp(0.0, 1.0);
    let xs: Vec<f64> = map.x_edges.iter().map(|x| clamp(frame.x.share(*x))).collect();
    let ys: Vec<f64> = map.y_edges.iter().map(|y| clamp(frame.y.share(*y))).collect();
    let (Some(&right), Some(&bottom)) = (xs.last(), ys.first()) else { return };
    let (under_x, under_y) = (OVERLAP / frame.width, OVERLAP / frame.height);
    let colour = |value: f64| ground(map, value);
    for (row, y) in map.values.iter().zip(ys.windows(2)).rev() {
        let (top, low) = (y[1], (y[0] - under_y).max(bottom));
        let mut from = 0;
        for run in row.chunk_by(|a, b| colour(*a) == colour(*b)) {
            let (left, end) = (xs[from], (xs[from + run.len()] + under_x).min(right));
            let corners = [(left, top), (end, top), (end, low), (left, low)];
            let places = corners.map(|share| place(frame.at(share))).to_vec();
            scene.fill(vec![Part::Closed(places)], colour(run[0]), 1.0);
            from += run.len();
        }
    }
}
