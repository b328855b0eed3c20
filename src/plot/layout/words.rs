//! Labels as words: what a reader types, searches and hears in place of laid-out mathematics.

use std::fmt::Write as _;

use crate::plot::layout::markup::{Class, Node};

/// Alphabets of mathematical letters: the first, how many there are, and the first of the letters they stand for.
const ALPHABETS: [(u32, u32, char); 5] =
    [(0x1d434, 26, 'A'), (0x1d44e, 26, 'a'), (0x1d400, 26, 'A'), (0x1d41a, 26, 'a'), (0x1d6fc, 25, 'α')];

/// The letter that a mathematical letter stands for, as a reader types it: λ for 𝜆, x for 𝑥.
pub(crate) fn plain_letter(character: char) -> char {
    match character {
        'ℎ' => 'h',
        '𝜕' => '∂',
        '𝜖' => 'ε',
        '𝜙' => 'φ',
        _ => {
            let code = u32::from(character);
            let alphabet = ALPHABETS.iter().find(|(first, count, _)| (*first..first + count).contains(&code));
            alphabet
                .and_then(|(first, _, letter)| char::from_u32(u32::from(*letter) + code - first))
                .unwrap_or(character)
        }
    }
}

/// A parsed label in one line of Unicode: `ρ(x^1; B)`, `H_11`, `λ^(−1/2)`.
pub(crate) fn words(nodes: &[Node]) -> String {
    let mut out = String::new();
    for node in nodes {
        match node {
            Node::Symbol(character, class) => symbol(&mut out, plain_letter(*character), *class),
            Node::Space(width) if *width > 0.0 => out.push(' '),
            Node::Space(_) => {}
            Node::Group(inner) => out.push_str(&words(inner)),
            Node::Accent(accent, base) => {
                out.push_str(&words(base));
                out.push(*accent);
            }
            Node::Root(inner) => {
                let _ = write!(out, "√{}", joined(inner));
            }
            Node::Scripts { base, sub, sup } => {
                out.push_str(&words(base));
                for (mark, script) in [('_', sub), ('^', sup)] {
                    if !script.is_empty() {
                        out.push(mark);
                        out.push_str(&joined(script));
                    }
                }
            }
        }
    }
    out
}

fn symbol(out: &mut String, character: char, class: Class) {
    let operand = out.chars().last().is_some_and(|last| !" (⟨".contains(last));
    let spaces = match class {
        _ if class == Class::Relation || (class == Class::Binary && operand) => (" ", " "),
        Class::Punctuation => ("", " "),
        _ => ("", ""),
    };
    let _ = write!(out, "{}{character}{}", spaces.0, spaces.1);
}

/// Without spaces, in parentheses if it is more than one name or number.
fn joined(nodes: &[Node]) -> String {
    let text = words(nodes).replace(' ', "");
    let one = text.chars().all(char::is_alphanumeric) || text.chars().count() == 1;
    if one { text } else { format!("({text})") }
}
