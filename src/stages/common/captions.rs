//! Words that many captions share. What symbols mean is said once, in the glossary.

/// What the symbols in figures, captions and claims mean, as Markdown.
pub const GLOSSARY: &str = include_str!("../../../docs/glossary.md");

/// Entries below this have a minus sign in their cell.
pub const NEGATIVE: f64 = -0.1;

/// What a caption says of the colours and signs of entries.
pub fn signs() -> String {
    format!("red positive, blue negative, with a minus sign below {}", number(NEGATIVE, 1))
}

/// A number with this many decimals, and a minus sign that is one.
pub fn number(value: f64, decimals: usize) -> String {
    format!("{value:.decimals$}").replace('-', "−")
}

/// A time with one decimal at most.
pub fn time(time: f64) -> String {
    ((10.0 * time).round() / 10.0).to_string()
}

/// A share in percent with this many decimals.
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{} %", number(100.0 * share, decimals))
}

/// Ends of a range: "0.1 to 0.3", or one number where both are the same.
pub fn between((low, high): (f64, f64), decimals: usize) -> String {
    let (low, high) = (number(low, decimals), number(high, decimals));
    if low == high { low } else { format!("{low} to {high}") }
}

/// A positive number with this many significant digits, as in "0.031" or "3.2·10^(−5)".
pub fn small(value: f64, digits: usize) -> String {
    let after = digits.saturating_sub(1);
    if value.is_finite() && value != 0.0 && value.abs() < 1e-3 {
        let text = format!("{value:.after$e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{mantissa}·10^({exponent})").replace('-', "−");
    }
    let before = libm::floor(libm::log10(value.abs().max(1e-3)));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of decimals")]
    let decimals = (crate::problem::as_f64(after) - before).clamp(0.0, 12.0) as usize;
    number(value, decimals)
}
