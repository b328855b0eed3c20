//! What a stage is: a few constants and plain functions from settings to requests, tables, claims and figures.

pub mod claim;
pub mod estimate;
pub mod request;
pub mod rows;

use crate::error::{Error, Result};
use crate::plot::Figure;
use crate::problem::experiment::Experiment;
use crate::problem::family::Family;
use crate::random::normal::Normals;
use crate::simulation::trajectory::{Observed, Trajectory};
use crate::spectrum::answer::QueryResult;
use crate::spectrum::query::Query;
use crate::spectrum::{Norms, Pair};
use crate::stage::claim::Claim;
use crate::stage::request::Request;
use crate::study::{Reading, Study};
use crate::table::Table;
use std::collections::BTreeMap;

/// What a stage shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A theorem, with its claims.
    Theorem,
    /// A figure.
    Figure,
    /// Beyond the paper.
    Extension,
}

impl Kind {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Theorem => "theorem",
            Self::Figure => "figure",
            Self::Extension => "extension",
        }
    }
}

/// How large the experiments are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// The committed figures.
    Paper,
    /// Seconds, for tests and a first look.
    Quick,
}

impl Profile {
    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Paper => "paper",
            Self::Quick => "quick",
        }
    }

    /// One value for each profile.
    pub fn pick<T>(self, paper: T, quick: T) -> T {
        match self {
            Self::Paper => paper,
            Self::Quick => quick,
        }
    }
}

/// One `--set EXPERIMENT.KEY=VALUE`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Override {
    /// Name of the experiment, or of a family.
    pub experiment: String,
    /// Key of the parameter.
    pub key: String,
    /// Its value, as given.
    pub value: String,
}

/// What a user chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The profile.
    pub profile: Profile,
    /// The root seed.
    pub seed: u64,
    /// Changed parameters.
    pub overrides: Vec<Override>,
}

impl Settings {
    /// The members of a family, with the axes that overrides replace; overrides of other parameters come with
    /// [`Settings::experiment`].
    ///
    /// # Errors
    /// A value that an axis cannot have.
    pub fn members(&self, mut family: Family) -> Result<Vec<Experiment>> {
        for change in &self.overrides {
            if change.experiment == family.name {
                family.replace(&change.key, &change.value)?;
            }
        }
        family.members()
    }

    /// The members of a family, each with its overrides as in [`Settings::experiment`].
    ///
    /// # Errors
    /// A value that an axis or a parameter cannot have, an unknown key.
    pub fn points(&self, family: Family) -> Result<Vec<Experiment>> {
        self.members(family)?.into_iter().map(|point| self.experiment(point)).collect()
    }

    /// The experiment with its overrides applied, checked: first those of its family, then its own.
    ///
    /// # Errors
    /// A parameter outside its range, an unknown key.
    pub fn experiment(&self, mut experiment: Experiment) -> Result<Experiment> {
        let of_family = |change: &&Override| {
            let member = experiment.member.as_ref();
            member.is_some_and(|member| member.family == change.experiment && !member.has_axis(&change.key))
        };
        let of_family: Vec<&Override> = self.overrides.iter().filter(of_family).collect();
        let own = self.overrides.iter().filter(|change| change.experiment == experiment.name);
        let all: Vec<&Override> = of_family.into_iter().chain(own).collect();
        for change in all {
            experiment.set_as(&change.experiment, &change.key, &change.value)?;
        }
        experiment.validate()?;
        Ok(experiment)
    }
}

/// What a stage reduces to tables: trajectories and answers to its own requests, out of the store.
pub trait Data {
    /// The experiments of the stage.
    fn experiments(&self) -> Vec<&Experiment>;
    /// The replicates of an experiment that reached the end; in the others SGD diverged, and stages leave them out.
    ///
    /// # Errors
    /// An experiment the stage did not ask for; a store that cannot be read.
    fn finished(&self, experiment: &str) -> Result<Vec<u32>>;
    /// A trajectory.
    ///
    /// # Errors
    /// An experiment or replicate the stage did not ask for; a store that cannot be read.
    fn trajectory(&self, experiment: &str, replicate: u32) -> Result<Trajectory<Observed>>;
    /// The answer to a question the stage asked.
    ///
    /// # Errors
    /// A question the stage did not ask; a store that cannot be read.
    fn answer(&self, experiment: &str, replicate: u32, query: Query) -> Result<QueryResult>;

    /// The studies that the stage asked for.
    ///
    /// # Errors
    /// An experiment the stage did not ask for.
    fn studies(&self, experiment: &str) -> Result<&[Study]>;

    /// What a study that the stage asked for gave.
    ///
    /// # Errors
    /// A study the stage did not ask for; a store that cannot be read.
    fn study(&self, experiment: &str, replicate: u32, study: &Study) -> Result<Vec<Reading>>;

    /// A stream of its own for what claims of a replicate are compared with, such as random subspaces.
    fn null(&self, experiment: &str, replicate: u32) -> Normals;

    /// The experiment of this name.
    ///
    /// # Errors
    /// An experiment the stage did not ask for.
    fn experiment(&self, name: &str) -> Result<&Experiment> {
        let all = self.experiments();
        let known: Vec<&str> = all.iter().map(|experiment| experiment.name.as_str()).collect();
        all.iter()
            .find(|experiment| experiment.name == name)
            .copied()
            .ok_or_else(|| Error::unknown("experiment", name, &known))
    }

    /// Eigenpairs that were asked for, of the Hessian and of the gradient matrix.
    ///
    /// # Errors
    /// As for [`Data::answer`].
    fn pairs(&self, experiment: &str, replicate: u32, query: Query) -> Result<[Vec<Pair>; 2]> {
        match self.answer(experiment, replicate, query)? {
            QueryResult::Pairs(pairs) => Ok(pairs),
            _ => Err(mismatch(query)),
        }
    }

    /// All eigenvalues that were asked for.
    ///
    /// # Errors
    /// As for [`Data::answer`].
    fn values(&self, experiment: &str, replicate: u32, query: Query) -> Result<[Vec<f64>; 2]> {
        match self.answer(experiment, replicate, query)? {
            QueryResult::Values(values) => Ok(values),
            _ => Err(mismatch(query)),
        }
    }

    /// Principal components that were asked for.
    ///
    /// # Errors
    /// As for [`Data::answer`].
    fn components(&self, experiment: &str, replicate: u32, query: Query) -> Result<Vec<Pair>> {
        match self.answer(experiment, replicate, query)? {
            QueryResult::Components(pairs) => Ok(pairs),
            _ => Err(mismatch(query)),
        }
    }

    /// Operator norms that were asked for.
    ///
    /// # Errors
    /// As for [`Data::answer`].
    fn norms(&self, experiment: &str, replicate: u32, query: Query) -> Result<[Norms; 2]> {
        match self.answer(experiment, replicate, query)? {
            QueryResult::Norms(norms) => Ok(norms),
            _ => Err(mismatch(query)),
        }
    }
}

fn mismatch(query: Query) -> Error {
    Error::defect("query", format!("the result of {query:?} is of another kind"))
}

/// The tables of a stage, with the experiments behind them: all that claims and figures are made from.
#[derive(Clone, Debug)]
pub struct Results {
    /// The profile.
    pub profile: Profile,
    /// Experiments by name.
    pub experiments: BTreeMap<String, Experiment>,
    /// Tables by name.
    pub tables: BTreeMap<String, Table>,
}

impl Results {
    /// The experiments of the stage, by name.
    pub fn all(&self) -> Vec<&Experiment> {
        self.experiments.values().collect()
    }

    /// A table of the stage.
    ///
    /// # Errors
    /// A table the stage does not have.
    pub fn table(&self, name: &str) -> Result<&Table> {
        let known: Vec<&str> = self.tables.keys().map(String::as_str).collect();
        self.tables.get(name).ok_or_else(|| Error::unknown("table", name, &known))
    }

    /// An experiment of the stage.
    ///
    /// # Errors
    /// An experiment the stage does not have.
    pub fn experiment(&self, name: &str) -> Result<&Experiment> {
        let known: Vec<&str> = self.experiments.keys().map(String::as_str).collect();
        self.experiments.get(name).ok_or_else(|| Error::unknown("experiment", name, &known))
    }
}

/// A stage: constants and plain functions, in two files with roots of their own.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// Name on the command line.
    pub name: &'static str,
    /// What it shows.
    pub kind: Kind,
    /// Whether it runs only where it is named: it takes long, and what is committed of it is judged by its recipe.
    pub on_request: bool,
    /// One line.
    pub title: &'static str,
    /// The file with `plan` and `reduce`: the root of the code that its tables depend on.
    pub source: &'static str,
    /// The file with `judge` and `draw`, `file!()`: the root of the code that makes claims and figures of the tables.
    pub report: &'static str,
    /// Ids of its claims.
    pub claims: &'static [&'static str],
    /// Names of its figures.
    pub figures: &'static [&'static str],
    /// What it asks for.
    pub plan: fn(&Settings) -> Result<Vec<Request>>,
    /// From data to tables. The pipeline adds a table `replicates` of what ran and what diverged.
    pub reduce: fn(&dyn Data) -> Result<Vec<Table>>,
    /// From tables to claims.
    pub judge: fn(&Results) -> Result<Vec<Claim>>,
    /// From tables to figures.
    pub draw: fn(&Results) -> Result<Vec<Figure>>,
}
