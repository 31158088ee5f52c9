//! Tables of decimal numbers: one row a line, columns separated by commas, semicolons, tabs or blanks.

use super::{Array, Elements, Written};

/// Reads a table as float64, or as complex128 if a number in it is complex. A first line without any number is a heading; `#` begins a
/// comment.
pub fn read(bytes: &[u8]) -> Result<Array, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is neither a .npy file nor text")?;
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let lines = lines.map(|(number, line)| (number + 1, line.split('#').next().unwrap_or_default().trim()));
    let mut rows = lines.filter(|(_, line)| !line.is_empty()).peekable();
    if rows.peek().is_some_and(|(_, line)| is_heading(line)) {
        rows.next();
    }
    let mut elements = Vec::new();
    let mut shape = (0, 0);
    for (number, line) in rows {
        let before = elements.len();
        for field in fields(line) {
            elements.push(complex_number(field).ok_or_else(|| format!("line {number}: `{field}` is no number"))?);
        }
        let columns = elements.len() - before;
        if shape.0 > 0 && columns != shape.1 {
            return Err(format!("line {number} has {columns} columns where those before have {}", shape.1));
        }
        shape = (shape.0 + 1, columns);
    }
    let elements = match elements.iter().all(|(_, is_complex)| !is_complex) {
        true => Elements::F64(elements.iter().map(|([re, _], _)| *re).collect()),
        false => Elements::C128(elements.into_iter().map(|(number, _)| number).collect()),
    };
    Ok(Array { shape: vec![shape.0, shape.1], elements, written: Written::Text })
}

/// `2.5`, `1-2.5j` or `3j`: the parts, and whether it is written as a complex number.
fn complex_number(field: &str) -> Option<([f64; 2], bool)> {
    if let Ok(re) = field.parse() {
        return Some(([re, 0.0], false));
    }
    let text = field.trim_start_matches('(').trim_end_matches(')').strip_suffix('j')?;
    // The sign between the parts is the last one that is no exponent's.
    let bytes = text.as_bytes();
    let is_sign = |place: &usize| matches!(bytes[*place], b'+' | b'-') && !matches!(bytes[*place - 1], b'e' | b'E');
    let place = (1..bytes.len()).rev().find(is_sign).unwrap_or(0);
    let (re, im) = text.split_at(place);
    let re = if re.is_empty() { Ok(0.0) } else { re.parse() };
    Some(([re.ok()?, im.parse().ok()?], true))
}

fn fields(line: &str) -> Vec<&str> {
    match line.contains([',', ';', '\t']) {
        true => line.split([',', ';', '\t']).map(str::trim).collect(),
        false => line.split_whitespace().collect(),
    }
}

fn is_heading(line: &str) -> bool {
    fields(line).iter().all(|field| complex_number(field).is_none())
}

/// Writes one row of an array a line (the first axis counts rows), further axes side by side; numbers are the shortest that read back as the same.
pub fn write(array: &Array) -> Vec<u8> {
    let rows = array.shape.first().copied().unwrap_or(1);
    let texts: Vec<String> = match &array.elements {
        Elements::F16(elements) => elements.iter().map(|bits| single(super::convert::half_to_single(*bits))).collect(),
        Elements::F32(elements) => elements.iter().map(|value| single(*value)).collect(),
        Elements::F64(elements) => elements.iter().map(|value| double(*value)).collect(),
        Elements::I64(elements) => elements.iter().map(i64::to_string).collect(),
        Elements::C64(elements) => elements.iter().map(|[re, im]| complex(single(*re), &single(*im))).collect(),
        Elements::C128(elements) => elements.iter().map(|[re, im]| complex(double(*re), &double(*im))).collect(),
    };
    let columns = texts.len().checked_div(rows).unwrap_or(0);
    let mut text = String::new();
    for row in texts.chunks(columns.max(1)) {
        text.push_str(&row.join(","));
        text.push('\n');
    }
    text.into_bytes()
}

/// `1-2.5j`, as Python and NumPy read and write it.
fn complex(re: String, im: &str) -> String {
    let sign = if im.starts_with('-') { "" } else { "+" };
    format!("{re}{sign}{im}j")
}

fn single(value: f32) -> String {
    match has_plain_size(f64::from(value)) {
        true => value.to_string(),
        false => format!("{value:e}").to_lowercase(),
    }
}

fn double(value: f64) -> String {
    match has_plain_size(value) {
        true => value.to_string(),
        false => format!("{value:e}").to_lowercase(),
    }
}

fn has_plain_size(value: f64) -> bool {
    value == 0.0 || (1e-4..1e9).contains(&value.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<(Vec<usize>, Vec<f64>), String> {
        read(text.as_bytes()).map(|array| match array.elements {
            Elements::F64(elements) => (array.shape, elements),
            other => panic!("a table was read as {other:?}"),
        })
    }

    #[test]
    fn complex_numbers_are_read_as_python_writes_them() {
        let cases = [
            ("2.5", Some(([2.5, 0.0], false))),
            ("1-2.5j", Some(([1.0, -2.5], true))),
            ("(1e-3+2e-4j)", Some(([1e-3, 2e-4], true))),
            ("-3j", Some(([0.0, -3.0], true))),
            ("-1e+2-infj", Some(([-100.0, f64::NEG_INFINITY], true))),
            ("j", None),
            ("1+", None),
            ("é", None),
            ("1+2i", None),
        ];
        for (text, number) in cases {
            assert_eq!(complex_number(text), number, "{text}");
        }
    }

    #[test]
    fn separators_headings_comments_and_empty_lines() {
        let expected = Ok((vec![2, 2], vec![1.0, 2.5, -3.0, 4e5]));
        for text in [
            "1,2.5\n-3,4e5\n",
            "1 2.5\n-3   4e5",
            "1;2.5\r\n-3;4e5\r\n",
            "a,b\n1,2.5\n\n-3,4e5",
            "# x\n1\t2.5 # y\n-3\t4e5",
        ] {
            assert_eq!(read_text(text), expected, "{text:?}");
        }
        assert_eq!(read_text(""), Ok((vec![0, 0], vec![])));
        assert_eq!(read_text("inf\n-inf\n"), Ok((vec![2, 1], vec![f64::INFINITY, f64::NEG_INFINITY])));
    }

    #[test]
    fn bad_tables_are_refused_with_the_line() {
        let cases = [
            ("1,2\n3\n", "line 2 has 1 columns where those before have 2"),
            ("1,2\n3,x\n", "line 2: `x` is no number"),
            ("1,2\n3,\n", "line 2: `` is no number"),
        ];
        for (text, message) in cases {
            assert_eq!(read_text(text).unwrap_err(), message);
        }
        assert_eq!(read(&[0xff, 0xfe]).unwrap_err(), "it is neither a .npy file nor text");
    }

    #[test]
    fn numbers_are_written_shortest() {
        let elements = Elements::F32(vec![0.1, 1e-30, -2.0, f32::INFINITY, f32::NAN, 16777216.0]);
        let array = Array { shape: vec![3, 2], elements, written: Written::Text };
        let text = String::from_utf8(write(&array)).unwrap();
        assert_eq!(text, "0.1,1e-30\n-2,inf\nnan,16777216\n");
    }

    #[test]
    fn an_empty_array_is_an_empty_file() {
        for shape in [vec![0, 3], vec![3, 0]] {
            let array = Array { shape, elements: Elements::F64(vec![]), written: Written::Text };
            assert_eq!(write(&array), Vec::<u8>::new());
        }
    }
}
