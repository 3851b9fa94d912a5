//! A plain table: columns as wide as their widest cell, the first to the left, all others to the right.

/// Lines of cells; a line with fewer cells than the header leaves the rest empty.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles.
    pub(crate) fn new(titles: &[&str]) -> Self {
        Self { lines: vec![titles.iter().map(|title| (*title).to_owned()).collect()] }
    }

    /// Adds a line.
    pub(crate) fn line(&mut self, cells: Vec<String>) {
        self.lines.push(cells);
    }

    /// The text, each line ended.
    pub(crate) fn shown(&self) -> String {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |line: &'_ [String], column: usize| line.get(column).cloned().unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|column| self.lines.iter().map(|line| cell(line, column).chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for line in &self.lines {
            let mut shown = String::new();
            for (column, width) in widths.iter().enumerate() {
                let cell = cell(line, column);
                // Counted in characters: `–` and `µ` are one column wide.
                let pad = " ".repeat(width - cell.chars().count());
                shown.push_str(&if column == 0 { format!("{cell}{pad}") } else { format!("  {pad}{cell}") });
            }
            text.push_str(shown.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["program", "µs", "goal"]);
        table.line(vec!["nginx".into(), "9.5 (9–10)".into()]);
        table.line(vec!["Ratewarden".into(), "8".into(), "met".into()]);
        let expected = "program             µs  goal\n\
                        nginx       9.5 (9–10)\n\
                        Ratewarden           8   met\n";
        assert_eq!(table.shown(), expected);
    }
}
