use crate::committing::{EFFORT, SMALL, committed_place, paper};
use crate::support::{Place, copy};
use spectral_alignment::digest::{Value, sha256};
use spectral_alignment::pipeline::run::run;
use spectral_alignment::published::Figures;
use spectral_alignment::published::latex::files;
use spectral_alignment::published::lockfile::LockFile;
use spectral_alignment::published::publish::publish;
use spectral_alignment::published::verify::committed;
use spectral_alignment::stage::Profile;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const FILES: [&str; 2] = ["captions.tex", "numbers.tex"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn lock() -> LockFile {
    Figures::at(&root().join("figures")).lock().unwrap()
}

/// The groups in braces at the top of a text, after white space.
fn groups(text: &str) -> Vec<&str> {
    let (mut all, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (place, letter) in text.char_indices() {
        match letter {
            '{' => {
                depth += 1;
                if depth == 1 {
                    start = place + 1;
                }
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    all.push(&text[start..place]);
                }
            }
            _ => assert!(depth > 0 || letter.is_whitespace(), "{letter} in {text}"),
        }
    }
    assert_eq!(depth, 0, "{text}");
    all
}

/// What the entries of a file hold, by name and field.
fn entries(tex: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    let body = tex.strip_suffix("\\endgroup\n").unwrap();
    for entry in body.split("\n\\SA@entry").skip(1) {
        let [name, fields] = groups(entry)[..] else { panic!("{entry}") };
        let fields = groups(fields);
        let pairs = fields.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].to_owned()));
        assert!(all.insert(name.to_owned(), pairs.collect()).is_none(), "{name} twice");
    }
    all
}

/// The number that stands in a file, and half a unit of its last digit.
fn number(tex: &str) -> (f64, f64) {
    let (digits, power) = tex.split_once(" \\cdot 10^{").unwrap_or((tex, "0}"));
    let power = 10_f64.powi(power.trim_end_matches('}').parse().unwrap());
    let after = digits.split_once('.').map_or(0, |(_, after)| after.len());
    (digits.parse::<f64>().unwrap() * power, 0.5 * power / 10_f64.powi(i32::try_from(after).unwrap()))
}

#[test]
fn every_claim_parameter_and_figure_of_the_lock_has_its_macro() {
    let (folder, lock) = (root().join("figures"), lock());
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap();
    let wanted = files(&lock, |caption| fs::read(folder.join(caption)).ok());
    assert_eq!(wanted.keys().copied().collect::<Vec<_>>(), FILES);
    for file in FILES {
        assert_eq!(text(file).as_bytes(), &wanted[file][..], "{file}");
        assert_eq!(lock.summaries.get(file), Some(&sha256(&wanted[file])));
        assert!(
            wanted[file].iter().all(|byte| matches!(byte, b'\n' | b' '..=b'~')),
            "{file} is not plain ASCII"
        );
        assert!(
            text(file).contains(&format!("Edition {}", lock.edition))
                && text(file).contains(&lock.declarations)
        );
    }
    let numbers = entries(&text("numbers.tex"));
    let mut known = BTreeSet::from(["count".to_owned(), "lock".to_owned()]);
    let mut verdicts = BTreeMap::<String, usize>::new();
    for entry in lock.stages.values().map(|profiles| &profiles["paper"]) {
        for claim in &entry.claims {
            let (name, verdict) = (format!("claim/{}", claim.id), claim.verdict.word());
            let fields = &numbers[&name];
            assert_eq!(fields["verdict"], verdict, "{name}");
            *verdicts.entry(verdict.to_owned()).or_default() += 1;
            assert_eq!(fields["replicates"], claim.replicates.to_string());
            if let (Some(middle), Some(low), Some(high)) = (claim.measured, claim.low, claim.high) {
                let (found, half) = number(&fields["estimate"]);
                assert!((found - middle).abs() <= half * 1.000_001, "{name}: {found} for {middle}");
                let apart = (high - middle).max(middle - low);
                assert!(
                    apart <= 1e-9 * middle.abs() || half <= 0.051 * apart,
                    "{name}: too few digits: {fields:?}"
                );
            }
            known.insert(name);
        }
        for (experiment, parameters) in &entry.parameters {
            let Value::Map(parameters) = parameters else { panic!("{experiment}") };
            let name = format!("parameter/{experiment}");
            for (key, value) in parameters {
                let said = numbers[&name][key].replace("\\ensuremath{", "").replace('}', "");
                match value {
                    Value::Integer(whole) => assert_eq!(said, whole.to_string(), "{name} {key}"),
                    Value::Float(value) => {
                        assert_eq!(number(&said).0.to_bits(), value.to_bits(), "{name} {key}");
                    }
                    Value::Text(text) => assert_eq!(said, *text),
                    _ => assert!(!said.is_empty()),
                }
            }
            let classes = match &parameters.get("probabilities") {
                Some(Value::List(classes)) => Some(classes.len().to_string()),
                _ => None,
            };
            assert_eq!(numbers[&name].get("k"), classes.as_ref(), "{name}");
            assert_eq!(numbers[&name].len(), parameters.len() + usize::from(classes.is_some()), "{name}");
            known.insert(name);
        }
    }
    assert_eq!(numbers.keys().cloned().collect::<BTreeSet<_>>(), known);
    for (verdict, count) in verdicts {
        assert_eq!(numbers["count"][&verdict], count.to_string());
    }
    let figures: BTreeSet<String> = lock
        .stages
        .values()
        .flat_map(|profiles| profiles["paper"].figures.keys())
        .filter_map(|file| Some(format!("figure/{}", file.strip_suffix(".pdf")?)))
        .collect();
    let captions = entries(&text("captions.tex"));
    assert_eq!(captions.keys().cloned().collect::<BTreeSet<_>>(), figures);
    assert!(captions.values().all(|parts| !parts["title"].is_empty() && !parts["body"].is_empty()));
}

/// Runs LaTeX on a file below a folder, into another one; nothing where there is none.
fn pdflatex(folder: &Path, file: &str, out: &Path, more: &[&str]) -> Option<(Output, String)> {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        eprintln!(
            "skipped: there is no pdflatex; `./bootstrap.sh --all` installs it where apt-get or dnf is"
        );
        return None;
    }
    let output = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-output-directory"])
        .arg(out)
        .args(more)
        .arg(file)
        .current_dir(folder)
        .env("max_print_line", "1000")
        .output()
        .unwrap();
    let log = out.join(file).with_extension("log");
    let log = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    Some((output, log))
}

#[test]
fn the_example_compiles_without_a_complaint() {
    let out = tempfile::tempdir().unwrap();
    let folder = root().join("docs/latex");
    for round in 0..3 {
        let Some((output, log)) = pdflatex(&folder, "example.tex", out.path(), &["-halt-on-error"]) else {
            return;
        };
        assert!(output.status.success(), "{log}");
        if round == 2 {
            for complaint in ["Overfull", "undefined", "Missing character", "Warning"] {
                let found: Vec<&str> = log.lines().filter(|line| line.contains(complaint)).collect();
                assert_eq!(found, Vec::<&str>::new());
            }
            assert!(log.contains("example.pdf (2 pages"), "{log}");
        }
    }
}

/// A document that inputs both files of a folder and then this, in all macros.
fn document(figures: &Path, body: &str) -> String {
    format!(
        "\\documentclass{{article}}\\usepackage{{graphicx}}\\graphicspath{{{{{0}/}}}}\\input{{{0}/numbers}}\
         \\input{{{0}/captions}}\\begin{{document}}{body}\\end{{document}}",
        figures.display()
    )
}

#[test]
fn an_unknown_name_is_an_error_that_names_it() {
    let out = tempfile::tempdir().unwrap();
    let bodies = [
        ("\\SAvalue{A9.none}", "numbers.tex has no claim `A9.none'"),
        ("$\\SAbound{A1_x}$", "numbers.tex has no claim `A1_x'"),
        ("\\section{\\SAverdict{}}", "numbers.tex has no claim `'"),
        ("\\SAparameter{gmm}{momentum}", "numbers.tex has no parameter `momentum' of an experiment `gmm'"),
        ("\\SAparameter{gmn}{d}", "numbers.tex has no parameter `d' of an experiment `gmn'"),
        ("\\SAcount{held}", "numbers.tex has no verdict `held'"),
        ("\\SAfigure{gmm-none}", "captions.tex has no figure `gmm-none'"),
        ("\\SAcaption{gmm-none}", "captions.tex has no figure `gmm-none'"),
    ];
    for (body, message) in bodies {
        fs::write(out.path().join("one.tex"), document(&root().join("figures"), body)).unwrap();
        let Some((output, log)) = pdflatex(out.path(), "one.tex", out.path(), &[]) else { return };
        assert!(!output.status.success(), "{body}");
        assert!(log.contains(&format!("! Package spectral-alignment Error: {message}.")), "{body}: {log}");
    }
    let known = "\\section{\\SAvalue{A1.error}} $\\SAbound{A1.error}$ \\SAcount{premise not met} \\SAfigure*[p]{gmm-snr-rates}";
    fs::write(out.path().join("one.tex"), document(&root().join("figures"), known)).unwrap();
    let Some((output, log)) = pdflatex(out.path(), "one.tex", out.path(), &[]) else { return };
    assert!(output.status.success(), "{log}");
}

/// Control sequences of texts, formulas and numbers.
const SAFE: &str = "textbackslash textbraceleft textbraceright textasciicircum textasciitilde dots ensuremath mbox infty \
    alpha beta gamma delta varepsilon lambda mu nu pi rho tau theta phi Sigma sum sqrt surd ln log sin cos exp dim SAop \
    mathopen mathclose cdot times pm le ge ll gg ne to in approx circ endgroup";

/// The control sequences of what follows the macros of a file.
fn commands(tex: &str) -> BTreeSet<String> {
    let body = &tex[tex.find("\n\\SA@entry").unwrap()..];
    let mut all = BTreeSet::new();
    for piece in body.replace("\\SA@entry", "").replace("\\\\", "\\ ").split('\\').skip(1) {
        let word: String = piece.chars().take_while(char::is_ascii_alphabetic).collect();
        all.insert(if word.is_empty() { piece[..1].to_owned() } else { word });
    }
    all
}

#[test]
fn no_text_of_the_lock_is_a_command() {
    let hostile = [
        "\\immediate\\write18{touch pwned}\\openout9=pwned \\input{/etc/passwd}",
        "}}\\write18{touch pwned} % { \\end{document}",
        "^^5cinput{x} ~#1 $x$ & |\\x| _^{{{ x_a_b^c^d (((( ‖√−\n\n\u{0}\u{7f} \\par 日本 \\csname",
        "#",
        "\\",
        "",
    ];
    let safe: BTreeSet<String> = SAFE.split_whitespace().map(str::to_owned).collect();
    let (mut lock, out) = (lock(), tempfile::tempdir().unwrap());
    // One stage is enough.
    lock.stages.retain(|stage, _| stage == "gmm-alignment");
    let entry = lock.stages.get_mut("gmm-alignment").unwrap().get_mut("paper").unwrap();
    let caption = format!("{}\n{}", hostile[0], hostile.join(" "));
    entry.figures = BTreeMap::from([("gmm-alignment.txt".to_owned(), sha256(caption.as_bytes()))]);
    entry.claims.truncate(2 * hostile.len());
    for (claim, text) in entry.claims.iter_mut().zip(hostile.iter().cycle()) {
        (claim.statement, claim.statistic) = ((*text).to_owned(), format!("A1{text}"));
    }
    entry.claims[1].id = hostile[0].to_owned();
    entry.claims[2].id = hostile[2].to_owned();
    (entry.claims[3].measured, entry.claims[4].predicted) = (Some(f64::INFINITY), Some(f64::NAN));
    for text in hostile {
        let list = Value::List(vec![Value::Text(text.to_owned()), Value::Float(f64::NAN)]);
        let fields = [
            (text.to_owned(), list.clone()),
            ("list".to_owned(), Value::Map([(text.to_owned(), list)].into())),
        ];
        entry.parameters.insert(text.to_owned(), Value::Map(BTreeMap::from(fields)));
    }
    lock.declarations = format!("x\n{}", hostile[0]);
    let made = files(&lock, |_| Some(caption.clone().into_bytes()));
    let mut used = String::new();
    for file in FILES {
        let tex = String::from_utf8(made[file].clone()).unwrap();
        let wrong: Vec<String> = commands(&tex)
            .into_iter()
            .filter(|word| !safe.contains(word) && !"%#&_$,{}|".contains(word.as_str()))
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "{file}");
        assert!(tex.is_ascii() && !tex.contains("\\immediate"), "{file}");
        for (name, fields) in entries(&tex) {
            // Every field is typeset.
            for field in fields.keys() {
                writeln!(used, "\\csname SA/{name}/{field}\\endcsname\\par").unwrap();
            }
        }
        fs::write(out.path().join(file), &made[file]).unwrap();
    }
    assert!(used.contains("=5Cimmediate"), "{used}");
    fs::write(out.path().join("one.tex"), document(out.path(), &typeset(&used))).unwrap();
    let Some((output, log)) = pdflatex(out.path(), "one.tex", out.path(), &["-shell-escape"]) else { return };
    assert!(output.status.success(), "{log}");
    let left: BTreeSet<String> = fs::read_dir(out.path())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = ["captions.tex", "numbers.tex", "one.aux", "one.log", "one.pdf", "one.tex"];
    assert_eq!(left, wanted.map(str::to_owned).into());
}

/// Numbers of claims stand in mathematics, everything else in text.
fn typeset(lines: &str) -> String {
    let numbers = ["value", "estimate", "interval", "level", "bound", "predicted"];
    let line = |line: &str| {
        let field =
            line.trim_end_matches("\\endcsname\\par").rsplit('/').next().unwrap_or_default().to_owned();
        let number = line.contains("SA/claim/") && numbers.contains(&field.as_str());
        if number {
            line.replace("\\csname", "$\\csname").replace("\\par", "$\\par")
        } else {
            line.to_owned()
        }
    };
    lines.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_change_by_hand_is_noticed_and_put_right() {
    let (place, figures) = committed_place(&SMALL);
    let done = run(&[&SMALL], &[&SMALL], &place.store(), &paper(), EFFORT).unwrap();
    let path = |file: &str| figures.root().join(file);
    let sound: BTreeMap<&str, Vec<u8>> = FILES.map(|file| (file, fs::read(path(file)).unwrap())).into();
    let lock = fs::read(path("figures.lock")).unwrap();
    let bad = || {
        let rows = committed(&figures, &figures.lock().unwrap(), &SMALL, Profile::Paper).unwrap();
        let bad = rows.into_iter().filter(|row| row.verdict.is_bad());
        bad.map(|row| format!("{} {}", row.what, row.name)).collect::<Vec<_>>()
    };
    assert!(String::from_utf8_lossy(&sound["numbers.tex"]).contains("claim/D3.gmm-template"));
    assert_eq!(bad(), Vec::<String>::new());
    for file in FILES {
        let edited = String::from_utf8_lossy(&sound[file]).replace("Edition", "edition");
        let mut without = figures.lock().unwrap();
        without.summaries.remove(file);
        let old = serde_json::to_vec_pretty(&without).unwrap();
        // A run from before there was such a file; one by another version; a file gone; one edited, with its digest or without.
        let mut signed = figures.lock().unwrap();
        signed.summaries.insert(file.to_owned(), sha256(edited.as_bytes()));
        let signed = serde_json::to_vec_pretty(&signed).unwrap();
        for (bytes, entry) in [
            (None, Some(&old)),
            (Some(&edited), Some(&old)),
            (None, None),
            (Some(&edited), None),
            (Some(&edited), Some(&signed)),
        ] {
            match bytes {
                Some(bytes) => fs::write(path(file), bytes).unwrap(),
                None => fs::remove_file(path(file)).unwrap(),
            }
            fs::write(path("figures.lock"), entry.unwrap_or(&lock)).unwrap();
            assert_eq!(bad(), [format!("text {file}")], "{bytes:?}");
            // No stage changed, and yet the file is written.
            assert_eq!(publish(&figures, &place.store(), &paper(), &done).unwrap(), Vec::<String>::new());
            assert_eq!(fs::read(path(file)).unwrap(), sound[file]);
            assert_eq!(fs::read(path("figures.lock")).unwrap(), lock);
        }
    }
}

#[test]
fn status_tells_that_numbers_were_edited() {
    let place = Place::new();
    copy(&root().join("figures"), &place.figures());
    let stale = |asked: &[&str]| {
        let mut command = place.bare();
        command.args(["status", "--committed", "--json"]).args(asked);
        command.arg("--data").arg(place.data()).arg("--figures").arg(place.figures());
        let answer: crate::support::Answer = command.output().unwrap().into();
        let rows = answer.rows().into_iter().filter(|row| row["stage"].as_str().unwrap().contains('.'));
        let names =
            rows.map(|row| format!("{} {}", row["stage"].as_str().unwrap(), row["status"].as_str().unwrap()));
        (answer.status, names.collect::<Vec<_>>())
    };
    assert_eq!(stale(&[]).1, Vec::<String>::new());
    let path = place.figures().join("numbers.tex");
    let edited = fs::read_to_string(&path).unwrap().replacen("{verdict}{fails}", "{verdict}{holds}", 1);
    fs::write(&path, edited).unwrap();
    assert_eq!(stale(&[]), (Some(1), vec!["numbers.tex stale".to_owned()]));
    fs::remove_file(place.figures().join("values/claims.parquet")).unwrap();
    assert_eq!(stale(&[]).1, ["values/claims.parquet stale", "numbers.tex stale"]);
}
