//! From names to random streams: (scheme version, root seed, experiment, replicate, purpose, block) to PCG.
//!
//! A seed depends on names only, never on parameter values, on execution order or on which stage asks, so adding
//! a stage changes no draw of another.

use crate::random::normal::Normals;
use rand_pcg::Pcg64Dxsm;
use sha2::{Digest, Sha256};

/// Version of the scheme below and of the normal sampler; part of every key.
pub const SCHEME: &str = "spectral-alignment seeds 2";

/// What a stream is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The initial parameters.
    Initial,
    /// The samples that SGD sees, in order.
    Train,
    /// The fresh test sample.
    Test,
    /// What claims are compared with: random subspaces.
    Null,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Initial => "initial",
            Self::Train => "train",
            Self::Test => "test",
            Self::Null => "null",
        }
    }
}

/// Everything but purpose and block that a stream depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The root seed, `--seed`.
    pub root: u64,
    /// Name of the experiment.
    pub experiment: String,
    /// Replicate, from 0.
    pub replicate: u32,
}

impl Seed {
    /// The stream of one purpose and one block of 256 samples.
    ///
    /// Its two generators, 0 of uniform numbers and 1 of normal ones, are PCG-64-DXSM, whose state and increment are the
    /// SHA-256 of the length-prefixed names and the number of the generator.
    #[must_use]
    pub fn stream(&self, purpose: Purpose, block: u64) -> Normals {
        Normals::new(self.generator(purpose, block, 0), self.generator(purpose, block, 1))
    }

    fn generator(&self, purpose: Purpose, block: u64, number: u64) -> Pcg64Dxsm {
        let mut hash = Sha256::new();
        for part in [
            SCHEME.as_bytes(),
            &self.root.to_le_bytes(),
            self.experiment.as_bytes(),
            &self.replicate.to_le_bytes(),
            purpose.name().as_bytes(),
            &block.to_le_bytes(),
            &number.to_le_bytes(),
        ] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let mut halves = [[0u8; 16]; 2];
        for (index, byte) in hash.finalize().iter().enumerate() {
            halves[index / 16][index % 16] = *byte;
        }
        Pcg64Dxsm::new(u128::from_le_bytes(halves[0]), u128::from_le_bytes(halves[1]))
    }
}
