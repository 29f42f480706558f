//! The same operations composed of candle's differentiable ones: slower, on any device, and what the fused forms are
//! tested against.

use super::{AttentionShape, Matrix, Pairs, RotaryAngles, Weight, WeightLayout, IGNORE};
use candle_core::{Device, Result, Tensor, D};

/// See [`super::swiglu`].
pub fn swiglu(gate: &Tensor, up: &Tensor) -> Result<Tensor> {
	gate.silu()? * up
}

/// See [`super::rms_norm`].
pub fn rms_norm(x: &Tensor, weight: &Tensor, eps: f32) -> Result<Tensor> {
	let variance = x.sqr()?.mean_keepdim(D::Minus1)?;
	x.broadcast_div(&(variance + f64::from(eps))?.sqrt()?)?
		.broadcast_mul(weight)
}

/// See [`super::layer_norm`].
pub fn layer_norm(x: &Tensor, weight: &Tensor, bias: &Tensor, eps: f32) -> Result<Tensor> {
	let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
	let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
	let hat = centred.broadcast_div(&(variance + f64::from(eps))?.sqrt()?)?;
	hat.broadcast_mul(weight)?.broadcast_add(bias)
}

/// See [`super::rotary`].
pub fn rotary(x: &Tensor, angles: &RotaryAngles) -> Result<Tensor> {
	let (batch, seq, heads, dim) = x.dims4()?;
	let (cos, sin) = angles.tensors(x.device())?;
	let half = cos.dim(D::Minus1)?;
	let turned = x.narrow(D::Minus1, 0, 2 * half)?;
	// A pair's two elements lie along this dimension.
	let (shape, pair) = match angles.pairs() {
		Pairs::Halves => ([batch, seq, heads, 2, half], 3),
		Pairs::Neighbours => ([batch, seq, heads, half, 2], 4),
	};
	let turned = turned.contiguous()?.reshape(&shape)?;
	let (first, second) = (turned.narrow(pair, 0, 1)?, turned.narrow(pair, 1, 1)?);
	let table = |t: Tensor| t.reshape((1, seq, 1, half))?.unsqueeze(pair);
	let (cos, sin) = (table(cos)?, table(sin)?);
	let turned_first = (first.broadcast_mul(&cos)? - second.broadcast_mul(&sin)?)?;
	let turned_second = (second.broadcast_mul(&cos)? + first.broadcast_mul(&sin)?)?;
	let turned = Tensor::cat(&[&turned_first, &turned_second], pair)?.reshape((batch, seq, heads, 2 * half))?;
	Tensor::cat(&[&turned, &x.narrow(D::Minus1, 2 * half, dim - 2 * half)?], D::Minus1)
}

/// See [`super::linear`].
pub fn linear(x: &Tensor, weight: &Weight) -> Result<Tensor> {
	let (out, inp) = weight.out_in()?;
	let mut dims = x.dims().to_vec();
	let rows = x.elem_count() / inp;
	let flat = x.reshape((rows, inp))?;
	let wide = match &weight.matrix {
		Matrix::Plain(tensor) => tensor.clone(),
		Matrix::Nf4(packed) => {
			let mut wide = vec![0f32; packed.len()];
			packed.widen(0, &mut wide);
			Tensor::from_vec(wide, (out, inp), x.device())?
		}
	};
	let y = match weight.layout {
		WeightLayout::OutIn => flat.matmul(&wide.t()?)?,
		WeightLayout::InOut => flat.matmul(&wide)?,
	};
	let y = match &weight.bias {
		Some(bias) => y.broadcast_add(bias)?,
		None => y,
	};
	if let Some(last) = dims.last_mut() {
		*last = out;
	}
	y.reshape(dims)
}

/// See [`super::lora_linear`].
pub fn lora_linear(
	x: &Tensor,
	weight: &Weight,
	a: &Tensor,
	b: &Tensor,
	scale: f32,
	mask: Option<&[f32]>,
) -> Result<Tensor> {
	let base = linear(x, weight)?;
	let dropped = match mask {
		Some(mask) => (x * Tensor::from_slice(mask, x.shape(), x.device())?)?,
		None => x.clone(),
	};
	let (rows, inp) = (x.elem_count() / a.dim(1)?, a.dim(1)?);
	let low = dropped.reshape((rows, inp))?.matmul(&a.t()?)?.matmul(&b.t()?)?;
	base + (low.reshape(base_dims(x, b)?)? * f64::from(scale))?
}

fn base_dims(x: &Tensor, b: &Tensor) -> Result<Vec<usize>> {
	let mut dims = x.dims().to_vec();
	if let Some(last) = dims.last_mut() {
		*last = b.dim(0)?;
	}
	Ok(dims)
}

/// What is added to the scores, `[heads or 1, seq, total]`: -inf where a key may not be seen, elsewhere 0 or ALiBi's share.
fn causal_mask(shape: AttentionShape, seq: usize, total: usize, device: &Device) -> Result<Tensor> {
	let heads = if shape.alibi { shape.heads } else { 1 };
	let mut mask = Vec::with_capacity(heads * seq * total);
	for head in 0..heads {
		for position in total - seq..total {
			mask.extend((0..total).map(|key| {
				if key < shape.first_key(position) || key > position {
					f32::NEG_INFINITY
				} else {
					-shape.slope(head) * (position - key) as f32
				}
			}));
		}
	}
	Tensor::from_vec(mask, (heads, seq, total), device)
}

/// See [`super::attention`].
pub fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape) -> Result<Tensor> {
	let (batch, seq, heads, _) = q.dims4()?;
	let (_, total, kv_heads, _) = k.dims4()?;
	let group = heads / kv_heads;
	let repeat = |x: &Tensor| -> Result<Tensor> {
		let dim = x.dim(D::Minus1)?;
		let x = x
			.transpose(1, 2)?
			.unsqueeze(2)?
			.broadcast_as((batch, kv_heads, group, total, dim))?;
		x.contiguous()?.reshape((batch, heads, total, dim))
	};
	let q = q.transpose(1, 2)?.contiguous()?;
	let scores = (q.matmul(&repeat(k)?.t()?)? * f64::from(shape.scale))?;
	let scores = scores.broadcast_add(&causal_mask(shape, seq, total, q.device())?)?;
	let probabilities = candle_nn::ops::softmax(&scores, D::Minus1)?;
	probabilities.matmul(&repeat(v)?)?.transpose(1, 2)?.contiguous()
}

/// See [`super::cross_entropy_sum`].
pub fn cross_entropy_sum(hidden: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Tensor> {
	let counted: Vec<u32> = (0..targets.len() as u32)
		.filter(|i| targets[*i as usize] != IGNORE)
		.collect();
	let n = counted.len();
	if n == 0 {
		return Tensor::zeros((), hidden.dtype(), hidden.device());
	}
	let wanted: Vec<u32> = counted.iter().map(|i| targets[*i as usize]).collect();
	let rows = hidden.index_select(&Tensor::from_vec(counted, n, hidden.device())?, 0)?;
	let log_probabilities = candle_nn::ops::log_softmax(&rows.matmul(&head.t()?)?, D::Minus1)?;
	let wanted = Tensor::from_vec(wanted, (n, 1), hidden.device())?;
	log_probabilities.gather(&wanted, 1)?.sum_all()?.neg()
}
