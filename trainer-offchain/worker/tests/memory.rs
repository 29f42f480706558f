//! The estimate of a training's memory against processes that train.

use candle_core::Device;
use openledger_finetune::memory::{adapter_numbers, in_four_bits, numbers_in, Footprint};
use openledger_finetune::{config::Dtype, Method};
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

/// Runs to the end with this status; the most bytes that were resident at once.
#[expect(clippy::zombie_processes, reason = "wait4 waits, and says what the process used")]
fn peak_of(command: &mut Command, expected: i32) -> u64 {
	let child = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap();
	let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
	// SAFETY: both places are ours, and nobody else waits for this child.
	let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, usage.as_mut_ptr()) };
	assert_eq!(waited, child.id() as i32);
	assert!(
		libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == expected,
		"{status}"
	);
	// SAFETY: wait4 filled it.
	let usage = unsafe { usage.assume_init() };
	// In KiB on Linux.
	usage.ru_maxrss as u64 * 1024
}

/// A training that is measured.
struct Measured {
	family: &'static str,
	method: Method,
	dtype: Dtype,
	batch: u64,
	sequence: u64,
	rank: u64,
	targets: &'static [&'static str],
	dropout: f64,
	dora: bool,
	/// Whether judging it is measured too, and evaluating its result.
	used: bool,
}

const LORA: Measured = Measured {
	family: "llama",
	method: Method::Lora,
	dtype: Dtype::F32,
	batch: 4,
	sequence: 384,
	rank: 8,
	targets: &[],
	dropout: 0.0,
	dora: false,
	used: false,
};
const QLORA: Measured = Measured {
	method: Method::Qlora,
	..LORA
};
const FULL: Measured = Measured {
	method: Method::Full,
	rank: 0,
	used: true,
	..LORA
};
const ALL: &[&str] = &["all-linear"];

impl Measured {
	fn run_toml(&self, [model, data, output]: [&Path; 3]) -> String {
		let Self {
			batch, sequence, rank, ..
		} = self;
		let dtype = match self.dtype {
			Dtype::F32 => "f32",
			Dtype::Bf16 => "bf16",
		};
		let mut text = format!(
			"model = {model:?}\ndata = {data:?}\noutput = {output:?}\nbatch_size = {batch}\ngradient_accumulation = 2\n\
			 cutoff_length = {sequence}\nmax_steps = 2\nsave_steps = 1\nmax_checkpoints = 2\nthreads = {THREADS}\n\
			 dtype = {dtype:?}\n"
		);
		text += &match self.method {
			Method::Full => "method = \"full\"\n".to_owned(),
			Method::Qlora => format!("method = \"qlora\"\nlora_rank = {rank}\n"),
			Method::Lora if self.targets.is_empty() => format!("lora_rank = {rank}\n"),
			Method::Lora => {
				let Self {
					targets, dropout, dora, ..
				} = self;
				format!("lora_rank = {rank}\nlora_targets = {targets:?}\nlora_dropout = {dropout:?}\ndora = {dora}\n")
			}
		};
		text
	}

	fn footprint<'a>(&self, saved: &'a Saved, file_bytes: u64) -> Footprint<'a> {
		let targets: Vec<_> = self.targets.iter().map(|target| (*target).to_owned()).collect();
		Footprint {
			config: &saved.config,
			weights: numbers_in(&saved.raw_config, &saved.config, file_bytes).unwrap(),
			four_bits: in_four_bits(&saved.raw_config, self.method).unwrap(),
			dtype: self.dtype,
			method: self.method,
			adapter: adapter_numbers(&saved.config, self.rank, &targets, self.dora),
			dropout: self.dropout > 0.0,
			dora: self.dora,
			batch: self.batch,
			sequence: self.sequence,
		}
	}
}

/// Declares another kernel path and learning rate, so that all states are compared: the most that judging takes.
fn falsify(manifest: &Path) {
	let mut value: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
	value["inputs"]["kernel_path"] = json!("abacus");
	value["inputs"]["config"]["learning_rate"] = json!(0.1);
	std::fs::write(manifest, value.to_string()).unwrap();
}

#[test]
fn estimates_should_be_within_a_fifth_of_what_trainings_judgements_and_evaluations_take() {
	let dir = tempfile::tempdir().unwrap();
	let at = |name: &str| dir.path().join(name);
	let (model, data, output, config) = (at("model"), at("data.jsonl"), at("out"), at("run.toml"));
	let trainer = || {
		let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-trainer"));
		command.env("RAYON_NUM_THREADS", THREADS.to_string());
		command
	};
	let mut wrong = Vec::new();
	for measured in [
		Measured {
			batch: 1,
			sequence: 128,
			..LORA
		},
		Measured { used: true, ..LORA },
		Measured {
			batch: 2,
			rank: 64,
			targets: ALL,
			dropout: 0.1,
			..LORA
		},
		Measured {
			targets: ALL,
			dropout: 0.1,
			dora: true,
			..LORA
		},
		Measured {
			dtype: Dtype::Bf16,
			batch: 1,
			sequence: 128,
			..LORA
		},
		Measured {
			dtype: Dtype::Bf16,
			used: true,
			..LORA
		},
		Measured { batch: 2, ..QLORA },
		QLORA,
		Measured {
			dtype: Dtype::Bf16,
			used: true,
			..QLORA
		},
		Measured {
			batch: 1,
			sequence: 128,
			..FULL
		},
		FULL,
		Measured {
			family: "gpt2",
			batch: 2,
			sequence: 512,
			used: true,
			..LORA
		},
		Measured {
			family: "gpt2",
			batch: 2,
			sequence: 128,
			..QLORA
		},
		Measured {
			family: "gpt2",
			batch: 2,
			sequence: 256,
			..FULL
		},
	] {
		let saved = save(if measured.family == "llama" { llama() } else { gpt2() }, &model);
		write_data(&data, measured.sequence as usize);
		std::fs::write(&config, measured.run_toml([&model, &data, &output])).unwrap();
		let file_bytes = model.join("model.safetensors").metadata().unwrap().len();
		let footprint = measured.footprint(&saved, file_bytes);
		let Measured {
			family,
			method,
			dtype,
			batch,
			sequence,
			rank,
			dora,
			..
		} = measured;
		let what = format!("{family} {method:?} {dtype:?} batch {batch} x {sequence}, rank {rank}, DoRA {dora}");
		let mut compare = |work: &str, peak: u64, estimate: u64| {
			let off = estimate as f64 / peak as f64 - 1.0;
			let (peak, estimate) = (peak >> 20, estimate >> 20);
			let line = format!(
				"{what}, {work}: {peak} MiB, estimated {estimate} MiB, off by {:.0} %",
				off * 100.0
			);
			println!("{line}");
			if off.abs() > 0.2 {
				wrong.push(line);
			}
		};
		let peak = peak_of(trainer().args(["finetune", "--config"]).arg(&config), 0);
		compare("training", peak, footprint.peak_bytes());
		if !measured.used {
			continue;
		}
		let result = output.join("adapter");
		let mut evaluate = trainer();
		evaluate.arg("evaluate").arg("--data").arg(&data);
		evaluate.args(["--cutoff-length", &sequence.to_string()]);
		match method {
			Method::Full => evaluate.arg("--model").arg(output.join("model")),
			_ => evaluate.arg("--model").arg(&model).arg("--adapter").arg(&result),
		};
		if method == Method::Qlora {
			evaluate.arg("--nf4");
		}
		compare(
			"evaluating",
			peak_of(&mut evaluate, 0),
			footprint.evaluating_bytes(THREADS),
		);
		let manifest = output.join("manifest.json");
		falsify(&manifest);
		let mut reproduce = trainer();
		reproduce.arg("reproduce").arg(&manifest).args(["--segment", "1"]);
		reproduce.arg("--model").arg(&model).arg("--data").arg(&data);
		compare("judging", peak_of(&mut reproduce, 3), footprint.judging_bytes());
	}
	assert!(wrong.is_empty(), "{wrong:#?}");
}
