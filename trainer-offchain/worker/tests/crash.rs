//! Processes that are killed, and disks that are full: what is left is whole, and going on gives the same bytes.

use std::collections::BTreeMap;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const STEPS: usize = 14;

fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures/tiny-llama")
		.join(name)
}

/// A run long enough to be killed between any two steps.
fn run_toml(dir: &Path, method: &str) -> PathBuf {
	let (model, data, output) = (fixture("model"), fixture("train.jsonl"), dir.join("out"));
	let adapter = if method == "lora" {
		"lora_dropout = 0.1\nlora_rank = 16\nlora_targets = \"all-linear\"\n"
	} else {
		""
	};
	let text = format!(
		"model = {model:?}\ndata = {data:?}\noutput = {output:?}\nmethod = \"{method}\"\nlearning_rate = 0.001\n\
		 batch_size = 4\ngradient_accumulation = 12\nmax_steps = {STEPS}\nlogging_steps = 1\nsave_steps = 2\n\
		 max_checkpoints = 7\nvalidation_split = 0.2\n{adapter}"
	);
	std::fs::create_dir_all(dir).unwrap();
	let path = dir.join("run.toml");
	std::fs::write(&path, text).unwrap();
	path
}

fn finetune(config: &Path, resume: bool) -> Command {
	let mut command = Command::new(env!("CARGO_BIN_EXE_openledger-trainer"));
	command.args(["finetune", "--config"]).arg(config);
	if resume {
		command.arg("--resume");
	}
	command.stdout(Stdio::null()).stderr(Stdio::null());
	command
}

fn finish(config: &Path, resume: bool) {
	assert!(finetune(config, resume).status().unwrap().success());
}

fn steps_logged(output: &Path) -> usize {
	std::fs::read_to_string(output.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Starts the run, or goes on with it, and kills it once the log has so many steps. How many it had then.
fn kill_after(config: &Path, output: &Path, resume: bool, steps: usize) -> usize {
	let mut child = finetune(config, resume).spawn().unwrap();
	let started = Instant::now();
	while steps_logged(output) < steps && child.try_wait().unwrap().is_none() {
		assert!(
			started.elapsed() < Duration::from_secs(120),
			"step {steps} did not come"
		);
		std::thread::sleep(Duration::from_millis(1));
	}
	child.kill().unwrap();
	child.wait().unwrap();
	steps_logged(output)
}

/// What a run leaves, without the times that are in it.
fn left(output: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
	let mut all = BTreeMap::new();
	let mut folders = vec![output.to_owned()];
	while let Some(folder) = folders.pop() {
		for entry in std::fs::read_dir(&folder).unwrap() {
			let path = entry.unwrap().path();
			if path.is_dir() {
				folders.push(path);
				continue;
			}
			let bytes = std::fs::read(&path).unwrap();
			let timed = |key: &str| {
				let mut out = String::new();
				let stream = serde_json::Deserializer::from_slice(&bytes).into_iter::<serde_json::Value>();
				for value in stream {
					let mut value = value.unwrap();
					assert!(value.as_object_mut().unwrap().remove(key).is_some());
					out += &value.to_string();
				}
				out.into_bytes()
			};
			let bytes = match path.file_name().unwrap().to_str().unwrap() {
				"manifest.json" => timed("train_seconds"),
				"metrics.jsonl" => timed("tokens_per_s"),
				_ => bytes,
			};
			all.insert(path.strip_prefix(output).unwrap().to_owned(), bytes);
		}
	}
	all
}

fn assert_same(expected: &BTreeMap<PathBuf, Vec<u8>>, output: &Path, when: &str) {
	let found = left(output);
	assert_eq!(
		found.keys().collect::<Vec<_>>(),
		expected.keys().collect::<Vec<_>>(),
		"{when}"
	);
	for (path, bytes) in expected {
		assert!(found[path] == *bytes, "{} differs {when}", path.display());
	}
}

#[test]
fn killed_run_should_leave_the_same_bytes_once_it_went_on() {
	let dir = tempfile::tempdir().unwrap();
	for method in ["lora", "full"] {
		let whole = dir.path().join(method);
		finish(&run_toml(&whole, method), false);
		let expected = left(&whole.join("out"));
		assert!(expected.contains_key(Path::new("manifest.json")));
		let mut killed_at = Vec::new();
		// Before the first checkpoint, and around later ones.
		for steps in [0, 1, 2, 5, 8] {
			let folder = dir.path().join(format!("{method}-{steps}"));
			let (config, output) = (run_toml(&folder, method), folder.join("out"));
			killed_at.push(kill_after(&config, &output, false, steps));
			assert!(!output.join("manifest.json").exists(), "it was killed before its end");
			finish(&config, true);
			assert_same(&expected, &output, &format!("killed at step {steps}"));
		}
		// Again and again, in one folder.
		let folder = dir.path().join(format!("{method}-often"));
		let (config, output) = (run_toml(&folder, method), folder.join("out"));
		for (n, steps) in [1, 3, 6, 7, 9].into_iter().enumerate() {
			killed_at.push(kill_after(&config, &output, n > 0, steps));
		}
		finish(&config, true);
		assert_same(&expected, &output, "killed five times");
		println!("{method}: killed at {killed_at:?}");
	}
}

/// Lets the process write no file larger than so many bytes.
fn with_largest_file(command: &mut Command, bytes: u64) -> Output {
	// SAFETY: between fork and exec only these two system calls are made.
	unsafe {
		command.pre_exec(move || {
			let limit = libc::rlimit {
				rlim_cur: bytes,
				rlim_max: bytes,
			};
			// Without this the process would be killed where a write has to fail.
			libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
			match libc::setrlimit(libc::RLIMIT_FSIZE, &limit) {
				0 => Ok(()),
				_ => Err(std::io::Error::last_os_error()),
			}
		});
	}
	command.stderr(Stdio::piped()).output().unwrap()
}

#[test]
fn run_should_say_what_to_do_when_a_checkpoint_finds_no_room() {
	let dir = tempfile::tempdir().unwrap();
	let whole = dir.path().join("whole");
	finish(&run_toml(&whole, "lora"), false);
	let expected = left(&whole.join("out"));
	let state = expected[Path::new("checkpoints/step-2/state.safetensors")].len() as u64;

	let folder = dir.path().join("full");
	let (config, output) = (run_toml(&folder, "lora"), folder.join("out"));
	let killed_at = kill_after(&config, &output, false, 5);
	assert!(killed_at < STEPS);
	let before = left(&output);
	let refused = with_largest_file(&mut finetune(&config, true), state - 1);
	let stderr = String::from_utf8(refused.stderr).unwrap();
	assert_eq!(refused.status.code(), Some(1), "{stderr}");
	let complaint = stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
	for part in ["cannot be written", "File too large", "is intact", "--resume"] {
		assert!(complaint.contains(part), "{complaint}");
	}
	let states = |left: &BTreeMap<PathBuf, Vec<u8>>| -> Vec<(PathBuf, Vec<u8>)> {
		let of = left.iter().filter(|(path, _)| path.starts_with("checkpoints"));
		of.map(|(path, bytes)| (path.clone(), bytes.clone())).collect()
	};
	assert!(
		states(&left(&output)) == states(&before),
		"what was there is intact, and half a file is not"
	);
	finish(&config, true);
	assert_same(&expected, &output, "after the disk was full");
}
