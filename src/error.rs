//! Everything a user can cause to go wrong, with the exit status it ends in.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::PathBuf;
use std::sync::Once;

/// Result of everything that can fail for a reason a user can understand.
pub type Result<T> = std::result::Result<T, Error>;

/// One variant per thing a user can cause. Messages name the offending value and the fix.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A parameter outside the range in which the model is defined.
    #[error("{name} = {value}: {rule}")]
    Parameter {
        /// Name of the parameter, with its experiment where that is known.
        name: String,
        /// The value as the user gave it.
        value: String,
        /// What a value must satisfy.
        rule: String,
    },
    /// A name that is not in a list of known names.
    #[error("there is no {what} `{name}`{}", hint(nearest, known))]
    Unknown {
        /// What kind of thing was asked for: stage, experiment, key.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The closest known names, if any are close.
        nearest: Vec<String>,
        /// All known names.
        known: Vec<String>,
    },
    /// A command line that cannot be understood.
    #[error("{0}")]
    Usage(String),
    /// Reading or writing a file failed.
    #[error("{action} {}: {source}{}", path.display(), remedy(source))]
    Io {
        /// What was attempted: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A stored or committed file that is not what it should be.
    #[error("{}: {problem}", path.display())]
    Damaged {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A table that does not hold what it should.
    #[error("{table}: {problem}")]
    Table {
        /// The table, and the column where one is meant.
        table: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Something that is asked for and has not been computed.
    #[error("{what}: {remedy}")]
    Absent {
        /// What is not there, in words.
        what: String,
        /// How it comes there.
        remedy: String,
    },
    /// Something in the store that was there a moment ago and is not any more: damaged, and set aside.
    #[error("{what} was damaged and is gone; run again to compute it anew")]
    Lost {
        /// What it is, in words.
        what: String,
    },
    /// A value of the program's own that is not as the program makes it: no fault of the user.
    #[error("{place}: {problem}; this is a defect of the program, please report it")]
    Defect {
        /// Where it was found.
        place: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A numeric routine that did not reach its declared accuracy.
    #[error("{routine}: {problem}")]
    Numeric {
        /// The routine.
        routine: &'static str,
        /// What it reached, and for which input.
        problem: String,
    },
    /// A result computed again has other values.
    #[error(
        "{what} is not deterministic: computed again it gave other values; the first are in {}, the second in {}; find the \
         cause, delete the wrong one and run again",
        first.display(), second.display()
    )]
    Nondeterministic {
        /// Kind and name of the result.
        what: String,
        /// Where the values are that stay.
        first: PathBuf,
        /// Where the others are.
        second: PathBuf,
    },
    /// A function of a stage that fails on what the stage itself has made.
    #[error("a mistake in {file}: {problem}")]
    Stage {
        /// Source file of the function.
        file: &'static str,
        /// What happened.
        problem: String,
    },
    /// Drawing a figure failed.
    #[error("figure {figure}: {problem}")]
    Figure {
        /// Name of the figure.
        figure: String,
        /// What is wrong with its description.
        problem: String,
    },
    /// An error with the place where it happened.
    #[error("{context}: {source}")]
    Context {
        /// Stage, experiment, replicate or checkpoint.
        context: String,
        /// The error itself.
        source: Box<Error>,
    },
}

/// Most names that a message lists.
const MOST_NAMED: usize = 40;

/// Most names that a message suggests, and how much less close than the closest they may be.
const MOST_NEAR: usize = 3;
const AS_NEAR: f64 = 0.1;

/// Fewest letters of a part of a name that says which is meant.
const SHORTEST_PART: usize = 3;

/// What to do about what the operating system answered.
fn remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    match source.kind() {
        StorageFull | FileTooLarge | QuotaExceeded => {
            "; what is finished is kept: make room and run the same command again"
        }
        _ => "",
    }
}

/// What a name may have meant: a few close names, or all of them if there are few.
fn hint(nearest: &[String], known: &[String]) -> String {
    let quoted =
        |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match nearest {
        [] if known.len() > MOST_NAMED => format!("; `list` names all {}", known.len()),
        [] => format!("; known: {}", known.join(", ")),
        [near] => format!("; did you mean `{near}`?"),
        [near @ .., last] => format!("; did you mean {} or `{last}`?", quoted(near)),
    }
}

impl Error {
    /// Exit status of the program: 2 bad usage or parameters, 3 input/output or an unhealable store, 4 a mistake in a stage or in
    /// the program.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Parameter { .. } | Self::Unknown { .. } | Self::Usage(_) => 2,
            Self::Context { source, .. } => source.exit_status(),
            Self::Io { .. }
            | Self::Damaged { .. }
            | Self::Table { .. }
            | Self::Absent { .. }
            | Self::Lost { .. }
            | Self::Numeric { .. }
            | Self::Nondeterministic { .. } => 3,
            Self::Defect { .. } | Self::Stage { .. } | Self::Figure { .. } => 4,
        }
    }

    /// Whether computing again what is missing now may help.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        match self {
            Self::Lost { .. } => true,
            Self::Context { source, .. } => source.is_lost(),
            _ => false,
        }
    }

    /// Whether a network file system says that another machine has meanwhile removed a file.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        match self {
            Self::Io { source, .. } => source.kind() == std::io::ErrorKind::StaleNetworkFileHandle,
            Self::Context { source, .. } => source.is_stale(),
            _ => false,
        }
    }

    /// A parameter outside its range.
    pub fn parameter(name: impl Into<String>, value: impl ToString, rule: impl Into<String>) -> Self {
        Self::Parameter { name: name.into(), value: value.to_string(), rule: rule.into() }
    }

    /// An unknown name, with the nearest known ones: those that are spelt nearly so, or else those that contain it.
    pub fn unknown<S: AsRef<str>>(what: &'static str, name: &str, known: &[S]) -> Self {
        let mut near: Vec<(f64, &str)> = known
            .iter()
            .map(|candidate| {
                (strsim::normalized_damerau_levenshtein(name, candidate.as_ref()), candidate.as_ref())
            })
            .filter(|(closeness, _)| *closeness >= 0.5)
            .collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0));
        let least = near.first().map_or(1.0, |(closest, _)| closest - AS_NEAR);
        let nearest = near
            .into_iter()
            .take(MOST_NEAR)
            .filter(|(closeness, _)| *closeness >= least)
            .map(|(_, candidate)| candidate.to_owned())
            .collect();
        let mut nearest: Vec<String> = nearest;
        if nearest.is_empty() && name.len() >= SHORTEST_PART {
            let containing = known.iter().map(AsRef::as_ref).filter(|candidate| candidate.contains(name));
            nearest = containing.take(MOST_NEAR).map(str::to_owned).collect();
        }
        let known = known.iter().map(|candidate| candidate.as_ref().to_owned()).collect();
        Self::Unknown { what, name: name.to_owned(), nearest, known }
    }

    /// An input/output error with what was attempted, for `map_err`.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    /// Something of the program's own that is not as it should be, for `map_err`.
    pub fn defect(place: &'static str, problem: impl ToString) -> Self {
        Self::Defect { place, problem: problem.to_string() }
    }

    /// A table that does not hold what it should.
    pub fn table(table: impl Into<String>, problem: impl ToString) -> Self {
        Self::Table { table: table.into(), problem: problem.to_string() }
    }

    /// A damaged file.
    pub fn damaged(path: impl Into<PathBuf>, problem: impl ToString) -> Self {
        Self::Damaged { path: path.into(), problem: problem.to_string() }
    }
}

/// Adds the place where an error happened.
pub trait WithContext<T> {
    /// Adds `context` (stage, experiment, replicate) in front of the error.
    ///
    /// # Errors
    /// This error, with the place where it happened.
    fn context<S: Into<String>>(self, context: impl FnOnce() -> S) -> Result<T>;
}

impl<T> WithContext<T> for Result<T> {
    fn context<S: Into<String>>(self, context: impl FnOnce() -> S) -> Self {
        self.map_err(|source| Error::Context { context: context().into(), source: Box::new(source) })
    }
}

thread_local! {
    /// Whether this thread expects a panic and answers it itself.
    static EXPECTED: Cell<bool> = const { Cell::new(false) };
}

/// Runs something that may panic on what it reads; the panic in words, without its message on standard error.
///
/// # Errors
/// A panic.
pub fn caught<T>(run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !EXPECTED.get() {
                usual(panic);
            }
        }));
    });
    let before = EXPECTED.replace(true);
    let answer = catch_unwind(AssertUnwindSafe(run));
    EXPECTED.set(before);
    answer.map_err(|panic| match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "it gave up".to_owned(),
    })
}

/// Text as people may see it: control characters but for ends of lines and tabs are spelled out, and numbers of more than forty
/// digits are cut, so that no name, value or file can steer a terminal or flood it.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = 0_usize;
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_digit() {
            digits += 1;
            if digits <= 40 {
                out.push(letter);
            }
            continue;
        }
        if digits > 40 {
            out.extend(["… (", digits.to_string().as_str(), " digits)"]);
        }
        digits = 0;
        match letter {
            '\n' | '\t' => out.push(letter),
            control if control.is_control() => out.extend(control.escape_unicode()),
            other => out.push(other),
        }
    }
    // What marks the end.
    out.truncate(out.len() - "\\u{0}".len());
    out
}

/// Says something on standard error; with [`say_error`] the only place that writes there.
pub fn say(line: &str) {
    eprintln!("{}", plain(line));
}

/// Says what went wrong on standard error.
pub fn say_error(message: &str) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    anstream::eprintln!("{style}error:{style:#} {}", plain(message));
}
