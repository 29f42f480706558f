//! What differs from the chain is not trained on.

use super::world::{fixture, World, DATANET, JOB};
use crate::worker::error::WorkerError;
use chain_client::{keys, Query};
use openledger_primitives::item::Item;

#[tokio::test]
async fn base_files_should_be_refused_when_a_local_copy_differs() {
	let world = World::new().await;
	let mut service = world.service().await;
	let local = world.dir.path().join("local");
	std::fs::create_dir(&local).unwrap();
	for name in ["config.json", "model.safetensors", "tokenizer.json"] {
		std::fs::copy(fixture("model").join(name), local.join(name)).unwrap();
	}
	service.base_dirs.insert("tiny llama".into(), local.clone());
	assert!(service.prepare(JOB).await.is_ok(), "an exact copy is taken");

	let path = local.join("model.safetensors");
	let mut bytes = std::fs::read(&path).unwrap();
	*bytes.last_mut().unwrap() ^= 1;
	std::fs::write(&path, bytes).unwrap();
	let error = service.prepare(JOB).await.err().unwrap();
	assert!(
		matches!(&error, WorkerError::WrongFile { what, .. } if what.contains("model.safetensors")),
		"{error}"
	);
	assert!(!error.is_passing());
}

#[tokio::test]
async fn base_files_should_be_refused_when_the_store_s_bytes_have_another_hash() {
	let world = World::new().await;
	let service = world.service().await;
	let mut model = Query::new(&*world.chain).base_model(0).await.unwrap().unwrap();
	let mut files = model.files.into_inner();
	files[0].artifact.sha256 = [1; 32];
	model.files = files.try_into().unwrap();
	world.set_base_model(model);
	let error = service.prepare(JOB).await.err().unwrap();
	assert!(
		matches!(&error, WorkerError::WrongFile { what, .. } if what == "config.json"),
		"{error}"
	);
	assert!(world.calls().is_empty(), "a job that cannot be verified is not bid on");
}

#[tokio::test]
async fn base_files_should_be_refused_when_a_name_leaves_the_folder() {
	let world = World::new().await;
	let service = world.service().await;
	let mut model = Query::new(&*world.chain).base_model(0).await.unwrap().unwrap();
	let mut files = model.files.into_inner();
	files[0].name = b"../config.json".to_vec().try_into().unwrap();
	model.files = files.try_into().unwrap();
	world.set_base_model(model);
	assert!(matches!(service.prepare(JOB).await, Err(WorkerError::UnsafeName(_))));
}

#[tokio::test]
async fn a_damaged_file_in_the_cache_should_be_fetched_again() {
	let world = World::new().await;
	let service = world.service().await;
	service.prepare(JOB).await.unwrap();
	let cached = service
		.home
		.join("payloads")
		.join(hex::encode(world.items[0].payload.sha256));
	std::fs::write(&cached, b"damaged").unwrap();
	service.prepare(JOB).await.unwrap();
	assert!(std::fs::read(&cached).unwrap().starts_with(b"Item 0"));
}

#[tokio::test]
async fn a_dataset_should_be_refused_when_its_root_is_not_the_ordered_one() {
	let world = World::new().await;
	let service = world.service().await;
	world.order(JOB, super::world::spec(3), vec![world.roots[2]]);
	let error = service.prepare(JOB).await.err().unwrap();
	assert!(
		matches!(
			error,
			WorkerError::WrongRoot {
				datanet: DATANET,
				version: 3,
				..
			}
		),
		"{error}"
	);
}

#[tokio::test]
async fn a_dataset_should_be_refused_when_an_item_differs_or_is_missing() {
	let world = World::new().await;
	let service = world.service().await;
	let key = keys::numbered("Datanets", "Items", 102u64);
	let other = Item {
		contributor: super::world::signer("//Thief").account().clone(),
		..world.items[1].clone()
	};
	world.chain.set(key.clone(), other);
	let error = service.prepare(JOB).await.err().unwrap();
	assert!(matches!(error, WorkerError::WrongRoot { version: 2, .. }), "{error}");

	world.chain.set(
		key.clone(),
		Item {
			datanet: DATANET + 1,
			..world.items[1].clone()
		},
	);
	assert!(matches!(
		service.prepare(JOB).await,
		Err(WorkerError::ItemMissing { version: 2, .. })
	));
	world.chain.remove(&key);
	assert!(matches!(
		service.prepare(JOB).await,
		Err(WorkerError::ItemMissing { version: 2, .. })
	));
}
