//! Styles of pages by name, from a TOML file, and as such a file.

use crate::digest::sha256;
use crate::error::{Error, Result};
use crate::plot::{Colour, FontFile, PageStyle, Rgb, font::Font};
use crate::store::read_file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// The name of such a file beside the figures that were drawn in its style.
pub(crate) const FILE: &str = "style.toml";
/// How it begins where this program wrote it.
pub(crate) const MARK: &str = "# How these figures look; `redraw --style FILE` reads such a file.";
/// Most bytes of such a file, and of a font.
const LIMIT: u64 = 1 << 24;
/// Widths in pt of a page that makes sense, and sizes of type.
const WIDTHS: [f64; 2] = [72.0, 2000.0];
const SIZES: [f64; 2] = [4.0, 72.0];
const DOTS: [u16; 2] = [30, 1200];

/// The names that `--style` knows, and what they are for.
pub const STYLES: [(&str, &str); 3] = [
    ("double", "the committed one: 396 pt across the text, 193 pt in a column, numbers of 8 pt"),
    ("single", "every figure fits one column of 193 pt"),
    ("slides", "720 pt wide with numbers of 18 pt"),
];

/// A style, and the name that folders with its figures have.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedStyle {
    /// A word, or the first digits of a digest.
    pub name: String,
    /// The style.
    pub style: PageStyle,
    /// It as a TOML file.
    pub text: String,
}

/// What such a file may hold.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct File {
    full: Option<f64>,
    single: Option<f64>,
    font_size: Option<f64>,
    dots: Option<u16>,
    font: Option<PathBuf>,
    #[serde(default)]
    colours: BTreeMap<String, String>,
}

const COLOURS: [(&str, Colour); 6] = [
    ("black", Colour::Black),
    ("blue", Colour::Blue),
    ("vermillion", Colour::Vermillion),
    ("green", Colour::Green),
    ("purple", Colour::Purple),
    ("grey", Colour::Grey),
];

/// The style of this name or in this file, with another width in pt for all figures and another size of type where given; nothing
/// if that is the style of the committed figures.
///
/// # Errors
/// An unknown name; a file that cannot be read or is no style; a number outside its range.
pub fn chosen(style: Option<&str>, width: Option<f64>, font_size: Option<f64>) -> Result<Option<NamedStyle>> {
    let (mut name, mut file) = (style.unwrap_or("double").to_owned(), File::default());
    let mut below = PathBuf::new();
    match name.as_str() {
        "double" => {}
        "single" => file.full = Some(PageStyle::default().single),
        "slides" => {
            (file.full, file.single, file.font_size) = (Some(720.0), Some(480.0), Some(18.0));
        }
        path if Path::new(path).exists() || path.contains(['/', '.']) => {
            let refused = |problem: String| Error::Usage(format!("--style {path}: {problem}"));
            let text = String::from_utf8(read_file(Path::new(path), LIMIT)?)
                .map_err(|_| refused("is not UTF-8 text".to_owned()))?;
            file = toml::from_str(&text)
                .map_err(|error| refused(error.to_string().trim().replace('\n', " ")))?;
            below = Path::new(path).parent().map_or_else(PathBuf::new, Path::to_owned);
            name.clear();
        }
        other => return Err(Error::unknown("style", other, &STYLES.map(|(name, _)| name))),
    }
    if let Some(width) = width {
        (file.full, file.single) = (Some(width), Some(width));
        name.clear();
    }
    if font_size.is_some() {
        file.font_size = font_size;
        name.clear();
    }
    let style = resolved(&file, &below)?;
    if style == PageStyle::default() {
        return Ok(None);
    }
    let text = written(&style, file.font.as_deref());
    if name.is_empty() {
        let font = style.font.map(|font| sha256(font.bytes())).unwrap_or_default();
        name = sha256(format!("{text}{font}").as_bytes());
        name.truncate(8);
    }
    Ok(Some(NamedStyle { name, style, text }))
}

/// A file as a style; paths in it are meant from the folder that it lies in.
fn resolved(file: &File, below: &Path) -> Result<PageStyle> {
    let house = PageStyle::default();
    let within = |name: &str, value: Option<f64>, usual: f64, [least, most]: [f64; 2]| {
        let value = value.unwrap_or(usual);
        if (least..=most).contains(&value) {
            Ok(value)
        } else {
            Err(Error::parameter(name, value, format!("must be from {least} to {most} pt")))
        }
    };
    let dots = file.dots.unwrap_or(house.dots);
    if !(DOTS[0]..=DOTS[1]).contains(&dots) {
        let rule = format!("must be from {} to {} per inch", DOTS[0], DOTS[1]);
        return Err(Error::parameter("dots", dots, rule));
    }
    let mut colours = Vec::new();
    for (name, text) in &file.colours {
        let Some((_, colour)) = COLOURS.iter().find(|(known, _)| known == name) else {
            return Err(Error::unknown("colour", name, &COLOURS.map(|(name, _)| name)));
        };
        let own = hex(text)
            .ok_or_else(|| Error::parameter(name, text, "must be a colour such as \"#0072b2\"".to_owned()))?;
        if own != colour.rgb() {
            colours.push((*colour, own));
        }
    }
    let font = match file.font.as_deref().filter(|path| *path != Path::new("")) {
        None => None,
        Some(path) => {
            let font = FontFile::new(read_file(&below.join(path), LIMIT)?);
            Font::parse(font.bytes())
                .map_err(|error| Error::parameter("font", path.display(), error.to_string()))?;
            Some(font)
        }
    };
    Ok(PageStyle {
        full: within("full", file.full, house.full, WIDTHS)?,
        single: within("single", file.single, house.single, WIDTHS)?,
        font_size: within("font_size", file.font_size, house.font_size, SIZES)?,
        dots,
        colours,
        font,
    })
}

/// A colour written as `#rrggbb`.
fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.is_ascii())?;
    let channel = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    Some(Rgb(channel(0)?, channel(2)?, channel(4)?))
}

/// A style as a file, with every entry said.
#[must_use]
pub fn written(style: &PageStyle, font: Option<&Path>) -> String {
    let PageStyle { full, single, font_size, dots, .. } = style;
    let font = serde_json::Value::from(font.map_or_else(String::new, |path| path.display().to_string()));
    let mut text = format!(
        "{MARK}\n\n\
         # Width in pt of figures that span the text, and of those that take one column.\nfull = {full:?}\nsingle = {single:?}\n\
         # Size in pt of the numbers at ticks; all other type, lines and marks keep their proportion to it.\n\
         font_size = {font_size:?}\n\
         # Dots per inch of PNG images.\ndots = {dots}\n\
         # A font with a MATH table, as a path from this file; \"\" is STIX Two Math.\nfont = {font}\n\n\
         # Colours of curves and marks; shades and tints are mixed from them.\n[colours]\n"
    );
    for (name, colour) in COLOURS {
        let Rgb(red, green, blue) = style.colour(colour).rgb();
        let _ = writeln!(text, "{name} = \"#{red:02x}{green:02x}{blue:02x}\"");
    }
    text
}
