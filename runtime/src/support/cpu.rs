//! Which clone of an entry runs: the best that the processor has the instructions for, or the one that `KEOPSC_TARGET` names.

use super::libc;
use super::message::Message;
use crate::abi::{
    CloneDescriptor, EntryDescriptor, REQUIRES_NOTHING, REQUIRES_X86_64_V2, REQUIRES_X86_64_V3, REQUIRES_X86_64_V4,
    Status,
};
use core::ffi::{CStr, c_char};
use core::sync::atomic::{AtomicU32, Ordering};

/// The requirement that clones may have at most, chosen at the first call and the same for all entries of a library.
static CHOSEN: AtomicU32 = AtomicU32::new(NOT_CHOSEN);
const NOT_CHOSEN: u32 = u32::MAX;

/// The clone to run.
///
/// # Safety
/// The descriptor is valid.
pub unsafe fn choose<'a>(entry: &'a EntryDescriptor, message: &mut Message) -> Result<&'a CloneDescriptor, Status> {
    // SAFETY: the entry has this many clones.
    let clones = unsafe { core::slice::from_raw_parts(entry.clones, entry.num_clones as usize) };
    let mut limit = CHOSEN.load(Ordering::Relaxed);
    if limit == NOT_CHOSEN {
        // SAFETY: clones' names are NUL-terminated.
        limit = unsafe { choose_limit(clones, processor_level(), libc::environment(c"KEOPSC_TARGET"), message)? };
        CHOSEN.store(limit, Ordering::Relaxed);
    }
    // SAFETY: as above.
    unsafe { best(clones, limit, message) }
}

/// The highest requirement that clones may have: that of the clone named, or the processor's level.
///
/// # Safety
/// Names are NUL-terminated.
pub unsafe fn choose_limit(
    clones: &[CloneDescriptor],
    level: u32,
    named: Option<&CStr>,
    message: &mut Message,
) -> Result<u32, Status> {
    let Some(wanted) = named else { return Ok(level) };
    for clone in clones {
        // SAFETY: as the caller promises.
        if unsafe { CStr::from_ptr(clone.name) } != wanted {
            continue;
        }
        if clone.requirement <= level {
            return Ok(clone.requirement);
        }
        // SAFETY: as above.
        unsafe {
            message
                .text("KEOPSC_TARGET=")
                .name(wanted.as_ptr())
                .text(": this processor cannot run it; of this library it runs ");
            list(clones, level, message);
        }
        return Err(Status::Target);
    }
    // SAFETY: as above.
    unsafe {
        message.text("KEOPSC_TARGET=").name(wanted.as_ptr()).text(": no such target; this library has ");
        list(clones, NOT_CHOSEN, message);
    }
    Err(Status::Target)
}

/// The last clone whose requirement is at most `limit`.
///
/// # Safety
/// Names are NUL-terminated.
pub unsafe fn best<'a>(
    clones: &'a [CloneDescriptor],
    limit: u32,
    message: &mut Message,
) -> Result<&'a CloneDescriptor, Status> {
    clones.iter().rfind(|clone| clone.requirement <= limit).ok_or_else(|| {
        message.text("this processor runs none of this library's targets: ");
        // SAFETY: as the caller promises.
        unsafe { list(clones, NOT_CHOSEN, message) };
        Status::Target
    })
}

unsafe fn list(clones: &[CloneDescriptor], limit: u32, message: &mut Message) {
    let mut written = false;
    for clone in clones.iter().filter(|clone| clone.requirement <= limit) {
        message.text(if written { ", " } else { "" });
        // SAFETY: as the caller promises.
        unsafe { message.name(clone.name.cast::<c_char>()) };
        written = true;
    }
    if !written {
        message.text("none");
    }
}

/// The highest requirement that this processor meets.
#[cfg(any(not(target_arch = "x86_64"), keops_retarget))]
pub fn processor_level() -> u32 {
    REQUIRES_NOTHING
}

/// The highest requirement that this processor and its operating system meet.
#[cfg(all(target_arch = "x86_64", not(keops_retarget)))]
pub fn processor_level() -> u32 {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};
    let highest = __cpuid(0).eax;
    let basic = __cpuid(1).ecx;
    let extended = if __cpuid(0x8000_0000).eax >= 0x8000_0001 { __cpuid(0x8000_0001).ecx } else { 0 };
    let structured = if highest >= 7 { __cpuid_count(7, 0).ebx } else { 0 };
    let saves_registers = basic & bits(&[27]) != 0;
    // SAFETY: bit 27 says that the instruction exists.
    let saved = if saves_registers { (unsafe { _xgetbv(0) }) as u32 } else { 0 };

    let has = |word: u32, wanted: u32| word & wanted == wanted;
    // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF.
    if !(has(basic, bits(&[0, 9, 13, 19, 20, 23])) && has(extended, bits(&[0]))) {
        return REQUIRES_NOTHING;
    }
    // FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT; the operating system saves XMM and YMM.
    let v3 = has(basic, bits(&[12, 22, 28, 29])) && has(structured, bits(&[3, 5, 8])) && has(extended, bits(&[5]));
    if !(v3 && has(saved, bits(&[1, 2]))) {
        return REQUIRES_X86_64_V2;
    }
    // AVX-512 F, DQ, CD, BW, VL; the operating system saves the mask registers and ZMM.
    if !(has(structured, bits(&[16, 17, 28, 30, 31])) && has(saved, bits(&[5, 6, 7]))) {
        return REQUIRES_X86_64_V3;
    }
    REQUIRES_X86_64_V4
}

#[cfg(all(target_arch = "x86_64", not(keops_retarget)))]
fn bits(numbers: &[u32]) -> u32 {
    numbers.iter().fold(0, |word, number| word | 1 << number)
}
