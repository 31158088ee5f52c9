//! Calls a compiled formula (`../gauss.kf`) from Rust, through the loader that checks shapes and types.
//!
//! ```text
//! keopsc compile ../gauss.kf -o libgauss.so
//! cargo run -p keopsc-sample -- libgauss.so
//! ```
//!
//! The points y are a spiral, the points x a coarse grid around it; the program draws the density of the spiral on the grid.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::Path;

use keopsc_runtime::loader::{Library, Options, TensorView};

const COLUMNS: usize = 60;
const LINES: usize = 24;
const POINTS: usize = 2000;
const SHADES: &[u8] = b" .:-=+*#%@";

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: keopsc-sample libgauss.so")?;
    let library = Library::open(Path::new(&path))?;
    let (x, y) = (grid(), spiral());
    let (b, sigma) = (vec![1.0_f32; POINTS], [0.08_f32]);
    let mut density = vec![0.0_f32; COLUMNS * LINES];

    let conv = library.entry("conv").ok_or("the library has no `conv`")?;
    let (m, n) = (density.len() as i64, POINTS as i64);
    let mut tensors = [
        TensorView::input(&x, &[m, 3])?,
        TensorView::input(&y, &[n, 3])?,
        TensorView::input(&b, &[n, 1])?,
        TensorView::input(&sigma, &[1])?,
        TensorView::output(&mut density, &[m, 1])?,
    ];
    conv.run(&mut tensors, &Options::default())?;

    print!("{}", drawing(&density));
    let difference = largest_difference(&density, &x, &y, sigma[0]);
    println!("largest relative difference from a plain loop: {difference:.1e}");
    if difference > 1e-4 { Err("the results differ".into()) } else { Ok(()) }
}

/// Points in the plane z = 0, line by line.
fn grid() -> Vec<f32> {
    let place = |number: usize, count: usize| 2.2 * number as f32 / (count - 1) as f32 - 1.1;
    (0..LINES)
        .flat_map(|line| (0..COLUMNS).flat_map(move |column| [place(column, COLUMNS), place(line, LINES), 0.0]))
        .collect()
}

/// Points on a spiral of three turns.
fn spiral() -> Vec<f32> {
    let point = |number: usize| {
        let t = number as f32 / POINTS as f32;
        let angle = 3.0 * std::f32::consts::TAU * t;
        [t * angle.cos(), t * angle.sin(), 0.0]
    };
    (0..POINTS).flat_map(point).collect()
}

/// The densities as characters, the darkest for the largest.
fn drawing(density: &[f32]) -> String {
    let largest = density.iter().fold(f32::MIN_POSITIVE, |largest, value| largest.max(*value));
    let shade = |value: &f32| SHADES[((value / largest).sqrt() * (SHADES.len() - 1) as f32) as usize] as char;
    density.chunks(COLUMNS).map(|line| line.iter().map(shade).chain(['\n']).collect::<String>()).collect()
}

/// Compares every tenth value with the sum computed in float64.
fn largest_difference(density: &[f32], x: &[f32], y: &[f32], sigma: f32) -> f64 {
    let squared_distance = |p: &[f32], q: &[f32]| p.iter().zip(q).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
    let differences = density.iter().zip(x.chunks(3)).step_by(10).map(|(value, point)| {
        let sum: f64 =
            y.chunks(3).map(|other| (-squared_distance(point, other) / f64::from(sigma).powi(2)).exp()).sum();
        (f64::from(*value) - sum).abs() / (sum + 1e-3)
    });
    differences.fold(0.0, f64::max)
}
