//! Conversions between storage types (f16, bf16, f32, f64) and computing types (f32, f64), rounding to nearest even.

/// A type that kernels compute in.
pub trait Compute: Copy {
    /// From float32, exact.
    fn from_single(value: f32) -> Self;
    /// From float64, rounded.
    fn from_double(value: f64) -> Self;
    /// To float32, rounded.
    fn to_single(self) -> f32;
    /// To float64, exact.
    fn to_double(self) -> f64;
    /// To float32, rounded to odd: rounding this once more to 16 bits gives what rounding `self` would.
    fn to_odd_single(self) -> f32;
}

impl Compute for f32 {
    fn from_single(value: f32) -> f32 {
        value
    }
    fn from_double(value: f64) -> f32 {
        value as f32
    }
    fn to_single(self) -> f32 {
        self
    }
    fn to_double(self) -> f64 {
        f64::from(self)
    }
    fn to_odd_single(self) -> f32 {
        self
    }
}

impl Compute for f64 {
    fn from_single(value: f32) -> f64 {
        f64::from(value)
    }
    fn from_double(value: f64) -> f64 {
        value
    }
    fn to_single(self) -> f32 {
        self as f32
    }
    fn to_double(self) -> f64 {
        self
    }
    fn to_odd_single(self) -> f32 {
        let nearest = self as f32;
        let back = f64::from(nearest);
        if back == self || self.is_nan() {
            return nearest;
        }
        let away_from_zero = back.abs() > self.abs();
        f32::from_bits((nearest.to_bits() - u32::from(away_from_zero)) | 1)
    }
}

/// A type that tensors are stored in.
pub trait Storage {
    /// What lies in memory.
    type Bits: Copy;
    /// Memory to computing type.
    fn load<T: Compute>(bits: Self::Bits) -> T;
    /// Computing type to memory.
    fn store<T: Compute>(value: T) -> Self::Bits;
}

/// IEEE binary16.
pub struct Half;
/// bfloat16.
pub struct BFloat;
/// float32.
pub struct Single;
/// float64.
pub struct Double;
impl Storage for Half {
    type Bits = u16;
    fn load<T: Compute>(bits: u16) -> T {
        T::from_single(half_to_single(bits))
    }
    fn store<T: Compute>(value: T) -> u16 {
        single_to_half(value.to_odd_single())
    }
}

impl Storage for BFloat {
    type Bits = u16;
    fn load<T: Compute>(bits: u16) -> T {
        T::from_single(f32::from_bits(u32::from(bits) << 16))
    }
    fn store<T: Compute>(value: T) -> u16 {
        single_to_bfloat(value.to_odd_single())
    }
}

impl Storage for Single {
    type Bits = f32;
    fn load<T: Compute>(bits: f32) -> T {
        T::from_single(bits)
    }
    fn store<T: Compute>(value: T) -> f32 {
        value.to_single()
    }
}

impl Storage for Double {
    type Bits = f64;
    fn load<T: Compute>(bits: f64) -> T {
        T::from_double(bits)
    }
    fn store<T: Compute>(value: T) -> f64 {
        value.to_double()
    }
}

/// binary16 to float32, exact.
pub fn half_to_single(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let magnitude = u32::from(bits & 0x7fff) << 13;
    let infinity_of_half = 0x0f80_0000;
    if magnitude >= infinity_of_half {
        return f32::from_bits(sign | 0x7f80_0000 | magnitude);
    }
    // The exponents' biases differ by 112; multiplying also normalises subnormal numbers.
    let two_to_112 = f32::from_bits((112 + 127) << 23);
    let value = f32::from_bits(magnitude) * two_to_112;
    f32::from_bits(sign | value.to_bits())
}

/// float32 to binary16.
pub fn single_to_half(value: f32) -> u16 {
    let bits = value.to_bits();
    let sign = ((bits >> 16) & 0x8000) as u16;
    let magnitude = bits & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00 | ((magnitude >> 13) & 0x3ff) as u16;
    }
    let smallest_that_overflows = 0x477f_f000;
    if magnitude >= smallest_that_overflows {
        return sign | 0x7c00;
    }
    let smallest_normal = 0x3880_0000;
    if magnitude < smallest_normal {
        // Adding 0.5 leaves the multiples of 2^-24 in the last bits, rounded by the addition itself.
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() & 0x7ff) as u16;
    }
    let rebased = magnitude - (112 << 23);
    sign | (round_off(rebased, 13)) as u16
}

/// float32 to bfloat16.
pub fn single_to_bfloat(value: f32) -> u16 {
    let bits = value.to_bits();
    if value.is_nan() {
        return (bits >> 16) as u16 | 0x40;
    }
    round_off(bits, 16) as u16
}

/// `bits / 2^count` to nearest, ties to even.
fn round_off(bits: u32, count: u32) -> u32 {
    let half_less_one = (1 << (count - 1)) - 1;
    (bits + half_less_one + ((bits >> count) & 1)) >> count
}
