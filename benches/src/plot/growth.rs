//! How the cost grows: of a file with their number, and of a MiB with the size.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Drawing, FAINT, FONT, INK, colour, with_dark_colours};
use crate::job::Series;
use crate::peer::Peer;
use crate::results::Results;
use crate::table::unit_cost;
use crate::text;

const SIZE: (u32, u32) = (860, 360);

/// Draws it.
pub(crate) fn growth(results: &Results) -> Drawing<String> {
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let (left, right) = root.split_horizontally(SIZE.0 / 2);
        panel(&left, results, Series::Files)?;
        panel(&right, results, Series::Size)?;
        root.present()?;
    }
    Ok(with_dark_colours(&svg))
}

/// A program's points: units, and milliseconds for one.
fn line(results: &Results, series: Series, peer: Peer) -> Vec<(f64, f64)> {
    let points = results.series(series).filter_map(|point| {
        let cost = unit_cost(point, point.peer(peer)?, series)?;
        let units = match series {
            Series::Files => point.workload.files as f64,
            Series::Size => text::mib(point.workload.total()),
        };
        Some((units, cost * 1e3))
    });
    points.collect()
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    results: &Results,
    series: Series,
) -> Drawing<()> {
    let (title, across, along) = match series {
        Series::Files => ("Many files of 100 B", "files", "ms per file"),
        Series::Size => ("One large file", "MiB", "ms per MiB"),
    };
    let lines: Vec<(Peer, Vec<(f64, f64)>)> = Peer::ALL
        .map(|peer| (peer, line(results, series, peer)))
        .into_iter()
        .filter(|(_, points)| !points.is_empty())
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let around = |values: &mut dyn Iterator<Item = f64>| {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values {
            (low, high) = (low.min(value), high.max(value));
        }
        // So that nothing measured is a picture, too.
        if low < high {
            low / 1.5..high * 1.5
        } else {
            low.min(1.0) / 2.0..high.max(1.0) * 2.0
        }
    };
    let mut chart = ChartBuilder::on(area)
        .margin(16)
        .margin_top(42)
        .x_label_area_size(44)
        .y_label_area_size(58)
        .build_cartesian_2d(
            around(&mut all().map(|(units, _)| *units)).log_scale(),
            around(&mut all().map(|(_, cost)| *cost)).log_scale(),
        )?;
    let text = (FONT, 13).into_font().color(&INK);
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(FAINT)
        .axis_style(INK)
        .label_style(text.clone())
        .x_label_formatter(&|units| text::count(units.round() as u64))
        .y_label_formatter(&|cost| format!("{cost}"))
        .x_desc(across)
        .y_desc(along)
        .draw()?;
    let legend = text.pos(Pos::new(HPos::Left, VPos::Center));
    let mut x = 200;
    for (peer, points) in lines {
        let style = colour(peer).stroke_width(if peer == Peer::Bgfetch { 3 } else { 2 });
        chart.draw_series(LineSeries::new(points.iter().copied(), style))?;
        let marks = points
            .iter()
            .map(|&point| Circle::new(point, 4, colour(peer).filled()));
        chart.draw_series(marks)?;
        area.draw(&PathElement::new(vec![(x, 22), (x + 18, 22)], style))?;
        area.draw(&Text::new(peer.name(), (x + 24, 22), legend.clone()))?;
        x += 40 + 8 * peer.name().len() as i32;
    }
    let bold = (FONT, 16).into_font().style(FontStyle::Bold).color(&INK);
    area.draw(&Text::new(title, (16, 14), bold))?;
    Ok(())
}
