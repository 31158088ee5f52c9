//! The choice of the clone.

use crate::abi::*;
use crate::support::cpu::{best, choose_limit, processor_level};
use crate::support::message::Message;
use core::ffi::{CStr, c_char};

fn clones() -> [CloneDescriptor; 3] {
    [(c"x86-64-v2", REQUIRES_X86_64_V2), (c"x86-64-v3", REQUIRES_X86_64_V3), (c"x86-64-v4", REQUIRES_X86_64_V4)].map(
        |(name, requirement)| CloneDescriptor {
            name: name.as_ptr(),
            requirement,
            num_passes: 0,
            passes: core::ptr::null(),
        },
    )
}

/// The clone that a processor of some level runs, or the message.
fn chosen(level: u32, named: Option<&CStr>) -> Result<String, String> {
    let clones = clones();
    let mut buffer = [0 as c_char; 200];
    let mut message = unsafe { Message::over(buffer.as_mut_ptr(), 200) };
    let clone = unsafe {
        choose_limit(&clones, level, named, &mut message).and_then(|limit| best(&clones, limit, &mut message))
    };
    let text = |pointer: *const c_char| unsafe { CStr::from_ptr(pointer) }.to_str().unwrap().to_owned();
    match clone {
        Ok(clone) => Ok(text(clone.name)),
        Err(status) => {
            assert_eq!(status, Status::Target);
            Err(text(buffer.as_ptr()))
        }
    }
}

#[test]
fn the_best_that_runs() {
    assert_eq!(chosen(REQUIRES_X86_64_V4, None).as_deref(), Ok("x86-64-v4"));
    assert_eq!(chosen(REQUIRES_X86_64_V3, None).as_deref(), Ok("x86-64-v3"));
    let text = "this processor runs none of this library's targets: x86-64-v2, x86-64-v3, x86-64-v4";
    assert_eq!(chosen(REQUIRES_NOTHING, None), Err(text.to_owned()));
}

#[test]
fn the_one_that_is_named() {
    assert_eq!(chosen(REQUIRES_X86_64_V4, Some(c"x86-64-v2")).as_deref(), Ok("x86-64-v2"));
    let text = "KEOPSC_TARGET=x86-64-v4: this processor cannot run it; of this library it runs x86-64-v2, x86-64-v3";
    assert_eq!(chosen(REQUIRES_X86_64_V3, Some(c"x86-64-v4")), Err(text.to_owned()));
    let text = "KEOPSC_TARGET=x86-64-v4: this processor cannot run it; of this library it runs none";
    assert_eq!(chosen(REQUIRES_NOTHING, Some(c"x86-64-v4")), Err(text.to_owned()));
    let text = "KEOPSC_TARGET=sse: no such target; this library has x86-64-v2, x86-64-v3, x86-64-v4";
    assert_eq!(chosen(REQUIRES_X86_64_V4, Some(c"sse")), Err(text.to_owned()));
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_level_agrees_with_the_standard_library() {
    let v3 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("bmi2");
    let v4 = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512bw");
    let wanted = if v4 {
        REQUIRES_X86_64_V4
    } else if v3 {
        REQUIRES_X86_64_V3
    } else {
        REQUIRES_X86_64_V2
    };
    assert_eq!(processor_level(), wanted);
}
