//! Bytes and latency against the page size that was asked for.
//!
//! Bytes are drawn in decades against decades, where growth in proportion is a straight rise and a ceiling is a flat
//! line; latency too where it spans more than a decade. What came when the parameter was left out has no size, so it is
//! a dashed line across.

use plotters::element::DashedPathElement;
use plotters::prelude::{Circle, Color, PathElement, RGBColor, ShapeStyle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::frame::{self, Scale};
use super::{ADMITTED, Area, Canvas, Chart, Drawn, LATENCY, both};
use crate::evidence::Page;
use crate::{ReportError, text};

/// A span of values beyond which decades show more than even steps.
const WIDE_SPAN: f64 = 12.0;

/// Draws the chart; none where fewer than two page sizes were read.
pub(crate) fn draw(pages: &[Page]) -> Result<Option<Chart>, ReportError> {
    let usable = |page: &&Page| {
        page.size.is_none_or(|size| size >= 1.0) && page.bytes >= 0.0 && page.latency_ms >= 0.0
    };
    let mut sized: Vec<Page> =
        pages.iter().filter(usable).filter(|page| page.size.is_some()).copied().collect();
    sized.sort_by(|a, b| a.size.unwrap_or(0.0).total_cmp(&b.size.unwrap_or(0.0)));
    if sized.len() < 2 {
        return Ok(None);
    }
    let left_out = pages.iter().filter(usable).find(|page| page.size.is_none()).copied();
    both("bytes and latency against page size", |area, canvas| {
        let (bytes, latency) = if canvas.width > canvas.height * 2 {
            area.split_horizontally(canvas.width / 2)
        } else {
            area.split_vertically(canvas.height / 2)
        };
        let size = |exponent: f64| text::number(10_f64.powf(exponent));
        let sizes: Vec<f64> = sized.iter().filter_map(|page| page.size).collect();
        let x = Scale::decades("", &sizes, size);
        BYTES.draw(&bytes, canvas, &x, &sized, left_out)?;
        LATENCIES.draw(&latency, canvas, &x, &sized, left_out)
    })
    .map(Some)
}

struct Measure {
    title: &'static str,
    of: fn(&Page) -> f64,
    label: fn(f64) -> String,
    /// The label of a power of ten, given its exponent.
    power: fn(f64) -> String,
    colour: RGBColor,
}

const BYTES: Measure = Measure {
    title: "bytes by page size",
    of: |page| page.bytes,
    label: text::bytes,
    power: |exponent| text::bytes(10_f64.powf(exponent)),
    colour: ADMITTED,
};
const LATENCIES: Measure = Measure {
    title: "latency by page size",
    of: |page| page.latency_ms,
    label: text::latency,
    power: |exponent| text::latency(10_f64.powf(exponent)),
    colour: LATENCY,
};

impl Measure {
    fn draw(
        &self,
        area: &Area<'_>,
        canvas: Canvas,
        x: &Scale,
        sized: &[Page],
        left_out: Option<Page>,
    ) -> Drawn {
        let values: Vec<f64> = sized.iter().chain(&left_out).map(|page| (self.of)(page).max(0.1)).collect();
        let (smallest, largest) =
            values.iter().fold((f64::MAX, 0.0), |(low, high), v| (v.min(low), v.max(high)));
        let in_decades = largest / smallest > WIDE_SPAN;
        let place = |value: f64| if in_decades { value.max(0.1).log10() } else { value };
        let y = if in_decades {
            Scale::decades(self.title, &values, self.power)
        } else {
            Scale::linear(self.title, largest, 4, self.label)
        };
        let mut plot = frame::plot(area, canvas, x, &y, false)?;
        frame::dress(&mut plot, area, canvas, [x, &y])?;
        let line = ShapeStyle { color: self.colour.mix(0.9), filled: false, stroke_width: 4 };
        if let Some(page) = left_out {
            let height = place((self.of)(&page));
            let across = [(x.range.start, height), (x.range.end, height)];
            plot.draw_series([DashedPathElement::new(across, 12, 10, line)])?;
            let style =
                frame::letters_of(canvas.letters, self.colour).pos(Pos::new(HPos::Left, VPos::Bottom));
            let words = format!("left out: {}", (self.label)((self.of)(&page)));
            let start = x.range.start + (x.range.end - x.range.start) * 0.02;
            let over = height + (y.range.end - y.range.start) * 0.015;
            plot.draw_series([Text::new(words, (start, over), style)])?;
        }
        let points: Vec<_> =
            sized.iter().filter_map(|page| Some((page.size?.log10(), place((self.of)(page))))).collect();
        plot.draw_series([PathElement::new(points.clone(), line)])?;
        plot.draw_series(
            points.into_iter().map(|at| Circle::new(at, canvas.letters / 4, self.colour.filled())),
        )?;
        Ok(())
    }
}
