//! Everything the report contains, from the store for stages that are up to date, otherwise from what is committed.

use crate::digest::{Value, sha256};
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::plan::StagePlan;
use crate::published::Figures;
use crate::published::lockfile::LockEntry;
use crate::report::cards::{FigureCard, TableFile, draw_thumbnails, figure_card, table_file};
use crate::report::deviation::{Deviation, deviations, eigenvalues};
use crate::report::files::{File, relative};
use crate::report::words::options;
use crate::stage::claim::{Claim, Verdict};
use crate::stage::rows::Statistics;
use crate::stage::{Settings, Stage};
use crate::store::elapsed::{SIMULATION, seconds, took};
use crate::store::{Manifest, Store};
use crate::table::Table;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The report before it is a page.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the user chose.
    pub settings: Settings,
    /// The settings as options on a command line, each preceded by a space.
    pub options: String,
    /// One section per stage.
    pub sections: Vec<Section>,
    /// Committed tables over all stages, where the report shows what is committed.
    pub summaries: Vec<File>,
}

impl Report {
    /// All claims.
    pub fn claims(&self) -> impl Iterator<Item = &Claim> + Clone {
        self.sections.iter().flat_map(|section| &section.claims)
    }

    /// The number of claims with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.claims().filter(|claim| claim.verdict == verdict).count()
    }

    /// All figures, in the order of the page.
    pub fn figures(&self) -> impl Iterator<Item = &FigureCard> {
        self.sections.iter().flat_map(|section| &section.figures)
    }

    /// Every file behind the report.
    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        let drawn = self.figures().flat_map(|card| card.files.iter().map(|(_, file)| file));
        let tables = self.sections.iter().flat_map(|section| section.tables.iter().map(|table| &table.file));
        drawn.chain(tables).chain(&self.summaries)
    }

    /// All verdicts on one line, as `claims` prints it.
    pub fn summary(&self) -> String {
        summary(self.claims())
    }
}

/// The number of claims with each verdict, on one line.
pub fn summary<'a>(claims: impl Iterator<Item = &'a Claim> + Clone) -> String {
    let count =
        |verdict| claims.clone().filter(|claim| claim.is_evidence() && claim.verdict == verdict).count();
    let mut parts = Vec::new();
    for verdict in [Verdict::Holds, Verdict::Fails, Verdict::Undecided] {
        parts.push(format!("{} {}", count(verdict), verdict.plural()));
    }
    for verdict in [Verdict::PremiseNotMet, Verdict::TooSmall, Verdict::NotRun] {
        parts.extend((count(verdict) > 0).then(|| format!("{} {}", count(verdict), verdict.plural())));
    }
    let checks = claims.clone().filter(|claim| !claim.is_evidence());
    let sound = checks.clone().filter(|claim| claim.verdict == Verdict::Holds).count();
    let checks = checks.count();
    if checks > 0 {
        parts.push(format!("{sound} of {checks} identities check"));
    }
    parts.join(", ")
}

/// Where the numbers of a stage come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From the local store.
    Computed,
    /// From the values committed beside the figures.
    Committed {
        /// Whether parameters or code have changed since.
        stale: bool,
    },
    /// Nothing was computed.
    Nothing,
}

/// One stage.
#[derive(Clone, Debug)]
pub struct Section {
    /// The stage.
    pub stage: &'static Stage,
    /// Where its numbers come from.
    pub origin: Origin,
    /// Its claims.
    pub claims: Vec<Claim>,
    /// Its figures.
    pub figures: Vec<FigureCard>,
    /// Those that are not there, and why.
    pub missing: Vec<(&'static str, String)>,
    /// Parameters of each experiment.
    pub parameters: BTreeMap<String, Value>,
    /// Replicates that ran and replicates that diverged, of each experiment.
    pub replicates: BTreeMap<String, (usize, usize)>,
    /// Digest of experiments, parameters, seed and source code.
    pub recipe: String,
    /// Its tables.
    pub tables: Vec<TableFile>,
    /// What made its tables, where and when, as names and values.
    pub provenance: Vec<(String, String)>,
    /// The commit at which its figures were drawn, if it is a different one.
    pub drawn: Option<String>,
    /// The seconds it took, where they are known.
    pub seconds: Option<Seconds>,
    /// Measurement against theory.
    pub deviations: Vec<Deviation>,
}

/// How long a stage took.
#[derive(Clone, Copy, Debug)]
pub struct Seconds {
    /// All replicates and spectra behind it, each on one thread; other stages may share them.
    pub simulation: f64,
    /// Its tables.
    pub tables: f64,
    /// Its claims and figures.
    pub figures: f64,
}

/// Collects the report on these stages.
///
/// # Errors
/// Files that cannot be read or are not what they should be.
pub fn gather(
    plans: &[StagePlan],
    store: &Store,
    settings: &Settings,
    (data, figures): (&Path, &Path),
) -> Result<Report> {
    let context = RunContext::new(store, settings)?;
    let committed = Figures::at(figures);
    let lock = committed.lock()?;
    let folder = committed.folder(settings);
    let mut sections = Vec::new();
    for plan in plans {
        let tables = context.current_tables(plan)?;
        let drawn = match &tables {
            Some(tables) => store.result(plan.stage.name, &context.figures(plan, tables)?)?,
            None => None,
        };
        let entry = lock.entry(plan.stage.name, settings.profile).filter(|_| Figures::commits(settings));
        let mut section = Section {
            stage: plan.stage,
            origin: Origin::Nothing,
            claims: committed.claims(store, settings, plan, tables.as_ref())?,
            figures: Vec::new(),
            missing: Vec::new(),
            parameters: plan.parameters()?,
            replicates: BTreeMap::new(),
            recipe: plan.recipe(settings)?.digest().to_string(),
            tables: Vec::new(),
            provenance: Vec::new(),
            drawn: None,
            seconds: None,
            deviations: Vec::new(),
        };
        match (tables, drawn, entry) {
            (Some(tables), Some(drawn), _) => {
                let entry = lock.entry(plan.stage.name, settings.profile);
                let published = published(&committed, settings, entry, &tables);
                section.computed(store, (&folder, &published), &tables, &drawn)?;
            }
            (_, _, Some(entry)) => section.committed(&committed, settings, plan, entry)?,
            _ => {}
        }
        section.note_missing();
        sections.push(section);
    }
    draw_thumbnails(sections.iter_mut().flat_map(|section| &mut section.figures).collect())?;
    let as_committed = |section: &Section| {
        let entry = lock.entry(section.stage.name, settings.profile);
        let mut tables = section.tables.iter();
        entry
            .is_none_or(|entry| tables.all(|table| entry.values.get(&table.name) == Some(&table.file.digest)))
    };
    let mut summaries = Vec::new();
    if Figures::commits(settings) && sections.iter().all(as_committed) {
        for (name, digest) in &lock.summaries {
            let bundled = format!("values/{name}.parquet");
            let path = figures.join(&bundled);
            let file = File { shown: relative(&folder, &path), path, bundled, digest: digest.clone() };
            summaries.extend(file.bytes().is_ok().then_some(file));
        }
    }
    let options = options(settings, data, figures);
    Ok(Report { settings: settings.clone(), options, sections, summaries })
}

/// The committed files of those tables that have the values which are committed.
fn published(
    figures: &Figures,
    settings: &Settings,
    entry: Option<&LockEntry>,
    tables: &Manifest,
) -> BTreeMap<String, PathBuf> {
    let folder = figures.tables(&tables.name, settings.profile);
    let known = |table: &str| entry.and_then(|entry| entry.values.get(table));
    let same = tables.tables.iter().filter(|table| known(&table.table) == Some(&table.values_sha256));
    let files = same.map(|table| (table.table.clone(), folder.join(format!("{}.parquet", table.table))));
    files.filter(|(_, file)| file.is_file()).collect()
}

impl Section {
    fn computed(
        &mut self,
        store: &Store,
        (folder, published): (&Path, &BTreeMap<String, PathBuf>),
        tables: &Manifest,
        drawn: &Manifest,
    ) -> Result<()> {
        self.origin = Origin::Computed;
        self.provenance.clone_from(&tables.provenance);
        let commit = |unit: &Manifest| {
            unit.provenance.iter().find(|(name, _)| name == "commit").map(|(_, commit)| commit.clone())
        };
        self.drawn = commit(drawn).filter(|_| commit(drawn) != commit(tables));
        let all =
            (seconds(&tables.provenance, SIMULATION), took(&tables.provenance), took(&drawn.provenance));
        if let (Some(simulation), Some(tables), Some(figures)) = all {
            self.seconds = Some(Seconds { simulation, tables, figures });
        }
        let of = store.result_folder(tables);
        let mut read = BTreeMap::new();
        for entry in &tables.tables {
            let path = published.get(&entry.table).cloned().unwrap_or_else(|| of.join(&entry.file));
            self.tables.push(table_file(
                self.stage,
                (&entry.table, entry.rows, &entry.values_sha256),
                folder,
                path,
            ));
            if READ.contains(&entry.table.as_str()) {
                let table = store.table(tables, &entry.table)?.ok_or_else(|| damaged(of.clone()))?;
                read.insert(entry.table.clone(), table);
            }
        }
        self.learn(&read)?;
        for name in self.stage.figures {
            let read = |format: &str| -> Result<String> {
                let bytes = store
                    .blob(drawn, &format!("{name}.{format}"))?
                    .ok_or_else(|| damaged(store.result_folder(drawn)))?;
                String::from_utf8(bytes).map_err(|error| Error::damaged(store.result_folder(drawn), error))
            };
            if drawn.blob(&format!("{name}.svg")).is_some() {
                let of = store.result_folder(drawn);
                let blob =
                    |file: &str| drawn.blob(file).map(|blob| (of.join(&blob.file), blob.sha256.clone()));
                self.figures.push(figure_card(name, read("svg")?, &read("txt")?, &blob));
            }
        }
        Ok(())
    }

    fn committed(
        &mut self,
        figures: &Figures,
        settings: &Settings,
        plan: &StagePlan,
        entry: &LockEntry,
    ) -> Result<()> {
        self.origin = Origin::Committed { stale: entry.recipe != self.recipe };
        self.recipe.clone_from(&entry.recipe);
        self.parameters.clone_from(&entry.parameters);
        let folder = figures.folder(settings);
        if let Some(results) = figures.results(settings, plan)? {
            for (name, table) in &results.tables {
                let path = figures.tables(self.stage.name, settings.profile).join(format!("{name}.parquet"));
                let of = (name.as_str(), table.rows() as u64, table.values_digest()?);
                self.tables.push(table_file(self.stage, (of.0, of.1, &of.2), &folder, path));
            }
            self.learn(&results.tables)?;
        }
        let file = |file: &str| entry.figures.get(file).map(|digest| (folder.join(file), digest.clone()));
        for name in self.stage.figures {
            let read = |format: &str| {
                let file = format!("{name}.{format}");
                let text = String::from_utf8(figures.read(&file).ok()??).ok()?;
                (entry.figures.get(&file) == Some(&sha256(text.as_bytes()))).then_some(text)
            };
            if let (Some(svg), Some(caption)) = (read("svg"), read("txt")) {
                self.figures.push(figure_card(name, svg, &caption, &file));
            } else {
                self.missing.push((name, "the committed files are not those that figures.lock names".into()));
            }
        }
        Ok(())
    }

    /// What the page needs of the tables.
    fn learn(&mut self, tables: &BTreeMap<String, Table>) -> Result<()> {
        if let Some(table) = tables.get("replicates") {
            let experiment = table.present("experiment", table.strs("experiment")?)?;
            for (experiment, diverged) in experiment.into_iter().zip(table.u64s("diverged_step")?) {
                let counts = self.replicates.entry(experiment.to_owned()).or_default();
                counts.0 += 1;
                counts.1 += usize::from(diverged.is_some());
            }
        }
        if let Some(predicted) = tables.get("theory") {
            let mut measured = match tables.get("statistics") {
                Some(table) => Statistics::column(table, "value")?.all().to_vec(),
                None => Vec::new(),
            };
            if let Some(table) = tables.get("spectrum") {
                measured.extend(eigenvalues(&Statistics::column(table, "eigenvalue")?));
            }
            self.deviations = deviations(&measured, Statistics::column(predicted, "value")?.all());
        }
        Ok(())
    }

    fn note_missing(&mut self) {
        for name in self.stage.figures {
            let known = self.figures.iter().any(|card| card.name == *name)
                || self.missing.iter().any(|(other, _)| other == name);
            if !known {
                let reason = match self.origin {
                    Origin::Computed => "SGD diverged in a replicate that figures show",
                    Origin::Committed { .. } | Origin::Nothing => "nothing was computed",
                };
                self.missing.push((name, reason.to_owned()));
            }
        }
    }
}

/// The tables that the page shows something of.
const READ: [&str; 4] = ["replicates", "statistics", "theory", "spectrum"];

fn damaged(folder: PathBuf) -> Error {
    Error::Lost { what: folder.display().to_string() }
}
