//! Random values of any type that a call takes, encoded as its type's description says: a new call is fuzzed without being
//! named anywhere.

use codec::{Compact, Encode};
use rand::Rng;
use scale_info::{form::PortableForm, Field, PortableRegistry, TypeDef, TypeDefPrimitive};

use crate::world::World;

/// Types nest no deeper than this; a value that would is given up.
const MAX_DEPTH: u32 = 16;

/// No value of the type could be made.
#[derive(Debug)]
pub struct Impossible;

impl World {
	/// Appends a value of type `ty`, which stands in a field called `name`.
	pub fn value(&mut self, ty: u32, name: &str, depth: u32, out: &mut Vec<u8>) -> Result<(), Impossible> {
		if depth > MAX_DEPTH {
			return Err(Impossible);
		}
		if ty == self.call_type {
			let (call, _) = self.random_call(depth + 4)?;
			out.extend(call);
			return Ok(());
		}
		let types = self.types.clone();
		let described = types.resolve(ty).ok_or(Impossible)?;
		let path = described.path.segments.last().map_or("", |segment| segment.as_str());
		if let Some(bytes) = self.likely_value(path, name) {
			out.extend(bytes);
			return Ok(());
		}
		match &described.type_def {
			TypeDef::Composite(composite) => self.fields(&composite.fields, name, depth, out)?,
			TypeDef::Variant(variants) => {
				let Some(count) = variants.variants.len().checked_sub(1) else {
					return Err(Impossible);
				};
				let variant = &variants.variants[self.rng.random_range(0..=count)];
				out.push(variant.index);
				self.fields(&variant.fields, name, depth, out)?;
			}
			TypeDef::Sequence(sequence) if is_byte(&types, sequence.type_param.id) => self.bytes().encode_to(out),
			TypeDef::Sequence(sequence) => {
				let length = self.rng.random_range(0..4u32);
				Compact(length).encode_to(out);
				for _ in 0..length {
					self.value(sequence.type_param.id, name, depth + 1, out)?;
				}
			}
			TypeDef::Array(array) => {
				for _ in 0..array.len {
					self.value(array.type_param.id, "", depth + 1, out)?;
				}
			}
			TypeDef::Tuple(tuple) => {
				for field in &tuple.fields {
					self.value(field.id, name, depth + 1, out)?;
				}
			}
			TypeDef::Primitive(primitive) => self.primitive(primitive, name, out)?,
			TypeDef::Compact(compact) => {
				if let Some(bits) = bits_of(&types, compact.type_param.id) {
					Compact(self.number(bits, name)).encode_to(out);
				}
			}
			// Of no bits.
			TypeDef::BitSequence(_) => Compact(0u32).encode_to(out),
		}
		Ok(())
	}

	/// Appends a value of each field.
	pub fn fields(
		&mut self,
		fields: &[Field<PortableForm>],
		outer: &str,
		depth: u32,
		out: &mut Vec<u8>,
	) -> Result<(), Impossible> {
		for field in fields {
			let name = field.name.as_deref().unwrap_or(outer);
			self.value(field.ty.id, name, depth + 1, out)?;
		}
		Ok(())
	}

	fn primitive(&mut self, primitive: &TypeDefPrimitive, name: &str, out: &mut Vec<u8>) -> Result<(), Impossible> {
		match primitive {
			TypeDefPrimitive::Bool => out.push(self.rng.random_range(0..2)),
			TypeDefPrimitive::Str => String::from_utf8_lossy(&self.bytes()).encode_to(out),
			TypeDefPrimitive::Char => self.rng.random_range(0..0xd800u32).encode_to(out),
			other => {
				let bits = width(other).ok_or(Impossible)?;
				let number = self.number(bits, name);
				out.extend(&number.to_le_bytes()[..(bits.min(128) / 8) as usize]);
				// Of 256 bits the upper half is zero.
				out.resize(out.len() + bits.saturating_sub(128) as usize / 8, 0);
			}
		}
		Ok(())
	}

	/// A number of so many bits: what fields of this name usually hold, or an edge, or anything.
	fn number(&mut self, bits: u32, name: &str) -> u128 {
		let max = u128::MAX >> (128 - bits.min(128));
		if let Some(likely) = self.likely_number(name) {
			return likely.min(max);
		}
		let number = match self.rng.random_range(0..10) {
			0 => 0,
			1 => 1,
			2 => max,
			3 => max - self.rng.random_range(0..4u128).min(max),
			4..=6 => self.rng.random_range(0..20),
			7 => self.rng.random_range(0..10_000),
			_ => self.rng.random(),
		};
		number & max
	}

	/// Text, mostly; sometimes bytes that are none.
	fn bytes(&mut self) -> Vec<u8> {
		let length = match self.rng.random_range(0..20) {
			0 => 0,
			1 => self.rng.random_range(0..2_000),
			_ => self.rng.random_range(1..24),
		};
		if self.rng.random_range(0..8) == 0 {
			(0..length).map(|_| self.rng.random()).collect()
		} else {
			(0..length).map(|_| self.rng.random_range(b'a'..=b'z')).collect()
		}
	}
}

fn is_byte(types: &PortableRegistry, ty: u32) -> bool {
	let described = types.resolve(ty);
	matches!(
		described.map(|ty| &ty.type_def),
		Some(TypeDef::Primitive(TypeDefPrimitive::U8))
	)
}

/// Bits of the integer that a type is, perhaps wrapped; `None` for the unit type.
fn bits_of(types: &PortableRegistry, ty: u32) -> Option<u32> {
	match &types.resolve(ty)?.type_def {
		TypeDef::Primitive(primitive) => width(primitive),
		TypeDef::Composite(composite) => bits_of(types, composite.fields.first()?.ty.id),
		_ => None,
	}
}

fn width(primitive: &TypeDefPrimitive) -> Option<u32> {
	match primitive {
		TypeDefPrimitive::U8 | TypeDefPrimitive::I8 => Some(8),
		TypeDefPrimitive::U16 | TypeDefPrimitive::I16 => Some(16),
		TypeDefPrimitive::U32 | TypeDefPrimitive::I32 => Some(32),
		TypeDefPrimitive::U64 | TypeDefPrimitive::I64 => Some(64),
		TypeDefPrimitive::U128 | TypeDefPrimitive::I128 => Some(128),
		TypeDefPrimitive::U256 | TypeDefPrimitive::I256 => Some(256),
		TypeDefPrimitive::Bool | TypeDefPrimitive::Char | TypeDefPrimitive::Str => None,
	}
}
