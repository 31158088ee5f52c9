//! Loading: the driver, images, devices, contexts.

use super::driver::{install, kernels_launched, machine};
use super::{column, kernels, on_gpu, succeed};
use crate::abi::*;
use crate::support::cuda::device::{State, best_image, device};
use crate::support::cuda::{chosen_device, driver::Driver, state};
use crate::support::keops_support_prepare;
use crate::support::message::Message;
use crate::support::tests::harness::{Array, run};

fn arguments(device_id: i32) -> Vec<Array> {
    (0..3).map(|seed| Array { device_id, ..on_gpu(column(4, seed)) }).collect()
}

#[test]
fn no_driver() {
    // Where there is one, it is found.
    if Driver::find(&state().table, &mut Message::none()).is_ok() {
        return;
    }
    let text = "product: there is no CUDA driver: libcuda.so.1 cannot be loaded";
    assert_eq!(run(kernels::product(), &mut arguments(0), 1), (Status::Driver as i32, text.to_owned()));
    let mut arrays: Vec<Array> = arguments(0).into_iter().map(|array| Array { device_type: DL_CPU, ..array }).collect();
    succeed(kernels::product(), &mut arrays, |_| ());
}

#[test]
fn no_such_device() {
    install();
    for number in [1, 63, 64, -1, i32::MAX] {
        let (status, text) = run(kernels::product(), &mut arguments(number), 1);
        assert_eq!(status, Status::Device as i32);
        assert!(text.starts_with(&format!("product: there is no CUDA device {number}")), "{text}");
    }
    let (_, text) = run(kernels::product(), &mut arguments(1), 1);
    assert_eq!(text, "product: there is no CUDA device 1: this machine has 1");
}

#[test]
fn the_best_image() {
    let image = |architecture, is_ptx| DeviceImage { architecture, is_ptx, bytes: core::ptr::null(), size: 0 };
    let images = [image(70, 0), image(75, 1), image(80, 0), image(86, 0), image(90, 1), image(90, 0)];
    let best = |major, minor| best_image(&images, major, minor).map(|image| (image.architecture, image.is_ptx));
    assert_eq!(best(8, 0), Some((80, 0)));
    assert_eq!(best(8, 6), Some((86, 0)));
    assert_eq!(best(8, 9), Some((86, 0)));
    assert_eq!(best(9, 0), Some((90, 0)));
    assert_eq!(best(10, 0), Some((90, 1)));
    assert_eq!(best(12, 1), Some((90, 1)));
    assert_eq!(best(7, 5), Some((70, 0)));
    assert_eq!(best(6, 1), None);
}

#[test]
fn images_are_loaded_once_a_device() {
    install();
    machine(|machine| machine.devices = vec![(9, 0), (8, 6), (12, 0), (6, 1)]);
    for _ in 0..2 {
        for number in 0..3 {
            succeed(kernels::product(), &mut arguments(number), |_| ());
        }
    }
    machine(|machine| assert_eq!(machine.images, [90, 80, 75]));
    assert_eq!(
        run(kernels::product(), &mut arguments(3), 1),
        (
            Status::Target as i32,
            "product: CUDA device 3 has compute capability 6.1, but this library's code is for 8.0, 9.0, 7.5 and later"
                .to_owned()
        )
    );
    assert_eq!(kernels_launched().len(), 6);
}

#[test]
fn kernels_are_found_in_all_images_of_a_kind() {
    install();
    machine(|machine| machine.devices = vec![(9, 0), (6, 1)]);
    let entry = kernels::product_in_parts();
    succeed(entry, &mut arguments(0), |_| ());
    machine(|machine| assert_eq!(machine.images, [90, 90, 90]));
    let (_, text) = run(entry, &mut arguments(1), 1);
    assert!(text.ends_with("this library's code is for 8.0, 9.0, 7.5 and later"), "{text}");
    // A module that fails leaves none of those before it.
    install();
    machine(|machine| machine.failure = Some(("module_function", 46)));
    let shared: &'static State = Box::leak(Box::new(State::new()));
    let driver = Driver::find(&state().table, &mut Message::none()).unwrap();
    assert!(unsafe { device(shared, &driver, &kernels::usual_code_in_parts(), 0, &mut Message::none()) }.is_err());
    machine(|machine| {
        let count = |name| machine.calls.iter().filter(|call| **call == name).count();
        assert_eq!((count("module_load"), count("module_unload")), (3, 3));
    });
}

#[test]
fn prepare_loads() {
    install();
    let entry = kernels::product();
    assert_eq!(unsafe { keops_support_prepare(entry, DL_CUDA, 0) }, 0);
    machine(|machine| {
        assert!(machine.calls.contains(&"module_load"));
        machine.calls.clear();
    });
    succeed(entry, &mut arguments(0), |_| ());
    machine(|machine| assert!(!machine.calls.contains(&"module_load")));
    assert_eq!(unsafe { keops_support_prepare(entry, DL_CUDA, 1) }, Status::Device as i32);
    let without = crate::support::tests::mock::product();
    assert_eq!(unsafe { keops_support_prepare(without, DL_CUDA, 0) }, Status::Device as i32);
}

#[test]
fn the_variable_of_layer_1() {
    assert_eq!(chosen_device(None), Ok(None));
    assert_eq!(chosen_device(Some(c"cpu")), Ok(None));
    assert_eq!(chosen_device(Some(c"cuda")), Ok(Some(0)));
    assert_eq!(chosen_device(Some(c"cuda:0")), Ok(Some(0)));
    assert_eq!(chosen_device(Some(c"cuda:12")), Ok(Some(12)));
    for wrong in [c"gpu", c"cuda:", c"cuda:x", c"cuda1", c"cuda:-1", c"cuda:99999999999"] {
        assert_eq!(chosen_device(Some(wrong)), Err(Status::Device), "{wrong:?}");
    }
}

#[test]
fn states_are_the_cpus() {
    use crate::support::{keops_support_merge, keops_support_partial};
    install();
    let entry = kernels::product();
    let mut arrays = arguments(0);
    let tensors: Vec<DLTensor> = arrays.iter_mut().take(2).map(Array::tensor).collect();
    let pointers: Vec<_> = tensors.iter().map(core::ptr::from_ref).collect();
    let mut call = Call { num_tensors: 2, tensors: pointers.as_ptr(), ..crate::support::tests::harness::blank_call(1) };
    let mut states = [0_u64; 4];
    let at = states.as_mut_ptr().cast();
    assert_eq!(unsafe { keops_support_partial(entry, &call, 0, at, 32) }, Status::Unsupported as i32);
    call.device_type = DL_CUDA;
    assert_eq!(unsafe { keops_support_merge(entry, &call, at, at, 32) }, Status::Unsupported as i32);
}

#[test]
fn threads_that_load_at_the_same_time_keep_one() {
    let shared: &'static State = Box::leak(Box::new(State::new()));
    let barrier = std::sync::Barrier::new(8);
    // Every thread has a machine of its own.
    let load = || {
        install();
        let driver = Driver::find(&state().table, &mut Message::none()).unwrap();
        barrier.wait();
        let code = kernels::usual_code();
        let loaded = unsafe { device(shared, &driver, &code, 0, &mut Message::none()) }.unwrap();
        let count = |name| machine(|machine| machine.calls.iter().filter(|call| **call == name).count());
        let kept = count("module_load") - count("module_unload");
        assert_eq!(count("primary_retain") - count("primary_release"), kept);
        (core::ptr::from_ref(loaded) as usize, kept)
    };
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(found.iter().all(|(address, _)| *address == found[0].0));
    assert_eq!(found.iter().map(|(_, kept)| kept).sum::<usize>(), 1);
}
