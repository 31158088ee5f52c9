//! Tests of both representations: text forms, rules, reference interpreters, generators.

mod damage;
mod formula_cost;
mod formula_evaluate;
mod formula_text;
mod formula_verify;
mod plan_evaluate;
mod plan_signs;
mod plan_text;
mod plan_verify;
mod samples;
mod scatters;
