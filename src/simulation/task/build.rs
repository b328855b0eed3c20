//! The one place that knows which data laws and networks there are.

use crate::problem::Problem;
use crate::problem::data::DataLaw;
use crate::problem::network::Network;
use crate::simulation::data::Law;
use crate::simulation::data::mixture::Mixture;
use crate::simulation::data::xor::Xor;
use crate::simulation::network::mlp::Mlp;
use crate::simulation::network::softmax::Softmax;
use crate::simulation::network::two_layer::TwoLayer;
use crate::simulation::task::definition::Task;

/// The law of a validated problem's data.
#[must_use]
pub fn law(data: &DataLaw) -> Box<dyn Law> {
    match data {
        DataLaw::Mixture { d, lambda, probabilities, means, nuisance } => {
            Box::new(Mixture::new(*d, *lambda, probabilities, means).with_nuisance(*nuisance))
        }
        DataLaw::Xor { d, lambda, mu, nu } => Box::new(Xor::new(*d, *lambda, mu, nu)),
    }
}

/// The task of a validated problem.
#[must_use]
pub fn build(problem: &Problem) -> Box<dyn Task> {
    let law = law(&problem.data);
    match &problem.network {
        Network::Softmax => Box::new(Softmax::new(problem, law)),
        Network::TwoLayer { width } => Box::new(TwoLayer::new(problem, law, *width)),
        Network::Mlp { widths, head, gain } => Box::new(Mlp::new(problem, law, widths, *head, *gain)),
    }
}
