//! The shape of a model: its tensors by name, class and dimensions, and what its layers keep of each token. No GPU, no weights.

mod bert;
mod builtin;
mod config;
mod decoder;
mod deepseek;
mod families;
mod gguf;
mod gpt2;
mod read;

pub use builtin::names as builtin_names;
pub use read::{from_config, from_model, open};

use std::collections::BTreeMap;

use serde::Serialize;

use super::class::Class;

/// A model as a list of tensors, and of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Its name: a built-in name, a file, or the `model_type` of its config.
    pub name: String,
    /// The `model_type`, or a GGUF's architecture.
    pub model_type: String,
    /// Every parameter tensor; what is tied is there once.
    pub tensors: Vec<TensorShape>,
    /// Its layers in order.
    pub layers: Vec<Layer>,
    /// Width of the hidden state.
    pub hidden: u64,
    /// Tokens of the vocabulary.
    pub vocab: u64,
    /// Positions that it was made for, where that is known.
    pub positions: Option<u64>,
    /// Parameters of layers that predict further tokens (DeepSeek's MTP): they are in the published files, and not in `tensors`.
    pub further: u64,
}

/// A parameter tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorShape {
    /// Its name: of Llama, Mistral, Qwen, Gemma 2 and 3 (text) and GPT-2 as Hugging Face's files have it, of others in the same manner, nothing
    /// fused; the experts of a layer are one tensor.
    pub name: String,
    /// Its class.
    pub class: Class,
    /// Its dimensions.
    pub shape: Vec<u64>,
    /// The layer that it belongs to.
    pub layer: Option<u64>,
    /// Of how many experts a token uses how many (used, all), where they are experts.
    pub experts: Option<(u64, u64)>,
}

/// What estimates need to know of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Query heads.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Values of a query or key head.
    pub head_dim: u64,
    /// Elements of K and V that are cached for a token: 2 kv_heads head_dim, or the latent of MLA.
    pub cached: u64,
    /// Tokens that attention looks back on, where that is bounded.
    pub window: Option<u64>,
    /// Width of the feed-forward part that a token goes through, all its experts together.
    pub ff: u64,
    /// Whether the feed-forward part is gated (SwiGLU, GeGLU): three matrices instead of two.
    pub gated: bool,
}

impl Layer {
    /// Tokens of a sequence of `tokens` that are cached: those of its window, where it has one.
    #[must_use]
    pub fn remembered(&self, tokens: u64) -> u64 {
        self.window.map_or(tokens, |window| window.min(tokens))
    }
}

/// Parameters by class.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Counts(pub BTreeMap<Class, u64>);

impl TensorShape {
    /// Values in it.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }
}

impl Counts {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.values().sum()
    }
}

impl Shape {
    /// Parameters, exactly.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().map(TensorShape::elements).sum()
    }

    /// Parameters that one token uses: of the experts only its own.
    #[must_use]
    pub fn active_parameters(&self) -> u64 {
        let active = |t: &TensorShape| t.experts.map_or(t.elements(), |(used, all)| t.elements() / all.max(1) * used);
        self.tensors.iter().map(active).sum()
    }

    /// Parameters by class; classes without any are left out.
    #[must_use]
    pub fn by_class(&self) -> Counts {
        let mut counts = BTreeMap::new();
        for t in self.tensors.iter().filter(|t| t.elements() > 0) {
            *counts.entry(t.class).or_insert(0) += t.elements();
        }
        Counts(counts)
    }

    /// Parameters of each layer.
    #[must_use]
    pub fn by_layer(&self) -> Vec<u64> {
        let mut layers = vec![0; self.layers.len()];
        for t in &self.tensors {
            if let Some(layer) = t.layer.and_then(|i| layers.get_mut(i as usize)) {
                *layer += t.elements();
            }
        }
        layers
    }

    /// The same model with so many layers: those from the front, the rest of it as it is.
    #[must_use]
    pub fn with_layers(&self, layers: usize) -> Self {
        let mut shape = self.clone();
        shape.layers.truncate(layers);
        shape.tensors.retain(|t| t.layer.is_none_or(|i| i < layers as u64));
        shape
    }

    /// Elements of K and V that are cached for a token in all layers, where no window ends them.
    #[must_use]
    pub fn cached_per_token(&self) -> u64 {
        self.layers.iter().map(|l| l.cached).sum()
    }

    /// Elements of K and V that are cached for a sequence of `tokens`: a layer with a window keeps no more than that.
    #[must_use]
    pub fn cached(&self, tokens: u64) -> u64 {
        self.layers.iter().map(|l| l.cached * l.remembered(tokens)).sum()
    }
}

/// Collects tensors.
#[derive(Default)]
struct Tensors {
    all: Vec<TensorShape>,
    prefix: String,
    layer: Option<u64>,
}

impl Tensors {
    fn add(&mut self, name: &str, class: Class, shape: &[u64]) {
        self.put(name, class, shape, None);
    }

    /// Those of experts: the first dimension counts them.
    fn add_experts(&mut self, name: &str, class: Class, shape: &[u64], used: u64) {
        self.put(name, class, shape, Some((used, shape[0])));
    }

    fn put(&mut self, name: &str, class: Class, shape: &[u64], experts: Option<(u64, u64)>) {
        let tensor =
            TensorShape { name: format!("{}{name}", self.prefix), class, shape: shape.to_vec(), layer: self.layer, experts };
        self.all.push(tensor);
    }

    /// A linear map `out x into`, with a bias or without.
    fn linear(&mut self, name: &str, class: Class, out: u64, into: u64, bias: bool) {
        self.add(&format!("{name}.weight"), class, &[out, into]);
        if bias {
            self.add(&format!("{name}.bias"), Class::Bias, &[out]);
        }
    }

    /// A normalization over `width` values: its scale, and for LayerNorm its bias.
    fn norm(&mut self, name: &str, width: u64, bias: bool) {
        self.add(&format!("{name}.weight"), Class::Norm, &[width]);
        if bias {
            self.add(&format!("{name}.bias"), Class::Bias, &[width]);
        }
    }

    /// What follows belongs to a layer, under a prefix.
    fn enter(&mut self, layer: u64, prefix: &str) {
        self.layer = Some(layer);
        self.prefix = format!("{prefix}.{layer}.");
    }

    fn leave(&mut self) {
        self.layer = None;
        self.prefix.clear();
    }
}
