//! The adapter that a run trains: a new one, or an earlier one that it continues.

use crate::config::{RunConfig, DEFAULT_ALPHA, DEFAULT_RANK};
use crate::error::{FinetuneError, Result};
use openledger_model::{lora, peft, Decoder, LoraSettings};

/// Puts the adapter to train around the decoder's layers: a new one, or the one to continue.
pub(crate) fn adapter(config: &RunConfig, decoder: &mut Decoder) -> Result<LoraSettings> {
	let dropout = config.lora_dropout;
	let Some(dir) = &config.init_adapter else {
		let wanted = config.lora_targets.as_ref().map(|t| t.names()).unwrap_or_default();
		let settings = LoraSettings {
			rank: config.lora_rank.unwrap_or(DEFAULT_RANK),
			alpha: config.lora_alpha.unwrap_or(DEFAULT_ALPHA),
			dropout: dropout.unwrap_or(0.0),
			targets: lora::resolve_targets(decoder, &wanted)?,
			use_rslora: config.use_rslora.unwrap_or(false),
			use_dora: config.dora.unwrap_or(false),
		};
		lora::attach_new(decoder, &settings, config.seed)?;
		return Ok(settings);
	};
	let mut settings = peft::load(decoder, dir, true)?;
	if let Some(dropout) = dropout {
		settings.dropout = dropout;
		decoder
			.linears_mut()
			.filter_map(|l| l.adapter.as_mut())
			.for_each(|a| a.dropout = dropout as f32);
	}
	let targets = match &config.lora_targets {
		Some(wanted) => Some(lora::resolve_targets(decoder, &wanted.names())?),
		None => None,
	};
	let contradicts = [
		(
			"lora_rank",
			config.lora_rank.is_some_and(|r| r != settings.rank),
			settings.rank.to_string(),
		),
		(
			"lora_alpha",
			config.lora_alpha.is_some_and(|a| a != settings.alpha),
			settings.alpha.to_string(),
		),
		(
			"lora_targets",
			targets.is_some_and(|t| t != settings.targets),
			settings.targets.join(", "),
		),
		(
			"use_rslora",
			config.use_rslora.is_some_and(|r| r != settings.use_rslora),
			settings.use_rslora.to_string(),
		),
		(
			"dora",
			config.dora.is_some_and(|d| d != settings.use_dora),
			settings.use_dora.to_string(),
		),
	];
	match contradicts.into_iter().find(|(_, contradicts, _)| *contradicts) {
		Some((key, _, has)) => {
			let reason = format!(
				"contradicts init_adapter {}, which has {has}; leave the key out",
				dir.display()
			);
			Err(FinetuneError::config(key, reason))
		}
		None => Ok(settings),
	}
}
