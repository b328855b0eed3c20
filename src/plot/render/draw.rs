//! A figure on a backend: areas, charts and elements of plotters, in the order of drawing.

use std::cell::RefCell;
use std::rc::Rc;

use plotters::chart::{ChartBuilder, LabelAreaPosition};
use plotters::drawing::DrawingAreaErrorKind;
use plotters::style::text_anchor::{HPos, VPos};

use crate::plot::description::colour::Rgb;
use crate::plot::description::ink::lettering;
use crate::plot::description::panel::Anchor;
use crate::plot::description::series::Series;
use crate::plot::description::style::Dash;
use crate::plot::description::surface::{Look, Role, Surface, place, units};
use crate::plot::elements::area::{Drawn, Page};
use crate::plot::elements::{axes, bar, keys, marks};
use crate::plot::layout::compose::{Cell, Layout};
use crate::plot::layout::frame::Frame;
use crate::plot::layout::legend::Legend;
use crate::plot::layout::text::{LABEL, LETTER, SMALL};

/// Draws a figure on a backend of plotters, which it gives back.
///
/// # Errors
/// Whatever the backend reports.
pub fn draw<B: Surface>(layout: &Layout, backend: B) -> Result<B, DrawingAreaErrorKind<B::ErrorType>> {
    let backend = Rc::new(RefCell::new(backend));
    let page: Page<B> = (&backend).into();
    legend(&layout.legends[0], &page)?;
    // Columns end where the next begin; the row above the first holds the shared legend.
    let (columns, rows) = &layout.grid;
    let breaks = |starts: &[f64]| -> Vec<i32> { starts.iter().map(|start| units(*start)).collect() };
    let areas = page.split_by_breakpoints(breaks(&columns[1..]), breaks(rows));
    for (index, ((cell, frame), area)) in
        layout.cells.iter().zip(&layout.frames).zip(&areas[columns.len()..]).enumerate()
    {
        panel(layout, index, (cell, frame), (area, &page))?;
    }
    layout.legends[1..].iter().try_for_each(|inset| legend(inset, &page))?;
    page.present()?;
    drop((page, areas));
    Rc::into_inner(backend).map(RefCell::into_inner).ok_or(DrawingAreaErrorKind::SharingError)
}

/// Draws a legend.
fn legend<B: Surface>(legend: &Legend, page: &Page<B>) -> Drawn<B> {
    legend.keys.iter().try_for_each(|(key, at)| keys::draw(key, *at, page))?;
    let style = lettering(SMALL, Rgb::BLACK, (HPos::Left, VPos::Bottom));
    legend.texts.iter().try_for_each(|(text, at)| page.draw_text(text, &style, place(*at)))
}

/// Draws a panel on its part of the page.
fn panel<B: Surface>(
    layout: &Layout,
    index: usize,
    (cell, frame): (&Cell, &Frame),
    (area, page): (&Page<B>, &Page<B>),
) -> Drawn<B> {
    let baseline = frame.top - 5.0;
    let middle = frame.left + frame.width / 2.0;
    let headings = [
        (&cell.letter, LETTER, HPos::Left, layout.grid.0[index % layout.grid.0.len()]),
        (&cell.title, LABEL, HPos::Center, middle),
    ];
    for (text, size, anchor, at) in headings {
        if let Some(text) = text {
            let style = lettering(size, Rgb::BLACK, (anchor, VPos::Bottom));
            page.draw_text(&text.source, &style, place((at, baseline)))?;
        }
    }
    let (across, down) = area.get_pixel_range();
    let (left, top) = place((frame.left, frame.top));
    let (right, bottom) = place((frame.left + frame.width, frame.top + frame.height));
    let chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Top, top - down.start)
        .set_label_area_size(LabelAreaPosition::Bottom, down.end - bottom)
        .set_label_area_size(LabelAreaPosition::Left, left - across.start)
        .set_label_area_size(LabelAreaPosition::Right, across.end - right)
        .build_cartesian_2d(&cell.x, &cell.y)?;

    let panel = cell.panel;
    let mut series: Vec<&Series> = panel.series.iter().collect();
    series.sort_by_key(|series| series.layer());
    let (below, above) = series.split_at(series.partition_point(|series| series.layer() == 0));
    below.iter().try_for_each(|series| marks::draw(series, frame, &chart))?;
    page.draw(&Look { dash: Dash::Solid, role: Role::Cell })?;
    for text in &layout.written[index] {
        let style = lettering(text.size, text.colour, (HPos::Left, VPos::Bottom));
        page.draw_text(&text.source, &style, text.place)?;
    }
    page.draw(&Look::PLAIN)?;
    axes::draw((&cell.x, &cell.y), frame, &chart, page)?;
    let on_cells = below.iter().any(|series| series.has_bar());
    for series in above {
        if on_cells {
            marks::draw_rim(series, frame, &chart)?;
        }
        marks::draw(series, frame, &chart)?;
    }
    panel.elements.iter().try_for_each(|element| chart.plotting_area().draw(element))?;
    if let Some(set) = &cell.bar {
        bar::draw(set, frame, page)?;
    }
    for note in &panel.notes {
        let anchor = match note.anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let style = lettering(SMALL, Rgb::BLACK, (anchor, VPos::Bottom));
        page.draw_text(&note.text, &style, place(frame.at((note.x, note.y))))?;
    }
    Ok(())
}
