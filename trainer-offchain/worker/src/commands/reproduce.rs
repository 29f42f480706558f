//! `reproduce`: repeats the run of a manifest, or one segment of it, and compares what comes out.

use crate::log::tell;
use crate::stop::{Stop, STOPPED};
use crate::worker::cache::{create_dir, Cache, Wanted};
use crate::worker::prepare::file_name;
use crate::worker::record::{FileRecord, JobManifest};
use crate::worker::{mark, GATEWAY};
use anyhow::{bail, ensure, Context, Result};
use openledger_finetune::checkpoints::{read_intact, CheckpointRecord};
use openledger_finetune::hash::hash_file;
use openledger_finetune::rerun::{self, check_files, compare, config_of, is_exact, repeat, Segment};
use openledger_finetune::state::{read_tensors, State, Values};
use openledger_finetune::{kernel::kernel_path, Manifest};
use payload_store::{Cid, GatewayClient, Kind, PayloadStore};
use serde::Serialize;
use serde_json::json;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Exit status of a run that repeated, and gave something else.
const DIFFERS: u8 = 3;
/// Lines that tell of the steps.
const LINES: usize = 20;
/// For one answer of the gateway.
const DEADLINE: Duration = Duration::from_secs(3_600);

#[derive(clap::Args)]
pub struct Args {
	/// manifest.json of a run, or of a job
	manifest: PathBuf,
	/// Repeat only what leads from checkpoint K-1 to checkpoint K, counted from 0
	#[arg(long, value_name = "K")]
	segment: Option<usize>,
	/// Folder of the base model; a job's files are fetched without it
	#[arg(long, value_name = "DIR", requires = "data")]
	model: Option<PathBuf>,
	/// The data
	#[arg(long, value_name = "PATH", requires = "model")]
	data: Option<PathBuf>,
	/// Folder of the adapter that the run continued
	#[arg(long, value_name = "DIR", requires = "model")]
	init_adapter: Option<PathBuf>,
	/// The run's folder, with its result and checkpoints; by default the manifest's
	#[arg(long, value_name = "DIR", requires = "model")]
	run: Option<PathBuf>,
	/// The gateway that a job's files are fetched from
	#[arg(long, value_name = "URL", default_value = GATEWAY, env = "OPENLEDGER_GATEWAY")]
	gateway: String,
	/// Folder for what is fetched; by default a temporary one
	#[arg(long, value_name = "DIR")]
	work_dir: Option<PathBuf>,
	/// cpu, cuda or cuda:N
	#[arg(long, default_value = "cpu")]
	device: String,
}

/// What was found, as it is printed.
#[derive(Serialize)]
pub struct Found {
	/// None: the whole run.
	segment: Option<usize>,
	from_step: usize,
	until_step: usize,
	/// Whether every byte had to be equal: code, kernel path, device and threads are as the manifest declares.
	pub exact: bool,
	pub equal: bool,
	/// How far apart, as a share of the way that the steps went.
	deviation: f64,
	expected_sha256: String,
	pub found_sha256: String,
	declared_kernel_path: String,
	kernel_path: String,
	threads: usize,
}

/// A manifest of either kind.
pub struct Declared {
	run: Manifest,
	job: Option<JobManifest>,
}

/// Where the files are.
pub struct Files {
	model: PathBuf,
	data: PathBuf,
	init_adapter: Option<PathBuf>,
	/// The result's tensors.
	result: PathBuf,
	/// The checkpoints that are needed, by their number.
	checkpoints: HashMap<usize, PathBuf>,
}

pub fn run(args: Args) -> Result<ExitCode> {
	let stop = Stop::listen()?;
	let declared = Declared::read(&args.manifest)?;
	let part = Part::of(&declared.run, args.segment)?;
	let temporary = tempfile::tempdir()?;
	let home = args.work_dir.as_deref().unwrap_or(temporary.path());
	let files = match (&args.model, &args.data, &declared.job) {
		(Some(model), Some(data), _) => local(&args, &declared.run, model, data, &part),
		(_, _, Some(job)) => {
			std::fs::create_dir_all(home).with_context(|| super::show(home))?;
			let artifacts = GatewayClient::new(&args.gateway, Kind::Artifact, DEADLINE)?;
			let payloads = artifacts.of_kind(Kind::Payload);
			let runtime = tokio::runtime::Runtime::new().context("the async runtime")?;
			runtime.block_on(fetch(job, &part, home, &artifacts, &payloads))?
		}
		_ => bail!("this manifest is of a run, whose files are in no store: give --model and --data"),
	};
	match reproduce(&declared, &part, &files, &args.device, &stop)? {
		Some(found) => {
			super::print_json(&found)?;
			Ok(ExitCode::from(if found.equal { 0 } else { DIFFERS }))
		}
		None => {
			tell("stopped", json!({}));
			Ok(ExitCode::from(STOPPED))
		}
	}
}

/// What of a run is repeated.
pub struct Part {
	segment: Segment,
	/// Whether it is compared with the checkpoint at its end; otherwise with the result.
	by_checkpoint: bool,
}

impl Part {
	/// Segment `number` of a run, or all of it.
	pub fn of(run: &Manifest, number: Option<usize>) -> Result<Self> {
		let by_checkpoint = number.is_some() && !run.checkpoints.is_empty();
		let every = if by_checkpoint { run.inputs.checkpoint_every } else { 0 };
		let segment = Segment::of(number.unwrap_or(0), every, run.steps)?;
		ensure!(
			!by_checkpoint || segment.number < run.checkpoints.len(),
			"the manifest names only {} checkpoints",
			run.checkpoints.len()
		);
		Ok(Self { segment, by_checkpoint })
	}

	/// The checkpoints that are needed: those at both ends.
	fn ends(&self) -> Vec<usize> {
		let number = self.segment.number;
		match self.by_checkpoint {
			true => (number.saturating_sub(1)..=number).collect(),
			false => Vec::new(),
		}
	}
}

/// Repeats it and compares; nothing where it was stopped.
pub fn reproduce(declared: &Declared, part: &Part, files: &Files, device: &str, stop: &Stop) -> Result<Option<Found>> {
	let (run, segment) = (&declared.run, part.segment);
	let mut config = config_of(run, &files.model, &files.data, files.init_adapter.as_deref())?;
	config.device = device.into();
	check_files(&run.inputs, &config)?;
	let exact = is_exact(&run.inputs, &config)?;
	let kernel_path = kernel_path(&openledger_finetune::run::device(device)?, config.dtype)?;
	let state =
		|number: usize| -> Result<State> { Ok(read_intact(&files.checkpoints[&number], &run.checkpoints[number])?) };
	let before = segment.number.checked_sub(1);
	let from = before.map(state).transpose()?;
	let repeated = repeat(config.clone(), segment, from, &mut |m| {
		if m.step.is_multiple_of((m.total_steps / LINES).max(1)) {
			let line = format!("step {}/{}  loss {:.4}", m.step, segment.until, m.loss);
			tell(&line, json!(m));
		}
		stop.asked()
	})?;
	let Some(end) = repeated.end else {
		return Ok(None);
	};
	ensure!(
		repeated.total_steps == run.inputs.total_steps,
		"the configuration takes {} steps, but the manifest says {}",
		repeated.total_steps,
		run.inputs.total_steps
	);
	let scratch = tempfile::tempdir()?;
	let made = scratch.path().join("made.safetensors");
	let (expected, expected_sha256) = if part.by_checkpoint {
		std::fs::write(&made, end.to_bytes()?)?;
		(state(segment.number)?, run.checkpoints[segment.number].sha256.clone())
	} else {
		write_result(&end, declared, &made)?;
		result(run, &files.result, &end)?
	};
	let compared = compare(exact, &expected, &end, || {
		rerun::start(&config, before.map(|before| files.checkpoints[&before].as_path()))
	})?;
	let found_sha256 = hash_file(&made, "")?.sha256;
	Ok(Some(Found {
		segment: part.by_checkpoint.then_some(segment.number),
		from_step: segment.from,
		until_step: segment.until,
		exact,
		equal: if exact {
			expected_sha256 == found_sha256
		} else {
			compared.equal
		},
		deviation: compared.deviation,
		expected_sha256,
		found_sha256,
		declared_kernel_path: run.inputs.kernel_path.clone(),
		kernel_path,
		threads: run.inputs.threads,
	}))
}

/// The state that the published result is of, and its sha256.
fn result(run: &Manifest, path: &Path, end: &State) -> Result<(State, String)> {
	let name = run.inputs.result_tensors();
	let declared = run.output_files.iter().find(|file| file.name == name);
	let sha256 = &declared
		.with_context(|| format!("the manifest names no {name}"))?
		.sha256;
	let found = hash_file(path, "")?;
	ensure!(
		found.sha256 == *sha256,
		"{} has sha256 {}, but the manifest says {sha256}",
		super::show(path),
		found.sha256
	);
	let expected = end.with_trained(read_tensors(path)?);
	let expected = expected.context("the result has other tensors than the run trains")?;
	Ok((expected, found.sha256))
}

impl Declared {
	fn read(path: &Path) -> Result<Self> {
		let name = || super::show(path);
		let bytes = std::fs::read(path).with_context(name)?;
		let value: serde_json::Value = serde_json::from_slice(&bytes).with_context(name)?;
		if value.get("run").is_none() {
			let run = serde_json::from_slice(&bytes).with_context(name)?;
			return Ok(Self { run, job: None });
		}
		Ok(Self::of_job(serde_json::from_slice(&bytes).with_context(name)?))
	}

	/// A job's.
	pub fn of_job(job: JobManifest) -> Self {
		Self {
			run: job.run.clone(),
			job: Some(job),
		}
	}
}

/// Writes the result as a run does, with a job's mark.
fn write_result(end: &State, declared: &Declared, path: &Path) -> Result<()> {
	let trained: Vec<(&str, &Values)> = end.trained().collect();
	let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
	std::fs::write(path, safetensors::serialize(trained, Some(metadata))?)?;
	if let Some(job) = &declared.job {
		mark::set(path, &job.mark.1)?;
	}
	Ok(())
}

fn local(args: &Args, run: &Manifest, model: &Path, data: &Path, part: &Part) -> Files {
	let beside = args.manifest.parent().unwrap_or(Path::new("."));
	let folder = args.run.as_deref().unwrap_or(beside);
	let place = |number: &usize| Some((*number, folder.join(&run.checkpoints.get(*number)?.file)));
	Files {
		model: model.to_owned(),
		data: data.to_owned(),
		init_adapter: args.init_adapter.clone(),
		result: folder
			.join(run.inputs.result_folder())
			.join(run.inputs.result_tensors()),
		checkpoints: part.ends().iter().filter_map(place).collect(),
	}
}

/// Fetches what a job's manifest names, each file verified by its sha256.
pub async fn fetch(
	job: &JobManifest,
	part: &Part,
	home: &Path,
	artifacts: &dyn PayloadStore,
	payloads: &dyn PayloadStore,
) -> Result<Files> {
	let folder = tempfile::tempdir_in(home)?.keep();
	let cache = Cache::new(home.join("files"))?;
	let put = async |record: &FileRecord, into: &Path| -> Result<()> {
		let name = file_name(record.name.as_bytes())?;
		Ok(cache.place(artifacts, record.into(), &name, &into.join(&name)).await?)
	};
	let model = folder.join("base");
	for record in &job.base_model.files {
		put(record, &model).await?;
	}
	let init_adapter = match &job.parent {
		Some(parent) => {
			let into = folder.join("init_adapter");
			put(&parent.adapter, &into).await?;
			put(&parent.adapter_config, &into).await?;
			Some(into)
		}
		None => None,
	};
	let data = folder.join("data");
	for (at, dataset) in job.datasets.iter().enumerate() {
		let into = data.join(format!("{at}-datanet-{}", dataset.datanet));
		create_dir(&into)?;
		for item in &dataset.items {
			let what = format!("item {}", item.item);
			let to = into.join(item.file_name());
			cache.place(payloads, item.wanted(), &what, &to).await?;
		}
	}
	let mut checkpoints = HashMap::new();
	for number in part.ends() {
		let record = &job.run.checkpoints[number];
		let what = format!("the checkpoint of step {}", record.step);
		checkpoints.insert(number, cache.fetch(artifacts, published(record)?, &what).await?);
	}
	let result = cache.fetch(artifacts, (&job.adapter).into(), "the result").await?;
	Ok(Files {
		model,
		data,
		init_adapter,
		result,
		checkpoints,
	})
}

fn published(record: &CheckpointRecord) -> Result<Wanted> {
	let missing = || format!("the checkpoint of step {} is published nowhere", record.step);
	let sha256 = hex::decode(&record.sha256).ok().and_then(|hash| hash.try_into().ok());
	Ok(Wanted {
		cid: Cid::parse(record.cid.as_ref().with_context(missing)?)?,
		sha256: sha256.with_context(missing)?,
		bytes: record.bytes,
	})
}

impl From<&FileRecord> for Wanted {
	fn from(record: &FileRecord) -> Self {
		Self {
			cid: record.cid,
			sha256: record.sha256,
			bytes: record.bytes,
		}
	}
}
