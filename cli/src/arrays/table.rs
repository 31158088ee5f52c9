//! Tables of decimal numbers: one row a line, columns separated by commas, semicolons, tabs or blanks.

use super::{Array, Elements, Written};

/// Reads a table as float64. A first line without any number is a heading; `#` begins a comment.
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
            let value: f64 = field.parse().map_err(|_| format!("line {number}: `{field}` is no number"))?;
            elements.push(value);
        }
        let columns = elements.len() - before;
        if shape.0 > 0 && columns != shape.1 {
            return Err(format!("line {number} has {columns} columns where those before have {}", shape.1));
        }
        shape = (shape.0 + 1, columns);
    }
    Ok(Array { shape: vec![shape.0, shape.1], elements: Elements::F64(elements), written: Written::Text })
}

fn fields(line: &str) -> Vec<&str> {
    match line.contains([',', ';', '\t']) {
        true => line.split([',', ';', '\t']).map(str::trim).collect(),
        false => line.split_whitespace().collect(),
    }
}

fn is_heading(line: &str) -> bool {
    fields(line).iter().all(|field| field.parse::<f64>().is_err())
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
