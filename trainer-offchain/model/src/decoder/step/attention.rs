//! Attention of a step.

use super::linear::Mask;
use super::{unknown, Gradients, Pass};
use crate::decoder::attention::{Attention, Direct};
use crate::error::Result;
use crate::linear::DropoutRng;
use crate::ops::attention::{backward, forward, Form, Given, Heads, HeadsMut, Place, Sizes};
use crate::ops::AttentionShape;
use std::ops::Range;

/// What the backward pass needs.
pub(super) struct Saved {
	/// Query, key and value, turned: one matrix, or three.
	qkv: Vec<Vec<f32>>,
	/// The last layer's input, where its own parameters' gradients need it.
	attended: Option<Vec<f32>>,
	/// Of the projection's layers, then of the last one.
	masks: Vec<Mask>,
}

impl Direct {
	/// Where query, key and value lie in the layers' results.
	fn places(&self, shape: &AttentionShape) -> [Place; 3] {
		let (dim, q, kv) = (
			shape.head_dim,
			shape.heads * shape.head_dim,
			shape.kv_heads * shape.head_dim,
		);
		let stride = q + 2 * kv;
		let inside = |offset, pitch| Place {
			stride,
			offset,
			pitch,
			dim,
		};
		match (self.layers.len(), self.per_head) {
			(1, true) => [0, dim, 2 * dim].map(|offset| inside(offset, 3 * dim)),
			(1, false) => [0, q, q + kv].map(|offset| inside(offset, dim)),
			_ => [shape.heads, shape.kv_heads, shape.kv_heads].map(|heads| Place::alone(heads, dim)),
		}
	}
}

/// The three places in some rows of one matrix or three.
fn heads<'a>(qkv: &'a [Vec<f32>], places: [Place; 3], rows: &Range<usize>) -> [Heads<'a>; 3] {
	std::array::from_fn(|i| Heads {
		data: &qkv[i.min(qkv.len() - 1)][within(rows, places[i])],
		place: places[i],
	})
}

fn heads_mut<'a>(qkv: &'a mut [Vec<f32>], places: [Place; 3], rows: &Range<usize>) -> [HeadsMut<'a>; 3] {
	match qkv {
		[q, k, v] => [
			HeadsMut::new(&mut q[within(rows, places[0])], places[0]),
			HeadsMut::new(&mut k[within(rows, places[1])], places[1]),
			HeadsMut::new(&mut v[within(rows, places[2])], places[2]),
		],
		all => HeadsMut::three(&mut all[0][within(rows, places[0])], places),
	}
}

/// The elements of some rows.
fn within(rows: &Range<usize>, place: Place) -> Range<usize> {
	rows.start * place.stride..rows.end * place.stride
}

impl Pass<'_> {
	/// The rows that attend to one another: all, as a batch of texts of one length, or each text's own.
	fn parts(&self, shape: AttentionShape) -> Vec<(Range<usize>, Sizes)> {
		let sizes = |batch, seq| Sizes {
			batch,
			seq,
			total: seq,
			shape,
		};
		if let [one] = self.positions.as_slice() {
			return vec![(0..self.rows, sizes(self.rows / one.len(), one.len()))];
		}
		let mut end = 0;
		let mut part = |text: &Range<usize>| {
			let start = end;
			end += text.len();
			(start..end, sizes(1, text.len()))
		};
		self.positions.iter().map(&mut part).collect()
	}

	fn form(&self) -> Form {
		Form {
			path: self.path,
			bf16: self.pairs,
		}
	}

	/// Turns query and key by their positions, or back.
	fn turn(&self, qkv: &mut [Vec<f32>], places: [Place; 3], shape: &AttentionShape, direction: f32) {
		let Some(angles) = &self.angles else { return };
		let last = qkv.len() - 1;
		angles.turn(&mut qkv[0], places[0], shape.heads, direction);
		angles.turn(&mut qkv[last.min(1)], places[1], shape.kv_heads, direction);
	}

	/// `residual` and what attention makes of `x`.
	pub fn attention(
		&self,
		attention: &Attention,
		x: &[f32],
		residual: &[f32],
		dropout: &mut DropoutRng,
	) -> Result<(Vec<f32>, Saved)> {
		let direct = attention.direct().ok_or_else(unknown)?;
		let (shape, places) = (attention.shape, direct.places(&attention.shape));
		let mut masks = Vec::new();
		let input = self.input(x);
		let layers = direct.layers.iter();
		let mut qkv = layers
			.map(|l| self.linear(l, &input, None, dropout, &mut masks))
			.collect::<Result<Vec<_>>>()?;
		drop(input);
		self.turn(&mut qkv, places, &shape, 1.0);
		let out = Place::alone(shape.heads, shape.value_dim);
		let mut attended = vec![0f32; self.rows * out.stride];
		for (rows, sizes) in self.parts(shape) {
			let into = HeadsMut::new(&mut attended[within(&rows, out)], out);
			forward(into, heads(&qkv, places, &rows), sizes, self.form());
		}
		let input = self.input(&attended);
		let y = self.linear(&attention.out, &input, Some(residual), dropout, &mut masks)?;
		drop(input);
		let attended = attention.out.wants_input().then_some(attended);
		Ok((y, Saved { qkv, attended, masks }))
	}

	/// The gradient of `x`, made again by `input` where it is needed, if it is `wanted`; `grad` is that of the result.
	pub fn attention_backward(
		&self,
		attention: &Attention,
		input: impl FnOnce() -> Result<Vec<f32>>,
		saved: Saved,
		grad: &[f32],
		wanted: bool,
		gradients: &mut Gradients,
	) -> Result<Vec<f32>> {
		let direct = attention.direct().ok_or_else(unknown)?;
		let (shape, places) = (attention.shape, direct.places(&attention.shape));
		let Saved { qkv, attended, masks } = saved;
		let layers = &direct.layers;
		let (masks, for_out) = masks.split_at(layers.len());
		let d_attended = self.linears_backward(
			&[(&attention.out, grad, &for_out[0])],
			attended.as_deref(),
			true,
			gradients,
		)?;
		drop(attended);
		let mut d_qkv: Vec<Vec<f32>> = qkv.iter().map(|part| vec![0f32; part.len()]).collect();
		let place = Place::alone(shape.heads, shape.value_dim);
		for (rows, sizes) in self.parts(shape) {
			let [q, k, v] = heads(&qkv, places, &rows);
			let of = |data| Heads { data, place };
			let given = Given {
				q,
				k,
				v,
				grad: of(&d_attended[within(&rows, place)]),
			};
			backward(heads_mut(&mut d_qkv, places, &rows), given, sizes, self.form());
		}
		drop((d_attended, qkv));
		self.turn(&mut d_qkv, places, &shape, -1.0);
		let grads = layers.iter().zip(&d_qkv).zip(masks);
		let branches: Vec<_> = grads.map(|((l, grad), mask)| (l, grad.as_slice(), mask)).collect();
		let x = match layers.iter().any(|l| l.wants_input()) {
			true => Some(input()?),
			false => None,
		};
		self.linears_backward(&branches, x.as_deref(), wanted, gradients)
	}
}
