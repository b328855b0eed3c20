//! Formulas in plain text, as captions and claims have them (`H_11`, `λ^(-1/2)`, `|v_i| ‖W_i‖ > 0.05`), in the mathematics of TeX.

use crate::published::latex::formula::Token::{Number, Sign, Space, Word};

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// Latin letters.
    Word(String),
    /// Digits, with a point between them or none.
    Number(String),
    /// White space.
    Space,
    /// Any other letter.
    Sign(char),
}

/// Letters with a name, in Greek and in Latin.
const LETTERS: [(char, &str, &str); 34] = [
    ('α', "alpha", "\\alpha "),
    ('β', "beta", "\\beta "),
    ('γ', "gamma", "\\gamma "),
    ('δ', "delta", "\\delta "),
    ('ε', "epsilon", "\\varepsilon "),
    ('ζ', "zeta", "\\zeta "),
    ('η', "eta", "\\eta "),
    ('θ', "theta", "\\theta "),
    ('κ', "kappa", "\\kappa "),
    ('λ', "lambda", "\\lambda "),
    ('μ', "mu", "\\mu "),
    ('ν', "nu", "\\nu "),
    ('ξ', "xi", "\\xi "),
    ('π', "pi", "\\pi "),
    ('ρ', "rho", "\\rho "),
    ('σ', "sigma", "\\sigma "),
    ('τ', "tau", "\\tau "),
    ('φ', "phi", "\\phi "),
    ('χ', "chi", "\\chi "),
    ('ψ', "psi", "\\psi "),
    ('ω', "omega", "\\omega "),
    ('Γ', "Gamma", "\\Gamma "),
    ('Δ', "Delta", "\\Delta "),
    ('Θ', "Theta", "\\Theta "),
    ('Λ', "Lambda", "\\Lambda "),
    ('Ξ', "Xi", "\\Xi "),
    ('Π', "Pi", "\\Pi "),
    ('Σ', "Sigma", "\\Sigma "),
    ('Φ', "Phi", "\\Phi "),
    ('Ψ', "Psi", "\\Psi "),
    ('Ω', "Omega", "\\Omega "),
    ('∞', "", "\\infty "),
    ('∂', "", "\\partial "),
    ('ℓ', "", "\\ell "),
];

/// Words that are functions.
const FUNCTIONS: [(&str, &str); 10] = [
    ("ln", "\\ln "),
    ("log", "\\log "),
    ("sin", "\\sin "),
    ("cos", "\\cos "),
    ("exp", "\\exp "),
    ("dim", "\\dim "),
    ("relu", "\\SAop{relu} "),
    ("Span", "\\SAop{Span} "),
    ("expm", "\\SAop{expm} "),
    ("diag", "\\SAop{diag} "),
];

/// Signs between two operands, and whether they are relations.
const OPERATORS: [(char, &str, bool); 17] = [
    ('=', " = ", true),
    ('<', " < ", true),
    ('>', " > ", true),
    ('≤', " \\le ", true),
    ('≥', " \\ge ", true),
    ('≪', " \\ll ", true),
    ('≫', " \\gg ", true),
    ('≈', " \\approx ", true),
    ('≠', " \\ne ", true),
    ('→', " \\to ", true),
    ('+', " + ", false),
    ('-', " - ", false),
    ('−', " - ", false),
    ('±', " \\pm ", false),
    ('·', " \\cdot ", false),
    ('×', " \\times ", false),
    ('/', "/", false),
];

/// How deep groups may stand in each other, and how long they may be.
const DEEPEST: usize = 8;
const LONGEST: usize = 200;

/// A formula, and where the text goes on.
type Found = Option<(String, usize)>;

fn operator(sign: char) -> Option<&'static str> {
    OPERATORS.iter().find(|(known, ..)| *known == sign).map(|(_, tex, _)| *tex)
}

fn named(token: &Token) -> Option<&'static str> {
    let known = |(sign, name, _): &&(char, &str, &str)| match token {
        Sign(found) => found == sign,
        Word(found) => found == name,
        _ => false,
    };
    LETTERS.iter().find(known).map(|(_, _, tex)| *tex)
}

fn single(word: &str) -> Option<char> {
    let mut letters = word.chars();
    letters.next().filter(|_| letters.next().is_none())
}

/// The pieces of a text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let letters: Vec<char> = text.chars().collect();
    let (mut all, mut at) = (Vec::new(), 0);
    let run = |from: usize, keep: &dyn Fn(usize) -> bool| {
        (from..letters.len()).find(|&place| !keep(place)).unwrap_or(letters.len())
    };
    while at < letters.len() {
        let letter = letters[at];
        let script = matches!(all.last(), Some(Sign('_' | '^')));
        let end = if letter.is_ascii_alphabetic() {
            // `W_iW_i`: an index ends where capitals begin or end.
            let alike = |place: usize| !script || letters[place].is_uppercase() == letter.is_uppercase();
            let end = run(at, &|place| letters[place].is_ascii_alphabetic() && alike(place));
            all.push(Word(letters[at..end].iter().collect()));
            end
        } else if letter.is_ascii_digit() {
            let digit = |place: usize| letters.get(place).is_some_and(char::is_ascii_digit);
            let end = run(at, &|place| digit(place) || letters[place] == '.' && digit(place + 1));
            all.push(Number(letters[at..end].iter().collect()));
            end
        } else if letter.is_whitespace() || letter.is_control() {
            all.push(Space);
            run(at, &|place| letters[place].is_whitespace() || letters[place].is_control())
        } else if raised(letter).is_some() {
            let end = run(at, &|place| raised(letters[place]).is_some());
            let digits: String = letters[at..end].iter().copied().filter_map(raised).collect();
            all.extend([Sign('^'), Sign('{')]);
            all.extend(digits.starts_with('-').then_some(Sign('-')));
            all.extend([Number(digits.replace('-', "")), Sign('}')]);
            end
        } else {
            let pair = (letter, letters.get(at + 1).copied().unwrap_or(' '));
            let joined = match pair {
                ('>', '=') => Some('≥'),
                ('<', '=') => Some('≤'),
                ('>', '>') => Some('≫'),
                ('<', '<') => Some('≪'),
                ('-', '>') => Some('→'),
                _ => None,
            };
            all.push(Sign(joined.unwrap_or(letter)));
            at + if joined.is_some() { 2 } else { 1 }
        };
        at = end;
    }
    all
}

/// The sign that a raised one stands for.
fn raised(letter: char) -> Option<char> {
    let known = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻".chars().zip("0123456789-".chars());
    known.into_iter().find(|(raised, _)| *raised == letter).map(|(_, plain)| plain)
}

/// The formula that begins at a piece of a text, if one does. A number alone is none, and neither is a letter that names a
/// panel of a figure: `panel` tells that the text lists them just here.
pub(crate) fn formula(all: &[Token], at: usize, panel: bool) -> Found {
    let first = all.get(at)?;
    let before = at.checked_sub(1).map(|before| &all[before]);
    let opens = matches!(before, None | Some(Space | Sign('(' | '[' | '|' | '‖')));
    let begins = match first {
        Word(word) => single(word).is_none_or(|letter| is_symbol(all, at, letter, panel)),
        Number(_) => !matches!(before, Some(Word(_))),
        Sign('-') => opens && matches!(all.get(at + 1), Some(Number(_) | Sign(_))),
        Sign(sign) => named(first).is_some() || "√−±([|‖".contains(*sign),
        Space => false,
    };
    if !begins {
        return None;
    }
    let (mut tex, mut next) = operand(all, at, false, 0)?;
    let group = matches!(first, Sign('(' | '['));
    let closed = |next: usize| matches!(all.get(next - 1), Some(Sign(')' | ']')));
    let bare = matches!(first, Number(_)) && next == at + 1;
    let mut is_formula = !(group && closed(next) || bare);
    loop {
        let gap = usize::from(all.get(next) == Some(&Space));
        let (more, end) = match all.get(next + gap) {
            Some(Sign(sign)) if operator(*sign).is_some() => {
                let after = next + gap + 1;
                let wide = usize::from(all.get(after) == Some(&Space));
                let relation = OPERATORS.iter().any(|(known, _, relation)| known == sign && *relation);
                if !relation && gap != wide {
                    break;
                }
                let Some((right, end)) = operand(all, after + wide, true, 0) else { break };
                (format!("{}{right}", operator(*sign).unwrap_or_default()), end)
            }
            Some(Sign('|' | '‖')) if is_formula && !group => {
                let Some((right, end)) = operand(all, next + gap, true, 0) else { break };
                (format!("\\,{right}"), end)
            }
            Some(token) if gap == 0 || tex.starts_with("\\sum") => {
                let joins = match token {
                    Sign('√') => true,
                    Sign('(') => closed(next),
                    token => named(token).is_some() || matches!(token, Word(word) if single(word).is_some()),
                };
                let Some((right, end)) = operand(all, next + gap, true, 0).filter(|_| joins) else { break };
                (right, end)
            }
            _ => break,
        };
        tex.push_str(&more);
        (next, is_formula) = (end, true);
    }
    is_formula.then(|| (tidy(&tex), next))
}

/// The formula without spaces that say nothing.
fn tidy(tex: &str) -> String {
    let words: Vec<&str> = tex.split(' ').filter(|word| !word.is_empty()).collect();
    let idle = [("( ", "("), ("{ ", "{"), (" }", "}"), (" )", ")"), (" ]", "]"), (" ,", ","), (" ;", ";")];
    idle.iter().fold(words.join(" "), |tex, (wide, narrow)| tex.replace(wide, narrow))
}

/// Adds what stands close by: an index, an exponent, arguments.
fn close(tex: &mut String, more: &str) {
    tex.truncate(tex.trim_end().len());
    tex.push_str(more);
}

/// Adds at most one index and one exponent; where the text goes on.
fn scripts(all: &[Token], at: usize, depth: usize, tex: &mut String) -> usize {
    let Some((first, next)) = script(all, at, depth) else { return at };
    close(tex, &first);
    // TeX refuses two of a kind.
    match script(all, next, depth).filter(|_| all[next] != all[at]) {
        Some((second, end)) => {
            close(tex, &second);
            end
        }
        None => next,
    }
}

/// Whether a letter of its own is a symbol where a formula may begin.
fn is_symbol(all: &[Token], at: usize, letter: char, panel: bool) -> bool {
    let token = |place: Option<usize>| place.and_then(|place| all.get(place));
    let (before, after) = (token(at.checked_sub(1)), token(Some(at + 1)));
    let word_before = match (before, token(at.checked_sub(2))) {
        (Some(Space), Some(Word(word))) => word.as_str(),
        _ => "",
    };
    let dotted = after == Some(&Sign('.')) && matches!(token(Some(at + 2)), Some(Word(_)));
    if dotted || matches!(before, Some(Sign('\'' | '’' | '.'))) || matches!(after, Some(Number(_))) {
        return false;
    }
    let beyond = if after == Some(&Space) { token(Some(at + 2)) } else { after };
    let related =
        matches!(beyond, Some(Sign(sign)) if OPERATORS.iter().any(|(known, _, is)| known == sign && *is));
    let tied = related
        || matches!(after, Some(Sign('_' | '^' | '(' | '[' | '/' | '·')))
        || after.is_some_and(|after| matches!(after, Sign(_)) && named(after).is_some());
    let listed = matches!(before, Some(Sign('('))) && matches!(after, Some(Sign(')' | ',' | '-')));
    match letter {
        'a' | 'b' | 's' | 'A' | 'I' => tied,
        'B' => tied || !(listed || word_before.starts_with("task")),
        'c'..='f' => tied || !(panel || listed || word_before == "in"),
        _ => true,
    }
}

/// An operand with its indices, exponents and arguments; `inside` a formula, where any letter is a symbol.
fn operand(all: &[Token], at: usize, inside: bool, depth: usize) -> Found {
    if depth > DEEPEST {
        return None;
    }
    let token = all.get(at)?;
    let (mut tex, mut next, calls) = match token {
        Sign('√') => {
            let (under, next) = operand(all, at + 1, true, depth + 1)?;
            (format!("\\sqrt{{{under}}}"), next, false)
        }
        Sign('-' | '−') => {
            let (rest, next) = operand(all, at + 1, true, depth + 1)?;
            return Some((format!("-{rest}"), next));
        }
        Sign('±') => {
            let (rest, next) = operand(all, at + 1, true, depth + 1)?;
            return Some((format!("\\pm {rest}"), next));
        }
        Sign('Σ') if all.get(at + 1) == Some(&Sign('_')) => ("\\sum".to_owned(), at + 1, false),
        Sign('(' | '[' | '|' | '‖') => {
            let (inner, next) = group(all, at, depth + 1)?;
            (inner, next, false)
        }
        Number(digits) => (digits.clone(), at + 1, false),
        Word(word) if word == "sqrt" => {
            let (inner, next) = content(all, at + 1, depth + 1)?;
            (format!("\\sqrt{{{inner}}}"), next, false)
        }
        Word(word) if FUNCTIONS.iter().any(|(name, _)| name == word) => {
            return function(all, at, inside, depth + 1);
        }
        // A projection on both sides, in statistics.
        Word(word) if single(word).is_some() || inside && word == "PAP" => (word.clone(), at + 1, true),
        token => (named(token)?.to_owned(), at + 1, true),
    };
    next = scripts(all, next, depth, &mut tex);
    if calls
        && matches!(all.get(next), Some(Sign('(' | '[')))
        && let Some((arguments, end)) = group(all, next, depth + 1)
    {
        close(&mut tex, &arguments);
        next = scripts(all, end, depth, &mut tex);
    }
    Some((tex, next))
}

/// A function, with its argument where that is a formula too.
fn function(all: &[Token], at: usize, inside: bool, depth: usize) -> Found {
    let Word(word) = all.get(at)? else { return None };
    let (_, name) = FUNCTIONS.iter().find(|(name, _)| name == word)?;
    let mut tex = (*name).to_owned();
    let next = scripts(all, at + 1, depth, &mut tex);
    let scripted = next > at + 1;
    let (argument, end) = match all.get(next) {
        Some(Sign('(' | '[')) => {
            let (arguments, end) = group(all, next, depth)?;
            close(&mut tex, &arguments);
            let end = scripts(all, end, depth, &mut tex);
            return Some((tex, end));
        }
        Some(Space) if !matches!(all.get(next + 1), Some(Number(_) | Sign('(' | '-' | '−'))) => {
            match operand(all, next + 1, true, depth) {
                Some(argument) => argument,
                None if inside || scripted => (String::new(), next),
                None => return None,
            }
        }
        _ if inside || scripted => (String::new(), next),
        _ => return None,
    };
    Some((format!("{tex}{argument}"), end))
}

/// An index or an exponent.
pub(crate) fn script(all: &[Token], at: usize, depth: usize) -> Found {
    let Some(Sign(sign @ ('_' | '^'))) = all.get(at) else { return None };
    let (inner, next) = match all.get(at + 1)? {
        Number(digits) => (digits.clone(), at + 2),
        Word(word) if word.len() <= 3 && named(&Word(word.clone())).is_none() => (word.clone(), at + 2),
        Sign('(' | '{') => content(all, at + 1, depth + 1)?,
        Sign('-' | '−') => match all.get(at + 2)? {
            Number(digits) => (format!("-{digits}"), at + 3),
            _ => return None,
        },
        token => (named(token)?.to_owned(), at + 2),
    };
    Some((format!("{sign}{{{inner}}}"), next))
}

/// A formula in brackets or bars.
fn group(all: &[Token], at: usize, depth: usize) -> Found {
    let (inner, next) = content(all, at, depth)?;
    Some(match all.get(at)? {
        Sign('|') => (format!("\\mathopen|{inner}\\mathclose|"), next),
        Sign('‖') => (format!("\\mathopen\\|{inner}\\mathclose\\|"), next),
        Sign('[') => (format!("[{inner}]"), next),
        _ => (format!("({inner})"), next),
    })
}

/// What stands in brackets or bars, if all of it is formula, and where the text goes on after them.
fn content(all: &[Token], at: usize, depth: usize) -> Found {
    let (Sign(open), true) = (all.get(at)?, depth <= DEEPEST) else { return None };
    let close = match open {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        bar @ ('|' | '‖') => *bar,
        _ => return None,
    };
    let (mut tex, mut next) = (String::new(), at + 1);
    if all.get(next) == Some(&Space) {
        return None;
    }
    while next < at + LONGEST {
        match all.get(next)? {
            Sign(sign) if *sign == close => {
                return (!tex.is_empty()).then(|| (tex.trim().to_owned(), next + 1));
            }
            Space => tex.push(' '),
            Sign('-' | '−') if tex.is_empty() || tex.trim_end().ends_with([',', ';']) => tex.push('-'),
            Sign(sign) if operator(*sign).is_some() => tex.push_str(operator(*sign).unwrap_or_default()),
            Sign(sign @ (',' | ';')) => tex.push(*sign),
            _ => {
                let (operand, end) = operand(all, next, true, depth)?;
                tex.push_str(&operand);
                next = end;
                continue;
            }
        }
        next += 1;
    }
    None
}
