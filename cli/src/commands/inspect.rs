//! `keopsc inspect`: what a compiled library offers, in its own words.

use keopsc_runtime::loader::Library;
use keopsc_runtime::manifest::{Entry, Gpu, Kind, Role, Shards, Tensor};

use super::{Stop, open_library};
use crate::arguments::Inspect;
use crate::console;

/// Runs the command.
pub fn run(arguments: &Inspect) -> Result<(), Stop> {
    let library = open_library(&arguments.library)?;
    let text = match arguments.json {
        true => format!("{}\n", library.manifest_json()),
        false => description(&library),
    };
    Ok(console::output(text.as_bytes())?)
}

fn description(library: &Library) -> String {
    let manifest = library.manifest();
    let target = library.target().unwrap_or("none: this processor runs none of them");
    let entries: String = manifest.entries.iter().map(entry_text).collect();
    format!(
        "library   {}\ncompiler  {}\nabi       {}\ntargets   {}\n{}here      {target}\n{entries}",
        manifest.name,
        manifest.compiler,
        manifest.abi_version,
        manifest.targets.join(", "),
        manifest.gpu.as_ref().map(gpu_line).unwrap_or_default(),
    )
}

/// `gpus      sm_75, sm_90; PTX for compute_90 and newer`
fn gpu_line(gpu: &Gpu) -> String {
    let architectures: Vec<String> = gpu.architectures.iter().map(|number| format!("sm_{number}")).collect();
    let ptx = gpu.ptx.map(|number| format!("; PTX for compute_{number} and newer")).unwrap_or_default();
    format!("gpus      {}{ptx}\n", architectures.join(", "))
}

fn entry_text(entry: &Entry) -> String {
    let width = entry.tensors.iter().map(|tensor| tensor.name.len()).max().unwrap_or_default();
    let tensors: String = entry.tensors.iter().map(|tensor| tensor_line(tensor, width)).collect();
    let shards = entry.shards.as_ref().map_or_else(|| "    no shards\n".to_owned(), shards_line);
    format!("\n{}    {}\n{tensors}{shards}", entry.symbol, entry.formula)
}

/// `    shards of N; a state has M x 8 bytes: a0.s f32 x 1`
fn shards_line(shards: &Shards) -> String {
    let fields: Vec<String> =
        shards.fields.iter().map(|field| format!("{} {} x {}", field.name, field.dtype.name(), field.count)).collect();
    format!(
        "    shards of {}; a state has {} x {} bytes: {}\n",
        rows_name(shards.over),
        rows_name(shards.rows),
        shards.record_size,
        fields.join(", "),
    )
}

/// How many rows a role has.
fn rows_name(role: Role) -> &'static str {
    match role {
        Role::I => "M",
        Role::J => "N",
        Role::Parameter => "1",
    }
}

fn tensor_line(tensor: &Tensor, width: usize) -> String {
    let extents: Vec<String> =
        std::iter::once(rows_name(tensor.role).to_owned()).chain(tensor.shape.iter().map(u32::to_string)).collect();
    let kind = match tensor.kind {
        Kind::Input => "input",
        Kind::Cotangent => "cotangent",
        Kind::Tangent => "tangent",
        Kind::Output => "result",
    };
    format!("    {:width$}  {kind:9}  {:4}  {}\n", tensor.name, tensor.dtype.name(), extents.join(" x "))
}
