//! Axes: left and lower spine, ticks outwards, numbers and labels.

use plotters::coord::cartesian::MeshLine;
use plotters::coord::ranged1d::{BoldPoints, KeyPointHint, LightPoints};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform};

use crate::plot::description::colour::Rgb;
use crate::plot::description::ink::lettering;
use crate::plot::description::style::AXIS;
use crate::plot::description::surface::{Look, Place, Surface, place, units, width};
use crate::plot::elements::area::{Chart, Drawn, Page, lines};
use crate::plot::layout::frame::Frame;
use crate::plot::layout::side::{LABEL_GAP, LEADING, Side, TICK, TICK_GAP};
use crate::plot::layout::text::{LABEL, SMALL, Text};

/// Length and width of the short ticks in pt.
const MINOR: (f64, f64) = (1.8, 0.45);

/// Draws ticks of this length and width at points of the coordinates, from the lower left corner outwards.
fn ticks<B: Surface, H: KeyPointHint>(
    chart: &Chart<B>,
    (left, bottom): Place,
    hints: (H, H),
    (length, pt): (f64, f64),
) -> Drawn<B> {
    let (length, style) = (units(length), Rgb::BLACK.stroke_width(width(pt)));
    let draw = |backend: &mut B, line: MeshLine<&Side, &Side>| match line {
        MeshLine::XMesh((x, _), ..) => backend.draw_path([(x, bottom), (x, bottom + length)], &style),
        MeshLine::YMesh((_, y), ..) => backend.draw_path([(left, y), (left - length, y)], &style),
    };
    chart.plotting_area().draw_mesh(draw, hints.0, hints.1)
}

/// Draws both axes.
pub(crate) fn draw<B: Surface>(
    (x, y): (&Side, &Side),
    frame: &Frame,
    chart: &Chart<B>,
    page: &Page<B>,
) -> Drawn<B> {
    let (left, bottom) = (frame.left, frame.top + frame.height);
    let corner = place((left, bottom));
    let spines = [(left, frame.top), (left, bottom), (left + frame.width, bottom)].map(place);
    lines(page, Look::PLAIN, Rgb::BLACK.stroke_width(width(AXIS)), [spines.to_vec()])?;
    ticks(chart, corner, (BoldPoints(0), BoldPoints(0)), (TICK, AXIS))?;
    ticks(chart, corner, (LightPoints::new(0, 0), LightPoints::new(0, 0)), MINOR)?;

    let ascent = x.largest(Text::ascent);
    let baseline = bottom + TICK + TICK_GAP + ascent;
    let number = lettering(SMALL, Rgb::BLACK, (HPos::Center, VPos::Bottom));
    for (value, text) in x.major.iter().filter_map(|(value, text)| Some((value, text.as_ref()?))) {
        let at = left + x.scale.share(*value) * frame.width;
        page.draw_text(&text.source, &number, place((at, baseline)))?;
    }
    let label = lettering(LABEL, Rgb::BLACK, (HPos::Center, VPos::Bottom));
    let mut under = if ascent > 0.0 { baseline + x.largest(Text::descent) } else { bottom + TICK };
    under += LABEL_GAP + x.label.first().map_or(0.0, Text::ascent);
    for text in &x.label {
        page.draw_text(&text.source, &label, place((left + frame.width / 2.0, under)))?;
        under += LEADING;
    }

    let widest = y.largest(|text| text.width);
    let numbers = left - TICK - TICK_GAP;
    // All numbers of an axis sit on their ticks by the height of a digit, with or without exponents.
    let number = lettering(SMALL, Rgb::BLACK, (HPos::Right, VPos::Center));
    for (value, text) in y.major.iter().filter_map(|(value, text)| Some((value, text.as_ref()?))) {
        let at = bottom - y.scale.share(*value) * frame.height;
        page.draw_text(&text.source, &number, place((numbers, at)))?;
    }
    let label = label.transform(FontTransform::Rotate270);
    let depth = y.label.last().map_or(0.0, Text::descent);
    let mut across = if widest > 0.0 { numbers - widest } else { left - TICK } - LABEL_GAP - depth;
    for text in y.label.iter().rev() {
        page.draw_text(&text.source, &label, place((across, bottom - frame.height / 2.0)))?;
        across -= LEADING;
    }
    Ok(())
}
