//! What the figures promise: places, slopes, gaps, words, bytes.

use spectral_alignment::plot::font::{FONT_BYTES, Font};
use spectral_alignment::plot::ink::{Item, Part, Stroke};
use spectral_alignment::plot::path::{clip_line, clip_polygon, clip_segment, thin};
use spectral_alignment::plot::text::{PlacedText, Text};
use spectral_alignment::plot::ticks::{linear_ticks, ticks};
use spectral_alignment::plot::*;

pub fn caption(title: &str) -> Caption {
    Caption::new(title, "Lines are means, bands and bars 1.96 s.e.", "λ = 100; replicates: 20", "All is well")
}

pub fn figure(panel: Panel) -> Figure {
    Figure::new("sample", caption("A sample"), Width::Full, 1).panel(panel)
}

pub fn axes() -> Panel {
    Panel::new(Axis::linear("time $t$").range(0.0, 10.0), Axis::linear("value $y$").range(0.0, 1.0))
}

fn log_axes() -> Panel {
    Panel::new(Axis::log("$\\lambda$").range(1.0, 1000.0), Axis::log("$y$").range(1e-3, 1.0))
}

type Pieces = Vec<Vec<(f64, f64)>>;

/// Strokes that carry data, as points in pt.
fn curves(scene: &Scene) -> Vec<(Stroke, Pieces)> {
    let pt = |places: &Vec<(i32, i32)>| -> Vec<(f64, f64)> {
        places.iter().map(|(x, y)| (f64::from(*x) / 100.0, f64::from(*y) / 100.0)).collect()
    };
    scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Stroke(parts, stroke) if stroke.data => {
                let open = parts.iter().filter_map(|part| match part {
                    Part::Open(places) => Some(pt(places)),
                    _ => None,
                });
                Some((*stroke, open.collect()))
            }
            _ => None,
        })
        .collect()
}

pub fn line(points: Vec<(f64, f64)>) -> Series {
    Series::line("measured", Style::measured(Colour::Blue), points)
}

fn close(a: (f64, f64), b: (f64, f64), tolerance: f64) -> bool {
    (a.0 - b.0).abs() <= tolerance && (a.1 - b.1).abs() <= tolerance
}

#[test]
fn known_points_are_at_their_place_to_a_hundredth_of_a_pt() {
    let points = vec![(0.0, 0.0), (2.5, 1.0), (5.0, 0.25), (10.0, 0.75)];
    let (drawn, frames) = scene(&figure(axes().series(line(points.clone())))).unwrap();
    let frame = frames[0];
    let drawn = &curves(&drawn)[0].1[0];
    for (place, (x, y)) in drawn.iter().zip(points) {
        let wanted = (frame.left + x / 10.0 * frame.width, frame.top + (1.0 - y) * frame.height);
        assert!(close(*place, wanted, 0.01), "{place:?} {wanted:?}");
        assert!(close(frame.place((x, y)), wanted, 1e-9));
    }
    let points = vec![(1.0, 1.0), (10.0, 0.1), (1000.0, 0.01)];
    let (scene, frames) = scene(&figure(log_axes().series(line(points)))).unwrap();
    let frame = frames[0];
    let drawn = &curves(&scene)[0].1[0];
    for (place, (x, y)) in drawn.iter().zip([(0.0, 1.0), (1.0 / 3.0, 2.0 / 3.0), (1.0, 1.0 / 3.0)]) {
        let wanted = (frame.left + x * frame.width, frame.top + (1.0 - y) * frame.height);
        assert!(close(*place, wanted, 0.01), "{place:?} {wanted:?}");
    }
}

#[test]
fn a_steep_line_that_leaves_the_axes_keeps_its_slope() {
    let (scene, frames) = scene(&figure(axes().series(line(vec![(4.0, -9.5), (6.0, 10.5)])))).unwrap();
    let frame = frames[0];
    let drawn = &curves(&scene)[0].1[0];
    assert_eq!(drawn.len(), 2);
    assert!(close(drawn[0], frame.place((4.95, 0.0)), 0.01), "{drawn:?}");
    assert!(close(drawn[1], frame.place((5.05, 1.0)), 0.01), "{drawn:?}");
}

#[test]
fn a_line_that_leaves_log_axes_is_cut_in_log_space() {
    let (scene, frames) = scene(&figure(log_axes().series(line(vec![(1.0, 1e2), (1e4, 1e-6)])))).unwrap();
    let frame = frames[0];
    let drawn = &curves(&scene)[0].1[0];
    assert!(close(drawn[0], frame.place((10.0, 1.0)), 0.01), "{drawn:?}");
    assert!(close(drawn[1], frame.place((libm::pow(10.0, 2.5), 1e-3)), 0.01), "{drawn:?}");
    let segment = clip_segment((-1.0, 0.5), (3.0, 0.5)).unwrap();
    assert_eq!(segment, ((0.0, 0.5), (1.0, 0.5)));
    assert_eq!(clip_segment((-1.0, 0.5), (0.5, 3.0)), None);
    let area = clip_polygon(&[(-1.0, -1.0), (2.0, -1.0), (2.0, 0.5), (-1.0, 0.5)]);
    assert_eq!(area.len(), 4);
    assert!(area.iter().all(|(x, y)| (0.0..=1.0).contains(x) && (0.0..=0.5).contains(y)));
}

#[test]
fn what_a_log_axis_does_not_have_is_a_gap() {
    let points = vec![(1.0, 0.5), (10.0, 0.5), (100.0, 0.0), (200.0, 0.5), (1000.0, 0.5)];
    let (scene, _) = scene(&figure(log_axes().series(line(points)))).unwrap();
    assert_eq!(curves(&scene)[0].1.len(), 2);
}

#[test]
fn nan_leaves_a_gap() {
    let nan = f64::NAN;
    let (page, frames) =
        scene(&figure(axes().series(line(vec![(0.0, 0.1), (2.0, 0.3), (3.0, nan), (4.0, 0.5), (6.0, 0.2)]))))
            .unwrap();
    let drawn = &curves(&page)[0].1;
    assert_eq!(drawn.len(), 2);
    assert!(close(drawn[0][1], frames[0].place((2.0, 0.3)), 0.01));
    assert!(close(drawn[1][0], frames[0].place((4.0, 0.5)), 0.01));
    assert_eq!(clip_line(&[(0.1, 0.1), (nan, 0.2), (0.3, 0.3)]).len(), 0);
    let band = Series::band(
        "mean ± 1.96 s.e., $n = 20$",
        Style::measured(Colour::Blue),
        vec![(0.0, 0.1, 0.2), (1.0, 0.1, 0.2), (2.0, nan, 0.2), (3.0, 0.1, 0.2), (4.0, 0.1, 0.3)],
    );
    // Three calls of a translucent fill: the key of the legend and two pieces.
    let (scene, _) = scene(&figure(axes().series(band))).unwrap();
    let fills = scene
        .items
        .iter()
        .filter(|item| matches!(item, Item::Fill(_, _, opacity) if (0.0..1.0).contains(opacity)));
    assert_eq!(fills.count(), 3);
}

#[test]
fn a_missing_glyph_is_an_error_and_so_is_bad_markup() {
    let broken = |label: &str| {
        svg(&figure(Panel::new(Axis::linear(label), Axis::linear("y")).series(line(vec![(0.0, 1.0)]))))
    };
    let missing = broken("time 時");
    assert!(matches!(missing, Err(PlotError::MissingGlyph { character: '時', .. })), "{missing:?}");
    for label in ["$x", "$x_$", "$\\nonsense$", "$x}$", "$_2$", "$x^2^3$"] {
        assert!(matches!(broken(label), Err(PlotError::Markup { .. })), "{label}");
    }
}

#[test]
fn mathematics_is_set_with_scripts_and_hats() {
    let font = Font::bundled().unwrap();
    let hat = Text::new(&font, "$\\hat{R}$", 9.0).unwrap();
    let plain = Text::new(&font, "$R$", 9.0).unwrap();
    assert_eq!(hat.glyphs.len(), 2);
    assert!((hat.width - plain.width).abs() < 1e-9);
    assert!(hat.ink.top < plain.ink.top - 0.5);
    assert_eq!(plain.glyphs[0].id, font.glyph('𝑅', "").unwrap());
    let scripts = Text::new(&font, "$x_1^2$", 8.0).unwrap();
    assert!(scripts.glyphs[1].y < 0.0 && scripts.glyphs[2].y > 0.0);
    assert!((scripts.smallest() - 6.0).abs() < 1e-9);
    assert!(Text::new(&font, "$x_{y_z}$", 8.0).unwrap().smallest() >= 6.0);
    let minus = Text::new(&font, "$-1$", 8.0).unwrap();
    assert_eq!(minus.glyphs[0].id, font.glyph('−', "").unwrap());
}

#[test]
fn the_font_is_the_one_whose_digest_is_committed() {
    use sha2::{Digest, Sha256};
    let sums = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/fonts/SHA256SUMS")).unwrap();
    let digest =
        Sha256::digest(FONT_BYTES).iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    assert!(sums.lines().any(|line| line == format!("{digest}  STIXTwoMath-Regular.ttf")));
}

/// Figures of every kind of series.
pub fn samples() -> Vec<Figure> {
    let grid = |count: u32| (0..count).map(move |i| f64::from(i) / f64::from(count - 1));
    let rise = |rate: f64| move |t: f64| 1.0 - libm::exp(-rate * t);
    let noise = |i: u32| f64::from((i * 7919 + 13) % 997) / 997.0 - 0.5;
    let mut trajectories = Figure::new("trajectories", caption("Alignment"), Width::Full, 3).shared_y();
    for lambda in [2.0, 10.0, 100.0] {
        let curve = rise(0.5 * lambda);
        trajectories = trajectories.panel(
            Panel::new(
                Axis::linear("training time $t/T$").range(0.0, 1.0),
                Axis::linear("alignment $\\rho(x^a; B)$").range(0.0, 1.0),
            )
            .title(format!("$\\lambda = {lambda}$"))
            .series(Series::band(
                "mean ± 1.96 s.e., $n = 20$",
                Style::measured(Colour::Blue),
                grid(100).map(|t| (t, curve(t) - 0.05, curve(t) + 0.05)).collect(),
            ))
            .series(line(grid(100).map(|t| (t, curve(t))).collect()))
            .series(Series::line(
                "effective dynamics",
                Style::theory(Colour::Blue),
                grid(100).map(|t| (t, curve(t))).collect(),
            )),
        );
    }
    let family: Vec<Vec<(f64, f64)>> = (1..=12)
        .map(|rank| grid(50).map(|t| (t, (0.1 + rise(3.0)(t)) * libm::pow(0.7, f64::from(rank)))).collect())
        .collect();
    let ranked = |y: Axis| {
        let series = Series::ranked("rank $k$", Style::measured(Colour::Black), family.clone());
        Panel::new(Axis::linear("training time $t/T$"), y).series(series)
    };
    let spectrum = Figure::new("spectrum", caption("Spectrum"), Width::Full, 2)
        .panel(ranked(Axis::linear("eigenvalue $\\lambda_k(\\nabla^2\\hat R)$")))
        .panel(ranked(Axis::log("eigenvalue $\\lambda_k(\\nabla^2\\hat R)$")));
    let mut entries = Figure::new("entries", caption("Entries"), Width::Full, 3).shared_x().shared_y();
    for _ in 0..6 {
        let stems = (1..=1000).map(|i| (f64::from(i), noise(i))).collect();
        let series = Series::stems("", Style::measured(Colour::Blue).width(0.4), stems);
        let panel = Panel::new(Axis::linear("coordinate $i$").whole(), Axis::linear("entry $v_i$"));
        entries = entries.panel(panel.series(series).title("$\\hat v_1$"));
    }
    let lambdas = [1.0, 10.0, 100.0, 1000.0];
    let slopes = Figure::new("slopes", caption("Slopes"), Width::Single, 1).panel(
        Panel::new(Axis::log("signal-to-noise ratio $\\lambda$"), Axis::log("error"))
            .series(Series::error_bars(
                "mean ± 1.96 s.e., $n = 20$",
                Style::measured(Colour::Vermillion).marker(Marker::Square),
                lambdas.map(|l| (l, 1.0 / l, 0.8 / l, 1.3 / l)).to_vec(),
            ))
            .series(Series::line("slope $-1$", Style::reference(), lambdas.map(|l| (l, 1.0 / l)).to_vec()))
            .note(0.6, 0.8, "$\\propto \\lambda^{-1}$", Anchor::Left),
    );
    let edges: Vec<f64> = (0..=20).map(|i| f64::from(i) / 10.0).collect();
    let density = Figure::new("density", caption("Density"), Width::Single, 1).panel(
        Panel::new(Axis::linear("eigenvalue $\\lambda$").range(0.0, 4.0), Axis::linear("density"))
            .series(Series::histogram("bulk", Style::measured(Colour::Green), edges, vec![0.5; 20]))
            .series(Series::points(
                "outliers",
                Style::measured(Colour::Purple),
                vec![(3.0, 0.02), (3.5, 0.02)],
            ))
            .series(Series::rule_vertical("edge", Style::theory(Colour::Black), 2.0)),
    );
    let cells = HeatMap {
        x_edges: (0..=4).map(f64::from).collect(),
        y_edges: (0..=3).map(f64::from).collect(),
        values: vec![vec![-1.0, 0.0, f64::NAN, 0.5]; 3],
        map: ColourMap::Diverging,
        range: (-1.0, 1.0),
        steps: None,
    };
    let overlaps = Figure::new("overlaps", caption("Overlaps"), Width::Single, 1).panel(
        Panel::new(Axis::linear("$i$"), Axis::linear("$j$"))
            .series(Series::heatmap("overlap $\\langle v_i, v_j\\rangle$", cells)),
    );
    vec![trajectories, spectrum, entries, slopes, density, overlaps]
}

#[test]
fn the_lint_finds_nothing_in_good_figures() {
    for figure in samples() {
        assert_eq!(lint(&figure), Vec::<String>::new(), "{}", figure.name());
    }
}

#[test]
fn the_lint_finds_what_is_wrong() {
    let crossed =
        axes().series(line(vec![(0.0, 0.0), (10.0, 1.0)])).note(0.5, 0.5, "on the line", Anchor::Centre);
    assert!(lint(&figure(crossed)).iter().any(|finding| finding.contains("lies on data")));
    let twice = axes()
        .series(line(vec![(0.0, 0.0), (10.0, 0.1)]))
        .note(0.5, 0.5, "one", Anchor::Centre)
        .note(0.51, 0.51, "two", Anchor::Centre);
    assert!(lint(&figure(twice)).iter().any(|finding| finding.contains("overlaps")));
    let outside =
        axes().series(line(vec![(0.0, 0.0), (10.0, 0.1)])).note(1.0, 0.9, "far too far", Anchor::Left);
    assert!(lint(&figure(outside)).iter().any(|finding| finding.contains("leaves the page")));
    let hidden =
        axes().series(Series::points("p", Style::measured(Colour::Blue), vec![(1.0, 0.5), (2.0, 1.5)]));
    assert!(lint(&figure(hidden)).iter().any(|finding| finding.contains("1 points of `p` lie outside")));
    let covered = vec![(0.0, 0.0, 1.0), (10.0, 0.0, 1.0)];
    let band = Series::band("mean ± 1.96 s.e., $n = 20$", Style::measured(Colour::Blue), covered);
    let inside = axes().series(band).note(0.5, 0.5, "inside", Anchor::Left);
    assert!(lint(&figure(inside)).iter().any(|finding| finding.contains("an area")));
}

#[test]
fn the_same_figure_has_the_same_bytes_and_a_sound_document() {
    for figure in samples() {
        let document = svg(&figure).unwrap();
        assert_eq!(document, svg(&figure).unwrap());
        assert!(document.len() < 300_000, "{} has {} bytes", figure.name(), document.len());
        for absent in ["<text", "NaN", "inf", "font-family", "<rect", "date"] {
            assert!(!document.contains(absent), "{} contains {absent}", figure.name());
        }
        for present in ["<title", "<desc", "role=\"img\"", "aria-labelledby"] {
            assert!(document.contains(present));
        }
    }
    let (full, single) = (svg(&samples()[0]).unwrap(), svg(&samples()[3]).unwrap());
    assert!(full.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"396pt\""));
    assert!(full.contains("viewBox=\"0 0 39600 "));
    assert!(single.contains(" width=\"193pt\""));
}

#[test]
fn numbers_in_path_data_are_whole_hundredths_of_a_pt() {
    let document = svg(&samples()[0]).unwrap();
    for element in document.lines().filter(|line| line.starts_with("<path") && !line.contains("id=")) {
        let data = element.split(" d=\"").nth(1).unwrap();
        assert!(!data.contains('.'), "{element}");
    }
}

#[test]
fn a_figure_without_its_words_cannot_be_drawn() {
    let points = || vec![(0.0, 0.0), (1.0, 1.0)];
    let two = axes().series(line(points())).series(Series::line("", Style::theory(Colour::Black), points()));
    assert!(matches!(svg(&figure(two)), Err(PlotError::MissingLegend { .. })));
    let same =
        axes().series(line(points())).series(Series::line("", Style::measured(Colour::Blue), points()));
    assert!(svg(&figure(same)).is_ok());
    let bare = Panel::new(Axis::linear(" "), Axis::linear("y")).series(line(points()));
    assert!(matches!(svg(&figure(bare)), Err(PlotError::Unlabelled { .. })));
    let band = axes().series(Series::band(
        "",
        Style::measured(Colour::Blue),
        vec![(0.0, 0.0, 1.0), (1.0, 0.0, 1.0)],
    ));
    assert!(matches!(svg(&figure(band)), Err(PlotError::Unlabelled { .. })));
    let family = axes().series(Series::ranked("", Style::measured(Colour::Black), vec![points()]));
    assert!(matches!(svg(&figure(family)), Err(PlotError::Unlabelled { .. })));
    for missing in 0..4 {
        let words = |part: usize| if part == missing { " . " } else { "Words." };
        let caption = Caption::new(words(0), words(1), words(2), words(3));
        let silent = Figure::new("sample", caption, Width::Full, 1).panel(axes().series(line(points())));
        assert!(matches!(svg(&silent), Err(PlotError::Unlabelled { .. })));
        assert!(matches!(pdf(&silent), Err(PlotError::Unlabelled { .. })));
    }
    let empty = Panel::new(Axis::linear("x"), Axis::linear("y")).series(line(vec![(f64::NAN, f64::NAN)]));
    assert!(matches!(svg(&figure(empty)), Err(PlotError::Range { .. })));
}

#[test]
fn numbers_that_no_axis_can_hold_are_refused_at_once() {
    for ends in [(1e-300, 1e300), (1.0, f64::MAX), (5e-324, 1.0)] {
        let panel = Panel::new(Axis::linear("x"), Axis::log("y"));
        let wide = panel.series(line(vec![(0.0, ends.0), (1.0, ends.1)]));
        assert!(matches!(svg(&figure(wide)), Err(PlotError::Range { .. })), "{ends:?}");
    }
    let far = Panel::new(Axis::linear("x"), Axis::linear("y"));
    let far = far.series(line(vec![(0.0, -1e308), (1.0, 1e308)]));
    assert!(matches!(svg(&figure(far)), Err(PlotError::Range { .. })));
    // Each of these can be drawn, but not both on one axis.
    let panel = |value| {
        let axis = Panel::new(Axis::linear("x"), Axis::log("y"));
        axis.series(line(vec![(0.0, value), (1.0, 2.0 * value)]))
    };
    let (small, large) = (panel(1e-200), panel(1e200));
    assert!(svg(&figure(small.clone())).is_ok() && svg(&figure(large.clone())).is_ok());
    let both = figure(small).panel(large).shared_y();
    assert!(matches!(svg(&both), Err(PlotError::Range { .. })));
}

#[test]
fn the_drawn_area_of_a_histogram_is_one() {
    let edges: Vec<f64> = (0..=50).map(|i| f64::from(i) * 0.1).collect();
    let raw: Vec<f64> = (0..50).map(|i| libm::exp(-libm::pow(f64::from(i) - 20.0, 2.0) / 50.0)).collect();
    let total: f64 = raw.iter().sum::<f64>() * 0.1;
    let heights = raw.iter().map(|height| height / total).collect();
    let series = Series::histogram("bulk", Style::measured(Colour::Blue), edges, heights);
    let panel = Panel::new(Axis::linear("x").range(-1.0, 6.0), Axis::linear("density").range(0.0, 1.5));
    let (scene, frames) = scene(&figure(panel.series(series))).unwrap();
    let frame = frames[0];
    let outline = scene.items.iter().rev().find_map(|item| match item {
        Item::Fill(parts, ..) => match &parts[0] {
            Part::Closed(places) if places.len() > 10 => Some(places.clone()),
            _ => None,
        },
        _ => None,
    });
    let outline = outline.unwrap();
    let twice: f64 = (0..outline.len())
        .map(|i| (outline[i], outline[(i + 1) % outline.len()]))
        .map(|(a, b)| f64::from(a.0) * f64::from(b.1) - f64::from(b.0) * f64::from(a.1))
        .sum();
    let unit = 1e4 * (frame.width / 7.0) * (frame.height / 1.5);
    assert!(((twice / 2.0 / unit).abs() - 1.0).abs() < 1e-3, "{}", twice / 2.0 / unit);
}

#[test]
fn ticks_have_round_steps_and_true_minus_signs() {
    let labels = |low, high, most| -> Vec<String> {
        linear_ticks(low, high, most, false).major.into_iter().map(|(_, label)| label).collect()
    };
    assert_eq!(labels(0.0, 1.0, 6), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    assert_eq!(labels(0.0, 8.0, 6), ["0", "2", "4", "6", "8"]);
    assert_eq!(labels(-1.0, 1.0, 6), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    assert_eq!(labels(0.0, 1.0, 3), ["0.0", "0.5", "1.0"]);
    for (low, high) in [(0.0, 7.3), (-3.1, 12.9), (0.001, 0.0042), (1e6, 7e6), (99.0, 101.0)] {
        let found = linear_ticks(low, high, 6, false);
        assert!((3..=6).contains(&found.major.len()), "{low} {high} {found:?}");
        assert!(found.major.iter().all(|(value, _)| (low - 1e-9..=high + 1e-9).contains(value)));
    }
    let log = |low: f64, high: f64| -> Vec<String> {
        let axis = Axis::log("x");
        let found = ticks(&axis, &Scale { log: true, low, high }, 6, 100.0);
        found.major.into_iter().map(|(_, label)| label).collect()
    };
    assert_eq!(log(1e-4, 1.0), ["$10^{-4}$", "$10^{-3}$", "$10^{-2}$", "$10^{-1}$", "$10^{0}$"]);
    assert_eq!(log(100.0, 2000.0), ["100", "200", "500", "1000", "2000"]);
    assert_eq!(log(1e-12, 1.0), ["$10^{-12}$", "$10^{-9}$", "$10^{-6}$", "$10^{-3}$", "$10^{0}$"]);
    assert!(log(2.1, 4.4).len() >= 3);
}

#[test]
fn thinning_moves_a_curve_by_less_than_the_tolerance() {
    let points: Vec<(f64, f64)> =
        (0..5000).map(|i| f64::from(i) / 50.0).map(|x| (x, 30.0 * libm::sin(x / 5.0))).collect();
    let kept = thin(&points, 0.05);
    assert!(kept.len() < 200, "{}", kept.len());
    for point in &points {
        let after = kept.partition_point(|other| other.0 < point.0).clamp(1, kept.len() - 1);
        let (a, b) = (kept[after - 1], kept[after]);
        let along = a.1 + (point.0 - a.0) / (b.0 - a.0) * (b.1 - a.1);
        assert!((along - point.1).abs() < 0.4);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let off = (dx * (point.1 - a.1) - dy * (point.0 - a.0)).abs() / (dx * dx + dy * dy).sqrt();
        assert!(off <= 0.05 + 1e-9, "{off}");
    }
}

#[test]
fn texts_stand_in_the_middle_of_their_cells_and_show_on_them() {
    let map = HeatMap {
        x_edges: vec![0.0, 1.0, 2.0],
        y_edges: vec![0.0, 1.0],
        values: vec![vec![0.0, 1.0]],
        map: ColourMap::Viridis,
        range: (0.0, 1.0),
        steps: None,
    };
    let written = |texts: Vec<Vec<String>>| {
        let cells = Series::heatmap("share", map.clone()).written(texts);
        figure(Panel::new(Axis::linear("$i$"), Axis::linear("$j$")).series(cells))
    };
    let good = written(vec![vec!["17".to_owned(), "4".to_owned()]]);
    assert_eq!(lint(&good), Vec::<String>::new());
    let (scene, frames) = scene(&good).unwrap();
    let font = Font::bundled().unwrap();
    for (text, middle, colour) in [("17", (0.5, 0.5), Rgb::WHITE), ("4", (1.5, 0.5), Rgb::BLACK)] {
        let found = scene.items.iter().find_map(|item| match item {
            Item::Text(letters) if letters.in_cell && letters.source == text => Some(letters),
            _ => None,
        });
        let (found, place) = (PlacedText::new(&font, found.unwrap()).unwrap(), frames[0].place(middle));
        let ink = found.ink();
        let centre = (f64::midpoint(ink.left, ink.right), f64::midpoint(ink.top, ink.bottom));
        assert!(close(centre, place, 0.01), "{text}: {centre:?} {place:?}");
        assert_eq!(found.colour, colour, "{text}");
    }
    assert!(svg(&good).unwrap().contains("<g fill=\"#fff\""));
    assert!(matches!(svg(&written(vec![vec![String::new()]])), Err(PlotError::Sizes { wanted: 2, .. })));
}

#[test]
fn a_band_has_a_line_along_each_side() {
    let ends = vec![(0.0, 0.1, 0.4), (10.0, 0.2, 0.6)];
    let band = Series::band("range", Style::measured(Colour::Green).dash(Dash::Dashed), ends);
    let (scene, frames) = scene(&figure(axes().series(band))).unwrap();
    let drawn = curves(&scene);
    let (stroke, sides) = drawn.iter().find(|(stroke, _)| stroke.colour == Colour::Green.rgb()).unwrap();
    assert_eq!((stroke.dash, sides.len()), (Dash::Dashed, 2));
    for (side, (start, end)) in sides.iter().zip([(0.1, 0.2), (0.4, 0.6)]) {
        assert!(close(side[0], frames[0].place((0.0, start)), 0.01));
        assert!(close(side[1], frames[0].place((10.0, end)), 0.01));
    }
}

#[test]
fn a_logarithmic_axis_can_show_zero_at_a_place_of_its_own() {
    let curve = vec![(0.0, 0.2), (2.0, 0.4), (20.0, 0.6), (200.0, 0.8)];
    let axis = Axis::log_after_zero("time $t$", 2.0);
    let panel = Panel::new(axis, Axis::linear("y").range(0.0, 1.0)).series(line(curve));
    let (scene, frames) = scene(&figure(panel)).unwrap();
    let share = |x: f64| frames[0].x.share(x);
    assert!(share(2.0) > 0.05 && share(2.0) < 0.2 && (share(200.0) - 1.0).abs() < 1e-9);
    let words: Vec<String> = scene
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Text(text) => Some(text.source.clone()),
            _ => None,
        })
        .collect();
    assert!(words.iter().any(|word| word == "0"), "{words:?}");
}
