//! Series: curves, marks, bands, steps, bars, stems and cells, clipped against their axes and thinned, in their values.

use plotters::element::{Polygon, Rectangle};
use plotters::style::Color;

use crate::plot::description::bar::cell_colour;
use crate::plot::description::colour::{Rgb, rank_colour};
use crate::plot::description::series::{HeatMap, Series, Shape};
use crate::plot::description::style::Dash;
use crate::plot::description::surface::{Look, Surface, width};
use crate::plot::elements::area::{Chart, Drawn, lines, marks, tint};
use crate::plot::elements::path::{clip_line, clip_polygon, clip_segment, thin};
use crate::plot::layout::frame::{Frame, Share};

/// A point in the values of its axes.
type Point = (f64, f64);

/// Curves are thinned to what this many pt can show.
pub const TOLERANCE: f64 = 0.05;
/// Width of the lines of error bars, of half their caps, and width of histogram outlines, in pt.
pub(crate) const BAR: f64 = 0.8;
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

/// Draws one series inside its axes.
pub(crate) fn draw<B: Surface>(series: &Series, frame: &Frame, chart: &Chart<B>) -> Drawn<B> {
    let (area, style) = (chart.plotting_area(), &series.style);
    let look = Look::data(style.dash);
    let line = |colour: Rgb| colour.stroke_width(width(style.width.max(0.4)));
    let inside = |points: &[Point]| -> Vec<Point> {
        points.iter().copied().filter(|point| frame.shows(*point)).collect()
    };
    match &series.shape {
        Shape::Line { points, marks: marked } => {
            lines(area, look, line(style.rgb()), curve(points, frame))?;
            if *marked {
                marks(area, look, style, apart(&inside(points), APART * style.size, frame))?;
            }
            Ok(())
        }
        Shape::Points(points) => marks(area, look, style, inside(points)),
        Shape::Band(ends) => {
            area.draw(&look)?;
            for outline in band(ends, frame) {
                area.draw(&Polygon::new(outline, tint(style)))?;
            }
            let side = |of: fn(&(f64, f64, f64)) -> f64| {
                curve(&ends.iter().map(|end| (end.0, of(end))).collect::<Vec<_>>(), frame)
            };
            let sides = [side(|end| end.1), side(|end| end.2)].concat();
            lines(area, look, style.rgb().stroke_width(width(SIDE)), sides)
        }
        Shape::Histogram { edges, heights } => {
            let (fills, outline) = histogram(edges, heights, frame);
            area.draw(&look)?;
            for fill in fills {
                area.draw(&Polygon::new(fill, tint(style)))?;
            }
            lines(area, look, style.rgb().stroke_width(width(style.width.min(OUTLINE))), outline)
        }
        Shape::Rule { value, horizontal } => {
            let ends = if *horizontal {
                let y = frame.y.share(*value);
                [(0.0, y), (1.0, y)]
            } else {
                let x = frame.x.share(*value);
                [(x, 0.0), (x, 1.0)]
            };
            lines(area, look, line(style.rgb()), pieces(&[ends], frame))
        }
        Shape::ErrorBars(points) => {
            let bars = error_bars(points, style.size / 2.0, frame);
            lines(area, Look::data(Dash::Solid), style.rgb().stroke_width(width(BAR)), bars)?;
            let middles: Vec<Point> = points.iter().map(|point| (point.0, point.1)).collect();
            marks(area, look, style, inside(&middles))
        }
        Shape::Stems(points) => {
            let stems: Vec<[Share; 2]> = points
                .iter()
                .map(|&(x, y)| {
                    let x = frame.x.share(x);
                    [(x, frame.y.share_or_below(0.0)), (x, frame.y.share(y))]
                })
                .collect();
            lines(area, look, line(style.rgb()), pieces(&stems, frame))
        }
        Shape::HeatMap(map) => heat_map(map, frame, chart),
        Shape::Ranked(curves) => {
            let count = u32::try_from(curves.len()).unwrap_or(u32::MAX);
            (0..count).zip(curves).rev().try_for_each(|(rank, points)| {
                lines(area, look, line(rank_colour(rank, count)), curve(points, frame))
            })
        }
    }
}

/// Draws a white rim for a curve, so that it shows on cells of any colour.
pub(crate) fn draw_rim<B: Surface>(series: &Series, frame: &Frame, chart: &Chart<B>) -> Drawn<B> {
    let Shape::Line { points, .. } = &series.shape else { return Ok(()) };
    let rim = Rgb::WHITE.stroke_width(width(series.style.width + 2.0 * RIM));
    lines(chart.plotting_area(), Look::data(Dash::Solid), rim, curve(points, frame))
}

/// The points that are at least `least` pt from the one kept before.
fn apart(points: &[Point], least: f64, frame: &Frame) -> Vec<Point> {
    let mut kept: Vec<(Point, Point)> = Vec::new();
    for &point in points {
        let (x, y) = frame.place(point);
        if kept.last().is_none_or(|(_, last)| libm::hypot(x - last.0, y - last.1) >= least) {
            kept.push((point, (x, y)));
        }
    }
    kept.into_iter().map(|(point, _)| point).collect()
}

/// A clipped and thinned curve.
fn curve(points: &[Point], frame: &Frame) -> Vec<Vec<Point>> {
    let shares: Vec<Share> = points.iter().map(|point| frame.share(*point)).collect();
    let thinned = |piece: Vec<Share>| {
        let on_page: Vec<Point> = piece.into_iter().map(|share| frame.at(share)).collect();
        let kept = thin(&on_page, TOLERANCE).into_iter();
        kept.map(|place| frame.value(frame.share_of_place(place))).collect()
    };
    clip_line(&shares).into_iter().map(thinned).collect()
}

/// Clipped segments.
fn pieces(segments: &[[Share; 2]], frame: &Frame) -> Vec<Vec<Point>> {
    segments
        .iter()
        .filter(|[from, to]| [from.0, from.1, to.0, to.1].iter().all(|share| share.is_finite()))
        .filter_map(|[from, to]| clip_segment(*from, *to))
        .map(|(from, to)| vec![frame.value(from), frame.value(to)])
        .collect()
}

/// A polygon in shares, clipped; nothing if it is outside.
fn area(shares: &[Share], frame: &Frame) -> Option<Vec<Point>> {
    let inside = clip_polygon(shares);
    (inside.len() > 2).then(|| inside.into_iter().map(|share| frame.value(share)).collect())
}

fn band(ends: &[(f64, f64, f64)], frame: &Frame) -> Vec<Vec<Point>> {
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

/// The areas of a histogram, and its outline.
fn histogram(edges: &[f64], heights: &[f64], frame: &Frame) -> (Vec<Vec<Point>>, Vec<Vec<Point>>) {
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
    let valued = |piece: Vec<Share>| piece.into_iter().map(|share| frame.value(share)).collect();
    (fills, clip_line(&outline).into_iter().map(valued).collect())
}

/// Bars with caps; what would lie inside a mark of this radius is left out, as it would fill an open one.
fn error_bars(points: &[(f64, f64, f64, f64)], radius: f64, frame: &Frame) -> Vec<Vec<Point>> {
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
            if (0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&end) && seen(end) {
                segments.push([(x - cap, end), (x + cap, end)]);
            }
        }
    }
    pieces(&segments, frame)
}

/// Cells from the upper left; each reaches a little under its right and lower neighbours, which are drawn later, so that
/// no seam shows at any resolution.
fn heat_map<B: Surface>(map: &HeatMap, frame: &Frame, chart: &Chart<B>) -> Drawn<B> {
    let clamp = |share: f64| share.clamp(0.0, 1.0);
    let xs: Vec<f64> = map.x_edges.iter().map(|x| clamp(frame.x.share(*x))).collect();
    let ys: Vec<f64> = map.y_edges.iter().map(|y| clamp(frame.y.share(*y))).collect();
    let (Some(&right), Some(&bottom)) = (xs.last(), ys.first()) else { return Ok(()) };
    let (under_x, under_y) = (OVERLAP / frame.width, OVERLAP / frame.height);
    let colour = |value: f64| cell_colour(map, value);
    chart.plotting_area().draw(&Look::PLAIN)?;
    for (row, y) in map.values.iter().zip(ys.windows(2)).rev() {
        let (top, low) = (y[1], (y[0] - under_y).max(bottom));
        let mut from = 0;
        for run in row.chunk_by(|a, b| colour(*a) == colour(*b)) {
            let (left, end) = (xs[from], (xs[from + run.len()] + under_x).min(right));
            let corners = [frame.value((left, top)), frame.value((end, low))];
            chart.plotting_area().draw(&Rectangle::new(corners, colour(run[0]).filled()))?;
            from += run.len();
        }
    }
    Ok(())
}
