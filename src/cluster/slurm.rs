//! Scripts for Slurm: an array whose elements are slices of a frozen plan, and the job that merges, reduces and draws.

use crate::cluster::layout::{Array, Layout};
use crate::cluster::site::Site;
use crate::cluster::words::{line, options, path, quoted};
use crate::stage::Settings;
use std::path::Path;

/// Where things are; all of it on the shared file system.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The folder of this submission: the program, the plan, the scripts, what jobs print.
    pub folder: &'a Path,
    /// The store.
    pub data: &'a Path,
    /// The figures.
    pub figures: &'a Path,
}

/// Names of files in the folder of a submission.
pub const PROGRAM: &str = "spectral-alignment";
/// The frozen plan.
pub const PLAN: &str = "plan.json";
/// The script of the arrays.
pub const SLICES: &str = "slices.sh";
/// The script of the final job.
pub const FINAL: &str = "final.sh";

fn head(name: &str, about: &str, site: &Site, requests: &[String]) -> String {
    let mut text = format!("#!/bin/bash\n# {about}\n#SBATCH --job-name={name}\n");
    for request in requests.iter().chain(&site.options()) {
        text.push_str("#SBATCH ");
        text.push_str(&quoted(request));
        text.push('\n');
    }
    text.push_str("set -eu\n");
    for first in &site.before {
        text.push_str(first);
        text.push('\n');
    }
    text
}

fn requests(layout: &Layout, places: Places, minutes: u64, output: &str) -> Vec<String> {
    vec![
        "--ntasks=1".to_owned(),
        format!("--cpus-per-task={}", layout.cpus),
        format!("--mem={}M", layout.megabytes),
        format!("--time={minutes}"),
        format!("--output={}", places.folder.join(output).display()),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
    ]
}

/// The script of the arrays: an element does the slice of its index and of the elements in arrays before, its argument.
#[must_use]
pub fn slices_script(name: &str, layout: &Layout, site: &Site, places: Places) -> String {
    let about =
        format!("Written by `spectral-alignment slurm`: slices of {}.", places.folder.join(PLAN).display());
    let head = head(name, &about, site, &requests(layout, places, layout.minutes, "slice-%A_%a.txt"));
    let words = [
        vec![places.folder.join(PROGRAM).display().to_string(), "run".to_owned()],
        path("--plan", &places.folder.join(PLAN)),
        path("--data", places.data),
    ]
    .concat();
    let share = format!("--slice \"$((SLURM_ARRAY_TASK_ID + $1))/{}\"", layout.elements);
    format!("{head}exec {} {share} --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"\n", line(&words))
}

/// The script of the final job.
#[must_use]
pub fn final_script(
    name: &str,
    layout: &Layout,
    site: &Site,
    places: Places,
    (stages, settings): (&[String], &Settings),
    minutes: u64,
) -> String {
    let about = "Written by `spectral-alignment slurm`: merges what slices published, reduces, draws.";
    let head = head(name, about, site, &requests(layout, places, minutes, "final-%j.txt"));
    let words = [
        vec![places.folder.join(PROGRAM).display().to_string(), "run".to_owned()],
        stages.to_vec(),
        vec!["--merge".to_owned()],
        options(settings),
        path("--data", places.data),
        path("--figures", places.figures),
    ]
    .concat();
    format!("{head}exec {} --jobs \"${{SLURM_CPUS_PER_TASK:-1}}\"\n", line(&words))
}

/// What submits an array; `more` are options of the user.
#[must_use]
pub fn array_command(array: &Array, places: Places, more: &[String]) -> Vec<String> {
    let Array { before, elements, parallel } = array;
    let mut words =
        vec!["sbatch".to_owned(), "--parsable".to_owned(), format!("--array=1-{elements}%{parallel}")];
    words.extend_from_slice(more);
    words.extend([places.folder.join(SLICES).display().to_string(), before.to_string()]);
    words
}

/// What submits the final job, after all elements of these arrays, whatever becomes of them: it looks into the store itself.
#[must_use]
pub fn final_command(arrays: &[String], places: Places, more: &[String]) -> Vec<String> {
    let mut words = vec!["sbatch".to_owned(), "--parsable".to_owned()];
    if !arrays.is_empty() {
        words.push(format!("--dependency=afterany:{}", arrays.join(":")));
    }
    words.extend_from_slice(more);
    words.push(places.folder.join(FINAL).display().to_string());
    words
}
