//! Colour bars.

use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform};

use crate::plot::description::colour::Rgb;
use crate::plot::description::ink::lettering;
use crate::plot::description::style::AXIS;
use crate::plot::description::surface::{Look, Surface, place, width};
use crate::plot::elements::area::{Drawn, Page, lines};
use crate::plot::layout::bar::{GAP, PAD, SetBar, WIDTH};
use crate::plot::layout::frame::Frame;
use crate::plot::layout::text::{LABEL, SMALL};

/// Draws a bar beside axes.
pub(crate) fn draw<B: Surface>(set: &SetBar, frame: &Frame, page: &Page<B>) -> Drawn<B> {
    let left = frame.left + frame.width + GAP;
    let (right, bottom) = (left + WIDTH, frame.top + frame.height);
    let colours = set.bar.colours();
    let count = f64::from(u32::try_from(colours.len()).unwrap_or(u32::MAX));
    page.draw(&Look::PLAIN)?;
    // Each step reaches down to the end of the bar and the next covers it, so that no seam can show.
    for (step, colour) in (0..).zip(colours) {
        let top = frame.top + frame.height * f64::from(step) / count;
        page.draw(&Rectangle::new([place((left, top)), place((right, bottom))], colour.filled()))?;
    }
    let (tick, ink) = (set.tick(), Rgb::BLACK.stroke_width(width(AXIS)));
    let outline = [(left, frame.top), (right, frame.top), (right, bottom), (left, bottom), (left, frame.top)];
    let heights = set.ticks.iter().map(|(share, _)| bottom - share * frame.height);
    let ticks = heights.clone().filter(|_| tick > 0.0).map(|y| vec![(right, y), (right + tick, y)]);
    let drawn = std::iter::once(outline.to_vec()).chain(ticks);
    lines(page, Look::PLAIN, ink, drawn.map(|line| line.into_iter().map(place).collect()))?;
    let numbers = right + tick + PAD;
    for (y, (_, text)) in heights.zip(&set.ticks) {
        let baseline = y + f64::midpoint(text.ascent(), -text.descent());
        let style = lettering(SMALL, Rgb::BLACK, (HPos::Left, VPos::Bottom));
        page.draw_text(&text.source, &style, place((numbers, baseline)))?;
    }
    let x = numbers + set.numbers_width() + 4.0 + set.label.ascent();
    let style =
        lettering(LABEL, Rgb::BLACK, (HPos::Center, VPos::Bottom)).transform(FontTransform::Rotate270);
    page.draw_text(&set.label.source, &style, place((x, bottom - frame.height / 2.0)))
}
