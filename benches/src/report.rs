//! Results become files that people read: the page `docs/performance.md`, and the plots.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::job::Series;
use crate::plot;
use crate::results::Results;
use crate::table;

const JOBS_PLOT: &str = "![Wall times of all programs in every job as multiples of the better curl's; the table has \
                         the numbers](../benches/results/jobs.svg)";
const GROWTH_PLOT: &str = "![The cost of a file with the number of files, and of a MiB with the size of a file; the \
                           tables have the numbers](../benches/results/growth.svg)";

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Places {
    /// The folder of the results: JSON and plots.
    pub(crate) results: PathBuf,
    /// The page that is written; its text is that of [`page`](Self::page) but between the markers.
    pub(crate) written_page: PathBuf,
    /// The page with its text.
    pub(crate) page: PathBuf,
}

impl Places {
    /// In the repository.
    pub(crate) fn of_the_repository() -> Self {
        let page = root().join("docs/performance.md");
        Self {
            results: root().join("benches/results"),
            written_page: page.clone(),
            page,
        }
    }

    /// In a folder, where nothing of the repository is touched.
    pub(crate) fn aside(folder: &Path) -> Self {
        Self {
            results: folder.to_owned(),
            written_page: folder.join("performance.md"),
            ..Self::of_the_repository()
        }
    }

    /// The file of the results.
    pub(crate) fn json(&self) -> PathBuf {
        self.results.join("latest.json")
    }

    /// Writes the results, the plots and the page.
    pub(crate) fn publish(&self, results: &Results) -> Result<(), Failure> {
        fs::create_dir_all(&self.results)
            .map_err(|error| Failure::file("make the folder", &self.results, error))?;
        results.write(&self.json())?;
        let drawn = |svg: Result<String, Box<dyn std::error::Error>>| {
            svg.map_err(|error| Failure::new(format!("cannot draw the results: {error}")))
        };
        write(&self.results.join("jobs.svg"), &drawn(plot::jobs(results))?)?;
        write(&self.results.join("growth.svg"), &drawn(plot::growth(results))?)?;
        let text =
            fs::read_to_string(&self.page).map_err(|error| Failure::file("read", &self.page, error))?;
        let text =
            page(&text, results).map_err(|why| Failure::file("write the results into", &self.page, why))?;
        write(&self.written_page, &text)
    }
}

/// The folder of the repository.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| Failure::file("write", path, error))
}

/// A page with the results between its markers.
///
/// # Errors
///
/// The marker that it lacks.
pub(crate) fn page(text: &str, results: &Results) -> Result<String, String> {
    let parts = [
        ("machine", table::machine(results)),
        ("goals", table::goals(results)),
        ("jobs", format!("{JOBS_PLOT}\n\n{}", table::jobs(results))),
        (
            "growth",
            format!(
                "{GROWTH_PLOT}\n\nWith the number of files:\n\n{}\nWith the size of a file:\n\n{}",
                table::growth(results, Series::Files),
                table::growth(results, Series::Size)
            ),
        ),
    ];
    let mut text = text.to_owned();
    for (name, content) in parts {
        let (start, end) = (
            format!("<!-- {name}: written by `cargo xtask bench` -->\n"),
            "<!-- end -->",
        );
        let from = text
            .find(&start)
            .ok_or_else(|| format!("it has no line {}", start.trim()))?
            + start.len();
        let to = text[from..]
            .find(end)
            .ok_or_else(|| format!("{} has no {end}", start.trim()))?;
        text.replace_range(from..from + to, &format!("\n{content}\n"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::Peer;
    use crate::results::fixtures::{job, peer, results};

    const PARTS: [&str; 4] = ["machine", "goals", "jobs", "growth"];

    fn empty_page() -> String {
        let parts = PARTS.map(|name| {
            format!(
                "## {name}\n\n<!-- {name}: written by `cargo xtask bench` -->\nold\n<!-- end -->\n\ntext\n"
            )
        });
        parts.concat()
    }

    #[test]
    fn a_page_keeps_its_text_and_gets_the_results() {
        let first = results([job("first", 1, [peer(Peer::Bgfetch, &[1.0])])]);
        let written = page(&empty_page(), &first).unwrap();
        assert!(
            written.contains("| first") && !written.contains("old"),
            "{written}"
        );
        assert_eq!(written.matches("\ntext\n").count(), PARTS.len());
        assert_eq!(page(&written, &first).unwrap(), written);
        let second = results([job("second", 1, [peer(Peer::Bgfetch, &[1.0])])]);
        let again = page(&written, &second).unwrap();
        assert!(
            again.contains("| second") && !again.contains("| first"),
            "{again}"
        );
    }

    #[test]
    fn a_page_without_a_marker_is_refused() {
        let without = empty_page().replace("<!-- goals:", "<!--");
        let refused = page(&without, &results([])).unwrap_err();
        assert!(refused.contains("goals"), "{refused}");
        page(&empty_page().replace("<!-- end -->", ""), &results([])).unwrap_err();
    }

    #[test]
    fn the_page_and_the_plots_of_the_repository_show_the_results_that_are_kept() {
        let places = Places::of_the_repository();
        let Some(kept) = Results::read(&places.json()).unwrap() else {
            // Nothing was measured yet, and so nothing is said.
            let text = fs::read_to_string(&places.page).unwrap();
            assert_eq!(text.matches("-->\n<!-- end -->").count(), PARTS.len(), "{text}");
            return;
        };
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        let text = read(&places.page);
        let advice = "run `cargo xtask bench report`";
        assert!(page(&text, &kept).unwrap() == text, "{advice}");
        assert!(
            plot::jobs(&kept).unwrap() == read(&places.results.join("jobs.svg")),
            "{advice}"
        );
        assert!(
            plot::growth(&kept).unwrap() == read(&places.results.join("growth.svg")),
            "{advice}"
        );
    }
}
