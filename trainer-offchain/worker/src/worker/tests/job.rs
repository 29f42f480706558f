//! Whole jobs, from the order to the hashes on chain.

use super::world::{fixture, signer, spec, steps, World, JOB};
use crate::worker::error::WorkerError;
use crate::worker::publish::hashes;
use crate::worker::record::{ItemRecord, JobManifest};
use chain_client::{calls, keys, Call, DispatchError, Outcome, Query};
use openledger_finetune::{hash::hash_file, state::State, Base};
use openledger_primitives::{
	format::Format,
	model::{CheckpointsRoot, Job, JobResult, JobStatus, Model, Progress},
	training::{Parent, TrainingSpec},
};
use payload_store::PayloadStore;
use std::time::Duration;

fn names(calls: &[Call]) -> Vec<&'static str> {
	calls.iter().map(|call| call.name).collect()
}

async fn fetch(world: &World, artifact: &openledger_primitives::model::Artifact) -> Vec<u8> {
	world
		.artifacts
		.get(&artifact.cid, artifact.bytes, Duration::from_secs(10))
		.await
		.unwrap()
		.to_vec()
}

pub async fn manifest(world: &World, result: &JobResult) -> JobManifest {
	serde_json::from_slice(&fetch(world, &result.manifest).await).unwrap()
}

/// The result that was submitted last.
pub fn submitted(world: &World, service: &crate::worker::Service<chain_client::Memory>) -> JobResult {
	let path = service
		.home
		.join("jobs")
		.read_dir()
		.unwrap()
		.next()
		.unwrap()
		.unwrap()
		.path()
		.join("manifest.json");
	let record: JobManifest = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
	let artifact = |name: &crate::worker::record::FileRecord| openledger_primitives::model::Artifact {
		cid: name.cid,
		sha256: name.sha256,
		bytes: name.bytes,
	};
	let own = hash_file(&path, "").unwrap();
	let sha256: [u8; 32] = hex::decode(&own.sha256).unwrap().try_into().unwrap();
	let result = JobResult {
		adapter: artifact(&record.adapter),
		adapter_config: artifact(&record.adapter_config),
		manifest: openledger_primitives::model::Artifact {
			cid: payload_store::Cid::new(payload_store::CidCodec::Raw, sha256),
			sha256,
			bytes: own.bytes,
		},
		checkpoints: CheckpointsRoot::of(
			&hashes(&record.run.checkpoints).unwrap(),
			record.run.inputs.checkpoint_every as u32,
		),
		steps: record.run.steps as u32,
		train_loss_micro: crate::worker::beat::micro(record.run.final_loss),
	};
	assert_eq!(world.calls().last(), Some(&calls::submit_result(JOB, result.clone())));
	result
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_end_with_an_adapter_and_a_manifest_whose_hashes_are_submitted() {
	let world = World::new().await;
	let service = world.service().await;
	world.script_claim();
	service.train(JOB, true).await.unwrap();

	let made = world.calls();
	assert_eq!(names(&made), ["bid", "heartbeat", "heartbeat", "submit_result"]);
	assert!(world
		.chain
		.submitted()
		.iter()
		.all(|call| call.account == *signer("//Worker").account()));
	let result = submitted(&world, &service);
	assert_eq!(result.steps, 3);
	let last = Progress {
		step: 3,
		steps: 3,
		loss_micro: result.train_loss_micro,
	};
	assert_eq!(made[2], calls::heartbeat(JOB, last));

	let record = manifest(&world, &result).await;
	assert_eq!((record.job, &record.spec), (JOB, &spec(3)));
	assert_eq!(
		(
			record.base_model.id,
			record.base_model.files.len(),
			record.datasets[0].excluded.len()
		),
		(0, 3, 0)
	);
	let dataset = &record.datasets[0];
	assert_eq!((dataset.version, dataset.root), (3, world.roots[3]));
	let expected: Vec<_> = [0, 2].map(|at| world.items[at].payload.sha256).to_vec();
	assert_eq!(
		dataset.items.iter().map(|item| item.sha256).collect::<Vec<_>>(),
		expected
	);
	let ids = |records: &[ItemRecord]| records.iter().map(|record| record.item).collect::<Vec<_>>();
	assert_eq!(
		(ids(&dataset.items), ids(&dataset.held_out)),
		(vec![101, 103], vec![102])
	);
	let read: Vec<_> = record
		.run
		.inputs
		.data_files
		.iter()
		.map(|file| file.sha256.clone())
		.collect();
	assert_eq!(
		read,
		expected.map_hex(),
		"the run read the items in the order of the versions, without the split"
	);
	assert_eq!(record.run.adapter_sha256, Some(hex::encode(result.adapter.sha256)));

	let adapter = fetch(&world, &result.adapter).await;
	let dir = world.dir.path().join("fetched");
	std::fs::create_dir(&dir).unwrap();
	std::fs::write(dir.join("adapter_model.safetensors"), adapter).unwrap();
	std::fs::write(
		dir.join("adapter_config.json"),
		fetch(&world, &result.adapter_config).await,
	)
	.unwrap();
	let data = world.dir.path().join("work/jobs");
	let data = data.read_dir().unwrap().next().unwrap().unwrap().path().join("data");
	let loss = |adapter| {
		openledger_finetune::evaluate(&Base::new(fixture("model")), adapter, &data, 16, usize::MAX)
			.unwrap()
			.loss
	};
	assert!(
		loss(Some(dir.as_path())) < loss(None),
		"the published adapter has learnt the data"
	);
}

trait MapHex {
	fn map_hex(&self) -> Vec<String>;
}

impl MapHex for Vec<[u8; 32]> {
	fn map_hex(&self) -> Vec<String> {
		self.iter().map(hex::encode).collect()
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_should_name_the_checkpoints_that_were_published() {
	let world = World::new().await;
	let service = world.service().await;
	world.order(JOB, steps(50), vec![world.roots[3]]);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let result = submitted(&world, &service);
	assert_eq!((result.checkpoints.count, result.checkpoints.every_steps), (3, 20));
	assert!(result.checkpoints.fits(result.steps));
	let record = manifest(&world, &result).await;
	let taken: Vec<_> = record
		.run
		.checkpoints
		.iter()
		.map(|checkpoint| checkpoint.step)
		.collect();
	assert_eq!(taken, [20, 40, 50]);
	for checkpoint in &record.run.checkpoints {
		let cid = payload_store::Cid::parse(checkpoint.cid.as_ref().unwrap()).unwrap();
		let bytes = world
			.artifacts
			.get(&cid, checkpoint.bytes, Duration::from_secs(10))
			.await
			.unwrap();
		let state = State::from_bytes(&bytes, std::path::Path::new("published")).unwrap();
		assert_eq!(state.position.step, checkpoint.step);
	}
	assert!(!record.run.inputs.kernel_path.is_empty() && record.run.inputs.threads > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_go_on_from_its_last_checkpoint_when_the_process_was_started_again() {
	let whole = World::new().await;
	let service = whole.service().await;
	whole.order(JOB, steps(50), vec![whole.roots[3]]);
	whole.script_claim();
	service.train(JOB, true).await.unwrap();
	let expected = submitted(&whole, &service);

	let world = World::new().await;
	let service = world.service().await;
	let claimed = JobStatus::Claimed {
		worker: signer("//Worker").account().clone(),
		heartbeat_by: 9,
		train_until: 1_000,
		progress: Default::default(),
	};
	world.order(JOB, steps(50), vec![world.roots[3]]);
	let prepared = service.prepare(JOB).await.unwrap();
	// The process that is cut off after step 45.
	let cut = openledger_finetune::run(prepared.config.clone(), &mut |metrics| match metrics.step {
		45 => std::ops::ControlFlow::Break(()),
		_ => std::ops::ControlFlow::Continue(()),
	});
	assert!(cut.unwrap().interrupted);
	let metrics = || std::fs::read_to_string(prepared.config.output.join("metrics.jsonl")).unwrap();
	let before = metrics();
	let job = Query::new(&*world.chain).job(JOB).await.unwrap().unwrap();
	world
		.chain
		.set(keys::map("Models", "Jobs", JOB), Job { status: claimed, ..job });
	service.train(JOB, false).await.unwrap();
	let result = submitted(&world, &service);
	assert!(
		metrics().starts_with(&before),
		"the steps before it were not made again: their times are the same"
	);
	assert_eq!(
		(result.adapter, result.checkpoints),
		(expected.adapter, expected.checkpoints)
	);
	assert_eq!(result.train_loss_micro, expected.train_loss_micro);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_start_again_when_what_is_left_of_it_is_damaged() {
	let world = World::new().await;
	let service = world.service().await;
	world.order(JOB, steps(30), vec![world.roots[3]]);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let expected = submitted(&world, &service);
	let folder = service.folder("jobs", JOB).join("run/checkpoints");
	for step in [20, 30] {
		std::fs::write(folder.join(format!("step-{step}/state.safetensors")), "half").unwrap();
	}
	service.train(JOB, false).await.unwrap();
	assert_eq!(submitted(&world, &service).adapter, expected.adapter);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_order_should_be_marked_anew_when_its_adapter_is_registered() {
	let world = World::new().await;
	let service = world.service().await;
	let taken = DispatchError {
		pallet: "Models".into(),
		name: "AdapterAlreadyRegistered".into(),
		docs: "A registered or submitted model has this adapter.".into(),
	};
	world.script_claim();
	for _ in 0..2 {
		world.chain.script(Ok(world.chain.outcome(Vec::new())));
	}
	world.chain.script(Ok(Outcome {
		error: Some(taken),
		..world.chain.outcome(Vec::new())
	}));
	service.train(JOB, true).await.unwrap();
	let made = world.calls();
	assert_eq!(
		names(&made),
		[
			"bid",
			"heartbeat",
			"heartbeat",
			"submit_result",
			"heartbeat",
			"submit_result"
		]
	);
	assert_ne!(made[3], made[5]);
	let record = manifest(&world, &submitted(&world, &service)).await;
	assert!(record.mark.1.ends_with("/0/2"), "{:?}", record.mark);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_be_lost_when_the_chain_refuses_its_heartbeat() {
	let world = World::new().await;
	let service = world.service().await;
	let overdue = DispatchError {
		pallet: "Models".into(),
		name: "HeartbeatOverdue".into(),
		docs: "The heartbeat's deadline has passed.".into(),
	};
	let refused = || {
		Ok(Outcome {
			error: Some(overdue.clone()),
			..world.chain.outcome(Vec::new())
		})
	};
	world.script_claim();
	for _ in 0..3 {
		world.chain.script(refused());
	}
	let mut spec = spec(3);
	spec.hyperparameters.max_steps = 100_000;
	world.order(JOB, spec, vec![world.roots[3]]);
	let error = service.train(JOB, true).await.unwrap_err();
	assert!(matches!(error, WorkerError::Lost { job: JOB, .. }), "{error}");
	assert!(!error.is_passing());
	assert_eq!(names(&world.calls()), ["bid", "heartbeat"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_job_should_be_started_again_without_going_back_in_what_it_tells() {
	let world = World::new().await;
	let service = world.service().await;
	let before = Progress {
		step: 2,
		steps: 3,
		loss_micro: 5,
	};
	let worker = signer("//Worker").account().clone();
	world.set_status(
		JOB,
		JobStatus::Claimed {
			worker,
			heartbeat_by: 9,
			train_until: 1_000,
			progress: before,
		},
	);
	service.train(JOB, false).await.unwrap();
	let made = world.calls();
	assert_eq!(made[0], calls::heartbeat(JOB, before));
	assert!(!names(&made).contains(&"bid"));
	submitted(&world, &service);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_earlier_result_should_be_continued_from_its_adapter() {
	let world = World::new().await;
	let service = world.service().await;
	let dir = fixture("adapter_trained");
	let adapter = world.publish(&dir.join("adapter_model.safetensors")).await;
	let adapter_config = world.publish(&dir.join("adapter_config.json")).await;
	let result = JobResult {
		adapter,
		adapter_config,
		manifest: adapter_config,
		checkpoints: Default::default(),
		steps: 1,
		train_loss_micro: 0,
	};
	let owner = signer("//Requester").account().clone();
	let model = Model {
		owner: owner.clone(),
		worker: owner,
		base: 0,
		job: 9,
		spec: spec(1),
		roots: vec![world.roots[1]].try_into().unwrap(),
		result,
		evaluation: None,
	};
	world.chain.set(keys::map("Models", "Models", 5u32), model);
	world.order(
		JOB,
		TrainingSpec {
			parent: Parent::Model(5),
			..spec(3)
		},
		vec![world.roots[3]],
	);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let record = manifest(&world, &submitted(&world, &service)).await;
	assert_eq!(
		record
			.parent
			.as_ref()
			.map(|parent| (parent.model, parent.adapter.sha256)),
		Some((5, adapter.sha256))
	);
	let continued = record
		.run
		.inputs
		.init_adapter_files
		.iter()
		.find(|file| file.name == "adapter_model.safetensors");
	assert_eq!(
		continued.map(|file| file.sha256.clone()),
		Some(hex::encode(adapter.sha256))
	);
	assert_ne!(record.adapter.sha256, adapter.sha256);
}

#[tokio::test]
async fn items_that_are_not_text_files_should_be_named_and_left_out() {
	let mut world = World::new().await;
	world.add_item("a picture".into(), Format::Png).await;
	let service = world.service().await;
	world.order(JOB, spec(4), vec![world.roots[4]]);
	let prepared = service.prepare(JOB).await.unwrap();
	let dataset = &prepared.datasets[0];
	assert_eq!(
		(
			dataset.items.len(),
			dataset.held_out.len(),
			dataset.unreadable.len(),
			dataset.unreadable[0].version
		),
		(2, 1, 1, 4)
	);
	assert_eq!(dataset.root, world.roots[4], "the root is that of all items");
}

/// `spec(version)` without what the first `exclusions` took down.
fn without(version: u32, exclusions: u32) -> TrainingSpec {
	let mut spec = spec(version);
	for dataset in spec.datasets.iter_mut() {
		dataset.exclusions = exclusions;
	}
	spec
}

#[tokio::test(flavor = "multi_thread")]
async fn items_that_were_taken_down_should_be_neither_fetched_nor_trained_on() {
	let world = World::new().await;
	let service = world.service().await;
	world.exclude(&[2]);
	// Gone from the store too, as an unlawful file is.
	let cid = world.items[1].payload.cid();
	world.payloads.unpin(&cid).await.unwrap();
	world.order(JOB, without(3, 1), vec![world.roots[3]]);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let record = manifest(&world, &submitted(&world, &service)).await;
	let dataset = &record.datasets[0];
	let versions = |records: &[ItemRecord]| records.iter().map(|record| record.version).collect::<Vec<_>>();
	assert_eq!(
		(
			versions(&dataset.items),
			versions(&dataset.held_out),
			versions(&dataset.excluded)
		),
		(vec![1], vec![3], vec![2])
	);
	assert_eq!((dataset.exclusions, dataset.excluded[0].item), (1, 102));
	assert_eq!(dataset.root, world.roots[3], "the root is that of all items");
	assert_eq!(
		(record.run.inputs.documents, record.run.inputs.data_files.len()),
		(1, 1)
	);
	let cached = service
		.home
		.join("payloads")
		.join(hex::encode(world.items[1].payload.sha256));
	assert!(!cached.exists(), "it was not fetched");
}

#[tokio::test]
async fn only_the_exclusions_that_the_order_names_should_count() {
	let world = World::new().await;
	let service = world.service().await;
	world.exclude(&[3, 1]);
	for (version, exclusions, kept) in [(3, 0, 3), (3, 1, 2), (3, 2, 1), (2, 1, 2), (2, 2, 1)] {
		world.order(JOB, without(version, exclusions), vec![world.roots[version as usize]]);
		let prepared = service.prepare(JOB).await.unwrap();
		let dataset = &prepared.datasets[0];
		assert_eq!(
			dataset.items.len() + dataset.held_out.len(),
			kept,
			"{version} without {exclusions}"
		);
	}
	world.order(JOB, without(3, 3), vec![world.roots[3]]);
	let error = service.prepare(JOB).await.err().unwrap();
	assert!(error.to_string().contains("has no 3 exclusions"), "{error}");
	world.exclude(&[3, 1, 2]);
	assert!(matches!(service.prepare(JOB).await, Err(WorkerError::NoText(JOB))));
}
