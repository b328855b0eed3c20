//! Everything on a page goes through a backend of plotters, and anything of plotters can go on a page.

use crate::plot::{axes, caption, figure, line, samples};
use crate::print::streams;
use plotters::prelude::*;
use plotters_backend::{BackendColor, BackendCoord, BackendTextStyle, DrawingErrorKind};
use spectral_alignment::pipeline::closure::SOURCES;
use spectral_alignment::plot::backends::pdf::document;
use spectral_alignment::plot::backends::svg::Svg;
use spectral_alignment::plot::canvas::Canvas;
use spectral_alignment::plot::font::Font;
use spectral_alignment::plot::ink::{Format, Item, Part};
use spectral_alignment::plot::layout::alt::Words;
use spectral_alignment::plot::layout::compose::Layout;
use spectral_alignment::plot::render::draw::draw;
use spectral_alignment::plot::surface::{Look, Surface};
use spectral_alignment::plot::text::PlacedText;
use spectral_alignment::plot::{
    Anchor, Axis, Colour, ColourMap, Dash, Figure, HeatMap, Marker, Panel, PlotError, Series, Style, Width,
    lint, pdf, scene, svg,
};

/// What a backend was called for.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Calls {
    lines: usize,
    rectangles: usize,
    circles: usize,
    polygons: usize,
    texts: usize,
}

impl Calls {
    /// Everything but text.
    fn shapes(self) -> usize {
        self.lines + self.rectangles + self.circles + self.polygons
    }
}

/// A backend that counts what it passes on, or, where it is `broken`, what it should have: then paths go nowhere.
struct Counting<B> {
    inner: B,
    calls: Calls,
    broken: bool,
}

impl<B: DrawingBackend> Counting<B> {
    fn new(inner: B) -> Self {
        Self { inner, calls: Calls::default(), broken: false }
    }

    fn broken(inner: B) -> Self {
        Self { broken: true, ..Self::new(inner) }
    }
}

type Answer<B> = Result<(), DrawingErrorKind<<B as DrawingBackend>::ErrorType>>;

impl<B: DrawingBackend> DrawingBackend for Counting<B> {
    type ErrorType = B::ErrorType;

    fn get_size(&self) -> (u32, u32) {
        self.inner.get_size()
    }

    fn ensure_prepared(&mut self) -> Answer<B> {
        self.inner.ensure_prepared()
    }

    fn present(&mut self) -> Answer<B> {
        self.inner.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Answer<B> {
        self.calls.rectangles += 1;
        self.inner.draw_pixel(point, color)
    }

    fn draw_line<S: plotters_backend::BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Answer<B> {
        self.calls.lines += 1;
        self.inner.draw_line(from, to, style)
    }

    fn draw_rect<S: plotters_backend::BackendStyle>(
        &mut self,
        a: BackendCoord,
        b: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Answer<B> {
        self.calls.rectangles += 1;
        self.inner.draw_rect(a, b, style, fill)
    }

    fn draw_path<S: plotters_backend::BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<B> {
        self.calls.lines += 1;
        if self.broken { Ok(()) } else { self.inner.draw_path(path, style) }
    }

    fn draw_circle<S: plotters_backend::BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Answer<B> {
        self.calls.circles += 1;
        self.inner.draw_circle(centre, radius, style, fill)
    }

    fn fill_polygon<S: plotters_backend::BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Answer<B> {
        self.calls.polygons += 1;
        self.inner.fill_polygon(path, style)
    }

    fn draw_text<S: BackendTextStyle>(&mut self, text: &str, style: &S, at: BackendCoord) -> Answer<B> {
        self.calls.texts += 1;
        self.inner.draw_text(text, style, at)
    }
}

impl<F: Format> Surface for Counting<Canvas<F>> {
    fn look(&mut self, look: Look) {
        self.inner.look(look);
    }
}

impl Surface for Counting<SVGBackend<'_>> {}

/// The calls for a figure, and both documents drawn by nothing but these calls.
fn counted(figure: &Figure) -> (Calls, String, Vec<u8>) {
    drawn_by(figure, false)
}

fn drawn_by(figure: &Figure, broken: bool) -> (Calls, String, Vec<u8>) {
    let font = Font::bundled().unwrap();
    let layout = Layout::of(figure, &font).unwrap();
    let words = Words::of(figure, &layout.frames);
    let svg = Svg::canvas(&font, layout.size);
    let drawn = draw(&layout, if broken { Counting::broken(svg) } else { Counting::new(svg) }).unwrap();
    let calls = drawn.calls;
    let printed = document(&font, (layout.size, 1.0), &words, |canvas| {
        let counting = if broken { Counting::broken(canvas) } else { Counting::new(canvas) };
        let drawn = draw(&layout, counting).unwrap();
        assert_eq!(drawn.calls, calls, "{}", figure.name());
        Ok(drawn.inner)
    });
    (calls, drawn.inner.finish().document(&words, 1.0), printed.unwrap())
}

/// The shapes in an SVG document and the texts: every shape begins by a move.
fn shapes_of_svg(document: &str) -> (usize, usize) {
    let drawn = document.lines().filter(|line| line.starts_with("<path") && !line.contains("<path id="));
    let data = drawn.filter_map(|element| element.split(" d=\"").nth(1));
    let moves = data.map(|data| data.matches(['M', 'm']).count()).sum();
    (moves, document.lines().filter(|line| line.starts_with("<g")).count())
}

/// The shapes on a PDF page.
fn shapes_of_pdf(document: &[u8]) -> usize {
    let pages = streams(document);
    let page = pages.iter().map(|stream| String::from_utf8_lossy(stream)).find(|page| page.contains(" Tf\n"));
    page.unwrap().lines().filter(|line| line.ends_with(" m")).count()
}

#[test]
fn every_shape_and_text_of_both_formats_is_a_call_of_a_drawing_backend() {
    for figure in samples() {
        let (calls, drawing, printed) = counted(&figure);
        assert!(drawing == svg(&figure).unwrap(), "the SVG of {} has more than its calls", figure.name());
        assert!(printed == pdf(&figure).unwrap(), "the PDF of {} has more than its calls", figure.name());
        assert_eq!(shapes_of_svg(&drawing), (calls.shapes(), calls.texts), "{}", figure.name());
        assert_eq!(shapes_of_pdf(&printed), calls.shapes(), "{}", figure.name());
    }
}

#[test]
fn a_backend_that_draws_no_paths_is_noticed_in_every_figure() {
    for figure in samples() {
        let (calls, drawing, printed) = drawn_by(&figure, true);
        assert_eq!(calls, counted(&figure).0, "{}", figure.name());
        assert!(shapes_of_svg(&drawing).0 < calls.shapes(), "{}", figure.name());
        assert!(shapes_of_pdf(&printed) < calls.shapes(), "{}", figure.name());
        assert!(drawing != svg(&figure).unwrap() && printed != pdf(&figure).unwrap(), "{}", figure.name());
    }
}

#[test]
fn a_backend_is_called_as_often_as_the_description_has_elements() {
    let blue = Style::measured(Colour::Blue);
    let points = |count: u32| -> Vec<(f64, f64)> { (1..=count).map(|i| (f64::from(i), 0.5)).collect() };
    let of = |panel: Panel| counted(&figure(panel)).0;
    let more = |with: Series| {
        let (before, after) =
            (of(axes().series(line(points(2)))), of(axes().series(line(points(2))).series(with)));
        [
            after.lines - before.lines,
            after.rectangles - before.rectangles,
            after.circles - before.circles,
            after.polygons - before.polygons,
            after.texts - before.texts,
        ]
    };
    // Two spines in one line; six long ticks with numbers and five short ones on each axis; two labels; a curve with its
    // key and its text.
    let bare = of(axes().series(line(points(2))));
    assert_eq!(bare, Calls { lines: 1 + 2 * 11 + 2, texts: 2 * 6 + 2 + 1, ..Calls::default() });
    // Each with one more key and one more text: lines, rectangles, circles, polygons, texts.
    assert_eq!(more(Series::points("p", blue.marker(Marker::Circle), points(7))), [0, 0, 7 + 1, 0, 1]);
    assert_eq!(more(Series::points("p", blue.marker(Marker::Diamond), points(7))), [0, 0, 0, 7 + 1, 1]);
    assert_eq!(more(Series::points("p", blue.marker(Marker::Plus), points(7))), [2 * (7 + 1), 0, 0, 0, 1]);
    assert_eq!(more(Series::marked_line("p", blue, points(7))), [1 + 1, 0, 7 + 1, 0, 1]);
    assert_eq!(more(Series::stems("p", blue, points(7))), [7 + 3, 0, 0, 0, 1]);
    assert_eq!(more(Series::rule_vertical("p", blue, 2.0)), [1 + 1, 0, 0, 0, 1]);
    let ends = points(5).iter().map(|&(x, _)| (x, 0.2, if x == 3.0 { f64::NAN } else { 0.6 })).collect();
    assert_eq!(more(Series::band("p", blue, ends)), [3 + 2, 0, 0, 2 + 1, 1]);
    let bars = points(4).iter().map(|&(x, y)| (x, y, 0.1, 0.9)).collect();
    assert_eq!(more(Series::error_bars("p", blue, bars)), [3 * (4 + 1), 0, 4 + 1, 0, 1]);
    assert_eq!(
        more(Series::histogram("p", blue, vec![0.0, 1.0, 2.0], vec![0.2, 0.4])),
        [1 + 1, 0, 0, 1 + 1, 1]
    );
    let values = (0..3).map(|row| (0..4).map(|col| f64::from(4 * row + col)).collect()).collect();
    let edges = |count: u32| (0..=count).map(f64::from).collect();
    let range = (0.0, 11.0);
    let map =
        HeatMap { x_edges: edges(4), y_edges: edges(3), values, map: ColourMap::Viridis, range, steps: None };
    let cells = |map| Panel::new(Axis::linear("x"), Axis::linear("y")).series(Series::heatmap("bar", map));
    assert_eq!(of(cells(map)).rectangles, 3 * 4 + 64);
}

#[test]
fn a_figure_can_be_drawn_on_a_backend_of_plotters_own() {
    let font = Font::bundled().unwrap();
    for figure in samples() {
        let (layout, mut drawing) = (Layout::of(&figure, &font).unwrap(), String::new());
        let page = (layout.size.0 as u32 * 100, layout.size.1 as u32 * 100);
        let drawn = draw(&layout, Counting::new(SVGBackend::with_string(&mut drawing, page))).unwrap();
        assert_eq!(drawn.calls, counted(&figure).0, "{}", figure.name());
        drop(drawn);
        assert!(drawing.contains("</svg>"));
    }
}

/// A panel with an arrow, a box plot and words, each in one line.
fn with_elements() -> Panel {
    let arrow = [(2.0, 0.9), (4.0, 0.4), (3.9, 0.5), (4.0, 0.4), (3.6, 0.42)];
    let losses = Quartiles::new(&[0.4, 0.45, 0.5, 0.55, 0.6]);
    axes()
        .element("an arrow", PathElement::new(arrow, BLUE.stroke_width(110)))
        .element(
            "a box of losses",
            Boxplot::new_vertical(8.0, &losses).width(900).style(RED.stroke_width(80)),
        )
        .element(
            "words at a ring",
            EmptyElement::at((6.0, 0.8))
                + Circle::new((0, 0), 300, GREEN.filled())
                + Text::new("$\\hat R$ falls", (400, 0), ("serif", 800).into_font()),
        )
}

#[test]
fn any_element_of_plotters_is_one_line_in_both_formats() {
    let with = figure(with_elements());
    assert_eq!(lint(&with), Vec::<String>::new());
    let frame = scene(&with).unwrap().1[0];
    let (drawing, printed) = (svg(&with).unwrap(), pdf(&with).unwrap());
    let place = |x, y| {
        let (x, y) = frame.place((x, y));
        ((x * 100.0).round() as i32, (y * 100.0).round() as i32)
    };
    let (from, to) = (place(2.0, 0.9), place(4.0, 0.4));
    let arrow = format!("d=\"M{} {}l{} {}", from.0, from.1, to.0 - from.0, to.1 - from.1);
    assert!(
        drawing.contains(&format!("stroke=\"#00f\" stroke-width=\"110\" {arrow}")),
        "{arrow} in {drawing}"
    );
    assert!(drawing.contains("stroke=\"#f00\" stroke-width=\"80\""));
    let ring = place(6.0, 0.8);
    assert!(drawing.contains(&format!("fill=\"#0f0\" d=\"M{} {}a300 300", ring.0 - 300, ring.1)));
    let page = streams(&printed);
    let page = page.iter().map(|stream| String::from_utf8_lossy(stream)).find(|page| page.contains(" Tf\n"));
    let hundredths = |place: (i32, i32)| (f64::from(place.0) / 100.0, f64::from(place.1) / 100.0);
    let (from, to) = (hundredths(from), hundredths(to));
    let wanted = format!("{} {} m\n{} {} l\n", from.0, from.1, to.0, to.1);
    assert!(page.unwrap().contains(&wanted), "{wanted}");
    for words in ["an arrow", "a box of losses", "words at a ring"] {
        assert!(drawing.contains(words), "alternative text");
    }
    let (calls, counted_drawing, counted_printed) = counted(&with);
    assert!(counted_drawing == drawing && counted_printed == printed);
    assert_eq!(shapes_of_svg(&drawing), (calls.shapes(), calls.texts));
    assert_eq!(shapes_of_pdf(&printed), calls.shapes());
    // One line, five and a rectangle of the box, one disc, and the words.
    let bare = counted(&figure(axes().series(line(vec![(0.0, 0.0)])))).0;
    assert_eq!((calls.circles, calls.texts), (1, bare.texts - 1 + 1));
    assert_eq!(calls.lines + calls.polygons, bare.lines - 1 + 1 + 6);
}

#[test]
fn elements_of_plotters_count_for_the_range_and_for_the_lint() {
    let free = Panel::new(Axis::linear("x"), Axis::linear("y"))
        .element("a dot", Circle::new((3.0, 40.0), 200, BLACK.filled()))
        .element("another", Circle::new((5.0, 80.0), 200, BLACK.filled()));
    let frame = scene(&figure(free)).unwrap().1[0];
    assert!(frame.y.low < 40.0 && frame.y.high > 80.0 && frame.x.high >= 5.0);
    let outside = axes().element("a dot", Circle::new((3.0, 40.0), 200, BLACK.filled()));
    let findings = lint(&figure(outside));
    assert!(findings.iter().any(|finding| finding.contains("points of a dot lie outside")), "{findings:?}");
    let nowhere = axes().element("a dot", Circle::new((f64::NAN, 0.5), 200, BLACK.filled()));
    assert!(matches!(svg(&figure(nowhere)), Err(PlotError::Range { .. })));
    let silent = axes().element(" ", Circle::new((3.0, 0.5), 200, BLACK.filled()));
    assert!(matches!(svg(&figure(silent)), Err(PlotError::Unlabelled { .. })));
    let covered = axes().element("a disc", Circle::new((5.0, 0.5), 900, BLACK.filled())).note(
        0.5,
        0.5,
        "under it",
        Anchor::Centre,
    );
    assert!(lint(&figure(covered)).iter().any(|finding| finding.contains("lies on")));
}

#[test]
fn what_styles_of_plotters_cannot_say_reaches_both_formats() {
    let style = Style::measured(Colour::Blue).dash(Dash::Dashed);
    let dashed = figure(axes().series(Series::line("dashed", style, vec![(0.0, 0.0), (10.0, 1.0)])));
    let drawing = svg(&dashed).unwrap();
    assert_eq!(drawing.matches("stroke-dasharray=\"396 220\"").count(), 2, "the curve and its key");
    assert_eq!(drawing.matches("stroke-linejoin=\"round\"").count(), 1, "the curve alone");
    let page = streams(&pdf(&dashed).unwrap()).concat();
    let page = String::from_utf8_lossy(&page);
    assert_eq!(page.matches("[3.96 2.2] 0 d").count(), 2);
    assert_eq!(page.matches("1 j").count(), 1);
    // Calls of one opaque paint are one path; those of a translucent paint are not, as each of them shows.
    let disc = |x: f64, style: ShapeStyle| {
        EmptyElement::at((x, 0.5)) + Circle::new((0, 0), 300, style) + Circle::new((100, 0), 300, style)
    };
    let both =
        axes().element("solid", disc(2.0, BLUE.filled())).element("pale", disc(7.0, BLUE.mix(0.5).filled()));
    let (scene, _) = scene(&figure(both)).unwrap();
    let discs = scene.items.iter().filter_map(|item| match item {
        Item::Fill(parts, ..) if matches!(parts[0], Part::Circle(..)) => Some(parts.len()),
        _ => None,
    });
    assert_eq!(discs.collect::<Vec<_>>(), [2, 1, 1]);
}

#[test]
fn text_of_plotters_is_anchored_and_turned() {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let font = Font::bundled().unwrap();
    let at = |pos: Pos, turn: FontTransform| {
        let style = TextStyle::from(("serif", 800).into_font()).pos(pos).transform(turn);
        let (scene, frames) =
            scene(&figure(axes().element("words", Text::new("HHHH", (5.0, 0.5), style)))).unwrap();
        let found = scene.items.iter().find_map(|item| match item {
            Item::Text(letters) if letters.source == "HHHH" => Some(letters.clone()),
            _ => None,
        });
        let ink = PlacedText::new(&font, &found.unwrap()).unwrap().ink();
        let (x, y) = frames[0].place((5.0, 0.5));
        [ink.left - x, ink.top - y, ink.right - x, ink.bottom - y]
    };
    let near = |found: [f64; 4], wanted: [f64; 4]| {
        assert!(found.iter().zip(wanted).all(|(a, b)| (a - b).abs() < 0.5), "{found:?} {wanted:?}");
    };
    let [_, top, right, _] = at(Pos::new(HPos::Left, VPos::Bottom), FontTransform::None);
    let (wide, high) = (right, -top);
    assert!(wide > 20.0 && high > 4.0);
    near(
        at(Pos::new(HPos::Center, VPos::Center), FontTransform::None),
        [-wide / 2.0, -high / 2.0, wide / 2.0, high / 2.0],
    );
    near(at(Pos::new(HPos::Right, VPos::Top), FontTransform::None), [-wide, 0.0, 0.0, high]);
    near(at(Pos::new(HPos::Left, VPos::Bottom), FontTransform::Rotate270), [-high, -wide, 0.0, 0.0]);
    near(at(Pos::new(HPos::Left, VPos::Bottom), FontTransform::Rotate90), [0.0, 0.0, high, wide]);
    near(
        at(Pos::new(HPos::Center, VPos::Top), FontTransform::Rotate180),
        [-wide / 2.0, -high, wide / 2.0, 0.0],
    );
}

#[test]
fn axes_of_a_figure_are_where_plotters_puts_its_chart() {
    let caption = caption("Grid");
    let mut grid = Figure::new("grid", caption, Width::Full, 3).shared_x();
    for _ in 0..5 {
        let points = vec![(0.0, 0.0), (1.0, 1.0)];
        let panel = Panel::new(Axis::linear("x"), Axis::linear("y"));
        grid = grid.panel(panel.line("diagonal", Style::measured(Colour::Blue), points));
    }
    let (scene, frames) = scene(&grid).unwrap();
    let units = |(x, y): (f64, f64)| ((x * 100.0).round() as i32, (y * 100.0).round() as i32);
    for frame in frames {
        assert!([frame.left, frame.top, frame.width, frame.height].iter().all(|pt| {
            let units = pt * 100.0;
            (units - units.round()).abs() < 1e-6
        }));
        let ends = [frame.place((0.0, 0.0)), frame.place((1.0, 1.0))].map(units).to_vec();
        assert!(scene.items.iter().any(|item| matches!(item, Item::Stroke(parts, stroke)
            if stroke.data && parts[0] == Part::Open(ends.clone()))));
    }
}

#[test]
fn rooms_of_plots_import_only_those_before_them() {
    let rooms = ["description", "layout", "elements", "backends", "render", "lint"];
    let room = |path: &str| {
        let inner = path.strip_prefix("src/plot/")?;
        rooms.iter().position(|room| inner.trim_end_matches(".rs").split('/').next() == Some(room))
    };
    let mut met = 0;
    for source in SOURCES {
        let Some(here) = room(source.path) else { continue };
        for dependency in source.dependencies {
            assert_ne!(*dependency, "src/plot/mod.rs", "{} goes through its own door", source.path);
            if let Some(there) = room(dependency) {
                assert!(there <= here, "{} imports {dependency}", source.path);
                met += usize::from(there < here);
            }
        }
    }
    assert!(met > 20, "{met} imports between rooms");
}
