//! Captions: their length, their symbols, and where their numbers come from.

use crate::support::{quick, quick_settings, tables};
use spectral_alignment::pipeline::run::results;
use spectral_alignment::plot::{Figure, scene};
use spectral_alignment::stage::{Results, Stage};
use spectral_alignment::stages::STAGES;
use spectral_alignment::stages::common::captions::GLOSSARY;
use spectral_alignment::table::{Table, TableBuilder};

/// Words of a caption, that is, what has letters, beside its line of parameters: 60 to 100 at full size. Ranges that are one number
/// there may have two ends at quick size.
const WORDS: std::ops::RangeInclusive<usize> = 60..=104;

/// Numbers in captions that no table gives: levels and margins that the code names, the level of intervals, numbers in the
/// names of things (one less the overlap, the 12 eigenvalues shown), and the chance 3/32 of the coupon collector's law.
const NAMED: [&str; 15] =
    ["0", "0.05", "0.094", "0.1", "0.5", "0.85", "0.9", "1", "2", "4", "5", "10", "12", "95", "1000"];

/// The stages that a run without names computes, with their tables at quick size.
fn stages() -> Vec<(&'static Stage, Results)> {
    let store = quick().store();
    let settings = quick_settings();
    STAGES
        .iter()
        .filter(|stage| !stage.on_request)
        .map(|stage| {
            let (plan, manifest) = tables(&store, &settings, stage.name);
            (*stage, results(&store, &settings, &plan, &manifest).unwrap())
        })
        .collect()
}

/// What a caption says, and its parameters.
fn parts(figure: &Figure) -> (String, String) {
    let caption = figure.caption();
    let body = caption.body();
    let (said, parameters) = body.split_once("Parameters: ").expect("every caption ends with parameters");
    (format!("{}. {said}", caption.title()), parameters.to_owned())
}

#[test]
fn captions_are_short_and_end_with_the_parameters() {
    let mut long = Vec::new();
    for (stage, results) in stages() {
        for figure in (stage.draw)(&results).unwrap() {
            let (said, parameters) = parts(&figure);
            let words = said.split_whitespace().filter(|word| word.chars().any(char::is_alphabetic)).count();
            if !WORDS.contains(&words) {
                long.push(format!("{}: {words} words: {said}", figure.name()));
            }
            assert!(parameters.contains("replicates: "), "{}: {parameters}", figure.name());
            assert!(!said.contains("  ") && !said.contains("NaN"), "{}: {said}", figure.name());
            assert!(!said.contains("replicate 1"), "{}: the first replicate is replicate 0", figure.name());
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn figures_fit_a_page_with_their_captions() {
    // 396 pt take some 95 characters of 8 pt type, in lines 10 pt apart.
    let (page, characters, line) = (200.0 * 72.0 / 25.4, 95, 10.0);
    for (stage, results) in stages() {
        for figure in (stage.draw)(&results).unwrap() {
            let (drawn, _) = scene(&figure).unwrap();
            let lines = figure.caption().text().chars().count().div_ceil(characters);
            let height = drawn.height + line * lines as f64;
            assert!(height <= page, "{}: {height:.0} pt with its caption", figure.name());
        }
    }
}

#[test]
fn the_glossary_has_the_symbols_of_captions() {
    let symbols = [
        ("ρ(", "`ρ(x; B)`"),
        ("sin", "`sin(x; B)`"),
        ("B_t", "`B_t`"),
        ("B_l", "`W_l, B_l`"),
        ("x^", "`x^c`"),
        ("μ_c", "`k, μ_c`"),
        ("W_i", "`K, W_i, v_i`"),
        ("H_", "`H_ab`"),
        ("G_", "`G_ab`"),
        ("H_vv", "`H_vv`"),
        ("β", "β"),
        ("φ", "`n = φ d`"),
        ("λ", "λ is the signal-to-noise ratio"),
        ("edge", "edge |"),
        ("level", "| level |"),
        ("alive", "| alive"),
        ("direction", "| direction"),
        ("classified", "| classified |"),
        ("effective dynamics", "| effective dynamics |"),
        ("chance", "| chance |"),
        ("overlap", "| overlap |"),
    ];
    for (stage, results) in stages() {
        for figure in (stage.draw)(&results).unwrap() {
            let (said, parameters) = parts(&figure);
            let whole = format!("{said} {parameters}");
            for (symbol, meaning) in symbols {
                let told = !whole.contains(symbol) || GLOSSARY.contains(meaning);
                assert!(told, "{}: {symbol} without {meaning}", figure.name());
            }
        }
    }
}

/// The numbers of a text, without indices, exponents, labels of panels and powers of ten.
fn numbers(text: &str) -> Vec<String> {
    let characters: Vec<char> = text.replace('−', "-").chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < characters.len() {
        let before = if at == 0 { ' ' } else { characters[at - 1] };
        if characters[at] == '^' && characters.get(at + 1) == Some(&'(') {
            while at < characters.len() && characters[at] != ')' {
                at += 1;
            }
        } else if characters[at].is_ascii_digit() && !(before.is_alphanumeric() || "_^·/)".contains(before))
        {
            let from = at;
            while at < characters.len()
                && (characters[at].is_ascii_digit()
                    || (characters[at] == '.' && characters.get(at + 1).is_some_and(char::is_ascii_digit)))
            {
                at += 1;
            }
            found.push(characters[from..at].iter().collect());
            continue;
        } else if characters[at].is_ascii_digit() {
            // The rest of an index.
            while at < characters.len() && (characters[at].is_alphanumeric() || characters[at] == '_') {
                at += 1;
            }
            continue;
        }
        at += 1;
    }
    found
}

#[test]
fn numbers_are_found_in_texts() {
    assert_eq!(
        numbers("At λ = 20, d^(-1/2): 3.2·10^(−5) of H_11 and W_1W_1, x^1, −0.56 (95 % of 1000)."),
        ["20", "3.2", "0.56", "95", "1000"]
    );
}

/// How a table is changed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    /// Every number is a tenth larger.
    Larger,
    /// Every number is a tenth larger or smaller, by its row.
    Either,
    /// Every number is a tenth larger in the first half of the rows, and a tenth smaller in the second.
    Halves,
    /// Every number is a tenth larger or smaller, by its experiment: slopes over experiments change.
    Experiments,
    /// Every third count is one more, around the numbers that it can be.
    Counts,
    /// Every third number has the other sign: directions change.
    Signs,
    /// Every fifth row is missing: some numbers in captions are numbers of rows.
    Fewer,
}

const CHANGES: [Change; 7] = [
    Change::Larger,
    Change::Either,
    Change::Halves,
    Change::Experiments,
    Change::Counts,
    Change::Signs,
    Change::Fewer,
];

/// Columns of counts; all other integers say where or of what a number is.
const COUNTED: [&str; 5] = ["outliers", "classified", "classified_with_zero", "covered", "foretold"];

/// One row in three, at no regular distance: tables are regular themselves.
fn third(row: usize) -> bool {
    (row.wrapping_mul(2_654_435_761) >> 9).is_multiple_of(3)
}

fn changed(table: &Table, change: Change) -> Table {
    let kept = |row: &usize| change != Change::Fewer || !row.is_multiple_of(5);
    let mut seen: Vec<Option<&str>> = Vec::new();
    let experiments = table.strs("experiment").unwrap_or_default();
    let odd: Vec<bool> = experiments
        .into_iter()
        .map(|name| {
            let place = seen.iter().position(|other| *other == name);
            place.unwrap_or_else(|| {
                seen.push(name);
                seen.len() - 1
            }) % 2
                == 1
        })
        .collect();
    let mut builder = TableBuilder::new(table.name());
    for name in table.columns() {
        builder = if let Ok(values) = table.f64s(name) {
            let new = |(row, value): (usize, f64)| match change {
                _ if name == "time" => value,
                Change::Larger => 1.1 * value,
                Change::Either => value * if (row * row + row / 3) % 2 == 0 { 1.1 } else { 0.9 },
                Change::Counts if third(row) && value.fract() == 0.0 => value + 1.0,
                Change::Signs if third(row) => -value,
                Change::Counts | Change::Signs | Change::Fewer => value,
                Change::Experiments => value * if odd.get(row) == Some(&true) { 1.1 } else { 0.9 },
                Change::Halves => value * if 2 * row < table.rows() { 1.1 } else { 0.9 },
            };
            let values = values.into_iter().enumerate().filter(|(row, _)| kept(row));
            builder
                .f64_or_null(name, values.map(|(row, value)| value.map(|value| new((row, value)))).collect())
        } else if let Ok(values) = table.i64s(name) {
            let more = change == Change::Counts && COUNTED.contains(&name);
            let most = if name == "covered" || name == "foretold" { 16 } else { 5 };
            let values = values.into_iter().enumerate().filter(|(row, _)| kept(row));
            let new =
                |(row, value): (usize, i64)| if more && third(row) { (value + 1) % most } else { value };
            builder
                .i64_or_null(name, values.map(|(row, value)| value.map(|value| new((row, value)))).collect())
        } else if let Ok(values) = table.strs(name) {
            let values = values.into_iter().enumerate().filter(|(row, _)| kept(row));
            builder.str_or_null(name, &values.map(|(_, value)| value).collect::<Vec<_>>())
        } else {
            let values = table.bools(name).unwrap().into_iter().enumerate().filter(|(row, _)| kept(row));
            builder.bool_or_null(name, values.map(|(_, value)| value).collect())
        };
    }
    builder.build().unwrap()
}

/// A text without the names of replicates, as in "replicates 2, 1 and 29": they say of which run something is.
fn without_names(text: &str) -> String {
    let mut pieces = text.split("replicate");
    let mut rest = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let after = piece.strip_prefix('s').unwrap_or(piece);
        let named =
            after.strip_prefix(' ').is_some_and(|name| name.starts_with(|c: char| c.is_ascii_digit()));
        let list = |c: char| c.is_ascii_digit() || " ,and".contains(c);
        rest.push_str(if named { after.trim_start_matches(list) } else { piece });
    }
    rest
}

#[test]
fn names_of_replicates_are_no_quantities() {
    assert_eq!(
        numbers(&without_names("in replicates 2, 1 and 29 of 30, replicate 0: 4 of 24 replicates.")),
        ["30", "4", "24"]
    );
}

/// The numbers of a caption beside its parameters.
fn said(figure: &Figure) -> Vec<String> {
    numbers(&without_names(&parts(figure).0))
}

/// Which of these numbers are not where they were in another text: place by place where both have as many, otherwise those that are
/// there less often.
fn moved(before: &[String], now: &[String]) -> Vec<bool> {
    let often = |all: &[String], number: &String| all.iter().filter(|other| *other == number).count();
    let less = |number| often(now, number) < often(before, number);
    if before.len() == now.len() {
        return before.iter().zip(now).map(|(before, now)| before != now).collect();
    }
    before.iter().map(less).collect()
}

#[test]
fn numbers_that_move_are_told_from_those_that_stay() {
    let list = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(moved(&list("0.39 0.2 0.39"), &list("0.39 0.2 0.4")), [false, false, true]);
    assert_eq!(moved(&list("1 2 3"), &list("1 3")), [false, true, false]);
}

#[test]
fn numbers_in_captions_follow_the_tables_or_are_parameters() {
    let mut found = Vec::new();
    for (stage, results) in stages() {
        let figures = (stage.draw)(&results).unwrap();
        let mut moves: Vec<Vec<bool>> =
            figures.iter().map(|figure| vec![false; said(figure).len()]).collect();
        for name in results.tables.keys().filter(|name| *name != "replicates") {
            for change in CHANGES {
                let mut other = results.clone();
                other.tables.insert(name.clone(), changed(&results.tables[name], change));
                // What no table of the stage could say may be refused.
                let Ok(others) = (stage.draw)(&other) else { continue };
                for ((figure, moves), before) in others.iter().zip(&mut moves).zip(&figures) {
                    for (all, now) in moves.iter_mut().zip(moved(&said(before), &said(figure))) {
                        *all |= now;
                    }
                }
            }
        }
        for (figure, moves) in figures.iter().zip(moves) {
            let name = figure.name();
            if !moves.contains(&true) {
                found.push(format!("{name}: no number of its caption comes from a table"));
            }
            let parameters = numbers(&parts(figure).1);
            let still = said(figure).into_iter().zip(moves).filter(|(_, moves)| !moves);
            for number in still.map(|(number, _)| number) {
                let known = NAMED.contains(&number.as_str())
                    || parameters.contains(&number)
                    || given(&results).contains(&number);
                if !known {
                    let said = parts(figure).0;
                    found.push(format!("{name}: {number} is no parameter and follows no table: {said}"));
                }
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Times and numbers of the experiments of a stage that captions name.
fn given(results: &Results) -> Vec<String> {
    let experiments = results.experiments.values();
    let of = |one: &spectral_alignment::problem::experiment::Experiment| {
        let schedule = one.schedule();
        let middle = one.time(schedule[(schedule.len() - 1) / 2]);
        let problem = &one.problem;
        let whole = [problem.d(), problem.rows(), problem.sample_size()].map(|number| number.to_string());
        let numbers = [problem.lambda(), problem.training.beta, one.horizon].map(|number| number.to_string());
        let times = [format!("{middle:.1}"), format!("{middle:.0}"), one.replicates.to_string()];
        whole.into_iter().chain(numbers).chain(times)
    };
    experiments.flat_map(of).collect()
}
