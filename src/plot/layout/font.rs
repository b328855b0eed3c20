//! The bundled font: glyph numbers, widths, kerning, outlines and the constants of its MATH table.

use std::fmt::Write as _;

use ttf_parser::gpos::{PairAdjustment, PositioningSubtable};
use ttf_parser::{Face, GlyphId, OutlineBuilder, Rect};

use crate::plot::description::error::PlotError;
use crate::plot::description::figure::Figure;
use crate::plot::description::page_style::FontFile;

/// STIX Two Math, SIL Open Font License; digest in `fonts/SHA256SUMS`.
pub const FONT_BYTES: &[u8] = include_bytes!("../../../fonts/STIXTwoMath-Regular.ttf");

/// The constants of the MATH table that the layout uses, in font units.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MathConstants {
    pub(crate) subscript_down: f64,
    pub(crate) superscript_up: f64,
    pub(crate) superscript_drop: f64,
    pub(crate) subscript_drop: f64,
    pub(crate) script_gap: f64,
    pub(crate) space_after_script: f64,
    pub(crate) accent_base: f64,
    pub(crate) rule: f64,
    pub(crate) radical_gap: f64,
}

/// The bundled font, parsed.
#[derive(Debug)]
pub struct Font {
    pub(crate) bytes: &'static [u8],
    face: Face<'static>,
    pub(crate) math: MathConstants,
}

impl Font {
    /// Parses the bundled font.
    ///
    /// # Errors
    /// [`PlotError::Font`] if the bytes are not a font with a MATH table.
    pub fn bundled() -> Result<Self, PlotError> {
        Self::parse(FONT_BYTES)
    }

    /// Parses the font of a figure.
    ///
    /// # Errors
    /// As for [`Font::bundled`].
    pub fn of(figure: &Figure) -> Result<Self, PlotError> {
        Self::parse(figure.style.font.map_or(FONT_BYTES, FontFile::bytes))
    }

    /// Parses a font.
    ///
    /// # Errors
    /// As for [`Font::bundled`].
    pub fn parse(bytes: &'static [u8]) -> Result<Self, PlotError> {
        let broken = |what: &str| PlotError::Font(what.to_owned());
        let face = Face::parse(bytes, 0).map_err(|source| broken(&source.to_string()))?;
        let constants =
            face.tables().math.and_then(|math| math.constants).ok_or_else(|| broken("no MATH constants"))?;
        let math = MathConstants {
            subscript_down: constants.subscript_shift_down().value.into(),
            superscript_up: constants.superscript_shift_up().value.into(),
            superscript_drop: constants.superscript_baseline_drop_max().value.into(),
            subscript_drop: constants.subscript_baseline_drop_min().value.into(),
            script_gap: constants.sub_superscript_gap_min().value.into(),
            space_after_script: constants.space_after_script().value.into(),
            accent_base: constants.accent_base_height().value.into(),
            rule: constants.radical_rule_thickness().value.into(),
            radical_gap: constants.radical_vertical_gap().value.into(),
        };
        Ok(Self { bytes, face, math })
    }

    /// Font units per em.
    #[must_use]
    pub fn units(&self) -> f64 {
        f64::from(self.face.units_per_em())
    }

    /// Number of the glyph of `character`, which `text` needs.
    ///
    /// # Errors
    /// [`PlotError::MissingGlyph`]: a box is never drawn in its place.
    pub fn glyph(&self, character: char, text: &str) -> Result<u16, PlotError> {
        match self.face.glyph_index(character) {
            Some(glyph) if glyph.0 != 0 => Ok(glyph.0),
            _ => Err(PlotError::MissingGlyph { character, text: text.to_owned() }),
        }
    }

    /// Advance width in font units.
    pub(crate) fn advance(&self, glyph: u16) -> f64 {
        self.face.glyph_hor_advance(GlyphId(glyph)).unwrap_or(0).into()
    }

    /// Ink box in font units, `None` for a space.
    pub(crate) fn ink(&self, glyph: u16) -> Option<Rect> {
        self.face.glyph_bounding_box(GlyphId(glyph))
    }

    /// Italics correction in font units, 0 where there is none.
    pub(crate) fn italics_correction(&self, glyph: u16) -> f64 {
        self.math_value(|info| info.italic_corrections, glyph).unwrap_or(0.0)
    }

    /// Where an accent is attached, in font units from the origin; the middle of the ink without an entry.
    pub(crate) fn accent_attachment(&self, glyph: u16) -> f64 {
        self.math_value(|info| info.top_accent_attachments, glyph).unwrap_or_else(|| {
            self.ink(glyph)
                .map_or(self.advance(glyph) / 2.0, |ink| f64::midpoint(ink.x_min.into(), ink.x_max.into()))
        })
    }

    fn math_value(
        &self,
        table: impl Fn(ttf_parser::math::GlyphInfo<'static>) -> Option<ttf_parser::math::MathValues<'static>>,
        glyph: u16,
    ) -> Option<f64> {
        let info = self.face.tables().math?.glyph_info?;
        table(info)?.get(GlyphId(glyph)).map(|value| value.value.into())
    }

    /// Kerning between two glyphs in font units.
    pub(crate) fn kerning(&self, left: u16, right: u16) -> f64 {
        self.pair_adjustment(GlyphId(left), GlyphId(right)).map_or(0.0, f64::from)
    }

    fn pair_adjustment(&self, left: GlyphId, right: GlyphId) -> Option<i16> {
        let gpos = self.face.tables().gpos?;
        let kern = gpos.features.find(ttf_parser::Tag::from_bytes(b"kern"))?;
        for index in kern.lookup_indices {
            let lookup = gpos.lookups.get(index)?;
            for subtable in lookup.subtables.into_iter::<PositioningSubtable<'_>>() {
                let PositioningSubtable::Pair(pair) = subtable else { continue };
                let Some(place) = pair.coverage().get(left) else { continue };
                let found = match pair {
                    PairAdjustment::Format1 { sets, .. } => sets.get(place).and_then(|set| set.get(right)),
                    PairAdjustment::Format2 { classes, matrix, .. } => {
                        matrix.get((classes.0.get(left), classes.1.get(right)))
                    }
                };
                if let Some((first, _)) = found {
                    return Some(first.x_advance);
                }
            }
        }
        None
    }

    /// The outline as SVG path data in font units, y downwards.
    pub(crate) fn outline(&self, glyph: u16) -> String {
        let mut pen = OutlinePen(String::new());
        let _ = self.face.outline_glyph(GlyphId(glyph), &mut pen);
        pen.0
    }
}

/// Writes an outline as path data; TrueType outlines have whole coordinates or halves.
struct OutlinePen(String);

impl OutlinePen {
    fn put(&mut self, command: char, numbers: &[f32]) {
        self.0.push(command);
        for (index, number) in numbers.iter().enumerate() {
            let number = if index % 2 == 1 { -f64::from(*number) } else { f64::from(*number) };
            let number = (number * 2.0).round() / 2.0 + 0.0;
            if index > 0 && number >= 0.0 {
                self.0.push(' ');
            }
            let _ = write!(self.0, "{number}");
        }
    }
}

impl OutlineBuilder for OutlinePen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.put('M', &[x, y]);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.put('L', &[x, y]);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.put('Q', &[x1, y1, x, y]);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.put('C', &[x1, y1, x2, y2, x, y]);
    }

    fn close(&mut self) {
        self.0.push('Z');
    }
}
