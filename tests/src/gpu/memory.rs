//! Bytes in the memory of a GPU, between others that have to stay as they are.

use keopsc_ir::random::Random;

use super::{Gpu, driver, succeed};

/// What allocations are multiples of.
const GRAIN: usize = 256;

/// A copy of some bytes, and what lies before and behind it.
pub struct Copy<'g> {
    gpu: &'g Gpu,
    address: u64,
    begin: usize,
    size: usize,
    /// All bytes that were copied there.
    written: Vec<u8>,
}

impl<'g> Copy<'g> {
    /// Copies bytes whose address has to be a multiple of `alignment`. They may lie at an end of the allocation, where an emulator notices what is
    /// touched behind it.
    pub fn of(gpu: &'g Gpu, bytes: &[u8], alignment: usize, random: &mut Random) -> Copy<'g> {
        let mut guard = || if random.percent(50) { 0 } else { random.below(40) * alignment };
        let (before, behind) = (guard(), guard());
        let all = (before + bytes.len() + behind).next_multiple_of(GRAIN).max(GRAIN);
        let slack = all - bytes.len() - before - behind;
        let begin = if random.percent(70) { before + slack } else { before };
        let mut written: Vec<u8> = (0..all).map(|place| 0x5a ^ place as u8).collect();
        written[begin..begin + bytes.len()].copy_from_slice(bytes);
        let mut address = 0_u64;
        gpu.enter(|| {
            succeed!(gpu, cuMemAlloc_v2(*mut u64 = &raw mut address, usize = all));
            succeed!(gpu, cuMemcpyHtoD_v2(u64 = address, *const u8 = written.as_ptr(), usize = all));
            // The copy may still be on its way, and streams that do not block do not wait for it.
            succeed!(gpu, cuCtxSynchronize());
        });
        Copy { gpu, address, begin, size: bytes.len(), written }
    }

    /// The address of the first byte.
    pub fn data(&self) -> *mut u8 {
        (self.address as usize + self.begin) as *mut u8
    }

    /// What is there now. Everything around has to be what it was.
    pub fn read(&self) -> Result<Vec<u8>, String> {
        let mut found = vec![0_u8; self.written.len()];
        let status = self.gpu.enter(
            || driver!(self.gpu, cuMemcpyDtoH_v2(*mut u8 = found.as_mut_ptr(), u64 = self.address, usize = found.len())),
        );
        if status != 0 {
            return Err(format!("cuMemcpyDtoH_v2: error {status} of the driver"));
        }
        let end = self.begin + self.size;
        let is_outside = |place: &usize| *place < self.begin || *place >= end;
        match (0..found.len()).filter(is_outside).find(|place| found[*place] != self.written[*place]) {
            None => Ok(found[self.begin..end].to_vec()),
            Some(place) => Err(format!("byte {} was written", place as i64 - self.begin as i64)),
        }
    }

    /// The bytes that were copied there.
    pub fn original(&self) -> &[u8] {
        &self.written[self.begin..self.begin + self.size]
    }
}

impl Drop for Copy<'_> {
    fn drop(&mut self) {
        // After an error of the device nothing can be freed.
        let _ = self.gpu.enter(|| driver!(self.gpu, cuMemFree_v2(u64 = self.address)));
    }
}
