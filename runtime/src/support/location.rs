//! Where a tensor's memory is: the CPU's, or that of a GPU.

use super::message::Message;
use crate::abi::{DL_CPU, DL_CUDA, DL_CUDA_HOST, DL_CUDA_MANAGED, DLTensor};

/// A place that tensors can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    /// The CPU's memory, pinned or not.
    Host,
    /// Memory of the GPU of that number, or memory that CUDA moves there.
    Cuda(i32),
}

impl Location {
    /// Where a tensor is, `None` on other devices.
    pub fn of(tensor: &DLTensor) -> Option<Location> {
        match tensor.device.device_type {
            DL_CPU | DL_CUDA_HOST => Some(Location::Host),
            DL_CUDA | DL_CUDA_MANAGED => Some(Location::Cuda(tensor.device.device_id)),
            _ => None,
        }
    }

    /// Continues a message: "in the CPU's memory", "on CUDA device 0".
    pub fn describe(self, message: &mut Message) -> &mut Message {
        match self {
            Location::Host => message.text("in the CPU's memory"),
            Location::Cuda(number) => message.text("on CUDA device ").number(number.into()),
        }
    }
}
