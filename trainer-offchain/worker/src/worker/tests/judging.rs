//! Disputed results: what a judge finds, commits to and reveals.

use super::job::submitted;
use super::world::{signer, steps, World, JOB};
use crate::commands::reproduce::{fetch, reproduce, Declared, Part};
use crate::stop::Stop;
use crate::worker::error::WorkerError;
use crate::worker::publish::hashes;
use crate::worker::record::JobManifest;
use crate::worker::watch::{Next, Watch};
use crate::worker::Service;
use chain_client::{calls, keys, Memory, Query};
use openledger_finetune::state::{State, FIRST};
use openledger_primitives::{
	capability::{Capability, Device, DtypeSet, MethodSet},
	dispute::{segment, Claim, Dispute, Finding, JudgeBallot, Seat},
	evaluation::{EvaluatedOn, EvaluationOfResult, ResultEvaluation, LOSS_TOLERANCE_MICRO},
	model::{Artifact, CheckpointsRoot, Job, JobResult, JobStatus, Worker},
	training::TrainingSpec,
	ActiveBlock,
};
use payload_store::{Cid, PayloadStore};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const OPENED_AT: ActiveBlock = 100;

/// What a machine that may judge can do.
const ABLE: Capability = Capability {
	device: Device::Cpu,
	memory_mib: 1,
	methods: MethodSet(0b101),
	dtypes: DtypeSet(1),
};

fn worker(registered_at: ActiveBlock, capability: Capability) -> Worker {
	Worker {
		bond: 1,
		endpoint: Default::default(),
		capability,
		registered_at,
		active_jobs: 0,
	}
}

/// A result of 50 steps, with three checkpoints, that somebody disputes.
pub struct Court {
	pub world: World,
	pub spec: TrainingSpec,
	pub worker: Service<Memory>,
	pub result: JobResult,
	evaluation: ResultEvaluation,
}

impl Court {
	pub async fn new() -> Self {
		Self::of(steps(50)).await
	}

	pub async fn of(spec: TrainingSpec) -> Self {
		let world = World::new().await;
		let worker = world.service().await;
		world.order(JOB, spec.clone(), vec![world.roots[3]]);
		world.script_claim();
		worker.train(JOB, true).await.unwrap();
		let result = submitted(&world, &worker);
		let evaluation = ResultEvaluation::Due {
			until: Default::default(),
			seed_at: 0,
			evaluate_by: 0,
		};
		Self {
			world,
			spec,
			worker,
			result,
			evaluation,
		}
	}

	fn file(&self, name: &str) -> PathBuf {
		self.worker.folder("jobs", JOB).join(name)
	}

	pub fn manifest(&self) -> JobManifest {
		serde_json::from_slice(&std::fs::read(self.file("manifest.json")).unwrap()).unwrap()
	}

	/// Publishes another manifest for the result, with the root of its checkpoints.
	pub async fn restate(&mut self, manifest: &JobManifest) {
		let path = self.world.dir.path().join("restated.json");
		std::fs::write(&path, serde_json::to_vec(manifest).unwrap()).unwrap();
		self.result.manifest = self.world.publish(&path).await;
		let hashes = hashes(&manifest.run.checkpoints).unwrap();
		let every = self.result.checkpoints.every_steps;
		self.result.checkpoints = CheckpointsRoot::of(&hashes, every);
	}

	/// Publishes checkpoint `k` with something changed, and states it.
	async fn falsify(&mut self, k: usize, change: impl FnOnce(&mut State)) {
		self.falsify_with(k, change, |_| ()).await
	}

	/// The same with something else changed in the manifest too.
	async fn falsify_with(&mut self, k: usize, change: impl FnOnce(&mut State), also: impl FnOnce(&mut JobManifest)) {
		let mut manifest = self.manifest();
		also(&mut manifest);
		let record = &mut manifest.run.checkpoints[k];
		let mut state = State::read(&self.file("run").join(&record.file)).unwrap();
		change(&mut state);
		let path = self.world.dir.path().join("false.safetensors");
		std::fs::write(&path, state.to_bytes().unwrap()).unwrap();
		let published = self.world.publish(&path).await;
		record.bytes = published.bytes;
		record.sha256 = hex::encode(published.sha256);
		record.cid = Some(published.cid.to_string());
		self.restate(&manifest).await;
	}

	/// The chain when `claim` can be judged, with a seed that draws segment `number`.
	fn open(&self, claim: Claim, number: u32) -> Dispute<chain_client::AccountId> {
		let seed = (0u32..)
			.map(|n| {
				let mut seed = [0; 32];
				seed[..4].copy_from_slice(&n.to_le_bytes());
				seed
			})
			.find(|seed| segment(seed, JOB, self.result.checkpoints.count) == number);
		let job = Job {
			requester: signer("//Requester").account().clone(),
			spec: self.spec.clone(),
			price: 100,
			created_at: 0,
			bids_until: 3,
			expires_at: 100,
			failures: 0,
			paused_blocks: 0,
			status: JobStatus::Disputed {
				worker: signer("//Worker").account().clone(),
				accept_at: 500,
				result: self.result.clone(),
				evaluation: self.evaluation.clone(),
			},
		};
		let dispute = Dispute {
			disputer: signer("//Requester").account().clone(),
			bond: 1,
			claim,
			opened_at: OPENED_AT,
			seed_at: 104,
			seed,
			commit_until: 200,
			reveal_until: 300,
			seats: Default::default(),
			split_at: None,
		};
		let chain = &self.world.chain;
		chain.set(keys::map("Models", "Jobs", JOB), job);
		chain.set(keys::map("Models", "Disputes", JOB), dispute.clone());
		self.set_now(110);
		dispute
	}

	fn set_now(&self, block: ActiveBlock) {
		self.world
			.chain
			.set(keys::entry("Authorities", "ActiveBlockCount"), block);
	}

	/// The commitment that //Judge sends, where it does.
	async fn commitment(&self, claim: Claim, number: u32) -> Result<[u8; 32], WorkerError> {
		self.open(claim, number);
		let judge = self.world.service_of("//Judge", "judge").await;
		let before = self.world.calls().len();
		judge.judge(JOB).await?;
		assert!(
			!judge.folder("judged", JOB).exists(),
			"what was fetched to judge is removed"
		);
		let made = self.world.calls();
		assert_eq!((made.len(), made[before].name), (before + 1, "judge_commit"));
		let findings = [Finding::Upheld, Finding::Broken, Finding::Unavailable];
		let commitments = findings.map(|finding| self.ballot(finding).0);
		let sent = commitments
			.into_iter()
			.find(|commitment| made[before] == calls::judge_commit(JOB, *commitment));
		Ok(sent.expect("it is a commitment of this judge"))
	}

	/// The commitment to a finding, and its salt.
	fn ballot(&self, finding: Finding) -> ([u8; 32], [u8; 32]) {
		let judge = signer("//Judge");
		let ballot = JudgeBallot {
			genesis: self.worker.genesis,
			job: JOB,
			opened_at: OPENED_AT,
			judge: judge.account(),
		};
		let salt = ballot.salt(&judge.salt_secret());
		(ballot.commitment(finding, &salt), salt)
	}

	pub async fn finds(&self, claim: Claim, number: u32, finding: Finding) {
		let sent = self.commitment(claim, number).await.unwrap();
		assert_eq!(sent, self.ballot(finding).0, "segment {number} should be {finding:?}");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_result_should_be_upheld_in_every_segment() {
	let court = Court::new().await;
	for number in 0..3 {
		court.finds(Claim::Segment, number, Finding::Upheld).await;
	}
	court.finds(Claim::NotAvailable, 0, Finding::Upheld).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_falsified_checkpoint_should_break_the_segments_on_both_sides() {
	let mut court = Court::new().await;
	court
		.falsify(1, |state| {
			state.tensors.values_mut().for_each(|tensor| tensor.values[0] += 1e-3)
		})
		.await;
	court.finds(Claim::Segment, 0, Finding::Upheld).await;
	court.finds(Claim::Segment, 1, Finding::Broken).await;
	court.finds(Claim::Segment, 2, Finding::Broken).await;
	court.finds(Claim::NotAvailable, 0, Finding::Upheld).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_should_be_broken_when_it_is_none_or_of_another_step() {
	for change in [
		(|state: &mut State| state.position.step = 39) as fn(&mut State),
		|state| drop(state.tensors.pop_first()),
		|state| {
			state
				.tensors
				.values_mut()
				.for_each(|tensor| tensor.values[0] = f32::NAN)
		},
	] {
		let mut court = Court::new().await;
		court.falsify(1, change).await;
		court.finds(Claim::Segment, 2, Finding::Broken).await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_should_be_found_unavailable_when_the_store_lacks_it() {
	let court = Court::new().await;
	let record = &court.manifest().run.checkpoints[0];
	let cid = Cid::parse(record.cid.as_ref().unwrap()).unwrap();
	court.world.artifacts.unpin(&cid).await.unwrap();
	court.finds(Claim::NotAvailable, 0, Finding::Unavailable).await;
	court.finds(Claim::Segment, 0, Finding::Unavailable).await;
	court.finds(Claim::Segment, 1, Finding::Unavailable).await;
	// The last segment does not need it.
	court.finds(Claim::Segment, 2, Finding::Upheld).await;
	for artifact in [court.result.adapter, court.result.manifest] {
		court.world.artifacts.unpin(&artifact.cid).await.unwrap();
		court.finds(Claim::NotAvailable, 0, Finding::Unavailable).await;
		court.finds(Claim::Segment, 2, Finding::Unavailable).await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_store_lost_should_be_published_again_when_it_is_disputed() {
	let court = Court::new().await;
	let manifest = court.manifest();
	let checkpoints = manifest.run.checkpoints.iter();
	let mut lost: Vec<_> = checkpoints
		.map(|record| Cid::parse(record.cid.as_ref().unwrap()).unwrap())
		.collect();
	lost.extend([court.result.manifest, court.result.adapter, court.result.adapter_config].map(|file| file.cid));
	for cid in &lost {
		court.world.artifacts.unpin(cid).await.unwrap();
	}
	court.finds(Claim::NotAvailable, 0, Finding::Unavailable).await;
	court.worker.publish_again(JOB).await.unwrap();
	for cid in &lost {
		assert!(court.world.artifacts.has(cid).await.unwrap(), "{cid}");
	}
	court.finds(Claim::NotAvailable, 0, Finding::Upheld).await;
	// Ended, nobody disputes it any more: what was trained between goes, the result stays.
	court.worker.tidy(|id| id != JOB).unwrap();
	assert!(court.file("run/checkpoints").exists());
	court.worker.tidy(|id| id == JOB).unwrap();
	assert!(!court.file("run/checkpoints").exists() && court.file("run/adapter").exists());
	court.world.artifacts.unpin(&lost[0]).await.unwrap();
	assert!(court.worker.publish_again(JOB).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_should_be_broken_when_it_states_something_else_than_the_chain() {
	type Change = fn(&mut JobManifest);
	let changes: [Change; 5] = [
		|manifest| manifest.job = 9,
		|manifest| manifest.spec.hyperparameters.learning_rate_nano += 1,
		|manifest| manifest.adapter.sha256 = [1; 32],
		|manifest| manifest.run.inputs.threads = 0,
		|manifest| drop(manifest.run.checkpoints.pop()),
	];
	let mut court = Court::new().await;
	for change in changes {
		let mut manifest = court.manifest();
		change(&mut manifest);
		court.restate(&manifest).await;
		court.finds(Claim::Segment, 0, Finding::Broken).await;
	}
	let path = court.world.dir.path().join("none.json");
	std::fs::write(&path, "{}").unwrap();
	court.result.manifest = court.world.publish(&path).await;
	court.finds(Claim::Segment, 0, Finding::Broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_or_a_loss_should_be_broken_when_it_is_not_that_of_the_last_checkpoint() {
	let mut court = Court::new().await;
	court.result.train_loss_micro += 1;
	court.finds(Claim::Segment, 0, Finding::Broken).await;
	court.result.train_loss_micro -= 1;
	let path = court.file("run/adapter/adapter_model.safetensors");
	let mut bytes = std::fs::read(&path).unwrap();
	*bytes.last_mut().unwrap() ^= 1;
	std::fs::write(&path, bytes).unwrap();
	court.result.adapter = court.world.publish(&path).await;
	let mut manifest = court.manifest();
	manifest.adapter.sha256 = court.result.adapter.sha256;
	court.restate(&manifest).await;
	court.finds(Claim::Segment, 0, Finding::Broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_without_checkpoints_should_be_judged_as_a_whole() {
	let mut court = Court::new().await;
	let mut manifest = court.manifest();
	manifest.run.checkpoints.clear();
	court.restate(&manifest).await;
	assert_eq!(court.result.checkpoints, CheckpointsRoot::default());
	court.finds(Claim::Segment, 0, Finding::Upheld).await;
	// Trained for fewer steps than were ordered.
	court.result.steps = 49;
	court.finds(Claim::Segment, 0, Finding::Broken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_of_another_kernel_path_should_be_judged_by_the_tolerance() {
	let mut court = Court::new().await;
	let elsewhere = |manifest: &mut JobManifest| manifest.run.inputs.kernel_path = "abacus".into();
	let mut manifest = court.manifest();
	elsewhere(&mut manifest);
	court.restate(&manifest).await;
	court.finds(Claim::Segment, 1, Finding::Upheld).await;
	// Off by what rounding may make, and by far more.
	for (factor, finding) in [(1.0 + 1e-5, Finding::Upheld), (1.5, Finding::Broken)] {
		let scale = |state: &mut State| {
			let moments = state.tensors.iter_mut().filter(|(name, _)| name.ends_with(FIRST));
			moments.for_each(|(_, tensor)| tensor.values.iter_mut().for_each(|value| *value *= factor));
		};
		court.falsify_with(1, scale, elsewhere).await;
		court.finds(Claim::Segment, 1, finding).await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_should_be_said_of_an_unstable_training_on_another_kernel_path() {
	let mut spec = steps(200);
	spec.hyperparameters.learning_rate_nano = 200_000_000;
	spec.hyperparameters.warmup_steps = 0;
	let mut court = Court::of(spec).await;
	let far = |state: &mut State| state.tensors.values_mut().for_each(|tensor| tensor.values[0] += 100.0);
	court
		.falsify_with(0, far, |manifest| manifest.run.inputs.kernel_path = "abacus".into())
		.await;
	let error = court.commitment(Claim::Segment, 0).await.unwrap_err();
	assert!(matches!(error, WorkerError::Unstable(JOB)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_should_be_said_when_the_order_s_own_files_cannot_be_fetched() {
	let court = Court::new().await;
	let base = Query::new(&*court.world.chain).base_model(0).await.unwrap().unwrap();
	let file: Artifact = base.files[1].artifact;
	court.world.artifacts.unpin(&file.cid).await.unwrap();
	let error = court.commitment(Claim::Segment, 0).await.unwrap_err();
	assert!(error.is_passing(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_should_not_be_judged_when_its_training_takes_more_memory_than_there_is() {
	let court = Court::new().await;
	court.open(Claim::Segment, 0);
	let mut judge = court.world.service_of("//Judge", "judge").await;
	judge.memory_mib = 1;
	let before = court.world.calls().len();
	let error = judge.judge(JOB).await.unwrap_err();
	assert!(matches!(error, WorkerError::TooLarge { memory_mib: 1, .. }), "{error}");
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*court.world.chain)).await.unwrap();
	assert!(!judge.act(Next::Judge(JOB), &mut watch, false).await.unwrap());
	let later = Instant::now() + Duration::from_secs(60);
	let again = watch.court(signer("//Judge").account(), 110, Some(&worker(99, ABLE)), later);
	assert_eq!(
		(again, court.world.calls().len()),
		(None, before),
		"it is not tried again"
	);
	// What takes less than a training is judged all the same.
	court.open(Claim::NotAvailable, 0);
	judge.judge(JOB).await.unwrap();
	assert_eq!(court.world.calls().len(), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_should_give_up_when_the_time_to_commit_is_over() {
	let court = Court::new().await;
	court.open(Claim::Segment, 0);
	court.set_now(201);
	let judge = court.world.service_of("//Judge", "judge").await;
	let before = court.world.calls().len();
	let error = judge.judge(JOB).await.unwrap_err();
	assert!(matches!(error, WorkerError::JudgedTooLate(JOB)), "{error}");
	assert_eq!(court.world.calls().len(), before);
	court.world.chain.remove(&keys::map("Models", "Disputes", JOB));
	let error = judge.judge(JOB).await.unwrap_err();
	assert!(matches!(error, WorkerError::NotDisputed(JOB)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reported_loss_should_be_upheld_when_it_comes_out_again() {
	let mut court = Court::new().await;
	court.open(Claim::Evaluation, 0);
	let job = Query::new(&*court.world.chain).job(JOB).await.unwrap().unwrap();
	let on = EvaluatedOn::Split;
	let measured = court
		.worker
		.evaluate_drawn(JOB, &job, &court.result, &on)
		.await
		.unwrap();
	assert!(measured.tokens > 0);
	let reported = |loss_micro, tokens| {
		ResultEvaluation::Reported(EvaluationOfResult {
			on: on.clone(),
			loss_micro,
			tokens,
		})
	};
	court.evaluation = reported(measured.loss_micro, measured.tokens);
	court.finds(Claim::Evaluation, 0, Finding::Upheld).await;
	court.evaluation = reported(measured.loss_micro + LOSS_TOLERANCE_MICRO + 1, measured.tokens);
	court.finds(Claim::Evaluation, 0, Finding::Broken).await;
	court.evaluation = reported(measured.loss_micro, measured.tokens + 1);
	court.finds(Claim::Evaluation, 0, Finding::Broken).await;
	court.world.artifacts.unpin(&court.result.adapter.cid).await.unwrap();
	court.finds(Claim::Evaluation, 0, Finding::Unavailable).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_should_be_read_from_the_chain_when_no_judge_has_fetched_it_yet() {
	let court = Court::new().await;
	let mut dispute = court.open(Claim::Segment, 1);
	let seed = dispute.seed.take().unwrap();
	court.world.chain.set(keys::map("Models", "Disputes", JOB), dispute);
	let judge = court.world.service_of("//Judge", "judge").await;
	let error = judge.judge(JOB).await.unwrap_err();
	assert!(
		matches!(error, WorkerError::SeedUnknown(JOB)) && error.is_passing(),
		"{error}"
	);
	court.world.chain.set(keys::map("Validation", "Ring", 104u32), seed);
	judge.judge(JOB).await.unwrap();
	let upheld = calls::judge_commit(JOB, court.ballot(Finding::Upheld).0);
	assert_eq!(court.world.calls().last(), Some(&upheld));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_should_be_revealed_in_its_time_by_a_process_that_was_started_again() {
	let court = Court::new().await;
	for finding in [Finding::Upheld, Finding::Broken, Finding::Unavailable] {
		let (commitment, salt) = court.ballot(finding);
		let mut dispute = court.open(Claim::Segment, 0);
		let mut seat = Seat {
			judge: signer("//Judge").account().clone(),
			commitment,
			finding: None,
		};
		dispute.seats = vec![seat.clone()].try_into().unwrap();
		let key = keys::map("Models", "Disputes", JOB);
		court.world.chain.set(key.clone(), dispute.clone());
		// Nothing is left of the process that committed.
		let judge = court.world.service_of("//Judge", "another machine").await;
		for (now, due) in [(200, false), (201, true), (300, true), (301, false)] {
			court.set_now(now);
			assert_eq!(judge.reveal_due().await.unwrap(), due, "{now}");
		}
		let calls = court.world.calls();
		assert_eq!(calls.last(), Some(&calls::judge_reveal(JOB, finding, salt)));
		court.set_now(201);
		seat.finding = Some(finding);
		dispute.seats = vec![seat.clone()].try_into().unwrap();
		court.world.chain.set(key.clone(), dispute.clone());
		assert!(!judge.reveal_due().await.unwrap(), "it is revealed");
		(seat.finding, seat.commitment) = (None, [7; 32]);
		dispute.seats = vec![seat].try_into().unwrap();
		court.world.chain.set(key, dispute);
		assert!(!judge.reveal_due().await.unwrap(), "nothing fits");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_should_be_reproduced_from_its_manifest_and_the_stores() {
	let court = Court::new().await;
	let home = court.world.dir.path().join("anybody");
	std::fs::create_dir(&home).unwrap();
	let (artifacts, payloads) = (&*court.world.artifacts, &*court.world.payloads);
	let declared = Declared::of_job(court.manifest());
	for segment in [None, Some(0), Some(1), Some(2)] {
		let part = Part::of(&court.manifest().run, segment).unwrap();
		let files = fetch(&court.manifest(), &part, &home, artifacts, payloads).await;
		let (declared, files) = (&declared, files.unwrap());
		let made = tokio::task::block_in_place(|| reproduce(declared, &part, &files, "cpu", &Stop::default()));
		let found = made.unwrap().unwrap();
		assert!(found.exact && found.equal, "{segment:?}");
		if segment.is_none() {
			assert_eq!(
				found.found_sha256,
				hex::encode(court.result.adapter.sha256),
				"the mark included"
			);
		}
	}
	let mut manifest = court.manifest();
	manifest.base_model.files[0].name = "../config.json".into();
	let part = Part::of(&manifest.run, None).unwrap();
	let refused = fetch(&manifest, &part, &home, artifacts, payloads).await.err().unwrap();
	assert!(refused.to_string().contains("../config.json"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_should_judge_and_only_in_time() {
	let court = Court::new().await;
	let mut dispute = court.open(Claim::Segment, 0);
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*court.world.chain)).await.unwrap();
	let clock = Instant::now();
	let court_of =
		|watch: &Watch, who: &str, now, judge: Option<&Worker>| watch.court(signer(who).account(), now, judge, clock);
	let old = worker(99, ABLE);
	let judge = Some(Next::Judge(JOB));
	for (now, next) in [(104, None), (105, judge), (200, judge), (201, None)] {
		assert_eq!(court_of(&watch, "//Judge", now, Some(&old)), next, "{now}");
	}
	assert_eq!(court_of(&watch, "//Judge", 110, None), None, "no bond is free");
	assert_eq!(
		court_of(&watch, "//Judge", 110, Some(&worker(100, ABLE))),
		None,
		"came later"
	);
	assert_eq!(court_of(&watch, "//Requester", 110, Some(&old)), None, "a party");
	let again = Some(Next::PublishAgain(JOB));
	for (now, next) in [(101, again), (200, again), (201, None)] {
		assert_eq!(court_of(&watch, "//Worker", now, Some(&old)), next, "{now}");
	}
	let less = Capability {
		methods: MethodSet(0b100),
		..ABLE
	};
	assert_eq!(court_of(&watch, "//Judge", 110, Some(&worker(99, less))), None);

	watch.put_off(JOB, clock + Duration::from_secs(9));
	assert_eq!(court_of(&watch, "//Judge", 110, Some(&old)), None);
	watch.put_off(JOB, clock);
	watch.set_heard(JOB);
	assert_eq!(court_of(&watch, "//Judge", 110, Some(&old)), None, "once is enough");

	// Over: who was in it ends it, and again once the price can be split.
	assert_eq!(court_of(&watch, "//Worker", 300, None), None);
	assert_eq!(court_of(&watch, "//Worker", 301, None), Some(Next::Close(JOB)));
	assert_eq!(court_of(&watch, "//Requester", 301, None), Some(Next::Close(JOB)));
	assert_eq!(court_of(&watch, "//Judge", 301, None), None);
	let seat = Seat {
		judge: signer("//Judge").account().clone(),
		commitment: [0; 32],
		finding: None,
	};
	(dispute.seats, dispute.split_at) = (vec![seat].try_into().unwrap(), Some(400));
	court.world.chain.set(keys::map("Models", "Disputes", JOB), dispute);
	watch.refresh(&Query::new(&*court.world.chain)).await.unwrap();
	assert_eq!(court_of(&watch, "//Judge", 399, None), None);
	assert_eq!(court_of(&watch, "//Judge", 400, None), Some(Next::Close(JOB)));

	// Whether files are there anybody can see.
	court.open(Claim::NotAvailable, 0);
	let mut watch = Watch::default();
	watch.refresh(&Query::new(&*court.world.chain)).await.unwrap();
	assert_eq!(court_of(&watch, "//Judge", 110, Some(&worker(99, less))), judge);
}
