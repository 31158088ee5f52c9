use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use super::*;

fn cache_in(folder: &Path) -> Cache {
    Cache { folder: Some(folder.to_path_buf()), size: DEFAULT_SIZE }
}

fn artifacts(text: &str) -> Artifacts {
    Artifacts {
        library_name: "libk.so".to_owned(),
        library: text.as_bytes().to_vec(),
        header_name: "k.h".to_owned(),
        header: format!("/* {text} */"),
    }
}

fn key(text: &str) -> Key {
    Key::new(&[("source", text)])
}

fn must_not_compile() -> Result<Artifacts, Failure> {
    panic!("compiled although the cache has it")
}

fn age_files(folder: &Path, by: Duration) {
    for file in std::fs::read_dir(folder).unwrap() {
        let file = File::options().append(true).open(file.unwrap().path()).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }
}

#[test]
fn what_was_compiled_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_in(&folder.path().join("new/cache"));
    let (first, origin) = cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
    assert_eq!(origin, Origin::Compiled);
    let (second, origin) = cache.find_or_compile(&key("a"), must_not_compile).unwrap();
    assert_eq!((origin, &second), (Origin::Found, &first));
    assert_eq!(std::fs::read(&first.library).unwrap(), b"a");
    assert_eq!(std::fs::read(&first.header).unwrap(), b"/* a */");
    let mode = std::fs::metadata(cache.folder.unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_failed_compilation_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_in(folder.path());
    let failure = cache.find_or_compile(&key("a"), || Err(Failure::Internal("no".to_owned())));
    assert!(matches!(failure, Err(Failure::Internal(_))));
    assert_eq!(cache.usage(), (0, 0));
}

#[test]
fn sixteen_at_once_compile_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_in(folder.path());
    let (compilations, start) = (AtomicUsize::new(0), Barrier::new(16));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                start.wait();
                let compile = || {
                    compilations.fetch_add(1, Ordering::SeqCst);
                    Ok(artifacts("a"))
                };
                let (found, _) = cache.find_or_compile(&key("a"), compile).unwrap();
                assert_eq!(std::fs::read(found.library).unwrap(), b"a");
            });
        }
    });
    assert_eq!(compilations.into_inner(), 1);
}

#[test]
fn a_damaged_entry_is_compiled_again() {
    let damages: [fn(&CachedLibrary); 6] = [
        |entry| std::fs::write(&entry.library, b"").unwrap(),
        |entry| std::fs::write(&entry.library, b"b").unwrap(),
        |entry| std::fs::remove_file(&entry.library).unwrap(),
        |entry| std::fs::remove_file(&entry.header).unwrap(),
        |entry| std::fs::write(entry.header.with_file_name("record.json"), b"{").unwrap(),
        |entry| std::fs::remove_file(entry.header.with_file_name("record.json")).unwrap(),
    ];
    for damage in damages {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache_in(folder.path());
        let (entry, _) = cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
        damage(&entry);
        let (again, origin) = cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
        assert_eq!(origin, Origin::Compiled);
        assert_eq!(std::fs::read(&again.library).unwrap(), b"a");
        assert_eq!(cache.find(&key("a")), Some(again));
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_done_without() {
    let folder = tempfile::tempdir().unwrap();
    let file_in_the_way = folder.path().join("cache");
    std::fs::write(&file_in_the_way, b"").unwrap();
    for cache in [cache_in(&file_in_the_way), Cache { folder: None, size: 0 }] {
        let (found, origin) = cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
        assert!(matches!(origin, Origin::CompiledOutside(_)));
        assert_eq!(std::fs::read(&found.library).unwrap(), b"a");
        std::fs::remove_dir_all(found.library.parent().unwrap()).unwrap();
    }
}

#[test]
fn the_least_recently_used_entries_go() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_in(folder.path());
    for (name, hours) in [("a", 3), ("b", 1), ("c", 2)] {
        let (entry, _) = cache.find_or_compile(&key(name), || Ok(artifacts(name))).unwrap();
        age_files(entry.library.parent().unwrap(), Duration::from_secs(3600 * hours));
    }
    let (_, bytes_of_three) = cache.usage();
    assert!(cache.find(&key("a")).is_some(), "a use makes it the most recent");
    let cache = Cache { size: bytes_of_three, ..cache };
    cache.find_or_compile(&key("d"), || Ok(artifacts("d"))).unwrap();
    let there: Vec<bool> = ["a", "b", "c", "d"].iter().map(|name| cache.find(&key(name)).is_some()).collect();
    assert_eq!(there, [true, true, false, true]);
}

#[test]
fn an_entry_in_use_stays_however_small_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache { size: 0, ..cache_in(folder.path()) };
    let (first, _) = cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
    cache.find_or_compile(&key("b"), || Ok(artifacts("b"))).unwrap();
    assert!(first.library.exists());
}

#[test]
fn clearing_removes_entries_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache_in(folder.path());
    std::fs::write(folder.path().join("mine.txt"), b"").unwrap();
    cache.find_or_compile(&key("a"), || Ok(artifacts("a"))).unwrap();
    assert_eq!(cache.clear(), Ok(1));
    assert_eq!(cache.usage(), (0, 0));
    assert!(folder.path().join("mine.txt").exists());
}

#[test]
fn sizes_are_read_with_their_units() {
    let sizes = [("0", 0), ("77", 77), ("2K", 2048), ("512M", 512 << 20), ("3GiB", 3 << 30), ("1gb", 1 << 30)];
    for (text, size) in sizes {
        assert_eq!(parse_size(text), Ok(size), "{text}");
    }
    for text in ["", "G", "-1", "1.5G", "99999999999999G", "ten"] {
        assert!(parse_size(text).is_err(), "{text}");
    }
    let problem = parse_size("ten").unwrap_err();
    assert_eq!(
        problem.to_string(),
        "error[E0305]: KEOPSC_CACHE_SIZE is `ten`, which is no size\n  \
         = help: write a number of bytes, with K, M or G for powers of 1024: `512M`"
    );
}
