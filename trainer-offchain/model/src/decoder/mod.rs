//! The decoder: embedding, blocks of attention and feed-forward, norm, head. One for all families, for training and for
//! serving; its cache is an argument.

mod attention;
mod batch;
mod build;
mod cache;
mod experts;
mod feed_forward;
mod graph;
mod latent;
mod step;

pub use batch::Segment;
pub use cache::KvCache;
pub use step::{Activations, Gradients, StepInput};

use crate::checkpoint::Checkpoint;
use crate::config::{DecoderConfig, Positions, Quantisation, RawConfig};
use crate::error::{ModelError, Result};
use crate::kernels::matvec::MOST_ROWS;
use crate::linear::{Around, DropoutRng, Linear};
use crate::nf4::{self, Nf4};
use crate::ops::{self, RotaryAngles, Weight, WeightLayout};
use crate::source::{FromCheckpoint, FromSeed, Init, TensorSource};
use attention::Attention;
use build::{Builder, Norm};
use cache::Text;
use candle_core::{DType, Device, Tensor};
use feed_forward::FeedForward;
use std::collections::HashSet;
use std::ops::Range;
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
	/// Those of them that are in four bits, frozen.
	pub quantised: Vec<(String, Arc<Nf4>)>,
	embedding: Tensor,
	embedding_norm: Option<Norm>,
	positions: Option<Tensor>,
	blocks: Vec<Block>,
	final_norm: Norm,
	/// `[vocab, hidden]`.
	head: Tensor,
}

#[derive(Clone)]
struct Block {
	attention_norm: Norm,
	attention: Attention,
	mlp_norm: Norm,
	feed_forward: FeedForward,
}

impl Block {
	fn build(builder: &mut Builder, index: usize) -> Result<Self> {
		let names = &builder.config.family.names;
		let (attention_norm, mlp_norm) = (
			builder.path(index, names.attention_norm),
			builder.path(index, names.mlp_norm),
		);
		Ok(Self {
			attention_norm: builder.norm(&attention_norm)?,
			attention: Attention::build(builder, index)?,
			mlp_norm: builder.norm(&mlp_norm)?,
			feed_forward: FeedForward::build(builder, index)?,
		})
	}
}

impl Decoder {
	/// Reads a Hugging Face folder; `trainable` makes every base tensor a variable.
	pub fn load(dir: &Path, device: &Device, trainable: bool) -> Result<Self> {
		Self::load_as(dir, device, trainable, DType::F32)
	}

	/// The same with weights kept as `matrices`, f32 or, frozen, bf16: half the memory, and products round what they
	/// multiply with to bf16 where the processor multiplies bf16, and on other devices always.
	pub fn load_as(dir: &Path, device: &Device, trainable: bool, matrices: DType) -> Result<Self> {
		Self::load_with(dir, device, trainable, matrices, false)
	}

	/// Reads it frozen, other matrices than those of linear layers as `matrices`; with `nf4` the weights of all linear layers
	/// but the head are in four bits ([`Nf4`]): what of them is not so in the file is quantised.
	pub fn load_frozen(dir: &Path, device: &Device, matrices: DType, nf4: bool) -> Result<Self> {
		Self::load_with(dir, device, false, matrices, nf4)
	}

	fn load_with(dir: &Path, device: &Device, trainable: bool, matrices: DType, quantise: bool) -> Result<Self> {
		if matrices != DType::F32 && (trainable || matrices != DType::BF16) {
			let as_str = matrices.as_str();
			return Err(ModelError::Input(format!(
				"weights can be kept in f32, or in bf16 where they are frozen, not in {as_str}"
			)));
		}
		let raw = RawConfig::read(dir)?;
		let checkpoint = Checkpoint::open(dir)?.with_fp8_block(match raw.quantisation()? {
			Some(Quantisation::Fp8(block)) => Some(block),
			_ => None,
		});
		let mut source = FromCheckpoint {
			checkpoint: &checkpoint,
			device,
			matrices,
			quantise,
		};
		let decoder = Self::build(raw, &mut source, device, trainable)?;
		decoder.refuse_unread(&checkpoint)?;
		let is_mixed = !decoder.quantised.is_empty() && decoder.linears().any(|l| l.weight.matrix.plain().is_some());
		if is_mixed && matrices != DType::F32 {
			let reason = "a model some of whose layers are in four bits, and some not, is read in f32 only";
			return Err(ModelError::Input(reason.into()));
		}
		Ok(decoder)
	}

	/// Refuses a tensor that no part of the decoder took, unless the model computes the same without it: a bias that the
	/// configuration does not speak of must not be left out silently.
	fn refuse_unread(&self, checkpoint: &Checkpoint) -> Result<()> {
		let names = &self.config.family.names;
		let quantised: HashSet<&str> = self.quantised.iter().map(|(name, _)| name.as_str()).collect();
		let plain = self.parameters.iter().map(|(name, _)| name.as_str());
		let read: HashSet<&str> = plain.chain(quantised.iter().copied()).collect();
		let blocks = format!("{}{}.", names.base, names.blocks);
		// DeepSeek V3 keeps the blocks that predict further tokens after its own.
		let further = |name: &str| {
			let number = name
				.strip_prefix(&blocks)
				.and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
			self.config.experts.is_some() && number.is_some_and(|n| n >= self.config.layers)
		};
		let without_effect = |name: &str| {
			// Tables and masks that are computed, a tied head, scales of weights that were read.
			name.ends_with("rotary_emb.inv_freq")
				|| name.ends_with("rotary_pos_emb.inv_freq")
				|| name.ends_with(".attn.bias")
				|| name.ends_with(".attn.masked_bias")
				|| (self.config.tied && name.strip_suffix(".weight") == Some(names.head))
				|| name
					.strip_suffix("_scale_inv")
					.is_some_and(|weight| read.contains(weight))
				|| nf4::of_part(name).is_some_and(|weight| quantised.contains(weight))
		};
		let mut all = checkpoint.names().into_iter();
		match all.find(|name| !read.contains(name) && !further(name) && !without_effect(name)) {
			Some(name) => Err(checkpoint.unused(name)),
			None => Ok(()),
		}
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
			quantised: Vec::new(),
		};
		let table = |name: &str| format!("{}{name}.weight", names.base);
		let vocab_shape = [config.vocab_size, config.hidden_size];
		let embedding = builder.tensor(&table(names.embedding), &vocab_shape, Init::Normal(0.02))?;
		let embedding_norm = match names.embedding_norm {
			Some(name) => Some(builder.norm(&format!("{}{name}", names.base))?),
			None => None,
		};
		let positions = match names.positions {
			Some(name) => Some(builder.tensor(
				&table(name),
				&[config.max_positions, config.hidden_size],
				Init::Normal(0.02),
			)?),
			None => None,
		};
		let blocks = (0..config.layers)
			.map(|i| Block::build(&mut builder, i))
			.collect::<Result<Vec<_>>>()?;
		let final_norm = builder.norm(&format!("{}{}", names.base, names.final_norm))?;
		let head = if config.tied {
			embedding.clone()
		} else {
			builder.tensor(&format!("{}.weight", names.head), &vocab_shape, Init::Normal(0.02))?
		};
		Ok(Self {
			parameters: builder.parameters,
			quantised: builder.quantised,
			head,
			raw_config: raw,
			device: device.clone(),
			embedding,
			embedding_norm,
			positions,
			blocks,
			final_norm,
			config,
		})
	}

	/// Linear layers that adapters can wrap, block after block.
	pub fn linears(&self) -> impl Iterator<Item = &Linear> {
		let blocks = self.blocks.iter();
		blocks
			.flat_map(|b| [b.attention.linears(), b.feed_forward.linears()])
			.flatten()
	}

	/// The same, to wrap them.
	pub fn linears_mut(&mut self) -> impl Iterator<Item = &mut Linear> {
		let blocks = self.blocks.iter_mut();
		blocks
			.flat_map(|b| [b.attention.linears_mut(), b.feed_forward.linears_mut()])
			.flatten()
	}

	/// Number of base parameters, a tied head counted once.
	pub fn parameter_count(&self) -> usize {
		let plain: usize = self.parameters.iter().map(|(_, t)| t.elem_count()).sum();
		plain + self.quantised.iter().map(|(_, packed)| packed.len()).sum::<usize>()
	}

	/// Bytes of the base's weights.
	pub fn weight_bytes(&self) -> usize {
		let bytes = |t: &Tensor| t.elem_count() * t.dtype().size_in_bytes();
		let plain: usize = self.parameters.iter().map(|(_, t)| bytes(t)).sum();
		plain + self.quantised.iter().map(|(_, packed)| packed.bytes()).sum::<usize>()
	}

	/// The output layer's logits.
	fn through_head(&self, hidden: &Tensor) -> Result<Tensor> {
		let weight = Weight {
			matrix: self.head.clone().into(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		Ok(ops::linear(hidden, &weight)?)
	}

	/// The residual stream after the last norm, `[batch, seq, hidden]`, of `ids [batch, seq]` (u32).
	///
	/// With a cache, `ids` continue what the cache holds. Rows may be padded on the right; without a cache that changes
	/// nothing before the padding.
	pub fn hidden(&self, ids: &Tensor, cache: Option<&mut KvCache>, dropout: &mut DropoutRng) -> Result<Tensor> {
		let (_, seq) = ids.dims2()?;
		let past = cache.as_ref().map_or(0, |cache| cache.len);
		let mut texts: Vec<_> = cache
			.into_iter()
			.map(|cache| Text {
				len: seq,
				cache: Some(cache),
			})
			.collect();
		let positions = past..past + seq;
		self.pass(ids, &[positions], &mut texts, &mut Around::Own(dropout.as_mut()))
	}

	/// The same for a batch whose columns are at `positions`, one range for each of the texts where there are any.
	fn pass(
		&self,
		ids: &Tensor,
		positions: &[Range<usize>],
		texts: &mut [Text<'_>],
		around: &mut Around<'_>,
	) -> Result<Tensor> {
		if ops::reference::is_fused(&self.device) && ids.elem_count() <= MOST_ROWS {
			// Of a few tokens each product is so short that handing it to sleeping threads would take as long again.
			return rayon::scope(|_| self.through_blocks(ids, positions, texts, around));
		}
		self.through_blocks(ids, positions, texts, around)
	}

	fn through_blocks(
		&self,
		ids: &Tensor,
		positions: &[Range<usize>],
		texts: &mut [Text<'_>],
		around: &mut Around<'_>,
	) -> Result<Tensor> {
		let mut x = self.embed(ids, positions)?;
		let angles = self.angles(positions);
		for index in 0..self.blocks.len() {
			x = self.through_block(index, &x, angles.as_ref(), texts, around)?;
		}
		for text in texts {
			if let Some(cache) = &mut text.cache {
				cache.len += text.len;
			}
		}
		self.final_norm.forward(&x)
	}

	/// The stream before the first block, `[batch, seq, hidden]`.
	fn embed(&self, ids: &Tensor, positions: &[Range<usize>]) -> Result<Tensor> {
		let most = self.config.max_positions;
		if let Some(range) = positions.iter().find(|range| range.end > most) {
			let end = range.end;
			return Err(ModelError::Input(format!(
				"{end} positions are more than the {most} that the model has"
			)));
		}
		let x = self.embedding.index_select(&ids.flatten_all()?, 0)?;
		let shape = (ids.dim(0)?, ids.dim(1)?, self.config.hidden_size);
		let mut x = x.to_dtype(DType::F32)?.reshape(shape)?;
		if let Some(table) = &self.positions {
			let rows: Vec<u32> = positions.iter().cloned().flatten().map(|at| at as u32).collect();
			let rows = Tensor::new(rows, &self.device)?;
			x = x.broadcast_add(&table.index_select(&rows, 0)?.to_dtype(DType::F32)?)?;
		}
		match &self.embedding_norm {
			Some(norm) => norm.forward(&x),
			None => Ok(x),
		}
	}

	fn angles(&self, positions: &[Range<usize>]) -> Option<RotaryAngles> {
		match &self.config.positions {
			Positions::Rotary(table) => Some(table.angles(positions)),
			Positions::Learned | Positions::Alibi => None,
		}
	}

	fn through_block(
		&self,
		index: usize,
		x: &Tensor,
		angles: Option<&RotaryAngles>,
		texts: &mut [Text<'_>],
		around: &mut Around<'_>,
	) -> Result<Tensor> {
		let block = &self.blocks[index];
		let normed = block.attention_norm.forward(x)?;
		let x = (x + block.attention.forward(&normed, angles, texts, index, around)?)?;
		let normed = block.mlp_norm.forward(&x)?;
		let y = block.feed_forward.forward(&normed, around)?;
		Ok((x + y)?)
	}

	/// Logits of every position, `[batch, seq, vocab]`.
	pub fn logits(&self, ids: &Tensor, cache: Option<&mut KvCache>) -> Result<Tensor> {
		self.through_head(&self.hidden(ids, cache, &mut None)?)
	}

	/// Logits of each row's last position, `[batch, vocab]`.
	pub fn last_logits(&self, ids: &Tensor, cache: Option<&mut KvCache>) -> Result<Tensor> {
		let hidden = self.hidden(ids, cache, &mut None)?;
		self.through_head(&hidden.narrow(1, hidden.dim(1)? - 1, 1)?.squeeze(1)?)
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
