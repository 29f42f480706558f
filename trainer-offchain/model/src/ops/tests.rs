//! Every operation in both its forms against what candle derives: values and the gradients of every argument.

mod plain;

use super::attention::composed;
use super::*;
use crate::nf4_tensor::Nf4Tensor;
use candle_core::{DType, Device, Result, Tensor, Var};
use rand::{Rng, SeedableRng};
use std::sync::Arc;

fn random(shape: &[usize], seed: u64) -> Var {
	let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
	let data: Vec<f32> = (0..shape.iter().product())
		.map(|_| rng.random_range(-1.0..1.0))
		.collect();
	Var::from_vec(data, shape, &Device::Cpu).unwrap()
}

fn close(name: &str, found: &Tensor, expected: &Tensor, tolerance: f32) {
	let found = found.flatten_all().unwrap().to_vec1::<f32>().unwrap();
	let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
	assert_eq!(found.len(), expected.len(), "{name}");
	let largest = expected.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
	for (i, (f, e)) in found.iter().zip(&expected).enumerate() {
		assert!((f - e).abs() <= tolerance * largest, "{name}[{i}]: {f}, expected {e}");
	}
}

/// Runs two forms on the same arguments and compares result and gradients, weighted so that no element counts as another.
fn compare_within(
	tolerance: f32,
	arguments: &[&Var],
	found: impl Fn() -> Result<Tensor>,
	expected: impl Fn() -> Result<Tensor>,
) {
	let (found, expected) = (found().unwrap(), expected().unwrap());
	close("value", &found, &expected, tolerance);
	let weights = random(found.dims(), 99).as_detached_tensor();
	let backward = |y: &Tensor| (y * &weights).unwrap().sum_all().unwrap().backward().unwrap();
	let (found, expected) = (backward(&found), backward(&expected));
	for (i, argument) in arguments.iter().enumerate() {
		let (f, e) = (found.get(argument).unwrap(), expected.get(argument).unwrap());
		assert_eq!(f.dims(), e.dims());
		close(&format!("gradient of argument {i}"), f, e, tolerance);
	}
}

fn compare(arguments: &[&Var], found: impl Fn() -> Result<Tensor>, expected: impl Fn() -> Result<Tensor>) {
	compare_within(2e-5, arguments, found, expected);
}

/// Both forms of an operation, fused and composed, against a plain one.
fn compare_both(arguments: &[&Var], form: impl Fn() -> Result<Tensor>, plain: impl Fn() -> Result<Tensor>) {
	compare(arguments, &form, &plain);
	compare(arguments, || reference::everywhere(&form), &plain);
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
			let plain = || plain::attention(&q, &k, &v, shape);
			compare_both(&[&q, &k, &v], || attention(&q, &k, &v, shape), plain);
			// Blocks of 50 rows: two and a rest.
			compare(&[&q, &k, &v], || composed::in_blocks(&q, &k, &v, shape, 50), plain);
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
		compare_both(&[&x], || linear(&x, &frozen), || plain::linear(&x, &frozen));
		let trained = Weight {
			matrix: w.as_tensor().clone().into(),
			layout,
			bias: Some(b.as_tensor().clone()),
		};
		compare_both(&[&x, &w, &b], || linear(&x, &trained), || plain::linear(&x, &trained));
		let trained = Weight { bias: None, ..trained };
		compare_both(&[&x, &w], || linear(&x, &trained), || plain::linear(&x, &trained));

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
	let packed = Arc::new(Nf4::quantise(&values, [70, 33]));
	let weight = |matrix| Weight {
		matrix,
		layout: WeightLayout::OutIn,
		bias: Some(random(&[70], 3).as_detached_tensor()),
	};
	let on_device = |dtype| {
		weight(Matrix::OnDevice(Arc::new(
			Nf4Tensor::new(&packed, &Device::Cpu, dtype).unwrap(),
		)))
	};
	let (f32, bf16) = (on_device(DType::F32), on_device(DType::BF16));
	let weight = weight(Matrix::Nf4(packed.clone()));
	// Two rows and ten: those of a text that is written, and those of a training.
	for rows in [1, 5] {
		let (x, a, b) = (random(&[2, rows, 33], 1), random(&[3, 33], 4), random(&[70, 3], 5));
		let plain = || plain::linear(&x, &weight);
		compare_both(&[&x], || linear(&x, &weight), plain);
		compare(&[&x], || reference::linear(&x, &f32), plain);
		compare_within(2e-2, &[&x], || reference::linear(&x, &bf16), plain);
		compare(
			&[&x, &a, &b],
			|| lora_linear(&x, &weight, &a, &b, 2.0, None),
			|| reference::lora_linear(&x, &f32, &a, &b, 2.0, None),
		);
	}
}

#[test]
fn four_bits_should_be_widened_on_a_device_to_the_same_bits() {
	// Blocks that are whole, and a short one; magnitudes quantised again, in two blocks, and as they are.
	for (shape, nested) in [([288, 64], true), ([7, 11], true), ([288, 64], false)] {
		let values: Vec<f32> = (0..shape[0] * shape[1]).map(|i| (i as f32 * 0.7).sin()).collect();
		let mut packed = Nf4::quantise(&values, shape);
		if !nested {
			let magnitudes = (0..288).map(|i| 0.5 + i as f32).collect();
			packed.magnitudes = crate::nf4::Magnitudes::Plain(magnitudes);
		}
		let mut expected = vec![0f32; packed.len()];
		packed.dequantise(0, &mut expected);
		let placed = Nf4Tensor::new(&packed, &Device::Cpu, DType::BF16).unwrap();
		let wide = placed.wide().unwrap();
		assert_eq!(wide.dims(), shape);
		assert_eq!(wide.flatten_all().unwrap().to_vec1::<f32>().unwrap(), expected);
		assert_eq!(placed.dense().unwrap().dtype(), DType::BF16);
	}
}

#[test]
fn bf16_weights_should_give_nearly_the_same_by_the_composition() {
	for (layout, dims) in [(WeightLayout::OutIn, [48, 64]), (WeightLayout::InOut, [64, 48])] {
		let (x, w) = (random(&[2, 9, 64], 1), random(&dims, 2).as_detached_tensor());
		let weight = |matrix: Tensor| Weight {
			matrix: matrix.into(),
			layout,
			bias: Some(random(&[48], 3).as_detached_tensor()),
		};
		let narrow = weight(w.to_dtype(DType::BF16).unwrap());
		let y = reference::linear(&x, &narrow).unwrap();
		assert_eq!(y.dtype(), DType::F32);
		// Both factors and the product are rounded to eight bits.
		compare_within(
			2e-2,
			&[&x],
			|| reference::linear(&x, &narrow),
			|| plain::linear(&x, &weight(w.clone())),
		);
	}
}

#[test]
fn frozen_weights_should_get_no_gradient() {
	let x = random(&[4, 10], 1);
	for dtype in [DType::F32, DType::BF16] {
		let w = random(&[6, 10], 2).as_detached_tensor().to_dtype(dtype).unwrap();
		let weight = Weight {
			matrix: w.clone().into(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		let check = |form: &str| {
			let y = linear(&x, &weight).unwrap();
			let grads = y.sum_all().unwrap().backward().unwrap();
			assert!(grads.get(&w).is_none() && grads.get(&x).is_some(), "{form}");
			let head = cross_entropy_sum(&x, &w, Arc::new(vec![1, 2, 3, 4])).unwrap();
			let grads = head.backward().unwrap();
			assert!(grads.get(&w).is_none() && grads.get(&x).is_some(), "{form}");
			// The result, its argument and nothing between.
			assert_eq!(grads.get_ids().count(), 1, "{form}");
		};
		check("fused");
		reference::everywhere(|| check("composed"));
	}
}

#[test]
fn loss_should_equal_its_composition_when_rows_are_ignored() {
	let (hidden, head) = (random(&[600, 12], 1), random(&[33, 12], 2));
	let targets: Vec<u32> = (0..600)
		.map(|i| if i % 7 == 3 { IGNORE } else { (i * 5 % 33) as u32 })
		.collect();
	let targets = Arc::new(targets);
	let frozen = head.as_detached_tensor();
	let narrow = head.to_dtype(DType::BF16).unwrap().detach();
	let form = |head: &Tensor| cross_entropy_sum(&hidden, head, targets.clone());
	// Chunks of 100 rows: five and a rest.
	let chunks = |head: &Tensor| reference::cross_entropy_sum(&hidden, head, &targets, 100);
	let plain = |head: &Tensor| plain::cross_entropy_sum(&hidden, head, &targets);
	compare_both(&[&hidden, &head], || form(&head), || plain(&head));
	compare(&[&hidden, &head], || chunks(&head), || plain(&head));
	compare_both(&[&hidden], || form(&frozen), || plain(&frozen));
	compare(&[&hidden], || chunks(&frozen), || plain(&frozen));
	compare_within(2e-2, &[&hidden], || chunks(&narrow), || plain(&frozen));
	assert!(cross_entropy_sum(&hidden, &head, Arc::new(vec![33; 600])).is_err());
}

/// More rows than are held at once, and logits in three pieces, the last of them short.
#[test]
fn loss_should_equal_its_composition_when_its_logits_are_in_pieces() {
	let (rows, vocab) = (600, 20_000);
	assert!(loss_rows(vocab) < rows);
	let (hidden, head) = (random(&[rows, 12], 1), random(&[vocab, 12], 2));
	let targets = Arc::new((0..rows).map(|i| (i * 7919 % vocab) as u32).collect::<Vec<_>>());
	let composed = |head: &Tensor| plain::cross_entropy_sum(&hidden, head, &targets);
	let ours = |head: &Tensor| cross_entropy_sum(&hidden, head, targets.clone());
	compare(&[&hidden, &head], || ours(&head), || composed(&head));
	let frozen = head.as_detached_tensor();
	compare(&[&hidden], || ours(&frozen), || composed(&frozen));
}
