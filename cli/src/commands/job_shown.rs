use std::process::ExitCode;

use anyhow::Result;
use chain_client::{address, AccountId, Query};
use openledger_primitives::{
	evaluation::ResultEvaluation,
	model::{Job, JobStatus, Progress},
	training::TrainingSpec,
	JobId, ModelId,
};
use serde::Serialize;

use super::{evaluated::EvaluatedShown, model::ResultShown};
use crate::{amount::Amount, context::Context, output};

/// A job for output.
#[derive(Serialize)]
pub struct Shown {
	job: JobId,
	status: &'static str,
	#[serde(serialize_with = "output::account")]
	requester: AccountId,
	price: Amount,
	spec: TrainingSpec,
	created_at: u32,
	bids_until: u32,
	expires_at: u32,
	failures: u8,
	paused_blocks: u32,
	worker: Option<String>,
	progress: Option<Progress>,
	heartbeat_by: Option<u32>,
	/// Of a paused job: from this active block on anybody can resume it.
	resume_at: Option<u32>,
	accept_at: Option<u32>,
	/// Of a result that is not evaluated: its worker says by this active block what its loss is.
	evaluate_by: Option<u32>,
	result: Option<ResultShown>,
	evaluation: Option<EvaluatedShown>,
	model: Option<ModelId>,
}

impl Shown {
	pub fn new(id: JobId, record: Job<AccountId>) -> Self {
		let mut shown = Self {
			job: id,
			status: status_name(&record.status),
			requester: record.requester,
			price: Amount(record.price),
			spec: record.spec,
			created_at: record.created_at,
			bids_until: record.bids_until,
			expires_at: record.expires_at,
			failures: record.failures,
			paused_blocks: record.paused_blocks,
			worker: None,
			progress: None,
			heartbeat_by: None,
			resume_at: None,
			accept_at: None,
			evaluate_by: None,
			result: None,
			evaluation: None,
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
			JobStatus::Paused {
				worker,
				until,
				progress,
				..
			} => {
				shown.worker = Some(address(&worker));
				shown.resume_at = Some(until);
				shown.progress = Some(progress);
			}
			JobStatus::Submitted {
				worker,
				accept_at,
				result,
				evaluation,
			}
			| JobStatus::Disputed {
				worker,
				accept_at,
				result,
				evaluation,
			} => {
				shown.worker = Some(address(&worker));
				shown.accept_at = Some(accept_at);
				shown.result = Some(ResultShown::new(&result));
				match &evaluation {
					ResultEvaluation::Due { evaluate_by, .. } => shown.evaluate_by = Some(*evaluate_by),
					ResultEvaluation::Reported(evaluation) => {
						let evaluated = EvaluatedShown::new(id, &shown.spec.datasets, evaluation);
						shown.evaluation = Some(evaluated);
					}
				}
			}
			JobStatus::Accepted { model } => shown.model = Some(model),
			JobStatus::Open | JobStatus::Cancelled | JobStatus::Failed | JobStatus::Expired | JobStatus::Split => {}
		}
		shown
	}
}

pub fn status_name(status: &JobStatus<AccountId>) -> &'static str {
	match status {
		JobStatus::Open => "open",
		JobStatus::Claimed { .. } => "claimed",
		JobStatus::Paused { .. } => "paused",
		JobStatus::Submitted { .. } => "submitted",
		JobStatus::Disputed { .. } => "disputed",
		JobStatus::Accepted { .. } => "accepted",
		JobStatus::Cancelled => "cancelled",
		JobStatus::Failed => "failed",
		JobStatus::Expired => "expired",
		JobStatus::Split => "split",
	}
}

pub async fn list(context: &Context) -> Result<ExitCode> {
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

pub fn describe(shown: &Shown) -> String {
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
	rows.extend(shown.evaluation.as_ref().map(EvaluatedShown::row));
	if let Some(model) = shown.model {
		rows.push(("model", model.to_string()));
	}
	output::fields(&rows)
}
