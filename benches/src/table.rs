//! The tables, for terminals and for Markdown at once.

use crate::goal::Judged;
use crate::job::Series;
use crate::peer::Peer;
use crate::results::{JobResult, PeerResult, Results};
use crate::session::described;
use crate::text;

/// What `bgfetch get` has to reach, and whether it does.
pub(crate) fn goals(results: &Results) -> String {
    let mut table = Table::new(&["job", "goal for `bgfetch get`", "measured", "met"], 2);
    for job in results.table() {
        for goal in &job.goals {
            let judged = goal.judge(job, results);
            let measured = judged.map_or("–".to_owned(), |judged| goal.measured(judged));
            let met = match judged {
                Some(Judged { met: true, .. }) => "yes",
                Some(Judged { met: false, .. }) => "**no**",
                None => "not measured",
            };
            table.row([job.name.clone(), goal.words(), measured, met.to_owned()]);
        }
    }
    table.markdown()
}

/// The goals that were judged and not met.
pub(crate) fn missed(results: &Results) -> Vec<String> {
    let goals = results
        .table()
        .flat_map(|job| job.goals.iter().map(move |goal| (job, goal)));
    goals
        .filter_map(|(job, goal)| {
            let judged = goal.judge(job, results).filter(|judged| !judged.met)?;
            let measured = goal.measured(judged);
            Some(format!("{}: {}: {measured}", job.name, goal.words()))
        })
        .collect()
}

/// Everything that was measured but the series, as medians.
pub(crate) fn jobs(results: &Results) -> String {
    let header = [
        "job",
        "program",
        "wall time",
        "to the better curl",
        "CPU time",
        "peak memory",
        "until durable",
    ];
    let mut table = Table::new(&header, 2);
    let mut notes = String::new();
    for job in results.table() {
        for (at, peer) in job.peers.iter().enumerate() {
            let name = if at == 0 { job.name.as_str() } else { "" };
            table.row(row(name, job, peer));
        }
        for note in &job.notes {
            notes += &format!("\n{}: {note}.\n", job.name);
        }
    }
    table.markdown() + &notes
}

fn row(name: &str, job: &JobResult, peer: &PeerResult) -> [String; 7] {
    let nothing = || "–".to_owned();
    let seconds = |value: Option<f64>| value.map_or_else(nothing, text::seconds);
    let ratio = || Some(format!("{:.2}", peer.wall()? / job.better_curl()?.wall()?));
    let memory = |bytes| format!("{:.1} MiB", text::mib(bytes));
    let wall = match &peer.failure {
        Some(failure) => failure.replace('|', "/"),
        None => seconds(peer.wall()),
    };
    [
        name.to_owned(),
        peer.peer.name().to_owned(),
        wall,
        ratio().unwrap_or_else(nothing),
        seconds(peer.cpu()),
        peer.peak_memory().map_or_else(nothing, memory),
        seconds(peer.durable()),
    ]
}

/// How the cost grows.
pub(crate) fn growth(results: &Results, series: Series) -> String {
    let (first, cost) = match series {
        Series::Files => ("files of 100 B", "ms per file"),
        Series::Size => ("one file of", "ms per MiB"),
    };
    let measured = |peer: &Peer| results.series(series).any(|point| point.peer(*peer).is_some());
    let peers: Vec<Peer> = Peer::ALL.into_iter().filter(measured).collect();
    let mut header = vec![first.to_owned()];
    for peer in &peers {
        header.push(format!("{}: {cost}", peer.name()));
        header.push(format!("{}: peak memory", peer.name()));
    }
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut table = Table::new(&header, 0);
    for point in results.series(series) {
        let mut row = vec![match series {
            Series::Files => text::count(point.workload.files),
            Series::Size => text::size(point.workload.bytes),
        }];
        for peer in &peers {
            let result = point.peer(*peer);
            let cost = result.and_then(|result| unit_cost(point, result, series));
            row.push(cost.map_or("–".to_owned(), text::milliseconds));
            let memory = result.and_then(PeerResult::peak_memory);
            row.push(memory.map_or("–".to_owned(), |bytes| format!("{:.1} MiB", text::mib(bytes))));
        }
        table.row(row);
    }
    table.markdown()
}

/// The seconds for a file or for a MiB.
pub(crate) fn unit_cost(point: &JobResult, peer: &PeerResult, series: Series) -> Option<f64> {
    let units = match series {
        Series::Files => point.workload.files as f64,
        Series::Size => text::mib(point.workload.total()),
    };
    Some(peer.wall()? / units)
}

/// Where and when it was measured, as a list.
pub(crate) fn machine(results: &Results) -> String {
    let here = &results.environment;
    let memory = here.memory_bytes as f64 / f64::from(1 << 30);
    let mut lines = vec![
        format!("{}, {} cores, {memory:.0} GiB of memory", here.cpu, here.cores),
        format!("{}, {}", here.kernel, here.file_system),
        here.programs.join("; "),
    ];
    let mut sessions: Vec<String> = results
        .jobs
        .iter()
        .map(|job| {
            let day = job.date.split('T').next().unwrap_or_default();
            format!("commit {} on {day}", job.commit)
        })
        .collect();
    sessions.dedup();
    lines.push(sessions.join("; "));
    let peers = results.jobs.iter().flat_map(|job| &job.peers);
    let runs = peers
        .filter(|peer| peer.failure.is_none())
        .map(|peer| peer.runs.len());
    let loads = results
        .jobs
        .iter()
        .flat_map(|job| &job.peers)
        .flat_map(|peer| &peer.runs);
    let load = loads.map(|run| run.load_before).max_by(f64::total_cmp);
    if let (Some(fewest), Some(load)) = (runs.min(), load) {
        lines.push(format!(
            "{fewest} runs or more of each program; load average before them at most {load:.1}"
        ));
    }
    lines.iter().map(|line| format!("* {line}\n")).collect()
}

/// What `--list` prints.
pub(crate) fn list(jobs: &[crate::job::Job]) -> String {
    let mut table = Table::new(&["job", "what", "goals for `bgfetch get`"], 3);
    for job in jobs {
        let goals: Vec<String> = job.goals.iter().map(|goal| goal.words()).collect();
        table.row([job.name.clone(), described(job.workload), goals.join("; ")]);
    }
    table.markdown()
}

/// Rows of cells. The first columns are aligned to the left, the others to the right.
struct Table {
    rows: Vec<Vec<String>>,
    left: usize,
}

impl Table {
    fn new(header: &[&str], left: usize) -> Self {
        let header = header.iter().map(|&cell| cell.to_owned()).collect();
        Self {
            rows: vec![header],
            left,
        }
    }

    fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    fn markdown(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or_default()
                .max(3)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            text += "|";
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                text += &if column < self.left {
                    format!(" {cell:<width$} |")
                } else {
                    format!(" {cell:>width$} |")
                };
            }
            text += "\n";
            if at == 0 {
                text += "|";
                for (column, width) in widths.iter().enumerate() {
                    let (dashes, end) = ("-".repeat(*width), if column < self.left { " " } else { ":" });
                    text += &format!(" {dashes}{end}|");
                }
                text += "\n";
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goal::Goal;
    use crate::results::fixtures::{job, peer, results};

    #[test]
    fn a_table_says_what_was_measured_and_what_was_not() {
        let mut one = job(
            "one",
            1,
            [
                peer(Peer::Bgfetch, &[1.0, 2.0, 6.0]),
                peer(Peer::Curl, &[1.0]),
                peer(Peer::Aria2c, &[]),
            ],
        );
        one.peers[2].failure = Some("took longer than 9 s".to_owned());
        one.notes = vec!["half of it".to_owned()];
        one.goals = vec![
            Goal::Wall { factor: 1.5 },
            Goal::Memory { mib: 40 },
            Goal::PerFile {
                job: "none".to_owned(),
                factor: 1.0,
            },
        ];
        let results = results([one]);
        let table = jobs(&results);
        let cells = |text: &str, program: &str| -> Vec<String> {
            let line = text.lines().find(|line| line.contains(program)).unwrap();
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        };
        assert_eq!(
            cells(&table, "| bgfetch"),
            ["one", "bgfetch", "2.00 s", "2.00", "750 ms", "3.0 MiB", "2.12 s"]
        );
        assert_eq!(cells(&table, "aria2c")[2], "took longer than 9 s");
        assert!(table.ends_with("\n\none: half of it.\n"), "{table}");
        let table = goals(&results);
        assert_eq!(cells(&table, "wall time within 1.5")[2..], ["2.00", "**no**"]);
        assert_eq!(cells(&table, "under 40 MiB")[2..], ["3.0 MiB", "yes"]);
        assert_eq!(cells(&table, "within 1 of none")[2..], ["–", "not measured"]);
        assert_eq!(
            missed(&results),
            ["one: wall time within 1.5 of the better curl: 2.00"]
        );
    }

    #[test]
    fn the_growth_is_a_cost_per_unit() {
        let mut points = [
            job("a", 100, [peer(Peer::Bgfetch, &[1.0])]),
            job("b", 1_000, [peer(Peer::Bgfetch, &[2.0]), peer(Peer::Curl50, &[])]),
        ];
        for point in &mut points {
            point.series = Some(Series::Files);
        }
        let table = growth(&results(points), Series::Files);
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[2].contains("100 ") && lines[2].contains("10.0 "), "{table}");
        assert!(
            lines[3].contains("1,000 ") && lines[3].contains("2.00 "),
            "{table}"
        );
        assert!(lines[3].contains('–'), "{table}");
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["a", "b"], 1);
        table.row(["long".to_owned(), "–".to_owned()]);
        assert_eq!(
            table.markdown(),
            "| a    |   b |\n| ---- | ---:|\n| long |   – |\n"
        );
    }
}
