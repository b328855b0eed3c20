//! The axes on the page: left and lower spine, ticks outwards, numbers and labels.

use crate::plot::colour::Rgb;
use crate::plot::compose::{Frame, LABEL_GAP, LEADING, Side, TICK, TICK_GAP};
use crate::plot::scene::{Part, Scene, Stroke, place};
use crate::plot::style::{AXIS, Dash};
use crate::plot::text::Text;

/// Length and width of the short ticks in pt.
const MINOR: f64 = 1.8;
const MINOR_WIDTH: f64 = 0.45;

/// Draws both axes.
pub(crate) fn draw_axes(x: Side, y: Side, frame: &Frame, scene: &mut Scene) {
    let (left, bottom) = (frame.left, frame.top + frame.height);
    let line = |points: [(f64, f64); 2]| Part::Open(points.map(place).to_vec());
    let down = |share: f64, length: f64| {
        let at = left + share * frame.width;
        line([(at, bottom), (at, bottom + length)])
    };
    let out = |share: f64, length: f64| {
        let at = bottom - share * frame.height;
        line([(left, at), (left - length, at)])
    };
    let corner = [(left, frame.top), (left, bottom), (left + frame.width, bottom)];
    let mut major = vec![Part::Open(corner.map(place).to_vec())];
    major.extend(x.major.iter().map(|(share, _)| down(*share, TICK)));
    major.extend(y.major.iter().map(|(share, _)| out(*share, TICK)));
    let mut minor: Vec<Part> = x.minor.iter().map(|share| down(*share, MINOR)).collect();
    minor.extend(y.minor.iter().map(|share| out(*share, MINOR)));
    let stroke = Stroke { colour: Rgb::BLACK, width: AXIS, dash: Dash::Solid, data: false };
    scene.stroke(major, stroke);
    scene.stroke(minor, Stroke { width: MINOR_WIDTH, ..stroke });

    let ascent = x.largest(Text::ascent);
    let baseline = bottom + TICK + TICK_GAP + ascent;
    let mut under = if ascent > 0.0 { baseline + x.largest(Text::descent) } else { bottom + TICK };
    for (share, text) in x.major {
        let Some(text) = text else { continue };
        let at = left + share * frame.width - text.width / 2.0;
        scene.write(text, at, baseline);
    }
    under += LABEL_GAP + x.label.first().map_or(0.0, Text::ascent);
    for text in x.label {
        let at = left + (frame.width - text.width) / 2.0;
        scene.write(text, at, under);
        under += LEADING;
    }

    let widest = y.largest(|text| text.width);
    let numbers = left - TICK - TICK_GAP;
    // All numbers of an axis sit on their ticks by the height of a digit, with or without exponents.
    for (share, text) in y.major {
        let Some(text) = text else { continue };
        let at = bottom - share * frame.height;
        let digit = 0.33 * text.glyphs.first().map_or(0.0, |glyph| glyph.size);
        let x = numbers - text.width;
        scene.write(text, x, at + digit);
    }
    let depth = y.label.last().map_or(0.0, Text::descent);
    let mut across = if widest > 0.0 { numbers - widest } else { left - TICK } - LABEL_GAP - depth;
    for text in y.label.into_iter().rev() {
        let at = bottom - (frame.height - text.width) / 2.0;
        scene.write_upwards(text, across, at);
        across -= LEADING;
    }
}
