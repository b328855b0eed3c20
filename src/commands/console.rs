//! What commands share: stages by name, the store, and lines on standard output.

use crate::cli::shared::Shared;
use crate::error::{Error, Result, plain, say};
use crate::pipeline::plan::{StagePlan, plan_all};
use crate::stage::{Settings, Stage};
use crate::stages::STAGES;
use crate::store::{Access, Store};
use anstyle::Style;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

/// Prints a line for people, wrapped at the width and indented a little more where it goes on.
pub(crate) fn print_line(line: &str) -> Result<()> {
    let line = plain(line);
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    print_wrapped(&line[..indent], indent + 4, text)
}

/// Prints lines that are copied or read by programs, as they are.
pub(crate) fn print_verbatim(text: &str) -> Result<()> {
    print_styled(&plain(text))
}

/// Prints a line made of [`styled`] parts; without styles where it is no terminal or `NO_COLOR` is set. A reader that has gone
/// away, as in `… | head`, is no error.
pub(crate) fn print_styled(line: &str) -> Result<()> {
    match writeln!(anstream::stdout().lock(), "{line}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::io("write", "standard output")(error))
        }
        _ => Ok(()),
    }
}

/// Text in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{}{style:#}", plain(text))
}

/// Columns of the terminal, or as many as `COLUMNS` says; none where lines go elsewhere and may be as long as they are.
pub(crate) fn width() -> Option<usize> {
    columns(&std::io::stdout())
}

fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let told = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let terminal = || {
        let size = stream.is_terminal().then(|| terminal_size::terminal_size_of(stream)).flatten();
        size.map(|(terminal_size::Width(columns), _)| usize::from(columns))
    };
    told.or_else(terminal).map(|columns: usize| columns.clamp(40, 400))
}

/// Lines end between words, never within one, so that paths and commands can be copied.
fn wrapping<'a>(width: usize, first: &'a str, further: &'a str) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .initial_indent(first)
        .subsequent_indent(further)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
        .break_words(false)
}

/// What goes to standard error after `prefix`, wrapped at its width.
#[must_use]
pub fn folded(prefix: &str, text: &str) -> String {
    let Some(width) = columns(&std::io::stderr()) else { return text.to_owned() };
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = line.trim_start_matches(' ');
        let before = if index == 0 { prefix } else { "" };
        let first = format!("{before}{}", &line[..line.len() - words.len()]);
        let further = " ".repeat(line.len() - words.len() + 4);
        let wrapped = textwrap::fill(words, wrapping(width, &first, &further));
        lines.push(wrapped.strip_prefix(before).unwrap_or(&wrapped).to_owned());
    }
    lines.join("\n")
}

/// Prints text after a first part, wrapped at the width and indented where it goes on in further lines.
pub(crate) fn print_wrapped(first: &str, indent: usize, text: &str) -> Result<()> {
    let Some(width) = width() else { return print_styled(&format!("{first}{text}")) };
    let indent = " ".repeat(indent);
    textwrap::wrap(text, wrapping(width, first, &indent))
        .iter()
        .try_for_each(|line| print_styled(line.trim_end()))
}

/// Prints rows as one JSON array.
pub(crate) fn print_json(rows: impl IntoIterator<Item = serde_json::Value>) -> Result<()> {
    print_styled(&format!("{:#}", serde_json::Value::Array(rows.into_iter().collect())))
}

/// The stages with these names, in the order of the list; where none is named, all that are not on request.
pub fn named(names: &[String]) -> Result<Vec<&'static Stage>> {
    let all = listed(names)?;
    Ok(all.into_iter().filter(|stage| !(names.is_empty() && stage.on_request)).collect())
}

/// The same; where none is named, all.
pub(crate) fn listed(names: &[String]) -> Result<Vec<&'static Stage>> {
    let known: Vec<&str> = STAGES.iter().map(|stage| stage.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        return Err(Error::unknown("stage", name, &known));
    }
    let wanted = |stage: &&Stage| names.is_empty() || names.iter().any(|name| name == stage.name);
    Ok(STAGES.iter().copied().filter(wanted).collect())
}

/// The plans of stages, after a check of everything that the user chose.
pub(crate) fn plans_of(stages: &[&'static Stage], settings: &Settings) -> Result<Vec<StagePlan>> {
    let mut plans = plan_all(STAGES, settings)?;
    plans.retain(|plan| stages.iter().any(|stage| stage.name == plan.stage.name));
    Ok(plans)
}

/// The store of a command: what was found damaged in it is named at the end, however the command ends.
pub struct OpenStore(Store);

impl std::ops::Deref for OpenStore {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.0
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        for problem in self.0.take_problems() {
            say(&format!("damaged: {problem}"));
        }
    }
}

/// Opens the store in the folder of the cache.
pub fn open(shared: &Shared, access: Access) -> Result<OpenStore> {
    Store::open(&shared.data()?, access, say).map(OpenStore)
}

/// The same for commands that look after a store: where there is none, there is nothing to look after, and none is made.
pub(crate) fn open_existing(shared: &Shared, access: Access) -> Result<OpenStore> {
    let there = shared.data()?.exists();
    open(shared, if there { access } else { Access::Read })
}
