//! The report of `weigh` as one page of HTML: no script, no network, light or dark as the reader's system is.

use super::html_charts as charts;
use crate::footprint::{Precision, Report};
use crate::units::{binary, decimal, grouped};

/// The page. `model` names what was weighed.
pub(super) fn page(model: &str, report: &Report) -> String {
    let mut out = String::new();
    out.push_str("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str(&format!("<title>{} weighed</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n", escape(model)));
    out.push_str(&format!("<h1>{}</h1>\n", escape(model)));
    let driver = report.driver.as_deref().unwrap_or("none; the CPU twins did the work");
    let software = if report.software { ", software on the host's processor" } else { "" };
    let facts = [
        ("Device", format!("{}{software}", report.adapter)),
        ("Driver", driver.to_owned()),
        ("Parameters", grouped(report.parameters.into())),
        ("Made by", format!("weighbridge {}", env!("CARGO_PKG_VERSION"))),
    ];
    out.push_str("<dl>\n");
    for (term, fact) in facts {
        out.push_str(&format!("<div><dt>{term}</dt><dd>{}</dd></div>\n", escape(&fact)));
    }
    out.push_str("</dl>\n<h2>Bytes said and measured</h2>\n");
    out.push_str(
        "<p>The formula says: parameters times the size of a code. The device took more; each difference has a name.</p>\n",
    );
    out.push_str(&charts::bytes(report));
    out.push_str(&precisions(report));
    out.push_str(&lines(report));
    out.push_str(
        "<h2>Error by tensor</h2>\n<p>Relative RMSE: the root of the sum of squared errors over the sum of squares.</p>\n",
    );
    for precision in &report.precisions {
        out.push_str(&charts::errors(precision));
    }
    for precision in &report.precisions {
        out.push_str(&classes(precision));
        out.push_str(&tensors(precision));
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

/// Text that may hold anything, as HTML.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Control characters have no place in HTML.
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A table. The cells of columns whose heading begins with `>` are numbers.
pub(super) fn table(caption: &str, heading: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("<div class=\"wide\"><table>\n<caption>{}</caption>\n<thead><tr>", escape(caption));
    for title in heading {
        let class = if title.starts_with('>') { " class=\"n\"" } else { "" };
        out.push_str(&format!("<th scope=\"col\"{class}>{}</th>", escape(title.trim_start_matches('>'))));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (i, cell) in row.iter().enumerate() {
            let number = heading.get(i).is_some_and(|title| title.starts_with('>'));
            out.push_str(&match (i, number) {
                (0, _) => format!("<th scope=\"row\">{}</th>", escape(cell)),
                (_, true) => format!("<td class=\"n\">{}</td>", escape(cell)),
                (_, false) => format!("<td>{}</td>", escape(cell)),
            });
        }
        out.push_str("</tr>\n");
    }
    out + "</tbody></table></div>\n"
}

fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".into(), |v| format!("{v:.digits$}"))
}

fn precisions(report: &Report) -> String {
    let heading = ["precision", ">formula bytes", ">measured bytes", ">decimal", ">binary", ">relative RMSE", "mode"];
    let rows: Vec<_> = (report.precisions.iter())
        .map(|p| {
            let measured = p.measured_bytes();
            let mode =
                p.unmeasured.map_or(p.mode.to_owned(), |reason| format!("{}; asked for, not measured: {reason}", p.mode));
            let said = grouped(p.estimated_bytes.into());
            let sizes = [said, grouped(measured.into()), decimal(measured), binary(measured)];
            let rest = [figure(p.relative_rmse, 5), mode];
            [p.format.clone()].into_iter().chain(sizes).chain(rest).collect()
        })
        .collect();
    table("Precisions", &heading, &rows)
}

fn lines(report: &Report) -> String {
    let names: Vec<&str> = (report.precisions.iter())
        .flat_map(|p| p.lines.iter().map(|l| l.name))
        .fold(Vec::new(), |names, name| if names.contains(&name) { names } else { [names, vec![name]].concat() });
    let columns: Vec<String> = report.precisions.iter().map(|p| format!(">{}", p.format)).collect();
    let heading: Vec<&str> = std::iter::once("line").chain(columns.iter().map(String::as_str)).collect();
    let mut rows = Vec::new();
    let row = |name: &str, of: &dyn Fn(&Precision) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(report.precisions.iter().map(of)).collect()
    };
    rows.push(row("formula", &|p| grouped(p.estimated_bytes.into())));
    for name in names {
        rows.push(row(name, &|p| p.line(name).map_or("-".into(), |bytes| grouped(bytes.into()))));
    }
    rows.push(row("measured", &|p| grouped(p.measured_bytes().into())));
    table("From the formula to the measurement, in bytes", &heading, &rows)
}

fn classes(precision: &Precision) -> String {
    let rows: Vec<_> = (precision.classes.iter())
        .map(|c| vec![c.class.to_owned(), grouped(c.estimated.into()), grouped(c.measured.into())])
        .collect();
    table(&format!("{} by class", precision.format), &["class", ">formula bytes", ">measured bytes"], &rows)
}

fn tensors(precision: &Precision) -> String {
    let heading = ["tensor", "class", "from", "to", ">bytes", ">relative RMSE", ">max error", ">SQNR dB", "kept because"];
    let rows: Vec<_> = (precision.tensors.iter())
        .map(|t| {
            let kept = t.kept.unwrap_or_default().to_owned();
            let words = [t.name.clone(), t.class.to_owned(), t.source.clone(), t.format.clone(), grouped(t.bytes.into())];
            let figures = [figure(t.relative_rmse, 5), figure(t.max_abs_error, 6), figure(t.sqnr_db, 2), kept];
            words.into_iter().chain(figures).collect()
        })
        .collect();
    let title = format!("{}: all {} tensors", precision.format, precision.tensors.len());
    format!("<details><summary>{}</summary>\n{}</details>\n", escape(&title), table(&title, &heading, &rows))
}

pub(super) const STYLE: &str = "
:root { color-scheme: light dark; --ink: #1c2128; --faint: #59636e; --paper: #fff; --line: #d1d9e0; --said: #8c959f;
  --c0: #0969da; --c1: #bc4c00; --c2: #1a7f37; --c3: #8250df; --c4: #bf8700; --c5: #cf222e; --c6: #1b7c83; --c7: #bf3989;
  --c8: #57606a; --c9: #6639ba; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --faint: #9198a1; --paper: #0d1117; --line: #3d444d; --said: #7d8590;
  --c0: #4493f8; --c1: #db6d28; --c2: #3fb950; --c3: #ab7df8; --c4: #d29922; --c5: #f85149; --c6: #39c5cf; --c7: #db61a2;
  --c8: #9198a1; --c9: #b392f0; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2rem; }
dl { margin: 0; } dl div { display: flex; gap: .75rem; } dt { color: var(--faint); flex: 0 0 6.5rem; } dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .25rem 0; }
th, td { text-align: left; padding: .2rem .9rem .2rem 0; border-bottom: 1px solid var(--line); font-weight: normal; white-space: nowrap; }
thead th { color: var(--faint); } .n { text-align: right; }
figure { margin: 1rem 0; } figcaption { font-size: .875rem; font-weight: 600; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-family: system-ui, sans-serif; }
svg .faint { fill: var(--faint); } svg .axis { stroke: var(--line); } .said { fill: var(--said); }
.c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); } .c2 { fill: var(--c2); background: var(--c2); }
.c3 { fill: var(--c3); background: var(--c3); } .c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
.c6 { fill: var(--c6); background: var(--c6); } .c7 { fill: var(--c7); background: var(--c7); } .c8 { fill: var(--c8); background: var(--c8); }
.c9 { fill: var(--c9); background: var(--c9); } i.said { background: var(--said); }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; font-size: .875rem; padding: 0; list-style: none; }
.legend i { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
summary { cursor: pointer; margin: 1rem 0; }
";

#[cfg(test)]
mod tests {
    #[test]
    fn whatever_a_name_holds_is_text() {
        assert_eq!(super::escape("<script>&\"'\u{1}"), "&lt;script&gt;&amp;&quot;&#39; ");
    }
}
