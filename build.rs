//! Embeds digests of the source code and the versions that results depend on.
//!
//! The program must know which code made a result without reading the source at run time.
//! Everything here is a function of the sources and of `Cargo.lock` alone: no commit, no time.

#[path = "build/graph.rs"]
mod graph;
#[path = "build/lock.rs"]
mod lock;
#[path = "build/paths.rs"]
mod paths;
#[path = "build/tokens.rs"]
mod tokens;

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs, io};

/// Crates whose version can change a number.
const NUMERICAL: [&str; 8] =
    ["blas", "lapack", "libm", "ndarray", "num-complex", "pulp", "rand_core", "rand_pcg"];

/// Crates that can change a verdict or the bytes of a figure, but no table.
const PRESENTING: [&str; 16] = [
    "flate2",
    "float-cmp",
    "kurbo",
    "krilla",
    "miniz_oxide",
    "pdf-writer",
    "plotters",
    "plotters-backend",
    "plotters-svg",
    "skrifa",
    "statrs",
    "subsetter",
    "ttf-parser",
    "write-fonts",
    "xmp-writer",
    "zlib-rs",
];

fn main() -> io::Result<()> {
    let package = variable("CARGO_MANIFEST_DIR")?;
    let package = Path::new(&package);
    let name = variable("CARGO_PKG_NAME")?;
    let graph = graph::scan(package, &name.replace('-', "_"))?;
    let lock = fs::read_to_string(package.join("Cargo.lock"))?;
    let versions = |wanted: &[&str]| lock::versions(&lock, &name, wanted).map_err(io::Error::other);
    let versions = [versions(&NUMERICAL)?, versions(&PRESENTING)?];
    let code = render(&graph, &versions, [&bytes(package, &graph)?, &compiler()?, &variable("TARGET")?])
        .map_err(|error| io::Error::other(error.to_string()))?;
    fs::write(Path::new(&variable("OUT_DIR")?).join("sources.rs"), code)?;
    for path in ["src", "build", "build.rs", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={path}");
    }
    for file in graph.files.iter().filter(|file| !file.path.starts_with("src/")) {
        println!("cargo::rerun-if-changed={}", file.path);
    }
    Ok(())
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

/// Digest of the bytes of all sources, by which the program knows whether they have been touched since.
fn bytes(package: &Path, graph: &graph::Graph) -> io::Result<String> {
    let mut hasher = Sha256::new();
    for file in &graph.files {
        let bytes = fs::read(package.join(&file.path))?;
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
    }
    Ok(tokens::hex(&hasher.finalize()))
}

/// First line of what the compiler says about its version.
fn compiler() -> io::Result<String> {
    let answer = Command::new(variable("RUSTC")?).arg("--version").output()?;
    Ok(String::from_utf8_lossy(&answer.stdout).lines().next().unwrap_or("unknown").to_owned())
}

fn render(
    graph: &graph::Graph,
    [numerical, presenting]: &[Vec<(String, String)>; 2],
    [bytes, compiler, target]: [&str; 3],
) -> Result<String, std::fmt::Error> {
    let mut code = String::new();
    writeln!(code, "/// All source files, sorted by path.")?;
    writeln!(code, "pub static SOURCES: &[SourceFile] = &[")?;
    for file in &graph.files {
        writeln!(
            code,
            "    SourceFile {{ path: {:?}, digest: {:?}, dependencies: &{:?} }},",
            file.path, file.digest, file.dependencies
        )?;
    }
    writeln!(code, "];")?;
    writeln!(code, "/// What hides dependencies: file and problem. Must be empty; a test says so.")?;
    writeln!(code, "pub static VIOLATIONS: &[(&str, &str)] = &{:?};", graph.violations)?;
    writeln!(code, "/// Locked versions of the crates that can change a number: name and version.")?;
    writeln!(code, "pub static NUMERICAL_CRATES: &[(&str, &str)] = &{numerical:?};")?;
    writeln!(code, "/// Locked versions of the crates that can change a verdict or a figure.")?;
    writeln!(code, "pub static PRESENTING_CRATES: &[(&str, &str)] = &{presenting:?};")?;
    writeln!(code, "/// SHA-256 of the bytes of all sources in their order, each after its length.")?;
    writeln!(code, "pub const SOURCE_BYTES: &str = {bytes:?};")?;
    writeln!(code, "/// The compiler that built this program.")?;
    writeln!(code, "pub const COMPILER: &str = {compiler:?};")?;
    writeln!(code, "/// The target triple this program was built for.")?;
    writeln!(code, "pub const TARGET: &str = {target:?};")?;
    Ok(code)
}
