use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

use anyhow::{Context as _, Result};
use chain_client::{address, calls, AccountId, Call, ChainExt, Query, Wait};
use clap::Subcommand;
use openledger_primitives::{
	model::{self, Artifact, JobResult, ModelFile, MAX_MODEL_NAME},
	training::{DatasetRef, TrainingSpec},
	BaseModelId, JobId, ModelId,
};
use payload_store::PayloadStore;
use serde::Serialize;

use super::{
	bounded,
	evaluated::EvaluatedShown,
	job::{newest, Dataset},
	not_found,
};
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
pub enum Command {
	/// Register a base model: upload its files and put their hashes on the chain
	Register {
		/// A Hugging Face directory: config.json, tokenizer.json, *.safetensors and what else belongs to it
		folder: PathBuf,
		/// What it is called
		#[arg(long)]
		name: String,
	},
	/// Remove a base model that nothing is built on; its deposit comes back
	Deregister {
		/// Its number
		base: BaseModelId,
	},
	/// List base models and fine-tuned models
	List,
	/// Show a fine-tuned model with its provenance, or a base model
	Show {
		/// Its number
		model: ModelId,
		/// The number is that of a base model
		#[arg(long)]
		base: bool,
	},
	/// List what was measured of a fine-tuned model
	Evaluations {
		/// Its number
		model: ModelId,
	},
	/// Post what a fine-tuned model's loss is on a Datanet's version, with a bond
	PostEvaluation {
		/// Its number
		model: ModelId,
		/// What it was measured on, as 3@120
		#[arg(long, value_name = "DATANET@VERSION")]
		dataset: Dataset,
		/// Nats per token
		#[arg(long)]
		loss: f64,
		/// How many tokens the loss is the mean of
		#[arg(long)]
		tokens: u64,
		/// A file with all that is needed to repeat it; it is uploaded
		#[arg(long, value_name = "FILE")]
		manifest: PathBuf,
	},
	/// Take an evaluation back, and its bond
	RetractEvaluation {
		/// The model's number
		model: ModelId,
	},
}

#[derive(Serialize)]
struct Base {
	base_model: BaseModelId,
	name: String,
	#[serde(serialize_with = "output::account")]
	owner: AccountId,
	files: Vec<File>,
}

#[derive(Serialize)]
struct File {
	name: String,
	cid: String,
	sha256: String,
	bytes: u64,
}

#[derive(Serialize)]
struct Tuned {
	model: ModelId,
	#[serde(serialize_with = "output::account")]
	owner: AccountId,
	#[serde(serialize_with = "output::account")]
	worker: AccountId,
	base: BaseModelId,
	job: JobId,
	spec: TrainingSpec,
	/// Digests of the dataset versions, hexadecimal.
	roots: Vec<String>,
	result: ResultShown,
	/// Null: the requester accepted the result before its worker had reported one.
	evaluation: Option<EvaluatedShown>,
}

/// A posted result for output.
#[derive(Serialize)]
pub struct ResultShown {
	adapter: Hashes,
	adapter_config: Hashes,
	manifest: Hashes,
	steps: u32,
	/// Nats per token.
	train_loss: f64,
	/// Zero: none.
	checkpoints: u32,
	/// Merkle root of their sha2-256, hexadecimal.
	checkpoints_root: String,
}

#[derive(Serialize)]
struct Hashes {
	cid: String,
	sha256: String,
	bytes: u64,
}

impl Hashes {
	fn new(artifact: &Artifact) -> Self {
		Self {
			cid: artifact.cid.to_string(),
			sha256: hex::encode(artifact.sha256),
			bytes: artifact.bytes,
		}
	}
}

impl ResultShown {
	pub fn new(result: &JobResult) -> Self {
		Self {
			adapter: Hashes::new(&result.adapter),
			adapter_config: Hashes::new(&result.adapter_config),
			manifest: Hashes::new(&result.manifest),
			steps: result.steps,
			train_loss: result.train_loss_micro as f64 / 1e6,
			checkpoints: result.checkpoints.count,
			checkpoints_root: hex::encode(result.checkpoints.root),
		}
	}

	/// Rows for people.
	pub fn rows(&self) -> Vec<(&'static str, String)> {
		vec![
			("adapter", self.adapter.cid.clone()),
			("adapter sha256", self.adapter.sha256.clone()),
			("manifest", self.manifest.cid.clone()),
			("steps", self.steps.to_string()),
			("training loss", format!("{:.4}", self.train_loss)),
		]
	}
}

impl Base {
	fn new(id: BaseModelId, record: model::BaseModel<AccountId>) -> Self {
		let file = |file: &ModelFile| File {
			name: output::text(&file.name),
			cid: file.artifact.cid.to_string(),
			sha256: hex::encode(file.artifact.sha256),
			bytes: file.artifact.bytes,
		};
		Self {
			base_model: id,
			name: output::text(&record.name),
			owner: record.owner,
			files: record.files.iter().map(file).collect(),
		}
	}
}

impl Tuned {
	fn new(id: ModelId, record: model::Model<AccountId>) -> Self {
		Self {
			model: id,
			owner: record.owner,
			worker: record.worker,
			base: record.base,
			job: record.job,
			evaluation: record
				.evaluation
				.map(|it| EvaluatedShown::new(record.job, &record.spec.datasets, &it)),
			spec: record.spec,
			roots: record.roots.iter().map(hex::encode).collect(),
			result: ResultShown::new(&record.result),
		}
	}

	fn datasets(&self) -> String {
		let datasets: Vec<_> = self
			.spec
			.datasets
			.iter()
			.map(|dataset| format!("{}@{}", dataset.datanet, dataset.version))
			.collect();
		datasets.join(", ")
	}
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Register { folder, name } => register(context, &folder, &name).await,
		Command::List => list(context).await,
		Command::Show { model, base } => show(context, model, base).await,
		Command::Deregister { base } => {
			let what = format!("base model {base} was removed");
			change(context, calls::deregister_base_model(base), what).await
		}
		Command::Evaluations { model } => evaluations(context, model).await,
		Command::PostEvaluation {
			model,
			dataset,
			loss,
			tokens,
			manifest,
		} => post_evaluation(context, model, dataset, loss, tokens, &manifest).await,
		Command::RetractEvaluation { model } => {
			let what = format!("the evaluation of model {model} was taken back");
			change(context, calls::retract_evaluation(model), what).await
		}
	}
}

async fn register(context: &Context, folder: &Path, name: &str) -> Result<ExitCode> {
	let name = bounded::<MAX_MODEL_NAME>("name", name)?;
	let signer = context.signer()?;
	let paths = model_files(folder)?;
	let chain = context.chain().await?;
	let store = context.artifacts()?;
	store.health().await?;
	let mut files = Vec::with_capacity(paths.len());
	for path in &paths {
		let file_name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
		context.note(format!("uploading {file_name}"));
		let stored = store
			.put_file(path)
			.await
			.with_context(|| format!("uploading {}", path.display()))?;
		let artifact = Artifact {
			cid: stored.cid,
			sha256: stored.sha256,
			bytes: stored.size,
		};
		files.push(ModelFile {
			name: bounded("file name", file_name)?,
			artifact,
		});
	}
	let count = files.len();
	let files = files
		.try_into()
		.map_err(|_| Failure::usage(format!("{count} files are more than fit on the chain")))?;
	let outcome = chain
		.submit(&signer, calls::register_base_model(name, files), Wait::InBlock)
		.await?;
	let id: BaseModelId = outcome.field("Models", "BaseModelRegistered")?;
	let record = Query::new(&chain)
		.base_model(id)
		.await?
		.context("the base model is not there after its registration")?;
	let shown = Base::new(id, record);
	let done = serde_json::json!({ "base_model": id, "block": outcome.block, "files": shown.files });
	context.print(&done, |_| {
		format!(
			"base model {id} was registered in block {} with {count} files",
			outcome.block
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

/// The files of a checkpoint: configuration, tokenizer and weights; no other formats of the same weights.
fn model_files(folder: &Path) -> Result<Vec<PathBuf>> {
	const EXTENSIONS: [&str; 4] = ["json", "safetensors", "txt", "model"];
	let mut files = Vec::new();
	for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
		let path = entry?.path();
		let hidden = path
			.file_name()
			.and_then(|name| name.to_str())
			.is_none_or(|name| name.starts_with('.'));
		let wanted = path
			.extension()
			.and_then(|extension| extension.to_str())
			.is_some_and(|e| EXTENSIONS.contains(&e));
		if path.is_file() && wanted && !hidden {
			files.push(path);
		}
	}
	files.sort();
	let has = |name: &str| {
		files
			.iter()
			.any(|file| file.file_name().is_some_and(|file| file == name))
	};
	if !has("config.json") || !has("tokenizer.json") {
		return Err(
			Failure::usage(format!("{} has no config.json and tokenizer.json", folder.display()))
				.hint("name a directory as Hugging Face lays it out, or make one with `openledger-trainer init-model`")
				.into(),
		);
	}
	Ok(files)
}

#[derive(Serialize)]
struct EvaluationShown {
	#[serde(serialize_with = "output::account")]
	evaluator: AccountId,
	dataset: DatasetRef,
	/// Nats per token.
	loss: f64,
	tokens: u64,
	manifest: Hashes,
	bond: Amount,
	posted_at: u32,
}

impl EvaluationShown {
	fn new(evaluator: AccountId, record: model::Evaluation) -> Self {
		Self {
			evaluator,
			dataset: record.dataset,
			loss: record.loss_micro as f64 / 1e6,
			tokens: record.tokens,
			manifest: Hashes::new(&record.manifest),
			bond: Amount(record.bond),
			posted_at: record.posted_at,
		}
	}
}

async fn evaluations(context: &Context, model: ModelId) -> Result<ExitCode> {
	let chain = context.chain().await?;
	let found = Query::new(&chain).evaluations(model).await?.into_iter();
	let shown: Vec<_> = found
		.map(|(evaluator, record)| EvaluationShown::new(evaluator, record))
		.collect();
	context.print(&shown, |shown| {
		let row = |evaluation: &EvaluationShown| {
			vec![
				format!("{}@{}", evaluation.dataset.datanet, evaluation.dataset.version),
				format!("{:.4}", evaluation.loss),
				evaluation.tokens.to_string(),
				address(&evaluation.evaluator),
			]
		};
		output::table(
			&["data", "loss", "tokens", "evaluator"],
			&shown.iter().map(row).collect::<Vec<_>>(),
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn post_evaluation(
	context: &Context,
	model: ModelId,
	dataset: Dataset,
	loss: f64,
	tokens: u64,
	manifest: &Path,
) -> Result<ExitCode> {
	let loss_micro = micro(loss)?;
	context.signer()?;
	let chain = context.chain().await?;
	let dataset = newest(&chain, &dataset).await?;
	let stored = context
		.artifacts()?
		.put_file(manifest)
		.await
		.with_context(|| format!("uploading {}", manifest.display()))?;
	let manifest = Artifact {
		cid: stored.cid,
		sha256: stored.sha256,
		bytes: stored.size,
	};
	let call = calls::post_evaluation(model, dataset, loss_micro, tokens, manifest);
	change(context, call, format!("the evaluation of model {model} was posted")).await
}

/// A loss in units of 1e-6.
pub fn micro(loss: f64) -> Result<u64> {
	let units = (loss * 1e6).round();
	if !(0. ..=1e15).contains(&units) {
		return Err(Failure::usage(format!("a loss is a number of nats from zero on, not {loss}")).into());
	}
	Ok(units as u64)
}

async fn change(context: &Context, call: Call, what: String) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	context.print(&serde_json::json!({ "block": outcome.block }), |_| {
		format!("{what} in block {}", outcome.block)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context) -> Result<ExitCode> {
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let bases: Vec<_> = query
		.base_models()
		.await?
		.into_iter()
		.map(|(id, record)| Base::new(id, record))
		.collect();
	let tuned: Vec<_> = query
		.models()
		.await?
		.into_iter()
		.map(|(id, record)| Tuned::new(id, record))
		.collect();
	let list = serde_json::json!({ "base_models": bases, "models": tuned });
	context.print(&list, |_| {
		let base_row = |base: &Base| {
			let bytes: u64 = base.files.iter().map(|file| file.bytes).sum();
			vec![
				base.base_model.to_string(),
				base.name.clone(),
				output::bytes(bytes),
				output::short(&address(&base.owner)),
			]
		};
		let tuned_row = |model: &Tuned| {
			vec![
				model.model.to_string(),
				model.base.to_string(),
				model.datasets(),
				format!("{:.4}", model.result.train_loss),
				output::short(&address(&model.owner)),
			]
		};
		format!(
			"{}\n\n{}",
			output::table(
				&["base", "name", "size", "owner"],
				&bases.iter().map(base_row).collect::<Vec<_>>()
			),
			output::table(
				&["model", "base", "data", "loss", "owner"],
				&tuned.iter().map(tuned_row).collect::<Vec<_>>()
			)
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn show(context: &Context, id: ModelId, base: bool) -> Result<ExitCode> {
	const HINT: &str = "see them with `openledger model list`";
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	if base {
		let record = query
			.base_model(id)
			.await?
			.ok_or_else(|| not_found("base model", id, HINT))?;
		context.print(&Base::new(id, record), |base| {
			let rows: Vec<_> = base
				.files
				.iter()
				.map(|file| vec![file.name.clone(), output::bytes(file.bytes), file.sha256.clone()])
				.collect();
			format!(
				"{} by {}\n{}",
				base.name,
				address(&base.owner),
				output::table(&["file", "size", "sha256"], &rows)
			)
		})?;
	} else {
		let record = query.model(id).await?.ok_or_else(|| not_found("model", id, HINT))?;
		context.print(&Tuned::new(id, record), |model| {
			let mut rows = vec![
				("model", model.model.to_string()),
				("owner", address(&model.owner)),
				("worker", address(&model.worker)),
				("base model", model.base.to_string()),
				("data", model.datasets()),
				("roots", model.roots.join(", ")),
				("job", model.job.to_string()),
			];
			rows.extend(model.result.rows());
			rows.extend(model.evaluation.as_ref().map(EvaluatedShown::row));
			output::fields(&rows)
		})?;
	}
	Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn losses_should_be_whole_units_from_zero_on() {
		assert_eq!(micro(1.5).unwrap(), 1_500_000);
		assert_eq!(micro(0.).unwrap(), 0);
		for loss in [-0.1, f64::NAN, f64::INFINITY] {
			assert!(micro(loss).is_err(), "{loss}");
		}
	}
}
