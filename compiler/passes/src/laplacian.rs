//! Laplacians and divergences of formulas, without a nested gradient for each component of the variable.
//!
//! All comes down to the *carré du champ* Γ(a, b), component `k` of which is the scalar product of the gradients of a[k] and b[k]
//! (Bakry and Émery, 1985). For a function f of components, with first and second derivatives f', f'' from the catalogue's gradients,
//!
//! ```text
//! Γ(f(a), b) = f'(a) Γ(a, b)                      Δ f(a) = f'(a) Δa + f''(a) Γ(a, a)              div b = Σ_k Γ(x, b)[k]
//! Γ(x, x) = 1, Γ(x, s)[k] = ∂s/∂x[k]              Δ x = 0
//! Γ(s, t) = ∇s | ∇t for scalars                   Δ Exp(-|x-y|²) = Exp(-|x-y|²) (4 |x-y|² - 2 D): no loop over the D components
//! ```
//!
//! The rules for several arguments are the sums over arguments and pairs of arguments. Where an operation mixes components there are two
//! ways left: it is linear in its one argument, and commutes with Δ; or derivatives are taken in the D directions one by one.

use std::collections::HashMap;

use keopsc_ir::formula::{Graph, InputId, Node, NodeId, NodeKind};
use keopsc_ir::types::{Axis, Role};
use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::scalar::{Counter, Index, Scalar};
use keopsc_ops::{OperationId, ShapeError, catalogue, reductions};

use crate::differentiate::{Failure, cotangent_of, mask};
use crate::simplify::is_zero;

/// How many directions are gone through one by one.
pub(crate) const DIRECTION_LIMIT: u32 = 1024;

/// The Laplacian of each component of `of` with respect to an input.
pub(crate) fn laplacian(graph: &mut Graph, of: NodeId, variable: NodeId) -> Result<NodeId, Failure> {
    Field::new(graph, variable).laplacian(of)
}

/// The divergence of `of`, which has as many components as the input.
pub(crate) fn divergence(graph: &mut Graph, of: NodeId, variable: NodeId) -> Result<NodeId, Failure> {
    let diagonal = diagonal(graph, of, variable)?;
    shape(graph.component_sum(diagonal))
}

/// The diagonal of the derivative of `of`, which has as many components as the input: ∂of[k]/∂x[k].
pub(crate) fn diagonal(graph: &mut Graph, of: NodeId, variable: NodeId) -> Result<NodeId, Failure> {
    let mut field = Field::new(graph, variable);
    let product = field.product(variable, of)?;
    field.spread(product, field.dim(variable))
}

/// A variable, and what is known of derivatives with respect to it.
struct Field<'g> {
    graph: &'g mut Graph,
    variable: NodeId,
    depends: HashMap<NodeId, bool>,
    laplacians: HashMap<NodeId, NodeId>,
    products: HashMap<(NodeId, NodeId), NodeId>,
    partials: HashMap<NodeId, Option<Partials>>,
}

/// The derivatives of an operation on single components, by the arguments that depend on the variable.
#[derive(Clone)]
struct Partials {
    arguments: Vec<NodeId>,
    /// A vector for each argument.
    first: Vec<NodeId>,
    /// For each argument whether its derivative lets through what is chosen, and is 0 elsewhere.
    chooses: Vec<bool>,
    /// The second derivatives, for each pair of arguments.
    second: Vec<Vec<NodeId>>,
    /// Components of the arguments.
    dim: u32,
    /// Whether the operation sums over the components.
    is_sum: bool,
}

impl<'g> Field<'g> {
    fn new(graph: &'g mut Graph, variable: NodeId) -> Field<'g> {
        let (depends, laplacians) = (HashMap::new(), HashMap::new());
        Field { graph, variable, depends, laplacians, products: HashMap::new(), partials: HashMap::new() }
    }

    /// Δ of each component. Arguments come first, without recursion along the depth of the formula.
    fn laplacian(&mut self, of: NodeId) -> Result<NodeId, Failure> {
        let mut waiting = vec![of];
        while let Some(&node) = waiting.last() {
            let arguments = self.graph.node(node).kind.arguments();
            let open: Vec<NodeId> = arguments.into_iter().filter(|argument| self.is_open(*argument)).collect();
            if open.is_empty() || !self.depends(node) {
                let found = self.laplacian_from_arguments(node)?;
                self.laplacians.insert(node, found);
                waiting.pop();
            } else {
                waiting.extend(open);
            }
        }
        Ok(self.laplacians[&of])
    }

    fn is_open(&self, node: NodeId) -> bool {
        !self.laplacians.contains_key(&node) && !matches!(self.graph.node(node).kind, NodeKind::Input(_))
    }

    fn laplacian_of_argument(&mut self, node: NodeId) -> Result<NodeId, Failure> {
        match self.laplacians.get(&node) {
            Some(&known) => Ok(known),
            None => self.zero(self.dim(node)),
        }
    }

    fn laplacian_from_arguments(&mut self, node: NodeId) -> Result<NodeId, Failure> {
        if node == self.variable || !self.depends(node) {
            return self.zero(self.dim(node));
        }
        if let Some(partials) = self.partials(node)? {
            return self.laplacian_by_components(node, &partials);
        }
        match self.graph.node(node).kind.clone() {
            NodeKind::Operation { operation, parameters, mut arguments } => {
                let Some(position) = self.linear_position(operation, &arguments) else {
                    return self.by_directions(node);
                };
                arguments[position] = self.laplacian_of_argument(arguments[position])?;
                shape(self.graph.operation(operation, &parameters, &arguments))
            }
            NodeKind::Reduction { reduction, over, rows, arguments, .. }
                if self.is_sum_of_rows(reduction, over, rows) =>
            {
                let inside = self.laplacian_of_argument(arguments[0])?;
                shape(self.graph.sum_over(over, rows, inside))
            }
            _ => self.by_directions(node),
        }
    }

    /// Σ f_a Δa + Σ f_ab Γ(a, b)
    fn laplacian_by_components(&mut self, node: NodeId, partials: &Partials) -> Result<NodeId, Failure> {
        let mut total = None;
        for (number, (&argument, &first)) in partials.arguments.iter().zip(&partials.first).enumerate() {
            let inside = self.laplacian_of_argument(argument)?;
            total = self.add_chosen(total, first, inside, partials.chooses[number])?;
            for (&other, &second) in partials.arguments.iter().zip(&partials.second[number]) {
                if !is_zero(self.graph, second) {
                    let product = self.product(argument, other)?;
                    total = self.add_product(total, second, product)?;
                }
            }
        }
        self.finish(total, partials, self.dim(node))
    }

    /// Γ(a, b), component by component; a scalar stands for a vector of equal components.
    fn product(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, Failure> {
        let key = (a.min(b), a.max(b));
        if let Some(&known) = self.products.get(&key) {
            return Ok(known);
        }
        let found = self.new_product(a, b)?;
        self.products.insert(key, found);
        Ok(found)
    }

    fn new_product(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, Failure> {
        let dim = self.dim(a).max(self.dim(b));
        if !self.depends(a) || !self.depends(b) {
            return self.zero(dim);
        }
        if a == self.variable && b == self.variable {
            let one = self.graph.constant(1.0);
            return self.spread(one, dim);
        }
        // The one that was made later first: products with what it is made of are wanted for other reasons, too.
        for (inner, other) in [(a.max(b), a.min(b)), (a.min(b), a.max(b))] {
            if inner == self.variable && self.dim(other) == 1 {
                return self.gradient(other);
            }
            let Some(partials) = self.partials(inner)?.filter(|partials| !partials.is_sum) else { continue };
            let mut total = None;
            for (number, (&argument, &first)) in partials.arguments.iter().zip(&partials.first).enumerate() {
                let product = self.product(argument, other)?;
                total = self.add_chosen(total, first, product, partials.chooses[number])?;
            }
            let total = total.map_or_else(|| self.zero(dim), Ok)?;
            return self.spread(total, dim);
        }
        match (self.dim(a), self.dim(b)) {
            (1, 1) => {
                let (a, b) = (self.gradient(a)?, self.gradient(b)?);
                shape(self.graph.named("Scalprod", &[], &[a, b]))
            }
            // The derivatives of all components in the direction of the scalar's gradient.
            (1, _) => {
                let direction = self.gradient(a)?;
                Ok(self.tangent(b, direction))
            }
            (_, 1) => {
                let direction = self.gradient(b)?;
                Ok(self.tangent(a, direction))
            }
            _ => self.product_by_directions(a, b, dim),
        }
    }

    /// Σ_d ∂a/∂x[d] ∂b/∂x[d]
    fn product_by_directions(&mut self, a: NodeId, b: NodeId, dim: u32) -> Result<NodeId, Failure> {
        let mut total = None;
        for direction in 0..self.directions()? {
            let unit = self.unit(direction)?;
            let (a, b) = (self.tangent(a, unit), self.tangent(b, unit));
            total = self.add_product(total, a, b)?;
        }
        let total = total.map_or_else(|| self.zero(dim), Ok)?;
        self.spread(total, dim)
    }

    /// Σ_d ∂²/∂x[d]²
    fn by_directions(&mut self, node: NodeId) -> Result<NodeId, Failure> {
        let mut total = None;
        for direction in 0..self.directions()? {
            let unit = self.unit(direction)?;
            let first = self.tangent(node, unit);
            let second = self.tangent(first, unit);
            total = Some(match total {
                Some(total) => shape(self.graph.plus(total, second))?,
                None => second,
            });
        }
        total.map_or_else(|| self.zero(self.dim(node)), Ok)
    }

    /// The one argument that depends on the variable, if the operation is linear in it.
    fn linear_position(&mut self, operation: OperationId, arguments: &[NodeId]) -> Option<usize> {
        let dependent: Vec<usize> =
            (0..arguments.len()).filter(|&position| self.depends(arguments[position])).collect();
        match dependent.as_slice() {
            &[position] if catalogue::linear_positions(operation).any(|linear| linear == position) => Some(position),
            _ => None,
        }
    }

    /// Whether a reduction adds up what the same row of the variable stands in.
    fn is_sum_of_rows(&self, reduction: keopsc_ops::ReductionId, over: Axis, rows: Role) -> bool {
        let role = self.graph.node(self.variable).role;
        Some(reduction) == reductions::find_reduction("Sum") && !role.has(over) && role == rows
    }

    /// The derivatives of an operation on single components, or of a sum over such; `None` for others.
    fn partials(&mut self, node: NodeId) -> Result<Option<Partials>, Failure> {
        if let Some(known) = self.partials.get(&node) {
            return Ok(known.clone());
        }
        let found = self.new_partials(node)?;
        self.partials.insert(node, found.clone());
        Ok(found)
    }

    fn new_partials(&mut self, node: NodeId) -> Result<Option<Partials>, Failure> {
        let NodeKind::Operation { operation, parameters, arguments } = self.graph.node(node).kind.clone() else {
            return Ok(None);
        };
        let dims = self.graph.dims(&arguments);
        let Some(is_sum) = acts_on_components(operation, &dims, &parameters) else { return Ok(None) };
        let dim = dims.iter().copied().max().unwrap_or(1);
        // The derivatives are found in a graph of their own, with an input for each argument, and then applied to the arguments.
        let mut own = Graph::default();
        let inputs: Vec<NodeId> = (0..arguments.len()).map(|number| own_input(&mut own, number, dim)).collect();
        let value = shape(own.operation(operation, &parameters, &inputs))?;
        let one = own.constant(1.0);
        let dependent: Vec<usize> = (0..arguments.len()).filter(|&number| self.depends(arguments[number])).collect();
        let mut first = Vec::new();
        for &number in &dependent {
            let dim = own.node(value).dim;
            let cotangent = spread(&mut own, one, dim)?;
            first.push(cotangent_of(&mut own, value, inputs[number], cotangent)?);
        }
        let mut second = Vec::new();
        for &derivative in &first {
            let cotangent = spread(&mut own, one, dim)?;
            let row = dependent.iter().map(|&number| cotangent_of(&mut own, derivative, inputs[number], cotangent));
            second.push(row.collect::<Result<Vec<NodeId>, Failure>>()?);
        }
        let spread: Vec<NodeId> =
            arguments.iter().map(|&argument| self.spread(argument, dim)).collect::<Result<_, Failure>>()?;
        let applied = self.apply(&own, &spread)?;
        let at = |nodes: &Vec<NodeId>| nodes.iter().map(|node| applied[node.0 as usize]).collect::<Vec<NodeId>>();
        let (first, second) = (at(&first), second.iter().map(at).collect());
        let chooses = dependent
            .iter()
            .map(|number| catalogue::gradient(operation).iter().any(|(of, text)| of == number && mask::is_choice(text)))
            .collect();
        let arguments = dependent.into_iter().map(|number| arguments[number]).collect();
        Ok(Some(Partials { arguments, first, chooses, second, dim, is_sum }))
    }

    /// The nodes of a graph whose inputs are these nodes.
    fn apply(&mut self, own: &Graph, inputs: &[NodeId]) -> Result<Vec<NodeId>, Failure> {
        let mut applied: Vec<NodeId> = Vec::with_capacity(own.len());
        for (_, node) in own.nodes() {
            let id = match &node.kind {
                NodeKind::Input(input) => inputs[input.0 as usize],
                NodeKind::Operation { operation, parameters, arguments } => {
                    let arguments: Vec<NodeId> = arguments.iter().map(|id| applied[id.0 as usize]).collect();
                    shape(self.graph.operation(*operation, parameters, &arguments))?
                }
                NodeKind::Constant(value) => self.graph.constant(value.0),
                _ => unreachable!("gradients in the catalogue are made of operations"),
            };
            applied.push(id);
        }
        Ok(applied)
    }

    fn add_product(&mut self, total: Option<NodeId>, a: NodeId, b: NodeId) -> Result<Option<NodeId>, Failure> {
        self.add_chosen(total, a, b, false)
    }

    /// Adds `a * b`; where `a` says what is chosen, 0 where it is 0, whatever `b` is there.
    fn add_chosen(
        &mut self,
        total: Option<NodeId>,
        a: NodeId,
        b: NodeId,
        chooses: bool,
    ) -> Result<Option<NodeId>, Failure> {
        if is_zero(self.graph, a) || is_zero(self.graph, b) {
            return Ok(total);
        }
        let product = shape(self.graph.multiply(a, b))?;
        let product = shape(mask::keep_zeros(self.graph, product, a, chooses.then_some(a)))?;
        Ok(Some(match total {
            Some(total) => shape(self.graph.plus(total, product))?,
            None => product,
        }))
    }

    /// The sum over components where the operation has one.
    fn finish(&mut self, total: Option<NodeId>, partials: &Partials, dim: u32) -> Result<NodeId, Failure> {
        let Some(total) = total else { return self.zero(dim) };
        if !partials.is_sum {
            return self.spread(total, dim);
        }
        let total = self.spread(total, partials.dim)?;
        shape(self.graph.component_sum(total))
    }

    fn depends(&mut self, node: NodeId) -> bool {
        if let Some(&known) = self.depends.get(&node) {
            return known;
        }
        let mut waiting = vec![node];
        while let Some(&next) = waiting.last() {
            let arguments = self.graph.node(next).kind.arguments();
            let open: Vec<NodeId> = arguments.iter().copied().filter(|id| !self.depends.contains_key(id)).collect();
            if open.is_empty() {
                let inside = arguments.iter().any(|argument| self.depends[argument]);
                let depends = next == self.variable || (inside && !self.graph.node(next).is_index);
                self.depends.insert(next, depends);
                waiting.pop();
            } else {
                waiting.extend(open);
            }
        }
        self.depends[&node]
    }

    fn gradient(&mut self, of: NodeId) -> Result<NodeId, Failure> {
        let one = self.graph.constant(1.0);
        let cotangent = self.spread(one, self.dim(of))?;
        let role = match self.graph.contains_reduction(of) {
            true => self.graph.node(self.variable).role,
            false => self.graph.role(&[of, self.variable]),
        };
        Ok(self.graph.gradient(of, self.variable, cotangent, role))
    }

    fn tangent(&mut self, of: NodeId, tangent: NodeId) -> NodeId {
        let role = match self.graph.contains_reduction(of) {
            true => self.graph.node(of).role,
            false => self.graph.role(&[of, self.variable, tangent]),
        };
        self.graph.tangent(of, self.variable, tangent, role)
    }

    /// How many directions there are, if not too many to be gone through.
    fn directions(&self) -> Result<u32, Failure> {
        let dim = self.dim(self.variable);
        if dim <= DIRECTION_LIMIT { Ok(dim) } else { Err(Failure::TooManyDirections(dim)) }
    }

    fn unit(&mut self, direction: u32) -> Result<NodeId, Failure> {
        let (one, dim) = (self.graph.constant(1.0), self.dim(self.variable));
        if dim == 1 {
            return Ok(one);
        }
        shape(self.graph.named("ElemT", &[dim.into(), direction.into()], &[one]))
    }

    fn zero(&mut self, dim: u32) -> Result<NodeId, Failure> {
        let zero = self.graph.constant(0.0);
        self.spread(zero, dim)
    }

    fn spread(&mut self, node: NodeId, dim: u32) -> Result<NodeId, Failure> {
        spread(self.graph, node, dim)
    }

    fn dim(&self, node: NodeId) -> u32 {
        self.graph.node(node).dim
    }
}

/// Whether component `k` of an operation's result is a function of the components `k` of its arguments (`Some(false)`), or the result is the
/// sum of such functions over all components (`Some(true)`).
pub(crate) fn acts_on_components(operation: OperationId, dims: &[u32], parameters: &[i64]) -> Option<bool> {
    let dim = dims.iter().copied().max()?;
    let patterns = catalogue::signature(operation).arguments.iter().map(|argument| &argument.pattern);
    if !patterns.zip(dims).all(|(pattern, &own)| own == dim || (own == 1 && pattern.repeats == 1)) {
        return None;
    }
    // All arguments will be spread to that dimension.
    let equal = vec![dim; dims.len()];
    let result = catalogue::infer_dim(operation, &equal, parameters).ok()?;
    let recipe = catalogue::instantiate(operation, &equal, parameters).ok()?;
    match &recipe {
        Scalar::Fold { with: Intrinsic::Add, counter, count, body } if result == 1 && *count == dim => {
            reads_only(body, *counter).then_some(true)
        }
        _ if result == dim && dim > 1 => reads_only(&recipe, Counter(0)).then_some(false),
        _ if result == dim => Some(false),
        _ => None,
    }
}

/// Whether all components that are read have the number of that counter.
fn reads_only(scalar: &Scalar<u32>, counter: Counter) -> bool {
    let mut own = true;
    scalar.visit(&mut |part| match part {
        Scalar::Component(_, index) => own &= *index == Index::Counter(counter),
        Scalar::Index(_) | Scalar::Fold { .. } | Scalar::Choose { .. } => own = false,
        Scalar::Constant(_) | Scalar::Call(..) => {}
    });
    own
}

fn own_input(own: &mut Graph, number: usize, dim: u32) -> NodeId {
    let kind = NodeKind::Input(InputId(number as u32));
    own.add(Node { kind, dim, role: Role::Parameter, is_index: false })
}

fn spread(graph: &mut Graph, node: NodeId, dim: u32) -> Result<NodeId, Failure> {
    match graph.node(node).dim == dim {
        true => Ok(node),
        false => shape(graph.named("SumT", &[dim.into()], &[node])),
    }
}

fn shape(result: Result<NodeId, ShapeError>) -> Result<NodeId, Failure> {
    result.map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is a function of equal components, what a sum of such functions, and what mixes components.
    #[test]
    fn operations_on_components() {
        type Case = (&'static str, &'static [u32], &'static [i64], Option<bool>);
        let cases: &[Case] = &[
            ("Exp", &[3], &[], Some(false)),
            ("Exp", &[1], &[], Some(false)),
            ("Mult", &[3, 3], &[], Some(false)),
            ("Mult", &[1, 3], &[], Some(false)),
            ("Mult", &[3, 1], &[], Some(false)),
            ("IfElse", &[3, 3, 3], &[], Some(false)),
            ("Elem", &[1], &[0], Some(false)),
            ("Sum", &[3], &[], Some(true)),
            ("Scalprod", &[3, 3], &[], Some(true)),
            ("Scalprod", &[1, 3], &[], Some(true)),
            ("SqDist", &[3, 1], &[], Some(true)),
            ("SqNormDiag", &[3, 3], &[], Some(true)),
            ("SqNormDiag", &[1, 3], &[], None),
            ("Elem", &[3], &[1], None),
            ("Extract", &[3], &[0, 2], None),
            ("Extract", &[3], &[0, 3], Some(false)),
            ("ElemT", &[1], &[3, 1], None),
            ("SumT", &[1], &[3], None),
            ("Concat", &[3, 3], &[], None),
            ("Concat", &[1, 1], &[], None),
            ("TensorProd", &[2, 2], &[], None),
            ("TensorProd", &[1, 3], &[], None),
            ("MatVecMult", &[9, 3], &[], None),
            ("MatVecMult", &[3, 3], &[], Some(true)),
            ("VecMatMult", &[1, 3], &[], None),
            ("MatMatMult", &[4, 4], &[2], None),
            ("Max", &[3], &[], None),
            ("ComplexMult", &[4, 4], &[], None),
            ("ComplexReal", &[4], &[], None),
            ("Transpose", &[4], &[1, 2, 2, 1], None),
        ];
        for &(name, dims, parameters, expected) in cases {
            let operation = catalogue::find_operation(name).expect("the catalogue has it");
            assert_eq!(acts_on_components(operation, dims, parameters), expected, "{name} of {dims:?}");
        }
    }
}
