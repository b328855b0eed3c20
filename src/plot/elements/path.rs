//! Paths: clipping against the axes, in the space where lines are straight, and thinning.

use crate::plot::layout::frame::Share;

/// The visible piece of a segment, exact, by Liang and Barsky; `None` if nothing is visible.
#[must_use]
pub fn clip_segment(from: Share, to: Share) -> Option<(Share, Share)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (step, room) in [(-dx, from.0), (dx, 1.0 - from.0), (-dy, from.1), (dy, 1.0 - from.1)] {
        if step == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if step < 0.0 {
            enter = enter.max(room / step);
        } else {
            leave = leave.min(room / step);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |share: f64| (from.0 + share * dx, from.1 + share * dy);
    Some((if enter > 0.0 { at(enter) } else { from }, if leave < 1.0 { at(leave) } else { to }))
}

/// The visible pieces of a line; points that are not finite break it.
#[must_use]
pub fn clip_line(points: &[Share]) -> Vec<Vec<Share>> {
    let mut pieces: Vec<Vec<Share>> = Vec::new();
    let mut open = false;
    for pair in points.windows(2) {
        let finite = pair.iter().all(|point| point.0.is_finite() && point.1.is_finite());
        let visible = if finite { clip_segment(pair[0], pair[1]) } else { None };
        let Some((from, to)) = visible else {
            open = false;
            continue;
        };
        match pieces.last_mut() {
            Some(piece) if open && from == pair[0] => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
        open = to == pair[1];
    }
    pieces
}

/// The part of a polygon inside the axes, by Sutherland and Hodgman.
#[must_use]
pub fn clip_polygon(points: &[Share]) -> Vec<Share> {
    let mut polygon = points.to_vec();
    for side in 0..4 {
        let room = |point: Share| match side {
            0 => point.0,
            1 => 1.0 - point.0,
            2 => point.1,
            _ => 1.0 - point.1,
        };
        let mut kept = Vec::with_capacity(polygon.len() + 4);
        for (index, &to) in polygon.iter().enumerate() {
            let from = polygon[if index == 0 { polygon.len() - 1 } else { index - 1 }];
            let (before, after) = (room(from), room(to));
            if (before < 0.0) != (after < 0.0) {
                let share = before / (before - after);
                kept.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
            }
            if after >= 0.0 {
                kept.push(to);
            }
        }
        polygon = kept;
    }
    polygon
}

/// Leaves out points of a line (in pt) that move it by less than `tolerance` pt, by Douglas and Peucker.
#[must_use]
pub fn thin(points: &[(f64, f64)], tolerance: f64) -> Vec<(f64, f64)> {
    if points.len() < 3 {
        return points.to_vec();
    }
    let mut keep = vec![false; points.len()];
    keep[0] = true;
    keep[points.len() - 1] = true;
    let mut stack = vec![(0, points.len() - 1)];
    while let Some((first, last)) = stack.pop() {
        let mut farthest = (first, tolerance);
        for (index, &point) in points.iter().enumerate().take(last).skip(first + 1) {
            let distance = distance(point, points[first], points[last]);
            if distance > farthest.1 {
                farthest = (index, distance);
            }
        }
        if farthest.0 != first {
            keep[farthest.0] = true;
            stack.push((first, farthest.0));
            stack.push((farthest.0, last));
        }
    }
    points.iter().zip(&keep).filter(|(_, kept)| **kept).map(|(point, _)| *point).collect()
}

/// Distance of a point from a segment.
fn distance(point: (f64, f64), from: (f64, f64), to: (f64, f64)) -> f64 {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let (px, py) = (point.0 - from.0, point.1 - from.1);
    let length = dx * dx + dy * dy;
    let share = if length > 0.0 { ((px * dx + py * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    let (ex, ey) = (px - share * dx, py - share * dy);
    (ex * ex + ey * ey).sqrt()
}
