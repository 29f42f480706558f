//! The weights of one pallet as a Rust file.

use std::fmt::Write;

use crate::measure::{Cost, Line};

/// `runtime/src/weights/<pallet>.rs`.
pub fn file(pallet: &str, costs: &[Cost]) -> String {
	let mut out = format!(
		"//! Weights of `{pallet}`, measured by `scripts/weights.sh`. Do not edit.\n\n\
		 #![allow(clippy::unnecessary_cast)]\n\n\
		 use core::marker::PhantomData;\n\
		 use frame_support::{{traits::Get, weights::Weight}};\n\n\
		 /// Measured weights.\n\
		 pub struct WeightInfo<T>(PhantomData<T>);\n\n\
		 impl<T: frame_system::Config> {pallet}::WeightInfo for WeightInfo<T> {{\n"
	);
	for (at, cost) in costs.iter().enumerate() {
		if at > 0 {
			out.push('\n');
		}
		function(&mut out, cost).expect("a string takes everything");
	}
	out.push_str("}\n");
	out
}

fn function(out: &mut String, cost: &Cost) -> std::fmt::Result {
	for (name, low, high) in &cost.components {
		writeln!(out, "\t/// - `{name}`: {low} to {high}.")?;
	}
	let arguments: Vec<_> = cost
		.components
		.iter()
		.map(|(name, ..)| format!("{name}: u32"))
		.collect();
	writeln!(out, "\tfn {}({}) -> Weight {{", cost.name, arguments.join(", "))?;
	writeln!(
		out,
		"\t\t// {} runs: {:.1} µs, {} reads, {} writes.",
		cost.samples,
		cost.time.base as f64 / 1e6,
		cost.reads.base,
		cost.writes.base
	)?;
	writeln!(out, "\t\tWeight::from_parts({}, {})", cost.time.base, cost.proof.base)?;
	for (at, (name, ..)) in cost.components.iter().enumerate() {
		let (time, proof) = (cost.time.slopes[at], cost.proof.slopes[at]);
		if time > 0 || proof > 0 {
			writeln!(
				out,
				"\t\t\t.saturating_add(Weight::from_parts({time}, {proof}).saturating_mul({name} as u64))"
			)?;
		}
	}
	database(out, cost, &cost.reads, "reads")?;
	database(out, cost, &cost.writes, "writes")?;
	writeln!(out, "\t}}")
}

fn database(out: &mut String, cost: &Cost, line: &Line, what: &str) -> std::fmt::Result {
	if line.base > 0 {
		writeln!(out, "\t\t\t.saturating_add(T::DbWeight::get().{what}({}))", line.base)?;
	}
	for ((name, ..), slope) in cost.components.iter().zip(&line.slopes) {
		if *slope > 0 {
			writeln!(
				out,
				"\t\t\t.saturating_add(T::DbWeight::get().{what}({slope}).saturating_mul({name} as u64))"
			)?;
		}
	}
	Ok(())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_call_with_a_component_should_grow_with_it() {
		let line = |base, slope| Line {
			base,
			slopes: vec![slope],
		};
		let cost = Cost {
			name: "register".into(),
			components: vec![("n".into(), 1, 9)],
			time: line(5, 6),
			reads: line(2, 0),
			writes: line(1, 3),
			proof: line(7, 0),
			samples: 20,
		};
		let file = file("pallet_x", &[cost]);
		for expected in [
			"fn register(n: u32) -> Weight",
			"Weight::from_parts(5, 7)",
			"Weight::from_parts(6, 0).saturating_mul(n as u64)",
			".reads(2))\n",
			".writes(3).saturating_mul(n as u64)",
		] {
			assert!(file.contains(expected), "{expected} is missing in\n{file}");
		}
	}
}
