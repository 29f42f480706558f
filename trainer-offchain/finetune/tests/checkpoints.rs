//! Checkpoints: going on from them, what damages them, and repeating what lies between two of them.

use openledger_finetune::checkpoints::{CheckpointRecord, STATE};
use openledger_finetune::rerun::{
	self, check_files, compare, config_of, is_exact, repeat, Comparison, Segment, TOLERANCE, UNSTABLE,
};
use openledger_finetune::state::{deviation, read_tensors, State, FIRST};
use openledger_finetune::{resume, run, FinetuneError, Manifest, Method, RunConfig, RunReport, StepMetrics};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

fn config(output: &Path) -> RunConfig {
	let mut config = RunConfig::new(fixture("tiny-llama/model"), fixture("tiny-llama/train.jsonl"), output);
	config.learning_rate = 0.01;
	config.gradient_accumulation = 2;
	config.max_steps = 7;
	config.logging_steps = 1;
	config.save_steps = 2;
	config.validation_split = 0.2;
	config.lora_dropout = Some(0.1);
	config
}

fn full(output: &Path) -> RunConfig {
	let mut config = config(output);
	(config.method, config.lora_dropout, config.learning_rate) = (Method::Full, None, 1e-3);
	config
}

fn qlora(output: &Path) -> RunConfig {
	let mut config = config(output);
	config.method = Method::Qlora;
	config
}

fn on(_: StepMetrics) -> ControlFlow<()> {
	ControlFlow::Continue(())
}

fn until(step: usize) -> impl FnMut(StepMetrics) -> ControlFlow<()> + Send {
	move |metrics| match metrics.step == step {
		true => ControlFlow::Break(()),
		false => ControlFlow::Continue(()),
	}
}

fn manifest(dir: &Path) -> Manifest {
	serde_json::from_slice(&std::fs::read(dir.join("manifest.json")).unwrap()).unwrap()
}

/// All that a run left, by path, without what times make different.
fn left(dir: &Path) -> BTreeMap<String, Vec<u8>> {
	let mut all = BTreeMap::new();
	let mut folders = vec![dir.to_owned()];
	while let Some(folder) = folders.pop() {
		for entry in std::fs::read_dir(&folder).unwrap() {
			let path = entry.unwrap().path();
			if path.is_dir() {
				folders.push(path);
				continue;
			}
			let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
			let bytes = match name.as_str() {
				"manifest.json" => without(&std::fs::read_to_string(&path).unwrap(), "train_seconds"),
				"metrics.jsonl" => {
					let text = std::fs::read_to_string(&path).unwrap();
					text.lines().flat_map(|line| without(line, "tokens_per_s")).collect()
				}
				_ => std::fs::read(&path).unwrap(),
			};
			all.insert(name, bytes);
		}
	}
	all
}

fn without(json: &str, key: &str) -> Vec<u8> {
	let mut value: serde_json::Value = serde_json::from_str(json).unwrap();
	assert!(value.as_object_mut().unwrap().remove(key).is_some(), "{json}");
	value.to_string().into_bytes()
}

fn state_of(dir: &Path, record: &CheckpointRecord) -> State {
	State::read(&dir.join(&record.file)).unwrap()
}

#[test]
fn resumed_run_should_leave_the_same_bytes_wherever_it_was_interrupted() {
	for make in [config, full, qlora] {
		let dir = tempfile::tempdir().unwrap();
		let whole = dir.path().join("whole");
		run(make(&whole), &mut on).unwrap();
		let expected = left(&whole);
		assert!(expected.contains_key("checkpoints/step-7/state.safetensors"));
		for steps in [vec![1], vec![2, 3], vec![6], vec![1, 2, 3, 4, 5, 6]] {
			let output = dir.path().join("parts");
			for (n, step) in steps.iter().enumerate() {
				let begin = if n == 0 { run } else { resume };
				let report = begin(make(&output), &mut until(*step)).unwrap();
				assert!(report.interrupted && !output.join("manifest.json").exists());
			}
			let report = resume(make(&output), &mut on).unwrap();
			assert_eq!((report.steps, report.interrupted), (7, false));
			let found = left(&output);
			assert_eq!(
				found.keys().collect::<Vec<_>>(),
				expected.keys().collect::<Vec<_>>(),
				"{steps:?}"
			);
			for (name, bytes) in &expected {
				assert!(found[name] == *bytes, "{name} differs after {steps:?}");
			}
		}
	}
}

#[test]
fn resume_should_begin_where_there_is_nothing_and_end_again_where_all_is_done() {
	let dir = tempfile::tempdir().unwrap();
	let begun = resume(config(dir.path()), &mut on).unwrap();
	let before = left(dir.path());
	let again = resume(config(dir.path()), &mut |_| panic!("there is no step left")).unwrap();
	assert_eq!(again.adapter_sha256, begun.adapter_sha256);
	assert!(left(dir.path()) == before);
}

#[test]
fn resume_should_go_on_on_as_many_threads_as_it_was_begun_on() {
	let dir = tempfile::tempdir().unwrap();
	let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
	let threads = |output: &Path, threads| RunConfig {
		threads,
		..config(output)
	};
	let expected = run(threads(&whole, 3), &mut on).unwrap();
	run(threads(&parts, 3), &mut until(3)).unwrap();
	let found = resume(threads(&parts, 0), &mut on).unwrap();
	assert_eq!(found.adapter_sha256, expected.adapter_sha256);
	assert_eq!(manifest(&parts).inputs.threads, 3);
	let refused = resume(threads(&parts, 2), &mut on).unwrap_err().to_string();
	assert!(refused.contains("`threads`"), "{refused}");
}

#[test]
fn damaged_checkpoint_should_be_passed_over_for_the_one_before() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("run");
	let expected = run(config(&dir.path().join("whole")), &mut on).unwrap();
	run(config(&output), &mut until(5)).unwrap();
	let damage = |step: usize| {
		let path = output.join(format!("checkpoints/step-{step}")).join(STATE);
		let mut bytes = std::fs::read(&path).unwrap();
		*bytes.last_mut().unwrap() ^= 1;
		std::fs::write(&path, bytes).unwrap();
	};
	damage(5);
	let mut first = None;
	let report = resume(config(&output), &mut |m| {
		first.get_or_insert(m.step);
		on(m)
	})
	.unwrap();
	assert_eq!(first, Some(5), "it went on from step 4");
	assert_eq!(report.adapter_sha256, expected.adapter_sha256);

	run(config(&output), &mut until(5)).unwrap();
	damage(4);
	damage(5);
	let error = resume(config(&output), &mut on).unwrap_err();
	assert!(matches!(error, FinetuneError::NoneIntact { .. }), "{error}");
	assert!(error.to_string().contains("without --resume"), "{error}");
	std::fs::write(output.join("checkpoints/index.json"), "[]").unwrap();
	let error = resume(config(&output), &mut on).unwrap_err();
	assert!(error.to_string().contains("index.json is damaged"), "{error}");
}

#[test]
fn resume_should_be_refused_with_another_run_s_files_or_settings() {
	let dir = tempfile::tempdir().unwrap();
	run(config(dir.path()), &mut until(3)).unwrap();
	let mut other = config(dir.path());
	other.learning_rate = 0.02;
	let error = resume(other, &mut on).unwrap_err();
	assert!(
		matches!(&error, FinetuneError::OtherRun { key, .. } if key == "learning_rate"),
		"{error}"
	);
	let mut other = config(dir.path());
	other.data = dir.path().join("train.jsonl");
	let text = std::fs::read_to_string(fixture("tiny-llama/train.jsonl")).unwrap();
	std::fs::write(&other.data, text.replacen("[", "[1, ", 1)).unwrap();
	let error = resume(other, &mut on).unwrap_err().to_string();
	assert!(error.contains("`data_files`"), "{error}");
}

#[test]
fn diverging_run_should_leave_the_checkpoint_before_intact() {
	let dir = tempfile::tempdir().unwrap();
	let mut diverging = full(dir.path());
	// The rate rises until the tensors overflow.
	(diverging.learning_rate, diverging.warmup_steps, diverging.save_steps) = (1e39, 7, 1);
	diverging.max_grad_norm = 0.0;
	let error = run(diverging, &mut on).unwrap_err();
	assert!(matches!(error, FinetuneError::NotFinite { .. }), "{error}");
	assert!(error.to_string().contains("init_adapter") && error.to_string().contains("learning_rate"));
	let index = std::fs::read_to_string(dir.path().join("checkpoints/index.json")).unwrap();
	let index: serde_json::Value = serde_json::from_str(&index).unwrap();
	let records: Vec<CheckpointRecord> = serde_json::from_value(index["checkpoints"].clone()).unwrap();
	let last = records.last().expect("the first step's rate is 0");
	assert!(state_of(dir.path(), last).is_finite());
	assert!(!dir.path().join("manifest.json").exists());
}

#[test]
fn at_most_so_many_checkpoints_should_be_taken_and_all_be_kept() {
	let dir = tempfile::tempdir().unwrap();
	let mut config = config(dir.path());
	(config.save_steps, config.max_checkpoints) = (1, 3);
	run(config, &mut on).unwrap();
	let manifest = manifest(dir.path());
	assert_eq!(manifest.inputs.checkpoint_every, 3);
	let steps: Vec<_> = manifest.checkpoints.iter().map(|record| record.step).collect();
	assert_eq!(steps, [3, 6, 7]);
	for record in &manifest.checkpoints {
		let bytes = std::fs::metadata(dir.path().join(&record.file)).unwrap().len();
		assert_eq!(bytes, record.bytes);
		assert_eq!(state_of(dir.path(), record).position.step, record.step);
	}
	let last = state_of(dir.path(), &manifest.checkpoints[2]);
	let adapter = read_tensors(&dir.path().join("adapter/adapter_model.safetensors")).unwrap();
	assert!(last.has_trained(&adapter), "the last one is the result");
}

/// A run whose every checkpoint is kept.
fn kept(config: RunConfig) -> RunReport {
	run(
		RunConfig {
			max_checkpoints: 10,
			..config
		},
		&mut on,
	)
	.unwrap()
}

/// Repeats segment `number` of the run in `dir` on so many threads, from `from` in place of its own start.
fn again(dir: &Path, number: usize, threads: usize, from: Option<State>) -> (Comparison, State) {
	let manifest = manifest(dir);
	let init = None;
	let (model, data) = (fixture("tiny-llama/model"), fixture("tiny-llama/train.jsonl"));
	let mut config = config_of(&manifest, &model, &data, init).unwrap();
	check_files(&manifest.inputs, &config).unwrap();
	config.threads = threads;
	let exact = is_exact(&manifest.inputs, &config).unwrap() && threads == manifest.inputs.threads;
	let segment = Segment::of(number, manifest.inputs.checkpoint_every, manifest.inputs.total_steps).unwrap();
	let own = || number.checked_sub(1).map(|k| state_of(dir, &manifest.checkpoints[k]));
	let from = from.or_else(own);
	let end = repeat(config.clone(), segment, from.clone(), &mut on)
		.unwrap()
		.end
		.unwrap();
	let expected = state_of(dir, &manifest.checkpoints[number]);
	let start = || from.map_or_else(|| rerun::start(&config, None), Ok);
	(compare(exact, &expected, &end, start).unwrap(), end)
}

#[test]
fn segment_should_lead_to_the_next_checkpoint_exactly() {
	for make in [config, full] {
		let dir = tempfile::tempdir().unwrap();
		kept(make(dir.path()));
		let records = manifest(dir.path()).checkpoints;
		assert_eq!(records.len(), 4);
		for (number, record) in records.iter().enumerate() {
			let (found, end) = again(dir.path(), number, manifest(dir.path()).inputs.threads, None);
			assert!(
				found.exact && found.equal && found.deviation == 0.0,
				"{number}: {found:?}"
			);
			let bytes = std::fs::read(dir.path().join(&record.file)).unwrap();
			assert!(end.to_bytes().unwrap() == bytes);
		}
	}
}

#[test]
fn segment_should_be_found_out_when_its_start_or_its_steps_were_others() {
	let dir = tempfile::tempdir().unwrap();
	kept(config(dir.path()));
	let records = manifest(dir.path()).checkpoints;
	let threads = manifest(dir.path()).inputs.threads;
	// One number a little off is seen where bytes must be equal.
	let mut start = state_of(dir.path(), &records[0]);
	start.tensors.values_mut().next().unwrap().values[0] += 1e-3;
	let (found, _) = again(dir.path(), 1, threads, Some(start));
	assert!(found.exact && !found.equal && found.deviation > 0.0, "{found:?}");
	// Momentum that was thrown away is seen on any number of threads.
	let mut start = state_of(dir.path(), &records[0]);
	for (_, tensor) in start.tensors.iter_mut().filter(|(name, _)| name.ends_with(FIRST)) {
		tensor.values.fill(0.0);
	}
	let (found, _) = again(dir.path(), 1, threads + 1, Some(start));
	assert!(!found.exact && !found.equal && found.deviation > TOLERANCE, "{found:?}");
}

/// Dropout's masks are drawn for each thread's part of a batch, so that only its absence leaves rounding alone.
#[test]
fn rounding_of_other_threads_should_stay_far_within_the_tolerance() {
	for make in [config, full] {
		let dir = tempfile::tempdir().unwrap();
		let mut config = RunConfig {
			threads: 1,
			batch_size: 4,
			..make(dir.path())
		};
		config.lora_dropout = config.lora_dropout.map(|_| 0.0);
		kept(config);
		for number in 0..4 {
			let (found, _) = again(dir.path(), number, 3, None);
			println!("segment {number}: {}", found.deviation);
			assert!(!found.exact && found.equal, "{number}: {found:?}");
			assert!(found.deviation < TOLERANCE / 5.0, "{number}: {found:?}");
		}
	}
}

#[test]
fn unstable_training_should_be_known_by_what_it_makes_of_rounding() {
	let dir = tempfile::tempdir().unwrap();
	let sensitivity = |learning_rate, steps: usize| {
		let config = RunConfig {
			learning_rate,
			max_steps: steps,
			gradient_accumulation: 1,
			..full(dir.path())
		};
		let segment = Segment::of(0, 0, steps).unwrap();
		let end = repeat(config.clone(), segment, None, &mut on).unwrap().end.unwrap();
		let start = || rerun::start(&config, None);
		rerun::sensitivity(config.clone(), segment, start, &end, &mut on)
			.unwrap()
			.unwrap()
	};
	let (stable, unstable) = (sensitivity(1e-3, 200), sensitivity(3e-2, 400));
	println!("{stable} {unstable}");
	assert!(stable < UNSTABLE / 5.0, "{stable}");
	assert!(unstable > UNSTABLE, "{unstable}");
}

#[test]
fn other_data_should_stay_far_outside_the_tolerance() {
	let dir = tempfile::tempdir().unwrap();
	let state = |seed| {
		let output = dir.path().join(format!("{seed}"));
		kept(RunConfig { seed, ..full(&output) });
		let records = manifest(&output).checkpoints;
		[state_of(&output, &records[0]), state_of(&output, &records[1])]
	};
	let ([start, a], [_, b]) = (state(1), state(2));
	let apart = deviation(&start, &a, &b);
	assert!(apart > 5.0 * TOLERANCE, "{apart}");
}

#[test]
fn given_files_should_be_refused_when_they_are_not_those_of_the_manifest() {
	let dir = tempfile::tempdir().unwrap();
	run(config(dir.path()), &mut on).unwrap();
	let manifest = manifest(dir.path());
	let (model, data) = (fixture("tiny-llama/model"), fixture("tiny-llama/train.jsonl"));
	let check = |model: &Path, data: &Path, adapter: Option<&Path>| {
		let config = config_of(&manifest, model, data, adapter).unwrap();
		check_files(&manifest.inputs, &config).unwrap_err().to_string()
	};
	let odd = fixture("tiny-llama-odd/model");
	assert!(check(&odd, &data, None).contains("the base model"));
	let other = dir.path().join("train.jsonl");
	std::fs::write(&other, "{\"input_ids\": [1, 2]}\n").unwrap();
	assert!(check(&model, &other, None).contains("train.jsonl"));
	let adapter = fixture("tiny-llama/adapter_init");
	assert!(check(&model, &data, Some(&adapter)).contains("init_adapter"));
	let mut broken = manifest.clone();
	broken.inputs.config = serde_json::json!([]);
	let error = config_of(&broken, &model, &data, None).unwrap_err().to_string();
	assert!(error.contains("the manifest cannot be used"), "{error}");
}
