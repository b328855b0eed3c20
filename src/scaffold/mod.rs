//! `new`: creates a stage that compiles and runs, and is cached, judged and drawn, right away.
//!
//! The source of a new stage is that of [`template`], a stage compiled with this program and run by its tests, with the names
//! replaced; likewise for its test.

pub mod template;

use crate::error::{Error, Result};
use crate::pipeline::plan::plan_all;
use crate::published::publish::update;
use crate::published::standard;
use crate::stage::{Profile, Stage};
use std::fs;
use std::path::{Path, PathBuf};

/// The two files of a stage, by name.
const STAGE: [(&str, &str); 2] =
    [("mod.rs", include_str!("template/mod.rs")), ("report.rs", include_str!("template/report.rs"))];
const TEST: &str = include_str!("../../tests/suite/template.rs");

/// The expression in the template that makes the experiment, and that of task B.
pub const EXPERIMENTS: [&str; 2] = [
    "stages::common::mixture::experiment(profile, EXPERIMENT, 5, 100.0)",
    "stages::common::xor::experiment(profile, EXPERIMENT, 8, 600, 100.0)",
];

/// The two files of a new stage, by name, with their sources.
pub fn stage_sources(name: &str) -> [(&'static str, String); 2] {
    let module = module(name);
    STAGE.map(|(file, text)| {
        let text = text
            .replace("gmm-template", name)
            .replace("scaffold::template", &format!("stages::{module}"))
            .replace("src/scaffold/template", &format!("src/stages/{module}"));
        let text = if name.starts_with("xor-") { text.replace(EXPERIMENTS[0], EXPERIMENTS[1]) } else { text };
        (file, text)
    })
}

/// The source of its test.
pub fn test_source(name: &str) -> String {
    TEST.replace("scaffold::template", &format!("stages::{}", module(name)))
}

fn module(name: &str) -> String {
    name.replace('-', "_")
}

/// Checks the name of a new stage.
///
/// # Errors
/// A name that is taken, does not begin with a task, or is not made of small letters, digits and single hyphens.
pub fn check_name(name: &str, stages: &[&'static Stage]) -> Result<()> {
    let refuse = |rule: &str| Err(Error::parameter("NAME", name, rule));
    let word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    if !["gmm", "xor"].iter().any(|task| name.strip_prefix(task).is_some_and(|rest| rest.starts_with('-'))) {
        return refuse("must begin with its task, `gmm-` or `xor-`");
    }
    if !name.split('-').all(word) || name.len() > 60 {
        return refuse(
            "must be words of small letters and digits with single hyphens between them, at most 60 in all",
        );
    }
    if stages.iter().any(|stage| stage.name == name || stage.figures.contains(&name)) {
        return refuse("is the name of a stage or figure already");
    }
    for profile in [Profile::Paper, Profile::Quick] {
        if plan_all(stages, &standard(profile))?.iter().any(|plan| plan.experiments().contains_key(name)) {
            return refuse("is the name of an experiment already, and a new stage has one of its own name");
        }
    }
    Ok(())
}

/// Writes the stage and its test into the repository at `root`, and adds both to their lists; the files that changed.
///
/// # Errors
/// A name that no new stage can have, or a folder that is not the repository: nothing is written. A file that cannot be
/// written: repeating the call resumes.
pub fn scaffold(root: &Path, name: &str, stages: &[&'static Stage]) -> Result<Vec<PathBuf>> {
    check_name(name, stages)?;
    let module = module(name);
    let (list, tests) = (root.join("src/stages/mod.rs"), root.join("tests/suite/main.rs"));
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::damaged(path, "is not there; run `new` in the repository, or name it with --root")
            }
            _ => Error::io("read", path)(error),
        })
    };
    let (listed, mut tested) = (read(&list)?, read(&tests)?);
    if listed.lines().any(|line| line == format!("pub mod {module};")) {
        return Err(Error::parameter("NAME", name, "is there already"));
    }
    let folder = root.join("src/stages").join(&module);
    let mut files: Vec<(PathBuf, String)> =
        stage_sources(name).into_iter().map(|(file, text)| (folder.join(file), text)).collect();
    files.push((root.join(format!("tests/suite/{module}.rs")), test_source(name)));
    for (path, text) in &files {
        // An interrupted call leaves identical files behind.
        if path.exists() && !fs::read(path).is_ok_and(|bytes| bytes == text.as_bytes()) {
            let rule = format!("{} is there already: take another name, or delete it", path.display());
            return Err(Error::parameter("NAME", name, rule));
        }
    }
    let listed = with_stage(&listed, &module)
        .ok_or_else(|| Error::damaged(&list, "has no list `pub const STAGES` of stages any more"))?;
    if !tested.lines().any(|line| line == format!("mod {module};")) {
        tested = format!("{}\n\n/// The stage `{name}`.\nmod {module};\n", tested.trim_end());
    }
    files.extend([(tests, tested), (list, listed)]);
    for (path, text) in &files {
        update(path, text.as_bytes())?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The list of stages with one more: its module in alphabetical order, itself at the end.
pub fn with_stage(list: &str, module: &str) -> Option<String> {
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    let start = lines.iter().position(|line| line.starts_with("pub const STAGES"))?;
    let end = start + lines[start..].iter().position(|line| line.trim() == "];")?;
    lines.insert(end, format!("    &{module}::report::STAGE,"));
    let line = format!("pub mod {module};");
    let modules: Vec<usize> = (0..start).filter(|&index| lines[index].starts_with("pub mod ")).collect();
    let place =
        modules.iter().copied().find(|&index| lines[index] > line).or(modules.last().map(|last| last + 1))?;
    lines.insert(place, line);
    Some(lines.join("\n") + "\n")
}
