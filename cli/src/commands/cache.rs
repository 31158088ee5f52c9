//! `keopsc cache`: where compiled libraries are kept and how much they take.

use keopsc_driver::cache::Cache;
use keopsc_driver::failure::Problem;

use super::Stop;
use crate::arguments::CacheArguments;
use crate::console;

/// Runs the command.
pub fn run(arguments: &CacheArguments) -> Result<(), Stop> {
    let cache = Cache::from_environment()?;
    let folder = cache.folder.as_ref().ok_or_else(|| {
        Problem::new("there is no cache: neither KEOPSC_CACHE_DIR nor XDG_CACHE_HOME nor HOME is set")
    })?;
    let (count, bytes) = cache.usage();
    let text = if arguments.dir {
        format!("{}\n", folder.display())
    } else if arguments.size {
        format!("{bytes}\n")
    } else if arguments.clear {
        format!("removed {}\n", libraries(cache.clear()?))
    } else {
        let (bytes, limit) = (readable(bytes), readable(cache.size));
        format!("folder  {}\nholds   {}, {bytes} of at most {limit}\n", folder.display(), libraries(count))
    };
    Ok(console::output(text.as_bytes())?)
}

fn libraries(count: usize) -> String {
    format!("{count} {}", if count == 1 { "library" } else { "libraries" })
}

/// `1.5 MiB`
fn readable(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut amount = bytes as f64;
    let mut unit = "bytes";
    for larger in units {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = larger;
    }
    match unit {
        "bytes" => format!("{bytes} bytes"),
        unit => format!("{amount:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable() {
        let cases = [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (1 << 30, "1.0 GiB")];
        for (bytes, text) in cases {
            assert_eq!(readable(bytes), text);
        }
    }
}
