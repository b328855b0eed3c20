//! SVG: paths in hundredths of a pt, and text as outlines of the bundled font.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::plot::description::canvas::Canvas;
use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::ink::{Format, Lettering, Part, Stroke};
use crate::plot::description::surface::{Place, UNITS, units, width};
use crate::plot::layout::alt::Words;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::PlacedText;

/// The elements of a document, and the glyphs they use.
pub struct Svg<'f> {
    font: &'f Font,
    size: (u32, u32),
    elements: String,
    glyphs: BTreeSet<u16>,
}

/// An attribute, if it says more than its default.
fn opacity(of: &str, opacity: f64) -> String {
    if opacity < 1.0 { format!(" {of}-opacity=\"{opacity}\"") } else { String::new() }
}

fn fill(colour: Rgb) -> String {
    if colour == Rgb::BLACK { String::new() } else { format!(" fill=\"{}\"", colour.hex()) }
}

impl Format for Svg<'_> {
    fn stroke(&mut self, parts: &[Part], stroke: &Stroke) {
        let lengths: Vec<String> =
            stroke.dash.lengths(stroke.width).iter().map(|length| units(*length).to_string()).collect();
        let dash = if lengths.is_empty() {
            String::new()
        } else {
            format!(" stroke-dasharray=\"{}\"", lengths.join(" "))
        };
        let join = if stroke.data { " stroke-linejoin=\"round\"" } else { "" };
        let _ = writeln!(
            self.elements,
            "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{}{join}{dash} d=\"{}\"/>",
            stroke.colour.hex(),
            units(stroke.width),
            opacity("stroke", stroke.opacity),
            path_data(parts)
        );
    }

    fn fill(&mut self, parts: &[Part], colour: Rgb, alpha: f64) {
        let (fill, opacity) = (fill(colour), opacity("fill", alpha));
        let _ = writeln!(self.elements, "<path{fill}{opacity} d=\"{}\"/>", path_data(parts));
    }

    fn write(&mut self, text: Lettering) -> Result<(), PlotError> {
        let placed = PlacedText::new(self.font, &text)?;
        let turn = match text.turn {
            (1, _) => "",
            (_, 1) => " rotate(90)",
            (-1, _) => " rotate(180)",
            _ => " rotate(-90)",
        };
        let (x, y) = (units(placed.x), units(placed.y));
        let out = &mut self.elements;
        let _ = write!(out, "<g{} transform=\"translate({x} {y}){turn}\">", fill(placed.colour));
        for run in placed.text.glyphs.chunk_by(|a, b| (a.size - b.size).abs() < 1e-9) {
            let Some(first) = run.first() else { continue };
            let unit = first.size * UNITS / self.font.units();
            let _ = write!(out, "<g transform=\"scale({})\">", (unit * 1e4).round() / 1e4);
            for glyph in run {
                if self.font.ink(glyph.id).is_none() {
                    continue;
                }
                self.glyphs.insert(glyph.id);
                let _ = write!(out, "<use href=\"#g{}\"", glyph.id);
                for (name, pt) in [("x", glyph.x), ("y", glyph.y)] {
                    let offset = (pt * UNITS / unit).round() + 0.0;
                    if offset != 0.0 {
                        let _ = write!(out, " {name}=\"{offset}\"");
                    }
                }
                out.push_str("/>");
            }
            out.push_str("</g>");
        }
        for &(left, top, width, height) in &placed.text.bars {
            let (left, top, width, height) = (units(left), units(top), units(width), units(height));
            let _ = write!(out, "<path d=\"M{left} {top}h{width}v{height}h{}z\"/>", -width);
        }
        out.push_str("</g>\n");
        Ok(())
    }
}

impl<'f> Svg<'f> {
    /// An empty page of `pt` wide and high.
    #[must_use]
    pub fn canvas(font: &'f Font, pt: (f64, f64)) -> Canvas<Self> {
        let size = (width(pt.0), width(pt.1));
        Canvas::new(Self { font, size, elements: String::new(), glyphs: BTreeSet::new() }, size)
    }

    /// The document, this many times as large as it was drawn, for readers who see it and those who do not.
    #[must_use]
    pub fn document(&self, words: &Words, scale: f64) -> String {
        let (wide, high) = self.size;
        let pt = |value: u32| (f64::from(value) * scale).round() / UNITS;
        let name = escape(&words.name);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}pt\" height=\"{}pt\" viewBox=\"0 0 {wide} {high}\" \
             role=\"img\" aria-labelledby=\"{name}-title {name}-desc\">\n<title id=\"{name}-title\">{}</title>\n\
             <desc id=\"{name}-desc\">{}</desc>\n",
            pt(wide),
            pt(high),
            escape(&words.title),
            escape(&words.description)
        );
        if !self.glyphs.is_empty() {
            out.push_str("<defs>\n");
            for &glyph in &self.glyphs {
                let _ = writeln!(out, "<path id=\"g{glyph}\" d=\"{}\"/>", self.font.outline(glyph));
            }
            out.push_str("</defs>\n");
        }
        out + &self.elements + "</svg>\n"
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Path data with relative steps.
fn path_data(parts: &[Part]) -> String {
    let mut data = String::new();
    let mut at: Option<Place> = None;
    for part in parts {
        let (first, rest) = match part {
            Part::Open(places) | Part::Closed(places) => match places.split_first() {
                Some(split) => split,
                None => continue,
            },
            Part::Circle((x, y), radius) => (&(x - radius, *y), [].as_slice()),
        };
        let (x, y) = first;
        match at {
            None => step(&mut data, "M", &[*x, *y]),
            Some(at) => step(&mut data, "m", &[x - at.0, y - at.1]),
        }
        let mut previous = *first;
        let mut command = "m";
        for &next in rest {
            let steps = [next.0 - previous.0, next.1 - previous.1];
            let (now, numbers) = match steps {
                [0, 0] => continue,
                [0, _] => ("v", &steps[1..]),
                [_, 0] => ("h", &steps[..1]),
                _ => ("l", &steps[..]),
            };
            step(&mut data, if now == command { "" } else { now }, numbers);
            (command, previous) = (now, next);
        }
        if let Part::Circle(_, radius) = part {
            let arc = |data: &mut String, across| step(data, "a", &[*radius, *radius, 0, 1, 0, across, 0]);
            arc(&mut data, 2 * radius);
            arc(&mut data, -2 * radius);
        }
        let open = matches!(part, Part::Open(_));
        data.push_str(if open { "" } else { "z" });
        at = Some(if open { previous } else { *first });
    }
    data
}

/// A command, if it is not the one before, with its numbers; what begins with a minus sign needs no space before.
fn step(data: &mut String, command: &str, numbers: &[i32]) {
    data.push_str(command);
    for (index, number) in numbers.iter().enumerate() {
        let apart = if *number < 0 || (index == 0 && !command.is_empty()) { "" } else { " " };
        let _ = write!(data, "{apart}{number}");
    }
}
