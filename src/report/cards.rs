//! Figures and tables of the report with their files.

use crate::error::{Error, Result};
use crate::pipeline::parallel::each;
use crate::pipeline::provenance::threads;
use crate::plot::png::png;
use crate::report::files::{File, relative};
use crate::stage::Stage;
use std::path::{Path, PathBuf};

/// A figure with its words and files.
#[derive(Clone, Debug)]
pub struct FigureCard {
    /// Its name.
    pub name: String,
    /// The document.
    pub svg: String,
    /// Title of the caption.
    pub title: String,
    /// The rest of it.
    pub caption: String,
    /// A small picture of it, as PNG.
    pub thumbnail: Vec<u8>,
    /// Its files by format.
    pub files: Vec<(&'static str, File)>,
}

/// A Parquet file.
#[derive(Clone, Debug)]
pub struct TableFile {
    /// Name of the table.
    pub name: String,
    /// Number of rows.
    pub rows: u64,
    /// The file, with the digest of schema and values.
    pub file: File,
}

/// A table of a stage by its name, rows and digest.
pub(crate) fn table_file(
    stage: &Stage,
    (name, rows, digest): (&str, u64, &str),
    folder: &Path,
    path: PathBuf,
) -> TableFile {
    let (shown, bundled) = (relative(folder, &path), format!("values/{}/{name}.parquet", stage.name));
    TableFile { name: name.to_owned(), rows, file: File { path, shown, bundled, digest: digest.to_owned() } }
}

/// The formats of a figure.
const FORMATS: [&str; 2] = ["svg", "pdf"];

/// The card of a figure; `file` has the path and the digest of each of its files.
pub(crate) fn figure_card(
    name: &str,
    svg: String,
    caption: &str,
    file: &dyn Fn(&str) -> Option<(PathBuf, String)>,
) -> FigureCard {
    let (title, caption) = caption.split_once('\n').unwrap_or((caption, ""));
    let files = FORMATS.into_iter().filter_map(|format| {
        let shown = format!("{name}.{format}");
        let (path, digest) = file(&shown)?;
        Some((format, File { path, bundled: format!("figures/{shown}"), shown, digest }))
    });
    FigureCard {
        name: name.to_owned(),
        svg,
        title: title.trim().trim_end_matches('.').to_owned(),
        caption: caption.trim().to_owned(),
        thumbnail: Vec::new(),
        files: files.collect(),
    }
}

/// Dots per inch of thumbnails: 264 pixels for the width of a journal.
const THUMBNAIL: u16 = 48;

/// Draws the small pictures of figures.
pub(crate) fn draw_thumbnails(cards: Vec<&mut FigureCard>) -> Result<()> {
    let documents: Vec<(&str, &str)> =
        cards.iter().map(|card| (card.name.as_str(), card.svg.as_str())).collect();
    let drawn = each(&documents, threads(), |(name, svg)| {
        png(svg, THUMBNAIL)
            .map_err(|error| Error::Figure { figure: (*name).to_owned(), problem: error.to_string() })
    })?;
    for (card, thumbnail) in cards.into_iter().zip(drawn) {
        card.thumbnail = thumbnail;
    }
    Ok(())
}
