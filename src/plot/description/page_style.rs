//! How all figures look at once: widths, type size, colours, font. Data do not depend on it.

use crate::plot::description::colour::{Colour, Rgb};

/// Size of the numbers at ticks, of legends and of notes in pt, as everything is designed; all other type, lines and marks keep their
/// proportion to it.
pub const DESIGNED: f64 = 8.0;

/// The bytes of an OpenType font with a MATH table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FontFile(&'static [u8]);

impl FontFile {
    /// A font for the rest of the program, which never forgets it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.leak())
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(self) -> &'static [u8] {
        self.0
    }
}

impl std::fmt::Debug for FontFile {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "FontFile({} bytes)", self.0.len())
    }
}

/// How all figures look.
#[derive(Debug, Clone, PartialEq)]
pub struct PageStyle {
    /// Width in pt of figures that span the text.
    pub full: f64,
    /// Width in pt of figures that take one column.
    pub single: f64,
    /// Size in pt of the numbers at ticks, which all else is in proportion to.
    pub font_size: f64,
    /// Dots per inch of PNG images.
    pub dots: u16,
    /// Curve colours that are not those of the house.
    pub colours: Vec<(Colour, Rgb)>,
    /// The font; the bundled one if there is none.
    pub font: Option<FontFile>,
}

impl Default for PageStyle {
    /// The style of the committed figures.
    fn default() -> Self {
        Self { full: 396.0, single: 193.0, font_size: DESIGNED, dots: 300, colours: Vec::new(), font: None }
    }
}

impl PageStyle {
    /// How much larger than designed everything is.
    #[must_use]
    pub fn scale(&self) -> f64 {
        self.font_size / DESIGNED
    }

    /// A colour in this style.
    #[must_use]
    pub fn colour(&self, colour: Colour) -> Colour {
        let own = self.colours.iter().find(|(name, _)| *name == colour);
        own.map_or(colour, |(_, rgb)| Colour::Other(*rgb))
    }
}
