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
    "common::mixture::experiment(profile, EXPERIMENT, 5, 100.0)",
    "common::xor::experiment(profile, EXPERIMENT, 8, 600, 100.0)",
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

/// Writes the stage and its test into the repository at `root`, and adds both to their lists; the files that changed. The stage
/// is a copy of the stage `from`, or else of the template.
///
/// # Errors
/// A name that no new stage can have, or a folder that is not the repository: nothing is written. A file that cannot be
/// written: repeating the call resumes.
pub fn scaffold(
    root: &Path,
    name: &str,
    from: Option<&'static Stage>,
    stages: &[&'static Stage],
) -> Result<Vec<PathBuf>> {
    check_name(name, stages)?;
    let module = module(name);
    let (list, tests) = lists(root);
    let (listed, mut tested) = (read(&list)?, read(&tests)?);
    if listed.lines().any(|line| line == format!("pub mod {module};")) {
        return Err(Error::parameter("NAME", name, "is there already"));
    }
    let folder = root.join("src/stages").join(&module);
    let (sources, test) = if let Some(stage) = from {
        (copied_sources(root, name, stage)?, copied_test(name))
    } else {
        let sources = stage_sources(name).into_iter().map(|(file, text)| (PathBuf::from(file), text));
        (sources.collect(), test_source(name))
    };
    let mut files: Vec<(PathBuf, String)> =
        sources.into_iter().map(|(file, text)| (folder.join(file), text)).collect();
    files.push((root.join(format!("tests/suite/{module}.rs")), test));
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
        tested = format!("{}\n\n{}\nmod {module};\n", tested.trim_end(), comment(name));
    }
    files.extend([(tests, tested), (list, listed)]);
    for (path, text) in &files {
        update(path, text.as_bytes())?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}

/// The lists of stages and of tests.
fn lists(root: &Path) -> (PathBuf, PathBuf) {
    (root.join("src/stages/mod.rs"), root.join("tests/suite/main.rs"))
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::damaged(path, "is not there; go to a clone of the repository, or name it with --root")
        }
        _ => Error::io("read", path)(error),
    })
}

/// What stands above the test of a stage in their list.
fn comment(name: &str) -> String {
    format!("/// The stage `{name}`.")
}

/// The files of a stage below its folder, under another name: claims become `D3.NAME-…`, figures begin with the name, and
/// experiments stay, so that nothing is simulated again.
fn copied_sources(root: &Path, name: &str, from: &Stage) -> Result<Vec<(PathBuf, String)>> {
    let task = |name: &str| ["gmm-", "xor-"].into_iter().find(|task| name.starts_with(task));
    if task(from.name).is_some_and(|of| task(name) != Some(of)) {
        return Err(Error::parameter("NAME", name, format!("must begin with the task of {}", from.name)));
    }
    let (old, new) = (module(from.name), module(name));
    let folder = root.join("src/stages").join(&old);
    let mut sources = Vec::new();
    walk(&folder, Path::new(""), &mut sources)?;
    let whole: String = sources.iter().map(|(_, text)| text.as_str()).collect();
    for figure in from.figures {
        if whole.matches(&format!("\"{figure}\"")).count() < 2 {
            let rule =
                "puts the names of its figures together from parts, so it cannot be copied; choose another";
            return Err(Error::parameter("--from", from.name, rule));
        }
    }
    let renamed = |text: &str| {
        let mut text = text
            .replace(&format!("stages::{old}"), &format!("stages::{new}"))
            .replace(&format!("src/stages/{old}"), &format!("src/stages/{new}"))
            .replace(&format!("name: \"{}\"", from.name), &format!("name: \"{name}\""));
        for figure in from.figures {
            let rest = figure.strip_prefix(from.name).map_or_else(|| format!("-{figure}"), str::to_owned);
            text = text.replace(&format!("\"{figure}\""), &format!("\"{name}{rest}\""));
        }
        let mut ids: Vec<&str> = from.claims.iter().filter_map(|id| id.split('.').next()).collect();
        ids.sort_unstable();
        ids.dedup();
        for id in ids {
            text = text.replace(&format!("\"{id}."), &format!("\"D3.{name}-{}-", id.to_lowercase()));
        }
        text
    };
    Ok(sources.into_iter().map(|(path, text)| (path, renamed(&text))).collect())
}

/// All files below a folder, with their paths below it.
fn walk(folder: &Path, below: &Path, found: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .and_then(Iterator::collect::<std::io::Result<Vec<_>>>)
        .map_err(Error::io("read", folder))?
        .into_iter()
        .map(|entry| entry.file_name())
        .collect();
    names.sort();
    for name in names {
        let (path, below) = (folder.join(&name), below.join(&name));
        if path.is_dir() {
            walk(&path, &below, found)?;
        } else {
            found.push((below, read(&path)?));
        }
    }
    Ok(())
}

/// The test of a stage that is a copy of another.
fn copied_test(name: &str) -> String {
    format!(
        "use crate::support::ran;
use spectral_alignment::plot::lint;
use spectral_alignment::stages::{}::report::STAGE;

#[test]
fn it_computes_judges_and_draws() {{
    let ran = ran(&STAGE);
    for figure in &ran.figures {{
        assert_eq!(lint(figure), Vec::<String>::new(), \"{{}}\", figure.name());
    }}
    assert_eq!((ran.claims.len(), ran.figures.len()), (STAGE.claims.len(), STAGE.figures.len()));
}}
",
        module(name)
    )
}

/// Removes a stage that [`scaffold`] wrote, with its test and the lines that name them, and what runs drew of it in variants; the
/// files that changed or went.
///
/// # Errors
/// A stage that was not made so; a file that cannot be written or removed.
pub fn remove(root: &Path, name: &str, stages: &[&'static Stage]) -> Result<Vec<PathBuf>> {
    let module = module(name);
    let (list, tests) = lists(root);
    let (listed, tested) = (read(&list)?, read(&tests)?);
    let folder = root.join("src/stages").join(&module);
    let test = root.join(format!("tests/suite/{module}.rs"));
    let lines = [format!("pub mod {module};"), format!("    &{module}::report::STAGE,")];
    if !listed.lines().any(|line| lines.iter().any(|other| other == line))
        && !folder.exists()
        && !test.exists()
    {
        let known: Vec<&str> = stages.iter().map(|stage| stage.name).collect();
        return Err(Error::unknown("stage", name, &known));
    }
    let tests_it = tested.lines().any(|line| line == format!("mod {module};"));
    let by_new = tested.contains(&format!("{}\nmod {module};\n", comment(name)));
    // An interrupted call leaves files behind that no list names any more.
    if tests_it && !by_new || !tests_it && listed.lines().any(|line| line == lines[0]) {
        let rule = "was not made by `new`: other code may need it, so nothing is removed";
        return Err(Error::parameter("NAME", name, rule));
    }
    let rest: Vec<&str> = listed.lines().filter(|line| !lines.iter().any(|other| other == line)).collect();
    update(&list, (rest.join("\n") + "\n").as_bytes())?;
    let tested = tested.replace(&format!("\n{}\nmod {module};\n", comment(name)), "");
    update(&tests, tested.as_bytes())?;
    let mut changed = vec![list, tests];
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::io("remove", &folder))?;
        changed.push(folder);
    }
    if test.exists() {
        fs::remove_file(&test).map_err(Error::io("remove", &test))?;
        changed.push(test);
    }
    let figures = stages.iter().find(|stage| stage.name == name).map_or(&[][..], |stage| stage.figures);
    for variant in fs::read_dir(root.join("figures/variants")).into_iter().flatten().flatten() {
        for figure in figures {
            for file in ["svg", "pdf", "txt"].map(|format| format!("{figure}.{format}")) {
                let path = variant.path().join(file);
                if fs::remove_file(&path).is_ok() {
                    changed.push(path);
                }
            }
            let image = variant.path().join(format!("png/{figure}.png"));
            if fs::remove_file(&image).is_ok() {
                changed.push(image);
            }
        }
    }
    Ok(changed)
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
