//! A checkpoint of plain weights written again in four bits, as transformers writes what bitsandbytes quantised.

use crate::checkpoint::{copy_extras, Checkpoint};
use crate::config::RawConfig;
use crate::decoder::Decoder;
use crate::error::Result;
use crate::files::{replace_dir, write_json};
use crate::merge;
use crate::nf4::{self, Magnitudes, Nf4};
use candle_core::{DType, Device};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, View};
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Writes to the folder `out` the model of `base` with the weights of its linear layers but the head in NF4, quantised
/// twice.
pub fn quantise(base: &Path, out: &Path, shard_bytes: usize) -> Result<()> {
	let raw = RawConfig::read(base)?;
	if raw.quantisation()?.is_some() {
		return Err(raw.error("quantization_config", "the model is quantised already"));
	}
	let decoder = Decoder::load_frozen(base, &Device::Cpu, DType::F32, true)?;
	let checkpoint = Checkpoint::open(base)?;
	let experts = decoder.config.family.names.experts.as_ref();
	let experts = experts.map(|names| format!(".{}.", names.list));
	// transformers keeps the experts of a block in one tensor, which bitsandbytes does not quantise.
	let is_expert = |name: &str| experts.as_ref().is_some_and(|list| name.contains(list));
	let packed = decoder.quantised.iter().filter(|(name, _)| !is_expert(name));
	let packed: HashMap<&str, &Arc<Nf4>> = packed.map(|(name, packed)| (name.as_str(), packed)).collect();
	let (mut tensors, mut dtype) = (Vec::new(), "float32");
	for name in checkpoint.names() {
		let view = checkpoint.view(name)?;
		match packed.get(name) {
			Some(packed) => {
				dtype = name_of(view.dtype());
				tensors.extend(parts(name, packed, dtype));
			}
			None => tensors.push((name.to_owned(), Part::Kept(view))),
		}
	}
	let mut config = raw.value().clone();
	config["quantization_config"] = settings(dtype);
	replace_dir(out, |folder| {
		write_json(&folder.join("config.json"), &config)?;
		merge::write(folder, &tensors, shard_bytes)?;
		copy_extras(base, folder)
	})
}

/// The fields that transformers 5 writes; bitsandbytes computes in `dtype`.
fn settings(dtype: &str) -> serde_json::Value {
	json!({
		"_load_in_4bit": true,
		"_load_in_8bit": false,
		"bnb_4bit_compute_dtype": dtype,
		"bnb_4bit_quant_storage": "uint8",
		"bnb_4bit_quant_type": "nf4",
		"bnb_4bit_use_double_quant": true,
		"llm_int8_enable_fp32_cpu_offload": false,
		"llm_int8_has_fp16_weight": false,
		"llm_int8_skip_modules": null,
		"llm_int8_threshold": 6.0,
		"load_in_4bit": true,
		"load_in_8bit": false,
		"quant_method": "bitsandbytes",
	})
}

/// torch's name of what a weight was in.
fn name_of(dtype: Dtype) -> &'static str {
	match dtype {
		Dtype::BF16 => "bfloat16",
		Dtype::F16 => "float16",
		_ => "float32",
	}
}

/// A tensor to write.
enum Part<'a> {
	/// As it is in the base's file.
	Kept(TensorView<'a>),
	/// Of a quantised weight.
	Made {
		dtype: Dtype,
		shape: Vec<usize>,
		bytes: Vec<u8>,
	},
}

/// The tensors of a quantised weight, with their names.
fn parts<'a>(name: &str, packed: &Nf4, dtype: &str) -> Vec<(String, Part<'a>)> {
	let floats = |values: &[f32]| -> (Dtype, Vec<usize>, Vec<u8>) {
		let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
		(Dtype::F32, vec![values.len()], bytes)
	};
	let bytes = |bytes: &[u8]| (Dtype::U8, vec![bytes.len()], bytes.to_vec());
	let [out, inp] = packed.shape;
	let mut state = format!(
		r#"{{"quant_type": "nf4", "blocksize": {}, "dtype": "{dtype}", "shape": [{out}, {inp}]"#,
		packed.block
	);
	let mut parts = vec![
		("", (Dtype::U8, vec![packed.packed.len(), 1], packed.packed.clone())),
		(nf4::MAP, floats(&nf4::CODE)),
	];
	match &packed.magnitudes {
		Magnitudes::Plain(absmax) => parts.push((nf4::ABSMAX, floats(absmax))),
		Magnitudes::Nested {
			codes,
			block,
			absmax,
			offset,
		} => {
			let offset = f64::from(*offset);
			state +=
				&format!(r#", "nested_blocksize": {block}, "nested_dtype": "float32", "nested_offset": {offset:?}"#);
			parts.push((nf4::ABSMAX, bytes(codes)));
			parts.push((nf4::NESTED_MAP, floats(&nf4::NESTED_CODE[..])));
			parts.push((nf4::NESTED_ABSMAX, floats(absmax)));
		}
	}
	state.push('}');
	parts.push((nf4::STATE, bytes(state.as_bytes())));
	let named = |(suffix, (dtype, shape, bytes))| (format!("{name}{suffix}"), Part::Made { dtype, shape, bytes });
	parts.into_iter().map(named).collect()
}

impl View for &Part<'_> {
	fn dtype(&self) -> Dtype {
		match self {
			Part::Kept(view) => view.dtype(),
			Part::Made { dtype, .. } => *dtype,
		}
	}

	fn shape(&self) -> &[usize] {
		match self {
			Part::Kept(view) => view.shape(),
			Part::Made { shape, .. } => shape,
		}
	}

	fn data(&self) -> Cow<'_, [u8]> {
		match self {
			Part::Kept(view) => view.data().into(),
			Part::Made { bytes, .. } => bytes.into(),
		}
	}

	fn data_len(&self) -> usize {
		match self {
			Part::Kept(view) => view.data().len(),
			Part::Made { bytes, .. } => bytes.len(),
		}
	}
}
