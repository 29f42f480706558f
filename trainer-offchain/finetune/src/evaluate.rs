//! Mean loss of a model on data.

use crate::data;
use crate::encode::{encode, Encoder};
use crate::error::{FinetuneError, Result};
use crate::sequence::{windows, Sequence};
use crate::trainer::Batch;
use candle_core::{DType, Device};
use openledger_model::{peft, Decoder};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Sequences that a thread evaluates at once.
pub(crate) const BATCH: usize = 4;

/// What an evaluation found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
	/// Mean cross-entropy of a token, nats.
	pub loss: f64,
	/// `exp(loss)`.
	pub perplexity: f64,
	/// Target tokens.
	pub tokens: usize,
}

/// Mean token loss over sequences; none where there is no target.
pub fn evaluate_sequences(decoder: &Decoder, sequences: &[Sequence]) -> Result<Option<Evaluation>> {
	let part = |chunk: &[Sequence]| -> Result<(f64, usize)> {
		let batch = Batch::new(chunk.iter(), &decoder.device)?;
		let loss = decoder.loss_value(&batch.ids, &batch.texts, batch.targets)?;
		Ok((loss, batch.tokens))
	};
	let parts: Vec<(f64, usize)> = match decoder.device.is_cpu() {
		true => sequences.par_chunks(BATCH).map(part).collect::<Result<_>>()?,
		// A card computes one after the other, and holds but one.
		false => sequences.chunks(BATCH).map(part).collect::<Result<_>>()?,
	};
	let (sum, tokens) = parts
		.iter()
		.fold((0.0, 0), |(sum, tokens), part| (sum + part.0, tokens + part.1));
	if tokens == 0 {
		return Ok(None);
	}
	let loss = sum / tokens as f64;
	Ok(Some(Evaluation {
		loss,
		perplexity: loss.exp(),
		tokens,
	}))
}

/// A frozen model to use, and how it is kept.
#[derive(Clone, Debug)]
pub struct Base {
	/// Its folder.
	pub folder: PathBuf,
	/// Whether the linear layers are in four bits, as [`crate::Method::Qlora`] trains adapters.
	pub nf4: bool,
	/// Where it is computed with.
	pub device: Device,
}

impl Base {
	/// On the CPU, as it is in the folder.
	pub fn new(folder: impl Into<PathBuf>) -> Self {
		Self {
			folder: folder.into(),
			nf4: false,
			device: Device::Cpu,
		}
	}

	/// Reads it.
	pub fn load(&self) -> Result<Decoder> {
		Ok(Decoder::load_frozen(&self.folder, &self.device, DType::F32, self.nf4)?)
	}
}

/// Loads model, adapter and data, and evaluates on no more than the first `limit` tokens of each document. Texts longer than
/// `cutoff` tokens are evaluated in pieces.
pub fn evaluate(
	base: &Base,
	adapter: Option<&Path>,
	data_path: &Path,
	cutoff: usize,
	limit: usize,
) -> Result<Evaluation> {
	let mut decoder = base.load()?;
	if let Some(adapter) = adapter {
		peft::load(&mut decoder, adapter, false)?;
	}
	let dataset = data::read(data_path)?;
	let encoder = Encoder::load(&base.folder, &decoder.config, &dataset.documents)?;
	let mut texts = encode(&dataset.documents, encoder.as_ref())?;
	texts.iter_mut().for_each(|text| text.truncate(limit));
	texts.iter().try_for_each(|text| text.check(&decoder))?;
	let sequences = windows(&texts, cutoff.clamp(2, decoder.config.max_positions + 1));
	evaluate_sequences(&decoder, &sequences)?.ok_or_else(|| FinetuneError::NoData {
		path: data_path.to_owned(),
		reason: "no document has a token to predict".into(),
	})
}
