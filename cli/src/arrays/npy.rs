//! NumPy's `.npy` format, versions 1 to 3.
//!
//! ```text
//! \x93NUMPY 1 0  118  {'descr': '<f4', 'fortran_order': False, 'shape': (100, 3), }  …data
//! ```

use super::{Array, Elements, Written, element_count};

/// How every such file begins.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// Longer headers are not written by NumPy for the arrays that are read here.
const MAXIMUM_HEADER: usize = 1 << 20;

struct Header {
    descr: String,
    is_fortran_order: bool,
    shape: Vec<usize>,
}

/// Reads a file's bytes.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    let (header, data) = split(bytes)?;
    let header = parse_header(header)?;
    let count = element_count(&header.shape).ok_or("its shape is too large")?;
    let size = element_size(&header.descr)?;
    let needed = count.checked_mul(size).ok_or("its shape is too large")?;
    let data = data.get(..needed).ok_or_else(|| {
        format!("it is cut short: its header promises {needed} bytes of data and {} follow", data.len())
    })?;
    let elements = decode(&header.descr, data)?;
    let elements = if header.is_fortran_order { row_major(elements, &header.shape) } else { elements };
    Ok(Array { shape: header.shape, elements, written: Written::Binary(type_name(&header.descr)) })
}

/// The header's text and what follows it.
fn split(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    const SHORT: &str = "it is cut short within its header";
    let version = *bytes.get(MAGIC.len()).ok_or(SHORT)?;
    let length_size = match version {
        1 => 2,
        2 | 3 => 4,
        _ => return Err(format!("version {version} of the .npy format is not known here (1 to 3 are)")),
    };
    let start = MAGIC.len() + 2 + length_size;
    let length = bytes.get(start - length_size..start).ok_or(SHORT)?;
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > MAXIMUM_HEADER {
        return Err(format!("its header has {length} bytes, more than any array's"));
    }
    let header = bytes.get(start..start + length).ok_or(SHORT)?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is no text")?;
    Ok((header, &bytes[start + length..]))
}

/// Reads the Python dictionary, of which only the three known keys count.
fn parse_header(text: &str) -> Result<Header, String> {
    let missing = |key: &str| format!("its header has no usable `{key}`: {}", text.trim());
    let value = |key: &str| {
        let after_key = ['\'', '"'].iter().find_map(|quote| text.split_once(&format!("{quote}{key}{quote}")));
        after_key.and_then(|(_, rest)| rest.trim_start().strip_prefix(':')).map(str::trim_start)
    };
    let descr = value("descr").ok_or_else(|| missing("descr"))?;
    if descr.starts_with('[') {
        return Err("it holds records (a structured dtype), not numbers".to_owned());
    }
    let quote = descr.chars().next().filter(|quote| matches!(quote, '\'' | '"')).ok_or_else(|| missing("descr"))?;
    let descr = descr[1..].split(quote).next().unwrap_or_default().to_owned();
    let order = value("fortran_order").ok_or_else(|| missing("fortran_order"))?;
    let is_fortran_order = match (order.starts_with("True"), order.starts_with("False")) {
        (true, false) => true,
        (false, true) => false,
        _ => return Err(missing("fortran_order")),
    };
    let shape = value("shape").and_then(parse_shape).ok_or_else(|| missing("shape"))?;
    Ok(Header { descr, is_fortran_order, shape })
}

/// Reads `(100, 3)`, `(5,)` or `()`.
fn parse_shape(text: &str) -> Option<Vec<usize>> {
    let inner = text.strip_prefix('(')?.split(')').next()?;
    let extents = inner.split(',').map(str::trim).filter(|extent| !extent.is_empty());
    // Python 2 wrote `3L`.
    extents.map(|extent| extent.trim_end_matches('L').parse().ok()).collect()
}

fn element_size(descr: &str) -> Result<usize, String> {
    match descr.get(1..) {
        Some("b1" | "i1" | "u1") => Ok(1),
        Some("f2" | "i2" | "u2") => Ok(2),
        Some("f4" | "i4" | "u4") => Ok(4),
        Some("f8" | "i8" | "u8") => Ok(8),
        Some("c8") => Ok(8),
        Some("c16") => Ok(16),
        _ => Err(format!("its dtype `{descr}` is not one of float16/32/64, complex64/128, bool or an integer type")),
    }
}

/// NumPy's name of a dtype whose size is known: `<f4` is `float32`.
fn type_name(descr: &str) -> String {
    let kind = match descr.get(1..2) {
        Some("f") => "float",
        Some("i") => "int",
        Some("u") => "uint",
        Some("c") => "complex",
        _ => return "bool".to_owned(),
    };
    format!("{kind}{}", 8 * element_size(descr).unwrap_or_default())
}

/// An element's bytes, least significant first, as a number.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
}

/// The same, with the sign of a shorter integer.
fn signed_bits(bytes: &[u8]) -> i64 {
    let shift = 64 - 8 * bytes.len() as u32;
    ((bits(bytes) << shift) as i64) >> shift
}

fn decode(descr: &str, data: &[u8]) -> Result<Elements, String> {
    let size = element_size(descr)?;
    let mut swapped;
    let data = match descr.starts_with('>') && size > 1 {
        true => {
            swapped = data.to_vec();
            let size = if descr[1..].starts_with('c') { size / 2 } else { size };
            swapped.chunks_exact_mut(size).for_each(<[u8]>::reverse);
            &swapped[..]
        }
        false => data,
    };
    let elements = data.chunks_exact(size);
    Ok(match &descr[1..] {
        "f2" => Elements::F32(elements.map(|element| super::convert::half_to_single(bits(element) as u16)).collect()),
        "f4" => Elements::F32(elements.map(|element| f32::from_bits(bits(element) as u32)).collect()),
        "f8" => Elements::F64(elements.map(|element| f64::from_bits(bits(element))).collect()),
        "c8" => Elements::C64(
            elements.map(|element| halves(element).map(|part| f32::from_bits(bits(part) as u32))).collect(),
        ),
        "c16" => {
            Elements::C128(elements.map(|element| halves(element).map(|part| f64::from_bits(bits(part)))).collect())
        }
        "i1" | "i2" | "i4" | "i8" => Elements::I64(elements.map(signed_bits).collect()),
        _ => {
            let numbers: Result<Vec<i64>, _> = elements.map(|element| i64::try_from(bits(element))).collect();
            Elements::I64(numbers.map_err(|_| "it holds integers beyond 2^63".to_owned())?)
        }
    })
}

/// Re and im of a complex number's bytes.
fn halves(element: &[u8]) -> [&[u8]; 2] {
    let (re, im) = element.split_at(element.len() / 2);
    [re, im]
}

fn row_major(elements: Elements, shape: &[usize]) -> Elements {
    match elements {
        Elements::F16(elements) => Elements::F16(reordered(&elements, shape)),
        Elements::F32(elements) => Elements::F32(reordered(&elements, shape)),
        Elements::F64(elements) => Elements::F64(reordered(&elements, shape)),
        Elements::I64(elements) => Elements::I64(reordered(&elements, shape)),
        Elements::C64(elements) => Elements::C64(reordered(&elements, shape)),
        Elements::C128(elements) => Elements::C128(reordered(&elements, shape)),
    }
}

/// Column-major to row-major.
fn reordered<T: Copy>(elements: &[T], shape: &[usize]) -> Vec<T> {
    let mut strides = Vec::with_capacity(shape.len());
    let mut stride = 1;
    for extent in shape {
        strides.push(stride);
        stride *= extent;
    }
    let mut index = vec![0; shape.len()];
    let mut result = Vec::with_capacity(elements.len());
    for _ in 0..elements.len() {
        let place: usize = index.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        result.push(elements[place]);
        // Count up, last axis fastest.
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    result
}

/// Writes version 1, little-endian, C order.
pub fn write(array: &Array) -> Vec<u8> {
    let (descr, data): (&str, Vec<u8>) = match &array.elements {
        Elements::F16(elements) => ("<f2", elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
        Elements::F32(elements) => ("<f4", elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
        Elements::F64(elements) => ("<f8", elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
        Elements::I64(elements) => ("<i8", elements.iter().flat_map(|element| element.to_le_bytes()).collect()),
        Elements::C64(elements) => ("<c8", elements.iter().flatten().flat_map(|part| part.to_le_bytes()).collect()),
        Elements::C128(elements) => ("<c16", elements.iter().flatten().flat_map(|part| part.to_le_bytes()).collect()),
    };
    let shape = super::shape_text(&array.shape);
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // The data begin at a multiple of 64 bytes, after a newline.
    let unpadded = MAGIC.len() + 4 + header.len() + 1;
    header.push_str(&" ".repeat(unpadded.next_multiple_of(64) - unpadded));
    header.push('\n');

    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([version, 0]);
        match version {
            1 => bytes.extend((header.len() as u16).to_le_bytes()),
            _ => bytes.extend((header.len() as u32).to_le_bytes()),
        }
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    fn header(descr: &str, order: &str, shape: &str) -> String {
        format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}  \n")
    }

    #[test]
    fn what_is_written_is_read_back() {
        let all = [
            ("float32", vec![2, 2], Elements::F32(vec![0.0, -1.5, f32::INFINITY, 3.0])),
            ("float64", vec![3], Elements::F64(vec![0.1, -2.0, 1e300])),
            ("float64", vec![], Elements::F64(vec![7.0])),
            ("int64", vec![1, 2, 1], Elements::I64(vec![-1, i64::MAX])),
            ("float32", vec![0, 3], Elements::F32(vec![])),
        ];
        for (name, shape, elements) in all {
            let array = Array { shape, written: Written::Binary(name.to_owned()), elements };
            let bytes = write(&array);
            assert_eq!(read(&bytes), Ok(array));
            let header_end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
            assert_eq!(header_end % 64, 0);
        }
    }

    #[test]
    fn all_versions_orders_and_types_are_read() {
        type Case = (u8, &'static str, &'static str, &'static str, &'static [u8], Elements);
        let cases: [Case; 10] = [
            (1, "<f4", "False", "(1,)", &[0, 0, 128, 63], Elements::F32(vec![1.0])),
            (2, ">f4", "False", "(1,)", &[63, 128, 0, 0], Elements::F32(vec![1.0])),
            (3, "<f2", "False", "(1L,)", &[0, 60], Elements::F32(vec![1.0])),
            (1, "<i2", "False", "(2,)", &[255, 255, 1, 0], Elements::I64(vec![-1, 1])),
            (1, "<c8", "False", "(1,)", &[0, 0, 128, 63, 0, 0, 0, 64], Elements::C64(vec![[1.0, 2.0]])),
            (1, ">c8", "False", "(1,)", &[63, 128, 0, 0, 64, 0, 0, 0], Elements::C64(vec![[1.0, 2.0]])),
            (1, ">i2", "False", "(2,)", &[255, 255, 0, 1], Elements::I64(vec![-1, 1])),
            (1, "|b1", "False", "(2,)", &[1, 0], Elements::I64(vec![1, 0])),
            (1, "|u1", "True", "(2,2)", &[1, 2, 3, 4], Elements::I64(vec![1, 3, 2, 4])),
            (1, "|i1", "True", "(1, 3, 2)", &[1, 2, 3, 4, 5, 6], Elements::I64(vec![1, 4, 2, 5, 3, 6])),
        ];
        for (version, descr, order, shape, data, elements) in cases {
            let array = read(&file(version, &header(descr, order, shape), data)).unwrap();
            assert_eq!(array.elements, elements, "{descr} {order} {shape}");
        }
    }

    #[test]
    fn every_damaged_file_is_refused_in_words() {
        let cases = [
            (MAGIC.to_vec(), "it is cut short within its header"),
            (
                file(1, &header("<f4", "False", "(2,)"), &[0; 4]),
                "it is cut short: its header promises 8 bytes of data and 4 follow",
            ),
            (file(7, "", &[]), "version 7 of the .npy format is not known here (1 to 3 are)"),
            (file(1, &header("<f4", "False", "(99999999999, 99999999999)"), &[]), "its shape is too large"),
            (
                file(1, &header("|S3", "False", "(1,)"), &[0; 3]),
                "its dtype `|S3` is not one of float16/32/64, complex64/128, bool or an integer type",
            ),
            (file(1, &header("<u8", "False", "(1,)"), &[255; 8]), "it holds integers beyond 2^63"),
            (file(1, "{'descr': [('a', '<f4')], ", &[]), "it holds records (a structured dtype), not numbers"),
            (file(1, "{}", &[]), "its header has no usable `descr`: {}"),
            (
                file(1, "{'descr': '<f4', 'shape': (1,)}", &[]),
                "its header has no usable `fortran_order`: {'descr': '<f4', 'shape': (1,)}",
            ),
        ];
        for (bytes, message) in cases {
            assert_eq!(read(&bytes).unwrap_err(), message);
        }
    }

    #[test]
    fn no_cut_or_flipped_byte_panics() {
        let whole = write(&Array { shape: vec![2, 3], elements: Elements::F64(vec![1.0; 6]), written: Written::Text });
        for length in 0..whole.len() {
            if length >= MAGIC.len() {
                read(&whole[..length]).unwrap_err();
            }
        }
        for place in MAGIC.len()..whole.len() {
            for flip in [1, 16, 128] {
                let mut bytes = whole.clone();
                bytes[place] ^= flip;
                // Most of them cannot be read, some can: what counts is that every one comes back.
                if let Ok(array) = read(&bytes) {
                    assert!(element_count(&array.shape).is_some());
                }
            }
        }
    }
}
