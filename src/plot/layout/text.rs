//! Text laid out by us: every glyph of the bundled font at its place, with its ink box.

use crate::plot::description::colour::Rgb;
use crate::plot::description::error::PlotError;
use crate::plot::description::ink::Lettering;
use crate::plot::description::surface::UNITS;
use crate::plot::layout::font::Font;
use crate::plot::layout::markup::{Class, Node, parse};

/// Size of axis labels and panel titles in pt.
pub const LABEL: f64 = 9.0;
/// Size of tick labels, legends and notes in pt.
pub const SMALL: f64 = 8.0;
/// Size of panel letters in pt.
pub const LETTER: f64 = 10.0;
/// Smallest size of a script in pt.
pub const SMALLEST: f64 = 6.0;

/// A glyph of a line of text; `x` and `y` in pt from the origin of the line, `y` downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glyph {
    /// Its number in the bundled font.
    pub id: u16,
    /// The character it draws.
    pub character: char,
    /// Its size in pt.
    pub size: f64,
    /// Distance from the start of the line.
    pub x: f64,
    /// Distance from the baseline, downwards.
    pub y: f64,
}

/// A filled bar of a root sign: left, top, width, height in pt.
pub type Bar = (f64, f64, f64, f64);

/// A rectangle in pt, `y` downwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
}

impl Rect {
    /// Whether two rectangles share an area.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }
}

/// One line of text in its final shape.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// The label as it was written, with markup.
    pub source: String,
    /// Its glyphs.
    pub glyphs: Vec<Glyph>,
    /// Bars of root signs.
    pub bars: Vec<Bar>,
    /// Advance width in pt.
    pub width: f64,
    /// Ink box from the origin; empty text has an empty box.
    pub ink: Rect,
}

impl Text {
    /// Lays out one line of markup at `size` pt.
    ///
    /// # Errors
    /// [`PlotError::Markup`] or [`PlotError::MissingGlyph`].
    pub fn new(font: &Font, source: &str, size: f64) -> Result<Self, PlotError> {
        let nodes = parse(source)?;
        let mut setter = Setter { font, source, size, glyphs: Vec::new(), bars: Vec::new() };
        let width = setter.row(&nodes, 0, 0.0, 0.0)?;
        let ink = setter.ink(0, 0);
        let Setter { glyphs, bars, .. } = setter;
        Ok(Self { source: source.to_owned(), glyphs, bars, width, ink })
    }

    /// The smallest glyph size in pt.
    #[must_use]
    pub fn smallest(&self) -> f64 {
        self.glyphs.iter().map(|glyph| glyph.size).fold(f64::INFINITY, f64::min)
    }

    /// Height of the ink above the baseline.
    #[must_use]
    pub fn ascent(&self) -> f64 {
        -self.ink.top
    }

    /// Depth of the ink below the baseline.
    #[must_use]
    pub fn descent(&self) -> f64 {
        self.ink.bottom
    }
}

/// A line of text at its place on the page.
#[derive(Debug, Clone, PartialEq)]
pub struct PlacedText {
    /// What is written.
    pub text: Text,
    /// Origin of the baseline in pt.
    pub x: f64,
    /// Origin of the baseline in pt, downwards.
    pub y: f64,
    /// Cosine and sine of its turn clockwise.
    pub turn: (f64, f64),
    /// Its colour.
    pub colour: Rgb,
    /// Whether it stands in a cell of a heat map.
    pub in_cell: bool,
}

impl PlacedText {
    /// Lays out a line of text.
    ///
    /// # Errors
    /// As for [`Text::new`].
    pub fn new(font: &Font, letters: &Lettering) -> Result<Self, PlotError> {
        let text = Text::new(font, &letters.source, letters.size)?;
        let turn = (f64::from(letters.turn.0), f64::from(letters.turn.1));
        let before = f64::from(letters.halves) / 2.0 * text.width;
        let (x, y) = (f64::from(letters.place.0) / UNITS, f64::from(letters.place.1) / UNITS);
        let (x, y) = (x - before * turn.0, y - before * turn.1);
        Ok(Self { text, x, y, turn, colour: letters.colour, in_cell: letters.in_cell })
    }

    /// The ink box on the page in pt.
    #[must_use]
    pub fn ink(&self) -> Rect {
        let (cos, sin) = self.turn;
        let at = |x: f64, y: f64| (self.x + x * cos - y * sin, self.y + x * sin + y * cos);
        let ink = self.text.ink;
        let (a, b) = (at(ink.left, ink.top), at(ink.right, ink.bottom));
        Rect { left: a.0.min(b.0), top: a.1.min(b.1), right: a.0.max(b.0), bottom: a.1.max(b.1) }
    }
}

struct Setter<'a> {
    font: &'a Font,
    source: &'a str,
    size: f64,
    glyphs: Vec<Glyph>,
    bars: Vec<Bar>,
}

/// What stands before a piece, for spaces and kerning.
#[derive(Clone, Copy)]
struct Before {
    class: Option<Class>,
    glyph: Option<u16>,
}

impl Setter<'_> {
    fn size_at(&self, level: u32) -> f64 {
        match level {
            0 => self.size,
            1 => (self.size * 0.7).max(SMALLEST),
            _ => (self.size * 0.55).max(SMALLEST),
        }
    }

    /// Sets pieces from (`x`, `y`); gives the width.
    fn row(&mut self, nodes: &[Node], level: u32, x: f64, y: f64) -> Result<f64, PlotError> {
        let mut before = Before { class: None, glyph: None };
        let mut at = x;
        for (index, node) in nodes.iter().enumerate() {
            at = self.piece(node, nodes.get(index + 1), level, (at, y), &mut before)?;
        }
        Ok(at - x)
    }

    fn piece(
        &mut self,
        node: &Node,
        next: Option<&Node>,
        level: u32,
        (mut x, y): (f64, f64),
        before: &mut Before,
    ) -> Result<f64, PlotError> {
        let size = self.size_at(level);
        let unit = size / self.font.units();
        match node {
            Node::Space(width) => {
                *before = Before { class: None, glyph: None };
                Ok(x + width * size)
            }
            Node::Symbol(character, class) => {
                let glyph = self.font.glyph(*character, self.source)?;
                let class = unary(*class, before.class);
                let last = next.is_none();
                if level == 0 {
                    x += space_between(before.class, class) * size;
                }
                if let Some(left) = before.glyph {
                    x += self.font.kerning(left, glyph) * unit;
                }
                self.glyphs.push(Glyph { id: glyph, character: *character, size, x, y });
                x += self.font.advance(glyph) * unit;
                if level == 0 && !last && class == Class::Punctuation {
                    x += size / 6.0;
                }
                *before = Before { class: Some(class), glyph: Some(glyph) };
                Ok(x)
            }
            Node::Group(nodes) => {
                if level == 0 {
                    x += space_between(before.class, Class::Ordinary) * size;
                }
                let width = self.row(nodes, level, x, y)?;
                *before = Before { class: Some(Class::Ordinary), glyph: None };
                Ok(x + width)
            }
            _ => {
                if level == 0 {
                    x += space_between(before.class, Class::Ordinary) * size;
                }
                *before = Before { class: Some(Class::Ordinary), glyph: None };
                match node {
                    Node::Accent(accent, base) => self.accent(*accent, base, level, (x, y)),
                    Node::Root(inner) => self.root(inner, level, (x, y)),
                    Node::Scripts { base, sub, sup } => self.scripts((base, sub, sup), level, (x, y)),
                    _ => Ok(x),
                }
            }
        }
    }

    fn accent(
        &mut self,
        accent: char,
        base: &[Node],
        level: u32,
        (x, y): (f64, f64),
    ) -> Result<f64, PlotError> {
        let size = self.size_at(level);
        let unit = size / self.font.units();
        let (first, bars) = (self.glyphs.len(), self.bars.len());
        let width = self.row(base, level, x, y)?;
        let attachment = match self.glyphs[first..] {
            [only] => self.font.accent_attachment(only.id) * unit,
            _ => width / 2.0,
        };
        let height = y - self.ink(first, bars).top;
        let rise = (height - self.font.math.accent_base * unit).max(0.0);
        let glyph = self.font.glyph(accent, self.source)?;
        let left = x + attachment - self.font.accent_attachment(glyph) * unit;
        self.glyphs.push(Glyph { id: glyph, character: accent, size, x: left, y: y - rise });
        Ok(x + width)
    }

    fn root(&mut self, inner: &[Node], level: u32, (x, y): (f64, f64)) -> Result<f64, PlotError> {
        let size = self.size_at(level);
        let unit = size / self.font.units();
        let rule = self.font.math.rule * unit;
        let sign = self.font.glyph('√', self.source)?;
        let sign_ink =
            self.font.ink(sign).map_or((0.0, 0.0), |ink| (f64::from(ink.y_max), f64::from(ink.x_max)));
        let start = x + sign_ink.1 * unit;
        let (first, bars) = (self.glyphs.len(), self.bars.len());
        let width = self.row(inner, level, start, y)?;
        let top = y - self.ink(first, bars).top + self.font.math.radical_gap * unit + rule;
        self.glyphs.push(Glyph { id: sign, character: '√', size, x, y: y - top + sign_ink.0 * unit });
        self.bars.push((start - 0.02, y - top, width + 0.05 * size, rule));
        Ok(start + width + 0.05 * size)
    }

    fn scripts(
        &mut self,
        (base, sub, sup): (&[Node], &[Node], &[Node]),
        level: u32,
        (x, y): (f64, f64),
    ) -> Result<f64, PlotError> {
        let size = self.size_at(level);
        let unit = size / self.font.units();
        let math = self.font.math;
        let (first, bars) = (self.glyphs.len(), self.bars.len());
        let width = self.row(base, level, x, y)?;
        let ink = self.ink(first, bars);
        let lean =
            self.glyphs[first..].last().map_or(0.0, |last| self.font.italics_correction(last.id) * unit);
        let tall = self.glyphs.len() - first > 1;
        let mut up = math.superscript_up * unit;
        let mut down = math.subscript_down * unit;
        if tall {
            up = up.max(y - ink.top - math.superscript_drop * unit);
            down = down.max(ink.bottom - y + math.subscript_drop * unit * 0.5);
        }
        let (start_sup, start_sup_bars) = (self.glyphs.len(), self.bars.len());
        let mut high_width = 0.0;
        let mut sup_bottom = f64::NEG_INFINITY;
        if !sup.is_empty() {
            high_width = lean + self.row(sup, level + 1, x + width + lean, y - up)?;
            sup_bottom = self.ink(start_sup, start_sup_bars).bottom;
        }
        let mut low_width = 0.0;
        if !sub.is_empty() {
            let (start, start_bars) = (self.glyphs.len(), self.bars.len());
            low_width = self.row(sub, level + 1, x + width, y + down)?;
            let missing = math.script_gap * unit - (self.ink(start, start_bars).top - sup_bottom);
            if !sup.is_empty() && missing > 0.0 {
                for glyph in &mut self.glyphs[start..] {
                    glyph.y += missing;
                }
            }
        }
        Ok(x + width + high_width.max(low_width) + math.space_after_script * unit)
    }

    /// The ink box of everything set since the given counts.
    fn ink(&self, first_glyph: usize, first_bar: usize) -> Rect {
        let glyphs = self.glyphs[first_glyph..].iter().filter_map(|glyph| {
            let unit = glyph.size / self.font.units();
            self.font.ink(glyph.id).map(|ink| Rect {
                left: glyph.x + f64::from(ink.x_min) * unit,
                top: glyph.y - f64::from(ink.y_max) * unit,
                right: glyph.x + f64::from(ink.x_max) * unit,
                bottom: glyph.y - f64::from(ink.y_min) * unit,
            })
        });
        let bars = self.bars[first_bar..].iter().map(|&(left, top, width, height)| Rect {
            left,
            top,
            right: left + width,
            bottom: top + height,
        });
        glyphs
            .chain(bars)
            .reduce(|a, b| Rect {
                left: a.left.min(b.left),
                top: a.top.min(b.top),
                right: a.right.max(b.right),
                bottom: a.bottom.max(b.bottom),
            })
            .unwrap_or(Rect { left: 0.0, top: 0.0, right: 0.0, bottom: 0.0 })
    }
}

/// A binary operator without a left operand is a sign.
fn unary(class: Class, before: Option<Class>) -> Class {
    match (class, before) {
        (
            Class::Binary,
            None | Some(Class::Binary | Class::Relation | Class::Opening | Class::Punctuation),
        ) => Class::Ordinary,
        _ => class,
    }
}

/// Space in em between neighbours at full size.
fn space_between(before: Option<Class>, class: Class) -> f64 {
    match (before, class) {
        (None, _) | (_, Class::Punctuation) | (Some(Class::Relation), Class::Relation) => 0.0,
        (Some(Class::Relation), _) | (_, Class::Relation) => 5.0 / 18.0,
        (Some(Class::Binary), _) | (_, Class::Binary) => 4.0 / 18.0,
        _ => 0.0,
    }
}
