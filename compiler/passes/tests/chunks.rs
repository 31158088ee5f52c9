//! How columns are cut into chunks depends on the plan, not on the machine: states of shards fit each other, whatever computed them.

use keopsc_grammar::parse_file;
use keopsc_ir::formula::generate::generate;
use keopsc_ir::plan::Verified;
use keopsc_passes::schedule::{Machine, Scheduled, schedule};
use keopsc_passes::{hoist::hoist, pipeline, plan::plan, resolve::Options, simplify::simplify};

const MACHINES: [Machine; 3] = [
    Machine { lanes_f32: 4, registers: 16 },
    Machine { lanes_f32: 8, registers: 16 },
    Machine { lanes_f32: 16, registers: 32 },
];

/// Distances and products of long vectors, beside reductions of other kinds.
const LONG: &str = "
x = Vi(20); y = Vj(20); b = Vj(1); w = Vj(17)
c = SqDist(x, y)
out value = Sum[j](Exp(-c) * b)
out value_x = Grad(value, x)
out score = LogSumExp[j](x | y)
out near = ArgKMin[j, K=3](c)
out wide = Sum[j](Exp(-c) * w)
out ratio = Sum[j](Exp(-c) * b) / Sum[j](b)
out exact = Sum[j](Exp(-c) * b) numerics sum = kahan
out wider = Sum[j](Exp(-c) * b) numerics accumulate = f64
out running = Sum[j](Exp(-c) * b) numerics sum = direct
";

fn plans() -> Vec<Verified> {
    let (file, errors) = parse_file(LONG);
    assert!(errors.is_empty(), "{errors:?}");
    let output =
        pipeline::run(&file, &Options::default(), &mut |_, _| {}).unwrap_or_else(|errors| panic!("{errors:?}"));
    let random = (0..300).flat_map(|seed| plan(&hoist(simplify(generate(seed)))));
    let random = random.map(|plan| Verified::new(plan).expect("plans keep the rules"));
    output.plans.into_iter().chain(random).collect()
}

#[test]
fn chunks_are_the_same_on_all_machines() {
    let mut contractions = 0;
    for plan in plans() {
        let chunks = |scheduled: &Scheduled| -> Vec<_> {
            scheduled.passes().map(|(_, layout)| (layout.chunk, layout.order, layout.blocked.clone())).collect()
        };
        let [first, others @ ..] = MACHINES.map(|machine| schedule(&plan, &machine));
        for other in others {
            assert_eq!(chunks(&first), chunks(&other), "{}", plan.name);
        }
        contractions += first.passes().filter(|(_, layout)| !layout.contractions.is_empty()).count();
    }
    assert!(contractions > 5, "{contractions} passes with contractions only");
}
