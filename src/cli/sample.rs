//! `weighbridge sample`: what survives of logits, and what is drawn from them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;

use super::draws::{Draws, Rows, draw};
use super::{Common, device, print, print_json, sample_text};
use crate::error::{Error, Result};
use crate::gpu::GpuOptions;
use crate::io::{Entry, Model, Stored};
use crate::sample::{NO_TOKEN, Preset, SamplingParams, Status};

/// What survives of each row of logits, as a list of bars, and the tokens that are drawn from it.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
The chain is temperature 0.8, top-k 36, top-p 0.7 unless options say otherwise;
`--top-k 0 --top-p 1` filters nothing. The same seed draws the same tokens on every
device, `--adapter cpu` included. The draws of a row are those of positions 0, 1, 2 ...

  weighbridge sample logits.safetensors --rows 0,3-5 --seed 7
  weighbridge sample logits.safetensors --top-k 0 --top-p 0.9 --draws 100000
  weighbridge sample logits.safetensors --preset llama.cpp --min-p 0.05 --json

Exit status 1 where a row held NaN or infinities, or no token at all.")]
pub(super) struct SampleArgs {
    /// A `.safetensors` (or `.gguf`) file with logits: F32, F16 or BF16, the last dimension being the vocabulary.
    logits: PathBuf,
    /// The tensor [default: `logits`, or the only one].
    #[arg(long, value_name = "NAME")]
    tensor: Option<String>,
    /// The rows, separated by commas, with ranges: 0,3-5 [default: all].
    #[arg(long, value_name = "LIST")]
    rows: Option<String>,
    /// Whose order and boundaries the filters follow: huggingface, llama.cpp, vllm, mlx, tensorrt-llm, candle.
    #[arg(long, value_name = "NAME", default_value = "huggingface")]
    preset: String,
    /// Divides the logits; 0 takes the best token [default: 0.8].
    #[arg(long, value_name = "X")]
    temperature: Option<f32>,
    /// Keep the k best; 0 is off [default: 36].
    #[arg(long, value_name = "N")]
    top_k: Option<u32>,
    /// Keep the fewest best that reach this probability; 1 is off [default: 0.7].
    #[arg(long, value_name = "X")]
    top_p: Option<f32>,
    /// Keep what has at least this share of the best one's probability.
    #[arg(long, value_name = "X")]
    min_p: Option<f32>,
    /// Keep what lies nearest to the entropy, up to this probability.
    #[arg(long, value_name = "X")]
    typical_p: Option<f32>,
    /// Keep logits within so many standard deviations of the best.
    #[arg(long, value_name = "X")]
    top_n_sigma: Option<f32>,
    /// Keep probabilities of at least this.
    #[arg(long, value_name = "X")]
    epsilon: Option<f32>,
    /// Keep probabilities of at least the lesser of this and its root times exp(-entropy).
    #[arg(long, value_name = "X")]
    eta: Option<f32>,
    /// No filter leaves fewer than this.
    #[arg(long, value_name = "N")]
    min_keep: Option<u32>,
    /// Tokens generated so far, separated by commas: what the penalties look at, as far as the preset's peer does.
    #[arg(long, value_name = "IDS", value_delimiter = ',')]
    history: Vec<u32>,
    /// Logits above 0 of tokens seen are divided by this, others multiplied.
    #[arg(long, value_name = "X")]
    repetition: Option<f32>,
    /// Taken from a logit for each time its token was seen.
    #[arg(long, value_name = "X")]
    frequency: Option<f32>,
    /// Taken from a logit whose token was seen.
    #[arg(long, value_name = "X")]
    presence: Option<f32>,
    /// Added to a logit, `-inf` bans the token: 42=-1.5. May be given often.
    #[arg(long, value_name = "ID=VALUE", value_parser = bias)]
    bias: Vec<(u32, f32)>,
    /// The seed, any number of 64 bits.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws from each row.
    #[arg(long, value_name = "M", default_value_t = 1)]
    draws: u32,
    /// Survivors that are shown of each row.
    #[arg(long, value_name = "N", default_value_t = 10)]
    show: usize,
}

fn bias(text: &str) -> std::result::Result<(u32, f32), String> {
    let parsed = text.split_once('=').and_then(|(id, value)| Some((id.trim().parse().ok()?, value.trim().parse().ok()?)));
    parsed.ok_or_else(|| "expected a token id and a number, such as 42=-1.5".into())
}

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    adapter: &'a str,
    rows: Vec<RowDocument>,
}

#[derive(Serialize)]
struct RowDocument {
    row: u64,
    status: Status,
    kept_count: u32,
    kept: Vec<u32>,
    probs: Vec<f64>,
    tokens: Vec<u32>,
}

pub(super) fn run(common: &Common, args: &SampleArgs) -> Result<ExitCode> {
    let params = args.params()?;
    let model = Model::open(&args.logits)?;
    let entry = args.entry(&model)?;
    let Stored::Plain(element) = entry.stored else { unreachable!("entry() takes nothing else") };
    let vocab = entry.shape.last().copied().unwrap_or(0);
    let count = entry.elements().checked_div(vocab).unwrap_or(0);
    let numbers = match &args.rows {
        Some(list) => row_numbers(list, count)?,
        None => (0..count).collect(),
    };
    params.check(0, vocab)?;
    if let Some(id) = args.history.iter().find(|id| u64::from(**id) >= vocab) {
        let range = "token ids of the vocabulary";
        return Err(Error::Parameter { row: 0, parameter: "history", value: format!("token {id}"), range });
    }
    let rows = Rows { bytes: model.bytes(entry), element, vocab, numbers, history: args.history.clone(), lists: true };
    let device = device(common, GpuOptions::default())?;
    let drawn = draw(common, &device, &rows, &params, args.draws)?;
    let ok = drawn.rows.iter().all(|row| row.status == Status::Ok);
    if common.json {
        print_json(&document(&drawn))?;
    } else {
        let what = format!(
            "{}, tensor {:?}: {} of {count} rows, {}",
            args.logits.display(),
            entry.name,
            drawn.rows.len(),
            entry.dtype
        );
        print(&sample_text::text(&what, vocab, &params, &drawn, args.show));
    }
    Ok(ExitCode::from(u8::from(!ok)))
}

fn document(drawn: &Draws) -> Document<'_> {
    let row = |row: &super::draws::Row| RowDocument {
        row: row.number,
        status: row.status,
        kept_count: row.kept,
        kept: row.survivors.iter().map(|(id, _)| *id).collect(),
        probs: row.survivors.iter().map(|(_, p)| *p).collect(),
        tokens: row.tokens.iter().copied().filter(|id| *id != NO_TOKEN).collect(),
    };
    Document { schema: 1, adapter: &drawn.adapter, rows: drawn.rows.iter().map(row).collect() }
}

impl SampleArgs {
    fn params(&self) -> Result<SamplingParams> {
        let mut p = SamplingParams::default().seed(self.seed).preset(self.preset.parse::<Preset>()?).bias(self.bias.clone());
        let set = |field: &mut f32, value: Option<f32>| *field = value.unwrap_or(*field);
        set(&mut p.temperature, self.temperature);
        set(&mut p.top_p, self.top_p);
        set(&mut p.min_p, self.min_p);
        set(&mut p.typical_p, self.typical_p);
        set(&mut p.top_n_sigma, self.top_n_sigma);
        set(&mut p.epsilon, self.epsilon);
        set(&mut p.eta, self.eta);
        set(&mut p.repetition, self.repetition);
        set(&mut p.frequency, self.frequency);
        set(&mut p.presence, self.presence);
        p.top_k = self.top_k.unwrap_or(p.top_k);
        p.min_keep = self.min_keep.unwrap_or(p.min_keep);
        let (what, need) = match (p.penalizes(), self.history.is_empty()) {
            (true, true) => ("penalties", "tokens that were seen: --history ID,ID,..."),
            (false, false) => ("a history", "a penalty that looks at it: --repetition, --frequency or --presence"),
            _ => return Ok(p),
        };
        Err(Error::Unsupported { what: what.into(), need: need.into(), have: "none".into() })
    }

    /// The tensor of logits.
    fn entry<'a>(&self, model: &'a Model) -> Result<&'a Entry> {
        let plain: Vec<&Entry> =
            model.tensors.iter().filter(|t| matches!(t.stored, Stored::Plain(_)) && t.elements() > 0).collect();
        let named = |name: &str| plain.iter().find(|t| t.name == name).copied();
        let found = match &self.tensor {
            Some(name) => named(name),
            None => named("logits").or(if plain.len() == 1 { Some(plain[0]) } else { None }),
        };
        found.ok_or_else(|| {
            let names: BTreeMap<&str, &str> = plain.iter().map(|t| (t.name.as_str(), t.dtype.as_str())).collect();
            let listed: Vec<String> = names.iter().take(3).map(|(name, dtype)| format!("{name} ({dtype})")).collect();
            Error::Unsupported {
                what: format!("sampling from {}", self.logits.display()),
                need: match &self.tensor {
                    Some(name) => format!("a tensor {name:?} of F32, F16 or BF16 values"),
                    None => "a tensor `logits`, a single tensor, or --tensor NAME".into(),
                },
                have: match listed.len() {
                    0 => "no tensor of such values".into(),
                    n if n < names.len() => format!("{} and {} more", listed.join(", "), names.len() - n),
                    _ => listed.join(", "),
                },
            }
        })
    }
}

/// `0,3-5` as numbers, each under `count`.
fn row_numbers(list: &str, count: u64) -> Result<Vec<u64>> {
    let wrong = |part: &str| Error::Unsupported {
        what: format!("the rows {list:?}"),
        need: format!("numbers and ranges from 0 to {}, such as 0,3-5", count.saturating_sub(1)),
        have: part.into(),
    };
    let mut numbers = Vec::new();
    for part in list.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last && last < count => numbers.extend(first..=last),
            _ => return Err(wrong(part)),
        }
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::row_numbers;

    #[test]
    fn rows_and_ranges() {
        assert_eq!(row_numbers("0,3-5, 7", 8).unwrap(), [0, 3, 4, 5, 7]);
        for wrong in ["8", "5-3", "", "a", "1,,2", "0-8"] {
            assert!(row_numbers(wrong, 8).is_err(), "{wrong}");
        }
    }

    #[test]
    fn biases() {
        assert_eq!(super::bias("42=-1.5"), Ok((42, -1.5)));
        assert_eq!(super::bias("1=-inf"), Ok((1, f32::NEG_INFINITY)));
        assert!(super::bias("1:2").is_err());
    }
}
