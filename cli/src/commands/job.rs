use std::{process::ExitCode, str::FromStr, time::Duration};

use anyhow::{Context as _, Result};
use chain_client::{calls, AccountId, Call, Chain, ChainExt, Query, Wait};
use clap::{ArgGroup, Subcommand, ValueEnum};
use futures::StreamExt;
use openledger_primitives::{
	dispute::{Claim, Finding, JudgeBallot},
	model::{Job, JobStatus},
	training::{DatasetRef, Parent, SpecError, TrainingSpec},
	BaseModelId, DatanetId, JobId, ModelId,
};

use super::{
	job_shown::{describe, list, status_name, Shown},
	model::micro,
	not_found,
	order::Order,
};
use crate::{amount::Amount, context::Context, failure::Failure};

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
		/// Memory that the worker's device has to have; 0 leaves it to the worker
		#[arg(long, value_name = "MIB", default_value_t = 0)]
		min_memory_mib: u32,
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
	/// Withdraw an open job, whose price comes back, or a paused one, whose worker is paid for steps
	Cancel {
		/// The job's number
		job: JobId,
	},
	/// Stop a claimed job's clock
	Pause {
		/// The job's number
		job: JobId,
	},
	/// Let a paused job go on
	Resume {
		/// The job's number
		job: JobId,
	},
	/// Offer to train an open job
	Bid {
		/// The job's number
		job: JobId,
	},
	/// Draw one of a job's bidders
	Draw {
		/// The job's number
		job: JobId,
	},
	/// Say what the loss of the result is that you submitted
	ReportEvaluation {
		/// The job's number
		job: JobId,
		/// Nats per token, on the items that the chain drew or on those held out
		#[arg(long)]
		loss: f64,
		/// How many tokens the loss is the mean of
		#[arg(long)]
		tokens: u64,
	},
	/// Say that a result is wrong, with a bond
	Dispute {
		/// The job's number
		job: JobId,
		/// What is wrong: it was not trained as ordered, cannot be fetched, or has another loss than was reported
		#[arg(long, value_enum)]
		claim: ClaimArg,
	},
	/// Judge a disputed result: commits, and in the time to reveal reveals
	Judge {
		/// The job's number
		job: JobId,
		/// What running the segment or the evaluation again gave; the same when revealing
		#[arg(long, value_enum)]
		finding: FindingArg,
	},
	/// Close a dispute after its reveals, and again where there was no ruling
	CloseDispute {
		/// The job's number
		job: JobId,
	},
	/// Remove the record of a job that ended without a model
	Prune {
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

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ClaimArg {
	Segment,
	NotAvailable,
	Evaluation,
}

impl From<ClaimArg> for Claim {
	fn from(claim: ClaimArg) -> Self {
		match claim {
			ClaimArg::Segment => Claim::Segment,
			ClaimArg::NotAvailable => Claim::NotAvailable,
			ClaimArg::Evaluation => Claim::Evaluation,
		}
	}
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum FindingArg {
	Upheld,
	Broken,
	Unavailable,
}

impl From<FindingArg> for Finding {
	fn from(finding: FindingArg) -> Self {
		match finding {
			FindingArg::Upheld => Finding::Upheld,
			FindingArg::Broken => Finding::Broken,
			FindingArg::Unavailable => Finding::Unavailable,
		}
	}
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

pub async fn run(context: &Context, command: Command) -> Result<ExitCode> {
	match command {
		Command::Request {
			base,
			model,
			dataset,
			price,
			min_memory_mib,
			order,
		} => {
			let parent = match (base, model) {
				(Some(base), _) => Parent::Base(base),
				(None, Some(model)) => Parent::Model(model),
				(None, None) => return Err(Failure::usage("say --base or --model").into()),
			};
			let (method, dtype, hyperparameters) = order.resolve()?;
			let spec = TrainingSpec {
				parent,
				datasets: Default::default(),
				method,
				dtype,
				min_memory_mib,
				hyperparameters,
			};
			request(context, spec, &dataset, price).await
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
		Command::Pause { job } => change(context, calls::pause(job), job).await,
		Command::Resume { job } => change(context, calls::resume(job), job).await,
		Command::Bid { job } => change(context, calls::bid(job), job).await,
		Command::Draw { job } => change(context, calls::draw(job), job).await,
		Command::ReportEvaluation { job, loss, tokens } => {
			change(context, calls::report_evaluation(job, micro(loss)?, tokens), job).await
		}
		Command::Dispute { job, claim } => change(context, calls::dispute(job, claim.into()), job).await,
		Command::Judge { job, finding } => judge(context, job, finding.into()).await,
		Command::CloseDispute { job } => change(context, calls::close_dispute(job), job).await,
		Command::Prune { job } => prune(context, job).await,
		Command::ReportMissed { job } => change(context, calls::report_missed(job), job).await,
		Command::Expire { job } => change(context, calls::expire_job(job), job).await,
	}
}

/// Orders `spec` on these datasets.
async fn request(context: &Context, spec: TrainingSpec, datasets: &[Dataset], price: Amount) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let mut references = Vec::with_capacity(datasets.len());
	for dataset in datasets {
		references.push(newest(&chain, dataset).await?);
	}
	let references = references
		.try_into()
		.map_err(|_| Failure::usage("these are more datasets than one training may combine"))?;
	let spec = TrainingSpec {
		datasets: references,
		..spec
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
pub async fn newest<C: Chain + ?Sized>(chain: &C, dataset: &Dataset) -> Result<DatasetRef> {
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
				JobStatus::Claimed { .. } | JobStatus::Paused { .. } => Some(Until::Claimed),
				JobStatus::Submitted { .. } | JobStatus::Disputed { .. } => Some(Until::Submitted),
				JobStatus::Accepted { .. } => Some(Until::Accepted),
				JobStatus::Cancelled | JobStatus::Failed | JobStatus::Expired | JobStatus::Split => {
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

/// Commits to a finding, or reveals it where the time to commit is over. The salt follows from the key, so that nothing
/// has to be kept.
async fn judge(context: &Context, job: JobId, finding: Finding) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let query = Query::new(&chain);
	let dispute = query.dispute(job).await?.ok_or_else(|| {
		Failure::new(format!("nobody disputes the result of job {job}")).hint("see `openledger job dispute --help`")
	})?;
	let ballot = JudgeBallot {
		genesis: chain.genesis().await?,
		job,
		opened_at: dispute.opened_at,
		judge: signer.account(),
	};
	let salt = ballot.salt(&signer.salt_secret());
	let committing = query.active_block().await? < dispute.commit_until;
	let call = if committing {
		calls::judge_commit(job, ballot.commitment(finding, &salt))
	} else {
		calls::judge_reveal(job, finding, salt)
	};
	let outcome = chain.submit(&signer, call, Wait::InBlock).await?;
	let segment = outcome
		.find("Models", "JudgeCommitted")
		.map(|event| event.decode::<(JobId, AccountId, u32)>())
		.transpose()?
		.map(|(_, _, segment)| segment);
	let done = serde_json::json!({
		"job": job,
		"finding": finding,
		"segment": segment,
		"committed": committing,
		"block": outcome.block,
	});
	context.print(&done, |_| {
		if committing {
			format!(
				"committed in block {}; reveal by the same command after active block {}",
				outcome.block, dispute.commit_until
			)
		} else {
			format!("revealed in block {}", outcome.block)
		}
	})?;
	Ok(ExitCode::SUCCESS)
}

async fn prune(context: &Context, job: JobId) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let outcome = chain.submit(&signer, calls::prune_job(job), Wait::InBlock).await?;
	let done = serde_json::json!({ "job": job, "block": outcome.block });
	context.print(&done, |_| {
		format!("the record of job {job} was removed in block {}", outcome.block)
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
