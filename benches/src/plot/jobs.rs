//! All jobs: the wall time of each program beside the better curl's, on a logarithmic axis.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Drawing, FAINT, FONT, INK, colour, with_dark_colours};
use crate::goal::Goal;
use crate::peer::Peer;
use crate::results::{JobResult, Results};

const WIDTH: u32 = 860;
const ROW: u32 = 32;
/// Room for the legend, above, and for the axis, below.
const MARGINS: u32 = 130;
const LABELS: u32 = 170;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<LogCoord<f64>, RangedCoordf64>>;

/// Draws it.
pub(crate) fn jobs(results: &Results) -> Drawing<String> {
    let rows: Vec<&JobResult> = results
        .table()
        .filter(|job| job.better_curl().is_some() && job.peer(Peer::Bgfetch).is_some())
        .collect();
    let mut svg = String::new();
    {
        let height = MARGINS + ROW * rows.len() as u32;
        let root = SVGBackend::with_string(&mut svg, (WIDTH, height)).into_drawing_area();
        let ratios: Vec<f64> = rows
            .iter()
            .flat_map(|job| ratios(job))
            .map(|(_, ratio)| ratio)
            .collect();
        let low = ratios.iter().copied().fold(0.8, f64::min) / 1.1;
        let high = ratios.iter().copied().fold(1.6, f64::max) * 1.1;
        let mut chart = ChartBuilder::on(&root)
            .margin_top(70)
            .margin_right(20)
            .x_label_area_size(44)
            .y_label_area_size(LABELS)
            .build_cartesian_2d((low..high).log_scale(), rows.len().max(1) as f64..0.0)?;
        let text = (FONT, 13).into_font().color(&INK);
        chart
            .configure_mesh()
            .disable_y_mesh()
            .disable_y_axis()
            .light_line_style(TRANSPARENT)
            .bold_line_style(FAINT)
            .axis_style(INK)
            .label_style(text.clone())
            .x_label_formatter(&|ratio| format!("{}", (ratio * 100.0).round() / 100.0))
            .x_desc("wall time, as a multiple of the better curl's (left is faster)")
            .draw()?;
        let one = [(1.0, 0.0), (1.0, rows.len().max(1) as f64)];
        chart.draw_series(LineSeries::new(one, INK.stroke_width(1)))?;
        for (row, job) in rows.iter().enumerate() {
            draw_row(&root, &mut chart, row as f64 + 0.5, job)?;
        }
        let title = (FONT, 17).into_font().style(FontStyle::Bold).color(&INK);
        root.draw(&Text::new(
            "bgfetch get beside other downloaders, medians",
            (12, 10),
            title,
        ))?;
        legend(&root, &text)?;
        root.present()?;
    }
    Ok(with_dark_colours(&svg))
}

fn ratios(job: &JobResult) -> Vec<(Peer, f64)> {
    let Some(curl) = job.better_curl().and_then(|curl| curl.wall()) else {
        return Vec::new();
    };
    let ratios = job
        .peers
        .iter()
        .filter_map(|peer| Some((peer.peer, peer.wall()? / curl)));
    ratios.collect()
}

fn draw_row(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    chart: &mut Chart<'_, '_>,
    at: f64,
    job: &JobResult,
) -> Drawing<()> {
    let (_, y) = chart.backend_coord(&(1.0, at));
    let label = (FONT, 13).into_font().color(&INK);
    let label = label.pos(Pos::new(HPos::Right, VPos::Center));
    root.draw(&Text::new(job.name.clone(), (LABELS as i32 - 8, y), label))?;
    for goal in &job.goals {
        if let Goal::Wall { factor } = goal {
            let (x, _) = chart.backend_coord(&(*factor, at));
            root.draw(&PathElement::new(
                vec![(x, y - 11), (x, y + 11)],
                INK.stroke_width(2),
            ))?;
        }
    }
    let mut ratios = ratios(job);
    // Ours on top.
    ratios.sort_by_key(|(peer, _)| std::cmp::Reverse(*peer));
    for (peer, ratio) in ratios {
        let (x, _) = chart.backend_coord(&(ratio, at));
        mark(root, peer, (x, y))?;
    }
    Ok(())
}

/// A program's mark: a form of its own too, for who sees no colours.
fn mark(
    root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    peer: Peer,
    at: (i32, i32),
) -> Drawing<()> {
    let line = colour(peer).stroke_width(2);
    match peer {
        Peer::Bgfetch => root.draw(&Circle::new(at, 7, colour(peer).filled()))?,
        Peer::Curl2 => root.draw(&TriangleMarker::new(at, 6, colour(peer).filled()))?,
        Peer::Curl50 => {
            let (x, y) = at;
            root.draw(&Rectangle::new(
                [(x - 5, y - 5), (x + 5, y + 5)],
                colour(peer).filled(),
            ))?;
        }
        Peer::Curl => root.draw(&Circle::new(at, 5, line))?,
        Peer::Aria2c => root.draw(&Cross::new(at, 5, line))?,
    }
    Ok(())
}

fn legend(root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, text: &TextStyle<'_>) -> Drawing<()> {
    let text = text.clone().pos(Pos::new(HPos::Left, VPos::Center));
    let mut x = 22;
    for peer in Peer::ALL {
        mark(root, peer, (x, 48))?;
        root.draw(&Text::new(peer.name(), (x + 12, 48), text.clone()))?;
        x += 40 + 8 * peer.name().len() as i32;
    }
    root.draw(&PathElement::new(vec![(x, 37), (x, 59)], INK.stroke_width(2)))?;
    root.draw(&Text::new("bgfetch's goal", (x + 8, 48), text))?;
    Ok(())
}
