//! Numbers for print, rounded by their uncertainty: decimal digits are exact, so they are the same on every machine.

/// `digits · 10^place`.
#[derive(Clone, Debug, PartialEq)]
struct Decimal {
    negative: bool,
    digits: String,
    place: i32,
}

/// The exponent in the scientific form of a number with this many digits after the point, and the digits.
fn scientific(value: f64, after: usize) -> (String, i32) {
    split(&format!("{:.after$e}", value.abs()))
}

fn split(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// A number of digits as an exponent.
fn count(digits: usize) -> i32 {
    i32::try_from(digits).unwrap_or(i32::MAX)
}

impl Decimal {
    fn new(negative: bool, digits: &str, place: i32) -> Self {
        let digits = digits.trim_start_matches('0');
        let zero = digits.is_empty();
        let digits = if zero { "0" } else { digits };
        Self { negative: negative && !zero, digits: digits.to_owned(), place }
    }

    /// The nearest multiple of `10^place`.
    fn at(value: f64, place: i32) -> Self {
        let (negative, size) = (value < 0.0, value.abs());
        if let Ok(after) = usize::try_from(-place) {
            return Self::new(negative, &format!("{size:.after$}").replace('.', ""), place);
        }
        let (first, exponent) = scientific(value, 17);
        let Ok(after) = usize::try_from(exponent - place) else {
            let up = exponent == place - 1 && first.as_str() >= "5";
            return Self::new(negative, if up { "1" } else { "0" }, place);
        };
        let (digits, rounded) = scientific(value, after);
        Self::new(negative, &format!("{digits}{}", if rounded > exponent { "0" } else { "" }), place)
    }

    /// Rounded to this many significant digits, zeros at the end left out.
    fn significant(value: f64, digits: usize) -> Self {
        let (digits, exponent) = scientific(value, digits - 1);
        let place = exponent + 1 - count(digits.len());
        Self::new(value < 0.0, &digits, place).trimmed()
    }

    /// The shortest digits that are this number and no other.
    fn exact(value: f64) -> Self {
        let (digits, exponent) = split(&format!("{:e}", value.abs()));
        let place = exponent + 1 - count(digits.len());
        Self::new(value < 0.0, &digits, place).trimmed()
    }

    fn trimmed(mut self) -> Self {
        while self.digits.len() > 1 && self.digits.ends_with('0') {
            self.digits.pop();
            self.place += 1;
        }
        self
    }

    /// The exponent of its first digit.
    fn exponent(&self) -> i32 {
        if self.digits == "0" { self.place } else { self.place + count(self.digits.len()) - 1 }
    }

    /// It over `10^shift`, without exponent.
    fn over(&self, shift: i32) -> String {
        let sign = if self.negative { "-" } else { "" };
        let Ok(after) = usize::try_from(shift - self.place) else {
            let zeros = usize::try_from(self.place - shift).unwrap_or(0);
            let zeros = if self.digits == "0" { 0 } else { zeros };
            return format!("{sign}{}{}", self.digits, "0".repeat(zeros));
        };
        let padded = format!("{:0>width$}", self.digits, width = after + 1);
        let (whole, rest) = padded.split_at(padded.len() - after);
        format!("{sign}{whole}{}{rest}", if rest.is_empty() { "" } else { "." })
    }

    fn print(&self) -> String {
        let exponent = self.exponent();
        if self.digits == "0" {
            return "0".to_owned();
        }
        if (-4..7).contains(&exponent) {
            return self.over(0);
        }
        match self.over(exponent).as_str() {
            "1" => format!("10^{{{exponent}}}"),
            "-1" => format!("-10^{{{exponent}}}"),
            mantissa => format!("{mantissa} \\cdot 10^{{{exponent}}}"),
        }
    }
}

fn unless_finite(value: f64, print: impl FnOnce() -> String) -> String {
    match value {
        value if value.is_nan() => "\\mbox{NaN}".to_owned(),
        f64::INFINITY => "\\infty".to_owned(),
        f64::NEG_INFINITY => "-\\infty".to_owned(),
        _ => print(),
    }
}

/// A number to four significant digits, in the mathematics of TeX.
pub(crate) fn rounded(value: f64) -> String {
    unless_finite(value, || Decimal::significant(value, 4).print())
}

/// A number with all its digits, likewise.
pub(crate) fn exact(value: f64) -> String {
    unless_finite(value, || Decimal::exact(value).print())
}

/// An estimate in the mathematics of TeX.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Printed {
    /// The estimate with its uncertainty.
    pub(crate) value: String,
    /// The estimate alone.
    pub(crate) estimate: String,
    /// Its interval.
    pub(crate) interval: String,
}

/// An estimate and its interval, to two significant digits of the larger distance between them.
pub(crate) fn printed(middle: f64, low: f64, high: f64) -> Printed {
    let (up, down) = ((high - middle).max(0.0), (middle - low).max(0.0));
    let half = up.max(down);
    // Digits beyond these differ between machines.
    if !half.is_finite() || half <= 1e-9 * middle.abs() {
        let estimate = rounded(middle);
        let interval = format!("[{}, {}]", rounded(low), rounded(high));
        return Printed { value: estimate.clone(), estimate, interval };
    }
    let place = scientific(half, 1).1 - 1;
    let all = [middle, low, high, up, down].map(|number| Decimal::at(number, place));
    let exponent = all.iter().map(Decimal::exponent).max().unwrap_or(0);
    let plain = place <= 0 && (-3..7).contains(&exponent);
    let (shift, factor) =
        if plain { (0, String::new()) } else { (exponent, format!(" \\cdot 10^{{{exponent}}}")) };
    let [middle, low, high, up, down] = all.map(|number| number.over(shift));
    let estimate = format!("{middle}{factor}");
    let value = match (up == down, plain) {
        (true, true) => format!("{middle} \\pm {up}"),
        (true, false) => format!("({middle} \\pm {up}){factor}"),
        (false, _) => format!("{middle}^{{+{up}}}_{{-{down}}}{factor}"),
    };
    Printed { value, estimate, interval: format!("[{low}, {high}]{factor}") }
}

#[cfg(test)]
mod tests {
    use crate::published::latex::decimal::{exact, printed, rounded};

    fn three(middle: f64, low: f64, high: f64) -> [String; 3] {
        let all = printed(middle, low, high);
        [all.value, all.estimate, all.interval]
    }

    #[test]
    fn digits_follow_the_interval() {
        assert_eq!(
            three(0.996_741, 0.996_412, 0.997_070),
            ["0.99674 \\pm 0.00033", "0.99674", "[0.99641, 0.99707]"]
        );
        assert_eq!(three(-0.51, -0.6098, -0.4102), ["-0.51 \\pm 0.10", "-0.51", "[-0.61, -0.41]"]);
        // The exact interval of a share lies to one side.
        assert_eq!(three(1.0, 0.8836, 1.0), ["1.00^{+0.00}_{-0.12}", "1.00", "[0.88, 1.00]"]);
        assert_eq!(three(0.0, -0.004, 0.004), ["0.0000 \\pm 0.0040", "0.0000", "[-0.0040, 0.0040]"]);
        assert_eq!(
            three(6.53e-8, 6.41e-8, 6.65e-8),
            ["(6.53 \\pm 0.12) \\cdot 10^{-8}", "6.53 \\cdot 10^{-8}", "[6.41, 6.65] \\cdot 10^{-8}"]
        );
        assert_eq!(
            three(12_345.0, 11_145.0, 13_545.0),
            ["(1.23 \\pm 0.12) \\cdot 10^{4}", "1.23 \\cdot 10^{4}", "[1.11, 1.35] \\cdot 10^{4}"]
        );
        // Rounding must not change how many digits the uncertainty has.
        assert_eq!(three(5.0, 4.0003, 5.9997)[0], "5.0 \\pm 1.0");
        assert_eq!(three(-1e-9, -0.1, 0.1)[1], "0.00");
    }

    #[test]
    fn what_has_no_uncertainty_is_printed_without() {
        assert_eq!(three(4.0, 4.0, 4.0), ["4", "4", "[4, 4]"]);
        assert_eq!(three(0.123_456_789, 0.123_456_789, 0.123_456_789)[0], "0.1235");
        assert_eq!(three(1.0, f64::NEG_INFINITY, 2.0), ["1", "1", "[-\\infty, 2]"]);
    }

    #[test]
    fn single_numbers_are_short() {
        let known = [
            (0.138_749_999_999_999_98, "0.1387", "0.13874999999999998"),
            (0.0, "0", "0"),
            (-0.0, "0", "0"),
            (2_000_000.0, "2000000", "2000000"),
            (1e7, "10^{7}", "10^{7}"),
            (-1e-5, "-10^{-5}", "-10^{-5}"),
            (2.5e-5, "2.5 \\cdot 10^{-5}", "2.5 \\cdot 10^{-5}"),
            (0.999_96, "1", "0.99996"),
            (150.0, "150", "150"),
        ];
        for (number, short, all) in known {
            assert_eq!((rounded(number).as_str(), exact(number).as_str()), (short, all));
        }
    }
}
