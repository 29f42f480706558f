use codec::{Compact, Encode};

/// A call of the runtime by its names; the node's metadata gives the indices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
	pub pallet: &'static str,
	pub name: &'static str,
	pub args: Args,
}

/// A call's arguments.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Args {
	/// All arguments in order, SCALE.
	Scale(Vec<u8>),
	/// One argument: a list of calls.
	Calls(Vec<Call>),
	/// A call between other arguments, SCALE, as proxy and council take it.
	Around(Vec<u8>, Box<Call>, Vec<u8>),
}

impl Call {
	/// A call whose arguments are the fields of the tuple `args`.
	pub fn new(pallet: &'static str, name: &'static str, args: impl Encode) -> Self {
		Self {
			pallet,
			name,
			args: Args::Scale(args.encode()),
		}
	}

	/// Appends the arguments; `index` gives a call's pallet and call index by its names.
	pub(crate) fn encode_args<E>(
		&self,
		index: &impl Fn(&Call) -> Result<[u8; 2], E>,
		out: &mut Vec<u8>,
	) -> Result<(), E> {
		match &self.args {
			Args::Scale(bytes) => out.extend_from_slice(bytes),
			Args::Calls(calls) => {
				Compact(calls.len() as u32).encode_to(out);
				for call in calls {
					call.encode_whole(index, out)?;
				}
			}
			Args::Around(before, call, after) => {
				out.extend_from_slice(before);
				call.encode_whole(index, out)?;
				out.extend_from_slice(after);
			}
		}
		Ok(())
	}

	fn encode_whole<E>(&self, index: &impl Fn(&Call) -> Result<[u8; 2], E>, out: &mut Vec<u8>) -> Result<(), E> {
		out.extend(index(self)?);
		self.encode_args(index, out)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_call_may_stand_between_other_arguments() {
		let call = Call {
			pallet: "Council",
			name: "propose",
			args: Args::Around(vec![5, 6], Box::new(Call::new("A", "one", 7u8)), vec![8]),
		};
		let mut out = vec![];
		call.encode_args(&|_: &Call| Ok::<_, ()>([9, 1]), &mut out).unwrap();
		assert_eq!(out, [5, 6, 9, 1, 7, 8]);
	}

	#[test]
	fn a_batch_holds_its_calls_with_their_indices() {
		let call = |n: u8| Call::new("A", if n == 1 { "one" } else { "two" }, (n, 7u16));
		let batch = Call {
			pallet: "Utility",
			name: "batch",
			args: Args::Calls(vec![call(1), call(2)]),
		};
		let index = |call: &Call| match call.name {
			"one" => Ok([9, 1]),
			"two" => Ok([9, 2]),
			_ => Err(()),
		};
		let mut out = vec![];
		batch.encode_args(&index, &mut out).unwrap();
		assert_eq!(out, [8, 9, 1, 1, 7, 0, 9, 2, 2, 7, 0]);
		assert!(
			batch.encode_whole(&index, &mut out).is_err(),
			"an unknown call must not be encoded"
		);
	}
}
