//! The GPUs of this machine, for a library that is compiled to run here and now: what the system tells of them → their architectures.
//!
//! ```text
//! /proc/driver/nvidia, /dev, CUDA_VISIBLE_DEVICES ─▶ a note in the cache, "80 90" ─┬─▶ [80, 90]
//!                                  the driver, where there is no note yet ─────────┘
//! ```
//!
//! Starting the driver takes tenths of a second; a library in the cache is found in milliseconds. Where the system does not tell one GPU from another,
//! there is no note, and the driver is asked each time: a cache may be shared with machines that have other GPUs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use keopsc_runtime::gpu_architecture;

use super::architecture::KNOWN;
use crate::cache::{Cache, Key};

/// What says which GPUs a process sees.
const VARIABLE: &str = "CUDA_VISIBLE_DEVICES";

/// What the system tells of its driver and of the GPUs that a process sees; `None` if it tells nothing.
pub fn description() -> Option<String> {
    system_text(Path::new("/"), std::env::var_os(VARIABLE))
}

/// The architectures of this machine's GPUs in ascending order, each once. `None` if there are none, or some that no code can be made for.
pub fn architectures(cache: &Cache) -> Option<Vec<u32>> {
    let key = description().map(|text| Key::new(&[("GPUs", &text)]));
    remembered(cache, key.as_ref(), of_the_driver)
}

/// What the note under that key says; else what `ask` tells, which becomes the note.
fn remembered(cache: &Cache, key: Option<&Key>, ask: impl FnOnce() -> Vec<u32>) -> Option<Vec<u32>> {
    if let Some(noted) = key.and_then(|key| cache.recall(key)).and_then(|text| read(&text)) {
        return Some(noted);
    }
    let text: Vec<String> = ask().iter().map(u32::to_string).collect();
    let found = read(&text.join(" "))?;
    if let Some(key) = key {
        // Without the note, the driver is asked next time, too.
        let _ = cache.remember(key, &text.join(" "));
    }
    Some(found)
}

/// The architectures that a note lists, if there are some and code can be made for all.
fn read(text: &str) -> Option<Vec<u32>> {
    let numbers = text.split_whitespace().map(|word| word.parse().ok().filter(|number| KNOWN.contains(number)));
    let mut numbers: Vec<u32> = numbers.collect::<Option<_>>()?;
    numbers.sort_unstable();
    numbers.dedup();
    (!numbers.is_empty()).then_some(numbers)
}

fn of_the_driver() -> Vec<u32> {
    (0..).map_while(|number| gpu_architecture(number).ok().flatten()).collect()
}

/// What a system with that root tells of its driver and GPUs, in words that are others where these are others; `None` if it tells nothing.
fn system_text(root: &Path, visible: Option<OsString>) -> Option<String> {
    let files = |folder: &Path| -> Vec<PathBuf> {
        let found = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|file| file.path());
        let mut found: Vec<PathBuf> = found.collect();
        found.sort();
        found
    };
    let driver = root.join("proc/driver/nvidia");
    let text = |path: PathBuf| std::fs::read_to_string(path).ok();
    let gpus: Vec<String> =
        files(&driver.join("gpus")).into_iter().filter_map(|gpu| text(gpu.join("information"))).collect();
    // A container may have the files of some of them alone.
    let name = |path: PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let devices: Vec<String> =
        files(&root.join("dev")).into_iter().filter_map(name).filter(|name| name.starts_with("nvidia")).collect();
    let version = text(driver.join("version"));
    (!gpus.is_empty()).then(|| format!("{version:?} {gpus:?} {devices:?} {visible:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_asked_once_for_the_same_gpus() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache { folder: Some(folder.path().to_owned()), size: 1 << 20 };
        let never = || panic!("there is a note");
        let key = |text: &str| Key::new(&[("GPUs", text)]);
        assert_eq!(remembered(&cache, Some(&key("one")), || vec![90, 80, 90]), Some(vec![80, 90]));
        assert_eq!(remembered(&cache, Some(&key("one")), never), Some(vec![80, 90]));
        // None, or one that is newer than this compiler, is nothing to remember.
        for unusable in [vec![], vec![90, 999]] {
            assert_eq!(remembered(&cache, Some(&key("two")), || unusable), None);
        }
        assert_eq!(remembered(&cache, Some(&key("two")), || vec![75]), Some(vec![75]));
        // Where the system tells nothing, and where notes cannot be kept.
        assert_eq!(remembered(&cache, None, || vec![90]), Some(vec![90]));
        assert_eq!(remembered(&cache, None, || vec![75]), Some(vec![75]));
        let without = Cache { folder: None, size: 0 };
        assert_eq!(remembered(&without, Some(&key("one")), || vec![75]), Some(vec![75]));
        // A note that something else has written.
        cache.remember(&key("one"), "ninety").unwrap();
        assert_eq!(remembered(&cache, Some(&key("one")), || vec![86]), Some(vec![86]));
    }

    #[test]
    fn other_gpus_are_other_words() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let mut texts = Vec::new();
        let mut is_new = |visible: Option<&str>| {
            let text = system_text(root.path(), visible.map(OsString::from));
            let is_new = !texts.contains(&text);
            texts.push(text);
            is_new
        };
        assert!(is_new(None), "nothing");
        write("dev/nvidia0", "");
        assert!(!is_new(None), "nothing yet");
        write("proc/driver/nvidia/gpus/0000:01:00.0/information", "Model: A100");
        assert!(is_new(None));
        assert!(!is_new(None));
        assert!(is_new(Some("")));
        write("proc/driver/nvidia/version", "580");
        assert!(is_new(None));
        write("proc/driver/nvidia/gpus/0000:02:00.0/information", "Model: H100");
        assert!(is_new(None));
        write("dev/nvidia1", "");
        assert!(is_new(None));
        write("dev/null", "");
        assert!(!is_new(None));
    }
}
