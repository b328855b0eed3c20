//! The caption of a figure: what the paper prints below it, in plain text with Unicode letters for mathematics.

use crate::plot::description::error::PlotError;

/// A title, and three things that a reader asks of a figure. All are sentences; full stops are added where they miss.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    title: String,
    shown: String,
    parameters: String,
    seen: String,
}

impl Caption {
    /// `title` is one sentence; `shown` says what is drawn and what each mark and band means; `parameters` comes from the
    /// experiments, with the number of replicates; `seen` is what the reader is to notice, and comes before them.
    #[must_use]
    pub fn new(
        title: impl Into<String>,
        shown: impl Into<String>,
        parameters: impl Into<String>,
        seen: impl Into<String>,
    ) -> Self {
        Self { title: title.into(), shown: shown.into(), parameters: parameters.into(), seen: seen.into() }
    }

    /// Its title, without a full stop.
    #[must_use]
    pub fn title(&self) -> &str {
        self.title.trim().trim_end_matches('.')
    }

    /// Everything after the title, in one line.
    #[must_use]
    pub fn body(&self) -> String {
        [&self.shown, &self.seen, &self.parameters]
            .map(|part| format!("{}.", part.trim().trim_end_matches('.')))
            .join(" ")
    }

    /// The caption as a text file: the title on a line of its own.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}.\n{}\n", self.title(), self.body())
    }

    /// # Errors
    /// [`PlotError::Unlabelled`] if a part is empty.
    pub(crate) fn check(&self) -> Result<(), PlotError> {
        let parts = [
            ("a figure (the title of its caption)", &self.title),
            ("a figure (what is drawn, in its caption)", &self.shown),
            ("a figure (the parameters, in its caption)", &self.parameters),
            ("a figure (what to see, in its caption)", &self.seen),
        ];
        match parts.iter().find(|(_, text)| text.trim().trim_end_matches('.').is_empty()) {
            Some((what, _)) => Err(PlotError::Unlabelled(what)),
            None => Ok(()),
        }
    }
}
