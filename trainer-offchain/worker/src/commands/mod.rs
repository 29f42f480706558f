//! One module per subcommand.

pub mod bench;
pub mod chat;
pub mod evaluate;
pub mod finetune;
pub mod hub;
pub mod init_model;
pub mod logits;
pub mod merge;
pub mod quantise;
pub mod reproduce;
pub mod serve;

use anyhow::{ensure, Result};
use openledger_finetune::Base;
use openledger_model::{peft, Decoder, ModelTokenizer};
use std::path::{Path, PathBuf};

/// Which base model, and how it is kept.
#[derive(clap::Args)]
pub struct BaseArgs {
	/// Folder of the model: config.json, safetensors, tokenizer.json
	#[arg(long, value_name = "DIR")]
	pub model: PathBuf,
	/// Keep the weights of linear layers in four bits (NF4), as the method qlora does
	#[arg(long)]
	pub nf4: bool,
	/// cpu, cuda or cuda:N
	#[arg(long, default_value = "cpu")]
	pub device: String,
}

impl BaseArgs {
	/// The base model.
	fn chosen(&self) -> Result<Base> {
		Ok(Base {
			folder: self.model.clone(),
			nf4: self.nf4,
			device: openledger_finetune::run::device(&self.device)?,
		})
	}
}

/// Which model.
#[derive(clap::Args)]
pub struct ModelArgs {
	#[command(flatten)]
	pub base: BaseArgs,
	/// Folder of a PEFT adapter to put around it
	#[arg(long, value_name = "DIR")]
	pub adapter: Option<PathBuf>,
}

impl ModelArgs {
	/// Reads the base model.
	fn load(&self) -> Result<Decoder> {
		Ok(self.base.chosen()?.load()?)
	}

	/// The model with its adapter.
	fn tuned(&self, base: &Decoder) -> Result<Decoder> {
		let mut decoder = base.clone();
		if let Some(adapter) = &self.adapter {
			peft::load(&mut decoder, adapter, false)?;
		}
		Ok(decoder)
	}

	fn tokenizer(&self, decoder: &Decoder) -> Result<ModelTokenizer> {
		Ok(ModelTokenizer::load(&self.base.model, &decoder.config)?)
	}
}

/// A folder under a name, as a flag gives both.
pub fn named_dir(text: &str) -> Result<(String, PathBuf), String> {
	match text.split_once('=') {
		Some((name, dir)) if !name.is_empty() && !dir.is_empty() => Ok((name.into(), dir.into())),
		_ => Err("expected NAME=DIR, a name and the folder that it stands for".into()),
	}
}

/// Prints a value as one line of JSON.
fn print_json(value: &impl serde::Serialize) -> Result<()> {
	println!("{}", serde_json::to_string(value)?);
	Ok(())
}

/// Refuses a folder that is there already: what it holds is somebody's.
fn ensure_new(out: &Path) -> Result<()> {
	ensure!(
		out.symlink_metadata().is_err(),
		"{} is there already: remove it, or name another folder by --out",
		show(out)
	);
	Ok(())
}

/// A path for messages.
fn show(path: &Path) -> String {
	path.display().to_string()
}
