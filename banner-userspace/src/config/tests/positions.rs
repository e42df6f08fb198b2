//! The position of every node and key, by all ways of writing YAML.

use crate::config::yaml::{FileId, Kind, Node, locate, parse};

/// Every key and scalar of the text, as `line:column text` in the order of the walk.
fn positions(text: &str) -> Vec<String> {
    let node = parse(FileId(0), text).expect("YAML");
    let mut found = Vec::new();
    collect(text, &node, &mut found);
    found
}

fn collect(text: &str, node: &Node, found: &mut Vec<String>) {
    let mut add = |ordinal: u32, what: &str| {
        let point = locate(text, ordinal).expect("a position");
        found.push(format!("{}:{} {what}", point.line, point.column));
    };
    match &node.kind {
        Kind::List(items) => {
            add(node.spot.ordinal, "[");
            for item in items {
                collect(text, item, found);
            }
        }
        Kind::Mapping(entries) => {
            add(node.spot.ordinal, "{");
            for (key, value) in entries {
                let point = locate(text, key.spot.ordinal).expect("a position");
                found.push(format!("{}:{} {}", point.line, point.column, key.text));
                collect(text, value, found);
            }
        }
        Kind::Text(value) => add(node.spot.ordinal, value),
        Kind::Int(value) => add(node.spot.ordinal, &value.to_string()),
        Kind::Float(value) => add(node.spot.ordinal, &value.to_string()),
        Kind::Bool(value) => add(node.spot.ordinal, &value.to_string()),
        Kind::Null => add(node.spot.ordinal, "null"),
        Kind::Tagged(tag) => add(node.spot.ordinal, &format!("!{tag}")),
    }
}

#[test]
fn positions_are_those_of_the_text() {
    let rows: &[(&str, &str, &[&str])] = &[
        (
            "block style",
            "a: 1\nb:\n  c: x\n  d:\n    - y\n    -   e: z\n",
            &[
                "1:1 {", "1:1 a", "1:4 1", "2:1 b", "3:3 {", "3:3 c", "3:6 x", "4:3 d", "5:5 [",
                "5:7 y", "6:9 {", "6:9 e", "6:12 z",
            ],
        ),
        (
            "a list that is not indented",
            "a:\n- x\n- y\n",
            &["1:1 {", "1:1 a", "2:1 [", "2:3 x", "3:3 y"],
        ),
        (
            "flow style over lines",
            "{a: {b: [1,\n 2]}, c: {}, d: [],\n e: true}",
            &[
                "1:1 {", "1:2 a", "1:5 {", "1:6 b", "1:9 [", "1:10 1", "2:2 2", "2:7 c", "2:10 {",
                "2:14 d", "2:17 [", "3:2 e", "3:5 true",
            ],
        ),
        (
            "quoted texts and texts of several lines",
            "'a': \"x\"\nb: |\n  y\n  z\nc: >-\n  v\n  w\nd: 'p\n  q'\n",
            &[
                "1:1 {",
                "1:1 a",
                "1:6 x",
                "2:1 b",
                "2:4 y\nz\n",
                "5:1 c",
                "5:4 v w",
                "8:1 d",
                "8:4 p q",
            ],
        ),
        (
            "an alias has the positions of what it stands for",
            "a: &x\n  k: 1\nb: *x\nc: [&y 5, *y, 6]\n",
            &[
                "1:1 {", "1:1 a", "1:4 {", "2:3 k", "2:6 1", "3:1 b", "1:4 {", "2:3 k", "2:6 1",
                "4:1 c", "4:4 [", "4:5 5", "4:5 5", "4:15 6",
            ],
        ),
        (
            "columns count characters",
            "é: [ü, ö]\n",
            &["1:1 {", "1:1 é", "1:4 [", "1:5 ü", "1:8 ö"],
        ),
        (
            "tags, comments, a document marker, CRLF",
            "---\r\n# c\r\na: !t 5 # d\r\nb: !t {c: !u x}\r\ne: !!str 7\r\n",
            &[
                "3:1 {", "3:1 a", "3:4 !t", "4:1 b", "4:4 !t", "5:1 e", "5:4 7",
            ],
        ),
        (
            "explicit keys and keys that look like other types",
            "? 22\n: x\nnull: y\n1.5: z\n",
            &[
                "1:1 {", "1:3 22", "2:3 x", "3:1 null", "3:7 y", "4:1 1.5", "4:6 z",
            ],
        ),
        (
            "numbers and words",
            "[1, -1, 0x10, 1.5, ~, yes, 1:30, 010, 340282366920938463463374607431768211455]",
            &[
                "1:1 [",
                "1:2 1",
                "1:5 -1",
                "1:9 16",
                "1:15 1.5",
                "1:20 null",
                "1:23 yes",
                "1:28 1:30",
                "1:34 010",
                "1:39 340282366920938463463374607431768211455",
            ],
        ),
    ];
    for (what, text, expected) in rows {
        assert_eq!(positions(text), *expected, "{what}");
    }
}
