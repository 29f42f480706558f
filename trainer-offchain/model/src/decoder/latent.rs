//! Multi-head latent attention: the keys and values of all heads come from one narrow vector, and the part of a key that
//! carries the position is shared by all heads.

use super::build::{Builder, Norm};
use crate::config::{LatentSizes, NormKind};
use crate::error::Result;
use crate::family::LatentNames;
use crate::linear::{Around, Linear};
use crate::ops::{self, AttentionShape, RotaryAngles};
use candle_core::{Tensor, D};

/// Of the norms between: transformers leaves them at its default, whatever `rms_norm_eps` says.
const EPS: f32 = 1e-6;

#[derive(Clone)]
pub(super) struct Latent {
	sizes: LatentSizes,
	query: Query,
	kv_a: Linear,
	kv_norm: Norm,
	kv_b: Linear,
}

#[derive(Clone)]
enum Query {
	Full(Linear),
	Ranked { down: Linear, norm: Norm, up: Linear },
}

impl Latent {
	pub fn build(builder: &mut Builder, block: usize, sizes: LatentSizes, names: &LatentNames) -> Result<Self> {
		let config = builder.config;
		let (hidden, bias) = (config.hidden_size, config.qkv_bias);
		let q_width = config.heads * config.head_dim;
		let kv_width = config.heads * (config.head_dim - sizes.rope_dim + config.value_dim);
		let linear = |builder: &mut Builder, name: &str, out: usize, inp: usize, bias: bool| {
			let (path, init) = (builder.path(block, name), builder.usual(inp));
			builder.linear(path, out, inp, bias, init)
		};
		let norm = |builder: &mut Builder, name: &str, width: usize| {
			let path = builder.path(block, name);
			builder.norm_of(&path, width, NormKind::Rms, EPS)
		};
		let query = match sizes.q_rank {
			None => Query::Full(linear(builder, names.q, q_width, hidden, false)?),
			Some(rank) => Query::Ranked {
				down: linear(builder, names.q_a, rank, hidden, bias)?,
				norm: norm(builder, names.q_a_norm, rank)?,
				up: linear(builder, names.q_b, q_width, rank, false)?,
			},
		};
		Ok(Self {
			sizes,
			query,
			kv_a: linear(builder, names.kv_a, sizes.kv_rank + sizes.rope_dim, hidden, bias)?,
			kv_norm: norm(builder, names.kv_a_norm, sizes.kv_rank)?,
			kv_b: linear(builder, names.kv_b, kv_width, sizes.kv_rank, false)?,
		})
	}

	pub fn linears(&self) -> Vec<&Linear> {
		let query = match &self.query {
			Query::Full(q) => vec![q],
			Query::Ranked { down, up, .. } => vec![down, up],
		};
		query.into_iter().chain([&self.kv_a, &self.kv_b]).collect()
	}

	pub fn linears_mut(&mut self) -> Vec<&mut Linear> {
		let query = match &mut self.query {
			Query::Full(q) => vec![q],
			Query::Ranked { down, up, .. } => vec![down, up],
		};
		query.into_iter().chain([&mut self.kv_a, &mut self.kv_b]).collect()
	}

	/// Query, key `[batch, seq, heads, head_dim]` and value `[batch, seq, heads, value_dim]`, positions applied.
	pub fn forward(
		&self,
		x: &Tensor,
		shape: &AttentionShape,
		angles: Option<&RotaryAngles>,
		around: &mut Around<'_>,
	) -> Result<(Tensor, Tensor, Tensor)> {
		let (batch, seq, _) = x.dims3()?;
		let (heads, turned) = (shape.heads, self.sizes.rope_dim);
		let kept = shape.head_dim - turned;
		let part = |x: &Tensor, start, len| x.narrow(D::Minus1, start, len)?.contiguous();
		let turn = |x: &Tensor| match angles {
			Some(angles) => ops::rotary(x, angles),
			None => Ok(x.clone()),
		};
		let q = match &self.query {
			Query::Full(q) => q.forward(x, around)?,
			Query::Ranked { down, norm, up } => up.forward(&norm.forward(&down.forward(x, around)?)?, around)?,
		};
		let q = q.reshape((batch, seq, heads, shape.head_dim))?;
		let q = Tensor::cat(&[part(&q, 0, kept)?, turn(&part(&q, kept, turned)?)?], D::Minus1)?;

		let down = self.kv_a.forward(x, around)?;
		let shared = part(&down, self.sizes.kv_rank, turned)?.reshape((batch, seq, 1, turned))?;
		let shared = turn(&shared)?.broadcast_as((batch, seq, heads, turned))?.contiguous()?;
		let latent = self.kv_norm.forward(&part(&down, 0, self.sizes.kv_rank)?)?;
		let up = self.kv_b.forward(&latent, around)?;
		let up = up.reshape((batch, seq, heads, kept + shape.value_dim))?;
		let k = Tensor::cat(&[part(&up, 0, kept)?, shared], D::Minus1)?;
		Ok((q, k, part(&up, kept, shape.value_dim)?))
	}
}
