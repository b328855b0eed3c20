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
    /// A legend from an upper left corner: in rows no wider than `width`, or in a column.
    pub(crate) fn new<'s>(
        font: &Font,
        series: impl Iterator<Item = &'s Series>,
        (left, top): (f64, f64),
        width: Option<f64>,
    ) -> Result<Self, PlotError> {
        let entries = entries(font, series)?;
        let widest = entries.iter().map(Entry::keys_width).fold(0.0, f64::max);
        let mut legend = Self::default();
        let mut x = left;
        for entry in entries {
            let end = x + entry.width();
            if legend.texts.is_empty() || width.is_none_or(|width| end > left + width) {
                x = left;
                legend.height += ROW;
            }
            let baseline = top + legend.height - 0.28 * ROW;
            let mut at = x;
            for key in &entry.keys {
                legend.keys.push((*key, (at, baseline - 2.3)));
                at += key.width() + KEYS;
            }
            let keys = if width.is_none() { widest } else { entry.keys_width() };
            let text = (x + keys + PAD, baseline);
            x += entry.width() + BETWEEN;
            legend.texts.push((entry.text.source, text));
        }
        Ok(legend)
    }
}
