//! The store of computed results: nothing in it is believed before its digest has been compared.
//!
//! ```text
//! format                                   says that the folder is a store, and of which layout
//! packs/<experiment>/<kind>-<key>/*.pack   trajectories, or results of queries, of one group
//! stages/<stage>/<kind>-<key>/             tables, or figures, of a stage, with their manifest.json
//! lock, guard, work/                       locks: of whole runs, of an instant, of pieces of work
//! temporary/, slices/                      files in preparation: of runs, of slices on other machines
//! damaged/                                 what failed its check, for whoever wants to look at it
//! nondeterministic/                        a second, different value of something that has one
//! ```
//!
//! A *group* is everything that depends on the same ingredients: the trajectories of all replicates of an experiment, or
//! the results of all queries about them. While a run computes, it adds small packs; in the end it merges those of a group
//! into one.

mod clean;
mod doctor;
pub mod elapsed;
pub(crate) mod fault;
mod folder;
mod format;
mod gc;
mod group;
mod lock;
mod manifest;
mod merge;
mod names;
mod pack;
mod packs;
mod root;
mod scratch;
mod stages;

pub use crate::store::clean::{Cleaned, clean};
pub use crate::store::doctor::Health;
pub(crate) use crate::store::folder::{Entry as Place, Folder, read_file};
pub use crate::store::format::FORMAT;
pub use crate::store::gc::Dropped;
pub use crate::store::group::{Group, Records};
pub use crate::store::lock::{Announce, Lock, Mode, wait};
pub(crate) use crate::store::manifest::kernel;
pub use crate::store::manifest::{BlobEntry, Manifest, TableEntry};
pub(crate) use crate::store::names::{is_draft, is_plain};
pub use crate::store::pack::{Entry, Record};
pub use crate::store::root::{Access, Problem, Store};
pub use crate::store::scratch::Scratch;
pub use crate::store::stages::{Blob, Publication};
