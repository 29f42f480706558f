use super::*;

/// Calls without which nothing is tested: each of them has to succeed on some chain.
const ESSENTIAL: &[&str] = &[
	"Datanets.create_datanet",
	"Datanets.submit",
	"Datanets.withdraw",
	"Validation.register",
	"Validation.commit",
	"Validation.reveal",
	"Validation.close_round",
	"Validation.finalize",
	"Validation.settle",
	"Rewards.claim",
	"Rewards.claim_for",
	"Rewards.sponsor",
	"Rewards.sweep",
	"Models.register_base_model",
	"Models.register_worker",
	"Models.request_job",
	"Utility.batch",
];

#[test]
fn ten_thousand_random_calls_should_break_nothing_and_reach_everything() {
	let mut sum = Stats::default();
	for seed in 1..=4 {
		match run(seed, CALLS) {
			Ok(stats) => sum.add(stats),
			Err(failure) => panic!("{failure}"),
		}
	}
	println!("{sum}");
	assert!(sum.made() >= 10_000);
	assert!(
		3 * sum.succeeded() >= sum.made(),
		"calls fail so often that they test little"
	);
	for name in ESSENTIAL {
		assert!(sum.successes(name) > 0, "{name} never succeeded");
	}
	for name in World::new(0).names() {
		assert!(sum.calls.contains_key(&name), "{name} was never called");
	}
	for offered in [sum.bytes, sum.mutated_calls] {
		assert!(offered.decoded > 50 && offered.decoded < offered.offered, "{offered:?}");
	}
}

#[test]
fn a_seed_should_make_the_same_calls_again() {
	let chain = || run(5, 300).expect("nothing fails");
	assert_eq!(chain(), chain());
}

#[test]
fn a_panic_should_be_reported_with_its_seed() {
	let failure = |doing: &str| {
		let at = RefCell::new((7, doing.to_owned()));
		let panic = catch_unwind(|| panic!("on purpose")).expect_err("it panics");
		let (block, doing) = at.into_inner();
		Failure {
			seed: 3,
			block,
			doing,
			error: message(&*panic),
		}
	};
	assert_eq!(failure("a call").to_string(), "seed 3, block 7, a call: on purpose");
}
