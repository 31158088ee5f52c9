//! Turns `src/kf.lalrpop` into the parser tables.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=src/kf.lalrpop");
    lalrpop::process_src()
}
