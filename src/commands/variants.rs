//! `variants`: results with other parameters, seeds or sizes than the committed ones.

use crate::cli::{PrintArgs, RemoveVariantsArgs, VariantsAction, VariantsArgs};
use crate::commands::console::{open, print_json, print_line, print_styled, styled};
use crate::commands::questions::verdicts_of;
use crate::commands::upkeep::{print_cleaned, size};
use crate::error::{Error, Result};
use crate::published::{DEFAULT_SEED, Figures};
use crate::stages::STAGES;
use crate::store::{Access, Cleaned};
use anstyle::Style;
use serde_json::json;
use std::process::ExitCode;

/// `variants`.
pub(crate) fn variants(args: &VariantsArgs) -> Result<ExitCode> {
    if let Some(VariantsAction::Rm(remove)) = &args.action {
        return remove_variants(remove);
    }
    let PrintArgs { shared, json } = &args.print;
    let figures = Figures::at(&shared.figures()?);
    let store = open(shared, Access::Read)?;
    let mut rows = Vec::new();
    for variant in figures.variants()? {
        let verdicts = verdicts_of(&figures, &store, &variant.settings)?;
        let changes: Vec<String> = variant
            .settings
            .overrides
            .iter()
            .map(|change| format!("{}.{}={}", change.experiment, change.key, change.value))
            .collect();
        if *json {
            rows.push(
                json!({ "variant": variant.name, "folder": variant.folder, "profile": variant.settings.profile.word(),
                        "seed": variant.settings.seed, "overrides": changes, "style": variant.style, "figures": variant.figures,
                        "bytes": variant.bytes, "verdicts": verdicts }),
            );
            continue;
        }
        print_styled(&styled(Style::new().bold(), &variant.name))?;
        print_line(&format!("    folder: {}", variant.folder.display()))?;
        let mut settings = vec![format!("profile {}", variant.settings.profile.word())];
        if variant.settings.seed != DEFAULT_SEED {
            settings.push(format!("seed {}", variant.settings.seed));
        }
        settings.extend(changes);
        settings.extend(variant.style.map(|style| format!("style {style}")));
        print_line(&format!("    settings: {}", settings.join(", ")))?;
        print_line(&format!("    figures: {}, {}", variant.figures, size(variant.bytes)))?;
        let words: Vec<String> =
            verdicts.iter().map(|(verdict, count)| format!("{count} {verdict}")).collect();
        let words = if words.is_empty() { "not in the cache".to_owned() } else { words.join(", ") };
        print_line(&format!("    verdicts: {words}"))?;
        rows.push(json!(null));
    }
    if *json {
        print_json(rows)?;
    } else if rows.is_empty() {
        print_line(
            "there are no variants; `run` with --set, --seed or --profile quick makes them, and `redraw` with --style",
        )?;
    }
    Ok(ExitCode::SUCCESS)
}

/// `variants rm`.
fn remove_variants(args: &RemoveVariantsArgs) -> Result<ExitCode> {
    let folder = args.print.shared.figures()?;
    let figures = Figures::at(&folder);
    let known: Vec<String> = figures.variants()?.into_iter().map(|variant| variant.name).collect();
    if let Some(name) = args.names.iter().find(|name| !known.contains(name)) {
        return Err(Error::unknown("variant", name, &known));
    }
    let names: Vec<&str> = STAGES.iter().flat_map(|stage| stage.figures).copied().collect();
    let mut cleaned = Cleaned::default();
    let _alone = figures.alone()?;
    for name in &args.names {
        figures.remove_variant(name, &names, &mut cleaned)?;
    }
    print_cleaned(&cleaned, args.print.json)?;
    Ok(ExitCode::SUCCESS)
}
