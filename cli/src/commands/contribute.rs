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
	format::Modality,
	item::Content,
	payload::{possession, CidCodec, Payload},
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
/// The largest file in bytes that is read into memory, forced or not.
const MAX_READ: u64 = 64 << 20;

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
	/// Of a file that was read.
	cid: Option<String>,
	sha256: Option<String>,
	size: u64,
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
	/// Bytes.
	size: u64,
	/// A file that is too large is not read, unless it was forced: its digests are then all zero.
	read: bool,
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
		jobs.push(read(path, &rules, &signer, args.force).await?);
	}
	let candidates: Vec<_> = jobs.iter().map(|job| job.candidate.clone()).collect();
	let digests: Vec<_> = candidates.iter().map(|candidate| candidate.payload.sha256).collect();
	let contents: Vec<Content> = Query::new(&chain).contents(&digests).await?;
	for (job, problem) in jobs.iter_mut().zip(check(&rules, &candidates, &contents)) {
		let problem = if job.read {
			problem
		} else {
			Some(Problem::FileTooLarge {
				size: job.size,
				cap: rules.max_file_bytes(),
			})
		};
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
		policy: record.policy,
		limits: params.limits,
		now: query.now().await?,
		used: query.day_use(signer.account()).await?,
		datanet_used: query.datanet_day_use(signer.account(), datanet).await?,
	})
}

/// Reads and hashes a file; one above the cap only if it is forced.
async fn read(path: &Path, rules: &Rules, signer: &Signer, force: bool) -> Result<Job> {
	let metadata = tokio::fs::metadata(path)
		.await
		.with_context(|| path.display().to_string())?;
	if metadata.is_dir() {
		return Err(Failure::usage(format!("{} is a folder", path.display()))
			.hint("name files, such as FOLDER/*.md")
			.into());
	}
	let length = metadata.len();
	if !force && length > rules.max_file_bytes().into() {
		return Ok(unread(path, length, rules.modality));
	}
	if length > MAX_READ {
		let (length, most) = (output::bytes(length), output::bytes(MAX_READ));
		return Err(Failure::usage(format!("{} has {length}", path.display()))
			.hint(format!("even with --force a file has {most} at most"))
			.into());
	}
	let bytes = tokio::fs::read(path)
		.await
		.with_context(|| path.display().to_string())?;
	let (path, account): (_, [u8; 32]) = (path.to_owned(), *signer.account().as_ref());
	let modality = rules.modality;
	let job = tokio::task::spawn_blocking(move || {
		let named = format_of(&path);
		let format = named.unwrap_or_else(|| fallback_format(modality));
		let payload = payload_store::import(&bytes).payload(format);
		let matches = format.matches(&bytes);
		let candidate = Candidate {
			path,
			payload,
			known_extension: named.is_some(),
			matches,
		};
		Job {
			candidate,
			size: length,
			read: true,
			problem: None,
			failure: None,
			possession: possession(&account, &bytes),
		}
	});
	Ok(job.await?)
}

/// A file that is too large to be sent, of which only the size is known.
fn unread(path: &Path, length: u64, modality: Modality) -> Job {
	let named = format_of(path);
	Job {
		candidate: Candidate {
			path: path.to_owned(),
			payload: Payload {
				sha256: [0; 32],
				root: [0; 32],
				codec: CidCodec::Raw,
				size: u32::try_from(length).unwrap_or(u32::MAX),
				format: named.unwrap_or_else(|| fallback_format(modality)),
			},
			known_extension: named.is_some(),
			matches: true,
		},
		size: length,
		read: false,
		problem: None,
		failure: None,
		possession: [0; 32],
	}
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
			cid: job.read.then(|| payload.cid().to_string()),
			sha256: job.read.then(|| hex::encode(payload.sha256)),
			size: job.size,
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
				output::bytes(file.size),
				file.block.map(|block| block.to_string()).unwrap_or_default(),
				match &file.error {
					Some(error) => format!("{}: {error}", format!("{:?}", file.status).to_lowercase()),
					None => "in review".into(),
				},
			]
		};
		let rows: Vec<_> = result.files.iter().map(row).collect();
		let table = output::table(&["file", "item", "size", "block", "outcome"], &rows);
		let why = result
			.files
			.iter()
			.filter_map(|file| Some((&file.file, file.message.as_ref()?)));
		let why: String = why.map(|(file, why)| format!("{}: {why}\n", file.display())).collect();
		format!("{table}\n{why}{submitted} of {all} files are in review.")
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

#[cfg(test)]
mod tests {
	use super::*;
	use crate::failure::classify;
	use openledger_primitives::item::Policy;

	#[tokio::test]
	async fn files_above_the_cap_should_not_be_read() {
		let folder = tempfile::tempdir().unwrap();
		// Sparse: reading it would take minutes and gigabytes.
		let huge = folder.path().join("huge.md");
		std::fs::File::create(&huge).unwrap().set_len(5 << 30).unwrap();
		let signer = Signer::from_suri("//Alice").unwrap();
		let rules = Rules {
			modality: Modality::Text,
			policy: Policy::open(Modality::Text, 10),
			limits: Default::default(),
			now: 0,
			used: Default::default(),
			datanet_used: Default::default(),
		};
		let job = read(&huge, &rules, &signer, false).await.unwrap();
		assert_eq!((job.read, job.size), (false, 5 << 30));
		let report = Report::new(&job, None);
		assert_eq!((report.cid, report.sha256), (None, None));

		let refused = read(&huge, &rules, &signer, true).await.err().unwrap();
		let (kind, hint) = classify(&refused);
		assert_eq!(kind, Kind::Usage);
		assert!(hint.unwrap().contains("67.11 MB"));

		let over = folder.path().join("over.md");
		std::fs::write(&over, "more than ten bytes").unwrap();
		assert!(!read(&over, &rules, &signer, false).await.unwrap().read);
		assert!(read(&over, &rules, &signer, true).await.unwrap().read);
	}
}
