//! What counts as source code that a result depends on.

use std::collections::BTreeSet;
use std::fs;

use spectral_alignment::pipeline::closure::{
    NUMERICAL_CRATES, SOURCES, SourceFile, VIOLATIONS, closure, closure_in,
};

use crate::{graph, lock, tokens};

fn digest(code: &str) -> String {
    tokens::digest(&tokens::canonical(code).unwrap())
}

#[test]
fn formatting_comments_and_tests_do_not_count() {
    let base = digest("pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) }");
    for same in [
        "//! module\n/// doc\n#[doc(hidden)]\n/* x */ pub fn f( a : u32,b:&&u8,\n)->Vec<Vec<u8>>{\n// note\ng(-1.0,(a,),)\n}",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) }\n#[cfg(test)] mod tests { use super::*; }",
        "#[cfg(test)] use a::{b, c}; #[allow(x)] #[cfg(test)] const X: [u8; 2] = { [1, 2] }; pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) }",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) } #[cfg(test)] pub(crate) unsafe fn h() -> u8 where u8: Iterator<Item = u8> { 1 }",
    ] {
        assert_eq!(digest(same), base, "{same}");
    }
    for other in [
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.1, (a,)) }",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(1.0, (a,)) }",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a)) }",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, [a]) }",
        "#[inline] pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) }",
        "#[cfg(not(test))] pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) }",
        "pub fn f(a: u32, b: &&u8) -> Vec<Vec<u8>> { g(-1.0, (a,)) } const X: u8 = 1;",
    ] {
        assert_ne!(digest(other), base, "{other}");
    }
    assert_ne!(digest("a + b"), digest("a b +"));
    assert_ne!(digest(r#"f("a", "b")"#), digest(r#"f("a\", \"b")"#));
    assert_ne!(digest("ab c"), digest("a bc"));
    assert_ne!(digest("a <<= b"), digest("a < <= b"));
    assert_eq!(digest("#![cfg(test)] fn f() {}"), digest(""));
}

/// Scans a crate of the given files; gives its graph and the closure of `root`.
fn scan(files: &[(&str, &str)], root: &str) -> (graph::Graph, Vec<&'static str>) {
    let folder = tempfile::tempdir().unwrap();
    for (path, code) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, code).unwrap();
    }
    let graph = graph::scan(folder.path(), "lab").unwrap();
    let leak = |text: &String| -> &'static str { String::leak(text.clone()) };
    let sources: Vec<SourceFile> = graph
        .files
        .iter()
        .map(|file| SourceFile {
            path: leak(&file.path),
            digest: leak(&file.digest),
            dependencies: Vec::leak(file.dependencies.iter().map(leak).collect()),
        })
        .collect();
    let found = closure_in(&sources, &[root], &["src/skip"]).unwrap();
    (graph, found.files().iter().map(|(path, _)| *path).collect())
}

#[test]
fn every_way_to_name_a_file_is_a_dependency() {
    let files = [
        ("src/lib.rs", "pub mod a; pub mod b; pub struct Thing; pub use crate::b::deep;"),
        ("src/a.rs", "pub fn f() {} pub struct A;"),
        ("src/b/mod.rs", "mod child; pub use child::x; pub mod deep;"),
        ("src/b/child.rs", "pub fn x() { crate::a::f() }"),
        ("src/b/deep/mod.rs", "pub mod leaf;"),
        ("src/b/deep/leaf.rs", "pub const X: f64 = 1.0; include_bytes!(\"../../../data/x.bin\");"),
        ("src/skip/s.rs", "use crate::a::A;"),
        ("src/far.rs", "impl std::fmt::Display for crate::a::A { }"),
        (
            "src/near.rs",
            "use crate::a::A; struct Own; impl From<Own> for A { } impl Own { } impl From<A> for Own { }",
        ),
        ("data/x.bin", "bytes"),
        ("src/main.rs", "use lab::a::A; fn main() { }"),
        ("src/cycle.rs", "use crate::cycle2 as two; fn f() -> two::T {}"),
        ("src/cycle2.rs", "pub struct T; fn g() { crate::cycle::f() }"),
    ];
    let closure = |code: &str| scan(&[&files[..], &[("src/root.rs", code)]].concat(), "src/root.rs").1;
    let (a, leaf) = (vec!["src/a.rs", "src/far.rs"], vec!["data/x.bin", "src/b/deep/leaf.rs"]);
    let with = |lists: &[&[&'static str]]| {
        let mut all: Vec<&str> = lists.concat();
        all.push("src/root.rs");
        all.sort_unstable();
        all.dedup();
        all
    };
    let b = ["src/b/mod.rs", "src/b/child.rs"];
    for (code, expected) in [
        ("fn f() { std::a::b(); x.a::<u8>() }", with(&[])),
        ("use crate::a::A;", with(&[&a])),
        ("fn f(x: &crate::a::A) {}", with(&[&a])),
        ("mod a; use std::fmt::{self, Debug};", with(&[])),
        ("#[cfg(test)] mod tests { use crate::a::A; }", with(&[])),
        ("use crate::skip::s;", with(&[])),
        ("pub(crate) fn f() {} struct Own; impl From<Own> for X { }", with(&[])),
        ("use crate::b::deep::leaf::X;", with(&[&leaf])),
        ("use crate::{a::{self, A}, b::deep::{leaf as l}};", with(&[&a, &leaf])),
        ("use crate::b::deep::leaf::*;", with(&[&leaf])),
        ("use crate::b::deep; fn f() { deep::leaf::X; }", with(&[&leaf, &["src/b/deep/mod.rs"]])),
        ("use crate::b::deep as d; fn f() { d::leaf::X; }", with(&[&leaf, &["src/b/deep/mod.rs"]])),
        ("use crate::b::deep::*; fn f() { leaf::X; }", with(&[&leaf, &["src/b/deep/mod.rs"]])),
        ("use crate::Thing;", with(&[&["src/lib.rs", "src/b/deep/mod.rs"]])),
        ("use crate::deep::leaf::X;", with(&[&["src/lib.rs", "src/b/deep/mod.rs"], &leaf])),
        ("use crate::b::x;", with(&[&b, &a])),
        ("macro_rules! call { () => { crate::a::f() } }", with(&[&a])),
        ("use crate::cycle::f;", with(&[&["src/cycle.rs", "src/cycle2.rs"]])),
        ("macro_rules! m { () => { $crate::a::f() } }", with(&[&a])),
    ] {
        assert_eq!(closure(code), expected, "{code}");
    }
    assert_eq!(scan(&files, "src/main.rs").1, ["src/a.rs", "src/far.rs", "src/main.rs"]);
}

#[test]
fn what_hides_dependencies_is_forbidden() {
    let problems = |code: &str| scan(&[("src/lib.rs", code)], "src/lib.rs").0.violations.len();
    for code in [
        "use super::x;",
        "fn f() { self::g() }",
        "#[path = \"x.rs\"] mod x;",
        "#[macro_use] mod x;",
        "include!(\"x.rs\");",
        "include_str!(concat!(\"a\", \"b\"));",
        "include_str!(\"none.txt\");",
        "fn (",
    ] {
        assert_eq!(problems(code), 1, "{code}");
    }
    for code in
        ["use a::{self, b}; pub(super) fn f(&self) { self.x }", "#[cfg(test)] mod tests { use super::*; }"]
    {
        assert_eq!(problems(code), 0, "{code}");
    }
    assert_eq!(VIOLATIONS, []);
}

#[test]
fn the_program_knows_its_own_sources() {
    let found = closure(&["src/table/mod.rs"], &[]).unwrap();
    let paths: Vec<&str> = found.files().iter().map(|(path, _)| *path).collect();
    for path in ["src/error.rs", "src/digest.rs", "src/table/frame.rs", "src/table/compare.rs"] {
        assert!(paths.contains(&path), "{paths:?}");
    }
    assert!(!paths.contains(&"src/store/mod.rs") && !paths.contains(&"src/lib.rs"), "{paths:?}");
    assert_ne!(found.digest(), closure(&["src/digest.rs"], &[]).unwrap().digest());
    assert!(SOURCES.is_sorted_by(|a, b| a.path < b.path));
    let error = closure(&["src/tabel.rs"], &[]).unwrap_err().to_string();
    assert!(error.contains("src/tabel.rs"), "{error}");
    let names: BTreeSet<&str> = NUMERICAL_CRATES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), 8, "{names:?}");
}

#[test]
fn only_versions_that_are_reached_count() {
    let lock = "[[package]]\nname = \"main\"\nversion = \"1.0.0\"\ndependencies = [\n \"pcg 0.9.0\",\n \"other\",\n]\n\n\
        [[package]]\nname = \"other\"\nversion = \"3.0.0\"\ndependencies = [\n \"core 0.1.0\",\n]\n\n\
        [[package]]\nname = \"pcg\"\nversion = \"0.9.0\"\ndependencies = [\n \"core 0.2.0\",\n]\n\n\
        [[package]]\nname = \"pcg\"\nversion = \"0.8.0\"\n\n\
        [[package]]\nname = \"core\"\nversion = \"0.1.0\"\n\n[[package]]\nname = \"core\"\nversion = \"0.2.0\"\n";
    let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    assert_eq!(
        lock::versions(lock, "main", &["pcg", "core"]).unwrap(),
        [pair("core", "0.2.0"), pair("pcg", "0.9.0")]
    );
}
