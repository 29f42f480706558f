//! Jobs that this machine cannot train.

use super::world::{fixture, signer, spec, World, JOB};
use crate::worker::error::WorkerError;
use crate::worker::fit::Work;
use crate::worker::watch::{Next, Watch};
use chain_client::{keys, Query};
use openledger_primitives::{
	capability::{Capability, Device, DtypeSet, MethodSet},
	model::{JobResult, Model},
	training::{Dtype, LoraTargets, Method, Parent, TrainingSpec},
};

#[tokio::test]
async fn a_job_should_not_be_bid_on_when_its_training_takes_more_memory_than_there_is() {
	let world = World::new().await;
	let mut service = world.service().await;
	let mut large = spec(3);
	large.hyperparameters.batch_size = 64;
	large.hyperparameters.cutoff_length = 65_536;
	let (small_mib, large_mib) = (
		service.needs(&spec(3)).await.unwrap().training_mib,
		service.needs(&large).await.unwrap().training_mib,
	);
	assert!(small_mib < 100 && large_mib > 10_000, "{small_mib} {large_mib}");
	world.order(JOB, large, vec![world.roots[3]]);
	service.memory_mib = 8_000;
	let error = service.train(JOB, true).await.unwrap_err();
	assert!(
		matches!(error, WorkerError::TooLarge { needed_mib, memory_mib: 8_000 } if needed_mib == large_mib),
		"{error}"
	);
	assert!(!error.is_passing() && error.to_string().contains(&format!("{large_mib} MiB")));
	assert!(world.calls().is_empty(), "it did not bid");
	let fetched = service.home.join("artifacts").read_dir().unwrap().count();
	assert_eq!(fetched, 1, "only config.json was fetched");
}

#[tokio::test]
async fn a_job_should_not_be_bid_on_when_no_gateway_would_take_its_result() {
	let world = World::new().await;
	let mut service = world.service().await;
	service.memory_mib = u32::MAX;
	let mut base = Query::new(&*world.chain).base_model(0).await.unwrap().unwrap();
	let mut files = base.files.into_inner();
	let weights = files
		.iter_mut()
		.find(|file| *file.name == *b"model.safetensors")
		.unwrap();
	weights.artifact.bytes = (2 << 30) + 4;
	base.files = files.try_into().unwrap();
	world.set_base_model(base);
	let full = TrainingSpec {
		method: Method::Full,
		..spec(3)
	};
	let fits = async |spec: &TrainingSpec, work| service.ensure_fits(JOB, spec, work).await;
	let error = fits(&full, Work::Training).await.unwrap_err();
	assert!(
		matches!(error, WorkerError::ResultTooLarge { bytes } if bytes > 2 << 30),
		"{error}"
	);
	assert!(error.is_unfit() && error.to_string().contains("order an adapter"));
	// Another gateway may have taken it.
	fits(&full, Work::Judging).await.unwrap();
	fits(&spec(3), Work::Training).await.unwrap();
}

#[tokio::test]
async fn an_order_should_not_be_bid_on_when_its_family_has_no_usual_targets_and_it_names_none() {
	let world = World::new().await;
	let service = world.service().await;
	let mut base = Query::new(&*world.chain).base_model(0).await.unwrap().unwrap();
	let mut files = base.files.into_inner();
	let deepseek = fixture("../tiny-deepseek2/model");
	for file in &mut files[..2] {
		let name = String::from_utf8(file.name.to_vec()).unwrap();
		file.artifact = world.publish(&deepseek.join(name)).await;
	}
	base.files = files.try_into().unwrap();
	world.set_base_model(base);

	let error = service.train(JOB, true).await.unwrap_err();
	let family = "deepseek_v2";
	assert!(matches!(error, WorkerError::NoTargets { family: found } if found == family));
	assert!(
		error.to_string().contains(family) && error.to_string().contains("all-linear"),
		"{error}"
	);
	// Another job may come: a worker of one job goes on waiting.
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*world.chain)).await.unwrap();
	assert!(!service.act(Next::Take(JOB), &mut watch, true).await.unwrap());
	assert!(world.calls().is_empty(), "it did not bid");

	let mut named = spec(3);
	named.hyperparameters.lora_targets = LoraTargets::AllLinear;
	let full = TrainingSpec {
		method: Method::Full,
		..spec(3)
	};
	for trainable in [named, full] {
		assert!(service.needs(&trainable).await.unwrap().training_mib > 0);
	}
}

#[tokio::test]
async fn a_continued_adapter_should_count_by_its_own_size() {
	let world = World::new().await;
	let service = world.service().await;
	let mut adapter = world
		.publish(&fixture("adapter_trained").join("adapter_model.safetensors"))
		.await;
	adapter.bytes = 1 << 30;
	let result = JobResult {
		adapter,
		adapter_config: adapter,
		manifest: adapter,
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
	let continued = TrainingSpec {
		parent: Parent::Model(5),
		..spec(3)
	};
	assert!(service.needs(&spec(3)).await.unwrap().training_mib < 1_024);
	assert!(
		service.needs(&continued).await.unwrap().training_mib > 3 * 1_024,
		"with both moments"
	);
}

#[tokio::test]
async fn why_a_job_is_not_for_this_machine_should_be_told_once() {
	let world = World::new().await;
	let able = Capability {
		device: Device::Cpu,
		memory_mib: 100,
		methods: MethodSet::of(&[Method::Lora]),
		dtypes: DtypeSet::of(&[Dtype::F32]),
	};
	let orders = [
		(spec(3), None),
		(
			TrainingSpec {
				method: Method::Full,
				..spec(3)
			},
			Some("method is Full"),
		),
		(
			TrainingSpec {
				dtype: Dtype::Bf16,
				..spec(3)
			},
			Some("numbers are Bf16"),
		),
		(
			TrainingSpec {
				min_memory_mib: 101,
				..spec(3)
			},
			Some("101 MiB"),
		),
	];
	let mut expected = Vec::new();
	for (id, (order, why)) in (0..).zip(orders) {
		world.order(id, order, vec![world.roots[3]]);
		expected.extend(why.map(|why| (id, why)));
	}
	world.chain.set(keys::entry("Models", "NextJob"), 4u32);
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*world.chain)).await.unwrap();
	let told = watch.unfit(&able);
	assert_eq!(told.len(), expected.len());
	for ((id, why), (job, part)) in told.iter().zip(&expected) {
		assert!(id == job && why.contains(part), "{why}");
	}
	watch.refresh(&Query::new(&*world.chain)).await.unwrap();
	assert!(watch.unfit(&able).is_empty());
}
