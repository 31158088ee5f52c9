//! Integers in place of real numbers, for tests: classes that take the places of `float` and `double`.
//!
//! What each function stands for is [`keopsc_ops::ring`]'s to say.

use keopsc_ops::intrinsics::Intrinsic;
use keopsc_ops::ring::{BOUNDED_SHIFT, EXP_BASE, Scrambling};

use crate::spelling::{Spelling, spelling};

/// The classes, and their functions by the names of the real ones.
pub(crate) fn numbers() -> String {
    let mut text = include_str!("skeleton/ring.cu").to_owned();
    for intrinsic in Intrinsic::ALL {
        let Spelling::Function(single, double) = spelling(*intrinsic) else { continue };
        for (name, class, bits) in [(single, "Ring32", 32), (double, "Ring64", 64)] {
            let (arguments, body) = function(*intrinsic, bits);
            let arguments: Vec<String> = arguments.iter().map(|name| format!("{class} {name}")).collect();
            let head = format!("static __device__ __forceinline__ {class} {name}({})", arguments.join(", "));
            text += &format!("{head} {{ return {body}; }}\n");
        }
    }
    text + "\n#define float Ring32\n#define double Ring64\n"
}

fn function(intrinsic: Intrinsic, bits: u32) -> (&'static [&'static str], String) {
    let Scrambling { linear, cubic } = Scrambling::of(intrinsic);
    let (linear, cubic) = if bits == 32 { (linear & 0xffff_ffff, cubic & 0xffff_ffff) } else { (linear, cubic) };
    let suffix = if bits == 32 { "u" } else { "ull" };
    let scrambled = |name: &str| format!("scramble({name}, {linear:#x}{suffix}, {cubic:#x}{suffix})");
    match intrinsic {
        Intrinsic::Abs => (&["a"], "a < a.of(0) ? -a : a".to_owned()),
        Intrinsic::Min => (&["a", "b"], "b < a ? b : a".to_owned()),
        Intrinsic::Max => (&["a", "b"], "a < b ? b : a".to_owned()),
        Intrinsic::Exp | Intrinsic::Exp2 => (&["a"], format!("power(a.of({EXP_BASE}), a)")),
        Intrinsic::Pow => (&["a", "b"], "power(a, b)".to_owned()),
        Intrinsic::Sin | Intrinsic::Cos | Intrinsic::Asin | Intrinsic::Acos | Intrinsic::Atan | Intrinsic::Tanh => {
            (&["a"], format!("bound({}, {BOUNDED_SHIFT})", scrambled("a")))
        }
        Intrinsic::Atan2 => {
            let sum = format!("(a + {})", scrambled("b"));
            (&["a", "b"], format!("bound({}, {BOUNDED_SHIFT})", scrambled(&sum)))
        }
        _ => (&["a"], scrambled("a")),
    }
}
