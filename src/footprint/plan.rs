//! What will be done with each tensor of a model, and why: made before any work, so that it can be shown first.

use super::class::Class;
use super::weigh::{WeighOptions, WeighTail};
use crate::error::{Error, Result};
use crate::format::Format;
use crate::io::{Entry, Model, Stored};
use crate::quantize::{QuantizeOptions, Tail, stored_row_len};
use crate::tensor::rows_of;

/// A format for the tensors whose names hold a word: `attn_v=q8_0`. `keep` instead of a format leaves them as they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// A part of the name; `*` stands for any text.
    pub pattern: String,
    /// The format; `None` keeps the tensor as it is stored.
    pub format: Option<Format>,
}

impl Rule {
    /// Whether the rule is meant for a tensor of this name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let mut rest = name;
        // The parts between the stars, each behind the one before.
        self.pattern.split('*').all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        })
    }
}

impl std::str::FromStr for Rule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.split_once('=') {
            Some((pattern, format)) if !pattern.is_empty() => {
                let format = if format == "keep" { None } else { Some(format.parse()?) };
                Ok(Self { pattern: pattern.into(), format })
            }
            _ => Err(Error::Unsupported {
                what: "a rule".into(),
                need: "a part of a tensor's name, `=`, and a format or `keep`, such as attn_v=q8_0".into(),
                have: format!("{text:?}"),
            }),
        }
    }
}

/// What will be done with a tensor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TensorPlan {
    /// Its name.
    pub name: String,
    /// Its component class.
    pub class: Class,
    /// The file's name for its type.
    pub source: String,
    /// Whether it has to be dequantized before it is quantized: its errors are then those against the values it has in the file.
    pub dequantized_first: bool,
    /// Its elements.
    pub elements: u64,
    /// What becomes of it.
    pub action: Action,
    /// The rule that decided, if one did.
    pub rule: Option<String>,
}

/// What becomes of a tensor.
#[derive(Clone, Debug)]
pub enum Action {
    /// It is quantized.
    Quantize {
        /// To this format.
        format: Format,
        /// So.
        options: QuantizeOptions,
        /// Bytes of its planes then.
        bytes: u64,
    },
    /// It stays as it is stored.
    Keep {
        /// Why.
        reason: &'static str,
        /// Its bytes.
        bytes: u64,
    },
}

impl Action {
    /// Bytes that the tensor will have.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Quantize { bytes, .. } | Self::Keep { bytes, .. } => *bytes,
        }
    }
}

/// The plan of weighing `model` at `format`, a tensor an entry, in the model's order.
///
/// # Errors
/// [`Error::Shape`] where rows do not fill groups and the options say that this is an error; [`Error::Unsupported`] where a rule's format
/// does not go with the policy for values that are not finite, or a rule fits no tensor.
pub fn plan(model: &Model, format: &Format, options: &WeighOptions) -> Result<Vec<TensorPlan>> {
    options.non_finite.check(format)?;
    for rule in &options.rules {
        if let Some(format) = &rule.format {
            options.non_finite.check(format)?;
        }
        if !model.tensors.iter().any(|entry| rule.matches(&entry.name)) {
            return Err(Error::Unsupported {
                what: "the rules".into(),
                need: "patterns that fit a tensor's name".into(),
                have: format!("{:?}, which fits none", rule.pattern),
            });
        }
    }
    model.tensors.iter().map(|entry| one(entry, format, options)).collect()
}

fn one(entry: &Entry, format: &Format, options: &WeighOptions) -> Result<TensorPlan> {
    let class = Class::of(&entry.name, entry.shape.len());
    // The first rule that fits decides, also over a class that is kept.
    let rule = options.rules.iter().find(|rule| rule.matches(&entry.name));
    let keep = if !entry.is_float {
        Some("not floating point")
    } else if entry.stored == Stored::Opaque {
        Some("of a type that is not quantized")
    } else if entry.shape.len() < 2 {
        Some("not a matrix")
    } else if entry.elements() == 0 {
        Some("empty")
    } else if rule.is_some_and(|rule| rule.format.is_none()) {
        Some("a rule keeps it")
    } else if rule.is_none() && options.keep.contains(&class) {
        Some("its class is kept")
    } else {
        None
    };
    let format = rule.and_then(|rule| rule.format).unwrap_or(*format);
    let action = match keep {
        Some(reason) => Action::Keep { reason, bytes: entry.bytes() },
        None => quantized(entry, &format, options)?,
    };
    Ok(TensorPlan {
        name: entry.name.clone(),
        class,
        source: entry.dtype.clone(),
        dequantized_first: keep.is_none() && matches!(entry.stored, Stored::Coded(_)),
        elements: entry.elements(),
        action,
        rule: rule.map(|rule| rule.pattern.clone()),
    })
}

fn quantized(entry: &Entry, format: &Format, options: &WeighOptions) -> Result<Action> {
    let mut quantize = QuantizeOptions::default();
    quantize.non_finite = options.non_finite;
    quantize.tail = match options.tail {
        WeighTail::Pad => Tail::Pad,
        WeighTail::Error | WeighTail::Keep => Tail::Error,
    };
    match stored_row_len(format, &entry.name, &entry.shape, quantize.tail) {
        Ok(row_len) => {
            let bytes = format.bytes(rows_of(&entry.shape), row_len);
            Ok(Action::Quantize { format: *format, options: quantize, bytes })
        }
        Err(_) if options.tail == WeighTail::Keep => {
            Ok(Action::Keep { reason: "its rows do not fill groups", bytes: entry.bytes() })
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_match_parts_of_names() {
        let fits = |pattern: &str, name: &str| Rule { pattern: pattern.into(), format: None }.matches(name);
        assert!(fits("attn_v", "blk.3.attn_v.weight"));
        assert!(!fits("attn_v", "blk.3.attn_k.weight"));
        assert!(fits("blk.*.attn_*weight", "blk.3.attn_k.weight"));
        assert!(!fits("attn*blk", "blk.3.attn_k.weight"));
    }

    #[test]
    fn rules_are_read() {
        let rule: Rule = "attn_v=int4:g32:asym".parse().unwrap();
        assert_eq!((rule.pattern.as_str(), rule.format.unwrap().to_string().as_str()), ("attn_v", "int4:g32:asym"));
        assert_eq!("norm=keep".parse::<Rule>().unwrap().format, None);
        for wrong in ["attn_v", "=q8_0", "attn_v=q9"] {
            assert!(wrong.parse::<Rule>().is_err(), "{wrong}");
        }
    }
}
