//! The test loss along training: what is simulated, and the table that is made of it.

pub mod report;

use crate::error::Result;
use crate::problem::experiment::Experiment;
use crate::stage::request::Request;
use crate::stage::rows::{Statistic, statistics_table};
use crate::stage::{Data, Profile, Settings};
use crate::stages::common;
use crate::stages::common::shared::at;
use crate::table::Table;

/// Name of the experiment: its seeds are derived from it.
const EXPERIMENT: &str = "gmm-template";

/// The parameters: change here what the experiment is about.
fn experiment(profile: Profile) -> Experiment {
    common::mixture::experiment(profile, EXPERIMENT, 5, 100.0)
}

fn plan(settings: &Settings) -> Result<Vec<Request>> {
    Ok(vec![Request::new(settings.experiment(experiment(settings.profile))?)])
}

fn reduce(data: &dyn Data) -> Result<Vec<Table>> {
    let experiment = data.experiment(EXPERIMENT)?;
    let mut rows = Vec::new();
    for replicate in data.finished(EXPERIMENT)? {
        for observed in data.trajectory(EXPERIMENT, replicate)?.checkpoints {
            rows.push(Statistic::plain(&at(experiment, replicate, &observed), "loss", observed.loss));
        }
    }
    Ok(vec![statistics_table("statistics", &rows)?])
}
