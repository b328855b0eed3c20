//! Colours as readers see them: with colour deficiencies, and in grey.

use crate::plot::description::colour::Rgb;

/// Least distance of the colours of two curves for every [`Sight`], in CIELAB (CIE 1976).
pub const APART: f64 = 15.0;

/// How a reader sees colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// As most do.
    Normal,
    /// Without long-wavelength cones.
    Protanopia,
    /// Without middle-wavelength cones.
    Deuteranopia,
    /// Without short-wavelength cones.
    Tritanopia,
    /// A print in grey.
    Grey,
}

impl Sight {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Normal, Self::Protanopia, Self::Deuteranopia, Self::Tritanopia, Self::Grey];

    /// What becomes of linear red, green and blue, by row: Machado, Oliveira and Fernandes (2009) at full severity;
    /// for grey the luminance of sRGB.
    #[rustfmt::skip]
    #[must_use]
    pub fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Self::Normal => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Protanopia => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            Self::Deuteranopia => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Self::Tritanopia => [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
            Self::Grey => [[0.2126, 0.7152, 0.0722]; 3],
        }
    }

    /// Distance of two colours as seen, in CIELAB (CIE 1976) with white D65: 100 between black and white.
    #[must_use]
    pub fn distance(self, a: Rgb, b: Rgb) -> f64 {
        let (a, b) = (self.lab(a), self.lab(b));
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
    }

    /// Lightness and the two opponent axes of CIELAB.
    fn lab(self, colour: Rgb) -> [f64; 3] {
        let linear = colour.linear();
        let [red, green, blue] =
            self.matrix().map(|row| row.iter().zip(linear).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0));
        let x = 0.412_456 * red + 0.357_576 * green + 0.180_438 * blue;
        let y = 0.212_673 * red + 0.715_152 * green + 0.072_175 * blue;
        let z = 0.019_334 * red + 0.119_192 * green + 0.950_304 * blue;
        let root =
            |t: f64| if t > 216.0 / 24389.0 { libm::cbrt(t) } else { (24389.0 / 27.0 * t + 16.0) / 116.0 };
        let (x, y, z) = (root(x / 0.950_47), root(y), root(z / 1.088_83));
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }
}
