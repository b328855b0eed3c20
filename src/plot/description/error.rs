//! What can be wrong with a figure.

/// Everything that can be wrong with the description of a figure.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PlotError {
    /// Something that a reader needs has no words.
    #[error("{0} needs a label")]
    Unlabelled(&'static str),
    /// Series that look different, and one of them is not named.
    #[error("the panel of `{0}` has series of different looks, and one has no label for the legend")]
    MissingLegend(String),
    /// One panel with two different colour bars.
    #[error("the panel of `{0}` needs two different colour bars")]
    TwoColourBars(String),
    /// A range that an axis or a colour bar cannot have.
    #[error("`{label}`: {problem}")]
    Range {
        /// Label of the axis or bar.
        label: String,
        /// What is wrong.
        problem: String,
    },
    /// Axes that are shared but not equal.
    #[error("the shared axes `{first}` and `{other}` differ")]
    NotShared {
        /// Label of the first.
        first: String,
        /// Label of one that differs.
        other: String,
    },
    /// Data whose lengths do not fit.
    #[error("{got} {what} where {wanted} are needed")]
    Sizes {
        /// What was counted.
        what: &'static str,
        /// How many there must be.
        wanted: usize,
        /// How many there are.
        got: usize,
    },
    /// A character the bundled font does not have.
    #[error("the font has no glyph for `{character}` (U+{:04X}) in `{text}`", u32::from(*character))]
    MissingGlyph {
        /// The character.
        character: char,
        /// The label it is in.
        text: String,
    },
    /// Markup that cannot be understood.
    #[error("`{text}`: {problem}")]
    Markup {
        /// The label.
        text: String,
        /// What is wrong.
        problem: String,
    },
    /// The bundled font cannot be used.
    #[error("bundled font: {0}")]
    Font(String),
    /// Labels leave no room for the axes.
    #[error("figure {name}: labels leave {width:.1} pt for the axes")]
    NoRoom {
        /// The figure.
        name: String,
        /// What is left.
        width: f64,
    },
    /// The document is larger than a committed figure may be.
    #[error("the figure has {bytes} bytes, more than {most}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The most it may have.
        most: usize,
    },
    /// krilla failed.
    #[error("PDF: {0}")]
    Pdf(String),
    /// resvg failed.
    #[error("PNG: {0}")]
    Png(String),
    /// Plotters failed.
    #[error("plotters: {0}")]
    Backend(String),
}
