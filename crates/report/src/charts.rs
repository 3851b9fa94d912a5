//! Charts as inline SVG, drawn by plotters.
//!
//! plotters writes fixed colours, and the page has two themes, so charts are drawn in marker colours that are then
//! replaced by CSS variables. Each chart is drawn twice, wide and narrow, and the page shows the one that fits: an SVG
//! scaled down to a phone would have letters too small to read. Coordinates are whole pixels in plotters, so charts are
//! drawn at twice their size and scaled by the view box. No text of the target ever enters a chart.

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, RGBColor, SVGBackend};

use crate::ReportError;

mod axis;
mod frame;
mod pages;
#[cfg(test)]
mod tests;
mod timeline;

pub(crate) use pages::draw as pages;
pub(crate) use timeline::draw as timeline;

const INK: RGBColor = RGBColor(1, 1, 1);
const GRID: RGBColor = RGBColor(1, 1, 2);
const ADMITTED: RGBColor = RGBColor(1, 1, 3);
const REJECTED: RGBColor = RGBColor(1, 1, 4);
const FAILED: RGBColor = RGBColor(1, 1, 5);
const MODEL: RGBColor = RGBColor(1, 1, 6);
const LATENCY: RGBColor = RGBColor(1, 1, 7);
/// The marker colours as plotters writes them, and the variable each stands for.
const VARIABLES: [(&str, &str); 7] = [
    ("#010101", "ink"),
    ("#010102", "grid"),
    ("#010103", "admitted"),
    ("#010104", "rejected"),
    ("#010105", "failed"),
    ("#010106", "model"),
    ("#010107", "latency"),
];

/// A chart for wide and for narrow screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chart {
    pub(crate) wide: String,
    pub(crate) narrow: String,
}

/// How large a chart is drawn.
#[derive(Debug, Clone, Copy)]
struct Canvas {
    /// In drawn pixels: twice those of the page.
    width: u32,
    height: u32,
    /// The height of letters, in drawn pixels.
    letters: u32,
    /// How many labels an axis of time may have.
    labels: usize,
    /// Whether plots keep room at their right for the labels of a second axis.
    right_room: bool,
}

const WIDE: Canvas = Canvas { width: 1_720, height: 800, letters: 30, labels: 10, right_room: false };
const NARROW: Canvas = Canvas { width: 720, height: 680, letters: 28, labels: 5, right_room: false };

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws a chart in both sizes.
fn both(name: &'static str, draw: impl Fn(&Area<'_>, Canvas) -> Drawn) -> Result<Chart, ReportError> {
    let one = |canvas: Canvas| {
        let mut svg = String::new();
        let drawn = {
            let area = SVGBackend::with_string(&mut svg, (canvas.width, canvas.height)).into_drawing_area();
            draw(&area, canvas).and_then(|()| Ok(area.present()?))
        };
        drawn.map_err(|error| ReportError::Chart { chart: name, reason: error.to_string() })?;
        Ok::<_, ReportError>(themed(&svg, canvas))
    };
    Ok(Chart { wide: one(WIDE)?, narrow: one(NARROW)? })
}

/// Marker colours become variables, the fixed size becomes the view box, and the letters are the page's.
fn themed(svg: &str, canvas: Canvas) -> String {
    let Canvas { width, height, .. } = canvas;
    let mut themed = svg.replace(&format!("width=\"{width}\" height=\"{height}\" "), "");
    for (marker, name) in VARIABLES {
        themed = themed.replace(marker, &format!("var(--{name})"));
    }
    themed.replace(" font-family=\"sans-serif\"", "").replace(" opacity=\"1\"", "")
}
