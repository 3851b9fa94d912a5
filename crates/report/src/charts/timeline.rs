//! When requests were admitted and rejected, with the fitted model over them.
//!
//! The height is the number admitted so far: a bucket shows its burst as a step and its rate as a slope, a window as a
//! stair, and every rejection is a cross on the level where the limiter held. The model (calls left) has its own axis at
//! the right; where it is below one, crosses are due. Beneath, latency on the same time: a queue that delays shows there
//! and nowhere else, and so does a target that suffers.

use std::collections::HashSet;

use plotters::prelude::{Circle, Color, Cross, PathElement, Polygon, ShapeStyle, TriangleMarker};
use plotters::style::text_anchor::HPos;
use ratewarden_model::scan_report::{Outcome, Timeline, TimelinePoint};

use super::frame::{self, Plot, Scale};
use super::{ADMITTED, Area, Canvas, Chart, Drawn, FAILED, MODEL, REJECTED, axis, both};
use crate::{ReportError, text};

/// Draws the timeline; none where there is nothing to draw.
pub(crate) fn draw(timeline: &Timeline) -> Result<Option<Chart>, ReportError> {
    let marks = marks(&timeline.requests);
    if marks.len() < 2 {
        return Ok(None);
    }
    let model: Vec<(f64, f64)> = timeline
        .model
        .iter()
        .map(|[at_ms, left]| (at_ms / 1_000.0, left.max(0.0)))
        .filter(|(at, left)| at.is_finite() && left.is_finite())
        .collect();
    both("admitted and rejected requests over time", |area, canvas| {
        let canvas = Canvas { right_room: !model.is_empty(), ..canvas };
        let (calls, latency) = area.split_vertically(canvas.height * 66 / 100);
        draw_calls(&calls, canvas, &marks, &model)?;
        draw_latency(&latency, canvas, &marks)
    })
    .map(Some)
}

/// A request as it is drawn.
#[derive(Debug, Clone, Copy)]
struct Mark {
    at_s: f64,
    admitted_so_far: f64,
    latency_ms: f64,
    outcome: Outcome,
}

fn marks(requests: &[TimelinePoint]) -> Vec<Mark> {
    let mut points: Vec<_> =
        requests.iter().filter(|point| point.at_ms.is_finite() && point.latency_ms.is_finite()).collect();
    points.sort_by(|a, b| a.at_ms.total_cmp(&b.at_ms));
    let mut admitted = 0;
    let mark = |point: &TimelinePoint| {
        admitted += usize::from(point.outcome == Outcome::Admitted);
        Mark {
            at_s: point.at_ms.max(0.0) / 1_000.0,
            admitted_so_far: axis::count(admitted),
            latency_ms: point.latency_ms.max(0.0),
            outcome: point.outcome,
        }
    };
    points.into_iter().map(mark).collect()
}

fn largest(marks: &[Mark], of: fn(&Mark) -> f64) -> f64 {
    marks.iter().map(of).fold(0.0, f64::max)
}

fn time(marks: &[Mark], canvas: Canvas) -> Scale {
    let label = |at: f64| format!("{} s", text::number(at));
    Scale::linear("", largest(marks, |mark| mark.at_s), canvas.labels, label)
}

fn draw_calls(area: &Area<'_>, canvas: Canvas, marks: &[Mark], model: &[(f64, f64)]) -> Drawn {
    let calls =
        Scale::linear("admitted so far", largest(marks, |mark| mark.admitted_so_far), 4, text::number);
    let time = time(marks, canvas);
    let (Some(first), Some(last)) = (model.first(), model.last()) else {
        let mut plot = frame::plot(area, canvas, &time, &calls, false)?;
        frame::dress(&mut plot, area, canvas, [&time, &calls])?;
        return draw_marks(&mut plot, canvas, marks, |mark| mark.admitted_so_far);
    };
    let most_left = model.iter().map(|(_, left)| *left).fold(0.0, f64::max);
    let left = Scale { colour: MODEL, ..Scale::linear("calls left (model)", most_left, 4, text::number) };
    let plot = frame::plot(area, canvas, &time, &calls, true)?;
    let mut plot = plot.set_secondary_coord(time.clone(), left.clone());
    frame::dress(&mut plot, area, canvas, [&time, &calls])?;
    frame::title(area, canvas, &left, HPos::Right)?;
    plot.configure_secondary_axes()
        .axis_style(MODEL.mix(0.4))
        .label_style(frame::letters_of(canvas.letters, MODEL))
        .draw()?;
    let mut under = model.to_vec();
    under.extend([(last.0, 0.0), (first.0, 0.0)]);
    plot.draw_secondary_series(std::iter::once(Polygon::new(under, MODEL.mix(0.12))))?;
    let line = ShapeStyle { color: MODEL.mix(0.9), filled: false, stroke_width: 3 };
    plot.draw_secondary_series(std::iter::once(PathElement::new(model.to_vec(), line)))?;
    draw_marks(&mut plot, canvas, marks, |mark| mark.admitted_so_far)
}

fn draw_latency(area: &Area<'_>, canvas: Canvas, marks: &[Mark]) -> Drawn {
    let time = time(marks, canvas);
    let latency = Scale::linear("latency", largest(marks, |mark| mark.latency_ms), 3, text::latency);
    let mut plot = frame::plot(area, canvas, &time, &latency, false)?;
    frame::dress(&mut plot, area, canvas, [&time, &latency])?;
    draw_marks(&mut plot, canvas, marks, |mark| mark.latency_ms)
}

/// Circles for admitted, crosses for rejected, triangles for failed: told apart without colour too. Marks of one kind
/// on one spot are drawn once, which keeps the page of a scan of 5 000 requests small.
fn draw_marks(plot: &mut Plot<'_, '_>, canvas: Canvas, marks: &[Mark], height: fn(&Mark) -> f64) -> Drawn {
    let mut drawn = HashSet::new();
    let size = canvas.letters / 5;
    let stroke = |colour: plotters::style::RGBColor| ShapeStyle {
        color: colour.mix(0.95),
        filled: false,
        stroke_width: 3,
    };
    for mark in marks {
        let at = (mark.at_s, height(mark));
        let (x, y) = plot.backend_coord(&at);
        if !drawn.insert((x / 3, y / 3, mark.outcome as u8)) {
            continue;
        }
        match mark.outcome {
            Outcome::Admitted => plot.draw_series([Circle::new(at, size, ADMITTED.mix(0.8).filled())])?,
            Outcome::Rejected => plot.draw_series([Cross::new(at, size, stroke(REJECTED))])?,
            Outcome::Failed => plot.draw_series([TriangleMarker::new(at, size + 4, FAILED.filled())])?,
        };
    }
    Ok(())
}
