//! Tables of text: aligned columns, readable without colour.

/// A table: the first row is the heading; columns whose heading begins with `>` are aligned to the right.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let heading = |c: usize| rows.first().and_then(|row| row.get(c)).is_some_and(|text| text.starts_with('>'));
    let right: Vec<bool> = (0..columns).map(heading).collect();
    let cell = |row: usize, text: &str| if row == 0 { text.trim_start_matches('>').to_owned() } else { text.to_owned() };
    let width = |c: usize| {
        let cells = rows.iter().enumerate().filter_map(|(r, row)| row.get(c).map(|text| cell(r, text).chars().count()));
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for (r, row) in rows.iter().enumerate() {
        let cells: Vec<String> = (row.iter().enumerate())
            .map(|(c, text)| {
                let (text, width) = (cell(r, text), widths[c]);
                if right[c] { format!("{text:>width$}") } else { format!("{text:<width$}") }
            })
            .collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
        if r == 0 {
            out.push_str(&"-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)));
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["name", ">bytes"], ["scales", "12"], ["kept", "1,234"]].map(|r| r.map(String::from).to_vec());
        assert_eq!(super::table(&rows), "name    bytes\n-------------\nscales     12\nkept    1,234\n");
    }
}
