//! The manifest: what a compiled library says about itself, as JSON inside the library.
//!
//! ```json
//! {"abi_version":1,"compiler":"keopsc 0.1.0","name":"gauss","targets":["x86-64-v3"],"entries":[{"name":"conv", …}]}
//! ```
//!
//! Fields stand in a fixed order and depend on the source and the options alone; readers ignore fields they do not know.

use serde::{Deserialize, Serialize};

/// A library.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`crate::abi::ABI_VERSION`] of the compiler.
    pub abi_version: u32,
    /// Which compiler made it.
    pub compiler: String,
    /// The library's name: the prefix of its symbols.
    pub name: String,
    /// The instruction-set levels it has code for, best last.
    pub targets: Vec<String>,
    /// The GPUs it has code for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<Gpu>,
    /// Its functions, in the order of the module's table.
    pub entries: Vec<Entry>,
}

/// What code for GPUs a library has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    /// Compute capabilities times ten that there is machine code for, in ascending order.
    pub architectures: Vec<u32>,
    /// The one that there is PTX for, which runs on all newer GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ptx: Option<u32>,
}

/// A function of a library: one `out`, or a `fused` block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name in the formula file.
    pub name: String,
    /// The exported C function.
    pub symbol: String,
    /// The formula as written.
    pub formula: String,
    /// Arguments in call order, then results in call order.
    pub tensors: Vec<Tensor>,
    /// How it is computed in shards of the reduced index, `null` if it cannot be.
    #[serde(default)]
    pub shards: Option<Shards>,
}

/// How an entry is computed in shards: layer 3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shards {
    /// The index that is reduced, of whose rows shards are parts.
    pub over: Role,
    /// What a state has a record for.
    pub rows: Role,
    /// Bytes of a record.
    pub record_size: u64,
    /// What a record holds.
    pub fields: Vec<Field>,
    /// The inputs that `finalize` reads; it does not look at others.
    pub finalize: Vec<String>,
}

/// A part of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Number of the reduction within the entry, and what it keeps: `a0.s`.
    pub name: String,
    /// Type of its elements.
    pub dtype: Dtype,
    /// Number of its elements.
    pub count: u32,
    /// Bytes from the beginning of the record.
    pub offset: u64,
}

/// An argument or a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// How it came about.
    pub kind: Kind,
    /// What its rows are.
    pub role: Role,
    /// The extents of a row; their product is the number of elements. A complex element is two components of the formula.
    pub shape: Vec<u32>,
    /// How it is stored.
    pub dtype: Dtype,
    /// The input that a result is the gradient in, if it is nothing but that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gradient_of: Option<String>,
}

impl Tensor {
    /// Elements a row; the largest number where there are more, as only a damaged manifest says.
    pub fn dim(&self) -> u64 {
        self.shape.iter().fold(1, |product: u64, extent| product.saturating_mul((*extent).into()))
    }

    /// Whether the function writes it.
    pub fn is_output(&self) -> bool {
        self.kind == Kind::Output
    }
}

/// How a tensor came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Declared in the formula file.
    Input,
    /// Appended by `Grad`: what the result is weighted with.
    Cotangent,
    /// Appended by `Diff`: the direction.
    Tangent,
    /// A result.
    Output,
}

/// What the rows of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// One row per i.
    I,
    /// One row per j.
    J,
    /// A single row.
    Parameter,
}

/// How elements are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// IEEE half precision.
    F16,
    /// bfloat16.
    BF16,
    /// float32.
    F32,
    /// float64.
    F64,
    /// int64: row numbers.
    I64,
    /// complex64: pairs of float32.
    C64,
    /// complex128: pairs of float64.
    C128,
}

impl Dtype {
    /// The name in formula files and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Dtype::F16 => "f16",
            Dtype::BF16 => "bf16",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::I64 => "i64",
            Dtype::C64 => "c64",
            Dtype::C128 => "c128",
        }
    }

    /// Its number in descriptors.
    pub fn code(self) -> u8 {
        match self {
            Dtype::F16 => crate::abi::F16,
            Dtype::BF16 => crate::abi::BF16,
            Dtype::F32 => crate::abi::F32,
            Dtype::F64 => crate::abi::F64,
            Dtype::I64 => crate::abi::I64,
            Dtype::C64 => crate::abi::C64,
            Dtype::C128 => crate::abi::C128,
        }
    }
}

impl Manifest {
    /// Reads the JSON text of a manifest.
    pub fn from_json(text: &str) -> Result<Manifest, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The JSON text, on one line.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_whose_product_is_no_number() {
        let tensor = |shape: &[u32]| {
            let (name, kind, role, dtype) = ("x".into(), Kind::Input, Role::I, Dtype::F32);
            Tensor { name, kind, role, shape: shape.to_vec(), dtype, gradient_of: None }
        };
        assert_eq!(tensor(&[u32::MAX, u32::MAX, 3]).dim(), u64::MAX);
        assert_eq!(tensor(&[u32::MAX, u32::MAX, 3, 0]).dim(), 0);
        assert_eq!(tensor(&[]).dim(), 1);
    }

    #[test]
    fn the_text_is_stable_and_is_read_back() {
        let tensor = Tensor {
            name: "x".into(),
            kind: Kind::Input,
            role: Role::I,
            shape: vec![3],
            dtype: Dtype::F32,
            gradient_of: None,
        };
        let shards = Shards {
            over: Role::J,
            rows: Role::I,
            record_size: 16,
            fields: vec![Field { name: "a0.s".into(), dtype: Dtype::F32, count: 3, offset: 0 }],
            finalize: vec!["x".into()],
        };
        let entry = Entry {
            name: "f".into(),
            symbol: "k_f".into(),
            formula: "Sum[j](x)".into(),
            tensors: vec![tensor],
            shards: Some(shards),
        };
        let manifest = Manifest {
            abi_version: 1,
            compiler: "keopsc 0".into(),
            name: "k".into(),
            targets: vec!["x86-64-v3".into()],
            gpu: None,
            entries: vec![entry],
        };
        let text = manifest.to_json().unwrap();
        assert_eq!(
            text,
            r#"{"abi_version":1,"compiler":"keopsc 0","name":"k","targets":["x86-64-v3"],"entries":[{"name":"f","symbol":"k_f","formula":"Sum[j](x)","tensors":[{"name":"x","kind":"input","role":"i","shape":[3],"dtype":"f32"}],"shards":{"over":"j","rows":"i","record_size":16,"fields":[{"name":"a0.s","dtype":"f32","count":3,"offset":0}],"finalize":["x"]}}]}"#
        );
        assert_eq!(Manifest::from_json(&text).unwrap(), manifest);
        let with_gpu = Manifest { gpu: Some(Gpu { architectures: vec![75, 90], ptx: Some(90) }), ..manifest.clone() };
        let text_with_gpu = text.replace(r#","entries""#, r#","gpu":{"architectures":[75,90],"ptx":90},"entries""#);
        assert_eq!(with_gpu.to_json().unwrap(), text_with_gpu);
        assert_eq!(Manifest::from_json(&text_with_gpu).unwrap(), with_gpu);
        let without_ptx = Manifest { gpu: Some(Gpu { architectures: vec![90], ptx: None }), ..manifest.clone() };
        let text_without_ptx = text.replace(r#","entries""#, r#","gpu":{"architectures":[90]},"entries""#);
        assert_eq!(without_ptx.to_json().unwrap(), text_without_ptx);
        assert_eq!(Manifest::from_json(&text_without_ptx).unwrap(), without_ptx);
        let newer = text.replace(r#""name":"k""#, r#""name":"k","unknown":1"#);
        assert_eq!(Manifest::from_json(&newer).unwrap(), manifest);
        let (before, _) = text.split_once(r#","shards""#).unwrap();
        assert_eq!(Manifest::from_json(&format!("{before}}}]}}")).unwrap().entries[0].shards, None);
    }
}
