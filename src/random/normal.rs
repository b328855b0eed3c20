//! Standard normal numbers whose bits do not depend on the machine.
//!
//! The 256-layer ziggurat of Marsaglia and Tsang (2000) over PCG-64-DXSM. Tables and rejection use `exp` and `log`
//! of the `libm` crate, since the system's change their last bits with the CPU. Four interleaved lanes hide the
//! latency of the generator.

use ndarray_rand::rand::{Rng, RngCore};
use ndarray_rand::rand_distr::Distribution;
use rand_pcg::Pcg64Dxsm;
use std::sync::LazyLock;

const LAYERS: usize = 256;
/// Right end of the base layer, where the tail begins.
const TAIL: f64 = 3.654_152_885_361_009;
/// Area of every layer under `exp(-x²/2)`.
const AREA: f64 = 0.004_928_673_233_99;
const LANES: usize = 4;

struct Ziggurat {
    /// A draw of layer `i` is inside the density without a further test below this 52-bit integer.
    inside: [u64; LAYERS],
    /// Width of layer `i` in units of 2^-52.
    width: [f64; LAYERS],
    /// `exp(-x²/2)` at the right end of layer `i`.
    height: [f64; LAYERS + 1],
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "52-bit integers are exact in f64"
)]
static ZIGGURAT: LazyLock<Ziggurat> = LazyLock::new(|| {
    let density = |x: f64| libm::exp(-0.5 * x * x);
    let unit = (1u64 << 52) as f64;
    let mut end = [0.0; LAYERS + 1];
    end[0] = AREA / density(TAIL);
    end[1] = TAIL;
    for layer in 2..LAYERS {
        end[layer] = (-2.0 * libm::log(density(end[layer - 1]) + AREA / end[layer - 1])).sqrt();
    }
    Ziggurat {
        inside: std::array::from_fn(|layer| (end[layer + 1] / end[layer] * unit) as u64),
        width: std::array::from_fn(|layer| end[layer] / unit),
        height: std::array::from_fn(|layer| density(end[layer])),
    }
});

/// The standard normal law N(0, 1), for `ndarray-rand`.
#[derive(Clone, Copy, Debug)]
pub struct StandardNormal;

impl Distribution<f64> for StandardNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        draw(rng, &ZIGGURAT)
    }
}

#[allow(clippy::inline_always, reason = "the hot loop of the data generation")]
#[inline(always)]
fn draw<R: RngCore + ?Sized>(rng: &mut R, table: &Ziggurat) -> f64 {
    let (layer, signed) = split(rng.next_u64());
    let x = scaled(signed) * table.width[layer];
    if signed.unsigned_abs() < table.inside[layer] { x } else { outside(rng, table, layer, x) }
}

#[allow(clippy::inline_always, reason = "the hot loop of the data generation")]
#[inline(always)]
fn split(bits: u64) -> (usize, i64) {
    ((bits & 255) as usize, bits.cast_signed() >> 11)
}

#[allow(clippy::cast_precision_loss, reason = "a 53-bit signed integer is exact in f64")]
fn scaled(signed: i64) -> f64 {
    signed as f64
}

#[cold]
#[inline(never)]
fn outside<R: RngCore + ?Sized>(rng: &mut R, table: &Ziggurat, mut layer: usize, mut x: f64) -> f64 {
    loop {
        if layer == 0 {
            let tail = tail(rng);
            return if x < 0.0 { -tail } else { tail };
        }
        let low = table.height[layer];
        if low + uniform(rng) * (table.height[layer + 1] - low) < libm::exp(-0.5 * x * x) {
            return x;
        }
        let signed;
        (layer, signed) = split(rng.next_u64());
        x = scaled(signed) * table.width[layer];
        if signed.unsigned_abs() < table.inside[layer] {
            return x;
        }
    }
}

fn tail<R: RngCore + ?Sized>(rng: &mut R) -> f64 {
    loop {
        let beyond = -libm::log(uniform(rng)) / TAIL;
        let height = -libm::log(uniform(rng));
        if height + height > beyond * beyond {
            return TAIL + beyond;
        }
    }
}

/// A uniform number in the open interval (0, 1).
#[allow(clippy::cast_precision_loss, reason = "a 53-bit integer is exact in f64")]
fn uniform<R: RngCore + ?Sized>(rng: &mut R) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// A stream of standard normal and uniform numbers, drawn from four interleaved generators.
#[derive(Clone, Debug)]
pub struct Normals {
    lanes: [Pcg64Dxsm; LANES],
}

impl Normals {
    pub(crate) fn new(lanes: [Pcg64Dxsm; LANES]) -> Self {
        Self { lanes }
    }

    /// Fills `out` with independent N(0, 1) numbers; entry `i` comes from lane `i mod 4`.
    pub fn fill(&mut self, out: &mut [f64]) {
        let table = &*ZIGGURAT;
        let [a, b, c, d] = &mut self.lanes;
        let (fours, rest) = out.as_chunks_mut::<LANES>();
        for four in fours {
            *four = [draw(a, table), draw(b, table), draw(c, table), draw(d, table)];
        }
        for (lane, value) in self.lanes.iter_mut().zip(rest) {
            *value = draw(lane, table);
        }
    }

    /// One uniform number in (0, 1), from lane 0.
    pub fn uniform(&mut self) -> f64 {
        uniform(&mut self.lanes[0])
    }

    /// The generator of lane 0, for `ndarray-rand`.
    pub fn generator(&mut self) -> &mut Pcg64Dxsm {
        &mut self.lanes[0]
    }
}
