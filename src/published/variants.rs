//! Variants: folders of results with other parameters, seeds or sizes than the committed ones.

use crate::error::{Error, Result};
use crate::published::figures::Figures;
use crate::published::overrides;
use crate::published::standard::{DEFAULT_SEED, variant};
use crate::published::style_file::{self, NamedStyle};
use crate::stage::{Profile, Settings};
use crate::store::{Cleaned, Folder, is_plain};
use std::path::PathBuf;

/// What of the settings the folder of a variant is named after.
const FILE: &str = "overrides.toml";

/// What stands between the settings and the style in the name of a folder.
const STYLE: &str = "-style-";

/// One variant.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name, that of its folder.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The settings of its results.
    pub settings: Settings,
    /// The style that its figures are drawn in, where that is not the committed one.
    pub style: Option<String>,
    /// Number of its figures.
    pub figures: usize,
    /// Bytes of its files.
    pub bytes: u64,
}

/// The name of the folder of these results in a style.
pub(crate) fn in_style(below: &str, style: &NamedStyle) -> String {
    let below = below.strip_suffix('/').unwrap_or("variants/paper");
    format!("{below}{STYLE}{}/", style.name)
}

/// The name of a variant without its style, and the style.
fn split_style(name: &str) -> (&str, Option<&str>) {
    let split = name.rsplit_once(STYLE).filter(|(_, style)| is_plain(style));
    split.map_or((name, None), |(rest, style)| (rest, Some(style)))
}

/// Profile and seed in the name of a variant, and whether parameters are changed in it; nothing if no variant has the name.
fn parts(name: &str) -> Option<(Profile, u64, bool)> {
    let profile = [Profile::Paper, Profile::Quick].into_iter().find(|profile| {
        name.strip_prefix(profile.word()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })?;
    let rest = name.strip_prefix(profile.word())?;
    let (rest, changed) = match rest.rsplit_once("-set-") {
        Some((rest, digest)) if digest.len() == 8 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            (rest, true)
        }
        _ => (rest, false),
    };
    let seed = match rest {
        "" => DEFAULT_SEED,
        rest => rest.strip_prefix("-seed-")?.parse().ok()?,
    };
    Some((profile, seed, changed))
}

impl Figures {
    /// The settings of a variant; none if there is no variant of this name.
    ///
    /// # Errors
    /// A file of overrides that cannot be read.
    pub fn variant_settings(&self, name: &str) -> Result<Option<Settings>> {
        let (bare, style) = split_style(name);
        let Some((profile, seed, changed)) = parts(bare) else { return Ok(None) };
        let folder = self.root().join("variants").join(name);
        if !folder.is_dir() {
            return Ok(None);
        }
        let mut settings = Settings { profile, seed, overrides: Vec::new() };
        if changed {
            let bytes = self.read(&format!("variants/{name}/{FILE}"))?;
            let text = String::from_utf8(bytes.unwrap_or_default()).map_err(|error| error.to_string());
            settings.overrides = text
                .and_then(|text| overrides::parse(&text))
                .map_err(|problem| Error::damaged(folder.join(FILE), problem))?;
            overrides::resolve(&mut settings.overrides);
        }
        // Without its overrides the folder of a changed variant tells nothing.
        let named = changed != settings.overrides.is_empty() && (changed || variant(&settings) == bare);
        let told = style.is_none() || self.read(&format!("variants/{name}/{}", style_file::FILE))?.is_some();
        Ok((named && told).then_some(settings))
    }

    /// All variants, sorted by name.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub fn variants(&self) -> Result<Vec<Variant>> {
        let Some(all) = Folder::root(&self.root().join("variants"))? else { return Ok(Vec::new()) };
        let mut variants = Vec::new();
        for (name, inner) in all.folders()? {
            let Some(settings) = self.variant_settings(&name)? else { continue };
            let folder = self.root().join("variants").join(&name);
            let (mut figures, mut bytes) = (0, 0);
            for file in inner.list()? {
                figures += usize::from(file.rsplit_once('.').is_some_and(|(_, format)| format == "svg"));
                bytes += std::fs::metadata(folder.join(&file)).map_or(0, |found| found.len());
            }
            let style = split_style(&name).1.map(str::to_owned);
            variants.push(Variant { name, folder, settings, style, figures, bytes });
        }
        variants.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(variants)
    }

    /// Removes a variant with these figures; what it cannot tell to be one of its files stays and is named.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove_variant(&self, name: &str, figures: &[&str], cleaned: &mut Cleaned) -> Result<()> {
        let Some(variants) = Folder::root(&self.root().join("variants"))? else { return Ok(()) };
        if let Some(folder) = variants.sub(name)? {
            crate::published::figures::clean(&folder, figures, "variant", cleaned)?;
            variants.remove_if_empty(name)?;
        }
        if variants.list()?.is_empty()
            && let Some(root) = Folder::root(self.root())?
        {
            root.remove_if_empty("variants")?;
        }
        Ok(())
    }
}
