//! A real node, used through chain-client only.

use chain_client::{calls, AccountId, Chain, ChainError, ChainExt, Query, Signer, Subxt, Wait};
use openledger_primitives::{
	format::{Format, Modality},
	item::{Outcome, Policy},
	payload::{possession, Payload},
	TOTAL_ISSUANCE,
};
use openledger_test_support::{processes::Processes, start_dev_node, Folder};

/// What `contribute` would submit for these bytes.
fn payload(bytes: &[u8]) -> Payload {
	payload_store::import(bytes).payload(Format::Markdown)
}

fn proof(who: &AccountId, bytes: &[u8]) -> [u8; 32] {
	possession(who.as_ref(), bytes)
}

fn refusal(error: ChainError) -> String {
	error
		.dispatch()
		.map(|error| error.name.clone())
		.unwrap_or_else(|| error.to_string())
}

#[test]
fn a_node_should_take_signed_extrinsics_refuse_by_name_and_stop_when_told() {
	let folder = Folder::new().expect("a temporary folder");
	let mut processes = Processes::new(folder.logs()).expect("a folder for logs");
	let url = start_dev_node(&mut processes, folder.path()).expect("the node starts; scripts/test.sh builds it");
	let executor = tokio::runtime::Runtime::new().expect("an executor");
	executor.block_on(async {
		let chain = Subxt::connect(&url).await.expect("connects");
		let query = Query::new(&chain);
		let (owner, contributor) = (
			Signer::from_suri("//Owner").unwrap(),
			Signer::from_suri("//Contributor1").unwrap(),
		);

		let name = b"Notes".to_vec().try_into().unwrap();
		let create = calls::create_datanet(
			Modality::Text,
			name,
			Default::default(),
			Policy::open(Modality::Text, 1_000),
		);
		let created = chain
			.submit(&owner, create, Wait::Finalized)
			.await
			.expect("creates a Datanet");
		let datanet: u32 = created.field("Datanets", "DatanetCreated").expect("says which");

		let good = b"# Notes\n\nWhat a contribution looks like.\n";
		let submit = |bytes: &[u8], payload| calls::submit(datanet, payload, proof(contributor.account(), bytes));
		let refused = [
			(submit(b"", payload(b"")), "EmptyFile"),
			(submit(&[b'a'; 1_001], payload(&[b'a'; 1_001])), "FileTooLarge"),
			(
				submit(
					good,
					Payload {
						format: Format::Png,
						..payload(good)
					},
				),
				"WrongFormat",
			),
			(
				calls::submit(datanet + 1, payload(good), proof(contributor.account(), good)),
				"DatanetNotFound",
			),
			(calls::withdraw(0), "ItemNotFound"),
		];
		for (call, expected) in refused {
			let error = chain
				.submit(&contributor, call, Wait::InBlock)
				.await
				.expect_err(expected);
			assert_eq!(refusal(error), expected);
		}
		assert_eq!(
			query.account(contributor.account()).await.unwrap().held,
			0,
			"what is refused holds nothing"
		);

		let taken = chain
			.submit(&contributor, submit(good, payload(good)), Wait::InBlock)
			.await
			.expect("takes a file");
		let item: u64 = taken.field("Datanets", "ItemSubmitted").expect("says which");
		let stored = query.item(item).await.unwrap().expect("is stored");
		assert_eq!((stored.payload, stored.outcome), (payload(good), Outcome::InReview));
		assert_eq!(query.day_use(contributor.account()).await.unwrap().files, 1);
		assert_eq!(query.total_issuance().await.unwrap(), TOTAL_ISSUANCE);

		processes.stop_all();
		let error = chain.head().await.expect_err("a dead node answers nothing");
		assert!(error.hint().is_some(), "{error} says what to do");
	});
}
