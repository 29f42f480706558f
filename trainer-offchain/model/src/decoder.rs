//! The decoder: embedding, blocks of attention and feed-forward, norm, head. One for all families, for training and for
//! serving; its cache is an argument.

mod step;

pub use step::{Activations, Gradients, StepInput};

use crate::checkpoint::Checkpoint;
use crate::config::{DecoderConfig, FeedForward, NormKind, Positions, RawConfig};
use crate::error::{ModelError, Result};
use crate::family::QkvNames;
use crate::linear::{DropoutRng, Linear};
use crate::ops::{self, AttentionShape, RotaryTable, Weight, WeightLayout};
use crate::source::{FromCheckpoint, FromSeed, Init, TensorSource};
use candle_core::{Device, Tensor, Var, D};
use std::path::Path;
use std::sync::Arc;

/// A model. A clone shares the tensors: an adapter put around the clone's layers leaves the original as it is.
#[derive(Clone)]
pub struct Decoder {
	/// What it was built from.
	pub config: DecoderConfig,
	/// config.json as it was read.
	pub raw_config: RawConfig,
	/// Where its tensors are.
	pub device: Device,
	/// Base tensors under the names of their file.
	pub parameters: Vec<(String, Tensor)>,
	embedding: Tensor,
	positions: Option<Tensor>,
	rotary: Option<RotaryTable>,
	blocks: Vec<Block>,
	final_norm: Norm,
	head: Weight,
}

#[derive(Clone)]
struct Block {
	attention_norm: Norm,
	qkv: Vec<Linear>,
	attention_out: Linear,
	mlp_norm: Norm,
	gate: Option<Linear>,
	up: Linear,
	down: Linear,
}

#[derive(Clone)]
struct Norm {
	weight: Tensor,
	bias: Option<Tensor>,
	eps: f32,
}

impl Norm {
	fn forward(&self, x: &Tensor) -> Result<Tensor> {
		Ok(match &self.bias {
			None => ops::rms_norm(x, &self.weight, self.eps)?,
			Some(bias) => ops::layer_norm(x, &self.weight, bias, self.eps)?,
		})
	}
}

/// Keys and values of the positions read so far, per block.
#[derive(Default)]
pub struct KvCache {
	blocks: Vec<Option<(Tensor, Tensor)>>,
	/// Positions held.
	len: usize,
}

impl KvCache {
	/// An empty cache.
	pub fn new() -> Self {
		Self::default()
	}

	/// Positions held.
	pub fn len(&self) -> usize {
		self.len
	}

	/// Whether nothing was read yet.
	pub fn is_empty(&self) -> bool {
		self.len == 0
	}

	/// Appends keys and values of new positions and returns all of them. What is kept is detached: a cache that held
	/// the graph would keep every step's activations.
	fn extend(&mut self, block: usize, k: Tensor, v: Tensor) -> Result<(Tensor, Tensor)> {
		if self.blocks.len() <= block {
			self.blocks.resize(block + 1, None);
		}
		let (k, v) = match &self.blocks[block] {
			None => (k.detach(), v.detach()),
			Some((old_k, old_v)) => (
				Tensor::cat(&[old_k, &k.detach()], 1)?,
				Tensor::cat(&[old_v, &v.detach()], 1)?,
			),
		};
		self.blocks[block] = Some((k.clone(), v.clone()));
		Ok((k, v))
	}
}

/// Collects tensors while a decoder is built.
struct Builder<'a> {
	config: &'a DecoderConfig,
	source: &'a mut dyn TensorSource,
	trainable: bool,
	parameters: Vec<(String, Tensor)>,
}

impl Builder<'_> {
	fn tensor(&mut self, path: &str, shape: &[usize], init: Init) -> Result<Tensor> {
		let name = self.source.resolve(self.config.family.names.base, path);
		let mut tensor = self.source.tensor(&name, shape, init)?;
		if self.trainable {
			tensor = Var::from_tensor(&tensor)?.as_tensor().clone();
		}
		self.parameters.push((name, tensor.clone()));
		Ok(tensor)
	}

	fn linear(&mut self, path: String, out: usize, inp: usize, bias: bool, init: Init) -> Result<Linear> {
		let layout = self.config.family.layout;
		let shape = match layout {
			WeightLayout::OutIn => [out, inp],
			WeightLayout::InOut => [inp, out],
		};
		let tensor = self.tensor(&format!("{path}.weight"), &shape, init)?;
		let bias = if bias {
			Some(self.tensor(&format!("{path}.bias"), &[out], Init::Zeros)?)
		} else {
			None
		};
		Ok(Linear {
			path,
			weight: Weight { tensor, layout, bias },
			adapter: None,
		})
	}

	fn norm(&mut self, path: &str) -> Result<Norm> {
		let width = [self.config.hidden_size];
		let weight = self.tensor(&format!("{path}.weight"), &width, Init::Ones)?;
		let bias = match self.config.norm {
			NormKind::Rms => None,
			NormKind::Layer => Some(self.tensor(&format!("{path}.bias"), &width, Init::Zeros)?),
		};
		Ok(Norm {
			weight,
			bias,
			eps: self.config.norm_eps,
		})
	}

	fn block(&mut self, index: usize) -> Result<Block> {
		let config = self.config;
		let names = &config.family.names;
		let path = |name: &str| format!("{}{}.{index}.{name}", names.base, names.blocks);
		let (hidden, inner) = (config.hidden_size, config.intermediate_size);
		let (q_width, kv_width) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
		let usual = |inp: usize| Init::Normal(1.0 / (inp as f64).sqrt());
		// What writes into the residual stream starts smaller, so that the stream's size does not grow with depth.
		let depth = (2.0 * config.layers as f64).sqrt();
		let residual = |inp: usize| Init::Normal(1.0 / (inp as f64).sqrt() / depth);

		let attention_norm = self.norm(&path(names.attention_norm))?;
		let qkv = match names.qkv {
			QkvNames::Split(parts) => [q_width, kv_width, kv_width]
				.iter()
				.zip(parts)
				.map(|(out, name)| self.linear(path(name), *out, hidden, config.qkv_bias, usual(hidden)))
				.collect::<Result<Vec<_>>>()?,
			QkvNames::Fused(name) => {
				vec![self.linear(
					path(name),
					q_width + 2 * kv_width,
					hidden,
					config.qkv_bias,
					usual(hidden),
				)?]
			}
		};
		let out_bias = config.attention_out_bias;
		let attention_out = self.linear(path(names.attention_out), hidden, q_width, out_bias, residual(q_width))?;
		let mlp_norm = self.norm(&path(names.mlp_norm))?;
		let gate = match names.gate {
			Some(gate) => Some(self.linear(path(gate), inner, hidden, config.mlp_bias, usual(hidden))?),
			None => None,
		};
		let up = self.linear(path(names.up), inner, hidden, config.mlp_bias, usual(hidden))?;
		let down = self.linear(path(names.down), hidden, inner, config.mlp_bias, residual(inner))?;
		Ok(Block {
			attention_norm,
			qkv,
			attention_out,
			mlp_norm,
			gate,
			up,
			down,
		})
	}
}

impl Decoder {
	/// Reads a Hugging Face folder; `trainable` makes every base tensor a variable.
	pub fn load(dir: &Path, device: &Device, trainable: bool) -> Result<Self> {
		let raw = RawConfig::read(dir)?;
		let checkpoint = Checkpoint::open(dir)?;
		let mut source = FromCheckpoint {
			checkpoint: &checkpoint,
			device,
		};
		Self::build(raw, &mut source, device, trainable)
	}

	/// A new model with seeded random weights, all trainable.
	pub fn random(raw: RawConfig, seed: u64, device: &Device) -> Result<Self> {
		Self::build(raw, &mut FromSeed::new(seed, device), device, true)
	}

	fn build(raw: RawConfig, source: &mut dyn TensorSource, device: &Device, trainable: bool) -> Result<Self> {
		let config = DecoderConfig::from_raw(&raw)?;
		let names = &config.family.names;
		let mut builder = Builder {
			config: &config,
			source,
			trainable,
			parameters: Vec::new(),
		};
		let table = |name: &str| format!("{}{name}.weight", names.base);
		let vocab_shape = [config.vocab_size, config.hidden_size];
		let embedding = builder.tensor(&table(names.embedding), &vocab_shape, Init::Normal(0.02))?;
		let positions = match names.positions {
			Some(name) => Some(builder.tensor(
				&table(name),
				&[config.max_positions, config.hidden_size],
				Init::Normal(0.02),
			)?),
			None => None,
		};
		let blocks = (0..config.layers)
			.map(|i| builder.block(i))
			.collect::<Result<Vec<_>>>()?;
		let final_norm = builder.norm(&format!("{}{}", names.base, names.final_norm))?;
		let head = if config.tied {
			embedding.clone()
		} else {
			builder.tensor(&format!("{}.weight", names.head), &vocab_shape, Init::Normal(0.02))?
		};
		let rotary = match &config.positions {
			Positions::Rotary(frequencies) => Some(RotaryTable::new(frequencies, config.max_positions)),
			Positions::Learned => None,
		};
		Ok(Self {
			parameters: builder.parameters,
			head: Weight {
				tensor: head,
				layout: WeightLayout::OutIn,
				bias: None,
			},
			raw_config: raw,
			device: device.clone(),
			embedding,
			positions,
			rotary,
			blocks,
			final_norm,
			config,
		})
	}

	/// Linear layers that adapters can wrap, block after block.
	pub fn linears(&self) -> impl Iterator<Item = &Linear> {
		self.blocks.iter().flat_map(|b| {
			b.qkv
				.iter()
				.chain([&b.attention_out])
				.chain(&b.gate)
				.chain([&b.up, &b.down])
		})
	}

	/// The same, to wrap them.
	pub fn linears_mut(&mut self) -> impl Iterator<Item = &mut Linear> {
		self.blocks.iter_mut().flat_map(|b| {
			b.qkv
				.iter_mut()
				.chain([&mut b.attention_out])
				.chain(&mut b.gate)
				.chain([&mut b.up, &mut b.down])
		})
	}

	/// Number of base parameters, a tied head counted once.
	pub fn parameter_count(&self) -> usize {
		self.parameters.iter().map(|(_, t)| t.elem_count()).sum()
	}

	/// The residual stream after the last norm, `[batch, seq, hidden]`, of `ids [batch, seq]` (u32).
	///
	/// With a cache, `ids` continue what the cache holds. Rows may be padded on the right; without a cache that changes
	/// nothing before the padding.
	pub fn hidden(&self, ids: &Tensor, mut cache: Option<&mut KvCache>, dropout: &mut DropoutRng) -> Result<Tensor> {
		let (batch, seq) = ids.dims2()?;
		let past = cache.as_ref().map_or(0, |c| c.len);
		if past + seq > self.config.max_positions {
			return Err(ModelError::Input(format!(
				"{} positions are more than the {} that the model has",
				past + seq,
				self.config.max_positions
			)));
		}
		let mut x = self.embedding.index_select(&ids.flatten_all()?, 0)?;
		x = x.reshape((batch, seq, self.config.hidden_size))?;
		if let Some(table) = &self.positions {
			let rows = Tensor::arange(past as u32, (past + seq) as u32, &self.device)?;
			x = x.broadcast_add(&table.index_select(&rows, 0)?)?;
		}
		for (index, block) in self.blocks.iter().enumerate() {
			let normed = block.attention_norm.forward(&x)?;
			let (q, k, v) = self.query_key_value(block, &normed, past, dropout)?;
			let (k, v) = match cache.as_deref_mut() {
				Some(cache) => cache.extend(index, k, v)?,
				None => (k, v),
			};
			let attended = ops::attention(&q, &k, &v, self.attention_shape())?;
			let attended = attended.reshape((batch, seq, self.config.heads * self.config.head_dim))?;
			x = (x + block.attention_out.forward(&attended, dropout)?)?;
			let normed = block.mlp_norm.forward(&x)?;
			x = (x + self.feed_forward(block, &normed, dropout)?)?;
		}
		if let Some(cache) = cache {
			cache.len += seq;
		}
		self.final_norm.forward(&x)
	}

	fn attention_shape(&self) -> AttentionShape {
		let c = &self.config;
		let scale = 1.0 / (c.head_dim as f32).sqrt();
		AttentionShape {
			heads: c.heads,
			kv_heads: c.kv_heads,
			head_dim: c.head_dim,
			scale,
		}
	}

	/// Query, key and value, each `[batch, seq, heads, head_dim]`, positions applied.
	fn query_key_value(
		&self,
		block: &Block,
		x: &Tensor,
		past: usize,
		dropout: &mut DropoutRng,
	) -> Result<(Tensor, Tensor, Tensor)> {
		let (batch, seq, _) = x.dims3()?;
		let c = &self.config;
		let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
		let parts = match block.qkv.as_slice() {
			[fused] => {
				let all = fused.forward(x, dropout)?;
				let part = |start, len| all.narrow(D::Minus1, start, len)?.contiguous();
				vec![
					part(0, q_width)?,
					part(q_width, kv_width)?,
					part(q_width + kv_width, kv_width)?,
				]
			}
			split => split
				.iter()
				.map(|l| l.forward(x, dropout))
				.collect::<Result<Vec<_>>>()?,
		};
		let mut heads = parts
			.into_iter()
			.zip([c.heads, c.kv_heads, c.kv_heads])
			.map(|(part, n)| Ok(part.reshape((batch, seq, n, c.head_dim))?));
		let mut next = || {
			heads
				.next()
				.unwrap_or_else(|| Err(ModelError::Input("attention needs q, k and v".into())))
		};
		let (q, k, v) = (next()?, next()?, next()?);
		match &self.rotary {
			Some(table) => Ok((ops::rotary(&q, table, past)?, ops::rotary(&k, table, past)?, v)),
			None => Ok((q, k, v)),
		}
	}

	fn feed_forward(&self, block: &Block, x: &Tensor, dropout: &mut DropoutRng) -> Result<Tensor> {
		let up = block.up.forward(x, dropout)?;
		let inner = match (self.config.feed_forward, &block.gate) {
			(FeedForward::SwiGlu, Some(gate)) => ops::swiglu(&gate.forward(x, dropout)?, &up)?,
			_ => ops::gelu_tanh(&up)?,
		};
		block.down.forward(&inner, dropout)
	}

	/// Logits of every position, `[batch, seq, vocab]`.
	pub fn logits(&self, ids: &Tensor, cache: Option<&mut KvCache>) -> Result<Tensor> {
		let hidden = self.hidden(ids, cache, &mut None)?;
		Ok(ops::linear(&hidden, &self.head)?)
	}

	/// Logits of each row's last position, `[batch, vocab]`.
	pub fn last_logits(&self, ids: &Tensor, cache: Option<&mut KvCache>) -> Result<Tensor> {
		let hidden = self.hidden(ids, cache, &mut None)?;
		let last = hidden.narrow(1, hidden.dim(1)? - 1, 1)?.squeeze(1)?;
		Ok(ops::linear(&last, &self.head)?)
	}

	/// Sum of the cross-entropies of `targets`, one per position of `ids` and row after row, [`ops::IGNORE`] for none.
	pub fn loss_sum(&self, ids: &Tensor, targets: Arc<Vec<u32>>, dropout: &mut DropoutRng) -> Result<Tensor> {
		let hidden = self.hidden(ids, None, dropout)?;
		let rows = targets.len();
		let hidden = hidden.reshape((rows, self.config.hidden_size))?;
		Ok(ops::cross_entropy_sum(&hidden, &self.head.tensor, targets)?)
	}

	/// Checks that ids are rows of the embedding.
	pub fn check_ids(&self, ids: &[u32]) -> Result<()> {
		match ids.iter().find(|id| **id as usize >= self.config.vocab_size) {
			Some(id) => Err(ModelError::Input(format!(
				"token id {id} is not below vocab_size {}",
				self.config.vocab_size
			))),
			None => Ok(()),
		}
	}
}
