//! Elements of plotters in a panel, in the values of its axes.
//!
//! A type of plotters' own names the backend that it is drawn on, and a figure is drawn on several: so an element is drawn
//! on a [`Sketch`], which remembers what it calls, and what it called is drawn on each of them.

use std::borrow::Borrow;
use std::fmt::{Debug, Formatter};
use std::rc::Rc;

use plotters::element::{Drawable, PointCollection};
use plotters_backend::DrawingErrorKind;

use crate::plot::description::canvas::Canvas;
use crate::plot::description::ink::Items;
use crate::plot::description::surface::{Answer, Look, Place, Surface};

/// The backend for which elements of plotters are made.
pub type Sketch = Canvas<Items>;

type Drawing = dyn Fn(&mut dyn Iterator<Item = Place>, &mut Sketch, (u32, u32)) -> Answer<Sketch>;

/// An element of plotters with the words for readers who cannot see it.
#[derive(Clone)]
pub struct Element {
    pub(crate) words: String,
    pub(crate) points: Vec<(f64, f64)>,
    drawing: Rc<Drawing>,
}

impl Element {
    /// Any element of plotters whose points are numbers; its pixels are hundredths of a pt.
    #[must_use]
    pub fn new<E, X, Y>(words: impl Into<String>, element: E) -> Self
    where
        E: Drawable<Sketch> + 'static,
        for<'a> &'a E: PointCollection<'a, (X, Y)>,
        X: Into<f64> + Clone,
        Y: Into<f64> + Clone,
    {
        let number = |point: &(X, Y)| (point.0.clone().into(), point.1.clone().into());
        let points = element.point_iter().into_iter().map(|point| number(point.borrow())).collect();
        let drawing = move |mut places: &mut dyn Iterator<Item = Place>, sketch: &mut Sketch, size| {
            element.draw(&mut places, sketch, size)
        };
        Self { words: words.into(), points, drawing: Rc::new(drawing) }
    }
}

impl PartialEq for Element {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words && self.points == other.points && Rc::ptr_eq(&self.drawing, &other.drawing)
    }
}

impl Debug for Element {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        write!(out, "{} at {:?}", self.words, self.points)
    }
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Element {
    type Point = &'a (f64, f64);
    type IntoIter = &'a [(f64, f64)];

    fn point_iter(self) -> Self::IntoIter {
        &self.points
    }
}

impl<B: Surface> Drawable<B> for Element {
    fn draw<I: Iterator<Item = Place>>(&self, mut places: I, backend: &mut B, size: (u32, u32)) -> Answer<B> {
        let mut sketch = Canvas::new(Items::default(), backend.get_size());
        (self.drawing)(&mut places, &mut sketch, size)
            .map_err(|error| DrawingErrorKind::FontError(Box::new(error)))?;
        backend.look(Look::PLAIN);
        sketch.finish().draw(backend)
    }
}
