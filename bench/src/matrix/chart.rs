//! Bar charts as SVG: a panel for each cell, a bar for each server.

use std::{io, path::Path};

use plotters::{
    backend::SVGBackend,
    drawing::{DrawingArea, IntoDrawingArea},
    element::{Rectangle, Text},
    style::{
        Color, IntoFont, RGBColor, TextStyle, WHITE,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::Origin;

/// A panel.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) bars: Vec<Bar>,
}

/// A bar of a panel.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) value: f64,
    /// The value as it is written beside the bar.
    pub(super) label: String,
    pub(super) origin: Origin,
}

/// How long a bar is for its value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scale {
    Linear,
    /// From the power of ten below the smallest value on.
    Logarithmic,
}

const COLUMNS: usize = 2;
const WIDTH: i32 = 480;
const HEAD: i32 = 34;
const LINE: i32 = 19;
const NAMES: i32 = 170;
const LABELS: i32 = 70;

const SCALE: RGBColor = RGBColor(0xe0, 0xb8, 0x4c);
const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const OTHERS: RGBColor = RGBColor(0xb0, 0xb6, 0xbd);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);

/// Draws the panels in two columns; nothing if there are none.
pub(super) fn bars(path: &Path, panels: &[Panel], scale: Scale) -> io::Result<()> {
    let Some(longest) = panels.iter().map(|panel| panel.bars.len()).max() else {
        return Ok(());
    };
    let height = HEAD + LINE * longest as i32 + LINE;
    let columns = COLUMNS.min(panels.len());
    let rows = panels.len().div_ceil(columns);
    let size = (WIDTH as u32 * columns as u32, height as u32 * rows as u32);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE).map_err(io::Error::other)?;
        for (panel, area) in panels.iter().zip(area.split_evenly((rows, columns))) {
            draw(&area, panel, scale).map_err(io::Error::other)?;
        }
        area.present().map_err(io::Error::other)?;
    }
    std::fs::write(path, svg)
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

type Failure<'a> = plotters::drawing::DrawingAreaErrorKind<
    <SVGBackend<'a> as plotters::backend::DrawingBackend>::ErrorType,
>;

fn draw<'a>(area: &Area<'a>, panel: &Panel, scale: Scale) -> Result<(), Failure<'a>> {
    let text = |size: u32, h: HPos| {
        TextStyle::from(("sans-serif", size).into_font())
            .color(&INK)
            .pos(Pos::new(h, VPos::Center))
    };
    area.draw(&Text::new(
        panel.title.clone(),
        (12, HEAD / 2),
        text(16, HPos::Left),
    ))?;
    let values = panel.bars.iter().map(|bar| bar.value);
    let most = values.clone().fold(f64::MIN_POSITIVE, f64::max);
    let least = values.fold(most, f64::min).max(f64::MIN_POSITIVE);
    let share = |value: f64| match scale {
        Scale::Linear => value / most,
        Scale::Logarithmic => {
            let from = least.log10().floor();
            (value.max(least).log10() - from) / (most.log10() - from)
        }
    };
    for (n, bar) in panel.bars.iter().enumerate() {
        let top = HEAD + LINE * n as i32;
        let middle = top + LINE / 2;
        let length = (share(bar.value) * f64::from(WIDTH - NAMES - LABELS)) as i32;
        let color = match bar.origin {
            Origin::Scale => SCALE,
            Origin::Ours => OURS,
            Origin::Other => OTHERS,
        };
        let corners = [(NAMES, top + 3), (NAMES + length.max(1), top + LINE - 3)];
        area.draw(&Text::new(
            bar.name.clone(),
            (NAMES - 8, middle),
            text(12, HPos::Right),
        ))?;
        area.draw(&Rectangle::new(corners, color.filled()))?;
        let beside = (NAMES + length + 6, middle);
        area.draw(&Text::new(bar.label.clone(), beside, text(12, HPos::Left)))?;
    }
    Ok(())
}
