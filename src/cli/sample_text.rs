//! What `sample` shows.

use std::collections::HashMap;

use super::draws::{Draws, Row};
use super::table::{table, title};
use crate::sample::{SamplingParams, Status};
use crate::units::grouped;

/// Characters of the longest bar.
const BAR: f64 = 30.0;

pub(super) fn text(what: &str, vocab: u64, params: &SamplingParams, drawn: &Draws, show: usize) -> String {
    let device = match (&drawn.driver, drawn.software) {
        (None, _) => "none; the CPU twin did the work, on the host's processor".into(),
        (Some(driver), true) => format!("{} ({driver}), software on the host's processor", drawn.adapter),
        (Some(driver), false) => format!("{} ({driver})", drawn.adapter),
    };
    let mut out = format!("device: {device}\nlogits: {what}, {} tokens\nchain:  {params}\n", grouped(vocab.into()));
    for row in &drawn.rows {
        out.push('\n');
        out.push_str(&row_text(row, vocab, show));
    }
    out
}

fn row_text(row: &Row, vocab: u64, show: usize) -> String {
    let remark = match row.status {
        Status::Ok => "",
        Status::Nan => "; NaN among the logits was left out",
        Status::Inf => "; infinite logits leave nothing else",
        Status::Empty => "; no token can be drawn",
    };
    let kept = row.survivors.len();
    let mut out =
        title(&format!("row {}: {} of {} tokens kept{remark}", row.number, grouped(kept as i128), grouped(vocab.into())));
    if kept == 0 {
        return out;
    }
    let mut counts: HashMap<u32, u64> = HashMap::new();
    row.tokens.iter().for_each(|id| *counts.entry(*id).or_default() += 1);
    let draws = row.tokens.len();
    let count = |id: &u32| counts.get(id).copied().unwrap_or(0);
    let mut heading = vec![">token", ">probability", ""];
    if draws > 1 {
        heading.extend([">drawn", ">share"]);
    }
    let mut rows = vec![heading.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()];
    let most = row.survivors.first().map_or(1.0, |(_, p)| *p).max(f64::MIN_POSITIVE);
    for (id, p) in row.survivors.iter().take(show) {
        let bar = "#".repeat((p / most * BAR).round() as usize);
        let mut cells = vec![id.to_string(), format!("{p:.5}"), bar];
        if draws > 1 {
            cells.extend([grouped(count(id).into()), format!("{:.5}", count(id) as f64 / draws as f64)]);
        }
        rows.push(cells);
    }
    if kept > show {
        let rest = &row.survivors[show..];
        let p: f64 = rest.iter().map(|(_, p)| p).sum();
        let mut cells = vec![format!("{} more", grouped(rest.len() as i128)), format!("{p:.5}"), String::new()];
        if draws > 1 {
            let n: u64 = rest.iter().map(|(id, _)| count(id)).sum();
            cells.extend([grouped(n.into()), format!("{:.5}", n as f64 / draws as f64)]);
        }
        rows.push(cells);
    }
    out.push_str(&table(&rows));
    if draws == 1 {
        out.push_str(&format!("drawn: {}\n", row.tokens[0]));
    }
    out
}
