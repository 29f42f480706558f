//! The same operations composed of candle's: for any device, tested on the CPU against the fused forms and against
//! candle's own gradients.

use super::backward::with_backward;
use super::{Pairs, RotaryAngles, Weight, WeightLayout, IGNORE};
use candle_core::{DType, Device, Result, Tensor, D};
use std::cell::Cell;

pub use super::attention::composed::attention;

thread_local! {
	static EVERYWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Does `work` by the compositions on the CPU too, on this thread: what other devices compute, on a machine that has
/// none.
pub fn everywhere<T>(work: impl FnOnce() -> T) -> T {
	let before = EVERYWHERE.replace(true);
	let result = work();
	EVERYWHERE.set(before);
	result
}

/// Whether operations on a device's tensors take their fused forms.
pub(crate) fn is_fused(device: &Device) -> bool {
	device.is_cpu() && !EVERYWHERE.get()
}

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
	if 2 * half == dim {
		return Ok(turned);
	}
	Tensor::cat(&[&turned, &x.narrow(D::Minus1, 2 * half, dim - 2 * half)?], D::Minus1)
}

/// See [`super::linear`].
pub fn linear(x: &Tensor, weight: &Weight) -> Result<Tensor> {
	let (out, inp) = weight.out_in()?;
	let mut dims = x.dims().to_vec();
	let flat = x.reshape((x.elem_count() / inp, inp))?;
	let y = match weight.matrix.plain().filter(|tensor| tensor.track_op()) {
		Some(tensor) => flat.matmul(&turned(tensor, weight.layout == WeightLayout::OutIn)?)?,
		None => frozen(&flat, weight.without_bias())?,
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

/// `x Wᵀ`, `x [rows, in]`, with a frozen weight, in what the weight is kept in: of bf16 the product rounds the other
/// operand and its result to bf16, and adds up in f32. Weights in four bits are widened for one product, and again in
/// the backward pass.
fn frozen(x: &Tensor, weight: Weight) -> Result<Tensor> {
	let is_out_in = weight.layout == WeightLayout::OutIn;
	let wide = weight.matrix.dense()?;
	let y = x.detach().to_dtype(wide.dtype())?.matmul(&turned(&wide, is_out_in)?)?;
	drop(wide);
	with_backward(&[x], &y, move |grad| {
		let wide = weight.matrix.dense()?;
		let grad = grad.to_dtype(wide.dtype())?.matmul(&turned(&wide, !is_out_in)?)?;
		Ok(vec![grad.to_dtype(DType::F32)?])
	})
}

fn turned(matrix: &Tensor, turn: bool) -> Result<Tensor> {
	match turn {
		true => matrix.t(),
		false => Ok(matrix.clone()),
	}
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

/// See [`super::cross_entropy_sum`]; logits of `held` rows are held at once, and of bf16 a head's product is as that of
/// [`linear`].
pub fn cross_entropy_sum(hidden: &Tensor, head: &Tensor, targets: &[u32], held: usize) -> Result<Tensor> {
	let counted: Vec<u32> = (0..targets.len() as u32)
		.filter(|i| targets[*i as usize] != IGNORE)
		.collect();
	let device = hidden.device();
	let zero = Tensor::zeros((), DType::F32, device)?;
	if counted.is_empty() {
		return Ok(zero);
	}
	let (x, w) = (hidden.detach(), head.detach());
	let (mut sum, mut d_rows, mut d_head) = (zero.clone(), Vec::new(), None::<Tensor>);
	for chunk in counted.chunks(held) {
		let n = chunk.len();
		let wanted: Vec<u32> = chunk.iter().map(|i| targets[*i as usize]).collect();
		let wanted = Tensor::from_vec(wanted, (n, 1), device)?;
		let x = x.index_select(&Tensor::from_slice(chunk, n, device)?, 0)?;
		let x = x.to_dtype(w.dtype())?;
		let logits = x.matmul(&w.t()?)?.to_dtype(DType::F32)?;
		let logits = logits.broadcast_sub(&logits.max_keepdim(1)?)?;
		let at_target = logits.gather(&wanted, 1)?;
		let exponentials = logits.exp()?;
		drop(logits);
		let total = exponentials.sum_keepdim(1)?;
		sum = (sum + (total.log()? - at_target)?.sum_all()?)?;
		if !hidden.track_op() && !head.track_op() {
			continue;
		}
		let minus_one = Tensor::ones((n, 1), DType::F32, device)?.neg()?;
		let d_logits = exponentials
			.broadcast_div(&total)?
			.scatter_add(&wanted, &minus_one, 1)?
			.to_dtype(w.dtype())?;
		drop(exponentials);
		d_rows.push(d_logits.matmul(&w)?.to_dtype(DType::F32)?);
		if head.track_op() {
			let part = d_logits.t()?.matmul(&x)?;
			d_head = Some(match d_head {
				Some(sum) => (sum + part)?,
				None => part,
			});
		}
	}
	if d_rows.is_empty() {
		return Ok(sum);
	}
	let rows = Tensor::new(counted, device)?;
	let d_hidden = x.zeros_like()?.index_add(&rows, &Tensor::cat(&d_rows, 0)?, 0)?;
	let scaled = |gradient: Tensor| move |grad: &Tensor| Ok(vec![gradient.broadcast_mul(grad)?]);
	let loss = with_backward(&[hidden], &sum, scaled(d_hidden))?;
	match d_head {
		// The head's gradient comes by a summand that is 0.
		Some(d_head) => loss + with_backward(&[head], &zero, scaled(d_head))?,
		None => Ok(loss),
	}
}
