use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use chain_client::{calls, Chain, ChainError, Outcome, Query, Signer, Wait};
use futures::{stream, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use openledger_primitives::{
	item::Content,
	payload::{possession, Payload},
	DatanetId, ItemId,
};
use payload_store::{PayloadStore, StoreError};
use serde::Serialize;

use super::{
	not_found,
	preflight::{check, fallback_format, format_of, Candidate, Problem, QuotaLeft, Rules},
};
use crate::{
	amount::Amount,
	context::Context,
	failure::{Failure, Kind},
	output,
};

/// Files sent to the gateway at once.
const UPLOADS: usize = 4;

#[derive(clap::Args)]
pub struct Args {
	/// The files
	#[arg(required = true)]
	files: Vec<PathBuf>,
	/// Where to
	#[arg(long, value_name = "NUMBER")]
	datanet: DatanetId,
	/// Send files too that would be refused, and let the chain decide
	#[arg(long)]
	force: bool,
}

/// How far a file came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
	/// On chain, in review.
	Submitted,
	/// The chain refused it.
	Refused,
	/// Not sent, because the chain or the validators would refuse it.
	Skipped,
	/// Not uploaded, or no block took it.
	Failed,
}

/// What became of one file.
#[derive(Serialize)]
struct Report {
	file: PathBuf,
	status: Status,
	item: Option<ItemId>,
	cid: String,
	sha256: String,
	size: u32,
	block: Option<u32>,
	/// The review fee.
	fee: Option<Amount>,
	/// The name of the error or problem, the chain's where it is the chain's.
	error: Option<String>,
	message: Option<String>,
}

#[derive(Serialize)]
struct Contribution {
	datanet: DatanetId,
	quota: QuotaLeft,
	submitted: usize,
	files: Vec<Report>,
}

/// A file on its way: its bytes are read again for the upload, so that not all are in memory at once.
struct Job {
	candidate: Candidate,
	problem: Option<Problem>,
	failure: Option<(String, String)>,
	possession: [u8; 32],
}

pub async fn run(context: &Context, args: Args) -> Result<ExitCode> {
	let signer = context.signer()?;
	let chain = context.chain().await?;
	let rules = rules(&chain, &signer, args.datanet).await?;
	context.note(rules.describe());

	let mut jobs = Vec::with_capacity(args.files.len());
	for path in &args.files {
		jobs.push(read(path, &rules, &signer).await?);
	}
	let candidates: Vec<_> = jobs.iter().map(|job| job.candidate.clone()).collect();
	let digests: Vec<_> = candidates.iter().map(|candidate| candidate.payload.sha256).collect();
	let contents: Vec<Content> = Query::new(&chain).contents(&digests).await?;
	for (job, problem) in jobs.iter_mut().zip(check(&rules, &candidates, &contents)) {
		if let Some(problem) = &problem {
			context.note(format!("{}: {}", job.candidate.path.display(), problem.message()));
		}
		job.problem = problem;
	}

	let store = context.payloads()?;
	if jobs.iter().any(|job| job.problem.is_none() || args.force) {
		store.health().await.context("nothing was sent")?;
	}
	upload(context, &store, &mut jobs, args.force).await;
	let reports = submit(context, &chain, &signer, args.datanet, &jobs, args.force).await?;
	finish(context, args.datanet, rules.quota_left(), reports)
}

async fn rules<C: Chain + ?Sized>(chain: &C, signer: &Signer, datanet: DatanetId) -> Result<Rules> {
	let query = Query::new(chain);
	let record = query.datanet(datanet).await?;
	let record = record.ok_or_else(|| not_found("Datanet", datanet, "see them with `openledger datanet list`"))?;
	if record.closed {
		return Err(Failure::new(format!("Datanet {datanet} is closed")).into());
	}
	let params = query.datanet_params().await?;
	Ok(Rules {
		modality: record.modality,
		max_file_bytes: record.max_file_bytes.min(params.limits.file_bytes),
		limits: params.limits,
		now: query.now().await?,
		used: query.day_use(signer.account()).await?,
		datanet_used: query.datanet_day_use(signer.account(), datanet).await?,
	})
}

/// Reads and hashes a file.
async fn read(path: &Path, rules: &Rules, signer: &Signer) -> Result<Job> {
	let metadata = tokio::fs::metadata(path)
		.await
		.with_context(|| path.display().to_string())?;
	if metadata.is_dir() {
		return Err(Failure::usage(format!("{} is a folder", path.display()))
			.hint("name files, such as FOLDER/*.md")
			.into());
	}
	let size = u32::try_from(metadata.len())
		.map_err(|_| Failure::usage(format!("{} has more bytes than any chain takes", path.display())))?;
	let bytes = tokio::fs::read(path)
		.await
		.with_context(|| path.display().to_string())?;
	let (path, account): (_, [u8; 32]) = (path.to_owned(), *signer.account().as_ref());
	let modality = rules.modality;
	let job = tokio::task::spawn_blocking(move || {
		let imported = payload_store::import(&bytes);
		let named = format_of(&path);
		let format = named.unwrap_or_else(|| fallback_format(modality));
		let payload = Payload {
			sha256: imported.sha256,
			root: imported.cid.digest,
			codec: imported.cid.codec,
			size,
			format,
		};
		let matches = format.matches(&bytes);
		let candidate = Candidate {
			path,
			payload,
			known_extension: named.is_some(),
			matches,
		};
		Job {
			candidate,
			problem: None,
			failure: None,
			possession: possession(&account, &bytes),
		}
	});
	Ok(job.await?)
}

/// Uploads what is to be sent. A file that the gateway does not take is not submitted, unless it was forced.
async fn upload(context: &Context, store: &dyn PayloadStore, jobs: &mut [Job], force: bool) {
	let wanted: Vec<&mut Job> = jobs.iter_mut().filter(|job| job.problem.is_none() || force).collect();
	let bar = progress(context, "uploading", wanted.len());
	stream::iter(wanted)
		.for_each_concurrent(UPLOADS, |job| {
			let bar = bar.clone();
			async move {
				if let Err(error) = upload_one(store, job).await {
					let forced = job.problem.is_some();
					if !forced {
						job.failure = Some(("UploadFailed".into(), format!("{error:#}")));
					}
				}
				bar.inc(1);
			}
		})
		.await;
	bar.finish_and_clear();
}

async fn upload_one(store: &dyn PayloadStore, job: &Job) -> Result<()> {
	let bytes = tokio::fs::read(&job.candidate.path)
		.await
		.context("reading the file again")?;
	let stored = store.put(Bytes::from(bytes)).await?;
	if stored.cid != job.candidate.payload.cid() {
		let (expected, got) = (job.candidate.payload.cid(), stored.cid.to_string());
		return Err(StoreError::WrongCid { expected, got }).context("the file changed while it was read");
	}
	Ok(())
}

/// Submits all files at once and waits for their blocks.
async fn submit(
	context: &Context,
	chain: &impl Chain,
	signer: &Signer,
	datanet: DatanetId,
	jobs: &[Job],
	force: bool,
) -> Result<Vec<Report>> {
	let sent: Vec<_> = jobs
		.iter()
		.filter(|job| job.failure.is_none() && (job.problem.is_none() || force))
		.collect();
	let calls = sent
		.iter()
		.map(|job| calls::submit(datanet, job.candidate.payload, job.possession))
		.collect();
	let mut outcomes: Vec<Option<chain_client::Result<Outcome>>> = sent.iter().map(|_| None).collect();
	let bar = progress(context, "submitting", sent.len());
	if !sent.is_empty() {
		let mut stream = chain.send(signer, calls, Wait::InBlock).await?;
		while let Some((index, outcome)) = stream.next().await {
			outcomes[index] = Some(outcome);
			bar.inc(1);
		}
	}
	bar.finish_and_clear();
	let mut outcomes = outcomes.into_iter();
	let report = |job: &Job| {
		let was_sent = job.failure.is_none() && (job.problem.is_none() || force);
		Report::new(job, if was_sent { outcomes.next().flatten() } else { None })
	};
	Ok(jobs.iter().map(report).collect())
}

impl Report {
	fn new(job: &Job, outcome: Option<chain_client::Result<Outcome>>) -> Self {
		let payload = &job.candidate.payload;
		let mut report = Self {
			file: job.candidate.path.clone(),
			status: Status::Failed,
			item: None,
			cid: payload.cid().to_string(),
			sha256: hex::encode(payload.sha256),
			size: payload.size,
			block: None,
			fee: None,
			error: None,
			message: None,
		};
		match outcome {
			Some(Ok(outcome)) => report.executed(outcome),
			Some(Err(error)) => {
				report.error = Some("NotTaken".into());
				report.message = Some(error.to_string());
			}
			None => report.not_sent(job),
		}
		report
	}

	fn executed(&mut self, outcome: Outcome) {
		self.block = Some(outcome.block);
		if let Some(error) = outcome.error {
			self.status = Status::Refused;
			self.error = Some(error.name);
			self.message = Some(error.docs);
			return;
		}
		match submitted(&outcome) {
			Ok((item, fee)) => {
				self.status = Status::Submitted;
				self.item = Some(item);
				self.fee = Some(Amount(fee));
			}
			Err(error) => self.message = Some(error.to_string()),
		}
	}

	fn not_sent(&mut self, job: &Job) {
		let (status, name, message) = match (&job.failure, &job.problem) {
			(Some((name, message)), _) => (Status::Failed, name.clone(), message.clone()),
			(None, Some(problem)) => (Status::Skipped, problem.name().into(), problem.message()),
			(None, None) => (
				Status::Failed,
				"NotTaken".into(),
				"the node said nothing about it".into(),
			),
		};
		self.status = status;
		self.error = Some(name);
		self.message = Some(message);
	}
}

/// Item and review fee of `Datanets.ItemSubmitted`.
fn submitted(outcome: &Outcome) -> Result<(ItemId, u128), ChainError> {
	type Fields = (ItemId, DatanetId, [u8; 32], [u8; 32], u128);
	let (item, _, _, _, fee): Fields = outcome.field("Datanets", "ItemSubmitted")?;
	Ok((item, fee))
}

fn finish(context: &Context, datanet: DatanetId, quota: QuotaLeft, files: Vec<Report>) -> Result<ExitCode> {
	let count = |status| files.iter().filter(|file| file.status == status).count();
	let (submitted, refused) = (count(Status::Submitted), count(Status::Refused));
	let all = files.len();
	let result = Contribution {
		datanet,
		quota,
		submitted,
		files,
	};
	context.print(&result, |result| {
		let row = |file: &Report| {
			vec![
				file.file.display().to_string(),
				file.item.map(|item| item.to_string()).unwrap_or_default(),
				output::bytes(file.size.into()),
				file.block.map(|block| block.to_string()).unwrap_or_default(),
				match &file.error {
					Some(error) => format!("{}: {error}", format!("{:?}", file.status).to_lowercase()),
					None => "in review".into(),
				},
			]
		};
		let rows: Vec<_> = result.files.iter().map(row).collect();
		let table = output::table(&["file", "item", "size", "block", "outcome"], &rows);
		format!("{table}\n{submitted} of {all} files are in review.")
	})?;
	Ok(match () {
		() if submitted == all => ExitCode::SUCCESS,
		() if refused > 0 => Kind::Refused.code(),
		() => Kind::Failed.code(),
	})
}

fn progress(context: &Context, what: &'static str, length: usize) -> ProgressBar {
	let target = if context.interactive() {
		ProgressDrawTarget::stderr()
	} else {
		ProgressDrawTarget::hidden()
	};
	let bar = ProgressBar::with_draw_target(Some(length as u64), target);
	if let Ok(style) = ProgressStyle::with_template("{msg:10} {bar:30} {pos}/{len} {elapsed}") {
		bar.set_style(style);
	}
	bar.set_message(what);
	bar
}
