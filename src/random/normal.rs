//! Standard normal numbers whose bits do not depend on the machine.
//!
//! The ziggurat of Marsaglia and Tsang (*The ziggurat method for generating random variables*, 2000) with 1024 layers. Its
//! bits come from eight interleaved lanes of xoshiro256++ (Blackman and Vigna, *Scrambled linear pseudorandom number
//! generators*, 2021), which needs no multiplication and so runs in vectors; PCG-64-DXSM sets the states of the lanes, and
//! decides the draws, one in 240, that leave the rectangles of the ziggurat. Tables and rejection use `exp` and `log` of the
//! `libm` crate, since the system's change their last bits with the CPU. All else is integer arithmetic, and one subtraction
//! and one product a number, so the width of the vectors, which `pulp` picks at run time, changes no bit.

use ndarray_rand::rand::{Rng, RngCore};
use ndarray_rand::rand_distr::Distribution;
use pulp::{Arch, Simd, WithSimd};
use rand_pcg::Pcg64Dxsm;
use std::sync::LazyLock;

/// 1024 layers: 12 KB of tables, and a draw outside the rectangles, which costs thirty others, is rare.
const LAYERS: usize = 1024;
/// Right end of the base layer, where the tail begins.
const TAIL: f64 = 4.038_849_846_109_504;
/// Area of every layer under `exp(-x²/2)`.
const AREA: f64 = 0.001_226_324_646_353_088;
const LANES: usize = 8;
/// Numbers drawn at a time.
const BATCH: usize = 64;

struct Ziggurat {
    /// A draw of layer `i` is inside the density without a further test if its upper 32 bits are below.
    inside: [u32; LAYERS],
    /// Right end of layer `i`.
    end: [f64; LAYERS + 1],
    /// `exp(-x²/2)` there.
    height: [f64; LAYERS + 1],
}

static ZIGGURAT: LazyLock<Ziggurat> = LazyLock::new(|| {
    let density = |x: f64| libm::exp(-0.5 * x * x);
    let mut end = [0.0; LAYERS + 1];
    end[0] = AREA / density(TAIL);
    end[1] = TAIL;
    for layer in 2..LAYERS {
        end[layer] = (-2.0 * libm::log(density(end[layer - 1]) + AREA / end[layer - 1])).sqrt();
    }
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "rounds down, as it must")]
    let inside = std::array::from_fn(|layer| (end[layer + 1] / end[layer] * f64::from(u32::MAX)) as u32);
    Ziggurat { inside, end, height: end.map(density) }
});

/// The standard normal law N(0, 1), for `ndarray-rand`.
#[derive(Clone, Copy, Debug)]
pub struct StandardNormal;

impl Distribution<f64> for StandardNormal {
    fn sample<R: Rng + ?Sized>(&self, rng: &mut R) -> f64 {
        let bits = rng.next_u64();
        finish(rng, &ZIGGURAT, bits, fraction(bits) * ZIGGURAT.end[layer(bits)])
    }
}

/// The lowest 10 bits.
#[allow(
    clippy::inline_always,
    clippy::cast_possible_truncation,
    reason = "the hot loop; the lowest bits only"
)]
#[inline(always)]
fn layer(bits: u64) -> usize {
    bits as usize % LAYERS
}

/// In (-1, 1): the upper 52 bits as a fraction, bit 11 as its sign.
#[allow(clippy::inline_always, reason = "the hot loop of the data generation")]
#[inline(always)]
fn fraction(bits: u64) -> f64 {
    let fraction = f64::from_bits(bits >> 12 | 1.0_f64.to_bits()) - 1.0;
    f64::from_bits(fraction.to_bits() | bits << 52 & (1 << 63))
}

#[allow(clippy::inline_always, reason = "the hot loop of the data generation")]
#[inline(always)]
fn finish<R: RngCore + ?Sized>(rng: &mut R, table: &Ziggurat, bits: u64, x: f64) -> f64 {
    if bits >> 32 < u64::from(table.inside[layer(bits)]) { x } else { outside(rng, table, layer(bits), x) }
}

#[cold]
#[inline(never)]
fn outside<R: RngCore + ?Sized>(rng: &mut R, table: &Ziggurat, mut at: usize, mut x: f64) -> f64 {
    loop {
        if at == 0 {
            return if x.abs() < TAIL { x } else { tail(rng).copysign(x) };
        }
        let low = table.height[at];
        if low + uniform(rng) * (table.height[at + 1] - low) < libm::exp(-0.5 * x * x) {
            return x;
        }
        let bits = rng.next_u64();
        at = layer(bits);
        x = fraction(bits) * table.end[at];
        if x.abs() < table.end[at + 1] {
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

/// Two independent streams: of standard normal numbers, and of uniform ones.
#[derive(Clone, Debug)]
pub struct Normals {
    arch: Arch,
    uniforms: Pcg64Dxsm,
    outside: Pcg64Dxsm,
    /// Word `i` of the state of every lane.
    lanes: [[u64; LANES]; 4],
    batch: [f64; BATCH],
    /// Numbers at the end of `batch` that nobody had yet.
    left: usize,
}

impl Normals {
    /// Uniform numbers from the first generator; normal ones from lanes whose states are the first numbers of the second
    /// (first words of all eight, second words, and so on), which then decides what is outside the rectangles.
    pub(crate) fn new(uniforms: Pcg64Dxsm, mut outside: Pcg64Dxsm) -> Self {
        let lanes = std::array::from_fn(|_| std::array::from_fn(|_| outside.next_u64()));
        Self { arch: Arch::new(), uniforms, outside, lanes, batch: [0.0; BATCH], left: 0 }
    }

    /// The same numbers, computed with these instructions instead of the widest there are.
    #[must_use]
    pub fn on(self, arch: Arch) -> Self {
        Self { arch, ..self }
    }

    /// Fills `out` with the next N(0, 1) numbers; number `i` of the stream comes from lane `i mod 8`, however it is cut.
    pub fn fill(&mut self, out: &mut [f64]) {
        let (first, out) = out.split_at_mut(self.left.min(out.len()));
        first.copy_from_slice(&self.batch[BATCH - self.left..][..first.len()]);
        self.left -= first.len();
        let (whole, rest) = out.as_chunks_mut::<BATCH>();
        let (lanes, outside) = (&mut self.lanes, &mut self.outside);
        if !whole.is_empty() {
            self.arch.dispatch(Batches { lanes, outside, out: whole });
        }
        if !rest.is_empty() {
            let out = std::slice::from_mut(&mut self.batch);
            self.arch.dispatch(Batches { lanes: &mut self.lanes, outside: &mut self.outside, out });
            self.left = BATCH - rest.len();
            rest.copy_from_slice(&self.batch[..rest.len()]);
        }
    }

    /// One uniform number in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        uniform(&mut self.uniforms)
    }

    /// The generator of the uniform numbers, for `ndarray-rand`.
    pub fn generator(&mut self) -> &mut Pcg64Dxsm {
        &mut self.uniforms
    }
}

struct Batches<'a> {
    lanes: &'a mut [[u64; LANES]; 4],
    outside: &'a mut Pcg64Dxsm,
    out: &'a mut [[f64; BATCH]],
}

impl WithSimd for Batches<'_> {
    type Output = ();

    #[allow(clippy::inline_always, reason = "must be compiled for the instructions of its caller")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let table = &*ZIGGURAT;
        for batch in self.out {
            let mut bits = [[0; LANES]; BATCH / LANES];
            advance(self.lanes, &mut bits);
            let bits = bits.as_flattened();
            for (value, &bits) in batch.iter_mut().zip(bits) {
                *value = fraction(bits);
            }
            for (value, &bits) in batch.iter_mut().zip(bits) {
                *value = finish(self.outside, table, bits, *value * table.end[layer(bits)]);
            }
        }
    }
}

/// The next numbers of all lanes, eight of each.
#[allow(clippy::inline_always, clippy::needless_range_loop, reason = "becomes vectors over the lanes")]
#[inline(always)]
fn advance([a, b, c, d]: &mut [[u64; LANES]; 4], bits: &mut [[u64; LANES]; BATCH / LANES]) {
    for lane in 0..LANES {
        let (mut a0, mut b0, mut c0, mut d0) = (a[lane], b[lane], c[lane], d[lane]);
        for step in &mut *bits {
            step[lane] = a0.wrapping_add(d0).rotate_left(23).wrapping_add(a0);
            let shifted = b0 << 17;
            c0 ^= a0;
            d0 ^= b0;
            b0 ^= c0;
            a0 ^= d0;
            c0 ^= shifted;
            d0 = d0.rotate_left(45);
        }
        (a[lane], b[lane], c[lane], d[lane]) = (a0, b0, c0, d0);
    }
}
