//! The charts of `prove`, as SVG. What has no finite measurements is a sentence in place of a chart.

use serde_json::Value;

use super::html::escape;
use crate::footprint::{Account, Proof};
use crate::units::{decimal, grouped};

/// The width of every chart, in its own units: the page scales them.
const WIDTH: f64 = 640.0;

/// Bytes a parameter of each format: what is said of codes, and what lies on the device.
pub(super) fn storage(proof: &Proof) -> String {
    const PARTS: [&str; 4] = ["codes", "scales", "zero_points", "padding"];
    let stack = |row: &Value| {
        let said = number(row, "nominal")? / number(row, "parameters").filter(|n| *n > 0.0)?;
        stack(row, word(row, "format"), said, &PARTS)
    };
    let found = rows(proof, "storage", "formats").iter().map(stack).collect();
    stacks("Bytes a parameter by precision: said, and beneath it measured", &PARTS, found)
}

/// Bytes a parameter that training keeps with each optimizer.
pub(super) fn training_state(proof: &Proof) -> String {
    const PARTS: [&str; 6] = ["weights", "gradients", "master", "first", "second", "scales"];
    let stack = |row: &Value| stack(row, word(row, "optimizer"), number(row, "said")?, &PARTS);
    let found = rows(proof, "training_state", "optimizers").iter().map(stack).collect();
    stacks("Training state by optimizer, in bytes a parameter: said, and beneath it measured", &PARTS, found)
}

/// C, what a block keeps for the backward pass, over the length of a sequence.
pub(super) fn activations(proof: &Proof) -> String {
    let name = |row: &Value| match word(row, "recompute").as_str() {
        "" | "none" => word(row, "attention"),
        again => format!("{}, {again}", word(row, "attention")),
    };
    LineChart {
        caption: "Activations: C over tokens, by attention and by what is computed again (selective, full; nothing where not named)",
        x: "tokens",
        mark: (16.0, "16"),
        y: plain,
        lines: lines(rows(proof, "activations", "points"), name, "tokens", "c"),
    }
    .svg()
}

/// The most bytes of inference beside the most bytes of training, over the context.
pub(super) fn inference(proof: &Proof) -> String {
    LineChart {
        caption: "Inference as a share of a training step of 128 tokens, over context, by batch",
        x: "tokens of context",
        mark: (0.25, "25 %"),
        y: percent,
        lines: lines(rows(proof, "inference", "points"), |row| format!("batch {}", word(row, "batch")), "context", "ratio"),
    }
    .svg()
}

fn rows<'p>(proof: &'p Proof, claim: &str, key: &str) -> &'p [Value] {
    let rows = proof.claim(claim).and_then(|claim| claim.evidence.get(key)).and_then(Value::as_array);
    rows.map(Vec::as_slice).unwrap_or_default()
}

fn number(row: &Value, key: &str) -> Option<f64> {
    row.get(key)?.as_f64().filter(|n| n.is_finite())
}

fn word(row: &Value, key: &str) -> String {
    let value = row.get(key).unwrap_or(&Value::Null);
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}

/// Four digits behind the point, without zeros at their end.
fn plain(value: f64) -> String {
    format!("{}", (value * 1e4).round() / 1e4)
}

fn percent(value: f64) -> String {
    format!("{} %", (value * 1e3).round() / 10.0)
}

/// Bytes with their sign, where a sum may be taken away from.
pub(super) fn signed(bytes: i64) -> String {
    let sign = if bytes < 0 { '-' } else { '+' };
    format!("{sign}{}", decimal(bytes.unsigned_abs()))
}

fn open(caption: &str, height: f64) -> String {
    let caption = escape(caption);
    format!(
        "<figure class=\"chart\"><figcaption>{caption}</figcaption>\n\
         <svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{caption}\">\n"
    )
}

fn left_out(caption: &str) -> String {
    format!("<p>Left out, since nothing finite was measured for it: {}.</p>\n", escape(caption))
}

fn bar([x, y, width, height]: [f64; 4], class: &str, title: &str) -> String {
    format!(
        "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height}\" class=\"{class}\"><title>{}</title></rect>\n",
        escape(title)
    )
}

fn text(x: f64, y: f64, class: &str, anchor: &str, words: &str) -> String {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"12\" text-anchor=\"{anchor}\"{class}>{}</text>\n", escape(words))
}

/// What is said of one thing, and the parts that were measured, in bytes a parameter.
struct Stack {
    name: String,
    said: f64,
    parts: Vec<f64>,
}

fn stack(row: &Value, name: String, said: f64, keys: &[&str]) -> Option<Stack> {
    let parameters = number(row, "parameters").filter(|n| *n > 0.0)?;
    let part = |key: &&str| Some(number(row, key)?.max(0.0) / parameters);
    Some(Stack { name, said: said.max(0.0), parts: keys.iter().map(part).collect::<Option<_>>()? })
}

/// For each stack a thin bar of what is said, and beneath it the parts one after the other.
fn stacks(caption: &str, names: &[&str], found: Option<Vec<Stack>>) -> String {
    let Some(stacks) = found.filter(|stacks| !stacks.is_empty()) else { return left_out(caption) };
    let most = stacks.iter().map(|s| s.said.max(s.parts.iter().sum())).fold(0.0, f64::max);
    let (label, room, step) = (150.0, WIDTH - 150.0 - 80.0, 50.0);
    let width = |bytes: f64| if most > 0.0 { bytes / most * room } else { 0.0 };
    let mut out = open(caption, stacks.len() as f64 * step + 4.0);
    for (i, stack) in stacks.iter().enumerate() {
        let top = i as f64 * step + 4.0;
        out.push_str(&text(0.0, top + 22.0, "", "start", &stack.name));
        out.push_str(&bar([label, top, width(stack.said), 12.0], "said", &format!("said: {:.4} B a parameter", stack.said)));
        out.push_str(&text(label + width(stack.said) + 6.0, top + 10.5, "faint", "start", &format!("{:.4} B", stack.said)));
        let mut sum = 0.0;
        for (color, (name, part)) in names.iter().zip(&stack.parts).enumerate().filter(|(_, (_, part))| **part > 0.0) {
            let title = format!("{}: {part:.4} B a parameter", name.replace('_', " "));
            out.push_str(&bar([label + width(sum), top + 15.0, width(*part), 18.0], &format!("c{color}"), &title));
            sum += part;
        }
        out.push_str(&text(label + width(sum) + 6.0, top + 28.5, "faint", "start", &format!("{sum:.4} B")));
    }
    let legend = names.iter().enumerate().map(|(i, name)| (format!("c{i}"), name.replace('_', " ")));
    out + "</svg>\n" + &legend_of(std::iter::once(("said".to_owned(), "said".to_owned())).chain(legend)) + "</figure>\n"
}

fn legend_of(entries: impl Iterator<Item = (String, String)>) -> String {
    let entry = |(class, name): (String, String)| format!("<li><i class=\"{class}\"></i>{}</li>", escape(&name));
    format!("<ul class=\"legend\">{}</ul>", entries.map(entry).collect::<String>())
}

/// A line's name and its measurements.
type Series = (String, Vec<(f64, f64)>);

/// The rows by name, each line from left to right.
fn lines(rows: &[Value], name: impl Fn(&Value) -> String, x: &str, y: &str) -> Vec<Series> {
    let mut lines: Vec<Series> = Vec::new();
    for row in rows {
        let (Some(x), Some(y)) = (number(row, x), number(row, y)) else { continue };
        let name = name(row);
        match lines.iter_mut().find(|line| line.0 == name) {
            Some(line) => line.1.push((x, y)),
            None => lines.push((name, vec![(x, y)])),
        }
    }
    lines.iter_mut().for_each(|line| line.1.sort_by(|a, b| a.0.total_cmp(&b.0)));
    lines
}

/// Lines over a common axis, and a horizontal line that they are held against.
struct LineChart<'a> {
    caption: &'a str,
    x: &'a str,
    mark: (f64, &'a str),
    y: fn(f64) -> String,
    lines: Vec<Series>,
}

/// Where values lie on the drawing.
struct Plane {
    from: f64,
    span: f64,
    top: f64,
    height: f64,
}

impl Plane {
    const LEFT: f64 = 56.0;
    const RIGHT: f64 = WIDTH - 190.0;

    fn x(&self, x: f64) -> f64 {
        // All at one place: in the middle.
        let part = if self.span > 0.0 { (x - self.from) / self.span } else { 0.5 };
        Self::LEFT + 8.0 + part * (Self::RIGHT - Self::LEFT - 16.0)
    }

    fn y(&self, y: f64) -> f64 {
        8.0 + self.height * (1.0 - y.max(0.0) / self.top)
    }
}

impl LineChart<'_> {
    fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| &line.1);
        if points().next().is_none() {
            return left_out(self.caption);
        }
        let (from, to) = points().fold((f64::MAX, f64::MIN), |(from, to), p| (from.min(p.0), to.max(p.0)));
        let most = points().map(|p| p.1).fold(self.mark.0, f64::max);
        let height = (self.lines.len() as f64 * 16.0).max(230.0);
        let plane = Plane { from, span: to - from, top: most * 1.06, height };
        let mut out = open(self.caption, height + 50.0);
        out.push_str(&self.axes(&plane));
        for (i, line) in self.lines.iter().enumerate() {
            out.push_str(&self.line(&plane, i, line));
        }
        out.push_str(&self.names(&plane));
        out + "</svg></figure>\n"
    }

    fn axes(&self, plane: &Plane) -> String {
        let step = step(plane.top);
        let mark = plane.y(self.mark.0);
        let ticks = (0..12).map(|i| f64::from(i) * step).filter(|tick| *tick <= plane.top);
        let mut out = String::new();
        for (tick, y) in ticks.map(|tick| (tick, plane.y(tick))) {
            out.push_str(&rule(y, "class=\"axis\""));
            // The mark's own label comes first.
            if (y - mark).abs() >= 13.0 {
                out.push_str(&text(Plane::LEFT - 6.0, y + 4.0, "faint", "end", &(self.y)(tick)));
            }
        }
        out.push_str(&rule(mark, "style=\"stroke:var(--ink)\" stroke-dasharray=\"2 3\""));
        out.push_str(&text(Plane::LEFT - 6.0, mark + 4.0, "", "end", self.mark.1));
        let base = 8.0 + plane.height;
        let mut places: Vec<f64> = self.lines.iter().flat_map(|line| line.1.iter().map(|p| p.0)).collect();
        places.sort_by(|a, b| b.total_cmp(a));
        let mut free = f64::MAX;
        for place in places {
            // From the right: measurements often double, and the left ones then lie too close for a label each.
            if free - plane.x(place) >= 48.0 {
                free = plane.x(place);
                out.push_str(&text(free, base + 16.0, "faint", "middle", &grouped(place as i128)));
            }
        }
        out + &text(f64::midpoint(Plane::LEFT, Plane::RIGHT), base + 34.0, "faint", "middle", self.x)
    }

    fn line(&self, plane: &Plane, i: usize, (name, points): &Series) -> String {
        let color = i % 10;
        let path: Vec<String> = points.iter().map(|p| format!("{:.2},{:.2}", plane.x(p.0), plane.y(p.1))).collect();
        // Lines that coincide are told apart by their dashes.
        let dashes = match i % 3 {
            0 => "none",
            1 => "9 4",
            _ => "3 4",
        };
        let mut out = format!(
            "<polyline points=\"{}\" style=\"fill:none;stroke:var(--c{color})\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>\n",
            path.join(" ")
        );
        for (x, y) in points {
            out.push_str(&format!(
                "<circle cx=\"{:.2}\" cy=\"{:.2}\" r=\"3.5\" class=\"c{color}\"><title>{}, {} {}: {}</title></circle>\n",
                plane.x(*x),
                plane.y(*y),
                escape(name),
                grouped(*x as i128),
                escape(self.x),
                (self.y)(*y)
            ));
        }
        out
    }

    /// Each line's name and last value at the right of its end, moved apart where ends lie close.
    fn names(&self, plane: &Plane) -> String {
        let mut ends: Vec<(usize, &str, f64)> =
            (self.lines.iter().enumerate()).filter_map(|(i, line)| Some((i, line.0.as_str(), line.1.last()?.1))).collect();
        ends.sort_by(|a, b| b.2.total_cmp(&a.2));
        let (mut out, mut free) = (String::new(), 8.0);
        for (k, (i, name, value)) in ends.iter().enumerate() {
            let room_beneath = 8.0 + plane.height - (ends.len() - 1 - k) as f64 * 15.0;
            let y = plane.y(*value).min(room_beneath).max(free);
            free = y + 15.0;
            let name = format!("{name}: {}", (self.y)(*value));
            out.push_str(&bar([Plane::RIGHT + 8.0, y - 4.0, 8.0, 8.0], &format!("c{}", i % 10), &name));
            out.push_str(&text(Plane::RIGHT + 21.0, y + 4.0, "", "start", &name));
        }
        out
    }
}

fn rule(y: f64, looks: &str) -> String {
    format!("<line x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" {looks}/>\n", Plane::LEFT, Plane::RIGHT)
}

/// 1, 2 or 5 times a power of ten, so that four or fewer steps reach the top.
fn step(top: f64) -> f64 {
    let rough = top / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(rough)
}

/// A bar of the waterfall: from where to where, and in which looks.
struct Fall<'a> {
    name: &'a str,
    ends: [f64; 2],
    label: String,
    class: &'static str,
}

/// The ledger from formula to driver: levels from zero, and between them the lines, each from where the one before ended.
pub(super) fn account(account: &Account) -> String {
    let caption = "The ledger from the formula to the driver, and what lies between";
    let falls = falls(account);
    if falls.is_empty() {
        return left_out(caption);
    }
    let (least, most) =
        falls.iter().flat_map(|fall| fall.ends).fold((0.0_f64, 1.0_f64), |(least, most), end| (least.min(end), most.max(end)));
    let (label, room, step) = (190.0, WIDTH - 190.0 - 90.0, 22.0);
    let x = |bytes: f64| label + (bytes - least) / (most - least) * room;
    let mut out = open(caption, falls.len() as f64 * step + 6.0);
    for (i, Fall { name, ends: [from, to], label, class }) in falls.iter().enumerate() {
        let top = i as f64 * step + 3.0;
        let (left, right) = (x(from.min(*to)), x(from.max(*to)));
        let (indent, looks) = if *class == "c0" { (0.0, "") } else { (12.0, "faint") };
        out.push_str(&text(indent, top + 13.0, looks, "start", name));
        // A line of few bytes is to be seen too.
        out.push_str(&bar([left, top, (right - left).max(1.5), 17.0], class, &format!("{name}: {label}")));
        out.push_str(&text(right + 6.0, top + 13.0, looks, "start", label));
    }
    let legend = [("c0", "level"), ("c2", "added"), ("c1", "taken away"), ("c3", "residual")];
    out + "</svg>\n" + &legend_of(legend.into_iter().map(|(class, name)| (class.to_owned(), name.to_owned()))) + "</figure>\n"
}

fn falls(account: &Account) -> Vec<Fall<'_>> {
    let (mut falls, mut held) = (Vec::new(), 0.0_f64);
    for level in &account.levels {
        for line in &level.lines {
            let class = match (line.name.as_str(), line.bytes < 0) {
                ("residual", _) => "c3",
                (_, true) => "c1",
                (_, false) => "c2",
            };
            let ends = [held, held + line.bytes as f64];
            held += line.bytes as f64;
            falls.push(Fall { name: &line.name, ends, label: signed(line.bytes), class });
        }
        held = level.bytes as f64;
        falls.push(Fall { name: level.name, ends: [0.0, held], label: decimal(level.bytes), class: "c0" });
    }
    falls
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_make_a_chart_all_the_same() {
        let chart = |lines| LineChart { caption: "c", x: "x", mark: (16.0, "16"), y: plain, lines }.svg();
        let (one, none) = (chart(vec![("a".into(), vec![(64.0, 17.5)])]), chart(vec![]));
        assert!(one.contains("<circle") && none.contains("Left out"), "{one}{none}");
        let column = chart(vec![("a".into(), vec![(64.0, 1.0), (64.0, 2.0)]), ("b".into(), vec![])]);
        assert!([one, none, column].iter().all(|svg| !svg.contains("NaN") && !svg.contains("inf")));
    }
}
