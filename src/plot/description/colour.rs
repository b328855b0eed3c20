//! Colours: the five curve colours, tints for bands, and the maps for colours that carry a number.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "channels are rounded and kept within 0..=255 before the cast"
)]

use plotters::style::Color;
use plotters_backend::BackendColor;

/// Contrast with white of a ground on which black and white show equally well: the root of the 21 between them.
const EVEN: f64 = 4.583;

/// A colour as red, green, blue; a colour of plotters too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

impl Rgb {
    /// Black, for text and axes.
    pub const BLACK: Self = Self(0, 0, 0);
    /// White, the page.
    pub const WHITE: Self = Self(255, 255, 255);

    /// Mixes with `other`: `share` = 0 is `self`, 1 is `other`.
    #[must_use]
    pub fn mix(self, other: Self, share: f64) -> Self {
        let channel = |a: u8, b: u8| {
            let value = f64::from(a) + (f64::from(b) - f64::from(a)) * share.clamp(0.0, 1.0);
            value.round().clamp(0.0, 255.0) as u8
        };
        Self(channel(self.0, other.0), channel(self.1, other.1), channel(self.2, other.2))
    }

    /// The colour as `#rrggbb`, shortened to `#rgb` where that is the same colour.
    #[must_use]
    pub fn hex(self) -> String {
        let Self(r, g, b) = self;
        if [r, g, b].iter().all(|c| c / 16 == c % 16) {
            format!("#{:x}{:x}{:x}", r % 16, g % 16, b % 16)
        } else {
            format!("#{r:02x}{g:02x}{b:02x}")
        }
    }

    /// Red, green and blue in 0..=1, in proportion to light.
    #[must_use]
    pub fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|c| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
        })
    }

    /// Relative luminance as defined by WCAG 2.
    #[must_use]
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = self.linear();
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Black or white, whichever shows better on it.
    #[must_use]
    pub fn against(self) -> Self {
        if self.contrast_on_white() > EVEN { Self::WHITE } else { Self::BLACK }
    }

    /// Contrast ratio with white as defined by WCAG 2, from 1 to 21.
    #[must_use]
    pub fn contrast_on_white(self) -> f64 {
        1.05 / (self.luminance() + 0.05)
    }
}

impl From<(u8, u8, u8)> for Rgb {
    fn from((red, green, blue): (u8, u8, u8)) -> Self {
        Self(red, green, blue)
    }
}

impl Color for Rgb {
    fn to_backend_color(&self) -> BackendColor {
        BackendColor { alpha: 1.0, rgb: (self.0, self.1, self.2) }
    }
}

/// A curve colour: black, and the Okabe-Ito colours with contrast of at least 3:1 on white; grey for references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Black.
    Black,
    /// Blue, `#0072B2`.
    Blue,
    /// Vermillion, `#D55E00`.
    Vermillion,
    /// Bluish green, `#009E73`.
    Green,
    /// Reddish purple, `#CC79A7`.
    Purple,
    /// Grey, `#666666`, for reference lines.
    Grey,
    /// What a page style has in the place of one of these.
    Other(Rgb),
}

impl Colour {
    /// The curve colours in the order in which a figure should use them.
    pub const CURVES: [Self; 5] = [Self::Black, Self::Blue, Self::Vermillion, Self::Green, Self::Purple];

    /// Its red, green and blue.
    #[must_use]
    pub fn rgb(self) -> Rgb {
        match self {
            Self::Black => Rgb::BLACK,
            Self::Blue => Rgb(0x00, 0x72, 0xb2),
            Self::Vermillion => Rgb(0xd5, 0x5e, 0x00),
            Self::Green => Rgb(0x00, 0x9e, 0x73),
            Self::Purple => Rgb(0xcc, 0x79, 0xa7),
            Self::Grey => Rgb(0x66, 0x66, 0x66),
            Self::Other(rgb) => rgb,
        }
    }
}

/// What a number becomes when colour carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColourMap {
    /// Viridis, dark to light, cut at 0.92 so that its light end stays visible on white.
    Viridis,
    /// Blue over white to red, for signed numbers; its middle belongs at 0.
    Diverging,
}

/// Share of viridis that is used: beyond it, yellow is too light on white.
const VIRIDIS_CUT: f64 = 0.92;

const VIRIDIS: [u32; 16] = [
    0x44_0154, 0x48_1a6c, 0x47_2f7d, 0x41_4487, 0x39_568c, 0x31_688e, 0x2a_788e, 0x23_888e, 0x1f_988b,
    0x22_a884, 0x35_b779, 0x54_c568, 0x7a_d151, 0xa5_db36, 0xd2_e21b, 0xfd_e725,
];

const DIVERGING: [u32; 9] =
    [0x21_66ac, 0x43_93c3, 0x92_c5de, 0xd1_e5f0, 0xf7_f7f7, 0xfd_dbc7, 0xf4_a582, 0xd6_604d, 0xb2_182b];

impl ColourMap {
    /// The colour at `share` in 0..=1 of the range.
    #[must_use]
    pub fn at(self, share: f64) -> Rgb {
        let share = share.clamp(0.0, 1.0);
        match self {
            Self::Viridis => interpolate(&VIRIDIS, share * VIRIDIS_CUT),
            Self::Diverging => interpolate(&DIVERGING, share),
        }
    }
}

/// The colour of rank `index` (from 0) among `count`: viridis, first rank darkest.
#[must_use]
pub fn rank_colour(index: u32, count: u32) -> Rgb {
    let last = f64::from(count.saturating_sub(1).max(1));
    ColourMap::Viridis.at(f64::from(index) / last)
}

fn interpolate(stops: &[u32], share: f64) -> Rgb {
    let segments = stops.len() - 1;
    let position = share * f64::from(u32::try_from(segments).unwrap_or(u32::MAX));
    let below = (position.floor() as usize).min(segments - 1);
    let start = f64::from(u32::try_from(below).unwrap_or(u32::MAX));
    let [from, to] =
        [stops[below], stops[below + 1]].map(|hex| Rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8));
    from.mix(to, position - start)
}
