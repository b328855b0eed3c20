//! Keys of legends: a sample of every look.

use plotters::element::Polygon;
use plotters::style::Color;

use crate::plot::description::look::{Key, Kind};
use crate::plot::description::style::Dash;
use crate::plot::description::surface::{Look, Place, Role, Surface, place, width};
use crate::plot::elements::area::{Drawn, Page, lines, marks, tint};
use crate::plot::elements::marks::{BAR, SIDE};

/// Draws a key from the middle of its left end rightwards.
pub(crate) fn draw<B: Surface>(key: &Key, (x, y): (f64, f64), page: &Page<B>) -> Drawn<B> {
    let style = &key.style;
    let (right, middle) = (x + key.width(), x + key.width() / 2.0);
    let look = Look { dash: style.dash, role: Role::Furniture };
    let line = |points: &[(f64, f64)]| -> Vec<Place> { points.iter().copied().map(place).collect() };
    let draw = |look: Look, width_pt: f64, pieces: &[&[(f64, f64)]]| {
        let ink = style.rgb().stroke_width(width(width_pt));
        lines(page, look, ink, pieces.iter().map(|piece| line(piece)))
    };
    let across = [(x, y), (right, y)];
    let area = || {
        let corners = [(x, y - 3.0), (right, y - 3.0), (right, y + 3.0), (x, y + 3.0)];
        page.draw(&look)?;
        page.draw(&Polygon::new(line(&corners), tint(style)))
    };
    let mark = || marks(page, look, style, [place((middle, y))]);
    match key.kind {
        Kind::Line => draw(look, style.width, &[&across]),
        Kind::Upright => draw(look, style.width, &[&[(middle, y + 4.0), (middle, y - 4.5)]]),
        Kind::MarkedLine => {
            draw(look, style.width, &[&across])?;
            mark()
        }
        Kind::Marker => mark(),
        Kind::Band => {
            area()?;
            draw(look, SIDE, &[&[(x, y - 3.0), (right, y - 3.0)], &[(x, y + 3.0), (right, y + 3.0)]])
        }
        Kind::Steps => {
            area()?;
            draw(look, style.width, &[&[(x, y + 3.0), (x, y - 3.0), (right, y - 3.0), (right, y + 3.0)]])
        }
        Kind::ErrorBar => {
            let cap = |y: f64| [(middle - 1.5, y), (middle + 1.5, y)];
            let bar = [(middle, y - 4.0), (middle, y + 4.0)];
            draw(Look { dash: Dash::Solid, ..look }, BAR, &[&bar, &cap(y - 4.0), &cap(y + 4.0)])?;
            mark()
        }
        Kind::Stem => {
            let stem = |share: f64, height: f64| {
                let at = x + 1.0 + share * (key.width() - 2.0);
                [(at, y + 3.0), (at, y + 3.0 - height)]
            };
            draw(look, style.width, &[&stem(0.0, 2.0), &stem(0.5, 5.0), &stem(1.0, 3.5)])
        }
    }
}
