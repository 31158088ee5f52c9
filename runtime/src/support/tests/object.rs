//! The object that goes into libraries.

use std::process::Command;

fn symbols() -> Vec<(String, String)> {
    let path = std::env::temp_dir().join(format!("keops-support-{}.o", std::process::id()));
    std::fs::write(&path, crate::SUPPORT_OBJECT).unwrap();
    let output = Command::new("readelf").args(["-sW"]).arg(&path).output().unwrap();
    std::fs::remove_file(&path).unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .filter(|fields| fields.len() == 8 && fields[4] != "LOCAL" && fields[0] != "Num:")
        .map(|fields| {
            (fields[7].clone(), format!("{} {}", if fields[6] == "UND" { "undefined" } else { "defined" }, fields[5]))
        })
        .collect()
}

#[test]
fn it_defines_the_entry_points_hidden_and_needs_the_c_library_only() {
    let symbols = symbols();
    let with = |state: &str| {
        let mut names: Vec<&str> = symbols.iter().filter(|(_, s)| s == state).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    };
    let wanted = [
        "clusters",
        "finalize",
        "merge",
        "partial",
        "plain",
        "plain_finalize",
        "plain_merge",
        "plain_partial",
        "prepare",
        "run",
        "shard",
        "state_size",
        "strerror",
        "target",
        "workspace",
    ]
    .map(|name| format!("keops_support_{name}"));
    assert_eq!(with("defined HIDDEN"), wanted);
    assert_eq!(with("defined DEFAULT"), [""; 0]);
    let allowed = [
        "bcmp",
        "dlopen",
        "dlsym",
        "free",
        "getenv",
        "madvise",
        "malloc",
        "memcpy",
        "memmove",
        "memset",
        "pthread_create",
        "pthread_join",
        "pthread_sigmask",
        "sched_getaffinity",
        "sigfillset",
        "strlen",
        "_GLOBAL_OFFSET_TABLE_",
    ];
    let needed = with("undefined DEFAULT");
    assert!(needed.iter().all(|name| allowed.contains(name)), "{needed:?}");
    assert!(needed.contains(&"pthread_create"));
}

#[test]
fn it_cannot_panic() {
    let contains = |text: &[u8]| crate::SUPPORT_OBJECT.windows(text.len()).any(|window| window == text);
    assert!(contains(b"keops_support_run"), "names are searched in the right place");
    assert!(!contains(b"panic"));
    assert!(!contains(b".rs\0"), "no source locations of panics");
}
