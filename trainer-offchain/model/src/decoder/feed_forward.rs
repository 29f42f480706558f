//! Feed-forward part of one block.

use super::build::Builder;
use super::experts::Experts;
use crate::error::Result;
use crate::family::MlpNames;
use crate::linear::{Around, Linear};
use crate::ops;
use candle_core::{Tensor, D};

/// One for all tokens, or experts.
///
/// In a model with experts no adapter wraps a feed-forward part, dense or not: PEFT takes these layers' names for those of
/// the experts, which transformers keeps in one tensor.
#[derive(Clone)]
pub(super) enum FeedForward {
	Dense(Mlp),
	/// One for all tokens in a model that has experts elsewhere.
	DenseAmongExperts(Mlp),
	Experts(Experts),
}

impl FeedForward {
	pub fn build(builder: &mut Builder, block: usize) -> Result<Self> {
		let config = builder.config;
		Ok(match (config.experts, &config.family.names.experts) {
			(Some(settings), Some(names)) if block >= settings.first_block => {
				Self::Experts(Experts::build(builder, block, settings, names)?)
			}
			(Some(_), _) => Self::DenseAmongExperts(Mlp::build(builder, block, "mlp", config.intermediate_size)?),
			(None, _) => Self::Dense(Mlp::build(builder, block, "mlp", config.intermediate_size)?),
		})
	}

	/// The one for all tokens, in a model without experts.
	pub fn dense(&self) -> Option<&Mlp> {
		match self {
			Self::Dense(mlp) => Some(mlp),
			Self::DenseAmongExperts(_) | Self::Experts(_) => None,
		}
	}

	/// The layers that adapters can wrap.
	pub fn linears(&self) -> Vec<&Linear> {
		match self {
			Self::Dense(mlp) => mlp.linears(),
			Self::DenseAmongExperts(_) | Self::Experts(_) => Vec::new(),
		}
	}

	pub fn linears_mut(&mut self) -> Vec<&mut Linear> {
		match self {
			Self::Dense(mlp) => mlp.linears_mut(),
			Self::DenseAmongExperts(_) | Self::Experts(_) => Vec::new(),
		}
	}

	/// `x [batch, seq, hidden]` to the same.
	pub fn forward(&self, x: &Tensor, around: &mut Around<'_>) -> Result<Tensor> {
		match self {
			Self::Dense(mlp) | Self::DenseAmongExperts(mlp) => mlp.forward(x, around),
			Self::Experts(experts) => experts.forward(x, around),
		}
	}
}

/// Up, activation, down.
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
	/// The part called `module` in its block, `wide` inside.
	pub fn build(builder: &mut Builder, block: usize, module: &str, wide: usize) -> Result<Self> {
		let config = builder.config;
		let (hidden, bias) = (config.hidden_size, config.mlp_bias);
		let path = |builder: &Builder, name: &str| builder.path(block, &format!("{module}.{name}"));
		let mut layer = |name: &str, out: usize| {
			let (path, init) = (path(builder, name), builder.usual(hidden));
			builder.linear(path, out, hidden, bias, init)
		};
		let (inner, down) = match config.family.names.mlp {
			MlpNames::Gated { gate, up, down } => (Inner::Gated([layer(gate, wide)?, layer(up, wide)?]), down),
			MlpNames::Joined { gate_up, down } => (Inner::Joined(layer(gate_up, 2 * wide)?), down),
			MlpNames::Gelu { up, down } => (Inner::Gelu(layer(up, wide)?), down),
		};
		let (path, init) = (path(builder, down), builder.residual(wide));
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

	/// Whether the base weights are trained.
	pub fn trained(&self) -> bool {
		self.down.weight.trainable()
	}

	/// `x [.., hidden]` to the same.
	pub fn forward(&self, x: &Tensor, around: &mut Around<'_>) -> Result<Tensor> {
		let inner = match &self.inner {
			Inner::Gated([gate, up]) => {
				// Up before gate: the order in which dropout's masks are drawn.
				let up = up.forward(x, around)?;
				ops::swiglu(&gate.forward(x, around)?, &up)?
			}
			Inner::Joined(both) => {
				let both = both.forward(x, around)?;
				let half = both.dim(D::Minus1)? / 2;
				let part = |start| both.narrow(D::Minus1, start, half);
				ops::swiglu(&part(0)?, &part(half)?)?
			}
			Inner::Gelu(up) => ops::gelu_tanh(&up.forward(x, around)?)?,
		};
		self.down.forward(&inner, around)
	}
}
