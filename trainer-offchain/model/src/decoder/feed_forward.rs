//! Feed-forward part of one block.

use super::build::Builder;
use crate::error::Result;
use crate::family::MlpNames;
use crate::linear::{DropoutRng, Linear};
use crate::ops;
use candle_core::{Tensor, D};

#[derive(Clone)]
pub(super) struct Mlp {
	pub inner: Inner,
	pub down: Linear,
}

/// What comes before the last layer; see [`MlpNames`].
#[derive(Clone)]
pub(super) enum Inner {
	/// Gate and up.
	Gated([Linear; 2]),
	Joined(Linear),
	Gelu(Linear),
}

impl Mlp {
	pub fn build(builder: &mut Builder, block: usize) -> Result<Self> {
		let config = builder.config;
		let (hidden, wide, bias) = (config.hidden_size, config.intermediate_size, config.mlp_bias);
		let mut layer = |name: &str, out: usize| {
			let (path, init) = (builder.path(block, name), builder.usual(hidden));
			builder.linear(path, out, hidden, bias, init)
		};
		let (inner, down) = match config.family.names.mlp {
			MlpNames::Gated { gate, up, down } => (Inner::Gated([layer(gate, wide)?, layer(up, wide)?]), down),
			MlpNames::Joined { gate_up, down } => (Inner::Joined(layer(gate_up, 2 * wide)?), down),
			MlpNames::Gelu { up, down } => (Inner::Gelu(layer(up, wide)?), down),
		};
		let (path, init) = (builder.path(block, down), builder.residual(wide));
		let down = builder.linear(path, hidden, wide, bias, init)?;
		Ok(Self { inner, down })
	}

	pub fn linears(&self) -> Vec<&Linear> {
		let inner: &[Linear] = match &self.inner {
			Inner::Gated(both) => both,
			Inner::Joined(one) | Inner::Gelu(one) => std::slice::from_ref(one),
		};
		inner.iter().chain([&self.down]).collect()
	}

	pub fn linears_mut(&mut self) -> Vec<&mut Linear> {
		let inner: &mut [Linear] = match &mut self.inner {
			Inner::Gated(both) => both,
			Inner::Joined(one) | Inner::Gelu(one) => std::slice::from_mut(one),
		};
		inner.iter_mut().chain([&mut self.down]).collect()
	}

	/// `x [.., hidden]` to the same.
	pub fn forward(&self, x: &Tensor, dropout: &mut DropoutRng) -> Result<Tensor> {
		let inner = match &self.inner {
			Inner::Gated([gate, up]) => {
				// Up before gate: the order in which dropout's masks are drawn.
				let up = up.forward(x, dropout)?;
				ops::swiglu(&gate.forward(x, dropout)?, &up)?
			}
			Inner::Joined(both) => {
				let both = both.forward(x, dropout)?;
				let half = both.dim(D::Minus1)? / 2;
				let part = |start| both.narrow(D::Minus1, start, half);
				ops::swiglu(&part(0)?, &part(half)?)?
			}
			Inner::Gelu(up) => ops::gelu_tanh(&up.forward(x, dropout)?)?,
		};
		self.down.forward(&inner, dropout)
	}
}
