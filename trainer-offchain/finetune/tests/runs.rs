//! Whole runs: the same bytes twice, continuing an adapter, interruption, packing, validation, and refusals.

use openledger_finetune::config::Dtype;
use openledger_finetune::rerun::{config_of, repeat, Segment};
use openledger_finetune::state::read_tensors;
use openledger_finetune::{
	evaluate, resume, run, Base, FinetuneError, Manifest, Method, RunConfig, RunReport, Scheduler,
};
use openledger_model::Decoder;
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
	config.max_steps = 6;
	config.lora_dropout = Some(0.1);
	config
}

fn go(config: &RunConfig) -> RunReport {
	run(config.clone(), &mut |_| ControlFlow::Continue(())).unwrap()
}

fn refusal(config: &RunConfig) -> String {
	run(config.clone(), &mut |_| ControlFlow::Continue(()))
		.unwrap_err()
		.to_string()
}

fn manifest(report: &RunReport) -> Manifest {
	serde_json::from_slice(&std::fs::read(report.manifest_path.as_ref().unwrap()).unwrap()).unwrap()
}

#[test]
fn run_should_write_the_same_bytes_when_repeated() {
	let dir = tempfile::tempdir().unwrap();
	let mut first = config(&dir.path().join("a"));
	first.validation_split = 0.2;
	let mut second = first.clone();
	second.output = dir.path().join("b");
	let (first, second) = (go(&first), go(&second));
	assert_eq!(first.adapter_sha256, second.adapter_sha256);
	assert!(first.adapter_sha256.is_some() && first.eval_loss.is_some());
	let (a, b) = (manifest(&first), manifest(&second));
	assert_eq!(a.inputs.config, b.inputs.config);
	assert_eq!(
		(a.inputs.base_files.clone(), a.output_files.clone()),
		(b.inputs.base_files, b.output_files)
	);
	assert_eq!((a.eval_loss, a.train_loss, a.steps), (b.eval_loss, b.train_loss, 6));
	assert_eq!(
		(
			a.inputs.documents,
			a.inputs.validation_documents,
			a.inputs.data_files.len()
		),
		(64, 16, 1)
	);
	assert_eq!(a.adapter_sha256, first.adapter_sha256);
	assert!(a.inputs.base_files.iter().any(|f| f.name == "model.safetensors"));

	let mut other = config(&dir.path().join("c"));
	other.validation_split = 0.2;
	other.seed = 43;
	assert_ne!(go(&other).adapter_sha256, first.adapter_sha256);
}

#[test]
fn metrics_should_have_a_line_for_every_logged_step() {
	let dir = tempfile::tempdir().unwrap();
	let mut config = config(dir.path());
	config.logging_steps = 4;
	go(&config);
	let text = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
	let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
	assert_eq!(
		lines.iter().map(|l| l["step"].as_u64().unwrap()).collect::<Vec<_>>(),
		[4, 6]
	);
	for key in ["loss", "learning_rate", "grad_norm", "tokens_per_s"] {
		assert!(lines[0][key].is_f64(), "{key}");
	}
}

#[test]
fn adapter_should_be_continued_with_its_own_settings() {
	let dir = tempfile::tempdir().unwrap();
	let mut first = config(&dir.path().join("a"));
	first.lora_rank = Some(3);
	first.lora_alpha = Some(5.5);
	first.lora_targets = Some(openledger_finetune::config::Targets::One("k_proj,down_proj".into()));
	first.use_rslora = Some(true);
	first.dora = Some(true);
	let first = go(&first);
	let mut second = config(&dir.path().join("b"));
	second.init_adapter = first.adapter_dir.clone();
	let report = go(&second);
	let record = manifest(&report);
	let lora = record.inputs.lora.unwrap();
	assert_eq!((lora.rank, lora.alpha), (3, 5.5));
	assert!(lora.use_rslora && lora.use_dora);
	assert_eq!(
		(lora.targets, lora.dropout),
		(vec!["down_proj".to_owned(), "k_proj".to_owned()], 0.1)
	);
	assert_eq!(record.inputs.init_adapter_files.len(), 2);
	assert!(report.final_loss < first.train_loss);

	type Change = fn(&mut RunConfig);
	let contradictions: [(&str, Change); 5] = [
		("lora_rank", |c| c.lora_rank = Some(4)),
		("lora_alpha", |c| c.lora_alpha = Some(5.0)),
		("use_rslora", |c| c.use_rslora = Some(false)),
		("dora", |c| c.dora = Some(false)),
		("lora_targets", |c| {
			c.lora_targets = Some(openledger_finetune::config::Targets::One("q_proj".into()))
		}),
	];
	for (key, change) in contradictions {
		let mut third = second.clone();
		change(&mut third);
		let message = refusal(&third);
		assert!(
			message.contains(&format!("`{key}`")) && message.contains("init_adapter"),
			"{message}"
		);
	}
}

#[test]
fn interrupted_run_should_leave_a_whole_checkpoint_and_no_result() {
	let dir = tempfile::tempdir().unwrap();
	let mut config = config(dir.path());
	config.save_steps = 1;
	let stop = |metrics: openledger_finetune::StepMetrics| match metrics.step {
		4 => ControlFlow::Break(()),
		_ => ControlFlow::Continue(()),
	};
	let report = run(config.clone(), &mut { stop }).unwrap();
	assert!(report.interrupted && report.adapter_dir.is_none() && report.steps == 4);
	assert!(!dir.path().join("manifest.json").exists() && !dir.path().join("adapter").exists());
	let kept: Vec<_> = std::fs::read_dir(dir.path().join("checkpoints")).unwrap().collect();
	// The newest two, and the index.
	assert_eq!(kept.len(), 3);
	let checkpoint = report.last_checkpoint.unwrap();
	assert!(checkpoint.ends_with("step-4"));
	// What was kept can be used: evaluated, and continued from.
	let data = fixture("tiny-llama/train.jsonl");
	let model = fixture("tiny-llama/model");
	let checkpoint = checkpoint.join("adapter");
	evaluate(&Base::new(model), Some(&checkpoint), &data, 64, usize::MAX).unwrap();
	config.init_adapter = Some(checkpoint);
	config.output = dir.path().join("next");
	go(&config);
}

#[test]
fn weights_kept_in_bf16_should_train_nearly_the_same_and_be_recorded() {
	let dir = tempfile::tempdir().unwrap();
	let run = |name: &str, dtype| {
		let mut config = config(&dir.path().join(name));
		(config.dtype, config.validation_split) = (dtype, 0.2);
		go(&config)
	};
	let (wide, narrow) = (run("wide", Dtype::F32), run("narrow", Dtype::Bf16));
	assert_eq!(run("again", Dtype::Bf16).adapter_sha256, narrow.adapter_sha256);
	for (found, expected) in [
		(narrow.train_loss, wide.train_loss),
		(narrow.eval_loss.unwrap(), wide.eval_loss.unwrap()),
	] {
		assert!(
			found != expected && (found - expected).abs() < 1e-2 * expected,
			"{found} {expected}"
		);
	}
	let record = manifest(&narrow).inputs;
	assert_eq!(
		(record.dtype.as_str(), &record.config["dtype"]),
		("bfloat16", &"bf16".into())
	);
	assert_eq!(manifest(&wide).inputs.dtype, "float32");
	// Repeated from the manifest alone it is the same.
	let declared = manifest(&narrow);
	let again = config_of(
		&declared,
		&fixture("tiny-llama/model"),
		&fixture("tiny-llama/train.jsonl"),
		None,
	)
	.unwrap();
	assert_eq!(again.dtype, Dtype::Bf16);
	let all = Segment::of(0, 0, declared.steps).unwrap();
	let end = repeat(again, all, None, &mut |_| ControlFlow::Continue(()))
		.unwrap()
		.end
		.unwrap();
	let path = narrow.adapter_dir.unwrap().join("adapter_model.safetensors");
	assert!(end.has_trained(&read_tensors(&path).unwrap()));
}

/// Losses of the steps, and the adapter's numbers after them.
fn trained(config: RunConfig) -> (Vec<f64>, Vec<f32>) {
	let mut losses = Vec::new();
	let report = run(config, &mut |m| {
		losses.push(m.loss);
		ControlFlow::Continue(())
	})
	.unwrap();
	let path = report.adapter_dir.unwrap().join("adapter_model.safetensors");
	let tensors = read_tensors(&path).unwrap();
	(losses, tensors.into_values().flat_map(|tensor| tensor.values).collect())
}

fn assert_close(what: &str, a: &(Vec<f64>, Vec<f32>), b: &(Vec<f64>, Vec<f32>), tolerance: f64) {
	assert!(a.0.len() == b.0.len() && a.1.len() == b.1.len() && !a.0.is_empty() && !a.1.is_empty());
	let losses = a.0.iter().zip(&b.0).map(|(a, b)| (a - b).abs());
	let numbers = a.1.iter().zip(&b.1).map(|(a, b)| f64::from((a - b).abs()));
	let (losses, numbers) = (losses.fold(0.0, f64::max), numbers.fold(0.0, f64::max));
	assert!(losses < tolerance && numbers < tolerance, "{what}: {losses} {numbers}");
}

#[test]
fn accumulation_should_equal_one_large_batch() {
	let trained = |batch, accumulation| {
		let dir = tempfile::tempdir().unwrap();
		let mut config = config(dir.path());
		(config.batch_size, config.gradient_accumulation, config.lora_dropout) = (batch, accumulation, None);
		(config.max_steps, config.learning_rate) = (4, 1e-3);
		trained(config)
	};
	assert_close("8 of 1 and 1 of 8", &trained(1, 8), &trained(8, 1), 1e-6);
	assert_close("3 of 3 and 1 of 9", &trained(3, 3), &trained(9, 1), 1e-6);
}

#[test]
fn packed_training_should_equal_that_of_the_texts_alone() {
	// Rotary, learned and ALiBi positions, a window, latent attention.
	for model in ["llama", "gpt2", "bloom", "mistral", "qwen3", "chatglm", "deepseek2"] {
		let trained = |packing: bool| {
			let dir = tempfile::tempdir().unwrap();
			let mut config = config(&dir.path().join("out"));
			config.model = fixture(&format!("tiny-{model}/model"));
			config.data = fixture("tiny-llama/train.jsonl");
			// Every step sees all texts, so that both ways see the same.
			(config.batch_size, config.gradient_accumulation, config.lora_dropout) = (16, 8, None);
			(config.max_steps, config.learning_rate, config.packing) = (3, 1e-3, packing);
			config.init_adapter = Some(fixture(&format!("tiny-{model}/adapter_init")));
			trained(config)
		};
		assert_close(model, &trained(true), &trained(false), 1e-5);
	}
}

#[test]
fn conversation_should_train_on_what_the_assistant_said() {
	let dir = tempfile::tempdir().unwrap();
	let model = dir.path().join("model");
	std::fs::create_dir(&model).unwrap();
	for entry in std::fs::read_dir(fixture("tiny-llama/model")).unwrap() {
		let entry = entry.unwrap();
		std::fs::copy(entry.path(), model.join(entry.file_name())).unwrap();
	}
	let data = dir.path().join("chats.jsonl");
	let talk = |question: &str| {
		format!(
			"{{\"messages\": [{{\"role\": \"user\", \"content\": \"{question}\"}}, \
			 {{\"role\": \"assistant\", \"content\": \"the cat\"}}]}}\n"
		)
	};
	std::fs::write(&data, talk("who sat") + &talk("and on the mat") + &talk("dog")).unwrap();
	let tokens = |packing: bool| {
		let mut config = config(&dir.path().join("out"));
		(config.model, config.data, config.packing) = (model.clone(), data.clone(), packing);
		(config.max_steps, config.gradient_accumulation) = (1, 8);
		let report = go(&config);
		(report.tokens, manifest(&report))
	};
	let (all, _) = tokens(false);
	std::fs::write(
		model.join("chat_template.jinja"),
		"{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}\
		 {% if add_generation_prompt %}assistant: {% endif %}",
	)
	.unwrap();
	let (said, record) = tokens(false);
	assert!(said >= 6 && said * 2 < all, "{said} of {all}");
	assert_eq!(tokens(true).0, said);
	// The template is part of what a run is repeated from.
	assert!(record.inputs.base_files.iter().any(|f| f.name == "chat_template.jinja"));
	let found = evaluate(&Base::new(&model), None, &data, 64, usize::MAX).unwrap();
	assert_eq!(found.tokens, said);
}

#[test]
fn best_evaluation_should_be_the_result_and_end_the_run() {
	let dir = tempfile::tempdir().unwrap();
	let mut config = config(&dir.path().join("a"));
	// Texts with nothing in common: what is learned by heart of some makes the others worse.
	config.data = dir.path().join("texts.jsonl");
	let text = |n: usize| {
		let ids: Vec<usize> = (0..24).map(|i| (n * 31 + i * i * (2 * n + 7) + 3 * i) % 128).collect();
		format!("{{\"input_ids\": {ids:?}}}\n")
	};
	std::fs::write(&config.data, (0..5).map(text).collect::<String>()).unwrap();
	(config.learning_rate, config.max_steps, config.lora_dropout) = (0.03, 80, None);
	(config.validation_split, config.eval_steps, config.logging_steps) = (0.2, 2, 100);
	config.scheduler = Scheduler::Constant;
	(config.early_stop_patience, config.keep_best, config.save_steps) = (2, true, 3);
	let report = go(&config);
	let text = std::fs::read_to_string(config.output.join("metrics.jsonl")).unwrap();
	let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
	let evaluations: Vec<(u64, f64)> = lines
		.iter()
		.filter_map(|line| Some((line["step"].as_u64()?, line["eval_loss"].as_f64()?)))
		.collect();
	let steps: Vec<u64> = evaluations.iter().map(|(step, _)| *step).collect();
	assert_eq!(steps, (1..=steps.len() as u64).map(|i| 2 * i).collect::<Vec<_>>());
	let best = evaluations.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
	let at = evaluations.iter().position(|(_, loss)| *loss == best).unwrap();
	// It ended at the second evaluation without a lower loss, and the result is the best one's.
	assert_eq!(at + 3, evaluations.len(), "{evaluations:?}");
	assert!(report.steps < 80 && report.steps as u64 == *steps.last().unwrap());
	assert!((report.eval_loss.unwrap() - best).abs() < 1e-9 && evaluations.last().unwrap().1 > best);
	let again = manifest(&report);
	assert_eq!(again.checkpoints.last().unwrap().step, report.steps);

	// Without keep_best the last step is the result.
	let mut last = config.clone();
	(last.keep_best, last.output) = (false, dir.path().join("b"));
	let other = go(&last);
	assert!((other.eval_loss.unwrap() - evaluations.last().unwrap().1).abs() < 1e-9);
	assert_ne!(other.adapter_sha256, report.adapter_sha256);

	// Interrupted between the best and the end, it comes to the same.
	for stop in [3, *steps.last().unwrap() as usize - 1] {
		let mut resumed = config.clone();
		resumed.output = dir.path().join(format!("c{stop}"));
		let mut until = |m: openledger_finetune::StepMetrics| match m.step == stop {
			true => ControlFlow::Break(()),
			false => ControlFlow::Continue(()),
		};
		assert!(run(resumed.clone(), &mut until).unwrap().interrupted);
		let done = resume(resumed.clone(), &mut |_| ControlFlow::Continue(())).unwrap();
		assert_eq!(done.adapter_sha256, report.adapter_sha256);
		assert_eq!(manifest(&done).checkpoints, again.checkpoints);
		let lines = std::fs::read_to_string(resumed.output.join("metrics.jsonl")).unwrap();
		let of = |text: &str| -> Vec<String> {
			text.lines()
				.filter(|l| l.contains("eval_loss"))
				.map(str::to_owned)
				.collect()
		};
		assert_eq!(of(&lines), of(&text));
	}
}

#[test]
fn grouping_by_length_should_see_the_same_tokens() {
	let dir = tempfile::tempdir().unwrap();
	let mut plain = config(&dir.path().join("a"));
	(plain.max_steps, plain.epochs) = (0, 1.0);
	let mut grouped = plain.clone();
	(grouped.group_by_length, grouped.output) = (true, dir.path().join("b"));
	let (plain, grouped) = (go(&plain), go(&grouped));
	assert_eq!((plain.tokens, plain.steps), (grouped.tokens, grouped.steps));
	assert_ne!(plain.adapter_sha256, grouped.adapter_sha256);
}

#[test]
fn packing_epochs_and_full_training_should_work_on_a_folder_of_text() {
	let dir = tempfile::tempdir().unwrap();
	let data = dir.path().join("texts");
	std::fs::create_dir(&data).unwrap();
	for i in 0..6 {
		std::fs::write(
			data.join(format!("{i}.md")),
			"the cat and the dog sat on the mat\n".repeat(3 + i),
		)
		.unwrap();
	}
	for model in ["tiny-llama/model", "tiny-gpt2/model"] {
		let mut config = RunConfig::new(fixture(model), &data, dir.path().join("out"));
		(config.method, config.packing, config.epochs, config.learning_rate) = (Method::Full, true, 4.0, 3e-3);
		config.gradient_accumulation = 2;
		let loss_of = |model: &Path| evaluate(&Base::new(model), None, &data, 64, usize::MAX).unwrap();
		let before = loss_of(&config.model);
		let report = go(&config);
		let tuned = report.model_dir.as_ref().unwrap();
		let after = loss_of(tuned);
		assert!(
			after.loss < 0.6 * before.loss,
			"{model}: {} to {}",
			before.loss,
			after.loss
		);
		assert!((after.perplexity - after.loss.exp()).abs() < 1e-9 && after.tokens == before.tokens);
		let record = manifest(&report);
		// The model has 64 positions: that, and the last target, is what 1024 is cut to.
		assert_eq!(
			(
				record.inputs.effective_cutoff_length,
				record.inputs.data_files.len(),
				record.inputs.documents
			),
			(65, 6, 6)
		);
		assert_eq!(record.steps, 4 * record.inputs.sequences.div_ceil(2).div_ceil(2));
		assert!(Decoder::load(tuned, &candle_core::Device::Cpu, false).is_ok());
	}
}

#[test]
fn refusal_should_name_what_is_wrong() {
	let dir = tempfile::tempdir().unwrap();
	let base = config(&dir.path().join("out"));
	let mut bad = base.clone();
	bad.device = "tpu".into();
	assert!(refusal(&bad).contains("`device`"));
	// Of a card that no machine has; the reason depends on the build.
	bad.device = "cuda:99".into();
	assert!(refusal(&bad).contains("`device`") && refusal(&bad).contains("take `cpu`"));
	let mut bad = base.clone();
	bad.lora_targets = Some(openledger_finetune::config::Targets::Many(vec!["c_attn".into()]));
	assert!(refusal(&bad).contains("c_attn") && refusal(&bad).contains("q_proj"));
	let mut bad = base.clone();
	bad.data = dir.path().join("ids.jsonl");
	std::fs::write(&bad.data, "{\"input_ids\": [1, 128]}\n").unwrap();
	assert!(refusal(&bad).contains("token id 128"));
	std::fs::write(&bad.data, "{\"input_ids\": [1]}\n").unwrap();
	assert!(refusal(&bad).contains("ids.jsonl"));
	let mut bad = base.clone();
	bad.model = dir.path().join("none");
	assert!(refusal(&bad).contains("config.json"));
	let mut bad = base;
	(bad.method, bad.lora_dropout, bad.learning_rate) = (Method::Full, None, 1e38);
	let error = run(bad, &mut |_| ControlFlow::Continue(())).unwrap_err();
	assert!(matches!(error, FinetuneError::NotFinite { .. }), "{error}");
}
