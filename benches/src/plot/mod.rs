//! The plots, as SVG that is readable on light and on dark pages.

mod growth;
mod jobs;

use plotters::style::RGBColor;

use crate::peer::Peer;

pub(crate) use growth::growth;
pub(crate) use jobs::jobs;

/// What cannot be drawn, in plotters' words. Nothing that comes from measurements makes drawing into a string fail.
type Drawing<T> = Result<T, Box<dyn std::error::Error>>;

const FONT: &str = "sans-serif";
const INK: RGBColor = RGBColor(0x1f, 0x23, 0x28);
const FAINT: RGBColor = RGBColor(0xc9, 0xd1, 0xd9);

/// What each colour is on a dark page.
const DARK: [(RGBColor, &str); 7] = [
    (INK, "#e6edf3"),
    (FAINT, "#3d444d"),
    (colour(Peer::Bgfetch), "#ff7b3d"),
    (colour(Peer::Curl2), "#79c0ff"),
    (colour(Peer::Curl50), "#388bfd"),
    (colour(Peer::Curl), "#56d4a5"),
    (colour(Peer::Aria2c), "#a5adb6"),
];

/// Colours that differ for the colour-blind, too.
const fn colour(peer: Peer) -> RGBColor {
    match peer {
        Peer::Bgfetch => RGBColor(0xd5, 0x5e, 0x00),
        Peer::Curl2 => RGBColor(0x56, 0xa4, 0xe0),
        Peer::Curl50 => RGBColor(0x00, 0x5c, 0xb2),
        Peer::Curl => RGBColor(0x00, 0x8e, 0x63),
        Peer::Aria2c => RGBColor(0x7a, 0x82, 0x8b),
    }
}

/// Adds the colours of dark pages to a picture. plotters writes every colour as an attribute, which a style overrules.
fn with_dark_colours(svg: &str) -> String {
    let mut style = String::from("<style>@media (prefers-color-scheme: dark) {\n");
    for (RGBColor(red, green, blue), dark) in DARK {
        let light = format!("#{red:02X}{green:02X}{blue:02X}");
        for attribute in ["fill", "stroke"] {
            style += &format!("[{attribute}=\"{light}\"] {{ {attribute}: {dark} }}\n");
        }
    }
    style += "}</style>\n";
    match svg.find('>') {
        Some(end) => {
            let (head, rest) = svg.split_at(end + 1);
            format!("{head}\n{style}{}\n", rest.trim())
        }
        None => svg.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goal::Goal;
    use crate::job::Series;
    use crate::results::fixtures::{job, peer, results};

    #[test]
    fn every_colour_of_a_plot_has_a_dark_one() {
        let mut one = job("1x1B", 1, Peer::ALL.map(|of| peer(of, &[1.0, 2.0])));
        one.goals = vec![Goal::Wall { factor: 1.15 }];
        let points = [
            (10, Series::Files),
            (1_000, Series::Files),
            (1, Series::Size),
            (9, Series::Size),
        ];
        let points = points.map(|(files, series)| {
            let peers = [Peer::Bgfetch, Peer::Curl50, Peer::Curl].map(|of| peer(of, &[files as f64]));
            let mut point = job(&format!("{files}"), files, peers);
            point.series = Some(series);
            point
        });
        let mut all = results(points);
        all.jobs.push(one);
        for svg in [jobs(&all).unwrap(), growth(&all).unwrap()] {
            let (style, drawn) = svg.split_once("</style>").unwrap();
            let colours: Vec<&str> = drawn
                .match_indices("=\"#")
                .map(|(at, _)| &drawn[at + 2..at + 9])
                .collect();
            assert!(colours.len() > 10, "{svg}");
            for colour in colours {
                assert!(style.contains(&format!("=\"{colour}\"]")), "{colour}");
            }
            assert!(
                drawn.contains("bgfetch") && drawn.contains("curl, 50 at once"),
                "{svg}"
            );
        }
    }

    #[test]
    fn nothing_measured_is_a_picture_too() {
        let nothing = results([]);
        assert!(jobs(&nothing).unwrap().contains("<svg"));
        assert!(growth(&nothing).unwrap().contains("<svg"));
        let failed = results([job("a", 1, [peer(Peer::Bgfetch, &[])])]);
        assert!(jobs(&failed).unwrap().contains("<svg"));
    }
}
