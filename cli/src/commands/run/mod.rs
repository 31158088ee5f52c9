//! `keopsc run`: a formula and arrays in files → results in files.
//!
//! ```text
//! keopsc run gauss.kf x=x.npy y=y.npy b=b.csv sigma=0.5 -o conv=conv.npy
//! ```
//!
//! The formula goes through the cache; the library says in its manifest what it takes and gives.

mod extents;
mod inputs;
mod requests;

use keopsc_driver::failure::Problem;
use keopsc_runtime::loader::{Array, Entry, Options, TensorView, ViewError};

use super::{Stop, compile, open_library};
use crate::arguments::{Run, SourceArguments};
use crate::arrays;
use crate::console::{self, Console};
use crate::progress;

use extents::Extents;
use inputs::{Input, Inputs};
use requests::Request;

/// Runs the command.
pub fn run(arguments: &Run, console: &Console) -> Result<(), Stop> {
    let (source, inputs) = split(arguments);
    let inputs = Inputs::parse(inputs)?;
    let path = compile::through_cache(&source, &arguments.code, console)?;
    let library = open_library(&path)?;
    let requests = requests::parse(&arguments.output, &library)?;
    inputs.check_names(&library)?;
    for (entry, wanted) in requests::entries(&library, &requests) {
        let inputs = inputs.read(&entry, arguments)?;
        let results = call(&entry, &inputs, arguments)?;
        write(&entry, &results, &wanted)?;
    }
    Ok(())
}

/// The formula's own arguments, and the `name=path` words.
fn split(arguments: &Run) -> (SourceArguments, &[String]) {
    let (file, inputs) = match &arguments.expression {
        Some(_) => (None, &arguments.positional[..]),
        None => (arguments.positional.first().map(Into::into), arguments.positional.get(1..).unwrap_or_default()),
    };
    let source = SourceArguments {
        file,
        expression: arguments.expression.clone(),
        name: None,
        dims: arguments.dims.clone(),
        dtype: arguments.dtype.clone(),
        sum: arguments.sum.clone(),
        accumulate: arguments.accumulate.clone(),
        algebra: arguments.algebra.clone(),
        products: arguments.products.clone(),
        only: Vec::new(),
    };
    (source, inputs)
}

/// Runs one function; gives its results in order.
fn call(entry: &Entry<'_>, inputs: &[Input], arguments: &Run) -> Result<Vec<Array>, Problem> {
    let extents = Extents::new(inputs, arguments.rows_i, arguments.rows_j)?;
    let unusable = |error: ViewError| Problem::new(format!("`{}`: {error}", entry.name()));
    let outputs = entry.description().tensors.iter().filter(|tensor| tensor.is_output());
    let zeros = outputs.map(|tensor| Array::zeros(tensor.dtype, &extents.call_shape(tensor)?).map_err(unusable));
    let mut results: Vec<Array> = zeros.collect::<Result<_, Problem>>()?;

    let views = inputs.iter().map(|input| input.buffer.view(&input.shape));
    let mut tensors: Vec<TensorView<'_>> = views.collect::<Result<_, _>>().map_err(unusable)?;
    for result in &mut results {
        tensors.push(result.output().map_err(unusable)?);
    }
    let options = Options { rows_i: arguments.rows_i, rows_j: arguments.rows_j, threads: arguments.threads, gpu: None };
    let run = || entry.run(&mut tensors, &options);
    progress::with_elapsed_time(entry.name(), run).map_err(|error| Problem::new(error.message))?;
    drop(tensors);
    Ok(results)
}

/// Puts the wanted results of a function where they are to go.
fn write(entry: &Entry<'_>, results: &[Array], wanted: &[&Request]) -> Result<(), Problem> {
    let outputs: Vec<_> = entry.description().tensors.iter().filter(|tensor| tensor.is_output()).collect();
    for request in wanted {
        let found = outputs.iter().zip(results).find(|(tensor, _)| tensor.name == request.name);
        let Some((tensor, result)) = found else { continue };
        let array = arrays::from_result(result, tensor);
        match request.path.as_os_str() == "-" {
            true => console::output(&arrays::write(&array, &request.path))?,
            false => keopsc_driver::output::write_file(&request.path, &arrays::write(&array, &request.path))?,
        }
    }
    Ok(())
}
