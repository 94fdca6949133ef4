//! Tables.

use background_fetch::DomString;

use super::inspect::inspect;
use crate::engine::{Cx, Object, Value};

/// The rows and columns that are shown.
const ROWS: usize = 1_000;
const COLUMNS: usize = 40;

/// Data as a table of text; none where it is not tabular.
///
/// <https://console.spec.whatwg.org/#table>
pub(super) fn table<'js>(
    cx: &Cx<'js>,
    data: &Value<'js>,
    properties: Option<&[DomString]>,
) -> Option<String> {
    let object = data.as_object()?;
    let keys = object.own_enumerable_keys(cx).ok()?;
    let mut columns: Vec<String> = properties
        .unwrap_or_default()
        .iter()
        .map(DomString::to_string)
        .collect();
    let mut rows = Vec::new();
    let mut has_values = false;
    for key in keys.iter().take(ROWS) {
        let value = object.get_by_value(cx, key).ok()?;
        let cells = value.as_object().map_or_else(Vec::new, |row| cells_of(cx, &row));
        if properties.is_none() {
            for (name, _) in &cells {
                if !columns.contains(name) && columns.len() < COLUMNS {
                    columns.push(name.clone());
                }
            }
        }
        let own = value.as_object().is_none().then(|| inspect(cx, &value));
        has_values |= own.is_some();
        rows.push((key.to_text(cx).ok()?, cells, own));
    }
    let mut lines = vec![
        ["(index)".to_owned()]
            .into_iter()
            .chain(columns.iter().cloned())
            .collect::<Vec<_>>(),
    ];
    if has_values {
        lines[0].push("Values".to_owned());
    }
    for (index, cells, own) in rows {
        let cell = |column: &String| {
            let found = cells.iter().find(|(name, _)| name == column);
            found.map_or_else(String::new, |(_, text)| text.clone())
        };
        let mut line: Vec<_> = [index].into_iter().chain(columns.iter().map(cell)).collect();
        if has_values {
            line.push(own.unwrap_or_default());
        }
        lines.push(line);
    }
    Some(aligned(&lines))
}

fn cells_of<'js>(cx: &Cx<'js>, row: &Object<'js>) -> Vec<(String, String)> {
    let keys = row.own_enumerable_keys(cx).unwrap_or_default();
    let cell = |key: &Value<'js>| {
        let value = row.get_by_value(cx, key).ok()?;
        Some((key.to_text(cx).ok()?, inspect(cx, &value).replace('\n', " ")))
    };
    keys.iter().take(COLUMNS).filter_map(cell).collect()
}

fn aligned(lines: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let widths = lines.iter().filter_map(|line| line.get(column));
        widths.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..lines[0].len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let cells: Vec<_> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())))
            .collect();
        cells.join(" | ").trim_end().to_owned()
    };
    let mut texts: Vec<_> = lines.iter().map(line).collect();
    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(*width)).collect();
    texts.insert(1, rule.join("-|-"));
    texts.join("\n")
}
