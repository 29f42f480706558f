//! `logits`: what a model computes, for comparison with others.

use super::ModelArgs;
use anyhow::{bail, Context, Result};
use candle_core::Tensor;
use openledger_model::{checkpoint, files};
use serde::Deserialize;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
	#[command(flatten)]
	model: ModelArgs,
	/// JSON of {"input_ids": [[…]]}, rows of one length
	#[arg(long, value_name = "FILE")]
	input_ids: PathBuf,
	/// Safetensors file to write: f32 `logits [batch, seq, vocab]`
	#[arg(long, value_name = "FILE")]
	out: PathBuf,
}

#[derive(Deserialize)]
struct InputIds {
	input_ids: Vec<Vec<u32>>,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let file = super::show(&args.input_ids);
	let text = std::fs::read_to_string(&args.input_ids).with_context(|| file.clone())?;
	let rows = serde_json::from_str::<InputIds>(&text)
		.with_context(|| format!("{file}: key `input_ids`"))?
		.input_ids;
	let len = rows.first().map_or(0, Vec::len);
	if len == 0 || rows.iter().any(|row| row.len() != len) {
		bail!("{file}: key `input_ids`: expected rows of one length, not empty; pad or split them");
	}
	let base = args.model.load()?;
	let decoder = args.model.tuned(&base)?;
	rows.iter()
		.try_for_each(|row| decoder.check_ids(row))
		.with_context(|| file)?;
	let logits = decoder.logits(&Tensor::new(rows, &decoder.device)?, None)?;
	files::write_file(&args.out, &checkpoint::to_bytes(&[("logits".into(), logits)])?)?;
	Ok(ExitCode::SUCCESS)
}
