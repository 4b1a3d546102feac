//! Tables of text: aligned columns, readable without colour.

use anstyle::Style;

/// What stands above a table, and its heading. Colour and weight go no further than the terminal: see `print`.
const STRONG: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();

/// A title.
pub(super) fn title(text: &str) -> String {
    format!("{STRONG}{text}{STRONG:#}\n")
}

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
        let line = cells.join("  ");
        if r == 0 {
            out.push_str(&title(line.trim_end()));
            let rule = "-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1));
            out.push_str(&format!("{FAINT}{rule}{FAINT:#}\n"));
        } else {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
    out
}

/// Items behind a label, separated by commas and broken into lines of at most `width` characters that begin below the first item.
pub(super) fn wrapped(label: &str, items: &[String], width: usize) -> String {
    let indent = label.chars().count();
    let mut out = label.to_owned();
    let mut used = indent;
    for (i, item) in items.iter().enumerate() {
        let last = i + 1 == items.len();
        let len = item.chars().count() + usize::from(!last);
        if i > 0 && used + 1 + len > width {
            out.push_str(&format!("\n{}", " ".repeat(indent)));
            used = indent;
        } else if i > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(item);
        out.push_str(if last { "" } else { "," });
        used += len;
    }
    out + "\n"
}

/// Prose behind a label, broken at spaces into lines of at most `width` characters that begin below the first word.
pub(super) fn words(label: &str, text: &str, width: usize) -> String {
    let indent = label.chars().count();
    let mut out = label.to_owned();
    let mut used = indent;
    for word in text.split_whitespace() {
        let len = word.chars().count();
        if used > indent && used + 1 + len > width {
            out.push_str(&format!("\n{}", " ".repeat(indent)));
            used = indent;
        } else if used > indent {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += len;
    }
    out + "\n"
}

#[cfg(test)]
mod tests {
    #[test]
    fn columns_line_up() {
        let rows = [["name", ">bytes"], ["scales", "12"], ["kept", "1,234"]].map(|r| r.map(String::from).to_vec());
        let plain = anstream::adapter::strip_str(&super::table(&rows)).to_string();
        assert_eq!(plain, "name    bytes\n-------------\nscales     12\nkept    1,234\n");
    }

    #[test]
    fn prose_is_broken_at_spaces() {
        assert_eq!(super::words("a  ", "one two three", 11), "a  one two\n   three\n");
    }

    #[test]
    fn long_lists_are_broken() {
        let items = ["one", "two", "three"].map(String::from);
        assert_eq!(super::wrapped("a: ", &items, 12), "a: one, two,\n   three\n");
    }
}
