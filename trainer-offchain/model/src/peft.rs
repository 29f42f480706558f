//! Adapters on disk, as PEFT writes and reads them.

use crate::checkpoint::{to_bytes, Checkpoint};
use crate::config::RawConfig;
use crate::decoder::Decoder;
use crate::error::{ModelError, Result};
use crate::files::{replace_dir, write_file, write_json};
use crate::lora::{self, magnitude_name, tensor_name, LoraSettings};
use crate::ops::WeightLayout;
use candle_core::{Tensor, Var};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::path::Path;

/// Settings of an adapter.
pub const CONFIG: &str = "adapter_config.json";
/// Its tensors.
pub const TENSORS: &str = "adapter_model.safetensors";

/// Reads `adapter_config.json`; what this build does not know how to apply is an error, never left out silently.
pub fn read_settings(dir: &Path) -> Result<LoraSettings> {
	let path = dir.join(CONFIG);
	let raw = RawConfig::read_file(&path)?;
	let error = |key: &str, reason: String| ModelError::config(&path, key, reason);
	let peft_type = raw.text("peft_type")?.unwrap_or_default();
	if peft_type != "LORA" {
		return Err(error(
			"peft_type",
			format!("`{peft_type}` is not supported; known: LORA"),
		));
	}
	for key in ["use_qalora", "lora_bias"] {
		if raw.get(key).is_some_and(|v| v.as_bool() == Some(true)) {
			return Err(error(key, "is not supported".into()));
		}
	}
	for key in [
		"rank_pattern",
		"alpha_pattern",
		"modules_to_save",
		"layer_replication",
		"trainable_token_indices",
	] {
		let empty = |v: &Value| match v {
			Value::Object(map) => map.is_empty(),
			Value::Array(items) => items.is_empty(),
			_ => false,
		};
		if raw.get(key).is_some_and(|v| !empty(v)) {
			return Err(error(key, "is not supported".into()));
		}
	}
	if raw.text("bias")?.is_some_and(|b| b != "none") {
		return Err(error("bias", "only `none` is supported".into()));
	}
	Ok(LoraSettings {
		rank: raw.size("r")?,
		alpha: raw.number("lora_alpha")?,
		dropout: raw.number_or("lora_dropout", 0.0)?,
		targets: Vec::new(),
		use_rslora: raw.flag_or("use_rslora", false)?,
		use_dora: raw.flag_or("use_dora", false)?,
	})
}

/// Puts the adapter of `dir` around the decoder's layers; `trainable` makes its tensors variables.
///
/// Which layers it adapts is read from its tensors: `target_modules` may be a pattern, the tensors cannot.
pub fn load(decoder: &mut Decoder, dir: &Path, trainable: bool) -> Result<LoraSettings> {
	let mut settings = read_settings(dir)?;
	let path = dir.join(TENSORS);
	let file = Checkpoint::open_file(&path)?;
	let (rank, device) = (settings.rank, decoder.device.clone());
	let mut unused: BTreeSet<String> = file.names().into_iter().map(str::to_owned).collect();
	let mut targets = BTreeSet::new();
	for linear in decoder.linears_mut() {
		let (name_a, name_b) = (tensor_name(&linear.path, 'A'), tensor_name(&linear.path, 'B'));
		if !unused.contains(&name_a) && !unused.contains(&name_b) {
			continue;
		}
		let (out, inp) = linear.weight.out_in()?;
		let mut read = |name: &str, shape: &[usize]| -> Result<Tensor> {
			let tensor = file.tensor(name, shape, &device)?;
			unused.remove(name);
			Ok(match trainable {
				true => Var::from_tensor(&tensor)?.as_tensor().clone(),
				false => tensor,
			})
		};
		let mut adapter = settings.adapter(read(&name_a, &[rank, inp])?, read(&name_b, &[out, rank])?);
		if settings.use_dora {
			let magnitude = read(&magnitude_name(&linear.path), &[out])?;
			adapter = adapter.with_magnitude(magnitude, &linear.weight)?;
		}
		linear.adapter = Some(adapter);
		targets.insert(linear.short_name().to_owned());
	}
	if let Some(name) = unused.first() {
		let reason = format!("tensor `{name}` belongs to no linear layer of this model");
		return Err(ModelError::Safetensors { path, reason });
	}
	if targets.is_empty() {
		return Err(ModelError::Safetensors {
			path,
			reason: "holds no adapter".into(),
		});
	}
	settings.targets = targets.into_iter().collect();
	Ok(settings)
}

/// Writes the decoder's adapters to the folder `dir`; `base` names the base model.
pub fn save(decoder: &Decoder, settings: &LoraSettings, base: &str, dir: &Path) -> Result<()> {
	replace_dir(dir, |dir| {
		write_file(&dir.join(TENSORS), &to_bytes(&lora::tensors(decoder))?)?;
		write_json(&dir.join(CONFIG), &config(decoder, settings, base))
	})
}

/// The fields that PEFT 0.21 writes.
fn config(decoder: &Decoder, settings: &LoraSettings, base: &str) -> Value {
	json!({
		"alora_invocation_tokens": null,
		"alpha_pattern": {},
		"arrow_config": null,
		"auto_mapping": null,
		"base_model_name_or_path": base,
		"bias": "none",
		"corda_config": null,
		"ensure_weight_tying": false,
		"eva_config": null,
		"exclude_modules": null,
		"fan_in_fan_out": decoder.config.family.layout == WeightLayout::InOut,
		"inference_mode": true,
		"init_lora_weights": true,
		"kasa_config": null,
		"layer_replication": null,
		"layers_pattern": null,
		"layers_to_transform": null,
		"loftq_config": {},
		"lora_alpha": whole(settings.alpha),
		"lora_bias": false,
		"lora_dropout": settings.dropout,
		"lora_ga_config": null,
		"megatron_config": null,
		"megatron_core": "megatron.core",
		"modules_to_save": null,
		"monteclora_config": null,
		"peft_type": "LORA",
		"peft_version": "0.21.2",
		"qalora_group_size": 16,
		"r": settings.rank,
		"rank_pattern": {},
		"revision": null,
		"target_modules": settings.targets,
		"target_parameters": null,
		"task_type": "CAUSAL_LM",
		"trainable_token_indices": null,
		"use_bdlora": null,
		"use_dora": settings.use_dora,
		"use_qalora": false,
		"use_rslora": settings.use_rslora,
		"velora_config": null,
	})
}

/// PEFT's alpha is a whole number wherever it is one.
fn whole(x: f64) -> Value {
	if x.fract() == 0.0 && x.abs() < 1e15 {
		json!(x as i64)
	} else {
		json!(x)
	}
}
