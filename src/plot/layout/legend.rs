//! Legends: one entry per label, with a key for every look it stands for, each at its place.

use crate::plot::description::error::PlotError;
use crate::plot::description::look::Key;
use crate::plot::description::series::Series;
use crate::plot::layout::font::Font;
use crate::plot::layout::text::{SMALL, Text};

/// Height of a row, space between entries, between keys, and between keys and text, in pt.
const ROW: f64 = 11.5;
const BETWEEN: f64 = 13.0;
const KEYS: f64 = 2.5;
const PAD: f64 = 4.0;

/// One entry: its keys and its text.
struct Entry {
    keys: Vec<Key>,
    text: Text,
}

impl Entry {
    fn width(&self) -> f64 {
        self.keys_width() + PAD + self.text.width
    }

    fn keys_width(&self) -> f64 {
        self.keys.iter().map(|key| key.width() + KEYS).sum::<f64>() - KEYS
    }
}

/// The entries of some series: each label once, in order of kind, then of appearance; series without a label, or explained
/// by a colour bar, have none.
fn entries<'s>(font: &Font, series: impl Iterator<Item = &'s Series>) -> Result<Vec<Entry>, PlotError> {
    let mut entries: Vec<Entry> = Vec::new();
    for one in series {
        let Some(key) = Key::of(one) else { continue };
        if one.label.trim().is_empty() {
            continue;
        }
        match entries.iter_mut().find(|entry| entry.text.source == one.label) {
            Some(entry) if entry.keys.contains(&key) => {}
            Some(entry) => entry.keys.push(key),
            None => entries.push(Entry { keys: vec![key], text: Text::new(font, &one.label, SMALL)? }),
        }
    }
    entries.sort_by_key(|entry| entry.keys.first().map(Key::order));
    Ok(entries)
}

/// A legend with everything at its place in pt.
#[derive(Debug, Default)]
pub(crate) struct Legend {
    /// Keys, and the middle of the left end of each.
    pub(crate) keys: Vec<(Key, (f64, f64))>,
    /// Texts, and where the baseline of each begins.
    pub(crate) texts: Vec<(String, (f64, f64))>,
    /// Its height.
    pub(crate) height: f64,
}

impl Legend {
    /// Places an entry from `x`, with its text after keys of width `column`, in the row that starts at `top`.
    fn place(&mut self, entry: Entry, x: f64, column: f64, top: f64) {
        let baseline = top + 0.72 * ROW;
        let mut at = x;
        for key in entry.keys {
            self.keys.push((key, (at, baseline - 2.3)));
            at += key.width() + KEYS;
        }
        self.texts.push((entry.text.source, (x + column + PAD, baseline)));
    }

    /// A legend in rows no wider than `width`, from an upper left corner.
    pub(crate) fn rows<'s>(
        font: &Font,
        series: impl Iterator<Item = &'s Series>,
        (left, top): (f64, f64),
        width: f64,
    ) -> Result<Self, PlotError> {
        let mut legend = Self::default();
        let mut x = left;
        for entry in entries(font, series)? {
            let step = entry.width() + BETWEEN;
            if legend.texts.is_empty() || x + step - BETWEEN > left + width {
                x = left;
                legend.height += ROW;
            }
            let column = entry.keys_width();
            let row = top + legend.height - ROW;
            legend.place(entry, x, column, row);
            x += step;
        }
        Ok(legend)
    }

    /// A legend in a column, from an upper left corner.
    pub(crate) fn column<'s>(
        font: &Font,
        series: impl Iterator<Item = &'s Series>,
        (left, top): (f64, f64),
    ) -> Result<Self, PlotError> {
        let entries = entries(font, series)?;
        let column = entries.iter().map(Entry::keys_width).fold(0.0, f64::max);
        let mut legend = Self::default();
        for entry in entries {
            let row = top + legend.height;
            legend.place(entry, left, column, row);
            legend.height += ROW;
        }
        Ok(legend)
    }
}
