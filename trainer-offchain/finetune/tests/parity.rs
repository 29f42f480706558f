//! Ten steps against PyTorch, transformers and PEFT: losses, norms, trained tensors.

use candle_core::{Device, Tensor};
use openledger_finetune::{run, Method, RunConfig, Scheduler, StepMetrics};
use openledger_model::checkpoint::Checkpoint;
use openledger_model::ops::reference::everywhere;
use serde_json::Value;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

fn json(path: &Path) -> Value {
	serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
	value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// The other families' fixtures, trained on tiny-llama's data.
const FAMILIES: &[&str] = &[
	"tiny-llama-long",
	"tiny-mistral",
	"tiny-qwen2",
	"tiny-qwen3",
	"tiny-bloom",
	"tiny-chatglm",
	"tiny-deepseek2",
	"tiny-deepseek3",
];

/// The run that a fixture's `train.json`, in one of its folders, records.
fn config(name: &str, folder: &str, output: &Path) -> (RunConfig, Value) {
	let dir = fixture(name);
	let train = json(&dir.join(folder).join("train.json"));
	let has_data = dir.join("train.jsonl").exists();
	let data = if has_data { name } else { "tiny-llama" };
	let mut config = RunConfig::new(dir.join("model"), fixture(data).join("train.jsonl"), output);
	config.learning_rate = train["learning_rate"].as_f64().unwrap();
	config.batch_size = train["batch_size"].as_u64().unwrap() as usize;
	config.gradient_accumulation = train["gradient_accumulation"].as_u64().unwrap() as usize;
	config.max_grad_norm = train["max_grad_norm"].as_f64().unwrap();
	config.weight_decay = train["weight_decay"].as_f64().unwrap();
	config.warmup_steps = train["warmup_steps"].as_u64().unwrap() as usize;
	config.max_steps = train["steps"].as_u64().unwrap() as usize;
	config.scheduler = Scheduler::Cosine;
	config.shuffle = false;
	config.logging_steps = 1;
	(config, train)
}

fn collect(config: RunConfig) -> (openledger_finetune::RunReport, Vec<StepMetrics>) {
	let mut steps = Vec::new();
	let report = run(config, &mut |metrics| {
		steps.push(metrics);
		ControlFlow::Continue(())
	});
	(report.unwrap(), steps)
}

fn assert_close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
	assert_eq!(found.len(), expected.len(), "{what}");
	for (i, (f, e)) in found.iter().zip(expected).enumerate() {
		assert!(
			(f - e).abs() <= tolerance * e.abs().max(1e-12),
			"{what}[{i}]: {f}, expected {e}"
		);
	}
}

/// Largest relative difference.
fn largest(found: &[f64], expected: &[f64]) -> f64 {
	let differences = found.iter().zip(expected).map(|(f, e)| ((f - e) / e).abs());
	differences.fold(0.0, f64::max)
}

/// Largest difference of tensors with the same names, those of `skip` left out.
fn compare_files(found: &Path, expected: &Path, skip: impl Fn(&str, usize) -> bool) -> f32 {
	let (found, expected) = (
		Checkpoint::open_file(found).unwrap(),
		Checkpoint::open_file(expected).unwrap(),
	);
	assert_eq!(found.names(), expected.names());
	let mut worst = 0f32;
	for name in expected.names() {
		let shape = expected.shape(name).unwrap();
		let values = |file: &Checkpoint| -> Vec<f32> {
			let tensor: Tensor = file.tensor(name, &shape, &Device::Cpu).unwrap();
			tensor.flatten_all().unwrap().to_vec1().unwrap()
		};
		for (i, (f, e)) in values(&found).iter().zip(values(&expected)).enumerate() {
			if !skip(name, i) {
				assert!((f - e).abs() < 5e-5, "{name}[{i}]: {f}, expected {e}");
				worst = worst.max((f - e).abs());
			}
		}
	}
	worst
}

#[test]
fn ten_steps_of_an_adapter_should_equal_those_of_peft() {
	let lora = [&["tiny-llama", "tiny-gpt2"], FAMILIES].concat();
	let lora = lora.into_iter().map(|name| (name, ""));
	let dora = ["tiny-llama", "tiny-gpt2", "tiny-deepseek2"].map(|name| (name, "dora"));
	for (name, folder) in lora.chain(dora) {
		assert_steps(name, folder, |_| {});
	}
}

#[test]
fn ten_qlora_steps_should_equal_those_of_peft_over_bitsandbytes() {
	for name in ["tiny-llama-nf4", "tiny-gpt2-nf4"] {
		// Quantised by bitsandbytes, which is read as it is, and while a plain model is read.
		assert_steps(name, "", |_| {});
		assert_steps(name, "", |config| config.method = Method::Qlora);
		assert_steps(name, "", |config| {
			config.method = Method::Qlora;
			config.model = fixture(name).join("plain");
		});
	}
}

/// What other devices compute, from reading the model to the optimiser.
#[test]
fn ten_steps_by_compositions_should_equal_those_of_peft() {
	everywhere(|| {
		for name in [&["tiny-llama", "tiny-gpt2"], FAMILIES].concat() {
			assert_steps(name, "", |_| {});
		}
		for name in ["tiny-llama", "tiny-gpt2", "tiny-deepseek2"] {
			assert_steps(name, "dora", |_| {});
		}
		for name in ["tiny-llama-nf4", "tiny-gpt2-nf4"] {
			assert_steps(name, "", |config| config.method = Method::Qlora);
		}
	});
}

/// Ten steps from `adapter_init` against the fixture's.
fn assert_steps(name: &str, folder: &str, change: impl Fn(&mut RunConfig)) {
	let dir = tempfile::tempdir().unwrap();
	let (mut config, train) = config(name, folder, dir.path());
	config.init_adapter = Some(fixture(name).join(folder).join("adapter_init"));
	change(&mut config);
	let (report, steps) = collect(config);
	let of = |f: fn(&StepMetrics) -> f64| steps.iter().map(f).collect::<Vec<_>>();
	assert_close(name, &of(|s| s.loss), &numbers(&train["losses"]), 1e-5);
	assert_close(name, &of(|s| s.grad_norm), &numbers(&train["grad_norms"]), 1e-4);
	assert_close(name, &of(|s| s.learning_rate), &numbers(&train["learning_rates"]), 1e-9);
	let trained = fixture(name).join(folder).join("adapter_trained");
	let adapter = report.adapter_dir.unwrap();
	let difference = compare_files(
		&adapter.join("adapter_model.safetensors"),
		&trained.join("adapter_model.safetensors"),
		|_, _| false,
	);
	let loss = largest(&of(|s| s.loss), &numbers(&train["losses"]));
	println!("{name} {folder}: losses to {loss:.1e} (relative), trained tensors to {difference:.1e}");
	let mut written = json(&adapter.join("adapter_config.json"));
	// Ours names the base's folder; the fixture's was renamed.
	written["base_model_name_or_path"] = name.into();
	assert_eq!(written, json(&trained.join("adapter_config.json")));
}

#[test]
fn ten_full_steps_of_each_family_should_lose_what_transformers_loses() {
	for name in FAMILIES {
		let dir = tempfile::tempdir().unwrap();
		let (mut config, train) = config(name, "", dir.path());
		config.method = Method::Full;
		let (report, steps) = collect(config);
		let names = |dir: &Path| -> Vec<String> {
			let file = Checkpoint::open(dir).unwrap();
			file.names().into_iter().map(str::to_owned).collect()
		};
		let written = report.model_dir.unwrap();
		assert_eq!(names(&written), names(&fixture(name).join("model")), "{name}");
		let of = |f: fn(&StepMetrics) -> f64| steps.iter().map(f).collect::<Vec<_>>();
		let loss = largest(&of(|s| s.loss), &numbers(&train["full_losses"]));
		println!("{name}: losses of full training to {loss:.1e} (relative)");
		assert_close(name, &of(|s| s.loss), &numbers(&train["full_losses"]), 1e-5);
		assert_close(name, &of(|s| s.grad_norm), &numbers(&train["full_grad_norms"]), 1e-4);
	}
}

#[test]
fn ten_full_steps_should_equal_those_of_transformers() {
	for name in ["tiny-llama", "tiny-gpt2"] {
		let dir = tempfile::tempdir().unwrap();
		let (mut config, train) = config(name, "", dir.path());
		config.method = Method::Full;
		let (report, steps) = collect(config);
		let of = |f: fn(&StepMetrics) -> f64| steps.iter().map(f).collect::<Vec<_>>();
		assert_close(name, &of(|s| s.loss), &numbers(&train["full_losses"]), 1e-5);
		assert_close(name, &of(|s| s.grad_norm), &numbers(&train["full_grad_norms"]), 1e-4);
		// GPT-2's key bias has no influence: its gradient is rounding, which AdamW blows up.
		let noise = |tensor: &str, i: usize| tensor.ends_with("attn.c_attn.bias") && (32..64).contains(&i);
		let model = report.model_dir.unwrap();
		compare_files(
			&model.join("model.safetensors"),
			&fixture(name).join("full_trained.safetensors"),
			noise,
		);
		assert!(model.join("tokenizer.json").exists() && model.join("config.json").exists());
	}
}
