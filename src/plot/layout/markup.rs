//! The markup of labels: upright text, and between dollar signs a small subset of TeX mathematics.

use crate::plot::description::error::PlotError;

/// What a mathematical character is, which decides the space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Ordinary,
    Binary,
    Relation,
    Punctuation,
    Opening,
}

/// One piece of a parsed label.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    /// A character and its class.
    Symbol(char, Class),
    /// Space in em.
    Space(f64),
    /// Pieces that belong together.
    Group(Vec<Node>),
    /// A combining accent over pieces.
    Accent(char, Vec<Node>),
    /// A square root.
    Root(Vec<Node>),
    /// Pieces with subscript and superscript.
    Scripts { base: Vec<Node>, sub: Vec<Node>, sup: Vec<Node> },
}

use Class::{Binary, Opening, Ordinary, Punctuation, Relation};

/// Commands that stand for one character.
#[rustfmt::skip]
const COMMANDS: &[(&str, char, Class)] = &[
    ("alpha", '𝛼', Ordinary), ("beta", '𝛽', Ordinary), ("gamma", '𝛾', Ordinary), ("delta", '𝛿', Ordinary),
    ("epsilon", '𝜖', Ordinary), ("varepsilon", '𝜀', Ordinary), ("zeta", '𝜁', Ordinary), ("eta", '𝜂', Ordinary),
    ("theta", '𝜃', Ordinary), ("kappa", '𝜅', Ordinary), ("lambda", '𝜆', Ordinary), ("mu", '𝜇', Ordinary),
    ("nu", '𝜈', Ordinary), ("xi", '𝜉', Ordinary), ("pi", '𝜋', Ordinary), ("rho", '𝜌', Ordinary),
    ("sigma", '𝜎', Ordinary), ("tau", '𝜏', Ordinary), ("phi", '𝜙', Ordinary), ("varphi", '𝜑', Ordinary),
    ("chi", '𝜒', Ordinary), ("psi", '𝜓', Ordinary), ("omega", '𝜔', Ordinary), ("Gamma", 'Γ', Ordinary),
    ("Delta", 'Δ', Ordinary), ("Theta", 'Θ', Ordinary), ("Lambda", 'Λ', Ordinary), ("Sigma", 'Σ', Ordinary),
    ("Phi", 'Φ', Ordinary), ("Psi", 'Ψ', Ordinary), ("Omega", 'Ω', Ordinary), ("nabla", '∇', Ordinary),
    ("partial", '𝜕', Ordinary), ("infty", '∞', Ordinary), ("ell", 'ℓ', Ordinary), ("prime", '′', Ordinary),
    ("star", '⋆', Ordinary), ("bigstar", '★', Ordinary), ("top", '⊤', Ordinary), ("perp", '⟂', Ordinary),
    ("|", '‖', Ordinary), ("ldots", '…', Ordinary), ("cdots", '⋯', Ordinary), ("R", 'ℝ', Ordinary),
    ("times", '×', Binary), ("cdot", '⋅', Binary), ("pm", '±', Binary), ("mp", '∓', Binary),
    ("otimes", '⊗', Binary), ("oplus", '⊕', Binary), ("circ", '∘', Binary), ("cup", '∪', Binary),
    ("leq", '≤', Relation), ("geq", '≥', Relation), ("neq", '≠', Relation), ("approx", '≈', Relation),
    ("sim", '∼', Relation), ("propto", '∝', Relation), ("equiv", '≡', Relation), ("ll", '≪', Relation),
    ("gg", '≫', Relation), ("to", '→', Relation), ("in", '∈', Relation), ("subset", '⊂', Relation),
    ("langle", '⟨', Opening), ("rangle", '⟩', Ordinary), ("{", '{', Opening), ("}", '}', Ordinary),
    ("$", '$', Ordinary), ("%", '%', Ordinary), ("_", '_', Ordinary), ("#", '#', Ordinary), ("&", '&', Ordinary),
];

/// Accents and the combining character that draws each.
#[rustfmt::skip]
const ACCENTS: &[(&str, char)] = &[
    ("hat", '\u{302}'), ("bar", '\u{304}'), ("tilde", '\u{303}'), ("dot", '\u{307}'), ("vec", '\u{20d7}'),
];

/// Names set upright.
#[rustfmt::skip]
const FUNCTIONS: &[&str] = &["log", "ln", "exp", "min", "max", "tr", "det", "dim", "rank", "diag", "sign", "sin", "cos", "Span"];

/// Spaces in em.
#[rustfmt::skip]
const SPACES: &[(&str, f64)] = &[(",", 1.0 / 6.0), (":", 2.0 / 9.0), (";", 5.0 / 18.0), (" ", 0.25), ("quad", 1.0), ("!", -1.0 / 6.0)];

/// Parses a label.
pub(crate) fn parse(text: &str) -> Result<Vec<Node>, PlotError> {
    let mut parser = Parser { text, rest: text.chars().peekable() };
    let mut nodes = Vec::new();
    while let Some(character) = parser.rest.next() {
        match character {
            '$' => {
                nodes.push(Node::Group(parser.math('$')?));
            }
            '\\' if parser.rest.peek() == Some(&'$') => {
                parser.rest.next();
                nodes.push(Node::Symbol('$', Ordinary));
            }
            other => nodes.push(Node::Symbol(other, Ordinary)),
        }
    }
    Ok(nodes)
}

struct Parser<'t> {
    text: &'t str,
    rest: std::iter::Peekable<std::str::Chars<'t>>,
}

impl Parser<'_> {
    fn error(&self, problem: impl Into<String>) -> PlotError {
        PlotError::Markup { text: self.text.to_owned(), problem: problem.into() }
    }

    /// Everything up to `end`, which is consumed.
    fn math(&mut self, end: char) -> Result<Vec<Node>, PlotError> {
        let mut nodes: Vec<Node> = Vec::new();
        loop {
            let Some(&next) = self.rest.peek() else {
                return Err(self.error(format!("`{end}` is missing")));
            };
            if next == end {
                self.rest.next();
                return Ok(nodes);
            }
            match next {
                '$' | '}' => return Err(self.error(format!("`{next}` where `{end}` was expected"))),
                '_' | '^' => {
                    self.rest.next();
                    let script = self.atom()?;
                    let (base, mut sub, mut sup) = match nodes.pop() {
                        Some(Node::Scripts { base, sub, sup }) => (base, sub, sup),
                        Some(Node::Space(_)) | None => {
                            return Err(self.error(format!("nothing before `{next}`")));
                        }
                        Some(node) => (vec![node], vec![], vec![]),
                    };
                    let slot = if next == '_' { &mut sub } else { &mut sup };
                    if !slot.is_empty() {
                        return Err(self.error(format!("two `{next}` on one base")));
                    }
                    *slot = vec![script];
                    nodes.push(Node::Scripts { base, sub, sup });
                }
                ' ' => {
                    self.rest.next();
                }
                _ => {
                    let node = self.atom()?;
                    nodes.push(node);
                }
            }
        }
    }

    /// A group, a command or a character.
    fn atom(&mut self) -> Result<Node, PlotError> {
        match self.rest.next() {
            None => Err(self.error("ends too early")),
            Some('{') => Ok(Node::Group(self.math('}')?)),
            Some('\\') => self.command(),
            Some(character @ ('_' | '^' | '}' | '$')) => {
                Err(self.error(format!("`{character}` is out of place")))
            }
            Some(character) => Ok(symbol(character)),
        }
    }

    fn command(&mut self) -> Result<Node, PlotError> {
        let mut name = String::new();
        while let Some(&next) = self.rest.peek() {
            if next.is_ascii_alphabetic() || name.is_empty() {
                name.push(next);
                self.rest.next();
                if !next.is_ascii_alphabetic() {
                    break;
                }
            } else {
                break;
            }
        }
        if let Some(&(_, character, class)) = COMMANDS.iter().find(|(known, ..)| *known == name) {
            return Ok(Node::Symbol(character, class));
        }
        if let Some(&(_, accent)) = ACCENTS.iter().find(|(known, _)| *known == name) {
            return Ok(Node::Accent(accent, vec![self.argument()?]));
        }
        if let Some(&(_, width)) = SPACES.iter().find(|(known, _)| *known == name) {
            return Ok(Node::Space(width));
        }
        if FUNCTIONS.contains(&name.as_str()) {
            let mut letters: Vec<Node> = name.chars().map(|letter| Node::Symbol(letter, Ordinary)).collect();
            while self.rest.peek() == Some(&' ') {
                self.rest.next();
            }
            let tight = matches!(self.rest.peek(), None | Some('(' | '[' | '_' | '^' | '$' | '}'));
            letters.extend((!tight).then_some(Node::Space(1.0 / 6.0)));
            return Ok(Node::Group(letters));
        }
        match name.as_str() {
            "sqrt" => Ok(Node::Root(vec![self.argument()?])),
            "mathrm" | "text" => self.letters(|letter| letter),
            "mathbf" => self.letters(bold),
            "mathcal" => self.letters(script),
            _ => Err(self.error(format!("unknown command `\\{name}`"))),
        }
    }

    fn argument(&mut self) -> Result<Node, PlotError> {
        while self.rest.peek() == Some(&' ') {
            self.rest.next();
        }
        self.atom()
    }

    /// `{letters}` with each letter changed.
    fn letters(&mut self, change: impl Fn(char) -> char) -> Result<Node, PlotError> {
        if self.rest.next() != Some('{') {
            return Err(self.error("`{` expected"));
        }
        let mut nodes = Vec::new();
        for letter in self.rest.by_ref() {
            if letter == '}' {
                return Ok(Node::Group(nodes));
            }
            nodes.push(Node::Symbol(change(letter), Ordinary));
        }
        Err(self.error("`}` is missing"))
    }
}

fn shifted(letter: char, capital: u32, small: u32) -> char {
    let code = match letter {
        'A'..='Z' => capital + u32::from(letter) - u32::from('A'),
        'a'..='z' => small + u32::from(letter) - u32::from('a'),
        _ => return letter,
    };
    char::from_u32(code).unwrap_or(letter)
}

/// The mathematical bold letter.
pub(crate) fn bold(letter: char) -> char {
    shifted(letter, 0x1d400, 0x1d41a)
}

#[rustfmt::skip]
fn script(letter: char) -> char {
    match letter {
        'B' => 'ℬ', 'E' => 'ℰ', 'F' => 'ℱ', 'H' => 'ℋ', 'I' => 'ℐ', 'L' => 'ℒ', 'M' => 'ℳ', 'R' => 'ℛ',
        other => shifted(other, 0x1d49c, 0x1d4b6),
    }
}

fn italic(letter: char) -> char {
    match letter {
        'h' => 'ℎ',
        'α'..='ω' => char::from_u32(0x1d6fc + u32::from(letter) - u32::from('α')).unwrap_or(letter),
        other => shifted(other, 0x1d434, 0x1d44e),
    }
}

/// A character typed inside mathematics.
fn symbol(character: char) -> Node {
    match character {
        '-' | '−' => Node::Symbol('−', Binary),
        '*' => Node::Symbol('∗', Binary),
        '\'' => Node::Symbol('′', Ordinary),
        '+' | '±' | '×' | '⋅' | '⊗' => Node::Symbol(character, Binary),
        '=' | '<' | '>' | '≤' | '≥' | '≈' | '∼' | '∝' | '→' | '∈' | '≪' | '≫' => {
            Node::Symbol(character, Relation)
        }
        ':' => Node::Symbol(':', Relation),
        ',' | ';' => Node::Symbol(character, Punctuation),
        '(' | '[' => Node::Symbol(character, Opening),
        other => Node::Symbol(italic(other), Ordinary),
    }
}
