//! The charts of the HTML report, as SVG.

use super::html::escape;
use crate::footprint::{Precision, Report};
use crate::units::decimal;

/// The width of every chart, in its own units: the page scales them.
const WIDTH: f64 = 640.0;

/// For each precision the bytes of the formula, and beneath them what was measured, by the names of the differences.
pub(super) fn bytes(report: &Report) -> String {
    let most = report.precisions.iter().map(|p| p.measured_bytes().max(p.estimated_bytes)).max().unwrap_or(0).max(1) as f64;
    let names = names(report);
    let (label, room) = (128.0, WIDTH - 128.0 - 80.0);
    let height = report.precisions.len() as f64 * 58.0 + 6.0;
    let mut out = format!(
        "<figure><svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-labelledby=\"bytes-title\">\
         <title id=\"bytes-title\">Bytes of each precision: said by the formula, and measured</title>\n"
    );
    for (i, precision) in report.precisions.iter().enumerate() {
        let top = i as f64 * 58.0 + 6.0;
        let width = |bytes: f64| bytes / most * room;
        let (said, measured) = (precision.estimated_bytes, precision.measured_bytes());
        out.push_str(&format!("<text x=\"0\" y=\"{}\" font-size=\"13\">{}</text>\n", top + 27.0, escape(&precision.format)));
        out.push_str(&bar(label, top, width(said as f64), "said", &format!("formula: {}", decimal(said))));
        out.push_str(&value(label + width(said as f64), top, &decimal(said)));
        // What a negative line takes away is taken from the formula's part, so that the bar ends at the measurement.
        let less: i64 = precision.lines.iter().map(|l| l.bytes.min(0)).sum();
        let mut x = label;
        let base = (said as i64 + less).max(0) as f64;
        out.push_str(&bar(x, top + 22.0, width(base), "c0", &format!("formula: {}", decimal(base as u64))));
        x += width(base);
        for line in precision.lines.iter().filter(|l| l.bytes > 0) {
            let color = names.iter().position(|name| *name == line.name).map_or(8, |i| i % 9 + 1);
            let bytes = line.bytes.unsigned_abs();
            out.push_str(&bar(
                x,
                top + 22.0,
                width(bytes as f64),
                &format!("c{color}"),
                &format!("{}: {}", line.name, decimal(bytes)),
            ));
            x += width(bytes as f64);
        }
        out.push_str(&value(x, top + 22.0, &decimal(measured)));
    }
    out.push_str("</svg>\n<ul class=\"legend\"><li><i class=\"said\"></i>said</li><li><i class=\"c0\"></i>measured: the formula's part</li>");
    for (i, name) in names.iter().enumerate() {
        out.push_str(&format!("<li><i class=\"c{}\"></i>{}</li>", i % 9 + 1, escape(name)));
    }
    out + "</ul></figure>\n"
}

/// The names of the lines that add bytes somewhere.
fn names(report: &Report) -> Vec<&'static str> {
    let mut names = Vec::new();
    for line in report.precisions.iter().flat_map(|p| &p.lines).filter(|l| l.bytes > 0) {
        if !names.contains(&line.name) {
            names.push(line.name);
        }
    }
    names
}

fn bar(x: f64, y: f64, width: f64, class: &str, title: &str) -> String {
    let title = escape(title);
    format!(
        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"18\" class=\"{class}\"><title>{title}</title></rect>\n"
    )
}

fn value(x: f64, y: f64, text: &str) -> String {
    format!("<text x=\"{:.2}\" y=\"{:.2}\" font-size=\"12\" class=\"faint\">{}</text>\n", x + 6.0, y + 13.5, escape(text))
}

/// The relative RMSE of every quantized tensor, the worst first: a column each.
pub(super) fn errors(precision: &Precision) -> String {
    let mut tensors: Vec<(&str, f64)> =
        precision.tensors.iter().filter_map(|t| Some((t.name.as_str(), t.relative_rmse?))).collect();
    tensors.sort_by(|a, b| b.1.total_cmp(&a.1));
    let format = escape(&precision.format);
    let Some((worst, most)) = tensors.first().copied() else {
        return format!("<p>{format}: no tensor was quantized.</p>\n");
    };
    let (left, height) = (56.0, 120.0);
    let step = (WIDTH - left) / tensors.len() as f64;
    let thick = (step * 0.8).min(24.0);
    let top = if most > 0.0 { most } else { 1.0 };
    let mut out = format!(
        "<figure><figcaption>{format}: {} tensors, the worst {} with {most:.5}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\" aria-label=\"Relative RMSE of each tensor at {format}, the worst first\">\n",
        tensors.len(),
        escape(worst),
        height + 12.0
    );
    for part in [0.0, 0.5, 1.0] {
        let y = 6.0 + height * (1.0 - part);
        out.push_str(&format!("<line x1=\"{left}\" x2=\"{WIDTH}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"axis\"/>\n"));
        let label = format!("{:.4}", top * part);
        let x = left - 6.0;
        out.push_str(&format!(
            "<text x=\"{x}\" y=\"{:.1}\" font-size=\"11\" text-anchor=\"end\" class=\"faint\">{label}</text>\n",
            y + 4.0
        ));
    }
    for (i, (name, error)) in tensors.iter().enumerate() {
        let tall = error / top * height;
        let x = left + step * i as f64;
        out.push_str(&format!(
            "<rect x=\"{x:.2}\" y=\"{:.2}\" width=\"{thick:.2}\" height=\"{tall:.2}\" class=\"c0\"><title>{}: {error:.5}</title></rect>\n",
            6.0 + height - tall,
            escape(name)
        ));
    }
    out + "</svg></figure>\n"
}
