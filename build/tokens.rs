//! Canonical tokens of a Rust file: what is left when formatting, comments, documentation and
//! tests are taken away.

use std::str::FromStr;

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use sha2::{Digest, Sha256};

/// One token of a flattened file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword or a name; raw names without their `r#`.
    Word(String),
    /// An operator, as long as Rust reads it: `::`, `->`, `<<=`.
    Operator(String),
    /// A literal exactly as written.
    Literal(String),
    /// An opening `(`, `[` or `{`.
    Open(char),
    /// The matching closing bracket.
    Close(char),
}

impl Token {
    /// Whether this is the word `text`.
    pub fn is_word(&self, text: &str) -> bool {
        matches!(self, Self::Word(word) if word == text)
    }

    /// Whether this is the operator `text`.
    pub fn is_operator(&self, text: &str) -> bool {
        matches!(self, Self::Operator(operator) if operator == text)
    }
}

/// Tokens of `text` without comments, documentation and `#[cfg(test)]` items.
///
/// # Errors
/// What cannot be tokenised, in words.
pub fn canonical(text: &str) -> Result<Vec<Token>, String> {
    let stream = TokenStream::from_str(text).map_err(|error| error.to_string())?;
    let mut flat = Vec::new();
    flatten(stream, &mut flat);
    Ok(without_trailing_commas(&without_attributes(&flat)))
}

/// Hexadecimal SHA-256 of a token list; lengths go in front, so that no two lists collide.
pub fn digest(tokens: &[Token]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"rust tokens 1\0");
    for token in tokens {
        let (kind, text) = match token {
            Token::Word(text) => (b'w', text.clone()),
            Token::Operator(text) => (b'o', text.clone()),
            Token::Literal(text) => (b'l', text.clone()),
            Token::Open(bracket) => (b'(', bracket.to_string()),
            Token::Close(bracket) => (b')', bracket.to_string()),
        };
        hasher.update([kind]);
        hasher.update((text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hex(&hasher.finalize())
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Index of the bracket that closes the one at `open` (or the last index, if there is none).
pub fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close(_) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    tokens.len().saturating_sub(1)
}

fn flatten(stream: TokenStream, out: &mut Vec<Token>) {
    let mut joint = String::new();
    for tree in stream {
        if let TokenTree::Punct(punct) = &tree {
            joint.push(punct.as_char());
            if punct.spacing() == Spacing::Joint {
                continue;
            }
        }
        split_operators(&mut joint, out);
        match tree {
            TokenTree::Punct(_) => {}
            TokenTree::Ident(word) => {
                let word = word.to_string();
                out.push(Token::Word(word.strip_prefix("r#").unwrap_or(&word).to_owned()));
            }
            TokenTree::Literal(literal) => out.push(Token::Literal(literal.to_string())),
            TokenTree::Group(group) => {
                let brackets = match group.delimiter() {
                    Delimiter::Parenthesis => Some(('(', ')')),
                    Delimiter::Bracket => Some(('[', ']')),
                    Delimiter::Brace => Some(('{', '}')),
                    Delimiter::None => None,
                };
                out.extend(brackets.map(|(open, _)| Token::Open(open)));
                flatten(group.stream(), out);
                out.extend(brackets.map(|(_, close)| Token::Close(close)));
            }
        }
    }
    split_operators(&mut joint, out);
}

/// Longest first, so that the split does not depend on spaces between operators.
const OPERATORS: [&str; 24] = [
    "<<=", ">>=", "...", "..=", "&&", "||", "==", "!=", "<=", ">=", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "<<", ">>", "->", "=>", "::", "..",
];

fn split_operators(joint: &mut String, out: &mut Vec<Token>) {
    let mut rest = joint.as_str();
    while let Some(first) = rest.chars().next() {
        let length = OPERATORS
            .iter()
            .find(|operator| rest.starts_with(**operator))
            .map_or(first.len_utf8(), |operator| operator.len());
        let (operator, tail) = rest.split_at(length);
        out.push(Token::Operator(operator.to_owned()));
        rest = tail;
    }
    joint.clear();
}

/// End of the attribute that starts at `at`, and its content.
fn attribute(tokens: &[Token], at: usize) -> Option<(usize, &[Token])> {
    if !tokens.get(at)?.is_operator("#") {
        return None;
    }
    let open = at + 1 + usize::from(tokens.get(at + 1)?.is_operator("!"));
    if tokens.get(open) != Some(&Token::Open('[')) {
        return None;
    }
    let close = closing(tokens, open);
    Some((close + 1, tokens.get(open + 1..close)?))
}

fn is_documentation(content: &[Token]) -> bool {
    content.first().is_some_and(|token| token.is_word("doc"))
}

fn is_test(content: &[Token]) -> bool {
    matches!(content, [Token::Word(cfg), Token::Open('('), Token::Word(test), Token::Close(')')]
        if cfg == "cfg" && test == "test")
}

fn without_attributes(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        let (mut end, mut tests, mut run) = (at, false, Vec::new());
        while let Some((next, content)) = attribute(tokens, end) {
            let inner = tokens.get(end + 1).is_some_and(|token| token.is_operator("!"));
            if inner && is_test(content) && kept.is_empty() {
                return Vec::new();
            }
            tests |= !inner && is_test(content);
            if !is_documentation(content) {
                run.extend_from_slice(&tokens[end..next]);
            }
            end = next;
        }
        if tests && let Some(after) = end_of_item(tokens, end) {
            at = after;
        } else if end > at {
            kept.append(&mut run);
            at = end;
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

/// Index after the item that starts at `start`; nothing if this is no item.
fn end_of_item(tokens: &[Token], start: usize) -> Option<usize> {
    let mut at = start;
    if tokens.get(at)?.is_word("pub") {
        at += 1;
        if tokens.get(at)? == &Token::Open('(') {
            at = closing(tokens, at) + 1;
        }
    }
    let Token::Word(keyword) = tokens.get(at)? else { return None };
    let function = ["fn", "unsafe", "async", "extern"];
    let next = tokens.get(at + 1);
    let until_semicolon = match keyword.as_str() {
        "use" | "static" | "type" | "let" => true,
        "const" => !next.is_some_and(|token| function.iter().any(|word| token.is_word(word))),
        "extern" => next.is_some_and(|token| token.is_word("crate")),
        "mod" | "fn" | "struct" | "enum" | "union" | "impl" | "trait" | "unsafe" | "async"
        | "macro_rules" => false,
        _ => return None,
    };
    while at < tokens.len() {
        match &tokens[at] {
            token if token.is_operator(";") => return Some(at + 1),
            Token::Open(bracket) => {
                at = closing(tokens, at) + 1;
                if *bracket == '{' && !until_semicolon {
                    return Some(at);
                }
            }
            // The item is the last expression of a block: leave the block's end alone.
            Token::Close(_) => return Some(at),
            _ => at += 1,
        }
    }
    Some(at)
}

/// Drops the commas that a formatter adds when it breaks a list over several lines. The one in
/// `(a,)` makes a tuple, so one comma alone between parentheses stays.
fn without_trailing_commas(tokens: &[Token]) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut commas = vec![0_usize];
    for token in tokens {
        match token {
            Token::Open(_) => commas.push(0),
            Token::Close(bracket) => {
                let count = commas.pop().unwrap_or(0);
                let trailing = kept.last().is_some_and(|last| last.is_operator(","));
                if trailing && (*bracket != ')' || count > 1) {
                    kept.pop();
                }
            }
            token if token.is_operator(",") => {
                if let Some(count) = commas.last_mut() {
                    *count += 1;
                }
            }
            _ => {}
        }
        kept.push(token.clone());
    }
    kept
}
