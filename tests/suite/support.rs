use serde_json::Value;
use spectral_alignment::pipeline::context::RunContext;
use spectral_alignment::pipeline::keys::decode;
use spectral_alignment::pipeline::plan::StagePlan;
use spectral_alignment::pipeline::run::{RunOptions, results, run};
use spectral_alignment::plot::Figure;
use spectral_alignment::stage::claim::Claim;
use spectral_alignment::stage::{Profile, Results, Settings, Stage};
use spectral_alignment::stages::STAGES;
use spectral_alignment::store::{Access, Manifest, Problem, Store};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A data and a figures folder of their own, in which the program runs at quick size.
pub struct Place {
    folder: TempDir,
}

/// What the program said.
#[derive(Debug)]
pub struct Answer {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self { status: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Answer {
    /// The answer of a call that ended well.
    pub fn good(self) -> Self {
        assert_eq!(self.status, Some(0), "{self:?}");
        self
    }

    /// The rows of a `--json` answer.
    pub fn rows(&self) -> Vec<Value> {
        match serde_json::from_str(&self.out) {
            Ok(Value::Array(rows)) => rows,
            other => panic!("{other:?} is no array: {self:?}"),
        }
    }

    /// One clear message with these words and this exit status, and no panic.
    pub fn refused(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        assert!(!self.err.contains("panicked") && self.err.contains("error: "), "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "`{word}` is missing: {self:?}");
        }
    }
}

impl Place {
    pub fn new() -> Self {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR"));
        fs::create_dir_all(root).unwrap();
        Self { folder: tempfile::Builder::new().prefix("suite-").tempdir_in(root).unwrap() }
    }

    /// A place with what another has computed.
    pub fn copy_of(other: &Self) -> Self {
        let place = Self::new();
        copy(&other.data(), &place.data());
        place
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    pub fn figures(&self) -> PathBuf {
        self.path().join("figures")
    }

    /// The program with these arguments, in a folder that is not the repository.
    pub fn bare(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spectral-alignment"));
        command.current_dir(self.path()).env_remove("RUST_BACKTRACE").env_remove("COLUMNS");
        command
    }

    /// The same at quick size, with the folders of this place.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare();
        command
            .args(arguments)
            .args(["--profile", "quick", "--data"])
            .arg(self.data())
            .arg("--figures")
            .arg(self.figures());
        command
    }

    pub fn call(&self, arguments: &[&str]) -> Answer {
        self.command(arguments).output().unwrap().into()
    }

    /// `values_sha256` of every table of the stages, by stage and table.
    pub fn digests(&self, stages: &[&str], more: &[&str]) -> BTreeMap<(String, String), String> {
        let mut found = BTreeMap::new();
        for stage in stages {
            for row in self.call(&[&["tables", stage, "--json"], more].concat()).good().rows() {
                let text = |key: &str| row[key].as_str().unwrap().to_owned();
                found.insert(((*stage).to_owned(), text("table")), text("values_sha256"));
            }
        }
        assert!(found.len() >= stages.len());
        found
    }

    pub fn store(&self) -> Store {
        Store::open(&self.data(), Access::Write, |_| {}).unwrap()
    }

    /// What an examination of every byte of the store finds.
    pub fn examine(&self) -> Vec<Problem> {
        let store = self.store();
        store.examine(&|| {}).unwrap();
        store.take_problems()
    }
}

pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every stage.
pub fn stages() -> Vec<&'static str> {
    STAGES.iter().map(|stage| stage.name).collect()
}

pub fn quick_settings() -> Settings {
    Settings {
        profile: Profile::Quick,
        seed: spectral_alignment::published::DEFAULT_SEED,
        overrides: Vec::new(),
    }
}

/// One full run at quick size, with what runs on request only, which no test may change.
pub fn quick() -> &'static Place {
    static QUICK: LazyLock<Place> = LazyLock::new(|| {
        sweep();
        let place = Place::new();
        place.call(&[&["run"], &stages()[..]].concat()).good();
        place
    });
    &QUICK
}

/// Statics are not dropped: removes what earlier runs of the tests left.
fn sweep() {
    let old = |path: &Path| {
        let changed = fs::metadata(path).and_then(|found| found.modified()).unwrap_or(SystemTime::now());
        changed.elapsed().is_ok_and(|age| age > Duration::from_secs(3600))
    };
    for entry in fs::read_dir(env!("CARGO_TARGET_TMPDIR")).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("suite-") && old(&entry.path()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The result of every query in a store, by experiment and query.
pub fn answers(store: &Store) -> BTreeMap<String, spectral_alignment::spectrum::answer::QueryResult> {
    let mut answers = BTreeMap::new();
    for group in store.groups().unwrap().iter().filter(|group| group.ingredients().kind() == "spectra") {
        for entry in store.records(group).unwrap().iter() {
            let bytes = store.read(group, &entry.id).unwrap().unwrap();
            answers.insert(format!("{} {}", group.experiment(), entry.id), decode("result", &bytes).unwrap());
        }
    }
    answers
}

/// The plan of a stage with the result that holds its tables.
pub fn tables(store: &Store, settings: &Settings, stage: &str) -> (StagePlan, Manifest) {
    let stage = STAGES.iter().find(|other| other.name == stage).unwrap();
    let plan = StagePlan::new(stage, settings).unwrap();
    let manifest = RunContext::new(store, settings).unwrap().current_tables(&plan).unwrap();
    let manifest =
        manifest.expect("up to date, as the tests and the program were built from the same sources");
    (plan, manifest)
}

/// A stage that ran alone at quick size.
pub struct Ran {
    pub results: Results,
    pub claims: Vec<Claim>,
    pub figures: Vec<Figure>,
}

/// Runs a stage alone at quick size, whether it is in the list of stages or not.
pub fn ran(stage: &'static Stage) -> Ran {
    let (place, settings) = (Place::new(), quick_settings());
    let store = place.store();
    let done = run(&[stage], &[stage], &store, &settings, RunOptions { jobs: 2, force: false }).unwrap();
    let results = results(&store, &settings, &done[0].plan, &done[0].tables).unwrap();
    let claims = done[0].claims(&store, &settings).unwrap().to_vec();
    let figures = (stage.draw)(&results).unwrap();
    Ran { results, claims, figures }
}
