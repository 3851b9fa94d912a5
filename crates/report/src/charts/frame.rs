//! The frame of a plot: axes with round steps, a light grid, and a title over each axis instead of beside it, where it
//! would be read with a bent neck.
//!
//! Every scale is linear to plotters; a logarithmic one is drawn in exponents, so that its labels are ours.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, Color, IntoFont, RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Area, Canvas, Drawn, GRID, INK, axis};

/// A plot to draw into.
pub(super) type Plot<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

/// One axis.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    /// What it measures.
    pub(super) title: &'static str,
    pub(super) range: Range<f64>,
    /// Where labels and lines of the grid stand.
    pub(super) steps: Vec<f64>,
    pub(super) label: fn(f64) -> String,
    pub(super) colour: RGBColor,
}

impl Scale {
    /// A linear scale from zero, with a little room at both ends so that marks are not cut.
    pub(super) fn linear(title: &'static str, largest: f64, labels: usize, label: fn(f64) -> String) -> Self {
        let axis = axis::linear(largest, labels);
        Self { title, range: -axis.end * 0.03..axis.end * 1.05, steps: axis.steps, label, colour: INK }
    }

    /// A scale of exponents of ten around positive values; `label` is given the exponent.
    pub(super) fn decades(title: &'static str, values: &[f64], label: fn(f64) -> String) -> Self {
        let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let largest = values.iter().copied().fold(0.0, f64::max);
        let steps = axis::decades(smallest, largest);
        let (first, last) = (steps.first().copied().unwrap_or(0.0), steps.last().copied().unwrap_or(1.0));
        let room = (last - first) * 0.06;
        Self { title, range: first - room..last + room, steps, label, colour: INK }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a float becomes the nearest pixel; `as` saturates")]
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let part = (value - self.range.start) / (self.range.end - self.range.start);
        // A wild value stays near the plot, where plotters can still reckon with it.
        let part = part.clamp(-1.0, 2.0);
        limit.0 + (f64::from(limit.1 - limit.0) * part).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.steps.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        (self.label)(*value)
    }
}

/// Makes the plot, without anything drawn yet: a second axis of height must be set before the frame is drawn, or the
/// first would be labelled on both sides.
pub(super) fn plot<'a, 'b>(
    area: &'a Area<'b>,
    canvas: Canvas,
    x: &Scale,
    y: &Scale,
    second_axis: bool,
) -> Result<Plot<'a, 'b>, Box<dyn std::error::Error>> {
    let letters = canvas.letters;
    let mut builder = ChartBuilder::on(area);
    builder.margin_top(letters * 5 / 3).margin_left(letters / 3).margin_right(letters / 3);
    builder.x_label_area_size(letters * 2).y_label_area_size(letters * 3);
    // The same room with or without labels there, so that plots under each other share their time.
    match (canvas.right_room, second_axis) {
        (true, true) => _ = builder.right_y_label_area_size(letters * 2),
        (true, false) => _ = builder.margin_right(letters / 3 + letters * 2),
        (false, _) => {}
    }
    Ok(builder.build_cartesian_2d(x.clone(), y.clone())?)
}

/// Draws the grid, the axes with their labels, and the titles at the upper edge.
pub(super) fn dress(plot: &mut Plot<'_, '_>, area: &Area<'_>, canvas: Canvas, scales: [&Scale; 2]) -> Drawn {
    let [x, y] = scales;
    plot.configure_mesh()
        .disable_x_mesh()
        .light_line_style(GRID.mix(0.0))
        .bold_line_style(ShapeStyle { color: GRID.mix(0.7), filled: false, stroke_width: 2 })
        .axis_style(ShapeStyle { color: GRID.mix(1.0), filled: false, stroke_width: 2 })
        .label_style(letters_of(canvas.letters, x.colour))
        .y_label_style(letters_of(canvas.letters, y.colour))
        .draw()?;
    title(area, canvas, y, HPos::Left)
}

/// Writes the title of an axis of height over its side.
pub(super) fn title(area: &Area<'_>, canvas: Canvas, scale: &Scale, side: HPos) -> Drawn {
    let edge = i32::try_from(canvas.letters / 2)?;
    let (width, _) = area.dim_in_pixel();
    let at = if matches!(side, HPos::Right) { i32::try_from(width)? - edge } else { edge };
    let style = letters_of(canvas.letters, scale.colour).pos(Pos::new(side, VPos::Top));
    Ok(area.draw_text(scale.title, &style, (at, edge / 2))?)
}

/// Letters of a size and colour.
pub(super) fn letters_of(size: u32, colour: RGBColor) -> TextStyle<'static> {
    let mut style = TextStyle::from(("sans-serif", size).into_font());
    style.color = colour.to_backend_color();
    style
}
