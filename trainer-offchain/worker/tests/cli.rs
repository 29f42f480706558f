//! The program as a user runs it: results on stdout, one line of complaint and a status otherwise.

use serde_json::{json, Value};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

fn program() -> Command {
	Command::new(env!("CARGO_BIN_EXE_openledger-trainer"))
}

fn go(args: &[&str]) -> Output {
	program().args(args).output().unwrap()
}

fn text(path: &Path) -> String {
	path.to_str().unwrap().to_owned()
}

fn success(args: &[&str]) -> String {
	let output = go(args);
	assert!(
		output.status.success(),
		"{args:?}: {}",
		String::from_utf8_lossy(&output.stderr)
	);
	String::from_utf8(output.stdout).unwrap()
}

/// The complaint of a command that must fail with status 1.
fn complaint(args: &[&str]) -> String {
	let output = go(args);
	let stderr = String::from_utf8(output.stderr).unwrap();
	assert_eq!(output.status.code(), Some(1), "{args:?}: {stderr}");
	assert!(
		stderr.lines().any(|line| line.starts_with("error: ")) && !stderr.contains("panicked"),
		"{stderr}"
	);
	stderr
}

fn json_line(stdout: &str) -> Value {
	serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

/// Writes a run.toml for the tiny model.
fn run_toml(dir: &Path, output: &Path, extra: &str) -> String {
	let path = dir.join("run.toml");
	let (model, data) = (fixture("tiny-llama/model"), fixture("tiny-llama/train.jsonl"));
	let keys = format!("model = {model:?}\ndata = {data:?}\noutput = {output:?}\nlearning_rate = 0.01\n{extra}");
	std::fs::write(&path, keys).unwrap();
	text(&path)
}

#[test]
fn logits_should_equal_those_of_peft() {
	let dir = tempfile::tempdir().unwrap();
	let out = dir.path().join("logits.safetensors");
	for name in ["tiny-llama", "tiny-gpt2"] {
		let (model, adapter) = (fixture(name).join("model"), fixture(name).join("adapter_init"));
		let ids = fixture(name).join("input_ids.json");
		let (model, adapter, ids) = (text(&model), text(&adapter), text(&ids));
		success(&[
			"logits",
			"--model",
			&model,
			"--adapter",
			&adapter,
			"--input-ids",
			&ids,
			"--out",
			&text(&out),
		]);
		let error = logits_error(&out, &fixture(name).join("adapter_logits.safetensors"));
		assert!(error < 1e-4, "{name}: {error}");
	}
}

/// Largest difference of two files' logits over the largest of them.
fn logits_error(found: &Path, expected: &Path) -> f32 {
	let load = |path: &Path| {
		let tensors = candle_core::safetensors::load(path, &candle_core::Device::Cpu).unwrap();
		let logits = &tensors["logits"];
		assert_eq!(logits.dims(), [2, 16, 128]);
		logits.flatten_all().unwrap().to_vec1::<f32>().unwrap()
	};
	let (found, expected) = (load(found), load(expected));
	let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
	found.iter().zip(&expected).fold(0f32, |m, (f, e)| m.max((f - e).abs())) / largest
}

#[test]
fn merge_should_write_a_model_that_gives_the_logits_of_base_and_adapter() {
	let dir = tempfile::tempdir().unwrap();
	let (ids, logits) = (
		fixture("tiny-llama/input_ids.json"),
		dir.path().join("logits.safetensors"),
	);
	let base = text(&fixture("tiny-llama/model"));
	let out = text(&dir.path().join("merged"));
	for (adapter, expected) in [
		("tiny-llama/adapter_init", "tiny-llama/adapter_logits.safetensors"),
		("tiny-llama/dora/adapter_init", "tiny-llama/dora/logits.safetensors"),
	] {
		let adapter = text(&fixture(adapter));
		let args = ["merge", "--model", &base, "--adapter", &adapter, "--out", &out];
		assert_eq!(success(&args).trim_end(), out);
		let files = |dir: &str| std::fs::read_dir(dir).unwrap().count();
		assert_eq!(files(&out), files(&base), "configuration, tensors and tokenizer");
		let (ids, made) = (text(&ids), text(&logits));
		success(&["logits", "--model", &out, "--input-ids", &ids, "--out", &made]);
		let error = logits_error(&logits, &fixture(expected));
		assert!(error < 1e-5, "{adapter}: {error}");

		// What is there stays as it is.
		let before = std::fs::read(Path::new(&out).join("model.safetensors")).unwrap();
		assert!(complaint(&args).contains("is there already"));
		assert_eq!(
			std::fs::read(Path::new(&out).join("model.safetensors")).unwrap(),
			before
		);
		std::fs::remove_dir_all(&out).unwrap();
	}
	let other = text(&fixture("tiny-gpt2/adapter_init"));
	let args = ["merge", "--model", &base, "--adapter", &other, "--out", &out];
	assert!(complaint(&args).contains("no linear layer of this model"));
	assert_eq!(
		std::fs::read_dir(dir.path()).unwrap().count(),
		1,
		"only the logits are there"
	);
}

#[test]
#[cfg(not(feature = "hub"))]
fn hub_should_say_how_to_get_it_when_it_was_not_built() {
	let message = complaint(&["hub", "download", "owner/name"]);
	assert!(message.contains("--features hub"), "{message}");
	assert!(complaint(&["hub", "download", "owner/../name"]).contains("no model's name"));
}

#[test]
fn finetune_should_train_what_evaluate_and_chat_use() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("out");
	let toml = run_toml(dir.path(), &output, "max_steps = 8\nlogging_steps = 2\n");
	let report = json_line(&success(&["finetune", "--config", &toml]));
	let adapter = output.join("adapter");
	assert_eq!(report["adapter_dir"], text(&adapter));
	let manifest: Value = serde_json::from_slice(&std::fs::read(output.join("manifest.json")).unwrap()).unwrap();
	assert_eq!(manifest["adapter_sha256"], report["adapter_sha256"]);
	assert_eq!(
		std::fs::read_to_string(output.join("metrics.jsonl"))
			.unwrap()
			.lines()
			.count(),
		4
	);

	let (model, data) = (
		text(&fixture("tiny-llama/model")),
		text(&fixture("tiny-llama/train.jsonl")),
	);
	let base = ["evaluate", "--model", &model, "--data", &data, "--json"];
	let loss = |args: &[&str]| json_line(&success(args))["loss"].as_f64().unwrap();
	let adapter = text(&adapter);
	let tuned = [&base[..], &["--adapter", &adapter]].concat();
	assert!(loss(&tuned) < loss(&base));
	assert!(success(&base[..5]).contains("nats per token"));
	let tokens = |args: &[&str]| json_line(&success(args))["tokens"].as_u64().unwrap();
	let documents = std::fs::read_to_string(&data).unwrap().lines().count() as u64;
	// Of three tokens two have one before them.
	assert_eq!(tokens(&[&base[..], &["--max-tokens", "3"]].concat()), 2 * documents);
	assert!(tokens(&base) > 2 * documents);

	let chat = [
		"chat",
		"--model",
		&model,
		"--adapter",
		&adapter,
		"--prompt",
		"the",
		"--max-new-tokens",
		"5",
		"--compare",
	];
	assert!(success(&chat).starts_with("--- base\n"));
	let answers = json_line(&success(&[&chat[..], &["--json"]].concat()));
	assert!(answers["base"]["answer"].is_string() && answers["tuned"]["answer"].is_string());
}

#[test]
fn reproduce_should_give_the_same_bytes_and_say_so() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("out");
	let keys = "max_steps = 7\nsave_steps = 3\nmax_checkpoints = 3\nlora_dropout = 0.1\n";
	success(&["finetune", "--config", &run_toml(dir.path(), &output, keys)]);
	let path = output.join("manifest.json");
	let (model, data, manifest) = (
		text(&fixture("tiny-llama/model")),
		text(&fixture("tiny-llama/train.jsonl")),
		text(&path),
	);
	let base = ["reproduce", &manifest, "--model", &model, "--data", &data];
	let whole = json_line(&success(&base));
	assert_eq!(
		(&whole["equal"], &whole["exact"]),
		(&json!(true), &json!(true)),
		"{whole}"
	);
	let made: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
	assert_eq!(whole["found_sha256"], made["adapter_sha256"]);
	for k in ["0", "1", "2"] {
		let found = json_line(&success(&[&base[..], &["--segment", k]].concat()));
		let record = &made["checkpoints"][k.parse::<usize>().unwrap()];
		assert_eq!(found["found_sha256"], record["sha256"], "{found}");
		assert_eq!(found["until_step"], record["step"]);
	}
	assert!(complaint(&[&base[..], &["--segment", "3"]].concat()).contains("0 to 2"));
	assert!(complaint(&["reproduce", &manifest]).contains("--model"));
	let odd = text(&fixture("tiny-llama-odd/model"));
	let other = ["reproduce", &manifest, "--model", &odd, "--data", &data];
	assert!(complaint(&other).contains("the base model"));

	// A manifest that declares another learning rate than was trained with.
	let mut other = made.clone();
	other["inputs"]["config"]["learning_rate"] = json!(0.02);
	std::fs::write(&path, other.to_string()).unwrap();
	for segment in [&[][..], &["--segment", "1"]] {
		let output = go(&[&base[..], segment].concat());
		assert_eq!(output.status.code(), Some(3));
		assert_eq!(json_line(&String::from_utf8(output.stdout).unwrap())["equal"], false);
	}
	// On a processor that adds up in another order, what is close is equal; another learning rate is not.
	other["inputs"]["kernel_path"] = json!("abacus");
	std::fs::write(&path, other.to_string()).unwrap();
	assert_eq!(go(&base).status.code(), Some(3));
	let mut far = made;
	far["inputs"]["kernel_path"] = json!("abacus");
	std::fs::write(&path, far.to_string()).unwrap();
	let found = json_line(&success(&base));
	assert_eq!(
		(&found["exact"], &found["equal"]),
		(&json!(false), &json!(true)),
		"{found}"
	);
	// A checkpoint whose bytes are not those of the manifest is not repeated from.
	let state = output.join("checkpoints/step-3/state.safetensors");
	std::fs::write(&state, "half").unwrap();
	assert!(complaint(&[&base[..], &["--segment", "1"]].concat()).contains("is damaged"));
}

#[test]
fn init_model_should_make_a_model_that_trains_and_talks() {
	let dir = tempfile::tempdir().unwrap();
	let corpus = dir.path().join("corpus");
	std::fs::create_dir(&corpus).unwrap();
	for i in 0..8 {
		std::fs::write(
			corpus.join(format!("{i}.md")),
			format!("# Crate {i}\nThis crate adds {i} to numbers.\n").repeat(20),
		)
		.unwrap();
	}
	for family in ["llama", "gpt2"] {
		let out = text(&dir.path().join(family));
		let corpus = text(&corpus);
		let mut args = vec!["init-model", "--corpus", &corpus, "--out", &out, "--family", family];
		args.extend(["--vocab-size", "300", "--hidden", "32", "--layers", "2", "--heads", "2"]);
		args.extend(["--seq-len", "32", "--steps", "100", "--learning-rate", "0.01"]);
		let report = json_line(&success(&args));
		let (loss, unigram) = (
			report["final_loss"].as_f64().unwrap(),
			report["unigram_loss"].as_f64().unwrap(),
		);
		assert!(loss < 0.7 * unigram, "{family}: {loss} {unigram}");
		let again = json_line(&success(&["evaluate", "--model", &out, "--data", &corpus, "--json"]));
		assert!(again["loss"].as_f64().unwrap() < unigram);
		success(&[
			"chat",
			"--model",
			&out,
			"--prompt",
			"# Crate",
			"--max-new-tokens",
			"8",
			"--temperature",
			"0",
		]);
		for file in [
			"config.json",
			"model.safetensors",
			"tokenizer.json",
			"tokenizer_config.json",
		] {
			assert!(Path::new(&out).join(file).exists(), "{file}");
		}
	}
}

#[test]
fn bench_should_repeat_the_losses_of_the_same_ids_and_adapter() {
	let dir = tempfile::tempdir().unwrap();
	let ids = dir.path().join("ids.json");
	let row: Vec<usize> = (0..24).map(|i| i * 7 % 60 + 3).collect();
	std::fs::write(&ids, serde_json::json!({"input_ids": [row]}).to_string()).unwrap();
	let (model, adapter) = (fixture("tiny-llama/model"), fixture("tiny-llama/adapter_init"));
	let bench = |more: &[&str]| {
		let (model, ids) = (model.to_str().unwrap(), ids.to_str().unwrap());
		json_line(&success(&[&["bench", "--model", model, "--ids", ids], more].concat()))
	};
	let adapter = ["--adapter", adapter.to_str().unwrap(), "--steps", "3", "--warmup", "1"];
	let (first, again) = (bench(&adapter), bench(&adapter));
	assert_eq!(first["losses"], again["losses"]);
	// The same row four times: it is learned.
	let losses: Vec<f64> = serde_json::from_value(first["losses"].clone()).unwrap();
	assert!(losses.len() == 4 && losses[3] < losses[0], "{losses:?}");
	assert!(first["seq_len"] == 24 && first["tokens_per_s"].as_f64().unwrap() > 0.0);
	assert!(first["peak_rss_mb"].as_i64().unwrap() > 0);
	let narrow = bench(&[&adapter[..], &["--dtype", "bf16"]].concat());
	let difference = narrow["losses"][3].as_f64().unwrap() - losses[3];
	assert!(difference != 0.0 && difference.abs() < 0.05, "{difference}");
	let written = bench(&["--generate", "5", "--steps", "1", "--warmup", "0"]);
	assert_eq!(written["written"].as_array().unwrap().len(), 5);
	assert!(written["device"] == "cpu" && written["device_mb"].is_null());
	// Whatever the build: no machine has so many cards.
	let model = fixture("tiny-llama/model");
	let refused = complaint(&["bench", "--model", model.to_str().unwrap(), "--device", "cuda:99"]);
	assert!(
		refused.contains("`cuda:99` cannot be used") && refused.contains("take `cpu`"),
		"{refused}"
	);
}

#[test]
fn complaint_should_name_file_and_key() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("out");
	for (extra, wanted) in [
		("learning_rte = 1\n", "learning_rte"),
		("scheduler = \"step\"\n", "scheduler"),
		("batch_size = 0\n", "`batch_size`"),
		("lora_targets = [\"c_attn\"]\n", "c_attn"),
		("init_adapter = \"none\"\n", "adapter_config.json"),
		("model = \"twice\"\n", "run.toml"),
	] {
		let message = complaint(&["finetune", "--config", &run_toml(dir.path(), &output, extra)]);
		assert!(message.contains(wanted), "{message}");
	}
	let model = text(&fixture("tiny-llama/model"));
	let none = text(&dir.path().join("none"));
	assert!(complaint(&["finetune", "--config", &none]).contains("none"));
	assert!(complaint(&["evaluate", "--model", &none, "--data", &none]).contains("config.json"));
	assert!(complaint(&["evaluate", "--model", &model, "--data", &none]).contains("none"));
	assert!(complaint(&["chat", "--model", &model, "--prompt", "x", "--compare"]).contains("--adapter"));
	let ids = dir.path().join("ids.json");
	for (content, wanted) in [
		(json!({"ids": [[1]]}), "`input_ids`"),
		(json!({"input_ids": [[1, 2], [3]]}), "one length"),
		(json!({"input_ids": []}), "one length"),
		(json!({"input_ids": [[1, 500]]}), "500"),
	] {
		std::fs::write(&ids, content.to_string()).unwrap();
		let out = text(&dir.path().join("out.safetensors"));
		let message = complaint(&["logits", "--model", &model, "--input-ids", &text(&ids), "--out", &out]);
		assert!(message.contains("ids.json") && message.contains(wanted), "{message}");
	}
	let usage = go(&["finetune"]);
	assert_eq!(usage.status.code(), Some(2));
}

#[test]
fn complaint_should_name_the_tokenizer_when_it_is_larger_than_the_model() {
	let dir = tempfile::tempdir().unwrap();
	for entry in std::fs::read_dir(fixture("tiny-llama/model")).unwrap() {
		let path = entry.unwrap().path();
		std::fs::copy(&path, dir.path().join(path.file_name().unwrap())).unwrap();
	}
	let path = dir.path().join("tokenizer.json");
	let mut tokenizer: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
	tokenizer["model"]["vocab"]["zzzz"] = json!(128);
	std::fs::write(&path, tokenizer.to_string()).unwrap();
	let message = complaint(&["chat", "--model", &text(dir.path()), "--prompt", "x"]);
	assert!(
		message.contains("tokenizer.json") && message.contains("129") && message.contains("128"),
		"{message}"
	);
}

/// Ends the process when the test does, however it ends.
struct Running(Child);

impl Drop for Running {
	fn drop(&mut self) {
		let _ = self.0.kill();
		let _ = self.0.wait();
	}
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
	let started = Instant::now();
	while !done() {
		assert!(started.elapsed() < Duration::from_secs(60), "{what} did not come");
		std::thread::sleep(Duration::from_millis(20));
	}
}

#[test]
fn finetune_should_stop_cleanly_when_interrupted() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("out");
	let toml = run_toml(
		dir.path(),
		&output,
		"max_steps = 10000000\nlogging_steps = 1\nsave_steps = 3\n",
	);
	let mut command = program();
	command
		.args(["finetune", "--config", &toml])
		.stdout(Stdio::null())
		.stderr(Stdio::null());
	let mut running = Running(command.spawn().unwrap());
	wait_until("a checkpoint", || {
		output.join("checkpoints/step-3").exists() || output.join("checkpoints/step-6").exists()
	});
	let interrupt = Command::new("kill")
		.args(["-INT", &running.0.id().to_string()])
		.status()
		.unwrap();
	assert!(interrupt.success());
	let mut status = None;
	wait_until("the end", || {
		status = running.0.try_wait().unwrap();
		status.is_some()
	});
	assert_eq!(status.unwrap().code(), Some(130));
	assert!(!output.join("manifest.json").exists() && !output.join("adapter").exists());
	// The last checkpoint is whole: it evaluates.
	let newest = std::fs::read_dir(output.join("checkpoints"))
		.unwrap()
		.map(|e| e.unwrap().path())
		.filter(|path| path.is_dir())
		.max_by_key(|path| {
			let name = path.file_name().unwrap().to_str().unwrap();
			name.trim_start_matches("step-").parse::<usize>().unwrap()
		});
	let (model, data) = (
		text(&fixture("tiny-llama/model")),
		text(&fixture("tiny-llama/train.jsonl")),
	);
	success(&[
		"evaluate",
		"--model",
		&model,
		"--adapter",
		&text(&newest.unwrap().join("adapter")),
		"--data",
		&data,
	]);
}

/// A PDF is read in a process of its own: one that unpacks to gigabytes costs that process its memory, not this one.
#[test]
fn a_pdf_made_to_harm_should_be_passed_over() {
	let dir = tempfile::tempdir().unwrap();
	let data = dir.path().join("data");
	std::fs::create_dir(&data).unwrap();
	let documents = fixture("documents");
	std::fs::copy(documents.join("notes.pdf"), data.join("a.pdf")).unwrap();
	std::fs::copy(documents.join("bomb.pdf"), data.join("b.pdf")).unwrap();
	let model = fixture("tiny-llama/model");
	let output = go(&["evaluate", "--model", &text(&model), "--data", &text(&data), "--json"]);
	let stderr = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success(), "{stderr}");
	assert!(
		stderr.contains("b.pdf") && stderr.contains("too much memory or time"),
		"{stderr}"
	);
	assert!(json_line(&String::from_utf8_lossy(&output.stdout))["tokens"].as_u64() > Some(100));
}

#[test]
fn json_log_of_a_run_should_have_its_steps_as_fields() {
	let dir = tempfile::tempdir().unwrap();
	let output = dir.path().join("out");
	let toml = run_toml(dir.path(), &output, "max_steps = 4\nlogging_steps = 2\n");
	let done = go(&["finetune", "--log-format", "json", "--config", &toml]);
	assert!(done.status.success());
	let log = String::from_utf8(done.stderr).unwrap();
	let lines: Vec<Value> = log
		.lines()
		.map(|line| serde_json::from_str(line).expect(line))
		.collect();
	assert!(lines
		.iter()
		.all(|line| line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string()));
	let written = std::fs::read_to_string(output.join("metrics.jsonl")).unwrap();
	let written: Vec<Value> = written
		.lines()
		.map(|line| serde_json::from_str(line).unwrap())
		.collect();
	let steps = lines.iter().filter(|line| line["loss"].is_number());
	let steps: Vec<_> = steps.map(|line| (&line["step"], &line["loss"])).collect();
	let expected: Vec<_> = written.iter().map(|line| (&line["step"], &line["loss"])).collect();
	assert_eq!(steps, expected);
	assert_eq!(lines.last().unwrap()["output"], text(&output));
}

#[test]
fn json_log_should_be_an_object_a_line_without_secrets() {
	const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
	let dir = tempfile::tempdir().unwrap();
	let log = dir.path().join("log");
	// Nobody listens there: the worker says so, and tries again.
	let worker = |key: &str| {
		let mut command = program();
		command
			.args([
				"worker",
				"--log-format",
				"json",
				"--node",
				"ws://127.0.0.1:9",
				"--memory-mib",
				"100",
			])
			.args(["--listen", "127.0.0.1:0", "--work-dir"])
			.arg(dir.path().join("work"))
			.env("OPENLEDGER_KEY", key)
			.env("RUST_LOG", "debug")
			.stdout(Stdio::null())
			.stderr(std::fs::File::create(&log).unwrap());
		Running(command.spawn().unwrap())
	};
	let lines = || -> Vec<Value> {
		let text = std::fs::read_to_string(&log).unwrap();
		let said_of_the_key = PHRASE.split(' ').filter(|word| text.contains(*word)).count();
		assert!(said_of_the_key < 3, "{text}");
		// The last line may be half written.
		let whole = text.lines().take(text.matches('\n').count());
		whole.map(|line| serde_json::from_str(line).expect(line)).collect()
	};
	let has = |level: &str, part: &str| {
		let is = |line: &Value| line["level"] == level && line["message"].as_str().is_some_and(|m| m.contains(part));
		lines().iter().any(is)
	};
	let running = worker(PHRASE);
	wait_until("a warning", || has("WARN", "trying again"));
	assert!(has("INFO", "listening on"));
	for line in lines() {
		let time = line["timestamp"].as_str().unwrap_or_default();
		assert!(time.len() >= 20 && time.contains('T') && time.ends_with('Z'), "{line}");
		assert!(line["level"].is_string() && line["message"].is_string(), "{line}");
	}

	drop(running);
	// One word is wrong: what is said of it does not tell the others.
	let mut ended = worker(&PHRASE.replace("walk", "walkk"));
	wait_until("the end", || ended.0.try_wait().unwrap().is_some());
	assert!(has("ERROR", "OPENLEDGER_KEY"));
}
