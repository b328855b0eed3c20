//! Families: a base experiment and named axes, with an experiment for every point of the grid.

use crate::error::Result;
use crate::problem::experiment::{Experiment, Member};
use crate::problem::given::Given;

/// A parameter that takes several values in a family.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The parameter, as `--set` knows it.
    pub key: &'static str,
    /// Its values, in the order of members.
    pub values: Vec<f64>,
    label: &'static str,
    scale: f64,
}

impl Axis {
    /// An axis; `label` stands before the value in the names of members.
    #[must_use]
    pub fn new(key: &'static str, label: &'static str, values: impl IntoIterator<Item = f64>) -> Self {
        Self { key, values: values.into_iter().collect(), label, scale: 1.0 }
    }

    /// The names of members carry the value times this, a whole number where the values have few digits.
    #[must_use]
    pub fn scaled(self, scale: f64) -> Self {
        Self { scale, ..self }
    }

    /// What a value adds to the name of a member. A point would end the name in `--set`, so it is a p.
    #[must_use]
    pub fn part(&self, value: f64) -> String {
        let scaled = value * self.scale;
        let whole = scaled.round();
        let shown = if (scaled - whole).abs() <= 1e-9 * scaled.abs() { whole } else { scaled };
        format!("{}{shown}", self.label).replace('.', "p")
    }
}

/// A named grid of experiments.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// Its name, which no experiment has.
    pub name: String,
    /// What all members have in common; the names of members begin with its name.
    pub base: Experiment,
    /// The axes; the last varies fastest.
    pub axes: Vec<Axis>,
}

impl Family {
    /// A family of one member.
    pub fn new(name: impl Into<String>, base: Experiment) -> Self {
        Self { name: name.into(), base, axes: Vec::new() }
    }

    /// The family with a further axis.
    #[must_use]
    pub fn axis(mut self, axis: Axis) -> Self {
        self.axes.push(axis);
        self
    }

    /// Replaces the values of an axis, as `--set FAMILY.KEY=V1,V2,…` does; nothing if the parameter is no axis.
    ///
    /// # Errors
    /// Anything but different finite numbers with commas between them.
    pub fn replace(&mut self, key: &str, value: &str) -> Result<()> {
        let given = Given { experiment: &self.name, key, value };
        let Some(axis) = self.axes.iter_mut().find(|axis| axis.key == key) else { return Ok(()) };
        let mut values: Vec<f64> = Vec::new();
        for value in value.split(',') {
            let number = Given { value, ..given }.number()?;
            if values.iter().any(|other| axis.part(*other) == axis.part(number)) {
                return Err(given.refused(format!("names {number} twice")));
            }
            values.push(number);
        }
        axis.values = values;
        Ok(())
    }

    /// An experiment for every point of the grid.
    ///
    /// # Errors
    /// A value that its parameter cannot have.
    pub fn members(&self) -> Result<Vec<Experiment>> {
        let mut places = vec![Vec::new()];
        for axis in &self.axes {
            let further =
                |place: Vec<f64>| axis.values.iter().map(move |value| [place.as_slice(), &[*value]].concat());
            places = places.into_iter().flat_map(further).collect();
        }
        places.into_iter().map(|place| self.member(&place)).collect()
    }

    fn member(&self, values: &[f64]) -> Result<Experiment> {
        let mut member = self.base.clone();
        let mut place = Vec::new();
        for (axis, value) in self.axes.iter().zip(values) {
            member.set_as(&self.name, axis.key, &value.to_string())?;
            member.name.push_str(&axis.part(*value));
            place.push((axis.key, *value));
        }
        member.member = Some(Member { family: self.name.clone(), place });
        Ok(member)
    }
}

/// A family as its members show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    /// Its name.
    pub family: String,
    /// The axes with the values that members have.
    pub axes: Vec<(&'static str, Vec<f64>)>,
    /// Names of the members.
    pub members: Vec<String>,
}

/// The families among experiments, each where its first member stands.
#[must_use]
pub fn outlines<'a>(experiments: impl IntoIterator<Item = &'a Experiment>) -> Vec<Outline> {
    let mut all: Vec<Outline> = Vec::new();
    for experiment in experiments {
        let Some(Member { family, place }) = &experiment.member else { continue };
        let index = all.iter().position(|outline| outline.family == *family).unwrap_or_else(|| {
            let axes = place.iter().map(|(key, _)| (*key, Vec::new())).collect();
            all.push(Outline { family: family.clone(), axes, members: Vec::new() });
            all.len() - 1
        });
        let outline = &mut all[index];
        outline.members.push(experiment.name.clone());
        for ((_, values), (_, value)) in outline.axes.iter_mut().zip(place) {
            if !values.contains(value) {
                values.push(*value);
            }
        }
    }
    all
}

impl std::fmt::Display for Outline {
    /// In one line: `gmm-bbp: lambda (9) × phi (5)`.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let axes: Vec<String> =
            self.axes.iter().map(|(key, values)| format!("{key} ({})", values.len())).collect();
        write!(out, "{}: {}", self.family, axes.join(" × "))
    }
}
