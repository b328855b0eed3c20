//! The outcome of comparisons: one row each, with its verdict.

use crate::stage::Profile;

/// The outcome of a comparison, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Every bit is the same.
    Identical,
    /// Numbers differ by no more than the declared tolerance, or a picture is drawn from such numbers.
    Within,
    /// Something differs by more than that.
    Different,
    /// Two computations disagree.
    Nondeterministic,
}

impl Verdict {
    /// The word for it in text and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Identical => "identical",
            Self::Within => "within tolerance",
            Self::Different => "different",
            Self::Nondeterministic => "nondeterministic",
        }
    }

    /// Whether this is a difference.
    #[must_use]
    pub fn is_bad(self) -> bool {
        self >= Self::Different
    }
}

/// One comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The stage.
    pub stage: String,
    /// `paper` or `quick`.
    pub profile: &'static str,
    /// `committed` or `recomputed`.
    pub check: &'static str,
    /// `recipe`, `table`, `column`, `figure`, `text`, `claim` or `stage`.
    pub what: &'static str,
    /// Its name: a column is `table.column`, a figure a file, a text a file for LaTeX.
    pub name: String,
    /// The outcome.
    pub verdict: Verdict,
    /// The worst place, in words.
    pub detail: Option<String>,
}

/// Collects the comparisons of one stage.
pub(crate) struct Rows {
    stage: String,
    profile: &'static str,
    check: &'static str,
    pub(crate) list: Vec<Row>,
}

impl Rows {
    pub(crate) fn new(stage: &str, profile: Profile, check: &'static str) -> Self {
        Self { stage: stage.to_owned(), profile: profile.word(), check, list: Vec::new() }
    }

    pub(crate) fn add(
        &mut self,
        what: &'static str,
        name: impl Into<String>,
        verdict: Verdict,
        detail: Option<String>,
    ) {
        let (stage, profile, check) = (self.stage.clone(), self.profile, self.check);
        self.list.push(Row { stage, profile, check, what, name: name.into(), verdict, detail });
    }

    pub(crate) fn same(&mut self, what: &'static str, name: impl Into<String>, same: bool, otherwise: &str) {
        let verdict = if same { Verdict::Identical } else { Verdict::Different };
        self.add(what, name, verdict, (!same).then(|| otherwise.to_owned()));
    }
}
