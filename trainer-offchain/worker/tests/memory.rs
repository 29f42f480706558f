//! The estimate of a training's memory against processes that train.

use candle_core::Device;
use openledger_finetune::memory::{adapter_numbers, in_four_bits, numbers_in, Footprint};
use openledger_finetune::Method;
use openledger_model::{checkpoint, Decoder, DecoderConfig, RawConfig};
use serde_json::{json, Value};
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};

const VOCAB: usize = 2048;
const THREADS: usize = 2;

/// A random model of some 26 M numbers.
fn llama() -> Value {
	json!({
		"architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32",
		"hidden_size": 512, "intermediate_size": 1376, "num_hidden_layers": 8, "num_attention_heads": 8,
		"num_key_value_heads": 8, "head_dim": 64, "hidden_act": "silu", "rms_norm_eps": 1e-5,
		"max_position_embeddings": 512, "vocab_size": VOCAB, "tie_word_embeddings": true,
		"bos_token_id": 0, "eos_token_id": 0,
		"rope_parameters": { "rope_theta": 10000.0, "rope_type": "default" },
	})
}

/// Another family, with joint attention and an activation without a gate; 15 M numbers.
fn gpt2() -> Value {
	json!({
		"architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "dtype": "float32",
		"n_embd": 384, "n_layer": 8, "n_head": 6, "n_positions": 512, "n_inner": null,
		"activation_function": "gelu_new", "layer_norm_epsilon": 1e-5, "vocab_size": VOCAB,
		"bos_token_id": 0, "eos_token_id": 0, "tie_word_embeddings": true,
	})
}

/// What is known of a model in a folder.
struct Saved {
	config: DecoderConfig,
	raw_config: RawConfig,
}

fn save(config: Value, dir: &Path) -> Saved {
	let decoder = Decoder::random(RawConfig::new(dir, config), 1, &Device::Cpu).unwrap();
	checkpoint::save(dir, decoder.raw_config.value(), &decoder.parameters, None).unwrap();
	// Data of token ids needs no more of a tokenizer than that it can be read.
	let tokenizer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/tiny-llama/model/tokenizer.json");
	std::fs::copy(tokenizer, dir.join("tokenizer.json")).unwrap();
	let (config, raw_config) = (decoder.config.clone(), decoder.raw_config.clone());
	drop(decoder);
	// What this process had at most would be counted for those that it starts: they are of it until they become another
	// program.
	// SAFETY: only memory that nothing holds is given back.
	unsafe { libc::malloc_trim(0) };
	std::fs::write("/proc/self/clear_refs", "5").unwrap();
	Saved { config, raw_config }
}

/// Full sequences of ids.
fn write_data(path: &Path, sequence: usize) {
	let lines = (0..16).map(|row| {
		let ids: Vec<usize> = (0..=sequence).map(|at| 1 + (row * 31 + at * 7) % (VOCAB - 1)).collect();
		format!("{}\n", json!({ "input_ids": ids }))
	});
	std::fs::write(path, lines.collect::<String>()).unwrap();
}

/// Runs to the end; the most bytes that were resident at once.
#[expect(clippy::zombie_processes, reason = "wait4 waits, and says what the process used")]
fn peak_of(command: &mut Command) -> u64 {
	let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
	let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
	// SAFETY: both places are ours, and nobody else waits for this child.
	let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()) };
	assert_eq!(waited, child.id() as i32);
	assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status}");
	// SAFETY: wait4 filled it.
	let usage = unsafe { usage.assume_init() };
	// In KiB on Linux.
	usage.ru_maxrss as u64 * 1024
}

#[test]
fn estimate_should_be_within_a_fifth_of_what_trainings_take() {
	let dir = tempfile::tempdir().unwrap();
	let (model, data, output) = (
		dir.path().join("model"),
		dir.path().join("data.jsonl"),
		dir.path().join("out"),
	);
	let mut wrong = Vec::new();
	// Family, method, sequences, tokens, rank, targets, dropout, whether the adapter is a DoRA.
	let all = vec!["all-linear".to_owned()];
	for (family, method, batch, sequence, rank, targets, dropout, dora) in [
		("llama", Method::Lora, 1, 128, 8, vec![], 0.0, false),
		("llama", Method::Lora, 4, 384, 8, vec![], 0.0, false),
		("llama", Method::Lora, 2, 384, 64, all.clone(), 0.1, false),
		("llama", Method::Lora, 4, 384, 8, all, 0.1, true),
		("llama", Method::Qlora, 2, 384, 8, vec![], 0.0, false),
		("llama", Method::Qlora, 4, 384, 8, vec![], 0.0, false),
		("llama", Method::Full, 1, 128, 0, vec![], 0.0, false),
		("llama", Method::Full, 4, 384, 0, vec![], 0.0, false),
		("gpt2", Method::Lora, 2, 512, 8, vec![], 0.0, false),
		("gpt2", Method::Qlora, 2, 128, 8, vec![], 0.0, false),
		("gpt2", Method::Full, 2, 256, 0, vec![], 0.0, false),
	] {
		let saved = save(if family == "llama" { llama() } else { gpt2() }, &model);
		write_data(&data, sequence);
		let mut text = format!(
			"model = {model:?}\ndata = {data:?}\noutput = {output:?}\nbatch_size = {batch}\ngradient_accumulation = 2\n\
			 cutoff_length = {sequence}\nmax_steps = 2\nsave_steps = 1\nmax_checkpoints = 2\nthreads = {THREADS}\n"
		);
		text += &match method {
			Method::Full => "method = \"full\"\n".to_owned(),
			Method::Qlora => format!("method = \"qlora\"\nlora_rank = {rank}\n"),
			Method::Lora if targets.is_empty() => format!("lora_rank = {rank}\n"),
			Method::Lora => {
				format!("lora_rank = {rank}\nlora_targets = {targets:?}\nlora_dropout = {dropout:?}\ndora = {dora}\n")
			}
		};
		let config = dir.path().join("run.toml");
		std::fs::write(&config, text).unwrap();
		let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-trainer"));
		let peak = peak_of(command.args(["finetune", "--config"]).arg(&config));
		let file_bytes = model.join("model.safetensors").metadata().unwrap().len();
		let estimate = Footprint {
			config: &saved.config,
			weights: numbers_in(&saved.raw_config, &saved.config, file_bytes).unwrap(),
			four_bits: in_four_bits(&saved.raw_config, method).unwrap(),
			method,
			adapter: adapter_numbers(&saved.config, rank, &targets, dora),
			dropout: dropout > 0.0,
			dora,
			batch,
			sequence: sequence as u64,
		}
		.peak_bytes();
		let off = estimate as f64 / peak as f64 - 1.0;
		let line = format!(
			"{family} {method:?} batch {batch} x {sequence}, rank {rank}, DoRA {dora}: {} MiB, estimated {} MiB, off by {:.0} %",
			peak >> 20,
			estimate >> 20,
			off * 100.0
		);
		println!("{line}");
		if off.abs() > 0.2 {
			wrong.push(line);
		}
	}
	assert!(wrong.is_empty(), "{wrong:#?}");
}
