//! What tests on the fixtures share; none uses all of it.
#![allow(dead_code)]

use candle_core::{Device, Tensor};
use openledger_model::checkpoint::Checkpoint;
use openledger_model::Decoder;
use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn fixture(name: &str) -> PathBuf {
	Path::new(env!("CARGO_MANIFEST_DIR"))
		.join("../../tests/fixtures")
		.join(name)
}

pub fn json(path: &Path) -> Value {
	serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// `input_ids` of a JSON object.
pub fn ids(value: &Value) -> Tensor {
	let rows: Vec<Vec<u32>> = serde_json::from_value(value["input_ids"].clone()).unwrap();
	Tensor::new(rows, &Device::Cpu).unwrap()
}

pub fn load(dir: &Path) -> Decoder {
	Decoder::load(dir, &Device::Cpu, false).unwrap()
}

/// A tensor of a safetensors file.
pub fn tensor(path: &Path, name: &str) -> Tensor {
	let file = Checkpoint::open_file(path).unwrap();
	file.tensor(name, &file.shape(name).unwrap(), &Device::Cpu).unwrap()
}

pub fn values(tensor: &Tensor) -> Vec<f32> {
	tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// Largest difference over the largest value.
pub fn relative_error(found: &Tensor, expected: &Tensor) -> f32 {
	assert_eq!(found.dims(), expected.dims());
	let largest = values(expected).iter().fold(0f32, |m, x| m.max(x.abs()));
	values(found)
		.iter()
		.zip(values(expected))
		.fold(0f32, |m, (f, e)| m.max((f - e).abs()))
		/ largest
}

/// A copy of a fixture's folder, to change.
pub fn copy(name: &str) -> tempfile::TempDir {
	let dir = tempfile::tempdir().unwrap();
	for entry in std::fs::read_dir(fixture(name)).unwrap() {
		let entry = entry.unwrap();
		std::fs::copy(entry.path(), dir.path().join(entry.file_name())).unwrap();
	}
	dir
}

/// Changes a JSON file.
pub fn edit(dir: &Path, file: &str, change: impl FnOnce(&mut Value)) {
	let path = dir.join(file);
	let mut value = json(&path);
	change(&mut value);
	std::fs::write(path, serde_json::to_vec(&value).unwrap()).unwrap();
}
