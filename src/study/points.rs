//! Points given one by one, as a law that draws them in order, so that whatever takes samples takes these.

use crate::random::normal::Normals;
use crate::random::seed::{Purpose, Seed};
use crate::simulation::data::{InSpan, Law, Sample};
use ndarray::{Array2, s};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Points of a law with their clusters.
#[derive(Debug)]
pub struct Points<'a> {
    law: &'a dyn Law,
    /// One a row, n × d or wider.
    rows: Array2<f64>,
    clusters: Vec<u32>,
    next: AtomicUsize,
}

impl<'a> Points<'a> {
    /// These points (n × d, further columns are left out), each of its cluster of the law.
    #[must_use]
    pub fn new(law: &'a dyn Law, rows: &Array2<f64>, clusters: Vec<u32>) -> Self {
        let rows = rows.slice(s![.., ..law.d()]).to_owned();
        Self { law, rows, clusters, next: AtomicUsize::new(0) }
    }

    /// All of them, as a sample.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.next.store(0, Ordering::Relaxed);
        let nobody = Seed { root: 0, experiment: String::new(), replicate: 0 };
        Sample::first(self, &nobody, Purpose::Test, self.clusters.len())
    }
}

impl Law for Points<'_> {
    fn d(&self) -> usize {
        self.law.d()
    }

    fn labels(&self) -> &[u32] {
        self.law.labels()
    }

    fn means(&self) -> Array2<f64> {
        self.law.means()
    }

    fn independent_means(&self) -> Array2<f64> {
        self.law.independent_means()
    }

    fn mean_space(&self) -> Array2<f64> {
        self.law.mean_space()
    }

    fn draw(&self, _normals: &mut Normals, y: &mut [f64]) -> u32 {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        y.iter_mut().zip(self.rows.row(place)).for_each(|(slot, value)| *slot = *value);
        self.clusters[place]
    }

    fn in_span(&self) -> Option<InSpan> {
        None
    }
}
