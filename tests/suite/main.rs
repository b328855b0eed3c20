//! All tests, in one program: the polars library is linked once, and one quick run serves every test that needs one.
//!
//! Every module checks one part against a reference that shares no code with it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts and indices of tests are small"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "references are written in the plain mathematics of the standard library"
)]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by a panic")]
#![allow(clippy::float_cmp, reason = "where bits are promised, bits are compared")]

// The build script's modules, which are no part of the library.
#[path = "../../build/graph.rs"]
mod graph;
#[path = "../../build/lock.rs"]
mod lock;
#[path = "../../build/paths.rs"]
mod paths;
#[path = "../../build/tokens.rs"]
mod tokens;

/// The program in a folder of its own, and one quick run that tests share.
mod support;

/// Problems with all parameters side by side.
mod problems;

/// Units as jobs: shares that depend on nothing, stores without locks, what schedulers are told.
mod slices;

/// Named streams against PCG and SHA-256 written out; the normal law against its distribution function.
mod seeds;

/// The two loops of SGD and whole trajectories against a scalar loop, to the last bit.
mod kernel;

/// Task A against finite differences, double loops and exact laws.
mod mixture;

/// Task B against finite differences, plain loops, symmetries and exact laws.
mod xor;

/// Multilayer perceptrons against finite differences, the dedicated networks and explicit matrices; nuisance directions.
mod mlp;

/// Shares of gradients against explicit vectors, their moments against many samples, projected training where its outcome is known.
mod top_subspace;

/// Training samples beside fresh ones against plain loops, and what is left of a step against its equation of motion.
mod own_samples;

/// Eigenpairs and norms against another route, known spectra, and the closed form at x = 0.
mod spectrum;

/// Alignment against rotations by known angles.
mod subspace;

/// Schedules, keys of `--set`, and what is refused.
mod experiment;

/// Intervals, verdicts and slopes against numbers worked out by hand.
mod claim;

/// Thresholds and expected edges against lines and closed forms.
mod thresholds;

/// Cached units: there and back again, and what their keys depend on.
mod units;

/// How parameters reach keys.
mod parameters;

/// Families of experiments.
mod families;

/// What the source code and the list of stages must obey.
mod laws;

/// The theory of spectra against closed forms and random matrices.
mod effective_spectrum;

/// The law of the XOR mixture under a ReLU network against samples and integrals.
mod xor_law;

/// Its effective spectra, with gates, against dense matrices.
mod xor_spectrum;

/// The coupon collector against all assignments; the collapse threshold against the dynamics.
mod xor_limits;

/// The reduced chain against steps of SGD in the whole space, to rounding; its parts and what it refuses.
mod chain;

/// Laws of the reduced chain over seeds against those of SGD, which wrong chains miss.
mod chain_law;

/// The effective dynamics against samples, closed forms and SGD itself.
mod dynamics;
/// The rules of editions, and that what is committed keeps them.
mod editions;

/// Experiments by the reduced chain, starts along the means, and the limit that stages compare with.
mod limit;

/// Figures: what is drawn, and what a reviewer would mark.
mod plot;

/// Figures on paper: PDF, PNG, colours.
mod print;

/// Captions: their length, their symbols, and that their numbers follow the tables.
mod captions;

/// Calls of backends of plotters against the description, and elements of plotters on a page.
mod drawing;

/// The report: a page that a browser understands, with every verdict and figure, by itself and with all its files.
mod report;

/// Tables: integers, and peers who read them with pyarrow, pandas and DuckDB.
mod table;

/// The store: damage, crashes and crowds.
mod store;

/// The program killed, its files damaged, its disk full, itself in a crowd: nothing wrong is shown, nothing good is lost.
mod torture;

/// The program as its users meet it: answers and exit statuses.
mod command_line;

/// The keyboard: the right folder, claims by name, plans, variants, completions, width, wrong uses.
mod keyboard;

/// The same values whatever the threads, the place, the locale, the processor or the interruptions.
mod reproducible;

/// `export`, recomputed naively.
mod export;

/// What is committed beside the code.
mod committed;

/// Numbers and captions for LaTeX: complete, harmless, up to date, and a document that uses them.
mod latex;

/// A small committed stage that other tests damage.
mod committing;

/// Keys: what they tell apart, and which stages a changed constant makes stale.
mod keys;

/// Publishing into the committed folder: what is interrupted, and what was changed by hand.
mod publication;

/// `redraw`: figures from committed tables, and styles.
mod redraw;

/// `verify`: hand-made changes in the lock, in tables and in pictures, and what is not deterministic.
mod verify;

/// `why`: the ingredient that changed.
mod why;

/// Files of overrides, and where their results go.
mod overrides;

/// Metadata of the tables in the cache.
mod provenance;

/// `new`: what it writes, and what it refuses.
mod scaffold;

/// The stage that new stages are copied from.
mod template;

/// Command lines, files of overrides and locks made by chance.
mod fuzz;
