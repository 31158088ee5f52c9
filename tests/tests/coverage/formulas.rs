//! Rows of the tables as formula files: a value, its gradients, second gradients and forward derivative, each an output.
//!
//! ```text
//! SqDist   =>   v = Sum[j](w * SqDist(x0, x1))          x0 = Vi(2), x1 = Vj(2)
//!               out v = v                               the value
//!               out g0 = Grad(v, x0, e)                 for each variable
//!               s = Sum[i](Grad(v, x0, e) | c0) + …     all gradients with random weights, one number
//!               out h0 = Grad(s, x0, 1)                 for each variable: second gradients
//!               out t = Diff(v, x0, t0) + …             in all variables at once
//! ```

use keopsc_driver::reference::application::{Application, applications};
use keopsc_driver::reference::example::program;
use keopsc_ir::formula::Program;
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::intrinsics::Kind;
use keopsc_ops::{OperationId, ReductionId, catalogue, reductions};

/// A formula file of one row, and where its inputs are drawn from.
pub struct Case {
    /// The formula.
    pub what: String,
    /// The file, in float64.
    pub source: String,
    /// Its graph, differentiated and not simplified.
    pub program: Program,
    /// The names of the inputs that derivatives are taken in; none where there are no derivatives.
    pub variables: Vec<String>,
    /// Why the front end takes no derivative, where it refuses.
    pub refused: Option<String>,
    /// The interval of each input, by name.
    pub intervals: Vec<(String, (f64, f64))>,
}

/// The places of outputs among the entries of a case.
impl Case {
    /// The value.
    pub const VALUE: usize = 0;
    /// The sum of all gradients with weights, which only the interpreter needs.
    pub const GRADIENTS: usize = 1;

    /// The gradient in a variable.
    pub fn gradient(variable: usize) -> usize {
        2 + 2 * variable
    }

    /// The gradient of all gradients in a variable.
    pub fn second(variable: usize) -> usize {
        3 + 2 * variable
    }

    /// The derivative in the tangents of all variables.
    pub fn forward(&self) -> usize {
        2 + 2 * self.variables.len()
    }

    /// The entries that are compiled.
    pub fn compiled(&self) -> impl Iterator<Item = usize> {
        (0..self.program.entries.len()).filter(|entry| *entry != Case::GRADIENTS)
    }
}

/// An input of a formula.
struct Input {
    name: String,
    role: Role,
    dim: u32,
    interval: (f64, f64),
}

const AROUND_ZERO: (f64, f64) = (-1.0, 1.0);

/// The cases of an operation, with outputs whose names end in numbers from `first` on.
pub fn operation_cases(operation: OperationId, first: usize) -> Vec<Case> {
    let applications = applications(operation);
    (first..).zip(&applications).map(|(number, application)| operation_case(application, number)).collect()
}

/// A single argument is the mean of one row of i and one of j, several depend on i, j and nothing in turn.
fn operation_case(application: &Application, number: usize) -> Case {
    let domain = catalogue::operation(application.operation).domain;
    let input = |name: &str, role, argument: usize| Input {
        name: name.to_owned(),
        role,
        dim: application.dims[argument],
        interval: domain[argument],
    };
    let (variables, call): (Vec<Input>, String) = match application.dims.len() {
        1 => (vec![input("x0", Role::I, 0), input("x1", Role::J, 0)], application.call(&["(x0 + x1) / 2"])),
        count => {
            let names: Vec<String> = (0..count).map(|argument| format!("x{argument}")).collect();
            let role = |argument: usize| [Role::I, Role::J, Role::Parameter][argument % 3];
            let inputs =
                names.iter().enumerate().map(|(argument, name)| input(name, role(argument), argument)).collect();
            (inputs, application.call(&names))
        }
    };
    let weight = Input { name: "w".to_owned(), role: Role::J, dim: 1, interval: (0.5, 1.5) };
    case(number, &format!("Sum[j](w * {call})"), (Role::I, application.dim), variables, vec![weight])
}

/// The case of a reduction over an index, with formulas of i, j and a parameter as arguments.
pub fn reduction_case(reduction: ReductionId, over: Axis, number: usize) -> Case {
    let (dims, parameters) = reduction_shapes(reduction);
    let signature = reductions::signature(reduction);
    let options: String =
        signature.parameters.iter().zip(&parameters).map(|(spec, value)| format!(", {}={value}", spec.name)).collect();
    let mut variables = Vec::new();
    let mut arguments = Vec::new();
    for (argument, &dim) in dims.iter().enumerate() {
        for (name, role) in [("x", Role::I), ("y", Role::J)] {
            variables.push(Input { name: format!("{name}{argument}"), role, dim, interval: (0.5, 1.5) });
        }
        arguments.push(format!("1.5 + Sin((x{argument} - 2 * y{argument}) * p)"));
    }
    variables.push(Input { name: "p".to_owned(), role: Role::Parameter, dim: 1, interval: (0.5, 1.5) });
    let outcomes = reductions::infer(reduction, &dims, &parameters).expect("shapes that fit");
    let name = reductions::reduction(reduction).name;
    let formula = format!("{name}[{over}{options}]({})", arguments.join(", "));
    let dim = outcomes[0].1.iter().product();
    if outcomes[0].0 == Kind::Index {
        return without_derivatives(number, &formula, variables, None);
    }
    case(number, &formula, (over.other().role(), dim), variables, Vec::new())
}

/// Dimensions and parameters that a reduction takes: 2 where it may be.
fn reduction_shapes(reduction: ReductionId) -> (Vec<u32>, Vec<i64>) {
    let signature = reductions::signature(reduction);
    let parameters = vec![2; signature.parameters.len()];
    let count = signature.arguments.len() as u32;
    let choice = |bits: u32| (0..count).map(|argument| 2 - (bits >> argument & 1)).collect::<Vec<u32>>();
    let mut all = (0..1 << count).map(choice);
    let dims = all.find(|dims| reductions::infer(reduction, dims, &parameters).is_ok());
    (dims.unwrap_or_else(|| panic!("no arguments for {}", signature.name)), parameters)
}

/// All outputs, or only the value where the front end refuses derivatives.
fn case(number: usize, formula: &str, (role, dim): (Role, u32), variables: Vec<Input>, others: Vec<Input>) -> Case {
    let input = |name: String, role, dim| Input { name, role, dim, interval: AROUND_ZERO };
    let mut inputs = others;
    inputs.push(input("e".to_owned(), role, dim));
    for (place, variable) in variables.iter().enumerate() {
        inputs.push(input(format!("c{place}"), variable.role, variable.dim));
        inputs.push(input(format!("t{place}"), variable.role, variable.dim));
    }
    let mut outputs = String::new();
    let (mut gradients, mut tangents) = (Vec::new(), Vec::new());
    for (place, Input { name, role, .. }) in variables.iter().enumerate() {
        let gradient = format!("Grad(v, {name}, e)");
        outputs.push_str(&format!("out g{number}_{place} = {gradient}\nout h{number}_{place} = Grad(s, {name}, 1)\n"));
        gradients.push(match role {
            Role::Parameter => format!("({gradient} | c{place})"),
            role => format!("Sum[{role}]({gradient} | c{place})"),
        });
        tangents.push(format!("Diff(v, {name}, t{place})"));
    }
    let variables_of_all = variables.iter().map(|variable| variable.name.clone()).collect();
    inputs.extend(variables);
    if tangents.is_empty() {
        return without_derivatives(number, formula, inputs, None);
    }
    let source = format!(
        "{}v = {formula}\nout v{number} = v\ns = {}\nout s{number} = s\n{outputs}out t{number} = {}\n",
        declarations(&inputs),
        gradients.join(" + "),
        tangents.join(" + ")
    );
    match program(&source) {
        Ok(program) => Case {
            what: formula.to_owned(),
            source,
            program,
            variables: variables_of_all,
            refused: None,
            intervals: intervals(&inputs),
        },
        Err(why) => without_derivatives(number, formula, inputs, Some(why)),
    }
}

fn without_derivatives(number: usize, formula: &str, inputs: Vec<Input>, refused: Option<String>) -> Case {
    let source = format!("{}out v{number} = {formula}\n", declarations(&inputs));
    let program = program(&source).unwrap_or_else(|why| panic!("{source}: {why}"));
    Case { what: formula.to_owned(), source, program, variables: Vec::new(), refused, intervals: intervals(&inputs) }
}

fn declarations(inputs: &[Input]) -> String {
    let maker = |role| match role {
        Role::I => "Vi",
        Role::J => "Vj",
        _ => "Pm",
    };
    let line = |input: &Input| format!("{} = {}({})\n", input.name, maker(input.role), input.dim);
    std::iter::once("dtype f64\n".to_owned()).chain(inputs.iter().map(line)).collect()
}

fn intervals(inputs: &[Input]) -> Vec<(String, (f64, f64))> {
    inputs.iter().map(|input| (input.name.clone(), input.interval)).collect()
}
