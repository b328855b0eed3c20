//! How far a column may be from the committed one, declared here once for every table, with the reason.

/// Bound on the difference of two numbers: they agree if any one of the three is met.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Largest difference.
    pub absolute: f64,
    /// Largest difference, relative to the largest magnitude in the same group of rows.
    pub relative: f64,
    /// Largest number of floating-point numbers between the two, one of them included.
    pub ulps: u64,
}

impl Tolerance {
    /// Every bit must be the same.
    pub const EXACT: Self = Self { absolute: 0.0, relative: 0.0, ulps: 0 };

    /// Whether two numbers agree, where `scale` is the largest magnitude in their group. An infinite number agrees only
    /// with itself.
    #[must_use]
    pub fn accepts(&self, a: f64, b: f64, scale: f64) -> bool {
        if a.to_bits() == b.to_bits() {
            return true;
        }
        let apart = (a - b).abs();
        a.is_finite()
            && b.is_finite()
            && (apart <= self.absolute || apart <= self.relative * scale || ulps(a, b) <= self.ulps)
    }
}

/// Number of steps from one finite float to another; 0.0 and -0.0 are one apart.
#[must_use]
pub fn ulps(a: f64, b: f64) -> u64 {
    let place = |value: f64| {
        let bits = i128::from(value.to_bits() & !(1 << 63));
        if value.is_sign_negative() { -1 - bits } else { bits }
    };
    u64::try_from((place(a) - place(b)).unsigned_abs()).unwrap_or(u64::MAX)
}

/// The tolerance of some columns.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Names of tables; empty for all.
    pub tables: &'static [&'static str],
    /// Names of columns.
    pub columns: &'static [&'static str],
    /// Values of the column `statistic` that the rule is for; empty for all.
    pub statistics: &'static [&'static str],
    /// Columns whose values name the group of rows that the relative bound refers to, as far as the table has them.
    pub group: &'static [&'static str],
    /// The bound.
    pub tolerance: Tolerance,
    /// Why.
    pub reason: &'static str,
}

const fn relative(relative: f64) -> Tolerance {
    Tolerance { absolute: 0.0, relative, ulps: 0 }
}

/// The block of a spectrum.
const BLOCK: &[&str] =
    &["experiment", "replicate", "step", "sample", "matrix", "layer", "row", "col", "checkpoint"];
/// Comparable numbers: one statistic of one experiment.
const LIKE: &[&str] = &["experiment", "statistic", "matrix", "layer", "subspace"];

/// The first rule that fits a number counts; columns that are not floats must always be equal.
pub const RULES: &[Rule] = &[
    Rule {
        tables: &[],
        columns: &["time"],
        statistics: &[],
        group: &[],
        tolerance: Tolerance::EXACT,
        reason: "a whole number of steps times the step size",
    },
    Rule {
        tables: &[],
        columns: &["value"],
        statistics: TRAJECTORY,
        group: &[],
        tolerance: Tolerance::EXACT,
        reason: "of the trajectory alone, whose bits do not depend on the processor",
    },
    Rule {
        tables: &["spectrum"],
        columns: &["eigenvalue"],
        statistics: &[],
        group: BLOCK,
        tolerance: relative(1e-10),
        reason: "backward stable solvers: kernels differ by rounding times the norm of the block",
    },
    Rule {
        tables: &[],
        columns: &["residual"],
        statistics: &[],
        group: &[],
        tolerance: Tolerance { absolute: 1e-12, relative: 0.0, ulps: 0 },
        reason: "all rounding; no residual may exceed 1e-12 of the norm",
    },
    Rule {
        tables: &["alignment"],
        columns: &["value", "sine"],
        statistics: &[],
        group: LIKE,
        tolerance: relative(1e-8),
        reason: "projections on eigenspaces: rounding over the gap to the next eigenvalue",
    },
];

/// The rule for every other float column.
pub const OTHERWISE: Rule = Rule {
    tables: &[],
    columns: &[],
    statistics: &[],
    group: LIKE,
    tolerance: relative(1e-7),
    reason: "functions of spectra, such as slopes, entries of eigenvectors and overlaps of near-degenerate spaces",
};

/// Statistics that do not depend on spectra.
const TRAJECTORY: &[&str] = &["loss", "accuracy", "alive neurons", "classified"];

/// The rule for a column of a table, at rows of this statistic.
#[must_use]
pub fn rule(table: &str, column: &str, statistic: Option<&str>) -> &'static Rule {
    let fits = |rule: &&Rule| {
        (rule.tables.is_empty() || rule.tables.contains(&table))
            && rule.columns.contains(&column)
            && (rule.statistics.is_empty() || statistic.is_some_and(|name| rule.statistics.contains(&name)))
    };
    RULES.iter().find(fits).unwrap_or(&OTHERWISE)
}
