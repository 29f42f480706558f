//! The job, step by step.

use std::{
	path::{Path, PathBuf},
	time::{Duration, Instant},
};

use anyhow::{ensure, Context, Result};
use openledger_primitives::{
	evaluation::{EvaluatedOn, MAX_TOKENS},
	item::Outcome,
	model::JobStatus,
	DatanetId, JobId, OPEN,
};
use openledger_test_support::{binaries, post, processes::wait_for};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{
	corpus::{self, Source},
	faults::{self, Faults},
	network::Network,
	report::Report,
	tools::Tools,
	verify,
	view::View,
};

const CONTRIBUTORS: usize = 4;
const PRICE_OPEN: &str = "100";
/// The tuned model must beat the base by this much on items that neither has seen.
const LEAST_GAIN: f64 = 0.05;
const REVIEW_LIMIT: Duration = Duration::from_secs(240);
const TRAINING_LIMIT: Duration = Duration::from_secs(600);
const EPOCH_LIMIT: Duration = Duration::from_secs(240);
const PROMPT: &str = "## Unreleased\n\n### Added\n\n- ";
/// A run that begins so shortly before midnight UTC would have its quotas reset under way.
const MIDNIGHT_MARGIN_MILLIS: u64 = 60_000;

/// What to run on.
pub struct Plan {
	pub workspace: PathBuf,
	pub data: Option<PathBuf>,
	pub small: bool,
	/// Kept between runs.
	pub cache: PathBuf,
	/// Of this run only.
	pub folder: PathBuf,
}

/// How large a run is.
struct Size {
	/// Good files.
	files: usize,
	/// Bytes of the base model's corpus.
	pretraining_bytes: u64,
	/// Tokens of a training sequence, and of an evaluated one.
	cutoff: &'static str,
	/// Arguments of `init-model`.
	base_model: &'static str,
	/// Arguments of `job request`.
	fine_tune: &'static str,
}

const FULL: Size = Size {
	files: 50,
	pretraining_bytes: 2_000_000,
	cutoff: "256",
	base_model: "",
	fine_tune: "--learning-rate 3e-3 --max-steps 120 --batch-size 4 --gradient-accumulation 1 --packing \
		--lora-rank 16 --lora-alpha 32 --lora-targets all-linear",
};

const SMALL: Size = Size {
	files: 40,
	pretraining_bytes: 250_000,
	cutoff: "128",
	base_model: "--vocab-size 1024 --hidden 96 --layers 2 --heads 4 --seq-len 128 --steps 200",
	fine_tune: "--learning-rate 6e-3 --max-steps 300 --batch-size 4 --gradient-accumulation 1 --packing \
		--lora-rank 16 --lora-alpha 32 --lora-targets all-linear",
};

/// A base model and what its making reported.
struct BaseModel {
	folder: PathBuf,
	train_loss: f64,
	unigram_loss: f64,
}

/// Says what happens, and in which block.
struct Log<'a> {
	view: &'a View,
}

impl Log<'_> {
	fn step(&self, text: impl AsRef<str>) {
		match self.view.block() {
			Ok(block) => eprintln!("[block {block:>4}] {}", text.as_ref()),
			Err(_) => eprintln!("[block    ?] {}", text.as_ref()),
		}
	}
}

/// Runs the job. The network is left up.
pub fn run(plan: &Plan) -> Result<(Report, Network)> {
	let size = if plan.small { &SMALL } else { &FULL };
	let folder = plan.folder.as_path();
	let corpus = corpus::gather(
		&plan.workspace,
		plan.data.as_deref(),
		size.files,
		size.pretraining_bytes,
	)?;
	let binaries = binaries()?;
	let base = base_model(&binaries, &plan.cache, folder, &corpus.pretraining, size.base_model)?;

	eprintln!("starting node, gateway and five validators");
	let started = Instant::now();
	let mut network = Network::start(folder)?;
	let view = View::connect(&network.tools.node)?;
	let log = Log { view: &view };
	wait_for("the UTC day to be young enough", Duration::from_secs(90), || {
		Ok((view.millis_left_today()? > MIDNIGHT_MARGIN_MILLIS).then_some(()))
	})?;
	let mut report = Report {
		base_model: base.folder.display().to_string(),
		base_train_loss: base.train_loss,
		unigram_loss: base.unigram_loss,
		prompt: PROMPT.into(),
		..Default::default()
	};

	let datanet = create_datanet(&network.tools)?;
	log.step(format!("Datanet {datanet} created by //Owner"));
	let faults = faults::write(&folder.join("faults"), &corpus.contributions[0].path)?;
	let files = corpus.contributions.len();
	let (first, rest) = corpus.contributions.split_at(files * 4 / 5);
	contribute(&network.tools, datanet, first, Some(&faults), &log)?;
	wait_for_version(&mut network, &view, datanet, first.len() as u32)?;
	log.step(format!("version {} of Datanet {datanet} is final", first.len()));

	let model = network.tools.call(
		"Owner",
		&["model", "register", "--name", "toy", &base.folder.to_string_lossy()],
	)?;
	let model = model["base_model"]
		.as_u64()
		.context("model register names no base model")?;
	log.step(format!("base model {model} registered with the hashes of its files"));
	let job = request_job(&network.tools, model, datanet, first.len(), size)?;
	log.step(format!(
		"job {job}: LoRA on version {}, {PRICE_OPEN} OPEN in escrow",
		first.len()
	));

	contribute(&network.tools, datanet, rest, None, &log)?;
	wait_for_version(&mut network, &view, datanet, files as u32)?;
	log.step(format!(
		"version {files} is final: the last {} items are unseen by the job",
		rest.len()
	));
	// Only now, so that what came later is there when the result is submitted: it is evaluated on it.
	network.start_worker(folder)?;
	wait_for("the panel to decide every item", REVIEW_LIMIT, || {
		network.processes.check()?;
		Ok((view.in_review()? == 0).then_some(()))
	})?;
	wait_for("the worker's result and its evaluation", TRAINING_LIMIT, || {
		network.processes.check()?;
		match view.job(job)?.status {
			JobStatus::Open | JobStatus::Claimed { .. } => Ok(None),
			JobStatus::Submitted { evaluation, .. } => Ok(evaluation.reported().map(|_| ())),
			ended => anyhow::bail!("the job ended without a result to accept: {ended:?}"),
		}
	})?;
	log.step(format!("job {job}: result submitted and evaluated"));
	let accepted = network.tools.call("Requester", &["job", "accept", &job.to_string()])?;
	log.step(format!("job {job}: accepted, escrow split: {}", accepted["split"]));

	let (id, registered) = verify::model(&view, job)?;
	let result = &registered.result;
	let adapter = folder.join("adapter");
	std::fs::create_dir_all(&adapter)?;
	let fetch = |artifact| verify::artifact(&view, &network.tools.gateway, artifact);
	std::fs::write(adapter.join("adapter_model.safetensors"), fetch(&result.adapter)?)?;
	std::fs::write(adapter.join("adapter_config.json"), fetch(&result.adapter_config)?)?;
	fetch(&result.manifest)?;
	report.adapter_cid = result.adapter.cid.to_string();
	report.adapter_sha256 = hex::encode(result.adapter.sha256);
	log.step("adapter, its configuration and the manifest fetched by CID, hashes equal the chain's");

	let unseen = folder.join("unseen");
	copy_all(rest, &unseen)?;
	report.base_eval_loss = evaluate(&network.tools, &base.folder, None, &unseen, size.cutoff)?.loss;
	report.tuned_eval_loss = evaluate(&network.tools, &base.folder, Some(&adapter), &unseen, size.cutoff)?.loss;
	let evaluated = folder.join("evaluated");
	report.evaluated_items = verify::evaluated(&view, &network.tools.gateway, job, &registered, &evaluated)?;
	let again = evaluate(&network.tools, &base.folder, Some(&adapter), &evaluated, size.cutoff)?;
	let reported = registered.evaluation.context("the model has no evaluation")?;
	report.evaluated_on_later_items = matches!(reported.on, EvaluatedOn::Later { .. });
	report.reported_eval_loss = reported.loss_micro as f64 / 1e6;
	report.evaluation_confirmed = reported.agrees_with((again.loss * 1e6).round() as u64, again.tokens);
	(report.base_answer, report.chat_answer) = chat(&network.tools, &base.folder, &adapter)?;
	log.step("base and tuned model evaluated and asked");
	report.served_at = network.start_serving(folder, &base.folder, &adapter)?;
	report.served_model = format!("openledger/{id}");
	report.served_answer = ask(&report.served_at, &report.served_model)?;
	report.served_alike = report.served_answer == ask(&report.served_at, "tuned")?
		&& report.served_answer != ask(&report.served_at, "base")?;
	log.step(format!(
		"{} served by OpenAI's API, out of the chain's registry",
		report.served_model
	));

	let claimed = claim(&mut network, &view, &log)?;
	fill_in(&mut report, &view, &network.tools, datanet)?;
	let status = network.tools.call("Requester", &["job", "show", &job.to_string()])?;
	report.job_status = status["status"].as_str().unwrap_or_default().into();
	report.blocks = view.block()?;
	report.wall_s = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
	report.problems = problems(&report, files, plan.data.is_some());
	if (claimed - report.rewards_paid_open).abs() > 1e-6 {
		report.problems.push(format!(
			"claims paid {claimed} OPEN, the pools say {}",
			report.rewards_paid_open
		));
	}
	Ok((report, network))
}

/// The base model for this corpus, made once and kept.
fn base_model(binaries: &Path, cache: &Path, folder: &Path, corpus: &[Source], arguments: &str) -> Result<BaseModel> {
	let mut key = Sha256::new();
	corpus.iter().for_each(|source| key.update(source.sha256));
	key.update(arguments);
	key.update(env!("CARGO_PKG_VERSION"));
	let kept = cache.join("base-models").join(&hex::encode(key.finalize())[..16]);
	let summary = kept.join("summary.json");
	if !summary.exists() {
		eprintln!(
			"making the base model from {} files: a tokenizer and a few minutes of pretraining, once",
			corpus.len()
		);
		let texts = folder.join("pretraining");
		copy_all(corpus, &texts)?;
		let fresh = folder.join("base");
		let tools = Tools {
			binaries: binaries.into(),
			node: String::new(),
			gateway: String::new(),
		};
		let (texts, out) = (texts.to_string_lossy(), fresh.to_string_lossy());
		let sizes: Vec<&str> = arguments.split_whitespace().collect();
		let made = tools.train(&[&["init-model", "--corpus", &texts, "--out", &out], &sizes[..]].concat())?;
		std::fs::write(fresh.join("summary.json"), made.to_string())?;
		std::fs::create_dir_all(kept.parent().unwrap_or(&kept))?;
		let new = kept.with_extension(format!("{}.new", std::process::id()));
		copy_folder(&fresh, &new)?;
		if let Err(error) = std::fs::rename(&new, &kept) {
			// Another run may have made the same one meanwhile.
			let _ = std::fs::remove_dir_all(&new);
			ensure!(summary.exists(), "keep the base model as {}: {error}", kept.display());
		}
	}
	let made: serde_json::Value =
		serde_json::from_slice(&std::fs::read(&summary)?).context("read the base model's summary")?;
	let number = |name: &str| {
		made[name]
			.as_f64()
			.with_context(|| format!("{} has no {name}", summary.display()))
	};
	let base = BaseModel {
		train_loss: number("final_loss")?,
		unigram_loss: number("unigram_loss")?,
		folder: kept,
	};
	eprintln!(
		"base model: loss {:.3}, single tokens {:.3} nats ({})",
		base.train_loss,
		base.unigram_loss,
		base.folder.display()
	);
	Ok(base)
}

fn create_datanet(tools: &Tools) -> Result<DatanetId> {
	let created = tools.call(
		"Owner",
		&[
			"datanet",
			"create",
			"--name",
			"Release notes",
			"--modality",
			"text",
			"--description",
			"What changed from release to release of libraries.",
		],
	)?;
	let id = created["datanet"].as_u64().context("datanet create names no Datanet")?;
	Ok(id as DatanetId)
}

/// All contributors at once, each with its share of the files; with the first share come the files that are wrong.
fn contribute(tools: &Tools, datanet: DatanetId, files: &[Source], faults: Option<&Faults>, log: &Log) -> Result<()> {
	let mut shares: [Vec<PathBuf>; CONTRIBUTORS] = Default::default();
	for (number, source) in files.iter().enumerate() {
		shares[number % CONTRIBUTORS].push(source.path.clone());
	}
	if let Some(faults) = faults {
		let paths = [
			(1, &faults.duplicate),
			(0, &faults.disguised),
			(2, &faults.picture),
			(0, &faults.empty),
			(2, &faults.too_large),
			(3, &faults.repetitive),
			(3, &faults.over_quota),
		];
		paths.into_iter().for_each(|(who, path)| shares[who].push(path.clone()));
	}
	let total: usize = shares.iter().map(Vec::len).sum();
	std::thread::scope(|scope| {
		let senders: Vec<_> = (1..)
			.zip(&shares)
			.filter(|(_, share)| !share.is_empty())
			.map(|(number, share)| {
				scope.spawn(move || tools.contribute(&format!("Contributor{number}"), datanet.into(), share))
			})
			.collect();
		for sender in senders {
			let answer = sender.join().expect("the sender does not panic")?;
			let files = answer.json["files"].as_array().cloned().unwrap_or_default();
			if let Some(file) = files.iter().find(|file| file["status"] == "failed") {
				anyhow::bail!("contributing {} failed: {}", file["file"], file["message"]);
			}
		}
		anyhow::Ok(())
	})?;
	log.step(format!(
		"{total} files contributed by {CONTRIBUTORS} accounts{}",
		if faults.is_some() {
			", seven of them wrong on purpose"
		} else {
			""
		}
	));
	Ok(())
}

fn wait_for_version(network: &mut Network, view: &View, datanet: DatanetId, version: u32) -> Result<()> {
	wait_for(&format!("version {version} of the Datanet"), REVIEW_LIMIT, || {
		network.processes.check()?;
		Ok((view.datanet(datanet)?.version >= version).then_some(()))
	})
}

fn request_job(tools: &Tools, model: u64, datanet: DatanetId, version: usize, size: &Size) -> Result<JobId> {
	let (model, dataset) = (model.to_string(), format!("{datanet}@{version}"));
	let arguments = [
		"job",
		"request",
		"--base",
		&model,
		"--dataset",
		&dataset,
		"--cutoff-length",
		size.cutoff,
		"--price",
		PRICE_OPEN,
	];
	let order: Vec<&str> = size.fine_tune.split_whitespace().collect();
	let requested = tools.call("Requester", &[&arguments, &order[..]].concat())?;
	let id = requested["job"].as_u64().context("job request names no job")?;
	Ok(id as JobId)
}

/// What `openledger-trainer evaluate` found.
#[derive(Deserialize)]
struct Evaluation {
	loss: f64,
	tokens: u64,
}

/// A model's loss on a folder, as the chain's evaluations count it.
fn evaluate(tools: &Tools, model: &Path, adapter: Option<&Path>, data: &Path, cutoff: &str) -> Result<Evaluation> {
	let (model, data, most) = (model.to_string_lossy(), data.to_string_lossy(), MAX_TOKENS.to_string());
	let mut arguments = vec![
		"evaluate",
		"--json",
		"--model",
		&model,
		"--data",
		&data,
		"--cutoff-length",
		cutoff,
		"--max-tokens",
		&most,
	];
	let adapter = adapter.map(|folder| folder.to_string_lossy());
	arguments.extend(adapter.iter().flat_map(|folder| ["--adapter", folder]));
	serde_json::from_value(tools.train(&arguments)?).context("read what evaluate found")
}

/// What the base and the tuned model say to the same prompt.
fn chat(tools: &Tools, model: &Path, adapter: &Path) -> Result<(String, String)> {
	let (model, adapter) = (model.to_string_lossy(), adapter.to_string_lossy());
	let answers = tools.train(&[
		"chat",
		"--compare",
		"--json",
		"--model",
		&model,
		"--adapter",
		&adapter,
		"--prompt",
		PROMPT,
		"--max-new-tokens",
		"48",
		"--temperature",
		"0.7",
		"--seed",
		"1",
	])?;
	let answer = |name: &str| {
		answers[name]["answer"]
			.as_str()
			.map(str::to_string)
			.with_context(|| format!("chat gives no answer of {name}"))
	};
	Ok((answer("base")?, answer("tuned")?))
}

/// What a served model says to the prompt: drawn, as the likeliest tokens of so small a model may be blank lines alone, but with a
/// seed, so that equal models say the same.
fn ask(server: &str, model: &str) -> Result<String> {
	let request = serde_json::json!({
		"model": model,
		"messages": [{ "role": "user", "content": PROMPT }],
		"max_tokens": 48,
		"temperature": 1,
		"seed": 1,
	});
	let answer = post(server, "/v1/chat/completions", &request)?;
	let content = answer["choices"][0]["message"]["content"].as_str();
	Ok(content
		.with_context(|| format!("{model} does not answer: {answer}"))?
		.to_string())
}

/// Waits until everybody's epochs have closed, and claims for everybody. Returns what was paid, in OPEN.
fn claim(network: &mut Network, view: &View, log: &Log) -> Result<f64> {
	let role = |name: &str, count: usize| (1..=count).map(|number| format!("{name}{number}")).collect::<Vec<_>>();
	let roles = [
		("contributors", role("Contributor", CONTRIBUTORS)),
		("validators", role("Validator", 5)),
		("the Datanet's owner", vec!["Owner".into()]),
	];
	wait_for("the epochs to close", EPOCH_LIMIT, || {
		network.processes.check()?;
		for who in roles.iter().flat_map(|(_, names)| names) {
			if !view.epochs_closed(who)? {
				return Ok(None);
			}
		}
		Ok(Some(()))
	})?;
	let mut total = 0.0;
	for (role, names) in &roles {
		let mut paid = 0.0;
		for who in names {
			let claimed = network.tools.call(who, &["rewards", "claim"])?;
			let open = claimed["paid"]
				.as_str()
				.and_then(|open| open.replace(',', "").parse::<f64>().ok());
			paid += open.with_context(|| format!("rewards claim says no amount: {claimed}"))?;
		}
		log.step(format!("{role} claimed {paid:.4} OPEN"));
		total += paid;
	}
	Ok(total)
}

/// What the chain says at the end, and what verification finds.
fn fill_in(report: &mut Report, view: &View, tools: &Tools, datanet: DatanetId) -> Result<()> {
	let items = view.items()?;
	report.items_submitted = items.len();
	for (_, item) in &items {
		match item.outcome {
			Outcome::Accepted { .. } => report.items_accepted += 1,
			Outcome::Rejected { reason } => {
				report.items_rejected += 1;
				let name = serde_json::to_value(reason)?.as_str().unwrap_or_default().to_string();
				*report.rejections.entry(name).or_default() += 1;
			}
			_ => {}
		}
	}
	(report.votes_revealed, report.refusals) = view.history()?;
	report.refused_at_submit = report.refusals.values().sum();
	report.rewards_paid_open = view.rewards_paid()? as f64 / OPEN as f64;
	report.payloads_verified = verify::payloads(view, &tools.gateway, datanet)?;
	report.roots_verified = verify::roots(view, datanet)?;
	report.issuance_unchanged = verify::issuance(view)?;
	Ok(())
}

/// Everything that is not as it should be.
fn problems(report: &Report, files: usize, own_data: bool) -> Vec<String> {
	let mut problems = vec![];
	let mut expect = |holds: bool, what: &str| {
		if !holds {
			problems.push(what.to_string());
		}
	};
	expect(report.items_accepted == files, "not every good item was accepted");
	for (name, count) in [
		("EmptyFile", 1),
		("FileTooLarge", 1),
		("DailyBytesExceeded", 1),
		("WrongFormat", 1),
	] {
		expect(
			report.refusals.get(name) == Some(&count),
			&format!("the chain did not refuse exactly {count} with {name}"),
		);
	}
	for (name, count) in [("duplicate", 1), ("wrong_format", 1), ("low_quality", 1)] {
		expect(
			report.rejections.get(name) == Some(&count),
			&format!("the panel did not reject exactly {count} as {name}"),
		);
	}
	expect(
		report.base_train_loss < report.unigram_loss,
		"the base model is no better than single tokens",
	);
	expect(
		report.payloads_verified == report.items_accepted,
		"not every accepted payload could be verified",
	);
	expect(
		report.roots_verified,
		"the Datanet's roots do not follow from its items",
	);
	expect(
		report.issuance_unchanged,
		"issuance or the sum of balances is not what genesis made",
	);
	expect(
		own_data || report.evaluated_on_later_items,
		"the result was not evaluated on the items that came later",
	);
	expect(
		report.evaluation_confirmed,
		"the worker's evaluation of its result is not what it is when it is computed again",
	);
	expect(report.rewards_paid_open > 0.0, "no rewards were paid");
	expect(report.votes_revealed > 0, "nobody revealed a vote");
	expect(report.job_status == "accepted", "the job is not accepted");
	expect(!report.chat_answer.is_empty(), "the tuned model says nothing");
	expect(
		report.served_alike,
		"the model served from the chain's registry does not say what its adapter's folder says, or says what its base says",
	);
	// How much is to be learned from somebody's own files nobody can promise.
	expect(
		own_data || report.tuned_eval_loss <= report.base_eval_loss * (1.0 - LEAST_GAIN),
		"the tuned model is not 5 % better on unseen items",
	);
	problems
}

/// Copies files under numbered names, keeping their order and extension.
fn copy_all(sources: &[Source], folder: &Path) -> Result<()> {
	std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
	for (number, source) in sources.iter().enumerate() {
		let extension = source
			.path
			.extension()
			.unwrap_or_default()
			.to_string_lossy()
			.to_lowercase();
		let to = folder.join(format!("{number:04}.{extension}"));
		std::fs::copy(&source.path, &to).with_context(|| format!("copy {}", source.path.display()))?;
	}
	Ok(())
}

/// Copies the files of a folder without subfolders.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
	let _ = std::fs::remove_dir_all(to);
	std::fs::create_dir_all(to).with_context(|| format!("create {}", to.display()))?;
	for entry in std::fs::read_dir(from)? {
		let entry = entry?;
		ensure!(entry.file_type()?.is_file(), "{} is not a file", entry.path().display());
		std::fs::copy(entry.path(), to.join(entry.file_name()))?;
	}
	Ok(())
}
