//! Whether a stage is up to date.

use crate::error::Result;
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::StagePlan;
use crate::stage::Settings;
use crate::store::Manifest;

/// Whether the results of a stage are those of this program under the current settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// They are.
    UpToDate,
    /// There are results, made from something else.
    Stale,
    /// There are none.
    Missing,
}

impl Status {
    /// The word for it in text and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::UpToDate => "up to date",
            Self::Stale => "stale",
            Self::Missing => "missing",
        }
    }
}

/// Whether a result belongs to a stage in the same profile, whatever else it was made from.
#[must_use]
pub fn is_of(result: &Manifest, plan: &StagePlan, settings: &Settings) -> bool {
    result.name == plan.stage.name
        && result.ingredients.get("profile") == Some(&settings.profile.word().into())
}

/// The status of a stage in the cache.
///
/// # Errors
/// A store that cannot be read.
pub fn cached_status(context: &RunContext<'_>, plan: &StagePlan) -> Result<Status> {
    if context.current_figures(plan)?.is_some() {
        return Ok(Status::UpToDate);
    }
    let earlier = context.store.results("tables")?;
    let any = earlier.iter().any(|result| is_of(result, plan, context.settings));
    Ok(if any { Status::Stale } else { Status::Missing })
}
