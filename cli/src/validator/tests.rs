//! The daemon against a chain in memory: what it does in each window, and that it needs no memory of its own.

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;
use chain_client::{keys, AccountId, Args, Call, Chain, DispatchError, Event, Memory, Signer};
use openledger_primitives::{
	format::{Format, Modality, ModalitySet},
	item::{Case, Content, Datanet, Item, Neighbours, Outcome, Phase, Policy, Round, Vote},
	payload::{possession, Cid},
	points::AcceptShare,
	schedule::Schedule,
	tally::{Tally, WIDTHS},
	validator::Validator,
	vote::{Reason, Verdict},
	ItemId,
};
use payload_store::{Health, Opened, PayloadStore, StoreError, Stored};

use super::{assess::ballot, Daemon};

const ITEM: ItemId = 4;
const TEXT: &str = "A crate that reads configuration files, checks each value against its range, and explains in one \
	sentence what is wrong, where it is, and how it can be put right again by whoever wrote it.";

/// A store with the bytes of one file, or without.
struct OneFile(Option<Bytes>);

#[async_trait]
impl PayloadStore for OneFile {
	async fn put(&self, _: Bytes) -> payload_store::Result<Stored> {
		Err(StoreError::Stopped)
	}
	async fn put_file(&self, _: &Path) -> payload_store::Result<Stored> {
		Err(StoreError::Stopped)
	}
	async fn open(&self, cid: &Cid, _: u64, _: Duration) -> payload_store::Result<Opened> {
		Err(StoreError::NotFound { cid: *cid })
	}
	async fn get(&self, cid: &Cid, _: u64, _: Duration) -> payload_store::Result<Bytes> {
		self.0.clone().ok_or(StoreError::NotFound { cid: *cid })
	}
	async fn pin(&self, _: &Cid) -> payload_store::Result<()> {
		Ok(())
	}
	async fn unpin(&self, _: &Cid) -> payload_store::Result<()> {
		Ok(())
	}
	async fn has(&self, _: &Cid) -> payload_store::Result<bool> {
		Ok(self.0.is_some())
	}
	async fn health(&self) -> payload_store::Result<Health> {
		Ok(Health {
			store: "one file".into(),
			payloads: None,
			free_bytes: None,
		})
	}
}

/// One item in review: its seed is at active block 10, commitments until 20, reveals until 30.
struct Court {
	chain: Arc<Memory>,
	signer: Signer,
}

impl Court {
	fn new() -> Self {
		let court = Self {
			chain: Arc::new(Memory::new()),
			signer: Signer::from_suri("//Alice").unwrap(),
		};
		let contributor = AccountId::new([7; 32]);
		let payload = payload_store::import(TEXT.as_bytes()).payload(Format::Markdown);
		let item = Item {
			datanet: 0,
			contributor: contributor.clone(),
			payload,
			possession: Some(possession(&[7; 32], TEXT.as_bytes())),
			submitted_at: 5,
			day: 1,
			outcome: Outcome::InReview,
		};
		let datanet = Datanet {
			owner: contributor,
			modality: Modality::Text,
			name: b"texts".to_vec().try_into().unwrap(),
			description: Default::default(),
			policy: Policy::open(Modality::Text, 1_000),
			closed: false,
			version: 0,
			root: [0; 32],
			points: 0,
			rejected: 0,
			in_review: 1,
			exclusions: 0,
		};
		let text = ModalitySet::of(&[Modality::Text]);
		let validator = Validator {
			stake: 100,
			modalities: text,
			schedule: Schedule::constant((100, text)),
			at_risk: 0,
			unbonding: Default::default(),
			credit: 0,
			slashed: 0,
		};
		court.chain.set(keys::numbered("Datanets", "Items", ITEM), item);
		court.chain.set(keys::numbered("Datanets", "Datanets", 0u32), datanet);
		court
			.chain
			.set(keys::map("Datanets", "Contents", payload.sha256), Content::default());
		court
			.chain
			.set(keys::map("Validation", "Validators", court.me()), validator);
		court.chain.set(keys::map("Validation", "Ring", 10u32), [5u8; 32]);
		court.set_round(|_| {});
		court.set_phase(Phase::Voting);
		court
	}

	fn me(&self) -> &AccountId {
		self.signer.account()
	}

	fn set_round(&self, change: impl Fn(&mut Round)) {
		let mut round = Round {
			opened_at: 5,
			seed_at: 10,
			commit_until: 20,
			reveal_until: 30,
			session: 0,
			total_stake: 100,
			width: WIDTHS[0],
			risk: 1,
			tally: Tally::default(),
			unsettled: 0,
			fee: 0,
			paid: 0,
		};
		change(&mut round);
		self.chain.set(keys::map("Validation", "Rounds", (ITEM, 0u8)), round);
	}

	fn set_phase(&self, phase: Phase) {
		let case = Case {
			datanet: 0,
			modality: Modality::Text,
			contributor: AccountId::new([7; 32]),
			bytes: 0,
			round: 0,
			phase,
			fee: 0,
			unsettled: 0,
			challenges: 0,
			penalty: None,
		};
		self.chain.set(keys::map("Validation", "Cases", ITEM), case);
	}

	fn set_vote(&self, commitment: [u8; 32], verdict: Option<Verdict>) {
		let vote = Vote {
			commitment,
			weight: 7,
			verdict,
		};
		self.chain
			.set(keys::double_map("Validation", "Votes", (ITEM, 0u8), self.me()), vote);
	}

	fn at(&self, active: u32) {
		self.chain.set(keys::entry("Authorities", "ActiveBlockCount"), active);
		self.chain.set_head(active, 0);
	}

	/// A daemon that has just been started, with or without the file.
	fn daemon(&self, file: bool) -> Daemon<Memory> {
		let store = OneFile(file.then(|| Bytes::from(TEXT)));
		Daemon::new(self.chain.clone(), Arc::new(store), self.signer.clone())
	}

	/// Starts a daemon, lets it fetch, and returns the calls that it makes at this block.
	async fn calls_at(&self, active: u32, file: bool) -> Vec<Call> {
		self.at(active);
		let before = self.chain.submitted().len();
		let mut daemon = self.daemon(file);
		daemon.step().await.unwrap();
		daemon.finish_fetches().await;
		daemon.step().await.unwrap();
		let calls = self
			.chain
			.submitted()
			.split_off(before)
			.into_iter()
			.map(|submitted| submitted.call);
		let mut calls: Vec<_> = calls.flat_map(inside).collect();
		// This chain does nothing with a call, so what needs no file is sent at both steps.
		calls.dedup();
		calls
	}
}

/// The calls in a batch.
fn inside(call: Call) -> Vec<Call> {
	match call.args {
		Args::Calls(calls) => calls,
		_ => vec![call],
	}
}

fn names(calls: &[Call]) -> Vec<&str> {
	calls.iter().map(|call| call.name).collect()
}

#[tokio::test]
async fn a_drawn_item_should_be_committed_only_in_the_commit_window() {
	let court = Court::new();
	assert!(court.calls_at(9, true).await.is_empty(), "the seed is not known");
	assert_eq!(names(&court.calls_at(10, true).await), ["commit"]);
	assert_eq!(names(&court.calls_at(19, true).await), ["commit"]);
	assert!(
		court.calls_at(20, true).await.is_empty(),
		"a call sent now comes too late"
	);
}

#[tokio::test]
async fn a_proxy_should_vote_in_the_name_of_whose_stake_it_is() {
	let court = Court::new();
	court.at(12);
	let hot = Signer::from_suri("//Bob").unwrap();
	let store = Arc::new(OneFile(Some(Bytes::from(TEXT))));
	let mut daemon = Daemon::new_for(court.me().clone(), court.chain.clone(), store, hot);
	daemon.step().await.unwrap();
	daemon.finish_fetches().await;
	daemon.step().await.unwrap();
	let sent = court.chain.submitted().pop().expect("it commits").call;
	let Args::Around(arguments, batch, _) = sent.args else {
		panic!("{} carries no call", sent.name)
	};
	assert_eq!(sent.name, "proxy");
	assert_eq!(arguments[1..33], *AsRef::<[u8]>::as_ref(court.me()));
	let calls = inside(*batch);
	assert_eq!(names(&calls), ["commit"]);
	let Args::Scale(args) = &calls[0].args else { panic!() };
	let commitment = args[args.len() - 32..].try_into().unwrap();

	court.set_vote(commitment, None);
	assert!(
		court.calls_at(21, true).await.is_empty(),
		"the cold key does not know the salt"
	);
	court.at(21);
	daemon.step().await.unwrap();
	let sent = court.chain.submitted().pop().expect("it reveals").call;
	let Args::Around(_, batch, _) = sent.args else { panic!() };
	assert_eq!(names(&inside(*batch)), ["reveal"]);
}

#[tokio::test]
async fn the_same_key_should_commit_the_same_and_reveal_it_after_a_restart() {
	let court = Court::new();
	let first = court.calls_at(12, true).await;
	assert_eq!(
		first,
		court.calls_at(13, true).await,
		"a commitment does not depend on when it is made"
	);
	let Args::Scale(args) = &first[0].args else { panic!() };
	let commitment: [u8; 32] = args[args.len() - 32..].try_into().unwrap();

	court.set_vote(commitment, None);
	assert!(court.calls_at(14, true).await.is_empty(), "committed already");
	assert!(
		court.calls_at(20, true).await.is_empty(),
		"in a fork of this block the preimage could be reported"
	);
	let reveals = court.calls_at(21, true).await;
	assert_eq!(names(&reveals), ["reveal"]);
	assert!(
		court.calls_at(21, false).await.is_empty(),
		"the score cannot be found without the file's units"
	);
	court.set_vote(commitment, Some(Verdict::Accept { score: 1, units: 1 }));
	assert!(court.calls_at(25, true).await.is_empty(), "revealed already");
}

#[tokio::test]
async fn a_file_that_is_not_there_should_be_called_unavailable_only_at_the_end_of_the_window() {
	let court = Court::new();
	assert!(court.calls_at(12, false).await.is_empty());
	let calls = court.calls_at(18, false).await;
	let genesis = court.chain.genesis().await.unwrap();
	let ballot = ballot(genesis, ITEM, 0, court.me());
	let reject = Verdict::Reject {
		reason: Reason::Unavailable,
	};
	let commitment = ballot.commitment(&reject, &ballot.salt(&court.signer.salt_secret()));
	assert_eq!(calls, [chain_client::calls::commit(ITEM, 0, commitment)]);
}

#[tokio::test]
async fn nothing_should_be_committed_without_weight_or_on_an_own_item() {
	let court = Court::new();
	court.set_round(|round| round.total_stake = 1);
	assert!(
		court.calls_at(12, true).await.is_empty(),
		"more stake than there is in the session counts nothing"
	);
	court.set_round(|_| {});
	court.chain.remove(&keys::map("Validation", "Validators", court.me()));
	assert!(court.calls_at(12, true).await.is_empty());
}

#[tokio::test]
async fn rounds_should_be_closed_and_verdicts_made_final_after_their_deadlines() {
	let court = Court::new();
	// Who calls first is spread over five blocks.
	assert!(court.calls_at(29, true).await.is_empty());
	assert_eq!(names(&court.calls_at(34, true).await), ["close_round"]);
	let verdict = Verdict::Accept { score: 70, units: 3 };
	court.set_phase(Phase::Provisional { verdict, until: 40 });
	assert!(court.calls_at(39, true).await.is_empty());
	assert_eq!(names(&court.calls_at(44, true).await), ["finalize"]);
	let neighbours = Neighbours {
		previous: Some(1),
		next: None,
	};
	court
		.chain
		.set(keys::numbered("Datanets", "Neighbours", ITEM), neighbours);
	assert!(court.calls_at(44, true).await.is_empty(), "an earlier claim is open");
}

#[tokio::test]
async fn own_votes_should_be_settled_once_the_outcome_is_final() {
	let court = Court::new();
	court.set_phase(Phase::Final {
		outcome: None,
		recent: AcceptShare::default(),
		at: 30,
	});
	assert!(court.calls_at(50, true).await.is_empty(), "no vote to settle");
	court.set_vote([0; 32], None);
	assert_eq!(names(&court.calls_at(50, true).await), ["settle"]);
}

#[tokio::test]
async fn a_call_that_somebody_else_made_first_should_not_stop_the_others() {
	let court = Court::new();
	court.set_vote([0; 32], None);
	court.set_phase(Phase::Final {
		outcome: None,
		recent: AcceptShare::default(),
		at: 30,
	});
	court.at(50);
	let error = DispatchError {
		pallet: "Validation".into(),
		name: "VoteNotFound".into(),
		docs: String::new(),
	};
	let failed = Event {
		pallet: "Utility".into(),
		name: "ItemFailed".into(),
		fields: vec![],
		extrinsic: Some(1),
		error: Some(error),
	};
	court.chain.script(Ok(court.chain.outcome(vec![failed])));
	let mut daemon = court.daemon(true);
	daemon.step().await.unwrap();
	assert_eq!((daemon.counts().settled, daemon.counts().failed), (0, 1));
	daemon.step().await.unwrap();
	assert_eq!(
		daemon.counts().settled,
		0,
		"what failed is not paid for again in the next block"
	);
	court.at(55);
	daemon.step().await.unwrap();
	assert_eq!((daemon.counts().settled, daemon.counts().failed), (1, 1));
}

#[tokio::test]
async fn votes_that_nobody_settles_should_be_settled_by_somebody() {
	let court = Court::new();
	court.set_phase(Phase::Final {
		outcome: None,
		recent: AcceptShare::default(),
		at: 30,
	});
	let absent = AccountId::new([9; 32]);
	let vote = Vote {
		commitment: [0; 32],
		weight: 1,
		verdict: None,
	};
	court
		.chain
		.set(keys::double_map("Validation", "Votes", (ITEM, 0u8), &absent), vote);
	let mut calls = Vec::new();
	for active in 60..65 {
		calls.extend(court.calls_at(active, true).await);
	}
	assert_eq!(
		calls,
		[chain_client::calls::settle(ITEM, 0, &absent)],
		"once in five blocks"
	);
	assert!(court.calls_at(40, true).await.is_empty(), "it has time to do so itself");
}

#[tokio::test]
async fn no_more_should_be_committed_than_the_free_stake_covers() {
	let court = Court::new();
	court.set_round(|round| round.risk = 8);
	assert!(
		court.calls_at(12, true).await.is_empty(),
		"weight 7 at 8 each is more than the half of a stake of 100"
	);
	court.set_round(|round| round.risk = 7);
	assert_eq!(names(&court.calls_at(12, true).await), ["commit"]);

	// On challenges all of it can be put at risk.
	let court = Court::new();
	court.set_phase(Phase::Challenged {
		verdict: Verdict::Accept { score: 80, units: 1 },
	});
	court.set_round(|round| round.risk = 15);
	assert!(court.calls_at(12, true).await.is_empty());
	court.set_round(|round| round.risk = 14);
	assert_eq!(names(&court.calls_at(12, true).await), ["commit"]);
}
