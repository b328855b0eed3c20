//! Plain text as TeX in ASCII: formulas in their mathematics, everything else letter by letter, so that no text is a command.

use crate::published::latex::formula::{Token, formula, script, tokens};
use std::fmt::Write as _;

/// A text, with its formulas, in TeX.
pub(crate) fn prose(text: &str) -> String {
    let all = tokens(text.trim());
    let (mut tex, mut at, mut panel) = (String::new(), 0, false);
    while at < all.len() {
        if let Some((formula, next)) = formula(&all, at, panel) {
            let _ = write!(tex, "${formula}$");
            (at, panel) = (next, false);
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| all.get(before));
        let after = all.get(at + 1);
        let names_panel = |word: &str| word.len() == 1 && "abcdef".contains(word);
        match &all[at] {
            Token::Word(word) => {
                panel = names_panel(word) || panel && ["and", "or"].contains(&word.as_str());
                tex.push_str(word);
            }
            Token::Number(digits) => {
                panel = false;
                tex.push_str(digits);
            }
            Token::Space => {
                let percent = after == Some(&Token::Sign('%')) && matches!(before, Some(Token::Number(_)));
                tex.push_str(if percent { "\\," } else { " " });
            }
            Token::Sign('-') if panel && matches!(after, Some(Token::Word(word)) if names_panel(word)) => {
                tex.push_str("--");
            }
            Token::Sign('-') if before == Some(&Token::Space) && after == Some(&Token::Space) => {
                tex.push_str("$-$");
            }
            Token::Sign('_' | '^') if matches!(before, Some(Token::Sign(')' | ']' | '|' | '‖'))) => {
                if let Some((script, next)) = script(&all, at, 0) {
                    let _ = write!(tex, "${script}$");
                    at = next;
                    continue;
                }
                all[at].push_to(&mut tex);
            }
            sign @ Token::Sign(_) => {
                panel = panel && *sign == Token::Sign(',');
                sign.push_to(&mut tex);
            }
        }
        at += 1;
    }
    tex
}

impl Token {
    /// Adds a letter that is no part of a formula.
    fn push_to(&self, tex: &mut String) {
        let Self::Sign(letter) = self else { return };
        let known = match letter {
            '\\' => "\\textbackslash{}",
            '{' => "\\textbraceleft{}",
            '}' => "\\textbraceright{}",
            '$' => "\\$",
            '&' => "\\&",
            '#' => "\\#",
            '%' => "\\%",
            '_' => "\\_",
            '^' => "\\textasciicircum{}",
            '~' => "\\textasciitilde{}",
            '<' => "$<$",
            '>' => "$>$",
            '|' => "$|$",
            '"' | '”' => "''",
            '“' => "``",
            '’' => "'",
            '‘' => "`",
            '–' => "--",
            '—' => "---",
            '…' => "\\dots{}",
            '°' => "$^{\\circ}$",
            '−' => "$-$",
            '‖' => "$\\|$",
            '±' => "$\\pm$",
            '·' => "$\\cdot$",
            '×' => "$\\times$",
            '√' => "$\\surd$",
            '≤' => "$\\le$",
            '≥' => "$\\ge$",
            '≪' => "$\\ll$",
            '≫' => "$\\gg$",
            '≈' => "$\\approx$",
            '≠' => "$\\ne$",
            '→' => "$\\to$",
            other if other.is_ascii() => return tex.push(*other),
            other => {
                let _ = write!(tex, "[U+{:04X}]", u32::from(*other));
                return;
            }
        };
        tex.push_str(known);
    }
}

#[cfg(test)]
mod tests {
    use crate::published::latex::prose::prose;

    #[test]
    fn formulas_are_set_as_mathematics() {
        let known = [
            ("rows x^c, H_11 and G_cc", "rows $x^{c}$, $H_{11}$ and $G_{cc}$"),
            ("k = 5, d = 500 and 1000, λ = 10", "$k = 5$, $d = 500$ and 1000, $\\lambda = 10$"),
            ("6.5·10^(−4), and −0.49", "$6.5 \\cdot 10^{-4}$, and $-0.49$"),
            (
                "neurons, |v_i| ‖W_i‖ > 0.05, share",
                "neurons, $\\mathopen|v_{i}\\mathclose|\\,\\mathopen\\|W_{i}\\mathclose\\| > 0.05$, share",
            ),
            ("1 − ρ(x^c; B) for B", "$1 - \\rho(x^{c}; B)$ for $B$"),
            ("blocks H_(W_iW_i)", "blocks $H_{W_{i}W_{i}}$"),
            ("the sum Σ_a x^a of", "the sum $\\sum_{a}x^{a}$ of"),
            ("needs √λ ≫ log d.", "needs $\\sqrt{\\lambda} \\gg \\log d$."),
            ("law e^(-βt) from", "law $e^{-\\beta t}$ from"),
            ("lambda^{-1/2} and 1/lambda", "$\\lambda^{-1/2}$ and $1/\\lambda$"),
            ("d → ∞ at 10⁻⁸", "$d \\to \\infty$ at $10^{-8}$"),
            ("(W_i·μ, W_i·ν) = (0.8, 0.1)", "$(W_{i} \\cdot \\mu, W_{i} \\cdot \\nu) = (0.8, 0.1)$"),
            ("|A - PAP| / |A|", "$\\mathopen|A - PAP\\mathclose|/\\mathopen|A\\mathclose|$"),
            ("rho(v; top two)^2", "$\\rho$($v$; top two)$^{2}$"),
            ("the law (p < 0.001)", "the law ($p < 0.001$)"),
        ];
        for (text, tex) in known {
            assert_eq!(prose(text), tex);
        }
    }

    #[test]
    fn words_panels_and_numbers_are_not() {
        let known = [
            ("(a, b) A line in a, b and c, and in d-f", "(a, b) A line in a, b and c, and in d--f"),
            ("(d) over d at two λ: in d it is", "(d) over $d$ at two $\\lambda$: in d it is"),
            ("95 % of task B (B), the run's own", "95\\,\\% of task B (B), the run's own"),
            ("log of 12 label-free p-values", "log of 12 label-free $p$-values"),
            ("dash-dotted, slope -1/2", "dash-dotted, slope $-1/2$"),
            ("measured - predicted, A1 and e.g. W1", "measured $-$ predicted, A1 and e.g. W1"),
        ];
        for (text, tex) in known {
            assert_eq!(prose(text), tex);
        }
    }

    #[test]
    fn no_text_is_a_command() {
        assert_eq!(
            prose("\\input{x} %#&~$ \\write18{y}\n\"日\""),
            "\\textbackslash{}input\\textbraceleft{}$x$\\textbraceright{} \\%\\#\\&\\textasciitilde{}\\$ \
             \\textbackslash{}write18\\textbraceleft{}$y$\\textbraceright{} ''[U+65E5]''"
        );
        for opening in ["(", "{", "[", "|", "‖", "√", "-", "x_", "x^("] {
            let tex = prose(&opening.repeat(3000));
            assert_eq!(tex.matches('{').count(), tex.matches('}').count(), "{opening}");
        }
    }
}
