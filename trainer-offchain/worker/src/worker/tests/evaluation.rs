//! Results, evaluated on what is drawn or held out.

use super::job::submitted;
use super::world::{fixture, signer, spec, World, DATANET, JOB};
use crate::worker::error::WorkerError;
use crate::worker::evaluation::Measured;
use crate::worker::Service;
use chain_client::{calls, keys, Call, DispatchError, Memory, Outcome, Query};
use openledger_finetune::Base;
use openledger_primitives::{
	evaluation::{draw, EvaluatedOn, ResultEvaluation},
	format::Format,
	model::{Job, JobResult, JobStatus},
	training::{DatasetRef, Method, TrainingSpec},
};
use payload_store::PayloadStore;
use std::path::{Path, PathBuf};

const SEED_AT: u32 = 5;
const SEED: [u8; 32] = [9; 32];

fn until(version: u32, exclusions: u32) -> DatasetRef {
	DatasetRef {
		datanet: DATANET,
		version,
		exclusions,
	}
}

/// Submits `result`, when the Datanet was at `until`; the seed is known once block [`SEED_AT`] is over.
fn submit(world: &World, result: JobResult, until: DatasetRef) {
	let status = JobStatus::Submitted {
		worker: signer("//Worker").account().clone(),
		accept_at: 100,
		result,
		evaluation: ResultEvaluation::Due {
			until: vec![until].try_into().unwrap(),
			seed_at: SEED_AT,
			evaluate_by: 50,
		},
	};
	world.set_status(JOB, status);
}

fn let_seed_be_known(world: &World) {
	world.chain.set(keys::map("Validation", "Ring", SEED_AT), SEED);
	world
		.chain
		.set(keys::entry("Validation", "Accumulator"), (SEED_AT, [0u8; 32]));
}

/// A trained job, and what came of it.
async fn trained() -> (World, Service<Memory>, JobResult) {
	let world = World::new().await;
	let service = world.service().await;
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let result = submitted(&world, &service);
	(world, service, result)
}

/// Published tensors that were trained elsewhere, as the result of a job that nobody trains here.
async fn published(world: &World) -> JobResult {
	let dir = fixture("adapter_trained");
	let adapter = world.publish(&dir.join("adapter_model.safetensors")).await;
	let adapter_config = world.publish(&dir.join("adapter_config.json")).await;
	JobResult {
		adapter,
		adapter_config,
		manifest: adapter_config,
		checkpoints: Default::default(),
		steps: 3,
		train_loss_micro: 0,
	}
}

async fn job(world: &World) -> Job<chain_client::AccountId> {
	Query::new(&*world.chain).job(JOB).await.unwrap().unwrap()
}

/// The loss of model and adapter on these texts.
fn loss_on(world: &World, model: &Path, adapter: Option<&Path>, texts: &[String]) -> Measured {
	loss_in(world, model, false, adapter, texts)
}

/// The same, with linear layers in four bits where `nf4`.
fn loss_in(world: &World, model: &Path, nf4: bool, adapter: Option<&Path>, texts: &[String]) -> Measured {
	let folder = world.dir.path().join("texts");
	let _ = std::fs::remove_dir_all(&folder);
	std::fs::create_dir(&folder).unwrap();
	for (n, text) in texts.iter().enumerate() {
		std::fs::write(folder.join(format!("{n:03}.md")), text).unwrap();
	}
	let base = Base {
		nf4,
		..Base::new(model)
	};
	let found = openledger_finetune::evaluate(&base, adapter, &folder, 16, usize::MAX).unwrap();
	Measured {
		loss_micro: (found.loss * 1e6).round() as u64,
		tokens: found.tokens as u64,
	}
}

async fn text_of(world: &World, version: usize) -> String {
	let payload = world.items[version - 1].payload;
	let deadline = std::time::Duration::from_secs(10);
	let cid = payload.cid();
	let bytes = world.payloads.get(&cid, payload.size.into(), deadline).await;
	String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

fn last(world: &World) -> Call {
	world.calls().pop().unwrap()
}

async fn add_later(world: &mut World, count: u32) {
	for n in 0..count {
		let text = format!("Later item {n} tells of a sea with {n} ports. ").repeat(4);
		world.add_item(text, Format::Markdown).await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_should_be_evaluated_on_the_split_that_its_training_left_out() {
	let (mut world, service, result) = trained().await;
	// Seven later items are too few.
	add_later(&mut world, 7).await;
	submit(&world, result.clone(), until(10, 0));
	let_seed_be_known(&world);
	service.evaluate(JOB).await.unwrap();

	let adapter = service.home.join("jobs").read_dir().unwrap().next().unwrap().unwrap();
	let adapter: PathBuf = adapter.path().join("run/adapter");
	let held_out = [text_of(&world, 2).await];
	let expected = loss_on(&world, &fixture("model"), Some(&adapter), &held_out);
	assert!(expected.tokens > 0);
	let report = calls::report_evaluation(JOB, expected.loss_micro, expected.tokens);
	assert_eq!(last(&world), report);

	let mut judge = world.service().await;
	judge.home = world.dir.path().join("judge");
	let job = job(&world).await;
	let found = judge.evaluate_drawn(JOB, &job, &result, &EvaluatedOn::Split);
	assert_eq!(
		found.await.unwrap(),
		expected,
		"whoever has only the chain finds the same"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_should_be_evaluated_on_the_later_items_that_the_seed_draws() {
	let mut world = World::new().await;
	add_later(&mut world, 40).await;
	world.exclude(&[5]);
	let result = published(&world).await;
	submit(&world, result, until(43, 1));
	let_seed_be_known(&world);
	let service = world.service().await;
	service.evaluate(JOB).await.unwrap();

	let drawn = draw(&SEED, JOB, &spec(3).datasets, &[until(43, 1)]).unwrap();
	let versions: Vec<_> = drawn.iter().map(|item| item.version).collect();
	assert_eq!(versions.len(), 32);
	let mut texts = Vec::new();
	for version in versions.iter().filter(|version| **version != 5) {
		texts.push(text_of(&world, *version as usize).await);
	}
	let adapter = fixture("adapter_trained");
	let expected = loss_on(&world, &fixture("model"), Some(&adapter), &texts);
	let report = calls::report_evaluation(JOB, expected.loss_micro, expected.tokens);
	assert_eq!(last(&world), report);
	assert_ne!(expected, loss_on(&world, &fixture("model"), None, &texts));
}

#[tokio::test(flavor = "multi_thread")]
async fn later_items_that_cannot_be_read_should_give_no_tokens() {
	let mut world = World::new().await;
	for n in 0..8 {
		world.add_item(format!("%PDF-1.{n}"), Format::Pdf).await;
	}
	let result = published(&world).await;
	submit(&world, result.clone(), until(11, 0));
	let_seed_be_known(&world);
	let service = world.service().await;
	service.evaluate(JOB).await.unwrap();
	assert_eq!(last(&world), calls::report_evaluation(JOB, 0, 0));

	for n in 0..8 {
		world.add_item(" ".repeat(n + 1), Format::Markdown).await;
	}
	submit(&world, result, until(19, 0));
	service.evaluate(JOB).await.unwrap();
	assert_eq!(last(&world), calls::report_evaluation(JOB, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_model_should_be_evaluated_with_the_base_model_s_tokenizer() {
	let world = World::new().await;
	let model = fixture("model");
	let adapter = world.publish(&model.join("model.safetensors")).await;
	let adapter_config = world.publish(&model.join("config.json")).await;
	let result = JobResult {
		adapter,
		adapter_config,
		..published(&world).await
	};
	submit(&world, result.clone(), until(3, 0));
	let service = world.service().await;
	let mut job = job(&world).await;
	job.spec = TrainingSpec {
		method: Method::Full,
		..job.spec
	};
	let found = service.evaluate_drawn(JOB, &job, &result, &EvaluatedOn::Split);
	let expected = loss_on(&world, &model, None, &[text_of(&world, 2).await]);
	assert_eq!(found.await.unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qlora_result_should_be_evaluated_over_weights_in_four_bits() {
	let world = World::new().await;
	let result = published(&world).await;
	submit(&world, result.clone(), until(3, 0));
	let service = world.service().await;
	let mut job = job(&world).await;
	job.spec.method = Method::Qlora;
	let found = service
		.evaluate_drawn(JOB, &job, &result, &EvaluatedOn::Split)
		.await
		.unwrap();
	let (model, adapter, texts) = (fixture("model"), fixture("adapter_trained"), [text_of(&world, 2).await]);
	assert_eq!(found, loss_in(&world, &model, true, Some(&adapter), &texts));
	assert_ne!(found, loss_on(&world, &model, Some(&adapter), &texts));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_item_should_be_refused_when_it_does_not_lead_to_its_root() {
	let mut world = World::new().await;
	add_later(&mut world, 8).await;
	let result = published(&world).await;
	submit(&world, result, until(11, 0));
	let_seed_be_known(&world);
	let mut item = world.items[6].clone();
	item.contributor = signer("//Thief").account().clone();
	world.chain.set(keys::numbered("Datanets", "Items", 107u64), item);
	let service = world.service().await;
	let error = service.evaluate(JOB).await.unwrap_err();
	assert!(matches!(error, WorkerError::WrongRoot { version: 7, .. }), "{error}");
	assert!(world.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_should_be_reported_when_the_result_is_accepted_before_the_seed_is_known() {
	let world = World::new().await;
	let result = published(&world).await;
	submit(&world, result, until(3, 0));
	let service = world.service().await;
	let waiting = service.evaluate(JOB);
	tokio::pin!(waiting);
	let early = tokio::time::timeout(std::time::Duration::from_millis(600), &mut waiting).await;
	assert!(early.is_err(), "it waits for the seed");
	world.set_status(JOB, JobStatus::Accepted { model: 0 });
	waiting.await.unwrap();
	assert!(world.calls().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_should_not_fail_when_there_is_nothing_to_report_any_more() {
	let world = World::new().await;
	let result = published(&world).await;
	submit(&world, result, until(3, 0));
	let_seed_be_known(&world);
	let service = world.service().await;
	for (name, is_needless) in [
		("EvaluationAlreadyReported", true),
		("JobNotSubmitted", true),
		("EvaluationOverdue", false),
	] {
		let error = DispatchError {
			pallet: "Models".into(),
			name: name.into(),
			docs: String::new(),
		};
		world.chain.script(Ok(Outcome {
			error: Some(error),
			..world.chain.outcome(Vec::new())
		}));
		assert_eq!(service.evaluate(JOB).await.is_ok(), is_needless, "{name}");
	}
}

#[tokio::test]
async fn a_seed_that_is_not_kept_any_more_should_be_said() {
	let world = World::new().await;
	let result = published(&world).await;
	submit(&world, result, until(3, 0));
	let_seed_be_known(&world);
	world.chain.remove(&keys::map("Validation", "Ring", SEED_AT));
	let error = world.service().await.evaluate(JOB).await.unwrap_err();
	assert!(matches!(error, WorkerError::SeedMissing(JOB)), "{error}");
	assert!(!error.is_passing());
}
