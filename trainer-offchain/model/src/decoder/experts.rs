//! A mixture of experts: a router sends every token through a few of many feed-forward parts.

use super::build::Builder;
use super::feed_forward::Mlp;
use crate::config::{ExpertSettings, Scoring};
use crate::error::Result;
use crate::family::ExpertNames;
use crate::linear::Around;
use crate::ops::{self, Weight, WeightLayout};
use crate::source::Init;
use candle_core::{DType, Tensor, D};

/// Keeps the weights of a token's experts finite when all are 0.
const TINY: f64 = 1e-20;

#[derive(Clone)]
pub(super) struct Experts {
	settings: ExpertSettings,
	router: Weight,
	/// Added to the scores when experts are chosen, `[count]`; balanced while the model was trained, fixed since.
	correction: Option<Tensor>,
	experts: Vec<Mlp>,
	/// What every token takes besides.
	shared: Option<Mlp>,
}

impl Experts {
	pub fn build(builder: &mut Builder, block: usize, settings: ExpertSettings, names: &ExpertNames) -> Result<Self> {
		let hidden = builder.config.hidden_size;
		let (path, init) = (builder.path(block, names.router), builder.usual(hidden));
		let router = Weight {
			// Wide even where weights are kept in bf16: products in bf16 would send tokens to other experts.
			matrix: builder
				.tensor(&format!("{path}.weight"), &[settings.count, hidden], init)?
				.to_dtype(DType::F32)?
				.into(),
			layout: WeightLayout::OutIn,
			bias: None,
		};
		let correction = match settings.scoring {
			Scoring::Softmax => None,
			Scoring::Sigmoid => {
				let path = builder.path(block, names.correction);
				Some(builder.fixed(&path, &[settings.count], Init::Zeros)?)
			}
		};
		let experts = (0..settings.count)
			.map(|expert| Mlp::build(builder, block, &format!("{}.{expert}", names.list), settings.width))
			.collect::<Result<_>>()?;
		let shared = match settings.shared {
			Some(count) => Some(Mlp::build(builder, block, names.shared, count * settings.width)?),
			None => None,
		};
		Ok(Self {
			settings,
			router,
			correction,
			experts,
			shared,
		})
	}

	/// `x [batch, seq, hidden]` to the same.
	pub fn forward(&self, x: &Tensor, around: &mut Around<'_>) -> Result<Tensor> {
		let (_, _, hidden) = x.dims3()?;
		let tokens = x.reshape(((), hidden))?;
		let (chosen, weights) = self.route(&tokens)?;
		let per_token = self.settings.chosen;
		let mut out = tokens.zeros_like()?;
		for (expert, mlp) in self.experts.iter().enumerate() {
			// Places in `chosen` and `weights` that are this expert's.
			let places: Vec<u32> = (0..chosen.len() as u32)
				.filter(|i| chosen[*i as usize] as usize == expert)
				.collect();
			// Trained, an expert without tokens still gets a gradient, of zeros: the optimiser goes on with its moments,
			// as it does for transformers, which keeps all experts in one tensor.
			// A card computes nothing of no rows: there its moments stay.
			if places.is_empty() && !(mlp.trained() && x.device().is_cpu()) {
				continue;
			}
			let rows: Vec<u32> = places.iter().map(|i| i / per_token as u32).collect();
			let count = rows.len();
			let rows = Tensor::from_vec(rows, count, x.device())?;
			let places = Tensor::from_vec(places, count, x.device())?;
			let y = mlp.forward(&tokens.index_select(&rows, 0)?, &mut Around::default())?;
			let y = y.broadcast_mul(&weights.index_select(&places, 0)?.unsqueeze(1)?)?;
			out = out.index_add(&rows, &y, 0)?;
		}
		let out = out.reshape(x.shape())?;
		match &self.shared {
			Some(shared) => Ok((out + shared.forward(x, around)?)?),
			None => Ok(out),
		}
	}

	/// The experts that each of `tokens [n, hidden]` takes and their weights, both token after token, `n · chosen` long.
	/// The choice has no gradient, the weights have.
	fn route(&self, tokens: &Tensor) -> Result<(Vec<u32>, Tensor)> {
		let s = &self.settings;
		let logits = ops::linear(tokens, &self.router)?;
		let scores = match s.scoring {
			Scoring::Softmax => candle_nn::ops::softmax(&logits, D::Minus1)?,
			Scoring::Sigmoid => candle_nn::ops::sigmoid(&logits)?,
		};
		let for_choice = match &self.correction {
			Some(correction) => scores.detach().broadcast_add(correction)?,
			None => scores.detach(),
		};
		let for_choice = for_choice.to_vec2::<f32>()?;
		let chosen: Vec<u32> = for_choice.iter().flat_map(|row| choose(row, s)).collect();
		let n = for_choice.len();
		let indices = Tensor::from_slice(&chosen, (n, s.chosen), tokens.device())?;
		let mut weights = scores.gather(&indices, 1)?;
		if s.normalised {
			weights = weights.broadcast_div(&(weights.sum_keepdim(1)? + TINY)?)?;
		}
		Ok((chosen, (weights.flatten_all()? * s.factor)?))
	}
}

/// The experts of one token: the best of the best groups, those of equal score in their order.
fn choose(scores: &[f32], s: &ExpertSettings) -> Vec<u32> {
	let size = s.count / s.groups;
	let best_first = |items: &mut Vec<(u32, f32)>| items.sort_by(|a, b| b.1.total_cmp(&a.1));
	let numbered = |scores: &[f32], from: usize| -> Vec<(u32, f32)> {
		let number = |(i, score): (usize, &f32)| ((from + i) as u32, *score);
		scores.iter().enumerate().map(number).collect()
	};
	let counted = match s.scoring {
		Scoring::Softmax => 1,
		Scoring::Sigmoid => 2,
	};
	let group_score = |group: &[f32]| {
		let mut members = numbered(group, 0);
		best_first(&mut members);
		members.iter().take(counted).map(|(_, score)| score).sum::<f32>()
	};
	let mut groups = numbered(&scores.chunks(size).map(group_score).collect::<Vec<_>>(), 0);
	best_first(&mut groups);
	groups.truncate(s.chosen_groups);
	// In their order again, so that equal scores are taken as without groups.
	groups.sort_by_key(|(group, _)| *group);
	let mut candidates: Vec<(u32, f32)> = groups
		.iter()
		.flat_map(|(group, _)| {
			let from = *group as usize * size;
			numbered(&scores[from..from + size], from)
		})
		.collect();
	best_first(&mut candidates);
	candidates.truncate(s.chosen);
	candidates.into_iter().map(|(expert, _)| expert).collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::config::{DecoderConfig, RawConfig};
	use crate::source::{FromSeed, TensorSource};
	use candle_core::{Device, Var};
	use serde_json::json;
	use std::path::Path;

	fn settings(scoring: Scoring) -> ExpertSettings {
		ExpertSettings {
			first_block: 0,
			count: 6,
			chosen: 2,
			groups: 3,
			chosen_groups: 2,
			width: 4,
			shared: None,
			scoring,
			normalised: false,
			factor: 1.0,
		}
	}

	#[test]
	fn experts_should_be_the_best_of_the_best_groups() {
		let scores = [0.5, 0.0, 0.4, 0.35, 0.3, 0.45];
		// Best of a group: 0.5, 0.4, 0.45: the first and the last.
		assert_eq!(choose(&scores, &settings(Scoring::Softmax)), [0, 5]);
		// Two best together: 0.5, 0.75, 0.75: the last two.
		assert_eq!(choose(&scores, &settings(Scoring::Sigmoid)), [5, 2]);
		let all = ExpertSettings {
			groups: 1,
			chosen_groups: 1,
			chosen: 3,
			..settings(Scoring::Softmax)
		};
		assert_eq!(choose(&scores, &all), [0, 5, 2]);
		assert_eq!(choose(&[0.1; 6], &all), [0, 1, 2]);
	}

	/// The sum of an output, weighted so that no element counts as another.
	fn weighted(experts: &Experts, x: &Tensor) -> Tensor {
		let y = experts.forward(x, &mut Around::default()).unwrap();
		let weights: Vec<f32> = (0..y.elem_count()).map(|i| (i as f32 * 0.7).sin()).collect();
		let weights = Tensor::from_vec(weights, y.shape(), &Device::Cpu).unwrap();
		(y * weights).unwrap().sum_all().unwrap()
	}

	/// Central differences of `value` over each element of `variable`, against `gradient`.
	fn assert_gradient(name: &str, variable: &Var, gradient: &Tensor, value: &dyn Fn() -> f32) {
		let start = variable.as_detached_tensor().copy().unwrap();
		let gradient = gradient.flatten_all().unwrap().to_vec1::<f32>().unwrap();
		let largest = gradient.iter().fold(0f32, |m, g| m.max(g.abs()));
		assert!(largest > 1e-3, "{name}: no gradient");
		let step = 2e-3;
		for (i, g) in gradient.iter().enumerate() {
			let moved = |by: f32| {
				let mut values = start.flatten_all().unwrap().to_vec1::<f32>().unwrap();
				values[i] += by;
				let moved = Tensor::from_vec(values, start.shape(), &Device::Cpu).unwrap();
				variable.set(&moved).unwrap();
				value()
			};
			let difference = (moved(step) - moved(-step)) / (2.0 * step);
			assert!(
				(difference - g).abs() < 2e-3 * largest.max(1.0),
				"{name}[{i}]: {g}, differences give {difference}"
			);
		}
		variable.set(&start).unwrap();
	}

	#[test]
	fn gradients_should_equal_finite_differences() {
		let raw = RawConfig::new(
			Path::new("m"),
			json!({"model_type": "deepseek_v3", "vocab_size": 10, "hidden_size": 5, "intermediate_size": 4,
				"moe_intermediate_size": 4, "num_hidden_layers": 1, "num_attention_heads": 2, "n_routed_experts": 6,
				"num_experts_per_tok": 2, "n_group": 3, "topk_group": 2, "n_shared_experts": 1, "first_k_dense_replace": 0,
				"kv_lora_rank": 4, "q_lora_rank": 4, "qk_rope_head_dim": 2, "qk_nope_head_dim": 2, "v_head_dim": 3}),
		);
		let config = DecoderConfig::from_raw(&raw).unwrap();
		for (scoring, normalised) in [(Scoring::Softmax, false), (Scoring::Sigmoid, true)] {
			let mut source = FromSeed::new(7, &Device::Cpu);
			let mut builder = Builder {
				config: &config,
				source: &mut source,
				trainable: true,
				parameters: Vec::new(),
				quantised: Vec::new(),
			};
			let settings = ExpertSettings {
				shared: Some(1),
				factor: 1.5,
				normalised,
				..settings(scoring)
			};
			let Some(names) = &config.family.names.experts else {
				panic!("no experts")
			};
			let experts = Experts::build(&mut builder, 0, settings, names).unwrap();
			let mut source = FromSeed::new(8, &Device::Cpu);
			let input = source.tensor("x", &[1, 7, 5], Init::Normal(1.0)).unwrap();
			let x = Var::from_tensor(&input).unwrap();
			let grads = weighted(&experts, &x).backward().unwrap();
			let value = || weighted(&experts, &x).to_scalar::<f32>().unwrap();
			let weight = experts.router.matrix.plain().unwrap();
			let router = Var::from_tensor(weight).unwrap();
			assert_gradient("input", &x, grads.get(&x).unwrap(), &value);
			assert_gradient("router", &router, grads.get(weight).unwrap(), &value);
			if let Some(correction) = &experts.correction {
				assert!(grads.get(correction).is_none());
			}
			// One token takes two experts: the other four have a gradient too, of zeros.
			let grads = weighted(&experts, &x.narrow(1, 0, 1).unwrap()).backward().unwrap();
			let of = |mlp: &Mlp| {
				let grad = grads.get(mlp.linears()[0].weight.matrix.plain().unwrap()).unwrap();
				grad.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap()
			};
			assert_eq!(experts.experts.iter().filter(|e| of(e) == 0.0).count(), 4);
		}
	}
}
