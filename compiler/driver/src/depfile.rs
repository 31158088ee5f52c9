//! What a library was made of, as a rule that make, Ninja and CMake read.

use std::path::Path;

/// `libgauss.so: gauss.kf defs.kf`
pub fn rule<'a>(output: &Path, files: impl Iterator<Item = &'a Path>) -> String {
    let files: String = files.map(|file| format!(" {}", escaped(file))).collect();
    format!("{}:{files}\n", escaped(output))
}

/// A path as rules have it: these are the characters that both GNU make and Ninja know how to protect.
fn escaped(path: &Path) -> String {
    path.display().to_string().replace('$', "$$").replace(' ', "\\ ").replace('#', "\\#")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule() {
        let files = ["a.kf", "/my defs/#1 $.kf"].map(Path::new);
        assert_eq!(
            rule(Path::new("out/lib k.so"), files.into_iter()),
            "out/lib\\ k.so: a.kf /my\\ defs/\\#1\\ $$.kf\n"
        );
    }
}
