//! Operations as plainly as candle writes them, with the gradients that it derives: what the others are tested against.

use super::*;
use candle_core::D;

pub(super) fn linear(x: &Tensor, weight: &Weight) -> Result<Tensor> {
	let (out, inp) = weight.out_in()?;
	let mut dims = x.dims().to_vec();
	let rows = x.elem_count() / inp;
	let flat = x.reshape((rows, inp))?;
	let wide = match &weight.matrix {
		Matrix::Plain(tensor) => tensor.to_dtype(DType::F32)?,
		Matrix::Nf4(packed) => {
			let mut wide = vec![0f32; packed.len()];
			packed.widen(0, &mut wide);
			Tensor::from_vec(wide, (out, inp), x.device())?
		}
		Matrix::OnDevice(_) => panic!("to compare with what the CPU widens"),
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

pub(super) fn attention(q: &Tensor, k: &Tensor, v: &Tensor, shape: AttentionShape) -> Result<Tensor> {
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

pub(super) fn cross_entropy_sum(hidden: &Tensor, head: &Tensor, targets: &[u32]) -> Result<Tensor> {
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
