//! A fuzzer's bytes as choices. Past the end everything is 0, which stands for what is usual.

/// Bytes that are read one after the other.
pub struct Bytes<'a>(pub &'a [u8]);

/// Numbers at which something ends, or begins to be too much.
const NUMBERS: &[i64] = &[
    0,
    1,
    -1,
    2,
    3,
    -2,
    4,
    7,
    8,
    32,
    33,
    63,
    64,
    65,
    1000,
    -1000,
    4096,
    1 << 20,
    i32::MAX as i64,
    i32::MIN as i64,
    1 << 31,
    1 << 32,
    -(1 << 32),
    1 << 40,
    1 << 61,
    1 << 62,
    i64::MAX / 2 + 1,
    i64::MAX - 1,
    i64::MAX,
    i64::MIN,
    i64::MIN + 1,
    -(1 << 62),
];

impl Bytes<'_> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::from(self.byte()) % count.max(1)
    }

    /// One of these, which must be some.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// Whether the next byte is one of about `parts` in 256.
    pub fn chance(&mut self, parts: u8) -> bool {
        self.byte() > u8::MAX - parts
    }

    /// A number of any size.
    pub fn number(&mut self) -> i64 {
        let byte = self.byte();
        match byte >> 5 {
            0..=3 => NUMBERS[usize::from(byte) % NUMBERS.len()],
            4 => i64::from(byte & 31),
            _ => (0..(byte & 7) + 1).fold(0, |number, _| (number << 8) | i64::from(self.byte())),
        }
    }
}
