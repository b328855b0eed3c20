//! Editions of the declarations: what was claimed, with which bounds, before the draws that decide it were made.
//!
//! A *declaration* is what decides a verdict but the data: id, kind, statistic, estimator, relation, bound, level, names of nulls
//! and the parameters of the experiments; not the wording. An *edition* is a list of declarations, frozen under a number that is
//! the root seed of the committed results. `figures/editions.json` keeps every edition with what became of its claims: an edition is
//! never raised to get another draw, and a verdict is never forgotten.

use crate::digest::{KeyBuilder, Value, sha256};
use crate::error::{Error, Result};
use crate::random::seed::SCHEME;
use crate::stage::claim::{Bound, Claim, EDITION, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Name of the file beside `figures.lock`.
pub const FILE: &str = "editions.json";

/// One edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// Its number, and the root seed of its results.
    pub number: u64,
    /// What changed, and why.
    pub change: String,
    /// The scheme of the draws.
    pub scheme: String,
    /// Digest of all its declarations.
    pub digest: String,
    /// First digits of the digest of each declaration, by claim.
    pub claims: BTreeMap<String, String>,
    /// Its claims by verdict, once it was run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub verdicts: BTreeMap<String, Vec<String>>,
}

/// All editions, the current one last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Editions {
    /// By number.
    #[serde(default)]
    pub editions: Vec<Edition>,
}

/// First digits of the digest of every declaration, by claim.
pub type Declarations = BTreeMap<String, String>;

/// The declarations of the claims of a stage, whose experiments have these parameters.
///
/// # Errors
/// An experiment that the stage does not have.
pub fn declarations(claims: &[Claim], parameters: &BTreeMap<String, Value>) -> Result<Declarations> {
    let brief = |claim: &Claim| Ok((claim.id.clone(), declaration(claim, parameters)?));
    claims.iter().map(brief).collect()
}

/// Bounds that are computed may differ in their last bits between machines.
fn rounded(bound: f64) -> String {
    format!("{bound:.9e}")
}

fn declaration(claim: &Claim, parameters: &BTreeMap<String, Value>) -> Result<String> {
    let bound = match claim.bound {
        Bound::Number(bound) => rounded(bound),
        Bound::Pair([low, high]) => format!("{} {}", rounded(low), rounded(high)),
    };
    let nulls: Vec<&str> = claim.nulls.iter().map(|null| null.name.as_str()).collect();
    let mut about = BTreeMap::new();
    for name in &claim.experiments {
        let known: Vec<&str> = parameters.keys().map(String::as_str).collect();
        let found = parameters.get(name).ok_or_else(|| Error::unknown("experiment", name, &known))?;
        about.insert(name.clone(), found.clone());
    }
    let key = KeyBuilder::new("declaration")
        .with("id", claim.id.as_str())
        .with("kind", claim.kind.word())
        .with("statistic", claim.statistic.as_str())
        .with("estimator", claim.estimator.word())
        .with("relation", claim.relation.sign())
        .with("bound", bound)
        .with("level", rounded(claim.level))
        .with("nulls", nulls.join(" "))
        .with("experiments", about)
        .finish();
    Ok(key.digest().brief().to_owned())
}

/// The digest of all declarations.
pub fn digest(all: &Declarations) -> String {
    let lines: Vec<String> = all.iter().map(|(id, digest)| format!("{id} {digest}")).collect();
    sha256(lines.join("\n").as_bytes())
}

impl Editions {
    /// The editions in a file.
    ///
    /// # Errors
    /// In words, why it is no list of editions.
    pub fn parse(bytes: &[u8]) -> std::result::Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    }

    /// The file.
    ///
    /// # Errors
    /// An edition that cannot be written as JSON: none is known.
    pub fn text(&self) -> Result<String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| Error::defect(FILE, error))?;
        Ok(format!("{text}\n"))
    }

    /// Why these declarations are not those of the current edition; nothing where they are.
    pub fn stale(&self, all: &Declarations) -> Option<String> {
        let repeated = self.editions.iter().enumerate().find_map(|(index, one)| {
            let earlier = &self.editions[..index];
            let twin =
                earlier.iter().find(|other| other.digest == one.digest && other.scheme == one.scheme)?;
            Some(format!(
                "editions {} and {} declare the same: none is raised for another draw",
                twin.number, one.number
            ))
        });
        if repeated.is_some() {
            return repeated;
        }
        if !self.editions.is_sorted_by(|one, next| one.number < next.number) {
            return Some("the numbers of editions do not increase".to_owned());
        }
        let Some(last) = self.editions.last() else {
            return Some(format!(
                "edition {EDITION} is not frozen; `spectral-alignment editions --freeze REASON` does"
            ));
        };
        if last.number != EDITION {
            return Some(format!(
                "the program has edition {EDITION}, {FILE} ends with {}; `editions --freeze REASON` adds it",
                last.number
            ));
        }
        if last.scheme != SCHEME {
            return Some(format!(
                "edition {EDITION} was frozen with draws `{}`, these are `{SCHEME}`",
                last.scheme
            ));
        }
        let changed = |id: &&String| last.claims.get(*id) != all.get(*id);
        let ids: Vec<&str> =
            last.claims.keys().chain(all.keys()).filter(changed).map(String::as_str).collect();
        if let Some(first) = ids.first() {
            return Some(format!(
                "{} declarations are not those frozen as edition {EDITION}, {first} among them; raise EDITION in \
                 src/stage/claim.rs, or undo the change",
                ids.len()
            ));
        }
        (last.digest != digest(all))
            .then(|| format!("the digest of edition {EDITION} is not that of its claims"))
    }

    /// Adds the current edition with these declarations, or to it claims that are only about experiments of which nothing was
    /// published.
    ///
    /// # Errors
    /// An edition that was frozen with other declarations of the same claims.
    pub fn freeze(
        &mut self,
        all: &Declarations,
        published: &dyn Fn(&str) -> bool,
        change: &str,
    ) -> Result<()> {
        let edition = Edition {
            number: EDITION,
            change: change.to_owned(),
            scheme: SCHEME.to_owned(),
            digest: digest(all),
            claims: all.clone(),
            verdicts: BTreeMap::new(),
        };
        match self.editions.last_mut() {
            Some(last) if last.number == EDITION => {
                let kept = last.claims.iter().all(|(id, digest)| all.get(id) == Some(digest));
                let joining = all.keys().filter(|id| !last.claims.contains_key(*id));
                if let Some(id) = joining.clone().find(|id| published(id)) {
                    return Err(Error::Usage(format!(
                        "{id} is about experiments whose results are published; it needs a new edition"
                    )));
                }
                if !kept || last.scheme != SCHEME {
                    return Err(Error::Usage(format!(
                        "edition {EDITION} is frozen; raise EDITION in src/stage/claim.rs first"
                    )));
                }
                *last = Edition { change: last.change.clone(), verdicts: last.verdicts.clone(), ..edition };
            }
            _ => self.editions.push(edition),
        }
        match self.stale(all) {
            Some(problem) => Err(Error::Usage(problem)),
            None => Ok(()),
        }
    }

    /// Notes what became of the claims of the current edition.
    pub fn record<'a>(&mut self, claims: impl Iterator<Item = &'a Claim>) {
        let Some(last) = self.editions.last_mut().filter(|last| last.number == EDITION) else { return };
        last.verdicts.clear();
        for claim in claims {
            last.verdicts.entry(claim.verdict.word().to_owned()).or_default().push(claim.id.clone());
        }
    }

    /// The editions before the current one in which a claim of this id failed.
    pub fn failed_before(&self, id: &str) -> Vec<u64> {
        let failed = |edition: &&Edition| {
            let of = edition.verdicts.get(Verdict::Fails.word());
            edition.number != EDITION && of.is_some_and(|ids| ids.iter().any(|one| one == id))
        };
        self.editions.iter().filter(failed).map(|edition| edition.number).collect()
    }
}
