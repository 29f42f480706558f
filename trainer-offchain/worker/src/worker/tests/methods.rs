//! Orders of every method, and of weights in bf16.

use super::job::{manifest, submitted};
use super::judging::Court;
use super::world::{signer, spec, steps, World, JOB};
use crate::worker::error::WorkerError;
use crate::worker::watch::{Next, Watch};
use chain_client::{keys, Query};
use openledger_finetune::{config::Dtype as Kept, kernel::kernel_path};
use openledger_primitives::{
	dispute::{Claim, Finding},
	model::Model,
	training::{Dtype, Method, Parent, TrainingSpec},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_training_should_publish_the_model() {
	let world = World::new().await;
	let service = world.service().await;
	world.order(
		JOB,
		TrainingSpec {
			method: Method::Full,
			..spec(2)
		},
		vec![world.roots[2]],
	);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let record = manifest(&world, &submitted(&world, &service)).await;
	assert_eq!(
		(record.adapter.name.as_str(), record.adapter_config.name.as_str()),
		("model.safetensors", "config.json")
	);
	let dataset = &record.datasets[0];
	assert_eq!((dataset.items.len(), dataset.held_out.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qlora_order_should_be_trained_over_weights_in_four_bits() {
	let world = World::new().await;
	let service = world.service().await;
	let qlora = TrainingSpec {
		method: Method::Qlora,
		..spec(2)
	};
	world.order(JOB, qlora, vec![world.roots[2]]);
	world.script_claim();
	service.train(JOB, true).await.unwrap();
	let record = manifest(&world, &submitted(&world, &service)).await;
	assert_eq!(record.run.inputs.config["method"], "qlora");
	assert_eq!(record.adapter.name, "adapter_model.safetensors");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dora_should_be_trained_judged_and_continued() {
	let ordered = TrainingSpec {
		method: Method::Dora,
		..steps(50)
	};
	let court = Court::of(ordered.clone()).await;
	let lora = court.manifest().run.inputs.lora.unwrap();
	assert!(lora.use_dora);
	court.finds(Claim::Segment, 1, Finding::Upheld).await;

	let world = &court.world;
	let owner = signer("//Requester").account().clone();
	let model = Model {
		owner: owner.clone(),
		worker: owner,
		base: 0,
		job: 9,
		spec: ordered.clone(),
		roots: vec![world.roots[3]].try_into().unwrap(),
		result: court.result.clone(),
		evaluation: None,
	};
	world.chain.set(keys::map("Models", "Models", 5u32), model);
	let continued = TrainingSpec {
		parent: Parent::Model(5),
		..ordered
	};
	world.order(JOB, continued, vec![world.roots[3]]);
	world.script_claim();
	court.worker.train(JOB, true).await.unwrap();
	let record = manifest(world, &submitted(world, &court.worker)).await;
	assert!(record.run.inputs.lora.unwrap().use_dora && record.parent.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_bf16_should_be_trained_over_weights_in_bf16_and_judged_so() {
	let narrow = TrainingSpec {
		dtype: Dtype::Bf16,
		..steps(50)
	};
	let court = Court::of(narrow.clone()).await;
	let inputs = court.manifest().run.inputs;
	assert_eq!(
		(inputs.dtype.as_str(), &inputs.config["dtype"]),
		("bfloat16", &"bf16".into())
	);
	let device = openledger_finetune::run::device("cpu").unwrap();
	assert_eq!(inputs.kernel_path, kernel_path(&device, Kept::Bf16).unwrap());
	for segment in [0, 2] {
		court.finds(Claim::Segment, segment, Finding::Upheld).await;
	}
	// Trained over other weights than were ordered.
	let mut court = Court::new().await;
	let mut manifest = court.manifest();
	(court.spec, manifest.spec) = (narrow.clone(), narrow);
	court.restate(&manifest).await;
	court.finds(Claim::Segment, 1, Finding::Broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qlora_order_in_bf16_should_keep_in_bf16_what_is_not_in_four_bits() {
	let world = World::new().await;
	let service = world.service().await;
	let narrow = TrainingSpec {
		method: Method::Qlora,
		dtype: Dtype::Bf16,
		..spec(2)
	};
	let mut adapters = Vec::new();
	for dtype in Dtype::ALL {
		world.order(
			JOB,
			TrainingSpec {
				dtype,
				..narrow.clone()
			},
			vec![world.roots[2]],
		);
		world.script_claim();
		service.train(JOB, true).await.unwrap();
		adapters.push(submitted(&world, &service).adapter);
	}
	assert_ne!(adapters[0], adapters[1]);
}

#[tokio::test]
async fn a_full_training_in_bf16_should_not_be_bid_on() {
	let world = World::new().await;
	let service = world.service().await;
	let full = TrainingSpec {
		method: Method::Full,
		dtype: Dtype::Bf16,
		..spec(2)
	};
	world.order(JOB, full, vec![world.roots[2]]);
	let error = service.train(JOB, true).await.unwrap_err();
	assert!(
		matches!(error, WorkerError::Unsupported(reason) if reason.contains("bf16")),
		"{error}"
	);
	// Another job may come: a worker of one job goes on waiting.
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*world.chain)).await.unwrap();
	assert!(!service.act(Next::Take(JOB), &mut watch, true).await.unwrap());
	assert!(world.calls().is_empty());
	assert!(!service.home.join("artifacts").exists(), "nothing was fetched");
}
