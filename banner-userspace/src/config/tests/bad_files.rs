//! Problems of several files at once, and of files as such.

use super::{load, said};

const JAIL: &str = "filter: sshd, logs: [/x]";

#[test]
fn all_problems_of_all_files_are_reported_at_once_in_order() {
    let said = said(&[
        (
            "etc/banner.yaml",
            "jails:\n  sshd: {filter: own, logs: [/x]}\nmode: observe\nignore: [1.2.3]\n\
             include: [jails.d/*.yaml, extra.yaml, /abs/x.yaml]\n",
        ),
        (
            "etc/jails.d/20-web.yaml",
            "jails:\n  web: {filter: sshd, logs: [x]}\n",
        ),
        ("etc/jails.d/10-bad.yaml", "jails:\n  - a\n b: c\n"),
        (
            "etc/jails.d/30-again.yaml",
            "defaults: {}\njails:\n  sshd: {filter: sshd, logs: [/x]}\n",
        ),
        ("etc/filters.d/own.yaml", "fail: x\n"),
    ]);
    assert_eq!(
        said,
        [
            "etc/banner.yaml:3:1: mode: not a key of the main file; it belongs in `defaults` or a jail or an interface",
            "etc/banner.yaml:4:10: ignore[0]: expected an address or prefix such as 192.0.2.7, \
             192.0.2.0/24 or \"2001:db8::/32\", found `1.2.3`",
            "etc/banner.yaml:5:27: include[1]: etc/extra.yaml does not exist",
            "etc/banner.yaml:5:39: include[2]: /abs/x.yaml does not exist",
            "etc/jails.d/10-bad.yaml:3:2: not valid YAML: did not find expected key, \
             while parsing a block mapping",
            "etc/jails.d/20-web.yaml:2:30: jails.web.logs[0]: expected an absolute path or pattern, \
             found `x`; it must begin with a /",
            "etc/jails.d/30-again.yaml:1:1: defaults: not a key of an included file; \
             it belongs in the main file",
            "etc/jails.d/30-again.yaml:3:3: jails.sshd: a jail of this name was given before, \
             at etc/banner.yaml:2:3",
            "etc/filters.d/own.yaml:1:7: fail: expected a list of regular expressions, \
             found `x`; write [x]",
            "9 problems",
        ]
    );
}

#[test]
fn a_main_file_that_does_not_exist_is_named() {
    assert_eq!(said(&[]), ["etc/banner.yaml: does not exist", "1 problem"]);
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    let main = format!("include: ['*.yaml', banner.yaml]\njails: {{a: {{{JAIL}}}}}\n");
    assert_eq!(
        said(&[("etc/banner.yaml", &main)]),
        [
            "etc/banner.yaml:1:11: include[0]: a file cannot include itself",
            "etc/banner.yaml:1:21: include[1]: a file cannot include itself",
            "2 problems",
        ]
    );
}

#[test]
fn a_file_that_is_no_text_is_refused_where_it_stops_being_one() {
    let files: super::InMemory = [("etc/banner.yaml", b"jails:\n  \xc3\xbc: \xff".to_vec())]
        .into_iter()
        .collect();
    let problems = super::load_from("etc/banner.yaml".as_ref(), &files).expect_err("no UTF-8");
    assert_eq!(
        problems.to_string(),
        "etc/banner.yaml:2:6: not UTF-8 text; save the file as UTF-8\n1 problem"
    );
}

#[test]
fn a_file_beyond_all_measure_is_refused_unread() {
    let large = "#".repeat((1 << 20) + 1);
    assert_eq!(
        said(&[("etc/banner.yaml", &large)])[0],
        "etc/banner.yaml: larger than 1 MiB; this is not a configuration file"
    );
}

#[test]
fn aliases_cannot_make_a_file_larger_than_memory() {
    let wide = format!(
        "a: &a [{}]\nb: [{}]\n",
        "x, ".repeat(1000),
        "*a, ".repeat(300)
    );
    let said_of_wide = said(&[("etc/banner.yaml", &wide)]);
    assert!(
        said_of_wide[0].contains("; split the file"),
        "{said_of_wide:?}"
    );

    let mut deep = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..9 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        deep = format!("{deep}a{level}: &a{level} [{items}]\n");
    }
    assert_eq!(
        said(&[("etc/banner.yaml", &deep)])[0],
        "etc/banner.yaml: not valid YAML: repetition limit exceeded; \
         write out what aliases stand for"
    );
}

#[test]
fn beyond_a_hundred_problems_of_a_file_the_rest_is_counted() {
    let mut main = format!("jails: {{a: {{{JAIL}}}}}\n");
    for number in 0..150 {
        main = format!("{main}bad{number}: 1\n");
    }
    let said = said(&[("etc/banner.yaml", &main)]);
    assert_eq!(said.len(), 101);
    assert!(
        said[99].starts_with("etc/banner.yaml:101:1: bad99: "),
        "{}",
        said[99]
    );
    assert_eq!(said[100], "150 problems, of which 50 are not shown");
}

#[test]
fn an_included_file_that_is_empty_is_worth_a_warning_only() {
    let main = format!("include: [a.yaml]\njails: {{a: {{{JAIL}}}}}\n");
    let config = load(&[("etc/banner.yaml", &main), ("etc/a.yaml", "# jails:\n")]);
    let warnings = config.expect("a good configuration").warnings;
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["etc/a.yaml: the file is empty"]);
}
