//! `slurm`: writes and submits arrays of slices and the job after them.

use crate::cli::SlurmArgs;
use crate::cluster::layout::Layout;
use crate::cluster::limits::{Limits, default_partition};
use crate::cluster::site::Site;
use crate::cluster::slurm::{
    FINAL, PLAN, PROGRAM, Places, SLICES, array_command, final_command, final_script, slices_script,
};
use crate::cluster::words::{line, options, path};
use crate::commands::console::{named, open, plans_of, print_line, print_verbatim};
use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::pipeline::context::RunContext;
use crate::pipeline::frozen::Frozen;
use crate::pipeline::units::{missing, seconds};
use crate::published::{Status, cached_status};
use crate::store::Access;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// What a program of Slurm prints; nothing where there is no such program here.
fn ask(words: &[&str]) -> Result<Option<String>> {
    let output = match Command::new(words[0]).args(&words[1..]).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io("run", words[0])(error)),
    };
    if output.status.success() {
        return Ok(Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()));
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Error::io("run", words.join(" "))(std::io::Error::other(said)))
}

/// What the partition allows; nothing where there is no Slurm here.
fn limits(partition: Option<&str>) -> Result<Option<Limits>> {
    let Some(config) = ask(&["scontrol", "show", "config"])? else { return Ok(None) };
    let known = ask(&["sinfo", "-h", "-o", "%P"])?.unwrap_or_default();
    let Some(partition) = partition.or_else(|| default_partition(&known)) else {
        return Ok(Some(Limits::parse(&config, "", "")));
    };
    let about = ask(&["scontrol", "--oneliner", "show", "partition", partition])?.unwrap_or_default();
    let nodes = ask(&["sinfo", "-h", "-N", "-p", partition, "-o", "%c %m"])?.unwrap_or_default();
    Ok(Some(Limits::parse(&config, &about, &nodes)))
}

/// The site, with what the user gave beside it.
fn site(args: &SlurmArgs) -> Result<Site> {
    let mut site = args.site.as_deref().map_or_else(|| Ok(Site::default()), Site::read)?;
    site.cpus = args.cpus.unwrap_or(site.cpus);
    site.minutes = args.minutes.unwrap_or(site.minutes);
    for (name, value) in [("partition", &args.partition), ("account", &args.account)] {
        if let Some(value) = value {
            site.sbatch.insert(name.to_owned(), toml::Value::String(value.clone()));
        }
    }
    site.check().map_err(Error::Usage)?;
    if args.elements.is_some_and(|elements| !(1..=1_000_000).contains(&elements)) {
        return Err(Error::Usage("--elements must be between 1 and 1000000".to_owned()));
    }
    Ok(site)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).map_err(Error::io("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).map_err(Error::io("write", path))
}

/// `slurm`.
pub(crate) fn submit(args: &SlurmArgs) -> Result<ExitCode> {
    let (site, stages, settings) = (site(args)?, named(&args.stages)?, args.shared.settings()?);
    let plans = plans_of(&stages, &settings)?;
    let names: Vec<String> = stages.iter().map(|stage| stage.name.to_owned()).collect();
    let absolute = |path: PathBuf| std::path::absolute(&path).map_err(Error::io("find", &path));
    let (data, figures) = (absolute(args.shared.data()?)?, absolute(args.shared.figures()?)?);
    let store = open(&args.shared, Access::Read)?;
    let context = RunContext::new(&store, &settings)?;
    let units = missing(&context, &plans)?;
    let mut finished = true;
    for plan in &plans {
        finished &= cached_status(&context, plan)? == Status::UpToDate;
    }
    if finished {
        print_line("everything is up to date")?;
        return Ok(ExitCode::SUCCESS);
    }
    let frozen = Frozen::new(&context, &plans, &units)?;
    drop(store);
    let partition = site.sbatch.get("partition").and_then(toml::Value::as_str);
    let limits = limits(partition)?;
    if limits.is_none() && !args.dry_run {
        let remedy = "with --dry-run it prints the scripts".to_owned();
        return Err(Error::Absent { what: "there is no Slurm here (`scontrol`)".to_owned(), remedy });
    }
    let limits = limits.unwrap_or_default();
    let layout = Layout::new(&units, &site, limits, args.elements)?;
    // One name for all submissions for this store and these settings, so that `squeue` tells of earlier ones.
    let work = [vec![data.display().to_string()], options(&settings)].concat();
    let name = format!("spectral-{}", &sha256(line(&work).as_bytes())[..8]);
    let folder = if let Some(folder) = &args.folder {
        absolute(folder.clone())?
    } else {
        let beside = data.parent().unwrap_or(&data).join("slurm");
        beside.join(format!("{name}-{}-of-{}", &frozen.digest()?[..8], layout.elements))
    };
    let places = Places { folder: &folder, data: &data, figures: &figures };
    let minutes = limits.minutes.map_or(args.final_minutes, |most| most.min(args.final_minutes));
    let scripts = [
        (SLICES, slices_script(&name, &layout, &site, places)),
        (FINAL, final_script(&name, &layout, &site, places, (&names, &settings), minutes)),
    ];
    let arrays = if units.is_empty() { &[][..] } else { &layout.arrays };
    let total: u64 = units.iter().map(|unit| unit.cost).sum();
    print_line(&format!(
        "{} units, about {:.2} hours of processors, in {} elements of at most {:.1} minutes (time limit {} minutes)",
        units.len(),
        seconds(total) / 3600.0,
        if units.is_empty() { 0 } else { layout.elements },
        layout.longest / 60.0,
        layout.minutes
    ))?;
    if args.dry_run {
        for (file, text) in &scripts {
            print_verbatim(&format!("\n--- {} ---\n{text}", folder.join(file).display()))?;
        }
        for array in arrays {
            print_verbatim(&line(&array_command(array, places, &args.options)))?;
        }
        let ids: Vec<String> = (1..=arrays.len()).map(|number| format!("ARRAY{number}")).collect();
        print_verbatim(&line(&final_command(&ids, places, &args.options)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let queued = ask(&["squeue", "-h", "-n", &name, "-o", "%A"])?.unwrap_or_default();
    if !queued.is_empty() && !args.again {
        return Err(Error::Usage(format!(
            "jobs of the same work are still queued: wait, or `scancel -n {name}`, or give --again to do it twice"
        )));
    }
    // Slices find a store.
    drop(open(&args.shared, Access::Slice)?);
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    frozen.write(&folder.join(PLAN))?;
    for (file, text) in &scripts {
        write(&folder.join(file), text)?;
    }
    // A copy: what is built meanwhile is another program.
    let (program, copy) =
        (std::env::current_exe().map_err(Error::io("find", PROGRAM))?, folder.join(PROGRAM));
    if !copy.exists() {
        fs::copy(&program, &copy).map_err(Error::io("write", &copy))?;
    }
    let submit = |words: Vec<String>| -> Result<String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let told = ask(&words)?.unwrap_or_default();
        // `ID`, or `ID;CLUSTER`.
        Ok(told.split(';').next().unwrap_or_default().to_owned())
    };
    let mut ids = Vec::new();
    for array in arrays {
        ids.push(submit(array_command(array, places, &args.options))?);
    }
    let last = submit(final_command(&ids, places, &args.options))?;
    let ids = if ids.is_empty() { "no array".to_owned() } else { format!("array {}", ids.join(", ")) };
    print_line(&format!("submitted {ids} and final job {last}; scripts and output in {}", folder.display()))?;
    let watch = [
        ["spectral-alignment", "status"].map(str::to_owned).to_vec(),
        args.stages.clone(),
        vec!["--watch".to_owned()],
        options(&settings),
        path("--data", &data),
        path("--figures", &figures),
    ];
    print_verbatim(&format!("progress: {}", line(&watch.concat())))?;
    Ok(ExitCode::SUCCESS)
}
