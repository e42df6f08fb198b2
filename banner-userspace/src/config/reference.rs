use std::fmt::Write as _;

use super::section::{Default, Section};
use super::sections::SECTIONS;

/// The reference of all keys as Markdown: a heading, a sentence and a table for each kind of
/// mapping.
pub fn reference() -> String {
    SECTIONS.iter().map(|section| table(section)).collect()
}

fn table(section: &Section) -> String {
    let mut name = section.name.replace('`', "");
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut text = format!(
        "### {name}\n\n{}\n\n| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n",
        section.about
    );
    for setting in section.settings {
        let default = match setting.default() {
            Default::Required => "required".to_owned(),
            Default::Value(value) => format!("`{value}`"),
            Default::Words(words) => words.to_owned(),
        };
        let cells = [
            format!("`{}`", setting.name()),
            setting.describe(),
            default,
            setting.meaning().to_owned(),
        ]
        .map(|cell| escaped(&cell));
        writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all");
    }
    text.push('\n');
    text
}

/// `|` ends a cell, and `<HOST>` outside of code is taken for HTML.
fn escaped(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut code = false;
    for c in cell.chars() {
        code ^= c == '`';
        match c {
            '|' => text.push_str("\\|"),
            '*' | '<' | '_' if !code => {
                text.push('\\');
                text.push(c);
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str =
        "<!-- Generated from the types: UPDATE_DOCS=1 cargo test -p banner-userspace docs -->\n";
    const END: &str = "<!-- End of the generated part. -->\n";

    #[test]
    fn docs_configuration_md_holds_the_reference() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let text = std::fs::read_to_string(path).expect("docs/configuration.md");
        let (before, rest) = text.split_once(BEGIN).expect("the first marker");
        let (_, after) = rest.split_once(END).expect("the second marker");
        let current = format!("{before}{BEGIN}\n{}{END}{after}", reference());
        if text == current {
            return;
        }
        assert!(
            std::env::var_os("UPDATE_DOCS").is_some(),
            "docs/configuration.md is stale: UPDATE_DOCS=1 cargo test -p banner-userspace docs"
        );
        std::fs::write(path, current).expect("docs/configuration.md can be written");
    }

    #[test]
    fn every_key_has_a_row_and_every_default_reads() {
        let text = reference();
        for setting in SECTIONS.iter().flat_map(|section| section.settings) {
            let row = format!(
                "| `{}` | {} |",
                setting.name(),
                escaped(&setting.describe())
            );
            assert!(text.contains(&row), "{row}");
            assert!(setting.meaning().ends_with('.'), "{}", setting.name());
            if let Default::Value(value) = setting.default() {
                assert!(setting.accepts(value), "{} {value}", setting.name());
            }
        }
    }

    #[test]
    fn a_cell_cannot_break_its_table() {
        assert_eq!(
            escaped("a|b <HOST> `x_y|<z>` *"),
            "a\\|b \\<HOST> `x_y\\|<z>` \\*"
        );
    }
}
