//! Figures on paper: PDF, PNG, captions, and colours as different readers see them.

use crate::plot::{axes, caption, figure, line, samples};
use flate2::read::ZlibDecoder;
use spectral_alignment::plot::contact_sheet::contact_sheet;
use spectral_alignment::plot::ink::Item;
use spectral_alignment::plot::png::{PRINT, pixels, png};
use spectral_alignment::plot::sight::{APART, Sight};
use spectral_alignment::plot::*;
use spectral_alignment::problem::data::{DataLaw, Means};
use spectral_alignment::problem::experiment::{Experiment, Simulator};
use spectral_alignment::stage::Profile;
use spectral_alignment::stages::common::words::parameters;
use spectral_alignment::stages::common::{mixture, xor};
use std::collections::BTreeMap;
use std::io::Read;

fn find(bytes: &[u8], text: &str, from: usize) -> Option<usize> {
    bytes[from..].windows(text.len()).position(|window| window == text.as_bytes()).map(|at| from + at)
}

/// The streams of a PDF, decompressed.
pub fn streams(pdf: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = find(pdf, "\nstream\n", from) {
        let end = find(pdf, "\nendstream", start).unwrap();
        let raw = &pdf[start + 8..end];
        let mut content = Vec::new();
        // The table of letters is not compressed.
        if ZlibDecoder::new(raw).read_to_end(&mut content).is_err() {
            content = raw.to_vec();
        }
        found.push(content);
        from = end;
    }
    found
}

/// What each glyph of the font stands for, out of its table.
fn alphabet(table: &str) -> BTreeMap<u16, String> {
    let pairs = table.lines().filter_map(|line| {
        let (glyph, text) = line.strip_prefix('<')?.split_once("> <")?;
        let units: Vec<u16> = text
            .trim_end_matches('>')
            .as_bytes()
            .chunks(4)
            .map(|unit| u16::from_str_radix(std::str::from_utf8(unit).unwrap(), 16).unwrap())
            .collect();
        Some((u16::from_str_radix(glyph, 16).ok()?, String::from_utf16(&units).unwrap()))
    });
    pairs.collect()
}

/// The bytes of one string in round brackets, and where it ends.
fn literal(content: &[u8], mut at: usize) -> (Vec<u8>, usize) {
    let (mut bytes, mut depth) = (Vec::new(), 0);
    while content[at] != b')' || depth > 0 {
        // Brackets that match each other may stand for themselves.
        depth += i32::from(content[at] == b'(') - i32::from(content[at] == b')');
        if content[at] == b'\\' {
            at += 1;
            let octal: String = content[at..at + 3].iter().map(|byte| char::from(*byte)).collect();
            bytes.push(match content[at] {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'b' => 8,
                b'f' => 12,
                b'0'..=b'7' => {
                    at += 2;
                    u8::from_str_radix(&octal, 8).unwrap()
                }
                other => other,
            });
        } else {
            bytes.push(content[at]);
        }
        at += 1;
    }
    (bytes, at)
}

/// The bytes of one string of hexadecimal digits, and where it ends.
fn hexadecimal(content: &[u8], at: usize) -> (Vec<u8>, usize) {
    let end = find(content, ">", at).unwrap();
    let digits = std::str::from_utf8(&content[at..end]).unwrap();
    let bytes = (0..digits.len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap());
    (bytes.collect(), end)
}

/// The text of a PDF in the order of drawing, one line per run of glyphs.
fn text(pdf: &[u8]) -> Vec<String> {
    let streams = streams(pdf);
    let table = streams.iter().find(|stream| find(stream, "beginbfchar", 0).is_some()).unwrap();
    let alphabet = alphabet(std::str::from_utf8(table).unwrap());
    let content = streams.iter().find(|stream| find(stream, " Tf\n", 0).is_some()).unwrap();
    let (mut lines, mut at) = (Vec::new(), 0);
    // Strings stand in text blocks only.
    while let Some(start) = find(content, "BT\n", at) {
        at = start;
        let mut glyphs = Vec::new();
        while &content[at..at + 2] != b"ET" {
            let (bytes, end) = match content[at] {
                b'(' => literal(content, at + 1),
                b'<' => hexadecimal(content, at + 1),
                _ => (Vec::new(), at),
            };
            glyphs.extend(bytes);
            at = end + 1;
        }
        let codes = glyphs.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
        lines.push(codes.map(|code| alphabet[&code].clone()).collect::<String>());
    }
    lines
}

#[test]
fn a_pdf_has_one_embedded_font_the_exact_size_and_nothing_of_the_day() {
    for figure in samples() {
        let document = pdf(&figure).unwrap();
        assert_eq!(document, pdf(&figure).unwrap(), "{}", figure.name());
        let height = scene(&figure).unwrap().0.height;
        let width = if ["slopes", "density", "overlaps"].contains(&figure.name()) { 193 } else { 396 };
        let size = format!("/MediaBox [0 0 {width} {height}]");
        assert!(find(&document, &size, 0).is_some(), "{size}");
        let count = |text: &str| {
            let mut found = 0;
            let mut from = 0;
            while let Some(at) = find(&document, text, from) {
                found += 1;
                from = at + 1;
            }
            found
        };
        assert_eq!((count("/Type0"), count("/CIDFontType2"), count("/FontFile2")), (1, 1, 1));
        assert_eq!(count("+STIXTwoMath-Regular"), count("/BaseFont") + 1, "every font is the bundled one");
        for absent in ["/Type3", "/Type1", "Date", "/XObject <<"] {
            assert_eq!(count(absent), 0, "{absent} in {}", figure.name());
        }
    }
}

#[test]
fn labels_of_a_pdf_are_text_in_plain_letters() {
    let lines = text(&pdf(&samples()[0]).unwrap());
    for label in ["training time t/T", "alignment ρ(x", "a", ";B)", "λ=2", "0.8", "effective dynamics"] {
        assert!(lines.iter().any(|line| line == label), "{label} is not in {lines:?}");
    }
    let lines = text(&pdf(&samples()[1]).unwrap());
    assert!(lines.concat().contains("eigenvalue λk(∇2R\u{302})"), "{lines:?}");
    assert!(text(&pdf(&samples()[3]).unwrap()).concat().contains("∝λ−1"));
}

#[test]
fn a_pdf_draws_what_the_scene_has() {
    for figure in samples() {
        let (scene, _) = scene(&figure).unwrap();
        let strokes = scene.items.iter().filter(|item| matches!(item, Item::Stroke(..))).count();
        let fills = scene.items.iter().filter(|item| matches!(item, Item::Fill(..))).count();
        let streams = streams(&pdf(&figure).unwrap());
        let content = streams.iter().find(|stream| find(stream, " Tf\n", 0).is_some()).unwrap();
        let content = String::from_utf8_lossy(content);
        assert_eq!(content.lines().filter(|line| *line == "S").count(), strokes, "{}", figure.name());
        assert_eq!(content.lines().filter(|line| *line == "f").count(), fills, "{}", figure.name());
    }
    // A known point: half of the way up the axes.
    let middle = figure(axes().series(line(vec![(0.0, 0.5), (10.0, 0.5)])));
    let (left, top) = scene(&middle).unwrap().1[0].place((0.0, 0.5));
    let content = streams(&pdf(&middle).unwrap()).concat();
    let hundredth = |pt: f64| (pt * 100.0).round() / 100.0;
    let start = format!("\n{} {} m\n", hundredth(left), hundredth(top));
    assert!(find(&content, &start, 0).is_some(), "{start}");
}

#[test]
fn an_image_has_300_dots_an_inch_and_the_colours_of_the_figure() {
    let overlaps = samples().pop().unwrap();
    let drawing = svg(&overlaps).unwrap();
    let image = png(&drawing, PRINT).unwrap();
    assert_eq!(image, png(&drawing, PRINT).unwrap());
    let reader = ::png::Decoder::new(std::io::Cursor::new(image.as_slice())).read_info().unwrap();
    assert_eq!(reader.info().width, 804);
    assert_eq!(reader.info().pixel_dims.unwrap().xppu, 11811);
    let shown = pixels(&drawing, PRINT).unwrap();
    let (_, frames) = scene(&overlaps).unwrap();
    for (place, wanted) in [((0.5, 1.5), ColourMap::Diverging.at(0.0)), ((2.5, 1.5), Rgb::WHITE)] {
        let (x, y) = frames[0].place(place);
        let dot = |pt: f64| (pt * f64::from(PRINT) / 72.0) as u32;
        let pixel = shown.pixel(dot(x), dot(y)).unwrap();
        assert_eq!((pixel.red(), pixel.green(), pixel.blue()), (wanted.0, wanted.1, wanted.2));
    }
    assert!(matches!(png("no svg", PRINT), Err(PlotError::Png { .. })));
}

#[test]
fn captions_are_whole_sentences_and_reach_both_documents() {
    let words = Caption::new("A title.", "Drawn", "λ = 1.", " Seen ");
    assert_eq!(words.text(), "A title.\nDrawn. Seen. λ = 1.\n");
    let named = Figure::new("named", words, Width::Single, 1).panel(axes().series(line(vec![(0.0, 0.0)])));
    let drawing = svg(&named).unwrap();
    assert!(drawing.contains(">A title</title>"));
    assert!(drawing.contains("Drawn. Seen. λ = 1. Axes: horizontal axis time t, 0 to 10;"));
    assert!(find(&pdf(&named).unwrap(), "(A title)", 0).is_some());
    let mathematics = r"$\sin(x^1; \Span\mu)$, $\| P\|_F^2/k$ and $-\hat{v}_{12} \leq \lambda^{-1/2}$";
    let panel = Panel::new(Axis::linear(mathematics), Axis::linear("y")).series(line(vec![(0.0, 0.0)]));
    let spoken = "sin(x^1; Span μ), ‖P‖_F^2/k and −v\u{302}_12 ≤ λ^(−1/2)";
    let drawing = svg(&figure(panel)).unwrap();
    assert!(drawing.contains(spoken), "{drawing}");
}

#[test]
fn curve_colours_are_apart_for_every_reader_and_show_on_white() {
    let curves = [Colour::CURVES.as_slice(), &[Colour::Grey]].concat();
    for (index, one) in curves.iter().enumerate() {
        assert!(one.rgb().contrast_on_white() >= 3.0, "{one:?}");
        for other in &curves[index + 1..] {
            for sight in Sight::ALL.into_iter().filter(|sight| *sight != Sight::Grey) {
                let distance = sight.distance(one.rgb(), other.rgb());
                assert!(distance >= APART, "{one:?} and {other:?} are {distance:.1} apart for {sight:?}");
            }
        }
    }
    for sight in Sight::ALL {
        assert!((sight.distance(Rgb::BLACK, Rgb::WHITE) - 100.0).abs() < 0.01, "{sight:?}");
    }
    // The CIELAB coordinates of red are (53.24, 80.09, 67.20).
    let red = Sight::Normal.distance(Rgb(255, 0, 0), Rgb::BLACK);
    assert!((red - (53.24_f64.powi(2) + 80.09_f64.powi(2) + 67.20_f64.powi(2)).sqrt()).abs() < 0.05, "{red}");
    // Red and green that a deuteranope confuses, and a protanope; lightness alone is left in grey.
    for (sight, most) in [(Sight::Deuteranopia, 30.0), (Sight::Grey, 20.0)] {
        assert!(sight.distance(Rgb(0xa0, 0x60, 0), Rgb(0x60, 0x70, 0)) < most, "{sight:?}");
    }
}

#[test]
fn the_lint_finds_curves_that_differ_in_colour_only() {
    let two = |other: Style| {
        let points = |end: f64| vec![(0.0, 0.1), (10.0, end)];
        lint(&figure(
            axes()
                .series(Series::line("one", Style::measured(Colour::Blue), points(0.2)))
                .series(Series::line("two", other, points(0.6))),
        ))
    };
    let findings = two(Style::measured(Colour::Vermillion));
    assert!(findings.iter().any(|finding| finding.contains("differ in colour only")), "{findings:?}");
    assert_eq!(two(Style::measured(Colour::Vermillion).dash(Dash::Dashed)), Vec::<String>::new());
    assert_eq!(two(Style::measured(Colour::Black)), Vec::<String>::new());
}

#[test]
fn the_lint_finds_cut_bars_and_bands_without_a_meaning() {
    let bars = |low| {
        let series = Series::error_bars("mean", Style::measured(Colour::Blue), vec![(5.0, 0.5, low, 0.6)]);
        lint(&figure(axes().series(series)))
    };
    assert_eq!(bars(0.4), Vec::<String>::new());
    assert!(bars(-0.4).iter().any(|finding| finding.contains("ends of bars")));
    let band = Series::band("range", Style::measured(Colour::Blue), vec![(0.0, 0.1, 0.2), (9.0, 0.1, 0.2)]);
    let silent = Caption::new("T", "Drawn", "λ = 1", "Seen");
    let silent = Figure::new("sample", silent, Width::Full, 1).panel(axes().series(band.clone()));
    assert!(lint(&silent).iter().any(|finding| finding.contains("what band mean")));
    let told = Figure::new("sample", caption("T"), Width::Full, 1).panel(axes().series(band));
    assert_eq!(lint(&told), Vec::<String>::new());
}

#[test]
fn the_contact_sheet_shows_every_figure_three_times() {
    let page = contact_sheet(&["one", "two"]);
    for name in ["one", "two"] {
        assert_eq!(page.matches(&format!("<img src=\"{name}.svg\"")).count(), 3);
    }
    assert!(page.contains("0.367322 0.860646 -0.227968 0 0"));
}

#[test]
fn parameters_are_said_by_task_and_as_they_belong_together() {
    let mixture = mixture::experiment(Profile::Paper, "gmm-one", 5, 100.0);
    let weak = xor::experiment(Profile::Paper, "xor-one", 20, 600, 20.0);
    let strong = xor::experiment(Profile::Paper, "xor-two", 20, 1000, 100.0);
    let rest = "β = 0.02, c = 1, φ = 10, T = 150";
    assert_eq!(
        parameters(&[&strong, &weak]),
        format!("Parameters: K = 20, d = 600 with λ = 20 and d = 1000 with λ = 100, {rest}; replicates: 20")
    );
    let grid: Vec<Experiment> = [1.0, 2.0, 3.0, 4.0]
        .map(|lambda| xor::experiment(Profile::Paper, "xor-grid", 8, 100, lambda))
        .to_vec();
    let few: Vec<&Experiment> = grid.iter().take(3).collect();
    assert!(parameters(&few).contains("d = 100, λ = 1, 2 and 3, "), "{}", parameters(&few));
    let all: Vec<&Experiment> = grid.iter().chain([&mixture]).collect();
    let words = parameters(&all);
    assert!(words.starts_with("Parameters: task A, k = 5, d = 1000, λ = 100, "), "{words}");
    assert!(words.contains("replicates: 20; task B, K = 8, d = 100, λ = 1 to 4, "), "{words}");
    // Numbers have as many digits as a reader can use.
    let mut uneven = mixture::experiment(Profile::Paper, "gmm-uneven", 3, 1000.0 / 3.0);
    let probabilities = vec![8.0 / 15.0, 4.0 / 15.0, 3.0 / 15.0];
    uneven.problem.data =
        DataLaw::unequal_mixture(uneven.problem.d(), 1000.0 / 3.0, probabilities, Means::Orthonormal);
    let words = parameters(&[&uneven]);
    assert!(words.contains("class probabilities 0.5333, 0.2667 and 0.2, d = 1000, λ = 333.3, "), "{words}");
    // The test sample of a reduced chain is not that of φ, and no figure shows it.
    let chain = Experiment { simulator: Simulator::Chain, ..mixture };
    let words = parameters(&[&chain]);
    assert!(!words.contains('φ') && words.contains("c = 1, T = 150"), "{words}");
}
