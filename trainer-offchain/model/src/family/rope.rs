//! Rotary settings of config.json. transformers 5 keeps them under `rope_parameters`; older files have `rope_theta` and
//! `rope_scaling`.

use crate::config::RawConfig;
use crate::error::Result;
use crate::ops::{Pairs, RotaryTable};
use std::f64::consts::PI;

/// What the settings amount to.
pub struct Rope {
	/// How heads are turned.
	pub table: RotaryTable,
	/// Positions that the scaling reaches, where that is more than `max_position_embeddings`.
	pub max_positions: usize,
	/// DeepSeek's correction of attention's scores for long contexts, 1 without.
	pub score_factor: f64,
}

/// Reads them for heads of which `width` elements are turned.
pub fn read(raw: &RawConfig, width: usize, pairs: Pairs, max_positions: usize) -> Result<Rope> {
	if !width.is_multiple_of(2) {
		return Err(raw.error("head_dim", format!("{width} is odd: rotary positions need pairs")));
	}
	let section = raw.section("rope_scaling").or_else(|| raw.section("rope_parameters"));
	let section = section.unwrap_or_else(|| RawConfig::new(raw.path(), serde_json::json!({})));
	let theta = raw.number_or("rope_theta", 10_000.0)?;
	let theta = section.number_or("rope_theta", theta)?;
	for part in [raw, &section] {
		part.only_number("partial_rotary_factor", 1.0)?;
	}
	let mut rope = Rope {
		table: RotaryTable {
			frequencies: frequencies(theta, width),
			factor: 1.0,
			pairs,
		},
		max_positions,
		score_factor: 1.0,
	};
	let original = match raw.number_or_none("original_max_position_embeddings")? {
		Some(original) => original,
		None => section.number_or("original_max_position_embeddings", max_positions as f64)?,
	};
	let kind = section.text("rope_type")?;
	// Older files say `type`; some say both.
	let kind = kind.or(section.text("type")?);
	match kind.as_deref().unwrap_or("default") {
		"default" => {}
		"linear" => {
			let factor = section.number("factor")?;
			rope.table.frequencies.iter_mut().for_each(|f| *f /= factor);
			rope.reach(max_positions as f64 * factor);
		}
		"llama3" => llama3(&section, original, &mut rope.table)?,
		"yarn" => yarn(&section, theta, original, &mut rope)?,
		other => {
			let reason = format!("`{other}` is not supported; known: default, linear, llama3, yarn");
			return Err(raw.error("rope_type", reason));
		}
	}
	section.refuse_unknown()?;
	Ok(rope)
}

/// Angle per position of each pair: `theta^(-2 i / width)`.
pub fn frequencies(theta: f64, width: usize) -> Vec<f64> {
	(0..width / 2)
		.map(|i| theta.powf(-(2.0 * i as f64) / width as f64))
		.collect()
}

impl Rope {
	fn reach(&mut self, positions: f64) {
		self.max_positions = self.max_positions.max(positions as usize);
	}
}

/// LLaMA 3.1's scaling: low frequencies are divided by the factor, high ones kept, those between interpolated.
fn llama3(section: &RawConfig, original: f64, table: &mut RotaryTable) -> Result<()> {
	let factor = section.number("factor")?;
	let (low, high) = (section.number("low_freq_factor")?, section.number("high_freq_factor")?);
	for frequency in &mut table.frequencies {
		let wavelength = 2.0 * PI / *frequency;
		if wavelength > original / low {
			*frequency /= factor;
		} else if wavelength >= original / high {
			let smooth = (original / wavelength - low) / (high - low);
			*frequency = (1.0 - smooth) * *frequency / factor + smooth * *frequency;
		}
	}
	Ok(())
}

/// YaRN (arXiv 2309.00071): frequencies that turn often within the original length are kept, those that turn less than
/// once are divided by the factor, a ramp lies between; what is turned grows with the logarithm of the factor.
fn yarn(section: &RawConfig, theta: f64, original: f64, rope: &mut Rope) -> Result<()> {
	let factor = match section.number_or_none("factor")? {
		Some(factor) => factor,
		None => rope.max_positions as f64 / original,
	};
	let (fast, slow) = (
		section.number_or("beta_fast", 32.0)?,
		section.number_or("beta_slow", 1.0)?,
	);
	let frequencies = &mut rope.table.frequencies;
	let width = 2 * frequencies.len();
	// The pair that makes so many turns within the original length.
	let pair = |turns: f64| width as f64 * (original / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
	let (mut low, mut high) = (pair(fast), pair(slow));
	if section.flag_or("truncate", true)? {
		(low, high) = (low.floor(), high.ceil());
	}
	(low, high) = (low.max(0.0), high.min(width as f64 - 1.0));
	if low == high {
		high += 0.001;
	}
	for (i, frequency) in frequencies.iter_mut().enumerate() {
		let divided = ((i as f64 - low) / (high - low)).clamp(0.0, 1.0);
		*frequency = *frequency / factor * divided + *frequency * (1.0 - divided);
	}
	let grown = |by: f64| {
		if factor <= 1.0 {
			1.0
		} else {
			0.1 * by * factor.ln() + 1.0
		}
	};
	let (mscale, all_dim) = (
		section.number_or("mscale", 0.0)?,
		section.number_or("mscale_all_dim", 0.0)?,
	);
	rope.table.factor = match section.number_or_none("attention_factor")? {
		Some(given) => given,
		None if mscale != 0.0 && all_dim != 0.0 => grown(mscale) / grown(all_dim),
		None => grown(1.0),
	};
	if all_dim != 0.0 {
		rope.score_factor = grown(all_dim).powi(2);
	}
	rope.reach(original * factor);
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;
	use serde_json::{json, Value};
	use std::path::Path;

	fn read(value: Value) -> Result<Rope> {
		super::read(&RawConfig::new(Path::new("m"), value), 8, Pairs::Halves, 64)
	}

	#[test]
	fn rope_should_be_read_in_both_spellings() {
		for (old, new) in [
			(
				json!({"rope_theta": 500.0}),
				json!({"rope_parameters": {"rope_theta": 500.0, "rope_type": "default"}}),
			),
			(
				json!({"rope_theta": 500.0, "rope_scaling": {"type": "yarn", "factor": 4.0}}),
				json!({"rope_parameters": {"rope_theta": 500.0, "rope_type": "yarn", "factor": 4.0,
					"original_max_position_embeddings": 64}}),
			),
		] {
			let (old, new) = (read(old).unwrap(), read(new).unwrap());
			assert_eq!((&old.table, old.max_positions), (&new.table, new.max_positions));
		}
		let plain = read(json!({})).unwrap();
		assert_eq!(plain.table.frequencies, [1.0, 0.1, 0.01, 0.001]);
		assert_eq!(
			(plain.max_positions, plain.score_factor, plain.table.factor),
			(64, 1.0, 1.0)
		);
	}

	#[test]
	fn llama3_should_scale_low_frequencies_only() {
		let scaled = read(json!({"rope_theta": 500_000.0, "rope_scaling": {"rope_type": "llama3",
			"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64}}));
		let (scaled, base) = (scaled.unwrap().table.frequencies, frequencies(500_000.0, 8));
		assert_eq!((scaled[0], scaled[3]), (base[0], base[3] / 8.0));
	}

	#[test]
	fn yarn_should_reach_further_and_raise_what_it_turns() {
		let scaled = read(json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}})).unwrap();
		assert_eq!(scaled.max_positions, 256);
		assert_eq!(scaled.table.frequencies[0], 1.0);
		assert!((scaled.table.frequencies[3] - 0.001 / 4.0).abs() < 1e-12);
		assert!((scaled.table.factor - (0.1 * 4f64.ln() + 1.0)).abs() < 1e-12);
		let both = json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0, "mscale": 0.7, "mscale_all_dim": 0.7}});
		let both = read(both).unwrap();
		assert_eq!(both.table.factor, 1.0);
		assert!((both.score_factor - (0.07 * 4f64.ln() + 1.0).powi(2)).abs() < 1e-12);
	}

	#[test]
	fn key_should_be_named_when_rope_cannot_be_used() {
		for (value, key) in [
			(json!({"rope_scaling": {"rope_type": "longrope"}}), "rope_type"),
			(json!({"rope_scaling": {"rope_type": "linear"}}), "factor"),
			(
				json!({"rope_scaling": {"rope_type": "default", "short_factor": [1.0]}}),
				"short_factor",
			),
			(json!({"partial_rotary_factor": 0.5}), "partial_rotary_factor"),
			(
				json!({"rope_parameters": {"full_attention": {"rope_theta": 1.0}}}),
				"full_attention",
			),
		] {
			let message = read(value).err().unwrap().to_string();
			assert!(message.contains(&format!("`{key}`")), "{message}");
		}
	}
}
