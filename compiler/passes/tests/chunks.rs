//! How columns are cut into chunks depends on the plan, not on the machine: states of shards fit each other, whatever computed them.

#[path = "support/machines.rs"]
mod machines;

use keopsc_grammar::parse_file;
use keopsc_ir::formula::generate::generate;
use keopsc_ir::plan::Verified;
use keopsc_passes::schedule::{Choice, PassSchedule, Scheduled, Tile, schedule};
use keopsc_passes::{hoist::hoist, pipeline, plan::plan, resolve::Options, simplify::simplify};
use machines::MACHINES;

/// Distances and products of vectors, beside reductions of other kinds; distances of 5 coordinates are contractions on some machines.
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
p = Vi(5); q = Vj(5)
out few = Sum[j](Exp(-SqDist(p, q)) * b)
out few_p = Grad(few, p)
out dear = Sum[j](Matern(15/2, Norm2(p - q)) * Erfc(SqDist(p, q)) * LGamma(b + SqDist(p, q)))
out both = Sum[j](Exp(-SqDist(p, q)) * b) + LogSumExp[j](-SqDist(p, q))
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

/// What decides in which order columns are summed.
fn order(layout: &PassSchedule) -> impl PartialEq + std::fmt::Debug + use<> {
    let columns = layout.blocked.contains(&true).then_some(layout.columns);
    let block = (layout.block != layout.columns).then_some(layout.block);
    (layout.chunk, layout.order, layout.blocked.clone(), columns, block)
}

#[test]
fn tiles_do_not_change_the_order_of_summation() {
    let mut others = 0;
    for (plan, machine) in plans().iter().flat_map(|plan| MACHINES.map(|machine| (plan, machine))) {
        let best = schedule(plan, &machine);
        for (pass, (_, layout)) in best.passes().enumerate() {
            let (_, candidates) = best.candidates(pass, &machine);
            let chosen = candidates.first().expect("there is a tile").tile;
            assert_eq!((layout.row_vectors, layout.columns), (chosen.row_vectors, chosen.columns), "{}", plan.name);
            for candidate in &candidates[1..] {
                let choice = Choice { plan: plan.name.clone(), pass, tile: candidate.tile };
                let other = best.clone().with_tiles(&[choice], &machine);
                let (_, changed) = other.passes().nth(pass).expect("the same passes");
                assert_eq!(
                    (changed.row_vectors, changed.columns),
                    (candidate.tile.row_vectors, candidate.tile.columns)
                );
                assert_eq!(order(layout), order(changed), "{}", plan.name);
                others += 1;
            }
        }
    }
    assert!(others > 1000, "{others} other tiles only");
}

#[test]
fn a_tile_that_a_pass_cannot_have_is_not_taken() {
    let plan = &plans()[0];
    let best = schedule(plan, &MACHINES[0]);
    let choice =
        |pass, row_vectors, columns| [Choice { plan: plan.name.clone(), pass, tile: Tile { row_vectors, columns } }];
    for choices in [choice(0, 9, 5), choice(0, 0, 5), choice(0, 2, 7), choice(7, 1, 5)] {
        assert_eq!(best.clone().with_tiles(&choices, &MACHINES[0]), best);
    }
}

/// Chunks and costs that tests ask for are those of all passes, of calls with ranges too; nothing else changes.
#[test]
fn other_chunks_and_costs_are_those_of_all_passes() {
    let mut with_ranges = 0;
    for plan in plans() {
        let scheduled = schedule(&plan, &MACHINES[1]);
        with_ranges += usize::from(scheduled.for_ranges().is_some());
        for (asked, chunk) in [(0, 1), (1, 1), (24, 24)] {
            let changed = scheduled.clone().with_chunk(asked).with_pair_cost(77);
            let both = [(Some(&scheduled), Some(&changed)), (scheduled.for_ranges(), changed.for_ranges())];
            for (before, after) in both.into_iter().filter_map(|(before, after)| before.zip(after)) {
                for ((_, before), (_, after)) in before.passes().zip(after.passes()) {
                    assert_eq!(*after, PassSchedule { chunk, pair_cost: 77, ..before.clone() }, "{}", plan.name);
                }
            }
        }
    }
    assert!(with_ranges > 0, "no plan for ranges");
}
