//! Every fused operation against its composition: values and the gradients of every argument.

use super::*;
use candle_core::{Device, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use std::sync::Arc;

fn random(shape: &[usize], seed: u64) -> Var {
	let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
	let data: Vec<f32> = (0..shape.iter().product())
		.map(|_| rng.random_range(-1.0..1.0))
		.collect();
	Var::from_vec(data, shape, &Device::Cpu).unwrap()
}

fn close(name: &str, fused: &Tensor, composed: &Tensor) {
	let fused = fused.flatten_all().unwrap().to_vec1::<f32>().unwrap();
	let composed = composed.flatten_all().unwrap().to_vec1::<f32>().unwrap();
	assert_eq!(fused.len(), composed.len(), "{name}");
	let largest = composed.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
	for (i, (f, c)) in fused.iter().zip(&composed).enumerate() {
		assert!((f - c).abs() <= 2e-5 * largest, "{name}[{i}]: fused {f}, composed {c}");
	}
}

/// Runs both forms on the same arguments and compares result and gradients, weighted so that no element counts as another.
fn compare(arguments: &[&Var], fused: impl Fn() -> Result<Tensor>, composed: impl Fn() -> Result<Tensor>) {
	let (fused, composed) = (fused().unwrap(), composed().unwrap());
	close("value", &fused, &composed);
	let weights = random(fused.dims(), 99).as_detached_tensor();
	let backward = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
	let (fused, composed) = (backward(&fused), backward(&composed));
	for (i, argument) in arguments.iter().enumerate() {
		let (f, c) = (fused.get(argument).unwrap(), composed.get(argument).unwrap());
		assert_eq!(f.dims(), c.dims());
		close(&format!("gradient of argument {i}"), f, c);
	}
}

#[test]
fn activations_should_equal_their_compositions() {
	let (gate, up) = (random(&[3, 700, 9], 1), random(&[3, 700, 9], 2));
	compare(&[&gate, &up], || swiglu(&gate, &up), || reference::swiglu(&gate, &up));
	compare(&[&gate], || gelu_tanh(&gate), || gate.gelu());
}

#[test]
fn norms_should_equal_their_compositions() {
	let (x, w, b) = (random(&[2, 5, 24], 1), random(&[24], 2), random(&[24], 3));
	compare(
		&[&x, &w],
		|| rms_norm(&x, &w, 1e-5),
		|| reference::rms_norm(&x, &w, 1e-5),
	);
	compare(
		&[&x, &w, &b],
		|| layer_norm(&x, &w, &b, 1e-5),
		|| reference::layer_norm(&x, &w, &b, 1e-5),
	);
}

#[test]
fn rotary_should_equal_its_composition_in_both_pairings_when_not_at_the_start() {
	let x = random(&[2, 5, 3, 10], 1);
	for pairs in [Pairs::Halves, Pairs::Neighbours] {
		let table = RotaryTable {
			frequencies: vec![1.0, 0.3, 0.1, 0.03],
			factor: 1.2,
			pairs,
		};
		let angles = table.angles(std::slice::from_ref(&(4..9)));
		compare(&[&x], || rotary(&x, &angles), || reference::rotary(&x, &angles));
		assert!(rotary(&x, &table.angles(std::slice::from_ref(&(4..10)))).is_err());
		// Position 7 of the head's first pair, by hand.
		let turned = rotary(&x, &angles).unwrap();
		let at = |t: &Tensor, i: usize| t.get(0).unwrap().get(3).unwrap().get(0).unwrap().get(i).unwrap();
		let (first, second) = (
			at(&x, 0).to_scalar::<f32>().unwrap(),
			at(&x, if pairs == Pairs::Halves { 4 } else { 1 })
				.to_scalar::<f32>()
				.unwrap(),
		);
		let expected = 1.2 * (first * 7f32.cos() - second * 7f32.sin());
		assert!((at(&turned, 0).to_scalar::<f32>().unwrap() - expected).abs() < 1e-5);
		assert_eq!(
			at(&turned, 9).to_scalar::<f32>().unwrap(),
			at(&x, 9).to_scalar::<f32>().unwrap()
		);
	}
}

const SHAPE: AttentionShape = AttentionShape {
	heads: 4,
	kv_heads: 2,
	head_dim: 8,
	value_dim: 8,
	scale: 0.4,
	window: None,
	alibi: false,
};

#[test]
fn attention_should_equal_its_composition_when_grouped_and_longer_than_a_block() {
	for shape in [
		SHAPE,
		AttentionShape {
			window: Some(2),
			..SHAPE
		},
		AttentionShape {
			window: Some(70),
			..SHAPE
		},
		AttentionShape { alibi: true, ..SHAPE },
		AttentionShape {
			value_dim: 5,
			window: Some(9),
			alibi: true,
			..SHAPE
		},
	] {
		let (k, v) = (random(&[2, 131, 2, 8], 2), random(&[2, 131, 2, shape.value_dim], 3));
		for seq in [131, 3] {
			let q = random(&[2, seq, 4, 8], 1);
			compare(
				&[&q, &k, &v],
				|| attention(&q, &k, &v, shape),
				|| reference::attention(&q, &k, &v, shape),
			);
		}
	}
}

/// Result and gradients of attention over `[2, 131, ..]`, by one form of products.
fn attention_by(form: attention::Form, shape: AttentionShape) -> Vec<Vec<f32>> {
	use attention::{backward, forward, Given, Heads, HeadsMut, Place, Sizes};
	let places = [
		Place::alone(shape.heads, shape.head_dim),
		Place::alone(shape.kv_heads, shape.head_dim),
		Place::alone(shape.kv_heads, shape.value_dim),
		Place::alone(shape.heads, shape.value_dim),
	];
	let data: Vec<Vec<f32>> = places
		.iter()
		.enumerate()
		.map(|(i, place)| random(&[2 * 131 * place.stride], i as u64).to_vec1().unwrap())
		.collect();
	let sizes = Sizes {
		batch: 2,
		seq: 131,
		total: 131,
		shape,
	};
	let of = |i: usize, data| Heads { data, place: places[i] };
	let [q, k, v] = [0, 1, 2].map(|i| of(i, &data[i]));
	let mut out = vec![0f32; data[3].len()];
	forward(HeadsMut::new(&mut out, places[3]), [q, k, v], sizes, form);
	let mut grads = [0, 1, 2].map(|i: usize| vec![0f32; data[i].len()]);
	let [d_q, d_k, d_v] = &mut grads;
	let into = [
		HeadsMut::new(d_q, places[0]),
		HeadsMut::new(d_k, places[1]),
		HeadsMut::new(d_v, places[2]),
	];
	let given = Given {
		q,
		k,
		v,
		grad: of(3, &data[3]),
	};
	backward(into, given, sizes, form);
	grads.into_iter().chain([out]).collect()
}

#[test]
fn attention_should_be_the_same_by_every_form_of_products() {
	use crate::kernels::Path;
	for (window, alibi, value_dim) in [(None, false, 8), (Some(40), true, 35)] {
		let shape = AttentionShape {
			window,
			alibi,
			value_dim,
			..SHAPE
		};
		let form = |path, bf16| attention::Form { path, bf16 };
		let expected = attention_by(form(Path::Portable, false), shape);
		for (path, bf16) in Path::available_for_weights() {
			let tolerance = if bf16 && path.has_pairs() { 2e-2 } else { 1e-5 };
			for (found, expected) in attention_by(form(path, bf16), shape).iter().zip(&expected) {
				let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
				let worst = found.iter().zip(expected).fold(0f32, |m, (f, e)| m.max((f - e).abs()));
				assert!(
					worst < tolerance * largest,
					"{path:?} {bf16} {shape:?}: {worst} of {largest}"
				);
			}
		}
	}
}

#[test]
fn attention_should_see_its_window_only() {
	let (q, k) = (random(&[1, 6, 4, 8], 1), random(&[1, 6, 2, 8], 2));
	let v: Vec<f32> = (0..6 * 2 * 8).map(|i| (i / 16) as f32).collect();
	let v = Tensor::from_vec(v, (1, 6, 2, 8), &Device::Cpu).unwrap();
	let shape = AttentionShape {
		window: Some(2),
		..SHAPE
	};
	let out = attention(&q, &k, &v, shape).unwrap();
	let out = out.reshape((6, 32)).unwrap().to_vec2::<f32>().unwrap();
	// The values name their position: row i mixes i - 1 and i.
	for (i, row) in out.iter().enumerate() {
		assert!(
			row.iter().all(|x| *x <= i as f32 && *x >= i as f32 - 1.0),
			"{i}: {row:?}"
		);
	}
	let shape = AttentionShape {
		window: Some(0),
		..SHAPE
	};
	assert!(attention(&q, &k, &v, shape).is_err());
}

#[test]
fn alibi_slopes_should_be_those_of_bloom() {
	let slopes = |n: usize| (0..n).map(|h| alibi_slope(h, n)).collect::<Vec<_>>();
	assert_eq!(slopes(4), [0.25, 0.0625, 0.015_625, 0.003_906_25]);
	// Of six heads, four as above and two of those for eight.
	assert_eq!(slopes(6), [0.25, 0.0625, 0.015_625, 0.003_906_25, 0.5, 0.125]);
}

#[test]
fn linear_should_equal_its_composition_in_both_layouts() {
	for (layout, dims) in [(WeightLayout::OutIn, [6, 10]), (WeightLayout::InOut, [10, 6])] {
		let (x, w, b) = (random(&[2, 5, 10], 1), random(&dims, 2), random(&[6], 3));
		let frozen = Weight {
			matrix: w.as_detached_tensor().into(),
			layout,
			bias: Some(b.as_detached_tensor()),
		};
		compare(&[&x], || linear(&x, &frozen), || reference::linear(&x, &frozen));
		let trained = Weight {
			matrix: w.as_tensor().clone().into(),
			layout,
			bias: Some(b.as_tensor().clone()),
		};
		compare(
			&[&x, &w, &b],
			|| linear(&x, &trained),
			|| reference::linear(&x, &trained),
		);
		let trained = Weight { bias: None, ..trained };
		compare(&[&x, &w], || linear(&x, &trained), || reference::linear(&x, &trained));

		let (a, b) = (random(&[3, 10], 4), random(&[6, 3], 5));
		let mask: Vec<f32> = (0..100).map(|i| if i % 3 == 0 { 0.0 } else { 1.5 }).collect();
		compare(
			&[&x, &a, &b],
			|| lora_linear(&x, &frozen, &a, &b, 2.0, None),
			|| reference::lora_linear(&x, &frozen, &a, &b, 2.0, None),
		);
		compare(
			&[&x, &a, &b],
			|| lora_linear(&x, &frozen, &a, &b, 0.5, Some(Arc::new(mask.clone()))),
			|| reference::lora_linear(&x, &frozen, &a, &b, 0.5, Some(&mask)),
		);
	}
}

#[test]
fn linear_in_four_bits_should_equal_its_composition() {
	let values: Vec<f32> = (0..70 * 33).map(|i| (i as f32 * 0.7).sin()).collect();
	let weight = Weight {
		matrix: Matrix::Nf4(Arc::new(Nf4::quantise(&values, [70, 33]))),
		layout: WeightLayout::OutIn,
		bias: Some(random(&[70], 3).as_detached_tensor()),
	};
	// Two rows and ten: those of a text that is written, and those of a training.
	for rows in [1, 5] {
		let (x, a, b) = (random(&[2, rows, 33], 1), random(&[3, 33], 4), random(&[70, 3], 5));
		compare(&[&x], || linear(&x, &weight), || reference::linear(&x, &weight));
		compare(
			&[&x, &a, &b],
			|| lora_linear(&x, &weight, &a, &b, 2.0, None),
			|| reference::lora_linear(&x, &weight, &a, &b, 2.0, None),
		);
	}
}

#[test]
fn frozen_weights_should_get_no_gradient() {
	let x = random(&[4, 10], 1);
	let w = random(&[6, 10], 2).as_detached_tensor();
	let weight = Weight {
		matrix: w.clone().into(),
		layout: WeightLayout::OutIn,
		bias: None,
	};
	let grads = linear(&x, &weight).unwrap().sum_all().unwrap().backward().unwrap();
	assert!(grads.get(&w).is_none() && grads.get(&x).is_some());
}

#[test]
fn loss_should_equal_its_composition_when_rows_are_ignored() {
	let (hidden, head) = (random(&[600, 12], 1), random(&[33, 12], 2));
	let targets: Vec<u32> = (0..600)
		.map(|i| if i % 7 == 3 { IGNORE } else { (i * 5 % 33) as u32 })
		.collect();
	let targets = Arc::new(targets);
	compare(
		&[&hidden, &head],
		|| cross_entropy_sum(&hidden, &head, targets.clone()),
		|| reference::cross_entropy_sum(&hidden, &head, &targets),
	);
	let frozen = head.as_detached_tensor();
	compare(
		&[&hidden],
		|| cross_entropy_sum(&hidden, &frozen, targets.clone()),
		|| reference::cross_entropy_sum(&hidden, &frozen, &targets),
	);
	assert!(cross_entropy_sum(&hidden, &head, Arc::new(vec![33; 600])).is_err());
}
