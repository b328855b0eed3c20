//! What one Rust file names: imports, paths, child modules, blocks of `impl`, and what is forbidden.

use std::collections::BTreeSet;

use crate::tokens::{Token, closing};

/// One leaf of a `use` tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Segments as written, from the first.
    pub path: Vec<String>,
    /// Name that the file can use afterwards; nothing for a glob.
    pub name: Option<String>,
}

/// The header of one `impl` block.
#[derive(Clone, Debug, Default)]
pub struct Implementation {
    /// Whether the header names a type or trait of this file.
    pub local: bool,
    /// All paths in the header.
    pub paths: Vec<Vec<String>>,
}

/// Everything that decides which other files a file depends on.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// Leaves of all `use` trees.
    pub imports: Vec<Import>,
    /// All other paths, as written.
    pub paths: Vec<Vec<String>>,
    /// Names of `mod x;`.
    pub children: BTreeSet<String>,
    /// All `impl` blocks.
    pub implementations: Vec<Implementation>,
    /// Files that `include_str!` and `include_bytes!` name, as written.
    pub included: Vec<String>,
    /// What would hide a dependency, in words.
    pub forbidden: Vec<String>,
}

/// Reads off everything that `tokens` name.
pub fn names(tokens: &[Token]) -> Names {
    let mut names = Names::default();
    let own = definitions(tokens);
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].is_word("use") && !tokens.get(at + 1).is_some_and(|next| next.is_operator("<")) {
            let end = (at..tokens.len()).find(|&end| tokens[end].is_operator(";")).unwrap_or(tokens.len());
            tree(&tokens[at + 1..end], &[], &mut names.imports);
            at = end;
        } else if tokens[at].is_word("mod") {
            if let (Some(Token::Word(child)), Some(end)) = (tokens.get(at + 1), tokens.get(at + 2))
                && end.is_operator(";")
            {
                names.children.insert(child.clone());
            }
            at += 2;
        } else if tokens[at].is_word("impl") && starts_item(tokens, at) {
            names.implementations.push(implementation(tokens, at, &own));
            at += 1;
        } else if let Some((path, end)) = path(tokens, at) {
            // `crate` alone is the visibility `pub(crate)`.
            if path != ["crate"] {
                names.paths.push(path);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    forbidden(tokens, &mut names);
    names
}

/// Names of types and traits that the file defines itself.
fn definitions(tokens: &[Token]) -> BTreeSet<String> {
    tokens
        .windows(2)
        .filter_map(|pair| match pair {
            [Token::Word(keyword), Token::Word(name)]
                if ["struct", "enum", "union", "trait"].contains(&keyword.as_str()) =>
            {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}

/// The path that begins at `at`, and the index behind it.
fn path(tokens: &[Token], at: usize) -> Option<(Vec<String>, usize)> {
    let Token::Word(first) = tokens.get(at)? else { return None };
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    // After `.` it is a field or a method; after `::` a continuation or an outer crate.
    if before.is_some_and(|token| token.is_operator(".") || token.is_operator("::")) {
        return None;
    }
    let (mut segments, mut end) = (vec![first.clone()], at + 1);
    while let (Some(separator), Some(Token::Word(next))) = (tokens.get(end), tokens.get(end + 1))
        && separator.is_operator("::")
    {
        segments.push(next.clone());
        end += 2;
    }
    Some((segments, end))
}

/// Leaves of the `use` tree in `tokens`, below `prefix`.
fn tree(tokens: &[Token], prefix: &[String], out: &mut Vec<Import>) {
    let mut path = prefix.to_vec();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Word(word) if word == "as" => {
                if let Some(Token::Word(name)) = tokens.get(at + 1) {
                    out.push(Import { path, name: Some(name.clone()) });
                }
                return;
            }
            Token::Word(word) if word == "self" && (at > 0 || !prefix.is_empty()) => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Operator(operator) if operator == "*" => {
                out.push(Import { path, name: None });
                return;
            }
            Token::Operator(operator) if operator == "::" && at == 0 && prefix.is_empty() => {
                path.push(String::new());
            }
            Token::Open(_) => {
                let inner = &tokens[at + 1..closing(tokens, at)];
                for part in split(inner) {
                    tree(part, &path, out);
                }
                return;
            }
            _ => {}
        }
        at += 1;
    }
    let name = path.last().cloned();
    out.push(Import { path, name });
}

/// Splits at the commas outside of brackets.
fn split(tokens: &[Token]) -> Vec<&[Token]> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => depth -= 1,
            token if depth == 0 && token.is_operator(",") => {
                parts.push(&tokens[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether the `impl` at `at` starts an item, as opposed to an `impl Trait` type.
fn starts_item(tokens: &[Token], at: usize) -> bool {
    at.checked_sub(1).and_then(|before| tokens.get(before)).is_none_or(|before| {
        matches!(before, Token::Open('{') | Token::Close('}' | ']'))
            || before.is_operator(";")
            || before.is_word("unsafe")
    })
}

/// Whoever uses an `impl` whose header names a type or trait of the same file has to go through that
/// file; all others are found by what their header names.
fn implementation(tokens: &[Token], at: usize, own: &BTreeSet<String>) -> Implementation {
    let end = (at..tokens.len()).find(|&end| tokens[end] == Token::Open('{')).unwrap_or(tokens.len());
    let header = &tokens[at + 1..end];
    let mut found = Implementation::default();
    let mut index = 0;
    while index < header.len() {
        let Some((path, next)) = path(header, index) else {
            index += 1;
            continue;
        };
        found.local |= path.len() == 1 && own.contains(&path[0]);
        found.paths.push(path);
        index = next;
    }
    found
}

fn forbidden(tokens: &[Token], names: &mut Names) {
    for (at, token) in tokens.iter().enumerate() {
        let Token::Word(word) = token else { continue };
        let next = tokens.get(at + 1);
        let separator = next.is_some_and(|next| next.is_operator("::"));
        let called = next.is_some_and(|next| next.is_operator("!"));
        let attribute = at >= 2
            && tokens[at - 1] == Token::Open('[')
            && (tokens[at - 2].is_operator("#") || tokens[at - 2].is_operator("!"));
        match word.as_str() {
            "super" | "self" if separator => {
                names.forbidden.push(format!("a path begins with `{word}::`; write it from `crate::`"));
            }
            "path" | "macro_use" | "macro_export" if attribute => {
                names.forbidden.push(format!("`#[{word}]` hides which file is used"));
            }
            "include_str" | "include_bytes" if called => match tokens.get(at + 3) {
                Some(Token::Literal(literal)) => names.included.push(literal.trim_matches('"').to_owned()),
                _ => names.forbidden.push(format!("`{word}!` needs a literal file name")),
            },
            // The only thing that may be included as code is what the build script wrote.
            "include" if called => {
                let end = closing(tokens, at + 2);
                let generated =
                    |token: &Token| matches!(token, Token::Literal(text) if text == "\"OUT_DIR\"");
                if !tokens[at..end].iter().any(generated) {
                    names.forbidden.push("`include!` hides which file is used".to_owned());
                }
            }
            _ => {}
        }
    }
}
