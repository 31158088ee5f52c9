//! Every 16-bit pattern, and rounding around every one of them.

use crate::support::convert::{BFloat, Half, Storage};

/// The value of a pattern by the definition of the format.
fn value_of(bits: u16, exponent_bits: u32) -> f64 {
    let mantissa_bits = 15 - exponent_bits;
    let bias = (1 << (exponent_bits - 1)) - 1;
    let exponent = i32::from((bits & 0x7fff) >> mantissa_bits);
    let fraction = f64::from(bits & ((1 << mantissa_bits) - 1)) / f64::from(1 << mantissa_bits);
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    if exponent == (1 << exponent_bits) - 1 {
        return if fraction == 0.0 { sign * f64::INFINITY } else { f64::NAN };
    }
    sign * if exponent == 0 { fraction * 2_f64.powi(1 - bias) } else { (1.0 + fraction) * 2_f64.powi(exponent - bias) }
}

fn every_pattern<S: Storage<Bits = u16>>(exponent_bits: u32) {
    for bits in 0..=u16::MAX {
        let wanted = value_of(bits, exponent_bits);
        let (single, double) = (S::load::<f32>(bits), S::load::<f64>(bits));
        if wanted.is_nan() {
            assert!(single.is_nan() && double.is_nan());
            assert!(
                value_of(S::store(single), exponent_bits).is_nan()
                    && value_of(S::store(double), exponent_bits).is_nan()
            );
            continue;
        }
        assert_eq!((f64::from(single).to_bits(), double.to_bits()), (wanted.to_bits(), wanted.to_bits()), "{bits:#x}");
        assert_eq!((S::store(single), S::store(double)), (bits, bits), "{bits:#x}");
    }
}

/// Between neighbours `low < high` the midpoint goes to the even pattern, anything nearer to one goes there.
fn every_midpoint<S: Storage<Bits = u16>>(exponent_bits: u32) {
    let infinity = ((1_u16 << exponent_bits) - 1) << (15 - exponent_bits);
    for low in 0..infinity {
        let high = low + 1;
        let even = if low % 2 == 0 { low } else { high };
        let below = value_of(low, exponent_bits);
        // Overflow rounds as if the exponents went on.
        let step = if high == infinity {
            below - value_of(low - 1, exponent_bits)
        } else {
            value_of(high, exponent_bits) - below
        };
        let middle = below + step / 2.0;
        for (value, wanted) in [(middle, even), (middle.next_up(), high), (middle.next_down(), low)] {
            assert_eq!(S::store(value), wanted, "{value:e}");
            assert_eq!(S::store(-value), wanted | 0x8000, "{value:e}");
        }
        let single = middle as f32;
        for (value, wanted) in [(single, even), (single.next_up(), high), (single.next_down(), low)] {
            if f64::from(single) == middle {
                assert_eq!(S::store(value), wanted, "{value:e}");
            }
        }
    }
}

#[test]
fn half() {
    every_pattern::<Half>(5);
    every_midpoint::<Half>(5);
    assert_eq!((Half::store(1e30_f32), Half::store(-1e300_f64), Half::store(1e-300_f64)), (0x7c00, 0xfc00, 0));
}

#[test]
fn bfloat() {
    every_pattern::<BFloat>(8);
    every_midpoint::<BFloat>(8);
    assert_eq!((BFloat::store(f32::MAX), BFloat::store(-1e300_f64), BFloat::store(1e-300_f64)), (0x7f80, 0xff80, 0));
}
