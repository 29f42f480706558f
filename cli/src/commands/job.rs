use std::{process::ExitCode, str::FromStr, time::Duration};

use anyhow::{Context as _, Result};
use chain_client::{address, calls, AccountId, Call, Chain, ChainExt, Query, Wait};
use clap::{ArgGroup, Subcommand, ValueEnum};
use futures::StreamExt;
use openledger_primitives::{
	model::{Job, JobStatus, Progress},
	training::{DatasetRef, Parent, SpecError, TrainingSpec},
	BaseModelId, DatanetId, JobId, ModelId,
};
use serde::Serialize;

use super::{model::ResultShown, not_found, order::Order};
use crate::{amount::Amount, context::Context, failure::Failure, output};

#[derive(Subcommand)]
// Parsed once: its size does not matter.
#[allow(clippy::large_enum_variant)]
pub enum Command {
	/// Order a fine-tune; its price is held until it ends
	#[command(group = ArgGroup::new("parent").args(["base", "model"]).required(true))]
	Request {
		/// Start from this base model
		#[arg(long, value_name = "NUMBER")]
		base: Option<BaseModelId>,
		/// Continue this fine-tuned model's adapter
		#[arg(long, value_name = "NUMBER")]
		model: Option<ModelId>,
		/// A Datanet at a version, as 3@120; 3@latest is the newest
		#[arg(long, value_name = "DATANET@VERSION", required = true)]
		dataset: Vec<Dataset>,
		/// In OPEN
		#[arg(long, value_name = "OPEN")]
		price: Amount,
		#[command(flatten)]
		order: Order,
	},
	/// List all jobs
	List,
	/// Show a job
	Show {
		/// Its number
		job: JobId,
		/// Wait until it has come this far, or failed
		#[arg(long, value_enum, value_name = "STATUS")]
		wait: Option<Until>,
		/// Give up waiting after this time
		#[arg(long, value_name = "SECONDS", default_value_t = 3_600)]
		timeout: u64,
	},
	/// Accept a result: the model is registered and the escrow split
	Accept {
		/// The job's number
		job: JobId,
	},
	/// Withdraw an open job; its price comes back
	Cancel {
		/// The job's number
		job: JobId,
	},
	/// Report a worker that missed its heartbeat
	ReportMissed {
		/// The job's number
		job: JobId,
	},
	/// End a job that nobody took in time
	Expire {
		/// The job's number
		job: JobId,
	},
}

/// How far to wait.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum Until {
	Claimed,
	Submitted,
	Accepted,
}

/// A Datanet at a version; without one, at the newest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dataset {
	datanet: DatanetId,
	version: Option<u32>,
}

impl FromStr for Dataset {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let wrong = || "a dataset is written as DATANET@VERSION, for example 3@120 or 3@latest".to_owned();
		let (datanet, version) = text.split_once('@').ok_or_else(wrong)?;
		let version = match version {
			"latest" => None,
			number => Some(number.parse().map_err(|_| wrong())?),
		};
		Ok(Self {
			datanet: datanet.parse().map_err(|_| wrong())?,
			version,
		})
	}
}

#[derive(Serialize)]
struct Shown {
	job: JobId,
	status: &'static str,
	#[serde(serialize_with = "output::account")]
	requester: AccountId,
	price: Amount,
	spec: TrainingSpec,
	created_at: u32,
	expires_at: u32,
	failures: u8,
	worker: Option<String>,
	progress: Option<Progress>,
	heartbeat_by: Option<u32>,
	accept_at: Option<u32>,
	result: Option<ResultShown>,
	model: Option<ModelId>,
}

impl Shown {
	fn new(id: JobId, record: Job<AccountId>) -> Self {
		let mut shown = Self {
			job: id,
			status: status_name(&record.status),
			requester: record.requester,
			price: Amount(record.price),
			spec: record.spec,
			created_at: record.created_at,
			expires_at: record.expires_at,
			failures: record.failures,
			worker: None,
			progress: None,
			heartbeat_by: None,
			accept_at: None,
			result: None,
			model: None,
		};
		match record.status {
			JobStatus::Claimed {
				worker,
				heartbeat_by,
				progress,
				..
			} => {
				shown.worker = Some(address(&worker));
				shown.heartbeat_by = Some(heartbeat_by);
				shown.progress = Some(progress);
			}
			JobStatus::Submitted {
				worker,
				accept_at,
				result,
			} => {
				shown.worker = Some(address(&worker));
				shown.accept_at = Some(accept_at);
				shown.result = Some(ResultShown::new(&result));
			}
			JobStatus::Accepted { model } => shown.model = Some(model),
			JobStatus::Open | JobStatus::Cancelled | JobStatus::Failed | JobStatus::Expired => {}
		}
		shown
	}
}

fn status_name(status: &JobStatus<AccountId>) -> &'static str {
	match status {
		JobStatus::Open => "open",
		JobStatus::Claimed { .. } => "claimed",
		JobStatus::Submitted { .. } => "submitted",
		JobStatus::Accepted { .. } => "accepted",
		JobStatus::Cancelled => "cancelled",
		JobStatus::Failed => "failed",
		JobStatus::Expired => "expired",
	}
}

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Request {
			base,
			model,
			dataset,
			price,
			order,
		} => {
			let parent = match (base, model) {
				(Some(base), _) => Parent::Base(base),
				(None, Some(model)) => Parent::Model(model),
				(None, None) => return Err(Failure::usage("say --base or --model").into()),
			};
			request(context, parent, &dataset, price, order).await
		}
		Command::List => list(context).await,
		Command::Show { job, wait, timeout } => {
			let chain = context.chain().await?;
			let record = match wait {
				Some(until) => wait_for(&chain, job, until, Duration::from_secs(timeout)).await?,
				None => get(&chain, job).await?,
			};
			context.print(&Shown::new(job, record), describe)?;
			Ok(ExitCode::SUCCESS)
		}
		Command::Accept { job } => accept(context, job).await,
		Command::Cancel { job } => change(context, calls::cancel_job(job), job).await,
		Command::ReportMissed { job } => change(context, calls::report_missed(job), job).await,
		Command::Expire { job } => change(context, calls::expire_job(job), job).await,
	}
}

async fn request(
	context: &Context,
	parent: Parent,
	datasets: &[Dataset],
	price: Amount,
	order: Order,
) -> Result<ExitCode> {
	let signer = context.signer()?;
	let (method, hyperparameters) = order.resolve()?;
	let chain = context.chain().await?;
	let mut references = Vec::with_capacity(datasets.len());
	for dataset in datasets {
		references.push(newest(&chain, dataset).await?);
	}
	let references = references
		.try_into()
		.map_err(|_| Failure::usage("these are more datasets than one training may combine"))?;
	let spec = TrainingSpec {
		parent,
		datasets: references,
		method,
		hyperparameters,
	};
	spec.validate().map_err(|error| match error {
		SpecError::Datasets => Failure::usage("a dataset is named twice, or is at version 0, which has no items"),
		SpecError::Hyperparameters => Failure::usage("a hyperparameter is out of the range that any trainer takes"),
	})?;
	let outcome = chain
		.submit(&signer, calls::request_job(spec.clone(), price.0), Wait::InBlock)
		.await?;
	let job: JobId = outcome.field("Models", "JobRequested")?;
	let done = serde_json::json!({
		"job": job,
		"block": outcome.block,
		"price": price,
		"spec": spec,
		"digest": hex::encode(spec.digest()),
	});
	context.print(&done, |_| {
		format!(
			"job {job} was requested in block {}; {price} OPEN are in escrow",
			outcome.block
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

/// What a dataset is at this moment: the version asked for, or the newest, without what was taken down.
async fn newest<C: Chain + ?Sized>(chain: &C, dataset: &Dataset) -> Result<DatasetRef> {
	let datanet = dataset.datanet;
	let record = Query::new(chain).datanet(datanet).await?;
	let record = record.ok_or_else(|| not_found("Datanet", datanet, "see them with `openledger datanet list`"))?;
	Ok(DatasetRef {
		datanet,
		version: dataset.version.unwrap_or(record.version),
		// The chain takes no order without all that is taken down by now.
		exclusions: record.exclusions,
	})
}

async fn get<C: Chain + ?Sized>(chain: &C, job: JobId) -> Result<Job<AccountId>> {
	let record = Query::new(chain).job(job).await?;
	record.ok_or_else(|| not_found("job", job, "see them with `openledger job list`"))
}

/// Waits until the job has come as far as `until`; an error if it ends before.
async fn wait_for<C: Chain + ?Sized>(chain: &C, id: JobId, until: Until, limit: Duration) -> Result<Job<AccountId>> {
	let waiting = async {
		let mut heads = chain.heads().await?;
		loop {
			let record = get(chain, id).await?;
			let reached = match record.status {
				JobStatus::Open => None,
				JobStatus::Claimed { .. } => Some(Until::Claimed),
				JobStatus::Submitted { .. } => Some(Until::Submitted),
				JobStatus::Accepted { .. } => Some(Until::Accepted),
				JobStatus::Cancelled | JobStatus::Failed | JobStatus::Expired => {
					return Err(Failure::new(format!("job {id} is {}", status_name(&record.status))).into())
				}
			};
			if reached >= Some(until) {
				return Ok(record);
			}
			match heads.next().await {
				Some(head) => drop(head?),
				None => heads = chain.heads().await?,
			}
		}
	};
	tokio::time::timeout(limit, waiting).await.unwrap_or_else(|_| {
		Err(
			Failure::new(format!("job {id} did not come that far within {} s", limit.as_secs()))
				.hint("is a worker running? See `openledger worker list`")
				.into(),
		)
	})
}

async fn accept(context: &Context, job: JobId) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, calls::accept_result(job), Wait::InBlock).await?;
	type Fields = (JobId, ModelId, openledger_primitives::fee::EscrowSplit);
	let (_, model, split): Fields = outcome.field("Models", "ResultAccepted")?;
	let done = serde_json::json!({
		"job": job,
		"model": model,
		"block": outcome.block,
		"split": {
			"worker": Amount(split.worker),
			"contributors": Amount(split.contributors),
			"parent": Amount(split.parent),
			"treasury": Amount(split.treasury),
		},
	});
	context.print(&done, |_| {
		format!(
			"model {model} was registered in block {}; paid: worker {}, contributors {}, parent's owner {}, treasury {} OPEN",
			outcome.block,
			Amount(split.worker),
			Amount(split.contributors),
			Amount(split.parent),
			Amount(split.treasury)
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn change(context: &Context, call: Call, job: JobId) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let record = Query::new(&chain).job(job).await?.context("the job is gone")?;
	let status = status_name(&record.status);
	let done = serde_json::json!({ "job": job, "status": status, "block": outcome.block });
	context.print(&done, |_| {
		format!("job {job} is {status} since block {}", outcome.block)
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn list(context: &Context) -> Result<ExitCode> {
	let chain = context.chain().await?;
	let jobs = Query::new(&chain).jobs().await?.into_iter();
	let shown: Vec<_> = jobs.map(|(id, record)| Shown::new(id, record)).collect();
	context.print(&shown, |shown| {
		let row = |job: &Shown| {
			vec![
				job.job.to_string(),
				job.status.into(),
				job.price.to_string(),
				output::short(&address(&job.requester)),
				job.worker.as_deref().map(output::short).unwrap_or_default(),
			]
		};
		output::table(
			&["job", "status", "price", "requester", "worker"],
			&shown.iter().map(row).collect::<Vec<_>>(),
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

fn describe(shown: &Shown) -> String {
	let datasets: Vec<_> = shown
		.spec
		.datasets
		.iter()
		.map(|dataset| {
			let without = match dataset.exclusions {
				0 => String::new(),
				count => format!(" without exclusions 1 to {count}"),
			};
			format!("{}@{}{without}", dataset.datanet, dataset.version)
		})
		.collect();
	let mut rows = vec![
		("job", shown.job.to_string()),
		("status", shown.status.into()),
		("requester", address(&shown.requester)),
		("price", format!("{} OPEN", shown.price)),
		("data", datasets.join(", ")),
	];
	if let Some(worker) = &shown.worker {
		rows.push(("worker", worker.clone()));
	}
	if let Some(progress) = &shown.progress {
		let loss = progress.loss_micro as f64 / 1e6;
		rows.push((
			"progress",
			format!("step {} of {}, loss {loss:.4}", progress.step, progress.steps),
		));
	}
	if let Some(result) = &shown.result {
		rows.extend(result.rows());
	}
	if let Some(model) = shown.model {
		rows.push(("model", model.to_string()));
	}
	output::fields(&rows)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[tokio::test]
	async fn an_order_should_name_the_newest_number_of_exclusions() {
		let chain = chain_client::Memory::new();
		let record: openledger_primitives::item::Datanet<AccountId> = openledger_primitives::item::Datanet {
			owner: AccountId::new([1; 32]),
			modality: openledger_primitives::format::Modality::Text,
			name: Default::default(),
			description: Default::default(),
			policy: openledger_primitives::item::Policy::open(openledger_primitives::format::Modality::Text, 1),
			closed: false,
			version: 9,
			root: [0; 32],
			points: 0,
			rejected: 0,
			in_review: 0,
			exclusions: 4,
		};
		chain.set(chain_client::keys::numbered("Datanets", "Datanets", 3u32), record);
		for (text, version) in [("3@latest", 9), ("3@5", 5)] {
			let dataset = newest(&chain, &text.parse().unwrap()).await.unwrap();
			assert_eq!(
				dataset,
				DatasetRef {
					datanet: 3,
					version,
					exclusions: 4
				}
			);
		}
		assert!(newest(&chain, &"4@5".parse().unwrap()).await.is_err());
	}

	#[test]
	fn datasets_should_be_read_with_and_without_a_version() {
		assert_eq!(
			"3@120".parse(),
			Ok(Dataset {
				datanet: 3,
				version: Some(120)
			})
		);
		assert_eq!(
			"3@latest".parse(),
			Ok(Dataset {
				datanet: 3,
				version: None
			})
		);
		for text in ["3", "a@1", "3@", "3@-1"] {
			assert!(text.parse::<Dataset>().is_err(), "{text}");
		}
	}
}
