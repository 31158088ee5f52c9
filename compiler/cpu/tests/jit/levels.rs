//! Which levels this machine can run.

use keopsc_cpu::level::{AARCH64_NEON, Level, PORTABLE, X86_64_V2, X86_64_V3, X86_64_V4};

/// The levels that this machine can run, the best first; or the one that `KEOPSC_LEVEL` names, in an emulator perhaps.
pub fn runnable_levels() -> Vec<&'static Level> {
    if let Ok(name) = std::env::var("KEOPSC_LEVEL") {
        return vec![Level::from_name(&name).unwrap_or_else(|| panic!("KEOPSC_LEVEL={name}: there is no such level"))];
    }
    let is_aarch64 = cfg!(target_arch = "aarch64");
    let rows: [(&'static Level, bool); 5] = [
        (&X86_64_V4, has_v4()),
        (&X86_64_V3, has_v3()),
        (&X86_64_V2, has_v2()),
        (&AARCH64_NEON, is_aarch64),
        (&PORTABLE, true),
    ];
    rows.into_iter().filter(|(_, runs)| *runs).map(|(level, _)| level).collect()
}

#[cfg(target_arch = "x86_64")]
fn has_v2() -> bool {
    is_x86_feature_detected!("sse4.2") && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
fn has_v3() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2")
}

#[cfg(target_arch = "x86_64")]
fn has_v4() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512cd")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_v2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_v3() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
fn has_v4() -> bool {
    false
}
