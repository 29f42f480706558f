//! Attention of one block: from the stream to queries, keys and values, and back.

use super::build::{Builder, Norm};
use super::cache::Text;
use super::latent::Latent;
use crate::config::{NormKind, Positions};
use crate::error::{ModelError, Result};
use crate::family::QkvNames;
use crate::linear::{Around, Linear};
use crate::ops::{self, AttentionShape, RotaryAngles};
use candle_core::{Tensor, D};

#[derive(Clone)]
pub(super) struct Attention {
	projection: Projection,
	pub out: Linear,
	pub shape: AttentionShape,
}

/// From the stream to queries, keys and values.
#[derive(Clone)]
pub(super) enum Projection {
	Direct(Direct),
	Latent(Box<Latent>),
}

/// Three layers or one.
#[derive(Clone)]
pub(super) struct Direct {
	pub layers: Vec<Linear>,
	/// Whether the one layer's output is query, key and value of the first head, then of the second.
	pub per_head: bool,
	/// Of the heads of queries and of keys.
	pub norms: Option<[Norm; 2]>,
}

impl Attention {
	pub fn build(builder: &mut Builder, block: usize) -> Result<Self> {
		let config = builder.config;
		let names = &config.family.names;
		let shape = AttentionShape {
			heads: config.heads,
			kv_heads: config.kv_heads,
			head_dim: config.head_dim,
			value_dim: config.value_dim,
			scale: config.score_scale,
			window: config.windows[block],
			alibi: config.positions == Positions::Alibi,
		};
		let projection = match (config.latent, &names.qkv) {
			(Some(sizes), QkvNames::Latent(names)) => {
				Projection::Latent(Box::new(Latent::build(builder, block, sizes, names)?))
			}
			(_, names) => Projection::Direct(Direct::build(builder, block, names)?),
		};
		let (path, inp) = (
			builder.path(block, names.attention_out),
			config.heads * config.value_dim,
		);
		let init = builder.residual(inp);
		Ok(Self {
			projection,
			out: builder.linear(path, config.hidden_size, inp, config.attention_out_bias, init)?,
			shape,
		})
	}

	pub fn linears(&self) -> Vec<&Linear> {
		let layers = match &self.projection {
			Projection::Direct(direct) => direct.layers.iter().collect(),
			Projection::Latent(latent) => latent.linears(),
		};
		layers.into_iter().chain([&self.out]).collect()
	}

	pub fn linears_mut(&mut self) -> Vec<&mut Linear> {
		let layers = match &mut self.projection {
			Projection::Direct(direct) => direct.layers.iter_mut().collect(),
			Projection::Latent(latent) => latent.linears_mut(),
		};
		layers.into_iter().chain([&mut self.out]).collect()
	}

	/// Its layers, unless its keys come from one narrow vector.
	pub fn direct(&self) -> Option<&Direct> {
		match &self.projection {
			Projection::Direct(direct) => Some(direct),
			Projection::Latent(_) => None,
		}
	}

	/// `x [batch, seq, hidden]` to the same. Without `texts` each row of the batch is a text; with them its one row is theirs, one
	/// after the other, and each sees itself alone, after its own past in `block` of its
	/// cache, if it has one.
	pub fn forward(
		&self,
		x: &Tensor,
		angles: Option<&RotaryAngles>,
		texts: &mut [Text<'_>],
		block: usize,
		around: &mut Around<'_>,
	) -> Result<Tensor> {
		let (batch, seq, _) = x.dims3()?;
		let (q, k, v) = match &self.projection {
			Projection::Direct(direct) => direct.forward(x, &self.shape, angles, around)?,
			Projection::Latent(latent) => latent.forward(x, &self.shape, angles, around)?,
		};
		let attended = match texts {
			[] => ops::attention(&q, &k, &v, self.shape)?,
			texts => {
				let (mut parts, mut start) = (Vec::with_capacity(texts.len()), 0);
				for text in texts {
					let part = |x: &Tensor| x.narrow(1, start, text.len)?.contiguous();
					let (k, v) = match &mut text.cache {
						Some(cache) => cache.extend(block, part(&k)?, part(&v)?)?,
						None => (part(&k)?, part(&v)?),
					};
					parts.push(ops::attention(&part(&q)?, &k, &v, self.shape)?);
					start += text.len;
				}
				Tensor::cat(&parts, 1)?
			}
		};
		let attended = attended.reshape((batch, seq, self.shape.heads * self.shape.value_dim))?;
		self.out.forward(&attended, around)
	}
}

impl Direct {
	fn build(builder: &mut Builder, block: usize, qkv: &QkvNames) -> Result<Self> {
		let config = builder.config;
		let (hidden, bias) = (config.hidden_size, config.qkv_bias);
		let (q_width, kv_width) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
		let mut layer = |name: &str, out: usize| {
			let (path, init) = (builder.path(block, name), builder.usual(hidden));
			builder.linear(path, out, hidden, bias, init)
		};
		let layers = match qkv {
			QkvNames::Split([q, k, v]) => vec![layer(q, q_width)?, layer(k, kv_width)?, layer(v, kv_width)?],
			QkvNames::Joined(name) | QkvNames::PerHead(name) => vec![layer(name, q_width + 2 * kv_width)?],
			QkvNames::Latent(_) => return Err(ModelError::Input("latent attention needs its sizes".into())),
		};
		let norms = match config.family.names.qk_norms {
			Some(names) => {
				let mut norm = |name: &str| {
					let path = builder.path(block, name);
					builder.norm_of(&path, config.head_dim, NormKind::Rms, config.norm_eps)
				};
				Some([norm(names[0])?, norm(names[1])?])
			}
			None => None,
		};
		Ok(Self {
			layers,
			per_head: matches!(qkv, QkvNames::PerHead(_)),
			norms,
		})
	}

	/// Query, key and value, each `[batch, seq, heads, head_dim]`, positions applied.
	fn forward(
		&self,
		x: &Tensor,
		shape: &AttentionShape,
		angles: Option<&RotaryAngles>,
		around: &mut Around<'_>,
	) -> Result<(Tensor, Tensor, Tensor)> {
		let (batch, seq, _) = x.dims3()?;
		let dim = shape.head_dim;
		let heads = |part: &Tensor, n: usize| part.reshape((batch, seq, n, dim));
		let (mut q, mut k, v) = match self.layers.as_slice() {
			[q, k, v] => (
				heads(&q.forward(x, around)?, shape.heads)?,
				heads(&k.forward(x, around)?, shape.kv_heads)?,
				heads(&v.forward(x, around)?, shape.kv_heads)?,
			),
			[all] if self.per_head => {
				let all = all.forward(x, around)?.reshape((batch, seq, shape.heads, 3, dim))?;
				let part = |i| all.narrow(3, i, 1)?.squeeze(3)?.contiguous();
				(part(0)?, part(1)?, part(2)?)
			}
			[all] => {
				let all = all.forward(x, around)?;
				let (q_width, kv_width) = (shape.heads * dim, shape.kv_heads * dim);
				let part = |start, len| all.narrow(D::Minus1, start, len)?.contiguous();
				(
					heads(&part(0, q_width)?, shape.heads)?,
					heads(&part(q_width, kv_width)?, shape.kv_heads)?,
					heads(&part(q_width + kv_width, kv_width)?, shape.kv_heads)?,
				)
			}
			_ => return Err(ModelError::Input("attention needs q, k and v".into())),
		};
		if let Some([q_norm, k_norm]) = &self.norms {
			(q, k) = (q_norm.forward(&q)?, k_norm.forward(&k)?);
		}
		if let Some(angles) = angles {
			(q, k) = (ops::rotary(&q, angles)?, ops::rotary(&k, angles)?);
		}
		Ok((q, k, v))
	}
}
