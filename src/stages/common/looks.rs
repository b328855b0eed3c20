//! One code of looks for all figures: colour and mark say what something is, open marks and solid lines that it was measured,
//! dashed black lines that theory predicts it, and a darker shade or a panel of its own which value a parameter has.

use crate::plot::{Colour, Dash, Marker, Style};
use crate::simulation::task::Matrix;

/// Parameters: rows `x^c`, neurons `W_i`, the second layer v.
pub fn weights() -> Style {
    Style::measured(Colour::Green).marker(Marker::Ring)
}

/// A block of a matrix.
pub fn matrix(matrix: Matrix) -> Style {
    match matrix {
        Matrix::Hessian => Style::measured(Colour::Blue).marker(Marker::OpenSquare).size(3.8),
        Matrix::Gradient => Style::measured(Colour::Vermillion).marker(Marker::OpenTriangle).size(3.8),
    }
}

/// What is neither parameters nor a matrix: the data, and what the network makes of them.
pub fn data() -> Style {
    Style::measured(Colour::Purple).marker(Marker::OpenDiamond).size(3.4)
}

/// What theory predicts.
pub fn predicted() -> Style {
    Style::theory(Colour::Black)
}

/// What theory predicts of a matrix, where both are in one panel.
pub fn predicted_of(matrix: Matrix) -> Style {
    match matrix {
        Matrix::Hessian => predicted(),
        Matrix::Gradient => predicted().dash(Dash::DashDot),
    }
}

/// A bound or a law with a constant that theory does not give.
pub fn bound() -> Style {
    predicted().dash(Dash::Dotted).width(1.0)
}
